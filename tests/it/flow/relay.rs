//! The short way of requests without content: what goes there is what would have gone Pingora's way, and so is the answer.

use crate::support::message::Fields;
use crate::support::{Config, Gateway, RawClient, Reply, Upstream, eventually, raw};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A field that only Pingora's way takes; it ends at the gateway.
const LONG_WAY: &str = "Keep-Alive: timeout=5\r\n";

fn config(upstream: &str) -> Config {
    config_under("", upstream)
}

fn config_under(settings: &str, upstream: &str) -> Config {
    Config::new(&format!(
        "{settings}\nupstreams:\n  bar: {{ {upstream} }}\nroutes:\n  - match: {{ path: / }}\n    public: true\n    upstream: bar\n  \
         - match: {{ path: /cut/ }}\n    public: true\n    rewrite: strip_prefix\n    upstream: bar\n"
    ))
}

async fn before(reply: Reply) -> (Gateway, Upstream) {
    before_with(reply, "").await
}

async fn before_with(reply: Reply, settings: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::always(reply).await;
    let gateway = config(&format!("servers: [\"{}\"]{settings}", upstream.address())).start().await;
    (gateway, upstream)
}

/// A connection on which requests follow one another.
async fn client(gateway: &Gateway) -> RawClient {
    RawClient::connect(gateway.address()).await
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What the backend got, but for the name that each request has of its own.
fn told(upstream: &Upstream) -> (String, Fields) {
    let request = upstream.requests().pop().unwrap();
    let mut fields: Fields = request.fields.iter().filter(|(name, _)| name != "X-Request-Id").cloned().collect();
    fields.sort();
    (request.start, fields)
}

#[tokio::test]
async fn both_ways_tell_the_backend_the_same() {
    let (gateway, upstream) = before(Reply::ok()).await;
    let spoofed = "X-Auth-Request-User: eve\r\nx_forwarded_for: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";
    let heads = [
        ("GET / HTTP/1.1", ""),
        ("GET /a/b?c=d&e HTTP/1.1", "aCCepT: */*\r\nX-Many: 1\r\nX-Many: 2\r\nx-many: 3\r\nX-Empty:\r\nX-Spaces:   a  b  \r\n"),
        ("DELETE /cut/x?y=%20z HTTP/1.1", "X-Text: caf\u{e9}\r\nIf-None-Match: \"a\"\r\n"),
        ("POST / HTTP/1.1", "Content-Length: 0\r\nContent-Type: text/plain\r\n"),
        ("OPTIONS / HTTP/1.1", "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n"),
        ("GET http://localhost/whole?q HTTP/1.1", "Connection: keep-alive\r\n"),
        ("GET / HTTP/1.1", spoofed),
        ("GET / HTTP/1.1", "X-Request-Id: mine\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"),
        ("GET / HTTP/1.1", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n"),
        ("GET / HTTP/1.1", "traceparent: broken\r\ntracestate: a=b\r\nExpect: 100-continue\r\n"),
        ("GET / HTTP/1.1", "Cookie: a=b; c=d\r\n"),
        ("GET / HTTP/1.1", "Cookie: a=b\r\nCookie: c=d\r\n"),
        ("M-SEARCH / HTTP/1.1", "Host-Is: x\r\n"),
        ("POST / HTTP/1.1", "Content-Length: 4\r\nExpect: 100-continue\r\n"),
        ("PUT /cut/x HTTP/1.1", "Content-Length: 4\r\nContent-Type: text/plain\r\n"),
    ];
    for (line, fields) in heads {
        let content = if fields.contains("Content-Length: 4") { "beer" } else { "" };
        let ask = |way: &str| raw::ask(gateway.address(), format!("{line}\r\nHost: localhost\r\n{fields}{way}\r\n{content}"));
        assert_eq!(ask("").await.text(), "ok", "{line} {fields}");
        let short = told(&upstream);
        assert_eq!(ask(LONG_WAY).await.text(), "ok", "{line} {fields}");
        assert_eq!(short, told(&upstream), "{line} {fields}");
    }
}

#[tokio::test]
async fn both_ways_tell_the_client_the_same() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Many: 1\r\nx-many: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\nServer: bar\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 503 Out of beer\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ];
    for answer in answers {
        let (gateway, _upstream) = before(Reply::of(answer)).await;
        let mut both = Vec::new();
        for way in ["", LONG_WAY] {
            let mut client = client(&gateway).await;
            client.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{way}\r\n")).await;
            let answers = client.all_answers().await;
            let seen = |name: &str| !name.eq_ignore_ascii_case("date");
            let fields = |fields: &Fields| fields.iter().filter(|(name, _)| seen(name)).cloned().collect::<Fields>();
            both.push(answers.iter().map(|answer| (answer.start.clone(), fields(&answer.fields), answer.text())).collect::<Vec<_>>());
        }
        assert_eq!(both[0], both[1], "{answer}");
        assert!(!both[0].is_empty());
    }
}

