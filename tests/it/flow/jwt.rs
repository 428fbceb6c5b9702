//! JSON Web Tokens as bearer tokens: where one may stand, what becomes of it, what a refusal says.

use crate::support::http2::Http2Client;
use crate::support::issuer::{Issuer, in_seconds};
use crate::support::message::Message;
use crate::support::{Config, Gateway, RawClient, Upstream, raw};
use portcullis::token::jwt::Statement;

/// A gateway that takes tokens from everywhere, and the backend behind it.
struct Scene {
    issuer: Issuer,
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    async fn new() -> Self {
        Self::with("accept: [header, { field: X-Access-Token }, { cookie: token }, query, form], realm: orders").await
    }

    /// With further settings of the scheme.
    async fn with(settings: &str) -> Self {
        let issuer = Issuer::new();
        let upstream = Upstream::start().await;
        let config = Config::new(&text(settings)).file("jwks.json", &issuer.jwks()).upstream(&upstream);
        Self { gateway: config.start().await, issuer, upstream }
    }

    async fn fetch(&self, target: &str, lines: &str) -> Message {
        raw::fetch(self.gateway.address(), target, lines).await
    }

    /// The last request that the backend got.
    fn last(&self) -> Message {
        self.upstream.requests().pop().expect("a request at the backend")
    }

    /// A request must reach the backend as alice's, and no octet of the token with it.
    async fn admits(&self, octets: impl AsRef<[u8]>, token: &str) -> Message {
        let answer = raw::ask(self.gateway.address(), octets).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let last = self.last();
        assert_eq!(last.field("x-auth-request-user"), Some("alice"));
        let (_, signature) = token.rsplit_once('.').unwrap();
        assert!(!last.fields.iter().any(|(_, value)| value.contains(signature)) && !last.target().contains(signature), "{last:?}");
        last
    }
}

fn text(settings: &str) -> String {
    format!(
        "schemes:\n  api: {{ jwt: {{ issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{{keys}}/jwks.json\", {settings} }} }}\n\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\n\
         routes:\n  - {{ name: api, match: {{ path: / }}, authenticate: api, upstream: bar, identity: {{ preset: auth-request }} }}\n"
    )
}

