//! What is done differently on aws-lc-rs: keys are parsed once, RSA keys can be made, keys can be wrapped.

use super::backend::encoding::{AsDer, Pkcs8V1Der};
use super::backend::key_wrap::{AES_256, AesKek, KeyWrap};
use super::backend::rsa::KeySize;
use super::backend::signature::{
    self as names, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, ParsedPublicKey, RsaKeyPair, RsaPublicKeyComponents,
    VerificationAlgorithm,
};
use super::signature::rsa_parameters;
use crate::crypto::public_key::PublicOctets;
use crate::crypto::{GenerationFault, SignatureAlgorithm};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// The algorithms that one RSA key may be used with.
const RSA: [SignatureAlgorithm; 7] = [
    SignatureAlgorithm::RsaPkcs1Sha256,
    SignatureAlgorithm::RsaPssSha256,
    SignatureAlgorithm::RsaPkcs1Sha384,
    SignatureAlgorithm::RsaPssSha384,
    SignatureAlgorithm::RsaPkcs1Sha512,
    SignatureAlgorithm::RsaPssSha512,
    SignatureAlgorithm::RsaPkcs1Sha1,
];

/// A public key in the library's own form.
#[derive(Clone)]
pub(in crate::crypto) enum Verifier {
    /// The library binds an RSA key to an algorithm, so it is parsed when an algorithm is first used, in the order of [`RSA`].
    Rsa(Box<[OnceLock<Option<ParsedPublicKey>>; RSA.len()]>),
    /// The others have one algorithm.
    Curve(ParsedPublicKey),
}

impl Verifier {
    /// Parses a key, if its point is on the curve.
    pub(in crate::crypto) fn new(octets: &PublicOctets) -> Option<Self> {
        let curve =
            |algorithm: &'static dyn VerificationAlgorithm, point: &[u8]| ParsedPublicKey::new(algorithm, point).map(Self::Curve).ok();
        match octets {
            PublicOctets::Rsa { .. } => Some(Self::Rsa(Box::default())),
            PublicOctets::P256(point) => curve(&names::ECDSA_P256_SHA256_FIXED, point),
            PublicOctets::P384(point) => curve(&names::ECDSA_P384_SHA384_FIXED, point),
            PublicOctets::Ed25519(point) => curve(&names::ED25519, point),
        }
    }

    /// Whether a signature holds, by an algorithm that fits.
    pub(in crate::crypto) fn holds(&self, octets: &PublicOctets, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = match self {
            Self::Rsa(parsed) => {
                let place = RSA.iter().position(|known| *known == algorithm).and_then(|place| parsed.get(place));
                place.and_then(|place| place.get_or_init(|| parse_rsa(octets, algorithm)).as_ref())
            }
            Self::Curve(parsed) => Some(parsed),
        };
        key.is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

fn parse_rsa(octets: &PublicOctets, algorithm: SignatureAlgorithm) -> Option<ParsedPublicKey> {
    let PublicOctets::Rsa { modulus, exponent } = octets else { return None };
    RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(rsa_parameters(algorithm)?).ok()
}

/// Reads a pair for a curve from PKCS#8.
pub(super) fn ecdsa_pair(algorithm: &'static EcdsaSigningAlgorithm, pkcs8: &[u8]) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok()
}

/// Signs by Ed25519.
pub(super) fn sign_ed25519(pair: &Ed25519KeyPair, message: &[u8]) -> Option<Vec<u8>> {
    pair.try_sign(message).ok().map(|signature| signature.as_ref().to_vec())
}

/// How long an RSA key is.
pub(super) enum RsaBits {
    /// 2048 bits.
    Bits2048,
    /// 3072 bits.
    Bits3072,
}

/// Makes an RSA key, as PKCS#8.
pub(super) fn generate_rsa(bits: RsaBits) -> Result<Zeroizing<Vec<u8>>, GenerationFault> {
    let size = match bits {
        RsaBits::Bits2048 => KeySize::Rsa2048,
        RsaBits::Bits3072 => KeySize::Rsa3072,
    };
    let pair = RsaKeyPair::generate(size).map_err(|_| GenerationFault::Failed)?;
    let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| GenerationFault::Failed)?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// Wraps into a buffer of exactly the right length, or says that it could not.
pub(super) fn wrap(wrapping: &[u8; 32], key: &[u8], wrapped: &mut [u8]) -> bool {
    AesKek::new(&AES_256, wrapping).is_ok_and(|wrapping| wrapping.wrap(key, wrapped).is_ok())
}

/// Unwraps into a buffer of exactly the right length, or says that it could not.
pub(super) fn unwrap(wrapping: &[u8; 32], wrapped: &[u8], key: &mut [u8]) -> bool {
    AesKek::new(&AES_256, wrapping).is_ok_and(|wrapping| wrapping.unwrap(wrapped, key).is_ok())
}
