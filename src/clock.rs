//! The only reader of time; everybody else is handed a [`UnixTime`] or an [`Instant`].

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970-01-01T00:00:00Z, as tokens state them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The time `seconds` after the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// This time moved into the future by `seconds`; stops at the largest representable time.
    pub const fn later(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// This time moved into the past by `seconds`; stops at the epoch.
    pub const fn earlier(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

/// Reads the wall clock, in whole seconds. A clock before the epoch reads as the epoch, so that
/// every token is then too new rather than valid for ever.
#[allow(clippy::disallowed_methods, reason = "this is the one reader of wall time")]
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(since.as_secs())
}

/// Reads the monotonic clock, for durations and deadlines.
#[allow(clippy::disallowed_methods, reason = "this is the one reader of monotonic time")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Reads the wall clock with its fraction of a second, for the time stamp of a log line.
#[allow(clippy::disallowed_methods, reason = "this is the one reader of wall time")]
pub fn stamp() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
