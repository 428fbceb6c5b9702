//! `portcullis curl`.

use super::lines::shown;
use super::{Described, Holder, target};
use crate::cli::failure::Failure;
use crate::cli::terminal::{count, read, remark};
use crate::client::http::{Client, Distrust, Outcome, SendFault, Witness};
use crate::client::{Cleartext, Credential, Lesson, Request, Requester, Settings, Signed, Target};
use crate::clock;
use clap::{ArgAction, Args};
use http::{HeaderMap, StatusCode, Version};
use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::path::PathBuf;
use std::time::Duration;

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);

/// Request a URL of a server that asks for WSSEC.
///
/// Does the whole exchange: hears the challenge, presents the token, and goes by the context that the answer
/// gives from then on. The content of the answers goes to standard output; the exit status is 0 if every
/// last answer was below 400.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli) struct Curl {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    described: Described,
    /// How often to repeat the request on the context, after the first answer.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 0)]
    repeat: u32,
    /// Show the fields that are sent and received on standard error; the secret of the context stays hidden.
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// The file with the certificates to trust instead of the system's, in PEM.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Use a context although it came in clear text.
    #[arg(long)]
    allow_cleartext: bool,
    /// The URL.
    #[arg(value_name = "URL", value_parser = target)]
    url: Target,
}

const EXAMPLE: &str = "Examples:
  portcullis curl --token token.jwt --key client.pem -v -n 10 https://rp.example/orders
  portcullis curl --token client.crt --profile x509v3 --key client.pem --cacert ca.pem \\
    --header 'Content-Type: application/json' --body order.json https://rp.example/orders";

impl Curl {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let client = self.client()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(self.converse(&client))
    }

    fn client(&self) -> Result<Client, Failure> {
        let cleartext = if self.allow_cleartext { Cleartext::Trusted } else { Cleartext::Distrusted };
        let settings = Settings { realm: self.holder.realm.as_str().into(), cleartext, ..Settings::default() };
        let requester = Requester::new(self.holder.token()?, self.holder.key()?, settings);
        let mut builder = reqwest::Client::builder().connect_timeout(PATIENCE).no_proxy();
        if let Some(path) = &self.cacert {
            let told = |error: reqwest::Error| format!("{}: {error}", path.display());
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(read(path)?.as_bytes()).map_err(told)?);
        }
        Client::build(builder, requester).map_err(|error| SendFault::Network(error).to_string().into())
    }

    async fn converse(&self, client: &Client) -> Result<(), Failure> {
        let request = self.described.request(&self.url);
        let mut tally = Tally::default();
        tally.add(&self.exchange(client, &request).await?);
        if self.repeat > 0 && !client.requester().has_context(self.url.origin(), clock::now()) {
            remark("portcullis: the answer gave no context; the requests that follow present the token");
        }
        for _ in 0..self.repeat {
            tally.add(&self.exchange(client, &request).await?);
        }
        tally.tell()
    }

    /// Sends the request, and prints the content of its answer.
    async fn exchange(&self, client: &Client, request: &Request) -> Result<Outcome, Failure> {
        let mut witness = Shown { verbose: self.verbose > 0 };
        let mut outcome = client.send_before(request, &mut witness).await.map_err(|fault| self.told(&fault))?;
        loop {
            match outcome.response.chunk().await {
                Ok(Some(piece)) => write(&piece)?,
                Ok(None) => return Ok(outcome),
                Err(error) => return Err(SendFault::Network(error).to_string().into()),
            }
        }
    }
}

impl Curl {
    /// A fault, and what helps.
    fn told(&self, fault: &SendFault) -> String {
        match (fault.distrust(), &self.cacert) {
            (None, _) => fault.to_string(),
            (Some(Distrust::Unknown), None) => {
                format!("{fault}: nobody whom this system trusts vouches for it; say whom to trust with `--cacert FILE`")
            }
            (Some(Distrust::Unknown), Some(path)) => format!("{fault}: nobody in {} (`--cacert`) vouches for it", path.display()),
            (Some(Distrust::Authority), _) => {
                format!("{fault}: it is an authority's own, which is taken from nobody; the server needs one with CA:FALSE")
            }
        }
    }
}

fn write(piece: &[u8]) -> Result<(), Failure> {
    let mut stdout = stdout().lock();
    match stdout.write_all(piece).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("standard output: {error}").into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How the requests fared.
#[derive(Default)]
struct Tally {
    by_token: usize,
    by_context: usize,
    refused: usize,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        let status = outcome.response.status();
        if let Lesson::Helpless(hindrance) = &outcome.lesson {
            remark(&format!("portcullis: {hindrance}"));
        }
        if status.is_client_error() || status.is_server_error() {
            self.refused += 1;
            remark(&format!("portcullis: the server answered {status}"));
        }
        match outcome.credential {
            Credential::Nothing => {}
            Credential::Token => self.by_token += 1,
            Credential::Context => self.by_context += 1,
        }
    }

    fn tell(&self) -> Result<(), Failure> {
        if self.by_context > 0 {
            let requests = count(self.by_token, "request");
            remark(&format!("portcullis: {requests} by the token, {} by the context", self.by_context));
        }
        if self.refused == 0 { Ok(()) } else { Err(Failure::Refused) }
    }
}

/// Shows heads on standard error, if it is asked to.
struct Shown {
    verbose: bool,
}

impl Shown {
    fn show(&self, text: &str) {
        if self.verbose {
            let _: io::Result<()> = stderr().lock().write_all(text.as_bytes());
        }
    }
}

impl Witness for Shown {
    fn sent(&mut self, request: &Request, signed: &Signed) {
        let target = &request.target;
        let fields = shown("> ", &signed.fields);
        self.show(&format!("> {} {}\n> Host: {}\n{fields}>\n", request.method, target.path_and_query(), target.host()));
    }

    fn received(&mut self, version: Version, status: StatusCode, fields: &HeaderMap) {
        self.show(&format!("< {version:?} {status}\n{}<\n", shown("< ", fields)));
    }
}
