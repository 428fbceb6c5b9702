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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::hex;

    #[test]
    fn macs_agree_with_rfc_2202_and_rfc_4231() {
        let message = b"what do ya want for nothing?";
        for (algorithm, printed) in [
            (DigestAlgorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (DigestAlgorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (DigestAlgorithm::Sha384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"),
            (
                DigestAlgorithm::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let (key, expected) = (MacKey::new(algorithm, b"Jefe"), hex(printed));
            assert_eq!(key.sign(message).as_ref(), expected);
            assert_eq!(key.verify(message, &expected), Ok(()));
            assert_eq!(key.verify(message, &expected[..16]), Err(MacMismatch));
            assert_eq!(key.verify(message, &[]), Err(MacMismatch));
            assert_eq!(key.verify(b"what do ya want for nothing!", &expected), Err(MacMismatch));
            assert_eq!(MacKey::new(algorithm, b"jefe").verify(message, &expected), Err(MacMismatch));
        }
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", MacKey::new(DigestAlgorithm::Sha256, b"secret")), "MacKey(…)");
    }
}
