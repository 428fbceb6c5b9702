//! Short measurements of what the hot path uses. Benches measure better; this runs anywhere.

use crate::clock::{self, UnixTime};
use crate::config;
use crate::crypto::{DigestAlgorithm, MacKey, SystemRandom, base64, sha256};
use crate::keys::KeySources;
use crate::scheme::{
    AnyScheme, Beside, Carries, Connection, Evidence, PeerTrust, Received, RequestHead, Resources, SchemeConfig, TransportSecurity,
};
use crate::setting::{Environment, Files};
use crate::store::{StoreSizes, Stores};
use crate::token::swt::{Statement, SwtKey, issue};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use std::future::Future;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long each measurement takes.
const LENGTH: Duration = Duration::from_millis(100);
/// How often the work is done between two looks at the clock.
const BATCH: u32 = 64;

const KEY: [u8; 32] = [7; 32];
const ISSUER: &str = "https://nightclub.example/";
const AUDIENCE: &str = "http://localhost:8080/bartender";

/// What was measured: how often, in how long.
#[derive(Clone, Copy, Debug)]
struct Rate {
    times: u64,
    took: Duration,
}

/// Measures everything and tells it.
///
/// # Errors
/// The specimen of a token does not verify: a defect of ours.
pub(super) fn table() -> Result<String, String> {
    let (short, long) = (vec![b'x'; 256], vec![b'x'; 1 << 20]);
    let hmac = MacKey::new(DigestAlgorithm::Sha256, &KEY);
    let encoded = base64::encode(&KEY);
    let mut text = format!("\nOne processor's rates{:>28}{:>14}\n", "per second", "each");
    let mut row = |name: &str, rate: Rate| text.push_str(&format!("  {name:<36}{:>11}{:>14}\n", rate.per_second(), rate.each()));
    row("SHA-256 of 256 B", measure(BATCH, || sha256(black_box(&short))));
    row("SHA-256 of 1 MiB", measure(1, || sha256(black_box(&long))));
    row("HMAC-SHA256 of 256 B", measure(BATCH, || hmac.sign(black_box(&short))));
    row("base64 of 32 octets, decoded", measure(BATCH, || base64::decode_exactly::<32>(black_box(encoded.as_bytes()))));
    for (name, cache) in [("SWT, never seen before", "0"), ("SWT, seen before", "8MiB")] {
        let specimen = Specimen::build(cache)?;
        specimen.verify()?;
        row(name, measure(BATCH, || specimen.verify().is_ok()));
    }
    Ok(text)
}

fn measure<T>(batch: u32, mut work: impl FnMut() -> T) -> Rate {
    let start = clock::instant();
    let mut times = 0_u64;
    loop {
        for _ in 0..batch {
            black_box(work());
        }
        times += u64::from(batch);
        let took = start.elapsed();
        if took >= LENGTH {
            return Rate { times, took };
        }
    }
}

impl Rate {
    fn per_second(self) -> String {
        grouped(u128::from(self.times).saturating_mul(1_000_000_000) / self.took.as_nanos().max(1))
    }

    fn each(self) -> String {
        format!("{} ns", grouped(self.took.as_nanos() / u128::from(self.times.max(1))))
    }
}

/// Digits in groups of three.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A scheme, and a request with a token that it takes.
struct Specimen {
    scheme: AnyScheme,
    fields: HeaderMap,
    connection: Connection,
    now: UnixTime,
}

impl Specimen {
    fn build(cache: &str) -> Result<Self, String> {
        let key = base64::encode(&KEY);
        let settings = format!(
            "wrap: {{ issuers: [{{ name: '{ISSUER}', key: '{key}' }}], audience: '{AUDIENCE}', claims: {{ Birthdate: {{ age_at_least: 21 }} }}, verdict_cache: {cache} }}"
        );
        let told = |problems: Vec<_>| format!("the specimen has {} problems", problems.len());
        let config: SchemeConfig = config::decode(&settings, Environment::Fixed(&[])).map_err(told)?;
        let (name, files) = (Arc::from("doctor"), Files::below(Path::new("")));
        let (random, sizes) = (Arc::new(SystemRandom::new()), StoreSizes { replay_marks: 1, revocations: 1, holder_keys: 0 });
        let stores = Stores::new(sizes, clock::now(), &*random).map(Arc::new).map_err(|error| error.to_string())?;
        let key_sources = KeySources::default();
        let resources = Resources { name: &name, files: &files, stores: &stores, key_sources: &key_sources, random: &random };
        let scheme = config.build(&resources).map_err(told)?;
        let now = clock::now();
        let value = HeaderValue::try_from(format!("WRAP access_token=\"{}\"", token(now)?)).map_err(|error| error.to_string())?;
        let connection = Connection { peer: ([127, 0, 0, 1], 1).into(), security: TransportSecurity::Clear };
        Ok(Self { scheme, fields: HeaderMap::from_iter([(AUTHORIZATION, value)]), connection, now })
    }

    /// Finds the token in the request and proves it.
    fn verify(&self) -> Result<(), String> {
        let head = RequestHead {
            method: &Method::GET,
            authority: "localhost:8080",
            path: "/bartender/",
            query: "",
            received: Received { target: b"/bartender/", host: b"localhost:8080" },
            fields: &self.fields,
        };
        let evidence = Evidence {
            head,
            connection: &self.connection,
            peer: PeerTrust::Untrusted,
            content: b"",
            carries: Carries::Nothing,
            beside: Beside::Refused,
            now: self.now,
        };
        let credential = self.scheme.extract(&evidence).map_err(|malformation| malformation.reason())?.ok_or("no token")?;
        match ready(self.scheme.verify(&credential, &evidence)) {
            Poll::Ready(verdict) => verdict.map(drop).map_err(|refusal| refusal.reason().to_owned()),
            Poll::Pending => Err("the specimen waits".to_owned()),
        }
    }
}

fn token(now: UnixTime) -> Result<String, String> {
    let claims = [("Birthdate", "1979-05-25"), ("Role", "patron"), ("Name", "Jane Doe")];
    let statement = Statement { claims: &claims, issuer: ISSUER, audience: Some(AUDIENCE), expires: Some(now.later(3600)) };
    let key = SwtKey::from_octets(&KEY).map_err(|error| error.to_string())?;
    issue(&statement, &key).map(|token| token.to_string()).map_err(|error| error.to_string())
}

/// Polls a future that has nothing to wait for.
fn ready<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specimens_verify_and_a_changed_one_does_not() {
        let mut specimen = Specimen::build("0").unwrap();
        assert_eq!(specimen.verify(), Ok(()));
        specimen.now = specimen.now.later(3600);
        assert_eq!(specimen.verify(), Err("expired".to_owned()));
    }

    #[test]
    fn what_is_remembered_is_measured_as_such() {
        for (cache, entries) in [("0", 0), ("8MiB", 1)] {
            let specimen = Specimen::build(cache).unwrap();
            specimen.verify().unwrap();
            specimen.verify().unwrap();
            assert_eq!(specimen.scheme.verdict_counts().unwrap().entries, entries, "{cache}");
        }
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        let rate = Rate { times: 2_000, took: Duration::from_millis(100) };
        assert_eq!((rate.per_second(), rate.each()), ("20,000".to_owned(), "50,000 ns".to_owned()));
    }
}
