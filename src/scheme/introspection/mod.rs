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

pub use config::{ClientMethod, ClientSettings, IntrospectionConfig, LackedClaim};

use super::bearer::{Bearer, Judge, Presentation, StatedIssuer, unverified_issuer};
use super::{Evidence, Fault, Memory, Proof, Recognition, Refusal, Resources};
use crate::crypto::sha256;
use crate::setting::{Located, Problem};
use crate::store::CacheCounts;
use std::sync::Arc;
use verify::Parts;

/// A protected resource that asks one issuer about the tokens that it gets.
pub type Introspection = Bearer<Introspector>;

/// Judges tokens of one issuer by what it says of them.
pub struct Introspector(Arc<Parts>);

impl Judge for Introspector {
    type Config = IntrospectionConfig;

    const EXAMPLE: &'static str = "\
endpoint: https://issuer.example/introspect
client: { id: gateway, secret_file: keys/gateway.secret }
audiences: [orders]
cache_ttl: 30s
";

    fn presentation(config: &Located<IntrospectionConfig>) -> Presentation<'_> {
        let IntrospectionConfig { accept, realm, forward_token, max_token_size, max_form_size, .. } = &**config;
        Presentation { accept, realm, forward_token: *forward_token, max_token_size, max_form_size }
    }

    fn build(config: &Located<IntrospectionConfig>, resources: &Resources<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        build::parts(config, resources, problems).map(|parts| Self(Arc::new(parts)))
    }

    fn cautions(&self, config: &Located<IntrospectionConfig>) -> Box<[&'static str]> {
        build::cautions(config)
    }

    /// By the issuer that it names, if it does.
    fn recognise(&self, token: &str) -> Recognition {
        match unverified_issuer(token, &self.0.requirements.issuer) {
            StatedIssuer::Opaque | StatedIssuer::Unstated => Recognition::Possible,
            StatedIssuer::Ours => Recognition::Named,
            StatedIssuer::Foreign => Recognition::Foreign,
        }
    }

    /// A new token is asked about once, however many requests bring it at the same time and whichever of them are
    /// given up.
    async fn verify(&self, token: &str, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let (digest, now) = (sha256(token.as_bytes()), evidence.now);
        let proof = |principal, memory| Proof::by_token(principal, "introspection", memory);
        if let Some(verdict) = self.0.verdicts.find(&digest, now).await {
            return verdict.map(|principal| proof(principal, Memory::Hit));
        }
        let (parts, token) = (Arc::clone(&self.0), Box::<str>::from(token));
        let reached = tokio::spawn(async move { parts.verdicts.load(digest, now, parts.reach(&token, &digest, now)).await });
        let verdict = reached.await.unwrap_or(Err(Refusal::Fault(Fault::IntrospectionUnavailable)));
        verdict.map(|principal| proof(principal, Memory::Miss))
    }

    fn verdict_counts(&self) -> CacheCounts {
        self.0.verdicts.counts()
    }
}
