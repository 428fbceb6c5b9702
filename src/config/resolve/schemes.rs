//! The schemes, built; their names, to find them by.

use crate::config::snapshot::{Lasting, NamedScheme};
use crate::crypto::SystemRandom;
use crate::scheme::{Resources, SchemeConfig};
use crate::setting::{Files, Located, Problem};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Builds every scheme; one with problems is left out. The names are those of all schemes, built or not.
pub(super) fn build(
    written: BTreeMap<String, Located<SchemeConfig>>,
    (files, lasting): (&Files, &Lasting),
    problems: &mut Vec<Problem>,
) -> (Vec<NamedScheme>, Vec<Box<str>>) {
    let names = written.keys().map(|name| name.as_str().into()).collect();
    let mut schemes = Vec::with_capacity(written.len());
    let random = Arc::new(SystemRandom::new());
    for (name, config) in written {
        let name: Arc<str> = name.into();
        let Lasting { stores, key_sources } = lasting;
        match config.into_inner().build(&Resources { name: &name, files, stores, key_sources, random: &random }) {
            Ok(scheme) => schemes.push(NamedScheme { name, scheme }),
            Err(found) => problems.extend(found),
        }
    }
    (schemes, names)
}
