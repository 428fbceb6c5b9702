//! The key that proves possession of a token.

use crate::crypto::{DigestAlgorithm, KeyKind, MacKey, SignatureAlgorithm, SigningFault, SigningKey, UnusableKey, base64};
use crate::scheme::wssec::wire::SignatureName;
use crate::token::jose::MIN_SECRET;
use crate::token::jose::pem::{self, PemKey, PemSyntax};
use std::fmt;
use zeroize::Zeroizing;

/// The longest secret that is read, in octets.
const LONGEST_SECRET: usize = 1024;

/// A secret shared with the relying party, or a private key. It never prints.
pub struct HolderKey {
    material: Material,
    /// The algorithms that it may sign by, the preferred one first; never none.
    fitting: &'static [SignatureName],
}

enum Material {
    Secret(Box<Secret>),
    Signing(Box<SigningKey>),
}

/// A secret, prepared for each hash function.
struct Secret {
    sha256: MacKey,
    sha512: MacKey,
}

/// Why a key is none to prove possession with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUnfit {
    /// The secret has fewer than 32 octets.
    SecretLength,
    /// The text is neither a private key in PEM nor a secret in base64.
    Syntax,
    /// It is a public key.
    Public,
    /// The private key cannot be used.
    Unusable(UnusableKey),
    /// The key does not sign by the algorithm asked for.
    Algorithm,
}

impl HolderKey {
    /// A secret of at least 32 octets; it signs by HMAC.
    ///
    /// # Errors
    /// The secret is shorter.
    pub fn secret(octets: &[u8]) -> Result<Self, KeyUnfit> {
        if octets.len() < MIN_SECRET {
            return Err(KeyUnfit::SecretLength);
        }
        let prepared = |algorithm| MacKey::new(algorithm, octets);
        let secret = Secret { sha256: prepared(DigestAlgorithm::Sha256), sha512: prepared(DigestAlgorithm::Sha512) };
        Ok(Self { material: Material::Secret(Box::new(secret)), fitting: &[SignatureName::HmacSha256, SignatureName::HmacSha512] })
    }

    /// A private key.
    pub fn signing(key: SigningKey) -> Self {
        let fitting: &[SignatureName] = match key.kind() {
            KeyKind::Rsa => &[SignatureName::RsaPssSha256, SignatureName::RsaSha256],
            KeyKind::P256 => &[SignatureName::EcdsaP256Sha256],
            KeyKind::P384 => &[SignatureName::EcdsaP384Sha384],
            KeyKind::Ed25519 => &[SignatureName::Ed25519],
        };
        Self { material: Material::Signing(Box::new(key)), fitting }
    }

    /// Reads a private key in PEM (PKCS#8), or a secret in base64.
    ///
    /// # Errors
    /// The text is neither, or not a key that can be used.
    pub fn read(text: &str) -> Result<Self, KeyUnfit> {
        if !pem::is_shaped(text) {
            return Self::read_secret(text.trim_ascii().as_bytes());
        }
        match pem::read(text) {
            Ok(PemKey::Private(key)) => Ok(Self::signing(*key)),
            Ok(PemKey::Public(_)) => Err(KeyUnfit::Public),
            Err(PemSyntax::Key(unusable)) => Err(KeyUnfit::Unusable(unusable)),
            Err(PemSyntax::Block | PemSyntax::Label | PemSyntax::Base64) => Err(KeyUnfit::Syntax),
        }
    }

    fn read_secret(text: &[u8]) -> Result<Self, KeyUnfit> {
        let mut octets = Zeroizing::new([0; LONGEST_SECRET]);
        let secret = base64::decode(text, octets.as_mut_slice()).map_err(|_| KeyUnfit::Syntax)?;
        Self::secret(secret)
    }

    /// The same key, for one algorithm only.
    ///
    /// # Errors
    /// The key does not sign by it.
    pub fn only(self, algorithm: SignatureName) -> Result<Self, KeyUnfit> {
        let place = self.fitting.iter().position(|fitting| *fitting == algorithm).ok_or(KeyUnfit::Algorithm)?;
        let fitting = self.fitting.get(place..=place).ok_or(KeyUnfit::Algorithm)?;
        Ok(Self { fitting, ..self })
    }

    /// The algorithm to sign by among those offered; where none is offered, the preferred one. Nothing if none fits.
    pub fn algorithm(&self, offered: &[SignatureName]) -> Option<SignatureName> {
        self.fitting.iter().copied().find(|fitting| offered.is_empty() || offered.contains(fitting))
    }

    /// Signs a message.
    ///
    /// # Errors
    /// The algorithm is for another kind of key, or the library failed.
    pub fn sign(&self, algorithm: SignatureName, message: &[u8]) -> Result<Vec<u8>, SigningFault> {
        let unfit = Err(SigningFault::UnfitAlgorithm);
        match (&self.material, primitive(algorithm)) {
            (Material::Secret(secret), Primitive::MacSha256) => Ok(secret.sha256.sign(message).as_ref().to_vec()),
            (Material::Secret(secret), Primitive::MacSha512) => Ok(secret.sha512.sign(message).as_ref().to_vec()),
            (Material::Signing(key), Primitive::Signature(algorithm)) => key.sign(algorithm, message),
            (Material::Secret(_), Primitive::Signature(_) | Primitive::Outdated)
            | (Material::Signing(_), Primitive::MacSha256 | Primitive::MacSha512 | Primitive::Outdated) => unfit,
        }
    }
}

