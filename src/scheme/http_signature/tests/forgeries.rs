//! Signed requests that are made to say something else, and signatures that say less than they seem to.

use super::*;

#[test]
fn every_covered_part_counts() {
    let scheme = build(with(&[("required_components", json!(["@method"]))]));
    let all = "\"@method\" \"@target-uri\" \"@authority\" \"@scheme\" \"@request-target\" \"@path\" \"@query\" \"x-a\"";
    let request = || signed(&input(all, ""), Request::default().field(HeaderName::from_static("x-a"), "one"));
    assert_eq!(reason(&scheme, &request()), "proved");
    let another = |request: Request| assert_eq!(reason(&scheme, &request), "signature_invalid");
    another(request().method(Method::PUT));
    for target in ["/orderz", "/orders?", "/orders/", "/Orders", "/%6frders", "/orders?a=1"] {
        another(request().received(target, "rp.example.com"));
    }
    for value in ["One", "one,", "one two", "", "on\te"] {
        another(request().without(&HeaderName::from_static("x-a")).field(HeaderName::from_static("x-a"), value));
    }
    another(request().field(HeaderName::from_static("x-a"), "two"));
    // White space around a value belongs to nobody.
    let spaced = request().without(&HeaderName::from_static("x-a")).field(HeaderName::from_static("x-a"), " one\t");
    assert_eq!(reason(&scheme, &spaced), "proved");
    let over_path = || signed(&input("\"@method\" \"@path\"", ""), Request::default());
    assert_eq!(reason(&scheme, &over_path().received("/orders?x", "other.example")), "proved");
    let over_uri = signed(&input("\"@method\" \"@target-uri\"", ""), Request::default());
    assert_eq!(reason(&scheme, &over_uri.received("/orders", "other.example")), "signature_invalid");
}

#[test]
fn what_is_listed_is_what_is_signed() {
    let scheme = build(with(&[("required_components", json!(["@method"]))]));
    let components = "\"@method\" \"@path\" \"x-a\"";
    let request = || signed(&input(components, ""), Request::default().field(HeaderName::from_static("x-a"), "1"));
    let swap = |from: &str, to: &str| {
        let stated = input(components, "");
        assert!(stated.contains(from));
        reason(&scheme, &request().without(&INPUT).field(INPUT, stated.replace(from, to)))
    };
    for (from, to) in [
        ("\"@path\" ", ""),
        ("\"@method\" \"@path\"", "\"@path\" \"@method\""),
        ("\"@path\"", "\"@query\""),
        ("\"x-a\"", "\"x-a\";bs"),
        ("\"x-a\"", "\"x-a\" \"@authority\""),
        (";created", ";tag=\"x\";created"),
        (";keyid", ";nonce=\"x\";keyid"),
        (";keyid", ";x;keyid"),
    ] {
        assert_eq!(swap(from, to), "signature_invalid", "{from} to {to}");
    }
    assert_eq!(swap("sig1=", "sig2="), "credential_syntax");
    assert_eq!(swap("\"@method\" ", "\"@method\"    "), "proved");
}

/// What is required is required whatever stands beside it.
#[test]
fn required_components_are_covered_or_refused() {
    let query = "\"@query-param\";name=\"id\"";
    let scheme = build(with(&[("required_components", json!(["@method", "x-a", "\"x-d\";key=\"k\"", query]))]));
    let fields = || {
        Request::default()
            .received("/orders?id=7", "rp.example.com")
            .field(HeaderName::from_static("x-a"), "1")
            .field(HeaderName::from_static("x-d"), "k=1")
    };
    let ask = |components: &str| {
        let request = fields();
        let stated = input(components, "");
        let message = Message {
            method: "POST",
            scheme: "http",
            authority: "rp.example.com",
            host: b"rp.example.com",
            target: b"/orders?id=7",
            fields: request.fields(),
        };
        let mut base = Vec::new();
        base::write(&Stated::read([stated.as_bytes()].into_iter()).unwrap()[0], &message, &StructuredFields::default(), &mut base).unwrap();
        let signature = base64::encode(&WORLD.ed25519.sign(&base).unwrap());
        reason(&scheme, &request.field(INPUT, stated).field(SIGNATURE, format!("sig1=:{signature}:")))
    };
    let good = format!("\"@method\" \"x-a\" \"x-d\";key=\"k\" {query}");
    assert_eq!(ask(&good), "proved");
    assert_eq!(ask(&good.replace("\"x-a\"", "\"x-a\";bs")), "proved");
    for missing in ["\"@method\" ", "\"x-a\" ", "\"x-d\";key=\"k\" ", &format!(" {query}")] {
        assert_eq!(ask(&good.replace(missing, "")), "coverage_missing", "{missing}");
    }
    assert_eq!(ask(&good.replace("\"x-d\";key=\"k\"", "\"x-d\"")), "coverage_missing");
    assert_eq!(ask(&good.replace("\"x-a\"", "\"x-d\"").replace("\"x-d\" ", "")), "coverage_missing");
}

