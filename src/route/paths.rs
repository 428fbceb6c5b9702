//! The path patterns of all hosts in one hash table, asked once per segment of a path.
//!
//! The hash is carried on from boundary to boundary, so that a path is read once whatever its depth,
//! and no further than the host's longest pattern.

use super::PathPattern;
use super::hosts::HostId;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

/// The routes of one host and one path pattern.
#[derive(Debug)]
pub(super) struct PathNode {
    host: HostId,
    kind: PathKind,
    path: Box<str>,
    /// Where they stand in the table.
    pub(super) routes: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathKind {
    Prefix,
    Exact,
}

/// Every path pattern of a table, each once per host.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<PathNode>,
    index: HashTable<usize>,
    longest: Vec<usize>,
    seed: RandomState,
}

impl Paths {
    /// Room for the patterns of `hosts` hosts.
    pub(super) fn of_hosts(hosts: usize) -> Self {
        Self { nodes: Vec::new(), index: HashTable::new(), longest: vec![0; hosts], seed: RandomState::new() }
    }

    /// The number of a pattern of a host, new or known.
    pub(super) fn enter(&mut self, host: HostId, pattern: &PathPattern) -> usize {
        let (kind, path) = match pattern {
            PathPattern::Prefix(path) => (PathKind::Prefix, path.comparable()),
            PathPattern::Exact(path) => (PathKind::Exact, path.comparable()),
        };
        let hash = self.hash(host, &path);
        if let Some(known) = self.number(hash, host, kind, &path) {
            return known;
        }
        if let Some(longest) = self.longest.get_mut(host.0) {
            *longest = path.len().max(*longest);
        }
        let next = self.nodes.len();
        self.nodes.push(PathNode { host, kind, path: path.into(), routes: 0..0 });
        let Self { nodes, index, seed, .. } = self;
        index.insert_unique(hash, next, |at| nodes.get(*at).map_or(0, |node| hash_of(seed, node.host, &node.path)));
        next
    }

    /// The node with a number that [`Self::enter`] gave.
    pub(super) fn node_mut(&mut self, number: usize) -> Option<&mut PathNode> {
        self.nodes.get_mut(number)
    }

    /// Gives back memory that was needed while building only.
    pub(super) fn settle(&mut self) {
        self.nodes.shrink_to_fit();
    }

    /// The nodes of a host that hold for a path, the most specific one last.
    pub(super) fn matching<'a>(&'a self, host: HostId, path: &'a str) -> impl Iterator<Item = &'a PathNode> {
        let longest = self.longest.get(host.0).copied().unwrap_or_default();
        let reached = hashes(&self.seed, host, path).take_while(move |(part, _)| part.len() <= longest);
        reached.flat_map(move |(part, hash)| {
            let prefix = self.number(hash, host, PathKind::Prefix, part);
            let exact = if part.len() == path.len() { self.number(hash, host, PathKind::Exact, part) } else { None };
            [prefix, exact].into_iter().flatten().filter_map(|number| self.nodes.get(number))
        })
    }

    fn number(&self, hash: u64, host: HostId, kind: PathKind, path: &str) -> Option<usize> {
        let is_it = |node: &PathNode| node.host == host && node.kind == kind && *node.path == *path;
        self.index.find(hash, |at| self.nodes.get(*at).is_some_and(is_it)).copied()
    }

    fn hash(&self, host: HostId, path: &str) -> u64 {
        hash_of(&self.seed, host, path)
    }
}

fn hash_of(seed: &RandomState, host: HostId, path: &str) -> u64 {
    hashes(seed, host, path).last().map_or(0, |(_, hash)| hash)
}

/// The parts of a path that end at a boundary, from the empty one to the whole, each with its hash.
fn hashes<'a>(seed: &RandomState, host: HostId, path: &'a str) -> impl Iterator<Item = (&'a str, u64)> + use<'a> {
    let mut hasher = seed.build_hasher();
    hasher.write_usize(host.0);
    let slashes = memchr::memchr_iter(b'/', path.as_bytes());
    let mut hashed = 0;
    slashes.chain(std::iter::once(path.len())).filter_map(move |end| {
        hasher.write(path.get(hashed..end)?.as_bytes());
        hashed = end;
        Some((path.get(..end)?, hasher.finish()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(patterns: &[PathPattern], path: &str) -> Vec<usize> {
        let mut paths = Paths::of_hosts(2);
        for (at, pattern) in patterns.iter().enumerate() {
            let number = paths.enter(HostId(1), pattern);
            paths.node_mut(number).unwrap().routes = at..at;
        }
        assert_eq!(paths.matching(HostId(0), path).count(), 0, "hosts share nothing");
        paths.matching(HostId(1), path).map(|node| node.routes.start).collect()
    }

    fn prefix(text: &str) -> PathPattern {
        PathPattern::prefix(text).unwrap()
    }

    fn exact(text: &str) -> PathPattern {
        PathPattern::exact(text).unwrap()
    }

    #[test]
    fn deeper_prefixes_go_before_shorter_ones_and_exact_paths_before_all() {
        let patterns = [prefix("/"), prefix("/a"), prefix("/a/b/"), exact("/a/b"), exact("/a/b/"), exact("/")];
        assert_eq!(matching(&patterns, "/"), [0, 5]);
        assert_eq!(matching(&patterns, "/ab"), [0]);
        assert_eq!(matching(&patterns, "/a"), [0, 1]);
        assert_eq!(matching(&patterns, "/a/"), [0, 1]);
        assert_eq!(matching(&patterns, "/a/b"), [0, 1, 2, 3]);
        assert_eq!(matching(&patterns, "/a/b/"), [0, 1, 2, 4]);
        assert_eq!(matching(&patterns, "/a/b/c"), [0, 1, 2]);
        assert_eq!(matching(&patterns, "/b/a"), [0]);
    }

    #[test]
    fn spellings_of_one_path_share_a_node() {
        let mut paths = Paths::of_hosts(1);
        assert_eq!(paths.enter(HostId(0), &prefix("/@")), paths.enter(HostId(0), &prefix("/%40/")));
        assert_ne!(paths.enter(HostId(0), &prefix("/@")), paths.enter(HostId(0), &exact("/@")));
    }

    #[test]
    fn the_table_grows_without_losing_anything() {
        let patterns: Vec<_> = (0..2_000).map(|at| prefix(&format!("/p{at}/x"))).collect();
        assert_eq!(matching(&patterns, "/p0/x/y"), [0]);
        assert_eq!(matching(&patterns, "/p1999/x"), [1999]);
    }
}
