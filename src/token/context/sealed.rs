//! Sealing a context into a token, and opening one: `PCT1`, the key's identifier behind its length, a nonce of
//! 12 octets, then the contents under AES-256-GCM with their tag.

use super::binding::Binding;
use super::contents::Context;
use super::key_ring::{KeyRing, Purpose, RingKey, SCOPE_LENGTH};
use super::octets::Reader;
use crate::clock::UnixTime;
use crate::crypto::{NONCE_LENGTH, Random, RandomUnavailable, SealFault, TAG_LENGTH};
use std::fmt;
use zeroize::Zeroizing;

/// The octets that every context token starts with, before base64.
pub const PREFIX: [u8; 4] = *b"PCT1";

/// The largest token in octets, before base64: what one field of 4096 characters carries. A context travels in
/// one field, whatever way the first token took.
pub const LARGEST_TOKEN: usize = 3072;

/// Whether octets claim to be a context token. Nothing about them is proved.
pub fn is_context(octets: &[u8]) -> bool {
    octets.starts_with(&PREFIX)
}

/// Seals a context under the first key of the ring. Up to 2³² tokens may be issued under one key (NIST
/// SP 800-38D §8.3, nonces drawn at random): at a thousand a second, change it every month.
///
/// # Errors
/// See [`NotIssued`]; the caller goes on with the token he has.
pub fn issue(context: &Context, keys: &KeyRing, binding: &Binding, random: &impl Random) -> Result<Vec<u8>, NotIssued> {
    let key = keys.first();
    let head = PREFIX.len().saturating_add(1).saturating_add(key.id().len()).saturating_add(NONCE_LENGTH);
    let sealed = context.length().saturating_add(TAG_LENGTH);
    if head.saturating_add(sealed) > LARGEST_TOKEN {
        return Err(NotIssued::TooLarge);
    }
    let mut contents = Zeroizing::new(Vec::with_capacity(sealed));
    context.append_to(&mut contents).ok_or(NotIssued::TooLarge)?;
    let mut nonce = [0; NONCE_LENGTH];
    random.fill(&mut nonce).map_err(|RandomUnavailable| NotIssued::RandomUnavailable)?;
    key.sealing.seal(nonce, &associated(key, binding), &mut contents).map_err(|SealFault| NotIssued::Backend)?;
    let mut token = Vec::with_capacity(head.saturating_add(contents.len()));
    token.extend_from_slice(&PREFIX);
    token.push(key.id_length());
    token.extend_from_slice(key.id());
    token.extend_from_slice(&nonce);
    token.extend_from_slice(&contents);
    Ok(token)
}

/// Opens a context token.
///
/// # Errors
/// See [`NotOpened`].
pub fn open(octets: &[u8], keys: &KeyRing, binding: &Binding, now: UnixTime) -> Result<Context, NotOpened> {
    let rest = octets.strip_prefix(&PREFIX).ok_or(NotOpened::NotOurs)?;
    if octets.len() > LARGEST_TOKEN {
        return Err(NotOpened::Damaged);
    }
    let mut reader = Reader::new(rest);
    let length = reader.octet().ok_or(NotOpened::Damaged)?;
    let id = reader.piece(usize::from(length)).ok_or(NotOpened::Damaged)?;
    let nonce = reader.array().ok_or(NotOpened::Damaged)?;
    let key = keys.find(id).ok_or(NotOpened::UnknownKey)?;
    let mut sealed = Zeroizing::new(reader.rest().to_vec());
    let contents = key.sealing.open(nonce, &associated(key, binding), &mut sealed).map_err(|_| NotOpened::Damaged)?;
    let context = Context::read(contents).ok_or(NotOpened::Damaged)?;
    if now < context.expires { Ok(context) } else { Err(NotOpened::Expired) }
}

fn associated(key: &RingKey, binding: &Binding) -> [u8; PREFIX.len() + SCOPE_LENGTH] {
    let mut associated = [0; PREFIX.len() + SCOPE_LENGTH];
    let parts = PREFIX.into_iter().chain(key.scope(Purpose::Context, binding));
    associated.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    associated
}

/// Why no token is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIssued {
    /// The context does not fit [`LARGEST_TOKEN`].
    TooLarge,
    /// There is no randomness.
    RandomUnavailable,
    /// The crypto backend failed.
    Backend,
}

/// Why a token does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// It does not start as context tokens do.
    NotOurs,
    /// The ring has no key of its name: it was removed, or the token is from elsewhere.
    UnknownKey,
    /// It was changed, cut, or sealed for another scheme or realm.
    Damaged,
    /// It holds no more.
    Expired,
}

impl fmt::Display for NotIssued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the context is too large for a token",
            Self::RandomUnavailable => "the system's source of randomness failed",
            Self::Backend => "the crypto backend could not seal",
        })
    }
}

impl std::error::Error for NotIssued {}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOurs => "not a context token",
            Self::UnknownKey => "a context token of a key that is not in the ring",
            Self::Damaged => "a context token that was changed, or belongs to another scheme or realm",
            Self::Expired => "a context token that is over",
        })
    }
}

impl std::error::Error for NotOpened {}

