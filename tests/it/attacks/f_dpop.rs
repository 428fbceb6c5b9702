//! Proofs of possession by DPoP: binding, the checks of a proof, replay and nonces, T-90 to T-93.

use super::Scene;
use crate::support::Config;
use crate::support::holder::{Holder, lines};
use crate::support::issuer::{Issuer, in_seconds};
use portcullis::crypto::base64;

/// An audience, and callers of two kinds.
struct Court {
    scene: Scene,
    issuer: Issuer,
    holder: Holder,
}

impl Court {
    async fn with(settings: &str) -> Self {
        let issuer = Issuer::new();
        let tokens = "issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{keys}/jwks.json\"";
        let text = format!(
            "schemes:\n  bound: {{ dpop: {{ {tokens}, {settings} }} }}\n  api: {{ jwt: {{ {tokens} }} }}\n\
             upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n\
             routes:\n  - {{ name: menu, match: {{ path: / }}, authenticate: {{ any_of: [bound, api] }}, upstream: bar }}\n"
        );
        let config = Config::new(&text).file("jwks.json", &issuer.jwks()).file("nonce.key", &base64::encode(&[9; 32]));
        Self { scene: Scene::with(config).await, issuer, holder: Holder::new() }
    }

    async fn new() -> Self {
        Self::with("").await
    }

    fn token(&self) -> String {
        self.holder.token(&self.issuer)
    }

    async fn refuses(&self, lines: &str, reason: &str) {
        self.scene.refuses(get(lines), 401, reason).await;
    }

    async fn admits(&self, lines: &str) {
        assert_eq!(self.scene.ask(get(lines)).await.status(), 200, "{lines}");
    }

    async fn denies(&self, lines: &str, reason: &str) {
        let answer = self.scene.ask(get(lines)).await;
        assert_eq!(answer.status(), 401, "{lines}");
        self.scene.gateway.denial(reason).await;
    }
}

