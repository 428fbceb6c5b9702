//! The request, top to bottom. The only room that knows Pingora.

mod admin;
mod admission;
mod answer;
mod connection;
mod content;
mod cors;
mod denial;
mod exchange;
mod forwarding;
mod handshake;
mod health;
mod judge;
mod kept;
mod listen;
mod live;
mod plan;
mod pool;
mod prove;
mod published;
mod record;
mod relay;
mod reload;
mod request_id;
mod respond;
mod revocation;
mod sending;
mod serve;
mod settlement;
mod signature;
mod tls;
mod upstream;
mod watch;
mod wire;

pub use serve::{Cautions, ServeError, serve};

use crate::clock;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use bytes::Bytes;
use denial::Denial;
use exchange::{Admitted, Exchange, Passage, Stage};
use live::Current;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::prelude::HttpPeer;
use pingora::protocols::Digest;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use relay::Relayed;
use request_id::RequestIds;
use std::sync::Arc;

/// The proxy: it only delegates. Each hook is one line of the request's life.
struct Gateway {
    current: Arc<Current>,
    metrics: Arc<Metrics>,
    ids: RequestIds,
    /// What contents that wait may take up, whatever the configuration they came under.
    room: Arc<content::Room>,
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange::arrive(clock::instant(), self.current.load_full(), self.ids.next(), self.metrics.hold_request())
    }

    /// None: Pingora would add response compression, switched off.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> pingora::Result<bool> {
        if let Some(document) = published::find(session, &exchange.live.snapshot) {
            exchange.stage = Stage::Answered;
            return published::answer(session, document, exchange).await.map(|()| true);
        }
        content::watch(session, &exchange.live.snapshot.limits);
        match admission::admit(session, exchange, &self.room).await {
            Ok(Admitted { permit, source, client }) => {
                exchange.admit(permit, client);
                upstream::prepare(session, &exchange.live.snapshot.limits);
                // Nothing is read from the client until a server is there.
                watch::rest();
                let source = match relay::relay(session, exchange, source, &self.room).await? {
                    Relayed::Answered => return Ok(true),
                    Relayed::Left(source) => source,
                };
                match content::begin(session, source, &exchange.live.snapshot.limits).await {
                    Ok(passage) => exchange.passage = passage,
                    Err(problem) => return Err(exchange.fail(Denial::BadContent(problem))),
                }
                Ok(false)
            }
            Err(denied) => {
                exchange.stage = Stage::Denied(denied);
                respond::deny(session, exchange).await.map(|()| true)
            }
        }
    }

    async fn upstream_peer(&self, _: &mut Session, exchange: &mut Exchange) -> pingora::Result<Box<HttpPeer>> {
        upstream::select_peer(exchange).map_err(|problem| exchange.fail(Denial::Upstream(problem)))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        head: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> pingora::Result<()> {
        if !matches!(exchange.passage, Passage::Kept(_)) {
            content::watch(session, &exchange.live.snapshot.limits);
        }
        let permit = exchange.permit().map_err(denial::abort)?;
        let route = exchange.route().ok_or(Denial::Fault).map_err(denial::abort)?;
        permit.plan().apply(head, route, &exchange.live.snapshot)?;
        signature::sign(head, route, &exchange.live.snapshot).map_err(denial::abort)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        piece: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> pingora::Result<()> {
        if session.as_downstream().was_upgraded() {
            return Ok(());
        }
        content::pass(session, piece, content::BodyEnd::of(end), exchange).map_err(|problem| exchange.fail(Denial::BadContent(problem)))
    }

    async fn connected_to_upstream(
        &self,
        _: &mut Session,
        reused: bool,
        _: &HttpPeer,
        _: std::os::unix::io::RawFd,
        digest: Option<&Digest>,
        exchange: &mut Exchange,
    ) -> pingora::Result<()> {
        let times = digest.filter(|_| !reused).and_then(|digest| digest.timing_digest.first()).and_then(Option::as_ref);
        if let Some(duration) = times.and_then(|times| times.establishment_duration) {
            record::connected(duration, exchange);
        }
        Ok(())
    }

    async fn response_filter(&self, session: &mut Session, head: &mut ResponseHeader, exchange: &mut Exchange) -> pingora::Result<()> {
        upstream::admit_switch(session, head).map_err(|problem| exchange.fail(Denial::Upstream(problem)))?;
        upstream::answered(head, exchange)
    }

    fn fail_to_connect(
        &self,
        session: &mut Session,
        _: &HttpPeer,
        exchange: &mut Exchange,
        error: Box<pingora::Error>,
    ) -> Box<pingora::Error> {
        upstream::connect_failed(session, exchange, error)
    }

    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        session: &mut Session,
        error: Box<pingora::Error>,
        exchange: &mut Exchange,
        reused: bool,
    ) -> Box<pingora::Error> {
        upstream::attempt_failed(session, exchange, error, upstream::Reuse::of(reused))
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &pingora::Error, exchange: &mut Exchange) -> FailToProxy {
        let error_code = upstream::give_up(session, exchange, error).await;
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _: Option<&pingora::Error>, exchange: &mut Exchange) {
        content::end(session, &exchange.passage);
        record::finished(session, exchange, &self.metrics);
        content::drain(session, &exchange.live.snapshot.limits).await;
    }

    /// Pingora's own summary holds the target, and with it tokens; ours is the access log.
    fn request_summary(&self, _: &Session, exchange: &Exchange) -> String {
        exchange.id.as_str().to_owned()
    }

    /// The access and audit logs say it, without what a caller sent.
    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &pingora::Error) -> bool {
        true
    }
}
