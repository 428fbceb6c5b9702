//! Operations: configuration, reload, figures, logs and slow clients, T-110 to T-116.
//!
//! Not here: T-115's limits by address and login throttles, because the gateway has neither yet; what it does
//! have is tested, that nobody can choose under which address the logs name them. Of T-110, regular
//! expressions, because the configuration has none.

use super::Scene;
use crate::support::certificates::Authority;
use crate::support::frames::{DATA, END_STREAM, FrameClient, HEADERS, block};
use crate::support::gateway::{BAR, Config};
use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::{PATIENCE, RawClient, Reply, Token, Upstream, eventually, raw, within};
use portcullis::clock;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Starts with the wrong configuration: nothing comes up, and the report says where it is wrong and how.
async fn is_refused(text: &str, place: &str, words: &str) {
    let refused = Config::whole(text).refused().await;
    assert!(!refused.status.success());
    let report = &refused.report;
    assert!(report.contains(&format!("portcullis.yaml:{place}: found ")), "{place} is not in {report}");
    assert!(report.contains(words), "{words:?} is not in {report}");
    assert!(report.contains("expected "), "{report}");
    assert!(report.ends_with("1 problem"), "{report}");
}

/// Lines 1 to 5 of a good configuration; what a test adds starts at line 6.
const GOOD: &str = r#"listeners: [{ address: "127.0.0.1:{port}" }]
admin: { address: "127.0.0.1:{admin}" }
upstreams: { bar: { servers: ["127.0.0.1:9"] } }
routes:
  - { name: a, match: { path: /a }, public: true, upstream: bar }
"#;

fn with_scheme(settings: &str) -> String {
    format!("{GOOD}schemes:\n  s:\n    wrap: {{ {settings} }}\n")
}

#[tokio::test]
async fn t_110_unknown_and_repeated_keys() {
    is_refused(&format!("{GOOD}rutes: []\n"), "6:1", "the unknown key `rutes`").await;
    is_refused(&format!("{GOOD}limits: {{ max_hed_size: 1KiB }}\n"), "6:11", "did you mean `max_head_size`?").await;
    is_refused(&with_scheme("issuers: [{ name: x, kee: y }], audience: x").replace("wrap", "wrapp"), "8:5", "`wrapp`").await;
    is_refused(&format!("{GOOD}listeners: []\n"), "6:1", "a second key `listeners`").await;
    is_refused(&GOOD.replace("{ bar:", "{ bar: { servers: [\"127.0.0.1:9\"] }, bar:"), "3:49", "a second key `bar`").await;
    is_refused(&format!("{GOOD}  - {{ name: a, match: {{ path: /b }}, public: true, upstream: bar }}\n"), "6:13", "the name `a`").await;
}

#[tokio::test]
async fn t_110_missing_things() {
    is_refused(&with_scheme("issuers: [{ name: x, key_file: \"{keys}/nope.b64\" }], audience: x"), "8:44", "does not exist").await;
    is_refused(
        &with_scheme("issuers: [{ name: x, key: \"${PORTCULLIS_TEST_NOT_SET}\" }], audience: x"),
        "8:39",
        "${PORTCULLIS_TEST_NOT_SET}",
    )
    .await;
    let tls = GOOD.replace("{port}\" }", "{port}\", tls: { certificate: \"{keys}/nope.pem\", key: \"{keys}/nope.key\" } }");
    is_refused(&tls.replace("{port}", "1"), "1:59", "nope.pem").await;
    is_refused(&GOOD.replace("upstream: bar", "upstream: bra"), "5:61", "`bra`").await;
    is_refused(&GOOD.replace("public: true", "authenticate: s"), "5:51", "`s`").await;
    is_refused("", "1:1", "a file without settings").await;
    is_refused(&format!("{GOOD}limits: [1\n"), "6:9", "not YAML").await;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis")).args(["run", "-c", "/nonexistent/portcullis.yaml"]).output();
    let output = output.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no /nonexistent/portcullis.yaml"));
}

