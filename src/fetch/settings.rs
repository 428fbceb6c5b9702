//! The settings of fetching that several places of a configuration have, declared once.

/// Declares settings with those of fetching behind their own. How long a fetch may take is said by `default_timeout`,
/// beside the type, where it is left out. The type gets a method `fetching`.
macro_rules! fetch_settings {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($own)*
            /// The longest that an answer may take, at most 30s.
            #[serde(default = "default_timeout")]
            pub timeout: $crate::setting::Located<$crate::setting::Period>,
            /// The most questions under way at once, at most 1024; others wait, within their time.
            #[serde(default = "crate::fetch::default_max_parallel")]
            pub max_parallel: $crate::setting::Located<u16>,
            /// PEM certificates of the authorities that vouch for the hosts, in place of the system's.
            #[serde(default)]
            pub ca_file: Option<$crate::setting::Located<std::path::PathBuf>>,
            /// Whether names may lead to this machine, its links and private networks.
            #[serde(default)]
            pub allow_private: $crate::fetch::Reach,
            /// Whether `http` may be asked: whoever is on the way could then read tokens, and give answers of their own.
            #[serde(default)]
            pub allow_cleartext: $crate::fetch::Cleartext,
        }

        impl $name {
            /// How answers are fetched that may be so large; what is missing is told there.
            pub(super) const fn fetching<'s>(
                &'s self,
                max_size: &'s $crate::setting::Located<$crate::setting::ByteSize>,
                at: $crate::setting::Position,
            ) -> $crate::fetch::FetchTerms<'s> {
                $crate::fetch::FetchTerms {
                    timeout: &self.timeout,
                    max_size,
                    max_parallel: &self.max_parallel,
                    ca_file: self.ca_file.as_ref(),
                    reach: self.allow_private,
                    cleartext: self.allow_cleartext,
                    at,
                }
            }
        }
    };
}
pub(crate) use fetch_settings;

use crate::setting::Located;

/// What holds where `max_parallel` is left out.
pub(crate) const fn default_max_parallel() -> Located<u16> {
    Located::unwritten(32)
}
