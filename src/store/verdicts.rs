//! Verdicts already reached, by the SHA-256 of the token: never served once they are over, bounded in octets.
//!
//! A cache belongs to one built scheme, so that a verdict under one configuration is never served under
//! another: a reload starts with an empty one.

use crate::clock::UnixTime;
use crate::crypto::DIGEST_LENGTH;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, Weighter};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What an entry costs beside its verdict: digest, expiry, weight, links and slots, rounded up.
const ENTRY_OCTETS: u64 = 128;
/// A guess at the weight of an entry, from which the cache sizes its shards.
const TYPICAL_OCTETS: u64 = 512;

/// Positive verdicts of one scheme.
pub struct VerdictCache<V> {
    memory: Memory<V>,
    counters: Arc<Counters>,
}

/// How a cache has served, since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Verdicts found.
    pub hits: u64,
    /// Verdicts not found, or over.
    pub misses: u64,
    /// Verdicts dropped to make room, or never taken in because they are larger than the room there is.
    pub evictions: u64,
    /// Verdicts held now.
    pub entries: u64,
    /// Octets held now.
    pub octets: u64,
}

enum Memory<V> {
    Off,
    On(Cache<Digest, Verdict<V>, ByOctets, BuildHasherDefault<DigestHasher>, CountEvictions>),
}

type Digest = [u8; DIGEST_LENGTH];

#[derive(Clone)]
struct Verdict<V> {
    value: V,
    expires: UnixTime,
    octets: u64,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl<V: Clone> VerdictCache<V> {
    /// A cache of at most `limit` octets; with 0 it remembers nothing.
    pub fn bounded(limit: u64) -> Self {
        let counters = Arc::new(Counters::default());
        if limit == 0 {
            return Self { memory: Memory::Off, counters };
        }
        let typical = usize::try_from(limit.div_ceil(TYPICAL_OCTETS)).unwrap_or(usize::MAX);
        let lifecycle = CountEvictions(Arc::clone(&counters));
        Self { memory: Memory::On(Cache::with(typical, limit, ByOctets, BuildHasherDefault::default(), lifecycle)), counters }
    }

    /// The verdict on the token with this digest, unless it is over at `now`.
    pub fn find(&self, token: &Digest, now: UnixTime) -> Option<V> {
        let Memory::On(cache) = &self.memory else { return None };
        match cache.get(token) {
            Some(verdict) if now < verdict.expires => {
                self.counters.hits.fetch_add(1, Relaxed);
                return Some(verdict.value);
            }
            Some(_) => drop(cache.remove(token)),
            None => {}
        }
        self.counters.misses.fetch_add(1, Relaxed);
        None
    }

    /// Remembers a verdict that holds `octets` of memory, until `expires` at the latest.
    pub fn keep(&self, token: &Digest, value: V, octets: usize, expires: UnixTime) {
        if let Memory::On(cache) = &self.memory {
            let octets = u64::try_from(octets).unwrap_or(u64::MAX).saturating_add(ENTRY_OCTETS);
            cache.insert(*token, Verdict { value, expires, octets });
        }
    }

    /// How the cache has served so far.
    pub fn counts(&self) -> CacheCounts {
        let (entries, octets) = match &self.memory {
            Memory::Off => (0, 0),
            Memory::On(cache) => (u64::try_from(cache.len()).unwrap_or(u64::MAX), cache.weight()),
        };
        let Counters { hits, misses, evictions } = &*self.counters;
        CacheCounts { hits: hits.load(Relaxed), misses: misses.load(Relaxed), evictions: evictions.load(Relaxed), entries, octets }
    }
}

#[derive(Clone)]
struct ByOctets;

impl<V> Weighter<Digest, Verdict<V>> for ByOctets {
    fn weight(&self, _: &Digest, verdict: &Verdict<V>) -> u64 {
        verdict.octets
    }
}

#[derive(Clone)]
struct CountEvictions(Arc<Counters>);

impl<V> Lifecycle<Digest, Verdict<V>> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Digest, _: Verdict<V>) {
        self.0.evictions.fetch_add(1, Relaxed);
    }
}

/// A digest is as good as random already: its first octets are its hash.
#[derive(Clone, Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, octets: &[u8]) {
        if let Some(first) = octets.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length that precedes the octets of an array is the same for every key.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    const NOW: UnixTime = UnixTime::from_seconds(1000);

    #[test]
    fn a_verdict_is_served_until_it_is_over_and_not_a_second_longer() {
        let cache = VerdictCache::bounded(1 << 20);
        let digest = sha256(b"token");
        assert_eq!(cache.find(&digest, NOW), None);
        cache.keep(&digest, 7, 100, NOW.later(10));
        assert_eq!(cache.find(&digest, NOW), Some(7));
        assert_eq!(cache.find(&digest, NOW.later(9)), Some(7));
        assert_eq!(cache.find(&sha256(b"other"), NOW), None);
        assert_eq!(cache.find(&digest, NOW.later(10)), None);
        assert_eq!(cache.find(&digest, NOW), None, "what was over is gone");
        assert_eq!(cache.counts(), CacheCounts { hits: 2, misses: 4, evictions: 0, entries: 0, octets: 0 });
    }

    #[test]
    fn a_limit_of_nothing_remembers_nothing() {
        let cache = VerdictCache::bounded(0);
        cache.keep(&sha256(b"token"), 7, 0, NOW.later(10));
        assert_eq!(cache.find(&sha256(b"token"), NOW), None);
        assert_eq!(cache.counts(), CacheCounts::default());
    }

    #[test]
    fn the_limit_in_octets_holds_under_a_flood() {
        let limit = 64 << 10;
        let cache = VerdictCache::bounded(limit);
        for number in 0..2_000_u32 {
            cache.keep(&sha256(&number.to_le_bytes()), number, 1024, NOW.later(10));
        }
        let counts = cache.counts();
        assert!(counts.octets <= limit, "{counts:?}");
        assert!(counts.entries >= 30, "{counts:?}");
        assert_eq!(counts.entries + counts.evictions, 2_000);
    }

    #[test]
    fn what_is_larger_than_the_room_is_not_taken_in() {
        let cache = VerdictCache::bounded(4 << 10);
        cache.keep(&sha256(b"huge"), 1, usize::MAX, NOW.later(10));
        assert_eq!(cache.find(&sha256(b"huge"), NOW), None);
        assert_eq!(cache.counts().octets, 0);
    }

    #[test]
    fn a_hot_verdict_survives_a_flood_of_others() {
        let cache = VerdictCache::bounded(256 << 10);
        let hot = sha256(b"hot");
        cache.keep(&hot, 0, 512, NOW.later(10));
        for number in 0..4_000_u32 {
            assert_eq!(cache.find(&hot, NOW), Some(0), "lost after {number}");
            cache.keep(&sha256(&number.to_le_bytes()), number, 512, NOW.later(10));
        }
    }
}
