//! `Authorization: WSSEC` and `WWW-Authenticate: WSSEC`: realm and token profile.

use super::Unreadable;
use super::params::{self, Value, Writer};
use std::borrow::Cow;
use std::fmt;

/// The scheme's word; it is read in any case (RFC 9110 §11.1).
pub const SCHEME_WORD: &str = "WSSEC";

/// Realm and profile of credentials; each is empty where it is not stated. Its `Display` is the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization<'r> {
    /// The realm; empty where none is stated.
    pub realm: Cow<'r, str>,
    /// The token profile; empty where none is stated.
    pub profile: Cow<'r, str>,
}

impl<'r> Authorization<'r> {
    /// Reads the field; nothing if it is another scheme's.
    ///
    /// # Errors
    /// It is this scheme's and cannot be read. What is stated must not be empty.
    pub fn read(field: &'r [u8]) -> Result<Option<Self>, Unreadable> {
        let Some(rest) = after_scheme(field) else { return Ok(None) };
        let rest = rest.trim_ascii();
        if rest.is_empty() {
            return Ok(Some(Self::default()));
        }
        // By the letter of the grammar a comma precedes the profile even where no realm precedes the comma.
        let lone_profile = rest.strip_prefix(b",");
        let [realm, profile] = params::read_in_any_case(lone_profile.unwrap_or(rest), ["realm", "profile"])?;
        if lone_profile.is_some() && realm.is_some() {
            return Err(Unreadable::FieldSyntax);
        }
        Ok(Some(Self { realm: stated(realm)?, profile: stated(profile)? }))
    }

    /// Reads a challenge, which states both; nothing if it is another scheme's.
    ///
    /// # Errors
    /// It is this scheme's and cannot be read.
    pub fn read_challenge(field: &'r [u8]) -> Result<Option<Self>, Unreadable> {
        match Self::read(field)? {
            Some(challenge) if challenge.realm.is_empty() || challenge.profile.is_empty() => Err(Unreadable::ParameterMissing),
            read => Ok(read),
        }
    }
}

fn stated(value: Option<Value<'_>>) -> Result<Cow<'_, str>, Unreadable> {
    match value.map(Value::quoted).transpose()? {
        Some(text) if text.is_empty() => Err(Unreadable::ParameterValue),
        stated => Ok(stated.unwrap_or_default()),
    }
}

/// What follows the scheme's word, which ends with a space or with the field.
fn after_scheme(field: &[u8]) -> Option<&[u8]> {
    let (word, rest) = field.split_at_checked(SCHEME_WORD.len())?;
    let ends = rest.first().is_none_or(|octet| !params::is_token_octet(*octet));
    (ends && word.eq_ignore_ascii_case(SCHEME_WORD.as_bytes())).then_some(rest)
}

impl fmt::Display for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME_WORD)?;
        if self.realm.is_empty() && self.profile.is_empty() {
            return Ok(());
        }
        f.write_str(" ")?;
        let mut to = Writer::new(f);
        for (name, value) in [("realm", &self.realm), ("profile", &self.profile)] {
            if !value.is_empty() {
                to.quoted(name, value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Result<Option<(String, String)>, Unreadable> {
        let read = Authorization::read(field.as_bytes())?;
        Ok(read.map(|read| (read.realm.into_owned(), read.profile.into_owned())))
    }

    fn both(realm: &str, profile: &str) -> Result<Option<(String, String)>, Unreadable> {
        Ok(Some((realm.to_owned(), profile.to_owned())))
    }

    #[test]
    fn realm_and_profile_may_be_absent() {
        assert_eq!(read("WSSEC"), both("", ""));
        assert_eq!(read("WSSEC  "), both("", ""));
        assert_eq!(read("wssec realm=\"orders\""), both("orders", ""));
        assert_eq!(read("WSSEC profile=\"jwt\""), both("", "jwt"));
        assert_eq!(read("WSSEC , profile=\"jwt\""), both("", "jwt"));
        assert_eq!(read("WsSeC   Realm=\"a \\\"b\\\"\" , PROFILE=\"urn:x\""), both("a \"b\"", "urn:x"));
    }

    #[test]
    fn other_schemes_are_not_ours() {
        for field in ["", "WSSE", "WSSECX", "WSSEC-2 realm=\"x\"", "Bearer x", "Basic WSSEC", " WSSEC"] {
            assert_eq!(read(field), Ok(None), "{field}");
        }
        assert_eq!(Authorization::read(b"\xff\xff\xff\xff\xff\xff"), Ok(None));
    }

    #[test]
    fn what_is_ours_follows_the_grammar() {
        for field in [
            "WSSEC x",
            "WSSEC=",
            "WSSEC,realm=\"x\"",
            "WSSEC realm=x",
            "WSSEC realm=\"x\", profile=jwt",
            "WSSEC realm=\"x\" profile=\"y\"",
            "WSSEC realm=\"x\",",
            "WSSEC , realm=\"x\"",
            "WSSEC , profile=\"y\", realm=\"x\"",
            "WSSEC ,",
        ] {
            assert_eq!(read(field), Err(Unreadable::FieldSyntax), "{field}");
        }
        assert_eq!(read("WSSEC realm=\"x\", realm=\"x\""), Err(Unreadable::ParameterRepeated));
        assert_eq!(read("WSSEC realm=\"x\", nonce=\"y\""), Err(Unreadable::ParameterUnknown));
        assert_eq!(read("WSSEC realm=\"\""), Err(Unreadable::ParameterValue));
        assert_eq!(read("WSSEC realm=\"é\""), Err(Unreadable::FieldOctets));
    }

    #[test]
    fn a_challenge_states_both() {
        let field = b"WSSEC realm=\"orders\", profile=\"saml2\"";
        let challenge = Authorization::read_challenge(field).unwrap().unwrap();
        assert_eq!((&*challenge.realm, &*challenge.profile), ("orders", "saml2"));
        assert_eq!(challenge.to_string().as_bytes(), field);
        assert_eq!(Authorization::read_challenge(b"WSSEC realm=\"orders\""), Err(Unreadable::ParameterMissing));
        assert_eq!(Authorization::read_challenge(b"Basic realm=\"orders\""), Ok(None));
        assert_eq!(Authorization::default().to_string(), "WSSEC");
        assert_eq!(Authorization { realm: "".into(), profile: "jwt".into() }.to_string(), "WSSEC profile=\"jwt\"");
    }
}
