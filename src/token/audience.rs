//! Whether a token is meant for us: exact, or as ACS compared the address of a token with its scopes.

use memchr::memchr;
use std::fmt;

/// One audience that we answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// The token's audience is this very text.
    Exact(Box<str>),
    /// The token's audience is this address or one below it.
    Acs(Address),
}

/// An http or https address in the form in which it is compared: no scheme, no default port, no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: Box<str>,
    port: Port,
    path: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    OfScheme,
    Other(u16),
}

/// A text is not an http or https address that can be compared safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudienceSyntax;

impl AudienceRule {
    /// Compares octet by octet.
    pub fn exact(audience: &str) -> Self {
        Self::Exact(audience.into())
    }

    /// Compares as ACS did: http is https, the host in any letter case, no default port, no query; the
    /// token's path is the configured one or goes on below it at a `/`, in the same letter case. A slash
    /// at the end of the configured path makes no difference.
    ///
    /// # Errors
    /// The audience is not an http or https address, or has a fragment, user information or dot segments.
    pub fn acs(audience: &str) -> Result<Self, AudienceSyntax> {
        let parts = split(audience).ok_or(AudienceSyntax)?;
        let path = parts.path.strip_suffix('/').unwrap_or(parts.path);
        Ok(Self::Acs(Address { host: parts.host.to_ascii_lowercase().into(), port: parts.port, path: path.into() }))
    }

    /// Whether a token for `audience` is for us.
    pub fn admits(&self, audience: &str) -> bool {
        match self {
            Self::Exact(ours) => **ours == *audience,
            Self::Acs(ours) => split(audience).is_some_and(|parts| ours.covers(&parts)),
        }
    }
}

impl fmt::Display for AudienceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { host, port, path } = match self {
            Self::Exact(ours) => return f.write_str(ours),
            Self::Acs(address) => address,
        };
        match port {
            Port::OfScheme => write!(f, "{host}{path}"),
            Port::Other(port) => write!(f, "{host}:{port}{path}"),
        }
    }
}

impl Address {
    fn covers(&self, parts: &Parts<'_>) -> bool {
        let below = parts.path.strip_prefix(&*self.path);
        let at_boundary = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        at_boundary && self.port == parts.port && self.host.eq_ignore_ascii_case(parts.host)
    }
}

struct Parts<'a> {
    host: &'a str,
    port: Port,
    path: &'a str,
}

fn split(address: &str) -> Option<Parts<'_>> {
    if !address.bytes().all(|octet| octet.is_ascii_graphic() && !b"\\#@".contains(&octet)) {
        return None;
    }
    let (scheme, rest) = address.split_once("://")?;
    let default_port = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => 80,
        _ if scheme.eq_ignore_ascii_case("https") => 443,
        _ => return None,
    };
    let (hierarchy, _query) = rest.split_at(memchr(b'?', rest.as_bytes()).unwrap_or(rest.len()));
    let (host_and_port, path) = hierarchy.split_at(memchr(b'/', hierarchy.as_bytes()).unwrap_or(hierarchy.len()));
    let (host, port) = split_port(host_and_port, default_port)?;
    is_plain(path).then_some(Parts { host, port, path })
}

fn split_port(text: &str, default: u16) -> Option<(&str, Port)> {
    // In `[::1]:80` the colons inside the brackets belong to the host (RFC 3986 §3.2.2).
    let after_brackets = text.rfind(']').map_or(0, |place| place.saturating_add(1));
    let (host, port) = match text.get(after_brackets..)?.find(':') {
        None => (text, ""),
        Some(place) => {
            let (host, port) = text.split_at_checked(after_brackets.checked_add(place)?)?;
            (host, port.strip_prefix(':')?)
        }
    };
    if host.is_empty() || !port.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    match port {
        "" => Some((host, Port::OfScheme)),
        _ => port.parse().ok().map(|port| (host, if port == default { Port::OfScheme } else { Port::Other(port) })),
    }
}

/// No segment that leads elsewhere, under any reading: not `..`, not `..;x`, not an escape for a dot, a
/// slash, a backslash, NUL or another escape.
fn is_plain(path: &str) -> bool {
    let no_dots = path.split('/').all(|segment| !matches!(segment.split(';').next(), Some("." | "..")));
    no_dots && path.split('%').skip(1).all(|escape| escape.get(..2).is_some_and(is_harmless))
}

