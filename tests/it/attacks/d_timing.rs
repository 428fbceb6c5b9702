//! What the time or the words of an answer tell about secrets and about who is known, T-75.

use super::Scene;
use crate::support::issuer::{NAME, in_seconds, signed};
use crate::support::message::Message;
use crate::support::signature;
use crate::support::{Config, RawClient, Token};
use portcullis::clock;
use portcullis::crypto::{AeadKey, Digest, MacKey, base64, base64url};
use portcullis::setting::SecretText;
use portcullis::token::jose::jwe::SharedKey;
use portcullis::token::jose::{Algorithm, IssuingKey};
use portcullis::token::swt::SwtKey;
use std::time::Duration;

const SECRET: [u8; 32] = [0x61; 32];

async fn scene() -> Scene {
    let text = format!(
        r#"
schemes:
  api: {{ jwt: {{ issuer: "{NAME}", audiences: [orders], algorithms: [HS256], jwks_file: "{{keys}}/jwks.json" }} }}
  bar: {{ wrap: {{ issuers: [{{ name: "{{issuer}}", key_file: "{{keys}}/bouncer.b64" }}], audience: "{{audience}}" }} }}
upstreams:
  bar: {{ servers: ["{{upstream}}"] }}
routes:
  - {{ match: {{ path: /api }}, authenticate: api, upstream: bar }}
  - {{ match: {{ path: /bartender }}, authenticate: bar, upstream: bar }}
logging: {{ access: off, events: stderr, level: warn, decisions: all }}
"#
    );
    let jwks = format!(r#"{{"keys":[{{"kty":"oct","kid":"s","k":"{}"}}]}}"#, base64url::encode(&SECRET));
    Scene::with(Config::new(&text).file("jwks.json", &jwks)).await
}

/// An `Authorization` line with a MAC that nobody saw before, altered at this octet or, without one, right.
fn json_line(number: u32, wrong: Option<usize>) -> String {
    let key = IssuingKey::secret(&SECRET, Algorithm::Hs256).unwrap();
    let exp = in_seconds(600).seconds();
    let token =
        signed(r#"{"alg":"HS256","kid":"s"}"#, &format!(r#"{{"iss":"{NAME}","sub":"{number:06}","aud":"orders","exp":{exp}}}"#), &key);
    let (rest, mac) = token.rsplit_once('.').unwrap();
    let mut mac = base64url::decode_to_vec(mac.as_bytes()).unwrap();
    wrong.into_iter().for_each(|place| mac[place] ^= 0x55);
    format!("Authorization: Bearer {rest}.{}\r\n", base64url::encode(&mac))
}

/// Likewise with a Simple Web Token; its MAC stands last, in base64 that is escaped.
fn simple_line(number: u32, wrong: Option<usize>) -> String {
    let token = Token::of(&format!("{number:06}")).mint();
    let (rest, mac) = token.rsplit_once("HMACSHA256=").unwrap();
    let mac = mac.match_indices('%').map(|(place, _)| place).rev().fold(mac.to_owned(), |mut mac, place| {
        let octet = u8::from_str_radix(&mac[place + 1..place + 3], 16).unwrap();
        mac.replace_range(place..place + 3, &char::from(octet).to_string());
        mac
    });
    let mut room = vec![0; mac.len()];
    let mut mac = base64::decode(mac.as_bytes(), &mut room).unwrap().to_vec();
    wrong.into_iter().for_each(|place| mac[place] ^= 0x55);
    let mac = base64::encode(&mac).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("Authorization: WRAP access_token=\"{rest}HMACSHA256={mac}\"\r\n")
}

async fn timed(client: &mut RawClient, path: &str, line: &str) -> (Message, Duration) {
    let began = clock::instant();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n")).await;
    let answer = client.answer().await;
    (answer, began.elapsed())
}

/// What callers see, without what is another one each time.
fn seen(mut answer: Message) -> Message {
    answer.fields.retain(|(name, _)| !["date", "x-request-id"].contains(&name.to_ascii_lowercase().as_str()));
    answer
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
async fn t_75_where_a_secret_differs_is_not_told() {
    let scene = scene().await;
    for (path, line) in [("/api", json_line as fn(u32, Option<usize>) -> String), ("/bartender", simple_line)] {
        assert_eq!(scene.fetch(path, &line(1_000_000, None)).await.status(), 200, "{path}");
        let mut client = RawClient::connect(scene.gateway.address()).await;
        let (first, _) = timed(&mut client, path, &line(1_000_001, Some(0))).await;
        let first = seen(first);
        assert_eq!(first.status(), 401);
        let places = [0, 15, 31];
        let mut times = [const { Vec::new() }; 3];
        for round in 0..200 {
            for (place, times) in places.iter().zip(&mut times) {
                let line = line(round * 100 + u32::try_from(*place).unwrap(), Some(*place));
                let (answer, time) = timed(&mut client, path, &line).await;
                assert_eq!(seen(answer), first, "{path} octet {place}");
                times.push(time);
            }
        }
        let medians = times.map(|mut times| median(&mut times));
        let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
        // Coarse: it shows work that depends on the place, not a comparison that ends an octet earlier.
        assert!(*most < *least * 2, "{path}: {medians:?}");
    }
}

#[tokio::test]
async fn t_75_who_is_known_is_not_told() {
    let scene = scene().await;
    let answers = [
        scene.fetch("/api", &json_line(1, Some(0))).await,
        scene.fetch("/api", &json_line(2, Some(0)).replace("Bearer ", "Bearer x")).await,
        scene.fetch("/api", &format!("Authorization: Bearer {}\r\n", stated("kid", "unknown"))).await,
        scene.fetch("/api", &format!("Authorization: Bearer {}\r\n", stated("iss", "https://unknown.example"))).await,
    ];
    assert!(answers.iter().all(|answer| answer.status() == 401));
    let [first, rest @ ..] = answers.map(seen);
    rest.iter().for_each(|other| assert_eq!(*other, first));
    let simple = [
        scene.fetch("/bartender", &simple_line(1, Some(0))).await,
        scene.fetch("/bartender", &Token::of("eve").issuer("https://unknown.example/").authorization()).await,
    ];
    let [first, other] = simple.map(seen);
    assert_eq!((first.status(), other), (401, first));
    let callers = Scene::with(signature::config(&[], &[], "", "")).await;
    let known = signature::get("/").by_a_stranger().sign().ask(callers.gateway.address()).await;
    let unknown = signature::Draft { keyid: "client-2".to_owned(), ..signature::get("/").by_a_stranger() };
    assert_eq!(seen(unknown.sign().ask(callers.gateway.address()).await), seen(known));
    callers.gateway.denial("key_unknown").await;
    callers.gateway.denial("signature_invalid").await;
}

/// A token with one thing that nobody knows.
fn stated(name: &str, value: &str) -> String {
    let key = IssuingKey::secret(&SECRET, Algorithm::Hs256).unwrap();
    let (kid, issuer) = if name == "kid" { (value, NAME) } else { ("s", value) };
    let exp = in_seconds(600).seconds();
    signed(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &format!(r#"{{"iss":"{issuer}","sub":"x","aud":"orders","exp":{exp}}}"#), &key)
}

/// Whether values of a type can be compared by `==`, whose time depends on where they differ.
macro_rules! has_equality {
    ($type:ty) => {{
        #[allow(dead_code, reason = "whether it is asked is the answer")]
        trait Otherwise {
            const HOLDS: bool = false;
        }
        impl<T> Otherwise for Probe<T> {}
        struct Probe<T>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "whether it is asked is the answer")]
        impl<T: PartialEq> Probe<T> {
            const HOLDS: bool = true;
        }
        Probe::<$type>::HOLDS
    }};
}

#[test]
fn t_75_secrets_cannot_be_compared_in_a_time_that_tells() {
    assert!(has_equality!(u8), "the question can be answered with yes");
    let compared = [
        ("Digest", has_equality!(Digest)),
        ("MacKey", has_equality!(MacKey)),
        ("AeadKey", has_equality!(AeadKey)),
        ("SecretText", has_equality!(SecretText)),
        ("SharedKey", has_equality!(SharedKey)),
        ("SwtKey", has_equality!(SwtKey)),
        ("IssuingKey", has_equality!(IssuingKey)),
    ];
    assert!(compared.iter().all(|(_, comparable)| !comparable), "{compared:?}");
}
