//! DPoP end to end: a proof for each request, nonces of ours, a proxy that ends TLS.

use crate::support::certificates::Authority;
use crate::support::holder::Holder;
use crate::support::issuer::Issuer;
use crate::support::message::Message;
use crate::support::{Config, Gateway, RawClient, Upstream};
use portcullis::crypto::base64;

struct Scene {
    issuer: Issuer,
    holder: Holder,
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    /// With further settings of the scheme, and further top-level keys.
    async fn with(settings: &str, more: &str) -> Self {
        let issuer = Issuer::new();
        let upstream = Upstream::start().await;
        let text = format!(
            "schemes:\n  bound: {{ dpop: {{ issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{{keys}}/jwks.json\", {settings} }} }}\n\
             upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n{more}\
             routes:\n  - {{ name: bound, match: {{ path: / }}, authenticate: bound, upstream: bar, identity: {{ preset: auth-request }} }}\n"
        );
        let authority = Authority::new();
        let (certificate, key) = authority.certify(&["localhost"]);
        let config = Config::new(&text).file("jwks.json", &issuer.jwks()).file("nonce.key", &base64::encode(&[9; 32]));
        let config = config.file("cert.pem", &certificate).file("key.pem", &key).upstream(&upstream);
        Self { gateway: config.start().await, issuer, holder: Holder::new(), upstream }
    }

    async fn client(&self) -> RawClient {
        RawClient::connect(self.gateway.address()).await
    }
}

async fn get(client: &mut RawClient, lines: &str) -> Message {
    client.send(format!("GET /menu?a=1 HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")).await;
    client.answer().await
}

#[tokio::test]
async fn a_request_with_token_and_proof_reaches_the_backend_without_both() {
    let scene = Scene::with("", "").await;
    let token = scene.holder.token(&scene.issuer);
    let mut client = scene.client().await;
    for memory in ["miss", "hit"] {
        let answer = get(&mut client, &scene.holder.lines(&token, "")).await;
        assert_eq!((answer.status(), answer.mentions("dpop-nonce")), (200, false));
        let access = scene.gateway.access_line(|event| event["verdict_cache"] == memory).await;
        assert_eq!(access["auth_profile"], "dpop");
    }
    let last = scene.upstream.requests().pop().unwrap();
    assert_eq!((last.field("x-auth-request-user"), last.target()), (Some("alice"), "/menu?a=1"));
    assert!(!last.mentions("authorization") && !last.mentions("dpop"));
    let missing = get(&mut client, "").await;
    let challenge = missing.field("www-authenticate").unwrap();
    assert!(missing.status() == 401 && challenge.starts_with("DPoP algs=\"") && !challenge.contains("error"), "{challenge}");
}

#[tokio::test]
async fn a_holder_who_comes_often_is_verified_like_the_first_time() {
    let scene = Scene::with("", "").await;
    let token = scene.holder.token(&scene.issuer);
    let mut client = scene.client().await;
    for _ in 0..50 {
        let lines = scene.holder.lines(&token, "");
        assert_eq!(get(&mut client, &lines).await.status(), 200);
        let bent = bend_last(&scene.holder.lines(&token, ""));
        assert_eq!(get(&mut client, &bent).await.status(), 401);
    }
    scene.gateway.denial("holder_signature_invalid").await;
    // A stranger's proof is refused before its key is looked at.
    assert_eq!(get(&mut client, &Holder::new().lines(&token, "")).await.status(), 401);
    assert!(scene.gateway.metrics().await.contains("\nportcullis_holder_keys 1\n"));
}

/// The same lines, with another signature of the proof, which is what they end with.
fn bend_last(lines: &str) -> String {
    let (before, signature) = lines.trim_end().rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    format!("{before}.{}{rest}\r\n", if first == "A" { "B" } else { "A" })
}

#[tokio::test]
async fn a_nonce_is_asked_for_and_answered_on_one_connection() {
    let scene = Scene::with("nonce: required, nonce_key_file: \"{keys}/nonce.key\"", "").await;
    let token = scene.holder.token(&scene.issuer);
    let mut client = scene.client().await;
    let asked = get(&mut client, &scene.holder.lines(&token, "")).await;
    assert_eq!(asked.status(), 401);
    assert!(asked.field("www-authenticate").unwrap().ends_with("error=\"use_dpop_nonce\""));
    let nonce = asked.field("dpop-nonce").unwrap().to_owned();
    let answer = get(&mut client, &scene.holder.lines(&token, &format!("nonce=\"{nonce}\""))).await;
    assert_eq!(answer.status(), 200);
    scene.gateway.denial("nonce_missing").await;
}

#[tokio::test]
async fn the_next_nonce_comes_with_an_answer() {
    let scene = Scene::with("nonce: optional, nonce_key_file: \"{keys}/nonce.key\"", "").await;
    let token = scene.holder.token(&scene.issuer);
    let mut client = scene.client().await;
    let first = get(&mut client, &scene.holder.lines(&token, "")).await;
    assert_eq!((first.status(), first.field("cache-control")), (200, Some("no-store")));
    let nonce = first.field("dpop-nonce").unwrap().to_owned();
    let second = get(&mut client, &scene.holder.lines(&token, &format!("nonce=\"{nonce}\""))).await;
    assert_eq!((second.status(), second.mentions("dpop-nonce")), (200, false), "a fresh nonce needs no other one");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_target_is_what_the_client_saw() {
    let outside = "htu=\"https://api.example/menu\"";
    let lines = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example\r\n";
    let trusting = Scene::with("", "trusted_proxies: [127.0.0.1]\n").await;
    let token = trusting.holder.token(&trusting.issuer);
    let mut client = trusting.client().await;
    let answer = get(&mut client, &format!("{}{lines}", trusting.holder.lines(&token, outside))).await;
    assert_eq!(answer.status(), 200);
    let answer = get(&mut client, &format!("{}{lines}", trusting.holder.lines(&token, ""))).await;
    assert_eq!(answer.status(), 401, "not what the client saw");
    let wary = Scene::with("", "").await;
    let token = wary.holder.token(&wary.issuer);
    let mut client = wary.client().await;
    let answer = get(&mut client, &format!("{}{lines}", wary.holder.lines(&token, outside))).await;
    assert_eq!(answer.status(), 401, "anybody can write these fields");
    let denial = wary.gateway.denial("proof_target_mismatch").await;
    assert_eq!((&denial["expected"], denial.get("found")), (&"http://localhost/menu".into(), None), "{denial}");
}
