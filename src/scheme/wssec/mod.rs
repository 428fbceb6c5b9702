//! WSSEC, the relying party's side: a token anywhere in the request, and a signature by the token's key over a
//! digest of it (US8078870).

mod build;
mod challenge;
mod config;
mod contexts;
mod extract;
mod freshness;
mod holder;
mod message;
mod profile;
pub mod reference;
mod verify;
pub mod wire;

#[cfg(test)]
mod tests;

pub use config::{
    AuthorizationField, ContextConfig, DigestConfig, JwtProfile, NonceRule, SignatureConfig, SwtProfile, TokenPlace, TokenProfiles,
    UsageRule, WssecConfig, X509Profile,
};
pub use extract::WssecCredential;
pub use reference::{ReferenceFault, ReferenceRefused, ReferenceSettings};

use super::{
    Carriers, Challenge, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Proof, Recognition, Refusal, RequestHead, Resources,
    Scheme,
};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::keys::KeySource;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use challenge::Challenges;
use extract::Extractor;
use http::HeaderValue;
use std::sync::Arc;
use verify::Verifier;

/// A relying party of HTTP message authentication.
pub struct Wssec {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    challenges: Challenges,
    verifier: Verifier,
}

impl Scheme for Wssec {
    type Config = Located<WssecConfig>;
    type Credential<'r> = WssecCredential<'r>;

    const EXAMPLE: &'static str = "\
realm: orders
token_profiles:
  jwt: { issuer: https://sts.example, audiences: [orders], jwks_file: keys/jwks.json }
  x509v3: { trust_anchors_file: keys/ca.pem }
signature: { algorithms: [hmac-sha256, ecdsa-p256-sha256, ed25519], usage: message, max_age: 5m, clock_skew: 30s }
digest: { required_for: [POST, PUT, PATCH], algorithms: [sha-256, sha-512], covered: [authorization, content-type] }
context: { lifetime: 12h, key_file: keys/context.key, allow_cleartext: false }
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

    fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed {
        self.extractor.content_need(head)
    }

    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<WssecCredential<'r>>, Malformation> {
        self.extractor.extract(evidence)
    }

    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        self.verifier.recognise(credential)
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        self.verifier.verify(credential, evidence).await
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(credential.token.as_deref().unwrap_or_default()))
    }

    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        self.verifier.profiles.jwt.iter().map(|tokens| Arc::clone(&tokens.keys)).collect()
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.verifier.verdict_counts())
    }

    fn challenges(&self, _: Option<&Refusal>, now: UnixTime) -> Vec<Challenge> {
        self.challenges.issue(&self.verifier, now)
    }

    /// A secret may stand in it, so nobody is to keep the answer.
    fn issue(&self, proof: &Proof, now: UnixTime) -> Vec<Challenge> {
        let Some(info) = self.verifier.offer(proof, now) else { return Vec::new() };
        let no_store = Challenge { field: "Cache-Control", value: HeaderValue::from_static("no-store") };
        let info = HeaderValue::try_from(info.as_str()).ok().map(|mut value| {
            value.set_sensitive(true);
            Challenge { field: "X-WSS-AuthInfo", value }
        });
        info.into_iter().chain([no_store]).collect()
    }

    fn owns_answer_field(name: &str) -> bool {
        name.starts_with("x-wss-")
    }
}
