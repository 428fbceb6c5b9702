//! A signed request that is made to say something else, one part at a time, with and without a right signature.

use super::*;

/// The request with the two fields of another signature over it.
fn signed_again(request: Request, draft: &Draft<'_>) -> Request {
    let request = request.without(&DIGEST).without(&SECURITY);
    let (digest, security) = draft.signatures(request.fields(), request.octets());
    let request = request.field(SECURITY, security);
    match digest {
        Some(digest) => request.field(DIGEST, digest),
        None => request,
    }
}

#[test]
fn the_usage_cannot_be_lowered() {
    let scheme = scheme();
    let request = draft().request();
    for lowered in
        [altered(&request, &SECURITY, "sigusage=message", "sigusage=auth"), altered(&request, &SECURITY, "sigusage=message, ", "")]
    {
        assert_eq!(reason(&lowered, &scheme), "usage_refused");
        assert_eq!(reason(&lowered.without(&DIGEST), &scheme), "usage_refused");
    }
    // Also where the holder signs it so: with content, with an empty content, and beside a digest nobody would check.
    let auth = Draft { usage: Usage::Auth, ..draft() };
    assert_eq!(auth.ask(&scheme).reason(), "usage_refused");
    assert_eq!(Draft { method: Method::DELETE, ..auth.clone() }.ask(&scheme).reason(), "usage_refused");
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        assert_eq!(Draft { method, content: vec![], ..auth.clone() }.ask(&scheme).reason(), "usage_refused");
    }
    let digest = draft().request().fields()[DIGEST].clone();
    assert_eq!(reason(&fetching().request().field(DIGEST, digest), &scheme), "usage_refused");
    assert_eq!(fetching().ask(&scheme).reason(), "proved");
    assert_eq!(request.ask(&scheme, NOW).reason(), "proved", "none of these used it up");
}

#[test]
fn a_digest_that_was_signed_cannot_be_left_out_nor_put_in() {
    let scheme = scheme();
    let message = Draft { method: Method::GET, content: vec![], ..draft() };
    let request = message.request();
    assert_eq!(reason(&request.clone().without(&DIGEST), &scheme), "digest_missing");
    assert_eq!(reason(&draft().request().without(&DIGEST), &scheme), "digest_missing");
    let lowered = altered(&request, &SECURITY, "sigusage=message", "sigusage=auth").without(&DIGEST);
    assert_eq!(reason(&lowered, &scheme), "holder_signature_invalid");
    let raised = altered(&fetching().request(), &SECURITY, "sigusage=auth", "sigusage=message");
    assert_eq!(reason(&raised, &scheme), "digest_missing");
    let digest = signed_again(raised.clone(), &message).fields()[DIGEST].clone();
    assert_eq!(reason(&raised.field(DIGEST, digest), &scheme), "holder_signature_invalid");
    assert_eq!(reason(&request, &scheme), "proved");
}

#[test]
fn the_rules_for_usage_are_the_configured_ones() {
    let always = build(with(&[("/signature", json!({ "usage": "message-always" }))]));
    assert_eq!(fetching().ask(&always).reason(), "usage_refused");
    assert_eq!(Draft { method: Method::GET, content: vec![], ..draft() }.ask(&always).reason(), "proved");
    let auth = build(with(&[("/signature", json!({ "usage": "auth" }))]));
    assert_eq!(Draft { usage: Usage::Auth, ..draft() }.ask(&auth).reason(), "proved");
    assert_eq!(draft().ask(&auth).reason(), "proved");
    let required = build(with(&[("/digest", json!({ "required_for": ["DELETE"] }))]));
    let empty = |method, usage| Draft { method, usage, content: vec![], ..draft() }.ask(&required).reason().to_owned();
    assert_eq!(empty(Method::DELETE, Usage::Auth), "usage_refused");
    assert_eq!(empty(Method::DELETE, Usage::Message), "proved");
    assert_eq!(empty(Method::POST, Usage::Auth), "proved");
    assert_eq!(Draft { usage: Usage::Auth, ..draft() }.ask(&required).reason(), "usage_refused", "content needs it, whatever the method");
}

