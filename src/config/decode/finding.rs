//! The problems found so far, and the words for what stands at a node.

use super::failure::{Failure, in_words};
use super::secrecy::Secrecy;
use crate::config::quote::{one_line, quoted};
use crate::config::report::MAX_PROBLEMS;
use crate::config::suggest::{nearest, one_of};
use crate::config::tree::{Form, Node, Reading, Scalar, Value};
use crate::setting::Problem;
use std::cell::{Cell, RefCell};

/// The most characters that a type may say about a value.
const MAX_WORDS: usize = 400;

/// What is wrong in a document, collected while it is decoded.
#[derive(Default)]
pub(super) struct Findings {
    problems: RefCell<Vec<Problem>>,
    disturbances: Cell<usize>,
    broken: Cell<usize>,
}

impl Findings {
    /// Starts with the problems that are known already.
    pub(super) fn after(problems: Vec<Problem>) -> Self {
        Self { problems: RefCell::new(problems), ..Self::default() }
    }

    /// Every problem, in no particular order.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    pub(super) fn record(&self, problem: Problem) {
        self.disturb();
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS {
            problems.push(problem);
        }
    }

    /// Notes that something is left out of a value, so that the value is not whole.
    pub(super) fn disturb(&self) {
        self.disturbances.set(self.disturbances.get().saturating_add(1));
    }

    /// How often something was recorded or left out.
    pub(super) const fn disturbances(&self) -> usize {
        self.disturbances.get()
    }

    /// Gives a node up: nobody looks at it again.
    pub(super) fn give_up(&self, node: &Node<'_>) {
        self.disturb();
        self.broken.set(self.broken.get().saturating_add(1));
        node.mark_broken();
    }

    /// How many nodes were given up.
    pub(super) const fn given_up(&self) -> usize {
        self.broken.get()
    }

    /// Records that `node` failed, unless that is recorded already.
    pub(super) fn record_failure(&self, failure: Failure, node: &Node<'_>, secrecy: Secrecy) {
        match failure {
            Failure::Recorded => self.disturb(),
            Failure::Unexpected(expected) => self.record(unexpected(node, secrecy, expected)),
            Failure::Unknown(known) => self.record(unknown(node, secrecy, known)),
            Failure::Missing(key) => self.record(missing(node, key)),
            Failure::Worded(text) => self.record(worded(node, secrecy, &text)),
        }
    }
}

fn missing(node: &Node<'_>, key: &'static str) -> Problem {
    Problem::new(node.at(), format!("a mapping without `{key}`"), format!("the key `{key}`")).lacks(node.at(), &[key])
}

/// What stands at a node, in words that complete "found …".
fn shown(node: &Node<'_>, secrecy: Secrecy) -> String {
    let scalar = match node.value() {
        Value::Scalar(scalar) => scalar,
        Value::Sequence(items) if items.is_empty() => return "an empty list".to_owned(),
        Value::Sequence(_) => return "a list".to_owned(),
        Value::Mapping(entries) if entries.is_empty() => return "an empty mapping".to_owned(),
        Value::Mapping(_) => return "a mapping".to_owned(),
    };
    let kind = match scalar.reading() {
        Reading::Null => return "nothing".to_owned(),
        Reading::Bool(_) => "the truth value",
        Reading::Integer(_) | Reading::Float(_) => "the number",
        Reading::Text => "the text",
    };
    match (scalar.form(), secrecy) {
        (Form::Filled, _) => "a value of the environment (not shown)".to_owned(),
        (Form::Plain | Form::Quoted | Form::Name, Secrecy::Hidden) => format!("{} (not shown)", kind.replace("the ", "a ")),
        (Form::Plain | Form::Quoted | Form::Name, Secrecy::Open) => format!("{kind} {}", quoted(scalar.text())),
    }
}

fn unexpected(node: &Node<'_>, secrecy: Secrecy, expected: String) -> Problem {
    let suggestion = node.scalar().and_then(|scalar| rewrite(scalar, secrecy.of(node), &expected));
    let problem = Problem::new(node.at(), shown(node, secrecy), expected);
    match suggestion {
        Some(suggestion) => problem.suggest(suggestion),
        None => problem,
    }
}

