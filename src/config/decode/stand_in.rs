//! Values for keys that are missing, so that the keys after them can still be asked for.
//!
//! They never leave this room: a document in which anything is missing is refused.

use super::failure::Failure;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};
use std::slice::Iter;

/// Texts that are accepted by the types that settings are made of.
const TEXTS: &[&str] = &["", "1s", "/", "127.0.0.1:1", "127.0.0.1", "a"];

/// How deep a stand-in may nest: types that hold themselves have no smallest value.
const MAX_DEPTH: usize = 8;

/// Any value of the type, if one is found.
pub(super) fn find<'de, V: Deserialize<'de>>() -> Option<V> {
    TEXTS.iter().find_map(|text| V::deserialize(StandIn { text, room: MAX_DEPTH }).ok())
}

/// Smallest values of every kind; `text` wherever a text is asked for.
#[derive(Clone, Copy)]
struct StandIn {
    text: &'static str,
    room: usize,
}

impl StandIn {
    fn deeper(self) -> Result<Self, Failure> {
        self.room.checked_sub(1).map(|room| Self { room, ..self }).ok_or(Failure::Recorded)
    }
}

macro_rules! numbers {
    ($( $ask:ident $visit:ident $one:literal, )+) => { $(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            visitor.$visit($one)
        }
    )+ };
}

impl<'de> Deserializer<'de> for StandIn {
    type Error = Failure;

    numbers! {
        deserialize_i8 visit_i8 1,
        deserialize_i16 visit_i16 1,
        deserialize_i32 visit_i32 1,
        deserialize_i64 visit_i64 1,
        deserialize_i128 visit_i128 1,
        deserialize_u8 visit_u8 1,
        deserialize_u16 visit_u16 1,
        deserialize_u32 visit_u32 1,
        deserialize_u64 visit_u64 1,
        deserialize_u128 visit_u128 1,
        deserialize_f32 visit_f32 1.0,
        deserialize_f64 visit_f64 1.0,
        deserialize_bool visit_bool false,
        deserialize_char visit_char 'a',
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Repeated { value: self, left: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Repeated { value: self.deeper()?, left: length })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { value: self, names: [].iter() })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { value: self.deeper()?, names: fields.iter() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let first = variants.first().ok_or(Failure::Recorded)?;
        visitor.visit_enum(First { value: self.deeper()?, name: first })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { str string bytes byte_buf identifier }
}

/// The same value several times.
struct Repeated {
    value: StandIn,
    left: usize,
}

impl<'de> SeqAccess<'de> for Repeated {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(self.value).map(Some)
    }
}

/// The same value under every name.
struct Fields {
    value: StandIn,
    names: Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.names.next().map(|name| seed.deserialize((*name).into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(self.value)
    }
}

/// The first variant of an enum.
struct First {
    value: StandIn,
    name: &'static str,
}

impl<'de> EnumAccess<'de> for First {
    type Error = Failure;
    type Variant = StandIn;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, StandIn), Failure> {
        seed.deserialize(self.name.into_deserializer()).map(|variant| (variant, self.value))
    }
}

impl<'de> VariantAccess<'de> for StandIn {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_struct("", fields, visitor)
    }
}
