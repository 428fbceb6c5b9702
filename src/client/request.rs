//! A request before it is signed, which can be sent several times.

use crate::crypto::Hasher;
use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::Url;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A request to sign.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// Its fields, without `Authorization` and `X-WSS-…`. A field that is added after signing cannot be covered.
    pub fields: HeaderMap,
    /// Its content.
    pub content: Content,
}

/// Content that can be read again, since it is digested before it is sent.
#[derive(Clone)]
pub enum Content {
    /// In memory; empty for a request without content.
    Octets(Bytes),
    /// In a file.
    File(PathBuf),
}

/// An http or https URL in normal form, in the parts that are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    origin: Box<str>,
    host: Box<str>,
    path_and_query: Box<str>,
}

/// Why a URL is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSyntax {
    /// It cannot be read as a URL.
    Unreadable,
    /// It is not of http or https.
    Scheme,
    /// It holds a user name or a password, which would be another credential.
    UserInfo,
    /// It has another normal form, which is here. What is signed must be what is sent.
    NotNormal(Box<str>),
}

/// The octets of content that are in memory at a time, while a file is read.
const PIECE: usize = 64 << 10;

impl Content {
    /// No content.
    pub const fn none() -> Self {
        Self::Octets(Bytes::new())
    }

    /// Its length in octets.
    ///
    /// # Errors
    /// The file is not there, or may not be read.
    pub fn length(&self) -> io::Result<u64> {
        match self {
            Self::Octets(octets) => u64::try_from(octets.len()).map_err(io::Error::other),
            Self::File(path) => std::fs::metadata(path).map(|facts| facts.len()).map_err(|error| named(path, &error)),
        }
    }

    /// Hands all of it to a digest.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn digest_into(&self, hasher: &mut Hasher) -> io::Result<()> {
        let path = match self {
            Self::Octets(octets) => {
                hasher.update(octets);
                return Ok(());
            }
            Self::File(path) => path,
        };
        let mut file = File::open(path).map_err(|error| named(path, &error))?;
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece).map_err(|error| named(path, &error))? {
                0 => return Ok(()),
                length => hasher.update(piece.get(..length).unwrap_or_default()),
            }
        }
    }
}

/// An error that says of which file it speaks.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl Target {
    /// Reads a URL, which must be in normal form.
    ///
    /// # Errors
    /// It is none, or has another normal form.
    pub fn read(text: &str) -> Result<Self, TargetSyntax> {
        let target = Self::of(Url::parse(text).map_err(|_| TargetSyntax::Unreadable)?)?;
        let normal = target.url.as_str();
        let without_path = target.url.path() == "/" && normal.strip_suffix('/') == Some(text);
        if normal == text || without_path { Ok(target) } else { Err(TargetSyntax::NotNormal(normal.into())) }
    }

    /// The target of a URL. Its fragment is dropped, as it is never sent.
    ///
    /// # Errors
    /// It is not of http or https, or holds a user name or a password.
    pub fn of(mut url: Url) -> Result<Self, TargetSyntax> {
        let (true, Some(host)) = (matches!(url.scheme(), "http" | "https"), url.host_str()) else { return Err(TargetSyntax::Scheme) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetSyntax::UserInfo);
        }
        let host: Box<str> = match url.port() {
            Some(port) => format!("{host}:{port}").into(),
            None => host.into(),
        };
        let path_and_query: Box<str> = match url.query() {
            Some(query) => [url.path(), "?", query].concat().into(),
            None => url.path().into(),
        };
        let origin = [url.scheme(), "://", &host].concat().into();
        url.set_fragment(None);
        Ok(Self { url, origin, host, path_and_query })
    }

    /// The whole URL.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port (RFC 6454 §4): what state is kept for.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port, as in `Host` or `:authority`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Path and query, as on the request line.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// Whether nobody on the way can read or change what is sent.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => write!(f, "Octets({})", octets.len()),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

impl fmt::Display for TargetSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("no URL"),
            Self::Scheme => f.write_str("no URL of http or https"),
            Self::UserInfo => f.write_str("a URL with a user name or a password, which would be another credential"),
            Self::NotNormal(normal) => write!(f, "a URL that clients write in several ways; its normal form is {normal}"),
        }
    }
}

impl std::error::Error for TargetSyntax {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{DigestAlgorithm, sha256};

    #[test]
    fn a_target_has_the_parts_that_are_signed() {
        for (url, origin, host, path) in [
            ("https://rp.example.com/orders?x=1", "https://rp.example.com", "rp.example.com", "/orders?x=1"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080", "/"),
            ("https://[2001:db8::1]:8443/?", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443", "/?"),
            ("https://rp.example/a%2Fb;c=d//e", "https://rp.example", "rp.example", "/a%2Fb;c=d//e"),
        ] {
            let target = Target::read(url).unwrap();
            assert_eq!((target.origin(), target.host(), target.path_and_query()), (origin, host, path));
            assert_eq!(target.is_secure(), url.starts_with("https"));
        }
    }

    #[test]
    fn urls_that_clients_rewrite_are_refused_with_what_they_become() {
        for (url, normal) in [
            ("https://RP.example/", "https://rp.example/"),
            ("https://rp.example:443/", "https://rp.example/"),
            ("https://rp.example/a/../b", "https://rp.example/b"),
            ("https://rp.example/a b", "https://rp.example/a%20b"),
            ("https://rp.example\\x", "https://rp.example/x"),
            ("https://rp.example/#x", "https://rp.example/"),
        ] {
            assert_eq!(Target::read(url), Err(TargetSyntax::NotNormal(normal.into())), "{url}");
        }
        for url in ["", "orders", "/orders", "https://"] {
            assert_eq!(Target::read(url), Err(TargetSyntax::Unreadable), "{url}");
        }
        assert_eq!(Target::read("ftp://rp.example/"), Err(TargetSyntax::Scheme));
        assert_eq!(Target::read("https://jane@rp.example/"), Err(TargetSyntax::UserInfo));
        assert_eq!(Target::read("https://:secret@rp.example/"), Err(TargetSyntax::UserInfo));
    }

    #[test]
    fn content_in_a_file_is_digested_as_content_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1] {
            let octets: Vec<u8> = (0..=250).cycle().take(length).collect();
            std::fs::write(&path, &octets).unwrap();
            let expected = sha256(&octets);
            for content in [Content::File(path.clone()), Content::Octets(octets.clone().into())] {
                let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
                content.digest_into(&mut hasher).unwrap();
                assert!(hasher.finish().matches(&expected), "{length}");
                assert_eq!(content.length().unwrap(), u64::try_from(length).unwrap());
            }
        }
        let absent = Content::File(folder.path().join("absent"));
        for error in [absent.length().unwrap_err(), absent.digest_into(&mut Hasher::new(DigestAlgorithm::Sha256)).unwrap_err()] {
            assert!(error.to_string().contains("/absent: "), "{error}");
        }
    }
}
