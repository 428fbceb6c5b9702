//! What an admitted request of WSSEC costs, and the hash of its content alone.

use crate::specimens::wssec::Partners;
use criterion::{BatchSize, Criterion, Throughput};
use portcullis::crypto::sha256;
use portcullis::setting::ByteSize;
use std::cell::Cell;
use std::hint::black_box;

/// All rows of the groups `wssec` and `hash`.
pub(crate) fn rows(criterion: &mut Criterion) {
    admitted(criterion);
    hashes(criterion);
}

/// Extract, verify, and claim the first use. Each request is made, and signed, outside of what is measured.
fn admitted(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wssec");
    let (remembering, forgetful) = (Partners::meet(ByteSize::from_mib(8)), Partners::meet(ByteSize::from_octets(0)));
    let number = Cell::new(0);
    let next = || number.replace(number.get() + 1);
    remembering.admit(&remembering.by_context(next()));
    for (row, partners) in [("context/remembered", &remembering), ("context/opened", &forgetful)] {
        group.bench_function(row, |bencher| {
            bencher.iter_batched_ref(|| partners.by_context(next()), |request| partners.admit(black_box(request)), BatchSize::SmallInput);
        });
    }
    group.bench_function("first, two ES256", |bencher| {
        bencher.iter_batched_ref(|| remembering.first(next()), |request| remembering.admit(black_box(request)), BatchSize::SmallInput);
    });
}

fn hashes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    for (row, size) in [("sha-256/64KiB", ByteSize::from_kib(64)), ("sha-256/1MiB", ByteSize::from_mib(1))] {
        let content = vec![b'.'; size.length()];
        group.throughput(Throughput::Bytes(size.octets()));
        group.bench_function(row, |bencher| bencher.iter(|| sha256(black_box(&content))));
    }
}
