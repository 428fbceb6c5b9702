//! Finds the one route of a request.
//!
//! **Host first.** The most specific host pattern decides: exact, then the longest `*.` suffix, then
//! `*`. Only its routes are looked at: a host with routes of its own never falls back to those of a
//! wildcard or of `*`, so that adding a host cannot leave some of its paths under another's policy.
//! **Then the path.** Exact, then the longest prefix that ends at a segment boundary.
//! **Then the method.** A route that lists it, then one for any. Where the path has routes but none
//! for the method, that is the answer: never a less specific, perhaps weaker, route.
//! The order of the configuration does not matter.

use super::comparable::comparable;
use super::hosts::Hosts;
use super::paths::{PathNode, Paths};
use super::{Allowed, Authority, Methods, RoutePattern, Target};
use http::Method;

/// Routes with their patterns; a look-up costs a few hashes, however many there are.
#[derive(Debug)]
pub struct RouteTable<T> {
    pub(super) hosts: Hosts,
    pub(super) paths: Paths,
    pub(super) methods: Box<[Methods]>,
    pub(super) routes: Box<[Entry<T>]>,
}

/// A route and its place in the list that the table was built from.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) index: usize,
    pub(super) value: T,
}

/// The answer to a look-up.
#[derive(Debug)]
pub enum Found<'t, T> {
    /// This route.
    Route(&'t T),
    /// The path has routes, for other methods (405).
    MethodNotAllowed(Allowed<'t>),
    /// No route (404).
    NoRoute,
}

/// Two routes that some request could equally take. Both count from 0 in the list of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The earlier route.
    pub first: usize,
    /// The later route.
    pub second: usize,
}

struct Draft<T> {
    node: usize,
    methods: Methods,
    entry: Entry<T>,
}

impl<T> RouteTable<T> {
    /// Builds the table.
    ///
    /// # Errors
    /// Every route that conflicts with an earlier one: same host, same path, and a method in common.
    pub fn build(routes: Vec<(RoutePattern, T)>) -> Result<Self, Vec<Conflict>> {
        let mut hosts = Hosts::default();
        let ids: Vec<_> = routes.iter().map(|(pattern, _)| hosts.enter(&pattern.host)).collect();
        let mut paths = Paths::of_hosts(hosts.count());
        let draft = |(index, ((pattern, value), host))| -> Draft<T> {
            let RoutePattern { path, methods, .. } = pattern;
            Draft { node: paths.enter(host, &path), methods, entry: Entry { index, value } }
        };
        let mut drafts: Vec<_> = routes.into_iter().zip(ids).enumerate().map(draft).collect();
        drafts.sort_by_key(|draft| (draft.node, !draft.methods.are_listed(), draft.entry.index));
        refuse_conflicts(&drafts)?;
        assign(&mut paths, &drafts);
        let (methods, routes): (Vec<_>, Vec<_>) = drafts.into_iter().map(|draft| (draft.methods, draft.entry)).unzip();
        Ok(Self { hosts, paths, methods: methods.into(), routes: routes.into() })
    }

    /// The route of a request.
    pub fn find(&self, authority: &Authority<'_>, target: &Target<'_>, method: &Method) -> Found<'_, T> {
        let path = comparable(target.path());
        let host = self.hosts.matching(authority.host()).next();
        match host.and_then(|host| self.paths.matching(host, &path).last()) {
            Some(node) => self.select(node, method),
            None => Found::NoRoute,
        }
    }

    /// How many routes there are.
    pub const fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there is no route at all.
    pub const fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    fn select(&self, node: &PathNode, method: &Method) -> Found<'_, T> {
        let methods = self.methods.get(node.routes.clone()).unwrap_or_default();
        let place = methods.iter().position(|methods| methods.admits(method));
        match place.and_then(|place| self.routes.get(node.routes.start + place)) {
            Some(entry) => Found::Route(&entry.value),
            None => Found::MethodNotAllowed(Allowed(methods)),
        }
    }
}

/// Tells every node where its routes stand. The drafts are sorted by node.
fn assign<T>(paths: &mut Paths, drafts: &[Draft<T>]) {
    let mut start = 0;
    for group in drafts.chunk_by(|a, b| a.node == b.node) {
        let end = start + group.len();
        if let Some(node) = group.first().and_then(|draft| paths.node_mut(draft.node)) {
            node.routes = start..end;
        }
        start = end;
    }
    paths.settle();
}

fn refuse_conflicts<T>(drafts: &[Draft<T>]) -> Result<(), Vec<Conflict>> {
    let groups = drafts.chunk_by(|a, b| a.node == b.node);
    let mut conflicts: Vec<_> =
        groups.flat_map(|group| group.iter().enumerate().filter_map(|(at, draft)| rival(group, at, draft))).collect();
    conflicts.sort_unstable_by_key(|conflict| conflict.second);
    if conflicts.is_empty() { Ok(()) } else { Err(conflicts) }
}

fn rival<T>(group: &[Draft<T>], at: usize, draft: &Draft<T>) -> Option<Conflict> {
    let earlier = group.iter().take(at).find(|earlier| earlier.methods.rivals(&draft.methods))?;
    Some(Conflict { first: earlier.entry.index, second: draft.entry.index })
}

#[cfg(test)]
mod tests;
