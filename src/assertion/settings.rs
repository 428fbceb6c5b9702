//! The settings of assertions: the gateway's as an issuer, and each route's.

use crate::setting::{ByteSize, Located, Period};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// How the gateway tells upstreams, in a signed token of its own, who was proved.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssertionSettings {
    /// Who makes the assertions: the claim `iss`, which upstreams compare.
    pub issuer: Located<Box<str>>,
    /// How long an assertion is good, unless what it tells of ends before.
    #[serde(default = "lifetime")]
    pub lifetime: Located<Period>,
    /// The private keys: P-256 or Ed25519. The first signs, all are published.
    pub keys: Located<Vec<AssertionKey>>,
    /// Where data listeners publish the keys, too, for every host and before any route; by default they do not.
    #[serde(default)]
    pub jwks_path: Option<Located<Box<str>>>,
    /// The memory for assertions that are still good; 0 makes a new one for each request.
    #[serde(default = "cache")]
    pub cache: ByteSize,
}

const fn lifetime() -> Located<Period> {
    Located::unwritten(Period::from_secs(300))
}

const fn cache() -> ByteSize {
    ByteSize::from_mib(8)
}

/// A private key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssertionKey {
    /// The file: PEM (PKCS#8), as `portcullis keys p256` and `portcullis keys ed25519` make it.
    pub file: Located<PathBuf>,
}

/// For whom a route's assertions are, and what they say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceSettings {
    /// The upstream's name for itself: the claim `aud`, which it compares.
    pub audience: Located<Box<str>>,
    /// The field that carries the assertion.
    #[serde(default = "field")]
    pub field: Located<Box<str>>,
    /// Claims that are told as the texts that they are.
    #[serde(default)]
    pub claims: Vec<Located<Box<str>>>,
    /// Claims that are lists with commas, told as arrays.
    #[serde(default)]
    pub lists: Vec<Located<Box<str>>>,
}

fn field() -> Located<Box<str>> {
    Located::unwritten("X-Identity-Assertion".into())
}
