//! The wire of WSSEC: fields, fragments and elements as they are read and written, without any judgement.
//!
//! Everything here is a function of octets. Reading is strict: what the grammar does not allow is refused, with
//! a reason. Names and values of parameters have one spelling, since requests are signed; only in `Authorization`
//! the letter case of names does not count, as everywhere in HTTP.

pub mod auth_info;
pub mod authorization;
pub mod canonical;
pub mod digest_field;
pub mod fragments;
pub mod location;
pub mod params;
pub mod security;
pub mod xml_element;

mod unreadable;
mod word;
mod xml_bounds;

use http::header::HeaderName;

pub use unreadable::Unreadable;
pub use word::{CANONICALISATION, DigestName, SignatureName, Usage};

/// What the names of all fields of requests begin with, in lower case.
pub const FIELD_FAMILY: &str = "x-wss-";
/// Where the token stands.
pub const TOKEN_LOCATION: HeaderName = HeaderName::from_static("x-wss-tokenloc");
/// The holder's signature.
pub const SECURITY: HeaderName = HeaderName::from_static("x-wss-security");
/// The digest of the message.
pub const DIGEST: HeaderName = HeaderName::from_static("x-wss-digest");
