//! The operating system's randomness.

use super::backend::rand;
use crate::crypto::{Random, RandomUnavailable};

/// The operating system's randomness.
#[derive(Debug)]
pub struct SystemRandom(rand::SystemRandom);

impl SystemRandom {
    /// A handle to the operating system's randomness.
    pub fn new() -> Self {
        Self(rand::SystemRandom::new())
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomUnavailable> {
        rand::SecureRandom::fill(&self.0, octets).map_err(|_| RandomUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_differs_from_call_to_call() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemRandom::new().fill(&mut one).unwrap();
        SystemRandom::new().fill(&mut two).unwrap();
        assert_ne!(one, two);
    }
}
