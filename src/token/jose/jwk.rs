//! One key in JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2): read strictly, written publicly, named by its thumbprint.

use super::super::json::{JsonSyntax, Object, quote, read_object};
use super::{Algorithm, Primitive};
use crate::crypto::{DIGEST_LENGTH, MacKey, PublicKey, PublicParts, base64url, sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The fewest octets of a secret key, as many as the weakest MAC has (RFC 7518 §3.2).
pub const MIN_SECRET: usize = 32;
/// The most octets of a secret key: MACs would hash a longer one first.
const MAX_SECRET: usize = 128;

/// Members that private keys have and public ones do not (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key that tokens are checked with. Its Debug shows no secret.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    id: Option<Box<str>>,
    bound: Option<Algorithm>,
    material: Material,
}

/// What a verification key is made of.
#[derive(Clone, Debug)]
pub enum Material {
    /// A public key.
    Public(PublicKey),
    /// A secret, prepared for each MAC that it is long enough for.
    Secret(Box<[(Algorithm, MacKey)]>),
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkSyntax {
    /// It is not a JSON object with one reading.
    Json(JsonSyntax),
    /// `kty` is absent or none that we know.
    Kind,
    /// `crv` is absent or none that we know for this `kty`.
    Curve,
    /// A member is absent, or not what the specification says it is.
    Member(&'static str),
    /// It is a private key, which nobody else should hold.
    Private,
    /// `use` or `key_ops` says that it is for something other than checking signatures.
    Purpose,
    /// `alg` is none that we know, or does not fit the key.
    Algorithm,
    /// RSA of too few or too many bits or with a small exponent, or a point that is not on the curve or of small order.
    Unsound,
    /// A secret of fewer than 32 octets, or fewer than its algorithm demands, or of more than 128.
    SecretLength,
}

impl VerificationKey {
    /// Reads a key from JSON text.
    ///
    /// # Errors
    /// It is not a key that signatures can be checked with.
    pub fn parse(text: &[u8]) -> Result<Self, JwkSyntax> {
        Self::read(&read_object(text).map_err(JwkSyntax::Json)?)
    }

    /// Reads a key from its object.
    ///
    /// # Errors
    /// It is not a key that signatures can be checked with.
    pub fn read(object: &Object<'_>) -> Result<Self, JwkSyntax> {
        check_purpose(object)?;
        let id = text(object, "kid")?.map(Box::from);
        let bound = match text(object, "alg")? {
            Some(name) => Some(Algorithm::find(name).ok_or(JwkSyntax::Algorithm)?),
            None => None,
        };
        match text(object, "kty")? {
            Some("oct") => Self::secret(&read_secret(object)?, bound, id),
            Some(kind) => Self::public(read_public(kind, object)?, bound, id),
            None => Err(JwkSyntax::Kind),
        }
    }

    /// A public key, with the one algorithm that it is for, if there is one.
    ///
    /// # Errors
    /// The algorithm does not fit the key.
    pub fn public(key: PublicKey, bound: Option<Algorithm>, id: Option<Box<str>>) -> Result<Self, JwkSyntax> {
        let fits = bound.is_none_or(|algorithm| algorithm.fits(key.kind()));
        if fits { Ok(Self { id, bound, material: Material::Public(key) }) } else { Err(JwkSyntax::Algorithm) }
    }

    /// A secret key, with the one algorithm that it is for, if there is one.
    ///
    /// # Errors
    /// The secret is too short or too long, or the algorithm makes no MACs.
    pub fn secret(octets: &[u8], bound: Option<Algorithm>, id: Option<Box<str>>) -> Result<Self, JwkSyntax> {
        check_secret(octets, bound)?;
        let fitting = Algorithm::ALL.into_iter().filter(|algorithm| bound.is_none_or(|bound| bound == *algorithm));
        let keys = fitting.filter_map(|algorithm| match algorithm.primitive() {
            Primitive::Mac(digest) if algorithm.least_secret().is_some_and(|least| octets.len() >= least) => {
                Some((algorithm, MacKey::new(digest, octets)))
            }
            Primitive::Mac(_) | Primitive::Signature(_) => None,
        });
        Ok(Self { id, bound, material: Material::Secret(keys.collect()) })
    }

    /// The same key, which will verify many signatures ([`PublicKey::for_many`]).
    pub(super) fn for_many(self) -> Self {
        match self.material {
            Material::Public(key) => Self { material: Material::Public(key.for_many()), ..self },
            Material::Secret(_) => self,
        }
    }

    /// The name that tokens choose it by.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The one algorithm that it is for, if it says so.
    pub const fn bound(&self) -> Option<Algorithm> {
        self.bound
    }

    /// What it is made of.
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// Whether it is for this algorithm.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match &self.material {
            Material::Public(key) => algorithm.fits(key.kind()) && self.bound.is_none_or(|bound| bound == algorithm),
            Material::Secret(keys) => keys.iter().any(|(known, _)| *known == algorithm),
        }
    }

