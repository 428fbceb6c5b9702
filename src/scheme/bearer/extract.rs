//! Finds the one token of a request, in the places where the settings accept it (RFC 6750 §2).

use crate::scheme::{Beside, Carriers, ContentNeed, Evidence, Malformation, Place, Repeated, RequestHead};
use crate::token::form;
use http::header::{AUTHORIZATION, HeaderName};
use memchr::memchr;
use std::borrow::Cow;
use std::fmt;

/// The parameter's name in query and form (RFC 6750 §2.2, §2.3).
const PARAMETER: &str = "access_token";
/// The authentication scheme's name (RFC 6750 §2.1), in any letter case (RFC 9110 §11.1).
const BEARER: &[u8] = b"Bearer";

/// A token as presented, its transport encoding removed. Not judged yet.
pub struct BearerToken<'r> {
    text: Cow<'r, str>,
    place: Place,
}

impl BearerToken<'_> {
    pub(in crate::scheme) fn text(&self) -> &str {
        &self.text
    }

    pub(in crate::scheme) const fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// Where tokens are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum Source {
    Header,
    Field(HeaderName),
    Cookie(Box<str>),
    Query,
    Form,
}

/// Where tokens are looked for, and how large they may be.
pub(in crate::scheme) struct Extractor {
    pub(super) sources: Box<[Source]>,
    pub(super) max_token: usize,
    pub(super) max_form: usize,
}

impl Extractor {
    /// What rewriting removes.
    pub(in crate::scheme) fn carriers(&self) -> Carriers {
        let mut carriers = Carriers::default();
        for source in &self.sources {
            match source {
                Source::Header => carriers.fields.push(AUTHORIZATION),
                Source::Field(name) => carriers.fields.push(name.clone()),
                Source::Cookie(name) => carriers.cookies.push(name.clone()),
                Source::Query => carriers.query_names.push(PARAMETER),
                Source::Form => carriers.form_names.push(PARAMETER),
            }
        }
        carriers
    }

    pub(in crate::scheme) fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed {
        if self.sources.contains(&Source::Form) && head.has_media_type(form::MEDIA_TYPE) {
            ContentNeed::Whole { limit: self.max_form }
        } else {
            ContentNeed::Nothing
        }
    }

    pub(in crate::scheme) fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<BearerToken<'r>>, Malformation> {
        let field = evidence.head.sole(&AUTHORIZATION).map_err(|Repeated| Malformation::FieldRepeated)?;
        let bearer = field.and_then(|value| after_word(value, BEARER));
        let reads_field = self.sources.contains(&Source::Header);
        let found = match (bearer, self.elsewhere(evidence)?) {
            // A client must not present two (RFC 6750 §2), even where the field is no place for a token of ours.
            (Some(_), Some(_)) if reads_field || evidence.beside == Beside::Refused => return Err(Malformation::SeveralTokens),
            (Some(value), None) if reads_field => {
                Some(BearerToken { text: Cow::Borrowed(after_spaces(value)?), place: Place::Field(AUTHORIZATION) })
            }
            (_, found) => found,
        };
        match found {
            Some(token) if token.text.len() > self.max_token => Err(Malformation::TokenTooLarge),
            found => Ok(found),
        }
    }

    fn elsewhere<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<BearerToken<'r>>, Malformation> {
        let mut found = Sole(None);
        for source in &self.sources {
            match source {
                Source::Header => {}
                Source::Field(name) => found.in_field(name, &evidence.head)?,
                Source::Cookie(name) => found.in_cookies(name, &evidence.head)?,
                Source::Query => found.in_pairs((evidence.head.query.as_bytes(), Place::Query), Malformation::CredentialSyntax)?,
                Source::Form if evidence.head.has_media_type(form::MEDIA_TYPE) => {
                    found.in_pairs((evidence.content, Place::Content), Malformation::ContentSyntax)?;
                }
                Source::Form => {}
            }
        }
        Ok(found.0)
    }
}

/// The token that was found so far.
struct Sole<'r>(Option<BearerToken<'r>>);

impl<'r> Sole<'r> {
    fn add(&mut self, text: Cow<'r, str>, place: Place) -> Result<(), Malformation> {
        check_token(text.as_bytes())?;
        if self.0.replace(BearerToken { text, place }).is_some() { Err(Malformation::SeveralTokens) } else { Ok(()) }
    }

