//! Signatures and keys that are numbers of another shape, T-69, wherever a key or a signature comes from outside.

use super::Scene;
use crate::support::certificates::{Authority, Identity};
use crate::support::holder::{Holder, lines};
use crate::support::issuer::{Issuer, in_seconds, signed};
use crate::support::signature;
use crate::support::wssec::{self, HolderKey, Partners, Requester};
use crate::support::{Config, RawClient, raw};
use portcullis::crypto::{KeyKind, NewKey, SigningKey, base64, base64url, sha256};
use portcullis::token::jose::{IssuingKey, describe};
use rcgen::{KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, Signer, SingleCertAndKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use std::sync::Arc;

/// The number of points on P-256 (SP 800-186 §3.2.1.3).
const ORDER: &[u8] = b"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";

/// Encodings of points for which anybody can sign: all of small order, and those that a careless reader takes for one.
const WEAK_POINTS: [&str; 9] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn weak_points() -> impl Iterator<Item = [u8; 32]> {
    let octet = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    WEAK_POINTS.iter().map(move |text| text.as_bytes().chunks(2).map(octet).collect::<Vec<u8>>().try_into().unwrap())
}

/// What holds for the first of them as a signature of anything: the base point, and the number one.
fn forged() -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].fill(0x66);
    (signature[0], signature[32]) = (0x58, 1);
    signature
}

fn members(point: &[u8; 32]) -> String {
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(point))
}

fn named(key: &str, name: &str) -> String {
    key.replacen('{', &format!("{{\"kid\":\"{name}\","), 1)
}

