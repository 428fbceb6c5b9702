//! Tokens for the load: Simple Web Tokens (SWT 0.9.5.1), each unlike all before it.

use base64_simd::STANDARD;
use portcullis::clock::{self, UnixTime};
use std::cell::Cell;
use std::fmt::{self, Write};

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::hmac;
#[cfg(not(feature = "aws-lc-rs"))]
use ring::hmac;

/// Makes tokens.
pub(crate) trait Mint {
    /// Appends a token that was not made before and holds until `expires`.
    fn mint(&self, expires: UnixTime, into: &mut Vec<u8>);
}

/// What every token states, decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    /// Who makes the token.
    pub(crate) issuer: &'a str,
    /// Whom it is for.
    pub(crate) audience: &'a str,
    /// Further claims.
    pub(crate) claims: &'a [(Box<str>, Box<str>)],
}

/// Makes Simple Web Tokens.
pub(crate) struct SwtMint {
    key: hmac::Key,
    statement: Box<str>,
    run: u64,
    serial: Cell<u64>,
}

impl SwtMint {
    /// A mint with a key in base64.
    ///
    /// # Errors
    /// The key is not base64, or shorter than 16 octets.
    pub(crate) fn build(key: &str, statement: &Statement<'_>) -> Result<Self, &'static str> {
        let key = STANDARD.decode_to_vec(key.as_bytes()).map_err(|_| "the key is not base64")?;
        if key.len() < 16 {
            return Err("the key is shorter than 16 octets");
        }
        let claims = statement.claims.iter().map(|(name, value)| (&**name, &**value));
        let mut text = String::new();
        for (name, value) in claims.chain([("Issuer", statement.issuer), ("Audience", statement.audience)]) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}={}&", Escaped(name), Escaped(value));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Ok(Self { key, statement: text.into(), run: clock::now().seconds(), serial: Cell::new(0) })
    }
}

impl Mint for SwtMint {
    fn mint(&self, expires: UnixTime, into: &mut Vec<u8>) {
        let serial = self.serial.replace(self.serial.get() + 1);
        let mut text = String::with_capacity(self.statement.len() + 160);
        // Writing to a String cannot fail.
        let _ = write!(text, "serial={}-{serial}&{}ExpiresOn={}", self.run, self.statement, expires.seconds());
        let mac = STANDARD.encode_to_string(hmac::sign(&self.key, text.as_bytes()));
        let _ = write!(text, "&HMACSHA256={}", Escaped(&mac));
        into.extend_from_slice(text.as_bytes());
    }
}

impl fmt::Debug for SwtMint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SwtMint(…)")
    }
}

/// A name or value in percent-encoding; only unreserved characters (RFC 3986 §2.3) stand for themselves.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|octet| match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => f.write_char(char::from(octet)),
            _ => write!(f, "%{octet:02X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=";

    fn token(mint: &SwtMint) -> String {
        let mut token = Vec::new();
        mint.mint(UnixTime::from_seconds(1_262_304_000), &mut token);
        String::from_utf8(token).unwrap()
    }

    #[test]
    fn the_mac_covers_everything_before_it() {
        let claims = [("a b".into(), "c&d".into())];
        let mint = SwtMint::build(KEY, &Statement { issuer: "https://i/", audience: "x", claims: &claims }).unwrap();
        let token = token(&mint);
        let (signed, mac) = token.split_once("&HMACSHA256=").unwrap();
        assert!(signed.contains("-0&a%20b=c%26d&Issuer=https%3A%2F%2Fi%2F&Audience=x&ExpiresOn=1262304000"), "{signed}");
        let mac = mac.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        assert_eq!(STANDARD.decode_to_vec(mac).unwrap(), hmac::sign(&mint.key, signed.as_bytes()).as_ref());
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let mint = SwtMint::build(KEY, &Statement { issuer: "i", audience: "a", claims: &[] }).unwrap();
        assert_ne!(token(&mint), token(&mint));
    }

    #[test]
    fn keys_are_base64_and_long_enough() {
        let statement = Statement { issuer: "i", audience: "a", claims: &[] };
        for wrong in ["", "not base64!", "c2hvcnQ="] {
            assert!(SwtMint::build(wrong, &statement).is_err(), "{wrong}");
        }
    }
}
