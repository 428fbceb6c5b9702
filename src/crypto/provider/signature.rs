//! Signatures as far as the libraries agree: names of algorithms, and pairs of keys.

use super::backend::rand::SystemRandom;
use super::backend::signature::{
    self as names, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair, RsaParameters,
};
use super::different;
use crate::crypto::{GenerationFault, KeyKind, NewKey, PublicKey, PublicParts, Random, SignatureAlgorithm, SigningFault};
use names::KeyPair as _;
use zeroize::Zeroizing;

/// What stands before the 32 octets of an Ed25519 key in PKCS#8 (RFC 8410 §7).
const ED25519_HEADER: &[u8; 16] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// A private key with its public one.
pub(in crate::crypto) enum KeyPair {
    /// For the algorithms whose names begin with `Rsa`.
    Rsa(Box<RsaKeyPair>),
    /// For one curve with its hash.
    Ecdsa(Box<EcdsaKeyPair>),
    /// For Ed25519.
    Ed25519(Box<Ed25519KeyPair>),
}

impl KeyPair {
    /// Reads PKCS#8, if the library takes it.
    pub(in crate::crypto) fn from_pkcs8(kind: KeyKind, pkcs8: &[u8]) -> Option<Self> {
        Some(match kind {
            KeyKind::Rsa => Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(pkcs8).ok()?)),
            KeyKind::P256 => Self::Ecdsa(Box::new(different::ecdsa_pair(&names::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?)),
            KeyKind::P384 => Self::Ecdsa(Box::new(different::ecdsa_pair(&names::ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8)?)),
            KeyKind::Ed25519 => Self::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?)),
        })
    }

    /// The public key: an RSAPublicKey in DER, an uncompressed point, or an encoded point.
    pub(in crate::crypto) fn public_octets(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::Ecdsa(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// Signs by an algorithm that fits.
    pub(in crate::crypto) fn sign(
        &self,
        public: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SigningFault> {
        let random = SystemRandom::new();
        match (self, public.parts()) {
            (Self::Rsa(pair), PublicParts::Rsa { modulus, .. }) => {
                let encoding = rsa_encoding(algorithm).ok_or(SigningFault::UnfitAlgorithm)?;
                let mut signature = vec![0; modulus.len()];
                pair.sign(encoding, &random, message, &mut signature).map_err(|_| SigningFault::Failed)?;
                Ok(signature)
            }
            (Self::Ecdsa(pair), PublicParts::P256 { .. } | PublicParts::P384 { .. }) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(|_| SigningFault::Failed)
            }
            (Self::Ed25519(pair), PublicParts::Ed25519 { .. }) => different::sign_ed25519(pair, message).ok_or(SigningFault::Failed),
            (Self::Rsa(_) | Self::Ecdsa(_) | Self::Ed25519(_), _) => Err(SigningFault::UnfitAlgorithm),
        }
    }
}

/// Makes a private key, as PKCS#8.
pub(in crate::crypto) fn generate(key: NewKey) -> Result<Zeroizing<Vec<u8>>, GenerationFault> {
    match key {
        NewKey::Rsa2048 => different::generate_rsa(different::RsaBits::Bits2048),
        NewKey::Rsa3072 => different::generate_rsa(different::RsaBits::Bits3072),
        NewKey::P256 => generate_ecdsa(&names::ECDSA_P256_SHA256_FIXED_SIGNING),
        NewKey::P384 => generate_ecdsa(&names::ECDSA_P384_SHA384_FIXED_SIGNING),
        NewKey::Ed25519 => generate_ed25519(),
    }
}

fn generate_ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, GenerationFault> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).map_err(|_| GenerationFault::Failed)?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// Written here, because ring writes a newer version of the format than most programs read.
fn generate_ed25519() -> Result<Zeroizing<Vec<u8>>, GenerationFault> {
    let mut seed = Zeroizing::new([0; 32]);
    super::SystemRandom::new().fill(seed.as_mut_slice()).map_err(|_| GenerationFault::Failed)?;
    let mut pkcs8 = Zeroizing::new(Vec::with_capacity(ED25519_HEADER.len() + seed.len()));
    pkcs8.extend_from_slice(ED25519_HEADER);
    pkcs8.extend_from_slice(seed.as_slice());
    Ok(pkcs8)
}

/// What the library calls an RSA algorithm when it verifies.
pub(super) fn rsa_parameters(algorithm: SignatureAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha1 => Some(&names::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        SignatureAlgorithm::RsaPkcs1Sha256 => Some(&names::RSA_PKCS1_2048_8192_SHA256),
        SignatureAlgorithm::RsaPkcs1Sha384 => Some(&names::RSA_PKCS1_2048_8192_SHA384),
        SignatureAlgorithm::RsaPkcs1Sha512 => Some(&names::RSA_PKCS1_2048_8192_SHA512),
        SignatureAlgorithm::RsaPssSha256 => Some(&names::RSA_PSS_2048_8192_SHA256),
        SignatureAlgorithm::RsaPssSha384 => Some(&names::RSA_PSS_2048_8192_SHA384),
        SignatureAlgorithm::RsaPssSha512 => Some(&names::RSA_PSS_2048_8192_SHA512),
        SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 | SignatureAlgorithm::Ed25519 => None,
    }
}

/// What the library calls an RSA algorithm when it signs.
fn rsa_encoding(algorithm: SignatureAlgorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => Some(&names::RSA_PKCS1_SHA256),
        SignatureAlgorithm::RsaPkcs1Sha384 => Some(&names::RSA_PKCS1_SHA384),
        SignatureAlgorithm::RsaPkcs1Sha512 => Some(&names::RSA_PKCS1_SHA512),
        SignatureAlgorithm::RsaPssSha256 => Some(&names::RSA_PSS_SHA256),
        SignatureAlgorithm::RsaPssSha384 => Some(&names::RSA_PSS_SHA384),
        SignatureAlgorithm::RsaPssSha512 => Some(&names::RSA_PSS_SHA512),
        SignatureAlgorithm::RsaPkcs1Sha1
        | SignatureAlgorithm::EcdsaP256Sha256
        | SignatureAlgorithm::EcdsaP384Sha384
        | SignatureAlgorithm::Ed25519 => None,
    }
}
