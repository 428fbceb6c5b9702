//! The access log: one line per answered request.

use super::text::{Fingerprint, Outside, bare_path, present};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The target of the access log's lines.
pub(super) const TARGET: &str = "portcullis::access";

/// Whether anybody reads the access log; set with the outputs.
pub(super) static WANTED: AtomicBool = AtomicBool::new(false);

/// Whether an event is worth building. Costs one relaxed load.
pub fn wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

/// One answered request. Text that is absent is empty, and its field is left out of the line.
///
/// There is no place for a token, a query or a field of the request other than its user agent.
pub struct AccessEvent<'a> {
    /// The identifier that the upstream and the caller know the request by.
    pub request_id: &'a str,
    /// The trace that the request belongs to (W3C Trace Context, `trace-id`).
    pub trace_id: &'a str,
    /// The route's configured name.
    pub route: &'a str,
    /// The method as received.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The host and port that the request is for.
    pub host: &'a str,
    /// The path in normal form; a query is cut off.
    pub path: &'a str,
    /// The protocol between client and gateway, such as `HTTP/1.1`.
    pub protocol: &'static str,
    /// The status code that the client got; 0 for none.
    pub status: u16,
    /// From the end of the request's head to the end of the answer.
    pub duration: Duration,
    /// Octets of the request's content.
    pub octets_received: u64,
    /// Octets of the answer's content.
    pub octets_sent: u64,
    /// The client, after trusted proxies were taken into account.
    pub client: IpAddr,
    /// The peer of the connection.
    pub peer: SocketAddr,
    /// The server that answered, or was tried last.
    pub upstream: Option<SocketAddr>,
    /// How many servers were tried.
    pub attempts: u32,
    /// Who the request was proved to be from.
    pub principal: Option<PrincipalFacts<'a>>,
    /// The kind of token that proved it, in the words of its scheme; empty where nobody was proved.
    pub profile: &'static str,
    /// Whether the verdict on the token was remembered: `hit` or `miss`; empty where nobody was proved.
    pub verdict_cache: &'static str,
    /// Why the gateway answered by itself.
    pub denial: Option<DenialFacts<'a>>,
    /// The User-Agent field as received.
    pub user_agent: &'a [u8],
}

/// A principal, as logs name it.
#[derive(Clone, Copy)]
pub struct PrincipalFacts<'a> {
    /// The configured name of the scheme.
    pub scheme: &'a str,
    /// Who made the token.
    pub issuer: &'a str,
    /// The subject; empty where the token names none.
    pub subject: &'a str,
    /// What logs call the token: up to sixteen lower-case hexadecimal digits; anything else is withheld.
    pub fingerprint: &'a dyn fmt::Display,
}

/// A denial, as logs name it.
#[derive(Clone, Copy, Debug)]
pub struct DenialFacts<'a> {
    /// The kind of denial.
    pub label: &'static str,
    /// The precise reason.
    pub reason: &'static str,
    /// The field of the request that cannot be read, or `content`; empty for none.
    pub field: &'static str,
    /// The configured claim that the denial is about; empty for none.
    pub claim: &'a str,
    /// The name of the key that nobody knows, as it was given; empty for none.
    pub key: &'a str,
    /// What was expected in the place of what came; empty where that is not known, or goes without saying.
    pub expected: &'a str,
    /// What came in the place of something else; empty where that is not known, or not to be told.
    pub found: &'a str,
}

/// Writes the line.
pub fn record(event: &AccessEvent<'_>) {
    let principal = event.principal.as_ref();
    let denial = event.denial.as_ref();
    tracing::info!(
        target: TARGET,
        request_id = event.request_id,
        trace_id = present(event.trace_id),
        route = present(event.route),
        method = Outside::present(event.method.as_bytes()),
        scheme = event.scheme,
        host = Outside::present(event.host.as_bytes()),
        path = Outside::present(bare_path(event.path).as_bytes()),
        protocol = event.protocol,
        status = event.status,
        duration_seconds = event.duration.as_secs_f64(),
        octets_received = event.octets_received,
        octets_sent = event.octets_sent,
        client = %event.client,
        peer = %event.peer,
        upstream = event.upstream.map(tracing::field::display),
        attempts = event.attempts,
        auth_scheme = principal.map(|facts| facts.scheme),
        auth_profile = present(event.profile),
        verdict_cache = present(event.verdict_cache),
        issuer = principal.and_then(|facts| Outside::present(facts.issuer.as_bytes())),
        subject = principal.and_then(|facts| Outside::present(facts.subject.as_bytes())),
        token = principal.map(|facts| Fingerprint(facts.fingerprint).shown()),
        denial = denial.map(|facts| facts.label),
        reason = denial.and_then(|facts| present(facts.reason)),
        field = denial.and_then(|facts| present(facts.field)),
        claim = denial.and_then(|facts| present(facts.claim)),
        key = denial.and_then(|facts| Outside::present(facts.key.as_bytes())),
        expected = denial.and_then(|facts| Outside::present(facts.expected.as_bytes())),
        found = denial.and_then(|facts| Outside::present(facts.found.as_bytes())),
        user_agent = Outside::present(event.user_agent),
    );
}

impl fmt::Debug for AccessEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_id, route, status, .. } = self;
        f.debug_struct("AccessEvent").field("request_id", request_id).field("route", route).field("status", status).finish_non_exhaustive()
    }
}

impl fmt::Debug for PrincipalFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalFacts").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}
