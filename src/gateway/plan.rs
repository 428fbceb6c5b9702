//! What happens to a request on its way to the upstream: described once, applied on every attempt.

use super::forwarding::{self, FORWARDED, FORWARDED_HOST, PeerTrust, TRACEPARENT, TRACESTATE, Trace};
use super::request_id::RequestId;
use crate::config::snapshot::{Route, Snapshot};
use crate::scheme::{Connection, RequestHead};
use bytes::Bytes;
use http::header::{COOKIE, EXPECT, HOST, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use pingora::http::RequestHeader;

/// A field that the gateway sets: its name as it stands on the wire, and its value.
pub(super) type SetField = (Bytes, HeaderValue);

/// What is changed in a request's head.
pub(super) struct Plan {
    /// The whole new target, where it differs from the one received.
    pub(super) target: Option<PathAndQuery>,
    /// Fields that are set, in place of what the client sent under these names.
    pub(super) fields: Vec<SetField>,
    /// Whether what the peer states about the client goes on.
    pub(super) trust: PeerTrust,
    /// Whether the client's trace goes on.
    pub(super) trace: Trace,
}

/// What every request states about the client, whatever its route.
pub(super) struct Provenance<'a> {
    /// The connection it came by.
    pub(super) connection: &'a Connection,
    /// Whether the peer's own statements are believed.
    pub(super) trust: PeerTrust,
    /// The request's name.
    pub(super) id: RequestId,
    /// The Host that the upstream sees.
    pub(super) host: &'a str,
}

/// The fields that describe where a request comes from. A value that cannot be written is left out.
pub(super) fn provenance(head: &RequestHead<'_>, from: &Provenance<'_>) -> Vec<SetField> {
    /// Room for these fields and a few of identity.
    const USUAL: usize = 8;
    let Provenance { connection, trust, id, host } = from;
    let mut fields = Vec::with_capacity(USUAL);
    if let Some(addresses) = forwarding::forwarded_for(head.fields, connection, *trust) {
        fields.push((Bytes::from_static(b"X-Forwarded-For"), addresses));
    }
    fields.push((Bytes::from_static(b"X-Forwarded-Proto"), forwarding::forwarded_proto(head.fields, connection, *trust)));
    let stated_id = forwarding::stated_request_id(head.fields, *trust).cloned();
    if let Some(name) = stated_id.or_else(|| HeaderValue::from_bytes(id.as_octets()).ok()) {
        fields.push((Bytes::from_static(b"X-Request-Id"), name));
    }
    if let Some(original) = original_host(head, from) {
        fields.push((Bytes::from_static(b"X-Forwarded-Host"), original));
    }
    if head.fields.get(HOST).is_none_or(|written| written != host)
        && let Ok(host) = HeaderValue::from_str(host)
    {
        fields.push((Bytes::from_static(b"Host"), host));
    }
    fields
}

/// The host that the client asked for, where the upstream does not learn it from Host.
fn original_host(head: &RequestHead<'_>, from: &Provenance<'_>) -> Option<HeaderValue> {
    let stated = from.trust.stated(FORWARDED_HOST, head.fields);
    match stated {
        Some(stated) => Some(stated.clone()),
        None if from.host == head.authority => None,
        None => HeaderValue::from_str(head.authority).ok(),
    }
}

impl Plan {
    /// Changes a head. Applying it again to a fresh copy gives the same result.
    ///
    /// Everything that only the gateway may set is removed first, under every spelling; nothing that
    /// a client names in `Connection` can remove what is set here, because Pingora has removed those before.
    pub(super) fn apply(&self, header: &mut RequestHeader, route: &Route, snapshot: &Snapshot) -> pingora::Result<()> {
        let unwanted: Vec<HeaderName> = header.headers.keys().filter(|name| self.removes(name, route, snapshot)).cloned().collect();
        for name in &unwanted {
            header.remove_header(name);
        }
        for (name, value) in &self.fields {
            header.insert_header(name.clone(), value.clone())?;
        }
        join_cookies(header)?;
        remove_cookies(header, route, snapshot)?;
        match &self.target {
            Some(target) => replace_target(header, target),
            None => Ok(()),
        }
    }

    /// Whether a field of this name is set in place of what the client sent.
    pub(super) fn replaces(&self, name: &HeaderName) -> bool {
        self.fields.iter().any(|(set, _)| set.eq_ignore_ascii_case(name.as_str().as_bytes()))
    }

    /// Whether what the client sent under this name does not go on.
    pub(super) fn removes(&self, name: &HeaderName, route: &Route, snapshot: &Snapshot) -> bool {
        snapshot.managed.covers(name.as_str())
            || *name == EXPECT
            || (self.trust == PeerTrust::Untrusted && *name == FORWARDED)
            || (self.trace == Trace::Dropped && (*name == TRACEPARENT || *name == TRACESTATE))
            || snapshot.stripped(route).any(|carriers| carriers.holds_field(name))
    }
}

/// Makes one field of the crumbs of a cookie: browsers send them apart over HTTP/2, and no server of HTTP/1.1
/// need understand that (RFC 9113 §8.2.3).
fn join_cookies(header: &mut RequestHeader) -> pingora::Result<()> {
    let mut crumbs = header.headers.get_all(COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return Ok(());
    }
    let crumbs: Vec<_> = header.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let whole = HeaderValue::from_maybe_shared(Bytes::from(crumbs.join(b"; ".as_slice())));
    header.insert_header(COOKIE, whole.map_err(|_| pingora::Error::new(pingora::ErrorType::InternalError))?)
}

/// Takes the cookies out that carry a credential; the others stay as they are.
fn remove_cookies(header: &mut RequestHeader, route: &Route, snapshot: &Snapshot) -> pingora::Result<()> {
    for carriers in snapshot.stripped(route).filter(|carriers| !carriers.cookies.is_empty()) {
        let kept = header.headers.get(COOKIE).and_then(|field| carriers.without_cookies(field.as_bytes()));
        match kept.map(|kept| (kept.is_empty(), HeaderValue::from_maybe_shared(Bytes::from(kept)))) {
            None => {}
            Some((true, _)) => drop(header.remove_header(&COOKIE)),
            Some((false, kept)) => {
                header.insert_header(COOKIE, kept.map_err(|_| pingora::Error::new(pingora::ErrorType::InternalError))?)?;
            }
        }
    }
    Ok(())
}

/// Over HTTP/2 the target is part of a URI whose authority must stay.
fn replace_target(header: &mut RequestHeader, target: &PathAndQuery) -> pingora::Result<()> {
    if header.version != http::Version::HTTP_2 {
        return header.set_raw_path(target.as_str().as_bytes());
    }
    let mut parts = header.uri.clone().into_parts();
    parts.path_and_query = Some(target.clone());
    let uri = http::Uri::from_parts(parts).map_err(|_| pingora::Error::new(pingora::ErrorType::InternalError))?;
    header.set_uri(uri);
    Ok(())
}
