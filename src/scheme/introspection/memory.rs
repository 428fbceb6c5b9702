//! Verdicts on tokens that were asked about: bounded in octets, each reached once however many wait for it.

use crate::clock::UnixTime;
use crate::crypto::DIGEST_LENGTH;
use crate::scheme::{Principal, Refusal};
use crate::store::CacheCounts;
use moka::Expiry;
use moka::future::Cache;
use moka::notification::RemovalCause;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What an entry costs beside its principal: digest, times, links and slots, rounded up.
const ENTRY_OCTETS: usize = 320;

type Digest = [u8; DIGEST_LENGTH];
/// Who it is, or why nobody.
pub(super) type Verdict = Result<Arc<Principal>, Refusal>;

/// Verdicts by the SHA-256 of their token.
pub(super) struct Verdicts {
    cache: Cache<Digest, Entry>,
    counters: Arc<Counters>,
}

/// A verdict, and for how long it stands.
#[derive(Clone)]
pub(super) struct Entry {
    verdict: Verdict,
    expires: UnixTime,
    lasts: Duration,
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl Entry {
    /// A verdict of `now` that stands for so many seconds; with none it is for those who wait for it now.
    pub(super) const fn new(verdict: Verdict, now: UnixTime, seconds: u64) -> Self {
        Self { verdict, expires: now.later(seconds), lasts: Duration::from_secs(seconds) }
    }

    fn octets(&self) -> u32 {
        let principal = self.verdict.as_ref().map_or(0, |principal| principal.octets());
        u32::try_from(principal.saturating_add(ENTRY_OCTETS)).unwrap_or(u32::MAX)
    }
}

impl Verdicts {
    /// Room for `limit` octets.
    pub(super) fn bounded(limit: u64) -> Self {
        let counters = Arc::new(Counters::default());
        let ours = Arc::clone(&counters);
        let cache = Cache::builder()
            .max_capacity(limit)
            .weigher(|_, entry: &Entry| entry.octets())
            .expire_after(Lasting)
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    ours.evictions.fetch_add(1, Relaxed);
                }
            })
            .build();
        Self { cache, counters }
    }

    /// The verdict, unless it is over at `now`.
    pub(super) async fn find(&self, token: &Digest, now: UnixTime) -> Option<Verdict> {
        let entry = self.cache.get(token).await.filter(|entry| now < entry.expires);
        let count = if entry.is_some() { &self.counters.hits } else { &self.counters.misses };
        count.fetch_add(1, Relaxed);
        entry.map(|entry| entry.verdict)
    }

    /// What `reach` yields; of those who wait for the same token one runs its own, and the others share what came of
    /// it, also where nobody may keep it.
    pub(super) async fn load(&self, token: Digest, now: UnixTime, reach: impl Future<Output = Entry>) -> Verdict {
        let loaded = self.cache.entry(token).or_insert_with_if(reach, |entry| entry.expires <= now).await;
        loaded.into_value().verdict
    }

    /// How the memory has served so far; what it holds is told as of a moment ago.
    pub(super) fn counts(&self) -> CacheCounts {
        let Counters { hits, misses, evictions } = &*self.counters;
        CacheCounts {
            hits: hits.load(Relaxed),
            misses: misses.load(Relaxed),
            evictions: evictions.load(Relaxed),
            entries: self.cache.entry_count(),
            octets: self.cache.weighted_size(),
        }
    }
}

impl fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verdicts(…)")
    }
}

/// Frees the memory of verdicts that are over; whether one is over is asked of the request's own time.
struct Lasting;

impl Expiry<Digest, Entry> for Lasting {
    fn expire_after_create(&self, _: &Digest, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.lasts)
    }

    fn expire_after_update(&self, _: &Digest, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Rejection;
    use std::future::pending;

    const NOW: UnixTime = UnixTime::from_seconds(1_000);

    fn inactive(now: UnixTime, seconds: u64) -> Entry {
        Entry::new(Err(Rejection::Inactive.into()), now, seconds)
    }

    fn admitted(now: UnixTime, seconds: u64) -> Entry {
        Entry::new(Ok(Arc::new(Principal::specimen(&[("a", &"b".repeat(1_000))]))), now, seconds)
    }

    #[tokio::test]
    async fn a_verdict_ends_by_the_time_of_the_request() {
        let verdicts = Verdicts::bounded(1 << 20);
        assert!(verdicts.load([1; 32], NOW, async { inactive(NOW, 5) }).await.is_err());
        assert!(verdicts.find(&[1; 32], NOW.later(4)).await.is_some());
        assert!(verdicts.find(&[1; 32], NOW.later(5)).await.is_none());
        let later = NOW.later(5);
        assert!(verdicts.load([1; 32], later, async { admitted(later, 5) }).await.is_ok());
        assert!(matches!(verdicts.find(&[1; 32], later).await, Some(Ok(_))));
        assert!(verdicts.load([1; 32], later, pending()).await.is_ok(), "what is there is not reached again");
        let counts = verdicts.counts();
        assert_eq!((counts.hits, counts.misses), (2, 1));
    }

    #[tokio::test]
    async fn what_stands_for_no_time_is_reached_anew() {
        let verdicts = Verdicts::bounded(1 << 20);
        assert!(verdicts.load([1; 32], NOW, async { inactive(NOW, 0) }).await.is_err());
        assert!(verdicts.find(&[1; 32], NOW).await.is_none());
        assert!(verdicts.load([1; 32], NOW, async { admitted(NOW, 0) }).await.is_ok());
    }

    #[tokio::test]
    async fn octets_are_bounded() {
        let (verdicts, limit) = (Verdicts::bounded(64 << 10), 64 << 10);
        for place in 0..200 {
            drop(verdicts.load([place; 32], NOW, async { admitted(NOW, 60) }).await);
            assert!(verdicts.find(&[place; 32], NOW.later(60)).await.is_none());
        }
        verdicts.cache.run_pending_tasks().await;
        let counts = verdicts.counts();
        assert!(counts.octets <= limit && counts.entries > 10 && counts.evictions > 100, "{counts:?}");
        let nothing = Verdicts::bounded(0);
        assert!(nothing.load([1; 32], NOW, async { admitted(NOW, 60) }).await.is_ok());
        nothing.cache.run_pending_tasks().await;
        assert_eq!(nothing.counts().entries, 0);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_question_to_the_next() {
        let verdicts = Arc::new(Verdicts::bounded(1 << 20));
        let ours = Arc::clone(&verdicts);
        let first = tokio::spawn(async move { ours.load([1; 32], NOW, pending()).await });
        tokio::task::yield_now().await;
        let ours = Arc::clone(&verdicts);
        let second = tokio::spawn(async move { ours.load([1; 32], NOW, async { admitted(NOW, 5) }).await });
        tokio::task::yield_now().await;
        first.abort();
        assert!(second.await.unwrap().is_ok());
    }
}
