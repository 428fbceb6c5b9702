//! What admission does with one scheme, and what it needs for that.

use http::{HeaderMap, Method};
use portcullis::clock::UnixTime;
use portcullis::scheme::{Beside, Carries, Connection, Evidence, PeerTrust, Proof, Received, RequestHead, Scheme, TransportSecurity};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The host that requests are for.
pub(crate) const HOST: &str = "localhost:8080";

/// A connection in clear text.
pub(crate) fn connection() -> Connection {
    Connection { peer: ([192, 0, 2, 7], 4711).into(), security: TransportSecurity::Clear }
}

/// A request without content.
pub(crate) const fn evidence<'r>(path: &'r str, fields: &'r HeaderMap, connection: &'r Connection, now: UnixTime) -> Evidence<'r> {
    let received = Received { target: path.as_bytes(), host: HOST.as_bytes() };
    let head = RequestHead { method: &Method::GET, authority: HOST, path, query: "", received, fields };
    Evidence { head, connection, peer: PeerTrust::Untrusted, content: b"", carries: Carries::Nothing, beside: Beside::Refused, now }
}

/// The whole way through a scheme: extract, verify, claim the first use.
pub(crate) fn admit<S: Scheme>(scheme: &S, evidence: &Evidence<'_>) -> Proof {
    let credential = scheme.extract(evidence).unwrap().unwrap();
    let proof = finish(scheme.verify(&credential, evidence)).unwrap();
    if let Some(first_use) = &proof.first_use {
        finish(first_use.claim(evidence.now)).unwrap();
    }
    proof
}

/// Runs a future that waits for nothing.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => std::process::abort(),
    }
}
