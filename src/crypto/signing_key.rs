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
