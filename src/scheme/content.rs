//! What a credential says about the content: to be held against it before the request may go on.

use crate::crypto::{DigestAlgorithm, Hasher};

/// What is left to be held against the content.
#[derive(Clone, Debug)]
pub enum ContentPledge {
    /// Nothing: the credential says nothing of the content.
    Nothing,
    /// Its digest. Who signed it was proved; that the content is what was signed was not.
    Digest(Box<ContentDigest>),
}

impl ContentPledge {
    /// What both say must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, pledge) | (pledge, Self::Nothing) => pledge,
            (Self::Digest(mut one), Self::Digest(other)) => {
                one.others.push(other.first);
                one.others.extend(other.others);
                Self::Digest(one)
            }
        }
    }
}

/// One claimed digest or several, and as much of their input as is known.
#[derive(Clone)]
pub struct ContentDigest {
    first: Claim,
    others: Vec<Claim>,
}

/// A claimed digest.
#[derive(Clone)]
struct Claim {
    hasher: Hasher,
    claimed: Box<[u8]>,
}

impl ContentDigest {
    /// A digest that begins with `before`, octets that are not part of the content.
    pub fn begin(algorithm: DigestAlgorithm, before: &[u8], claimed: &[u8]) -> Self {
        Self { first: Claim::begin(algorithm, before, claimed), others: Vec::new() }
    }

    /// The same, with a further digest, of the content alone. All of them must hold.
    pub fn and(mut self, algorithm: DigestAlgorithm, claimed: &[u8]) -> Self {
        self.others.push(Claim::begin(algorithm, &[], claimed));
        self
    }

    /// Takes the next octets of the content, exactly as received: no coding is undone.
    pub fn update(&mut self, piece: &[u8]) {
        self.first.hasher.update(piece);
        self.others.iter_mut().for_each(|claim| claim.hasher.update(piece));
    }

    /// Whether the content was the one that every claim is about.
    pub fn holds(self) -> bool {
        self.first.holds() && self.others.into_iter().all(Claim::holds)
    }
}

impl Claim {
    fn begin(algorithm: DigestAlgorithm, before: &[u8], claimed: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(before);
        Self { hasher, claimed: claimed.into() }
    }

    fn holds(self) -> bool {
        self.hasher.finish().matches(&self.claimed)
    }
}

impl std::fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{digest, sha256};

    #[test]
    fn all_pledges_of_a_content_must_hold() {
        let pledge = |claimed: &[u8]| ContentPledge::Digest(Box::new(ContentDigest::begin(DigestAlgorithm::Sha256, b"", &sha256(claimed))));
        let holds =
            |claimed: [&[u8]; 3], content: &[u8]| match claimed.map(pledge).into_iter().fold(ContentPledge::Nothing, ContentPledge::and) {
                ContentPledge::Nothing => panic!("there are three"),
                ContentPledge::Digest(mut all) => {
                    content.chunks(2).for_each(|piece| all.update(piece));
                    all.holds()
                }
            };
        assert!(holds([b"abcde"; 3], b"abcde"));
        for wrong in 0..3 {
            let mut claimed: [&[u8]; 3] = [b"abcde"; 3];
            claimed[wrong] = b"abcdf";
            assert!(!holds(claimed, b"abcde"), "{wrong}");
        }
    }

    #[test]
    fn every_claim_must_hold() {
        let of = |algorithm| digest(algorithm, b"content").as_ref().to_vec();
        let (short, long) = (of(DigestAlgorithm::Sha256), of(DigestAlgorithm::Sha512));
        let wrong = |octets: &[u8]| octets.iter().map(|octet| octet ^ 1).collect::<Vec<_>>();
        for (short, long, holds) in
            [(short.clone(), long.clone(), true), (wrong(&short), long.clone(), false), (short.clone(), wrong(&long), false)]
        {
            let begun = ContentDigest::begin(DigestAlgorithm::Sha256, b"con", &short);
            let mut both = begun.clone().and(DigestAlgorithm::Sha512, &long);
            both.update(b"tent");
            assert!(!both.holds(), "only the first digest begins before the content");
            let mut both = ContentDigest::begin(DigestAlgorithm::Sha256, b"", &short).and(DigestAlgorithm::Sha512, &long);
            both.update(b"con");
            both.update(b"tent");
            assert_eq!(both.holds(), holds);
        }
    }
}
