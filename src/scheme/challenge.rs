//! What a refusal asks the caller for: field values, written by the gateway only.

use http::HeaderValue;

/// One field of a 401 response (RFC 9110 §11.6.1), usually `WWW-Authenticate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The field's name as it stands on the wire: old clients look for one spelling.
    pub field: &'static str,
    /// The field's value.
    pub value: HeaderValue,
}

impl Challenge {
    /// A `WWW-Authenticate` challenge.
    pub const fn www_authenticate(value: HeaderValue) -> Self {
        Self { field: "WWW-Authenticate", value }
    }
}
