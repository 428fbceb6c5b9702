//! What a scheme may look at: the head as judged, the connection, the content it asked for, the time.

use super::{External, PeerTrust};
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, sha256};
use crate::token::form;
use http::header::{HeaderMap, HeaderName};
use rustls::pki_types::CertificateDer;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

/// Everything a verifier is handed; it never sees the session, the socket or the clock.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'r> {
    /// The request's head, in its one normal form.
    pub head: RequestHead<'r>,
    /// What the transport proved.
    pub connection: &'r Connection,
    /// Whether what the peer of the connection states about the client is believed.
    pub peer: PeerTrust,
    /// The whole content, where a scheme asked for it; empty otherwise.
    pub content: &'r [u8],
    /// Whether there is any content, looked at or not.
    pub carries: Carries,
    /// Whether credentials of other schemes may stand beside this one's.
    pub beside: Beside,
    /// When the request arrived.
    pub now: UnixTime,
}

impl<'r> Evidence<'r> {
    /// How the client addressed us; found anew each time, since few ask.
    pub fn external(&self) -> External<'r> {
        External::find(&self.head, self.connection, self.peer)
    }
}

/// Whether credentials of several schemes may stand in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// They may not: which one would speak for the caller?
    Refused,
    /// The route asks for several.
    Wanted,
}

/// Whether a request has content. One that is sent in chunks or over HTTP/2 without a stated length may turn out empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// It has, or it may have.
    Content,
    /// It has none.
    Nothing,
}

/// The octets that a sender who signs them has seen, before anything was brought into a normal form.
#[derive(Clone, Copy, Debug)]
pub struct Received<'r> {
    /// Path and query.
    pub target: &'r [u8],
    /// The value of Host, or of `:authority`.
    pub host: &'r [u8],
}

/// A request's head, borrowed and already normalised: this is what is judged and what is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// The method, case-sensitive (RFC 9110 §9.1).
    pub method: &'r http::Method,
    /// The host and port the request is for, lower-case, without a default port.
    pub authority: &'r str,
    /// The path in normal form, percent-encoded, starting with `/`.
    pub path: &'r str,
    /// The query as received, without `?`; empty when there is none.
    pub query: &'r str,
    /// What a signature is about.
    pub received: Received<'r>,
    /// The fields as received.
    pub fields: &'r HeaderMap,
}

/// A field that may stand once only stands several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

impl<'r> RequestHead<'r> {
    /// The one value of a field, or nothing; several are an error, never a choice.
    ///
    /// # Errors
    /// The field is repeated.
    pub fn sole(&self, name: &HeaderName) -> Result<Option<&'r [u8]>, Repeated> {
        let mut values = self.fields.get_all(name).iter();
        let first = values.next();
        match values.next() {
            Some(_) => Err(Repeated),
            None => Ok(first.map(http::HeaderValue::as_bytes)),
        }
    }

    /// The cookies, by name and value as they stand (RFC 6265 §5.4), whether in one field or in several.
    pub fn cookies(&self) -> impl Iterator<Item = (&'r [u8], &'r [u8])> {
        let fields = self.fields.get_all(http::header::COOKIE).iter();
        fields.flat_map(|field| field.as_bytes().split(|octet| *octet == b';')).filter_map(cookie)
    }

    /// Whether the content is of the media type, parameters aside (RFC 9110 §8.3).
    pub fn has_media_type(&self, media_type: &str) -> bool {
        let values = self.fields.get_all(http::header::CONTENT_TYPE);
        values.iter().any(|value| essence(value.as_bytes()).eq_ignore_ascii_case(media_type.as_bytes()))
    }
}

fn essence(value: &[u8]) -> &[u8] {
    value.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii()
}

/// Name and value of a cookie; nothing where a name is missing.
fn cookie(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    form::split_pair(pair).map(|(name, value)| (name.trim_ascii(), value.trim_ascii()))
}

/// What the transport layer proved. It is evidence, not identity.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The address of the peer of this connection: the client, or the last proxy before us.
    pub peer: SocketAddr,
    /// How the connection is protected.
    pub security: TransportSecurity,
}

