//! `portcullis echo`: a small backend for trying things, which answers with what it received.

mod answer;
mod connection;
mod content;
mod request;

use super::failure::Failure;
use super::terminal::remark;
use clap::Args;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Run a small backend that answers with what it received.
///
/// Every request is answered 200 with its method, target, fields in order and content, as text or, for
/// `Accept: application/json`, as JSON; GET /healthz with `ok`. HTTP/1.1 with keep-alive, clear text.
/// It shows everything to everybody: for trying things only.
#[derive(Args)]
pub(super) struct Echo {
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
}

/// Connections at the same time; further ones wait.
const MAX_CONNECTIONS: usize = 4096;
/// How long to wait after a failed accept, which is usually a lack of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

impl Echo {
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let told = |error: io::Error| Failure::from(format!("{}: {error}", self.listen));
        runtime.map_err(told)?.block_on(serve(self.listen)).map_err(told)
    }
}

async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    remark(&format!("echo: listening on http://{}", listener.local_addr()?));
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    // Whoever went away in the middle does not wait for an answer.
                    let _ = connection::serve(stream).await;
                    drop(permit);
                });
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}
