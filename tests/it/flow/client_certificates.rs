//! Client certificates: who may connect, who the caller is, and what a change of files does to connections that stand.

use crate::support::certificates::{Authority, Identity};
use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::{Config, Gateway, RawClient, Token, Upstream};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use std::net::SocketAddr;

const ALICE: &str = "alice.clients.example";

const SCHEMES: &str = r#"
schemes:
  cert:
    x509:
      trust_anchors_file: "{keys}/clients.pem"
      crl_files: ["{keys}/clients.crl"]
      san: { dns: ["*.clients.example"] }
  bartender: { wrap: { issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }], audience: "{audience}" } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { name: cert, match: { path: /cert/ }, authenticate: cert, upstream: bar, identity: { preset: auth-request, fields: { X-Cert: sha256 } } }
  - { name: either, match: { path: /either/ }, authenticate: { any_of: [cert, bartender] }, upstream: bar, identity: { preset: auth-request } }
  - { name: public, match: { path: /public/ }, public: true, upstream: bar }
"#;

/// A configuration whose one listener asks for certificates like this.
fn asking(clients: &str) -> String {
    let listener = format!(
        r#"listeners: [{{ address: "127.0.0.1:{{port}}", tls: {{ certificate: "{{keys}}/server.pem", key: "{{keys}}/server.key", {clients} }} }}]"#
    );
    format!("{SCHEMES}{listener}\n")
}

const OPTIONAL: &str = r#"client_ca: "{keys}/clients.pem", client_certificate: optional"#;
const REQUIRED: &str = r#"client_ca: "{keys}/clients.pem""#;
const ANY: &str = "client_certificate: any";

struct Scene {
    servers: Authority,
    clients: Authority,
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    async fn asking(clients_rule: &str) -> Self {
        let (servers, clients, upstream) = (Authority::new(), Authority::new(), Upstream::start().await);
        let (certificate, key) = servers.certify(&["localhost"]);
        let config = Config::new(&asking(clients_rule)).file("server.pem", &certificate).file("server.key", &key);
        let config = config.file("clients.pem", clients.pem()).file("clients.crl", &clients.revoke(&[]));
        let gateway = config.upstream(&upstream).start().await;
        Self { servers, clients, gateway, upstream }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    async fn connect(&self, identity: Option<&Identity>) -> RawClient {
        RawClient::over(match identity {
            Some(identity) => self.servers.connect_with(self.address(), "localhost", identity).await,
            None => self.servers.connect(self.address(), "localhost", &[]).await,
        })
    }

    async fn ask(&self, identity: Option<&Identity>, target: &str, lines: &str) -> Message {
        get(&mut self.connect(identity).await, target, lines).await
    }

    async fn refuses(&self, identity: &Identity) -> bool {
        Authority::is_refused(self.address(), "localhost", self.servers.client_with(&[], identity)).await
    }

    /// The user that the backend heard of last.
    fn user(&self) -> Option<String> {
        self.upstream.requests().pop().and_then(|request| request.field("x-auth-request-user").map(str::to_owned))
    }
}

async fn get(client: &mut RawClient, target: &str, lines: &str) -> Message {
    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")).await;
    client.answer().await
}

#[tokio::test]
async fn the_certificate_of_the_connection_is_who_the_caller_is() {
    let scene = Scene::asking(OPTIONAL).await;
    let alice = scene.clients.identify(&[ALICE]);
    let mut client = scene.connect(Some(&alice)).await;
    for cache in ["miss", "hit"] {
        assert_eq!(get(&mut client, "/cert/x", "").await.status(), 200);
        assert_eq!(scene.user().as_deref(), Some(ALICE));
        let line = scene.gateway.access_line(|line| line["verdict_cache"] == cache).await;
        assert_eq!((line["subject"].as_str(), line["auth_profile"].as_str()), (Some(ALICE), Some("x509")), "{line}");
        assert_eq!(line["token"], alice.fingerprint().as_str(), "{line}");
    }
    assert_eq!(scene.upstream.requests().pop().unwrap().field("x-cert").map(str::len), Some(64));

    let stream = scene.servers.connect_as(scene.address(), "localhost", scene.servers.client_with(&[b"h2"], &alice)).await;
    let mut client = Http2Client::over(Box::new(stream)).await;
    for _ in 0..2 {
        assert_eq!(client.fetch("https://localhost/cert/x", &[]).await.unwrap().status, 200);
        assert_eq!(scene.user().as_deref(), Some(ALICE));
    }
}

#[tokio::test]
async fn both_versions_of_tls_prove_it() {
    let scene = Scene::asking(OPTIONAL).await;
    let alice = scene.clients.identify(&[ALICE]);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = scene.servers.client_speaking(&[version], &[], &alice);
        let stream = scene.servers.connect_as(scene.address(), "localhost", client).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(get(&mut RawClient::over(stream), "/cert/x", "").await.status(), 200);
    }
}

