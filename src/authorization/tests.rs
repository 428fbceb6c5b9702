//! Rules as they are written, against identities.

use super::expression::ENVIRONMENT;
use super::functions::{FUNCTIONS, MACROS, Style};
use super::kind::Sort;
use super::{Authorization, AuthorizationSettings, RequestFacts};
use crate::clock::UnixTime;
use crate::scheme::{Insufficiency, Mismatch, Principal, Refusal};
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
    assert_eq!(miss, Insufficiency::Scope("b a".into(), Mismatch::proved("b a", "").into()));
}

#[test]
fn logs_learn_what_was_wanted_beside_what_there_is() {
    let told = |rules, claims| {
        let miss = built(rules).unwrap().judge(&Principal::specimen(claims), &REQUEST, NOW).unwrap_err();
        let refusal = Refusal::Insufficient(miss);
        (refusal.claim().to_owned(), refusal.expected().to_owned(), refusal.found().to_owned())
    };
    let text = |claim: &str, expected: &str, found: &str| (claim.to_owned(), expected.to_owned(), found.to_owned());
    let scopes = serde_json::json!({ "scopes": ["b", "a"] });
    assert_eq!(told(scopes, &[("scope", "x b"), ("scp", "c")]), text("", "b a", "x b c"));
    let claims = serde_json::json!({ "claims": { "Role": ["patron", "owner"], "age": { "at_least": 18 } } });
    assert_eq!(told(claims.clone(), &[("Role", "guest")]), text("Role", "[patron, owner]", "guest"));
    assert_eq!(told(claims, &[("Role", "owner")]), text("age", "{ at_least: 18 }", ""));
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
        ("request.method == 'GET' && request.path.startsWith('/orders/') && request.host == 'api.example'", true),
        ("request.query == 'a=b' && route == 'orders'", true),
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
        assert_eq!(judged(text), Err(Insufficiency::ExpressionNotBoolean(kind)), "{text}");
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
        "route == 'orders' ? principal.scopes[0] == 'a' : 'no'",
        "[true, false][0]",
        "{'orders': true}[route]",
        "['a'].exists(s, s == 'a') || ['a'].all(s, s in principal.scopes) || ['a'].exists_one(s, s == route)",
        "size(principal.scopes) > 1 && !(request.path + request.query == '') && -1 < 0",
        "principal.scopes.filter(s, s == 'a') == ['a'] && principal.scopes.map(s, s == 'a')[0]",
        "principal.claims['role'].startsWith('u') && !has(principal.claims.absent)",
    ] {
        assert!(built(serde_json::json!({ "cel": text })).is_ok(), "{text}");
    }
}

#[test]
fn what_could_not_be_computed_says_why_and_quotes_nothing() {
    let judged = |text: &str| {
        let rules = built(serde_json::json!({ "cel": text })).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let claims = [("scope", "a b"), ("role", "hush"), ("groups", "ops,hush")];
        Refusal::Insufficient(rules.judge(&Principal::specimen(&claims), &REQUEST, NOW).unwrap_err())
    };
    for (text, why) in [
        ("int(principal.claims.groups) >= 3", "an error of the function `int`"),
        ("bool(principal.claims.role)", "an error of the function `bool`"),
        ("principal.claims.role.substring(9) == ''", "an error of the function `substring`"),
        ("1 / 0 == 1", "a division by zero"),
        ("principal.scopes[7] == 'a'", "an index beyond the end of the list"),
        ("{'other': true}[route]", "a key that is not in the map"),
        ("{'role': true, principal.claims.role: true}[route] || {}['role']", "a key that is not in the map"),
        ("{principal.claims.role: 1, 'hush': 2}['hush'] == 1", "a map with one key twice"),
        ("dyn(principal.claims.role) > 18", "found no matching overload for '_>_' applied to '(string, int)'"),
        ("principal.claims.role.contains(dyn(1))", "found no matching overload for 'contains' applied to 'string.(int)'"),
        ("dyn(principal.claims.role) && request.method == 'GET'", "found no matching overload for '_&&_' applied to '(string, bool)'"),
        ("dyn(principal.claims.role).exists(r, r == 'x')", "a value of a type that is not taken there"),
        ("principal.claims.role + 1 == 'x'", "an operator between values that it does not take"),
    ] {
        let refusal = judged(text);
        assert_eq!((refusal.reason(), refusal.found()), ("expression_not_computed", why), "{text}");
        assert!(!format!("{refusal:?}").contains("hush"), "{text}: {refusal:?}");
    }
    for text in ["principal.claims.absent == 'x'", "int(principal.claims['absent']) > 1", "principal.claims[request.path] == 'x'", "1 > 2"]
    {
        assert_eq!((judged(text).reason(), judged(text).found()), ("expression_false", ""), "{text}");
    }
}

