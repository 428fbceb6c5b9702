//! One attempt after another: choosing a server, judging failures, dressing the answer.

use super::content::Forwarded;
use super::denial::{Denial, UpstreamProblem};
use super::exchange::{Exchange, Grounds, Permit, Stage};
use super::pool::{Pool, PoolServer};
use super::prove::Asked;
use super::{admission, content, cors, respond, watch};
use crate::clock;
use crate::config::document::Limits;
use crate::config::snapshot::SchemeId;
use crate::scheme::{Continuation, Proof};
use crate::telemetry::metrics::UpstreamMetrics;
use http::header::UPGRADE;
use http::{HeaderMap, StatusCode, Version};
use pingora::ErrorSource;
use pingora::ErrorType::{
    ConnectError, ConnectNoRoute, ConnectRefused, ConnectTimedout, ConnectionClosed, Custom, H2Error, HTTPStatus, InvalidCert, ReadError,
    ReadTimedout, SocketError, TLSHandshakeFailure, TLSHandshakeTimedout, TLSWantX509Lookup, WriteError, WriteTimedout,
};
use pingora::http::ResponseHeader;
use pingora::prelude::HttpPeer;
use pingora::proxy::Session;
use std::sync::Arc;
use std::time::Duration;

/// Whether an attempt went over a connection that had been used before; the server may have closed it unheard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// A kept connection.
    Kept,
    /// A new one.
    New,
}

impl Reuse {
    /// Pingora's own way to say it.
    #[allow(clippy::fn_params_excessive_bools, reason = "the hook of the framework has a bool")]
    pub(super) const fn of(reused: bool) -> Self {
        if reused { Self::Kept } else { Self::New }
    }
}

/// Gives the session the deadlines of an admitted request. Without content nothing is read, and no timer is needed for it.
pub(super) fn prepare(session: &mut Session, limits: &Limits) {
    let reading = (!content::is_empty(session)).then_some(limits.body_timeout.duration());
    let downstream = session.as_downstream_mut();
    downstream.set_read_timeout(reading);
    downstream.set_write_timeout(Some(limits.send_timeout.duration()));
}

/// Chooses the server of the next attempt, for Pingora to go on with.
pub(super) fn select_peer(exchange: &mut Exchange) -> Result<Box<HttpPeer>, UpstreamProblem> {
    select(exchange).map(|server| Box::new(server.peer().clone()))
}

/// Chooses the server of the next attempt.
pub(super) fn select(exchange: &mut Exchange) -> Result<Arc<PoolServer>, UpstreamProblem> {
    let pool = pool(exchange).map(Arc::clone).ok_or(UpstreamProblem::NoServer)?;
    let metrics = metrics(exchange).map(Arc::clone);
    // Each attempt sends the content from its start.
    exchange.forwarded = Forwarded::default();
    let permit = exchange.permit_mut().map_err(|_| UpstreamProblem::NoServer)?;
    let lease = pool.select(permit.lease.as_ref()).ok_or(UpstreamProblem::NoServer)?;
    permit.attempts = permit.attempts.saturating_add(1);
    if let (Some(metrics), true) = (metrics, permit.attempts > 1) {
        metrics.record_retry();
    }
    permit.chosen = clock::instant();
    let server = Arc::clone(lease.server());
    permit.lease = Some(lease);
    Ok(server)
}

/// The pool that an exchange is for.
pub(super) fn pool(exchange: &Exchange) -> Option<&Arc<Pool>> {
    exchange.live.pool(exchange.route()?.upstream)
}

fn metrics(exchange: &Exchange) -> Option<&Arc<UpstreamMetrics>> {
    exchange.live.upstream_metrics(exchange.route()?.upstream)
}

/// A connection could not be made: another server is tried for an idempotent request while attempts are left.
pub(super) fn connect_failed(session: &Session, exchange: &Exchange, mut error: Box<pingora::Error>) -> Box<pingora::Error> {
    record_attempt(exchange, outcome(&error));
    error.set_retry(may_retry(session, exchange));
    error
}

