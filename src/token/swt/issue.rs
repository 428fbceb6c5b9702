//! Minting a token: claims, issuer, audience, expiry, MAC, in the order and the letter case of ACS v1.

use super::super::form;
use super::{AUDIENCE, EXPIRES_ON, ISSUER, MAC, MAX_PAIRS, SwtKey};
use crate::clock::UnixTime;
use crate::crypto::base64;
use std::fmt;
use zeroize::Zeroizing;

/// What a token shall state. Only an assertion may be without audience or expiry. It does not print.
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    /// Claims by name and value, in order; several values of one claim are joined with commas.
    pub claims: &'a [(&'a str, &'a str)],
    /// Who makes the token.
    pub issuer: &'a str,
    /// For whom it is.
    pub audience: Option<&'a str>,
    /// When it ends.
    pub expires: Option<UnixTime>,
}

/// Why a token cannot be minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueError {
    /// A claim has no name.
    NameEmpty,
    /// A claim has one of the four names that the specification reserves.
    NameReserved,
    /// Two claims have the same name.
    NameRepeated,
    /// There are more pairs than a reader takes.
    TooManyPairs,
}

/// Mints a token.
///
/// # Errors
/// The statement has claims that no reader would take.
pub fn issue(statement: &Statement<'_>, key: &SwtKey) -> Result<Zeroizing<String>, IssueError> {
    check_names(statement.claims)?;
    let mut token = Zeroizing::new(String::new());
    for (name, value) in statement.claims {
        append(&mut token, name, value);
    }
    append(&mut token, ISSUER, statement.issuer);
    if let Some(audience) = statement.audience {
        append(&mut token, AUDIENCE, audience);
    }
    if let Some(expires) = statement.expires {
        append(&mut token, EXPIRES_ON, &expires.seconds().to_string());
    }
    let mac = key.sign(token.as_bytes());
    append(&mut token, MAC, &base64::encode(mac.as_ref()));
    Ok(token)
}

fn check_names(claims: &[(&str, &str)]) -> Result<(), IssueError> {
    const RESERVED: [&str; 4] = [ISSUER, AUDIENCE, EXPIRES_ON, MAC];
    if claims.len() > MAX_PAIRS.saturating_sub(RESERVED.len()) {
        return Err(IssueError::TooManyPairs);
    }
    let mut before = claims.iter();
    while let Some((name, _)) = before.next_back() {
        match *name {
            "" => return Err(IssueError::NameEmpty),
            name if RESERVED.contains(&name) => return Err(IssueError::NameReserved),
            name if before.clone().any(|(other, _)| *other == name) => return Err(IssueError::NameRepeated),
            _ => {}
        }
    }
    Ok(())
}

fn append(token: &mut String, name: &str, value: &str) {
    if !token.is_empty() {
        token.push('&');
    }
    form::encode_into(name, token);
    token.push('=');
    form::encode_into(value, token);
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameEmpty => "a claim without a name",
            Self::NameReserved => "a claim named Issuer, Audience, ExpiresOn or HMACSHA256, which the token sets itself",
            Self::NameRepeated => "two claims of the same name; join their values with a comma",
            Self::TooManyPairs => "more claims than a token may have",
        })
    }
}

impl std::error::Error for IssueError {}