#[test]
fn covered_fields_are_neither_added_nor_dropped_nor_reordered() {
    let scheme = scheme();
    let draft = Draft { extra: vec![("x-note", "paid"), ("x-other", "1")], ..draft() };
    let all = "authorization content-type x-note x-other x-wss-token1 x-wss-tokenloc";
    let swapped = |to: &str| altered(&draft.request(), &DIGEST, all, to);
    // Whoever changes the list changes the digest with it.
    let fitting = |to: &str| {
        let request = swapped(to);
        let covered = Covered::read(to).unwrap();
        let value = digest_of(DigestName::Sha256, &covered, request.fields(), request.octets());
        let field = DigestField { algorithm: DigestName::Sha256, value: &value, covered }.to_string();
        request.without(&DIGEST).field(DIGEST, field)
    };
    for fewer in ["authorization content-type x-note x-wss-token1 x-wss-tokenloc", "authorization content-type x-wss-token1 x-wss-tokenloc"]
    {
        assert_eq!(reason(&swapped(fewer), &scheme), "holder_signature_invalid");
        assert_eq!(reason(&fitting(fewer), &scheme), "holder_signature_invalid");
    }
    for less in ["content-type x-note", "authorization content-type x-note x-other x-wss-tokenloc"] {
        assert_eq!(reason(&fitting(less), &scheme), "coverage_missing");
    }
    let added = draft.request().field(name("x-added"), "1");
    let list = format!("authorization content-type x-added{}", &all["authorization content-type".len()..]);
    assert_eq!(reason(&altered(&added, &DIGEST, all, &list), &scheme), "holder_signature_invalid");
    for (listed, expected) in [
        ("content-type authorization x-note x-other x-wss-token1 x-wss-tokenloc", "covered_syntax"),
        ("authorization content-type x-other x-note x-wss-token1 x-wss-tokenloc", "covered_syntax"),
        ("authorization authorization content-type x-note x-other x-wss-token1 x-wss-tokenloc", "covered_repeated"),
        ("authorization content-type x-note x-other x-wss-digest x-wss-token1 x-wss-tokenloc", "covered_forbidden"),
        ("authorization content-type x-note x-other x-wss-security x-wss-token1 x-wss-tokenloc", "covered_forbidden"),
        ("Authorization content-type x-note x-other x-wss-token1 x-wss-tokenloc", "covered_syntax"),
        ("", "covered_syntax"),
    ] {
        assert_eq!(reason(&swapped(listed), &scheme), expected, "{listed}");
    }
    assert_eq!(reason(&altered(&draft.request(), &DIGEST, &format!(", covered=\"{all}\""), ""), &scheme), "coverage_missing");
    assert_eq!(reason(&draft.request(), &scheme), "proved");
}

#[test]
fn covered_fields_are_there_once_and_as_they_were() {
    let scheme = scheme();
    let draft = Draft { extra: vec![("x-note", "paid  in\tfull")], ..draft() };
    let request = draft.request();
    let note = name("x-note");
    assert_eq!(reason(&altered(&request, &note, "paid", "due"), &scheme), "digest_mismatch");
    assert_eq!(reason(&request.clone().without(&note), &scheme), "covered_absent");
    assert_eq!(reason(&request.clone().field(note.clone(), "paid  in\tfull"), &scheme), "covered_field_repeated");
    assert_eq!(reason(&altered(&request, &CONTENT_TYPE, "json", "xml"), &scheme), "digest_mismatch");
    assert_eq!(reason(&altered(&request, &AUTHORIZATION, "WSSEC realm", "wssec realm"), &scheme), "digest_mismatch");
    assert_eq!(reason(&altered(&request, &name("x-wss-tokenloc"), "header", "header, ref=direct"), &scheme), "digest_mismatch");
    // White space between words is one space to both sides.
    assert_eq!(reason(&altered(&request, &note, "paid  in\tfull", "paid in full"), &scheme), "proved");
}

