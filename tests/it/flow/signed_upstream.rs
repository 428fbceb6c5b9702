//! Requests that the gateway signs as it forwards them: what a backend verifies by the published keys, and what it does not.

use crate::support::certificates::Authority;
use crate::support::http2::Http2Client;
use crate::support::message::{Fields, Message};
use crate::support::programs::python;
use crate::support::signature::{digest_field, get};
use crate::support::witness::{Answer, Heard, Version, Witness};
use crate::support::{Config, Gateway, RawClient, Reply, Token, Upstream, raw};
use portcullis::crypto::{NewKey, SigningKey};
use portcullis::token::jose::pem;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Stdio;

const KEY_SET: &str = "/.well-known/portcullis/request-jwks.json";
const CONTENT: &str = "{\"order\":42}";

/// A ring of keys by their files, the lines of a route's `request_signature`, and settings of the upstream.
fn text(keys: &[&str], signature: &str, upstream: &str) -> String {
    let keys: Vec<_> = keys.iter().map(|name| format!("{{ file: \"{{keys}}/{name}\" }}")).collect();
    format!(
        "schemes:\n  bartender: {{ wrap: {{ issuers: [{{ name: \"{{issuer}}\", key_file: \"{{keys}}/bouncer.b64\" }}], audience: \
         \"{{audience}}\", accept: [header, query] }} }}\n  \
         signed: {{ http_signature: {{ keys_file: \"{{keys}}/callers.json\" }} }}\n\
         request_signature: {{ keys: [{}], jwks_path: /signers.json }}\n\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"]{upstream} }}\n\
         routes:\n  - {{ match: {{ path: /bar/ }}, authenticate: bartender, upstream: bar, rewrite: strip_prefix, identity: {{ preset: \
         auth-request }}, request_signature: {{ {signature} }} }}\n  \
         - {{ match: {{ path: /signed/ }}, authenticate: signed, upstream: bar, identity: {{ preset: auth-request }}, request_signature: {{ \
         {signature} }} }}\n  \
         - {{ match: {{ path: /public/ }}, public: true, upstream: bar, request_signature: {{ {signature} }} }}\n  \
         - {{ match: {{ path: /plain/ }}, public: true, upstream: bar }}\n",
        keys.join(", ")
    )
}

fn config(signature: &str, upstream: &str) -> Config {
    with_keys(&text(&["old.pem"], signature, upstream))
}

fn with_keys(text: &str) -> Config {
    let new = |kind| pem::write(&SigningKey::generate(kind).unwrap()).to_string();
    let config = Config::new(text).file("old.pem", &new(NewKey::P256));
    let callers = format!("{{\"keys\":[{}]}}", portcullis::token::jose::describe(get("/").key.public(), "client-1", None));
    config.file("new.pem", &new(NewKey::Ed25519)).file("callers.json", &callers)
}

async fn before(upstream: &Upstream, signature: &str) -> Gateway {
    config(signature, "").upstream(upstream).start().await
}

async fn key_set(gateway: &Gateway) -> String {
    let answer = gateway.ask_admin(KEY_SET).await;
    assert_eq!((answer.status(), answer.field("content-type")), (200, Some("application/jwk-set+json")));
    answer.text()
}

/// A request as a backend got it.
#[derive(Clone, Debug)]
struct Got {
    method: String,
    target: String,
    host: String,
    fields: Fields,
}

impl Got {
    fn of(message: &Message) -> Self {
        let [method, target, host] = [message.method(), message.target(), message.field("host").unwrap()].map(str::to_owned);
        Self { method, target, host, fields: message.fields.clone() }
    }

    /// Over HTTP/2 the host is no field.
    fn heard(heard: &Heard, host: &str) -> Self {
        Self { method: heard.method.clone(), target: heard.target.clone(), host: host.to_owned(), fields: heard.fields.clone() }
    }

    fn value(&self, name: &str) -> &str {
        let found: Vec<_> = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        &found[0].1
    }

    fn changed(&self, name: &str, change: impl Fn(&str) -> String) -> Self {
        let mut changed = self.clone();
        let field = changed.fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap();
        field.1 = change(&field.1);
        changed
    }

    fn without(&self, name: &str) -> Self {
        let mut less = self.clone();
        less.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        assert_ne!(less.fields.len(), self.fields.len(), "{name}");
        less
    }

    fn json(&self) -> Value {
        json!({ "method": self.method, "url": format!("http://{}{}", self.host, self.target), "fields": self.fields })
    }

