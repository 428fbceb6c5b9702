//! Who holds a token: the principal, and the key by which requests are proved to come from it.

use super::wire::SignatureName;
use crate::clock::UnixTime;
use crate::crypto::{DigestAlgorithm, MacKey, PublicKey, SignatureAlgorithm};
use crate::scheme::{Principal, Rejection};
use crate::store::{HolderKeys, Namespace};
use crate::token::context::{FirstProfile, SECRET_LENGTH};
use crate::token::jose::Primitive;
use crate::token::jose::cnf::{ProofKey, ProofMaterial};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token that holds: whose it is, and how its holder proves it. It does not print.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) principal: Arc<Principal>,
    pub(super) key: HolderKey,
    pub(super) standing: Standing,
    /// Nonces are told apart by it.
    pub(super) namespace: Namespace,
    /// Which of its issuer's keys the token holds by, where those change: another generation judges anew.
    pub(super) generation: u64,
}

/// What kind of token it is.
#[derive(Clone, Copy)]
pub(super) enum Standing {
    /// One that a context may come from.
    Token(FirstProfile),
    /// A context.
    Context { issued: UnixTime },
}

/// The key of a holder.
#[derive(Clone)]
pub(super) enum HolderKey {
    /// The secret of a context: HMAC-SHA256 and nothing else.
    Context(Zeroizing<[u8; SECRET_LENGTH]>),
    /// What a token says of its holder.
    Token(Arc<ProofKey>),
    /// The key of a certificate.
    Certificate(Arc<PublicKey>),
}

impl Standing {
    /// The profile's word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Token(profile) => profile.word(),
            Self::Context { .. } => "sct",
        }
    }
}

impl HolderKey {
    /// Checks a signature. The key decides which algorithms there are; the name only picks one of them.
    ///
    /// # Errors
    /// The algorithm is none that this key is for, or the signature is wrong.
    pub(super) fn verify(&self, name: SignatureName, message: &[u8], signature: &[u8], keys: &HolderKeys) -> Result<(), Rejection> {
        match (self, primitive(name)) {
            (Self::Context(secret), Primitive::Mac(DigestAlgorithm::Sha256)) => {
                check_mac(DigestAlgorithm::Sha256, secret.as_slice(), message, signature)
            }
            (Self::Context(_), _) => Err(Rejection::AlgorithmRefused(Box::default())),
            (Self::Token(key), primitive) => {
                if key.bound().is_some_and(|bound| bound.primitive() != primitive) {
                    return Err(Rejection::AlgorithmRefused(Box::default()));
                }
                match (key.material(), primitive) {
                    (ProofMaterial::Secret(secret), Primitive::Mac(hash)) => check_mac(hash, secret, message, signature),
                    (ProofMaterial::Public(public), Primitive::Signature(algorithm)) => {
                        check_signature((public, keys), algorithm, message, signature)
                    }
                    (ProofMaterial::Secret(_), Primitive::Signature(_)) | (ProofMaterial::Public(_), Primitive::Mac(_)) => {
                        Err(Rejection::AlgorithmRefused(Box::default()))
                    }
                }
            }
            (Self::Certificate(public), Primitive::Signature(algorithm)) => check_signature((public, keys), algorithm, message, signature),
            (Self::Certificate(_), Primitive::Mac(_)) => Err(Rejection::AlgorithmRefused(Box::default())),
        }
    }

    /// The memory it holds, roughly.
    pub(super) fn octets(&self) -> usize {
        /// A parsed public key with what the library prepared for it.
        const PARSED: usize = 1024;
        match self {
            Self::Context(_) => 0,
            Self::Token(_) | Self::Certificate(_) => PARSED,
        }
    }
}

const fn primitive(name: SignatureName) -> Primitive {
    match name {
        SignatureName::HmacSha256 => Primitive::Mac(DigestAlgorithm::Sha256),
        SignatureName::HmacSha512 => Primitive::Mac(DigestAlgorithm::Sha512),
        SignatureName::HmacSha1 => Primitive::Mac(DigestAlgorithm::Sha1),
        SignatureName::RsaSha256 => Primitive::Signature(SignatureAlgorithm::RsaPkcs1Sha256),
        SignatureName::RsaPssSha256 => Primitive::Signature(SignatureAlgorithm::RsaPssSha256),
        SignatureName::RsaSha1 => Primitive::Signature(SignatureAlgorithm::RsaPkcs1Sha1),
        SignatureName::EcdsaP256Sha256 => Primitive::Signature(SignatureAlgorithm::EcdsaP256Sha256),
        SignatureName::EcdsaP384Sha384 => Primitive::Signature(SignatureAlgorithm::EcdsaP384Sha384),
        SignatureName::Ed25519 => Primitive::Signature(SignatureAlgorithm::Ed25519),
    }
}

fn check_mac(hash: DigestAlgorithm, secret: &[u8], message: &[u8], mac: &[u8]) -> Result<(), Rejection> {
    MacKey::new(hash, secret).verify(message, mac).map_err(|_| Rejection::HolderSignatureInvalid)
}

fn check_signature(
    (key, keys): (&PublicKey, &HolderKeys),
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Rejection> {
    if algorithm.kind() != key.kind() {
        return Err(Rejection::AlgorithmRefused(Box::default()));
    }
    keys.verify(key, algorithm, message, signature).map_err(|_| Rejection::HolderSignatureInvalid)
}