/// The same scalar in the spelling that was expected.
fn rewrite(scalar: &Scalar<'_>, secrecy: Secrecy, expected: &str) -> Option<String> {
    let text = match (expected, scalar.reading()) {
        ("text" | "a path", Reading::Bool(_) | Reading::Integer(_) | Reading::Float(_)) => format!("\"{}\"", scalar.text()),
        ("a list", Reading::Text) => return listed(scalar.text()).filter(|_| secrecy == Secrecy::Open),
        ("`true` or `false`", Reading::Text) => match scalar.text().to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" => "`true`".to_owned(),
            "no" | "off" | "false" => "`false`".to_owned(),
            _ => return None,
        },
        (_, Reading::Text) if scalar.form() == Form::Quoted && expected.contains("number") => match scalar.text().parse::<f64>() {
            Ok(_) => format!("{} without quotes", scalar.text()),
            Err(_) => return None,
        },
        _ => return None,
    };
    match (secrecy, expected) {
        (Secrecy::Open, _) => Some(text),
        (Secrecy::Hidden, "text") => Some("to put it in quotes".to_owned()),
        (Secrecy::Hidden, _) => None,
    }
}

/// A list of this alone, if it is short and needs no escapes.
fn listed(text: &str) -> Option<String> {
    const LONGEST: usize = 80;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_quotable = |c: char| c.is_ascii_graphic() && !"\"\\`".contains(c);
    match text.len() {
        1..=LONGEST if text.chars().all(is_plain) => Some(format!("`[{text}]`")),
        1..=LONGEST if text.chars().all(is_quotable) => Some(format!("`[\"{text}\"]`")),
        _ => None,
    }
}

fn unknown(node: &Node<'_>, secrecy: Secrecy, known: &[&str]) -> Problem {
    let problem = Problem::new(node.at(), shown(node, secrecy), one_of(known));
    let Some(scalar) = node.scalar().filter(|_| secrecy.of(node) == Secrecy::Open) else { return problem };
    match nearest(scalar.text(), known) {
        Some(meant) => problem.suggest(format!("`{meant}`")),
        // The name of a file itself, where it belongs below `file`.
        None if known.contains(&"file") && scalar.text().contains(['.', '/']) => {
            problem.suggest(format!("`{{ file: {} }}`", one_line(scalar.text(), MAX_WORDS)))
        }
        None => problem,
    }
}

/// How the words of a type begin when they say why a value is refused, not what is expected.
const REASONS: &[&str] = &["invalid", "unknown", "duplicate", "missing", "cannot", "could not", "failed", "data did not"];

/// A type's own words: "found …, expected …", an expectation, or a reason.
fn worded(node: &Node<'_>, secrecy: Secrecy, text: &str) -> Problem {
    let halves = text.strip_prefix("found ").and_then(|rest| rest.rsplit_once(", expected "));
    let words = match halves {
        Some((_, expected)) => expected.to_owned(),
        None => in_words(text.to_owned()),
    };
    let is_reason = halves.is_none() && REASONS.iter().any(|start| words.starts_with(start));
    let is_secret = node.scalar().is_some() && secrecy.of(node) == Secrecy::Hidden;
    if is_secret || secrecy.is_broken_by(text, node) {
        // The type may have quoted the secret in any spelling, so only an expectation is passed on.
        let expected = if is_reason || secrecy.is_broken_by(&words, node) { "a value that can be used" } else { &words };
        return Problem::new(node.at(), shown(node, secrecy), one_line(expected, MAX_WORDS));
    }
    let words = one_line(&words, MAX_WORDS);
    match halves {
        Some((found, _)) => Problem::new(node.at(), one_line(found, MAX_WORDS), words),
        None if is_reason => Problem::new(node.at(), format!("{} ({words})", shown(node, secrecy)), "a value that can be used"),
        None => Problem::new(node.at(), shown(node, secrecy), words),
    }
}