/// An attempt failed after the connection stood: likewise, while no answer has begun and only if the content can be sent again.
pub(super) fn attempt_failed(session: &Session, exchange: &Exchange, mut error: Box<pingora::Error>, reuse: Reuse) -> Box<pingora::Error> {
    record_attempt(exchange, outcome(&error));
    let again = may_retry(session, exchange) && !has_begun(session) && !session.as_downstream().retry_buffer_truncated();
    if !again {
        error.set_retry(false);
    } else if is_cut(&error) {
        error.set_retry(true);
    } else {
        error.retry.decide_reuse(reuse == Reuse::Kept);
    }
    error
}

/// Whether the server ended the connection, new or kept, before it answered.
fn is_cut(error: &pingora::Error) -> bool {
    *error.esource() == ErrorSource::Upstream && matches!(error.etype(), ConnectionClosed | ReadError | WriteError | H2Error)
}

/// Whether the client has seen a part of an answer.
fn has_begun(session: &Session) -> bool {
    session.response_written().is_some_and(|head| !head.status.is_informational())
}

fn may_retry(session: &Session, exchange: &Exchange) -> bool {
    let retries = pool(exchange).map_or(0, |pool| pool.spec().retries);
    let attempts = exchange.admitted().map_or(0, |permit| permit.attempts);
    session.req_header().method.is_idempotent() && attempts <= retries
}

fn record_attempt(exchange: &Exchange, outcome: &'static str) {
    if let Some(metrics) = metrics(exchange) {
        metrics.record_attempt(outcome);
    }
}

/// How an attempt ended. That a client left, or its content was not proved, is nothing that its server did.
fn outcome(error: &pingora::Error) -> &'static str {
    match error.esource() {
        ErrorSource::Downstream => "given_up",
        ErrorSource::Upstream | ErrorSource::Internal | ErrorSource::Unset => problem(error).reason(),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "Pingora adds kinds of errors; a new one is an answer that cannot be used")]
fn problem(error: &pingora::Error) -> UpstreamProblem {
    match error.etype() {
        ConnectTimedout => UpstreamProblem::Timeout("connecting"),
        TLSHandshakeTimedout => UpstreamProblem::Timeout("the TLS handshake"),
        ReadTimedout => UpstreamProblem::Timeout("the answer"),
        WriteTimedout => UpstreamProblem::Timeout("sending"),
        ConnectRefused => UpstreamProblem::Connect("connection refused"),
        ConnectNoRoute => UpstreamProblem::Connect("no route to the server"),
        TLSHandshakeFailure | TLSWantX509Lookup => UpstreamProblem::Connect("the TLS handshake failed"),
        InvalidCert => UpstreamProblem::Connect("a certificate that is not taken"),
        ConnectError | SocketError => UpstreamProblem::Connect("no connection"),
        _ => UpstreamProblem::Response,
    }
}

/// Believes a switch of protocols (101) only where the client asked for it, and only to WebSocket: after any
/// other one, client and gateway would disagree about where HTTP ends (T-44, T-45).
pub(super) fn admit_switch(session: &Session, answer: &ResponseHeader) -> Result<(), UpstreamProblem> {
    let to_websocket = |fields: &HeaderMap| fields.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let asked = || session.as_downstream().is_upgrade_req() && to_websocket(&session.req_header().headers);
    if answer.status != StatusCode::SWITCHING_PROTOCOLS || (to_websocket(&answer.headers) && asked()) {
        Ok(())
    } else {
        Err(UpstreamProblem::Response)
    }
}

