//! Everything that is wrong with a configuration file, for people and for editors.

use super::quote::one_line;
use crate::setting::Problem;
use std::fmt;
use std::path::{Path, PathBuf};

/// The most problems that are kept of one file: nobody mends more in one go.
pub(super) const MAX_PROBLEMS: usize = 1_000;

/// The problems of one file, sorted by place: one line each, and a line that counts them.
///
/// Lines of the file are not repeated, since a secret may stand in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    file: PathBuf,
    problems: Vec<Problem>,
}

impl Report {
    /// The report on `file`.
    pub fn new(file: &Path, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(Problem::at);
        Self { file: file.to_owned(), problems }
    }

    /// The problems, sorted by place.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{}:{}", self.file.display(), one_line(&problem.to_string(), usize::MAX))?;
        }
        match self.problems.len() {
            1 => f.write_str("1 problem"),
            count if count >= MAX_PROBLEMS => write!(f, "{count} problems, and perhaps more"),
            count => write!(f, "{count} problems"),
        }
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Position;

    #[test]
    fn problems_are_sorted_and_counted() {
        let late = Problem::new(Position::new(12, 3), "a\nb", "text");
        let early = Problem::new(Position::new(2, 14), "`x`", "`y`").suggest("`y`");
        let report = Report::new(Path::new("etc/p.yaml"), vec![late.clone(), early]);
        let expected = "etc/p.yaml:2:14: found `x`, expected `y`; did you mean `y`?\n\
                        etc/p.yaml:12:3: found a\\nb, expected text\n\
                        2 problems";
        assert_eq!(report.to_string(), expected);
        assert!(Report::new(Path::new("p"), vec![late]).to_string().ends_with("\n1 problem"));
    }
}
