//! A YAML document as a tree whose nodes know their place in the file.

mod compose;
mod scalar;

pub(super) use compose::compose;
pub(super) use scalar::{Form, Reading, Scalar};

use crate::setting::Position;
use std::cell::Cell;

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'t> {
    at: Position,
    value: Value<'t>,
    broken: Cell<bool>,
}

/// What a node holds.
#[derive(Clone)]
pub(super) enum Value<'t> {
    Scalar(Scalar<'t>),
    Sequence(Vec<Node<'t>>),
    Mapping(Vec<Entry<'t>>),
}

/// A key of a mapping and its value.
#[derive(Clone)]
pub(super) struct Entry<'t> {
    key: Node<'t>,
    value: Node<'t>,
}

impl<'t> Node<'t> {
    const fn new(at: Position, value: Value<'t>) -> Self {
        Self { at, value, broken: Cell::new(false) }
    }

    /// Where the node starts; for a mapping in blocks, its first key.
    pub(super) const fn at(&self) -> Position {
        self.at
    }

    pub(super) const fn value(&self) -> &Value<'t> {
        &self.value
    }

    /// The scalar, if it is one.
    pub(super) const fn scalar(&self) -> Option<&Scalar<'t>> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Whether a problem in this node is recorded already, so that nobody looks at it again.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken.get()
    }

    pub(super) fn mark_broken(&self) {
        self.broken.set(true);
    }

    /// A key as a value of its own: text, or whatever is asked for.
    pub(super) fn as_name(&self) -> Node<'_> {
        let text = self.scalar().map_or("", Scalar::text);
        Node::new(self.at, Value::Scalar(Scalar::new(text.into(), Form::Name)))
    }

    /// Whether this is a mapping that names `key`.
    pub(super) fn names(&self, key: &str) -> bool {
        match &self.value {
            Value::Mapping(entries) => entries.iter().any(|entry| entry.name() == key),
            Value::Scalar(_) | Value::Sequence(_) => false,
        }
    }
}

impl<'t> Entry<'t> {
    /// The key's text.
    pub(super) fn name(&self) -> &str {
        self.key.scalar().map_or("", Scalar::text)
    }

    pub(super) const fn key(&self) -> &Node<'t> {
        &self.key
    }

    pub(super) const fn value(&self) -> &Node<'t> {
        &self.value
    }
}
