//! What the configuration builds once, and routes refer to.

use std::sync::Arc;

/// Something at the top level that routes may want.
#[derive(Debug)]
pub enum Shared<T> {
    /// The settings say nothing of it.
    Absent,
    /// Its settings have problems of their own.
    Failed,
    /// This one.
    Built(Arc<T>),
}

impl<T> Shared<T> {
    /// It, where it was built.
    pub const fn built(&self) -> Option<&Arc<T>> {
        match self {
            Self::Built(shared) => Some(shared),
            Self::Absent | Self::Failed => None,
        }
    }
}
