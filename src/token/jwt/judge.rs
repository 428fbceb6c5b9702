//! Whether a token is one that we take: type, issuer, time, audience, claims, in this order.

use super::super::{AudienceRule, ClaimMiss, ClaimRules};
use super::Jwt;
use crate::clock::UnixTime;
use std::fmt;
use std::sync::Arc;

/// What a token must be.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// The type in its header.
    pub token_type: TypeRule,
    /// Who must have made it.
    pub issuer: Arc<str>,
    /// For whom it must be: one of these.
    pub audiences: Box<[AudienceRule]>,
    /// What it must claim.
    pub claims: ClaimRules,
    /// How far clocks may disagree, in seconds.
    pub leeway: u64,
    /// Which of the statements above a token may lack.
    pub optional: Optional,
    /// The most seconds from `iat` to `exp`; [`u64::MAX`] where there is no such bound.
    pub max_lifetime: u64,
}

/// What a token may lack. What it does state is judged all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Optional {
    /// Who made it.
    pub issuer: Presence,
    /// For whom it is.
    pub audience: Presence,
    /// When it ends.
    pub expiry: Presence,
}

/// Whether a token must state something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    #[default]
    Required,
    /// It need not.
    Optional,
}

/// The end of a token that has none: the last second of the year 9999.
const ENDLESS: UnixTime = UnixTime::from_seconds(253_402_300_799);

/// Which types of token are taken (RFC 8725 §3.11), so that no token passes for one of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeRule {
    /// An access token: `at+jwt` (RFC 9068 §2.1), `JWT`, or none stated.
    AccessToken,
    /// Whatever it is.
    Any,
    /// This type and no other.
    Exactly(Box<str>),
}

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwtMiss {
    /// It is of another type.
    Type,
    /// It does not say who made it.
    IssuerMissing,
    /// Somebody else made it.
    IssuerUntrusted,
    /// It does not say when it ends.
    ExpiryMissing,
    /// It is over.
    Expired,
    /// It does not hold yet.
    NotYet,
    /// It was made in the future.
    IssuedLater,
    /// It does not say when it was made, by which its lifetime is measured.
    IssuedMissing,
    /// It holds for longer than tokens may.
    LifetimeTooLong,
    /// It does not say for whom it is.
    AudienceMissing,
    /// It is for somebody else.
    AudienceMismatch,
    /// A claim is missing or does not satisfy its rule.
    Claim(ClaimMiss),
}

impl Requirements {
    /// Judges a token at `now`; yields its end, to which the leeway is not added.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn judge(&self, token: &Jwt, now: UnixTime) -> Result<UnixTime, JwtMiss> {
        self.token_type.judge(token)?;
        match (token.issuer(), self.optional.issuer) {
            (None, Presence::Required) => return Err(JwtMiss::IssuerMissing),
            (None, Presence::Optional) => {}
            (Some(issuer), _) if *issuer == *self.issuer => {}
            (Some(_), _) => return Err(JwtMiss::IssuerUntrusted),
        }
        self.judge_terms(token, now)
    }

    /// The same, whoever made the token and of whatever type it is: for claims that somebody else vouches for.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn judge_terms(&self, token: &Jwt, now: UnixTime) -> Result<UnixTime, JwtMiss> {
        let end = self.judge_end(token, now)?;
        match (token.judge_audience(&self.audiences), self.optional.audience) {
            (Err(JwtMiss::AudienceMissing), Presence::Optional) => {}
            (judged, _) => judged?,
        }
        self.claims.judge(token.claims(), now).map_err(JwtMiss::Claim)?;
        Ok(end)
    }

    fn judge_end(&self, token: &Jwt, now: UnixTime) -> Result<UnixTime, JwtMiss> {
        let end = match (token.judge_times(now, self.leeway), self.optional.expiry) {
            (Err(JwtMiss::ExpiryMissing), Presence::Optional) => token.judge_beginning(now, self.leeway).map(|()| ENDLESS)?,
            (judged, _) => judged?,
        };
        if self.max_lifetime == u64::MAX {
            return Ok(end);
        }
        let issued = token.times.issued;
        let latest = issued.later(self.max_lifetime);
        match token.times.expires {
            _ if issued == UnixTime::from_seconds(0) => Err(JwtMiss::IssuedMissing),
            Some(end) if end > latest => Err(JwtMiss::LifetimeTooLong),
            Some(end) => Ok(end),
            None if latest <= now.earlier(self.leeway) => Err(JwtMiss::Expired),
            None => Ok(latest),
        }
    }
}

