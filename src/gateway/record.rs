//! What is written about a request at its end: metrics, the audit line of a decision, the access line.

use super::connection;
use super::denial::Denial;
use super::exchange::{Exchange, Stage};
use super::forwarding::{self, PeerTrust, TRACEPARENT, Trace};
use super::upstream;
use crate::route::UriScheme;
use crate::scheme::Proof;
use crate::telemetry::access::{self, AccessEvent, DenialFacts, PrincipalFacts};
use crate::telemetry::audit::{self, AuditEvent, DecisionFacts, Verdict};
use crate::telemetry::metrics::Metrics;
use http::Version;
use http::header::USER_AGENT;
use pingora::proxy::Session;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A new connection to an upstream stands, after so long.
pub(super) fn connected(duration: Duration, exchange: &Exchange) {
    if let Some(metrics) = exchange.route().and_then(|route| exchange.live.upstream_metrics(route.upstream)) {
        metrics.record_connect(duration);
    }
}

/// The request is over: answered, denied or broken off.
pub(super) fn finished(session: &Session, exchange: &Exchange, metrics: &Metrics) {
    let written = session.response_written().filter(|head| !upstream::is_interim(head.status));
    let status = written.map_or(0, |head| head.status.as_u16());
    match exchange.route_id().and_then(|route| exchange.live.route_metrics(route)) {
        Some(route) => route.record_request(&session.req_header().method, status, exchange.started.elapsed()),
        None if matches!(exchange.stage, Stage::Answered) => {}
        None => metrics.record_head_refused(exchange.denial().map_or("unknown", Denial::reason)),
    }
    let verdict = if matches!(exchange.stage, Stage::Denied(_)) { Verdict::Denied } else { Verdict::Admitted };
    if audit::wanted(verdict) && !matches!(exchange.stage, Stage::Answered) {
        record_decision(session, exchange, verdict);
    }
    if access::wanted() {
        record_access(session, exchange, status);
    }
}

/// The parts of a request that both logs name.
struct Named<'a> {
    method: &'a str,
    host: String,
    path: String,
    peer: SocketAddr,
    client: IpAddr,
}

/// A refused head has no normal form, so the logs name it as Pingora understood it.
fn named<'a>(session: &'a Session, exchange: &Exchange) -> Named<'a> {
    let header = session.req_header();
    let host = header.headers.get(http::header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let host = host.or_else(|| header.uri.authority().map(ToString::to_string)).unwrap_or_default();
    let path = header.raw_path().split(|octet| matches!(octet, b'?' | b'#')).next().unwrap_or_default();
    let peer = connection::facts(session).connection.peer;
    Named {
        method: header.method.as_str(),
        host,
        path: String::from_utf8_lossy(path).into_owned(),
        peer,
        client: exchange.client.unwrap_or(peer.ip()),
    }
}

/// The name that the upstream got: a trusted proxy's, or ours. A denial answers with ours.
fn request_id<'a>(session: &'a Session, exchange: &'a Exchange) -> &'a str {
    let trust = exchange.admitted().map_or(PeerTrust::Untrusted, |permit| permit.plan().trust);
    let stated = forwarding::stated_request_id(&session.req_header().headers, trust);
    stated.and_then(|stated| stated.to_str().ok()).unwrap_or(exchange.id.as_str())
}

/// The trace that goes on with the request; empty for none.
fn trace_id(session: &Session) -> &str {
    let fields = &session.req_header().headers;
    let parent = fields.get(TRACEPARENT).filter(|_| forwarding::trace(fields) == Trace::Continued);
    parent.and_then(|parent| parent.to_str().ok()?.get(3..35)).unwrap_or_default()
}

fn route_name(exchange: &Exchange) -> &str {
    exchange.route().map(|route| &*route.name).unwrap_or_default()
}

fn principal(proof: &Proof) -> (&str, &str, &str) {
    let principal = &proof.principal;
    (principal.scheme(), principal.issuer(), principal.subject().unwrap_or_default())
}

fn record_decision(session: &Session, exchange: &Exchange, verdict: Verdict) {
    let named = named(session, exchange);
    let proved = exchange.caller();
    let proved_by = proved.map(|proof| principal(proof).0).unwrap_or_default();
    let (scheme, outcome) = match exchange.denial() {
        Some(Denial::Refused { scheme, refusal, .. }) => (&**scheme, refusal.outcome()),
        Some(Denial::Unauthenticated { .. }) => ("", "missing"),
        Some(Denial::Ambiguous) => ("", "malformed"),
        Some(_) => (proved_by, "denied"),
        None => (proved_by, "admitted"),
    };
    let fingerprint = exchange.denial().and_then(Denial::fingerprint);
    let fingerprint = fingerprint.or_else(|| Some(proved?.principal.fingerprint()));
    let facts = proved.zip(fingerprint.as_ref()).map(|(proof, fingerprint)| {
        let (scheme, issuer, subject) = principal(proof);
        PrincipalFacts { scheme, issuer, subject, fingerprint }
    });
    audit::record(&AuditEvent::Decision(&DecisionFacts {
        request_id: request_id(session, exchange),
        route: route_name(exchange),
        client: named.client,
        method: named.method,
        host: &named.host,
        path: &named.path,
        verdict,
        mode: "enforce",
        scheme,
        outcome,
        denial: exchange.denial().map(denial_facts),
        principal: facts,
        fingerprint: fingerprint.as_ref().map(|fingerprint| -> &dyn std::fmt::Display { fingerprint }),
    }));
}

fn denial_facts(denial: &Denial) -> DenialFacts<'_> {
    DenialFacts {
        label: denial.label(),
        reason: denial.reason(),
        field: denial.field(),
        claim: denial.claim(),
        key: denial.key(),
        expected: denial.expected(),
        found: denial.found(),
    }
}

fn record_access(session: &Session, exchange: &Exchange, status: u16) {
    let named = named(session, exchange);
    let header = session.req_header();
    let proved = exchange.caller();
    let fingerprint = proved.map(|proof| proof.principal.fingerprint());
    let permit = exchange.admitted();
    access::record(&AccessEvent {
        request_id: request_id(session, exchange),
        trace_id: trace_id(session),
        route: route_name(exchange),
        method: named.method,
        scheme: scheme(session),
        host: &named.host,
        path: &named.path,
        protocol: protocol(header.version),
        status,
        duration: exchange.started.elapsed(),
        octets_received: count(session.as_downstream().body_bytes_read()),
        octets_sent: count(session.as_downstream().body_bytes_sent()),
        client: named.client,
        peer: named.peer,
        upstream: permit.and_then(|permit| permit.lease.as_ref()).map(super::pool::Lease::address),
        attempts: permit.map_or(0, |permit| permit.attempts),
        principal: proved.zip(fingerprint.as_ref()).map(|(proof, fingerprint)| {
            let (scheme, issuer, subject) = principal(proof);
            PrincipalFacts { scheme, issuer, subject, fingerprint }
        }),
        profile: proved.map(|proof| proof.profile).unwrap_or_default(),
        verdict_cache: proved.map(|proof| proof.memory.as_str()).unwrap_or_default(),
        denial: exchange.denial().map(denial_facts),
        user_agent: header.headers.get(USER_AGENT).map(http::HeaderValue::as_bytes).unwrap_or_default(),
    });
}

fn scheme(session: &Session) -> &'static str {
    match connection::facts(session).uri_scheme() {
        UriScheme::Http => "http",
        UriScheme::Https => "https",
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

fn count(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}
