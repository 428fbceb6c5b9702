//! Identity and trust fields that a client sends itself, T-01 to T-16.

use super::{Scene, folded};
use crate::support::gateway::Config;
use crate::support::http2::{Http2Client, Http2Upstream};
use crate::support::{RawClient, Reply, Token, Upstream, raw};

const USER: &str = "x-auth-request-user";

/// Each of these names, forged, reaches neither route's backend; what the gateway proved does.
async fn are_removed(names: &[&str], folded_name: &str, proved: &[&str]) {
    let scene = Scene::bar("").await;
    for name in names {
        let [public, protected] = scene.both(&format!("{name}: mallory\r\n"), &Token::of("alice").authorization()).await;
        assert_eq!(folded(&public, folded_name), [""; 0], "{name} on a public route");
        assert_eq!(folded(&protected, folded_name), proved, "{name} on a protected route");
        assert!(!scene.upstream.heard_text().contains("mallory"), "{name}");
    }
}

#[tokio::test]
async fn t_01_underscore_alias() {
    are_removed(&["X_Auth_Request_User", "x_auth_request_user", "X_AUTH-REQUEST_USER", "x-auth-request_user"], USER, &["alice"]).await;
    are_removed(&["X_Forwarded_User", "X_FORWARDED_USER"], "x-forwarded-user", &[]).await;
    are_removed(&["REMOTE_USER", "Remote_User"], "remote-user", &[]).await;
    are_removed(&["X_Auth_User", "X_auth-user"], "x-auth-user", &[]).await;
}

#[tokio::test]
async fn t_02_dot_and_other_aliases() {
    let names = ["X.Auth.Request.User", "X!Auth!Request!User", "x~auth^request|user", "X.Auth_Request-User", "X`Auth'Request*User"];
    are_removed(&names, USER, &["alice"]).await;
    are_removed(&["Remote.User", "remote#user"], "remote-user", &[]).await;
}

