//! How often admitting a request allocates. A binary of its own, because it has an allocator of its own.
//!
//! What is counted is one scheme's part: extract, verify, claim the first use, drop. The numbers are exact, so that
//! a change of them is made on purpose. Memory that a crypto library takes by itself is not seen.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

#[path = "../benches/specimens/mod.rs"]
mod specimens;

use allocation_counter::{AllocationInfo, measure};
use portcullis::setting::ByteSize;
use specimens::admission::{admit, connection, evidence};
use specimens::wrap::{NOW, token_field, wrap};
use specimens::wssec::{Partners, Request};

const REMEMBERING: ByteSize = ByteSize::from_mib(8);
const FORGETFUL: ByteSize = ByteSize::from_octets(0);
/// More requests than any buffer that grows by doubling would hide.
const REQUESTS: u64 = 1000;

/// Counts for requests whose number is not yet used; they are made, and signed, before anything is counted.
fn counted(partners: &Partners, make: impl Fn(u64) -> Request) -> Vec<AllocationInfo> {
    let requests: Vec<_> = (1..=REQUESTS).map(make).collect();
    requests.iter().map(|request| measure(|| drop(partners.admit(request)))).collect()
}

#[track_caller]
fn assert_each(counts: &[AllocationInfo], expected: u64) {
    for (number, counted) in counts.iter().enumerate() {
        assert_eq!(counted.count_total, expected, "request {number}: {counted:?}");
    }
}

/// One for the token's octets, decoded from base64; one for the text that was signed, 512 octets at once.
#[test]
fn a_remembered_context_allocates_twice() {
    let partners = Partners::meet(REMEMBERING);
    partners.admit(&partners.by_context(0));
    assert_each(&counted(&partners, |number| partners.by_context(number)), 2);
}

/// Beside those two: one for what is unsealed, two for the texts that the principal keeps (issuer, subject), two for
/// its claims (text, places), one for the principal itself.
#[test]
fn a_context_that_is_opened_allocates_eight_times() {
    let partners = Partners::meet(FORGETFUL);
    assert_each(&counted(&partners, |number| partners.by_context(number)), 8);
}

#[test]
fn a_remembered_wrap_token_allocates_nothing() {
    let (scheme, fields, connection) = (wrap(REMEMBERING), token_field(), connection());
    let evidence = evidence("/bartender/", &fields, &connection, NOW);
    admit(&scheme, &evidence);
    let counts: Vec<_> = (0..REQUESTS).map(|_| measure(|| drop(admit(&scheme, &evidence)))).collect();
    assert_each(&counts, 0);
}

/// After so many signatures the multiples of a holder's key are kept.
const OFTEN: u64 = 64;

/// Reading JSON allocates, and so does parsing keys. It happens once for each token, and costs little beside two
/// verifications by ECDSA.
#[test]
fn a_first_token_allocates_at_most_32_times() {
    let partners = Partners::meet(FORGETFUL);
    // Under keys that have verified often: their multiples are there.
    for number in 0..OFTEN {
        partners.admit(&partners.first(number));
    }
    let most = counted(&partners, |number| partners.first(OFTEN + number)).iter().map(|counted| counted.count_total).max();
    assert!(most <= Some(32), "{most:?}");
}
