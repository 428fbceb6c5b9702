//! Turns settings into a key source and tells every problem of them.

use super::config::{Discovery, KeyTerms};
use super::{KeySource, fixed};
use crate::setting::{Files, Located, Problem};
use std::path::PathBuf;
use std::sync::Arc;

/// The one place that the settings name.
enum Place<'a> {
    File(&'a Located<PathBuf>),
    Text(&'a Located<Box<str>>),
    Address(&'a Located<Box<str>>),
    Issuer,
}

pub(super) fn build(terms: &KeyTerms<'_>, files: &Files) -> Result<Arc<KeySource>, Vec<Problem>> {
    let built = match sole_place(terms).map_err(|problem| vec![problem])? {
        Place::File(file) => fixed::from_file(file, files),
        Place::Text(text) => fixed::from_text(text),
        Place::Address(address) => Err(Problem::new(address.at(), "an address", "a file for now")),
        Place::Issuer => Err(Problem::new(terms.discovery.at(), "discovery", "a file for now")),
    };
    built.map(Arc::new).map_err(|problem| vec![problem])
}

fn sole_place<'a>(terms: &KeyTerms<'a>) -> Result<Place<'a>, Problem> {
    let file = terms.jwks_file.map(Place::File);
    let text = terms.jwks.map(Place::Text);
    let address = terms.jwks_uri.map(Place::Address);
    let issuer = (**terms.discovery == Discovery::On).then_some(Place::Issuer);
    let mut named = [file, text, address, issuer].into_iter().flatten();
    let expected = "exactly one of `jwks_file`, `jwks`, `jwks_uri` and `discovery: true`";
    match (named.next(), named.next()) {
        (Some(place), None) => Ok(place),
        (None, _) => Err(Problem::new(terms.at, "nothing that says where the keys are", expected)),
        (Some(_), Some(_)) => Err(Problem::new(terms.at, "several places for the keys", expected)),
    }
}
