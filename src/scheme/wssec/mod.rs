//! WSSEC: a token anywhere in the request, and a signature by the token's key over a digest of it (US8078870).

pub mod reference;
pub mod wire;
