//! Files that the configuration names: read within a bound, and remembered so that a change is noticed.

use super::{Located, Problem};
use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest file that a setting may name, in octets: key files, certificates, small lists.
const MAX_FILE: u64 = 1 << 20;

/// Reads named files relative to the folder of the configuration file.
#[derive(Debug)]
pub struct Files {
    base: PathBuf,
    named: RefCell<Vec<PathBuf>>,
    secret: RefCell<Vec<PathBuf>>,
}

impl Files {
    /// Files relative to `base`.
    pub fn below(base: &Path) -> Self {
        Self { base: base.to_owned(), named: RefCell::default(), secret: RefCell::default() }
    }

    /// The content of the file that a setting names, at most 1 MiB.
    pub fn read(&self, name: &Located<PathBuf>) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let path = self.resolve(name);
        self.named.borrow_mut().push(path.clone());
        read_bounded(&path)
            .map_err(|found| Problem::new(name.at(), format!("the file {}, which {found}", path.display()), "a readable file"))
    }

    /// The same of a file that nobody else should read, whatever is in it.
    ///
    /// # Errors
    /// The same.
    pub fn read_secret(&self, name: &Located<PathBuf>) -> Result<Zeroizing<Vec<u8>>, Problem> {
        self.secret.borrow_mut().push(self.resolve(name));
        self.read(name)
    }

    /// The files in a folder, sorted. A file that is added or taken away is noticed, too.
    ///
    /// # Errors
    /// The folder cannot be read; the problem names it.
    pub fn list(&self, folder: &Located<PathBuf>) -> Result<Vec<PathBuf>, Problem> {
        let path = self.resolve(folder);
        self.named.borrow_mut().push(path.clone());
        let told = |error: std::io::Error| {
            Problem::new(folder.at(), format!("the folder {}, which {}", path.display(), told(&error)), "a readable folder")
        };
        let entries = std::fs::read_dir(&path).map_err(told)?;
        let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(told)?;
        files.sort_unstable();
        Ok(files)
    }

    /// Where a named file is.
    pub fn resolve(&self, name: &Path) -> PathBuf {
        self.base.join(name)
    }

    /// Every file read so far: a change of one of them is a reason to reload.
    pub fn named(&self) -> Vec<PathBuf> {
        self.named.borrow().clone()
    }

    /// Those of them that nobody else should read, as far as their settings say so.
    pub fn secret(&self) -> Vec<PathBuf> {
        self.secret.borrow().clone()
    }
}

fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut content = Zeroizing::new(Vec::new());
    let file = std::fs::File::open(path).map_err(|error| told(&error))?;
    let read = file.take(MAX_FILE + 1).read_to_end(&mut content);
    match read {
        Err(error) => Err(told(&error)),
        Ok(length) if u64::try_from(length).unwrap_or(u64::MAX) > MAX_FILE => Err("is larger than 1 MiB".to_owned()),
        Ok(_) => Ok(content),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the standard library adds kinds of errors")]
fn told(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not read".to_owned(),
        _ => format!("cannot be read ({error})"),
    }
}
