//! Admission: head → route → extract → verify → decide → plan. Each stage takes what the one before made.

use super::connection::{self, ConnectionFacts};
use super::content::{self, NotProved, Room};
use super::cors;
use super::denial::{ContentProblem, Denial, HeadProblem, Whose};
use super::exchange::{Admitted, Denied, Exchange, Grounds, Permit, Proved};
use super::forwarding::{self, PeerTrust};
use super::judge::{Bounds, JudgedHead, judge};
use super::live::Live;
use super::plan::{self, Plan, Provenance, SetField};
use super::prove::Asked;
use super::settlement::{Desk, Whole};
use super::signature;
use crate::authorization::RequestFacts;
use crate::clock::{self, UnixTime};
use crate::config::snapshot::{Route, RouteId};
use crate::route::Found;
use crate::scheme::{Carries, ContentNeed, Evidence, Insufficiency, Rejection, RequestHead};
use crate::telemetry::metrics::Judgement;
use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;
use pingora::http::RequestHeader;
use pingora::proxy::Session;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// What admission needs beside the session.
struct Applicant<'a> {
    live: &'a Live,
    facts: &'a ConnectionFacts,
    trust: PeerTrust,
    carries: Carries,
    exchange: &'a Exchange,
    now: UnixTime,
}

/// Decides about one request; the upstream has heard nothing yet.
///
/// # Errors
/// Why it is denied, with the route as far as one was found.
pub(super) async fn admit(session: &mut Session, exchange: &Exchange, room: &Arc<Room>) -> Result<Admitted, Denied> {
    let outcome = weigh(session, exchange, room).await;
    record_decision(&outcome, &exchange.live);
    outcome
}

async fn weigh(session: &mut Session, exchange: &Exchange, room: &Arc<Room>) -> Result<Admitted, Denied> {
    let facts = connection::facts(session);
    let raw = raw_head(session);
    let carries = if content::is_empty(session) { Carries::Nothing } else { Carries::Content };
    let trust = forwarding::trust(facts.connection.peer, &exchange.live.snapshot.trusted_proxies);
    let applicant = Applicant { live: &exchange.live, facts: &facts, trust, carries, exchange, now: clock::now() };
    let (route, limit) = {
        let judged =
            judge_head(session.req_header(), &raw, &applicant).map_err(|problem| Denied { denial: problem.into(), route: None })?;
        let route = find(&judged, &applicant).map_err(|denial| Denied { denial, route: None })?;
        let needed = match carries {
            Carries::Nothing => ContentNeed::Nothing,
            Carries::Content => {
                content::admit_length(session, exchange.live.snapshot.limits.max_body_size.octets())
                    .map_err(|problem| at(route, problem.into()))?;
                need(&judged.head(), route, &exchange.live)
            }
        };
        match needed {
            ContentNeed::Nothing => {
                let decided = decide(&judged, &[], route, &applicant).await.map_err(|denial| at(route, denial))?;
                return settle(session, decided, None, &applicant, room).await.map_err(|denial| at(route, denial));
            }
            ContentNeed::Whole { limit } => (route, limit),
        }
    };
    let whole = Whole::read(session, limit, room, &exchange.live.snapshot.limits).await.map_err(|problem| at(route, problem.into()))?;
    // Judged anew, because reading the content needed the session that the head borrows from.
    let judged = judge_head(session.req_header(), &raw, &applicant).map_err(|problem| at(route, problem.into()))?;
    let decided = decide(&judged, &whole.octets, route, &applicant).await.map_err(|denial| at(route, denial))?;
    settle(session, decided, Some(whole), &applicant, room).await.map_err(|denial| at(route, denial))
}

const fn at(route: RouteId, denial: Denial) -> Denied {
    Denied { denial, route: Some(route) }
}

/// The head's octets over HTTP/1; nothing over HTTP/2.
fn raw_head(session: &Session) -> Bytes {
    session.as_downstream().as_http1().map(|http1| http1.get_headers_raw_bytes()).unwrap_or_default()
}

fn judge_head<'r>(header: &'r RequestHeader, raw: &'r [u8], applicant: &Applicant<'_>) -> Result<JudgedHead<'r>, HeadProblem> {
    let snapshot = &applicant.live.snapshot;
    judge(header, raw, Bounds { limits: &snapshot.limits, target: snapshot.target_rules, scheme: applicant.facts.uri_scheme() })
}

fn find(judged: &JudgedHead<'_>, applicant: &Applicant<'_>) -> Result<RouteId, Denial> {
    let snapshot = &applicant.live.snapshot;
    if !applicant.facts.certificate_holds_for(judged.authority().host(), snapshot) {
        return Err(Denial::Misdirected);
    }
    applicant.facts.admit_client(snapshot, applicant.now).map_err(Denial::ClientCertificate)?;
    match snapshot.table.find(judged.authority(), judged.target(), judged.head().method) {
        Found::Route(route) => Ok(*route),
        Found::NoRoute => Err(Denial::NoRoute),
        Found::MethodNotAllowed(methods) => {
            let names: Vec<_> = methods.iter().map(http::Method::as_str).collect();
            let allow = HeaderValue::try_from(names.join(", ")).map_err(|_| Denial::Fault)?;
            Err(Denial::MethodNotAllowed { allow })
        }
    }
}

