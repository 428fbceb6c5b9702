//! JSON Web Tokens that name their holder's key, each unlike all before it.

use crate::issuer::Issuer;
use crate::scenario::Signing;
use portcullis::clock::UnixTime;
use portcullis::crypto::{NewKey, SignatureAlgorithm, SigningKey};
use portcullis::token::jwt::StatedHolder;
use std::cell::Cell;
use std::rc::Rc;
use zeroize::Zeroizing;

/// How many holders take turns. To make a key for each request would cost more than to send it.
const HOLDERS: usize = 256;

/// Makes tokens (RFC 7519) with a confirmation key (RFC 7800), signed with ES256.
#[derive(Debug)]
pub(crate) struct BoundMint {
    issuer: Rc<Issuer>,
    holders: Box<[SigningKey]>,
    serial: Cell<usize>,
}

/// A token and its holder's key.
pub(crate) struct BoundToken<'m> {
    /// The token.
    pub(crate) text: Zeroizing<String>,
    holder: &'m SigningKey,
}

impl BoundMint {
    /// A mint with an issuer's P-256 key.
    ///
    /// # Errors
    /// The backend could not make keys for holders.
    pub(crate) fn build(issuer: &Rc<Issuer>) -> Result<Self, String> {
        let holders: Result<_, _> = (0..HOLDERS).map(|_| SigningKey::generate(NewKey::P256)).collect();
        Ok(Self { issuer: Rc::clone(issuer), holders: holders.map_err(|fault| fault.to_string())?, serial: Cell::new(0) })
    }

    /// A token that was not made before.
    ///
    /// # Errors
    /// The issuer has no P-256 key, or the backend could not sign.
    pub(crate) fn issue(&self, now: UnixTime) -> Result<BoundToken<'_>, String> {
        let serial = self.serial.replace(self.serial.get().wrapping_add(1));
        let holder = self.holders.get(serial % HOLDERS).ok_or("no holders")?;
        Ok(BoundToken { text: self.issuer.issue(Signing::Es256, StatedHolder::Key(holder.public()), now)?, holder })
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
    use crate::issuer::tests::{issuer, private_pem};
    use portcullis::clock;
    use portcullis::token::jose::{KeySet, Unconfirmed, thumbprint};
    use portcullis::token::jwt::{Holder, Jwt};

    impl BoundMint {
        pub(crate) fn jwks(&self) -> String {
            self.issuer.jwks()
        }
    }

    pub(crate) fn mint() -> BoundMint {
        BoundMint::build(&Rc::new(issuer(&[&private_pem(NewKey::P256)]))).unwrap()
    }

    #[test]
    fn each_token_is_new_verifies_and_names_another_holder() {
        let mint = mint();
        let keys = KeySet::read(mint.jwks().as_bytes()).unwrap();
        let (one, other) = (mint.issue(clock::now()).unwrap(), mint.issue(clock::now()).unwrap());
        assert!(*one.text != *other.text && thumbprint(one.holder.public()) != thumbprint(other.holder.public()));
        for token in [&one, &other] {
            let confirmed = Unconfirmed::parse(&token.text).unwrap().confirmed_by(keys.keys()).unwrap();
            let jwt = Jwt::read(&confirmed).unwrap();
            assert!(matches!(jwt.holder(), Holder::Bound(_)));
            assert_eq!(jwt.issuer(), Some("https://sts.example"));
            token.holder.public().verify(SignatureAlgorithm::EcdsaP256Sha256, b"message", &token.sign(b"message")).unwrap();
        }
    }
}
