//! What an issuer stated: names and values in one piece of memory. Judging them is the business of `judge`.

use std::fmt;

/// Proved statements of an issuer, in the order of the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    text: Box<str>,
    ends: Box<[End]>,
}

/// Where a name and its value end in the text; the name starts where the pair before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    name: usize,
    value: usize,
}

impl Claims {
    /// The value of a claim, by its exact name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(&self.text, &self.ends)
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
    text: String,
    ends: Vec<End>,
}

impl ClaimsBuilder {
    /// Starts empty, with room for `octets` of names and values in `pairs` pairs.
    pub fn with_room(octets: usize, pairs: usize) -> Self {
        Self { text: String::with_capacity(octets), ends: Vec::with_capacity(pairs) }
    }

    /// Adds a claim.
    ///
    /// # Errors
    /// There is a claim of this name already.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), ClaimRepeated> {
        if pairs(&self.text, &self.ends).any(|(known, _)| known == name) {
            return Err(ClaimRepeated);
        }
        self.text.push_str(name);
        let name = self.text.len();
        self.text.push_str(value);
        self.ends.push(End { name, value: self.text.len() });
        Ok(())
    }

    /// The claims collected.
    pub fn build(self) -> Claims {
        Claims { text: self.text.into_boxed_str(), ends: self.ends.into_boxed_slice() }
    }
}

/// A claim's name stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRepeated;

fn pairs<'c>(text: &'c str, ends: &'c [End]) -> impl Iterator<Item = (&'c str, &'c str)> {
    ends.iter().scan(0, |start, end| {
        let name = text.get(*start..end.name)?;
        *start = end.value;
        Some((name, text.get(end.name..end.value)?))
    })
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
        assert_eq!(builder.add("a", "1"), Err(ClaimRepeated));
        assert_eq!(builder.add("A", "1"), Ok(()));
    }

    #[test]
    fn values_do_not_print() {
        let shown = format!("{:?}", claims(&[("Role", "patron")]));
        assert_eq!(shown, r#"Claims{"Role"}"#);
    }
}
