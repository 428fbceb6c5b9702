//! The request target: judged once, in its one normal form, which is also what is forwarded.
//!
//! The normal form of a path (RFC 3986 §6.2.2): escapes of unreserved characters decoded, the
//! remaining ones in upper-case digits. What an origin server could read in two ways has no normal
//! form. The query is not interpreted: it is checked for octets and kept as received.

use super::escape::{self, ESCAPE, Escape};
use super::{RequestForm, TargetProblem};
use std::borrow::Cow;

/// A judged request target in origin form (RFC 9112 §3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'r> {
    path: Cow<'r, str>,
    query: &'r str,
    spelling: Spelling,
}

/// What a request target may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRules {
    /// Whether segments may have parameters.
    pub path_parameters: PathParameters,
    /// The most octets of path and query together.
    pub limit: usize,
}

/// What becomes of `;` in a path, raw or encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathParameters {
    /// The request is refused: some origin servers cut parameters off before they look at a path.
    #[default]
    Refuse,
    /// They go on as received. Routes are found as if they were not there.
    Forward,
}

/// How a target was spelt when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Normal,
    Variant,
}

/// What an octet means in a path.
enum Class {
    Plain,
    Slash,
    Percent,
    Semicolon,
    Refused(TargetProblem),
}

impl<'r> Target<'r> {
    /// Judges a request target as it stood on the wire. Allocates nothing when it is in normal form.
    ///
    /// # Errors
    /// It has no normal form, or more octets than allowed.
    pub fn judge(raw: &'r [u8], rules: TargetRules) -> Result<Self, TargetProblem> {
        if raw.len() > rules.limit {
            return Err(TargetProblem::TooLong);
        }
        require_origin_form(raw)?;
        let text = std::str::from_utf8(raw).map_err(|_| TargetProblem::NonAscii)?;
        let mark = memchr::memchr(b'?', raw).unwrap_or(raw.len());
        let (path, query) = (text.get(..mark).unwrap_or(text), text.get(mark + 1..).unwrap_or_default());
        judge_query(query)?;
        let path = normal_path(Cow::Borrowed(path), rules.path_parameters)?;
        let as_received = matches!(path, Cow::Borrowed(_)) && written_length(&path, query) == raw.len();
        Ok(Self { path, query, spelling: if as_received { Spelling::Normal } else { Spelling::Variant } })
    }

    /// The path in normal form; starts with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as received, without `?`; empty when there is none.
    pub const fn query(&self) -> &'r str {
        self.query
    }

    /// Whether the target arrived in normal form already, so that nothing needs to be written anew.
    /// A `?` with nothing after it is dropped by the normal form.
    pub const fn is_as_received(&self) -> bool {
        matches!(self.spelling, Spelling::Normal)
    }
}

impl Default for TargetRules {
    /// No parameters, and 8 KiB: above the 8,000 octets that RFC 9110 §4.1 asks everybody to support.
    fn default() -> Self {
        Self { path_parameters: PathParameters::Refuse, limit: 8 << 10 }
    }
}

impl PathParameters {
    /// Lets a parameter through or not.
    pub(super) const fn admit(self) -> Result<(), TargetProblem> {
        match self {
            Self::Refuse => Err(TargetProblem::PathParameter),
            Self::Forward => Ok(()),
        }
    }
}

/// How many octets a path and a query take on the wire.
pub(super) const fn written_length(path: &str, query: &str) -> usize {
    if query.is_empty() { path.len() } else { path.len() + 1 + query.len() }
}

/// The normal form of a path that starts with `/`.
pub(super) fn normal_path(path: Cow<'_, str>, parameters: PathParameters) -> Result<Cow<'_, str>, TargetProblem> {
    match judge_path(path.as_bytes(), parameters)? {
        Spelling::Normal => Ok(path),
        Spelling::Variant => Ok(Cow::Owned(respell(path.as_bytes()))),
    }
}

fn require_origin_form(raw: &[u8]) -> Result<(), TargetProblem> {
    match RequestForm::of(raw)? {
        RequestForm::Origin(_) => Ok(()),
        RequestForm::Absolute(_) => Err(TargetProblem::AbsoluteForm),
    }
}

fn judge_path(path: &[u8], parameters: PathParameters) -> Result<Spelling, TargetProblem> {
    let mut spelling = Spelling::Normal;
    let mut rest = path;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match class(octet) {
            Class::Plain => {}
            Class::Slash => judge_segment_start(after)?,
            Class::Semicolon => parameters.admit()?,
            Class::Refused(problem) => return Err(problem),
            Class::Percent => match escape::judge(after, parameters)? {
                Escape::Needless => {
                    spelling = Spelling::Variant;
                    rest = after.get(ESCAPE - 1..).unwrap_or_default();
                }
                Escape::Kept { octets } => {
                    let (digits, behind) = after.split_at_checked(octets - 1).unwrap_or_default();
                    if digits.iter().any(u8::is_ascii_lowercase) {
                        spelling = Spelling::Variant;
                    }
                    rest = behind;
                }
            },
        }
    }
    Ok(spelling)
}

