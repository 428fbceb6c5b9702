//! Hashing, at once or piece by piece.

use super::backend::{self, digest};
use super::mac::Tag;
use crate::crypto::DigestAlgorithm;
use std::fmt;

/// The length of a SHA-256 digest and of an HMAC-SHA256, in octets (FIPS 180-4 §1).
pub const DIGEST_LENGTH: usize = 32;

/// The SHA-256 of a message (FIPS 180-4 §6.2).
pub fn sha256(message: &[u8]) -> [u8; DIGEST_LENGTH] {
    let mut octets = [0; DIGEST_LENGTH];
    octets.copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
    octets
}

/// The digest of a message that is there as a whole.
pub fn digest(algorithm: DigestAlgorithm, message: &[u8]) -> Digest {
    Digest(Octets::Hash(digest::digest(function(algorithm), message)))
}

/// A digest in the making, for a message that comes in pieces.
#[derive(Clone)]
pub struct Hasher(digest::Context);

impl Hasher {
    /// Begins with the empty message.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(digest::Context::new(function(algorithm)))
    }

    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of everything that was taken.
    pub fn finish(self) -> Digest {
        Digest(Octets::Hash(self.0.finish()))
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(…)")
    }
}

/// A digest or a MAC, on the stack. It is compared in constant time only, and never prints.
#[derive(Clone, Copy)]
pub struct Digest(Octets);

#[derive(Clone, Copy)]
enum Octets {
    Hash(digest::Digest),
    Mac(Tag),
}

impl Digest {
    pub(super) fn from_tag(tag: Tag) -> Self {
        Self(Octets::Mac(tag))
    }

    /// Whether it is this digest, whole, in constant time.
    pub fn matches(&self, octets: &[u8]) -> bool {
        same_octets(self.as_ref(), octets)
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Octets::Hash(digest) => digest.as_ref(),
            Octets::Mac(tag) => tag.as_ref(),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// Whether two strings of octets are the same, in a time that depends on their lengths only.
#[cfg_attr(not(feature = "aws-lc-rs"), allow(deprecated, reason = "deprecated for want of a promise, which nobody else gives either"))]
pub fn same_octets(one: &[u8], other: &[u8]) -> bool {
    backend::constant_time::verify_slices_are_equal(one, other).is_ok()
}

fn function(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    }
}
