//! Reads any structure out of a tree and goes on after a problem, to find them all in one go.
//!
//! A type is asked for its value again and again: whatever failed is left out the next time, and a
//! missing key is stood in for, until nothing new is found. A node is therefore either whole, and
//! may be decoded again without a word, or given up, and is never looked at again; the work stays
//! in proportion to the size of the file.

mod access;
mod deserializer;
mod failure;
mod finding;
mod secrecy;
mod stand_in;
#[cfg(test)]
mod tests;
mod variant;

use super::tree::{Entry, Node};
use crate::setting::Problem;
use failure::Failure;
use finding::Findings;
use secrecy::Secrecy;
use serde::de::{Deserialize, DeserializeOwned};

/// What could be read of a file, and what is wrong with it. Unknown keys leave the value readable, so that
/// what its names refer to can be told in the same report.
#[derive(Debug)]
pub(super) struct Decoded<T> {
    /// The value, unless a part of it could not be read.
    pub(super) value: Option<T>,
    /// Every problem, sorted by place.
    pub(super) problems: Vec<Problem>,
}

impl<T> Decoded<T> {
    /// The value, if nothing is wrong with it.
    ///
    /// # Errors
    /// Every problem.
    pub(super) fn whole(self) -> Result<T, Vec<Problem>> {
        self.value.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }
}

/// Decodes the whole tree below `root`; `known` are the problems found while it was composed.
pub(super) fn decode<T: DeserializeOwned>(root: &Node<'_>, known: Vec<Problem>) -> Decoded<T> {
    let findings = Findings::after(known);
    let decoder = Decoder { node: root, findings: &findings, secrecy: Secrecy::Open, stand_ins: &[], round: Round::First, key: "" };
    let value = decoder.decode();
    let mut problems = Problem::told_once(findings.into_problems());
    problems.sort_by_cached_key(|problem| (problem.at(), problem.to_string()));
    // What stands below an alias is found once for each time it is repeated.
    problems.dedup();
    Decoded { value: value.ok(), problems }
}

/// One node, ready to be read as any type.
#[derive(Clone, Copy)]
struct Decoder<'a, 't> {
    node: &'a Node<'t>,
    findings: &'a Findings,
    secrecy: Secrecy,
    /// Keys that the mapping lacks and that are delivered nevertheless, to see what else is wrong.
    stand_ins: &'a [&'static str],
    round: Round,
    /// The key below which the node stands; empty for an element of a list.
    key: &'a str,
}

/// How often a node was asked for already: what is sure to be found again is recorded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    First,
    Again,
}

impl<'a, 't> Decoder<'a, 't> {
    /// The decoder of a node below this one that is as secret as this one.
    const fn at(self, node: &'a Node<'t>) -> Self {
        Self { node, stand_ins: &[], round: Round::First, key: "", ..self }
    }

    /// The decoder of an entry's value.
    fn below(self, entry: &'a Entry<'t>) -> Self {
        Self { secrecy: self.secrecy.below(entry), key: entry.name(), ..self.at(entry.value()) }
    }

    /// Decodes the node, and records everything that is wrong with it and below it.
    fn decode<'de, V: Deserialize<'de>>(self) -> Result<V, Failure> {
        if self.node.is_broken() {
            self.findings.disturb();
            return Err(Failure::Recorded);
        }
        let before = self.findings.disturbances();
        match self.attempt() {
            Some(value) if self.findings.disturbances() == before => Ok(value),
            Some(_) | None => {
                self.findings.give_up(self.node);
                Err(Failure::Recorded)
            }
        }
    }

    fn attempt<'de, V: Deserialize<'de>>(self) -> Option<V> {
        let before = self.findings.disturbances();
        let mut absent = Vec::new();
        let mut round = Round::First;
        loop {
            let given_up = self.findings.given_up();
            let failure = match V::deserialize(Decoder { stand_ins: &absent, round, ..self }) {
                Ok(value) => return Some(value),
                Err(failure) => failure,
            };
            match failure {
                Failure::Recorded if self.findings.given_up() > given_up => {}
                Failure::Missing(key) if !absent.contains(&key) => {
                    if !self.node.names(key) {
                        self.record(failure);
                    }
                    absent.push(key);
                }
                Failure::Recorded | Failure::Missing(_) | Failure::Unexpected(_) | Failure::Unknown(_) | Failure::Worded(_) => {
                    // What a type says after something was left out is likely a consequence of that.
                    if self.findings.disturbances() == before {
                        self.record(failure);
                    }
                    return None;
                }
            }
            round = Round::Again;
        }
    }

    /// Records that this node failed.
    fn record(self, failure: Failure) {
        self.findings.record_failure(failure, self.node, self.secrecy);
    }
}
