//! The verification keys of issuers, wherever they come from, kept fresh.
//!
//! A scheme asks [`KeySources`] for the [`KeySource`] of its settings while it is built, and the source for its
//! [`Keys`] while it verifies. A set that was read is replaced whole or not at all.

mod build;
mod config;
mod discovery;
mod fault;
mod fixed;
mod pace;
mod refresh;
mod remote;
mod source;
mod sources;
#[cfg(test)]
mod tests;

pub use config::{Discovery, KeyRefreshSettings, KeyTerms};
pub use fixed::pem_in_the_place_of_a_set;
pub use source::{KeyCounts, KeySource, Keys, KeysUnavailable};
pub use sources::KeySources;
