//! Gets a small document over HTTPS, within bounds; the only room in which the gateway asks others.
//!
//! An [`AllowedUrl`] is below an address of an [`AllowList`], or one that the configuration itself names; a [`Fetcher`]
//! takes nothing else. What a
//! name resolves to is judged when a connection is made, so that a name cannot change its mind in between.

mod address;
mod allow;
mod fault;
mod fetcher;
mod freshness;
mod lookup;
mod settings;
#[cfg(test)]
pub(crate) mod stand_in;
mod terms;
#[cfg(test)]
mod tests;
mod url;

pub use address::Reach;
pub use allow::{AllowList, AllowedPrefix, AllowedUrl, NotAdmitted};
pub use fault::{FetchFault, FetcherProblem};
pub use fetcher::{Document, Fetcher, FetcherSettings, Trust};
pub use freshness::Freshness;
pub use lookup::{Lookup, SystemLookup};
pub(crate) use settings::{default_max_parallel, fetch_settings};
pub use terms::{Authorities, FetchTerms};
pub use url::{Cleartext, LONGEST_URL, UrlProblem};
