//! What a route asks of an identity, as written in the configuration.

use crate::setting::{Located, Period};
use crate::token::ClaimRuleSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What an identity must have. Everything that is written must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationSettings {
    /// Scopes, each of which must have been granted (the claim `scope`, or `scp`).
    pub scopes: Option<Located<Vec<Located<Box<str>>>>>,
    /// Scopes, one of which must have been granted.
    pub any_scope: Option<Located<Vec<Located<Box<str>>>>>,
    /// What must be claimed, by the claim's name: a list of values, one of which is among the claim's, or conditions.
    pub claims: BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
    /// Further rules, each of which must hold.
    pub all: Option<Located<Vec<Located<AuthorizationSettings>>>>,
    /// Alternatives, one of which must hold.
    pub any: Option<Located<Vec<Located<AuthorizationSettings>>>>,
    /// An expression in the Common Expression Language over `principal`, `request` and `route`, which must be true.
    pub cel: Option<Located<Box<str>>>,
    /// How and when the subject must have signed in (RFC 9470).
    pub authentication: Option<Located<AuthenticationSettings>>,
}

/// How and when a subject must have signed in. The caller is told, so that it can ask its user to do it again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthenticationSettings {
    /// Classes of authentication, one of which the claim `acr` must name.
    pub acr_values: Option<Located<Vec<Located<Box<str>>>>>,
    /// How long ago the sign-in that the claim `auth_time` tells of may be.
    pub max_age: Option<Located<Period>>,
}
