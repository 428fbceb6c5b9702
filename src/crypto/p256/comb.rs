//! Multiples of one point, made once, so that every further multiple is a few sums (Lim and Lee, CRYPTO '94).
//!
//! A number is written as eight rows of 32 bits, one for each of its words. A column of them says which of the eight
//! points P, 2^32·P … 2^224·P to add; the sums of all choices are made beforehand. So that only half of the columns
//! need doublings between them, there are two such lists, the second for 2^16·P.

use super::point::{Point, Sum, coordinates};
use super::scalar::Scalar;

/// Points whose sums are made beforehand, as many as a number has words.
const TEETH: usize = 8;
/// Columns that one list is for.
const COLUMNS: usize = 16;

/// The sums of every choice of eight points but none, for both halves of the columns.
pub(super) struct Comb {
    right: Box<[Point]>,
    left: Box<[Point]>,
}

impl Comb {
    pub(super) fn new(point: Point) -> Self {
        let mut multiple = Sum::from(point);
        let mut multiples = Vec::with_capacity(2 * TEETH);
        for _ in 0..2 * TEETH {
            multiples.push(multiple);
            multiple = (0..COLUMNS).fold(multiple, |multiple, _| multiple.doubled());
        }
        let teeth = coordinates(&multiples);
        Self { right: choices(teeth.iter().step_by(2)), left: choices(teeth.iter().skip(1).step_by(2)) }
    }

    /// Adds what a column of both halves stands for.
    fn add(&self, sum: Sum, words: [u32; TEETH], column: usize) -> Sum {
        let halves = [(&self.right, column), (&self.left, column + COLUMNS)];
        halves.into_iter().fold(sum, |sum, (choices, column)| {
            // The choice of none is not in the list.
            let chosen = choice(words, column).checked_sub(1).and_then(|place| choices.get(place));
            chosen.map_or(sum, |point| sum.plus(point))
        })
    }
}

/// One point times one number, and another point times another, together.
pub(super) fn sum_of_multiples(multiples: [(&Comb, Scalar); 2]) -> Sum {
    let multiples = multiples.map(|(comb, scalar)| (comb, scalar.words()));
    (0..COLUMNS)
        .rev()
        .fold(Sum::NEUTRAL, |sum, column| multiples.iter().fold(sum.doubled(), |sum, (comb, words)| comb.add(sum, *words, column)))
}

/// Which points a column chooses: a bit for each, that of the first word the lowest.
fn choice(words: [u32; TEETH], column: usize) -> usize {
    words.iter().rev().fold(0, |choice, word| choice << 1 | usize::from(word >> column & 1 == 1))
}

/// The sums of every choice of these points, in the order of the numbers that stand for the choices, from one.
fn choices<'p>(teeth: impl Iterator<Item = &'p Point>) -> Box<[Point]> {
    let mut sums: Vec<Sum> = Vec::with_capacity((1 << TEETH) - 1);
    for tooth in teeth {
        let before = sums.len();
        sums.push(Sum::from(*tooth));
        sums.extend_from_within(..before);
        sums.iter_mut().skip(before + 1).for_each(|sum| *sum = sum.plus(tooth));
    }
    coordinates(&sums)
}

#[cfg(test)]
mod tests {
    use super::super::BASE;
    use super::*;

    /// The slow way: a doubling for every bit, and an addition for those that are set.
    fn multiple(point: &Point, octets: &[u8; 32]) -> Sum {
        let bits = octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1));
        bits.fold(Sum::NEUTRAL, |sum, bit| if bit { sum.doubled().plus(point) } else { sum.doubled() })
    }

    fn number(seed: u8) -> [u8; 32] {
        crate::crypto::sha256(&[seed])
    }

    #[test]
    fn the_comb_agrees_with_doubling_and_adding() {
        let base = Point::read(&BASE).unwrap();
        let other = coordinates(&[multiple(&base, &number(0))])[0];
        let (combs, zero) = ([Comb::new(base), Comb::new(other)], [0; 32]);
        let one_bit = |bit: usize| std::array::from_fn(|place| if place == 31 - bit / 8 { 1 << (bit % 8) } else { 0 });
        let pairs = (1..40).map(|seed| (number(seed), number(seed ^ 0x80)));
        let sparse = (0..256).map(|bit| (one_bit(bit), one_bit(255 - bit)));
        for (first, second) in pairs.chain(sparse).chain([(number(1), zero), (zero, number(1))]) {
            let sum = sum_of_multiples([(&combs[0], Scalar::reduced(&first)), (&combs[1], Scalar::reduced(&second))]);
            let slow = if second == zero {
                multiple(&base, &first)
            } else {
                let second = coordinates(&[multiple(&other, &second)])[0];
                multiple(&base, &first).plus(&second)
            };
            assert!(sum.has_x(coordinates(&[slow])[0].x), "{first:02x?} {second:02x?}");
        }
        let nothing = sum_of_multiples([(&combs[0], Scalar::reduced(&zero)), (&combs[1], Scalar::reduced(&zero))]);
        assert!(!nothing.has_x(base.x));
    }

    #[test]
    fn multiples_that_meet_are_added_all_the_same() {
        // The same point twice, so that sums double and disappear on the way.
        let base = Point::read(&BASE).unwrap();
        let comb = Comb::new(base);
        let two = |one: [u8; 32], other: [u8; 32]| sum_of_multiples([(&comb, Scalar::reduced(&one)), (&comb, Scalar::reduced(&other))]);
        let (one, mut minus_one) = (std::array::from_fn(|place| u8::from(place == 31)), super::super::scalar::ORDER);
        for number in (0..20).map(number).chain([one]) {
            let double = multiple(&base, &number).doubled();
            assert!(two(number, number).has_x(coordinates(&[double])[0].x));
        }
        minus_one[31] -= 1;
        assert!(!two(one, minus_one).has_x(base.x));
    }
}
