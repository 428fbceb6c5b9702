//! Whether an identity suffices for a request.

use super::expression::Expression;
use super::scope;
use crate::clock::UnixTime;
use crate::scheme::{Insufficiency, Mismatch, Principal, StepUp};
use crate::token::{ClaimRule, Claims};
use std::sync::Arc;

/// What a route asks of an identity. By default nothing: whoever was proved may pass.
#[derive(Debug, Default)]
pub struct Authorization(pub(super) Box<[Rule]>);

/// What rules may look at beside the principal.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'r> {
    /// The method.
    pub method: &'r str,
    /// The host and port that the request is for, lower-case, without a default port.
    pub host: &'r str,
    /// The path in normal form.
    pub path: &'r str,
    /// The query as received.
    pub query: &'r str,
    /// The name of the route.
    pub route: &'r str,
}

/// One thing that must hold.
#[derive(Debug)]
pub(super) enum Rule {
    /// Each of these was granted.
    EachScope(Scopes),
    /// One of these was granted.
    AnyScope(Scopes),
    /// The claim is there and has such a value.
    Claim(Arc<str>, ClaimRule),
    /// Each of these holds.
    All(Box<[Rule]>),
    /// One of these holds.
    Any(Box<[Rule]>),
    /// The expression is true.
    Expression(Expression),
    /// The subject signed in this way, this lately.
    Authentication(Arc<StepUp>),
}

/// Scopes, and the same with spaces between them for the caller to ask for.
#[derive(Debug)]
pub(super) struct Scopes {
    pub(super) each: Box<[Box<str>]>,
    pub(super) joined: Arc<str>,
}

impl Authorization {
    /// Whether it asks for nothing.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Judges a proved identity.
    ///
    /// # Errors
    /// The first thing that does not suffice.
    pub fn judge(&self, principal: &Principal, request: &RequestFacts<'_>, now: UnixTime) -> Result<(), Insufficiency> {
        self.0.iter().try_for_each(|rule| rule.judge(principal, request, now))
    }
}

impl Scopes {
    fn missed(&self, claims: &Claims) -> Insufficiency {
        let granted: Vec<_> = scope::granted(claims).collect();
        Insufficiency::Scope(Arc::clone(&self.joined), Mismatch::proved(&self.joined, &granted.join(" ")).into())
    }
}

impl Rule {
    fn judge(&self, principal: &Principal, request: &RequestFacts<'_>, now: UnixTime) -> Result<(), Insufficiency> {
        let claims = principal.claims();
        let is_granted = |wanted: &str| scope::granted(claims).any(|scope| scope == wanted);
        match self {
            Self::EachScope(scopes) if scopes.each.iter().all(|scope| is_granted(scope)) => Ok(()),
            Self::AnyScope(scopes) if scopes.each.iter().any(|scope| is_granted(scope)) => Ok(()),
            Self::EachScope(scopes) | Self::AnyScope(scopes) => Err(scopes.missed(claims)),
            Self::Claim(name, rule) if claims.value(name).is_some_and(|value| rule.admits(value, now)) => Ok(()),
            Self::Claim(name, rule) => {
                let mismatch = Mismatch::proved(&rule.to_string(), claims.value(name).unwrap_or_default());
                Err(Insufficiency::Claim(Arc::clone(name), mismatch.into()))
            }
            Self::Expression(expression) => expression.judge(principal, request),
            Self::Authentication(wanted) if signed_in(wanted, principal, now) => Ok(()),
            Self::Authentication(wanted) => Err(Insufficiency::Authentication(Arc::clone(wanted))),
            Self::All(rules) => rules.iter().try_for_each(|rule| rule.judge(principal, request, now)),
            Self::Any(rules) => any(rules, principal, request, now),
        }
    }
}

/// One alternative suffices; where none does, the first one's miss is told.
fn any(rules: &[Rule], principal: &Principal, request: &RequestFacts<'_>, now: UnixTime) -> Result<(), Insufficiency> {
    let mut first = Ok(());
    for rule in rules {
        match rule.judge(principal, request, now) {
            Ok(()) => return Ok(()),
            Err(miss) if first.is_ok() => first = Err(miss),
            Err(_) => {}
        }
    }
    first
}

/// How far the issuer's clock may be ahead, in seconds.
const AHEAD: u64 = 300;

/// A sign-in of one of these classes, not too long ago; what the token does not say does not hold.
fn signed_in(wanted: &StepUp, principal: &Principal, now: UnixTime) -> bool {
    let claims = principal.claims();
    let class = || claims.value("acr").is_some_and(|acr| wanted.acr_values.split(' ').any(|one| one == acr));
    let lately = |most: u64| {
        // Whole seconds of a number that may have parts (RFC 7519 §2).
        let seconds = claims.value("auth_time").and_then(|text| text.split('.').next()?.parse().ok());
        seconds.map(UnixTime::from_seconds).is_some_and(|time| time.later(most) >= now && time <= now.later(AHEAD))
    };
    (wanted.acr_values.is_empty() || class()) && wanted.max_age.is_none_or(lately)
}
