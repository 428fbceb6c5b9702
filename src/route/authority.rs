//! The host and port a request is for, in one normal form.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A judged Host field or `:authority`: lower-case, no trailing dot, no default port, an IPv6
/// address as RFC 5952 writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority<'r> {
    text: Cow<'r, str>,
    host: usize,
}

/// The scheme of the target URI, which tells the default port (RFC 9110 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriScheme {
    /// `http`, port 80: the connection is clear.
    Http,
    /// `https`, port 443: the connection is TLS.
    Https,
}

/// Why an authority has no normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityProblem {
    /// There is no host.
    Empty,
    /// The host has more than 253 octets or a label more than 63 (RFC 1035 §2.3.4).
    TooLong,
    /// Something stands before an `@`.
    Userinfo,
    /// A percent-encoded octet, or the zone of an address.
    PercentEncoded,
    /// Two dots in a row, or one at the start.
    EmptyLabel,
    /// The port is not a number from 1 to 65535 without leading zeros.
    InvalidPort,
    /// What looks like an IP address is none.
    InvalidAddress,
    /// An octet that is neither a letter, a digit, `-`, `_` nor `.`.
    ForbiddenOctet,
}

const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

impl<'r> Authority<'r> {
    /// Judges the value of a Host field or `:authority`. Allocates nothing when it is in normal form.
    ///
    /// # Errors
    /// It has no normal form.
    pub fn judge(raw: &'r [u8], scheme: UriScheme) -> Result<Self, AuthorityProblem> {
        refuse_marks(raw)?;
        let text = std::str::from_utf8(raw).map_err(|_| AuthorityProblem::ForbiddenOctet)?;
        let (host, port) = split_port(text)?;
        let port = kept_port(port, scheme)?;
        let host = if host.starts_with('[') { normal_address(host)? } else { normal_name(host)? };
        Ok(Self { host: host.len(), text: join(text, host, port) })
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        self.text.get(..self.host).unwrap_or_default()
    }

    /// The host, and the port where it is not the default one.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl UriScheme {
    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

fn refuse_marks(raw: &[u8]) -> Result<(), AuthorityProblem> {
    match memchr::memchr2(b'@', b'%', raw).and_then(|at| raw.get(at)) {
        _ if raw.is_empty() => Err(AuthorityProblem::Empty),
        Some(b'@') => Err(AuthorityProblem::Userinfo),
        Some(_) => Err(AuthorityProblem::PercentEncoded),
        None => Ok(()),
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), AuthorityProblem> {
    let host_end = match memchr::memchr(b']', text.as_bytes()) {
        Some(bracket) if text.starts_with('[') => bracket + 1,
        Some(_) => return Err(AuthorityProblem::ForbiddenOctet),
        None if text.starts_with('[') => return Err(AuthorityProblem::InvalidAddress),
        None => memchr::memchr(b':', text.as_bytes()).unwrap_or(text.len()),
    };
    let (host, after) = text.split_at_checked(host_end).ok_or(AuthorityProblem::ForbiddenOctet)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if after.is_empty() => Ok((host, None)),
        None => Err(AuthorityProblem::InvalidPort),
    }
}

/// The port as it stays in the normal form; empty when it is the default one.
fn kept_port(port: Option<&str>, scheme: UriScheme) -> Result<&str, AuthorityProblem> {
    let Some(port) = port else { return Ok("") };
    if port.starts_with('0') || !port.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(AuthorityProblem::InvalidPort);
    }
    let number: u16 = port.parse().map_err(|_| AuthorityProblem::InvalidPort)?;
    Ok(if number == scheme.default_port() { "" } else { port })
}

fn normal_name(host: &str) -> Result<Cow<'_, str>, AuthorityProblem> {
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err(AuthorityProblem::Empty);
    }
    if name.len() > LONGEST_NAME {
        return Err(AuthorityProblem::TooLong);
    }
    name.as_bytes().split(|octet| *octet == b'.').try_for_each(judge_label)?;
    if ends_in_number(name) && name.parse::<Ipv4Addr>().is_err() {
        return Err(AuthorityProblem::InvalidAddress);
    }
    if name.bytes().any(|octet| octet.is_ascii_uppercase()) { Ok(Cow::Owned(name.to_ascii_lowercase())) } else { Ok(Cow::Borrowed(name)) }
}