#[test]
fn logs_learn_what_is_not_covered() {
    let query = "\"@query-param\";name=\"id\"";
    let scheme = build(with(&[("required_components", json!(["@method", "x-a", query]))]));
    let mismatch = |stated: String| {
        let outcome = signed(&stated, Request::default().field(HeaderName::from_static("x-a"), "1").query("id=2")).ask(&scheme, NOW);
        let (expected, found) = outcome.mismatch();
        assert_eq!(found, "", "nobody has proved anything");
        expected.to_owned()
    };
    assert_eq!(mismatch(input(&format!("\"x-a\" {query}"), "")), "@method");
    assert_eq!(mismatch(input("\"@method\"", "")), format!("x-a, {query}"));
    assert_eq!(mismatch(format!("sig1=(\"@method\" \"x-a\" {query});keyid=\"ed\"")), "created");
}

#[test]
fn logs_learn_which_algorithm_is_not_taken() {
    let ask = |scheme: &HttpSignature, more: &str| {
        let outcome = signed(&input(USUAL, more), Request::default()).ask(scheme, NOW);
        (outcome.reason().to_owned(), outcome.mismatch().0.to_owned(), outcome.mismatch().1.to_owned())
    };
    let told = |expected: &str, found: &str| ("algorithm_refused".to_owned(), expected.to_owned(), found.to_owned());
    let usual = build(settings());
    assert_eq!(ask(&usual, ";alg=\"hmac-sha256\""), told("ed25519", "hmac-sha256"));
    assert_eq!(ask(&usual, ";alg=\"my-own\""), told("ed25519", ""), "anybody can have written it");
    let others = build(with(&[("algorithms", json!(["rsa-pss-sha512", "ecdsa-p256-sha256"]))]));
    assert_eq!(ask(&others, ""), told("rsa-pss-sha512, ecdsa-p256-sha256", "ed25519"));
}

/// Fields that describe content are required only where there is some.
#[test]
fn fields_of_content_are_required_with_content() {
    let scheme = build(with(&[("required_components", json!(["@method", "@target-uri", "content-type", "content-digest"]))]));
    assert_eq!(reason(&scheme, &usual()), "proved");
    let content = || Request::default().content("x").field(CONTENT_DIGEST, sha256_field(b"x")).field(CONTENT_TYPE, "a/b");
    assert_eq!(reason(&scheme, &signed(&input(WITH_CONTENT, ""), content())), "coverage_missing");
    assert_eq!(reason(&scheme, &signed(&input(&format!("{WITH_CONTENT} \"content-type\""), ""), content())), "proved");
}

#[test]
fn components_that_requests_do_not_have_are_refused() {
    let scheme = build(settings());
    for (component, expected) in [
        ("\"@status\"", "component_refused"),
        ("\"@method\";req", "component_refused"),
        ("\"date\";req", "component_refused"),
        ("\"date\";tr", "component_absent"),
        ("\"date\";sf", "component_absent"),
        ("\"Date\"", "component_refused"),
        ("\"@query-param\"", "component_refused"),
        ("\"@query-param\";name=\"absent\"", "component_absent"),
        ("\"@signature-params\"", "component_refused"),
        ("\"@x\"", "component_refused"),
        ("\"date\";bs;sf", "component_refused"),
        ("\"@target-uri\"", "component_repeated"),
    ] {
        let request = signed(&input(&format!("{USUAL} {component}"), ""), Request::default());
        assert_eq!(reason(&scheme, &request), expected, "{component}");
    }
}

