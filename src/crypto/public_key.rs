//! Public keys: read and judged once, then used to verify as often as one likes.

use super::der::{self, DerSyntax};
use super::edwards;
use super::p256::KnownKey;
use super::provider::{Verifier, sha256};
use super::{KeyKind, SignatureAlgorithm};
use std::fmt;
use std::sync::Arc;

/// The shortest RSA modulus that is taken, in bits (SP 800-131A §3).
const SHORTEST_MODULUS: usize = 2048;
/// The longest RSA modulus that is taken, in bits; longer ones would only cost time.
const LONGEST_MODULUS: usize = 8192;
/// The smallest RSA exponent that is taken (FIPS 186-5 §5.1): with smaller ones, mistakes in the padding that others
/// overlook are enough for a forgery.
const SMALLEST_EXPONENT: u64 = 65_537;
/// The longest RSA exponent that is taken, in bits: what both libraries can do.
const LONGEST_EXPONENT: usize = 33;
/// The first octet of a point that is written as both of its coordinates (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A public key that signatures are verified with.
#[derive(Clone)]
pub struct PublicKey {
    octets: PublicOctets,
    verifier: Verifier,
    /// On P-256, where many signatures are expected.
    known: Option<Arc<KnownKey>>,
}

/// What a public key is made of, as the library wants it.
#[derive(Clone)]
pub(super) enum PublicOctets {
    /// Both without leading zeros.
    Rsa {
        /// The modulus.
        modulus: Box<[u8]>,
        /// The exponent.
        exponent: Box<[u8]>,
    },
    /// An uncompressed point.
    P256([u8; 65]),
    /// An uncompressed point.
    P384([u8; 97]),
    /// An encoded point.
    Ed25519([u8; 32]),
}

/// What a public key is made of, as octets with the most significant first; Ed25519's as RFC 8032 §5.1.2 encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicParts<'k> {
    /// Both without leading zeros.
    Rsa {
        /// The modulus.
        modulus: &'k [u8],
        /// The exponent.
        exponent: &'k [u8],
    },
    /// 32 octets each.
    P256 {
        /// The first coordinate.
        x: &'k [u8],
        /// The second coordinate.
        y: &'k [u8],
    },
    /// 48 octets each.
    P384 {
        /// The first coordinate.
        x: &'k [u8],
        /// The second coordinate.
        y: &'k [u8],
    },
    /// 32 octets.
    Ed25519 {
        /// The encoded point.
        point: &'k [u8],
    },
}

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusableKey {
    /// It is not DER of the structure that was asked for.
    Malformed,
    /// It is of a kind, or on a curve, that is not taken.
    UnknownKind,
    /// Its RSA modulus has fewer than 2048 bits.
    ModulusTooShort,
    /// Its RSA modulus has more than 8192 bits, or more than the library can sign with.
    ModulusTooLong,
    /// A number of its RSA key is even, out of range, or has leading zeros. Exponents below 65537 are out of range.
    Numbers,
    /// A coordinate has a length that the curve does not have.
    PointLength,
    /// The point is not on the curve, or not in its one encoding.
    NotOnCurve,
    /// The point is of small order: anybody can make signatures that hold for it.
    SmallOrder,
    /// The library does not take this private key, for instance because its parts do not belong together.
    Inconsistent,
}

/// The signature does not belong to the message and the key, or the algorithm not to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureMismatch;

