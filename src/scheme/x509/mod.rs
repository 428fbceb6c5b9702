//! The certificate of the connection as the caller's identity; the handshake proved that the caller has its key.

pub(in crate::scheme) mod authorities;
mod build;
mod config;
mod verify;

#[cfg(test)]
mod tests;

pub use config::{ExtendedKeyUsage, NamesConfig, SubjectSource, X509Config};
pub(in crate::scheme) use verify::certified;

use super::{
    Carriers, Challenge, ClientCertificate, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Place, Proof, Recognition, Refusal,
    RequestHead, Resources, Scheme,
};
use crate::clock::UnixTime;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use http::HeaderValue;
use verify::Verifier;

/// Callers that are known by the certificate of their connection.
pub struct X509 {
    carriers: Carriers,
    verifier: Verifier,
}

impl Scheme for X509 {
    type Config = Located<X509Config>;
    type Credential<'r> = &'r ClientCertificate;

    const EXAMPLE: &'static str = "\
trust_anchors_file: keys/ca.pem
crl_files: [keys/ca.crl]
san:
  dns: [\"*.clients.example\"]
  uri: [\"spiffe://clients.example/ns/*\"]
";

    fn build(config: Self::Config, resources: &Resources<'_>) -> Result<Self, Vec<Problem>> {
        build::build(&config, resources)
    }

    fn carriers(&self) -> &Carriers {
        &self.carriers
    }

    /// Nothing of the request is the credential, so nothing is removed.
    fn onward(&self) -> Onward {
        Onward::Kept
    }

    fn content_need(&self, _: &RequestHead<'_>) -> ContentNeed {
        ContentNeed::Nothing
    }

    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<&'r ClientCertificate>, Malformation> {
        Ok(evidence.connection.certificate())
    }

    fn place(&self, _: &Self::Credential<'_>) -> Place {
        Place::Connection
    }

    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        self.verifier.recognise(credential)
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let (principal, memory) = self.verifier.verify(credential, evidence.now)?;
        Ok(Proof::by_token(principal, "x509", memory))
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(credential.thumbprint())
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.verifier.verdict_counts())
    }

    /// A 401 must name something to send (RFC 9110 §11.6.1), and no registered scheme stands for a certificate. This
    /// name was proposed for just that; whoever does not know it passes over it, as over any unknown scheme.
    fn challenges(&self, _: Option<&Refusal>, _: UnixTime) -> Vec<Challenge> {
        vec![Challenge::www_authenticate(HeaderValue::from_static("ClientCertificate"))]
    }
}
