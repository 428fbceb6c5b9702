//! What a series is made of: counts by key and histograms, recorded without lock or allocation.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Counts by key, for a handful of keys: a list that only grows, so that reading it needs no lock.
///
/// A key that was seen before costs a short walk and one atomic addition; the first one allocates.
pub(super) struct Tally<K> {
    first: Place<K>,
}

type Place<K> = OnceLock<Box<Entry<K>>>;

struct Entry<K> {
    key: K,
    count: AtomicU64,
    next: Place<K>,
}

impl<K> Tally<K> {
    /// No key yet.
    pub(super) const fn new() -> Self {
        Self { first: OnceLock::new() }
    }

    /// Adds one to the key that `is` recognises; `make` makes it when it is new.
    pub(super) fn add(&self, is: impl Fn(&K) -> bool, make: impl Fn() -> K) {
        self.entry(is, make).count.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the key known, so that it is exposed with its zero.
    pub(super) fn expose(&self, is: impl Fn(&K) -> bool, make: impl Fn() -> K) {
        self.entry(is, make);
    }

    fn entry(&self, is: impl Fn(&K) -> bool, make: impl Fn() -> K) -> &Entry<K> {
        let mut place = &self.first;
        loop {
            let entry = place.get_or_init(|| Box::new(Entry { key: make(), count: AtomicU64::new(0), next: OnceLock::new() }));
            if is(&entry.key) {
                return entry;
            }
            place = &entry.next;
        }
    }

    /// Shows every key with its count.
    pub(super) fn each(&self, mut show: impl FnMut(&K, u64)) {
        let mut place = &self.first;
        while let Some(entry) = place.get() {
            show(&entry.key, entry.count.load(Ordering::Relaxed));
            place = &entry.next;
        }
    }
}

impl<K> Drop for Tally<K> {
    fn drop(&mut self) {
        // One by one, because the compiler's own way would recurse along the list.
        let mut place = self.first.take();
        while let Some(mut entry) = place {
            place = entry.next.take();
        }
    }
}

impl<K> fmt::Debug for Tally<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").finish_non_exhaustive()
    }
}

/// The upper bounds of a histogram's buckets, rising.
pub(super) type Bounds = &'static [Duration];

/// Durations by bucket; created by the first one, since most routes of a large configuration idle.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: Bounds,
    recorded: OnceLock<Box<Recorded>>,
}

#[derive(Debug)]
struct Recorded {
    /// One per bound, and one more for what is longer than the last bound.
    buckets: Box<[AtomicU64]>,
    /// In nanoseconds; after 584 years it wraps, which Prometheus reads as a restarted counter.
    sum: AtomicU64,
}

/// A histogram as read at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Each upper bound with the number of durations up to it.
    pub(super) cumulative: Vec<(Duration, u64)>,
    /// The number of all durations.
    pub(super) count: u64,
    /// All durations together.
    pub(super) sum: Duration,
}

impl Histogram {
    /// An empty histogram; it takes no room for buckets yet.
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { bounds, recorded: OnceLock::new() }
    }

    /// Adds one duration.
    pub(super) fn record(&self, duration: Duration) {
        let recorded = self.recorded.get_or_init(|| Box::new(Recorded::new(self.bounds)));
        let place = self.bounds.iter().position(|bound| duration <= *bound).unwrap_or(self.bounds.len());
        if let Some(bucket) = recorded.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        recorded.sum.fetch_add(nanoseconds(duration), Ordering::Relaxed);
    }

    /// What was recorded so far; nothing before the first duration.
    pub(super) fn read(&self) -> Option<Reading> {
        let recorded = self.recorded.get()?;
        let mut count = 0_u64;
        let mut cumulative = Vec::with_capacity(self.bounds.len());
        for (bound, bucket) in self.bounds.iter().zip(&recorded.buckets) {
            count = count.wrapping_add(bucket.load(Ordering::Relaxed));
            cumulative.push((*bound, count));
        }
        let longer = recorded.buckets.last().map_or(0, |bucket| bucket.load(Ordering::Relaxed));
        let sum = Duration::from_nanos(recorded.sum.load(Ordering::Relaxed));
        Some(Reading { cumulative, count: count.wrapping_add(longer), sum })
    }
}

impl Recorded {
    fn new(bounds: Bounds) -> Self {
        Self { buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many of something exist now.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Counts one more for as long as the answer lives.
    pub(super) fn hold(&self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(self.clone())
    }

    /// The number now.
    pub(super) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One unit of a gauge: dropping it gives the unit back, so that no path can forget to.
#[derive(Debug)]
#[must_use = "dropped at once, it counts nothing"]
pub struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = &[Duration::from_micros(1), Duration::from_millis(1), Duration::from_secs(1)];

    fn listed(tally: &Tally<u16>) -> Vec<(u16, u64)> {
        let mut list = Vec::new();
        tally.each(|key, count| list.push((*key, count)));
        list
    }

    #[test]
    fn keys_are_counted_apart() {
        let tally = Tally::new();
        for key in [200_u16, 404, 200, 200] {
            tally.add(|known| *known == key, || key);
        }
        tally.expose(|known| *known == 500, || 500);
        assert_eq!(listed(&tally), [(200, 3), (404, 1), (500, 0)]);
    }

    #[test]
    fn no_count_is_lost_between_threads() {
        let tally = Tally::new();
        std::thread::scope(|scope| {
            for shift in 0..4_u16 {
                let tally = &tally;
                scope.spawn(move || (0..10_000).map(|n| (n + shift) % 7).for_each(|key| tally.add(|known| *known == key, || key)));
            }
        });
        let list = listed(&tally);
        assert_eq!(list.len(), 7, "a key stands once only: {list:?}");
        assert_eq!(list.iter().map(|(_, count)| count).sum::<u64>(), 40_000);
    }

    #[test]
    fn a_long_list_is_dropped_without_recursion() {
        let mut first = Place::new();
        for key in 0..300_000_u32 {
            first = OnceLock::from(Box::new(Entry { key, count: AtomicU64::new(0), next: first }));
        }
        drop(Tally { first });
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::new(BOUNDS);
        assert_eq!(histogram.read(), None);
        for nanoseconds in [0, 1_000, 1_001, 1_000_000, 1_000_000_000, 1_000_000_001] {
            histogram.record(Duration::from_nanos(nanoseconds));
        }
        let reading = histogram.read().unwrap();
        assert_eq!(reading.cumulative.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!((reading.count, reading.sum), (6, Duration::from_nanos(2_001_002_002)));
    }

    #[test]
    fn a_gauge_gives_back_what_was_held() {
        let gauge = Gauge::default();
        let first = gauge.hold();
        let second = gauge.hold();
        assert_eq!(gauge.read(), 2);
        drop(first);
        assert_eq!(gauge.read(), 1);
        drop(second);
        assert_eq!(gauge.read(), 0);
    }
}
