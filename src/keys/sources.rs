//! All key sources of a process: a configuration that asks for one that lives gets that one, with its keys.

use super::config::KeyTerms;
use super::{KeySource, build};
use crate::crypto::SystemRandom;
use crate::fetch::{Lookup, SystemLookup};
use crate::setting::{Files, Problem};
use std::sync::Arc;

/// The key sources that a process has, whatever configuration is in force.
#[derive(Debug)]
pub struct KeySources {
    _lookup: Arc<dyn Lookup>,
}

impl KeySources {
    /// None yet; names are looked up there.
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { _lookup: lookup }
    }

    /// The source of these settings: one that is in use already, or a new one that asked nobody yet.
    ///
    /// # Errors
    /// Every problem of the settings.
    pub fn build(&self, terms: &KeyTerms<'_>, files: &Files, _random: &Arc<SystemRandom>) -> Result<Arc<KeySource>, Vec<Problem>> {
        build::build(terms, files)
    }
}

impl Default for KeySources {
    fn default() -> Self {
        Self::new(Arc::new(SystemLookup))
    }
}
