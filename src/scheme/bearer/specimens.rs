//! An issuer of our own making, for the tests of schemes that take its tokens.

use crate::clock::UnixTime;
use crate::crypto::{NewKey, SigningKey, base64url};
use crate::token::jose::{Algorithm, IssuingKey, describe};
use crate::token::jwt::{self, StatedHolder, Statement};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;

pub(in crate::scheme) const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
pub(in crate::scheme) const ISSUER: &str = "https://issuer.example";
/// The octets of the issuer's shared secret.
pub(in crate::scheme) const SECRET: [u8; 64] = [7; 64];

/// The issuer and the folder with its keys: `jwks.json` has the public ones, `secret.json` also the shared secret.
pub(in crate::scheme) struct World {
    pub(in crate::scheme) issuer: IssuingKey,
    pub(in crate::scheme) second: IssuingKey,
    /// A key that the issuer does not have, under the name of one that it has.
    pub(in crate::scheme) stranger: IssuingKey,
    pub(in crate::scheme) public: String,
    folder: tempfile::TempDir,
}

pub(in crate::scheme) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = |kind, name: &str| IssuingKey::signing(SigningKey::generate(kind).unwrap(), None).unwrap().named(name);
    let (issuer, second, stranger) = (key(NewKey::P256, "a"), key(NewKey::Ed25519, "b"), key(NewKey::P256, "a"));
    let described = |key: &IssuingKey| describe(key.public().unwrap(), key.id().unwrap(), None);
    let public = [described(&issuer), described(&second)].join(",");
    let secret = format!(r#"{{"kty":"oct","kid":"s","k":"{}"}}"#, base64url::encode(&SECRET));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jwks.json"), format!("{{\"keys\":[{public}]}}")).unwrap();
    std::fs::write(folder.path().join("secret.json"), format!("{{\"keys\":[{public},{secret}]}}")).unwrap();
    World { issuer, second, stranger, public: format!("{{\"keys\":[{public}]}}"), folder }
});

pub(in crate::scheme) fn folder() -> &'static Path {
    WORLD.folder.path()
}

/// The settings of tokens that every scheme has.
pub(in crate::scheme) fn settings() -> Value {
    json!({ "issuer": ISSUER, "audiences": ["orders"], "jwks_file": "jwks.json", "claims": { "role": { "one_of": ["buyer"] } } })
}

/// A statement that holds, to be spoiled one part at a time.
pub(in crate::scheme) fn good() -> Statement<'static> {
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

pub(in crate::scheme) fn mint(statement: &Statement<'_>) -> String {
    mint_with(statement, &WORLD.issuer)
}

pub(in crate::scheme) fn mint_with(statement: &Statement<'_>, key: &IssuingKey) -> String {
    jwt::issue(statement, key).unwrap().to_string()
}

/// A token with exactly this header and these claims.
pub(in crate::scheme) fn signed(header: &str, payload: &str, key: &IssuingKey) -> String {
    let signed = [header, payload].map(|part| base64url::encode(part.as_bytes())).join(".");
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url::encode(&signature))
}

/// A token with the usual claims and others in place of these or after them: `name=JSON;…`, a name alone leaves it out.
pub(in crate::scheme) fn claiming(changes: &str) -> String {
    let mut members = vec![
        ("iss", "\"https://issuer.example\""),
        ("sub", "\"alice\""),
        ("aud", "\"orders\""),
        ("iat", "1699999940"),
        ("exp", "1700000600"),
        ("role", "\"buyer\""),
    ];
    for change in changes.split(';').filter(|change| !change.is_empty()) {
        let (name, value) = change.split_once('=').unwrap_or((change, ""));
        members.retain(|(known, _)| *known != name);
        members.extend((!value.is_empty()).then_some((name, value)));
    }
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    signed(r#"{"alg":"ES256","typ":"at+jwt","kid":"a"}"#, &format!("{{{}}}", members.join(",")), &WORLD.issuer)
}

/// The issuer's shared secret as a key.
pub(in crate::scheme) fn secret(algorithm: Algorithm) -> IssuingKey {
    IssuingKey::secret(&SECRET, algorithm).unwrap().named("s")
}
