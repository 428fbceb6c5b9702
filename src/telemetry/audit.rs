//! The audit log: decisions about requests, and what changed in the gateway itself.

use super::access::{DenialFacts, PrincipalFacts};
use super::metrics::Health;
use super::text::{Fingerprint, Moment, Outside, bare_path, present};
use crate::clock::UnixTime;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

/// The target of the audit log's lines.
pub(super) const TARGET: &str = "portcullis::audit";

/// Which decisions somebody reads, as [`Decisions::rank`]; set with the outputs.
pub(super) static WANTED: AtomicU8 = AtomicU8::new(0);

/// Which decisions about requests the audit log holds. All other events are always in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decisions {
    /// None.
    Neither,
    /// Denials, also those that are only observed.
    Denied,
    /// Denials and admissions: a line per request.
    All,
}

impl Decisions {
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Neither => 0,
            Self::Denied => 1,
            Self::All => 2,
        }
    }
}

/// How a request was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may pass.
    Admitted,
    /// It may not.
    Denied,
}

/// Whether a decision is worth building an event for. Costs one relaxed load.
pub fn wanted(verdict: Verdict) -> bool {
    let least = match verdict {
        Verdict::Denied => Decisions::Denied,
        Verdict::Admitted => Decisions::All,
    };
    WANTED.load(Ordering::Relaxed) >= least.rank()
}

/// Something that an auditor asks about.
pub enum AuditEvent<'a> {
    /// A request was judged.
    Decision(&'a DecisionFacts<'a>),
    /// A configuration is in force.
    ConfigLoaded {
        /// The file.
        file: &'a str,
        /// How many routes it has.
        routes: usize,
        /// How many schemes it has.
        schemes: usize,
    },
    /// A changed configuration has problems; the old one stays.
    ConfigRefused {
        /// The file.
        file: &'a str,
        /// How many problems it has.
        problems: usize,
        /// The first of them, with its place.
        first: &'a dyn fmt::Display,
    },
    /// A changed configuration needs a restart; the old one stays.
    RestartNeeded {
        /// The file.
        file: &'a str,
        /// What cannot change while the gateway runs.
        setting: &'a str,
    },
    /// A certificate is in use: from the start on, or in the place of another.
    CertificateLoaded {
        /// The certificate's file.
        certificate: &'a str,
        /// The address of the listener that shows it.
        listener: SocketAddr,
        /// The names it is for, one after the other.
        names: &'a str,
        /// The end of its validity.
        not_after: UnixTime,
    },
    /// A server of an upstream passed or failed its checks.
    UpstreamHealthChanged {
        /// The upstream's configured name.
        upstream: &'a str,
        /// The server's configured address.
        server: &'a str,
        /// Its health from now on.
        health: Health,
        /// What the check found that changed it.
        reason: &'a dyn fmt::Display,
    },
    /// A client and a listener did not come to terms about TLS.
    HandshakeFailed {
        /// The listener's address.
        listener: SocketAddr,
        /// The client's end of the connection.
        peer: SocketAddr,
        /// Why.
        reason: &'static str,
        /// What came from the client; empty where the reason says it all.
        found: &'a str,
    },
    /// Contexts were taken back: one, by the fingerprint of its token, or all of a subject.
    ContextsRevoked {
        /// Who made the tokens that the contexts came from; empty where one context is revoked.
        issuer: &'a str,
        /// The subject in those; empty likewise.
        subject: &'a str,
        /// The first eight octets of the context token's SHA-256; zero where a subject's are revoked.
        token: u64,
    },
    /// The gateway serves.
    ServerStarted {
        /// The version of the program.
        version: &'a str,
        /// The crypto backend in use.
        crypto: &'a str,
        /// Where it listens, one address after the other.
        listeners: &'a str,
        /// Where it listens for its operators; empty where it does not.
        admin: &'a str,
    },
    /// The gateway takes no more requests and ends when those in flight are done.
    ServerStopping {
        /// What asked it to.
        cause: &'a str,
    },
}

/// A decision about a request. Text that is absent is empty, and its field is left out of the line.
pub struct DecisionFacts<'a> {
    /// The identifier that the upstream and the caller know the request by.
    pub request_id: &'a str,
    /// The route's configured name.
    pub route: &'a str,
    /// The client, after trusted proxies were taken into account.
    pub client: IpAddr,
    /// The method as received.
    pub method: &'a str,
    /// The host and port that the request is for.
    pub host: &'a str,
    /// The path in normal form; a query is cut off.
    pub path: &'a str,
    /// How the request was judged.
    pub verdict: Verdict,
    /// Whether the decision is enforced or only observed.
    pub mode: &'static str,
    /// The configured name of the scheme that judged; empty where none was asked.
    pub scheme: &'a str,
    /// `admitted`, or the side of the refusal.
    pub outcome: &'static str,
    /// The precise reason of a denial.
    pub denial: Option<DenialFacts<'a>>,
    /// Who the request was proved to be from.
    pub principal: Option<PrincipalFacts<'a>>,
    /// What logs call the token that was judged, also where it did not hold.
    pub fingerprint: Option<&'a dyn fmt::Display>,
}

