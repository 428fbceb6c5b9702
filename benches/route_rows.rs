//! What it costs to judge a request's target and host and to find its route among ten thousand.

use criterion::Criterion;
use http::Method;
use portcullis::route::{Authority, HostPattern, Methods, PathPattern, RoutePattern, RouteTable, Target, TargetRules, UriScheme};
use std::hint::black_box;

const ROUTES: usize = 10_000;

/// Adds the rows of the topic `route`.
pub(crate) fn rows(criterion: &mut Criterion) {
    judge_rows(criterion);
    match_rows(criterion);
}

fn judge_rows(criterion: &mut Criterion) {
    for (name, raw) in [
        ("route/judge target, normal form", &b"/tenants/4711/orders/2026/items?page=2&sort=date"[..]),
        ("route/judge target, other spelling", b"/tenants/4711/orders/%7Ebob/caf%c3%a9?page=2&sort=date"),
    ] {
        criterion.bench_function(name, |bench| bench.iter(|| Target::judge(black_box(raw), TargetRules::default()).unwrap()));
    }
    criterion.bench_function("route/judge authority", |bench| {
        bench.iter(|| Authority::judge(black_box(b"tenant-4711.example.test:443"), UriScheme::Https).unwrap());
    });
}

fn match_rows(criterion: &mut Criterion) {
    let by_path = table(|at| ("*".to_owned(), format!("/tenants/{at}/orders/")));
    let by_host = table(|at| (format!("tenant-{at}.example.test"), "/orders/".to_owned()));
    let deep = format!("/tenants/4711/orders{}", "/x".repeat(2_000));
    for (name, routes, host, path) in [
        ("route/match among 10,000 paths", &by_path, "a.test", "/tenants/4711/orders/2026/items"),
        ("route/match among 10,000 paths, none", &by_path, "a.test", "/tenants/4711/invoices/2026/items"),
        ("route/match among 10,000 paths, 2,000 segments", &by_path, "a.test", deep.as_str()),
        ("route/match among 10,000 hosts", &by_host, "tenant-4711.example.test", "/orders/2026/items"),
    ] {
        let authority = Authority::judge(host.as_bytes(), UriScheme::Https).unwrap();
        let target = Target::judge(path.as_bytes(), TargetRules::default()).unwrap();
        criterion.bench_function(name, |bench| bench.iter(|| routes.find(black_box(&authority), black_box(&target), &Method::GET)));
    }
}

fn table(place: impl Fn(usize) -> (String, String)) -> RouteTable<usize> {
    let routes = (0..ROUTES).map(|at| {
        let (host, path) = place(at);
        let pattern =
            RoutePattern { host: HostPattern::parse(&host).unwrap(), path: PathPattern::prefix(&path).unwrap(), methods: Methods::any() };
        (pattern, at)
    });
    RouteTable::build(routes.collect()).unwrap()
}
