//! OAuth WRAP with Simple Web Tokens: where a token may stand, what it must say, what becomes of it.

use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::tokens::{AUDIENCE, FOREIGN_KEY, ISSUER, KEY, PREVIOUS_KEY};
use crate::support::{Config, Gateway, RawClient, Token, Upstream, raw};
use portcullis::clock::{self, UnixTime};
use portcullis::crypto::sha256;
use portcullis::token::swt::{Statement, SwtKey, issue};
use serde_json::Value;

const FORM: &str = "application/x-www-form-urlencoded";
/// The largest form that is searched (64 KiB).
const MOST: usize = 65_536;

/// A gateway that takes tokens from everywhere, and the backend behind it.
struct Scene {
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    async fn new() -> Self {
        Self::with("").await
    }

    /// With further settings of the scheme, each line indented by six spaces.
    async fn with(settings: &str) -> Self {
        let audience = if settings.contains("audience") { "" } else { "      audience: \"{audience}\"\n" };
        let config = format!(
            "schemes:\n  bartender:\n    wrap:\n      issuers: [{{ name: \"{{issuer}}\", key_file: \"{{keys}}/bouncer.b64\", \
             previous_key_file: \"{{keys}}/previous.b64\" }}]\n{audience}      accept: [header, bearer, query, form]\n{settings}\
             upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n\
             routes:\n  - name: bartender\n    match: {{ path: /bartender/ }}\n    authenticate: bartender\n    upstream: bar\n    \
             identity: {{ preset: auth-request }}\n"
        );
        let upstream = Upstream::start().await;
        let gateway = Config::new(&config).upstream(&upstream).start().await;
        Self { gateway, upstream }
    }

    async fn fetch(&self, target: &str, lines: &str) -> Message {
        raw::fetch(self.gateway.address(), target, lines).await
    }

    async fn ask(&self, octets: impl AsRef<[u8]>) -> Message {
        raw::ask(self.gateway.address(), octets).await
    }

    /// Posts a form with further lines.
    async fn post(&self, target: &str, lines: &str, form: &str) -> Message {
        self.ask(posting(target, lines, form)).await
    }

    /// The last request that the backend got.
    fn last(&self) -> Message {
        self.upstream.requests().pop().expect("a request at the backend")
    }

    /// A request with this `Authorization` value must reach the backend as alice's, without the field.
    async fn admits_field(&self, value: &str) {
        let before = self.upstream.requests().len();
        let answer = self.fetch("/bartender/menu", &format!("Authorization: {value}\r\n")).await;
        assert_eq!(answer.status(), 200, "{value}");
        assert_eq!(self.upstream.requests().len(), before + 1, "{value}");
        assert_eq!(self.last().field("x-auth-request-user"), Some("alice"), "{value}");
        assert!(!self.last().mentions("authorization"), "{value}");
    }

    /// A token must be refused with 401 for this reason; the audit line.
    async fn refuses(&self, token: &str, reason: &str) -> Value {
        let answer = self.fetch("/bartender/menu", &format!("Authorization: WRAP access_token=\"{token}\"\r\n")).await;
        assert_eq!((answer.status(), answer.field("www-authenticate")), (401, Some("WRAP")), "{reason}");
        assert_eq!(answer.text(), "Unauthorized\n", "the caller learns no more than the standard phrase");
        self.upstream.assert_untouched();
        self.gateway.denial(reason).await
    }

    /// Nothing of a token may stand in any line of the logs or in the metrics.
    async fn says_nothing_of(&self, token: &str) {
        let (text, mac) = token.split_once("&HMACSHA256=").unwrap();
        let mac = mac.trim_end_matches("%3D");
        let secrets = [text.to_owned(), escape(text), mac.to_owned(), escape(mac), mac[..16].to_owned()];
        let metrics = self.gateway.metrics().await;
        for place in self.gateway.log_lines().iter().chain([&metrics]) {
            for secret in &secrets {
                assert!(!place.contains(secret.as_str()), "{secret} stands in {place}");
            }
        }
    }
}

fn posting(target: &str, lines: &str, form: &str) -> String {
    let length = form.len();
    format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n{lines}\r\n{form}")
}

/// Escapes everything that is neither letter nor digit.
fn escape(text: &str) -> String {
    text.bytes().map(|octet| if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("%{octet:02x}") }).collect()
}

