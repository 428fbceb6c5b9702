//! Reloading: a changed configuration is taken up whole, or not at all, and no request notices.

use crate::support::gateway::BAR;
use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::tokens::FOREIGN_KEY;
use crate::support::{Config, Gateway, PATIENCE, RawClient, Reply, Token, Upstream, eventually, raw};
use portcullis::clock;
use portcullis::crypto::base64;
use portcullis::setting::Environment;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the gateway is under load while its file changes, in seconds. A shorter time for trying things out is
/// read from `PORTCULLIS_TEST_RELOAD_SECONDS`.
const SECONDS_UNDER_LOAD: u64 = 60;
/// How many clients load it, each on a connection of its own, and how long each waits between two requests:
/// 200 requests a second together.
const CLIENTS: u32 = 8;
const BETWEEN_REQUESTS: Duration = Duration::from_millis(40);

/// An upstream that answers with its own name and with the field `X-Which` that it was sent.
async fn named(name: &'static str) -> Upstream {
    let script = move |head: &Message| {
        let text = format!("{name} {}", head.field("x-which").unwrap_or("nothing"));
        Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()))
    };
    Upstream::answering(script).await
}

/// A configuration that differs from its sister in two things that one answer shows: the server and a field.
fn snapshot(server: &Upstream, claim: &str) -> String {
    BAR.replace("{upstream}", &server.address().to_string())
        .replace("{ preset: auth-request }", &format!("{{ fields: {{ X-Which: {claim} }} }}"))
}

fn credential() -> String {
    Token::of("alice").claim("ClaimA", "a").claim("ClaimB", "b").credential()
}

async fn ask(gateway: &Gateway) -> String {
    raw::fetch(gateway.address(), "/bartender/x", &format!("Authorization: {}\r\n", credential())).await.text()
}

/// Waits until answers are these.
async fn answers_become(gateway: &Gateway, wanted: &str) {
    let deadline = clock::instant() + PATIENCE;
    while ask(gateway).await != wanted {
        assert!(clock::instant() < deadline, "answers do not become {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The whole file of a gateway, with the additions that a test gateway gets.
fn changed(gateway: &Gateway, from: &str, to: &str) -> String {
    let text = gateway.config_text();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to)
}

async fn reloads(gateway: &Gateway, outcome: &str) -> f64 {
    gateway.metric(&format!("portcullis_config_reloads_total{{outcome=\"{outcome}\"}}")).await
}

#[tokio::test]
async fn a_changed_file_is_taken_up_by_itself() {
    let (a, b) = (named("a").await, named("b").await);
    let gateway = Config::new(&snapshot(&a, "ClaimA")).start().await;
    assert_eq!(ask(&gateway).await, "a a");
    gateway.write_config(&changed(&gateway, &a.address().to_string(), &b.address().to_string()));
    answers_become(&gateway, "b a").await;
    gateway.write_config(&changed(&gateway, "ClaimA", "ClaimB"));
    answers_become(&gateway, "b b").await;
    assert!(reloads(&gateway, "succeeded").await >= 2.0);
}

#[tokio::test]
async fn sighup_reloads() {
    let a = named("a").await;
    let gateway = Config::new(&snapshot(&a, "ClaimA")).start().await;
    gateway.signal("HUP");
    let loaded = || gateway.events().iter().filter(|event| event["event"] == "config_loaded").count();
    eventually("the configuration to be loaded again", || (loaded() == 2).then_some(())).await;
    gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 1.0).await;
    assert_eq!(ask(&gateway).await, "a a");
}

#[tokio::test]
async fn a_changed_key_file_is_taken_up() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    let authorization = Token::of("alice").key(FOREIGN_KEY).authorization();
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &authorization).await.status(), 401);
    std::fs::write(gateway.keys().join("bouncer.b64"), base64::encode(&FOREIGN_KEY)).unwrap();
    gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 1.0).await;
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &authorization).await.status(), 200);
    // The old key is nobody's now, although its verdicts were remembered.
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &Token::of("alice").authorization()).await.status(), 401);
}

