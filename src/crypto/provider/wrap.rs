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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::hex;

    #[test]
    fn wrapping_agrees_with_rfc_3394() {
        let wrapping: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        for (key, printed) in [
            ("00112233445566778899AABBCCDDEEFF", "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"),
            (
                "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
            ),
        ] {
            assert_eq!(wrap_key(&wrapping, &hex(key)).unwrap(), hex(printed));
            assert_eq!(*unwrap_key(&wrapping, &hex(printed)).unwrap(), hex(key));
        }
    }

    #[test]
    fn what_was_changed_or_wrapped_by_another_key_does_not_unwrap() {
        let wrapped = wrap_key(&[1; 32], &[2; 32]).unwrap();
        assert_eq!(*unwrap_key(&[1; 32], &wrapped).unwrap(), [2; 32]);
        assert_eq!(unwrap_key(&[3; 32], &wrapped), Err(NotAuthentic));
        for bit in 0..wrapped.len() * 8 {
            let mut bent = wrapped.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unwrap_key(&[1; 32], &bent), Err(NotAuthentic), "bit {bit}");
        }
        for cut in 0..wrapped.len() {
            assert_eq!(unwrap_key(&[1; 32], &wrapped[..cut]), Err(NotAuthentic), "{cut}");
        }
    }

    #[test]
    fn lengths_have_bounds() {
        for length in [0, 1, 8, 15, 17, 31] {
            assert_eq!(wrap_key(&[1; 32], &vec![0; length]), Err(SealFault), "{length}");
        }
        for length in [16, 24, 64, 4096] {
            assert_eq!(unwrap_key(&[1; 32], &wrap_key(&[1; 32], &vec![5; length]).unwrap()).unwrap().len(), length);
        }
    }
}
