//! Where keys come from and how they are kept fresh, as written in the configuration.

use crate::fetch::{Cleartext, Reach};
use crate::setting::{ByteSize, Located, Period, Position};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Whether an issuer is asked where its keys are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "bool")]
pub enum Discovery {
    /// It is not.
    #[default]
    Off,
    /// Its metadata name the place (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).
    On,
}

impl Discovery {
    /// The default of a setting that is not there.
    pub const fn unwritten() -> Located<Self> {
        Located::unwritten(Self::Off)
    }
}

impl From<bool> for Discovery {
    fn from(discovery: bool) -> Self {
        if discovery { Self::On } else { Self::Off }
    }
}

/// The settings of one key source, wherever a scheme's settings have them. Exactly one of `jwks_file`, `jwks`,
/// `jwks_uri` and `discovery` must be there.
#[derive(Clone, Copy, Debug)]
pub struct KeyTerms<'a> {
    /// Whose keys they are, exactly as tokens state it. Discovery begins there.
    pub issuer: Option<&'a Located<Box<str>>>,
    /// A file with a JSON Web Key Set. Only here may secrets (`kty: oct`) stand.
    pub jwks_file: Option<&'a Located<PathBuf>>,
    /// A JSON Web Key Set as text.
    pub jwks: Option<&'a Located<Box<str>>>,
    /// The address of a JSON Web Key Set.
    pub jwks_uri: Option<&'a Located<Box<str>>>,
    /// Whether the issuer is asked for that address.
    pub discovery: &'a Located<Discovery>,
    /// Hosts, beside the issuer's own, at which a discovered key set may lie: `keys.example` or `keys.example:8443`.
    pub jwks_hosts: &'a [Located<Box<str>>],
    /// How keys are kept fresh.
    pub refresh: &'a Located<KeyRefreshSettings>,
    /// Where a source that is missing is told.
    pub at: Position,
}

/// How keys that are fetched are kept fresh.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeyRefreshSettings {
    /// How often the keys are fetched, at most 24h: after so long a key that the issuer removed
    /// is no longer good here.
    pub interval: Located<Period>,
    /// How much time lies between two fetches that unknown keys cause, at most 1h; one may be made ahead.
    pub min_interval: Located<Period>,
    /// How long keys stay good after the last fetch that succeeded, at least `interval` and at most 30d. Requests
    /// that need them are answered with 503 from then on.
    pub max_stale: Located<Period>,
    /// How long a key that the issuer did not have is not asked for again, at most 1h.
    pub unknown_key_memory: Located<Period>,
    /// The longest that one fetch may take, discovery included, at most 30s. No request waits longer for keys.
    pub timeout: Located<Period>,
    /// The largest document, at most 256KiB.
    pub max_size: Located<ByteSize>,
    /// PEM certificates of the authorities that vouch for the hosts, in place of the system's.
    pub ca_file: Option<Located<PathBuf>>,
    /// Whether names may lead to this machine, its links and private networks.
    pub allow_private: Reach,
    /// Whether `http` may be asked for: whoever is on the way could then put any keys in place.
    pub allow_cleartext: Cleartext,
}

impl KeyRefreshSettings {
    /// The default of a setting that is not there.
    pub fn unwritten() -> Located<Self> {
        Located::unwritten(Self::default())
    }
}

impl Default for KeyRefreshSettings {
    fn default() -> Self {
        Self {
            interval: Located::unwritten(Period::from_secs(300)),
            min_interval: Located::unwritten(Period::from_secs(10)),
            max_stale: Located::unwritten(Period::from_secs(86_400)),
            unknown_key_memory: Located::unwritten(Period::from_secs(60)),
            timeout: Located::unwritten(Period::from_secs(5)),
            max_size: Located::unwritten(ByteSize::from_kib(256)),
            ca_file: None,
            allow_private: Reach::default(),
            allow_cleartext: Cleartext::default(),
        }
    }
}
