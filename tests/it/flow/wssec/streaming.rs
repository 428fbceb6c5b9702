//! Content that streams while it is proved: nobody learns anything of the answer before the proof.

use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::witness::{Answer, Ending, Version, Witness};
use crate::support::wssec::{Partners, Requester, Signed};
use crate::support::{Gateway, RawClient, raw};
use portcullis::crypto::{KeyKind, sha256};
use std::time::Duration;

const SIZE: usize = 100_000;
/// How long nothing must come. Long enough for an answer on its way.
const PAUSE: Duration = Duration::from_millis(150);

async fn scene(version: Version, answer: Answer, upstream: &str) -> (Gateway, Witness) {
    let witness = Witness::start(version, answer).await;
    let partners = Partners::new().upstream(version.setting()).upstream(upstream).route("body: while_streaming");
    (partners.config().upstream_at(witness.address()).start().await, witness)
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|place| u8::try_from(place % 253).unwrap()).collect()
}

fn requester() -> Requester {
    Requester::jwt(KeyKind::P256)
}

/// Sends head and first half; the backend has heard of it, and the client nothing of the backend. Where the
/// answer has begun, the rest waits for the proof.
async fn half(signed: &Signed, lines: &str, gateway: &Gateway, witness: &Witness) -> RawClient {
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(signed.head(&format!("Content-Length: {SIZE}\r\n{lines}"))).await;
    client.send(&signed.content[..SIZE / 2]).await;
    witness.has_heard(0).await;
    assert!(client.is_silent_for(PAUSE).await, "something came before the proof");
    client
}

/// Only what the gateway itself says.
fn assert_refused(answer: &Message, about: Answer) {
    assert_eq!((answer.status(), answer.text().as_str()), (401, "Unauthorized\n"), "{about:?}");
    for name in ["x-witness", "x-wss-authinfo"] {
        assert!(!answer.mentions(name), "{about:?}: {answer:?}");
    }
    assert!(answer.mentions("www-authenticate"), "{about:?}");
}

