//! Key servers that fail, lie, are flooded or change their keys, T-80 to T-83.

use super::Scene;
use crate::support::message::Message;
use crate::support::wssec::{AUDIENCE, HolderKey, ISSUER, Partners, Requester};
use crate::support::{Config, Gateway, Reply, Upstream, raw};
use portcullis::clock;
use portcullis::crypto::{KeyKind, NewKey, SigningKey};
use portcullis::token::jose::{IssuingKey, describe};
use portcullis::token::jwt::{self, StatedHolder};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// A key server, and what it answers at the moment to each path.
struct KeyServer {
    server: Upstream,
    answer: Arc<Mutex<Reply>>,
}

impl KeyServer {
    async fn answering(reply: Reply) -> Self {
        let answer = Arc::new(Mutex::new(reply));
        let ours = Arc::clone(&answer);
        Self { server: Upstream::answering(move |_| ours.lock().unwrap().clone()).await, answer }
    }

    fn answer(&self, reply: Reply) {
        *self.answer.lock().unwrap() = reply;
    }

    fn asked(&self) -> usize {
        self.server.requests().len()
    }

    /// Waits until it was asked so many times more.
    async fn is_asked_again(&self, times: usize) {
        self.server.requests_come(self.asked() + times).await;
    }

    /// A gateway that fetches keys from there.
    fn config(&self, refresh: &str) -> Config {
        self.config_with(&format!("jwks_uri: \"http://{}/jwks\"", self.server.address()), refresh)
    }

    fn config_with(&self, place: &str, refresh: &str) -> Config {
        let refresh = format!("{{ allow_cleartext: true, allow_private: true{refresh} }}");
        let issuer = if place.starts_with("discovery") { format!("http://{}", self.server.address()) } else { ISSUER.to_owned() };
        let jwt = format!("{{ jwt: {{ issuer: \"{issuer}\", audiences: [{AUDIENCE}], {place}, key_refresh: {refresh} }} }}");
        Partners::new().set("token_profiles", &jwt).config()
    }

    /// The series of its figures.
    fn series(&self, name: &str, more: &str) -> String {
        format!("portcullis_key_{name}{{scheme=\"partners\",source=\"http://{}/jwks\"{more}}}", self.server.address())
    }
}

/// A key that signs tokens, under this name.
fn issuing(name: &str) -> IssuingKey {
    IssuingKey::signing(SigningKey::generate(NewKey::P256).unwrap(), None).unwrap().named(name)
}

fn fine(content: &str) -> Reply {
    Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}", content.len()))
}

fn document(keys: &[&IssuingKey]) -> String {
    let described: Vec<_> = keys.iter().map(|key| describe(key.public().unwrap(), key.id().unwrap(), None)).collect();
    format!("{{\"keys\":[{}]}}", described.join(","))
}

fn set(keys: &[&IssuingKey]) -> Reply {
    fine(&document(keys))
}

/// Somebody with a token that this key signed.
fn requester(key: &IssuingKey) -> Requester {
    let holder = HolderKey::new(KeyKind::P256);
    let HolderKey::Private(private) = &holder else { panic!("a new key is private") };
    let now = clock::now();
    let statement = jwt::Statement {
        token_type: "at+jwt",
        issuer: ISSUER,
        subject: Some("alice"),
        audiences: &[AUDIENCE],
        issued: now.earlier(5),
        expires: now.later(3600),
        claims: &[],
        holder: StatedHolder::Key(private.public()),
    };
    Requester { profile: "jwt", token: jwt::issue(&statement, key).unwrap().as_bytes().to_vec(), key: holder }
}

/// What becomes of a new request of theirs: the status, and the reason of a denial.
async fn outcome(gateway: &Gateway, requester: &Requester) -> (u16, String) {
    let answer: Message = raw::ask(gateway.address(), requester.get("/orders").sign().whole()).await;
    if answer.status() == 200 {
        return (200, String::new());
    }
    let id = answer.field("x-request-id").unwrap().to_owned();
    let line = gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
    (answer.status(), line["reason"].as_str().unwrap().to_owned())
}

async fn is_admitted(gateway: &Gateway, requester: &Requester) {
    assert_eq!(outcome(gateway, requester).await, (200, String::new()));
}

async fn is_refused(gateway: &Gateway, requester: &Requester, status: u16, reason: &str) {
    assert_eq!(outcome(gateway, requester).await, (status, reason.to_owned()));
}

