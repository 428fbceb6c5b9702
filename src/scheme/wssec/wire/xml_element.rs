//! The element of an XML document that holds the token.

use super::location::number;
use super::{Unreadable, fragments, xml_bounds};
use roxmltree::{Document, Node, ParsingOptions};
use std::borrow::Cow;

/// The most steps of a query.
pub const MOST_STEPS: usize = 16;
/// The most characters of a query.
pub const LONGEST_QUERY: usize = 512;

/// A path of local names from the root element, each with an optional position among its siblings of that
/// name, from 1: `/Envelope/Header/Token[2]`.
///
/// ```abnf
/// query = 1*16( "/" name [ "[" position "]" ] )
/// name  = ( ALPHA / "_" ) *( ALPHA / DIGIT / "_" / "-" / "." )
/// position = %x31-39 *DIGIT                        ; at most 65535
/// ```
/// Namespaces do not count, so two elements of one local name are two, whatever their namespaces. Where no
/// position is stated the name must stand once among its siblings; nothing is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'q>(&'q str);

/// A step of a path.
#[derive(Clone, Copy)]
struct Step<'q> {
    name: &'q str,
    position: Position,
}

/// Which of the siblings of one name is meant.
#[derive(Clone, Copy)]
enum Position {
    Sole,
    Nth(u16),
}

impl<'q> Query<'q> {
    /// Reads a query.
    ///
    /// # Errors
    /// It is no path of local names, or has too many.
    pub fn read(text: &'q str) -> Result<Self, Unreadable> {
        let query = Self(text);
        let path = text.strip_prefix('/').ok_or(Unreadable::QuerySyntax)?;
        let fine =
            text.len() <= LONGEST_QUERY && path.split('/').count() <= MOST_STEPS && path.split('/').all(|step| Step::read(step).is_some());
        if fine { Ok(query) } else { Err(Unreadable::QuerySyntax) }
    }

    fn steps(&self) -> impl Iterator<Item = Step<'q>> {
        self.0.split('/').filter_map(Step::read)
    }

    /// Finds the token, of at most `limit` octets. An element with child elements is the token, exactly from
    /// its `<` to its `>`; the text of any other is base64 of it, with white space at its ends at most.
    ///
    /// The document must be UTF-8 and has no document type; of entities only the five predefined ones and
    /// character references are known. Comments and instructions are passed over on the path and belong to
    /// an element that is the token; in a text they are refused, as is CDATA, for readers differ in what
    /// text is left without them.
    ///
    /// # Errors
    /// The document cannot be read or exceeds a bound, the path does not lead to exactly one element, or what
    /// is there is no token.
    pub fn find<'d>(&self, document: &'d [u8], limit: usize) -> Result<Cow<'d, [u8]>, Unreadable> {
        let text = std::str::from_utf8(document).map_err(|_| Unreadable::XmlSyntax)?;
        xml_bounds::check(text)?;
        check_declaration(text)?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_LIMIT, ..ParsingOptions::default() };
        let tree = Document::parse_with_options(text, options).map_err(|_| Unreadable::XmlSyntax)?;
        let element = self.steps().try_fold(tree.root(), |parent, step| step.child(parent))?;
        let octets = document.get(element.range()).ok_or(Unreadable::XmlSyntax)?;
        let token = if element.children().any(|child| child.is_element()) {
            Cow::Borrowed(octets)
        } else {
            Cow::Owned(decode(octets, element.text().unwrap_or_default(), limit)?)
        };
        if token.len() > limit { Err(Unreadable::TokenTooLarge) } else { Ok(token) }
    }
}

/// Between two marks stands at most one text.
const NODES_LIMIT: u32 = 65_537;

impl<'q> Step<'q> {
    fn read(text: &'q str) -> Option<Self> {
        let (name, position) = match text.split_once('[') {
            Some((name, position)) => (name, Position::Nth(number(position.strip_suffix(']')?)?)),
            None => (text, Position::Sole),
        };
        let begins = name.bytes().next().is_some_and(|octet| octet.is_ascii_alphabetic() || octet == b'_');
        let goes_on = name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"_-.".contains(&octet));
        (begins && goes_on).then_some(Self { name, position })
    }

    fn child<'a, 'd>(self, parent: Node<'a, 'd>) -> Result<Node<'a, 'd>, Unreadable> {
        let mut named = parent.children().filter(|child| child.is_element() && child.tag_name().name() == self.name);
        match self.position {
            Position::Nth(position) => named.nth(usize::from(position).saturating_sub(1)).ok_or(Unreadable::ElementMissing),
            Position::Sole => {
                let first = named.next().ok_or(Unreadable::ElementMissing)?;
                if named.next().is_some() { Err(Unreadable::ElementAmbiguous) } else { Ok(first) }
            }
        }
    }
}

