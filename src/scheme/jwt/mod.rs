//! JSON Web Tokens as bearer tokens: finds one and proves it by its issuer's keys (RFC 6750, RFC 7519, RFC 9068).

#[cfg(test)]
mod tests;

use super::bearer::{Bearer, Binding, Issued, Possession, Tokens, Verified};
use super::{Evidence, Proof, Refusal, Rejection};

/// A protected resource that takes bearer tokens of one issuer.
pub type Jwt = Bearer<Issued<Anyone>>;

/// Takes tokens from whoever has them, and none that is bound to somebody.
pub struct Anyone;

impl Possession for Anyone {
    const EXAMPLE: &'static str = "\
issuer: https://issuer.example
audiences: [orders]
jwks_file: keys/jwks.json
algorithms: [ES256, RS256, EdDSA]
accept: [header, { cookie: access_token }]
claims:
  scope: { present: true }
";

    async fn verify(tokens: &Tokens, token: &str, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let Verified { principal, binding, memory } = tokens.verify(token, evidence.now).await?;
        match binding {
            Binding::Anyone => Ok(Proof::by_token(principal, "jwt", memory)),
            Binding::Key(_) | Binding::Certificate(_) | Binding::Enclosed => Err(Rejection::TokenBound.into()),
        }
    }
}
