//! Encoded points of Ed25519 that are no keys, because anybody can sign for them.

use super::UnusableKey;

/// The first octet of the field's prime, 2^255 - 19, the others being the largest there are.
const PRIME_BEGINS: u8 = 0xed;

/// The second coordinates of the eight points whose order divides eight, in their one encoding (RFC 8032 §5.1.2).
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    *b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
];

/// Judges an encoded point as far as that can be done without computing: whether it is the one encoding of its second
/// coordinate (RFC 8032 §5.1.3), and of no small order.
///
/// # Errors
/// It is not.
pub(super) fn judge_point(point: &[u8; 32]) -> Result<(), UnusableKey> {
    let mut coordinate = *point;
    if let Some(last) = coordinate.last_mut() {
        // The uppermost bit is the sign of the other coordinate.
        *last &= 0x7f;
    }
    let reaches_prime = match coordinate {
        [first, between @ .., 0x7f] => first >= PRIME_BEGINS && between.iter().all(|octet| *octet == 0xff),
        _ => false,
    };
    match (reaches_prime, SMALL_ORDER.contains(&coordinate)) {
        (true, _) => Err(UnusableKey::NotOnCurve),
        (false, true) => Err(UnusableKey::SmallOrder),
        (false, false) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::Verifier;
    use super::super::public_key::PublicOctets;
    use super::super::specimens::{ED25519_PUBLIC, octets};
    use super::super::{PublicKey, PublicParts, SignatureAlgorithm};
    use super::*;

    /// The base point, and the number one: whoever has no key makes this signature for a point that disappears.
    const FORGED: [u8; 64] = {
        let mut forged = [0x66; 64];
        forged[0] = 0x58;
        forged[32] = 1;
        let mut place = 33;
        while place < 64 {
            forged[place] = 0;
            place += 1;
        }
        forged
    };

    fn signed(mut point: [u8; 32]) -> [u8; 32] {
        point[31] |= 0x80;
        point
    }

    #[test]
    fn what_anybody_can_sign_for_is_no_key() {
        for point in SMALL_ORDER.into_iter().flat_map(|point| [point, signed(point)]) {
            assert_eq!(PublicKey::from_ed25519(&point), Err(UnusableKey::SmallOrder), "{point:02x?}");
        }
    }

    #[test]
    fn that_they_are_of_small_order_shows_without_the_judge() {
        for point in SMALL_ORDER {
            let octets = PublicOctets::Ed25519(point);
            let verifier = Verifier::new(&octets).unwrap();
            let holds = |message: u32| verifier.holds(&octets, SignatureAlgorithm::Ed25519, &message.to_be_bytes(), &FORGED);
            // One message in eight at the least, by chance.
            assert!((0..200).any(holds), "{point:02x?}");
        }
    }

    #[test]
    fn a_coordinate_has_one_encoding() {
        for first in 0xed..=0xff {
            let mut point = [0xff; 32];
            (point[0], point[31]) = (first, 0x7f);
            assert_eq!(PublicKey::from_ed25519(&point), Err(UnusableKey::NotOnCurve), "{first:x}");
            assert_eq!(PublicKey::from_ed25519(&signed(point)), Err(UnusableKey::NotOnCurve), "{first:x}");
        }
    }

    #[test]
    fn keys_as_they_are_made_are_keys() {
        let key = PublicKey::from_spki_der(&octets(ED25519_PUBLIC)).unwrap();
        let PublicParts::Ed25519 { point } = key.parts() else { panic!("a key of Ed25519") };
        assert_eq!(judge_point(point.try_into().unwrap()), Ok(()));
        let mut near = [0; 32];
        for first in [2, 3, 0xec] {
            near[0] = first;
            assert_eq!(judge_point(&near), Ok(()), "{first}");
        }
    }
}
