//! `X-WSS-Security`: the signature over the request, by the key of its token.

use super::params::{self, Value, Writer};
use super::{SignatureName, Unreadable, Usage};
use crate::clock::UnixTime;
use crate::crypto::base64;
use crate::token::calendar;
use std::fmt;

/// The fewest and the most characters of a nonce.
pub const NONCE_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
/// The most octets of a signature: those of the largest RSA key.
pub const LONGEST_SIGNATURE: usize = 1024;

/// A field `X-WSS-Security`, read and not judged. Its `Display` is the field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Security<'r> {
    /// What the signature speaks of.
    pub usage: Usage,
    /// The algorithm, as the sender says.
    pub algorithm: SignatureName,
    /// What makes the request unlike any other: visible ASCII, [`NONCE_LENGTH`].
    pub nonce: &'r str,
    /// When the request was signed.
    pub timestamp: Timestamp<'r>,
    /// The signature, in base64 that was found canonical.
    pub signature: &'r str,
}

/// A moment with its exact text, which is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp<'r> {
    /// The moment; a fraction of its second is cut.
    pub time: UnixTime,
    /// The text (RFC 3339, UTC, `T` and `Z` as capitals; a fraction of a second has one to nine digits).
    pub text: &'r str,
}

impl<'r> Security<'r> {
    /// Reads the field.
    ///
    /// # Errors
    /// Its parameters cannot be read, or one of them is missing or none that it can be.
    pub fn read(field: &'r [u8]) -> Result<Self, Unreadable> {
        let [usage, algorithm, nonce, timestamp, signature] = params::read(field, ["sigusage", "sigalg", "nonce", "timestamp", "sigval"])?;
        let algorithm = SignatureName::of_word(required(algorithm)?).ok_or(Unreadable::SignatureAlgorithmUnknown)?;
        let security = Self {
            usage: usage.map_or(Ok(Usage::default()), read_usage)?,
            algorithm,
            nonce: read_nonce(required(nonce)?)?,
            timestamp: Timestamp::read(required(timestamp)?)?,
            signature: required(signature)?,
        };
        security.signature_octets(&mut [0; LONGEST_SIGNATURE])?;
        Ok(security)
    }

    /// The signature's octets.
    ///
    /// # Errors
    /// Never for a field that was read.
    pub fn signature_octets<'b>(&self, buffer: &'b mut [u8; LONGEST_SIGNATURE]) -> Result<&'b [u8], Unreadable> {
        match base64::decode(self.signature.as_bytes(), buffer) {
            Ok(octets) if !octets.is_empty() => Ok(octets),
            Ok(_) | Err(base64::Base64Syntax) => Err(Unreadable::SignatureSyntax),
        }
    }
}

impl<'r> Timestamp<'r> {
    /// Reads a moment.
    ///
    /// # Errors
    /// It is no moment in UTC since 1970, or has another form.
    pub fn read(text: &'r str) -> Result<Self, Unreadable> {
        calendar::utc_moment(text).map(|time| Self { time, text }).ok_or(Unreadable::TimestampSyntax)
    }
}

pub(super) fn required(value: Option<Value<'_>>) -> Result<&str, Unreadable> {
    value.ok_or(Unreadable::ParameterMissing)?.plain()
}

pub(super) fn read_usage(value: Value<'_>) -> Result<Usage, Unreadable> {
    Usage::of_word(value.plain()?).ok_or(Unreadable::ParameterValue)
}

/// A nonce has one spelling, so it holds no white space.
pub(super) fn read_nonce(nonce: &str) -> Result<&str, Unreadable> {
    let visible = nonce.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'"');
    if visible && NONCE_LENGTH.contains(&nonce.len()) { Ok(nonce) } else { Err(Unreadable::NonceSyntax) }
}

impl fmt::Display for Security<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut to = Writer::new(f);
        to.bare("sigusage", self.usage.word())?;
        to.bare("sigalg", self.algorithm.word())?;
        to.quoted("nonce", self.nonce)?;
        to.quoted("timestamp", self.timestamp.text)?;
        to.quoted("sigval", self.signature)
    }
}

