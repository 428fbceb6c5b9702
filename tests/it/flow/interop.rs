//! Tokens, proofs and an OpenID provider of others: as they should be they reach the backend, with one thing wrong they
//! do not.

use crate::support::message::Message;
use crate::support::programs::{LONG_PATIENCE, Program, node, output, python};
use crate::support::{Config, Gateway, Reply, Upstream, raw};
use portcullis::clock;
use portcullis::crypto::{base64, base64url};
use portcullis::setting::Environment;
use serde_json::Value;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a gateway here may take to see other keys: the second between two fetches, and three for a busy machine.
const REFRESH: Duration = Duration::from_secs(4);
/// How long the provider changes its keys under load, in seconds; another time is read from
/// `PORTCULLIS_TEST_ROTATION_SECONDS`.
const SECONDS_OF_ROTATION: u64 = 18;
/// From one new key to the next, and how long the old one stays beside it.
const TURN: Duration = Duration::from_secs(6);
const OVERLAP: Duration = Duration::from_secs(1);
/// How many clients load the gateway, and how long each waits between two requests.
const CLIENTS: usize = 8;
const BETWEEN_REQUESTS: Duration = Duration::from_millis(40);

/// A backend that answers with the name of the user.
async fn backend() -> Upstream {
    let served = |request: &Message| {
        let text = format!("served {}", request.field("x-auth-request-user").unwrap_or("nobody"));
        Reply::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()))
    };
    Upstream::answering(served).await
}

fn origin(gateway: &Gateway) -> String {
    format!("http://{}", gateway.address())
}

/// One request of a client: what it tried, and what became of it: `served`, or why it was refused.
type Verdict = (String, String);

fn verdict(how: &str, outcome: &str) -> Verdict {
    (how.to_owned(), outcome.to_owned())
}

/// The JSON lines of a client.
async fn verdicts(gateway: &Gateway, shown: &str) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for line in shown.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let outcome = if line["status"] == 200 {
            assert_eq!(line["text"], "served alice", "{line}");
            "served".to_owned()
        } else {
            assert_eq!((&line["status"], &line["text"]), (&401.into(), &"Unauthorized".into()), "{line}");
            reason(gateway, &line["id"]).await
        };
        verdicts.push((line["how"].as_str().unwrap().to_owned(), outcome));
    }
    verdicts
}

/// Why a request was refused.
async fn reason(gateway: &Gateway, id: &Value) -> String {
    let line = gateway.audit_line(|event| event["request_id"] == *id && event["verdict"] == "denied").await;
    line["reason"].as_str().unwrap().to_owned()
}

/// What is wrong with a token of each algorithm in turn, and why it is refused.
const WRONG: [(&str, &str); 6] = [
    ("another key", "signature_invalid"),
    ("other claims", "signature_invalid"),
    ("expired", "expired"),
    ("not yet", "not_yet"),
    ("issuer", "issuer_untrusted"),
    ("audience", "audience_mismatch"),
];

fn of_each(algorithms: &[&str]) -> Vec<Verdict> {
    let of_one = |name: &&str| {
        let wrong = WRONG.map(|(what, reason)| (format!("{name}: {what}"), reason.to_owned()));
        [vec![verdict(name, "served")], wrong.to_vec()].concat()
    };
    algorithms.iter().flat_map(of_one).collect()
}

