//! The table against what its documentation says, and against a reference that scans.

use super::*;
use crate::route::{HostPattern, PathPattern, TargetRules, UriScheme, Verdict};
use proptest::prelude::*;
use std::sync::Arc;

/// A route in text: host, path (`=` before an exact one), methods (none for any).
type Written = (&'static str, &'static str, &'static [&'static str]);

fn pattern(&(host, path, methods): &Written) -> RoutePattern {
    let path = match path.strip_prefix('=') {
        Some(exact) => PathPattern::exact(exact),
        None => PathPattern::prefix(path),
    };
    let listed: Vec<_> = methods.iter().map(|method| Methods::parse_one(method).unwrap()).collect();
    let methods = if listed.is_empty() { Methods::any() } else { Methods::listed(listed).unwrap() };
    RoutePattern { host: HostPattern::parse(host).unwrap(), path: path.unwrap(), methods }
}

fn build(routes: &[Written]) -> Result<RouteTable<usize>, Vec<Conflict>> {
    RouteTable::build(routes.iter().enumerate().map(|(index, written)| (pattern(written), index)).collect())
}

#[derive(Debug, PartialEq)]
enum Answer {
    Route(usize),
    Allowed(Vec<String>),
    None,
}

fn answer(table: &RouteTable<usize>, host: &str, path: &str, method: &str) -> Answer {
    let authority = Authority::judge(host.as_bytes(), UriScheme::Http).unwrap();
    let target = Target::judge(path.as_bytes(), TargetRules::default()).unwrap();
    match table.find(&authority, &target, &Method::from_bytes(method.as_bytes()).unwrap()) {
        Found::Route(index) => Answer::Route(*index),
        Found::MethodNotAllowed(allowed) => Answer::Allowed(allowed.iter().map(ToString::to_string).collect()),
        Found::NoRoute => Answer::None,
    }
}

fn explained(table: &RouteTable<usize>, host: &str, path: &str, method: &str) -> Vec<(usize, Verdict)> {
    let authority = Authority::judge(host.as_bytes(), UriScheme::Http).unwrap();
    let target = Target::judge(path.as_bytes(), TargetRules::default()).unwrap();
    let considered = table.explain(&authority, &target, &Method::from_bytes(method.as_bytes()).unwrap());
    considered.iter().map(|route| (route.index, route.verdict)).collect()
}

const SHOP: &[Written] = &[
    ("*", "/", &[]),
    ("a.test", "/x/", &[]),
    ("a.test", "/x/y", &["GET", "HEAD"]),
    ("a.test", "/x/y", &["POST"]),
    ("a.test", "=/x/y", &["PUT"]),
    ("*.test", "/x", &[]),
    ("*.test", "/x", &["DELETE"]),
];

#[test]
fn the_host_is_chosen_before_the_path() {
    let table = build(SHOP).unwrap();
    assert_eq!(answer(&table, "a.test", "/x/z", "GET"), Answer::Route(1));
    assert_eq!(answer(&table, "a.test", "/other", "GET"), Answer::None, "no fall-back to `*`");
    assert_eq!(answer(&table, "b.test:8080", "/x/z", "GET"), Answer::Route(5));
    assert_eq!(answer(&table, "b.test", "/other", "GET"), Answer::None);
    assert_eq!(answer(&table, "other", "/other", "GET"), Answer::Route(0));
}

#[test]
fn the_method_never_leads_to_a_less_specific_route() {
    let table = build(SHOP).unwrap();
    assert_eq!(answer(&table, "a.test", "/x/y/z", "GET"), Answer::Route(2));
    assert_eq!(answer(&table, "a.test", "/x/y/z", "POST"), Answer::Route(3));
    assert_eq!(answer(&table, "a.test", "/x/y/z", "PUT"), Answer::Allowed(vec!["GET".into(), "HEAD".into(), "POST".into()]));
    assert_eq!(answer(&table, "a.test", "/x/y", "PUT"), Answer::Route(4));
    assert_eq!(answer(&table, "a.test", "/x/y", "GET"), Answer::Allowed(vec!["PUT".into()]));
}

#[test]
fn a_listed_method_goes_before_any() {
    let table = build(SHOP).unwrap();
    assert_eq!(answer(&table, "b.test", "/x", "DELETE"), Answer::Route(6));
    assert_eq!(answer(&table, "b.test", "/x", "PATCH"), Answer::Route(5));
}

#[test]
fn a_table_without_routes_finds_none() {
    let table = build(&[]).unwrap();
    assert!(table.is_empty());
    assert_eq!(answer(&table, "a.test", "/", "GET"), Answer::None);
}

#[test]
fn conflicts_name_both_routes() {
    let conflicts = build(&[
        ("*", "/a", &[]),
        ("*", "=/a", &[]),
        ("*", "/a/", &[]),
        ("a.test", "/a", &[]),
        ("*", "/b", &["GET", "PUT"]),
        ("*", "/b", &["POST"]),
        ("*", "/b", &["PATCH", "PUT"]),
        ("*", "/%40", &[]),
        ("*", "/@", &[]),
    ])
    .unwrap_err();
    let pairs: Vec<_> = conflicts.iter().map(|conflict| (conflict.first, conflict.second)).collect();
    assert_eq!(pairs, [(0, 2), (4, 6), (7, 8)]);
}

