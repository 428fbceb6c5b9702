//! A ring of keys: the first signs, all are published, so that an upstream knows a key before it is used.

use super::settings::RingKey;
use crate::crypto::KeyKind;
use crate::setting::{Files, Located, Problem};
use crate::token::jose::pem::{self, PemKey};
use crate::token::jose::{IssuingKey, MAX_KEYS, describe, thumbprint};
use std::sync::Arc;

/// A key that signs, and the set by which upstreams verify.
#[derive(Debug)]
pub(super) struct KeyRing {
    signing: Arc<IssuingKey>,
    /// The names of all keys, which are their thumbprints.
    names: Box<[Box<str>]>,
    set: Box<str>,
    /// Where data listeners publish the set; empty for nowhere.
    path: Box<str>,
}

const EXPECTED: &str = "a private key as `portcullis keys p256` or `portcullis keys ed25519` makes it";

impl KeyRing {
    /// Reads the keys, and where data listeners publish them. Those of another ring are for another purpose.
    ///
    /// # Errors
    /// There is none, or too many, or one cannot be used, stands twice or is in the other ring; the path has more than
    /// one spelling.
    pub(super) fn build(
        written: &Located<Vec<RingKey>>,
        path: Option<&Located<Box<str>>>,
        files: &Files,
        other: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let (mut keys, mut problems) = (Vec::<IssuingKey>::with_capacity(written.len()), Vec::new());
        if let Some(path) = path.filter(|path| !is_plain(path)) {
            problems.push(Problem::new(path.at(), format!("`{}`", **path), "a path such as `/.well-known/jwks.json`"));
        }
        if written.len() > MAX_KEYS {
            problems.push(Problem::new(written.at(), "more than 64 keys", "a key that signs, and those that did or will"));
            return Err(problems);
        }
        if written.is_empty() {
            problems.push(Problem::new(written.at(), "no key", "at least one"));
        }
        for RingKey { file } in written.iter() {
            match read(file, files) {
                Ok(key) if keys.iter().any(|known| known.id() == key.id()) => {
                    problems.push(Problem::new(file.at(), "a key that stands before", "each key once"));
                }
                Ok(key) if other.is_some_and(|other| other.has(&key)) => {
                    let expected = "a key of its own: what signs requests is not to sign statements";
                    problems.push(Problem::new(file.at(), "a key of `assertion`", expected));
                }
                Ok(key) => keys.push(key),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (set, path) = (describe_all(&keys), path.map(|path| (**path).clone()).unwrap_or_default());
        let names = keys.iter().filter_map(|key| key.id().map(Box::from)).collect();
        let signing = keys.into_iter().next().map(Arc::new).ok_or(problems)?;
        Ok(Self { signing, names, set, path })
    }

    fn has(&self, key: &IssuingKey) -> bool {
        key.id().is_some_and(|id| self.names.iter().any(|name| **name == *id))
    }

    /// The key that signs.
    pub(super) const fn signing(&self) -> &Arc<IssuingKey> {
        &self.signing
    }

    /// The public halves as a key set (RFC 7517 §5).
    pub(super) fn set(&self) -> &str {
        &self.set
    }

    /// Whether data listeners publish the set.
    pub(super) const fn publishes(&self) -> bool {
        !self.path.is_empty()
    }

    /// Whether data listeners publish the set at this path, which stands as it came.
    pub(super) fn publishes_at(&self, path: &[u8]) -> bool {
        self.publishes() && self.path.as_bytes() == path
    }
}

/// Whether a path has one spelling only, so that it can be compared as it comes.
fn is_plain(path: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'/' | b'.' | b'-' | b'_');
    path.len() > 1 && path.starts_with('/') && !path.contains("//") && !path.contains("/..") && path.bytes().all(plain)
}

fn read(file: &Located<std::path::PathBuf>, files: &Files) -> Result<IssuingKey, Problem> {
    let refused = |found: &dyn std::fmt::Display| Problem::new(file.at(), format!("in {}: {found}", file.display()), EXPECTED);
    let octets = files.read(file)?;
    let text = std::str::from_utf8(&octets).map_err(|_| refused(&"something that is no text"))?;
    let key = match pem::read(text).map_err(|syntax| refused(&syntax))? {
        PemKey::Private(key) => *key,
        PemKey::Public(_) => return Err(refused(&"a public key")),
    };
    match key.kind() {
        KeyKind::P256 | KeyKind::Ed25519 => {}
        KeyKind::P384 | KeyKind::Rsa => return Err(refused(&"a key of another kind")),
    }
    let id = thumbprint(key.public());
    IssuingKey::signing(key, None).map(|key| key.named(&id)).map_err(|unfit| refused(&unfit))
}

fn describe_all(keys: &[IssuingKey]) -> Box<str> {
    let described = keys.iter().filter_map(|key| Some(describe(key.public()?, key.id()?, Some(key.algorithm()))));
    let described: Vec<_> = described.collect();
    format!("{{\"keys\":[{}]}}", described.join(",")).into()
}