#[test]
fn a_comparison_of_what_is_never_alike_is_refused() {
    for (text, why) in [
        ("principal.claims.admin == true", "`==` between a text and true or false"),
        ("true == principal.claims.admin", "`==` between true or false and a text"),
        ("principal.claims['level'] == 3", "`==` between a text and a number"),
        ("principal.claims.admin == null", "`==` between a text and null"),
        ("principal.scopes == 'a b'", "`==` between a list and a text"),
        ("principal.claims.groups == ['a','b']", "`==` between a text and a list"),
        ("principal.claims == 'x'", "`==` between a map and a text"),
        ("principal.claims.?role == 'x'", "`==` between an optional value and a text"),
        ("request.path.size() == '3'", "`==` between a number and a text"),
        ("bytes(route) == 'x'", "`==` between octets and a text"),
        ("has(principal.claims.admin) && principal.claims.admin == true", "`==` between a text and true or false"),
        ("principal.claims.admin == true || principal.claims.root == true", "`==` between a text and true or false"),
        ("has(principal.claims.a) ? principal.claims.a == 1 : principal.claims.b == 1", "`==` between a text and a number"),
        ("principal.claims.level != 0", "`!=` between a text and a number"),
        ("!(principal.claims.level == 0)", "`==` between a text and a number"),
        ("principal.claims.admin == true || principal.claims.admin == 'true'", "`==` between a text and true or false"),
        ("principal.claims.absent == null || principal.claims.role == 'user'", "`==` between a text and null"),
        ("principal.claims.age > 18", "`>` between a text and a number"),
        ("principal.claims.level > 2 || int(principal.claims.level) > 2", "`>` between a text and a number"),
        ("!(18 <= principal.claims.age)", "`<=` between a number and a text"),
        ("principal.scopes > 1", "`>` between a list and a number"),
        ("route < true", "`<` between a text and true or false"),
        ("(principal.claims.age >= 18) == true", "`>=` between a text and a number"),
        ("route.contains(1)", "`contains` over a text and a number"),
        ("principal.scopes.contains('a')", "`contains` over a list and a text"),
        ("principal.claims.startsWith('a')", "`startsWith` over a map and a text"),
        ("size(1) == 1", "`size` over a number"),
        ("'a' in principal.claims.groups", "`in` before a text"),
        ("principal.claims.groups.exists(g, g == 'a')", "each element of a text"),
        ("principal.claims.groups[0] == 'a'", "`[…]` after a text"),
        ("['x'][0]", "a text in the place of true or false"),
        ("{'a':'x'}['a']", "a text in the place of true or false"),
        ("{'a':'x'}.a", "a text in the place of true or false"),
    ] {
        let told = format!(
            "{:?}",
            built(serde_json::json!({ "cel": text }))
                .map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>())
                .unwrap_err()
        );
        assert!(told.contains(why), "{text}: {told}");
    }
}

