//! How much memory opened contexts take in the cache that holds them, measured in a process of its own.

use super::contents::tests::context;
use super::{Context, ID_LENGTH};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::store::VerdictCache;
use crate::token::ClaimsBuilder;
use std::process::Command;
use std::sync::Arc;

const ENTRIES: u32 = 100_000;
const LIMIT: u64 = 64 << 20;

/// An issuer of 30 octets, a subject of 40, five claims of 40 with their names.
fn typical(number: u32) -> Vec<u8> {
    let mut claims = ClaimsBuilder::default();
    for claim in ["department", "city", "role", "group", "level"] {
        claims.add(claim, &format!("{number:0>width$}", width = 40 - claim.len())).unwrap();
    }
    let mut id = [0; ID_LENGTH];
    id[..4].copy_from_slice(&number.to_le_bytes());
    let subject = Some(format!("{number:0>40}").into());
    let mut octets = Vec::new();
    let typical = Context { id, issuer: "https://sts.partners.example/1".into(), subject, claims: claims.build(), ..context() };
    typical.append_to(&mut octets).unwrap();
    octets
}

#[test]
fn a_hundred_thousand_contexts_take_less_than_64_mib() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "token::context::memory::fill", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&run.stderr));
    println!("{told}");
}

#[test]
#[ignore = "measures the whole process; the test above runs it in one of its own"]
fn fill() {
    let cache: VerdictCache<Arc<Context>> = VerdictCache::bounded(LIMIT);
    let contents: Vec<_> = (0..ENTRIES).map(typical).collect();
    let before = resident();
    for contents in &contents {
        let context = Context::read(contents).unwrap();
        let octets = context.octets();
        cache.keep(&sha256(contents), Arc::new(context), octets, UnixTime::from_seconds(u64::MAX));
    }
    let (taken, counts) = (resident().saturating_sub(before), cache.counts());
    println!("{} octets each, {} as the cache counts; {counts:?}", taken / u64::from(ENTRIES), counts.octets / counts.entries);
    assert_eq!((counts.entries, counts.evictions), (u64::from(ENTRIES), 0));
    assert!(taken <= LIMIT, "{taken}");
}

/// The memory of this process, in octets.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
