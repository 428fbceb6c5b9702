//! Start to end: open the listeners, serve, reload, and stop when the requests under way are done.

use super::admin::Admin;
use super::content::Room;
use super::listen::{Door, Listener, Protection};
use super::live::{Current, Live};
use super::reload::{self, Reloader};
use super::request_id::RequestIds;
use super::watch::Patrol;
use super::{Gateway, tls};
use crate::clock::{self, UnixTime};
use crate::config::snapshot::{Fixed, ListenerSecurity, ListenerSpec, Snapshot};
use crate::crypto::{self, Random, SystemRandom};
use crate::telemetry::audit::{self, AuditEvent};
use crate::telemetry::metrics::{BuildFacts, CpuFeature, Metrics};
use pingora::apps::ServerApp;
use pingora::apps::http_app::HttpServer;
use pingora::listeners::{L4BufferSettings, ListenerConfig};
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::services::Service as _;
use pingora::services::listening::Service;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Why the gateway cannot start.
#[derive(Debug)]
pub enum ServeError {
    /// An address cannot be listened on.
    Listen(SocketAddr, std::io::Error),
    /// TLS cannot be set up on an address.
    Tls(SocketAddr),
    /// The system refuses threads or signals.
    System(std::io::Error),
    /// The system has no randomness.
    Random,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Tls(address) => write!(f, "cannot set up TLS on {address}"),
            Self::System(error) => write!(f, "the system refuses: {error}"),
            Self::Random => f.write_str("the system has no randomness"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Tells what holds in a configuration that is to run at a time, and still deserves a second look.
pub type Cautions = fn(&Snapshot, UnixTime) -> Vec<String>;

/// Serves until a signal ends it: SIGTERM lets requests under way finish, SIGINT and SIGQUIT too. What `cautions` tells
/// of a configuration is logged when it is taken up.
///
/// # Errors
/// The gateway cannot start.
pub fn serve(snapshot: Snapshot, file: PathBuf, cautions: Cautions) -> Result<(), ServeError> {
    let workers = match snapshot.fixed.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    check_addresses(&snapshot.fixed)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(workers).thread_name("portcullis").enable_all().build().map_err(ServeError::System)?;
    let outcome = runtime.block_on(run(snapshot, file, cautions, workers));
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// Pingora waits for an address that is taken and then panics, so all are tried first, and at the same time:
/// two of them may be in each other's way, such as `0.0.0.0:8080` and `[::]:8080`.
fn check_addresses(fixed: &Fixed) -> Result<(), ServeError> {
    let all = fixed.listeners.iter().map(|listener| listener.address).chain(fixed.admin);
    let bound: Result<Vec<_>, _> =
        all.map(|address| TcpListener::bind(address).map_err(|error| ServeError::Listen(address, error))).collect();
    bound.map(drop)
}

async fn run(snapshot: Snapshot, file: PathBuf, cautions: Cautions, workers: usize) -> Result<(), ServeError> {
    let told = cautions(&snapshot, clock::now());
    let fixed = snapshot.fixed.clone();
    let metrics = Arc::new(Metrics::new(build_facts(), clock::now()));
    let current: Arc<Current> = Arc::new(Current::from_pointee(Live::start(snapshot, &metrics, None)));
    let room = Arc::new(Room::default());
    let door = door(&current, &metrics, &room, workers)?;
    let (stop, stopped) = watch::channel(false);
    for (index, spec) in fixed.listeners.iter().enumerate() {
        let app = Listener::open(&door, spec.address, protection(index, spec, &current)?);
        spawn(service(endpoint(spec), spec.address, app), &stopped);
    }
    let stopping = Arc::new(AtomicBool::new(false));
    // Operators are answered to the last: a readiness probe must learn that the gateway is going away.
    let (end, ended) = watch::channel(false);
    if let Some(address) = fixed.admin {
        let admin = Admin { current: Arc::clone(&current), metrics: Arc::clone(&metrics), room, stopping: Arc::clone(&stopping) };
        spawn(service(ListenerConfig::tcp(address.to_string()), address, HttpServer::new_app(admin)), &ended);
    }
    let hangup = signal(SignalKind::hangup()).map_err(ServeError::System)?;
    tokio::spawn(Reloader { file: file.clone(), current: Arc::clone(&current), metrics, cautions }.run(hangup));
    announce(&fixed, &current, &file);
    reload::caution(&file.display().to_string(), &told);
    let cause = end_signal().await.map_err(ServeError::System)?;
    audit::record(&AuditEvent::ServerStopping { cause });
    stopping.store(true, Ordering::Release);
    let patience = current.load().snapshot.graceful_stop;
    // The receivers live in the services; when all are gone there is nobody left to tell.
    let _ = stop.send(true);
    drain(&door, patience).await;
    let _ = end.send(true);
    Ok(())
}

fn build_facts() -> BuildFacts {
    let feature = |(name, present)| CpuFeature { name, present };
    BuildFacts {
        version: env!("CARGO_PKG_VERSION"),
        crypto: crypto::BACKEND,
        cpu_features: crypto::cpu_features().into_iter().map(feature).collect(),
    }
}

fn door(current: &Arc<Current>, metrics: &Arc<Metrics>, room: &Arc<Room>, workers: usize) -> Result<Arc<Door>, ServeError> {
    /// Connections to upstreams that each worker keeps for the next request.
    const KEPT_PER_WORKER: usize = 256;
    /// More than any upstream's own `retries`, which are what counts.
    const MOST_ATTEMPTS: usize = 8;
    let mut seed = [0; 16];
    SystemRandom::new().fill(&mut seed).map_err(|_| ServeError::Random)?;
    let conf = ServerConf {
        threads: workers,
        upstream_keepalive_pool_size: KEPT_PER_WORKER.saturating_mul(workers),
        max_retries: MOST_ATTEMPTS,
        ..ServerConf::default()
    };
    let ids = RequestIds::from_random(seed);
    let gateway = Gateway { current: Arc::clone(current), metrics: Arc::clone(metrics), ids, room: Arc::clone(room) };
    let proxy = Arc::new(http_proxy(&Arc::new(conf), gateway));
    let patrol = Arc::new(Patrol::default());
    tokio::spawn(Arc::clone(&patrol).run());
    Ok(Arc::new(Door { current: Arc::clone(current), proxy, metrics: Arc::clone(metrics), open: AtomicU32::new(0), patrol }))
}

fn protection(index: usize, spec: &ListenerSpec, current: &Arc<Current>) -> Result<Protection, ServeError> {
    match spec.security {
        ListenerSecurity::Clear => Ok(Protection::Clear),
        ListenerSecurity::Tls => tls::acceptor(index, current).map(Protection::Tls).map_err(|_| ServeError::Tls(spec.address)),
    }
}

fn service<A>(endpoint: ListenerConfig, address: SocketAddr, app: A) -> Service<A> {
    let mut service = Service::new(address.to_string(), app);
    service.add_listener(endpoint);
    service
}

/// Records of TLS are read in small parts, for which a large buffer saves calls. In clear text it would cost a copy of
/// every content, and its size for every connection.
fn endpoint(spec: &ListenerSpec) -> ListenerConfig {
    /// More than most heads, and most of what a client has sent when it is refused: what is left unread makes of the
    /// end of a connection a reset.
    const CLEAR: usize = 16 << 10;
    let endpoint = ListenerConfig::tcp(spec.address.to_string());
    match spec.security {
        ListenerSecurity::Clear => endpoint.l4_buffer(L4BufferSettings::default().read(CLEAR)),
        ListenerSecurity::Tls => endpoint,
    }
}

fn spawn<A: ServerApp + Send + Sync + 'static>(mut service: Service<A>, stopped: &watch::Receiver<bool>) {
    let stopped = stopped.clone();
    tokio::spawn(async move { service.start_service(None, stopped, 1).await });
}

fn announce(fixed: &Fixed, current: &Current, file: &std::path::Path) {
    let live = current.load();
    let (routes, schemes) = (live.snapshot.routes.len(), live.snapshot.schemes.len());
    audit::record(&AuditEvent::ConfigLoaded { file: &file.display().to_string(), routes, schemes });
    reload::record_certificates(&live.snapshot, None);
    let listeners: Vec<_> = fixed.listeners.iter().map(|listener| listener.address.to_string()).collect();
    audit::record(&AuditEvent::ServerStarted {
        version: env!("CARGO_PKG_VERSION"),
        crypto: crypto::BACKEND,
        listeners: &listeners.join(", "),
        admin: &fixed.admin.map(|address| address.to_string()).unwrap_or_default(),
    });
}

async fn end_signal() -> std::io::Result<&'static str> {
    let (mut term, mut int, mut quit) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::quit())?);
    tokio::select! {
        _ = term.recv() => Ok("SIGTERM"),
        _ = int.recv() => Ok("SIGINT"),
        _ = quit.recv() => Ok("SIGQUIT"),
    }
}

