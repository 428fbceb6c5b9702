//! What an admitted request with a JSON Web Token, a proof or an HTTP message signature costs, and a verification alone.

#[path = "specimens/bearers.rs"]
mod bearers;
#[path = "specimens/resource.rs"]
mod resource;

use bearers::{Bearers, By};
use criterion::{BatchSize, Criterion};
use portcullis::crypto::{NewKey, PublicKey, SignatureAlgorithm, SigningKey};
use portcullis::setting::ByteSize;
use std::cell::Cell;
use std::hint::black_box;

/// As many octets as a token, a proof or a signature base has that is signed.
const MESSAGE: [u8; 300] = [b'.'; 300];

/// All rows of the groups `jwt`, `dpop`, `http_signature` and `signature`.
pub(crate) fn rows(criterion: &mut Criterion) {
    tokens(criterion);
    signed(criterion);
    verifications(criterion);
}

/// Extract and verify. A verdict that is not remembered is the same work for the same token each time.
fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jwt");
    let (remembering, forgetful) = (Bearers::meet(ByteSize::from_mib(8)), Bearers::meet(ByteSize::from_octets(0)));
    for (row, bearers, by) in
        [("hot", &remembering, By::Es256), ("cold HS256", &forgetful, By::Hs256), ("cold ES256", &forgetful, By::Es256)]
    {
        let request = bearers.by_token(by, 1);
        bearers.admit_token(&request);
        group.bench_function(row, |bencher| bencher.iter(|| bearers.admit_token(black_box(&request))));
    }
}

/// Extract, verify, and claim the first use. Each request is made, and signed, outside of what is measured.
fn signed(criterion: &mut Criterion) {
    let bearers = Bearers::meet(ByteSize::from_mib(8));
    let number = Cell::new(0);
    let next = || number.replace(number.get() + 1);
    criterion.bench_function("dpop/hot token, ES256", |bencher| {
        bencher.iter_batched_ref(|| bearers.by_proof(next()), |request| bearers.admit_proof(black_box(request)), BatchSize::SmallInput);
    });
    number.set(0);
    criterion.bench_function("http_signature/Ed25519", |bencher| {
        let make = || bearers.by_signature(next());
        bencher.iter_batched_ref(make, |request| bearers.admit_signature(black_box(request)), BatchSize::SmallInput);
    });
}

fn verifications(criterion: &mut Criterion) {
    let (p256, ed25519) = (SigningKey::generate(NewKey::P256).unwrap(), SigningKey::generate(NewKey::Ed25519).unwrap());
    let mut group = criterion.benchmark_group("signature");
    for (row, pair, key, algorithm) in [
        ("P-256 alone", &p256, p256.public().clone(), SignatureAlgorithm::EcdsaP256Sha256),
        ("P-256 of a key set", &p256, p256.public().clone().for_many(), SignatureAlgorithm::EcdsaP256Sha256),
        ("Ed25519 alone", &ed25519, ed25519.public().clone(), SignatureAlgorithm::Ed25519),
    ] {
        let signature = pair.sign(algorithm, &MESSAGE).unwrap();
        group.bench_function(row, |bencher| {
            bencher.iter(|| key.verify(algorithm, black_box(&MESSAGE), black_box(&signature)).unwrap());
        });
    }
    let signature = p256.sign(SignatureAlgorithm::EcdsaP256Sha256, &MESSAGE).unwrap();
    group.bench_function("P-256 of a key set, the first of a key", |bencher| {
        let fresh = || p256.public().clone().for_many();
        let verify = |key: PublicKey| key.verify(SignatureAlgorithm::EcdsaP256Sha256, black_box(&MESSAGE), black_box(&signature)).unwrap();
        bencher.iter_batched(fresh, verify, BatchSize::SmallInput);
    });
}