impl PublicKey {
    /// Reads a key from a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), as certificates hold it.
    ///
    /// # Errors
    /// It is not DER of that structure, not of a [`KeyKind`], a compressed point, or not usable. A key that is
    /// reserved for RSASSA-PSS by its identifier is of no kind.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, UnusableKey> {
        let (kind, octets) = der::read_public_key(spki)?;
        Self::from_kind(kind, octets)
    }

    /// A key from an RSA modulus and exponent, the most significant octet first and not zero (RFC 7518 §6.3.1).
    ///
    /// # Errors
    /// The modulus has not between 2048 and 8192 bits or is even; the exponent is even, below 65537 or of more than 33 bits.
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, UnusableKey> {
        judge_rsa(modulus, exponent)?;
        Self::build(PublicOctets::Rsa { modulus: modulus.into(), exponent: exponent.into() })
    }

    /// A key from the coordinates of a point on P-256, 32 octets each (RFC 7518 §6.2.1).
    ///
    /// # Errors
    /// A coordinate has another length, or the point is not on the curve.
    pub fn from_p256(x: &[u8], y: &[u8]) -> Result<Self, UnusableKey> {
        Self::build(PublicOctets::P256(point::<32, 65>(x, y)?))
    }

    /// A key from the coordinates of a point on P-384, 48 octets each (RFC 7518 §6.2.1).
    ///
    /// # Errors
    /// A coordinate has another length, or the point is not on the curve.
    pub fn from_p384(x: &[u8], y: &[u8]) -> Result<Self, UnusableKey> {
        Self::build(PublicOctets::P384(point::<48, 97>(x, y)?))
    }

    /// A key from the 32 octets of an encoded point (RFC 8032 §5.1.2, RFC 8037 §2). That it decodes to a point
    /// shows when it is used: nothing verifies otherwise.
    ///
    /// # Errors
    /// There are not 32 octets, they have another encoding as well, or the point is of small order.
    pub fn from_ed25519(point: &[u8]) -> Result<Self, UnusableKey> {
        let point = point.try_into().map_err(|_| UnusableKey::PointLength)?;
        edwards::judge_point(&point)?;
        Self::build(PublicOctets::Ed25519(point))
    }

    /// A key from the octets that a bit string or a library holds.
    pub(super) fn from_kind(kind: KeyKind, octets: &[u8]) -> Result<Self, UnusableKey> {
        match kind {
            KeyKind::Rsa => {
                let (modulus, exponent) = der::read_rsa(octets)?;
                Self::from_rsa(modulus, exponent)
            }
            KeyKind::P256 => Self::build(PublicOctets::P256(uncompressed(octets)?)),
            KeyKind::P384 => Self::build(PublicOctets::P384(uncompressed(octets)?)),
            KeyKind::Ed25519 => Self::from_ed25519(octets),
        }
    }

    fn build(octets: PublicOctets) -> Result<Self, UnusableKey> {
        let verifier = Verifier::new(&octets).ok_or(UnusableKey::NotOnCurve)?;
        Ok(Self { octets, verifier, known: None })
    }

    /// The same key, which will verify many signatures: on P-256, 32 KiB of its multiples are kept from the first one
    /// on, with which each takes half the time.
    pub fn for_many(self) -> Self {
        match self.octets {
            PublicOctets::P256([_, coordinates @ ..]) => Self { known: Some(KnownKey::new(coordinates).into()), ..self },
            PublicOctets::Rsa { .. } | PublicOctets::P384(_) | PublicOctets::Ed25519(_) => self,
        }
    }

    /// The point, where [`Self::for_many`] gains something.
    pub const fn point_without_multiples(&self) -> Option<&[u8; 64]> {
        match (&self.octets, &self.known) {
            (PublicOctets::P256([_, coordinates @ ..]), None) => Some(coordinates),
            (PublicOctets::P256(_) | PublicOctets::Rsa { .. } | PublicOctets::P384(_) | PublicOctets::Ed25519(_), _) => None,
        }
    }

    /// What the key is for.
    pub fn kind(&self) -> KeyKind {
        match self.octets {
            PublicOctets::Rsa { .. } => KeyKind::Rsa,
            PublicOctets::P256(_) => KeyKind::P256,
            PublicOctets::P384(_) => KeyKind::P384,
            PublicOctets::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// What the key is made of.
    pub fn parts(&self) -> PublicParts<'_> {
        match &self.octets {
            PublicOctets::Rsa { modulus, exponent } => PublicParts::Rsa { modulus, exponent },
            PublicOctets::P256([_, coordinates @ ..]) => {
                let (x, y) = coordinates.split_at(32);
                PublicParts::P256 { x, y }
            }
            PublicOctets::P384([_, coordinates @ ..]) => {
                let (x, y) = coordinates.split_at(48);
                PublicParts::P384 { x, y }
            }
            PublicOctets::Ed25519(point) => PublicParts::Ed25519 { point },
        }
    }

    /// Verifies a signature of a message.
    ///
    /// # Errors
    /// It is not a signature of this message by this key and algorithm. An algorithm for another kind of key
    /// never holds.
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureMismatch> {
        if algorithm.kind() != self.kind() {
            return Err(SignatureMismatch);
        }
        let holds = match &self.known {
            Some(known) => known.holds(&sha256(message), signature),
            None => self.verifier.holds(&self.octets, algorithm, message, signature),
        };
        if holds { Ok(()) } else { Err(SignatureMismatch) }
    }
}

