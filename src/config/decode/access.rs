//! Lists, mappings and places, handed out child by child; what fails is left out, the rest goes on.

use super::failure::Failure;
use super::{Decoder, stand_in};
use crate::config::tree::{Entry, Node};
use crate::setting::LOCATED_FIELDS;
use serde::de::{Deserialize, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};
use std::slice::Iter;

/// The elements of a list.
pub(super) struct Elements<'a, 't> {
    decoder: Decoder<'a, 't>,
    rest: Iter<'a, Node<'t>>,
    failed: Failed,
}

/// What happens to elements that cannot be decoded.
enum Failed {
    /// They are left out.
    LeftOut,
    /// They end the list: every element has its own meaning.
    EndIt,
}

impl<'a, 't> Elements<'a, 't> {
    /// The elements that can be decoded.
    pub(super) fn sound(decoder: Decoder<'a, 't>, items: &'a [Node<'t>]) -> Self {
        Self { decoder, rest: items.iter(), failed: Failed::LeftOut }
    }

    /// Every element.
    pub(super) fn all(decoder: Decoder<'a, 't>, items: &'a [Node<'t>]) -> Self {
        Self { decoder, rest: items.iter(), failed: Failed::EndIt }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.rest.next().map(|item| seeded(self.decoder.at(item), seed)).transpose()
    }

    fn next_element<V: Deserialize<'de>>(&mut self) -> Result<Option<V>, Failure> {
        for item in self.rest.by_ref() {
            match (self.decoder.at(item).decode(), &self.failed) {
                (Ok(value), _) => return Ok(Some(value)),
                (Err(_), Failed::LeftOut) => {}
                (Err(failure), Failed::EndIt) => return Err(failure),
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a mapping.
pub(super) struct Entries<'a, 't> {
    decoder: Decoder<'a, 't>,
    rest: Iter<'a, Entry<'t>>,
    stand_ins: Iter<'a, &'static str>,
    known: Known,
    next: Next<'a, 't>,
}

/// Which keys a mapping may have.
pub(super) enum Known {
    /// Any: they are data.
    Any,
    /// These; others are recorded already.
    Only(&'static [&'static str]),
}

/// The value that belongs to the key that was handed out last.
enum Next<'a, 't> {
    StandIn,
    Value(&'a Entry<'t>),
}

impl<'a, 't> Entries<'a, 't> {
    pub(super) fn new(decoder: Decoder<'a, 't>, entries: &'a [Entry<'t>], known: Known) -> Self {
        Self { decoder, rest: entries.iter(), stand_ins: decoder.stand_ins.iter(), known, next: Next::StandIn }
    }

    fn next_sound(&mut self) -> Option<&'a Entry<'t>> {
        for entry in self.rest.by_ref() {
            match self.known {
                Known::Only(names) if !names.contains(&entry.name()) => {}
                Known::Any | Known::Only(_) if entry.value().is_broken() => self.decoder.findings.disturb(),
                Known::Any | Known::Only(_) => return Some(entry),
            }
        }
        None
    }

    fn next_named(&mut self) -> Option<&'a str> {
        if let Some(entry) = self.next_sound() {
            self.next = Next::Value(entry);
            return Some(entry.name());
        }
        self.next = Next::StandIn;
        self.stand_ins.next().copied()
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.next_named().map(|name| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        match self.next {
            Next::Value(entry) => seeded(self.decoder.below(entry), seed),
            Next::StandIn => Err(Failure::Recorded),
        }
    }

    fn next_value<V: Deserialize<'de>>(&mut self) -> Result<V, Failure> {
        match self.next {
            Next::Value(entry) => self.decoder.below(entry).decode(),
            Next::StandIn => stand_in::find().ok_or(Failure::Recorded),
        }
    }

    fn next_entry<K: Deserialize<'de>, V: Deserialize<'de>>(&mut self) -> Result<Option<(K, V)>, Failure> {
        while let Some(entry) = self.next_sound() {
            let key = entry.key().as_name();
            if let (Ok(key), Ok(value)) = (self.decoder.at(&key).decode(), self.decoder.below(entry).decode()) {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// Decodes with a seed, which works only once: a failure ends the whole value around it.
pub(super) fn seeded<'de, S: DeserializeSeed<'de>>(decoder: Decoder<'_, '_>, seed: S) -> Result<S::Value, Failure> {
    seed.deserialize(decoder).map_err(|failure| {
        decoder.record(failure);
        decoder.findings.give_up(decoder.node);
        Failure::Recorded
    })
}

/// A node with its place, for [`crate::setting::Located`].
pub(super) struct Place<'a, 't> {
    decoder: Decoder<'a, 't>,
    fields: Iter<'static, &'static str>,
    next: &'static str,
}

impl<'a, 't> Place<'a, 't> {
    pub(super) fn new(decoder: Decoder<'a, 't>) -> Self {
        Self { decoder, fields: LOCATED_FIELDS.iter(), next: "" }
    }
}

impl<'de> MapAccess<'de> for Place<'_, '_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let Some(field) = self.fields.next() else {
            return Ok(None);
        };
        self.next = field;
        seed.deserialize((*field).into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        match self.next {
            "line" => seed.deserialize(self.decoder.node.at().line().into_deserializer()),
            "column" => seed.deserialize(self.decoder.node.at().column().into_deserializer()),
            _ => seed.deserialize(self.decoder),
        }
    }
}