    /// Whether this key made the signature or the MAC. An algorithm that does not fit it never holds.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (&self.material, algorithm.primitive()) {
            (Material::Public(key), Primitive::Signature(primitive)) => {
                self.fits(algorithm) && key.verify(primitive, message, signature).is_ok()
            }
            (Material::Secret(keys), Primitive::Mac(_)) => {
                keys.iter().any(|(known, key)| *known == algorithm && key.verify(message, signature).is_ok())
            }
            (Material::Public(_), Primitive::Mac(_)) | (Material::Secret(_), Primitive::Signature(_)) => false,
        }
    }
}

/// Reads the octets of a secret key, `k` (RFC 7518 §6.4).
///
/// # Errors
/// `k` is absent or not base64url. How long it must be is for the caller to say.
pub(super) fn read_secret(object: &Object<'_>) -> Result<Zeroizing<Vec<u8>>, JwkSyntax> {
    octets(object, "k").map(Zeroizing::new)
}

/// Whether a secret is long enough for its algorithm, or for the weakest where it is bound to none.
pub(super) fn check_secret(octets: &[u8], bound: Option<Algorithm>) -> Result<(), JwkSyntax> {
    let least = match bound {
        None => MIN_SECRET,
        Some(algorithm) => algorithm.least_secret().ok_or(JwkSyntax::Algorithm)?,
    };
    if (least..=MAX_SECRET).contains(&octets.len()) { Ok(()) } else { Err(JwkSyntax::SecretLength) }
}

fn read_public(kind: &str, object: &Object<'_>) -> Result<PublicKey, JwkSyntax> {
    if PRIVATE_MEMBERS.iter().any(|name| object.member(name).is_some()) {
        return Err(JwkSyntax::Private);
    }
    let key = match (kind, text(object, "crv")?) {
        ("RSA", _) => PublicKey::from_rsa(&octets(object, "n")?, &octets(object, "e")?),
        ("EC", Some("P-256")) => PublicKey::from_p256(&octets(object, "x")?, &octets(object, "y")?),
        ("EC", Some("P-384")) => PublicKey::from_p384(&octets(object, "x")?, &octets(object, "y")?),
        ("OKP", Some("Ed25519")) => PublicKey::from_ed25519(&octets(object, "x")?),
        ("EC" | "OKP", _) => return Err(JwkSyntax::Curve),
        _ => return Err(JwkSyntax::Kind),
    };
    key.map_err(|_| JwkSyntax::Unsound)
}

/// `use` and `key_ops` (RFC 7517 §4.2, §4.3), where they stand, must allow checking signatures.
fn check_purpose(object: &Object<'_>) -> Result<(), JwkSyntax> {
    if text(object, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(JwkSyntax::Purpose);
    }
    let Some(operations) = object.member("key_ops") else { return Ok(()) };
    let operations = operations.list().ok_or(JwkSyntax::Member("key_ops"))?;
    let verifies = operations.iter().any(|operation| operation.text() == Some("verify"));
    if verifies { Ok(()) } else { Err(JwkSyntax::Purpose) }
}

fn text<'o>(object: &'o Object<'_>, name: &'static str) -> Result<Option<&'o str>, JwkSyntax> {
    object.text(name).map_err(|_| JwkSyntax::Member(name))
}

fn octets(object: &Object<'_>, name: &'static str) -> Result<Vec<u8>, JwkSyntax> {
    let text = text(object, name)?.ok_or(JwkSyntax::Member(name))?;
    base64url::decode_to_vec(text.as_bytes()).map_err(|_| JwkSyntax::Member(name))
}

/// The key as JSON, with its name and algorithm, for others to check signatures with.
pub fn describe(key: &PublicKey, id: &str, algorithm: Option<Algorithm>) -> String {
    let mut text = members(key);
    text.pop();
    text.push_str(",\"kid\":");
    quote(id, &mut text);
    text.push_str(",\"use\":\"sig\"");
    if let Some(algorithm) = algorithm {
        text.push_str(",\"alg\":");
        quote(algorithm.name(), &mut text);
    }
    text.push('}');
    text
}

/// The SHA-256 thumbprint (RFC 7638 §3, RFC 8037 §2) in base64url.
pub fn thumbprint(key: &PublicKey) -> String {
    base64url::encode(&thumbprint_octets(key))
}