/// Two keys are the same if they are made of the same.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.kind())
    }
}

impl From<DerSyntax> for UnusableKey {
    fn from(syntax: DerSyntax) -> Self {
        match syntax {
            DerSyntax::Malformed => Self::Malformed,
            DerSyntax::UnknownKind => Self::UnknownKind,
        }
    }
}

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a key in DER",
            Self::UnknownKind => "neither RSA, P-256, P-384 nor Ed25519",
            Self::ModulusTooShort => "RSA with fewer than 2048 bits",
            Self::ModulusTooLong => "RSA with more bits than are taken",
            Self::Numbers => "RSA with an unusable modulus or exponent",
            Self::PointLength => "a point of the wrong length",
            Self::NotOnCurve => "a point that is not on the curve",
            Self::SmallOrder => "a point of small order, for which anybody can sign",
            Self::Inconsistent => "a private key whose parts are unusable or do not belong together",
        })
    }
}

impl std::error::Error for UnusableKey {}

impl fmt::Display for SignatureMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not hold")
    }
}

impl std::error::Error for SignatureMismatch {}

fn judge_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), UnusableKey> {
    let (long, exponent_long) = (bits(modulus)?, bits(exponent)?);
    if long < SHORTEST_MODULUS {
        return Err(UnusableKey::ModulusTooShort);
    }
    if long > LONGEST_MODULUS {
        return Err(UnusableKey::ModulusTooLong);
    }
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let value = exponent.iter().fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
    let ranged = exponent_long <= LONGEST_EXPONENT && value >= SMALLEST_EXPONENT;
    if odd(modulus) && odd(exponent) && ranged { Ok(()) } else { Err(UnusableKey::Numbers) }
}

/// The bits of a number without leading zero octets.
fn bits(number: &[u8]) -> Result<usize, UnusableKey> {
    match number {
        [first @ 1..=0xff, rest @ ..] => Ok(8 - usize::try_from(first.leading_zeros()).unwrap_or(8) + rest.len() * 8),
        _ => Err(UnusableKey::Numbers),
    }
}

/// A point as one string, from its coordinates.
fn point<const COORDINATE: usize, const POINT: usize>(x: &[u8], y: &[u8]) -> Result<[u8; POINT], UnusableKey> {
    if x.len() != COORDINATE || y.len() != COORDINATE {
        return Err(UnusableKey::PointLength);
    }
    let mut point = [UNCOMPRESSED; POINT];
    let octets = x.iter().chain(y);
    point.iter_mut().skip(1).zip(octets).for_each(|(to, from)| *to = *from);
    Ok(point)
}

