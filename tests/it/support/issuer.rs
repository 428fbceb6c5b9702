//! An issuer of JSON Web Tokens: its keys, what a gateway is told of them, and tokens of every kind.

use portcullis::clock::{self, UnixTime};
use portcullis::crypto::{NewKey, SigningKey, base64url};
use portcullis::token::jose::{IssuingKey, describe, pem};
use portcullis::token::jwt::{self, StatedHolder, Statement};

/// Who makes the tokens.
pub(crate) const NAME: &str = "https://issuer.example";

/// An issuer with a P-256 key.
pub(crate) struct Issuer {
    key: IssuingKey,
    key_id: &'static str,
    pem: String,
}

impl Issuer {
    /// Its key is named `a`.
    pub(crate) fn new() -> Self {
        Self::with_key("a")
    }

    /// Its key has this name.
    pub(crate) fn with_key(key_id: &'static str) -> Self {
        let key = SigningKey::generate(NewKey::P256).unwrap();
        let pem = pem::write(&key).to_string();
        Self { key: IssuingKey::signing(key, None).unwrap().named(key_id), key_id, pem }
    }

    /// Its private key, for programs that make tokens.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Its key set.
    pub(crate) fn jwks(&self) -> String {
        format!("{{\"keys\":[{}]}}", describe(self.key.public().unwrap(), self.key_id, None))
    }

    /// What it states of alice for an hour.
    pub(crate) fn statement<'s>() -> Statement<'s> {
        Statement {
            token_type: "at+jwt",
            issuer: NAME,
            subject: Some("alice"),
            audiences: &["orders"],
            issued: in_seconds(-60),
            expires: in_seconds(3600),
            claims: &[("scope", "orders")],
            holder: StatedHolder::Anyone,
        }
    }

    /// A token that says this.
    pub(crate) fn token(&self, statement: &Statement<'_>) -> String {
        jwt::issue(statement, &self.key).unwrap().to_string()
    }

    /// A good token for whoever has it.
    pub(crate) fn bearer(&self) -> String {
        self.token(&Self::statement())
    }

    /// A good token for whoever connects with the certificate of this SHA-256.
    pub(crate) fn bound_to(&self, sha256: &[u8; 32]) -> String {
        self.token(&Statement { holder: StatedHolder::Certificate(sha256), ..Self::statement() })
    }

    /// A token with exactly this header and these claims, signed all the same.
    pub(crate) fn signed(&self, header: &str, payload: &str) -> String {
        signed(header, payload, &self.key)
    }
}

/// A token with exactly this header and these claims.
pub(crate) fn signed(header: &str, payload: &str, key: &IssuingKey) -> String {
    let signed = [header, payload].map(|part| base64url::encode(part.as_bytes())).join(".");
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url::encode(&signature))
}

/// So many seconds from now; negative for the past.
pub(crate) fn in_seconds(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(clock::now().seconds().saturating_add_signed(seconds))
}
