//! Signature algorithms by their JOSE names (RFC 7518 §3.1, RFC 8037 §3.1); `none` is not among them.

use crate::crypto::{DigestAlgorithm, KeyKind, SignatureAlgorithm};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA", alias = "Ed25519")]
    EdDsa,
    /// HMAC-SHA256.
    Hs256,
    /// HMAC-SHA384.
    Hs384,
    /// HMAC-SHA512.
    Hs512,
}

/// What does the work of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// A signature, checked with a public key.
    Signature(SignatureAlgorithm),
    /// A MAC with this digest, checked with the key that made it.
    Mac(DigestAlgorithm),
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 12] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// The algorithm of this exact name. `Ed25519` (RFC 9864 §2.2) is another name for what `EdDSA` means here.
    pub fn find(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The name in headers and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// What does the work.
    pub const fn primitive(self) -> Primitive {
        match self {
            Self::Rs256 => Primitive::Signature(SignatureAlgorithm::RsaPkcs1Sha256),
            Self::Rs384 => Primitive::Signature(SignatureAlgorithm::RsaPkcs1Sha384),
            Self::Rs512 => Primitive::Signature(SignatureAlgorithm::RsaPkcs1Sha512),
            Self::Ps256 => Primitive::Signature(SignatureAlgorithm::RsaPssSha256),
            Self::Ps384 => Primitive::Signature(SignatureAlgorithm::RsaPssSha384),
            Self::Ps512 => Primitive::Signature(SignatureAlgorithm::RsaPssSha512),
            Self::Es256 => Primitive::Signature(SignatureAlgorithm::EcdsaP256Sha256),
            Self::Es384 => Primitive::Signature(SignatureAlgorithm::EcdsaP384Sha384),
            Self::EdDsa => Primitive::Signature(SignatureAlgorithm::Ed25519),
            Self::Hs256 => Primitive::Mac(DigestAlgorithm::Sha256),
            Self::Hs384 => Primitive::Mac(DigestAlgorithm::Sha384),
            Self::Hs512 => Primitive::Mac(DigestAlgorithm::Sha512),
        }
    }

    /// Whether public keys of this kind check it.
    pub fn fits(self, kind: KeyKind) -> bool {
        match kind {
            KeyKind::Rsa => matches!(self, Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512),
            KeyKind::P256 => self == Self::Es256,
            KeyKind::P384 => self == Self::Es384,
            KeyKind::Ed25519 => self == Self::EdDsa,
        }
    }

    /// The algorithm to sign with where nobody asks for another.
    pub const fn usual(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa => Self::Rs256,
            KeyKind::P256 => Self::Es256,
            KeyKind::P384 => Self::Es384,
            KeyKind::Ed25519 => Self::EdDsa,
        }
    }

    /// The octets that a MAC key must have at least, as many as the MAC has (RFC 7518 §3.2); nothing
    /// where the algorithm is a signature.
    pub const fn least_secret(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Es256 | Self::Es384 | Self::EdDsa => {
                None
            }
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_none_is_none() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::find(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::find("Ed25519"), Some(Algorithm::EdDsa));
        for name in ["none", "None", "NONE", "", "rs256", "RS256 ", "ES512", "ES256K", "RS1", "HS1", "Ed448", "dir", "RSA1_5"] {
            assert_eq!(Algorithm::find(name), None, "{name}");
        }
    }

    #[test]
    fn a_kind_of_key_fits_its_own_algorithms_only() {
        let fitting = |kind| Algorithm::ALL.into_iter().filter(|algorithm| algorithm.fits(kind)).count();
        assert_eq!([KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519].map(fitting), [6, 1, 1, 1]);
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.least_secret().is_some(), matches!(algorithm.primitive(), Primitive::Mac(_)));
            assert!(algorithm.least_secret().is_none() || !algorithm.fits(KeyKind::Rsa));
        }
        for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
            assert!(Algorithm::usual(kind).fits(kind));
        }
    }
}
