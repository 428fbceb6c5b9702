//! Spares an issuer that does not answer, and those who would wait for it.

use crate::clock::UnixTime;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether an issuer is asked.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_before_open: u16,
    open_for: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failures: u16,
    /// When the next question may try, where there were too many failures.
    next: UnixTime,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// There was an answer, whatever it says.
    Answered,
    /// There was none.
    Failed,
}

impl Breaker {
    /// Opens after so many failures in a row, for so many seconds.
    pub(super) const fn new(failures_before_open: u16, open_for: u64) -> Self {
        Self { failures_before_open, open_for, state: Mutex::new(State { failures: 0, next: UnixTime::from_seconds(0) }) }
    }

    /// Whether a question may be asked at `now`. Where there were too many failures it is one question per period:
    /// whatever becomes of it, the next one waits as long again.
    pub(super) fn pass(&self, now: UnixTime) -> bool {
        let mut state = self.state();
        if state.failures < self.failures_before_open {
            return true;
        }
        let following = now.later(self.open_for);
        // A time further away than a period is one of a clock that was put back.
        let is_waiting = now < state.next && state.next <= following;
        if !is_waiting {
            state.next = following;
        }
        !is_waiting
    }

    /// Takes down what came of a question that was asked at `now`.
    pub(super) fn record(&self, health: Health, now: UnixTime) {
        let mut state = self.state();
        match health {
            Health::Answered => state.failures = 0,
            Health::Failed => {
                state.failures = state.failures.saturating_add(1);
                state.next = state.next.max(now.later(self.open_for));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_000);

    fn failed(times: u16) -> Breaker {
        let breaker = Breaker::new(3, 10);
        (0..times).for_each(|_| breaker.record(Health::Failed, NOW));
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let breaker = failed(2);
        assert!(breaker.pass(NOW));
        breaker.record(Health::Answered, NOW);
        breaker.record(Health::Failed, NOW);
        breaker.record(Health::Failed, NOW);
        assert!(breaker.pass(NOW) && breaker.pass(NOW));
        breaker.record(Health::Failed, NOW);
        assert!(!breaker.pass(NOW));
    }

    #[test]
    fn one_question_tries_after_each_period() {
        let breaker = failed(3);
        assert!(!breaker.pass(NOW.later(9)));
        assert!(breaker.pass(NOW.later(10)));
        assert!(!breaker.pass(NOW.later(10)) && !breaker.pass(NOW.later(19)));
        breaker.record(Health::Failed, NOW.later(10));
        assert!(!breaker.pass(NOW.later(19)));
        assert!(breaker.pass(NOW.later(20)));
        breaker.record(Health::Answered, NOW.later(20));
        assert!(breaker.pass(NOW.later(20)) && breaker.pass(NOW.later(20)));
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_keep_it_open() {
        let breaker = failed(3);
        assert!(breaker.pass(NOW.earlier(500)));
        assert!(!breaker.pass(NOW.earlier(500)));
    }
}
