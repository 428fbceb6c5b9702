//! The head in its one normal form, or the reason why it has none.

use super::denial::HeadProblem;
use crate::config::document::Limits;
use crate::route::{Authority, RequestForm, Target, TargetRules, UriScheme};
use crate::scheme::{Received, RequestHead};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Method, Version};
use memchr::{memchr, memchr_iter};
use pingora::http::RequestHeader;

/// The rules by which a head is judged.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    /// The named limits.
    pub(super) limits: &'a Limits,
    /// What a target may be.
    pub(super) target: TargetRules,
    /// The URI scheme that the connection implies.
    pub(super) scheme: UriScheme,
}

/// A head that has one reading.
pub(super) struct JudgedHead<'r> {
    target: Target<'r>,
    authority: Authority<'r>,
    form: Form,
    received: Received<'r>,
    header: &'r RequestHeader,
}

/// In which form the target came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Origin,
    Absolute,
}

impl JudgedHead<'_> {
    /// What schemes and routes see.
    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &self.header.method,
            authority: self.authority.as_str(),
            path: self.target.path(),
            query: self.target.query(),
            received: self.received,
            fields: &self.header.headers,
        }
    }

    /// The target in normal form.
    pub(super) const fn target(&self) -> &Target<'_> {
        &self.target
    }

    /// The host and port in normal form.
    pub(super) const fn authority(&self) -> &Authority<'_> {
        &self.authority
    }

    /// Whether the target goes on as Pingora has it.
    pub(super) const fn is_as_received(&self) -> bool {
        matches!(self.form, Form::Origin) && self.target.is_as_received()
    }
}

/// Judges a head. `raw` is the head as it came over HTTP/1, empty over HTTP/2.
///
/// Pingora has parsed it already and repaired some of it on the way (it drops Content-Length beside
/// Transfer-Encoding, accepts a bare line feed and drops a fragment), so these are judged on the octets.
pub(super) fn judge<'r>(header: &'r RequestHeader, raw: &'r [u8], bounds: Bounds<'_>) -> Result<JudgedHead<'r>, HeadProblem> {
    size(header, raw, bounds.limits)?;
    framing(header, raw)?;
    connection_options(header)?;
    if header.method == Method::TRACE || header.method == Method::CONNECT {
        return Err(HeadProblem::MethodRefused);
    }
    let wire_target = if raw.is_empty() { header.raw_path() } else { request_target(raw) };
    let host = host(header)?;
    let authority = Authority::judge(host, bounds.scheme).map_err(HeadProblem::Authority)?;
    let (form, origin_form) = match RequestForm::of(wire_target).map_err(HeadProblem::Target)? {
        RequestForm::Origin(target) => (Form::Origin, target),
        RequestForm::Absolute(whole) => {
            let named = Authority::judge(whole.authority, bounds.scheme).map_err(HeadProblem::Authority)?;
            if whole.scheme != bounds.scheme || named.as_str() != authority.as_str() {
                return Err(HeadProblem::ForeignAbsoluteForm);
            }
            (Form::Absolute, whole.target)
        }
    };
    let target = Target::judge(origin_form, bounds.target).map_err(HeadProblem::Target)?;
    Ok(JudgedHead { target, authority, form, received: Received { target: origin_form, host }, header })
}

fn size(header: &RequestHeader, raw: &[u8], limits: &Limits) -> Result<(), HeadProblem> {
    let octets = if raw.is_empty() { http2_size(header) } else { raw.len() };
    if octets > limits.max_head_size.length() {
        return Err(HeadProblem::TooLarge);
    }
    let most = usize::try_from(*limits.max_fields).unwrap_or(usize::MAX);
    if header.headers.len() > most { Err(HeadProblem::TooManyFields) } else { Ok(()) }
}

fn http2_size(header: &RequestHeader) -> usize {
    let fields: usize = header.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    fields + header.raw_path().len()
}

fn framing(header: &RequestHeader, raw: &[u8]) -> Result<(), HeadProblem> {
    if has_bare_line_feed(raw) {
        return Err(HeadProblem::BareLineFeed);
    }
    transfer_encoding(header, raw)?;
    let mut lengths = header.headers.get_all(CONTENT_LENGTH).iter();
    let list = lengths.next().is_some_and(|length| length.as_bytes().contains(&b','));
    if list || lengths.next().is_some() { Err(HeadProblem::LengthRepeated) } else { Ok(()) }
}

/// Whether a line ends without a carriage return.
fn has_bare_line_feed(raw: &[u8]) -> bool {
    memchr_iter(b'\n', raw).any(|at| at.checked_sub(1).and_then(|before| raw.get(before)) != Some(&b'\r'))
}

/// Admits `chunked` alone, and without Content-Length (RFC 9112 §6.1): any other coding would be lost on the way,
/// because Pingora takes only the last one off and states it anew.
fn transfer_encoding(header: &RequestHeader, raw: &[u8]) -> Result<(), HeadProblem> {
    let mut codings = header.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(_), _) if states_length(raw) => Err(HeadProblem::LengthAndEncoding),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err(HeadProblem::TransferEncoding),
    }
}

