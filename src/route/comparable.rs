//! The spelling under which paths are compared with routes: coarser than the normal form.
//!
//! A normal form keeps `%40` and `@` apart, as RFC 3986 §2.2 asks, and so does what is forwarded. Most
//! origin servers do not, so a route for one must hold for the other: otherwise a caller could
//! choose between a strict and a lenient route to the same resource. For the same reason parameters
//! of a segment do not count.

use super::escape::{self, ESCAPE};
use std::borrow::Cow;

/// The path to compare with routes. Borrowed unless the normal form has escapes or parameters.
pub(super) fn comparable(path: &str) -> Cow<'_, str> {
    match memchr::memchr2(b'%', b';', path.as_bytes()) {
        None => Cow::Borrowed(path),
        Some(_) => Cow::Owned(fold(path.as_bytes())),
    }
}

fn fold(path: &[u8]) -> String {
    let mut folded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match (octet, escape::decoded(after)) {
            (b';', _) | (b'%', Some(b';')) => rest = segment_end(after),
            (b'%', Some(meant)) if may_stand_raw(meant) => {
                folded.push(char::from(meant));
                rest = after.get(ESCAPE - 1..).unwrap_or_default();
            }
            _ => folded.push(char::from(octet)),
        }
    }
    folded
}

fn segment_end(rest: &[u8]) -> &[u8] {
    memchr::memchr(b'/', rest).and_then(|slash| rest.get(slash..)).unwrap_or_default()
}

/// The reserved characters that a path may have without an escape (RFC 3986 §3.3), but `;`.
const fn may_stand_raw(octet: u8) -> bool {
    matches!(octet, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_borrowed() {
        assert!(matches!(comparable("/a/b@c/"), Cow::Borrowed("/a/b@c/")));
    }

    #[test]
    fn escapes_that_are_a_matter_of_taste_fold() {
        assert_eq!(comparable("/%40/%21%24%26%27%28%29%2A%2B%2C%3D%3A"), "/@/!$&'()*+,=:");
        assert_eq!(comparable("/%20/%25/%C3%A9/%3F/%23"), "/%20/%25/%C3%A9/%3F/%23");
    }

    #[test]
    fn parameters_do_not_count_and_segments_stay() {
        assert_eq!(comparable("/a;x=1/b%3By;z"), "/a/b");
        assert_eq!(comparable("/a;x/"), "/a/");
    }
}