#[tokio::test]
async fn a_bad_file_leaves_the_old_configuration_in_force_and_says_so() {
    let a = named("a").await;
    let gateway = Config::new(&snapshot(&a, "ClaimA")).start().await;
    let good = gateway.config_text();
    gateway.metric_becomes("portcullis_config_last_reload_successful", 1.0).await;
    let refused = gateway.reload_refused(&Config::whole(&changed(&gateway, "authenticate: bartender", "authenticat: bartender"))).await;
    assert!(refused["problems"].as_u64().unwrap() >= 1, "{refused}");
    assert!(refused["first"].as_str().unwrap().contains("`authenticate`"), "{refused}");
    gateway.metric_becomes("portcullis_config_last_reload_successful", 0.0).await;
    assert!(reloads(&gateway, "refused").await >= 1.0);
    assert_eq!(ask(&gateway).await, "a a");
    gateway.write_config(&good);
    gateway.metric_becomes("portcullis_config_last_reload_successful", 1.0).await;
    assert_eq!(ask(&gateway).await, "a a");
}

#[tokio::test]
async fn what_check_warns_of_is_logged_at_the_start_and_at_a_reload() {
    let a = named("a").await;
    let odd = "upstreams:\n  odd: { servers: [\"127.0.0.1:1\"], tls: { server_name: x.example, verify: none } }\n";
    let gateway = Config::new(&snapshot(&a, "ClaimA").replace("upstreams:\n", odd)).start().await;
    let cautions = || {
        let is_caution = |text: &str| text.contains("portcullis.yaml: the upstream `odd` has `verify: none`");
        let events = gateway.events();
        events.iter().filter(|event| event["level"] == "WARN" && event["message"].as_str().is_some_and(is_caution)).count()
    };
    for times in 1..=2 {
        eventually("a caution", || (cautions() == times).then_some(())).await;
        gateway.signal("HUP");
    }
    eventually("one for the second signal", || (cautions() == 3).then_some(())).await;
    gateway.write_config(&changed(&gateway, "verify: none", "verify: full"));
    gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 3.0).await;
    assert_eq!(cautions(), 3);
}

#[tokio::test]
async fn a_file_that_is_gone_leaves_the_old_configuration_in_force() {
    let a = named("a").await;
    let gateway = Config::new(&snapshot(&a, "ClaimA")).start().await;
    std::fs::remove_file(gateway.config_file()).unwrap();
    gateway.metric_becomes("portcullis_config_last_reload_successful", 0.0).await;
    assert_eq!(ask(&gateway).await, "a a");
}

#[tokio::test]
async fn a_change_that_needs_a_restart_is_refused_with_that_reason() {
    let (a, b) = (named("a").await, named("b").await);
    let gateway = Config::new(&snapshot(&a, "ClaimA")).start().await;
    let [listener, admin] = [gateway.address(), gateway.admin()].map(|address| format!("address: \"{address}\""));
    let other = format!("address: \"{}\"", crate::support::ports::free());
    let good = gateway.config_text();
    // Whatever else changed in the same file is not taken up either: all or nothing.
    let also = good.replace(&a.address().to_string(), &b.address().to_string());
    for (from, to, setting) in [
        ("workers: 2", "workers: 3", "workers"),
        ("workers: 2", "workers: 2\nstores: { holder_keys: 7 }", "stores"),
        ("level: info", "level: warn", "logging"),
        (listener.as_str(), other.as_str(), "listeners"),
        (admin.as_str(), other.as_str(), "admin"),
    ] {
        assert!(also.contains(from), "{from} is not in {also}");
        gateway.write_config(&also.replace(from, to));
        gateway.signal("HUP");
        gateway.audit_line(|event| event["event"] == "restart_needed" && event["setting"] == setting).await;
        assert_eq!(ask(&gateway).await, "a a", "{setting}");
    }
    assert!(reloads(&gateway, "restart_needed").await >= 3.0);
    assert!(reloads(&gateway, "refused").await < 0.5);
    gateway.metric_becomes("portcullis_config_last_reload_successful", 0.0).await;
    gateway.write_config(&also);
    answers_become(&gateway, "b a").await;
}

#[tokio::test]
async fn a_request_lives_under_the_configuration_that_it_began_under() {
    let slow = Upstream::always(Reply::ok().after(Duration::from_secs(2))).await;
    let b = named("b").await;
    let gateway = Config::new(&snapshot(&slow, "ClaimA")).start().await;
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", credential())).await;
    eventually("the request at the backend", || (!slow.heard().is_empty()).then_some(())).await;
    gateway.write_config(&changed(&gateway, &slow.address().to_string(), &b.address().to_string()));
    gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 1.0).await;
    assert_eq!(ask(&gateway).await, "b a");
    assert_eq!(client.answer().await.text(), "ok");
    assert_eq!(slow.request().field("x-which"), Some("a"));
    // The next request on the same connection lives under the new one.
    client.send(format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", credential())).await;
    assert_eq!(client.answer().await.text(), "b a");
}