/// Whether another answer follows this one (RFC 9110 §15.2). None follows a switch of protocols.
pub(super) fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// The upstream answered: records it, and adds what the scheme gives with the answer.
pub(super) fn answered(head: &mut ResponseHeader, exchange: &Exchange) -> pingora::Result<()> {
    let permit = exchange.permit().map_err(super::denial::abort)?;
    // An intermediary speaks its own version (RFC 9110 §2.5).
    if head.version == Version::HTTP_10 {
        head.set_version(Version::HTTP_11);
    }
    if let (Some(metrics), false) = (metrics(exchange), is_interim(head.status)) {
        metrics.record_response(permit.chosen.elapsed());
        metrics.record_attempt("answered");
    }
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        watch::expect_tunnel(tunnel_age(permit, &exchange.live.snapshot.limits));
    }
    match permit.grounds() {
        Grounds::Public => Ok(()),
        Grounds::Proved(proved) => proved.each().try_for_each(|(proof, scheme)| dress(head, proof, scheme, exchange)),
    }
}

/// Puts what the scheme says in the place of what the upstream may have said in its name.
fn dress(head: &mut ResponseHeader, proof: &Proof, scheme: SchemeId, exchange: &Exchange) -> pingora::Result<()> {
    let Some(named) = exchange.live.snapshot.schemes.get(scheme.index()) else { return Ok(()) };
    let foreign: Vec<_> = head.headers.keys().filter(|name| named.scheme.owns_answer_field(name.as_str())).cloned().collect();
    for name in &foreign {
        head.remove_header(name);
    }
    if is_interim(head.status) || proof.continuation == Continuation::None {
        return Ok(());
    }
    let fields = named.scheme.issue(proof, clock::now());
    for field in &fields {
        head.remove_header(field.field);
    }
    // Whether scripts may read the answer at all is what its upstream says.
    if exchange.route().is_some_and(|route| !route.cors.origins.is_empty()) {
        cors::expose(head, &fields.iter().map(|field| field.field).collect::<Vec<_>>())?;
    }
    for field in fields {
        head.append_header(field.field, field.value)?;
    }
    Ok(())
}

/// A tunnel ends with its token (T-46), at the latest at the configured age.
fn tunnel_age(permit: &Permit, limits: &Limits) -> Duration {
    let most = limits.max_tunnel_age.duration();
    match permit.grounds() {
        Grounds::Public => most,
        Grounds::Proved(proved) => proved.each().fold(most, |most, (proof, _)| {
            let left = proof.principal.expires().seconds().saturating_sub(clock::now().seconds());
            most.min(Duration::from_secs(left))
        }),
    }
}

/// Answers a request that no attempt could satisfy; returns the status, 0 where the client is gone.
pub(super) async fn give_up(session: &mut Session, exchange: &mut Exchange, error: &pingora::Error) -> u16 {
    if let Some(problem) = content::end(session, &exchange.passage)
        && let Stage::Admitted(permit) = &exchange.stage
        && let (Grounds::Proved(proved), Some(route)) = (permit.grounds(), exchange.route())
    {
        let asked = Asked::by(route, &exchange.live);
        let denial = admission::not_proved(problem, proved, asked);
        admission::record_denial(permit.route(), &denial, &exchange.live);
        exchange.fail(denial);
    }
    if exchange.denial().is_none() {
        // Pingora's own types stand for content that came and was malformed.
        let client_gone = *error.esource() == ErrorSource::Downstream && !matches!(error.etype(), HTTPStatus(_) | ReadTimedout | Custom(_));
        if client_gone {
            return 0;
        }
        exchange.fail(classify(error));
    }
    let Some(denial) = exchange.denial() else { return 0 };
    session.set_keepalive(None);
    if has_begun(session) {
        return 0;
    }
    let status = denial.status().as_u16();
    match respond::deny(session, exchange).await {
        Ok(()) => status,
        Err(_) => 0,
    }
}

fn classify(error: &pingora::Error) -> Denial {
    match (error.esource(), error.etype()) {
        (ErrorSource::Downstream, ReadTimedout) => Denial::BadContent(super::denial::ContentProblem::Slow),
        (ErrorSource::Downstream, _) => Denial::BadContent(super::denial::ContentProblem::Broken),
        (ErrorSource::Upstream, _) => Denial::Upstream(problem(error)),
        (ErrorSource::Internal | ErrorSource::Unset, _) => Denial::Fault,
    }
}
