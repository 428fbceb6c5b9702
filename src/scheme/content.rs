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

/// A claimed digest and as much of its input as is known.
#[derive(Clone)]
pub struct ContentDigest {
    hasher: Hasher,
    claimed: Box<[u8]>,
}

impl ContentDigest {
    /// A digest that begins with `before`, octets that are not part of the content.
    pub fn begin(algorithm: DigestAlgorithm, before: &[u8], claimed: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(before);
        Self { hasher, claimed: claimed.into() }
    }

    /// Takes the next octets of the content, exactly as received: no coding is undone.
    pub fn update(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
    }

    /// Whether the content was the one that the claim is about.
    pub fn holds(self) -> bool {
        self.hasher.finish().matches(&self.claimed)
    }
}

impl std::fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentDigest(…)")
    }
}