/// Writes the line.
pub fn record(event: &AuditEvent<'_>) {
    match *event {
        AuditEvent::Decision(facts) => match facts.verdict {
            Verdict::Admitted => record_admission(facts),
            Verdict::Denied => record_denial(facts),
        },
        AuditEvent::ConfigLoaded { file, routes, schemes } => {
            tracing::info!(target: TARGET, event = event.name(), file, routes, schemes);
        }
        AuditEvent::ConfigRefused { file, problems, first } => {
            tracing::error!(target: TARGET, event = event.name(), file, problems, first = %first);
        }
        AuditEvent::RestartNeeded { file, setting } => {
            tracing::warn!(target: TARGET, event = event.name(), file, setting);
        }
        AuditEvent::CertificateLoaded { certificate, listener, names, not_after } => {
            let not_after = Moment::from(not_after);
            tracing::info!(target: TARGET, event = event.name(), certificate, listener = %listener, names, not_after = %not_after);
        }
        AuditEvent::HandshakeFailed { listener, peer, reason, found } => {
            let found = Outside::present(found.as_bytes());
            tracing::info!(target: TARGET, event = event.name(), listener = %listener, peer = %peer, reason, found);
        }
        AuditEvent::ContextsRevoked { issuer, subject, token } => {
            let token = (token != 0).then(|| format!("{token:016x}"));
            let (issuer, subject) = (Outside::present(issuer.as_bytes()), Outside::present(subject.as_bytes()));
            tracing::warn!(target: TARGET, event = event.name(), issuer, subject, token);
        }
        AuditEvent::UpstreamHealthChanged { upstream, server, health, reason } => record_health(upstream, server, health, reason),
        AuditEvent::ServerStarted { version, crypto, listeners, admin } => {
            tracing::info!(target: TARGET, event = event.name(), version, crypto, listeners, admin);
        }
        AuditEvent::ServerStopping { cause } => tracing::info!(target: TARGET, event = event.name(), cause),
    }
}

const UPSTREAM_HEALTH: &str = "upstream_health_changed";

fn record_health(upstream: &str, server: &str, health: Health, reason: &dyn fmt::Display) {
    match health {
        Health::Healthy => {
            tracing::info!(target: TARGET, event = UPSTREAM_HEALTH, upstream, server, health = "healthy", reason = %reason);
        }
        Health::Unhealthy => {
            tracing::warn!(target: TARGET, event = UPSTREAM_HEALTH, upstream, server, health = "unhealthy", reason = %reason);
        }
    }
}

/// One decision at a level: the level of an event is fixed where it is written.
macro_rules! decision {
    ($level:ident, $verdict:literal, $facts:ident) => {
        tracing::$level!(
            target: TARGET,
            event = "decision",
            verdict = $verdict,
            request_id = $facts.request_id,
            route = present($facts.route),
            client = %$facts.client,
            method = Outside::present($facts.method.as_bytes()),
            host = Outside::present($facts.host.as_bytes()),
            path = Outside::present(bare_path($facts.path).as_bytes()),
            mode = $facts.mode,
            auth_scheme = present($facts.scheme),
            outcome = $facts.outcome,
            denial = $facts.denial.map(|facts| facts.label),
            reason = $facts.denial.and_then(|facts| present(facts.reason)),
            field = $facts.denial.and_then(|facts| present(facts.field)),
            claim = $facts.denial.and_then(|facts| present(facts.claim)),
            key = $facts.denial.and_then(|facts| Outside::present(facts.key.as_bytes())),
            expected = $facts.denial.and_then(|facts| Outside::present(facts.expected.as_bytes())),
            found = $facts.denial.and_then(|facts| Outside::present(facts.found.as_bytes())),
            issuer = $facts.principal.and_then(|facts| Outside::present(facts.issuer.as_bytes())),
            subject = $facts.principal.and_then(|facts| Outside::present(facts.subject.as_bytes())),
            token = $facts.fingerprint.map(|fingerprint| Fingerprint(fingerprint).shown()),
        )
    };
}

fn record_admission(facts: &DecisionFacts<'_>) {
    decision!(info, "admitted", facts);
}

fn record_denial(facts: &DecisionFacts<'_>) {
    decision!(warn, "denied", facts);
}

impl AuditEvent<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::ConfigLoaded { .. } => "config_loaded",
            Self::ConfigRefused { .. } => "config_refused",
            Self::RestartNeeded { .. } => "restart_needed",
            Self::CertificateLoaded { .. } => "certificate_loaded",
            Self::UpstreamHealthChanged { .. } => UPSTREAM_HEALTH,
            Self::HandshakeFailed { .. } => "handshake_failed",
            Self::ContextsRevoked { .. } => "contexts_revoked",
            Self::ServerStarted { .. } => "server_started",
            Self::ServerStopping { .. } => "server_stopping",
        }
    }
}

impl fmt::Debug for AuditEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEvent").field("event", &self.name()).finish_non_exhaustive()
    }
}

impl fmt::Debug for DecisionFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_id, route, verdict, .. } = self;
        f.debug_struct("DecisionFacts")
            .field("request_id", request_id)
            .field("route", route)
            .field("verdict", verdict)
            .finish_non_exhaustive()
    }
}
