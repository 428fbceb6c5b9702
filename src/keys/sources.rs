//! All key sources of a process: a configuration that asks for one that lives gets that one, with its keys.

use super::build::{self, Wanted};
use super::config::KeyTerms;
use super::remote::Remote;
use super::source::KeySource;
use crate::crypto::SystemRandom;
use crate::fetch::{Lookup, SystemLookup};
use crate::setting::{Files, Problem};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The key sources that a process has, whatever configuration is in force.
#[derive(Debug)]
pub struct KeySources {
    lookup: Arc<dyn Lookup>,
    living: Mutex<Vec<Weak<KeySource>>>,
}

impl KeySources {
    /// None yet; names are looked up there.
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, living: Mutex::new(Vec::new()) }
    }

    /// The source of these settings: one that is in use already, with its keys, or a new one that asked nobody yet.
    ///
    /// # Errors
    /// Every problem of the settings.
    pub fn build(&self, terms: &KeyTerms<'_>, files: &Files, random: &Arc<SystemRandom>) -> Result<Arc<KeySource>, Vec<Problem>> {
        let spec = match build::build(terms, files)? {
            Wanted::Fixed(source) => return Ok(Arc::new(source)),
            Wanted::Remote(spec) => *spec,
        };
        let mut living = self.living.lock().unwrap_or_else(PoisonError::into_inner);
        living.retain(|source| source.strong_count() > 0);
        let sources: Vec<_> = living.iter().filter_map(Weak::upgrade).collect();
        let remotes = || sources.iter().filter_map(|source| source.as_remote().map(|remote| (source, remote)));
        if let Some((known, _)) = remotes().find(|(_, remote)| remote.spec == spec) {
            return Ok(Arc::clone(known));
        }
        let fetcher = build::fetcher(terms, &spec, Arc::clone(&self.lookup)).map_err(|problem| vec![problem])?;
        let remote = Remote::new(spec, fetcher, Arc::clone(random));
        if let Some((_, known)) = remotes().find(|(_, known)| known.spec.origin == remote.spec.origin) {
            remote.take_over(known);
        }
        let source = Arc::new(KeySource::remote(remote));
        living.push(Arc::downgrade(&source));
        Ok(source)
    }
}

impl Default for KeySources {
    fn default() -> Self {
        Self::new(Arc::new(SystemLookup))
    }
}
