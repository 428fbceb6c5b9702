//! Upstreams: who gets a request, what happens when a server fails, and how servers are reached.

use crate::support::certificates::Authority;
use crate::support::http2::{Http2Client, Http2Upstream};
use crate::support::message::Message;
use crate::support::secure_upstream::{Heard, SecureUpstream};
use crate::support::witness::{Answer, Version, Witness};
use crate::support::{Config, Gateway, RawClient, Reply, Upstream, eventually, ports, raw};
use portcullis::crypto::sha256;
use std::net::SocketAddr;
use std::time::Duration;

/// A public route to an upstream with these settings; content may have 1,000 octets.
fn bar(upstream: &str) -> Config {
    Config::new(&format!(
        "limits: {{ max_body_size: 1000 }}\nupstreams:\n  bar: {{ {upstream} }}\nroutes:\n  - name: bar\n    match: {{ path: / }}\n    public: true\n    upstream: bar\n"
    ))
}

/// Servers as the configuration lists them.
fn servers(addresses: &[SocketAddr]) -> String {
    let quoted: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    format!("servers: [{}]", quoted.join(", "))
}

async fn fetch(gateway: &Gateway) -> Message {
    raw::fetch(gateway.address(), "/", "").await
}

async fn ask(gateway: &Gateway, method: &str, content: &str) -> Message {
    let length = content.len();
    raw::ask(gateway.address(), format!("{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{content}")).await
}

