//! The requester's side of WSSEC: a token and its key become credentials, and answers say how the next request is signed.
//! Requests are also signed by HTTP message signatures ([`sign_message`]), which take a key alone.
//!
//! [`Requester`] is the state, and does no I/O but for what its [`TokenSource`] does and for files that are content.
//! [`http::Client`] sends what it signs.

pub mod http;

mod challenge;
mod context;
mod key;
mod message;
mod placement;
mod request;
mod requester;
mod signing;
mod token;

pub use challenge::{Hindrance, Policy};
pub use key::{HolderKey, KeyUnfit};
pub use message::sign_message;
pub use placement::{Placement, TokenTooLarge};
pub use request::{Content, Request, Target, TargetSyntax};
pub use requester::{Answer, Cleartext, Lesson, Requester, Settings};
pub use signing::{Credential, SignFault, Signed};
pub use token::{FileToken, Renewal, RenewedToken, Token, TokenSource, TokenUnavailable};

#[cfg(test)]
mod tests;
