//! Disagreement about path, host and route, T-20 to T-33.
//!
//! Not here: the HTTP/3 case of T-31, because the gateway speaks no HTTP/3. Its client-certificate policies stand
//! with the other attacks on certificates.

use super::{Scene, folded};
use crate::support::certificates::Authority;
use crate::support::frames::{END_STREAM, FrameClient, Outcome};
use crate::support::gateway::{BAR, Config};
use crate::support::http2::Http2Client;
use crate::support::message::text;
use crate::support::{RawClient, Reply, Token, Upstream};

/// A public route beside a protected one.
const ROUTES: &str = r#"
schemes:
  bartender: { wrap: { issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }], audience: "{audience}" } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { name: admin, match: { path: /admin/ }, authenticate: bartender, upstream: bar }
  - { name: public, match: { path: /public/ }, public: true, upstream: bar }
"#;

async fn routes() -> Scene {
    Scene::with(Config::new(ROUTES)).await
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Each target is answered 400 for its reason, over HTTP/1.1, and refused over HTTP/2, too; the backend hears nothing.
async fn have_no_form(targets: &[(&str, &str)]) {
    let scene = routes().await;
    for (target, reason) in targets {
        scene.refuses_once(get(target), 400, reason).await;
        let mut frames = FrameClient::connect(scene.gateway.address()).await;
        frames.request(1, &[(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", target)], END_STREAM).await;
        let outcome = frames.outcome(1).await;
        assert!(outcome.is_refusal() && outcome != Outcome::Answered(401), "{target} over HTTP/2: {outcome:?}");
        scene.upstream.assert_untouched();
    }
    let refused = scene.gateway.metric(&format!("portcullis_heads_refused_total{{reason=\"{}\"}}", targets[0].1)).await;
    assert!(refused >= 1.0, "{} is not counted", targets[0].1);
}

#[tokio::test]
async fn t_20_dot_segments() {
    have_no_form(&[
        ("/public/../admin/x", "path_dot_segment"),
        ("/public/./x", "path_dot_segment"),
        ("/public/..", "path_dot_segment"),
        ("/public/.", "path_dot_segment"),
        ("/../admin", "path_dot_segment"),
        ("/public/../admin/x?y", "path_dot_segment"),
    ])
    .await;
}

#[tokio::test]
async fn t_21_encoded_dots_and_slashes() {
    have_no_form(&[
        ("/public/%2e%2e/admin/x", "path_dot_segment"),
        ("/public/.%2E/admin/x", "path_dot_segment"),
        ("/public/%2e./admin/x", "path_dot_segment"),
        ("/public%2f..%2fadmin", "path_encoded_slash"),
        ("/public/..%2Fadmin", "path_encoded_slash"),
        ("/public/x%2Fy", "path_encoded_slash"),
        ("/public/..%5cadmin", "path_encoded_backslash"),
        ("/public/..\\admin", "path_backslash"),
        ("\\admin\\x", "target_not_origin_form"),
        ("/public/%252e%252e/admin", "path_double_encoding"),
        ("/public/%252fadmin", "path_double_encoding"),
        ("/public/%25%32%65", "path_double_encoding"),
    ])
    .await;
}

#[tokio::test]
async fn t_22_duplicate_slashes() {
    have_no_form(&[
        ("//admin/x", "path_empty_segment"),
        ("/public//admin", "path_empty_segment"),
        ("///", "path_empty_segment"),
        ("//localhost/admin", "path_empty_segment"),
    ])
    .await;
}

#[tokio::test]
async fn t_23_fragment() {
    let scene = routes().await;
    for target in ["/admin/secret#/public/x", "/public/x#", "/public/x#/../admin", "/public/x?y#z", "/#/admin"] {
        scene.refuses_once(get(target), 400, "target_fragment").await;
    }
    scene.refuses_once(get("#/public/x"), 400, "target_not_origin_form").await;
    scene.refuses(get("/public/%23x").replace("public", "admin"), 401, "credential_missing").await;
}

#[tokio::test]
async fn t_23_fragment_over_http2() {
    let scene = routes().await;
    for target in ["/public/x#/admin", "/public/x?y#z"] {
        let mut frames = FrameClient::connect(scene.gateway.address()).await;
        frames.request(1, &[(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", target)], END_STREAM).await;
        let outcome = frames.outcome(1).await;
        // The library below cuts a fragment off before anybody sees it: what is judged is then what is forwarded.
        if outcome == Outcome::Answered(200) {
            let request = scene.upstream.requests().pop().unwrap();
            assert_eq!(format!("/{}", request.target().trim_start_matches('/')), target.split('#').next().unwrap());
        } else {
            assert!(outcome.is_refusal(), "{target}: {outcome:?}");
        }
        assert!(!scene.upstream.heard_text().contains('#'));
    }
    let mut frames = FrameClient::connect(scene.gateway.address()).await;
    let target = "/admin/x#/public/x";
    frames.request(1, &[(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", target)], END_STREAM).await;
    assert!(frames.outcome(1).await.is_refusal());
    assert!(!scene.upstream.heard_text().contains("admin"));
}

#[tokio::test]
async fn t_24_query_in_the_match() {
    let exact = ROUTES.replace("match: { path: /public/ }", "match: { path_exact: /admin/status }");
    let scene = Scene::with(Config::new(&exact)).await;
    for target in
        ["/admin/private?x=/status", "/admin/private?/admin/status", "/admin/x?/../status", "/admin?status", "/admin/?/admin/status"]
    {
        scene.refuses(get(target), 401, "credential_missing").await;
    }
    let answer = scene.fetch("/admin/status?a=/../b&c=%2e%2e", "").await;
    assert_eq!((answer.status(), scene.upstream.request().target()), (200, "/admin/status?a=/../b&c=%2e%2e"));
}

#[tokio::test]
async fn t_25_opaque_and_absolute_targets() {
    let scene = routes().await;
    for (target, reason) in [
        ("admin", "target_not_origin_form"),
        ("admin/x", "target_not_origin_form"),
        ("*", "target_asterisk_form"),
        ("localhost:80", "target_authority_form"),
        ("?/public/x", "target_not_origin_form"),
        ("http:/public/x", "target_absolute_form"),
        ("http:http://localhost/admin/x", "target_absolute_form"),
        ("ftp://localhost/public/x", "target_not_origin_form"),
        ("http://evil.example/public/x", "foreign_absolute_form"),
        ("https://localhost/public/x", "foreign_absolute_form"),
        ("http://localhost:8080/public/x", "foreign_absolute_form"),
    ] {
        scene.refuses_any_reason(get(target), 400, reason).await;
    }
    for (target, host, forwarded) in
        [("http://localhost/public/x?y", "localhost", "/public/x?y"), ("HTTP://LOCALHOST:80/public/x", "LOCALHOST:80", "/public/x")]
    {
        let answer = scene.ask(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(answer.status(), 200, "{target}");
        let request = scene.upstream.requests().pop().unwrap();
        assert_eq!((request.target(), request.field("host")), (forwarded, Some("localhost")), "{target}");
    }
    assert_eq!(scene.fetch("http://localhost/admin/x", "").await.status(), 401);
}

#[tokio::test]
async fn t_26_rewrite_after_judging() {
    let config = r#"
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { name: api, match: { path: /api/ }, public: true, upstream: bar, rewrite: strip_prefix }
  - { name: old, match: { path: /old/ }, public: true, upstream: bar, rewrite: { replace_prefix: /new } }
"#;
    let scene = Scene::with(Config::new(config)).await;
    for target in [
        "/api/%2e/admin",
        "/api/../admin",
        "/api/%2e%2e/admin",
        "/api//admin",
        "/api/.",
        "/api%2e/admin",
        "/old/../x",
        "/old//x",
        "/api%2f%2fadmin",
    ] {
        let answer = scene.fetch(target, "").await;
        assert!([400, 404].contains(&answer.status()), "{target}: {}", answer.start);
    }
    scene.upstream.assert_untouched();
    for (target, forwarded) in [
        ("/api/x", "/x"),
        ("/api", "/"),
        ("/api/", "/"),
        ("/api/%61dmin?q=%2e", "/admin?q=%2e"),
        ("/old/x%20y", "/new/x%20y"),
        ("/old", "/new"),
    ] {
        assert_eq!(scene.fetch(target, "").await.status(), 200, "{target}");
        assert_eq!(scene.upstream.requests().pop().unwrap().target(), forwarded, "{target}");
    }
}

#[tokio::test]
async fn t_26_what_was_judged_is_what_is_forwarded() {
    let scene = routes().await;
    for (target, forwarded) in [
        ("/public/%41%7a%2D%5f%7E", "/public/Az-_~"),
        ("/%70ublic/x", "/public/x"),
        ("/public/caf%c3%a9", "/public/caf%C3%A9"),
        ("/public/x?", "/public/x"),
        ("/public/x?a=%2e%2E&b", "/public/x?a=%2e%2E&b"),
        ("/public/a,b=c;d".trim_end_matches(";d"), "/public/a,b=c"),
    ] {
        assert_eq!(scene.fetch(target, "").await.status(), 200, "{target}");
        assert_eq!(scene.upstream.requests().pop().unwrap().target(), forwarded, "{target}");
    }
    // The same path in another spelling is the same route.
    scene.gateway.access_line(|line| line["path"] == "/public/x").await;
    let answer = scene.fetch("/%61%64min/x", "").await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn t_27_letter_case() {
    let config = r#"
schemes:
  bartender: { wrap: { issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }], audience: "{audience}" } }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { name: a, match: { host: a.test, path: / }, authenticate: bartender, upstream: bar }
  - { name: admin, match: { path: /admin/ }, authenticate: bartender, upstream: bar }
  - { name: public, match: { path: /public/ }, public: true, upstream: bar }
"#;
    let scene = Scene::with(Config::new(config)).await;
    // A path is another path in another case: it has no route, and never the other's.
    for target in ["/ADMIN/x", "/Admin/x", "/%41dmin/x", "/PUBLIC/x", "/publiC/x"] {
        scene.refuses(get(target), 404, "no_route").await;
    }
    // A host is the same host in each spelling.
    for host in ["a.test", "A.TEST", "A.test", "a.test.", "a.test:80", "A.Test.:80"] {
        scene.refuses(format!("GET /public/x HTTP/1.1\r\nHost: {host}\r\n\r\n"), 401, "credential_missing").await;
    }
    for host in [
        "user@a.test",
        "a.test@evil.example",
        "a.test:80@b",
        "a%2etest",
        "a..test",
        ".a.test",
        "a.test:0080",
        "a.test:99999",
        "a.test:",
        "a test",
        "a.test/x",
        "a.test,b.test",
        "[a.test]",
        "",
    ] {
        scene.refuses_any_reason(format!("GET /public/x HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400, "").await;
    }
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    for host in ["A.TEST", "a.test.", "a.test:80"] {
        assert_eq!(client.fetch(&format!("http://{host}/public/x"), &[]).await.unwrap().status, 401, "{host}");
    }
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_27_many_hosts_are_still_one_comparison() {
    let mut config = String::from("upstreams:\n  bar: { servers: [\"{upstream}\"] }\nroutes:\n");
    for number in 0..150 {
        config.push_str(&format!("  - {{ match: {{ host: h{number}.test, path: / }}, public: true, upstream: bar }}\n"));
    }
    let scene = Scene::with(Config::new(&config)).await;
    for host in ["h0.test", "H149.TEST", "h77.Test."] {
        assert_eq!(scene.ask(format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")).await.status(), 200, "{host}");
    }
    assert_eq!(scene.ask("GET /x HTTP/1.1\r\nHost: h150.test\r\n\r\n").await.status(), 404);
}

#[tokio::test]
async fn t_28_odd_octets_in_paths() {
    have_no_form(&[
        ("/public/x%00", "target_control_character"),
        ("/public/%00.html", "target_control_character"),
        ("/public/%0d%0aX:1", "target_control_character"),
        ("/public/%7f", "target_control_character"),
        ("/public/;x=1", "path_empty_segment"),
        ("/public/a;x=1/b", "path_parameter"),
        ("/public/..;/admin", "path_dot_segment"),
        ("/public/a%3bx", "path_parameter"),
        ("/public/%c0%ae%c0%ae/admin", "path_invalid_utf8"),
        ("/public/%c0%afadmin", "path_invalid_utf8"),
        ("/public/%ff", "path_invalid_utf8"),
        ("/public/%ed%a0%80", "path_invalid_utf8"),
        ("/public/%", "path_malformed_escape"),
        ("/public/%4", "path_malformed_escape"),
        ("/public/%zz", "path_malformed_escape"),
        ("/public/%u002e", "path_malformed_escape"),
        ("/public/<x>", ""),
        ("/public/\"x", ""),
        ("/public/{x}", "target_forbidden_octet"),
    ])
    .await;
}

#[tokio::test]
async fn t_28_octets_that_are_no_text() {
    let scene = routes().await;
    for path in
        [&b"/public/\xff"[..], b"/public/\xc3\xa9", b"/public/\xc0\xaf", b"/public/\x01", b"/public/\x7f", b"/public/x\ty", b"/public/\0"]
    {
        let octets = [b"GET ", path, b" HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat();
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(&octets).await;
        let answers = client.all_answers().await;
        assert_eq!(answers.iter().map(|answer| answer.status()).collect::<Vec<_>>(), [400], "{}", text(path));
        scene.upstream.assert_untouched();
    }
}

#[tokio::test]
async fn t_28_spaces_in_the_request_line() {
    let scene = routes().await;
    for line in [
        "GET /public/x HTTP/1.1 HTTP/1.1",
        "GET /public/x /admin/x HTTP/1.1",
        "GET  /public/x HTTP/1.1",
        "GET\t/public/x HTTP/1.1",
        " GET /public/x HTTP/1.1",
        "GET /public/x HTTP/1.1 ",
        "GET /public/x?a=b c HTTP/1.1",
        "GET /public/x",
        "GET /public/x HTTP/0.9",
        "GET /public/x HTTP/2.0",
        "GET /public/x http/1.1",
    ] {
        scene.refuses_once(format!("{line}\r\nHost: localhost\r\n\r\n"), 400, "").await;
    }
    // Pingora encodes a single space before anybody else sees it. What is judged is what it made, and that goes on.
    scene.refuses(get("/admin/a b"), 401, "credential_missing").await;
    scene.refuses_once(get("/public/.. /../admin"), 400, "").await;
    assert_eq!(scene.fetch("/public/a b", "").await.status(), 200);
    assert_eq!(scene.upstream.request().target(), "/public/a%20b");
}

#[tokio::test]
async fn t_28_trailing_slash() {
    let scene = routes().await;
    for target in ["/admin", "/admin/", "/admin/x/", "/admin?x", "/admin/?x"] {
        scene.refuses(get(target), 401, "credential_missing").await;
    }
    let parameters = Scene::with(Config::new(&format!("{ROUTES}path_parameters: forward\n"))).await;
    for target in ["/admin;x=1", "/admin;x=1/y", "/admin/;", "/admin/x;y=1", "/admin;/public/x", "/admin%3bx/y"] {
        let status = parameters.fetch(target, "").await.status();
        assert!([400, 401].contains(&status), "{target}: {status}");
    }
    parameters.upstream.assert_untouched();
    assert_eq!(parameters.fetch("/public/a;b=1/c", "").await.status(), 200);
    assert_eq!(parameters.upstream.request().target(), "/public/a;b=1/c");
}

#[tokio::test]
async fn t_29_malformed_target_never_opens() {
    let scene = routes().await;
    let token = Token::of("alice").authorization();
    for target in [
        "/admin/%",
        "/admin/%gg",
        "/admin/[::1",
        "http://[::1/admin/x",
        "http://%/admin",
        "//",
        "/admin/\\",
        "http://",
        "http:///admin/x",
        "http://localhost:x/admin",
    ] {
        for lines in ["", token.as_str()] {
            let answer = scene.fetch(target, lines).await;
            assert_eq!(answer.status(), 400, "{target}");
        }
    }
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_30_prefix_without_boundary() {
    let config = r#"
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { name: prod, match: { path: /pki/ca/prod }, public: true, upstream: bar }
  - { name: one, match: { path_exact: /one }, public: true, upstream: bar }
  - { name: below, match: { host: "*.example.com", path: /below/ }, public: true, upstream: bar }
  - { name: host, match: { host: example.com, path: /host/ }, public: true, upstream: bar }
"#;
    let scene = Scene::with(Config::new(config)).await;
    for target in
        ["/pki/ca/prod2", "/pki/ca/prod2/x", "/pki/ca/prod-x", "/pki/ca/prod%32", "/pki/ca/pro", "/one/", "/one/x", "/onex", "/one2"]
    {
        scene.refuses(get(target), 404, "no_route").await;
    }
    for (host, path) in [
        ("evil-example.com", "/below/x"),
        ("evilexample.com", "/below/x"),
        ("example.com", "/below/x"),
        ("a.example.com.evil", "/below/x"),
        ("example.com.evil", "/host/x"),
        ("a.example.com", "/host/x"),
        ("evil-example.com", "/host/x"),
    ] {
        scene.refuses(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404, "no_route").await;
    }
    for target in ["/pki/ca/prod", "/pki/ca/prod/", "/pki/ca/prod/x", "/one", "/one?x"] {
        assert_eq!(scene.fetch(target, "").await.status(), 200, "{target}");
    }
    for host in ["a.example.com", "a.b.EXAMPLE.com"] {
        assert_eq!(scene.ask(format!("GET /below/x HTTP/1.1\r\nHost: {host}\r\n\r\n")).await.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn t_31_repeated_or_disagreeing_hosts() {
    let scene = routes().await;
    for lines in
        ["Host: localhost\r\nHost: localhost\r\n", "Host: localhost\r\nHost: evil.example\r\n", "Host: localhost\r\nhost: evil.example\r\n"]
    {
        scene.refuses_any_reason(format!("GET /public/x HTTP/1.1\r\n{lines}\r\n"), 400, "host_repeated").await;
    }
    let list = "GET /public/x HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n";
    scene.refuses_any_reason(list, 400, "authority_forbidden_octet").await;
    scene.refuses_any_reason("GET /public/x HTTP/1.1\r\n\r\n", 400, "").await;
    let get = [(":method", "GET"), (":scheme", "http"), (":path", "/public/x")];
    for more in [
        &[(":authority", "localhost"), ("host", "evil.example")][..],
        &[(":authority", "localhost"), ("host", "localhost"), ("host", "evil.example")],
        &[(":authority", "localhost"), (":authority", "evil.example")],
        &[(":authority", "user@localhost")],
        &[(":authority", "")],
        &[],
    ] {
        let mut frames = FrameClient::connect(scene.gateway.address()).await;
        frames.request(1, &[&get[..], more].concat(), END_STREAM).await;
        let outcome = frames.outcome(1).await;
        assert!(outcome.is_refusal(), "{more:?}: {outcome:?}");
        scene.upstream.assert_untouched();
    }
}

#[tokio::test]
async fn t_31_certificate_of_another_host() {
    let authority = Authority::new();
    let (open, open_key) = authority.certify(&["open.test"]);
    let (vault, vault_key) = authority.certify(&["vault.test", "*.vault.test"]);
    let config = r#"
listeners:
  - address: "127.0.0.1:{port}"
    tls:
      certificates:
        - { certificate: "{keys}/open.pem", key: "{keys}/open.key" }
        - { certificate: "{keys}/vault.pem", key: "{keys}/vault.key" }
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - { match: { path: / }, public: true, upstream: bar }
"#;
    let config = Config::new(config).file("open.pem", &open).file("open.key", &open_key);
    let scene = Scene::with(config.file("vault.pem", &vault).file("vault.key", &vault_key)).await;
    for (name, host) in
        [("open.test", "vault.test"), ("vault.test", "open.test"), ("open.test", "a.vault.test"), ("open.test", "VAULT.test.:443")]
    {
        let mut client = RawClient::tls(scene.gateway.address(), name, &authority).await;
        client.send(format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status(), 421, "{name} then {host}");
        let mut client = Http2Client::tls(scene.gateway.address(), name, &authority).await;
        let uri = format!("https://{}/x", host.trim_end_matches(":443").trim_end_matches('.'));
        assert_eq!(client.fetch(&uri, &[]).await.unwrap().status, 421, "{name} then {host} over HTTP/2");
    }
    scene.upstream.assert_untouched();
    scene.gateway.denial("misdirected").await;
    for (name, host) in [("open.test", "open.test"), ("vault.test", "a.vault.test"), ("a.vault.test", "VAULT.TEST")] {
        let mut client = RawClient::tls(scene.gateway.address(), name, &authority).await;
        client.send(format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status(), 200, "{name} then {host}");
        assert_eq!(scene.upstream.requests().pop().unwrap().field("x-forwarded-proto"), Some("https"));
    }
}

#[tokio::test]
async fn t_32_methods() {
    let config = ROUTES.replace("match: { path: /public/ }", "match: { path: /public/, methods: [GET, POST] }");
    let scene = Scene::with(Config::new(&config)).await;
    for method in ["DELETE", "PUT", "PATCH", "get", "Get", "post", "GETX", "PROPFIND", "QUERY"] {
        scene.refuses(format!("{method} /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405, "method_not_allowed").await;
    }
    for method in ["TRACE", "CONNECT"] {
        scene.refuses_any_reason(format!("{method} /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405, "method_refused").await;
        scene.refuses_any_reason(format!("{method} /admin/x HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405, "method_refused").await;
    }
    for octets in [
        "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
        "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 30\r\n\r\nGET /public/x HTTP/1.1\r\n\r\n      ",
    ] {
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(octets).await;
        let answers = client.all_answers().await;
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!([400, 405].contains(&answers[0].status()), "{}", answers[0].start);
    }
    // HEAD is not a way around a protected route, nor is a method in a field.
    for lines in ["X-HTTP-Method-Override: OPTIONS\r\n", "X-HTTP-Method: GET\r\n", "X-Method-Override: GET\r\n"] {
        scene.refuses(format!("HEAD /admin/x HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"), 401, "credential_missing").await;
    }
    for name in ["X-HTTP-Method-Override", "X_HTTP_Method_Override", "X-HTTP-Method"] {
        assert_eq!(scene.fetch("/public/x", &format!("{name}: DELETE\r\n")).await.status(), 200);
        let request = scene.upstream.requests().pop().unwrap();
        assert_eq!(request.method(), "GET");
        assert!(folded(&request, &name.to_ascii_lowercase().replace('_', "-")).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn t_33_no_second_routing() {
    let config = r#"
schemes:
  bartender: { wrap: { issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }], audience: "{audience}", accept: [header, query] } }
upstreams:
  bar: { servers: ["{upstream}"] }
  vault: { servers: ["127.0.0.1:9"] }
routes:
  - { name: vault, match: { path: /vault/ }, authenticate: bartender, upstream: vault }
  - { name: public, match: { path: /public/ }, public: true, upstream: bar, rewrite: strip_prefix }
  - { name: bar, match: { path: /bar/ }, authenticate: bartender, upstream: bar }
"#;
    let upstream = Upstream::always(Reply::of(
        "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /vault/x\r\nX-Sendfile: /etc/passwd\r\nContent-Length: 2\r\n\r\nok",
    ))
    .await;
    let gateway = Config::new(config).upstream(&upstream).start().await;
    // Rewritten to the protected path's name, it still goes to the upstream of the route that judged it.
    let answer = crate::support::raw::fetch(gateway.address(), "/public/vault/x", "X-Original-URL: /vault/x\r\n").await;
    assert_eq!((answer.status(), upstream.request().target()), (200, "/vault/x"));
    assert_eq!(gateway.access_line(|line| line["status"] == 200).await["route"], "public");
    // Removing the token from the query does not choose another route or host.
    let token = Token::of("alice").mint().replace('%', "%25").replace('&', "%26").replace('=', "%3d");
    let answer = crate::support::raw::fetch(gateway.address(), &format!("/bar/x?a=1&wrap_access_token={token}&b=/vault/"), "").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(upstream.requests().pop().unwrap().target(), "/bar/x?a=1&b=/vault/");
    assert_eq!(gateway.metric("portcullis_requests_total{route=\"vault\",method=\"GET\",code=\"200\"}").await, 0.0);
}

#[tokio::test]
async fn t_33_bar_keeps_its_own_routes() {
    let scene = Scene::with(Config::new(BAR)).await;
    scene.refuses(get("/nowhere"), 404, "no_route").await;
    scene.refuses(get("/"), 404, "no_route").await;
}
