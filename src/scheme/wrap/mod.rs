//! OAuth WRAP, the protected resource's side: finds a Simple Web Token and proves it by its issuer's keys.

pub(in crate::scheme) mod build;
pub(in crate::scheme) mod config;
mod extract;
pub(in crate::scheme) mod verify;

#[cfg(test)]
mod tests;

pub use config::{Accept, AudienceMatch, ForwardToken, IssuerConfig, WrapConfig};
pub use extract::WrapCredential;

use super::{
    Carriers, Challenge, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Place, Proof, Recognition, Refusal, RequestHead,
    Resources, Scheme,
};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use extract::Extractor;
use http::HeaderValue;
use verify::Verifier;

/// A protected resource of OAuth WRAP.
pub struct Wrap {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    verifier: Verifier,
}

impl Scheme for Wrap {
    type Config = Located<WrapConfig>;
    type Credential<'r> = WrapCredential<'r>;

    const EXAMPLE: &'static str = "\
issuers:
  - name: https://nightclub.example/
    key_file: keys/bouncer.b64
audience: http://localhost:8080/bartender
accept: [header, query, form]
claims:
  Birthdate: { age_at_least: 21 }
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

    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<WrapCredential<'r>>, Malformation> {
        self.extractor.extract(evidence)
    }

    fn place(&self, credential: &Self::Credential<'_>) -> Place {
        credential.place().clone()
    }

    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        self.verifier.recognise(credential.token())
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let (principal, memory) = self.verifier.verify(credential.token(), evidence.now)?;
        Ok(Proof::by_token(principal, "swt", memory))
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(credential.token().as_bytes()))
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.verifier.verdict_counts())
    }

    fn challenges(&self, _: Option<&Refusal>, _: UnixTime) -> Vec<Challenge> {
        vec![Challenge::www_authenticate(HeaderValue::from_static("WRAP"))]
    }
}
