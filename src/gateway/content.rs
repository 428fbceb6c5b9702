//! Reading a request's whole content before its upstream hears of it.

use super::denial::{ContentProblem, Denial};
use super::exchange::Exchange;
use super::watch;
use crate::config::document::Limits;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora::proxy::Session;
use std::time::Duration;
use tokio::time::timeout;

/// What Pingora keeps of a content that was read, and gives to the upstream afterwards (64 KiB).
pub(super) const KEPT_FOR_FORWARDING: usize = 64 << 10;

/// The stated length of the content, where there is one.
pub(super) fn stated_length(session: &Session) -> Option<u64> {
    session.req_header().headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses a content whose stated length is beyond a limit, before anything is read.
pub(super) fn admit_length(session: &Session, limit: u64) -> Result<(), ContentProblem> {
    match stated_length(session) {
        Some(length) if length > limit => Err(ContentProblem::TooLarge),
        Some(_) | None => Ok(()),
    }
}

/// Reads the content, at most `limit` octets and at most what can be forwarded afterwards.
///
/// # Errors
/// The content is larger than that, slower than the limits allow, or broken off.
pub(super) async fn read(session: &mut Session, limit: usize, limits: &Limits) -> Result<Bytes, Denial> {
    let limit = limit.min(KEPT_FOR_FORWARDING);
    admit_length(session, u64::try_from(limit).unwrap_or(u64::MAX))?;
    answer_expectation(session).await?;
    session.as_mut().enable_retry_buffering();
    let whole = timeout(limits.body_deadline.duration(), collect(session, limit, limits)).await;
    let whole = whole.map_err(|_| ContentProblem::Slow)??;
    // What follows, such as a connection to the upstream, is not the client's to hurry.
    watch::rest();
    Ok(whole)
}

/// A client that waits for `100 Continue` (RFC 9110 §10.1.1) would otherwise wait in vain: nobody else answers it here.
async fn answer_expectation(session: &mut Session) -> Result<(), ContentProblem> {
    if !session.req_header().headers.contains_key(EXPECT) {
        return Ok(());
    }
    session.as_mut().write_continue_response().await.map_err(|_| ContentProblem::Broken)
}

async fn collect(session: &mut Session, limit: usize, limits: &Limits) -> Result<Bytes, ContentProblem> {
    let mut content = BytesMut::new();
    loop {
        let piece = timeout(limits.body_timeout.duration(), session.as_mut().read_request_body()).await;
        match piece.map_err(|_| ContentProblem::Slow)?.map_err(|_| ContentProblem::Broken)? {
            None => return Ok(content.freeze()),
            Some(piece) if content.len() + piece.len() > limit => return Err(ContentProblem::TooLarge),
            Some(piece) => {
                watch::content_came(limits.body_timeout.duration());
                content.extend_from_slice(&piece);
            }
        }
    }
}

/// Reads what is left of a small content after a refusal over HTTP/2: some clients take the reset of a stream
/// that they still send on for a failure, although the answer is whole (RFC 9113 §8.1).
pub(super) async fn drain(session: &mut Session) {
    /// The client has the answer already; it does not wait for this.
    const PATIENCE: Duration = Duration::from_secs(1);
    let small = stated_length(session).is_some_and(|length| usize::try_from(length).is_ok_and(|length| length <= KEPT_FOR_FORWARDING));
    if session.as_downstream().is_http2() && small {
        // Too slow or broken off: the stream is reset, as it would have been.
        let _ = timeout(PATIENCE, session.as_downstream_mut().drain_request_body()).await;
    }
}

/// Sets the deadline of a content that is about to come, or none where there is none.
pub(super) fn watch(session: &mut Session, limits: &Limits) {
    if session.as_downstream_mut().is_body_empty() {
        watch::rest();
    } else {
        watch::expect_content(limits.body_timeout.duration(), limits.body_deadline.duration());
    }
}

/// Counts a piece on its way upstream.
///
/// # Errors
/// The content is larger than `max_body_size`; what went upstream so far was never a whole request.
pub(super) fn count(piece: Option<&Bytes>, end: BodyEnd, exchange: &mut Exchange) -> Result<(), ContentProblem> {
    let limits = &exchange.live.snapshot.limits;
    match end {
        BodyEnd::Reached => watch::rest(),
        BodyEnd::Ahead => watch::content_came(limits.body_timeout.duration()),
    }
    let octets = piece.map_or(0, |piece| u64::try_from(piece.len()).unwrap_or(u64::MAX));
    exchange.content_octets = exchange.content_octets.saturating_add(octets);
    if exchange.content_octets > limits.max_body_size.octets() { Err(ContentProblem::TooLarge) } else { Ok(()) }
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
