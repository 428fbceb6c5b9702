//! The one normal form in which an address of a document is compared and asked for (RFC 3986 §6.2).

use super::address::Standing;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most octets of an address.
pub const LONGEST_URL: usize = 2048;
/// The most octets of a name, and of one part of it (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Whether `http` may be asked for, where nobody proves who answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "bool")]
pub enum Cleartext {
    /// Only `https`.
    #[default]
    Refused,
    /// Also `http`: whoever is on the way reads and writes along.
    Allowed,
}

impl From<bool> for Cleartext {
    fn from(allow_cleartext: bool) -> Self {
        if allow_cleartext { Self::Allowed } else { Self::Refused }
    }
}

/// Why a text is not the address of a document in its normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlProblem {
    /// It is longer than [`LONGEST_URL`].
    Length,
    /// An octet that no address has: space, control, `\`, `#`, `@` and such.
    Octet,
    /// It does not begin with `https://` or `http://`.
    Scheme,
    /// It begins with `http://`, which no setting allows.
    Cleartext,
    /// The host is neither a lower-case name nor an address in its usual notation.
    Host,
    /// The host is an address to which nobody connects: unspecified, multicast, IPv4 inside IPv6.
    Address,
    /// The port is none, or need not be said.
    Port,
    /// The path does not begin with `/`, or has an empty or a dot segment.
    Path,
    /// An escape that hides something, that need not be one, or that is not in upper case.
    Escape,
    /// There is a query where there must be none.
    Query,
}

impl UrlProblem {
    /// What is wrong, as the end of "an address …".
    pub const fn told(self) -> &'static str {
        match self {
            Self::Length => "of more than 2048 octets",
            Self::Octet => "with an octet that none may have, such as a space, `#`, `@` or a backslash",
            Self::Scheme => "that does not begin with `https://`",
            Self::Cleartext => "without TLS, which `allow_cleartext` does not allow",
            Self::Host => "whose host is neither a lower-case name nor an address in its usual notation",
            Self::Address => "of nobody in particular",
            Self::Port => "with a port that is none, or that goes without saying",
            Self::Path => "whose path does not begin with `/`, or has an empty or a dot segment",
            Self::Escape => "with an escape that hides a slash or a dot, or that need not be one, or in lower case",
            Self::Query => "with a query",
        }
    }
}

impl fmt::Display for UrlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an address {}", self.told())
    }
}

impl std::error::Error for UrlProblem {}

/// An address that was judged, in its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JudgedUrl<'u> {
    /// The whole of it.
    pub(super) whole: &'u str,
    /// Scheme, host and port.
    pub(super) origin: &'u str,
    /// From the first `/` to the query.
    pub(super) path: &'u str,
    /// What stands behind the path: empty, or `?` and more.
    pub(super) query: &'u str,
    pub(super) cleartext: Cleartext,
}

/// Judges the octets; repairs nothing.
pub(super) fn judge(octets: &[u8]) -> Result<JudgedUrl<'_>, UrlProblem> {
    if octets.len() > LONGEST_URL {
        return Err(UrlProblem::Length);
    }
    let may_stand = |octet: &u8| octet.is_ascii_graphic() && !b"\\#@\"'<>^`{|}".contains(octet);
    let whole = std::str::from_utf8(octets).ok().filter(|_| octets.iter().all(may_stand)).ok_or(UrlProblem::Octet)?;
    let (cleartext, rest) = split_scheme(whole).ok_or(UrlProblem::Scheme)?;
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, below) = rest.split_at_checked(authority_end).ok_or(UrlProblem::Path)?;
    let (path, query) = below.split_at_checked(below.find('?').unwrap_or(below.len())).ok_or(UrlProblem::Path)?;
    judge_authority(authority, cleartext)?;
    judge_path(path)?;
    decoded(query, b"")?;
    let origin = whole.strip_suffix(below).ok_or(UrlProblem::Path)?;
    Ok(JudgedUrl { whole, origin, path, query, cleartext })
}

fn split_scheme(whole: &str) -> Option<(Cleartext, &str)> {
    let secure = whole.strip_prefix("https://").map(|rest| (Cleartext::Refused, rest));
    secure.or_else(|| whole.strip_prefix("http://").map(|rest| (Cleartext::Allowed, rest)))
}