#[test]
fn times_are_judged_to_the_second() {
    let scheme = build(settings());
    let ask = |more: String| reason(&scheme, &signed(&format!("sig1=({USUAL});keyid=\"ed\"{more}"), Request::default()));
    let now = NOW.seconds();
    assert_eq!(ask(format!(";created={}", now - 330)), "proved");
    assert_eq!(ask(format!(";created={}", now - 331)), "expired");
    assert_eq!(ask(format!(";created={}", now + 30)), "proved");
    assert_eq!(ask(format!(";created={}", now + 31)), "timestamp_outside");
    assert_eq!(ask(format!(";created={now};expires={}", now - 30)), "proved");
    assert_eq!(ask(format!(";created={now};expires={}", now - 31)), "expired");
    assert_eq!(ask(format!(";created={};expires={}", now - 331, now + 1000)), "expired");
    assert_eq!(ask(";created=999999999999999".to_owned()), "timestamp_outside");
    assert_eq!(ask(";created=0".to_owned()), "expired");
    for odd in [";created=-1", ";created=1.5", ";created=\"1\"", ";created", ";created=@1", ";expires=x"] {
        assert_eq!(ask(odd.to_owned()), "signature_parameter", "{odd}");
    }
    assert_eq!(ask(format!(";expires={}", now + 60)), "coverage_missing");
}

#[test]
fn without_a_beginning_there_is_an_end() {
    let scheme = build(with(&[("created", json!("optional"))]));
    let ask = |more: String| reason(&scheme, &signed(&format!("sig1=({USUAL});keyid=\"ed\"{more}"), Request::default()));
    let now = NOW.seconds();
    assert_eq!(ask(String::new()), "coverage_missing");
    assert_eq!(ask(format!(";expires={}", now + 330)), "proved");
    assert_eq!(ask(format!(";expires={}", now + 331)), "lifetime_too_long");
    assert_eq!(ask(format!(";expires={}", now - 31)), "expired");
    assert_eq!(ask(format!(";created={now}")), "proved");
}

#[test]
fn a_nonce_is_taken_once_by_each_key() {
    let of = |key, id: &str, nonce: &str, more: &str| {
        signed_by(key, &input(USUAL, &format!(";nonce=\"{nonce}\"{more}")).replace("\"ed\"", &format!("\"{id}\"")), Request::default())
    };
    let world = &*WORLD;
    for rule in ["optional", "required"] {
        let scheme = build(with(&[("nonce", json!(rule))]));
        assert_eq!(reason(&scheme, &of(&world.ed25519, "ed", "n", "")), "proved");
        assert_eq!(reason(&scheme, &of(&world.ed25519, "ed", "n", "")), "nonce_seen");
        assert_eq!(reason(&scheme, &of(&world.ed25519, "ed", "n", ";tag=\"other\"")), "nonce_seen");
        assert_eq!(reason(&scheme, &of(&world.ed25519, "ed", "N", "")), "proved");
        assert_eq!(reason(&scheme, &of(&world.secret, "shared", "n", "")), "proved", "somebody else's");
        assert_eq!(reason(&scheme, &usual()), if rule == "required" { "nonce_missing" } else { "proved" });
        // A forgery uses up nothing.
        assert_eq!(reason(&scheme, &of(&world.stranger, "ed", "m", "")), "signature_invalid");
        assert_eq!(reason(&scheme, &of(&world.ed25519, "ed", "m", "")), "proved");
    }
    let scheme = build(with(&[("nonce", json!("none"))]));
    for _ in 0..2 {
        assert_eq!(reason(&scheme, &of(&world.ed25519, "ed", "n", "")), "proved");
    }
}

