//! What serde asks of a node, kind by kind.

use super::access::{Elements, Entries, Known, Place};
use super::failure::Failure;
use super::secrecy::Secrecy;
use super::variant::Choice;
use super::{Decoder, Node, Round};
use crate::config::quote::quoted;
use crate::config::suggest::{nearest, one_of};
use crate::config::tree::{Entry, Reading, Scalar, Value};
use crate::setting::{LOCATED_NAME, Problem, SECRET_NAME, SHORTHAND_NAME};
use serde::de::{Deserializer, Expected, Visitor};

impl<'a, 't> Decoder<'a, 't> {
    fn reading(self) -> Reading {
        self.node.scalar().map_or(Reading::Text, Scalar::reading_beyond_text)
    }

    fn integer(self) -> Option<i128> {
        if let Reading::Integer(number) = self.reading() { Some(number) } else { None }
    }

    fn number(self) -> Option<f64> {
        match self.reading() {
            Reading::Float(number) => Some(number),
            // In decimal, the text of a whole number is that of a fraction too.
            Reading::Integer(number) => number.to_string().parse().ok(),
            Reading::Null | Reading::Bool(_) | Reading::Text => None,
        }
    }

    fn is_null(self) -> bool {
        self.node.scalar().is_some_and(|scalar| scalar.reading() == Reading::Null)
    }

    fn items(self, expected: &dyn Expected) -> Result<&'a [Node<'t>], Failure> {
        if let Value::Sequence(items) = self.node.value() { Ok(items) } else { Err(Failure::unexpected(expected)) }
    }

    pub(super) fn entries(self) -> Option<&'a [Entry<'t>]> {
        if let Value::Mapping(entries) = self.node.value() { Some(entries) } else { None }
    }

    fn tuple<'de, V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        let items = self.items(&visitor)?;
        if items.len() != length {
            return Err(Failure::Unexpected(format!("a list of exactly {length} values")));
        }
        visitor.visit_seq(Elements::all(self, items))
    }

    /// Records the key of `entry`, which is none of `known`.
    pub(super) fn refuse_key(self, entry: &Entry<'_>, known: &[&'static str]) {
        let problem = Problem::new(entry.key().at(), format!("the unknown key {}", quoted(entry.name())), one_of(known));
        self.findings.record(match nearest(entry.name(), known) {
            Some(meant) => problem.misspells(self.node.at(), meant),
            None => problem,
        });
    }
}

macro_rules! integers {
    ($( $ask:ident $visit:ident $type:ty, )+) => { $(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            match self.integer().and_then(|number| <$type>::try_from(number).ok()) {
                Some(number) => visitor.$visit(number),
                None => Err(Failure::unexpected(&visitor)),
            }
        }
    )+ };
}

impl<'de> Deserializer<'de> for Decoder<'_, '_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let scalar = match self.node.value() {
            Value::Scalar(scalar) => scalar,
            Value::Sequence(items) => return visitor.visit_seq(Elements::sound(self, items)),
            Value::Mapping(entries) => return visitor.visit_map(Entries::new(self, entries, Known::Any)),
        };
        match scalar.reading() {
            Reading::Null => visitor.visit_unit(),
            Reading::Bool(value) => visitor.visit_bool(value),
            Reading::Float(number) => visitor.visit_f64(number),
            Reading::Text => visitor.visit_str(scalar.text()),
            Reading::Integer(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                (Err(_), Err(_)) => visitor.visit_i128(number),
            },
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if let Reading::Bool(value) = self.reading() { visitor.visit_bool(value) } else { Err(Failure::unexpected(&visitor)) }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.number() {
            Some(number) => visitor.visit_f64(number),
            None => Err(Failure::unexpected(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        // A key with nothing after it is more often a line too few than the wish for the default.
        if self.is_null() { Err(Failure::Unexpected("a value, or no such key".to_owned())) } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        if name != SECRET_NAME {
            return visitor.visit_newtype_struct(self);
        }
        let hidden = Decoder { secrecy: Secrecy::Hidden, ..self };
        visitor.visit_newtype_struct(hidden).map_err(|failure| {
            // Recorded here, since further up nobody knows that it is a secret.
            hidden.record(failure);
            Failure::Recorded
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == LOCATED_NAME {
            return visitor.visit_map(Place::new(self));
        }
        if name == SHORTHAND_NAME {
            match self.node.value() {
                Value::Sequence(items) => return visitor.visit_seq(Elements::sound(self, items)),
                Value::Scalar(_) => return Err(Failure::unexpected(&visitor)),
                Value::Mapping(_) => {}
            }
        }
        let Some(entries) = self.entries() else {
            return Err(Failure::Unexpected(format!("a mapping with the keys {}", one_of(fields).trim_start_matches("one of "))));
        };
        if self.round == Round::First {
            entries.iter().filter(|entry| !fields.contains(&entry.name())).for_each(|entry| self.refuse_key(entry, fields));
        }
        visitor.visit_map(Entries::new(self, entries, Known::Only(fields)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(Choice::find(self, variants)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    // Where the kind in the file is not the kind asked for, the visitor says what it expected.
    serde::forward_to_deserialize_any! { char str string bytes byte_buf unit unit_struct seq map identifier }
}