#[tokio::test]
async fn t_110_empty_lists_do_not_mean_all() {
    const KEY: &str = "key_file: \"{keys}/bouncer.b64\"";
    is_refused(&with_scheme("issuers: [], audience: x"), "8:22", "an empty list").await;
    is_refused(&with_scheme(&format!("audiences: [], issuers: [{{ name: x, {KEY} }}]")), "8:24", "an empty list").await;
    is_refused(&with_scheme(&format!("accept: [], audience: x, issuers: [{{ name: x, {KEY} }}]")), "8:21", "an empty list").await;
    is_refused(&GOOD.replace("[\"127.0.0.1:9\"]", "[]"), "3:19", "an upstream without servers").await;
    is_refused(&GOOD.replace("[{ address: \"127.0.0.1:{port}\" }]", "[]"), "1:1", "no listeners").await;
    let any_of =
        with_scheme(&format!("issuers: [{{ name: x, {KEY} }}], audience: x")).replace("public: true", "authenticate: { any_of: [] }");
    is_refused(&any_of, "5:51", "an empty list of schemes").await;
    // No routes: nothing is open.
    let scene = Scene::with(Config::new("routes: []")).await;
    assert_eq!(scene.fetch("/", "").await.status(), 404);
}

#[tokio::test]
async fn t_110_all_problems_at_once_and_no_secret() {
    let secret = "c2VjcmV0LXRoYXQtbXVzdC1ub3QtYmUtcHJpbnRlZA==";
    let text = with_scheme(&format!("issuers: [{{ name: x, key: {secret} }}], audience: x"));
    let text = text.replace("upstream: bar", "upstream: bra") + "trusted_proxies: [nobody]\n";
    let refused = Config::whole(&text).refused().await;
    for place in ["5:61", "8:39", "9:19"] {
        assert!(refused.report.contains(&format!("portcullis.yaml:{place}: found ")), "{place}: {}", refused.report);
    }
    assert!(refused.report.ends_with("3 problems") && !refused.report.contains("c2VjcmV0"), "{}", refused.report);
}

#[tokio::test]
async fn t_110_bad_reload_changes_nothing() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    gateway.metric_becomes("portcullis_config_last_reload_successful", 1.0).await;
    let token = Token::of("alice").authorization();
    for bad in [
        BAR.replace("authenticate: bartender", "public: yes please"),
        BAR.replace("bouncer.b64", "gone.b64"),
        BAR.replace("issuers: [{ name: \"{issuer}\", key_file: \"{keys}/bouncer.b64\" }]", "issuers: []"),
        "routes: [".to_owned(),
        String::new(),
    ] {
        let line = gateway.reload_refused(&Config::new(&bad).upstream(&upstream)).await;
        assert!(line["first"].as_str().unwrap().contains("found"), "{line}");
        gateway.metric_becomes("portcullis_config_last_reload_successful", 0.0).await;
        assert_eq!(raw::fetch(gateway.address(), "/bartender/x", "").await.status(), 401);
        assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &token).await.status(), 200);
    }
    // A key that turns bad in place.
    std::fs::write(gateway.keys().join("bouncer.b64"), "junk").unwrap();
    gateway.reload_refused(&Config::new(BAR).upstream(&upstream)).await;
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &token).await.status(), 200);
    std::fs::write(gateway.keys().join("bouncer.b64"), portcullis::crypto::base64::encode(&crate::support::tokens::KEY)).unwrap();
    gateway.reload(&Config::bar("")).await;
    gateway.metric_becomes("portcullis_config_last_reload_successful", 1.0).await;
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &token).await.status(), 200);
}

#[tokio::test]
async fn t_110_a_restart_is_asked_for() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    let text = gateway.config_text();
    assert!(text.contains("workers: 2"));
    gateway.write_config(&text.replace("workers: 2", "workers: 3"));
    gateway.signal("HUP");
    let line = gateway.audit_line(|line| line["event"] == "restart_needed").await;
    assert_eq!(line["setting"], "workers");
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", "").await.status(), 401);
}

#[tokio::test]
async fn t_111_conflicting_routes() {
    let route = |rest: &str| format!("{GOOD}  - {{ name: b, {rest}, upstream: bar }}\n");
    for same in ["match: { path: /a }", "match: { path: /a/ }"] {
        is_refused(&route(&format!("{same}, public: true")), "6:23", "matches the same requests").await;
    }
    is_refused(&route("match: { path: /%61 }, public: true"), "6:31", "`/%61`").await;
    is_refused(&route("match: { path: /x/../a }, public: true"), "6:31", "`/x/../a`").await;
}

