//! What trusted proxies before us stated about the client, and what we state to the upstream.

pub(super) use crate::scheme::{FORWARDED_HOST, PeerTrust};

use crate::scheme::{Connection, FORWARDED_PROTO, RequestHead, TransportSecurity};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// The client's addresses so far, as appended to by each proxy.
pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// RFC 7239.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
/// The request's name in logs.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// W3C Trace Context.
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Judges a peer by its address only, never by what it sends.
pub(super) fn trust(peer: SocketAddr, trusted: &[IpNet]) -> PeerTrust {
    if contains(trusted, peer.ip()) { PeerTrust::Trusted } else { PeerTrust::Untrusted }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// The client: the right-most address that no trusted proxy owns, else the peer.
pub(super) fn client(head: &RequestHead<'_>, connection: &Connection, trusted: &[IpNet]) -> IpAddr {
    let peer = connection.peer.ip();
    if trust(connection.peer, trusted) == PeerTrust::Untrusted {
        return peer;
    }
    let mut client = peer;
    for stated in addresses(head.fields) {
        match stated {
            Some(address) if contains(trusted, address) => client = address,
            Some(address) => return address,
            None => return client,
        }
    }
    client
}

/// The stated addresses from right to left; something that is no address ends the believable part.
fn addresses(fields: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let values = fields.get_all(FORWARDED_FOR).iter().rev();
    values.flat_map(|value| value.as_bytes().rsplit(|octet| *octet == b',')).map(|part| std::str::from_utf8(part).ok()?.trim().parse().ok())
}

/// The value of `X-Forwarded-For`: the peer, behind what a trusted peer stated.
pub(super) fn forwarded_for(fields: &HeaderMap, connection: &Connection, trust: PeerTrust) -> Option<HeaderValue> {
    let mut text = Vec::with_capacity(39);
    if trust == PeerTrust::Trusted {
        for value in fields.get_all(FORWARDED_FOR) {
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b", ");
        }
    }
    write_address(&mut text, connection.peer.ip().to_canonical());
    HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
}

fn write_address(text: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    text.push(b'.');
                }
                write_octet(text, octet);
            }
        }
        // Writing to a vector cannot fail.
        IpAddr::V6(address) => write!(text, "{address}").unwrap_or_default(),
    }
}

/// Decimal without the machinery of `fmt`: this stands in every request.
fn write_octet(text: &mut Vec<u8>, octet: u8) {
    if octet >= 100 {
        text.push(b'0' + octet / 100);
    }
    if octet >= 10 {
        text.push(b'0' + octet / 10 % 10);
    }
    text.push(b'0' + octet % 10);
}

/// The value of `X-Forwarded-Proto`.
pub(super) fn forwarded_proto(fields: &HeaderMap, connection: &Connection, trust: PeerTrust) -> HeaderValue {
    let ours = match connection.security {
        TransportSecurity::Clear => "http",
        TransportSecurity::Tls { .. } => "https",
    };
    match trust.stated(FORWARDED_PROTO, fields) {
        Some(stated) if stated == "http" || stated == "https" => stated.clone(),
        Some(_) | None => HeaderValue::from_static(ours),
    }
}

/// A request's name from a trusted proxy, if it is short and harmless.
pub(super) fn stated_request_id(fields: &HeaderMap, trust: PeerTrust) -> Option<&HeaderValue> {
    const LONGEST: usize = 128;
    let stated = trust.stated(REQUEST_ID, fields)?;
    let harmless = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b':');
    (stated.len() <= LONGEST && stated.as_bytes().iter().all(harmless)).then_some(stated)
}

/// What becomes of the client's trace context (W3C Trace Context).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// There is none, or it is well-formed.
    Continued,
    /// It is malformed or repeated: it is removed.
    Dropped,
}

/// Whether the client's trace context can go on: none, or one `traceparent` of version 00 (W3C Trace Context §3.2).
pub(super) fn trace(fields: &HeaderMap) -> Trace {
    let mut values = fields.get_all(TRACEPARENT).iter();
    match (values.next(), values.next()) {
        (None, _) => Trace::Continued,
        (Some(value), None) if is_traceparent(value.as_bytes()) => Trace::Continued,
        (Some(_), _) => Trace::Dropped,
    }
}

