//! Issuing a token: registered claims in a fixed order, then what else is stated.

use super::super::jose::{self, IssuingKey, Unfit, cnf};
use super::super::json::{MAX_MEMBERS, quote};
use super::{AUDIENCE, EXPIRES, ISSUED, ISSUER, NOT_BEFORE, SUBJECT};
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, PublicKey};
use std::fmt;
use zeroize::Zeroizing;

/// What a token shall state. It does not print.
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    /// The type in the header: `JWT` or `at+jwt` for access tokens.
    pub token_type: &'a str,
    /// Who makes the token.
    pub issuer: &'a str,
    /// Whom it speaks of.
    pub subject: Option<&'a str>,
    /// For whom it is.
    pub audiences: &'a [&'a str],
    /// When it is made.
    pub issued: UnixTime,
    /// When it ends.
    pub expires: UnixTime,
    /// Further claims by name and value, in order; values are texts.
    pub claims: &'a [(&'a str, &'a str)],
    /// Whose token it is.
    pub holder: StatedHolder<'a>,
}

/// Whose token it shall be.
#[derive(Clone, Copy)]
pub enum StatedHolder<'a> {
    /// Whoever has it.
    Anyone,
    /// Who holds the private half of this key.
    Key(&'a PublicKey),
    /// Who holds the private half of this key, which the token names by its thumbprint only.
    Thumbprint(&'a PublicKey),
    /// Who connects with the certificate of this SHA-256.
    Certificate(&'a [u8; DIGEST_LENGTH]),
    /// Who holds the secret in this sealed proof key, made by [`cnf::seal`].
    Sealed(&'a str),
}

/// Why a token cannot be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueError {
    /// A claim has a name that the token sets itself.
    NameReserved,
    /// Two claims have the same name.
    NameRepeated,
    /// There are more claims than a reader takes.
    TooManyClaims,
    /// The key could not sign.
    Key(Unfit),
}

/// The claims that a statement has fields for; `nbf` would contradict `iat`.
const RESERVED: [&str; 7] = [ISSUER, SUBJECT, AUDIENCE, ISSUED, NOT_BEFORE, EXPIRES, cnf::CLAIM];

/// Issues a token.
///
/// # Errors
/// The statement has claims that no reader would take, or the key could not sign.
pub fn issue(statement: &Statement<'_>, key: &IssuingKey) -> Result<Zeroizing<String>, IssueError> {
    check_names(statement.claims)?;
    let mut payload = Zeroizing::new(String::from("{"));
    append(ISSUER, &mut payload);
    quote(statement.issuer, &mut payload);
    if let Some(subject) = statement.subject {
        append(SUBJECT, &mut payload);
        quote(subject, &mut payload);
    }
    append_audiences(statement.audiences, &mut payload);
    for (name, time) in [(ISSUED, statement.issued), (EXPIRES, statement.expires)] {
        append(name, &mut payload);
        payload.push_str(&time.seconds().to_string());
    }
    for (name, value) in statement.claims {
        append(name, &mut payload);
        quote(value, &mut payload);
    }
    append_holder(statement.holder, &mut payload);
    payload.push('}');
    jose::issue(statement.token_type, payload.as_bytes(), key).map_err(IssueError::Key)
}

fn check_names(claims: &[(&str, &str)]) -> Result<(), IssueError> {
    if claims.len() > MAX_MEMBERS.saturating_sub(RESERVED.len()) {
        return Err(IssueError::TooManyClaims);
    }
    let mut before = claims.iter();
    while let Some((name, _)) = before.next_back() {
        if RESERVED.contains(name) {
            return Err(IssueError::NameReserved);
        }
        if before.clone().any(|(other, _)| other == name) {
            return Err(IssueError::NameRepeated);
        }
    }
    Ok(())
}

pub(super) fn append(name: &str, payload: &mut String) {
    if payload.len() > 1 {
        payload.push(',');
    }
    quote(name, payload);
    payload.push(':');
}

fn append_audiences(audiences: &[&str], payload: &mut String) {
    match audiences {
        [] => {}
        [audience] => {
            append(AUDIENCE, payload);
            quote(audience, payload);
        }
        several => {
            append(AUDIENCE, payload);
            payload.push('[');
            for (place, audience) in several.iter().enumerate() {
                if place > 0 {
                    payload.push(',');
                }
                quote(audience, payload);
            }
            payload.push(']');
        }
    }
}

fn append_holder(holder: StatedHolder<'_>, payload: &mut String) {
    let confirmation = match holder {
        StatedHolder::Anyone => return,
        StatedHolder::Key(key) => cnf::issue_key(key),
        StatedHolder::Thumbprint(key) => cnf::issue_thumbprint(key),
        StatedHolder::Certificate(sha256) => cnf::issue_certificate(sha256),
        StatedHolder::Sealed(sealed) => cnf::issue_sealed(sealed),
    };
    append(cnf::CLAIM, payload);
    payload.push_str(&confirmation);
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameReserved => f.write_str("a claim named iss, sub, aud, iat, nbf, exp or cnf, which the token sets itself"),
            Self::NameRepeated => f.write_str("two claims of the same name"),
            Self::TooManyClaims => f.write_str("more claims than a token may have"),
            Self::Key(unfit) => unfit.fmt(f),
        }
    }
}

impl std::error::Error for IssueError {}
