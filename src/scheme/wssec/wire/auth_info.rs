//! `X-WSS-Authenticate` and `X-WSS-AuthInfo`: what an answer tells the requester.

use super::digest_field::{Covered, read_canonicalisation};
use super::params::{self, Writer};
use super::security::{read_nonce, read_usage, required};
use super::{CANONICALISATION, DigestName, SignatureName, Unreadable, Usage};
use crate::crypto::base64;
use std::fmt;

/// The most octets of an `X-WSS-AuthInfo`: a context token that fills all fragments, and the rest.
const LONGEST_AUTH_INFO: usize = 4096 * 65;

/// The length of a context token's secret, in octets.
pub const CONTEXT_SECRET_LENGTH: usize = 32;

/// A field `X-WSS-Authenticate`: how requests are to be signed. Its `Display` is the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authenticate<'r> {
    /// What signatures are to speak of, where it matters.
    pub usage: Option<Usage>,
    /// Accepted signature algorithms; none stated where it is empty.
    pub signatures: Vec<SignatureName>,
    /// Accepted digest algorithms; none stated where it is empty.
    pub digests: Vec<DigestName>,
    /// The nonce to sign with; empty where the requester makes its own.
    pub nonce: &'r str,
    /// Fields that a digest must cover where they are there.
    pub covered: Covered<'r>,
}

impl<'r> Authenticate<'r> {
    /// Reads the field. Lists have one space between their words.
    ///
    /// # Errors
    /// Its parameters cannot be read, or one is none that it can be.
    pub fn read(field: &'r [u8]) -> Result<Self, Unreadable> {
        let [usage, signatures, digests, canon, nonce, covered] =
            params::read(field, ["sigusage", "sigalg", "digestalg", "canon", "nonce", "covered"])?;
        if let Some(canon) = canon {
            read_canonicalisation(canon.plain()?)?;
        }
        Ok(Self {
            usage: usage.map(read_usage).transpose()?,
            signatures: signatures
                .map_or(Ok(Vec::new()), |list| words(list.plain()?, SignatureName::of_word, Unreadable::SignatureAlgorithmUnknown))?,
            digests: digests
                .map_or(Ok(Vec::new()), |list| words(list.plain()?, DigestName::of_word, Unreadable::DigestAlgorithmUnknown))?,
            nonce: nonce.map_or(Ok(""), |nonce| read_nonce(nonce.plain()?))?,
            covered: covered.map_or(Ok(Covered::default()), |names| Covered::read(names.plain()?))?,
        })
    }
}

fn words<T>(list: &str, of_word: fn(&str) -> Option<T>, unknown: Unreadable) -> Result<Vec<T>, Unreadable> {
    list.split(' ').map(|word| of_word(word).ok_or(unknown)).collect()
}

impl fmt::Display for Authenticate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut to = Writer::new(f);
        if let Some(usage) = self.usage {
            to.bare("sigusage", usage.word())?;
        }
        write_list(&mut to, "sigalg", &self.signatures.iter().map(|name| name.word()).collect::<Vec<_>>())?;
        write_list(&mut to, "digestalg", &self.digests.iter().map(|name| name.word()).collect::<Vec<_>>())?;
        if !self.covered.is_empty() {
            to.bare("canon", CANONICALISATION)?;
            to.quoted("covered", &self.covered.to_string())?;
        }
        if self.nonce.is_empty() { Ok(()) } else { to.quoted("nonce", self.nonce) }
    }
}

fn write_list(to: &mut Writer<'_, '_>, name: &str, words: &[&str]) -> fmt::Result {
    match words {
        [] => Ok(()),
        [word] => to.bare(name, word),
        words => to.quoted(name, &words.join(" ")),
    }
}

/// A field `X-WSS-AuthInfo`: what to use from the next request on. Its `Display` is the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthInfo<'r> {
    /// The nonce to sign the next request with; empty where there is none.
    pub nonce: &'r str,
    /// The token to present from now on.
    pub context: Option<ContextGrant<'r>>,
}

/// A context token and the secret that proves possession of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ContextGrant<'r> {
    /// The token, in the base64 in which it is presented.
    pub token: &'r str,
    /// The secret, in base64 of [`CONTEXT_SECRET_LENGTH`] octets.
    pub secret: &'r str,
}

impl fmt::Debug for ContextGrant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextGrant(…)")
    }
}

impl<'r> AuthInfo<'r> {
    /// Reads the field.
    ///
    /// # Errors
    /// Its parameters cannot be read, one is none that it can be, or a token is there without its secret.
    pub fn read(field: &'r [u8]) -> Result<Self, Unreadable> {
        let [nonce, token, secret] = params::read_within(LONGEST_AUTH_INFO, field, ["nonce", "contexttoken", "contexttokensecret"])?;
        let nonce = nonce.map_or(Ok(""), |nonce| read_nonce(nonce.plain()?))?;
        let context = match (token, secret) {
            (None, None) => None,
            _ => Some(ContextGrant::read(required(token)?, required(secret)?)?),
        };
        Ok(Self { nonce, context })
    }
}

