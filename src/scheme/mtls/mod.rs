//! JSON Web Tokens that are bound to their client's certificate: of use to whoever connects with it (RFC 8705 §3).

#[cfg(test)]
mod tests;

use super::bearer::{Bearer, Binding, Issued, Possession, Tokens, Verified};
use super::{Evidence, Proof, Refusal, Rejection};

/// A protected resource that takes tokens of one issuer from the clients that they are bound to.
pub type Mtls = Bearer<Issued<CertificateHolder>>;

/// Takes tokens over connections that were made with the certificate that they are bound to.
pub struct CertificateHolder;

impl Possession for CertificateHolder {
    const EXAMPLE: &'static str = "\
issuer: https://issuer.example
audiences: [orders]
jwks_file: keys/jwks.json
";
    const POSSESSION: &'static str = "over TLS with the client certificate that the token names in cnf.x5t#S256";

    /// The certificate is asked for first, since that costs nothing.
    async fn verify(tokens: &Tokens, token: &str, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let certificate = evidence.connection.certificate().ok_or(Rejection::CertificateMissing)?;
        let Verified { principal, binding, memory } = tokens.verify(token, evidence.now).await?;
        match binding {
            Binding::Certificate(wanted) if wanted == *certificate.thumbprint() => Ok(Proof::by_token(principal, "mtls", memory)),
            Binding::Certificate(_) => Err(Rejection::CertificateMismatch.into()),
            Binding::Anyone => Err(Rejection::TokenUnbound.into()),
            Binding::Key(_) | Binding::Enclosed => Err(Rejection::TokenBound.into()),
        }
    }
}
