//! The algorithms by which certificates may be signed.

use super::tls;
use rustls::pki_types::SignatureVerificationAlgorithm;

/// Every algorithm of the TLS provider, for checking the signatures of certificates (RFC 5280 §4.1.1.2). None
/// of them is weaker than SHA-256 or RSA of 2048 bits.
pub fn certificate_algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    tls::default_provider().signature_verification_algorithms.all
}
