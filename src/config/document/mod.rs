//! The configuration file as written: what may stand in it, and the defaults. Nothing is looked up here.

mod limits;
mod listener;
mod route;
mod upstream;

pub use limits::Limits;
pub use listener::{Admin, CertificatePair, ClientCertificateRule, Listener, ListenerTls};
pub use route::{
    AuthRequirement, BodyMode, ClaimField, CorsSettings, IdentityFields, IdentityPreset, MatchRule, Mode, PathParameterRule, Preflight,
    ResourceSettings, RewriteRule, Route, SchemeList,
};
pub use upstream::{Balance, HealthCheck, HttpProtocol, Server, ServerEntry, Upstream, UpstreamHost, UpstreamTls, Verification};

use crate::assertion::{AssertionSettings, RequestKeySettings};
use crate::scheme::SchemeConfig;
use crate::setting::{Located, Period};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The whole configuration of a gateway.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where requests come in. A change needs a restart.
    pub listeners: Vec<Located<Listener>>,
    /// Where operators look: `/metrics`, `/healthz`, `/readyz`. A change needs a restart.
    #[serde(default)]
    pub admin: Option<Located<Admin>>,
    /// Threads that serve requests; by default one per processor. A change needs a restart.
    #[serde(default)]
    pub workers: Option<Located<u32>>,
    /// Ways to prove who a request is from, by name.
    #[serde(default)]
    pub schemes: BTreeMap<String, Located<SchemeConfig>>,
    /// The backends, by name.
    #[serde(default)]
    pub upstreams: BTreeMap<String, Located<Upstream>>,
    /// What may be asked for, and what it takes. A request that no route matches is answered 404.
    pub routes: Vec<Located<Route>>,
    /// Bounds for everything a client can make large or slow.
    #[serde(default)]
    pub limits: Limits,
    /// What is remembered beyond one request. A change needs a restart.
    #[serde(default)]
    pub stores: StoreSettings,
    /// How upstreams are told, in a signed token, who was proved; for routes whose `identity` has an `assertion`.
    #[serde(default)]
    pub assertion: Option<Located<AssertionSettings>>,
    /// The keys by which requests to upstreams are signed (RFC 9421); for routes that have a `request_signature`, too.
    #[serde(default)]
    pub request_signature: Option<Located<RequestKeySettings>>,
    /// Networks (such as `10.0.0.0/8`) whose `X-Forwarded-*` and `Forwarded` are believed. Empty by default: none.
    #[serde(default)]
    pub trusted_proxies: Vec<Located<String>>,
    /// Whether `;parameters` in paths are refused (they hide path segments from route matching) or forwarded.
    #[serde(default)]
    pub path_parameters: PathParameterRule,
    /// What is written about requests, and where.
    #[serde(default)]
    pub logging: Logging,
    /// How long a stopping gateway waits for requests under way.
    #[serde(default = "graceful_stop")]
    pub graceful_stop: Period,
}

const fn graceful_stop() -> Period {
    Period::from_secs(30)
}

/// What is remembered beyond one request, in the memory of this process: another one does not know of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// Nonces, and whatever else may be used once, that are remembered at the same time. Where there is no
    /// room for another, requests that need it are refused (503).
    pub replay_marks: Located<u32>,
    /// Revocations of contexts that are in force at the same time.
    pub revocations: Located<u32>,
    /// Keys of holders, on P-256, of which 32 KiB each are kept, so that what they sign is verified in half the time: those
    /// that are used most. 0 keeps none.
    pub holder_keys: Located<u32>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        let count = Located::unwritten;
        Self { replay_marks: count(1_000_000), revocations: count(100_000), holder_keys: count(1_000) }
    }
}

/// What is written about requests, and where.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// One JSON line per request.
    pub access: LogSink,
    /// Audit events and diagnostics, as JSON lines.
    pub events: LogSink,
    /// The least important diagnostics to write.
    pub level: LogLevel,
    /// Which decisions about requests are audit events.
    pub decisions: AuditedDecisions,
}

impl Default for Logging {
    fn default() -> Self {
        Self { access: LogSink::Stdout, events: LogSink::Stderr, level: LogLevel::default(), decisions: AuditedDecisions::default() }
    }
}

/// Which decisions about requests are audit events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditedDecisions {
    /// None.
    None,
    /// Denials.
    #[default]
    Denied,
    /// Denials and admissions: a line per request.
    All,
}

/// Where log lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogSink {
    /// Nowhere.
    Off,
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to.
    File(PathBuf),
}

/// The least important diagnostics to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// Also what looks wrong.
    Warn,
    /// Also what happened.
    #[default]
    Info,
    /// Also how.
    Debug,
}
