//! What must outlive a request.

#[cfg(test)]
mod battery;
mod holder_keys;
mod key;
mod replay;
mod revocations;
mod shared;
mod verdicts;

pub use holder_keys::HolderKeys;
pub use key::KEY_LENGTH;
pub use replay::{Mark, MemoryReplayLog, Namespace, NotMarked, ReplayCounts, ReplayLog};
pub use revocations::{ContextFacts, MemoryRevocations, Revocations, RevocationsFull, Subject};
pub use shared::{StoreSizes, Stores};
pub use verdicts::{CacheCounts, VerdictCache};
