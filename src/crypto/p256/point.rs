//! Points of P-256, and how they are added (SEC 1 §2.2.1). Everything here is public: no secret decides how long it takes.

use super::field::Element;

/// A point by its two coordinates.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: Element,
    pub(super) y: Element,
}

/// A point as sums are made: x/z² and y/z³ are its coordinates, and the neutral point is where z is zero.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    x: Element,
    y: Element,
    z: Element,
}

impl Point {
    /// Reads the two coordinates, 32 octets each, of a point that is known to be on the curve.
    pub(super) fn read(coordinates: &[u8; 64]) -> Option<Self> {
        let (x, y) = coordinates.split_first_chunk()?;
        Some(Self { x: Element::read(x)?, y: Element::read(y.first_chunk()?)? })
    }
}

impl Sum {
    pub(super) const NEUTRAL: Self = Self { x: Element::ONE, y: Element::ONE, z: Element::ZERO };

    pub(super) fn doubled(self) -> Self {
        let Self { x, y, z } = self;
        let (delta, gamma) = (z.squared(), y.squared());
        let beta = (x * gamma).doubled().doubled();
        let third = (x - delta) * (x + delta);
        let alpha = third.doubled() + third;
        let sum_x = alpha.squared() - beta.doubled();
        let gammas = gamma.squared().doubled().doubled().doubled();
        Self { x: sum_x, y: alpha * (beta - sum_x) - gammas, z: (y + z).squared() - gamma - delta }
    }

    pub(super) fn plus(self, point: &Point) -> Self {
        if self.z.is_zero() {
            return Self::from(*point);
        }
        let Self { x, y, z } = self;
        let square = z.squared();
        let (across, up) = (point.x * square - x, point.y * z * square - y);
        if across.is_zero() {
            // The same point, or the one opposite.
            return if up.is_zero() { self.doubled() } else { Self::NEUTRAL };
        }
        let step = across.squared();
        let (cube, along) = (across * step, x * step);
        let sum_x = up.squared() - cube - along.doubled();
        Self { x: sum_x, y: up * (along - sum_x) - y * cube, z: z * across }
    }

    /// Whether this is a point, and its first coordinate this number.
    pub(super) fn has_x(self, x: Element) -> bool {
        !self.z.is_zero() && x * self.z.squared() == self.x
    }
}

impl From<Point> for Sum {
    fn from(point: Point) -> Self {
        Self { x: point.x, y: point.y, z: Element::ONE }
    }
}

/// The coordinates of sums, none of which is neutral; one number is inverted for all of them.
pub(super) fn coordinates(sums: &[Sum]) -> Box<[Point]> {
    let mut product = Element::ONE;
    let mut before = Vec::with_capacity(sums.len());
    for sum in sums {
        before.push(product);
        product = product * sum.z;
    }
    let mut inverse = product.inverse();
    let mut points: Vec<Point> = Vec::with_capacity(sums.len());
    for (sum, before) in sums.iter().zip(before).rev() {
        let inverse_z = inverse * before;
        inverse = inverse * sum.z;
        let square = inverse_z.squared();
        points.push(Point { x: sum.x * square, y: sum.y * square * inverse_z });
    }
    points.reverse();
    points.into()
}

#[cfg(test)]
mod tests {
    use super::super::BASE;
    use super::*;

    fn base() -> Point {
        Point::read(&BASE).unwrap()
    }

    fn same(one: Sum, other: Sum) -> bool {
        let other = coordinates(&[other])[0];
        one.has_x(other.x) && other.y * one.z.squared() * one.z == one.y
    }

    #[test]
    fn a_point_and_itself_are_its_double_and_a_point_and_its_opposite_nothing() {
        let base = base();
        let double = Sum::from(base).doubled();
        assert!(same(Sum::from(base).plus(&base), double));
        let opposite = Point { x: base.x, y: Element::ZERO - base.y };
        assert!(Sum::from(base).plus(&opposite).z.is_zero());
        assert!(!Sum::from(base).plus(&opposite).has_x(base.x));
        assert!(Sum::NEUTRAL.doubled().z.is_zero());
        assert!(!Sum::NEUTRAL.has_x(Element::ZERO));
        assert!(!Sum::NEUTRAL.has_x(Element::ONE));
        assert!(same(Sum::NEUTRAL.plus(&base), Sum::from(base)));
        // Where the sum does not have one as its third coordinate.
        let triple = coordinates(&[double.plus(&base)]);
        assert!(same(double.plus(&base).plus(&triple[0]), double.plus(&base).doubled()));
    }

    #[test]
    fn sums_stay_on_the_curve_however_they_are_made() {
        let on_curve = |point: &Point| {
            // y² = x³ - 3x + b holds for the base point, so that b is what it must be.
            let rest = |point: &Point| point.y.squared() - point.x.squared() * point.x + point.x.doubled() + point.x;
            rest(point) == rest(&base())
        };
        let mut sums = vec![Sum::from(base())];
        for _ in 0..40 {
            let last = *sums.last().unwrap();
            sums.extend([last.doubled(), last.doubled().plus(&base())]);
        }
        assert!(coordinates(&sums).iter().all(on_curve));
    }
}
