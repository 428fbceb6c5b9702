//! Who was proved, told to the backend in one signed form: what it verifies, how often it is made, and how keys change.

use crate::support::http2::Http2Client;
use crate::support::issuer::{Issuer, in_seconds};
use crate::support::message::Message;
use crate::support::tokens::ISSUER;
use crate::support::{Config, Gateway, Token, Upstream, raw};
use portcullis::crypto::{NewKey, SigningKey, base64url};
use portcullis::token::jose::{KeySet, Unconfirmed, pem};
use portcullis::token::jwt::Statement;
use serde_json::Value;
use std::process::Command;

const FIELD: &str = "x-identity-assertion";
const KEY_SET: &str = "/.well-known/portcullis/jwks.json";

/// The keys in the ring by their files, and further settings of the ring.
fn text(keys: &[&str], more: &str) -> String {
    let keys: Vec<_> = keys.iter().map(|name| format!("{{ file: \"{{keys}}/{name}\" }}")).collect();
    format!(
        "schemes:\n  api: {{ jwt: {{ issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{{keys}}/jwks.json\" }} }}\n  \
         bartender: {{ wrap: {{ issuers: [{{ name: \"{{issuer}}\", key_file: \"{{keys}}/bouncer.b64\" }}], audience: \"{{audience}}\" }} }}\n\
         assertion: {{ issuer: \"https://gateway.example\", keys: [{}]{more} }}\n\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n\
         routes:\n  - {{ name: api, match: {{ path: /api/ }}, authenticate: api, upstream: bar, identity: {{ assertion: {{ \
         audience: \"https://orders.internal\", claims: [email], lists: [groups] }} }} }}\n  \
         - {{ name: bartender, match: {{ path: /bar/ }}, authenticate: bartender, upstream: bar, identity: {{ assertion: {{ \
         audience: \"https://orders.internal\", claims: [email], lists: [groups] }} }} }}\n  \
         - {{ name: plain, match: {{ path: /plain/ }}, authenticate: bartender, upstream: bar }}\n  \
         - {{ name: public, match: {{ path: /public/ }}, public: true, upstream: bar }}\n",
        keys.join(", ")
    )
}

struct Scene {
    issuer: Issuer,
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(more: &str) -> Self {
        let (issuer, upstream) = (Issuer::new(), Upstream::start().await);
        let new = |kind| pem::write(&SigningKey::generate(kind).unwrap()).to_string();
        let config = Config::new(&text(&["old.pem"], more)).file("jwks.json", &issuer.jwks()).upstream(&upstream);
        let config = config.file("old.pem", &new(NewKey::P256)).file("new.pem", &new(NewKey::Ed25519));
        Self { gateway: config.start().await, issuer, upstream }
    }

    /// What the backend got, where the request reaches it.
    async fn request(&self, target: &str, lines: &str) -> Message {
        let answer = raw::fetch(self.gateway.address(), target, lines).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        self.upstream.requests().pop().expect("a request at the backend")
    }

    /// The one assertion that the backend got.
    async fn assertion(&self, target: &str, lines: &str) -> String {
        let request = self.request(target, lines).await;
        let values = request.values(FIELD);
        assert_eq!(values.len(), 1, "{values:?}");
        values[0].to_owned()
    }

    async fn key_set(&self) -> String {
        let answer = self.gateway.ask_admin(KEY_SET).await;
        assert_eq!((answer.status(), answer.field("content-type")), (200, Some("application/jwk-set+json")));
        assert_eq!(answer.field("cache-control"), Some("max-age=300"));
        answer.text()
    }

    /// With the same files and another ring.
    async fn rotate(&self, keys: &[&str]) {
        self.gateway.reload(&Config::new(&text(keys, "")).upstream(&self.upstream)).await;
    }

    fn bearer(&self, claims: &[(&str, &str)]) -> String {
        let token = self.issuer.token(&Statement { claims, ..Issuer::statement() });
        format!("Authorization: Bearer {token}\r\n")
    }
}