/// A point as one string, which must have both coordinates.
fn uncompressed<const POINT: usize>(octets: &[u8]) -> Result<[u8; POINT], UnusableKey> {
    let point: [u8; POINT] = octets.try_into().map_err(|_| UnusableKey::PointLength)?;
    if point.first() == Some(&UNCOMPRESSED) { Ok(point) } else { Err(UnusableKey::NotOnCurve) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::specimens::{
        ED25519_PUBLIC, P256_PUBLIC, P384_PUBLIC, P521_PUBLIC, RSA_PUBLIC, SIGNED, SIGNED_RS256, SIGNED_SHA1, hex, octets,
    };
    use crate::crypto::{NewKey, Random, SigningKey, SystemRandom, base64url};

    const P256_X: &str = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6";
    const P256_Y: &str = "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";

    fn public(text: &str) -> PublicKey {
        PublicKey::from_spki_der(&octets(text)).unwrap()
    }

    #[test]
    fn rs256_agrees_with_rfc_7515_and_the_old_one_with_openssl() {
        let key = public(RSA_PUBLIC);
        let (signature, old) =
            (base64url::decode_to_vec(SIGNED_RS256.as_bytes()).unwrap(), base64url::decode_to_vec(SIGNED_SHA1.as_bytes()).unwrap());
        assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha256, SIGNED.as_bytes(), &signature), Ok(()));
        assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha1, SIGNED.as_bytes(), &old), Ok(()));
        assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha256, SIGNED.as_bytes(), &old), Err(SignatureMismatch));
        assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha1, SIGNED.as_bytes(), &signature), Err(SignatureMismatch));
        assert_eq!(key.verify(SignatureAlgorithm::RsaPssSha256, SIGNED.as_bytes(), &signature), Err(SignatureMismatch));
        assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha256, b"", &signature), Err(SignatureMismatch));
        // The same key again, once it is parsed.
        assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha256, SIGNED.as_bytes(), &signature), Ok(()));
        assert_eq!(key.clone().verify(SignatureAlgorithm::RsaPkcs1Sha256, SIGNED.as_bytes(), &signature), Ok(()));
    }

    #[test]
    fn ecdsa_agrees_with_rfc_6979() {
        let p256 = hex(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716 F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        );
        let p384 = hex("94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46
             99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8");
        let (small, large) = (public(P256_PUBLIC), public(P384_PUBLIC));
        assert_eq!(small.verify(SignatureAlgorithm::EcdsaP256Sha256, b"sample", &p256), Ok(()));
        assert_eq!(large.verify(SignatureAlgorithm::EcdsaP384Sha384, b"sample", &p384), Ok(()));
        for (key, algorithm) in [(&small, SignatureAlgorithm::EcdsaP384Sha384), (&large, SignatureAlgorithm::EcdsaP256Sha256)] {
            assert_eq!(key.verify(algorithm, b"sample", &p256), Err(SignatureMismatch));
            assert_eq!(key.verify(algorithm, b"sample", &p384), Err(SignatureMismatch));
        }
    }

    #[test]
    fn a_key_for_many_signatures_says_what_the_library_says() {
        let random = SystemRandom::new();
        for _ in 0..3 {
            let pair = SigningKey::generate(NewKey::P256).unwrap();
            let (once, many) = (pair.public(), pair.public().clone().for_many());
            assert_eq!(*once, many);
            let mut message = [0; 24];
            random.fill(&mut message).unwrap();
            let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
            let signature = pair.sign(algorithm, &message).unwrap();
            let agreed = |message: &[u8], signature: &[u8]| {
                let verdict = once.verify(algorithm, message, signature);
                assert_eq!(many.verify(algorithm, message, signature), verdict, "{message:02x?} {signature:02x?}");
                verdict.is_ok()
            };
            assert!(agreed(&message, &signature));
            for bit in 0..signature.len() * 8 {
                let mut bent = signature.clone();
                bent[bit / 8] ^= 1 << (bit % 8);
                assert!(!agreed(&message, &bent));
            }
            assert!(!agreed(b"other", &signature));
            assert!(!agreed(&message, &signature[..63]));
            assert!(!agreed(&message, &[&signature[..], &[0]].concat()));
            assert!(!agreed(&message, &[]));
            assert_eq!(many.verify(SignatureAlgorithm::EcdsaP384Sha384, &message, &signature), Err(SignatureMismatch));
        }
    }

    #[test]
    fn keys_made_of_parts_are_the_same_keys() {
        let (x, y) = (hex(P256_X), hex(P256_Y));
        let key = PublicKey::from_p256(&x, &y).unwrap();
        assert_eq!(key, public(P256_PUBLIC));
        assert_eq!((key.kind(), key.parts()), (KeyKind::P256, PublicParts::P256 { x: &x, y: &y }));
        for text in [RSA_PUBLIC, P256_PUBLIC, P384_PUBLIC, ED25519_PUBLIC] {
            let key = public(text);
            let again = match key.parts() {
                PublicParts::Rsa { modulus, exponent } => {
                    assert_eq!((modulus.len(), exponent), (256, &[1, 0, 1][..]));
                    PublicKey::from_rsa(modulus, exponent)
                }
                PublicParts::P256 { x, y } => PublicKey::from_p256(x, y),
                PublicParts::P384 { x, y } => PublicKey::from_p384(x, y),
                PublicParts::Ed25519 { point } => PublicKey::from_ed25519(point),
            };
            assert_eq!(again.as_ref(), Ok(&key));
            assert_eq!(again.unwrap().kind(), key.kind());
        }
    }

    #[test]
    fn points_off_the_curve_and_of_other_lengths_are_refused() {
        let (x, mut y) = (hex(P256_X), hex(P256_Y));
        for (x, y) in [(&x[1..], &y[..]), (&x, &y[..31]), (&[&[0], &*x].concat(), &y), (&[], &[])] {
            assert_eq!(PublicKey::from_p256(x, y), Err(UnusableKey::PointLength));
        }
        assert_eq!(PublicKey::from_p384(&x, &y), Err(UnusableKey::PointLength));
        y[31] ^= 1;
        assert_eq!(PublicKey::from_p256(&x, &y), Err(UnusableKey::NotOnCurve));
        assert_eq!(PublicKey::from_p256(&[0; 32], &[0; 32]), Err(UnusableKey::NotOnCurve));
        assert_eq!(PublicKey::from_p256(&[0xff; 32], &[0xff; 32]), Err(UnusableKey::NotOnCurve));
        assert_eq!(PublicKey::from_p384(&[7; 48], &[7; 48]), Err(UnusableKey::NotOnCurve));
        assert_eq!(PublicKey::from_ed25519(&[9; 31]), Err(UnusableKey::PointLength));
        assert_eq!(PublicKey::from_ed25519(&[9; 33]), Err(UnusableKey::PointLength));
    }

    #[test]
    fn other_forms_of_points_are_refused() {
        let mut hybrid = octets(P256_PUBLIC);
        let compressed = [&b"\x30\x39\x30\x13"[..], &hybrid[4..23], b"\x03\x22\x00\x03", &hex(P256_X)].concat();
        assert_eq!(PublicKey::from_spki_der(&compressed), Err(UnusableKey::PointLength));
        assert_eq!(hybrid[26], UNCOMPRESSED);
        hybrid[26] = 7;
        assert_eq!(PublicKey::from_spki_der(&hybrid), Err(UnusableKey::NotOnCurve));
        assert_eq!(PublicKey::from_spki_der(&octets(P521_PUBLIC)), Err(UnusableKey::UnknownKind));
        assert_eq!(PublicKey::from_spki_der(b"-----BEGIN PUBLIC KEY-----"), Err(UnusableKey::Malformed));
    }

    #[test]
    fn rsa_keys_have_bounds() {
        let rsa = |bits: usize, exponent: &[u8]| {
            let mut modulus = vec![0xff; bits.div_ceil(8)];
            modulus[0] = 0xff >> (modulus.len() * 8 - bits);
            PublicKey::from_rsa(&modulus, exponent).map(|key| key.kind())
        };
        let usual = &[1, 0, 1];
        assert_eq!(rsa(2047, usual), Err(UnusableKey::ModulusTooShort));
        assert_eq!(rsa(2048, usual), Ok(KeyKind::Rsa));
        assert_eq!(rsa(8192, usual), Ok(KeyKind::Rsa));
        assert_eq!(rsa(8193, usual), Err(UnusableKey::ModulusTooLong));
        assert_eq!(rsa(1024, usual), Err(UnusableKey::ModulusTooShort));
        assert_eq!(rsa(2048, &[1, 0xff, 0xff, 0xff, 0xff]), Ok(KeyKind::Rsa));
        for exponent in
            [&[][..], &[0], &[1], &[2], &[3], &[17], &[0xff, 0xff], &[1, 0, 0], &[0, 1, 0, 1], &[2, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 1]]
        {
            assert_eq!(rsa(2048, exponent), Err(UnusableKey::Numbers), "{exponent:?}");
        }
        let mut even = vec![0xff; 256];
        even[255] = 0xfe;
        assert_eq!(PublicKey::from_rsa(&even, usual), Err(UnusableKey::Numbers));
        assert_eq!(PublicKey::from_rsa(&[&[0][..], &[0xff; 256]].concat(), usual), Err(UnusableKey::Numbers));
        assert_eq!(PublicKey::from_rsa(&[], usual), Err(UnusableKey::Numbers));
    }

    #[test]
    fn what_is_no_point_of_ed25519_verifies_nothing() {
        // The second coordinate 2 belongs to no point.
        let mut point = [0; 32];
        point[0] = 2;
        let verified = PublicKey::from_ed25519(&point).map(|key| key.verify(SignatureAlgorithm::Ed25519, b"", &[0; 64]).is_ok());
        assert!(matches!(verified, Ok(false) | Err(UnusableKey::NotOnCurve)));
    }
}
