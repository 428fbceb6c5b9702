//! The verified identity on whose behalf we act, and the one function that asserts it.

use super::Challenge;
use crate::clock::UnixTime;
use crate::token::Claims;
use std::fmt;
use std::sync::Arc;

/// Who the request is from, proved. Made by a scheme only.
#[derive(Debug)]
pub struct Principal {
    scheme: Arc<str>,
    issuer: Box<str>,
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

    /// What logs call the token.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The parts of an assertion, by name.
pub(in crate::scheme) struct Asserted {
    pub(in crate::scheme) scheme: Arc<str>,
    pub(in crate::scheme) issuer: Box<str>,
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
    /// Fields the scheme adds to the answer, in place of the upstream's own: a cookie, the next
    /// nonce, a context token.
    pub answer: Vec<Challenge>,
}
