//! The keys of assertions, on data listeners too where the settings say so: an answer that is the same for everybody.

use super::request_id::RequestId;
use super::respond;
use crate::assertion::Asserter;
use crate::config::snapshot::Snapshot;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use std::sync::Arc;

/// The media type of a key set (RFC 7517 §8.5.2).
pub(super) const KEY_SET: &str = "application/jwk-set+json";
/// How long a key set may be believed unasked: keys are published before they sign, and stay for a while after.
pub(super) const FRESHNESS: &str = "max-age=300";

/// What has the keys that a request asks for. The path is compared octet for octet.
pub(super) fn asked(session: &Session, snapshot: &Snapshot) -> Option<Arc<Asserter>> {
    let header = session.req_header();
    let asserter = snapshot.asserter.as_ref()?;
    let path = header.raw_path().split(|octet| *octet == b'?').next()?;
    let reads = header.method == Method::GET || header.method == Method::HEAD;
    (reads && asserter.publishes_at(path)).then(|| Arc::clone(asserter))
}

/// Answers with the keys. The connection closes over HTTP/1, because nobody judged the head's framing.
pub(super) async fn answer(session: &mut Session, keys: &str, id: RequestId) -> pingora::Result<()> {
    session.set_keepalive(None);
    let mut header = ResponseHeader::build(StatusCode::OK, None)?;
    header.insert_header(CONTENT_TYPE, HeaderValue::from_static(KEY_SET))?;
    header.insert_header(CONTENT_LENGTH, keys.len())?;
    header.insert_header(CACHE_CONTROL, HeaderValue::from_static(FRESHNESS))?;
    header.insert_header("X-Request-Id", id.as_str())?;
    if session.req_header().version != http::Version::HTTP_2 {
        header.insert_header(CONNECTION, HeaderValue::from_static("close"))?;
    }
    respond::send(session, header, Bytes::copy_from_slice(keys.as_bytes())).await
}
