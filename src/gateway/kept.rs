//! Connections to one server that wait for the next request.

use super::pool::Pool;
use futures_util::FutureExt;
use pingora::protocols::l4::stream::Stream as RawStream;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Rounds that a connection may wait for: how finely the idle time is kept.
const ROUNDS: u64 = 8;

/// What waits for one server. The last to come back is the first to go out again.
#[derive(Debug, Default)]
pub(super) struct KeptConnections {
    waiting: Mutex<VecDeque<Waiting>>,
    /// How often it was looked through: the time, as far as this needs one.
    round: AtomicU64,
}

#[derive(Debug)]
struct Waiting {
    stream: Box<RawStream>,
    since: u64,
}

impl KeptConnections {
    /// A connection that its server has not closed, as far as we have heard.
    pub(super) fn take(&self) -> Option<Box<RawStream>> {
        loop {
            let mut stream = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_back()?.stream;
            if is_quiet(&mut stream) {
                return Some(stream);
            }
        }
    }

    /// Keeps a connection whose last answer was read to its end. Beyond what is kept for a server, it is closed.
    pub(super) fn keep(&self, stream: Box<RawStream>) {
        /// Connections that wait for one server at most.
        const MOST: usize = 512;
        let since = self.round.load(Ordering::Relaxed);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push_back(Waiting { stream, since });
        }
    }

    /// One round: closes what has waited long enough, and what its server has closed.
    fn look_through(&self) {
        let now = self.round.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain_mut(|kept| now.saturating_sub(kept.since) < ROUNDS && is_quiet(&mut kept.stream));
    }
}

/// Whether nothing came on a connection on which nothing was asked: neither an end nor an answer to nobody.
fn is_quiet(stream: &mut RawStream) -> bool {
    // Unconstrained, because a task that has used up its turn would be told that nothing is there.
    tokio::task::unconstrained(stream.read(&mut [0])).now_or_never().is_none()
}

/// Looks through the kept connections of a pool until nobody holds it any more.
pub(super) fn look_after(pool: &Arc<Pool>) {
    tokio::spawn(rounds(Arc::downgrade(pool), pool.spec().timeouts.idle.duration()));
}

async fn rounds(pool: Weak<Pool>, idle: Duration) {
    /// However short the idle time is.
    const SHORTEST: Duration = Duration::from_millis(10);
    let pause = (idle / u32::try_from(ROUNDS).unwrap_or(1)).max(SHORTEST);
    loop {
        tokio::time::sleep(pause).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.servers().iter().for_each(|server| server.kept().look_through());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (Box<RawStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (theirs, _) = listener.accept().await.unwrap();
        (Box::new(RawStream::from(ours)), theirs)
    }

    /// Waits until what the other end did has come.
    async fn heard(kept: &KeptConnections) {
        while kept.waiting.lock().unwrap().iter_mut().any(|waiting| is_quiet(&mut waiting.stream)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_quiet_connection_comes_back() {
        let (kept, (ours, _theirs)) = (KeptConnections::default(), pair().await);
        kept.keep(ours);
        assert!(kept.take().is_some());
        assert!(kept.take().is_none());
    }

    #[tokio::test]
    async fn what_the_server_closed_does_not() {
        let (kept, (ours, theirs)) = (KeptConnections::default(), pair().await);
        kept.keep(ours);
        drop(theirs);
        heard(&kept).await;
        assert!(kept.take().is_none());
    }

    #[tokio::test]
    async fn nor_does_one_with_an_answer_that_nobody_asked_for() {
        let (kept, (ours, mut theirs)) = (KeptConnections::default(), pair().await);
        kept.keep(ours);
        theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        heard(&kept).await;
        assert!(kept.take().is_none());
    }

    #[tokio::test]
    async fn a_connection_waits_for_so_many_rounds_and_no_longer() {
        let (kept, (ours, _theirs)) = (KeptConnections::default(), pair().await);
        kept.keep(ours);
        (1..ROUNDS).for_each(|_| kept.look_through());
        assert_eq!(kept.waiting.lock().unwrap().len(), 1);
        kept.look_through();
        assert_eq!(kept.waiting.lock().unwrap().len(), 0);
    }
}
