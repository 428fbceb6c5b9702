//! How gateways were broken by two readings of one path, host or method: each line must fail here.
//!
//! T-31 compares the host with the TLS connection and is shown where connections are known. A method
//! override (part of T-32) arrives in a field and is shown where fields are.

use super::*;
use http::Method;

fn judged(raw: &str) -> Result<Target<'_>, TargetProblem> {
    Target::judge(raw.as_bytes(), TargetRules::default())
}

fn host(raw: &str) -> Result<String, AuthorityProblem> {
    Authority::judge(raw.as_bytes(), UriScheme::Https).map(|authority| authority.as_str().to_owned())
}

#[track_caller]
fn refused(problem: TargetProblem, targets: &[&str]) {
    for raw in targets {
        assert_eq!(judged(raw), Err(problem), "{raw:?}");
    }
}

fn route(host: &str, path: PathPattern, methods: Methods) -> RoutePattern {
    RoutePattern { host: HostPattern::parse(host).unwrap(), path, methods }
}

fn prefix(text: &str) -> PathPattern {
    PathPattern::prefix(text).unwrap()
}

fn exact(text: &str) -> PathPattern {
    PathPattern::exact(text).unwrap()
}

/// `/public` is open, `/internal` and `/admin` are strict, everything else is nobody's.
fn table() -> RouteTable<&'static str> {
    RouteTable::build(vec![
        (route("*", prefix("/public"), Methods::any()), "open"),
        (route("*", prefix("/internal/"), Methods::any()), "strict"),
        (route("*", prefix("/admin"), Methods::any()), "strict"),
        (route("*", exact("/api/private"), Methods::any()), "strict"),
        (route("*", prefix("/api/open/status"), Methods::any()), "open"),
    ])
    .unwrap()
}

/// The route of a target that the judge admits.
fn found<T: Copy>(table: &RouteTable<T>, host: &str, raw: &str, method: &str) -> Result<T, &'static str> {
    let rules = TargetRules { path_parameters: PathParameters::Forward, ..TargetRules::default() };
    let authority = Authority::judge(host.as_bytes(), UriScheme::Https).map_err(AuthorityProblem::reason)?;
    let target = Target::judge(raw.as_bytes(), rules).map_err(TargetProblem::reason)?;
    match table.find(&authority, &target, &Method::from_bytes(method.as_bytes()).unwrap()) {
        Found::Route(route) => Ok(*route),
        Found::MethodNotAllowed(_) => Err("method"),
        Found::NoRoute => Err("none"),
    }
}

#[test]
fn t_20_dot_segments() {
    refused(
        TargetProblem::DotSegment,
        &["/public/../admin", "/..", "/.", "/./admin", "/a/.", "/a/..", "/a/./b", "/../../etc/passwd", "/a/..?x"],
    );
    for fine in ["/...", "/.well-known/x", "/a/.b", "/a/b.", "/a/..b", "/a..", "/a?x=/../b"] {
        assert!(judged(fine).is_ok(), "{fine}");
    }
}

#[test]
fn t_21_encoded_dots() {
    refused(
        TargetProblem::DotSegment,
        &["/public/%2e%2e/admin", "/public/.%2e/admin", "/public/%2E./admin", "/%2e/admin", "/a/%2e%2E", "/a/%2e", "/a/%2e?x"],
    );
}

#[test]
fn t_21_encoded_slash() {
    refused(TargetProblem::EncodedSlash, &["/public%2fadmin", "/public/..%2fadmin", "/%2F", "/public%2F..%2Fadmin"]);
}

#[test]
fn t_21_backslash() {
    refused(TargetProblem::EncodedBackslash, &["/public%5cadmin", "/public/..%5C../admin"]);
    refused(TargetProblem::Backslash, &["/public\\admin", "/public/..\\admin", "/\\"]);
}

#[test]
fn t_21_double_encoding() {
    refused(
        TargetProblem::DoubleEncoding,
        &["/public%252fadmin", "/%252e%252e/admin", "/%255c", "/%2500", "/%25%32%66admin", "/%252%66", "/%25252f"],
    );
}

#[test]
fn t_22_duplicate_slashes() {
    refused(TargetProblem::EmptySegment, &["//internal/", "/a//b", "/a//", "//", "///", "//a.test/x"]);
    assert!(judged("/a?x=//b").is_ok());
}

#[test]
fn t_23_fragment() {
    refused(TargetProblem::Fragment, &["/foo/secret#/bar", "/#", "/foo?x#/bar", "/foo#?x"]);
}

