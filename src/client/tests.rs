//! The requester against the worked examples, and through an exchange whose answers are written here.

use super::*;
use crate::clock::UnixTime;
use crate::crypto::{NewKey, Random, RandomUnavailable, SigningKey, SystemRandom, base64, sha256};
use crate::scheme::wssec::wire::Usage;
use crate::scheme::wssec::wire::canonical::{Scope, SignatureInput, TokenHash};
use crate::scheme::wssec::wire::security::{LONGEST_SIGNATURE, Security};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::collections::BTreeSet;

/// 2009-05-14T12:00:00Z.
const NOW: UnixTime = UnixTime::from_seconds(1_242_302_400);
const URL: &str = "https://rp.example.com/orders?x=1";
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn key() -> HolderKey {
    HolderKey::read(SECRET).unwrap()
}

fn fields(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in list {
        fields.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    fields
}

fn request(method: Method, url: &str, content: &'static [u8]) -> Request {
    Request { method, target: Target::read(url).unwrap(), fields: HeaderMap::new(), content: Content::Octets(content.into()) }
}

/// A requester and the last thing that it sent.
struct Exchange {
    requester: Requester,
    request: Request,
    now: UnixTime,
}

impl Exchange {
    fn new(token: Token, settings: Settings, request: Request) -> Self {
        Self { requester: Requester::new(token, key(), settings), request, now: NOW }
    }

    fn get(url: &str) -> Self {
        Self::new(Token::new("swt", b"the-token"), Settings::default(), request(Method::GET, url, b""))
    }

    fn sign(&mut self) -> Signed {
        self.requester.sign(&self.request, self.now, &SystemRandom::new()).unwrap()
    }

    /// Signs, and answers with these fields.
    fn turn(&mut self, status: u16, answer: &[(&'static str, &str)]) -> (Credential, Lesson) {
        let signed = self.sign();
        (signed.credential, self.answer(&signed, status, answer))
    }

    fn answer(&mut self, signed: &Signed, status: u16, answer: &[(&'static str, &str)]) -> Lesson {
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), fields: &fields(answer) };
        self.requester.learn(&self.request, signed, &answer)
    }
}

const CHALLENGE: (&str, &str) = ("www-authenticate", "WSSEC realm=\"orders\", profile=\"swt\"");

fn grant(token: &[u8]) -> String {
    format!("contexttoken=\"{}\", contexttokensecret=\"{SECRET}\"", base64::encode(token))
}

/// Whether the signature of a request is one by [`key`] over its head.
fn holds(request: &Request, signed: &Signed, token: &[u8]) -> bool {
    let security = Security::read(signed.fields["x-wss-security"].as_bytes()).unwrap();
    let mut input = Vec::new();
    SignatureInput {
        method: request.method.as_str(),
        path_and_query: request.target.path_and_query(),
        host: request.target.host(),
        algorithm: security.algorithm,
        nonce: security.nonce,
        timestamp: security.timestamp.text,
        token_hash: &TokenHash::of(token),
        scope: Scope::Auth,
    }
    .write(&mut input);
    let mut buffer = [0; LONGEST_SIGNATURE];
    key().sign(security.algorithm, &input).unwrap() == security.signature_octets(&mut buffer).unwrap()
}

#[test]
fn the_message_example_comes_out_to_the_octet() {
    let placement = Placement { sole: 16, fragment: 16, ..Placement::default() };
    let mut order = request(Method::POST, URL, b"{\"order\":42}");
    order.fields.insert("content-type", HeaderValue::from_static("application/json"));
    let token = Token::new("saml2", b"<saml:Assertion ID=\"_1\"/>");
    let mut exchange = Exchange::new(token, Settings { placement, ..Settings::default() }, order);
    let challenge = [
        ("www-authenticate", "WSSEC realm=\"orders\", profile=\"saml2\""),
        ("x-wss-authenticate", "sigusage=message, sigalg=hmac-sha256, digestalg=sha-256, nonce=\"bm9uY2UtMDAwMQ==\""),
    ];
    assert_eq!(exchange.turn(401, &challenge), (Credential::Nothing, Lesson::SignAgain));
    let signed = exchange.sign();
    let expected = [
        ("content-type", "application/json"),
        ("authorization", "WSSEC realm=\"orders\", profile=\"saml2\""),
        ("x-wss-tokenloc", "location=header, frags=3, fragsize=16"),
        ("x-wss-token1", "PHNhbWw6QXNzZXJ0"),
        ("x-wss-token2", "aW9uIElEPSJfMSIv"),
        ("x-wss-token3", "Pg=="),
        (
            "x-wss-digest",
            "alg=sha-256, value=\"K0ErNGeemofZVMs0dN0yDEwvg2qNSq5zn/GLy6/qmVQ=\", covered=\"authorization content-type x-wss-token1 x-wss-token2 x-wss-token3 x-wss-tokenloc\"",
        ),
        (
            "x-wss-security",
            "sigusage=message, sigalg=hmac-sha256, nonce=\"bm9uY2UtMDAwMQ==\", timestamp=\"2009-05-14T12:00:00Z\", sigval=\"7UtZmWg2YNyNQoXpI6D97jK4gBZgBK6ARiobs4RUz/E=\"",
        ),
    ];
    let told: Vec<_> = signed.fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(told, expected);
    assert_eq!((signed.credential, signed.added().count()), (Credential::Token, 7));
}

#[test]
fn the_context_example_comes_out_to_the_octet() {
    let mut exchange = Exchange::get(URL);
    exchange.turn(401, &[CHALLENGE]);
    let info = format!("nonce=\"bm9uY2UtMDAwMg==\", {}", grant(b"PORTCULLIS-CONTEXT-EXAMPLE"));
    assert_eq!(exchange.turn(200, &[("x-wss-authinfo", &info)]), (Credential::Token, Lesson::Settled));
    let signed = exchange.sign();
    let expected = [
        ("authorization", "WSSEC realm=\"orders\", profile=\"sct\""),
        ("x-wss-tokenloc", "location=header"),
        ("x-wss-token1", "UE9SVENVTExJUy1DT05URVhULUVYQU1QTEU="),
        (
            "x-wss-security",
            "sigusage=auth, sigalg=hmac-sha256, nonce=\"bm9uY2UtMDAwMg==\", timestamp=\"2009-05-14T12:00:00Z\", sigval=\"s6T9z18fiPijBkuohzg45k6KGgEoZR3S8qGYsTRhmTI=\"",
        ),
    ];
    let told: Vec<_> = signed.fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!((told, signed.credential), (expected.to_vec(), Credential::Context));
}

#[test]
fn an_exchange_goes_from_challenge_to_context_and_back_to_the_token() {
    let mut exchange = Exchange::get(URL);
    assert_eq!(exchange.turn(401, &[CHALLENGE]), (Credential::Nothing, Lesson::SignAgain));
    let signed = exchange.sign();
    assert!(holds(&exchange.request, &signed, b"the-token"));
    assert_eq!(exchange.answer(&signed, 200, &[("x-wss-authinfo", &grant(b"context"))]), Lesson::Settled);
    assert!(exchange.requester.has_context("https://rp.example.com", NOW));
    let signed = exchange.sign();
    assert!(holds(&exchange.request, &signed, b"context"));
    assert_eq!(exchange.answer(&signed, 200, &[]), Lesson::Settled);
    assert_eq!(exchange.turn(401, &[CHALLENGE]), (Credential::Context, Lesson::SignAgain));
    assert!(!exchange.requester.has_context("https://rp.example.com", NOW));
    assert_eq!(exchange.turn(401, &[CHALLENGE]), (Credential::Token, Lesson::Settled));
}

#[test]
fn a_refused_token_is_tried_again_only_where_that_may_help() {
    let mut exchange = Exchange::get(URL);
    exchange.turn(401, &[CHALLENGE]);
    let with_nonce = ("x-wss-authenticate", "nonce=\"bm9uY2UtMDAwMQ==\"");
    assert_eq!(exchange.turn(401, &[CHALLENGE]), (Credential::Token, Lesson::Settled));
    assert_eq!(exchange.turn(401, &[CHALLENGE, with_nonce]), (Credential::Token, Lesson::SignAgain));
    assert_eq!(exchange.turn(401, &[CHALLENGE, ("x-wss-authenticate", "sigusage=message")]).1, Lesson::SignAgain);
    let profile = ("www-authenticate", "WSSEC realm=\"orders\", profile=\"jwt\"");
    assert_eq!(exchange.turn(401, &[profile]).1, Lesson::Helpless(Hindrance::Profile("jwt".into())));
    assert_eq!(exchange.turn(403, &[CHALLENGE]).1, Lesson::Settled);

    let mut made = 0;
    let renewed = RenewedToken::new("swt", move |_| {
        made += 1;
        Ok(Token::new("swt", &[made]))
    });
    exchange.requester = Requester::new(renewed, key(), Settings::default());
    exchange.turn(401, &[CHALLENGE]);
    assert_eq!(exchange.turn(401, &[CHALLENGE]), (Credential::Token, Lesson::SignAgain));
    let signed = exchange.sign();
    assert!(holds(&exchange.request, &signed, &[2]));
}

#[test]
fn nonces_are_used_once_and_own_ones_never_repeat() {
    let mut exchange = Exchange::get(URL);
    exchange.turn(401, &[CHALLENGE, ("x-wss-authenticate", "nonce=\"bm9uY2UtMDAwMQ==\"")]);
    let nonce = |exchange: &mut Exchange| {
        let field = exchange.sign().fields["x-wss-security"].clone();
        Security::read(field.as_bytes()).unwrap().nonce.to_owned()
    };
    assert_eq!(nonce(&mut exchange), "bm9uY2UtMDAwMQ==");
    let own: BTreeSet<String> = (0..100).map(|_| nonce(&mut exchange)).collect();
    assert_eq!(own.len(), 100);
    assert!(own.iter().all(|nonce| nonce.len() == 24));
    exchange.turn(200, &[("x-wss-authinfo", "nonce=\"bm9uY2UtMDAwMg==\"")]);
    assert_eq!(nonce(&mut exchange), "bm9uY2UtMDAwMg==");
}

#[test]
fn contexts_end_with_the_token_that_they_came_from() {
    let mut exchange = Exchange::get(URL);
    exchange.requester = Requester::new(Token::new("swt", b"the-token").due(NOW.later(60)), key(), Settings::default());
    exchange.turn(401, &[CHALLENGE]);
    exchange.turn(200, &[("x-wss-authinfo", &grant(b"context"))]);
    exchange.now = NOW.later(59);
    assert_eq!(exchange.sign().credential, Credential::Context);
    exchange.now = NOW.later(60);
    assert_eq!(exchange.sign().credential, Credential::Token);
    exchange.now = NOW.later(59);
    assert_eq!(exchange.sign().credential, Credential::Token, "what was given up does not come back");
}

#[test]
fn contexts_are_taken_from_answers_that_can_be_trusted() {
    let credential = |url: &str, settings: Settings, status, list: &[(&'static str, &str)]| {
        let mut exchange = Exchange::new(Token::new("swt", b"the-token"), settings, request(Method::GET, url, b""));
        exchange.turn(401, &[CHALLENGE, ("x-wss-authenticate", "sigalg=\"ed25519 hmac-sha256\"")]);
        exchange.turn(status, list);
        exchange.sign().credential
    };
    let (grant, clear) = (grant(b"context"), "http://rp.example.com/");
    let info = ("x-wss-authinfo", &*grant);
    let trusting = || Settings { cleartext: Cleartext::Trusted, ..Settings::default() };
    assert_eq!(credential(URL, Settings::default(), 200, &[info]), Credential::Context);
    assert_eq!(credential(URL, Settings::default(), 404, &[info]), Credential::Context);
    assert_eq!(credential(clear, Settings::default(), 200, &[info]), Credential::Token);
    assert_eq!(credential(clear, trusting(), 200, &[info]), Credential::Context);
    assert_eq!(credential(URL, Settings::default(), 200, &[info, info]), Credential::Token);
    assert_eq!(credential(URL, Settings::default(), 401, &[CHALLENGE, info]), Credential::Token);
    assert_eq!(credential(URL, Settings::default(), 200, &[("x-wss-authinfo", "contexttoken=UENUMQ==")]), Credential::Token);
}

#[test]
fn a_context_that_could_not_be_proved_is_left_aside() {
    let mut exchange = Exchange::get(URL);
    let signing = HolderKey::signing(SigningKey::generate(NewKey::Ed25519).unwrap());
    exchange.requester = Requester::new(Token::new("swt", b"the-token"), signing, Settings::default());
    exchange.turn(401, &[CHALLENGE, ("x-wss-authenticate", "sigalg=ed25519")]);
    exchange.turn(200, &[("x-wss-authinfo", &grant(b"context"))]);
    let signed = exchange.sign();
    assert_eq!(signed.credential, Credential::Token);
    assert!(signed.fields["x-wss-security"].to_str().unwrap().contains("sigalg=ed25519"));
    let before = exchange.sign();
    exchange.answer(&before, 401, &[CHALLENGE, ("x-wss-authenticate", "sigalg=rsa-sha256")]);
    let refused = exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new());
    assert!(matches!(refused, Err(SignFault::SignatureAlgorithm)));
}

#[test]
fn origins_and_realms_are_kept_apart() {
    let mut exchange = Exchange::get(URL);
    exchange.turn(401, &[CHALLENGE]);
    exchange.turn(200, &[("x-wss-authinfo", &grant(b"context"))]);
    for url in ["https://rp.example.com:8443/", "http://rp.example.com/", "https://rp.example.com.evil/"] {
        exchange.request = request(Method::GET, url, b"");
        let signed = exchange.sign();
        assert_eq!((signed.credential, signed.added().count()), (Credential::Nothing, 0), "{url}");
        assert_eq!(exchange.answer(&signed, 200, &[("x-wss-authinfo", &grant(b"context"))]), Lesson::Settled);
        assert_eq!(exchange.sign().credential, Credential::Nothing, "{url}");
    }
    exchange.request = request(Method::GET, URL, b"");
    let shop = ("www-authenticate", "WSSEC realm=\"shop\", profile=\"swt\"");
    assert_eq!(exchange.turn(401, &[shop]), (Credential::Context, Lesson::SignAgain));
    let signed = exchange.sign();
    assert_eq!((signed.credential, &*signed.realm), (Credential::Token, "shop"));
    let only = Settings { realm: "orders".into(), ..Settings::default() };
    exchange.requester = Requester::new(Token::new("swt", b"the-token"), key(), only);
    assert_eq!(exchange.turn(401, &[shop]).1, Lesson::Helpless(Hindrance::Realm("shop".into())));
    assert_eq!(exchange.turn(401, &[shop, CHALLENGE]).1, Lesson::SignAgain);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut exchange = Exchange::get(URL);
    for number in 0..100 {
        exchange.request = request(Method::GET, &format!("https://rp{number}.example/"), b"");
        exchange.turn(401, &[CHALLENGE]);
    }
    assert_eq!(exchange.sign().credential, Credential::Token);
    assert_eq!(format!("{:?}", exchange.requester).matches("spaces: 64").count(), 1);
    exchange.request = request(Method::GET, "https://rp0.example/", b"");
    assert_eq!(exchange.sign().credential, Credential::Nothing);
}

#[test]
fn usage_follows_content_method_and_challenge() {
    let usage = |method: Method, content: &'static [u8], stated: &str| {
        let token = Token::new("swt", b"the-token");
        let mut exchange = Exchange::new(token, Settings::default(), request(method, URL, content));
        exchange.turn(401, &[CHALLENGE, ("x-wss-authenticate", stated)]);
        let signed = exchange.sign();
        let usage = Security::read(signed.fields["x-wss-security"].as_bytes()).unwrap().usage;
        assert_eq!(signed.fields.contains_key("x-wss-digest"), usage == Usage::Message);
        usage
    };
    assert_eq!(usage(Method::GET, b"", "sigusage=auth"), Usage::Auth);
    assert_eq!(usage(Method::GET, b"", "sigusage=message"), Usage::Message);
    assert_eq!(usage(Method::GET, b"x", "sigusage=auth"), Usage::Message);
    assert_eq!(usage(Method::POST, b"", "sigusage=auth"), Usage::Message);
    assert_eq!(usage(Method::DELETE, b"", "digestalg=sha-512"), Usage::Message);
}

#[test]
fn fields_that_are_asked_for_are_covered_beside_the_usual_ones() {
    let mut exchange = Exchange::get(URL);
    exchange.request.method = Method::POST;
    exchange.request.fields = fields(&[("accept", "*/*"), ("x-a", "1"), ("x-b", "2")]);
    exchange.turn(401, &[CHALLENGE, ("x-wss-authenticate", "digestalg=\"sha-1 sha-512\", covered=\"x-a x-absent\"")]);
    let digest = exchange.sign().fields["x-wss-digest"].to_str().unwrap().to_owned();
    assert!(
        digest.starts_with("alg=sha-512, ") && digest.ends_with("covered=\"authorization x-a x-wss-token1 x-wss-tokenloc\""),
        "{digest}"
    );
    exchange.request.fields.append("x-a", HeaderValue::from_static("3"));
    let repeated = exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new());
    assert!(matches!(repeated, Err(SignFault::Covered(_))));
    let before = exchange.request.fields.remove("x-a");
    assert!(before.is_some());
    let signed = exchange.sign();
    exchange.answer(&signed, 401, &[CHALLENGE, ("x-wss-authenticate", "digestalg=sha-1")]);
    let outdated = exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new());
    assert!(matches!(outdated, Err(SignFault::DigestAlgorithm)));
}

