//! Compact JWE for one purpose (RFC 7800 §3.3): a secret sealed with AES-256-GCM under a key that two parties share.

use super::super::json::{quote, read_object};
use super::jws::{HeaderSyntax, check_critical, text};
use crate::crypto::{AeadKey, NONCE_LENGTH, Random, TAG_LENGTH, base64url, unwrap_key, wrap_key};
use std::fmt;
use zeroize::Zeroizing;

/// The longest sealed secret, in characters.
pub const MAX_SEALED: usize = 4096;
/// The length of the shared key and of the content key, in octets (RFC 7518 §4.4, §5.3).
pub const KEY_LENGTH: usize = 32;
/// The length of a wrapped content key in octets: eight more than the key (RFC 3394 §2.2.1).
const WRAPPED_LENGTH: usize = KEY_LENGTH + 8;

/// The key that sealer and opener share. It never prints and wipes itself.
#[derive(Clone)]
pub struct SharedKey(Zeroizing<[u8; KEY_LENGTH]>);

/// What the shared key does (RFC 7518 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// `dir`: it is the content key itself.
    Direct,
    /// `A256KW`: it wraps a content key drawn for this secret.
    Wrapped,
}

/// A sealed secret that has the right shape.
pub struct Sealed<'t> {
    header: &'t [u8],
    key_id: Option<Box<str>>,
    content_key: ContentKey,
    nonce: [u8; NONCE_LENGTH],
    sealed: Vec<u8>,
}

enum ContentKey {
    Shared,
    Wrapped([u8; WRAPPED_LENGTH]),
}

/// Why a text is not a sealed secret that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JweSyntax {
    /// It is longer than [`MAX_SEALED`].
    TooLong,
    /// It does not have five parts.
    Parts,
    /// A part is not canonical base64url without padding.
    Base64,
    /// The header cannot be taken; its algorithm is `dir` or `A256KW`.
    Header(HeaderSyntax),
    /// The content is not sealed with `A256GCM`.
    Encryption,
    /// The wrapped key, the nonce or the tag is not as long as the header says, or stands where there is none.
    Length,
}

/// The secret was not sealed under this key, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unopened;

/// There is no randomness to seal with, or the library refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealingFailed;

impl SharedKey {
    /// A key of exactly 32 octets.
    ///
    /// # Errors
    /// There are fewer octets, or more.
    pub fn from_octets(octets: &[u8]) -> Result<Self, KeyLength> {
        octets.try_into().map(|octets| Self(Zeroizing::new(octets))).map_err(|_| KeyLength)
    }
}

/// A shared key is not 32 octets long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLength;

impl Management {
    /// The name in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "dir",
            Self::Wrapped => "A256KW",
        }
    }
}

impl<'t> Sealed<'t> {
    /// Reads the shape of a sealed secret.
    ///
    /// # Errors
    /// The text does not have the shape of a compact JWE, or its header asks for what does not exist here.
    pub fn parse(text: &'t str) -> Result<Self, JweSyntax> {
        if text.len() > MAX_SEALED {
            return Err(JweSyntax::TooLong);
        }
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(JweSyntax::Parts);
        let (header, wrapped, nonce, content, tag) = (part()?, part()?, part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(JweSyntax::Parts);
        }
        let (management, key_id) = read_header(&decode(header)?)?;
        let content_key = match (management, &*decode(wrapped)?) {
            (Management::Direct, []) => ContentKey::Shared,
            (Management::Wrapped, wrapped) => ContentKey::Wrapped(wrapped.try_into().map_err(|_| JweSyntax::Length)?),
            (Management::Direct, [_, ..]) => return Err(JweSyntax::Length),
        };
        let (mut sealed, tag) = (decode(content)?, decode(tag)?);
        let nonce = decode(nonce)?.try_into().map_err(|_| JweSyntax::Length)?;
        if tag.len() != TAG_LENGTH {
            return Err(JweSyntax::Length);
        }
        sealed.extend_from_slice(&tag);
        Ok(Self { header: header.as_bytes(), key_id, content_key, nonce, sealed })
    }

