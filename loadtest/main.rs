//! The load generator: requests arrive at a constant rate, whatever the answers do.
//!
//! The times of all arrivals are fixed before the first is sent, and an answer's latency counts from
//! the time its request was due. A server that stalls therefore shows the stall in full: requests
//! that were due meanwhile waited too, whether they had been sent or not.

mod arguments;
mod connection;
mod mint;
mod origin;
mod report;
mod round;
mod schedule;
mod tally;
mod workload;

use arguments::{Arguments, Plan};
use clap::Parser;
use std::process::ExitCode;
use std::rc::Rc;
use tally::Tally;
use workload::{Scenario, Workload};

/// One thing that is measured, round after round.
struct Case {
    scenario: Scenario,
    side: &'static str,
    workload: Rc<Workload>,
    tally: Tally,
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
    let mut cases = arguments.cases()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    println!("{}", report::preamble(&plan));
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
            let tally = round::drive(plan, &case.workload).await;
            eprintln!("round {} of {}: {} {}: {}", number + 1, plan.rounds, case.scenario, case.side, report::brief(&tally));
            case.tally.add(&tally);
        }
        cases.reverse();
    }
    cases.sort_by_key(|case| (case.scenario, case.side));
}
