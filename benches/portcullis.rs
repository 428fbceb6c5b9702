//! What the hot path costs, step by step.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up must stop")]

mod route_rows;
mod specimens;
mod store_rows;
mod wssec_rows;

use criterion::{BatchSize, Criterion};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use portcullis::route::{Authority, Found, HostPattern, Methods, PathPattern, RoutePattern, RouteTable, Target, TargetRules, UriScheme};
use portcullis::scheme::{Beside, Carries, Evidence, PeerTrust, Received, RequestHead, Scheme};
use portcullis::setting::ByteSize;
use portcullis::token::form;
use portcullis::token::swt::{SwtKey, Unconfirmed};
use specimens::admission::{HOST, connection, finish};
use specimens::wrap::{KEY, NOW, token, token_field, wrap};
use std::hint::black_box;

const RECEIVED: Received<'static> = Received { target: b"/bartender/", host: HOST.as_bytes() };

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    route_rows::rows(&mut criterion);
    store_rows::rows(&mut criterion);
    wssec_rows::rows(&mut criterion);
    extract(&mut criterion);
    verify(&mut criterion);
    admit(&mut criterion);
    criterion.final_summary();
}

fn extract(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("extract");
    let scheme = wrap(ByteSize::from_octets(0));
    let connection = connection();
    let mut escaped = String::from("wrap_access_token=");
    form::encode_into(&token(), &mut escaped);
    let (no_fields, token_field, form_field) = (HeaderMap::new(), token_field(), form_field());
    let rows: [(&str, &HeaderMap, &str, &[u8]); 4] = [
        ("wrap/none", &no_fields, "", b""),
        ("wrap/header", &token_field, "", b""),
        ("wrap/query", &no_fields, &escaped, b""),
        ("wrap/form", &form_field, "", escaped.as_bytes()),
    ];
    for (row, fields, query, content) in rows {
        let evidence = Evidence {
            head: head(fields, query),
            connection: &connection,
            peer: PeerTrust::Untrusted,
            content,
            carries: Carries::Nothing,
            beside: Beside::Refused,
            now: NOW,
        };
        group.bench_function(row, |bencher| bencher.iter(|| scheme.extract(black_box(&evidence)).unwrap().is_some()));
    }
}

fn verify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    let connection = connection();
    let fields = token_field();
    let evidence = Evidence {
        head: head(&fields, ""),
        connection: &connection,
        peer: PeerTrust::Untrusted,
        content: b"",
        carries: Carries::Nothing,
        beside: Beside::Refused,
        now: NOW,
    };
    for (row, cache) in [("wrap/cold", ByteSize::from_octets(0)), ("wrap/hot", ByteSize::from_mib(8))] {
        let scheme = wrap(cache);
        group.bench_function(row, |bencher| {
            bencher.iter_batched(
                || scheme.extract(&evidence).unwrap().unwrap(),
                |credential| finish(scheme.verify(black_box(&credential), &evidence)).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
    let (token, key) = (token(), SwtKey::from_octets(&KEY).unwrap());
    group.bench_function("swt/parse", |bencher| bencher.iter(|| Unconfirmed::parse(black_box(&token)).is_ok()));
    group.bench_function("swt/confirm", |bencher| {
        bencher.iter(|| Unconfirmed::parse(black_box(&token)).unwrap().confirmed_by([&key]).unwrap());
    });
}

/// The whole way of an admitted request, but for the framework: judge, find, extract, verify.
fn admit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("admit");
    let connection = connection();
    let fields = token_field();
    let pattern = RoutePattern { host: HostPattern::Any, path: PathPattern::prefix("/bartender/").unwrap(), methods: Methods::any() };
    let table = RouteTable::build(vec![(pattern, ())]).unwrap();
    for (row, cache) in [("wrap/cold", ByteSize::from_octets(0)), ("wrap/hot", ByteSize::from_mib(8))] {
        let scheme = wrap(cache);
        group.bench_function(row, |bencher| {
            bencher.iter(|| {
                let target = Target::judge(black_box(b"/bartender/menu?day=monday"), TargetRules::default()).unwrap();
                let authority = Authority::judge(black_box(b"bar.example:8080"), UriScheme::Http).unwrap();
                assert!(matches!(table.find(&authority, &target, &Method::GET), Found::Route(())));
                let head = RequestHead {
                    method: &Method::GET,
                    authority: authority.as_str(),
                    path: target.path(),
                    query: target.query(),
                    received: RECEIVED,
                    fields: &fields,
                };
                let evidence = Evidence {
                    head,
                    connection: &connection,
                    peer: PeerTrust::Untrusted,
                    content: b"",
                    carries: Carries::Nothing,
                    beside: Beside::Refused,
                    now: NOW,
                };
                let credential = scheme.extract(&evidence).unwrap().unwrap();
                finish(scheme.verify(&credential, &evidence)).unwrap().principal
            });
        });
    }
}

fn form_field() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))])
}

const fn head<'r>(fields: &'r HeaderMap, query: &'r str) -> RequestHead<'r> {
    RequestHead { method: &Method::POST, authority: HOST, path: "/bartender/", query, received: RECEIVED, fields }
}
