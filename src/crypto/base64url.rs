//! Base64 for URLs without padding (RFC 4648 §5), strict: no white space, no padding, no stray last bits.

use super::base64::Base64Syntax;
use base64_simd::{AsOut, URL_SAFE_NO_PAD};

/// Decodes into the buffer of the caller, which it must fit; the part that was filled is returned.
///
/// # Errors
/// The text is not canonical, or is longer than the buffer.
pub fn decode<'b>(text: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Base64Syntax> {
    let length = URL_SAFE_NO_PAD.decoded_length(text).map_err(|_| Base64Syntax)?;
    let room = buffer.get_mut(..length).ok_or(Base64Syntax)?;
    match URL_SAFE_NO_PAD.decode(text, room.as_out()) {
        Ok(decoded) => Ok(decoded),
        Err(_) => Err(Base64Syntax),
    }
}

/// Decodes into fresh memory. Who calls it has bounded the text.
///
/// # Errors
/// The text is not canonical.
pub fn decode_to_vec(text: &[u8]) -> Result<Vec<u8>, Base64Syntax> {
    URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| Base64Syntax)
}

/// Decodes exactly `N` octets.
///
/// # Errors
/// The text is not canonical, or not of `N` octets.
pub fn decode_exactly<const N: usize>(text: &[u8]) -> Result<[u8; N], Base64Syntax> {
    let mut octets = [0; N];
    let decoded = decode(text, &mut octets)?.len();
    if decoded == N { Ok(octets) } else { Err(Base64Syntax) }
}

/// Encodes.
pub fn encode(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(octets)
}

/// Encodes behind what the text holds already.
pub fn append(octets: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_append(octets, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_and_rfc_7515_hold_both_ways() {
        let cases: [(&[u8], &str); 6] =
            [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy"), (&[3, 236, 255, 224, 193], "A-z_4ME")];
        for (plain, text) in cases {
            assert_eq!(encode(plain), text);
            assert_eq!(decode(text.as_bytes(), &mut [0; 8]), Ok(plain));
            assert_eq!(decode_to_vec(text.as_bytes()), Ok(plain.to_vec()));
        }
    }

    #[test]
    fn loose_forms_are_refused() {
        for text in ["Z", "Zg==", "Zg=", "Zh", "Zm9", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9+", "Zm9/", "A-z_4MF", "=", "Zm9vZ", "Zm9ü"] {
            assert_eq!(decode(text.as_bytes(), &mut [0; 16]), Err(Base64Syntax), "{text:?}");
            assert_eq!(decode_to_vec(text.as_bytes()), Err(Base64Syntax), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_exact() {
        assert_eq!(decode(b"Zm9v", &mut [0; 2]), Err(Base64Syntax));
        assert_eq!(decode_exactly::<3>(b"Zm9v"), Ok(*b"foo"));
        assert_eq!(decode_exactly::<4>(b"Zm9v"), Err(Base64Syntax));
    }

    #[test]
    fn appending_keeps_what_is_there() {
        let mut text = String::from("head.");
        append(b"foo", &mut text);
        assert_eq!(text, "head.Zm9v");
    }
}
