//! Tokens that stay where they were issued: a request brings their address, and the gateway gets them from there.

use crate::support::certificates::Authority;
use crate::support::wssec::{Draft, Partners, Requester, Signed};
use crate::support::{Config, Gateway, Reply, Upstream, ports, raw};
use portcullis::crypto::{KeyKind, base64};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A server behind TLS that has tokens below `/tokens/`, and what it answers at the moment.
struct Issuer {
    tokens: Upstream,
    answer: Arc<Mutex<Reply>>,
    address: SocketAddr,
    authority: Authority,
    front: JoinHandle<()>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.front.abort();
    }
}

impl Issuer {
    async fn start() -> Self {
        let (answer, authority, address) = (Arc::new(Mutex::new(Reply::ok())), Authority::new(), ports::free());
        let ours = Arc::clone(&answer);
        let tokens = Upstream::answering(move |_| ours.lock().unwrap().clone()).await;
        let (certificate, key) = authority.certify(&["localhost", "127.0.0.1"]);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let settings = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let front = tokio::spawn(relay(listener, TlsAcceptor::from(Arc::new(settings)), tokens.address()));
        Self { tokens, answer, address, authority, front }
    }

    fn has(&self, token: &[u8]) {
        self.answers([format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", token.len()).as_bytes(), token].concat());
    }

    fn answers(&self, octets: impl AsRef<[u8]>) {
        *self.answer.lock().unwrap() = Reply::of(octets);
    }

    fn asked(&self) -> usize {
        self.tokens.requests().len()
    }

    /// An address here, by name.
    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// A gateway that takes tokens from below these addresses.
    fn config_of(&self, allow: &[String], settings: &str) -> Config {
        let allow = allow.iter().map(|url| format!("\"{url}\"")).collect::<Vec<_>>().join(", ");
        let references = format!("{{ allow: [{allow}], ca_file: \"{{keys}}/sts.pem\"{settings} }}");
        Partners::new().set("references", &references).file("sts.pem", self.authority.pem()).config()
    }

    /// A gateway that takes tokens from here.
    async fn gateway(&self, upstream: &Upstream, settings: &str) -> Gateway {
        let settings = format!(", allow_private: true{settings}");
        self.config_of(&[self.url("/tokens/")], &settings).upstream(upstream).start().await
    }
}

async fn relay(listener: TcpListener, acceptor: TlsAcceptor, to: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            // Who does not believe the certificate ends the handshake; who has heard enough, the connection.
            if let Ok(mut inner) = acceptor.accept(stream).await
                && let Ok(mut outer) = TcpStream::connect(to).await
            {
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            }
        });
    }
}

/// A request with the address of a token in the place of the token.
fn referring(draft: Draft, address: &str) -> Draft {
    Draft { token: address.as_bytes().to_vec(), location: Some("location=header, ref=uri".to_owned()), ..draft }
}

/// The status, and the reason of a denial.
async fn outcome(gateway: &Gateway, signed: &Signed) -> (u16, String) {
    let answer = raw::ask(gateway.address(), signed.whole()).await;
    if answer.status() == 200 {
        return (200, String::new());
    }
    let id = answer.field("x-request-id").unwrap().to_owned();
    let line = gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
    (answer.status(), line["reason"].as_str().unwrap().to_owned())
}

async fn is_admitted(gateway: &Gateway, signed: &Signed) {
    assert_eq!(outcome(gateway, signed).await, (200, String::new()));
}

#[tokio::test]
async fn a_token_is_got_once_and_remembered() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let gateway = issuer.gateway(&upstream, ", cache_for: 4s").await;
    for (number, requester) in [Requester::jwt(KeyKind::P256), Requester::swt(), Requester::x509(KeyKind::Ed25519)].iter().enumerate() {
        issuer.has(&requester.token);
        let (address, before) = (issuer.url(&format!("/tokens/{number}?of=alice")), issuer.asked());
        is_admitted(&gateway, &referring(requester.get("/orders"), &address).sign()).await;
        issuer.answers("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
        is_admitted(&gateway, &referring(requester.post("/orders", b"{\"order\":42}"), &address).sign()).await;
        assert_eq!(issuer.asked(), before + 1, "{}", requester.profile);
        let asked = issuer.tokens.requests().pop().unwrap();
        assert_eq!(asked.start, format!("GET /tokens/{number}?of=alice HTTP/1.1"));
        assert!(!asked.mentions("x-wss-security") && !asked.mentions("authorization"), "{asked:?}");
        let [.., first, second] = &upstream.requests()[..] else { panic!("two requests") };
        for request in [first, second] {
            assert!(request.field("x-auth-request-user").is_some_and(|user| user.contains("alice")), "{request:?}");
            assert!(!request.fields.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("x-wss-")), "{request:?}");
        }
        assert_eq!(second.content, b"{\"order\":42}");
    }
    // When it is over it is got anew, and what is there then counts.
    tokio::time::sleep(Duration::from_millis(5100)).await;
    let requester = Requester::swt();
    issuer.has(&requester.token);
    is_admitted(&gateway, &referring(requester.get("/orders"), &issuer.url("/tokens/0?of=alice")).sign()).await;
    assert_eq!(issuer.asked(), 4);
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let gateway = issuer.gateway(&upstream, "").await;
    let requester = Requester::jwt_sealed();
    issuer.has(&requester.token);
    let late = issuer.answer.lock().unwrap().clone().after(Duration::from_millis(500));
    *issuer.answer.lock().unwrap() = late;
    let all = (0..30).map(|_| {
        let signed = referring(requester.get("/orders"), &issuer.url("/tokens/1")).sign();
        let gateway = &gateway;
        async move { is_admitted(gateway, &signed).await }
    });
    futures_util::future::join_all(all).await;
    assert_eq!((issuer.asked(), upstream.requests().len()), (1, 30));
}