#[tokio::test]
async fn t_80_a_flood_of_unknown_keys_is_not_passed_on() {
    let key = issuing("good");
    let keys = KeyServer::answering(set(&[&key])).await;
    let scene = Scene::with(keys.config("")).await;
    let good = requester(&key);
    is_admitted(&scene.gateway, &good).await;
    let (before, began) = (keys.asked(), clock::instant());
    let mut flood = JoinSet::new();
    for part in 0..20_u32 {
        let address = scene.gateway.address();
        flood.spawn(async move {
            for number in 0..100 {
                let strange = requester(&issuing(&format!("{part}.{number}")));
                assert_eq!(raw::ask(address, strange.get("/orders").sign().whole()).await.status(), 401);
            }
        });
    }
    while let Some(done) = flood.join_next().await {
        done.unwrap();
        is_admitted(&scene.gateway, &good).await;
    }
    let intervals = began.elapsed().as_secs() / 10 + 2;
    let asked = keys.asked() - before;
    assert!(asked > 0 && asked <= usize::try_from(intervals).unwrap(), "asked {asked} times in {:?}", began.elapsed());
}

#[tokio::test]
async fn t_80_invented_keys_do_not_keep_a_new_one_away() {
    let (key, new, newer) = (issuing("good"), issuing("new"), issuing("newer"));
    let keys = KeyServer::answering(set(&[&key])).await;
    let scene = Scene::with(keys.config(", min_interval: 3s")).await;
    is_admitted(&scene.gateway, &requester(&key)).await;
    is_refused(&scene.gateway, &requester(&issuing("invented")), 401, "key_unknown").await;
    keys.answer(set(&[&key, &new]));
    is_admitted(&scene.gateway, &requester(&new)).await;
    // Now both fetches are used up, and the issuer signs with a key that it did not show before.
    keys.answer(set(&[&key, &new, &newer]));
    let (asked, began, requester) = (keys.asked(), clock::instant(), requester(&newer));
    is_refused(&scene.gateway, &requester, 401, "key_unknown").await;
    keys.is_asked_again(1).await;
    scene.gateway.metric_becomes(&keys.series("set_keys", ""), 3.0).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    is_admitted(&scene.gateway, &requester).await;
    assert_eq!(keys.asked(), asked + 1);
}

