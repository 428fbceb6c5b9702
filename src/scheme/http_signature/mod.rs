//! HTTP message signatures: a request signed by its caller's key (RFC 9421), its content by digests (RFC 9530).

mod build;
mod challenge;
mod config;
mod coverage;
mod digests;
mod extract;
mod freshness;
mod keys;
pub mod signer;
mod verify;
pub mod wire;

#[cfg(test)]
mod tests;

pub use config::{CreatedRule, HttpSignatureConfig, NonceRule};
pub use extract::SignatureCredential;

use super::{
    Carriers, Challenge, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Place, Proof, Recognition, Refusal, RequestHead,
    Resources, Scheme,
};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use extract::Extractor;
use verify::Verifier;
use wire::SIGNATURE;

/// Takes requests that are signed.
pub struct HttpSignature {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    challenges: Box<[Challenge]>,
    verifier: Verifier,
}

impl Scheme for HttpSignature {
    type Config = Located<HttpSignatureConfig>;
    type Credential<'r> = SignatureCredential<'r>;

    const EXAMPLE: &'static str = "\
keys_file: keys/clients.jwks.json
required_components: [\"@method\", \"@target-uri\", content-digest]
max_age: 5m
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

    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<SignatureCredential<'r>>, Malformation> {
        self.extractor.extract(&evidence.head)
    }

    fn place(&self, _: &Self::Credential<'_>) -> Place {
        Place::Field(SIGNATURE)
    }

    /// By the key that the signature names.
    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        if self.verifier.knows(credential) { Recognition::Keyed } else { Recognition::Foreign }
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        self.verifier.verify(credential, evidence)
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(&credential.signature))
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        None
    }

    fn challenges(&self, _: Option<&Refusal>, _: UnixTime) -> Vec<Challenge> {
        self.challenges.to_vec()
    }
}
