//! Tokens: algorithms, keys, headers, claims and encodings, T-60 to T-72, and what is remembered of them, T-84 and T-85.
//!
//! Not here: of T-70 the encrypted tokens, because a token that a caller sends is never opened unless it is bound to a
//! sealed proof key, where neither compression nor passwords exist. Tokens that somebody else is asked about stand in
//! `d_introspection.rs`.

use super::Scene;
use crate::support::Config;
use crate::support::issuer::{Issuer, in_seconds, signed};
use portcullis::crypto::{NewKey, PublicParts, SigningKey, base64url};
use portcullis::token::jose::{Algorithm, IssuingKey, describe};
use portcullis::token::jwt::{StatedHolder, Statement};

/// The issuer's key and further ones that a test needs, under their names.
fn config(jwks: &str, settings: &str) -> Config {
    let text = format!(
        "schemes:\n  api: {{ jwt: {{ issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{{keys}}/jwks.json\", {settings} }} }}\n\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n\
         routes:\n  - {{ name: api, match: {{ path: / }}, authenticate: api, upstream: bar, identity: {{ preset: auth-request }} }}\n"
    );
    Config::new(&text).file("jwks.json", jwks)
}

struct Court {
    scene: Scene,
    issuer: Issuer,
}

impl Court {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(settings: &str) -> Self {
        let issuer = Issuer::new();
        Self { scene: Scene::with(config(&issuer.jwks(), settings)).await, issuer }
    }

    async fn refuses(&self, token: &str, reason: &str) {
        self.scene.refuses(get(&format!("Authorization: Bearer {token}\r\n")), 401, reason).await;
    }

    /// A token with a sound signature over this header and good claims.
    fn headed(&self, header: &str) -> String {
        self.issuer.signed(header, &claims(""))
    }

