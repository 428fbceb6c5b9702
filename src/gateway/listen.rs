//! Connections: how many, in which version of HTTP, and how long a head may take.

use super::handshake::{self, HandshakeFailure};
use super::live::Current;
use super::watch::{self, Patrol};
use super::{Gateway, connection};
use crate::config::document::Limits;
use crate::telemetry::audit::{self, AuditEvent, Verdict};
use crate::telemetry::metrics::{ListenerMetrics, Metrics};
use async_trait::async_trait;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp};
use pingora::listeners::tls::Acceptor;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora::protocols::l4::stream::Stream as RawStream;
use pingora::protocols::{ALPN, GetSocketDigest, SocketDigest, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// The start of every HTTP/2 connection (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What all listeners share.
pub(super) struct Door {
    /// The current configuration.
    pub(super) current: Arc<Current>,
    /// The proxy that serves.
    pub(super) proxy: Arc<HttpProxy<Gateway>>,
    /// Figures.
    pub(super) metrics: Arc<Metrics>,
    /// Connections open now, over all listeners.
    pub(super) open: AtomicU32,
    /// Deadlines.
    pub(super) patrol: Arc<Patrol>,
}

/// How a listener's connections are protected.
pub(super) enum Protection {
    /// Not at all.
    Clear,
    /// By TLS.
    Tls(Acceptor),
}

/// One listener's connections.
pub(super) struct Listener {
    door: Arc<Door>,
    address: SocketAddr,
    protection: Protection,
    metrics: Arc<ListenerMetrics>,
}

/// Serves requests of connections whose version of HTTP is known.
struct Server {
    door: Arc<Door>,
    options: HttpServerOptions,
}

impl Listener {
    /// The connections of a listener.
    pub(super) fn open(door: &Arc<Door>, address: SocketAddr, protection: Protection) -> Self {
        Self { door: Arc::clone(door), address, protection, metrics: door.metrics.listener(&address.to_string()) }
    }

    /// A new connection with its version of HTTP, after the TLS handshake if there is to be one. Nothing where it came
    /// to nothing, which is on record then.
    async fn greet(&self, stream: Stream, patience: Duration) -> Option<(Version, Stream)> {
        let stream = match &self.protection {
            Protection::Clear => stream,
            Protection::Tls(acceptor) => self.secure(acceptor, *stream.into_any().downcast::<RawStream>().ok()?, patience).await?,
        };
        timeout(patience, versioned(stream)).await.unwrap_or_else(|_| {
            self.door.metrics.record_connection_aborted("head_timeout");
            None
        })
    }

    async fn secure(&self, acceptor: &Acceptor, raw: RawStream, patience: Duration) -> Option<Stream> {
        let peer = connection::peer_address(raw.get_socket_digest().as_deref().and_then(SocketDigest::peer_addr));
        // A place of its own, which is given back: a connection is idle for longer than its handshake takes.
        let handshake = Box::pin(handshake::accept(acceptor, raw, patience));
        handshake.await.inspect_err(|failure| self.record_failure(failure, peer)).ok()
    }

    fn record_failure(&self, failure: &HandshakeFailure, peer: SocketAddr) {
        self.metrics.record_handshake_failed(failure.reason());
        if failure.is_telling() && audit::wanted(Verdict::Denied) {
            let (listener, reason) = (self.address, failure.reason());
            audit::record(&AuditEvent::HandshakeFailed { listener, peer, reason, found: failure.found() });
        }
    }
}

impl Server {
    /// Serves one connection under the limits of its beginning, so that a reload reaches the next one.
    fn of(door: &Arc<Door>, limits: &Limits, version: &Version) -> Arc<Self> {
        let mut options = HttpServerOptions::default();
        options.h2c = matches!(version, Version::Http2);
        // Pingora counts the requests after the first.
        options.keepalive_request_limit = Some(limits.max_requests_per_connection.saturating_sub(1));
        options.h2_idle_timeout = Some(limits.head_timeout.duration());
        Arc::new(Self { door: Arc::clone(door), options })
    }
}

/// A place among the connections that may be open at the same time.
struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    fn take(open: &'a AtomicU32, most: u32) -> Option<Self> {
        let place = Self(open);
        (open.fetch_add(1, Ordering::AcqRel) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[async_trait]
impl ServerApp for Listener {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let limits = self.door.current.load().snapshot.limits.clone();
        let Some(_place) = Place::take(&self.door.open, *limits.max_connections) else {
            self.door.metrics.record_connection_refused("max_connections");
            return None;
        };
        let _held = self.metrics.hold_connection();
        let mut stopping = shutdown.clone();
        let greeted = tokio::select! {
            biased;
            greeted = self.greet(stream, limits.head_timeout.duration()) => greeted,
            // Nothing was asked yet, so nothing is owed.
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        match greeted? {
            (version @ Version::Http1, stream) => {
                let server = Server::of(&self.door, &limits, &version);
                let served = self.door.patrol.begin().over(server.process_new(stream, shutdown)).await;
                served.unwrap_or_else(|wait| {
                    self.door.metrics.record_connection_aborted(wait.reason());
                    None
                })
            }
            (version @ Version::Http2, stream) => Server::of(&self.door, &limits, &version).process_new(stream, shutdown).await,
        }
    }

    async fn cleanup(&self) {
        self.door.proxy.http_cleanup().await;
    }
}

enum Version {
    Http1,
    Http2,
}

/// Tells the version of HTTP: over TLS as agreed by ALPN; in clear text by reading until the octets differ
/// from the HTTP/2 preface, and putting them back.
/// Pingora's own look waits for 24 octets, which a short HTTP/1.0 request never sends.
async fn versioned(stream: Stream) -> Option<(Version, Stream)> {
    if stream.get_ssl_digest().is_some() {
        let version = if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) { Version::Http2 } else { Version::Http1 };
        return Some((version, stream));
    }
    let mut raw = stream.into_any().downcast::<RawStream>().ok()?;
    Some((version(&mut raw).await, raw))
}

async fn version(stream: &mut RawStream) -> Version {
    let mut seen = [0_u8; PREFACE.len()];
    let mut length = 0;
    let mut version = Version::Http1;
    while let Some(room) = seen.get_mut(length..).filter(|room| !room.is_empty()) {
        match stream.read(room).await {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
        if !PREFACE.starts_with(seen.get(..length).unwrap_or_default()) {
            break;
        }
        if length == PREFACE.len() {
            version = Version::Http2;
        }
    }
    stream.rewind(seen.get(..length).unwrap_or_default());
    version
}

#[async_trait]
impl HttpServerApp for Server {
    async fn process_new_http(self: &Arc<Self>, mut session: ServerSession, shutdown: &ShutdownWatch) -> Option<ReusedHttpStream> {
        let patience = self.door.current.load().snapshot.limits.head_timeout.duration();
        if !*shutdown.borrow() {
            // For as long as it takes: the watch looks after it, without a timer.
            session.set_keepalive(Some(0));
        }
        // A client may ask again before it has heard (RFC 9112 §9.3.2). It is served in turn.
        session.set_pipelining_enabled(true);
        if watch::is_on() {
            watch::expect_head(patience);
            return self.door.proxy.process_new_http(session, shutdown).await;
        }
        let served = self.door.patrol.begin().over(self.door.proxy.process_new_http(session, shutdown)).await;
        served.unwrap_or_else(|wait| {
            self.door.metrics.record_connection_aborted(wait.reason());
            None
        })
    }

    fn h2_options(&self) -> Option<H2Options> {
        let limits = &self.door.current.load().snapshot.limits;
        let mut options = default_h2_options();
        options.max_concurrent_streams(*limits.max_concurrent_streams);
        options.max_header_list_size(u32::try_from(limits.max_head_size.octets()).unwrap_or(u32::MAX));
        Some(options)
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}