#[test]
fn t_24_query_is_no_part_of_the_match() {
    let table = table();
    assert_eq!(found(&table, "a.test", "/api/private?x=/api/open/status", "GET"), Ok("strict"));
    assert_eq!(found(&table, "a.test", "/api/private?", "GET"), Ok("strict"));
    assert_eq!(found(&table, "a.test", "/api?/open/status", "GET"), Err("none"));
    assert_eq!(found(&table, "a.test", "/api/private%3Fx", "GET"), Err("none"), "an encoded `?` belongs to the path");
}

#[test]
fn t_25_targets_that_are_not_paths() {
    refused(TargetProblem::AsteriskForm, &["*"]);
    refused(TargetProblem::NotOriginForm, &["http:http://internal/admin", "admin", "?x", "\\admin", " /admin", "%2fadmin"]);
    refused(TargetProblem::AbsoluteForm, &["http://other/x"]);
    refused(TargetProblem::AuthorityForm, &["internal:443"]);
    refused(TargetProblem::Empty, &[""]);
    let RequestForm::Absolute(uri) = RequestForm::of(b"http://user@other/x").unwrap() else { panic!() };
    assert_eq!(Authority::judge(uri.authority, uri.scheme), Err(AuthorityProblem::Userinfo));
}

#[test]
fn t_26_rewrite_is_judged_again() {
    let rules = TargetRules::default();
    let strip = Rewrite::strip_prefix(&prefix("/api")).unwrap();
    for raw in ["/api/./admin", "/api/../admin", "/api//admin", "/api%2e/../admin", "/api/%2e%2e/admin", "/api/%2e/admin"] {
        assert!(judged(raw).is_err(), "{raw}");
    }
    for (raw, path) in [("/api/admin", "/admin"), ("/api", "/"), ("/api/", "/"), ("/api/...", "/...")] {
        let target = judged(raw).unwrap();
        assert_eq!(strip.apply(&target, rules).unwrap().path(), path, "{raw}");
    }
    let lenient = TargetRules { path_parameters: PathParameters::Forward, ..rules };
    let target = Target::judge(b"/api/admin;x", lenient).unwrap();
    assert_eq!(strip.apply(&target, rules), Err(TargetProblem::PathParameter), "the outcome is judged by itself");
    let table = RouteTable::build(vec![(route("*", prefix("/api"), Methods::any()), ())]).unwrap();
    assert_eq!(found(&table, "a.test", "/api%2e/admin/secret", "GET"), Err("none"), "`/api.` is not below `/api`");
}

