//! Keys of holders who come back: of a bounded number of them more is kept, with which each signature takes half as long.

use crate::crypto::{PublicKey, SignatureAlgorithm, SignatureMismatch};
use quick_cache::sync::Cache;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// How many signatures of a key hold before more of it is kept. To prepare that takes as long as the next ten save, so
/// who never comes again costs a tenth more at most.
const ACQUAINTANCE: u32 = 32;

/// Verifies with keys that come with tokens or proofs, not from a key set. Only who made a signature that holds is
/// remembered: nobody without a key takes up room.
pub struct HolderKeys {
    known: Option<Cache<[u8; 64], Arc<Acquaintance>>>,
}

/// What is known of a key.
struct Acquaintance {
    /// How many of its signatures held.
    held: AtomicU32,
    for_many: OnceLock<PublicKey>,
}

impl HolderKeys {
    /// Remembers about so many keys, 32 KiB each, of those that are used most; none of them with 0.
    pub fn with_room(keys: usize) -> Self {
        Self { known: (keys > 0).then(|| Cache::new(keys)) }
    }

    /// Verifies a signature of a message, as [`PublicKey::verify`] does.
    ///
    /// # Errors
    /// It is not a signature of this message by this key and algorithm.
    pub fn verify(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureMismatch> {
        let (Some(known), Some(point)) = (&self.known, key.point_without_multiples()) else {
            return key.verify(algorithm, message, signature);
        };
        let Some(acquaintance) = known.get(point) else {
            key.verify(algorithm, message, signature)?;
            known.insert(*point, Arc::new(Acquaintance::begin()));
            return Ok(());
        };
        acquaintance.key(key).verify(algorithm, message, signature)?;
        acquaintance.held.fetch_add(1, Relaxed);
        Ok(())
    }

    /// How many keys are remembered.
    pub fn entries(&self) -> usize {
        self.known.as_ref().map_or(0, Cache::len)
    }
}

impl Acquaintance {
    /// With the first signature that held.
    const fn begin() -> Self {
        Self { held: AtomicU32::new(1), for_many: OnceLock::new() }
    }

    /// The key, in the form that this many signatures are worth.
    fn key<'k>(&'k self, as_it_came: &'k PublicKey) -> &'k PublicKey {
        if self.held.load(Relaxed) < ACQUAINTANCE { as_it_came } else { self.for_many.get_or_init(|| as_it_came.clone().for_many()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{NewKey, SigningKey};

    const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

    fn pair() -> SigningKey {
        SigningKey::generate(NewKey::P256).unwrap()
    }

    /// What is said of a good signature, and of one of something else.
    fn asked(keys: &HolderKeys, pair: &SigningKey) -> [bool; 2] {
        let signature = pair.sign(ALGORITHM, b"this").unwrap();
        [b"this", b"that"].map(|message| keys.verify(pair.public(), ALGORITHM, message, &signature).is_ok())
    }

    #[test]
    fn what_holds_is_the_same_for_strangers_and_acquaintances() {
        for room in [0, 4] {
            let (keys, pair) = (HolderKeys::with_room(room), pair());
            for _ in 0..ACQUAINTANCE * 2 {
                assert_eq!(asked(&keys, &pair), [true, false]);
            }
            assert_eq!(keys.entries(), room.min(1));
        }
    }

    #[test]
    fn more_is_kept_only_of_keys_whose_signatures_held_often() {
        let (keys, pair) = (HolderKeys::with_room(4), pair());
        let is_for_many = || {
            let point = pair.public().point_without_multiples().unwrap();
            keys.known.as_ref().unwrap().get(point).unwrap().for_many.get().is_some()
        };
        assert_eq!(asked(&keys, &pair), [true, false]);
        for _ in 0..ACQUAINTANCE * 2 {
            assert!(keys.verify(pair.public(), ALGORITHM, b"this", &[7; 64]).is_err());
        }
        assert!(!is_for_many());
        for _ in 1..ACQUAINTANCE {
            assert!(!is_for_many());
            assert_eq!(asked(&keys, &pair), [true, false]);
        }
        assert_eq!(asked(&keys, &pair), [true, false]);
        assert!(is_for_many());
    }

    #[test]
    fn who_proved_nothing_takes_no_room() {
        let keys = HolderKeys::with_room(4);
        for _ in 0..8 {
            assert!(keys.verify(pair().public(), ALGORITHM, b"this", &[7; 64]).is_err());
        }
        assert_eq!(keys.entries(), 0);
    }

    #[test]
    fn keys_of_other_kinds_are_verified_with_and_not_remembered() {
        let keys = HolderKeys::with_room(4);
        for (kind, algorithm) in [(NewKey::P384, SignatureAlgorithm::EcdsaP384Sha384), (NewKey::Ed25519, SignatureAlgorithm::Ed25519)] {
            let pair = SigningKey::generate(kind).unwrap();
            let signature = pair.sign(algorithm, b"this").unwrap();
            assert_eq!(keys.verify(pair.public(), algorithm, b"this", &signature), Ok(()));
            assert_eq!(keys.verify(pair.public(), ALGORITHM, b"this", &signature), Err(SignatureMismatch));
        }
        assert_eq!(keys.entries(), 0);
    }

    #[test]
    fn the_room_is_bounded_and_who_comes_often_stays() {
        let keys = HolderKeys::with_room(8);
        let regular = pair();
        for _ in 0..64 {
            assert_eq!(asked(&keys, &regular), [true, false]);
            assert_eq!(asked(&keys, &pair()), [true, false]);
            assert!(keys.entries() <= 8);
        }
        assert!(keys.known.unwrap().get(regular.public().point_without_multiples().unwrap()).is_some());
    }
}
