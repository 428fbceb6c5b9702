//! Proves a token: signature by its issuer's keys, then type, issuer, times, audience, claims; remembers what held.

use super::{StatedIssuer, unverified_issuer};
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, sha256};
use crate::keys::{KeySource, Keys, KeysUnavailable};
use crate::scheme::principal::Asserted;
use crate::scheme::{Fault, Fingerprint, Malformation, Memory, Mismatch, Principal, Recognition, Refusal, Rejection};
use crate::store::{CacheCounts, VerdictCache};
use crate::token::jose::cnf::Confirmation;
use crate::token::jose::{Algorithm, KnownHeader, Unconfirmed, Unproved};
use crate::token::jwt::{Holder, Jwt, Requirements};
use std::sync::Arc;

/// How long a signature that did not hold is remembered, in seconds: long enough for a client that repeats itself.
const REFUSED_FOR: u64 = 5;

/// Judges tokens of one issuer.
pub(in crate::scheme) struct Tokens {
    pub(super) scheme: Arc<str>,
    pub(super) keys: Arc<KeySource>,
    pub(super) algorithms: Box<[Algorithm]>,
    pub(super) header: KnownHeader,
    pub(super) requirements: Requirements,
    pub(super) subject_claim: Box<str>,
    /// Tokens that held, by their SHA-256. What a rule for claims compares with the time of the request is an age, and
    /// that only grows: a verdict may stand until the token's end.
    pub(super) verdicts: VerdictCache<Verdict>,
    /// Tokens whose signature did not hold, with the generation of keys that said so. Nothing else about a token is
    /// remembered this way: it may hold in a moment. A memory of its own, so that forgeries drive out no verdict.
    pub(super) refused: VerdictCache<u64>,
}

/// What was found out about a token.
#[derive(Clone)]
pub(super) struct Verdict {
    principal: Arc<Principal>,
    binding: Binding,
    /// Under which keys of the issuer.
    generation: u64,
}

/// Whose token it is. Who takes it must have looked at this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum Binding {
    /// Whoever has it.
    Anyone,
    /// Who holds the private half of the key with this thumbprint (RFC 9449 §6.1).
    Key([u8; DIGEST_LENGTH]),
    /// Who connects with the certificate of this SHA-256 (RFC 8705 §3.1).
    Certificate([u8; DIGEST_LENGTH]),
    /// Who holds a key that the token has in it (RFC 7800 §3.2, §3.3).
    Enclosed,
}

/// A token that held.
pub(in crate::scheme) struct Verified {
    pub(in crate::scheme) principal: Arc<Principal>,
    pub(in crate::scheme) binding: Binding,
    pub(in crate::scheme) memory: Memory,
}

impl Tokens {
    /// Judges a token; two requests with the same new one may both come to it, which costs a signature and no more.
    pub(in crate::scheme) async fn verify(&self, token: &str, now: UnixTime) -> Result<Verified, Refusal> {
        let keys = self.keys.keys(now).await.map_err(unavailable)?;
        let digest = sha256(token.as_bytes());
        if let Some(verdict) = self.verdicts.find(&digest, now).filter(|verdict| verdict.generation == keys.generation()) {
            return Ok(Verified { principal: verdict.principal, binding: verdict.binding, memory: Memory::Hit });
        }
        if self.refused.find(&digest, now).is_some_and(|generation| generation == keys.generation()) {
            return Err(Rejection::SignatureInvalid.into());
        }
        let judged = match self.judge(&keys, token, &digest, now) {
            Err(refusal) => self.judge_again(refusal, &keys, token, &digest, now).await,
            held => held,
        };
        let Verdict { principal, binding, .. } = judged?;
        Ok(Verified { principal, binding, memory: Memory::Miss })
    }

    pub(in crate::scheme) fn verdict_counts(&self) -> CacheCounts {
        self.verdicts.counts()
    }

    /// How surely a token is for this issuer's judge, by what it says before anything of it is proved.
    pub(in crate::scheme) fn recognise(&self, token: &str) -> Recognition {
        match unverified_issuer(token, &self.requirements.issuer) {
            StatedIssuer::Opaque | StatedIssuer::Foreign => Recognition::Foreign,
            StatedIssuer::Unstated => Recognition::Possible,
            StatedIssuer::Ours if self.has_key_of(token) => Recognition::Keyed,
            StatedIssuer::Ours => Recognition::Named,
        }
    }

