//! The commands of the `portcullis` program.

mod caution;
mod check;
mod doctor;
mod echo;
mod explain;
mod failure;
mod key_file;
mod keys;
mod request;
mod run;
mod schema;
mod terminal;
mod token;

use crate::config;
use crate::config::snapshot::Snapshot;
use crate::crypto::BACKEND;
use crate::setting::Environment;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};
use failure::Failure;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let build = if cfg!(debug_assertions) { ", debug build" } else { "" };
    format!("{} (crypto by {BACKEND}{build})", env!("CARGO_PKG_VERSION"))
});

/// A reverse-proxy gateway that forwards only what it has proved.
#[derive(Parser)]
#[command(name = "portcullis", version = VERSION.as_str(), about, max_term_width = 100)]
pub struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Explain(explain::Explain),
    Schema(schema::Schema),
    Token(token::Token),
    Sign(request::Sign),
    Curl(request::Curl),
    Keys(keys::Keys),
    Echo(echo::Echo),
    Doctor(doctor::Doctor),
}

impl Program {
    /// Reads the command line. What is wrong with it, and help that it asks for, is told, and ends the program.
    pub fn of_command_line() -> Self {
        Self::try_parse().unwrap_or_else(|error| advised(error, std::env::args().nth(1).as_deref()).exit())
    }

    /// Runs the command; its outcome is the exit status of the program.
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Run(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Schema(command) => command.run(),
            Command::Token(command) => command.run(),
            Command::Sign(command) => command.run(),
            Command::Curl(command) => command.run(),
            Command::Keys(command) => command.run(),
            Command::Echo(command) => command.run(),
            Command::Doctor(command) => command.run(),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                failure.tell();
                ExitCode::FAILURE
            }
        }
    }
}

/// The error, with how a file is named where one stands by itself after a command that takes a configuration.
fn advised(mut error: clap::Error, command: Option<&str>) -> clap::Error {
    let program = Program::command();
    let takes_file = |command: &str| program.find_subcommand(command)?.get_arguments().find(|argument| argument.get_id() == "config");
    let Some(ContextValue::String(stray)) = error.get(ContextKind::InvalidArg) else { return error };
    if error.kind() != ErrorKind::UnknownArgument || stray.starts_with('-') || command.and_then(takes_file).is_none() {
        return error;
    }
    let tip = if stray.contains("://") || stray.starts_with('/') && command == Some("explain") {
        "name the request with '--host HOST --path PATH'".to_owned()
    } else {
        format!("name a configuration with '--config {}'", stray.escape_debug())
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    error
}

/// Which configuration a command is about.
#[derive(Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(id = "config", short, long, value_name = "FILE", default_value = "portcullis.yaml")]
    path: PathBuf,
}

impl ConfigFile {
    /// Compiles the file, with the environment of this process.
    fn compile(&self) -> Result<Snapshot, Failure> {
        if !self.path.exists() {
            return Err(format!("there is no {}; name a configuration with --config FILE", self.path.display()).into());
        }
        Ok(config::compile(&self.path, Environment::Process)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_itself_is_told_how_it_is_named() {
        let told = |arguments: &[&str]| {
            let error = Program::try_parse_from([&["portcullis"], arguments].concat()).err().unwrap();
            advised(error, arguments.first().copied()).to_string()
        };
        for command in ["run", "check", "doctor"] {
            assert!(told(&[command, "gate.yaml"]).contains("tip: name a configuration with '--config gate.yaml'"), "{command}");
        }
        assert!(told(&["explain", "gate.yaml", "--host", "a", "--path", "/"]).contains("--config gate.yaml"));
        assert!(told(&["explain", "https://a.example/x", "--path", "/"]).contains("tip: name the request with '--host HOST --path PATH'"));
        for others in [["run", "--confg"], ["schema", "gate.yaml"], ["ran", "gate.yaml"]] {
            assert!(!told(&others).contains("name a configuration"), "{others:?}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn the_version_names_the_backend() {
        assert!(VERSION.contains(BACKEND) && VERSION.starts_with(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn a_configuration_that_is_not_there_is_told_in_plain_words() {
        let absent = ConfigFile { path: "/nowhere/portcullis.yaml".into() };
        let Err(Failure::Reason(reason)) = absent.compile() else { panic!() };
        assert!(reason.contains("there is no /nowhere/portcullis.yaml"), "{reason}");
    }

    #[test]
    fn every_command_about_a_configuration_has_the_same_default() {
        for command in ["run", "check", "explain"] {
            let program = Program::command();
            let known = program.find_subcommand(command).unwrap();
            let config = known.get_arguments().find(|argument| argument.get_id() == "config").unwrap();
            assert_eq!((config.get_short(), config.get_long()), (Some('c'), Some("config")), "{command}");
            assert_eq!(config.get_default_values(), ["portcullis.yaml"], "{command}");
        }
    }
}
