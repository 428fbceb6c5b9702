//! The command line, and what it resolves to.

use crate::Case;
use crate::mint::{MintError, Statement, SwtMint};
use crate::origin::Origin;
use crate::tally::Tally;
use crate::workload::{Scenario, Side, Workload};
use clap::{Args, Parser};
use portcullis::setting::Period;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// Sends requests at a constant rate and reports how long the answers took.
///
/// Arrivals follow a schedule that is fixed in advance; latency counts from the time a request was
/// due, not from the time a connection was free to carry it. Name --gateway and --direct to compare
/// the two in the same run. Ends with 1 when an answer was missing or not the expected one, or when
/// --p99-at-most was broken.
#[derive(Parser)]
#[command(name = "loadtest", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    sides: Sides,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    token: Token,
    /// What to send; several run in turn in every round.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["public"])]
    scenario: Vec<Scenario>,
    /// The path that scenarios with a token ask for.
    #[arg(long, default_value = "/bartender/")]
    path: Box<str>,
    /// The path that the public scenario asks for.
    #[arg(long, default_value = "/status")]
    public_path: Box<str>,
    /// The Host field, where it is not the origin's own.
    #[arg(long)]
    host: Option<Box<str>>,
    /// Let the load leave this machine. Only towards servers that are yours.
    #[arg(long)]
    allow_remote: bool,
}

const EXAMPLES: &str = "Example:
  loadtest --gateway http://127.0.0.1:8080 --direct http://127.0.0.1:9000 \\
    --scenario public,wrap-hot,wrap-cold,wrap-bad --rate 2000 --duration 10s --rounds 5 \\
    --key-file target/demo/swt.key --issuer https://nightclub.example/ \\
    --audience http://localhost:8080/bartender --claim Birthdate=1979-05-25T00:00:00";

/// Where the load goes.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Sides {
    /// The gateway, as http://host:port.
    #[arg(long)]
    gateway: Option<Origin>,
    /// The upstream behind it, asked without the gateway, as http://host:port.
    #[arg(long)]
    direct: Option<Origin>,
}

/// How much load.
#[derive(Args)]
struct Load {
    /// Requests per second, up to 200000. One thread sends them all: some 30000 are within its reach.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    rate: u32,
    /// How long a round lasts, up to 1h.
    #[arg(long, default_value = "10s", value_parser = period)]
    duration: Duration,
    /// How often every case is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Keep-alive connections, opened before a round starts. Requests that find none free wait, and
    /// their waiting counts.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    connections: u32,
    /// How long to load every case, unmeasured, before the first round.
    #[arg(long, default_value = "1s", value_parser = period)]
    warm_up: Duration,
    /// When to give up on an answer, and how long after its end a round may still wait for answers.
    #[arg(long, default_value = "5s", value_parser = period)]
    timeout: Duration,
    /// Fail when a case's 99th percentile, from the schedule, is above this.
    #[arg(long, value_parser = period)]
    p99_at_most: Option<Duration>,
}

/// What tokens say.
#[derive(Args)]
struct Token {
    /// A file with the issuer's key in base64, as `portcullis keys swt` writes it.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// The token's Issuer.
    #[arg(long, default_value = "https://nightclub.example/")]
    issuer: Box<str>,
    /// The token's Audience.
    #[arg(long, default_value = "http://localhost:8080/bartender")]
    audience: Box<str>,
    /// A further claim; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(Box<str>, Box<str>)>,
}

/// The load of one round, and how many rounds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// Arrivals per second.
    pub(crate) rate: u32,
    /// The length of a round.
    pub(crate) duration: Duration,
    /// The number of rounds.
    pub(crate) rounds: u32,
    /// The number of connections.
    pub(crate) connections: u32,
    /// When an answer is given up.
    pub(crate) timeout: Duration,
    /// The most that the 99th percentile may be; no bound when zero.
    pub(crate) p99_at_most: Duration,
    /// How long to load before the first round.
    pub(crate) warm_up: Duration,
}

impl Plan {
    /// The same load for the unmeasured time before the first round.
    pub(crate) const fn warm_up(&self) -> Self {
        Self { duration: self.warm_up, ..*self }
    }
}

