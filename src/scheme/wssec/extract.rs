//! Finds the one credential of a request: the token where the request says it is, and the signature with it.

use super::config::{AuthorizationField, TokenPlace};
use super::wire::authorization::Authorization;
use super::wire::digest_field::DigestField;
use super::wire::fragments::{self, Fragments};
use super::wire::location::{Location, Reference, TokenLocation};
use super::wire::security::Security;
use super::wire::xml_element::Query;
use super::wire::{DIGEST, SECURITY, TOKEN_LOCATION, Unreadable};
use crate::scheme::{ContentNeed, Evidence, Malformation, Repeated, RequestHead};
use crate::token::form;
use http::header::{AUTHORIZATION, HeaderName};
use std::fmt;

/// A token, the signature that came with it, and what both say of themselves. Not judged yet.
pub struct WssecCredential<'r> {
    /// The realm and the profile, as far as they are stated.
    pub(super) stated: Authorization<'r>,
    /// Whether it is the token.
    pub(super) reference: Reference,
    /// The token's octets, or those of its URI; nothing where it is said to stand where none is looked for.
    pub(super) token: Option<Vec<u8>>,
    /// The holder's signature, if there is one.
    pub(super) security: Option<Security<'r>>,
    /// The digest that the signature speaks of, if there is one.
    pub(super) digest: Option<DigestField<'r>>,
}

impl fmt::Debug for WssecCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WssecCredential(…)")
    }
}

/// Where tokens are looked for, and how large they may be.
pub(super) struct Extractor {
    pub(super) authorization: AuthorizationField,
    pub(super) places: Box<[TokenPlace]>,
    pub(super) max_token: usize,
    pub(super) max_content: usize,
}

impl Extractor {
    /// The whole content, where the head says that the token stands in it and such tokens are taken.
    pub(super) fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed {
        let Ok(Some(_)) = self.stated(head) else { return ContentNeed::Nothing };
        let Ok(Some(field)) = head.sole(&TOKEN_LOCATION) else { return ContentNeed::Nothing };
        match TokenLocation::read(field).map(|found| place(&found.location)) {
            Ok(place @ (TokenPlace::Body | TokenPlace::BodyForm | TokenPlace::BodyXml)) if self.places.contains(&place) => {
                ContentNeed::Whole { limit: self.max_content }
            }
            Ok(_) | Err(_) => ContentNeed::Nothing,
        }
    }

    pub(super) fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<WssecCredential<'r>>, Malformation> {
        let head = &evidence.head;
        let Some(stated) = self.stated(head)? else { return Ok(None) };
        let found = sole(head, &TOKEN_LOCATION)?.ok_or(Malformation::Wire(field::TOKEN_LOCATION, Unreadable::ParameterMissing))?;
        let TokenLocation { location, reference } = TokenLocation::read(found).map_err(in_field(field::TOKEN_LOCATION))?;
        let is_looked_at = self.places.contains(&place(&location));
        let token = if is_looked_at { Some(self.token(&location, evidence)?) } else { None };
        let security = sole(head, &SECURITY)?.map(Security::read).transpose().map_err(in_field(field::SECURITY))?;
        let digest = sole(head, &DIGEST)?.map(DigestField::read).transpose().map_err(in_field(field::DIGEST))?;
        Ok(Some(WssecCredential { stated, reference, token, security, digest }))
    }

    /// What the credentials say of themselves; nothing where there are none of this scheme.
    fn stated<'r>(&self, head: &RequestHead<'r>) -> Result<Option<Authorization<'r>>, Malformation> {
        let bare = || self.authorization == AuthorizationField::Optional && head.fields.contains_key(SECURITY);
        match sole(head, &AUTHORIZATION)? {
            None => Ok(bare().then(Authorization::default)),
            Some(stated) => match Authorization::read(stated).map_err(in_field(field::AUTHORIZATION))? {
                Some(stated) => Ok(Some(stated)),
                // Which of the two speaks for the caller?
                None if bare() => Err(Malformation::SeveralTokens),
                None => Ok(None),
            },
        }
    }

    fn token(&self, location: &Location<'_>, evidence: &Evidence<'_>) -> Result<Vec<u8>, Malformation> {
        let fields = evidence.head.fields;
        let mut token = Vec::new();
        if let Location::Header(layout) = location {
            let found = Fragments::find(fields, *layout, self.max_token).map_err(in_field(field::TOKEN))?;
            found.decode(self.max_token, &mut token).map_err(in_field(field::TOKEN))?;
            return Ok(token);
        }
        Fragments::refuse_any(fields).map_err(in_field(field::TOKEN))?;
        match location {
            Location::Header(_) => {}
            Location::Body => token.extend_from_slice(evidence.content),
            Location::BodyForm { field } => self.in_form(field, evidence, &mut token)?,
            Location::BodyXml { query } => {
                let query = Query::read(query).map_err(in_field(field::TOKEN_LOCATION))?;
                token.extend_from_slice(&query.find(evidence.content, self.max_token).map_err(in_field(field::CONTENT))?);
            }
        }
        match token.len() {
            0 => Err(in_field(field::CONTENT)(Unreadable::TokenEncoding)),
            length if length > self.max_token => Err(Malformation::TokenTooLarge),
            _ => Ok(token),
        }
    }

    fn in_form(&self, name: &str, evidence: &Evidence<'_>, token: &mut Vec<u8>) -> Result<(), Malformation> {
        if !evidence.head.has_media_type(form::MEDIA_TYPE) {
            return Err(Malformation::ContentSyntax);
        }
        let mut named = form::pairs(evidence.content).filter(|pair| form::decodes_to(pair.name, name));
        let pair = named.next().ok_or(Malformation::Wire(field::CONTENT, Unreadable::ElementMissing))?;
        if named.next().is_some() {
            return Err(Malformation::SeveralTokens);
        }
        let text = form::decode(pair.value).map_err(|_| Malformation::ContentSyntax)?;
        fragments::decode_text(text.as_bytes(), self.max_token, token).map_err(in_field(field::CONTENT))
    }
}

const fn place(location: &Location<'_>) -> TokenPlace {
    match location {
        Location::Header(_) => TokenPlace::Header,
        Location::Body => TokenPlace::Body,
        Location::BodyForm { .. } => TokenPlace::BodyForm,
        Location::BodyXml { .. } => TokenPlace::BodyXml,
    }
}

/// What logs call the fields, and the content.
pub(super) mod field {
    pub(in crate::scheme::wssec) const AUTHORIZATION: &str = "Authorization";
    pub(in crate::scheme::wssec) const TOKEN_LOCATION: &str = "X-WSS-TokenLoc";
    pub(in crate::scheme::wssec) const TOKEN: &str = "X-WSS-TokenN";
    pub(in crate::scheme::wssec) const SECURITY: &str = "X-WSS-Security";
    pub(in crate::scheme::wssec) const DIGEST: &str = "X-WSS-Digest";
    pub(in crate::scheme::wssec) const CONTENT: &str = "content";
}

/// Where something cannot be read. A size beyond a limit has a reason of its own, whatever scheme it is about.
pub(super) fn in_field(field: &'static str) -> impl Fn(Unreadable) -> Malformation {
    move |unreadable| {
        if matches!(unreadable, Unreadable::TokenTooLarge) { Malformation::TokenTooLarge } else { Malformation::Wire(field, unreadable) }
    }
}

fn sole<'r>(head: &RequestHead<'r>, name: &HeaderName) -> Result<Option<&'r [u8]>, Malformation> {
    head.sole(name).map_err(|Repeated| Malformation::FieldRepeated)
}
