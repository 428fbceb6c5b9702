//! One thing that is wrong in the configuration file, told so that it can be mended at once.

use std::fmt;

/// A place in the configuration file; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    line: u32,
    column: u32,
}

impl Position {
    /// The place at `line` and `column`.
    pub const fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }

    /// The line, from 1.
    pub const fn line(self) -> u32 {
        self.line
    }

    /// The column in characters, from 1.
    pub const fn column(self) -> u32 {
        self.column
    }
}

/// What was found, what was expected, and where. Never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    at: Position,
    found: String,
    expected: String,
    suggestion: Option<String>,
}

impl Problem {
    /// A problem at `at`: `found` and `expected` complete the sentence "found …, expected …".
    pub fn new(at: Position, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at, found: found.into(), expected: expected.into(), suggestion: None }
    }

    /// Adds what to write instead, such as the nearest known name.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Where it is.
    pub const fn at(&self) -> Position {
        self.at
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, found, expected, suggestion } = self;
        write!(f, "{}:{}: found {found}, expected {expected}", at.line(), at.column())?;
        match suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}