fn judge_label(label: &[u8]) -> Result<(), AuthorityProblem> {
    match label.len() {
        0 => Err(AuthorityProblem::EmptyLabel),
        length if length > LONGEST_LABEL => Err(AuthorityProblem::TooLong),
        _ if label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')) => Ok(()),
        _ => Err(AuthorityProblem::ForbiddenOctet),
    }
}

/// Whether resolvers would take the name for an IPv4 address, perhaps in a short or a hexadecimal
/// spelling: the rule of the URL standard, "ends in a number".
pub(super) fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    match last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|octet| octet.is_ascii_hexdigit()),
        None => last.bytes().all(|octet| octet.is_ascii_digit()),
    }
}

/// The longest spelling of an IPv6 address with its brackets.
const LONGEST_ADDRESS: usize = 47;

fn normal_address(host: &str) -> Result<Cow<'_, str>, AuthorityProblem> {
    let inner = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).ok_or(AuthorityProblem::InvalidAddress)?;
    let address: Ipv6Addr = inner.parse().map_err(|_| AuthorityProblem::InvalidAddress)?;
    let mut buffer = [0; LONGEST_ADDRESS];
    let mut free = buffer.as_mut_slice();
    write!(free, "[{address}]").map_err(|_| AuthorityProblem::InvalidAddress)?;
    let unused = free.len();
    let written = buffer.get(..LONGEST_ADDRESS - unused).unwrap_or_default();
    if written == host.as_bytes() {
        return Ok(Cow::Borrowed(host));
    }
    std::str::from_utf8(written).map(|written| Cow::Owned(written.to_owned())).map_err(|_| AuthorityProblem::InvalidAddress)
}

/// Host and port in one text: a part of `text` where nothing had to be changed.
fn join<'r>(text: &'r str, host: Cow<'r, str>, port: &str) -> Cow<'r, str> {
    let whole = host.len() + 1 + port.len();
    if port.is_empty() {
        return host;
    }
    if matches!(host, Cow::Borrowed(_)) && whole == text.len() {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(whole);
    joined.extend([&host, ":", port]);
    Cow::Owned(joined)
}

impl AuthorityProblem {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        self.wording().0
    }

    /// What the caller is told.
    pub const fn text(self) -> &'static str {
        self.wording().1
    }

    const fn wording(self) -> (&'static str, &'static str) {
        match self {
            Self::Empty => ("authority_empty", "the request names no host"),
            Self::TooLong => ("authority_too_long", "the host is too long"),
            Self::Userinfo => ("authority_userinfo", "the host has user information"),
            Self::PercentEncoded => ("authority_percent_encoded", "the host is percent-encoded"),
            Self::EmptyLabel => ("authority_empty_label", "the host has an empty label"),
            Self::InvalidPort => ("authority_invalid_port", "the port is not valid"),
            Self::InvalidAddress => ("authority_invalid_address", "the host is not a valid address"),
            Self::ForbiddenOctet => ("authority_forbidden_octet", "the host has a character that names do not have"),
        }
    }
}

