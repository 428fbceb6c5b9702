//! What every signature must cover.

use super::wire::input::{Covered, Stated};
use super::wire::{Component, Form};
use crate::scheme::{Carries, Evidence, Rejection};
use http::HeaderMap;
use http::header::CONTENT_RANGE;

pub(super) const CONTENT_DIGEST: &str = "content-digest";
pub(super) const REPR_DIGEST: &str = "repr-digest";
/// Fields that say nothing of a request without content.
const OF_CONTENT: [&str; 7] =
    [CONTENT_DIGEST, REPR_DIGEST, "content-type", "content-length", "content-encoding", "content-language", "content-location"];

/// What every signature must cover.
pub(super) struct CoveragePolicy(Box<[Required]>);

/// One component that must be covered.
struct Required {
    /// Its identifier, as it is signed.
    identifier: Box<[u8]>,
    name: Box<str>,
    extent: Extent,
    when: When,
}

/// What covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// The same identifier.
    Identifier,
    /// The field's whole value, in whatever form.
    WholeField,
    /// The field or any member of it: each digest is compared, and the one that was signed is among them.
    Digest,
}

/// When it must be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    WithContent,
}

impl CoveragePolicy {
    /// Compiles components as the configuration writes them. Which of them is none is told by its place in the list.
    pub(super) fn build<'c>(components: impl Iterator<Item = &'c str>) -> Result<Self, usize> {
        components.enumerate().map(|(place, written)| Required::read(written).ok_or(place)).collect::<Result<_, _>>().map(Self)
    }

    /// The identifiers, as they are signed.
    pub(super) fn identifiers(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|required| &*required.identifier)
    }

    /// Whether contents must be signed.
    pub(super) fn asks_for_digest(&self) -> bool {
        self.0.iter().any(|required| required.extent == Extent::Digest)
    }

    pub(super) fn judge(&self, stated: &Stated<'_>, evidence: &Evidence<'_>) -> Result<(), Rejection> {
        let has_content = evidence.carries == Carries::Content;
        let fields = evidence.head.fields;
        let asked = self.0.iter().filter(|required| required.when == When::Always || has_content);
        let missing: Vec<_> = asked.filter(|required| !required.is_covered(stated, fields)).collect();
        match missing.as_slice() {
            [] => Ok(()),
            [Required { extent: Extent::Digest, name, .. }, ..] if !fields.contains_key(&**name) => Err(Rejection::DigestMissing),
            missing => Err(Rejection::of_coverage(missing.iter().map(|required| required.shown()))),
        }
    }
}

impl Required {
    fn read(written: &str) -> Option<Self> {
        let list = if written.starts_with('"') { ["c=(", written, ")"].concat() } else { ["c=(\"", written, "\")"].concat() };
        let read = Stated::read([list.as_bytes()].into_iter()).ok()?;
        let [stated] = read.as_slice() else { return None };
        stated.check().ok()?;
        let [covered] = stated.components.as_slice() else { return None };
        if stated.text().len() != covered_length(stated, covered) {
            return None;
        }
        let extent = match covered.component {
            Component::Field { name: CONTENT_DIGEST | REPR_DIGEST, form: Form::Combined } => Extent::Digest,
            Component::Field { form: Form::Combined, .. } => Extent::WholeField,
            Component::Field { form: Form::Strict | Form::Member(_) | Form::Octets, .. }
            | Component::Method
            | Component::TargetUri
            | Component::Authority
            | Component::Scheme
            | Component::RequestTarget
            | Component::Path
            | Component::Query
            | Component::QueryParam(_) => Extent::Identifier,
        };
        let when = if OF_CONTENT.contains(&covered.name) { When::WithContent } else { When::Always };
        Some(Self { identifier: stated.identifier(covered).into(), name: covered.name.into(), extent, when })
    }

    /// As it could be written in the configuration.
    fn shown(&self) -> &str {
        let identifier = std::str::from_utf8(&self.identifier).unwrap_or(&self.name);
        if identifier.len() == self.name.len().saturating_add("\"\"".len()) { &self.name } else { identifier }
    }

    fn is_covered(&self, stated: &Stated<'_>, fields: &HeaderMap) -> bool {
        let named = || stated.components.iter().filter(|covered| *covered.name == *self.name);
        match self.extent {
            Extent::Identifier => named().any(|covered| stated.identifier(covered) == &*self.identifier),
            Extent::WholeField => named().any(|covered| !matches!(covered.component, Component::Field { form: Form::Member(_), .. })),
            // The digest of a whole says nothing of a part.
            Extent::Digest => named().next().is_some() && !(&*self.name == REPR_DIGEST && fields.contains_key(CONTENT_RANGE)),
        }
    }
}

/// The length of a list of this component alone.
fn covered_length(stated: &Stated<'_>, covered: &Covered<'_>) -> usize {
    stated.identifier(covered).len().saturating_add("()".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(written: &str) -> Option<String> {
        Required::read(written).map(|required| String::from_utf8(required.identifier.into()).unwrap())
    }

    #[test]
    fn components_are_written_with_or_without_quotes() {
        assert_eq!(identifier("@method").as_deref(), Some("\"@method\""));
        assert_eq!(identifier("content-type").as_deref(), Some("\"content-type\""));
        assert_eq!(identifier("\"@query-param\"; name=\"id\"").as_deref(), Some("\"@query-param\";name=\"id\""));
        for written in [
            "",
            "@status",
            "Date",
            "a b",
            "a\" \"b",
            "\"a\" \"b\"",
            "\"a\";req",
            "\"a\");created=1",
            "a\");created=1,d=(\"b",
            "@query-param",
        ] {
            assert_eq!(identifier(written), None, "{written}");
        }
        assert_eq!(CoveragePolicy::build(["@method", "x y"].into_iter()).err(), Some(1));
    }
}