/// The 32 octets of the SHA-256 thumbprint.
pub fn thumbprint_octets(key: &PublicKey) -> [u8; DIGEST_LENGTH] {
    sha256(members(key).as_bytes())
}

/// The members that make the key, in the order in which thumbprints take them (RFC 7638 §3.2).
fn members(key: &PublicKey) -> String {
    let point = |curve: &str, x: &[u8], y: &[u8]| {
        let [x, y] = [x, y].map(base64url::encode);
        format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
    };
    match key.parts() {
        PublicParts::Rsa { modulus, exponent } => {
            let [modulus, exponent] = [modulus, exponent].map(base64url::encode);
            format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#)
        }
        PublicParts::P256 { x, y } => point("P-256", x, y),
        PublicParts::P384 { x, y } => point("P-384", x, y),
        PublicParts::Ed25519 { point } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(point)),
    }
}

impl fmt::Display for JwkSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(syntax) => syntax.fmt(f),
            Self::Kind => f.write_str("a key whose `kty` is not RSA, EC, OKP or oct"),
            Self::Curve => f.write_str("a key whose `crv` is not P-256, P-384 or Ed25519"),
            Self::Member(name) => write!(f, "a key whose `{name}` is missing or malformed"),
            Self::Private => f.write_str("a private key where a public one is expected"),
            Self::Purpose => f.write_str("a key that is not for checking signatures"),
            Self::Algorithm => f.write_str("a key whose `alg` is unknown or does not fit it"),
            Self::Unsound => f.write_str("a key of the wrong size, too weak, or a point that is not on its curve"),
            Self::SecretLength => f.write_str("a secret that is too short for its algorithm, or too long"),
        }
    }
}

