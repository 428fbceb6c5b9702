//! `name=value` lists, the grammar that most fields of WSSEC share.

use super::Unreadable;
use std::borrow::Cow;
use std::fmt::{self, Write};

/// The most octets of a field that the gateway reads.
pub const LONGEST_FIELD: usize = 8192;

/// A parameter's value as it stands in the field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'r> {
    /// A token (RFC 9110 §5.6.2) or base64 text.
    Bare(&'r str),
    /// What stands between quotes (RFC 9110 §5.6.4), quoted pairs not resolved.
    Quoted(&'r str),
}

impl<'r> Value<'r> {
    /// The value, where it is one that is signed: then it has one spelling, and a quoted pair would be another.
    ///
    /// # Errors
    /// There is a quoted pair in it.
    pub fn plain(self) -> Result<&'r str, Unreadable> {
        let (Self::Bare(text) | Self::Quoted(text)) = self;
        if text.contains('\\') { Err(Unreadable::ParameterValue) } else { Ok(text) }
    }

    /// The value, where the grammar asks for a quoted string; quoted pairs stand for their second octet.
    ///
    /// # Errors
    /// It is not quoted.
    pub fn quoted(self) -> Result<Cow<'r, str>, Unreadable> {
        match self {
            Self::Quoted(text) => Ok(resolve_pairs(text)),
            Self::Bare(_) => Err(Unreadable::FieldSyntax),
        }
    }

    /// The value, where the grammar asks for a bare one.
    ///
    /// # Errors
    /// It is quoted.
    pub fn bare(self) -> Result<&'r str, Unreadable> {
        match self {
            Self::Bare(text) => Ok(text),
            Self::Quoted(_) => Err(Unreadable::FieldSyntax),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

fn resolve_pairs(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(mark) = rest.next() {
        resolved.extend(if mark == '\\' { rest.next() } else { Some(mark) });
    }
    Cow::Owned(resolved)
}

/// Reads the parameters of these names, in whatever order they stand. A name has one spelling, as values have:
/// a field with another letter in it is not the field that its sender made.
///
/// # Errors
/// The field is no list of parameters, one stands twice, or one has another name.
pub fn read<'r, const N: usize>(field: &'r [u8], names: [&str; N]) -> Result<[Option<Value<'r>>; N], Unreadable> {
    read_within(LONGEST_FIELD, field, names)
}

/// As [`read`], for fields of another greatest length in octets.
///
/// # Errors
/// As there.
pub fn read_within<'r, const N: usize>(longest: usize, field: &'r [u8], names: [&str; N]) -> Result<[Option<Value<'r>>; N], Unreadable> {
    read_known(longest, field, names, str::eq).map(|read| read.values)
}

/// As [`read`], for fields in which the letter case of names does not count (RFC 9110 §11.2).
///
/// # Errors
/// As there.
pub fn read_in_any_case<'r, const N: usize>(field: &'r [u8], names: [&str; N]) -> Result<[Option<Value<'r>>; N], Unreadable> {
    read_known(LONGEST_FIELD, field, names, str::eq_ignore_ascii_case).map(|read| read.values)
}

/// As [`read`], but the parameters stand in the order of the names.
///
/// # Errors
/// As there, or they stand in another order.
pub fn read_in_order<'r, const N: usize>(field: &'r [u8], names: [&str; N]) -> Result<[Option<Value<'r>>; N], Unreadable> {
    match read_known(LONGEST_FIELD, field, names, str::eq)? {
        Known { values, sequence: Sequence::OfTheNames } => Ok(values),
        Known { sequence: Sequence::Another, .. } => Err(Unreadable::FieldSyntax),
    }
}

/// What a field says of some names, and in which order.
struct Known<'r, const N: usize> {
    values: [Option<Value<'r>>; N],
    sequence: Sequence,
}

enum Sequence {
    OfTheNames,
    Another,
}