    /// The same octets once more, with the content that it had.
    async fn sent_to(&self, address: SocketAddr, content: &str) -> u16 {
        let lines: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        raw::ask(address, format!("{} {} HTTP/1.1\r\n{lines}\r\n{content}", self.method, self.target)).await.status()
    }
}

/// What the signatures of requests cover, by an implementation of somebody else; `refused` where one does not hold.
async fn verified(key_set: &str, requests: &[Got]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (keys, input) = (folder.path().join("keys.json"), folder.path().join("requests"));
    std::fs::write(&keys, key_set).unwrap();
    std::fs::write(&input, requests.iter().map(|got| format!("{}\n", got.json())).collect::<String>()).unwrap();
    let mut command = python("http_signature_backend.py");
    let command = command.arg(keys).arg("portcullis").stdin(std::fs::File::open(input).unwrap()).stderr(Stdio::piped());
    let outcome = command.output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    let lines: Vec<_> = String::from_utf8(outcome.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), requests.len());
    if lines.iter().all(|line| line == "refused") {
        println!("{}", String::from_utf8_lossy(&outcome.stderr));
    }
    lines
}

fn post(target: &str, lines: &str) -> String {
    let (digest, length) = (digest_field(CONTENT.as_bytes()), CONTENT.len());
    format!("POST {target} HTTP/1.1\r\nHost: LOCALHOST:80\r\nContent-Digest: {digest}\r\nContent-Length: {length}\r\n{lines}\r\n{CONTENT}")
}

const COVERED: &str = "\"@method\" \"@target-uri\" \"content-digest\" \"x-auth-request-user\"";

#[tokio::test]
async fn another_implementation_verifies_what_is_forwarded_and_nothing_else() {
    for version in Version::ALL {
        let witness = Witness::start(version, Answer::Last).await;
        let gateway = config("", &format!(", {}", version.setting())).upstream_at(witness.address()).start().await;
        let target = format!("/bar/orders/%7e1?a=b%20c&wrap_access_token={}", escaped(&Token::of("alice").mint()));
        assert_eq!(raw::ask(gateway.address(), post(&target, "X-Auth-Request-User: mallory\r\n")).await.status(), 200);
        let got = Got::heard(&witness.last().await, "localhost");
        assert_eq!((&*got.target, got.value("x-auth-request-user")), ("/orders/~1?a=b%20c", "alice"));
        let mut wrong = vec![
            got.clone(),
            Got { target: "/orders/~2?a=b%20c".to_owned(), ..got.clone() },
            Got { target: "/orders/~1".to_owned(), ..got.clone() },
            Got { method: "PUT".to_owned(), ..got.clone() },
            Got { host: "other".to_owned(), ..got.clone() },
            got.changed("x-auth-request-user", |_| "alicf".to_owned()),
            got.changed("content-digest", |value| value.replacen("=:", "=:A", 1)),
            got.changed("signature-input", |value| value.replacen("created=1", "created=2", 1)),
            got.changed("signature-input", |value| value.replacen(" \"x-auth-request-user\"", "", 1)),
            got.without("x-auth-request-user"),
            got.without("content-digest"),
        ];
        let verdicts = verified(&key_set(&gateway).await, &wrong).await;
        assert_eq!(verdicts[0], COVERED, "{version:?} {got:?}");
        assert!(verdicts[1..].iter().all(|verdict| verdict == "refused"), "{verdicts:?}");
        wrong.truncate(1);
        let stranger = config("", "").upstream_at(witness.address()).start().await;
        assert_eq!(verified(&key_set(&stranger).await, &wrong).await, ["refused"]);
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|octet| if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("%{octet:02X}") }).collect()
}

