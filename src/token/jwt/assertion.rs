//! Issuing an assertion of who somebody is, to one audience, by somebody who was told so by another.

use super::super::jose::{self, IssuingKey, Unfit};
use super::super::json::quote;
use super::issue::append;
use super::{AUDIENCE, EXPIRES, ID, ISSUED, ISSUER, NOT_BEFORE, SUBJECT};
use crate::clock::UnixTime;
use crate::token::jose::cnf;
use std::iter;
use zeroize::Zeroizing;

/// The claim that says who stated first what an assertion repeats, and by which scheme that was proved: an
/// object of `iss` and `scheme`.
pub const ORIGIN: &str = "orig";

/// The type of every assertion. Not `at+jwt` (RFC 9068 §2.1): it grants nothing, and must not pass for an
/// access token where one is asked for.
const TYPE: &str = "JWT";

/// The claims that an assertion states or leaves out by itself. It has no `jti`: it is presented as often as
/// there are requests until it ends.
const RESERVED: [&str; 9] = [ISSUER, SUBJECT, AUDIENCE, ISSUED, NOT_BEFORE, EXPIRES, ID, cnf::CLAIM, ORIGIN];

/// What an assertion shall state.
pub struct Assertion<'a, C> {
    /// Who makes it.
    pub issuer: &'a str,
    /// For whom it is.
    pub audience: &'a str,
    /// Whom it speaks of.
    pub subject: Option<&'a str>,
    /// When it is made.
    pub issued: UnixTime,
    /// When it ends.
    pub expires: UnixTime,
    /// Who stated it first.
    pub origin: Origin<'a>,
    /// Further claims by name and value, in order; their names are not [reserved](is_reserved).
    pub claims: C,
}

/// Who stated first what an assertion repeats.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The issuer of the credential.
    pub issuer: &'a str,
    /// The name of the scheme that proved it.
    pub scheme: &'a str,
}

/// The value of a claim.
#[derive(Clone, Copy)]
pub enum Stated<'a> {
    /// As it is.
    Text(&'a str),
    /// A list with commas, which becomes an array of texts.
    List(&'a str),
}

/// Whether an assertion states a claim of this name by itself, or never.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Issues an assertion.
///
/// # Errors
/// The key could not sign.
pub fn issue_assertion<'a>(
    assertion: Assertion<'a, impl Iterator<Item = (&'a str, Stated<'a>)>>,
    key: &IssuingKey,
) -> Result<Zeroizing<String>, Unfit> {
    let Assertion { issuer, audience, subject, issued, expires, origin, claims } = assertion;
    let mut payload = Zeroizing::new(String::from("{"));
    append_text(ISSUER, issuer, &mut payload);
    append_text(AUDIENCE, audience, &mut payload);
    if let Some(subject) = subject {
        append_text(SUBJECT, subject, &mut payload);
    }
    for (name, time) in [(ISSUED, issued), (EXPIRES, expires)] {
        append(name, &mut payload);
        payload.push_str(&time.seconds().to_string());
    }
    append_origin(origin, &mut payload);
    for (name, value) in claims {
        match value {
            Stated::Text(text) => append_text(name, text, &mut payload),
            Stated::List(list) => append_list(name, list, &mut payload),
        }
    }
    payload.push('}');
    jose::issue(TYPE, payload.as_bytes(), key)
}

fn append_text(name: &str, text: &str, payload: &mut String) {
    append(name, payload);
    quote(text, payload);
}

fn append_origin(origin: Origin<'_>, payload: &mut String) {
    append(ORIGIN, payload);
    payload.push_str("{\"iss\":");
    quote(origin.issuer, payload);
    payload.push_str(",\"scheme\":");
    quote(origin.scheme, payload);
    payload.push('}');
}

/// A value that starts as JSON does is one text: it is what could not be written with commas. So is one with a
/// quotation mark, within which a comma may separate nothing.
fn append_list(name: &str, list: &str, payload: &mut String) {
    append(name, payload);
    payload.push('[');
    let whole = (list.starts_with(['[', '{']) || list.contains('"')).then_some(list);
    let parts = whole.is_none().then(|| list.split(',').map(str::trim)).into_iter().flatten();
    for (place, item) in iter::chain(whole, parts).enumerate() {
        if place > 0 {
            payload.push(',');
        }
        quote(item, payload);
    }
    payload.push(']');
}

#[cfg(test)]
mod tests {
    use super::super::Jwt;
    use super::*;
    use crate::crypto::{NewKey, SigningKey};
    use crate::token::jose::{Unconfirmed, describe};

    fn key(kind: NewKey) -> IssuingKey {
        IssuingKey::signing(SigningKey::generate(kind).unwrap(), None).unwrap().named("k")
    }

    fn assertion<'a, C>(claims: C) -> Assertion<'a, C> {
        Assertion {
            issuer: "https://gateway.example",
            audience: "https://orders.internal",
            subject: Some("al\"ice"),
            issued: UnixTime::from_seconds(1000),
            expires: UnixTime::from_seconds(1300),
            origin: Origin { issuer: "https://issuer.example", scheme: "api" },
            claims,
        }
    }

    fn payload(token: &str) -> String {
        let middle = token.split('.').nth(1).unwrap();
        String::from_utf8(crate::crypto::base64url::decode_to_vec(middle.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn an_assertion_says_who_and_who_said_so() {
        let claims = [("email", Stated::Text("a@b")), ("groups", Stated::List("a, b")), ("one", Stated::List("[\"a,b\"]"))];
        let token = issue_assertion(assertion(claims.into_iter()), &key(NewKey::P256)).unwrap();
        assert_eq!(
            payload(&token),
            "{\"iss\":\"https://gateway.example\",\"aud\":\"https://orders.internal\",\"sub\":\"al\\\"ice\",\"iat\":1000,\"exp\":1300,\
             \"orig\":{\"iss\":\"https://issuer.example\",\"scheme\":\"api\"},\
             \"email\":\"a@b\",\"groups\":[\"a\",\"b\"],\"one\":[\"[\\\"a,b\\\"]\"]}"
        );
    }

    #[test]
    fn what_is_issued_is_read() {
        for kind in [NewKey::P256, NewKey::Ed25519] {
            let key = key(kind);
            let token = issue_assertion(assertion([("groups", Stated::List("a,b"))].into_iter()), &key).unwrap();
            let set = format!("{{\"keys\":[{}]}}", describe(key.public().unwrap(), "k", Some(key.algorithm())));
            let keys = crate::token::jose::KeySet::read_public(set.as_bytes()).unwrap();
            let jws = Unconfirmed::parse(&token).unwrap().confirmed_by(keys.keys()).unwrap();
            let jwt = Jwt::read(&jws).unwrap();
            assert_eq!((jwt.token_type(), jwt.subject(), jwt.claims().value("groups")), (Some("JWT"), Some("al\"ice"), Some("a,b")));
            assert_eq!(jwt.claims().value(ORIGIN), Some(r#"{"iss":"https://issuer.example", "scheme":"api"}"#));
        }
    }

    #[test]
    fn what_an_assertion_states_by_itself_is_reserved() {
        for name in ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "cnf", "orig"] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("email") && !is_reserved("Iss"));
    }
}
