//! Numbers modulo the prime of P-256, by the proved arithmetic of Fiat Cryptography.

use fiat_crypto::p256_64 as fiat;
use std::ops::{Add, Mul, Sub};

/// 2^256 - 2^224 + 2^192 + 2^96 - 1 (SP 800-186 §3.2.1.3), the most significant octet first.
const PRIME: [u8; 32] = *b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
/// The exponent that inverts: the prime less two.
const INVERTING: [u8; 32] = {
    let mut exponent = PRIME;
    exponent[31] -= 2;
    exponent
};

/// A number below the prime, in Montgomery's form, of which it has one.
#[derive(Clone, Copy)]
pub(super) struct Element(fiat::fiat_p256_montgomery_domain_field_element);

impl Element {
    pub(super) const ZERO: Self = Self(fiat::fiat_p256_montgomery_domain_field_element([0; 4]));
    pub(super) const ONE: Self = {
        let mut one = Self::ZERO;
        fiat::fiat_p256_set_one(&mut one.0);
        one
    };

    /// Reads a number, the most significant octet first, unless it is the prime or above.
    pub(super) fn read(octets: &[u8; 32]) -> Option<Self> {
        if *octets >= PRIME {
            return None;
        }
        let mut reversed = *octets;
        reversed.reverse();
        let (mut number, mut element) = ([0; 4], Self::ZERO);
        fiat::fiat_p256_from_bytes(&mut number, &reversed);
        fiat::fiat_p256_to_montgomery(&mut element.0, &fiat::fiat_p256_non_montgomery_domain_field_element(number));
        Some(element)
    }

    pub(super) fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    pub(super) fn doubled(self) -> Self {
        self + self
    }

    pub(super) fn squared(self) -> Self {
        let mut square = Self::ZERO;
        fiat::fiat_p256_square(&mut square.0, &self.0);
        square
    }

    /// What this must be multiplied with to give one; zero for zero.
    pub(super) fn inverse(self) -> Self {
        let bits = INVERTING.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1));
        bits.fold(Self::ONE, |power, bit| if bit == 1 { power.squared() * self } else { power.squared() })
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl Add for Element {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let mut sum = Self::ZERO;
        fiat::fiat_p256_add(&mut sum.0, &self.0, &other.0);
        sum
    }
}

impl Sub for Element {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let mut difference = Self::ZERO;
        fiat::fiat_p256_sub(&mut difference.0, &self.0, &other.0);
        difference
    }
}

impl Mul for Element {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let mut product = Self::ZERO;
        fiat::fiat_p256_mul(&mut product.0, &self.0, &other.0);
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_reading_below_the_prime() {
        let mut last = PRIME;
        last[31] -= 1;
        assert!(Element::read(&PRIME).is_none());
        assert!(Element::read(&[0xff; 32]).is_none());
        assert!(Element::read(&[0; 32]).is_some_and(Element::is_zero));
        assert!(Element::read(&last).is_some_and(|last| (last + Element::ONE).is_zero()));
    }

    #[test]
    fn what_is_inverted_twice_is_what_it_was() {
        for octets in [[7; 32], [0x80; 32], [1; 32]] {
            let number = Element::read(&octets).unwrap();
            assert!(number * number.inverse() == Element::ONE);
            assert!(number.inverse().inverse() == number);
        }
        assert!(Element::ZERO.inverse().is_zero());
    }
}
