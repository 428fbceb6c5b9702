//! Whether a proof was made just now: its time, a nonce of ours, and that it is used for the first time.

use super::config::NonceUse;
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, SystemRandom};
use crate::scheme::{Continuation, FirstUse, Rejection};
use crate::store::{Mark, Namespace, ReplayLog, Stores};
use crate::token::context::{Binding, KeyRing, issue_nonce, open_nonce};
use std::sync::Arc;

/// How old a proof may be.
pub(super) struct Freshness {
    /// In seconds.
    pub(super) max_age: u64,
    /// In seconds.
    pub(super) clock_skew: u64,
    pub(super) nonces: Nonces,
    pub(super) stores: Arc<Stores>,
}

/// Nonces of ours.
pub(super) enum Nonces {
    None,
    Some(Box<NonceKeys>),
}

/// What nonces are made of.
pub(super) struct NonceKeys {
    pub(super) rule: NonceUse,
    pub(super) keys: KeyRing,
    pub(super) binding: Binding,
    /// In seconds.
    pub(super) lifetime: u64,
    pub(super) random: Arc<SystemRandom>,
}

impl Freshness {
    /// Check 11 of RFC 9449 §4.3: it was made in the window.
    pub(super) fn check_11_time(&self, made: UnixTime, now: UnixTime) -> Result<(), Rejection> {
        let too_old = self.end_of(made) < now;
        let too_new = now.later(self.clock_skew) < made;
        if too_old || too_new || !self.stores.replay.admits(made) { Err(Rejection::TimestampOutside) } else { Ok(()) }
    }

    /// What §4.3 does not ask: a proof that says itself that it is over, or has not begun, proves nothing now.
    pub(super) fn check_own_times(&self, begins: UnixTime, ends: UnixTime, now: UnixTime) -> Result<(), Rejection> {
        let holds = begins <= now.later(self.clock_skew) && now < ends.later(self.clock_skew);
        if holds { Ok(()) } else { Err(Rejection::TimestampOutside) }
    }

    /// The last second in which a proof is taken.
    const fn end_of(&self, made: UnixTime) -> UnixTime {
        made.later(self.max_age).later(self.clock_skew)
    }

    /// Check 10: its nonce is ours and still good. Yields whether the next one is due.
    pub(super) fn check_10_nonce(&self, nonce: Option<&str>, now: UnixTime) -> Result<Continuation, Rejection> {
        let Nonces::Some(ours) = &self.nonces else { return Ok(Continuation::None) };
        let Some(nonce) = nonce else {
            return if ours.rule == NonceUse::Required { Err(Rejection::NonceMissing) } else { Ok(Continuation::Nonce) };
        };
        let issued = open_nonce(nonce.as_bytes(), &ours.keys, &ours.binding).map_err(|_| Rejection::NonceRefused)?;
        if issued.later(ours.lifetime) < now || now.later(self.clock_skew) < issued {
            return Err(Rejection::NonceRefused);
        }
        let is_ending = issued.later(ours.lifetime / 2) <= now;
        Ok(if is_ending { Continuation::Nonce } else { Continuation::None })
    }

    /// The right to use a proof once: its name counts for the key that made it only.
    pub(super) fn first_use(&self, (scheme, issuer): (&str, &str), key: &[u8; DIGEST_LENGTH], (id, made): (&str, UnixTime)) -> FirstUse {
        let key = Namespace::new(scheme, issuer, key).key(id.as_bytes());
        FirstUse { stores: Arc::clone(&self.stores), mark: Mark { key, until: self.end_of(made) } }
    }

    /// A nonce for the next request; nothing where there are none, or no randomness to make one of.
    pub(super) fn next_nonce(&self, now: UnixTime) -> Option<Box<str>> {
        let Nonces::Some(ours) = &self.nonces else { return None };
        issue_nonce(&ours.keys, &ours.binding, now, &*ours.random).ok()
    }
}