impl std::error::Error for JwkSyntax {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7517 appendix A.1, the first key.
    const P256: &str =
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
    /// RFC 7638 §3.1 and RFC 7517 appendix A.1, the second key.
    const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    /// RFC 8037 appendix A.2.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn public(text: &str) -> PublicKey {
        match VerificationKey::parse(text.as_bytes()).unwrap().material {
            Material::Public(key) => key,
            Material::Secret(_) => panic!("a secret"),
        }
    }

    fn with(text: &str, member: &str) -> String {
        format!("{},{member}}}", text.strip_suffix('}').unwrap())
    }

    fn reason(text: &str) -> Option<JwkSyntax> {
        VerificationKey::parse(text.as_bytes()).err()
    }

    #[test]
    fn rfc_7638_3_1_names_the_rsa_key() {
        assert_eq!(thumbprint(&public(RSA)), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn rfc_8037_a_3_names_the_ed25519_key() {
        assert_eq!(thumbprint(&public(ED25519)), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn members_that_do_not_make_the_key_do_not_change_its_thumbprint() {
        let other = with(P256, r#""kid":"x","use":"sig","key_ops":["verify","sign"],"alg":"ES256","x5t":"y""#);
        assert_eq!(thumbprint(&public(P256)), thumbprint(&public(&other)));
    }

    #[test]
    fn what_is_described_is_read() {
        for (text, algorithm) in [(P256, Some(Algorithm::Es256)), (RSA, Some(Algorithm::Ps512)), (ED25519, None)] {
            let key = public(text);
            let described = VerificationKey::parse(describe(&key, "a\"b", algorithm).as_bytes()).unwrap();
            assert_eq!((described.id(), described.bound()), (Some("a\"b"), algorithm));
            let Material::Public(again) = described.material() else { panic!() };
            assert_eq!(thumbprint(again), thumbprint(&key));
        }
    }

    #[test]
    fn a_bound_key_fits_its_algorithm_only() {
        let rsa = VerificationKey::parse(RSA.as_bytes()).unwrap();
        assert_eq!((rsa.id(), rsa.bound()), (Some("2011-04-29"), Some(Algorithm::Rs256)));
        let fitting = |key: &VerificationKey| Algorithm::ALL.into_iter().filter(|algorithm| key.fits(*algorithm)).collect::<Vec<_>>();
        assert_eq!(fitting(&rsa), [Algorithm::Rs256]);
        assert_eq!(fitting(&VerificationKey::parse(RSA.replace(r#""alg":"RS256","#, "").as_bytes()).unwrap()).len(), 6);
        assert_eq!(fitting(&VerificationKey::parse(P256.as_bytes()).unwrap()), [Algorithm::Es256]);
    }

    #[test]
    fn private_keys_from_outside_are_refused() {
        for member in PRIVATE_MEMBERS {
            for key in [P256, RSA, ED25519] {
                assert_eq!(reason(&with(key, &format!(r#""{member}":"AA""#))), Some(JwkSyntax::Private), "{member}");
            }
        }
    }

    #[test]
    fn purposes_are_respected() {
        for (member, refused) in [
            (r#""use":"enc""#, Some(JwkSyntax::Purpose)),
            (r#""use":"sig""#, None),
            (r#""use":7"#, Some(JwkSyntax::Member("use"))),
            (r#""key_ops":["sign"]"#, Some(JwkSyntax::Purpose)),
            (r#""key_ops":[]"#, Some(JwkSyntax::Purpose)),
            (r#""key_ops":"verify""#, Some(JwkSyntax::Member("key_ops"))),
            (r#""key_ops":["verify"]"#, None),
            (r#""alg":"ES384""#, Some(JwkSyntax::Algorithm)),
            (r#""alg":"none""#, Some(JwkSyntax::Algorithm)),
            (r#""alg":"ECDH-ES""#, Some(JwkSyntax::Algorithm)),
            (r#""kid":1"#, Some(JwkSyntax::Member("kid"))),
        ] {
            assert_eq!(reason(&with(P256, member)), refused, "{member}");
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        let coordinate = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
        for (text, refused) in [
            ("[]".to_owned(), JwkSyntax::Json(JsonSyntax::NotAnObject)),
            ("{}".to_owned(), JwkSyntax::Kind),
            (P256.replace("\"EC\"", "\"ec\""), JwkSyntax::Kind),
            (P256.replace("P-256", "P-521"), JwkSyntax::Curve),
            (P256.replace("P-256", "secp256k1"), JwkSyntax::Curve),
            (P256.replace("P-256", "P-384"), JwkSyntax::Unsound),
            (P256.replace("\"EC\"", "\"OKP\""), JwkSyntax::Curve),
            (P256.replace("\"x\"", "\"z\""), JwkSyntax::Member("x")),
            (P256.replace(coordinate, &format!("{coordinate}=")), JwkSyntax::Member("x")),
            // The last two bits of 32 octets in base64url are nothing: another spelling of the same octets.
            (P256.replace("AiTo7Tu6KPAqv7D4", "AiTo7Tu6KPAqv7D5"), JwkSyntax::Member("x")),
            (P256.replace(coordinate, &coordinate[..42]), JwkSyntax::Member("x")),
            (P256.replace("MKBCTN", "MKBCTM"), JwkSyntax::Unsound),
            (ED25519.replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "AAAA"), JwkSyntax::Unsound),
            (RSA.replace("AQAB", "AAEAAQ"), JwkSyntax::Unsound),
            (r#"{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbU"}"#.to_owned(), JwkSyntax::Unsound),
        ] {
            assert_eq!(reason(&text), Some(refused), "{text}");
        }
    }

    #[test]
    fn secrets_are_as_long_as_their_macs() {
        let oct = |octets: usize, more: &str| format!(r#"{{"kty":"oct","k":"{}"{more}}}"#, base64url::encode(&vec![7; octets]));
        let count = |text: &str| match VerificationKey::parse(text.as_bytes()).unwrap().material {
            Material::Secret(keys) => keys.len(),
            Material::Public(_) => 0,
        };
        assert_eq!([32, 47, 48, 63, 64, 128].map(|octets| count(&oct(octets, ""))), [1, 1, 2, 2, 3, 3]);
        assert_eq!(count(&oct(64, r#","alg":"HS384""#)), 1);
        for (octets, more, refused) in [
            (31, "", JwkSyntax::SecretLength),
            (0, "", JwkSyntax::SecretLength),
            (129, "", JwkSyntax::SecretLength),
            (47, r#","alg":"HS384""#, JwkSyntax::SecretLength),
            (64, r#","alg":"RS256""#, JwkSyntax::Algorithm),
        ] {
            assert_eq!(reason(&oct(octets, more)), Some(refused), "{octets} {more}");
        }
        assert_eq!(reason(r#"{"kty":"oct"}"#), Some(JwkSyntax::Member("k")));
    }

    #[test]
    fn a_public_key_never_checks_a_mac() {
        let key = VerificationKey::parse(RSA.as_bytes()).unwrap();
        assert!(!key.verify(Algorithm::Hs256, b"", &[0; 32]) && !key.fits(Algorithm::Hs256));
        let secret = VerificationKey::secret(&[7; 64], None, None).unwrap();
        assert!(!secret.verify(Algorithm::Rs256, b"", &[0; 256]) && !secret.fits(Algorithm::Es256));
    }

    #[test]
    fn secrets_do_not_print() {
        let key = VerificationKey::secret(&[7; 64], None, Some("id".into())).unwrap();
        assert!(!format!("{key:?}").contains("7, 7") && format!("{key:?}").contains("id"));
    }
}
