//! The series of one upstream: attempts, how they ended, and how long they took.

use super::exposition::Exposition;
use super::named::Named;
use super::series::{Bounds, Histogram, Tally};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From a neighbour in the same rack to a connect or read deadline.
const DURATIONS: Bounds = &[
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// The handle of one upstream, resolved when the configuration is built.
#[derive(Debug)]
pub struct UpstreamMetrics {
    attempts: Tally<&'static str>,
    retries: AtomicU64,
    connects: Histogram,
    responses: Histogram,
}

impl UpstreamMetrics {
    pub(super) const fn new() -> Self {
        let retries = AtomicU64::new(0);
        Self { attempts: Tally::new(), retries, connects: Histogram::new(DURATIONS), responses: Histogram::new(DURATIONS) }
    }

    /// Counts one attempt at a server, by how it ended.
    pub fn record_attempt(&self, outcome: &'static str) {
        self.attempts.add(|known| *known == outcome, || outcome);
    }

    /// Counts a further attempt for the same request.
    pub fn record_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Records how long a new connection took, TLS included; reused ones are not recorded.
    pub fn record_connect(&self, duration: Duration) {
        self.connects.record(duration);
    }

    /// Records the time from the choice of a server to the head of its response.
    pub fn record_response(&self, duration: Duration) {
        self.responses.record(duration);
    }
}

/// Whether a server of an upstream may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It may.
    Healthy,
    /// It failed its checks.
    Unhealthy,
}

/// The health of one server, read when the metrics are scraped.
#[derive(Clone, Copy, Debug)]
pub struct ServerReading<'a> {
    /// The upstream's configured name.
    pub upstream: &'a str,
    /// The server's configured address.
    pub server: &'a str,
    /// Its health now.
    pub health: Health,
}

/// Writes the series of all upstreams.
pub(super) fn expose(upstreams: &Named<UpstreamMetrics>, servers: &[ServerReading<'_>], exposition: &mut Exposition) {
    exposition.counters("portcullis_upstream_requests_total", "Attempts at a server of an upstream, by how they ended.", |family| {
        upstreams.each(|upstream, metrics| {
            metrics.attempts.each(|outcome, count| family.push_count(&[("upstream", upstream), ("outcome", outcome)], count));
        });
    });
    exposition.counters("portcullis_upstream_retries_total", "Further attempts for the same request.", |family| {
        upstreams.each(|upstream, metrics| family.push_count(&[("upstream", upstream)], metrics.retries.load(Ordering::Relaxed)));
    });
    expose_times(upstreams, exposition);
    let help = "Whether a server may be chosen (1) or failed its checks (0).";
    exposition.gauges("portcullis_upstream_server_healthy", help, |family| {
        for ServerReading { upstream, server, health } in servers {
            let value = u64::from(*health == Health::Healthy);
            family.push_count(&[("upstream", upstream), ("server", server)], value);
        }
    });
}

fn expose_times(upstreams: &Named<UpstreamMetrics>, exposition: &mut Exposition) {
    let help = "Time to open a new connection, TLS included.";
    exposition.histograms("portcullis_upstream_connect_duration_seconds", help, |family| {
        upstreams.each(|upstream, metrics| {
            metrics.connects.read().iter().for_each(|reading| family.push_reading(&[("upstream", upstream)], reading));
        });
    });
    let help = "Time from the choice of a server to the head of its response.";
    exposition.histograms("portcullis_upstream_response_duration_seconds", help, |family| {
        upstreams.each(|upstream, metrics| {
            metrics.responses.read().iter().for_each(|reading| family.push_reading(&[("upstream", upstream)], reading));
        });
    });
}
