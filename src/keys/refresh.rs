//! Keeps the keys of a source fresh for as long as somebody uses it.

use super::remote::{Landing, Pace, Remote};
use crate::clock;
use crate::crypto::Random;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Starts the fetches, unless they were started before.
pub(super) fn start(remote: &Arc<Remote>) {
    if !remote.is_kept.swap(true, Ordering::AcqRel) {
        tokio::spawn(keep_fresh(Arc::downgrade(remote)));
    }
}

async fn keep_fresh(source: Weak<Remote>) {
    let mut failures = 0_u32;
    while let Some(remote) = source.upgrade() {
        failures = match remote.refresh(clock::now()).await {
            Landing::Changed | Landing::Unchanged => 0,
            Landing::Failed | Landing::Pending => failures.saturating_add(1),
        };
        let mut chance = [0];
        // Without randomness everybody asks at the same time, which is no reason not to ask.
        let _ = remote.random.fill(&mut chance);
        let pause = pause(remote.spec.pace, failures, chance);
        drop(remote);
        tokio::time::sleep(pause).await;
    }
}

/// The time until the next fetch: the interval, after failures less, and up to a tenth less by chance, so that
/// gateways that were started together do not ask together.
fn pause(pace: Pace, failures: u32, [chance]: [u8; 1]) -> Duration {
    let after_failure = pace.min_interval.saturating_mul(1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX));
    let seconds = if failures == 0 { pace.interval } else { pace.interval.min(after_failure) };
    let whole = Duration::from_secs(seconds);
    whole.saturating_sub(whole / 2560 * u32::from(chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { interval: 300, min_interval: 10, max_stale: 86_400, unknown_key_memory: 60, timeout: Duration::from_secs(5) };

    #[test]
    fn failures_are_followed_sooner_and_then_less_often() {
        let pauses: Vec<_> = [0, 1, 2, 3, 5, 6, 64, 65, u32::MAX].map(|failures| pause(PACE, failures, [0]).as_secs()).into();
        assert_eq!(pauses, [300, 10, 20, 40, 160, 300, 300, 300, 300]);
    }

    #[test]
    fn chance_takes_away_a_tenth_at_most() {
        assert_eq!(pause(PACE, 0, [0]), Duration::from_secs(300));
        let shortest = pause(PACE, 0, [255]);
        assert!(shortest > Duration::from_secs(270) && shortest < Duration::from_secs(271), "{shortest:?}");
    }
}
