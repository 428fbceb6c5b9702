//! The servers of an upstream: which are well, and which one takes a request.

use super::kept::KeptConnections;
use crate::config::document::{Balance, HttpProtocol, UpstreamHost, Verification};
use crate::config::snapshot::{ServerSpec, UpstreamSecurity, UpstreamSpec};
use crate::telemetry::metrics::Health;
use pingora::protocols::tls::CaType;
use pingora::upstreams::peer::{ALPN, HttpPeer};
use pingora::utils::tls::{WrappedX509, parse_x509};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// The running state of one upstream. It outlives a reload that leaves its specification as it was.
pub(super) struct Pool {
    spec: UpstreamSpec,
    servers: Vec<Arc<PoolServer>>,
    /// Indexes of servers in the order of turns, each as often as its weight says.
    turns: Vec<usize>,
    next: AtomicUsize,
}

/// One server and how it is.
pub(super) struct PoolServer {
    spec: ServerSpec,
    peer: HttpPeer,
    healthy: AtomicBool,
    under_way: AtomicU32,
    kept: KeptConnections,
}

/// A server that has been given a request; it counts as busy until this is dropped.
pub(super) struct Lease {
    server: Arc<PoolServer>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.server.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lease {
    fn take(server: &Arc<PoolServer>) -> Self {
        server.under_way.fetch_add(1, Ordering::Relaxed);
        Self { server: Arc::clone(server) }
    }

    /// The server.
    pub(super) const fn server(&self) -> &Arc<PoolServer> {
        &self.server
    }

    /// Where the server is.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Host and port as configured.
    #[cfg(test)]
    fn label(&self) -> &str {
        &self.server.spec.label
    }
}

impl PoolServer {
    /// Host and port as configured.
    pub(super) fn label(&self) -> &Arc<str> {
        &self.spec.label
    }

    /// How to reach the server.
    pub(super) fn peer(&self) -> &HttpPeer {
        &self.peer
    }

    /// Where the server is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.spec.address
    }

    /// Connections to it that wait.
    pub(super) const fn kept(&self) -> &KeptConnections {
        &self.kept
    }

    /// Whether requests are sent there.
    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// What health checks found, for operators.
    pub(super) fn health(&self) -> Health {
        if self.is_healthy() { Health::Healthy } else { Health::Unhealthy }
    }

    /// Notes what a health check found.
    pub(super) fn mark(&self, health: Health) {
        self.healthy.store(health == Health::Healthy, Ordering::Relaxed);
    }
}

impl Pool {
    /// The pool of a specification, every server presumed well.
    pub(super) fn build(spec: UpstreamSpec) -> Self {
        let anchors = anchors(&spec.security);
        let server = |server: &ServerSpec| {
            Arc::new(PoolServer {
                peer: peer(server, &spec, anchors.as_ref()),
                spec: server.clone(),
                healthy: AtomicBool::new(true),
                under_way: AtomicU32::new(0),
                kept: KeptConnections::default(),
            })
        };
        let servers = spec.servers.iter().map(server).collect();
        let turns = turns(&spec.servers);
        Self { spec, servers, turns, next: AtomicUsize::new(0) }
    }

    /// What it was built from.
    pub(super) const fn spec(&self) -> &UpstreamSpec {
        &self.spec
    }

    /// Its servers.
    pub(super) fn servers(&self) -> &[Arc<PoolServer>] {
        &self.servers
    }

    /// Whether at least one server is well.
    pub(super) fn is_healthy(&self) -> bool {
        self.servers.iter().any(|server| server.is_healthy())
    }

    /// The Host that its servers see in place of the client's.
    pub(super) fn fixed_host(&self) -> Option<&str> {
        match &self.spec.host {
            UpstreamHost::Preserve => None,
            UpstreamHost::Name(name) => Some(name),
        }
    }

    /// Whether its servers speak HTTP/1.1 in clear text, whatever the request.
    pub(super) const fn is_plain(&self) -> bool {
        matches!((&self.spec.security, self.spec.protocol), (UpstreamSecurity::Clear, HttpProtocol::Http1 | HttpProtocol::Auto))
    }

    /// Chooses a healthy server, another one than `failed` where there is a choice.
    pub(super) fn select(&self, failed: Option<&Lease>) -> Option<Lease> {
        let usable = |server: &&Arc<PoolServer>| server.is_healthy() && failed.is_none_or(|failed| !Arc::ptr_eq(&failed.server, server));
        let chosen = match self.spec.balance {
            Balance::RoundRobin => self.in_turn(usable),
            Balance::LeastConnections => self.least_busy(usable),
        };
        let last_resort = || failed.map(|failed| &failed.server).filter(|server| server.is_healthy());
        chosen.or_else(last_resort).map(Lease::take)
    }

    fn in_turn(&self, usable: impl Fn(&&Arc<PoolServer>) -> bool) -> Option<&Arc<PoolServer>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed) % self.turns.len().max(1);
        let (before, from) = self.turns.split_at(start);
        from.iter().chain(before).filter_map(|index| self.servers.get(*index)).find(usable)
    }

    fn least_busy(&self, usable: impl Fn(&&Arc<PoolServer>) -> bool) -> Option<&Arc<PoolServer>> {
        let load = |server: &&Arc<PoolServer>| {
            let busy = u64::from(server.under_way.load(Ordering::Relaxed)) + 1;
            (busy << 16) / u64::from(server.spec.weight.max(1))
        };
        self.servers.iter().filter(usable).min_by_key(load)
    }
}

