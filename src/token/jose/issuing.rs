//! The key that an issuer signs with, bound to one algorithm.

use super::jwk::check_secret;
use super::{Algorithm, Primitive};
use crate::crypto::{MacKey, PublicKey, SignatureAlgorithm, SigningKey};
use std::fmt;

/// A key to sign tokens with. It never prints.
pub struct IssuingKey {
    id: Option<Box<str>>,
    algorithm: Algorithm,
    material: Material,
}

enum Material {
    Signing(Box<SigningKey>, SignatureAlgorithm),
    Mac(Box<MacKey>),
}

/// Why a key cannot sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The algorithm is not one of this kind of key.
    Algorithm,
    /// The secret is too short for the algorithm, or too long.
    SecretLength,
    /// The library refused.
    Signing,
}

impl IssuingKey {
    /// A private key, and the algorithm to sign with; the usual one of its kind where none is asked for.
    ///
    /// # Errors
    /// The algorithm does not fit the key.
    pub fn signing(key: SigningKey, algorithm: Option<Algorithm>) -> Result<Self, Unfit> {
        let kind = key.kind();
        let algorithm = algorithm.unwrap_or(Algorithm::usual(kind));
        match algorithm.primitive() {
            Primitive::Signature(primitive) if algorithm.fits(kind) => {
                Ok(Self { id: None, algorithm, material: Material::Signing(Box::new(key), primitive) })
            }
            Primitive::Signature(_) | Primitive::Mac(_) => Err(Unfit::Algorithm),
        }
    }

    /// A secret, and the MAC to make with it.
    ///
    /// # Errors
    /// The secret is not as long as the MAC, or the algorithm makes none.
    pub fn secret(octets: &[u8], algorithm: Algorithm) -> Result<Self, Unfit> {
        match algorithm.primitive() {
            Primitive::Mac(digest) => {
                check_secret(octets, Some(algorithm)).map_err(|_| Unfit::SecretLength)?;
                Ok(Self { id: None, algorithm, material: Material::Mac(Box::new(MacKey::new(digest, octets))) })
            }
            Primitive::Signature(_) => Err(Unfit::Algorithm),
        }
    }

    /// The same key under a name that stands in the tokens.
    pub fn named(self, id: &str) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The name, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The algorithm it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The half that others may see; nothing for a secret.
    pub fn public(&self) -> Option<&PublicKey> {
        match &self.material {
            Material::Signing(key, _) => Some(key.public()),
            Material::Mac(_) => None,
        }
    }

    /// The signature or the MAC over a message.
    ///
    /// # Errors
    /// The library refused, for want of randomness perhaps.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unfit> {
        match &self.material {
            Material::Signing(key, primitive) => key.sign(*primitive, message).map_err(|_| Unfit::Signing),
            Material::Mac(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for IssuingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuingKey({}, …)", self.algorithm)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Algorithm => "the algorithm does not fit the key",
            Self::SecretLength => "the secret is too short for the algorithm, or longer than 128 octets",
            Self::Signing => "the key could not sign",
        })
    }
}

impl std::error::Error for Unfit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_as_long_as_the_mac_they_make() {
        for (octets, algorithm, expected) in [
            (32, Algorithm::Hs256, None),
            (31, Algorithm::Hs256, Some(Unfit::SecretLength)),
            (47, Algorithm::Hs384, Some(Unfit::SecretLength)),
            (64, Algorithm::Hs512, None),
            (64, Algorithm::Rs256, Some(Unfit::Algorithm)),
            (64, Algorithm::EdDsa, Some(Unfit::Algorithm)),
        ] {
            assert_eq!(IssuingKey::secret(&vec![7; octets], algorithm).err(), expected, "{octets} {algorithm}");
        }
    }

    #[test]
    fn keys_do_not_print() {
        let key = IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap().named("a");
        assert_eq!(format!("{key:?}"), "IssuingKey(HS256, …)");
        assert!(key.public().is_none() && key.id() == Some("a"));
    }
}