impl fmt::Display for AuthorityProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for AuthorityProblem {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(raw: &str) -> Result<Authority<'_>, AuthorityProblem> {
        Authority::judge(raw.as_bytes(), UriScheme::Https)
    }

    #[test]
    fn a_normal_authority_is_borrowed() {
        for raw in [
            "a.test",
            "a.test:8443",
            "a_b.test",
            "xn--bcher-kva.test",
            "localhost",
            "10.0.0.1",
            "[::1]",
            "[2001:db8::1]:8443",
            "a1",
            "1a.0b",
        ] {
            let authority = judged(raw).unwrap();
            assert!(matches!(authority.text, Cow::Borrowed(_)), "{raw}");
            assert_eq!(authority.as_str(), raw);
        }
        assert!(matches!(judged("a.test.:443").unwrap().text, Cow::Borrowed("a.test")));
    }

    #[test]
    fn variants_have_one_spelling() {
        for (raw, normal, host) in [
            ("A.Test", "a.test", "a.test"),
            ("a.test:443", "a.test", "a.test"),
            ("A.TEST.:443", "a.test", "a.test"),
            ("a.test.:8443", "a.test:8443", "a.test"),
            ("a.test:80", "a.test:80", "a.test"),
            ("[0:0:0:0:0:0:0:1]:443", "[::1]", "[::1]"),
            ("[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", "[2001:db8::1]"),
            ("[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]"),
            ("127.0.0.1.", "127.0.0.1", "127.0.0.1"),
        ] {
            let authority = judged(raw).unwrap();
            assert_eq!((authority.as_str(), authority.host()), (normal, host), "{raw}");
        }
    }

    #[test]
    fn the_default_port_is_that_of_the_scheme() {
        assert_eq!(Authority::judge(b"a.test:80", UriScheme::Http).unwrap().as_str(), "a.test");
        assert_eq!(Authority::judge(b"a.test:443", UriScheme::Http).unwrap().as_str(), "a.test:443");
    }

    #[test]
    fn what_has_no_normal_form_is_refused() {
        for (raw, problem) in [
            ("", AuthorityProblem::Empty),
            (".", AuthorityProblem::Empty),
            (":80", AuthorityProblem::Empty),
            ("user@a.test", AuthorityProblem::Userinfo),
            ("a.test:80@b.test", AuthorityProblem::Userinfo),
            ("a%2etest", AuthorityProblem::PercentEncoded),
            ("[fe80::1%25eth0]", AuthorityProblem::PercentEncoded),
            ("a..test", AuthorityProblem::EmptyLabel),
            (".a.test", AuthorityProblem::EmptyLabel),
            ("a.test..", AuthorityProblem::EmptyLabel),
            ("a.test:", AuthorityProblem::InvalidPort),
            ("a.test:0", AuthorityProblem::InvalidPort),
            ("a.test:080", AuthorityProblem::InvalidPort),
            ("a.test:65536", AuthorityProblem::InvalidPort),
            ("a.test:+80", AuthorityProblem::InvalidPort),
            ("a.test:80:80", AuthorityProblem::InvalidPort),
            ("::1", AuthorityProblem::InvalidPort),
            ("[::1]80", AuthorityProblem::InvalidPort),
            ("[::1", AuthorityProblem::InvalidAddress),
            ("[]", AuthorityProblem::InvalidAddress),
            ("[v1.a]", AuthorityProblem::InvalidAddress),
            ("[127.0.0.1]", AuthorityProblem::InvalidAddress),
            ("127.1", AuthorityProblem::InvalidAddress),
            ("2130706433", AuthorityProblem::InvalidAddress),
            ("0x7f.1", AuthorityProblem::InvalidAddress),
            ("127.0.0.0x1", AuthorityProblem::InvalidAddress),
            ("127.0.0.01", AuthorityProblem::InvalidAddress),
            ("a b", AuthorityProblem::ForbiddenOctet),
            (" a.test", AuthorityProblem::ForbiddenOctet),
            ("a.test, b.test", AuthorityProblem::ForbiddenOctet),
            ("a.test/b", AuthorityProblem::ForbiddenOctet),
            ("a.test#", AuthorityProblem::ForbiddenOctet),
            ("a\\b", AuthorityProblem::ForbiddenOctet),
            ("a]", AuthorityProblem::ForbiddenOctet),
            ("*.test", AuthorityProblem::ForbiddenOctet),
            ("bücher.test", AuthorityProblem::ForbiddenOctet),
            ("a\0", AuthorityProblem::ForbiddenOctet),
        ] {
            assert_eq!(judged(raw), Err(problem), "{raw:?}");
        }
        assert_eq!(Authority::judge(b"a\xff", UriScheme::Http), Err(AuthorityProblem::ForbiddenOctet));
    }

    #[test]
    fn lengths_are_those_of_the_name_system() {
        let label = "a".repeat(63);
        let longest = [label.as_str(), &label, &label, &label[..61]].join(".");
        assert_eq!(longest.len(), 253);
        assert!(judged(&longest).is_ok() && judged(&format!("{longest}.:65535")).is_ok());
        assert_eq!(judged(&format!("{longest}a")), Err(AuthorityProblem::TooLong));
        assert_eq!(judged(&"a".repeat(64)), Err(AuthorityProblem::TooLong));
    }

    proptest! {
        #[test]
        fn judging_the_normal_form_changes_nothing(raw in "[a-cA-C0-2._:\\[\\]-]{0,12}(:[0-9]{1,5})?") {
            if let Ok(first) = judged(&raw) {
                let second = judged(first.as_str()).unwrap();
                prop_assert_eq!(&first, &second);
                prop_assert!(matches!(second.text, Cow::Borrowed(_)));
            }
        }

        #[test]
        fn no_octets_panic(raw in prop::collection::vec(any::<u8>(), 0..48)) {
            let _ = Authority::judge(&raw, UriScheme::Http);
        }
    }
}
