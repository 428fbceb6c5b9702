//! Text that must not be seen: it never prints and wipes itself.

use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use zeroize::Zeroize;

/// The struct name by which [`SecretText`] tells the deserializer of `config` not to show its value.
pub const SECRET_NAME: &str = "SecretText";

/// A secret given inline in the configuration, usually as `${NAME}`.
#[derive(Clone, Deserialize, JsonSchema)]
pub struct SecretText(String);

impl SecretText {
    /// The secret itself; never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
