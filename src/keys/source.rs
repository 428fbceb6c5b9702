//! One place that keys come from, and the keys that it last gave.

use crate::clock::UnixTime;
use crate::token::jose::{KeySet, VerificationKey};
use std::fmt;
use std::sync::Arc;

/// The keys of an issuer at one time.
#[derive(Debug)]
pub struct Keys {
    set: KeySet,
    generation: u64,
}

impl Keys {
    /// The first set of a source.
    pub(super) const fn first(set: KeySet) -> Self {
        Self { set, generation: 0 }
    }

    /// The keys that can be used; at least one.
    pub const fn keys(&self) -> &[VerificationKey] {
        self.set.keys()
    }

    /// Grows with each set of the source that differs from the one before. What was found out with keys of
    /// another generation must be found out again.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether one of the keys has this name.
    pub fn has(&self, id: &str) -> bool {
        self.keys().iter().any(|key| key.id() == Some(id))
    }
}

/// There are no keys, or none that are still good: never the caller's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysUnavailable;

/// Gives the keys of one issuer.
#[derive(Debug)]
pub struct KeySource {
    keys: Arc<Keys>,
}

impl KeySource {
    pub(super) fn fixed(keys: Keys) -> Self {
        Self { keys: Arc::new(keys) }
    }

    /// The keys, where there are any that are good at `now`. Asks nobody and waits for nothing.
    pub fn current(&self, _now: UnixTime) -> Option<Arc<Keys>> {
        Some(Arc::clone(&self.keys))
    }

    /// The keys. Waits, within bounds, only where there are none yet.
    ///
    /// # Errors
    /// There are none, or they are too old.
    pub async fn keys(&self, _now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        Ok(Arc::clone(&self.keys))
    }

    /// The keys after a token named one that `seen` does not have: fetched again, unless that was just done.
    /// `key_id` is the name, where the token gives one.
    ///
    /// # Errors
    /// There are none, or they are too old.
    pub async fn after_unknown(&self, _key_id: Option<&str>, seen: &Arc<Keys>, _now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        Ok(Arc::clone(seen))
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the issuer's keys cannot be had")
    }
}

impl std::error::Error for KeysUnavailable {}
