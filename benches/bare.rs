//! The smallest proxy that Pingora makes: what the gateway is measured beside.
//!
//! It judges nothing and changes nothing, and it shares the gateway's profile, allocator and pool
//! sizes, so that the difference between the two is the gateway's own work.

use async_trait::async_trait;
use clap::Parser;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use std::net::SocketAddr;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Forwards every request to one upstream over HTTP/1.1, and does nothing else.
#[derive(Parser)]
#[command(name = "bare")]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9131")]
    listen: SocketAddr,
    /// Where every request goes.
    #[arg(long, default_value = "127.0.0.1:9000")]
    upstream: SocketAddr,
    /// Threads that serve requests.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

struct Forward {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Forward {
    type CTX = ();

    fn new_ctx(&self) -> Self::CTX {}

    async fn upstream_peer(&self, _session: &mut Session, _ctx: &mut Self::CTX) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

fn main() {
    let Arguments { listen, upstream, workers } = Arguments::parse();
    // Without these two, a TERM signal is followed by five minutes of waiting.
    let conf =
        ServerConf { threads: workers, grace_period_seconds: Some(0), graceful_shutdown_timeout_seconds: Some(1), ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut proxy = http_proxy_service(&server.configuration, Forward { upstream });
    proxy.add_tcp(&listen.to_string());
    server.add_service(proxy);
    server.run_forever();
}
