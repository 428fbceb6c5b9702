//! Confirmation (RFC 7800): the key whose holder a token speaks of, and nobody else.

use super::super::json::{Json, JsonSyntax, Object, read_object};
use super::jwe::{self, JweSyntax, Management, Sealed, SealingFailed, SharedKey};
use super::jwk::{check_secret, read_secret};
use super::{Algorithm, JwkSyntax, Material, VerificationKey, describe, thumbprint};
use crate::crypto::{DIGEST_LENGTH, PublicKey, Random, base64url};
use std::fmt;
use zeroize::Zeroizing;

/// The claim.
pub const CLAIM: &str = "cnf";
/// The claim in which a Simple Web Token, which has no objects, carries a sealed proof key.
pub const SEALED_CLAIM: &str = "cnf.jwe";

/// What a token says of its holder, of a token that states it.
#[derive(Clone, Debug)]
pub enum Confirmation {
    /// `jwk`: who holds the private half of this key (§3.2).
    Key(Box<ProofKey>),
    /// `jwe`: who holds the secret that is sealed here (§3.3).
    Sealed(Box<str>),
    /// `jkt`: who holds the private half of the key with this thumbprint (RFC 9449 §6.1, RFC 7638).
    Thumbprint([u8; DIGEST_LENGTH]),
    /// `x5t#S256`: who connects with the certificate of this SHA-256 (RFC 8705 §3.1).
    Certificate([u8; DIGEST_LENGTH]),
}

/// The key that a holder proves to have. It shows no secret and wipes itself.
#[derive(Clone, Debug)]
pub struct ProofKey {
    material: ProofMaterial,
    bound: Option<Algorithm>,
}

/// What a proof key is made of.
#[derive(Clone)]
pub enum ProofMaterial {
    /// The holder signs, and we check with this.
    Public(PublicKey),
    /// Holder and gateway make MACs with these octets, 32 to 128 of them.
    Secret(Zeroizing<Box<[u8]>>),
}

/// Why a confirmation cannot be taken. A token with one is never taken without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CnfSyntax {
    /// The claim is not an object.
    NotAnObject,
    /// It has no method, several, or one that we do not know (§3.1).
    Method,
    /// The thumbprint is not 32 octets in base64url.
    Thumbprint,
    /// The holder is only named, by a thumbprint: there is no key in it to open.
    KeyAbsent,
    /// The key in it cannot be used.
    Key(JwkSyntax),
    /// It is a secret in the clear, where only a public key may stand (§3.2).
    BareSecret,
    /// The sealed key does not have the right shape.
    Sealed(JweSyntax),
    /// The sealed key does not open, or there is no key to open it with.
    Unopened,
    /// What was sealed is not a secret key in JSON.
    Content(JwkSyntax),
}

impl Confirmation {
    /// Reads the claim's object.
    ///
    /// # Errors
    /// It has other methods than exactly one that we know, or its key cannot be used.
    pub fn read(object: &Object<'_>) -> Result<Self, CnfSyntax> {
        let mut methods = object.iter();
        match (methods.next(), methods.next()) {
            (Some(("jwk", key)), None) => ProofKey::from_jwk(key.object().ok_or(CnfSyntax::Key(NOT_AN_OBJECT))?),
            (Some(("jwe", sealed)), None) => {
                let text = sealed.text().ok_or(CnfSyntax::Sealed(JweSyntax::Parts))?;
                return Sealed::parse(text).map(|_| Self::Sealed(text.into())).map_err(CnfSyntax::Sealed);
            }
            (Some((THUMBPRINT, digest)), None) => return read_digest(digest).map(Self::Thumbprint),
            (Some((CERTIFICATE, digest)), None) => return read_digest(digest).map(Self::Certificate),
            _ => return Err(CnfSyntax::Method),
        }
        .map(|key| Self::Key(Box::new(key)))
    }

    /// The proof key; a sealed one is opened.
    ///
    /// # Errors
    /// The key is sealed, and none of these opens it or what is inside is no secret key; or there is only a thumbprint.
    pub fn open<'k>(self, keys: impl IntoIterator<Item = &'k SharedKey>) -> Result<ProofKey, CnfSyntax> {
        match self {
            Self::Key(key) => Ok(*key),
            Self::Sealed(text) => open_sealed(&text, keys),
            Self::Thumbprint(_) | Self::Certificate(_) => Err(CnfSyntax::KeyAbsent),
        }
    }
}

