//! Simple Web Tokens by the library itself, under keys that every gateway in a box is given.

use portcullis::clock::{self, UnixTime};
use portcullis::token::swt::{Statement, SwtKey, issue};

/// The issuer that `{keys}/bouncer.b64` belongs to.
pub(crate) const ISSUER: &str = "https://nightclub.example/";
/// The audience that tokens are for unless a test says otherwise.
pub(crate) const AUDIENCE: &str = "http://localhost/bartender";
/// The claim that names the subject by default.
pub(crate) const SUBJECT: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

/// The octets of the key in `{keys}/bouncer.b64`.
pub(crate) const KEY: [u8; 32] = [0x42; 32];
/// The octets of the key in `{keys}/previous.b64`.
pub(crate) const PREVIOUS_KEY: [u8; 32] = [0x41; 32];
/// The octets of a key that no gateway knows.
pub(crate) const FOREIGN_KEY: [u8; 32] = [0x66; 32];

/// What a token will say.
#[derive(Clone)]
pub(crate) struct Token {
    claims: Vec<(String, String)>,
    issuer: String,
    audience: Option<String>,
    expires: UnixTime,
    key: [u8; 32],
}

impl Token {
    /// A good token: one hour, the usual issuer and audience, no subject.
    pub(crate) fn new() -> Self {
        Self { claims: Vec::new(), issuer: ISSUER.to_owned(), audience: Some(AUDIENCE.to_owned()), expires: in_seconds(3600), key: KEY }
    }

    /// A good token about somebody.
    pub(crate) fn of(subject: &str) -> Self {
        Self::new().claim(SUBJECT, subject)
    }

    pub(crate) fn claim(mut self, name: &str, value: &str) -> Self {
        self.claims.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    pub(crate) fn audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.to_owned());
        self
    }

    /// Ends so many seconds from now; negative for one that has ended.
    pub(crate) fn expires_in(mut self, seconds: i64) -> Self {
        self.expires = in_seconds(seconds);
        self
    }

    pub(crate) fn key(mut self, key: [u8; 32]) -> Self {
        self.key = key;
        self
    }

    /// The token itself.
    pub(crate) fn mint(&self) -> String {
        let claims: Vec<(&str, &str)> = self.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let statement =
            Statement { claims: &claims, issuer: &self.issuer, audience: self.audience.as_deref(), expires: Some(self.expires) };
        issue(&statement, &SwtKey::from_octets(&self.key).unwrap()).unwrap().to_string()
    }

    /// The value of an `Authorization` field with the token.
    pub(crate) fn credential(&self) -> String {
        format!("WRAP access_token=\"{}\"", self.mint())
    }

    /// A whole `Authorization` line with the token, CR LF included.
    pub(crate) fn authorization(&self) -> String {
        format!("Authorization: {}\r\n", self.credential())
    }
}

fn in_seconds(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(clock::now().seconds().saturating_add_signed(seconds))
}
