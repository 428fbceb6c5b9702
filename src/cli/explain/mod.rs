//! `portcullis explain`: what becomes of a request, and why, without sending it.

mod text;

use super::ConfigFile;
use super::failure::Failure;
use super::terminal::print;
use crate::config::snapshot::{ListenerSecurity, Snapshot};
use crate::route::UriScheme;
use clap::{Args, ValueEnum};
use http::Method;

/// Tell which route a request takes and why, what it must prove, and where it goes.
///
/// Nothing is sent and nobody is asked: the answer comes from the configuration alone. Ends with 0
/// whatever becomes of the request, and with 1 when the configuration does not hold.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Explain {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    question: Question,
}

const EXAMPLE: &str = "Example:
  portcullis explain --host localhost:8080 --path '/bartender/menu?day=monday' --method POST";

/// The request in question.
#[derive(Args, Debug)]
struct Question {
    /// The Host field, or :authority over HTTP/2.
    #[arg(long)]
    host: String,
    /// The path as sent, with its query if it has one.
    #[arg(long)]
    path: String,
    /// The method, in capital letters.
    #[arg(long, default_value = "GET")]
    method: Method,
    /// How the request comes in; it tells the default port. By default `https` when every listener
    /// has TLS, else `http`.
    #[arg(long, value_enum)]
    scheme: Option<Scheme>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scheme {
    Http,
    Https,
}

impl Explain {
    pub(super) fn run(self) -> Result<(), Failure> {
        let snapshot = self.config.compile()?;
        print(&text::explain(&snapshot, &self.question))
    }
}

impl Question {
    fn uri_scheme(&self, snapshot: &Snapshot) -> UriScheme {
        let every_listener_has_tls = snapshot.fixed.listeners.iter().all(|listener| listener.security == ListenerSecurity::Tls);
        match self.scheme {
            Some(Scheme::Http) => UriScheme::Http,
            Some(Scheme::Https) => UriScheme::Https,
            None if every_listener_has_tls => UriScheme::Https,
            None => UriScheme::Http,
        }
    }
}
