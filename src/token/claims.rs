//! What an issuer stated: names and values in one piece of memory. Judging them is the business of `judge`.

use super::form::{self, FormSyntax};
use std::fmt;

/// Proved statements of an issuer, in the order of the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    text: Box<str>,
    ends: Box<[End]>,
}

/// Where a name and its value end in the text; the name starts where the pair before it ended. Four octets
/// each, because claims are kept by the hundred thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    name: u32,
    value: u32,
}

impl End {
    fn at(name: usize, value: usize) -> Result<Self, ClaimSyntax> {
        match (u32::try_from(name), u32::try_from(value)) {
            (Ok(name), Ok(value)) => Ok(Self { name, value }),
            (Err(_), _) | (_, Err(_)) => Err(ClaimSyntax::TooLong),
        }
    }
}

fn wide(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Claims {
    /// The value of a claim, by its exact name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ends.iter().scan(0, |start, end| {
            let (name, value) = (wide(end.name), wide(end.value));
            Some((self.text.get(std::mem::replace(start, value)..name)?, self.text.get(name..value)?))
        })
    }

    /// How many octets of memory the claims hold, roughly; for bounds on caches.
    pub fn octets(&self) -> usize {
        self.text.len().saturating_add(size_of_val::<[End]>(&self.ends))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims")?;
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Collects claims.
#[derive(Default)]
pub struct ClaimsBuilder {
    text: Vec<u8>,
    ends: Vec<End>,
}

impl ClaimsBuilder {
    /// Starts empty, with room for `octets` of names and values in `pairs` pairs.
    pub fn with_room(octets: usize, pairs: usize) -> Self {
        Self { text: Vec::with_capacity(octets), ends: Vec::with_capacity(pairs) }
    }

    /// Adds a claim as it stands in a form, decoding it.
    ///
    /// # Errors
    /// Name or value cannot be decoded, or there is a claim of this name already.
    pub fn add_encoded(&mut self, name: &[u8], value: &[u8]) -> Result<(), ClaimSyntax> {
        let start = self.text.len();
        let added = self.append_encoded(name, value).and_then(|name| self.close(start, name));
        if added.is_err() {
            self.text.truncate(start);
        }
        added
    }

    /// Adds a claim.
    ///
    /// # Errors
    /// There is a claim of this name already.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), ClaimSyntax> {
        if self.has(name.as_bytes()) { Err(ClaimSyntax::NameRepeated) } else { self.add_new(name, value) }
    }

    /// Adds a claim of which the caller knows that no other has its name.
    ///
    /// # Errors
    /// The claims together are too long.
    pub fn add_new(&mut self, name: &str, value: &str) -> Result<(), ClaimSyntax> {
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let end = End::at(self.text.len(), self.text.len().saturating_add(value.len()));
        match end {
            Ok(_) => self.text.extend_from_slice(value.as_bytes()),
            Err(_) => self.text.truncate(start),
        }
        end.map(|end| self.ends.push(end))
    }

    /// The claims collected; what was refused is not among them.
    pub fn build(self) -> Claims {
        // Every piece was checked; the default is never taken.
        let text = String::from_utf8(self.text).unwrap_or_default();
        Claims { text: text.into_boxed_str(), ends: self.ends.into_boxed_slice() }
    }

    /// Appends name and value, each of which must be text by itself; yields where the name ends.
    fn append_encoded(&mut self, name: &[u8], value: &[u8]) -> Result<usize, ClaimSyntax> {
        let mut append = |coded: &[u8]| {
            let start = self.text.len();
            form::decode_onto(coded, &mut self.text).map_err(ClaimSyntax::Form)?;
            let text = std::str::from_utf8(self.text.get(start..).unwrap_or_default());
            text.map(|_| self.text.len()).map_err(|_| ClaimSyntax::Form(FormSyntax::Utf8))
        };
        let name = append(name)?;
        append(value).map(|_| name)
    }

    /// Takes what was appended since `start`, a name up to `name` and a value after it.
    fn close(&mut self, start: usize, name: usize) -> Result<(), ClaimSyntax> {
        if self.has(self.text.get(start..name).unwrap_or_default()) {
            return Err(ClaimSyntax::NameRepeated);
        }
        End::at(name, self.text.len()).map(|end| self.ends.push(end))
    }

    fn has(&self, name: &[u8]) -> bool {
        let mut start = 0;
        self.ends.iter().any(|known| self.text.get(std::mem::replace(&mut start, wide(known.value))..wide(known.name)) == Some(name))
    }
}

/// Why a claim is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimSyntax {
    /// The name stands twice.
    NameRepeated,
    /// The claims together take more than four gibibytes.
    TooLong,
    /// Name or value cannot be decoded.
    Form(FormSyntax),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(pairs: &[(&str, &str)]) -> Claims {
        let mut builder = ClaimsBuilder::default();
        for (name, value) in pairs {
            builder.add(name, value).unwrap();
        }
        builder.build()
    }

    #[test]
    fn values_are_found_by_exact_name() {
        let claims = claims(&[("Role", "patron"), ("", "nameless"), ("é", ""), ("Name", "Zoë")]);
        assert_eq!(claims.value("Role"), Some("patron"));
        assert_eq!(claims.value(""), Some("nameless"));
        assert_eq!(claims.value("é"), Some(""));
        assert_eq!(claims.value("role"), None);
        assert_eq!(claims.iter().last(), Some(("Name", "Zoë")));
    }

    #[test]
    fn a_name_stands_once() {
        let mut builder = ClaimsBuilder::with_room(16, 2);
        builder.add("a", "1").unwrap();
        assert_eq!(builder.add("a", "1"), Err(ClaimSyntax::NameRepeated));
        assert_eq!(builder.add("A", "1"), Ok(()));
    }

    #[test]
    fn what_is_refused_leaves_nothing_behind() {
        let mut builder = ClaimsBuilder::default();
        assert_eq!(builder.add_encoded(b"%c3%a9+", b"a%2cb"), Ok(()));
        // Each piece must be text by itself, not only the two of them together.
        assert_eq!(builder.add_encoded(b"%c3", b"%a9"), Err(ClaimSyntax::Form(FormSyntax::Utf8)));
        assert_eq!(builder.add_encoded(b"b", b"%a9"), Err(ClaimSyntax::Form(FormSyntax::Utf8)));
        assert_eq!(builder.add("\u{e9} ", "x"), Err(ClaimSyntax::NameRepeated));
        assert_eq!(builder.add_encoded(b"c", b"%"), Err(ClaimSyntax::Form(FormSyntax::Escape)));
        assert_eq!(builder.add_encoded(b"d", b"1"), Ok(()));
        let claims = builder.build();
        assert_eq!(claims.iter().collect::<Vec<_>>(), [("\u{e9} ", "a,b"), ("d", "1")]);
    }

    #[test]
    fn values_do_not_print() {
        let shown = format!("{:?}", claims(&[("Role", "patron")]));
        assert_eq!(shown, r#"Claims{"Role"}"#);
    }
}
