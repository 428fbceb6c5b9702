//! Clients as people have them reach the backend with a token, and do not without.

use crate::support::programs::{Outcome, node, outcome, output, python, script, system};
use crate::support::{Config, Gateway, Reply, Token, Upstream};
use serde_json::Value;

const BAR: &str = r#"
schemes:
  bartender:
    wrap:
      issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }]
      audience: "{audience}"
      accept: [header, query, form]
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - match: { path: /bartender/ }
    authenticate: bartender
    upstream: bar
    identity: { preset: auth-request }
  - match: { path: /public/ }
    public: true
    upstream: bar
"#;

/// A gateway before a backend that answers with the user's name, and with the form page.
async fn bar() -> (Gateway, Upstream) {
    let page = std::fs::read_to_string(script("form.html")).unwrap().replace("{token}", &token().replace('&', "&amp;"));
    let upstream = Upstream::answering(move |request| {
        let user = request.field("x-auth-request-user");
        let text = if request.target() == "/public/form" { page.clone() } else { format!("served {}\n", user.unwrap_or("nobody")) };
        Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{text}", text.len()))
    });
    let upstream = upstream.await;
    (Config::new(BAR).upstream(&upstream).start().await, upstream)
}

fn token() -> String {
    Token::of("alice").mint()
}

fn origin(gateway: &Gateway) -> String {
    format!("http://{}", gateway.address())
}

/// The JSON lines of a client, by the way in which each carried the token.
fn answers(output: &str) -> Vec<(String, u64, Option<String>, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let answer = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (text(&line["how"]).unwrap(), line["status"].as_u64().unwrap(), text(&line["challenge"]), text(&line["text"]).unwrap())
    };
    output.lines().map(answer).collect()
}

fn refused(how: &str) -> (String, u64, Option<String>, String) {
    (how.to_owned(), 401, Some("WRAP".to_owned()), "Unauthorized".to_owned())
}

fn served(how: &str) -> (String, u64, Option<String>, String) {
    (how.to_owned(), 200, None, "served alice".to_owned())
}

async fn curl(gateway: &Gateway, more: &[&str]) -> Outcome {
    let url = format!("{}/bartender/menu", origin(gateway));
    let mut command = system("curl");
    outcome(command.args(["--noproxy", "*", "-sS", "--max-time", "30", "-w", "%{http_code}", &url]).args(more)).await
}

#[tokio::test]
async fn curl_reaches_the_backend_with_a_token_in_header_query_and_form() {
    let (gateway, upstream) = bar().await;
    let answer = curl(&gateway, &[]).await;
    assert_eq!((answer.status.success(), answer.stdout.as_str()), (true, "Unauthorized\n401"));
    upstream.assert_untouched();
    let field = format!("Authorization: {}", Token::of("alice").credential());
    let parameter = format!("wrap_access_token={}", token());
    let ways = [vec!["-H", &field], vec!["-G", "--data-urlencode", &parameter], vec!["--data-urlencode", &parameter]];
    for way in ways {
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let answer = curl(&gateway, &[&way[..], &[version]].concat()).await;
            assert_eq!(answer.stdout, "served alice\n200", "{way:?} {version} {}", answer.stderr);
        }
    }
    assert_eq!(upstream.requests().len(), 6);
}

#[tokio::test]
async fn python_requests_reaches_the_backend_with_a_token_in_header_query_and_form() {
    let (gateway, upstream) = bar().await;
    let shown = output(python("requests_client.py").args([origin(&gateway), token()])).await;
    assert_eq!(answers(&shown), [refused("none"), served("header"), served("query"), served("form")]);
    let requests = upstream.requests();
    assert_eq!((requests.len(), requests[1].target()), (3, "/bartender/menu?drink=a+b"));
    assert!(requests[2].text().starts_with("drink=a+b&wrap_access_token="), "{}", requests[2].text());
}

#[tokio::test]
async fn node_reaches_the_backend_with_a_token_in_header_query_and_form() {
    let (gateway, upstream) = bar().await;
    let shown = output(node("fetch_client.cjs").args([origin(&gateway), token()])).await;
    assert_eq!(answers(&shown), [refused("none"), served("header"), served("query"), served("form"), served("undici")]);
    let requests = upstream.requests();
    assert_eq!((requests.len(), requests[1].target()), (4, "/bartender/menu?drink=a+b"));
}

#[tokio::test]
async fn a_form_in_a_browser_reaches_the_backend_with_its_token_and_shows_a_401_without() {
    let (gateway, upstream) = bar().await;
    let folder = tempfile::tempdir().unwrap();
    let browser = system("chromium-headless-shell").get_program().to_owned();
    let shown = output(node("form_browser.cjs").arg(origin(&gateway)).arg(browser).arg(folder.path())).await;
    assert_eq!(answers(&shown), [served("with"), refused("without")]);
    let posted: Vec<_> = upstream.requests().into_iter().filter(|request| request.method() == "POST").collect();
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert!(posted[0].text().ends_with("&drink=Dry+%26+stirred"), "{}", posted[0].text());
}
