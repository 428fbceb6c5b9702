//! What callers learn from a refusal: in which form, and whether scripts of other origins may read it.

use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::raw::RawClient;
use crate::support::{Config, Gateway, Token, Upstream, raw};
use std::time::Duration;

const APP: &str = "https://app.example";

async fn scene(cors: &str) -> (Gateway, Upstream) {
    limited(cors, "").await
}

async fn limited(cors: &str, limits: &str) -> (Gateway, Upstream) {
    let text = format!(
        "limits: {{ {limits} }}\nschemes:\n  bar: {{ wrap: {{ issuers: [{{ name: \"{{issuer}}\", key_file: \"{{keys}}/bouncer.b64\" }}], audience: \"{{audience}}\" }} }}\n\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n  - {{ match: {{ path: / }}, authenticate: bar, upstream: bar{cors}, \
         identity: {{ preset: auth-request }} }}\n"
    );
    let upstream = Upstream::start().await;
    (Config::new(&text).upstream(&upstream).start().await, upstream)
}

async fn ask(gateway: &Gateway, method: &str, lines: &str) -> Message {
    raw::ask(gateway.address(), format!("{method} /x HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")).await
}

#[tokio::test]
async fn a_refusal_is_a_line_of_text_or_a_problem_for_who_asks() {
    let (gateway, _upstream) = scene("").await;
    for (accept, media_type, content) in [
        ("", "text/plain; charset=utf-8", "Unauthorized\n"),
        ("text/html,application/json", "text/plain; charset=utf-8", "Unauthorized\n"),
        ("application/problem+json;q=0", "text/plain; charset=utf-8", "Unauthorized\n"),
        ("application/json, Application/Problem+JSON ;q=0.5", "application/problem+json", PROBLEM),
        ("application/problem+json", "application/problem+json", PROBLEM),
    ] {
        let lines = if accept.is_empty() { String::new() } else { format!("Accept: {accept}\r\n") };
        let answer = ask(&gateway, "GET", &lines).await;
        assert_eq!((answer.status(), answer.field("content-type"), &*answer.text()), (401, Some(media_type), content), "{accept}");
    }
    let problem: serde_json::Value = serde_json::from_str(PROBLEM).unwrap();
    assert_eq!(problem["status"], 401);
}

const PROBLEM: &str = "{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401}\n";

#[tokio::test]
async fn what_was_refused_over_http2_is_read_away_within_bounds() {
    let short = Duration::from_millis(300);
    // How long the content is said to be, and whether the stream is reset soon and later on.
    for (limits, length, soon, later) in [
        ("max_drain_size: 1000B, drain_timeout: 2s", "1000", false, true),
        ("max_drain_size: 1000B, drain_timeout: 2s", "1001", true, true),
        ("max_drain_size: 0B, drain_timeout: 2s", "1", true, true),
        ("drain_timeout: 30s", "1048576", false, false),
        ("drain_timeout: 30s", "1048577", true, true),
    ] {
        let (gateway, _upstream) = limited("", limits).await;
        for more in [&[][..], &[("expect", "100-continue")]] {
            let mut client = Http2Client::connect(gateway.address()).await;
            let fields = [&[("content-length", length)], more].concat();
            let mut exchange = client.begin("POST", "http://localhost/x", &fields).await;
            assert_eq!(exchange.answer().await.unwrap().status, 401);
            assert_eq!(exchange.is_reset_within(short).await, soon, "{limits} {length}");
            let reset = soon || exchange.is_reset_within(Duration::from_millis(2500)).await;
            assert_eq!(reset, later, "{limits} {length} {more:?}");
        }
    }
}

