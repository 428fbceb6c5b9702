//! `portcullis sign` and `portcullis curl`: requests with credentials, for a person at a shell.

mod curl;
mod lines;
mod message;
mod sign;

pub(super) use curl::Curl;
pub(super) use sign::Sign;

use super::failure::Failure;
use super::terminal::read;
use crate::client::{Content, FileToken, HolderKey, Request, Target};
use crate::scheme::wssec::wire::{SignatureName, Usage};
use clap::Args;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::path::PathBuf;

/// What the content is where nobody says so. It must be said, since other clients put in a type of their own.
const UNTOLD_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The token and its key.
#[derive(Args)]
struct Holder {
    /// The file with the token. It is read again when it changes.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// The profile of the token: jwt, swt, x509v3 (a certificate in PEM or DER), sct (as
    /// `contexttoken` gave it, or the octets of that), saml11, saml2.
    #[arg(long, value_name = "WORD", default_value = "jwt")]
    profile: String,
    /// The file with the key that the token is bound to: a private key in PEM (PKCS#8) or a secret in base64;
    /// `-` for standard input.
    #[arg(long, visible_alias = "key-file", value_name = "FILE")]
    key: PathBuf,
    /// The signature algorithm; by default one that fits the key.
    #[arg(long, value_name = "NAME")]
    alg: Option<String>,
    /// The realm to present the token in.
    #[arg(long, value_name = "REALM", default_value = "", hide_default_value = true)]
    realm: String,
}

/// The request.
#[derive(Args)]
struct Described {
    /// The method; by default GET, or POST where there is content.
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<Method>,
    /// The file with the content.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A further field; may be repeated. Content is application/octet-stream unless a field says otherwise.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Holder {
    fn key(&self) -> Result<HolderKey, Failure> {
        let told = |unfit| Failure::from(format!("{}: {unfit}", self.key.display()));
        let key = HolderKey::read(&read(&self.key)?).map_err(told)?;
        match &self.alg {
            Some(name) => key.only(algorithm(name)?).map_err(told),
            None => Ok(key),
        }
    }

    fn token(&self) -> Result<FileToken, Failure> {
        Ok(FileToken::new(&self.profile, self.token_file()?))
    }

    fn token_file(&self) -> Result<&PathBuf, Failure> {
        self.token.as_ref().ok_or_else(|| "--token is needed: the file with the token".to_owned().into())
    }
}

impl Described {
    fn request(&self, target: &Target) -> Request {
        let mut fields = HeaderMap::new();
        for (name, value) in &self.fields {
            fields.append(name, value.clone());
        }
        let usual = if self.body.is_some() { Method::POST } else { Method::GET };
        let content = match &self.body {
            Some(path) => {
                fields.entry(CONTENT_TYPE).or_insert(UNTOLD_TYPE);
                Content::File(path.clone())
            }
            None => Content::none(),
        };
        Request { method: self.method.clone().unwrap_or(usual), target: target.clone(), fields, content }
    }
}

fn target(text: &str) -> Result<Target, String> {
    Target::read(text).map_err(|syntax| syntax.to_string())
}

fn algorithm(name: &str) -> Result<SignatureName, String> {
    SignatureName::of_word(name).ok_or_else(|| format!("--alg: expected one of {}", SignatureName::ALL.map(SignatureName::word).join(", ")))
}

fn usage(word: &str) -> Result<Usage, String> {
    Usage::of_word(word).ok_or_else(|| "expected auth or message".to_owned())
}

fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    let name = name.parse().map_err(|_| "a field's name has letters, digits and hyphens")?;
    let value = value.trim().parse().map_err(|_| "a field's value has no line breaks or other control characters")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn described(body: Option<PathBuf>, fields: &[&str]) -> Described {
        Described { method: None, body, fields: fields.iter().map(|text| field(text).unwrap()).collect() }
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(field("X-A:b: c "), Ok((HeaderName::from_static("x-a"), HeaderValue::from_static("b: c"))));
        assert!(["X-A", "X A: b", ": b", "X-A: b\nX-B: c"].iter().all(|text| field(text).is_err()));
        assert_eq!((algorithm("ed25519"), usage("message")), (Ok(SignatureName::Ed25519), Ok(Usage::Message)));
        assert!(algorithm("none").is_err() && usage("both").is_err());
    }

    #[test]
    fn what_is_not_said_is_usual() {
        let target = Target::read("https://rp.example/").unwrap();
        let plain = described(None, &[]).request(&target);
        assert_eq!((plain.method, plain.fields.len()), (Method::GET, 0));
        let with_body = described(Some("body".into()), &["Accept: a", "Accept: b"]).request(&target);
        assert_eq!((with_body.method, with_body.fields.get_all("accept").iter().count()), (Method::POST, 2));
        assert_eq!(with_body.fields[CONTENT_TYPE], UNTOLD_TYPE);
        let typed = described(Some("body".into()), &["content-type: a/b"]).request(&target);
        assert_eq!(typed.fields.get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), ["a/b"]);
    }

    #[test]
    fn a_file_that_is_no_key_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "hunter2").unwrap();
        let holder = Holder { token: None, profile: "jwt".to_owned(), key, alg: None, realm: String::new() };
        let Err(Failure::Reason(reason)) = holder.key() else { panic!() };
        assert!(reason.contains("in base64") && !reason.contains("hunter2"), "{reason}");
        assert!(matches!(holder.token(), Err(Failure::Reason(reason)) if reason.contains("--token")));
    }
}
