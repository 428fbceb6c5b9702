//! Which string is judged and forwarded, and which route it belongs to.
//!
//! A request target and an authority enter as octets and leave in their one normal form, or not at
//! all. Routes are found for judged values only: [`RouteTable::find`] takes a [`Target`] and an
//! [`Authority`], and what a [`Rewrite`] yields is neither, so it cannot be routed again.

mod authority;
mod comparable;
mod escape;
mod explain;
mod form;
mod hosts;
mod methods;
mod paths;
mod pattern;
mod problem;
mod rewrite;
mod table;
mod target;

pub use authority::{Authority, AuthorityProblem, UriScheme};
pub use explain::{Considered, Verdict};
pub use form::{AbsoluteForm, RequestForm};
pub use methods::{Allowed, Methods};
pub use pattern::{HostName, HostPattern, NormalPath, PathPattern, PatternProblem, RoutePattern};
pub use problem::TargetProblem;
pub use rewrite::{Rewrite, Rewritten};
pub use table::{Conflict, Found, RouteTable};
pub use target::{PathParameters, Target, TargetRules};

#[cfg(test)]
mod attacks;
