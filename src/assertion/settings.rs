//! The settings of assertions and of signed requests: the gateway's keys, and each route's.

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
    pub keys: Located<Vec<RingKey>>,
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
pub struct RingKey {
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

/// The keys by which the gateway signs requests on their way to upstreams (RFC 9421).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestKeySettings {
    /// The private keys: P-256 or Ed25519. The first signs, all are published.
    pub keys: Located<Vec<RingKey>>,
    /// Where data listeners publish the keys, too, for every host and before any route; by default they do not.
    #[serde(default)]
    pub jwks_path: Option<Located<Box<str>>>,
}

/// What of a route's requests is signed, and what the signature says of itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSignatureSettings {
    /// What is covered: derived components such as `@method`, and fields where the request has them. Those of
    /// `identity` are always covered, too.
    #[serde(default = "components")]
    pub components: Located<Vec<Located<Box<str>>>>,
    /// The label, which no signature of a client may have.
    #[serde(default = "own_name")]
    pub label: Located<Box<str>>,
    /// What the signature is for (RFC 9421 §2.3); empty for nothing in particular.
    #[serde(default = "own_name")]
    pub tag: Located<Box<str>>,
    /// After how long the signature ends; with 0s that is the verifier's to say.
    #[serde(default = "endless")]
    pub expires_in: Located<Period>,
    /// Whether each signature has a nonce.
    #[serde(default)]
    pub nonce: SignatureNonce,
}

/// Whether each signature has a nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureNonce {
    /// It has none.
    #[default]
    None,
    /// 128 random bits, for upstreams that take each signature once.
    Random,
}

fn components() -> Located<Vec<Located<Box<str>>>> {
    Located::unwritten(["@method", "@target-uri", "content-digest"].map(|name| Located::unwritten(name.into())).into())
}

fn own_name() -> Located<Box<str>> {
    Located::unwritten("portcullis".into())
}

const fn endless() -> Located<Period> {
    Located::unwritten(Period::from_secs(0))
}
