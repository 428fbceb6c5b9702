//! DPoP (RFC 9449), the protected resource's side: a token, and a proof that its holder made for this very request.

mod build;
mod config;
mod freshness;
mod issue;
mod proof;
mod target;

#[cfg(test)]
mod tests;

pub use config::{DpopConfig, NonceUse};
pub use issue::{ProofFault, ProofStatement, issue_proof};

use super::bearer::{Binding, Challenges, Tokens, Verified, after_spaces, after_word};
use super::{
    Carriers, Challenge, ContentNeed, ContentPledge, Continuation, Evidence, Fingerprint, Malformation, Onward, Proof, Recognition,
    Refusal, Rejection, Repeated, RequestHead, Resources, Scheme,
};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::keys::KeySource;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use crate::token::json::read_object;
use freshness::{Freshness, Nonces};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use proof::{Claims, Holders, Parts};
use std::fmt;
use std::sync::Arc;

/// The field of the proof (§4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The field of the next nonce, as it stands on the wire (§8.1).
const DPOP_NONCE: &str = "DPoP-Nonce";

/// A protected resource that takes tokens from their holders only.
pub struct Dpop {
    carriers: Carriers,
    onward: Onward,
    max_token: usize,
    challenges: Challenges,
    cautions: Box<[&'static str]>,
    tokens: Tokens,
    holders: Holders,
    freshness: Freshness,
}

/// A token and its proof, as presented. Not judged yet.
pub struct DpopCredential<'r> {
    token: &'r str,
    /// Empty where there is none.
    proof: &'r [u8],
}

impl fmt::Debug for DpopCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopCredential(…)")
    }
}

impl Dpop {
    /// The checks of §4.3, the cheap ones first; that the proof is used for the first time is left.
    fn judge(&self, credential: &DpopCredential<'_>, verified: Verified, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let bound_to = match verified.binding {
            Binding::Key(thumbprint) => thumbprint,
            Binding::Anyone => return Err(Rejection::TokenUnbound.into()),
            Binding::Certificate(_) | Binding::Enclosed => return Err(Rejection::HolderKeyUnusable.into()),
        };
        if credential.proof.is_empty() {
            return Err(Rejection::ProofMissing.into());
        }
        let parts = Parts::check_2_shape(credential.proof)?;
        let holder = self.holders.read(&parts)?;
        holder.check_12_key(&bound_to)?;
        let payload = parts.payload()?;
        let payload = read_object(&payload).map_err(|_| Rejection::ProofSyntax)?;
        let claims = Claims::check_3_claims(&payload)?;
        claims.check_8_method(evidence)?;
        claims.check_9_target(evidence)?;
        claims.check_12_token(credential.token)?;
        self.freshness.check_11_time(claims.made, evidence.now)?;
        self.freshness.check_own_times(claims.begins, claims.ends, evidence.now)?;
        let continuation = self.freshness.check_10_nonce(claims.nonce, evidence.now)?;
        parts.check_6_signature(&holder, &self.freshness.stores.holder_keys)?;
        let principal = verified.principal;
        let first_use = self.freshness.first_use((principal.scheme(), principal.issuer()), &bound_to, (claims.id, claims.made));
        Ok(Proof {
            principal,
            profile: "dpop",
            memory: verified.memory,
            content: ContentPledge::Nothing,
            first_use: Some(first_use),
            continuation,
        })
    }

    fn nonce_field(&self, now: UnixTime) -> Option<Challenge> {
        let value = HeaderValue::try_from(&*self.freshness.next_nonce(now)?).ok()?;
        Some(Challenge { field: DPOP_NONCE, value })
    }
}

impl Scheme for Dpop {
    type Config = Located<DpopConfig>;
    type Credential<'r> = DpopCredential<'r>;

    const EXAMPLE: &'static str = "\
issuer: https://issuer.example
audiences: [orders]
jwks_file: keys/jwks.json
max_age: 60s
nonce: optional
nonce_key_file: keys/nonce.key
";

