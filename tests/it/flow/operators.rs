//! What operators see: figures that Prometheus takes, liveness and readiness, the lines of the logs.

use crate::support::http2::Http2Client;
use crate::support::programs::{Program, outcome, system};
use crate::support::{Config, Gateway, PATIENCE, Reply, Token, Upstream, ports, raw};
use portcullis::clock;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// The usual bar with health checks, so that every kind of figure has a value.
fn checked() -> Config {
    let checks = "{ servers: [\"{upstream}\"], retries: 0, health_check: { path: /healthz, interval: 200ms, unhealthy_after: 2 } }";
    Config::new(&crate::support::gateway::BAR.replace("{ servers: [\"{upstream}\"] }", checks))
}

async fn fetch(gateway: &Gateway, target: &str, lines: &str) -> u16 {
    raw::fetch(gateway.address(), target, lines).await.status()
}

/// Requests that are admitted, denied and refused, over both versions of HTTP.
async fn busy(gateway: &Gateway) {
    let authorization = Token::of("alice").authorization();
    for _ in 0..2 {
        assert_eq!(fetch(gateway, "/bartender/x", &authorization).await, 200);
    }
    assert_eq!(fetch(gateway, "/bartender/x", "").await, 401);
    assert_eq!(fetch(gateway, "/bartender/x", &Token::of("alice").expires_in(-1).authorization()).await, 401);
    assert_eq!(fetch(gateway, "/nowhere", "").await, 404);
    assert_eq!(fetch(gateway, "/public//x", "").await, 400);
    let mut client = Http2Client::connect(gateway.address()).await;
    assert_eq!(client.fetch("http://localhost/public/x", &[]).await.unwrap().status, 200);
}

/// What the API of a Prometheus answers; nothing while it is not up.
async fn api(to: SocketAddr, target: &str) -> Option<Value> {
    tokio::net::TcpStream::connect(to).await.ok()?;
    let answer = raw::fetch(to, target, "Connection: close\r\n").await;
    (answer.status() == 200).then(|| serde_json::from_str(&answer.text()).unwrap())
}

