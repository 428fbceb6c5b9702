//! What a refusal asks the caller for: field values, written by the gateway only.

use http::header::{HeaderName, HeaderValue};

/// One field of a 401 response (RFC 9110 §11.6.1), usually `WWW-Authenticate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The field's name.
    pub field: HeaderName,
    /// The field's value.
    pub value: HeaderValue,
}

impl Challenge {
    /// A `WWW-Authenticate` challenge.
    pub const fn www_authenticate(value: HeaderValue) -> Self {
        Self { field: http::header::WWW_AUTHENTICATE, value }
    }
}
