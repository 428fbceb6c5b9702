//! The keys of callers, by `keyid`.

use super::config::HttpSignatureConfig;
use super::wire::MessageAlgorithm;
use crate::keys::pem_in_the_place_of_a_set;
use crate::scheme::Resources;
use crate::setting::{Files, Located, Problem};
use crate::store::Namespace;
use crate::token::jose::pem::{self, PemKey};
use crate::token::jose::{KeySet, VerificationKey};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// A caller's key.
pub(super) struct CallerKey {
    pub(super) key: VerificationKey,
    pub(super) algorithm: MessageAlgorithm,
    /// Who holds it.
    pub(super) subject: Box<str>,
    /// Whose nonces are used with it.
    pub(super) namespace: Namespace,
}

/// The keys of all callers.
pub(super) type CallerKeys = HashMap<Box<str>, CallerKey>;

type Problems = Vec<Problem>;
type Found = Vec<(Box<str>, VerificationKey)>;

/// Reads the keys that the settings name. One that cannot be used is a problem: its holder would be refused for a
/// reason that nobody sees.
pub(super) fn build(config: &Located<HttpSignatureConfig>, resources: &Resources<'_>, problems: &mut Problems) -> CallerKeys {
    let expected = "either `keys_file` or `keys_dir`";
    let (found, at) = match (&config.keys_file, &config.keys_dir) {
        (Some(file), None) => (from_set(file, resources.files, problems), file.at()),
        (None, Some(folder)) => (from_folder(folder, resources.files, problems), folder.at()),
        (Some(_), Some(folder)) => (Err(Problem::new(folder.at(), "both", expected)), folder.at()),
        (None, None) => (Err(Problem::new(config.at(), "no keys", expected)), config.at()),
    };
    let found = found.unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    let mut keys = CallerKeys::with_capacity(found.len());
    for (id, key) in found {
        let Some(algorithm) = MessageAlgorithm::of_key(&key) else {
            let expected = "a key for one of the algorithms of RFC 9421, such as PS512, RS256, ES256, EdDSA or HS256";
            problems.push(Problem::new(at, format!("the key `{id}` for another algorithm"), expected));
            continue;
        };
        let subject = config.subjects.get(&id).map_or_else(|| id.clone(), |subject| (**subject).clone());
        let namespace = Namespace::new(resources.name, "", id.as_bytes());
        if keys.insert(id.clone(), CallerKey { key, algorithm, subject, namespace }).is_some() {
            problems.push(Problem::new(at, format!("two keys named `{id}`"), "one key for each `keyid`"));
        }
    }
    if problems.is_empty() {
        check_subjects(&config.subjects, &keys, problems);
    }
    keys
}

fn check_subjects(subjects: &BTreeMap<Box<str>, Located<Box<str>>>, keys: &CallerKeys, problems: &mut Problems) {
    for (id, subject) in subjects {
        if !keys.contains_key(id) {
            problems.push(Problem::new(subject.at(), format!("a name for the holder of `{id}`, which is no key"), "the `keyid` of a key"));
        } else if subject.is_empty() {
            problems.push(Problem::new(subject.at(), "an empty name", "who holds the key"));
        }
    }
}

fn from_set(file: &Located<PathBuf>, files: &Files, problems: &mut Problems) -> Result<Found, Problem> {
    let expected = "a JSON Web Key Set (RFC 7517 §5) of keys with a `kid`";
    let text = files.read(file)?;
    if let Some(problem) = pem_in_the_place_of_a_set(file, &text) {
        return Err(problem);
    }
    let set = KeySet::read(&text).map_err(|syntax| Problem::new(file.at(), syntax.to_string(), expected))?;
    for skipped in set.skipped() {
        problems.push(Problem::new(file.at(), format!("in place {} {}", skipped.place.saturating_add(1), skipped.reason), expected));
    }
    if set.keys().is_empty() && set.skipped().is_empty() {
        return Err(Problem::new(file.at(), "an empty key set", expected));
    }
    let mut found = Found::with_capacity(set.keys().len());
    for key in set.keys() {
        match key.id() {
            Some(id) if !id.is_empty() => found.push((id.into(), key.clone())),
            _ => problems.push(Problem::new(file.at(), "a key without a `kid`", expected)),
        }
    }
    Ok(found)
}

fn from_folder(folder: &Located<PathBuf>, files: &Files, problems: &mut Problems) -> Result<Found, Problem> {
    let mut found = Found::new();
    for path in files.list(folder)? {
        let (Some(id), Some(kind)) = (path.file_stem().and_then(|stem| stem.to_str()), path.extension().and_then(|kind| kind.to_str()))
        else {
            continue;
        };
        if !matches!(kind, "pem" | "jwk") || id.is_empty() {
            continue;
        }
        let named = Located::new(path.clone(), folder.at());
        let key = files.read(&named).and_then(|text| {
            let key = if kind == "pem" { read_pem(&text) } else { read_jwk(id, &text) };
            key.map_err(|found| {
                Problem::new(folder.at(), format!("in {} {found}", path.display()), "a public key, or a secret in a `.jwk`")
            })
        });
        match key {
            Ok(key) => found.push((id.into(), key)),
            Err(problem) => problems.push(problem),
        }
    }
    if found.is_empty() && problems.is_empty() {
        return Err(Problem::new(folder.at(), "a folder without keys", "files named `<keyid>.pem` or `<keyid>.jwk`"));
    }
    Ok(found)
}

fn read_pem(text: &[u8]) -> Result<VerificationKey, String> {
    let text = std::str::from_utf8(text).map_err(|_| "something that is no text".to_owned())?;
    match pem::read(text).map_err(|syntax| syntax.to_string())? {
        PemKey::Public(key) => VerificationKey::public(key, None, None).map_err(|syntax| syntax.to_string()),
        PemKey::Private(_) => Err("a private key, which its holder should keep".to_owned()),
    }
}

fn read_jwk(id: &str, text: &[u8]) -> Result<VerificationKey, String> {
    let key = VerificationKey::parse(text).map_err(|syntax| syntax.to_string())?;
    if key.id().is_none_or(|stated| stated == id) { Ok(key) } else { Err("a key with another `kid` than its file is named by".to_owned()) }
}
