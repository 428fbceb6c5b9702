//! A request's content: what of it is read, kept, proved and counted before and while the upstream hears of it.

mod proving;
mod spool;
mod stand_in;

pub(super) use proving::{NotProved, Proving};
pub(super) use spool::{NotKept, Room, Spool};
pub(super) use stand_in::{Legacy, Source};

use super::denial::ContentProblem;
use super::exchange::{Exchange, Passage};
use super::watch;
use crate::config::document::Limits;
use bytes::Bytes;
use http::Version;
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora::ErrorType::ReadTimedout;
use pingora::http::RequestHeader;
use pingora::proxy::Session;
use stand_in::{dismiss, install};
use std::sync::Arc;
use tokio::time::timeout;

/// The stated length of the content, where there is one.
pub(super) fn stated_length(session: &Session) -> Option<u64> {
    session.req_header().headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether there is no content, or none is stated. Over HTTP/2 the framework knows one way only to write that.
pub(super) fn is_empty(session: &mut Session) -> bool {
    session.as_downstream_mut().is_body_empty() || session.as_downstream().is_http2() && stated_length(session) == Some(0)
}

/// Refuses a content whose stated length is beyond a limit, before anything is read.
pub(super) fn admit_length(session: &Session, limit: u64) -> Result<(), ContentProblem> {
    match stated_length(session) {
        Some(length) if length > limit => Err(ContentProblem::TooLarge),
        Some(_) | None => Ok(()),
    }
}

/// Reads the content, at most `most` octets, and keeps it for the upstream; `see` is shown every piece.
///
/// # Errors
/// The content is larger than that, slower than the limits allow, broken off, or there is no room for it.
pub(super) async fn read(
    session: &mut Session,
    keep: Spool,
    most: u64,
    limits: &Limits,
    see: impl FnMut(&Bytes) + Send,
) -> Result<Spool, ContentProblem> {
    let most = most.min(limits.max_body_size.octets());
    admit_length(session, most)?;
    answer_expectation(session).await?;
    let kept = timeout(limits.body_deadline.duration(), collect(session, keep, most, limits, see)).await;
    let kept = kept.map_err(|_| ContentProblem::Slow)??;
    // What follows, such as a connection to the upstream, is not the client's to hurry.
    watch::rest();
    Ok(kept)
}

/// Reads a content whole before the upstream hears of it, where it says how long it is and there is room for it in
/// memory.
///
/// # Errors
/// It is slower than the limits allow, or broken off.
pub(super) async fn gather(session: &mut Session, room: &Arc<Room>, limits: &Limits) -> Result<Option<Source>, ContentProblem> {
    let Some(length) = stated_length(session) else { return Ok(None) };
    let Some(keep) = Spool::in_memory_for(length, room, limits) else { return Ok(None) };
    watch(session, limits);
    read(session, keep, length, limits, |_| {}).await.map(|kept| Some(Source::Kept(kept)))
}

/// A client that waits for `100 Continue` would otherwise wait in vain: upstreams are not asked.
async fn answer_expectation(session: &mut Session) -> Result<(), ContentProblem> {
    if !expects_continue(session.req_header()) || is_empty(session) {
        return Ok(());
    }
    // Pingora closes a connection after an answer to what it has not read; this is none.
    session.as_downstream_mut().set_close_on_response_before_downstream_finish(false);
    let told = session.as_mut().write_continue_response().await;
    session.as_downstream_mut().set_close_on_response_before_downstream_finish(true);
    told.map_err(|_| ContentProblem::Broken)
}

/// Whether the client waits to be told to go on (RFC 9110 §10.1.1), which nobody does over HTTP/1.0.
fn expects_continue(head: &RequestHeader) -> bool {
    let lists = head.headers.get_all(EXPECT).iter().map(http::HeaderValue::as_bytes);
    let mut expectations = lists.flat_map(|list| list.split(|octet| *octet == b',')).map(|member| {
        let word = member.split(|octet| matches!(octet, b';' | b'=')).next().unwrap_or_default();
        word.trim_ascii()
    });
    head.version > Version::HTTP_10 && expectations.any(|word| word.eq_ignore_ascii_case(b"100-continue"))
}

async fn collect(
    session: &mut Session,
    mut keep: Spool,
    most: u64,
    limits: &Limits,
    mut see: impl FnMut(&Bytes) + Send,
) -> Result<Spool, ContentProblem> {
    let mut came: u64 = 0;
    loop {
        let piece = timeout(limits.body_timeout.duration(), session.as_mut().read_request_body()).await;
        let Some(piece) = piece.map_err(|_| ContentProblem::Slow)?.map_err(|error| not_read(&error))? else { return Ok(keep) };
        came = came.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if came > most {
            return Err(ContentProblem::TooLarge);
        }
        watch::content_came(limits.body_timeout.duration());
        // Of a chunk only its frame may have come. An empty piece would be sent as the last chunk (RFC 9112 §7.1), and
        // what ends the content after it would stand before the next request on that connection.
        if !piece.is_empty() {
            see(&piece);
            keep.push(piece).await.map_err(not_kept)?;
        }
    }
}

/// The framework may keep the time for a piece, too.
fn not_read(error: &pingora::Error) -> ContentProblem {
    if *error.etype() == ReadTimedout { ContentProblem::Slow } else { ContentProblem::Broken }
}

/// What the caller learns of it is only that there is no room; the file's own problem is the operator's.
pub(super) fn not_kept(problem: NotKept) -> ContentProblem {
    match problem {
        NotKept::Full => ContentProblem::NoRoom,
        NotKept::File(error) => {
            tracing::error!(%error, "content cannot be kept in spool_directory");
            ContentProblem::NoRoom
        }
    }
}

/// Begins the passage of an admitted request's content.
///
/// # Errors
/// The client was to be told to go on, and is gone; or something came where nothing was stated.
pub(super) async fn begin(session: &mut Session, source: Option<Source>, limits: &Limits) -> Result<Passage, ContentProblem> {
    match source {
        None => {
            answer_expectation(session).await?;
            await_nothing(session, limits).await?;
            Ok(Passage::Streaming)
        }
        Some(source @ Source::Kept(_)) => Ok(Passage::Kept(install(session, source))),
        Some(source @ Source::Proving(_)) => {
            answer_expectation(session).await?;
            Ok(Passage::Proving(install(session, source)))
        }
    }
}

/// Waits for the end of a content of no octets, which comes with the head or after it (RFC 9113 §8.1.1).
async fn await_nothing(session: &mut Session, limits: &Limits) -> Result<(), ContentProblem> {
    if !session.as_downstream().is_http2() || stated_length(session) != Some(0) {
        return Ok(());
    }
    let ended = async {
        while session.as_downstream_mut().read_request_body().await.map_err(|error| not_read(&error))?.is_some() {}
        Ok(())
    };
    timeout(limits.body_timeout.duration(), ended).await.map_err(|_| ContentProblem::Slow).flatten()
}

/// Ends the passage: the session is the client's own again. Returns why the content was given up, if it was.
pub(super) fn end(session: &mut Session, passage: &Passage) -> Option<NotProved> {
    match passage {
        Passage::Streaming => None,
        Passage::Kept(legacy) | Passage::Proving(legacy) => {
            dismiss(session, legacy);
            legacy.take_problem()
        }
    }
}

/// Lets the connection go on over HTTP/1 although its content is unread, where that is soon read away.
pub(super) fn spare_connection(session: &mut Session, limits: &Limits) {
    if is_small(session, limits) && !waits_to_send(session) {
        session.as_downstream_mut().set_close_on_response_before_downstream_finish(false);
    }
}

/// Reads what is left of a content after its answer. A client that still sends would lose the answer to the reset of
/// the connection (RFC 9112 §9.6), and some take the reset of a stream for a failure (RFC 9113 §8.1). Nobody waits for
/// this.
pub(super) async fn drain(session: &mut Session, limits: &Limits) {
    let nothing = session.as_downstream_mut().is_body_done() || session.as_downstream().was_upgraded();
    if nothing || session.as_downstream().is_http2() && !is_small(session, limits) {
        return;
    }
    // Who was answered is not given up for being slow.
    watch::rest();
    match timeout(limits.drain_timeout.duration(), discard(session, limits.max_drain_size.octets())).await {
        Ok(Drained::Whole) => {}
        Ok(Drained::Partly) | Err(_) => session.set_keepalive(None),
    }
}

fn is_small(session: &Session, limits: &Limits) -> bool {
    stated_length(session).is_some_and(|length| (1..=limits.max_drain_size.octets()).contains(&length))
}

/// Whether the client may send no content at all, because it was not told to go on (RFC 9110 §10.1.1).
fn waits_to_send(session: &Session) -> bool {
    expects_continue(session.req_header()) && session.as_downstream().body_bytes_read() == 0
}

enum Drained {
    Whole,
    Partly,
}

async fn discard(session: &mut Session, most: u64) -> Drained {
    let mut came: u64 = 0;
    while !session.as_downstream_mut().is_body_done() {
        if came >= most {
            return Drained::Partly;
        }
        let Ok(Some(piece)) = session.as_downstream_mut().read_request_body().await else { return Drained::Partly };
        came = came.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }
    Drained::Whole
}

/// Sets the deadline of a content that is about to come, or none where there is none.
pub(super) fn watch(session: &mut Session, limits: &Limits) {
    if is_empty(session) {
        watch::rest();
    } else {
        watch::expect_content(limits.body_timeout.duration(), limits.body_deadline.duration());
    }
}

/// What of a content has gone upstream in one attempt.
#[derive(Default)]
pub(super) struct Forwarded {
    octets: u64,
    /// What completes the stated length, while the content has not ended.
    last: Option<Bytes>,
}

/// Counts a piece on its way upstream. Over HTTP/2 a content may go on beyond its stated length, which makes the request
/// malformed (RFC 9113 §8.1.1); to a server of HTTP/1 it would be whole by then, so that what completes it waits for the
/// end.
///
/// # Errors
/// The content is larger than `max_body_size`; what went upstream so far was never a whole request.
pub(super) fn pass(session: &Session, piece: &mut Option<Bytes>, end: BodyEnd, exchange: &mut Exchange) -> Result<(), ContentProblem> {
    let (limits, forwarded) = (&exchange.live.snapshot.limits, &mut exchange.forwarded);
    let octets = piece.as_ref().map_or(0, |piece| u64::try_from(piece.len()).unwrap_or(u64::MAX));
    forwarded.octets = forwarded.octets.saturating_add(octets);
    if forwarded.octets > limits.max_body_size.octets() {
        return Err(ContentProblem::TooLarge);
    }
    // Before trailers the framework gives nothing, and does not call it the end.
    let end = if piece.is_none() { BodyEnd::Reached } else { end };
    match end {
        BodyEnd::Reached => {
            watch::rest();
            if let Some(last) = forwarded.last.take() {
                *piece = Some(last);
            }
        }
        BodyEnd::Ahead => {
            watch::content_came(limits.body_timeout.duration());
            // Nothing at all would mean the end to the framework.
            if octets > 0 && stated_length(session) == Some(forwarded.octets) {
                forwarded.last = piece.replace(Bytes::new());
            }
        }
    }
    Ok(())
}

/// Whether a piece is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// It is.
    Reached,
    /// More comes.
    Ahead,
}

impl BodyEnd {
    /// Pingora's own way to say it.
    #[allow(clippy::fn_params_excessive_bools, reason = "the hook of the framework has a bool")]
    pub(super) const fn of(end_of_stream: bool) -> Self {
        if end_of_stream { Self::Reached } else { Self::Ahead }
    }
}
