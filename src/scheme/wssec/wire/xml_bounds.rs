//! Bounds of an XML document, checked in one pass before anything is built from it.

use super::Unreadable;
use memchr::memmem;

/// The most octets of a document.
pub(super) const LONGEST_DOCUMENT: usize = 1024 * 1024;
/// The most elements within each other.
pub(super) const DEEPEST: usize = 64;
/// The most tags, comments, instructions and CDATA sections.
pub(super) const MOST_MARKS: usize = 32_768;
/// The most attributes of an element, since each is compared with each.
pub(super) const MOST_ATTRIBUTES: usize = 64;
/// The most namespaces in scope, since each element compares its own with all of them.
pub(super) const MOST_NAMESPACES: usize = 32;

/// Checks that a parser will not have to work more than the document's length justifies. What is no XML
/// is left to the parser: up to the first error both see the same tags.
///
/// # Errors
/// The document exceeds a bound, or has a document type.
pub(super) fn check(document: &str) -> Result<(), Unreadable> {
    if document.len() > LONGEST_DOCUMENT {
        return Err(Unreadable::XmlTooLarge);
    }
    let mut open = Open::default();
    let mut rest = document;
    for marks in 0.. {
        let Some(place) = memchr::memchr(b'<', rest.as_bytes()) else { return Ok(()) };
        if marks == MOST_MARKS {
            return Err(Unreadable::XmlTooLarge);
        }
        rest = open.after_mark(rest.get(place..).unwrap_or_default())?;
    }
    Ok(())
}

/// The namespaces that each open element declares.
#[derive(Default)]
struct Open {
    namespaces: Vec<usize>,
}

impl Open {
    /// What follows the mark that the text begins with.
    fn after_mark<'d>(&mut self, text: &'d str) -> Result<&'d str, Unreadable> {
        if let Some(comment) = text.strip_prefix("<!--") {
            after(comment, "-->")
        } else if let Some(section) = text.strip_prefix("<![CDATA[") {
            after(section, "]]>")
        } else if text.starts_with("<!") {
            Err(Unreadable::XmlDoctype)
        } else if let Some(instruction) = text.strip_prefix("<?") {
            after(instruction, "?>")
        } else if let Some(tag) = text.strip_prefix("</") {
            self.namespaces.pop();
            after(tag, ">")
        } else {
            let (tag, rest) = StartTag::scan(text)?;
            self.start(&tag)?;
            Ok(rest)
        }
    }

    fn start(&mut self, tag: &StartTag) -> Result<(), Unreadable> {
        self.namespaces.push(tag.namespaces);
        let too_deep = self.namespaces.len() > DEEPEST;
        if too_deep || tag.attributes > MOST_ATTRIBUTES || self.namespaces.iter().sum::<usize>() > MOST_NAMESPACES {
            return Err(Unreadable::XmlTooLarge);
        }
        if tag.end == TagEnd::Closed {
            self.namespaces.pop();
        }
        Ok(())
    }
}

fn after<'d>(text: &'d str, end: &str) -> Result<&'d str, Unreadable> {
    let place = memmem::find(text.as_bytes(), end.as_bytes()).ok_or(Unreadable::XmlSyntax)?;
    text.get(place.saturating_add(end.len())..).ok_or(Unreadable::XmlSyntax)
}

/// What a start tag costs.
struct StartTag {
    attributes: usize,
    namespaces: usize,
    end: TagEnd,
}

/// Whether an element has an end tag.
#[derive(PartialEq, Eq)]
enum TagEnd {
    Open,
    Closed,
}

impl StartTag {
    /// Counts up to the `>` that stands outside of quotes.
    fn scan(text: &str) -> Result<(Self, &str), Unreadable> {
        let mut tag = Self { attributes: 0, namespaces: 0, end: TagEnd::Open };
        let mut rest = text;
        loop {
            let place = memchr::memchr3(b'"', b'\'', b'>', rest.as_bytes()).ok_or(Unreadable::XmlSyntax)?;
            let (before, from) = rest.split_at_checked(place).ok_or(Unreadable::XmlSyntax)?;
            if let Some(after_tag) = from.strip_prefix('>') {
                if before.ends_with('/') {
                    tag.end = TagEnd::Closed;
                }
                return Ok((tag, after_tag));
            }
            let (quote, value) = from.split_at_checked(1).ok_or(Unreadable::XmlSyntax)?;
            tag.attributes = tag.attributes.saturating_add(1);
            tag.namespaces = tag.namespaces.saturating_add(usize::from(before.contains("xmlns")));
            rest = after(value, quote)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_and_siblings_are_not_depth() {
        let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert_eq!((check(&nested(DEEPEST)), check(&nested(DEEPEST + 1))), (Ok(()), Err(Unreadable::XmlTooLarge)));
        assert_eq!(check(&format!("<r>{}{}</r>", "<a/>".repeat(1000), "<b x='/'></b>".repeat(1000))), Ok(()));
    }

    #[test]
    fn attributes_and_namespaces_are_bounded() {
        let attributes = |count: usize| format!("<a {}/>", (0..count).map(|number| format!("x{number}='<>\"' ")).collect::<String>());
        assert_eq!((check(&attributes(64)), check(&attributes(65))), (Ok(()), Err(Unreadable::XmlTooLarge)));
        let namespaces = |count: usize| (0..count).map(|number| format!("<a xmlns:n{number}=\"\">")).collect::<String>();
        assert_eq!((check(&namespaces(32)), check(&namespaces(33))), (Ok(()), Err(Unreadable::XmlTooLarge)));
        assert_eq!(check(&"<a xmlns='x'></a><b xmlns='y'/>".repeat(1000)), Ok(()));
    }

    #[test]
    fn what_looks_like_a_tag_elsewhere_is_none() {
        let quiet = "<!-- <a> <!DOCTYPE --><![CDATA[<a><a>]]><?x <a> ?>".repeat(1000);
        assert_eq!(check(&quiet), Ok(()));
        assert_eq!(check("<!-->--><a/>"), Ok(()));
        assert_eq!(check("<a><!DOCTYPE a></a>"), Err(Unreadable::XmlDoctype));
        assert_eq!(check("<a x='>"), Err(Unreadable::XmlSyntax));
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(check(&"x".repeat(LONGEST_DOCUMENT + 1)), Err(Unreadable::XmlTooLarge));
        assert_eq!((check(&"<a/>".repeat(MOST_MARKS)), check(&"<a/>".repeat(MOST_MARKS + 1))), (Ok(()), Err(Unreadable::XmlTooLarge)));
    }
}