#[tokio::test]
async fn optional_serves_clients_without_one_and_says_what_is_missing() {
    let scene = Scene::asking(OPTIONAL).await;
    assert_eq!(scene.ask(None, "/public/x", "").await.status(), 200);
    let answer = scene.ask(None, "/cert/x", "").await;
    assert_eq!((answer.status(), answer.field("www-authenticate")), (401, Some("ClientCertificate")));
    scene.gateway.denial("credential_missing").await;
    let stranger = Authority::new();
    for unknown in [stranger.identify(&[ALICE]), Identity::self_signed(ALICE)] {
        assert!(scene.refuses(&unknown).await);
    }
    assert_eq!(scene.upstream.requests().len(), 1);
}

#[tokio::test]
async fn required_refuses_every_handshake_without_a_certificate_that_holds() {
    let scene = Scene::asking(REQUIRED).await;
    assert!(Authority::is_refused(scene.address(), "localhost", scene.servers.client(&[])).await);
    let mut over = Identity::params(&[ALICE]);
    (over.not_before, over.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut early = Identity::params(&[ALICE]);
    early.not_before = date_time_ymd(2095, 1, 1);
    let mut server = Identity::params(&[ALICE]);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for params in [over, early, server] {
        assert!(scene.refuses(&scene.clients.identify_by(&params)).await);
    }
    assert!(scene.refuses(&Authority::new().identify(&[ALICE])).await);
    for reason in [
        "client_certificate_missing",
        "certificate_expired",
        "certificate_not_yet_valid",
        "certificate_extended_key_usage",
        "certificate_untrusted",
    ] {
        scene.gateway.audit_line(|event| event["event"] == "handshake_failed" && event["reason"] == reason).await;
    }
    scene.upstream.assert_untouched();
    // Another name may connect, and is nobody that the scheme takes.
    let eve = scene.clients.identify(&["eve.example"]);
    assert_eq!(scene.ask(Some(&eve), "/public/x", "").await.status(), 200);
    assert_eq!(scene.ask(Some(&eve), "/cert/x", "").await.status(), 401);
    let denial = scene.gateway.denial("certificate_name_refused").await;
    assert_eq!(denial["token"], eve.fingerprint().as_str(), "{denial}");
    assert_eq!(scene.ask(Some(&scene.clients.identify(&[ALICE])), "/cert/x", "").await.status(), 200);
}

#[tokio::test]
async fn any_proves_the_key_and_nothing_else() {
    let scene = Scene::asking(ANY).await;
    let (own, stranger) = (Identity::self_signed(ALICE), Authority::new().identify(&[ALICE]));
    for identity in [None, Some(&own), Some(&stranger)] {
        assert_eq!(scene.ask(identity, "/public/x", "").await.status(), 200);
        assert_eq!(scene.ask(identity, "/cert/x", "").await.status(), 401);
    }
    scene.gateway.denial("certificate_untrusted").await;
    assert_eq!(scene.ask(Some(&scene.clients.identify(&[ALICE])), "/cert/x", "").await.status(), 200);
}

#[tokio::test]
async fn a_credential_of_the_request_goes_before_the_connections() {
    let scene = Scene::asking(OPTIONAL).await;
    let alice = scene.clients.identify(&[ALICE]);
    let bob = Token::of("bob");
    assert_eq!(scene.ask(Some(&alice), "/either/x", "").await.status(), 200);
    assert_eq!(scene.user().as_deref(), Some(ALICE));
    for identity in [None, Some(&alice)] {
        assert_eq!(scene.ask(identity, "/either/x", &bob.authorization()).await.status(), 200);
        assert_eq!(scene.user().as_deref(), Some("bob"));
    }
    let before = scene.upstream.requests().len();
    let over = Token::of("bob").expires_in(-60).authorization();
    assert_eq!(scene.ask(Some(&alice), "/either/x", &over).await.status(), 401, "a refusal is final");
    let answer = scene.ask(None, "/either/x", "").await;
    assert_eq!((answer.status(), answer.values("www-authenticate")), (401, vec!["ClientCertificate", "WRAP"]));
    assert_eq!(scene.upstream.requests().len(), before);
}

#[tokio::test]
async fn a_list_that_changes_revokes_at_the_next_request() {
    let scene = Scene::asking(OPTIONAL).await;
    let (alice, carol) = (scene.clients.identify(&[ALICE]), scene.clients.identify(&["carol.clients.example"]));
    let mut client = scene.connect(Some(&alice)).await;
    assert_eq!(get(&mut client, "/cert/x", "").await.status(), 200);
    scene.gateway.replace("clients.crl", &scene.clients.revoke(&[&alice])).await;
    assert_eq!(get(&mut client, "/cert/x", "").await.status(), 401);
    scene.gateway.denial("certificate_revoked").await;
    assert_eq!(scene.ask(Some(&carol), "/cert/x", "").await.status(), 200);
    // A list of somebody else leaves it untold: nobody is let in, and it is not the caller's fault.
    scene.gateway.replace("clients.crl", &Authority::new().revoke(&[])).await;
    assert_eq!(scene.ask(Some(&carol), "/cert/x", "").await.status(), 503);
    scene.gateway.denial("certificate_revocation_unknown").await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_changes_nothing() {
    let scene = Scene::asking(OPTIONAL).await;
    std::fs::write(scene.gateway.keys().join("clients.crl"), "nothing").unwrap();
    let refused = scene.gateway.audit_line(|event| event["event"] == "config_refused").await;
    assert!(refused["first"].as_str().unwrap().contains("no revocation list"), "{refused}");
    assert_eq!(scene.ask(Some(&scene.clients.identify(&[ALICE])), "/cert/x", "").await.status(), 200);
}

#[tokio::test]
async fn authorities_that_change_are_asked_at_the_next_request() {
    let scene = Scene::asking(OPTIONAL).await;
    let alice = scene.clients.identify(&[ALICE]);
    let mut client = scene.connect(Some(&alice)).await;
    assert_eq!(get(&mut client, "/public/x", "").await.status(), 200);
    let next = Authority::new();
    scene.gateway.replace("clients.pem", next.pem()).await;
    assert_eq!(get(&mut client, "/public/x", "").await.status(), 421);
    scene.gateway.denial("certificate_untrusted").await;
    assert!(scene.refuses(&alice).await);
    assert_eq!(scene.ask(Some(&next.identify(&[ALICE])), "/public/x", "").await.status(), 200);
    assert_eq!(scene.ask(None, "/public/x", "").await.status(), 200);
}

#[tokio::test]
async fn a_certificate_that_is_required_by_now_is_asked_of_connections_that_stand() {
    let scene = Scene::asking(OPTIONAL).await;
    let alice = scene.clients.identify(&[ALICE]);
    let (mut with, mut without) = (scene.connect(Some(&alice)).await, scene.connect(None).await);
    assert_eq!(get(&mut without, "/public/x", "").await.status(), 200);
    scene.gateway.reload(&Config::new(&asking(REQUIRED))).await;
    assert_eq!(get(&mut without, "/public/x", "").await.status(), 421);
    scene.gateway.denial("client_certificate_missing").await;
    assert_eq!(get(&mut with, "/cert/x", "").await.status(), 200);
    assert!(Authority::is_refused(scene.address(), "localhost", scene.servers.client(&[])).await);
}
