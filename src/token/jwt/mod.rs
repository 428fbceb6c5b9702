//! JSON Web Tokens (RFC 7519): claims in a signature, read, judged and issued side by side.

mod assertion;
mod introspected;
mod issue;
mod judge;
mod read;

pub use assertion::{Assertion, ORIGIN, Origin, Stated, is_reserved, issue_assertion};
pub use introspected::Introspected;
pub use issue::{IssueError, StatedHolder, Statement, issue};
pub use judge::{JwtMiss, Optional, Presence, Requirements, TypeRule};
pub use read::{Holder, Jwt, JwtSyntax};

#[cfg(test)]
mod tests;

/// The claim that says who made the token (§4.1.1).
pub const ISSUER: &str = "iss";
/// The claim that says whom it speaks of (§4.1.2).
pub const SUBJECT: &str = "sub";
/// The claim that says for whom it is (§4.1.3).
pub const AUDIENCE: &str = "aud";
/// The claim that says when it ends (§4.1.4).
pub const EXPIRES: &str = "exp";
/// The claim that says when it begins (§4.1.5).
pub const NOT_BEFORE: &str = "nbf";
/// The claim that says when it was made (§4.1.6).
pub const ISSUED: &str = "iat";
/// The claim that names the token (§4.1.7).
pub const ID: &str = "jti";
