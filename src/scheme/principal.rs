//! The verified identity on whose behalf we act, and the one function that asserts it.

use super::{ContentPledge, Fault, Refusal, Rejection};
use crate::clock::UnixTime;
use crate::store::{Mark, NotMarked, ReplayLog, Stores};
use crate::token::Claims;
use std::fmt;
use std::sync::Arc;

/// Who the request is from, proved. Made by a scheme only.
#[derive(Debug)]
pub struct Principal {
    scheme: Arc<str>,
    issuer: Arc<str>,
    subject: Option<Box<str>>,
    expires: UnixTime,
    claims: Claims,
    fingerprint: Fingerprint,
}

impl Principal {
    /// Claims that an identity was proved. Search for this name to find every place that does.
    pub(in crate::scheme) fn assertion(asserted: Asserted) -> Self {
        let Asserted { scheme, issuer, subject, expires, claims, fingerprint } = asserted;
        Self { scheme, issuer, subject, expires, claims, fingerprint }
    }

    /// Somebody who claims this, for tests of what looks at principals.
    #[cfg(test)]
    pub(crate) fn specimen(claims: &[(&str, &str)]) -> Self {
        let mut builder = crate::token::ClaimsBuilder::default();
        claims.iter().for_each(|(name, value)| builder.add(name, value).unwrap());
        Self::assertion(Asserted {
            scheme: "api".into(),
            issuer: "https://issuer.example".into(),
            subject: Some("alice".into()),
            expires: UnixTime::from_seconds(2_000_000_000),
            claims: builder.build(),
            fingerprint: Fingerprint([7; 8]),
        })
    }

    /// The configured name of the scheme that proved it.
    pub const fn scheme(&self) -> &Arc<str> {
        &self.scheme
    }

    /// Who made the token.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The identifier of the subject, where the token names one.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When the proof ends.
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }

    /// What the issuer stated.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The memory that it holds, roughly; for bounds on caches.
    pub fn octets(&self) -> usize {
        let texts = [self.issuer.len(), self.subject().map_or(0, str::len), self.claims.octets()];
        texts.iter().fold(size_of::<Self>(), |sum, text| sum.saturating_add(*text))
    }

    /// What logs call the token.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The parts of an assertion, by name.
pub(in crate::scheme) struct Asserted {
    pub(in crate::scheme) scheme: Arc<str>,
    pub(in crate::scheme) issuer: Arc<str>,
    pub(in crate::scheme) subject: Option<Box<str>>,
    pub(in crate::scheme) expires: UnixTime,
    pub(in crate::scheme) claims: Claims,
    pub(in crate::scheme) fingerprint: Fingerprint,
}

/// The first eight octets of a token's SHA-256, for logs: names the token without giving it away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// The fingerprint of a token with this SHA-256.
    pub const fn of_digest(digest: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        Self([a, b, c, d, e, f, g, h])
    }

    /// Its octets.
    pub const fn octets(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a successful verification yields.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// The kind of token that proved it, in the words of its scheme.
    pub profile: &'static str,
    /// Whether the token had been judged before.
    pub memory: Memory,
    /// What is left to be held against the content.
    pub content: ContentPledge,
    /// What must be used for the first time; claimed after everything else held.
    pub first_use: Option<FirstUse>,
    /// What the answer offers for the next request.
    pub continuation: Continuation,
}

impl Proof {
    /// A proof by a token alone.
    pub const fn by_token(principal: Arc<Principal>, profile: &'static str, memory: Memory) -> Self {
        Self { principal, profile, memory, content: ContentPledge::Nothing, first_use: None, continuation: Continuation::None }
    }
}

/// Whether the verdict on a token was remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It was found.
    Hit,
    /// It was reached anew.
    Miss,
}

impl Memory {
    /// The word for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }
}

/// What the answer offers for the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// Nothing.
    None,
    /// The nonce that the next request has to use.
    Nonce,
    /// A context, and the next nonce where one is wanted.
    Context,
}

/// A right that ends with its first use.
#[derive(Clone, Debug)]
pub struct FirstUse {
    pub(in crate::scheme) stores: Arc<Stores>,
    pub(in crate::scheme) mark: Mark,
}

impl FirstUse {
    /// Uses it up.
    ///
    /// # Errors
    /// It was used before, or that can no longer be told.
    pub async fn claim(&self, now: UnixTime) -> Result<(), Refusal> {
        match self.stores.replay.mark(self.mark, now).await {
            Ok(()) => Ok(()),
            Err(NotMarked::Seen) => Err(Rejection::NonceSeen.into()),
            Err(NotMarked::TooOld) => Err(Rejection::TimestampOutside.into()),
            Err(NotMarked::Full) => Err(Refusal::Fault(Fault::ReplayLogFull)),
        }
    }
}
