//! One part of the log in memory: a table of fixed size with open addressing, cleared a few slots at a time.

use super::NotMarked;
use crate::store::key::KEY_LENGTH;

/// Four words of key, and the last second in which the mark counts; 0 where nothing lies.
type Slot = [u32; 5];
const EMPTY: Slot = [0; 5];

/// The octets of a slot.
pub(super) const SLOT_OCTETS: usize = size_of::<Slot>();

/// How many steps each mark takes to clear away what is over. In the time of one turn through the table a quarter as
/// many marks are made as there are slots; half of that lies around on average although it is over, see `shard_room`.
const SWEEP: usize = 4;

/// A key as words.
pub(super) type Words = [u32; 4];

/// The words of a key.
pub(super) fn words(key: [u8; KEY_LENGTH]) -> Words {
    let mut words = [0; 4];
    words.iter_mut().zip(key.as_chunks::<4>().0).for_each(|(word, octets)| *word = u32::from_le_bytes(*octets));
    words
}

/// Where keys lie. Seeded, so that nobody can choose nonces whose keys crowd in one place.
#[derive(Clone, Copy)]
pub(super) struct Spread(pub(super) [u64; 2]);

impl Spread {
    /// A number for the part, and one for the place in it, both over the whole range.
    pub(super) fn of(self, [a, b, c, d]: Words) -> (u32, u32) {
        let [first, second] = self.0;
        let (low, high) = (joined(a, b) ^ first).carrying_mul(joined(c, d) ^ second, 0);
        halves(low ^ high)
    }
}

fn joined(low: u32, high: u32) -> u64 {
    u64::from(high).wrapping_shl(32) | u64::from(low)
}

fn halves(number: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    (u32::from_le_bytes([e, f, g, h]), u32::from_le_bytes([a, b, c, d]))
}

/// A number below `end` for a number over the whole range.
pub(super) fn scaled(number: u32, end: usize) -> usize {
    let end = u64::try_from(end).unwrap_or(u64::MAX);
    usize::try_from(u64::from(number).wrapping_mul(end).wrapping_shr(32)).unwrap_or(0)
}

/// A part of the log. Seconds are counted so that the one in which the log began is 1.
pub(super) struct Shard {
    slots: Box<[Slot]>,
    spread: Spread,
    room: usize,
    held: usize,
    cursor: usize,
    latest: u32,
    swept_whole: u32,
}

/// Where a key could lie.
enum Place {
    /// It lies there already, and counts.
    Taken,
    /// In the place of a mark that is over.
    Over(usize),
    /// In a place where nothing lies.
    Empty(usize),
}

impl Shard {
    /// Room for `room` marks.
    pub(super) fn with_room(room: usize, spread: Spread) -> Self {
        Self { slots: Box::default(), spread, room, held: 0, cursor: 0, latest: 1, swept_whole: 1 }
    }

    /// Marks held, also those that are over.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Marks a first use through the second `until`. `now` may step back: then the latest second known counts,
    /// since what was over by then may be forgotten.
    pub(super) fn mark(&mut self, key: Words, until: u32, now: u32) -> Result<(), NotMarked> {
        self.latest = self.latest.max(now);
        if until < self.latest {
            return Err(NotMarked::TooOld);
        }
        if self.slots.is_empty() {
            // Not before there is something to remember: allocators differ in whether zeros cost memory.
            self.slots = vec![EMPTY; slots_for(self.room)].into_boxed_slice();
        }
        // The place is nowhere near the processor yet: ask for it, and clear up while it comes.
        std::hint::black_box(self.read(self.home(key)));
        self.sweep(SWEEP);
        let mut place = self.place(key);
        if matches!(place, Place::Empty(_)) && self.held >= self.room && self.swept_whole < self.latest {
            // At most once in a second, and only where the alternative is to refuse.
            self.swept_whole = self.latest;
            self.sweep(self.slots.len().saturating_mul(2));
            place = self.place(key);
        }
        let [a, b, c, d] = key;
        match place {
            Place::Taken => return Err(NotMarked::Seen),
            Place::Over(index) => self.write(index, [a, b, c, d, until]),
            Place::Empty(_) if self.held >= self.room => return Err(NotMarked::Full),
            Place::Empty(index) => {
                self.held = self.held.saturating_add(1);
                self.write(index, [a, b, c, d, until]);
            }
        }
        Ok(())
    }

    /// Looks from the home of a key to the next slot where nothing lies. There is always one: less is held than
    /// there are slots.
    fn place(&self, key: Words) -> Place {
        let mut over = None;
        let mut index = self.home(key);
        loop {
            let [a, b, c, d, until] = self.read(index);
            if until == 0 {
                return over.map_or(Place::Empty(index), Place::Over);
            }
            if until < self.latest {
                over = over.or(Some(index));
            } else if [a, b, c, d] == key {
                return Place::Taken;
            }
            index = self.after(index);
        }
    }

    /// Takes some steps through the table: each clears a mark that is over, or goes on to the next slot.
    fn sweep(&mut self, steps: usize) {
        for _ in 0..steps {
            let [_, _, _, _, until] = self.read(self.cursor);
            if until != 0 && until < self.latest {
                self.clear(self.cursor);
            } else {
                self.cursor = self.after(self.cursor);
            }
        }
    }

