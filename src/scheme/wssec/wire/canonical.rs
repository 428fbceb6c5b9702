//! What is digested and what is signed: the canonical form of fields, and the signature's input.

use super::digest_field::{Covered, DigestField};
use super::{SignatureName, Unreadable, Usage};
use crate::crypto;
use base64_simd::{AsOut, STANDARD};
use http::HeaderMap;

/// Adds the canonical form of covered fields, in front of which the content is digested:
/// `name:value` and a line feed for each, sorted, then a line feed. Without covered fields nothing is added.
///
/// White space is spaces and tabs: runs become one space, and none is left at the ends.
///
/// # Errors
/// A covered field is absent, or stands several times.
pub fn write_canon(covered: &Covered<'_>, fields: &HeaderMap, to: &mut Vec<u8>) -> Result<(), Unreadable> {
    for name in covered.names() {
        let mut values = fields.get_all(*name).iter();
        let value = values.next().ok_or(Unreadable::CoveredAbsent)?;
        if values.next().is_some() {
            return Err(Unreadable::CoveredFieldRepeated);
        }
        to.extend_from_slice(name.as_bytes());
        to.push(b':');
        write_collapsed(value.as_bytes(), to);
        to.push(b'\n');
    }
    if !covered.is_empty() {
        to.push(b'\n');
    }
    Ok(())
}

fn write_collapsed(value: &[u8], to: &mut Vec<u8>) {
    let words = value.split(|octet| matches!(octet, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            to.push(b' ');
        }
        to.extend_from_slice(word);
    }
}

/// The base64 of a token's SHA-256, which binds a signature to the very token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash([u8; TOKEN_HASH_LENGTH]);

const TOKEN_HASH_LENGTH: usize = 44;

impl TokenHash {
    /// Of a token's octets: decoded and joined; for a reference, those of the URI.
    pub fn of(token: &[u8]) -> Self {
        Self::of_digest(&crypto::sha256(token))
    }

    /// Of a token with this SHA-256.
    pub fn of_digest(digest: &[u8; crypto::DIGEST_LENGTH]) -> Self {
        let mut text = [0; TOKEN_HASH_LENGTH];
        let _ = STANDARD.encode(digest, text.as_mut_slice().as_out());
        Self(text)
    }

    /// The base64 text.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Everything that a signature speaks of, in the words of the wire.
#[derive(Clone, Copy, Debug)]
pub struct SignatureInput<'r> {
    /// The method.
    pub method: &'r str,
    /// Path and query as on the request line.
    pub path_and_query: &'r str,
    /// Host and port as in `Host` or `:authority`.
    pub host: &'r str,
    /// The signature's algorithm.
    pub algorithm: SignatureName,
    /// The nonce.
    pub nonce: &'r str,
    /// The timestamp's exact text.
    pub timestamp: &'r str,
    /// The hash of the token.
    pub token_hash: &'r TokenHash,
    /// What the signature covers.
    pub scope: Scope<'r>,
}

/// What a signature covers beside the head: a digest stands in it exactly where the usage is `message`.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'r> {
    /// Nothing more: usage `auth`.
    Auth,
    /// The message, by the digest that is claimed for it: usage `message`.
    Message(&'r DigestField<'r>),
}

impl Scope<'_> {
    /// The usage that says so.
    pub const fn usage(&self) -> Usage {
        match self {
            Self::Auth => Usage::Auth,
            Self::Message(_) => Usage::Message,
        }
    }
}

impl SignatureInput<'_> {
    /// Adds the octets that are signed.
    pub fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(b"WSSEC");
        let usage = self.scope.usage();
        let lines = [self.method, self.path_and_query, self.host, self.algorithm.word(), usage.word(), self.nonce, self.timestamp];
        for line in lines {
            to.push(b'\n');
            to.extend_from_slice(line.as_bytes());
        }
        to.push(b'\n');
        to.extend_from_slice(self.token_hash.as_bytes());
        if let Scope::Message(digest) = self.scope {
            to.push(b'\n');
            write_digest_line(digest, to);
        }
    }
}