/// Refuses a segment that is empty before another, or made of one or two dots.
fn judge_segment_start(segment: &[u8]) -> Result<(), TargetProblem> {
    match escape::upcoming(segment) {
        Some((b'/' | b';', _)) => Err(TargetProblem::EmptySegment),
        Some((b'.', after)) if is_dots(after) => Err(TargetProblem::DotSegment),
        _ => Ok(()),
    }
}

/// Whether a segment that starts with a dot has at most another one.
fn is_dots(after_dot: &[u8]) -> bool {
    match escape::upcoming(after_dot) {
        Some((b'.', after)) => ends_segment(after),
        _ => ends_segment(after_dot),
    }
}

fn ends_segment(rest: &[u8]) -> bool {
    matches!(escape::upcoming(rest), None | Some((b'/' | b';', _)))
}

/// The octets of RFC 3986 §3.3.
const fn class(octet: u8) -> Class {
    match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => Class::Plain,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' => Class::Plain,
        b'/' => Class::Slash,
        b'%' => Class::Percent,
        b';' => Class::Semicolon,
        b'\\' => Class::Refused(TargetProblem::Backslash),
        b'#' => Class::Refused(TargetProblem::Fragment),
        0..=0x1f | 0x7f => Class::Refused(TargetProblem::ControlCharacter),
        0x80.. => Class::Refused(TargetProblem::NonAscii),
        _ => Class::Refused(TargetProblem::ForbiddenOctet),
    }
}

/// Lets through what RFC 3986 §3.4 allows, and what browsers do not encode in a query although they
/// should (the query percent-encode set of the URL standard leaves these alone): ``[ ] { } | ^ ` \``
/// and a `%` that starts no escape.
fn judge_query(query: &str) -> Result<(), TargetProblem> {
    query.bytes().try_for_each(|octet| match octet {
        b'#' => Err(TargetProblem::Fragment),
        0..=0x1f | 0x7f => Err(TargetProblem::ControlCharacter),
        b' ' | b'"' | b'<' | b'>' => Err(TargetProblem::ForbiddenOctet),
        0x80.. => Err(TargetProblem::NonAscii),
        _ => Ok(()),
    })
}

