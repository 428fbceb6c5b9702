//! The settings that every scheme with JSON Web Tokens has, declared once.

use crate::setting::Located;
use schemars::JsonSchema;
use serde::Deserialize;

/// A place for a token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// `Authorization: Bearer …` (RFC 6750 §2.1).
    Header,
    /// A field of this name, whose whole value is the token, with or without `Bearer` before it.
    Field(Located<Box<str>>),
    /// A cookie of this name.
    Cookie(Located<Box<str>>),
    /// The query parameter `access_token` (RFC 6750 §2.3). Targets stand in the logs of others.
    Query,
    /// The form field `access_token` (RFC 6750 §2.2).
    Form,
}

/// A claim that tokens need not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionalClaim {
    /// Who made the token.
    Iss,
    /// For whom it is.
    Aud,
    /// When it ends. One that does not say holds for `max_lifetime` from its `iat`, where that is set, else for ever.
    Exp,
}

/// Declares the settings of a scheme that takes JSON Web Tokens: those of tokens first, then its own. The type gets a
/// method `terms`.
macro_rules! token_settings {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Who makes the tokens, exactly as they state it.
            pub issuer: $crate::setting::Located<Box<str>>,
            /// For whom a token may be: one of these.
            pub audiences: $crate::setting::Located<Vec<$crate::setting::Located<Box<str>>>>,
            /// A file with the issuer's keys, as a JSON Web Key Set. Exactly one of this, `jwks`, `jwks_uri` and `discovery`.
            #[serde(default)]
            pub jwks_file: Option<$crate::setting::Located<std::path::PathBuf>>,
            /// The issuer's keys themselves, as the text of a JSON Web Key Set.
            #[serde(default)]
            pub jwks: Option<$crate::setting::Located<Box<str>>>,
            /// The address of the issuer's keys.
            #[serde(default)]
            pub jwks_uri: Option<$crate::setting::Located<Box<str>>>,
            /// `true`: the issuer is asked where its keys are.
            #[serde(default = "crate::scheme::bearer::defaults::discovery")]
            pub discovery: $crate::setting::Located<$crate::keys::Discovery>,
            /// Hosts, beside the issuer's own, at which a discovered key set may lie.
            #[serde(default)]
            pub jwks_hosts: Vec<$crate::setting::Located<Box<str>>>,
            /// How keys that are fetched are kept fresh.
            #[serde(default = "crate::scheme::bearer::defaults::key_refresh")]
            pub key_refresh: $crate::setting::Located<$crate::keys::KeyRefreshSettings>,
            /// The algorithms that tokens may be signed with; which of them can be is decided by the key. Those with a
            /// shared secret, `HS256` and so on, only if they are named here.
            #[serde(default = "crate::scheme::bearer::defaults::algorithms")]
            pub algorithms: $crate::setting::Located<Vec<$crate::setting::Located<$crate::token::jose::Algorithm>>>,
            /// The type that a token must state: `access_token` for `at+jwt`, `JWT` or none, `any`, or one exact type.
            #[serde(default = "crate::scheme::bearer::defaults::token_type")]
            pub token_type: $crate::setting::Located<Box<str>>,
            /// How far clocks may disagree about a token's times: at most 5m.
            #[serde(default = "crate::scheme::bearer::defaults::leeway")]
            pub leeway: $crate::setting::Located<$crate::setting::Period>,
            /// The longest time from a token's `iat` to its `exp`: at most 365d. Tokens without `iat` are then refused.
            #[serde(default)]
            pub max_lifetime: Option<$crate::setting::Located<$crate::setting::Period>>,
            /// Which of `iss`, `aud` and `exp` a token need not have. What it has is judged all the same.
            #[serde(default)]
            pub optional_claims: Vec<$crate::scheme::bearer::OptionalClaim>,
            /// What the token must claim, by the claim's name.
            #[serde(default)]
            pub claims: std::collections::BTreeMap<Box<str>, $crate::setting::Located<$crate::token::ClaimRuleSettings>>,
            /// The claim that names the subject. Where a token does not have it, the subject is unknown.
            #[serde(default = "crate::scheme::bearer::defaults::subject_claim")]
            pub subject_claim: Box<str>,
            /// The protection space, as challenges name it; empty for none.
            #[serde(default = "crate::scheme::bearer::defaults::realm")]
            pub realm: $crate::setting::Located<Box<str>>,
            /// Whether the token goes on to the upstream. Content goes on unchanged either way, token included.
            #[serde(default)]
            pub forward_token: $crate::scheme::wrap::ForwardToken,
            /// The largest token that is looked at, at most 64KiB.
            #[serde(default = "crate::scheme::bearer::defaults::max_token_size")]
            pub max_token_size: $crate::setting::Located<$crate::setting::ByteSize>,
            /// The memory for verdicts on tokens seen before; 0 remembers none.
            #[serde(default = "crate::scheme::bearer::defaults::verdict_cache")]
            pub verdict_cache: $crate::setting::ByteSize,
            $($own)*
        }

        impl $name {
            /// The settings that say which tokens are taken.
            pub(super) fn terms(&self, at: $crate::setting::Position) -> $crate::scheme::bearer::Terms<'_> {
                $crate::scheme::bearer::Terms {
                    issuer: &self.issuer,
                    audiences: &self.audiences,
                    keys: $crate::keys::KeyTerms {
                        issuer: Some(&self.issuer),
                        jwks_file: self.jwks_file.as_ref(),
                        jwks: self.jwks.as_ref(),
                        jwks_uri: self.jwks_uri.as_ref(),
                        discovery: &self.discovery,
                        jwks_hosts: &self.jwks_hosts,
                        refresh: &self.key_refresh,
                        at,
                    },
                    algorithms: &self.algorithms,
                    token_type: &self.token_type,
                    leeway: &self.leeway,
                    max_lifetime: self.max_lifetime.as_ref(),
                    optional_claims: &self.optional_claims,
                    claims: &self.claims,
                    subject_claim: &self.subject_claim,
                    max_token_size: &self.max_token_size,
                    verdict_cache: self.verdict_cache,
                }
            }
        }
    };
}
pub(in crate::scheme) use token_settings;