    fn in_field(&mut self, name: &HeaderName, head: &RequestHead<'r>) -> Result<(), Malformation> {
        match head.sole(name).map_err(|Repeated| Malformation::FieldRepeated)? {
            None => Ok(()),
            Some(value) => {
                let token = match after_word(value, BEARER) {
                    Some(rest) if rest.starts_with(b" ") => after_spaces(rest)?,
                    Some(_) | None => text(value)?,
                };
                self.add(Cow::Borrowed(token), Place::Field(name.clone()))
            }
        }
    }

    fn in_cookies(&mut self, name: &str, head: &RequestHead<'r>) -> Result<(), Malformation> {
        for (known, value) in head.cookies() {
            if known == name.as_bytes() {
                self.add(Cow::Borrowed(text(value)?), Place::Cookie(name.into()))?;
            }
        }
        Ok(())
    }

    fn in_pairs(&mut self, (pairs, place): (&'r [u8], Place), syntax: Malformation) -> Result<(), Malformation> {
        for pair in form::pairs(pairs).filter(|pair| form::decodes_to(pair.name, PARAMETER)) {
            self.add(form::decode(pair.value).map_err(|_| syntax)?, place.clone())?;
        }
        Ok(())
    }
}

/// What follows an authentication scheme's name; nothing where another one stands.
pub(in crate::scheme) fn after_word<'v>(value: &'v [u8], word: &[u8]) -> Option<&'v [u8]> {
    let (stated, rest) = value.split_at_checked(word.len())?;
    let is_whole = rest.first().is_none_or(|octet| !octet.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(octet));
    (is_whole && stated.eq_ignore_ascii_case(word)).then_some(rest)
}

/// `1*SP b64token`; anything else is no credential.
pub(in crate::scheme) fn after_spaces(rest: &[u8]) -> Result<&str, Malformation> {
    let start = rest.iter().position(|octet| *octet != b' ').filter(|start| *start > 0);
    let token = start.and_then(|start| rest.get(start..)).ok_or(Malformation::CredentialSyntax)?;
    let token = text(token.trim_ascii_end())?;
    check_token(token.as_bytes()).map(|()| token)
}

fn text(octets: &[u8]) -> Result<&str, Malformation> {
    std::str::from_utf8(octets).map_err(|_| Malformation::CredentialSyntax)
}

/// `b64token` (RFC 6750 §2.1). A comma tells that several credentials were joined to one value.
fn check_token(token: &[u8]) -> Result<(), Malformation> {
    let unpadded = token.trim_ascii_end();
    let end = unpadded.iter().rposition(|octet| *octet != b'=').map_or(0, |last| last.saturating_add(1));
    match token.get(..end) {
        Some(characters) if !characters.is_empty() && unpadded.len() == token.len() && are_sound(characters) => Ok(()),
        _ if memchr(b',', token).is_some() => Err(Malformation::SeveralTokens),
        _ => Err(Malformation::CredentialSyntax),
    }
}

/// Looks at every octet without a branch, so that the processor looks at many at the same time.
fn are_sound(characters: &[u8]) -> bool {
    let is_sound = |octet: u8| octet.is_ascii_alphabetic() | matches!(octet, b'-'..=b'9') | matches!(octet, b'_' | b'~' | b'+');
    characters.iter().fold(true, |sound, octet| sound & is_sound(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_whole_word_in_any_letter_case() {
        for (value, rest) in [("Bearer x", Some(" x")), ("bEARER", Some("")), ("Bearer,x", Some(",x")), ("Bearer\tx", Some("\tx"))] {
            assert_eq!(after_word(value.as_bytes(), BEARER), rest.map(str::as_bytes), "{value}");
        }
        for value in ["", "Bear", "BearerX x", "Bearer-x x", "Basic x", " Bearer x"] {
            assert_eq!(after_word(value.as_bytes(), BEARER), None, "{value}");
        }
    }

    #[test]
    fn rfc_6750_2_1_says_what_a_token_is_made_of() {
        for token in ["a", "aA0-._~+/", "mF_9.B5f-4.1JqM", "a=", "a=="] {
            assert_eq!(check_token(token.as_bytes()), Ok(()), "{token}");
        }
        for token in ["", "=", "a=b", "a b", "a\"", "\"a\"", "a ", "a;b", "é", "a%20"] {
            assert_eq!(check_token(token.as_bytes()), Err(Malformation::CredentialSyntax), "{token}");
        }
        assert_eq!(check_token(b"a, Bearer b"), Err(Malformation::SeveralTokens));
    }
}
