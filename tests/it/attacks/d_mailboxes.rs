//! Mailboxes of one host that some take for mailboxes of another, T-76.

use super::Scene;
use crate::support::Config;
use crate::support::certificates::{Authority, Identity};
use crate::support::issuer::{Issuer, in_seconds};
use crate::support::{RawClient, Token};
use portcullis::token::json;
use rcgen::SanType;

/// Mailboxes of others, as they would be taken for one of `a.example`.
const OTHERS: [&str; 12] = [
    "eve@evil.example@a.example",
    "eve@evil.example,@a.example@a.example",
    "\"eve@evil.example\"@a.example",
    "\"x,eve@a.example,y\"@evil.example",
    "eve@a.example@evil.example",
    "eve@a.example.evil.example",
    "eve@sub.a.example",
    "eve@aXexample",
    "eve@a.example ",
    "eve@a.example\u{2024}evil.example",
    "eve@evil.example?@a.example",
    "a.example",
];

fn claims(mailbox: &str) -> String {
    let mut text = format!(r#"{{"iss":"https://issuer.example","sub":"eve","aud":"orders","exp":{},"email":"#, in_seconds(600).seconds());
    json::quote(mailbox, &mut text);
    text.push('}');
    text
}

fn get(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

#[tokio::test]
async fn t_76_a_mailbox_belongs_to_one_host() {
    let issuer = Issuer::new();
    let text = r#"
schemes:
  api: { jwt: { issuer: "https://issuer.example", audiences: [orders], jwks_file: "{keys}/jwks.json" } }
  bar: { wrap: { issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }], audience: "{audience}", claims: { email: { like: "*@a.example" } } } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { path: /like }, authenticate: api, upstream: bar, authorize: { claims: { email: { like: "*@a.example" } } } }
  - { match: { path: /one }, authenticate: api, upstream: bar, authorize: { claims: { email: [eve@a.example] } } }
  - { match: { path: /bartender }, authenticate: bar, upstream: bar }
"#;
    let scene = Scene::with(Config::new(text).file("jwks.json", &issuer.jwks())).await;
    let bearer = |mailbox: &str| format!("Authorization: Bearer {}\r\n", issuer.signed(r#"{"alg":"ES256","kid":"a"}"#, &claims(mailbox)));
    for other in OTHERS {
        for path in ["/like", "/one"] {
            scene.refuses(get(path, &bearer(other)), 403, "claim_insufficient").await;
        }
        let token = Token::new().claim("email", other).authorization();
        scene.refuses(get("/bartender", &token), 401, "claim_mismatch").await;
    }
    let own = "eve@a.example";
    for (path, line) in [
        ("/like", bearer(own)),
        ("/one", bearer(own)),
        ("/bartender", Token::new().claim("email", own).authorization()),
        // Two mailboxes are a list of two.
        ("/like", bearer("eve@evil.example,eve@a.example")),
    ] {
        assert_eq!(scene.ask(get(path, &line)).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn t_76_a_certificate_for_a_mailbox_of_another_host() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let (certificate, key) = servers.certify(&["localhost"]);
    let text = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls: { certificate: "{keys}/server.pem", key: "{keys}/server.key", client_certificate: any }
schemes:
  cert: { x509: { trust_anchors_file: "{keys}/clients.pem", san: { email: ["*@a.example"] } } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { path: / }, authenticate: cert, upstream: bar, identity: { preset: auth-request } }
"#;
    let config = Config::new(text).file("server.pem", &certificate).file("server.key", &key).file("clients.pem", clients.pem());
    let scene = Scene::with(config).await;
    let with = async |mailbox: &str| {
        let mut params = Identity::params(&[]);
        params.subject_alt_names.push(SanType::Rfc822Name(mailbox.try_into().unwrap()));
        let stream = servers.connect_with(scene.gateway.address(), "localhost", &clients.identify_by(&params)).await;
        let mut client = RawClient::over(stream);
        client.send(get("/x", "")).await;
        client.answer().await.status()
    };
    for other in OTHERS.iter().filter(|other| other.is_ascii()) {
        assert_eq!(with(other).await, 401, "{other}");
    }
    scene.upstream.assert_untouched();
    assert_eq!(with("eve@A.example").await, 200);
    assert_eq!(scene.upstream.requests().pop().unwrap().field("x-auth-request-user"), Some("eve@A.example"));
}