#[tokio::test]
async fn an_early_answer_waits_for_the_proof() {
    for version in Version::ALL {
        for early in [Answer::Last, Answer::First, Answer::HeadFirst, Answer::Interim] {
            let (gateway, witness) = scene(version, early, "retries: 1").await;
            let signed = requester().post("/orders", &content()).sign();
            let mut client = half(&signed, "", &gateway, &witness).await;
            client.send(&signed.content[SIZE / 2..]).await;
            let answer = client.answer().await;
            assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"), "{version:?} {early:?} {:#?}", gateway.events().last());
            assert_eq!(answer.field("x-witness"), Some("here"));
            // The backend's own is not among them.
            let info = answer.field("x-wss-authinfo").unwrap_or_else(|| panic!("{version:?} {early:?}: {answer:?}"));
            assert!(info.starts_with("contexttoken="), "{info}");
            assert_eq!(answer.field("cache-control"), Some("no-store"));
            // A backend that has answered everything already may be told no more.
            if early != Answer::First {
                let heard = witness.last().await;
                assert_eq!((heard.ending, heard.digest), (Ending::Whole, sha256(&signed.content).to_vec()), "{version:?} {early:?}");
            }
            assert_eq!(witness.heard().len(), 1, "sent once");
        }
    }
}

#[tokio::test]
async fn an_early_answer_to_what_is_not_proved_is_never_passed_on() {
    for version in Version::ALL {
        for early in [Answer::Last, Answer::First, Answer::HeadFirst, Answer::Interim] {
            let (gateway, witness) = scene(version, early, "retries: 1").await;
            // An idempotent method would be tried again.
            let signed = requester().request("PUT", "/orders", &content()).sign();
            let mut client = half(&signed, "", &gateway, &witness).await;
            let mut rest = signed.content[SIZE / 2..].to_vec();
            rest[0] ^= 1;
            client.send(&rest).await;
            let answers = client.all_answers().await;
            assert_eq!(answers.len(), 1, "{version:?} {early:?} {answers:?}");
            assert_refused(&answers[0], early);
            gateway.denial("digest_mismatch").await;
            witness.assert_nothing_whole().await;
            assert_eq!(witness.heard().len(), 1, "sent once");
            let counted = "outcome=\"rejected\",reason=\"digest_mismatch\",mode=\"enforce\"";
            gateway
                .metric_becomes(&format!("portcullis_auth_decisions_total{{route=\"orders\",scheme=\"partners\",{counted}}}"), 1.0)
                .await;
        }
    }
}

#[tokio::test]
async fn over_http2_too_an_early_answer_waits_for_the_proof_and_is_not_passed_on_without() {
    for version in Version::ALL {
        for early in [Answer::Last, Answer::First, Answer::HeadFirst, Answer::Interim] {
            let (gateway, witness) = scene(version, early, "retries: 1").await;
            let mut client = Http2Client::connect(gateway.address()).await;
            for tampered in [false, true] {
                witness.forget();
                let signed = requester().request("PUT", "/orders", &content()).sign();
                let mut exchange = signed.begin_over(&mut client).await;
                exchange.send(&signed.content[..SIZE / 2]);
                witness.has_heard(0).await;
                assert!(exchange.is_silent_for(PAUSE).await, "something came before the proof");
                let mut rest = signed.content[SIZE / 2..].to_vec();
                rest[0] ^= u8::from(tampered);
                let answer = exchange.end(&rest).await.unwrap();
                let text = String::from_utf8(answer.content.clone()).unwrap();
                let about = format!("{version:?} {early:?} {tampered}");
                if tampered {
                    assert_eq!((answer.status.as_u16(), text.as_str()), (401, "Unauthorized\n"), "{about}");
                    assert_eq!((answer.field("x-witness"), answer.field("x-wss-authinfo")), (None, None), "{about}");
                    witness.assert_nothing_whole().await;
                } else {
                    assert_eq!((answer.status.as_u16(), text.as_str(), answer.field("x-witness")), (200, "ok", Some("here")), "{about}");
                    assert!(answer.field("x-wss-authinfo").is_some_and(|info| info.starts_with("contexttoken=")), "{about}");
                }
                assert_eq!(witness.heard().len(), 1, "{about}: sent once");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_is_broken_off_upstream() {
    for version in Version::ALL {
        for early in [Answer::Last, Answer::First] {
            let (gateway, witness) = scene(version, early, "retries: 1").await;
            let mut client = Http2Client::connect(gateway.address()).await;
            let signed = requester().request("PUT", "/orders", &content()).sign();
            let mut exchange = signed.begin_over(&mut client).await;
            exchange.send(&signed.content[..SIZE / 2]);
            witness.has_heard(0).await;
            exchange.reset();
            witness.assert_nothing_whole().await;
            let fresh = requester().get("/orders").sign().ask_over(&mut client).await.unwrap();
            assert_eq!(fresh.status, 200, "the connection goes on");
        }
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_is_broken_off_upstream() {
    for version in Version::ALL {
        for early in [Answer::Last, Answer::First] {
            let (gateway, witness) = scene(version, early, "retries: 1").await;
            let signed = requester().request("PUT", "/orders", &content()).sign();
            drop(half(&signed, "", &gateway, &witness).await);
            witness.assert_nothing_whole().await;
            assert_eq!(witness.heard().len(), 1, "sent once");
        }
    }
}

const UPGRADE: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A handshake with content is unusual, and one whose content still has to be proved is not believed, right or wrong.
#[tokio::test]
async fn a_switch_of_protocols_is_not_passed_on_while_content_is_to_be_proved() {
    for (lines, tampered) in [(UPGRADE, true), (UPGRADE, false), ("", true), ("", false)] {
        let (gateway, witness) = scene(Version::Http1, Answer::Switch, "retries: 1").await;
        let signed = requester().request("GET", "/orders", &content()).sign();
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(signed.head(&format!("Content-Length: {SIZE}\r\n{lines}"))).await;
        client.send(&signed.content[..SIZE / 2]).await;
        witness.has_heard(0).await;
        let mut rest = signed.content[SIZE / 2..].to_vec();
        rest[0] ^= u8::from(tampered);
        // The attempt may end before the rest has come.
        let _ = client.try_send(&rest).await;
        let answers = client.all_answers().await;
        let statuses: Vec<_> = answers.iter().map(Message::status).collect();
        // Whichever is noticed first: a switch that nobody believes, or content that nobody signed.
        assert!(statuses == [502] || (tampered && statuses == [401]), "{lines:?} {tampered}: {statuses:?}");
        assert!(!answers[0].mentions("x-witness") && !answers[0].mentions("x-wss-authinfo"), "{answers:?}");
        // What is right may have been proved, and have gone on whole, before the switch was refused.
        if tampered {
            witness.assert_nothing_whole().await;
        }
    }
}

#[tokio::test]
async fn a_switch_of_protocols_without_content_is_proved_by_its_head() {
    let (gateway, _witness) = scene(Version::Http1, Answer::Switch, "retries: 1").await;
    let signed = requester().get("/orders").sign();
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(signed.head(UPGRADE)).await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.field("x-witness")), (101, Some("here")));
    let info = answer.field("x-wss-authinfo").expect("an AuthInfo");
    assert!(info.starts_with("contexttoken="), "{info}");
    let again = raw::ask(gateway.address(), signed.head(UPGRADE)).await;
    assert_eq!((again.status(), again.mentions("x-wss-authinfo")), (401, false));
}

#[tokio::test]
async fn half_a_content_is_never_sent_again() {
    for version in Version::ALL {
        let dying = Answer::Never { after: 1000 };
        let (one, other) = (Witness::start(version, dying).await, Witness::start(version, dying).await);
        let partners = Partners::new().route("body: while_streaming").upstream("retries: 3").upstream(version.setting());
        let gateway = partners.servers(&[one.address(), other.address()]).config().start().await;
        let signed = requester().request("PUT", "/orders", &content()).sign();
        let answer = signed.ask(gateway.address()).await;
        assert_eq!(answer.status(), 502, "{version:?}");
        assert!(!answer.mentions("x-wss-authinfo"), "{answer:?}");
        let heard = [one.heard(), other.heard()].concat();
        assert_eq!(heard.iter().map(|heard| heard.ending).collect::<Vec<_>>(), [Ending::GivenUp], "{version:?}");
    }
}

#[tokio::test]
async fn a_kept_content_is_sent_again_whole() {
    for version in Version::ALL {
        for limits in ["limits: { spool_after: 1MiB }", "limits: { spool_after: 1KiB }"] {
            let dying = Witness::start(version, Answer::Never { after: 1000 }).await;
            let steady = Witness::start(version, Answer::Last).await;
            let partners = Partners::new().beside(limits).upstream("retries: 1").upstream(version.setting());
            let gateway = partners.servers(&[dying.address(), steady.address()]).config().start().await;
            // They take turns.
            for _ in 0..2 {
                let signed = requester().request("PUT", "/orders", &content()).sign();
                let answer = signed.ask(gateway.address()).await;
                assert_eq!(answer.status(), 200, "{version:?} {limits} {:#?}", gateway.events().last());
                let heard = steady.last().await;
                assert_eq!((heard.ending, heard.digest), (Ending::Whole, sha256(&signed.content).to_vec()), "{version:?}");
            }
            assert!(!dying.heard().is_empty() && steady.heard().len() == 2, "{version:?} {limits}");
        }
    }
}

#[tokio::test]
async fn no_content_is_proved_before_it_goes_on_however_its_length_is_written() {
    for stated in ["0", "00"] {
        let (gateway, witness) = scene(Version::Http1, Answer::Last, "retries: 1").await;
        let mut signed = requester().post("/orders", b"not stated").sign();
        let content = std::mem::take(&mut signed.content);
        let signed = signed.with("content-length", stated);
        let mut client = Http2Client::connect(gateway.address()).await;
        let exchange = signed.begin_over(&mut client).await;
        tokio::time::sleep(PAUSE).await;
        let outcome = exchange.end(&content).await.map(|answer| answer.status.as_u16());
        assert!(outcome.as_ref().map_or(true, |status| *status == 401), "{stated}: {outcome:?}");
        assert_eq!(witness.heard(), [], "{stated}");
        // What holds over no content goes on.
        let signed = requester().post("/orders", b"").sign().with("content-length", stated);
        assert_eq!(signed.ask_over(&mut client).await.unwrap().status, 200, "{stated}");
    }
}
