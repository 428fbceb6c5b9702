//! Handles by name: asking again for the same name gives the same series, so figures survive a reload.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Handles<T> = BTreeMap<Arc<str>, Arc<T>>;

/// Handles in the order of their names. Names come from the configuration; none is ever forgotten.
pub(super) struct Named<T> {
    handles: Mutex<Handles<T>>,
}

impl<T> Named<T> {
    /// No handle yet.
    pub(super) const fn new() -> Self {
        Self { handles: Mutex::new(BTreeMap::new()) }
    }

    /// The handle of this name, built on first use. A shared name is kept as it is, not copied.
    pub(super) fn resolve(&self, name: impl AsRef<str> + Into<Arc<str>>, build: impl FnOnce() -> T) -> Arc<T> {
        let mut handles = self.lock();
        if let Some(known) = handles.get(name.as_ref()) {
            return Arc::clone(known);
        }
        let handle = Arc::new(build());
        handles.insert(name.into(), Arc::clone(&handle));
        handle
    }

    /// Shows every name with its handle.
    pub(super) fn each(&self, mut show: impl FnMut(&str, &T)) {
        self.lock().iter().for_each(|(name, handle)| show(name, handle));
    }

    fn lock(&self) -> MutexGuard<'_, Handles<T>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_handle() {
        let named = Named::new();
        let first = named.resolve("bar", || 1);
        assert!(Arc::ptr_eq(&first, &named.resolve("bar", || 2)));
        assert_eq!(*named.resolve("aisle", || 3), 3);
        let mut names = Vec::new();
        named.each(|name, _| names.push(name.to_owned()));
        assert_eq!(names, ["aisle", "bar"]);
    }
}
