//! What of the machine and its settings the gateway meets. Each check judges a text that the kernel
//! gives; a text that cannot be read is no finding.

use super::finding::Finding;
use crate::cli::terminal::count;
use crate::crypto::cpu_features;
use std::fs;
use std::path::Path;

/// What the configuration asks of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// Client connections at the same time.
    pub(super) connections: u32,
    /// Threads that serve requests; zero means one per processor.
    pub(super) workers: usize,
}

/// Everything that was looked at.
pub(super) fn findings(demand: Demand) -> Vec<Finding> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut findings = vec![build(Build::of_this_program())];
    findings.extend(instructions(&cpu_features()));
    findings.push(workers(processors, demand.workers));
    findings.extend(quota().map(|quota| judge_quota(quota, processors)));
    findings.extend(read("/proc/self/limits").and_then(|limits| open_files(&limits, demand.connections)));
    findings.extend(read("/proc/sys/net/core/somaxconn").and_then(|text| backlog(&text)));
    findings.extend(read("/sys/devices/system/clocksource/clocksource0/current_clocksource").map(|name| clock_source(&name)));
    findings
}

/// How the program was compiled.
#[derive(Clone, Copy, Debug)]
enum Build {
    Release,
    Debug,
}

impl Build {
    const fn of_this_program() -> Self {
        if cfg!(debug_assertions) { Self::Debug } else { Self::Release }
    }
}

fn build(build: Build) -> Finding {
    match build {
        Build::Release => Finding::fine("release build"),
        Build::Debug => Finding::concern(
            "DEBUG BUILD: many times slower, and the figures below say nothing about production",
            "build with `cargo build --release`",
        ),
    }
}

/// Emulators and tools such as valgrind hide instructions; very old processors lack them.
fn instructions(features: &[(&'static str, bool)]) -> Option<Finding> {
    let has = |name| features.iter().any(|(known, present)| *known == name && *present);
    match (features.is_empty(), has("aes"), has("sha") || has("sha2")) {
        (true, ..) => None,
        (_, true, true) => Some(Finding::fine("AES and SHA-256 in hardware")),
        (_, true, false) => Some(Finding::concern(
            "no SHA instructions: tokens and digests are hashed in software",
            "verifying takes two to four times as long per octet; a newer processor type has them",
        )),
        (_, false, _) => Some(Finding::concern(
            "no AES instructions: TLS and sealed tokens are slow",
            "an emulator or a tool such as valgrind may hide them; in a virtual machine, pass the processor's own type through",
        )),
    }
}

fn workers(processors: usize, configured: usize) -> Finding {
    let available = format!("{} to run on", count(processors, "processor"));
    match configured {
        0 => Finding::fine(format!("{available}, one worker for each")),
        workers if workers > processors => Finding::concern(
            format!("{available} for {}", count(workers, "worker")),
            "leave `workers` out: more of them than processors only take turns",
        ),
        workers => Finding::fine(format!("{available}, {}", count(workers, "worker"))),
    }
}

/// A limit of CPU time: so much of it in every period, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    time: u64,
    period: u64,
}

/// The tightest limit from this process' control group up (version 2, then version 1).
fn quota() -> Option<Quota> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let limits = Path::new(own).ancestors().filter_map(|group| {
        let file = Path::new("/sys/fs/cgroup").join(group).join("cpu.max");
        parse_quota(&fs::read_to_string(file).ok()?)
    });
    limits.min_by_key(|quota| quota.time.saturating_mul(1000) / quota.period.max(1)).or_else(|| {
        let read = |name| fs::read_to_string(Path::new("/sys/fs/cgroup/cpu").join(name)).ok();
        parse_quota(&format!("{} {}", read("cpu.cfs_quota_us")?.trim(), read("cpu.cfs_period_us")?.trim()))
    })
}

/// Reads `200000 100000`; `max` and `-1` are no limit.
fn parse_quota(text: &str) -> Option<Quota> {
    let (time, period) = text.trim().split_once(' ')?;
    Some(Quota { time: time.parse().ok()?, period: period.parse().ok()? })
}

fn judge_quota(quota: Quota, processors: usize) -> Finding {
    let tenths = quota.time.saturating_mul(10) / quota.period.max(1);
    let share = format!("the control group allows the time of {}.{} processors", tenths / 10, tenths % 10);
    // What the quota leaves over is a part of a processor that threads stop for.
    if !tenths.is_multiple_of(10) || tenths / 10 < u64::try_from(processors).unwrap_or(u64::MAX) {
        let advice =
            "requests stall until the next period once it is used up; give it whole processors, or set `workers` to no more than that";
        return Finding::concern(share, advice);
    }
    Finding::fine(share)
}

