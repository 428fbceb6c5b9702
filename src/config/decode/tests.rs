//! Whole documents: every problem, exactly placed.

use crate::config::decode;
use crate::setting::{ByteSize, Environment, Located, Period, Position, SecretText};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

const ENVIRONMENT: Environment =
    Environment::Fixed(&[("PORT", "8080"), ("KEY", "hunter2"), ("YES", "true"), ("WAIT", "5s"), ("BAD", "hunter3")]);

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "the fields are there to be decoded")]
struct Document {
    #[serde(default)]
    listeners: Vec<Listener>,
    #[serde(default)]
    schemes: BTreeMap<String, Scheme>,
    #[serde(default)]
    routes: Vec<Route>,
    admin: Option<Listener>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "the fields are there to be decoded")]
struct Listener {
    address: SocketAddr,
    name: String,
    #[serde(default)]
    public: bool,
    tls: Option<Tls>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "the fields are there to be decoded")]
struct Tls {
    certificate: Located<PathBuf>,
    key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "the fields are there to be decoded")]
enum Scheme {
    Wrap(Wrap),
    Jwt { issuer: String, leeway: Period },
    Session,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "the fields are there to be decoded")]
struct Wrap {
    audience: Located<String>,
    #[serde(default)]
    accept: Vec<Carrier>,
    secret: Option<SecretText>,
    leeway: Option<Period>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Carrier {
    Header,
    Query,
    Form,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "the fields are there to be decoded")]
struct Route {
    path: Located<String>,
    upstream: Located<String>,
    #[serde(default)]
    weight: Option<NonZeroU16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(dead_code, reason = "the fields are there to be decoded")]
struct Limits {
    head: Option<ByteSize>,
    wait: Option<Period>,
    connections: Option<u16>,
    ratio: Option<f64>,
}

fn problems_of<T: serde::de::DeserializeOwned>(text: &str) -> Vec<String> {
    match decode::<T>(text, ENVIRONMENT) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn problems(text: &str) -> Vec<String> {
    problems_of::<Document>(text)
}

#[track_caller]
fn assert_problems(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "in\n{text}");
}

#[track_caller]
fn only_problem<T: serde::de::DeserializeOwned>(text: &str) -> String {
    let problems = problems_of::<T>(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].clone()
}

