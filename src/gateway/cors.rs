//! What scripts of other origins may ask and read (Fetch §3.2): nothing, unless a route says so.

use crate::config::document::Preflight;
use crate::config::snapshot::{Cors, Route};
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, ORIGIN};
use http::{HeaderValue, Method};
use pingora::http::ResponseHeader;

/// Whether a request is a browser's question that carries no credentials, and the route lets its upstream answer it.
/// Both fields must be there: `OPTIONS` alone is a request like any other.
pub(super) fn is_forwarded_preflight(route: &Route, method: &Method, fields: &HeaderMap) -> bool {
    route.cors.preflight == Preflight::Forward
        && *method == Method::OPTIONS
        && fields.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && allowed(&route.cors, fields).is_some()
}

/// The origin of a request, where its scripts may read what the gateway itself says.
pub(super) fn allowed<'f>(cors: &Cors, fields: &'f HeaderMap) -> Option<&'f HeaderValue> {
    let mut stated = fields.get_all(ORIGIN).iter();
    let origin = stated.next().filter(|_| stated.next().is_none())?;
    cors.origins.iter().any(|known| known == origin).then_some(origin)
}

/// Lets scripts of this origin read an answer of the gateway, these fields of it among the rest.
pub(super) fn permit(header: &mut ResponseHeader, origin: &HeaderValue, exposed: &[&'static str]) -> pingora::Result<()> {
    header.insert_header("Access-Control-Allow-Origin", origin.clone())?;
    header.append_header("Vary", HeaderValue::from_static("Origin"))?;
    expose(header, exposed)
}

/// Lets scripts that may read an answer read these fields, too.
pub(super) fn expose(header: &mut ResponseHeader, exposed: &[&'static str]) -> pingora::Result<()> {
    let mut names = exposed.to_vec();
    names.sort_unstable();
    names.dedup();
    match HeaderValue::try_from(names.join(", ")) {
        Ok(value) if !value.is_empty() => header.append_header("Access-Control-Expose-Headers", value).map(drop),
        Ok(_) | Err(_) => Ok(()),
    }
}
