//! The protection space that a context belongs to: one configured scheme and its realm.

use crate::crypto::{DIGEST_LENGTH, DigestAlgorithm, Hasher};

/// Scheme and realm as a SHA-256 of both, each behind its length in eight octets. It goes into what is sealed
/// and signed, so that a token of one protection space does not hold in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding([u8; DIGEST_LENGTH]);

impl Binding {
    /// The length in octets.
    pub(super) const LENGTH: usize = DIGEST_LENGTH;

    /// The binding to a scheme, by its name in the configuration, and its realm.
    pub fn new(scheme: &str, realm: &str) -> Self {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        for part in [scheme, realm] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let mut octets = [0; DIGEST_LENGTH];
        octets.iter_mut().zip(hasher.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Self(octets)
    }

    pub(super) const fn octets(&self) -> &[u8; DIGEST_LENGTH] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    #[test]
    fn scheme_and_realm_cannot_be_shifted_into_each_other() {
        assert_eq!(Binding::new("ab", "").0, sha256(b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\0"));
        assert_ne!(Binding::new("ab", "c"), Binding::new("a", "bc"));
        assert_ne!(Binding::new("ab", ""), Binding::new("", "ab"));
    }
}