    /// The name of the shared key, which anybody can write: for choosing among keys only.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Opens it.
    ///
    /// # Errors
    /// It was not sealed under this key, or was changed.
    pub fn open(mut self, key: &SharedKey) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let content_key = match &self.content_key {
            ContentKey::Shared => key.0.clone(),
            ContentKey::Wrapped(wrapped) => {
                let unwrapped = unwrap_key(&key.0, wrapped).map_err(|_| Unopened)?;
                Zeroizing::new(unwrapped.as_slice().try_into().map_err(|_| Unopened)?)
            }
        };
        let aead = AeadKey::aes_256_gcm(&content_key).map_err(|_| Unopened)?;
        let mut sealed = Zeroizing::new(std::mem::take(&mut self.sealed));
        let length = aead.open(self.nonce, self.header, &mut sealed).map_err(|_| Unopened)?.len();
        sealed.truncate(length);
        Ok(sealed)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JweSyntax> {
    base64url::decode_to_vec(part.as_bytes()).map_err(|_| JweSyntax::Base64)
}

fn read_header(octets: &[u8]) -> Result<(Management, Option<Box<str>>), JweSyntax> {
    let object = read_object(octets).map_err(HeaderSyntax::Json).map_err(JweSyntax::Header)?;
    let read = |name| text(&object, name).map_err(JweSyntax::Header);
    check_critical(&object).map_err(JweSyntax::Header)?;
    let management = match read("alg")? {
        Some("dir") => Management::Direct,
        Some("A256KW") => Management::Wrapped,
        Some(_) | None => return Err(JweSyntax::Header(HeaderSyntax::Algorithm)),
    };
    match read("enc")? {
        Some("A256GCM") => Ok((management, read("kid")?.map(Box::from))),
        Some(_) | None => Err(JweSyntax::Encryption),
    }
}

/// Seals a secret. Under one key with `dir`, nonces are drawn at random: not for more than 2^32 secrets
/// (NIST SP 800-38D §8.3).
///
/// # Errors
/// There is no randomness, or the library refused.
pub fn issue(
    secret: &[u8],
    key: &SharedKey,
    management: Management,
    key_id: Option<&str>,
    random: &impl Random,
) -> Result<Zeroizing<String>, SealingFailed> {
    let mut header = format!("{{\"alg\":\"{}\",\"enc\":\"A256GCM\"", management.name());
    if let Some(key_id) = key_id {
        header.push_str(",\"kid\":");
        quote(key_id, &mut header);
    }
    header.push('}');
    let (mut content_key, mut nonce) = (key.0.clone(), [0; NONCE_LENGTH]);
    random.fill(&mut nonce).map_err(|_| SealingFailed)?;
    let wrapped = match management {
        Management::Direct => Vec::new(),
        Management::Wrapped => {
            random.fill(content_key.as_mut_slice()).map_err(|_| SealingFailed)?;
            wrap_key(&key.0, content_key.as_slice()).map_err(|_| SealingFailed)?
        }
    };
    seal(header.as_bytes(), &wrapped, &content_key, nonce, secret)
}

fn seal(
    header: &[u8],
    wrapped: &[u8],
    content_key: &[u8; KEY_LENGTH],
    nonce: [u8; NONCE_LENGTH],
    secret: &[u8],
) -> Result<Zeroizing<String>, SealingFailed> {
    // With room for the tag, so that the secret is not left behind where the text was first.
    let mut content = Vec::with_capacity(secret.len() + TAG_LENGTH);
    content.extend_from_slice(secret);
    let header = base64url::encode(header);
    let aead = AeadKey::aes_256_gcm(content_key).map_err(|_| SealingFailed)?;
    aead.seal(nonce, header.as_bytes(), &mut content).map_err(|_| SealingFailed)?;
    let (content, tag) = content.split_at_checked(secret.len()).ok_or(SealingFailed)?;
    let mut text = Zeroizing::new(header);
    for part in [wrapped, &nonce, content, tag] {
        text.push('.');
        base64url::append(part, &mut text);
    }
    Ok(text)
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(…)")
    }
}

