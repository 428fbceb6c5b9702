//! When requests are due: fixed before the first is sent.

use std::time::{Duration, Instant};

const NANOS: u64 = 1_000_000_000;

/// Arrivals at a constant rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Instant,
    rate: u64,
    arrivals: u64,
}

impl Schedule {
    /// `rate` arrivals per second over `duration`, the first at `start`.
    pub(crate) fn plan(start: Instant, rate: u32, duration: Duration) -> Self {
        let rate = u64::from(rate);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self { start, rate, arrivals: (nanos.saturating_mul(rate) / NANOS).max(1) }
    }

    /// How many arrivals there are.
    pub(crate) const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// The time of the first arrival.
    pub(crate) const fn start(&self) -> Instant {
        self.start
    }

    /// When an arrival is due; the first has number 0.
    pub(crate) fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_nanos(number.saturating_mul(NANOS) / self.rate)
    }

    /// How many arrivals are due by a time.
    pub(crate) fn due_by(&self, now: Instant) -> u64 {
        let Some(elapsed) = now.checked_duration_since(self.start) else { return 0 };
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        (nanos.saturating_mul(self.rate) / NANOS).saturating_add(1).min(self.arrivals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis::clock;

    #[test]
    fn arrivals_are_evenly_spaced_and_counted() {
        let start = clock::instant();
        let schedule = Schedule::plan(start, 400, Duration::from_secs(2));
        assert_eq!(schedule.arrivals(), 800);
        assert_eq!(schedule.due(0), start);
        assert_eq!(schedule.due(1) - start, Duration::from_micros(2500));
        assert_eq!(schedule.due(400) - start, Duration::from_secs(1));
    }

    #[test]
    fn what_is_due_does_not_depend_on_answers() {
        let start = clock::instant();
        let schedule = Schedule::plan(start, 1000, Duration::from_secs(1));
        assert_eq!(schedule.due_by(start), 1);
        assert_eq!(schedule.due_by(start + Duration::from_micros(999)), 1);
        assert_eq!(schedule.due_by(start + Duration::from_millis(1)), 2);
        assert_eq!(schedule.due_by(start + Duration::from_secs(60)), 1000);
        assert_eq!(Schedule::plan(start + Duration::from_secs(1), 1000, Duration::from_secs(1)).due_by(start), 0);
    }

    #[test]
    fn the_longest_round_does_not_overflow() {
        let schedule = Schedule::plan(clock::instant(), 200_000, Duration::from_secs(3600));
        assert_eq!(schedule.arrivals(), 720_000_000);
        assert_eq!(schedule.due(720_000_000) - schedule.start(), Duration::from_secs(3600));
    }
}
