//! Denials become bytes here, and nowhere else.

use super::content;
use super::cors;
use super::denial::Denial;
use super::exchange::Exchange;
use super::request_id::RequestId;
use crate::config::document::Limits;
use crate::scheme::Challenge;
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::HttpTask;
use pingora::proxy::Session;

const PROBLEM: &str = "application/problem+json";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Which form the caller understands refusals in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// A status and a line of text.
    Text,
    /// A status and an object that names it (RFC 9457), for callers that ask for it.
    Problem,
    /// Status 200 and a `grpc-status` (gRPC over HTTP/2, "Responses: Trailers-Only").
    Grpc,
}

/// Answers with the denial of an exchange that has one. The caller learns the standard code; the precise reason is for the log.
///
/// The connection stays open where its framing is certain, so that a client may answer a challenge.
pub(super) async fn deny(session: &mut Session, exchange: &Exchange) -> pingora::Result<()> {
    let Some(denial) = exchange.denial() else { return Ok(()) };
    if matches!(denial, Denial::BadHead(_) | Denial::BadContent(_)) {
        session.set_keepalive(None);
    }
    let content = match dialect(session.req_header()) {
        Dialect::Grpc => return deny_call(session, grpc(denial, exchange.id)?).await,
        Dialect::Text => text(denial.status()),
        Dialect::Problem => problem(denial.status()),
    };
    let mut header = plain(denial, exchange.id, &content)?;
    let origin = exchange.route().and_then(|route| cors::allowed(&route.cors, &session.req_header().headers));
    if let Some(origin) = origin {
        cors::permit(&mut header, origin, &denial.challenges().iter().map(|challenge| challenge.field).collect::<Vec<_>>())?;
    }
    send(session, header, content.octets, &exchange.live.snapshot.limits).await
}

/// Sends an answer of the gateway's own, without its content where only the head was asked for.
pub(super) async fn send(session: &mut Session, header: ResponseHeader, content: Bytes, limits: &Limits) -> pingora::Result<()> {
    content::spare_connection(session, limits);
    let head_only = session.req_header().method == http::Method::HEAD;
    session.as_downstream_mut().write_response_header(Box::new(header)).await?;
    if !head_only {
        session.as_downstream_mut().write_response_body(content, true).await?;
    }
    session.as_downstream_mut().finish_body().await
}

/// The head itself must end the stream: gRPC clients take an empty DATA frame after it for a broken answer.
async fn deny_call(session: &mut Session, header: ResponseHeader) -> pingora::Result<()> {
    let whole = HttpTask::Header(Box::new(header), true);
    session.as_downstream_mut().response_duplex_vec(vec![whole]).await.map(|_ended| ())
}

fn dialect(header: &RequestHeader) -> Dialect {
    let content_type = header.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if header.version == http::Version::HTTP_2 && content_type.starts_with(b"application/grpc") {
        Dialect::Grpc
    } else if header.headers.get_all(ACCEPT).iter().any(accepts_problem) {
        Dialect::Problem
    } else {
        Dialect::Text
    }
}

/// Whether a list of media ranges names problems (RFC 9110 §12.5.1), and not only to refuse them.
fn accepts_problem(value: &HeaderValue) -> bool {
    value.as_bytes().split(|octet| *octet == b',').any(|range| {
        let mut parts = range.split(|octet| *octet == b';').map(<[u8]>::trim_ascii);
        let is_named = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(PROBLEM.as_bytes()));
        is_named && !parts.any(|weight| matches!(weight, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000"))
    })
}

/// What a denial says in its content.
struct Content {
    media_type: &'static str,
    octets: Bytes,
}

fn plain(denial: &Denial, id: RequestId, content: &Content) -> pingora::Result<ResponseHeader> {
    let mut header = common(denial.status(), denial, id)?;
    header.insert_header(CONTENT_TYPE, HeaderValue::from_static(content.media_type))?;
    header.insert_header(CONTENT_LENGTH, content.octets.len())?;
    if let Denial::MethodNotAllowed { allow } = denial {
        header.insert_header("Allow", allow.clone())?;
    }
    if closes(denial) {
        header.insert_header(CONNECTION, HeaderValue::from_static("close"))?;
    }
    Ok(header)
}

const fn closes(denial: &Denial) -> bool {
    matches!(denial, Denial::BadHead(_) | Denial::BadContent(_))
}

fn grpc(denial: &Denial, id: RequestId) -> pingora::Result<ResponseHeader> {
    let mut header = common(StatusCode::OK, denial, id)?;
    header.insert_header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))?;
    header.insert_header(GRPC_STATUS, grpc_status(denial.status()))?;
    header.insert_header(GRPC_MESSAGE, HeaderValue::from_static(reason_phrase(denial.status())))?;
    Ok(header)
}

/// The gRPC code of an HTTP status: UNAUTHENTICATED 16, PERMISSION_DENIED 7, UNIMPLEMENTED 12,
/// RESOURCE_EXHAUSTED 8, UNAVAILABLE 14, DEADLINE_EXCEEDED 4, INTERNAL 13.
const fn grpc_status(status: StatusCode) -> HeaderValue {
    HeaderValue::from_static(match status {
        StatusCode::UNAUTHORIZED => "16",
        StatusCode::FORBIDDEN => "7",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "12",
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "8",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::MISDIRECTED_REQUEST => "14",
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => "4",
        _ => "13",
    })
}

fn common(status: StatusCode, denial: &Denial, id: RequestId) -> pingora::Result<ResponseHeader> {
    /// Room for the fields below and two challenges.
    const USUAL: usize = 8;
    let mut header = ResponseHeader::build(status, Some(USUAL))?;
    let asks = matches!(denial.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST);
    let challenges = if asks { denial.challenges() } else { &[] };
    for Challenge { field, value } in challenges {
        header.append_header(*field, value.clone())?;
    }
    header.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
    header.insert_header("X-Request-Id", id.as_str())?;
    Ok(header)
}

/// One line: the standard phrase, never the precise reason.
fn text(status: StatusCode) -> Content {
    let phrase = reason_phrase(status);
    Content { media_type: "text/plain; charset=utf-8", octets: Bytes::from([phrase, "\n"].concat()) }
}

/// The same as a problem of no type of its own (RFC 9457 §4.2.1).
fn problem(status: StatusCode) -> Content {
    let (title, status) = (reason_phrase(status), status.as_str());
    let object = ["{\"type\":\"about:blank\",\"title\":\"", title, "\",\"status\":", status, "}\n"].concat();
    Content { media_type: PROBLEM, octets: Bytes::from(object) }
}

fn reason_phrase(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Refused")
}
