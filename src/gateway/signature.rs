//! The gateway's own signature of what it forwards (RFC 9421): over the head as the upstream gets it, on each attempt.

use super::denial::{Denial, HeadProblem};
use crate::clock;
use crate::config::snapshot::{Route, Snapshot, UpstreamSecurity};
use crate::route::{Authority, UriScheme};
use crate::scheme::http_signature::wire::base::Message;
use crate::scheme::http_signature::wire::{INPUT, SIGNATURE};
use http::header::{HOST, HeaderMap};
use pingora::http::RequestHeader;

/// Lets no client sign under the gateway's label. What is removed on the way does not count.
pub(super) fn admit(fields: &HeaderMap, route: &Route, snapshot: &Snapshot) -> Result<(), HeadProblem> {
    let Some(signer) = &route.signer else { return Ok(()) };
    let carries = fields.contains_key(INPUT) || fields.contains_key(SIGNATURE);
    let goes_on = || [INPUT, SIGNATURE].iter().all(|name| !snapshot.stripped(route).any(|carriers| carriers.holds_field(name)));
    if carries && goes_on() { signer.admit(fields).map_err(|_| HeadProblem::SignatureLabel) } else { Ok(()) }
}

/// Adds the signature, where the route has one. Nothing that is signed changes after it.
pub(super) fn sign(header: &mut RequestHeader, route: &Route, snapshot: &Snapshot) -> Result<(), Denial> {
    let Some(signer) = &route.signer else { return Ok(()) };
    let upstream = snapshot.upstreams.get(route.upstream.index()).ok_or(Denial::Fault)?;
    let (scheme, uri_scheme) = match upstream.security {
        UpstreamSecurity::Clear => ("http", UriScheme::Http),
        UpstreamSecurity::Tls { .. } => ("https", UriScheme::Https),
    };
    let host = header.headers.get(HOST).ok_or(Denial::Fault)?.as_bytes();
    let authority = Authority::judge(host, uri_scheme).map_err(|_| Denial::Fault)?;
    let message = Message {
        method: header.method.as_str(),
        scheme,
        authority: authority.as_str(),
        host,
        target: header.raw_path(),
        fields: &header.headers,
    };
    let signed = signer.sign(&message, clock::now()).map_err(|_| Denial::Fault)?;
    header.append_header("Signature-Input", signed.input).map_err(|_| Denial::Fault)?;
    header.append_header("Signature", signed.signature).map_err(|_| Denial::Fault)?;
    Ok(())
}
