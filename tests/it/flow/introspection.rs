//! Opaque tokens: who is asked about them, what is believed and for how long, what a refusal says.

use crate::support::introspection::{ACTIVE, OpaqueIssuer, SECRET, TOKEN, config, fine, reply};
use crate::support::issuer::Issuer;
use crate::support::{Config, Gateway, Upstream, raw};
use portcullis::crypto::base64;

async fn start(config: Config) -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    (config.upstream(&upstream).start().await, upstream)
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn a_token_is_asked_about_once_and_leaves_the_request() {
    let issuer = OpaqueIssuer::answering(fine(ACTIVE)).await;
    let (gateway, upstream) = start(issuer.config("")).await;
    for memory in ["miss", "hit"] {
        assert_eq!(raw::fetch(gateway.address(), "/menu", &bearer(TOKEN)).await.status(), 200);
        let request = upstream.requests().pop().unwrap();
        assert_eq!((request.field("x-auth-request-user"), request.mentions("authorization")), (Some("alice"), false));
        let line = gateway.access_line(|line| line["verdict_cache"] == memory).await;
        assert_eq!((line["subject"].as_str(), line["auth_profile"].as_str()), (Some("alice"), Some("introspection")), "{line}");
    }
    let question = issuer.question();
    assert_eq!(question.text(), format!("token_type_hint=access_token&token={TOKEN}"));
    assert_eq!(question.field("authorization"), Some(format!("Basic {}", base64::encode(format!("gw:{SECRET}").as_bytes())).as_str()));
    gateway.metric_becomes("portcullis_verdict_cache_hits_total{scheme=\"api\"}", 1.0).await;
    gateway.metric_becomes("portcullis_verdict_cache_misses_total{scheme=\"api\"}", 1.0).await;
}

#[tokio::test]
async fn a_token_that_holds_no_longer_is_refused_when_the_answer_is_over() {
    let issuer = OpaqueIssuer::answering(fine(ACTIVE)).await;
    let (gateway, upstream) = start(issuer.config(", cache_ttl: 1s, realm: orders")).await;
    assert_eq!(raw::fetch(gateway.address(), "/menu", &bearer(TOKEN)).await.status(), 200);
    issuer.answer(fine("{\"active\":false}"));
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    for _ in 0..2 {
        let refused = raw::fetch(gateway.address(), "/menu", &bearer(TOKEN)).await;
        assert_eq!((refused.status(), refused.field("www-authenticate")), (401, Some("Bearer realm=\"orders\", error=\"invalid_token\"")));
    }
    gateway.denial("token_inactive").await;
    assert_eq!((issuer.asked(), upstream.requests().len()), (2, 1));
}

#[tokio::test]
async fn beside_jwt_only_what_nobody_can_read_is_asked_about() {
    let (issuer, opaque) = (Issuer::new(), OpaqueIssuer::answering(fine(ACTIVE)).await);
    let schemes = format!(
        "  api: {{ jwt: {{ issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{{keys}}/jwks.json\" }} }}\n  opaque: {}\n",
        opaque.scheme("")
    );
    let routes = "  - { name: api, match: { path: / }, authenticate: { any_of: [opaque, api] }, upstream: bar }\n";
    let (gateway, _upstream) = start(config(&schemes, routes).file("jwks.json", &issuer.jwks())).await;
    assert_eq!(raw::fetch(gateway.address(), "/menu", &bearer(&issuer.bearer())).await.status(), 200);
    assert_eq!(opaque.asked(), 0, "a token of another issuer is none of its business");
    assert_eq!(raw::fetch(gateway.address(), "/menu", &bearer(TOKEN)).await.status(), 200);
    assert_eq!(opaque.asked(), 1);
    gateway.access_line(|line| line["auth_scheme"] == "opaque").await;
}

#[tokio::test]
async fn an_issuer_that_refuses_the_gateway_is_told_in_the_log_without_a_secret() {
    let issuer = OpaqueIssuer::answering(reply("401 Unauthorized", "{\"error\":\"invalid_client\"}")).await;
    let (gateway, upstream) = start(issuer.config("")).await;
    let refused = raw::fetch(gateway.address(), "/menu", &bearer(TOKEN)).await;
    assert_eq!((refused.status(), refused.text().as_str()), (503, "Service Unavailable\n"));
    let line = gateway.audit_line(|line| line["reason"] == "client_refused").await;
    assert!(line.to_string().contains("look at `client`"), "{line}");
    gateway.denial("introspection_unavailable").await;
    upstream.assert_untouched();
    let (_, lines) = gateway.stop().await;
    let told = format!("{lines:?}");
    assert!(!told.contains(TOKEN) && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn the_scopes_of_an_answer_decide_what_it_is_good_for() {
    let issuer = OpaqueIssuer::answering(fine(ACTIVE)).await;
    let route = |path: &str, scope: &str| {
        format!("  - {{ match: {{ path: /{path} }}, authenticate: api, authorize: {{ scopes: [{scope}] }}, upstream: bar }}\n")
    };
    let routes = [route("read", "read"), route("admin", "admin")].concat();
    let (gateway, _upstream) = start(config(&format!("  api: {}\n", issuer.scheme("")), &routes)).await;
    assert_eq!(raw::fetch(gateway.address(), "/read", &bearer(TOKEN)).await.status(), 200);
    let refused = raw::fetch(gateway.address(), "/admin", &bearer(TOKEN)).await;
    assert_eq!((refused.status(), refused.field("www-authenticate")), (403, Some("Bearer error=\"insufficient_scope\", scope=\"admin\"")));
}