/// What does the work behind a name.
enum Primitive {
    MacSha256,
    MacSha512,
    Signature(SignatureAlgorithm),
    /// Over SHA-1: a requester has no reason to.
    Outdated,
}

const fn primitive(name: SignatureName) -> Primitive {
    match name {
        SignatureName::HmacSha256 => Primitive::MacSha256,
        SignatureName::HmacSha512 => Primitive::MacSha512,
        SignatureName::RsaSha256 => Primitive::Signature(SignatureAlgorithm::RsaPkcs1Sha256),
        SignatureName::RsaPssSha256 => Primitive::Signature(SignatureAlgorithm::RsaPssSha256),
        SignatureName::EcdsaP256Sha256 => Primitive::Signature(SignatureAlgorithm::EcdsaP256Sha256),
        SignatureName::EcdsaP384Sha384 => Primitive::Signature(SignatureAlgorithm::EcdsaP384Sha384),
        SignatureName::Ed25519 => Primitive::Signature(SignatureAlgorithm::Ed25519),
        SignatureName::HmacSha1 | SignatureName::RsaSha1 => Primitive::Outdated,
    }
}

impl fmt::Debug for HolderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HolderKey(…)")
    }
}

impl fmt::Display for KeyUnfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretLength => "the secret has fewer than 32 octets",
            Self::Syntax => "neither a private key in PEM (PKCS#8) nor a secret in base64",
            Self::Public => "a public key, where the private one is needed",
            Self::Unusable(_) => "a private key of a kind or size that is not used, or one that contradicts itself",
            Self::Algorithm => "the key does not sign by this algorithm",
        })
    }
}

impl std::error::Error for KeyUnfit {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::NewKey;

    fn fresh(new: NewKey) -> SigningKey {
        SigningKey::generate(new).unwrap()
    }

    #[test]
    fn the_key_decides_the_algorithm() {
        let secret = HolderKey::secret(&[7; 32]).unwrap();
        assert_eq!(secret.algorithm(&[]), Some(SignatureName::HmacSha256));
        assert_eq!(secret.algorithm(&[SignatureName::Ed25519, SignatureName::HmacSha512]), Some(SignatureName::HmacSha512));
        assert_eq!(secret.algorithm(&[SignatureName::Ed25519, SignatureName::HmacSha1]), None);
        for (new, expected) in [
            (NewKey::P256, SignatureName::EcdsaP256Sha256),
            (NewKey::P384, SignatureName::EcdsaP384Sha384),
            (NewKey::Ed25519, SignatureName::Ed25519),
        ] {
            let key = HolderKey::signing(fresh(new));
            assert_eq!((key.algorithm(&[]), key.algorithm(&[SignatureName::RsaSha256])), (Some(expected), None));
            for name in SignatureName::ALL {
                assert_eq!(key.sign(name, b"message").is_ok(), name == expected, "{new:?} {name:?}");
            }
        }
        for name in SignatureName::ALL {
            let fits = matches!(name, SignatureName::HmacSha256 | SignatureName::HmacSha512);
            assert_eq!(secret.sign(name, b"message").is_ok(), fits, "{name:?}");
        }
    }

    #[test]
    fn signatures_are_those_of_the_algorithm_asked_for() {
        let octets = [9; 40];
        let key = HolderKey::secret(&octets).unwrap();
        for (name, digest) in [(SignatureName::HmacSha256, DigestAlgorithm::Sha256), (SignatureName::HmacSha512, DigestAlgorithm::Sha512)] {
            assert_eq!(MacKey::new(digest, &octets).verify(b"message", &key.sign(name, b"message").unwrap()), Ok(()));
        }
        let signing = fresh(NewKey::Ed25519);
        let public = signing.public().clone();
        let signature = HolderKey::signing(signing).sign(SignatureName::Ed25519, b"message").unwrap();
        assert_eq!(public.verify(SignatureAlgorithm::Ed25519, b"message", &signature), Ok(()));
    }

    #[test]
    fn one_algorithm_can_be_asked_for() {
        let secret = || HolderKey::secret(&[7; 32]).unwrap();
        let key = secret().only(SignatureName::HmacSha512).unwrap();
        assert_eq!((key.algorithm(&[]), key.algorithm(&[SignatureName::HmacSha256])), (Some(SignatureName::HmacSha512), None));
        assert_eq!(secret().only(SignatureName::Ed25519).err(), Some(KeyUnfit::Algorithm));
    }

    #[test]
    fn texts_are_read_as_what_they_are() {
        let signing = fresh(NewKey::P256);
        let text = pem::write(&signing);
        assert_eq!(HolderKey::read(&text).unwrap().algorithm(&[]), Some(SignatureName::EcdsaP256Sha256));
        let secret = format!("{}\n", base64::encode(&[1; 32]));
        assert_eq!(HolderKey::read(&secret).unwrap().algorithm(&[]), Some(SignatureName::HmacSha256));
        let refused = |text: &str| HolderKey::read(text).err();
        assert_eq!(refused(&base64::encode(&[1; 31])), Some(KeyUnfit::SecretLength));
        assert_eq!((refused("hunter2"), refused("")), (Some(KeyUnfit::Syntax), Some(KeyUnfit::SecretLength)));
        assert_eq!(refused("-----BEGIN PRIVATE KEY-----\nAAAA\n"), Some(KeyUnfit::Syntax));
        assert!(matches!(refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), Some(KeyUnfit::Unusable(_))));
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", HolderKey::secret(&[7; 32]).unwrap()), "HolderKey(…)");
    }
}
