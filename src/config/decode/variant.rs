//! A choice among variants: a name alone, or a mapping with the name as its only key.

use super::Decoder;
use super::access::seeded;
use super::failure::Failure;
use crate::config::quote::quoted;
use crate::config::suggest::one_of;
use crate::config::tree::{Entry, Reading, Value};
use crate::setting::Problem;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};

/// A variant that is known, and its content.
pub(super) struct Choice<'a, 't> {
    decoder: Decoder<'a, 't>,
    name: &'a str,
    content: Content<'a, 't>,
}

/// What stands beside the name of a variant.
enum Content<'a, 't> {
    /// The name stands alone.
    None,
    /// The value of the mapping's only entry.
    Value(&'a Entry<'t>),
}

impl<'a, 't> Choice<'a, 't> {
    /// Finds the variant that the node of `decoder` names.
    pub(super) fn find(decoder: Decoder<'a, 't>, variants: &'static [&'static str]) -> Result<Self, Failure> {
        let scalar = match decoder.node.value() {
            Value::Scalar(scalar) => scalar,
            Value::Sequence(_) => return Err(Failure::Unexpected(one_of(variants))),
            Value::Mapping(entries) => return Self::keyed(decoder, entries, variants),
        };
        match scalar.reading() {
            Reading::Text if variants.contains(&scalar.text()) => Ok(Self { decoder, name: scalar.text(), content: Content::None }),
            Reading::Text => Err(Failure::Unknown(variants)),
            Reading::Null | Reading::Bool(_) | Reading::Integer(_) | Reading::Float(_) => Err(Failure::Unexpected(one_of(variants))),
        }
    }

    fn keyed(decoder: Decoder<'a, 't>, entries: &'a [Entry<'t>], variants: &'static [&'static str]) -> Result<Self, Failure> {
        let mut unknown = entries.iter().filter(|entry| !variants.contains(&entry.name())).peekable();
        if unknown.peek().is_some() {
            unknown.for_each(|entry| decoder.refuse_key(entry, variants));
            return Err(Failure::Recorded);
        }
        match entries {
            [] => Err(Failure::Unexpected(one_of(variants))),
            [entry] => Ok(Self { decoder, name: entry.name(), content: Content::Value(entry) }),
            [_, second, ..] => {
                let found = format!("a second key {}", quoted(second.name()));
                decoder.findings.record(Problem::new(second.key().at(), found, format!("exactly {}", one_of(variants))));
                Err(Failure::Recorded)
            }
        }
    }

    fn content(&self) -> Result<Decoder<'a, 't>, Failure> {
        match self.content {
            Content::Value(entry) => Ok(Decoder { round: self.decoder.round, ..self.decoder.below(entry) }),
            Content::None => Err(Failure::Unexpected(format!("`{{ {}: … }}`, with a value of its own", self.name))),
        }
    }
}

impl<'de> EnumAccess<'de> for Choice<'_, '_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        seed.deserialize(self.name.into_deserializer()).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_, '_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.content {
            Content::None => Ok(()),
            Content::Value(entry) if entry.value().scalar().is_some_and(|scalar| scalar.reading() == Reading::Null) => Ok(()),
            Content::Value(entry) => {
                let decoder = self.decoder.below(entry);
                let alone = if self.decoder.key.is_empty() { String::new() } else { format!("{}: ", self.decoder.key) };
                decoder.record(Failure::Unexpected(format!("`{alone}{}`, with nothing below it", self.name)));
                Err(Failure::Recorded)
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seeded(self.content()?, seed)
    }

    fn newtype_variant<V: Deserialize<'de>>(self) -> Result<V, Failure> {
        self.content()?.decode()
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        let content = self.content()?;
        content.deserialize_tuple(length, visitor).map_err(|failure| content.settle(failure))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        let content = self.content()?;
        content.deserialize_struct("", fields, visitor).map_err(|failure| content.settle(failure))
    }
}

impl Decoder<'_, '_> {
    /// Records what a variant's own content lacks, since the mapping around it cannot tell.
    fn settle(self, failure: Failure) -> Failure {
        match failure {
            Failure::Missing(key) if self.node.names(key) => self.findings.disturb(),
            Failure::Recorded | Failure::Unexpected(_) | Failure::Unknown(_) | Failure::Missing(_) | Failure::Worded(_) => {
                self.record(failure)
            }
        }
        Failure::Recorded
    }
}
