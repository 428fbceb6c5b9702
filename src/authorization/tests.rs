//! Rules as they are written, against identities.

use super::{Authorization, AuthorizationSettings, RequestFacts};
use crate::clock::UnixTime;
use crate::scheme::{Insufficiency, Principal};
use crate::setting::{Located, Position, Problem};

const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
const REQUEST: RequestFacts<'_> = RequestFacts { method: "GET", host: "api.example", path: "/orders/7", query: "a=b", route: "orders" };

fn built(json: serde_json::Value) -> Result<Authorization, Vec<Problem>> {
    let settings: AuthorizationSettings = serde_json::from_value(plain(json)).unwrap();
    Authorization::build(&Located::unwritten(settings))
}

/// In a file the reader adds the places; here they are added by hand.
fn plain(json: serde_json::Value) -> serde_json::Value {
    use serde_json::{Value, json};
    let located = |value: Value| json!({ "line": 1, "column": 1, "value": value });
    let Value::Object(object) = json else { return json };
    let inner = |name: &str, value: Value| match (name, value) {
        ("scopes" | "any_scope" | "acr_values", Value::Array(list)) => located(list.into_iter().map(located).collect()),
        ("claims", Value::Object(claims)) => claims.into_iter().map(|(name, rule)| (name, located(rule))).collect(),
        ("all" | "any", Value::Array(list)) => located(list.into_iter().map(|rule| located(plain(rule))).collect()),
        ("authentication", value) => located(plain(value)),
        (_, value) => located(value),
    };
    object
        .into_iter()
        .map(|(name, value)| {
            let value = inner(&name, value);
            (name, value)
        })
        .collect()
}

fn judged(rules: serde_json::Value, claims: &[(&str, &str)]) -> Result<(), &'static str> {
    let rules = built(rules).unwrap_or_else(|problems| panic!("{problems:?}"));
    rules.judge(&Principal::specimen(claims), &REQUEST, NOW).map_err(|miss| miss.reason())
}

#[test]
fn without_rules_whoever_was_proved_may_pass() {
    assert_eq!(Authorization::default().judge(&Principal::specimen(&[]), &REQUEST, NOW), Ok(()));
}