impl fmt::Debug for Sealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl fmt::Display for JweSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("it is too long"),
            Self::Parts => f.write_str("it does not have five parts with dots between them"),
            Self::Base64 => f.write_str("a part of it is not base64url without padding"),
            Self::Header(syntax) => syntax.fmt(f),
            Self::Encryption => f.write_str("its content is not sealed with A256GCM"),
            Self::Length => f.write_str("its wrapped key, nonce or tag has the wrong length"),
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was not sealed under this key, or was changed")
    }
}

impl fmt::Display for SealingFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the secret could not be sealed")
    }
}

impl fmt::Display for KeyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key of 32 octets")
    }
}

impl std::error::Error for JweSyntax {}
impl std::error::Error for Unopened {}
impl std::error::Error for SealingFailed {}
impl std::error::Error for KeyLength {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use proptest::prelude::*;

    fn key(seed: u8) -> SharedKey {
        SharedKey::from_octets(&[seed; KEY_LENGTH]).unwrap()
    }

    fn sealed(management: Management) -> String {
        issue(b"secret", &key(7), management, Some("k1"), &SystemRandom::new()).unwrap().to_string()
    }

    fn opened(text: &str, key: &SharedKey) -> Option<Vec<u8>> {
        Sealed::parse(text).ok()?.open(key).ok().map(|secret| secret.to_vec())
    }

