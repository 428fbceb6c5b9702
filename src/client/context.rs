//! A context: the token and the secret that an answer gave, for later requests.

use super::{HolderKey, Token};
use crate::clock::UnixTime;
use crate::scheme::wssec::wire::SignatureName;
use crate::scheme::wssec::wire::auth_info::ContextGrant;
use crate::scheme::wssec::wire::fragments;
use zeroize::Zeroizing;

/// The profile word of context tokens.
pub(super) const PROFILE: &str = "sct";
/// The largest context token that is kept, in octets: what a server takes.
const LARGEST: usize = 48 << 10;

/// The one algorithm by which contexts are proved.
pub(super) const CONTEXT_ALGORITHM: SignatureName = SignatureName::HmacSha256;

/// A context token with its key.
pub(super) struct Context {
    /// The token; it is due when the one that it was given for is.
    pub(super) token: Token,
    /// The key that proves possession of it.
    pub(super) key: HolderKey,
}

impl Context {
    /// Takes what an answer gives; nothing if it is none that can be presented.
    pub(super) fn of_grant(grant: &ContextGrant<'_>, due: UnixTime) -> Option<Self> {
        let mut octets = Zeroizing::new(Vec::new());
        fragments::decode_text(grant.token.as_bytes(), LARGEST, &mut octets).ok()?;
        let secret = Zeroizing::new(grant.secret_octets().ok()?);
        let key = HolderKey::secret(secret.as_slice()).and_then(|key| key.only(CONTEXT_ALGORITHM)).ok()?;
        Some(Self { token: Token::new(PROFILE, &octets).due(due), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_that_cannot_be_presented_is_none() {
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let taken = |token, secret| Context::of_grant(&ContextGrant { token, secret }, UnixTime::from_seconds(7));
        let context = taken("UENUMQ==", secret).unwrap();
        assert_eq!((context.token.octets(), context.token.profile(), context.token.due_at().seconds()), (&b"PCT1"[..], "sct", 7));
        assert!(taken("UENUMQ=", secret).is_none() && taken("", secret).is_none() && taken("UENUMQ==", "AAEC").is_none());
    }
}