    fn build(config: Self::Config, resources: &Resources<'_>) -> Result<Self, Vec<Problem>> {
        build::build(&config, resources)
    }

    fn carriers(&self) -> &Carriers {
        &self.carriers
    }

    fn onward(&self) -> Onward {
        self.onward
    }

    fn content_need(&self, _: &RequestHead<'_>) -> ContentNeed {
        ContentNeed::Nothing
    }

    /// Check 1 of §4.3 among others: there is one proof at most.
    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<DpopCredential<'r>>, Malformation> {
        let field = evidence.head.sole(&AUTHORIZATION).map_err(|Repeated| Malformation::FieldRepeated)?;
        let Some(value) = field.and_then(|value| after_word(value, b"DPoP")) else { return Ok(None) };
        let token = after_spaces(value)?;
        if token.len() > self.max_token {
            return Err(Malformation::TokenTooLarge);
        }
        let proof = evidence.head.sole(&DPOP).map_err(|Repeated| Malformation::FieldRepeated)?;
        Ok(Some(DpopCredential { token, proof: proof.unwrap_or_default() }))
    }

    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        self.tokens.recognise(credential.token)
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let verified = self.tokens.verify(credential.token, evidence.now).await?;
        self.judge(credential, verified, evidence)
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(credential.token.as_bytes()))
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.tokens.verdict_counts())
    }

    fn challenges(&self, refusal: Option<&Refusal>, now: UnixTime) -> Vec<Challenge> {
        let asked = match refusal.and_then(proof_error) {
            Some(error) => Challenge::www_authenticate(self.challenges.with_error(error)),
            None => self.challenges.after(refusal),
        };
        std::iter::once(asked).chain(self.nonce_field(now)).collect()
    }

    /// A nonce is for one requester, so nobody is to keep the answer (§8.2).
    fn issue(&self, proof: &Proof, now: UnixTime) -> Vec<Challenge> {
        if proof.continuation != Continuation::Nonce {
            return Vec::new();
        }
        let no_store = Challenge { field: "Cache-Control", value: HeaderValue::from_static("no-store") };
        self.nonce_field(now).map_or_else(Vec::new, |nonce| vec![nonce, no_store])
    }

    fn owns_answer_field(name: &str) -> bool {
        name == "dpop-nonce"
    }

    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        vec![Arc::clone(self.tokens.keys())]
    }

    fn cautions(&self) -> &[&'static str] {
        &self.cautions
    }

    fn possession(&self) -> &'static str {
        match self.freshness.nonces {
            Nonces::Some(ref ours) if ours.rule == NonceUse::Required => {
                "the token in Authorization, and in DPoP a proof by the key that the token names in cnf.jkt, made for this one \
                 request and with the nonce of an answer before"
            }
            Nonces::None | Nonces::Some(_) => {
                "the token in Authorization, and in DPoP a proof by the key that the token names in cnf.jkt, made for this one request"
            }
        }
    }
}

/// The error that is about the proof and not about the token (§5, §8, §12.2); nothing for any other.
fn proof_error(refusal: &Refusal) -> Option<&'static str> {
    let Refusal::Rejected(rejection) = refusal else { return None };
    if matches!(rejection, Rejection::NonceMissing | Rejection::NonceRefused) {
        return Some("use_dpop_nonce");
    }
    let is_of_proof = matches!(
        rejection,
        Rejection::ProofMissing
            | Rejection::ProofSyntax
            | Rejection::ProofAlgorithmRefused(_)
            | Rejection::ProofKeyMismatch
            | Rejection::ProofMethodMismatch
            | Rejection::ProofTargetMismatch(_)
            | Rejection::ProofTokenMismatch
            | Rejection::HolderSignatureInvalid
            | Rejection::TimestampOutside
            | Rejection::NonceSeen
    );
    is_of_proof.then_some("invalid_dpop_proof")
}
