//! Named bounds for everything a client can make large or slow.

use crate::setting::{ByteSize, Located, Period, Timeout};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Bounds for everything a client can make large or slow.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at the same time, over all listeners; further ones are closed at once.
    pub max_connections: Located<u32>,
    /// Requests that one HTTP/1.1 connection may carry before it is closed.
    pub max_requests_per_connection: Located<u32>,
    /// HTTP/2 streams open at the same time on one connection.
    pub max_concurrent_streams: Located<u32>,
    /// The octets of a request head: target and fields together (431).
    pub max_head_size: ByteSize,
    /// The fields of a request head (431).
    pub max_fields: Located<u32>,
    /// The octets of a request target (414).
    pub max_target_size: ByteSize,
    /// The octets of the content of a request (413).
    pub max_body_size: ByteSize,
    /// The octets of one content that wait in memory where it must be proved first; what is beyond waits in a file.
    pub spool_after: ByteSize,
    /// The octets of all contents that wait in memory; beyond them, contents wait in files however small they are.
    pub max_body_memory: ByteSize,
    /// The octets of all contents that wait in files (503).
    pub max_spool_size: ByteSize,
    /// Where these files are made. They have no name, and are gone with their request.
    pub spool_directory: Located<PathBuf>,
    /// From the first moment a connection is ready for a request until its head is complete: idle time
    /// and slow heads together. The connection is closed without an answer.
    pub head_timeout: Timeout,
    /// Between two pieces of a request's content (408 while the answer has not begun).
    pub body_timeout: Timeout,
    /// From the end of the head until the end of the content, however fast it flows.
    pub body_deadline: Timeout,
    /// Between two writes that the client accepts.
    pub send_timeout: Timeout,
    /// The life of an upgraded connection (WebSocket), counted from its request.
    pub max_tunnel_age: Period,
    /// The octets of a content that are read away after its request was refused, so that the client hears of it. The
    /// connection goes on over HTTP/1.1 where the content states to be no longer; over HTTP/2 nothing of a longer one
    /// is read away. 0 reads none away.
    pub max_drain_size: ByteSize,
    /// The time for that; then the connection is closed, or the stream reset.
    pub drain_timeout: Period,
    /// The memory of each listener for certificates that its `client_ca` vouched for; 0 remembers none.
    pub client_certificate_cache: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        let count = Located::unwritten;
        Self {
            max_connections: count(10_000),
            max_requests_per_connection: count(100_000),
            max_concurrent_streams: count(100),
            max_head_size: ByteSize::from_kib(32),
            max_fields: count(100),
            max_target_size: ByteSize::from_kib(8),
            max_body_size: ByteSize::from_mib(64),
            spool_after: ByteSize::from_mib(1),
            max_body_memory: ByteSize::from_mib(256),
            max_spool_size: ByteSize::from_mib(4096),
            spool_directory: Located::unwritten("/tmp".into()),
            head_timeout: Timeout::of_secs::<60>(),
            body_timeout: Timeout::of_secs::<30>(),
            body_deadline: Timeout::of_secs::<600>(),
            send_timeout: Timeout::of_secs::<60>(),
            max_tunnel_age: Period::from_secs(86_400),
            max_drain_size: ByteSize::from_mib(1),
            drain_timeout: Period::from_secs(1),
            client_certificate_cache: ByteSize::from_mib(1),
        }
    }
}