fn need(head: &RequestHead<'_>, route: RouteId, live: &Live) -> ContentNeed {
    let schemes = live.snapshot.routes.get(route.index()).map_or(&[][..], |route| route.admission.schemes());
    let needs = schemes.iter().filter_map(|id| Some(live.snapshot.schemes.get(id.index())?.scheme.content_need(head)));
    needs.fold(ContentNeed::Nothing, |most, need| match (most, need) {
        (ContentNeed::Whole { limit }, ContentNeed::Whole { limit: other }) => ContentNeed::Whole { limit: limit.min(other) },
        (whole @ ContentNeed::Whole { .. }, ContentNeed::Nothing) | (ContentNeed::Nothing, whole) => whole,
    })
}

/// What was decided by the head: who it is, and the way. What is left is in the proof.
struct Decided {
    route: RouteId,
    grounds: Grounds,
    plan: Plan,
    client: IpAddr,
}

/// Proves who it is, judges whether that suffices, and plans the way.
async fn decide(judged: &JudgedHead<'_>, content: &[u8], id: RouteId, applicant: &Applicant<'_>) -> Result<Decided, Denial> {
    let live = applicant.live;
    let route = live.snapshot.routes.get(id.index()).ok_or(Denial::Fault)?;
    let asked = Asked::by(route, live);
    let (head, connection) = (judged.head(), &applicant.facts.connection);
    let evidence = Evidence {
        head,
        connection,
        peer: applicant.trust,
        content,
        carries: applicant.carries,
        beside: asked.beside(),
        now: applicant.now,
    };
    let proved = if cors::is_forwarded_preflight(route, head.method, head.fields) { None } else { asked.prove(&evidence).await? };
    let grounds = match proved {
        None => Grounds::Public,
        Some(proved) => {
            authorize(route, &proved, &evidence).map_err(|miss| asked.insufficient(&proved, miss))?;
            Grounds::Proved(proved)
        }
    };
    let plan = lay_plan(judged, route, &grounds, applicant)?;
    let client = forwarding::client(&judged.head(), &applicant.facts.connection, &live.snapshot.trusted_proxies);
    Ok(Decided { route: id, grounds, plan, client })
}

/// Whether who it is may do this.
fn authorize(route: &Route, proved: &Proved, evidence: &Evidence<'_>) -> Result<(), Insufficiency> {
    let RequestHead { method, authority: host, path, query, .. } = evidence.head;
    let facts = RequestFacts { method: method.as_str(), host, path, query, route: &route.name };
    route.authorization.judge(&proved.proof.principal, &facts, evidence.now)
}

/// Holds what is left against the content, and uses up what may be used once: last of all, and before the
/// upstream hears of the request.
async fn settle(
    session: &mut Session,
    decided: Decided,
    whole: Option<Whole>,
    applicant: &Applicant<'_>,
    room: &Arc<Room>,
) -> Result<Admitted, Denial> {
    let Decided { route: id, mut grounds, plan, client } = decided;
    let route = applicant.live.snapshot.routes.get(id.index()).ok_or(Denial::Fault)?;
    let source = match &mut grounds {
        Grounds::Public => None,
        Grounds::Proved(proved) => {
            let asked = Asked::by(route, applicant.live);
            let desk = Desk { session, room, limits: &applicant.live.snapshot.limits, mode: route.body };
            let held = desk.hold_against(proved.take_pledge(), whole).await;
            let source = held.map_err(|problem| not_proved(problem, proved, asked))?;
            claim(proved, asked).await?;
            source
        }
    };
    Ok(Admitted { permit: Permit::grant(id, grounds, plan, applicant.exchange.started), source, client })
}

/// Uses up what may be used once.
async fn claim(proved: &Proved, asked: Asked<'_>) -> Result<(), Denial> {
    for (proof, scheme) in proved.each() {
        if let Some(right) = &proof.first_use {
            let whose = Whose::Token(proof.principal.fingerprint());
            right.claim(clock::now()).await.map_err(|refusal| asked.refused(scheme, refusal, whose))?;
        }
    }
    Ok(())
}

/// Why content that was read, or that went on, ends its request.
pub(super) fn not_proved(problem: NotProved, proved: &Proved, asked: Asked<'_>) -> Denial {
    match problem {
        NotProved::Mismatch => {
            asked.refused(proved.scheme, Rejection::DigestMismatch.into(), Whose::Token(proved.proof.principal.fingerprint()))
        }
        NotProved::Content(problem) => problem.into(),
        NotProved::NotKept(problem) => content::not_kept(problem).into(),
        NotProved::Broken(_) => ContentProblem::Broken.into(),
    }
}