#[cfg(test)]
mod tests {
    use super::super::contents::tests::context;
    use super::*;
    use crate::crypto::{SystemRandom, base64};
    use proptest::prelude::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_001);

    fn keys(lines: &[(&str, u8)]) -> KeyRing {
        let text: String = lines.iter().map(|(id, key)| format!("{id} {}\n", base64::encode(&[*key; 32]))).collect();
        KeyRing::from_text(text.as_bytes()).unwrap()
    }

    fn binding() -> Binding {
        Binding::new("partners", "orders")
    }

    fn token(keys: &KeyRing) -> Vec<u8> {
        issue(&context(), keys, &binding(), &SystemRandom::new()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_again() {
        let keys = keys(&[("a", 1)]);
        let token = token(&keys);
        assert!(is_context(&token));
        assert_eq!(token[..6], *b"PCT1\x01a");
        assert_eq!(token.len(), 4 + 2 + 12 + context().length() + 16);
        assert_eq!(open(&token, &keys, &binding(), NOW), Ok(context()));
        assert_ne!(super::tests::token(&keys), token, "nonces differ");
        assert!(!token.windows(8).any(|window| *window == context().secret[..8]));
    }

    #[test]
    fn no_bit_can_be_changed() {
        let keys = keys(&[("a", 1), ("b", 2)]);
        let token = token(&keys);
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0..4 => &[NotOpened::NotOurs][..],
                4..6 => &[NotOpened::UnknownKey, NotOpened::Damaged],
                _ => &[NotOpened::Damaged],
            };
            let found = open(&changed, &keys, &binding(), NOW).unwrap_err();
            assert!(expected.contains(&found), "bit {bit}: {found:?}");
        }
    }

    #[test]
    fn nothing_can_be_cut_or_added() {
        let keys = keys(&[("a", 1)]);
        let token = token(&keys);
        for end in 0..token.len() {
            let found = open(&token[..end], &keys, &binding(), NOW).unwrap_err();
            assert_eq!(found, if end < 4 { NotOpened::NotOurs } else { NotOpened::Damaged }, "cut at {end}");
        }
        for added in [1, LARGEST_TOKEN] {
            let longer = [&token[..], &vec![0; added]].concat();
            assert_eq!(open(&longer, &keys, &binding(), NOW), Err(NotOpened::Damaged));
        }
    }

    #[test]
    fn another_ring_scheme_or_realm_does_not_open_it() {
        let own = keys(&[("a", 1)]);
        let token = token(&own);
        assert_eq!(open(&token, &keys(&[("a", 2)]), &binding(), NOW), Err(NotOpened::Damaged));
        assert_eq!(open(&token, &keys(&[("b", 1)]), &binding(), NOW), Err(NotOpened::UnknownKey));
        for other in [Binding::new("partner", "orders"), Binding::new("partners", "Orders"), Binding::new("orders", "partners")] {
            assert_eq!(open(&token, &own, &other, NOW), Err(NotOpened::Damaged), "{other:?}");
        }
    }

    #[test]
    fn an_older_key_opens_until_it_is_removed() {
        let token = token(&keys(&[("a", 1)]));
        let both = keys(&[("b", 2), ("a", 1)]);
        assert_eq!(open(&token, &both, &binding(), NOW), Ok(context()));
        assert_eq!(super::tests::token(&both)[..6], *b"PCT1\x01b");
        assert_eq!(open(&token, &keys(&[("b", 2)]), &binding(), NOW), Err(NotOpened::UnknownKey));
    }

    #[test]
    fn one_node_opens_what_another_sealed() {
        let (one, other) = (keys(&[("a", 1), ("b", 2)]), keys(&[("b", 2), ("a", 1)]));
        assert_eq!(open(&token(&one), &other, &binding(), NOW), Ok(context()));
        assert_eq!(open(&token(&other), &one, &binding(), NOW), Ok(context()));
    }

    #[test]
    fn it_holds_until_its_end_and_not_a_second_longer() {
        let keys = keys(&[("a", 1)]);
        let token = token(&keys);
        assert!(open(&token, &keys, &binding(), context().expires.earlier(1)).is_ok());
        assert_eq!(open(&token, &keys, &binding(), context().expires), Err(NotOpened::Expired));
    }

    #[test]
    fn the_largest_token_fits_one_field_and_a_larger_one_is_not_issued() {
        let keys = keys(&[("a", 1)]);
        let spare = LARGEST_TOKEN - token(&keys).len() + context().issuer.len();
        let with_issuer = |length: usize| Context { issuer: "i".repeat(length).into(), ..context() };
        let largest = issue(&with_issuer(spare), &keys, &binding(), &SystemRandom::new()).unwrap();
        assert_eq!(base64::encode(&largest).len(), 4096);
        assert_eq!(open(&largest, &keys, &binding(), NOW), Ok(with_issuer(spare)));
        for length in [spare + 1, 70_000] {
            assert_eq!(issue(&with_issuer(length), &keys, &binding(), &SystemRandom::new()), Err(NotIssued::TooLarge));
        }
    }

    #[test]
    fn without_randomness_nothing_is_issued() {
        struct Nothing;
        impl Random for Nothing {
            fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
                Err(RandomUnavailable)
            }
        }
        assert_eq!(issue(&context(), &keys(&[("a", 1)]), &binding(), &Nothing), Err(NotIssued::RandomUnavailable));
    }

    proptest! {
        #[test]
        fn arbitrary_octets_do_not_open(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let keys = keys(&[("a", 1)]);
            let ours = [&PREFIX[..], &octets].concat();
            prop_assert!(open(&octets, &keys, &binding(), NOW).is_err());
            prop_assert!(matches!(open(&ours, &keys, &binding(), NOW), Err(NotOpened::Damaged | NotOpened::UnknownKey)));
        }
    }
}
