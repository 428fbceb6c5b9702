//! Sealing: encryption that also shows whether anything was changed.

use super::backend::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;

/// The length of a nonce in octets (SP 800-38D §8.2).
pub const NONCE_LENGTH: usize = 12;
/// By how many octets a sealed text is longer.
pub const TAG_LENGTH: usize = 16;

/// A prepared key for AES-256-GCM (SP 800-38D, RFC 5116 §5.2).
pub struct AeadKey(LessSafeKey);

impl AeadKey {
    /// Prepares a key.
    ///
    /// # Errors
    /// The library has no memory for it.
    pub fn aes_256_gcm(key: &[u8; 32]) -> Result<Self, SealFault> {
        UnboundKey::new(&AES_256_GCM, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_| SealFault)
    }

    /// Encrypts in place and appends the tag. No nonce may ever come twice with one key: whoever calls this
    /// draws it afresh, and changes the key before 2³² texts.
    ///
    /// # Errors
    /// The text is longer than 64 GiB, or the library failed.
    pub fn seal(&self, nonce: [u8; NONCE_LENGTH], associated: &[u8], in_out: &mut Vec<u8>) -> Result<(), SealFault> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce, Aad::from(associated), in_out).map_err(|_| SealFault)
    }

    /// Decrypts in place what was sealed with the same nonce and associated data, tag last.
    ///
    /// # Errors
    /// It was sealed otherwise, or changed. The buffer then holds nothing of use.
    pub fn open<'b>(&self, nonce: [u8; NONCE_LENGTH], associated: &[u8], in_out: &'b mut [u8]) -> Result<&'b mut [u8], NotAuthentic> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(associated), in_out).map_err(|_| NotAuthentic)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(…)")
    }
}

/// Something could not be sealed or wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealFault;

/// Something was not sealed or wrapped with this key, or was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

impl fmt::Display for SealFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the crypto backend could not seal")
    }
}

impl std::error::Error for SealFault {}

impl fmt::Display for NotAuthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not sealed with this key, or changed since")
    }
}

impl std::error::Error for NotAuthentic {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::hex;

    const KEY: [u8; 32] = [7; 32];
    const NONCE: [u8; NONCE_LENGTH] = [9; NONCE_LENGTH];

    fn key(octets: &[u8; 32]) -> AeadKey {
        AeadKey::aes_256_gcm(octets).unwrap()
    }

    #[test]
    fn sealing_agrees_with_the_sixteenth_case_of_its_authors() {
        let secret = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").try_into().unwrap();
        let nonce = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
        let mut text = plain.clone();
        let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        key(&secret).seal(nonce, &associated, &mut text).unwrap();
        let sealed = hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b");
        assert_eq!(text, sealed);
        assert_eq!(key(&secret).open(nonce, &associated, &mut text).unwrap(), plain);
    }

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        let mut sealed = b"a principal".to_vec();
        key(&KEY).seal(NONCE, b"scheme", &mut sealed).unwrap();
        assert_eq!(sealed.len(), 11 + TAG_LENGTH);
        assert_eq!(key(&KEY).open(NONCE, b"scheme", &mut sealed.clone()).unwrap(), b"a principal");
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key(&KEY).open(NONCE, b"scheme", &mut bent), Err(NotAuthentic), "bit {bit}");
        }
        for cut in 0..sealed.len() {
            assert_eq!(key(&KEY).open(NONCE, b"scheme", &mut sealed[..cut].to_vec()), Err(NotAuthentic), "{cut}");
        }
        assert_eq!(key(&[8; 32]).open(NONCE, b"scheme", &mut sealed.clone()), Err(NotAuthentic));
        assert_eq!(key(&KEY).open([0; 12], b"scheme", &mut sealed.clone()), Err(NotAuthentic));
        assert_eq!(key(&KEY).open(NONCE, b"schema", &mut sealed.clone()), Err(NotAuthentic));
    }

    #[test]
    fn nothing_can_be_sealed_too() {
        let mut sealed = Vec::new();
        key(&KEY).seal(NONCE, b"", &mut sealed).unwrap();
        assert_eq!(key(&KEY).open(NONCE, b"", &mut sealed).unwrap(), b"");
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", key(&KEY)), "AeadKey(…)");
    }
}