    fn with_header(header: &str) -> String {
        seal(header.as_bytes(), &[], &[7; KEY_LENGTH], [0; NONCE_LENGTH], b"secret").unwrap().to_string()
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_only() {
        for management in [Management::Direct, Management::Wrapped] {
            let text = sealed(management);
            assert_eq!(Sealed::parse(&text).unwrap().key_id(), Some("k1"));
            assert_eq!(opened(&text, &key(7)).as_deref(), Some(&b"secret"[..]));
            assert_eq!(Sealed::parse(&text).unwrap().open(&key(8)).err(), Some(Unopened));
            assert_ne!(text, sealed(management), "two sealings differ");
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        for text in [sealed(Management::Direct), sealed(Management::Wrapped)] {
            for place in 0..text.len() {
                let mut other = text.clone().into_bytes();
                other[place] = if other[place] == b'A' { b'B' } else { b'A' };
                assert_eq!(opened(&String::from_utf8(other).unwrap(), &key(7)), None, "{place}");
            }
        }
    }

    #[test]
    fn headers_are_read_strictly() {
        assert_eq!(opened(&with_header(r#"{"alg":"dir","enc":"A256GCM","cty":"jwk+json"}"#), &key(7)).as_deref(), Some(&b"secret"[..]));
        for (header, refused) in [
            (r#"{"alg":"none","enc":"A256GCM"}"#, JweSyntax::Header(HeaderSyntax::Algorithm)),
            (r#"{"enc":"A256GCM"}"#, JweSyntax::Header(HeaderSyntax::Algorithm)),
            (r#"{"alg":"RSA1_5","enc":"A256GCM"}"#, JweSyntax::Header(HeaderSyntax::Algorithm)),
            (r#"{"alg":"A128KW","enc":"A256GCM"}"#, JweSyntax::Header(HeaderSyntax::Algorithm)),
            (r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1}"#, JweSyntax::Header(HeaderSyntax::Algorithm)),
            (r#"{"alg":"A256KW","enc":"A256GCM"}"#, JweSyntax::Length),
            (r#"{"alg":"dir","enc":"A128GCM"}"#, JweSyntax::Encryption),
            (r#"{"alg":"dir","enc":"A128CBC-HS256"}"#, JweSyntax::Encryption),
            (r#"{"alg":"dir"}"#, JweSyntax::Encryption),
            (r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, JweSyntax::Header(HeaderSyntax::Critical)),
            (r#"{"alg":"dir","enc":"A256GCM","crit":["x"]}"#, JweSyntax::Header(HeaderSyntax::Critical)),
            (r#"{"alg":"dir","enc":"A256GCM","kid":1}"#, JweSyntax::Header(HeaderSyntax::Member("kid"))),
        ] {
            assert_eq!(Sealed::parse(&with_header(header)).err(), Some(refused), "{header}");
        }
    }

    #[test]
    fn shapes_that_are_not_sealed_are_refused() {
        let text = sealed(Management::Direct);
        let (header, rest) = text.split_once('.').unwrap();
        for (wrong, refused) in [
            (String::new(), JweSyntax::Parts),
            (text.rsplit_once('.').unwrap().0.to_owned(), JweSyntax::Parts),
            (format!("{text}.AA"), JweSyntax::Parts),
            (format!("{text}="), JweSyntax::Base64),
            (format!("{text}AAAA"), JweSyntax::Length),
            (format!("{header}.AA{rest}"), JweSyntax::Length),
            (format!("{header}.{}", rest.replacen('.', ".AAAA", 1)), JweSyntax::Length),
            ("A".repeat(MAX_SEALED + 1), JweSyntax::TooLong),
        ] {
            assert_eq!(Sealed::parse(&wrong).err(), Some(refused), "{:.80}", wrong);
        }
        assert_eq!(SharedKey::from_octets(&[7; 31]).err(), Some(KeyLength));
        assert_eq!(SharedKey::from_octets(&[7; 33]).err(), Some(KeyLength));
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?} {:?}", key(7), Sealed::parse(&sealed(Management::Wrapped)).unwrap()), "SharedKey(…) Sealed(…)");
    }

    /// A sealed secret that two independent libraries made and read, with nothing drawn at random.
    #[test]
    fn a_direct_sealing_comes_out_as_published() {
        let key: Vec<u8> = (0x40..0x60).collect();
        let text = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoic3ZjMi0yMDE0LTAxIn0..AAECAwQFBgcICQoL.QScFCwSufoKxZOPwmsHu2vagDzNOP9sw3wLEtCTJGXx6QfAxiHA-SYAqSLNjwPXKC3hDepUjL3d16-jQGAwXl4oZs565xwKMgFio_Up60AehvKCfJMAwToxIjS8sAQ.EnMqP0XUjJcJIXZsLIYXFQ";
        let content = br#"{"iss":"svc2","aud":"svc1","exp":1403256020,"k":"gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8"}"#;
        assert_eq!(opened(text, &SharedKey::from_octets(&key).unwrap()).as_deref(), Some(&content[..]));
        let header = br#"{"alg":"dir","enc":"A256GCM","kid":"svc2-2014-01"}"#;
        let nonce = std::array::from_fn(|place| u8::try_from(place).unwrap());
        assert_eq!(*seal(header, &[], &key.try_into().unwrap(), nonce, content).unwrap(), text);
    }

    /// RFC 3394 §4.6: 256 bits of key wrapped with 256 bits.
    #[test]
    fn a_wrapped_key_comes_out_as_published() {
        let wrapping: Vec<u8> = (0..32).collect();
        let content_key: Vec<u8> = (0..16).map(|digit| digit * 0x11).chain(0..16).collect();
        let wrapped = [
            0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2, 0xd8,
            0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21,
        ];
        let header = br#"{"alg":"A256KW","enc":"A256GCM"}"#;
        let text = seal(header, &wrapped, &content_key.try_into().unwrap(), [1; NONCE_LENGTH], b"secret").unwrap();
        assert_eq!(opened(&text, &SharedKey::from_octets(&wrapping).unwrap()).as_deref(), Some(&b"secret"[..]));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0|[A-Za-z0-9_-]|\\.|.){0,40}") {
            let _ = opened(&text, &key(7));
        }

        #[test]
        fn every_secret_comes_back(secret in proptest::collection::vec(any::<u8>(), 0..200), key_id in ".{0,8}") {
            for management in [Management::Direct, Management::Wrapped] {
                let text = issue(&secret, &key(7), management, Some(&key_id), &SystemRandom::new()).unwrap();
                let sealed = Sealed::parse(&text).unwrap();
                prop_assert_eq!(sealed.key_id(), Some(key_id.as_str()));
                let opened = sealed.open(&key(7)).unwrap();
                prop_assert_eq!(opened.as_slice(), secret.as_slice());
            }
        }
    }
}
