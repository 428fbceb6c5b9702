//! Numbers modulo the order of P-256's base point: what points are multiplied with.

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U256, const_monty_params};
use std::ops::Mul;

/// The order (SP 800-186 §3.2.1.3), the most significant octet first.
pub(super) const ORDER: [u8; 32] =
    *b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";

const_monty_params!(Order, U256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

/// A number below the order.
#[derive(Clone, Copy)]
pub(super) struct Scalar(ConstMontyForm<Order, { U256::LIMBS }>);

impl Scalar {
    /// Reads a number, the most significant octet first, unless it is zero, or the order or above.
    pub(super) fn read(octets: &[u8; 32]) -> Option<Self> {
        let ranged = *octets != [0; 32] && *octets < ORDER;
        ranged.then(|| Self::reduced(octets))
    }

    /// What is left of a number after division by the order.
    pub(super) fn reduced(octets: &[u8; 32]) -> Self {
        Self(ConstMontyForm::new(&U256::from_be_slice(octets)))
    }

    /// What this must be multiplied with to give one; nothing does that to zero.
    pub(super) fn inverse(self) -> Option<Self> {
        self.0.invert_vartime().into_option().map(Self)
    }

    /// The number in pieces of 32 bits, the most significant last.
    pub(super) fn words(self) -> [u32; 8] {
        let octets = self.0.retrieve().to_le_bytes();
        let (words, _) = octets.as_ref().as_chunks();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        std::array::from_fn(|_| words.next().unwrap_or_default())
    }
}

impl Mul for Scalar {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plus(octets: [u8; 32], more: u8) -> [u8; 32] {
        let mut sum = octets;
        sum[31] += more;
        sum
    }

    #[test]
    fn the_range_is_from_one_to_the_order() {
        assert!(Scalar::read(&[0; 32]).is_none());
        assert!(Scalar::read(&ORDER).is_none());
        assert!(Scalar::read(&plus(ORDER, 1)).is_none());
        assert_eq!(Scalar::read(&plus([0; 32], 1)).map(Scalar::words), Some([1, 0, 0, 0, 0, 0, 0, 0]));
        let mut last = ORDER;
        last[31] -= 1;
        let last = Scalar::read(&last).unwrap();
        assert_eq!((last * last).words(), [1, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_too_large_is_reduced() {
        assert_eq!(Scalar::reduced(&ORDER).words(), [0; 8]);
        assert!(Scalar::reduced(&ORDER).inverse().is_none());
        assert_eq!(Scalar::reduced(&plus(ORDER, 9)).words(), [9, 0, 0, 0, 0, 0, 0, 0]);
        // 2^256 - 1 less the order.
        let rest = [0x039c_daae, 0x0c46_353d, 0x58e8_617b, 0x4319_0552, 0, 0, 0xffff_ffff, 0];
        assert_eq!(Scalar::reduced(&[0xff; 32]).words(), rest);
    }

    #[test]
    fn a_number_times_its_inverse_is_one() {
        for octets in [plus([0; 32], 2), [0x77; 32], [0xfe; 32], plus([0x80; 32], 3)] {
            let number = Scalar::reduced(&octets);
            assert_eq!((number * number.inverse().unwrap()).words(), [1, 0, 0, 0, 0, 0, 0, 0]);
        }
    }
}
