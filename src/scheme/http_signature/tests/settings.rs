//! Settings: what loads, what does not, and what a refusal asks for.

use super::*;
use crate::crypto::PublicKey;

fn problems(settings: Value) -> Vec<String> {
    match built::<HttpSignature>(settings, WORLD.folder.path()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn write(name: &str, text: &str) {
    let path = WORLD.folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn public() -> PublicKey {
    SigningKey::generate(NewKey::Ed25519).unwrap().public().clone()
}

#[test]
fn problems_are_told_where_they_are() {
    for (name, value, told) in [
        ("label", json!("Sig1"), "a label"),
        ("label", json!("a, b"), "a label"),
        ("tag", json!("\u{e9}"), "visible ASCII"),
        ("realm", json!("a\nb"), "visible ASCII"),
        ("algorithms", json!([]), "at least one signature algorithm"),
        ("required_components", json!([]), "at least one component"),
        ("required_components", json!(["@method", "@status"]), "`@status`"),
        ("required_components", json!(["Content-Type"]), "`Content-Type`"),
        ("max_age", json!("0s"), "1s to 24h"),
        ("max_age", json!("25h"), "1s to 24h"),
        ("max_age", json!("1500ms"), "whole seconds"),
        ("clock_skew", json!("6m"), "0s to 5m"),
        ("max_signature_size", json!("65KiB"), "64KiB"),
        ("max_signature_size", json!("0B"), "64KiB"),
        ("subjects", json!({ "nobody": "x" }), "no key"),
        ("subjects", json!({ "ed": "" }), "an empty name"),
        ("keys_dir", json!("keys"), "both"),
        ("keys_file", json!("absent.json"), "does not exist"),
    ] {
        let found = problems(with(&[(name, value.clone())]));
        assert_eq!(found.len(), 1, "{name} {value}: {found:?}");
        assert!(found[0].contains(told) && found[0].contains("7:3"), "{name} {value}: {found:?}");
    }
    let mut without = settings();
    without.as_object_mut().unwrap().remove("keys_file");
    assert!(problems(without)[0].contains("no keys"));
    assert_eq!(problems(with(&[("max_age", json!("0s")), ("label", json!("A")), ("algorithms", json!([]))])).len(), 3);
}

#[test]
fn unknown_words_do_not_load() {
    for (name, value) in
        [("algorithms", json!(["rsa-sha1"])), ("nonce", json!("server")), ("unknown", json!(1)), ("created", json!("never"))]
    {
        assert!(battery::settled::<Located<HttpSignatureConfig>>(with(&[(name, value)])).is_err(), "{name}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_told() {
    let (one, other) = (describe(&public(), "a", None), describe(&public(), "a", None));
    let no_name = one.replace("\"kid\":\"a\",", "");
    let foreign = r#"{"kty":"oct","kid":"h","alg":"HS512","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    for (name, keys, told) in [
        ("twice.json", format!("{one},{other}"), "two keys named `a`"),
        ("nameless.json", no_name, "without a `kid`"),
        ("foreign.json", format!("{one},{foreign}"), "another algorithm"),
        ("bad.json", format!("{one},{{\"kty\":\"x\"}}"), "in place 2"),
        ("private.json", one.replace("\"kty\"", "\"d\":\"AA\",\"kty\""), "a private key"),
        ("none.json", String::new(), "an empty key set"),
    ] {
        write(name, &format!("{{\"keys\":[{keys}]}}"));
        let found = problems(json!({ "keys_file": name }));
        assert!(found.len() == 1 && found[0].contains(told), "{name}: {found:?}");
    }
}

#[test]
fn a_folder_holds_a_key_in_each_file() {
    let private = SigningKey::generate(NewKey::P256).unwrap();
    let pem = crate::token::jose::pem::write(&private);
    write("empty/readme.txt", "nothing");
    write("open/alice.pem", &pem);
    write("named/alice.jwk", &describe(&public(), "bob", None));
    write("good/alice.jwk", &describe(WORLD.ed25519.public().unwrap(), "alice", None));
    write("good/.pem", "left aside");
    for (folder, told) in
        [("absent", "does not exist"), ("empty", "a folder without keys"), ("open", "a private key"), ("named", "another `kid`")]
    {
        let found = problems(json!({ "keys_dir": folder }));
        assert!(found.len() == 1 && found[0].contains(told), "{folder}: {found:?}");
    }
    let scheme = build(json!({ "keys_dir": "good" }));
    let request = signed(&input(USUAL, "").replace("\"ed\"", "\"alice\""), Request::default());
    assert_eq!(request.ask(&scheme, NOW).principal().subject(), Some("alice"));
    assert_eq!(reason(&scheme, &signed(&input(USUAL, "").replace("\"ed\"", "\"../good/alice\""), Request::default())), "key_unknown");
}

#[test]
fn a_refusal_says_how_to_sign() {
    let fields = |settings: Value| -> Vec<(&'static str, String)> {
        let asked = build(settings).challenges(None, NOW);
        asked.into_iter().map(|challenge| (challenge.field, challenge.value.to_str().unwrap().to_owned())).collect()
    };
    let told = |field, value: &str| (field, value.to_owned());
    assert_eq!(
        fields(settings()),
        [
            told("WWW-Authenticate", "Signature realm=\"test\""),
            told("Accept-Signature", "sig1=(\"@method\" \"@target-uri\" \"content-digest\");created"),
            told("Want-Content-Digest", "sha-256=5, sha-512=10"),
        ]
    );
    let more = with(&[
        ("realm", json!("the \"shop\"")),
        ("label", json!("mine")),
        ("tag", json!("app")),
        ("algorithms", json!(["ed25519"])),
        ("created", json!("optional")),
        ("required_components", json!(["@path", "\"@query-param\";name=\"id\""])),
    ]);
    assert_eq!(
        fields(more),
        [
            told("WWW-Authenticate", "Signature realm=\"the \\\"shop\\\"\""),
            told("Accept-Signature", "mine=(\"@path\" \"@query-param\";name=\"id\");expires;alg=\"ed25519\";tag=\"app\""),
        ]
    );
}

#[test]
fn carriers_name_what_is_read_and_onward_what_becomes_of_it() {
    let scheme = build(settings());
    assert_eq!(scheme.carriers().fields, [SIGNATURE, INPUT]);
    assert!(!scheme.carriers().holds_field(&CONTENT_DIGEST));
    assert_eq!((scheme.onward(), build(with(&[("forward_token", json!("keep"))])).onward()), (Onward::Removed, Onward::Kept));
}

#[test]
fn fields_of_ones_own_are_structured_where_that_is_said() {
    let scheme = build(with(&[("structured_fields", json!({ "x-own": "dictionary" }))]));
    let own = HeaderName::from_static("x-own");
    let components = format!("{USUAL} \"x-own\";sf");
    let fields = StructuredFields::with([("x-own".into(), super::super::wire::structured::StructuredType::Dictionary)].into());
    let message_fields = Request::default().field(own.clone(), "a=1 ,  b");
    let message = Message {
        method: "POST",
        scheme: "http",
        authority: "rp.example.com",
        host: b"rp.example.com",
        target: b"/orders",
        fields: message_fields.fields(),
    };
    let stated = input(&components, "");
    let mut base = Vec::new();
    base::write(&Stated::read([stated.as_bytes()].into_iter()).unwrap()[0], &message, &fields, &mut base).unwrap();
    let signature = format!("sig1=:{}:", base64::encode(&WORLD.ed25519.sign(&base).unwrap()));
    let sent = |value: &str| Request::default().field(own.clone(), value).field(INPUT, &stated).field(SIGNATURE, &signature);
    assert_eq!(reason(&scheme, &sent("a=1,b")), "proved");
    assert_eq!(reason(&scheme, &sent("a=1,c")), "signature_invalid");
    assert_eq!(reason(&scheme, &sent("a=1,(")), "component_absent");
    assert_eq!(reason(&build(settings()), &sent("a=1,b")), "component_absent");
}

#[test]
fn the_example_can_be_copied() {
    let example: Value = json!({
        "keys_file": "keys/clients.jwks.json",
        "required_components": ["@method", "@target-uri", "content-digest"],
        "max_age": "5m",
    });
    let written = HttpSignature::EXAMPLE;
    for name in example.as_object().unwrap().keys() {
        assert!(written.contains(&format!("{name}:")), "{name}");
    }
    assert!(battery::settled::<Located<HttpSignatureConfig>>(example).is_ok());
}
