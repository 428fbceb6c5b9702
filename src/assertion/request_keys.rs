//! The keys by which the gateway signs requests.

use super::asserter::Asserter;
use super::key_ring::KeyRing;
use super::settings::RequestKeySettings;
use crate::setting::{Files, Problem};
use crate::token::jose::IssuingKey;
use std::sync::Arc;

/// What signs requests, apart from the keys of assertions: a signed request is not to pass for a signed statement.
#[derive(Debug)]
pub struct RequestKeys(KeyRing);

impl RequestKeys {
    /// Reads the keys; all problems are told together.
    ///
    /// # Errors
    /// Keys that cannot be used, or that make assertions; or a path that cannot be compared.
    pub fn build(settings: &RequestKeySettings, files: &Files, asserter: Option<&Asserter>) -> Result<Arc<Self>, Vec<Problem>> {
        let other = asserter.map(Asserter::keys);
        KeyRing::build(&settings.keys, settings.jwks_path.as_ref(), files, other).map(|keys| Arc::new(Self(keys)))
    }

    /// The public halves of all keys, as JSON (RFC 7517 §5). A key's `kid` is the `keyid` of signatures.
    pub fn key_set(&self) -> &str {
        self.0.set()
    }

    /// Whether data listeners publish the keys.
    pub const fn publishes(&self) -> bool {
        self.0.publishes()
    }

    /// Whether data listeners publish the keys at this path, which stands as it came.
    pub fn publishes_at(&self, path: &[u8]) -> bool {
        self.0.publishes_at(path)
    }

    /// The key that signs.
    pub(super) const fn signing(&self) -> &Arc<IssuingKey> {
        self.0.signing()
    }
}
