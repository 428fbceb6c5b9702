//! Document to snapshot: names become handles, files become keys, and every problem is told at once.

mod listeners;
mod routes;
mod schemes;
mod upstreams;

use super::document::{Document, Limits, PathParameterRule, StoreSettings};
use super::identity::{Asserting, ManagedNames};
use super::resource::Metadata;
use super::snapshot::{Lasting, Snapshot};
use super::suggest;
use crate::assertion::{Asserter, AssertionSettings};
use crate::clock;
use crate::crypto::SystemRandom;
use crate::route::{PathParameters, TargetRules};
use crate::setting::{Files, Located, Problem};
use crate::store::{StoreSizes, Stores};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// Compiles a document. Relative file names are relative to `base`.
///
/// # Errors
/// Every problem found, in no particular order.
pub(super) fn resolve(document: Document, base: &Path, lasting: Option<Lasting>) -> Result<Snapshot, Vec<Problem>> {
    let files = Files::below(base);
    let mut problems = Vec::new();
    let Document { listeners, admin, workers, schemes, upstreams, routes, limits, trusted_proxies, .. } = document;
    check_counts(&limits, &mut problems);
    check_spool(&limits, &mut problems);
    let sizes = store_sizes(&document.stores, &mut problems);
    let fixed = listeners::fixed(&listeners, admin.as_ref(), workers, sizes, &mut problems);
    let lasting = match lasting {
        Some(lasting) => lasting,
        None => begin(&document.stores, sizes).map_err(|problem| vec![problem])?,
    };
    let certificates = listeners::certificates(&listeners, &files, &mut problems);
    let clients = listeners::clients(&listeners, limits.client_certificate_cache, &files, &mut problems);
    let trusted_proxies = networks(&trusted_proxies, &mut problems);
    let (schemes, scheme_names) = schemes::build(schemes, (&files, &lasting), &mut problems);
    let (upstreams, upstream_names) = upstreams::build(upstreams, &files, &mut problems);
    let asserting = asserting(document.assertion.as_ref(), &files, &mut problems);
    let names = routes::Names::of(&schemes, &scheme_names, &upstreams, &upstream_names).asserting(&asserting);
    let (routes, table) = routes::build(&routes, &names, &mut problems);
    let (Some(table), true) = (table, problems.is_empty()) else {
        return Err(problems);
    };
    let metadata = Metadata::of(routes.iter().filter_map(|route| route.resource.as_ref()));
    let managed = ManagedNames::build(routes.iter().flat_map(|route| route.identity.names()));
    Ok(Snapshot {
        table,
        routes,
        schemes,
        upstreams,
        asserter: asserting.built().cloned(),
        managed,
        target_rules: TargetRules { path_parameters: path_parameters(document.path_parameters), limit: limits.max_target_size.length() },
        limits,
        trusted_proxies,
        logging: document.logging,
        graceful_stop: document.graceful_stop.duration(),
        fixed,
        certificates,
        clients,
        lasting,
        metadata,
        files: files.named(),
    })
}

/// What makes assertions. One that has problems of its own is not a missing one, too.
fn asserting(written: Option<&Located<AssertionSettings>>, files: &Files, problems: &mut Vec<Problem>) -> Asserting {
    match written.map(|written| Asserter::build(written, files)) {
        None => Asserting::Absent,
        Some(Ok(asserter)) => Asserting::Built(asserter),
        Some(Err(found)) => {
            problems.extend(found);
            Asserting::Failed
        }
    }
}

/// A count of nothing would refuse everything.
fn check_counts(limits: &Limits, problems: &mut Vec<Problem>) {
    let Limits { max_connections, max_requests_per_connection, max_concurrent_streams, max_fields, .. } = limits;
    for count in [max_connections, max_requests_per_connection, max_concurrent_streams, max_fields] {
        if **count == 0 {
            problems.push(Problem::new(count.at(), "a limit of 0", "at least 1"));
        }
    }
}

fn store_sizes(written: &StoreSettings, problems: &mut Vec<Problem>) -> StoreSizes {
    for count in [&written.replay_marks, &written.revocations] {
        if **count == 0 {
            problems.push(Problem::new(count.at(), "a limit of 0", "at least 1"));
        }
    }
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    StoreSizes { replay_marks: size(*written.replay_marks), revocations: size(*written.revocations) }
}

fn begin(written: &StoreSettings, sizes: StoreSizes) -> Result<Lasting, Problem> {
    let no_randomness = |_| Problem::new(written.replay_marks.at(), "a system without randomness", "a working source of randomness");
    let stores = Stores::new(sizes, clock::now(), &SystemRandom::new()).map_err(no_randomness)?;
    Ok(Lasting { stores: Arc::new(stores), key_sources: Arc::default() })
}

/// Contents must have somewhere to wait before the first one comes.
fn check_spool(limits: &Limits, problems: &mut Vec<Problem>) {
    let folder = &limits.spool_directory;
    if !folder.is_dir() {
        problems.push(Problem::new(folder.at(), format!("`{}`, which is no folder", folder.display()), "a folder that can be written"));
    }
}

const fn path_parameters(rule: PathParameterRule) -> PathParameters {
    match rule {
        PathParameterRule::Refuse => PathParameters::Refuse,
        PathParameterRule::Forward => PathParameters::Forward,
    }
}

fn networks(written: &[Located<String>], problems: &mut Vec<Problem>) -> Vec<IpNet> {
    let mut networks = Vec::with_capacity(written.len());
    for text in written {
        let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
        match text.parse().ok().or_else(single) {
            Some(network) => networks.push(network),
            None => problems.push(Problem::new(text.at(), format!("`{}`", **text), "a network such as 10.0.0.0/8 or an address")),
        }
    }
    networks
}

/// The problem of a name that nothing has, with the nearest known one.
fn unknown(kind: &str, name: &str, at: crate::setting::Position, known: &[Box<str>]) -> Problem {
    let names: Vec<&str> = known.iter().map(|name| &**name).collect();
    let expected = match names.as_slice() {
        [] => format!("the name of {kind}, and none is configured"),
        names => format!("the name of {kind}: {}", suggest::one_of(names)),
    };
    let problem = Problem::new(at, format!("`{name}`"), expected);
    match suggest::nearest(name, &names) {
        Some(nearest) => problem.suggest(format!("`{nearest}`")),
        None => problem,
    }
}
