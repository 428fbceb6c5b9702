//! Whether two spellings of a target mean the same, query and fragment aside (RFC 3986 §6.2.2, §6.2.3; RFC 9449 §4.3).

use crate::scheme::{External, RequestHead};

/// Whether `htu` is the target of the request, as the client knows it.
pub(super) fn is_target(htu: &str, head: &RequestHead<'_>, external: &External<'_>) -> bool {
    let Some((scheme, rest)) = htu.split_once("://") else { return false };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let default_port = if external.scheme == "https" { ":443" } else { ":80" };
    let bare = |authority| without_port(authority, default_port);
    scheme.eq_ignore_ascii_case(external.scheme)
        && bare(authority).eq_ignore_ascii_case(bare(external.authority))
        && normal(path).eq(normal(head.path))
}

fn without_port<'a>(authority: &'a str, default: &str) -> &'a str {
    authority.strip_suffix(default).or_else(|| authority.strip_suffix(':')).unwrap_or(authority)
}

/// The octets of a path: escapes of unreserved characters undone, the digits of the others in upper case. An escape
/// that is none stands for itself. What was an escape is told from what was not.
fn normal(path: &str) -> impl Iterator<Item = (u8, Escaped)> + '_ {
    let mut rest = path.as_bytes();
    std::iter::from_fn(move || {
        let (octet, after) = match rest {
            [] => return None,
            [b'%', high, low, after @ ..] => match digits(*high, *low) {
                Some(octet) if is_unreserved(octet) => ((octet, Escaped::No), after),
                Some(octet) => ((octet, Escaped::Yes), after),
                None => ((b'%', Escaped::No), rest.get(1..).unwrap_or_default()),
            },
            [octet, after @ ..] => ((*octet, Escaped::No), after),
        };
        rest = after;
        Some(octet)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escaped {
    Yes,
    No,
}

fn digits(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(value(high)? << 4 | value(low)?)
}

/// RFC 3986 §2.3.
const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Received;
    use http::{HeaderMap, Method};

    fn fits(htu: &str, scheme: &'static str, authority: &str, path: &str) -> bool {
        let fields = HeaderMap::new();
        let received = Received { target: b"/", host: b"h" };
        let head = RequestHead { method: &Method::GET, authority: "inside.example", path, query: "q=1", received, fields: &fields };
        is_target(htu, &head, &External { scheme, authority })
    }

    #[test]
    fn spellings_of_one_target_are_the_same() {
        for same in [
            "https://api.example/a/b%20c",
            "HTTPS://API.example:443/a/b%20c",
            "https://api.example:/a/b%20c",
            "https://api.example/%61/b%20c",
            "https://api.example/a/b%20c?q=1",
            "https://api.example/a/b%20c?x=y#z",
        ] {
            assert!(fits(same, "https", "api.example", "/a/b%20c"), "{same}");
        }
        assert!(fits("https://api.example", "https", "api.example", "/"));
        assert!(fits("http://api.example/", "http", "api.example:80", "/"));
        assert!(fits("https://api.example:8443/%c3%a9", "https", "api.example:8443", "/%C3%A9"));
        assert!(fits("https://[::1]:8443/", "https", "[::1]:8443", "/"));
    }

    #[test]
    fn other_targets_are_others() {
        for other in [
            "http://api.example/a",
            "https://api.example:8443/a",
            "https://api.example:80/a",
            "https://inside.example/a",
            "https://api.example.evil/a",
            "https://user@api.example/a",
            "https://api.example/A",
            "https://api.example/a/",
            "https://api.example/a/../a",
            "https://api.example//a",
            "https://api.example/%2561",
            "https://api.example/%",
            "https:/api.example/a",
            "//api.example/a",
            "/a",
            "",
            "https://",
        ] {
            assert!(!fits(other, "https", "api.example", "/a"), "{other}");
        }
        assert!(!fits("https://api.example/a%2Fb", "https", "api.example", "/a/b"), "an escape that means something");
        assert!(!fits("https://api.example/a/b", "https", "api.example", "/a%2Fb"));
    }
}
