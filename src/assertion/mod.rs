//! Who was proved, told to upstreams in one signed form, whatever proved it (JWT, RFC 7519); and requests, signed as
//! they are forwarded (RFC 9421).
//!
//! The configuration builds one [`Asserter`] with its [ring of keys](Asserter::key_set), and for each route that
//! wants it an [`Audience`]; admission asks the audience for the text to forward. Likewise [`RequestKeys`], and for
//! each route that wants it a [`RequestSigner`], which signs on each attempt.

mod asserter;
mod audience;
mod key_ring;
mod request_keys;
mod request_signer;
mod settings;
mod synonyms;

pub use asserter::{Asserter, NotAsserted};
pub use audience::Audience;
pub use request_keys::RequestKeys;
pub use request_signer::{NotSigned, RequestSigner};
pub use settings::{AssertionSettings, AudienceSettings, RequestKeySettings, RequestSignatureSettings, RingKey, SignatureNonce};
pub use synonyms::{EMAIL, GROUPS, NAME};

#[cfg(test)]
mod tests;
