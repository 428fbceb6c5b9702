//! The backends: servers, how to reach them, how to tell that they are well.

use crate::setting::{Located, Period, Timeout};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// A group of servers that answer alike.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The servers.
    pub servers: Vec<Located<ServerEntry>>,
    /// How a server is chosen for a request.
    #[serde(default)]
    pub balance: Balance,
    /// How to tell that a server is well; without it every server counts as well.
    #[serde(default)]
    pub health_check: Option<HealthCheck>,
    /// The version of HTTP that the servers speak.
    #[serde(default)]
    pub protocol: HttpProtocol,
    /// TLS towards the servers; without it the connection is clear text.
    #[serde(default)]
    pub tls: Option<UpstreamTls>,
    /// Which Host the servers see.
    #[serde(default)]
    pub host: UpstreamHost,
    /// Until a connection stands, TLS included.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Timeout,
    /// Between two pieces of a response.
    #[serde(default = "read_timeout")]
    pub read_timeout: Timeout,
    /// Until a piece of the request is accepted.
    #[serde(default = "write_timeout")]
    pub write_timeout: Timeout,
    /// How long an unused connection is kept.
    #[serde(default = "idle_timeout")]
    pub idle_timeout: Period,
    /// How often another server is tried, for idempotent requests and failed connects only. At most 5.
    #[serde(default = "retries")]
    pub retries: Located<u32>,
}

const fn connect_timeout() -> Timeout {
    Timeout::of_secs::<5>()
}
const fn read_timeout() -> Timeout {
    Timeout::of_secs::<60>()
}
const fn write_timeout() -> Timeout {
    Timeout::of_secs::<60>()
}
const fn idle_timeout() -> Period {
    Period::from_secs(60)
}
fn retries() -> Located<u32> {
    Located::unwritten(1)
}

/// A server: its address, or its address and weight.
#[derive(Clone, Debug)]
pub enum ServerEntry {
    /// Only the address.
    Address(Box<str>),
    /// Address and weight.
    Weighted(Server),
}

/// A server with a weight.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Host and port; names are resolved when the configuration is loaded.
    pub address: Box<str>,
    /// Its share of requests, relative to the other servers; 1 to 256.
    #[serde(default = "one")]
    pub weight: u16,
}

const fn one() -> u16 {
    1
}

impl ServerEntry {
    /// Host and port as written.
    pub fn address(&self) -> &str {
        match self {
            Self::Address(address) | Self::Weighted(Server { address, .. }) => address,
        }
    }

    /// The relative share of requests.
    pub const fn weight(&self) -> u16 {
        match self {
            Self::Address(_) => 1,
            Self::Weighted(server) => server.weight,
        }
    }
}

/// How a server is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The server with the fewest requests under way relative to its weight.
    LeastConnections,
}

/// An active health check.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// The path that is asked for; the answer must be 200. Without a path a TCP connection is enough.
    #[serde(default)]
    pub path: Option<Box<str>>,
    /// The Host of the check; by default the server's address.
    #[serde(default)]
    pub host: Option<Box<str>>,
    /// Between two checks.
    #[serde(default = "interval")]
    pub interval: Period,
    /// Checks in a row that make a server well again.
    #[serde(default = "rise")]
    pub healthy_after: u8,
    /// Failed checks in a row that make a server unwell.
    #[serde(default = "fall")]
    pub unhealthy_after: u8,
}

const fn interval() -> Period {
    Period::from_secs(5)
}
const fn rise() -> u8 {
    1
}
const fn fall() -> u8 {
    2
}

/// The version of HTTP towards the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpProtocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: by prior knowledge in clear text, by ALPN over TLS.
    Http2,
    /// Over TLS whichever ALPN yields; HTTP/1.1 in clear text.
    Auto,
}

/// TLS towards the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTls {
    /// The name that the certificate must carry, also sent as SNI.
    pub server_name: Box<str>,
    /// PEM trust anchors; by default those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// What of the certificate is checked.
    #[serde(default)]
    pub verify: Verification,
}

/// What of a server's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// The chain, the validity and the name.
    #[default]
    Full,
    /// Nothing: for tests on one machine only.
    None,
}

/// Which Host the servers see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamHost {
    /// The client's, in normal form.
    #[default]
    Preserve,
    /// A fixed name.
    Name(Box<str>),
}

impl<'de> Deserialize<'de> for ServerEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> serde::de::Visitor<'de> for EntryVisitor {
    type Value = ServerEntry;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("host:port, or a mapping with `address` and `weight`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ServerEntry, E> {
        Ok(ServerEntry::Address(text.into()))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<ServerEntry, A::Error> {
        Server::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(ServerEntry::Weighted)
    }
}

impl JsonSchema for ServerEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ServerEntry".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let server = generator.subschema_for::<Server>();
        schemars::json_schema!({ "anyOf": [{ "type": "string", "description": "host:port" }, server] })
    }
}
