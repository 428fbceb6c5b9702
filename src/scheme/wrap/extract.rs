//! Finds the one token of a request, in the places where the settings accept it (OAuth WRAP 0.9.7.2 §4).

use super::Accept;
use crate::scheme::{Beside, ContentNeed, Evidence, Malformation, Place, Repeated, RequestHead};
use crate::token::form;
use http::header::AUTHORIZATION;
use memchr::memmem;
use std::borrow::Cow;
use std::fmt;

/// The parameter's name in query and form by OAuth WRAP 0.9.7.2.
pub(super) const WRAP_NAME: &str = "wrap_access_token";
/// The parameter's name by the draft before it, which other schemes use too.
pub(super) const SHARED_NAME: &str = "access_token";

/// A token as presented, its transport encoding removed. Not judged yet.
pub struct WrapCredential<'r> {
    token: Cow<'r, str>,
    place: Place,
}

impl WrapCredential<'_> {
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Debug for WrapCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrapCredential(…)")
    }
}

/// Where tokens are looked for, and how large they may be.
pub(super) struct Extractor {
    pub(super) accept: Box<[Accept]>,
    pub(super) max_token: usize,
    pub(super) max_form: usize,
}

/// A value under a name that only tokens of ours have, or under one that other schemes share.
struct Presented<'r> {
    text: Cow<'r, str>,
    name: NameUse,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NameUse {
    Ours,
    Shared,
}

impl Extractor {
    pub(super) fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed {
        if self.accepts(Accept::Form) && head.has_media_type(form::MEDIA_TYPE) {
            ContentNeed::Whole { limit: self.max_form }
        } else {
            ContentNeed::Nothing
        }
    }

    pub(super) fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<WrapCredential<'r>>, Malformation> {
        let field = evidence.head.sole(&AUTHORIZATION).map_err(|Repeated| Malformation::FieldRepeated)?;
        let presented = match (field, self.parameter(evidence)?) {
            // Two credentials are refused even if the other one is not ours: which one speaks for the caller?
            (Some(_), Some(_)) if self.reads_field() || evidence.beside == Beside::Refused => return Err(Malformation::SeveralTokens),
            (Some(_), parameter @ Some(_)) => parameter,
            (Some(value), None) => self.in_field(value)?,
            (None, parameter) => parameter,
        };
        presented.map_or(Ok(None), |presented| self.token(presented))
    }

    fn reads_field(&self) -> bool {
        self.accepts(Accept::Header) || self.accepts(Accept::Bearer)
    }

    fn accepts(&self, place: Accept) -> bool {
        self.accept.contains(&place)
    }

    fn parameter<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<Presented<'r>>, Malformation> {
        let mut found = None;
        if self.accepts(Accept::Query) {
            sole_parameter(&mut found, (evidence.head.query.as_bytes(), Place::Query), Malformation::CredentialSyntax)?;
        }
        if self.accepts(Accept::Form) && evidence.head.has_media_type(form::MEDIA_TYPE) {
            sole_parameter(&mut found, (evidence.content, Place::Content), Malformation::ContentSyntax)?;
        }
        Ok(found)
    }

    fn in_field<'r>(&self, value: &'r [u8]) -> Result<Option<Presented<'r>>, Malformation> {
        let (scheme, rest) = split_scheme(value);
        let (text, name) = if scheme.eq_ignore_ascii_case(b"WRAP") && self.accepts(Accept::Header) {
            (wrap_token(rest), NameUse::Ours)
        } else if scheme.eq_ignore_ascii_case(b"Bearer") && self.accepts(Accept::Bearer) {
            (bearer_token(rest), NameUse::Shared)
        } else {
            return Ok(None);
        };
        let text = text.and_then(|text| std::str::from_utf8(text).ok()).ok_or(Malformation::CredentialSyntax)?;
        Ok(Some(Presented { text: Cow::Borrowed(text), name, place: Place::Field(AUTHORIZATION) }))
    }

    /// Some clients carry a token with its escapes escaped once more. The shape tells, and the raw shape
    /// wins: unescaping a raw token would change the octets that are signed.
    fn token<'r>(&self, presented: Presented<'r>) -> Result<Option<WrapCredential<'r>>, Malformation> {
        let Presented { text, name, place } = presented;
        let token = if has_raw_shape(&text) {
            text
        } else if has_escaped_shape(&text) {
            unescape(text)?
        } else if name == NameUse::Shared {
            return Ok(None);
        } else {
            return Err(Malformation::TokenSyntax);
        };
        if token.len() > self.max_token {
            return Err(Malformation::TokenTooLarge);
        }
        Ok(Some(WrapCredential { token, place }))
    }
}

