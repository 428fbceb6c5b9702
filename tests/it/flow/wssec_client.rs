//! The requester's side of WSSEC against the running gateway: the whole exchange, as a person at a shell does it.

use crate::support::certificates::Authority;
use crate::support::programs::{Outcome, outcome, output, system};
use crate::support::{Config, Gateway, Reply, Upstream};
use portcullis::clock;
use portcullis::crypto::{NewKey, SigningKey, base64};
use portcullis::token::jose::{IssuingKey, describe, pem};
use portcullis::token::jwt::{StatedHolder, Statement, issue};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::path::PathBuf;
use std::process::Command;

const CONFIG: &str = r#"
schemes:
  partners:
    wssec:
      realm: orders
      token_profiles:
        jwt: { issuer: "https://sts.example", audiences: [orders], jwks_file: "{keys}/jwks.json" }
        x509v3: { trust_anchors_file: "{keys}/ca.pem" }
      signature: { nonce: NONCE }
      context: { key_file: "{keys}/context.key", allow_cleartext: true }
upstreams:
  app: { servers: ["{upstream}"] }
routes:
  - match: { path: / }
    authenticate: partners
    upstream: app
"#;
const SECURE: &str = "listeners: [{ address: \"127.0.0.1:{port}\", tls: { certificate: \"{keys}/tls.pem\", key: \"{keys}/tls.key\" } }]\n";

/// A gateway, an upstream, and what a requester has: a token and its key, a certificate and its key.
struct Scene {
    gateway: Gateway,
    upstream: Upstream,
    scheme: &'static str,
}

impl Scene {
    async fn new(listeners: &str, nonce: &str) -> Self {
        let (authority, upstream) = (Authority::new(), Upstream::always(Reply::ok()).await);
        let (certificate, certificate_key) = authority.certify(&["127.0.0.1"]);
        let (client, client_key) = authority.certify(&["client.example"]);
        let issuer = SigningKey::generate(NewKey::P256).unwrap();
        let holder = SigningKey::generate(NewKey::P256).unwrap();
        let jwks = format!("{{\"keys\":[{}]}}", describe(issuer.public(), "k", None));
        let issuer = IssuingKey::signing(issuer, None).unwrap().named("k");
        let config = Config::new(&[CONFIG.replace("NONCE", nonce), listeners.to_owned()].concat());
        let config = config.file("jwks.json", &jwks).file("ca.pem", authority.pem());
        let config = config.file("tls.pem", &certificate).file("tls.key", &certificate_key);
        let config = config.file("client.crt", &client).file("client.key", &client_key);
        let config = config.file("context.key", &base64::encode(&[9; 32])).file("holder.pem", &pem::write(&holder));
        let gateway = config.file("token.jwt", &token(&issuer, &holder)).upstream(&upstream).start().await;
        Self { gateway, upstream, scheme: if listeners.is_empty() { "http" } else { "https" } }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.gateway.keys().join(name)
    }

    fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.gateway.address())
    }

    /// `portcullis` with a command, a token and its key.
    fn command(&self, command: &str, token: &str, key: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        program.arg(command).arg("--token").arg(self.file(token)).arg("--key").arg(self.file(key));
        program
    }

    async fn curl(&self, path: &str, more: &[&str]) -> Outcome {
        let mut command = self.command("curl", "token.jwt", "holder.pem");
        outcome(command.arg("--cacert").arg(self.file("ca.pem")).args(more).arg(self.url(path))).await
    }

    fn statuses(&self) -> Vec<u64> {
        self.gateway.accesses().iter().filter_map(|line| line["status"].as_u64()).collect()
    }
}

