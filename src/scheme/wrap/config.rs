//! The settings of a `wrap` scheme, as written in the configuration.

use crate::setting::{ByteSize, Located, Period, SecretText};
use crate::token::ClaimRuleSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A protected resource of OAuth WRAP 0.9.7.2 that takes Simple Web Tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrapConfig {
    /// Who may make tokens, and with which keys. At least one.
    pub issuers: Located<Vec<IssuerConfig>>,
    /// For whom a token must be. Either this or `audiences`.
    #[serde(default)]
    pub audience: Option<Located<Box<str>>>,
    /// For whom a token may be, where there are several. Either this or `audience`.
    #[serde(default)]
    pub audiences: Option<Located<Vec<Located<Box<str>>>>>,
    /// How a token's audience is compared with ours.
    #[serde(default)]
    pub audience_match: AudienceMatch,
    /// Where a token may stand in the request.
    #[serde(default = "default_accept")]
    pub accept: Located<Vec<Accept>>,
    /// What the token must claim, by the claim's name.
    #[serde(default)]
    pub claims: BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
    /// How long after its end a token still holds, for clocks that disagree: at most 5m.
    #[serde(default = "default_leeway")]
    pub leeway: Located<Period>,
    /// The claim that names the subject. Where a token does not have it, the subject is unknown.
    #[serde(default = "default_subject_claim")]
    pub subject_claim: Box<str>,
    /// Whether the token goes on to the upstream. Content goes on unchanged either way, token included.
    #[serde(default)]
    pub forward_token: ForwardToken,
    /// The largest token that is looked at, at most 64KiB.
    #[serde(default = "default_max_token_size")]
    pub max_token_size: Located<ByteSize>,
    /// The largest form that is searched for a token, at most 16MiB; a larger one is answered with 413.
    #[serde(default = "default_max_form_size")]
    pub max_form_size: Located<ByteSize>,
    /// The memory for verdicts on tokens seen before; 0 remembers none.
    #[serde(default = "default_verdict_cache")]
    pub verdict_cache: ByteSize,
}

/// Somebody who makes tokens. Tokens made with the current and with the previous key hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The issuer's name, exactly as tokens state it.
    pub name: Located<Box<str>>,
    /// The current key: 32 octets in base64. Either this or `key_file`.
    #[serde(default)]
    pub key: Option<Located<SecretText>>,
    /// A file with the current key.
    #[serde(default)]
    pub key_file: Option<Located<PathBuf>>,
    /// The key before the current one, while tokens made with it are still about.
    #[serde(default)]
    pub previous_key: Option<Located<SecretText>>,
    /// A file with the previous key.
    #[serde(default)]
    pub previous_key_file: Option<Located<PathBuf>>,
}

/// How audiences are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudienceMatch {
    /// Octet by octet.
    #[default]
    Exact,
    /// As addresses: http is https, host in any letter case, no default port, no query; the token's
    /// audience is ours or lies below it.
    Acs,
}

/// A place for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// `Authorization: WRAP access_token="…"`.
    Header,
    /// `Authorization: Bearer …`, as the second version of ACS had it.
    Bearer,
    /// The query parameter `wrap_access_token` or `access_token`.
    Query,
    /// The form field `wrap_access_token` or `access_token`.
    Form,
}

/// What becomes of the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForwardToken {
    /// It is removed from fields and query.
    #[default]
    Strip,
    /// It goes on.
    Keep,
}

fn default_accept() -> Located<Vec<Accept>> {
    Located::unwritten(vec![Accept::Header])
}

pub(in crate::scheme) const fn default_leeway() -> Located<Period> {
    Located::unwritten(Period::from_secs(0))
}

pub(in crate::scheme) fn default_subject_claim() -> Box<str> {
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier".into()
}

const fn default_max_token_size() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_kib(8))
}

const fn default_max_form_size() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_kib(64))
}

const fn default_verdict_cache() -> ByteSize {
    ByteSize::from_mib(8)
}
