//! Requests that are signed by HTTP message signatures, end to end: over both versions of HTTP, with content of every
//! size, compared before it goes on and on its way.

use crate::support::http2::Http2Client;
use crate::support::programs::{output, python};
use crate::support::signature::{config, digest_field, get, long_digest_field, post};
use crate::support::upstream::Upstream;
use crate::support::witness::{Answer, Ending, Version, Witness};
use crate::support::wssec::Signed;
use crate::support::{Config, Gateway, RawClient, raw};
use portcullis::crypto::sha256;
use serde_json::Value;
use std::process::{Command, Stdio};

const CONTENT: &[u8] = b"{\"order\":42}";
const SIZES: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, 1 << 20];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    Http2,
}

struct Scene {
    gateway: Gateway,
    witness: Witness,
    http2: Http2Client,
}

impl Scene {
    async fn new(version: Version, mode: &str) -> Self {
        let witness = Witness::start(version, Answer::Last).await;
        let upstream = format!(", {}", version.setting());
        let gateway = config(&[], &[&format!("body: {mode}")], &upstream, "").upstream_at(witness.address()).start().await;
        let http2 = Http2Client::connect(gateway.address()).await;
        Self { gateway, witness, http2 }
    }

    async fn send(&mut self, request: &Signed, framing: Framing) -> u16 {
        let octets = match framing {
            Framing::Length => request.whole(),
            Framing::Chunked => request.chunked(9_973),
            Framing::Http2 => return request.ask_over(&mut self.http2).await.unwrap().status.as_u16(),
        };
        let mut client = RawClient::connect(self.gateway.address()).await;
        client.send(octets).await;
        client.answer().await.status()
    }
}

fn octets(size: usize) -> Vec<u8> {
    (0..size).map(|place| u8::try_from((place * 7 + place / 251) % 256).unwrap()).collect()
}

