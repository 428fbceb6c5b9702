//! The battery for this scheme, the worked examples bit by bit, and every way to make a signed request say
//! something else.

use super::holder::{Holder, HolderKey, Standing};
use super::wire::auth_info::{AuthInfo, Authenticate};
use super::wire::canonical::{Scope, SignatureInput, TokenHash, write_canon};
use super::wire::digest_field::{Covered, DigestField};
use super::wire::fragments;
use super::wire::security::{Security, Timestamp};
use super::wire::{DigestName, SignatureName, Usage};
use super::*;
use crate::crypto::{DigestAlgorithm, MacKey, NewKey, SignatureAlgorithm, SigningKey, SystemRandom, base64, base64url, digest};
use crate::scheme::battery::{self, Outcome, Request, Specimens, built};
use crate::scheme::principal::Asserted;
use crate::scheme::{Continuation, Principal};
use crate::store::{Namespace, Subject};
use crate::token::context::FirstProfile;
use crate::token::jose::cnf::{self, ProofKey};
use crate::token::jose::jwe::{Management, SharedKey};
use crate::token::jose::{Algorithm, IssuingKey, describe};
use crate::token::jwt::{self, StatedHolder, Statement};
use crate::token::swt::{self, SwtKey};
use crate::token::{ClaimsBuilder, calendar};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method};
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

mod contexts;
mod examples;
mod forgeries;
mod freshness;
mod issuer_keys;

/// 2026-06-15.
const NOW: UnixTime = UnixTime::from_seconds(1_781_481_600);
const ISSUER: &str = "https://sts.example";
const ISSUER_SECRET: [u8; 32] = [1; 32];
const STRANGE_SECRET: [u8; 32] = [2; 32];
const SEALING: [u8; 32] = [3; 32];
const RING: [u8; 32] = [4; 32];
const PROOF: [u8; 32] = [5; 32];
const SWT_SECRET: [u8; 32] = [6; 32];

/// Keys and files that take time to make.
struct World {
    folder: tempfile::TempDir,
    partner: SigningKey,
    other_partner: SigningKey,
    certificate: Vec<u8>,
    certified: SigningKey,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let issuer = SigningKey::from_pkcs8_der(&KeyPair::generate().unwrap().serialize_der()).unwrap();
    let secret = base64url::encode(&ISSUER_SECRET);
    let jwks = format!(
        r#"{{"keys":[{{"kty":"oct","k":"{secret}","alg":"HS256","kid":"1"}},{}]}}"#,
        describe(issuer.public(), "2", Some(Algorithm::Es256))
    );
    let (authority, anchor) = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = params("partner").signed_by(&key, &authority).unwrap().der().to_vec();
    for (name, content) in
        [("jwks.json", jwks), ("proof.key", base64::encode(&SEALING)), ("context.key", base64::encode(&RING)), ("ca.pem", anchor)]
    {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    World {
        folder,
        partner: SigningKey::generate(NewKey::P256).unwrap(),
        other_partner: SigningKey::generate(NewKey::Ed25519).unwrap(),
        certificate,
        certified: SigningKey::from_pkcs8_der(&key.serialize_der()).unwrap(),
    }
});

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let (mut params, key) = (params("Root"), KeyPair::generate().unwrap());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let anchor = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), anchor)
}

fn settings() -> Value {
    json!({
        "realm": "orders",
        "token_profiles": {
            "jwt": { "issuer": ISSUER, "audiences": ["orders"], "jwks_file": "jwks.json", "proof_key_file": "proof.key" },
        },
        "token_locations": ["header", "body", "body_form", "body_xml"],
        "context": { "lifetime": "1h", "key_file": "context.key", "allow_cleartext": true },
        "claims": { "role": { "one_of": ["buyer"] } },
    })
}

/// The usual settings with others at some places, as JSON pointers.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut settings = settings();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        settings.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    settings
}

fn all_profiles() -> Value {
    let issuers = json!([{ "name": ISSUER, "key": base64::encode(&SWT_SECRET) }]);
    with(&[
        ("/token_profiles/swt", json!({ "issuers": issuers, "audience": "orders", "proof_key_file": "proof.key", "subject_claim": "sub" })),
        ("/token_profiles/x509v3", json!({ "trust_anchors_file": "ca.pem" })),
        ("/claims", json!({})),
    ])
}

