//! The `portcullis` program: installs the crypto and the allocator, then does what the command line says.

use portcullis::cli::Program;
use portcullis::crypto;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything of TLS is built: Pingora would install ring.
    if crypto::install_rustls_provider().is_err() {
        eprintln!("portcullis: another TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    Program::of_command_line().run()
}
