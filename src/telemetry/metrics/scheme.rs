//! The series of one scheme: how long verification takes, and what its cache of verdicts does.

use super::exposition::{Exposition, Family, Label};
use super::named::Named;
use super::series::{Bounds, Histogram};
use std::time::Duration;

/// From a remembered verdict to a key server that has to be asked.
const DURATIONS: Bounds = &[
    Duration::from_micros(1),
    Duration::from_nanos(2_500),
    Duration::from_micros(5),
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// The handle of one scheme, resolved when the configuration is built.
#[derive(Debug)]
pub struct SchemeMetrics {
    durations: Histogram,
}

impl SchemeMetrics {
    pub(super) const fn new() -> Self {
        Self { durations: Histogram::new(DURATIONS) }
    }

    /// Records how long the judgement of one credential took.
    pub fn record_verification(&self, duration: Duration) {
        self.durations.record(duration);
    }
}

/// The figures of one cache of verdicts, read when the metrics are scraped; one per scheme.
#[derive(Clone, Copy, Debug)]
pub struct CacheReading<'a> {
    /// The scheme's configured name.
    pub scheme: &'a str,
    /// Verdicts that were remembered.
    pub hits: u64,
    /// Verdicts that were not.
    pub misses: u64,
    /// Verdicts that had to make room.
    pub evictions: u64,
    /// What the cache holds now, in octets.
    pub octets: u64,
}

/// Writes the series of all schemes.
pub(super) fn expose(schemes: &Named<SchemeMetrics>, caches: &[CacheReading<'_>], exposition: &mut Exposition) {
    exposition.histograms("portcullis_auth_duration_seconds", "Time to judge one credential.", |family| {
        schemes.each(|scheme, metrics| {
            metrics.durations.read().iter().for_each(|reading| family.push_reading(&[("scheme", scheme)], reading));
        });
    });
    let help = "Verdicts that were remembered.";
    exposition.counters("portcullis_verdict_cache_hits_total", help, |family| fill(family, caches, |cache| cache.hits));
    let help = "Verdicts that were not remembered.";
    exposition.counters("portcullis_verdict_cache_misses_total", help, |family| fill(family, caches, |cache| cache.misses));
    let help = "Verdicts that had to make room for others.";
    exposition.counters("portcullis_verdict_cache_evictions_total", help, |family| fill(family, caches, |cache| cache.evictions));
    let help = "What the cache of verdicts holds.";
    exposition.gauges("portcullis_verdict_cache_bytes", help, |family| fill(family, caches, |cache| cache.octets));
}

fn fill(family: &mut Family, caches: &[CacheReading<'_>], figure: impl Fn(&CacheReading<'_>) -> u64) {
    for cache in caches {
        let label: Label<'_> = ("scheme", cache.scheme);
        family.push_count(&[label], figure(cache));
    }
}
