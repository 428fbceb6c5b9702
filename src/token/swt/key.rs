//! Keys for Simple Web Tokens: 32 random octets, exchanged as base64.

use crate::crypto::{DIGEST_LENGTH, Digest, DigestAlgorithm, MacKey, Random, RandomUnavailable, base64};
use std::fmt;
use zeroize::Zeroizing;

/// The length of a key in octets, which the specification fixes: as long as the MAC it makes.
const KEY_LENGTH: usize = 32;
/// A key as text: 32 octets in base64.
const KEY_TEXT_LENGTH: usize = KEY_LENGTH.div_ceil(3) * 4;

/// A key that is strong enough to make and check tokens with. It never prints.
#[derive(Clone, Debug)]
pub struct SwtKey(MacKey);

/// Why something is not a key. Says nothing about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySyntax {
    /// It is not base64 with padding.
    NotBase64,
    /// It is base64 of fewer or more than 32 octets.
    WrongLength,
}

impl SwtKey {
    /// A key of exactly 32 octets.
    ///
    /// # Errors
    /// Fewer octets would be weaker than the MAC, and more are not what the issuer means by a key.
    pub fn from_octets(octets: &[u8]) -> Result<Self, KeySyntax> {
        if octets.len() == KEY_LENGTH { Ok(Self(MacKey::new(DigestAlgorithm::Sha256, octets))) } else { Err(KeySyntax::WrongLength) }
    }

    /// Reads a key from base64, with white space around it as files have.
    ///
    /// # Errors
    /// It is not base64 of 32 octets.
    pub fn from_text(text: &[u8]) -> Result<Self, KeySyntax> {
        let text = text.trim_ascii();
        // Room for a little more than a key, to tell a key of the wrong length from a text that is none.
        let mut octets = Zeroizing::new([0; KEY_LENGTH * 2]);
        match base64::decode(text, octets.as_mut_slice()) {
            Ok(decoded) => Self::from_octets(decoded),
            Err(_) if is_base64_shaped(text) && text.len() != KEY_TEXT_LENGTH => Err(KeySyntax::WrongLength),
            Err(_) => Err(KeySyntax::NotBase64),
        }
    }

    pub(super) fn sign(&self, signed: &[u8]) -> Digest {
        self.0.sign(signed)
    }

    pub(super) fn made(&self, signed: &[u8], mac: &[u8; DIGEST_LENGTH]) -> bool {
        self.0.verify(signed, mac).is_ok()
    }
}

/// A fresh key as text, ready for a key file.
///
/// # Errors
/// There is no randomness to make it of.
pub fn draw_key(random: &impl Random) -> Result<Zeroizing<String>, RandomUnavailable> {
    let mut octets = Zeroizing::new([0; KEY_LENGTH]);
    random.fill(octets.as_mut_slice())?;
    Ok(Zeroizing::new(base64::encode(octets.as_slice())))
}

fn is_base64_shaped(text: &[u8]) -> bool {
    text.len().is_multiple_of(4) && text.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(octet))
}

impl fmt::Display for KeySyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBase64 => "not base64 with padding",
            Self::WrongLength => "base64 of fewer or more than 32 octets",
        })
    }
}

impl std::error::Error for KeySyntax {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, octets: &mut [u8]) -> Result<(), RandomUnavailable> {
            octets.fill(7);
            Ok(())
        }
    }

    #[test]
    fn only_32_octets_are_a_key() {
        for length in [0, 1, 16, 31, 33, 64] {
            assert_eq!(SwtKey::from_octets(&vec![1; length]).unwrap_err(), KeySyntax::WrongLength, "{length}");
            assert_eq!(SwtKey::from_text(base64::encode(&vec![1; length]).as_bytes()).unwrap_err(), KeySyntax::WrongLength, "{length}");
        }
        assert!(SwtKey::from_octets(&[1; 32]).is_ok());
    }

    #[test]
    fn keys_are_read_with_white_space_around_them() {
        let text = b"\n N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=\r\n";
        assert!(SwtKey::from_text(text).is_ok());
        for wrong in ["N4QeKa3c062VBjnVK6fb-rnwURkcwGXh7EoNK34n0uM=", "N4QeKa3c062VBjnVK6fb rnwURkcwGXh7EoNK34n0uM=", "not a key"] {
            assert_eq!(SwtKey::from_text(wrong.as_bytes()).unwrap_err(), KeySyntax::NotBase64, "{wrong}");
        }
    }

    #[test]
    fn fresh_keys_are_keys_and_do_not_print() {
        let text = draw_key(&Sevens).unwrap();
        assert_eq!(*text, base64::encode(&[7; 32]));
        assert_eq!(format!("{:?}", SwtKey::from_text(text.as_bytes()).unwrap()), "SwtKey(MacKey(…))");
    }
}
