//! Tokens that are bound to client certificates: who may use one, and what a refusal says.

use crate::support::certificates::{Authority, Identity};
use crate::support::http2::Http2Client;
use crate::support::issuer::Issuer;
use crate::support::message::Message;
use crate::support::programs::output;
use crate::support::{Config, Gateway, RawClient, Upstream};
use portcullis::crypto::sha256;
use std::process::Command;

struct Scene {
    servers: Authority,
    clients: Authority,
    issuer: Issuer,
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    /// A gateway whose listener asks for certificates like this.
    async fn asking(clients_rule: &str) -> Self {
        let (servers, clients, issuer, upstream) = (Authority::new(), Authority::new(), Issuer::new(), Upstream::start().await);
        let text = format!(
            r#"
listeners:
  - address: "127.0.0.1:{{port}}"
    tls: {{ certificate: "{{keys}}/server.pem", key: "{{keys}}/server.key", {clients_rule} }}
schemes:
  bound: {{ mtls: {{ issuer: "https://issuer.example", audiences: [orders], jwks_file: "{{keys}}/jwks.json", realm: orders }} }}
  cert: {{ x509: {{ trust_anchors_file: "{{keys}}/clients.pem" }} }}
upstreams:
  bar: {{ servers: ["{{upstream}}"] }}
routes:
  - {{ name: bound, match: {{ path: /bound/ }}, authenticate: bound, upstream: bar, identity: {{ preset: auth-request }} }}
  - {{ name: both, match: {{ path: /both/ }}, authenticate: {{ all_of: [bound, cert] }}, upstream: bar, identity: {{ preset: auth-request }} }}
"#
        );
        let (certificate, key) = servers.certify(&["localhost"]);
        let config = Config::new(&text).file("server.pem", &certificate).file("server.key", &key).file("clients.pem", clients.pem());
        let gateway = config.file("jwks.json", &issuer.jwks()).upstream(&upstream).start().await;
        Self { servers, clients, issuer, gateway, upstream }
    }

    fn token_of(&self, identity: &Identity) -> String {
        self.issuer.bound_to(&sha256(identity.der()))
    }

    async fn ask(&self, identity: Option<&Identity>, target: &str, token: &str) -> Message {
        let stream = match identity {
            Some(identity) => self.servers.connect_with(self.gateway.address(), "localhost", identity).await,
            None => self.servers.connect(self.gateway.address(), "localhost", &[]).await,
        };
        let mut client = RawClient::over(stream);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")).await;
        client.answer().await
    }
}

#[tokio::test]
async fn a_token_holds_where_its_certificate_is_and_leaves_the_request() {
    let scene = Scene::asking("client_certificate: any").await;
    let alice = Identity::self_signed("alice");
    let token = scene.token_of(&alice);
    assert_eq!(scene.ask(Some(&alice), "/bound/x", &token).await.status(), 200);
    let request = scene.upstream.request();
    assert_eq!((request.field("x-auth-request-user"), request.field("authorization")), (Some("alice"), None));
    let line = scene.gateway.access_line(|line| line["status"] == 200).await;
    assert_eq!((line["subject"].as_str(), line["auth_profile"].as_str()), (Some("alice"), Some("mtls")), "{line}");

    let client = scene.servers.client_with(&[b"h2"], &alice);
    let mut client = Http2Client::over(Box::new(scene.servers.connect_as(scene.gateway.address(), "localhost", client).await)).await;
    let credential = format!("Bearer {token}");
    for _ in 0..2 {
        let answer = client.fetch("https://localhost/bound/x", &[("authorization", &credential)]).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    scene.gateway.access_line(|line| line["verdict_cache"] == "hit").await;
}

#[tokio::test]
async fn anything_else_is_refused_for_its_reason() {
    let scene = Scene::asking("client_certificate: any").await;
    let (alice, eve) = (Identity::self_signed("alice"), Identity::self_signed("eve"));
    let (bound, unbound) = (scene.token_of(&alice), scene.issuer.bearer());
    let stranger = Issuer::new().bound_to(&sha256(alice.der()));
    for (identity, token, reason) in [
        (None, &bound, "certificate_missing"),
        (Some(&eve), &bound, "certificate_mismatch"),
        (Some(&alice), &unbound, "token_unbound"),
        (Some(&alice), &stranger, "signature_invalid"),
    ] {
        let answer = scene.ask(identity, "/bound/x", token).await;
        let challenge = "Bearer realm=\"orders\", error=\"invalid_token\"";
        assert_eq!((answer.status(), answer.field("www-authenticate")), (401, Some(challenge)), "{reason}");
        scene.gateway.denial(reason).await;
    }
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn the_command_for_tokens_binds_them_to_a_certificate() {
    let scene = Scene::asking("client_certificate: any").await;
    let (alice, eve) = (Identity::self_signed("alice"), Identity::self_signed("eve"));
    let keys = scene.gateway.keys();
    std::fs::write(keys.join("issuer.pem"), scene.issuer.pem()).unwrap();
    std::fs::write(keys.join("alice.crt"), alice.pem()).unwrap();
    let mut mint = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let mint = mint.args(["token", "jwt", "mint", "--issuer", "https://issuer.example", "--audience", "orders", "--subject", "alice"]);
    let mint = mint.args(["--kid", "a", "--key-file", "issuer.pem", "--cnf-x5t", "alice.crt"]).current_dir(keys);
    let token = output(mint).await;
    assert_eq!(scene.ask(Some(&alice), "/bound/x", token.trim()).await.status(), 200, "{:#?}", scene.gateway.events().last());
    assert_eq!(scene.upstream.request().field("x-auth-request-user"), Some("alice"));
    assert_eq!(scene.ask(Some(&eve), "/bound/x", token.trim()).await.status(), 401);
    scene.gateway.denial("certificate_mismatch").await;
}

#[tokio::test]
async fn an_authority_may_have_to_vouch_besides() {
    let scene = Scene::asking("client_ca: \"{keys}/clients.pem\"").await;
    let alice = scene.clients.identify(&["alice.example"]);
    assert_eq!(scene.ask(Some(&alice), "/bound/x", &scene.token_of(&alice)).await.status(), 200);
    let own = Identity::self_signed("alice");
    assert!(Authority::is_refused(scene.gateway.address(), "localhost", scene.servers.client_with(&[], &own)).await);
}

#[tokio::test]
async fn a_route_may_ask_for_the_token_and_for_the_certificate() {
    let scene = Scene::asking("client_certificate: any").await;
    let (vouched, own) = (scene.clients.identify(&["alice.example"]), Identity::self_signed("alice"));
    assert_eq!(scene.ask(Some(&vouched), "/both/x", &scene.token_of(&vouched)).await.status(), 200);
    assert_eq!(scene.upstream.request().field("x-auth-request-user"), Some("alice"));
    assert_eq!(scene.ask(Some(&own), "/both/x", &scene.token_of(&own)).await.status(), 401);
    scene.gateway.denial("certificate_untrusted").await;
    assert_eq!(scene.ask(Some(&vouched), "/both/x", &scene.token_of(&own)).await.status(), 401);
    assert_eq!(scene.upstream.requests().len(), 1);
}
