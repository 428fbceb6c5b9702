//! Active health checks: each server is asked in turn, and marked after enough answers in a row.

use super::pool::{Pool, PoolServer};
use crate::config::document::HealthCheck as Settings;
use crate::telemetry::audit::{self, AuditEvent};
use crate::telemetry::metrics::Health;
use pingora::ErrorType::{
    ConnectNoRoute, ConnectRefused, ConnectTimedout, ConnectionClosed, CustomCode, InvalidCert, ReadTimedout, TLSHandshakeFailure,
    TLSHandshakeTimedout, WriteTimedout,
};
use pingora::lb::Backend;
use pingora::lb::health_check::{HealthCheck, HttpHealthCheck, TcpHealthCheck};
use pingora::upstreams::peer::{BasicPeer, HttpPeer};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::timeout;

/// Starts the checks of a pool, if it has any. They end when nobody holds the pool any more.
pub(super) fn watched(pool: Pool) -> Arc<Pool> {
    let pool = Arc::new(pool);
    if let Some(settings) = pool.spec().health_check.clone() {
        for server in pool.servers() {
            let upstream = Arc::clone(&pool.spec().name);
            tokio::spawn(watch(Arc::downgrade(server), upstream, settings.clone()));
        }
    }
    pool
}

async fn watch(server: Weak<PoolServer>, upstream: Arc<str>, settings: Settings) {
    let Some(check) = server.upgrade().and_then(|server| check(server.peer(), server.label(), &settings)) else { return };
    let pause = settings.interval.duration().max(Duration::from_millis(10));
    let mut streak = Streak { kind: Health::Healthy, length: 0 };
    while let Some(watched) = server.upgrade() {
        let finding = ask(check.as_ref(), &watched, pause).await;
        let health = finding.health();
        if streak.turns(health, &settings) && watched.health() != health {
            watched.mark(health);
            let (server, reason) = (watched.label(), &finding);
            audit::record(&AuditEvent::UpstreamHealthChanged { upstream: &upstream, server, health, reason });
        }
        drop(watched);
        tokio::time::sleep(pause).await;
    }
}

async fn ask(check: &(dyn HealthCheck + Send + Sync), server: &PoolServer, patience: Duration) -> Finding {
    let Ok(backend) = Backend::new(&server.peer()._address.to_string()) else { return Finding::Failed("no address to connect to") };
    match timeout(patience, check.check(&backend)).await {
        Ok(Ok(())) => Finding::Well,
        Ok(Err(error)) => Finding::of(&error),
        Err(_) => Finding::Late(patience),
    }
}

/// What a check found, in words for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// The server answered as it must.
    Well,
    /// It answered with another status than 200.
    Status(u16),
    /// The check was not done in time.
    Late(Duration),
    /// There was no answer.
    Failed(&'static str),
}

impl Finding {
    #[allow(clippy::wildcard_enum_match_arm, reason = "Pingora adds kinds of errors, and has words for them")]
    fn of(error: &pingora::Error) -> Self {
        match error.etype() {
            CustomCode(_, status) => Self::Status(*status),
            ConnectRefused => Self::Failed("connection refused"),
            ConnectNoRoute => Self::Failed("no route to it"),
            ConnectTimedout => Self::Failed("no connection in time"),
            TLSHandshakeTimedout => Self::Failed("no TLS handshake in time"),
            TLSHandshakeFailure => Self::Failed("the TLS handshake failed"),
            InvalidCert => Self::Failed("its certificate is not trusted"),
            ReadTimedout | WriteTimedout => Self::Failed("no answer in time"),
            ConnectionClosed => Self::Failed("connection closed without an answer"),
            other => Self::Failed(other.as_str()),
        }
    }

    const fn health(self) -> Health {
        match self {
            Self::Well => Health::Healthy,
            Self::Status(_) | Self::Late(_) | Self::Failed(_) => Health::Unhealthy,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("answered as it must"),
            Self::Status(status) => write!(f, "status {status} where 200 was expected"),
            Self::Late(patience) => write!(f, "took longer than {patience:?}"),
            Self::Failed(words) => f.write_str(words),
        }
    }
}

/// Answers of one kind in a row.
struct Streak {
    kind: Health,
    length: u8,
}

impl Streak {
    /// Counts an answer; whether there are now enough of its kind to change the mark.
    fn turns(&mut self, found: Health, settings: &Settings) -> bool {
        let before = if self.kind == found { self.length } else { 0 };
        *self = Self { kind: found, length: before.saturating_add(1) };
        let needed = match found {
            Health::Healthy => settings.healthy_after,
            Health::Unhealthy => settings.unhealthy_after,
        };
        self.length >= needed
    }
}

fn check(peer: &HttpPeer, label: &str, settings: &Settings) -> Option<Box<dyn HealthCheck + Send + Sync>> {
    let Some(path) = &settings.path else {
        let mut check = TcpHealthCheck::default();
        check.peer_template = BasicPeer::new("127.0.0.1:1");
        check.peer_template.sni.clone_from(&peer.sni);
        check.peer_template.options = peer.options.clone();
        return Some(Box::new(check));
    };
    let mut check = HttpHealthCheck::new(settings.host.as_deref().unwrap_or(label), false);
    check.peer_template = peer.clone();
    check.req.set_raw_path(path.as_bytes()).ok()?;
    Some(Box::new(check))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Period;

    #[test]
    fn marks_change_after_enough_answers_in_a_row() {
        let settings = Settings { path: None, host: None, interval: Period::from_secs(1), healthy_after: 2, unhealthy_after: 3 };
        let mut streak = Streak { kind: Health::Healthy, length: 0 };
        let (well, not) = (Health::Healthy, Health::Unhealthy);
        let turned = [not, not, well, not, not, not, well, well].map(|found| streak.turns(found, &settings));
        assert_eq!(turned, [false, false, false, false, false, true, false, true]);
    }

    #[test]
    fn what_was_found_is_told_in_words() {
        for (kind, words) in [
            (ConnectRefused, "connection refused"),
            (ReadTimedout, "no answer in time"),
            (CustomCode("non 200 code", 503), "status 503 where 200 was expected"),
            (pingora::ErrorType::H2Error, "H2Error"),
        ] {
            let finding = Finding::of(&pingora::Error::new(kind));
            assert_eq!((finding.to_string().as_str(), finding.health()), (words, Health::Unhealthy));
        }
        assert_eq!(Finding::Late(Duration::from_millis(200)).to_string(), "took longer than 200ms");
        assert_eq!(Finding::Well.health(), Health::Healthy);
    }
}
