//! Making a proof, as the holder of a token does for each request (RFC 9449 §4.2).

use crate::clock::UnixTime;
use crate::crypto::{Random, RandomUnavailable, base64url, sha256};
use crate::token::jose::{IssuingKey, Unfit, describe, thumbprint};
use crate::token::json::quote;
use std::fmt;

/// The random octets in the name of a proof.
const NAME_OCTETS: usize = 16;

/// What a proof is for.
#[derive(Clone, Copy)]
pub struct ProofStatement<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The address of the request, without query and fragment.
    pub target: &'a str,
    /// The token that the request carries.
    pub token: &'a str,
    /// A nonce of the server; empty for none.
    pub nonce: &'a str,
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofFault {
    /// The key is a shared secret, or could not sign.
    Key(Unfit),
    /// There is no randomness for its name.
    Random(RandomUnavailable),
}

/// Issues a proof: the value of the field `DPoP`, for one sending.
///
/// # Errors
/// The key has no public half or could not sign, or there is no randomness.
pub fn issue_proof(statement: &ProofStatement<'_>, key: &IssuingKey, now: UnixTime, random: &impl Random) -> Result<String, ProofFault> {
    let public = key.public().ok_or(ProofFault::Key(Unfit::Algorithm))?;
    let jwk = describe(public, &thumbprint(public), None);
    let header = format!("{{\"typ\":\"dpop+jwt\",\"alg\":\"{}\",\"jwk\":{jwk}}}", key.algorithm());
    let mut name = [0; NAME_OCTETS];
    random.fill(&mut name).map_err(ProofFault::Random)?;
    let hash = base64url::encode(&sha256(statement.token.as_bytes()));
    let name = base64url::encode(&name);
    let mut payload = format!("{{\"iat\":{}", now.seconds());
    for (claim, value) in
        [("jti", &*name), ("htm", statement.method), ("htu", statement.target), ("ath", &*hash), ("nonce", statement.nonce)]
    {
        if !value.is_empty() {
            payload.push_str(&[",\"", claim, "\":"].concat());
            quote(value, &mut payload);
        }
    }
    payload.push('}');
    let mut proof = base64url::encode(header.as_bytes());
    proof.push('.');
    base64url::append(payload.as_bytes(), &mut proof);
    let signature = key.sign(proof.as_bytes()).map_err(ProofFault::Key)?;
    proof.push('.');
    base64url::append(&signature, &mut proof);
    Ok(proof)
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(unfit) => unfit.fmt(f),
            Self::Random(unavailable) => unavailable.fmt(f),
        }
    }
}

impl std::error::Error for ProofFault {}
