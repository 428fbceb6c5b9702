//! Compact JWS (RFC 7515 §3.1, §5): shape first, payload only once a signature held.

use super::super::json::{JsonSyntax, Object, quote, read_object};
use super::{Algorithm, IssuingKey, Unfit, VerificationKey};
use crate::crypto::base64url;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest token, in octets: more than any field of a request holds.
pub const MAX_TOKEN: usize = 64 * 1024;
/// The longest protected header, in octets of base64url: it is read before anything is proved, and
/// certificate chains of ordinary length fit.
pub const MAX_HEADER: usize = 12 * 1024;
/// The most keys that are tried on one token: a token without a name for its key must not make us try
/// a whole set.
pub const MAX_TRIES: usize = 8;
/// The longest signature, in octets: RSA of 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// A token that has the right shape and is not proved. It has one exit, [`confirmed_by`](Self::confirmed_by).
#[derive(Clone)]
pub struct Unconfirmed<'t> {
    signed: &'t [u8],
    payload: &'t [u8],
    signature: Vec<u8>,
    header_text: &'t str,
    header: Arc<Header>,
}

/// What the protected header says of the token. Keys and addresses of keys in it are never followed.
#[derive(Clone)]
pub struct Header {
    octets: Box<[u8]>,
    algorithm: Algorithm,
    key_id: Option<Box<str>>,
    token_type: Option<Box<str>>,
}

/// A token whose signature held.
pub struct Jws {
    header: Arc<Header>,
    payload: Vec<u8>,
}

/// Why a text is not a compact JWS that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsSyntax {
    /// It is longer than [`MAX_TOKEN`], or its header than [`MAX_HEADER`].
    TooLong,
    /// It does not have three parts.
    Parts,
    /// A part is not canonical base64url without padding.
    Base64,
    /// The header cannot be taken.
    Header(HeaderSyntax),
}

/// Why a protected header cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderSyntax {
    /// It is not a JSON object with one reading.
    Json(JsonSyntax),
    /// The algorithm is absent or none that we know; `none` is none.
    Algorithm,
    /// A member is not a text.
    Member(&'static str),
    /// It has `crit` or `b64`: something that must be understood and is not (RFC 7515 §4.1.11, RFC 7797 §3).
    Critical,
}

/// Why a token was not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// No key has the name that the token gives, or there are none.
    KeyUnknown,
    /// There are keys, but the token's algorithm is not one of theirs.
    AlgorithmUnfit,
    /// More than [`MAX_TRIES`] keys come into question.
    KeyAmbiguous,
    /// None of the keys made the signature.
    Signature,
    /// The signature holds, but the payload is not canonical base64url.
    Payload,
}

impl<'t> Unconfirmed<'t> {
    /// Reads the shape of a token and its protected header.
    ///
    /// # Errors
    /// The text does not have the shape of a compact JWS, or its header asks for what does not exist here.
    pub fn parse(token: &'t str) -> Result<Self, JwsSyntax> {
        Self::parse_by(token, Header::parse)
    }

    /// The same, where the header is read by other means.
    pub(super) fn parse_by(token: &'t str, read: impl FnOnce(&str) -> Result<Arc<Header>, JwsSyntax>) -> Result<Self, JwsSyntax> {
        if token.len() > MAX_TOKEN {
            return Err(JwsSyntax::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsSyntax::Parts)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsSyntax::Parts)?;
        if payload.contains('.') {
            return Err(JwsSyntax::Parts);
        }
        if header.len() > MAX_HEADER || signature.len() > MAX_SIGNATURE.div_ceil(3) * 4 {
            return Err(JwsSyntax::TooLong);
        }
        let (header_text, header) = (header, read(header)?);
        let signature = base64url::decode_to_vec(signature.as_bytes()).map_err(|_| JwsSyntax::Base64)?;
        Ok(Self { signed: signed.as_bytes(), payload: payload.as_bytes(), signature, header_text, header })
    }