/// Refuses a Connection field (RFC 9110 §7.6.1) that names what says where a request goes or ends, and
/// one that Pingora would refuse later, when the caller has proved itself for nothing.
fn connection_options(header: &RequestHeader) -> Result<(), HeadProblem> {
    const NEVER: [&str; 6] = ["host", "content-length", "transfer-encoding", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    const MOST: usize = 9;
    let values = header.headers.get_all(CONNECTION).iter();
    let options = values.flat_map(|value| value.as_bytes().split(|octet| *octet == b',')).map(<[u8]>::trim_ascii);
    for (index, option) in options.filter(|option| !option.is_empty()).enumerate() {
        if index >= MOST || !is_token(option) || NEVER.iter().any(|name| option.eq_ignore_ascii_case(name.as_bytes())) {
            return Err(HeadProblem::ConnectionOption);
        }
    }
    Ok(())
}

/// Whether this is a token (RFC 9110 §5.6.2).
fn is_token(text: &[u8]) -> bool {
    text.iter().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet))
}

fn states_length(raw: &[u8]) -> bool {
    let name = CONTENT_LENGTH.as_str().as_bytes();
    raw.split(|octet| *octet == b'\n').any(|line| {
        let field = line.split(|octet| *octet == b':').next().unwrap_or_default();
        field.trim_ascii().eq_ignore_ascii_case(name)
    })
}

/// The target as it stands on the request line (RFC 9112 §3).
fn request_target(raw: &[u8]) -> &[u8] {
    let line = memchr(b'\r', raw).and_then(|end| raw.get(..end)).unwrap_or(raw);
    let after_method = memchr(b' ', line).and_then(|space| line.get(space + 1..)).unwrap_or_default();
    let end = memchr::memrchr(b' ', after_method).unwrap_or(after_method.len());
    after_method.get(..end).unwrap_or_default()
}

/// Host, or over HTTP/2 `:authority`; empty where neither is stated.
fn host(header: &RequestHeader) -> Result<&[u8], HeadProblem> {
    let mut hosts = header.headers.get_all(HOST).iter();
    let host = hosts.next().map(http::HeaderValue::as_bytes);
    if hosts.next().is_some() {
        return Err(HeadProblem::HostRepeated);
    }
    let pseudo = header.uri.authority().filter(|_| header.version == Version::HTTP_2).map(|authority| authority.as_str().as_bytes());
    match (host, pseudo) {
        (Some(host), Some(pseudo)) if host != pseudo => Err(HeadProblem::HostRepeated),
        (Some(written), _) | (None, Some(written)) => Ok(written),
        (None, None) => Ok(b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_read_from_the_request_line() {
        assert_eq!(request_target(b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"), b"/a?b");
        assert_eq!(request_target(b"GET /a#b HTTP/1.1\r\n"), b"/a#b");
    }

    #[test]
    fn a_line_feed_needs_its_carriage_return() {
        for whole in [&b""[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"] {
            assert!(!has_bare_line_feed(whole));
        }
        for bare in [&b"\n"[..], b"GET / HTTP/1.1\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\n", b"a\r\n\n"] {
            assert!(has_bare_line_feed(bare));
        }
    }

    #[test]
    fn connection_cannot_name_what_says_where_a_request_goes_or_ends() {
        let judged = |value: &str| {
            let mut header = RequestHeader::build("GET", b"/", None).unwrap();
            header.insert_header(CONNECTION, value).unwrap();
            connection_options(&header)
        };
        let most = ["x"; 9].join(",");
        for fine in ["close", "keep-alive, Upgrade", "X-Auth-User", ", ,close,", "", "x-hostile", &most] {
            assert_eq!(judged(fine), Ok(()), "{fine}");
        }
        for bad in [
            "Host",
            "close,HOST",
            "content-length",
            "Transfer-Encoding",
            "x-forwarded-FOR",
            "\"host\"",
            ":path",
            "a b",
            &format!("{most},x"),
        ] {
            assert_eq!(judged(bad), Err(HeadProblem::ConnectionOption), "{bad}");
        }
    }

    #[test]
    fn only_chunked_alone_is_a_transfer_encoding() {
        let judged = |values: &[&str]| {
            let mut header = RequestHeader::build("POST", b"/", None).unwrap();
            for value in values {
                header.append_header(TRANSFER_ENCODING, *value).unwrap();
            }
            transfer_encoding(&header, b"")
        };
        assert_eq!((judged(&[]), judged(&["chunked"]), judged(&["Chunked"])), (Ok(()), Ok(()), Ok(())));
        for bad in [&["gzip, chunked"][..], &["chunked, chunked"], &["chunked", "chunked"], &["identity", "chunked"], &["xchunked"], &[""]]
        {
            assert_eq!(judged(bad), Err(HeadProblem::TransferEncoding), "{bad:?}");
        }
    }

    #[test]
    fn a_length_is_seen_in_any_case() {
        assert!(states_length(b"POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n"));
        assert!(!states_length(b"POST / HTTP/1.1\r\nX-Content-Length: 3\r\n"));
    }
}
