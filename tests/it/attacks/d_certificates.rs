//! Client certificates that are not what they seem, T-77, and policies of another host, T-31.

use super::Scene;
use crate::support::certificates::{Authority, Identity};
use crate::support::http2::Http2Client;
use crate::support::issuer::Issuer;
use crate::support::message::Message;
use crate::support::{Config, RawClient, ports};
use rcgen::SanType;
use rustls::{ClientConfig, HandshakeKind};

const ALICE: &str = "alice.clients.example";

const VAULT: &str = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls: { certificate: "{keys}/server.pem", key: "{keys}/server.key", client_ca: "{keys}/both.pem", client_certificate: optional }
  - address: "{other}"
    tls: { certificate: "{keys}/server.pem", key: "{keys}/server.key" }
schemes:
  open: { x509: { trust_anchors_file: "{keys}/open.pem" } }
  vault: { x509: { trust_anchors_file: "{keys}/vault.pem", san: { dns: ["*.clients.example"] } } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { host: open.test }, authenticate: open, upstream: bar, identity: { preset: auth-request } }
  - { match: { host: vault.test }, authenticate: vault, upstream: bar, identity: { preset: auth-request } }
"#;

const BOUND: &str = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls: { certificate: "{keys}/server.pem", key: "{keys}/server.key", client_certificate: any }
schemes:
  bound: { mtls: { issuer: "https://issuer.example", audiences: [orders], jwks_file: "{keys}/jwks.json" } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { path: / }, authenticate: bound, upstream: bar, identity: { preset: auth-request } }
"#;

/// Two hosts under one certificate, each with authorities of its own.
struct Vault {
    scene: Scene,
    servers: Authority,
    open: Authority,
    vault: Authority,
    /// A listener that asks for no certificates.
    other: std::net::SocketAddr,
}

impl Vault {
    async fn new() -> Self {
        let (servers, open, vault, other) = (Authority::new(), Authority::new(), Authority::new(), ports::free());
        let (certificate, key) = servers.certify(&["open.test", "vault.test"]);
        let config = Config::new(&VAULT.replace("{other}", &other.to_string()));
        let config = config.file("server.pem", &certificate).file("server.key", &key).file("open.pem", open.pem());
        let config = config.file("vault.pem", vault.pem()).file("both.pem", &[open.pem(), vault.pem()].concat());
        Self { scene: Scene::with(config).await, servers, open, vault, other }
    }

    async fn ask(&self, client: ClientConfig, name: &str, host: &str) -> Message {
        let stream = self.servers.connect_as(self.scene.gateway.address(), name, client).await;
        fetch(&mut RawClient::over(stream), host, "").await
    }

    fn client(&self, identity: &Identity) -> ClientConfig {
        self.servers.client_with(&[], identity)
    }
}

async fn fetch(client: &mut RawClient, host: &str, lines: &str) -> Message {
    client.send(format!("GET /x HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")).await;
    client.answer().await
}

#[tokio::test]
async fn t_31_client_certificates_of_another_host() {
    let vault = Vault::new().await;
    let (guest, keeper) = (vault.open.identify(&[ALICE]), vault.vault.identify(&[ALICE]));
    for (name, host) in [("open.test", "vault.test"), ("vault.test", "vault.test")] {
        assert_eq!(vault.ask(vault.client(&guest), name, host).await.status(), 401, "{name} then {host}");
        assert_eq!(vault.ask(vault.servers.client(&[]), name, host).await.status(), 401, "{name} then {host}");
        let stream = vault.servers.connect_as(vault.scene.gateway.address(), name, vault.servers.client_with(&[b"h2"], &guest)).await;
        let mut client = Http2Client::over(Box::new(stream)).await;
        assert_eq!(client.fetch(&format!("https://{host}/x"), &[]).await.unwrap().status, 401);
    }
    let stream = vault.servers.connect_with(vault.other, "vault.test", &keeper).await;
    assert_eq!(fetch(&mut RawClient::over(stream), "vault.test", "").await.status(), 401, "a listener that does not ask proves nothing");
    vault.scene.upstream.assert_untouched();
    assert_eq!(vault.ask(vault.client(&keeper), "open.test", "vault.test").await.status(), 200);
    assert_eq!(vault.ask(vault.client(&guest), "vault.test", "open.test").await.status(), 200);
    assert_eq!(vault.ask(vault.client(&keeper), "open.test", "open.test").await.status(), 401);
}

