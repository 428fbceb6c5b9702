//! Exact decimal numbers, since a binary fraction may decide wrongly at the very edge of a rule.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Digits after the point that are kept; more are refused, not rounded.
const FRACTION_DIGITS: usize = 9;
/// Digits before the point.
const WHOLE_DIGITS: usize = 20;

/// A number of at most 20 digits before and 9 digits after the point, in units of 10⁻⁹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

impl Decimal {
    /// Reads `18`, `-3` or `0.25`: no sign `+`, no exponent, no space, no infinity.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (digits, ""),
        };
        if whole.is_empty() || whole.len() > WHOLE_DIGITS || fraction.len() > FRACTION_DIGITS {
            return None;
        }
        let padding = std::iter::repeat_n(b'0', FRACTION_DIGITS.saturating_sub(fraction.len()));
        let units = whole.bytes().chain(fraction.bytes()).chain(padding).try_fold(0_i128, append_digit)?;
        Some(Self(if negative { units.checked_neg()? } else { units }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>width$}", self.0.unsigned_abs(), width = FRACTION_DIGITS + 1);
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(FRACTION_DIGITS));
        let sign = if self.0 < 0 { "-" } else { "" };
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

fn append_digit(number: i128, digit: u8) -> Option<i128> {
    if !digit.is_ascii_digit() {
        return None;
    }
    number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number such as 18 or 0.25, with at most 9 digits after the point")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        Decimal::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_exact() {
        let number = |text| Decimal::parse(text).unwrap();
        assert!(number("9007199254740993") > number("9007199254740992"));
        assert!(number("0.3") > number("0.299999999"));
        assert!(number("-1") < number("-0.999999999"));
        assert_eq!(number("18"), number("018.0"));
        assert_eq!(number("-0"), number("0"));
    }

    #[test]
    fn anything_but_a_plain_number_is_refused() {
        for text in ["", "-", "+1", "1.", ".5", "1e3", "NaN", "inf", " 1", "1 ", "0x10", "1,5", "--1", "0.1234567890", "١"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(21)), None);
        assert!(Decimal::parse(&"9".repeat(20)).is_some());
    }

    #[test]
    fn a_number_is_written_as_it_would_be_read() {
        for text in ["0", "18", "-3", "0.25", "-0.000000001", "99999999999999999999.999999999"] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Decimal::parse("018.50").unwrap().to_string(), "18.5");
    }

    #[test]
    fn settings_take_numbers() {
        let read = |json| serde_json::from_str::<Decimal>(json).ok();
        assert_eq!(read("18"), Decimal::parse("18"));
        assert_eq!(read("0.25"), Decimal::parse("0.25"));
        assert_eq!(read("-3"), Decimal::parse("-3"));
        assert_eq!(read("true"), None);
    }
}