/// The method that names a key by its thumbprint.
const THUMBPRINT: &str = "jkt";
/// The method that names a certificate by its SHA-256.
const CERTIFICATE: &str = "x5t#S256";

fn read_digest(value: &Json<'_>) -> Result<[u8; DIGEST_LENGTH], CnfSyntax> {
    let text = value.text().ok_or(CnfSyntax::Thumbprint)?;
    base64url::decode_exactly(text.as_bytes()).map_err(|_| CnfSyntax::Thumbprint)
}

const NOT_AN_OBJECT: JwkSyntax = JwkSyntax::Json(JsonSyntax::NotAnObject);

/// Opens a sealed proof key, trying the shared keys in order.
///
/// # Errors
/// It does not have the right shape, none of the keys opens it, or what is inside is no secret key.
pub fn open_sealed<'k>(text: &str, keys: impl IntoIterator<Item = &'k SharedKey>) -> Result<ProofKey, CnfSyntax> {
    let mut reason = CnfSyntax::Unopened;
    for key in keys {
        match Sealed::parse(text).map_err(CnfSyntax::Sealed)?.open(key) {
            Ok(content) => return ProofKey::from_secret_jwk(&content).map_err(CnfSyntax::Content),
            Err(jwe::Unopened) => reason = CnfSyntax::Unopened,
        }
    }
    Err(reason)
}

impl ProofKey {
    fn from_jwk(object: &Object<'_>) -> Result<Self, CnfSyntax> {
        let key = VerificationKey::read(object).map_err(CnfSyntax::Key)?;
        match key.material() {
            Material::Public(public) => Ok(Self { material: ProofMaterial::Public(public.clone()), bound: key.bound() }),
            Material::Secret(_) => Err(CnfSyntax::BareSecret),
        }
    }

    /// Reads the content of a sealed key: `{"kty":"oct","k":…}`, perhaps with its `alg`.
    fn from_secret_jwk(content: &[u8]) -> Result<Self, JwkSyntax> {
        let object = read_object(content).map_err(JwkSyntax::Json)?;
        if object.text("kty") != Ok(Some("oct")) {
            return Err(JwkSyntax::Kind);
        }
        let bound = match object.text("alg").map_err(|_| JwkSyntax::Member("alg"))? {
            Some(name) => Some(Algorithm::find(name).ok_or(JwkSyntax::Algorithm)?),
            None => None,
        };
        Self::from_secret(&read_secret(&object)?, bound)
    }

    /// A secret, and the one MAC that it is for, if there is one.
    ///
    /// # Errors
    /// It is too short or too long, or the algorithm makes no MACs.
    pub fn from_secret(octets: &[u8], bound: Option<Algorithm>) -> Result<Self, JwkSyntax> {
        check_secret(octets, bound)?;
        Ok(Self { material: ProofMaterial::Secret(Zeroizing::new(octets.into())), bound })
    }

    /// What it is made of.
    pub const fn material(&self) -> &ProofMaterial {
        &self.material
    }

    /// The one algorithm that it is for, if the issuer said so.
    pub const fn bound(&self) -> Option<Algorithm> {
        self.bound
    }
}

/// The claim for the holder of a private key, as JSON.
pub fn issue_key(key: &PublicKey) -> String {
    format!("{{\"jwk\":{}}}", describe(key, &thumbprint(key), None))
}

/// The claim for the holder of a private key, as JSON, by the thumbprint of its public half.
pub fn issue_thumbprint(key: &PublicKey) -> String {
    format!("{{\"{THUMBPRINT}\":\"{}\"}}", thumbprint(key))
}

/// The claim for the holder of a certificate of this SHA-256, as JSON.
pub fn issue_certificate(sha256: &[u8; DIGEST_LENGTH]) -> String {
    format!("{{\"{CERTIFICATE}\":\"{}\"}}", base64url::encode(sha256))
}

/// The claim for the holder of a secret, as JSON, from what [`seal`] made.
pub fn issue_sealed(sealed: &str) -> String {
    format!("{{\"jwe\":\"{sealed}\"}}")
}

