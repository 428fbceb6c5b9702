//! The battery for this scheme, and issuers that answer, lie, fail and are spared.

use super::*;
use crate::clock::UnixTime;
use crate::crypto::{NewKey, SigningKey, base64};
use crate::fetch::stand_in::{Answer, Host};
use crate::scheme::battery::{self, Request, Specimens, built, settled};
use crate::scheme::bearer::specimens::{ISSUER, NOW, claiming};
use crate::scheme::{Insufficiency, Scheme};
use crate::setting::{Position, Problem};
use crate::token::jose::pem;
use futures_util::future::{join, join_all};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::Runtime;

const FIELD: HeaderName = HeaderName::from_static("x-access-token");
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";
/// What the issuer says of a good token.
const GOOD: &str = r#""active":true,"iss":"https://issuer.example","sub":"alice","aud":["orders","x"],"exp":1700000600,"role":"buyer""#;

fn answer(content: impl AsRef<str>) -> Answer {
    Answer::new("200 OK", "Content-Type: application/json; charset=utf-8\r\n", content.as_ref().as_bytes())
}

fn inactive() -> Answer {
    answer(r#"{"active":false}"#)
}

/// The good answer with other members in place of these or after them: `name=JSON;…`, a name alone leaves it out.
fn stating(changes: &str) -> Answer {
    let mut members: serde_json::Map<String, Value> = serde_json::from_str(&format!("{{{GOOD}}}")).unwrap();
    for change in changes.split(';').filter(|change| !change.is_empty()) {
        match change.split_once('=') {
            Some((name, value)) => drop(members.insert(name.to_owned(), serde_json::from_str(value).unwrap())),
            None => drop(members.remove(change)),
        }
    }
    answer(Value::Object(members).to_string())
}

/// An issuer with its files.
struct Issuer {
    host: Host,
    folder: tempfile::TempDir,
}

impl Issuer {
    async fn answering(answer: Answer) -> Self {
        Self::at(Host::secure(answer).await)
    }

    fn at(host: Host) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &host.authority).unwrap();
        std::fs::write(folder.path().join("gateway.secret"), "hunter two\n").unwrap();
        Self { host, folder }
    }

    fn settings(&self) -> Value {
        json!({
            "endpoint": format!("https://{}/introspect", self.host.address),
            "client": { "id": "gw", "secret_file": "gateway.secret" },
            "audiences": ["orders"],
            "claims": { "role": { "one_of": ["buyer"] } },
            "ca_file": "ca.pem",
            "allow_private": true,
            "failures_before_open": 1000,
        })
    }

    fn with(&self, changes: &Value) -> Introspection {
        let mut settings = self.settings();
        for (name, value) in changes.as_object().unwrap() {
            settings[name] = value.clone();
        }
        self.built(settings).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn usual(&self) -> Introspection {
        self.with(&json!({}))
    }

    fn built(&self, settings: Value) -> Result<Introspection, Vec<Problem>> {
        built(settings, self.folder.path())
    }

    fn asked(&self) -> usize {
        self.host.heard().len()
    }
}

fn in_header(token: impl AsRef<[u8]>) -> Request {
    Request::default().field(AUTHORIZATION, [b"Bearer ", token.as_ref()].concat())
}

async fn proof(scheme: &Introspection, now: UnixTime) -> Result<Proof, Refusal> {
    in_header(TOKEN).prove_waiting(scheme, now).await.map(Option::unwrap)
}

async fn reason(scheme: &Introspection, now: UnixTime) -> &'static str {
    match proof(scheme, now).await {
        Ok(proof) => proof.memory.as_str(),
        Err(refusal) => refusal.reason(),
    }
}

/// An issuer for the battery, which runs outside of any task.
struct World {
    runtime: Runtime,
    issuer: Issuer,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let issuer = Issuer::at(runtime.block_on(Host::plain(Answer::ByRequest(of_token))));
    World { runtime, issuer }
});

