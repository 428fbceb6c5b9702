//! What was counted: latencies, answers, failures.

use crate::connection::Failure;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// The outcome of a case. Latencies are in microseconds; a request that got no answer has none and
/// is counted as a failure.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// From the time a request was due to the end of its answer.
    pub(crate) from_schedule: Histogram<u64>,
    /// From the time a request was sent to the end of its answer.
    pub(crate) from_sending: Histogram<u64>,
    /// Answers by status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by cause.
    pub(crate) failures: BTreeMap<Failure, u64>,
    /// Answers with another status than the scenario expects.
    pub(crate) unexpected: u64,
    /// Requests that were due.
    pub(crate) due: u64,
    /// From the first arrival to the last answer, rounds added up.
    pub(crate) elapsed: Duration,
}

/// The times of one answered request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    /// Since the request was due.
    pub(crate) from_schedule: Duration,
    /// Since the request was sent.
    pub(crate) from_sending: Duration,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            from_schedule: empty(),
            from_sending: empty(),
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            unexpected: 0,
            due: 0,
            elapsed: Duration::ZERO,
        }
    }
}

impl Tally {
    /// Records an answer.
    pub(crate) fn record(&mut self, status: u16, expected: u16, latency: Latency) {
        self.from_schedule.saturating_record(micros(latency.from_schedule));
        self.from_sending.saturating_record(micros(latency.from_sending));
        *self.statuses.entry(status).or_default() += 1;
        self.unexpected += u64::from(status != expected);
    }

    /// Records requests without an answer.
    pub(crate) fn record_failures(&mut self, failure: Failure, count: u64) {
        if count > 0 {
            *self.failures.entry(failure).or_default() += count;
        }
    }

    /// Adds another round.
    pub(crate) fn add(&mut self, round: &Self) {
        self.from_schedule += &round.from_schedule;
        self.from_sending += &round.from_sending;
        round.statuses.iter().for_each(|(status, count)| *self.statuses.entry(*status).or_default() += count);
        round.failures.iter().for_each(|(failure, count)| *self.failures.entry(*failure).or_default() += count);
        self.unexpected += round.unexpected;
        self.due += round.due;
        self.elapsed += round.elapsed;
    }

    /// How many requests were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.from_schedule.len()
    }

    /// How many requests got an answer or failed.
    pub(crate) fn finished(&self) -> u64 {
        self.answered() + self.failures.values().sum::<u64>()
    }
}

/// The largest latency that is told apart, in microseconds: two hours, above the longest round.
const LARGEST: u64 = 7_200_000_000;

#[allow(clippy::expect_used, reason = "the constructor refuses wrong bounds only, and these are constants")]
fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LARGEST, 3).expect("1 to two hours at three digits")
}

fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(schedule: u64, sending: u64) -> Latency {
        Latency { from_schedule: Duration::from_micros(schedule), from_sending: Duration::from_micros(sending) }
    }

    #[test]
    fn answers_and_failures_are_told_apart() {
        let mut tally = Tally::default();
        tally.record(200, 200, latency(900, 100));
        tally.record(503, 200, latency(100, 100));
        tally.record_failures(Failure::Closed, 2);
        tally.record_failures(Failure::TimedOut, 0);
        assert_eq!((tally.answered(), tally.finished(), tally.unexpected), (2, 4, 1));
        assert_eq!(tally.statuses, BTreeMap::from([(200, 1), (503, 1)]));
        assert_eq!(tally.failures, BTreeMap::from([(Failure::Closed, 2)]), "nothing is listed with a count of zero");
        assert_eq!((tally.from_schedule.max(), tally.from_sending.max()), (900, 100));
    }

    #[test]
    fn rounds_add_up() {
        let mut round = Tally { due: 2, elapsed: Duration::from_secs(1), ..Tally::default() };
        round.record(200, 200, latency(10, 5));
        round.record_failures(Failure::Unsent, 1);
        let mut sum = Tally::default();
        sum.add(&round);
        sum.add(&round);
        assert_eq!((sum.answered(), sum.finished(), sum.due, sum.elapsed), (2, 4, 4, Duration::from_secs(2)));
    }

    #[test]
    fn what_is_too_long_to_tell_counts_as_the_longest() {
        let mut tally = Tally::default();
        tally.record(200, 200, latency(u64::MAX, 1));
        assert!(tally.from_schedule.max() >= LARGEST);
    }
}
