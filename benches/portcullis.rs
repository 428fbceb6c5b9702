//! What the hot path costs, step by step.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up must stop")]

mod route_rows;
mod store_rows;

use criterion::{BatchSize, Criterion};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use portcullis::clock::UnixTime;
use portcullis::crypto::SystemRandom;
use portcullis::route::{Authority, Found, HostPattern, Methods, PathPattern, RoutePattern, RouteTable, Target, TargetRules, UriScheme};
use portcullis::scheme::wrap::{Accept, AudienceMatch, ForwardToken, IssuerConfig, Wrap, WrapConfig};
use portcullis::scheme::{Carries, Connection, Evidence, Received, RequestHead, Resources, Scheme, TransportSecurity};
use portcullis::setting::{ByteSize, Files, Located, Period, Position};
use portcullis::store::{StoreSizes, Stores};
use portcullis::token::form;
use portcullis::token::swt::{Statement, SwtKey, Unconfirmed, issue};
use std::collections::BTreeMap;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const NOW: UnixTime = UnixTime::from_seconds(1_269_265_004);
const RECEIVED: Received<'static> = Received { target: b"/bartender/", host: b"localhost:8080" };
const KEY: [u8; 32] = [7; 32];
const KEY_TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const ISSUER: &str = "https://nightclub.example/";
const AUDIENCE: &str = "http://localhost:8080/bartender";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    route_rows::rows(&mut criterion);
    store_rows::rows(&mut criterion);
    extract(&mut criterion);
    verify(&mut criterion);
    admit(&mut criterion);
    criterion.final_summary();
}

fn extract(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("extract");
    let scheme = wrap(ByteSize::from_octets(0));
    let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security: TransportSecurity::Clear };
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
        let evidence = Evidence { head: head(fields, query), connection: &connection, content, carries: Carries::Nothing, now: NOW };
        group.bench_function(row, |bencher| bencher.iter(|| scheme.extract(black_box(&evidence)).unwrap().is_some()));
    }
}

fn verify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security: TransportSecurity::Clear };
    let fields = token_field();
    let evidence = Evidence { head: head(&fields, ""), connection: &connection, content: b"", carries: Carries::Nothing, now: NOW };
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
    let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security: TransportSecurity::Clear };
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
                let evidence = Evidence { head, connection: &connection, content: b"", carries: Carries::Nothing, now: NOW };
                let credential = scheme.extract(&evidence).unwrap().unwrap();
                finish(scheme.verify(&credential, &evidence)).unwrap().principal
            });
        });
    }
}

fn wrap(verdict_cache: ByteSize) -> Wrap {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), KEY_TEXT).unwrap();
    let issuer = IssuerConfig {
        name: located(ISSUER.into()),
        key: None,
        key_file: Some(located("key".into())),
        previous_key: None,
        previous_key_file: None,
    };
    let config = WrapConfig {
        issuers: located(vec![issuer]),
        audience: Some(located(AUDIENCE.into())),
        audiences: None,
        audience_match: AudienceMatch::Exact,
        accept: located(vec![Accept::Header, Accept::Query, Accept::Form]),
        claims: BTreeMap::from([("Birthdate".into(), located(serde_json::from_str(r#"{"age_at_least":21}"#).unwrap()))]),
        leeway: located(Period::from_secs(0)),
        subject_claim: "Name".into(),
        forward_token: ForwardToken::Strip,
        max_token_size: located(ByteSize::from_kib(8)),
        max_form_size: located(ByteSize::from_kib(64)),
        verdict_cache,
    };
    let files = Files::below(folder.path());
    let random = Arc::new(SystemRandom::new());
    let stores = Arc::new(Stores::new(StoreSizes { replay_marks: 1, revocations: 1 }, UnixTime::from_seconds(0), &*random).unwrap());
    Wrap::build(located(config), &Resources { name: &Arc::from("bench"), files: &files, stores: &stores, random: &random }).ok().unwrap()
}

fn token() -> String {
    let claims = [("Birthdate", "1979-05-25T00:00:00"), ("Role", "patron"), ("Name", "Jane Doe")];
    let statement = Statement { claims: &claims, issuer: ISSUER, audience: Some(AUDIENCE), expires: Some(NOW.later(3600)) };
    issue(&statement, &SwtKey::from_octets(&KEY).unwrap()).unwrap().to_string()
}

fn token_field() -> HeaderMap {
    let value = HeaderValue::try_from(format!("WRAP access_token=\"{}\"", token())).unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

fn form_field() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))])
}

const fn head<'r>(fields: &'r HeaderMap, query: &'r str) -> RequestHead<'r> {
    RequestHead { method: &Method::POST, authority: "localhost:8080", path: "/bartender/", query, received: RECEIVED, fields }
}

const fn located<T>(value: T) -> Located<T> {
    Located::new(value, Position::new(1, 1))
}

/// Runs a future that waits for nothing.
fn finish<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => std::process::abort(),
    }
}