#[test]
fn a_sound_document_is_decoded() {
    let text = "
listeners:
  - { address: '127.0.0.1:8443', name: a, public: true, tls: { certificate: c.pem, key: k.pem } }
schemes:
  one: { wrap: { audience: http://a, accept: [header, query] } }
  two: { jwt: { issuer: i, leeway: 30s } }
  three: session
  four: { session: }
routes: [{ path: /x, upstream: bar, weight: 3 }]
limits: { head: 64KiB, wait: 500ms, connections: 0x10, ratio: 2 }
";
    let document: Document = decode(text, ENVIRONMENT).unwrap();
    assert!(document.listeners[0].public);
    assert!(matches!(&document.schemes["one"], Scheme::Wrap(wrap) if wrap.accept == [Carrier::Header, Carrier::Query]));
    assert!(matches!(&document.schemes["two"], Scheme::Jwt { leeway, .. } if *leeway == Period::from_secs(30)));
    assert!(matches!((&document.schemes["three"], &document.schemes["four"]), (Scheme::Session, Scheme::Session)));
    assert_eq!(document.routes[0].weight, NonZeroU16::new(3));
    assert_eq!((document.limits.connections, document.limits.ratio), (Some(16), Some(2.0)));
    assert_eq!(document.limits.head, Some(ByteSize::from_kib(64)));
    assert!(document.admin.is_none());
}

#[test]
fn many_problems_are_told_at_once_each_in_its_place() {
    assert_problems(
        "
listeners:
  - address: nowhere
    nmae: a
    public: yes
    tls: { certificate: 7, key: k.pem }
  - { address: 127.0.0.1:1, name: [] }
schemes:
  one:
    warp: {}
  two:
    wrap: { acept: [], accept: [header, qeury, form, 5], leeway: 30 }
  three: { jwt: { leeway: soon } }
  four: { session: { x: 1 } }
  five: { wrap: { audience: a }, session: }
routes:
  - path: /a
    upstream: b
  - upstream: b
    weight: 0
  - 7
limits:
  connections: 65536
  head: -1
  wait:
    x: y
  ratio: much
typo: 1
",
        &[
            "3:14: found the text `nowhere`, expected an address and port such as 192.0.2.1:8080",
            "4:5: found the unknown key `nmae`, expected one of `address`, `name`, `public`, `tls`; did you mean `name`?",
            "5:13: found the text `yes`, expected `true` or `false`; did you mean `true`?",
            "6:25: found the number `7`, expected a path; did you mean \"7\"?",
            "7:35: found an empty list, expected text",
            "10:5: found the unknown key `warp`, expected one of `wrap`, `jwt`, `session`; did you mean `wrap`?",
            "12:11: found a mapping without `audience`, expected the key `audience`",
            "12:13: found the unknown key `acept`, expected one of `audience`, `accept`, `secret`, `leeway`; did you mean `accept`?",
            "12:41: found the text `qeury`, expected one of `header`, `query`, `form`; did you mean `query`?",
            "12:54: found the number `5`, expected one of `header`, `query`, `form`",
            "12:66: found the number `30`, expected a period such as 500ms, 30s, 5m, 12h or 7d",
            "13:17: found a mapping without `issuer`, expected the key `issuer`",
            "13:27: found the text `soon`, expected a period such as 500ms, 30s, 5m, 12h or 7d",
            "14:20: found a mapping, expected `four: session`, with nothing below it",
            "15:34: found a second key `session`, expected exactly one of `wrap`, `jwt`, `session`",
            "19:5: found a mapping without `path`, expected the key `path`",
            "20:13: found the number `0`, expected a whole number from 1 to 65535",
            "21:5: found the number `7`, expected a mapping with the keys `path`, `upstream`, `weight`",
            "23:16: found the number `65536`, expected a whole number from 0 to 65535",
            "24:9: found the number `-1`, expected a size such as 512B, 64KiB, 8MiB or 1GiB",
            "26:5: found a mapping, expected a period such as 500ms, 30s, 5m, 12h or 7d",
            "27:10: found the text `much`, expected a number",
            "28:1: found the unknown key `typo`, expected one of `listeners`, `schemes`, `routes`, `admin`, `limits`",
        ],
    );
}

#[test]
fn every_missing_key_is_told() {
    assert_problems(
        "listeners: [{}]\nadmin: { tls: {} }\nschemes: { a: { jwt: {} } }\nroutes: [{}]\n",
        &[
            "1:13: found a mapping without `address`, expected the key `address`",
            "1:13: found a mapping without `name`, expected the key `name`",
            "2:8: found a mapping without `address`, expected the key `address`",
            "2:8: found a mapping without `name`, expected the key `name`",
            "2:15: found a mapping without `certificate`, expected the key `certificate`",
            "2:15: found a mapping without `key`, expected the key `key`",
            "3:22: found a mapping without `issuer`, expected the key `issuer`",
            "4:10: found a mapping without `path`, expected the key `path`",
            "4:10: found a mapping without `upstream`, expected the key `upstream`",
        ],
    );
}

#[test]
fn a_misspelt_key_is_not_missing_too() {
    assert_problems(
        "listeners: [{ addres: x }, { adress: x, nmae: x }]\nschemes: { a: { jwt: { isuer: x } }, b: { jwt: { leway: 5s } } }\n",
        &[
            "1:13: found a mapping without `name`, expected the key `name`",
            "1:15: found the unknown key `addres`, expected one of `address`, `name`, `public`, `tls`; did you mean `address`?",
            "1:30: found the unknown key `adress`, expected one of `address`, `name`, `public`, `tls`; did you mean `address`?",
            "1:41: found the unknown key `nmae`, expected one of `address`, `name`, `public`, `tls`; did you mean `name`?",
            "2:24: found the unknown key `isuer`, expected one of `issuer`, `leeway`; did you mean `issuer`?",
            "2:48: found a mapping without `issuer`, expected the key `issuer`",
            "2:50: found the unknown key `leway`, expected one of `issuer`, `leeway`; did you mean `leeway`?",
        ],
    );
}

#[test]
fn a_broken_value_is_not_missing_too() {
    assert_problems(
        "routes:\n- path: 7\n  upstream: [x]\n",
        &["2:9: found the number `7`, expected text; did you mean \"7\"?", "3:13: found a list, expected text"],
    );
}

#[test]
fn kinds_are_told_apart() {
    for (text, problem) in [
        ("routes:", "1:7: found nothing, expected a list"),
        ("routes: {}", "1:9: found an empty mapping, expected a list"),
        ("routes: x", "1:9: found the text `x`, expected a list; did you mean `[x]`?"),
        ("schemes: []", "1:10: found an empty list, expected a mapping"),
        ("schemes: { a: }", "1:13: found nothing, expected one of `wrap`, `jwt`, `session`"),
        ("schemes: { a: {} }", "1:15: found an empty mapping, expected one of `wrap`, `jwt`, `session`"),
        ("schemes: { a: wrap }", "1:15: found the text `wrap`, expected `{ wrap: … }`, with a value of its own"),
        ("schemes: { a: { wrap: } }", "1:21: found nothing, expected a mapping with the keys `audience`, `accept`, `secret`, `leeway`"),
        (
            "limits: { connections: '5' }",
            "1:24: found the text `5`, expected a whole number from 0 to 65535; did you mean 5 without quotes?",
        ),
        ("limits: { connections: 5.5 }", "1:24: found the number `5.5`, expected a whole number from 0 to 65535"),
        ("limits: { connections: true }", "1:24: found the truth value `true`, expected a whole number from 0 to 65535"),
        (
            "limits: { connections: 340282366920938463463374607431768211456 }",
            "1:24: found the number `340282366920938463463374607431768211456`, expected a whole number from 0 to 65535",
        ),
        ("[]", "1:1: found an empty list, expected a mapping with the keys `listeners`, `schemes`, `routes`, `admin`, `limits`"),
        (
            "just text",
            "1:1: found the text `just text`, expected a mapping with the keys `listeners`, `schemes`, `routes`, `admin`, `limits`",
        ),
    ] {
        assert_eq!(problems(text), [problem], "in {text}");
    }
}

#[test]
fn numbers_that_lose_by_quoting_are_suggested_as_written() {
    assert_eq!(only_problem::<Vec<String>>("[007, '1.10']"), "1:2: found the number `007`, expected text; did you mean \"007\"?");
    assert_eq!(only_problem::<Vec<String>>("- 1.10"), "1:3: found the number `1.10`, expected text; did you mean \"1.10\"?");
}

#[test]
fn located_values_know_their_place() {
    let text = "routes:\r\n- { 'path': \"é\", upstream: ü }\r\n-\r\n  path:\r\n    >-\r\n      folded\r\n  upstream: x\r\n";
    let document: Document = decode(text, ENVIRONMENT).unwrap();
    let places: Vec<Position> = document.routes.iter().flat_map(|route| [route.path.at(), route.upstream.at()]).collect();
    let expected = [(2, 13), (2, 28), (6, 7), (7, 13)].map(|(line, column)| Position::new(line, column));
    assert_eq!(places, expected);
    assert_eq!(&*document.routes[1].path.clone().into_inner(), "folded");
}

#[test]
fn columns_count_characters() {
    assert_eq!(only_problem::<Vec<u8>>("[ 1, ä𝄞é, 2]"), "1:6: found the text `ä𝄞é`, expected a whole number from 0 to 255");
    assert_eq!(problems_of::<BTreeMap<String, u8>>("\"äöü𝄞\": x"), ["1:9: found the text `x`, expected a whole number from 0 to 255"]);
}

#[test]
fn secrets_are_never_shown() {
    let told = [
        problems("schemes: { a: { wrap: { audience: a, secret: 471147114711 } } }"),
        problems("schemes: { a: { wrap: { audience: a, secret: [ 471147114711 ] } } }"),
        problems(
            "limits: { wait: '${BAD}', connections: '${BAD}', ratio: '${KEY}' }\nschemes: { a: '${KEY}', b: { wrap: { audience: a, accept: ['${KEY}'] } } }",
        ),
        problems("listeners: [{ address: '${KEY}', name: x, public: '${BAD}', tls: { certificate: c, key: [hunter2] } }]"),
        problems_of::<BTreeMap<String, Period>>("signing_key: hunter2\npassword: hunter2\nclient-secret: hunter2\ntoken: 471147114711"),
        problems_of::<BTreeMap<String, Vec<u8>>>("keys: [hunter2, 471147114711]"),
        problems_of::<BTreeMap<String, Talker>>("a: { key: hunter2 }\nb: { key: '${KEY}' }"),
        problems_of::<Vec<Talker>>("[hunter2]").iter().map(|_| String::new()).collect(),
    ];
    for told in told {
        assert!(!told.is_empty());
        let told = told.join("\n");
        for secret in ["hunter2", "hunter3", "4711"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let problem = only_problem::<BTreeMap<String, String>>("password: 4711");
    assert_eq!(problem, "1:11: found a number (not shown), expected text; did you mean to put it in quotes?");
    let problem = only_problem::<SecretText>("4711");
    assert_eq!(problem, "1:1: found a number (not shown), expected text; did you mean to put it in quotes?");
    let problem = only_problem::<Period>("${KEY}");
    assert_eq!(problem, "1:1: found a value of the environment (not shown), expected a period such as 500ms, 30s, 5m, 12h or 7d");
}

/// A type that repeats all that it was given.
#[derive(Debug, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
struct Talker;

impl TryFrom<BTreeMap<String, String>> for Talker {
    type Error = String;
    fn try_from(given: BTreeMap<String, String>) -> Result<Self, String> {
        Err(format!("found {given:?}, expected anything but {given:?}"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Picky;

impl TryFrom<String> for Picky {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "fine" => Ok(Self),
            words => Err(words.to_owned()),
        }
    }
}

#[test]
fn the_words_of_a_type_are_placed() {
    for (words, told) in [
        ("found a, expected b", "found a, expected b"),
        ("found `x, expected y`, expected b", "found `x, expected y`, expected b"),
        ("a better value", "found the text `a better value`, expected a better value"),
        ("invalid port", "found the text `invalid port` (invalid port), expected a value that can be used"),
    ] {
        assert_eq!(problems_of::<BTreeMap<String, Picky>>(&format!("a: fine\nb: '{words}'")), [format!("2:4: {told}")]);
    }
    assert!(!only_problem::<Picky>("\"found a\\nb, expected \\e[31m\"").contains(['\n', '\u{1b}']));
}

#[test]
fn what_follows_from_another_problem_is_not_told() {
    #[derive(Debug, Deserialize)]
    struct Pair {
        left: Option<u8>,
        right: Option<u8>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Pair")]
    struct Either;
    impl TryFrom<Pair> for Either {
        type Error = &'static str;
        fn try_from(pair: Pair) -> Result<Self, Self::Error> {
            pair.left.or(pair.right).map(|_| Self).ok_or("`left` or `right`")
        }
    }
    assert_eq!(only_problem::<Either>("left: x"), "1:7: found the text `x`, expected a whole number from 0 to 255");
    assert_eq!(only_problem::<Either>("{}"), "1:1: found an empty mapping, expected `left` or `right`");
    assert!(decode::<Either>("right: 1", ENVIRONMENT).is_ok());
}

#[test]
fn values_of_the_environment_read_as_what_is_asked() {
    let text = "admin: { address: '127.0.0.1:${PORT}', name: '${PORT}', public: '${YES}' }\nlimits: { connections: '${PORT}', wait: '${WAIT}', ratio: '${PORT}', head: '${PORT}' }";
    let document: Document = decode(text, ENVIRONMENT).unwrap();
    let admin = document.admin.unwrap();
    assert_eq!((admin.address.port(), admin.name.as_str(), admin.public), (8080, "8080", true));
    assert_eq!(document.limits.connections, Some(8080));
    assert_eq!(document.limits.wait, Some(Period::from_secs(5)));
    let texts: Vec<String> = decode("- $${PORT}\n- ${KEY}\n- |\n  a ${PORT}\n", ENVIRONMENT).unwrap();
    assert_eq!(texts, ["${PORT}", "hunter2", "a 8080\n"]);
    let keys: HashMap<String, u16> = decode("${PORT}: ${PORT}\n", ENVIRONMENT).unwrap();
    assert_eq!(keys["${PORT}"], 8080);
}

#[test]
fn unset_variables_stand_beside_the_other_problems() {
    assert_problems(
        "admin:\n  address: ${NOWHERE}\n  name: x\nlimits:\n  wait: ${NEVER}\n  head: x\n",
        &[
            "2:12: found `${NOWHERE}`, but no such variable is set in the environment, expected a variable that is set to UTF-8 text",
            "5:9: found `${NEVER}`, but no such variable is set in the environment, expected a variable that is set to UTF-8 text",
            "6:9: found the text `x`, expected a size such as 512B, 64KiB, 8MiB or 1GiB",
        ],
    );
}

#[test]
fn keys_stand_once() {
    assert_problems(
        "limits: { head: 1B, \"head\": 2B }\nroutes: []\nlimits: { wat: 1 }\n",
        &[
            "1:21: found a second key `head`, expected each key once (the first is at 1:11)",
            "3:1: found a second key `limits`, expected each key once (the first is at 1:1)",
        ],
    );
}

#[test]
fn keys_of_maps_are_typed() {
    let sound: HashMap<u16, bool> = decode("80: true\n0x51: false\n", ENVIRONMENT).unwrap();
    assert_eq!((sound[&80], sound[&81]), (true, false));
    let named: HashMap<String, bool> = decode("80: true\ntrue: true\nnull: true\n", ENVIRONMENT).unwrap();
    assert!(named["80"] && named["true"] && named["null"]);
    assert_eq!(
        problems_of::<HashMap<u16, bool>>("80: 1\nx: 2\n81: true\n"),
        [
            "1:5: found the number `1`, expected `true` or `false`",
            "2:1: found the text `x`, expected a whole number from 0 to 65535",
            "2:4: found the number `2`, expected `true` or `false`",
        ]
    );
}

#[test]
fn lists_of_fixed_length_are_counted() {
    assert_eq!(decode::<(u8, String)>("[1, x]", ENVIRONMENT), Ok((1, "x".to_owned())));
    assert_eq!(only_problem::<(u8, String)>("[1, x, 3]"), "1:1: found a list, expected a list of exactly 2 values");
    assert_eq!(only_problem::<[u8; 2]>("[1, y]"), "1:5: found the text `y`, expected a whole number from 0 to 255");
}

#[test]
fn aliases_repeat_within_bounds() {
    let lists: BTreeMap<String, Vec<u8>> = decode("a: &x [1, 2]\nb: *x\n", ENVIRONMENT).unwrap();
    assert_eq!(lists["b"], [1, 2]);
    assert_eq!(problems_of::<BTreeMap<String, Vec<u8>>>("a: &x [y]\nb: *x\n").len(), 1);
    let mut bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let before = format!("*a{}", level - 1);
        writeln!(bomb, "b{level}: &a{level} [{}]", [before.as_str(); 10].join(", ")).unwrap();
    }
    assert!(only_problem::<BTreeMap<String, serde::de::IgnoredAny>>(&bomb).contains("found too many values, expected at most 2097152"));
    let text = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(1 << 20), ["*a"; 200].join(", "));
    assert!(only_problem::<BTreeMap<String, serde::de::IgnoredAny>>(&text).contains("found too many values"));
    assert!(only_problem::<Vec<u8>>("&a [*a]").starts_with("1:5: found an alias within its own anchor"));
    assert!(only_problem::<Vec<u8>>("[*a]").starts_with("1:2: found text that is not YAML (while parsing node, found unknown anchor)"));
}

#[test]
fn repeated_problems_have_a_bound() {
    let limit = crate::config::report::MAX_PROBLEMS;
    for text in ["a: 1\n".repeat(5_000), "? [a]\n".repeat(5_000), "? !a a\n".repeat(5_000)] {
        assert_eq!(problems_of::<BTreeMap<String, u8>>(&text).len(), limit);
    }
    let unset: String = (0..5_000).map(|index| format!("k{index}: ${{NO}}\n")).collect();
    assert_eq!(problems_of::<BTreeMap<String, u8>>(&unset).len(), limit);
}

#[test]
fn nesting_has_a_bound() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let nested = |levels: usize| format!("{}x{}", open.repeat(levels), close.repeat(levels));
        assert!(decode::<serde::de::IgnoredAny>(&nested(64), ENVIRONMENT).is_ok(), "{open}");
        for levels in [65, 100_000] {
            let problem = only_problem::<serde::de::IgnoredAny>(&nested(levels));
            assert!(problem.ends_with("found lists and mappings nested too deeply, expected at most 64 levels"), "{problem}");
        }
    }
    let mut chain = "a: &a0 [x]\n".to_owned();
    for level in 1..100 {
        writeln!(chain, "b{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(only_problem::<serde::de::IgnoredAny>(&chain).contains("nested too deeply"));
}

#[test]
fn text_that_is_not_plain_yaml_is_refused_in_its_place() {
    for (text, problem) in [
        ("routes:\n\t- path: x\n", "2:1: found a tab that indents, expected spaces"),
        ("a: b: c\n", "1:5: found text that is not YAML (mapping values are not allowed in this context), expected YAML 1.2"),
        ("a: [1, 2\nb: 3\n", ""),
        ("a: \"x\n", ""),
        ("routes: []\n---\nroutes: []\n", "3:1: found a second document, expected one document in a file"),
        ("routes: !env X\n", "1:14: found a tag (a word that begins with `!`), expected a value without a tag"),
        ("[a]: b\n", "1:1: found a list or mapping as a key, expected a name"),
        (
            "limits: { <<: { head: 1B } }\n",
            "1:11: found a merge key `<<`, expected the keys themselves (an alias may stand for a whole value)",
        ),
    ] {
        let told = only_problem::<Document>(text);
        if problem.is_empty() {
            assert!(told.contains("found text that is not YAML"), "{told}");
        } else {
            assert_eq!(told, problem, "in {text}");
        }
    }
}

#[test]
fn ten_thousand_elements_are_decoded() {
    let mut text = "routes:\n".to_owned();
    for index in 0..10_000 {
        writeln!(text, "  - path: /a/{index}\n    upstream: u{index}").unwrap();
    }
    let document: Document = decode(&text, ENVIRONMENT).unwrap();
    assert_eq!(document.routes.len(), 10_000);
    assert_eq!(document.routes[9_999].upstream.at(), Position::new(20_001, 15));
    // Everything wrong: what is told has a bound, and the time stays linear.
    assert_eq!(problems(&text.replace("upstream", "nonsense")).len(), crate::config::report::MAX_PROBLEMS);
}

#[test]
fn json_is_yaml_too() {
    let text = "{\n\t\"routes\": [\n\t\t{\"path\": \"/\\u00e9\", \"upstream\": \"b\"}\n\t]\n}\n";
    let document: Document = decode(text, ENVIRONMENT).unwrap();
    assert_eq!(&**document.routes[0].path, "/é");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = decode::<Document>(&text, ENVIRONMENT);
    }

    #[test]
    fn no_yaml_like_text_panics(text in "([ \\n\\t:,{}\\[\\]&*!|>'\"%@`#?$-]|a|routes|path|limits|schemes|wrap|\\$\\{KEY\\}|---|<<|7|é|\\r){0,60}") {
        if let Err(problems) = decode::<Document>(&text, ENVIRONMENT) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| !problem.to_string().contains("hunter2")));
        }
    }
}