impl<'r> ContextGrant<'r> {
    fn read(token: &'r str, secret: &'r str) -> Result<Self, Unreadable> {
        let is_base64 = |octet: u8| octet.is_ascii_alphanumeric() || b"+/=".contains(&octet);
        if token.is_empty() || !token.bytes().all(is_base64) {
            return Err(Unreadable::TokenEncoding);
        }
        let grant = Self { token, secret };
        grant.secret_octets()?;
        Ok(grant)
    }

    /// The secret's octets.
    ///
    /// # Errors
    /// Never for a field that was read.
    pub fn secret_octets(&self) -> Result<[u8; CONTEXT_SECRET_LENGTH], Unreadable> {
        base64::decode_exactly(self.secret.as_bytes()).map_err(|_| Unreadable::ParameterValue)
    }
}

impl fmt::Display for AuthInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut to = Writer::new(f);
        if !self.nonce.is_empty() {
            to.quoted("nonce", self.nonce)?;
        }
        if let Some(ContextGrant { token, secret }) = self.context {
            to.quoted("contexttoken", token)?;
            to.quoted("contexttokensecret", secret)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_the_notes_is_read_and_written() {
        let field = "sigusage=message, sigalg=hmac-sha256, digestalg=sha-256, nonce=\"bm9uY2UtMDAwMQ==\"";
        let read = Authenticate::read(field.as_bytes()).unwrap();
        assert_eq!((read.usage, read.signatures.as_slice()), (Some(Usage::Message), &[SignatureName::HmacSha256][..]));
        assert_eq!((read.digests.as_slice(), read.nonce), (&[DigestName::Sha256][..], "bm9uY2UtMDAwMQ=="));
        assert!(read.covered.is_empty());
        assert_eq!(read.to_string(), field);
    }

    #[test]
    fn several_algorithms_stand_in_one_parameter() {
        let written = Authenticate {
            usage: None,
            signatures: vec![SignatureName::HmacSha256, SignatureName::Ed25519],
            digests: vec![DigestName::Sha256, DigestName::Sha512],
            nonce: "",
            covered: Covered::new(vec!["content-type", "authorization"]).unwrap(),
        };
        let field = written.to_string();
        assert_eq!(
            field,
            "sigalg=\"hmac-sha256 ed25519\", digestalg=\"sha-256 sha-512\", canon=lower-collapse-sort, covered=\"authorization content-type\""
        );
        assert_eq!(Authenticate::read(field.as_bytes()), Ok(written));
        let refused = |field: &str| Authenticate::read(field.as_bytes()).err();
        assert_eq!(refused("sigalg=\"hmac-sha256  ed25519\""), Some(Unreadable::SignatureAlgorithmUnknown));
        assert_eq!(refused("digestalg=md5"), Some(Unreadable::DigestAlgorithmUnknown));
        assert_eq!(refused("canon=c14n"), Some(Unreadable::CanonicalisationUnknown));
        assert_eq!(refused("nonce=short"), Some(Unreadable::NonceSyntax));
        assert_eq!(refused("sigusage=both"), Some(Unreadable::ParameterValue));
        assert_eq!(refused("covered=X"), Some(Unreadable::CoveredSyntax));
    }

    #[test]
    fn a_context_comes_with_its_secret() {
        let secret = base64::encode(&[7; 32]);
        let field = format!("nonce=\"bm9uY2UtMDAwMg==\", contexttoken=\"UE9S\", contexttokensecret=\"{secret}\"");
        let read = AuthInfo::read(field.as_bytes()).unwrap();
        let context = read.context.unwrap();
        assert_eq!((read.nonce, context.token, context.secret_octets()), ("bm9uY2UtMDAwMg==", "UE9S", Ok([7; 32])));
        assert_eq!(read.to_string(), field);
        assert!(!format!("{read:?}").contains("UE9S") && !format!("{read:?}").contains(&secret));
        let refused = |field: &str| AuthInfo::read(field.as_bytes()).err();
        assert_eq!(refused("contexttoken=UE9S"), Some(Unreadable::ParameterMissing));
        assert_eq!(refused(&format!("contexttokensecret={secret}")), Some(Unreadable::ParameterMissing));
        assert_eq!(refused("contexttoken=UE9S, contexttokensecret=UE9S"), Some(Unreadable::ParameterValue));
        assert_eq!(refused(&format!("contexttoken=\"a b\", contexttokensecret={secret}")), Some(Unreadable::TokenEncoding));
        assert_eq!(AuthInfo::read(b"nonce=\"bm9uY2UtMDAwMg==\"").map(|read| read.context), Ok(None));
    }

    #[test]
    fn a_context_token_may_be_longer_than_other_fields() {
        let secret = base64::encode(&[7; 32]);
        let field = |length| format!("contexttoken={}, contexttokensecret={secret}", "A".repeat(length));
        assert!(AuthInfo::read(field(4096 * 64).as_bytes()).is_ok());
        assert_eq!(AuthInfo::read(field(4096 * 65).as_bytes()).err(), Some(Unreadable::FieldTooLong));
    }
}
