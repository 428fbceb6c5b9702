//! Freshness: every signature counts once, and only for a while.

use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::wssec::{Partners, Requester, Saying, nonce};
use crate::support::{Gateway, RawClient, Reply, Upstream, raw};
use portcullis::crypto::KeyKind;
use portcullis::scheme::wssec::wire::auth_info::{AuthInfo, Authenticate};
use tokio::task::JoinSet;

async fn scene(partners: &Partners) -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    (partners.config().upstream(&upstream).start().await, upstream)
}

fn requester() -> Requester {
    Requester::jwt_sealed()
}

#[tokio::test]
async fn a_request_counts_once_on_whatever_connection() {
    let (gateway, upstream) = scene(&Partners::new()).await;
    let signed = requester().post("/orders", b"two apples").sign();
    assert_eq!(signed.ask(gateway.address()).await.status(), 200);
    assert_eq!(signed.ask(gateway.address()).await.status(), 401, "another connection");
    let mut http2 = Http2Client::connect(gateway.address()).await;
    assert_eq!(signed.ask_over(&mut http2).await.unwrap().status, 401, "another version");
    gateway.denial("nonce_seen").await;
    assert_eq!(upstream.requests().len(), 1);
    // The nonce is what counts, not the request.
    let other = requester();
    let (first, second) = (other.get("/a").nonce("0123456789abcdef"), other.get("/b").nonce("0123456789abcdef"));
    assert_eq!((first.sign().ask(gateway.address()).await.status(), second.sign().ask(gateway.address()).await.status()), (200, 401));
}

#[tokio::test]
async fn one_holder_cannot_use_up_anothers_nonces() {
    let (gateway, _upstream) = scene(&Partners::new()).await;
    let shared = nonce();
    for requester in [requester(), requester(), Requester::swt(), Requester::jwt(KeyKind::P256), Requester::x509(KeyKind::P256)] {
        assert_eq!(requester.get("/").nonce(&shared).sign().ask(gateway.address()).await.status(), 200, "{}", requester.profile);
        assert_eq!(requester.get("/").nonce(&shared).sign().ask(gateway.address()).await.status(), 401, "{}", requester.profile);
    }
}

#[tokio::test]
async fn what_was_refused_used_nothing_up() {
    let (gateway, upstream) = scene(&Partners::new()).await;
    let signed = requester().post("/orders", b"two apples").sign();
    for _ in 0..3 {
        assert_eq!(signed.clone().tampered().ask(gateway.address()).await.status(), 401);
        let forged = signed.clone().change("X-WSS-Security", |value| value.replace("sigusage=message", "sigusage=auth"));
        assert_eq!(forged.ask(gateway.address()).await.status(), 401);
    }
    upstream.assert_untouched();
    assert_eq!(signed.ask(gateway.address()).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_the_same_instant_exactly_one_wins() {
    for mode in ["before_forwarding", "while_streaming"] {
        let (gateway, upstream) = scene(&Partners::new().route(&format!("body: {mode}"))).await;
        for round in 1..=10 {
            let signed = requester().post("/orders", b"two apples").sign().whole();
            let (all_but_last, last) = signed.split_at(signed.len() - 1);
            let mut clients = Vec::new();
            for _ in 0..8 {
                let mut client = RawClient::connect(gateway.address()).await;
                client.send(all_but_last).await;
                clients.push(client);
            }
            let mut racing = JoinSet::new();
            for mut client in clients {
                let last = last.to_vec();
                racing.spawn(async move {
                    // While streaming, whoever has lost by its head is told so before.
                    let _ = client.try_send(&last).await;
                    client.answer().await.status()
                });
            }
            let mut statuses = racing.join_all().await;
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401], "{mode}");
            assert_eq!(upstream.requests().len(), round, "{mode}");
        }
    }
}

#[tokio::test]
async fn a_nonce_stays_used_after_a_reload() {
    let (gateway, _upstream) = scene(&Partners::new()).await;
    let signed = requester().get("/orders").sign();
    assert_eq!(signed.ask(gateway.address()).await.status(), 200);
    gateway.signal("HUP");
    gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 1.0).await;
    assert_eq!(signed.ask(gateway.address()).await.status(), 401);
    gateway.denial("nonce_seen").await;
}

