//! Metadata of protected resources (RFC 9728): which document says who issues tokens for a route, and where it lies.

use super::document::ResourceSettings;
use crate::route::{Authority, UriScheme};
use crate::setting::{Located, Problem};
use bytes::Bytes;
use http::HeaderValue;
use std::collections::HashMap;
use std::sync::Arc;

/// What the paths of all such documents begin with (§3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A protected resource, as its metadata describe it.
#[derive(Debug)]
pub struct ProtectedResource {
    /// The address of the document, for challenges (§5.1).
    pub metadata_url: Box<str>,
    /// Host and path of the document, in their normal forms.
    place: Box<str>,
    document: Bytes,
}

/// The documents of all resources.
#[derive(Debug, Default)]
pub struct Metadata(HashMap<Box<str>, Bytes>);

impl Metadata {
    /// The documents of these resources.
    pub fn of<'r>(resources: impl Iterator<Item = &'r Arc<ProtectedResource>>) -> Self {
        Self(resources.map(|resource| (resource.place.clone(), resource.document.clone())).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The document at a place, where there is one.
    pub fn find(&self, authority: &str, path: &str) -> Option<Bytes> {
        if !path.starts_with(WELL_KNOWN) {
            return None;
        }
        self.0.get([authority, path].concat().as_str()).cloned()
    }
}

impl ProtectedResource {
    /// Writes the document of a resource.
    ///
    /// # Errors
    /// The identifier is no address of a resource (§1.2), or there is nobody to ask for tokens.
    pub fn build(settings: &Located<ResourceSettings>) -> Result<Self, Vec<Problem>> {
        let ResourceSettings { identifier, authorization_servers, scopes } = &**settings;
        let mut problems = Vec::new();
        if authorization_servers.is_empty() {
            problems.push(Problem::new(authorization_servers.at(), "an empty list", "at least one issuer"));
        }
        for issuer in authorization_servers.iter().filter(|issuer| split(issuer).is_none()) {
            problems.push(Problem::new(
                issuer.at(),
                format!("`{}`", **issuer),
                "the address of an issuer, such as `https://issuer.example`",
            ));
        }
        let Some((scheme, host, path)) = split(identifier) else {
            let expected = "an address such as `https://api.example/orders`, in its normal form, without query and fragment";
            problems.push(Problem::new(identifier.at(), format!("`{}`", **identifier), expected));
            return Err(problems);
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let well_known = [WELL_KNOWN, path.trim_end_matches('/')].concat();
        let texts = |list: &[Located<Box<str>>]| list.iter().map(|text| serde_json::Value::from(&***text)).collect::<Vec<_>>();
        let mut document = serde_json::json!({ "resource": &***identifier, "authorization_servers": texts(authorization_servers) });
        if let (Some(scopes), Some(object)) = (scopes, document.as_object_mut()) {
            object.insert("scopes_supported".to_owned(), texts(scopes).into());
        }
        Ok(Self {
            metadata_url: [scheme, host, &well_known].concat().into(),
            place: [host, &well_known].concat().into(),
            document: document.to_string().into(),
        })
    }
}

/// Scheme with its slashes, host and path of an address in normal form. `http` only to this machine, for trying it out.
fn split(address: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => ("https://", rest),
        (None, Some(rest)) if rest.starts_with("localhost") || rest.starts_with("127.0.0.1") => ("http://", rest),
        (None, _) => return None,
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end)?;
    let kind = if scheme == "https://" { UriScheme::Https } else { UriScheme::Http };
    let is_normal = Authority::judge(host.as_bytes(), kind).is_ok_and(|judged| judged.as_str() == host);
    let is_plain = path.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'?' | b'#' | b'"' | b'\\' | b'%'));
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    (is_normal && is_plain && !has_dots && !path.contains("//") && HeaderValue::from_str(address).is_ok()).then_some((scheme, host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(identifier: &str) -> Result<ProtectedResource, Vec<Problem>> {
        let text = |text: &str| Located::unwritten(Box::<str>::from(text));
        ProtectedResource::build(&Located::unwritten(ResourceSettings {
            identifier: text(identifier),
            authorization_servers: Located::unwritten(vec![text("https://issuer.example")]),
            scopes: Some(vec![text("orders.read")]),
        }))
    }

    #[test]
    fn rfc_9728_3_1_puts_the_document_before_the_path() {
        for (identifier, url) in [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example:8443/orders", "https://api.example:8443/.well-known/oauth-protected-resource/orders"),
            ("http://localhost:8080/a/b", "http://localhost:8080/.well-known/oauth-protected-resource/a/b"),
        ] {
            let resource = Arc::new(built(identifier).unwrap());
            assert_eq!(&*resource.metadata_url, url);
            let (_, rest) = url.split_once("://").unwrap();
            let (host, path) = rest.split_at(rest.find('/').unwrap());
            let document = Metadata::of([&resource].into_iter()).find(host, path).unwrap();
            let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
            assert_eq!(document["resource"], identifier, "exactly as written (§3.3)");
            assert_eq!(document["authorization_servers"][0], "https://issuer.example");
            assert_eq!(document["scopes_supported"][0], "orders.read");
        }
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for wrong in [
            "",
            "api.example",
            "http://api.example/",
            "https://",
            "https://API.example",
            "https://api.example:443/",
            "https://u@api.example/",
            "https://api.example/?a",
            "https://api.example/#a",
            "https://api.example/a/../b",
            "https://api.example//a",
            "https://api.example/a b",
            "https://api.example/\"",
        ] {
            assert!(built(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_places_hold_nothing() {
        let published = Metadata::of([&Arc::new(built("https://api.example/orders").unwrap())].into_iter());
        for (host, path) in [
            ("other.example", "/.well-known/oauth-protected-resource/orders"),
            ("api.example", "/.well-known/oauth-protected-resource"),
            ("api.example", "/.well-known/oauth-protected-resource/orders/"),
            ("api.example", "/orders"),
        ] {
            assert!(published.find(host, path).is_none(), "{host}{path}");
        }
    }
}