#[tokio::test]
async fn every_kind_of_request_is_signed_as_it_goes() {
    let upstream = Upstream::start().await;
    let gateway = config("", ", host: { name: \"orders.internal:8080\" }").upstream(&upstream).start().await;
    let alice = Token::of("alice").authorization();
    let absolute = format!("GET http://localhost/bar/x HTTP/1.1\r\nHost: localhost\r\n{alice}\r\n");
    assert_eq!(raw::ask(gateway.address(), absolute).await.status(), 200);
    assert_eq!(raw::fetch(gateway.address(), "/public/?", "").await.status(), 200);
    let crumbs = "Cookie: a=1\r\nCookie: b=2\r\n";
    assert_eq!(raw::fetch(gateway.address(), "/bar/", &format!("{alice}{crumbs}")).await.status(), 200);
    let mut client = Http2Client::connect(gateway.address()).await;
    let credential = Token::of("alice").credential();
    let answer = client.fetch("http://localhost/bar/over?two", &[("authorization", &credential)]).await.unwrap();
    assert_eq!(answer.status, 200);
    let got: Vec<_> = upstream.requests().iter().map(Got::of).collect();
    assert!(got.iter().all(|got| got.host == "orders.internal:8080"), "{got:?}");
    let targets: Vec<_> = got.iter().map(|got| got.target.as_str()).collect();
    assert_eq!(targets, ["/x", "/public/", "/", "/over?two"]);
    let bare = "\"@method\" \"@target-uri\"";
    let named = format!("{bare} \"x-auth-request-user\"");
    assert_eq!(verified(&key_set(&gateway).await, &got).await, [&*named, bare, &*named, &*named]);
}

#[tokio::test]
async fn what_is_covered_and_what_is_said_is_configured() {
    let upstream = Upstream::start().await;
    let signature = "components: [\"@authority\", \"@path\", \"@query\", \"@request-target\", \"@scheme\", cookie, x-note], label: edge, \
                     expires_in: 30s, nonce: random";
    let gateway = before(&upstream, signature).await;
    let lines = format!("{}Cookie: a=1\r\nX-Note: one\r\nX-Note: two\r\nX_Note: three\r\n", Token::of("alice").authorization());
    for _ in 0..2 {
        assert_eq!(raw::fetch(gateway.address(), "/bar/x?y", &lines).await.status(), 200);
    }
    let got: Vec<_> = upstream.requests().iter().map(Got::of).collect();
    let covered = "\"@authority\" \"@path\" \"@query\" \"@request-target\" \"@scheme\" \"cookie\" \"x-note\" \"x-auth-request-user\"";
    assert_eq!(verified(&key_set(&gateway).await, &got).await, [covered, covered]);
    let input = got[0].value("signature-input");
    let created: u64 = input.split_once("created=").unwrap().1.split(';').next().unwrap().parse().unwrap();
    assert!(input.starts_with("edge=(") && input.contains(&format!(";expires={};", created + 30)), "{input}");
    assert_ne!(nonce(&got[0]), nonce(&got[1]));
    assert!(got[0].value("signature").starts_with("edge=:"));
    assert!(!got[0].fields.iter().any(|(name, _)| name == "X_Note"), "what is signed has one spelling");
}

fn nonce(got: &Got) -> String {
    let input = got.value("signature-input");
    let nonce = input.split_once("nonce=\"").unwrap_or_else(|| panic!("{input}")).1.split('"').next().unwrap();
    assert_eq!(nonce.len(), 24, "{input}");
    nonce.to_owned()
}

#[tokio::test]
async fn an_identity_beyond_ascii_is_signed_as_octets() {
    let (upstream, last) = (Upstream::start().await, Upstream::start().await);
    let gateway = before(&upstream, "nonce: random").await;
    assert_eq!(raw::fetch(gateway.address(), "/bar/x", &Token::of("Zoë").authorization()).await.status(), 200);
    let got = Got::of(&upstream.request());
    assert!(got.value("signature-input").contains(" \"x-auth-request-user\";bs)"), "{got:?}");
    assert_eq!(verified(&key_set(&gateway).await, &[got]).await, ["\"@method\" \"@target-uri\" \"x-auth-request-user\";bs"]);
    // A gateway that asks for the field takes it in this form.
    let second = behind(&key_set(&gateway).await, &last).await;
    let chained = text(&["old.pem"], "nonce: random", "").replace("{upstream}", &second.address().to_string());
    gateway.reload(&Config::new(&chained)).await;
    assert_eq!(raw::fetch(gateway.address(), "/bar/x", &Token::of("Zoë").authorization()).await.status(), 200);
    assert_eq!(last.requests().len(), 1);
}