    /// Takes a mark out and moves those behind it up, so that none is cut off from its home.
    fn clear(&mut self, mut hole: usize) {
        let mut index = self.after(hole);
        loop {
            let slot = self.read(index);
            let [a, b, c, d, until] = slot;
            if until == 0 {
                break;
            }
            if self.distance(self.home([a, b, c, d]), index) >= self.distance(hole, index) {
                self.write(hole, slot);
                hole = index;
            }
            index = self.after(index);
        }
        self.write(hole, EMPTY);
        self.held = self.held.saturating_sub(1);
    }

    fn home(&self, key: Words) -> usize {
        scaled(self.spread.of(key).1, self.slots.len())
    }

    fn after(&self, index: usize) -> usize {
        let next = index.wrapping_add(1);
        if next < self.slots.len() { next } else { 0 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to.wrapping_sub(from) } else { to.wrapping_add(self.slots.len()).wrapping_sub(from) }
    }

    fn read(&self, index: usize) -> Slot {
        self.slots.get(index).copied().unwrap_or(EMPTY)
    }

    fn write(&mut self, index: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
        }
    }
}

/// Three slots for two marks: then a look-up passes over about four marks where the table is full.
pub(super) const fn slots_for(room: usize) -> usize {
    room.saturating_add(room / 2).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const SPREAD: Spread = Spread([0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03]);

    const fn key(number: u32) -> Words {
        [number, number.wrapping_mul(0x85eb_ca6b), !number, 7]
    }

    #[test]
    fn it_does_what_a_map_would_do() {
        let mut shard = Shard::with_room(40, SPREAD);
        let mut map: BTreeMap<u32, u32> = BTreeMap::new();
        let mut state = 1_u32;
        let (mut marked, mut seen, mut full, mut old) = (0, 0, 0, 0);
        for step in 0..200_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (now, number) = (1 + step / 16, state >> 25);
            let until = (now + (state >> 8) % 24).saturating_sub(4);
            map.retain(|_, until| *until >= now);
            let expected = match (until < now, map.contains_key(&number), map.len() >= 40) {
                (true, ..) => Err(NotMarked::TooOld),
                (_, true, _) => Err(NotMarked::Seen),
                (.., true) => Err(NotMarked::Full),
                (false, false, false) => Ok(()),
            };
            let found = shard.mark(key(number), until, now);
            match found {
                Ok(()) => marked += 1,
                Err(NotMarked::Seen) => seen += 1,
                Err(NotMarked::TooOld) => old += 1,
                Err(NotMarked::Full) => full += 1,
            }
            if expected.is_ok() && found.is_ok() {
                map.insert(number, until);
            }
            assert_eq!(found, expected, "step {step}");
            assert!(shard.held() >= map.len() && shard.held() <= 40);
        }
        assert!([marked, seen, full, old].iter().all(|count| *count > 100), "{marked} {seen} {full} {old}");
    }

    #[test]
    fn every_mark_stays_within_reach_of_its_home() {
        let mut shard = Shard::with_room(64, SPREAD);
        for number in 0..10_000_u32 {
            let now = 1 + number / 8;
            assert_eq!(shard.mark(key(number), now + number % 5, now), Ok(()));
            for index in 0..shard.slots.len() {
                let [a, b, c, d, until] = shard.read(index);
                let mut between = shard.home([a, b, c, d]);
                while until != 0 && between != index {
                    assert_ne!(shard.read(between), EMPTY, "{number}: a gap before {index}");
                    between = shard.after(between);
                }
            }
            let lying = shard.slots.iter().filter(|slot| slot[4] != 0).count();
            assert_eq!(lying, shard.held());
        }
    }

    #[test]
    fn what_is_over_is_cleared_while_others_are_marked() {
        let mut shard = Shard::with_room(1000, SPREAD);
        for number in 0..600 {
            shard.mark(key(number), 10, 1).unwrap();
        }
        for number in 600..1200 {
            shard.mark(key(number), 100, 50).unwrap();
        }
        assert_eq!(shard.held(), 600, "2400 steps clear 600 marks and go through 1501 slots");
    }

    #[test]
    fn a_part_of_no_room_refuses() {
        assert_eq!(Shard::with_room(0, SPREAD).mark(key(1), 9, 1), Err(NotMarked::Full));
    }

    #[test]
    fn keys_spread_over_the_whole_range() {
        let mut parts = [0_u32; 16];
        for number in 0..16_000 {
            let (part, place) = SPREAD.of(words(number_as_key(number)));
            parts[scaled(part, 16)] += 1;
            assert!(scaled(place, 10) < 10);
        }
        assert!(parts.iter().all(|count| (800..1200).contains(count)), "{parts:?}");
        assert_eq!((scaled(0, 7), scaled(u32::MAX, 7)), (0, 6));
    }

    fn number_as_key(number: u32) -> [u8; KEY_LENGTH] {
        crate::store::key::key_of([&number.to_le_bytes()])
    }
}
