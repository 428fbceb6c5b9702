//! What a 401 says about the way in which requests are to be signed.

use super::context::PROFILE;
use crate::scheme::wssec::wire::auth_info::Authenticate;
use crate::scheme::wssec::wire::authorization::Authorization;
use crate::scheme::wssec::wire::{DigestName, SignatureName, Unreadable, Usage};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use std::fmt;

/// The field that says how to sign.
const AUTHENTICATE: &str = "x-wss-authenticate";

/// How the requests of a protection space (RFC 9110 §11.5) are signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The realm; empty where none is known.
    pub realm: Box<str>,
    /// What signatures speak of at least. Requests that have content or change something are signed with it anyway.
    pub usage: Usage,
    /// Accepted signature algorithms; empty where any is.
    pub signatures: Box<[SignatureName]>,
    /// Accepted digest algorithms; empty where any is.
    pub digests: Box<[DigestName]>,
    /// Fields that are covered where they are there, beside `authorization`, `content-type` and where the token stands.
    pub covered: Box<[Box<str>]>,
}

/// A challenge that can be met.
#[derive(Debug)]
pub(super) struct Challenge {
    /// How to sign.
    pub(super) policy: Policy,
    /// The server's nonce; empty where the requester makes its own.
    pub(super) nonce: Box<str>,
}

/// Why a challenge cannot be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// There is no challenge of this scheme.
    Foreign,
    /// There are only challenges for other realms; this is one of them.
    Realm(Box<str>),
    /// There are only challenges for other token profiles; this is one of them.
    Profile(Box<str>),
    /// A field cannot be read.
    Unreadable(Unreadable),
}

impl Policy {
    /// Whether signatures by this algorithm are accepted.
    pub fn accepts(&self, algorithm: SignatureName) -> bool {
        self.signatures.is_empty() || self.signatures.contains(&algorithm)
    }
}

impl Challenge {
    /// Finds the challenge for a token profile, in a realm unless that is empty.
    pub(super) fn find(fields: &HeaderMap, realm: &str, profile: &str) -> Result<Self, Hindrance> {
        let mut hindrance = Hindrance::Foreign;
        for field in fields.get_all(WWW_AUTHENTICATE) {
            let stated = match Authorization::read_challenge(field.as_bytes()) {
                Ok(None) => continue,
                Ok(Some(stated)) => stated,
                Err(unreadable) => {
                    hindrance = Hindrance::Unreadable(unreadable);
                    continue;
                }
            };
            if !realm.is_empty() && stated.realm != realm {
                hindrance = Hindrance::Realm(stated.realm.into());
            } else if stated.profile != profile {
                // A context is nothing that one could begin with.
                if stated.profile != PROFILE || !matches!(hindrance, Hindrance::Profile(_)) {
                    hindrance = Hindrance::Profile(stated.profile.into());
                }
            } else {
                return Self::read(&stated.realm, fields).map_err(Hindrance::Unreadable);
            }
        }
        Err(hindrance)
    }

    fn read(realm: &str, fields: &HeaderMap) -> Result<Self, Unreadable> {
        let mut values = fields.get_all(AUTHENTICATE).iter();
        let stated = match (values.next(), values.next()) {
            (None, _) => Authenticate::default(),
            (Some(field), None) => Authenticate::read(field.as_bytes())?,
            (Some(_), Some(_)) => return Err(Unreadable::FieldSyntax),
        };
        let policy = Policy {
            realm: realm.into(),
            usage: stated.usage.unwrap_or_default(),
            signatures: stated.signatures.into(),
            digests: stated.digests.into(),
            covered: stated.covered.names().iter().map(|name| Box::from(*name)).collect(),
        };
        Ok(Self { policy, nonce: stated.nonce.into() })
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the server does not ask for WSSEC"),
            Self::Realm(realm) => write!(f, "the server asks for credentials of another realm, such as {realm}"),
            Self::Profile(profile) => write!(f, "the server takes tokens of other profiles only, such as {profile}"),
            Self::Unreadable(reason) => write!(f, "the server's challenge cannot be read ({reason})"),
        }
    }
}

impl std::error::Error for Hindrance {}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn find(realm: &str, profile: &str, list: &[(&'static str, &'static str)]) -> Result<Challenge, Hindrance> {
        let mut fields = HeaderMap::new();
        for (name, value) in list {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Challenge::find(&fields, realm, profile)
    }

    const JWT: (&str, &str) = ("www-authenticate", "WSSEC realm=\"orders\", profile=\"jwt\"");
    const X509: (&str, &str) = ("www-authenticate", "WSSEC realm=\"orders\", profile=\"x509v3\"");
    const BASIC: (&str, &str) = ("www-authenticate", "Basic realm=\"x\"");
    const SPECIFICATION: (&str, &str) = (
        "x-wss-authenticate",
        "sigusage=message, sigalg=\"hmac-sha256 ed25519\", digestalg=sha-256, covered=\"accept content-type\", nonce=\"bm9uY2UtMDAwMQ==\"",
    );

    #[test]
    fn the_challenge_for_the_profile_is_found_among_others() {
        let challenge = find("", "jwt", &[BASIC, X509, JWT, SPECIFICATION]).unwrap();
        let expected = Policy {
            realm: "orders".into(),
            usage: Usage::Message,
            signatures: [SignatureName::HmacSha256, SignatureName::Ed25519].into(),
            digests: [DigestName::Sha256].into(),
            covered: ["accept".into(), "content-type".into()].into(),
        };
        assert_eq!((challenge.policy, &*challenge.nonce), (expected, "bm9uY2UtMDAwMQ=="));
    }

    #[test]
    fn what_is_not_said_is_free() {
        let challenge = find("orders", "x509v3", &[X509]).unwrap();
        assert_eq!(challenge.policy, Policy { realm: "orders".into(), ..Policy::default() });
        assert_eq!(&*challenge.nonce, "");
    }

    #[test]
    fn a_challenge_that_cannot_be_met_has_a_reason() {
        let hindrance = |realm, profile, list: &[_]| find(realm, profile, list).unwrap_err();
        assert_eq!(hindrance("", "jwt", &[]), Hindrance::Foreign);
        assert_eq!(hindrance("", "jwt", &[BASIC, SPECIFICATION]), Hindrance::Foreign);
        assert_eq!(hindrance("", "swt", &[BASIC, X509]), Hindrance::Profile("x509v3".into()));
        let context = ("www-authenticate", "WSSEC realm=\"orders\", profile=\"sct\"");
        assert_eq!(hindrance("", "swt", &[X509, context]), Hindrance::Profile("x509v3".into()));
        assert_eq!(hindrance("", "swt", &[context, X509]), Hindrance::Profile("x509v3".into()));
        assert_eq!(hindrance("", "swt", &[context]), Hindrance::Profile("sct".into()));
        assert_eq!(hindrance("shop", "jwt", &[JWT]), Hindrance::Realm("orders".into()));
        assert_eq!(hindrance("", "jwt", &[JWT, SPECIFICATION, SPECIFICATION]), Hindrance::Unreadable(Unreadable::FieldSyntax));
        let unknown = ("x-wss-authenticate", "sigalg=none");
        assert_eq!(hindrance("", "jwt", &[JWT, unknown]), Hindrance::Unreadable(Unreadable::SignatureAlgorithmUnknown));
        let no_profile = ("www-authenticate", "WSSEC realm=\"orders\"");
        assert_eq!(hindrance("", "jwt", &[no_profile]), Hindrance::Unreadable(Unreadable::ParameterMissing));
    }
}
