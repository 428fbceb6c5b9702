//! Opaque bearer tokens: finds one and asks its issuer about it (RFC 6750, RFC 7662).

mod breaker;
mod build;
mod client;
mod config;
mod inquiry;
mod memory;
#[cfg(test)]
mod tests;
mod verify;

pub use super::bearer::{Accepted, BearerToken};
pub use config::{ClientMethod, ClientSettings, IntrospectionConfig, LackedClaim};

use super::bearer::{Challenges, Extractor};
use super::{
    Carriers, Challenge, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Place, Proof, Recognition, Refusal, RequestHead,
    Resources, Scheme,
};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use verify::Introspector;

/// A protected resource that asks one issuer about the tokens that it gets.
pub struct Introspection {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    challenges: Challenges,
    introspector: Introspector,
    cautions: Box<[&'static str]>,
}

impl Scheme for Introspection {
    type Config = Located<IntrospectionConfig>;
    type Credential<'r> = BearerToken<'r>;

    const EXAMPLE: &'static str = "\
endpoint: https://issuer.example/introspect
client: { id: gateway, secret_file: keys/gateway.secret }
audiences: [orders]
cache_ttl: 30s
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
        self.introspector.recognise(credential.text())
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let (principal, memory) = self.introspector.verify(credential.text(), evidence.now).await?;
        Ok(Proof::by_token(principal, "introspection", memory))
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(credential.text().as_bytes()))
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.introspector.counts())
    }

    fn challenges(&self, refusal: Option<&Refusal>, _: UnixTime) -> Vec<Challenge> {
        vec![self.challenges.after(refusal)]
    }

    fn cautions(&self) -> &[&'static str] {
        &self.cautions
    }
}