fn is_traceparent(value: &[u8]) -> bool {
    let shape = |(index, octet): (usize, &u8)| match index {
        2 | 35 | 52 => *octet == b'-',
        _ => octet.is_ascii_digit() || (b'a'..=b'f').contains(octet),
    };
    let parts = (value.get(3..35), value.get(36..52));
    let nonzero = |part: Option<&[u8]>| part.is_some_and(|part| part.iter().any(|digit| *digit != b'0'));
    value.len() == 55 && value.starts_with(b"00-") && value.iter().enumerate().all(shape) && nonzero(parts.0) && nonzero(parts.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{External, Received};

    fn connection(peer: &str) -> Connection {
        Connection { peer: peer.parse().unwrap(), security: TransportSecurity::Clear }
    }

    fn fields(stated: &[&'static str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for value in stated {
            fields.append(FORWARDED_FOR, HeaderValue::from_static(value));
        }
        fields
    }

    fn client_of(stated: &[&'static str], peer: &str, trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let fields = fields(stated);
        let head = RequestHead {
            method: &http::Method::GET,
            authority: "",
            path: "/",
            query: "",
            received: Received { target: b"/", host: b"" },
            fields: &fields,
        };
        client(&head, &connection(peer), &trusted).to_string()
    }

    #[test]
    fn t_09_nobody_is_trusted_by_default() {
        assert_eq!(client_of(&["1.2.3.4"], "9.9.9.9:1", &[]), "9.9.9.9");
    }

    #[test]
    fn the_right_most_untrusted_address_is_the_client() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(client_of(&["6.6.6.6, 1.2.3.4, 10.0.0.2"], "10.0.0.1:1", &trusted), "1.2.3.4");
        assert_eq!(client_of(&["6.6.6.6", "1.2.3.4"], "10.0.0.1:1", &trusted), "1.2.3.4");
        assert_eq!(client_of(&["10.0.0.3"], "10.0.0.1:1", &trusted), "10.0.0.3");
        assert_eq!(client_of(&["1.2.3.4, junk"], "10.0.0.1:1", &trusted), "10.0.0.1");
    }

    #[test]
    fn addresses_are_written_in_full() {
        for address in ["0.0.0.0", "9.10.99.100", "255.255.255.255", "2001:db8::1"] {
            let mut text = Vec::new();
            write_address(&mut text, address.parse().unwrap());
            assert_eq!(text, address.as_bytes());
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_how_we_were_addressed() {
        let mut fields = HeaderMap::new();
        fields.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        fields.insert(FORWARDED_HOST, HeaderValue::from_static("api.example"));
        let addressed = |fields: &HeaderMap, trusted: &str| {
            let received = Received { target: b"/", host: b"inside" };
            let head = RequestHead { method: &http::Method::GET, authority: "inside", path: "/", query: "", received, fields };
            let connection = connection("10.0.0.1:1");
            let External { scheme, authority } = External::find(&head, &connection, trust(connection.peer, &[trusted.parse().unwrap()]));
            (scheme, authority.to_owned())
        };
        assert_eq!(addressed(&fields, "10.0.0.0/8"), ("https", "api.example".to_owned()));
        assert_eq!(addressed(&fields, "192.0.2.0/24"), ("http", "inside".to_owned()));
        fields.append(FORWARDED_HOST, HeaderValue::from_static("evil.example"));
        fields.insert(FORWARDED_PROTO, HeaderValue::from_static("wss"));
        assert_eq!(addressed(&fields, "10.0.0.0/8"), ("http", "inside".to_owned()));
    }

    #[test]
    fn a_mapped_address_is_the_address() {
        assert_eq!(client_of(&["1.2.3.4"], "[::ffff:10.0.0.1]:1", &["10.0.0.0/8"]), "1.2.3.4");
    }

    #[test]
    fn only_a_well_formed_trace_goes_on() {
        let with = |value: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(TRACEPARENT, HeaderValue::from_static(value));
            trace(&fields) == Trace::Continued
        };
        assert!(with("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!with("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
        assert!(!with("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
        assert!(!with("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"));
    }
}
