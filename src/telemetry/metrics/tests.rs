//! The figures as Prometheus sees them.

use super::*;
use http::Method;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

const ADMITTED: Judgement = Judgement { outcome: "admitted", reason: "", mode: "enforce" };
const EXPIRED: Judgement = Judgement { outcome: "rejected", reason: "expired", mode: "enforce" };

fn metrics() -> Metrics {
    let cpu_features = vec![CpuFeature { name: "aes", present: true }, CpuFeature { name: "sha", present: false }];
    Metrics::new(BuildFacts { version: "0.1.0", crypto: "trial", cpu_features }, UnixTime::from_seconds(1_700_000_000))
}

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.render(&Readings::default())).unwrap()
}

fn lines<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))).collect()
}

#[test]
fn a_route_has_requests_durations_and_decisions() {
    let metrics = metrics();
    let route = metrics.route("bar");
    route.record_request(&Method::GET, 200, Duration::from_millis(3));
    route.record_request(&Method::GET, 200, Duration::from_secs(60));
    route.record_request(&Method::POST, 401, Duration::ZERO);
    route.record_decision("bartender", ADMITTED);
    route.record_decision("bartender", EXPIRED);
    route.record_decision("partners", EXPIRED);
    route.record_decision("bartender", ADMITTED);
    let text = text(&metrics);
    let expected = [
        r#"portcullis_requests_total{route="bar",method="GET",code="200"} 2"#,
        r#"portcullis_requests_total{route="bar",method="POST",code="401"} 1"#,
    ];
    assert_eq!(lines(&text, "portcullis_requests_total"), expected);
    let expected = [
        r#"portcullis_auth_decisions_total{route="bar",scheme="bartender",outcome="admitted",reason="",mode="enforce"} 2"#,
        r#"portcullis_auth_decisions_total{route="bar",scheme="bartender",outcome="rejected",reason="expired",mode="enforce"} 1"#,
        r#"portcullis_auth_decisions_total{route="bar",scheme="partners",outcome="rejected",reason="expired",mode="enforce"} 1"#,
    ];
    assert_eq!(lines(&text, "portcullis_auth_decisions_total"), expected);
    for line in [
        r#"portcullis_request_duration_seconds_bucket{route="bar",le="0.0005"} 1"#,
        r#"portcullis_request_duration_seconds_bucket{route="bar",le="0.0025"} 1"#,
        r#"portcullis_request_duration_seconds_bucket{route="bar",le="0.005"} 2"#,
        r#"portcullis_request_duration_seconds_bucket{route="bar",le="30"} 2"#,
        r#"portcullis_request_duration_seconds_bucket{route="bar",le="+Inf"} 3"#,
        r#"portcullis_request_duration_seconds_sum{route="bar"} 60.003"#,
        r#"portcullis_request_duration_seconds_count{route="bar"} 3"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

#[test]
fn callers_cannot_invent_labels() {
    let metrics = metrics();
    let route = metrics.route("bar");
    for number in 0..200_u16 {
        let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
        route.record_request(&method, 200, Duration::ZERO);
        route.record_request(&Method::GET, 600 + number, Duration::ZERO);
    }
    for method in [Method::from_bytes(b"get").unwrap(), Method::from_bytes(b"OTHER").unwrap()] {
        route.record_request(&method, 200, Duration::ZERO);
    }
    route.record_request(&Method::PATCH, 0, Duration::ZERO);
    route.record_request(&Method::PATCH, 99, Duration::ZERO);
    let text = text(&metrics);
    let expected = [
        r#"portcullis_requests_total{route="bar",method="OTHER",code="200"} 202"#,
        r#"portcullis_requests_total{route="bar",method="GET",code="other"} 200"#,
        r#"portcullis_requests_total{route="bar",method="PATCH",code="other"} 2"#,
    ];
    assert_eq!(lines(&text, "portcullis_requests_total"), expected);
}

#[test]
fn figures_survive_a_reload() {
    let metrics = metrics();
    let before = metrics.route("bar");
    before.record_request(&Method::GET, 200, Duration::ZERO);
    drop(before);
    metrics.route("bar").record_request(&Method::GET, 200, Duration::ZERO);
    metrics.upstream("bar").record_retry();
    metrics.upstream("bar").record_retry();
    let text = text(&metrics);
    assert_eq!(lines(&text, "portcullis_requests_total"), [r#"portcullis_requests_total{route="bar",method="GET",code="200"} 2"#]);
    assert_eq!(lines(&text, "portcullis_upstream_retries_total"), [r#"portcullis_upstream_retries_total{upstream="bar"} 2"#]);
}

#[test]
fn an_idle_route_says_nothing_and_weighs_little() {
    let metrics = metrics();
    let silent = text(&metrics).len();
    (0..10_000).for_each(|number| drop(metrics.route(format!("route-{number}"))));
    let text = text(&metrics);
    assert!(text.len() < silent + 200, "{} octets instead of {silent}", text.len());
    assert!(size_of::<RouteMetrics>() <= 80, "{} octets per idle route", size_of::<RouteMetrics>());
}

#[test]
fn a_refused_reload_shows_until_one_succeeds() {
    let metrics = metrics();
    let successful = "portcullis_config_last_reload_successful";
    let since = "portcullis_config_last_reload_success_timestamp_seconds";
    assert_eq!(lines(&text(&metrics), successful), [format!("{successful} 1")]);
    metrics.record_reload(Reload::Refused);
    metrics.record_reload(Reload::RestartNeeded);
    assert_eq!(lines(&text(&metrics), successful), [format!("{successful} 0")]);
    assert_eq!(lines(&text(&metrics), since), [format!("{since} 1700000000")]);
    metrics.record_reload(Reload::Succeeded(UnixTime::from_seconds(1_700_000_100)));
    let text = text(&metrics);
    assert_eq!(lines(&text, successful), [format!("{successful} 1")]);
    assert_eq!(lines(&text, since), [format!("{since} 1700000100")]);
    let counts = lines(&text, "portcullis_config_reloads_total");
    assert_eq!(counts.len(), 3);
    assert!(counts.iter().all(|line| line.ends_with(" 1")), "{counts:?}");
}

#[test]
fn what_is_held_is_given_back() {
    let metrics = metrics();
    let request = metrics.hold_request();
    let connections = [metrics.listener("0.0.0.0:8080").hold_connection(), metrics.listener("0.0.0.0:8080").hold_connection()];
    assert_eq!(lines(&text(&metrics), "portcullis_requests_in_flight"), ["portcullis_requests_in_flight 1"]);
    assert_eq!(lines(&text(&metrics), "portcullis_connections"), [r#"portcullis_connections{listener="0.0.0.0:8080"} 2"#]);
    drop(request);
    drop(connections);
    assert_eq!(lines(&text(&metrics), "portcullis_requests_in_flight"), ["portcullis_requests_in_flight 0"]);
    assert_eq!(lines(&text(&metrics), "portcullis_connections"), [r#"portcullis_connections{listener="0.0.0.0:8080"} 0"#]);
}

fn everything() -> Vec<u8> {
    let metrics = metrics();
    let route = metrics.route("bar \"quoted\" \\ back\nline");
    route.record_request(&Method::GET, 200, Duration::from_millis(3));
    route.record_decision("bartender", ADMITTED);
    metrics.scheme("bartender").record_verification(Duration::from_nanos(1_700));
    let upstream = metrics.upstream("bar");
    upstream.record_attempt("answered");
    upstream.record_connect(Duration::from_micros(80));
    upstream.record_response(Duration::from_millis(3));
    let held = (metrics.hold_request(), metrics.listener("0.0.0.0:8080").hold_connection());
    metrics.listener("0.0.0.0:8443").record_handshake_failed("handshake_alert");
    metrics.record_connection_refused("too_many");
    metrics.record_connection_aborted("head_timeout");
    metrics.record_head_refused("path_dot_segment");
    let readings = Readings {
        caches: &[CacheReading { scheme: "bartender", hits: 5, misses: 1, evictions: 0, octets: 4_096 }],
        keys: &[
            KeyReading { scheme: "api", source: "https://a.example", changed: 2, unchanged: 9, failed: 1, keys: 3, age: Some(40) },
            KeyReading { scheme: "api", source: "https://b.example", changed: 0, unchanged: 0, failed: 4, keys: 0, age: None },
        ],
        servers: &[
            ServerReading { upstream: "bar", server: "127.0.0.1:9000", health: Health::Healthy },
            ServerReading { upstream: "bar", server: "127.0.0.1:9001", health: Health::Unhealthy },
        ],
        certificates: &[CertificateReading { certificate: "tls/cert.pem", not_after: UnixTime::from_seconds(1_900_000_000) }],
        replay: ReplayReading { entries: 3, capacity: 8, marked: 5, replays_refused: 2, full: 1 },
        holder_keys: 2,
        spool: SpoolReading { memory: 164, files: 100 },
    };
    let text = metrics.render(&readings);
    drop(held);
    text
}

/// The families of the gateway, in their order.
const FAMILIES: &[&str] = &[
    "requests_total counter",
    "request_duration_seconds histogram",
    "auth_decisions_total counter",
    "auth_duration_seconds histogram",
    "verdict_cache_hits_total counter",
    "verdict_cache_misses_total counter",
    "verdict_cache_evictions_total counter",
    "verdict_cache_bytes gauge",
    "key_refreshes_total counter",
    "key_set_keys gauge",
    "key_set_age_seconds gauge",
    "upstream_requests_total counter",
    "upstream_retries_total counter",
    "upstream_connect_duration_seconds histogram",
    "upstream_response_duration_seconds histogram",
    "upstream_server_healthy gauge",
    "requests_in_flight gauge",
    "connections gauge",
    "handshakes_failed_total counter",
    "connections_refused_total counter",
    "connections_aborted_total counter",
    "heads_refused_total counter",
    "config_reloads_total counter",
    "config_last_reload_successful gauge",
    "config_last_reload_success_timestamp_seconds gauge",
    "build_info gauge",
    "crypto_cpu_feature gauge",
    "certificate_not_after_seconds gauge",
    "replay_log_entries gauge",
    "replay_log_capacity gauge",
    "holder_keys gauge",
    "spool_memory_bytes gauge",
    "spool_file_bytes gauge",
    "replay_log_marked_total counter",
    "replay_log_replays_refused_total counter",
    "replay_log_full_total counter",
];

#[test]
fn every_family_is_there_once_with_help_and_type() {
    let text = String::from_utf8(everything()).unwrap();
    let families: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let ours: Vec<_> = families.iter().filter_map(|family| family.strip_prefix("portcullis_")).collect();
    assert_eq!(ours, FAMILIES);
    assert_eq!(text.matches("# HELP ").count(), families.len());
    for line in [
        r#"portcullis_auth_duration_seconds_bucket{scheme="bartender",le="0.000001"} 0"#,
        r#"portcullis_auth_duration_seconds_bucket{scheme="bartender",le="0.0000025"} 1"#,
        r#"portcullis_auth_duration_seconds_bucket{scheme="bartender",le="1"} 1"#,
        r#"portcullis_upstream_server_healthy{upstream="bar",server="127.0.0.1:9000"} 1"#,
        r#"portcullis_upstream_server_healthy{upstream="bar",server="127.0.0.1:9001"} 0"#,
        r#"portcullis_verdict_cache_bytes{scheme="bartender"} 4096"#,
        r#"portcullis_key_refreshes_total{scheme="api",source="https://a.example",outcome="unchanged"} 9"#,
        r#"portcullis_key_refreshes_total{scheme="api",source="https://b.example",outcome="failed"} 4"#,
        r#"portcullis_key_set_keys{scheme="api",source="https://b.example"} 0"#,
        r#"portcullis_key_set_age_seconds{scheme="api",source="https://a.example"} 40"#,
        r#"portcullis_handshakes_failed_total{listener="0.0.0.0:8443",reason="handshake_alert"} 1"#,
        r#"portcullis_crypto_cpu_feature{feature="sha"} 0"#,
        r#"portcullis_certificate_not_after_seconds{certificate="tls/cert.pem"} 1900000000"#,
        "portcullis_replay_log_entries 3",
        "portcullis_replay_log_capacity 8",
        "portcullis_holder_keys 2",
        "portcullis_replay_log_marked_total 5",
        "portcullis_replay_log_replays_refused_total 2",
        "portcullis_replay_log_full_total 1",
        "portcullis_spool_memory_bytes 164",
        "portcullis_spool_file_bytes 100",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

#[test]
fn promtool_has_no_complaint() {
    let Ok(mut promtool) =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    else {
        return;
    };
    promtool.stdin.take().unwrap().write_all(&everything()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
