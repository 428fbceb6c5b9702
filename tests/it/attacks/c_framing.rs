//! Message framing and protocol upgrades, T-40 to T-48.
//!
//! Not here: the cache of RUSTSEC-2025-0037 in T-42, because the gateway caches no answers; the replay side of
//! T-48 (`425`), because there is no early data that could be replayed.

use super::{Scene, folded};
use crate::support::certificates::Authority;
use crate::support::frames::{CONTINUATION, DATA, END_HEADERS, END_STREAM, FrameClient, HEADERS, Outcome, RST_STREAM, block};
use crate::support::gateway::Config;
use crate::support::message::text;
use crate::support::{RawClient, Reply, Token, Upstream};
use rustls::client::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use std::sync::Arc;
use std::time::Duration;

/// A request that no test lets through: the way in for it would be somebody else's content.
const SMUGGLED: &str = "GET /bartender/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// Ends a connection with an answer that nothing else gets: 404.
const SENTINEL: &str = "GET /sentinel HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const WEBSOCKET: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

fn post(target: &str, lines: &str, content: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{content}")
}

fn statuses(answers: &[crate::support::message::Message]) -> Vec<u16> {
    answers.iter().map(crate::support::message::Message::status).collect()
}

/// Everything that a connection yields for these octets, until it ends.
async fn all_answers(scene: &Scene, octets: impl AsRef<[u8]>) -> Vec<u16> {
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(octets).await;
    statuses(&client.all_answers().await)
}

async fn before(reply: Reply) -> Scene {
    let upstream = Upstream::always(reply).await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    Scene { gateway, upstream }
}

#[tokio::test]
async fn t_40_premature_upgrade() {
    let upgrades = ["Connection: Upgrade\r\nUpgrade: foo\r\n", "Connection: Upgrade\r\nUpgrade: websocket, foo\r\n", WEBSOCKET];
    for upgrade in upgrades {
        let scene = before(Reply::of("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")).await;
        let octets = format!("GET /public/x HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n{SMUGGLED}{SENTINEL}");
        let answers = all_answers(&scene, octets).await;
        // The second request is either judged by itself or never looked at; it does not ride on the first.
        assert!(!answers.is_empty() && [403, 401, 404].starts_with(&answers), "{upgrade}: {answers:?}");
        let heard = scene.upstream.heard_text();
        assert!(!heard.contains("smuggled"), "{heard}");
        assert_eq!(scene.upstream.request().target(), "/public/x");
    }
}

