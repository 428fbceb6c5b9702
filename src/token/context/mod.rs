//! The security context token: what was proved once, sealed for the next requests.

mod binding;
mod contents;
mod key_ring;
#[cfg(test)]
mod memory;
mod octets;
mod sealed;
mod server_nonce;

pub use binding::Binding;
pub use contents::{Context, FIRST_FINGERPRINT_LENGTH, FirstProfile, ID_LENGTH, SECRET_LENGTH, draw};
pub use key_ring::{KeyRing, RingSyntax, RingSyntaxKind};
pub use sealed::{LARGEST_TOKEN, NotIssued, NotOpened, PREFIX, is_context, issue, open};
pub use server_nonce::{NonceRefused, issue_nonce, open_nonce};
