//! What the schemes of OAuth share: where a token stands, which tokens are taken, what a refusal asks for.

mod build;
mod challenge;
mod extract;
mod issued;
mod scheme;
mod settings;
#[cfg(test)]
pub(in crate::scheme) mod specimens;
mod stated;
mod verify;

pub use extract::BearerToken;
pub use issued::{BearerConfig, Issued};
pub use scheme::{Bearer, Judge, Presentation};
pub use settings::{Accepted, OptionalClaim};

pub(in crate::scheme) use build::{MAX_TOKEN, Terms, cautions, check_realm, check_size, extractor, keep, onward, tokens, whole_seconds};
pub(in crate::scheme) use challenge::Challenges;
pub(in crate::scheme) use extract::{Extractor, after_spaces, after_word};
pub(in crate::scheme) use issued::Possession;
pub(in crate::scheme) use settings::{defaults, token_settings};
pub(in crate::scheme) use stated::{StatedIssuer, unverified_issuer};
pub(in crate::scheme) use verify::{Binding, Tokens, Verified};
