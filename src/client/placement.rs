//! Where a token goes: one field if it fits, else several, else the content.

use crate::scheme::wssec::wire::location::{LONGEST_FRAGMENT, Layout, Location, MOST_FRAGMENTS};
use http::Method;
use std::fmt;

/// Up to which size tokens stand in fields. Lengths are of the token's base64, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The longest text that stands in one field; at most 4096.
    pub sole: u16,
    /// The length of each fragment but the last, where there are several; from 1 to 4096.
    pub fragment: u16,
    /// The most characters in all fields together. Servers bound the head as a whole.
    pub all: usize,
}

impl Default for Placement {
    /// 4096 characters in one field, fragments of 4096, and 24 KiB in all.
    fn default() -> Self {
        Self { sole: LONGEST_FRAGMENT, fragment: LONGEST_FRAGMENT, all: 24 << 10 }
    }
}

/// The token fits nowhere: there is too much of it for fields, and the request has content of its own, or can have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTooLarge;

/// What is known about the request's own content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// The request has none, so that the token may be it.
    Free,
    /// There is some.
    Taken,
}

impl Placement {
    /// The place of a token whose base64 has `length` characters.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn place(&self, length: usize, method: &Method, room: Room) -> Result<Location<'static>, TokenTooLarge> {
        let within = |most: u16| length <= usize::from(most.min(LONGEST_FRAGMENT));
        if within(self.sole) {
            return Ok(Location::Header(Layout::Sole));
        }
        if let Some(layout) = self.cut(length) {
            return Ok(Location::Header(layout));
        }
        // Content of these means nothing (RFC 9110 §9.3), so that many drop it.
        let may_have_content = !matches!(*method, Method::GET | Method::HEAD | Method::CONNECT | Method::TRACE);
        match room {
            Room::Free if may_have_content => Ok(Location::Body),
            Room::Free | Room::Taken => Err(TokenTooLarge),
        }
    }

    fn cut(&self, length: usize) -> Option<Layout> {
        let size = self.fragment.clamp(1, LONGEST_FRAGMENT);
        let count = u8::try_from(length.div_ceil(usize::from(size))).ok().filter(|count| *count <= MOST_FRAGMENTS)?;
        if length <= self.all { Some(Layout::Cut { count, size }) } else { None }
    }
}

impl fmt::Display for TokenTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is too large for fields, and the request has content of its own or may have none")
    }
}

impl std::error::Error for TokenTooLarge {}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(length: usize, method: &Method, room: Room) -> Result<Location<'static>, TokenTooLarge> {
        Placement::default().place(length, method, room)
    }

    #[test]
    fn size_decides() {
        let sole = Ok(Location::Header(Layout::Sole));
        let cut = |count| Ok(Location::Header(Layout::Cut { count, size: 4096 }));
        for room in [Room::Free, Room::Taken] {
            assert_eq!(place(4, &Method::GET, room), sole);
            assert_eq!(place(4096, &Method::POST, room), sole);
            assert_eq!(place(4100, &Method::POST, room), cut(2));
            assert_eq!(place(24 << 10, &Method::GET, room), cut(6));
        }
        assert_eq!(place((24 << 10) + 4, &Method::POST, Room::Free), Ok(Location::Body));
        assert_eq!(place((24 << 10) + 4, &Method::POST, Room::Taken), Err(TokenTooLarge));
        assert_eq!(place((24 << 10) + 4, &Method::GET, Room::Free), Err(TokenTooLarge));
    }

    #[test]
    fn there_are_64_fragments_and_no_more() {
        let placement = Placement { sole: 0, fragment: 16, all: usize::MAX };
        let at = |length| placement.place(length, &Method::GET, Room::Free);
        assert_eq!(at(36), Ok(Location::Header(Layout::Cut { count: 3, size: 16 })));
        assert_eq!(at(1024), Ok(Location::Header(Layout::Cut { count: 64, size: 16 })));
        assert_eq!(at(1028), Err(TokenTooLarge));
        assert_eq!(at(usize::MAX), Err(TokenTooLarge));
    }

    #[test]
    fn sizes_that_the_wire_does_not_have_are_not_used() {
        let placement = Placement { sole: u16::MAX, fragment: u16::MAX, all: usize::MAX };
        assert_eq!(placement.place(4100, &Method::GET, Room::Taken), Ok(Location::Header(Layout::Cut { count: 2, size: 4096 })));
        let none = Placement { fragment: 0, sole: 0, ..placement };
        assert_eq!(none.place(8, &Method::GET, Room::Taken), Ok(Location::Header(Layout::Cut { count: 8, size: 1 })));
    }
}