#[tokio::test]
async fn t_03_trailers_http1() {
    let scene = Scene::bar("").await;
    for (target, token) in [("/public/x", String::new()), ("/bartender/x", Token::of("alice").authorization())] {
        for name in ["X-Auth-Request-User", "x_auth_request_user", "X-Forwarded-For", "Authorization", "Content-Length", "X-Anything"] {
            let chunked = format!("Transfer-Encoding: chunked\r\nTrailer: {name}\r\nTE: trailers\r\n");
            let content = format!("3\r\nabc\r\n0\r\n{name}: mallory\r\n\r\n");
            let answer = scene.ask(format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{token}{chunked}\r\n{content}")).await;
            assert_eq!(answer.status(), 200, "{name}");
            let request = scene.upstream.requests().pop().unwrap();
            assert_eq!((request.text().as_str(), request.trailers.len()), ("abc", 0), "{name}: {request:?}");
            assert_eq!(folded(&request, USER), if token.is_empty() { vec![] } else { vec!["alice"] }, "{name}");
        }
    }
    assert!(!scene.upstream.heard_text().contains("mallory"));
}

#[tokio::test]
async fn t_03_trailers_http2() {
    let trailers = [("x-auth-request-user", "mallory"), ("x_auth_request_user", "mallory"), ("x-anything", "mallory")];
    let scene = Scene::bar("").await;
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    let answer = client.ask("POST", "http://localhost/public/x", &[], b"abc", &trailers).await.unwrap();
    assert_eq!(answer.status, 200);
    let request = scene.upstream.request();
    assert_eq!((request.text().as_str(), request.trailers.len()), ("abc", 0));
    assert!(!scene.upstream.heard_text().contains("mallory"));

    let upstream = Http2Upstream::start().await;
    let over_http2 = crate::support::gateway::BAR.replace("[\"{upstream}\"]", "[\"{upstream}\"], protocol: http2");
    let gateway = Config::new(&over_http2).upstream_at(upstream.address()).start().await;
    let mut client = Http2Client::connect(gateway.address()).await;
    let credential = Token::of("alice").credential();
    let fields = [("authorization", credential.as_str())];
    let answer = client.ask("POST", "http://localhost/bartender/x", &fields, b"abc", &trailers).await.unwrap();
    assert_eq!(answer.status, 200);
    let requests = upstream.requests();
    assert_eq!((requests.len(), requests[0].content.as_slice()), (1, &b"abc"[..]));
    assert!(requests[0].trailers.is_empty(), "{:?}", requests[0].trailers);
    assert_eq!(requests[0].head.headers.get_all(USER).iter().collect::<Vec<_>>(), ["alice"]);
    assert!(!requests[0].head.headers.contains_key("authorization"));
}

#[tokio::test]
async fn t_04_conditional_set_without_delete() {
    let more = r#"
  - name: birthdays
    match: { path: /birthdays/ }
    authenticate: bartender
    upstream: bar
    identity: { fields: { X-Birthdate: Birthdate } }
"#;
    let scene = Scene::bar(more).await;
    // The token has no subject and no mail address, so the gateway sets neither: the client's own must go all the same.
    let forged = "X-Auth-Request-User: mallory\r\nX-Auth-Request-Email: mallory@x\r\nX-Birthdate: 1970\r\n";
    let [public, protected] = scene.both(forged, &Token::new().authorization()).await;
    for name in ["x-auth-request-user", "x-auth-request-email", "x-birthdate"] {
        assert!(!public.mentions(name) && !protected.mentions(name), "{name}");
    }
    // A field of one route is nobody's on another.
    let answer = scene.fetch("/birthdays/x", &format!("{forged}{}", Token::new().claim("Birthdate", "2000-01-01").authorization())).await;
    assert_eq!(answer.status(), 200);
    let request = scene.upstream.requests().pop().unwrap();
    assert_eq!(request.values("x-birthdate"), ["2000-01-01"]);
    assert!(!request.mentions("x-auth-request-user"));
}

#[tokio::test]
async fn t_05_case_duplicates() {
    let scene = Scene::bar("").await;
    let forged =
        "x-auth-request-user: mallory\r\nX-AUTH-REQUEST-USER: mallory\r\nX-Auth-Request-User: mallory\r\nx-AUTH_request.USER: mallory\r\n";
    let [public, protected] = scene.both(forged, &Token::of("alice").authorization()).await;
    assert_eq!((folded(&public, USER), folded(&protected, USER)), (vec![], vec!["alice"]));
    assert!(!scene.upstream.heard_text().contains("mallory"));
}

#[tokio::test]
async fn t_06_hop_by_hop_removal() {
    let scene = Scene::bar("").await;
    let token = Token::of("alice").authorization();
    for nominated in ["X-Auth-Request-User", "close, x-auth-request-user", "keep-alive, X-AUTH-REQUEST-USER", "X-Request-Id"] {
        let answer = scene.fetch("/bartender/x", &format!("Connection: {nominated}\r\n{token}")).await;
        assert_eq!(answer.status(), 200, "{nominated}");
        let request = scene.upstream.requests().pop().unwrap();
        assert_eq!(request.values(USER), ["alice"], "{nominated}");
        for ours in ["x-forwarded-for", "x-forwarded-proto", "x-request-id", "host"] {
            assert_eq!(request.values(ours).len(), 1, "{ours} with Connection: {nominated}");
        }
        // Nor may the next hop be told to drop it.
        let told = request.values("connection").join(",").to_ascii_lowercase();
        assert!(!told.contains("x-auth") && !told.contains("x-request-id"), "{told}");
    }
}

#[tokio::test]
async fn t_06_a_nominated_routing_field_is_refused() {
    let scene = Scene::bar("").await;
    let token = Token::of("alice").authorization();
    for nominated in ["Host", "X-Forwarded-For", "X-Forwarded-Proto", "\"Host\"", ":authority", "x y"] {
        scene
            .refuses(
                format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\nConnection: {nominated}\r\n{token}\r\n"),
                400,
                "connection_option",
            )
            .await;
    }
    let many: Vec<_> = (0..40).map(|number| format!("x-{number}")).collect();
    let many = many.join(", ");
    scene
        .refuses(format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\nConnection: {many}\r\n{token}\r\n"), 400, "connection_option")
        .await;
}

#[tokio::test]
async fn t_07_nominated_fields_on_upgrade() {
    let upstream = Upstream::always(Reply::tunnel()).await;
    let gateway = Config::bar("").upstream(&upstream).start().await;
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    let forged = "X-Auth-Request-User: mallory\r\nx_auth_request_user: mallory\r\n";
    let denied = raw::fetch(gateway.address(), "/bartender/ws", &format!("Connection: Upgrade\r\n{upgrade}{forged}")).await;
    assert_eq!(denied.status(), 401);
    upstream.assert_untouched();

    let mut client = RawClient::connect(gateway.address()).await;
    let token = Token::of("alice").authorization();
    let connection = "Connection: Upgrade, X-Auth-Request-User\r\n";
    client.send(format!("GET /bartender/ws HTTP/1.1\r\nHost: localhost\r\n{connection}{upgrade}{forged}{token}\r\n")).await;
    assert_eq!(client.answer().await.status(), 101);
    let request = upstream.request();
    assert_eq!(folded(&request, USER), ["alice"]);
    assert!(!request.mentions("authorization"));
    assert!(!request.values("connection").join(",").to_ascii_lowercase().contains("x-auth"));
}

#[tokio::test]
async fn t_08_connection_names_framing() {
    let scene = Scene::bar("").await;
    let inner = "GET /bartender/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (nominated, framing, content) in [
        ("Content-Length", format!("Content-Length: {}", inner.len()), inner.to_owned()),
        ("close, content-length", format!("Content-Length: {}", inner.len()), inner.to_owned()),
        ("Transfer-Encoding", "Transfer-Encoding: chunked".to_owned(), format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len())),
    ] {
        let octets = format!("POST /public/x HTTP/1.1\r\nHost: localhost\r\nConnection: {nominated}\r\n{framing}\r\n\r\n{content}");
        scene.refuses_once(octets, 400, "connection_option").await;
    }
}