#[tokio::test]
async fn over_tls_the_target_is_one_of_https() {
    for version in ["http1", "http2"] {
        let (servers, last, template) = (Authority::new(), Upstream::start().await, Upstream::start().await);
        let first = before(&template, "nonce: random").await;
        let (certificate, key) = servers.certify(&["edge.example"]);
        let second =
            "listeners: [{ address: \"127.0.0.1:{port}\", tls: { certificate: \"{keys}/edge.pem\", key: \"{keys}/edge.key\" } }]\n";
        let second = Config::new(&format!("{second}{BEHIND}")).file("edge.pem", &certificate).file("edge.key", &key);
        let second = second.file("edge.json", &key_set(&first).await).upstream(&last).start().await;
        std::fs::write(first.keys().join("anchors.pem"), servers.pem()).unwrap();
        let settings = format!(
            ", protocol: {version}, host: {{ name: \"edge.example:443\" }}, tls: {{ server_name: edge.example, ca_file: \"{{keys}}/anchors.pem\" }}"
        );
        let chained =
            text(&["old.pem"], "nonce: random, components: [\"@method\", \"@target-uri\", \"@authority\", \"@scheme\"]", &settings);
        first.reload(&Config::new(&chained.replace("{upstream}", &second.address().to_string()))).await;
        let answer = raw::fetch(first.address(), "/bar/orders?x=1", &Token::of("alice").authorization()).await;
        assert_eq!(answer.status(), 200, "{version} {:#?}", second.events().last());
        assert_eq!(last.request().target(), "/orders?x=1");
    }
}

#[tokio::test]
async fn each_attempt_is_signed_anew() {
    let (cutting, healthy) = (Upstream::always(Reply::of("").cut()).await, Upstream::start().await);
    let text =
        text(&["old.pem"], "nonce: random", "").replace("\"{upstream}\"", &format!("\"{}\", \"{}\"", cutting.address(), healthy.address()));
    let config = config("", "");
    let gateway = config.with_text(&text).start().await;
    let request = post("/bar/x", &Token::of("alice").authorization()).replacen("POST", "PUT", 1);
    assert_eq!(raw::ask(gateway.address(), request).await.status(), 200);
    let got = [Got::of(&cutting.request()), Got::of(&healthy.request())];
    assert_eq!(verified(&key_set(&gateway).await, &got).await, [COVERED, COVERED]);
    assert_ne!(nonce(&got[0]), nonce(&got[1]), "whoever takes a nonce once takes the second attempt, too");
}

#[tokio::test]
async fn an_upgrade_is_signed() {
    let upstream = Upstream::always(Reply::tunnel()).await;
    let gateway = before(&upstream, "").await;
    let mut client = RawClient::connect(gateway.address()).await;
    let upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    client.send(format!("GET /bar/chat HTTP/1.1\r\nHost: localhost\r\n{upgrade}{}\r\n", Token::of("alice").authorization())).await;
    assert_eq!(client.answer().await.status(), 101);
    let got = Got::of(&upstream.request());
    assert_eq!(got.value("upgrade"), "websocket");
    assert_eq!(verified(&key_set(&gateway).await, &[got]).await, [COVERED.replace(" \"content-digest\"", "")]);
}