impl Arguments {
    /// The load, within its bounds.
    ///
    /// # Errors
    /// A round would be empty or longer than an hour.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let Load { rate, duration, rounds, connections, warm_up, timeout, p99_at_most } = self.load;
        if duration < Duration::from_millis(100) || duration.max(warm_up) > Duration::from_secs(3600) {
            return Err("--duration must be between 100ms and 1h, and --warm-up no longer than that".to_owned());
        }
        Ok(Plan { rate, duration, rounds, connections, timeout, p99_at_most: p99_at_most.unwrap_or_default(), warm_up })
    }

    /// Every scenario on every side.
    ///
    /// # Errors
    /// A side is not on this machine, or a scenario needs a key that is not there.
    pub(crate) fn cases(&self) -> Result<Vec<Case>, String> {
        let mut scenarios = self.scenario.clone();
        scenarios.sort_unstable();
        scenarios.dedup();
        let mint = match (&self.token.key_file, scenarios.iter().find(|scenario| scenario.needs_token())) {
            (_, None) => None,
            (None, Some(scenario)) => return Err(format!("the scenario {scenario} needs --key-file")),
            (Some(file), Some(_)) => Some(Rc::new(self.token.mint(file)?)),
        };
        let sides = [(Side::Direct, &self.sides.direct), (Side::Gateway, &self.sides.gateway)];
        let sides: Vec<_> = sides.into_iter().filter_map(|(side, origin)| Some((side, origin.as_ref()?))).collect();
        let mut cases = Vec::new();
        for scenario in scenarios {
            for (side, origin) in &sides {
                cases.push(self.case(scenario, *side, origin, mint.as_ref())?);
            }
        }
        Ok(cases)
    }

    fn case(&self, scenario: Scenario, side: Side, origin: &Origin, mint: Option<&Rc<SwtMint>>) -> Result<Case, String> {
        if !origin.is_loopback() && !self.allow_remote {
            return Err(format!("{origin} is not on this machine; --allow-remote if it is yours"));
        }
        let path = if scenario.needs_token() { &self.path } else { &self.public_path };
        let host = self.host.as_deref().unwrap_or(&origin.host);
        let workload = Rc::new(Workload::build(scenario, side, origin.address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n"), mint));
        Ok(Case { scenario, side: side.name(), workload, tally: Tally::default() })
    }
}

impl Token {
    fn mint(&self, file: &std::path::Path) -> Result<SwtMint, String> {
        let key = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let Self { issuer, audience, claims, .. } = self;
        let statement = Statement { issuer: issuer.clone(), audience: audience.clone(), claims: claims.clone() };
        SwtMint::build(&key, statement).map_err(|error| match error {
            MintError::NotAKey => format!("{}: {error}", file.display()),
            MintError::Claims(_) => error.to_string(),
        })
    }
}

fn period(text: &str) -> Result<Duration, String> {
    Period::parse(text).map(Period::duration).ok_or_else(|| "expected digits and a unit: 500ms, 10s, 2m".to_owned())
}

fn claim(text: &str) -> Result<(Box<str>, Box<str>), String> {
    text.split_once('=').map(|(name, value)| (name.into(), value.into())).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["loadtest"], words].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        assert!(parse(&["--allow-remote"]).is_err(), "one side is needed");
        assert!(parse(&["--direct", "http://127.0.0.1:9000", "--rate", "0"]).is_err());
        assert!(parse(&["--direct", "http://127.0.0.1:9000", "--rate", "200001"]).is_err());
    }

    #[test]
    fn every_scenario_meets_every_side_once() {
        let arguments = parse(&["--direct", "http://127.0.0.1:1", "--gateway", "http://[::1]:2", "--scenario", "public,public"]).unwrap();
        let cases = arguments.cases().unwrap();
        assert_eq!(cases.iter().map(|case| case.side).collect::<Vec<_>>(), ["direct", "gateway"]);
    }

    #[test]
    fn the_load_stays_on_this_machine() {
        assert!(parse(&["--direct", "http://192.0.2.1:80"]).unwrap().cases().err().unwrap().contains("--allow-remote"));
        assert!(parse(&["--direct", "http://192.0.2.1:80", "--allow-remote"]).unwrap().cases().is_ok());
    }

    #[test]
    fn a_token_needs_a_key() {
        let problem = parse(&["--direct", "http://127.0.0.1:1", "--scenario", "wrap-cold"]).unwrap().cases().err().unwrap();
        assert!(problem.contains("wrap-cold needs --key-file"), "{problem}");
    }

    #[test]
    fn rounds_are_bounded() {
        for (duration, fits) in [("10s", true), ("1h", true), ("99ms", false), ("61m", false)] {
            let arguments = parse(&["--direct", "http://127.0.0.1:1", "--duration", duration]).unwrap();
            assert_eq!(arguments.plan().is_ok(), fits, "{duration}");
        }
    }
}
