//! The settings of references to tokens, as written in the configuration.

use crate::fetch::{Cleartext, Reach};
use crate::setting::{ByteSize, Located, Period};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Tokens that a request names by their address instead of bringing them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceSettings {
    /// Addresses below which tokens may lie, such as `https://sts.example/tokens/`. At least one.
    pub allow: Located<Vec<Located<Box<str>>>>,
    /// The longest that a token may take to arrive, at most 30s.
    #[serde(default = "default_timeout")]
    pub timeout: Located<Period>,
    /// The largest token, at most 48KiB.
    #[serde(default = "default_max_size")]
    pub max_size: Located<ByteSize>,
    /// The memory for tokens and failures; 0 remembers none.
    #[serde(default = "default_cache")]
    pub cache: ByteSize,
    /// How long a token is remembered, at most 1h; shorter where its sender says so.
    #[serde(default = "default_cache_for")]
    pub cache_for: Located<Period>,
    /// How long a failure is remembered before anybody is asked again, at most 1m.
    #[serde(default = "default_cache_failures_for")]
    pub cache_failures_for: Located<Period>,
    /// The most tokens on their way at once, at most 1024; others wait, within their time.
    #[serde(default = "default_max_parallel")]
    pub max_parallel: Located<u16>,
    /// PEM certificates of the authorities that vouch for the hosts, in place of the system's.
    #[serde(default)]
    pub ca_file: Option<Located<PathBuf>>,
    /// Whether names may lead to this machine, its links and private networks.
    #[serde(default)]
    pub allow_private: Reach,
    /// Whether `http` may be asked for: whoever is on the way could then put any token in place.
    #[serde(default)]
    pub allow_cleartext: Cleartext,
}

const fn default_timeout() -> Located<Period> {
    Located::unwritten(Period::from_secs(2))
}

const fn default_max_size() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_kib(48))
}

const fn default_cache() -> ByteSize {
    ByteSize::from_mib(1)
}

const fn default_cache_for() -> Located<Period> {
    Located::unwritten(Period::from_secs(60))
}

const fn default_cache_failures_for() -> Located<Period> {
    Located::unwritten(Period::from_secs(5))
}

const fn default_max_parallel() -> Located<u16> {
    Located::unwritten(32)
}