/// How a connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportSecurity {
    /// Not at all.
    Clear,
    /// TLS, with the server name that the client asked for, if any.
    Tls {
        /// The server name indication (RFC 6066 §3), lower-case; empty when absent.
        server_name: Arc<str>,
        /// The certificate whose key the client proved to have, if it did.
        certificate: Option<Arc<ClientCertificate>>,
    },
}

impl Connection {
    /// The certificate whose key the client proved to have, if it did.
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        match &self.security {
            TransportSecurity::Clear => None,
            TransportSecurity::Tls { certificate, .. } => certificate.as_deref(),
        }
    }
}

/// A certificate as a client presented it. The handshake proved that the client has its key, and nothing else: who
/// vouches for it, and until when, is for whoever relies on it to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    leaf: CertificateDer<'static>,
    chain: Box<[CertificateDer<'static>]>,
    thumbprint: [u8; DIGEST_LENGTH],
}

impl ClientCertificate {
    /// The certificate and what came with it; computes its thumbprint.
    pub fn new(leaf: CertificateDer<'static>, chain: &[CertificateDer<'static>]) -> Self {
        let thumbprint = sha256(&leaf);
        Self { leaf, chain: chain.into(), thumbprint }
    }

    /// The certificate, as DER.
    pub fn der(&self) -> &[u8] {
        &self.leaf
    }

    /// The certificates that the client presented beside it, in the order given.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Its SHA-256, by which RFC 8705 §3.1 binds tokens to it.
    pub const fn thumbprint(&self) -> &[u8; DIGEST_LENGTH] {
        &self.thumbprint
    }
}

/// Where credentials of a scheme are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carriers {
    /// Fields, read whole.
    pub fields: Vec<HeaderName>,
    /// The common beginning of the names of further fields, lower-case; empty for none.
    pub field_family: &'static str,
    /// Names of cookies.
    pub cookies: Vec<Box<str>>,
    /// Names of query parameters, compared after decoding.
    pub query_names: Vec<&'static str>,
    /// Names of form fields in the content.
    pub form_names: Vec<&'static str>,
    /// What of the connection is a credential by itself.
    pub connection: ConnectionCarrier,
}

/// What of a connection is a credential by itself. It speaks for every request on it that brings no credential of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionCarrier {
    /// Nothing.
    #[default]
    Nothing,
    /// The client's certificate.
    Certificate,
}

impl Carriers {
    /// A query without the parameters that carry a credential; every other octet stays.
    pub fn without_credentials<'q>(&self, query: &'q str) -> Cow<'q, str> {
        let carries = |pair: &str| {
            let name = pair.split('=').next().unwrap_or_default();
            self.query_names.iter().any(|known| form::decodes_to(name.as_bytes(), known))
        };
        if self.query_names.is_empty() || !query.split('&').any(carries) {
            return Cow::Borrowed(query);
        }
        let kept: Vec<_> = query.split('&').filter(|pair| !carries(pair)).collect();
        Cow::Owned(kept.join("&"))
    }

    /// A field `Cookie` without the cookies that carry a credential, whose other octets stay; nothing where none do.
    pub fn without_cookies(&self, field: &[u8]) -> Option<Vec<u8>> {
        let carries = |pair: &&[u8]| cookie(pair).is_some_and(|(name, _)| self.cookies.iter().any(|known| known.as_bytes() == name));
        let pairs = || field.split(|octet| *octet == b';');
        if self.cookies.is_empty() || !pairs().any(|pair| carries(&pair)) {
            return None;
        }
        let kept: Vec<_> = pairs().filter(|pair| !carries(pair)).collect();
        Some(kept.join(b";".as_slice()).trim_ascii_start().to_vec())
    }

    /// Whether a field carries credentials.
    pub fn holds_field(&self, name: &HeaderName) -> bool {
        self.fields.contains(name) || (!self.field_family.is_empty() && name.as_str().starts_with(self.field_family))
    }

    /// Whether a credential of one could be taken for a credential of the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        let family = !self.field_family.is_empty() && self.field_family == other.field_family;
        let connection = self.connection == ConnectionCarrier::Certificate && self.connection == other.connection;
        let fields = connection || family || self.fields.iter().any(|field| other.fields.contains(field));
        let query = self.query_names.iter().any(|name| other.query_names.contains(name));
        let cookies = self.cookies.iter().any(|name| other.cookies.contains(name));
        fields || query || cookies || self.form_names.iter().any(|name| other.form_names.contains(name))
    }
}

