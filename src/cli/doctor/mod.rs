//! `portcullis doctor`: how fast this machine is at what the gateway does, and what slows it.

mod environment;
mod finding;
mod rates;

use super::failure::Failure;
use super::terminal::{print, remark};
use crate::config;
use crate::config::document::Limits;
use crate::crypto::{BACKEND, cpu_features};
use crate::setting::Environment;
use clap::Args;
use environment::Demand;
use finding::Finding;
use std::path::PathBuf;

/// Look at this machine: crypto, speed, and what would slow or break the gateway.
///
/// Measures for about a second what the hot path uses. Run it where the gateway runs: in the same
/// container or service, as the same user. Ends with 0; what it finds is advice.
#[derive(Args)]
pub(super) struct Doctor {
    /// The configuration to compare the machine's limits with; by default the defaults.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Doctor {
    pub(super) fn run(self) -> Result<(), Failure> {
        let demand = self.demand()?;
        let mut text = format!("Crypto\n  library   {BACKEND}\n{}\n", features());
        let findings = environment::findings(demand);
        text.push_str("Surroundings\n");
        findings.iter().for_each(|finding| text.push_str(&finding.to_string()));
        print(&text)?;
        remark("Measuring …");
        print(&rates::table()?)?;
        print(&verdict(&findings))
    }

    fn demand(&self) -> Result<Demand, Failure> {
        let Some(path) = &self.config else {
            return Ok(Demand { connections: *Limits::default().max_connections, workers: 0 });
        };
        let snapshot = config::compile(path, Environment::Process)?;
        Ok(Demand { connections: *snapshot.limits.max_connections, workers: snapshot.fixed.workers })
    }
}

fn features() -> String {
    let names = |wanted: bool| {
        let names: Vec<_> = cpu_features().into_iter().filter(|(_, present)| *present == wanted).map(|(name, _)| name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    };
    format!("  CPU has   {}\n  CPU lacks {}\n", names(true), names(false))
}

fn verdict(findings: &[Finding]) -> String {
    match findings.iter().filter(|finding| finding.is_concern()).count() {
        0 => "\nNothing here would slow or break the gateway.\n".to_owned(),
        1 => "\nOne thing above (marked !!) would slow or break the gateway.\n".to_owned(),
        count => format!("\n{count} things above (marked !!) would slow or break the gateway.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_listed_once() {
        let text = features();
        for (name, _) in cpu_features() {
            assert_eq!(text.split_whitespace().filter(|word| *word == name).count(), 1, "{name} in {text}");
        }
    }

    #[test]
    fn the_verdict_counts_concerns() {
        let concern = || Finding::concern("x", "y");
        assert!(verdict(&[Finding::fine("x")]).contains("Nothing"));
        assert!(verdict(&[Finding::fine("x"), concern()]).contains("One thing"));
        assert!(verdict(&[concern(), concern()]).contains("2 things"));
    }
}
