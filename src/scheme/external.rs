//! How the client addressed us, for those who ask: few schemes do.

use super::{Connection, RequestHead, TransportSecurity};
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The scheme that the client used, as a proxy states it.
pub const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The host that the client asked for, as a proxy states it.
pub const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whether what the peer states about the client is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerTrust {
    /// The peer is a configured proxy.
    Trusted,
    /// Anybody else; also every peer when no proxy is configured.
    Untrusted,
}

impl PeerTrust {
    /// What stands in a field that is the peer's to set, where it is believed.
    pub fn stated(self, name: HeaderName, fields: &HeaderMap) -> Option<&HeaderValue> {
        match self {
            Self::Trusted => fields.get(name),
            Self::Untrusted => None,
        }
    }
}

/// How the client addressed us: as the request says that came here, or as a proxy says that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct External<'r> {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and port.
    pub authority: &'r str,
}

impl<'r> External<'r> {
    /// By what a trusted peer states, else as the request came here.
    pub fn find(head: &RequestHead<'r>, connection: &Connection, peer: PeerTrust) -> Self {
        let stated = |name| match peer {
            PeerTrust::Trusted => head.sole(&name).ok().flatten().and_then(|value| std::str::from_utf8(value).ok()),
            PeerTrust::Untrusted => None,
        };
        let scheme = match (stated(FORWARDED_PROTO), &connection.security) {
            (Some("https"), _) => "https",
            (Some("http"), _) | (Some(_) | None, TransportSecurity::Clear) => "http",
            (Some(_) | None, TransportSecurity::Tls { .. }) => "https",
        };
        Self { scheme, authority: stated(FORWARDED_HOST).filter(|host| is_host(host)).unwrap_or(head.authority) }
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|octet| octet.is_ascii_graphic() && !b",/@?#".contains(&octet))
}
