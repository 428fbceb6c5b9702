//! `X-WSS-TokenLoc`: where the token stands, and whether it is the token or a reference to it.

use super::Unreadable;
use super::params::{self, Value, Writer};
use std::borrow::Cow;
use std::fmt;

/// The most fragments of a token.
pub const MOST_FRAGMENTS: u8 = 64;
/// The most characters of a fragment.
pub const LONGEST_FRAGMENT: u16 = 4096;

/// A field `X-WSS-TokenLoc`, read and not judged. Its `Display` is the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLocation<'r> {
    /// Where it stands.
    pub location: Location<'r>,
    /// What stands there.
    pub reference: Reference,
}

/// Where a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location<'r> {
    /// In fields `X-WSS-Token<N>`, in base64.
    Header(Layout),
    /// It is the whole content.
    Body,
    /// In a field of the form that is the content, in base64.
    BodyForm {
        /// The field's name.
        field: Cow<'r, str>,
    },
    /// In an element of the XML document that is the content.
    BodyXml {
        /// Which element it is; its grammar is [`super::xml_element::Query`]'s.
        query: Cow<'r, str>,
    },
}

/// How a token is laid out over fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In one field.
    Sole,
    /// In several.
    Cut {
        /// How many, from 1 to [`MOST_FRAGMENTS`].
        count: u8,
        /// The characters of each but the last, from 1 to [`LONGEST_FRAGMENT`]; the last has no more.
        size: u16,
    },
}

/// Whether the token itself is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reference {
    /// It is.
    #[default]
    Direct,
    /// A URI is, under which the token can be had.
    Uri,
}

impl<'r> TokenLocation<'r> {
    /// Reads the field.
    ///
    /// # Errors
    /// Its parameters cannot be read, stand in another order, or are not those of the location.
    pub fn read(field: &'r [u8]) -> Result<Self, Unreadable> {
        let [location, count, size, form_field, kind, query, reference] =
            params::read_in_order(field, ["location", "frags", "fragsize", "field", "querytype", "query", "ref"])?;
        let word = location.ok_or(Unreadable::ParameterMissing)?.bare()?;
        let location = match (word, [count, size, form_field, kind, query]) {
            ("header", [None, None, None, None, None]) => Location::Header(Layout::Sole),
            ("header", [Some(count), Some(size), None, None, None]) => Location::Header(Layout::read(count, size)?),
            ("body", [None, None, None, None, None]) => Location::Body,
            ("body-form", [None, None, Some(field), None, None]) => Location::BodyForm { field: named(field)? },
            ("body-xml", [None, None, None, Some(kind), Some(query)]) if kind.bare()? == "xpath" => {
                Location::BodyXml { query: named(query)? }
            }
            ("header" | "body" | "body-form" | "body-xml", _) => return Err(Unreadable::FieldSyntax),
            _ => return Err(Unreadable::LocationUnknown),
        };
        Ok(Self { location, reference: reference.map_or(Ok(Reference::default()), Reference::read)? })
    }
}

impl Layout {
    fn read(count: Value<'_>, size: Value<'_>) -> Result<Self, Unreadable> {
        let count = number(count.bare()?).and_then(|count| u8::try_from(count).ok()).filter(|count| *count <= MOST_FRAGMENTS);
        let size = number(size.bare()?).filter(|size| *size <= LONGEST_FRAGMENT);
        Ok(Self::Cut { count: count.ok_or(Unreadable::FragmentCount)?, size: size.ok_or(Unreadable::FragmentSize)? })
    }
}

impl Reference {
    fn read(value: Value<'_>) -> Result<Self, Unreadable> {
        match value.bare()? {
            "direct" => Ok(Self::Direct),
            "uri" => Ok(Self::Uri),
            _ => Err(Unreadable::ParameterValue),
        }
    }
}