    pub(super) const fn header_text(&self) -> &'t str {
        self.header_text
    }

    /// The header, which anybody can write: for choosing keys only.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload for choosing an issuer's keys, or for a human to look at. Nothing of it is proved, so
    /// nothing may be decided by it.
    ///
    /// # Errors
    /// It is not canonical base64url.
    pub fn unproved_payload(&self) -> Result<Vec<u8>, JwsSyntax> {
        base64url::decode_to_vec(self.payload).map_err(|_| JwsSyntax::Base64)
    }

    /// Tries the keys that the token can mean: those of the name it gives and those without a name, or
    /// all of them if it gives none; and of these, those that its algorithm fits.
    ///
    /// # Errors
    /// No such key made the signature over the octets as received.
    pub fn confirmed_by(self, keys: &[VerificationKey]) -> Result<Jws, Unproved> {
        let Header { algorithm, key_id, .. } = &*self.header;
        let named = || keys.iter().filter(|key| key_id.is_none() || key.id().is_none() || key.id() == key_id.as_deref());
        let fitting = || named().filter(|key| key.fits(*algorithm));
        match (named().count(), fitting().count()) {
            (0, _) => return Err(Unproved::KeyUnknown),
            (_, 0) => return Err(Unproved::AlgorithmUnfit),
            (_, 1..=MAX_TRIES) => {}
            (_, _) => return Err(Unproved::KeyAmbiguous),
        }
        if !fitting().any(|key| key.verify(*algorithm, self.signed, &self.signature)) {
            return Err(Unproved::Signature);
        }
        let payload = base64url::decode_to_vec(self.payload).map_err(|_| Unproved::Payload)?;
        Ok(Jws { header: self.header, payload })
    }
}

impl Header {
    /// Reads a header as it stands in a token.
    pub(super) fn parse(text: &str) -> Result<Arc<Self>, JwsSyntax> {
        let octets = base64url::decode_to_vec(text.as_bytes()).map_err(|_| JwsSyntax::Base64)?;
        Self::read(octets.into()).map(Arc::new).map_err(JwsSyntax::Header)
    }

    fn read(octets: Box<[u8]>) -> Result<Self, HeaderSyntax> {
        let object = read_object(&octets).map_err(HeaderSyntax::Json)?;
        check_critical(&object)?;
        let algorithm = text(&object, "alg")?.and_then(Algorithm::find).ok_or(HeaderSyntax::Algorithm)?;
        let [key_id, token_type] = [text(&object, "kid")?, text(&object, "typ")?].map(|text| text.map(Box::from));
        Ok(Self { algorithm, key_id, token_type, octets })
    }

    /// The algorithm that the token says it was signed by. The key decides whether it can have been.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The type of the token, as it stands.
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }

    /// The whole header as JSON, for members that a format adds.
    pub const fn octets(&self) -> &[u8] {
        &self.octets
    }
}

impl Jws {
    /// The protected header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    pub(super) const fn shared_header(&self) -> &Arc<Header> {
        &self.header
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Refuses what a reader must understand and we do not. `zip` means nothing in a JWS and is refused,
/// since who writes it expects something of it.
pub(super) fn check_critical(header: &Object<'_>) -> Result<(), HeaderSyntax> {
    let demands = ["crit", "b64", "zip"].iter().any(|name| header.member(name).is_some());
    if demands { Err(HeaderSyntax::Critical) } else { Ok(()) }
}

pub(super) fn text<'o>(header: &'o Object<'_>, name: &'static str) -> Result<Option<&'o str>, HeaderSyntax> {
    header.text(name).map_err(|_| HeaderSyntax::Member(name))
}

/// Makes a token of a type (RFC 7515 §4.1.9) over a payload; the header says algorithm and name of the key.
///
/// # Errors
/// The key could not sign.
pub fn issue(token_type: &str, payload: &[u8], key: &IssuingKey) -> Result<Zeroizing<String>, Unfit> {
    let mut header = String::from("{\"alg\":");
    quote(key.algorithm().name(), &mut header);
    for (name, value) in [("typ", Some(token_type)), ("kid", key.id())] {
        if let Some(value) = value {
            header.push_str(",\"");
            header.push_str(name);
            header.push_str("\":");
            quote(value, &mut header);
        }
    }
    header.push('}');
    sign(header.as_bytes(), payload, key)
}

/// Makes a token with exactly these octets as its header.
pub(super) fn sign(header: &[u8], payload: &[u8], key: &IssuingKey) -> Result<Zeroizing<String>, Unfit> {
    let mut token = Zeroizing::new(base64url::encode(header));
    token.push('.');
    base64url::append(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    base64url::append(&signature, &mut token);
    Ok(token)
}

impl fmt::Debug for Unconfirmed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unconfirmed({:?}, …)", self.header)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({}, …)", self.algorithm)
    }
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jws({:?}, …)", self.header)
    }
}

impl fmt::Display for JwsSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("it is too long"),
            Self::Parts => f.write_str("it does not have three parts with a dot between them"),
            Self::Base64 => f.write_str("a part of it is not base64url without padding"),
            Self::Header(syntax) => syntax.fmt(f),
        }
    }
}

