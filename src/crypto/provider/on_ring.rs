//! What is done differently on ring: keys are parsed at each use, RSA keys cannot be made, another crate wraps keys.

use super::backend::agreement::{self, EphemeralPrivateKey};
use super::backend::rand::SystemRandom;
use super::backend::signature::{
    self as names, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use super::signature::rsa_parameters;
use super::wrapping::{KeyInit, KwAes256};
use crate::crypto::public_key::PublicOctets;
use crate::crypto::{GenerationFault, SignatureAlgorithm};
use zeroize::Zeroizing;

/// The library keeps nothing of a public key between two uses.
#[derive(Clone)]
pub(in crate::crypto) struct Verifier;

impl Verifier {
    /// Judges a key: whether its point is on the curve, as far as that can be told.
    pub(in crate::crypto) fn new(octets: &PublicOctets) -> Option<Self> {
        match octets {
            PublicOctets::Rsa { .. } | PublicOctets::Ed25519(_) => Some(Self),
            PublicOctets::P256(point) => judge_point(&agreement::ECDH_P256, point),
            PublicOctets::P384(point) => judge_point(&agreement::ECDH_P384, point),
        }
    }

    /// Whether a signature holds, by an algorithm that fits.
    pub(in crate::crypto) fn holds(&self, octets: &PublicOctets, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let curve = |algorithm: &'static dyn VerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
        };
        match octets {
            PublicOctets::Rsa { modulus, exponent } => rsa_parameters(algorithm).is_some_and(|parameters| {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature).is_ok()
            }),
            PublicOctets::P256(point) => curve(&names::ECDSA_P256_SHA256_FIXED, point),
            PublicOctets::P384(point) => curve(&names::ECDSA_P384_SHA384_FIXED, point),
            PublicOctets::Ed25519(point) => curve(&names::ED25519, point),
        }
    }
}

/// The library judges points only when it agrees on a key with them, so that is done, and the key forgotten.
fn judge_point(curve: &'static agreement::Algorithm, point: &[u8]) -> Option<Verifier> {
    let own = EphemeralPrivateKey::generate(curve, &SystemRandom::new()).ok()?;
    agreement::agree_ephemeral(own, &agreement::UnparsedPublicKey::new(curve, point), |_| Verifier).ok()
}

/// Reads a pair for a curve from PKCS#8.
pub(super) fn ecdsa_pair(algorithm: &'static EcdsaSigningAlgorithm, pkcs8: &[u8]) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &SystemRandom::new()).ok()
}

/// Signs by Ed25519.
pub(super) fn sign_ed25519(pair: &Ed25519KeyPair, message: &[u8]) -> Option<Vec<u8>> {
    Some(pair.sign(message).as_ref().to_vec())
}

/// How long an RSA key is.
pub(super) enum RsaBits {
    /// 2048 bits.
    Bits2048,
    /// 3072 bits.
    Bits3072,
}

/// The library cannot make an RSA key.
pub(super) fn generate_rsa(_: RsaBits) -> Result<Zeroizing<Vec<u8>>, GenerationFault> {
    Err(GenerationFault::Unsupported)
}

/// Wraps into a buffer of exactly the right length, or says that it could not.
pub(super) fn wrap(wrapping: &[u8; 32], key: &[u8], wrapped: &mut [u8]) -> bool {
    KwAes256::new(wrapping.into()).wrap_key(key, wrapped).is_ok()
}

/// Unwraps into a buffer of exactly the right length, or says that it could not.
pub(super) fn unwrap(wrapping: &[u8; 32], wrapped: &[u8], key: &mut [u8]) -> bool {
    KwAes256::new(wrapping.into()).unwrap_key(wrapped, key).is_ok()
}
