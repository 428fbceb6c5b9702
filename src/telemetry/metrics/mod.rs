//! The figures of the gateway, for Prometheus.
//!
//! Handles are resolved while a configuration is built; recording through one is a few atomic
//! additions. The handles live here, not in a snapshot, so figures survive a reload. What a snapshot
//! owns itself (caches, servers, certificates) is read when the metrics are scraped, so that nothing
//! of an old snapshot lingers. Label values come from the configuration or from this crate, never
//! from a caller.

mod exposition;
mod keys;
mod named;
mod process;
mod route;
mod scheme;
mod series;
mod shared;
mod upstream;

#[cfg(test)]
mod tests;

pub use exposition::CONTENT_TYPE;
pub use keys::KeyReading;
pub use route::{Judgement, RouteMetrics};
pub use scheme::{CacheReading, SchemeMetrics};
pub use series::Held;
pub use shared::{ReplayReading, SpoolReading};
pub use upstream::{Health, ServerReading, UpstreamMetrics};

use crate::clock::UnixTime;
use exposition::Exposition;
use named::Named;
use series::{Gauge, Tally};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What is fixed once the program runs.
#[derive(Clone, Debug)]
pub struct BuildFacts {
    /// The version of the program.
    pub version: &'static str,
    /// The crypto backend in use.
    pub crypto: &'static str,
    /// Features of the CPU that the backend can use.
    pub cpu_features: Vec<CpuFeature>,
}

/// A feature of the CPU.
#[derive(Clone, Copy, Debug)]
pub struct CpuFeature {
    /// Its name, such as `aes`.
    pub name: &'static str,
    /// Whether this CPU has it.
    pub present: bool,
}

/// How an attempt to take up a changed configuration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The new configuration is in force since then.
    Succeeded(UnixTime),
    /// It has problems; the old one stays.
    Refused,
    /// It changes what only a restart can change; the old one stays.
    RestartNeeded,
}

impl Reload {
    const OUTCOMES: [&'static str; 3] = ["succeeded", "refused", "restart_needed"];

    const fn outcome(self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Refused => "refused",
            Self::RestartNeeded => "restart_needed",
        }
    }
}

/// The handle of one listener, resolved when it is opened.
#[derive(Debug)]
pub struct ListenerMetrics {
    open: Gauge,
    handshakes_failed: Tally<&'static str>,
}

impl ListenerMetrics {
    fn new() -> Self {
        Self { open: Gauge::default(), handshakes_failed: Tally::new() }
    }

    /// Counts a TLS handshake that failed.
    pub fn record_handshake_failed(&self, reason: &'static str) {
        record_reason(&self.handshakes_failed, reason);
    }

    /// Counts a connection as open for as long as the answer lives.
    pub fn hold_connection(&self) -> Held {
        self.open.hold()
    }
}

/// When a certificate ends.
#[derive(Clone, Copy, Debug)]
pub struct CertificateReading<'a> {
    /// The certificate's file, as configured.
    pub certificate: &'a str,
    /// The end of its validity.
    pub not_after: UnixTime,
}

/// What the current snapshot knows, read when the metrics are scraped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readings<'a> {
    /// One per scheme that has a cache.
    pub caches: &'a [CacheReading<'a>],
    /// One per scheme and source of keys that are fetched.
    pub keys: &'a [KeyReading<'a>],
    /// One per server of every upstream.
    pub servers: &'a [ServerReading<'a>],
    /// One per certificate.
    pub certificates: &'a [CertificateReading<'a>],
    /// The log of first uses.
    pub replay: ReplayReading,
    /// Keys of holders that are remembered now.
    pub holder_keys: u64,
    /// Content that waits.
    pub spool: SpoolReading,
}

/// All figures of one gateway.
#[derive(Debug)]
pub struct Metrics {
    build: BuildFacts,
    routes: Named<RouteMetrics>,
    schemes: Named<SchemeMetrics>,
    upstreams: Named<UpstreamMetrics>,
    listeners: Named<ListenerMetrics>,
    in_flight: Gauge,
    connections_refused: Tally<&'static str>,
    connections_aborted: Tally<&'static str>,
    heads_refused: Tally<&'static str>,
    reloads: Tally<&'static str>,
    last_reload: AtomicU8,
    last_success: AtomicU64,
}

impl Metrics {
    /// All figures at zero. The configuration that the program started with counts as taken up at `started`.
    pub fn new(build: BuildFacts, started: UnixTime) -> Self {
        let reloads = Tally::new();
        Reload::OUTCOMES.into_iter().for_each(|outcome| expose_reason(&reloads, outcome));
        Self {
            build,
            routes: Named::new(),
            schemes: Named::new(),
            upstreams: Named::new(),
            listeners: Named::new(),
            in_flight: Gauge::default(),
            connections_refused: Tally::new(),
            connections_aborted: Tally::new(),
            heads_refused: Tally::new(),
            reloads,
            last_reload: AtomicU8::new(1),
            last_success: AtomicU64::new(started.seconds()),
        }
    }

    /// The handle of the route of this name.
    pub fn route(&self, name: impl AsRef<str> + Into<Arc<str>>) -> Arc<RouteMetrics> {
        self.routes.resolve(name, RouteMetrics::new)
    }

    /// The handle of the scheme of this name.
    pub fn scheme(&self, name: &str) -> Arc<SchemeMetrics> {
        self.schemes.resolve(name, SchemeMetrics::new)
    }

    /// The handle of the upstream of this name.
    pub fn upstream(&self, name: &str) -> Arc<UpstreamMetrics> {
        self.upstreams.resolve(name, UpstreamMetrics::new)
    }