/// An address that accepts connections and never serves them.
struct Silence(#[allow(dead_code, reason = "held open")] std::net::TcpListener, SocketAddr);

impl Silence {
    fn start() -> Self {
        let address = ports::free();
        Self(std::net::TcpListener::bind(address).unwrap(), address)
    }
}

#[tokio::test]
async fn requests_take_turns_by_weight() {
    let (heavy, light) = (Upstream::start().await, Upstream::start().await);
    let both = format!("servers: [{{ address: \"{}\", weight: 3 }}, \"{}\"]", heavy.address(), light.address());
    let gateway = bar(&both).start().await;
    for _ in 0..16 {
        assert_eq!(fetch(&gateway).await.status(), 200);
    }
    assert_eq!((heavy.requests().len(), light.requests().len()), (12, 4));
}

#[tokio::test]
async fn the_least_busy_server_is_chosen() {
    let busy = Upstream::answering(|head| if head.target() == "/slow" { Reply::never() } else { Reply::ok() }).await;
    let idle = Upstream::answering(|head| if head.target() == "/slow" { Reply::never() } else { Reply::ok() }).await;
    let gateway = bar(&format!("{}, balance: least_connections", servers(&[busy.address(), idle.address()]))).start().await;
    let mut slow = RawClient::connect(gateway.address()).await;
    slow.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let (busy, idle) = eventually("the slow request at a server", || {
        let came = |upstream: &Upstream| !upstream.heard().is_empty();
        if came(&busy) { Some((&busy, &idle)) } else { came(&idle).then_some((&idle, &busy)) }
    })
    .await;
    for _ in 0..8 {
        assert_eq!(fetch(&gateway).await.status(), 200);
    }
    let slow_only = busy.heard_text();
    assert_eq!(slow_only.matches("GET /").count(), 1, "{slow_only}");
    assert_eq!(idle.requests().len(), 8);
}

#[tokio::test]
async fn a_server_that_dies_gets_no_more_requests_until_it_recovers() {
    let (steady, address) = (Upstream::start().await, ports::free());
    let shaky = Upstream::listening_on(address, |_| Reply::ok()).await;
    let checks = "health_check: { path: /healthz, interval: 200ms, unhealthy_after: 2 }, retries: 0";
    let gateway = bar(&format!("{}, {checks}", servers(&[steady.address(), address]))).start().await;
    let healthy = format!("portcullis_upstream_server_healthy{{upstream=\"bar\",server=\"{address}\"}}");
    gateway.metric_becomes(&healthy, 1.0).await;
    assert!(!shaky.requests_come(1).await.is_empty(), "checks come");

    drop(shaky);
    gateway.metric_becomes(&healthy, 0.0).await;
    let changed = gateway.audit_line(|event| event["event"] == "upstream_health_changed").await;
    assert_eq!((&changed["health"], &changed["server"]), (&"unhealthy".into(), &address.to_string().into()));
    assert_eq!((&changed["level"], &changed["reason"]), (&"WARN".into(), &"connection refused".into()));
    for _ in 0..6 {
        assert_eq!(fetch(&gateway).await.status(), 200);
    }

    let recovered = Upstream::listening_on(address, |_| Reply::ok()).await;
    gateway.metric_becomes(&healthy, 1.0).await;
    for _ in 0..4 {
        assert_eq!(fetch(&gateway).await.status(), 200);
    }
    let ours = |upstream: &Upstream| upstream.requests().iter().filter(|request| request.target() == "/").count();
    assert_eq!((ours(&steady), ours(&recovered)), (8, 2));
    let back = gateway.audit_line(|event| event["event"] == "upstream_health_changed" && event["health"] == "healthy").await;
    assert_eq!((&back["level"], &back["reason"]), (&"INFO".into(), &"answered as it must".into()));
    let changes = gateway.log_lines().iter().filter(|line| line.contains("upstream_health_changed")).count();
    assert_eq!(changes, 2, "a line per change, and none per check");
}

#[tokio::test]
async fn a_server_whose_check_is_not_answered_200_is_unwell() {
    let unwell = Upstream::answering(|head| match head.target() {
        "/healthz" => Reply::of("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
        _ => Reply::ok(),
    });
    let unwell = unwell.await;
    let checks = "health_check: { path: /healthz, interval: 200ms, unhealthy_after: 1 }";
    let gateway = bar(&format!("{}, {checks}", servers(&[unwell.address()]))).start().await;
    gateway.metric_becomes(&format!("portcullis_upstream_server_healthy{{upstream=\"bar\",server=\"{}\"}}", unwell.address()), 0.0).await;
    let changed = gateway.audit_line(|event| event["event"] == "upstream_health_changed").await;
    assert_eq!(changed["reason"], "status 500 where 200 was expected");
    assert_eq!(fetch(&gateway).await.status(), 503);
    gateway.access_line(|line| line["reason"] == "no_healthy_server").await;
}

#[tokio::test]
async fn an_idempotent_request_goes_to_the_next_server_when_the_first_refuses() {
    for method in ["GET", "PUT", "DELETE"] {
        let healthy = Upstream::start().await;
        let gateway = bar(&servers(&[ports::free(), healthy.address()])).start().await;
        assert_eq!(ask(&gateway, method, "abc").await.status(), 200, "{method}");
        assert_eq!(healthy.request().text(), "abc", "{method}");
        assert_eq!(gateway.access_line(|line| line["status"] == 200).await["attempts"], 2);
        gateway.metric_becomes("portcullis_upstream_retries_total{upstream=\"bar\"}", 1.0).await;
    }
}

#[tokio::test]
async fn a_request_that_is_not_idempotent_is_never_sent_twice_when_the_first_server_refuses() {
    for method in ["POST", "PATCH"] {
        let healthy = Upstream::start().await;
        let gateway = bar(&servers(&[ports::free(), healthy.address()])).start().await;
        assert_eq!(ask(&gateway, method, "abc").await.status(), 502, "{method}");
        healthy.assert_untouched();
        let refused = |line: &serde_json::Value| line["reason"] == "upstream_connect" && line["found"] == "connection refused";
        gateway.access_line(|line| refused(line) && line["attempts"] == 1).await;
    }
}

#[tokio::test]
async fn an_idempotent_request_goes_to_the_next_server_when_the_first_cuts() {
    let (cutting, healthy) = (Upstream::always(Reply::of("").cut()).await, Upstream::start().await);
    let gateway = bar(&servers(&[cutting.address(), healthy.address()])).start().await;
    assert_eq!(ask(&gateway, "PUT", "abc").await.status(), 200);
    assert_eq!((cutting.request().text(), healthy.request().text()), ("abc".to_owned(), "abc".to_owned()));
}

#[tokio::test]
async fn a_content_that_is_sent_again_counts_once() {
    let (cutting, healthy) = (Upstream::always(Reply::of("").cut()).await, Upstream::start().await);
    let config = bar(&servers(&[cutting.address(), healthy.address()]));
    let gateway = config.start().await;
    assert_eq!(ask(&gateway, "PUT", &"x".repeat(1000)).await.status(), 200);
    assert_eq!(healthy.request().content.len(), 1000);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let half = Upstream::always(Reply::of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").cut()).await;
    let healthy = Upstream::start().await;
    let gateway = bar(&servers(&[half.address(), healthy.address()])).start().await;
    let mut client = RawClient::connect(gateway.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = client.next_answer().await.unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "half"));
    healthy.assert_untouched();
}

#[tokio::test]
async fn a_request_that_is_not_idempotent_is_never_sent_twice_when_the_first_server_cuts() {
    let (cutting, healthy) = (Upstream::always(Reply::of("").cut()).await, Upstream::start().await);
    let gateway = bar(&servers(&[cutting.address(), healthy.address()])).start().await;
    assert_eq!(ask(&gateway, "POST", "abc").await.status(), 502);
    assert_eq!(cutting.requests().len(), 1);
    healthy.assert_untouched();
    gateway.access_line(|line| line["reason"] == "upstream_response").await;
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_does_not_send_a_post_twice() {
    let upstream = Upstream::answering(|head| if head.method() == "GET" { Reply::ok() } else { Reply::of("").cut() }).await;
    let gateway = bar(&servers(&[upstream.address()])).start().await;
    assert_eq!(fetch(&gateway).await.status(), 200);
    assert_eq!(ask(&gateway, "POST", "abc").await.status(), 502);
    assert_eq!(upstream.requests().iter().filter(|request| request.method() == "POST").count(), 1);
}

#[tokio::test]
async fn retries_end_where_the_upstream_says() {
    let addresses = [ports::free(), ports::free(), ports::free()];
    let gateway = bar(&format!("{}, retries: 2", servers(&addresses))).start().await;
    assert_eq!(fetch(&gateway).await.status(), 502);
    assert_eq!(gateway.access_line(|line| line["status"] == 502).await["attempts"], 3);
    let gateway = bar(&format!("{}, retries: 0", servers(&addresses))).start().await;
    assert_eq!(fetch(&gateway).await.status(), 502);
    assert_eq!(gateway.access_line(|line| line["status"] == 502).await["attempts"], 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_a_504() {
    let silent = Upstream::always(Reply::never()).await;
    let gateway = bar(&format!("{}, read_timeout: 300ms, retries: 0", servers(&[silent.address()]))).start().await;
    assert_eq!(fetch(&gateway).await.status(), 504);
    assert_eq!(ask(&gateway, "POST", "abc").await.status(), 504);
    gateway.access_line(|line| line["reason"] == "upstream_timeout").await;
}

#[tokio::test]
async fn a_connection_that_does_not_stand_in_time_is_a_504() {
    // A server that accepts and never says a word lets no TLS connection come about.
    let silence = Silence::start();
    let tls = "tls: { server_name: bar.example, verify: none }, connect_timeout: 300ms, retries: 0";
    let gateway = bar(&format!("{}, {tls}", servers(&[silence.1]))).start().await;
    assert_eq!(fetch(&gateway).await.status(), 504);
    gateway.access_line(|line| line["reason"] == "upstream_timeout").await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_off_for_the_client_too() {
    let cutting = Upstream::always(Reply::of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").cut()).await;
    let gateway = bar(&servers(&[cutting.address()])).start().await;
    let mut client = RawClient::connect(gateway.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = client.next_answer().await.unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "half"));
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_server_may_speak_http2_in_clear_text() {
    let upstream = Http2Upstream::start().await;
    let gateway = bar(&format!("{}, protocol: http2", servers(&[upstream.address()]))).start().await;
    let answer = ask(&gateway, "POST", "abc").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
    let requests = upstream.requests();
    assert_eq!((requests.len(), requests[0].content.as_slice()), (1, &b"abc"[..]));
    assert_eq!(requests[0].head.method, "POST");
}

async fn secure(protocols: &[&[u8]], settings: &str) -> (SecureUpstream, Gateway) {
    let authority = Authority::new();
    let upstream = SecureUpstream::start(&authority, "bar.example", protocols).await;
    let config = bar(&format!("{}, {settings}", servers(&[upstream.address()]))).file("ca.pem", authority.pem());
    let gateway = config.file("other.pem", Authority::new().pem()).start().await;
    (upstream, gateway)
}

fn heard(protocol: &str, host: &str) -> Vec<Heard> {
    vec![Heard { protocol: protocol.to_owned(), server_name: "bar.example".to_owned(), host: host.to_owned() }]
}

#[tokio::test]
async fn a_server_behind_tls_is_reached_under_the_right_anchor() {
    let tls = "tls: { server_name: bar.example, ca_file: \"{keys}/ca.pem\" }";
    let (upstream, gateway) = secure(&[b"http/1.1"], tls).await;
    assert_eq!(fetch(&gateway).await.text(), "secure");
    assert_eq!(upstream.heard(), heard("http/1.1", "localhost"));
}

#[tokio::test]
async fn a_server_behind_tls_may_speak_http2() {
    for protocol in ["http2", "auto"] {
        let tls = format!("tls: {{ server_name: bar.example, ca_file: \"{{keys}}/ca.pem\" }}, protocol: {protocol}");
        let (upstream, gateway) = secure(&[b"h2", b"http/1.1"], &tls).await;
        assert_eq!(fetch(&gateway).await.text(), "secure");
        assert_eq!(upstream.heard(), heard("h2", "localhost"), "{protocol}");
    }
}

#[tokio::test]
async fn a_server_behind_tls_is_verified_unless_the_upstream_says_otherwise() {
    let distrusted = [
        "tls: { server_name: bar.example }",
        "tls: { server_name: bar.example, ca_file: \"{keys}/other.pem\" }",
        "tls: { server_name: other.example, ca_file: \"{keys}/ca.pem\" }",
    ];
    for tls in distrusted {
        let (upstream, gateway) = secure(&[b"http/1.1"], tls).await;
        assert_eq!(fetch(&gateway).await.status(), 502, "{tls}");
        assert!(upstream.heard().is_empty(), "{tls}");
        gateway.access_line(|line| line["reason"] == "upstream_connect" && line["found"] == "the TLS handshake failed").await;
    }
    let (upstream, gateway) = secure(&[b"http/1.1"], "tls: { server_name: bar.example, verify: none }").await;
    assert_eq!(fetch(&gateway).await.text(), "secure");
    assert_eq!(upstream.heard().len(), 1);
}

#[tokio::test]
async fn servers_see_the_clients_host_or_a_fixed_one() {
    let upstream = Upstream::start().await;
    let gateway = bar(&servers(&[upstream.address()])).start().await;
    assert_eq!(raw::ask(gateway.address(), "GET / HTTP/1.1\r\nHost: Bar.Example:8080\r\n\r\n").await.status(), 200);
    assert_eq!(upstream.request().field("host"), Some("bar.example:8080"));

    let upstream = Upstream::start().await;
    let gateway = bar(&format!("{}, host: {{ name: inner.example }}", servers(&[upstream.address()]))).start().await;
    assert_eq!(raw::ask(gateway.address(), "GET / HTTP/1.1\r\nHost: Bar.Example:8080\r\n\r\n").await.status(), 200);
    let request = upstream.request();
    assert_eq!((request.field("host"), request.field("x-forwarded-host")), (Some("inner.example"), Some("bar.example:8080")));

    let tls = "tls: { server_name: bar.example, ca_file: \"{keys}/ca.pem\" }, protocol: http2, host: { name: inner.example }";
    let (upstream, gateway) = secure(&[b"h2"], tls).await;
    assert_eq!(fetch(&gateway).await.text(), "secure");
    assert_eq!(upstream.heard(), heard("h2", "inner.example"));
}

#[tokio::test]
async fn connections_to_servers_are_kept_for_the_next_request() {
    let upstream = Upstream::always(Reply::ok().after(Duration::ZERO)).await;
    let gateway = bar(&servers(&[upstream.address()])).start().await;
    for _ in 0..10 {
        assert_eq!(fetch(&gateway).await.status(), 200);
    }
    assert!(upstream.heard().len() < 10, "{} connections for 10 requests", upstream.heard().len());
    assert_eq!(upstream.requests().len(), 10);
}

#[tokio::test]
async fn content_of_a_stated_length_arrives_whole_before_trailers() {
    for version in Version::ALL {
        let witness = Witness::start(version, Answer::Last).await;
        let routes = "routes:\n  - match: { path: / }\n    public: true\n    upstream: bar\n";
        let setting = format!("upstreams:\n  bar: {{ servers: [\"{}\"], {} }}\n{routes}", witness.address(), version.setting());
        let gateway = Config::new(&setting).start().await;
        let mut client = Http2Client::connect(gateway.address()).await;
        for content in [&b"0123456789"[..], &[b'x'; 50_000]] {
            let length = content.len().to_string();
            let fields = [("content-length", &*length)];
            let answer = client.ask("POST", "http://localhost/x", &fields, content, &[("x-check", "1")]).await.unwrap();
            assert_eq!(answer.status, 200, "{version:?} {length}");
            assert_eq!(witness.last().await.digest, sha256(content), "{version:?} {length}");
        }
    }
}
