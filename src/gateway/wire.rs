//! The head of a request as octets, for a server that is spoken to over HTTP/1.1.

use super::plan::Plan;
use crate::config::snapshot::{Route, Snapshot};
use http::header::HeaderName;
use http::{HeaderValue, Method, Version};
use pingora::http::RequestHeader;

/// Writes the head as the plan has it, without a copy in between. Nothing where a field concerns the connection or has
/// to be taken apart: what becomes of such heads stands in one place, and that is not here.
pub(super) fn plain_head(request: &RequestHeader, plan: &Plan, route: &Route, snapshot: &Snapshot) -> Option<Vec<u8>> {
    // Whether an answer has content depends on the method, which the reader of the answer is told only by Pingora's own writer.
    let speakable = request.version == Version::HTTP_11 && request.has_case() && request.method != Method::HEAD;
    if !speakable || !is_plain(request, route, snapshot) {
        return None;
    }
    let mut octets = Vec::with_capacity(room(request, plan));
    let target = plan.target.as_ref().map_or_else(|| request.raw_path(), |target| target.as_str().as_bytes());
    for part in [request.method.as_str().as_bytes(), b" ", target, b" HTTP/1.1\r\n"] {
        octets.extend_from_slice(part);
    }
    // Both go over the fields in the same order. Should they ever not, a name is written as it is known here.
    let written = request.case_header_iter().map(|(written, _)| written.as_slice());
    for ((name, value), written) in request.headers.iter().zip(written) {
        if !is_of_the_connection(name) && !plan.replaces(name) && !plan.removes(name, route, snapshot) {
            let known = name.as_str().as_bytes();
            put_field(&mut octets, if written.eq_ignore_ascii_case(known) { written } else { known }, value);
        }
    }
    plan.fields.iter().for_each(|(name, value)| put_field(&mut octets, name, value));
    octets.extend_from_slice(b"\r\n");
    Some(octets)
}

/// Whether every field goes on as it is, or not at all.
fn is_plain(request: &RequestHeader, route: &Route, snapshot: &Snapshot) -> bool {
    let mut cookies = 0_u8;
    let plain = request.headers.iter().all(|(name, value)| match name.as_str() {
        "connection" => value.as_bytes().eq_ignore_ascii_case(b"keep-alive") || value.as_bytes().eq_ignore_ascii_case(b"close"),
        "keep-alive"
        | "proxy-connection"
        | "proxy-authenticate"
        | "proxy-authorization"
        | "te"
        | "trailer"
        | "transfer-encoding"
        | "upgrade"
        | "http2-settings" => false,
        "cookie" => {
            cookies = cookies.saturating_add(1);
            true
        }
        _ => true,
    });
    plain && (cookies == 0 || (cookies == 1 && snapshot.stripped(route).all(|carriers| carriers.cookies.is_empty())))
}

/// The one field about the connection that a plain head may have.
fn is_of_the_connection(name: &HeaderName) -> bool {
    *name == http::header::CONNECTION
}

fn put_field(octets: &mut Vec<u8>, name: &[u8], value: &HeaderValue) {
    for part in [name, b": ", value.as_bytes(), b"\r\n"] {
        octets.extend_from_slice(part);
    }
}

/// As much as the head takes at most, so that it is written without moving.
fn room(request: &RequestHeader, plan: &Plan) -> usize {
    /// Method, version, separators.
    const AROUND: usize = 64;
    let target = plan.target.as_ref().map_or_else(|| request.raw_path().len(), |target| target.as_str().len());
    let fields = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let added = plan.fields.iter().map(|(name, value)| name.len() + value.len() + 4);
    fields.chain(added).fold(AROUND.saturating_add(target), usize::saturating_add)
}