#[test]
fn an_explanation_gives_every_candidate_its_reason() {
    let table = build(SHOP).unwrap();
    assert_eq!(
        explained(&table, "a.test", "/x/y/z", "POST"),
        [
            (2, Verdict::MethodNotAdmitted),
            (3, Verdict::Chosen),
            (1, Verdict::PathLessSpecific),
            (6, Verdict::HostLessSpecific),
            (5, Verdict::HostLessSpecific),
            (0, Verdict::HostLessSpecific),
        ]
    );
    assert_eq!(
        explained(&table, "b.test", "/x", "DELETE"),
        [(6, Verdict::Chosen), (5, Verdict::MethodListedElsewhere), (0, Verdict::HostLessSpecific)]
    );
    assert_eq!(explained(&table, "a.test", "/other", "GET"), [(0, Verdict::HostLessSpecific)]);
}

#[test]
fn ten_thousand_routes_are_small() {
    let slot = size_of::<usize>();
    let node = size_of::<PathNode>() + slot * 8 / 7 * 2 + 2;
    let route = size_of::<Methods>() + size_of::<Entry<Arc<()>>>();
    let text = 48 + 16;
    assert!((node + route + text) * 10_000 < 3 << 20, "{node} + {route} + {text} octets a route");
}

const HOSTS: &[&str] = &["*", "a.test", "b.a.test", "*.test", "*.a.test", "*.b.a.test"];
const PATHS: &[&str] = &["/", "/a", "/a/b/", "/ab", "/a/b/a", "=/", "=/a", "=/a/", "=/a/b", "/@", "=/a/%40"];
const METHODS: &[&[&str]] = &[&[], &["GET"], &["POST", "PUT"], &["PUT"], &["get"]];
const ASKED_HOSTS: &[&str] = &["a.test", "b.a.test", "c.b.a.test", "x.test", "aa.test", "test", "other"];
const ASKED_PATHS: &[&str] =
    &["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/a", "/a/b/a/b", "/ab", "/abc", "/b", "/a%40", "/%40", "/@/x", "/a/@", "/a/%40/", "/%61/b"];

fn reference(routes: &[Written], host: &str, path: &str, method: &str) -> Answer {
    let path = path.replace("%40", "@").replace("%61", "a");
    let host_rank = |pattern: &str| match pattern.strip_prefix('*') {
        Some("") => Some(1),
        Some(suffix) => host.ends_with(suffix).then_some(suffix.len() + 1),
        None => (pattern == host).then_some(usize::MAX),
    };
    let path_rank = |pattern: &str| {
        let pattern = pattern.replace("%40", "@");
        match pattern.strip_prefix('=') {
            Some(exact) => (exact == path).then_some(usize::MAX),
            None => format!("{path}/")
                .starts_with(&format!("{}/", pattern.trim_end_matches('/')))
                .then_some(pattern.trim_end_matches('/').len()),
        }
    };
    let best_host = routes.iter().filter_map(|(host, ..)| host_rank(host)).max();
    let of_host: Vec<_> = routes.iter().enumerate().filter(|(_, (host, ..))| best_host.is_some() && host_rank(host) == best_host).collect();
    let best_path = of_host.iter().filter_map(|(_, (_, path, _))| path_rank(path)).max();
    let of_path: Vec<_> = of_host.into_iter().filter(|(_, (_, path, _))| best_path.is_some() && path_rank(path) == best_path).collect();
    if of_path.is_empty() {
        return Answer::None;
    }
    let listing = of_path.iter().find(|(_, (_, _, methods))| methods.contains(&method));
    let taking_any = of_path.iter().find(|(_, (_, _, methods))| methods.is_empty() && method.to_uppercase() == method);
    match listing.or(taking_any) {
        Some((index, _)) => Answer::Route(*index),
        None => Answer::Allowed(vec![]),
    }
}

fn routes() -> impl Strategy<Value = Vec<Written>> {
    let methods = prop::sample::select(&METHODS[..4]);
    prop::collection::vec((prop::sample::select(HOSTS), prop::sample::select(PATHS), methods), 0..24)
}

proptest! {
    #[test]
    fn the_table_agrees_with_a_scan(mut written in routes()) {
        let table = loop {
            match build(&written) {
                Ok(table) => break table,
                Err(conflicts) => { written.remove(conflicts[0].second); }
            }
        };
        for host in ASKED_HOSTS {
            for path in ASKED_PATHS {
                for method in ["GET", "PUT", "DELETE", "get"] {
                    let found = answer(&table, host, path, method);
                    let expected = reference(&written, host, path, method);
                    match (&found, &expected) {
                        (Answer::Allowed(allowed), Answer::Allowed(_)) => prop_assert!(!allowed.is_empty()),
                        _ => prop_assert_eq!(&found, &expected, "{} {} {}", method, host, path),
                    }
                    let chosen = explained(&table, host, path, method).into_iter().find(|(_, verdict)| *verdict == Verdict::Chosen);
                    prop_assert_eq!(chosen.map(|(index, _)| Answer::Route(index)), matches!(found, Answer::Route(_)).then_some(found));
                }
            }
        }
    }
}
