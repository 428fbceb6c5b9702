//! Why a command failed, and how the person who called it is told.

use crate::config::Report;
use crate::gateway::ServeError;
use crate::telemetry::output::OutputError;
use std::io::Write;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// A configuration file has problems. Each line of the report starts with the file, so that editors find the place.
    Report(Report),
    /// Anything else, in words.
    Reason(String),
    /// The command worked and its answer, printed already, is no.
    Refused,
}

impl Failure {
    /// Writes the reason to standard error; nobody is left to tell when that fails.
    pub(super) fn tell(&self) {
        let mut stderr = std::io::stderr().lock();
        let _ = match self {
            Self::Report(report) => writeln!(stderr, "{report}"),
            Self::Reason(reason) => writeln!(stderr, "portcullis: {reason}"),
            Self::Refused => Ok(()),
        };
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Report(report)
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::Reason(error.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::Reason(error.to_string())
    }
}
