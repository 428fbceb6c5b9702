//! Several schemes on one route, and what an identity may do there once it is proved.

use crate::support::issuer::{self, Issuer};
use crate::support::message::Message;
use crate::support::tokens::{FOREIGN_KEY, ISSUER, PREVIOUS_KEY};
use crate::support::{Config, Gateway, Token, Upstream, raw};
use serde_json::Value;

const OTHER: &str = "https://club.example/";

/// Three schemes: `bar` and `club` read the field and trust one issuer each, `door` reads the query.
async fn scene(route: &str) -> (Gateway, Upstream) {
    let scheme = |name: &str, issuer: &str, key: &str, accept: &str| {
        format!(
            "  {name}: {{ wrap: {{ issuers: [{{ name: \"{issuer}\", key_file: \"{{keys}}/{key}.b64\" }}], \
             audience: \"{{audience}}\", accept: [{accept}] }} }}\n"
        )
    };
    let schemes = [
        scheme("bar", "{issuer}", "bouncer", "header"),
        scheme("club", OTHER, "previous", "header"),
        scheme("door", OTHER, "previous", "query"),
    ];
    let text = format!(
        "schemes:\n{}upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n  - name: menu\n    match: {{ path: / }}\n    \
         upstream: bar\n    identity: {{ preset: auth-request }}\n{route}",
        schemes.concat()
    );
    let upstream = Upstream::start().await;
    (Config::new(&text).upstream(&upstream).start().await, upstream)
}

fn club(subject: &str) -> Token {
    Token::of(subject).issuer(OTHER).key(PREVIOUS_KEY)
}

fn query(token: &Token) -> String {
    let escaped: String = token.mint().bytes().map(|octet| format!("%{octet:02X}")).collect();
    format!("/menu?a=1&wrap_access_token={escaped}")
}

async fn fetch(gateway: &Gateway, target: &str, lines: &str) -> Message {
    raw::fetch(gateway.address(), target, lines).await
}

#[tokio::test]
async fn a_token_goes_to_the_scheme_whose_issuer_it_names() {
    let (gateway, upstream) = scene("    authenticate: { any_of: [bar, club, door] }\n").await;
    for (token, subject) in [(Token::of("alice"), "alice"), (club("carol"), "carol")] {
        assert_eq!(fetch(&gateway, "/menu", &token.authorization()).await.status(), 200);
        let request = upstream.requests().pop().unwrap();
        assert_eq!((request.field("x-auth-request-user"), request.mentions("authorization")), (Some(subject), false));
    }
    assert_eq!(fetch(&gateway, &query(&club("dan")), "").await.status(), 200);
    let request = upstream.requests().pop().unwrap();
    assert_eq!((request.field("x-auth-request-user"), request.target()), (Some("dan"), "/menu?a=1"));
}

