//! Key sets that stand in the configuration or in a file that it names: they change with it and not otherwise.

use super::source::{KeySource, Keys};
use crate::crypto::sha256;
use crate::setting::{Files, Located, Position, Problem};
use crate::token::jose::{JwksSyntax, KeySet, pem};
use std::path::PathBuf;

const EXPECTED: &str = "a JSON Web Key Set (RFC 7517 §5) with at least one key that can be used";

/// The keys in a file, secrets among them.
pub(super) fn from_file(file: &Located<PathBuf>, files: &Files) -> Result<KeySource, Problem> {
    let text = files.read(file)?;
    match pem_in_the_place_of_a_set(file, &text) {
        Some(problem) => Err(problem),
        None => usable(KeySet::read(&text), &text, file.at()),
    }
}

/// What is wrong with a file of PEM where a key set should be; nothing where it is none.
pub fn pem_in_the_place_of_a_set(file: &Located<PathBuf>, text: &[u8]) -> Option<Problem> {
    let text = std::str::from_utf8(text).ok().filter(|text| pem::is_shaped(text))?;
    let name = file.display();
    let (found, command) = if text.contains("-----BEGIN CERTIFICATE") {
        (format!("a certificate in PEM in {name}"), format!("openssl x509 -in {name} -noout -pubkey | portcullis keys jwks -"))
    } else {
        (format!("PEM in {name}"), format!("portcullis keys jwks {name}"))
    };
    Some(Problem::new(file.at(), found, format!("a JSON Web Key Set (RFC 7517 §5), which `{command}` makes of it")))
}

/// The keys in a text. Secrets would lie open there, so that they are no keys.
pub(super) fn from_text(text: &Located<Box<str>>) -> Result<KeySource, Problem> {
    usable(KeySet::read_public(text.as_bytes()), text.as_bytes(), text.at())
}

fn usable(read: Result<KeySet, JwksSyntax>, text: &[u8], at: Position) -> Result<KeySource, Problem> {
    let set = read.map_err(|syntax| Problem::new(at, syntax.to_string(), EXPECTED))?;
    match set.skipped().first() {
        _ if !set.keys().is_empty() => Ok(KeySource::fixed(Keys::new(set, 0, sha256(text)))),
        Some(skipped) => Err(Problem::new(at, format!("a key set whose keys cannot be used; the first is {}", skipped.reason), EXPECTED)),
        None => Err(Problem::new(at, "an empty key set", EXPECTED)),
    }
}
