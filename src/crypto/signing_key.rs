//! Private keys: read or made once, then signed with.

use super::provider::{self, KeyPair};
use super::{KeyKind, PublicKey, SignatureAlgorithm, UnusableKey, der};
use std::fmt;
use zeroize::Zeroizing;

/// A private key with its public one. It never prints.
pub struct SigningKey {
    pair: KeyPair,
    /// Kept because not every library can write down what it has read; wiped at the end.
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

/// Which key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// A key on P-256.
    P256,
    /// A key on P-384.
    P384,
    /// An Ed25519 key.
    Ed25519,
}

/// Why there is no new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationFault {
    /// The library cannot make RSA keys; another program can.
    Unsupported,
    /// The library failed, most likely for want of randomness.
    Failed,
}

/// Why there is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningFault {
    /// The algorithm is for another kind of key, or is verified only.
    UnfitAlgorithm,
    /// The library failed, most likely for want of randomness.
    Failed,
}

impl SigningKey {
    /// Reads a private key from PKCS#8 (RFC 5958 §2). What ring takes both libraries take; it wants RSA of at
    /// most 4096 bits with an exponent of at least 65537, and the public key beside an elliptic private one.
    ///
    /// # Errors
    /// It is not DER of that structure, not of a [`KeyKind`], or not usable.
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, UnusableKey> {
        let kind = der::read_private_kind(pkcs8)?;
        let pair = KeyPair::from_pkcs8(kind, pkcs8).ok_or(UnusableKey::Inconsistent)?;
        let public = PublicKey::from_kind(kind, pair.public_octets())?;
        Ok(Self { pair, pkcs8: Zeroizing::new(pkcs8.to_vec()), public })
    }

    /// Makes a key of the system's randomness.
    ///
    /// # Errors
    /// The library cannot make such a key, or it failed.
    pub fn generate(key: NewKey) -> Result<Self, GenerationFault> {
        let pkcs8 = provider::generate(key)?;
        Self::from_pkcs8_der(&pkcs8).map_err(|_| GenerationFault::Failed)
    }

    /// The key as PKCS#8. It is a secret; what is copied from here must be wiped.
    pub fn to_pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// What the key is for.
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// Signs a message, with the system's randomness where the algorithm needs some.
    ///
    /// # Errors
    /// The algorithm is for another kind of key or over SHA-1, or the library failed.
    pub fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, SigningFault> {
        if algorithm.kind() != self.kind() {
            return Err(SigningFault::UnfitAlgorithm);
        }
        self.pair.sign(&self.public, algorithm, message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl fmt::Display for GenerationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "this crypto backend cannot make RSA keys",
            Self::Failed => "the crypto backend could not make a key",
        })
    }
}

impl std::error::Error for GenerationFault {}

impl fmt::Display for SigningFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnfitAlgorithm => "the key does not sign by this algorithm",
            Self::Failed => "the crypto backend could not sign",
        })
    }
}