fn read_known<'r, const N: usize>(
    longest: usize,
    field: &'r [u8],
    names: [&str; N],
    is_same: fn(&str, &str) -> bool,
) -> Result<Known<'r, N>, Unreadable> {
    let mut known = Known { values: [None; N], sequence: Sequence::OfTheNames };
    let mut latest = 0;
    for param in Params::new(field, longest)? {
        let (name, value) = param?;
        let place = names.iter().position(|known| is_same(known, name)).ok_or(Unreadable::ParameterUnknown)?;
        if known.values.get_mut(place).and_then(|known| known.replace(value)).is_some() {
            return Err(Unreadable::ParameterRepeated);
        }
        if place < latest {
            known.sequence = Sequence::Another;
        }
        latest = place;
    }
    Ok(known)
}

/// The parameters of a field, one after the other.
struct Params<'r> {
    /// What is not read yet; empty at the end.
    rest: &'r str,
}

impl<'r> Params<'r> {
    fn new(field: &'r [u8], longest: usize) -> Result<Self, Unreadable> {
        if field.len() > longest {
            return Err(Unreadable::FieldTooLong);
        }
        let rest = ascii(field)?.trim_matches(is_space);
        if rest.is_empty() { Err(Unreadable::FieldSyntax) } else { Ok(Self { rest }) }
    }

    fn param(&mut self) -> Result<(&'r str, Value<'r>), Unreadable> {
        let (name, rest) = split_run(self.rest, |octet| class(octet) & TOKEN != 0);
        let rest = after_space(rest).strip_prefix('=').ok_or(Unreadable::FieldSyntax)?;
        let (value, rest) = split_value(after_space(rest))?;
        self.rest = after_comma(after_space(rest))?;
        if name.is_empty() { Err(Unreadable::FieldSyntax) } else { Ok((name, value)) }
    }
}

impl<'r> Iterator for Params<'r> {
    type Item = Result<(&'r str, Value<'r>), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let param = self.param();
        if param.is_err() {
            self.rest = "";
        }
        Some(param)
    }
}

/// A field as text, if it is visible ASCII, spaces and tabs: other octets look different to different readers.
///
/// # Errors
/// It holds other octets.
pub(super) fn ascii(field: &[u8]) -> Result<&str, Unreadable> {
    // Without a branch, so that the processor looks at many octets at the same time.
    let fine = field.iter().fold(true, |fine, octet| fine & matches!(octet, b'\t' | b' '..=b'~'));
    let text = std::str::from_utf8(field).map_err(|_| Unreadable::FieldOctets)?;
    if fine { Ok(text) } else { Err(Unreadable::FieldOctets) }
}

fn split_value(text: &str) -> Result<(Value<'_>, &str), Unreadable> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (inside, rest) = split_quoted(quoted).ok_or(Unreadable::FieldSyntax)?;
        return Ok((Value::Quoted(inside), rest));
    }
    let (bare, rest) = split_run(text, |octet| class(octet) != 0 || octet == b'=');
    if is_bare(bare) { Ok((Value::Bare(bare), rest)) } else { Err(Unreadable::FieldSyntax) }
}

/// Splits at the quote that ends a quoted string.
fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    loop {
        let rest = text.as_bytes().get(start..)?;
        let place = start.checked_add(memchr::memchr2(b'"', b'\\', rest)?)?;
        let (inside, marked) = text.split_at_checked(place)?;
        match marked.strip_prefix('"') {
            Some(rest) => return Some((inside, rest)),
            None => start = place.checked_add(2)?,
        }
    }
}

/// A token, or base64 text with its padding.
fn is_bare(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    let classes = unpadded.bytes().fold(TOKEN | BASE64, |common, octet| common & class(octet));
    let is_sound = match text.len().saturating_sub(unpadded.len()) {
        0 => classes != 0,
        1 | 2 => classes & BASE64 != 0,
        _ => false,
    };
    is_sound && !unpadded.is_empty()
}

/// Octets of a token (RFC 9110 §5.6.2).
const TOKEN: u8 = 1;
/// Octets of base64 text, without its padding (RFC 4648 §4).
const BASE64: u8 = 2;

const fn class(octet: u8) -> u8 {
    match octet {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' => TOKEN | BASE64,
        b'/' => BASE64,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~' => TOKEN,
        _ => 0,
    }
}

