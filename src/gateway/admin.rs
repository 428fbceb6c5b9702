//! What operators ask: figures, liveness, readiness. Never on a data listener.

use super::content::Room;
use super::live::{Current, Live};
use super::pool::Pool;
use super::published::{FRESHNESS, KEY_SET};
use super::revocation;
use crate::clock::{self, UnixTime};
use crate::keys::{KeyCounts, KeySource};
use crate::store::{CacheCounts, ReplayCounts, ReplayLog};
use crate::telemetry::metrics::{
    CONTENT_TYPE, CacheReading, CertificateReading, KeyReading, Metrics, Readings, ReplayReading, ServerReading, SpoolReading,
};
use async_trait::async_trait;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE as CONTENT_TYPE_FIELD};
use http::{HeaderValue, Method, Response, StatusCode};
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::http::ServerSession;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The operators' application.
pub(super) struct Admin {
    /// The current configuration.
    pub(super) current: Arc<Current>,
    /// Figures.
    pub(super) metrics: Arc<Metrics>,
    /// What content that waits takes up.
    pub(super) room: Arc<Room>,
    /// Whether the gateway is going away.
    pub(super) stopping: Arc<AtomicBool>,
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let header = session.req_header();
        if header.uri.path() == CONTEXTS {
            return self.revoke(&header.method, header.uri.query().unwrap_or_default()).await;
        }
        if header.method != Method::GET && header.method != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match header.uri.path() {
            "/metrics" => self.exposition(),
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.readiness(),
            ASSERTION_KEYS => {
                let live = self.current.load();
                key_set(live.snapshot.asserter.as_ref().map(|asserter| asserter.key_set()), "assertion")
            }
            REQUEST_KEYS => {
                let live = self.current.load();
                key_set(live.snapshot.request_keys.as_ref().map(|keys| keys.key_set()), "request_signature")
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "there are /metrics, /healthz, /readyz, /.well-known/portcullis/jwks.json, its neighbour request-jwks.json and, to DELETE, \
                 /contexts\n",
            ),
        }
    }
}

/// Where the keys are that assertions are verified by.
const ASSERTION_KEYS: &str = "/.well-known/portcullis/jwks.json";
/// Where the keys are that signed requests are verified by.
const REQUEST_KEYS: &str = "/.well-known/portcullis/request-jwks.json";

/// Where contexts are revoked.
const CONTEXTS: &str = "/contexts";

impl Admin {
    /// DELETE only: no page of another site can make a browser send that unasked.
    async fn revoke(&self, method: &Method, query: &str) -> Response<Vec<u8>> {
        if *method != Method::DELETE {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "DELETE only\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("DELETE"));
            return response;
        }
        let live = self.current.load_full();
        let (status, told) = revocation::revoke(query, &live, clock::now()).await;
        text(status, told)
    }

    /// Ready: not stopping, and every upstream has a server that is well.
    fn readiness(&self) -> Response<Vec<u8>> {
        if self.stopping.load(Ordering::Acquire) {
            return text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
        }
        let live = self.current.load();
        match live.pools().iter().find(|pool| !pool.is_healthy()) {
            None => text(StatusCode::OK, "ready\n"),
            Some(pool) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("upstream {} has no healthy server\n", pool.spec().name)),
        }
    }

    fn exposition(&self) -> Response<Vec<u8>> {
        let live = self.current.load();
        let caches = cache_readings(&live);
        let sources = key_sources(&live);
        let keys = key_readings(&sources, clock::now());
        let servers: Vec<_> = live.pools().iter().flat_map(|pool| server_readings(pool)).collect();
        let certificates: Vec<_> = certificate_readings(&live);
        let replay = replay_reading(&live);
        let holder_keys = u64::try_from(live.snapshot.lasting.stores.holder_keys.entries()).unwrap_or(u64::MAX);
        let spool = SpoolReading { memory: self.room.memory_octets(), files: self.room.file_octets() };
        let readings =
            Readings { caches: &caches, keys: &keys, servers: &servers, certificates: &certificates, replay, holder_keys, spool };
        let figures = self.metrics.render(&readings);
        answer(StatusCode::OK, CONTENT_TYPE, figures)
    }
}

fn cache_readings(live: &Live) -> Vec<CacheReading<'_>> {
    let named = live.snapshot.schemes.iter();
    named
        .filter_map(|named| {
            let CacheCounts { hits, misses, evictions, octets, .. } = named.scheme.verdict_counts()?;
            Some(CacheReading { scheme: &named.name, hits, misses, evictions, octets })
        })
        .collect()
}

/// Each scheme's sources of keys.
fn key_sources(live: &Live) -> Vec<(&str, Arc<KeySource>)> {
    live.snapshot.schemes.iter().flat_map(|named| named.scheme.key_sources().into_iter().map(|source| (&*named.name, source))).collect()
}

/// Each source of a scheme once: two of one name, with other settings, are told by the first.
fn key_readings<'l>(sources: &'l [(&'l str, Arc<KeySource>)], now: UnixTime) -> Vec<KeyReading<'l>> {
    let mut readings: Vec<KeyReading<'l>> = Vec::new();
    for (scheme, source) in sources {
        let Some(KeyCounts { source, changed, unchanged, failed, keys, loaded }) = source.counts() else { continue };
        if !readings.iter().any(|known| known.scheme == *scheme && known.source == source) {
            let age = (loaded.seconds() > 0).then(|| now.seconds().saturating_sub(loaded.seconds()));
            let keys = u64::try_from(keys).unwrap_or(u64::MAX);
            readings.push(KeyReading { scheme, source, changed, unchanged, failed, keys, age });
        }
    }
    readings
}

fn replay_reading(live: &Live) -> ReplayReading {
    let ReplayCounts { entries, room, marked, replays, refused_full } = live.snapshot.lasting.stores.replay.counts();
    ReplayReading { entries, capacity: room, marked, replays_refused: replays, full: refused_full }
}

fn server_readings(pool: &Pool) -> impl Iterator<Item = ServerReading<'_>> {
    pool.servers().iter().map(|server| ServerReading { upstream: &pool.spec().name, server: server.label(), health: server.health() })
}

/// Each file once: two listeners may share a certificate.
fn certificate_readings(live: &Live) -> Vec<CertificateReading<'_>> {
    let mut readings: Vec<CertificateReading<'_>> = Vec::new();
    for certificate in live.snapshot.certificates.iter().flatten() {
        if !readings.iter().any(|known| *known.certificate == *certificate.label) {
            readings.push(CertificateReading { certificate: &certificate.label, not_after: certificate.not_after });
        }
    }
    readings
}

/// A set of keys, or which setting there would have to be for one.
fn key_set(set: Option<&str>, setting: &str) -> Response<Vec<u8>> {
    let Some(set) = set else {
        return text(StatusCode::NOT_FOUND, &format!("there are no keys: the configuration has no `{setting}`\n"));
    };
    let mut response = answer(StatusCode::OK, KEY_SET, set.as_bytes().to_vec());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(FRESHNESS));
    response
}

fn text(status: StatusCode, text: &str) -> Response<Vec<u8>> {
    answer(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
}

fn answer(status: StatusCode, content_type: &'static str, content: Vec<u8>) -> Response<Vec<u8>> {
    let length = HeaderValue::from(content.len());
    let mut response = Response::new(content);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE_FIELD, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}
