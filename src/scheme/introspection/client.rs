//! How the gateway proves to an issuer who it is (RFC 6749 §2.3.1, RFC 7523 §2.2).

use crate::clock::UnixTime;
use crate::crypto::{Random, SystemRandom, base64, base64url};
use crate::token::form;
use crate::token::jose::IssuingKey;
use crate::token::jwt::{self, StatedHolder, Statement};
use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How long a signed statement holds, in seconds.
const LIFETIME: u64 = 60;
/// The octets of a statement's identifier before they are written.
const IDENTIFIER: usize = 16;
/// What the form calls a statement that is a JSON Web Token (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who we are to an issuer. It does not print.
pub(super) enum Client {
    /// This value of `Authorization`.
    Basic(HeaderValue),
    /// These members of the form, each with `&` before it.
    Post(Zeroizing<String>),
    /// A new statement for each question.
    Assertion(Box<Signer>),
}

/// Signs statements about us.
pub(super) struct Signer {
    pub(super) id: Box<str>,
    pub(super) audience: Box<str>,
    pub(super) key: IssuingKey,
    pub(super) random: Arc<SystemRandom>,
}

/// There is no statement about us: no randomness, or the key could not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsigned;

impl Client {
    /// Identifier and secret in `Authorization`; nothing where they are too long for a field.
    pub(super) fn basic(id: &str, secret: &str) -> Option<Self> {
        let mut pair = Zeroizing::new(String::new());
        form::encode_into(id, &mut pair);
        pair.push(':');
        form::encode_into(secret, &mut pair);
        let text = Zeroizing::new(["Basic ", &base64::encode(pair.as_bytes())].concat());
        let mut value = HeaderValue::try_from(&**text).ok()?;
        value.set_sensitive(true);
        Some(Self::Basic(value))
    }

    /// Identifier and secret in the form.
    pub(super) fn post(id: &str, secret: &str) -> Self {
        let mut members = Zeroizing::new(String::new());
        append("client_id", id, &mut members);
        append("client_secret", secret, &mut members);
        Self::Post(members)
    }

    /// The fields and the form that ask about a token.
    ///
    /// # Errors
    /// There is no statement about us.
    pub(super) fn question(&self, token: &str, now: UnixTime) -> Result<(HeaderMap, Vec<u8>), Unsigned> {
        let mut fields = HeaderMap::with_capacity(2);
        fields.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut form = String::from("token_type_hint=access_token");
        append("token", token, &mut form);
        match self {
            Self::Basic(value) => drop(fields.insert(AUTHORIZATION, value.clone())),
            Self::Post(members) => form.push_str(members),
            Self::Assertion(signer) => {
                append("client_id", &signer.id, &mut form);
                append("client_assertion_type", ASSERTION_TYPE, &mut form);
                append("client_assertion", &signer.statement(now)?, &mut form);
            }
        }
        Ok((fields, form.into_bytes()))
    }
}

impl Signer {
    fn statement(&self, now: UnixTime) -> Result<Zeroizing<String>, Unsigned> {
        let mut identifier = [0; IDENTIFIER];
        self.random.fill(&mut identifier).map_err(|_| Unsigned)?;
        let statement = Statement {
            token_type: "JWT",
            issuer: &self.id,
            subject: Some(&self.id),
            audiences: &[&self.audience],
            issued: now,
            expires: now.later(LIFETIME),
            claims: &[(jwt::ID, &base64url::encode(&identifier))],
            holder: StatedHolder::Anyone,
        };
        jwt::issue(&statement, &self.key).map_err(|_| Unsigned)
    }
}

fn append(name: &str, value: &str, form: &mut String) {
    form.push('&');
    form.push_str(name);
    form.push('=');
    form::encode_into(value, form);
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{NewKey, SigningKey};
    use crate::token::jose::{Unconfirmed, VerificationKey};
    use crate::token::jwt::Jwt;

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

    fn asked(client: &Client) -> (HeaderMap, String) {
        let (fields, form) = client.question("a+b/c=", NOW).unwrap();
        (fields, String::from_utf8(form).unwrap())
    }

    #[test]
    fn rfc_6749_2_3_1_both_parts_are_encoded_before_they_are_joined() {
        let (fields, form) = asked(&Client::basic("g:w", "s ü%&").unwrap());
        assert_eq!(form, "token_type_hint=access_token&token=a%2bb%2fc%3d");
        let value = &fields[AUTHORIZATION];
        assert_eq!(value.as_bytes(), format!("Basic {}", base64::encode(b"g%3aw:s+%c3%bc%25%26")).as_bytes());
        assert!(value.is_sensitive());
    }

    #[test]
    fn secrets_stand_in_the_form_only_where_that_is_asked_for() {
        let (fields, form) = asked(&Client::post("gw", "s&client_id=x"));
        assert_eq!(form, "token_type_hint=access_token&token=a%2bb%2fc%3d&client_id=gw&client_secret=s%26client_id%3dx");
        assert!(!fields.contains_key(AUTHORIZATION));
    }

    #[test]
    fn rfc_7523_3_each_statement_is_about_us_for_them_and_new() {
        for kind in [NewKey::P256, NewKey::Ed25519] {
            let key = SigningKey::generate(kind).unwrap();
            let public = VerificationKey::public(key.public().clone(), None, None).unwrap();
            let key = IssuingKey::signing(key, None).unwrap();
            let signer = Signer { id: "gw".into(), audience: "https://a.example/".into(), key, random: Arc::new(SystemRandom::new()) };
            let client = Client::Assertion(Box::new(signer));
            let statements: Vec<_> =
                [asked(&client), asked(&client)]
                    .into_iter()
                    .map(|(_, form)| {
                        let (before, statement) = form.split_once("&client_assertion=").unwrap();
                        assert!(before.ends_with(
                            "&client_id=gw&client_assertion_type=urn%3aietf%3aparams%3aoauth%3aclient-assertion-type%3ajwt-bearer"
                        ));
                        statement.to_owned()
                    })
                    .collect();
            assert_ne!(statements[0], statements[1]);
            let jwt = Jwt::read(&Unconfirmed::parse(&statements[0]).unwrap().confirmed_by(&[public]).unwrap()).unwrap();
            assert_eq!((jwt.issuer(), jwt.subject()), (Some("gw"), Some("gw")));
            assert_eq!(jwt.audiences(), [Box::from("https://a.example/")]);
            assert_eq!(jwt.judge_times(NOW.later(59), 0), Ok(NOW.later(60)));
            assert!(jwt.claims().value("jti").is_some_and(|id| id.len() == 22));
        }
    }

    #[test]
    fn it_does_not_print() {
        assert_eq!(format!("{:?} {:?}", Client::post("gw", "secret"), Client::basic("gw", "secret")), "Client(…) Some(Client(…))");
    }
}
