//! What must outlive a request.

mod verdicts;

pub use verdicts::{CacheCounts, VerdictCache};
