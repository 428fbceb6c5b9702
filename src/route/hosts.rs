//! Which group of routes a host belongs to.

use super::HostPattern;
use std::collections::HashMap;

/// One host pattern of a table; counts from 0 in the order in which the patterns were entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HostId(pub(super) usize);

/// The host patterns of a table, each once.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: HashMap<Box<str>, HostId>,
    below: HashMap<Box<str>, HostId>,
    any: Option<HostId>,
    count: usize,
}

impl Hosts {
    /// The number of a pattern, new or known.
    pub(super) fn enter(&mut self, pattern: &HostPattern) -> HostId {
        let next = HostId(self.count);
        let id = match pattern {
            HostPattern::Any => *self.any.get_or_insert(next),
            HostPattern::Exact(name) => *self.exact.entry(name.as_str().into()).or_insert(next),
            HostPattern::Below(name) => *self.below.entry(name.as_str().into()).or_insert(next),
        };
        self.count += usize::from(id == next);
        id
    }

    /// How many patterns there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The patterns that hold for a host, the most specific one first.
    pub(super) fn matching(&self, host: &str) -> impl Iterator<Item = HostId> {
        let dots = memchr::memchr_iter(b'.', host.as_bytes());
        let below = dots.filter_map(move |dot| self.below.get(host.get(dot + 1..)?));
        self.exact.get(host).into_iter().chain(below).chain(&self.any).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(patterns: &[&str], host: &str) -> Vec<usize> {
        let mut hosts = Hosts::default();
        for pattern in patterns {
            hosts.enter(&HostPattern::parse(pattern).unwrap());
        }
        hosts.matching(host).map(|id| id.0).collect()
    }

    #[test]
    fn longer_suffixes_go_before_shorter_ones() {
        let patterns = ["*", "*.test", "*.a.test", "b.a.test"];
        assert_eq!(matching(&patterns, "b.a.test"), [3, 2, 1, 0]);
        assert_eq!(matching(&patterns, "c.b.a.test"), [2, 1, 0]);
        assert_eq!(matching(&patterns, "a.test"), [1, 0], "a wildcard needs a label of its own");
        assert_eq!(matching(&patterns, "evil-a.test"), [1, 0]);
        assert_eq!(matching(&patterns, "test"), [0]);
        assert_eq!(matching(&patterns[1..], "other"), [0_usize; 0]);
    }

    #[test]
    fn a_pattern_is_entered_once() {
        let mut hosts = Hosts::default();
        let first = hosts.enter(&HostPattern::parse("a.test").unwrap());
        assert_ne!(hosts.enter(&HostPattern::parse("*.a.test").unwrap()), first);
        assert_eq!(hosts.enter(&HostPattern::parse("a.test").unwrap()), first);
        assert_eq!(hosts.count(), 2);
    }
}
