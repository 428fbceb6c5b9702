//! JSON Web Tokens as bearer tokens: finds one and proves it by its issuer's keys (RFC 6750, RFC 7519, RFC 9068).

mod build;
mod config;

#[cfg(test)]
mod tests;

pub use super::bearer::{Accepted, BearerToken, OptionalClaim};
pub use config::JwtConfig;

use super::bearer::{Binding, Challenges, Extractor, Tokens, Verified};
use super::{
    Carriers, Challenge, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Place, Proof, Recognition, Refusal, Rejection,
    RequestHead, Resources, Scheme,
};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::keys::KeySource;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use std::sync::Arc;

/// A protected resource that takes bearer tokens of one issuer.
pub struct Jwt {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    challenges: Challenges,
    tokens: Tokens,
    cautions: Box<[&'static str]>,
}

impl Scheme for Jwt {
    type Config = Located<JwtConfig>;
    type Credential<'r> = BearerToken<'r>;

    const EXAMPLE: &'static str = "\
issuer: https://issuer.example
audiences: [orders]
jwks_file: keys/jwks.json
algorithms: [ES256, RS256, EdDSA]
accept: [header, { cookie: access_token }]
claims:
  scope: { present: true }
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

    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<BearerToken<'r>>, Malformation> {
        self.extractor.extract(evidence)
    }

    fn place(&self, credential: &Self::Credential<'_>) -> Place {
        credential.place().clone()
    }

    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        self.tokens.recognise(credential.text())
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let Verified { principal, binding, memory } = self.tokens.verify(credential.text(), evidence.now).await?;
        match binding {
            Binding::Anyone => Ok(Proof::by_token(principal, "jwt", memory)),
            Binding::Key(_) | Binding::Certificate(_) | Binding::Enclosed => Err(Rejection::TokenBound.into()),
        }
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(credential.text().as_bytes()))
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.tokens.verdict_counts())
    }

    fn challenges(&self, refusal: Option<&Refusal>, _: UnixTime) -> Vec<Challenge> {
        vec![self.challenges.after(refusal)]
    }

    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        vec![Arc::clone(self.tokens.keys())]
    }

    fn cautions(&self) -> &[&'static str] {
        &self.cautions
    }
}
