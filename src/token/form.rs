//! `application/x-www-form-urlencoded`, strict: a bad escape or text that is not UTF-8 is an error.

use std::borrow::Cow;

/// The media type of forms in content.
pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Why a piece of a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormSyntax {
    /// A `%` without two hexadecimal digits after it (RFC 3986 §2.1).
    Escape,
    /// The decoded octets are not UTF-8.
    Utf8,
}

/// A name and a value as they stand, not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// What stands before the first `=`.
    pub name: &'a [u8],
    /// What stands after it; empty where there is no `=`.
    pub value: &'a [u8],
}

/// The pairs of a query or a form, in order; empty pieces between two `&` are left out.
pub fn pairs(form: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    form.split(|octet| *octet == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = split_pair(piece).unwrap_or((piece, &[]));
        Pair { name, value }
    })
}

/// Splits a piece at its first `=`; nothing where there is none.
pub fn split_pair(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = piece.split_at_checked(memchr::memchr(b'=', piece)?)?;
    Some((name, rest.get(1..)?))
}

/// Decodes one name or value; borrows where there is nothing to decode.
///
/// # Errors
/// A bad escape, or not UTF-8 after decoding.
pub fn decode(raw: &[u8]) -> Result<Cow<'_, str>, FormSyntax> {
    if memchr::memchr2(b'%', b'+', raw).is_none() {
        return std::str::from_utf8(raw).map(Cow::Borrowed).map_err(|_| FormSyntax::Utf8);
    }
    let mut octets = Vec::with_capacity(raw.len());
    decode_onto(raw, &mut octets)?;
    String::from_utf8(octets).map(Cow::Owned).map_err(|_| FormSyntax::Utf8)
}

/// Appends the decoded octets, which need not be UTF-8.
///
/// # Errors
/// A bad escape; what was appended before it stays.
pub fn decode_onto(raw: &[u8], out: &mut Vec<u8>) -> Result<(), FormSyntax> {
    let mut rest = raw;
    while let Some((plain, coded)) = memchr::memchr2(b'%', b'+', rest).and_then(|place| rest.split_at_checked(place)) {
        out.extend_from_slice(plain);
        let (octet, after) = match coded {
            [b'%', high, low, after @ ..] => (hex_pair(*high, *low).ok_or(FormSyntax::Escape)?, after),
            [b'+', after @ ..] => (b' ', after),
            _ => return Err(FormSyntax::Escape),
        };
        out.push(octet);
        rest = after;
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Decodes into a buffer, without allocating; nothing where an escape is bad or the buffer too small,
/// since both mean that it is not what the caller expects.
pub fn decode_into<'b>(raw: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut length = 0;
    for octet in (Decoded { rest: raw }) {
        *buffer.get_mut(length)? = octet.ok()?;
        length += 1;
    }
    buffer.get(..length)
}

/// Whether a raw name or value decodes to `expected`, without allocating.
pub fn decodes_to(raw: &[u8], expected: &str) -> bool {
    let mut octets = Decoded { rest: raw };
    expected.bytes().all(|wanted| octets.next() == Some(Ok(wanted))) && octets.next().is_none()
}

/// The decoded octets, one by one.
pub fn octets(raw: &[u8]) -> impl Iterator<Item = Result<u8, FormSyntax>> + '_ {
    Decoded { rest: raw }
}

/// Appends `text` encoded as ACS did: lower-case hexadecimal digits, `+` for a space.
pub fn encode_into(text: &str, out: &mut String) {
    for octet in text.bytes() {
        match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => out.push(char::from(octet)),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(hex_digit(octet >> 4));
                out.push(hex_digit(octet & 0x0f));
            }
        }
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

struct Decoded<'a> {
    rest: &'a [u8],
}

impl Iterator for Decoded<'_> {
    type Item = Result<u8, FormSyntax>;

    fn next(&mut self) -> Option<Self::Item> {
        let (octet, rest) = match self.rest {
            [] => return None,
            [b'%', high, low, rest @ ..] => (hex_pair(*high, *low), rest),
            [b'%', ..] => (None, [].as_slice()),
            [b'+', rest @ ..] => (Some(b' '), rest),
            [plain, rest @ ..] => (Some(*plain), rest),
        };
        self.rest = rest;
        Some(octet.ok_or(FormSyntax::Escape))
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    Some(hex_value(high)? << 4 | hex_value(low)?)
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_of_either_case_and_plus_are_decoded() {
        assert_eq!(decode(b"http%3a%2F%2fa+b%20c").unwrap(), "http://a b c");
        assert_eq!(decode("%c3%a9".as_bytes()).unwrap(), "é");
        assert!(matches!(decode(b"plain:/"), Ok(Cow::Borrowed("plain:/"))));
    }

    #[test]
    fn bad_escapes_and_bad_text_are_errors() {
        for raw in ["%", "%4", "%g0", "%0g", "a%", "%%41", "%-1", "%+1", "%\u{e9}"] {
            assert_eq!(decode(raw.as_bytes()), Err(FormSyntax::Escape), "{raw}");
        }
        for raw in [b"%ff".as_slice(), b"%c0%af", b"\xff", b"%ed%a0%80"] {
            assert_eq!(decode(raw), Err(FormSyntax::Utf8), "{raw:?}");
        }
    }

    #[test]
    fn pairs_keep_order_and_split_at_the_first_equals_sign() {
        let list: Vec<_> = pairs(b"a=1&&b=2=3&c&=d&").map(|pair| (pair.name, pair.value)).collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b"2=3"), (b"c", b""), (b"", b"d")];
        assert_eq!(list, expected);
    }

    #[test]
    fn comparison_decodes_and_is_exact() {
        assert!(decodes_to(b"%77rap_access_token", "wrap_access_token"));
        for other in ["wrap_access_toke", "wrap_access_token%00", "wrap_access_token%", "Wrap_access_token", ""] {
            assert!(!decodes_to(other.as_bytes(), "wrap_access_token"), "{other}");
        }
    }

    #[test]
    fn a_buffer_takes_what_fits() {
        assert_eq!(decode_into(b"a%2fb", &mut [0; 3]), Some(b"a/b".as_slice()));
        assert_eq!(decode_into(b"a%2fbc", &mut [0; 3]), None);
        assert_eq!(decode_into(b"a%2", &mut [0; 3]), None);
    }

    proptest! {
        #[test]
        fn encoding_and_decoding_are_inverse(text in ".*") {
            let mut encoded = String::new();
            encode_into(&text, &mut encoded);
            prop_assert!(encoded.bytes().all(|octet| octet.is_ascii_graphic() && !b"&=".contains(&octet)));
            prop_assert_eq!(decode(encoded.as_bytes()).unwrap(), text.as_str());
            prop_assert!(decodes_to(encoded.as_bytes(), &text));
        }

        #[test]
        fn no_octets_make_it_panic(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&raw);
            for pair in pairs(&raw) {
                let _ = decodes_to(pair.name, "a");
            }
        }
    }
}
