//! The commands of the `portcullis` program.

mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A reverse-proxy gateway that forwards only what it has proved.
#[derive(Parser)]
#[command(name = "portcullis", version, about, max_term_width = 100)]
pub struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the gateway.
    Run(run::Run),
}

impl Program {
    /// Runs the command; its outcome is the exit status of the program.
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Run(command) => command.run(),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("portcullis: {failure}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Why a command failed, in words for the person who called it.
type Failure = Box<dyn std::error::Error>;