/// The same with the digits of escapes in upper case.
fn upper(escaped: &str) -> String {
    let mut pieces = escaped.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |whole, piece| format!("{whole}%{}{}", piece[..2].to_uppercase(), &piece[2..]))
}

fn alice() -> String {
    Token::of("alice").mint()
}

/// What the logs call a token.
fn fingerprint(token: &str) -> String {
    sha256(token.as_bytes())[..8].iter().map(|octet| format!("{octet:02x}")).collect()
}

#[tokio::test]
async fn a_token_in_the_authorization_field_is_taken_quoted_bare_and_escaped() {
    let scene = Scene::new().await;
    let token = alice();
    scene.admits_field(&format!("WRAP access_token=\"{token}\"")).await;
    scene.admits_field(&format!("WRAP access_token={token}")).await;
    scene.admits_field(&format!("wrap  access_token = \"{token}\"")).await;
    scene.admits_field(&format!("WRAP access_token=\"{}\"", escape(&token))).await;
    scene.admits_field(&format!("WRAP access_token={}", upper(&escape(&token)))).await;
}

#[tokio::test]
async fn a_bearer_token_is_taken_where_the_scheme_accepts_it() {
    let scene = Scene::new().await;
    scene.admits_field(&format!("Bearer {}", alice())).await;
    let header_only = Upstream::start().await;
    let gateway = Config::bar("").upstream(&header_only).start().await;
    let answer = raw::fetch(gateway.address(), "/bartender/", &format!("Authorization: Bearer {}\r\n", alice())).await;
    assert_eq!(answer.status(), 401);
    header_only.assert_untouched();
}

#[tokio::test]
async fn a_token_in_the_query_is_taken_under_both_names_and_leaves_every_other_octet_alone() {
    let scene = Scene::new().await;
    let token = escape(&alice());
    for name in ["wrap_access_token", "access_token", "wrap%5Faccess_token"] {
        let cases = [
            (format!("a=1&{name}={token}&b=%20+%2f%2F&&c"), "?a=1&b=%20+%2f%2F&&c"),
            (format!("{name}={token}"), ""),
            (format!("z=%C3%A9;y&{name}={token}"), "?z=%C3%A9;y"),
        ];
        for (query, left) in cases {
            let answer = scene.fetch(&format!("/bartender/menu?{query}"), "").await;
            assert_eq!(answer.status(), 200, "{query}");
            assert_eq!(scene.last().target(), format!("/bartender/menu{left}"), "{query}");
            assert_eq!(scene.last().field("x-auth-request-user"), Some("alice"));
        }
    }
    scene.says_nothing_of(&alice()).await;
}

#[tokio::test]
async fn a_token_in_a_form_is_taken_under_both_names_and_the_content_goes_on_octet_for_octet() {
    let scene = Scene::new().await;
    for name in ["wrap_access_token", "access_token"] {
        let form = format!("drink=a%20b+c&{name}={}&&x=%c3%A9&empty=", escape(&alice()));
        let answer = scene.post("/bartender/order?table=7", "", &form).await;
        assert_eq!(answer.status(), 200, "{name}");
        let request = scene.last();
        assert_eq!((request.method(), request.target()), ("POST", "/bartender/order?table=7"));
        assert_eq!((request.text(), request.field("content-type")), (form, Some(FORM)), "{name}");
        assert_eq!(request.field("x-auth-request-user"), Some("alice"));
    }
    scene.says_nothing_of(&alice()).await;
}

