//! Structured fields in the forms that signatures are over (RFC 9421 §2.1.1, §2.1.2), and dictionaries of octets.

use super::Unreadable;
use schemars::JsonSchema;
use serde::Deserialize;
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, Dictionary, FieldType, Item, KeyRef, List, Parser};
use std::collections::BTreeMap;
use std::fmt;

/// The type of a structured field (RFC 9651 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StructuredType {
    /// One item.
    Item,
    /// A list of items and of lists.
    List,
    /// Items and lists by keys.
    Dictionary,
}

/// Fields that are registered as structured ones, sorted by name.
const REGISTERED: [(&str, StructuredType); 28] = [
    ("accept-ch", StructuredType::List),
    ("accept-query", StructuredType::List),
    ("accept-signature", StructuredType::Dictionary),
    ("available-dictionary", StructuredType::Item),
    ("cache-status", StructuredType::List),
    ("capsule-protocol", StructuredType::Item),
    ("cdn-cache-control", StructuredType::Dictionary),
    ("client-cert", StructuredType::Item),
    ("client-cert-chain", StructuredType::List),
    ("concealed-auth-export", StructuredType::Item),
    ("content-digest", StructuredType::Dictionary),
    ("cross-origin-embedder-policy", StructuredType::Item),
    ("cross-origin-embedder-policy-report-only", StructuredType::Item),
    ("cross-origin-opener-policy", StructuredType::Item),
    ("cross-origin-opener-policy-report-only", StructuredType::Item),
    ("deprecation", StructuredType::Item),
    ("dictionary-id", StructuredType::Item),
    ("incremental", StructuredType::Item),
    ("origin-agent-cluster", StructuredType::Item),
    ("priority", StructuredType::Dictionary),
    ("proxy-status", StructuredType::List),
    ("reporting-endpoints", StructuredType::Dictionary),
    ("repr-digest", StructuredType::Dictionary),
    ("signature", StructuredType::Dictionary),
    ("signature-input", StructuredType::Dictionary),
    ("use-as-dictionary", StructuredType::Dictionary),
    ("want-content-digest", StructuredType::Dictionary),
    ("want-repr-digest", StructuredType::Dictionary),
];

/// Which fields are structured, by name in lower case: what was registered, and what somebody says of his own.
#[derive(Clone, Debug, Default)]
pub struct StructuredFields(BTreeMap<Box<str>, StructuredType>);

impl StructuredFields {
    /// The registered ones, and these.
    pub const fn with(own: BTreeMap<Box<str>, StructuredType>) -> Self {
        Self(own)
    }

    fn find(&self, name: &str) -> Option<StructuredType> {
        let registered = || REGISTERED.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        self.0.get(name).copied().or_else(registered)
    }

    /// Appends a field's value as RFC 9651 §4.1 writes it.
    ///
    /// # Errors
    /// Nobody said of which type it is, or it is of another.
    pub(super) fn write_strict(&self, name: &str, combined: &[u8], to: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self.find(name).ok_or(Unreadable::Component)? {
            StructuredType::Item => write::<Item>(combined, to),
            StructuredType::List => write::<List>(combined, to),
            StructuredType::Dictionary => write::<Dictionary>(combined, to),
        }
    }
}

/// A list or dictionary of nothing is written as nothing.
fn write<T: FieldType<SerializeResult: Into<Option<String>>>>(combined: &[u8], to: &mut Vec<u8>) -> Result<(), Unreadable> {
    let value = Parser::new(combined).parse::<T>().map_err(|_| Unreadable::Syntax)?;
    to.extend_from_slice(value.serialize().into().unwrap_or_default().as_bytes());
    Ok(())
}

/// Appends one member of a dictionary as RFC 9651 §4.1 writes it, without its key.
///
/// # Errors
/// The field is no dictionary, or has no such member.
pub(super) fn write_member(key: &str, combined: &[u8], to: &mut Vec<u8>) -> Result<(), Unreadable> {
    let dictionary = Parser::new(combined).parse::<Dictionary>().map_err(|_| Unreadable::Syntax)?;
    let member = dictionary.get(key).ok_or(Unreadable::Absent)?;
    // A list of one member is written as its member.
    to.extend_from_slice(List::from([member.clone()]).serialize().unwrap_or_default().as_bytes());
    Ok(())
}

