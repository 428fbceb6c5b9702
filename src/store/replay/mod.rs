//! The log of first uses: what may be used once is marked here, and refused the second time.

mod memory;
mod shard;

pub use memory::MemoryReplayLog;

use super::key::{KEY_LENGTH, key_of};
use crate::clock::UnixTime;
use std::future::Future;

/// Remembers what was used, for as long as it could be used again.
///
/// A log is exact: what was never marked is not refused as seen, and a mark is not forgotten before its
/// time to make room. It outlives reloads: one is made per process, and schemes share it.
pub trait ReplayLog: Send + Sync {
    /// Marks a first use. Of several calls with the same key exactly one succeeds. Set the mark last, after
    /// everything else about the request held.
    ///
    /// # Errors
    /// See [`NotMarked`]; the request must be refused.
    fn mark(&self, mark: Mark, now: UnixTime) -> impl Future<Output = Result<(), NotMarked>> + Send;

    /// Whether this log can answer for a request made at `made`: one in memory knows nothing of what was used
    /// before it began, in whole seconds, and what is older must be refused.
    fn admits(&self, made: UnixTime) -> bool;

    /// What the log holds, and how it has served.
    fn counts(&self) -> ReplayCounts;
}

/// One use of something that may be used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What is used, from [`Namespace::key`].
    pub key: [u8; KEY_LENGTH],
    /// The last second in which it could be used again if it were forgotten; remembered through that second.
    pub until: UnixTime,
}

/// Why a use was not marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMarked {
    /// It was used before.
    Seen,
    /// There is no room, and nothing that is still needed is forgotten to make some.
    Full,
    /// It was over before it could be remembered: whether it was used before is not known.
    TooOld,
}

/// What a log holds, and how it has served since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    /// Marks held now, among them some that are over and not cleared away yet.
    pub entries: u64,
    /// The most marks that can be held.
    pub room: u64,
    /// First uses that were marked.
    pub marked: u64,
    /// Uses that were refused because they were not the first.
    pub replays: u64,
    /// Uses that were refused because there was no room.
    pub refused_full: u64,
}

/// Whose nonces these are: nobody can use up those of somebody else. Worth keeping beside a key that is used
/// often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace([u8; KEY_LENGTH]);

impl Namespace {
    /// The nonces that are used with one key (its octets, thumbprint or identifier) of one token issuer under
    /// one configured scheme.
    pub fn new(scheme: &str, issuer: &str, key: &[u8]) -> Self {
        Self(key_of([scheme.as_bytes(), issuer.as_bytes(), key]))
    }

    /// The key under which a nonce is marked.
    pub fn key(&self, nonce: &[u8]) -> [u8; KEY_LENGTH] {
        key_of([self.0.as_slice(), nonce])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_of_one_are_not_those_of_another() {
        let mine = Namespace::new("partners", "https://sts.example", b"key");
        assert_eq!(mine.key(b"nonce"), Namespace::new("partners", "https://sts.example", b"key").key(b"nonce"));
        assert_ne!(mine.key(b"nonce"), mine.key(b"nonce2"));
        for other in [
            Namespace::new("partner", "https://sts.example", b"key"),
            Namespace::new("partners", "https://sts.example/", b"key"),
            Namespace::new("partners", "https://sts.example", b"kex"),
            Namespace::new("partnersh", "ttps://sts.example", b"key"),
            Namespace::new("partners", "https://sts.examplek", b"ey"),
        ] {
            assert_ne!(mine.key(b"nonce"), other.key(b"nonce"), "{other:?}");
        }
    }
}