#[tokio::test]
async fn t_81_a_key_server_that_fails_changes_nothing() {
    let (key, strange) = (issuing("good"), issuing("strange"));
    let keys = KeyServer::answering(set(&[&key])).await;
    let scene = Scene::with(keys.config(", interval: 1s, timeout: 500ms, max_size: 4KiB")).await;
    let good = requester(&key);
    is_admitted(&scene.gateway, &good).await;
    let other = document(&[&strange]);
    let wrong = [
        Reply::of("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
        fine("<html>Sign in</html>"),
        fine("{\"keys\":[]}"),
        fine(&" ".repeat(5000)),
        Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n{}", " ".repeat(5000))),
        Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Encoding: gzip\r\n\r\n{other}", other.len())),
        Reply::of("HTTP/1.1 302 Found\r\nLocation: /strange\r\nContent-Length: 0\r\n\r\n"),
        Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{other}", other.len() + 1)),
        Reply::never(),
        Reply::of("").cut(),
    ];
    for (number, reply) in wrong.into_iter().enumerate() {
        keys.answer(reply);
        // The second one begins after the first one ended.
        keys.is_asked_again(2).await;
        is_admitted(&scene.gateway, &good).await;
        is_refused(&scene.gateway, &requester(&strange), 401, "key_unknown").await;
        assert!(scene.gateway.metric(&keys.series("refreshes_total", ",outcome=\"failed\"")).await > number as f64);
    }
    assert!(keys.server.requests().iter().all(|request| request.start.contains(" /jwks ")), "a redirect was followed");
    for reason in
        ["fetch_status", "key_set_syntax", "key_set_empty", "fetch_too_large", "fetch_encoded", "fetch_timeout", "fetch_interrupted"]
    {
        scene.gateway.audit_line(|event| event.to_string().contains(&format!("\"{reason}\""))).await;
    }
}

#[tokio::test]
async fn t_81_without_keys_nobody_is_let_in_and_nobody_is_blamed() {
    let key = issuing("good");
    let keys = KeyServer::answering(Reply::of("HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")).await;
    let scene = Scene::with(keys.config(", interval: 1s, max_stale: 3s")).await;
    let good = requester(&key);
    is_refused(&scene.gateway, &good, 503, "keys_unavailable").await;
    scene.upstream.assert_untouched();
    keys.answer(set(&[&key]));
    keys.is_asked_again(2).await;
    is_admitted(&scene.gateway, &good).await;
    scene.gateway.metric_becomes(&keys.series("set_keys", ""), 1.0).await;
    keys.answer(fine("gone"));
    keys.is_asked_again(5).await;
    is_refused(&scene.gateway, &good, 503, "keys_unavailable").await;
}

#[tokio::test]
async fn t_82_discovery_leads_only_where_it_may() {
    let key = issuing("good");
    let inside = KeyServer::answering(set(&[&key])).await;
    let keys = KeyServer::answering(Reply::ok()).await;
    let own = format!("http://{}", keys.server.address());
    let metadata = |address: &str| fine(&format!("{{\"issuer\":\"{own}\",\"jwks_uri\":\"{address}\"}}"));
    for elsewhere in
        [format!("http://{}/jwks", inside.server.address()), "http://169.254.169.254/".to_owned(), "file:///etc/passwd".to_owned()]
    {
        keys.answer(metadata(&elsewhere));
        let scene = Scene::with(keys.config_with("discovery: true", "")).await;
        is_refused(&scene.gateway, &requester(&key), 503, "keys_unavailable").await;
        scene.gateway.audit_line(|event| event.to_string().contains("\"key_address_refused\"")).await;
    }
    inside.server.assert_untouched();
}

#[tokio::test]
async fn t_83_a_removed_key_is_gone_after_the_interval() {
    let (old, new) = (issuing("old"), issuing("new"));
    let keys = KeyServer::answering(set(&[&old])).await;
    let scene = Scene::with(keys.config(", interval: 1s")).await;
    let (before, after) = (requester(&old), requester(&new));
    is_admitted(&scene.gateway, &before).await;
    is_admitted(&scene.gateway, &before).await;
    keys.answer(set(&[&new]));
    // Nobody asks for a key that is not there.
    keys.is_asked_again(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    is_refused(&scene.gateway, &before, 401, "key_unknown").await;
    is_admitted(&scene.gateway, &after).await;
}

#[tokio::test]
async fn t_83_a_rotation_under_load_refuses_nobody() {
    let generations: Vec<_> = (0..4_u32).map(|number| issuing(&number.to_string())).collect();
    let keys = KeyServer::answering(set(&[&generations[0]])).await;
    // Unknown keys may cause a fetch every second; what is removed stays for a second after it.
    let scene = Arc::new(Scene::with(keys.config(", interval: 1s, min_interval: 1s")).await);
    is_admitted(&scene.gateway, &requester(&generations[0])).await;
    for pair in generations.windows(2) {
        let [old, new] = pair else { panic!("a pair is two") };
        keys.answer(set(&[old, new]));
        let (old, new) = (requester(old), requester(new));
        let mut load = JoinSet::new();
        for number in 0..8 {
            let (scene, requester) = (Arc::clone(&scene), if number % 2 == 0 { old.clone() } else { new.clone() });
            load.spawn(async move {
                let until = clock::instant() + Duration::from_millis(1500);
                while clock::instant() < until {
                    is_admitted(&scene.gateway, &requester).await;
                }
            });
        }
        while let Some(done) = load.join_next().await {
            done.unwrap();
        }
    }
    is_refused(&scene.gateway, &requester(&generations[0]), 401, "key_unknown").await;
}

#[tokio::test]
async fn t_83_a_reload_goes_on_with_the_keys_that_are_there() {
    let key = issuing("good");
    let keys = KeyServer::answering(set(&[&key])).await;
    let scene = Scene::with(keys.config("")).await;
    let good = requester(&key);
    is_admitted(&scene.gateway, &good).await;
    keys.answer(Reply::of("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
    let asked = keys.asked();
    let text = scene.gateway.config_text();
    for changed in [format!("{text}\n"), text.replace("allow_private: true", "allow_private: true, interval: 2m")] {
        let reloads = scene.gateway.metric("portcullis_config_reloads_total{outcome=\"succeeded\"}").await;
        std::fs::write(scene.gateway.config_file(), changed).unwrap();
        scene.gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", reloads + 1.0).await;
        is_admitted(&scene.gateway, &good).await;
    }
    // The source that is asked at another pace begins with a fetch; the one that stayed did not.
    assert!(keys.asked() <= asked + 1, "{}", keys.asked());
}