/// Records what authentication came to.
fn record_decision(outcome: &Result<Admitted, Denied>, live: &Live) {
    match outcome {
        Ok(Admitted { permit, .. }) => {
            if let Grounds::Proved(proved) = permit.grounds() {
                record(permit.route(), proved.proof.principal.scheme(), judgement("admitted", ""), live);
            }
        }
        Err(Denied { route: Some(route), denial }) => record_denial(*route, denial, live),
        Err(Denied { route: None, .. }) => {}
    }
}

/// Records what a denial says about authentication; of those that say nothing, nothing.
pub(super) fn record_denial(route: RouteId, denial: &Denial, live: &Live) {
    match denial {
        Denial::Refused { scheme, refusal, .. } => record(route, scheme, judgement(refusal.outcome(), refusal.reason()), live),
        Denial::Unauthenticated { .. } => record(route, "", judgement("missing", "credential_missing"), live),
        Denial::Ambiguous => record(route, "", judgement("malformed", denial.reason()), live),
        Denial::BadHead(_)
        | Denial::NoRoute
        | Denial::MethodNotAllowed { .. }
        | Denial::Misdirected
        | Denial::ClientCertificate(_)
        | Denial::BadContent(_)
        | Denial::UnrepresentableIdentity(_)
        | Denial::Upstream(_)
        | Denial::Fault => {}
    }
}

const fn judgement(outcome: &'static str, reason: &'static str) -> Judgement {
    Judgement { outcome, reason, mode: "enforce" }
}

fn record(route: RouteId, scheme: &str, judgement: Judgement, live: &Live) {
    if let Some(metrics) = live.route_metrics(route) {
        metrics.record_decision(scheme, judgement);
    }
}

/// Describes the way to the upstream; what is rewritten is judged again (T-26).
fn lay_plan(judged: &JudgedHead<'_>, route: &Route, grounds: &Grounds, applicant: &Applicant<'_>) -> Result<Plan, Denial> {
    let live = applicant.live;
    let head = judged.head();
    signature::admit(head.fields, route, &live.snapshot)?;
    let pool = live.pool(route.upstream).ok_or(Denial::Fault)?;
    let trust = applicant.trust;
    let host = pool.fixed_host().unwrap_or(head.authority);
    let from = Provenance { connection: &applicant.facts.connection, trust, id: applicant.exchange.id, host };
    let mut fields = plan::provenance(&head, &from);
    add_identity(route, grounds, applicant.now, &mut fields)?;
    let target = forwarded_target(judged, route, live)?;
    Ok(Plan { target, fields, trust, trace: forwarding::trace(head.fields) })
}

/// Writes who it is; a value that cannot stand in a field denies the request rather than being cut (T-14).
fn add_identity(route: &Route, grounds: &Grounds, now: UnixTime, fields: &mut Vec<SetField>) -> Result<(), Denial> {
    let Grounds::Proved(proved) = grounds else { return Ok(()) };
    let principal = &proved.proof.principal;
    let unrepresentable = || Denial::UnrepresentableIdentity(Box::new(proved.proof.clone()));
    if let Some((name, assertion)) = route.identity.assert(principal, now).map_err(|_| Denial::Fault)? {
        fields.push((name.clone(), assertion));
    }
    for (name, value) in route.identity.values(principal) {
        // Backends trim field values (RFC 9110 §5.5), and somebody else's name may be what is left.
        if value.trim_matches([' ', '\t']) != value {
            return Err(unrepresentable());
        }
        let value = HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes()));
        fields.push((name.clone(), value.map_err(|_| unrepresentable())?));
    }
    Ok(())
}

/// The target in its forwarded form, where that differs from the one received; judged again after rewriting (T-26).
fn forwarded_target(judged: &JudgedHead<'_>, route: &Route, live: &Live) -> Result<Option<PathAndQuery>, Denial> {
    let rewritten = route.rewrite.apply(judged.target(), live.snapshot.target_rules).map_err(HeadProblem::Target)?;
    let query = live.snapshot.stripped(route).fold(Cow::Borrowed(rewritten.query()), |query, carriers| match query {
        Cow::Borrowed(query) => carriers.without_credentials(query),
        Cow::Owned(query) => Cow::Owned(carriers.without_credentials(&query).into_owned()),
    });
    let path = rewritten.path();
    if judged.is_as_received() && path == judged.target().path() && query == judged.target().query() {
        return Ok(None);
    }
    let target = if query.is_empty() { path.to_owned() } else { [path, "?", &query].concat() };
    PathAndQuery::try_from(target).map(Some).map_err(|_| Denial::Fault)
}