#[tokio::test]
async fn the_address_is_signed_and_the_token_is_its_holders() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let gateway = issuer.gateway(&upstream, "").await;
    let alice = Requester::jwt(KeyKind::Ed25519);
    issuer.has(&alice.token);
    let signed = referring(alice.get("/orders"), &issuer.url("/tokens/1")).sign();
    let moved = base64::encode(issuer.url("/tokens/2").as_bytes());
    let elsewhere = signed.clone().change("X-WSS-Token1", |_| moved.clone());
    assert_eq!(outcome(&gateway, &elsewhere).await, (401, "holder_signature_invalid".to_owned()));
    let thief = referring(Requester::jwt(KeyKind::Ed25519).get("/orders"), &issuer.url("/tokens/1"));
    assert_eq!(outcome(&gateway, &thief.sign()).await, (401, "holder_signature_invalid".to_owned()));
    upstream.assert_untouched();
    is_admitted(&gateway, &signed).await;
    assert_eq!(outcome(&gateway, &signed).await, (401, "nonce_seen".to_owned()));
}

#[tokio::test]
async fn nothing_is_asked_but_what_is_listed() {
    let (issuer, inside, upstream) = (Issuer::start().await, Upstream::start().await, Upstream::start().await);
    let gateway = issuer.gateway(&upstream, "").await;
    let (requester, port) = (Requester::swt(), issuer.address.port());
    issuer.has(&requester.token);
    for (address, reason) in [
        (issuer.url("/other/1"), "reference_not_allowed"),
        (issuer.url("/tokens"), "reference_not_allowed"),
        (issuer.url("/tokens-of-others/1"), "reference_not_allowed"),
        (issuer.url("/tokens/1").replace("https:", "http:"), "reference_not_allowed"),
        (issuer.url("/tokens/1").replace("localhost", "127.0.0.1"), "reference_not_allowed"),
        (format!("https://localhost:{}/tokens/1", inside.address().port()), "reference_not_allowed"),
        (format!("http://{}/tokens/1", inside.address()), "reference_not_allowed"),
        ("https://169.254.169.254/tokens/1".to_owned(), "reference_not_allowed"),
        (issuer.url("/tokens/../other/1"), "reference_syntax"),
        (issuer.url("/tokens/%2e%2e/other/1"), "reference_syntax"),
        (issuer.url("/tokens/1#x"), "reference_syntax"),
        (issuer.url("/tokens/1").replace("localhost", "LOCALHOST"), "reference_syntax"),
        (format!("https://localhost:{port}@{}/tokens/1", inside.address()), "reference_syntax"),
        (format!("https://{}#@localhost:{port}/tokens/1", inside.address()), "reference_syntax"),
        ("file:///etc/passwd".to_owned(), "reference_syntax"),
        ("//localhost/tokens/1".to_owned(), "reference_syntax"),
    ] {
        let signed = referring(requester.get("/orders"), &address).sign();
        assert_eq!(outcome(&gateway, &signed).await, (401, reason.to_owned()), "{address}");
    }
    assert_eq!(issuer.asked(), 0);
    inside.assert_untouched();
    upstream.assert_untouched();
    is_admitted(&gateway, &referring(requester.get("/orders"), &issuer.url("/tokens/1")).sign()).await;
}

