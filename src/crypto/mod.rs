//! Cryptography: the only room that knows which library does the work.

mod algorithm;
pub mod base64;
pub mod base64url;
mod cpu;
mod der;
mod edwards;
mod p256;
mod provider;
mod public_key;
mod random;
mod signing_key;
#[cfg(test)]
mod specimens;
#[cfg(test)]
mod vectors;

pub use algorithm::{DigestAlgorithm, KeyKind, SignatureAlgorithm};
pub use cpu::cpu_features;
pub use provider::{
    AeadKey, BACKEND, DIGEST_LENGTH, Digest, Hasher, MacKey, MacMismatch, NONCE_LENGTH, NotAuthentic, ProviderTaken, SealFault,
    SystemRandom, TAG_LENGTH, WRAPPING_KEY_LENGTH, certificate_algorithms, digest, install_rustls_provider, same_octets, sha256,
    unwrap_key, wrap_key,
};
pub use public_key::{PublicKey, PublicParts, SignatureMismatch, UnusableKey};
pub use random::{Random, RandomUnavailable};
pub use signing_key::{GenerationFault, NewKey, SigningFault, SigningKey};
