//! The settings of an `http_signature` scheme, as written in the configuration.

use super::wire::MessageAlgorithm;
use super::wire::structured::StructuredType;
use crate::scheme::wrap::ForwardToken;
use crate::setting::{ByteSize, Located, Period};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Requests that are signed by HTTP message signatures (RFC 9421), their content by digest fields (RFC 9530).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSignatureConfig {
    /// A file with the callers' keys, as a JSON Web Key Set; a key's `kid` is its `keyid`. Either this or `keys_dir`.
    #[serde(default)]
    pub keys_file: Option<Located<PathBuf>>,
    /// A folder with the callers' keys: `<keyid>.pem` with a public key, or `<keyid>.jwk`. Either this or `keys_file`.
    #[serde(default)]
    pub keys_dir: Option<Located<PathBuf>>,
    /// Who holds a key, by its `keyid`. Who is not named here is called as the key is.
    #[serde(default)]
    pub subjects: BTreeMap<Box<str>, Located<Box<str>>>,
    /// The protection space, as challenges name it; by default the scheme's name.
    #[serde(default = "nothing")]
    pub realm: Located<Box<str>>,
    /// The label of the signature that counts, where a request may have several; empty for any.
    #[serde(default = "nothing")]
    pub label: Located<Box<str>>,
    /// The `tag` of the signature that counts (RFC 9421 §2.3); empty for any.
    #[serde(default = "nothing")]
    pub tag: Located<Box<str>>,
    /// The algorithms that are taken; the key decides which of them can be.
    #[serde(default = "default_algorithms")]
    pub algorithms: Located<Vec<Located<MessageAlgorithm>>>,
    /// What every signature must cover: derived components and fields, as `@method`, `content-type` or
    /// `"@query-param";name="id"`. Fields that describe content (`content-…`, `repr-digest`) only where there is some.
    #[serde(default = "default_required_components")]
    pub required_components: Located<Vec<Located<Box<str>>>>,
    /// Fields of your own that are structured ones (RFC 9651), for components with `sf`.
    #[serde(default)]
    pub structured_fields: BTreeMap<Box<str>, StructuredType>,
    /// Whether a signature must say when it was made.
    #[serde(default)]
    pub created: CreatedRule,
    /// Whether a signature must have a nonce.
    #[serde(default)]
    pub nonce: NonceRule,
    /// How old a signature may be.
    #[serde(default = "default_max_age")]
    pub max_age: Located<Period>,
    /// How far clocks may disagree.
    #[serde(default = "default_clock_skew")]
    pub clock_skew: Located<Period>,
    /// Whether `Signature` and `Signature-Input` go on to the upstream.
    #[serde(default)]
    pub forward_token: ForwardToken,
    /// The most octets of `Signature-Input`, and of `Signature`, at most 64KiB.
    #[serde(default = "default_max_signature_size")]
    pub max_signature_size: Located<ByteSize>,
}

/// Whether a signature must say when it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreatedRule {
    /// It must.
    #[default]
    Required,
    /// One that says when it `expires`, within `max_age` from now, need not.
    Optional,
}

/// Whether a signature must have a nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NonceRule {
    /// It must, and is taken once.
    Required,
    /// One that has a nonce is taken once; others are taken until they are too old.
    #[default]
    Optional,
    /// Nonces are not looked at.
    None,
}

fn nothing() -> Located<Box<str>> {
    Located::unwritten(Box::default())
}

fn default_algorithms() -> Located<Vec<Located<MessageAlgorithm>>> {
    Located::unwritten(MessageAlgorithm::ALL.map(Located::unwritten).into())
}

fn default_required_components() -> Located<Vec<Located<Box<str>>>> {
    Located::unwritten(["@method", "@target-uri", "content-digest"].map(|name| Located::unwritten(name.into())).into())
}

const fn default_max_age() -> Located<Period> {
    Located::unwritten(Period::from_secs(300))
}

const fn default_clock_skew() -> Located<Period> {
    Located::unwritten(Period::from_secs(30))
}

const fn default_max_signature_size() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_kib(8))
}
