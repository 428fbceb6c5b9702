//! Tokens that somebody else is asked about: issuers that fail or lie, T-73, and what is remembered, T-84 to T-86.

use super::Scene;
use crate::support::introspection::{ACTIVE, OpaqueIssuer, TOKEN, config, fine, reply};
use crate::support::{Reply, raw};
use std::time::Duration;
use tokio::task::JoinSet;

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
}

#[tokio::test]
async fn t_73_an_issuer_that_cannot_say_lets_nobody_in() {
    let issuer = OpaqueIssuer::answering(fine("")).await;
    let settings = ", timeout: 500ms, max_answer_size: 4KiB, failures_before_open: 1000";
    let scene = Scene::with(issuer.config(settings)).await;
    let html = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{ACTIVE}", ACTIVE.len());
    let redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    for wrong in [
        reply("500 Internal Server Error", ACTIVE),
        reply("401 Unauthorized", ACTIVE),
        reply("204 No Content", ""),
        Reply::of(html),
        Reply::of(redirect),
        Reply::of("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"active\":true").cut(),
        Reply::of("nonsense\r\n\r\n").cut(),
        Reply::of("").cut(),
        Reply::never(),
        fine(""),
        fine("{}"),
        fine("{\"active\":\"true\"}"),
        fine("{\"active\":1}"),
        fine(&ACTIVE.replace("{\"active\":true", "{\"active\":false,\"active\":true")),
        fine(&format!("[{ACTIVE}]")),
        fine(&format!("{ACTIVE}{ACTIVE}")),
        fine(&ACTIVE.replace("4102444800", "\"never\"")),
        fine(&ACTIVE.replace('}', &format!(",\"x\":\"{}\"}}", "x".repeat(5000)))),
    ] {
        issuer.answer(wrong);
        scene.refuses(get("/"), 503, "introspection_unavailable").await;
    }
    issuer.answer(fine(ACTIVE));
    assert_eq!(scene.ask(get("/")).await.status(), 200, "nothing of it is remembered");
}

#[tokio::test]
async fn t_73_an_issuer_that_fails_is_spared_and_lets_nobody_in() {
    let issuer = OpaqueIssuer::answering(reply("503 Service Unavailable", "")).await;
    let scene = Scene::with(issuer.config(", failures_before_open: 2, open_for: 2s")).await;
    for _ in 0..5 {
        scene.refuses(get("/"), 503, "introspection_unavailable").await;
    }
    assert_eq!(issuer.asked(), 2);
    issuer.answer(fine(ACTIVE));
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(scene.ask(get("/")).await.status(), 200);
}

#[tokio::test]
async fn t_84_an_answer_of_one_issuer_is_none_of_another() {
    let (ours, theirs) = (OpaqueIssuer::answering(fine(ACTIVE)).await, OpaqueIssuer::answering(fine("{\"active\":false}")).await);
    let schemes =
        format!("  ours: {}\n  theirs: {}\n  other: {}\n", ours.scheme(""), theirs.scheme(""), ours.scheme(", claims: { role: [x] }"));
    let route = |name: &str| format!("  - {{ match: {{ path: /{name} }}, authenticate: {name}, upstream: bar }}\n");
    let scene = Scene::with(config(&schemes, &["ours", "theirs", "other"].map(route).concat())).await;
    for _ in 0..2 {
        assert_eq!(scene.ask(get("/ours")).await.status(), 200);
        assert_eq!(scene.ask(get("/theirs")).await.status(), 401);
        assert_eq!(scene.ask(get("/other")).await.status(), 401);
    }
    scene.gateway.denial("token_inactive").await;
    scene.gateway.denial("claim_missing").await;
    assert_eq!((ours.asked(), theirs.asked()), (2, 1), "each asks for itself, once");
}

#[tokio::test]
async fn t_85_an_answer_is_not_believed_past_the_end_of_its_token() {
    let end = portcullis::clock::now().later(3).seconds();
    let issuer = OpaqueIssuer::answering(fine(&ACTIVE.replace("4102444800", &end.to_string()))).await;
    let scene = Scene::with(issuer.config(", cache_ttl: 1h, leeway: 0s")).await;
    assert_eq!(scene.ask(get("/")).await.status(), 200);
    tokio::time::sleep(Duration::from_millis(3200)).await;
    assert_eq!(scene.ask(get("/")).await.status(), 401);
    scene.gateway.denial("expired").await;
}

#[tokio::test]
async fn t_86_a_hundred_at_once_ask_once() {
    let issuer = OpaqueIssuer::answering(fine(ACTIVE).after(Duration::from_secs(1))).await;
    let scene = Scene::with(issuer.config("")).await;
    let address = scene.gateway.address();
    let mut all = JoinSet::new();
    // Whoever goes away before the answer takes nobody along.
    for _ in 0..5 {
        all.spawn(async move { drop(tokio::time::timeout(Duration::from_millis(300), raw::ask(address, get("/"))).await) });
    }
    while all.join_next().await.is_some() {}
    let mut all = JoinSet::new();
    for _ in 0..100 {
        all.spawn(async move { raw::ask(address, get("/")).await.status() });
    }
    assert!(all.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn t_86_of_a_slow_issuer_nobody_waits_longer_than_a_question_takes() {
    let issuer = OpaqueIssuer::answering(Reply::never()).await;
    let scene = Scene::with(issuer.config(", timeout: 1s")).await;
    let begun = portcullis::clock::instant();
    let address = scene.gateway.address();
    let mut all = JoinSet::new();
    for _ in 0..20 {
        all.spawn(async move { raw::ask(address, get("/")).await.status() });
    }
    assert!(all.join_all().await.iter().all(|status| *status == 503));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    scene.upstream.assert_untouched();
}
