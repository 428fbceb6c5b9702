//! JSON Web Tokens that are bound to their client's certificate: of use to whoever connects with it (RFC 8705 §3).

mod build;
mod config;

#[cfg(test)]
mod tests;

pub use super::bearer::{Accepted, BearerToken, OptionalClaim};
pub use config::MtlsConfig;

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

/// A protected resource that takes tokens of one issuer from the clients that they are bound to.
pub struct Mtls {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    challenges: Challenges,
    tokens: Tokens,
    cautions: Box<[&'static str]>,
}

impl Scheme for Mtls {
    type Config = Located<MtlsConfig>;
    type Credential<'r> = BearerToken<'r>;

    const EXAMPLE: &'static str = "\
issuer: https://issuer.example
audiences: [orders]
jwks_file: keys/jwks.json
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

    /// The certificate is asked for first, since that costs nothing.
    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let certificate = evidence.connection.certificate().ok_or(Rejection::CertificateMissing)?;
        let Verified { principal, binding, memory } = self.tokens.verify(credential.text(), evidence.now).await?;
        match binding {
            Binding::Certificate(wanted) if wanted == *certificate.thumbprint() => Ok(Proof::by_token(principal, "mtls", memory)),
            Binding::Certificate(_) => Err(Rejection::CertificateMismatch.into()),
            Binding::Anyone => Err(Rejection::TokenUnbound.into()),
            Binding::Key(_) | Binding::Enclosed => Err(Rejection::TokenBound.into()),
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

    fn possession(&self) -> &'static str {
        "over TLS with the client certificate that the token names in cnf.x5t#S256"
    }
}
