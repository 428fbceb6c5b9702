//! What a route is for: patterns of hosts and paths, written in normal form.

use super::authority::{Authority, UriScheme, ends_in_number};
use super::comparable::comparable;
use super::{Methods, Target, TargetRules};
use std::borrow::Cow;
use std::fmt;

/// Everything that must hold of a request for a route to be taken.
#[derive(Clone, Debug)]
pub struct RoutePattern {
    /// The host.
    pub host: HostPattern,
    /// The path.
    pub path: PathPattern,
    /// The method.
    pub methods: Methods,
}

/// Which hosts a route is for; ports are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// Every host that no other pattern names.
    Any,
    /// This one.
    Exact(HostName),
    /// Every host with one or more labels before this name.
    Below(HostName),
}

/// A host in normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(Box<str>);

/// Which paths a route is for. Letters count as they stand; nothing is folded but escapes that most
/// origin servers do not tell from the character itself, such as `%40` and `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// This path and every path below it: `/a/` and `/a` are the same pattern, which holds for `/a`,
    /// `/a/` and `/a/b`, but not for `/ab`.
    Prefix(NormalPath),
    /// This path, and no other: `/a/` is not `/a`.
    Exact(NormalPath),
}

/// A path in normal form; without its last slash where it is a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NormalPath(Box<str>);

/// What is wrong with the text of a pattern, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternProblem {
    /// Completes "found …".
    pub found: Box<str>,
    /// Completes "expected …".
    pub expected: Box<str>,
}

impl PatternProblem {
    /// A problem in two texts.
    pub(super) fn new(found: impl Into<Box<str>>, expected: impl Into<Box<str>>) -> Self {
        Self { found: found.into(), expected: expected.into() }
    }
}

impl HostPattern {
    /// Reads `a.example`, `*.a.example` or `*`.
    ///
    /// # Errors
    /// The text is none of these, or not in normal form.
    pub fn parse(text: &str) -> Result<Self, PatternProblem> {
        match text.strip_prefix("*.") {
            _ if text == "*" => Ok(Self::Any),
            Some(name) if name.starts_with('[') || (!name.is_empty() && ends_in_number(name)) => {
                Err(PatternProblem::new(format!("`{text}`"), "a name after `*.`, because addresses have no labels"))
            }
            Some(name) => HostName::parse(name).map(Self::Below),
            None => HostName::parse(text).map(Self::Exact),
        }
    }
}

impl HostName {
    fn parse(text: &str) -> Result<Self, PatternProblem> {
        let expected = "a host such as a.example, or *.a.example for every host below it, or * for every host";
        let judged = Authority::judge(text.as_bytes(), UriScheme::Http)
            .map_err(|problem| PatternProblem::new(format!("`{text}` ({problem})"), expected))?;
        match judged.host() {
            host if host == text => Ok(Self(text.into())),
            host => Err(PatternProblem::new(format!("`{text}`"), format!("the host in lower case and without a port: `{host}`"))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PathPattern {
    /// Reads the path of a prefix pattern; a slash at its end makes no difference.
    ///
    /// # Errors
    /// The text is not a path in normal form.
    pub fn prefix(text: &str) -> Result<Self, PatternProblem> {
        NormalPath::parse(text, text.strip_suffix('/').unwrap_or(text)).map(Self::Prefix)
    }

    /// Reads the path of an exact pattern.
    ///
    /// # Errors
    /// The text is not a path in normal form.
    pub fn exact(text: &str) -> Result<Self, PatternProblem> {
        NormalPath::parse(text, text).map(Self::Exact)
    }
}

impl NormalPath {
    fn parse(text: &str, kept: &str) -> Result<Self, PatternProblem> {
        let expected = "a path such as /a/b";
        if text.contains(['?', '*']) {
            return Err(PatternProblem::new(format!("`{text}`"), "a path without a query and without `*`, such as /a/b"));
        }
        let rules = TargetRules { limit: usize::MAX, ..TargetRules::default() };
        let judged =
            Target::judge(text.as_bytes(), rules).map_err(|problem| PatternProblem::new(format!("`{text}` ({problem})"), expected))?;
        match judged.path() {
            path if path == text => Ok(Self(kept.into())),
            path => Err(PatternProblem::new(format!("`{text}`"), format!("its normal form `{path}`"))),
        }
    }

    /// The path; empty for the prefix `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling that requests are compared with.
    pub(super) fn comparable(&self) -> Cow<'_, str> {
        comparable(&self.0)
    }

    /// How many segments it has.
    pub(super) fn segments(&self) -> usize {
        memchr::memchr_iter(b'/', self.0.as_bytes()).count()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(name) => f.write_str(name.as_str()),
            Self::Below(name) => write!(f, "*.{}", name.as_str()),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(path) => write!(f, "{}/", path.as_str()),
            Self::Exact(path) => f.write_str(path.as_str()),
        }
    }
}

impl fmt::Display for PatternProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, expected {}", self.found, self.expected)
    }
}

impl std::error::Error for PatternProblem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_print_as_written() {
        for text in ["*", "a.test", "*.a.test", "10.0.0.1", "[::1]", "a_b"] {
            assert_eq!(HostPattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn hosts_are_in_normal_form() {
        for (text, part) in [
            ("A.test", "`a.test`"),
            ("a.test.", "`a.test`"),
            ("a.test:80", "`a.test`"),
            ("a.test:8080", "`a.test`"),
            ("[0::1]", "`[::1]`"),
            ("*.A.test", "`a.test`"),
            ("*.0.1", "addresses have no labels"),
            ("*.[::1]", "addresses have no labels"),
            ("", "a host such as"),
            ("**", "a host such as"),
            ("*a.test", "a host such as"),
            ("a.*.test", "a host such as"),
            ("*.*.test", "a host such as"),
            ("*.", "a host such as"),
            ("a test", "a host such as"),
        ] {
            let problem = HostPattern::parse(text).unwrap_err();
            assert!(problem.expected.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn a_slash_at_the_end_makes_no_other_prefix() {
        assert_eq!(PathPattern::prefix("/a/"), PathPattern::prefix("/a"));
        assert_ne!(PathPattern::exact("/a/"), PathPattern::exact("/a"));
        assert_eq!(PathPattern::prefix("/").unwrap().to_string(), "/");
        assert_eq!(PathPattern::prefix("/a/b").unwrap().to_string(), "/a/b/");
    }

    #[test]
    fn paths_are_in_normal_form() {
        for (text, part) in [
            ("/%61", "its normal form `/a`"),
            ("/%c3%a9", "its normal form `/%C3%A9`"),
            ("/a/*", "without `*`"),
            ("/a?b", "without a query"),
            ("a", "a path such as"),
            ("", "a path such as"),
            ("/a//b", "a path such as"),
            ("//", "a path such as"),
            ("/../a", "a path such as"),
            ("/a;b", "a path such as"),
            ("/a%2Fb", "a path such as"),
            ("/é", "a path such as"),
        ] {
            let problem = PathPattern::prefix(text).unwrap_err();
            assert!(problem.expected.contains(part), "{text}: {problem}");
            assert!(PathPattern::exact(text).is_err(), "{text}");
        }
    }
}
