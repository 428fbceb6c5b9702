//! Times and nonces, to the second and to the character.

use super::*;

#[test]
fn clocks_may_differ_by_the_second_that_is_configured() {
    let scheme = scheme();
    for (made, expected) in [
        (NOW.earlier(330), "proved"),
        (NOW.earlier(331), "timestamp_outside"),
        (NOW.later(30), "proved"),
        (NOW.later(31), "timestamp_outside"),
        (UnixTime::from_seconds(0), "timestamp_outside"),
        (NOW.later(100_000_000), "timestamp_outside"),
    ] {
        assert_eq!(Draft { timestamp: text_of(made), ..draft() }.ask(&scheme).reason(), expected, "{made:?}");
    }
    let strict = build(with(&[("/signature", json!({ "max_age": "1s", "clock_skew": "0s" }))]));
    for (made, expected) in
        [(NOW, "proved"), (NOW.earlier(1), "proved"), (NOW.earlier(2), "timestamp_outside"), (NOW.later(1), "timestamp_outside")]
    {
        assert_eq!(Draft { timestamp: text_of(made), ..draft() }.ask(&strict).reason(), expected, "{made:?}");
    }
}

#[test]
fn a_timestamp_has_one_form() {
    let scheme = scheme();
    let of = |timestamp: &str| Draft { timestamp: timestamp.to_owned(), ..draft() }.ask(&scheme).reason().to_owned();
    assert_eq!(of("2026-06-15T00:00:00.999999999Z"), "proved");
    for text in [
        "2026-06-15T00:00:00",
        "2026-06-15T00:00:00z",
        "2026-06-15t00:00:00Z",
        "2026-06-15 00:00:00Z",
        "2026-06-15T00:00:00+00:00",
        "2026-06-15T02:00:00+02:00",
        "2026-06-15T00:00Z",
        "2026-06-15T00:00:60Z",
        "2026-06-14T24:00:00Z",
        "2026-06-31T00:00:00Z",
        "2026-06-15T00:00:00.Z",
        "20260615T000000Z",
        "1781481600",
        "",
        " 2026-06-15T00:00:00Z",
        "-2026-06-15T00:00:00Z",
    ] {
        assert_eq!(of(text), "timestamp_syntax", "{text:?}");
    }
    // Another spelling of the same moment was not signed.
    let other = altered(&draft().request(), &SECURITY, "00:00:00Z", "00:00:00.0Z");
    assert_eq!(reason(&other, &scheme), "holder_signature_invalid");
}

#[test]
fn a_nonce_is_used_once_by_each_holder() {
    let scheme = scheme();
    let first = Draft { nonce: "n".repeat(16), ..draft() };
    assert_eq!(first.ask(&scheme).reason(), "proved");
    assert_eq!(first.ask(&scheme).reason(), "nonce_seen");
    // Another request, another time, another usage: it is the nonce that counts.
    for again in [
        Draft { target: "/other", ..first.clone() },
        Draft { timestamp: text_of(NOW.later(9)), ..first.clone() },
        Draft { nonce: first.nonce.clone(), ..fetching() },
        Draft { algorithm: SignatureName::HmacSha512, ..first.clone() },
    ] {
        assert_eq!(again.ask(&scheme).reason(), "nonce_seen");
    }
    assert_eq!(Draft { token: bound(Statement { subject: Some("bob"), ..good() }), ..first.clone() }.ask(&scheme).reason(), "proved");
    assert_eq!(Draft { nonce: "N".repeat(16), ..first.clone() }.ask(&scheme).reason(), "proved");
    // To the last second in which the timestamp is taken, the nonce is known; from then on the timestamp is not taken.
    assert_eq!(first.request().ask(&scheme, NOW.later(330)).reason(), "nonce_seen");
    assert_eq!(first.request().ask(&scheme, NOW.later(331)).reason(), "timestamp_outside");
    let of = |nonce: String| Draft { nonce, ..draft() }.ask(&scheme).reason().to_owned();
    for (nonce, expected) in [
        ("a".repeat(15), "nonce_syntax"),
        ("a".repeat(16), "proved"),
        ("a".repeat(128), "proved"),
        ("a".repeat(129), "nonce_syntax"),
        (String::new(), "nonce_syntax"),
        (format!("{} {}", "a".repeat(8), "b".repeat(8)), "nonce_syntax"),
        (format!("{}\\{}", "a".repeat(8), "b".repeat(8)), "parameter_value"),
    ] {
        assert_eq!(of(nonce.clone()), expected, "{nonce:?}");
    }
}

#[test]
fn only_a_request_that_holds_in_all_uses_up_its_nonce() {
    let scheme = scheme();
    let draft = draft();
    let request = draft.request();
    for (spoiled, expected) in [
        (request.clone().content("x"), "digest_mismatch"),
        (request.clone().received("/other", "rp.example.com"), "holder_signature_invalid"),
        (Draft { hand: Hand::Secret(&STRANGE_SECRET), ..draft.clone() }.request(), "holder_signature_invalid"),
        (request.clone().without(&CONTENT_TYPE), "covered_absent"),
        (Draft { covered: Some(vec![]), ..draft.clone() }.request(), "coverage_missing"),
    ] {
        assert_eq!(reason(&spoiled, &scheme), expected);
    }
    assert_eq!(reason(&request, &scheme), "proved");
}

#[test]
fn the_gateways_own_nonces_are_taken_once_and_no_others() {
    let server = || build(with(&[("/signature", json!({ "nonce": "server" }))]));
    let scheme = server();
    let challenged = |scheme: &Wssec, now| {
        let challenges = scheme.challenges(None, now);
        let value = challenges.iter().find(|challenge| challenge.field == "X-WSS-Authenticate").unwrap().value.as_bytes().to_vec();
        Authenticate::read(&value).unwrap().nonce.to_owned()
    };
    assert_eq!(draft().ask(&scheme).reason(), "nonce_refused");
    let nonce = challenged(&scheme, NOW);
    assert_ne!(nonce, challenged(&scheme, NOW));
    let ours = Draft { nonce: nonce.clone(), ..draft() };
    assert_eq!(ours.ask(&scheme).reason(), "proved");
    assert_eq!(ours.ask(&scheme).reason(), "nonce_seen");
    // It is nobody's until it is used: another holder cannot use it again.
    let other = Draft { token: bound(Statement { subject: Some("bob"), ..good() }), ..ours.clone() };
    assert_eq!(other.ask(&scheme).reason(), "nonce_seen");
    for (issued, expected) in [(300, "proved"), (301, "nonce_refused")] {
        assert_eq!(Draft { nonce: challenged(&scheme, NOW.earlier(issued)), ..draft() }.ask(&scheme).reason(), expected);
    }
    assert_eq!(Draft { nonce: challenged(&scheme, NOW.later(31)), ..draft() }.ask(&scheme).reason(), "nonce_refused");
    let elsewhere = build(with(&[("/signature", json!({ "nonce": "server" })), ("/realm", json!("others"))]));
    assert_eq!(Draft { nonce: challenged(&elsewhere, NOW), ..draft() }.ask(&scheme).reason(), "nonce_refused");
    for place in 0..nonce.len() {
        let mut spoiled = challenged(&scheme, NOW).into_bytes();
        spoiled[place] = if spoiled[place] == b'A' { b'B' } else { b'A' };
        let spoiled = String::from_utf8(spoiled).unwrap();
        assert_eq!(Draft { nonce: spoiled, ..draft() }.ask(&scheme).reason(), "nonce_refused", "{place}");
    }
}