#[test]
fn what_must_be_covered_is_covered_by_the_holder_too() {
    let scheme = scheme();
    for missing in ["authorization", "content-type", "x-wss-tokenloc", "x-wss-token1"] {
        let all = ["authorization", "content-type", "x-wss-tokenloc", "x-wss-token1"];
        let covered = all.into_iter().filter(|name| *name != missing).collect();
        let outcome = Draft { covered: Some(covered), ..draft() }.ask(&scheme);
        assert_eq!((outcome.reason(), outcome.mismatch()), ("coverage_missing", (missing, "")));
    }
    let outcome = Draft { covered: Some(vec![]), ..draft() }.ask(&scheme);
    assert_eq!(outcome.reason(), "coverage_missing");
    assert_eq!(outcome.mismatch().0.split(", ").count(), 4, "{}", outcome.mismatch().0);
    let fragments = Draft { place: Place::Fragments(64), ..draft() };
    let mut covered = vec!["authorization", "content-type", "x-wss-tokenloc", "x-wss-token1"];
    assert_eq!(Draft { covered: Some(covered.clone()), ..fragments }.ask(&scheme).reason(), "coverage_missing");
    covered.push("x-absent");
    assert_eq!(Draft { covered: Some(covered), ..draft() }.ask(&scheme).reason(), "covered_absent");
    let named = build(with(&[("/digest", json!({ "covered": ["x-note"] }))]));
    let note = Draft { extra: vec![("x-note", "1")], ..draft() };
    assert_eq!(Draft { covered: Some(vec![]), ..note.clone() }.ask(&named).reason(), "coverage_missing");
    assert_eq!(Draft { covered: Some(vec!["x-note"]), ..note }.ask(&named).reason(), "proved");
    assert_eq!(Draft { covered: Some(vec![]), ..draft() }.ask(&named).reason(), "proved", "what is not there need not be covered");
}

#[test]
fn canonical_fields_cannot_be_moved_into_the_content_nor_out_of_it() {
    // Nothing must be covered here, so that nothing but the signature stands in the way.
    let scheme = build(with(&[("/digest", json!({ "covered": ["x-absent"] }))]));
    let noted = Draft { extra: vec![("x-note", "paid")], covered: Some(vec!["x-note"]), ..draft() };
    let request = noted.request();
    let moved = [b"x-note:paid\n\n", request.octets()].concat();
    let inward = altered(&request.clone().without(&name("x-note")).content(&moved), &DIGEST, ", covered=\"x-note\"", "");
    let value = digest_of(DigestName::Sha256, &Covered::default(), inward.fields(), inward.octets());
    assert!(inward.fields()[DIGEST].to_str().unwrap().contains(&value), "the digest itself does not tell them apart");
    assert_eq!(reason(&inward, &scheme), "holder_signature_invalid");
    assert_eq!(reason(&request, &scheme), "proved");

    let whole = Draft { covered: Some(vec![]), content: moved, ..draft() };
    let outward = whole.request().content(b"{\"order\":42}").field(name("x-note"), "paid");
    let value = outward.fields()[DIGEST].to_str().unwrap().to_owned();
    let outward = outward.without(&DIGEST).field(DIGEST, format!("{value}, covered=\"x-note\""));
    assert_eq!(reason(&outward, &scheme), "holder_signature_invalid");
    assert_eq!(whole.ask(&scheme).reason(), "proved");
    // Where they must be covered, dropping them is noticed before.
    let dropped = altered(&draft().request(), &DIGEST, ", covered=\"authorization content-type x-wss-token1 x-wss-tokenloc\"", "");
    assert_eq!(reason(&dropped, &super::build(settings())), "coverage_missing");
}

#[test]
fn another_token_with_the_same_key_is_another_token() {
    let scheme = scheme();
    let other = bound(Statement { subject: Some("mallory"), ..good() });
    let first = name("x-wss-token1");
    for draft in [draft(), fetching()] {
        assert_eq!(Draft { token: other.clone(), ..draft.clone() }.ask(&scheme).reason(), "proved");
        let swapped = draft.request().without(&first).field(first.clone(), base64::encode(&other));
        assert_eq!(reason(&swapped, &scheme), "holder_signature_invalid");
        assert_eq!(draft.ask(&scheme).reason(), "proved");
    }
    // In the content it is part of what is digested, too, but the signature speaks of it before.
    let in_body = Draft { place: Place::Body, ..draft() };
    assert_eq!(reason(&in_body.request().content(&other), &scheme), "holder_signature_invalid");
}

