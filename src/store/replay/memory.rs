//! The log of first uses in the memory of this process.

use super::shard::{SLOT_OCTETS, Shard, Spread, scaled, slots_for, words};
use super::{Mark, NotMarked, ReplayCounts, ReplayLog};
use crate::clock::UnixTime;
use crate::crypto::{Random, RandomUnavailable};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most parts. Beyond a quarter of a thousand, two processors that do nothing but mark gain no more from more of
/// them: they wait for the memory that the other one wrote, not for its lock.
const MOST_SHARDS: usize = 256;
/// The fewest marks that are worth a part of their own.
const SHARD_ROOM: usize = 1024;

/// First uses, remembered by this process alone: after a restart, and beside another process, they are not
/// known. What was made before this one began is not admitted for that reason.
///
/// Memory for a part of the log is taken with the first mark that falls into it.
pub struct MemoryReplayLog {
    shards: Box<[Cell]>,
    spread: Spread,
    began: UnixTime,
    room: usize,
}

/// Apart from its neighbours by what processors fetch at once, so that two of them never fight for one line.
#[repr(align(128))]
struct Cell(Mutex<Part>);

struct Part {
    shard: Shard,
    marked: u64,
    replays: u64,
    refused_full: u64,
}

impl MemoryReplayLog {
    /// A log that began at `began` and has room for `entries` marks that count, and for a quarter more: there lies
    /// what is over and not cleared away yet. Marks do not fall evenly into the parts of a large log, so each part
    /// has some room beyond that. What may be held in the end, at most, is in the counts.
    ///
    /// # Errors
    /// There is no randomness. Without, a caller could choose nonces that crowd in one place.
    pub fn with_room(entries: usize, began: UnixTime, random: &impl Random) -> Result<Self, RandomUnavailable> {
        let (mut first, mut second) = ([0; 8], [0; 8]);
        random.fill(&mut first)?;
        random.fill(&mut second)?;
        let spread = Spread([u64::from_le_bytes(first), u64::from_le_bytes(second)]);
        let shards = (entries / SHARD_ROOM).clamp(1, MOST_SHARDS);
        let room = shard_room(entries, shards);
        let part = || Part { shard: Shard::with_room(room, spread), marked: 0, replays: 0, refused_full: 0 };
        let shards: Box<[Cell]> = std::iter::repeat_with(|| Cell(Mutex::new(part()))).take(shards).collect();
        Ok(Self { room: room.saturating_mul(shards.len()), shards, spread, began })
    }

    /// The memory that a log for `entries` marks takes when it is full, in octets.
    pub fn octets_for(entries: usize) -> usize {
        let shards = (entries / SHARD_ROOM).clamp(1, MOST_SHARDS);
        let slots = slots_for(shard_room(entries, shards)).saturating_mul(SLOT_OCTETS);
        shards.saturating_mul(slots.saturating_add(size_of::<Cell>()))
    }

    /// Marks a first use, as [`ReplayLog::mark`] does, without waiting.
    ///
    /// # Errors
    /// See [`NotMarked`].
    pub fn mark_here(&self, mark: Mark, now: UnixTime) -> Result<(), NotMarked> {
        if mark.until < self.began {
            return Err(NotMarked::TooOld);
        }
        let key = words(mark.key);
        let Some(cell) = self.shards.get(scaled(self.spread.of(key).0, self.shards.len())) else { return Err(NotMarked::Full) };
        let mut part = cell.lock();
        let marked = part.shard.mark(key, self.second(mark.until), self.second(now));
        part.count(marked);
        marked
    }

    /// The second of this log's count, which fits four octets for 136 years.
    fn second(&self, time: UnixTime) -> u32 {
        let since = time.seconds().saturating_sub(self.began.seconds()).saturating_add(1);
        u32::try_from(since).unwrap_or(u32::MAX)
    }
}

/// The room of a part: what falls into it on average, six standard deviations where there are several, and a
/// quarter for what is over.
const fn shard_room(entries: usize, shards: usize) -> usize {
    let average = entries.div_ceil(shards);
    let uneven = if shards == 1 { 0 } else { average.isqrt().saturating_mul(6) };
    average.saturating_add(uneven).saturating_add(average / 4)
}

impl Cell {
    /// Nothing that is done under the lock can panic, so that a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Part> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    const fn count(&mut self, marked: Result<(), NotMarked>) {
        let counter = match marked {
            Ok(()) => &mut self.marked,
            Err(NotMarked::Seen) => &mut self.replays,
            Err(NotMarked::Full) => &mut self.refused_full,
            Err(NotMarked::TooOld) => return,
        };
        *counter = counter.saturating_add(1);
    }
}

impl ReplayLog for MemoryReplayLog {
    async fn mark(&self, mark: Mark, now: UnixTime) -> Result<(), NotMarked> {
        self.mark_here(mark, now)
    }

    fn admits(&self, made: UnixTime) -> bool {
        made >= self.began
    }

    fn counts(&self) -> ReplayCounts {
        let mut counts = ReplayCounts { room: u64::try_from(self.room).unwrap_or(u64::MAX), ..ReplayCounts::default() };
        for cell in &self.shards {
            let part = cell.lock();
            counts.entries = counts.entries.saturating_add(u64::try_from(part.shard.held()).unwrap_or(u64::MAX));
            counts.marked = counts.marked.saturating_add(part.marked);
            counts.replays = counts.replays.saturating_add(part.replays);
            counts.refused_full = counts.refused_full.saturating_add(part.refused_full);
        }
        counts
    }
}