/// Seals a proof key.
///
/// # Errors
/// The secret is too short or too long, or cannot be sealed.
pub fn seal(
    secret: &[u8],
    key: &SharedKey,
    management: Management,
    key_id: Option<&str>,
    random: &impl Random,
) -> Result<Zeroizing<String>, SealFault> {
    check_secret(secret, None).map_err(SealFault::Secret)?;
    let mut content = Zeroizing::new(String::with_capacity(secret.len().saturating_mul(2).saturating_add(32)));
    content.push_str("{\"kty\":\"oct\",\"k\":\"");
    base64url::append(secret, &mut content);
    content.push_str("\"}");
    jwe::issue(content.as_bytes(), key, management, key_id, random).map_err(SealFault::Sealing)
}

/// Why a proof key cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealFault {
    /// It is too short or too long.
    Secret(JwkSyntax),
    /// There is no randomness, or the library refused.
    Sealing(SealingFailed),
}

impl fmt::Debug for ProofMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(key) => key.fmt(f),
            Self::Secret(_) => f.write_str("Secret(…)"),
        }
    }
}

impl fmt::Display for CnfSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("`cnf` is not an object"),
            Self::Method => f.write_str("`cnf` does not have exactly one of `jwk`, `jwe`, `jkt` and `x5t#S256`"),
            Self::Thumbprint => f.write_str("`cnf` has a thumbprint that is not 32 octets in base64url"),
            Self::KeyAbsent => f.write_str("`cnf` names a key by its thumbprint, where the key itself is wanted"),
            Self::Key(syntax) => write!(f, "`cnf` has {syntax}"),
            Self::BareSecret => f.write_str("`cnf` has a secret that is not sealed"),
            Self::Sealed(syntax) => write!(f, "`cnf` has a sealed key, and {syntax}"),
            Self::Unopened => f.write_str("`cnf` has a sealed key that does not open"),
            Self::Content(syntax) => write!(f, "`cnf` has a sealed key, and in it {syntax}"),
        }
    }
}

