//! ECDSA on P-256 (FIPS 186-5 §6.4.2) by keys of which multiples are kept, which takes half as long as without them.
//!
//! Only signatures are verified here: nothing is secret, and nothing is signed. The library that parsed the key has
//! seen that its point is on the curve.

mod comb;
mod field;
mod point;
mod scalar;

use comb::{Comb, sum_of_multiples};
use field::Element;
use point::Point;
use scalar::{ORDER, Scalar};
use std::sync::{LazyLock, OnceLock};

/// The base point (SP 800-186 §3.2.1.3), one coordinate after the other.
const BASE: [u8; 64] =
    *b"\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\
    \x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

/// How far the prime is above the order: coordinates that are less may have been reduced.
const GAP: [u8; 32] = *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x43\x19\x05\x53\x58\xe8\x61\x7b\x0c\x46\x35\x3d\x03\x9c\xda\xae";

static MULTIPLES_OF_BASE: LazyLock<Option<Comb>> = LazyLock::new(|| Point::read(&BASE).map(Comb::new));

/// A public key whose multiples, 32 KiB of them, are made when they are first needed, and kept.
pub(super) struct KnownKey {
    coordinates: [u8; 64],
    multiples: OnceLock<Option<Comb>>,
}

impl KnownKey {
    /// A key by the two coordinates of a point on the curve.
    pub(super) const fn new(coordinates: [u8; 64]) -> Self {
        Self { coordinates, multiples: OnceLock::new() }
    }

    /// Whether this key made the signature, 32 octets of each of its numbers, of what has this digest.
    pub(super) fn holds(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        let multiples = self.multiples.get_or_init(|| Point::read(&self.coordinates).map(Comb::new));
        multiples.as_ref().and_then(|multiples| judge(multiples, digest, signature)).unwrap_or(false)
    }
}

/// Whether a signature holds; nothing where it is none.
fn judge(key: &Comb, digest: &[u8; 32], signature: &[u8]) -> Option<bool> {
    let signature: &[u8; 64] = signature.try_into().ok()?;
    let (r_octets, s_octets) = signature.split_first_chunk()?;
    let (r, s) = (Scalar::read(r_octets)?, Scalar::read(s_octets.first_chunk()?)?);
    let inverse = s.inverse()?;
    let base = MULTIPLES_OF_BASE.as_ref()?;
    let sum = sum_of_multiples([(base, Scalar::reduced(digest) * inverse), (key, r * inverse)]);
    // r is the first coordinate less the order as often as that goes: not at all, or once.
    let x = Element::read(r_octets)?;
    Some(sum.has_x(x) || *r_octets < GAP && sum.has_x(x + Element::read(&ORDER)?))
}
