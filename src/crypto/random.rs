//! Randomness as something that is handed in, so that a test can hand in its own.

use std::fmt;

/// A source of octets that nobody can predict.
pub trait Random {
    /// Fills the whole slice.
    ///
    /// # Errors
    /// The source has nothing to give; the octets must not be used then.
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomUnavailable;

impl fmt::Display for RandomUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system's source of randomness failed")
    }
}

impl std::error::Error for RandomUnavailable {}
