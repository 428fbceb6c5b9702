//! The words that stand for usages and algorithms; each has one spelling, since it is signed.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a signature speaks of (`sigusage`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// Nonce, timestamp, request line and token. What an absent `sigusage` means.
    #[default]
    Auth,
    /// The same, and the digest of the message.
    Message,
}

/// The algorithm of a signature (`sigalg`), as stated by the sender. The key decides whether it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureName {
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
    /// HMAC with SHA-1: only where a policy names it.
    HmacSha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 octets.
    RsaPssSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-1: only where a policy names it.
    RsaSha1,
    /// ECDSA over P-256 with SHA-256, r and s as 32 octets each.
    EcdsaP256Sha256,
    /// ECDSA over P-384 with SHA-384, r and s as 48 octets each.
    EcdsaP384Sha384,
    /// Ed25519.
    Ed25519,
}

/// The algorithm of a digest (`digestalg`, `alg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum DigestName {
    /// SHA-256.
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "sha-512")]
    Sha512,
    /// SHA-1: only where a policy names it.
    #[serde(rename = "sha-1")]
    Sha1,
}

/// The name of the one canonicalisation (`canon`): names lower-case and sorted, white space of values collapsed.
pub const CANONICALISATION: &str = "lower-collapse-sort";

impl Usage {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Message => "message",
        }
    }

    /// The usage of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Auth, Self::Message].into_iter().find(|usage| usage.word() == word)
    }
}

impl SignatureName {
    /// Every name.
    pub const ALL: [Self; 9] = [
        Self::HmacSha256,
        Self::HmacSha512,
        Self::RsaSha256,
        Self::RsaPssSha256,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
        Self::Ed25519,
        Self::HmacSha1,
        Self::RsaSha1,
    ];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
            Self::HmacSha1 => "hmac-sha1",
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::RsaSha1 => "rsa-sha1",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The algorithm of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }
}

impl DigestName {
    /// Every name.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha512, Self::Sha1];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
            Self::Sha1 => "sha-1",
        }
    }

    /// The algorithm of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// The length of the digest, in octets.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_stands_for_one_thing_in_one_spelling() {
        for name in SignatureName::ALL {
            assert_eq!(SignatureName::of_word(name.word()), Some(name));
            assert_eq!(SignatureName::of_word(&name.word().to_uppercase()), None);
        }
        for name in DigestName::ALL {
            assert_eq!(DigestName::of_word(name.word()), Some(name));
        }
        assert_eq!((Usage::of_word("auth"), Usage::of_word("message")), (Some(Usage::Auth), Some(Usage::Message)));
        assert_eq!((Usage::of_word("Message"), SignatureName::of_word("none"), DigestName::of_word("sha256")), (None, None, None));
    }
}
