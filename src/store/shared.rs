//! The stores that a process has once, whatever configuration is in force: a reload must not forget first uses.

use super::{HolderKeys, MemoryReplayLog, MemoryRevocations};
use crate::clock::UnixTime;
use crate::crypto::{Random, RandomUnavailable};

/// How much the stores may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSizes {
    /// Marks of first uses.
    pub replay_marks: usize,
    /// Revocations of contexts.
    pub revocations: usize,
    /// Keys of holders.
    pub holder_keys: usize,
}

/// What all schemes of a process share.
pub struct Stores {
    /// What was used once.
    pub replay: MemoryReplayLog,
    /// What was revoked before its end.
    pub revocations: MemoryRevocations,
    /// Who proved before to hold a key.
    pub holder_keys: HolderKeys,
}

impl Stores {
    /// Empty stores of a process that began at `began`.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn new(sizes: StoreSizes, began: UnixTime, random: &impl Random) -> Result<Self, RandomUnavailable> {
        let replay = MemoryReplayLog::with_room(sizes.replay_marks, began, random)?;
        let revocations = MemoryRevocations::with_room(sizes.revocations);
        Ok(Self { replay, revocations, holder_keys: HolderKeys::with_room(sizes.holder_keys) })
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores(…)")
    }
}
