//! Reading a token: its shape first, its statements only once the MAC held.

use super::super::form::{self, FormSyntax};
use super::super::{ClaimSyntax, Claims, ClaimsBuilder};
use super::{AUDIENCE, EXPIRES_ON, ISSUER, MAC, SwtKey};
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, base64};
use std::borrow::Cow;

/// The most pairs that a token may have, its MAC aside. Real tokens join many values of one claim with
/// commas and stay below twenty; every pair costs a comparison with each pair before it.
pub const MAX_PAIRS: usize = 64;

/// The length of a MAC in base64.
const MAC_TEXT_LENGTH: usize = DIGEST_LENGTH.div_ceil(3) * 4;

/// A token that has the right shape and is not proved: it may name the issuer whose keys to try, and
/// has one exit, [`confirmed_by`](Self::confirmed_by).
#[derive(Clone, Copy)]
pub struct Unconfirmed<'t> {
    signed: &'t [u8],
    mac: [u8; DIGEST_LENGTH],
    pairs: usize,
    issuer: Option<&'t [u8]>,
    expiry: Option<UnixTime>,
}

/// A token whose MAC held. Only here can its statements be read for decisions.
#[derive(Clone, Debug)]
pub struct Swt {
    claims: Claims,
    expiry: Option<UnixTime>,
}

/// What a token says about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It holds until then.
    Until(UnixTime),
    /// It is over.
    Over,
    /// It does not say: an assertion may be so, an access token may not.
    Unstated,
}

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwtSyntax {
    /// An octet that is not a visible ASCII character.
    Octet,
    /// The last pair is not the MAC, or there is nothing before it.
    MacNotLast,
    /// The MAC is not base64 of 32 octets.
    Mac,
    /// A piece that is not a name, `=` and a value.
    Pair,
    /// More than [`MAX_PAIRS`] pairs.
    TooManyPairs,
    /// A name stands twice, compared after decoding.
    NameRepeated,
    /// The expiry is not a decimal number of seconds.
    Expiry,
    /// A name or a value cannot be decoded.
    Form(FormSyntax),
}

/// Why a token was not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// No key made its MAC.
    Mac,
    /// The MAC holds, but what is signed is not a token.
    Syntax(SwtSyntax),
}

impl<'t> Unconfirmed<'t> {
    /// Reads the shape of a token, without allocating.
    ///
    /// # Errors
    /// The text does not have the shape of a token.
    pub fn parse(token: &'t str) -> Result<Self, SwtSyntax> {
        let token = token.as_bytes();
        if !token.iter().all(u8::is_ascii_graphic) {
            return Err(SwtSyntax::Octet);
        }
        let last = memchr::memrchr(b'&', token).ok_or(SwtSyntax::MacNotLast)?;
        let (signed, mac) = token.split_at_checked(last).ok_or(SwtSyntax::MacNotLast)?;
        let mac = mac.strip_prefix(b"&HMACSHA256=").ok_or(SwtSyntax::MacNotLast)?;
        let Shape { pairs, issuer, audience: _, expiry } = Shape::of(signed)?;
        Ok(Self { signed, mac: decode_mac(mac)?, pairs, issuer, expiry })
    }

    /// Whether the token names this issuer: for choosing keys only.
    pub fn names_issuer(&self, name: &str) -> bool {
        self.issuer.is_some_and(|issuer| form::decodes_to(issuer, name))
    }

    /// Names and values for a human to look at. Nothing of it is proved, so nothing may be decided by it.
    pub fn unproved_pairs(&self) -> impl Iterator<Item = Result<(Cow<'t, str>, Cow<'t, str>), FormSyntax>> {
        form::pairs(self.signed).map(|pair| Ok((form::decode(pair.name)?, form::decode(pair.value)?)))
    }

