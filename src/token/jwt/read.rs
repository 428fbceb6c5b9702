//! Reading what a confirmed signature covers: registered claims by their types, all others as they are.

use super::super::jose::Jws;
use super::super::jose::cnf::{self, CnfSyntax, Confirmation};
use super::super::json::{Json, JsonSyntax, Object, read_object};
use super::super::{Claims, ClaimsBuilder};
use super::{AUDIENCE, EXPIRES, ID, ISSUED, ISSUER, NOT_BEFORE, SUBJECT};
use crate::clock::UnixTime;
use std::fmt;
use std::time::Duration;

/// A token whose signature held and whose claims have the types that the specification gives them. Nothing
/// of it is judged yet.
#[derive(Debug)]
pub struct Jwt {
    pub(super) token_type: Option<Box<str>>,
    pub(super) audiences: Box<[Box<str>]>,
    pub(super) times: Times,
    claims: Claims,
    holder: Holder,
}

/// What a token says of time.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) expires: Option<UnixTime>,
    /// The epoch where the token does not say.
    pub(super) not_before: UnixTime,
    /// The epoch where the token does not say.
    pub(super) issued: UnixTime,
}

/// Whose token it is.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Whoever has it.
    Anyone,
    /// Who proves to have a key.
    Bound(Confirmation),
}

/// Why a payload is not a set of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtSyntax {
    /// It is not a JSON object with one reading.
    Json(JsonSyntax),
    /// A registered claim has another type than the specification gives it (§4.1).
    Claim(&'static str),
    /// The confirmation cannot be taken.
    Confirmation(CnfSyntax),
}

impl Jwt {
    /// Reads the claims of a token whose signature held.
    ///
    /// # Errors
    /// The payload is not a set of claims.
    pub fn read(jws: &Jws) -> Result<Self, JwtSyntax> {
        let object = read_object(jws.payload()).map_err(JwtSyntax::Json)?;
        Self::of_claims(&object, jws.header().token_type(), jws.payload().len())
    }

    /// Reads claims that somebody vouches for; `octets` is how long they were as JSON.
    pub(super) fn of_claims(object: &Object<'_>, token_type: Option<&str>, octets: usize) -> Result<Self, JwtSyntax> {
        for name in [ISSUER, SUBJECT, ID] {
            object.text(name).map_err(|_| JwtSyntax::Claim(name))?;
        }
        let [expires, not_before, issued] = [EXPIRES, NOT_BEFORE, ISSUED].map(|name| time(object, name));
        let epoch = UnixTime::from_seconds(0);
        let times =
            Times { expires: expires?.map(floor), not_before: not_before?.map_or(epoch, ceiling), issued: issued?.map_or(epoch, floor) };
        Ok(Self {
            token_type: token_type.map(Box::from),
            audiences: audiences(object)?,
            times,
            holder: holder(object)?,
            claims: claims(object, octets)?,
        })
    }

    /// Everything the issuer stated, but for the confirmation. Texts are as they are; an array of texts
    /// and numbers is a list with commas, as the rules for claims expect it; what is nested, or could be
    /// taken for such a list and is none, is JSON that no rule mistakes for one. `null` states nothing.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The claims, kept.
    pub fn into_claims(self) -> Claims {
        self.claims
    }

    /// Whose token it is. Who takes it as a bearer token must have seen that it is anyone's.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Who made the token.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.value(ISSUER)
    }

    /// Whom it speaks of.
    pub fn subject(&self) -> Option<&str> {
        self.claims.value(SUBJECT)
    }

    /// For whom it is.
    pub const fn audiences(&self) -> &[Box<str>] {
        &self.audiences
    }

    /// The type in its header.
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }
}

fn time(object: &Object<'_>, name: &'static str) -> Result<Option<Duration>, JwtSyntax> {
    object.member(name).map(|time| time.seconds().ok_or(JwtSyntax::Claim(name))).transpose()
}

const fn floor(time: Duration) -> UnixTime {
    UnixTime::from_seconds(time.as_secs())
}

const fn ceiling(time: Duration) -> UnixTime {
    let begun = if time.subsec_nanos() == 0 { 0 } else { 1 };
    floor(time).later(begun)
}

fn audiences(object: &Object<'_>) -> Result<Box<[Box<str>]>, JwtSyntax> {
    match object.member(AUDIENCE) {
        None => Ok(Box::default()),
        Some(Json::Text(audience)) => Ok([Box::from(&**audience)].into()),
        Some(other) => {
            let listed = other.list().ok_or(JwtSyntax::Claim(AUDIENCE))?;
            listed.iter().map(|audience| audience.text().map(Box::from).ok_or(JwtSyntax::Claim(AUDIENCE))).collect()
        }
    }
}

fn holder(object: &Object<'_>) -> Result<Holder, JwtSyntax> {
    match object.member(cnf::CLAIM) {
        None => Ok(Holder::Anyone),
        Some(stated) => {
            let stated = stated.object().ok_or(CnfSyntax::NotAnObject);
            stated.and_then(Confirmation::read).map(Holder::Bound).map_err(JwtSyntax::Confirmation)
        }
    }
}

fn claims(object: &Object<'_>, octets: usize) -> Result<Claims, JwtSyntax> {
    let mut claims = ClaimsBuilder::with_room(octets, object.iter().count());
    let mut written = String::new();
    for (name, value) in object.iter().filter(|(name, value)| *name != cnf::CLAIM && **value != Json::Null) {
        // New, because an object has each name once.
        let added = match value.text() {
            Some(text) => claims.add_new(name, text),
            None => {
                written.clear();
                write(value, &mut written);
                claims.add_new(name, &written)
            }
        };
        added.map_err(|_| JwtSyntax::Json(JsonSyntax::TooManyMembers))?;
    }
    Ok(claims.build())
}

fn write(value: &Json<'_>, out: &mut String) {
    match value.list() {
        Some(list) if !list.is_empty() && list.iter().all(is_plain) => {
            for (place, item) in list.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                match item.text() {
                    Some(text) => out.push_str(text),
                    None => item.write(out),
                }
            }
        }
        Some(_) | None => value.write(out),
    }
}

/// Whether an item can stand in a list with commas and be read from it again.
fn is_plain(item: &Json<'_>) -> bool {
    match item {
        Json::Text(text) => !text.contains(','),
        Json::Whole(_) | Json::Fraction(_) | Json::Truth(_) => true,
        Json::Null | Json::List(_) | Json::Object(_) => false,
    }
}

impl fmt::Display for JwtSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(syntax) => write!(f, "its payload is {syntax}"),
            Self::Claim(name) => write!(f, "its claim `{name}` is not of the type it should be"),
            Self::Confirmation(syntax) => syntax.fmt(f),
        }
    }
}

impl std::error::Error for JwtSyntax {}
