//! Settings to what a source is made of; their problems are told at their places.

use super::config::{Discovery, KeyRefreshSettings, KeyTerms};
use super::discovery::Issuer;
use super::fixed;
use super::remote::{Origin, Pace, Place, Spec};
use super::source::KeySource;
use crate::fetch::{AllowedPrefix, AllowedUrl, FetchTerms, Fetcher, Lookup, UrlProblem};
use crate::setting::{ByteSize, Files, Located, Period, Problem};
use std::path::PathBuf;
use std::sync::Arc;

/// The most hosts at which a discovered key set may lie.
const MOST_HOSTS: usize = 16;
/// As much as a key set may have.
const MAX_SIZE: ByteSize = ByteSize::from_kib(256);
/// There is one fetch under way at most, of one document after the other.
const ALONE: Located<u16> = Located::unwritten(1);
const SECOND: Period = Period::from_secs(1);
const HOUR: Period = Period::from_secs(3_600);
const DAY: Period = Period::from_secs(86_400);
const MONTH: Period = Period::from_secs(30 * 86_400);

/// What settings ask for.
pub(super) enum Wanted {
    /// A source that has its keys.
    Fixed(KeySource),
    /// A source that fetches them.
    Remote(Box<Spec>),
}

/// The one place that the settings name.
enum Named<'a> {
    File(&'a Located<PathBuf>),
    Text(&'a Located<Box<str>>),
    Address(&'a Located<Box<str>>),
    Issuer,
}

pub(super) fn build(terms: &KeyTerms<'_>, files: &Files) -> Result<Wanted, Vec<Problem>> {
    let alone = |problem| vec![problem];
    let place = match sole_place(terms).map_err(alone)? {
        Named::File(file) => return fixed::from_file(file, files).map(Wanted::Fixed).map_err(alone),
        Named::Text(text) => return fixed::from_text(text).map(Wanted::Fixed).map_err(alone),
        Named::Address(address) => address_of(address, terms.refresh),
        Named::Issuer => issuer_of(terms),
    };
    let mut problems = Vec::new();
    let place = place.map_err(|found| problems.extend(found));
    let pace = pace(terms.refresh, &mut problems);
    let authorities = fetch_terms(terms).check(MAX_SIZE, "a size between 1B and 256KiB", files);
    match (place, authorities) {
        (Ok(place), Ok(authorities)) if problems.is_empty() => {
            let KeyRefreshSettings { allow_private, allow_cleartext, max_size, .. } = &**terms.refresh;
            let origin = Origin { place, authorities, reach: *allow_private, cleartext: *allow_cleartext };
            Ok(Wanted::Remote(Box::new(Spec { origin, pace, max_size: max_size.octets() })))
        }
        (_, authorities) => {
            problems.extend(authorities.err().into_iter().flatten());
            Err(problems)
        }
    }
}

/// What fetches the documents of a source.
pub(super) fn fetcher(terms: &KeyTerms<'_>, spec: &Spec, lookup: Arc<dyn Lookup>) -> Result<Fetcher, Problem> {
    fetch_terms(terms).build(&spec.origin.authorities, lookup)
}

fn fetch_terms<'a>(terms: &KeyTerms<'a>) -> FetchTerms<'a> {
    let KeyRefreshSettings { timeout, max_size, ca_file, allow_private, allow_cleartext, .. } = &**terms.refresh;
    FetchTerms {
        timeout,
        max_size,
        max_parallel: &ALONE,
        ca_file: ca_file.as_ref(),
        reach: *allow_private,
        cleartext: *allow_cleartext,
        at: terms.at,
    }
}

fn sole_place<'a>(terms: &KeyTerms<'a>) -> Result<Named<'a>, Problem> {
    let file = terms.jwks_file.map(Named::File);
    let text = terms.jwks.map(Named::Text);
    let address = terms.jwks_uri.map(Named::Address);
    let issuer = (**terms.discovery == Discovery::On).then_some(Named::Issuer);
    let mut named = [file, text, address, issuer].into_iter().flatten();
    let expected = "exactly one of `jwks_file`, `jwks`, `jwks_uri` and `discovery: true`";
    match (named.next(), named.next()) {
        (Some(place), None) => Ok(place),
        (None, _) => Err(Problem::new(terms.at, "nothing that says where the keys are", expected)
            .lacks(terms.at, &["jwks_file", "jwks", "jwks_uri", "discovery"])),
        (Some(_), Some(_)) => Err(Problem::new(terms.at, "several places for the keys", expected)),
    }
}

fn address_of(address: &Located<Box<str>>, refresh: &KeyRefreshSettings) -> Result<Place, Vec<Problem>> {
    let judged = AllowedUrl::configured(address, refresh.allow_cleartext);
    judged.map(Place::Address).map_err(|problem| vec![told(address, problem, "an address such as `https://issuer.example/jwks`")])
}

fn issuer_of(terms: &KeyTerms<'_>) -> Result<Place, Vec<Problem>> {
    let cleartext = terms.refresh.allow_cleartext;
    let expected = "the name of a host such as `keys.example`, with its port if it is not the usual one";
    let (mut hosts, mut problems) = (Vec::with_capacity(terms.jwks_hosts.len()), Vec::new());
    for host in terms.jwks_hosts {
        let is_host = !host.contains('/');
        let judged = if is_host { AllowedPrefix::judge(&format!("https://{}/", **host), cleartext) } else { Err(UrlProblem::Host) };
        judged.map_or_else(|problem| problems.push(told(host, problem, expected)), |prefix| hosts.push(prefix));
    }
    if let Some(excess) = terms.jwks_hosts.get(MOST_HOSTS) {
        problems.push(Problem::new(excess.at(), format!("{} hosts", terms.jwks_hosts.len()), "at most 16"));
    }
    let Some(name) = terms.issuer else {
        problems.push(Problem::new(terms.discovery.at(), "`discovery` without an issuer", "the `issuer` to ask"));
        return Err(problems);
    };
    match Issuer::new(name, hosts, cleartext) {
        Ok(issuer) if problems.is_empty() => Ok(Place::Issuer(issuer)),
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.push(told(name, problem, "an address such as `https://issuer.example`, which can be asked"));
            Err(problems)
        }
    }
}

fn told(written: &Located<Box<str>>, problem: UrlProblem, expected: &str) -> Problem {
    Problem::new(written.at(), format!("`{}`, {problem}", **written), expected)
}

fn pace(refresh: &KeyRefreshSettings, problems: &mut Vec<Problem>) -> Pace {
    let KeyRefreshSettings { interval, min_interval, max_stale, unknown_key_memory, timeout, .. } = refresh;
    for (period, least, most, expected) in [
        (interval, SECOND, DAY, "whole seconds, 1s to 24h"),
        (min_interval, SECOND, HOUR, "whole seconds, 1s to 1h"),
        (max_stale, SECOND, MONTH, "whole seconds, 1s to 30d"),
        (unknown_key_memory, Period::from_secs(0), HOUR, "whole seconds, at most 1h"),
    ] {
        if **period < least || **period > most || period.duration().subsec_nanos() != 0 {
            problems.push(Problem::new(period.at(), format!("{:?}", **period), expected));
        }
    }
    if **max_stale < **interval {
        problems.push(Problem::new(max_stale.at(), format!("{:?}", **max_stale), "no less than `interval`"));
    }
    let seconds = |period: &Period| period.duration().as_secs();
    Pace {
        interval: seconds(interval),
        min_interval: seconds(min_interval),
        max_stale: seconds(max_stale),
        unknown_key_memory: seconds(unknown_key_memory),
        timeout: timeout.duration(),
    }
}
