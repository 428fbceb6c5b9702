//! The battery for this scheme, and every way to make a signed request say something else.

use super::signer::{MessageSigner, SignRefusal, SignerSettings};
use super::wire::base::{self, Message};
use super::wire::input::{Made, Stated};
use super::wire::structured::StructuredFields;
use super::wire::{MessageAlgorithm, Unreadable};
use super::*;
use crate::crypto::{NewKey, SigningKey, base64, base64url, digest};
use crate::scheme::battery::{self, Request, Specimens, built};
use crate::scheme::{Beside, Connection, Received, TransportSecurity};
use crate::token::jose::{Algorithm, IssuingKey, describe};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

mod digests;
mod forgeries;
mod settings;
mod vectors;

/// 2026-06-15.
const NOW: UnixTime = UnixTime::from_seconds(1_781_481_600);
const SECRET: [u8; 32] = [7; 32];
const INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// Keys, and the file with their public halves.
struct World {
    folder: tempfile::TempDir,
    ed25519: IssuingKey,
    p256: IssuingKey,
    p384: IssuingKey,
    secret: IssuingKey,
    stranger: IssuingKey,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let fresh = |new| SigningKey::generate(new).unwrap();
    let keys = [fresh(NewKey::Ed25519), fresh(NewKey::P256), fresh(NewKey::P384)];
    let described = ["ed", "p256", "p384"].iter().zip(&keys).map(|(id, key)| describe(key.public(), id, None)).collect::<Vec<_>>();
    let secret = format!(r#"{{"kty":"oct","kid":"shared","alg":"HS256","k":"{}"}}"#, base64url::encode(&SECRET));
    std::fs::write(folder.path().join("keys.json"), format!(r#"{{"keys":[{},{secret}]}}"#, described.join(","))).unwrap();
    let [ed25519, p256, p384] = keys.map(|key| IssuingKey::signing(key, None).unwrap());
    let stranger = IssuingKey::signing(fresh(NewKey::Ed25519), None).unwrap();
    World { folder, ed25519, p256, p384, secret: IssuingKey::secret(&SECRET, Algorithm::Hs256).unwrap(), stranger }
});

fn settings() -> Value {
    json!({ "keys_file": "keys.json", "subjects": { "ed": "Edith" } })
}

/// The usual settings with some others.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut settings = settings();
    changes.iter().for_each(|(name, value)| settings[name] = value.clone());
    settings
}

fn build(settings: Value) -> HttpSignature {
    built(settings, WORLD.folder.path()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What a request is signed over, whatever it holds; a part that is not there is signed as if it were empty.
fn base_of(input: &str, method: &str, fields: &HeaderMap) -> Vec<u8> {
    let message = Message { method, scheme: "http", authority: "rp.example.com", host: b"rp.example.com", target: b"/orders", fields };
    let mut signed = Vec::new();
    if let Ok(stated) = Stated::read([input.as_bytes()].into_iter()) {
        let _ = base::write(&stated[0], &message, &StructuredFields::default(), &mut signed);
    }
    signed
}

/// Signs a POST by a key: `input` is the whole field `Signature-Input`.
fn signed_by(key: &IssuingKey, input: &str, request: Request) -> Request {
    let signature = base64::encode(&key.sign(&base_of(input, "POST", request.fields())).unwrap());
    let label = input.split('=').next().unwrap();
    request.field(INPUT, input).field(SIGNATURE, format!("{label}=:{signature}:"))
}

fn signed(input: &str, request: Request) -> Request {
    signed_by(&WORLD.ed25519, input, request)
}

/// A usual `Signature-Input` with other components and parameters.
fn input(components: &str, more: &str) -> String {
    format!("sig1=({components});created={};keyid=\"ed\"{more}", NOW.seconds())
}

const USUAL: &str = "\"@method\" \"@target-uri\"";
const WITH_CONTENT: &str = "\"@method\" \"@target-uri\" \"content-digest\"";

fn usual() -> Request {
    signed(&input(USUAL, ""), Request::default())
}

fn sha256_field(content: &[u8]) -> String {
    format!("sha-256=:{}:", base64::encode(&sha256(content)))
}

fn sha512_field(content: &[u8]) -> String {
    format!("sha-512=:{}:", base64::encode(digest(crate::crypto::DigestAlgorithm::Sha512, content).as_ref()))
}

fn reason(scheme: &HttpSignature, request: &Request) -> String {
    request.ask(scheme, NOW).reason().to_owned()
}

/// A GET of what is usually signed, with these fields.
fn with_evidence<T>(fields: &HeaderMap, security: TransportSecurity, look: impl FnOnce(&Evidence<'_>) -> T) -> T {
    let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security };
    let head = RequestHead {
        method: &Method::GET,
        authority: "rp.example.com",
        path: "/orders",
        query: "",
        received: Received { target: b"/orders", host: b"rp.example.com" },
        fields,
    };
    let carries = crate::scheme::Carries::Nothing;
    let peer = crate::scheme::PeerTrust::Untrusted;
    look(&Evidence { head, connection: &connection, peer, content: &[], carries, beside: Beside::Refused, now: NOW })
}

struct SignatureSpecimens;

/// What a token is to the battery: both fields, with a line between.
fn carried(token: &[u8]) -> Request {
    let place = token.iter().position(|octet| *octet == b'|').unwrap_or(token.len());
    let request = Request::default().field(INPUT, &token[..place]);
    match token.get(place + 1..) {
        Some(signature) => request.field(SIGNATURE, signature),
        None => request,
    }
}

impl Specimens for SignatureSpecimens {
    type Scheme = HttpSignature;
    const NOW: UnixTime = NOW;

    fn scheme() -> HttpSignature {
        build(settings())
    }

    fn token() -> Vec<u8> {
        let request = usual();
        let value = |name| request.fields()[name].as_bytes();
        [value(INPUT), b"|", value(SIGNATURE)].concat()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        vec![carried(token)]
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let at = |seconds: u64| format!("sig1=({USUAL});created={seconds};keyid=\"ed\"");
        let plain = Request::default;
        let content = || plain().content("x");
        vec![
            ("too old", signed(&at(NOW.seconds() - 331), plain()), "expired"),
            ("too new", signed(&at(NOW.seconds() + 31), plain()), "timestamp_outside"),
            ("over by its own word", signed(&input(USUAL, &format!(";expires={}", NOW.seconds() - 31)), plain()), "expired"),
            ("without a time", signed(&format!("sig1=({USUAL});keyid=\"ed\""), plain()), "coverage_missing"),
            ("without a key", signed(&format!("sig1=({USUAL});created={}", NOW.seconds()), plain()), "key_unknown"),
            ("of an unknown key", signed(&input(USUAL, "").replace("\"ed\"", "\"EDITH\""), plain()), "key_unknown"),
            ("by another key", signed_by(&WORLD.stranger, &input(USUAL, ""), plain()), "signature_invalid"),
            ("another algorithm than the key's", signed(&input(USUAL, ";alg=\"hmac-sha256\""), plain()), "algorithm_refused"),
            ("an unknown algorithm", signed(&input(USUAL, ";alg=\"none\""), plain()), "algorithm_refused"),
            ("less than required", signed(&input("\"@method\"", ""), plain()), "coverage_missing"),
            ("nothing", signed(&input("", ""), plain()), "coverage_missing"),
            ("a field that is absent", signed(&input("\"@method\" \"@target-uri\" \"date\"", ""), plain()), "component_absent"),
            ("a digest that is absent", signed(&input(WITH_CONTENT, ""), content()), "component_absent"),
            ("content without a digest", signed(&input(USUAL, ""), content()), "digest_missing"),
            (
                "content with an unsigned digest",
                signed(&input(USUAL, ""), content().field(CONTENT_DIGEST, sha256_field(b"x"))),
                "coverage_missing",
            ),
            ("other content", signed(&input(WITH_CONTENT, ""), content().field(CONTENT_DIGEST, sha256_field(b"y"))), "digest_mismatch"),
            ("a component twice", signed(&input("\"@method\" \"@target-uri\" \"@method\"", ""), plain()), "component_repeated"),
            ("a component of answers", signed(&input("\"@method\" \"@target-uri\" \"@status\"", ""), plain()), "component_refused"),
            ("a parameter twice", signed(&input(USUAL, ";created=1"), plain()), "signature_parameter"),
            ("no signature", usual().without(&SIGNATURE), "credential_syntax"),
            ("no input", usual().without(&INPUT), "credential_syntax"),
            ("another label", usual().without(&SIGNATURE).field(SIGNATURE, "sig2=:AAAA:"), "credential_syntax"),
            ("one signature more", usual().field(SIGNATURE, "sig2=:AAAA:"), "credential_syntax"),
            ("several signatures", usual().field(INPUT, "sig2=()").field(SIGNATURE, "sig2=:AAAA:"), "several_tokens"),
            ("no structured field", usual().without(&INPUT).field(INPUT, "sig1"), "structured_syntax"),
            ("oversize", signed(&input(USUAL, &format!(";tag=\"{}\"", "x".repeat(9000))), plain()), "token_too_large"),
        ]
    }

    fn secrets() -> Vec<String> {
        let request = usual();
        let signature = request.fields()[SIGNATURE].to_str().unwrap();
        vec![signature["sig1=:".len()..].trim_end_matches([':', '=']).to_owned(), base64url::encode(&SECRET)]
    }

    /// Base64 has more letters than bits at its end, and lists more ways to be written than the one that is signed.
    fn is_same_token(one: &[u8], other: &[u8]) -> bool {
        let read = |token: &[u8]| {
            let place = token.iter().position(|octet| *octet == b'|')?;
            let (input, signature) = (token[..place].to_vec(), token[place + 1..].to_vec());
            let stated = Stated::read([input.as_slice()].into_iter()).ok()?;
            let made = Made::read([signature.as_slice()].into_iter()).ok()?;
            Some((
                stated.first()?.label.to_owned(),
                stated.first()?.text().to_vec(),
                made.first()?.label.to_owned(),
                made.first()?.octets.clone(),
            ))
        };
        read(one).is_some() && read(one) == read(other)
    }
}

#[test]
fn the_battery_holds() {
    battery::run::<SignatureSpecimens>();
}

#[test]
fn a_proof_tells_who_it_is() {
    let scheme = build(settings());
    let outcome = signed(&input(USUAL, ";tag=\"app\""), Request::default()).ask(&scheme, NOW);
    let principal = outcome.principal();
    assert_eq!((&**principal.scheme(), principal.issuer(), principal.subject()), ("test", "test", Some("Edith")));
    assert_eq!(principal.expires(), NOW.later(300));
    assert_eq!((principal.claims().value("keyid"), principal.claims().value("tag")), (Some("ed"), Some("app")));
    let shared = signed_by(&WORLD.secret, &input(USUAL, "").replace("\"ed\"", "\"shared\""), Request::default());
    assert_eq!(shared.ask(&scheme, NOW).principal().subject(), Some("shared"));
    let sooner = signed(&input(USUAL, &format!(";expires={}", NOW.seconds() + 10)), Request::default());
    assert_eq!(sooner.ask(&scheme, NOW).principal().expires(), NOW.later(10));
}

#[test]
fn every_algorithm_proves_by_its_own_key() {
    let scheme = build(settings());
    let world = &*WORLD;
    for (id, key, algorithm) in [
        ("ed", &world.ed25519, MessageAlgorithm::Ed25519),
        ("p256", &world.p256, MessageAlgorithm::EcdsaP256Sha256),
        ("p384", &world.p384, MessageAlgorithm::EcdsaP384Sha384),
        ("shared", &world.secret, MessageAlgorithm::HmacSha256),
    ] {
        for stated in ["", &format!(";alg=\"{}\"", algorithm.word())] {
            let request = signed_by(key, &input(USUAL, stated).replace("\"ed\"", &format!("\"{id}\"")), Request::default());
            assert_eq!(request.prove(&scheme, NOW).unwrap().unwrap().profile, algorithm.word());
        }
        // The same octets under the name of another key.
        for other in ["ed", "p256", "p384", "shared"].into_iter().filter(|other| *other != id) {
            let request = signed_by(key, &input(USUAL, "").replace("\"ed\"", &format!("\"{other}\"")), Request::default());
            assert_eq!(reason(&scheme, &request), "signature_invalid", "{id} as {other}");
        }
        let only = build(with(&[("algorithms", json!(["rsa-pss-sha512"]))]));
        let request = signed_by(key, &input(USUAL, "").replace("\"ed\"", &format!("\"{id}\"")), Request::default());
        assert_eq!(reason(&only, &request), "algorithm_refused");
    }
}

fn signer(settings: SignerSettings) -> MessageSigner {
    MessageSigner::new(IssuingKey::secret(&SECRET, Algorithm::Hs256).unwrap(), settings).unwrap()
}

fn signer_settings(components: &[&str]) -> SignerSettings {
    SignerSettings {
        label: "sig1".into(),
        keyid: "shared".into(),
        tag: "app".into(),
        lifetime: 60,
        components: components.iter().map(|component| Box::from(*component)).collect(),
    }
}

#[test]
fn what_the_signer_signs_is_proved() {
    let scheme = build(with(&[("nonce", json!("required")), ("tag", json!("app"))]));
    let request = Request::default().field(CONTENT_TYPE, "a/b").field(CONTENT_DIGEST, sha256_field(b"x")).content("x");
    let message = |fields| Message {
        method: "POST",
        scheme: "http",
        authority: "rp.example.com",
        host: b"rp.example.com",
        target: b"/orders",
        fields,
    };
    let components = ["\"@method\"", "\"@target-uri\"", "\"content-type\"", "\"content-digest\"", "\"date\""];
    let fields = signer(signer_settings(&components)).sign(&message(request.fields()), "n\"1", NOW).unwrap();
    let input = fields.input.to_str().unwrap().to_owned();
    assert_eq!(
        input,
        "sig1=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\");created=1781481600;expires=1781481660;keyid=\"shared\";nonce=\"n\\\"1\";tag=\"app\""
    );
    let request = request.field(INPUT, &input).field(SIGNATURE, fields.signature.as_bytes());
    assert_eq!(request.ask(&scheme, NOW).principal().expires(), NOW.later(60));
    assert_eq!(reason(&scheme, &request), "nonce_seen");
}

#[test]
fn a_signer_writes_only_what_can_be_read() {
    let none = HeaderMap::new();
    let message = Message { method: "GET", scheme: "http", authority: "a", host: b"a", target: b"/", fields: &none };
    let fault = |settings: SignerSettings| signer(settings).sign(&message, "", NOW).unwrap_err();
    for (components, why) in [
        (&["\"@status\""][..], Unreadable::Component),
        (&["\"@method\"", "\"@method\""], Unreadable::ComponentRepeated),
        (&["@method"], Unreadable::Syntax),
        (&["\"@query-param\";name=\"x\""], Unreadable::Absent),
    ] {
        assert_eq!(fault(signer_settings(components)), SignRefusal::Unwritable(why), "{components:?}");
    }
    assert_eq!(fault(SignerSettings { label: "Sig".into(), ..signer_settings(&[]) }), SignRefusal::Unwritable(Unreadable::Syntax));
    assert_eq!(fault(SignerSettings { keyid: "\u{e9}".into(), ..signer_settings(&[]) }), SignRefusal::Unwritable(Unreadable::Syntax));
    let other = IssuingKey::secret(&[7; 64], Algorithm::Hs512).unwrap();
    assert_eq!(MessageSigner::new(other, signer_settings(&[])).unwrap_err(), SignRefusal::Algorithm);
    assert_eq!(format!("{:?}", signer(signer_settings(&[]))), "MessageSigner(hmac-sha256, …)");
}
