//! CPU time of a process, and what a request costs of it.

use std::path::Path;
use std::time::Duration;

/// The kernel tells CPU time in steps of 10 ms, whatever its own clock does (proc(5), `USER_HZ`).
const STEP: Duration = Duration::from_millis(10);

/// Reads the CPU time of one process: user and system, of all its threads.
#[derive(Debug)]
pub(crate) struct CpuClock {
    stat: Box<Path>,
}

/// CPU time per answered request in microseconds, one figure per round.
#[derive(Debug, Default)]
pub(crate) struct Costs(Vec<f64>);

/// First quartile, median, third quartile.
pub(crate) type Quartiles = [f64; 3];

impl CpuClock {
    /// The clock of a process.
    ///
    /// # Errors
    /// There is no such process, or this system does not tell.
    pub(crate) fn of_process(pid: u32) -> Result<Self, String> {
        let clock = Self { stat: Path::new("/proc").join(pid.to_string()).join("stat").into() };
        match clock.read() {
            Some(_) => Ok(clock),
            None => Err(format!("no CPU time can be read for the process {pid}")),
        }
    }

    /// The CPU time until now; nothing when the process has ended.
    pub(crate) fn read(&self) -> Option<Duration> {
        used(&std::fs::read_to_string(&self.stat).ok()?)
    }
}

/// User and system time from a line of `/proc/PID/stat`. The name in parentheses may hold anything, so what
/// counts begins behind the last of them; times are the twelfth and thirteenth field from there.
fn used(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u32, u32) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    STEP.checked_mul(user)?.checked_add(STEP.checked_mul(system)?)
}

impl Costs {
    /// Adds a round: what the process used, and how many requests it answered.
    pub(crate) fn record(&mut self, used: Duration, answered: u64) {
        if let Some(answered) = u32::try_from(answered).ok().filter(|answered| *answered > 0) {
            self.0.push(used.as_secs_f64() * 1e6 / f64::from(answered));
        }
    }

    /// The quartiles over the rounds, interpolated; nothing without a round.
    pub(crate) fn quartiles(&self) -> Option<Quartiles> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let quartile = |quarter: usize| {
            let (place, rest) = (last * quarter / 4, u32::try_from(last * quarter % 4).ok()?);
            let (below, above) = (sorted.get(place)?, sorted.get(place + 1).or(sorted.get(place))?);
            Some(below + (above - below) * f64::from(rest) / 4.0)
        };
        Some([quartile(1)?, quartile(2)?, quartile(3)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_whatever_name() {
        let stat = "4711 (a ) 1 2 (b) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 50 7 9 20 0 3 0 100 1000 200 18446744073709551615";
        assert_eq!(used(stat), Some(Duration::from_secs(3)));
        for wrong in ["", "4711 (a", "4711 (a) S 1 2 3", "4711 (a) S 1 2 3 4 5 6 7 8 9 10 x 12"] {
            assert_eq!(used(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn our_own_time_passes_while_we_work() {
        let clock = CpuClock::of_process(std::process::id()).unwrap();
        let before = clock.read().unwrap();
        let began = portcullis::clock::instant();
        let mut number = 1_u64;
        while clock.read().unwrap() < before + 5 * STEP {
            number = std::hint::black_box(number.wrapping_mul(3));
            assert!(began.elapsed() < Duration::from_secs(60), "five steps of CPU time take longer than a minute");
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_told() {
        assert!(CpuClock::of_process(u32::MAX).unwrap_err().contains("4294967295"));
    }

    #[test]
    fn quartiles_are_interpolated_over_sorted_rounds() {
        let costs = |rounds: &[u64]| {
            let mut costs = Costs::default();
            rounds.iter().for_each(|micros| costs.record(Duration::from_micros(*micros), 1));
            costs.quartiles()
        };
        assert_eq!(costs(&[]), None);
        assert_eq!(costs(&[7]), Some([7.0, 7.0, 7.0]));
        assert_eq!(costs(&[20, 10]), Some([12.5, 15.0, 17.5]));
        assert_eq!(costs(&[50, 10, 40, 20, 30]), Some([20.0, 30.0, 40.0]));
        assert_eq!(costs(&[4, 1, 3, 2]), Some([1.75, 2.5, 3.25]));
    }

    #[test]
    fn cost_is_per_answered_request() {
        let mut costs = Costs::default();
        costs.record(Duration::from_millis(440), 20_000);
        costs.record(Duration::from_millis(440), 0);
        assert_eq!(costs.quartiles(), Some([22.0; 3]));
    }
}
