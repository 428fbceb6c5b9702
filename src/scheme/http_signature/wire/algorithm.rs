//! The algorithms of HTTP message signatures by their registered names (RFC 9421 §6.2.2).

use crate::crypto::KeyKind;
use crate::token::jose::{Algorithm, VerificationKey};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a message is signed. Each is what JOSE has under another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum MessageAlgorithm {
    /// RSASSA-PSS with SHA-512 (RFC 9421 §3.3.1).
    #[serde(rename = "rsa-pss-sha512")]
    RsaPssSha512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 9421 §3.3.2).
    #[serde(rename = "rsa-v1_5-sha256")]
    RsaV15Sha256,
    /// HMAC with SHA-256 (RFC 9421 §3.3.3).
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// ECDSA on P-256 with SHA-256 (RFC 9421 §3.3.4).
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384 (RFC 9421 §3.3.5).
    #[serde(rename = "ecdsa-p384-sha384")]
    EcdsaP384Sha384,
    /// Ed25519 (RFC 9421 §3.3.6).
    #[serde(rename = "ed25519")]
    Ed25519,
}

impl MessageAlgorithm {
    /// Every algorithm there is. Of two that fit a key which says nothing of its own, the first is meant.
    pub const ALL: [Self; 6] =
        [Self::RsaPssSha512, Self::RsaV15Sha256, Self::HmacSha256, Self::EcdsaP256Sha256, Self::EcdsaP384Sha384, Self::Ed25519];

    /// The registered name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::RsaV15Sha256 => "rsa-v1_5-sha256",
            Self::HmacSha256 => "hmac-sha256",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The algorithm of this exact name.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word)
    }

    /// The same algorithm by its name in keys.
    pub const fn jose(self) -> Algorithm {
        match self {
            Self::RsaPssSha512 => Algorithm::Ps512,
            Self::RsaV15Sha256 => Algorithm::Rs256,
            Self::HmacSha256 => Algorithm::Hs256,
            Self::EcdsaP256Sha256 => Algorithm::Es256,
            Self::EcdsaP384Sha384 => Algorithm::Es384,
            Self::Ed25519 => Algorithm::EdDsa,
        }
    }

    /// The algorithm of this name in keys, if messages are signed by it.
    pub fn of_jose(name: Algorithm) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.jose() == name)
    }

    /// The algorithm that private keys of this kind sign by.
    pub fn of_kind(kind: KeyKind) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.jose().fits(kind))
    }

    /// The one algorithm that a key is for; nothing where it is for one that messages are not signed by.
    pub fn of_key(key: &VerificationKey) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| key.fits(algorithm.jose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{NewKey, SigningKey};

    #[test]
    fn names_are_exact_and_map_one_to_one() {
        for algorithm in MessageAlgorithm::ALL {
            assert_eq!(MessageAlgorithm::of_word(algorithm.word()), Some(algorithm));
            assert_eq!(MessageAlgorithm::ALL.into_iter().filter(|other| other.jose() == algorithm.jose()).count(), 1);
            assert_eq!(MessageAlgorithm::of_jose(algorithm.jose()), Some(algorithm));
        }
        assert_eq!(MessageAlgorithm::of_jose(Algorithm::Ps256), None);
        for word in ["", "none", "ED25519", "rsa-sha256", "hmac-sha1", "rsa-v1_5-sha1", "PS512"] {
            assert_eq!(MessageAlgorithm::of_word(word), None, "{word}");
        }
    }

    #[test]
    fn every_kind_of_key_has_its_algorithm() {
        for (kind, algorithm) in [
            (KeyKind::Rsa, MessageAlgorithm::RsaPssSha512),
            (KeyKind::P256, MessageAlgorithm::EcdsaP256Sha256),
            (KeyKind::P384, MessageAlgorithm::EcdsaP384Sha384),
            (KeyKind::Ed25519, MessageAlgorithm::Ed25519),
        ] {
            assert_eq!(MessageAlgorithm::of_kind(kind), Some(algorithm));
        }
    }

    #[test]
    fn the_key_says_which_algorithm_it_is_for() {
        let public = |new, bound| VerificationKey::public(SigningKey::generate(new).unwrap().public().clone(), bound, None).unwrap();
        assert_eq!(MessageAlgorithm::of_key(&public(NewKey::P256, None)), Some(MessageAlgorithm::EcdsaP256Sha256));
        assert_eq!(MessageAlgorithm::of_key(&public(NewKey::P384, None)), Some(MessageAlgorithm::EcdsaP384Sha384));
        assert_eq!(MessageAlgorithm::of_key(&public(NewKey::Ed25519, Some(Algorithm::EdDsa))), Some(MessageAlgorithm::Ed25519));
        let secret = |bound| MessageAlgorithm::of_key(&VerificationKey::secret(&[7; 64], bound, None).unwrap());
        assert_eq!((secret(None), secret(Some(Algorithm::Hs512))), (Some(MessageAlgorithm::HmacSha256), None));
    }
}
