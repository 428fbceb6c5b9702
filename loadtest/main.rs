//! The load generator: requests arrive at a constant rate, whatever the answers do.
//!
//! The times of all arrivals are fixed before the first is sent, and an answer's latency counts from
//! the time its request was due. A server that stalls therefore shows the stall in full: requests
//! that were due meanwhile waited too, whether they had been sent or not.

mod arguments;
mod bearer;
mod bound;
mod connection;
mod contexts;
mod cpu;
#[cfg(test)]
mod gateway;
mod issuer;
mod message;
mod mint;
mod origin;
mod report;
mod round;
mod scenario;
mod schedule;
mod signer;
mod supplies;
mod tally;
mod workload;

use arguments::{Arguments, Plan, Written};
use clap::Parser;
use cpu::{Costs, CpuClock};
use scenario::Scenario;
use std::process::ExitCode;
use std::rc::Rc;
use tally::Tally;
use workload::Workload;

/// One thing that is measured, round after round.
struct Case {
    scenario: Scenario,
    side: &'static str,
    workload: Rc<Workload>,
    tally: Tally,
    /// The CPU clock of the side's process, where it was named.
    clock: Option<CpuClock>,
    costs: Costs,
}

impl Case {
    /// Runs a round and keeps what it took; yields its outcome alone.
    async fn drive(&mut self, plan: &Plan) -> Tally {
        let used = || self.clock.as_ref().and_then(CpuClock::read);
        let before = used();
        let tally = round::drive(plan, &self.workload).await;
        if let (Some(before), Some(after)) = (before, used()) {
            self.costs.record(after.saturating_sub(before), tally.answered());
        }
        self.tally.add(&tally);
        tally
    }
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(exit) => exit,
        Err(problem) => {
            eprintln!("loadtest: {problem}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<ExitCode, String> {
    let plan = arguments.plan()?;
    if arguments.write_contexts()? == Written::Contexts {
        return Ok(ExitCode::SUCCESS);
    }
    let mut cases = arguments.cases()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    println!("{}", report::preamble(&plan));
    if let Some(remark) = arguments.remark(&plan) {
        eprintln!("loadtest: {remark}");
    }
    runtime.block_on(interleave(&plan, &mut cases));
    println!("{}", report::table(&plan, &cases));
    let failures: Vec<_> = cases.iter().filter_map(|case| report::failure(&plan, case)).collect();
    failures.iter().for_each(|failure| println!("failed: {failure}"));
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every round runs every case once, so that a drift of the machine's speed hits all alike; the
/// order turns round after round, so that none always follows the same neighbour.
async fn interleave(plan: &Plan, cases: &mut [Case]) {
    for case in cases.iter() {
        round::drive(&plan.warm_up(), &case.workload).await;
    }
    for number in 0..plan.rounds {
        for case in cases.iter_mut() {
            let tally = case.drive(plan).await;
            eprintln!("round {} of {}: {} {}: {}", number + 1, plan.rounds, case.scenario, case.side, report::brief(&tally));
        }
        cases.reverse();
    }
    cases.sort_by_key(|case| (case.scenario, case.side));
}
