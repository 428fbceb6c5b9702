//! The algorithms and kinds of keys that there are, by name; which library does them is not told here.

/// A hash function (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-1. Collisions can be made: only for old formats, and only where the configuration names it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// The length of a digest in octets.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// What a public or private key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with 2048 to 8192 bits (RFC 8017).
    Rsa,
    /// The curve P-256 (SP 800-186 §3.2.1.3).
    P256,
    /// The curve P-384 (SP 800-186 §3.2.1.4).
    P384,
    /// Ed25519 (RFC 8032 §5.1).
    Ed25519,
}

/// How a signature is made. ECDSA signatures are r and s, each as long as the curve's field, without more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 over SHA-1: verified only, for old formats, and only where the configuration names it.
    RsaPkcs1Sha1,
    /// RSASSA-PKCS1-v1_5 over SHA-256 (RFC 8017 §8.2).
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 over SHA-384 (RFC 8017 §8.2).
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 over SHA-512 (RFC 8017 §8.2).
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 octets of salt (RFC 8017 §8.1).
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 octets of salt (RFC 8017 §8.1).
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512 and 64 octets of salt (RFC 8017 §8.1).
    RsaPssSha512,
    /// ECDSA on P-256 over SHA-256 (FIPS 186-5 §6).
    EcdsaP256Sha256,
    /// ECDSA on P-384 over SHA-384 (FIPS 186-5 §6).
    EcdsaP384Sha384,
    /// Ed25519 over the message itself (RFC 8032 §5.1).
    Ed25519,
}

impl SignatureAlgorithm {
    /// The one kind of key that this algorithm is for.
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::RsaPkcs1Sha1
            | Self::RsaPkcs1Sha256
            | Self::RsaPkcs1Sha384
            | Self::RsaPkcs1Sha512
            | Self::RsaPssSha256
            | Self::RsaPssSha384
            | Self::RsaPssSha512 => KeyKind::Rsa,
            Self::EcdsaP256Sha256 => KeyKind::P256,
            Self::EcdsaP384Sha384 => KeyKind::P384,
            Self::Ed25519 => KeyKind::Ed25519,
        }
    }
}
