//! The battery for this scheme, and what a token has to do with a connection.

use super::*;
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::scheme::Scheme;
use crate::scheme::battery::{self, Outcome, Request, Specimens, built};
use crate::scheme::bearer::specimens::{self, NOW, WORLD, claiming, folder, good, mint, mint_with, settings};
use crate::token::jwt::{StatedHolder, Statement};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// What stands for certificates: nothing of them is read here.
const OURS: &[u8] = b"a certificate";
const THEIRS: &[u8] = b"another certificate";

fn build(settings: Value) -> Mtls {
    built(settings, folder()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A statement about whoever has a certificate.
fn bound(thumbprint: &[u8; 32]) -> Statement<'_> {
    Statement { holder: StatedHolder::Certificate(thumbprint), ..good() }
}

fn token() -> String {
    mint(&bound(&sha256(OURS)))
}

/// The token without a connection that proves anything.
fn alone(token: impl AsRef<[u8]>) -> Request {
    Request::default().field(AUTHORIZATION, [b"Bearer ", token.as_ref()].concat())
}

fn presented(token: impl AsRef<[u8]>) -> Request {
    alone(token).certificates(&[OURS])
}

struct MtlsSpecimens;

impl Specimens for MtlsSpecimens {
    type Scheme = Mtls;
    const NOW: UnixTime = NOW;

    fn scheme() -> Mtls {
        let mut settings = settings();
        settings["accept"] = json!(["header", "query"]);
        build(settings)
    }

    fn token() -> Vec<u8> {
        token().into_bytes()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        let escaped: String = token.iter().map(|octet| format!("%{octet:02x}")).collect();
        vec![presented(token), Request::default().query(format!("access_token={escaped}")).certificates(&[OURS])]
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let ours = sha256(OURS);
        let of = |statement: Statement<'_>| presented(mint(&statement));
        let key = WORLD.second.public().unwrap();
        let padded = "x".repeat(9000);
        vec![
            ("anybody's", of(good()), "token_unbound"),
            ("no certificate", alone(token()), "certificate_missing"),
            ("another certificate", alone(token()).certificates(&[THEIRS]), "certificate_mismatch"),
            ("the certificate among others", alone(token()).certificates(&[THEIRS, OURS]), "certificate_mismatch"),
            ("bound to a key", of(Statement { holder: StatedHolder::Thumbprint(key), ..good() }), "token_bound"),
            ("with a key in it", of(Statement { holder: StatedHolder::Key(key), ..good() }), "token_bound"),
            ("over", of(Statement { expires: NOW.earlier(30), ..bound(&ours) }), "expired"),
            ("another issuer", of(Statement { issuer: "https://other.example", ..bound(&ours) }), "issuer_untrusted"),
            ("another audience", of(Statement { audiences: &["other"], ..bound(&ours) }), "audience_mismatch"),
            ("another key", presented(mint_with(&bound(&ours), &WORLD.stranger)), "signature_invalid"),
            ("another role", of(Statement { claims: &[("role", "seller")], ..bound(&ours) }), "claim_mismatch"),
            ("oversize", of(Statement { claims: &[("pad", &padded)], ..bound(&ours) }), "token_too_large"),
            ("no token at all", presented("opaque"), "token_syntax"),
        ]
    }

    fn secrets() -> Vec<String> {
        let token = token();
        let (_, signature) = token.rsplit_once('.').unwrap();
        vec![token.clone(), signature.to_owned(), "buyer".to_owned()]
    }

    fn is_same_token(_: &[u8], _: &[u8]) -> bool {
        false
    }
}

#[test]
fn the_battery_holds() {
    battery::run::<MtlsSpecimens>();
}

#[test]
fn a_certificate_without_a_token_brings_no_credential() {
    let scheme = build(settings());
    assert!(matches!(Request::default().certificates(&[OURS]).ask(&scheme, NOW), Outcome::Nothing));
}

#[test]
fn a_remembered_verdict_stays_bound() {
    let (scheme, token) = (build(settings()), token());
    for _ in 0..2 {
        assert_eq!(presented(&token).ask(&scheme, NOW).principal().subject(), Some("alice"));
        assert_eq!(alone(&token).certificates(&[THEIRS]).ask(&scheme, NOW).reason(), "certificate_mismatch");
        assert_eq!(alone(&token).ask(&scheme, NOW).reason(), "certificate_missing");
    }
}

/// RFC 8705 §3.1, with its thumbprint and other certificates than its own.
#[test]
fn a_confirmation_says_one_thing_in_one_way() {
    let scheme = build(settings());
    let with = |cnf: &str| presented(claiming(&format!("cnf={cnf}"))).ask(&scheme, NOW).reason().to_owned();
    let ours = crate::crypto::base64url::encode(&sha256(OURS));
    assert_eq!(with(&format!(r#"{{"x5t#S256":"{ours}"}}"#)), "proved");
    assert_eq!(with(r#"{"x5t#S256":"A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"}"#), "certificate_mismatch");
    for cnf in [
        format!(r#"{{"x5t#S256":"{ours}="}}"#),
        format!(r#"{{"x5t#s256":"{ours}"}}"#),
        format!(r#"{{"x5t#S256":["{ours}"]}}"#),
        format!(r#"{{"x5t#S256":"{ours}","jkt":"{ours}"}}"#),
        format!(r#"{{"x5t#S256":"{}"}}"#, &ours[..42]),
        r#"{"x5t":"r_gIAcNlP6aYsrKkNNbCv6ub7E4"}"#.to_owned(),
        "{}".to_owned(),
    ] {
        assert_eq!(with(&cnf), "token_syntax", "{cnf}");
    }
}

#[test]
fn challenges_are_those_of_bearer_tokens() {
    let mut settings = specimens::settings();
    settings["realm"] = json!("orders");
    let scheme = build(settings);
    let after = |refusal: Option<Refusal>| scheme.challenges(refusal.as_ref(), NOW).remove(0).value;
    assert_eq!(after(None), "Bearer realm=\"orders\"");
    assert_eq!(after(Some(Rejection::CertificateMismatch.into())), "Bearer realm=\"orders\", error=\"invalid_token\"");
}
