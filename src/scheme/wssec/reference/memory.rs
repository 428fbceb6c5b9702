//! What references led to: bounded in octets, each asked for once however many wait for it.

use super::Unresolved;
use crate::clock::UnixTime;
use crate::crypto::DIGEST_LENGTH;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// What an entry costs beside its token: digest, expiry, links and slots, rounded up.
const ENTRY_OCTETS: u64 = 192;

type Digest = [u8; DIGEST_LENGTH];
/// A token's octets, or why there are none.
pub(super) type Outcome = Result<Arc<[u8]>, Unresolved>;

/// Outcomes by the SHA-256 of their reference.
pub(super) struct Memory(Cache<Digest, Entry, ByOctets>);

#[derive(Clone)]
struct Entry {
    outcome: Outcome,
    expires: UnixTime,
}

impl Memory {
    /// Room for `limit` octets; `largest` is the most octets of one token.
    pub(super) fn bounded(limit: u64, largest: u64) -> Self {
        // The cache divides its room so that each part takes dozens of such items: the largest token fits.
        let items = usize::try_from(limit.div_ceil(largest.max(1))).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(items, limit, ByOctets))
    }

    /// The outcome, unless it is over at `now`.
    pub(super) fn find(&self, reference: &Digest, now: UnixTime) -> Option<Outcome> {
        let entry = self.0.get(reference)?;
        if now < entry.expires {
            return Some(entry.outcome);
        }
        // Somebody else may have put a new one in place meanwhile.
        self.0.remove_if(reference, |entry| entry.expires <= now);
        None
    }

    /// What `load` yields; of those who wait for the same, one runs its own and the others share what came of it.
    /// If that one gives up, the next one takes over. With the outcome comes for how many seconds it is kept.
    pub(super) async fn load(&self, reference: &Digest, now: UnixTime, load: impl Future<Output = (Outcome, u64)>) -> Outcome {
        // What is found here arrived after we asked: it is new enough, also where nobody may keep it.
        let place = match self.0.get_value_or_guard_async(reference).await {
            Ok(entry) => return entry.outcome,
            Err(place) => place,
        };
        let (outcome, seconds) = load.await;
        let entry = Entry { outcome: outcome.clone(), expires: now.later(seconds) };
        // Where the place is gone, or there is no room, those who wait are told all the same.
        let _ = place.insert(entry);
        if seconds == 0 {
            self.0.remove_if(reference, |entry| entry.expires <= now);
        }
        outcome
    }

    #[cfg(test)]
    pub(super) fn octets(&self) -> u64 {
        self.0.weight()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}

#[derive(Clone)]
struct ByOctets;

impl Weighter<Digest, Entry> for ByOctets {
    fn weight(&self, _: &Digest, entry: &Entry) -> u64 {
        let token = entry.outcome.as_ref().map_or(0, |token| token.len());
        u64::try_from(token).unwrap_or(u64::MAX).saturating_add(ENTRY_OCTETS)
    }
}