#[tokio::test]
async fn nobody_signs_under_the_label_of_the_gateway() {
    let upstream = Upstream::start().await;
    let gateway = before(&upstream, "").await;
    let alice = Token::of("alice").authorization();
    for lines in [
        "Signature-Input: portcullis=(\"@method\");keyid=\"x\"\r\nSignature: portcullis=:AAAA:\r\n",
        "Signature-Input: a=(), portcullis=()\r\nSignature: a=:AAAA:\r\n",
        "Signature-Input: a=()\r\nSignature: a=:AAAA:, portcullis=:AAAA:\r\n",
        "Signature: a=:AAAA:\r\nSignature: portcullis=:AAAA:\r\n",
        "Signature-Input: a=(\"\r\nSignature: a=:AAAA:\r\n",
        "Signature: portcullis\r\n",
        "Signature-Input: a=(), a=()\r\n",
    ] {
        for target in ["/bar/x", "/public/x"] {
            let answer = raw::fetch(gateway.address(), target, &format!("{alice}{lines}")).await;
            assert_eq!(answer.status(), 400, "{lines}");
            let id = answer.field("x-request-id").unwrap().to_owned();
            let line = gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
            assert_eq!(line["reason"], "signature_label", "{line}");
        }
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn what_a_client_signs_for_the_backend_stands_beside_it() {
    let upstream = Upstream::start().await;
    let gateway = before(&upstream, "").await;
    let own = ["a=(\"@method\");created=1;tag=\"app\"", "a=:AAAA:"];
    let lines = format!(
        "{}Signature-Input: {}\r\nSignature_Input: portcullis=()\r\nSignature: {}\r\n",
        Token::of("alice").authorization(),
        own[0],
        own[1]
    );
    assert_eq!(raw::fetch(gateway.address(), "/bar/x", &lines).await.status(), 200);
    let message = upstream.request();
    assert_eq!((message.values("signature-input")[0], message.values("signature")[0]), (own[0], own[1]));
    assert_eq!(
        (message.values("signature-input").len(), message.values("signature").len(), message.values("signature_input").len()),
        (2, 2, 0)
    );
    assert_eq!(verified(&key_set(&gateway).await, &[Got::of(&message)]).await, [COVERED.replace(" \"content-digest\"", "")]);
}

#[tokio::test]
async fn a_signature_that_was_the_credential_gives_way_and_routes_without_the_setting_are_left_alone() {
    let upstream = Upstream::start().await;
    let gateway = before(&upstream, "").await;
    let signed = get("/signed/x").sign();
    let signed = signed.change("Signature-Input", |value| value.replacen("sig1", "portcullis", 1));
    let signed = signed.change("Signature", |value| value.replacen("sig1", "portcullis", 1));
    assert_eq!(signed.ask(gateway.address()).await.status(), 200);
    let got = Got::of(&upstream.requests().pop().unwrap());
    assert!(got.value("signature-input").contains("tag=\"portcullis\""));
    assert_eq!(verified(&key_set(&gateway).await, &[got]).await, [COVERED.replace(" \"content-digest\"", "")]);
    let lines = "Signature-Input: portcullis=(\"\r\nSignature: portcullis=:AAAA:\r\n";
    assert_eq!(raw::fetch(gateway.address(), "/plain/x", lines).await.status(), 200);
    let message = upstream.requests().pop().unwrap();
    assert_eq!((message.field("signature-input"), message.field("signature")), (Some("portcullis=(\""), Some("portcullis=:AAAA:")));
}

/// What takes what another gateway has signed, once.
const BEHIND: &str = "schemes: { edge: { http_signature: { keys_file: \"{keys}/edge.json\", tag: portcullis, nonce: required, required_components: \
                [\"@method\", \"@target-uri\", content-digest, x-auth-request-user] } } }\nupstreams: { bar: { servers: [\"{upstream}\"] } \
                }\nroutes: [{ match: { path: / }, authenticate: edge, upstream: bar }]\n";

async fn behind(keys: &str, upstream: &Upstream) -> Gateway {
    Config::new(BEHIND).file("edge.json", keys).upstream(upstream).start().await
}

#[tokio::test]
async fn a_second_gateway_takes_what_the_first_has_signed_and_nothing_else() {
    let (first_upstream, last) = (Upstream::start().await, Upstream::start().await);
    let first = before(&first_upstream, "nonce: random").await;
    let second = behind(&key_set(&first).await, &last).await;
    let request = || post("/bar/orders?x=1", &Token::of("alice").authorization());
    assert_eq!(raw::ask(first.address(), request()).await.status(), 200);
    let got = Got::of(&first_upstream.requests().pop().unwrap());
    for (wrong, reason) in [
        (Got { target: "/orders?x=2".to_owned(), ..got.clone() }, "signature_invalid"),
        (Got { target: "/orderz?x=1".to_owned(), ..got.clone() }, "signature_invalid"),
        (got.changed("x-auth-request-user", |_| "alicf".to_owned()), "signature_invalid"),
        (got.without("x-auth-request-user"), "component_absent"),
    ] {
        assert_eq!(wrong.sent_to(second.address(), CONTENT).await, 401, "{reason}");
        second.denial(reason).await;
    }
    let other = got.sent_to(second.address(), &CONTENT.replace("42", "43")).await;
    assert_eq!(other, 401);
    second.denial("digest_mismatch").await;
    last.assert_untouched();
    assert_eq!(got.sent_to(second.address(), CONTENT).await, 200);
    assert_eq!(got.sent_to(second.address(), CONTENT).await, 401);
    second.denial("nonce_seen").await;

    // In one chain, as it will be.
    let chained = text(&["old.pem"], "nonce: random", "").replace("{upstream}", &second.address().to_string());
    first.reload(&Config::new(&chained)).await;
    for _ in 0..2 {
        assert_eq!(raw::ask(first.address(), request()).await.status(), 200);
    }
    assert_eq!(last.requests().len(), 3);
    assert!(!last.requests()[2].mentions("signature"));
    assert!(!last.requests()[2].mentions("x-auth-request-user"), "the fields are the second one's own");
    assert_eq!(raw::fetch(second.address(), "/orders", "").await.status(), 401);
}

/// What takes both, the assertion bound to its request by the signature.
const KNOWING: &str = "schemes:\n  edge: { http_signature: { keys_file: \"{keys}/edge.json\", tag: portcullis, required_components: \
                [\"@method\", \"@target-uri\", content-digest, x-identity-assertion] } }\n  user: { jwt: { issuer: \
                \"https://gateway.example\", audiences: [\"https://orders.internal\"], jwks_file: \"{keys}/assertion.json\", accept: \
                [{ field: X-Identity-Assertion }] } }\nupstreams: { bar: { servers: [\"{upstream}\"] } }\nroutes: [{ match: { path: / }, \
                authenticate: { all_of: [user, edge] }, upstream: bar, identity: { preset: auth-request } }]\n";

#[tokio::test]
async fn a_second_gateway_knows_the_user_by_an_assertion_beside_the_signature() {
    let (first_upstream, last) = (Upstream::start().await, Upstream::start().await);
    let asserting = "assertion: { issuer: \"https://gateway.example\", keys: [{ file: \"{keys}/new.pem\" }] }\n";
    let told = "preset: auth-request, assertion: { audience: \"https://orders.internal\" } }";
    let text = [asserting, &text(&["old.pem"], "", "").replace("preset: auth-request }", told)].concat();
    let first = with_keys(&text).upstream(&first_upstream).start().await;
    let assertion_keys = first.ask_admin("/.well-known/portcullis/jwks.json").await.text();
    let knowing = Config::new(KNOWING).file("edge.json", &key_set(&first).await).file("assertion.json", &assertion_keys);
    let second = knowing.upstream(&last).start().await;

    let request = || post("/bar/orders?x=1", &Token::of("alice").authorization());
    assert_eq!(raw::ask(first.address(), request()).await.status(), 200);
    let got = Got::of(&first_upstream.requests().pop().unwrap());
    assert_eq!(got.without("x-identity-assertion").sent_to(second.address(), CONTENT).await, 401);
    last.assert_untouched();

    first.reload(&Config::new(&text.replace("{upstream}", &second.address().to_string()))).await;
    assert_eq!(raw::ask(first.address(), request()).await.status(), 200);
    let request = last.requests().pop().unwrap();
    assert_eq!((request.field("x-auth-request-user"), request.mentions("x-identity-assertion")), (Some("alice"), false));
}

#[tokio::test]
async fn keys_change_as_those_of_assertions_do() {
    let upstream = Upstream::start().await;
    let gateway = before(&upstream, "").await;
    let turn = |keys: &'static [&'static str]| {
        let (gateway, upstream) = (&gateway, &upstream);
        async move { gateway.reload(&Config::new(&text(keys, "", "")).upstream(upstream)).await }
    };
    let next = || async {
        assert_eq!(raw::fetch(gateway.address(), "/public/x", "").await.status(), 200);
        Got::of(&upstream.requests().pop().unwrap())
    };
    let first = next().await;
    turn(&["old.pem", "new.pem"]).await;
    let both = key_set(&gateway).await;
    let second = next().await;
    turn(&["new.pem", "old.pem"]).await;
    let third = next().await;
    let fine = "\"@method\" \"@target-uri\"";
    assert_eq!(verified(&both, &[first, second.clone(), third.clone()]).await, [fine; 3]);
    turn(&["new.pem"]).await;
    assert_eq!(verified(&key_set(&gateway).await, &[second, third]).await, ["refused", fine]);
}

#[tokio::test]
async fn the_keys_are_published_apart_from_those_of_assertions() {
    let upstream = Upstream::start().await;
    let gateway = before(&upstream, "").await;
    let set = key_set(&gateway).await;
    let answer = raw::fetch(gateway.address(), "/signers.json", "").await;
    assert_eq!((answer.status(), answer.field("content-type"), answer.text()), (200, Some("application/jwk-set+json"), set));
    assert_eq!(gateway.ask_admin("/.well-known/portcullis/jwks.json").await.status(), 404);
    let bare = Config::bar("").upstream(&upstream).start().await;
    let answer = bare.ask_admin(KEY_SET).await;
    assert_eq!((answer.status(), answer.text().contains("`request_signature`")), (404, true));
    let without = text(&["old.pem"], "", "").replace("request_signature: { keys", "# request_signature: { keys");
    let report = Config::new(&without).file("callers.json", "{\"keys\":[]}").refused().await.report;
    assert!(report.contains("a signature, and no keys to sign with"), "{report}");
}
