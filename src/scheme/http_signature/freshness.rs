//! When a signature holds, and that what may be used once is used once.

use super::config::{CreatedRule, NonceRule};
use super::wire::input::Parameters;
use crate::clock::UnixTime;
use crate::scheme::{FirstUse, Rejection};
use crate::store::{Mark, Namespace, ReplayLog, Stores};
use std::sync::Arc;

/// How old a signature may be, and whether it is taken once.
pub(super) struct Freshness {
    /// In seconds.
    pub(super) max_age: u64,
    /// In seconds.
    pub(super) clock_skew: u64,
    pub(super) created: CreatedRule,
    pub(super) nonce: NonceRule,
    pub(super) stores: Arc<Stores>,
}

/// What is left of a signature in time.
pub(super) struct Fresh {
    /// When it ends.
    pub(super) ends: UnixTime,
    /// Its nonce, where it counts.
    pub(super) first_use: Option<FirstUse>,
}

/// From when until when a signature is taken.
struct Window {
    begins: UnixTime,
    ends: UnixTime,
}

impl Freshness {
    /// Parameters are part of every signature, so that what is judged here was signed.
    pub(super) fn judge(&self, parameters: &Parameters<'_>, caller: &Namespace, now: UnixTime) -> Result<Fresh, Rejection> {
        let window = self.window(parameters, now)?;
        if window.ends.later(self.clock_skew) < now {
            return Err(Rejection::Expired);
        }
        Ok(Fresh { ends: window.ends, first_use: self.first_use(&parameters.nonce, &window, caller)? })
    }

    fn window(&self, parameters: &Parameters<'_>, now: UnixTime) -> Result<Window, Rejection> {
        let expires = parameters.expires.map(UnixTime::from_seconds);
        match (parameters.created.map(UnixTime::from_seconds), expires, self.created) {
            (Some(created), _, _) if now.later(self.clock_skew) < created => Err(Rejection::TimestampOutside),
            (Some(created), expires, _) => {
                let oldest = created.later(self.max_age);
                Ok(Window { begins: created, ends: expires.map_or(oldest, |expires| expires.min(oldest)) })
            }
            (None, Some(expires), CreatedRule::Optional) if now.later(self.max_age).later(self.clock_skew) < expires => {
                Err(Rejection::LifetimeTooLong)
            }
            (None, Some(expires), CreatedRule::Optional) => {
                Ok(Window { begins: expires.earlier(self.max_age).earlier(self.clock_skew), ends: expires })
            }
            (None, _, CreatedRule::Required) => Err(Rejection::of_coverage(["created"].into_iter())),
            (None, None, CreatedRule::Optional) => Err(Rejection::of_coverage(["created or expires"].into_iter())),
        }
    }

    /// A log that began later than the signature cannot tell whether it was used before that.
    fn first_use(&self, nonce: &str, window: &Window, caller: &Namespace) -> Result<Option<FirstUse>, Rejection> {
        match (self.nonce, nonce) {
            (NonceRule::None, _) | (NonceRule::Optional, "") => Ok(None),
            (NonceRule::Required, "") => Err(Rejection::NonceMissing),
            (NonceRule::Optional | NonceRule::Required, _) if !self.stores.replay.admits(window.begins) => Err(Rejection::TimestampOutside),
            (NonceRule::Optional | NonceRule::Required, nonce) => {
                let mark = Mark { key: caller.key(nonce.as_bytes()), until: window.ends.later(self.clock_skew) };
                Ok(Some(FirstUse { stores: Arc::clone(&self.stores), mark }))
            }
        }
    }
}