#[tokio::test]
async fn t_111_route_without_a_policy() {
    let route = |rest: &str| format!("{GOOD}  - {{ name: b, match: {{ path: /b }}, {rest}upstream: bar }}\n");
    is_refused(&route(""), "6:5", "a route without `authenticate`").await;
    is_refused(&route("public: false, "), "6:5", "a route without `authenticate`").await;
    is_refused(&route("public: true, authenticate: s, "), "6:45", "beside `authenticate`").await;
}

#[tokio::test]
async fn t_111_order_decides_nothing() {
    let general = "  - { name: all, match: { path: / }, public: true, upstream: bar }\n";
    let special = "  - { name: admin, match: { path: /admin/ }, authenticate: bartender, upstream: bar }\n";
    let exact = "  - { name: open, match: { path_exact: /admin/open }, public: true, upstream: bar }\n";
    let start = &BAR[..BAR.find("routes:").unwrap()];
    for order in [[general, special, exact], [exact, special, general], [special, general, exact]] {
        let scene = Scene::with(Config::new(&format!("{start}routes:\n{}", order.concat()))).await;
        for (target, status) in
            [("/admin/x", 401), ("/admin", 401), ("/admin/open/x", 401), ("/admin/open", 200), ("/administrator", 200), ("/x", 200)]
        {
            assert_eq!(scene.fetch(target, "").await.status(), status, "{target} with {order:?}");
        }
    }
}

/// A configuration that sends everything below `/` of one name to one backend under one prefix.
fn generation(prefix: &str, upstream: &Upstream) -> Config {
    let address = upstream.address();
    Config::new(&format!(
        "upstreams: {{ bar: {{ servers: [\"{address}\"] }} }}\nroutes:\n  - {{ name: all, match: {{ path: /x }}, public: true, upstream: bar, rewrite: {{ replace_prefix: {prefix} }} }}\n"
    ))
}

#[tokio::test]
async fn t_112_no_request_sees_two_configurations() {
    let (one, two) = (Upstream::start().await, Upstream::start().await);
    let gateway = generation("/one", &one).start().await;
    let address = gateway.address();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let mut client = RawClient::connect(address).await;
                let mut answered = 0.0;
                while !*stopped.borrow() {
                    client.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
                    assert_eq!(client.answer().await.status(), 200);
                    answered += 1.0;
                }
                answered
            })
        })
        .collect();
    let mut reloads = 0.0;
    for round in 0..6 {
        let next = if round % 2 == 0 { generation("/two", &two) } else { generation("/one", &one) };
        gateway.reload(&next).await;
        reloads += 1.0;
        // Each configuration serves for a while.
        let upstream = if round % 2 == 0 { &two } else { &one };
        upstream.requests_come(upstream.requests().len() + 5).await;
    }
    stop.send(true).unwrap();
    let mut answered = 0.0;
    for client in clients {
        answered += within("a client to end", client).await.unwrap();
    }
    for (upstream, target) in [(&one, "/one"), (&two, "/two")] {
        assert!(upstream.requests().iter().all(|request| request.target() == target), "{target} was mixed up");
    }
    // No answer was lost, and none was forgotten by a reload.
    gateway.metric_becomes("portcullis_requests_total{route=\"all\",method=\"GET\",code=\"200\"}", answered).await;
    assert_eq!(gateway.metric("portcullis_config_reloads_total{outcome=\"succeeded\"}").await, reloads);
}

#[tokio::test]
async fn t_112_a_request_ends_under_its_own_configuration() {
    let gate = Arc::new(Notify::new());
    let (one, two) = (Upstream::always(Reply::ok().held_by(&gate)).await, Upstream::start().await);
    let gateway = generation("/one", &one).start().await;
    let mut slow = RawClient::connect(gateway.address()).await;
    slow.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    eventually("the request to arrive", || (!one.heard().is_empty()).then_some(())).await;
    gateway.reload(&generation("/two", &two)).await;
    assert_eq!(raw::fetch(gateway.address(), "/x", "").await.status(), 200);
    assert_eq!(two.request().target(), "/two");
    gate.notify_one();
    assert_eq!(slow.answer().await.status(), 200);
    assert_eq!(one.request().target(), "/one");
    // The same connection goes on under the new one.
    slow.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(slow.answer().await.status(), 200);
    assert_eq!(two.requests().len(), 2);
}

