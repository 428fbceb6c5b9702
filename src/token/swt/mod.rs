//! Simple Web Token 0.9.5.1: form-encoded pairs, the last of which is an HMAC-SHA256 over those before it.

mod issue;
mod key;
mod read;

pub use issue::{IssueError, Statement, issue};
pub use key::{KeySyntax, SwtKey, draw_key};
pub use read::{Expiry, MAX_PAIRS, Swt, SwtSyntax, Unconfirmed, Unproved};

#[cfg(test)]
mod tests;

/// The reserved name of the pair that says who made the token.
pub const ISSUER: &str = "Issuer";
/// The reserved name of the pair that says for whom it is.
pub const AUDIENCE: &str = "Audience";
/// The reserved name of the pair that says when it ends, in seconds since the epoch.
pub const EXPIRES_ON: &str = "ExpiresOn";
/// The reserved name of the last pair, the MAC.
pub const MAC: &str = "HMACSHA256";
