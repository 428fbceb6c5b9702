//! Deadlines that nothing inside the framework can miss: slow heads, slow contents, old tunnels.
//!
//! A watch costs a request a few atomic stores and no timer: one patrol looks at all of them, four times
//! a second, keeps the time for them, and wakes what has waited too long.

use crate::clock;
use futures_util::task::AtomicWaker;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

/// How often the patrol looks: nothing waits longer than it may by more than two of them (a content, three), and nothing
/// less long.
const ROUND: Duration = Duration::from_millis(250);

tokio::task_local! {
    /// The watch over what the current task serves: a connection over HTTP/1, a stream over HTTP/2.
    static WATCH: Arc<Watch>;
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A head.
    Head,
    /// The next piece of a content.
    Content,
    /// Nothing that a client could hold up.
    Nothing,
    /// The end of an upgraded connection.
    Tunnel,
    /// What the other side of the short way does. Whoever waits for it is told, and goes on.
    Server,
}

impl Wait {
    /// The reason with which a connection is given up, for the metric.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Head => "head_timeout",
            Self::Content => "content_timeout",
            Self::Tunnel => "tunnel_age",
            Self::Nothing | Self::Server => "none",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Head => 1,
            Self::Content => 2,
            Self::Tunnel => 3,
            Self::Server => 4,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Head,
            2 => Self::Content,
            3 => Self::Tunnel,
            4 => Self::Server,
            _ => Self::Nothing,
        }
    }
}

/// Looks after all watches. Its time is in milliseconds since it began.
#[derive(Debug, Default)]
pub(super) struct Patrol {
    /// As of the last round.
    now: AtomicU64,
    watches: Mutex<Vec<Weak<Watch>>>,
}

/// A deadline that hooks move and the patrol enforces.
#[derive(Debug)]
pub(super) struct Watch {
    patrol: Arc<Patrol>,
    wait: AtomicU8,
    /// When the wait is over, in the patrol's time.
    deadline: AtomicU64,
    /// The latest that a moving deadline may reach, likewise.
    limit: AtomicU64,
    /// What was waited for too long; [`Wait::Nothing`] while nothing was.
    expired: AtomicU8,
    waker: AtomicWaker,
}

impl Patrol {
    /// Looks for ever.
    pub(super) async fn run(self: Arc<Self>) {
        let began = clock::instant();
        let mut round = tokio::time::interval(ROUND);
        loop {
            round.tick().await;
            self.look(millis(began.elapsed()));
        }
    }

    /// One round: wakes what has waited too long and forgets what is gone.
    fn look(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).retain(|watch| match watch.upgrade() {
            Some(watch) => {
                watch.look(now);
                true
            }
            None => false,
        });
    }

    /// When so long will have passed for certain: what is known of the time may be a round old.
    fn after(&self, period: Duration) -> u64 {
        self.now.load(Ordering::Relaxed).saturating_add(millis(period.saturating_add(ROUND)))
    }

    /// Begins a watch that waits for nothing.
    pub(super) fn begin(self: &Arc<Self>) -> Arc<Watch> {
        let watch = Arc::new(Watch {
            patrol: Arc::clone(self),
            wait: AtomicU8::new(Wait::Nothing.number()),
            deadline: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            expired: AtomicU8::new(Wait::Nothing.number()),
            waker: AtomicWaker::new(),
        });
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&watch));
        watch
    }
}

impl Watch {
    fn look(&self, now: u64) {
        let wait = Wait::from_number(self.wait.load(Ordering::Acquire));
        if wait != Wait::Nothing && self.deadline.load(Ordering::Acquire) <= now {
            self.expired.store(wait.number(), Ordering::Release);
            self.waker.wake();
        }
    }

    fn expect(&self, wait: Wait, step: Duration, most: Duration) {
        let limit = self.patrol.after(most);
        self.limit.store(limit, Ordering::Relaxed);
        self.deadline.store(limit.min(self.patrol.after(step)), Ordering::Release);
        self.wait.store(wait.number(), Ordering::Release);
    }

    /// Whether the wait for a server is over. An older one may have left its mark behind.
    fn has_lapsed(&self) -> bool {
        let marked = self.expired.load(Ordering::Acquire) == Wait::Server.number();
        marked && self.deadline.load(Ordering::Acquire) <= self.patrol.now.load(Ordering::Relaxed)
    }

    /// Serves under this watch; what was waited for when the deadline passed is the error.
    pub(super) fn over<F: Future>(self: Arc<Self>, served: F) -> Watched<impl Future<Output = F::Output>> {
        Watched { served: Box::pin(WATCH.scope(Arc::clone(&self), served)), watch: self }
    }
}

/// Something served under a watch. Dropping what is served closes its connection.
pub(super) struct Watched<F> {
    served: Pin<Box<F>>,
    watch: Arc<Watch>,
}

