//! Short keys for long names: 128 bits of a SHA-256 over pieces of any length, told apart without doubt.

use crate::crypto::sha256;

/// The length of a key in octets. Two different lists of pieces share a key by a chance of 2⁻¹²⁸.
pub const KEY_LENGTH: usize = 16;

/// The longest piece that goes into the hash as it is; of a longer one goes its SHA-256.
const LONGEST_PIECE: usize = 128;
/// Stands where the length of a piece would, before the SHA-256 of a longer one.
const HASHED: u8 = u8::MAX;
/// The most pieces of a key.
const MOST_PIECES: usize = 3;

/// The key of some pieces, in order. Allocates nothing.
pub(super) fn key_of<const N: usize>(pieces: [&[u8]; N]) -> [u8; KEY_LENGTH] {
    const { assert!(N <= MOST_PIECES, "the buffer has no room for so many pieces") };
    let mut message = Message { octets: [0; MOST_PIECES * (1 + LONGEST_PIECE)], filled: 0 };
    for piece in pieces {
        match u8::try_from(piece.len()) {
            Ok(length) if piece.len() <= LONGEST_PIECE => message.append(length, piece),
            Ok(_) | Err(_) => message.append(HASHED, &sha256(piece)),
        }
    }
    let mut key = [0; KEY_LENGTH];
    let digest = sha256(message.octets.get(..message.filled).unwrap_or_default());
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

struct Message {
    octets: [u8; MOST_PIECES * (1 + LONGEST_PIECE)],
    filled: usize,
}

impl Message {
    fn append(&mut self, mark: u8, piece: &[u8]) {
        let room = self.octets.iter_mut().skip(self.filled);
        room.zip(std::iter::once(&mark).chain(piece)).for_each(|(to, from)| *to = *from);
        self.filled = self.filled.saturating_add(1).saturating_add(piece.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_key_is_the_first_half_of_the_hash_of_what_is_documented() {
        assert_eq!(key_of([b"ab", b"", b"c"]), sha256(b"\x02ab\x00\x01c")[..16]);
        let mut hashed = vec![HASHED];
        hashed.extend(sha256(&[7; 129]));
        assert_eq!(key_of([&[7; 129]]), sha256(&hashed)[..16]);
        let mut plain = vec![128];
        plain.extend([7; 128]);
        assert_eq!(key_of([&[7; 128]]), sha256(&plain)[..16]);
    }

    #[test]
    fn pieces_cannot_be_shifted_into_each_other() {
        let long = [b'a'; 300];
        let pieces: [[&[u8]; 3]; 12] = [
            [b"", b"", b""],
            [b"ab", b"", b""],
            [b"", b"ab", b""],
            [b"", b"", b"ab"],
            [b"a", b"b", b""],
            [b"a", b"", b"b"],
            [b"", b"a", b"b"],
            [b"\x01", b"a", b""],
            [&long, b"", b""],
            [&long[..255], b"", b""],
            [&long[..254], b"a", b""],
            [&sha256(&long), b"", b""],
        ];
        let keys: BTreeSet<_> = pieces.into_iter().map(key_of).collect();
        assert_eq!(keys.len(), pieces.len());
        assert_ne!(key_of([b"a", b""]), key_of([b"a"]));
    }

    #[test]
    fn the_longest_pieces_fit_together() {
        let (one, two) = ([1; LONGEST_PIECE], [2; LONGEST_PIECE]);
        assert_ne!(key_of([&one, &one, &one]), key_of([&one, &one, &two]));
    }
}
