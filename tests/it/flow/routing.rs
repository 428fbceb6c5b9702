//! Routing: which route takes a request, how its path changes on the way, what the backend learns about the caller.

use crate::support::message::Message;
use crate::support::{Config, Gateway, Token, Upstream, raw};
use serde_json::Value;

/// Public routes, each given by its name, its `match` and further settings, to one backend.
async fn routes(list: &[(&str, &str, &str)], more: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    let route = |(name, rule, more): &(&str, &str, &str)| {
        format!("  - {{ name: {name}, match: {{ {rule} }}, public: true, upstream: bar{more} }}\n")
    };
    let list: String = list.iter().map(route).collect();
    let config = format!("{more}upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n{list}");
    (Config::new(&config).upstream(&upstream).start().await, upstream)
}

async fn ask(gateway: &Gateway, method: &str, host: &str, target: &str) -> Message {
    raw::ask(gateway.address(), format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await
}

/// The route that took a request, by the access log; empty for none.
async fn taken_by(gateway: &Gateway, method: &str, host: &str, target: &str) -> (u16, String) {
    let before = gateway.accesses().len();
    let status = ask(gateway, method, host, target).await.status();
    gateway.access_line(|_| gateway.accesses().len() > before).await;
    let line = gateway.accesses().pop().unwrap();
    (status, line["route"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn host_path_and_method_choose_the_route() {
    let list = [
        ("any", "path: /", ""),
        ("menu", "path: /menu/", ""),
        ("today", "path_exact: /menu/today", ""),
        ("order", "path: /order, methods: [POST, PUT]", ""),
        ("order-other", "path: /order", ""),
        ("inner", "host: api.example, path: /api", ""),
        ("below", "host: \"*.example\"", ""),
    ];
    let (gateway, _upstream) = routes(&list, "").await;
    let cases = [
        ("GET", "localhost", "/", "any"),
        ("GET", "localhost", "/menu", "menu"),
        ("GET", "localhost", "/menu/", "menu"),
        ("GET", "localhost", "/menu/today", "today"),
        ("GET", "localhost", "/menu/today/x", "menu"),
        ("GET", "localhost", "/menus", "any"),
        ("GET", "localhost", "/Menu", "any"),
        ("POST", "localhost", "/order/7", "order"),
        ("GET", "localhost", "/order/7", "order-other"),
        ("GET", "API.example:8080", "/api/x", "inner"),
        ("GET", "www.example", "/api/x", "below"),
        ("GET", "a.b.example", "/", "below"),
        ("GET", "example", "/", "any"),
    ];
    for (method, host, target, route) in cases {
        assert_eq!(taken_by(&gateway, method, host, target).await, (200, route.to_owned()), "{method} {host} {target}");
    }
    // A host with routes of its own never falls back to those of another.
    assert_eq!(taken_by(&gateway, "GET", "api.example", "/menu").await, (404, String::new()));
}

#[tokio::test]
async fn an_unknown_route_is_404_and_another_method_405_with_allow() {
    let list = [("menu", "path: /menu, methods: [GET, POST]", ""), ("more", "path: /menu, methods: [PATCH]", "")];
    let (gateway, upstream) = routes(&list, "").await;
    assert_eq!(ask(&gateway, "GET", "localhost", "/nowhere").await.status(), 404);
    gateway.denial("no_route").await;
    let answer = ask(&gateway, "DELETE", "localhost", "/menu/x").await;
    assert_eq!(answer.status(), 405);
    let mut allowed: Vec<_> = answer.field("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "PATCH", "POST"]);
    gateway.denial("method_not_allowed").await;
    upstream.assert_untouched();
    for (series, wanted) in [("no_route", 1.0), ("method_not_allowed", 1.0)] {
        gateway.metric_becomes(&format!("portcullis_heads_refused_total{{reason=\"{series}\"}}"), wanted).await;
    }
}

#[tokio::test]
async fn a_prefix_is_stripped_or_replaced_and_the_query_stays() {
    let list = [
        ("strip", "path: /strip/", ", rewrite: strip_prefix"),
        ("replace", "path: /old, methods: [GET]", ", rewrite: { replace_prefix: /new/place }"),
        ("top", "path: /top", ", rewrite: { replace_prefix: / }"),
    ];
    let (gateway, upstream) = routes(&list, "").await;
    let cases = [
        ("/strip/a/b?x=%20+&y", "/a/b?x=%20+&y"),
        ("/strip", "/"),
        ("/strip/", "/"),
        ("/strip/a%20b/%c3%a9", "/a%20b/%C3%A9"),
        ("/old", "/new/place"),
        ("/old/x/?q", "/new/place/x/?q"),
        ("/top/a", "/a"),
    ];
    for (target, forwarded) in cases {
        assert_eq!(ask(&gateway, "GET", "localhost", target).await.status(), 200, "{target}");
        assert_eq!(upstream.requests().pop().unwrap().target(), forwarded, "{target}");
    }
}

#[tokio::test]
async fn a_path_without_one_reading_is_refused_before_and_after_rewriting() {
    let list = [("strip", "path: /strip", ", rewrite: strip_prefix"), ("any", "path: /", "")];
    let (gateway, upstream) = routes(&list, "").await;
    for target in
        ["/strip//a", "/strip/%2e%2e/a", "/strip/../a", "/strip/%2fa", "/strip/a%5cb", "/strip/;x/a", "/strip/%00", "/strip/%c0%af"]
    {
        assert_eq!(ask(&gateway, "GET", "localhost", target).await.status(), 400, "{target}");
    }
    upstream.assert_untouched();
}

/// A gateway whose one route proves the caller and tells the backend in these fields.
async fn identity(settings: &str) -> (Gateway, Upstream) {
    let config = crate::support::gateway::BAR.replace("{ preset: auth-request }", settings);
    let upstream = Upstream::start().await;
    (Config::new(&config).upstream(&upstream).start().await, upstream)
}

/// The fields that a backend got, whose name starts so, in order of their names.
async fn told(settings: &str, prefix: &str) -> Vec<(String, String)> {
    let (gateway, upstream) = identity(settings).await;
    let claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
    let token =
        Token::of("alice").claim(&format!("{claims}/emailaddress"), "alice@bar.example").claim(&format!("{claims}/name"), "Alice A.");
    let token =
        token.claim("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "patron,owner").claim("Birthdate", "1979-05-25");
    assert_eq!(raw::fetch(gateway.address(), "/bartender/x", &token.authorization()).await.status(), 200);
    let fields = upstream.request().fields;
    let mut fields: Vec<_> = fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    fields.retain(|(name, _)| name.starts_with(prefix));
    fields.sort();
    fields
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_backend_learns_who_it_is_in_the_fields_of_a_preset() {
    let wanted = [
        ("x-auth-request-email", "alice@bar.example"),
        ("x-auth-request-groups", "patron,owner"),
        ("x-auth-request-preferred-username", "Alice A."),
        ("x-auth-request-user", "alice"),
    ];
    assert_eq!(told("{ preset: auth-request }", "x-auth").await, pairs(&wanted));
    let wanted =
        [("remote-email", "alice@bar.example"), ("remote-groups", "patron,owner"), ("remote-name", "Alice A."), ("remote-user", "alice")];
    assert_eq!(told("{ preset: remote-user }", "remote").await, pairs(&wanted));
    assert_eq!(told("{ preset: none }", "x-auth").await, []);
}

#[tokio::test]
async fn the_backend_learns_who_it_is_in_fields_of_ones_own() {
    let settings = "{ preset: remote-user, fields: { X-Who-Born: Birthdate, X-Who-Absent: Nothing, X-Who-Made-It: Issuer } }";
    assert_eq!(told(settings, "remote-user").await, pairs(&[("remote-user", "alice")]));
    assert_eq!(told(settings, "x-who").await.first(), pairs(&[("x-who-born", "1979-05-25")]).first());
    assert!(!told(settings, "x-who").await.iter().any(|(name, _)| name == "x-who-absent"));
}

const STATED: &str = "X-Forwarded-For: 192.0.2.7, 198.51.100.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\
                      Forwarded: for=192.0.2.7;proto=https\r\nX-Request-Id: from-outside-1\r\n";

/// What a backend got of a request that states where it comes from, and what the log says of it.
async fn stated(more: &str) -> (Message, Value, String) {
    let (gateway, upstream) = routes(&[("any", "path: /", "")], more).await;
    let answer = raw::fetch(gateway.address(), "/x", STATED).await;
    assert_eq!(answer.status(), 200);
    let line = gateway.access_line(|_| true).await;
    (upstream.request(), line, gateway.address().to_string())
}

#[tokio::test]
async fn what_an_untrusted_peer_states_about_the_client_is_replaced() {
    for more in ["", "trusted_proxies: [10.0.0.0/8]\n"] {
        let (request, line, address) = stated(more).await;
        assert_eq!(request.field("x-forwarded-for"), Some("127.0.0.1"), "{more}");
        // The backend learns the client's host from Host itself.
        let hosts = (request.field("host"), request.field("x-forwarded-host"));
        assert_eq!((request.field("x-forwarded-proto"), hosts), (Some("http"), (Some("localhost"), None)), "{address}");
        assert_eq!(request.field("forwarded"), None);
        let id = request.field("x-request-id").unwrap();
        assert_eq!((line["client"].as_str(), line["request_id"].as_str()), (Some("127.0.0.1"), Some(id)));
        assert!(id.len() >= 16 && id != "from-outside-1", "{id}");
    }
}

#[tokio::test]
async fn what_a_trusted_proxy_states_about_the_client_goes_on() {
    let (request, line, _) = stated("trusted_proxies: [127.0.0.0/8, 198.51.100.9]\n").await;
    assert_eq!(request.field("x-forwarded-for"), Some("192.0.2.7, 198.51.100.9, 127.0.0.1"));
    assert_eq!((request.field("x-forwarded-proto"), request.field("x-forwarded-host")), (Some("https"), Some("shop.example")));
    assert_eq!(request.field("x-request-id"), Some("from-outside-1"));
    assert_eq!(request.field("forwarded"), Some("for=192.0.2.7;proto=https"));
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!((line["client"].as_str(), line["request_id"].as_str()), (Some("192.0.2.7"), Some("from-outside-1")));
}

#[tokio::test]
async fn a_sound_trace_is_continued_and_a_broken_one_dropped() {
    let (gateway, upstream) = routes(&[("any", "path: /", "")], "").await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let lines = format!("traceparent: {parent}\r\ntracestate: vendor=1\r\n");
    assert_eq!(raw::fetch(gateway.address(), "/sound", &lines).await.status(), 200);
    let continued = upstream.requests().pop().unwrap();
    assert_eq!((continued.field("traceparent"), continued.field("tracestate")), (Some(parent), Some("vendor=1")));
    let line = gateway.access_line(|line| line["path"] == "/sound").await;
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let broken = ["00-0-0-01".to_owned(), parent.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)), parent.to_owned()];
    for (number, value) in broken.iter().enumerate() {
        // The last one is repeated.
        let lines = format!("traceparent: {value}\r\ntraceparent: {parent}\r\ntracestate: vendor=1\r\n");
        let lines = if number < 2 { format!("traceparent: {value}\r\ntracestate: vendor=1\r\n") } else { lines };
        assert_eq!(raw::fetch(gateway.address(), &format!("/broken{number}"), &lines).await.status(), 200);
        let dropped = upstream.requests().pop().unwrap();
        assert_eq!((dropped.field("traceparent"), dropped.field("tracestate")), (None, None), "{value}");
        let line = gateway.access_line(|line| line["path"] == format!("/broken{number}")).await;
        assert!(line.get("trace_id").is_none(), "{line}");
    }
}

#[tokio::test]
async fn hop_by_hop_fields_end_at_the_gateway() {
    let (gateway, upstream) = routes(&[("any", "path: /", "")], "").await;
    let lines =
        "Connection: keep-alive, X-Only-Here\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX-Only-Here: 1\r\nX-Stays: 2\r\n";
    assert_eq!(raw::fetch(gateway.address(), "/x", lines).await.status(), 200);
    let request = upstream.request();
    for name in ["keep-alive", "proxy-connection", "x-only-here"] {
        assert!(!request.mentions(name), "{name}: {request:?}");
    }
    assert_eq!(request.field("x-stays"), Some("2"));
}