fn get(lines: &str) -> String {
    format!("GET /menu HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

#[tokio::test]
async fn t_90_the_key_of_the_proof_is_the_key_of_the_token() {
    let court = Court::new().await;
    let (token, thief) = (court.token(), Holder::new());
    court.refuses(&thief.lines(&token, ""), "proof_key_mismatch").await;
    let in_disguise = thief.proof_headed(&court.holder.header(), &token);
    court.refuses(&lines(&token, &in_disguise), "holder_signature_invalid").await;
    court.refuses(&format!("Authorization: Bearer {token}\r\n"), "token_bound").await;
    court.refuses(&format!("Authorization: Bearer {token}\r\nDPoP: {}\r\n", court.holder.proof(&token, "")), "token_bound").await;
    court.refuses(&court.holder.lines(&court.issuer.bearer(), ""), "token_unbound").await;
    court.refuses(&format!("Authorization: DPoP {token}\r\n"), "proof_missing").await;
    court.admits(&court.holder.lines(&token, "")).await;
}

#[tokio::test]
async fn t_91_a_proof_for_something_else() {
    let court = Court::new().await;
    let token = court.token();
    for (changes, reason) in [
        ("ath", "proof_token_mismatch"),
        ("ath=\"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo\"", "proof_token_mismatch"),
        ("htm=\"get\"", "proof_method_mismatch"),
        ("htm=\"POST\"", "proof_method_mismatch"),
        ("htu=\"https://localhost/menu\"", "proof_target_mismatch"),
        ("htu=\"http://localhost:81/menu\"", "proof_target_mismatch"),
        ("htu=\"http://evil.example/menu\"", "proof_target_mismatch"),
        ("htu=\"http://localhost/Menu\"", "proof_target_mismatch"),
        ("htu=\"http://localhost/x/../menu\"", "proof_target_mismatch"),
        ("htu=\"http://localhost@evil.example/menu\"", "proof_target_mismatch"),
        ("htu=\"/menu\"", "proof_target_mismatch"),
        ("htu", "proof_syntax"),
        ("jti", "proof_syntax"),
        ("iat=\"0\"", "proof_syntax"),
        ("iat=0", "timestamp_outside"),
        ("exp=0", "timestamp_outside"),
        ("exp=\"0\"", "proof_syntax"),
        ("nbf=4102444800", "timestamp_outside"),
        ("nbf=null", "proof_syntax"),
    ] {
        court.refuses(&court.holder.lines(&token, changes), reason).await;
    }
    let future = format!("iat={}", in_seconds(60).seconds());
    court.refuses(&court.holder.lines(&token, &future), "timestamp_outside").await;
    let over = format!("exp={}", in_seconds(-31).seconds());
    court.refuses(&court.holder.lines(&token, &over), "timestamp_outside").await;
    let times = format!("nbf={};exp={}", in_seconds(20).seconds(), in_seconds(-10).seconds());
    for same in [times.as_str(), "htu=\"HTTP://LOCALHOST:80/m%65nu?x#y\"", "htu=\"http://localhost/menu?other\""] {
        court.admits(&court.holder.lines(&token, same)).await;
    }
}

#[tokio::test]
async fn t_91_a_proof_that_is_none() {
    let court = Court::new().await;
    let token = court.token();
    let header = court.holder.header();
    let headed = |header: &str| lines(&token, &court.holder.proof_headed(header, &token));
    for (altered, reason) in [
        (header.replace("dpop+jwt", "jwt"), "proof_syntax"),
        (header.replace("\"typ\":\"dpop+jwt\",", ""), "proof_syntax"),
        (header.replace("ES256", "none"), "proof_syntax"),
        (header.replace("ES256", "HS256"), "proof_algorithm_refused"),
        (header.replace("ES256", "RS256"), "proof_algorithm_refused"),
        (header.replace("\"kty\"", "\"d\":\"AAAA\",\"kty\""), "proof_syntax"),
        (r#"{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"c2VjcmV0"}}"#.to_owned(), "proof_algorithm_refused"),
        (format!(r#"{{"typ":"dpop+jwt","alg":"RS256","jwk":{{"kty":"RSA","e":"AQAB","n":"{}"}}}}"#, "_".repeat(171)), "proof_syntax"),
    ] {
        court.refuses(&headed(&altered), reason).await;
    }
    court.refuses(&lines(&token, "x"), "proof_syntax").await;
    court.refuses(&lines(&token, &token), "proof_syntax").await;
    let twice = format!("{}DPoP: {}\r\n", court.holder.lines(&token, ""), court.holder.proof(&token, ""));
    court.scene.refuses(get(&twice), 400, "field_repeated").await;
    let joined = format!("{}, {}", court.holder.proof(&token, ""), court.holder.proof(&token, ""));
    court.refuses(&lines(&token, &joined), "proof_syntax").await;
}

#[tokio::test]
async fn t_92_a_proof_is_taken_once_however_it_is_spelt() {
    let court = Court::new().await;
    let token = court.token();
    let proof = court.holder.lines(&token, "jti=\"once\"");
    court.refuses(&court.holder.lines(&token, "jti=\"once\";htm=\"POST\""), "proof_method_mismatch").await;
    court.admits(&proof).await;
    court.denies(&proof, "nonce_seen").await;
    for respelt in ["jti=\"once\";htu=\"HTTP://localhost:80/menu\"", "jti=\"once\";htu=\"http://localhost/men%75#x\"", "jti=\"\\u006fnce\""]
    {
        court.denies(&court.holder.lines(&token, respelt), "nonce_seen").await;
    }
    let long = format!("jti=\"{}\"", "j".repeat(5000));
    court.denies(&court.holder.lines(&token, &long), "proof_syntax").await;
    // The name of a proof belongs to its key: nobody uses up those of somebody else.
    let other = Holder::new();
    court.admits(&other.lines(&other.token(&court.issuer), "jti=\"once\"")).await;
    assert_eq!(court.scene.upstream.requests().len(), 2);
}

#[tokio::test]
async fn t_92_of_two_proofs_at_the_same_instant_one_is_taken() {
    let court = Court::new().await;
    let request = get(&court.holder.lines(&court.token(), ""));
    let answers = futures_util::future::join_all((0..8).map(|_| court.scene.ask(&request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert_eq!(court.scene.upstream.requests().len(), 1);
}

#[tokio::test]
async fn t_93_nonces_of_others_and_of_yesterday() {
    let court = Court::with("nonce: required, nonce_lifetime: 2s, nonce_key_file: \"{keys}/nonce.key\"").await;
    let token = court.token();
    let asked = court.scene.ask(get(&court.holder.lines(&token, ""))).await;
    assert_eq!(asked.status(), 401);
    let nonce = asked.field("dpop-nonce").expect("a nonce to use").to_owned();
    let with = |nonce: &str| court.holder.lines(&token, &format!("nonce=\"{nonce}\""));
    court.refuses(&with("invented"), "nonce_refused").await;
    court.refuses(&with(&nonce.replace(&nonce[..8], "AAAAAAAA")), "nonce_refused").await;
    let foreign = Court::with("realm: other, nonce: required, nonce_key_file: \"{keys}/nonce.key\"").await;
    let other = foreign.scene.ask(get("")).await;
    let other = other.values("dpop-nonce")[0].to_owned();
    court.refuses(&with(&other), "nonce_refused").await;
    court.admits(&with(&nonce)).await;
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    court.denies(&with(&nonce), "nonce_refused").await;
    let again = court.scene.ask(get(&with(&nonce))).await;
    assert!(again.field("dpop-nonce").is_some_and(|fresh| fresh != nonce), "the next one comes with the refusal");
}