/// Adds the token parameter of a query or form to what was found before it.
fn sole_parameter<'r>(
    found: &mut Option<Presented<'r>>,
    (form, place): (&'r [u8], Place),
    syntax: Malformation,
) -> Result<(), Malformation> {
    for pair in form::pairs(form) {
        let name = match pair.name {
            name if form::decodes_to(name, WRAP_NAME) => NameUse::Ours,
            name if form::decodes_to(name, SHARED_NAME) => NameUse::Shared,
            _ => continue,
        };
        let text = form::decode(pair.value).map_err(|_| syntax)?;
        if text.is_empty() {
            return Err(syntax);
        }
        if found.replace(Presented { text, name, place: place.clone() }).is_some() {
            return Err(Malformation::SeveralTokens);
        }
    }
    Ok(())
}

/// The scheme's name and what follows it (RFC 9110 §11.4).
fn split_scheme(value: &[u8]) -> (&[u8], &[u8]) {
    let end = value.iter().position(|octet| !is_token_octet(*octet)).unwrap_or(value.len());
    value.split_at_checked(end).unwrap_or((value, &[]))
}

fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// `1*SP "access_token" *SP "=" *SP ( DQUOTE token DQUOTE / token )`; nothing where it is not that.
fn wrap_token(rest: &[u8]) -> Option<&[u8]> {
    let rest = after_spaces(rest.strip_prefix(b" ")?);
    let (name, rest) = rest.split_at_checked(SHARED_NAME.len())?;
    if !name.eq_ignore_ascii_case(SHARED_NAME.as_bytes()) {
        return None;
    }
    let value = after_spaces(after_spaces(rest).strip_prefix(b"=")?).trim_ascii_end();
    match value.strip_prefix(b"\"") {
        Some(quoted) => sound_token(quoted.strip_suffix(b"\"")?),
        None => sound_token(value),
    }
}

fn bearer_token(rest: &[u8]) -> Option<&[u8]> {
    sound_token(after_spaces(rest.strip_prefix(b" ")?).trim_ascii_end())
}

/// No quote, no space, no comma followed by one: so two credentials joined to one field value are not one token.
fn sound_token(token: &[u8]) -> Option<&[u8]> {
    let sound = !token.is_empty() && token.iter().all(|octet| octet.is_ascii_graphic() && *octet != b'"');
    sound.then_some(token)
}

fn after_spaces(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|octet| *octet != b' ').unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

fn has_raw_shape(text: &str) -> bool {
    memmem::find(text.as_bytes(), b"&HMACSHA256=").is_some()
}

fn has_escaped_shape(text: &str) -> bool {
    const ESCAPED: &[u8] = b"%26HMACSHA256%3";
    memmem::find_iter(text.as_bytes(), ESCAPED).any(|place| {
        let after = place.checked_add(ESCAPED.len()).and_then(|end| text.as_bytes().get(end));
        matches!(after, Some(b'D' | b'd'))
    })
}

fn unescape(text: Cow<'_, str>) -> Result<Cow<'_, str>, Malformation> {
    let unescaped = match text {
        Cow::Borrowed(text) => form::decode(text.as_bytes()),
        Cow::Owned(text) => form::decode(text.as_bytes()).map(|token| Cow::Owned(token.into_owned())),
    };
    unescaped.map_err(|_| Malformation::TokenSyntax)
}