/// Whoever reads the document by another encoding would read another document.
fn check_declaration(document: &str) -> Result<(), Unreadable> {
    let document = document.trim_start_matches('\u{feff}');
    let declaration = document.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map_or("", |(inside, _)| inside);
    let Some((_, encoding)) = declaration.split_once("encoding") else { return Ok(()) };
    let name = encoding.trim_start_matches([' ', '\t', '\r', '\n', '=']).trim_start_matches(['"', '\'']);
    let is_utf8 = name.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("utf-8"));
    if is_utf8 && name.get(5..).is_some_and(|rest| rest.starts_with(['"', '\''])) { Ok(()) } else { Err(Unreadable::XmlSyntax) }
}

/// The text of an element without children, which has no other `<` than those of its two tags.
fn decode(octets: &[u8], text: &str, limit: usize) -> Result<Vec<u8>, Unreadable> {
    if memchr::memchr_iter(b'<', octets).count() > 2 {
        return Err(Unreadable::ElementText);
    }
    let mut token = Vec::new();
    fragments::decode_text(text.trim_matches([' ', '\t', '\r', '\n']).as_bytes(), limit, &mut token)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 48 * 1024;
    const ENVELOPE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><s:Envelope xmlns:s='urn:s'>\
        <s:Header><?pi x?><Token>Zm9v</Token><t:Token xmlns:t='urn:t'>\n  YmFy\n</t:Token>\
        <A ID=\"1\" >\n<!-- kept --><B c='>'/><![CDATA[ <kept> ]]>&amp;</A >\
        </s:Header><s:Body><Order>42</Order></s:Body></s:Envelope>\n";

    fn find(query: &str, document: &str) -> Result<Vec<u8>, Unreadable> {
        Query::read(query)?.find(document.as_bytes(), LIMIT).map(Cow::into_owned)
    }

    #[test]
    fn queries_are_paths_of_local_names() {
        for query in ["/a", "/a/b/c", "/Envelope/Header/Token[2]", "/a[1]/_b-c.d[65535]", &"/a".repeat(MOST_STEPS)] {
            assert!(Query::read(query).is_ok(), "{query}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_QUERY));
        for query in [
            "",
            "/",
            "a",
            "//a",
            "/a/",
            "/a//b",
            "/a/..",
            "/.",
            "/*",
            "/a[0]",
            "/a[01]",
            "/a[-1]",
            "/a[1",
            "/a1]",
            "/a[1][2]",
            "/a[]",
            "/a[last()]",
            "/a[@x='1']",
            "/@a",
            "/s:a",
            "/a|/b",
            "/a[65536]",
            "/1a",
            "/-a",
            "/a b",
            "/é",
            "/text()",
            "/a[ 1 ]",
            &"/a".repeat(MOST_STEPS + 1),
            &long,
        ] {
            assert_eq!(Query::read(query), Err(Unreadable::QuerySyntax), "{query}");
        }
    }

    #[test]
    fn an_element_with_children_is_the_token_to_the_octet() {
        let expected = "<A ID=\"1\" >\n<!-- kept --><B c='>'/><![CDATA[ <kept> ]]>&amp;</A >";
        assert_eq!(find("/Envelope/Header/A", ENVELOPE).unwrap(), expected.as_bytes());
        assert_eq!(find("/Envelope/Header/A", &format!("\u{feff}{ENVELOPE}")).unwrap(), expected.as_bytes());
        assert_eq!(find("/a", "<a><b/></a>").unwrap(), b"<a><b/></a>");
    }

    #[test]
    fn the_text_of_any_other_element_is_base64() {
        assert_eq!(find("/Envelope/Header/Token[1]", ENVELOPE).unwrap(), b"foo");
        assert_eq!(find("/Envelope/Header/Token[2]", ENVELOPE).unwrap(), b"bar");
        assert_eq!(find("/a", "<a>&#90;m9&#x76;</a>").unwrap(), b"foo");
        for text in ["", " ", "Zm9", "Zm9v Zm9v", "Zm 9v", "&lt;", "Zh==", "\u{a0}Zm9v"] {
            assert_eq!(find("/a", &format!("<a>{text}</a>")), Err(Unreadable::TokenEncoding), "{text}");
        }
        assert_eq!(find("/a", "<a/>"), Err(Unreadable::TokenEncoding));
    }

    #[test]
    fn text_in_pieces_is_refused() {
        for text in ["Zm<!-- -->9v", "Zm9v<!-- -->", "<![CDATA[Zm9v]]>", "Zm<?x?>9v", "<?x?>Zm9v"] {
            assert_eq!(find("/a", &format!("<a>{text}</a>")), Err(Unreadable::ElementText), "{text}");
        }
    }

    #[test]
    fn exactly_one_element_is_meant() {
        assert_eq!(find("/Envelope/Header/Token", ENVELOPE), Err(Unreadable::ElementAmbiguous));
        assert_eq!(find("/Envelope/Header/Token[3]", ENVELOPE), Err(Unreadable::ElementMissing));
        assert_eq!(find("/Header/Token[1]", ENVELOPE), Err(Unreadable::ElementMissing));
        assert_eq!(find("/Envelope[2]", ENVELOPE), Err(Unreadable::ElementMissing));
        assert_eq!(find("/envelope", ENVELOPE), Err(Unreadable::ElementMissing));
        // A second header is ambiguous even where only one of the two holds a token.
        assert_eq!(find("/e/h/t", "<e><h><t>Zm9v</t></h><h/></e>"), Err(Unreadable::ElementAmbiguous));
        assert_eq!(find("/e/h/t", "<e><h><t>Zm9v</t></h><w><h><t>YmFy</t></h></w></e>").unwrap(), b"foo");
        assert_eq!(find("/e/t", "<e><t>Zm9v</t><t xmlns='urn:x'>YmFy</t></e>"), Err(Unreadable::ElementAmbiguous));
    }

    #[test]
    fn documents_that_grow_are_refused() {
        let laughs = "<!DOCTYPE a [<!ENTITY b \"ZmZm\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
        assert_eq!(find("/a", laughs), Err(Unreadable::XmlDoctype));
        assert_eq!(find("/a", "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a>Zm9v</a>"), Err(Unreadable::XmlDoctype));
        assert_eq!(find("/a", "<a>&b;</a>"), Err(Unreadable::XmlSyntax));
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        assert_eq!(find("/a", &deep), Err(Unreadable::XmlTooLarge));
        let wide = format!("<a {}/>", (0..10_000).map(|number| format!("x{number}='' ")).collect::<String>());
        assert_eq!(find("/a", &wide), Err(Unreadable::XmlTooLarge));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for document in [
            "",
            "x",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><a/>",
            "<a/>x",
            "<a x='1' x='2'>Zm9v</a>",
            "<a x=1>Zm9v</a>",
            "<s:a>Zm9v</s:a>",
            "<a>\u{1}</a>",
            "<a>&#0;</a>",
            "<a>]]></a>",
            "<a><!-- -- --></a>",
            "<a x='<'/>",
            "{\"a\":1}",
            "<?xml version='1.0' encoding='utf-16'?><a>Zm9v</a>",
            "<?xml version='1.0' encoding='UTF-8-X'?><a>Zm9v</a>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a>Zm9v</a>",
        ] {
            assert_eq!(find("/a", document), Err(Unreadable::XmlSyntax), "{document}");
        }
        assert_eq!(Query("/a").find(b"<a>\xff</a>", LIMIT), Err(Unreadable::XmlSyntax));
        assert_eq!(find("/a", "<?xml version='1.0' encoding = 'UTF-8' ?><a>Zm9v</a>").unwrap(), b"foo");
    }

    #[test]
    fn tokens_are_bounded() {
        let query = Query::read("/a").unwrap();
        assert_eq!(query.find(b"<a>Zm9v</a>", 2), Err(Unreadable::TokenTooLarge));
        assert_eq!(query.find(b"<a><b/></a>", 10), Err(Unreadable::TokenTooLarge));
        assert!(query.find(b"<a><b/></a>", 11).is_ok());
    }
}
