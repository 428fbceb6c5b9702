//! The battery for this scheme, and a proof with one thing wrong at a time.

use super::*;
use crate::crypto::{NewKey, PublicKey, SigningKey, base64, base64url};
use crate::scheme::battery::{self, Request, Specimens, built, settled};
use crate::scheme::bearer::specimens::{self, NOW, WORLD, folder, good, mint, signed};
use crate::store::HolderKeys;
use crate::token::jose::{Algorithm, IssuingKey, describe};
use crate::token::jwt::{StatedHolder, Statement};
use http::Method;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static HOLDER: LazyLock<IssuingKey> = LazyLock::new(|| IssuingKey::signing(SigningKey::generate(NewKey::P256).unwrap(), None).unwrap());

fn public() -> &'static PublicKey {
    HOLDER.public().unwrap()
}

fn settings() -> Value {
    specimens::settings()
}

fn with(key: &str, value: Value) -> Value {
    let mut settings = settings();
    settings[key] = value;
    settings
}

fn with_nonces(rule: &str) -> Value {
    static WRITTEN: LazyLock<()> = LazyLock::new(|| std::fs::write(folder().join("nonce.key"), base64::encode(&[9; 32])).unwrap());
    LazyLock::force(&WRITTEN);
    let mut settings = with("nonce", json!(rule));
    settings["nonce_key_file"] = json!("nonce.key");
    settings
}