#[test]
fn t_27_case_and_spelling_of_hosts() {
    let table = RouteTable::build(vec![
        (route("*", prefix("/"), Methods::any()), "open"),
        (route("a.test", prefix("/"), Methods::any()), "strict"),
        (route("*.a.test", prefix("/"), Methods::any()), "strict"),
    ])
    .unwrap();
    for spelling in ["a.test", "A.TEST", "a.Test.", "a.test:443", "A.TEST.:443", "a.test:8443", "b.A.test", "c.b.a.test."] {
        assert_eq!(found(&table, spelling, "/", "GET"), Ok("strict"), "{spelling}");
    }
    for wrong in ["x@a.test", "a.test@b", "a.test..", "a%2etest", "a.test:x", "a.test,b.test", "a.test b.test", ""] {
        assert!(host(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn t_27_case_of_hosts_in_large_tables() {
    let routes = (0..1_000).map(|at| (route(&format!("h{at}.test"), prefix("/"), Methods::any()), at)).collect();
    let table = RouteTable::build(routes).unwrap();
    assert_eq!(found(&table, "H777.TEST", "/", "GET"), Ok(777));
}

#[test]
fn t_27_case_of_paths() {
    let table = table();
    for other in ["/Admin", "/%41dmin", "/ADMIN/x%20y"] {
        assert_eq!(found(&table, "a.test", other, "GET"), Err("none"), "{other}");
    }
    assert_eq!(found(&table, "a.test", "/%61dm%69n/x%20y", "GET"), Ok("strict"));
}

#[test]
fn t_28_trailing_slash() {
    let table = table();
    for spelling in ["/admin", "/admin/", "/internal", "/internal/"] {
        assert_eq!(found(&table, "a.test", spelling, "GET"), Ok("strict"), "{spelling}");
    }
    assert_eq!(found(&table, "a.test", "/api/private/", "GET"), Err("none"), "an exact path is that path only");
}

#[test]
fn t_28_path_parameters() {
    refused(TargetProblem::PathParameter, &["/admin;x=1", "/admin%3bx=1", "/public;/admin", "/a;/b", "/a;"]);
    let table = table();
    for spelling in ["/admin;x=1", "/admin;x=1/y", "/admin%3Bx", "/admin;/y"] {
        assert_eq!(found(&table, "a.test", spelling, "GET"), Ok("strict"), "{spelling}");
    }
    for hidden in ["/public/..;/admin", "/public/..;x=1/admin", "/public/%2e%2e;/admin", "/;/admin", "/public/.;/admin"] {
        assert!(matches!(found(&table, "a.test", hidden, "GET"), Err("path_dot_segment" | "path_empty_segment")), "{hidden}");
    }
}

#[test]
fn t_28_control_characters() {
    refused(
        TargetProblem::ControlCharacter,
        &["/admin%00", "/admin%00.jpg", "/a%0d%0aX:y", "/a%7f", "/a\0", "/a\tb", "/a\r\n", "/a\x7f", "/a%1F", "/a%C2%80", "/a?b\nc"],
    );
}

#[test]
fn t_28_octets_that_are_not_utf8() {
    refused(
        TargetProblem::InvalidUtf8,
        &["/%c0%ae%c0%ae/admin", "/%c0%af", "/%e0%80%af", "/%f0%80%80%af", "/%ff", "/a%C3", "/a%C3x", "/%ED%A0%80"],
    );
    refused(TargetProblem::NonAscii, &["/é", "/a?é"]);
    assert_eq!(Target::judge(b"/\xc0\xaf", TargetRules::default()), Err(TargetProblem::NonAscii));
}

#[test]
fn t_28_escapes_that_origin_servers_fold() {
    let table = RouteTable::build(vec![
        (route("*", prefix("/"), Methods::any()), "open"),
        (route("*", exact("/@admin"), Methods::any()), "strict"),
        (route("*", prefix("/a%3Ab"), Methods::any()), "strict"),
    ])
    .unwrap();
    for spelling in ["/@admin", "/%40admin", "/%40%61dmin", "/a:b", "/a%3ab/c"] {
        assert_eq!(found(&table, "a.test", spelling, "GET"), Ok("strict"), "{spelling}");
    }
}

#[test]
fn t_29_malformed_targets_have_no_route() {
    refused(TargetProblem::MalformedEscape, &["/%", "/%2", "/%zz", "/admin%", "/%%32e", "/%u002e"]);
    let table = RouteTable::build(vec![(route("*", prefix("/"), Methods::any()), ())]).unwrap();
    assert_eq!(found(&table, "a.test", "/%zz", "GET"), Err("path_malformed_escape"), "nothing is found for what was not judged");
}

#[test]
fn t_30_prefixes_and_suffixes_end_at_boundaries() {
    let table = RouteTable::build(vec![
        (route("example.test", prefix("/pki/ca/prod"), Methods::any()), ()),
        (route("*.example.test", prefix("/"), Methods::any()), ()),
    ])
    .unwrap();
    assert_eq!(found(&table, "example.test", "/pki/ca/prod/x", "GET"), Ok(()));
    for other in ["/pki/ca/prod2", "/pki/ca/prod.", "/pki/ca/prod%20", "/pki/ca/pro", "/pki/ca"] {
        assert_eq!(found(&table, "example.test", other, "GET"), Err("none"), "{other}");
    }
    for other in ["evil-example.test", "example.test.evil", "test", "xexample.test"] {
        assert_eq!(found(&table, other, "/", "GET"), Err("none"), "{other}");
    }
}

#[test]
fn t_32_methods() {
    let get = Methods::listed(vec![Method::GET]).unwrap();
    let delete = Methods::listed(vec![Method::DELETE]).unwrap();
    let table = RouteTable::build(vec![
        (route("*", prefix("/"), Methods::any()), "open"),
        (route("*", prefix("/read"), get), "strict"),
        (route("*", prefix("/items"), Methods::any()), "open"),
        (route("*", prefix("/items"), delete), "strict"),
    ])
    .unwrap();
    assert_eq!(found(&table, "a.test", "/items", "DELETE"), Ok("strict"));
    for method in ["HEAD", "get", "Get", "POST", "CONNECT"] {
        assert_eq!(found(&table, "a.test", "/read/x", method), Err("method"), "{method} does not fall through to `/`");
    }
    for method in ["delete", "Delete", "CONNECT", "TRACE", "connect"] {
        assert_eq!(found(&table, "a.test", "/items", method), Err("method"), "{method}");
    }
}

#[test]
fn t_33_a_rewritten_path_keeps_its_route() {
    let table = table();
    let raw = "/public/admin";
    assert_eq!(found(&table, "a.test", raw, "GET"), Ok("open"));
    let target = judged(raw).unwrap();
    let strip = Rewrite::strip_prefix(&prefix("/public")).unwrap();
    let rewritten: Rewritten<'_> = strip.apply(&target, TargetRules::default()).unwrap();
    assert_eq!(rewritten.path(), "/admin", "what is forwarded; the type has no way back into a table");
    assert_eq!(target.path(), raw, "what is routed stays what was judged");
}