#[tokio::test]
async fn an_issuer_that_gives_no_token_is_nobodys_proof() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let gateway = issuer.gateway(&upstream, ", timeout: 2s, max_size: 2KiB, cache_failures_for: 1s").await;
    let requester = Requester::swt();
    let head = |more: &str, length: usize| format!("HTTP/1.1 200 OK\r\n{more}Content-Length: {length}\r\n\r\n");
    let large = "a".repeat(2049);
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n801\r\n{large}\r\n0\r\n\r\n");
    let elsewhere = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", issuer.url("/tokens/elsewhere"));
    let fine = |more: &str| [head(more, requester.token.len()).as_bytes(), &requester.token].concat();
    for (number, (reply, status, reason)) in [
        (Reply::of(elsewhere), 503, "fetch_status"),
        (Reply::of("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), 503, "fetch_status"),
        (Reply::of("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"), 503, "fetch_status"),
        (Reply::of("HTTP/1.1 404 Nothing\r\nContent-Length: 0\r\n\r\n"), 401, "reference_absent"),
        (Reply::of(head("", 100_000_000)), 401, "reference_too_large"),
        (Reply::of(format!("{}{large}", head("", 2049))), 401, "reference_too_large"),
        (Reply::of(chunked), 401, "reference_too_large"),
        (Reply::of(fine("Content-Encoding: gzip\r\n")), 503, "fetch_encoded"),
        (Reply::of(fine("Content-Type: text/html; charset=utf-8\r\n")), 503, "reference_not_a_token"),
        (Reply::of(head("", 0)), 503, "reference_not_a_token"),
        (Reply::of(format!("{}half", head("", 100))).cut(), 503, "fetch_interrupted"),
        (Reply::of("").cut(), 503, "fetch_interrupted"),
        (Reply::never(), 503, "fetch_timeout"),
        (Reply::of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), 503, "fetch_timeout"),
        (Reply::of(format!("{}garbage", head("", 7))), 401, "token_syntax"),
    ]
    .into_iter()
    .enumerate()
    {
        *issuer.answer.lock().unwrap() = reply;
        let (address, before) = (issuer.url(&format!("/tokens/{number}")), issuer.asked());
        let signed = referring(requester.get("/orders"), &address).sign();
        assert_eq!(outcome(&gateway, &signed).await, (status, reason.to_owned()), "{number}");
        assert_eq!(issuer.asked(), before + 1, "{number}: asked once, and nobody else");
    }
    upstream.assert_untouched();
    assert!(issuer.tokens.requests().iter().all(|request| !request.start.contains("elsewhere")), "a redirect was followed");
    // What failed is asked again after a while.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    issuer.has(&requester.token);
    is_admitted(&gateway, &referring(requester.get("/orders"), &issuer.url("/tokens/0")).sign()).await;
}

#[tokio::test]
async fn an_issuer_that_is_away_is_no_mistake_of_the_caller() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let away = format!("https://localhost:{}/tokens/", ports::free().port());
    let nowhere = "https://nowhere.invalid/tokens/".to_owned();
    let config = issuer.config_of(&[away.clone(), nowhere.clone(), issuer.url("/tokens/")], ", allow_private: true");
    let gateway = config.upstream(&upstream).start().await;
    let requester = Requester::swt();
    for (address, reason) in [(away, "fetch_unreachable"), (nowhere, "fetch_unresolvable")] {
        let signed = referring(requester.get("/orders"), &format!("{address}1")).sign();
        let answer = raw::ask(gateway.address(), signed.whole()).await;
        assert_eq!((answer.status(), answer.field("www-authenticate")), (503, None), "{address}");
        gateway.denial(reason).await;
    }
    // Whoever vouches for somebody else vouches for nobody here.
    let stranger = issuer.config_of(&[issuer.url("/tokens/")], ", allow_private: true").file("sts.pem", Authority::new().pem());
    let gateway = stranger.upstream(&upstream).start().await;
    let signed = referring(requester.get("/orders"), &issuer.url("/tokens/1")).sign();
    assert_eq!(outcome(&gateway, &signed).await, (503, "fetch_untrusted".to_owned()));
    assert_eq!(issuer.asked(), 0);
    upstream.assert_untouched();
}

#[tokio::test]
async fn names_lead_to_this_machine_only_where_that_is_allowed() {
    let (issuer, upstream, requester) = (Issuer::start().await, Upstream::start().await, Requester::swt());
    issuer.has(&requester.token);
    let written = issuer.url("/tokens/").replace("localhost", "127.0.0.1");
    let gateway = issuer.config_of(&[issuer.url("/tokens/"), written.clone()], "").upstream(&upstream).start().await;
    let signed = referring(requester.get("/orders"), &issuer.url("/tokens/1")).sign();
    assert_eq!(outcome(&gateway, &signed).await, (503, "fetch_address_refused".to_owned()));
    assert_eq!(issuer.asked(), 0);
    upstream.assert_untouched();
    // An address that the configuration itself names is meant.
    is_admitted(&gateway, &referring(requester.get("/orders"), &format!("{written}1")).sign()).await;
}

#[tokio::test]
async fn clear_text_is_asked_only_where_that_is_allowed() {
    let (issuer, upstream, requester) = (Issuer::start().await, Upstream::start().await, Requester::swt());
    issuer.has(&requester.token);
    let plain = format!("http://{}/tokens/", issuer.tokens.address());
    let refused = issuer.config_of(std::slice::from_ref(&plain), "").refused().await;
    assert!(refused.report.contains(&plain), "{}", refused.report);
    let gateway = issuer.config_of(std::slice::from_ref(&plain), ", allow_cleartext: true").upstream(&upstream).start().await;
    is_admitted(&gateway, &referring(requester.get("/orders"), &format!("{plain}1")).sign()).await;
}