#[test]
fn a_large_token_becomes_the_content_of_a_request_without_any() {
    let octets: Vec<u8> = (0..=255).cycle().take(40_000).collect();
    let mut exchange = Exchange::get(URL);
    exchange.request.method = Method::POST;
    exchange.requester = Requester::new(Token::new("swt", &octets), key(), Settings::default());
    exchange.turn(401, &[CHALLENGE]);
    let signed = exchange.sign();
    assert_eq!(signed.fields["x-wss-tokenloc"], "location=body");
    assert!(matches!(&signed.content, Content::Octets(content) if **content == *octets));
    assert!(!signed.fields.contains_key("x-wss-token1"));
    let canon = b"authorization:WSSEC realm=\"orders\", profile=\"swt\"\nx-wss-tokenloc:location=body\n\n";
    let digest = base64::encode(&sha256(&[&canon[..], &octets].concat()));
    assert!(signed.fields["x-wss-digest"].to_str().unwrap().contains(&format!("value=\"{digest}\"")));
    exchange.request.content = Content::Octets("content".into());
    let full = exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new());
    assert!(matches!(full, Err(SignFault::Placement(TokenTooLarge))));
}

#[test]
fn a_request_with_credentials_of_its_own_is_refused() {
    for name in ["authorization", "x-wss-security", "x-wss-token7"] {
        let mut exchange = Exchange::get(URL);
        let taken = |exchange: &mut Exchange| {
            exchange.request.fields = fields(&[(name, "x")]);
            let refused = exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new());
            assert!(matches!(refused, Err(SignFault::FieldTaken(field)) if field == name));
            exchange.request.fields.clear();
        };
        taken(&mut exchange);
        exchange.turn(401, &[CHALLENGE]);
        taken(&mut exchange);
    }
}

