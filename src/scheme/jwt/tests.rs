//! The battery for this scheme, and what is particular to it.

use super::*;
use crate::clock::UnixTime;
use crate::crypto::{NewKey, PublicKey, PublicParts, SigningKey};
use crate::scheme::battery::{self, Outcome, Request, Specimens, built, settled};
use crate::scheme::bearer::BearerConfig;
use crate::scheme::bearer::specimens::{self, ISSUER, NOW, SECRET, WORLD, claiming, folder, good, mint, mint_with, secret, signed};
use crate::scheme::{ContentNeed, Malformation, Onward, Received, RequestHead, Scheme};
use crate::setting::{Located, Position};
use crate::token::jose::{Algorithm, IssuingKey};
use crate::token::jwt::{StatedHolder, Statement};
use http::HeaderName;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use proptest::prelude::*;
use serde_json::{Value, json};

const FIELD: HeaderName = HeaderName::from_static("x-access-token");

fn settings() -> Value {
    let mut settings = specimens::settings();
    settings["accept"] = json!(["header", { "field": "X-Access-Token" }, { "cookie": "token" }, "query", "form"]);
    settings
}

fn with(key: &str, value: Value) -> Value {
    let mut settings = settings();
    settings[key] = value;
    settings
}

fn build(settings: Value) -> Jwt {
    built(settings, folder()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn in_header(token: impl AsRef<[u8]>) -> Request {
    Request::default().field(AUTHORIZATION, [b"Bearer ", token.as_ref()].concat())
}

fn reason(settings: Value, token: &str) -> String {
    in_header(token).ask(&build(settings), NOW).reason().to_owned()
}

fn escaped(text: &[u8]) -> String {
    text.iter().map(|octet| format!("%{octet:02x}")).collect()
}

struct JwtSpecimens;

impl Specimens for JwtSpecimens {
    type Scheme = Jwt;
    const NOW: UnixTime = NOW;

    fn scheme() -> Jwt {
        build(settings())
    }

    fn token() -> Vec<u8> {
        mint(&good()).into_bytes()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        vec![
            in_header(token),
            Request::default().field(FIELD, token),
            Request::default().field(COOKIE, [b"a=1; token=", token, b"; b=2"].concat()),
            Request::default().query(format!("a=1&access_token={}", escaped(token))),
            Request::default().form(format!("access_token={}&b=2", escaped(token))),
        ]
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let of = |statement: Statement<'_>| in_header(mint(&statement));
        let padded = "x".repeat(9000);
        vec![
            ("over, with the leeway", of(Statement { expires: NOW.earlier(30), ..good() }), "expired"),
            ("not begun", in_header(claiming("nbf=1700000031")), "not_yet"),
            ("made in the future", of(Statement { issued: NOW.later(31), ..good() }), "not_yet"),
            ("another issuer", of(Statement { issuer: "https://issuer.example/", ..good() }), "issuer_untrusted"),
            ("another audience", of(Statement { audiences: &["Orders", "orders/"], ..good() }), "audience_mismatch"),
            ("no audience", of(Statement { audiences: &[], ..good() }), "claim_missing"),
            ("no issuer", in_header(claiming("iss")), "claim_missing"),
            ("no end", in_header(claiming("exp")), "claim_missing"),
            ("no role", of(Statement { claims: &[], ..good() }), "claim_missing"),
            ("another role", of(Statement { claims: &[("role", "buyers")], ..good() }), "claim_mismatch"),
            ("unknown key", in_header(mint_with(&good(), &specimens::secret(Algorithm::Hs256))), "algorithm_refused"),
            ("unknown name of a key", in_header(signed(r#"{"alg":"ES256","kid":"z"}"#, "{}", &WORLD.issuer)), "key_unknown"),
            ("another key", in_header(mint_with(&good(), &WORLD.stranger)), "signature_invalid"),
            ("another algorithm of the key", in_header(signed(r#"{"alg":"EdDSA","kid":"a"}"#, "{}", &WORLD.issuer)), "algorithm_refused"),
            ("an identity token", of(Statement { token_type: "id_token+jwt", ..good() }), "token_type_refused"),
            ("a bound token", of(Statement { holder: StatedHolder::Thumbprint(holder()), ..good() }), "token_bound"),
            ("oversize", of(Statement { claims: &[("pad", &padded)], ..good() }), "token_too_large"),
            ("no token at all", in_header("opaque"), "token_syntax"),
            ("two names in one query", Request::default().query("access_token=a&access%5ftoken=b"), "several_tokens"),
        ]
    }

    fn secrets() -> Vec<String> {
        let token = mint(&good());
        let (_, signature) = token.rsplit_once('.').unwrap();
        vec![token.clone(), signature.to_owned(), "buyer".to_owned()]
    }

    fn is_same_token(_: &[u8], _: &[u8]) -> bool {
        false
    }
}

fn holder() -> &'static PublicKey {
    WORLD.second.public().unwrap()
}

#[test]
fn the_battery_holds() {
    battery::run::<JwtSpecimens>();
}

#[test]
fn a_proof_tells_who_it_is() {
    let proved = in_header(mint(&good())).ask(&build(settings()), NOW);
    let principal = proved.principal();
    assert_eq!((&**principal.scheme(), principal.issuer(), principal.subject()), ("test", ISSUER, Some("alice")));
    assert_eq!((principal.expires(), principal.claims().value("role")), (NOW.later(600), Some("buyer")));
    let by_role = in_header(mint(&good())).ask(&build(with("subject_claim", json!("role"))), NOW);
    assert_eq!(by_role.principal().subject(), Some("buyer"));
    assert_eq!(in_header(claiming("sub=\"\"")).ask(&build(settings()), NOW).principal().subject(), None);
}

#[test]
fn every_algorithm_is_taken_where_the_key_is_for_it() {
    let token = mint_with(&good(), &WORLD.second);
    assert_eq!(reason(settings(), &token), "proved");
    assert_eq!(reason(with("algorithms", json!(["ES256"])), &token), "algorithm_refused");
    assert_eq!(reason(with("algorithms", json!(["Ed25519"])), &token), "proved");
}

#[test]
fn logs_learn_what_was_expected_of_a_token() {
    let mismatch = |settings, token: &[u8]| {
        let (expected, found) = (String::new(), String::new());
        let outcome = in_header(token).ask(&build(settings), NOW);
        let told = outcome.mismatch();
        (expected + told.0, found + told.1)
    };
    let told = |expected: &str, found: &str| (expected.to_owned(), found.to_owned());
    let typed = mint(&Statement { token_type: "id_token+jwt", ..good() });
    assert_eq!(mismatch(settings(), typed.as_bytes()), told("at+jwt, JWT", "id_token+jwt"));
    let role = mint(&Statement { claims: &[("role", "guest")], ..good() });
    assert_eq!(mismatch(settings(), role.as_bytes()).1, "guest");
    let other = mint_with(&good(), &WORLD.second);
    assert_eq!(mismatch(with("algorithms", json!(["ES256", "PS256"])), other.as_bytes()), told("ES256, PS256", "EdDSA"));
    let unfit = signed(r#"{"alg":"EdDSA","kid":"a"}"#, "{}", &WORLD.issuer);
    assert_eq!(mismatch(settings(), unfit.as_bytes()), told("", "EdDSA"));
    // Nobody has proved to have written this type.
    let stranger = mint_with(&Statement { token_type: "id_token+jwt", ..good() }, &WORLD.stranger);
    assert_eq!(mismatch(settings(), stranger.as_bytes()), told("", ""));
}

#[test]
fn t_62_shared_secrets_count_only_where_they_are_named() {
    let mut named = with("algorithms", json!(["HS256", "HS512", "ES256"]));
    named["jwks_file"] = json!("secret.json");
    let unnamed = with("jwks_file", json!("secret.json"));
    for algorithm in [Algorithm::Hs256, Algorithm::Hs512] {
        assert_eq!(reason(named.clone(), &mint_with(&good(), &secret(algorithm))), "proved");
        assert_eq!(reason(unnamed.clone(), &mint_with(&good(), &secret(algorithm))), "algorithm_refused");
    }
    assert_eq!(reason(named.clone(), &mint_with(&good(), &secret(Algorithm::Hs384))), "algorithm_refused");
    // A secret of its own under the name of the issuer's public key.
    assert_eq!(reason(named, &mint_with(&good(), &secret(Algorithm::Hs256).named("a"))), "algorithm_refused");
}

#[test]
fn t_61_a_public_key_is_no_secret() {
    let mut settings = with("algorithms", json!(["HS256", "HS384", "HS512", "ES256", "EdDSA"]));
    settings["jwks_file"] = json!("secret.json");
    let public = WORLD.issuer.public().unwrap();
    let key = crate::token::jose::describe(public, "a", None);
    let PublicParts::P256 { x, y } = public.parts() else { panic!() };
    let written = [WORLD.public.clone().into_bytes(), key.into_bytes(), [x, y].concat(), vec![7; 64]];
    for octets in written.iter().flat_map(|octets| [octets.len(), 64].map(|end| &octets[..end.min(octets.len())])) {
        let Ok(forger) = IssuingKey::secret(octets, Algorithm::Hs256) else { continue };
        for name in ["a", "b"] {
            let told = reason(settings.clone(), &mint_with(&good(), &IssuingKey::secret(octets, Algorithm::Hs256).unwrap().named(name)));
            assert_eq!(told, "algorithm_refused");
        }
        let unnamed = reason(settings.clone(), &mint_with(&good(), &forger));
        assert_eq!(unnamed, if octets == SECRET { "proved" } else { "signature_invalid" });
    }
}

#[test]
fn a_key_that_nobody_knows_is_named_as_far_as_logs_go() {
    let named = |kid: &str| match in_header(signed(&format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#), "{}", &WORLD.stranger))
        .ask(&build(settings()), NOW)
    {
        Outcome::Refused(refusal) => (refusal.reason(), refusal.key().to_owned()),
        other @ (Outcome::Nothing | Outcome::Proved(_)) => panic!("{}", other.reason()),
    };
    assert_eq!(named("z"), ("key_unknown", "z".to_owned()));
    assert_eq!(named("a\\u0000\\nb"), ("key_unknown", "a\0\nb".to_owned()));
    assert_eq!(named(&"k".repeat(4000)), ("key_unknown", "k".repeat(64)));
    assert_eq!(named(&format!("k{}", "é".repeat(40))), ("key_unknown", format!("k{}", "é".repeat(31))), "no character is cut");
    assert_eq!(named("a"), ("signature_invalid", String::new()));
}

#[test]
fn t_60_t_63_t_64_t_65_the_header_decides_nothing() {
    let payload = r#"{"iss":"https://issuer.example","aud":"orders","exp":1700000600,"role":"buyer"}"#;
    let own = crate::token::jose::describe(WORLD.stranger.public().unwrap(), "a", None);
    for (header, told) in [
        (r#"{"alg":"none"}"#.to_owned(), "token_syntax"),
        (r#"{"alg":"None","kid":"a"}"#.to_owned(), "token_syntax"),
        (r#"{"kid":"a"}"#.to_owned(), "token_syntax"),
        (r#"{"alg":"ES256","enc":"A256GCM","kid":"a"}"#.to_owned(), "signature_invalid"),
        (format!(r#"{{"alg":"ES256","jwk":{own}}}"#), "signature_invalid"),
        (format!(r#"{{"alg":"ES256","kid":"a","jwk":{own}}}"#), "signature_invalid"),
        (r#"{"alg":"ES256","kid":"a","jku":"https://evil.example/jwks","x5u":"https://evil.example/x"}"#.to_owned(), "signature_invalid"),
        (r#"{"alg":"ES256","kid":"../../dev/null"}"#.to_owned(), "key_unknown"),
        (r#"{"alg":"ES256","kid":"' OR 1=1 --"}"#.to_owned(), "key_unknown"),
        (format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "a".repeat(4000)), "key_unknown"),
        (r#"{"alg":"ES256","kid":"a","crit":["exp"]}"#.to_owned(), "token_syntax"),
        (r#"{"alg":"ES256","kid":"a","b64":false}"#.to_owned(), "token_syntax"),
        (r#"{"alg":"ES256","kid":"a","zip":"DEF"}"#.to_owned(), "token_syntax"),
        (r#"{"alg":"ES256","kid":"a","alg":"ES256"}"#.to_owned(), "token_syntax"),
    ] {
        assert_eq!(reason(settings(), &signed(&header, payload, &WORLD.stranger)), told, "{header}");
    }
    let genuine = |header: &str| reason(settings(), &signed(header, payload, &WORLD.issuer));
    assert_eq!(genuine(r#"{"alg":"ES256"}"#), "proved", "no type and no name");
    for header in [r#"{"alg":"ES256","crit":["exp"]}"#, r#"{"alg":"ES256","b64":true}"#, r#"{"alg":"ES256","zip":"DEF"}"#] {
        assert_eq!(genuine(header), "token_syntax", "{header}");
    }
    for typ in ["dpop+jwt", "id_token+jwt", "logout+jwt", "secevent+jwt", "JWE", ""] {
        assert_eq!(genuine(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)), "token_type_refused", "{typ}");
    }
    let genuine_signature = signed(r#"{"alg":"ES256","kid":"a"}"#, payload, &WORLD.issuer);
    let (rest, _) = genuine_signature.rsplit_once('.').unwrap();
    assert_eq!(reason(settings(), &format!("{rest}.")), "signature_invalid", "an empty signature");
    assert_eq!(reason(settings(), ".."), "token_syntax");
}

#[test]
fn types_are_those_that_are_wanted() {
    let of = |token_type| mint(&Statement { token_type, ..good() });
    let wanting = |wanted: &str, token_type| reason(with("token_type", json!(wanted)), &of(token_type));
    assert_eq!(wanting("at+jwt", "AT+JWT"), "proved");
    assert_eq!(wanting("at+jwt", "application/at+jwt"), "proved");
    assert_eq!(wanting("application/at+jwt", "at+jwt"), "proved");
    assert_eq!(wanting("at+jwt", "JWT"), "token_type_refused");
    assert_eq!(wanting("any", "whatever"), "proved");
    assert_eq!(wanting("access_token", "JWT"), "proved");
}

#[test]
fn t_67_times_are_numbers_that_make_sense() {
    for (changes, told) in [
        ("exp=1699999970", "expired"),
        ("exp=1699999971", "proved"),
        ("exp=1700000600.5", "proved"),
        ("exp=\"1700000600\"", "token_syntax"),
        ("exp=null", "token_syntax"),
        ("exp=-1", "token_syntax"),
        ("exp=1e300", "token_syntax"),
        ("exp=9223372036854775808", "token_syntax"),
        ("exp=9223372036854775807", "proved"),
        ("exp=0", "expired"),
        ("exp=[1700000600]", "token_syntax"),
        ("nbf=1700000030", "proved"),
        ("nbf=1700000030.5", "not_yet"),
        ("nbf=99999999999", "not_yet"),
        ("nbf=\"0\"", "token_syntax"),
        ("iat=1700000031", "not_yet"),
        ("iat", "proved"),
    ] {
        assert_eq!(reason(settings(), &claiming(changes)), told, "{changes}");
    }
}

#[test]
fn t_66_issuer_and_audience_are_exact() {
    for (changes, told) in [
        ("iss=\"https://issuer.example/\"", "issuer_untrusted"),
        ("iss=\"https://ISSUER.example\"", "issuer_untrusted"),
        ("iss=[\"https://issuer.example\"]", "token_syntax"),
        ("iss=\"\"", "issuer_untrusted"),
        ("aud=[\"other\",\"orders\"]", "proved"),
        ("aud=\"order\"", "audience_mismatch"),
        ("aud=\"orders \"", "audience_mismatch"),
        ("aud=\"other,orders\"", "audience_mismatch"),
        ("aud=[]", "claim_missing"),
        ("aud=[[\"orders\"]]", "token_syntax"),
        ("aud={\"orders\":1}", "token_syntax"),
    ] {
        assert_eq!(reason(settings(), &claiming(changes)), told, "{changes}");
    }
}

#[test]
fn what_was_expected_is_told_and_what_came_where_somebody_vouches_for_it() {
    let told = |statement: Statement<'_>, key: &IssuingKey| {
        let asked = in_header(mint_with(&statement, key)).ask(&build(settings()), NOW);
        let (expected, found) = asked.mismatch();
        (asked.reason().to_owned(), expected.to_owned(), found.to_owned())
    };
    let (ours, theirs) = ("https://issuer.example", "https://other.example");
    let tell = |reason: &str, expected: &str, found: &str| (reason.to_owned(), expected.to_owned(), found.to_owned());
    let foreign = || Statement { issuer: theirs, ..good() };
    assert_eq!(told(foreign(), &WORLD.issuer), tell("issuer_untrusted", ours, theirs));
    assert_eq!(told(foreign(), &WORLD.stranger), tell("issuer_untrusted", ours, ""), "anybody can have written it");
    let for_others = || Statement { audiences: &["billing", "x"], ..good() };
    assert_eq!(told(for_others(), &WORLD.issuer), tell("audience_mismatch", "orders", "billing,x"));
    assert_eq!(told(for_others(), &WORLD.stranger), tell("signature_invalid", "", ""));
    let long = "é".repeat(1000);
    assert_eq!(told(Statement { audiences: &[&long], ..good() }, &WORLD.issuer).2.len(), 256);
}

#[test]
fn what_may_be_lacking_is_judged_where_it_is_there() {
    let lax = |claim: &str| with("optional_claims", json!([claim]));
    assert_eq!(reason(lax("iss"), &claiming("iss")), "proved");
    assert_eq!(reason(lax("iss"), &claiming("iss=\"other\"")), "issuer_untrusted");
    assert_eq!(reason(lax("aud"), &claiming("aud")), "proved");
    assert_eq!(reason(lax("aud"), &claiming("aud=\"other\"")), "audience_mismatch");
    assert_eq!(reason(lax("exp"), &claiming("exp=1699999970")), "expired");
    assert_eq!(reason(lax("exp"), &claiming("exp;nbf=1700000031")), "not_yet");
    assert_eq!(reason(lax("exp"), &claiming("iss")), "claim_missing");
    let endless = in_header(claiming("exp")).ask(&build(lax("exp")), NOW);
    assert_eq!(endless.principal().expires(), UnixTime::from_seconds(253_402_300_799));
    let mut bounded = lax("exp");
    bounded["max_lifetime"] = json!("5m");
    let scheme = build(bounded);
    let token = in_header(claiming("exp"));
    assert_eq!(token.ask(&scheme, NOW).principal().expires(), UnixTime::from_seconds(1_700_000_240));
    assert_eq!(token.ask(&scheme, NOW.later(269)).reason(), "proved");
    assert_eq!(token.ask(&scheme, NOW.later(270)).reason(), "expired");
}

#[test]
fn a_lifetime_may_be_too_long() {
    let bounded = || with("max_lifetime", json!("11m"));
    assert_eq!(reason(bounded(), &claiming("")), "proved");
    assert_eq!(reason(bounded(), &claiming("exp=1700000601")), "lifetime_too_long");
    assert_eq!(reason(bounded(), &claiming("iat")), "claim_missing");
    assert_eq!(reason(bounded(), &claiming("iat=0")), "claim_missing");
}

#[test]
fn t_68_claims_have_one_reading() {
    let usual = r#"{"iss":"https://issuer.example","aud":"orders","exp":1700000600,"role":"buyer""#;
    let header = r#"{"alg":"ES256"}"#;
    for (payload, told) in [
        (format!("{usual}}}"), "proved"),
        (format!("{usual},\"exp\":1}}"), "token_syntax"),
        (format!("{usual},\"\\u0065xp\":1}}"), "token_syntax"),
        (format!("{usual},\"EXP\":1}}"), "proved"),
        (format!("{usual},\"x\":{{\"a\":1,\"a\":2}}}}"), "token_syntax"),
        (format!("{usual},\"x\":{}1{}}}", "[".repeat(40), "]".repeat(40)), "token_syntax"),
        (format!("[{usual}}}]"), "token_syntax"),
        (format!("{usual}}} x"), "token_syntax"),
        ("\"text\"".to_owned(), "token_syntax"),
        (String::new(), "token_syntax"),
    ] {
        assert_eq!(reason(settings(), &signed(header, &payload, &WORLD.issuer)), told, "{payload}");
    }
    let token = mint(&good());
    for altered in [format!("{token}="), format!("{token}.e30"), format!("{token}."), token.replacen('.', "..", 1)] {
        assert_eq!(reason(settings(), &altered), "token_syntax", "{altered}");
    }
}

#[test]
fn t_90_a_bound_token_is_nobody_elses() {
    for holder in [StatedHolder::Thumbprint(holder()), StatedHolder::Key(holder()), StatedHolder::Certificate(&[7; 32])] {
        let token = mint(&Statement { holder, ..good() });
        let scheme = build(settings());
        for _ in 0..2 {
            assert_eq!(in_header(&token).ask(&scheme, NOW).reason(), "token_bound", "remembered or not");
        }
    }
    assert_eq!(reason(settings(), &claiming("cnf={\"kid\":\"x\"}")), "token_syntax", "bound in a way that is not known");
}

#[test]
fn t_72_there_is_one_token_or_none() {
    let scheme = build(settings());
    let token = mint(&good());
    let told = |request: Request| request.ask(&scheme, NOW).reason().to_owned();
    let field = |value: &str| told(Request::default().field(AUTHORIZATION, value.replace('@', &token)));
    for right in ["Bearer @", "bearer @", "BEARER   @  "] {
        assert_eq!(field(right), "proved", "{right}");
    }
    for wrong in ["Bearer", "Bearer ", "Bearer\t@", "Bearer @ @", "Bearer \"@\"", "Bearer @;", "Bearer é", "Bearer access_token=@"] {
        assert_eq!(field(wrong), "credential_syntax", "{wrong}");
    }
    for several in ["Bearer @, Bearer @", "Bearer @,@", "Bearer ,@", "Bearer @,"] {
        assert_eq!(field(several), "several_tokens", "{several}");
    }
    for other in ["Basic eDp5", "DPoP @", "BearerX @", "Bearer-@", "", "@"] {
        assert_eq!(field(other), "nothing", "{other}");
    }
    assert_eq!(told(in_header(&token).field(AUTHORIZATION, "Basic eDp5")), "field_repeated");
    assert_eq!(told(Request::default().field(FIELD, &token).field(FIELD, &token)), "field_repeated");
    assert_eq!(told(Request::default().field(FIELD, format!("Bearer {token}"))), "proved");
    assert_eq!(told(Request::default().field(FIELD, "")), "credential_syntax");
    assert_eq!(told(Request::default().field(COOKIE, format!("token={token}; token={token}"))), "several_tokens");
    assert_eq!(told(Request::default().field(COOKIE, "a=1").field(COOKIE, format!("token={token}"))), "proved");
    for empty in ["token=", "token=\"\""] {
        assert_eq!(told(Request::default().field(COOKIE, empty)), "credential_syntax", "{empty}");
    }
    for query in ["access_token=", "access_token", "access_token=%zz", "access_token=a%20b"] {
        assert_eq!(told(Request::default().query(query)), "credential_syntax", "{query}");
    }
    assert_eq!(told(Request::default().form("access_token=%zz")), "content_syntax");
    assert_eq!(told(Request::default().query("Access_Token=x")), "nothing");
}

#[test]
fn only_accepted_places_are_read() {
    let token = mint(&good());
    let carried = JwtSpecimens::carried(token.as_bytes());
    let places = [json!("header"), json!({ "field": "X-Access-Token" }), json!({ "cookie": "token" }), json!("query"), json!("form")];
    for (place, accepted) in places.iter().enumerate() {
        let scheme = build(with("accept", json!([accepted])));
        for (other, request) in carried.iter().enumerate() {
            let expected = if place == other { "proved" } else { "nothing" };
            assert_eq!(request.ask(&scheme, NOW).reason(), expected, "{accepted}, {other}");
        }
    }
    let by_cookie = build(with("accept", json!([{ "cookie": "token" }])));
    let both = in_header(&token).field(COOKIE, format!("token={token}"));
    assert_eq!(both.ask(&by_cookie, NOW).reason(), "several_tokens", "even where the field is no place");
    let beside = Request::default().field(AUTHORIZATION, "Basic eDp5").field(COOKIE, format!("token={token}"));
    assert_eq!(beside.ask(&by_cookie, NOW).reason(), "proved", "somebody else's business");
}

#[test]
fn content_is_asked_for_only_where_a_form_may_carry_a_token() {
    let need = |settings: Value, media_type: &str| {
        let fields = [(CONTENT_TYPE, media_type.parse().unwrap())].into_iter().collect();
        let received = Received { target: b"/", host: b"h" };
        let head = RequestHead { method: &http::Method::POST, authority: "h", path: "/", query: "", received, fields: &fields };
        build(settings).content_need(&head)
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(need(with("max_form_size", json!("2KiB")), form), ContentNeed::Whole { limit: 2048 });
    assert_eq!(need(settings(), "application/json"), ContentNeed::Nothing);
    assert_eq!(need(specimens::settings(), form), ContentNeed::Nothing);
}

#[test]
fn carriers_name_what_is_read_and_onward_what_becomes_of_it() {
    let carriers = build(settings()).carriers().clone();
    assert_eq!(carriers.fields, [AUTHORIZATION, FIELD]);
    assert_eq!(
        (carriers.cookies, carriers.query_names, carriers.form_names),
        (vec!["token".into()], vec!["access_token"], vec!["access_token"])
    );
    assert_eq!(build(settings()).onward(), Onward::Removed);
    assert_eq!(build(with("forward_token", json!("keep"))).onward(), Onward::Kept);
}

#[test]
fn t_85_verdicts_end_with_their_token_and_refusals_are_no_verdicts() {
    let scheme = build(settings());
    let token = in_header(mint(&good()));
    assert_eq!(token.ask(&scheme, NOW).reason(), "proved");
    assert_eq!(token.ask(&scheme, NOW.later(629)).reason(), "proved");
    assert_eq!(token.ask(&scheme, NOW.later(630)).reason(), "expired");
    let counts = scheme.verdict_counts().unwrap();
    assert_eq!((counts.hits, counts.misses, counts.entries), (1, 2, 0));
    // One that does not hold yet is judged anew each time.
    let early = in_header(claiming("nbf=1700000032"));
    assert_eq!(early.ask(&scheme, NOW).reason(), "not_yet");
    assert_eq!(early.ask(&scheme, NOW.later(2)).reason(), "proved");
    let without = build(with("verdict_cache", json!(0)));
    assert_eq!(token.ask(&without, NOW).reason(), "proved");
    assert_eq!(without.verdict_counts().unwrap().entries, 0);
}

#[test]
fn t_85_forgeries_drive_out_no_verdict() {
    let scheme = build(settings());
    let token = in_header(mint(&good()));
    token.ask(&scheme, NOW);
    for _ in 0..3 {
        let forged = in_header(mint_with(&good(), &WORLD.stranger));
        assert_eq!(forged.ask(&scheme, NOW).reason(), "signature_invalid");
        assert_eq!(forged.ask(&scheme, NOW).reason(), "signature_invalid", "remembered");
    }
    let counts = scheme.verdict_counts().unwrap();
    assert_eq!((counts.entries, counts.evictions), (1, 0));
}

#[test]
fn t_84_a_verdict_of_one_scheme_is_none_of_another() {
    let token = in_header(mint(&good()));
    let ours = build(settings());
    assert_eq!(token.ask(&ours, NOW).reason(), "proved");
    assert_eq!(token.ask(&build(with("audiences", json!(["other"]))), NOW).reason(), "audience_mismatch");
    assert_eq!(token.ask(&ours, NOW).reason(), "proved");
}

#[test]
fn challenges_say_what_was_wrong() {
    let scheme = build(with("realm", json!("orders")));
    let after = |refusal: Option<Refusal>| scheme.challenges(refusal.as_ref(), NOW)[0].value.clone();
    assert_eq!(after(None), "Bearer realm=\"orders\"");
    assert_eq!(after(Some(Rejection::Expired.into())), "Bearer realm=\"orders\", error=\"invalid_token\"");
    assert_eq!(after(Some(Malformation::SeveralTokens.into())), "Bearer realm=\"orders\", error=\"invalid_request\"");
}

#[test]
fn what_is_left_unchecked_is_told() {
    assert!(build(settings()).cautions().is_empty());
    let mut lax = with("optional_claims", json!(["iss", "aud", "exp"]));
    lax["token_type"] = json!("any");
    let told = build(lax).cautions().join("\n");
    for word in ["who made them", "for whom they are", "never end", "any type"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn a_secret_algorithm_that_no_key_can_use_is_told() {
    let told = |file: &str| {
        let mut settings = with("algorithms", json!(["ES256", "HS256"]));
        settings["jwks_file"] = json!(file);
        build(settings).cautions().join("")
    };
    assert!(told("jwks.json").contains("`HS256`") && told("jwks.json").contains("`oct`"));
    assert_eq!(told("secret.json"), "");
    assert!(build(with("algorithms", json!(["RS256", "ES384"]))).cautions().join("").contains("admits nobody"));
    // Another test may have installed it before.
    let _ = crate::crypto::install_rustls_provider();
    let mut fetched = with("algorithms", json!(["ES256", "HS256"]));
    fetched.as_object_mut().unwrap().remove("jwks_file");
    fetched["jwks_uri"] = json!("https://issuer.example/jwks");
    assert!(build(fetched).cautions().join("").contains("`HS256`"), "secrets are not fetched");
}

#[test]
fn keys_may_stand_in_the_settings() {
    let mut settings = with("jwks", json!(WORLD.public));
    settings.as_object_mut().unwrap().remove("jwks_file");
    assert_eq!(reason(settings, &mint(&good())), "proved");
}

#[test]
fn problems_are_told_where_they_are_and_never_with_a_key() {
    let both = |key: &str, value: Value| {
        let mut settings = with(key, value);
        settings["jwks"] = json!("{}");
        settings
    };
    for (settings, said) in [
        (with("issuer", json!("")), "an empty name"),
        (with("audiences", json!([])), "an empty list"),
        (with("audiences", json!([""])), "an empty audience"),
        (with("jwks_file", Value::Null), "nothing that says where the keys are"),
        (both("realm", json!("r")), "several places for the keys"),
        (with("jwks_file", json!("missing.json")), "does not exist"),
        (with("algorithms", json!([])), "at least one signature algorithm"),
        (with("token_type", json!("")), "a media type"),
        (with("token_type", json!("a b")), "a media type"),
        (with("leeway", json!("301s")), "at most 5m"),
        (with("max_lifetime", json!("0s")), "1s to 365d"),
        (with("max_lifetime", json!("366d")), "1s to 365d"),
        (with("claims", json!({ "role": {} })), "without a condition"),
        (with("realm", json!("a\"b")), "without `\"`"),
        (with("accept", json!([])), "an empty list"),
        (with("accept", json!(["query", "query"])), "stands twice"),
        (with("accept", json!([{ "field": "X-A" }, { "field": "x-a" }])), "stands twice"),
        (with("accept", json!([{ "field": "Authorization" }])), "a field that says nothing of its own"),
        (with("accept", json!([{ "field": "Content-Length" }])), "a field that says nothing of its own"),
        (with("accept", json!([{ "field": "X-Forwarded-For" }])), "a field that says nothing of its own"),
        (with("accept", json!([{ "field": "a b" }])), "a field that says nothing of its own"),
        (with("accept", json!([{ "cookie": "a=b" }])), "the name of a cookie"),
        (with("max_token_size", json!("65KiB")), "between 1B and 64KiB"),
        (with("max_form_size", json!(0)), "between 1B and 16MiB"),
    ] {
        let problems = built::<Jwt>(settings, folder()).err().unwrap_or_else(|| panic!("no problem: {said}"));
        let report: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(report.iter().any(|line| line.contains(said)), "{said}: {report:?}");
        assert!(problems.iter().all(|problem| problem.at() == Position::new(7, 3)), "{report:?}");
    }
    let mut settings = with("leeway", json!("1h"));
    settings["accept"] = json!([]);
    settings["audiences"] = json!([]);
    settings["jwks_file"] = json!("missing.json");
    assert_eq!(built::<Jwt>(settings, folder()).err().unwrap().len(), 4, "all at once");
}

#[test]
fn the_example_can_be_copied_and_unknown_keys_cannot_be_written() {
    let example: Value = serde_saphyr::from_str(Jwt::EXAMPLE).unwrap();
    assert!(settled::<<Jwt as Scheme>::Config>(example.clone()).is_ok());
    for path in ["/audience", "/accept/1", "/claims/scope/age", "/algorithms/3"] {
        let mut wrong = example.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = wrong.pointer_mut(parent).unwrap();
        match parent.as_array_mut() {
            Some(items) => items.push(json!("none")),
            None => parent[name] = json!("x"),
        }
        assert!(settled::<<Jwt as Scheme>::Config>(wrong).is_err(), "{path}");
    }
    let schema = serde_json::to_value(schemars::schema_for!(Located<BearerConfig>)).unwrap();
    assert_eq!((&schema["additionalProperties"], &schema["required"]), (&json!(false), &json!(["issuer", "audiences"])));
}

#[test]
fn rsa_is_taken_from_2048_bits_on() {
    let Ok(key) = SigningKey::generate(NewKey::Rsa2048) else { return };
    let key = IssuingKey::signing(key, Some(Algorithm::Ps256)).unwrap().named("r");
    let described = crate::token::jose::describe(key.public().unwrap(), "r", None);
    let mut settings = with("jwks", json!(format!("{{\"keys\":[{described}]}}")));
    settings.as_object_mut().unwrap().remove("jwks_file");
    assert_eq!(reason(settings, &mint_with(&good(), &key)), "proved");
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(field in "(Bearer |bearer|,|=|[ -~]|eyJ|\\.){0,12}",
                                 cookie in "(token=|;| |[ -~]|eyJ|\\.){0,12}",
                                 query in "(access_token|=|&|%[0-9a-f]{2}|[ -~]){0,12}",
                                 content in proptest::collection::vec(any::<u8>(), 0..64)) {
        let scheme = build(settings());
        let ask = |request: Request| drop::<Outcome>(request.ask(&scheme, NOW));
        ask(Request::default().field(AUTHORIZATION, field));
        ask(Request::default().field(COOKIE, cookie));
        ask(Request::default().query(query).form(content));
    }
}
