//! The forms a request target may come in, before anything in it is judged (RFC 9112 §3.2).

use super::{TargetProblem, UriScheme};

/// A request target whose form is known, and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestForm<'r> {
    /// A path and perhaps a query: ready for [`super::Target::judge`].
    Origin(&'r [u8]),
    /// A whole URI: its authority must equal the Host field's in normal form.
    Absolute(AbsoluteForm<'r>),
}

/// The parts of a request target in absolute form (RFC 9112 §3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsoluteForm<'r> {
    /// The URI's scheme: must be the one the request arrived under.
    pub scheme: UriScheme,
    /// The host and port as received, for [`super::Authority::judge`].
    pub authority: &'r [u8],
    /// The path and query as received, for [`super::Target::judge`].
    pub target: &'r [u8],
}

impl<'r> RequestForm<'r> {
    /// Tells the form of a request target.
    ///
    /// # Errors
    /// Every form but the two above, and a URI with a query right after its authority.
    pub fn of(raw: &'r [u8]) -> Result<Self, TargetProblem> {
        match raw {
            [] => Err(TargetProblem::Empty),
            [b'/', ..] => Ok(Self::Origin(raw)),
            b"*" => Err(TargetProblem::AsteriskForm),
            _ => split_uri(raw).map(Self::Absolute),
        }
    }
}

fn split_uri(raw: &[u8]) -> Result<AbsoluteForm<'_>, TargetProblem> {
    let (scheme, after) = split_scheme(raw).ok_or_else(|| unknown_form(raw))?;
    let end = after.iter().position(|octet| matches!(octet, b'/' | b'?' | b'#')).unwrap_or(after.len());
    let (authority, target) = after.split_at_checked(end).ok_or(TargetProblem::AbsoluteForm)?;
    match target {
        [] => Ok(AbsoluteForm { scheme, authority, target: b"/" }),
        [b'/', ..] => Ok(AbsoluteForm { scheme, authority, target }),
        _ => Err(TargetProblem::AbsoluteForm),
    }
}

fn split_scheme(raw: &[u8]) -> Option<(UriScheme, &[u8])> {
    let colon = memchr::memchr(b':', raw)?;
    let (name, after) = raw.split_at_checked(colon)?;
    let after = after.strip_prefix(b"://")?;
    match name {
        name if name.eq_ignore_ascii_case(b"http") => Some((UriScheme::Http, after)),
        name if name.eq_ignore_ascii_case(b"https") => Some((UriScheme::Https, after)),
        _ => None,
    }
}

fn unknown_form(raw: &[u8]) -> TargetProblem {
    let port = raw.rsplit(|octet| *octet == b':').next().unwrap_or_default();
    let is_port = port.len() < raw.len() && !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    if is_port && !raw.contains(&b'/') { TargetProblem::AuthorityForm } else { TargetProblem::NotOriginForm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_taken_apart() {
        let whole = AbsoluteForm { scheme: UriScheme::Https, authority: b"A.test:443", target: b"/x?y=/z" };
        assert_eq!(RequestForm::of(b"HTTPS://A.test:443/x?y=/z"), Ok(RequestForm::Absolute(whole)));
        let bare = AbsoluteForm { scheme: UriScheme::Http, authority: b"a.test", target: b"/" };
        assert_eq!(RequestForm::of(b"http://a.test"), Ok(RequestForm::Absolute(bare)));
    }

    #[test]
    fn a_path_stays_as_it_is() {
        assert_eq!(RequestForm::of(b"/http://a.test/"), Ok(RequestForm::Origin(b"/http://a.test/")));
    }

    #[test]
    fn other_forms_have_a_reason() {
        for (raw, problem) in [
            (&b""[..], TargetProblem::Empty),
            (b"*", TargetProblem::AsteriskForm),
            (b"a.test:443", TargetProblem::AuthorityForm),
            (b"[::1]:443", TargetProblem::AuthorityForm),
            (b"http:443", TargetProblem::AuthorityForm),
            (b"http://a.test?x", TargetProblem::AbsoluteForm),
            (b"http://a.test#x", TargetProblem::AbsoluteForm),
            (b"ftp://a.test/", TargetProblem::NotOriginForm),
            (b"http:/a", TargetProblem::NotOriginForm),
            (b"?x", TargetProblem::NotOriginForm),
            (b"**", TargetProblem::NotOriginForm),
            (b":", TargetProblem::NotOriginForm),
        ] {
            assert_eq!(RequestForm::of(raw), Err(problem), "{}", raw.escape_ascii());
        }
    }
}
