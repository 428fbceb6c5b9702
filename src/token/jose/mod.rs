//! JOSE: keys, signatures and sealed secrets in JSON (RFC 7515 to 7518, 7638, 7800, 8037).

mod algorithm;
pub mod cnf;
mod issuing;
pub mod jwe;
mod jwk;
mod jwks;
mod jws;
mod key_name;
mod known_header;
pub mod pem;

pub use algorithm::{Algorithm, Primitive};
pub use issuing::{IssuingKey, Unfit};
pub use jwk::{JwkSyntax, MIN_SECRET, Material, VerificationKey, describe, thumbprint, thumbprint_octets};
pub use jwks::{JwksSyntax, KeySet, MAX_KEYS, MAX_SET, Skipped};
pub use jws::{Header, HeaderSyntax, Jws, JwsSyntax, MAX_HEADER, MAX_TOKEN, MAX_TRIES, Unconfirmed, Unproved, issue};
pub use key_name::KeyName;
pub use known_header::KnownHeader;

#[cfg(test)]
mod vectors;
