//! `portcullis run`: the gateway itself.

use super::failure::Failure;
use super::{ConfigFile, caution};
use crate::config::document::{AuditedDecisions, LogLevel, LogSink, Logging};
use crate::gateway;
use crate::telemetry::audit::Decisions;
use crate::telemetry::output::{self, Level, Output, Settings};
use clap::Args;

/// Start the gateway.
///
/// Serves until SIGTERM or SIGINT, then finishes the requests under way. SIGHUP, or a change of a file
/// that the configuration names, reads the configuration again; a bad one changes nothing and says so.
#[derive(Args)]
pub(super) struct Run {
    #[command(flatten)]
    config: ConfigFile,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let snapshot = self.config.compile()?;
        let _writers = output::start(&settings(&snapshot.logging))?;
        gateway::serve(snapshot, self.config.path, caution::warnings)?;
        Ok(())
    }
}

fn settings(logging: &Logging) -> Settings {
    let level = match logging.level {
        LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
    };
    let decisions = match logging.decisions {
        AuditedDecisions::None => Decisions::Neither,
        AuditedDecisions::Denied => Decisions::Denied,
        AuditedDecisions::All => Decisions::All,
    };
    Settings { access: sink(&logging.access), rest: sink(&logging.events), level, decisions }
}

fn sink(sink: &LogSink) -> Output {
    match sink {
        LogSink::Off => Output::Off,
        LogSink::Stdout => Output::Stdout,
        LogSink::Stderr => Output::Stderr,
        LogSink::File(path) => Output::File(path.clone()),
    }
}
