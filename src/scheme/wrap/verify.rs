//! Proves a token: MAC by its issuer's keys, expiry, audience, claims; remembers what held.

use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, sha256};
use crate::scheme::mismatch::{Mismatch, audiences, joined};
use crate::scheme::principal::Asserted;
use crate::scheme::{Fingerprint, Malformation, Memory, Principal, Recognition, Refusal, Rejection};
use crate::store::{CacheCounts, VerdictCache};
use crate::token::swt::{Expiry, Swt, SwtKey, Unconfirmed, Unproved};
use crate::token::{AudienceRule, ClaimRules};
use std::sync::Arc;

/// Somebody whose tokens are taken, with the current key first and the previous one after it.
pub(in crate::scheme) struct Issuer {
    pub(in crate::scheme) name: Arc<str>,
    pub(in crate::scheme) keys: Box<[SwtKey]>,
}

/// What a token must be.
pub(in crate::scheme) struct Requirements {
    pub(in crate::scheme) issuers: Box<[Issuer]>,
    pub(in crate::scheme) audiences: Box<[AudienceRule]>,
    pub(in crate::scheme) claims: ClaimRules,
    pub(in crate::scheme) subject_claim: Box<str>,
    /// In seconds.
    pub(in crate::scheme) leeway: u64,
}

/// Judges tokens by one set of requirements.
pub(super) struct Verifier {
    scheme: Arc<str>,
    requirements: Requirements,
    /// Whole positive verdicts. They may be served until the token's end, because what a rule compares
    /// with the time of the request is an age, and that only grows; `after` and `before` compare with
    /// fixed dates. A rule that could cease to hold before the token does must not be cached this way.
    verdicts: VerdictCache<Arc<Principal>>,
}

impl Verifier {
    pub(super) fn new(scheme: Arc<str>, requirements: Requirements, cache_octets: u64) -> Self {
        Self { scheme, requirements, verdicts: VerdictCache::bounded(cache_octets) }
    }

    pub(super) fn verify(&self, token: &str, now: UnixTime) -> Result<(Arc<Principal>, Memory), Refusal> {
        let digest = sha256(token.as_bytes());
        if let Some(principal) = self.verdicts.find(&digest, now) {
            return Ok((principal, Memory::Hit));
        }
        let principal = Arc::new(self.requirements.judge(&self.scheme, token, &digest, now)?);
        let end = principal.expires().later(self.requirements.leeway);
        self.verdicts.keep(&digest, Arc::clone(&principal), principal.octets(), end);
        Ok((principal, Memory::Miss))
    }

    /// By the issuer that the token names, which nobody has proved.
    pub(super) fn recognise(&self, token: &str) -> Recognition {
        let is_ours = |token: Unconfirmed<'_>| self.requirements.issuers.iter().any(|issuer| token.names_issuer(&issuer.name));
        if Unconfirmed::parse(token).is_ok_and(is_ours) { Recognition::Named } else { Recognition::Foreign }
    }

    pub(super) fn verdict_counts(&self) -> CacheCounts {
        self.verdicts.counts()
    }
}

impl Requirements {
    /// Judges a token; what it yields holds until its end, with the leeway.
    pub(in crate::scheme) fn judge(
        &self,
        scheme: &Arc<str>,
        token: &str,
        digest: &[u8; DIGEST_LENGTH],
        now: UnixTime,
    ) -> Result<Principal, Refusal> {
        let token = Unconfirmed::parse(token).map_err(|_| Malformation::TokenSyntax)?;
        let issuer = self.issuers.iter().find(|issuer| token.names_issuer(&issuer.name)).ok_or_else(|| self.no_such_issuer())?;
        let token = token.confirmed_by(&issuer.keys).map_err(refusal_of)?;
        let expires = match token.expiry(now, self.leeway) {
            Expiry::Until(end) => end,
            Expiry::Over => return Err(Rejection::Expired.into()),
            Expiry::Unstated => return Err(Rejection::ClaimMissing(crate::token::swt::EXPIRES_ON.into()).into()),
        };
        self.check_audience(&token)?;
        self.claims.judge(token.claims(), now).map_err(Rejection::from)?;
        // An empty name names nobody.
        let subject = token.claims().value(&self.subject_claim).filter(|subject| !subject.is_empty()).map(Box::from);
        Ok(Principal::assertion(Asserted {
            scheme: Arc::clone(scheme),
            issuer: Arc::clone(&issuer.name),
            subject,
            expires,
            claims: token.into_claims(),
            fingerprint: Fingerprint::of_digest(digest),
        }))
    }

    fn check_audience(&self, token: &Swt) -> Result<(), Rejection> {
        let Some(audience) = token.audience() else {
            return Err(Rejection::ClaimMissing(crate::token::swt::AUDIENCE.into()));
        };
        let is_ours = self.audiences.iter().any(|ours| ours.admits(audience));
        if is_ours { Ok(()) } else { Err(Rejection::AudienceMismatch(Mismatch::proved(&audiences(&self.audiences), audience).into())) }
    }

    /// Whoever it says made it has not proved that.
    fn no_such_issuer(&self) -> Rejection {
        let ours = joined(self.issuers.iter().map(|issuer| &issuer.name));
        Rejection::IssuerUntrusted(Mismatch::expecting(&ours).into())
    }
}

fn refusal_of(unproved: Unproved) -> Refusal {
    match unproved {
        Unproved::Mac => Rejection::SignatureInvalid.into(),
        Unproved::Syntax(_) => Malformation::TokenSyntax.into(),
    }
}
