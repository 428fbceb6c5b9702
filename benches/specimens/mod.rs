//! Schemes and requests for what measures them: criterion rows and the count of allocations.

pub(crate) mod admission;
pub(crate) mod relying_party;
pub(crate) mod wrap;
pub(crate) mod wssec;
