//! Turns settings into a resolver and tells every problem of them.

use super::memory::Memory;
use super::{ReferenceResolver, ReferenceSettings};
use crate::fetch::{AllowList, AllowedPrefix, Lookup};
use crate::setting::{ByteSize, Files, Located, Period, Problem};
use std::sync::Arc;

/// The most allowed addresses: each reference is compared with all of them.
const MOST_PREFIXES: usize = 64;
/// The largest token: what fits into as many header fields as a token may have.
const MAX_SIZE: ByteSize = ByteSize::from_kib(48);
const MAX_CACHE_FOR: Period = Period::from_secs(3600);
const MAX_CACHE_FAILURES_FOR: Period = Period::from_secs(60);

pub(super) fn build(
    settings: &Located<ReferenceSettings>,
    files: &Files,
    lookup: Arc<dyn Lookup>,
) -> Result<ReferenceResolver, Vec<Problem>> {
    let mut problems = Vec::new();
    let allow = allow_list(settings, &mut problems);
    check_limits(settings, &mut problems);
    let fetching = settings.fetching(&settings.max_size, settings.at());
    let authorities = fetching.check(MAX_SIZE, "a size between 1B and 48KiB", files).unwrap_or_else(|found| {
        problems.extend(found);
        None
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(ReferenceResolver {
        allow,
        fetcher: fetching.build(&authorities, lookup).map_err(|problem| vec![problem])?,
        memory: Memory::bounded(settings.cache.octets(), settings.max_size.octets()),
        cache_for: settings.cache_for.duration().as_secs(),
        cache_failures_for: settings.cache_failures_for.duration().as_secs(),
        patience: settings.timeout.duration().saturating_mul(2),
    })
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
    let ReferenceSettings { cache_for, cache_failures_for, .. } = settings;
    for (period, most, expected) in
        [(cache_for, MAX_CACHE_FOR, "whole seconds, at most 1h"), (cache_failures_for, MAX_CACHE_FAILURES_FOR, "whole seconds, at most 1m")]
    {
        if **period > most || period.duration().subsec_nanos() != 0 {
            problems.push(Problem::new(period.at(), format!("{:?}", **period), expected));
        }
    }
}
