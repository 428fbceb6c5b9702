//! What an issuer answers when it is asked about a token (RFC 7662 §2.2), read as the claims of a token are.

use super::super::json::{Json, read_object};
use super::{Jwt, JwtSyntax};

/// The member that says whether the token holds.
const ACTIVE: &str = "active";

/// What an issuer says of a token.
#[derive(Debug)]
pub enum Introspected {
    /// It holds, and this is what it states. Nothing of that is judged yet.
    Active(Box<Jwt>),
    /// It holds no longer, or never did.
    Inactive,
}

impl Introspected {
    /// Reads an answer. Whether the token holds must be said by a truth: a text that says `true` says nothing.
    ///
    /// # Errors
    /// It is no JSON object with one reading, does not say whether the token holds, or has claims of a wrong type.
    pub fn read(octets: &[u8]) -> Result<Self, JwtSyntax> {
        let object = read_object(octets).map_err(JwtSyntax::Json)?;
        match object.member(ACTIVE) {
            Some(Json::Truth(true)) => Jwt::of_claims(&object, None, octets.len()).map(|jwt| Self::Active(Box::new(jwt))),
            Some(Json::Truth(false)) => Ok(Self::Inactive),
            Some(Json::Null | Json::Whole(_) | Json::Fraction(_) | Json::Text(_) | Json::List(_) | Json::Object(_)) | None => {
                Err(JwtSyntax::Claim(ACTIVE))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::jose::cnf::CnfSyntax;
    use crate::token::json::JsonSyntax;
    use crate::token::jwt::Holder;

    /// The example of RFC 7662 §2.2.
    const EXAMPLE: &[u8] = br#"{ "active": true, "client_id": "l238j323ds-23ij4", "username": "jdoe", "scope": "read write dolphin",
        "sub": "Z5O3upPC88QrAjx00dis", "aud": "https://protected.example.net/resource", "iss": "https://server.example.com/",
        "exp": 1419356238, "iat": 1419350238, "extension_field": "twenty-seven" }"#;

    #[test]
    fn rfc_7662_2_2_an_active_token_states_its_claims() {
        let Ok(Introspected::Active(jwt)) = Introspected::read(EXAMPLE) else { panic!("the example is active") };
        assert_eq!((jwt.subject(), jwt.issuer()), (Some("Z5O3upPC88QrAjx00dis"), Some("https://server.example.com/")));
        assert_eq!(jwt.audiences(), [Box::from("https://protected.example.net/resource")]);
        assert_eq!(jwt.claims().value("scope"), Some("read write dolphin"));
        assert!(matches!(jwt.holder(), Holder::Anyone));
    }

    #[test]
    fn rfc_7662_2_2_an_inactive_token_states_nothing() {
        for inactive in ["{\"active\":false}", "{\"active\":false,\"exp\":\"soon\",\"cnf\":1}"] {
            assert!(matches!(Introspected::read(inactive.as_bytes()), Ok(Introspected::Inactive)), "{inactive}");
        }
    }

    #[test]
    fn what_has_two_readings_or_none_is_no_answer() {
        for (answer, syntax) in [
            ("", JwtSyntax::Json(JsonSyntax::Grammar)),
            ("[true]", JwtSyntax::Json(JsonSyntax::NotAnObject)),
            ("<html>", JwtSyntax::Json(JsonSyntax::Grammar)),
            ("{\"active\":true} x", JwtSyntax::Json(JsonSyntax::Grammar)),
            ("{\"active\":false,\"active\":true}", JwtSyntax::Json(JsonSyntax::NameRepeated)),
            ("{}", JwtSyntax::Claim(ACTIVE)),
            ("{\"Active\":true}", JwtSyntax::Claim(ACTIVE)),
            ("{\"active\":\"true\"}", JwtSyntax::Claim(ACTIVE)),
            ("{\"active\":1}", JwtSyntax::Claim(ACTIVE)),
            ("{\"active\":null}", JwtSyntax::Claim(ACTIVE)),
            ("{\"active\":[true]}", JwtSyntax::Claim(ACTIVE)),
            ("{\"active\":true,\"exp\":\"1419356238\"}", JwtSyntax::Claim("exp")),
            ("{\"active\":true,\"sub\":1}", JwtSyntax::Claim("sub")),
            ("{\"active\":true,\"aud\":[1]}", JwtSyntax::Claim("aud")),
            ("{\"active\":true,\"cnf\":\"x\"}", JwtSyntax::Confirmation(CnfSyntax::NotAnObject)),
        ] {
            assert_eq!(Introspected::read(answer.as_bytes()).err(), Some(syntax), "{answer}");
        }
    }
}