#[tokio::test]
async fn t_16_fields_beside_a_certificate_of_the_connection() {
    let vault = Vault::new().await;
    let mallory = "Client-Cert: :bWFsbG9yeQ==:\r\nClient-Cert-Chain: :bWFsbG9yeQ==:\r\nX-Forwarded-Client-Cert: Subject=\"CN=mallory\"\r\n\
        X-SSL-Client-S-DN: CN=mallory\r\nX-Auth-Request-User: mallory\r\n";
    let stream = vault.servers.connect_with(vault.scene.gateway.address(), "open.test", &vault.open.identify(&[ALICE])).await;
    assert_eq!(fetch(&mut RawClient::over(stream), "open.test", mallory).await.status(), 200);
    let request = vault.scene.upstream.requests().pop().unwrap();
    assert_eq!(request.field("x-auth-request-user"), Some(ALICE));
    let heard = vault.scene.upstream.heard_text();
    assert!(!heard.contains("mallory") && !heard.contains("bWFsbG9yeQ"), "{heard}");
    // Without a certificate, fields are none either.
    let stream = vault.servers.connect(vault.scene.gateway.address(), "open.test", &[]).await;
    assert_eq!(fetch(&mut RawClient::over(stream), "open.test", mallory).await.status(), 401);
}

/// A connection that resumes the one before it, and the answer on it.
async fn resumed(vault: &Vault, client: &ClientConfig, host: &str) -> Message {
    let stream = vault.servers.connect_as(vault.scene.gateway.address(), "vault.test", client.clone()).await;
    let kind = stream.get_ref().1.handshake_kind();
    assert_eq!(kind, Some(HandshakeKind::Resumed));
    fetch(&mut RawClient::over(stream), host, "").await
}

#[tokio::test]
async fn t_77_resumed_connections_have_the_certificate_of_the_first() {
    let vault = Vault::new().await;
    let keeper = vault.vault.identify(&[ALICE]);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = vault.servers.client_speaking(&[version], &[], &keeper);
        assert_eq!(vault.ask(client.clone(), "vault.test", "vault.test").await.status(), 200);
        assert_eq!(resumed(&vault, &client, "vault.test").await.status(), 200);
        assert_eq!(vault.scene.upstream.requests().pop().unwrap().field("x-auth-request-user"), Some(ALICE));
        assert_eq!(resumed(&vault, &client, "open.test").await.status(), 401);
    }
    // One that had none gets none by resuming.
    let anonymous = vault.servers.client(&[]);
    assert_eq!(vault.ask(anonymous.clone(), "vault.test", "vault.test").await.status(), 401);
    assert_eq!(resumed(&vault, &anonymous, "vault.test").await.status(), 401);
}

#[tokio::test]
async fn t_77_resuming_goes_around_no_change_of_authorities() {
    let vault = Vault::new().await;
    let keeper = vault.vault.identify(&[ALICE]);
    let client = vault.client(&keeper);
    assert_eq!(vault.ask(client.clone(), "vault.test", "vault.test").await.status(), 200);
    vault.scene.gateway.replace("both.pem", vault.open.pem()).await;
    assert_eq!(resumed(&vault, &client, "vault.test").await.status(), 421);
    vault.scene.gateway.denial("certificate_untrusted").await;
    assert!(Authority::is_refused(vault.scene.gateway.address(), "vault.test", vault.client(&keeper)).await);
}

#[tokio::test]
async fn t_77_a_certificate_belongs_to_its_connection() {
    let vault = Vault::new().await;
    let keeper = vault.vault.identify(&[ALICE]);
    assert_eq!(vault.ask(vault.client(&keeper), "vault.test", "vault.test").await.status(), 200);
    // The verdict is remembered, the connection is another one.
    assert_eq!(vault.ask(vault.servers.client(&[]), "vault.test", "vault.test").await.status(), 401);
    // The certificate alone, with another key: the handshake fails.
    let stolen = keeper.with_key_of(&vault.vault.identify(&[ALICE]));
    assert!(Authority::is_refused(vault.scene.gateway.address(), "vault.test", vault.servers.client_forcing(&stolen)).await);
}

