//! What the schemes of OAuth share: where a token stands, which tokens are taken, what a refusal asks for.

mod build;
mod challenge;
mod extract;
mod settings;
#[cfg(test)]
pub(in crate::scheme) mod specimens;
mod stated;
mod verify;

pub use extract::BearerToken;
pub use settings::{Accepted, OptionalClaim};

pub(in crate::scheme) use build::{Terms, cautions, check_realm, extractor, onward, tokens, whole_seconds};
pub(in crate::scheme) use challenge::Challenges;
pub(in crate::scheme) use extract::{Extractor, after_spaces, after_word};
pub(in crate::scheme) use settings::{defaults, token_settings};
use stated::{StatedIssuer, unverified_issuer};
pub(in crate::scheme) use verify::{Binding, Tokens, Verified};
