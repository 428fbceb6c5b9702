//! `portcullis run`: the gateway itself.

use super::ConfigFile;
use super::failure::Failure;
use crate::config::document::{AuditedDecisions, LogLevel, LogSink, Logging};
use crate::config::snapshot::Snapshot;
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
        let snapshot = compile_apart(&self.config)?;
        let _writers = output::start(&settings(&snapshot.logging))?;
        gateway::serve(snapshot, self.config.path)?;
        Ok(())
    }
}

/// Compiles on a thread of its own: what reading a large file took goes back to the system when that thread ends.
fn compile_apart(config: &ConfigFile) -> Result<Snapshot, Failure> {
    std::thread::scope(|scope| match scope.spawn(|| config.compile()).join() {
        Ok(compiled) => compiled,
        Err(panic) => std::panic::resume_unwind(panic),
    })
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
