//! The little of DER (X.690 §10) that keys are wrapped in, read strictly.

use super::KeyKind;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The contents of an AlgorithmIdentifier, parameters included, for each kind of key (RFC 3279 §2.3, RFC 5480 §2.1, RFC 8410 §3).
const IDENTIFIERS: [(KeyKind, &[u8]); 4] = [
    (KeyKind::Rsa, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"),
    (KeyKind::P256, b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
    (KeyKind::P384, b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"),
    (KeyKind::Ed25519, b"\x06\x03\x2b\x65\x70"),
];

/// The octets are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DerSyntax {
    /// They are not DER, or not of this structure.
    Malformed,
    /// They are, but for a kind of key that is not taken here.
    UnknownKind,
}

/// Reads a SubjectPublicKeyInfo (RFC 5280 §4.1): the kind of the key, and what the bit string holds.
pub(super) fn read_public_key(der: &[u8]) -> Result<(KeyKind, &[u8]), DerSyntax> {
    let mut info = Reader(der).only(SEQUENCE)?;
    let kind = find_kind(info.next(SEQUENCE)?)?;
    match info.only(BIT_STRING)?.0 {
        [0, key @ ..] => Ok((kind, key)),
        _ => Err(DerSyntax::Malformed),
    }
}

/// Reads from a PrivateKeyInfo (RFC 5958 §2) what kind of key it is. The rest is for who uses the key.
pub(super) fn read_private_kind(der: &[u8]) -> Result<KeyKind, DerSyntax> {
    let mut info = Reader(der).only(SEQUENCE)?;
    info.next(INTEGER)?;
    find_kind(info.next(SEQUENCE)?)
}

/// Reads an RSAPublicKey (RFC 8017 §A.1.1): modulus and exponent without leading zeros.
pub(super) fn read_rsa(der: &[u8]) -> Result<(&[u8], &[u8]), DerSyntax> {
    let mut key = Reader(der).only(SEQUENCE)?;
    let modulus = natural(key.next(INTEGER)?)?;
    let exponent = natural(key.only(INTEGER)?.0)?;
    Ok((modulus, exponent))
}

fn find_kind(identifier: &[u8]) -> Result<KeyKind, DerSyntax> {
    let known = IDENTIFIERS.iter().find(|(_, known)| *known == identifier);
    known.map(|(kind, _)| *kind).ok_or(DerSyntax::UnknownKind)
}

/// The octets of an integer that is not negative and not longer than it must be.
fn natural(integer: &[u8]) -> Result<&[u8], DerSyntax> {
    match integer {
        [0, rest @ ..] if rest.first().is_some_and(|first| *first > 0x7f) => Ok(rest),
        [1..=0x7f, ..] => Ok(integer),
        _ => Err(DerSyntax::Malformed),
    }
}

/// Elements that stand one after another.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    /// The contents of the next element, which must have this tag.
    fn next(&mut self, tag: u8) -> Result<&'d [u8], DerSyntax> {
        let (length, rest) = match self.0 {
            [found, length @ 0..=0x7f, rest @ ..] if *found == tag => (usize::from(*length), rest),
            [found, 0x81, length @ 0x80..=0xff, rest @ ..] if *found == tag => (usize::from(*length), rest),
            [found, 0x82, high @ 1..=0xff, low, rest @ ..] if *found == tag => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => return Err(DerSyntax::Malformed),
        };
        let (contents, rest) = rest.split_at_checked(length).ok_or(DerSyntax::Malformed)?;
        self.0 = rest;
        Ok(contents)
    }

    /// The elements inside the last element, which must have this tag.
    fn only(mut self, tag: u8) -> Result<Self, DerSyntax> {
        let contents = self.next(tag)?;
        if self.0.is_empty() { Ok(Self(contents)) } else { Err(DerSyntax::Malformed) }
    }
}
