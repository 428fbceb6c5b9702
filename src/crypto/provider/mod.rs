//! The one file that names the cryptographic library: aws-lc-rs, or ring where only that is compiled in.

mod aead;
mod certificate;
mod digest;
mod mac;
#[cfg(feature = "aws-lc-rs")]
mod on_aws_lc;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
mod on_ring;
mod random;
mod signature;
mod wrap;

use std::fmt;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as backend;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring as backend;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("switch on one of the features `aws-lc-rs` and `ring`");

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use aes_kw as wrapping;

#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as tls;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as tls;

#[cfg(feature = "aws-lc-rs")]
use on_aws_lc as different;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use on_ring as different;

pub use aead::{AeadKey, NONCE_LENGTH, NotAuthentic, SealFault, TAG_LENGTH};
pub use certificate::certificate_algorithms;
pub(super) use different::Verifier;
pub use digest::{DIGEST_LENGTH, Digest, Hasher, digest, same_octets, sha256};
pub use mac::{MacKey, MacMismatch};
pub use random::SystemRandom;
pub(super) use signature::{KeyPair, generate};
pub use wrap::{WRAPPING_KEY_LENGTH, unwrap_key, wrap_key};

/// The name of the library that does the work.
#[cfg(feature = "aws-lc-rs")]
pub const BACKEND: &str = "aws-lc-rs";
/// The name of the library that does the work.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub const BACKEND: &str = "ring";

/// Makes the library the process-wide provider for TLS. Call it before anything else speaks TLS.
///
/// # Errors
/// Another provider was installed before; which one is then in use is not known.
pub fn install_rustls_provider() -> Result<(), ProviderTaken> {
    tls::default_provider().install_default().map_err(|_| ProviderTaken)
}

/// Somebody else installed a provider for TLS first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderTaken;

impl fmt::Display for ProviderTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a TLS provider is installed already")
    }
}

impl std::error::Error for ProviderTaken {}