/// Asks with what a client makes: its keys first, and then tokens of each of these algorithms.
async fn tokens_of(client: impl Fn() -> Command, algorithms: &[&str], further: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    output(client().arg("keys").arg(folder.path())).await;
    let (upstream, keys) = (backend().await, std::fs::read_to_string(folder.path().join("jwks.json")).unwrap());
    let text = format!(
        "schemes:\n  api:\n    jwt: {{ issuer: \"https://issuer.example\", audiences: [orders], jwks_file: \"{{keys}}/jwks.json\", algorithms: [{}] }}\n\
         upstreams:\n  orders: {{ servers: [\"{{upstream}}\"] }}\n\
         routes:\n  - {{ match: {{ path: / }}, authenticate: api, upstream: orders, identity: {{ preset: auth-request }} }}\n",
        algorithms.join(", ")
    );
    let gateway = Config::new(&text).file("jwks.json", &keys).upstream(&upstream).start().await;
    let shown = output(client().arg("ask").arg(origin(&gateway)).arg(folder.path())).await;
    let further = further.iter().map(|(how, outcome)| verdict(how, outcome));
    assert_eq!(verdicts(&gateway, &shown).await, of_each(algorithms).into_iter().chain(further).collect::<Vec<_>>());
    assert_eq!(upstream.requests().len(), algorithms.len());
}

#[tokio::test]
async fn tokens_of_jose_reach_the_backend_and_do_not_with_one_thing_wrong() {
    let algorithms = ["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"];
    let further = [
        ("endless", "claim_missing"),
        ("for anybody", "claim_missing"),
        ("by nobody", "claim_missing"),
        ("an ID token", "token_type_refused"),
        ("an unknown key", "key_unknown"),
        ("bound", "token_bound"),
        ("critical", "token_syntax"),
        ("another algorithm", "algorithm_refused"),
        ("what is public as a secret", "algorithm_refused"),
        ("unsigned", "token_syntax"),
    ];
    tokens_of(|| node("jose_client.cjs"), &algorithms, &further).await;
}

#[tokio::test]
async fn tokens_of_pyjwt_reach_the_backend_and_do_not_with_one_thing_wrong() {
    let algorithms = ["ES256", "ES384", "RS256", "RS512", "PS256", "PS384", "EdDSA", "HS256"];
    let further = [
        ("endless", "claim_missing"),
        ("for anybody", "claim_missing"),
        ("by nobody", "claim_missing"),
        ("an ID token", "token_type_refused"),
        ("an unknown key", "key_unknown"),
        ("another algorithm", "algorithm_refused"),
        ("unsigned", "token_syntax"),
    ];
    tokens_of(|| python("pyjwt_client.py"), &algorithms, &further).await;
}

/// A running OpenID provider. Its keys are named: `first` until others are published.
struct Provider {
    /// Ends with this.
    _program: Program,
    name: String,
}

