//! Contexts: what one proved request grants to those after it.

use crate::support::certificates::Authority;
use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::wssec::{HolderKey, Partners, Requester, Saying, Signed};
use crate::support::{Gateway, RawClient, Reply, Upstream, ports};
use portcullis::clock;
use portcullis::crypto::{KeyKind, base64};
use portcullis::scheme::wssec::wire::SignatureName;
use std::net::SocketAddr;
use std::time::Duration;

/// An answer that says things in the gateway's name.
fn presumptuous() -> Reply {
    Reply::of(
        "HTTP/1.1 200 OK\r\nX-WSS-AuthInfo: nonce=\"0123456789abcdef\"\r\nX-Wss-Authenticate: sigusage=auth\r\nX-WSS-Extra: 1\r\n\
         Cache-Control: public, max-age=60\r\nContent-Length: 2\r\n\r\nok",
    )
}

async fn scene(partners: &Partners) -> (Gateway, Upstream) {
    let upstream = Upstream::always(presumptuous()).await;
    (partners.config().upstream(&upstream).start().await, upstream)
}

/// What the answer to a first request grants.
async fn granted(gateway: &Gateway, first: &Requester) -> Requester {
    let answer = first.get("/orders").sign().ask(gateway.address()).await;
    assert_eq!(answer.status(), 200, "{:#?}", gateway.events().last());
    Requester::of_info(answer.field("x-wss-authinfo").expect("a context"))
}

async fn ask(to: &Gateway, requester: &Requester) -> Message {
    requester.get("/orders").sign().ask(to.address()).await
}

fn first() -> Requester {
    Requester::jwt(KeyKind::P256)
}

#[tokio::test]
async fn a_first_request_is_granted_a_context_and_later_ones_need_no_other_token() {
    for first in [first(), Requester::swt(), Requester::x509(KeyKind::P256)] {
        let (gateway, upstream) = scene(&Partners::new()).await;
        let answer = first.get("/orders").sign().ask(gateway.address()).await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
        let info = answer.field("x-wss-authinfo").expect("one AuthInfo, and not the upstream's").to_owned();
        assert!(info.starts_with("contexttoken=\"") && info.contains("\", contexttokensecret=\""), "{info}");
        assert_eq!(answer.field("cache-control"), Some("no-store"));
        assert!(!answer.mentions("x-wss-extra") && !answer.mentions("x-wss-authenticate"), "{answer:?}");

        let context = Requester::of_info(&info);
        let mut client = RawClient::connect(gateway.address()).await;
        for round in 0..3 {
            client.send(context.post("/orders?x=2", b"more").sign().whole()).await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), 200, "{round}");
            // A context never comes from a context; then there is nothing to keep out of caches either.
            assert!(!answer.mentions("x-wss-authinfo") && !answer.mentions("x-wss-extra"), "{answer:?}");
            assert_eq!(answer.field("cache-control"), Some("public, max-age=60"));
        }
        assert_eq!(ask(&gateway, &context).await.status(), 200, "on another connection");
        let mut http2 = Http2Client::connect(gateway.address()).await;
        assert_eq!(context.get("/orders").sign().ask_over(&mut http2).await.unwrap().status, 200, "over HTTP/2");
        for request in upstream.requests() {
            assert!(request.fields.iter().all(|(name, _)| !name.to_ascii_lowercase().starts_with("x-wss")), "{request:?}");
            assert!(!request.mentions("authorization"), "{request:?}");
            let user = if first.profile == "x509v3" { "CN=alice" } else { "alice" };
            assert_eq!(request.field("x-auth-request-user"), Some(user));
        }
        let said = gateway.log_lines().concat();
        for secret in [base64::encode(&context.token), base64::encode(&first.token)] {
            assert!(!said.contains(&secret[..40]), "a token stands in the logs");
        }
    }
}

/// A gateway that listens in clear text and under TLS, and its second address.
async fn both_ways(partners: &Partners, authority: &Authority) -> (Gateway, SocketAddr, Upstream) {
    let second = ports::free();
    let (certificate, key) = authority.certify(&["localhost"]);
    let listeners = format!(
        "listeners:\n  - address: \"127.0.0.1:{{port}}\"\n  - address: \"{second}\"\n    tls: {{ certificates: [{{ certificate: \"{{keys}}/own.pem\", key: \"{{keys}}/own.key\" }}] }}"
    );
    let partners = partners.clone().beside(&listeners).file("own.pem", &certificate).file("own.key", &key);
    let (gateway, upstream) = scene(&partners).await;
    (gateway, second, upstream)
}

async fn under_tls(to: SocketAddr, authority: &Authority, signed: &Signed) -> Message {
    let mut client = RawClient::tls(to, "localhost", authority).await;
    client.send(signed.whole()).await;
    client.answer().await
}