#[tokio::test]
async fn what_was_refused_over_http1_is_read_away_within_bounds() {
    let (small, large) = (vec![b'x'; 1000], vec![b'x'; 1001]);
    let chunked = [b"3e8\r\n", &*small, b"\r\n0\r\n\r\n"].concat();
    // What a client says and then sends, and whether the connection goes on.
    for (lines, content, stays) in [
        ("Content-Length: 1000\r\n", &small, true),
        ("Content-Length: 1001\r\n", &large, false),
        ("Transfer-Encoding: chunked\r\n", &chunked, false),
        ("Content-Length: 1000\r\nExpect: 100-continue\r\n", &small, false),
        ("Content-Length: 1000\r\nExpect: 100-continue\r\n", &Vec::new(), false),
    ] {
        let (gateway, _upstream) = limited("", "max_drain_size: 1000B, drain_timeout: 2s").await;
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(format!("POST /x HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.field("connection") != Some("close")), (401, stays), "{lines}");
        let (first, last) = content.split_at(content.len() / 2);
        for piece in [first, last] {
            client.send(piece).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if stays {
            client.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
            assert_eq!(client.answer().await.status(), 401, "{lines}");
        } else {
            assert_eq!(client.all_answers().await.len(), 0, "{lines}");
        }
    }
}

#[tokio::test]
async fn what_was_refused_over_http1_is_waited_for_as_long_as_is_said() {
    let (gateway, _upstream) = limited("", "drain_timeout: 300ms").await;
    let mut client = RawClient::connect(gateway.address()).await;
    client.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhell").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.field("connection")), (401, Some("keep-alive")));
    assert_eq!(client.all_answers().await.len(), 0, "the connection ends without the last octet");
}

#[tokio::test]
async fn scripts_of_listed_origins_may_read_a_refusal_and_no_others() {
    let (gateway, upstream) = scene(&format!(", cors: {{ origins: [\"{APP}\"] }}")).await;
    let answer = ask(&gateway, "GET", &format!("Origin: {APP}\r\n")).await;
    assert_eq!((answer.status(), answer.field("access-control-allow-origin"), answer.field("vary")), (401, Some(APP), Some("Origin")));
    assert_eq!(answer.field("access-control-expose-headers"), Some("WWW-Authenticate"));
    assert!(!answer.mentions("access-control-allow-credentials"));
    for other in ["https://app.example.evil", "http://app.example", "null", "https://app.example, https://x", ""] {
        let answer = ask(&gateway, "GET", &format!("Origin: {other}\r\n")).await;
        assert!(answer.status() == 401 && !answer.mentions("access-control-allow-origin"), "{other}");
    }
    let twice = ask(&gateway, "GET", &format!("Origin: {APP}\r\nOrigin: {APP}\r\n")).await;
    assert!(!twice.mentions("access-control-allow-origin"));
    upstream.assert_untouched();
}

#[tokio::test]
async fn a_preflight_goes_on_only_where_a_route_says_so_and_without_identity() {
    let (gateway, upstream) = scene(&format!(", cors: {{ origins: [\"{APP}\"], preflight: forward }}")).await;
    let identity = "X-Auth-Request-User: mallory\r\nx_auth_request_user: mallory\r\n";
    let preflight = format!("Origin: {APP}\r\nAccess-Control-Request-Method: PUT\r\n");
    assert_eq!(ask(&gateway, "OPTIONS", &format!("{preflight}{identity}")).await.status(), 200);
    let heard = upstream.requests().pop().unwrap();
    assert!(heard.method() == "OPTIONS" && !heard.mentions("x-auth-request-user") && !heard.mentions("x_auth_request_user"));
    let before = upstream.requests().len();
    for (method, lines) in [
        ("OPTIONS", format!("Origin: {APP}\r\n")),
        ("OPTIONS", "Access-Control-Request-Method: PUT\r\n".to_owned()),
        ("OPTIONS", "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\n".to_owned()),
        ("GET", preflight.clone()),
        ("POST", format!("{preflight}Content-Length: 0\r\n")),
    ] {
        assert_eq!(ask(&gateway, method, &lines).await.status(), 401, "{method} {lines}");
    }
    assert_eq!(upstream.requests().len(), before);
    let token = Token::of("alice").authorization();
    assert_eq!(ask(&gateway, "OPTIONS", &token).await.status(), 200, "with credentials it is a request like any other");
}

#[tokio::test]
async fn an_origin_is_written_as_browsers_state_it() {
    for origin in ["https://App.example", "https://app.example/", "app.example", "*", "https://"] {
        let text = format!(
            "upstreams:\n  u: {{ servers: [\"127.0.0.1:1\"] }}\nroutes:\n  - {{ match: {{ path: / }}, public: true, upstream: u, \
             cors: {{ origins: [\"{origin}\"] }} }}\n"
        );
        let report = Config::new(&text).refused().await.report;
        assert!(report.contains("expected an origin such as"), "{origin}: {report}");
    }
}

#[tokio::test]
async fn a_client_that_knows_only_an_address_learns_whom_to_ask() {
    let key = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let text = format!(
        "schemes:\n  api: {{ jwt: {{ issuer: \"https://issuer.example\", audiences: [\"https://api.example/orders\"], jwks: '{key}', realm: orders }} }}\n  \
         old: {{ wrap: {{ issuers: [{{ name: x, key_file: \"{{keys}}/bouncer.b64\" }}], audience: a, accept: [query] }} }}\n\
         upstreams:\n  u: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n  - match: {{ path: /orders }}\n    authenticate: {{ any_of: [api, old] }}\n    \
         upstream: u\n    resource: {{ identifier: \"https://api.example/orders\", authorization_servers: [\"https://issuer.example\"], scopes: [a, b] }}\n"
    );
    let upstream = Upstream::start().await;
    let gateway = Config::new(&text).upstream(&upstream).start().await;
    let url = "https://api.example/.well-known/oauth-protected-resource/orders";
    for (lines, first) in [
        ("", format!("Bearer realm=\"orders\", resource_metadata=\"{url}\"")),
        ("Authorization: Bearer a.b.c\r\n", format!("Bearer realm=\"orders\", error=\"invalid_token\", resource_metadata=\"{url}\"")),
    ] {
        let answer = raw::fetch(gateway.address(), "/orders", lines).await;
        assert_eq!((answer.status(), answer.values("www-authenticate")), (401, vec![first.as_str(), "WRAP"]));
    }
    let path = url.strip_prefix("https://api.example").unwrap();
    let at = |host: &str, path: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let answer = raw::ask(gateway.address(), at("API.example", path)).await;
    assert_eq!((answer.status(), answer.field("content-type")), (200, Some("application/json")));
    let document: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(document["resource"], "https://api.example/orders");
    assert_eq!(document["authorization_servers"], serde_json::json!(["https://issuer.example"]));
    assert_eq!(document["scopes_supported"], serde_json::json!(["a", "b"]));
    for (host, path) in [("other.example", path), ("api.example", "/.well-known/oauth-protected-resource")] {
        assert_eq!(raw::ask(gateway.address(), at(host, path)).await.status(), 404, "{host}{path}");
    }
    let with_more = format!("{}GET /orders HTTP/1.1\r\nHost: localhost\r\n\r\n", at("api.example", path));
    let mut client = crate::support::RawClient::connect(gateway.address()).await;
    client.send(with_more).await;
    assert_eq!(client.all_answers().await.len(), 1, "nothing after it is a request of this connection");
    upstream.assert_untouched();
}