impl std::error::Error for SigningFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::{
        ED25519, ED25519_PUBLIC, P256, P256_PUBLIC, P384, P384_PUBLIC, RSA, RSA_PUBLIC, SIGNED, SIGNED_RS256, hex, octets, signing,
    };
    use crate::crypto::{BACKEND, SignatureMismatch, base64url};

    const ALL: [SignatureAlgorithm; 10] = [
        SignatureAlgorithm::RsaPkcs1Sha1,
        SignatureAlgorithm::RsaPkcs1Sha256,
        SignatureAlgorithm::RsaPkcs1Sha384,
        SignatureAlgorithm::RsaPkcs1Sha512,
        SignatureAlgorithm::RsaPssSha256,
        SignatureAlgorithm::RsaPssSha384,
        SignatureAlgorithm::RsaPssSha512,
        SignatureAlgorithm::EcdsaP256Sha256,
        SignatureAlgorithm::EcdsaP384Sha384,
        SignatureAlgorithm::Ed25519,
    ];

    /// Signs and verifies by every algorithm; only those that fit do.
    fn exercise(key: &SigningKey) {
        for algorithm in ALL {
            if algorithm.kind() != key.kind() || algorithm == SignatureAlgorithm::RsaPkcs1Sha1 {
                assert_eq!(key.sign(algorithm, b"message"), Err(SigningFault::UnfitAlgorithm), "{algorithm:?}");
                continue;
            }
            let signature = key.sign(algorithm, b"message").unwrap();
            assert_eq!(key.public().verify(algorithm, b"message", &signature), Ok(()), "{algorithm:?}");
            assert_eq!(key.public().verify(algorithm, b"massage", &signature), Err(SignatureMismatch), "{algorithm:?}");
            for other in ALL.into_iter().filter(|other| *other != algorithm) {
                assert_eq!(key.public().verify(other, b"message", &signature), Err(SignatureMismatch), "{algorithm:?} as {other:?}");
            }
            for bit in (0..signature.len() * 8).step_by(if key.kind() == KeyKind::Rsa { 61 } else { 1 }) {
                let mut bent = signature.clone();
                bent[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(key.public().verify(algorithm, b"message", &bent), Err(SignatureMismatch), "{algorithm:?} bit {bit}");
            }
            for bent in [&signature[1..], &signature[..signature.len() - 1], &[&*signature, &[0]].concat(), &[]] {
                assert_eq!(key.public().verify(algorithm, b"message", bent), Err(SignatureMismatch), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn published_keys_sign_what_their_public_keys_verify() {
        for (private, public) in [(RSA, RSA_PUBLIC), (P256, P256_PUBLIC), (P384, P384_PUBLIC), (ED25519, ED25519_PUBLIC)] {
            let key = signing(private);
            assert_eq!(key.to_pkcs8_der(), octets(private));
            assert_eq!(*key.public(), PublicKey::from_spki_der(&octets(public)).unwrap());
            exercise(&key);
        }
    }

    #[test]
    fn fresh_keys_survive_being_written_down() {
        for new in [NewKey::P256, NewKey::P384, NewKey::Ed25519] {
            let (key, other) = (SigningKey::generate(new).unwrap(), SigningKey::generate(new).unwrap());
            assert_ne!(key.public(), other.public());
            let again = SigningKey::from_pkcs8_der(key.to_pkcs8_der()).unwrap();
            assert_eq!(again.public(), key.public());
            exercise(&again);
        }
    }

    #[test]
    fn rsa_keys_are_made_where_the_library_can() {
        for (new, length) in [(NewKey::Rsa2048, 256), (NewKey::Rsa3072, 384)] {
            match SigningKey::generate(new) {
                Ok(key) => {
                    assert_eq!(BACKEND, "aws-lc-rs");
                    assert_eq!(key.sign(SignatureAlgorithm::RsaPssSha256, b"").unwrap().len(), length);
                    assert_eq!(SigningKey::from_pkcs8_der(key.to_pkcs8_der()).unwrap().public(), key.public());
                }
                Err(fault) => assert_eq!((BACKEND, fault), ("ring", GenerationFault::Unsupported)),
            }
        }
    }

    #[test]
    fn rs256_agrees_with_rfc_7515() {
        let signature = signing(RSA).sign(SignatureAlgorithm::RsaPkcs1Sha256, SIGNED.as_bytes()).unwrap();
        assert_eq!(base64url::encode(&signature), SIGNED_RS256);
    }

    #[test]
    fn ed25519_agrees_with_rfc_8032() {
        for (secret, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let key = SigningKey::from_pkcs8_der(&[hex("302e020100300506032b657004220420"), hex(secret)].concat()).unwrap();
            assert_eq!(*key.public(), PublicKey::from_ed25519(&hex(public)).unwrap());
            assert_eq!(key.sign(SignatureAlgorithm::Ed25519, &hex(message)).unwrap(), hex(signature));
        }
    }

    #[test]
    fn what_is_no_private_key_is_refused() {
        for text in [RSA_PUBLIC, P256_PUBLIC, ED25519_PUBLIC] {
            assert!(SigningKey::from_pkcs8_der(&octets(text)).is_err());
        }
        for text in [RSA, P256, P384, ED25519] {
            let whole = octets(text);
            assert!(SigningKey::from_pkcs8_der(&whole[..whole.len() - 1]).is_err());
            assert!(SigningKey::from_pkcs8_der(&[&*whole, &[0]].concat()).is_err());
        }
        // Another public point than the private number makes.
        let mut mixed = octets(P256);
        let last = mixed.len() - 1;
        mixed[last] ^= 1;
        assert_eq!(SigningKey::from_pkcs8_der(&mixed).unwrap_err(), UnusableKey::Inconsistent);
    }

    #[test]
    fn keys_go_from_thread_to_thread() {
        fn shared<T: Send + Sync>() {}
        shared::<(SigningKey, PublicKey, crate::crypto::AeadKey, crate::crypto::MacKey, crate::crypto::Hasher)>();
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", signing(ED25519)), "SigningKey(…)");
        assert_eq!(format!("{:?}", signing(ED25519).public()), "PublicKey(Ed25519)");
    }
}