impl fmt::Display for HeaderSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(syntax) => write!(f, "its header is {syntax}"),
            Self::Algorithm => f.write_str("its header names no algorithm that there is"),
            Self::Member(name) => write!(f, "`{name}` in its header is not what it should be"),
            Self::Critical => f.write_str("its header has `crit`, `b64` or `zip`, which are not understood"),
        }
    }
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyUnknown => "no key has the name that the token gives",
            Self::AlgorithmUnfit => "the token's algorithm is not one of the key's",
            Self::KeyAmbiguous => "the token gives no name, and too many keys come into question",
            Self::Signature => "the signature was not made with this key, or the token was changed",
            Self::Payload => "the signature holds, but the payload is not base64url",
        })
    }
}

impl std::error::Error for JwsSyntax {}
impl std::error::Error for HeaderSyntax {}
impl std::error::Error for Unproved {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(id: Option<&str>) -> VerificationKey {
        VerificationKey::secret(&[7; 64], None, id.map(Box::from)).unwrap()
    }

    fn issuing(algorithm: Algorithm) -> IssuingKey {
        IssuingKey::secret(&[7; 64], algorithm).unwrap()
    }

    fn with_header(header: &str) -> String {
        sign(header.as_bytes(), b"{}", &issuing(Algorithm::Hs256)).unwrap().to_string()
    }

    fn reason(token: &str) -> Option<JwsSyntax> {
        Unconfirmed::parse(token).err()
    }