#[tokio::test]
async fn an_answer_to_head_has_no_content_and_the_connection_goes_on() {
    let (gateway, _upstream) = before(Reply::of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")).await;
    let mut client = client(&gateway).await;
    for _ in 0..2 {
        client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(client.answer_head().await.unwrap().field("content-length"), Some("5"));
    }
}

#[tokio::test]
async fn what_ends_with_its_connection_goes_on_in_chunks() {
    let (gateway, upstream) = before(Reply::of("HTTP/1.1 200 OK\r\n\r\nuntil the end").cut()).await;
    let mut client = client(&gateway).await;
    for count in 1..=2 {
        client.send(GET).await;
        let answer = client.answer().await;
        assert_eq!((answer.text().as_str(), answer.field("transfer-encoding")), ("until the end", Some("chunked")));
        assert_eq!(upstream.heard().len(), count, "a connection for each request");
    }
}

#[tokio::test]
async fn an_answer_comes_piece_by_piece_as_it_is_sent() {
    let (_gateway, mut client, mut server) = asked("").await;
    server.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    assert_eq!(client.answer_head().await.unwrap().status(), 200);
    for piece in ["first", "second", "third"] {
        server.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await.unwrap();
        let sent = format!("{:X}\r\n{piece}\r\n", piece.len());
        assert_eq!(client.octets(sent.len()).await, sent.as_bytes());
    }
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let content = "0123456789abcdef".repeat(64 * 1024);
    let (gateway, _upstream) = before(Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}", content.len()))).await;
    let mut client = client(&gateway).await;
    for _ in 0..3 {
        client.send(GET).await;
        assert!(client.answer().await.text() == content);
    }
}

/// A server that has heard a request, and what it was heard on.
async fn asked(lines: &str) -> (Gateway, RawClient, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = config(&format!("servers: [\"{}\"]", listener.local_addr().unwrap())).start().await;
    let mut client = client(&gateway).await;
    client.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")).await;
    let (mut server, _) = listener.accept().await.unwrap();
    assert_ne!(server.read(&mut [0; 4096]).await.unwrap(), 0);
    (gateway, client, server)
}

/// A server that knows nothing yet, and a client that has sent the head of a request with content.
async fn announced(settings: &str, length: usize) -> (Gateway, RawClient, TcpListener) {
    announced_with("", settings, length).await
}

async fn announced_with(lines: &str, settings: &str, length: usize) -> (Gateway, RawClient, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = config_under(settings, &format!("servers: [\"{}\"]", listener.local_addr().unwrap())).start().await;
    let mut client = client(&gateway).await;
    client.send(format!("POST / HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {length}\r\n\r\n")).await;
    (gateway, client, listener)
}

#[tokio::test]
async fn a_little_content_is_here_before_its_server_hears_of_it() {
    let (_gateway, mut client, listener) = announced("", 64 << 10).await;
    let (first, last) = (vec![b'a'; 60 << 10], vec![b'b'; 4 << 10]);
    client.send(&first).await;
    let early = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
    assert!(early.is_err(), "the server is not held by a client that takes its time");
    client.send(&last).await;
    let (mut server, _) = listener.accept().await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(&last) {
        assert_ne!(server.read_buf(&mut heard).await.unwrap(), 0);
    }
    assert!(heard.ends_with(&[first, last].concat()));
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(client.answer().await.text(), "ok");
}

#[tokio::test]
async fn content_that_is_large_or_has_no_room_goes_on_as_it_comes() {
    for (settings, length) in [("", (64 << 10) + 1), ("limits: { max_body_memory: 1KiB }", 2048), ("limits: { spool_after: 1KiB }", 2048)] {
        let (_gateway, mut client, listener) = announced(settings, length).await;
        let (mut server, _) = listener.accept().await.unwrap();
        client.send(vec![b'a'; length]).await;
        let mut heard = Vec::new();
        while heard.iter().filter(|octet| **octet == b'a').count() < length {
            assert_ne!(server.read_buf(&mut heard).await.unwrap(), 0, "{settings}");
        }
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        assert_eq!(client.answer().await.text(), "ok", "{settings}");
    }
}

#[tokio::test]
async fn a_little_content_that_is_slow_or_broken_off_reaches_no_server() {
    let (gateway, mut client, listener) = announced("limits: { body_timeout: 300ms }", 10).await;
    client.send("half").await;
    assert_eq!(client.answer().await.status(), 408);
    gateway.access_line(|line| line["status"] == 408).await;
    let (gateway, mut client, other) = announced("", 10).await;
    client.send("half").await;
    drop(client);
    gateway.access_line(|line| line["status"] == 0).await;
    let (gateway, mut client, third) = announced_with("Expect: 100-continue\r\n", "", 10).await;
    assert_eq!(client.answer_head().await.unwrap().status(), 100);
    drop(client);
    gateway.access_line(|line| line["status"] == 0).await;
    for listener in [listener, other, third] {
        assert!(tokio::time::timeout(Duration::from_millis(100), listener.accept()).await.is_err());
    }
}

#[tokio::test]
async fn content_is_forgotten_when_its_answer_has_begun() {
    let (gateway, mut client, listener) = announced("", 2000).await;
    let waiting = "portcullis_spool_memory_bytes";
    client.send(vec![b'a'; 1000]).await;
    gateway.metric_exceeds(waiting, 2000.0).await;
    client.send(vec![b'a'; 1000]).await;
    let (mut server, _) = listener.accept().await.unwrap();
    server.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n").await.unwrap();
    assert_eq!(client.answer_head().await.unwrap().status(), 200);
    gateway.metric_becomes(waiting, 0.0).await;
}

#[tokio::test]
async fn half_of_the_memory_is_left_to_contents_that_must_wait() {
    let (gateway, first, listener) = announced("limits: { max_body_memory: 100KiB, max_spool_size: 0B }", 40_000).await;
    gateway.metric_exceeds("portcullis_spool_memory_bytes", 40_000.0).await;
    let mut second = client(&gateway).await;
    second.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n\r\n").await;
    // It goes on as it comes.
    let (mut server, _) = listener.accept().await.unwrap();
    second.send(vec![b'a'; 40_000]).await;
    let mut heard = Vec::new();
    while heard.iter().filter(|octet| **octet == b'a').count() < 40_000 {
        assert_ne!(server.read_buf(&mut heard).await.unwrap(), 0);
    }
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(second.answer().await.text(), "ok");
    drop(first);
    gateway.metric_becomes("portcullis_spool_memory_bytes", 0.0).await;
}

#[tokio::test]
async fn a_request_to_switch_protocols_may_have_content() {
    let switch =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let (gateway, upstream) =
        before(Reply::of("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")).await;
    let mut client = client(&gateway).await;
    client.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{switch}Content-Length: 5\r\n\r\nhello")).await;
    assert_eq!(client.answer_head().await.unwrap().status(), 101);
    assert_eq!(upstream.requests().len(), 1);
}

/// Waits until the other end is closed.
async fn is_over(server: &mut TcpStream) {
    let end = tokio::time::timeout(Duration::from_secs(10), server.read(&mut [0; 16])).await;
    assert_eq!(end.expect("the gateway closes its side").unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_that_leaves_ends_what_it_asked_for() {
    let (gateway, client, mut server) = asked("").await;
    drop(client);
    is_over(&mut server).await;
    gateway.access_line(|line| line["status"] == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_an_answer_ends_it() {
    for way in [LONG_WAY, ""] {
        let (_gateway, mut client, mut server) = asked(way).await;
        server.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n").await.unwrap();
        assert_eq!(client.answer_head().await.unwrap().status(), 200);
        drop(client);
        is_over(&mut server).await;
    }
}

#[tokio::test]
async fn an_answer_that_stops_is_broken_off_after_read_timeout() {
    let (gateway, upstream) = before_with(Reply::of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), ", read_timeout: 300ms").await;
    let mut client = client(&gateway).await;
    client.send(GET).await;
    assert_eq!(client.next_answer().await.unwrap().text(), "half");
    assert_eq!(client.rest().await, b"");
    eventually("the end of the connection to the server", || (upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn the_time_for_one_answer_does_not_end_the_next() {
    let (gateway, _upstream) = before_with(Reply::ok().after(Duration::from_millis(350)), ", read_timeout: 600ms").await;
    let mut client = client(&gateway).await;
    for _ in 0..4 {
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 200);
    }
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_not_asked_again() {
    let (gateway, upstream) = before(Reply::ok().cut()).await;
    let mut client = client(&gateway).await;
    for count in 1..=3 {
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 200);
        assert_eq!(upstream.requests().len(), count);
    }
}

#[tokio::test]
async fn a_second_answer_to_one_request_reaches_nobody() {
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let (gateway, upstream) = before(Reply::of(two)).await;
    let mut client = client(&gateway).await;
    for count in 1..=3 {
        client.send(GET).await;
        assert_eq!(client.answer().await.text(), "ok");
        assert_eq!(upstream.heard().len(), count, "a connection for each request");
    }
}

#[tokio::test]
async fn idle_connections_to_servers_are_closed_after_idle_timeout() {
    let (gateway, upstream) = before_with(Reply::ok(), ", idle_timeout: 400ms").await;
    assert_eq!(raw::fetch(gateway.address(), "/", "").await.status(), 200);
    assert_eq!(upstream.ended(), 0);
    eventually("the end of an idle connection", || (upstream.ended() == 1).then_some(())).await;
    assert_eq!(raw::fetch(gateway.address(), "/", "").await.status(), 200);
}

/// Answers every request on every connection with these pieces, each in a packet of its own.
async fn in_pieces(pieces: &'static [&'static str]) -> (Gateway, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = config(&format!("servers: [\"{}\"]", listener.local_addr().unwrap())).start().await;
    let serving = tokio::spawn(async move {
        while let Ok((mut server, _)) = listener.accept().await {
            server.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                while server.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    for piece in pieces {
                        server.write_all(piece.as_bytes()).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(15)).await;
                    }
                }
            });
        }
    });
    (gateway, serving)
}

#[tokio::test]
async fn chunks_may_come_in_any_pieces() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let shapes: [&[&str]; 10] = [
        &[HEAD, "3\r\n", "abc\r\n3\r\ndef\r\n0\r\n\r\n"],
        &[HEAD, "3\r\nabc\r\n", "3\r\n", "def\r\n", "0\r\n\r\n"],
        &[HEAD, "3", "\r\nabc", "\r\n", "3\r", "\ndef\r\n0\r\n\r\n"],
        &[HEAD, "3\r\nabc\r\n3\r\ndef\r\n", "0\r\n", "\r\n"],
        &[HEAD, "3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: 1\r\n\r\n"],
        &[HEAD, "3\r\nabc\r\n3\r\ndef\r\n0\r\n", "X-T: 1\r\n", "\r\n"],
        &[HEAD, "6;a=b\r\n", "a", "b", "c", "d", "e", "f", "\r", "\n", "0", "\r", "\n", "\r", "\n"],
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n", "abc\r\n3\r\ndef\r\n0\r\n\r\n"],
        &["HTTP/1.1 200 ", "OK\r\nTransfer-Encoding: chunked\r\n\r", "\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "a", "bcde", "f"],
    ];
    for shape in shapes {
        let (gateway, serving) = in_pieces(shape).await;
        let mut client = client(&gateway).await;
        for _ in 0..3 {
            client.send(GET).await;
            assert_eq!(client.answer().await.text(), "abcdef", "{shape:?}");
        }
        assert!(client.is_silent_for(Duration::from_millis(50)).await, "{shape:?}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_server_may_take_almost_all_of_its_time() {
    let (gateway, _upstream) = before_with(Reply::ok().after(Duration::from_millis(80)), ", read_timeout: 100ms, retries: 0").await;
    let mut client = client(&gateway).await;
    for _ in 0..40 {
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 200);
    }
}

#[tokio::test]
async fn interim_answers_are_not_counted() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (gateway, _upstream) = before(Reply::of(format!("{interim}{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))).await;
    for (count, way) in [(1.0, ""), (2.0, LONG_WAY)] {
        let answers = raw_answers(&gateway, way).await;
        assert_eq!(answers, [103, 103, 200]);
        gateway.metric_becomes("portcullis_upstream_requests_total{upstream=\"bar\",outcome=\"answered\"}", count).await;
    }
}

async fn raw_answers(gateway: &Gateway, way: &str) -> Vec<u16> {
    let mut client = client(gateway).await;
    client.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{way}\r\n")).await;
    client.all_answers().await.iter().map(crate::support::message::Message::status).collect()
}

#[tokio::test]
async fn who_waits_to_be_told_to_go_on_is_told_and_nobody_else() {
    let (gateway, _upstream) = before(Reply::ok()).await;
    for (version, expectation, told) in [
        ("1.1", "100-continue", true),
        ("1.1", "100-Continue", true),
        ("1.1", "something, 100-continue;q=1", true),
        ("1.1", "something-else", false),
        ("1.1", "", false),
        ("1.0", "100-continue", false),
    ] {
        let mut client = client(&gateway).await;
        let lines = format!("Host: localhost\r\nExpect: {expectation}\r\nContent-Length: 4\r\n\r\nbeer");
        client.send(format!("POST / HTTP/{version}\r\n{lines}")).await;
        let interim = client.next_answer().await.unwrap().status() == 100;
        assert_eq!(interim, told, "HTTP/{version} {expectation}");
        if interim {
            assert_eq!(client.answer().await.text(), "ok");
            client.send(GET).await;
            assert_eq!(client.answer().await.text(), "ok", "the connection goes on");
        }
    }
}

#[tokio::test]
async fn clients_hear_the_version_of_the_gateway_and_not_that_of_the_server() {
    let (gateway, _upstream) = before(Reply::of("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok").cut()).await;
    for way in ["", LONG_WAY] {
        for version in ["1.0", "1.1"] {
            let answer = raw::ask(gateway.address(), format!("GET / HTTP/{version}\r\nHost: localhost\r\n{way}\r\n")).await;
            assert_eq!((&*answer.start, &*answer.text()), ("HTTP/1.1 200 OK", "ok"), "{way} {version}");
        }
    }
}