fn get(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

#[tokio::test]
async fn a_token_is_taken_from_every_place_and_leaves_it() {
    let scene = Scene::new().await;
    let token = scene.issuer.bearer();
    for line in [format!("Authorization: Bearer {token}"), format!("authorization: bEARER  {token}"), format!("X-Access-Token: {token}")] {
        let last = scene.admits(get("/menu?a=1", &format!("{line}\r\n")), &token).await;
        assert!(!last.mentions("authorization") && !last.mentions("x-access-token") && last.target() == "/menu?a=1");
    }
    let last = scene.admits(get("/menu", &format!("Cookie: a=1; token={token}; b=\"2 \"\r\n")), &token).await;
    assert_eq!(last.values("cookie"), ["a=1; b=\"2 \""], "the other cookies stay as they are");
    let last = scene.admits(get("/menu", &format!("Cookie: token={token}\r\n")), &token).await;
    assert!(!last.mentions("cookie"));
    let last = scene.admits(get(&format!("/menu?a=1&access_token={token}&b=%20+"), ""), &token).await;
    assert_eq!(last.target(), "/menu?a=1&b=%20+");
    let form = format!("a=1&access_token={token}");
    let posted = format!(
        "POST /menu HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    assert_eq!(scene.admits(posted, &token).await.text(), form, "content goes on as it is");
}

#[tokio::test]
async fn cookies_that_come_in_crumbs_go_on_without_the_token() {
    let scene = Scene::new().await;
    let token = scene.issuer.bearer();
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    let crumb = format!("token={token}");
    let answer = client.fetch("http://localhost/menu", &[("cookie", "a=1"), ("cookie", &crumb), ("cookie", "b=2")]).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(scene.last().values("cookie"), ["a=1; b=2"]);
}

#[tokio::test]
async fn a_refusal_says_what_to_send_and_the_connection_stays() {
    let scene = Scene::new().await;
    let expired = scene.issuer.token(&Statement { expires: in_seconds(-60), ..Issuer::statement() });
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(get("/", "")).await;
    let missing = client.answer().await;
    assert_eq!((missing.status(), missing.field("www-authenticate")), (401, Some("Bearer realm=\"orders\"")));
    client.send(get("/", &format!("Authorization: Bearer {expired}\r\n"))).await;
    let refused = client.answer().await;
    assert_eq!((refused.status(), refused.field("www-authenticate")), (401, Some("Bearer realm=\"orders\", error=\"invalid_token\"")));
    assert_eq!(refused.text(), "Unauthorized\n", "the caller learns no more than the standard phrase");
    client.send(get("/?access_token=x", "Authorization: Bearer x\r\n")).await;
    let several = client.answer().await;
    assert_eq!((several.status(), several.field("www-authenticate")), (400, Some("Bearer realm=\"orders\", error=\"invalid_request\"")));
    client.send(get("/", &format!("Authorization: Bearer {}\r\n", scene.issuer.bearer()))).await;
    assert_eq!(client.answer().await.status(), 200);
    scene.gateway.denial("expired").await;
    scene.gateway.denial("several_tokens").await;
}

#[tokio::test]
async fn a_verdict_is_remembered_and_a_reload_forgets_it() {
    let scene = Scene::with("").await;
    let line = format!("Authorization: Bearer {}\r\n", scene.issuer.bearer());
    for memory in ["miss", "hit"] {
        assert_eq!(scene.fetch("/", &line).await.status(), 200);
        let access = scene.gateway.access_line(|event| event["verdict_cache"] == memory).await;
        assert_eq!((&access["auth_scheme"], &access["auth_profile"]), (&"api".into(), &"jwt".into()));
    }
    // The same token, and an issuer that no longer has the key.
    std::fs::write(scene.gateway.keys().join("jwks.json"), Issuer::new().jwks()).unwrap();
    scene.gateway.reload(&Config::new(&text("leeway: 31s"))).await;
    assert_eq!(scene.fetch("/", &line).await.status(), 401);
    scene.gateway.denial("signature_invalid").await;
}

#[tokio::test]
async fn large_tokens_pass_up_to_the_limit() {
    let scene = Scene::with("max_token_size: 64KiB, max_form_size: 128KiB, accept: [header, form]").await;
    let padded = |octets: usize| {
        let pad = "x".repeat(octets);
        scene.issuer.token(&Statement { claims: &[("pad", &pad)], ..Issuer::statement() })
    };
    let in_field = format!("Authorization: Bearer {}\r\n", padded(12_000));
    assert_eq!(scene.fetch("/", &in_field).await.status(), 200);
    let post = |token: String| {
        let length = token.len() + "access_token=".len();
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n\
             access_token={token}"
        )
    };
    assert_eq!(raw::ask(scene.gateway.address(), post(padded(48_000))).await.status(), 200);
    assert_eq!(raw::ask(scene.gateway.address(), post(padded(49_000))).await.status(), 401);
    scene.gateway.denial("token_too_large").await;
}

#[tokio::test]
async fn nothing_of_a_token_stands_in_logs_or_figures() {
    let scene = Scene::new().await;
    let token = scene.issuer.bearer();
    let forged = Issuer::new().bearer();
    for token in [&token, &forged] {
        scene.fetch(&format!("/menu?access_token={token}"), "").await;
        scene.fetch("/menu", &format!("Authorization: Bearer {token}\r\n")).await;
        scene.fetch("/menu", &format!("Cookie: token={token}\r\n")).await;
    }
    scene.gateway.denial("signature_invalid").await;
    let metrics = scene.gateway.metrics().await;
    for place in scene.gateway.log_lines().iter().chain([&metrics]) {
        for secret in token.split('.').chain(forged.split('.')).filter(|part| part.len() > 60) {
            assert!(!place.contains(secret), "{secret} stands in {place}");
        }
    }
}
