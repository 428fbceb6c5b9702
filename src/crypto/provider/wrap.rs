//! Wrapping keys in keys (RFC 3394, SP 800-38F §6.2).

use super::different;
use super::{NotAuthentic, SealFault};
use zeroize::Zeroizing;

/// The length of a key that wraps, in octets.
pub const WRAPPING_KEY_LENGTH: usize = 32;
/// By how many octets a wrapped key is longer.
const OVERHEAD: usize = 8;
/// Keys are wrapped in pieces of so many octets.
const PIECE: usize = 8;
/// The shortest key that can be wrapped, in octets.
const SHORTEST: usize = 2 * PIECE;

/// Wraps a key with AES-256, which makes it 8 octets longer.
///
/// # Errors
/// The key has fewer than 16 octets or is no multiple of 8, or the library failed.
pub fn wrap_key(wrapping: &[u8; WRAPPING_KEY_LENGTH], key: &[u8]) -> Result<Vec<u8>, SealFault> {
    if key.len() < SHORTEST || !key.len().is_multiple_of(PIECE) {
        return Err(SealFault);
    }
    let mut wrapped = vec![0; key.len() + OVERHEAD];
    if different::wrap(wrapping, key, &mut wrapped) { Ok(wrapped) } else { Err(SealFault) }
}

/// Takes a key out that was wrapped with AES-256.
///
/// # Errors
/// It was not wrapped with this key, or changed since.
pub fn unwrap_key(wrapping: &[u8; WRAPPING_KEY_LENGTH], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
    let length = wrapped.len().saturating_sub(OVERHEAD);
    if length < SHORTEST || !length.is_multiple_of(PIECE) {
        return Err(NotAuthentic);
    }
    let mut key = Zeroizing::new(vec![0; length]);
    if different::unwrap(wrapping, wrapped, &mut key) { Ok(key) } else { Err(NotAuthentic) }
}
