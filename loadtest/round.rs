//! One round: arrivals are released on time, and connections carry them as they can.

use crate::arguments::Plan;
use crate::connection::{Connection, Failure};
use crate::schedule::Schedule;
use crate::tally::{Latency, Tally};
use crate::workload::Workload;
use portcullis::clock;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

/// Between opening the connections and the first arrival.
const LEAD: Duration = Duration::from_millis(20);

struct Round {
    workload: Rc<Workload>,
    timeout: Duration,
    schedule: Schedule,
    /// One permit per arrival that is due and not taken.
    due: Arc<Semaphore>,
    taken: Cell<u64>,
    last: Cell<Instant>,
    tally: RefCell<Tally>,
}

/// Runs one round to its end: until every arrival has its answer, or the time for answers is over.
pub(crate) async fn drive(plan: &Plan, workload: &Rc<Workload>) -> Tally {
    let connections = open(plan, workload).await;
    let schedule = Schedule::plan(clock::instant() + LEAD, plan.rate, plan.duration);
    let due = Arc::new(Semaphore::new(0));
    let release_due = Arc::clone(&due);
    let pacer = thread::spawn(move || release(&schedule, &release_due));
    let round = Rc::new(Round {
        workload: Rc::clone(workload),
        timeout: plan.timeout,
        schedule,
        due,
        taken: Cell::new(0),
        last: Cell::new(schedule.start()),
        tally: RefCell::default(),
    });
    let tasks = LocalSet::new();
    let mut carriers = JoinSet::new();
    for connection in connections {
        carriers.spawn_local_on(carry(Rc::clone(&round), connection), &tasks);
    }
    let all = async { while carriers.join_next().await.is_some() {} };
    let _given_up = timeout(LEAD + plan.duration + plan.timeout, tasks.run_until(all)).await;
    // The pacer ends by itself when the schedule does; if it panicked, that has been printed.
    let _ended = pacer.join();
    close(&round)
}

/// Opens the connections ahead, so that the first requests do not pay for it. One that cannot be
/// opened now is tried again, and counted, when it is needed.
async fn open(plan: &Plan, workload: &Workload) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..plan.connections {
        let mut connection = Connection::new(workload.address);
        let _unreachable = timeout(plan.timeout, connection.open()).await;
        connections.push(connection);
    }
    connections
}

/// Releases every arrival when it is due. On a thread of its own, because the timers of the runtime
/// tick in milliseconds.
fn release(schedule: &Schedule, due: &Semaphore) {
    let mut released = 0;
    while released < schedule.arrivals() {
        let now = clock::instant();
        let by_now = schedule.due_by(now);
        due.add_permits(usize::try_from(by_now - released).unwrap_or(usize::MAX));
        released = by_now;
        thread::sleep(schedule.due(released).saturating_duration_since(now));
    }
}

/// Carries one arrival after the other over one connection, until none is left.
async fn carry(round: Rc<Round>, mut connection: Connection) {
    let mut request = Vec::with_capacity(1024);
    while let Some(due) = next_arrival(&round).await {
        let sent = clock::instant();
        round.workload.write(&mut request);
        let outcome = timeout(round.timeout, connection.exchange(&request)).await.unwrap_or(Err(Failure::TimedOut));
        let now = clock::instant();
        round.last.set(now);
        let mut tally = round.tally.borrow_mut();
        match outcome {
            Ok(status) => {
                let latency = Latency { from_schedule: now - due, from_sending: now - sent };
                tally.record(status, round.workload.expected, latency);
            }
            Err(failure) => tally.record_failures(failure, 1),
        }
    }
}

/// Waits for the next arrival that nobody has taken, and yields the time it was due.
async fn next_arrival(round: &Round) -> Option<Instant> {
    round.due.acquire().await.ok()?.forget();
    let number = round.taken.get();
    round.taken.set(number + 1);
    if number + 1 == round.schedule.arrivals() {
        round.due.close();
    }
    Some(round.schedule.due(number))
}

/// The round's tally; what was due and neither answered nor failed by now is a failure too.
fn close(round: &Round) -> Tally {
    let mut tally = round.tally.take();
    tally.due = round.schedule.arrivals();
    tally.elapsed = round.last.get().saturating_duration_since(round.schedule.start());
    tally.record_failures(Failure::Unsent, tally.due.saturating_sub(round.taken.get()));
    tally.record_failures(Failure::TimedOut, tally.due.saturating_sub(tally.finished()));
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Side;
    use crate::workload::tests;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    fn plan(connections: u32, timeout: Duration) -> Plan {
        Plan { rate: 200, duration: Duration::from_millis(500), connections, timeout, ..Plan::default() }
    }

    fn public(address: SocketAddr) -> Rc<Workload> {
        Rc::new(tests::public(address, Side::Direct))
    }

    /// Answers every request after a pause; `stall` holds back the first answer only.
    async fn server(stall: Duration, answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut pause = stall;
            while let Ok((mut stream, _)) = listener.accept().await {
                let pause = std::mem::take(&mut pause);
                tokio::spawn(async move {
                    let mut octets = [0; 4096];
                    let mut pause = pause;
                    while stream.read(&mut octets).await.is_ok_and(|read| read > 0) {
                        tokio::time::sleep(std::mem::take(&mut pause)).await;
                        stream.write_all(answer).await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn every_arrival_is_answered_at_the_asked_rate() {
        let address = server(Duration::ZERO, OK).await;
        let tally = drive(&plan(4, Duration::from_secs(5)), &public(address)).await;
        assert_eq!((tally.due, tally.answered(), tally.unexpected), (100, 100, 0));
        assert!(tally.failures.is_empty());
        assert!(tally.elapsed >= Duration::from_millis(495), "not faster than the schedule: {:?}", tally.elapsed);
    }

    #[tokio::test]
    async fn a_stall_counts_for_everyone_who_waited() {
        let address = server(Duration::from_millis(300), OK).await;
        let tally = drive(&plan(1, Duration::from_secs(5)), &public(address)).await;
        assert_eq!(tally.answered(), 100);
        // One answer was slow to come, but the sixty that were due meanwhile waited as well.
        let slow = |histogram: &hdrhistogram::Histogram<u64>| histogram.count_between(20_000, u64::MAX);
        assert!(slow(&tally.from_schedule) >= 40, "{}", slow(&tally.from_schedule));
        assert!(slow(&tally.from_sending) < 20, "{}", slow(&tally.from_sending));
    }

    #[tokio::test]
    async fn an_unexpected_status_is_an_answer() {
        let address = server(Duration::ZERO, b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
        let tally = drive(&plan(2, Duration::from_secs(5)), &public(address)).await;
        assert_eq!((tally.answered(), tally.unexpected), (100, 100));
    }

    #[tokio::test]
    async fn nobody_there_is_a_failure_each() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let tally = drive(&plan(2, Duration::from_secs(5)), &public(address)).await;
        assert_eq!((tally.answered(), tally.failures.get(&Failure::Unreachable)), (0, Some(&100)));
    }

    #[tokio::test]
    async fn a_silent_server_does_not_hold_the_round() {
        let address = server(Duration::from_secs(60), OK).await;
        let started = clock::instant();
        let tally = drive(&plan(1, Duration::from_millis(400)), &public(address)).await;
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(tally.finished(), 100, "every arrival is accounted for");
        assert!(tally.failures.contains_key(&Failure::TimedOut));
    }
}
