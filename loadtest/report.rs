//! What is printed: one table per scenario, the sides below each other.

use crate::Case;
use crate::arguments::Plan;
use crate::tally::Tally;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Duration;

const HEADING: &str = "p50       p90       p99     p99.9       max";

/// The percentiles that are printed, the largest value last.
fn percentiles(histogram: &Histogram<u64>) -> [u64; 5] {
    [50.0, 90.0, 99.0, 99.9, 100.0].map(|percentile| histogram.value_at_percentile(percentile))
}

/// What will be done.
pub(crate) fn preamble(plan: &Plan) -> String {
    let Plan { rate, duration, rounds, connections, .. } = plan;
    format!("{rounds} × {duration:?} per case, {rate} requests/s over {connections} connections (HTTP/1.1, kept alive)")
}

/// A round in one line.
pub(crate) fn brief(tally: &Tally) -> String {
    let histogram = &tally.from_schedule;
    let (median, late) = (histogram.value_at_percentile(50.0), histogram.value_at_percentile(99.0));
    let missed = tally.unexpected + tally.finished() - tally.answered();
    format!("{:.1}/s, p50 {median} µs, p99 {late} µs, {missed} failed", rate(tally))
}

/// The whole result.
pub(crate) fn table(plan: &Plan, cases: &[Case]) -> String {
    let mut text = String::new();
    for neighbours in cases.chunk_by(|case, next| case.scenario == next.scenario) {
        let scenario = neighbours.first().map(|case| case.scenario);
        // Writing to a String cannot fail; the same holds below.
        let _ = writeln!(text, "\n{}\n{:<26}{HEADING}   (µs)", scenario.map(|scenario| scenario.to_string()).unwrap_or_default(), "");
        neighbours.iter().for_each(|case| latencies(&mut text, case));
        if let [direct, gateway] = neighbours {
            let (direct, gateway) = (percentiles(&direct.tally.from_schedule), percentiles(&gateway.tally.from_schedule));
            let difference = gateway.iter().zip(direct).map(|(gateway, direct)| difference(*gateway, direct));
            row(&mut text, "gateway less direct", difference);
        }
        neighbours.iter().for_each(|case| counts(&mut text, plan, case));
        costs(&mut text, neighbours);
    }
    text
}

fn latencies(text: &mut String, case: &Case) {
    row(text, &format!("{} from schedule", case.side), percentiles(&case.tally.from_schedule).into_iter().map(|value| value.to_string()));
    row(text, &format!("{} from sending", case.side), percentiles(&case.tally.from_sending).into_iter().map(|value| value.to_string()));
}

fn row(text: &mut String, name: &str, values: impl Iterator<Item = String>) {
    let _ = write!(text, "  {name:<22}");
    values.for_each(|value| {
        let _ = write!(text, "{value:>10}");
    });
    text.truncate(text.trim_end().len());
    text.push('\n');
}

fn counts(text: &mut String, plan: &Plan, case: &Case) {
    let Tally { due, statuses, failures, .. } = &case.tally;
    let _ = writeln!(
        text,
        "  {:<9}{:.1}/s of {}/s asked, {} of {due} answered; status {}; no answer {}",
        case.side,
        rate(&case.tally),
        plan.rate,
        case.tally.answered(),
        list(statuses),
        list(failures),
    );
}

/// CPU time per request, where a process was named: the sides, then the one by the other.
fn costs(text: &mut String, neighbours: &[Case]) {
    let told: Vec<_> = neighbours.iter().filter_map(|case| Some((case.side, case.costs.quartiles()?))).collect();
    if !told.is_empty() {
        let _ = writeln!(text, "  {:<22}  quartile    median  quartile   (µs of CPU time per request, over the rounds)", "");
    }
    for (side, quartiles) in &told {
        row(text, &format!("{side} CPU"), quartiles.iter().map(|micros| format!("{micros:.2}")));
    }
    if let [(_, [_, direct, _]), (_, [_, gateway, _])] = told.as_slice() {
        let _ = writeln!(text, "  gateway by direct, CPU: {:.3} (medians)", gateway / direct);
    }
}

