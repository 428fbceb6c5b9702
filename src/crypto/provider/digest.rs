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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::hex;

    const ABC: [(DigestAlgorithm, &str); 4] = [
        (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (DigestAlgorithm::Sha384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"),
        (
            DigestAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];

    #[test]
    fn digests_agree_with_fips_180() {
        for (algorithm, printed) in ABC {
            let expected = hex(printed);
            assert_eq!(digest(algorithm, b"abc").as_ref(), expected);
            assert_eq!(algorithm.length(), expected.len());
            let mut hasher = Hasher::new(algorithm);
            for piece in [&b"a"[..], b"", b"bc"] {
                hasher.update(piece);
            }
            assert!(hasher.clone().finish().matches(&expected));
            hasher.update(b"d");
            assert!(!hasher.finish().matches(&expected));
        }
        assert_eq!(sha256(b"abc"), *digest(DigestAlgorithm::Sha256, b"abc").as_ref());
        assert_eq!(sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }

    #[test]
    fn pieces_of_any_size_make_the_same_digest() {
        let message: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for (algorithm, _) in ABC {
            for size in [1, 63, 64, 65, 127, 128, 129, 999] {
                let mut hasher = Hasher::new(algorithm);
                message.chunks(size).for_each(|piece| hasher.update(piece));
                assert!(hasher.finish().matches(digest(algorithm, &message).as_ref()), "{algorithm:?} {size}");
            }
        }
    }

    #[test]
    fn nothing_but_the_whole_digest_matches() {
        let digest = digest(DigestAlgorithm::Sha512, b"abc");
        let whole = digest.as_ref().to_vec();
        assert!(digest.matches(&whole));
        assert!(!digest.matches(&whole[..63]) && !digest.matches(&[]) && !digest.matches(&[&*whole, &[0]].concat()));
        for bit in 0..whole.len() * 8 {
            let mut bent = whole.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(!digest.matches(&bent), "bit {bit}");
        }
    }

    #[test]
    fn octets_are_the_same_or_not() {
        assert!(same_octets(b"", b"") && same_octets(b"ab", b"ab"));
        assert!(!same_octets(b"ab", b"ac") && !same_octets(b"bb", b"ab") && !same_octets(b"ab", b"abc") && !same_octets(b"a", b""));
    }

    #[test]
    fn digests_do_not_print() {
        let told = format!("{:?}{:?}", digest(DigestAlgorithm::Sha1, b""), Hasher::new(DigestAlgorithm::Sha1));
        assert_eq!(told, "Digest(…)Hasher(…)");
    }
}
