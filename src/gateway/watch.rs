//! A deadline over one request that nothing inside the framework can miss: slow heads, slow contents, old tunnels.

use crate::clock;
use pingora::time::sleep;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

tokio::task_local! {
    /// The watch over the request that the current task serves.
    static WATCH: Arc<Watch>;
}

/// What a request is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Wait {
    /// For its head.
    Head,
    /// For its content.
    Content,
    /// For nothing that a client could hold up.
    Nothing,
    /// For the end of an upgraded connection.
    Tunnel,
}

impl Wait {
    /// The reason with which a connection is given up, for the metric.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Head => "head_timeout",
            Self::Content => "content_timeout",
            Self::Tunnel => "tunnel_age",
            Self::Nothing => "none",
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Head,
            1 => Self::Content,
            3 => Self::Tunnel,
            _ => Self::Nothing,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Head => 0,
            Self::Content => 1,
            Self::Nothing => 2,
            Self::Tunnel => 3,
        }
    }
}

/// A deadline that hooks move and the server around them enforces.
pub(super) struct Watch {
    born: Instant,
    wait: AtomicU8,
    /// Milliseconds after `born` at which the wait is over.
    deadline: AtomicU64,
    /// The latest that a moving deadline may reach, likewise.
    limit: AtomicU64,
    moved: Notify,
}

impl Watch {
    /// A watch that waits for a head.
    pub(super) fn head(patience: Duration) -> Arc<Self> {
        let patience = millis(patience);
        Arc::new(Self {
            born: clock::instant(),
            wait: AtomicU8::new(Wait::Head.number()),
            deadline: AtomicU64::new(patience),
            limit: AtomicU64::new(patience),
            moved: Notify::new(),
        })
    }

    /// Runs a request under this watch; what it was waited for when the deadline passed is the error.
    pub(super) async fn over<T>(self: Arc<Self>, request: impl Future<Output = T>) -> Result<T, Wait> {
        let watch = Arc::clone(&self);
        tokio::select! {
            biased;
            served = WATCH.scope(self, request) => Ok(served),
            wait = watch.expired() => Err(wait),
        }
    }

    async fn expired(&self) -> Wait {
        loop {
            let wait = Wait::from_number(self.wait.load(Ordering::Acquire));
            let left = self.deadline.load(Ordering::Acquire).saturating_sub(millis(self.born.elapsed()));
            if wait != Wait::Nothing && left == 0 {
                return wait;
            }
            tokio::select! {
                biased;
                () = self.moved.notified() => {}
                () = pause(wait, left) => {}
            }
        }
    }

    fn wait_for(&self, wait: Wait, step: Duration, most: Duration) {
        let now = millis(self.born.elapsed());
        let limit = now.saturating_add(millis(most));
        self.limit.store(limit, Ordering::Release);
        self.deadline.store(limit.min(now.saturating_add(millis(step))), Ordering::Release);
        self.wait.store(wait.number(), Ordering::Release);
    }
}

async fn pause(wait: Wait, left: u64) {
    match wait {
        Wait::Nothing => pending().await,
        Wait::Head | Wait::Content | Wait::Tunnel => sleep(Duration::from_millis(left)).await,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn with(act: impl FnOnce(&Watch)) {
    // Outside of a served connection (in unit tests) there is nothing to watch.
    let _ = WATCH.try_with(|watch| act(watch));
}

/// The head is complete and no content is waited for.
pub(super) fn rest() {
    // No wake-up: the timer of the head finds, when it fires, that there is nothing left to wait for.
    with(|watch| watch.wait.store(Wait::Nothing.number(), Ordering::Release));
}

/// How long after a content's own deadlines this one comes: whoever reads it and can still answer (408) goes first.
const AFTER_THE_READER: Duration = Duration::from_millis(250);

/// A content begins: `step` until its next piece, `most` until its end.
pub(super) fn expect_content(step: Duration, most: Duration) {
    with(|watch| {
        watch.wait_for(Wait::Content, step.saturating_add(AFTER_THE_READER), most.saturating_add(AFTER_THE_READER));
        watch.moved.notify_one();
    });
}

/// A piece of content came.
pub(super) fn content_came(step: Duration) {
    with(|watch| {
        let next = millis(watch.born.elapsed()).saturating_add(millis(step.saturating_add(AFTER_THE_READER)));
        watch.deadline.store(next.min(watch.limit.load(Ordering::Acquire)), Ordering::Release);
    });
}

/// The connection became a tunnel that may live this long.
pub(super) fn expect_tunnel(most: Duration) {
    with(|watch| {
        watch.wait_for(Wait::Tunnel, most, most);
        watch.moved.notify_one();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_that_never_comes_is_given_up() {
        let outcome = Watch::head(Duration::from_millis(20)).over(pending::<()>()).await;
        assert_eq!(outcome, Err(Wait::Head));
    }

    #[tokio::test]
    async fn a_request_that_rests_is_left_alone() {
        let served = async {
            rest();
            tokio::time::sleep(Duration::from_millis(80)).await;
            7
        };
        assert_eq!(Watch::head(Duration::from_millis(20)).over(served).await, Ok(7));
    }

    #[tokio::test]
    async fn a_shorter_deadline_takes_hold_at_once() {
        let stuck = async {
            expect_content(Duration::from_millis(20), Duration::from_secs(60));
            pending::<()>().await;
        };
        assert_eq!(Watch::head(Duration::from_secs(3600)).over(stuck).await, Err(Wait::Content));
    }

    #[tokio::test]
    async fn pieces_move_the_deadline_up_to_its_limit() {
        let drip = async {
            expect_content(Duration::from_millis(40), Duration::from_millis(120));
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                content_came(Duration::from_millis(40));
            }
        };
        let outcome: Result<(), Wait> = Watch::head(Duration::from_secs(3600)).over(drip).await;
        assert_eq!(outcome, Err(Wait::Content));
    }
}