/// Adds the line that says which digest is signed, by which algorithm and over which fields.
pub fn write_digest_line(digest: &DigestField<'_>, to: &mut Vec<u8>) {
    to.extend_from_slice(digest.algorithm.word().as_bytes());
    for word in std::iter::once(&digest.value).chain(digest.covered.names()) {
        to.push(b' ');
        to.extend_from_slice(word.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::authorization::Authorization;
    use super::super::fragments::Fragments;
    use super::super::location::{Location, TokenLocation};
    use super::super::security::{LONGEST_SIGNATURE, Security};
    use super::*;
    use crate::crypto::{DigestAlgorithm, MacKey, base64, sha256};
    use http::{HeaderName, HeaderValue};

    const MESSAGE: &[(&str, &str)] = &[
        ("Host", "rp.example.com"),
        ("Content-Type", "application/json"),
        ("Authorization", "WSSEC realm=\"orders\", profile=\"saml2\""),
        ("X-WSS-TokenLoc", "location=header, frags=3, fragsize=16"),
        ("X-WSS-Token1", "PHNhbWw6QXNzZXJ0"),
        ("X-WSS-Token2", "aW9uIElEPSJfMSIv"),
        ("X-WSS-Token3", "Pg=="),
        (
            "X-WSS-Digest",
            "alg=sha-256, value=\"K0ErNGeemofZVMs0dN0yDEwvg2qNSq5zn/GLy6/qmVQ=\", covered=\"authorization content-type x-wss-token1 x-wss-token2 x-wss-token3 x-wss-tokenloc\"",
        ),
        (
            "X-WSS-Security",
            "sigusage=message, sigalg=hmac-sha256, nonce=\"bm9uY2UtMDAwMQ==\", timestamp=\"2009-05-14T12:00:00Z\", sigval=\"7UtZmWg2YNyNQoXpI6D97jK4gBZgBK6ARiobs4RUz/E=\"",
        ),
    ];
    const CONTEXT: &[(&str, &str)] = &[
        ("Host", "rp.example.com"),
        ("Authorization", "WSSEC realm=\"orders\", profile=\"sct\""),
        ("X-WSS-TokenLoc", "location=header"),
        ("X-WSS-Token1", "UE9SVENVTExJUy1DT05URVhULUVYQU1QTEU="),
        (
            "X-WSS-Security",
            "sigusage=auth, sigalg=hmac-sha256, nonce=\"bm9uY2UtMDAwMg==\", timestamp=\"2009-05-14T12:00:00Z\", sigval=\"s6T9z18fiPijBkuohzg45k6KGgEoZR3S8qGYsTRhmTI=\"",
        ),
    ];

    fn fields(list: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn key() -> MacKey {
        MacKey::new(DigestAlgorithm::Sha256, &(0..32).collect::<Vec<u8>>())
    }

    fn token(fields: &HeaderMap) -> Vec<u8> {
        let location = TokenLocation::read(fields["x-wss-tokenloc"].as_bytes()).unwrap();
        let Location::Header(layout) = location.location else { panic!("the token is in the head") };
        let mut token = Vec::new();
        Fragments::find(fields, layout, 1024).unwrap().decode(1024, &mut token).unwrap();
        token
    }

    fn input(method: &str, fields: &HeaderMap, scope: Scope<'_>) -> Vec<u8> {
        let security = Security::read(fields["x-wss-security"].as_bytes()).unwrap();
        let mut octets = Vec::new();
        SignatureInput {
            method,
            path_and_query: "/orders?x=1",
            host: fields["host"].to_str().unwrap(),
            algorithm: security.algorithm,
            nonce: security.nonce,
            timestamp: security.timestamp.text,
            token_hash: &TokenHash::of(&token(fields)),
            scope,
        }
        .write(&mut octets);
        octets
    }

    fn verify(fields: &HeaderMap, input: &[u8]) -> bool {
        let security = Security::read(fields["x-wss-security"].as_bytes()).unwrap();
        key().verify(input, security.signature_octets(&mut [0; LONGEST_SIGNATURE]).unwrap()).is_ok()
    }

    #[test]
    fn the_message_example_holds_to_the_octet() {
        let fields = fields(MESSAGE);
        assert_eq!(token(&fields), b"<saml:Assertion ID=\"_1\"/>");
        let authorization = Authorization::read(fields["authorization"].as_bytes()).unwrap().unwrap();
        assert_eq!(&*authorization.profile, "saml2");
        let digest = DigestField::read(fields["x-wss-digest"].as_bytes()).unwrap();
        let mut digested = Vec::new();
        write_canon(&digest.covered, &fields, &mut digested).unwrap();
        digested.extend_from_slice(b"{\"order\":42}");
        assert_eq!(base64::encode(&sha256(&digested)), digest.value);
        let signed = input("POST", &fields, Scope::Message(&digest));
        assert_eq!(
            std::str::from_utf8(&signed).unwrap(),
            "WSSEC\nPOST\n/orders?x=1\nrp.example.com\nhmac-sha256\nmessage\nbm9uY2UtMDAwMQ==\n2009-05-14T12:00:00Z\nNsFmR7CWa7UlO5sRvgF0eeDt5UN6aj9lG3yYozKD/PU=\nsha-256 K0ErNGeemofZVMs0dN0yDEwvg2qNSq5zn/GLy6/qmVQ= authorization content-type x-wss-token1 x-wss-token2 x-wss-token3 x-wss-tokenloc"
        );
        assert!(verify(&fields, &signed));
        assert!(!verify(&fields, &input("PUT", &fields, Scope::Message(&digest))));
        assert!(!verify(&fields, &input("POST", &fields, Scope::Auth)));
    }

    #[test]
    fn the_context_example_holds_to_the_octet() {
        let fields = fields(CONTEXT);
        assert_eq!(token(&fields), b"PORTCULLIS-CONTEXT-EXAMPLE");
        let signed = input("GET", &fields, Scope::Auth);
        assert!(signed.ends_with(TokenHash::of(b"PORTCULLIS-CONTEXT-EXAMPLE").as_bytes()));
        assert!(verify(&fields, &signed));
        assert!(!verify(&fields, &input("HEAD", &fields, Scope::Auth)));
    }

    #[test]
    fn the_canonical_form_is_sorted_and_collapsed() {
        let fields = fields(&[("X-B", " \t two\t \twords  "), ("x-a", ""), ("Accept", "*/*"), ("x-c", "not covered")]);
        let mut octets = b"kept ".to_vec();
        write_canon(&Covered::new(vec!["x-b", "accept", "x-a"]).unwrap(), &fields, &mut octets).unwrap();
        assert_eq!(octets, b"kept accept:*/*\nx-a:\nx-b:two words\n\n");
        octets.clear();
        write_canon(&Covered::default(), &fields, &mut octets).unwrap();
        assert_eq!(octets, b"");
    }

    #[test]
    fn absent_and_repeated_covered_fields_are_refused() {
        let fields = fields(&[("accept", "a"), ("x-twice", "1"), ("x-twice", "1")]);
        let canon = |names| write_canon(&Covered::read(names).unwrap(), &fields, &mut Vec::new());
        assert_eq!(canon("accept host"), Err(Unreadable::CoveredAbsent));
        assert_eq!(canon("accept x-twice"), Err(Unreadable::CoveredFieldRepeated));
    }

    #[test]
    fn other_octets_are_canonical_as_they_stand() {
        let mut map = HeaderMap::new();
        map.insert("x-name", HeaderValue::from_bytes(b"caf\xe9  \xa0x").unwrap());
        let mut octets = Vec::new();
        write_canon(&Covered::read("x-name").unwrap(), &map, &mut octets).unwrap();
        assert_eq!(octets, b"x-name:caf\xe9 \xa0x\n\n");
    }

    #[test]
    fn canonical_fields_moved_into_the_content_are_another_signature() {
        let map = fields(MESSAGE);
        let covered = DigestField::read(map["x-wss-digest"].as_bytes()).unwrap();
        let alone = DigestField { covered: Covered::default(), ..covered.clone() };
        assert_ne!(input("POST", &map, Scope::Message(&covered)), input("POST", &map, Scope::Message(&alone)));
    }
}