    /// Tries the issuer's keys on the octets as received. They are tried in order and all take the same time.
    ///
    /// # Errors
    /// No key made the MAC; or one did, but over something that cannot be read.
    pub fn confirmed_by<'k>(self, keys: impl IntoIterator<Item = &'k SwtKey>) -> Result<Swt, Unproved> {
        if !keys.into_iter().any(|key| key.made(self.signed, &self.mac)) {
            return Err(Unproved::Mac);
        }
        let claims = self.read_claims().map_err(Unproved::Syntax)?;
        Ok(Swt { claims, expiry: self.expiry })
    }

    fn read_claims(&self) -> Result<Claims, SwtSyntax> {
        let mut claims = ClaimsBuilder::with_room(self.signed.len(), self.pairs);
        for pair in form::pairs(self.signed) {
            claims.add_encoded(pair.name, pair.value).map_err(syntax_of)?;
        }
        Ok(claims.build())
    }
}

impl Swt {
    /// Everything the issuer stated, the reserved names among it, the MAC not.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The claims, kept.
    pub fn into_claims(self) -> Claims {
        self.claims
    }

    /// Who made the token.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.value(ISSUER)
    }

    /// For whom it is.
    pub fn audience(&self) -> Option<&str> {
        self.claims.value(AUDIENCE)
    }

    /// Whether the token still holds at `now`, with `leeway` seconds for clocks that disagree. At its very
    /// last second it is over.
    pub fn expiry(&self, now: UnixTime, leeway: u64) -> Expiry {
        match self.expiry {
            None => Expiry::Unstated,
            Some(end) if end <= now.earlier(leeway) => Expiry::Over,
            Some(end) => Expiry::Until(end),
        }
    }
}

/// What one walk over the signed pairs finds. The reserved names must be found before the MAC is tried,
/// so their repetition is noticed here; that of other names, once the MAC held.
#[derive(Default)]
struct Shape<'t> {
    pairs: usize,
    issuer: Option<&'t [u8]>,
    audience: Option<&'t [u8]>,
    expiry: Option<UnixTime>,
}

impl<'t> Shape<'t> {
    fn of(signed: &'t [u8]) -> Result<Self, SwtSyntax> {
        let mut shape = Self::default();
        for piece in signed.split(|octet| *octet == b'&') {
            if shape.pairs == MAX_PAIRS {
                return Err(SwtSyntax::TooManyPairs);
            }
            shape.pairs += 1;
            shape.take(piece)?;
        }
        Ok(shape)
    }

    fn take(&mut self, piece: &'t [u8]) -> Result<(), SwtSyntax> {
        match form::split_pair(piece) {
            None | Some(([], _)) => Err(SwtSyntax::Pair),
            Some((name, value)) if form::decodes_to(name, ISSUER) => first(&mut self.issuer, value),
            Some((name, value)) if form::decodes_to(name, AUDIENCE) => first(&mut self.audience, value),
            Some((name, value)) if form::decodes_to(name, EXPIRES_ON) => first(&mut self.expiry, seconds(value)?),
            Some((name, _)) if form::decodes_to(name, MAC) => Err(SwtSyntax::NameRepeated),
            Some(_) => Ok(()),
        }
    }
}

fn first<T>(place: &mut Option<T>, value: T) -> Result<(), SwtSyntax> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(SwtSyntax::NameRepeated),
    }
}

fn syntax_of(claim: ClaimSyntax) -> SwtSyntax {
    match claim {
        ClaimSyntax::NameRepeated => SwtSyntax::NameRepeated,
        ClaimSyntax::TooLong => SwtSyntax::TooManyPairs,
        ClaimSyntax::Form(syntax) => SwtSyntax::Form(syntax),
    }
}

fn decode_mac(raw: &[u8]) -> Result<[u8; DIGEST_LENGTH], SwtSyntax> {
    let mut buffer = [0; MAC_TEXT_LENGTH];
    let text = form::decode_into(raw, &mut buffer).ok_or(SwtSyntax::Mac)?;
    base64::decode_exactly(text).map_err(|_| SwtSyntax::Mac)
}

fn seconds(raw: &[u8]) -> Result<UnixTime, SwtSyntax> {
    let mut seconds = None;
    for octet in form::octets(raw) {
        let digit = octet.ok().filter(u8::is_ascii_digit).ok_or(SwtSyntax::Expiry)?;
        let before: u64 = seconds.unwrap_or_default();
        seconds = before.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
        if seconds.is_none() {
            return Err(SwtSyntax::Expiry);
        }
    }
    seconds.map(UnixTime::from_seconds).ok_or(SwtSyntax::Expiry)
}
