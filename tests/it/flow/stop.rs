//! Stopping: requests under way are answered, nobody waits longer than needed or than configured.

use crate::support::http2::Http2Client;
use crate::support::raw;
use crate::support::{Config, Gateway, RawClient, Reply, Upstream, eventually, within};
use std::time::Duration;
use tokio::net::TcpStream;

/// Longer than any test waits.
const FOR_EVER: &str = "graceful_stop: 1h\n";
/// Until a slow backend answers.
const SLOW: Duration = Duration::from_millis(1500);

async fn before(reply: Reply, graceful_stop: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::answering(move |head| if head.target() == "/public/slow" { reply.clone() } else { Reply::ok() }).await;
    (Config::bar(graceful_stop).upstream(&upstream).start().await, upstream)
}

async fn request(client: &mut RawClient, target: &str) {
    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
}

/// Waits until the backend has the slow request.
async fn is_under_way(upstream: &Upstream) {
    eventually("the slow request at the backend", || upstream.heard_text().contains("/public/slow").then_some(())).await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_and_then_the_program_ends_at_once() {
    let (gateway, upstream) = before(Reply::ok().after(SLOW), FOR_EVER).await;
    let mut slow = RawClient::connect(gateway.address()).await;
    request(&mut slow, "/public/slow").await;
    is_under_way(&upstream).await;
    let stop = tokio::spawn(gateway.stop());
    let answer = slow.answer().await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
    assert_eq!(slow.rest().await, b"", "the connection ends after the answer");
    let (status, lines) = stop.await.unwrap();
    assert!(status.success(), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("\"server_stopping\"") && line.contains("SIGTERM")));
    let logged = |line: &&String| line.contains("/public/slow") && line.contains("\"status\":200");
    assert_eq!(lines.iter().filter(logged).count(), 1, "the last request is in the access log: {lines:?}");
}

#[tokio::test]
async fn a_request_under_way_over_http2_is_answered_too() {
    let (gateway, upstream) = before(Reply::ok().after(SLOW), FOR_EVER).await;
    let mut client = Http2Client::connect(gateway.address()).await;
    let fetched = tokio::spawn(async move { client.fetch("http://localhost/public/slow", &[]).await });
    is_under_way(&upstream).await;
    let stop = tokio::spawn(gateway.stop());
    assert_eq!(fetched.await.unwrap().unwrap().status, 200);
    assert!(stop.await.unwrap().0.success());
}

#[tokio::test]
async fn idle_connections_are_closed_and_new_ones_refused_while_a_request_is_under_way() {
    let (gateway, upstream) = before(Reply::ok().after(SLOW), FOR_EVER).await;
    let address = gateway.address();
    let (mut idle, mut fresh) = (RawClient::connect(address).await, RawClient::connect(address).await);
    let mut half = RawClient::connect(address).await;
    half.send("GET /public/x HT").await;
    request(&mut idle, "/public/x").await;
    assert_eq!(idle.answer().await.status(), 200);
    let mut slow = RawClient::connect(address).await;
    request(&mut slow, "/public/slow").await;
    is_under_way(&upstream).await;
    let stop = tokio::spawn(gateway.stop());
    assert_eq!(idle.rest().await, b"");
    assert_eq!(fresh.rest().await, b"");
    assert_eq!(half.rest().await, b"");
    within("connections to be refused", async { while TcpStream::connect(address).await.is_ok() {} }).await;
    assert_eq!(slow.answer().await.status(), 200);
    assert!(stop.await.unwrap().0.success());
}

#[tokio::test]
async fn readiness_ends_while_a_request_is_still_under_way() {
    let (gateway, upstream) = before(Reply::ok().after(SLOW), FOR_EVER).await;
    let (address, admin) = (gateway.address(), gateway.admin());
    let mut slow = RawClient::connect(address).await;
    request(&mut slow, "/public/slow").await;
    is_under_way(&upstream).await;
    let stop = tokio::spawn(gateway.stop());
    within("connections to be refused", async { while TcpStream::connect(address).await.is_ok() {} }).await;
    let answer = raw::fetch(admin, "/readyz", "Connection: close\r\n").await;
    assert_eq!((answer.status(), answer.text().as_str()), (503, "stopping\n"));
    assert_eq!(slow.answer().await.status(), 200);
    assert!(stop.await.unwrap().0.success());
}

#[tokio::test]
async fn the_program_ends_at_the_latest_after_graceful_stop() {
    let (gateway, upstream) = before(Reply::never(), "graceful_stop: 1s\n").await;
    let mut slow = RawClient::connect(gateway.address()).await;
    request(&mut slow, "/public/slow").await;
    is_under_way(&upstream).await;
    let (status, lines) = gateway.stop().await;
    assert!(status.success(), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("graceful_stop is over")), "{lines:?}");
    assert_eq!(slow.rest().await, b"", "no half an answer");
}

#[tokio::test]
async fn a_program_without_requests_ends_at_once_on_each_signal() {
    for signal in ["TERM", "INT", "QUIT"] {
        let (gateway, _upstream) = before(Reply::ok(), FOR_EVER).await;
        gateway.signal(signal);
        let (status, lines) = gateway.stop().await;
        assert!(status.success(), "{signal}");
        let told: Vec<_> = lines.iter().filter(|line| line.contains("portcullis::library")).collect();
        assert!(told.is_empty(), "an end that was asked for is no error: {told:?}");
    }
}
