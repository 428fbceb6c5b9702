//! Turns settings into a resolver and tells every problem of them.

use super::memory::Memory;
use super::{ReferenceResolver, ReferenceSettings};
use crate::fetch::{AllowList, AllowedPrefix, Fetcher, FetcherProblem, FetcherSettings, Lookup, Trust};
use crate::setting::{ByteSize, Files, Located, Period, Problem};
use std::sync::Arc;

/// The most allowed addresses: each reference is compared with all of them.
const MOST_PREFIXES: usize = 64;
/// The largest token: what fits into as many header fields as a token may have.
const MAX_SIZE: ByteSize = ByteSize::from_kib(48);
const MAX_TIMEOUT: Period = Period::from_secs(30);
const MAX_CACHE_FOR: Period = Period::from_secs(3600);
const MAX_CACHE_FAILURES_FOR: Period = Period::from_secs(60);
const MAX_PARALLEL: u16 = 1024;

pub(super) fn build(
    settings: &Located<ReferenceSettings>,
    files: &Files,
    lookup: Arc<dyn Lookup>,
) -> Result<ReferenceResolver, Vec<Problem>> {
    let mut problems = Vec::new();
    let allow = allow_list(settings, &mut problems);
    check_limits(settings, &mut problems);
    let authorities = match settings.ca_file.as_ref().map(|name| files.read(name)).transpose() {
        Ok(read) => read,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let fetcher = Fetcher::build(&bounds(settings, authorities.as_ref().map_or(Trust::Platform, |pem| Trust::Only(pem))), lookup);
    Ok(ReferenceResolver {
        allow,
        fetcher: fetcher.map_err(|problem| vec![told(problem, settings)])?,
        memory: Memory::bounded(settings.cache.octets(), settings.max_size.octets()),
        cache_for: settings.cache_for.duration().as_secs(),
        cache_failures_for: settings.cache_failures_for.duration().as_secs(),
        patience: settings.timeout.duration().saturating_mul(2),
    })
}

fn bounds<'a>(settings: &ReferenceSettings, trust: Trust<'a>) -> FetcherSettings<'a> {
    FetcherSettings {
        timeout: settings.timeout.duration(),
        max_size: settings.max_size.length(),
        max_parallel: usize::from(*settings.max_parallel),
        trust,
        reach: settings.allow_private,
        cleartext: settings.allow_cleartext,
    }
}

fn allow_list(settings: &ReferenceSettings, problems: &mut Vec<Problem>) -> AllowList {
    let (allow, expected) = (&settings.allow, "an address such as `https://sts.example/tokens/`");
    if allow.is_empty() {
        problems.push(Problem::new(allow.at(), "an empty list", expected));
    }
    if allow.len() > MOST_PREFIXES {
        problems.push(Problem::new(allow.at(), format!("{} addresses", allow.len()), "at most 64"));
    }
    let mut prefixes = Vec::with_capacity(allow.len());
    for text in allow.iter() {
        match AllowedPrefix::judge(text, settings.allow_cleartext) {
            Ok(prefix) => prefixes.push(prefix),
            Err(problem) => problems.push(Problem::new(text.at(), format!("`{}`, {problem}", **text), expected)),
        }
    }
    AllowList::new(prefixes.into())
}

fn check_limits(settings: &ReferenceSettings, problems: &mut Vec<Problem>) {
    let ReferenceSettings { timeout, max_size, cache_for, cache_failures_for, max_parallel, .. } = settings;
    if **timeout > MAX_TIMEOUT || timeout.duration().is_zero() {
        problems.push(Problem::new(timeout.at(), format!("{:?}", **timeout), "a time between 1ms and 30s"));
    }
    if **max_size > MAX_SIZE || max_size.octets() == 0 {
        problems.push(Problem::new(max_size.at(), format!("{:?}", **max_size), "a size between 1B and 48KiB"));
    }
    for (period, most, expected) in
        [(cache_for, MAX_CACHE_FOR, "whole seconds, at most 1h"), (cache_failures_for, MAX_CACHE_FAILURES_FOR, "whole seconds, at most 1m")]
    {
        if **period > most || period.duration().subsec_nanos() != 0 {
            problems.push(Problem::new(period.at(), format!("{:?}", **period), expected));
        }
    }
    if **max_parallel == 0 || **max_parallel > MAX_PARALLEL {
        problems.push(Problem::new(max_parallel.at(), max_parallel.to_string(), "a number between 1 and 1024"));
    }
}

fn told(problem: FetcherProblem, settings: &Located<ReferenceSettings>) -> Problem {
    let at = settings.ca_file.as_ref().map_or(settings.at(), Located::at);
    match problem {
        FetcherProblem::NoTlsProvider => Problem::new(at, "no TLS provider in this process", "one installed at its start"),
        FetcherProblem::Anchors => Problem::new(at, "a file without readable certificates of authorities", "at least one in PEM"),
        FetcherProblem::NoSystemAnchors => {
            Problem::new(at, "no authorities of the system", "`ca_file` with those that vouch for the hosts")
        }
    }
}
