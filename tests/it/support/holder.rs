//! A client that proves to hold the key of its token: DPoP, with anything in a proof exchanged.

use super::issuer::{Issuer, in_seconds, signed};
use portcullis::crypto::{NewKey, SigningKey, base64url, sha256};
use portcullis::token::jose::{IssuingKey, describe};
use portcullis::token::jwt::{StatedHolder, Statement};
use std::sync::atomic::{AtomicU64, Ordering};

/// A key on P-256.
pub(crate) struct Holder {
    key: IssuingKey,
}

impl Holder {
    pub(crate) fn new() -> Self {
        Self { key: IssuingKey::signing(SigningKey::generate(NewKey::P256).unwrap(), None).unwrap() }
    }

    /// A token of alice's that only this holder can use.
    pub(crate) fn token(&self, issuer: &Issuer) -> String {
        issuer.token(&Statement { holder: StatedHolder::Thumbprint(self.key.public().unwrap()), ..Issuer::statement() })
    }

    /// The header of its proofs.
    pub(crate) fn header(&self) -> String {
        format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, describe(self.key.public().unwrap(), "h", None))
    }

    /// A proof for `GET http://localhost/menu` with this token, with other claims in place of these or after them:
    /// `name=JSON;…`, a name alone leaves it out.
    pub(crate) fn proof(&self, token: &str, changes: &str) -> String {
        signed(&self.header(), &claims(token, changes), &self.key)
    }

    /// A proof with another header.
    pub(crate) fn proof_headed(&self, header: &str, token: &str) -> String {
        signed(header, &claims(token, ""), &self.key)
    }

    /// The lines of a request with a token and a proof.
    pub(crate) fn lines(&self, token: &str, changes: &str) -> String {
        lines(token, &self.proof(token, changes))
    }
}

/// The lines of a request with this token and this proof.
pub(crate) fn lines(token: &str, proof: &str) -> String {
    format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n")
}

fn claims(token: &str, changes: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = format!("\"proof {}\"", NEXT.fetch_add(1, Ordering::Relaxed));
    let (made, hash) = (in_seconds(0).seconds().to_string(), format!("\"{}\"", base64url::encode(&sha256(token.as_bytes()))));
    let mut members = vec![
        ("jti", id.as_str()),
        ("htm", "\"GET\""),
        ("htu", "\"http://localhost/menu\""),
        ("iat", made.as_str()),
        ("ath", hash.as_str()),
    ];
    for change in changes.split(';').filter(|change| !change.is_empty()) {
        let (name, value) = change.split_once('=').unwrap_or((change, ""));
        members.retain(|(known, _)| *known != name);
        members.extend((!value.is_empty()).then_some((name, value)));
    }
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}