/// Files that are open beside connections: listeners, logs, pipes, watched files.
const OTHER_FILES: u64 = 64;

fn open_files(limits: &str, connections: u32) -> Option<Finding> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit = line.split_ascii_whitespace().next()?;
    let needed = u64::from(connections).saturating_mul(2).saturating_add(OTHER_FILES);
    let what = format!("{limit} open files allowed, {needed} needed for `max_connections: {connections}` (each with one to its upstream)");
    match limit.parse::<u64>() {
        Ok(limit) if limit < needed => Some(Finding::concern(
            what,
            format!("raise it (`ulimit -n {needed}`, LimitNOFILE= of the service), or lower `limits: max_connections`"),
        )),
        Ok(_) | Err(_) => Some(Finding::fine(what)),
    }
}

/// Connections that may wait to be accepted, in a burst.
const BACKLOG: u32 = 1024;

fn backlog(somaxconn: &str) -> Option<Finding> {
    let number: u32 = somaxconn.trim().parse().ok()?;
    let what = format!("{number} connections may wait to be accepted (net.core.somaxconn)");
    let advice = format!("bursts of new connections are dropped beyond it: sysctl net.core.somaxconn={BACKLOG} or more");
    Some(if number < BACKLOG { Finding::concern(what, advice) } else { Finding::fine(what) })
}

/// Sources that are read without a system call.
const FAST_CLOCKS: [&str; 4] = ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page"];

fn clock_source(name: &str) -> Finding {
    let name = name.trim();
    let what = format!("the clock is read from {name}");
    if FAST_CLOCKS.contains(&name) {
        return Finding::fine(what);
    }
    Finding::concern(
        what,
        "every look at the clock may be a system call, several per request; see whether `tsc` is among the available_clocksource",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_builds_are_told_loudly() {
        assert!(build(Build::Debug).is_concern() && build(Build::Debug).to_string().contains("DEBUG BUILD"));
        assert!(!build(Build::Release).is_concern());
    }

    #[test]
    fn missing_instructions_are_told() {
        let features = |aes, sha| [("aes", aes), ("sha", sha)];
        assert!(!instructions(&features(true, true)).unwrap().is_concern());
        assert!(!instructions(&[("aes", true), ("sha2", true)]).unwrap().is_concern());
        assert!(instructions(&features(true, false)).unwrap().is_concern());
        assert!(instructions(&features(false, true)).unwrap().to_string().contains("valgrind"));
        assert_eq!(instructions(&[]), None);
    }

    #[test]
    fn workers_beyond_processors_are_told() {
        assert!(!workers(4, 0).is_concern() && !workers(4, 4).is_concern());
        assert!(workers(4, 5).is_concern());
        assert!(workers(1, 0).to_string().contains("1 processor to run on"));
    }

    #[test]
    fn quotas_are_read_and_judged() {
        assert_eq!(parse_quota("150000 100000\n"), Some(Quota { time: 150_000, period: 100_000 }));
        assert_eq!([parse_quota("max 100000\n"), parse_quota("-1 100000"), parse_quota("")], [None, None, None]);
        let quota = |time| Quota { time, period: 100_000 };
        assert!(!judge_quota(quota(200_000), 2).is_concern());
        assert!(judge_quota(quota(150_000), 2).to_string().contains("1.5 processors"));
        assert!(judge_quota(quota(150_000), 1).is_concern() && judge_quota(quota(200_000), 4).is_concern());
    }

    #[test]
    fn open_files_are_compared_with_twice_the_connections() {
        let limits = |soft: &str| format!("Limit   Soft Limit  Hard Limit  Units\nMax open files            {soft}    1048576   files\n");
        assert!(open_files(&limits("1024"), 10_000).unwrap().is_concern());
        assert!(!open_files(&limits("20064"), 10_000).unwrap().is_concern());
        assert!(open_files(&limits("20063"), 10_000).unwrap().is_concern());
        assert!(!open_files(&limits("unlimited"), 10_000).unwrap().is_concern());
        assert_eq!(open_files("", 1), None);
    }

    #[test]
    fn a_short_backlog_and_a_slow_clock_are_told() {
        assert!(backlog("128\n").unwrap().is_concern() && !backlog("4096\n").unwrap().is_concern());
        assert_eq!(backlog("many"), None);
        assert!(!clock_source("tsc\n").is_concern() && clock_source("hpet\n").is_concern() && clock_source("acpi_pm").is_concern());
    }
}