#[test]
fn useful_rules_are_taken_and_can_be_true() {
    let claims = [("scope", "a b"), ("role", "user"), ("groups", "ops,eng"), ("level", "3"), ("admin", "true")];
    for text in [
        "principal.claims.admin == 'true'",
        "bool(principal.claims.admin)",
        "principal.claims.role != null",
        "!(principal.claims.role == 'admin') && principal.claims.role != 'guest'",
        "dyn(principal.claims.admin) == 'true'",
        "int(principal.claims.level) >= 3 && double(principal.claims.level) > 2 && uint(principal.claims.level) == 3u",
        "int(principal.claims.level) == 3.0",
        "principal.claims.role < 'z' && 'a' <= route",
        "'eng' in principal.claims.groups.split(',') && 'role' in principal.claims && 'a' in principal.scopes",
        "principal.scopes == ['a', 'b'] && principal.claims.groups.split(',') == ['ops', 'eng']",
        "principal.claims.groups.split(',').exists(g, g.startsWith('en') && g.endsWith('g'))",
        "principal.scopes.all(s, s in ['a', 'b']) && principal.scopes.exists_one(s, s == 'a')",
        "principal.scopes.map(s, s.upperAscii()).join(' ') == 'A B' && principal.scopes.filter(s, s != 'a').size() == 1",
        "(route == 'orders' ? 'user' : 'admin') == principal.claims.role",
        "{'orders': 'user'}[route] == principal.claims.role && {'orders': true}[route] && ['x', 'user'][1] == principal.claims.role",
        "principal.claims.?role.orValue('none') == 'user' && principal.claims.?absent.orValue('none') == 'none'",
        "principal.claims[?'role'].hasValue() && principal.?claims.?role.value() == 'user'",
        "principal.claims.?groups.optMap(g, g.split(',')).orValue([]).exists(g, g == 'eng')",
        "optional.of(principal.subject).or(optional.none()).value() == 'alice' && [?principal.claims.?role][0] == 'user'",
        "strings.quote(route) == '\"orders\"' && '/%s/7'.format([route]) == request.path",
        "request.path.substring(1).split('/')[0] == route && request.path.lastIndexOf('/') == 7 && request.path.charAt(0) == '/'",
        "request.path.replace('/', '').lowerAscii().trim() == 'orders7' && request.path.reverse() == '7/sredro/'",
        "type(principal.claims.level) == type('') && string(3) == principal.claims.level && size(principal.claims) > 3",
        "principal == principal && principal.claims.exists(c, principal.claims[c] == 'user')",
        "request.query.contains('a=b') || request.host.endsWith('.internal')",
        "route in ['orders', 'invoices'] && request.method in ['GET', 'HEAD']",
    ] {
        assert_eq!(judged(serde_json::json!({ "cel": text }), &claims), Ok(()), "{text}");
    }
    for text in
        ["false", "!(principal.claims.absent == 'x')", "principal.scopes.exists(s, s == 'z')", "[true, false][0]", "type(route) == type(1)"]
    {
        assert!(built(serde_json::json!({ "cel": text })).is_ok(), "{text}");
    }
}

#[test]
fn what_is_called_is_there() {
    for (text, why) in [
        ("request.path.matches('^/r')", "`matches`, which names nothing; what is called on a value is `startsWith`, `endsWith`"),
        ("request.path.startWith('/r')", "`startWith`, which names nothing"),
        ("principal.subject.endswith('ane')", "`endswith`, which names nothing"),
        ("nosuch(principal.subject)", "`nosuch`, which names nothing; what is called by itself is `size`, `int`"),
        ("timestamp(principal.claims.iat) > timestamp('2026-01-01T00:00:00Z')", "`timestamp`, which names nothing"),
        ("has(principal.claims.x) && nosuch(1) == 1", "`nosuch`"),
        ("true || nosuch(1)", "`nosuch`"),
        ("principal.scopes.exists(s, s.like('x'))", "`like`"),
        ("[1].map(x, nosuch(x))[0] == 1", "`nosuch`"),
        ("{nosuch(1): true}[1]", "`nosuch`"),
        ("principal.claims[nosuch('x')] == 'y'", "`nosuch`"),
        ("principal.scopes.all()", "`all` with the wrong number of arguments: it takes 2"),
        ("principal.scopes.map(s)", "`map` with the wrong number of arguments: it takes 2 or 3"),
        ("has()", "`has` with the wrong number of arguments: it takes 1"),
        ("request.path.startsWith()", "`startsWith` with the wrong number of arguments: it takes 1"),
        ("request.path.split() == []", "`split` with the wrong number of arguments: it takes 1 or 2"),
        ("request.path.size(1) == 1", "`size` with the wrong number of arguments: it takes 0"),
        ("lowerAscii(principal.subject) == 'jane'", "`lowerAscii` called by itself, where it is called on a value, as in `x.lowerAscii()`"),
        ("startsWith(route, 'o')", "`startsWith` called by itself"),
        ("principal.claims.level.int() == 3", "`int` called on a value, where it is called by itself, as in `int(x)`"),
        ("principal.subject.has(x)", "`has` called on a value"),
        ("optional.nosuch(1) == 1", "`nosuch`, which names nothing"),
        ("of(1) == 1", "`of`, which names nothing"),
    ] {
        let told = built(serde_json::json!({ "cel": text }))
            .map_err(|problems| problems.iter().map(Problem::to_string).collect::<String>())
            .unwrap_err();
        assert!(told.contains(why), "{text}: {told}");
    }
}

