//! Document to snapshot: names become handles, files become keys, and every problem is told at once.

mod listeners;
mod routes;
mod schemes;
mod upstreams;

use super::document::{Document, Limits, PathParameterRule, StoreSettings};
use super::identity::ManagedNames;
use super::resource::Metadata;
use super::shared::Shared;
use super::snapshot::{Lasting, Snapshot};
use super::suggest;
use crate::assertion::{Asserter, AssertionSettings, RequestKeySettings, RequestKeys, RequestSigner};
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
    let asserting = shared(document.assertion.as_ref(), |written| Asserter::build(written, &files), &mut problems);
    let asserter = asserting.built().map(Arc::as_ref);
    let signing = shared(document.request_signature.as_ref(), |written| RequestKeys::build(written, &files, asserter), &mut problems);
    check_key_paths(document.assertion.as_ref(), document.request_signature.as_ref(), &mut problems);
    let names = routes::Names::of(&schemes, &scheme_names, &upstreams, &upstream_names).vouching(&asserting, &signing);
    let (routes, table) = routes::build(&routes, &names, &mut problems);
    let (Some(table), true) = (table, problems.is_empty()) else {
        return Err(problems);
    };
    let metadata = Metadata::of(routes.iter().filter_map(|route| route.resource.as_ref()));
    let signed = routes.iter().filter_map(|route| route.signer.as_ref()).flat_map(RequestSigner::fields);
    let managed = ManagedNames::build(routes.iter().flat_map(|route| route.identity.names()), signed);
    Ok(Snapshot {
        table,
        routes,
        schemes,
        upstreams,
        asserter: asserting.built().cloned(),
        request_keys: signing.built().cloned(),
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
        secret_files: files.secret(),
    })
}

/// What routes may want. Something that has problems of its own is not missing, too.
fn shared<W, T>(
    written: Option<&Located<W>>,
    build: impl FnOnce(&W) -> Result<Arc<T>, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Shared<T> {
    match written.map(|written| build(written)) {
        None => Shared::Absent,
        Some(Ok(built)) => Shared::Built(built),
        Some(Err(found)) => {
            problems.extend(found);
            Shared::Failed
        }
    }
}

/// One path has one document.
fn check_key_paths(
    assertion: Option<&Located<AssertionSettings>>,
    signature: Option<&Located<RequestKeySettings>>,
    problems: &mut Vec<Problem>,
) {
    let paths = (assertion.and_then(|written| written.jwks_path.as_ref()), signature.and_then(|written| written.jwks_path.as_ref()));
    if let (Some(other), Some(path)) = paths
        && **other == **path
    {
        problems.push(Problem::new(path.at(), format!("`{}`, where the keys of assertions are", **path), "a path of its own"));
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
    StoreSizes {
        replay_marks: size(*written.replay_marks),
        revocations: size(*written.revocations),
        holder_keys: size(*written.holder_keys),
    }
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
