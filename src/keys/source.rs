//! One place that keys come from, and the keys that it last gave.

use super::refresh;
use super::remote::Remote;
use crate::clock::UnixTime;
use crate::crypto::DIGEST_LENGTH;
use crate::token::jose::{Algorithm, KeySet, VerificationKey};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The keys of an issuer at one time.
#[derive(Debug)]
pub struct Keys {
    set: KeySet,
    generation: u64,
    digest: [u8; DIGEST_LENGTH],
}

impl Keys {
    /// A set, and the SHA-256 of the document that it stood in.
    pub(super) const fn new(set: KeySet, generation: u64, digest: [u8; DIGEST_LENGTH]) -> Self {
        Self { set, generation, digest }
    }

    /// Whether they stood in this very document.
    pub(super) fn is_of(&self, digest: &[u8; DIGEST_LENGTH]) -> bool {
        self.digest == *digest
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
pub struct KeySource(Kind);

#[derive(Debug)]
enum Kind {
    Fixed(Arc<Keys>),
    Remote(Arc<Remote>),
}

/// The figures of a source whose keys are fetched.
#[derive(Clone, Copy, Debug)]
pub struct KeyCounts<'a> {
    /// The address of the keys, or the issuer's name.
    pub source: &'a str,
    /// Fetches that brought other keys than before.
    pub changed: u64,
    /// Fetches that brought the same keys.
    pub unchanged: u64,
    /// Fetches that brought none.
    pub failed: u64,
    /// How many keys there are.
    pub keys: usize,
    /// When the last fetch that succeeded began; the epoch where none did.
    pub loaded: UnixTime,
}

impl KeySource {
    pub(super) fn fixed(keys: Keys) -> Self {
        Self(Kind::Fixed(Arc::new(keys)))
    }

    pub(super) fn remote(remote: Remote) -> Self {
        Self(Kind::Remote(Arc::new(remote)))
    }

    /// What is behind it, where its keys are fetched.
    pub(super) const fn as_remote(&self) -> Option<&Arc<Remote>> {
        match &self.0 {
            Kind::Fixed(_) => None,
            Kind::Remote(remote) => Some(remote),
        }
    }

    /// The keys, where there are any that are good at `now`. Asks nobody and waits for nothing.
    pub fn current(&self, now: UnixTime) -> Option<Arc<Keys>> {
        match &self.0 {
            Kind::Fixed(keys) => Some(Arc::clone(keys)),
            Kind::Remote(remote) => remote.current(now),
        }
    }

    /// Whether none of its keys, now and as long as it stays as it is, can use this algorithm: a fixed set has no such
    /// key, or a secret would have to be fetched.
    pub fn never_uses(&self, algorithm: Algorithm) -> bool {
        match &self.0 {
            Kind::Fixed(keys) => !keys.keys().iter().any(|key| key.fits(algorithm)),
            Kind::Remote(_) => algorithm.least_secret().is_some(),
        }
    }

    /// The keys. Waits, within the time for one fetch, only where there are none yet or none any more.
    ///
    /// # Errors
    /// There are none, or they are too old.
    pub async fn keys(&self, now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        match &self.0 {
            Kind::Fixed(keys) => Ok(Arc::clone(keys)),
            Kind::Remote(remote) => remote.keys(now).await,
        }
    }

    /// The keys by which a token is judged that names its key so: those of [`keys`](Self::keys), and where none of
    /// them has the name, those of [`after_unknown`](Self::after_unknown).
    ///
    /// # Errors
    /// There are none, or they are too old.
    pub async fn keys_for(&self, key_id: Option<&str>, now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        let keys = self.keys(now).await?;
        match key_id {
            Some(name) if !keys.has(name) => self.after_unknown(key_id, &keys, now).await,
            Some(_) | None => Ok(keys),
        }
    }

    /// The keys after a token named one that `seen` does not have: fetched again, unless that was just done.
    /// `key_id` is the name, where the token gives one. Waits no longer than one fetch may take; if the answer
    /// does not have the key either, the token is refused: asking again would not help.
    ///
    /// # Errors
    /// There are none, or they are too old.
    pub async fn after_unknown(&self, key_id: Option<&str>, seen: &Keys, now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        match &self.0 {
            Kind::Fixed(keys) => Ok(Arc::clone(keys)),
            Kind::Remote(remote) => remote.after_unknown(key_id, seen, now).await,
        }
    }

    /// Fetches the keys now and from time to time, until nobody holds this source any more. The second call, and
    /// a source whose keys are not fetched, need nothing. Call it inside the runtime.
    pub fn keep_fresh(&self) {
        if let Kind::Remote(remote) = &self.0 {
            refresh::start(remote);
        }
    }

    /// The figures, where keys are fetched.
    pub fn counts(&self) -> Option<KeyCounts<'_>> {
        let remote = self.as_remote()?;
        let [changed, unchanged, failed] =
            [&remote.tally.changed, &remote.tally.unchanged, &remote.tally.failed].map(|count| count.load(Ordering::Relaxed));
        Some(KeyCounts { source: remote.name(), changed, unchanged, failed, keys: remote.count(), loaded: remote.loaded() })
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the issuer's keys cannot be had")
    }
}

impl std::error::Error for KeysUnavailable {}