/// Smooth weighted turns: each round, the server that is furthest behind its share goes next.
fn turns(servers: &[ServerSpec]) -> Vec<usize> {
    let total: i64 = servers.iter().map(|server| i64::from(server.weight)).sum();
    let mut credit = vec![0_i64; servers.len()];
    let mut turns = Vec::new();
    for _ in 0..total {
        for (credit, server) in credit.iter_mut().zip(servers) {
            *credit += i64::from(server.weight);
        }
        if let Some((index, credit)) = credit.iter_mut().enumerate().rev().max_by_key(|(_, credit)| **credit) {
            *credit -= total;
            turns.push(index);
        }
    }
    turns
}

fn anchors(security: &UpstreamSecurity) -> Option<Arc<CaType>> {
    match security {
        UpstreamSecurity::Tls { anchors, .. } if !anchors.is_empty() => {
            Some(anchors.iter().map(|der| WrappedX509::new(der.clone(), parse_x509)).collect())
        }
        UpstreamSecurity::Tls { .. } | UpstreamSecurity::Clear => None,
    }
}

fn peer(server: &ServerSpec, spec: &UpstreamSpec, anchors: Option<&Arc<CaType>>) -> HttpPeer {
    /// Streams on one HTTP/2 connection to a server; Pingora's default of 1 would open a connection per request.
    const HTTP2_STREAMS: usize = 100;
    let (over_tls, name, verify) = match &spec.security {
        UpstreamSecurity::Clear => (false, "", Verification::Full),
        UpstreamSecurity::Tls { server_name, verify, .. } => (true, &**server_name, *verify),
    };
    let mut peer = HttpPeer::new(server.address, over_tls, name.to_owned());
    peer.options.ca = anchors.cloned();
    peer.options.verify_cert = verify == Verification::Full;
    peer.options.verify_hostname = verify == Verification::Full;
    peer.options.alpn = alpn(spec.protocol, over_tls.then_some(()));
    peer.options.max_h2_streams = HTTP2_STREAMS;
    peer.options.connection_timeout = Some(spec.timeouts.connect.duration());
    peer.options.total_connection_timeout = Some(spec.timeouts.connect.duration());
    peer.options.read_timeout = Some(spec.timeouts.read.duration());
    peer.options.write_timeout = Some(spec.timeouts.write.duration());
    peer.options.idle_timeout = Some(spec.timeouts.idle.duration());
    peer
}

const fn alpn(protocol: HttpProtocol, tls: Option<()>) -> ALPN {
    match (protocol, tls) {
        (HttpProtocol::Http1, _) | (HttpProtocol::Auto, None) => ALPN::H1,
        (HttpProtocol::Http2, _) => ALPN::H2,
        (HttpProtocol::Auto, Some(())) => ALPN::H2H1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::snapshot::UpstreamTimeouts;
    use crate::setting::Timeout;

    fn pool(balance: Balance, weights: &[u16]) -> Pool {
        let second = Timeout::of_secs::<1>();
        let server = |(index, weight): (usize, &u16)| ServerSpec {
            label: format!("s{index}").into(),
            address: std::net::SocketAddr::from(([127, 0, 0, 1], 9000 + u16::try_from(index).unwrap())),
            weight: *weight,
        };
        Pool::build(UpstreamSpec {
            name: "u".into(),
            servers: weights.iter().enumerate().map(server).collect(),
            balance,
            health_check: None,
            protocol: HttpProtocol::Http1,
            security: UpstreamSecurity::Clear,
            host: UpstreamHost::Preserve,
            timeouts: UpstreamTimeouts { connect: second, read: second, write: second, idle: second.into() },
            retries: 1,
        })
    }

    fn labels(pool: &Pool, count: usize) -> Vec<String> {
        (0..count).map(|_| pool.select(None).unwrap().label().to_owned()).collect()
    }

    #[test]
    fn round_robin_is_smooth_by_weight() {
        assert_eq!(labels(&pool(Balance::RoundRobin, &[3, 1]), 8), ["s0", "s0", "s1", "s0", "s0", "s0", "s1", "s0"]);
    }

    #[test]
    fn an_unwell_server_is_passed_over() {
        let pool = pool(Balance::RoundRobin, &[1, 1, 1]);
        pool.servers()[1].mark(Health::Unhealthy);
        let chosen = labels(&pool, 6);
        assert!(!chosen.contains(&"s1".to_owned()), "{chosen:?}");
        assert!(chosen.contains(&"s0".to_owned()) && chosen.contains(&"s2".to_owned()));
    }

    #[test]
    fn no_healthy_server_is_nothing() {
        let pool = pool(Balance::LeastConnections, &[1]);
        pool.servers()[0].mark(Health::Unhealthy);
        assert!(pool.select(None).is_none());
    }

    #[test]
    fn least_connections_respects_leases_and_weights() {
        let pool = pool(Balance::LeastConnections, &[2, 1]);
        let leases: Vec<_> = (0..6).map(|_| pool.select(None).unwrap()).collect();
        let first = leases.iter().filter(|lease| lease.label() == "s0").count();
        assert_eq!(first, 4);
        drop(leases);
        assert_eq!(pool.servers()[0].under_way.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_retry_goes_elsewhere() {
        let pool = pool(Balance::RoundRobin, &[1, 1]);
        let failed = pool.select(None).unwrap();
        for _ in 0..4 {
            assert_ne!(pool.select(Some(&failed)).unwrap().label(), failed.label());
        }
    }
}
