//! JSON as tokens need it (RFC 8259): one reading or none, bounded, numbers exact or refused.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Write};
use std::time::Duration;

/// The most levels of objects and arrays. A key in a key set stands on the third, a confirmation key in
/// a token on the third; claims of real issuers go to the fifth.
pub const MAX_NESTING: usize = 8;
/// The most members of an object, each of which costs a comparison with each before it.
pub const MAX_MEMBERS: usize = 128;
/// Numbers that are not whole stay below 2^53 in size, where the whole ones next to them are exact.
const MAX_FRACTION: f64 = 9_007_199_254_740_992.0;

/// A value; texts borrow from what was read unless they were escaped. It does not print.
#[derive(Clone, PartialEq)]
pub enum Json<'t> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction or an exponent.
    Fraction(f64),
    /// A text.
    Text(Cow<'t, str>),
    /// An array.
    List(Vec<Json<'t>>),
    /// An object.
    Object(Object<'t>),
}

/// An object whose names differ, in the order in which they stand. It does not print.
#[derive(Clone, PartialEq, Default)]
pub struct Object<'t>(Vec<(Cow<'t, str>, Json<'t>)>);

/// Why something is not JSON that has one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonSyntax {
    /// The octets are not UTF-8.
    Utf8,
    /// It is not JSON, or something stands after it.
    Grammar,
    /// It is JSON, but not an object.
    NotAnObject,
    /// A name stands twice in one object.
    NameRepeated,
    /// More levels than [`MAX_NESTING`].
    TooDeep,
    /// More members in one object than [`MAX_MEMBERS`].
    TooManyMembers,
    /// A number that cannot be held exactly: whole and beyond 64 bits, or not whole and beyond 2^53.
    Number,
}

/// Reads one object and nothing after it but white space.
///
/// # Errors
/// The octets are not a JSON object with one reading, or exceed a bound.
pub fn read_object(octets: &[u8]) -> Result<Object<'_>, JsonSyntax> {
    let text = std::str::from_utf8(octets).map_err(|_| JsonSyntax::Utf8)?;
    let reason = Cell::new(JsonSyntax::Grammar);
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Seed { levels: MAX_NESTING, reason: &reason };
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(JsonSyntax::NotAnObject),
        Err(_) => Err(reason.get()),
    }
}

impl<'t> Object<'t> {
    /// The value of a member, by its exact name.
    pub fn member(&self, name: &str) -> Option<&Json<'t>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The text of a member; nothing where there is none.
    ///
    /// # Errors
    /// The member is there and is not a text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, NotText> {
        self.member(name).map(|value| value.text().ok_or(NotText)).transpose()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'t>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Appends the object as JSON, as [`Json::write`] does.
    pub fn write(&self, out: &mut String) {
        out.push('{');
        for (place, (name, value)) in self.iter().enumerate() {
            separate(place, out);
            write_text(name, out);
            out.push(':');
            value.write(out);
        }
        out.push('}');
    }
}

/// A member that should be a text is something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText;

impl<'t> Json<'t> {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Truth(_) | Self::Whole(_) | Self::Fraction(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The object, where it is one.
    pub const fn object(&self) -> Option<&Object<'t>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null | Self::Truth(_) | Self::Whole(_) | Self::Fraction(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The items, where it is an array.
    pub fn list(&self) -> Option<&[Json<'t>]> {
        match self {
            Self::List(list) => Some(list),
            Self::Null | Self::Truth(_) | Self::Whole(_) | Self::Fraction(_) | Self::Text(_) | Self::Object(_) => None,
        }
    }

    /// A number of seconds from the epoch (RFC 7519 §2, NumericDate) or a length of time, not negative.
    pub fn seconds(&self) -> Option<Duration> {
        match self {
            Self::Whole(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Self::Fraction(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Null | Self::Truth(_) | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// Appends the value as JSON. Every comma that separates has a space after it, and those in texts are
    /// written as escapes: whoever splits it at commas finds no piece that passes for a plain value.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Truth(true) => out.push_str("true"),
            Self::Truth(false) => out.push_str("false"),
            Self::Whole(number) => out.push_str(itoa::Buffer::new().format(*number)),
            Self::Fraction(number) => write_plain(number, out),
            Self::Text(text) => write_text(text, out),
            Self::List(list) => {
                out.push('[');
                for (place, item) in list.iter().enumerate() {
                    separate(place, out);
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(object) => object.write(out),
        }
    }
}

/// Writing to a `String` cannot fail.
fn write_plain(value: &impl fmt::Display, out: &mut String) {
    let _ = write!(out, "{value}");
}

fn separate(place: usize, out: &mut String) {
    if place > 0 {
        out.push_str(", ");
    }
}

fn write_text(text: &str, out: &mut String) {
    quote_with(text, out, |character, out| match character {
        ',' => out.push_str("\\u002c"),
        plain => out.push(plain),
    });
}

/// Appends a text as JSON, with the escapes that RFC 8259 §7 demands and no others.
pub fn quote(text: &str, out: &mut String) {
    quote_with(text, out, |plain, out| out.push(plain));
}

fn quote_with(text: &str, out: &mut String, plain: impl Fn(char, &mut String)) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\u{1f}' => write_plain(&format_args!("\\u{:04x}", u32::from(character)), out),
            other => plain(other, out),
        }
    }
    out.push('"');
}

/// Reads a value of which `levels` more may be nested, and leaves the reason where it refuses.
#[derive(Clone, Copy)]
struct Seed<'r> {
    levels: usize,
    reason: &'r Cell<JsonSyntax>,
}

impl Seed<'_> {
    fn refuse<E: serde::de::Error>(self, reason: JsonSyntax) -> E {
        self.reason.set(reason);
        E::custom("refused")
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| self.refuse(JsonSyntax::TooDeep))?;
        Ok(Self { levels, ..self })
    }
}

