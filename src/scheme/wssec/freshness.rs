//! Whether a signature is fresh: its time, and its nonce, which is taken once.

use super::config::NonceRule;
use super::contexts::Contexts;
use super::wire::security::Security;
use crate::clock::UnixTime;
use crate::scheme::{FirstUse, Refusal, Rejection};
use crate::store::{Mark, Namespace, ReplayLog, Stores};
use std::sync::Arc;

/// How old a signature may be, and who makes its nonce.
pub(super) struct Freshness {
    /// In seconds.
    pub(super) max_age: u64,
    /// In seconds.
    pub(super) clock_skew: u64,
    pub(super) nonce: NonceRule,
    pub(super) stores: Arc<Stores>,
    /// Nonces of ours belong to nobody until they are used.
    pub(super) ours: Namespace,
}

impl Freshness {
    /// Judges time and nonce; what is left is that the nonce is used for the first time.
    pub(super) fn judge(
        &self,
        security: &Security<'_>,
        caller: &Namespace,
        contexts: Option<&Contexts>,
        now: UnixTime,
    ) -> Result<FirstUse, Refusal> {
        let made = security.timestamp.time;
        let too_old = made.later(self.max_age).later(self.clock_skew) < now;
        let too_new = now.later(self.clock_skew) < made;
        if too_old || too_new || !self.stores.replay.admits(made) {
            return Err(Rejection::TimestampOutside.into());
        }
        let mark = match (self.nonce, contexts) {
            (NonceRule::Client, _) => {
                let until = made.later(self.max_age).later(self.clock_skew);
                Mark { key: caller.key(security.nonce.as_bytes()), until }
            }
            (NonceRule::Server, Some(contexts)) => self.judge_ours(security.nonce, contexts, now)?,
            (NonceRule::Server, None) => return Err(Rejection::NonceRefused.into()),
        };
        Ok(FirstUse { stores: Arc::clone(&self.stores), mark })
    }

    fn judge_ours(&self, nonce: &str, contexts: &Contexts, now: UnixTime) -> Result<Mark, Rejection> {
        let issued = contexts.open_nonce(nonce)?;
        let until = issued.later(self.max_age);
        // Another gateway of the same ring may have issued it by a clock of its own.
        let too_new = now.later(self.clock_skew) < issued;
        if until < now || too_new || !self.stores.replay.admits(issued) {
            return Err(Rejection::NonceRefused);
        }
        Ok(Mark { key: self.ours.key(nonce.as_bytes()), until })
    }
}
