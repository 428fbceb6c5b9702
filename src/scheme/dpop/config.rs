//! The settings of a `dpop` scheme, as written in the configuration.

use crate::scheme::bearer::token_settings;
use crate::setting::{Located, Period};
use crate::token::jose::Algorithm;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

token_settings! {
    /// A protected resource that takes JSON Web Tokens with a proof that their holder made for this very request (RFC 9449).
    pub struct DpopConfig {
        /// The algorithms that proofs may be signed with; all of them are signatures.
        #[serde(default = "crate::scheme::bearer::defaults::algorithms")]
        pub proof_algorithms: Located<Vec<Located<Algorithm>>>,
        /// How old a proof may be, at most 24h.
        #[serde(default = "max_age")]
        pub max_age: Located<Period>,
        /// How far the holder's clock may be off, at most 5m.
        #[serde(default = "clock_skew")]
        pub clock_skew: Located<Period>,
        /// Whether proofs have a nonce of ours in them.
        #[serde(default)]
        pub nonce: NonceUse,
        /// A file with the keys that nonces are made under: one of 32 octets in base64, or lines of a name and a key, of
        /// which the first makes nonces and all open them. Needed for nonces.
        #[serde(default)]
        pub nonce_key_file: Option<Located<PathBuf>>,
        /// How long a nonce is good, at most 24h.
        #[serde(default = "nonce_lifetime")]
        pub nonce_lifetime: Located<Period>,
    }
}

/// Whether proofs have a nonce of ours in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NonceUse {
    /// They need none, and none is handed out.
    #[default]
    None,
    /// One that is there must be good.
    Optional,
    /// They must have a good one.
    Required,
}

const fn max_age() -> Located<Period> {
    Located::unwritten(Period::from_secs(60))
}

const fn clock_skew() -> Located<Period> {
    Located::unwritten(Period::from_secs(30))
}

const fn nonce_lifetime() -> Located<Period> {
    Located::unwritten(Period::from_secs(300))
}