#[tokio::test]
async fn a_form_without_a_token_or_of_another_type_is_refused() {
    let scene = Scene::new().await;
    assert_eq!(scene.post("/bartender/order", "", "drink=beer").await.status(), 401);
    let form = format!("wrap_access_token={}", escape(&alice()));
    let length = form.len();
    let other =
        format!("POST /bartender/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{form}");
    assert_eq!(scene.ask(other).await.status(), 401);
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn a_token_goes_on_where_the_scheme_keeps_it() {
    let scene = Scene::with("      forward_token: keep\n").await;
    let credential = Token::of("alice").credential();
    assert_eq!(scene.fetch("/bartender/", &format!("Authorization: {credential}\r\n")).await.status(), 200);
    assert_eq!(scene.last().field("authorization"), Some(credential.as_str()));
    let target = format!("/bartender/?a=1&wrap_access_token={}", escape(&alice()));
    assert_eq!(scene.fetch(&target, "").await.status(), 200);
    assert_eq!(scene.last().target(), target);
}

#[tokio::test]
async fn more_than_one_token_is_a_bad_request() {
    let scene = Scene::new().await;
    let (token, escaped) = (alice(), escape(&alice()));
    let field = format!("Authorization: WRAP access_token=\"{token}\"\r\n");
    let targets = [
        format!("/bartender/?wrap_access_token={escaped}&wrap_access_token={escaped}"),
        format!("/bartender/?wrap_access_token={escaped}&access_token={escaped}"),
    ];
    for target in targets {
        assert_eq!(scene.fetch(&target, "").await.status(), 400);
    }
    assert_eq!(scene.fetch(&format!("/bartender/?wrap_access_token={escaped}"), &field).await.status(), 400);
    assert_eq!(scene.post("/bartender/", &field, &format!("access_token={escaped}")).await.status(), 400);
    let form = format!("wrap_access_token={escaped}");
    assert_eq!(scene.post(&format!("/bartender/?{form}"), "", &form).await.status(), 400);
    assert_eq!(scene.post("/bartender/", "", &format!("{form}&{form}")).await.status(), 400);
    scene.gateway.denial("several_tokens").await;
    assert_eq!(scene.fetch("/bartender/", &format!("{field}{field}")).await.status(), 400);
    scene.gateway.denial("field_repeated").await;
    scene.upstream.assert_untouched();
    scene.says_nothing_of(&token).await;
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_with_the_exact_reason_in_the_audit_log_only() {
    let scene = Scene::new().await;
    let good = alice();
    let mut without_expiry = Statement { claims: &[], issuer: ISSUER, audience: Some(AUDIENCE), expires: None };
    let unending = issue(&without_expiry, &SwtKey::from_octets(&KEY).unwrap()).unwrap().to_string();
    (without_expiry.audience, without_expiry.expires) = (None, Some(UnixTime::from_seconds(clock::now().seconds() + 600)));
    let for_nobody = issue(&without_expiry, &SwtKey::from_octets(&KEY).unwrap()).unwrap().to_string();
    let cases = [
        (Token::of("alice").expires_in(-1).mint(), "expired"),
        (Token::of("alice").issuer("https://elsewhere.example/").mint(), "issuer_untrusted"),
        (Token::of("alice").audience("http://localhost/bartender2").mint(), "audience_mismatch"),
        (Token::of("alice").audience("http://localhost/bartender/below").mint(), "audience_mismatch"),
        (Token::of("alice").key(FOREIGN_KEY).mint(), "signature_invalid"),
        (good.replace("alice", "mallory"), "signature_invalid"),
        (unending, "claim_missing"),
        (for_nobody, "claim_missing"),
    ];
    for (token, reason) in &cases {
        scene.refuses(token, reason).await;
        let named = |event: &Value| event["verdict"] == "denied" && event["token"] == fingerprint(token).as_str();
        let event = scene.gateway.audit_line(named).await;
        assert_eq!((&event["reason"], &event["auth_scheme"]), (&Value::from(*reason), &Value::from("bartender")));
    }
    let untrusted = scene.gateway.denial("issuer_untrusted").await;
    assert_eq!((&untrusted["expected"], untrusted.get("found")), (&ISSUER.into(), None), "nobody proved to have written it");
    let mismatch = scene.gateway.denial("audience_mismatch").await;
    assert_eq!((&mismatch["expected"], &mismatch["found"]), (&AUDIENCE.into(), &"http://localhost/bartender2".into()));
    for (token, _) in &cases {
        scene.says_nothing_of(token).await;
    }
    let counted = "portcullis_auth_decisions_total{route=\"bartender\",scheme=\"bartender\",outcome=\"rejected\",\
                   reason=\"expired\",mode=\"enforce\"}";
    scene.gateway.metric_becomes(counted, 1.0).await;
}

#[tokio::test]
async fn a_request_without_a_token_is_told_what_to_send() {
    let scene = Scene::new().await;
    let answer = scene.fetch("/bartender/", "").await;
    assert_eq!((answer.status(), answer.field("www-authenticate")), (401, Some("WRAP")));
    let event = scene.gateway.denial("credential_missing").await;
    assert!(event.get("token").is_none(), "{event}");
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn an_admitted_request_is_audited_with_the_fingerprint_and_never_the_token() {
    let scene = Scene::new().await;
    let token = alice();
    scene.admits_field(&format!("WRAP access_token=\"{token}\"")).await;
    let line = scene.gateway.access_line(|line| line["status"] == 200).await;
    assert_eq!((line["token"].as_str(), line["subject"].as_str()), (Some(fingerprint(&token).as_str()), Some("alice")));
    let event = scene.gateway.audit_line(|event| event["verdict"] == "admitted").await;
    assert_eq!(event["issuer"], ISSUER);
    scene.says_nothing_of(&token).await;
}

#[tokio::test]
async fn a_token_of_the_previous_key_holds_too() {
    let scene = Scene::new().await;
    let token = Token::of("alice").key(PREVIOUS_KEY).mint();
    scene.admits_field(&format!("WRAP access_token=\"{token}\"")).await;
}

#[tokio::test]
async fn the_leeway_admits_a_token_that_ended_just_now() {
    let scene = Scene::with("      leeway: 5m\n").await;
    let ended = Token::of("alice").expires_in(-120).mint();
    scene.admits_field(&format!("WRAP access_token=\"{ended}\"")).await;
    let over = Token::of("alice").expires_in(-301).mint();
    let answer = scene.fetch("/bartender/", &format!("Authorization: WRAP access_token=\"{over}\"\r\n")).await;
    assert_eq!(answer.status(), 401);
    scene.gateway.denial("expired").await;
}

#[tokio::test]
async fn required_claims_and_the_age_rule_decide() {
    let claims = "      claims:\n        Birthdate: { age_at_least: 21 }\n        Role: { one_of: [patron, owner] }\n        Visits: { at_least: 3 }\n";
    let scene = Scene::with(claims).await;
    let token = |born: &str, role: &str, visits: &str| {
        Token::of("alice").claim("Birthdate", born).claim("Role", role).claim("Visits", visits).mint()
    };
    let event = scene.refuses(&Token::of("alice").mint(), "claim_missing").await;
    assert_eq!(event["claim"], "Birthdate");
    let event = scene.refuses(&token("2020-01-01T00:00:00", "patron", "3"), "claim_mismatch").await;
    assert_eq!(event["claim"], "Birthdate");
    scene.refuses(&token("1979-05-25", "guest,patrons", "3"), "claim_mismatch").await;
    scene.gateway.audit_line(|event| event["reason"] == "claim_mismatch" && event["claim"] == "Role").await;
    scene.refuses(&token("1979-05-25", "patron", "2"), "claim_mismatch").await;
    scene.gateway.audit_line(|event| event["reason"] == "claim_mismatch" && event["claim"] == "Visits").await;
    scene.admits_field(&format!("WRAP access_token=\"{}\"", token("1979-05-25T00:00:00", "guest,owner", "3"))).await;
}

#[tokio::test]
async fn audiences_compare_as_acs_did_where_the_scheme_says_so() {
    let scene = Scene::with("      audience: http://bar.example/bartender\n      audience_match: acs\n").await;
    let of = |audience: &str| Token::of("alice").audience(audience).mint();
    for audience in
        ["https://bar.example/bartender", "http://BAR.example:80/bartender/", "https://bar.example:443/bartender/x?api-version=1"]
    {
        scene.admits_field(&format!("WRAP access_token=\"{}\"", of(audience))).await;
    }
    for audience in
        ["http://bar.example/", "http://bar.example/bartender2", "http://bar.example:8080/bartender", "http://other.example/bartender"]
    {
        let before = scene.upstream.requests().len();
        let answer = scene.fetch("/bartender/", &format!("Authorization: WRAP access_token=\"{}\"\r\n", of(audience))).await;
        assert_eq!((answer.status(), scene.upstream.requests().len()), (401, before), "{audience}");
    }
    scene.gateway.denial("audience_mismatch").await;
}

#[tokio::test]
async fn an_expected_continue_is_answered_before_a_form_is_read() {
    let scene = Scene::new().await;
    let form = format!("a=1&wrap_access_token={}", escape(&alice()));
    let (length, mut client) = (form.len(), RawClient::connect(scene.gateway.address()).await);
    let head = format!(
        "POST /bartender/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    client.send(head).await;
    assert_eq!(client.next_answer().await.unwrap().status(), 100);
    scene.upstream.assert_untouched();
    client.send(&form).await;
    assert_eq!(client.next_answer().await.unwrap().status(), 200);
    assert_eq!((scene.last().text(), scene.last().mentions("expect")), (form, false));
}

#[tokio::test]
async fn an_expected_continue_of_a_form_that_is_too_large_is_refused_unread() {
    let scene = Scene::new().await;
    let mut client = RawClient::connect(scene.gateway.address()).await;
    let length = MOST + 1;
    let head = format!(
        "POST /bartender/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    client.send(head).await;
    assert_eq!(client.next_answer().await.unwrap().status(), 413);
    scene.upstream.assert_untouched();
}

/// A form with a token, of exactly so many octets, the token at its end.
fn form_of(octets: usize) -> String {
    let token = format!("&wrap_access_token={}", escape(&alice()));
    format!("pad={}{token}", "x".repeat(octets - token.len() - 4))
}

/// What must become of a form of this size: it goes on whole, or it is refused and nothing goes on.
async fn is_right_for(scene: &Scene, octets: usize, form: &str, status: u16, by: &str) {
    if octets <= MOST {
        assert_eq!(status, 200, "{octets} {by}");
        let request = scene.last();
        assert!(request.text() == form, "{octets} {by}: the backend got {} octets", request.content.len());
    } else {
        assert_eq!(status, 413, "{octets} {by}");
        scene.upstream.assert_untouched();
    }
}

#[tokio::test]
async fn forms_up_to_64_kib_pass_whole_and_larger_ones_do_not_with_a_stated_length() {
    for octets in [MOST - 1, MOST, MOST + 1] {
        let (scene, form) = (Scene::new().await, form_of(octets));
        let answer = scene.post("/bartender/", "", &form).await;
        is_right_for(&scene, octets, &form, answer.status(), "with Content-Length").await;
    }
}

#[tokio::test]
async fn forms_up_to_64_kib_pass_whole_and_larger_ones_do_not_in_chunks() {
    for octets in [MOST - 1, MOST, MOST + 1] {
        for size in [1_000, 16_384, MOST + 1] {
            let (scene, form) = (Scene::new().await, form_of(octets));
            let mut octets_sent =
                format!("POST /bartender/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n");
            for chunk in form.as_bytes().chunks(size) {
                octets_sent += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap());
            }
            let answer = scene.ask(octets_sent + "0\r\n\r\n").await;
            is_right_for(&scene, octets, &form, answer.status(), &format!("in chunks of {size}")).await;
        }
    }
}

#[tokio::test]
async fn forms_up_to_64_kib_pass_whole_and_larger_ones_do_not_over_http2() {
    for octets in [MOST - 1, MOST, MOST + 1] {
        let length = octets.to_string();
        for fields in [&[("content-type", FORM), ("content-length", &length)][..], &[("content-type", FORM)]] {
            let (scene, form) = (Scene::new().await, form_of(octets));
            let mut client = Http2Client::connect(scene.gateway.address()).await;
            let answer = client.ask("POST", "http://localhost/bartender/", fields, form.as_bytes(), &[]).await.unwrap();
            is_right_for(&scene, octets, &form, answer.status.as_u16(), &format!("over HTTP/2 with {fields:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_smaller_limit_for_forms_holds_too() {
    let scene = Scene::with("      max_form_size: 1KiB\n").await;
    assert_eq!(scene.post("/bartender/", "", &form_of(1_025)).await.status(), 413);
    scene.upstream.assert_untouched();
    assert_eq!(scene.post("/bartender/", "", &form_of(1_024)).await.status(), 200);
}

#[tokio::test]
async fn a_larger_limit_for_forms_holds_too() {
    const LARGE: usize = 3 << 20;
    let scene = Scene::with("      max_form_size: 3MiB\n").await;
    assert_eq!(scene.post("/bartender/", "", &form_of(LARGE + 1)).await.status(), 413);
    scene.upstream.assert_untouched();
    let form = form_of(LARGE);
    assert_eq!(scene.post("/bartender/", "", &form).await.status(), 200);
    assert!(scene.last().text() == form, "the form goes on octet for octet");
}

#[tokio::test]
async fn a_token_that_names_no_subject_passes_without_a_user() {
    let scene = Scene::new().await;
    let answer = scene.fetch("/bartender/", &Token::new().claim("Role", "patron").authorization()).await;
    assert_eq!(answer.status(), 200);
    assert!(!scene.last().mentions("x-auth-request-user"));
    let renamed = Scene::with("      subject_claim: Account\n").await;
    assert_eq!(renamed.fetch("/bartender/", &Token::of("alice").claim("Account", "bob").authorization()).await.status(), 200);
    assert_eq!(renamed.last().field("x-auth-request-user"), Some("bob"));
}