/// Why a case is not as it should be, if it is not.
pub(crate) fn failure(plan: &Plan, case: &Case) -> Option<String> {
    let Case { scenario, side, tally, workload, .. } = case;
    let late = Duration::from_micros(tally.from_schedule.value_at_percentile(99.0));
    let missing = tally.due.saturating_sub(tally.answered());
    if missing > 0 {
        Some(format!("{scenario} {side}: {missing} of {} requests got no answer", tally.due))
    } else if tally.unexpected > 0 {
        Some(format!("{scenario} {side}: {} answers were not {}", tally.unexpected, workload.expected))
    } else if !plan.p99_at_most.is_zero() && late > plan.p99_at_most {
        Some(format!("{scenario} {side}: the 99th percentile is {late:?}, above {:?}", plan.p99_at_most))
    } else {
        None
    }
}

fn rate(tally: &Tally) -> f64 {
    let answered = u32::try_from(tally.answered()).map_or(f64::INFINITY, f64::from);
    if tally.elapsed.is_zero() { 0.0 } else { answered / tally.elapsed.as_secs_f64() }
}

fn difference(gateway: u64, direct: u64) -> String {
    if gateway >= direct { format!("+{}", gateway - direct) } else { format!("-{}", direct - gateway) }
}

fn list(counts: &BTreeMap<impl Display, u64>) -> String {
    let each: Vec<_> = counts.iter().map(|(name, count)| format!("{name}×{count}")).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Costs;
    use crate::scenario::{Scenario, Side};
    use crate::tally::Latency;
    use crate::workload::tests;
    use std::rc::Rc;

    fn case(side: Side, micros: u64) -> Case {
        let workload = Rc::new(tests::public("127.0.0.1:1".parse().unwrap(), side));
        let mut tally = Tally { due: 100, elapsed: Duration::from_secs(2), ..Tally::default() };
        let latency = Latency { from_schedule: Duration::from_micros(micros), from_sending: Duration::from_micros(micros / 2) };
        (0..100).for_each(|_| tally.record(200, 200, latency));
        Case { scenario: Scenario::Public, side: side.name(), workload, tally, clock: None, costs: Costs::default() }
    }

    #[test]
    fn cpu_time_is_told_where_it_was_read() {
        let (mut direct, mut gateway) = (case(Side::Direct, 100), case(Side::Gateway, 180));
        for micros in [20, 24, 22] {
            direct.costs.record(Duration::from_micros(micros), 1);
        }
        assert!(!table(&Plan::default(), &[case(Side::Gateway, 1)]).contains("CPU"));
        let alone = table(&Plan::default(), &[direct, case(Side::Gateway, 1)]);
        assert!(
            alone.contains("direct CPU                 21.00     22.00     23.00\n") && !alone.contains("gateway by direct"),
            "{alone}"
        );
        gateway.costs.record(Duration::from_micros(33), 1);
        let mut direct = case(Side::Direct, 100);
        direct.costs.record(Duration::from_micros(22), 1);
        let both = table(&Plan::default(), &[direct, gateway]);
        assert!(both.contains("gateway by direct, CPU: 1.500 (medians)"), "{both}");
    }

    #[test]
    fn the_sides_are_compared() {
        let plan = Plan { rate: 50, ..Plan::default() };
        let table = table(&plan, &[case(Side::Direct, 100), case(Side::Gateway, 180)]);
        let line =
            |start: &str| table.lines().find(|line| line.trim_start().starts_with(start)).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(line("direct from schedule")[3..], ["100"; 5]);
        assert_eq!(line("gateway from sending")[3..], ["90"; 5]);
        assert_eq!(line("gateway less direct")[3..], ["+80"; 5]);
        assert!(table.contains("gateway  50.0/s of 50/s asked, 100 of 100 answered; status 200×100; no answer none"), "{table}");
    }

    #[test]
    fn one_side_alone_is_not_compared() {
        assert!(!table(&Plan::default(), &[case(Side::Gateway, 1)]).contains("less"));
        assert_eq!(difference(1, 3), "-2");
    }

    #[test]
    fn a_case_fails_for_a_reason() {
        let plan = Plan::default();
        let mut case = case(Side::Gateway, 1_000);
        assert_eq!(failure(&plan, &case), None);
        assert!(failure(&Plan { p99_at_most: Duration::from_micros(900), ..plan }, &case).unwrap().contains("99th percentile"));
        case.tally.unexpected = 3;
        assert!(failure(&plan, &case).unwrap().contains("3 answers were not 200"));
        case.tally.due = 101;
        assert!(failure(&plan, &case).unwrap().contains("1 of 101 requests got no answer"));
    }
}