/// Waits until the API answers with something that satisfies.
async fn api_says(to: SocketAddr, target: &str, satisfies: impl Fn(&Value) -> bool) -> Value {
    let deadline = clock::instant() + 3 * PATIENCE;
    loop {
        let answer = api(to, target).await;
        match answer {
            Some(answer) if satisfies(&answer) => return answer,
            other => assert!(clock::instant() < deadline, "{target} is still answered with {other:#?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_real_prometheus_scrapes_the_gateway() {
    let upstream = Upstream::start().await;
    let gateway = checked().upstream(&upstream).start().await;
    busy(&gateway).await;
    let (folder, address) = (tempfile::tempdir().unwrap(), ports::free());
    let file = folder.path().join("prometheus.yaml");
    let scrape = format!(
        "scrape_configs: [{{ job_name: gateway, scrape_interval: 1s, static_configs: [{{ targets: [\"{}\"] }}] }}]\n",
        gateway.admin()
    );
    std::fs::write(&file, scrape).unwrap();
    let data = folder.path().join("data");
    let flags = [
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", data.display()),
        format!("--web.listen-address={address}"),
    ];
    let _prometheus = Program::start(system("prometheus").args(flags));

    let targets = api_says(address, "/api/v1/targets", |answer| answer["data"]["activeTargets"][0]["health"] == "up").await;
    assert_eq!(targets["data"]["activeTargets"][0]["lastError"], "");
    let there = |answer: &Value| answer["data"]["result"].as_array().is_some_and(|series| !series.is_empty());
    let query = "/api/v1/query?query=portcullis_requests_total%7Broute%3D%22bartender%22%2Ccode%3D%22200%22%7D";
    let answer = api_says(address, query, there).await;
    assert_eq!(answer["data"]["result"][0]["value"][1], "2", "{answer:#}");
    assert_eq!(answer["data"]["result"][0]["metric"]["method"], "GET");
    let quantile = "histogram_quantile(0.9,sum%20by(le)(portcullis_request_duration_seconds_bucket))";
    let answer = api_says(address, &format!("/api/v1/query?query={quantile}"), there).await;
    let value: f64 = answer["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!(value > 0.0, "{answer:#}");
}

#[tokio::test]
async fn promtool_finds_nothing_to_complain_about() {
    let upstream = Upstream::start().await;
    let gateway = checked().upstream(&upstream).start().await;
    busy(&gateway).await;
    drop(upstream);
    gateway.metric_becomes("portcullis_upstream_requests_total{upstream=\"bar\",outcome=\"answered\"}", 3.0).await;
    let (folder, metrics) = (tempfile::tempdir().unwrap(), gateway.metrics().await);
    assert!(metrics.contains("portcullis_requests_total{") && metrics.contains("portcullis_auth_duration_seconds_bucket{"));
    let file = folder.path().join("metrics");
    std::fs::write(&file, &metrics).unwrap();
    let promtool = system("promtool").get_program().to_owned();
    let checked = outcome(system("sh").arg("-c").arg("exec \"$1\" check metrics <\"$0\"").arg(&file).arg(promtool)).await;
    assert_eq!((checked.status.code(), checked.stdout.as_str(), checked.stderr.as_str()), (Some(0), "", ""), "{metrics}");
}

#[tokio::test]
async fn figures_have_bounded_labels_whatever_clients_send() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    for number in 0..50 {
        let request = format!("M{number} /public/{number} HTTP/1.1\r\nHost: h{number}.example\r\nUser-Agent: u{number}\r\n\r\n");
        assert_eq!(raw::ask(gateway.address(), request).await.status(), 200);
    }
    let counted = "portcullis_requests_total{route=\"public\",method=\"OTHER\",code=\"200\"}";
    gateway.metric_becomes(counted, 50.0).await;
    let metrics = gateway.metrics().await;
    for sent in ["M49", "h49.example", "u49", "/public/49"] {
        assert!(!metrics.contains(sent), "{sent} is in {metrics}");
    }
}

#[tokio::test]
async fn readiness_follows_the_health_of_upstreams_and_liveness_does_not() {
    let address = ports::free();
    let upstream = Upstream::listening_on(address, |_| Reply::ok()).await;
    let gateway = checked().upstream_at(address).start().await;
    let healthy = format!("portcullis_upstream_server_healthy{{upstream=\"bar\",server=\"{address}\"}}");
    let ready = gateway.ask_admin("/readyz").await;
    assert_eq!((ready.status(), ready.text().as_str()), (200, "ready\n"));
    drop(upstream);
    gateway.metric_becomes(&healthy, 0.0).await;
    let ready = gateway.ask_admin("/readyz").await;
    assert_eq!((ready.status(), ready.text().as_str()), (503, "upstream bar has no healthy server\n"));
    assert_eq!(gateway.ask_admin("/healthz").await.status(), 200);
    let _recovered = Upstream::listening_on(address, |_| Reply::ok()).await;
    gateway.metric_becomes(&healthy, 1.0).await;
    assert_eq!(gateway.ask_admin("/readyz").await.status(), 200);
}

#[tokio::test]
async fn the_operators_pages_are_on_their_own_listener_only() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    for target in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(fetch(&gateway, target, "").await, 404, "{target}");
        assert_eq!(gateway.ask_admin(target).await.status(), 200, "{target}");
    }
    assert_eq!(gateway.ask_admin("/public/x").await.status(), 404);
    assert_eq!(raw::ask(gateway.admin(), "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.status(), 405);
    upstream.assert_untouched();
    let content_type = gateway.ask_admin("/metrics").await;
    assert!(content_type.field("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
}

/// The names of the fields of a line, other than those that every line has.
fn names(line: &Value) -> BTreeSet<&str> {
    let every = ["timestamp", "level", "target"];
    line.as_object().unwrap().keys().map(String::as_str).filter(|name| !every.contains(name)).collect()
}

const ALWAYS: [&str; 14] = [
    "attempts",
    "client",
    "duration_seconds",
    "host",
    "method",
    "octets_received",
    "octets_sent",
    "path",
    "peer",
    "protocol",
    "request_id",
    "route",
    "scheme",
    "status",
];

#[tokio::test]
async fn the_access_log_has_a_line_per_request_with_these_fields() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    let lines = format!("User-Agent: thirsty/1.0\r\n{}", Token::of("alice").authorization());
    let head = format!("POST /bartender/a%20b?secret=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n{lines}\r\nhello");
    assert_eq!(raw::ask(gateway.address(), head).await.status(), 200);
    let line = gateway.access_line(|_| true).await;
    let proved = ["auth_profile", "auth_scheme", "issuer", "subject", "token", "upstream", "user_agent", "verdict_cache"];
    assert_eq!(names(&line), ALWAYS.into_iter().chain(proved).collect());
    let wanted = [
        ("method", "POST"),
        ("path", "/bartender/a%20b"),
        ("host", "localhost"),
        ("protocol", "HTTP/1.1"),
        ("scheme", "http"),
        ("route", "bartender"),
        ("subject", "alice"),
        ("auth_scheme", "bartender"),
        ("auth_profile", "swt"),
        ("verdict_cache", "miss"),
        ("user_agent", "thirsty/1.0"),
        ("client", "127.0.0.1"),
    ];
    for (name, value) in wanted {
        assert_eq!(line[name], value, "{name}");
    }
    let numbers = ["status", "octets_received", "octets_sent", "attempts"].map(|name| line[name].as_u64());
    assert_eq!(numbers, [Some(200), Some(5), Some(2), Some(1)]);
    assert_eq!(line["upstream"], upstream.address().to_string());
    assert!(line["duration_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(line["request_id"], upstream.request().field("x-request-id").unwrap());
    assert!(!gateway.log_lines().iter().any(|line| line.contains("secret")), "a query is in no log");

    assert_eq!(fetch(&gateway, "/bartender/again", &lines).await, 200);
    let line = gateway.access_line(|line| line["path"] == "/bartender/again").await;
    assert_eq!(line["verdict_cache"], "hit");

    assert_eq!(fetch(&gateway, "/bartender/x", "").await, 401);
    let line = gateway.access_line(|line| line["status"] == 401).await;
    assert_eq!(names(&line), ALWAYS.into_iter().chain(["denial", "reason"]).collect());
    assert_eq!((line["denial"].as_str(), line["reason"].as_str()), (Some("unauthenticated"), Some("credential_missing")));
    assert_eq!(line["attempts"], 0);
}

#[tokio::test]
async fn the_audit_log_tells_what_the_gateway_itself_did() {
    let upstream = Upstream::start().await;
    let gateway = checked().upstream(&upstream).start().await;
    let loaded = gateway.audit_line(|event| event["event"] == "config_loaded").await;
    assert_eq!((loaded["routes"].as_u64(), loaded["schemes"].as_u64()), (Some(2), Some(1)));
    let started = gateway.audit_line(|event| event["event"] == "server_started").await;
    assert_eq!((&started["listeners"], &started["version"]), (&gateway.address().to_string().into(), &env!("CARGO_PKG_VERSION").into()));
    assert!(started["admin"].as_str().is_some_and(|admin| admin.starts_with("127.0.0.1:")));
    drop(upstream);
    let unwell = gateway.audit_line(|event| event["event"] == "upstream_health_changed").await;
    assert_eq!((unwell["upstream"].as_str(), unwell["health"].as_str()), (Some("bar"), Some("unhealthy")));
    let (_, lines) = gateway.stop().await;
    assert!(lines.iter().any(|line| line.contains("\"server_stopping\"")));
}