    /// Whether a token names a key that the issuer has, however old what we know of them is.
    fn has_key_of(&self, token: &str) -> bool {
        let Ok(token) = Unconfirmed::parse(token) else { return false };
        let keys = self.keys.current(UnixTime::from_seconds(0));
        token.header().key_id().is_some_and(|id| keys.is_some_and(|keys| keys.has(id)))
    }

    /// Where the source of the keys is.
    pub(in crate::scheme) const fn keys(&self) -> &Arc<KeySource> {
        &self.keys
    }

    fn judge(&self, keys: &Keys, token: &str, digest: &[u8; DIGEST_LENGTH], now: UnixTime) -> Result<Verdict, Refusal> {
        let unconfirmed = self.header.parse(token).map_err(|_| Malformation::TokenSyntax)?;
        let algorithm = unconfirmed.header().algorithm();
        if !self.algorithms.contains(&algorithm) {
            return Err(Rejection::of_algorithm(self.algorithms.iter().map(|taken| taken.name()), algorithm.name()).into());
        }
        let confirmed = self.header.confirm(unconfirmed, keys.keys()).map_err(|unproved| match unproved {
            Unproved::AlgorithmUnfit => Rejection::of_algorithm(std::iter::empty(), algorithm.name()).into(),
            other @ (Unproved::KeyUnknown | Unproved::KeyAmbiguous | Unproved::Signature | Unproved::Payload) => Refusal::from(other),
        })?;
        let jwt = Jwt::read(&confirmed).map_err(|_| Malformation::TokenSyntax)?;
        let expires = self.requirements.judge(&jwt, now).map_err(|miss| Rejection::of_token(miss, &self.requirements, &jwt))?;
        let binding = Binding::of(jwt.holder());
        // An empty name names nobody.
        let subject = jwt.claims().value(&self.subject_claim).filter(|subject| !subject.is_empty()).map(Box::from);
        let principal = Arc::new(Principal::assertion(Asserted {
            scheme: Arc::clone(&self.scheme),
            issuer: Arc::clone(&self.requirements.issuer),
            subject,
            expires,
            claims: jwt.into_claims(),
            fingerprint: Fingerprint::of_digest(digest),
        }));
        let octets = size_of::<Verdict>().saturating_add(principal.octets());
        let verdict = Verdict { principal, binding, generation: keys.generation() };
        self.verdicts.keep(digest, verdict.clone(), octets, expires.later(self.requirements.leeway));
        Ok(verdict)
    }

    /// A token that no key we know has made may have been made by a new one: asks for new keys, as often as the source
    /// does so. A token that names another issuer says nothing about our issuer's keys.
    async fn judge_again(
        &self,
        refusal: Refusal,
        seen: &Arc<Keys>,
        token: &str,
        digest: &[u8; DIGEST_LENGTH],
        now: UnixTime,
    ) -> Result<Verdict, Refusal> {
        let is_unknown = matches!(refusal, Refusal::Rejected(Rejection::KeyUnknown(_)));
        if !is_unknown && refusal != Refusal::Rejected(Rejection::SignatureInvalid) {
            return Err(refusal);
        }
        if unverified_issuer(token, &self.requirements.issuer) == StatedIssuer::Foreign {
            return Err(Rejection::IssuerUntrusted(Mismatch::expecting(&self.requirements.issuer).into()).into());
        }
        let unconfirmed = Unconfirmed::parse(token).map_err(|_| Malformation::TokenSyntax)?;
        let key_id = unconfirmed.header().key_id();
        let fresh = if is_unknown || key_id.is_none() {
            self.keys.after_unknown(key_id, seen, now).await.map_err(unavailable)?
        } else {
            Arc::clone(seen)
        };
        let judged = if fresh.generation() == seen.generation() { Err(refusal) } else { self.judge(&fresh, token, digest, now) };
        if judged.as_ref().err() == Some(&Refusal::Rejected(Rejection::SignatureInvalid)) {
            self.refused.keep(digest, fresh.generation(), 0, now.later(REFUSED_FOR));
        }
        judged.map_err(|refusal| refusal.about_key(key_id))
    }
}

impl Binding {
    pub(in crate::scheme) fn of(holder: &Holder) -> Self {
        match holder {
            Holder::Anyone => Self::Anyone,
            Holder::Bound(Confirmation::Thumbprint(thumbprint)) => Self::Key(*thumbprint),
            Holder::Bound(Confirmation::Certificate(sha256)) => Self::Certificate(*sha256),
            Holder::Bound(Confirmation::Key(_) | Confirmation::Sealed(_)) => Self::Enclosed,
        }
    }
}

const fn unavailable(KeysUnavailable: KeysUnavailable) -> Refusal {
    Refusal::Fault(Fault::KeysUnavailable)
}
