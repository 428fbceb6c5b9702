//! Settings of a fetcher, wherever they stand, to a fetcher; their problems are told at their places.

use super::{Cleartext, Fetcher, FetcherProblem, FetcherSettings, Lookup, Reach, Trust};
use crate::setting::{ByteSize, Files, Located, Period, Position, Problem};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The most documents on their way at once.
const MAX_PARALLEL: u16 = 1024;
/// The longest that any document may take.
const MAX_TIMEOUT: Period = Period::from_secs(30);

/// The settings that say how documents are fetched.
#[derive(Clone, Copy, Debug)]
pub struct FetchTerms<'a> {
    /// The longest that a document may take, at most 30s.
    pub timeout: &'a Located<Period>,
    /// The most octets of a document.
    pub max_size: &'a Located<ByteSize>,
    /// The most documents on their way at once.
    pub max_parallel: &'a Located<u16>,
    /// PEM certificates of the authorities that vouch for the hosts, in place of the system's.
    pub ca_file: Option<&'a Located<PathBuf>>,
    /// How far names may lead.
    pub reach: Reach,
    /// Whether `http` may be asked for.
    pub cleartext: Cleartext,
    /// Where something that is missing is told.
    pub at: Position,
}

/// PEM text of authorities; none where the system's are believed.
pub type Authorities = Option<Zeroizing<Vec<u8>>>;

impl FetchTerms<'_> {
    /// Checks time, size and number, and reads the authorities.
    ///
    /// # Errors
    /// All that is wrong with them; `most` is the largest document, and `expected` says so.
    pub fn check(&self, most: ByteSize, expected: &str, files: &Files) -> Result<Authorities, Vec<Problem>> {
        let (Self { timeout, max_size, max_parallel, .. }, mut problems) = (*self, Vec::new());
        if **timeout > MAX_TIMEOUT || timeout.duration().is_zero() {
            problems.push(Problem::new(timeout.at(), format!("{:?}", **timeout), "a time between 1ms and 30s"));
        }
        if **max_size > most || max_size.octets() == 0 {
            problems.push(Problem::new(max_size.at(), format!("{:?}", **max_size), expected));
        }
        if **max_parallel == 0 || **max_parallel > MAX_PARALLEL {
            problems.push(Problem::new(max_parallel.at(), max_parallel.to_string(), "a number between 1 and 1024"));
        }
        match self.ca_file.map(|name| files.read(name)).transpose() {
            Ok(authorities) if problems.is_empty() => return Ok(authorities),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
        Err(problems)
    }

    /// The fetcher, once the settings were checked.
    ///
    /// # Errors
    /// There is nobody who could vouch for hosts, or no TLS.
    pub fn build(&self, authorities: &Authorities, lookup: Arc<dyn Lookup>) -> Result<Fetcher, Problem> {
        let settings = FetcherSettings {
            timeout: self.timeout.duration(),
            max_size: self.max_size.length(),
            max_parallel: usize::from(**self.max_parallel),
            trust: authorities.as_ref().map_or(Trust::Platform, |pem| Trust::Only(pem)),
            reach: self.reach,
            cleartext: self.cleartext,
        };
        Fetcher::build(&settings, lookup).map_err(|problem| self.told(problem))
    }

    fn told(&self, problem: FetcherProblem) -> Problem {
        let at = self.ca_file.map_or(self.at, Located::at);
        match problem {
            FetcherProblem::NoTlsProvider => Problem::new(at, "no TLS provider in this process", "one installed at its start"),
            FetcherProblem::Anchors => Problem::new(at, "a file without readable certificates of authorities", "at least one in PEM"),
            FetcherProblem::NoSystemAnchors => {
                Problem::new(at, "no authorities of the system", "`ca_file` with those that vouch for the hosts")
            }
        }
    }
}
