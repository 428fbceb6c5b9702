//! Public keys: read and judged once, then used to verify as often as one likes.

use super::der::{self, DerSyntax};
use super::provider::Verifier;
use super::{KeyKind, SignatureAlgorithm};
use std::fmt;

/// The shortest RSA modulus that is taken, in bits (SP 800-131A §3).
const SHORTEST_MODULUS: usize = 2048;
/// The longest RSA modulus that is taken, in bits; longer ones would only cost time.
const LONGEST_MODULUS: usize = 8192;
/// The longest RSA exponent that is taken, in bits: what both libraries can do.
const LONGEST_EXPONENT: usize = 33;
/// The first octet of a point that is written as both of its coordinates (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A public key that signatures are verified with.
#[derive(Clone)]
pub struct PublicKey {
    octets: PublicOctets,
    verifier: Verifier,
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
    /// A number of its RSA key is even, out of range, or has leading zeros.
    Numbers,
    /// A coordinate has a length that the curve does not have.
    PointLength,
    /// The point is not on the curve.
    NotOnCurve,
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
    /// The modulus has not between 2048 and 8192 bits or is even; the exponent is even, below 3 or of more than 33 bits.
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
    /// There are not 32 octets.
    pub fn from_ed25519(point: &[u8]) -> Result<Self, UnusableKey> {
        let point = point.try_into().map_err(|_| UnusableKey::PointLength)?;
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
        Ok(Self { octets, verifier })
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
        if self.verifier.holds(&self.octets, algorithm, message, signature) { Ok(()) } else { Err(SignatureMismatch) }
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
    // One is the only odd exponent below three.
    let ranged = (2..=LONGEST_EXPONENT).contains(&exponent_long);
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
