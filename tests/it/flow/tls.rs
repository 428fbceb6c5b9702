//! TLS on listeners: several certificates by name, HTTP/2 by ALPN, certificates that change without a restart.

use crate::support::certificates::Authority;
use crate::support::http2::Http2Client;
use crate::support::{Config, Gateway, PATIENCE, RawClient, Token, Upstream, eventually, within};
use portcullis::clock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A ClientHello of TLS 1.0 by hand: record version 3.1, client version 3.1, one cipher suite of its time.
fn hello_of_tls_1_0() -> Vec<u8> {
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

/// Two names, each under a certificate of its own.
const TWO: &str = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls:
      certificates:
        - { certificate: "{keys}/first.pem", key: "{keys}/first.key" }
        - { certificate: "{keys}/second.pem", key: "{keys}/second.key" }
"#;

struct Scene {
    authority: Authority,
    gateway: Gateway,
    upstream: Upstream,
    first: String,
    second: String,
}

impl Scene {
    async fn new() -> Self {
        let (authority, upstream) = (Authority::new(), Upstream::start().await);
        let (first, first_key) = authority.certify(&["first.example", "127.0.0.1"]);
        let (second, second_key) = authority.certify(&["second.example", "*.below.example"]);
        let config = Config::bar(TWO).file("first.pem", &first).file("first.key", &first_key);
        let config = config.file("second.pem", &second).file("second.key", &second_key);
        let gateway = config.upstream(&upstream).start().await;
        Self { authority, gateway, upstream, first, second }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// The certificate that a client gets who asks for this name; an address asks for none.
    async fn shown_to(&self, name: &str) -> CertificateDer<'static> {
        let stream = self.authority.connect(self.address(), name, &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn serial(der: &CertificateDer<'_>) -> String {
    X509Certificate::from_der(der).unwrap().1.raw_serial_as_string()
}

#[tokio::test]
async fn each_name_is_served_under_its_own_certificate_and_no_name_under_the_first() {
    let scene = Scene::new().await;
    let (first, second) = (der(&scene.first), der(&scene.second));
    assert_ne!(serial(&first), serial(&second));
    for (name, wanted) in [("first.example", &first), ("second.example", &second), ("a.below.example", &second), ("127.0.0.1", &first)] {
        assert_eq!(serial(&scene.shown_to(name).await), serial(wanted), "{name}");
    }
    let mut client = RawClient::tls(scene.address(), "second.example", &scene.authority).await;
    client.send(format!("GET /bartender/x HTTP/1.1\r\nHost: second.example\r\n{}\r\n", Token::of("alice").authorization())).await;
    assert_eq!(client.answer().await.status(), 200);
    let request = scene.upstream.request();
    assert_eq!((request.field("x-forwarded-proto"), request.field("x-auth-request-user")), (Some("https"), Some("alice")));
    assert_eq!(scene.gateway.access_line(|line| line["status"] == 200).await["scheme"], "https");
}

#[tokio::test]
async fn a_host_under_another_certificate_than_the_connections_is_misdirected() {
    let scene = Scene::new().await;
    let mut client = RawClient::tls(scene.address(), "first.example", &scene.authority).await;
    client.send("GET /public/x HTTP/1.1\r\nHost: second.example\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 421);
    scene.gateway.denial("misdirected").await;
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn http2_is_chosen_by_alpn_over_tls_and_http1_without() {
    let scene = Scene::new().await;
    let mut client = Http2Client::tls(scene.address(), "first.example", &scene.authority).await;
    let credential = Token::of("alice").credential();
    let answer = client.fetch("https://first.example/bartender/x", &[("authorization", &credential)]).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.content.as_slice()), (200, &b"ok"[..]));
    assert_eq!(client.fetch("https://first.example/bartender/x", &[]).await.unwrap().status, 401);
    scene.gateway.access_line(|line| line["protocol"] == "HTTP/2" && line["scheme"] == "https" && line["status"] == 200).await;

    let stream = scene.authority.connect(scene.address(), "first.example", &[b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut client = RawClient::tls(scene.address(), "first.example", &scene.authority).await;
    client.send("GET /public/x HTTP/1.1\r\nHost: first.example\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn tls_below_1_2_and_a_name_without_vouching_are_refused() {
    let scene = Scene::new().await;
    let stranger = Authority::new().client(&[]);
    let stream = tokio::net::TcpStream::connect(scene.address()).await.unwrap();
    let name = ServerName::try_from("first.example").unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(stranger));
    assert!(within("a TLS handshake", connector.connect(name, stream)).await.is_err());
    let mut stream = tokio::net::TcpStream::connect(scene.address()).await.unwrap();
    stream.write_all(&hello_of_tls_1_0()).await.unwrap();
    let mut answer = Vec::new();
    within("the end of the handshake", stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!((answer.first(), answer.get(5)), (Some(&21), Some(&2)), "a fatal alert, not {answer:?}");
}

#[tokio::test]
async fn a_handshake_that_fails_is_counted_and_told_by_its_reason() {
    let scene = Scene::new().await;
    let failed = |reason: &str| format!("portcullis_handshakes_failed_total{{listener=\"{}\",reason=\"{reason}\"}}", scene.address());
    let trusts_nobody = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    assert!(Authority::is_refused(scene.address(), "first.example", trusts_nobody).await);
    for octets in [b"GET / HTTP/1.1\r\nHost: first.example\r\n\r\n".to_vec(), hello_of_tls_1_0()] {
        let mut client = RawClient::connect(scene.address()).await;
        client.send(octets).await;
        client.rest().await;
    }
    for (reason, found) in [
        ("handshake_alert", "UnknownCA".into()),
        ("handshake_no_tls", serde_json::Value::Null),
        ("handshake_incompatible", "SignatureAlgorithmsExtensionRequired".into()),
    ] {
        let line = scene.gateway.audit_line(|event| event["event"] == "handshake_failed" && event["reason"] == reason).await;
        assert_eq!((&line["level"], &line["found"]), (&"INFO".into(), &found), "{line}");
        assert_eq!(line["listener"], scene.address().to_string(), "{line}");
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
        scene.gateway.metric_becomes(&failed(reason), 1.0).await;
    }
    // Who only looks in is counted, and makes no line.
    let before = scene.gateway.metric(&failed("handshake_left")).await;
    drop(tokio::net::TcpStream::connect(scene.address()).await.unwrap());
    scene.gateway.metric_becomes(&failed("handshake_left"), before + 1.0).await;
    let events = scene.gateway.events();
    assert!(events.iter().all(|event| event["reason"] != "handshake_left"), "{events:#?}");
    assert!(events.iter().all(|event| event["target"] != "portcullis::library"), "{events:#?}");
    assert_eq!(scene.gateway.metric("portcullis_connections_aborted_total{reason=\"head_timeout\"}").await, 0.0);
}

#[tokio::test]
async fn a_changed_certificate_is_shown_at_the_next_handshake_without_a_restart() {
    let scene = Scene::new().await;
    let mut before = RawClient::tls(scene.address(), "first.example", &scene.authority).await;
    let old = scene.shown_to("first.example").await;
    assert_eq!(serial(&old), serial(&der(&scene.first)));

    scene.authority.write(&scene.gateway.keys(), "first", &["first.example", "127.0.0.1"]);
    let new = der(&std::fs::read_to_string(scene.gateway.keys().join("first.pem")).unwrap());
    assert_ne!(serial(&new), serial(&old));
    let deadline = clock::instant() + PATIENCE;
    while serial(&scene.shown_to("first.example").await) != serial(&new) {
        assert!(clock::instant() < deadline, "the old certificate is still shown");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(serial(&scene.shown_to("second.example").await), serial(&der(&scene.second)));
    let loaded = |scene: &Scene| {
        let events = scene.gateway.events().into_iter();
        events.filter(|event| event["event"] == "certificate_loaded").collect::<Vec<_>>()
    };
    let renewed = eventually("the event", || loaded(&scene).into_iter().nth(2)).await;
    let shown = |line: &serde_json::Value, field: &str| line[field].as_str().unwrap().to_owned();
    assert!(shown(&renewed, "certificate").ends_with("first.pem"), "{renewed}");
    assert_eq!((shown(&renewed, "listener"), shown(&renewed, "names")), (scene.address().to_string(), "first.example".to_owned()));
    let ends = X509Certificate::from_der(&new).unwrap().1.validity().not_after.timestamp();
    let told: jiff::Timestamp = shown(&renewed, "not_after").parse().unwrap();
    assert_eq!(told.as_second(), ends);
    // A reload that changes no certificate tells of none.
    scene.gateway.replace("bouncer.b64", &portcullis::crypto::base64::encode(&[7; 32])).await;
    assert_eq!(loaded(&scene).len(), 3);
    before.send("GET /public/x HTTP/1.1\r\nHost: first.example\r\n\r\n").await;
    assert_eq!(before.answer().await.status(), 200, "a connection under the old certificate goes on");
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_its_key_changes_nothing() {
    let scene = Scene::new().await;
    let (_, foreign) = scene.authority.certify(&["first.example"]);
    std::fs::write(scene.gateway.keys().join("first.key"), foreign).unwrap();
    let refused = scene.gateway.audit_line(|event| event["event"] == "config_refused").await;
    assert!(refused["first"].as_str().unwrap().contains("does not fit the certificate"), "{refused}");
    assert_eq!(serial(&scene.shown_to("first.example").await), serial(&der(&scene.first)));
    scene.gateway.metric_becomes("portcullis_config_last_reload_successful", 0.0).await;
}

#[tokio::test]
async fn the_end_of_each_certificate_is_a_figure() {
    let scene = Scene::new().await;
    let metrics = scene.gateway.metrics().await;
    for name in ["first.pem", "second.pem"] {
        let file = scene.gateway.keys().join(name);
        let series = format!("portcullis_certificate_not_after_seconds{{certificate=\"{}\"}} ", file.display());
        let value = metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap_or_else(|| panic!("no {series} in {metrics}"));
        let pem = std::fs::read_to_string(&file).unwrap();
        let ends = X509Certificate::from_der(&der(&pem)).unwrap().1.validity().not_after.timestamp();
        assert_eq!(value, ends.to_string());
    }
}

#[tokio::test]
async fn clear_http2_is_spoken_by_prior_knowledge() {
    let upstream = Upstream::start().await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    let mut client = Http2Client::connect(gateway.address()).await;
    let credential = Token::of("alice").credential();
    for _ in 0..3 {
        let answer = client.fetch("http://localhost/bartender/x", &[("authorization", &credential)]).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    assert_eq!(client.fetch("http://localhost/bartender/x", &[]).await.unwrap().status, 401);
    let line = gateway.access_line(|line| line["status"] == 200).await;
    assert_eq!((line["protocol"].as_str(), line["scheme"].as_str()), (Some("HTTP/2"), Some("http")));
    assert_eq!(upstream.requests().len(), 3);
}