#[tokio::test]
async fn t_40_other_protocols_are_not_asked_for() {
    let scene = Scene::bar("").await;
    for protocol in ["foo", "h2c", "TLS/1.0", "websocket, foo", "foo, websocket", "websocket/13", "WebSocket2"] {
        let answer = scene.fetch("/public/x", &format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n")).await;
        assert_eq!(answer.status(), 200, "{protocol}");
        let request = scene.upstream.requests().pop().unwrap();
        assert!(!request.mentions("upgrade"), "{protocol}: {request:?}");
        assert!(!request.values("connection").join(",").to_ascii_lowercase().contains("upgrade"), "{protocol}");
    }
}

#[tokio::test]
async fn t_41_old_and_repeated_codings() {
    let scene = Scene::bar("").await;
    let old = format!("POST /public/x HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}");
    assert_eq!(all_answers(&scene, old).await, [400]);
    scene.upstream.assert_untouched();
    for codings in [
        "chunked\r\nTransfer-Encoding: chunked",
        "identity\r\nTransfer-Encoding: chunked",
        "gzip, chunked",
        "chunked, chunked",
        "identity, chunked",
    ] {
        let octets = post("/public/x", &format!("Transfer-Encoding: {codings}\r\n"), &format!("0\r\n\r\n{SMUGGLED}"));
        scene.refuses_once(octets, 400, "transfer_encoding").await;
    }
    for coding in [
        "xchunked",
        "chunked, identity",
        "identity",
        "gzip",
        "chunked;x",
        "chunked,",
        "\"chunked\"",
        "chunked\r\nTransfer-Encoding: identity",
        "\u{b}chunked",
        "",
    ] {
        let octets = post("/public/x", &format!("Transfer-Encoding: {coding}\r\n"), &format!("0\r\n\r\n{SMUGGLED}"));
        assert_eq!(all_answers(&scene, octets).await, [400], "{coding:?}");
        scene.upstream.assert_untouched();
    }
}

#[tokio::test]
async fn t_41_content_that_ends_with_the_connection() {
    let scene = Scene::bar("").await;
    let answers = all_answers(&scene, format!("POST /public/x HTTP/1.0\r\nHost: localhost\r\n\r\n{SMUGGLED}")).await;
    assert_eq!(answers, [200]);
    let request = scene.upstream.request();
    assert_eq!((request.target(), request.content.len()), ("/public/x", 0));
    assert!(!scene.upstream.heard_text().contains("smuggled"));
}

#[tokio::test]
async fn t_42_undrained_content_of_a_rejected_request() {
    let scene = Scene::bar("").await;
    let length = SMUGGLED.len();
    for (lines, content) in [
        (format!("Content-Length: {length}\r\n"), SMUGGLED.to_owned()),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n")),
    ] {
        // All at once.
        let answers = all_answers(&scene, post("/bartender/x", &lines, &content) + SENTINEL).await;
        assert!([&[401][..], &[401, 404]].contains(&answers.as_slice()), "{lines}: {answers:?}");
        // The content after the answer.
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(post("/bartender/x", &lines, "")).await;
        assert_eq!(client.answer().await.status(), 401);
        if client.try_send(content + SENTINEL).await.is_ok() {
            let answers = statuses(&client.all_answers().await);
            assert!([&[][..], &[404]].contains(&answers.as_slice()), "{lines}: {answers:?}");
        }
    }
    scene.upstream.assert_untouched();
    assert!(!scene.gateway.log_lines().iter().any(|line| line.contains("/bartender/smuggled")));
}

#[tokio::test]
async fn t_42_undrained_content_of_an_early_answer() {
    let scene = before(Reply::of("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").early().cut()).await;
    // More than what is read whole before a server hears of it.
    let content = SMUGGLED.repeat((64 << 10) / SMUGGLED.len() + 1);
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(post("/public/x", &format!("Content-Length: {}\r\n", content.len()), "")).await;
    let status = client.answer().await.status();
    assert!([413, 502].contains(&status), "{status}");
    if client.try_send(content + SENTINEL).await.is_ok() {
        let answers = statuses(&client.all_answers().await);
        assert!([&[][..], &[404]].contains(&answers.as_slice()), "{answers:?}");
    }
    assert_eq!(scene.upstream.requests().len(), 1);
    assert!(!scene.gateway.log_lines().iter().any(|line| line.contains("/bartender/smuggled")));
}

#[tokio::test]
async fn t_42_a_content_that_never_came_is_no_next_request() {
    // The backend answers early and goes on reading: whatever came next on that connection would be content to it.
    let scene = before(Reply::ok().early()).await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(post("/public/first", "Content-Length: 100000\r\n", "some of it")).await;
    assert_eq!(client.answer().await.status(), 200);
    drop(client);
    for number in 0..5 {
        assert_eq!(scene.fetch(&format!("/public/{number}"), "").await.status(), 200);
    }
    let targets: Vec<_> = scene.upstream.requests().iter().map(|request| request.target().to_owned()).collect();
    assert_eq!(targets, ["/public/first", "/public/0", "/public/1", "/public/2", "/public/3", "/public/4"]);
}

#[tokio::test]
async fn t_43_content_length() {
    let scene = Scene::bar("").await;
    for (length, reason) in [("5, 5", "length_repeated"), ("5,5", "length_repeated")] {
        scene.refuses_once(post("/public/x", &format!("Content-Length: {length}\r\n"), "hello"), 400, reason).await;
    }
    scene.refuses_once(post("/public/x", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400, "length_repeated").await;
    for length in
        ["", "+5", "-1", "0x5", "5,6", "5 5", "5.0", "5;", "5\u{b}", "five", "99999999999999999999", "18446744073709551616", ",5", "5,"]
    {
        let answers = all_answers(&scene, post("/public/x", &format!("Content-Length: {length}\r\n"), "hello")).await;
        assert_eq!(answers, [400], "{length:?}");
        scene.upstream.assert_untouched();
    }
    for lines in ["Content-Length: 5\r\nContent-Length: 6\r\n", "content-length: 5\r\nCONTENT-LENGTH: 0\r\n"] {
        assert_eq!(all_answers(&scene, post("/public/x", lines, "hello")).await, [400], "{lines:?}");
        scene.upstream.assert_untouched();
    }
}

#[tokio::test]
async fn t_43_length_and_encoding() {
    let scene = Scene::bar("").await;
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "transfer-ENCODING: chunked\r\ncontent-LENGTH: 0\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    ] {
        scene.refuses_once(post("/public/x", lines, &format!("0\r\n\r\n{SMUGGLED}")), 400, "length_and_encoding").await;
    }
    // A name that only some backends fold into a framing field goes no further.
    for alias in ["Transfer_Encoding", "Transfer.Encoding", "Content_Length"] {
        let answer = scene.ask(post("/public/x", &format!("{alias}: chunked\r\nContent-Length: 5\r\n"), "hello")).await;
        assert_eq!(answer.status(), 200, "{alias}");
        let request = scene.upstream.requests().pop().unwrap();
        assert_eq!((request.text().as_str(), request.values("content-length")), ("hello", vec!["5"]));
        assert_eq!(folded(&request, "transfer-encoding"), [""; 0], "{alias}");
        assert_eq!(folded(&request, "content-length"), ["5"], "{alias}");
    }
}

#[tokio::test]
async fn t_43_lines() {
    let scene = Scene::bar("").await;
    for lines in [
        "Content-Length : 5\r\n",
        " Content-Length: 5\r\n",
        "X: a\r\n Content-Length: 5\r\n",
        "X: a\r\n\tb\r\n",
        ": x\r\n",
        "X\r\n",
        "X Y: b\r\n",
        "X(: b\r\n",
        "X\t: b\r\n",
        "X: a\rContent-Length: 5\r\n",
        "X: a\r\r\n",
        "\rX: a\r\n",
        "X: a\0b\r\n",
        "X\0: b\r\n",
        "X: \u{1}\r\n",
        "X: \u{7f}\r\n",
    ] {
        let answers = all_answers(&scene, post("/public/x", lines, "hello")).await;
        assert_eq!(answers, [400], "{lines:?}");
        scene.upstream.assert_untouched();
    }
    for lines in ["X: a\nContent-Length: 5\r\n", "X: a\n", "X: a\n\nGET /bartender/ HTTP/1.1\r\n"] {
        scene.refuses_once(post("/public/x", lines, "hello"), 400, "bare_line_feed").await;
    }
    for whole in [
        "GET /public/x HTTP/1.1\nHost: localhost\n\n",
        "GET /public/x HTTP/1.1\nHost: localhost\r\n\r\n",
        "GET /public/x HTTP/1.1\r\nHost: localhost\r\n\n",
    ] {
        scene.refuses_once(whole, 400, "bare_line_feed").await;
    }
    let refused = scene.gateway.metric("portcullis_heads_refused_total{reason=\"bare_line_feed\"}").await;
    assert_eq!(refused, 6.0);
}

#[tokio::test]
async fn t_43_chunks() {
    for content in [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5\r\rhello\r\n0\r\n\r\n",
    ] {
        let scene = Scene::bar("").await;
        let octets = post("/public/x", "Transfer-Encoding: chunked\r\n", &format!("{content}{SMUGGLED}"));
        assert_eq!(all_answers(&scene, octets).await, [400], "{content:?}");
        // The backend has a head at most: never a whole request, and nothing of what followed.
        assert_eq!(scene.upstream.requests().len(), 0, "{content:?}");
        assert!(!scene.upstream.heard_text().contains("smuggled"), "{content:?}");
        scene.gateway.access_line(|line| line["reason"] == "content_broken" && line["status"] == 400).await;
    }
}

#[tokio::test]
async fn t_43_what_follows_a_content_is_no_part_of_it() {
    for content in [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "5;a=b\r\nhello\r\n0;c\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
    ] {
        let scene = Scene::bar("").await;
        let octets = post("/public/x", "Transfer-Encoding: chunked\r\n", &format!("{content}{SMUGGLED}{SENTINEL}"));
        let answers = all_answers(&scene, octets).await;
        assert!(!answers.is_empty() && [200, 401, 404].starts_with(&answers), "{content:?}: {answers:?}");
        let request = scene.upstream.request();
        assert_eq!(request.text(), if content.contains("hello") { "hello" } else { "" });
        assert!(!scene.upstream.heard_text().contains("smuggled") && request.trailers.is_empty(), "{content:?}");
    }
}

#[tokio::test]
async fn t_44_h2c_upgrade() {
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    let scene = Scene::bar("").await;
    for lines in [
        upgrade,
        &upgrade.replace("h2c", "websocket, h2c"),
        &upgrade.replace("Upgrade: h2c", "upgrade: H2C"),
        &upgrade.replace(", HTTP2-Settings", ""),
    ] {
        let answer = scene.fetch("/public/x", lines).await;
        assert_eq!(answer.status(), 200, "{lines}");
        let request = scene.upstream.requests().pop().unwrap();
        assert!(!request.mentions("upgrade") && !request.mentions("http2-settings") && !request.mentions("connection"), "{request:?}");
    }
    // A backend that switches all the same: there is no tunnel, and nothing after the head gets through.
    let scene = before(Reply::of("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").echoing()).await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(format!("GET /public/x HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsmuggled")).await;
    let answers = statuses(&client.all_answers().await);
    assert!(!answers.contains(&101) && !answers.contains(&200), "{answers:?}");
    assert!(!scene.upstream.heard_text().contains("smuggled"));
}

#[tokio::test]
async fn t_45_fake_websocket() {
    for reply in [
        "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
    ] {
        let scene = before(Reply::of(reply).echoing()).await;
        let handshake = WEBSOCKET.replace("Version: 13", "Version: 777");
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(format!("GET /public/ws HTTP/1.1\r\nHost: localhost\r\n{handshake}\r\n")).await;
        let answer = client.answer().await;
        assert_eq!(answer.start.split(' ').nth(1), reply.split(' ').nth(1));
        // No tunnel: what follows is judged like any request, or not read at all.
        if client.try_send(format!("{SMUGGLED}{SENTINEL}")).await.is_ok() {
            let answers = statuses(&client.all_answers().await);
            assert!([401, 404].starts_with(&answers), "{reply}: {answers:?}");
        }
        assert!(!scene.upstream.heard_text().contains("smuggled"), "{reply}");
    }
}

#[tokio::test]
async fn t_45_unasked_or_other_101() {
    for (request_lines, protocol) in [("", "websocket"), (WEBSOCKET, "foo"), (WEBSOCKET, "h2c"), ("", "")] {
        let upgrade = if protocol.is_empty() { String::new() } else { format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n") };
        let scene = before(Reply::of(format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}\r\n")).echoing()).await;
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(format!("GET /public/ws HTTP/1.1\r\nHost: localhost\r\n{request_lines}\r\n")).await;
        let status = client.answer().await.status();
        assert_eq!(status, 502, "{request_lines:?} answered by {protocol:?}");
        // The connection may be gone already.
        let _ = client.try_send(SMUGGLED).await;
        let rest = text(&client.rest().await);
        assert!(!rest.contains("smuggled"), "{protocol:?}: {rest}");
        assert!(!scene.upstream.heard_text().contains("smuggled"), "{protocol:?}");
    }
}

#[tokio::test]
async fn t_45_the_handshake_is_authenticated() {
    let scene = before(Reply::tunnel()).await;
    scene.refuses(format!("GET /bartender/ws HTTP/1.1\r\nHost: localhost\r\n{WEBSOCKET}\r\n"), 401, "credential_missing").await;
    let expired = Token::of("alice").expires_in(-10).authorization();
    scene.refuses(format!("GET /bartender/ws HTTP/1.1\r\nHost: localhost\r\n{WEBSOCKET}{expired}\r\n"), 401, "expired").await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    let token = Token::of("alice").authorization();
    client.send(format!("GET /bartender/ws HTTP/1.1\r\nHost: localhost\r\n{WEBSOCKET}{token}\r\n")).await;
    assert_eq!(client.answer().await.status(), 101);
    client.send("through and back").await;
    assert_eq!(text(&client.octets(16).await), "through and back");
    assert_eq!(scene.upstream.heard().len(), 1);
}

#[tokio::test]
async fn t_45_extended_connect() {
    let scene = before(Reply::tunnel()).await;
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    let credential = Token::of("alice").credential();
    let head = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/bartender/ws"),
        ("authorization", credential.as_str()),
    ];
    frames.request(1, &head, 0).await;
    let outcome = frames.outcome(1).await;
    assert!(outcome.is_refusal(), "{outcome:?}");
    scene.upstream.assert_untouched();
}

/// Opens a tunnel, sees it work, and waits for its end.
async fn tunnel_ends(scene: &Scene, target: &str, token: &str) {
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{WEBSOCKET}{token}\r\n")).await;
    assert_eq!(client.answer().await.status(), 101);
    client.send("ping").await;
    assert_eq!(text(&client.octets(4).await), "ping");
    assert_eq!(client.rest().await, b"");
    scene.gateway.metric_becomes("portcullis_connections_aborted_total{reason=\"tunnel_age\"}", 1.0).await;
    crate::support::eventually("the backend's side to end", || (scene.upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn t_46_tunnel_ends_with_the_token() {
    let scene = before(Reply::tunnel()).await;
    tunnel_ends(&scene, "/bartender/ws", &Token::of("alice").expires_in(3).authorization()).await;
}

#[tokio::test]
async fn t_46_tunnel_ends_at_its_age() {
    let upstream = Upstream::always(Reply::tunnel()).await;
    let gateway = Config::bar("limits: { max_tunnel_age: 1s }\n").upstream(&upstream).start().await;
    let scene = Scene { gateway, upstream };
    tunnel_ends(&scene, "/public/ws", "").await;
}

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/public/x")];
const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", "/public/x")];

#[tokio::test]
async fn t_47_http2_heads() {
    let scene = Scene::bar("").await;
    for (what, fields) in [
        ("no slash", [&GET[..3], &[(":path", "public/x")]].concat()),
        ("no path", GET[..3].to_vec()),
        ("an empty path", [&GET[..3], &[(":path", "")]].concat()),
        ("a whole URI as path", [&GET[..3], &[(":path", "http://evil.example/public/x")]].concat()),
        ("two paths", [&GET[..], &[(":path", "/bartender/x")]].concat()),
        ("two methods", [&GET[..], &[(":method", "PUT")]].concat()),
        ("no method", GET[1..].to_vec()),
        ("no scheme", [&GET[..1], &GET[2..]].concat()),
        ("an unknown pseudo field", [&GET[..], &[(":x", "y")]].concat()),
        ("a pseudo field after others", [&GET[..3], &[("a", "b"), GET[3]]].concat()),
        ("a response's pseudo field", [&GET[..], &[(":status", "200")]].concat()),
        ("an upper-case name", [&GET[..], &[("X-Upper", "y")]].concat()),
        ("connection", [&GET[..], &[("connection", "close")]].concat()),
        ("transfer-encoding", [&GET[..], &[("transfer-encoding", "chunked")]].concat()),
        ("upgrade", [&GET[..], &[("upgrade", "websocket")]].concat()),
        ("proxy-connection", [&GET[..], &[("proxy-connection", "x")]].concat()),
        ("keep-alive", [&GET[..], &[("keep-alive", "x")]].concat()),
        ("te", [&GET[..], &[("te", "gzip")]].concat()),
        ("CR LF in a value", [&GET[..], &[("x", "a\r\nb: c")]].concat()),
        ("LF in a value", [&GET[..], &[("x", "a\nb")]].concat()),
        ("CR in a value", [&GET[..], &[("x", "a\rb")]].concat()),
        ("NUL in a value", [&GET[..], &[("x", "a\0b")]].concat()),
        ("CR LF in a name", [&GET[..], &[("x\r\ny", "a")]].concat()),
        ("a space in a name", [&GET[..], &[("x y", "a")]].concat()),
        ("a colon in a name", [&GET[..], &[("x:y", "a")]].concat()),
        ("an empty name", [&GET[..], &[("", "a")]].concat()),
        ("CR LF in the path", [&GET[..3], &[(":path", "/public/x\r\ny: z")]].concat()),
        ("a space in the path", [&GET[..3], &[(":path", "/public/x HTTP/1.1\r\n")]].concat()),
        ("CR LF in the method", [&[(":method", "GET / HTTP/1.1\r\nx: y\r\n\r\n")], &GET[1..]].concat()),
        ("a length list", [&GET[..], &[("content-length", "0, 0")]].concat()),
        ("two lengths", [&GET[..], &[("content-length", "0"), ("content-length", "0")]].concat()),
        ("a bad length", [&GET[..], &[("content-length", "x")]].concat()),
    ] {
        let mut frames = FrameClient::connect(scene.gateway.address()).await;
        frames.request(1, &fields, END_STREAM).await;
        let outcome = frames.outcome(1).await;
        assert!(outcome.is_refusal(), "{what}: {outcome:?}");
        scene.upstream.assert_untouched();
    }
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    frames.request(1, &[&GET[..], &[("te", "trailers")]].concat(), END_STREAM).await;
    assert_eq!(frames.outcome(1).await, Outcome::Answered(200));
}

#[tokio::test]
async fn t_47_length_that_is_not_the_content() {
    let scene = Scene::bar("").await;
    for (stated, pieces) in [
        ("3", &["hello"][..]),
        ("3", &["hel", "lo"]),
        ("9", &["hello"]),
        ("5", &["hel", "lo!"]),
        ("1", &[""]),
        ("0", &["x"]),
        ("0", &["", "x"]),
    ] {
        // All at once, and so slowly that the request could have gone on before what is wrong with it comes.
        for pause in [Duration::ZERO, Duration::from_millis(150)] {
            let outcome = state_and_send(&scene, stated, pieces, pause).await;
            assert!(outcome.is_refusal() || matches!(outcome, Outcome::Answered(502)), "{stated} {pieces:?}: {outcome:?}");
            // The backend never gets a whole request out of it.
            assert!(scene.upstream.requests().is_empty(), "{stated} {pieces:?}: {:?}", scene.upstream.requests());
        }
    }
    // What is right arrives, also where the end comes by itself.
    for (index, (stated, pieces)) in [("5", &["hel", "lo"][..]), ("5", &["hel", "lo", ""]), ("0", &[""])].into_iter().enumerate() {
        let outcome = state_and_send(&scene, stated, pieces, Duration::from_millis(50)).await;
        assert_eq!(outcome, Outcome::Answered(200), "{stated} {pieces:?}");
        assert_eq!(text(&scene.upstream.requests()[index].content), pieces.concat());
    }
}

/// A request over a connection of its own, whose content comes in pieces.
async fn state_and_send(scene: &Scene, stated: &str, pieces: &[&str], pause: Duration) -> Outcome {
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    frames.request(1, &[&POST[..], &[("content-length", stated)]].concat(), 0).await;
    for (index, piece) in pieces.iter().enumerate() {
        tokio::time::sleep(pause).await;
        let flags = if index + 1 == pieces.len() { END_STREAM } else { 0 };
        // The gateway may have given the stream up by then.
        let _ = frames.try_send(DATA, flags, 1, piece.as_bytes()).await;
    }
    frames.outcome(1).await
}

#[tokio::test]
async fn t_47_floods() {
    let scene = Scene::bar("limits: { max_head_size: 16KiB, max_fields: 50 }\n").await;
    // Fields without end.
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    frames.send(HEADERS, END_STREAM, 1, &block(&GET)).await;
    let piece = block(&[("x", &"y".repeat(8000))]);
    let mut sent = 0;
    while sent < 1000 && frames.try_send(CONTINUATION, 0, 1, &piece).await.is_ok() {
        sent += 1;
    }
    assert!(frames.outcome(1).await.is_refusal(), "{sent} pieces");

    // Many crumbs of a cookie, each small.
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    let crumbs = [("cookie", "a=b"); 400];
    frames.request(1, &[&GET[..], &crumbs].concat(), END_STREAM).await;
    assert!(frames.outcome(1).await.is_refusal());

    // A header list that is larger than its limit.
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    let large = "y".repeat(12_000);
    frames.send(HEADERS, END_STREAM, 1, &block(&[&GET[..], &[("x", &large)]].concat())).await;
    // The gateway may have given the connection up by then.
    let _ = frames.try_send(CONTINUATION, END_HEADERS, 1, &block(&[("z", &large)])).await;
    assert!(frames.outcome(1).await.is_refusal());
    scene.upstream.assert_untouched();

    // And after all of these it serves.
    assert_eq!(scene.fetch("/public/x", "").await.status(), 200);
}

#[tokio::test]
async fn t_47_rapid_reset() {
    let scene = before(Reply::never()).await;
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    let mut sent = 0;
    for number in 0..5_000 {
        let stream = number * 2 + 1;
        let head = [HEADERS, END_HEADERS | END_STREAM];
        if frames.try_send(head[0], head[1], stream, &block(&GET)).await.is_err()
            || frames.try_send(RST_STREAM, 0, stream, &8_u32.to_be_bytes()).await.is_err()
        {
            break;
        }
        sent = number;
    }
    let code = frames.end().await;
    // ENHANCE_YOUR_CALM, or the connection was cut before it could be said.
    assert!(code.is_none_or(|code| code == 11), "{code:?} after {sent} resets");
    let other = RawClient::connect(scene.gateway.address()).await;
    drop(other);
    assert_eq!(scene.fetch("/bartender/x", "").await.status(), 401);
}

#[tokio::test]
async fn t_47_endless_empty_data() {
    let scene = Scene::bar("").await;
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    frames.request(1, &POST, 0).await;
    let mut sent = 0;
    while sent < 100_000 && frames.try_send(DATA, 0, 1, &[]).await.is_ok() {
        sent += 1;
    }
    let outcome = frames.outcome(1).await;
    assert!(outcome.is_refusal(), "{outcome:?} after {sent} frames");
    assert!(scene.upstream.requests().is_empty());
}

#[tokio::test]
async fn t_48_no_early_data() {
    let authority = Authority::new();
    let (certificate, key) = authority.certify(&["open.test"]);
    let config = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls: { certificate: "{keys}/open.pem", key: "{keys}/open.key" }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { path: / }, public: true, upstream: bar }
"#;
    let scene = Scene::with(Config::new(config).file("open.pem", &certificate).file("open.key", &key)).await;
    let mut client: ClientConfig = authority.client(&[]);
    client.enable_early_data = true;
    for resumed in [HandshakeKind::Full, HandshakeKind::Resumed] {
        // What a client would do with a ticket that allows early data: it would have a place to write it.
        let name = ServerName::try_from("open.test").unwrap();
        let mut next = ClientConnection::new(Arc::new(client.clone()), name).unwrap();
        assert!(next.early_data().is_none(), "the ticket allows early data");
        let stream = authority.connect_as(scene.gateway.address(), "open.test", client.clone()).await;
        let kind = stream.get_ref().1.handshake_kind();
        let mut client = RawClient::over(stream);
        client.send("GET /x HTTP/1.1\r\nHost: open.test\r\n\r\n").await;
        assert_eq!(client.answer().await.status(), 200);
        assert_eq!(kind, Some(resumed));
    }
}

#[tokio::test]
async fn crumbs_of_a_cookie_go_on_as_one_field() {
    let scene = Scene::bar("").await;
    let mut client = crate::support::http2::Http2Client::connect(scene.gateway.address()).await;
    let answer = client.fetch("http://localhost/public/x", &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]).await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(scene.upstream.request().values("cookie"), ["a=1; b=2; c=3"]);
}
