//! Cryptography: the only room that knows which library does the work.

pub mod base64;
mod cpu;
mod provider;
mod random;

pub use cpu::cpu_features;
pub use provider::{BACKEND, DIGEST_LENGTH, HmacKey, MacMismatch, ProviderTaken, SystemRandom, install_rustls_provider, sha256};
pub use random::{Random, RandomUnavailable};