#[test]
fn scopes_are_compared_whole() {
    let each = || serde_json::json!({ "scopes": ["orders.read", "orders.write"] });
    assert_eq!(judged(each(), &[("scope", "orders.write other orders.read")]), Ok(()));
    for too_little in ["", "orders.read", "orders.read orders.writes", "orders.read,orders.write", "ORDERS.READ orders.write"] {
        assert_eq!(judged(each(), &[("scope", too_little)]), Err("scope_insufficient"), "{too_little}");
    }
    let any = || serde_json::json!({ "any_scope": ["a", "b"] });
    assert_eq!(judged(any(), &[("scp", "x,b")]), Ok(()));
    assert_eq!(judged(any(), &[("scp", "x b")]), Ok(()));
    for claims in [("roles", "b"), ("scp", r#"{"a":"x b y"}"#), ("scope", r#"["x b y"]"#), ("scope", r#"{"a":"x b y"}"#)] {
        assert_eq!(judged(any(), &[claims]), Err("scope_insufficient"), "{claims:?}");
    }
}

#[test]
fn the_caller_learns_which_scopes_it_takes() {
    let rules = built(serde_json::json!({ "scopes": ["b", "a"] })).unwrap();
    let miss = rules.judge(&Principal::specimen(&[]), &REQUEST, NOW).unwrap_err();
    assert_eq!(miss, Insufficiency::Scope("b a".into()));
}

#[test]
fn claims_have_values_or_conditions() {
    let rules = || serde_json::json!({ "claims": { "Role": ["patron"], "dept": { "like": "eng-*" } } });
    assert_eq!(judged(rules(), &[("Role", "guest,patron"), ("dept", "eng-core")]), Ok(()));
    for claims in [&[("Role", "patron")][..], &[("Role", "x"), ("dept", "eng-")], &[("Role", "patron"), ("dept", "xeng-")]] {
        assert_eq!(judged(rules(), claims), Err("claim_insufficient"), "{claims:?}");
    }
}

#[test]
fn rules_nest() {
    let rules = || {
        serde_json::json!({ "any": [
            { "scopes": ["admin"] },
            { "scopes": ["read"], "all": [{ "claims": { "a": ["1"] } }, { "claims": { "b": ["2"] } }] },
        ] })
    };
    assert_eq!(judged(rules(), &[("scope", "admin")]), Ok(()));
    assert_eq!(judged(rules(), &[("scope", "read"), ("a", "1"), ("b", "2")]), Ok(()));
    assert_eq!(judged(rules(), &[("scope", "read"), ("a", "1"), ("b", "3")]), Err("scope_insufficient"), "the first one's miss");
}

#[test]
fn expressions_see_principal_request_and_route() {
    for (text, holds) in [
        ("principal.subject == 'alice' && principal.issuer == 'https://issuer.example' && principal.scheme == 'api'", true),
        ("'a' in principal.scopes && !('z' in principal.scopes)", true),
        ("principal.claims.role == 'admin'", false),
        ("principal.claims.absent == 'x'", false),
        ("has(principal.claims.absent)", false),
        ("!has(principal.claims.absent)", true),
        ("'eng' in principal.claims.groups.split(',')", true),
        ("int(principal.claims.level) >= 3", true),
        ("int(principal.claims.groups) >= 3", false),
        ("request.method == 'GET' && request.path.startsWith('/orders/') && request.host == 'api.example'", true),
        ("request.query == 'a=b' && route == 'orders'", true),
        ("1 / 0 == 1", false),
        ("principal['claims']['role'] == 'user' && principal.claims['level'] == '3' && request['method'] == 'GET'", true),
        ("principal.scopes.exists(s, s == 'b') && principal.claims.exists(name, name == 'role')", true),
        ("{'a': {'b': 1}}.a.b == 1", true),
    ] {
        let claims = [("scope", "a b"), ("role", "user"), ("groups", "ops,eng"), ("level", "3")];
        let expected = if holds { Ok(()) } else { Err("expression_false") };
        assert_eq!(judged(serde_json::json!({ "cel": text }), &claims), expected, "{text}");
    }
}

#[test]
fn an_expression_that_turns_out_to_be_no_truth_value_says_what_it_is() {
    let judged = |text: &str| {
        let rules = built(serde_json::json!({ "cel": text })).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        rules.judge(&Principal::specimen(&[("scope", "a b"), ("role", "user")]), &REQUEST, NOW)
    };
    for (text, kind) in [
        ("principal.scopes[0]", "a text"),
        ("principal.claims.role == 'user' ? 1 : true", "a number"),
        ("[principal.scopes, true][0]", "a list"),
        ("principal.claims.role == 'user' ? principal.claims : false", "a map"),
    ] {
        assert_eq!(judged(text), Err(Insufficiency::ExpressionKind(kind)), "{text}");
        assert_eq!(judged(text).unwrap_err().reason(), "expression_not_boolean");
    }
    assert_eq!(judged("principal.claims.absent == '' ? 1 : true"), Err(Insufficiency::Expression));
    assert_eq!(judged("principal.claims.role == 'admin' ? 1 : true"), Ok(()));
}

#[test]
fn what_is_never_true_is_refused() {
    for (text, kind) in [
        ("principal.subject", "a text"),
        ("principal.claims.admin", "a text"),
        ("principal.claims[request.path]", "a text"),
        ("principal.scopes", "a list"),
        ("principal.scopes.map(s, s == 'a')", "a list"),
        ("principal.scopes.filter(s, s == 'a')", "a list"),
        ("principal.claims", "a map"),
        ("{'a': principal.subject}", "a map"),
        ("1 + 1", "the result of `+`"),
        ("-int(principal.claims.level)", "the result of `-`"),
        ("size(principal.subject)", "a number"),
        ("principal.subject.split(',')", "a list"),
        ("b'x'", "octets"),
        ("null", "null"),
        ("!principal.claims.guest", "a text"),
        ("request.method == 'GET' && principal.claims.admin", "a text"),
        ("principal.claims.admin || principal.claims.root", "a text"),
        ("route == 'x' ? principal.subject : 'y'", "a text"),
        ("principal.subject ? true : false", "a text"),
        ("'text'", "a text"),
    ] {
        let told = format!("{:?}", built(serde_json::json!({ "cel": text })).unwrap_err());
        assert!(told.contains(&format!("{kind} in the place of true or false")), "{text}: {told}");
    }
}

#[test]
fn what_may_be_true_is_taken() {
    for text in [
        "true",
        "principal.claims.absent == '' || principal.claims.role",
        "route == 'orders' ? principal.scopes[0] == 'a' : 'no'",
        "[true, false][0]",
        "{'orders': true}[route]",
        "['a'].exists(s, s == 'a') || ['a'].all(s, s in principal.scopes) || ['a'].exists_one(s, s == route)",
        "size(principal.scopes) > 1 && !(request.path + request.query == '') && -1 < 0",
        "principal.scopes.filter(s, s == 'a') == ['a'] && principal.scopes.map(s, s == 'a')[0]",
        "principal.claims['role'].matches('u.*') && !has(principal.claims.absent)",
    ] {
        assert!(built(serde_json::json!({ "cel": text })).is_ok(), "{text}");
    }
}

#[test]
fn a_sign_in_must_be_of_a_class_and_recent() {
    let rules = || serde_json::json!({ "authentication": { "acr_values": ["gold", "silver"], "max_age": "5m" } });
    let at = |time: &'static str| [("acr", "silver"), ("auth_time", time)];
    assert_eq!(judged(rules(), &at("1699999700")), Ok(()));
    assert_eq!(judged(rules(), &at("1699999699")), Err("authentication_insufficient"));
    assert_eq!(judged(rules(), &at("1699999701.75")), Ok(()));
    assert_eq!(judged(rules(), &at("1700000300")), Ok(()));
    assert_eq!(judged(rules(), &at("1700000301")), Err("authentication_insufficient"), "nobody signs in tomorrow");
    assert_eq!(judged(rules(), &at("soon")), Err("authentication_insufficient"));
    for claims in [&[("auth_time", "1699999999")][..], &[("acr", "silver")], &[("acr", "bronze"), ("auth_time", "1699999999")]] {
        assert_eq!(judged(rules(), claims), Err("authentication_insufficient"), "{claims:?}");
    }
}

#[test]
fn rules_that_cannot_hold_are_refused() {
    let at = Position::new(1, 1);
    for (rules, found) in [
        (serde_json::json!({}), "rules that ask for nothing"),
        (serde_json::json!({ "any": [] }), "an empty list"),
        (serde_json::json!({ "any": [{}] }), "rules that ask for nothing"),
        (serde_json::json!({ "scopes": [] }), "an empty list"),
        (serde_json::json!({ "scopes": ["a b"] }), "\"a b\""),
        (serde_json::json!({ "scopes": ["a,b"] }), "\"a,b\""),
        (serde_json::json!({ "claims": { "a": [] } }), "an empty list of values"),
        (serde_json::json!({ "authentication": {} }), "neither a class of authentication nor an age"),
        (serde_json::json!({ "cel": "user == 'x'" }), "`user`, which names nothing"),
        (serde_json::json!({ "cel": "nonsense(principal)" }), "`nonsense`, which names nothing"),
        (serde_json::json!({ "cel": "principal.sub == 'x'" }), "`principal.sub`, where `principal` has `scheme`, `issuer`,"),
        (serde_json::json!({ "cel": "!has(principal.groups)" }), "`principal.groups`"),
        (serde_json::json!({ "cel": "'x' in request.headers['x']" }), "`request.headers`, where `request` has `method`"),
        (serde_json::json!({ "cel": "request['verb'] == 'GET'" }), "`request.verb`"),
        (serde_json::json!({ "cel": "route.name == 'x'" }), "`.name` of a text"),
        (serde_json::json!({ "cel": "principal.claims.realm_access.roles == 'x'" }), "`.roles` of a text"),
        (serde_json::json!({ "cel": "['x'].exists(s, s == principal.name)" }), "`principal.name`"),
        (serde_json::json!({ "cel": "{'a': [request.url]}.a == ['x']" }), "`request.url`"),
        (serde_json::json!({ "cel": "principal.scopes.exists(s, s == 'a') && s == 'a'" }), "`s`, which names nothing"),
        (serde_json::json!({ "cel": "s.exists(s, s == 'a')" }), "`s`, which names nothing"),
        (serde_json::json!({ "cel": "principal.claims[request.verb] == 'x'" }), "`request.verb`"),
        (serde_json::json!({ "cel": "route == 'x' ? true : size(request.uri) > 1" }), "`request.uri`"),
        (serde_json::json!({ "cel": "principal.subject ==" }), ""),
        (serde_json::json!({ "cel": "" }), ""),
        (serde_json::json!({ "cel": format!("1{} > 1", "+1".repeat(510)) }), "1024 are the most"),
        (serde_json::json!({ "cel": "((((((((((" }), ""),
        (serde_json::json!({ "cel": "\u{0}\u{ff}" }), ""),
    ] {
        match built(rules.clone()) {
            Ok(_) => panic!("{rules} is taken"),
            Err(problems) => {
                let told = format!("{problems:?}");
                assert!(
                    told.contains(&format!("{found:?}")[1..format!("{found:?}").len() - 1]) && !told.is_empty(),
                    "{rules}: {told} {at:?}"
                );
            }
        }
    }
}

#[test]
fn deep_expressions_are_refused_or_compiled() {
    let sum = format!("int(principal.claims.level){} > 1", "+1".repeat(490));
    for text in [
        sum,
        "(".repeat(1000),
        format!("{}true", "!".repeat(1000)),
        format!("{}true", "-".repeat(1000)),
        "[".repeat(1000),
        format!("{}1{}", "(".repeat(500), ")".repeat(500)),
        format!("true{}", "?true:true".repeat(100)),
        format!("{}true == true", "true == ".repeat(120)),
    ] {
        if let Ok(rules) = built(serde_json::json!({ "cel": text })) {
            let _ = rules.judge(&Principal::specimen(&[("level", "1")]), &REQUEST, NOW);
        }
    }
}
