//! What the gateway itself publishes on data listeners, the same for everybody: keys of assertions and of signed
//! requests, where the settings say so, and metadata of protected resources.

use super::connection;
use super::exchange::Exchange;
use super::respond;
use crate::config::snapshot::Snapshot;
use crate::route::{Authority, UriScheme};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;

/// The media type of a key set (RFC 7517 §8.5.2).
pub(super) const KEY_SET: &str = "application/jwk-set+json";
/// The media type of metadata (RFC 9728 §3.2).
const METADATA: &str = "application/json";
/// How long a document may be believed unasked: keys are published before they sign, and stay for a while after.
pub(super) const FRESHNESS: &str = "max-age=300";

/// A document for anybody.
pub(super) struct Document {
    media_type: &'static str,
    octets: Bytes,
}

/// The document that a request asks for, where it is one of ours. Paths are compared octet for octet.
pub(super) fn find(session: &Session, snapshot: &Snapshot) -> Option<Document> {
    if !snapshot.publishes() {
        return None;
    }
    let header = session.req_header();
    let path = header.raw_path().split(|octet| *octet == b'?').next()?;
    if !matches!(header.method, Method::GET | Method::HEAD) {
        return None;
    }
    if let Some(set) = key_set(snapshot, path) {
        return Some(Document { media_type: KEY_SET, octets: Bytes::copy_from_slice(set.as_bytes()) });
    }
    if !path.starts_with(b"/.well-known/") {
        return None;
    }
    let host = host(header, connection::facts(session).uri_scheme())?;
    let octets = snapshot.metadata.find(&host, std::str::from_utf8(path).ok()?)?;
    Some(Document { media_type: METADATA, octets })
}

/// The keys that are published at a path: those of assertions, or those of signed requests.
fn key_set<'s>(snapshot: &'s Snapshot, path: &[u8]) -> Option<&'s str> {
    let asserter = snapshot.asserter.as_ref().filter(|asserter| asserter.publishes_at(path));
    let signing = || snapshot.request_keys.as_ref().filter(|keys| keys.publishes_at(path)).map(|keys| keys.key_set());
    asserter.map(|asserter| asserter.key_set()).or_else(signing)
}

fn host(header: &RequestHeader, scheme: UriScheme) -> Option<String> {
    let stated = header.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = stated.or_else(|| header.headers.get(HOST).map(HeaderValue::as_bytes))?;
    Authority::judge(host, scheme).ok().map(|judged| judged.as_str().to_owned())
}

/// Answers with a document, which scripts of any origin may read. The connection closes over HTTP/1, because nobody
/// judged the head's framing.
pub(super) async fn answer(session: &mut Session, document: Document, exchange: &Exchange) -> pingora::Result<()> {
    session.set_keepalive(None);
    let mut header = ResponseHeader::build(StatusCode::OK, None)?;
    header.insert_header(CONTENT_TYPE, HeaderValue::from_static(document.media_type))?;
    header.insert_header(CONTENT_LENGTH, document.octets.len())?;
    header.insert_header(CACHE_CONTROL, HeaderValue::from_static(FRESHNESS))?;
    header.insert_header("Access-Control-Allow-Origin", HeaderValue::from_static("*"))?;
    header.insert_header("X-Request-Id", exchange.id.as_str())?;
    if session.req_header().version != http::Version::HTTP_2 {
        header.insert_header(CONNECTION, HeaderValue::from_static("close"))?;
    }
    respond::send(session, header, document.octets, &exchange.live.snapshot.limits).await
}