#[tokio::test]
async fn a_secret_goes_out_under_tls_only_unless_clear_text_is_allowed() {
    let authority = Authority::new();
    let refused = Partners::new().set("context", "{ key_file: \"{keys}/context.key\" }");
    let (gateway, tls, _upstream) = both_ways(&refused, &authority).await;
    let answer = first().get("/orders").sign().ask(gateway.address()).await;
    assert_eq!((answer.status(), answer.field("x-wss-authinfo")), (200, None), "in clear text");
    assert_eq!(answer.field("cache-control"), Some("public, max-age=60"));
    let answer = under_tls(tls, &authority, &first().get("/orders").sign()).await;
    let context = Requester::of_info(answer.field("x-wss-authinfo").expect("under TLS"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(under_tls(tls, &authority, &context.get("/orders").sign()).await.status(), 200);
    assert_eq!(ask(&gateway, &context).await.status(), 200, "it may be used in clear text");
}

#[tokio::test]
async fn a_gateway_with_the_same_keys_takes_it_and_no_other_does() {
    let (one, _up) = scene(&Partners::new()).await;
    let context = granted(&one, &first()).await;
    let other_key = base64::encode(&[0x99; 32]);
    let (same, _up) = scene(&Partners::new()).await;
    assert_eq!(ask(&same, &context).await.status(), 200);
    let own_key = base64::encode(&crate::support::wssec::CONTEXT_KEY);
    let (ring, _up) = scene(&Partners::new().file("context.key", &format!("new {other_key}\nold {own_key}\n"))).await;
    assert_eq!(ask(&ring, &context).await.status(), 401, "the key has another name there");
    ring.denial("context_refused").await;

    let (other, upstream) = scene(&Partners::new().file("context.key", &other_key)).await;
    assert_eq!(ask(&other, &context).await.status(), 401, "another ring");
    other.denial("context_refused").await;
    let (realm, _up) = scene(&Partners::new().set("realm", "stock")).await;
    let mut draft = context.get("/orders");
    draft.authorization = Some("WSSEC profile=\"sct\"".to_owned());
    assert_eq!(draft.sign().ask(realm.address()).await.status(), 401, "another realm");
    realm.denial("context_refused").await;
    let (none, _up) = scene(&Partners::new().without("context")).await;
    assert_eq!(ask(&none, &context).await.status(), 401, "no contexts");
    none.denial("profile_refused").await;
    upstream.assert_untouched();
}

#[tokio::test]
async fn a_key_that_no_longer_seals_still_opens() {
    let (one, other) = (base64::encode(&[0x71; 32]), base64::encode(&[0x72; 32]));
    let (gateway, upstream) = scene(&Partners::new().file("context.key", &format!("one {one}\n"))).await;
    let context = granted(&gateway, &first()).await;
    let (rotated, _up) = scene(&Partners::new().file("context.key", &format!("two {other}\none {one}\n"))).await;
    assert_eq!(ask(&rotated, &context).await.status(), 200);
    let newer = granted(&rotated, &first()).await;
    assert_eq!(ask(&gateway, &newer).await.status(), 401, "the old gateway does not know the new key");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn it_outlives_a_reload_and_ends_with_its_key() {
    let upstream = Upstream::always(presumptuous()).await;
    let config = Partners::new().config().upstream(&upstream);
    let gateway = config.start().await;
    let context = granted(&gateway, &first()).await;
    gateway.signal("HUP");
    gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 1.0).await;
    assert_eq!(ask(&gateway, &context).await.status(), 200);
    std::fs::write(gateway.keys().join("context.key"), base64::encode(&[0x66; 32])).unwrap();
    gateway.signal("HUP");
    // The change of the file may be found before the signal is.
    let deadline = clock::instant() + Duration::from_secs(5);
    while ask(&gateway, &context).await.status() == 200 {
        assert!(clock::instant() < deadline, "a context outlives its key");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gateway.denial("context_refused").await;
}

#[tokio::test]
async fn it_ends_with_the_token_that_it_came_from_and_with_its_own_lifetime() {
    let (gateway, _upstream) = scene(&Partners::new()).await;
    let brief = Requester::jwt_of(HolderKey::new(KeyKind::P256), &Saying { expires_in: 3, ..Saying::default() });
    let (short, _upstream) =
        scene(&Partners::new().set("context", "{ key_file: \"{keys}/context.key\", allow_cleartext: true, lifetime: 2s }")).await;
    let of_brief = granted(&gateway, &brief).await;
    let of_long = granted(&short, &first()).await;
    assert_eq!((ask(&gateway, &of_brief).await.status(), ask(&short, &of_long).await.status()), (200, 200));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((ask(&gateway, &of_brief).await.status(), ask(&short, &of_long).await.status()), (401, 401));
    gateway.denial("expired").await;
    short.denial("expired").await;
}

#[tokio::test]
async fn it_is_proved_by_its_secret_and_by_one_algorithm() {
    let (gateway, _upstream) = scene(&Partners::new()).await;
    let context = granted(&gateway, &first()).await;
    let forged = Requester { key: HolderKey::Secret(vec![0; 32]), ..context.clone() };
    assert_eq!(ask(&gateway, &forged).await.status(), 401);
    gateway.denial("holder_signature_invalid").await;
    let other = context.get("/orders").algorithm(SignatureName::HmacSha512).sign();
    assert_eq!(other.ask(gateway.address()).await.status(), 401);
    gateway.denial("algorithm_refused").await;
    for at in [0, 20, context.token.len() - 1] {
        let mut changed = context.clone();
        changed.token[at] ^= 1;
        assert_eq!(ask(&gateway, &changed).await.status(), 401, "octet {at}");
    }
}

#[tokio::test]
async fn none_is_granted_for_what_was_refused_or_not_answered() {
    let (gateway, _upstream) = scene(&Partners::new()).await;
    let refused = first().get("/orders").signed_in(-3600).sign().ask(gateway.address()).await;
    assert_eq!((refused.status(), refused.mentions("x-wss-authinfo")), (401, false));
    let gone = Partners::new().config().upstream_at(ports::free()).start().await;
    let failed = first().get("/orders").sign().ask(gone.address()).await;
    assert_eq!((failed.status(), failed.mentions("x-wss-authinfo")), (502, false));
}