#[test]
fn what_cannot_be_signed_says_why() {
    struct Dry;
    impl Random for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
            Err(RandomUnavailable)
        }
    }
    let mut exchange = Exchange::get(URL);
    exchange.requester.assume("https://rp.example.com", Policy::default());
    assert!(matches!(exchange.requester.sign(&exchange.request, NOW, &Dry), Err(SignFault::Random(_))));
    exchange.requester.assume("https://rp.example.com", Policy { realm: "a\nb".into(), ..Policy::default() });
    assert!(matches!(exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new()), Err(SignFault::Characters)));
    let none = RenewedToken::new("swt", |_| Err(TokenUnavailable::new("the issuer is closed")));
    exchange.requester = Requester::new(none, key(), Settings::default());
    exchange.turn(401, &[CHALLENGE]);
    let closed = exchange.requester.sign(&exchange.request, NOW, &SystemRandom::new()).unwrap_err();
    assert_eq!(closed.to_string(), "the issuer is closed");
}

#[test]
fn nothing_prints_a_secret() {
    let mut exchange = Exchange::get(URL);
    exchange.turn(401, &[CHALLENGE]);
    exchange.turn(200, &[("x-wss-authinfo", &grant(b"context"))]);
    let signed = exchange.sign();
    let told = format!("{:?}{signed:?}", exchange.requester);
    assert!(!told.contains(SECRET) && !told.contains(&base64::encode(b"context")) && !told.contains("the-token"), "{told}");
}