fn token(issuer: &IssuingKey, holder: &SigningKey) -> String {
    let now = clock::now();
    let statement = Statement {
        token_type: "at+jwt",
        issuer: "https://sts.example",
        subject: Some("jane"),
        audiences: &["orders"],
        issued: now,
        expires: now.later(600),
        claims: &[],
        holder: StatedHolder::Key(holder.public()),
    };
    issue(&statement, issuer).unwrap().to_string()
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_says_what_helps() {
    let scene = Scene::new(SECURE, "client").await;
    let other = scene.file("other.pem");
    std::fs::write(&other, Authority::new().pem()).unwrap();
    let curl = || {
        let mut command = scene.command("curl", "token.jwt", "holder.pem");
        command.env("SSL_CERT_FILE", &other).arg(scene.url("/orders"));
        command
    };
    let system = outcome(&mut curl()).await;
    let help = ": nobody whom this system trusts vouches for it; say whom to trust with `--cacert FILE`";
    assert!(!system.status.success() && system.stderr.ends_with(help), "{system:#?}");
    let named = outcome(curl().arg("--cacert").arg(&other)).await;
    let help = format!(": nobody in {} (`--cacert`) vouches for it", other.display());
    assert!(!named.status.success() && named.stderr.ends_with(&help), "{named:#?}");
}

#[tokio::test]
async fn the_certificate_of_an_authority_itself_is_told_apart() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap().pem();
    let listeners = SECURE.replace("tls.", "own.");
    let config = Config::new(&[listeners, "routes: []\n".to_owned()].concat()).file("own.pem", &own).file("own.key", &key.serialize_pem());
    let gateway = config.file("holder.pem", &pem::write(&SigningKey::generate(NewKey::P256).unwrap())).file("token.jwt", "x").start().await;
    let file = |name: &str| gateway.keys().join(name);
    let mut curl = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    curl.arg("curl").arg("--token").arg(file("token.jwt")).arg("--key").arg(file("holder.pem")).arg("--cacert").arg(file("own.pem"));
    let refused = outcome(curl.arg(format!("https://{}/", gateway.address()))).await;
    assert!(
        refused.stderr.ends_with(": it is an authority's own, which is taken from nobody; the server needs one with CA:FALSE"),
        "{refused:#?}"
    );
}

#[tokio::test]
async fn curl_does_the_whole_exchange() {
    let scene = Scene::new(SECURE, "client").await;
    let done = scene.curl("/orders?x=1", &["-v", "-n", "10"]).await;
    assert!(done.status.success(), "{done:#?}");
    assert_eq!(done.stdout, "ok".repeat(11));
    scene.gateway.access_line(|line| line["status"] == 401 && line["path"] == "/orders").await;
    assert_eq!(scene.upstream.requests_come(11).await.len(), 11);
    scene.gateway.metric_becomes("portcullis_verdict_cache_hits_total{scheme=\"partners\"}", 9.0).await;
    // The log is written by a thread of its own.
    scene.gateway.access_line(|_| scene.statuses().iter().filter(|status| **status == 200).count() == 11).await;
    let accesses = scene.gateway.accesses();
    let admitted: Vec<_> = accesses.iter().filter(|line| line["status"] == 200).collect();
    assert!(admitted.len() == 11 && admitted.iter().all(|line| line["auth_scheme"] == "partners"), "{accesses:#?}");
    assert!(admitted.iter().all(|line| line["subject"] == "jane" && line["protocol"] == "HTTP/2"), "{accesses:#?}");

    let shown = &done.stderr;
    assert!(shown.starts_with("> GET /orders?x=1\n> Host: 127.0.0.1:"), "{shown}");
    assert!(shown.contains("\n< WWW-Authenticate: WSSEC realm=\"orders\", profile=\"jwt\"\n"), "{shown}");
    assert_eq!(shown.matches("\n> Authorization: WSSEC realm=\"orders\", profile=\"jwt\"\n").count(), 1, "{shown}");
    assert_eq!(shown.matches("\n> Authorization: WSSEC realm=\"orders\", profile=\"sct\"\n").count(), 10, "{shown}");
    assert_eq!(shown.matches("contexttokensecret=\"***\"\n< ").count(), 1, "{shown}");
    assert!(shown.ends_with("portcullis: 1 request by the token, 10 by the context"), "{shown}");
}