#[tokio::test]
async fn t_113_operators_pages_are_on_their_own_listener() {
    let everything = BAR.replace("path: /public/", "path: /");
    let scene = Scene::with(Config::new(&everything)).await;
    for target in ["/metrics", "/healthz", "/readyz"] {
        let answer = scene.fetch(target, "").await;
        // The catch-all route's backend answers, not the gateway.
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"), "{target}");
        assert_eq!(scene.upstream.requests().pop().unwrap().target(), target);
    }
    assert_eq!(scene.gateway.ask_admin("/metrics").await.status(), 200);
    for target in ["/", "/bartender/", "/admin", "/metrics/x", "/debug/pprof"] {
        assert_eq!(scene.gateway.ask_admin(target).await.status(), 404, "{target}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let octets = format!("{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert_eq!(raw::ask(scene.gateway.admin(), octets).await.status(), 405, "{method}");
    }
    let same = GOOD.replace("{admin}", "{port}");
    is_refused(&same, "2:19", "the address of a data listener").await;
}

/// The series of an exposition, without their values and without those that every scrape may move.
fn series(metrics: &str) -> BTreeSet<String> {
    metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series.to_owned())
        .collect()
}

fn every<'a>(first: &[&'a str], second: &[&'a str], third: &[&'a str]) -> Vec<(&'a str, &'a str, &'a str)> {
    first.iter().flat_map(|a| second.iter().flat_map(move |b| third.iter().map(move |c| (*a, *b, *c)))).collect()
}

