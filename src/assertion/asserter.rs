//! The gateway as an issuer: it signs what it asserts, and remembers that until shortly before its end.

use super::key_ring::KeyRing;
use super::settings::AssertionSettings;
use crate::clock::UnixTime;
use crate::crypto::DIGEST_LENGTH;
use crate::setting::{Files, Period, Problem};
use crate::store::{CacheCounts, VerdictCache};
use crate::token::jose::{IssuingKey, Unfit};
use bytes::Bytes;
use http::HeaderValue;
use std::sync::Arc;
use zeroize::Zeroizing;

const SHORTEST: Period = Period::from_secs(10);
const LONGEST: Period = Period::from_secs(3_600);
/// The most seconds before its end that an assertion is replaced.
const MOST_MARGIN: u64 = 30;

/// What makes assertions.
#[derive(Debug)]
pub struct Asserter {
    issuer: Box<str>,
    keys: KeyRing,
    lifetime: u64,
    margin: u64,
    made: Made,
}

/// The assertions that were made and are still good. They do not print.
struct Made(VerdictCache<HeaderValue>);

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made(…)")
    }
}

/// An assertion could not be made: the key could not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAsserted;

/// When an assertion ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By its own lifetime, at a time that is chosen when it is made.
    Own,
    /// With what it tells of, or before.
    Told(UnixTime),
}

/// When an assertion that is made now is made and ends, and until when it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) issued: UnixTime,
    pub(super) expires: UnixTime,
    pub(super) kept: UnixTime,
}

impl Asserter {
    /// Reads the keys; all problems are told together.
    ///
    /// # Errors
    /// Keys that cannot be used, no issuer, or a lifetime out of bounds.
    pub fn build(settings: &AssertionSettings, files: &Files) -> Result<Arc<Self>, Vec<Problem>> {
        let AssertionSettings { issuer, lifetime, keys, cache, jwks_path } = settings;
        let mut problems = Vec::new();
        if issuer.is_empty() {
            problems.push(Problem::new(issuer.at(), "an empty name", "the name of the gateway, such as `https://gateway.example`"));
        }
        if **lifetime < SHORTEST || **lifetime > LONGEST || lifetime.duration().subsec_nanos() != 0 {
            problems.push(Problem::new(lifetime.at(), format!("{:?}", **lifetime), "whole seconds, 10s to 1h"));
        }
        let read = KeyRing::build(keys, jwks_path.as_ref(), files, None).map_err(|found| problems.extend(found));
        let lifetime = lifetime.duration().as_secs();
        match read {
            Ok(keys) if problems.is_empty() => Ok(Arc::new(Self {
                issuer: (**issuer).clone(),
                keys,
                lifetime,
                margin: lifetime.div_euclid(10).clamp(1, MOST_MARGIN),
                made: Made(VerdictCache::bounded(cache.octets())),
            })),
            Ok(_) | Err(()) => Err(problems),
        }
    }

    /// The public halves of all keys, as JSON (RFC 7517 §5).
    pub fn key_set(&self) -> &str {
        self.keys.set()
    }

    /// Whether data listeners publish the keys.
    pub const fn publishes(&self) -> bool {
        self.keys.publishes()
    }

    /// Whether data listeners publish the keys at this path, which stands as it came.
    pub fn publishes_at(&self, path: &[u8]) -> bool {
        self.keys.publishes_at(path)
    }

    /// The keys.
    pub(super) const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// How the memory of assertions has served.
    pub fn counts(&self) -> CacheCounts {
        self.made.0.counts()
    }

    /// Who makes the assertions.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How an assertion ends that is made at `now` of what ends at `told`: never after it. An end of its own is
    /// left to the making, and ends that are close to each other become one, the earliest, so that tokens of the
    /// same subject share an assertion.
    pub(super) fn end(&self, told: UnixTime, now: UnixTime) -> End {
        if told >= now.later(self.lifetime) {
            return End::Own;
        }
        let coarse = told.earlier(told.seconds().checked_rem(self.margin).unwrap_or_default());
        End::Told(if coarse > now.later(self.margin) { coarse } else { told })
    }

    /// The assertion with this digest, found or made.
    ///
    /// # Errors
    /// It had to be made, and the key could not sign.
    pub(super) fn assert(
        &self,
        digest: &[u8; DIGEST_LENGTH],
        (end, now): (End, UnixTime),
        make: impl FnOnce(Times, &IssuingKey) -> Result<Zeroizing<String>, Unfit>,
    ) -> Result<HeaderValue, NotAsserted> {
        if let Some(made) = self.made.0.find(digest, now) {
            return Ok(made);
        }
        let times = self.times(end, now);
        let mut token = make(times, self.keys.signing()).map_err(|_| NotAsserted)?;
        let octets = token.len();
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(std::mem::take(&mut *token))).map_err(|_| NotAsserted)?;
        value.set_sensitive(true);
        self.made.0.keep(digest, value.clone(), octets, times.kept);
        Ok(value)
    }

    fn times(&self, end: End, now: UnixTime) -> Times {
        match end {
            End::Own => {
                let expires = now.later(self.lifetime);
                Times { issued: now, expires, kept: expires.earlier(self.margin) }
            }
            // A new one would end no later.
            End::Told(expires) => Times { issued: now, expires, kept: expires.max(now.later(1)) },
        }
    }
}