impl<F: Future> Future for Watched<F> {
    type Output = Result<F::Output, Wait>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.served.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        // Registered before the look, so that a wake in between is not lost.
        self.watch.waker.register(context.waker());
        match Wait::from_number(self.watch.expired.load(Ordering::Acquire)) {
            Wait::Nothing | Wait::Server => Poll::Pending,
            expired @ (Wait::Head | Wait::Content | Wait::Tunnel) => Poll::Ready(Err(expired)),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether the current task is watched: a connection over HTTP/1 is, a new stream over HTTP/2 is not yet.
pub(super) fn is_on() -> bool {
    WATCH.try_with(|_| ()).is_ok()
}

fn with(act: impl FnOnce(&Watch)) {
    // Outside of what is served (in unit tests) there is nothing to watch.
    let _ = WATCH.try_with(|watch| act(watch));
}

/// A connection is ready for a request: idle time and the time for the head begin together.
pub(super) fn expect_head(most: Duration) {
    with(|watch| watch.expect(Wait::Head, most, most));
}

/// The head is complete and no content is waited for.
pub(super) fn rest() {
    with(|watch| watch.wait.store(Wait::Nothing.number(), Ordering::Release));
}

/// How long after a content's own deadlines this one comes: whoever reads it and can still answer (408) goes first.
const AFTER_THE_READER: Duration = Duration::from_millis(150);

/// A content begins: `step` until its next piece, `most` until its end.
pub(super) fn expect_content(step: Duration, most: Duration) {
    with(|watch| watch.expect(Wait::Content, step.saturating_add(AFTER_THE_READER), most.saturating_add(AFTER_THE_READER)));
}

/// A piece of content came.
pub(super) fn content_came(step: Duration) {
    with(|watch| {
        let next = watch.patrol.after(step.saturating_add(AFTER_THE_READER));
        watch.deadline.store(next.min(watch.limit.load(Ordering::Relaxed)), Ordering::Release);
    });
}

/// A server did not send anything in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lapsed;

/// From now on, the other side has so long.
pub(super) fn expect_server(most: Duration) {
    with(|watch| watch.expect(Wait::Server, most, most));
}

/// Waits so long for what the other side does.
pub(super) async fn within<F: Future>(most: Duration, sent: F) -> Result<F::Output, Lapsed> {
    let mut sent = pin!(sent);
    expect_server(most);
    let outcome = poll_fn(|context| match sent.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if WATCH.try_with(|watch| watch.has_lapsed()).unwrap_or_default() => Poll::Ready(Err(Lapsed)),
        Poll::Pending => Poll::Pending,
    });
    let outcome = outcome.await;
    rest();
    outcome
}

/// The connection became a tunnel that may live this long.
pub(super) fn expect_tunnel(most: Duration) {
    with(|watch| watch.expect(Wait::Tunnel, most, most));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const SHORT: Duration = Duration::from_millis(150);
    const LONG: Duration = Duration::from_secs(3600);

    async fn watched<F: Future>(served: F) -> Result<F::Output, Wait> {
        let patrol = Arc::new(Patrol::default());
        let rounds = tokio::spawn(Arc::clone(&patrol).run());
        let outcome = patrol.begin().over(served).await;
        rounds.abort();
        outcome
    }

    #[tokio::test]
    async fn a_head_that_never_comes_is_given_up() {
        let stuck = async {
            expect_head(SHORT);
            pending::<()>().await;
        };
        assert_eq!(watched(stuck).await, Err(Wait::Head));
    }

    #[tokio::test]
    async fn a_request_that_rests_is_left_alone() {
        let served = async {
            expect_head(SHORT);
            rest();
            tokio::time::sleep(SHORT + ROUND * 3).await;
            7
        };
        assert_eq!(watched(served).await, Ok(7));
    }

    #[tokio::test]
    async fn a_shorter_deadline_takes_hold() {
        let stuck = async {
            expect_head(LONG);
            expect_content(SHORT, LONG);
            pending::<()>().await;
        };
        assert_eq!(watched(stuck).await, Err(Wait::Content));
    }

    #[tokio::test]
    async fn pieces_move_the_deadline_up_to_its_limit() {
        let drip = async {
            expect_content(LONG, SHORT * 4);
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                content_came(LONG);
            }
        };
        let outcome: Result<(), Wait> = watched(drip).await;
        assert_eq!(outcome, Err(Wait::Content));
    }

    #[tokio::test]
    async fn who_waits_for_a_server_is_told_and_goes_on() {
        let served = async {
            let lapsed = within(SHORT, pending::<()>()).await;
            // The mark of the first does not end the second.
            let came = within(LONG, tokio::time::sleep(SHORT)).await;
            (lapsed, came)
        };
        assert_eq!(watched(served).await, Ok((Err(Lapsed), Ok(()))));
    }

    #[test]
    fn the_patrol_forgets_what_is_gone() {
        let patrol = Arc::new(Patrol::default());
        let kept = patrol.begin();
        drop(patrol.begin());
        patrol.look(1);
        assert_eq!(patrol.watches.lock().unwrap().len(), 1);
        drop(kept);
    }
}
