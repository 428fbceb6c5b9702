//! `${NAME}` in texts: replaced by the environment, `$${` stands for a plain `${`.

use crate::setting::{Environment, Position, Problem};
use zeroize::Zeroizing;

/// How many places one text may have, escaped ones included.
const MAX_PLACES: usize = 64;

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Interpolated {
    /// It stays as written.
    Unchanged,
    /// Only `$${` was replaced: the text still comes from the file alone.
    Unescaped(String),
    /// It holds a value of the environment and may therefore be a secret.
    Filled(Zeroizing<String>),
    /// It cannot be filled; the problems are recorded.
    Unfilled,
}

enum Piece<'a> {
    Written(&'a str),
    Value(Zeroizing<String>),
}

/// Fills the places of `text`, which stands at `at`, and adds what is wrong to `problems`.
pub(super) fn interpolate(text: &str, at: Position, environment: Environment, problems: &mut Vec<Problem>) -> Interpolated {
    let known = problems.len();
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if pieces.len() > 2 * MAX_PLACES || problems.len() > known + MAX_PLACES {
            problems.push(Problem::new(at, "too many `${`", format!("at most {MAX_PLACES} in one text")));
            return Interpolated::Unfilled;
        }
        if before.ends_with('$') {
            // The first of the two dollars goes, the second stays with its brace.
            pieces.extend([Piece::Written(before.strip_suffix('$').unwrap_or(before)), Piece::Written("${")]);
            rest = after;
            continue;
        }
        pieces.push(Piece::Written(before));
        let (name, after) = match after.split_once('}') {
            Some((name, after)) if is_name(name) => (name, after),
            // What follows may be part of a secret, so it is not repeated.
            _ => {
                problems.push(Problem::new(at, "`${` without a name and `}` after it", "`${NAME}`, or `$${` for a plain `${`"));
                return Interpolated::Unfilled;
            }
        };
        match environment.value(name) {
            Some(value) => pieces.push(Piece::Value(Zeroizing::new(value))),
            None => problems.push(unset(name, at)),
        }
        rest = after;
    }
    if problems.len() > known {
        return Interpolated::Unfilled;
    }
    if pieces.is_empty() {
        return Interpolated::Unchanged;
    }
    pieces.push(Piece::Written(rest));
    join(&pieces)
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn unset(name: &str, at: Position) -> Problem {
    Problem::new(at, format!("`${{{name}}}`, but no such variable is set in the environment"), "a variable that is set to UTF-8 text")
}

fn join(pieces: &[Piece<'_>]) -> Interpolated {
    let length = pieces.iter().map(|piece| piece.text().len()).sum();
    // All room is taken at once: a text that grows leaves copies of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    pieces.iter().for_each(|piece| text.push_str(piece.text()));
    if pieces.iter().any(|piece| matches!(piece, Piece::Value(_))) {
        return Interpolated::Filled(text);
    }
    Interpolated::Unescaped(String::clone(&text))
}

impl Piece<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Written(text) => text,
            Self::Value(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVIRONMENT: Environment = Environment::Fixed(&[("A", "one"), ("_B2", "two"), ("EMPTY", ""), ("NESTED", "${A}")]);

    fn fill(text: &str) -> (Interpolated, Vec<String>) {
        let mut problems = Vec::new();
        let result = interpolate(text, Position::new(3, 7), ENVIRONMENT, &mut problems);
        (result, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_are_replaced_once() {
        for (text, expected) in
            [("${A}", "one"), ("x${A}y${_B2}z", "xoneytwoz"), ("${EMPTY}", ""), ("${NESTED}", "${A}"), ("$$${A}", "$${A}")]
        {
            match fill(text).0 {
                Interpolated::Filled(filled) => assert_eq!(*filled, expected),
                Interpolated::Unescaped(plain) => assert_eq!(plain, expected),
                Interpolated::Unchanged | Interpolated::Unfilled => panic!("{text}"),
            }
        }
    }

    #[test]
    fn escapes_alone_make_no_secret() {
        assert_eq!(fill("$${A} and $${").0, Interpolated::Unescaped("${A} and ${".to_owned()));
        for text in ["", "plain", "$", "$A", "{A}", "$ {A}", "a$"] {
            assert_eq!(fill(text).0, Interpolated::Unchanged, "{text}");
        }
    }

    #[test]
    fn every_unset_name_is_told() {
        let (result, problems) = fill("${NO} ${A} ${NEITHER}");
        assert_eq!(result, Interpolated::Unfilled);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("3:7: found `${NO}`, but no such variable is set"), "{}", problems[0]);
        assert!(problems[1].contains("NEITHER"));
    }

    #[test]
    fn places_have_a_bound() {
        for place in ["${A}", "$${", "${NO}"] {
            let (result, problems) = fill(&place.repeat(1 << 16));
            assert_eq!(result, Interpolated::Unfilled);
            assert!(problems.last().unwrap().ends_with("found too many `${`, expected at most 64 in one text"));
            assert!(problems.len() <= MAX_PLACES + 2);
            assert_ne!(fill(&"${A}".repeat(MAX_PLACES)).0, Interpolated::Unfilled);
        }
    }

    #[test]
    fn broken_places_do_not_show_what_follows() {
        for text in ["hunter${", "${", "${}", "${hunter2", "${hunter 2}", "${2hunter}"] {
            let (result, problems) = fill(text);
            assert_eq!(result, Interpolated::Unfilled, "{text}");
            assert!(!problems[0].contains("hunter"), "{}", problems[0]);
        }
    }
}
