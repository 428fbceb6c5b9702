//! The keys of an asserter: the first signs, all are published, so that an upstream knows a key before it is used.

use super::settings::AssertionKey;
use crate::crypto::KeyKind;
use crate::setting::{Files, Located, Problem};
use crate::token::jose::pem::{self, PemKey};
use crate::token::jose::{IssuingKey, MAX_KEYS, describe, thumbprint};

/// A key that signs, and the set by which upstreams verify.
#[derive(Debug)]
pub(super) struct KeyRing {
    signing: IssuingKey,
    set: Box<str>,
}

const EXPECTED: &str = "a private key as `portcullis keys p256` or `portcullis keys ed25519` makes it";

impl KeyRing {
    /// Reads the keys.
    ///
    /// # Errors
    /// There is none, or too many, or one cannot be used or stands twice.
    pub(super) fn build(written: &Located<Vec<AssertionKey>>, files: &Files) -> Result<Self, Vec<Problem>> {
        if written.len() > MAX_KEYS {
            return Err(vec![Problem::new(written.at(), "more than 64 keys", "a key that signs, and those that did or will")]);
        }
        let (mut keys, mut problems) = (Vec::<IssuingKey>::with_capacity(written.len()), Vec::new());
        for AssertionKey { file } in written.iter() {
            match read(file, files) {
                Ok(key) if keys.iter().any(|known| known.id() == key.id()) => {
                    problems.push(Problem::new(file.at(), "a key that stands before", "each key once"));
                }
                Ok(key) => keys.push(key),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let set = describe_all(&keys);
        match keys.into_iter().next() {
            Some(signing) => Ok(Self { signing, set }),
            None => Err(vec![Problem::new(written.at(), "no key", "at least one")]),
        }
    }

    /// The key that signs.
    pub(super) const fn signing(&self) -> &IssuingKey {
        &self.signing
    }

    /// The public halves as a key set (RFC 7517 §5).
    pub(super) fn set(&self) -> &str {
        &self.set
    }
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
