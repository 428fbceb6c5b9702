//! JSON Web Tokens that name their holder's key, each unlike all before it.

use portcullis::clock::{self, UnixTime};
use portcullis::crypto::{NewKey, SignatureAlgorithm, SigningKey};
use portcullis::token::jose::pem::{self, PemKey};
use portcullis::token::jose::{Algorithm, IssuingKey};
use portcullis::token::jwt::{IssueError, StatedHolder, Statement, issue};
use std::cell::Cell;
use zeroize::Zeroizing;

/// How long tokens hold, in seconds: longer than the longest round.
const LIFETIME: u64 = 2 * 3600;
/// How many holders take turns. To make a key for each request would cost more than to send it.
const HOLDERS: usize = 256;

/// Makes tokens (RFC 7519) with a confirmation key (RFC 7800), signed with ES256.
#[derive(Debug)]
pub(crate) struct BoundMint {
    key: IssuingKey,
    issuer: Box<str>,
    audience: Box<str>,
    claims: Vec<(Box<str>, Box<str>)>,
    holders: Box<[SigningKey]>,
    run: u64,
    serial: Cell<usize>,
}

/// A token and its holder's key.
pub(crate) struct BoundToken<'m> {
    /// The token.
    pub(crate) text: Zeroizing<String>,
    holder: &'m SigningKey,
}

impl BoundMint {
    /// A mint with an issuer's private key in PEM.
    ///
    /// # Errors
    /// It is no P-256 key, or the claims cannot be stated.
    pub(crate) fn build(key: &str, issuer: &str, audience: &str, claims: &[(Box<str>, Box<str>)]) -> Result<Self, String> {
        let key = match pem::read(key) {
            Ok(PemKey::Private(key)) => IssuingKey::signing(*key, Some(Algorithm::Es256)).map_err(|unfit| unfit.to_string())?,
            Ok(PemKey::Public(_)) | Err(_) => return Err("not a key: expected a P-256 private key as PKCS#8 in PEM".to_owned()),
        };
        let holders: Result<_, _> = (0..HOLDERS).map(|_| SigningKey::generate(NewKey::P256)).collect();
        let mint = Self {
            key,
            issuer: issuer.into(),
            audience: audience.into(),
            claims: claims.to_vec(),
            holders: holders.map_err(|fault| fault.to_string())?,
            run: clock::now().seconds(),
            serial: Cell::new(0),
        };
        match mint.issue(clock::now()) {
            Ok(_) => Ok(mint),
            Err(error) => Err(format!("--claim: {error}")),
        }
    }

    /// A token that was not made before.
    ///
    /// # Errors
    /// The backend could not sign: names that are refused were refused when the mint was built.
    pub(crate) fn issue(&self, now: UnixTime) -> Result<BoundToken<'_>, IssueError> {
        let serial = self.serial.replace(self.serial.get().wrapping_add(1));
        let identifier = format!("{}-{serial}", self.run);
        let claims = self.claims.iter().map(|(name, value)| (&**name, &**value));
        let claims: Vec<_> = [("jti", &*identifier)].into_iter().chain(claims).collect();
        let holder = self.holders.get(serial % HOLDERS).ok_or(IssueError::TooManyClaims)?;
        let statement = Statement {
            token_type: "at+jwt",
            issuer: &self.issuer,
            subject: Some(&identifier),
            audiences: &[&*self.audience],
            issued: now,
            expires: now.later(LIFETIME),
            claims: &claims,
            holder: StatedHolder::Key(holder.public()),
        };
        Ok(BoundToken { text: issue(&statement, &self.key)?, holder })
    }
}

impl BoundToken<'_> {
    /// The holder's signature by ECDSA on P-256; empty where the backend could not sign.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.holder.sign(SignatureAlgorithm::EcdsaP256Sha256, message).unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use portcullis::token::jose::{Unconfirmed, VerificationKey, thumbprint};
    use portcullis::token::jwt::{Holder, Jwt};

    pub(crate) fn private_pem(kind: NewKey) -> String {
        let key = SigningKey::generate(kind).unwrap();
        pem::write(&key).to_string()
    }

    impl BoundMint {
        pub(crate) fn public(&self) -> &portcullis::crypto::PublicKey {
            self.key.public().unwrap()
        }
    }

    pub(crate) fn mint() -> BoundMint {
        BoundMint::build(&private_pem(NewKey::P256), "https://sts.example", "orders", &[]).unwrap()
    }

    #[test]
    fn each_token_is_new_verifies_and_names_another_holder() {
        let mint = mint();
        let key = VerificationKey::public(mint.public().clone(), None, None).unwrap();
        let (one, other) = (mint.issue(clock::now()).unwrap(), mint.issue(clock::now()).unwrap());
        assert!(*one.text != *other.text && thumbprint(one.holder.public()) != thumbprint(other.holder.public()));
        for token in [&one, &other] {
            let confirmed = Unconfirmed::parse(&token.text).unwrap().confirmed_by(std::slice::from_ref(&key)).unwrap();
            let jwt = Jwt::read(&confirmed).unwrap();
            assert!(matches!(jwt.holder(), Holder::Bound(_)));
            assert_eq!(jwt.issuer(), Some("https://sts.example"));
            token.holder.public().verify(SignatureAlgorithm::EcdsaP256Sha256, b"message", &token.sign(b"message")).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_minted_is_refused_at_once() {
        for wrong in ["", "not a key", &private_pem(NewKey::Ed25519), &private_pem(NewKey::P384)] {
            assert!(BoundMint::build(wrong, "i", "a", &[]).is_err());
        }
        for name in ["iss", "cnf", "jti"] {
            assert!(BoundMint::build(&private_pem(NewKey::P256), "i", "a", &[(name.into(), "x".into())]).is_err(), "{name}");
        }
    }
}