impl fmt::Display for SealFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(syntax) => syntax.fmt(f),
            Self::Sealing(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for CnfSyntax {}
impl std::error::Error for SealFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    /// RFC 7800 §3.2.
    const KEY: &str = r#"{"kty":"EC","use":"sig","crv":"P-256","x":"18wHLeIgW9wVN6VD1Txgpqy2LszYkMf6J8njVAibvhM","y":"-V4dS4UaLMgP_4fY4j8ir7cl1TXlFdAgcx55o7TkcSA"}"#;

    fn shared(seed: u8) -> SharedKey {
        SharedKey::from_octets(&[seed; 32]).unwrap()
    }

    fn read(json: &str) -> Result<Confirmation, CnfSyntax> {
        Confirmation::read(&read_object(json.as_bytes()).unwrap())
    }

    fn sealing(content: &str) -> String {
        let sealed = jwe::issue(content.as_bytes(), &shared(7), Management::Wrapped, None, &SystemRandom::new()).unwrap();
        issue_sealed(&sealed)
    }

    #[test]
    fn rfc_7800_3_2_binds_to_a_public_key() {
        let key = read(&format!("{{\"jwk\":{KEY}}}")).unwrap().open([]).unwrap();
        let ProofMaterial::Public(public) = key.material() else { panic!() };
        assert_eq!(key.bound(), None);
        let again = read(&issue_key(public)).unwrap().open([]).unwrap();
        assert!(matches!(again.material(), ProofMaterial::Public(same) if same == public));
    }

    #[test]
    fn an_algorithm_in_the_key_binds_it() {
        let bound = KEY.replace(r#""use":"sig""#, r#""alg":"ES256""#);
        assert_eq!(read(&format!("{{\"jwk\":{bound}}}")).unwrap().open([]).unwrap().bound(), Some(Algorithm::Es256));
        let content = format!(r#"{{"kty":"oct","alg":"HS256","k":"{}"}}"#, base64url::encode(&[1; 32]));
        assert_eq!(read(&sealing(&content)).unwrap().open([&shared(7)]).unwrap().bound(), Some(Algorithm::Hs256));
    }

    #[test]
    fn a_sealed_secret_is_opened_by_any_key_of_the_ring() {
        for management in [Management::Direct, Management::Wrapped] {
            let sealed = seal(&[9; 32], &shared(7), management, None, &SystemRandom::new()).unwrap();
            let confirmation = read(&issue_sealed(&sealed)).unwrap();
            let key = confirmation.clone().open([&shared(1), &shared(7)]).unwrap();
            assert!(matches!(key.material(), ProofMaterial::Secret(octets) if ***octets == [9; 32]));
            assert_eq!(confirmation.clone().open([&shared(1)]).err(), Some(CnfSyntax::Unopened));
            assert_eq!(confirmation.open([]).err(), Some(CnfSyntax::Unopened));
        }
    }

    #[test]
    fn exactly_one_method_that_we_know_is_taken() {
        for json in [
            "{}",
            r#"{"kid":"x"}"#,
            r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I","kid":"x"}"#,
            r#"{"jku":"https://x","kid":"y"}"#,
            r#"{"JKT":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#,
            &format!(r#"{{"jwk":{KEY},"kid":"x"}}"#),
            &format!(r#"{{"kid":"x","jwk":{KEY}}}"#),
            &format!(r#"{{"jwk":{KEY},"jwe":"x"}}"#),
        ] {
            assert_eq!(read(json).err(), Some(CnfSyntax::Method), "{json}");
        }
    }

    #[test]
    fn rfc_9449_6_1_and_rfc_8705_3_1_name_a_holder_by_thumbprint() {
        let Ok(Confirmation::Thumbprint(key)) = read(r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#) else { panic!() };
        assert_eq!(base64url::encode(&key), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let text = issue_certificate(&key);
        assert_eq!(text, r#"{"x5t#S256":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#);
        let confirmation = read(&text).unwrap();
        assert!(matches!(confirmation, Confirmation::Certificate(same) if same == key));
        assert_eq!(confirmation.open([&shared(7)]).err(), Some(CnfSyntax::KeyAbsent));
        for wrong in [
            "\"\"",
            "\"x\"",
            "7",
            "null",
            "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I=\"",
            "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J\"",
        ] {
            assert_eq!(read(&format!("{{\"jkt\":{wrong}}}")).err(), Some(CnfSyntax::Thumbprint), "{wrong}");
        }
    }

    #[test]
    fn keys_in_the_clear_are_public_ones() {
        let oct = format!(r#"{{"jwk":{{"kty":"oct","k":"{}"}}}}"#, base64url::encode(&[1; 32]));
        assert_eq!(read(&oct).err(), Some(CnfSyntax::BareSecret));
        let private = KEY.replace(r#""use":"sig""#, r#""d":"AA""#);
        assert_eq!(read(&format!("{{\"jwk\":{private}}}")).err(), Some(CnfSyntax::Key(JwkSyntax::Private)));
        assert_eq!(read(r#"{"jwk":"x"}"#).err(), Some(CnfSyntax::Key(NOT_AN_OBJECT)));
        assert_eq!(read(r#"{"jwe":{}}"#).err(), Some(CnfSyntax::Sealed(JweSyntax::Parts)));
        assert_eq!(read(r#"{"jwe":"a.b"}"#).err(), Some(CnfSyntax::Sealed(JweSyntax::Parts)));
    }

    #[test]
    fn what_is_sealed_is_a_secret_of_32_octets_or_more() {
        let oct = |octets: usize, more: &str| format!(r#"{{"kty":"oct","k":"{}"{more}}}"#, base64url::encode(&vec![1; octets]));
        for (content, refused) in [
            (oct(31, ""), JwkSyntax::SecretLength),
            (oct(129, ""), JwkSyntax::SecretLength),
            (oct(32, r#","alg":"HS512""#), JwkSyntax::SecretLength),
            (oct(32, r#","alg":"RS256""#), JwkSyntax::Algorithm),
            (oct(32, r#","alg":"A256GCM""#), JwkSyntax::Algorithm),
            (KEY.to_owned(), JwkSyntax::Kind),
            (r#"{"kty":"oct"}"#.to_owned(), JwkSyntax::Member("k")),
            ("secret".to_owned(), JwkSyntax::Json(JsonSyntax::Grammar)),
        ] {
            assert_eq!(read(&sealing(&content)).unwrap().open([&shared(7)]).err(), Some(CnfSyntax::Content(refused)), "{content}");
        }
        let fault = seal(&[1; 31], &shared(7), Management::Direct, None, &SystemRandom::new()).err();
        assert_eq!(fault, Some(SealFault::Secret(JwkSyntax::SecretLength)));
    }

    #[test]
    fn secrets_do_not_print() {
        let key = ProofKey::from_secret(&[9; 32], None).unwrap();
        assert_eq!(format!("{key:?}"), "ProofKey { material: Secret(…), bound: None }");
    }
}