/// Whether a backend that has this key set believes the token; what it then reads.
fn verified(token: &str, set: &str) -> Option<Value> {
    let keys = KeySet::read_public(set.as_bytes()).unwrap();
    let jws = Unconfirmed::parse(token).unwrap().confirmed_by(keys.keys()).ok()?;
    assert_eq!(jws.header().token_type(), Some("JWT"));
    let payload = base64url::decode_to_vec(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    Some(serde_json::from_slice(&payload).unwrap())
}

#[tokio::test]
async fn whatever_came_in_the_backend_sees_one_form() {
    let scene = Scene::new().await;
    let set = scene.key_set().await;
    let jwt = scene.bearer(&[("email", "a@b.example"), ("groups", "staff,night")]);
    let jwt = verified(&scene.assertion("/api/x", &jwt).await, &set).unwrap();
    let swt = Token::of("alice")
        .claim("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "a@b.example")
        .claim("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "staff,night");
    let swt = verified(&scene.assertion("/bar/x", &swt.authorization()).await, &set).unwrap();
    for claims in [&jwt, &swt] {
        assert_eq!(claims["iss"], "https://gateway.example");
        assert_eq!((&claims["aud"], &claims["sub"]), (&"https://orders.internal".into(), &"alice".into()));
        assert_eq!((&claims["email"], &claims["groups"]), (&"a@b.example".into(), &serde_json::json!(["staff", "night"])));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
        let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["aud", "email", "exp", "groups", "iat", "iss", "orig", "sub"]);
    }
    assert_eq!(jwt["orig"], serde_json::json!({ "iss": "https://issuer.example", "scheme": "api" }));
    assert_eq!(swt["orig"], serde_json::json!({ "iss": ISSUER, "scheme": "bartender" }));
}

#[tokio::test]
async fn the_command_for_tokens_verifies_it_with_the_published_keys() {
    let scene = Scene::new().await;
    let token = scene.assertion("/api/x", &scene.bearer(&[])).await;
    let file = scene.gateway.keys().join("published.json");
    std::fs::write(&file, scene.key_set().await).unwrap();
    let verify = |audience: &str| {
        let arguments = ["token", "jwt", "verify", "--key-file", file.to_str().unwrap(), "--issuer", "https://gateway.example"];
        Command::new(env!("CARGO_BIN_EXE_portcullis")).args(arguments).args(["--audience", audience, &token]).output().unwrap()
    };
    let fine = verify("https://orders.internal");
    assert!(fine.status.success(), "{}", String::from_utf8_lossy(&fine.stderr));
    assert!(!verify("https://other.internal").status.success());
}

#[tokio::test]
async fn an_assertion_is_made_once_for_everybody_of_whom_the_same_is_said() {
    let scene = Scene::new().await;
    let alice = scene.bearer(&[("email", "a@b.example")]);
    let first = scene.assertion("/api/x", &alice).await;
    assert_eq!(scene.assertion("/api/y", &alice).await, first);
    assert_eq!(scene.assertion("/api/x", &scene.bearer(&[("email", "a@b.example"), ("jti", "2")])).await, first);
    assert_ne!(scene.assertion("/api/x", &scene.bearer(&[("email", "c@b.example")])).await, first);
    assert_ne!(scene.assertion("/api/x", &scene.bearer(&[])).await, first);
}

#[tokio::test]
async fn an_assertion_ends_with_the_token_at_the_latest() {
    let scene = Scene::new().await;
    let expires = in_seconds(60);
    let token = scene.issuer.token(&Statement { expires, ..Issuer::statement() });
    let told = scene.assertion("/api/x", &format!("Authorization: Bearer {token}\r\n")).await;
    let claims = verified(&told, &scene.key_set().await).unwrap();
    let end = claims["exp"].as_u64().unwrap();
    assert!(end <= expires.seconds() && end > claims["iat"].as_u64().unwrap(), "{claims}");
}

#[tokio::test]
async fn without_a_memory_each_request_has_its_own() {
    let scene = Scene::with(", cache: 0B").await;
    let alice = scene.bearer(&[]);
    // ECDSA draws a number for each signature.
    assert_ne!(scene.assertion("/api/x", &alice).await, scene.assertion("/api/x", &alice).await);
}

#[tokio::test]
async fn what_a_client_sends_under_the_name_is_removed_everywhere() {
    let scene = Scene::new().await;
    let spellings = ["X-Identity-Assertion", "x_identity_assertion", "X.Identity.Assertion", "X-IDENTITY_ASSERTION"];
    let forged: String = spellings.iter().map(|name| format!("{name}: forged\r\n")).collect();
    for (target, credential, expected) in [
        ("/public/x", String::new(), 0),
        ("/plain/x", Token::of("alice").authorization(), 0),
        ("/bar/x", Token::of("alice").authorization(), 1),
        ("/api/x", scene.bearer(&[]), 1),
    ] {
        let request = scene.request(target, &format!("{forged}{credential}")).await;
        assert_eq!(request.values(FIELD).len(), expected, "{target}");
        assert!(!request.fields.iter().any(|(_, value)| value == "forged"), "{target}: {request:?}");
    }
}

#[tokio::test]
async fn keys_change_without_a_moment_in_which_nobody_believes() {
    let scene = Scene::new().await;
    let alice = scene.bearer(&[]);
    let first = scene.assertion("/api/x", &alice).await;
    scene.rotate(&["old.pem", "new.pem"]).await;
    let both = scene.key_set().await;
    let second = scene.assertion("/api/x", &alice).await;
    assert!(verified(&first, &both).is_some() && verified(&second, &both).is_some());
    assert_eq!(Unconfirmed::parse(&second).unwrap().header().algorithm().name(), "ES256", "the new key is known before it signs");
    scene.rotate(&["new.pem", "old.pem"]).await;
    let third = scene.assertion("/api/x", &alice).await;
    assert_eq!(Unconfirmed::parse(&third).unwrap().header().algorithm().name(), "EdDSA", "what was made before is not used any more");
    assert!(verified(&third, &both).is_some(), "who still has the set of before believes it");
    assert!(verified(&second, &scene.key_set().await).is_some(), "what the old key signed is good until it ends");
    scene.rotate(&["new.pem"]).await;
    let after = scene.key_set().await;
    assert!(verified(&third, &after).is_some() && verified(&second, &after).is_none());
}

#[tokio::test]
async fn data_listeners_publish_the_keys_only_where_they_are_told_to() {
    let scene = Scene::with(", jwks_path: /keys.json").await;
    let set = scene.key_set().await;
    let ask = |line: &'static str| raw::ask(scene.gateway.address(), format!("{line} HTTP/1.1\r\nHost: any.example\r\n\r\n"));
    let answer = ask("GET /keys.json?v=1").await;
    assert_eq!((answer.status(), answer.text()), (200, set));
    assert_eq!((answer.field("content-type"), answer.field("connection")), (Some("application/jwk-set+json"), Some("close")));
    for other in ["POST /keys.json", "GET /keys.json/", "GET /Keys.json", "GET /key%73.json", "GET /.well-known/portcullis/jwks.json"] {
        assert_eq!(ask(other).await.status(), 404, "{other}");
    }
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    assert_eq!(client.fetch("http://any.example/keys.json", &[]).await.unwrap().status, 200);
    assert!(scene.upstream.requests().is_empty());
    let line = scene.gateway.access_line(|event| event["path"] == "/keys.json" && event["status"] == 200).await;
    assert!(line["route"].is_null(), "{line}");
}

#[tokio::test]
async fn without_settings_there_are_no_keys_and_no_assertions() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    assert_eq!(gateway.ask_admin(KEY_SET).await.status(), 404);
    let refused = Config::new(&text(&["old.pem"], "").replace("assertion: { issuer", "# assertion: { issuer")).refused();
    let report = refused.await.report;
    assert!(report.contains("an assertion, and nothing that says who makes it"), "{report}");
}
