//! What was expected in the place of what came, for the logs of operators and for nobody else.

use super::{Evidence, Insufficiency, Refusal, Rejection};
use crate::token::AudienceRule;
use crate::token::jwt::{self, Jwt, JwtMiss, Requirements};
use std::fmt;

/// What was expected, by the configuration, and what came. It is bounded; logs escape it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    expected: Box<str>,
    found: Box<str>,
}

impl Mismatch {
    /// The most octets that are kept of each.
    const LONGEST: usize = 256;

    /// What was expected, where nobody has proved what came.
    pub(in crate::scheme) fn expecting(expected: &str) -> Self {
        Self { expected: beginning(expected), found: Box::default() }
    }

    /// The same, with what came: in a statement that somebody has proved to have made, or as one word of a closed list.
    pub fn proved(expected: &str, found: &str) -> Self {
        Self { expected: beginning(expected), found: beginning(found) }
    }

    /// What was expected; empty where that is not known.
    pub const fn expected(&self) -> &str {
        &self.expected
    }

    /// What came; empty where nobody has proved it.
    pub const fn found(&self) -> &str {
        &self.found
    }
}

/// Values of claims do not print; logs ask for them.
impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mismatch").finish_non_exhaustive()
    }
}

fn beginning(text: &str) -> Box<str> {
    text.get(..text.floor_char_boundary(Mismatch::LONGEST)).unwrap_or_default().into()
}

/// Audiences as they are configured.
pub(in crate::scheme) fn audiences(ours: &[AudienceRule]) -> String {
    joined(ours.iter().map(AudienceRule::to_string))
}

/// Texts with commas between them, as many as are kept.
pub(in crate::scheme) fn joined(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut joined = String::new();
    for text in texts {
        if joined.len() > Mismatch::LONGEST {
            break;
        }
        let between = if joined.is_empty() { "" } else { ", " };
        joined.extend([between, text.as_ref()]);
    }
    joined
}

impl Refusal {
    /// What was expected in the place of what came; empty where that is not known, or goes without saying.
    pub fn expected(&self) -> &str {
        self.mismatch().map(Mismatch::expected).unwrap_or_default()
    }

    /// What came in the place of something else; empty where nobody has proved to have made it.
    pub fn found(&self) -> &str {
        match self {
            Self::Insufficient(Insufficiency::ExpressionNotBoolean(what)) => what,
            Self::Insufficient(Insufficiency::ExpressionNotComputed(why)) => why,
            Self::Malformed(_) | Self::Rejected(_) | Self::Insufficient(_) | Self::Fault(_) => {
                self.mismatch().map(Mismatch::found).unwrap_or_default()
            }
        }
    }

    fn mismatch(&self) -> Option<&Mismatch> {
        match self {
            Self::Rejected(
                Rejection::IssuerUntrusted(mismatch)
                | Rejection::AudienceMismatch(mismatch)
                | Rejection::ProofTargetMismatch(mismatch)
                | Rejection::ClaimMismatch(_, mismatch)
                | Rejection::AlgorithmRefused(mismatch)
                | Rejection::ProofAlgorithmRefused(mismatch)
                | Rejection::TokenTypeRefused(mismatch)
                | Rejection::CoverageMissing(mismatch),
            )
            | Self::Insufficient(Insufficiency::Scope(_, mismatch) | Insufficiency::Claim(_, mismatch)) => Some(mismatch),
            Self::Malformed(_) | Self::Rejected(_) | Self::Insufficient(_) | Self::Fault(_) => None,
        }
    }
}

impl From<JwtMiss> for Rejection {
    fn from(miss: JwtMiss) -> Self {
        let missing = |claim: &str| Self::ClaimMissing(claim.into());
        match miss {
            JwtMiss::Type => Self::TokenTypeRefused(Box::default()),
            JwtMiss::IssuerMissing => missing(jwt::ISSUER),
            JwtMiss::IssuerUntrusted => Self::IssuerUntrusted(Box::default()),
            JwtMiss::ExpiryMissing => missing(jwt::EXPIRES),
            JwtMiss::Expired => Self::Expired,
            JwtMiss::NotYet | JwtMiss::IssuedLater => Self::NotYet,
            JwtMiss::IssuedMissing => missing(jwt::ISSUED),
            JwtMiss::LifetimeTooLong => Self::LifetimeTooLong,
            JwtMiss::AudienceMissing => missing(jwt::AUDIENCE),
            JwtMiss::AudienceMismatch => Self::AudienceMismatch(Box::default()),
            JwtMiss::Claim(miss) => miss.into(),
        }
    }
}

impl Rejection {
    /// What is wrong with a token that its issuer has made, beside what it should have been.
    #[allow(clippy::wildcard_enum_match_arm, reason = "of all rejections, these are about what was expected of the token as a whole")]
    pub(in crate::scheme) fn of_token(miss: JwtMiss, wanted: &Requirements, token: &Jwt) -> Self {
        match Self::from(miss) {
            Self::IssuerUntrusted(_) => Self::IssuerUntrusted(Mismatch::proved(&wanted.issuer, token.issuer().unwrap_or_default()).into()),
            Self::AudienceMismatch(_) => {
                let found = token.claims().value(jwt::AUDIENCE).unwrap_or_default();
                Self::AudienceMismatch(Mismatch::proved(&audiences(&wanted.audiences), found).into())
            }
            Self::TokenTypeRefused(_) => {
                let found = token.token_type().unwrap_or_default();
                Self::TokenTypeRefused(Mismatch::proved(wanted.token_type.wanted(), found).into())
            }
            rejection => rejection,
        }
    }

    /// An algorithm that is none of these; each is a word of a closed list.
    pub(in crate::scheme) fn of_algorithm(taken: impl Iterator<Item = &'static str>, found: &'static str) -> Self {
        Self::AlgorithmRefused(Mismatch::proved(&joined(taken), found).into())
    }

    /// An algorithm that proofs are not taken by, or not with a key of its kind.
    pub(in crate::scheme) fn of_proof_algorithm(taken: impl Iterator<Item = &'static str>, found: &'static str) -> Self {
        Self::ProofAlgorithmRefused(Mismatch::proved(&joined(taken), found).into())
    }

    /// These are not covered, and must be.
    pub(in crate::scheme) fn of_coverage(missing: impl Iterator<Item = impl AsRef<str>>) -> Self {
        Self::CoverageMissing(Mismatch::expecting(&joined(missing)).into())
    }

    /// A proof for another target than that of the request, which the client knows by this address.
    pub(in crate::scheme) fn of_target(evidence: &Evidence<'_>) -> Self {
        let external = evidence.external();
        let target = [external.scheme, "://", external.authority, evidence.head.path].concat();
        Self::ProofTargetMismatch(Mismatch::expecting(&target).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_ends_at_a_character() {
        let long = ["x", &"é".repeat(300)].concat();
        let mismatch = Mismatch::proved(&long, &long);
        assert_eq!((mismatch.expected().len(), mismatch.found().len()), (255, 255));
        assert_eq!(Mismatch::expecting("a"), Mismatch { expected: "a".into(), found: "".into() });
        assert_eq!(joined(["a", "b"].into_iter()), "a, b");
        assert!(joined(std::iter::repeat("audience")).len() < 300);
    }

    #[test]
    fn audiences_are_told_as_they_are_compared() {
        let acs = |text| AudienceRule::acs(text).unwrap();
        let ours = [AudienceRule::exact("orders"), acs("http://LOCALHOST:80/bartender/"), acs("https://a.example:8443")];
        assert_eq!(audiences(&ours), "orders, localhost/bartender, a.example:8443");
    }
}
