//! A setting that remembers where it stands in the file, for problems found after parsing.

use super::Position;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;

/// The struct name by which [`Located`] asks the deserializer of `config` for positions.
pub const LOCATED_NAME: &str = "$portcullis::Located";
/// The fields of that struct, in the order in which they are delivered.
pub const LOCATED_FIELDS: &[&str] = &["line", "column", "value"];

/// The struct name by which a setting asks the deserializer of `config` for its keys or, where a list stands in their
/// place as a shorter form, for that.
pub const SHORTHAND_NAME: &str = "$portcullis::Shorthand";

/// A value and the position of its node in the file.
#[derive(Clone, Debug)]
pub struct Located<T> {
    value: T,
    at: Position,
}

impl<T> Located<T> {
    /// Pairs a value with its place.
    pub const fn new(value: T, at: Position) -> Self {
        Self { value, at }
    }

    /// A value that stands in no file: a default.
    pub const fn unwritten(value: T) -> Self {
        Self::new(value, Position::new(0, 0))
    }

    /// Where the value stands.
    pub const fn at(&self) -> Position {
        self.at
    }

    /// The value without its place.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Located<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(LOCATED_NAME, LOCATED_FIELDS, LocatedVisitor(PhantomData))
    }
}

struct LocatedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LocatedVisitor<T> {
    type Value = Located<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of the configuration file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let line = entry(&mut map)?;
        let column = entry(&mut map)?;
        let value = entry(&mut map)?;
        Ok(Located::new(value, Position::new(line, column)))
    }
}

fn entry<'de, A: MapAccess<'de>, V: Deserialize<'de>>(map: &mut A) -> Result<V, A::Error> {
    match map.next_entry::<String, V>()? {
        Some((_, value)) => Ok(value),
        None => Err(A::Error::custom("positions are known only in configuration files")),
    }
}
