//! Assertions as an upstream sees them: who, for whom, by which key, until when, and when they are made anew.

use super::*;
use crate::clock::UnixTime;
use crate::crypto::{NewKey, SigningKey};
use crate::scheme::Principal;
use crate::setting::{Files, Located, Position, Problem};
use crate::token::Claims;
use crate::token::jose::{KeySet, Unconfirmed, pem};
use crate::token::jwt::Jwt;
use std::path::Path;
use std::sync::Arc;

const NOW: UnixTime = UnixTime::from_seconds(1_000_000_000);

fn at<T>(value: T) -> Located<T> {
    Located::new(value, Position::new(3, 4))
}

fn folder(keys: &[(&str, NewKey)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in keys {
        std::fs::write(folder.path().join(name), pem::write(&SigningKey::generate(*kind).unwrap())).unwrap();
    }
    folder
}

fn settings(keys: &[&str]) -> AssertionSettings {
    let keys = keys.iter().map(|name| RingKey { file: at((*name).into()) }).collect();
    let yaml_defaults: AssertionSettings =
        crate::config::decode("issuer: https://gateway.example\nkeys: []\n", crate::setting::Environment::Fixed(&[])).unwrap();
    AssertionSettings { keys: at(keys), ..yaml_defaults }
}

fn asserter(folder: &Path, keys: &[&str]) -> Result<Arc<Asserter>, Vec<Problem>> {
    Asserter::build(&settings(keys), &Files::below(folder))
}

fn named(names: &[&str]) -> Vec<Located<Box<str>>> {
    names.iter().map(|name| at(Box::from(*name))).collect()
}

fn told(claims: &[&str], lists: &[&str]) -> AudienceSettings {
    AudienceSettings {
        audience: at("https://orders.internal".into()),
        field: at("X-Identity-Assertion".into()),
        claims: named(claims),
        lists: named(lists),
    }
}

/// An audience of an asserter with one P-256 key.
fn audience(claims: &[&str], lists: &[&str]) -> Audience {
    let folder = folder(&[("a", NewKey::P256)]);
    Audience::build(&told(claims, lists), &asserter(folder.path(), &["a"]).unwrap()).unwrap()
}

fn read(token: &str, asserter: &Asserter) -> Option<Claims> {
    let keys = KeySet::read_public(asserter.key_set().as_bytes()).unwrap();
    let jws = Unconfirmed::parse(token).unwrap().confirmed_by(keys.keys()).ok()?;
    Some(Jwt::read(&jws).unwrap().into_claims())
}

fn text(audience: &Audience, principal: &Principal, now: UnixTime) -> String {
    audience.assert(principal, now).unwrap().to_str().unwrap().to_owned()
}

fn number(claims: &Claims, name: &str) -> u64 {
    claims.value(name).unwrap().parse().unwrap()
}

#[test]
fn every_key_of_the_ring_is_published_and_the_first_signs() {
    let folder = folder(&[("a", NewKey::P256), ("b", NewKey::Ed25519)]);
    for (keys, algorithm) in [(["a", "b"], "ES256"), (["b", "a"], "EdDSA")] {
        let asserter = asserter(folder.path(), &keys).unwrap();
        let audience = Audience::build(&told(&[], &[]), &asserter).unwrap();
        let token = text(&audience, &Principal::specimen(&[]), NOW);
        assert_eq!(asserter.key_set().matches("\"kid\"").count(), 2);
        assert!(!asserter.key_set().contains("\"d\""), "{}", asserter.key_set());
        let jws = Unconfirmed::parse(&token).unwrap();
        assert_eq!(jws.header().algorithm().name(), algorithm);
        let claims = read(&token, &asserter).unwrap();
        assert_eq!((claims.value("iss"), claims.value("sub")), (Some("https://gateway.example"), Some("alice")));
        assert_eq!(claims.value("aud"), Some("https://orders.internal"));
        assert_eq!((number(&claims, "iat"), number(&claims, "exp")), (NOW.seconds(), NOW.seconds() + 300));
    }
}

#[test]
fn what_issuers_call_differently_has_one_name_upstream() {
    let audience = audience(&["email", "scope", "absent"], &["groups"]);
    let plain = Principal::specimen(&[("email", "a@b"), ("groups", "x,y"), ("scope", "r w"), ("secret", "s")]);
    let other = Principal::specimen(&[(EMAIL[1], "a@b"), (GROUPS[1], "x,y"), ("scope", "r w")]);
    let token = text(&audience, &plain, NOW);
    assert_eq!(token, text(&audience, &other, NOW), "the same is said of both, so it is made once");
    let payload = crate::crypto::base64url::decode_to_vec(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    assert!(payload.ends_with(r#""email":"a@b","scope":"r w","groups":["x","y"]}"#), "{payload}");
}

#[test]
fn an_assertion_is_made_once_until_shortly_before_its_end() {
    let audience = audience(&["email"], &[]);
    let alice = Principal::specimen(&[("email", "a@b")]);
    let first = text(&audience, &alice, NOW);
    assert_eq!(first, text(&audience, &Principal::specimen(&[("email", "a@b"), ("jti", "2")]), NOW.later(269)));
    assert_ne!(first, text(&audience, &alice, NOW.later(270)), "30 s before its end it is made anew");
    assert_ne!(first, text(&audience, &Principal::specimen(&[("email", "b@b")]), NOW));
    assert_ne!(first, text(&audience, &Principal::specimen(&[]), NOW), "an absent claim is no empty one");
}

#[test]
fn an_assertion_never_outlives_what_it_tells_of() {
    let folder = folder(&[("a", NewKey::P256)]);
    let asserter = asserter(folder.path(), &["a"]).unwrap();
    let audience = Audience::build(&told(&[], &[]), &asserter).unwrap();
    let principal = Principal::specimen(&[]);
    let end = principal.expires();
    let mut tokens = std::collections::BTreeSet::new();
    for before in (1..=400).rev() {
        let now = end.earlier(before);
        let token = text(&audience, &principal, now);
        let expires = number(&read(&token, &asserter).unwrap(), "exp");
        assert!(expires <= end.seconds() && expires > now.seconds(), "{before} s before: {expires}");
        tokens.insert(token);
    }
    assert!(tokens.len() <= 4, "{} assertions in 400 s", tokens.len());
    // Within the leeway of the scheme: it says when it ended, and is made once all the same.
    let late = text(&audience, &principal, end.later(5));
    assert_eq!(number(&read(&late, &asserter).unwrap(), "exp"), end.seconds());
}

#[test]
fn another_ring_does_not_vouch() {
    let folder = folder(&[("a", NewKey::P256), ("b", NewKey::P256)]);
    let [a, b] = ["a", "b"].map(|key| asserter(folder.path(), &[key]).unwrap());
    let token = text(&Audience::build(&told(&[], &[]), &a).unwrap(), &Principal::specimen(&[]), NOW);
    assert!(read(&token, &a).is_some() && read(&token, &b).is_none());
}

#[test]
fn a_hit_makes_no_signature_and_no_text() {
    let audience = audience(&["email"], &["groups"]);
    let alice = Principal::specimen(&[("email", "a@b"), ("groups", "x,y")]);
    let first = audience.assert(&alice, NOW).unwrap();
    let mut second = None;
    let allocated = allocation_counter::measure(|| second = audience.assert(&alice, NOW).ok());
    assert_eq!(second, Some(first));
    assert!(allocated.count_total <= 1, "{allocated:?}");
    assert_eq!(audience_counts(&audience), (1, 1));
}

fn audience_counts(audience: &Audience) -> (u64, u64) {
    let counts = audience.asserter.counts();
    (counts.hits, counts.misses)
}

#[test]
fn keys_that_cannot_sign_assertions_are_refused_with_their_place() {
    let folder = folder(&[("a", NewKey::P256), ("wide", NewKey::P384)]);
    std::fs::write(folder.path().join("public"), PUBLIC).unwrap();
    for (keys, found) in [
        (&["wide"][..], "a key of another kind"),
        (&["public"], "a public key"),
        (&["none"], "does not exist"),
        (&["a", "a"], "stands before"),
        (&[], "no key"),
    ] {
        let problems = asserter(folder.path(), keys).unwrap_err();
        assert!(problems.len() == 1 && problems[0].to_string().contains(found), "{keys:?}: {problems:?}");
    }
}

/// RFC 8410 §10.1.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

#[test]
fn claims_that_an_assertion_states_by_itself_cannot_be_listed() {
    let folder = folder(&[("a", NewKey::P256)]);
    let asserter = asserter(folder.path(), &["a"]).unwrap();
    for (claims, lists) in [(&["sub"][..], &[][..]), (&[], &["orig"]), (&["email"], &["email"]), (&[""], &[])] {
        assert_eq!(Audience::build(&told(claims, lists), &asserter).unwrap_err().len(), 1, "{claims:?} {lists:?}");
    }
}

#[test]
fn nothing_of_it_prints() {
    let audience = audience(&["email"], &[]);
    let token = audience.assert(&Principal::specimen(&[("email", "a@b")]), NOW).unwrap();
    let shown = format!("{audience:?} {token:?}");
    assert!(!shown.contains("a@b") && !shown.contains(token.to_str().unwrap()), "{shown}");
}

#[test]
fn what_signs_requests_signs_no_statements() {
    let folder = folder(&[("a", NewKey::P256), ("b", NewKey::Ed25519), ("c", NewKey::Ed25519)]);
    let files = Files::below(folder.path());
    let asserter = asserter(folder.path(), &["a", "b"]).unwrap();
    let built = |keys: &[&str], other: Option<&Asserter>| {
        let keys = keys.iter().map(|name| RingKey { file: at((*name).into()) }).collect();
        RequestKeys::build(&RequestKeySettings { keys: at(keys), jwks_path: None }, &files, other).map(|_| ())
    };
    let problems = built(&["c", "b"], Some(&asserter)).unwrap_err();
    assert!(problems.len() == 1 && problems[0].to_string().contains("3:4: found a key of `assertion`, expected"), "{problems:?}");
    assert_eq!(built(&["c"], Some(&asserter)), Ok(()));
    assert_eq!(built(&["c", "b"], None), Ok(()));
}
