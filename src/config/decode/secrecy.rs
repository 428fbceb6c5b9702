//! Whether a value may be shown in a message.

use crate::config::tree::{Entry, Form, Node, Value};

/// Whether values may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Nothing speaks against it.
    Open,
    /// It is, or may be, a secret: only its kind is told.
    Hidden,
}

impl Secrecy {
    /// The secrecy of an entry's value: what stands below a secret is secret.
    pub(super) fn below(self, entry: &Entry<'_>) -> Self {
        if names_secret(entry.name()) { Self::Hidden } else { self }
    }

    /// The secrecy of a node itself: what the environment filled in is never shown.
    pub(super) fn of(self, node: &Node<'_>) -> Self {
        match node.scalar() {
            Some(scalar) if scalar.form() == Form::Filled => Self::Hidden,
            Some(_) | None => self,
        }
    }

    /// Whether `message` repeats a hidden value of `node` or below it.
    pub(super) fn is_broken_by(self, message: &str, node: &Node<'_>) -> bool {
        match node.value() {
            Value::Scalar(scalar) => self.of(node) == Self::Hidden && !scalar.text().is_empty() && message.contains(scalar.text()),
            Value::Sequence(items) => items.iter().any(|item| self.is_broken_by(message, item)),
            Value::Mapping(entries) => entries.iter().any(|entry| self.below(entry).is_broken_by(message, entry.value())),
        }
    }
}

/// Whether a key says that its value is a secret. The name of a file is none.
fn names_secret(name: &str) -> bool {
    const ANYWHERE: &[&str] = &["secret", "password", "passwd", "passphrase", "credential"];
    const LAST: &[&str] = &["key", "keys", "token", "tokens", "authorization", "cookie", "pin"];
    let name = name.to_ascii_lowercase();
    if name.ends_with("_file") || name.ends_with("_files") {
        return false;
    }
    ANYWHERE.iter().any(|word| name.contains(word)) || LAST.iter().any(|word| name.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::names_secret;

    #[test]
    fn names_tell_secrets() {
        for name in
            ["key", "hmac_key", "previousKey", "keys", "client_secret", "Password", "password_hash", "X-Api-Key", "token", "Authorization"]
        {
            assert!(names_secret(name), "{name}");
        }
        for name in ["key_file", "secret_file", "token_profiles", "keyed", "audience", "path", ""] {
            assert!(!names_secret(name), "{name}");
        }
    }
}
