//! Digests, and what is held against the content.

use super::*;
use proptest::prelude::*;

fn digested(field: &str, content: &[u8]) -> Request {
    signed(&input(WITH_CONTENT, ""), Request::default().field(CONTENT_DIGEST, field).content(content))
}

#[test]
fn every_known_digest_is_compared() {
    let scheme = build(settings());
    let (short, long) = (sha256_field(b"x"), sha512_field(b"x"));
    let (wrong_short, wrong_long) = (sha256_field(b"y"), sha512_field(b"y"));
    for good in [&short, &long, &format!("{short}, {long}"), &format!("md5=:AAAA:, {long};x"), &format!("{short},  {long}")] {
        assert_eq!(reason(&scheme, &digested(good, b"x")), "proved", "{good}");
    }
    for bad in [&wrong_short, &format!("{short}, {wrong_long}"), &format!("{wrong_short}, {long}"), &format!("{long}, {wrong_short}")] {
        assert_eq!(reason(&scheme, &digested(bad, b"x")), "digest_mismatch", "{bad}");
    }
    for unknown in ["md5=:AAAA:", "sha=:AAAA:, unixsum=:AA==:", "", "SHA-256=:AAAA:"] {
        let expected = if unknown.starts_with('S') { "structured_syntax" } else { "algorithm_refused" };
        assert_eq!(reason(&scheme, &digested(unknown, b"x")), expected, "{unknown}");
    }
    for twice in [format!("{short}, {short}"), format!("{short}, {wrong_short}")] {
        assert_eq!(reason(&scheme, &digested(&twice, b"x")), "label_repeated");
    }
    for odd in ["sha-256=:AAAA:", "sha-256=\"x\"", "sha-256", "sha-256=X48E", "sha-256=::"] {
        assert_eq!(reason(&scheme, &digested(odd, b"x")), "structured_syntax", "{odd}");
    }
}

#[test]
fn lines_of_one_field_are_one_dictionary() {
    let scheme = build(settings());
    let lines = |one: &str, other: &str| {
        let request = Request::default().field(CONTENT_DIGEST, one).field(CONTENT_DIGEST, other).content("x");
        reason(&scheme, &signed(&input(WITH_CONTENT, ""), request))
    };
    assert_eq!(lines(&sha256_field(b"x"), &sha512_field(b"x")), "proved");
    assert_eq!(lines(&sha256_field(b"x"), &sha512_field(b"y")), "digest_mismatch");
    assert_eq!(lines(&sha256_field(b"x"), &sha256_field(b"x")), "label_repeated");
}

#[test]
fn no_content_has_a_digest_too() {
    let scheme = build(settings());
    assert_eq!(reason(&scheme, &digested(&sha256_field(b""), b"")), "proved");
    assert_eq!(reason(&scheme, &digested(&sha256_field(b"x"), b"")), "digest_mismatch");
    // None is asked for where there is no content, and one that nobody signed says nothing.
    assert_eq!(reason(&scheme, &usual()), "proved");
    assert_eq!(reason(&scheme, &usual().field(CONTENT_DIGEST, sha256_field(b"x"))), "proved");
}

#[test]
fn a_member_that_is_signed_must_be_one_that_is_compared() {
    let scheme = build(settings());
    let (short, long) = (sha256_field(b"x"), sha512_field(b"x"));
    let by_member = |key: &str, field: &str| {
        let components = format!("{USUAL} \"content-digest\";key=\"{key}\"");
        reason(&scheme, &signed(&input(&components, ""), Request::default().field(CONTENT_DIGEST, field).content("x")))
    };
    assert_eq!(by_member("sha-256", &short), "proved");
    assert_eq!(by_member("sha-512", &format!("{short}, {long}")), "proved");
    assert_eq!(by_member("md5", &format!("md5=:AAAA:, {short}")), "algorithm_refused");
    assert_eq!(by_member("sha-512", &short), "component_absent");
    // Whoever adds a digest on the way makes no other content of it.
    assert_eq!(by_member("sha-256", &format!("{short}, {}", sha512_field(b"y"))), "digest_mismatch");
}

#[test]
fn other_forms_of_the_field_cover_it() {
    let scheme = build(settings());
    for form in [";sf", ";bs"] {
        let components = format!("{USUAL} \"content-digest\"{form}");
        for (content, expected) in [("x", "proved"), ("y", "digest_mismatch")] {
            let request = Request::default().field(CONTENT_DIGEST, sha256_field(b"x")).content(content);
            assert_eq!(reason(&scheme, &signed(&input(&components, ""), request)), expected);
        }
    }
}

#[test]
fn a_representation_that_is_sent_whole_has_the_same_digest() {
    let both = format!("{WITH_CONTENT} \"repr-digest\"");
    let repr_only = format!("{USUAL} \"repr-digest\"");
    let scheme = build(with(&[("required_components", json!(["@method", "repr-digest"]))]));
    let ask = |components: &str, fields: &[(&HeaderName, &str)]| {
        let request = fields.iter().fold(Request::default().content("x"), |request, (name, value)| request.field((*name).clone(), value));
        reason(&scheme, &signed(&input(components, ""), request))
    };
    let (right, wrong) = (sha256_field(b"x"), sha256_field(b"y"));
    assert_eq!(ask(&repr_only, &[(&REPR_DIGEST, &right)]), "proved");
    assert_eq!(ask(&repr_only, &[(&REPR_DIGEST, &wrong)]), "digest_mismatch");
    assert_eq!(ask(&both, &[(&REPR_DIGEST, &right), (&CONTENT_DIGEST, &sha512_field(b"x"))]), "proved");
    assert_eq!(ask(&both, &[(&REPR_DIGEST, &right), (&CONTENT_DIGEST, &wrong)]), "digest_mismatch");
    assert_eq!(ask(WITH_CONTENT, &[(&CONTENT_DIGEST, &right)]), "digest_missing");
    // A part is not the whole, and its digest does not tell what the part is.
    assert_eq!(ask(&repr_only, &[(&REPR_DIGEST, &right), (&CONTENT_RANGE, "bytes 0-0/2")]), "coverage_missing");
    let usual = build(settings());
    let part = Request::default().content("x").field(CONTENT_RANGE, "bytes 0-0/2").field(CONTENT_DIGEST, &right).field(REPR_DIGEST, &wrong);
    assert_eq!(reason(&usual, &signed(&input(&both, ""), part)), "proved");
}

#[test]
fn the_digest_is_of_the_octets_as_received() {
    let scheme = build(settings());
    let coded = [0x1f, 0x8b, 8, 0, 0];
    let ask = |field: String| {
        let request = Request::default().field(http::header::CONTENT_ENCODING, "gzip").field(CONTENT_DIGEST, field).content(coded);
        reason(&scheme, &signed(&input(WITH_CONTENT, ""), request))
    };
    assert_eq!((ask(sha256_field(&coded)), ask(sha256_field(b""))), ("proved".to_owned(), "digest_mismatch".to_owned()));
}

proptest! {
    #[test]
    fn any_other_content_is_refused(content in prop::collection::vec(any::<u8>(), 0..200), other in prop::collection::vec(any::<u8>(), 0..200)) {
        let scheme = build(settings());
        let request = digested(&sha256_field(&content), &other);
        let expected = if content == other { "proved" } else { "digest_mismatch" };
        prop_assert_eq!(reason(&scheme, &request), expected);
    }
}
