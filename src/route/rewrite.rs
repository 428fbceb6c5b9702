//! Changes a path on its way to the origin server, and judges the outcome like a new one.

use super::target::{normal_path, written_length};
use super::{PathPattern, PatternProblem, Target, TargetProblem, TargetRules};
use std::borrow::Cow;

/// What becomes of the part of a path that its route's prefix matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite(Change);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Change {
    #[default]
    Nothing,
    /// Puts `text` (empty or without a slash at its end) in the place of the first segments.
    Replace { segments: usize, text: Box<str> },
}

/// A path and query as they are forwarded. Not a [`Target`]: it is never routed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten<'t> {
    path: Cow<'t, str>,
    query: &'t str,
}

impl Rewrite {
    /// Leaves paths as they are.
    pub const fn none() -> Self {
        Self(Change::Nothing)
    }

    /// Takes the prefix away: under `/a/`, `/a/b` becomes `/b`, and `/a` becomes `/`.
    ///
    /// # Errors
    /// The pattern is not a prefix.
    pub fn strip_prefix(pattern: &PathPattern) -> Result<Self, PatternProblem> {
        Self::replace_prefix(pattern, "/")
    }

    /// Puts another path in the place of the prefix: `/c/` for `/a/` makes `/c/b` of `/a/b`, and `/c`
    /// of `/a`.
    ///
    /// # Errors
    /// The pattern is not a prefix, or `text` is not a path in normal form.
    pub fn replace_prefix(pattern: &PathPattern, text: &str) -> Result<Self, PatternProblem> {
        match (pattern, PathPattern::prefix(text)?) {
            (PathPattern::Prefix(matched), PathPattern::Prefix(text)) => {
                Ok(Self(Change::Replace { segments: matched.segments(), text: text.as_str().into() }))
            }
            (PathPattern::Exact(_), _) | (_, PathPattern::Exact(_)) => {
                Err(PatternProblem::new("a rewrite of an exact path", "a route with a path prefix, because only a prefix can be rewritten"))
            }
        }
    }

    /// The path and query to forward, for a target that the rewrite's route was found for.
    ///
    /// # Errors
    /// The outcome has no normal form, or more octets than allowed.
    pub fn apply<'t>(&'t self, target: &'t Target<'_>, rules: TargetRules) -> Result<Rewritten<'t>, TargetProblem> {
        let query = target.query();
        let Change::Replace { segments, text } = &self.0 else {
            return Ok(Rewritten { path: Cow::Borrowed(target.path()), query });
        };
        let path = join(text, below(target.path(), *segments));
        if written_length(&path, query) > rules.limit {
            return Err(TargetProblem::TooLong);
        }
        Ok(Rewritten { path: normal_path(path, rules.path_parameters)?, query })
    }
}

impl Rewritten<'_> {
    /// The path to forward; starts with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query to forward, without `?`; empty when there is none.
    pub const fn query(&self) -> &str {
        self.query
    }
}

/// What stands below the first segments of a path. Counting segments instead of comparing text holds
/// for every spelling that the route matches.
fn below(path: &str, segments: usize) -> &str {
    memchr::memchr_iter(b'/', path.as_bytes()).nth(segments).and_then(|slash| path.get(slash..)).unwrap_or_default()
}

fn join<'t>(text: &'t str, rest: &'t str) -> Cow<'t, str> {
    match (text, rest) {
        ("", "") => Cow::Borrowed("/"),
        ("", rest) => Cow::Borrowed(rest),
        (text, "") => Cow::Borrowed(text),
        (text, rest) => {
            let mut joined = String::with_capacity(text.len() + rest.len());
            joined.extend([text, rest]);
            Cow::Owned(joined)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::PathParameters;
    use proptest::prelude::*;

    fn rewritten(rewrite: &Rewrite, raw: &str) -> String {
        let rules = TargetRules { path_parameters: PathParameters::Forward, ..TargetRules::default() };
        let target = Target::judge(raw.as_bytes(), rules).unwrap();
        let outcome = rewrite.apply(&target, rules).unwrap();
        assert_eq!(outcome.query(), target.query());
        outcome.path().to_owned()
    }

    fn prefix(text: &str) -> PathPattern {
        PathPattern::prefix(text).unwrap()
    }

    #[test]
    fn nothing_changes_nothing() {
        assert_eq!(rewritten(&Rewrite::default(), "/a/b?c"), "/a/b");
    }

    #[test]
    fn a_prefix_is_taken_away() {
        for (pattern, raw, path) in [
            ("/a", "/a", "/"),
            ("/a/", "/a/", "/"),
            ("/a", "/a/b/?x=/a", "/b/"),
            ("/a/b", "/a/b/a/b", "/a/b"),
            ("/", "/a", "/a"),
            ("/@", "/%40/x", "/x"),
            ("/a", "/a;p=1/b", "/b"),
        ] {
            assert_eq!(rewritten(&Rewrite::strip_prefix(&prefix(pattern)).unwrap(), raw), path, "{pattern} {raw}");
        }
    }

    #[test]
    fn a_prefix_is_replaced() {
        for (pattern, text, raw, path) in [
            ("/a", "/c/d", "/a", "/c/d"),
            ("/a", "/c/", "/a", "/c"),
            ("/a", "/c", "/a/", "/c/"),
            ("/a/", "/c", "/a/b", "/c/b"),
            ("/", "/c", "/", "/c/"),
            ("/", "/c", "/a", "/c/a"),
            ("/a", "/", "/a/b", "/b"),
        ] {
            assert_eq!(rewritten(&Rewrite::replace_prefix(&prefix(pattern), text).unwrap(), raw), path, "{pattern} {raw}");
        }
    }

    #[test]
    fn only_a_prefix_can_be_rewritten_and_only_by_a_path() {
        assert!(Rewrite::strip_prefix(&PathPattern::exact("/a").unwrap()).is_err());
        for wrong in ["", "c", "//", "/../c", "/c?d", "/c#", "/%63"] {
            assert!(Rewrite::replace_prefix(&prefix("/a"), wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_outcome_has_the_same_limit() {
        let rules = TargetRules { limit: 8, ..TargetRules::default() };
        let target = Target::judge(b"/a/b?c", rules).unwrap();
        let longest = Rewrite::replace_prefix(&prefix("/a"), "/abc").unwrap();
        assert_eq!(longest.apply(&target, rules).unwrap().path(), "/abc/b");
        let longer = Rewrite::replace_prefix(&prefix("/a"), "/abcd").unwrap();
        assert_eq!(longer.apply(&target, rules), Err(TargetProblem::TooLong));
        let bare = Target::judge(b"/a/b", rules).unwrap();
        assert_eq!(longer.apply(&bare, rules).unwrap().path(), "/abcd/b");
    }

    proptest! {
        #[test]
        fn the_outcome_is_always_a_normal_target(raw in "/a(/(a|b|%40|%25|\\.\\.\\.|%2E%2Ea)){0,4}/?", text in "/|(/[ab]){1,3}/?") {
            let rules = TargetRules::default();
            let target = Target::judge(raw.as_bytes(), rules).unwrap();
            for pattern in ["/a", "/"] {
                let rewrite = Rewrite::replace_prefix(&prefix(pattern), &text).unwrap();
                let outcome = rewrite.apply(&target, rules).unwrap();
                let again = Target::judge(outcome.path().as_bytes(), rules).unwrap();
                prop_assert!(again.is_as_received());
            }
        }
    }
}