fn build(settings: Value) -> Dpop {
    built(settings, folder()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn bound() -> String {
    mint(&Statement { holder: StatedHolder::Thumbprint(public()), ..good() })
}

fn jwk(key: &IssuingKey) -> String {
    describe(key.public().unwrap(), "h", None)
}

fn header() -> String {
    format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, jwk(&HOLDER))
}

/// The claims of a good proof for a token, with others in place of these or after them.
fn claims(token: &[u8], changes: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = format!("\"proof {}\"", NEXT.fetch_add(1, Ordering::Relaxed));
    let ath = format!("\"{}\"", base64url::encode(&sha256(token)));
    let mut members = vec![
        ("jti", id.as_str()),
        ("htm", "\"POST\""),
        ("htu", "\"http://rp.example.com/orders\""),
        ("iat", "1700000000"),
        ("ath", ath.as_str()),
    ];
    for change in changes.split(';').filter(|change| !change.is_empty()) {
        let (name, value) = change.split_once('=').unwrap_or((change, ""));
        members.retain(|(known, _)| *known != name);
        members.extend((!value.is_empty()).then_some((name, value)));
    }
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn request(token: &[u8], proof: &str) -> Request {
    Request::default().field(AUTHORIZATION, [b"DPoP ", token].concat()).field(DPOP, proof)
}

/// A good token, and a proof with other claims.
fn claiming(changes: &str) -> Request {
    let token = bound();
    request(token.as_bytes(), &signed(&header(), &claims(token.as_bytes(), changes), &HOLDER))
}

/// A good token, and a proof with another header.
fn headed(header: &str, key: &IssuingKey) -> Request {
    let token = bound();
    request(token.as_bytes(), &signed(header, &claims(token.as_bytes(), ""), key))
}

fn other_key(kind: NewKey) -> IssuingKey {
    IssuingKey::signing(SigningKey::generate(kind).unwrap(), None).unwrap()
}

struct DpopSpecimens;

impl Specimens for DpopSpecimens {
    type Scheme = Dpop;
    const NOW: UnixTime = NOW;

    fn scheme() -> Dpop {
        build(settings())
    }

    fn token() -> Vec<u8> {
        static TOKEN: LazyLock<String> = LazyLock::new(bound);
        TOKEN.clone().into_bytes()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        vec![request(token, &signed(&header(), &claims(token, ""), &HOLDER))]
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let token = bound();
        let anyones = mint(&good());
        let for_it = |token: &str| request(token.as_bytes(), &signed(&header(), &claims(token.as_bytes(), ""), &HOLDER));
        let stranger = other_key(NewKey::P256);
        let of_stranger = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, jwk(&stranger));
        vec![
            ("an unbound token", for_it(&anyones), "token_unbound"),
            (
                "bound to a certificate",
                for_it(&mint(&Statement { holder: StatedHolder::Certificate(&[7; 32]), ..good() })),
                "holder_key_unusable",
            ),
            ("over", for_it(&specimens::claiming("exp=1699999970")), "expired"),
            ("no proof", Request::default().field(AUTHORIZATION, format!("DPoP {token}")), "proof_missing"),
            ("an empty proof", request(token.as_bytes(), ""), "proof_missing"),
            ("no JWT", request(token.as_bytes(), "x"), "proof_syntax"),
            ("two joined proofs", request(token.as_bytes(), "a.b.c, a.b.c"), "proof_syntax"),
            ("by another key", headed(&of_stranger, &stranger), "proof_key_mismatch"),
            ("signed by another key", headed(&header(), &stranger), "holder_signature_invalid"),
            ("a token as its own proof", request(token.as_bytes(), &token), "proof_syntax"),
        ]
    }

    fn secrets() -> Vec<String> {
        let token = String::from_utf8(Self::token()).unwrap();
        vec![token.rsplit_once('.').unwrap().1.to_owned(), token, "buyer".to_owned()]
    }

    fn is_same_token(_: &[u8], _: &[u8]) -> bool {
        false
    }
}

#[test]
fn the_battery_holds() {
    battery::run::<DpopSpecimens>();
}

#[test]
fn t_91_rfc_9449_4_3_each_check_by_itself() {
    let scheme = build(settings());
    for (changes, told) in [
        ("", "proved"),
        ("jti", "proof_syntax"),
        ("jti=\"\"", "proof_syntax"),
        ("jti=7", "proof_syntax"),
        ("htm", "proof_syntax"),
        ("htu", "proof_syntax"),
        ("iat", "proof_syntax"),
        ("iat=\"1700000000\"", "proof_syntax"),
        ("iat=-1", "proof_syntax"),
        ("htm=\"post\"", "proof_method_mismatch"),
        ("htm=\"GET\"", "proof_method_mismatch"),
        ("htu=\"https://rp.example.com/orders\"", "proof_target_mismatch"),
        ("htu=\"http://rp.example.com/orders/1\"", "proof_target_mismatch"),
        ("htu=\"http://rp.example.com:8080/orders\"", "proof_target_mismatch"),
        ("htu=\"HTTP://RP.example.com:80/%6Frders?a=1#b\"", "proved"),
        ("iat=1699999910", "proved"),
        ("iat=1699999909", "timestamp_outside"),
        ("iat=1700000030", "proved"),
        ("iat=1700000031", "timestamp_outside"),
        ("exp=1699999971", "proved"),
        ("exp=1699999970", "timestamp_outside"),
        ("exp=1699999970.9", "timestamp_outside"),
        ("exp=\"1800000000\"", "proof_syntax"),
        ("exp=-1", "proof_syntax"),
        ("nbf=1700000030", "proved"),
        ("nbf=1700000030.5", "timestamp_outside"),
        ("nbf=1700000031", "timestamp_outside"),
        ("nbf=null", "proof_syntax"),
        ("nbf=1699999999;exp=1700000060", "proved"),
        ("ath", "proof_token_mismatch"),
        ("ath=\"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo\"", "proof_token_mismatch"),
        ("ath=\"x\"", "proof_token_mismatch"),
        ("nonce=\"of somebody else\"", "proved"),
        ("nonce=7", "proof_syntax"),
        ("other={\"a\":[1]}", "proved"),
    ] {
        assert_eq!(claiming(changes).ask(&scheme, NOW).reason(), told, "{changes}");
    }
    let long = |octets: usize| claiming(&format!("jti=\"{}\"", "j".repeat(octets))).ask(&scheme, NOW).reason().to_owned();
    assert_eq!((long(256), long(257), long(20_000)), ("proved".into(), "proof_syntax".into(), "proof_syntax".into()));
}

#[test]
fn a_proof_for_another_target_tells_only_which_was_expected() {
    let asked = claiming("htu=\"http://rp.example.com/secret?x=y\"").ask(&build(settings()), NOW);
    assert_eq!((asked.reason(), asked.mismatch()), ("proof_target_mismatch", ("http://rp.example.com/orders", "")));
}

#[test]
fn t_91_the_header_of_a_proof_is_that_of_a_proof() {
    let scheme = build(with("proof_algorithms", json!(["ES256", "EdDSA"])));
    let own = jwk(&HOLDER);
    for (header, told) in [
        (header(), "proved"),
        (format!(r#"{{"typ":"DPoP+JWT","alg":"ES256","jwk":{own}}}"#), "proved"),
        (format!(r#"{{"typ":"JWT","alg":"ES256","jwk":{own}}}"#), "proof_syntax"),
        (format!(r#"{{"alg":"ES256","jwk":{own}}}"#), "proof_syntax"),
        (format!(r#"{{"typ":"dpop+jwt","alg":"none","jwk":{own}}}"#), "proof_syntax"),
        (format!(r#"{{"typ":"dpop+jwt","alg":"RS256","jwk":{own}}}"#), "proof_algorithm_refused"),
        (format!(r#"{{"typ":"dpop+jwt","alg":"HS256","jwk":{own}}}"#), "proof_algorithm_refused"),
        (format!(r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{own}}}"#), "proof_algorithm_refused"),
        (format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{own},"crit":["jwk"]}}"#), "proof_syntax"),
        (r#"{"typ":"dpop+jwt","alg":"ES256"}"#.to_owned(), "proof_syntax"),
        (r#"{"typ":"dpop+jwt","alg":"ES256","jwk":"x"}"#.to_owned(), "proof_syntax"),
        (header().replace("\"kty\"", "\"d\":\"AA\",\"kty\""), "proof_syntax"),
        (header().replace("P-256", "P-384"), "proof_syntax"),
    ] {
        assert_eq!(headed(&header, &HOLDER).ask(&scheme, NOW).reason(), told, "{header}");
    }
    let secret = IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap();
    let oct = format!(r#"{{"typ":"dpop+jwt","alg":"HS256","jwk":{{"kty":"oct","k":"{}"}}}}"#, base64url::encode(&[7; 32]));
    assert_eq!(headed(&oct, &secret).ask(&scheme, NOW).reason(), "proof_algorithm_refused");
    let weak = format!(r#"{{"typ":"dpop+jwt","alg":"RS256","jwk":{{"kty":"RSA","n":"{}","e":"AQAB"}}}}"#, base64url::encode(&[0xff; 128]));
    assert_eq!(headed(&weak, &HOLDER).ask(&build(settings()), NOW).reason(), "proof_syntax", "1024 bits");
}

#[test]
fn no_bit_of_a_proof_can_be_changed() {
    let scheme = build(settings());
    let token = bound();
    let proof = signed(&header(), &claims(token.as_bytes(), ""), &HOLDER);
    for place in (0..proof.len()).step_by(3) {
        let mut altered = proof.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(request(token.as_bytes(), &altered).prove(&scheme, NOW).is_err(), "{place}");
    }
    assert_eq!(request(token.as_bytes(), &proof).ask(&scheme, NOW).reason(), "proved");
}

#[test]
fn t_92_a_proof_is_taken_once() {
    let scheme = build(settings());
    let once = claiming("jti=\"one\"");
    assert_eq!(once.ask(&scheme, NOW).reason(), "proved");
    assert_eq!(once.ask(&scheme, NOW.later(90)).reason(), "nonce_seen", "to the last second in which it would be taken");
    assert_eq!(once.ask(&scheme, NOW.later(91)).reason(), "timestamp_outside");
    // Other spellings of the same proof are the same proof, and one from the future is remembered for as long as it holds.
    assert_eq!(claiming("jti=\"one\";htu=\"HTTP://rp.example.com:80/orders\"").ask(&scheme, NOW).reason(), "nonce_seen");
    let ahead = claiming("jti=\"ahead\";iat=1700000030");
    assert_eq!(ahead.ask(&scheme, NOW).reason(), "proved");
    assert_eq!(ahead.ask(&scheme, NOW.later(120)).reason(), "nonce_seen");
    // What does not hold uses up nothing.
    let scheme = build(settings());
    assert_eq!(claiming("jti=\"two\";htm=\"GET\"").ask(&scheme, NOW).reason(), "proof_method_mismatch");
    assert_eq!(claiming("jti=\"two\"").ask(&scheme, NOW).reason(), "proved");
    // Names of proofs belong to keys.
    assert_eq!(claiming("jti=\"one\"").ask(&scheme, NOW).reason(), "proved");
    let other = other_key(NewKey::P256);
    let token = mint(&Statement { holder: StatedHolder::Thumbprint(other.public().unwrap()), ..good() });
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, jwk(&other));
    let proof = signed(&header, &claims(token.as_bytes(), "jti=\"one\""), &other);
    assert_eq!(request(token.as_bytes(), &proof).ask(&scheme, NOW).reason(), "proved");
}

#[test]
fn t_93_nonces_are_ours_and_fresh() {
    let scheme = build(with_nonces("required"));
    let nonce = |scheme: &Dpop, now| scheme.freshness.next_nonce(now).unwrap();
    let with = |nonce: &str, more: &str| claiming(&format!("nonce=\"{nonce}\"{more}"));
    let fresh = nonce(&scheme, NOW);
    assert_eq!(claiming("").ask(&scheme, NOW).reason(), "nonce_missing");
    assert_eq!(with("invented", "").ask(&scheme, NOW).reason(), "nonce_refused");
    assert_eq!(with(&fresh, "").ask(&scheme, NOW).reason(), "proved");
    assert_eq!(with(&fresh, ";iat=1700000300").ask(&scheme, NOW.later(300)).reason(), "proved");
    assert_eq!(with(&fresh, ";iat=1700000301").ask(&scheme, NOW.later(301)).reason(), "nonce_refused");
    assert_eq!(with(&nonce(&scheme, NOW.later(31)), "").ask(&scheme, NOW).reason(), "nonce_refused");
    let mut elsewhere = with_nonces("required");
    elsewhere["realm"] = json!("elsewhere");
    assert_eq!(with(&nonce(&build(elsewhere), NOW), "").ask(&scheme, NOW).reason(), "nonce_refused");
    let optional = build(with_nonces("optional"));
    assert_eq!(claiming("").ask(&optional, NOW).reason(), "proved");
    assert_eq!(with("invented", "").ask(&optional, NOW).reason(), "nonce_refused");
}

#[test]
fn t_93_the_next_nonce_comes_when_it_is_due() {
    let scheme = build(with_nonces("required"));
    let fields = |refusal: Option<Rejection>| {
        let refusal = refusal.map(Refusal::Rejected);
        scheme.challenges(refusal.as_ref(), NOW).into_iter().map(|field| (field.field, field.value)).collect::<Vec<_>>()
    };
    for refusal in [Rejection::NonceMissing, Rejection::NonceRefused] {
        let told = fields(Some(refusal));
        let asked = told[0].1.to_str().unwrap();
        assert!(asked.starts_with("DPoP algs=\"RS256 ") && asked.ends_with("error=\"use_dpop_nonce\""), "{asked}");
        assert_eq!(told[1].0, "DPoP-Nonce");
    }
    let nonce = fields(None)[1].1.to_str().unwrap().to_owned();
    let asked = |now: UnixTime, iat: u64| {
        let proof = claiming(&format!("nonce=\"{nonce}\";iat={iat}")).prove(&scheme, now).unwrap().unwrap();
        scheme.issue(&proof, now).len()
    };
    assert_eq!(asked(NOW.later(149), 1_700_000_149), 0, "it is good for some time yet");
    assert_eq!(asked(NOW.later(150), 1_700_000_150), 2, "it ends soon: the next one, and nobody keeps the answer");
    let without = build(settings());
    assert_eq!(without.challenges(None, NOW).len(), 1);
}

#[test]
fn challenges_tell_the_token_from_the_proof() {
    let scheme = build(with("proof_algorithms", json!(["ES256", "EdDSA"])));
    let after = |rejection: Rejection| scheme.challenges(Some(&rejection.into()), NOW)[0].value.clone();
    assert_eq!(scheme.challenges(None, NOW)[0].value, "DPoP algs=\"ES256 EdDSA\"");
    assert_eq!(after(Rejection::Expired), "DPoP algs=\"ES256 EdDSA\", error=\"invalid_token\"");
    assert_eq!(after(Rejection::TokenUnbound), "DPoP algs=\"ES256 EdDSA\", error=\"invalid_token\"");
    let of_proof = after(Rejection::of_proof_algorithm(["ES256"].into_iter(), "RS256"));
    assert_eq!(of_proof, "DPoP algs=\"ES256 EdDSA\", error=\"invalid_dpop_proof\"");
    assert_eq!(after(Rejection::ProofTargetMismatch(Box::default())), "DPoP algs=\"ES256 EdDSA\", error=\"invalid_dpop_proof\"");
}

#[test]
fn only_one_proof_and_only_this_word() {
    let scheme = build(settings());
    let twice = claiming("").field(DPOP, "x.y.z");
    assert_eq!(twice.ask(&scheme, NOW).reason(), "field_repeated");
    let token = bound();
    let proof = || signed(&header(), &claims(token.as_bytes(), ""), &HOLDER);
    let as_word = |word: &str| Request::default().field(AUTHORIZATION, format!("{word} {token}")).field(DPOP, proof());
    assert_eq!(as_word("dpop").ask(&scheme, NOW).reason(), "proved");
    for word in ["Bearer", "DPoPx", "Basic"] {
        assert_eq!(as_word(word).ask(&scheme, NOW).reason(), "nothing", "{word}");
    }
    let get = claiming("htm=\"GET\"").method(Method::GET);
    assert_eq!(get.ask(&scheme, NOW).reason(), "proved");
}

#[test]
fn rfc_9449_7_1_the_published_proof_holds() {
    let header = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    let payload = "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9";
    let signature = "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    let proof = [header, payload, signature].join(".");
    let holders = Holders::new([Algorithm::Es256].into());
    let parts = Parts::check_2_shape(proof.as_bytes()).unwrap();
    let holder = holders.read(&parts).unwrap();
    assert_eq!(base64url::encode(&holder.thumbprint), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(parts.check_6_signature(&holder, &HolderKeys::with_room(1)), Ok(()));
    let octets = parts.payload().unwrap();
    let payload = read_object(&octets).unwrap();
    let claims = Claims::check_3_claims(&payload).unwrap();
    assert_eq!((claims.id, claims.made), ("e1j3V_bKic8-LAEB", UnixTime::from_seconds(1_562_262_618)));
    assert_eq!(claims.check_12_token("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"), Ok(()));
    assert_eq!(claims.check_12_token("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxu"), Err(Rejection::ProofTokenMismatch));
}

#[test]
fn what_is_issued_is_taken() {
    let scheme = build(with_nonces("required"));
    let (token, nonce) = (bound(), scheme.freshness.next_nonce(NOW).unwrap());
    let statement = ProofStatement { method: "POST", target: "http://rp.example.com/orders", token: &token, nonce: &nonce };
    let random = crate::crypto::SystemRandom::new();
    for _ in 0..2 {
        let proof = issue_proof(&statement, &HOLDER, NOW, &random).unwrap();
        assert_eq!(request(token.as_bytes(), &proof).ask(&scheme, NOW).reason(), "proved");
    }
    let secret = IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap();
    assert!(matches!(issue_proof(&statement, &secret, NOW, &random), Err(ProofFault::Key(_))));
}

#[test]
fn problems_are_told_and_the_example_can_be_copied() {
    for (settings, said) in [
        (with("proof_algorithms", json!([])), "at least one signature algorithm"),
        (with("proof_algorithms", json!(["HS256"])), "proves nothing to others"),
        (with("max_age", json!("25h")), "1s to 24h"),
        (with("clock_skew", json!("6m")), "0s to 5m"),
        (with("nonce", json!("required")), "`nonce_key_file`"),
        (with("nonce_lifetime", json!("0s")), "1s to 24h"),
        (with("audiences", json!([])), "an empty list"),
    ] {
        let problems = built::<Dpop>(settings, folder()).err().unwrap_or_else(|| panic!("no problem: {said}"));
        assert!(problems.iter().any(|problem| problem.to_string().contains(said)), "{said}: {problems:?}");
    }
    let example: Value = serde_saphyr::from_str(Dpop::EXAMPLE).unwrap();
    assert!(settled::<<Dpop as Scheme>::Config>(example.clone()).is_ok());
    assert!(settled::<<Dpop as Scheme>::Config>(with("accept", json!(["query"]))).is_err(), "only in its field");
    assert_eq!(WORLD.issuer.id(), Some("a"));
}
