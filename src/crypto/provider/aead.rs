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