fn of_token(request: &str) -> Answer {
    let (_, token) = request.split_once("&token=").unwrap();
    match token.split('&').next().unwrap() {
        TOKEN => stating(""),
        "others" => stating("aud=\"Orders\""),
        "nobodys" => stating("aud"),
        "roleless" => stating("role"),
        "seller" => stating("role=\"seller\""),
        "over" => stating("exp=1699999970"),
        "early" => stating("nbf=1700000031"),
        "bound" => stating("cnf={\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}"),
        "certified" => stating("cnf={\"x5t#S256\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}"),
        "oddly_bound" => stating("cnf={\"kid\":\"x\"}"),
        "text" => stating("active=\"true\""),
        _ => inactive(),
    }
}

fn escaped(text: &[u8]) -> String {
    text.iter().map(|octet| format!("%{octet:02x}")).collect()
}

struct IntrospectionSpecimens;

impl Specimens for IntrospectionSpecimens {
    type Scheme = Introspection;
    const NOW: UnixTime = NOW;

    fn scheme() -> Introspection {
        WORLD.issuer.with(&json!({
            "endpoint": format!("http://{}/introspect", WORLD.issuer.host.address),
            "ca_file": null,
            "allow_cleartext": true,
            "accept": ["header", { "field": "X-Access-Token" }, { "cookie": "token" }, "query", "form"],
        }))
    }

    fn token() -> Vec<u8> {
        TOKEN.into()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        vec![
            in_header(token),
            Request::default().field(FIELD, token),
            Request::default().field(COOKIE, [b"a=1; token=", token, b"; b=2"].concat()),
            Request::default().query(format!("a=1&access_token={}", escaped(token))),
            Request::default().form(format!("access_token={}&b=2", escaped(token))),
        ]
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let padded = "x".repeat(9000);
        vec![
            ("nothing that anybody knows", in_header("unknown"), "token_inactive"),
            ("for others", in_header("others"), "audience_mismatch"),
            ("for nobody", in_header("nobodys"), "claim_missing"),
            ("no role", in_header("roleless"), "claim_missing"),
            ("another role", in_header("seller"), "claim_mismatch"),
            ("over, and active all the same", in_header("over"), "expired"),
            ("not begun", in_header("early"), "not_yet"),
            ("bound to a key", in_header("bound"), "token_bound"),
            ("bound to a certificate", in_header("certified"), "token_bound"),
            ("bound in a way that is not known", in_header("oddly_bound"), "token_bound"),
            ("an answer that says nothing", in_header("text"), "introspection_unavailable"),
            ("oversize", in_header(padded), "token_too_large"),
            ("no characters of a token", in_header("a\"b"), "credential_syntax"),
        ]
    }

    fn secrets() -> Vec<String> {
        vec![TOKEN.to_owned(), "hunter".to_owned(), "buyer".to_owned()]
    }

    fn is_same_token(_: &[u8], _: &[u8]) -> bool {
        false
    }
}

#[test]
fn the_battery_holds() {
    let _entered = WORLD.runtime.enter();
    battery::run::<IntrospectionSpecimens>();
}

#[tokio::test]
async fn a_proof_tells_who_it_is() {
    let issuer = Issuer::answering(stating("scope=\"read write\"")).await;
    let scheme = issuer.usual();
    let proved = proof(&scheme, NOW).await.unwrap();
    let principal = &proved.principal;
    assert_eq!((&**principal.scheme(), principal.issuer(), principal.subject()), ("test", ISSUER, Some("alice")));
    assert_eq!((principal.expires(), principal.claims().value("scope")), (UnixTime::from_seconds(1_700_000_600), Some("read write")));
    assert_eq!((proved.profile, proved.memory), ("introspection", Memory::Miss));
    let heard = issuer.host.heard().remove(0);
    assert!(heard.starts_with("POST /introspect HTTP/1.1\r\n"), "{heard}");
    let told = heard.to_ascii_lowercase();
    assert!(
        told.contains("content-type: application/x-www-form-urlencoded\r\n") && told.contains("accept: application/json\r\n"),
        "{heard}"
    );
    assert!(heard.contains(&format!("Basic {}\r\n", base64::encode(b"gw:hunter+two"))), "{heard}");
    assert!(heard.ends_with(&format!("\r\n\r\ntoken_type_hint=access_token&token={TOKEN}")), "{heard}");
    assert_eq!(proof(&scheme, NOW).await.unwrap().memory, Memory::Hit);
    let by_name = issuer.with(&json!({ "subject_claim": "role" }));
    assert_eq!(proof(&by_name, NOW).await.unwrap().principal.subject(), Some("buyer"));
    issuer.host.change(stating("iss;sub=\"\""));
    let nameless = proof(&issuer.usual(), NOW).await.unwrap().principal;
    assert_eq!((nameless.issuer(), nameless.subject()), (format!("https://{}/introspect", issuer.host.address).as_str(), None));
}

