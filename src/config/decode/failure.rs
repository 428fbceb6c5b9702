//! Why a value could not be decoded, before it is known where it stands.

use crate::config::suggest::one_of;
use serde::de::{Error, Expected, Unexpected};
use std::fmt;

/// The error of [`super::Decoder`]. What was found is told later, from the node.
#[derive(Debug)]
pub(in crate::config) enum Failure {
    /// The problem is recorded already.
    Recorded,
    /// The value is none of what was expected.
    Unexpected(String),
    /// The value is a name, and none of the known ones.
    Unknown(&'static [&'static str]),
    /// The mapping lacks a key.
    Missing(&'static str),
    /// Something else, in the words of the type that was asked for.
    Worded(String),
}

impl Failure {
    /// The value is none of what the visitor accepts.
    pub(super) fn unexpected(expected: &dyn Expected) -> Self {
        Self::Unexpected(in_words(expected.to_string()))
    }
}

impl Error for Failure {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Worded(text.to_string())
    }
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unexpected(expected)
    }
    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unexpected(expected)
    }
    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::unexpected(expected)
    }
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Unknown(expected)
    }
    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Unexpected(format!("the keys {}", one_of(expected)))
    }
    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded => f.write_str("the problem is in the report"),
            Self::Unexpected(expected) => write!(f, "expected {expected}"),
            Self::Unknown(known) => write!(f, "expected {}", one_of(known)),
            Self::Missing(key) => write!(f, "expected the key `{key}`"),
            Self::Worded(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

/// What Rust calls a type, and what a reader of YAML calls it.
const WORDS: &[(&str, &str)] = &[
    ("a string", "text"),
    ("path string", "a path"),
    ("a boolean", "`true` or `false`"),
    ("a character", "one character"),
    ("a sequence", "a list"),
    ("a map", "a mapping"),
    ("unit", "nothing"),
    ("f32", "a number"),
    ("f64", "a number"),
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0 to 18446744073709551615"),
    ("usize", "a whole number from 0 to 18446744073709551615"),
    ("i8", "a whole number from -128 to 127"),
    ("i16", "a whole number from -32768 to 32767"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    ("i64", "a whole number from -9223372036854775808 to 9223372036854775807"),
    ("isize", "a whole number from -9223372036854775808 to 9223372036854775807"),
    ("a nonzero u8", "a whole number from 1 to 255"),
    ("a nonzero u16", "a whole number from 1 to 65535"),
    ("a nonzero u32", "a whole number from 1 to 4294967295"),
    ("a nonzero u64", "a whole number from 1 to 18446744073709551615"),
    ("a nonzero usize", "a whole number from 1 to 18446744073709551615"),
    ("IPv4 address", "an IPv4 address such as 192.0.2.1"),
    ("IPv6 address", "an IPv6 address such as 2001:db8::1"),
    ("IP address", "an IP address such as 192.0.2.1 or 2001:db8::1"),
    ("socket address", "an address and port such as 192.0.2.1:8080"),
    ("IPv4 socket address", "an address and port such as 192.0.2.1:8080"),
    ("IPv6 socket address", "an address and port such as [2001:db8::1]:8080"),
    ("invalid IPv4 address syntax", "an IPv4 address such as 192.0.2.1"),
    ("invalid IPv6 address syntax", "an IPv6 address such as 2001:db8::1"),
    ("invalid IP address syntax", "an IP address such as 192.0.2.1 or 2001:db8::1"),
    ("invalid socket address syntax", "an address and port such as 192.0.2.1:8080"),
];

/// The words of a reader for an expectation of serde or the standard library; others stay.
pub(super) fn in_words(expected: String) -> String {
    match WORDS.iter().find(|(rust, _)| *rust == expected) {
        Some((_, words)) => (*words).to_owned(),
        None => expected,
    }
}