fn judge_authority(authority: &str, cleartext: Cleartext) -> Result<(), UrlProblem> {
    let after_brackets = authority.find(']').map_or(0, |place| place.saturating_add(1));
    if authority.starts_with('[') && after_brackets == 0 {
        return Err(UrlProblem::Host);
    }
    let (_, tail) = authority.split_at_checked(after_brackets).ok_or(UrlProblem::Host)?;
    let Some(colon) = tail.find(':') else { return judge_host(authority) };
    let (host, port) = authority.split_at_checked(after_brackets.saturating_add(colon)).ok_or(UrlProblem::Host)?;
    let digits = port.strip_prefix(':').unwrap_or_default();
    let default = match cleartext {
        Cleartext::Refused => "443",
        Cleartext::Allowed => "80",
    };
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0') && digits != default;
    if !plain || digits.parse::<u16>().is_err() {
        return Err(UrlProblem::Port);
    }
    judge_host(host)
}

fn judge_host(host: &str) -> Result<(), UrlProblem> {
    if let Some(bracketed) = host.strip_prefix('[') {
        let literal = bracketed.strip_suffix(']').ok_or(UrlProblem::Host)?;
        return judge_literal::<Ipv6Addr>(literal);
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // What ends in a number is read as an address by some, in a dozen notations.
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return judge_literal::<Ipv4Addr>(host);
    }
    let is_name = host.len() <= LONGEST_NAME && host.split('.').all(is_label);
    if is_name { Ok(()) } else { Err(UrlProblem::Host) }
}

fn judge_literal<A: std::str::FromStr + fmt::Display + Into<IpAddr> + Copy>(literal: &str) -> Result<(), UrlProblem> {
    let address = literal.parse::<A>().map_err(|_| UrlProblem::Host)?;
    let embeds = |address: IpAddr| matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    if Standing::of(address.into()) == Standing::Never || embeds(address.into()) {
        return Err(UrlProblem::Address);
    }
    if address.to_string() == literal { Ok(()) } else { Err(UrlProblem::Host) }
}

fn is_label(label: &str) -> bool {
    let plain = label.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-');
    plain && !label.is_empty() && label.len() <= LONGEST_LABEL && !label.starts_with('-') && !label.ends_with('-')
}

fn judge_path(path: &str) -> Result<(), UrlProblem> {
    let mut segments = path.strip_prefix('/').ok_or(UrlProblem::Path)?.split('/').peekable();
    while let Some(segment) = segments.next() {
        let empty_inside = segment.is_empty() && segments.peek().is_some();
        // Parameters of a segment are not seen by everybody who resolves dots.
        if empty_inside || matches!(segment.split(';').next(), Some("." | "..")) {
            return Err(UrlProblem::Path);
        }
    }
    let plain = decoded(path, b"/\\%")?;
    if std::str::from_utf8(&plain).is_ok() { Ok(()) } else { Err(UrlProblem::Escape) }
}

/// The octets behind the escapes, each of which must be there, in upper case, need to be one, and hide nothing.
fn decoded(text: &str, hidden: &[u8]) -> Result<Vec<u8>, UrlProblem> {
    let mut pieces = text.split('%');
    let mut octets = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let [high, low, after @ ..] = piece.as_bytes() else { return Err(UrlProblem::Escape) };
        let octet = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or(UrlProblem::Escape)?;
        let unreserved = octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        if unreserved || octet.is_ascii_control() || hidden.contains(&octet) {
            return Err(UrlProblem::Escape);
        }
        octets.push(octet);
        octets.extend_from_slice(after);
    }
    Ok(octets)
}