#[tokio::test]
async fn an_issuer_that_is_named_must_be_stated() {
    let issuer = Issuer::answering(stating("")).await;
    let named = || issuer.with(&json!({ "issuer": ISSUER }));
    assert_eq!(reason(&named(), NOW).await, "miss");
    issuer.host.change(stating("iss=\"https://issuer.example/\""));
    assert_eq!(reason(&named(), NOW).await, "issuer_untrusted");
    let lax = || issuer.with(&json!({ "issuer": ISSUER, "optional_claims": ["iss"] }));
    assert_eq!(reason(&lax(), NOW).await, "issuer_untrusted");
    issuer.host.change(stating("iss"));
    assert_eq!(reason(&named(), NOW).await, "claim_missing");
    assert_eq!(reason(&lax(), NOW).await, "miss");
}

#[tokio::test]
async fn what_may_lack_is_judged_where_it_is_there() {
    let issuer = Issuer::answering(stating("aud")).await;
    let lax = || issuer.with(&json!({ "optional_claims": ["aud"] }));
    assert_eq!(reason(&lax(), NOW).await, "miss");
    assert!(lax().cautions()[0].contains("for whom they are"));
    issuer.host.change(stating("aud=\"others\""));
    assert_eq!(reason(&lax(), NOW).await, "audience_mismatch");
    assert!(issuer.usual().cautions().is_empty());
}

#[tokio::test]
async fn clients_prove_who_they_are_as_they_are_told() {
    let issuer = Issuer::answering(stating("")).await;
    let client = |client: Value| issuer.with(&json!({ "client": client }));
    assert_eq!(reason(&client(json!({ "id": "gw", "secret": "s&t", "method": "post" })), NOW).await, "miss");
    assert!(issuer.host.heard()[0].ends_with("&client_id=gw&client_secret=s%26t"));
    std::fs::write(issuer.folder.path().join("gw.pem"), pem::write(&SigningKey::generate(NewKey::P256).unwrap()).as_bytes()).unwrap();
    for settings in [json!({ "id": "gw", "key_file": "gw.pem" }), json!({ "id": "gw", "key_file": "gw.pem", "audience": ISSUER })] {
        assert_eq!(reason(&client(settings), NOW).await, "miss");
    }
    let told: Vec<_> =
        issuer.host.heard().iter().skip(1).map(|heard| heard.split_once("&client_assertion=").unwrap().1.to_owned()).collect();
    let audience = |statement: &str| {
        let payload = crate::crypto::base64url::decode_to_vec(statement.split('.').nth(1).unwrap().as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&payload).unwrap()["aud"].as_str().unwrap().to_owned()
    };
    assert_eq!(audience(&told[0]), format!("https://{}/introspect", issuer.host.address));
    assert_eq!(audience(&told[1]), ISSUER);
}