impl Provider {
    async fn start() -> Self {
        let program = Program::start(&mut node("oidc_provider.cjs"));
        let deadline = clock::instant() + LONG_PATIENCE;
        let name = loop {
            if let Some(name) = program.lines().first() {
                break name.clone();
            }
            assert!(clock::instant() < deadline, "the provider does not start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Self { _program: program, name }
    }

    async fn ask(&self, request: &str) -> Message {
        raw::ask(self.name.strip_prefix("http://").unwrap().parse().unwrap(), request).await
    }

    /// Publishes exactly these keys; the first ones sign.
    async fn publish(&self, keys: &[&str]) {
        let answer = self.ask(&format!("PUT /signing-keys/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", keys.join(","))).await;
        assert_eq!(answer.status(), 204);
    }

    /// A token of alice's for `AUDIENCE/ALGORITHM`; an opaque one for nothing.
    async fn token(&self, resource: &str) -> String {
        let resource = resource.split_once('/').map(|(audience, signed)| format!("&resource=https://{audience}.example/{signed}"));
        let client = "grant_type=client_credentials&client_id=alice&client_secret=the+secret+of+alice&scope=orders";
        let form = [client, &resource.unwrap_or_default()].concat();
        let lines = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len());
        let answer = self.ask(&format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{form}")).await;
        let answer: Value = serde_json::from_str(&answer.text()).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// A gateway that asks it for its keys every second: `/plain/` takes tokens, `/bound/` with proofs, `/fresh/` with
    /// nonces in them.
    async fn gateway(&self, upstream: &Upstream) -> Gateway {
        let issuer = format!(
            "issuer: \"{}\", audiences: [orders], discovery: true, \
             key_refresh: {{ allow_private: true, allow_cleartext: true, interval: 1s, min_interval: 1s }}",
            self.name
        );
        let route = |name: &str| {
            format!("  - {{ match: {{ path: /{name}/ }}, authenticate: {name}, upstream: orders, identity: {{ preset: auth-request }} }}\n")
        };
        let text = format!(
            "schemes:\n  plain: {{ jwt: {{ {issuer} }} }}\n  bound: {{ dpop: {{ {issuer} }} }}\n  \
             fresh: {{ dpop: {{ {issuer}, nonce: required, nonce_key_file: \"{{keys}}/nonce.key\" }} }}\n\
             upstreams:\n  orders: {{ servers: [\"{{upstream}}\"] }}\n\
             routes:\n{}",
            ["plain", "bound", "fresh"].map(route).concat()
        );
        Config::new(&text).file("nonce.key", &base64::encode(&[9; 32])).upstream(upstream).start().await
    }
}

/// What becomes of a bearer token: `served`, or why it was refused.
async fn present(gateway: &Gateway, token: &str) -> String {
    let answer = raw::fetch(gateway.address(), "/plain/menu", &format!("Authorization: Bearer {token}\r\n")).await;
    match answer.status() {
        200 => answer.text().replace("served alice", "served"),
        401 => reason(gateway, &answer.field("x-request-id").unwrap().into()).await,
        other => panic!("{other} {}", answer.text()),
    }
}

#[tokio::test]
async fn tokens_of_an_openid_provider_are_good_while_their_keys_are_published() {
    let (provider, other, upstream) = (Provider::start().await, Provider::start().await, backend().await);
    let gateway = provider.gateway(&upstream).await;
    for resource in ["orders/ES256", "orders/EdDSA"] {
        assert_eq!(present(&gateway, &provider.token(resource).await).await, "served", "{resource}");
    }
    let (old, opaque) = (provider.token("orders/ES256").await, provider.token("").await);
    assert_eq!(present(&gateway, &opaque).await, "token_syntax");
    assert_eq!(present(&gateway, &provider.token("bills/ES256").await).await, "audience_mismatch");
    assert_eq!(present(&gateway, &other.token("orders/ES256").await).await, "issuer_untrusted");
    let (signed, another) = (old.rsplit_once('.').unwrap().0, provider.token("orders/ES256").await);
    let mixed = format!("{signed}.{}", another.rsplit_once('.').unwrap().1);
    assert_eq!(present(&gateway, &mixed).await, "signature_invalid");

    provider.publish(&["second", "first"]).await;
    let new = provider.token("orders/ES256").await;
    assert_eq!(key_of(&new), "second-ES256");
    for token in [&new, &old] {
        assert_eq!(present(&gateway, token).await, "served", "{}", key_of(token));
    }
    provider.publish(&["second"]).await;
    let deadline = clock::instant() + LONG_PATIENCE;
    while present(&gateway, &old).await == "served" {
        assert!(clock::instant() < deadline, "a key that is gone is good for ever");
        tokio::time::sleep(BETWEEN_REQUESTS).await;
    }
    assert_eq!((present(&gateway, &new).await.as_str(), present(&gateway, &old).await.as_str()), ("served", "key_unknown"));
}

#[tokio::test]
async fn proofs_of_dpop_with_tokens_of_an_openid_provider_reach_the_backend_and_do_not_with_one_thing_wrong() {
    let (provider, upstream) = (Provider::start().await, backend().await);
    let gateway = provider.gateway(&upstream).await;
    let shown = output(node("dpop_client.cjs").arg(origin(&gateway)).arg(&provider.name)).await;
    let wanted = [
        ("RS256", "served"),
        ("RS256 again", "served"),
        ("PS256", "served"),
        ("PS256 again", "served"),
        ("Ed25519", "served"),
        ("Ed25519 again", "served"),
        ("ES256", "served"),
        ("ES256 again", "served"),
        ("once", "served"),
        ("twice", "nonce_seen"),
        ("another path", "proof_target_mismatch"),
        ("another host", "proof_target_mismatch"),
        ("another method", "proof_method_mismatch"),
        ("another token", "proof_token_mismatch"),
        ("no token in the proof", "proof_token_mismatch"),
        ("another holder", "proof_key_mismatch"),
        ("no proof", "proof_missing"),
        ("two proofs", "proof_syntax"),
        ("the signature of another", "holder_signature_invalid"),
        ("too old", "timestamp_outside"),
        ("too early", "timestamp_outside"),
        ("as a bearer token", "token_bound"),
        ("bound to nobody", "token_unbound"),
        ("for its bearer", "served"),
        ("no nonce", "nonce_missing"),
        ("the nonce", "served"),
        ("the nonce again", "served"),
        ("another nonce", "nonce_refused"),
        ("the next nonce", "served"),
    ];
    assert_eq!(verdicts(&gateway, &shown).await, wanted.map(|(how, outcome)| verdict(how, outcome)));
    let errors: Vec<Value> = shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["error"].clone()).collect();
    let of = |error: &str| errors.iter().filter(|one| **one == error).count();
    assert_eq!((of("use_dpop_nonce"), of("invalid_dpop_proof") > 5, of("invalid_token") > 1), (2, true, true), "{errors:?}");
}

/// The name of the key that a token says it is signed by.
fn key_of(token: &str) -> String {
    let mut buffer = [0; 256];
    let header = base64url::decode(token.split_once('.').unwrap().0.as_bytes(), &mut buffer).unwrap();
    serde_json::from_slice::<Value>(header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// When new keys begin to sign, and which tokens clients show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// As soon as they are published: whoever sees their name first has the gateway ask for them. Nobody shows tokens of
    /// keys that are gone, for which the gateway would ask in vain, and could not ask again for a second.
    AtOnce,
    /// Once they were published for as long as gateways may take to see them. Clients go on to show tokens of keys that
    /// are gone.
    Ahead,
}

/// When the keys of a generation began to go, and when they were gone.
#[derive(Clone, Copy, Default)]
struct Removal {
    began: Option<Instant>,
    over: Option<Instant>,
}

/// What became of tokens.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Served while their key was published.
    served: u32,
    /// Either, between the removal of their key and the refresh.
    between: u32,
    /// Refused after that.
    refused: u32,
}

/// A provider that changes its keys, a gateway, and the tokens of all generations.
struct Rotation {
    habit: Habit,
    provider: Provider,
    gateway: Gateway,
    removals: Mutex<Vec<Removal>>,
    tokens: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Rotation {
    async fn start(habit: Habit, upstream: &Upstream) -> Arc<Self> {
        let provider = Provider::start().await;
        provider.publish(&["0"]).await;
        let (gateway, first) = (provider.gateway(upstream).await, provider.token("orders/ES256").await);
        let (removals, tokens) = (Mutex::new(vec![Removal::default()]), Mutex::new(vec![first]));
        Arc::new(Self { habit, provider, gateway, removals, tokens, stop: AtomicBool::new(false) })
    }

    /// The next keys begin to sign; those before stay published for a while.
    async fn turn(&self, number: usize) {
        let (old, new) = ((number - 1).to_string(), number.to_string());
        self.removals.lock().unwrap().push(Removal::default());
        if self.habit == Habit::Ahead {
            self.provider.publish(&[&old, &new]).await;
            tokio::time::sleep(REFRESH).await;
        }
        self.provider.publish(&[&new, &old]).await;
        tokio::time::sleep(OVERLAP).await;
        self.removals.lock().unwrap()[number - 1].began = Some(clock::instant());
        self.provider.publish(&[&new]).await;
        self.removals.lock().unwrap()[number - 1].over = Some(clock::instant());
    }

    /// A token to show: a new one, one of the latest that others showed, or an old one.
    async fn token(&self, turn: usize) -> String {
        let known = |back: usize| {
            let tokens = self.tokens.lock().unwrap();
            let token = &tokens[tokens.len().saturating_sub(back)];
            let shown = if self.habit == Habit::Ahead || self.removal(token).began.is_none() { token } else { tokens.last().unwrap() };
            shown.clone()
        };
        match turn % 4 {
            0 => {
                let token = self.provider.token(["orders/ES256", "orders/EdDSA"][turn / 4 % 2]).await;
                self.tokens.lock().unwrap().push(token.clone());
                token
            }
            1 => known(1),
            2 => known(CLIENTS * 4),
            _ => known(turn * 37 % 400 + 1),
        }
    }

    fn removal(&self, token: &str) -> Removal {
        let key = key_of(token);
        self.removals.lock().unwrap()[key.split_once('-').unwrap().0.parse::<usize>().unwrap()]
    }

    /// Shows tokens until it is told to stop. One whose key was published all the while must be served, one whose key was
    /// gone for long must not.
    async fn load(self: Arc<Self>, client: usize) -> Counts {
        let (mut counts, mut turn) = (Counts::default(), client);
        while !self.stop.load(Ordering::Relaxed) {
            let token = self.token(turn).await;
            let (before, asked) = (self.removal(&token), clock::instant());
            let answer = raw::fetch(self.gateway.address(), "/plain/menu", &format!("Authorization: Bearer {token}\r\n")).await;
            let gone = before.over.is_some_and(|over| asked >= over + REFRESH);
            match (self.removal(&token).began, gone, answer.status()) {
                (None, _, 200) => counts.served += 1,
                (Some(_), true, 401) => counts.refused += 1,
                (Some(_), false, 200 | 401) => counts.between += 1,
                (began, _, status) => panic!("{status} for key {}, gone {:?}", key_of(&token), began.map(|began| began.elapsed())),
            }
            turn += 1;
            tokio::time::sleep(BETWEEN_REQUESTS).await;
        }
        counts
    }
}

/// Loads a gateway while the provider changes its keys.
async fn rotate(habit: Habit) -> Counts {
    let wanted = Environment::Process.value("PORTCULLIS_TEST_ROTATION_SECONDS");
    let seconds = wanted.map_or(SECONDS_OF_ROTATION, |text| text.parse().expect("a number of seconds"));
    let upstream = backend().await;
    let rotation = Rotation::start(habit, &upstream).await;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(Arc::clone(&rotation).load(client));
    }
    let mut turns = tokio::time::interval(TURN);
    let generations = usize::try_from(seconds / TURN.as_secs()).unwrap();
    for number in 1..=generations {
        turns.tick().await;
        rotation.turn(number).await;
    }
    tokio::time::sleep(REFRESH + OVERLAP).await;
    rotation.stop.store(true, Ordering::Relaxed);
    let mut total = Counts::default();
    while let Some(counts) = clients.join_next().await {
        let Counts { served, between, refused } = counts.expect("a client without a surprise");
        total = Counts { served: total.served + served, between: total.between + between, refused: total.refused + refused };
    }
    println!("{total:?} in {seconds} seconds, {generations} generations of keys");
    assert!(total.served > u32::try_from(generations).unwrap() * 40, "{total:?}");
    let denials = rotation.gateway.events().into_iter().filter(|event| event["verdict"] == "denied");
    assert!(denials.into_iter().all(|event| event["reason"] == "key_unknown"));
    let failed = format!("portcullis_key_refreshes_total{{scheme=\"plain\",source=\"{}\",outcome=\"failed\"}}", rotation.provider.name);
    let figures = rotation.gateway.metrics().await;
    assert!(figures.contains(&format!("{failed} 0\n")), "{figures}");
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_of_an_openid_provider_are_good_at_once_under_load() {
    rotate(Habit::AtOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_keys_of_an_openid_provider_change_under_load_no_good_token_is_refused_and_no_old_key_stays() {
    let counts = rotate(Habit::Ahead).await;
    assert!(counts.refused > 20, "{counts:?}");
}
