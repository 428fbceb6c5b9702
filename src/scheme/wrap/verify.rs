//! Proves a token: MAC by its issuer's keys, expiry, audience, claims; remembers what held.

use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, sha256};
use crate::scheme::principal::Asserted;
use crate::scheme::{Fingerprint, Malformation, Memory, Principal, Refusal, Rejection};
use crate::store::{CacheCounts, VerdictCache};
use crate::token::swt::{Expiry, Swt, SwtKey, Unconfirmed, Unproved};
use crate::token::{AudienceRule, ClaimMiss, ClaimRules};
use std::sync::Arc;

/// Somebody whose tokens are taken, with the current key first and the previous one after it.
pub(super) struct Issuer {
    pub(super) name: Box<str>,
    pub(super) keys: Box<[SwtKey]>,
}

/// What a token must be.
pub(super) struct Requirements {
    pub(super) issuers: Box<[Issuer]>,
    pub(super) audiences: Box<[AudienceRule]>,
    pub(super) claims: ClaimRules,
    pub(super) subject_claim: Box<str>,
    /// In seconds.
    pub(super) leeway: u64,
}

/// Judges tokens by one set of requirements.
pub(super) struct Verifier {
    scheme: Arc<str>,
    requirements: Requirements,
    /// Whole positive verdicts. They may be served until the token's end, because what a rule compares
    /// with the time of the request is an age, and that only grows; `after` and `before` compare with
    /// fixed dates. A rule that could cease to hold before the token does must not be cached this way.
    verdicts: VerdictCache<Arc<Principal>>,
    expiry_name: Arc<str>,
    audience_name: Arc<str>,
}

impl Verifier {
    pub(super) fn new(scheme: Arc<str>, requirements: Requirements, cache_octets: u64) -> Self {
        let (expiry_name, audience_name) = (crate::token::swt::EXPIRES_ON.into(), crate::token::swt::AUDIENCE.into());
        Self { scheme, requirements, verdicts: VerdictCache::bounded(cache_octets), expiry_name, audience_name }
    }

    pub(super) fn verify(&self, token: &str, now: UnixTime) -> Result<(Arc<Principal>, Memory), Refusal> {
        let digest = sha256(token.as_bytes());
        if let Some(principal) = self.verdicts.find(&digest, now) {
            return Ok((principal, Memory::Hit));
        }
        let principal = Arc::new(self.judge(token, &digest, now)?);
        let end = principal.expires().later(self.requirements.leeway);
        self.verdicts.keep(&digest, Arc::clone(&principal), octets(&principal), end);
        Ok((principal, Memory::Miss))
    }

    pub(super) fn verdict_counts(&self) -> CacheCounts {
        self.verdicts.counts()
    }

    fn judge(&self, token: &str, digest: &[u8; DIGEST_LENGTH], now: UnixTime) -> Result<Principal, Refusal> {
        let Requirements { issuers, audiences, claims, subject_claim, leeway } = &self.requirements;
        let token = Unconfirmed::parse(token).map_err(|_| Malformation::TokenSyntax)?;
        let issuer = issuers.iter().find(|issuer| token.names_issuer(&issuer.name)).ok_or(Rejection::IssuerUntrusted)?;
        let token = token.confirmed_by(&issuer.keys).map_err(refusal_of)?;
        let expires = match token.expiry(now, *leeway) {
            Expiry::Until(end) => end,
            Expiry::Over => return Err(Rejection::Expired.into()),
            Expiry::Unstated => return Err(Rejection::ClaimMissing(Arc::clone(&self.expiry_name)).into()),
        };
        self.check_audience(&token, audiences)?;
        claims.judge(token.claims(), now).map_err(rejection_of)?;
        // An empty name names nobody.
        let subject = token.claims().value(subject_claim).filter(|subject| !subject.is_empty()).map(Box::from);
        Ok(Principal::assertion(Asserted {
            scheme: Arc::clone(&self.scheme),
            issuer: issuer.name.clone(),
            subject,
            expires,
            claims: token.into_claims(),
            fingerprint: Fingerprint::of_digest(digest),
        }))
    }

    fn check_audience(&self, token: &Swt, audiences: &[AudienceRule]) -> Result<(), Rejection> {
        let Some(audience) = token.audience() else {
            return Err(Rejection::ClaimMissing(Arc::clone(&self.audience_name)));
        };
        let is_ours = audiences.iter().any(|ours| ours.admits(audience));
        if is_ours { Ok(()) } else { Err(Rejection::AudienceMismatch) }
    }
}

fn refusal_of(unproved: Unproved) -> Refusal {
    match unproved {
        Unproved::Mac => Rejection::SignatureInvalid.into(),
        Unproved::Syntax(_) => Malformation::TokenSyntax.into(),
    }
}

fn rejection_of(miss: ClaimMiss) -> Rejection {
    match miss {
        ClaimMiss::Missing(claim) => Rejection::ClaimMissing(claim),
        ClaimMiss::Mismatch(claim) => Rejection::ClaimMismatch(claim),
    }
}

/// The memory a principal holds, roughly.
fn octets(principal: &Principal) -> usize {
    let texts = [principal.issuer().len(), principal.subject().map_or(0, str::len), principal.claims().octets()];
    texts.iter().fold(size_of::<Principal>(), |sum, text| sum.saturating_add(*text))
}
