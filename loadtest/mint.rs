//! Tokens for the load, each unlike all before it.

use portcullis::clock::{self, UnixTime};
use portcullis::token::swt::{self, IssueError, SwtKey};
use std::cell::Cell;
use std::fmt;

/// What every token states.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// Who makes the token.
    pub(crate) issuer: Box<str>,
    /// Whom it is for.
    pub(crate) audience: Box<str>,
    /// Further claims.
    pub(crate) claims: Vec<(Box<str>, Box<str>)>,
}

/// Makes Simple Web Tokens (SWT 0.9.5.1).
#[derive(Debug)]
pub(crate) struct SwtMint {
    key: SwtKey,
    statement: Statement,
    run: u64,
    serial: Cell<u64>,
}

/// Why there can be no mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MintError {
    /// What should be the key is none.
    NotAKey,
    /// The claims are none that a token can hold.
    Claims(IssueError),
}

impl SwtMint {
    /// A mint with a key as its file holds it.
    ///
    /// # Errors
    /// It is not a key, or the claims cannot be stated.
    pub(crate) fn build(key: &[u8], statement: Statement) -> Result<Self, MintError> {
        let key = SwtKey::from_text(key).map_err(|_| MintError::NotAKey)?;
        let mint = Self { key, statement, run: clock::now().seconds(), serial: Cell::new(0) };
        mint.issue(clock::now(), &mut Vec::new()).map_err(MintError::Claims)?;
        Ok(mint)
    }

    /// Appends a token that was not made before and holds until `expires`.
    pub(crate) fn mint(&self, expires: UnixTime, into: &mut Vec<u8>) {
        // The same names were accepted when the mint was built, and only names are ever refused.
        let _accepted = self.issue(expires, into);
    }

    fn issue(&self, expires: UnixTime, into: &mut Vec<u8>) -> Result<(), IssueError> {
        let serial = format!("{}-{}", self.run, self.serial.replace(self.serial.get() + 1));
        let Statement { issuer, audience, claims } = &self.statement;
        let claims: Vec<_> = [("serial", &*serial)].into_iter().chain(claims.iter().map(|(name, value)| (&**name, &**value))).collect();
        let statement = swt::Statement { claims: &claims, issuer, audience: Some(audience), expires: Some(expires) };
        into.extend_from_slice(swt::issue(&statement, &self.key)?.as_bytes());
        Ok(())
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAKey => f.write_str("not a key: expected 32 octets in base64"),
            Self::Claims(error) => write!(f, "--claim: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=\n";

    fn statement(claims: &[(&str, &str)]) -> Statement {
        let claims = claims.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Statement { issuer: "https://i/".into(), audience: "a".into(), claims }
    }

    fn token(mint: &SwtMint) -> String {
        let mut token = Vec::new();
        mint.mint(UnixTime::from_seconds(1_262_304_000), &mut token);
        String::from_utf8(token).unwrap()
    }

    #[test]
    fn a_token_says_what_it_should_and_verifies() {
        let mint = SwtMint::build(KEY, statement(&[("Role", "patron")])).unwrap();
        let token = token(&mint);
        assert!(token.starts_with("serial=") && token.contains("&Role=patron&"), "{token}");
        let read = swt::Unconfirmed::parse(&token).unwrap().confirmed_by([&SwtKey::from_text(KEY).unwrap()]).unwrap();
        assert_eq!((read.issuer(), read.audience()), (Some("https://i/"), Some("a")));
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let mint = SwtMint::build(KEY, statement(&[])).unwrap();
        assert_ne!(token(&mint), token(&mint));
    }

    #[test]
    fn what_cannot_be_minted_is_refused_at_once() {
        for wrong in ["", "not base64!", "c2hvcnQ="] {
            assert_eq!(SwtMint::build(wrong.as_bytes(), statement(&[])).unwrap_err(), MintError::NotAKey, "{wrong}");
        }
        for name in ["Issuer", "serial", ""] {
            assert!(matches!(SwtMint::build(KEY, statement(&[(name, "x")])), Err(MintError::Claims(_))), "{name}");
        }
    }
}
