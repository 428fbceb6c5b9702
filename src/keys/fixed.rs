//! Key sets that stand in the configuration or in a file that it names: they change with it and not otherwise.

use super::source::{KeySource, Keys};
use crate::setting::{Files, Located, Position, Problem};
use crate::token::jose::KeySet;
use std::path::PathBuf;

const EXPECTED: &str = "a JSON Web Key Set (RFC 7517 §5) with at least one key that can be used";

/// The keys in a file, secrets among them.
pub(super) fn from_file(file: &Located<PathBuf>, files: &Files) -> Result<KeySource, Problem> {
    usable(KeySet::read(&files.read(file)?).map_err(|syntax| Problem::new(file.at(), syntax.to_string(), EXPECTED))?, file.at())
}

/// The keys in a text. Secrets would lie open there, so that they are no keys.
pub(super) fn from_text(text: &Located<Box<str>>) -> Result<KeySource, Problem> {
    let set = KeySet::read_public(text.as_bytes()).map_err(|syntax| Problem::new(text.at(), syntax.to_string(), EXPECTED))?;
    usable(set, text.at())
}

fn usable(set: KeySet, at: Position) -> Result<KeySource, Problem> {
    match set.skipped().first() {
        _ if !set.keys().is_empty() => Ok(KeySource::fixed(Keys::first(set))),
        Some(skipped) => Err(Problem::new(at, format!("a key set whose keys cannot be used; the first is {}", skipped.reason), EXPECTED)),
        None => Err(Problem::new(at, "an empty key set", EXPECTED)),
    }
}
