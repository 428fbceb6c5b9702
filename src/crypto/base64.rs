//! Base64 with padding (RFC 4648 §4), strict: no white space, no missing padding, no stray last bits.

use base64_simd::{AsOut, STANDARD};

/// The text is not base64, or does not decode to the length asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Syntax;

/// Decodes into the buffer of the caller, which it must fit; the part that was filled is returned.
///
/// # Errors
/// The text is not canonical base64, or is longer than the buffer.
pub fn decode<'b>(text: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Base64Syntax> {
    let length = STANDARD.decoded_length(text).map_err(|_| Base64Syntax)?;
    let room = buffer.get_mut(..length).ok_or(Base64Syntax)?;
    match STANDARD.decode(text, room.as_out()) {
        Ok(decoded) => Ok(decoded),
        Err(_) => Err(Base64Syntax),
    }
}

/// Decodes exactly `N` octets.
///
/// # Errors
/// The text is not canonical base64 of `N` octets.
pub fn decode_exactly<const N: usize>(text: &[u8]) -> Result<[u8; N], Base64Syntax> {
    let mut octets = [0; N];
    let decoded = decode(text, &mut octets)?.len();
    if decoded == N { Ok(octets) } else { Err(Base64Syntax) }
}

/// Encodes, with padding.
pub fn encode(octets: &[u8]) -> String {
    STANDARD.encode_to_string(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_hold_both_ways() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text.as_bytes(), &mut [0; 8]), Ok(plain.as_bytes()));
        }
    }

    #[test]
    fn loose_forms_are_refused() {
        for text in ["Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9-", "Z===", "====", "Zm9vZg==Zm9v"] {
            assert_eq!(decode(text.as_bytes(), &mut [0; 16]), Err(Base64Syntax), "{text:?}");
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_is_an_error() {
        assert_eq!(decode(b"Zm9v", &mut [0; 2]), Err(Base64Syntax));
        assert_eq!(decode_exactly::<3>(b"Zm9v"), Ok(*b"foo"));
        assert_eq!(decode_exactly::<4>(b"Zm9v"), Err(Base64Syntax));
    }
}
