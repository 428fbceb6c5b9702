//! Documents that the gateway itself publishes on its data listeners, for anybody: metadata of protected resources.

use super::connection;
use super::exchange::Exchange;
use crate::route::{Authority, UriScheme};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;

/// The document that a request asks for, where it is one of ours.
pub(super) fn find(session: &Session, exchange: &Exchange) -> Option<Bytes> {
    let header = session.req_header();
    let path = header.uri.path();
    if !path.starts_with("/.well-known/") || !matches!(header.method, Method::GET | Method::HEAD) {
        return None;
    }
    let scheme = connection::facts(session).uri_scheme();
    let host = authority(header, scheme)?;
    exchange.live.snapshot.published.find(&host, path)
}

fn authority(header: &RequestHeader, scheme: UriScheme) -> Option<String> {
    let stated = header.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = stated.or_else(|| header.headers.get(HOST).map(HeaderValue::as_bytes))?;
    Authority::judge(host, scheme).ok().map(|judged| judged.as_str().to_owned())
}

/// Answers with a document. Scripts of any origin may read what anybody may.
pub(super) async fn answer(session: &mut Session, document: Bytes) -> pingora::Result<()> {
    // The head was not judged: where it ends, and whether content follows, is for nobody to rely on.
    session.set_keepalive(None);
    let mut header = ResponseHeader::build(StatusCode::OK, None)?;
    header.insert_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))?;
    header.insert_header(CONTENT_LENGTH, document.len())?;
    header.insert_header(CACHE_CONTROL, HeaderValue::from_static("max-age=300"))?;
    header.insert_header("Access-Control-Allow-Origin", HeaderValue::from_static("*"))?;
    let head_only = session.req_header().method == Method::HEAD;
    session.as_downstream_mut().write_response_header(Box::new(header)).await?;
    if head_only {
        return session.as_downstream_mut().finish_body().await;
    }
    session.as_downstream_mut().write_response_body(document, true).await
}
