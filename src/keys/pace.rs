//! How often requests may cause a fetch, and which names of keys are not worth one.

use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, sha256};
use std::collections::HashMap;

/// The most names that are remembered as unknown. Beyond it the interval alone holds back.
const MOST_UNKNOWN: usize = 1024;

/// At most one fetch in so many seconds, and as many at once as were saved up.
#[derive(Debug)]
pub(super) struct Throttle {
    seconds: u64,
    /// How long it takes until all that can be saved up is.
    reserve: u64,
    /// When all that can be saved up will be.
    full: UnixTime,
}

impl Throttle {
    /// One that lets the first pass, and saves nothing up.
    pub(super) const fn every(seconds: u64) -> Self {
        Self { seconds, reserve: 0, full: UnixTime::from_seconds(0) }
    }

    /// One that lets two pass at once where none passed for twice as long.
    pub(super) const fn two_every(seconds: u64) -> Self {
        Self { seconds, reserve: seconds, full: UnixTime::from_seconds(0) }
    }

    /// Whether one may be made at `now`; then the next has to wait.
    pub(super) fn pass(&mut self, now: UnixTime) -> bool {
        let passes = now >= self.next();
        if passes {
            self.full = self.full.max(now).later(self.seconds);
        }
        passes
    }

    /// When the next one may be made.
    pub(super) fn next(&self) -> UnixTime {
        self.full.earlier(self.reserve)
    }

    /// Takes up a clock that was put back: nobody waits longer than the interval from `now`.
    pub(super) fn settle(&mut self, now: UnixTime) {
        self.full = self.full.min(now.later(self.seconds).later(self.reserve));
    }
}

/// Names of keys that the issuer did not have when it was last asked for them.
#[derive(Debug)]
pub(super) struct UnknownNames {
    seconds: u64,
    /// By SHA-256: callers choose names as long as they like.
    until: HashMap<[u8; DIGEST_LENGTH], UnixTime>,
}

impl UnknownNames {
    /// None yet; each is remembered for so long.
    pub(super) fn remembered_for(seconds: u64) -> Self {
        Self { seconds, until: HashMap::new() }
    }

    /// Whether the issuer did not have this one lately.
    pub(super) fn has(&self, name: &str, now: UnixTime) -> bool {
        self.until.get(&sha256(name.as_bytes())).is_some_and(|until| now < *until)
    }

    /// Remembers that the issuer does not have it. Where there is no room it is not remembered.
    pub(super) fn add(&mut self, name: &str, now: UnixTime) {
        if self.until.len() >= MOST_UNKNOWN {
            self.until.retain(|_, until| now < *until);
        }
        if self.until.len() < MOST_UNKNOWN {
            self.until.insert(sha256(name.as_bytes()), now.later(self.seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    #[test]
    fn one_passes_per_interval() {
        let mut throttle = Throttle::every(10);
        let passed: Vec<_> = (100..130).filter(|second| throttle.pass(at(*second))).collect();
        assert_eq!(passed, [100, 110, 120]);
        assert!(!throttle.pass(at(99)), "a request that arrived earlier does not pass for that");
    }

    #[test]
    fn two_pass_at_once_and_in_the_long_run_one_per_interval() {
        let mut throttle = Throttle::two_every(10);
        let passed: Vec<_> = (100..150).filter(|second| throttle.pass(at(*second))).collect();
        assert_eq!(passed, [100, 101, 110, 120, 130, 140]);
        assert_eq!(throttle.next(), at(150));
        assert!(throttle.pass(at(165)) && throttle.pass(at(165)) && !throttle.pass(at(169)) && throttle.pass(at(175)));
        throttle.settle(at(50));
        assert!(!throttle.pass(at(59)) && throttle.pass(at(60)));
    }

    #[test]
    fn a_clock_that_was_put_back_does_not_shut_the_door() {
        let mut throttle = Throttle::every(10);
        assert!(throttle.pass(at(1_000_000)));
        throttle.settle(at(50));
        assert!(!throttle.pass(at(59)));
        assert!(throttle.pass(at(60)));
    }

    #[test]
    fn unknown_names_are_forgotten_in_time_and_bounded() {
        let mut names = UnknownNames::remembered_for(60);
        names.add("k1", at(100));
        assert!(names.has("k1", at(159)) && !names.has("k1", at(160)) && !names.has("k2", at(100)));
        (0..5_000).for_each(|number: u32| names.add(&number.to_string(), at(100)));
        assert_eq!(names.until.len(), MOST_UNKNOWN);
        names.add("later", at(160));
        assert!(names.has("later", at(160)), "what is over makes room");
        assert_eq!(names.until.len(), 1);
    }
}
