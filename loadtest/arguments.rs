//! The command line, and what it resolves to.

use crate::Case;
use crate::cpu::{Costs, CpuClock};
use crate::origin::Origin;
use crate::scenario::{Place, Scenario, Side};
use crate::supplies::{Options, Supplies};
use crate::tally::Tally;
use crate::workload::{Target, Workload};
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
///
/// With --gateway-pid and --direct-pid the CPU time per request is told too. That is the figure to
/// compare: wall time on a shared machine is noise.
#[derive(Parser)]
#[command(name = "loadtest", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    sides: Sides,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    options: Options,
    /// What to send; several run in turn in every round.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["public"])]
    scenario: Vec<Scenario>,
    /// The path that scenarios of WRAP ask for.
    #[arg(long, default_value = "/bartender/")]
    path: Box<str>,
    /// The path that scenarios of WSSEC ask for.
    #[arg(long, default_value = "/orders/")]
    wssec_path: Box<str>,
    /// The path that scenarios of JSON Web Tokens ask for.
    #[arg(long, default_value = "/api/")]
    jwt_path: Box<str>,
    /// The path that the scenario of DPoP asks for.
    #[arg(long, default_value = "/bound/")]
    dpop_path: Box<str>,
    /// The path that the scenario of HTTP message signatures asks for.
    #[arg(long, default_value = "/signed/")]
    signature_path: Box<str>,
    /// The path that scenarios without a token ask for.
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
    --audience http://localhost:8080/bartender --claim Birthdate=1979-05-25T00:00:00
  loadtest --gateway http://127.0.0.1:8080 --gateway-pid 4711 --direct http://127.0.0.1:9131 --direct-pid 4712 \\
    --scenario wssec-context,wssec-body,plain-body --rounds 10 --context-key-file keys/context.key";

/// Where the load goes.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Sides {
    /// The gateway, as http://host:port.
    #[arg(long)]
    gateway: Option<Origin>,
    /// The upstream behind it, asked without the gateway, or a proxy to compare with, as http://host:port.
    #[arg(long)]
    direct: Option<Origin>,
    /// The gateway's process, on this machine: its CPU time (user and system, all threads, in steps of 10 ms)
    /// is told per answered request, median and quartiles over the rounds.
    #[arg(long, value_name = "PID", requires = "gateway")]
    gateway_pid: Option<u32>,
    /// The process on the direct side; with both, the ratio of the medians is told.
    #[arg(long, value_name = "PID", requires = "direct")]
    direct_pid: Option<u32>,
    /// Send nothing: make contexts and write them to this new file, a line of JSON each (`token`, its `hash`,
    /// and `secret`, in base64), for another program that signs. They hold for a day.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["gateway", "direct"])]
    write_contexts: Option<PathBuf>,
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

    /// How many requests a case sends in all, rounded up.
    fn requests(&self) -> u64 {
        let seconds = self.warm_up.saturating_add(self.duration.saturating_mul(self.rounds));
        seconds.as_secs().saturating_add(1).saturating_mul(u64::from(self.rate))
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

    /// Makes contexts for another program instead of a load, if that is asked for.
    ///
    /// # Errors
    /// They cannot be made or written.
    pub(crate) fn write_contexts(&self) -> Result<Written, String> {
        match &self.sides.write_contexts {
            Some(file) => self.options.write_contexts(file).map(|()| Written::Contexts),
            None => Ok(Written::Nothing),
        }
    }

    /// What a reader of the figures should know, if there is anything.
    pub(crate) fn remark(&self, plan: &Plan) -> Option<String> {
        self.options.shortage(&self.scenario, plan.requests())
    }

    /// Every scenario on every side.
    ///
    /// # Errors
    /// A side is not on this machine or its process not there, or a scenario needs a key that is not there.
    pub(crate) fn cases(&self) -> Result<Vec<Case>, String> {
        let mut scenarios = self.scenario.clone();
        scenarios.sort_unstable();
        scenarios.dedup();
        let supplies = Supplies::prepare(&scenarios, &self.options)?;
        let Sides { gateway, direct, gateway_pid, direct_pid, .. } = &self.sides;
        let sides = [(Side::Direct, direct, direct_pid), (Side::Gateway, gateway, gateway_pid)];
        let sides: Vec<_> = sides.into_iter().filter_map(|(side, origin, pid)| Some((side, origin.as_ref()?, *pid))).collect();
        let mut cases = Vec::new();
        for scenario in scenarios {
            for (side, origin, pid) in &sides {
                let clock = pid.map(CpuClock::of_process).transpose()?;
                let workload = Rc::new(self.workload(scenario, *side, origin, &supplies)?);
                cases.push(Case { scenario, side: side.name(), workload, tally: Tally::default(), clock, costs: Costs::default() });
            }
        }
        Ok(cases)
    }

    fn workload(&self, scenario: Scenario, side: Side, origin: &Origin, supplies: &Supplies<'_>) -> Result<Workload, String> {
        if !origin.is_loopback() && !self.allow_remote {
            return Err(format!("{origin} is not on this machine; --allow-remote if it is yours"));
        }
        let path = match scenario.place() {
            Place::Public => &self.public_path,
            Place::Wrap => &self.path,
            Place::Wssec => &self.wssec_path,
            Place::Jwt => &self.jwt_path,
            Place::Dpop => &self.dpop_path,
            Place::Signature => &self.signature_path,
        };
        let host = self.host.as_ref().unwrap_or(&origin.host);
        let target = Target { address: origin.address, host: host.clone(), path: path.clone() };
        let credentials = supplies.credentials(scenario, path, host)?;
        Ok(Workload::build(scenario, side, &target, credentials, supplies.content(scenario)))
    }
}

/// What was written instead of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing: there is a load to send.
    Nothing,
    /// Contexts.
    Contexts,
}

fn period(text: &str) -> Result<Duration, String> {
    Period::parse(text).map(Period::duration).ok_or_else(|| "expected digits and a unit: 500ms, 10s, 2m".to_owned())
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
    fn a_process_belongs_to_a_side() {
        assert!(parse(&["--direct", "http://127.0.0.1:1", "--gateway-pid", "1"]).is_err());
        let absent = u32::MAX.to_string();
        let problem = parse(&["--direct", "http://127.0.0.1:1", "--direct-pid", &absent]).unwrap().cases().err().unwrap();
        assert!(problem.contains(&absent), "{problem}");
        let own = std::process::id().to_string();
        let cases = parse(&["--direct", "http://127.0.0.1:1", "--direct-pid", &own, "--gateway", "http://127.0.0.1:2"]).unwrap().cases();
        assert_eq!(cases.unwrap().iter().map(|case| case.clock.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn contexts_are_written_instead_of_a_load() {
        assert!(parse(&["--write-contexts", "a", "--gateway", "http://127.0.0.1:1"]).is_err());
        assert!(parse(&["--write-contexts", "a"]).unwrap().write_contexts().unwrap_err().contains("--context-key-file"));
        assert_eq!(parse(&["--direct", "http://127.0.0.1:1"]).unwrap().write_contexts(), Ok(Written::Nothing));
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
    fn tokens_that_do_not_suffice_are_told() {
        let remark = |words: &[&str]| {
            let arguments = parse(&[&["--direct", "http://127.0.0.1:1", "--scenario", "jwt-cold-es256"], words].concat()).unwrap();
            arguments.remark(&arguments.plan().unwrap())
        };
        assert!(remark(&[]).unwrap().starts_with("20000 tokens for 32000 requests"));
        assert_eq!(remark(&["--jwt-tokens", "32000"]), None);
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