    /// The handle of a listener, named by its configured address.
    pub fn listener(&self, address: &str) -> Arc<ListenerMetrics> {
        self.listeners.resolve(address, ListenerMetrics::new)
    }

    /// Counts a request as in flight for as long as the answer lives.
    pub fn hold_request(&self) -> Held {
        self.in_flight.hold()
    }

    /// Counts a connection that was closed unheard.
    pub fn record_connection_refused(&self, reason: &'static str) {
        record_reason(&self.connections_refused, reason);
    }

    /// Counts a connection that was given up in the middle of a request.
    pub fn record_connection_aborted(&self, reason: &'static str) {
        record_reason(&self.connections_aborted, reason);
    }

    /// Counts a request that was refused before a route was found.
    pub fn record_head_refused(&self, reason: &'static str) {
        record_reason(&self.heads_refused, reason);
    }

    /// Counts an attempt to take up a changed configuration.
    pub fn record_reload(&self, reload: Reload) {
        record_reason(&self.reloads, reload.outcome());
        let success = match reload {
            Reload::Succeeded(at) => {
                self.last_success.store(at.seconds(), Ordering::Relaxed);
                1
            }
            Reload::Refused | Reload::RestartNeeded => 0,
        };
        self.last_reload.store(success, Ordering::Relaxed);
    }

    /// Everything as text, of the type [`CONTENT_TYPE`].
    pub fn render(&self, readings: &Readings<'_>) -> Vec<u8> {
        let mut exposition = Exposition::default();
        route::expose(&self.routes, &mut exposition);
        scheme::expose(&self.schemes, readings.caches, &mut exposition);
        keys::expose(readings.keys, &mut exposition);
        upstream::expose(&self.upstreams, readings.servers, &mut exposition);
        self.expose_connections(&mut exposition);
        self.expose_configuration(&mut exposition);
        self.expose_build(&mut exposition);
        expose_certificates(readings.certificates, &mut exposition);
        shared::expose(readings.replay, readings.holder_keys, readings.spool, &mut exposition);
        process::expose(&mut exposition);
        exposition.into_text()
    }

    fn expose_connections(&self, exposition: &mut Exposition) {
        let in_flight = self.in_flight.read();
        exposition.gauges("portcullis_requests_in_flight", "Requests being answered.", |family| family.push_count(&[], in_flight));
        exposition.gauges("portcullis_connections", "Open connections.", |family| {
            self.listeners.each(|listener, metrics| family.push_count(&[("listener", listener)], metrics.open.read()));
        });
        exposition.counters("portcullis_handshakes_failed_total", "TLS handshakes of clients that failed.", |family| {
            self.listeners.each(|listener, metrics| {
                metrics.handshakes_failed.each(|reason, count| family.push_count(&[("listener", listener), ("reason", reason)], count));
            });
        });
        let help = "Connections closed unheard.";
        expose_reasons(exposition, "portcullis_connections_refused_total", help, &self.connections_refused);
        let help = "Connections given up in the middle of a request.";
        expose_reasons(exposition, "portcullis_connections_aborted_total", help, &self.connections_aborted);
        let help = "Requests refused before a route was found.";
        expose_reasons(exposition, "portcullis_heads_refused_total", help, &self.heads_refused);
    }

    fn expose_configuration(&self, exposition: &mut Exposition) {
        exposition.counters("portcullis_config_reloads_total", "Attempts to take up a changed configuration.", |family| {
            self.reloads.each(|outcome, count| family.push_count(&[("outcome", outcome)], count));
        });
        let successful = u64::from(self.last_reload.load(Ordering::Relaxed));
        let help = "Whether the configuration as it stands is in force (1) or was refused (0).";
        exposition.gauges("portcullis_config_last_reload_successful", help, |family| family.push_count(&[], successful));
        let at = self.last_success.load(Ordering::Relaxed);
        let help = "When the configuration in force was taken up.";
        exposition.gauges("portcullis_config_last_reload_success_timestamp_seconds", help, |family| family.push_count(&[], at));
    }

    fn expose_build(&self, exposition: &mut Exposition) {
        let labels = [("version", self.build.version), ("crypto", self.build.crypto)];
        exposition.gauges("portcullis_build_info", "The program that runs; always 1.", |family| family.push_count(&labels, 1));
        let help = "Whether the CPU has a feature that the crypto backend can use.";
        exposition.gauges("portcullis_crypto_cpu_feature", help, |family| {
            for CpuFeature { name, present } in &self.build.cpu_features {
                family.push_count(&[("feature", name)], u64::from(*present));
            }
        });
    }
}

fn expose_certificates(certificates: &[CertificateReading<'_>], exposition: &mut Exposition) {
    let help = "When a certificate ends, since the epoch.";
    exposition.gauges("portcullis_certificate_not_after_seconds", help, |family| {
        for CertificateReading { certificate, not_after } in certificates {
            family.push_count(&[("certificate", certificate)], not_after.seconds());
        }
    });
}

fn expose_reasons(exposition: &mut Exposition, name: &str, help: &str, reasons: &Tally<&'static str>) {
    exposition.counters(name, help, |family| reasons.each(|reason, count| family.push_count(&[("reason", reason)], count)));
}

fn record_reason(reasons: &Tally<&'static str>, reason: &'static str) {
    reasons.add(|known| *known == reason, || reason);
}

fn expose_reason(reasons: &Tally<&'static str>, reason: &'static str) {
    reasons.expose(|known| *known == reason, || reason);
}
