//! File → document → snapshot: YAML is read, all problems are found in one go, names become handles.
//!
//! `load` composes a `tree` of nodes that know their place, fills in `${NAME}` (`interpolate`), and reads
//! the tree into the [`document`] (`decode`). `resolve` compiles that into the [`snapshot`] that requests
//! live under. What is wrong on the way is collected, with suggestions (`suggest`), and told in a [`Report`].

pub mod certificate;
mod decode;
pub mod document;
pub mod identity;
mod interpolate;
mod load;
mod quote;
mod report;
mod resolve;
pub mod snapshot;
mod suggest;
mod tree;

pub use load::{MAX_CONFIG_FILE, decode, load, read};
pub use report::Report;

use crate::setting::Environment;
use document::Document;
use snapshot::Snapshot;
use std::path::Path;

/// Reads and compiles a configuration file.
///
/// # Errors
/// Every problem found, each with its place.
pub fn compile(path: &Path, environment: Environment) -> Result<Snapshot, Report> {
    let document: Document = load(path, environment)?;
    let base = path.parent().unwrap_or(Path::new(""));
    resolve::resolve(document, base).map_err(|problems| Report::new(path, problems))
}