const fn digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet.wrapping_sub(b'0')),
        b'A'..=b'F' => Some(octet.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_form_is_taken_apart() {
        let judged = judge(b"https://sts.example:8443/tokens/a;b=1/%C3%A9?id=1%2F2&x").unwrap();
        assert_eq!((judged.origin, judged.path), ("https://sts.example:8443", "/tokens/a;b=1/%C3%A9"));
        assert_eq!((judged.query, judged.cleartext), ("?id=1%2F2&x", Cleartext::Refused));
        assert_eq!(judge(b"http://sts/").unwrap().cleartext, Cleartext::Allowed);
        for fine in ["https://1.2.3.4/", "https://[2606:4700::1111]:444/", "https://127.0.0.1:8443/a", "https://xn--bcher-kva.example/a/"] {
            assert_eq!(judge(fine.as_bytes()).map(|judged| judged.whole), Ok(fine));
        }
    }

    #[test]
    fn every_normal_form_is_one_for_the_client_too() {
        for fine in ["https://a.example/", "https://[::1]:1/x?y", "https://a.example/!$&()*+,-.;=_~%20%22%3C%5B?/?%20x"] {
            assert!(judge(fine.as_bytes()).is_ok(), "{fine}");
            assert_eq!(reqwest::Url::parse(fine).unwrap().as_str(), fine);
        }
    }

    fn all_are(expected: UrlProblem, texts: &[&str]) {
        for text in texts {
            assert_eq!(judge(text.as_bytes()).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn octets_that_mislead_are_refused() {
        all_are(
            UrlProblem::Octet,
            &["https://sts.example@evil/", "https://a:b@sts.example/", "https://sts.example/a#b", "https:\\\\sts.example/"],
        );
        all_are(
            UrlProblem::Octet,
            &["https://sts.example/a b", "https://sts.example/\t", "https://sts.example/a\\b", "https://st\u{e9}.example/", "\n"],
        );
        assert_eq!(judge(b"https://sts.example/\xff").err(), Some(UrlProblem::Octet));
        assert_eq!(judge(format!("https://sts.example/{}", "a".repeat(LONGEST_URL)).as_bytes()).err(), Some(UrlProblem::Length));
    }

    #[test]
    fn schemes_have_one_spelling() {
        all_are(
            UrlProblem::Scheme,
            &["", "https", "HTTPS://sts.example/", "https:/sts.example/", "ftp://a/", "file:///etc/passwd", "//sts.example/"],
        );
    }

    #[test]
    fn hosts_have_one_spelling() {
        all_are(
            UrlProblem::Host,
            &["https:///x", "https://STS.example/", "https://sts.example./", "https://.sts/", "https://a..b/", "https://-a/"],
        );
        all_are(
            UrlProblem::Host,
            &["https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://127.0.0.01/", "https://0x7f000001/"],
        );
        all_are(
            UrlProblem::Host,
            &["https://1.2.3.4.5/", "https://a.1/", "https://[::1/", "https://[0:0:0:0:0:0:0:1]/", "https://[::1%25eth0]/"],
        );
        all_are(UrlProblem::Host, &["https://%73ts.example/", "https://sts_1.example/", "https://[::1]x/"]);
        all_are(
            UrlProblem::Address,
            &["https://0.0.0.0/", "https://[::]/", "https://224.0.0.1/", "https://[::ffff:8.8.8.8]/", "https://[::ffff:7f00:1]/"],
        );
    }

    #[test]
    fn ports_have_one_spelling() {
        all_are(
            UrlProblem::Port,
            &["https://a:443/", "http://a:80/", "https://a:/", "https://a:0443/", "https://a:65536/", "https://a:+1/", "https://a:1:2/"],
        );
    }

    #[test]
    fn paths_lead_nowhere_else() {
        all_are(
            UrlProblem::Path,
            &["https://a", "https://a?b", "https://a//", "https://a/b//c", "https://a/tokens/../admin", "https://a/."],
        );
        all_are(UrlProblem::Path, &["https://a/b/..;x/c", "https://a/b/.;/c", "https://a/.."]);
        all_are(
            UrlProblem::Escape,
            &["https://a/%2e%2e/", "https://a/%2E%2E/b", "https://a/b%2Fc", "https://a/b%2fc", "https://a/b%5Cc", "https://a/%252e"],
        );
        all_are(
            UrlProblem::Escape,
            &["https://a/%", "https://a/%4", "https://a/%zz", "https://a/%41", "https://a/%c3%A9", "https://a/%00", "https://a/%7F"],
        );
        all_are(UrlProblem::Escape, &["https://a/%C0%AE%C0%AE/b", "https://a/%FF", "https://a/b?%41", "https://a/b?%0A", "https://a/b?%"]);
    }
}
