//! Contexts: where they come from, when they end, and who may use them.

use super::*;
use crate::scheme::wssec::contexts::revocation_id;

/// What the answer to a proved request offers.
fn offered(scheme: &Wssec, draft: &Draft<'_>) -> (Continuation, Vec<(&'static str, String)>) {
    let proof = draft.request().prove(scheme, NOW).unwrap().unwrap();
    let fields = scheme.issue(&proof, NOW);
    (proof.continuation, fields.into_iter().map(|field| (field.field, field.value.to_str().unwrap().to_owned())).collect())
}

/// A request by a new context, which its secret signs.
fn in_context(scheme: &Wssec) -> (Vec<u8>, Vec<u8>) {
    let (_, fields) = offered(scheme, &draft());
    let info = AuthInfo::read(fields[0].1.as_bytes()).unwrap().context.unwrap();
    let mut token = Vec::new();
    fragments::decode_text(info.token.as_bytes(), 48 * 1024, &mut token).unwrap();
    (token, base64::decode_exactly::<32>(info.secret.as_bytes()).unwrap().to_vec())
}

const IN_CONTEXT: &str = "WSSEC realm=\"orders\", profile=\"sct\"";

#[test]
fn a_context_comes_from_a_token_and_never_from_a_context() {
    for (rule, from_context) in [("client", Continuation::None), ("server", Continuation::Nonce)] {
        let scheme = build(with(&[("/signature", json!({ "nonce": rule }))]));
        let nonce = || scheme.verifier.next_nonce(NOW).map_or_else(fresh_nonce, String::from);
        let (first, fields) = offered(&scheme, &Draft { nonce: nonce(), ..draft() });
        assert_eq!((first, fields[1].clone()), (Continuation::Context, ("Cache-Control", "no-store".to_owned())));
        let info = AuthInfo::read(fields[0].1.as_bytes()).unwrap();
        let (grant, mut token) = (info.context.unwrap(), Vec::new());
        fragments::decode_text(grant.token.as_bytes(), 48 * 1024, &mut token).unwrap();
        let secret = base64::decode_exactly::<32>(grant.secret.as_bytes()).unwrap();
        assert_eq!(info.nonce.is_empty(), rule == "client");
        let next = Draft { stated: IN_CONTEXT, token, hand: Hand::Secret(&secret), nonce: nonce(), ..draft() };
        let (continuation, fields) = offered(&scheme, &next);
        assert_eq!(continuation, from_context);
        assert!(fields.iter().all(|(_, value)| !value.contains("contexttoken")), "{fields:?}");
        let outcome = next.ask(&scheme);
        let principal = outcome.principal();
        assert_eq!((principal.issuer(), principal.subject(), principal.claims().value("role")), (ISSUER, Some("alice"), Some("buyer")));
        assert_eq!(principal.expires(), NOW.later(600), "it ends with the token that it came from");
        // What looks like a context needs no word for it.
        assert_eq!(Draft { stated: "WSSEC", nonce: nonce(), ..next.clone() }.ask(&scheme).reason(), "proved");
        assert_eq!(Draft { stated: "WSSEC profile=\"jwt\"", nonce: nonce(), ..next }.ask(&scheme).reason(), "token_syntax");
    }
}