/// What holds where a setting is left out.
pub(in crate::scheme) mod defaults {
    use super::Accepted;
    use crate::keys::{Discovery, KeyRefreshSettings};
    use crate::setting::{ByteSize, Located, Period};
    use crate::token::jose::{Algorithm, Primitive};

    pub(in crate::scheme) const fn discovery() -> Located<Discovery> {
        Located::unwritten(Discovery::Off)
    }

    pub(in crate::scheme) fn key_refresh() -> Located<KeyRefreshSettings> {
        Located::unwritten(KeyRefreshSettings::default())
    }

    /// All that need no shared secret.
    pub(in crate::scheme) fn algorithms() -> Located<Vec<Located<Algorithm>>> {
        let asymmetric = Algorithm::ALL.into_iter().filter(|algorithm| matches!(algorithm.primitive(), Primitive::Signature(_)));
        Located::unwritten(asymmetric.map(Located::unwritten).collect())
    }

    pub(in crate::scheme) fn token_type() -> Located<Box<str>> {
        Located::unwritten("access_token".into())
    }

    pub(in crate::scheme) const fn leeway() -> Located<Period> {
        Located::unwritten(Period::from_secs(30))
    }

    pub(in crate::scheme) fn subject_claim() -> Box<str> {
        "sub".into()
    }

    pub(in crate::scheme) fn realm() -> Located<Box<str>> {
        Located::unwritten(Box::default())
    }

    pub(in crate::scheme) fn accept() -> Located<Vec<Accepted>> {
        Located::unwritten(vec![Accepted::Header])
    }

    pub(in crate::scheme) const fn max_token_size() -> Located<ByteSize> {
        Located::unwritten(ByteSize::from_kib(8))
    }

    pub(in crate::scheme) const fn max_form_size() -> Located<ByteSize> {
        Located::unwritten(ByteSize::from_kib(64))
    }

    pub(in crate::scheme) const fn verdict_cache() -> ByteSize {
        ByteSize::from_mib(64)
    }
}