/// A number from 1, without leading zeros: it has one spelling.
pub(super) fn number(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|octet| octet.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

fn named(value: Value<'_>) -> Result<Cow<'_, str>, Unreadable> {
    let name = value.quoted()?;
    if name.is_empty() { Err(Unreadable::ParameterValue) } else { Ok(name) }
}

impl fmt::Display for TokenLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut to = Writer::new(f);
        match &self.location {
            Location::Header(Layout::Sole) => to.bare("location", "header")?,
            Location::Header(Layout::Cut { count, size }) => {
                to.bare("location", "header")?;
                to.bare("frags", &count.to_string())?;
                to.bare("fragsize", &size.to_string())?;
            }
            Location::Body => to.bare("location", "body")?,
            Location::BodyForm { field } => {
                to.bare("location", "body-form")?;
                to.quoted("field", field)?;
            }
            Location::BodyXml { query } => {
                to.bare("location", "body-xml")?;
                to.bare("querytype", "xpath")?;
                to.quoted("query", query)?;
            }
        }
        match self.reference {
            Reference::Direct => Ok(()),
            Reference::Uri => to.bare("ref", "uri"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Result<Location<'_>, Unreadable> {
        TokenLocation::read(field.as_bytes()).map(|read| read.location)
    }

    #[test]
    fn each_location_is_read_and_written() {
        for (field, location) in [
            ("location=header", Location::Header(Layout::Sole)),
            ("location=header, frags=3, fragsize=16", Location::Header(Layout::Cut { count: 3, size: 16 })),
            ("location=header, frags=1, fragsize=1", Location::Header(Layout::Cut { count: 1, size: 1 })),
            ("location=header, frags=64, fragsize=4096", Location::Header(Layout::Cut { count: 64, size: 4096 })),
            ("location=body", Location::Body),
            ("location=body-form, field=\"wa \\\"result\\\"\"", Location::BodyForm { field: "wa \"result\"".into() }),
            ("location=body-xml, querytype=xpath, query=\"/a/b[2]\"", Location::BodyXml { query: "/a/b[2]".into() }),
        ] {
            assert_eq!(read(field), Ok(location), "{field}");
            assert_eq!(TokenLocation::read(field.as_bytes()).unwrap().to_string(), field);
            let referred = format!("{field}, ref=uri");
            let read = TokenLocation::read(referred.as_bytes()).unwrap();
            assert_eq!((read.reference, read.to_string()), (Reference::Uri, referred));
            let direct = format!("{field}, ref=direct");
            assert_eq!(TokenLocation::read(direct.as_bytes()).unwrap().to_string(), field);
        }
    }

    #[test]
    fn counts_and_sizes_have_one_spelling_and_a_bound() {
        for count in ["0", "65", "1000000000", "99999999999999999999999", "01", "-1", "+1", "3.0", "0x3", "256", "257", "65539"] {
            assert_eq!(read(&format!("location=header, frags={count}, fragsize=16")), Err(Unreadable::FragmentCount), "{count}");
        }
        for size in ["0", "4097", "1000000000", "016", "1e3", "65537"] {
            assert_eq!(read(&format!("location=header, frags=3, fragsize={size}")), Err(Unreadable::FragmentSize), "{size}");
        }
    }

    #[test]
    fn parameters_belong_to_their_location() {
        for field in [
            "location=header, frags=3",
            "location=header, fragsize=16",
            "location=header, fragsize=16, frags=3",
            "frags=3, fragsize=16, location=header",
            "location=header, field=\"x\"",
            "location=body, frags=3, fragsize=16",
            "location=body-form",
            "location=body-form, field=token",
            "location=body-form, field=\"x\", query=\"/a\"",
            "location=body-xml, query=\"/a\"",
            "location=body-xml, querytype=xpath",
            "location=body-xml, querytype=xpath, query=a",
            "location=body-xml, querytype=xquery, query=\"/a\"",
            "location=body-xml, querytype=\"xpath\", query=\"/a\"",
            "location=\"header\"",
            "location=header, frags=\"3\", fragsize=16",
            "ref=uri, location=header",
            "location=header, ref=\"uri\"",
            "location=header,",
        ] {
            assert_eq!(read(field), Err(Unreadable::FieldSyntax), "{field}");
        }
        for field in ["location=cookie", "location=Header", "location=body-json"] {
            assert_eq!(read(field), Err(Unreadable::LocationUnknown), "{field}");
        }
        assert_eq!(read("ref=uri"), Err(Unreadable::ParameterMissing));
        assert_eq!(read("location=header, ref=Uri"), Err(Unreadable::ParameterValue));
        assert_eq!(read("location=body-form, field=\"\""), Err(Unreadable::ParameterValue));
        assert_eq!(read("location=header, location=body"), Err(Unreadable::ParameterRepeated));
        assert_eq!(read("location=header, cookies=1"), Err(Unreadable::ParameterUnknown));
    }
}