/// Reads a dictionary whose members are byte sequences, and hands out each of them without its parameters.
///
/// # Errors
/// It is no such dictionary, or `take` refused a member.
pub(super) fn read_octets<'r>(line: &'r [u8], take: impl FnMut(&'r str, Vec<u8>) -> Result<(), Unreadable>) -> Result<(), Unreadable> {
    let mut why = Unreadable::Syntax;
    let parsed = Parser::new(line).parse_dictionary_with_visitor(Members { take, why: &mut why });
    parsed.map_err(|_| why)
}

struct Members<'v, F> {
    take: F,
    why: &'v mut Unreadable,
}

struct Member<'v, 'r, F> {
    take: &'v mut F,
    why: &'v mut Unreadable,
    key: &'r str,
}

/// What a reader is not to go on with.
#[derive(Debug)]
pub(super) struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not what it must be")
    }
}

impl std::error::Error for Stop {}

impl<'r, F: FnMut(&'r str, Vec<u8>) -> Result<(), Unreadable>> DictionaryVisitor<'r> for Members<'_, F> {
    type Out = ();
    type Error = Stop;

    fn entry(&mut self, key: &'r KeyRef) -> Result<impl EntryVisitor<'r>, Stop> {
        Ok(Member { take: &mut self.take, why: self.why, key: key.as_str() })
    }

    fn finish(self) -> Result<(), Stop> {
        Ok(())
    }
}

impl<'r, F: FnMut(&'r str, Vec<u8>) -> Result<(), Unreadable>> EntryVisitor<'r> for Member<'_, 'r, F> {
    type Error = Stop;

    fn item(self) -> Result<impl ItemVisitor<'r>, Stop> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'r>, Stop> {
        Err::<Ignored, Stop>(Stop)
    }
}

impl<'r, F: FnMut(&'r str, Vec<u8>) -> Result<(), Unreadable>> ItemVisitor<'r> for Member<'_, 'r, F> {
    type Out = ();
    type Error = Stop;

    fn bare_item(self, item: BareItemFromInput<'r>) -> Result<impl ParameterVisitor<'r, Out = ()>, Stop> {
        let BareItemFromInput::ByteSequence(octets) = item else { return Err(Stop) };
        (self.take)(self.key, octets).map_err(|refused| {
            *self.why = refused;
            Stop
        })?;
        Ok(Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(kind: StructuredType, text: &str) -> Result<String, Unreadable> {
        let (mut out, fields) = (Vec::new(), StructuredFields::with([("x-own".into(), kind)].into()));
        fields.write_strict("x-own", text.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn strict_values_have_one_spelling() {
        assert_eq!(
            strict(StructuredType::Dictionary, "a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
            Ok("a=1, b=2;x=1;y=2, c=(a b c)".to_owned())
        );
        assert_eq!(strict(StructuredType::List, "a ,b;q=1.0"), Ok("a, b;q=1.0".to_owned()));
        assert_eq!(strict(StructuredType::Item, " :AAA=: "), Ok(":AAA=:".to_owned()));
        assert_eq!(strict(StructuredType::Item, "a, b"), Err(Unreadable::Syntax));
        let mut out = Vec::new();
        assert_eq!(StructuredFields::default().write_strict("x-unknown", b"a", &mut out), Err(Unreadable::Component));
        assert_eq!(StructuredFields::default().write_strict("priority", b"u=1 ,i", &mut out), Ok(()));
        assert_eq!(out, b"u=1, i");
        assert!(REGISTERED.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn members_agree_with_rfc_9421_2_1_2() {
        let field = b"a=1, b=2;x=1;y=2, c=(a b c), d";
        for (key, written) in [("a", "1"), ("d", "?1"), ("b", "2;x=1;y=2"), ("c", "(a b c)")] {
            let mut out = Vec::new();
            assert_eq!(write_member(key, field, &mut out), Ok(()));
            assert_eq!(String::from_utf8(out).unwrap(), written, "{key}");
        }
        assert_eq!(write_member("e", field, &mut Vec::new()), Err(Unreadable::Absent));
        assert_eq!(write_member("a", b"a=1, (", &mut Vec::new()), Err(Unreadable::Syntax));
    }
}
