//! File → document → snapshot: YAML is read, all problems are found in one go, names become handles.
//!
//! `load` composes a `tree` of nodes that know their place, fills in `${NAME}` (`interpolate`), and reads
//! the tree into the [`document`] (`decode`). `resolve` compiles that into the [`snapshot`] that requests
//! live under. What is wrong on the way is collected, with suggestions (`suggest`), and told in a [`Report`].

pub mod certificate;
pub mod client_certificates;
mod decode;
pub mod document;
pub mod identity;
mod interpolate;
mod load;
mod quote;
mod report;
mod resolve;
pub mod resource;
pub mod shared;
pub mod snapshot;
mod suggest;
mod tree;

pub use load::{MAX_CONFIG_FILE, decode, read};
pub use report::Report;

use crate::setting::{Environment, Problem};
use decode::Decoded;
use document::Document;
use snapshot::{Lasting, Snapshot};
use std::path::Path;

/// Reads and compiles a configuration file.
///
/// # Errors
/// Every problem found, each with its place.
pub fn compile(path: &Path, environment: Environment) -> Result<Snapshot, Report> {
    compile_beside(path, environment, None)
}

/// Reads and compiles a configuration file again: what is remembered beyond one request goes on.
///
/// # Errors
/// Every problem found, each with its place.
pub fn recompile(path: &Path, environment: Environment, lasting: Lasting) -> Result<Snapshot, Report> {
    compile_beside(path, environment, Some(lasting))
}

fn compile_beside(path: &Path, environment: Environment, lasting: Option<Lasting>) -> Result<Snapshot, Report> {
    let Decoded { value, mut problems } = load::load::<Document>(path, environment)?;
    let Some(document) = value else { return Err(Report::new(path, problems)) };
    match resolve::resolve(document, path.parent().unwrap_or(Path::new("")), lasting) {
        Ok(snapshot) if problems.is_empty() => Ok(snapshot),
        Ok(_) => Err(Report::new(path, problems)),
        Err(found) => {
            problems.extend(found);
            Err(Report::new(path, Problem::told_once(problems)))
        }
    }
}
