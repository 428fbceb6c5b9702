//! What it costs to mark a first use among a million, to ask for revocations, and to open a context.

use criterion::{BatchSize, Criterion};
use portcullis::clock::{UnixTime, instant};
use portcullis::crypto::{SystemRandom, base64};
use portcullis::store::{ContextFacts, Mark, MemoryReplayLog, MemoryRevocations, Namespace, Revocations, Subject};
use portcullis::token::ClaimsBuilder;
use portcullis::token::context::{Binding, Context, FirstProfile, KeyRing, draw, issue, issue_nonce, open, open_nonce};
use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const BEGAN: UnixTime = UnixTime::from_seconds(1_700_000_000);
/// Marks that count at any time.
const LIVE: u64 = 1_000_000;
/// How long each counts, in seconds.
const WINDOW: u64 = 100;

/// All rows of the group.
pub(crate) fn rows(criterion: &mut Criterion) {
    marks(criterion);
    revocations(criterion);
    contexts(criterion);
}

/// A log that is as full as it stays: for each mark that is made another one is over.
struct Rolling {
    log: MemoryReplayLog,
    next: AtomicU64,
}

impl Rolling {
    fn filled() -> Self {
        let log = MemoryReplayLog::with_room(1_000_000, BEGAN, &SystemRandom::new()).unwrap();
        let rolling = Self { log, next: AtomicU64::new(0) };
        rolling.timed(1, LIVE * 2);
        rolling
    }

    /// Marks every `step`th number of a range; threads take turns, so that time passes alike for them.
    fn mark_some(&self, numbers: Range<u64>, step: usize) {
        for number in numbers.step_by(step) {
            let now = BEGAN.later(number / (LIVE / WINDOW));
            black_box(self.log.mark_here(Mark { key: scattered(number), until: now.later(WINDOW) }, now)).ok();
        }
    }

    fn timed(&self, threads: u32, count: u64) -> Duration {
        let (first, step) = (self.next.fetch_add(count, Relaxed), usize::try_from(threads).unwrap());
        let began = instant();
        std::thread::scope(|scope| {
            for thread in 1..u64::from(threads) {
                scope.spawn(move || self.mark_some(first + thread..first + count, step));
            }
            self.mark_some(first..first + count, step);
        });
        began.elapsed()
    }
}

fn marks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    let rolling = Rolling::filled();
    for (row, threads) in [("mark/1M live, one thread", 1), ("mark/1M live, two threads", 2)] {
        group.bench_function(row, |bencher| bencher.iter_custom(|count| rolling.timed(threads, count)));
    }
    let namespace = Namespace::new("partners", "https://sts.example", &[7; 32]);
    group.bench_function("mark/key", |bencher| bencher.iter(|| black_box(&namespace).key(black_box(b"bm9uY2UtMDAwMQ=="))));
    group.bench_function("mark/namespace", |bencher| {
        bencher.iter(|| Namespace::new(black_box("partners"), black_box("https://sts.example"), black_box(&[7; 32])));
    });
}

fn revocations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    let list = MemoryRevocations::with_room(100_000);
    let facts = ContextFacts { id: &[1; 16], issuer: "https://sts.example", subject: Some("jane"), issued: BEGAN };
    group.bench_function("revoked/none", |bencher| bencher.iter(|| list.is_revoked(black_box(&facts))));
    let joe = Subject { issuer: "https://sts.example", name: "joe" };
    list.revoke_subject_here(joe, BEGAN, BEGAN.later(9), BEGAN).unwrap();
    group.bench_function("revoked/others", |bencher| bencher.iter(|| list.is_revoked(black_box(&facts))));
}

fn contexts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    let (keys, binding) = (KeyRing::from_text(base64::encode(&[7; 32]).as_bytes()).unwrap(), Binding::new("partners", "orders"));
    let random = SystemRandom::new();
    let mut claims = ClaimsBuilder::default();
    ["department", "city", "role", "group", "level"].iter().for_each(|name| claims.add(name, &"v".repeat(35)).unwrap());
    let (id, secret) = draw(&random).unwrap();
    let context = Context {
        id,
        secret,
        issuer: "https://sts.partners.example/1".into(),
        subject: Some("s".repeat(40).into()),
        profile: FirstProfile::Jwt,
        claims: claims.build(),
        first_fingerprint: [7; 8],
        issued: BEGAN,
        expires: BEGAN.later(9),
    };
    let token = issue(&context, &keys, &binding, &random).unwrap();
    let nonce = issue_nonce(&keys, &binding, BEGAN, &random).unwrap();
    group.bench_function("context/issue", |bencher| bencher.iter(|| issue(black_box(&context), &keys, &binding, &random).unwrap()));
    group.bench_function("context/open", |bencher| {
        bencher.iter_batched(|| (), |()| open(black_box(&token), &keys, &binding, BEGAN).unwrap(), BatchSize::SmallInput);
    });
    group.bench_function("nonce/issue", |bencher| bencher.iter(|| issue_nonce(&keys, &binding, BEGAN, &random).unwrap()));
    group.bench_function("nonce/open", |bencher| bencher.iter(|| open_nonce(black_box(nonce.as_bytes()), &keys, &binding).unwrap()));
}

/// A key that looks like a hash and costs next to nothing.
fn scattered(number: u64) -> [u8; 16] {
    let mixed = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd1b5_4a32_d192_ed03);
    let again = (mixed ^ (mixed >> 29)).wrapping_mul(0xaaaa_aaaa_aaaa_aaab);
    let mut key = [0; 16];
    let octets = mixed.to_le_bytes().into_iter().chain(again.to_le_bytes());
    key.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
    key
}