async fn one_gateway(scheme: &[&str]) -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    (config(scheme, &[], "", "").upstream(&upstream).start().await, upstream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_content_arrives_as_signed_or_not_at_all() {
    for (version, mode) in [
        (Version::Http1, "before_forwarding"),
        (Version::Http2, "before_forwarding"),
        (Version::Http1, "while_streaming"),
        (Version::Http2, "while_streaming"),
    ] {
        let mut scene = Scene::new(version, mode).await;
        for framing in [Framing::Length, Framing::Chunked, Framing::Http2] {
            for size in SIZES {
                let about = format!("{version:?} {mode} {framing:?} {size}");
                let signed = post("/orders?x=1", &octets(size)).field("Content-Type", "a/b").covering("\"content-type\"").sign();
                scene.witness.forget();
                assert_eq!(scene.send(&signed, framing).await, 200, "{about} {:#?}", scene.gateway.events().last());
                let heard = scene.witness.last().await;
                let wanted = (u64::try_from(size).unwrap(), sha256(&signed.content).to_vec(), Ending::Whole);
                assert_eq!((heard.octets, heard.digest.clone(), heard.ending), wanted, "{about}");
                assert!(heard.mentions("content-digest") && !heard.mentions("signature") && !heard.mentions("signature-input"), "{about}");
                scene.witness.forget();
                let other = if size == 0 { Signed { content: b"x".to_vec(), ..signed } } else { signed.tampered() };
                assert_eq!(scene.send(&other, framing).await, 401, "{about}");
                scene.witness.assert_nothing_whole().await;
            }
        }
        scene.gateway.denial("digest_mismatch").await;
    }
}

#[tokio::test]
async fn the_backend_hears_who_signed() {
    let (gateway, upstream) = one_gateway(&[]).await;
    assert_eq!(get("/orders?x=%20y").sign().ask(gateway.address()).await.status(), 200);
    let heard = upstream.request();
    assert_eq!((heard.method(), heard.target(), heard.field("x-auth-request-user")), ("GET", "/orders?x=%20y", Some("alice")));
    assert!(!heard.mentions("signature") && !heard.mentions("signature-input"));
    let line = gateway.audit_line(|event| event["verdict"] == "admitted").await;
    assert_eq!((&line["issuer"], &line["subject"]), (&"signed".into(), &"alice".into()), "{line}");
    let access = gateway.access_line(|line| line["status"] == 200).await;
    assert_eq!(access["auth_profile"], "ed25519", "{access}");
}

#[tokio::test]
async fn what_stays_is_configured() {
    let (gateway, upstream) = one_gateway(&["forward_token: keep"]).await;
    assert_eq!(get("/").sign().ask(gateway.address()).await.status(), 200);
    assert!(upstream.request().mentions("signature") && upstream.request().mentions("signature-input"));
}

#[tokio::test]
async fn a_refusal_says_how_to_sign() {
    let (gateway, upstream) = one_gateway(&["tag: orders", "realm: shop"]).await;
    let answer = raw::fetch(gateway.address(), "/orders", "").await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.field("www-authenticate"), Some("Signature realm=\"shop\""));
    assert_eq!(answer.field("accept-signature"), Some("sig1=(\"@method\" \"@target-uri\" \"content-digest\");created;tag=\"orders\""));
    assert_eq!(answer.field("want-content-digest"), Some("sha-256=5, sha-512=10"));
    upstream.assert_untouched();
    // Whoever does so is let in.
    let signed = post("/orders", CONTENT).stating(";tag=\"orders\"").sign();
    assert_eq!(signed.ask(gateway.address()).await.status(), 200);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_its_field() {
    let (gateway, upstream) = one_gateway(&[]).await;
    let signed = get("/").sign();
    for field in ["Signature-Input", "Signature"] {
        let request = signed.clone().without(field).with(field, "sig1=(");
        assert_eq!(request.ask(gateway.address()).await.status(), 400, "{field}");
        gateway.audit_line(|line| line["event"] == "decision" && line["field"] == field).await;
    }
    let digest = get("/").field("Content-Digest", "sha-256=(").covering("\"content-digest\"").sign();
    assert_eq!(digest.ask(gateway.address()).await.status(), 400);
    gateway.audit_line(|line| line["event"] == "decision" && line["field"] == "content-digest").await;
    upstream.assert_untouched();
}

#[tokio::test]
async fn heads_are_judged_without_their_content() {
    let (gateway, upstream) = one_gateway(&[]).await;
    for (draft, reason) in [
        (post("/", CONTENT).by_a_stranger(), "signature_invalid"),
        (post("/", CONTENT).over(&["\"@method\"", "\"@target-uri\""]), "coverage_missing"),
        (post("/", CONTENT).signed_in(-400), "expired"),
    ] {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(draft.sign().head(&format!("Content-Length: {}\r\n", CONTENT.len()))).await;
        assert_eq!(client.answer().await.status(), 401, "{reason}");
        gateway.denial(reason).await;
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn several_digests_are_all_compared() {
    let (gateway, upstream) = one_gateway(&[]).await;
    let with = |field: &str| {
        let draft = post("/", CONTENT);
        let plain = crate::support::signature::Draft { fields: Vec::new(), ..draft };
        plain.field("Content-Digest", field).sign()
    };
    let (short, long) = (digest_field(CONTENT), long_digest_field(CONTENT));
    assert_eq!(with(&format!("{short}, {long}")).ask(gateway.address()).await.status(), 200);
    let heard = upstream.requests().len();
    for bad in [format!("{short}, {}", long_digest_field(b"x")), format!("{}, {long}", digest_field(b"x"))] {
        assert_eq!(with(&bad).ask(gateway.address()).await.status(), 401);
    }
    assert_eq!(upstream.requests().len(), heard);
}

#[tokio::test]
async fn keys_come_and_go_with_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("callers");
    std::fs::create_dir(&keys).unwrap();
    std::fs::write(keys.join("README"), "callers' keys").unwrap();
    let upstream = Upstream::start().await;
    let draft = get("/");
    let jwk = portcullis::token::jose::describe(draft.key.public(), "client-1", None);
    let other = portcullis::crypto::SigningKey::generate(portcullis::crypto::NewKey::P256).unwrap();
    std::fs::write(keys.join("other.jwk"), portcullis::token::jose::describe(other.public(), "other", None)).unwrap();
    let text = format!(
        "schemes: {{ signed: {{ http_signature: {{ keys_dir: \"{}\" }} }} }}\nupstreams: {{ bar: {{ servers: [\"{{upstream}}\"] }} }}\n\
         routes: [{{ match: {{ path: / }}, authenticate: signed, upstream: bar }}]\n",
        keys.display()
    );
    let gateway = Config::new(&text).upstream(&upstream).start().await;
    assert_eq!(draft.sign().ask(gateway.address()).await.status(), 401);
    assert_eq!(gateway.denial("key_unknown").await["key"], "client-1");
    gateway.access_line(|line| line["key"] == "client-1").await;
    std::fs::write(keys.join("client-1.jwk"), jwk).unwrap();
    crate::support::within("the key to be taken up", async {
        while draft.sign().ask(gateway.address()).await.status() != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    std::fs::remove_file(keys.join("client-1.jwk")).unwrap();
    crate::support::within("the key to be forgotten", async {
        while draft.sign().ask(gateway.address()).await.status() != 401 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// A gateway that takes the keys in a folder, and signatures with nonces only.
async fn before(keys: &std::path::Path, upstream: &Upstream) -> Gateway {
    let text = format!(
        "schemes: {{ signed: {{ http_signature: {{ keys_dir: \"{}\", nonce: required }} }} }}\nupstreams: {{ bar: {{ servers: \
         [\"{{upstream}}\"] }} }}\nroutes: [{{ match: {{ path: / }}, authenticate: signed, upstream: bar, identity: {{ preset: \
         auth-request }} }}]\n",
        keys.display()
    );
    Config::new(&text).upstream(upstream).start().await
}

const ALGORITHMS: [&str; 6] = ["rsa-pss", "rsa-v15", "hmac", "p256", "p384", "ed25519"];

#[tokio::test]
async fn another_implementation_is_let_in_by_every_algorithm_and_refused_with_one_thing_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    output(python("http_signature_client.py").arg("keys").arg(&keys)).await;
    let upstream = Upstream::start().await;
    let gateway = before(&keys.join("public"), &upstream).await;
    let origin = format!("http://{}", gateway.address());
    let lines = output(python("http_signature_client.py").arg("ask").arg(origin).arg(&keys)).await;
    let answers: Vec<(String, u64)> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["how"].as_str().unwrap().to_owned(), line["status"].as_u64().unwrap()))
        .collect();
    let plain = ALGORITHMS.iter().flat_map(|name| [(*name).to_owned(), format!("{name} without alg")]);
    let good = plain.chain(["get", "forms"].map(str::to_owned)).map(|how| (how, 200));
    let bad = ["another body", "another method", "another field", "less", "too old", "an unknown key", "another key"];
    let bad = bad.map(|how| (how.to_owned(), 401));
    let expected: Vec<_> = good.chain(bad).chain([("once".to_owned(), 200), ("twice".to_owned(), 401)]).collect();
    assert_eq!(answers, expected, "{:#?}", gateway.events());
    let users: Vec<_> = upstream.requests().iter().map(|request| request.field("x-auth-request-user").unwrap().to_owned()).collect();
    assert_eq!(users.len(), expected.iter().filter(|(_, status)| *status == 200).count());
    assert_eq!(users[..4], ["rsa-pss", "rsa-pss", "rsa-v15", "rsa-v15"]);
}

/// What `portcullis sign` prints is verified by another implementation, and sent by another client.
#[tokio::test]
async fn what_the_command_signs_is_verified_by_others_and_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, body, fields) = (folder.path().join("keys"), folder.path().join("body"), folder.path().join("fields"));
    output(python("http_signature_client.py").arg("keys").arg(&keys)).await;
    std::fs::write(&body, CONTENT).unwrap();
    let upstream = Upstream::start().await;
    let gateway = before(&keys.join("public"), &upstream).await;
    let url = format!("http://{}/orders?x=%20y", gateway.address());
    for name in ["rsa-pss", "p256", "p384", "ed25519"] {
        let mut sign = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let sign = sign.args(["sign", "--scheme", "http_signature", "--url", &url, "--keyid", name, "--key"]);
        let text = output(sign.arg(keys.join(format!("{name}.pem"))).arg("--body").arg(&body)).await;
        std::fs::write(&fields, &text).unwrap();
        let mut check = python("http_signature_client.py");
        let check = check.arg("check").arg(&keys).args(["POST", &url, std::str::from_utf8(CONTENT).unwrap()]);
        let checked = check.stdin(std::fs::File::open(&fields).unwrap()).stderr(Stdio::inherit()).output().unwrap();
        let covered = String::from_utf8(checked.stdout).unwrap();
        assert!(covered.starts_with("\"@method\" \"@target-uri\" \"content-type\" \"content-digest\""), "{name}: {covered}");
        let mut octets = format!("POST /orders?x=%20y HTTP/1.1\r\nHost: {}\r\n", gateway.address());
        text.lines().for_each(|line| octets.push_str(&format!("{line}\r\n")));
        octets.push_str(&format!("Content-Length: {}\r\n\r\n{}", CONTENT.len(), std::str::from_utf8(CONTENT).unwrap()));
        assert_eq!(raw::ask(gateway.address(), octets).await.status(), 200, "{name} {:#?}", gateway.events().last());
    }
}