fn is_harmless(digits: &str) -> bool {
    let misleading = ["2e", "2f", "5c", "25", "00"];
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()) && !misleading.iter().any(|bad| bad.eq_ignore_ascii_case(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "http://MyServer.domain/Bartender";

    #[test]
    fn exact_is_exact() {
        let rule = AudienceRule::exact(OURS);
        assert!(rule.admits(OURS));
        for other in ["http://myserver.domain/Bartender", "http://MyServer.domain/Bartender/", "http://MyServer.domain/Bartende", ""] {
            assert!(!rule.admits(other), "{other}");
        }
    }

    #[test]
    fn acs_takes_what_clients_really_ask_for() {
        let rule = AudienceRule::acs(OURS).unwrap();
        for same in [
            "http://myserver.domain/Bartender",
            "https://myserver.domain/Bartender",
            "HTTPS://MYSERVER.DOMAIN:443/Bartender",
            "http://myserver.domain:80/Bartender/",
            "http://myserver.domain:/Bartender",
            "http://myserver.domain/Bartender?timeout=5",
            "http://myserver.domain/Bartender?next=/../x",
            "http://myserver.domain/Bartender/orders/7%20b",
        ] {
            assert!(rule.admits(same), "{same}");
        }
    }

    #[test]
    fn acs_refuses_what_lies_elsewhere() {
        let rule = AudienceRule::acs(OURS).unwrap();
        for other in [
            "http://myserver.domain/",
            "http://myserver.domain",
            "http://myserver.domain/Bartenders",
            "http://myserver.domain/Bartender2/x",
            "http://myserver.domain/bartender",
            "http://myserver.domain:443/Bartender",
            "https://myserver.domain:80/Bartender",
            "http://myserver.domain:8080/Bartender",
            "http://myserver.domain.evil/Bartender",
            "http://evil/Bartender",
            "http://evil@myserver.domain/Bartender",
            "http://myserver.domain@evil/Bartender",
            "ftp://myserver.domain/Bartender",
            "myserver.domain/Bartender",
            "http:/myserver.domain/Bartender",
            "http:///Bartender",
            "http://myserver.domain?/Bartender",
            "http://myserver.domain/Bartender#x",
            "http://myserver.domain:x/Bartender",
            "http://myserver.domain:99999/Bartender",
            " http://myserver.domain/Bartender",
            "http://myserver.domain/Bartender\n",
            "",
        ] {
            assert!(!rule.admits(other), "{other}");
        }
    }

    #[test]
    fn paths_that_could_lead_out_are_refused() {
        let rule = AudienceRule::acs("https://h/bar").unwrap();
        for trick in [
            "/bar/../x",
            "/bar/..",
            "/bar/.",
            "/bar/./x",
            "/bar/%2e%2e/x",
            "/bar/%2E./x",
            "/bar/..;a/x",
            "/bar/..%2fx",
            "/bar%2f..",
            "/bar/%5c..",
            "/bar/..\\x",
            "/bar/%252e%252e",
            "/bar/%00",
            "/bar/%",
            "/bar/%2",
            "/bar/%zz",
            "/x/../bar",
        ] {
            assert!(!rule.admits(&format!("https://h{trick}")), "{trick}");
        }
    }

    #[test]
    fn a_whole_host_covers_its_paths() {
        for ours in ["https://h", "https://h/", "https://h/?x"] {
            let rule = AudienceRule::acs(ours).unwrap();
            assert!(rule.admits("http://H/any/where") && rule.admits("http://h") && !rule.admits("http://h2/"), "{ours}");
        }
        let rule = AudienceRule::acs("http://[::1]:8080/a/").unwrap();
        assert!(rule.admits("https://[::1]:8080/a") && !rule.admits("http://[::1]/a"));
    }

    #[test]
    fn what_cannot_be_compared_is_refused_when_built() {
        for wrong in ["urn:orders", "orders", "https://", "https://h/a/../b", "https://h/#x", "https://u@h/"] {
            assert_eq!(AudienceRule::acs(wrong), Err(AudienceSyntax), "{wrong}");
        }
    }
}
