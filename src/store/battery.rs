//! What every engine of a store must do, run for each that there is.

use super::{
    ContextFacts, Mark, MemoryReplayLog, MemoryRevocations, NotMarked, ReplayCounts, ReplayLog, Revocations, RevocationsFull, Subject,
};
use crate::clock::UnixTime;
use crate::crypto::SystemRandom;
use std::future::Future;
use std::sync::Barrier;

const BEGAN: UnixTime = UnixTime::from_seconds(1_700_000_000);

fn memory_log(entries: usize) -> MemoryReplayLog {
    MemoryReplayLog::with_room(entries, BEGAN, &SystemRandom::new()).unwrap()
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn mark(number: u64, until: UnixTime) -> Mark {
    Mark { key: super::key::key_of([&number.to_le_bytes()]), until }
}

/// The whole battery for logs of first uses; `fresh` makes one that began at [`BEGAN`].
fn every_log<L: ReplayLog>(fresh: impl Fn(usize) -> L) {
    a_mark_counts_through_its_last_second(&fresh(100));
    what_is_over_is_not_marked(&fresh(100));
    a_full_log_refuses_and_forgets_nothing(&fresh(50));
    room_comes_back_with_time(&fresh(50));
    a_clock_that_steps_back_opens_nothing(&fresh(100));
    of_many_at_once_one_wins(&fresh(10_000));
    what_it_says_it_holds_fits(&fresh(20_000), 20_000);
    new_marks_are_never_taken_for_old_ones(&fresh(30_000));
}

fn a_mark_counts_through_its_last_second(log: &impl ReplayLog) {
    let until = BEGAN.later(10);
    assert_eq!(wait(log.mark(mark(1, until), BEGAN)), Ok(()));
    assert_eq!(wait(log.mark(mark(1, until), BEGAN)), Err(NotMarked::Seen));
    assert_eq!(wait(log.mark(mark(1, until.later(99)), until)), Err(NotMarked::Seen), "whatever end the second use states");
    assert_eq!(wait(log.mark(mark(2, until), until)), Ok(()), "another key, in its last second");
    assert_eq!(wait(log.mark(mark(1, until.later(9)), until.later(1))), Ok(()), "the first use is over");
    assert_eq!(wait(log.mark(mark(1, until.later(9)), until.later(9))), Err(NotMarked::Seen));
    let counts = log.counts();
    assert_eq!((counts.marked, counts.replays, counts.refused_full), (3, 3, 0));
    // What is over may have been cleared away.
    assert!((1..=3).contains(&counts.entries), "{counts:?}");
}

fn what_is_over_is_not_marked(log: &impl ReplayLog) {
    let now = BEGAN.later(10);
    assert_eq!(wait(log.mark(mark(1, now.earlier(1)), now)), Err(NotMarked::TooOld));
    assert_eq!(wait(log.mark(mark(1, BEGAN.earlier(1)), BEGAN.earlier(1))), Err(NotMarked::TooOld));
    assert_eq!(wait(log.mark(mark(1, now), now)), Ok(()));
    assert_eq!(wait(log.mark(mark(2, UnixTime::from_seconds(u64::MAX)), now)), Ok(()));
    assert_eq!(wait(log.mark(mark(2, now), now)), Err(NotMarked::Seen));
}

fn a_full_log_refuses_and_forgets_nothing(log: &impl ReplayLog) {
    let (room, until) = (log.counts().room, BEGAN.later(10));
    let marked = (0..room * 2).filter(|number| wait(log.mark(mark(*number, until), BEGAN)).is_ok()).count();
    let counts = log.counts();
    assert_eq!(counts, ReplayCounts { entries: room, room, marked: room, replays: 0, refused_full: room });
    assert_eq!(u64::try_from(marked), Ok(room));
    for number in 0..room {
        assert_eq!(wait(log.mark(mark(number, until), until)), Err(NotMarked::Seen), "{number} is forgotten");
    }
    assert_eq!(wait(log.mark(mark(room * 2, until), until)), Err(NotMarked::Full), "in the last second of all");
}

fn room_comes_back_with_time(log: &impl ReplayLog) {
    let room = log.counts().room;
    for round in 0..20 {
        let (now, until) = (BEGAN.later(round * 11), BEGAN.later(round * 11 + 10));
        for number in 0..room {
            assert_eq!(wait(log.mark(mark(round * 1000 + number, until), now)), Ok(()), "round {round}, mark {number}");
        }
        assert_eq!(wait(log.mark(mark(999_999, until), until)), Err(NotMarked::Full));
    }
}

fn a_clock_that_steps_back_opens_nothing(log: &impl ReplayLog) {
    let until = BEGAN.later(10);
    wait(log.mark(mark(1, until), BEGAN)).unwrap();
    for number in 0..log.counts().room {
        wait(log.mark(mark(2 + number, BEGAN.later(99)), BEGAN.later(20))).ok();
    }
    let again = wait(log.mark(mark(1, until), BEGAN));
    assert!(matches!(again, Err(NotMarked::Seen | NotMarked::TooOld)), "{again:?}");
}

fn of_many_at_once_one_wins(log: &impl ReplayLog) {
    const THREADS: usize = 4;
    const KEYS: u64 = 2_000;
    let start = Barrier::new(THREADS);
    let run = || {
        start.wait();
        (0..KEYS).filter(|number| wait(log.mark(mark(*number, BEGAN.later(9)), BEGAN)).is_ok()).count()
    };
    let won: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(u64::try_from(won), Ok(KEYS));
    assert_eq!(log.counts().replays, KEYS * 3);
}

fn what_it_says_it_holds_fits(log: &impl ReplayLog, entries: u64) {
    assert!(log.counts().room >= entries);
    for number in 0..entries {
        assert_eq!(wait(log.mark(mark(number, BEGAN.later(9)), BEGAN)), Ok(()), "mark {number} of {entries}");
    }
    assert_eq!(log.counts().entries, entries);
}

fn new_marks_are_never_taken_for_old_ones(log: &impl ReplayLog) {
    for number in 0..30_000 {
        let now = BEGAN.later(number / 1000);
        assert_eq!(wait(log.mark(mark(number, now.later(9)), now)), Ok(()), "mark {number}");
    }
    assert_eq!(log.counts().replays, 0);
}

/// The whole battery for revocations.
fn every_list_of_revocations<R: Revocations>(fresh: impl Fn(usize) -> R) {
    nothing_is_revoked_at_first(&fresh(10));
    one_context_is_revoked_by_its_identifier(&fresh(10));
    contexts_of_a_subject_are_revoked_up_to_a_second(&fresh(10));
    a_second_revocation_takes_nothing_back(&fresh(10));
    a_full_list_refuses_and_forgets_nothing(&fresh(10));
}

const CONTEXT: ContextFacts<'static> = ContextFacts { id: &[1; 16], issuer: "https://sts.example", subject: Some("jane"), issued: BEGAN };
const JANE: Subject<'static> = Subject { issuer: "https://sts.example", name: "jane" };

fn nothing_is_revoked_at_first(list: &impl Revocations) {
    assert!(!list.is_revoked(&CONTEXT));
    assert_eq!(list.entries(), 0);
}

fn one_context_is_revoked_by_its_identifier(list: &impl Revocations) {
    wait(list.revoke_id([1; 16], BEGAN.later(10), BEGAN)).unwrap();
    assert!(list.is_revoked(&CONTEXT));
    assert!(list.is_revoked(&ContextFacts { subject: None, ..CONTEXT }));
    assert!(!list.is_revoked(&ContextFacts { id: &[2; 16], ..CONTEXT }));
    wait(list.revoke_id([2; 16], BEGAN.later(999), BEGAN.later(10))).unwrap();
    assert!(list.is_revoked(&CONTEXT), "through its last second");
    wait(list.revoke_id([3; 16], BEGAN.later(999), BEGAN.later(10 + super::revocations::CLEAR_EVERY))).unwrap();
    assert_eq!(list.entries(), 2, "what is over is forgotten");
}

fn contexts_of_a_subject_are_revoked_up_to_a_second(list: &impl Revocations) {
    wait(list.revoke_subject(JANE, BEGAN, BEGAN.later(10), BEGAN)).unwrap();
    assert!(list.is_revoked(&CONTEXT));
    assert!(list.is_revoked(&ContextFacts { id: &[9; 16], issued: BEGAN.earlier(5), ..CONTEXT }));
    for other in [
        ContextFacts { issued: BEGAN.later(1), ..CONTEXT },
        ContextFacts { subject: None, ..CONTEXT },
        ContextFacts { subject: Some("jan"), ..CONTEXT },
        ContextFacts { subject: Some("ejane"), issuer: "https://sts.exampl", ..CONTEXT },
        ContextFacts { issuer: "https://sts.example/", ..CONTEXT },
    ] {
        assert!(!list.is_revoked(&other), "{other:?}");
    }
}

fn a_second_revocation_takes_nothing_back(list: &impl Revocations) {
    wait(list.revoke_subject(JANE, BEGAN, BEGAN.later(100), BEGAN)).unwrap();
    wait(list.revoke_subject(JANE, BEGAN.earlier(10), BEGAN.later(5), BEGAN)).unwrap();
    wait(list.revoke_id([1; 16], BEGAN.later(100), BEGAN)).unwrap();
    wait(list.revoke_id([1; 16], BEGAN.later(5), BEGAN)).unwrap();
    wait(list.revoke_id([3; 16], BEGAN.later(999), BEGAN.later(90))).unwrap();
    assert_eq!(list.entries(), 3);
    assert!(list.is_revoked(&ContextFacts { id: &[9; 16], ..CONTEXT }));
    assert!(list.is_revoked(&ContextFacts { subject: None, ..CONTEXT }));
}

fn a_full_list_refuses_and_forgets_nothing(list: &impl Revocations) {
    for number in 0..9 {
        wait(list.revoke_id([number; 16], BEGAN.later(10), BEGAN)).unwrap();
    }
    wait(list.revoke_subject(JANE, BEGAN, BEGAN.later(20), BEGAN)).unwrap();
    assert_eq!(wait(list.revoke_id([99; 16], BEGAN.later(10), BEGAN)), Err(RevocationsFull));
    assert_eq!(wait(list.revoke_subject(Subject { name: "joe", ..JANE }, BEGAN, BEGAN.later(10), BEGAN)), Err(RevocationsFull));
    assert!(!list.is_revoked(&ContextFacts { id: &[99; 16], subject: None, ..CONTEXT }));
    assert_eq!(wait(list.revoke_id([8; 16], BEGAN.later(11), BEGAN)), Ok(()), "what is there already needs no room");
    assert!((0..9).all(|number| list.is_revoked(&ContextFacts { id: &[number; 16], subject: None, ..CONTEXT })));
    assert_eq!(wait(list.revoke_id([99; 16], BEGAN.later(50), BEGAN.later(11))), Ok(()), "room comes back as soon as it is needed");
    assert_eq!(list.entries(), 3);
    assert!(list.is_revoked(&CONTEXT));
}

#[test]
fn the_log_in_memory_passes() {
    every_log(memory_log);
}

#[test]
fn a_log_in_memory_does_not_admit_what_is_older_than_itself() {
    let log = memory_log(1);
    assert!(log.admits(BEGAN) && log.admits(BEGAN.later(1)));
    assert!(!log.admits(BEGAN.earlier(1)));
}

#[test]
fn a_million_marks_in_memory_take_less_than_64_mib() {
    let octets = MemoryReplayLog::octets_for(1_000_000);
    assert_eq!(octets / 1_000_000, 40, "octets per mark: a deliberate figure");
    assert!(octets <= 64 << 20);
}

#[test]
fn revocations_in_memory_pass() {
    every_list_of_revocations(MemoryRevocations::with_room);
}
