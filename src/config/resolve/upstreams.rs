//! The upstreams: addresses resolved, trust anchors read.

use crate::config::certificate;
use crate::config::document::{Upstream, UpstreamHost, UpstreamTls, Verification};
use crate::config::snapshot::{ServerSpec, UpstreamSecurity, UpstreamSpec, UpstreamTimeouts};
use crate::route::{Authority, UriScheme};
use crate::setting::{Files, Located, Position, Problem};
use std::collections::BTreeMap;
use std::net::ToSocketAddrs;

/// The most servers tried for one request after the first.
const MAX_RETRIES: u32 = 5;
/// The largest weight of a server.
const MAX_WEIGHT: u16 = 256;

/// Builds every upstream; one with problems is left out. The names are those of all upstreams.
pub(super) fn build(
    written: BTreeMap<String, Located<Upstream>>,
    files: &Files,
    problems: &mut Vec<Problem>,
) -> (Vec<UpstreamSpec>, Vec<Box<str>>) {
    let names = written.keys().map(|name| name.as_str().into()).collect();
    let mut specs = Vec::with_capacity(written.len());
    for (name, upstream) in &written {
        match upstream_spec(name, upstream, files) {
            Ok(spec) => specs.push(spec),
            Err(found) => problems.extend(found),
        }
    }
    (specs, names)
}

fn upstream_spec(name: &str, upstream: &Located<Upstream>, files: &Files) -> Result<UpstreamSpec, Vec<Problem>> {
    let mut problems = Vec::new();
    let servers = servers(upstream, &mut problems);
    let security = match &upstream.tls {
        None => UpstreamSecurity::Clear,
        Some(tls) => security(tls, upstream.at(), files).unwrap_or_else(|problem| {
            problems.push(problem);
            UpstreamSecurity::Clear
        }),
    };
    if *upstream.retries > MAX_RETRIES {
        problems.push(Problem::new(upstream.retries.at(), format!("{} retries", *upstream.retries), format!("at most {MAX_RETRIES}")));
    }
    check_names(upstream, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(UpstreamSpec {
        name: name.into(),
        servers,
        balance: upstream.balance,
        health_check: upstream.health_check.clone(),
        protocol: upstream.protocol,
        security,
        host: upstream.host.clone(),
        timeouts: timeouts(upstream),
        retries: *upstream.retries,
    })
}

/// What would make a request to a server malformed.
fn check_names(upstream: &Located<Upstream>, problems: &mut Vec<Problem>) {
    let fixed = match &upstream.host {
        UpstreamHost::Preserve => None,
        UpstreamHost::Name(name) => Some(name),
    };
    let checked = upstream.health_check.as_ref();
    for host in fixed.into_iter().chain(checked.and_then(|check| check.host.as_ref())) {
        if Authority::judge(host.as_bytes(), UriScheme::Http).is_err() {
            problems.push(Problem::new(upstream.at(), format!("the host `{host}`"), "a host name, or one with a port"));
        }
    }
    if let Some(path) = checked.and_then(|check| check.path.as_ref())
        && !(path.starts_with('/') && path.bytes().all(|octet| octet.is_ascii_graphic()))
    {
        problems.push(Problem::new(
            upstream.at(),
            format!("the path `{path}` of a health check"),
            "a path that begins with `/`, without spaces",
        ));
    }
}

fn timeouts(upstream: &Upstream) -> UpstreamTimeouts {
    let Upstream { connect_timeout, read_timeout, write_timeout, idle_timeout, .. } = *upstream;
    UpstreamTimeouts { connect: connect_timeout, read: read_timeout, write: write_timeout, idle: idle_timeout }
}

fn servers(upstream: &Located<Upstream>, problems: &mut Vec<Problem>) -> Vec<ServerSpec> {
    if upstream.servers.is_empty() {
        problems.push(Problem::new(upstream.at(), "an upstream without servers", "at least one server"));
    }
    let mut servers = Vec::with_capacity(upstream.servers.len());
    for entry in &upstream.servers {
        let weight = entry.weight();
        if weight == 0 || weight > MAX_WEIGHT {
            problems.push(Problem::new(entry.at(), format!("the weight {weight}"), format!("a weight of 1 to {MAX_WEIGHT}")));
        }
        if let Some((scheme, rest)) = entry.address().split_once("://") {
            let bare = rest.split('/').next().unwrap_or_default();
            let tls = if scheme == "https" { ", and `tls` beside `servers`" } else { "" };
            let expected = format!("host:port without `{scheme}://`{tls}");
            problems.push(Problem::new(entry.at(), format!("the server `{}`", entry.address()), expected).suggest(format!("`{bare}`")));
            continue;
        }
        match entry.address().to_socket_addrs().map(|mut addresses| addresses.next()) {
            Ok(Some(address)) => servers.push(ServerSpec { label: entry.address().into(), address, weight }),
            Ok(None) => problems.push(unresolved(entry.address(), entry.at(), "it has no address")),
            Err(error) => problems.push(unresolved(entry.address(), entry.at(), &error.to_string())),
        }
    }
    servers
}

fn unresolved(address: &str, at: Position, why: &str) -> Problem {
    Problem::new(at, format!("the server `{address}` ({why})"), "host:port, with a host that can be resolved now")
}

fn security(tls: &UpstreamTls, at: Position, files: &Files) -> Result<UpstreamSecurity, Problem> {
    if tls.server_name.is_empty() && tls.verify == Verification::Full {
        return Err(Problem::new(at, "TLS without a `server_name`", "the name that the servers' certificate carries"));
    }
    let anchors = match &tls.ca_file {
        None => Vec::new(),
        Some(file) => certificate::chain(&Located::new(file.clone(), at), files)?.iter().map(|der| der.to_vec()).collect(),
    };
    Ok(UpstreamSecurity::Tls { server_name: tls.server_name.clone(), anchors, verify: tls.verify })
}