impl fmt::Debug for Security<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security").field("usage", &self.usage).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: &str = "sigusage=message, sigalg=hmac-sha256, nonce=\"bm9uY2UtMDAwMQ==\", timestamp=\"2009-05-14T12:00:00Z\", sigval=\"7UtZmWg2YNyNQoXpI6D97jK4gBZgBK6ARiobs4RUz/E=\"";

    fn refused(field: &str) -> Option<Unreadable> {
        Security::read(field.as_bytes()).err()
    }

    #[test]
    fn the_field_of_the_example_is_read_and_written() {
        let security = Security::read(FIELD.as_bytes()).unwrap();
        assert_eq!((security.usage, security.algorithm), (Usage::Message, SignatureName::HmacSha256));
        assert_eq!((security.nonce, security.timestamp.text), ("bm9uY2UtMDAwMQ==", "2009-05-14T12:00:00Z"));
        assert_eq!(security.timestamp.time.seconds(), 1_242_302_400);
        assert_eq!(security.signature_octets(&mut [0; LONGEST_SIGNATURE]).map(<[u8]>::len), Ok(32));
        assert_eq!(security.to_string(), FIELD);
        assert!(!format!("{security:?}").contains("7UtZ"));
    }

    #[test]
    fn usage_may_be_absent_and_base64_unquoted() {
        let bare = "sigval=AA==,nonce=bm9uY2UtMDAwMQ==,sigalg=\"ed25519\",timestamp=\"2009-05-14T12:00:00Z\"";
        let security = Security::read(bare.as_bytes()).unwrap();
        assert_eq!((security.usage, security.algorithm, security.signature), (Usage::Auth, SignatureName::Ed25519, "AA=="));
    }

    #[test]
    fn each_parameter_is_judged_by_its_own_rule() {
        let swap = |from: &str, to: &str| {
            assert!(FIELD.contains(from));
            refused(&FIELD.replace(from, to))
        };
        assert_eq!(swap("sigalg=hmac-sha256, ", ""), Some(Unreadable::ParameterMissing));
        assert_eq!(swap("nonce=\"bm9uY2UtMDAwMQ==\", ", ""), Some(Unreadable::ParameterMissing));
        assert_eq!(swap("timestamp=\"2009-05-14T12:00:00Z\", ", ""), Some(Unreadable::ParameterMissing));
        assert_eq!(swap("hmac-sha256", "none"), Some(Unreadable::SignatureAlgorithmUnknown));
        assert_eq!(swap("hmac-sha256", "HMAC-SHA256"), Some(Unreadable::SignatureAlgorithmUnknown));
        assert_eq!(swap("=message", "=Message"), Some(Unreadable::ParameterValue));
        assert_eq!(swap("sigusage", "usage"), Some(Unreadable::ParameterUnknown));
        assert_eq!(swap("sigusage=message", "sigalg=ed25519"), Some(Unreadable::ParameterRepeated));
        assert_eq!(swap("12:00:00Z", "12:00:00+00:00"), Some(Unreadable::TimestampSyntax));
        assert_eq!(swap("2009-05-14T", "2009-13-14T"), Some(Unreadable::TimestampSyntax));
        assert_eq!(swap("z/E=", "z/F="), Some(Unreadable::SignatureSyntax));
        assert_eq!(swap("z/E=", "z/E"), Some(Unreadable::SignatureSyntax));
        assert_eq!(swap("7UtZ", "7U Z"), Some(Unreadable::SignatureSyntax));
        assert_eq!(swap("7UtZ", "\\7UtZ"), Some(Unreadable::ParameterValue));
        assert_eq!(swap("7UtZmWg2YNyNQoXpI6D97jK4gBZgBK6ARiobs4RUz/E=", ""), Some(Unreadable::SignatureSyntax));
    }

    #[test]
    fn nonces_and_signatures_are_bounded() {
        let nonce = |nonce: &str| refused(&FIELD.replace("bm9uY2UtMDAwMQ==", nonce));
        assert_eq!((nonce(&"n".repeat(16)), nonce(&"n".repeat(128))), (None, None));
        for wrong in [&"n".repeat(15), &"n".repeat(129), "", "nonce with spaces", "nonce\twith-a-tab-in-it"] {
            assert_eq!(nonce(wrong), Some(Unreadable::NonceSyntax), "{wrong:?}");
        }
        assert_eq!(nonce("escaped\\-nonce-0001"), Some(Unreadable::ParameterValue));
        let signature = |length| refused(&FIELD.replace("7UtZmWg2YNyNQoXpI6D97jK4gBZgBK6ARiobs4RUz/E=", &base64::encode(&vec![7; length])));
        assert_eq!((signature(LONGEST_SIGNATURE), signature(LONGEST_SIGNATURE + 1)), (None, Some(Unreadable::SignatureSyntax)));
    }
}