#[tokio::test]
async fn of_two_schemes_of_one_issuer_the_one_that_has_the_key_takes_a_token() {
    let (old, new, stranger) = (Issuer::with_key("old"), Issuer::with_key("new"), Issuer::with_key("new"));
    let scheme = |name: &str, keys: &Issuer| {
        format!("  {name}: {{ jwt: {{ issuer: \"{}\", audiences: [orders], jwks: '{}' }} }}\n", issuer::NAME, keys.jwks())
    };
    let text = format!(
        "schemes:\n{}{}upstreams:\n  u: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n  \
         - {{ match: {{ path: / }}, authenticate: {{ any_of: [before, after] }}, upstream: u }}\n",
        scheme("before", &old),
        scheme("after", &new)
    );
    let upstream = Upstream::start().await;
    let gateway = Config::new(&text).upstream(&upstream).start().await;
    let ask = async |issuer: &Issuer| fetch(&gateway, "/", &format!("Authorization: Bearer {}\r\n", issuer.bearer())).await.status();
    assert_eq!((ask(&old).await, ask(&new).await), (200, 200));
    for scheme in ["before", "after"] {
        gateway.access_line(|line| line["status"] == 200 && line["auth_scheme"] == scheme).await;
    }
    // Whoever the name sends it to refuses it for good.
    assert_eq!(ask(&stranger).await, 401);
    gateway.denial("signature_invalid").await;
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn the_verdict_of_the_scheme_that_a_token_is_for_is_final() {
    let (gateway, upstream) = scene("    authenticate: { any_of: [bar, club, door] }\n").await;
    let forged = Token::of("alice").key(PREVIOUS_KEY);
    for (token, reason) in [(forged, "signature_invalid"), (club("carol").key(FOREIGN_KEY), "signature_invalid")] {
        assert_eq!(fetch(&gateway, "/menu", &token.authorization()).await.status(), 401);
        gateway.denial(reason).await;
    }
    let stranger = Token::of("eve").issuer("https://nobody.example/");
    let answer = fetch(&gateway, "/menu", &stranger.authorization()).await;
    assert_eq!((answer.status(), answer.values("www-authenticate").len()), (401, 3), "every scheme of the route asks");
    gateway.denial("issuer_untrusted").await;
    upstream.assert_untouched();
}

#[tokio::test]
async fn credentials_in_two_places_are_refused_unless_both_are_asked_for() {
    let (gateway, upstream) = scene("    authenticate: { any_of: [bar, door] }\n").await;
    assert_eq!(fetch(&gateway, &query(&club("dan")), &Token::of("alice").authorization()).await.status(), 400);
    upstream.assert_untouched();
    // A scheme that reads only the query refuses to choose, too, where a field is beside it.
    gateway.denial("several_tokens").await;
}

#[tokio::test]
async fn nobody_passes_a_route_of_two_schemes_with_one_credential() {
    let (gateway, upstream) = scene("    authenticate: { all_of: [bar, door] }\n").await;
    for (target, lines) in [("/menu".to_owned(), Token::of("alice").authorization()), (query(&club("dan")), String::new())] {
        let answer = fetch(&gateway, &target, &lines).await;
        assert_eq!((answer.status(), answer.values("www-authenticate")), (401, vec!["WRAP", "WRAP"]), "both are asked for");
    }
    upstream.assert_untouched();
    assert_eq!(fetch(&gateway, &query(&club("dan")), &Token::of("alice").authorization()).await.status(), 200);
    let request = upstream.requests().pop().unwrap();
    assert_eq!((request.field("x-auth-request-user"), request.target()), (Some("alice"), "/menu?a=1"), "neither credential goes on");
    assert!(!request.mentions("authorization"));
}

#[tokio::test]
async fn what_a_route_asks_for_is_said_once() {
    for (list, found) in [
        ("{ any_of: [bar], all_of: [bar, door] }", "exactly one of `any_of` and `all_of`"),
        ("{ all_of: [bar, door], nonsense: 5 }", "exactly one of `any_of` and `all_of`"),
        ("{}", "exactly one of `any_of` and `all_of`"),
        ("{ some_of: [bar] }", "exactly one of `any_of` and `all_of`"),
    ] {
        let text = format!(
            "schemes:\n  bar: {{ wrap: {{ issuers: [{{ name: x, key_file: \"{{keys}}/bouncer.b64\" }}], audience: a }} }}\n  door: {{ wrap: {{ \
             issuers: [{{ name: y, key_file: \"{{keys}}/bouncer.b64\" }}], audience: a, accept: [query] }} }}\nupstreams:\n  u: {{ servers: [\"127.0.0.1:1\"] }}\n\
             routes:\n  - {{ match: {{ path: / }}, authenticate: {list}, upstream: u }}\n"
        );
        let report = Config::new(&text).refused().await.report;
        assert!(report.contains(found), "{list}: {report}");
    }
}

#[tokio::test]
async fn what_is_written_without_a_value_is_not_left_out() {
    for more in ["authorize:", "authorize: {}", "match: { path: /, methods: [] }\n    name: x"] {
        let matches = if more.starts_with("match") { "" } else { "    match: { path: / }\n" };
        let text = format!(
            "schemes:\n  bar: {{ wrap: {{ issuers: [{{ name: x, key_file: \"{{keys}}/bouncer.b64\" }}], audience: a }} }}\nupstreams:\n  \
             u: {{ servers: [\"127.0.0.1:1\"] }}\nroutes:\n  - authenticate: bar\n{matches}    upstream: u\n    {more}\n"
        );
        let report = Config::new(&text).refused().await.report;
        assert!(report.contains("1 problem"), "{more}: {report}");
    }
}

#[tokio::test]
async fn a_scheme_stands_once_in_a_list_and_schemes_of_one_place_not_under_all_of() {
    for (list, found) in
        [("any_of: [bar, bar]", "listed twice"), ("all_of: [bar, club]", "from the same place"), ("all_of: []", "an empty list")]
    {
        let text = format!(
            "schemes:\n  bar: {{ wrap: {{ issuers: [{{ name: x, key_file: \"{{keys}}/bouncer.b64\" }}], audience: a }} }}\n  club: {{ wrap: {{ \
             issuers: [{{ name: y, key_file: \"{{keys}}/bouncer.b64\" }}], audience: a }} }}\nupstreams:\n  u: {{ servers: [\"127.0.0.1:1\"] }}\n\
             routes:\n  - {{ match: {{ path: / }}, authenticate: {{ {list} }}, upstream: u }}\n"
        );
        let report = Config::new(&text).refused().await.report;
        assert!(report.contains(found), "{list}: {report}");
    }
}

#[tokio::test]
async fn what_an_identity_may_do_is_judged_after_who_it_is() {
    let rules = "    authenticate: bar\n    authorize:\n      scopes: [menu.read]\n      claims: { Role: [patron, owner] }\n      \
                 any:\n        - claims: { dept: { like: \"eng-*\" } }\n        - cel: \"request.path == '/open' && principal.subject == 'alice'\"\n";
    let (gateway, upstream) = scene(rules).await;
    let allowed = || Token::of("alice").claim("scope", "x menu.read").claim("Role", "guest,patron").claim("dept", "eng-core");
    assert_eq!(fetch(&gateway, "/menu", &allowed().authorization()).await.status(), 200);
    let by_expression = Token::of("alice").claim("scope", "menu.read").claim("Role", "owner");
    assert_eq!(fetch(&gateway, "/open", &by_expression.authorization()).await.status(), 200);
    let passed = upstream.requests().len();
    for (token, reason, expected, found) in [
        (Token::of("alice").claim("scope", "menu.reader").claim("Role", "patron"), "scope_insufficient", "menu.read", "menu.reader"),
        (Token::of("alice").claim("scope", "menu.read").claim("Role", "guest"), "claim_insufficient", "[patron, owner]", "guest"),
        (by_expression, "claim_insufficient", "{ like: \"eng-*\" }", ""),
    ] {
        let answer = fetch(&gateway, "/menu", &token.authorization()).await;
        assert_eq!((answer.status(), answer.text().as_str()), (403, "Forbidden\n"), "{reason}");
        gateway.denial(reason).await;
        let of = |line: &Value| line["reason"] == reason && line["expected"] == expected;
        for line in [gateway.access_line(of).await, gateway.audit_line(of).await] {
            let named = ["auth_scheme", "issuer", "subject"].map(|name| line[name].as_str().unwrap_or_default());
            assert_eq!(named, ["bar", ISSUER, "alice"], "who was proved stands in the logs: {line}");
            assert_eq!(line["token"].as_str().map(str::len), Some(16), "{line}");
            assert_eq!(line["found"].as_str().unwrap_or_default(), found, "{line}");
        }
        assert_eq!(gateway.access_line(of).await["auth_profile"], "swt");
        assert!(gateway.log_lines().iter().all(|line| !line.contains("HMACSHA256")), "no line has a token");
    }
    assert_eq!(fetch(&gateway, "/menu", &Token::of("alice").expires_in(-5).authorization()).await.status(), 401);
    assert_eq!(upstream.requests().len(), passed);
}

#[tokio::test]
async fn a_sign_in_that_is_too_old_is_asked_for_again() {
    let (gateway, upstream) =
        scene("    authenticate: bar\n    authorize: { authentication: { acr_values: [gold], max_age: 1h } }\n").await;
    let now = portcullis::clock::now().seconds();
    let token = |age: u64| Token::of("alice").claim("acr", "gold").claim("auth_time", &(now - age).to_string());
    assert_eq!(fetch(&gateway, "/menu", &token(3_000).authorization()).await.status(), 200);
    assert_eq!(fetch(&gateway, "/menu", &token(4_000).authorization()).await.status(), 401);
    gateway.denial("authentication_insufficient").await;
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn tokens_in_two_cookies_are_two_credentials() {
    let key = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let scheme = |name: &str| {
        format!(
            "  {name}: {{ jwt: {{ issuer: \"https://{name}.example\", audiences: [x], jwks: '{key}', accept: [{{ cookie: {name} }}] }} }}\n"
        )
    };
    let text = format!(
        "schemes:\n{}{}upstreams:\n  u: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n  - {{ match: {{ path: / }}, authenticate: {{ any_of: [ta, tb] }}, \
         upstream: u }}\n",
        scheme("ta"),
        scheme("tb")
    );
    let upstream = Upstream::start().await;
    let gateway = Config::new(&text).upstream(&upstream).start().await;
    assert_eq!(fetch(&gateway, "/", "Cookie: ta=a.b.c; tb=d.e.f\r\n").await.status(), 400);
    gateway.denial("ambiguous_credentials").await;
    assert_eq!(fetch(&gateway, "/", "Cookie: ta=a.b.c\r\n").await.status(), 401);
    upstream.assert_untouched();
}

#[tokio::test]
async fn credentials_for_other_schemes_of_the_route_do_not_go_on() {
    let (gateway, upstream) = scene("    authenticate: { any_of: [bar, door] }\n").await;
    let more = "Authorization: Basic eDp5\r\n";
    let answer = fetch(&gateway, "/menu?wrap_access_token=junk", &Token::of("alice").authorization()).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(fetch(&gateway, &query(&club("dan")), more).await.status(), 400);
    upstream.assert_untouched();
    let (gateway, upstream) = scene("    authenticate: { all_of: [door, bar] }\n").await;
    assert_eq!(fetch(&gateway, &query(&club("dan")), &Token::of("alice").authorization()).await.status(), 200);
    let request = upstream.requests().pop().unwrap();
    assert_eq!((request.field("x-auth-request-user"), request.target()), (Some("dan"), "/menu?a=1"), "the first scheme says who it is");
}
