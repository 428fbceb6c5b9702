//! Keys as text in files (RFC 7468): PKCS#8 private keys and SPKI public keys, in base64 between two lines.

use crate::crypto::{PublicKey, SigningKey, UnusableKey, base64};
use std::fmt;
use zeroize::Zeroizing;

/// The label of a private key (RFC 7468 §10).
const PRIVATE: &str = "PRIVATE KEY";
/// The label of a public key (RFC 7468 §13).
const PUBLIC: &str = "PUBLIC KEY";
/// How many characters a line has when written (RFC 7468 §2).
const LINE: usize = 64;

/// A key from a file.
#[derive(Debug)]
pub enum PemKey {
    /// A private key.
    Private(Box<SigningKey>),
    /// A public key.
    Public(PublicKey),
}

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemSyntax {
    /// There is no block between a BEGIN and an END line, or more than one.
    Block,
    /// The block holds something else, such as a key in an older format or an encrypted one.
    Label,
    /// What stands between the lines is not base64.
    Base64,
    /// It decodes, but not to a key that can be used.
    Key(UnusableKey),
}

/// Whether the text looks like one of these, rather than like another format.
pub fn is_shaped(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

/// Reads the one key in a text. What stands before and after the block is left aside (RFC 7468 §2).
///
/// # Errors
/// The text is not exactly one key of a kind that we use.
pub fn read(text: &str) -> Result<PemKey, PemSyntax> {
    let (_, begun) = text.split_once("-----BEGIN ").ok_or(PemSyntax::Block)?;
    let (label, begun) = begun.split_once("-----").ok_or(PemSyntax::Block)?;
    let (block, rest) = begun.split_once("-----END ").ok_or(PemSyntax::Block)?;
    let ended = rest.strip_prefix(label).and_then(|rest| rest.strip_prefix("-----")).ok_or(PemSyntax::Block)?;
    if is_shaped(ended) {
        return Err(PemSyntax::Block);
    }
    let der = decode(block)?;
    match label {
        PRIVATE => SigningKey::from_pkcs8_der(&der).map(|key| PemKey::Private(Box::new(key))),
        PUBLIC => PublicKey::from_spki_der(&der).map(PemKey::Public),
        _ => return Err(PemSyntax::Label),
    }
    .map_err(PemSyntax::Key)
}

fn decode(block: &str) -> Result<Zeroizing<Vec<u8>>, PemSyntax> {
    let mut text = Zeroizing::new(Vec::with_capacity(block.len()));
    text.extend(block.bytes().filter(|octet| !octet.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; text.len()]);
    let length = base64::decode(&text, &mut der).map_err(|_| PemSyntax::Base64)?.len();
    der.truncate(length);
    Ok(der)
}

/// Writes a private key.
pub fn write(key: &SigningKey) -> Zeroizing<String> {
    let coded = Zeroizing::new(base64::encode(key.to_pkcs8_der()));
    let mut text = Zeroizing::new(String::with_capacity(coded.len().saturating_mul(2).saturating_add(LINE)));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = &**coded;
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

impl PemKey {
    /// The half that others may see.
    pub fn public(&self) -> &PublicKey {
        match self {
            Self::Private(key) => key.public(),
            Self::Public(key) => key,
        }
    }
}

impl fmt::Display for PemSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block => f.write_str("not exactly one PEM block; `openssl pkey` writes one"),
            Self::Label => {
                f.write_str("neither a PRIVATE KEY (PKCS#8, not encrypted) nor a PUBLIC KEY; `openssl pkey` converts older formats")
            }
            Self::Base64 => f.write_str("not base64 between the lines"),
            Self::Key(unusable) => unusable.fmt(f),
        }
    }
}

impl std::error::Error for PemSyntax {}

#[cfg(test)]
mod tests {
    use super::super::thumbprint;
    use super::*;
    use crate::crypto::{KeyKind, NewKey};

    /// RFC 8410 §10.1 and §10.3: a public key and the private key of another.
    const PUBLIC_TEXT: &str =
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn what_is_written_is_read() {
        for kind in [NewKey::P256, NewKey::P384, NewKey::Ed25519] {
            let key = SigningKey::generate(kind).unwrap();
            let text = write(&key);
            assert!(text.lines().all(|line| line.len() <= LINE), "{}", text.len());
            let read = read(&text).unwrap();
            assert_eq!(read.public(), key.public());
            assert!(matches!(read, PemKey::Private(_)));
        }
    }

    #[test]
    fn rfc_8410_10_1_is_a_public_key() {
        let key = read(&format!("Explanatory text\n{}\n", PUBLIC_TEXT.replace('\n', "\r\n"))).unwrap();
        assert!(matches!(&key, PemKey::Public(key) if key.kind() == KeyKind::Ed25519));
        assert!(!thumbprint(key.public()).is_empty());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (text, refused) in [
            (String::new(), PemSyntax::Block),
            (PUBLIC_TEXT.replace("END PUBLIC", "END PRIVATE"), PemSyntax::Block),
            (PUBLIC_TEXT.repeat(2), PemSyntax::Block),
            (PUBLIC_TEXT.replace("PUBLIC KEY", "EC PRIVATE KEY"), PemSyntax::Label),
            (PUBLIC_TEXT.replace("PUBLIC KEY", "CERTIFICATE"), PemSyntax::Label),
            (PUBLIC_TEXT.replace("MCow", "MC!w"), PemSyntax::Base64),
            (PUBLIC_TEXT.replace("MCow", ""), PemSyntax::Key(UnusableKey::Malformed)),
        ] {
            assert_eq!(read(&text).err(), Some(refused), "{text}");
        }
        assert!(matches!(read(&PUBLIC_TEXT.replace("PUBLIC", "PRIVATE")), Err(PemSyntax::Key(_))));
    }
}