/// Where a credential stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the handshake: it belongs to the connection, not to the request.
    Connection,
    /// In a field.
    Field(HeaderName),
    /// In the cookie of this name.
    Cookie(Box<str>),
    /// In the query.
    Query,
    /// In the content.
    Content,
}

/// How surely a credential is for a scheme, by what it says of itself; later ones are surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recognition {
    /// It names somebody else as its issuer, or is of another kind.
    Foreign,
    /// It does not say.
    Possible,
    /// It names an issuer that the scheme trusts.
    Named,
    /// It names that issuer, and a key of it that the scheme has.
    Keyed,
}

/// What becomes of credentials on the way to the upstream. Content goes on octet for octet either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// They are removed from fields and query.
    Removed,
    /// They go on.
    Kept,
}

/// What a scheme must see of the content before it can extract a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentNeed {
    /// Nothing: the content streams.
    Nothing,
    /// All of it, up to a limit in octets; beyond it the request is refused with 413.
    Whole {
        /// The most octets the scheme will look at.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{base64, base64url};

    const PUBLISHED: &str = "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVow\
        DzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIX\
        hbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2\
        DmFfQj1L+SY=";

    #[test]
    fn a_token_leaves_the_query_and_nothing_else_does() {
        let carriers = Carriers { query_names: vec!["wrap_access_token", "access_token"], ..Carriers::default() };
        let without = |query| carriers.without_credentials(query).into_owned();
        assert_eq!(without("a=1&wrap_access_token=x%3d&b=%20+"), "a=1&b=%20+");
        assert_eq!(without("wrap%5Faccess%5ftoken=x&b"), "b");
        assert_eq!(without("access_token=x"), "");
        assert_eq!(without("a=access_token"), "a=access_token");
    }

    #[test]
    fn a_connection_has_one_certificate_for_one_scheme() {
        let certificate = Carriers { connection: ConnectionCarrier::Certificate, ..Carriers::default() };
        let query = Carriers { query_names: vec!["access_token"], ..Carriers::default() };
        assert!(certificate.overlaps(&certificate));
        assert!(!certificate.overlaps(&query) && !query.overlaps(&certificate) && !Carriers::default().overlaps(&Carriers::default()));
    }

    /// The example of RFC 8705 Appendix A.
    #[test]
    fn a_thumbprint_is_that_of_the_whole_certificate() {
        let mut room = [0; 512];
        let der = base64::decode(PUBLISHED.as_bytes(), &mut room).unwrap().to_vec();
        let certificate = ClientCertificate::new(der.into(), &[]);
        assert_eq!(base64url::encode(certificate.thumbprint()), "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0");
    }

    #[test]
    fn a_token_leaves_the_cookies_and_nothing_else_does() {
        let carriers = Carriers { cookies: vec!["token".into()], ..Carriers::default() };
        let without = |field: &str| carriers.without_cookies(field.as_bytes()).map(|kept| String::from_utf8(kept).unwrap());
        assert_eq!(without("a=1; token=x;b=\"2;  c"), Some("a=1;b=\"2;  c".into()));
        assert_eq!(without("token=x; a=1"), Some("a=1".into()));
        assert_eq!(without("a=1;\ttoken =x=y ;"), Some("a=1;".into()));
        assert_eq!(without("token=x; token=y"), Some(String::new()));
        for other in ["", "a=token", "Token=x", "token", "token2=x; a=1"] {
            assert_eq!(without(other), None, "{other}");
        }
    }

    #[test]
    fn cookies_are_found_in_one_field_and_in_several() {
        let mut fields = HeaderMap::new();
        for field in ["a=1; b=\"x=y\" ;nameless", "a=2"] {
            fields.append(http::header::COOKIE, field.parse().unwrap());
        }
        let received = Received { target: b"/", host: b"h" };
        let head = RequestHead { method: &http::Method::GET, authority: "h", path: "/", query: "", received, fields: &fields };
        let found: Vec<_> = head.cookies().collect();
        assert_eq!(found, [(&b"a"[..], &b"1"[..]), (b"b", b"\"x=y\""), (b"a", b"2")]);
    }
}
