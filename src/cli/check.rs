//! `portcullis check`: whether a configuration holds, and what in it deserves a second look.

use super::failure::Failure;
use super::terminal::{count, print, remark};
use super::{ConfigFile, caution};
use crate::clock;
use crate::config::snapshot::Snapshot;
use clap::Args;
use std::path::Path;

/// Check a configuration without starting anything.
///
/// Reads the file and everything it names, exactly as `run` and a reload do. Prints one line when it
/// holds; otherwise all its problems on standard error, one per line as FILE:LINE:COLUMN, and ends
/// with 1. What holds but deserves a second look is a warning on standard error.
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigFile,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = &self.config.path;
        let snapshot = self.config.compile()?;
        for warning in caution::warnings(&snapshot, clock::now()) {
            remark(&format!("{}: warning: {warning}", path.display()));
        }
        print(&summary(path, &snapshot))
    }
}

fn summary(path: &Path, snapshot: &Snapshot) -> String {
    let Snapshot { routes, schemes, upstreams, .. } = snapshot;
    let [routes, schemes, upstreams] = [count(routes.len(), "route"), count(schemes.len(), "scheme"), count(upstreams.len(), "upstream")];
    format!("{}: {routes}, {schemes}, {upstreams}: fine\n", path.display())
}

#[cfg(test)]
mod tests {
    use super::super::caution::tests::compiled;
    use super::*;

    #[test]
    fn the_summary_counts() {
        let snapshot = compiled(
            "listeners: [{ address: '127.0.0.1:0' }]\nupstreams: { a: { servers: ['127.0.0.1:1'] } }\nroutes:\n  - { match: { path: /a }, public: true, upstream: a }\n  - { match: { path: /b }, public: true, upstream: a }\n",
        );
        assert_eq!(summary(Path::new("x.yaml"), &snapshot), "x.yaml: 2 routes, 0 schemes, 1 upstream: fine\n");
    }
}
