//! The name of a key that a token or a signature gives, which anybody can write.

/// A name as it was given: as much of it as logs hold, which escape it; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// The most octets of a name that are kept.
    const LONGEST: usize = 64;

    /// The beginning of a name.
    pub fn of(text: &str) -> Self {
        Self(text.get(..text.floor_char_boundary(Self::LONGEST)).unwrap_or_default().into())
    }

    /// The name, as far as it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_a_character() {
        for (text, kept) in [("", 0), ("a", 1), (&*"k".repeat(64), 64), (&*"k".repeat(65), 64), (&*["k", &"é".repeat(40)].concat(), 63)] {
            assert_eq!(KeyName::of(text).as_str().len(), kept, "{text}");
            assert!(text.starts_with(KeyName::of(text).as_str()));
        }
    }
}
