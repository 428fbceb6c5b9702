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
            (Self::Digest(one), Self::Digest(other)) => Self::Digest(Box::new(one.and(other))),
        }
    }
}

/// A claimed digest and as much of its input as is known; perhaps others of the same content beside it.
#[derive(Clone)]
pub struct ContentDigest {
    hasher: Hasher,
    claimed: Box<[u8]>,
    beside: Option<Box<ContentDigest>>,
}

impl ContentDigest {
    /// A digest that begins with `before`, octets that are not part of the content.
    pub fn begin(algorithm: DigestAlgorithm, before: &[u8], claimed: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(before);
        Self { hasher, claimed: claimed.into(), beside: None }
    }

    /// Two digests of the same content, both of which must hold.
    #[must_use]
    pub fn and(mut self, other: Box<Self>) -> Self {
        self.beside = Some(match self.beside.take() {
            None => other,
            Some(beside) => Box::new(beside.and(other)),
        });
        self
    }

    /// Takes the next octets of the content, exactly as received: no coding is undone.
    pub fn update(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        if let Some(beside) = &mut self.beside {
            beside.update(piece);
        }
    }

    /// Whether the content was the one that the claim is about.
    pub fn holds(self) -> bool {
        self.hasher.finish().matches(&self.claimed) && self.beside.is_none_or(|beside| beside.holds())
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
    use crate::crypto::sha256;

    #[test]
    fn all_digests_of_a_content_must_hold() {
        let digest = |claimed: &[u8]| Box::new(ContentDigest::begin(DigestAlgorithm::Sha256, b"", &sha256(claimed)));
        let holds = |claimed: [&[u8]; 3], content: &[u8]| {
            let [one, two, three] = claimed.map(digest);
            let pledges = [one, two, three].map(ContentPledge::Digest);
            match pledges.into_iter().fold(ContentPledge::Nothing, ContentPledge::and) {
                ContentPledge::Nothing => panic!("there are three"),
                ContentPledge::Digest(mut all) => {
                    content.chunks(2).for_each(|piece| all.update(piece));
                    all.holds()
                }
            }
        };
        assert!(holds([b"abcde"; 3], b"abcde"));
        for wrong in 0..3 {
            let mut claimed: [&[u8]; 3] = [b"abcde"; 3];
            claimed[wrong] = b"abcdf";
            assert!(!holds(claimed, b"abcde"), "{wrong}");
        }
    }
}