/// What the interpreter gives, whatever is thought of it when it is loaded.
fn computed(text: &str) -> Result<cel::Value, cel::ExecutionError> {
    let program = ENVIRONMENT.compile(text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    program.execute(&cel::Context::with_env(std::sync::Arc::clone(&ENVIRONMENT)))
}

/// A value of a sort that every function takes.
const fn specimen(sort: Sort) -> &'static str {
    match sort {
        Sort::Text => "'1'",
        Sort::Number => "0",
        Sort::Truth => "true",
        Sort::Octets => "b'1'",
        Sort::Null => "null",
        Sort::List => "['1']",
        Sort::Map => "{'1': 1}",
        Sort::Type => "type(1)",
        Sort::Optional => "optional.of(1)",
        Sort::Any => "1",
    }
}

#[test]
fn every_function_on_the_list_is_one_of_the_environment_and_gives_what_it_says() {
    use cel::objects::ValueType;
    for one in FUNCTIONS {
        let parts: Vec<_> = one.takes.iter().map(|sort| specimen(*sort)).collect();
        let text = match (one.style, &*parts) {
            (Style::OnValue, [on, rest @ ..]) => format!("{on}.{}({})", one.name, rest.join(", ")),
            (_, parts) => format!("{}({})", one.name, parts.join(", ")),
        };
        // A type is no value for others; its equality with itself is.
        let text = if one.gives == Sort::Type { format!("{text} == {text}") } else { text };
        let given = computed(&text).unwrap_or_else(|error| panic!("{text}: {error}")).type_of();
        let fits = match one.gives {
            Sort::Text => matches!(given, ValueType::String),
            Sort::Number => matches!(given, ValueType::Int | ValueType::UInt | ValueType::Float),
            Sort::Truth | Sort::Type => matches!(given, ValueType::Bool),
            Sort::Octets => matches!(given, ValueType::Bytes),
            Sort::List => matches!(given, ValueType::List),
            Sort::Optional => matches!(given, ValueType::Opaque),
            Sort::Null | Sort::Map => false,
            Sort::Any => true,
        };
        assert!(fits, "{text} gives {given:?}");
    }
    for (name, style, count) in MACROS {
        let text = match (*name, count) {
            ("has", _) => "has({'a': 1}.a)".to_owned(),
            ("optMap", _) => "optional.of(1).optMap(x, x + 1)".to_owned(),
            ("optFlatMap", _) => "optional.of(1).optFlatMap(x, optional.of(x))".to_owned(),
            (name, 3) => format!("[1].{name}(x, x == 1)"),
            (name, _) => format!("[1].{name}(x, x == 1, x)"),
        };
        assert!(computed(&text).is_ok(), "{text} {style:?}");
    }
}

/// An update that brings one of these belongs on the list.
#[test]
fn functions_that_others_have_are_not_in_the_environment() {
    for text in [
        "'a'.matches('a')",
        "matches('a', 'a')",
        "timestamp('2026-01-01T00:00:00Z')",
        "duration('1s')",
        "base64.encode(b'a')",
        "math.greatest(1, 2)",
        "[1].sort()",
        "[1].distinct()",
        "[[1]].flatten()",
        "[1].slice(0, 1)",
        "[1].first()",
        "[1].last()",
        "lists.range(1)",
        "[1].contains(1)",
        "[1].reverse()",
        "min([1])",
        "max([1])",
        "'a'.quote()",
        "getHours(1)",
    ] {
        assert!(computed(text).is_err(), "{text}");
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
