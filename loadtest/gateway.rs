//! What the gateway says to the fields that are sent, for tests.

#[path = "../benches/specimens/resource.rs"]
mod resource;

pub(crate) use resource::Protected;

use http::{HeaderMap, HeaderName, Method};
use portcullis::clock;
use portcullis::scheme::{
    Beside, Carries, Connection, Evidence, PeerTrust, Proof, Received, Refusal, RequestHead, Scheme, TransportSecurity,
};
use portcullis::setting::ByteSize;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The path that is asked for.
pub(crate) const PATH: &str = "/orders/";
/// The host.
pub(crate) const HOST: &str = "127.0.0.1:8080";

/// Schemes that take what is signed by these keys.
pub(crate) fn resources(jwks: &str) -> Protected {
    Protected::with(jwks, ByteSize::from_mib(1), clock::now().earlier(1))
}

/// What a scheme says to a `GET` with these lines; it uses up what may be used once.
pub(crate) fn verified<S: Scheme>(scheme: &S, lines: &[u8]) -> Result<Proof, Refusal> {
    let fields = fields(lines);
    let received = Received { target: PATH.as_bytes(), host: HOST.as_bytes() };
    let head = RequestHead { method: &Method::GET, authority: HOST, path: PATH, query: "", received, fields: &fields };
    let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security: TransportSecurity::Clear };
    let (carries, beside) = (Carries::Nothing, Beside::Refused);
    let evidence = Evidence { head, connection: &connection, peer: PeerTrust::Untrusted, content: b"", carries, beside, now: clock::now() };
    let credential = scheme.extract(&evidence)?.unwrap();
    let proof = finish(scheme.verify(&credential, &evidence))?;
    if let Some(first_use) = &proof.first_use {
        finish(first_use.claim(evidence.now))?;
    }
    Ok(proof)
}

fn fields(lines: &[u8]) -> HeaderMap {
    let lines = std::str::from_utf8(lines).unwrap().strip_suffix("\r\n").unwrap().split("\r\n");
    let each = lines.map(|line| line.split_once(": ").unwrap());
    each.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

/// Runs a future that waits for nothing.
fn finish<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing is waited for"),
    }
}