#[tokio::test]
async fn signatures_hold_within_the_window_and_not_from_before_the_start() {
    let settings = "{ max_age: 1m, clock_skew: 5s }";
    let (gateway, upstream) = scene(&Partners::new().set("signature", settings)).await;
    for (seconds, status) in [(0, 200), (4, 200), (60, 401), (-3, 401), (-64, 401), (-3600, 401)] {
        let answer = requester().get("/").signed_in(seconds).sign().ask(gateway.address()).await;
        // This process knows nothing of what was used before it began.
        assert_eq!(answer.status(), status, "{seconds}");
    }
    gateway.denial("timestamp_outside").await;
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_full_store_refuses_and_forgets_nothing() {
    let (gateway, upstream) = scene(&Partners::new().beside("stores: { replay_marks: 1 }")).await;
    let holder = requester();
    let first = holder.get("/orders").sign();
    assert_eq!(first.ask(gateway.address()).await.status(), 200);
    let mut client = RawClient::connect(gateway.address()).await;
    let (mut admitted, mut answer) = (1, Message::default());
    for _ in 0..2000 {
        client.send(holder.get("/orders").sign().whole()).await;
        answer = client.answer().await;
        if answer.status() != 200 {
            break;
        }
        admitted += 1;
    }
    assert_eq!((answer.status(), answer.text().as_str()), (503, "Service Unavailable\n"), "after {admitted}");
    gateway.denial("replay_log_full").await;
    assert_eq!(upstream.requests().len(), admitted);
    assert_eq!(first.ask(gateway.address()).await.status(), 401, "what was used is still known");
    assert_eq!(holder.get("/orders").sign().ask(gateway.address()).await.status(), 503);
}

/// The nonce that an answer gives.
fn given(answer: &Message) -> String {
    let nonce = match answer.status() {
        401 => Authenticate::read(answer.field("x-wss-authenticate").unwrap().as_bytes()).unwrap().nonce.to_owned(),
        _ => AuthInfo::read(answer.field("x-wss-authinfo").expect("an AuthInfo").as_bytes()).unwrap().nonce.to_owned(),
    };
    assert!(nonce.len() >= 16, "{answer:?}");
    nonce
}

#[tokio::test]
async fn nonces_of_the_gateway_are_taken_once_from_challenge_and_answer() {
    let (gateway, upstream) = scene(&Partners::new().set("signature", "{ nonce: server }")).await;
    let asked = raw::fetch(gateway.address(), "/orders", "").await;
    let challenged = given(&asked);
    let holder = requester();
    let answer = holder.get("/orders").nonce(&challenged).sign().ask(gateway.address()).await;
    assert_eq!((answer.status(), answer.field("cache-control")), (200, Some("no-store")));
    let context = Requester::of_info(answer.field("x-wss-authinfo").unwrap());
    let mut next = given(&answer);
    for round in 0..3 {
        let signed = context.post("/orders", b"more").nonce(&next).sign();
        let answer = signed.ask(gateway.address()).await;
        assert_eq!((answer.status(), answer.field("cache-control")), (200, Some("no-store")), "{round}");
        let info = answer.field("x-wss-authinfo").unwrap();
        assert!(!info.contains("contexttoken"), "a context comes from no context");
        let seen = signed.ask(gateway.address()).await;
        assert_eq!(seen.status(), 401, "used");
        assert_ne!(given(&seen), given(&answer), "each is another one");
        next = given(&answer);
    }
    gateway.denial("nonce_seen").await;
    // It belongs to nobody until it is used: the one that one holder was given is used up by another.
    let taken = Requester::swt().get("/").nonce(&next).sign().ask(gateway.address()).await;
    assert_eq!(taken.status(), 200);
    assert_eq!(context.get("/").nonce(&next).sign().ask(gateway.address()).await.status(), 401);
    assert_eq!(upstream.requests().len(), 5);
}

#[tokio::test]
async fn nonces_that_the_gateway_did_not_make_are_refused_with_a_fresh_one() {
    let partners = Partners::new().set("signature", "{ nonce: server, max_age: 2s, clock_skew: 0s }");
    let (gateway, _upstream) = scene(&partners).await;
    let (twin, _up) = scene(&partners).await;
    let (other, _up) = scene(&partners.clone().set("realm", "stock")).await;
    let elsewhere = given(&raw::fetch(other.address(), "/", "").await);
    let ours = given(&raw::fetch(gateway.address(), "/", "").await);
    for wrong in [nonce(), elsewhere, format!("{ours}A"), ours[1..].to_owned()] {
        let answer = requester().get("/").nonce(&wrong).sign().ask(gateway.address()).await;
        assert_eq!(answer.status(), 401, "{wrong}");
        let fresh = given(&answer);
        assert_eq!(requester().get("/").nonce(&fresh).sign().ask(gateway.address()).await.status(), 200);
    }
    gateway.denial("nonce_refused").await;
    assert_eq!(requester().get("/").nonce(&ours).sign().ask(twin.address()).await.status(), 200, "of a twin's making");
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let late = requester().get("/").nonce(&ours).sign().ask(gateway.address()).await;
    assert_eq!(late.status(), 401, "over");
}

#[tokio::test]
async fn a_nonce_is_given_in_clear_text_too_where_contexts_are_not() {
    let partners = Partners::new().set("signature", "{ nonce: server }").set("context", "{ key_file: \"{keys}/context.key\" }");
    let upstream = Upstream::always(Reply::ok()).await;
    let gateway = partners.config().upstream(&upstream).start().await;
    let first = given(&raw::fetch(gateway.address(), "/", "").await);
    let holder = Requester::jwt_of(requester().key, &Saying { subject: "bob", ..Saying::default() });
    let answer = holder.get("/").nonce(&first).sign().ask(gateway.address()).await;
    assert!(!answer.field("x-wss-authinfo").unwrap().contains("contexttoken"), "{answer:?}");
    assert_eq!(holder.get("/").nonce(&given(&answer)).sign().ask(gateway.address()).await.status(), 200);
}