fn build(settings: Value) -> Wssec {
    built(settings, WORLD.folder.path()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn good() -> Statement<'static> {
    Statement {
        token_type: "at+jwt",
        issuer: ISSUER,
        subject: Some("alice"),
        audiences: &["orders"],
        issued: NOW.earlier(60),
        expires: NOW.later(600),
        claims: &[("role", "buyer")],
        holder: StatedHolder::Anyone,
    }
}

fn mint(statement: Statement<'_>) -> Vec<u8> {
    mint_with(statement, &IssuingKey::secret(&ISSUER_SECRET, Algorithm::Hs256).unwrap().named("1"))
}

fn mint_with(statement: Statement<'_>, key: &IssuingKey) -> Vec<u8> {
    jwt::issue(&statement, key).unwrap().as_bytes().to_vec()
}

/// A proof key, sealed for the relying party.
fn sealed(secret: &[u8]) -> String {
    sealed_under(SEALING, secret)
}

fn sealed_under(key: [u8; 32], secret: &[u8]) -> String {
    cnf::seal(secret, &SharedKey::from_octets(&key).unwrap(), Management::Direct, None, &SystemRandom::new()).unwrap().to_string()
}

/// A token whose holder has the secret `PROOF`.
fn bound(statement: Statement<'_>) -> Vec<u8> {
    mint(Statement { holder: StatedHolder::Sealed(&sealed(&PROOF)), ..statement })
}

static TOKEN: LazyLock<Vec<u8>> = LazyLock::new(|| bound(good()));

/// What a request is signed with.
#[derive(Clone, Copy)]
enum Hand<'k> {
    Secret(&'k [u8]),
    Private(&'k SigningKey),
}

impl Hand<'_> {
    fn sign(self, algorithm: SignatureName, message: &[u8]) -> Vec<u8> {
        let mac = |hash, secret| MacKey::new(hash, secret).sign(message).as_ref().to_vec();
        match (self, algorithm) {
            (Self::Secret(secret), SignatureName::HmacSha512) => mac(DigestAlgorithm::Sha512, secret),
            (Self::Secret(secret), SignatureName::HmacSha1) => mac(DigestAlgorithm::Sha1, secret),
            (Self::Secret(secret), _) => mac(DigestAlgorithm::Sha256, secret),
            (Self::Private(key), SignatureName::Ed25519) => key.sign(SignatureAlgorithm::Ed25519, message).unwrap(),
            (Self::Private(key), _) => key.sign(SignatureAlgorithm::EcdsaP256Sha256, message).unwrap(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Fragments(usize),
    Body,
    Form,
    Xml,
}

/// A request to be signed, to be spoiled one part at a time.
#[derive(Clone)]
struct Draft<'k> {
    method: Method,
    target: &'static str,
    host: &'static str,
    /// The field `Authorization`; none where it is empty.
    stated: &'static str,
    place: Place,
    token: Vec<u8>,
    hand: Hand<'k>,
    usage: Usage,
    algorithm: SignatureName,
    nonce: String,
    timestamp: String,
    /// What the digest covers; everything that it must where nothing is said.
    covered: Option<Vec<&'static str>>,
    digest: DigestName,
    extra: Vec<(&'static str, &'static str)>,
    content: Vec<u8>,
}

fn fresh_nonce() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{:016}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn text_of(time: UnixTime) -> String {
    calendar::utc_text(time).unwrap()
}

/// A POST with content, signed as it must be.
fn draft() -> Draft<'static> {
    Draft {
        method: Method::POST,
        target: "/orders?x=1",
        host: "rp.example.com",
        stated: "WSSEC realm=\"orders\", profile=\"jwt\"",
        place: Place::Header,
        token: TOKEN.clone(),
        hand: Hand::Secret(&PROOF),
        usage: Usage::Message,
        algorithm: SignatureName::HmacSha256,
        nonce: fresh_nonce(),
        timestamp: text_of(NOW),
        covered: None,
        digest: DigestName::Sha256,
        extra: vec![],
        content: b"{\"order\":42}".to_vec(),
    }
}

/// A GET without content, of which only the head is signed.
fn fetching() -> Draft<'static> {
    Draft { method: Method::GET, usage: Usage::Auth, content: vec![], ..draft() }
}

fn name(name: &str) -> HeaderName {
    name.parse().unwrap()
}

impl Draft<'_> {
    /// The request without digest and signature.
    fn unsigned(&self) -> Request {
        let mut request = Request::default().method(self.method.clone()).received(self.target, self.host);
        if !self.stated.is_empty() {
            request = request.field(AUTHORIZATION, self.stated);
        }
        for (extra, value) in &self.extra {
            request = request.field(name(extra), value);
        }
        let text = base64::encode(&self.token);
        let located = |request: Request, location: &str| request.field(name("x-wss-tokenloc"), location);
        match self.place {
            Place::Header | Place::Fragments(_) if !self.content.is_empty() => {
                request = request.field(CONTENT_TYPE, "application/json").content(&self.content);
            }
            Place::Header | Place::Fragments(_) | Place::Body => {}
            Place::Form => request = request.form(format!("a=1&token={}&b=2", text.replace('+', "%2B").replace('=', "%3d"))),
            Place::Xml => request = request.field(CONTENT_TYPE, "text/xml").content(format!("<o><t> {text}\n</t><x/></o>")),
        }
        match self.place {
            Place::Header => located(request, "location=header").field(name("x-wss-token1"), text),
            Place::Fragments(size) => {
                let parts: Vec<_> = text.as_bytes().chunks(size).collect();
                let request = located(request, &format!("location=header, frags={}, fragsize={size}", parts.len()));
                let numbered = parts.into_iter().enumerate().rev();
                numbered.fold(request, |request, (number, part)| request.field(name(&format!("x-wss-token{}", number + 1)), part))
            }
            Place::Body => located(request, "location=body").content(&self.token),
            Place::Form => located(request, "location=body-form, field=\"token\""),
            Place::Xml => located(request, "location=body-xml, querytype=xpath, query=\"/o/t\""),
        }
    }

    fn covered(&self, fields: &HeaderMap) -> String {
        let mut names: Vec<_> = match &self.covered {
            Some(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            None => fields.keys().map(|name| name.as_str().to_owned()).filter(|name| name != "host").collect(),
        };
        names.sort_unstable();
        names.join(" ")
    }

    /// The fields of digest and signature for a request, whatever became of it.
    fn signatures(&self, fields: &HeaderMap, content: &[u8]) -> (Option<String>, String) {
        let covered = self.covered(fields);
        let covered = if covered.is_empty() { Covered::default() } else { Covered::read(&covered).unwrap() };
        let value = digest_of(self.digest, &covered, fields, content);
        let field = DigestField { algorithm: self.digest, value: &value, covered };
        let scope = if self.usage == Usage::Message { Scope::Message(&field) } else { Scope::Auth };
        (matches!(scope, Scope::Message(_)).then(|| field.to_string()), self.security(scope))
    }

    fn security(&self, scope: Scope<'_>) -> String {
        let mut input = Vec::new();
        SignatureInput {
            method: self.method.as_str(),
            path_and_query: self.target,
            host: self.host,
            algorithm: self.algorithm,
            nonce: &self.nonce,
            timestamp: &self.timestamp,
            token_hash: &TokenHash::of(&self.token),
            scope,
        }
        .write(&mut input);
        let signature = base64::encode(&self.hand.sign(self.algorithm, &input));
        let timestamp = Timestamp { time: NOW, text: &self.timestamp };
        let (usage, algorithm, nonce) = (self.usage, self.algorithm, self.nonce.as_str());
        Security { usage, algorithm, nonce, timestamp, signature: &signature }.to_string()
    }

    /// The request as its holder sends it.
    fn request(&self) -> Request {
        let request = self.unsigned();
        let (digest, security) = self.signatures(request.fields(), request.octets());
        let request = request.field(SECURITY, security);
        match digest {
            Some(digest) => request.field(DIGEST, digest),
            None => request,
        }
    }

    /// What becomes of it.
    fn ask(&self, scheme: &Wssec) -> Outcome {
        self.request().ask(scheme, NOW)
    }
}

/// The digest over covered fields that are there; what is not there is passed over, as a forger would.
fn digest_of(algorithm: DigestName, covered: &Covered<'_>, fields: &HeaderMap, content: &[u8]) -> String {
    let mut digested = Vec::new();
    let _ = write_canon(covered, fields, &mut digested);
    digested.extend_from_slice(content);
    let hash = match algorithm {
        DigestName::Sha256 => DigestAlgorithm::Sha256,
        DigestName::Sha512 => DigestAlgorithm::Sha512,
        DigestName::Sha1 => DigestAlgorithm::Sha1,
    };
    base64::encode(digest(hash, &digested).as_ref())
}

const SECURITY: HeaderName = HeaderName::from_static("x-wss-security");
const DIGEST: HeaderName = HeaderName::from_static("x-wss-digest");

/// A request with another text in one of its fields; it must have been there.
fn altered(request: &Request, field: &HeaderName, from: &str, to: &str) -> Request {
    let value = request.fields()[field].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{value}");
    request.clone().without(field).field(field.clone(), value.replacen(from, to, 1))
}

fn scheme() -> Wssec {
    build(settings())
}

fn reason(request: &Request, scheme: &Wssec) -> String {
    request.ask(scheme, NOW).reason().to_owned()
}

struct WssecSpecimens;

impl Specimens for WssecSpecimens {
    type Scheme = Wssec;
    const NOW: UnixTime = NOW;

    fn scheme() -> Wssec {
        build(settings())
    }

    fn token() -> Vec<u8> {
        TOKEN.clone()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        let places = [Place::Header, Place::Fragments(64), Place::Body, Place::Form, Place::Xml];
        places.map(|place| Draft { place, token: token.to_vec(), ..draft() }.request()).to_vec()
    }

    fn carried_late(now: UnixTime) -> Request {
        Draft { timestamp: text_of(now), ..draft() }.request()
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let of = |token| Draft { token, ..draft() }.request();
        let key = |secret: &[u8], id| IssuingKey::secret(secret, Algorithm::Hs256).unwrap().named(id);
        let holder = sealed(&PROOF);
        let holder = StatedHolder::Sealed(&holder);
        let foreign = sealed_under([9; 32], &PROOF);
        let large = "x".repeat(49 * 1024);
        let repeated = |field: &str| {
            let request = draft().request();
            let value = request.fields()[field].clone();
            request.field(name(field), value)
        };
        vec![
            ("over this second", of(bound(Statement { expires: NOW, ..good() })), "expired"),
            ("made in the future", of(bound(Statement { issued: NOW.later(1), ..good() })), "not_yet"),
            ("unknown issuer", of(bound(Statement { issuer: "https://sts.example/", ..good() })), "issuer_untrusted"),
            ("other audience", of(bound(Statement { audiences: &["order", "orders2"], ..good() })), "audience_mismatch"),
            ("without a claim", of(bound(Statement { claims: &[], ..good() })), "claim_missing"),
            ("with another claim", of(bound(Statement { claims: &[("role", "buyers")], ..good() })), "claim_mismatch"),
            ("of another type", of(bound(Statement { token_type: "dpop+jwt", ..good() })), "token_type_refused"),
            ("strange key", of(mint_with(Statement { holder, ..good() }, &key(&STRANGE_SECRET, "1"))), "signature_invalid"),
            ("unknown key", of(mint_with(Statement { holder, ..good() }, &key(&ISSUER_SECRET, "3"))), "key_unknown"),
            ("key of another algorithm", of(mint_with(Statement { holder, ..good() }, &key(&ISSUER_SECRET, "2"))), "algorithm_refused"),
            ("nobody's token", of(mint(good())), "holder_key_missing"),
            ("key sealed for others", of(mint(Statement { holder: StatedHolder::Sealed(&foreign), ..good() })), "holder_key_unusable"),
            ("no token at all", of(b"x".to_vec()), "token_syntax"),
            ("no text", of(vec![0xff, 0xfe]), "token_syntax"),
            ("without signature by the issuer", of(b"eyJhbGciOiJub25lIn0.e30.".to_vec()), "token_syntax"),
            (
                "oversize",
                Draft { place: Place::Fragments(4096), token: bound(Statement { claims: &[("role", &large)], ..good() }), ..draft() }
                    .request(),
                "token_too_large",
            ),
            ("other secret", Draft { hand: Hand::Secret(&STRANGE_SECRET), ..draft() }.request(), "holder_signature_invalid"),
            ("without signature", draft().request().without(&SECURITY), "proof_missing"),
            ("Authorization twice", repeated("authorization"), "field_repeated"),
            ("beside other credentials", draft().request().field(AUTHORIZATION, "Basic eDp5"), "field_repeated"),
            ("location twice", repeated("x-wss-tokenloc"), "field_repeated"),
            ("signature twice", repeated("x-wss-security"), "field_repeated"),
            ("digest twice", repeated("x-wss-digest"), "field_repeated"),
            ("token twice", repeated("x-wss-token1"), "fragment_repeated"),
            ("content type twice", repeated("content-type"), "covered_field_repeated"),
        ]
    }

    fn secrets() -> Vec<String> {
        let token = String::from_utf8(TOKEN.clone()).unwrap();
        let mut secrets: Vec<_> = token.split('.').map(str::to_owned).collect();
        secrets.extend([ISSUER_SECRET, SEALING, RING, PROOF].iter().flat_map(|key| [base64::encode(key), base64url::encode(key)]));
        secrets.extend(["buyer".to_owned(), "sigval".to_owned(), format!("{PROOF:?}"), format!("{ISSUER_SECRET:?}")]);
        secrets
    }

    fn is_same_token(one: &[u8], other: &[u8]) -> bool {
        one == other
    }
}

#[test]
fn the_battery_holds() {
    battery::run::<WssecSpecimens>();
}
