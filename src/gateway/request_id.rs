//! An identifier per request: unique over processes, cheap, and not a secret.

use std::sync::atomic::{AtomicU64, Ordering};

/// Makes identifiers from a random start and a counter, mixed so that they look unrelated.
#[derive(Debug)]
pub(super) struct RequestIds {
    seed: u64,
    counter: AtomicU64,
}

/// 128 bits in lower-case hex, as `X-Request-Id` carries it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestId([u8; 32]);

impl RequestIds {
    /// Identifiers that start at 16 random octets.
    pub(super) const fn from_random([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]: [u8; 16]) -> Self {
        let seed = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        let start = u64::from_ne_bytes([i, j, k, l, m, n, o, p]);
        Self { seed, counter: AtomicU64::new(start) }
    }

    /// The next identifier.
    pub(super) fn next(&self) -> RequestId {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        RequestId(hex(mix(self.seed ^ count), mix(count)))
    }
}

/// The finaliser of SplitMix64: a bijection, so that distinct counts stay distinct.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn hex(high: u64, low: u64) -> [u8; 32] {
    let mut digits = [0; 32];
    let octets = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    for (pair, octet) in digits.chunks_exact_mut(2).zip(octets) {
        if let [first, second] = pair {
            (*first, *second) = (digit(octet >> 4), digit(octet & 0xf));
        }
    }
    digits
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

impl RequestId {
    /// The identifier as text.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The identifier as octets.
    pub(super) const fn as_octets(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_are_hex() {
        let ids = RequestIds::from_random([7; 16]);
        let made: std::collections::HashSet<_> = (0..1000).map(|_| ids.next().as_str().to_owned()).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit())));
    }
}
