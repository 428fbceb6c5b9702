//! Requests that a client sends before it has heard the answer to the one before (RFC 9112 §9.3.2).

use crate::support::{Config, Gateway, RawClient, Reply, Token, Upstream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

async fn scene(upstream: Upstream) -> (Gateway, Upstream) {
    let text = "schemes:\n  bar: { wrap: { issuers: [{ name: \"{issuer}\", key_file: \"{keys}/bouncer.b64\" }], audience: \"{audience}\" } }\n\
         upstreams:\n  bar: { servers: [\"{upstream}\"] }\nroutes:\n  - { match: { path: / }, public: true, upstream: bar }\n  \
         - { match: { path: /bar/ }, authenticate: bar, upstream: bar, identity: { preset: auth-request } }\n";
    (Config::new(text).upstream(&upstream).start().await, upstream)
}

/// A backend that answers with the target, and as long as there is a gate, when it opens.
async fn parrot(gate: Option<Arc<Notify>>) -> Upstream {
    Upstream::answering(move |request| {
        let target = request.target();
        let reply = Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}", target.len()));
        gate.iter().fold(reply, Reply::held_by)
    })
    .await
}

/// Four requests, one after the other; `line` decides which way they go.
fn four(line: &str) -> Vec<String> {
    vec![
        format!("GET /1 HTTP/1.1\r\nHost: localhost\r\n{line}\r\n"),
        format!("POST /2 HTTP/1.1\r\nHost: localhost\r\n{line}Content-Length: 5\r\n\r\nhello"),
        format!("PUT /3 HTTP/1.1\r\nHost: localhost\r\n{line}Transfer-Encoding: chunked\r\n\r\n5\r\nthere\r\n0\r\n\r\n"),
        format!("GET /4 HTTP/1.1\r\nHost: localhost\r\n{line}Connection: close\r\n\r\n"),
    ]
}

/// Nothing, and a field that keeps a request from the short way.
const WAYS: [&str; 2] = ["", "Keep-Alive: timeout=5\r\n"];

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let (gateway, upstream) = scene(parrot(None).await).await;
    for way in WAYS {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(four(way).concat()).await;
        let answers = client.all_answers().await;
        let told: Vec<_> = answers.iter().map(|answer| (answer.status(), answer.text())).collect();
        assert_eq!(told, ["/1", "/2", "/3", "/4"].map(|target| (200, target.to_owned())), "{way}");
    }
    let contents: Vec<_> = upstream.requests().iter().map(|request| request.text()).collect();
    assert_eq!(contents, ["", "hello", "there", "", "", "hello", "there", ""]);
}

#[tokio::test]
async fn requests_that_come_while_a_server_has_one_wait_for_their_turn() {
    for way in WAYS {
        let gate = Arc::new(Notify::new());
        let (gateway, upstream) = scene(parrot(Some(Arc::clone(&gate))).await).await;
        let mut client = RawClient::connect(gateway.address()).await;
        for (place, request) in four(way).iter().enumerate() {
            // Octet by octet, so that the next one is cut everywhere while the one before waits.
            for octet in request.as_bytes() {
                client.send([*octet]).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(upstream.requests_come(1).await.len(), 1, "{way} {place}");
        }
        for place in 1..=4 {
            upstream.requests_come(place).await;
            gate.notify_one();
            assert_eq!(client.answer().await.text(), format!("/{place}"), "{way}");
        }
        assert!(client.all_answers().await.is_empty());
    }
}

#[tokio::test]
async fn each_is_judged_by_itself() {
    let (gateway, upstream) = scene(parrot(None).await).await;
    let mut client = RawClient::connect(gateway.address()).await;
    let proved = format!("GET /bar/1 HTTP/1.1\r\nHost: localhost\r\n{}\r\n", Token::of("alice").authorization());
    let bare = "POST /bar/2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\nGET /bar/smuggled HTTP/1.1\r\n\r\n";
    let doubled = "GET /bar/4 HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n";
    client.send([&*proved, bare, &*proved.replace("/bar/1", "/bar/3"), doubled, &*proved].concat()).await;
    let statuses: Vec<_> = client.all_answers().await.iter().map(|answer| answer.status()).collect();
    assert_eq!(statuses, [200, 401, 200, 400], "what follows a head that cannot be read is nobody's");
    let targets: Vec<_> = upstream.requests().iter().map(|request| request.target().to_owned()).collect();
    assert_eq!(targets, ["/bar/1", "/bar/3"]);
}