impl<'t> DeserializeSeed<'t> for Seed<'_> {
    type Value = Json<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Json<'t>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Seed<'_> {
    type Value = Json<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'t>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json<'t>, E> {
        Ok(Json::Truth(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'t>, E> {
        Ok(Json::Whole(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Json<'t>, E> {
        i64::try_from(number).map(Json::Whole).map_err(|_| self.refuse(JsonSyntax::Number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Json<'t>, E> {
        if number.abs() < MAX_FRACTION { Ok(Json::Fraction(number)) } else { Err(self.refuse(JsonSyntax::Number)) }
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Json<'t>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'t>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<Json<'t>, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Json<'t>, A::Error> {
        let inner = self.deeper()?;
        let mut object = Vec::<(Cow<'t, str>, Json<'t>)>::new();
        while let Some(name) = members.next_key_seed(Name)? {
            if object.iter().any(|(known, _)| *known == name) {
                return Err(self.refuse(JsonSyntax::NameRepeated));
            }
            if object.len() == MAX_MEMBERS {
                return Err(self.refuse(JsonSyntax::TooManyMembers));
            }
            object.push((name, members.next_value_seed(inner)?));
        }
        Ok(Json::Object(Object(object)))
    }
}

/// Reads the name of a member.
struct Name;

impl<'t> DeserializeSeed<'t> for Name {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Name {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'t str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json(…)")
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Display for JsonSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "not UTF-8",
            Self::Grammar => "not JSON",
            Self::NotAnObject => "not a JSON object",
            Self::NameRepeated => "JSON in which a name stands twice",
            Self::TooDeep => "JSON that is nested too deeply",
            Self::TooManyMembers => "JSON with too many members in one object",
            Self::Number => "JSON with a number that cannot be held exactly",
        })
    }
}

impl std::error::Error for JsonSyntax {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> Option<JsonSyntax> {
        read_object(text.as_bytes()).err()
    }

    #[test]
    fn an_object_is_read_in_order() {
        let object = read_object(br#" {"b":"x","a":[1,-2,true,null,0.5],"\u0063":{"d":"\ud83d\ude00"}} "#).unwrap();
        assert_eq!(object.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(object.text("b"), Ok(Some("x")));
        assert_eq!(object.text("a"), Err(NotText));
        assert_eq!(object.text("B"), Ok(None));
        let list = [Json::Whole(1), Json::Whole(-2), Json::Truth(true), Json::Null, Json::Fraction(0.5)];
        assert!(object.member("a").unwrap().list() == Some(&list));
        assert_eq!(object.member("c").unwrap().object().unwrap().text("d"), Ok(Some("😀")));
    }

    #[test]
    fn plain_texts_are_borrowed() {
        let object = read_object(br#"{"a":"plain","b":"\u0041"}"#).unwrap();
        assert!(matches!(object.member("a"), Some(Json::Text(Cow::Borrowed("plain")))));
        assert!(matches!(object.member("b"), Some(Json::Text(Cow::Owned(text))) if text == "A"));
    }

    #[test]
    fn names_stand_once_at_every_level_and_however_written() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"x":{"a":1,"b":2,"a":3}}"#, r#"{"x":[{"":1,"":2}]}"#] {
            assert_eq!(reason(text), Some(JsonSyntax::NameRepeated), "{text}");
        }
        assert_eq!(reason(r#"{"a":{"a":1},"A":2}"#), None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "}",
            "{}x",
            "{} {}",
            "{a:1}",
            "{'a':1}",
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":+1}"#,
            r#"{"a":.5}"#,
            r#"{"a":1.}"#,
            r#"{"a":NaN}"#,
            r#"{"a":"\x"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"\ud800"}"#,
            r#"{"a" 1}"#,
            "\u{feff}{}",
            "{}\0",
            "/**/{}",
            r#"{"a":[1 2]}"#,
        ] {
            assert_eq!(reason(text), Some(JsonSyntax::Grammar), "{text:?}");
        }
        for text in ["[]", "1", "null", "\"a\"", "[{}]"] {
            assert_eq!(reason(text), Some(JsonSyntax::NotAnObject), "{text:?}");
        }
        assert_eq!(read_object(b"{\"a\":\"\xc0\xaf\"}").err(), Some(JsonSyntax::Utf8));
        assert_eq!(read_object(b"{\"a\":\"\xed\xa0\x80\"}").err(), Some(JsonSyntax::Utf8));
    }

    #[test]
    fn bounds_are_exact() {
        let nested = |levels: usize| format!("{}{}", "{\"a\":".repeat(levels - 1) + "{}", "}".repeat(levels - 1));
        assert_eq!(reason(&nested(MAX_NESTING)), None);
        assert_eq!(reason(&nested(MAX_NESTING + 1)), Some(JsonSyntax::TooDeep));
        assert_eq!(reason(&format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))), Some(JsonSyntax::TooDeep));
        let members = |count: usize| format!("{{{}}}", (0..count).map(|name| format!("\"{name}\":0")).collect::<Vec<_>>().join(","));
        assert_eq!(reason(&members(MAX_MEMBERS)), None);
        assert_eq!(reason(&members(MAX_MEMBERS + 1)), Some(JsonSyntax::TooManyMembers));
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        let of = |number: &str| format!("{{\"n\":{number}}}");
        for (text, number) in [
            ("9223372036854775807", Json::Whole(i64::MAX)),
            ("-9223372036854775808", Json::Whole(i64::MIN)),
            ("-0", Json::Fraction(0.0)),
            ("1e3", Json::Fraction(1000.0)),
        ] {
            assert!(read_object(of(text).as_bytes()).unwrap().member("n") == Some(&number), "{text}");
        }
        for text in ["9223372036854775808", "18446744073709551616", "-9223372036854775809", "9007199254740992.0", "-1e16"] {
            assert_eq!(reason(&of(text)), Some(JsonSyntax::Number), "{text}");
        }
        assert_eq!(reason(&of("1e400")), Some(JsonSyntax::Grammar));
    }

    #[test]
    fn times_are_whole_or_fractional_and_never_negative() {
        assert_eq!(Json::Whole(7).seconds(), Some(Duration::from_secs(7)));
        assert_eq!(Json::Fraction(1.5).seconds(), Some(Duration::from_millis(1500)));
        for wrong in [Json::Whole(-1), Json::Fraction(-0.5), Json::Text("7".into()), Json::Null, Json::Truth(true)] {
            assert_eq!(wrong.seconds(), None);
        }
    }

    #[test]
    fn no_piece_between_commas_passes_for_a_value() {
        let object = read_object(br#"{"a":["x,admin,y",[1,5,2]],"b":{"c":"admin"}}"#).unwrap();
        let mut text = String::new();
        object.write(&mut text);
        assert_eq!(text, r#"{"a":["x\u002cadmin\u002cy", [1, 5, 2]], "b":{"c":"admin"}}"#);
        assert!(!text.split(',').any(|piece| ["admin", "5"].contains(&piece)));
        assert!(read_object(text.as_bytes()).unwrap() == object);
    }

    #[test]
    fn values_do_not_print() {
        let object = read_object(br#"{"k":"secret"}"#).unwrap();
        assert_eq!(format!("{object:?} {:?}", object.member("k")), r#"{"k"} Some(Json(…))"#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in ".{0,8}", text in ".{0,16}", number in any::<i64>()) {
            let object = Object(vec![(name.into(), Json::List(vec![Json::Text(text.clone().into()), Json::Whole(number)]))]);
            let mut written = String::new();
            object.write(&mut written);
            prop_assert!(read_object(written.as_bytes()).unwrap() == object);
            let mut quoted = String::from("{\"t\":");
            quote(&text, &mut quoted);
            quoted.push('}');
            let object = read_object(quoted.as_bytes()).unwrap();
            prop_assert_eq!(object.text("t"), Ok(Some(text.as_str())));
        }

        #[test]
        fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(any::<u8>(), 0..64), text in "[{}\\[\\]\",:0-9a-e\\\\u.+-]{0,64}") {
            let _ = read_object(&octets);
            let _ = read_object(text.as_bytes());
        }
    }
}