#[tokio::test]
async fn t_77_odd_octets_in_names_on_the_wire() {
    let vault = Vault::new().await;
    for name in ["alice.clients.example\0.evil.test", "alice\0.clients.example", "alice.clients.example\r\nX: y"] {
        let mut params = Identity::params(&[ALICE]);
        params.subject_alt_names.push(SanType::DnsName(name.try_into().unwrap()));
        let client = vault.client(&vault.vault.identify_by(&params));
        assert!(Authority::is_refused(vault.scene.gateway.address(), "vault.test", client).await, "{name:?}");
    }
    for name in ["clients.example", "a.b.clients.example", "*.clients.example", "alice.clients.example.evil.test"] {
        let answer = vault.ask(vault.client(&vault.vault.identify(&[name])), "vault.test", "vault.test").await;
        assert_eq!(answer.status(), 401, "{name}");
    }
    vault.scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_77_without_authorities_nothing_starts() {
    let servers = Authority::new();
    let (certificate, key) = servers.certify(&["open.test", "vault.test"]);
    let files = |both: &str| {
        let config = Config::new(&VAULT.replace("{other}", &ports::free().to_string()));
        let config = config.file("server.pem", &certificate).file("server.key", &key).file("open.pem", servers.pem());
        config.file("vault.pem", servers.pem()).file("both.pem", both)
    };
    for (listener, found) in [("", "no certificate"), ("nothing", "no certificate"), (certificate.as_str(), "not an authority")] {
        let refused = files(listener).refused().await;
        assert!(refused.report.contains(found), "{}", refused.report);
    }
    for missing in ["both.pem", "open.pem", "vault.pem"] {
        let text = VAULT.replace("{other}", &ports::free().to_string()).replace(missing, "missing.pem");
        let refused = files(servers.pem()).with_text(&text).refused().await;
        assert!(refused.report.contains("missing.pem, which does not exist"), "{}", refused.report);
    }
    for (clients, found) in [
        ("client_certificate: optional", "`client_certificate` without `client_ca`"),
        ("client_certificate: required", "`client_certificate` without `client_ca`"),
        ("client_ca: \"{keys}/both.pem\", client_certificate: any", "`client_ca` beside `client_certificate: any`"),
    ] {
        let text = VAULT.replace("{other}", &ports::free().to_string());
        let text = text.replace("client_ca: \"{keys}/both.pem\", client_certificate: optional", clients);
        let refused = files(servers.pem()).with_text(&text).refused().await;
        assert!(refused.report.contains(found), "{}", refused.report);
    }
}

#[tokio::test]
async fn t_77_a_bound_token_on_resumed_and_on_other_connections() {
    let (servers, issuer) = (Authority::new(), Issuer::new());
    let (certificate, key) = servers.certify(&["localhost"]);
    let config = Config::new(BOUND).file("server.pem", &certificate).file("server.key", &key).file("jwks.json", &issuer.jwks());
    let scene = Scene::with(config).await;
    let (alice, eve) = (Identity::self_signed("alice"), Identity::self_signed("eve"));
    let sha256 = portcullis::crypto::sha256(alice.der());
    let line = format!("Authorization: Bearer {}\r\n", issuer.bound_to(&sha256));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let clients = [&alice, &eve].map(|identity| servers.client_speaking(&[version], &[], identity));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            for (client, status) in clients.iter().zip([200, 401]) {
                let stream = servers.connect_as(scene.gateway.address(), "localhost", client.clone()).await;
                let was = stream.get_ref().1.handshake_kind();
                assert!(
                    was == Some(kind) || (kind == HandshakeKind::Full && was == Some(HandshakeKind::FullWithHelloRetryRequest)),
                    "{was:?}"
                );
                assert_eq!(fetch(&mut RawClient::over(stream), "localhost", &line).await.status(), status, "{was:?}");
            }
        }
    }
    scene.gateway.denial("certificate_mismatch").await;
    let stream = servers.connect(scene.gateway.address(), "localhost", &[]).await;
    assert_eq!(fetch(&mut RawClient::over(stream), "localhost", &line).await.status(), 401);
    scene.gateway.denial("certificate_missing").await;
    // The certificate itself, in fields that proxies use, proves nothing.
    let shown = portcullis::crypto::base64::encode(alice.der());
    let fields = format!("{line}Client-Cert: :{shown}:\r\nX-SSL-Client-Cert: {shown}\r\nX-Forwarded-Client-Cert: Cert=\"{shown}\"\r\n");
    let stream = servers.connect(scene.gateway.address(), "localhost", &[]).await;
    assert_eq!(fetch(&mut RawClient::over(stream), "localhost", &fields).await.status(), 401);
    assert_eq!(scene.upstream.requests().len(), 4);
}
