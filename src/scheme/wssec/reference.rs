//! Tokens that a request names by their address (`ref=uri`): got from allowed places only, and remembered.

mod build;
mod config;
mod memory;
#[cfg(test)]
mod tests;

pub use config::ReferenceSettings;

use crate::clock::UnixTime;
use crate::crypto;
use crate::fetch::{AllowList, Document, FetchFault, Fetcher, Lookup, NotAdmitted};
use crate::setting::{Files, Located, Problem};
use memory::{Memory, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// Answers for people to read: a page to sign in at, or an excuse.
const PAGES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// Gets the tokens that references name.
#[derive(Debug)]
pub struct ReferenceResolver {
    allow: AllowList,
    fetcher: Fetcher,
    memory: Memory,
    cache_for: u64,
    cache_failures_for: u64,
    patience: Duration,
}

/// Why a reference leads to no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The caller's mistake.
    Refused(ReferenceRefused),
    /// Not the caller's mistake: whether there is a token cannot be told.
    Fault(ReferenceFault),
}

/// What is wrong with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceRefused {
    /// It is not an address in its normal form.
    Syntax,
    /// It lies below none of the allowed addresses.
    NotAllowed,
    /// The host says that there is nothing there.
    Absent,
    /// What lies there is larger than a token may be.
    TooLarge,
}

/// Why it cannot be told whether there is a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceFault {
    /// It could not be got.
    Fetch(FetchFault),
    /// What was got is empty or a page for people.
    NotAToken,
}

impl ReferenceResolver {
    /// Turns settings into a resolver that looks names up there; asks nobody yet.
    ///
    /// # Errors
    /// Every problem of the settings.
    pub fn build(settings: &Located<ReferenceSettings>, files: &Files, lookup: Arc<dyn Lookup>) -> Result<Self, Vec<Problem>> {
        build::build(settings, files, lookup)
    }

    /// The octets of the token at this address, within twice the time that one token may take. Dropping the
    /// future is fine: whoever waits for the same takes over.
    ///
    /// # Errors
    /// There is none, or nobody can tell.
    pub async fn resolve(&self, uri: &[u8], now: UnixTime) -> Result<Arc<[u8]>, Unresolved> {
        // Everything remembered was admitted by this very list, so that what is found need not be judged again.
        let reference = crypto::sha256(uri);
        if let Some(outcome) = self.memory.find(&reference, now) {
            return outcome;
        }
        let url = self.allow.admit(uri)?;
        let load = async { self.lifetime(self.fetcher.fetch(&url).await) };
        // Those who ask and give up, one after the other, must not keep the others waiting for ever.
        let loaded = tokio::time::timeout(self.patience, self.memory.load(&reference, now, load)).await;
        loaded.unwrap_or(Err(FetchFault::Timeout.into()))
    }

    /// What came of it, and for how many seconds that is remembered.
    fn lifetime(&self, fetched: Result<Document, FetchFault>) -> (Outcome, u64) {
        let failed = |unresolved| (Err(unresolved), self.cache_failures_for);
        match fetched {
            Ok(document) if document.octets.is_empty() || PAGES.contains(&&*document.media_type) => {
                failed(Unresolved::Fault(ReferenceFault::NotAToken))
            }
            Ok(document) => (Ok(Arc::from(document.octets)), document.freshness.within(self.cache_for)),
            Err(fault) => failed(fault.into()),
        }
    }
}

impl ReferenceRefused {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Syntax => "reference_syntax",
            Self::NotAllowed => "reference_not_allowed",
            Self::Absent => "reference_absent",
            Self::TooLarge => "reference_too_large",
        }
    }
}

impl ReferenceFault {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Fetch(fault) => fault.reason(),
            Self::NotAToken => "reference_not_a_token",
        }
    }
}

impl From<NotAdmitted> for Unresolved {
    fn from(refused: NotAdmitted) -> Self {
        match refused {
            NotAdmitted::Syntax(_) => Self::Refused(ReferenceRefused::Syntax),
            NotAdmitted::NotAllowed => Self::Refused(ReferenceRefused::NotAllowed),
        }
    }
}

impl From<FetchFault> for Unresolved {
    fn from(fault: FetchFault) -> Self {
        match fault {
            FetchFault::Status(404 | 410) => Self::Refused(ReferenceRefused::Absent),
            FetchFault::TooLarge => Self::Refused(ReferenceRefused::TooLarge),
            FetchFault::Status(_)
            | FetchFault::Timeout
            | FetchFault::Unresolvable
            | FetchFault::AddressRefused
            | FetchFault::Unreachable
            | FetchFault::Untrusted
            | FetchFault::Encoded
            | FetchFault::Interrupted => Self::Fault(ReferenceFault::Fetch(fault)),
        }
    }
}