/// Keys that are none: weak points, a point off its curve, RSA that is too short or has a small exponent.
fn weak_keys() -> Vec<String> {
    let coordinate = base64url::encode(&[7; 32]);
    let rsa =
        |bits: usize, exponent: &str| format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{}"}}"#, base64url::encode(&vec![0xff; bits / 8]));
    let mut keys: Vec<String> = weak_points().map(|point| members(&point)).collect();
    keys.push(format!(r#"{{"crv":"P-256","kty":"EC","x":"{coordinate}","y":"{coordinate}"}}"#));
    keys.extend([rsa(512, "AQAB"), rsa(1024, "AQAB"), rsa(2048, "AQ"), rsa(2048, "Aw"), rsa(2048, "EQ")]);
    keys
}

fn claims(more: &str) -> String {
    let times = format!("\"iat\":{},\"exp\":{}", in_seconds(-5).seconds(), in_seconds(600).seconds());
    format!(r#"{{"iss":"https://issuer.example","sub":"alice","aud":"orders",{times}{more}}}"#)
}

/// A signature on P-256 with its second number counted from the other end: it holds as well.
fn mirrored(signature: &[u8]) -> Vec<u8> {
    let order = base64url::decode_to_vec(ORDER).unwrap();
    let (first, second) = signature.split_at(32);
    let mut borrowed = 0;
    let mut other: Vec<u8> = order
        .iter()
        .zip(second)
        .rev()
        .map(|(from, take)| {
            let left = i16::from(*from) - i16::from(*take) - borrowed;
            borrowed = i16::from(left < 0);
            u8::try_from(left.rem_euclid(256)).unwrap()
        })
        .collect();
    other.reverse();
    [first, &other].concat()
}

/// What is no pair of numbers for P-256: zero, the order, DER, too short, too long.
fn no_pairs(signature: &[u8]) -> Vec<Vec<u8>> {
    let order = base64url::decode_to_vec(ORDER).unwrap();
    let (first, second) = signature.split_at(32);
    let der = [&[0x30, 0x44, 0x02, 0x20], first, &[0x02, 0x20], second].concat();
    vec![
        vec![0; 64],
        [&[0; 32], second].concat(),
        [first, &[0; 32]].concat(),
        [&order[..], second].concat(),
        [first, &order].concat(),
        der,
        signature[..63].to_vec(),
        [signature, &[0]].concat(),
        [&[0], first, &[0], second].concat(),
        vec![0xff; 1000],
        Vec::new(),
    ]
}

/// A compact token with another signature.
fn resigned(token: &str, change: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let (rest, signature) = token.rsplit_once('.').unwrap();
    format!("{rest}.{}", base64url::encode(&change(&base64url::decode_to_vec(signature.as_bytes()).unwrap())))
}

fn get(lines: &str) -> String {
    format!("GET /menu HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

/// Tokens for anybody and for holders, in front of the same backend; key sets are files.
async fn tokens(jwks: &str) -> Scene {
    let settings = "issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{keys}/jwks.json\"";
    let text = format!(
        "schemes:\n  bound: {{ dpop: {{ {settings} }} }}\n  api: {{ jwt: {{ {settings}, algorithms: [RS256, ES256, EdDSA] }} }}\n\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n\
         routes:\n  - {{ name: menu, match: {{ path: / }}, authenticate: {{ any_of: [bound, api] }}, upstream: bar }}\n"
    );
    Scene::with(Config::new(&text).file("jwks.json", jwks)).await
}

async fn admits(scene: &Scene, octets: &str) {
    assert_eq!(scene.ask(octets).await.status(), 200, "{octets}");
}

#[tokio::test]
async fn t_69_keys_for_which_anybody_can_sign_are_not_among_an_issuers() {
    let issuer = Issuer::new();
    let weak: Vec<_> = weak_keys().iter().enumerate().map(|(place, key)| named(key, &format!("w{place}"))).collect();
    let scene = tokens(&issuer.jwks().replace("]}", &format!(",{}]}}", weak.join(",")))).await;
    for (place, key) in weak.iter().enumerate() {
        let algorithm = ["EdDSA", "ES256", "RS256"][usize::from(key.contains("EC")) + 2 * usize::from(key.contains("RSA"))];
        for name in [format!(",\"kid\":\"w{place}\""), String::new()] {
            let token = issuer.signed(&format!(r#"{{"alg":"{algorithm}"{name}}}"#), &claims(""));
            let token = resigned(&token, |_| forged().to_vec());
            let reason = if name.is_empty() && algorithm == "ES256" { "signature_invalid" } else { "key_unknown" };
            let reason = if name.is_empty() && algorithm != "ES256" { "algorithm_refused" } else { reason };
            scene.refuses(get(&format!("Authorization: Bearer {token}\r\n")), 401, reason).await;
        }
    }
    admits(&scene, &get(&format!("Authorization: Bearer {}\r\n", issuer.bearer()))).await;
    // Alone they are no set at all.
    let text = "schemes: { api: { jwt: { issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{keys}/jwks.json\" } } }\n\
        upstreams: { bar: { servers: [\"{upstream}\"] } }\nroutes: [{ match: { path: / }, authenticate: api, upstream: bar }]\n";
    let refused = Config::new(text).file("jwks.json", &format!("{{\"keys\":[{}]}}", weak.join(","))).refused().await;
    assert!(refused.report.contains("a JSON Web Key Set"), "{}", refused.report);
}

#[tokio::test]
async fn t_69_keys_for_which_anybody_can_sign_hold_no_token() {
    let issuer = Issuer::new();
    let scene = tokens(&issuer.jwks()).await;
    for key in weak_keys() {
        let thumbprint = base64url::encode(&sha256(key.as_bytes()));
        let token = issuer.signed(r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#, &claims(&format!(r#","cnf":{{"jkt":"{thumbprint}"}}"#)));
        let algorithm = ["EdDSA", "ES256", "RS256"][usize::from(key.contains("EC")) + 2 * usize::from(key.contains("RSA"))];
        let header = format!(r#"{{"typ":"dpop+jwt","alg":"{algorithm}","jwk":{key}}}"#);
        let proof = resigned(&Holder::new().proof_headed(&header, &token), |_| forged().to_vec());
        scene.refuses(get(&lines(&token, &proof)), 401, "proof_syntax").await;
    }
}

#[tokio::test]
async fn t_69_keys_for_which_anybody_can_sign_are_no_proof_keys() {
    let issuer = Issuer::new();
    let scene = Scene::with(Partners::new().file("jwks.json", &issuer.jwks()).config()).await;
    let known = HolderKey::new(KeyKind::Ed25519);
    let HolderKey::Private(private) = &known else { panic!("a new key is private") };
    let described = describe(private.public(), "h", None);
    let with = |key: &str| {
        let payload = claims(&format!(r#","cnf":{{"jwk":{key}}}"#)).replace("https://issuer.example", wssec::ISSUER);
        let token = issuer.signed(r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#, &payload);
        Requester { profile: "jwt", token: token.into_bytes(), key: known.clone() }.get("/orders").sign()
    };
    for key in weak_keys() {
        scene.refuses(with(&key).whole(), 401, "token_syntax").await;
    }
    assert_eq!(with(&described).ask(scene.gateway.address()).await.status(), 200);
}

#[tokio::test]
async fn t_69_keys_for_which_anybody_can_sign_are_no_callers() {
    let known = describe(SigningKey::generate(NewKey::Ed25519).unwrap().public(), "client-1", None);
    for (place, key) in weak_keys().iter().enumerate() {
        let clients = format!("{{\"keys\":[{known},{}]}}", named(key, "weak"));
        let refused = signature::config(&[], &[], "", "").file("clients.json", &clients).refused().await;
        assert!(refused.report.contains("found in place 2 a key of the wrong size, too weak"), "{place}: {}", refused.report);
    }
}

/// A key that a certificate speaks of and nobody holds.
struct Weak([u8; 32]);

impl PublicKeyData for Weak {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

/// Signs a handshake with what holds for everything.
#[derive(Clone, Debug)]
struct Forger;

impl rustls::sign::SigningKey for Forger {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SignatureScheme::ED25519).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for Forger {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(forged().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

#[tokio::test]
async fn t_69_certificates_for_which_anybody_can_sign_are_none() {
    let (servers, issuer) = (Authority::new(), Issuer::new());
    let (certificate, key) = servers.certify(&["localhost"]);
    let text = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls: { certificate: "{keys}/server.pem", key: "{keys}/server.key", client_certificate: any }
schemes:
  bound: { mtls: { issuer: "https://issuer.example", audiences: [orders], jwks_file: "{keys}/jwks.json" } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { path: / }, authenticate: bound, upstream: bar }
"#;
    let config = Config::new(text).file("server.pem", &certificate).file("server.key", &key).file("jwks.json", &issuer.jwks());
    let scene = Scene::with(config).await;
    let authority = rcgen::Issuer::new(Identity::params(&["anybody"]), KeyPair::generate().unwrap());
    for point in weak_points() {
        let shown: CertificateDer<'static> = Identity::params(&["alice"]).signed_by(&Weak(point), &authority).unwrap().der().clone();
        let pair = Arc::new(CertifiedKey::new(vec![shown], Arc::new(Forger)));
        let mut client = servers.client(&[]);
        client.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(pair));
        assert!(Authority::is_refused(scene.gateway.address(), "localhost", client).await, "{point:02x?}");
    }
    // The key of an honest one is taken.
    let alice = Identity::self_signed("alice");
    let stream = servers.connect_with(scene.gateway.address(), "localhost", &alice).await;
    let token = issuer.bound_to(&sha256(alice.der()));
    let mut client = RawClient::over(stream);
    client.send(get(&format!("Authorization: Bearer {token}\r\n"))).await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn t_69_numbers_out_of_range_prove_nothing() {
    let issuer = Issuer::new();
    let scene = tokens(&issuer.jwks()).await;
    let holder = Holder::new();
    let token = holder.token(&issuer);
    let proof = holder.proof(&token, "");
    let octets = base64url::decode_to_vec(proof.rsplit_once('.').unwrap().1.as_bytes()).unwrap();
    for wrong in no_pairs(&octets) {
        let reason = "holder_signature_invalid";
        scene.refuses(get(&lines(&token, &resigned(&proof, |_| wrong.clone()))), 401, reason).await;
    }
    admits(&scene, &get(&lines(&token, &proof))).await;
}

/// A caller with a key on P-256, and a gateway that knows it.
async fn caller(settings: &[&str]) -> (Scene, signature::Draft) {
    let key = Arc::new(SigningKey::generate(NewKey::P256).unwrap());
    let clients = format!("{{\"keys\":[{}]}}", describe(key.public(), "client-1", None));
    let scene = Scene::with(signature::config(settings, &[], "", "").file("clients.json", &clients)).await;
    (scene, signature::Draft { key, ..signature::get("/") })
}

/// The octets that a `Signature` field holds.
fn held(field: &str) -> Vec<u8> {
    let text = field.strip_prefix("sig1=:").and_then(|rest| rest.strip_suffix(':')).unwrap();
    let mut room = vec![0; text.len()];
    base64::decode(text.as_bytes(), &mut room).unwrap().to_vec()
}

#[tokio::test]
async fn t_69_numbers_out_of_range_sign_no_request() {
    let (scene, draft) = caller(&[]).await;
    let signed = draft.sign();
    for wrong in no_pairs(&held(signed.value("Signature"))) {
        let altered = signed.clone().change("Signature", |_| format!("sig1=:{}:", base64::encode(&wrong)));
        scene.refuses(altered.whole(), 401, "signature_invalid").await;
    }
    assert_eq!(signed.ask(scene.gateway.address()).await.status(), 200);
}

#[tokio::test]
async fn t_69_the_other_spelling_of_a_signature_is_no_other_use() {
    let issuer = Issuer::new();
    let scene = tokens(&issuer.jwks()).await;
    let token = issuer.bearer();
    for same in [&token, &resigned(&token, mirrored)] {
        admits(&scene, &get(&format!("Authorization: Bearer {same}\r\n"))).await;
    }
    let holder = Holder::new();
    let token = holder.token(&issuer);
    // Either may come first, and the other one is too late.
    for first in [0, 1] {
        let proof = holder.proof(&token, "");
        let mut spelt = [lines(&token, &proof), lines(&token, &resigned(&proof, mirrored))];
        spelt.rotate_left(first);
        admits(&scene, &get(&spelt[0])).await;
        assert_eq!(scene.ask(get(&spelt[1])).await.status(), 401);
        scene.gateway.denial("nonce_seen").await;
    }
    let (scene, draft) = caller(&["nonce: required"]).await;
    let signed = draft.stating(";nonce=\"n-1\"").sign();
    let other = signed.clone().change("Signature", |field| format!("sig1=:{}:", base64::encode(&mirrored(&held(field)))));
    assert_eq!(raw::ask(scene.gateway.address(), other.whole()).await.status(), 200);
    assert_eq!(raw::ask(scene.gateway.address(), signed.whole()).await.status(), 401);
    scene.gateway.denial("nonce_seen").await;
}

#[tokio::test]
async fn t_69_a_key_signs_by_the_algorithm_of_its_curve() {
    let issuer = Issuer::new();
    let scene = tokens(&issuer.jwks()).await;
    let holder = Holder::new();
    let token = holder.token(&issuer);
    let large = IssuingKey::signing(SigningKey::generate(NewKey::P384).unwrap(), None).unwrap();
    for (header, reason) in [
        (holder.header().replace("ES256", "ES384"), "proof_algorithm_refused"),
        (holder.header().replace("P-256", "P-384"), "proof_syntax"),
        (
            format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, describe(large.public().unwrap(), "h", None)),
            "proof_algorithm_refused",
        ),
    ] {
        let proof = signed(&header, "{}", &large);
        scene.refuses(get(&lines(&token, &proof)), 401, reason).await;
    }
}