    #[test]
    fn what_is_issued_is_confirmed() {
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let token = issue("at+jwt", b"{\"a\":1}", &issuing(algorithm).named("a\"b")).unwrap();
            let jws = Unconfirmed::parse(&token).unwrap().confirmed_by(&[key(Some("a\"b"))]).unwrap();
            assert_eq!(jws.payload(), b"{\"a\":1}");
            let header = jws.header();
            assert_eq!((header.algorithm(), header.key_id(), header.token_type()), (algorithm, Some("a\"b"), Some("at+jwt")));
        }
    }

    #[test]
    fn headers_are_read_strictly() {
        use HeaderSyntax::{Algorithm, Critical, Json, Member};
        for (header, refused) in [
            (r#"{"alg":"none"}"#, Algorithm),
            (r#"{"alg":"None"}"#, Algorithm),
            (r#"{"alg":""}"#, Algorithm),
            (r#"{}"#, Algorithm),
            (r#"{"alg":null}"#, Member("alg")),
            (r#"{"alg":["HS256"]}"#, Member("alg")),
            (r#"{"alg":"HS256","alg":"HS256"}"#, Json(JsonSyntax::NameRepeated)),
            (r#"{"alg":"HS256","kid":7}"#, Member("kid")),
            (r#"{"alg":"HS256","typ":{}}"#, Member("typ")),
            (r#"{"alg":"HS256","crit":["exp"],"exp":1}"#, Critical),
            (r#"{"alg":"HS256","crit":[]}"#, Critical),
            (r#"{"alg":"HS256","b64":false}"#, Critical),
            (r#"{"alg":"HS256","b64":true}"#, Critical),
            (r#"{"alg":"HS256","zip":"DEF"}"#, Critical),
            ("[]", Json(JsonSyntax::NotAnObject)),
            ("", Json(JsonSyntax::Grammar)),
            (r#"{"alg":"HS256"} x"#, Json(JsonSyntax::Grammar)),
        ] {
            assert_eq!(reason(&with_header(header)), Some(JwsSyntax::Header(refused)), "{header}");
        }
        assert_eq!(reason(&with_header(r#"{"alg":"HS256","jku":"https://evil","jwk":{"kty":"oct"},"x5u":1}"#)), None);
    }

    #[test]
    fn shapes_that_are_no_token_are_refused() {
        let token = with_header(r#"{"alg":"HS256"}"#);
        let (rest, signature) = token.rsplit_once('.').unwrap();
        for (text, refused) in [
            (String::new(), JwsSyntax::Parts),
            (rest.to_owned(), JwsSyntax::Parts),
            (format!("{token}.e30"), JwsSyntax::Parts),
            (format!("{token}="), JwsSyntax::Base64),
            (format!("{token} "), JwsSyntax::Base64),
            (format!(" {token}"), JwsSyntax::Base64),
            (format!("{rest}.{}", signature.replace(['A', 'B', 'C', 'D'], "+")), JwsSyntax::Base64),
            (format!("{rest}.{}", "A".repeat(1369)), JwsSyntax::TooLong),
            (format!("{}.e30.", "A".repeat(MAX_HEADER + 1)), JwsSyntax::TooLong),
            ("A".repeat(MAX_TOKEN + 1), JwsSyntax::TooLong),
        ] {
            if text != token {
                assert_eq!(reason(&text), Some(refused), "{:.80}", text);
            }
        }
    }

    #[test]
    fn the_last_character_of_a_signature_has_one_spelling() {
        let token = with_header(r#"{"alg":"HS256"}"#);
        let spellings = ('0'..='z').filter(|last| {
            let mut other = token.clone();
            other.pop();
            other.push(*last);
            Unconfirmed::parse(&other).is_ok_and(|token| token.confirmed_by(&[key(None)]).is_ok())
        });
        assert_eq!(spellings.count(), 1);
    }

    #[test]
    fn a_payload_is_canonical_even_when_signed() {
        let mut token = base64url::encode(br#"{"alg":"HS256"}"#) + ".e31";
        let mac = issuing(Algorithm::Hs256).sign(token.as_bytes()).unwrap();
        token.push('.');
        base64url::append(&mac, &mut token);
        let token = Unconfirmed::parse(&token).unwrap();
        assert_eq!(token.unproved_payload(), Err(JwsSyntax::Base64));
        assert_eq!(token.confirmed_by(&[key(None)]).err(), Some(Unproved::Payload));
    }

    #[test]
    fn keys_are_chosen_by_name_and_algorithm() {
        let unnamed = issue("JWT", b"{}", &issuing(Algorithm::Hs256)).unwrap();
        let named = issue("JWT", b"{}", &issuing(Algorithm::Hs256).named("a")).unwrap();
        let (wrong, bound) = (
            VerificationKey::secret(&[8; 64], None, Some("b".into())).unwrap(),
            VerificationKey::secret(&[7; 64], Some(Algorithm::Hs512), Some("a".into())).unwrap(),
        );
        let verdict = |token: &str, keys: &[VerificationKey]| Unconfirmed::parse(token).unwrap().confirmed_by(keys).err();
        assert_eq!(verdict(&named, &[wrong.clone(), key(Some("a"))]), None);
        assert_eq!(verdict(&named, &[key(None)]), None);
        assert_eq!(verdict(&unnamed, &[wrong.clone(), key(Some("a"))]), None);
        assert_eq!(verdict(&named, &[key(Some("c"))]), Some(Unproved::KeyUnknown));
        assert_eq!(verdict(&named, &[]), Some(Unproved::KeyUnknown));
        assert_eq!(verdict(&unnamed, &[]), Some(Unproved::KeyUnknown));
        assert_eq!(verdict(&named, &[bound]), Some(Unproved::AlgorithmUnfit));
        assert_eq!(verdict(&unnamed, &[wrong]), Some(Unproved::Signature));
        assert_eq!(verdict(&unnamed, &vec![key(None); MAX_TRIES]), None);
        assert_eq!(verdict(&unnamed, &vec![key(None); MAX_TRIES + 1]), Some(Unproved::KeyAmbiguous));
    }

    #[test]
    fn a_public_key_is_never_a_secret() {
        let public = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let octets: [u8; 32] = base64url::decode_exactly(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        for secret in [octets.to_vec(), public.as_bytes()[..64].to_vec()] {
            let forged = issue("JWT", b"{}", &IssuingKey::secret(&secret, Algorithm::Hs256).unwrap()).unwrap();
            let key = VerificationKey::parse(public.as_bytes()).unwrap();
            assert_eq!(Unconfirmed::parse(&forged).unwrap().confirmed_by(&[key]).err(), Some(Unproved::AlgorithmUnfit));
        }
    }

    #[test]
    fn every_flipped_character_is_refused() {
        let token = issue("JWT", b"{\"sub\":\"jane\"}", &issuing(Algorithm::Hs256).named("a")).unwrap();
        for place in 0..token.len() {
            let mut other = token.as_bytes().to_vec();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            let confirmed = Unconfirmed::parse(&other).is_ok_and(|token| token.confirmed_by(&[key(Some("a"))]).is_ok());
            assert!(!confirmed, "{place}");
        }
    }

    #[test]
    fn tokens_do_not_print() {
        let token = issue("JWT", b"{\"sub\":\"jane\"}", &issuing(Algorithm::Hs256)).unwrap();
        let unconfirmed = Unconfirmed::parse(&token).unwrap();
        assert_eq!(format!("{unconfirmed:?}"), "Unconfirmed(Header(HS256, …), …)");
        assert_eq!(format!("{:?}", unconfirmed.confirmed_by(&[key(None)]).unwrap()), "Jws(Header(HS256, …), …)");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(eyJhbGciOiJIUzI1NiJ9|[A-Za-z0-9_-]|\\.|.){0,40}") {
            if let Ok(token) = Unconfirmed::parse(&text) {
                let _ = token.unproved_payload();
                let _ = token.confirmed_by(&[key(None)]);
            }
        }
    }
}
