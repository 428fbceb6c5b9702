//! Message authentication by a key that both sides have.

use super::Digest;
use super::backend::hmac;
use crate::crypto::DigestAlgorithm;
use std::fmt;

pub(super) use hmac::Tag;

/// A prepared key for HMAC (RFC 2104, FIPS 198-1). Both padded blocks are hashed once, here.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Prepares a key. How long a key must be is the business of what uses it.
    pub fn new(algorithm: DigestAlgorithm, key: &[u8]) -> Self {
        Self(hmac::Key::new(function(algorithm), key))
    }

    /// The MAC of a message.
    pub fn sign(&self, message: &[u8]) -> Digest {
        Digest::from_tag(hmac::sign(&self.0, message))
    }

    /// Compares the MAC of a message with `mac`, in constant time. A truncated MAC does not hold.
    ///
    /// # Errors
    /// It is not the MAC of this message by this key.
    pub fn verify(&self, message: &[u8], mac: &[u8]) -> Result<(), MacMismatch> {
        hmac::verify(&self.0, message, mac).map_err(|_| MacMismatch)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}

/// A MAC does not belong to the message and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacMismatch;

fn function(algorithm: DigestAlgorithm) -> hmac::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlgorithm::Sha256 => hmac::HMAC_SHA256,
        DigestAlgorithm::Sha384 => hmac::HMAC_SHA384,
        DigestAlgorithm::Sha512 => hmac::HMAC_SHA512,
    }
}
