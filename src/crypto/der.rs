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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::{ED25519, ED25519_PUBLIC, P256, P256_PUBLIC, P384, P384_PUBLIC, P521_PUBLIC, RSA, RSA_PUBLIC, octets};

    #[test]
    fn keys_are_told_apart() {
        for (kind, private, public) in [
            (KeyKind::Rsa, RSA, RSA_PUBLIC),
            (KeyKind::P256, P256, P256_PUBLIC),
            (KeyKind::P384, P384, P384_PUBLIC),
            (KeyKind::Ed25519, ED25519, ED25519_PUBLIC),
        ] {
            assert_eq!(read_private_kind(&octets(private)), Ok(kind));
            assert_eq!(read_public_key(&octets(public)).unwrap().0, kind);
            assert!(read_public_key(&octets(private)).is_err() && read_private_kind(&octets(public)).is_err());
        }
        assert_eq!(read_public_key(&octets(P521_PUBLIC)), Err(DerSyntax::UnknownKind));
    }

    #[test]
    fn every_cut_and_every_addition_is_malformed() {
        let whole = octets(ED25519_PUBLIC);
        for length in 0..whole.len() {
            assert!(read_public_key(&whole[..length]).is_err(), "{length}");
        }
        assert_eq!(read_public_key(&[&*whole, &[0]].concat()), Err(DerSyntax::Malformed));
        // Unused bits, an element behind the bit string, and none at all.
        for (at, octet) in [(11, 1), (1, 41), (10, 32)] {
            let mut bent = whole.clone();
            bent[at] = octet;
            assert_eq!(read_public_key(&bent), Err(DerSyntax::Malformed), "{at}");
        }
    }

    #[test]
    fn a_key_that_writes_its_curve_otherwise_is_of_no_kind() {
        // RSA without its NULL, and P-256 as a key for agreement only (RFC 5480 §2.1.2).
        let rsa = b"\x30\x10\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x03\x01\x00";
        let agreement = b"\x30\x16\x30\x11\x06\x05\x2b\x81\x04\x01\x0c\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x01\x00";
        assert_eq!(read_public_key(rsa), Err(DerSyntax::UnknownKind));
        assert_eq!(read_public_key(agreement), Err(DerSyntax::UnknownKind));
    }

    #[test]
    fn lengths_have_one_form() {
        let contents = |der: &[u8]| Reader(der).next(INTEGER).map(<[u8]>::len);
        assert_eq!(contents(b"\x02\x01\x05"), Ok(1));
        assert_eq!(contents(&[&[2, 0x81, 0x80][..], &[1; 0x80]].concat()), Ok(0x80));
        assert_eq!(contents(&[&[2, 0x82, 1, 0][..], &[1; 0x100]].concat()), Ok(0x100));
        // Longer than need be, indefinite, of another tag, and beyond the end.
        for bad in [&b"\x02\x81\x01\x05"[..], b"\x02\x82\x00\x80", b"\x02\x80\x05\x00\x00", b"\x03\x01\x05", b"\x02\x02\x05", b"\x02", b""]
        {
            assert_eq!(contents(bad), Err(DerSyntax::Malformed), "{bad:?}");
        }
        assert_eq!(contents(&[&[2, 0x81, 0x7f][..], &[1; 0x7f]].concat()), Err(DerSyntax::Malformed));
        assert_eq!(contents(&[&[2, 0x82, 0, 0x80][..], &[1; 0x80]].concat()), Err(DerSyntax::Malformed));
    }

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(read_rsa(b"\x30\x07\x02\x02\x00\x81\x02\x01\x03"), Ok((&[0x81][..], &[3][..])));
        for bad in [
            &b"\x30\x07\x02\x02\x00\x01\x02\x01\x03"[..],
            b"\x30\x06\x02\x01\x81\x02\x01\x03",
            b"\x30\x06\x02\x01\x00\x02\x01\x03",
            b"\x30\x05\x02\x00\x02\x01\x03",
            b"\x30\x03\x02\x01\x05",
            b"\x30\x09\x02\x01\x05\x02\x01\x03\x02\x01\x03",
        ] {
            assert_eq!(read_rsa(bad), Err(DerSyntax::Malformed), "{bad:?}");
        }
    }
}
