//! The settings of an `introspection` scheme, as written in the configuration.

use crate::fetch::fetch_settings;
use crate::scheme::bearer::{Accepted, defaults};
use crate::scheme::wrap::ForwardToken;
use crate::setting::{ByteSize, Located, Period, SecretText};
use crate::token::ClaimRuleSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

fetch_settings! {
    /// A protected resource that takes bearer tokens which only their issuer can read, and asks it about them (RFC 7662).
    pub struct IntrospectionConfig {
        /// The address at which the issuer is asked about tokens.
        pub endpoint: Located<Box<str>>,
        /// Who this gateway is to the issuer.
        pub client: Located<ClientSettings>,
        /// Who makes the tokens: answers must name it then. Of several schemes it tells which takes a token that names it.
        #[serde(default)]
        pub issuer: Option<Located<Box<str>>>,
        /// For whom a token may be: one of these.
        pub audiences: Located<Vec<Located<Box<str>>>>,
        /// Which of `iss` and `aud` an answer need not have. What it has is judged all the same.
        #[serde(default)]
        pub optional_claims: Vec<LackedClaim>,
        /// What an answer must claim, by the claim's name.
        #[serde(default)]
        pub claims: BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
        /// The claim that names the subject. Where an answer does not have it, the subject is unknown.
        #[serde(default = "defaults::subject_claim")]
        pub subject_claim: Box<str>,
        /// How far clocks may disagree about a token's times: at most 5m.
        #[serde(default = "defaults::leeway")]
        pub leeway: Located<Period>,
        /// Where a token may stand in the request.
        #[serde(default = "defaults::accept")]
        pub accept: Located<Vec<Accepted>>,
        /// The protection space, as challenges name it; empty for none.
        #[serde(default = "defaults::realm")]
        pub realm: Located<Box<str>>,
        /// Whether the token goes on to the upstream. Content goes on unchanged either way, token included.
        #[serde(default)]
        pub forward_token: ForwardToken,
        /// The largest token that is asked about, at most 64KiB.
        #[serde(default = "defaults::max_token_size")]
        pub max_token_size: Located<ByteSize>,
        /// The largest form that is searched for a token, at most 16MiB; a larger one is answered with 413.
        #[serde(default = "defaults::max_form_size")]
        pub max_form_size: Located<ByteSize>,
        /// How long an answer is believed, at most 1h, and never past the token's end: so long a revoked token goes on
        /// being good here.
        #[serde(default = "default_cache_ttl")]
        pub cache_ttl: Located<Period>,
        /// How long a token that did not hold is refused without asking again, at most 1m.
        #[serde(default = "default_negative_cache_ttl")]
        pub negative_cache_ttl: Located<Period>,
        /// The memory for answers; 0 remembers none.
        #[serde(default = "default_cache")]
        pub cache: ByteSize,
        /// The largest answer, at most 256KiB.
        #[serde(default = "default_max_answer_size")]
        pub max_answer_size: Located<ByteSize>,
        /// After so many failures in a row the issuer is not asked for a while, and requests are answered with 503 at once:
        /// 1 to 1000.
        #[serde(default = "default_failures_before_open")]
        pub failures_before_open: Located<u16>,
        /// How long it is not asked then, at most 5m; then one question tries whether it answers again.
        #[serde(default = "default_open_for")]
        pub open_for: Located<Period>,
    }
}

/// Who this gateway is to an issuer. Exactly one of `secret`, `secret_file` and `key_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// The client's identifier.
    pub id: Located<Box<str>>,
    /// The client's secret, as `${NAME}`.
    #[serde(default)]
    pub secret: Option<Located<SecretText>>,
    /// A file with the client's secret; a line end after it does not count.
    #[serde(default)]
    pub secret_file: Option<Located<PathBuf>>,
    /// A file with the client's private key in PEM.
    #[serde(default)]
    pub key_file: Option<Located<PathBuf>>,
    /// How the client proves who it is; if left out, `basic` with a secret and `private_key_jwt` with a key.
    #[serde(default)]
    pub method: Option<Located<ClientMethod>>,
    /// For whom statements signed with the key are; if left out, the endpoint.
    #[serde(default)]
    pub audience: Option<Located<Box<str>>>,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientMethod {
    /// Identifier and secret in `Authorization` (RFC 6749 §2.3.1).
    Basic,
    /// Identifier and secret in the form (RFC 6749 §2.3.1).
    Post,
    /// A statement signed with the key (RFC 7523 §2.2).
    PrivateKeyJwt,
}

/// A claim that answers need not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LackedClaim {
    /// Who made the token.
    Iss,
    /// For whom it is.
    Aud,
}

const fn default_cache_ttl() -> Located<Period> {
    Located::unwritten(Period::from_secs(30))
}

const fn default_negative_cache_ttl() -> Located<Period> {
    Located::unwritten(Period::from_secs(5))
}

const fn default_cache() -> ByteSize {
    ByteSize::from_mib(8)
}

const fn default_timeout() -> Located<Period> {
    Located::unwritten(Period::from_secs(5))
}

const fn default_max_answer_size() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_kib(64))
}

const fn default_failures_before_open() -> Located<u16> {
    Located::unwritten(5)
}

const fn default_open_for() -> Located<Period> {
    Located::unwritten(Period::from_secs(10))
}