/// Waits until no connection is open any more; Pingora closes idle ones at once and busy ones after their request.
async fn drain(door: &Door, patience: Duration) {
    /// How often the connections are counted.
    const LOOK: Duration = Duration::from_millis(20);
    let drained = async {
        while door.open.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    if tokio::time::timeout(patience, drained).await.is_err() {
        tracing::warn!(connections = door.open.load(Ordering::Acquire), "graceful_stop is over: closing connections");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreSizes;

    #[test]
    fn addresses_in_each_others_way_are_found_before_the_start() {
        let port = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        let fixed = |addresses: &[&str]| {
            let spec =
                |address: &&str| ListenerSpec { address: format!("{address}:{port}").parse().unwrap(), security: ListenerSecurity::Clear };
            Fixed {
                listeners: addresses.iter().map(spec).collect(),
                admin: None,
                workers: 0,
                stores: StoreSizes { replay_marks: 1, revocations: 1, holder_keys: 1 },
            }
        };
        assert!(check_addresses(&fixed(&["0.0.0.0"])).is_ok());
        assert!(matches!(check_addresses(&fixed(&["0.0.0.0", "127.0.0.1"])), Err(ServeError::Listen(..))));
        assert!(check_addresses(&fixed(&["0.0.0.0"])).is_ok(), "what was tried is free again");
    }
}