/// Writes a judged path in its normal form.
fn respell(path: &[u8]) -> String {
    let mut written = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match (octet, escape::decoded(after)) {
            (b'%', Some(meant)) if escape::is_unreserved(meant) => {
                written.push(char::from(meant));
                rest = after.get(ESCAPE - 1..).unwrap_or_default();
            }
            (b'%', Some(_)) => {
                written.push('%');
                let (digits, behind) = after.split_at_checked(ESCAPE - 1).unwrap_or_default();
                written.extend(digits.iter().map(|digit| char::from(digit.to_ascii_uppercase())));
                rest = behind;
            }
            _ => written.push(char::from(octet)),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(raw: &str) -> Result<Target<'_>, TargetProblem> {
        Target::judge(raw.as_bytes(), TargetRules::default())
    }

    fn forwarding(raw: &str) -> Result<Target<'_>, TargetProblem> {
        Target::judge(raw.as_bytes(), TargetRules { path_parameters: PathParameters::Forward, ..TargetRules::default() })
    }

    #[test]
    fn a_normal_target_is_borrowed() {
        for raw in ["/", "/a/b.c/~d_e-f/", "/!$&'()*+,=:@", "/%20/%C3%A9/%25", "/a?x=1&y=/../?#"] {
            let raw = raw.trim_end_matches('#');
            let target = judged(raw).unwrap();
            assert!(target.is_as_received() && matches!(target.path, Cow::Borrowed(_)), "{raw}");
        }
    }

    #[test]
    fn variants_have_one_spelling() {
        for (raw, path) in [
            ("/%41%7a%2D%5f%7E", "/Az-_~"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a%2eb", "/a.b"),
            ("/%2e%2e%2e", "/..."),
            ("/.%2ex", "/..x"),
            ("/%3a%40", "/%3A%40"),
            ("/%25%7a", "/%25z"),
        ] {
            let target = judged(raw).unwrap();
            assert_eq!(target.path(), path, "{raw}");
            assert!(!target.is_as_received(), "{raw}");
        }
    }

    #[test]
    fn a_query_is_kept_as_received() {
        let target = judged("/a?b=%2e%2E%zz[]{}|^`\\/?'%00").unwrap();
        assert_eq!((target.path(), target.query()), ("/a", "b=%2e%2E%zz[]{}|^`\\/?'%00"));
        let empty = judged("/a?").unwrap();
        assert_eq!((empty.path(), empty.query(), empty.is_as_received()), ("/a", "", false));
    }

    #[test]
    fn a_query_has_no_octet_that_ends_it() {
        for (raw, problem) in [
            ("/a?b#c", TargetProblem::Fragment),
            ("/a?b c", TargetProblem::ForbiddenOctet),
            ("/a?b\"", TargetProblem::ForbiddenOctet),
            ("/a?<b>", TargetProblem::ForbiddenOctet),
            ("/a?b\r\nX: y", TargetProblem::ControlCharacter),
            ("/a?b\x7f", TargetProblem::ControlCharacter),
            ("/a?é", TargetProblem::NonAscii),
        ] {
            assert_eq!(judged(raw), Err(problem), "{raw:?}");
        }
    }

    #[test]
    fn octets_outside_the_grammar_are_refused() {
        for octet in (0..=u8::MAX).filter(|octet| !octet.is_ascii_alphanumeric() && !b"-._~!$&'()*+,=:@/?".contains(octet)) {
            assert!(Target::judge(&[b'/', octet, b'x'], TargetRules::default()).is_err(), "{octet:#x}");
        }
        assert_eq!(judged("/a b"), Err(TargetProblem::ForbiddenOctet));
        assert_eq!(judged("/[a]"), Err(TargetProblem::ForbiddenOctet));
    }

    #[test]
    fn the_limit_counts_the_query() {
        let rules = TargetRules { limit: 6, ..TargetRules::default() };
        assert!(Target::judge(b"/a?b=c", rules).is_ok());
        assert_eq!(Target::judge(b"/a?b=cd", rules), Err(TargetProblem::TooLong));
    }

    #[test]
    fn forwarded_parameters_cannot_hide_dots_or_empty_segments() {
        assert_eq!(forwarding("/a;x=1/b%3by").unwrap().path(), "/a;x=1/b%3By");
        for (raw, problem) in [
            ("/a/..;/b", TargetProblem::DotSegment),
            ("/a/.;x=1/b", TargetProblem::DotSegment),
            ("/a/%2e.%3bx", TargetProblem::DotSegment),
            ("/;x/b", TargetProblem::EmptySegment),
            ("/a/%3B", TargetProblem::EmptySegment),
        ] {
            assert_eq!(forwarding(raw), Err(problem), "{raw}");
        }
    }

    /// Text that is dense in what the judge looks at.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "/", "/", ".", "%2e", "%2E", "%25", "%", "2", "f", "%32", "%66", "%41", ";", "%3b", "%c3%a9", "%C3", "%80", "a", "Z", "?", "#",
            "\\", "%2f", "%5c", "%00", "@", "%40", "~", "%7e", "é", " ", "//",
        ]);
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn judging_the_normal_form_changes_nothing(raw in hostile()) {
            for parameters in [PathParameters::Refuse, PathParameters::Forward] {
                let rules = TargetRules { path_parameters: parameters, ..TargetRules::default() };
                if let Ok(first) = Target::judge(raw.as_bytes(), rules) {
                    let written = match first.query() { "" => first.path().to_owned(), query => format!("{}?{query}", first.path()) };
                    let second = Target::judge(written.as_bytes(), rules).unwrap();
                    prop_assert!(second.is_as_received(), "{} became {}", raw, second.path());
                    prop_assert_eq!((second.path(), second.query()), (first.path(), first.query()));
                }
            }
        }

        #[test]
        fn an_admitted_path_decodes_to_a_plain_one(raw in hostile()) {
            if let Ok(target) = judged(&raw) {
                let decoded = decode_once(target.path());
                prop_assert!(decoded.split('/').skip(1).all(|segment| segment != "." && segment != ".."), "{}", raw);
                prop_assert!(!decoded.contains("//") && !decoded.contains('\\') && !decoded.contains(char::is_control), "{}", raw);
                prop_assert_eq!(decoded.matches('/').count(), target.path().matches('/').count());
                prop_assert_eq!(decoded.clone(), decode_once(raw.split('?').next().unwrap()));
            }
        }

        #[test]
        fn no_octets_panic(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Target::judge(&raw, TargetRules::default());
        }
    }

    /// An independent decoder.
    fn decode_once(path: &str) -> String {
        let mut octets = Vec::new();
        let mut parts = path.split('%');
        octets.extend(parts.next().unwrap().bytes());
        for part in parts {
            octets.push(u8::from_str_radix(&part[..2], 16).unwrap());
            octets.extend(part[2..].bytes());
        }
        String::from_utf8(octets).unwrap()
    }
}