impl TypeRule {
    /// Judges the type of a token.
    ///
    /// # Errors
    /// It is another one.
    pub fn judge(&self, token: &Jwt) -> Result<(), JwtMiss> {
        let fits = match (self, token.token_type()) {
            (Self::Any, _) | (Self::AccessToken, None) => true,
            (Self::AccessToken, Some(stated)) => is_type(stated, "at+jwt") || is_type(stated, "JWT"),
            (Self::Exactly(wanted), Some(stated)) => is_type(stated, wanted),
            (Self::Exactly(_), None) => false,
        };
        if fits { Ok(()) } else { Err(JwtMiss::Type) }
    }

    /// The types that are taken; empty where each is.
    pub const fn wanted(&self) -> &str {
        match self {
            Self::AccessToken => "at+jwt, JWT",
            Self::Any => "",
            Self::Exactly(wanted) => wanted,
        }
    }
}

/// Media types are the same in any letter case, and `application/` may be left out (RFC 7515 §4.1.9).
fn is_type(stated: &str, wanted: &str) -> bool {
    const PREFIX: &str = "application/";
    let is_prefixed = stated.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    let stated = if is_prefixed { stated.get(PREFIX.len()..).unwrap_or_default() } else { stated };
    stated.eq_ignore_ascii_case(wanted)
}

impl Jwt {
    /// Whether the token holds at `now`, with `leeway` seconds for clocks that disagree; yields its end.
    /// At its very last second it is over.
    ///
    /// # Errors
    /// It has no end, is over, has not begun, or was made in the future.
    pub fn judge_times(&self, now: UnixTime, leeway: u64) -> Result<UnixTime, JwtMiss> {
        let end = self.times.expires.ok_or(JwtMiss::ExpiryMissing)?;
        if end <= now.earlier(leeway) {
            return Err(JwtMiss::Expired);
        }
        self.judge_beginning(now, leeway).map(|()| end)
    }

    fn judge_beginning(&self, now: UnixTime, leeway: u64) -> Result<(), JwtMiss> {
        if self.times.not_before > now.later(leeway) {
            return Err(JwtMiss::NotYet);
        }
        if self.times.issued > now.later(leeway) {
            return Err(JwtMiss::IssuedLater);
        }
        Ok(())
    }

    /// Whether the token is for one of us.
    ///
    /// # Errors
    /// It is for others, or for nobody.
    pub fn judge_audience(&self, ours: &[AudienceRule]) -> Result<(), JwtMiss> {
        if self.audiences.is_empty() {
            return Err(JwtMiss::AudienceMissing);
        }
        let is_ours = self.audiences.iter().any(|stated| ours.iter().any(|ours| ours.admits(stated)));
        if is_ours { Ok(()) } else { Err(JwtMiss::AudienceMismatch) }
    }
}

impl fmt::Display for JwtMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "it is a token of another type",
            Self::IssuerMissing => "it does not say who made it",
            Self::IssuerUntrusted => "somebody else made it",
            Self::ExpiryMissing => "it does not say when it ends",
            Self::Expired => "it is over",
            Self::NotYet => "it does not hold yet",
            Self::IssuedLater => "it says that it was made in the future",
            Self::IssuedMissing => "it does not say when it was made",
            Self::LifetimeTooLong => "it holds for longer than tokens may",
            Self::AudienceMissing => "it does not say for whom it is",
            Self::AudienceMismatch => "it is for somebody else",
            Self::Claim(ClaimMiss::Missing(_)) => "a claim is missing",
            Self::Claim(ClaimMiss::Mismatch { .. }) => "a claim does not satisfy its rule",
        })
    }
}

impl std::error::Error for JwtMiss {}
