//! What integration tests stand on: a gateway, a backend, clients, tokens and certificates.
#![allow(dead_code, unused_imports, reason = "each test uses the part it needs")]

pub(crate) mod certificates;
pub(crate) mod frames;
pub(crate) mod gateway;
pub(crate) mod holder;
pub(crate) mod http2;
pub(crate) mod introspection;
pub(crate) mod issuer;
pub(crate) mod message;
pub(crate) mod ports;
pub(crate) mod programs;
pub(crate) mod raw;
pub(crate) mod secure_upstream;
pub(crate) mod signature;
pub(crate) mod tokens;
pub(crate) mod upstream;
pub(crate) mod witness;
pub(crate) mod wssec;

pub(crate) use gateway::{Config, Gateway};
pub(crate) use raw::RawClient;
pub(crate) use tokens::Token;
pub(crate) use upstream::{Reply, Upstream};

use std::time::Duration;

/// The longest that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits, at most [`PATIENCE`], until `look` finds something; fails naming `what` otherwise.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, found).await
}

/// Waits for something at most [`PATIENCE`]; fails naming `what` otherwise.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}