#[test]
fn the_content_is_what_was_signed() {
    let scheme = scheme();
    let request = draft().request();
    for content in [&b""[..], b"{\"order\":43}", b"{\"order\":42", b"{\"order\":42}\n", b" {\"order\":42}", b"{\"order\":42}\0"] {
        assert_eq!(reason(&request.clone().content(content), &scheme), "digest_mismatch", "{content:?}");
    }
    assert_eq!(reason(&fetching().request().content("x"), &scheme), "usage_refused");
    let empty = Draft { method: Method::GET, content: vec![], ..draft() };
    assert_eq!(reason(&empty.request().content("x"), &scheme), "digest_mismatch");
    let form = Draft { place: Place::Form, ..draft() }.request();
    let longer = [form.octets(), b"&admin=1"].concat();
    assert_eq!(reason(&form.content(longer), &scheme), "digest_mismatch");
    assert_eq!(reason(&request, &scheme), "proved", "a forgery does not use up the nonce of the request it was made from");
}

#[test]
fn a_digest_is_of_the_algorithm_it_names_and_that_is_taken() {
    let by_default = scheme();
    for (digest, expected) in [(DigestName::Sha256, "proved"), (DigestName::Sha512, "proved"), (DigestName::Sha1, "algorithm_refused")] {
        assert_eq!(Draft { digest, ..draft() }.ask(&by_default).reason(), expected);
    }
    let old = build(with(&[("/digest", json!({ "algorithms": ["sha-1"] }))]));
    assert_eq!(Draft { digest: DigestName::Sha1, ..draft() }.ask(&old).reason(), "proved");
    assert_eq!(draft().ask(&old).reason(), "algorithm_refused");
    let request = draft().request();
    for (from, to, expected) in [
        ("alg=sha-256", "alg=sha-512", "digest_syntax"),
        ("alg=sha-256", "alg=md5", "digest_algorithm_unknown"),
        ("alg=sha-256, ", "", "parameter_missing"),
        ("alg=sha-256", "alg=sha-256, alg=sha-256", "parameter_repeated"),
        ("alg=sha-256", "alg=sha-256, weak=1", "parameter_unknown"),
        ("alg=sha-256", "alg=sha-256, canon=other", "canonicalisation_unknown"),
        ("=\", covered", "\", covered", "digest_syntax"),
    ] {
        assert_eq!(reason(&altered(&request, &DIGEST, from, to), &by_default), expected, "{to}");
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    use SignatureName::{EcdsaP256Sha256, EcdsaP384Sha384, Ed25519, HmacSha1, HmacSha256, HmacSha512, RsaPssSha256, RsaSha256};
    let scheme = scheme();
    let world = &*WORLD;
    let of = |key: &SigningKey| mint(Statement { holder: StatedHolder::Key(key.public()), ..good() });
    let (p256, ed25519) = (of(&world.partner), of(&world.other_partner));
    let ask = |token: &[u8], hand, algorithm| Draft { token: token.to_vec(), hand, algorithm, ..draft() }.ask(&scheme).reason().to_owned();
    assert_eq!(ask(&p256, Hand::Private(&world.partner), EcdsaP256Sha256), "proved");
    assert_eq!(ask(&ed25519, Hand::Private(&world.other_partner), Ed25519), "proved");
    assert_eq!(ask(&TOKEN, Hand::Secret(&PROOF), HmacSha512), "proved");
    assert_eq!(ask(&TOKEN, Hand::Secret(&PROOF), HmacSha1), "algorithm_refused", "not named");
    // The public key, in each form somebody may have, is no secret.
    let spki: Vec<u8> = match world.partner.public().parts() {
        crate::crypto::PublicParts::P256 { x, y } | crate::crypto::PublicParts::P384 { x, y } => [x, y].concat(),
        crate::crypto::PublicParts::Rsa { modulus, .. } => modulus.to_vec(),
        crate::crypto::PublicParts::Ed25519 { point } => point.to_vec(),
    };
    let described = describe(world.partner.public(), "k", None);
    for secret in [&spki[..], described.as_bytes(), b""] {
        for algorithm in [HmacSha256, HmacSha512] {
            assert_eq!(ask(&p256, Hand::Secret(secret), algorithm), "algorithm_refused");
        }
    }
    for algorithm in [Ed25519, EcdsaP384Sha384, RsaSha256, RsaPssSha256] {
        assert_eq!(ask(&p256, Hand::Secret(&PROOF), algorithm), "algorithm_refused");
    }
    assert_eq!(ask(&TOKEN, Hand::Private(&world.partner), EcdsaP256Sha256), "algorithm_refused");
    assert_eq!(ask(&p256, Hand::Private(&world.certified), EcdsaP256Sha256), "holder_signature_invalid");
    // A signature by the right key under another name was not made for that name.
    let renamed = altered(&draft().request(), &SECURITY, "hmac-sha256", "hmac-sha512");
    assert_eq!(reason(&renamed, &scheme), "holder_signature_invalid");
    let named = build(with(&[("/signature", json!({ "algorithms": ["hmac-sha1"] })), ("/context", Value::Null)]));
    assert_eq!(Draft { algorithm: HmacSha1, ..draft() }.ask(&named).reason(), "proved");
    assert_eq!(draft().ask(&named).reason(), "algorithm_refused");
}

#[test]
fn degenerate_signatures_are_none() {
    let scheme = scheme();
    let world = &*WORLD;
    let token = mint(Statement { holder: StatedHolder::Key(world.partner.public()), ..good() });
    let draft = Draft { token, hand: Hand::Private(&world.partner), algorithm: SignatureName::EcdsaP256Sha256, ..draft() };
    let request = draft.request();
    let value = request.fields()[SECURITY].to_str().unwrap().to_owned();
    let start = value.split("sigval").next().unwrap();
    for octets in [vec![0; 64], vec![0; 1], vec![0xff; 64], vec![0; 72], vec![1; 63], vec![1; 65], vec![0; 1024]] {
        let forged = request.clone().without(&SECURITY).field(SECURITY, format!("{start}sigval=\"{}\"", base64::encode(&octets)));
        assert_eq!(reason(&forged, &scheme), "holder_signature_invalid", "{}", octets.len());
    }
    for (text, expected) in [
        ("", "signature_syntax"),
        ("AAA", "signature_syntax"),
        ("AB==", "signature_syntax"),
        ("AA-_", "signature_syntax"),
        ("A A=", "signature_syntax"),
    ] {
        let forged = request.clone().without(&SECURITY).field(SECURITY, format!("{start}sigval=\"{text}\""));
        assert_eq!(reason(&forged, &scheme), expected, "{text}");
    }
    // A MAC cut to its first octet is no MAC.
    let request = super::draft().request();
    let value = request.fields()[SECURITY].to_str().unwrap().to_owned();
    let (start, mac) = value.split_once("sigval=\"").unwrap();
    let mac = base64::decode_exactly::<32>(mac.trim_end_matches('"').as_bytes()).unwrap();
    for length in [1, 16, 31] {
        let cut = format!("{start}sigval=\"{}\"", base64::encode(&mac[..length]));
        assert_eq!(reason(&request.clone().without(&SECURITY).field(SECURITY, cut), &scheme), "holder_signature_invalid");
    }
    assert_eq!(reason(&request, &scheme), "proved");
}

#[test]
fn a_token_is_of_the_kind_that_is_stated_or_of_the_only_one() {
    let (one, several) = (scheme(), build(all_profiles()));
    let swt = {
        let sealed = sealed(&PROOF);
        let claims = [("sub", "carol"), ("cnf.jwe", &*sealed)];
        let statement = swt::Statement { claims: &claims, issuer: ISSUER, audience: Some("orders"), expires: Some(NOW.later(600)) };
        swt::issue(&statement, &SwtKey::from_octets(&SWT_SECRET).unwrap()).unwrap().as_bytes().to_vec()
    };
    let by_swt = Draft { token: swt, ..draft() };
    let world = &*WORLD;
    let by_certificate = Draft {
        token: world.certificate.clone(),
        hand: Hand::Private(&world.certified),
        algorithm: SignatureName::EcdsaP256Sha256,
        ..draft()
    };
    let ask =
        |draft: &Draft<'_>, stated, scheme: &Wssec| Draft { stated, nonce: fresh_nonce(), ..draft.clone() }.ask(scheme).reason().to_owned();
    // In turn, so that a verdict on the one kind is remembered when the next is stated.
    for (draft, reasons) in [
        (&draft(), ["proved", "token_syntax", "certificate_syntax", "context_refused"]),
        (&by_swt, ["token_syntax", "proved", "certificate_syntax", "context_refused"]),
        (&by_certificate, ["token_syntax", "token_syntax", "proved", "context_refused"]),
    ] {
        let stated = ["jwt", "swt", "x509v3", "sct"];
        for _ in 0..2 {
            for (word, expected) in stated.iter().zip(reasons) {
                let field: &'static str = Box::leak(format!("WSSEC profile=\"{word}\"").into_boxed_str());
                assert_eq!(ask(draft, field, &several), expected, "{word}");
            }
        }
        assert_eq!(ask(draft, "WSSEC", &several), "profile_refused", "never tried one after another");
    }
    assert_eq!(ask(&draft(), "WSSEC", &one), "proved");
    assert_eq!(ask(&draft(), "wssec REALM=\"orders\"", &one), "proved");
    for (stated, expected) in [
        ("WSSEC profile=\"swt\"", "profile_refused"),
        ("WSSEC profile=\"JWT\"", "profile_refused"),
        ("WSSEC profile=\"krb5\"", "profile_refused"),
        ("WSSEC profile=\"urn:example:jwt\"", "profile_refused"),
        ("WSSEC profile=\"\"", "parameter_value"),
        ("WSSEC profile=\"jwt \"", "profile_refused"),
        ("WSSEC realm=\"Orders\"", "realm_mismatch"),
        ("WSSEC realm=\"order\", profile=\"jwt\"", "realm_mismatch"),
        ("WSSEC realm=\"orders\", realm=\"orders\"", "parameter_repeated"),
        ("WSSEC realm=orders", "field_syntax"),
        ("WSSEC realm=\"orders\", profile=\"jwt\", x=\"y\"", "parameter_unknown"),
        ("Basic eDp5", "nothing"),
        ("WSSECX realm=\"orders\"", "nothing"),
        ("", "nothing"),
    ] {
        assert_eq!(ask(&draft(), stated, &one), expected, "{stated}");
    }
}

#[test]
fn a_token_is_taken_from_configured_places_only() {
    let places = [Place::Header, Place::Fragments(64), Place::Body, Place::Form, Place::Xml];
    for (word, taken) in [("header", &places[..2]), ("body", &places[2..3]), ("body_form", &places[3..4]), ("body_xml", &places[4..])] {
        let scheme = build(with(&[("/token_locations", json!([word]))]));
        for place in places {
            let expected = if taken.contains(&place) { "proved" } else { "location_refused" };
            assert_eq!(Draft { place, ..draft() }.ask(&scheme).reason(), expected, "{place:?} of {word}");
        }
    }
    let by_reference = altered(&draft().request(), &name("x-wss-tokenloc"), "header", "header, ref=uri");
    assert_eq!(reason(&by_reference, &scheme()), "location_refused");
}

proptest! {
    #[test]
    fn no_field_makes_it_panic(security in "(sigusage=|message|auth|sigalg=|hmac-sha256|nonce=|timestamp=|sigval=|,|\"|[ -~]){0,16}",
                               digest in "(alg=|sha-256|value=|covered=|,|\"|[ -~]){0,12}",
                               location in "(location=|header|body|-xml|-form|frags=|fragsize=|query=|/|,|\"|[0-9]|[ -~]){0,12}",
                               content in proptest::collection::vec(any::<u8>(), 0..64)) {
        let scheme = scheme();
        let request = draft().request();
        reason(&request.clone().without(&SECURITY).field(SECURITY, &security), &scheme);
        reason(&request.clone().without(&DIGEST).field(DIGEST, &digest), &scheme);
        let place = name("x-wss-tokenloc");
        reason(&request.without(&place).field(place, &location).content(content), &scheme);
    }
}
