//! Nonces that the gateway hands out: when they were issued, and eight random octets, signed under the ring.
//!
//! There is nothing secret in a nonce, so it is signed and not encrypted: a random nonce of AES-GCM may be drawn
//! 2³² times under one key, and a busy gateway hands out more. What is signed is tied to scheme and realm.

use super::binding::Binding;
use super::key_ring::{KeyRing, LONGEST_ID, Purpose, RingKey, SCOPE_LENGTH};
use super::octets::Reader;
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, Random, RandomUnavailable, base64};
use std::fmt;

/// The octets that are drawn for each nonce.
const DRAWN_LENGTH: usize = 8;
/// The octets of a time.
const TIME_LENGTH: usize = 8;
/// The octets of the longest nonce before base64; as text it has 88 characters, the shortest 68.
const LONGEST: usize = 1 + LONGEST_ID + TIME_LENGTH + DRAWN_LENGTH + DIGEST_LENGTH;

/// Issues a nonce, in base64.
///
/// # Errors
/// There is no randomness to make it of.
pub fn issue_nonce(keys: &KeyRing, binding: &Binding, now: UnixTime, random: &impl Random) -> Result<Box<str>, RandomUnavailable> {
    let key = keys.first();
    let issued = now.seconds().to_be_bytes();
    let mut drawn = [0; DRAWN_LENGTH];
    random.fill(&mut drawn)?;
    let mac = key.signing.sign(&signed(key, binding, issued, drawn));
    let mut octets = Vec::with_capacity(LONGEST);
    octets.push(key.id_length());
    octets.extend_from_slice(key.id());
    octets.extend_from_slice(&issued);
    octets.extend_from_slice(&drawn);
    octets.extend_from_slice(mac.as_ref());
    Ok(base64::encode(&octets).into_boxed_str())
}

/// When a nonce was issued. Whether that is too long ago, and whether it was used before, is for the caller to say.
///
/// # Errors
/// See [`NonceRefused`].
pub fn open_nonce(text: &[u8], keys: &KeyRing, binding: &Binding) -> Result<UnixTime, NonceRefused> {
    // Base64 is decoded in pieces of three octets.
    let mut buffer = [0; LONGEST.next_multiple_of(3)];
    let octets = base64::decode(text, &mut buffer).map_err(|_| NonceRefused::NotOurs)?;
    let Parts { id, issued, drawn, mac } = Parts::read(octets).ok_or(NonceRefused::NotOurs)?;
    let key = keys.find(id).ok_or(NonceRefused::UnknownKey)?;
    match key.signing.verify(&signed(key, binding, issued, drawn), mac) {
        Ok(()) => Ok(UnixTime::from_seconds(u64::from_be_bytes(issued))),
        Err(_) => Err(NonceRefused::Damaged),
    }
}

struct Parts<'o> {
    id: &'o [u8],
    issued: [u8; TIME_LENGTH],
    drawn: [u8; DRAWN_LENGTH],
    mac: &'o [u8],
}

impl<'o> Parts<'o> {
    fn read(octets: &'o [u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let length = reader.octet()?;
        let (id, issued, drawn) = (reader.piece(usize::from(length))?, reader.array()?, reader.array()?);
        let mac = reader.rest();
        (mac.len() == DIGEST_LENGTH).then_some(Self { id, issued, drawn, mac })
    }
}

type Signed = [u8; SCOPE_LENGTH + TIME_LENGTH + DRAWN_LENGTH];

fn signed(key: &RingKey, binding: &Binding, issued: [u8; TIME_LENGTH], drawn: [u8; DRAWN_LENGTH]) -> Signed {
    let mut signed = [0; SCOPE_LENGTH + TIME_LENGTH + DRAWN_LENGTH];
    let parts = key.scope(Purpose::Nonce, binding).into_iter().chain(issued).chain(drawn);
    signed.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    signed
}

/// Why a text is not a nonce of this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceRefused {
    /// It does not have the shape of one: perhaps the caller made it himself.
    NotOurs,
    /// The ring has no key of its name.
    UnknownKey,
    /// It was changed, or issued for another scheme or realm.
    Damaged,
}

impl fmt::Display for NonceRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOurs => "not a nonce of this gateway",
            Self::UnknownKey => "a nonce of a key that is not in the ring",
            Self::Damaged => "a nonce that was changed, or belongs to another scheme or realm",
        })
    }
}

impl std::error::Error for NonceRefused {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

    fn keys(lines: &[(&str, u8)]) -> KeyRing {
        let text: String = lines.iter().map(|(id, key)| format!("{id} {}\n", base64::encode(&[*key; 32]))).collect();
        KeyRing::from_text(text.as_bytes()).unwrap()
    }

    fn binding() -> Binding {
        Binding::new("partners", "orders")
    }

    fn nonce(keys: &KeyRing) -> Box<str> {
        issue_nonce(keys, &binding(), NOW, &SystemRandom::new()).unwrap()
    }

    #[test]
    fn a_nonce_says_when_it_was_issued() {
        for (id, length) in [("a", 68), ("1234567890123456", 88)] {
            let keys = keys(&[(id, 1)]);
            let text = nonce(&keys);
            assert_eq!(text.len(), length);
            assert!((16..=128).contains(&text.len()), "what the grammar allows");
            assert_eq!(open_nonce(text.as_bytes(), &keys, &binding()), Ok(NOW));
            assert_ne!(nonce(&keys), text);
        }
    }

    #[test]
    fn no_bit_can_be_changed() {
        let keys = keys(&[("a", 1), ("b", 2)]);
        let octets: [u8; 50] = base64::decode_exactly(nonce(&keys).as_bytes()).unwrap();
        for bit in 0..octets.len() * 8 {
            let mut changed = octets;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open_nonce(base64::encode(&changed).as_bytes(), &keys, &binding()).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn nothing_can_be_cut_or_added() {
        let keys = keys(&[("a", 1)]);
        let text = nonce(&keys);
        let octets: [u8; 50] = base64::decode_exactly(text.as_bytes()).unwrap();
        for end in 0..octets.len() {
            assert_eq!(
                open_nonce(base64::encode(&octets[..end]).as_bytes(), &keys, &binding()),
                Err(NonceRefused::NotOurs),
                "cut at {end}"
            );
        }
        for added in [1, 16, 100] {
            let longer = base64::encode(&[&octets[..], &vec![0; added]].concat());
            assert_eq!(open_nonce(longer.as_bytes(), &keys, &binding()), Err(NonceRefused::NotOurs), "{added} more");
        }
        for loose in [format!("{text} "), format!("{text}="), text.trim_end_matches('=').to_owned(), "bm9uY2UtMDAwMQ==".to_owned()] {
            assert_eq!(open_nonce(loose.as_bytes(), &keys, &binding()), Err(NonceRefused::NotOurs), "{loose}");
        }
    }

    #[test]
    fn another_ring_scheme_or_realm_refuses_it() {
        let own = keys(&[("a", 1)]);
        let text = nonce(&own);
        assert_eq!(open_nonce(text.as_bytes(), &keys(&[("a", 2)]), &binding()), Err(NonceRefused::Damaged));
        assert_eq!(open_nonce(text.as_bytes(), &keys(&[("b", 1)]), &binding()), Err(NonceRefused::UnknownKey));
        assert_eq!(open_nonce(text.as_bytes(), &keys(&[("b", 2), ("a", 1)]), &binding()), Ok(NOW));
        for other in [Binding::new("partner", "orders"), Binding::new("partners", "order")] {
            assert_eq!(open_nonce(text.as_bytes(), &own, &other), Err(NonceRefused::Damaged), "{other:?}");
        }
    }
}