    /// A token with a sound signature over these claims.
    fn claiming(&self, changes: &str) -> String {
        self.issuer.signed(r#"{"alg":"ES256","kid":"a"}"#, &claims(changes))
    }

    /// The scene can tell: with a good token there is an answer.
    async fn admits(&self, token: &str) {
        let answer = self.scene.ask(get(&format!("Authorization: Bearer {token}\r\n"))).await;
        assert_eq!(answer.status(), 200, "{token}");
    }
}

fn get(lines: &str) -> String {
    format!("GET /menu HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

/// Good claims with others in place of these or after them, `name=JSON;…`; a name alone leaves it out.
fn claims(changes: &str) -> String {
    let (issued, expires) = (in_seconds(-60).seconds().to_string(), in_seconds(600).seconds().to_string());
    let mut members = vec![
        ("iss", "\"https://issuer.example\""),
        ("sub", "\"alice\""),
        ("aud", "\"orders\""),
        ("iat", issued.as_str()),
        ("exp", expires.as_str()),
    ];
    for change in changes.split(';').filter(|change| !change.is_empty()) {
        let (name, value) = change.split_once('=').unwrap_or((change, ""));
        members.retain(|(known, _)| *known != name);
        members.extend((!value.is_empty()).then_some((name, value)));
    }
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn new_key(kind: NewKey, name: &str) -> IssuingKey {
    IssuingKey::signing(SigningKey::generate(kind).unwrap(), None).unwrap().named(name)
}

#[tokio::test]
async fn t_60_no_algorithm_and_no_signature() {
    let court = Court::new().await;
    for header in
        [r#"{"alg":"none"}"#, r#"{"alg":"None"}"#, r#"{"alg":"nOnE","kid":"a"}"#, r#"{"typ":"JWT"}"#, r#"{"alg":""}"#, r#"{"alg":"HS1"}"#]
    {
        let token = court.headed(header);
        court.refuses(&token, "token_syntax").await;
        let (rest, _) = token.rsplit_once('.').unwrap();
        court.refuses(&format!("{rest}."), "token_syntax").await;
    }
    let token = court.issuer.bearer();
    let (rest, _) = token.rsplit_once('.').unwrap();
    court.refuses(&format!("{rest}."), "signature_invalid").await;
    court.refuses(rest, "token_syntax").await;
    court.refuses("..", "token_syntax").await;
    court.admits(&token).await;
}

#[tokio::test]
async fn t_61_a_public_key_as_a_secret() {
    let key = new_key(NewKey::P256, "a");
    let public = key.public().unwrap();
    let described = describe(public, "a", None);
    let jwks = format!("{{\"keys\":[{described}]}}");
    let court = Court { scene: Scene::with(config(&jwks, "algorithms: [HS256, HS384, HS512, ES256]")).await, issuer: Issuer::new() };
    let PublicParts::P256 { x, y } = public.parts() else { panic!() };
    for octets in [described.as_bytes(), jwks.as_bytes(), x, &[x, y].concat(), &[&[4], x, y].concat()] {
        let octets = &octets[..octets.len().min(128)];
        let forger = IssuingKey::secret(octets, Algorithm::Hs256).unwrap();
        court.refuses(&signed(r#"{"alg":"HS256","kid":"a"}"#, &claims(""), &forger), "algorithm_refused").await;
        court.refuses(&signed(r#"{"alg":"HS256"}"#, &claims(""), &forger), "algorithm_refused").await;
    }
}

#[tokio::test]
async fn t_62_a_secret_among_the_keys_counts_only_where_it_is_meant() {
    let issuer = Issuer::new();
    let secret = format!(r#"{{"kty":"oct","kid":"s","k":"{}"}}"#, base64url::encode(&[7; 32]));
    let jwks = issuer.jwks().replace("{\"keys\":[", &format!("{{\"keys\":[{secret},"));
    let court = Court { scene: Scene::with(config(&jwks, "")).await, issuer };
    let client = IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap();
    for header in [r#"{"alg":"HS256","kid":"s"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","kid":"a"}"#] {
        court.refuses(&signed(header, &claims(""), &client), "algorithm_refused").await;
    }
    court.admits(&court.issuer.bearer()).await;
    let meant = Scene::with(config(&jwks, "algorithms: [HS256]")).await;
    let token = signed(r#"{"alg":"HS256","kid":"s"}"#, &claims(""), &client);
    assert_eq!(meant.fetch("/", &format!("Authorization: Bearer {token}\r\n")).await.status(), 200);
}

#[tokio::test]
async fn t_63_a_signed_token_in_the_clothes_of_an_encrypted_one() {
    let court = Court::new().await;
    let forged = |header: &str| signed(header, &claims(""), &new_key(NewKey::P256, "a"));
    court.refuses(&forged(r#"{"alg":"ES256","enc":"A256GCM","kid":"a"}"#), "signature_invalid").await;
    court.refuses(&forged(r#"{"alg":"dir","enc":"A256GCM"}"#), "token_syntax").await;
    court.refuses("e30.e30.e30.e30.e30", "token_syntax").await;
}

#[tokio::test]
async fn t_64_keys_and_names_that_the_token_brings_along() {
    let court = Court::new().await;
    let own = new_key(NewKey::P256, "a");
    let jwk = describe(own.public().unwrap(), "a", None);
    for header in [
        format!(r#"{{"alg":"ES256","jwk":{jwk}}}"#),
        format!(r#"{{"alg":"ES256","kid":"a","jwk":{jwk}}}"#),
        r#"{"alg":"ES256","kid":"a","jku":"http://127.0.0.1:9/jwks.json","x5u":"http://127.0.0.1:9/x","x5c":["MIIB"]}"#.to_owned(),
    ] {
        court.refuses(&signed(&header, &claims(""), &own), "signature_invalid").await;
    }
    for name in ["../../keys/jwks.json", "' OR '1'='1", "a\\u0000", "A", &"k".repeat(5000)] {
        court.refuses(&signed(&format!(r#"{{"alg":"ES256","kid":"{name}"}}"#), &claims(""), &own), "key_unknown").await;
    }
}

#[tokio::test]
async fn t_64_tries_are_bounded_and_kinds_do_not_mix() {
    let keys: Vec<_> = (0..12).map(|name| new_key(NewKey::P256, &name.to_string())).collect();
    let other = new_key(NewKey::Ed25519, "0");
    let listed: Vec<_> = keys.iter().chain([&other]).map(|key| describe(key.public().unwrap(), key.id().unwrap(), None)).collect();
    let jwks = format!("{{\"keys\":[{}]}}", listed.join(","));
    let court = Court { scene: Scene::with(config(&jwks, "")).await, issuer: Issuer::new() };
    court.refuses(&signed(r#"{"alg":"ES256"}"#, &claims(""), &keys[3]), "key_unknown").await;
    court.refuses(&signed(r#"{"alg":"EdDSA","kid":"3"}"#, &claims(""), &other), "algorithm_refused").await;
    court.admits(&signed(r#"{"alg":"ES256","kid":"3"}"#, &claims(""), &keys[3])).await;
    // Two keys of one name and different kinds: the algorithm tells which one is meant.
    court.admits(&signed(r#"{"alg":"ES256","kid":"0"}"#, &claims(""), &keys[0])).await;
    court.admits(&signed(r#"{"alg":"EdDSA","kid":"0"}"#, &claims(""), &other)).await;
}

#[tokio::test]
async fn t_65_what_must_be_understood_and_what_is_another_kind_of_token() {
    let court = Court::new().await;
    for header in [
        r#"{"alg":"ES256","kid":"a","crit":["exp"]}"#,
        r#"{"alg":"ES256","kid":"a","crit":[]}"#,
        r#"{"alg":"ES256","kid":"a","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"ES256","kid":"a","b64":false}"#,
        r#"{"alg":"ES256","kid":"a","zip":"DEF"}"#,
    ] {
        court.refuses(&court.headed(header), "token_syntax").await;
    }
    for kind in ["dpop+jwt", "logout+jwt", "id_token+jwt", "oauth-authz-req+jwt", "secevent+jwt"] {
        court.refuses(&court.headed(&format!(r#"{{"alg":"ES256","kid":"a","typ":"{kind}"}}"#)), "token_type_refused").await;
    }
    let nested = court.issuer.signed(r#"{"alg":"ES256","kid":"a","cty":"JWT"}"#, &court.issuer.bearer());
    court.refuses(&nested, "token_syntax").await;
    let strict = Court::with("token_type: at+jwt").await;
    strict.refuses(&strict.headed(r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#), "token_type_refused").await;
    strict.refuses(&strict.headed(r#"{"alg":"ES256","kid":"a"}"#), "token_type_refused").await;
    strict.admits(&strict.issuer.bearer()).await;
}

#[tokio::test]
async fn t_66_another_issuer_and_another_audience() {
    let court = Court::new().await;
    for (changes, reason) in [
        ("iss=\"https://issuer.example/\"", "issuer_untrusted"),
        ("iss=\"https://evil.example\"", "issuer_untrusted"),
        ("iss=[\"https://issuer.example\"]", "token_syntax"),
        ("iss", "claim_missing"),
        ("aud=\"billing\"", "audience_mismatch"),
        ("aud=\"orders/x\"", "audience_mismatch"),
        ("aud=\"order\"", "audience_mismatch"),
        ("aud=\"billing,orders\"", "audience_mismatch"),
        ("aud=[]", "claim_missing"),
        ("aud", "claim_missing"),
        ("aud={\"orders\":true}", "token_syntax"),
    ] {
        court.refuses(&court.claiming(changes), reason).await;
    }
    court.admits(&court.claiming("aud=[\"billing\",\"orders\"]")).await;
}

#[tokio::test]
async fn t_67_times_that_make_no_sense() {
    let court = Court::new().await;
    for (changes, reason) in [
        ("exp", "claim_missing"),
        ("exp=\"9999999999\"", "token_syntax"),
        ("exp=null", "token_syntax"),
        ("exp=true", "token_syntax"),
        ("exp=-1", "token_syntax"),
        ("exp=1e300", "token_syntax"),
        ("exp=1e999", "token_syntax"),
        ("exp=9223372036854775808", "token_syntax"),
        ("exp=18446744073709551616", "token_syntax"),
        ("exp=0", "expired"),
        ("exp=1700000000.9", "expired"),
        ("nbf=99999999999", "not_yet"),
        ("nbf=\"0\"", "token_syntax"),
        ("iat=99999999999", "not_yet"),
        ("iat=-5", "token_syntax"),
    ] {
        court.refuses(&court.claiming(changes), reason).await;
    }
}

#[tokio::test]
async fn t_68_claims_and_parts_with_two_readings() {
    let court = Court::new().await;
    let good = claims("");
    let inside = good.trim_end_matches('}');
    let header = r#"{"alg":"ES256","kid":"a"}"#;
    for payload in [
        format!("{inside},\"sub\":\"root\"}}"),
        format!("{inside},\"\\u0073ub\":\"root\"}}"),
        format!("{inside},\"x\":{}{}}}", "[".repeat(2000), "]".repeat(2000)),
        format!("[{good}]"),
        format!("{good} {{}}"),
        "\"alice\"".to_owned(),
        String::new(),
    ] {
        court.refuses(&court.issuer.signed(header, &payload), "token_syntax").await;
    }
    court.refuses(&court.headed(r#"{"alg":"ES256","kid":"a","kid":"a"}"#), "token_syntax").await;
    let token = court.issuer.bearer();
    let (rest, signature) = token.rsplit_once('.').unwrap();
    for altered in [format!("{token}="), format!("{token}=="), format!("{token}."), format!("{token}.e30"), format!("{rest}..{signature}")]
    {
        court.refuses(&altered, "token_syntax").await;
    }
    let standard = format!("{rest}.{}", signature.replace(['-', '_'], "+") + "+");
    court.refuses(&standard, "token_syntax").await;
    court.refuses(&"a".repeat(9000), "token_too_large").await;
}

#[tokio::test]
async fn t_68_the_last_character_has_one_spelling() {
    let court = Court::new().await;
    let token = court.issuer.bearer();
    let (start, last) = token.split_at(token.len() - 1);
    for other in ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).filter(|other| !last.starts_with(*other)) {
        let answer = court.scene.fetch("/menu", &format!("Authorization: Bearer {start}{other}\r\n")).await;
        assert_eq!(answer.status(), 401, "{other}");
    }
    court.scene.upstream.assert_untouched();
    court.admits(&token).await;
}

#[tokio::test]
async fn t_69_signatures_that_are_numbers_of_another_shape() {
    let court = Court::new().await;
    let token = court.issuer.bearer();
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let octets = base64url::decode_to_vec(signature.as_bytes()).unwrap();
    let der = [&[0x30, 0x44, 0x02, 0x20], &octets[..32], &[0x02, 0x20], &octets[32..]].concat();
    let zeros = [[0; 32], [0; 32]].concat();
    let half = [&[0; 32], &octets[32..]].concat();
    let order = base64url::decode_to_vec(b"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE").unwrap();
    for forged in
        [zeros, half, der, [&octets[..], &[0]].concat(), octets[..63].to_vec(), [&order[..], &order].concat(), vec![0; 1000], Vec::new()]
    {
        court.refuses(&format!("{rest}.{}", base64url::encode(&forged)), "signature_invalid").await;
    }
    // A key of another curve under the name, and an algorithm of the other one.
    let other = new_key(NewKey::P384, "a");
    court.refuses(&signed(r#"{"alg":"ES384","kid":"a"}"#, &claims(""), &other), "algorithm_refused").await;
    court.refuses(&signed(r#"{"alg":"ES256","kid":"a"}"#, &claims(""), &other), "signature_invalid").await;
}

#[tokio::test]
async fn t_69_weak_keys_are_no_keys() {
    let modulus = base64url::encode(&[0xff; 128]);
    let weak = format!(r#"{{"keys":[{{"kty":"RSA","kid":"a","n":"{modulus}","e":"AQAB"}}]}}"#);
    for jwks in [weak.as_str(), &weak.replace("AQAB", "AQ"), r#"{"keys":[{"kty":"oct","kid":"a","k":"c2hvcnQ"}]}"#, r#"{"keys":[]}"#] {
        let refused = config(jwks, "algorithms: [RS256, HS256]").refused().await;
        assert!(refused.report.contains("a JSON Web Key Set"), "{}", refused.report);
    }
}

#[tokio::test]
async fn t_70_nothing_is_unpacked() {
    let court = Court::new().await;
    for header in [
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAA"}"#,
        r#"{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"}"#,
    ] {
        court.refuses(&format!("{}.AAAA.AAAA.AAAA.AAAA", base64url::encode(header.as_bytes())), "token_syntax").await;
        court.refuses(&court.headed(header), "token_syntax").await;
    }
}

#[tokio::test]
async fn t_71_optional_means_absent_only() {
    let court = Court::with("optional_claims: [iss, aud, exp]").await;
    court.admits(&court.claiming("iss;aud;exp")).await;
    for (changes, reason) in [
        ("iss=\"https://evil.example\"", "issuer_untrusted"),
        ("aud=\"billing\"", "audience_mismatch"),
        ("exp=0", "expired"),
        ("iss=null", "token_syntax"),
    ] {
        let answer = court.scene.fetch("/", &format!("Authorization: Bearer {}\r\n", court.claiming(changes))).await;
        assert_eq!(answer.status(), 401, "{changes}");
        court.scene.gateway.denial(reason).await;
    }
}

#[tokio::test]
async fn t_72_two_tokens_or_one_in_an_odd_spelling() {
    let court = Court::with("accept: [header, { cookie: token }, query]").await;
    let token = court.issuer.bearer();
    let (field, cookie) = (format!("Authorization: Bearer {token}\r\n"), format!("Cookie: token={token}\r\n"));
    let scene = &court.scene;
    scene.refuses(get(&field.repeat(2)), 400, "field_repeated").await;
    scene.refuses(get(&format!("{field}Authorization: Basic eDp5\r\n")), 400, "field_repeated").await;
    scene.refuses(get(&format!("{field}{cookie}")), 400, "several_tokens").await;
    scene.refuses(get(&cookie.repeat(2)), 400, "several_tokens").await;
    scene.refuses(get(&format!("Cookie: token={token}; token=x\r\n")), 400, "several_tokens").await;
    let query = |lines: &str| get(lines).replace("/menu", &format!("/menu?access_token={token}"));
    scene.refuses(query(&field), 400, "several_tokens").await;
    scene.refuses(query(&cookie), 400, "several_tokens").await;
    scene.refuses(query("").replace(" HTTP/1.1", "&access_token=x HTTP/1.1"), 400, "several_tokens").await;
    scene.refuses(get(&format!("Authorization: Bearer {token}, Bearer {token}\r\n")), 400, "several_tokens").await;
    for value in ["Bearer", "Bearer\t@", "Bearer @ x", "Bearer \"@\"", "Bearer =@"] {
        let line = format!("Authorization: {}\r\n", value.replace('@', &token));
        scene.refuses(get(&line), 401, "credential_syntax").await;
    }
    scene.refuses(get("Cookie: token=\r\n"), 401, "credential_syntax").await;
    scene.refuses(get("").replace("/menu", "/menu?access_token="), 401, "credential_syntax").await;
    let folded = court.scene.fetch("/menu", &format!("AUTHORIZATION: bEARER {token}\r\n")).await;
    assert_eq!(folded.status(), 200);
}

#[tokio::test]
async fn t_84_a_verdict_of_one_scheme_is_none_of_another() {
    let issuer = Issuer::new();
    let jwt = |audience: &str| {
        format!("{{ jwt: {{ issuer: \"https://issuer.example\", audiences: [{audience}], jwks_file: \"{{keys}}/jwks.json\" }} }}")
    };
    let text = format!(
        "schemes: {{ orders: {}, billing: {} }}\nupstreams: {{ bar: {{ servers: [\"{{upstream}}\"] }} }}\n\
         routes:\n  - {{ match: {{ path: /orders }}, authenticate: orders, upstream: bar }}\n  \
         - {{ match: {{ path: /billing }}, authenticate: billing, upstream: bar }}\n",
        jwt("orders"),
        jwt("billing")
    );
    let scene = Scene::with(Config::new(&text).file("jwks.json", &issuer.jwks())).await;
    let line = format!("Authorization: Bearer {}\r\n", issuer.bearer());
    for _ in 0..2 {
        assert_eq!(scene.fetch("/orders", &line).await.status(), 200);
        assert_eq!(scene.fetch("/billing", &line).await.status(), 401);
    }
    scene.gateway.denial("audience_mismatch").await;
}

#[tokio::test]
async fn t_85_a_verdict_ends_with_its_token_and_a_refusal_is_none() {
    let court = Court::with("leeway: 0s").await;
    let short = court.issuer.token(&Statement { expires: in_seconds(3), ..Issuer::statement() });
    let early = court.claiming(&format!("nbf={}", in_seconds(3).seconds()));
    court.admits(&short).await;
    court.admits(&short).await;
    let answer = court.scene.fetch("/", &format!("Authorization: Bearer {early}\r\n")).await;
    assert_eq!(answer.status(), 401);
    tokio::time::sleep(std::time::Duration::from_millis(3200)).await;
    let answer = court.scene.fetch("/", &format!("Authorization: Bearer {short}\r\n")).await;
    assert_eq!(answer.status(), 401);
    court.scene.gateway.denial("expired").await;
    court.admits(&early).await;
}

#[tokio::test]
async fn t_90_a_bound_token_as_if_it_were_anybodys() {
    let court = Court::new().await;
    let holder = new_key(NewKey::P256, "h");
    let public = holder.public().unwrap();
    for holder in [StatedHolder::Thumbprint(public), StatedHolder::Key(public), StatedHolder::Certificate(&[7; 32])] {
        let token = court.issuer.token(&Statement { holder, ..Issuer::statement() });
        court.refuses(&token, "token_bound").await;
        court.refuses(&token, "token_bound").await;
    }
    court.refuses(&court.claiming("cnf={\"kid\":\"x\"}"), "token_syntax").await;
}