#[tokio::test]
async fn content_is_signed_over_both_versions_of_http_with_a_certificate() {
    for listeners in [SECURE, ""] {
        let scene = Scene::new(listeners, "client").await;
        std::fs::write(scene.file("body"), vec![b'x'; 100_000]).unwrap();
        let mut command = scene.command("curl", "client.crt", "client.key");
        let command = command.args(["--profile", "x509v3", "--allow-cleartext", "-n", "2", "-H", "Content-Type: a/b", "--body"]);
        let command = command.arg(scene.file("body")).arg("--cacert").arg(scene.file("ca.pem")).arg(scene.url("/orders"));
        let done = outcome(command).await;
        assert!(done.status.success(), "{done:#?}");
        let heard = scene.upstream.requests_come(3).await;
        assert!(heard.iter().all(|request| request.content.len() == 100_000 && request.field("content-type") == Some("a/b")));
        assert_eq!(done.stderr, "portcullis: 1 request by the token, 2 by the context");
    }
}

#[tokio::test]
async fn nonces_of_the_gateway_are_used() {
    let scene = Scene::new(SECURE, "server").await;
    let done = scene.curl("/orders", &["-n", "3"]).await;
    assert!(done.status.success() && done.stderr.ends_with("1 request by the token, 3 by the context"), "{done:#?}");
    scene.upstream.requests_come(4).await;
    scene.gateway.access_line(|line| line["status"] == 401).await;
    assert_eq!(scene.statuses().iter().filter(|status| **status == 401).count(), 1);
}

#[tokio::test]
async fn signed_fields_serve_another_client() {
    let scene = Scene::new("", "client").await;
    std::fs::write(scene.file("order.json"), "{\"order\":42}").unwrap();
    for body in [None, Some("order.json")] {
        let mut sign = scene.command("sign", "token.jwt", "holder.pem");
        sign.arg("--url").arg(scene.url("/orders?x=1"));
        let mut curl = system("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", &scene.url("/orders?x=1"), "-H"]);
        curl.arg(format!("@{}", scene.file("fields").display()));
        if let Some(body) = body {
            sign.args(["--header", "Content-Type: application/json", "--realm", "orders", "--body"]).arg(scene.file(body));
            curl.arg("--data-binary").arg(format!("@{}", scene.file(body).display()));
        }
        let fields = output(&mut sign).await;
        std::fs::write(scene.file("fields"), fields).unwrap();
        assert_eq!(output(&mut curl).await, "200", "{body:?}");
        assert_eq!(output(&mut curl).await, "401", "the same fields hold once");
    }
}

#[tokio::test]
async fn a_refusal_is_told_and_fails() {
    let scene = Scene::new(SECURE, "client").await;
    std::fs::copy(scene.file("client.key"), scene.file("holder.pem")).unwrap();
    let other_key = scene.curl("/orders", &[]).await;
    assert!(!other_key.status.success() && other_key.stderr.contains("the server answered 401 Unauthorized"), "{other_key:#?}");
    let profile = scene.curl("/orders", &["--profile", "swt"]).await;
    assert!(!profile.status.success() && profile.stderr.contains("tokens of other profiles only"), "{profile:#?}");
    let realm = scene.curl("/orders", &["--realm", "shop"]).await;
    assert!(!realm.status.success() && realm.stderr.contains("another realm, such as orders"), "{realm:#?}");
    let mut distrusting = scene.command("curl", "token.jwt", "holder.pem");
    let distrusted = outcome(distrusting.arg(scene.url("/"))).await;
    assert!(!distrusted.status.success() && distrusted.stderr.contains("certificate"), "{distrusted:#?}");
    scene.upstream.assert_untouched();
}
