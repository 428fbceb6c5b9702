//! One thing that was looked at.

use std::fmt;

/// What was found, and what to do about it where that is something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    what: Box<str>,
    advice: Box<str>,
}

impl Finding {
    /// Nothing to do.
    pub(super) fn fine(what: impl Into<Box<str>>) -> Self {
        Self { what: what.into(), advice: Box::default() }
    }

    /// Something that slows or breaks the gateway, and what to do.
    pub(super) fn concern(what: impl Into<Box<str>>, advice: impl Into<Box<str>>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }

    /// Whether there is something to do.
    pub(super) const fn is_concern(&self) -> bool {
        !self.advice.is_empty()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_concern() { writeln!(f, "  !! {}\n     {}", self.what, self.advice) } else { writeln!(f, "  ok {}", self.what) }
    }
}