#[tokio::test]
async fn t_113_labels_are_bounded() {
    let scene = Scene::bar("").await;
    let good = Token::of("alice@example.com").claim("Role", "patron").authorization();
    const TARGETS: [&str; 5] = ["/public/x", "/bartender/x", "/none", "/public/../x", "/x"];
    let credentials = [good.as_str(), ""];
    for (method, target, credential) in every(&["GET", "POST", "BREW", "get"], &TARGETS, &credentials) {
        scene.ask(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{credential}Content-Length: 0\r\n\r\n")).await;
    }
    let before = series(&scene.gateway.metrics().await);
    for (number, (method, target, credential)) in every(&["M", "PROPFIND", "get", "X-Y"], &TARGETS, &credentials).into_iter().enumerate() {
        let lines = format!("Host: h{number}.example\r\nUser-Agent: a{number}\r\n{credential}Content-Length: 0\r\n");
        scene.ask(format!("{method}{number} {target}{number}?q={number} HTTP/1.1\r\n{lines}\r\n")).await;
        scene.ask(format!("{method}{number} {target}/{number} HTTP/1.1\r\n{lines}\r\n")).await;
    }
    let metrics = scene.gateway.metrics().await;
    let new: Vec<_> = series(&metrics).difference(&before).cloned().collect();
    assert!(new.is_empty(), "new series: {new:#?}");
    for secret in ["alice", "patron", "HMACSHA256", "nightclub", "h1.example", "/public/x"] {
        assert!(!metrics.contains(secret), "{secret} is in the figures");
    }
}

#[tokio::test]
async fn t_114_log_injection() {
    let scene = Scene::bar("").await;
    let forged = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","event":"decision","verdict":"admitted","subject":"root"}"#;
    let escaped = forged.replace(' ', "");
    for target in ["/public/%0d%0aforged", "/public/%1b[31m", "/x%0aforged", "/x?%0aforged", "/nowhere/\"},{\"forged\":1"] {
        let _ = scene.fetch(target, "User-Agent: plain\r\n").await;
    }
    for agent in ["a\u{9b}31mred", "\"},{\"forged\":\"1", "\\n\\\"forged", "\u{85}\u{a0}\u{ff}", &escaped, &"x".repeat(5000)] {
        let octets: Vec<u8> = format!("GET /public/x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\n\r\n")
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect();
        assert_eq!(scene.ask(octets).await.status(), 200, "{agent:?}");
    }
    for subject in ["mallory\r\nforged", "\u{1b}]0;forged\u{7}", "\u{2028}forged\u{202e}", &escaped] {
        let _ = scene.fetch("/bartender/x", &Token::of(subject).authorization()).await;
    }
    for method in ["FOR\"GED", "A{}", "'x'"] {
        let _ = scene.ask(format!("{method} /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    }
    assert_eq!(scene.fetch("/bartender/end", "").await.status(), 401);
    scene.gateway.access_line(|line| line["path"] == "/bartender/end").await;
    scene.gateway.audit_line(|line| line["path"] == "/bartender/end").await;
    for line in scene.gateway.log_lines() {
        let read: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line:?}"));
        assert!(read["target"].as_str().is_some_and(|target| target.starts_with("portcullis")), "{line}");
        assert_ne!(read["subject"], "root", "{line}");
        let hidden = line.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}'));
        assert_eq!(hidden, None, "{line:?}");
        assert!(line.len() < 4096, "a line of {} octets", line.len());
    }
}

#[tokio::test]
async fn t_114_no_token_in_any_log() {
    let scene = Scene::bar("").await;
    let token = Token::of("alice").mint();
    let mac = token.rsplit_once("HMACSHA256=").unwrap().1.to_owned();
    let encoded = token.replace('%', "%25").replace('&', "%26").replace('=', "%3d");
    let expired = Token::of("alice").expires_in(-5);
    assert_eq!(scene.fetch("/bartender/x", &format!("Authorization: WRAP access_token=\"{token}\"\r\n")).await.status(), 200);
    assert_eq!(scene.fetch(&format!("/bartender/x?wrap_access_token={encoded}"), "").await.status(), 200);
    assert_eq!(scene.fetch(&format!("/nowhere?wrap_access_token={encoded}"), "").await.status(), 404);
    assert_eq!(scene.fetch("/bartender/x", &expired.authorization()).await.status(), 401);
    scene.gateway.denial("expired").await;
    scene.gateway.access_line(|line| line["status"] == 404).await;
    let expired = expired.mint();
    let other = expired.rsplit_once("HMACSHA256=").unwrap().1;
    for line in scene.gateway.log_lines() {
        assert!(
            !line.contains("HMACSHA256") && !line.contains(&mac) && !line.contains(other) && !line.contains("wrap_access_token"),
            "{line}"
        );
    }
    let heard = scene.upstream.heard_text();
    assert!(!heard.contains("HMACSHA256") && !heard.contains(&mac), "{heard}");
}

#[tokio::test]
async fn t_115_nobody_chooses_their_address() {
    let forged =
        "X-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.7\r\nX-Real-IP: 198.51.100.7\r\nTrue-Client-IP: 198.51.100.7\r\n";
    let scene = Scene::bar("").await;
    assert_eq!(scene.fetch("/bartender/x", forged).await.status(), 401);
    assert_eq!(scene.gateway.denial("credential_missing").await["client"], "127.0.0.1");
    // Behind a trusted proxy, the client is the right-most address that the proxy vouches for.
    let scene = Scene::bar("trusted_proxies: [127.0.0.1]\n").await;
    let answer = scene.fetch("/public/x", "X-Forwarded-For: 198.51.100.7, 203.0.113.5\r\n").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(scene.gateway.access_line(|line| line["status"] == 200).await["client"], "203.0.113.5");
}

/// The bar with limits that a test can wait for.
async fn limited(limits: &str) -> Scene {
    let form = BAR.replace("accept: [header, query]", "accept: [header, form]");
    Scene::with(Config::new(&format!("{form}limits: {{ {limits} }}\n"))).await
}

/// Sends an octet every so often until the gateway answers or closes; what it said by then.
async fn drip(client: &mut RawClient, octets: impl Iterator<Item = u8>) -> Vec<Message> {
    let deadline = clock::instant() + PATIENCE;
    for octet in octets {
        assert!(clock::instant() < deadline, "the gateway lets a client drip for ever");
        if client.try_send([octet]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        if client.is_over().await {
            break;
        }
    }
    client.all_answers().await
}

#[tokio::test]
async fn t_116_slow_heads() {
    let scene = limited("head_timeout: 1s").await;
    let aborted = "portcullis_connections_aborted_total{reason=\"head_timeout\"}";
    let endless = || b"GET /bartender/x HTTP/1.1\r\nHost: localhost\r\nX: ".iter().copied().chain(std::iter::repeat(b'y'));
    // Slow from the first octet, slow after a start, slow in the second request, silent, and silent in HTTP/2.
    let mut client = RawClient::connect(scene.gateway.address()).await;
    assert_eq!(drip(&mut client, endless()).await.len(), 0);
    scene.gateway.metric_becomes(aborted, 1.0).await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 401);
    assert_eq!(drip(&mut client, endless()).await.len(), 0);
    scene.gateway.metric_becomes(aborted, 2.0).await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    assert_eq!(client.all_answers().await.len(), 0);
    scene.gateway.metric_becomes(aborted, 3.0).await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send("PRI * HTTP/2.0\r\n").await;
    assert_eq!(client.all_answers().await.len(), 0);
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_116_slow_heads_over_http2() {
    let scene = limited("head_timeout: 1s").await;
    // Nothing after the settings.
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    frames.end().await;
    // A head that is begun and never finished.
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    frames.send(HEADERS, END_STREAM, 1, &block(&[(":method", "GET")])).await;
    frames.end().await;
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_116_slow_handshakes() {
    let authority = Authority::new();
    let (certificate, key) = authority.certify(&["localhost"]);
    let tls = r#"listeners: [{ address: "127.0.0.1:{port}", tls: { certificate: "{keys}/server.pem", key: "{keys}/server.key" } }]"#;
    let config = Config::bar(&format!("{tls}\nlimits: {{ head_timeout: 1s }}\n"));
    let gateway = config.file("server.pem", &certificate).file("server.key", &key).start().await;
    let slow = format!("portcullis_handshakes_failed_total{{listener=\"{}\",reason=\"handshake_timeout\"}}", gateway.address());
    // Silent, and begun but never finished.
    for octets in [&b""[..], &[22, 3, 1, 2, 0, 1, 0][..]] {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(octets).await;
        assert_eq!(client.all_answers().await.len(), 0);
    }
    gateway.metric_becomes(&slow, 2.0).await;
    gateway.audit_line(|event| event["event"] == "handshake_failed" && event["reason"] == "handshake_timeout").await;
    gateway.metric_becomes(&format!("portcullis_connections{{listener=\"{}\"}}", gateway.address()), 0.0).await;
}

#[tokio::test]
async fn t_116_idle_connections() {
    let scene = limited("head_timeout: 1s").await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send("GET /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(client.all_answers().await.len(), 0);
    let mut http2 = Http2Client::connect(scene.gateway.address()).await;
    assert_eq!(http2.fetch("http://localhost/public/x", &[]).await.unwrap().status, 200);
    let connections = format!("portcullis_connections{{listener=\"{}\"}}", scene.gateway.address());
    scene.gateway.metric_becomes(&connections, 0.0).await;
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn t_116_slow_contents() {
    let scene = limited("body_timeout: 300ms, body_deadline: 1s").await;
    // Read before anything is forwarded, and forwarded while it comes; silent, and dripping below the first limit.
    let cases = || {
        ["/bartender/x", "/public/x"]
            .into_iter()
            .flat_map(|target| ["Content-Length: 1000", "Transfer-Encoding: chunked"].map(|framing| (target, framing)))
    };
    let head = |target: &str, framing: &str| format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{FORM}{framing}\r\n\r\n");
    for (target, framing) in cases() {
        let mut silent = RawClient::connect(scene.gateway.address()).await;
        silent.send(head(target, framing)).await;
        let statuses: Vec<_> = silent.all_answers().await.iter().map(Message::status).collect();
        assert_eq!(statuses, [408], "{target}, {framing}, silent");
    }
    // Who was answered was not given up, however long what is left of it is read away.
    assert!(!scene.gateway.metrics().await.contains("content_timeout"));
    for (target, framing) in cases() {
        let mut dripping = RawClient::connect(scene.gateway.address()).await;
        dripping.send(head(target, framing)).await;
        let content = b"1000\r\n".iter().copied().chain(std::iter::repeat(b'y'));
        let statuses: Vec<_> = drip(&mut dripping, content).await.iter().map(Message::status).collect();
        // A client that still sends may lose the answer to the reset of its own octets.
        assert!(statuses.is_empty() || statuses == [408], "{target}, {framing}, dripping: {statuses:?}");
    }
    assert!(scene.upstream.requests().is_empty());
    assert!(!scene.upstream.heard_text().contains("/bartender"));
}

#[tokio::test]
async fn t_116_requests_on_one_connection() {
    let scene = limited("max_requests_per_connection: 3").await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    for last in [false, false, true] {
        client.send("GET /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(client.answer().await.field("connection") == Some("close"), last);
    }
}

#[tokio::test]
async fn t_116_slow_contents_beside_an_upgrade() {
    let scene = limited("body_timeout: 300ms, body_deadline: 1s").await;
    let mut dripping = RawClient::connect(scene.gateway.address()).await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    dripping.send(format!("POST /public/x HTTP/1.1\r\nHost: localhost\r\n{upgrade}Content-Length: 100000\r\n\r\n")).await;
    drip(&mut dripping, std::iter::repeat(b'y')).await;
    assert!(scene.upstream.requests().is_empty());
}

#[tokio::test]
async fn t_116_a_form_in_pieces_has_time_until_its_deadline() {
    let scene = limited("body_timeout: 300ms, body_deadline: 10s").await;
    let escaped: String = Token::of("alice").mint().bytes().map(|octet| format!("%{octet:02x}")).collect();
    let form = format!("wrap_access_token={escaped}&x=12345678");
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(format!("POST /bartender/x HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: {}\r\n\r\n", form.len())).await;
    let (whole, pieces) = form.split_at(form.len() - 8);
    client.send(whole).await;
    for piece in pieces.bytes() {
        tokio::time::sleep(Duration::from_millis(150)).await;
        client.send([piece]).await;
    }
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn a_client_is_not_hurried_while_a_server_is_slow_to_connect() {
    // The system accepts, and nobody answers the handshake.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = "{ servers: [\"{upstream}\"], retries: 0, connect_timeout: 1500ms, tls: { server_name: localhost, verify: none } }";
    let config = format!("{}limits: {{ body_timeout: 300ms }}\n", BAR.replace("{ servers: [\"{upstream}\"] }", tls));
    let gateway = Config::new(&config).upstream_at(silent.local_addr().unwrap()).start().await;
    let mut client = RawClient::connect(gateway.address()).await;
    client.send("POST /public/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").await;
    assert_eq!(client.answer().await.status(), 504);
}

#[tokio::test]
async fn t_116_slow_contents_over_http2() {
    let scene = limited("body_timeout: 300ms, body_deadline: 1s").await;
    for target in ["/bartender/x", "/public/x"] {
        let head = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", target),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let mut frames = FrameClient::connect(scene.gateway.address()).await;
        frames.request(1, &head, 0).await;
        frames.send(DATA, 0, 1, b"a=b").await;
        let outcome = frames.outcome(1).await;
        assert!(outcome.is_refusal(), "{target}: {outcome:?}");
    }
    assert!(scene.upstream.requests().is_empty());
}

#[tokio::test]
async fn t_116_large_heads() {
    let scene = limited("max_head_size: 4KiB, max_fields: 20, max_target_size: 1KiB").await;
    for target in ["/bartender/x", "/public/x", "/nowhere"] {
        let get = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n");
        scene.refuses(format!("{get}X: {}\r\n\r\n", "y".repeat(5000)), 431, "head_too_large").await;
        scene.refuses(format!("{get}{}\r\n", "X: y\r\n".repeat(20)), 431, "too_many_fields").await;
        scene.refuses(format!("GET {target}?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "y".repeat(2000)), 414, "target_too_long").await;
    }
    for reason in ["head_too_large", "too_many_fields", "target_too_long"] {
        let refused = scene.gateway.metric(&format!("portcullis_heads_refused_total{{reason=\"{reason}\"}}")).await;
        assert_eq!(refused, 3.0, "{reason}");
    }
    // Just within each limit.
    let lines = "X: y\r\n".repeat(19);
    assert_eq!(scene.fetch("/public/x", &lines).await.status(), 200);
    assert_eq!(scene.fetch(&format!("/public/{}", "y".repeat(1016)), "").await.status(), 200);
    assert_eq!(scene.fetch("/public/x", &format!("X: {}\r\n", "y".repeat(4000))).await.status(), 200);
}

#[tokio::test]
async fn t_116_heads_without_end() {
    let scene = limited("max_head_size: 4KiB").await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\n").await;
    let piece = format!("X: {}\r\n", "y".repeat(8000));
    let mut sent = 0;
    while sent < 4000 && client.try_send(&piece).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 4000, "the gateway reads a head of {} octets", sent * piece.len());
    scene.upstream.assert_untouched();
    assert_eq!(scene.fetch("/bartender/x", "").await.status(), 401);
}

#[tokio::test]
async fn t_116_large_contents() {
    let scene = limited("max_body_size: 2KiB").await;
    for target in ["/public/x", "/bartender/x"] {
        let octets = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2049\r\n\r\n");
        scene.refuses(octets, 413, "content_too_large").await;
    }
    // 413 before 401: whether there is a credential needs no content here.
    let chunk = format!("400\r\n{}\r\n", "y".repeat(1024));
    for lines in ["", FORM] {
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(format!("POST /public/x HTTP/1.1\r\nHost: localhost\r\n{lines}Transfer-Encoding: chunked\r\n\r\n")).await;
        for _ in 0..3 {
            // The gateway may have answered and closed by then.
            let _ = client.try_send(&chunk).await;
        }
        assert_eq!(client.answer().await.status(), 413, "{lines}");
    }
    // The backend never got a whole request out of these.
    assert!(scene.upstream.requests().is_empty(), "{:?}", scene.upstream.requests());
    let exact = format!("POST /public/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2048\r\n\r\n{}", "y".repeat(2048));
    assert_eq!(scene.ask(exact).await.status(), 200);
    assert_eq!(scene.upstream.request().content.len(), 2048);
}

#[tokio::test]
async fn t_116_large_contents_over_http2() {
    let scene = limited("max_body_size: 2KiB").await;
    for target in ["/public/x", "/bartender/x"] {
        let mut client = Http2Client::connect(scene.gateway.address()).await;
        let uri = format!("http://localhost{target}");
        let length = [("content-length", "3000")];
        let stated = client.ask("POST", &uri, &length, &[b'y'; 3000], &[]).await.unwrap();
        assert_eq!(stated.status, 413, "{target}");
    }
    scene.upstream.assert_untouched();
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    let unstated = client.ask("POST", "http://localhost/public/x", &[], &[b'y'; 3000], &[]).await;
    assert!(unstated.as_ref().map_or(true, |answer| answer.status == 413), "{unstated:?}");
    assert!(scene.upstream.requests().is_empty(), "{:?}", scene.upstream.requests());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let large = client.ask("POST", "http://localhost/bartender/x", &form, &[b'y'; 3000], &[]).await;
    assert!(large.as_ref().map_or(true, |answer| answer.status == 413 || answer.status == 401), "{large:?}");
    assert!(!scene.upstream.heard_text().contains("/bartender"));
}

#[tokio::test]
async fn t_116_a_large_form_is_refused_before_it_is_judged() {
    let scene = limited("max_body_size: 1MiB").await;
    let large = "a".repeat(70_000);
    let head = format!("POST /bartender/x HTTP/1.1\r\nHost: localhost\r\n{FORM}");
    scene.refuses(format!("{head}Content-Length: {}\r\n\r\n", large.len()), 413, "content_too_large").await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n")).await;
    // The gateway may have answered and closed by then.
    let _ = client.try_send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len())).await;
    assert_eq!(client.answer().await.status(), 413);
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_116_many_connections() {
    let scene = limited("max_connections: 3, head_timeout: 30s").await;
    let open = format!("portcullis_connections{{listener=\"{}\"}}", scene.gateway.address());
    // The one that saw whether the gateway listens is gone.
    scene.gateway.metric_becomes(&open, 0.0).await;
    let mut held = Vec::new();
    for number in 1..=3 {
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send("GET /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(client.answer().await.status(), 200);
        held.push(client);
        scene.gateway.metric_becomes(&open, f64::from(number)).await;
    }
    for refused in 1..=5 {
        let mut client = RawClient::connect(scene.gateway.address()).await;
        assert_eq!(client.all_answers().await.len(), 0);
        scene.gateway.metric_becomes("portcullis_connections_refused_total{reason=\"max_connections\"}", f64::from(refused)).await;
    }
    // Those that are in go on, operators get in, and a place that is left is taken again.
    held[0].send("GET /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(held[0].answer().await.status(), 200);
    drop(held.pop());
    scene.gateway.metric_becomes(&open, 2.0).await;
    assert_eq!(scene.fetch("/public/x", "").await.status(), 200);
}
