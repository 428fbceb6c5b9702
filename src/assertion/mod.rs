//! Who was proved, told to upstreams in one signed form, whatever proved it (JWT, RFC 7519).
//!
//! The configuration builds one [`Asserter`] with its [ring of keys](Asserter::key_set), and for each route that
//! wants it an [`Audience`]; admission asks the audience for the text to forward.

mod asserter;
mod audience;
mod key_ring;
mod settings;
mod synonyms;

pub use asserter::{Asserter, NotAsserted};
pub use audience::Audience;
pub use settings::{AssertionKey, AssertionSettings, AudienceSettings};
pub use synonyms::{EMAIL, GROUPS, NAME};

#[cfg(test)]
mod tests;