#[tokio::test]
async fn t_73_an_issuer_that_says_nothing_lets_nobody_in() {
    let issuer = Issuer::answering(inactive()).await;
    let scheme = issuer.with(&json!({ "timeout": "500ms", "max_answer_size": "1KiB", "cache_ttl": "0s" }));
    let json_of = |status: &str, content: &[u8]| Answer::new(status, "Content-Type: application/json\r\n", content);
    let good = format!("{{{GOOD}}}");
    for (what, wrong) in [
        ("broken", json_of("500 Internal Server Error", good.as_bytes())),
        ("we are refused", json_of("401 Unauthorized", good.as_bytes())),
        ("created", json_of("201 Created", good.as_bytes())),
        ("elsewhere", Answer::new("302 Found", "Location: https://127.0.0.1/\r\nContent-Type: application/json\r\n", good.as_bytes())),
        ("a page", Answer::new("200 OK", "Content-Type: text/html\r\n", good.as_bytes())),
        ("of no type", Answer::fine(good.as_bytes())),
        ("compressed", Answer::new("200 OK", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", good.as_bytes())),
        ("huge", answer(format!("{{{GOOD},\"x\":\"{}\"}}", "x".repeat(1024)))),
        ("endless", Answer::Endless(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"active\":true,\"x\":\"".to_vec())),
        ("stalling", Answer::Stall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".to_vec())),
        ("a text for a truth", stating("active=\"true\"")),
        ("a number for a truth", stating("active=1")),
        ("no truth", stating("active")),
        ("two truths", answer(format!("{{{GOOD},\"active\":true}}"))),
        ("two ends", answer(format!("{{{GOOD},\"exp\":1800000000}}"))),
        ("more behind it", answer(format!("{{{GOOD}}}{{}}"))),
        ("a list", answer(format!("[{{{GOOD}}}]"))),
        ("an end that is no number", stating("exp=\"1700000600\"")),
        ("nothing", answer("")),
    ] {
        issuer.host.change(wrong);
        let refusal = proof(&scheme, NOW).await.unwrap_err();
        assert_eq!((refusal.outcome(), refusal.reason()), ("fault", "introspection_unavailable"), "{what}");
        assert_eq!(scheme.challenges(Some(&refusal), NOW)[0].value, "Bearer", "nobody is blamed");
    }
    issuer.host.change(stating(""));
    assert_eq!(reason(&scheme, NOW).await, "miss", "nothing of it is remembered");
    let gone = { Issuer::answering(stating("")).await.usual() };
    assert_eq!(reason(&gone, NOW).await, "introspection_unavailable");
    let stranger = issuer.with(&json!({ "ca_file": null }));
    assert_eq!(reason(&stranger, NOW).await, "introspection_unavailable", "nobody vouches for the host");
}

#[tokio::test]
async fn answers_are_believed_for_a_while_and_never_past_the_end() {
    let issuer = Issuer::answering(stating("")).await;
    let scheme = issuer.usual();
    assert_eq!(reason(&scheme, NOW).await, "miss");
    issuer.host.change(inactive());
    assert_eq!(reason(&scheme, NOW.later(29)).await, "hit");
    assert_eq!(reason(&scheme, NOW.later(30)).await, "token_inactive");
    assert_eq!(issuer.asked(), 2);
    issuer.host.change(stating("exp=1700000040"));
    assert_eq!(reason(&scheme, NOW.later(34)).await, "token_inactive");
    assert_eq!(issuer.asked(), 2);
    assert_eq!(reason(&scheme, NOW.later(35)).await, "miss");
    assert_eq!(reason(&scheme, NOW.later(39)).await, "hit");
    issuer.host.change(inactive());
    assert_eq!(reason(&scheme, NOW.later(40)).await, "token_inactive", "an answer outlived its token");
    let counts = scheme.verdict_counts().unwrap();
    assert_eq!((counts.hits, counts.misses), (3, 4));
}

#[tokio::test]
async fn a_token_without_an_end_is_asked_about_again() {
    let issuer = Issuer::answering(stating("exp")).await;
    let scheme = issuer.with(&json!({ "cache_ttl": "10s" }));
    for (seconds, told) in [(0, "miss"), (9, "hit"), (10, "miss")] {
        assert_eq!(reason(&scheme, NOW.later(seconds)).await, told);
    }
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn t_84_an_answer_to_one_scheme_is_none_to_another() {
    let issuer = Issuer::answering(stating("")).await;
    let (ours, theirs) = (issuer.usual(), issuer.with(&json!({ "audiences": ["elsewhere"] })));
    assert_eq!(reason(&ours, NOW).await, "miss");
    assert_eq!(reason(&theirs, NOW).await, "audience_mismatch");
    assert_eq!(reason(&ours, NOW).await, "hit");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn t_86_a_hundred_at_once_ask_once() {
    for (cache, told) in [("8MiB", stating("")), ("0B", stating("")), ("8MiB", inactive()), ("8MiB", answer("{}"))] {
        let issuer = Issuer::answering(told.clone().late()).await;
        let scheme = issuer.with(&json!({ "cache": cache }));
        let all = join_all((0..100).map(|_| reason(&scheme, NOW))).await;
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
        assert_eq!(issuer.asked(), 1, "{cache} {told:?}");
    }
}

#[tokio::test]
async fn t_86_who_gives_up_takes_nobody_along() {
    let issuer = Issuer::answering(stating("").late()).await;
    let scheme = issuer.usual();
    let (mut first, mut second) = (Box::pin(reason(&scheme, NOW)), Box::pin(reason(&scheme, NOW)));
    assert!(tokio::time::timeout(Duration::from_millis(50), join(&mut first, &mut second)).await.is_err());
    drop(first);
    assert_eq!(second.await, "miss");
    assert_eq!(issuer.asked(), 1, "the question goes on without whoever asked it");
    let gone = issuer.usual();
    assert!(tokio::time::timeout(Duration::from_millis(50), reason(&gone, NOW)).await.is_err());
    assert_eq!(reason(&gone, NOW).await, "miss");
    assert_eq!(issuer.asked(), 2, "also where nobody waits for a while");
}

#[tokio::test]
async fn an_issuer_that_fails_is_spared() {
    let issuer = Issuer::answering(Answer::new("500 Internal Server Error", "", b"")).await;
    let scheme = issuer.with(&json!({ "failures_before_open": 3, "open_for": "10s" }));
    for asked in [1, 2, 3, 3, 3] {
        assert_eq!(reason(&scheme, NOW).await, "introspection_unavailable");
        assert_eq!(issuer.asked(), asked);
    }
    issuer.host.change(stating("").late());
    assert_eq!(reason(&scheme, NOW.later(9)).await, "introspection_unavailable");
    let others = ["one", "two"].map(in_header);
    let later = NOW.later(10);
    let tried = join_all(others.iter().map(|request| request.prove_waiting(&scheme, later))).await;
    assert_eq!((tried.iter().filter(|tried| tried.is_ok()).count(), issuer.asked()), (1, 4), "one question tries");
    assert_eq!(reason(&scheme, NOW.later(10)).await, "miss", "and all may ask again");
}

#[tokio::test]
async fn one_odd_token_does_not_lock_everybody_out() {
    let issuer = Issuer::answering(answer("{}")).await;
    let scheme = issuer.with(&json!({ "failures_before_open": 1 }));
    for odd in [answer("{}"), Answer::new("400 Bad Request", "", b""), Answer::fine(b""), answer(" ".repeat(70_000))] {
        issuer.host.change(odd);
        assert_eq!(reason(&scheme, NOW).await, "introspection_unavailable");
    }
    issuer.host.change(stating(""));
    assert_eq!(reason(&scheme, NOW).await, "miss");
    for (place, status) in ["401 Unauthorized", "403 Forbidden", "429 Too Many Requests", "503 Service Unavailable"].into_iter().enumerate()
    {
        let scheme = issuer.with(&json!({ "failures_before_open": 1 }));
        issuer.host.change(Answer::new(status, "", b""));
        assert_eq!(reason(&scheme, NOW).await, "introspection_unavailable");
        issuer.host.change(stating(""));
        assert_eq!(reason(&scheme, NOW).await, "introspection_unavailable", "{status}");
        assert_eq!(issuer.asked(), 6 + place);
    }
}

#[tokio::test]
async fn a_token_is_recognised_by_what_it_says() {
    let issuer = Issuer::answering(inactive()).await;
    let (named, unnamed) = (issuer.with(&json!({ "issuer": ISSUER })), issuer.usual());
    let recognised = |scheme: &Introspection, token: &str| scheme.judge.recognise(token);
    for opaque in [TOKEN, "a.b", "a.b.c", "v2.local.x.y"] {
        assert_eq!(recognised(&named, opaque), Recognition::Possible, "{opaque}");
    }
    assert_eq!(recognised(&named, &claiming("")), Recognition::Named);
    assert_eq!(recognised(&named, &claiming("iss")), Recognition::Possible);
    assert_eq!(recognised(&named, &claiming("iss=\"https://other.example\"")), Recognition::Foreign);
    assert_eq!(recognised(&unnamed, &claiming("")), Recognition::Foreign);
}

#[tokio::test]
async fn challenges_say_what_was_wrong() {
    let issuer = Issuer::answering(inactive()).await;
    let scheme = issuer.with(&json!({ "realm": "orders" }));
    let after = |refusal: Option<Refusal>| scheme.challenges(refusal.as_ref(), NOW)[0].value.clone();
    assert_eq!(after(None), "Bearer realm=\"orders\"");
    assert_eq!(after(proof(&scheme, NOW).await.err()), "Bearer realm=\"orders\", error=\"invalid_token\"");
    let lacking = Refusal::Insufficient(Insufficiency::Scope("a".into(), Box::default()));
    assert_eq!(after(Some(lacking)), "Bearer realm=\"orders\", error=\"insufficient_scope\", scope=\"a\"");
}

#[tokio::test]
async fn problems_are_told_where_they_are_and_never_with_a_secret() {
    let issuer = Issuer::answering(inactive()).await;
    let (secret, public) = (Path::new("gateway.secret"), "public.pem");
    std::fs::write(issuer.folder.path().join("empty"), "\n").unwrap();
    std::fs::write(issuer.folder.path().join("odd"), b"hunter\xff").unwrap();
    std::fs::write(issuer.folder.path().join(public), "hunter").unwrap();
    let client = |more: Value| {
        let mut client = json!({ "id": "gw" });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("client", client)
    };
    for ((key, value), said) in [
        (("endpoint", json!("http://issuer.example/introspect")), "without TLS"),
        (("endpoint", json!("https://issuer.example/a b")), "an address such as"),
        (client(json!({})), "can prove nothing"),
        (client(json!({ "secret": "x", "secret_file": secret })), "several proofs"),
        (client(json!({ "secret": "hunter\u{7}" })), "cannot be sent"),
        (client(json!({ "secret": "" })), "cannot be sent"),
        (client(json!({ "secret": "h".repeat(4097) })), "cannot be sent"),
        (client(json!({ "secret_file": "empty" })), "cannot be sent"),
        (client(json!({ "secret_file": "odd" })), "cannot be sent"),
        (client(json!({ "secret_file": "missing" })), "does not exist"),
        (client(json!({ "secret": "x", "method": "private_key_jwt" })), "with a secret"),
        (client(json!({ "secret": "x", "audience": "y" })), "without a key"),
        (client(json!({ "key_file": public })), "a private key in PEM"),
        (("client", json!({ "id": "", "secret": "x" })), "an empty name"),
        (("issuer", json!("")), "an empty name"),
        (("audiences", json!([])), "an empty list"),
        (("claims", json!({ "role": {} })), "without a condition"),
        (("leeway", json!("301s")), "at most 5m"),
        (("realm", json!("a\"b")), "without `\"`"),
        (("accept", json!([])), "an empty list"),
        (("max_token_size", json!("65KiB")), "between 1B and 64KiB"),
        (("max_form_size", json!(0)), "between 1B and 16MiB"),
        (("cache_ttl", json!("61m")), "at most 1h"),
        (("negative_cache_ttl", json!("61s")), "at most 1m"),
        (("timeout", json!("31s")), "30s"),
        (("max_parallel", json!(0)), "between 1 and 1024"),
        (("max_answer_size", json!("257KiB")), "between 1B and 256KiB"),
        (("failures_before_open", json!(0)), "between 1 and 1000"),
        (("open_for", json!("0s")), "1s to 5m"),
        (("ca_file", json!("missing.pem")), "does not exist"),
    ] {
        let mut settings = issuer.settings();
        settings[key] = value;
        let problems = issuer.built(settings).err().unwrap_or_else(|| panic!("no problem: {said}"));
        let report: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(report.len() == 1 && report[0].contains(said) && !report[0].contains("hunter"), "{said}: {report:?}");
        assert_eq!(problems[0].at(), Position::new(7, 3));
    }
    let mut settings = issuer.settings();
    for (key, value) in [("audiences", json!([])), ("open_for", json!("0s")), ("endpoint", json!("")), ("client", json!({ "id": "gw" }))] {
        settings[key] = value;
    }
    assert_eq!(issuer.built(settings).err().unwrap().len(), 4, "all at once");
}

#[test]
fn the_example_can_be_copied_and_unknown_keys_cannot_be_written() {
    let example: Value = serde_saphyr::from_str(Introspection::EXAMPLE).unwrap();
    assert!(settled::<<Introspection as Scheme>::Config>(example.clone()).is_ok());
    for path in ["/audience", "/client/password", "/client/method"] {
        let mut wrong = example.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[name] = json!("none");
        assert!(settled::<<Introspection as Scheme>::Config>(wrong).is_err(), "{path}");
    }
}