#[tokio::test]
async fn t_09_forwarded_uri_spoof() {
    let scene = Scene::bar("").await;
    let names = ["X-Forwarded-Uri", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-Path", "X_Original_URL"];
    for name in names {
        let denied = scene.fetch("/bartender/x", &format!("{name}: /public/x\r\n")).await;
        assert_eq!(denied.status(), 401, "{name}");
    }
    scene.upstream.assert_untouched();
    for name in names {
        let [public, _] = scene.both(&format!("{name}: /bartender/x\r\n"), &Token::of("alice").authorization()).await;
        assert_eq!(public.target(), "/public/x");
        assert!(!public.mentions(name), "{name}");
    }
}

#[tokio::test]
async fn t_10_forwarded_fields_spoof() {
    let forged = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Port: 443\r\n\
                  X-Forwarded-Prefix: /evil\r\nX-Forwarded-Server: evil\r\nForwarded: for=203.0.113.9;proto=https\r\nX-Request-Id: evil\r\n";
    let scene = Scene::bar("").await;
    for request in scene.both(forged, &Token::of("alice").authorization()).await {
        assert_eq!(request.field("x-forwarded-proto"), Some("http"));
        assert_eq!((request.field("host"), request.field("x-forwarded-host")), (Some("localhost"), None));
        assert_eq!(request.field("x-forwarded-for"), Some("127.0.0.1"));
        for name in ["x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server", "forwarded"] {
            assert!(!request.mentions(name), "{name}");
        }
        assert_ne!(request.field("x-request-id"), Some("evil"));
    }
    assert_eq!(scene.gateway.access_line(|line| line["status"] == 200).await["client"], "127.0.0.1");
    assert!(!scene.upstream.heard_text().contains("evil"));
    // Where the backend gets another Host, the client's own is stated by the gateway.
    let named = crate::support::gateway::BAR.replace("[\"{upstream}\"]", "[\"{upstream}\"], host: { name: backend.internal }");
    let scene = Scene::with(Config::new(&named)).await;
    for request in scene.both(forged, &Token::of("alice").authorization()).await {
        assert_eq!((request.field("host"), request.field("x-forwarded-host")), (Some("backend.internal"), Some("localhost")));
    }
}

#[tokio::test]
async fn t_10_only_a_configured_proxy_is_believed() {
    let forged =
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Prefix: /evil\r\n";
    let elsewhere = Scene::bar("trusted_proxies: [10.0.0.0/8]\n").await;
    let [public, _] = elsewhere.both(forged, &Token::of("alice").authorization()).await;
    assert_eq!((public.field("x-forwarded-for"), public.field("x-forwarded-proto")), (Some("127.0.0.1"), Some("http")));
    let here = Scene::bar("trusted_proxies: [127.0.0.0/8]\n").await;
    let [public, _] = here.both(forged, &Token::of("alice").authorization()).await;
    assert_eq!(public.field("x-forwarded-for"), Some("203.0.113.9, 127.0.0.1"));
    assert_eq!((public.field("x-forwarded-proto"), public.field("x-forwarded-host")), (Some("https"), Some("shop.example")));
    assert!(!public.mentions("x-forwarded-prefix"));
    assert_eq!(here.gateway.access_line(|line| line["status"] == 200).await["client"], "203.0.113.9");
}

#[tokio::test]
async fn t_11_internal_fields_from_outside() {
    let scene = Scene::bar("").await;
    let names = [
        "x-envoy-original-path",
        "x-envoy-internal",
        "X-Envoy-Decorator-Operation",
        "X-Real-IP",
        "x_real_ip",
        "Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "true_client_ip",
        "CF-Connecting-IP",
        "Fastly-Client-IP",
        "Remote-Addr",
        "X-Host",
        "X-Original-Host",
        "Proxy",
        "X-User-Id",
        "X-Authenticated-Userid",
    ];
    for name in names {
        let denied = scene.fetch("/bartender/x", &format!("{name}: /public/x\r\n")).await;
        assert_eq!(denied.status(), 401, "{name}");
    }
    scene.upstream.assert_untouched();
    for name in names {
        for request in scene.both(&format!("{name}: 127.0.0.1\r\n"), &Token::of("alice").authorization()).await {
            assert!(!request.mentions(name), "{name}");
        }
    }
}

#[tokio::test]
async fn t_12_health_check_bypass() {
    let scene = Scene::bar("").await;
    for agent in ["GoogleHC/1.0", "kube-probe/1.31", "ELB-HealthChecker/2.0", "Portcullis"] {
        let denied = scene.fetch("/bartender/x", &format!("User-Agent: {agent}\r\n")).await;
        assert_eq!(denied.status(), 401, "{agent}");
    }
    for target in ["/healthz", "/readyz", "/metrics", "/ping"] {
        assert_eq!(scene.fetch(target, "User-Agent: GoogleHC/1.0\r\n").await.status(), 404, "{target}");
    }
    scene.upstream.assert_untouched();
    assert_eq!(scene.gateway.ask_admin("/healthz").await.status(), 200);
}

#[tokio::test]
async fn t_13_cors_preflight() {
    let scene = Scene::bar("").await;
    let preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\nX-Auth-Request-User: mallory\r\n";
    for lines in [preflight, "X-Auth-Request-User: mallory\r\n", "Origin: https://app.example\r\nX-Auth-Request-User: mallory\r\n"] {
        scene.refuses(format!("OPTIONS /bartender/x HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"), 401, "credential_missing").await;
    }
    let answer = scene.ask(format!("OPTIONS /public/x HTTP/1.1\r\nHost: localhost\r\n{preflight}\r\n")).await;
    assert_eq!(answer.status(), 200);
    let request = scene.upstream.request();
    assert_eq!((request.method(), request.field("origin")), ("OPTIONS", Some("https://app.example")));
    assert!(!request.mentions(USER));
}

#[tokio::test]
async fn t_14_control_octets_in_claims() {
    let scene = Scene::bar("").await;
    for subject in ["a\r\nX-Admin: 1", "a\rb", "a\nb", "a\0b", "a\u{7f}b", "a\u{1b}[31m", "\r\n\r\nGET / HTTP/1.1"] {
        let token = Token::of(subject).authorization();
        scene.refuses(format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\n{token}\r\n"), 403, "unrepresentable_identity").await;
    }
    // A backend would trim these (RFC 9110 §5.5), and see another subject.
    for subject in [" alice", "alice ", "alice\t", "\talice", " "] {
        let token = Token::of(subject).authorization();
        scene.refuses(format!("GET /bartender/x HTTP/1.1\r\nHost: localhost\r\n{token}\r\n"), 403, "unrepresentable_identity").await;
    }
    let answer = scene.fetch("/bartender/x", &Token::of("Zoë Ångström").authorization()).await;
    assert_eq!(answer.status(), 200);
    let octets: String = "Zoë Ångström".bytes().map(char::from).collect();
    assert_eq!(scene.upstream.request().values(USER), [octets]);
}

#[tokio::test]
async fn t_15_several_values() {
    let config = crate::support::gateway::BAR
        .replace("      accept:", "      claims: { Role: { one_of: [patron] } }\n      accept:")
        .replace("{ preset: auth-request }", "{ fields: { X-Role: Role } }");
    let scene = Scene::with(Config::new(&config)).await;
    for role in ["guest", "patronage", "patron guest", "guest,patronage", "Patron"] {
        let token = Token::new().claim("Role", role).authorization();
        let denied = scene.fetch("/bartender/x", &token).await;
        assert_eq!(denied.status(), 401, "{role}");
    }
    scene.upstream.assert_untouched();
    for role in ["patron", "guest,patron", "patron,guest"] {
        // Two further values from the client join neither the judgement nor the field.
        let token = Token::new().claim("Role", role).authorization();
        let answer = scene.fetch("/bartender/x", &format!("X-Role: admin\r\nx-role: root\r\n{token}")).await;
        assert_eq!(answer.status(), 200, "{role}");
        assert_eq!(scene.upstream.requests().pop().unwrap().values("x-role"), [role]);
    }
}

#[tokio::test]
async fn t_16_client_certificate_fields() {
    let scene = Scene::bar("").await;
    let names = [
        "X-Forwarded-Client-Cert",
        "x_forwarded_client_cert",
        "X-SSL-Client-Cert",
        "X-SSL-Client-S-DN",
        "X-SSL-Client-Verify",
        "SSL-Client-Cert",
        "SSL_CLIENT_VERIFY",
        "Client-Cert",
        "Client-Cert-Chain",
        "X-Client-Cert",
        "X.Client.Cert",
        "X-Client-Cert-Hash",
    ];
    for name in names {
        for request in scene.both(&format!("{name}: CN=mallory\r\n"), &Token::of("alice").authorization()).await {
            assert!(!request.mentions(name), "{name}");
        }
    }
    assert!(!scene.upstream.heard_text().contains("mallory"));
}
