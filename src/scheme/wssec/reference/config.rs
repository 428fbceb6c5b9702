//! The settings of references to tokens, as written in the configuration.

use crate::fetch::fetch_settings;
use crate::setting::{ByteSize, Located, Period};

fetch_settings! {
    /// Tokens that a request names by their address instead of bringing them.
    pub struct ReferenceSettings {
        /// Addresses below which tokens may lie, such as `https://sts.example/tokens/`. At least one.
        pub allow: Located<Vec<Located<Box<str>>>>,
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
    }
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
