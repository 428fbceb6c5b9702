//! Why a request takes the route it takes, for people.

use super::comparable::comparable;
use super::paths::PathNode;
use super::{Authority, RouteTable, Target};
use http::Method;
use std::fmt;

/// A route whose host and path hold for a request.
#[derive(Debug)]
pub struct Considered<'t, T> {
    /// Its place in the list that the table was built from, from 0.
    pub index: usize,
    /// The route.
    pub route: &'t T,
    /// What became of it.
    pub verdict: Verdict,
}

/// Why a route was or was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This one.
    Chosen,
    /// Another host pattern is more specific, and only its routes count.
    HostLessSpecific,
    /// Another path of the same host is more specific, and only its routes count.
    PathLessSpecific,
    /// It does not admit the method.
    MethodNotAdmitted,
    /// Another route of the same path lists the method.
    MethodListedElsewhere,
}

impl Verdict {
    /// The reason in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::HostLessSpecific => "not chosen: a more specific host has routes of its own",
            Self::PathLessSpecific => "not chosen: a more specific path of the same host matches",
            Self::MethodNotAdmitted => "not chosen: it does not admit the method",
            Self::MethodListedElsewhere => "not chosen: another route of the same path lists the method",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl<T> RouteTable<T> {
    /// Every route whose host and path hold for a request, the most specific one first, and what
    /// became of it. Agrees with [`RouteTable::find`].
    pub fn explain(&self, authority: &Authority<'_>, target: &Target<'_>, method: &Method) -> Vec<Considered<'_, T>> {
        let path = comparable(target.path());
        let mut considered = Vec::new();
        for (host_rank, host) in self.hosts.matching(authority.host()).enumerate() {
            let mut nodes: Vec<_> = self.paths.matching(host, &path).collect();
            nodes.reverse();
            for (path_rank, node) in nodes.into_iter().enumerate() {
                match (host_rank, path_rank) {
                    (0, 0) => self.judge_methods(node, method, &mut considered),
                    (0, _) => self.pass_over(node, Verdict::PathLessSpecific, &mut considered),
                    _ => self.pass_over(node, Verdict::HostLessSpecific, &mut considered),
                }
            }
        }
        considered
    }

    fn judge_methods<'t>(&'t self, node: &PathNode, method: &Method, considered: &mut Vec<Considered<'t, T>>) {
        let mut admitting = Verdict::Chosen;
        for place in node.routes.clone() {
            let admits = self.methods.get(place).is_some_and(|methods| methods.admits(method));
            let verdict =
                if admits { std::mem::replace(&mut admitting, Verdict::MethodListedElsewhere) } else { Verdict::MethodNotAdmitted };
            considered.extend(self.consider(place, verdict));
        }
    }

    fn pass_over<'t>(&'t self, node: &PathNode, verdict: Verdict, considered: &mut Vec<Considered<'t, T>>) {
        considered.extend(node.routes.clone().filter_map(|place| self.consider(place, verdict)));
    }

    fn consider(&self, place: usize, verdict: Verdict) -> Option<Considered<'_, T>> {
        self.routes.get(place).map(|entry| Considered { index: entry.index, route: &entry.value, verdict })
    }
}
