//! WebSocket: an upgrade is authenticated like any other request, and then flows both ways.

use crate::support::programs::{Program, node, output};
use crate::support::{Config, Gateway, RawClient, Reply, Token, Upstream, eventually, ports};

const UPGRADE: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A gateway before a tunnel that echoes every octet.
async fn tunnel(limits: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::always(Reply::tunnel()).await;
    (Config::bar(limits).upstream(&upstream).start().await, upstream)
}

async fn upgrade(gateway: &Gateway, lines: &str) -> (RawClient, u16) {
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(format!("GET /bartender/chat HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{lines}\r\n")).await;
    let status = client.answer().await.status();
    (client, status)
}

#[tokio::test]
async fn a_websocket_passes_both_ways_after_authentication_and_not_without() {
    let address = ports::free();
    let mut backend = Program::start(node("websocket_echo.cjs").arg(address.port().to_string()));
    backend.line("ready").await;
    let gateway = Config::bar("").upstream_at(address).start().await;
    let url = format!("ws://{}/bartender/chat?table=7", gateway.address());

    assert_eq!(output(node("websocket_client.cjs").arg(&url)).await, "refused 401 WRAP");
    gateway.denial("credential_missing").await;
    assert_eq!(backend.lines(), ["ready"]);

    let shown = output(node("websocket_client.cjs").args([&url, &Token::of("alice").mint()])).await;
    let wanted = ["text welcome alice", "text one", "octets 0001feff", "long true", "closed 1000"];
    assert_eq!(shown.lines().collect::<Vec<_>>(), wanted);
    backend.line("connection /bartender/chat?table=7 authorization=none").await;
    backend.line("closed 1000").await;
    let line = gateway.access_line(|line| line["status"] == 101).await;
    assert_eq!((line["subject"].as_str(), line["method"].as_str()), (Some("alice"), Some("GET")));
}

#[tokio::test]
async fn a_refused_upgrade_leaves_the_backend_untouched() {
    let (gateway, upstream) = tunnel("").await;
    assert_eq!(upgrade(&gateway, "").await.1, 401);
    assert_eq!(upgrade(&gateway, &Token::of("alice").expires_in(-1).authorization()).await.1, 401);
    gateway.denial("expired").await;
    upstream.assert_untouched();
}

#[tokio::test]
async fn octets_flow_both_ways_until_either_side_ends() {
    let (gateway, upstream) = tunnel("").await;
    let (mut client, status) = upgrade(&gateway, &Token::of("alice").authorization()).await;
    assert_eq!(status, 101);
    for piece in [&b"ping"[..], &[0, 255, 13, 10], &[7; 100_000]] {
        client.send(piece).await;
        assert!(client.octets(piece.len()).await == piece, "{} octets", piece.len());
    }
    drop(client);
    eventually("the backend's side to end", || (upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn a_tunnel_ends_at_the_configured_age() {
    let (gateway, _upstream) = tunnel("limits: { max_tunnel_age: 2s }\n").await;
    let (mut client, status) = upgrade(&gateway, &Token::of("alice").authorization()).await;
    assert_eq!(status, 101);
    client.send("ping").await;
    assert_eq!(client.rest().await, b"ping");
    gateway.metric_becomes("portcullis_connections_aborted_total{reason=\"tunnel_age\"}", 1.0).await;
}
