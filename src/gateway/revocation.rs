//! What operators take back: one context by the name that logs give its token, or all contexts of a subject.

use super::live::Live;
use crate::clock::UnixTime;
use crate::store::{KEY_LENGTH, Revocations, RevocationsFull, Subject};
use crate::telemetry::audit::{self, AuditEvent};
use crate::token::form::{self, FormSyntax};
use http::StatusCode;
use std::borrow::Cow;

/// How long a revocation is remembered: no context lives longer.
const REMEMBERED: u64 = 366 * 86_400;

/// What is asked for, and what the answer says when it is none of that.
const USAGE: &str = "either token, the 16 hexadecimal digits by which logs name a context token, or issuer and subject\n";

/// Whose contexts end.
enum Revoked<'q> {
    /// The one whose token has this fingerprint.
    Token([u8; 8]),
    /// All that were issued to somebody up to now.
    Subject { issuer: Cow<'q, str>, name: Cow<'q, str> },
}

/// Revokes what a query names; the answer's status and text.
pub(super) async fn revoke(query: &str, live: &Live, now: UnixTime) -> (StatusCode, &'static str) {
    let Some(revoked) = read(query) else { return (StatusCode::BAD_REQUEST, USAGE) };
    let revocations = &live.snapshot.lasting.stores.revocations;
    let until = now.later(REMEMBERED);
    let outcome = match &revoked {
        Revoked::Token(fingerprint) => revocations.revoke_id(id(*fingerprint), until, now).await,
        Revoked::Subject { issuer, name } => revocations.revoke_subject(Subject { issuer, name }, now, until, now).await,
    };
    match outcome {
        Ok(()) => {
            record(&revoked);
            (StatusCode::OK, "revoked\n")
        }
        Err(RevocationsFull) => (StatusCode::SERVICE_UNAVAILABLE, "not revoked: stores.revocations are in force already\n"),
    }
}

/// What a context token is revoked by: the beginning of its SHA-256.
fn id(fingerprint: [u8; 8]) -> [u8; KEY_LENGTH] {
    let mut id = [0; KEY_LENGTH];
    id.iter_mut().zip(fingerprint).for_each(|(to, from)| *to = from);
    id
}

fn record(revoked: &Revoked<'_>) {
    let (issuer, subject, token) = match revoked {
        Revoked::Token(fingerprint) => ("", "", u64::from_be_bytes(*fingerprint)),
        Revoked::Subject { issuer, name } => (&**issuer, &**name, 0),
    };
    audit::record(&AuditEvent::ContextsRevoked { issuer, subject, token });
}

fn read(query: &str) -> Option<Revoked<'_>> {
    let mut pairs = form::pairs(query.as_bytes());
    match (pairs.next()?, pairs.next(), pairs.next()) {
        (token, None, None) if token.name == b"token" => fingerprint(token.value).map(Revoked::Token),
        (issuer, Some(subject), None) if issuer.name == b"issuer" && subject.name == b"subject" => {
            let (issuer, name) = (decoded(issuer.value).ok()?, decoded(subject.value).ok()?);
            (!issuer.is_empty() && !name.is_empty()).then_some(Revoked::Subject { issuer, name })
        }
        _ => None,
    }
}

fn decoded(value: &[u8]) -> Result<Cow<'_, str>, FormSyntax> {
    form::decode(value)
}

fn fingerprint(digits: &[u8]) -> Option<[u8; 8]> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 16 && digits.bytes().all(|octet| octet.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok().map(u64::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_one_context_or_one_subject() {
        assert!(matches!(read("token=e4d8506e1639ba9d"), Some(Revoked::Token([0xe4, 0xd8, 0x50, 0x6e, 0x16, 0x39, 0xba, 0x9d]))));
        let Some(Revoked::Subject { issuer, name }) = read("issuer=https%3A%2F%2Fsts.example&subject=a+b") else { panic!() };
        assert_eq!((&*issuer, &*name), ("https://sts.example", "a b"));
        for wrong in [
            "",
            "token=",
            "token=e4d8506e1639ba9",
            "token=+4d8506e1639ba9d",
            "token=g4d8506e1639ba9d",
            "token=e4d8506e1639ba9d&token=e4d8506e1639ba9d",
            "issuer=x",
            "subject=y&issuer=x",
            "issuer=x&subject=",
            "issuer=&subject=y",
            "issuer=%zz&subject=y",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
