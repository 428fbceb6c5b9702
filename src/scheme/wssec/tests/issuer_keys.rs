//! Keys that the issuer changes, takes back, or does not give.

use super::*;
use crate::fetch::stand_in::{Answer, Host};

/// Who signs tokens, under this name.
fn issuing(name: &str) -> IssuingKey {
    IssuingKey::signing(SigningKey::generate(NewKey::Ed25519).unwrap(), None).unwrap().named(name)
}

fn set(keys: &[&IssuingKey]) -> Answer {
    let described: Vec<_> = keys.iter().map(|key| describe(key.public().unwrap(), key.id().unwrap(), None)).collect();
    Answer::fine(format!(r#"{{"keys":[{}]}}"#, described.join(",")).as_bytes())
}

/// A scheme that fetches the issuer's keys from the host.
fn fetching(host: &Host) -> Wssec {
    // A name of its own: other tests write theirs at the same time.
    let authority = format!("{}.pem", host.address.port());
    std::fs::write(WORLD.folder.path().join(&authority), &host.authority).unwrap();
    let jwt = json!({
        "issuer": ISSUER, "audiences": ["orders"], "proof_key_file": "proof.key",
        "jwks_uri": format!("https://{}/jwks", host.address), "key_refresh": { "ca_file": authority, "timeout": "5s" },
    });
    build(with(&[("/token_profiles/jwt", jwt)]))
}

fn signed_by(key: &IssuingKey) -> Draft<'static> {
    let token = mint_with(Statement { holder: StatedHolder::Sealed(&sealed(&PROOF)), ..good() }, key);
    Draft { token, ..draft() }
}

async fn asked(draft: &Draft<'_>, scheme: &Wssec) -> &'static str {
    match draft.request().prove_waiting(scheme, NOW).await {
        Ok(proof) => proof.map_or("nothing", |_| "proved"),
        Err(refusal) => refusal.reason(),
    }
}

#[tokio::test]
async fn a_verdict_does_not_outlive_the_key_that_it_was_reached_with() {
    let (old, new) = (issuing("old"), issuing("new"));
    let host = Host::secure(set(&[&old])).await;
    let scheme = fetching(&host);
    let request = signed_by(&old);
    assert_eq!(asked(&request, &scheme).await, "proved");
    assert_eq!(asked(&request, &scheme).await, "proved");
    assert_eq!((scheme.verdict_counts().unwrap().hits, host.heard().len()), (1, 1));
    host.change(set(&[&new]));
    assert_eq!(asked(&signed_by(&new), &scheme).await, "proved", "a new key is found by the first token that names it");
    assert_eq!(asked(&request, &scheme).await, "key_unknown");
    assert_eq!(host.heard().len(), 3, "one for each name");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_mistake_of_the_caller() {
    let key = issuing("k");
    let host = Host::secure(Answer::new("500 Oops", "", b"")).await;
    let scheme = fetching(&host);
    let request = signed_by(&key);
    let refusal = request.request().prove_waiting(&scheme, NOW).await.unwrap_err();
    assert_eq!((refusal.outcome(), refusal.reason()), ("fault", "keys_unavailable"));
    host.change(set(&[&key]));
    assert_eq!(asked(&request, &scheme).await, "keys_unavailable", "not asked again at once");
    assert_eq!(host.heard().len(), 1);
    assert!(scheme.key_sources()[0].keys(NOW.later(10)).await.is_ok());
    assert_eq!(asked(&request, &scheme).await, "proved");
}

#[tokio::test]
async fn what_was_proved_does_not_outlive_keys_that_are_too_old() {
    let key = issuing("k");
    let host = Host::secure(set(&[&key])).await;
    let scheme = fetching(&host);
    let request = signed_by(&key);
    scheme.key_sources()[0].keys(NOW.earlier(86_399)).await.unwrap();
    assert_eq!(asked(&request, &scheme).await, "proved");
    host.change(Answer::fine(b"<html>"));
    let refusal = request.request().prove_waiting(&scheme, NOW.later(1)).await.unwrap_err();
    assert_eq!(refusal.reason(), "keys_unavailable");
}

#[tokio::test]
async fn a_secret_in_a_set_that_others_can_read_signs_nothing() {
    let (key, secret) = (issuing("k"), IssuingKey::secret(&ISSUER_SECRET, Algorithm::Hs256).unwrap().named("1"));
    let public = describe(key.public().unwrap(), "k", None);
    let mixed = format!(r#"{{"keys":[{{"kty":"oct","k":"{}","alg":"HS256","kid":"1"}},{public}]}}"#, base64url::encode(&ISSUER_SECRET));
    let host = Host::secure(Answer::fine(mixed.as_bytes())).await;
    let scheme = fetching(&host);
    assert_eq!(asked(&signed_by(&secret), &scheme).await, "key_unknown");
    assert_eq!(asked(&signed_by(&key), &scheme).await, "proved");
}

#[test]
fn a_profile_needs_one_place_for_its_keys() {
    let of = |changes: &[(&str, Value)]| {
        let problems = built::<Wssec>(with(changes), WORLD.folder.path()).err().unwrap();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let none = json!({ "issuer": ISSUER, "audiences": ["orders"] });
    assert!(of(&[("/token_profiles/jwt", none)]).contains("nothing that says where the keys are"));
    assert!(of(&[("/token_profiles/jwt/discovery", json!(true))]).contains("several places for the keys"));
    assert!(of(&[("/token_profiles/jwt/jwks_uri", json!("https://sts.example/jwks"))]).contains("several places for the keys"));
}