pub(super) fn is_token_octet(octet: u8) -> bool {
    class(octet) & TOKEN != 0
}

fn split_run(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|octet| !belongs(octet)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn after_space(text: &str) -> &str {
    match text.as_bytes() {
        [b' ' | b'\t', ..] => text.trim_start_matches(is_space),
        _ => text,
    }
}

const fn is_space(mark: char) -> bool {
    matches!(mark, ' ' | '\t')
}

/// What follows a comma; a comma with nothing behind it announces a parameter that never comes.
fn after_comma(rest: &str) -> Result<&str, Unreadable> {
    if rest.is_empty() {
        return Ok(rest);
    }
    let rest = rest.strip_prefix(',').map(after_space).unwrap_or_default();
    if rest.is_empty() { Err(Unreadable::FieldSyntax) } else { Ok(rest) }
}

/// Writes parameters: `name=bare` and `name="quoted"`, a comma and a space between.
pub struct Writer<'w, 'f> {
    to: &'w mut fmt::Formatter<'f>,
    between: &'static str,
}

impl<'w, 'f> Writer<'w, 'f> {
    /// Writes to the formatter.
    pub fn new(to: &'w mut fmt::Formatter<'f>) -> Self {
        Self { to, between: "" }
    }

    /// A value that is a token.
    ///
    /// # Errors
    /// The formatter's.
    pub fn bare(&mut self, name: &str, value: &str) -> fmt::Result {
        write!(self.to, "{}{name}={value}", std::mem::replace(&mut self.between, ", "))
    }

    /// Any other value; quotes and backslashes in it become quoted pairs.
    ///
    /// # Errors
    /// The formatter's, or the value holds octets that no field may hold.
    pub fn quoted(&mut self, name: &str, value: &str) -> fmt::Result {
        ascii(value.as_bytes()).map_err(|_| fmt::Error)?;
        write!(self.to, "{}{name}=\"", std::mem::replace(&mut self.between, ", "))?;
        for mark in value.chars() {
            if matches!(mark, '"' | '\\') {
                self.to.write_str("\\")?;
            }
            self.to.write_char(mark)?;
        }
        self.to.write_str("\"")
    }
}

impl fmt::Debug for Writer<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_two(field: &str) -> Result<[Option<Value<'_>>; 2], Unreadable> {
        read(field.as_bytes(), ["a", "bc"])
    }

    #[test]
    fn values_are_tokens_quoted_strings_or_base64() {
        for (field, a, bc) in [
            ("a=1", Some(Value::Bare("1")), None),
            ("a=1, bc=2", Some(Value::Bare("1")), Some(Value::Bare("2"))),
            ("bc=\"2\",a=1", Some(Value::Bare("1")), Some(Value::Quoted("2"))),
            (" \t a \t = \t 1 \t , \t bc \t = \t 2 \t ", Some(Value::Bare("1")), Some(Value::Bare("2"))),
            ("a=Zg==,bc=a/b+c=", Some(Value::Bare("Zg==")), Some(Value::Bare("a/b+c="))),
            ("a=\"\"", Some(Value::Quoted("")), None),
            ("a=\"x, bc=y\"", Some(Value::Quoted("x, bc=y")), None),
            ("a=\"q\\\"\\\\\",bc=!#$%&'*+-.^_`|~", Some(Value::Quoted("q\\\"\\\\")), Some(Value::Bare("!#$%&'*+-.^_`|~"))),
        ] {
            assert!(read_two(field) == Ok([a, bc]), "{field}");
        }
    }

    #[test]
    fn what_is_no_list_of_parameters_is_refused() {
        for field in [
            "",
            " ",
            ",",
            "a",
            "a=",
            "=1",
            "a=1,",
            ",a=1",
            "a=1,,bc=2",
            "a=1 bc=2",
            "a=1;bc=2",
            "a==",
            "a====",
            "a=1=1",
            "a=Zg===",
            "a=.=",
            "a=a:b",
            "a=a b",
            "a=\"",
            "a=\"1",
            "a=\"1\\\"",
            "a=\"1\"2",
            "a='1",
            "a b=1",
            "\"a\"=1",
            "a=1\"",
            "a=-/-",
        ] {
            let expected = if field == "a='1" { Ok([Some(Value::Bare("'1")), None]) } else { Err(Unreadable::FieldSyntax) };
            assert!(read_two(field) == expected, "{field:?}: {:?}", read_two(field));
        }
    }

    #[test]
    fn foreign_and_repeated_names_are_refused() {
        assert_eq!(read_two("a=1,d=2"), Err(Unreadable::ParameterUnknown));
        assert_eq!(read_two("a=1,bc=2,a=1"), Err(Unreadable::ParameterRepeated));
        assert_eq!(read_two("b=1"), Err(Unreadable::ParameterUnknown));
    }

    #[test]
    fn letter_case_counts_except_where_http_says_otherwise() {
        for field in ["A=1", "a=1,BC=2", "a=1,A=1"] {
            assert_eq!(read_two(field), Err(Unreadable::ParameterUnknown), "{field}");
            assert_eq!(read_in_order(field.as_bytes(), ["a", "bc"]), Err(Unreadable::ParameterUnknown), "{field}");
        }
        let in_any_case = |field: &'static str| read_in_any_case(field.as_bytes(), ["a", "bc"]);
        assert_eq!(in_any_case("A=1,Bc=2"), Ok([Some(Value::Bare("1")), Some(Value::Bare("2"))]));
        assert_eq!(in_any_case("a=1,A=1"), Err(Unreadable::ParameterRepeated));
    }

    #[test]
    fn other_octets_and_long_fields_are_refused() {
        for field in
            [&b"a=\xff"[..], b"a=\xc3\xa9", b"a=\"\xc3\xa9\"", b"a=1\n", b"a=1\r\n", b"a=\0", b"a=\"\x7f\"", b"a\x0b=1", b"\x0ca=1"]
        {
            assert_eq!(read(field, ["a"]).map(|_| ()), Err(Unreadable::FieldOctets), "{field:?}");
        }
        let long = |length| format!("a={}", "x".repeat(length));
        assert!(read_two(&long(LONGEST_FIELD - 2)).is_ok());
        assert_eq!(read_two(&long(LONGEST_FIELD - 1)), Err(Unreadable::FieldTooLong));
    }

    #[test]
    fn order_counts_where_the_grammar_has_one() {
        let in_order = |field: &'static str| read_in_order(field.as_bytes(), ["a", "b", "c"]).map(|_| ());
        assert_eq!((in_order("a=1,b=2,c=3"), in_order("a=1,c=3"), in_order("b=2")), (Ok(()), Ok(()), Ok(())));
        for field in ["b=2,a=1", "c=3,a=1,b=2", "a=1,c=3,b=2"] {
            assert_eq!(in_order(field), Err(Unreadable::FieldSyntax), "{field}");
        }
    }

    #[test]
    fn quoted_pairs_are_resolved_except_in_what_is_signed() {
        let value = Value::Quoted(r#"a\"b\\c\d"#);
        assert_eq!(value.quoted().as_deref(), Ok(r#"a"b\cd"#));
        assert_eq!(value.plain(), Err(Unreadable::ParameterValue));
        assert_eq!((Value::Bare("x").quoted(), Value::Quoted("x").bare()), (Err(Unreadable::FieldSyntax), Err(Unreadable::FieldSyntax)));
        assert!(matches!(Value::Quoted("plain").quoted(), Ok(Cow::Borrowed("plain"))));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        struct Field<'a>(&'a str);
        impl fmt::Display for Field<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut to = Writer::new(f);
                to.bare("a", "1")?;
                to.quoted("bc", self.0)
            }
        }
        for text in ["", "plain", r#"a "quoted" \ one"#, r"\\", "\"", "x, y=z"] {
            let field = Field(text).to_string();
            let [_, read] = read_two(&field).unwrap();
            assert_eq!(read.unwrap().quoted().unwrap(), text, "{field}");
        }
        assert_eq!(Field("x").to_string(), "a=1, bc=\"x\"");
        assert!(write!(String::new(), "{}", Field("a\r\nb")).is_err());
    }
}