#[tokio::test]
async fn a_request_whose_content_is_still_coming_keeps_the_configuration_that_it_began_under() {
    let (a, b) = (named("a").await, named("b").await);
    let gateway = Config::new(&snapshot(&a, "ClaimA").replace("[header, query]", "[header, form]")).start().await;
    let head = format!("POST /bartender/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n", credential());
    let mut client = RawClient::connect(gateway.address()).await;
    client
        .send(format!("{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"))
        .await;
    assert_eq!(client.next_answer().await.unwrap().status(), 100);
    let second = changed(&gateway, &a.address().to_string(), &b.address().to_string()).replace("ClaimA", "ClaimB");
    gateway.write_config(&second);
    answers_become(&gateway, "b b").await;
    client.send("x=1").await;
    assert_eq!(client.next_answer().await.unwrap().text(), "a a");
    assert_eq!(a.requests().pop().unwrap().text(), "x=1");
}

/// Asks again and again on one connection until told to stop; how many answers each snapshot gave.
async fn load_over_http1(to: std::net::SocketAddr, stop: Arc<AtomicBool>) -> [u32; 2] {
    let request = format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", credential());
    let (mut client, mut counts) = (RawClient::connect(to).await, [0, 0]);
    let mut ticks = tokio::time::interval(BETWEEN_REQUESTS);
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        client.send(&request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 200);
        count(&answer.text(), &mut counts);
    }
    counts
}

async fn load_over_http2(to: std::net::SocketAddr, stop: Arc<AtomicBool>) -> [u32; 2] {
    let credential = credential();
    let (mut client, mut counts) = (Http2Client::connect(to).await, [0, 0]);
    let mut ticks = tokio::time::interval(BETWEEN_REQUESTS);
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let answer = client.fetch("http://localhost/bartender/x", &[("authorization", &credential)]).await.unwrap();
        assert_eq!(answer.status, 200);
        count(std::str::from_utf8(&answer.content).unwrap(), &mut counts);
    }
    counts
}

/// An answer is one snapshot's or the other's, never a mixture.
fn count(answer: &str, counts: &mut [u32; 2]) {
    match answer {
        "a a" => counts[0] += 1,
        "b b" => counts[1] += 1,
        mixed => panic!("an answer of no snapshot: {mixed}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_fails_and_each_is_consistent_while_the_file_changes_every_second() {
    let wanted = Environment::Process.value("PORTCULLIS_TEST_RELOAD_SECONDS");
    let seconds = wanted.map_or(SECONDS_UNDER_LOAD, |text| text.parse().expect("a number of seconds"));
    let (a, b) = (named("a").await, named("b").await);
    let gateway = Config::new(&snapshot(&a, "ClaimA")).start().await;
    let first = gateway.config_text();
    let second = first.replace(&a.address().to_string(), &b.address().to_string()).replace("ClaimA", "ClaimB");

    let (stop, mut clients) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for number in 0..CLIENTS {
        let (to, stop) = (gateway.address(), Arc::clone(&stop));
        if number % 4 == 3 {
            clients.spawn(load_over_http2(to, stop))
        } else {
            clients.spawn(load_over_http1(to, stop))
        };
    }
    let mut turns = tokio::time::interval(Duration::from_secs(1));
    for turn in 0..seconds {
        turns.tick().await;
        gateway.write_config(if turn % 2 == 0 { &second } else { &first });
    }
    turns.tick().await;
    stop.store(true, Ordering::Relaxed);
    let mut total = [0, 0];
    while let Some(counts) = clients.join_next().await {
        let [of_a, of_b] = counts.expect("a client without a failed request");
        total = [total[0] + of_a, total[1] + of_b];
    }
    let taken_up = reloads(&gateway, "succeeded").await;
    println!("{total:?} answers of the two snapshots, {taken_up} reloads");
    // Each snapshot was in force half of the time, and most changes were seen.
    let least = u32::try_from(seconds).unwrap() * 1000 / 40 * CLIENTS / 8;
    assert!(total.iter().all(|count| *count >= least), "{total:?} answers, less than {least}");
    assert!(taken_up >= f64::from(u32::try_from(seconds).unwrap()) / 2.0, "{taken_up} reloads in {seconds} seconds");
    assert!(reloads(&gateway, "refused").await < 0.5);
}
