//! What a proved identity may do: rules of a route over principal and request, compiled once, judged per request.
//!
//! Who it is was proved before; a rule never sees a token. What does not suffice is told apart from what does not
//! hold: the caller is who it says, and may not (RFC 6750 §3.1), or must sign in again first (RFC 9470).

mod build;
mod examine;
mod expression;
mod failure;
mod functions;
mod judge;
mod kind;
mod operators;
mod scope;
mod settings;
mod syntax;
#[cfg(test)]
mod tests;
mod written;

pub use judge::{Authorization, RequestFacts};
pub use settings::{AuthenticationSettings, AuthorizationSettings};