#[test]
fn a_nonce_is_remembered_for_as_long_as_its_signature_holds() {
    let scheme = build(settings());
    let early = signed(&format!("sig1=({USUAL});created={};keyid=\"ed\";nonce=\"n\"", NOW.seconds() + 30), Request::default());
    assert_eq!(early.ask(&scheme, NOW).reason(), "proved");
    for seconds in [1, 330, 360] {
        assert_eq!(early.ask(&scheme, NOW.later(seconds)).reason(), "nonce_seen", "{seconds}");
    }
    assert_eq!(early.ask(&scheme, NOW.later(361)).reason(), "expired");
}

#[test]
fn among_several_signatures_the_configured_one_counts() {
    let first = || signed(&input(USUAL, ";tag=\"app\""), Request::default());
    let both = || first().field(INPUT, "proxy=(\"@status\");tag=\"edge\"").field(SIGNATURE, "proxy=:AAAA:");
    let ask = |settings: Value, request: Request| reason(&build(settings), &request);
    assert_eq!(ask(settings(), both()), "several_tokens");
    for choice in [("label", "sig1"), ("tag", "app")] {
        assert_eq!(ask(with(&[(choice.0, json!(choice.1))]), both()), "proved");
        assert_eq!(ask(with(&[(choice.0, json!(choice.1))]), first()), "proved");
    }
    for choice in [("label", "sig2"), ("tag", "other")] {
        assert_eq!(ask(with(&[(choice.0, json!(choice.1))]), both()), "nothing");
    }
    assert_eq!(ask(with(&[("tag", json!("app")), ("label", json!("proxy"))]), both()), "nothing");
    // The one that counts is judged, however good another is.
    assert_eq!(ask(with(&[("label", json!("proxy"))]), both()), "component_refused");
    assert_eq!(ask(with(&[("tag", json!("edge"))]), both()), "component_refused");
    let twins = first().field(INPUT, "twin=();tag=\"app\"").field(SIGNATURE, "twin=:AAAA:");
    assert_eq!(ask(with(&[("tag", json!("app"))]), twins), "several_tokens");
    let doubled = first().field(INPUT, input(USUAL, ";tag=\"app\""));
    assert_eq!(ask(with(&[("label", json!("sig1"))]), doubled), "several_tokens");
}

#[test]
fn a_signature_is_for_whoever_has_its_key() {
    let recognised = |key: &str| {
        let request = signed(&input(USUAL, "").replace("\"ed\"", key), Request::default());
        with_evidence(request.fields(), TransportSecurity::Clear, |evidence| {
            let scheme = build(settings());
            let credential = scheme.extract(evidence).unwrap().unwrap();
            (scheme.recognise(&credential), scheme.place(&credential))
        })
    };
    let place = || Place::Field(SIGNATURE);
    assert_eq!(recognised("\"ed\""), (Recognition::Keyed, place()));
    assert_eq!(recognised("\"other\""), (Recognition::Foreign, place()));
}

#[test]
fn over_tls_the_scheme_is_https() {
    let scheme = build(settings());
    let none = HeaderMap::new();
    let base = |scheme: &str| {
        let mut out = Vec::new();
        let message =
            Message { method: "GET", scheme, authority: "rp.example.com", host: b"rp.example.com", target: b"/orders", fields: &none };
        let stated = input(USUAL, "");
        base::write(&Stated::read([stated.as_bytes()].into_iter()).unwrap()[0], &message, &StructuredFields::default(), &mut out).unwrap();
        out
    };
    for (signed, security, expected) in [
        ("http", TransportSecurity::Clear, true),
        ("https", TransportSecurity::Clear, false),
        ("https", TransportSecurity::Tls { server_name: Arc::from(""), certificate: None }, true),
        ("http", TransportSecurity::Tls { server_name: Arc::from(""), certificate: None }, false),
    ] {
        let signature = base64::encode(&WORLD.ed25519.sign(&base(signed)).unwrap());
        let mut fields = HeaderMap::new();
        fields.append(INPUT, input(USUAL, "").parse().unwrap());
        fields.append(SIGNATURE, format!("sig1=:{signature}:").parse().unwrap());
        let holds = with_evidence(&fields, security, |evidence| {
            let credential = scheme.extract(evidence).unwrap().unwrap();
            battery::finish(scheme.verify(&credential, evidence)).is_ok()
        });
        assert_eq!(holds, expected);
    }
}
