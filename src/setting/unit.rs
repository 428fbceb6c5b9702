//! Quantities with their unit: periods such as `30s` and sizes such as `64KiB`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A length of time, written as digits and one of `ms`, `s`, `m`, `h`, `d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

/// A [`Period`] that is longer than nothing: how long somebody is waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout(Period);

/// A number of octets, written as digits and nothing, `B`, `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl Period {
    /// A period of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A period of milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The period for timers.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Reads `30s`, `500ms`, `5m`, `12h` or `7d`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_number(text)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(millis).map(Self::from_millis)
    }
}

impl Timeout {
    /// A timeout of whole seconds; none at all does not compile.
    pub const fn of_secs<const SECONDS: u64>() -> Self {
        const { assert!(SECONDS > 0, "a timeout is longer than nothing") };
        Self(Period::from_secs(SECONDS))
    }

    /// The period for timers.
    pub const fn duration(self) -> Duration {
        self.0.duration()
    }
}

impl From<Timeout> for Period {
    fn from(timeout: Timeout) -> Self {
        timeout.0
    }
}

impl ByteSize {
    /// A size in octets.
    pub const fn from_octets(octets: u64) -> Self {
        Self(octets)
    }

    /// A size in KiB (1,024 octets).
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1 << 10))
    }

    /// A size in MiB (1,048,576 octets).
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// The size in octets.
    pub const fn octets(self) -> u64 {
        self.0
    }

    /// The size as an in-memory length; sizes beyond the address space stop at its end.
    pub fn length(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads `512`, `512B`, `64KiB`, `8MiB` or `1GiB`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_number(text)?;
        let octets = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(octets).map(Self)
    }
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit))
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodVisitor)
    }
}

impl<'de> Deserialize<'de> for Timeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeoutVisitor)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct PeriodVisitor;

impl Visitor<'_> for PeriodVisitor {
    type Value = Period;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a period such as 500ms, 30s, 5m, 12h or 7d")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Period, E> {
        Period::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct TimeoutVisitor;

impl Visitor<'_> for TimeoutVisitor {
    type Value = Timeout;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a period longer than nothing, such as 500ms, 30s or 5m")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timeout, E> {
        let period = Period::parse(text).filter(|period| !period.duration().is_zero());
        period.map(Timeout).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 512B, 64KiB, 8MiB or 1GiB")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ByteSize, E> {
        ByteSize::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, octets: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(octets))
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$", "description": "A length of time: 500ms, 30s, 5m, 12h, 7d" })
    }
}

impl JsonSchema for Timeout {
    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0*[1-9][0-9]*(ms|s|m|h|d)$", "description": "A length of time longer than nothing: 500ms, 30s, 5m" })
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "minimum": 0, "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$", "description": "A number of octets: 512B, 64KiB, 8MiB, 1GiB" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_units() {
        assert_eq!(Period::parse("500ms").unwrap().duration(), Duration::from_millis(500));
        assert_eq!(Period::parse("12h"), Some(Period::from_secs(43_200)));
        for wrong in ["", "5", "s", "5 s", "-5s", "5S", "1.5s", "99999999999999999999d"] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_timeout_is_longer_than_nothing() {
        let read = |text: &str| serde_json::from_value::<Timeout>(text.into());
        assert_eq!(read("60s").unwrap(), Timeout::of_secs::<60>());
        assert_eq!(read("1ms").unwrap().duration(), Duration::from_millis(1));
        for wrong in ["0s", "0ms", "00d", "", "5"] {
            let problem = read(wrong).unwrap_err().to_string();
            assert!(problem.contains("a period longer than nothing"), "{problem}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(ByteSize::parse("64KiB"), Some(ByteSize::from_kib(64)));
        assert_eq!(ByteSize::parse("512").unwrap().octets(), 512);
        for wrong in ["", "5KB", "k", "5 MiB", "-1"] {
            assert_eq!(ByteSize::parse(wrong), None, "{wrong}");
        }
    }
}
