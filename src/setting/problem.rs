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
    about: About,
}

/// What a problem says of the keys of a mapping, so that one mistake is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    /// Nothing.
    Anything,
    /// The mapping at this place lacks one of these.
    Lacking(Position, Box<[&'static str]>),
    /// The mapping at this place has a key that stands for this one.
    Misspelt(Position, &'static str),
}

impl Problem {
    /// A problem at `at`: `found` and `expected` complete the sentence "found …, expected …".
    pub fn new(at: Position, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at, found: found.into(), expected: expected.into(), suggestion: None, about: About::Anything }
    }

    /// Adds what to write instead, such as the nearest known name.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Says that it comes of one of `keys` not being in the mapping at `mapping`.
    #[must_use]
    pub fn lacks(mut self, mapping: Position, keys: &[&'static str]) -> Self {
        self.about = About::Lacking(mapping, keys.into());
        self
    }

    /// Suggests `key`, for a misspelt key of the mapping at `mapping`.
    #[must_use]
    pub fn misspells(mut self, mapping: Position, key: &'static str) -> Self {
        self.about = About::Misspelt(mapping, key);
        self.suggest(format!("`{key}`"))
    }

    /// The problems without those of keys that are there, misspelt, as another problem tells.
    pub fn told_once(mut problems: Vec<Self>) -> Vec<Self> {
        let misspelt = |problem: &Self| if let About::Misspelt(mapping, key) = problem.about { Some((mapping, key)) } else { None };
        let misspelt: Vec<_> = problems.iter().filter_map(misspelt).collect();
        problems.retain(|problem| match &problem.about {
            About::Lacking(mapping, keys) => !misspelt.iter().any(|(misspelt, key)| misspelt == mapping && keys.contains(key)),
            About::Anything | About::Misspelt(..) => true,
        });
        problems
    }

    /// Where it is.
    pub const fn at(&self) -> Position {
        self.at
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, found, expected, suggestion, .. } = self;
        write!(f, "{}:{}: found {found}, expected {expected}", at.line(), at.column())?;
        match suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}