#[test]
fn a_context_ends_with_its_token_or_its_lifetime_or_its_key() {
    let scheme = build(with(&[("/context/lifetime", json!("100s"))]));
    let (token, secret) = in_context(&scheme);
    let at = |scheme: &Wssec, now: UnixTime| {
        let draft = Draft { stated: IN_CONTEXT, token: token.clone(), hand: Hand::Secret(&secret), timestamp: text_of(now), ..draft() };
        draft.request().ask(scheme, now).reason().to_owned()
    };
    assert_eq!(at(&scheme, NOW.later(99)), "proved");
    assert_eq!(at(&scheme, NOW.later(100)), "expired");
    for (change, expected) in [("/realm", "realm_mismatch"), ("/context/key_file", "context_refused"), ("/context", "profile_refused")] {
        let folder = WORLD.folder.path();
        std::fs::write(folder.join("other.key"), base64::encode(&[8; 32])).unwrap();
        let value = if change == "/context" { Value::Null } else { json!(if change == "/realm" { "others" } else { "other.key" }) };
        assert_eq!(at(&build(with(&[(change, value)])), NOW), expected, "{change}");
    }
    let others = build(with(&[("/realm", json!("others"))]));
    let stated = "WSSEC profile=\"sct\"";
    let elsewhere = Draft { stated, token: token.clone(), hand: Hand::Secret(&secret), ..draft() };
    assert_eq!(elsewhere.ask(&others).reason(), "context_refused", "bound to its realm, stated or not");
    std::fs::write(WORLD.folder.path().join("ring.key"), format!("new {}\n0 {}\n", base64::encode(&[8; 32]), base64::encode(&RING)))
        .unwrap();
    let rotated = build(with(&[("/context/key_file", json!("ring.key"))]));
    assert_eq!(at(&rotated, NOW), "proved", "old keys open");
    let (newer, newer_secret) = in_context(&rotated);
    let newer = Draft { stated: IN_CONTEXT, token: newer, hand: Hand::Secret(&newer_secret), ..draft() };
    assert_eq!(newer.ask(&rotated).reason(), "proved");
    assert_eq!(newer.ask(&scheme).reason(), "context_refused", "sealed with a key it does not have");
}

#[test]
fn a_context_is_proved_by_its_own_secret_and_one_algorithm() {
    let scheme = scheme();
    let (token, secret) = in_context(&scheme);
    let mine = Draft { stated: IN_CONTEXT, token, hand: Hand::Secret(&secret), ..draft() };
    for (hand, algorithm, expected) in [
        (Hand::Secret(&PROOF), SignatureName::HmacSha256, "holder_signature_invalid"),
        (Hand::Secret(&secret), SignatureName::HmacSha512, "algorithm_refused"),
        (Hand::Private(&WORLD.partner), SignatureName::EcdsaP256Sha256, "algorithm_refused"),
        (Hand::Secret(&secret), SignatureName::HmacSha256, "proved"),
    ] {
        assert_eq!(Draft { hand, algorithm, nonce: fresh_nonce(), ..mine.clone() }.ask(&scheme).reason(), expected);
    }
    let (other, other_secret) = in_context(&scheme);
    assert_ne!(other_secret, secret);
    assert_eq!(Draft { token: other, nonce: fresh_nonce(), ..mine.clone() }.ask(&scheme).reason(), "holder_signature_invalid");
    for place in 0..mine.token.len() {
        for bit in 0..8 {
            let mut token = mine.token.clone();
            token[place] ^= 1 << bit;
            let outcome = Draft { token, nonce: fresh_nonce(), ..mine.clone() }.ask(&scheme);
            assert_eq!(outcome.reason(), "context_refused", "bit {bit} of octet {place}");
        }
    }
    for length in 0..mine.token.len() {
        let outcome = Draft { token: mine.token[..length].to_vec(), nonce: fresh_nonce(), ..mine.clone() }.ask(&scheme);
        assert!(matches!(outcome.reason(), "context_refused" | "token_encoding" | "fragment_length"), "{length}: {}", outcome.reason());
    }
}

#[test]
fn a_revoked_context_holds_no_more_even_if_it_was_remembered() {
    for by_id in [true, false] {
        let scheme = scheme();
        let (token, secret) = in_context(&scheme);
        let mine = Draft { stated: IN_CONTEXT, token: token.clone(), hand: Hand::Secret(&secret), ..draft() };
        let ask = || Draft { nonce: fresh_nonce(), ..mine.clone() }.ask(&scheme).reason().to_owned();
        assert_eq!(ask(), "proved");
        let stores = Arc::clone(&scheme.verifier.freshness.stores);
        let id = revocation_id(&scheme.verifier.verdicts.find(&sha256(&token), NOW).unwrap().principal);
        if by_id {
            stores.revocations.revoke_id_here(id, NOW.later(3600), NOW).unwrap();
        } else {
            let subject = Subject { issuer: ISSUER, name: "alice" };
            stores.revocations.revoke_subject_here(subject, NOW, NOW.later(3600), NOW).unwrap();
        }
        assert_eq!(ask(), "revoked");
        assert_eq!(draft().ask(&scheme).reason(), "proved", "the token itself is not what was revoked");
    }
}
