//! The settings of an `mtls` scheme, as written in the configuration.

use super::Accepted;
use crate::scheme::bearer::token_settings;
use crate::setting::{ByteSize, Located};

token_settings! {
    /// A protected resource that takes JSON Web Tokens from the clients whose certificates they are bound to (RFC 8705 §3).
    /// A listener must ask for certificates.
    pub struct MtlsConfig {
        /// Where a token may stand in the request.
        #[serde(default = "crate::scheme::bearer::defaults::accept")]
        pub accept: Located<Vec<Accepted>>,
        /// The largest form that is searched for a token, at most 16MiB; a larger one is answered with 413.
        #[serde(default = "crate::scheme::bearer::defaults::max_form_size")]
        pub max_form_size: Located<ByteSize>,
    }
}
