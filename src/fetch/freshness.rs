//! How long a document may be remembered, as its sender states it (RFC 9111 §4.2, §5.2.2).

use http::header::{AGE, CACHE_CONTROL, HeaderMap};

/// For how long the sender vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The sender does not say.
    Unstated,
    /// So many seconds from now; 0 where nothing may be remembered.
    Seconds(u64),
}

impl Freshness {
    /// The seconds for which a document is remembered where `limit` is the most.
    pub const fn within(self, limit: u64) -> u64 {
        match self {
            Self::Seconds(seconds) if seconds < limit => seconds,
            Self::Unstated | Self::Seconds(_) => limit,
        }
    }

    /// What the fields of an answer state; of several statements the least.
    pub(super) fn stated(fields: &HeaderMap) -> Self {
        let mut least = Self::Unstated;
        for value in fields.get_all(CACHE_CONTROL) {
            // What cannot be read might have forbidden it.
            let Ok(text) = value.to_str() else { return Self::Seconds(0) };
            for directive in text.split(',') {
                if let Self::Seconds(seconds) = directive_freshness(directive.trim()) {
                    least = Self::Seconds(least.within(seconds));
                }
            }
        }
        match least {
            Self::Unstated => Self::Unstated,
            Self::Seconds(seconds) => Self::Seconds(seconds.saturating_sub(age(fields))),
        }
    }
}

fn directive_freshness(directive: &str) -> Freshness {
    let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
    let name = name.trim();
    let is = |known: &&str| name.eq_ignore_ascii_case(known);
    if ["no-store", "no-cache", "private"].iter().any(is) {
        return Freshness::Seconds(0);
    }
    if ["max-age", "s-maxage"].iter().any(is) {
        return Freshness::Seconds(seconds(argument.trim().trim_matches('"')));
    }
    Freshness::Unstated
}

/// Digits; more than fits is as good as the most, anything else is as good as nothing (RFC 9111 §1.2.2, §4.2.1).
fn seconds(text: &str) -> u64 {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if digits { text.parse().unwrap_or(u64::MAX) } else { 0 }
}

fn age(fields: &HeaderMap) -> u64 {
    fields.get(AGE).and_then(|value| value.to_str().ok()).map(|text| seconds(text.trim())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn stated(fields: &[(http::HeaderName, &'static str)]) -> Freshness {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name, HeaderValue::from_static(value));
        }
        Freshness::stated(&map)
    }

    #[test]
    fn the_least_of_all_statements_counts() {
        assert_eq!(stated(&[]), Freshness::Unstated);
        assert_eq!(stated(&[(CACHE_CONTROL, "public, must-revalidate")]), Freshness::Unstated);
        assert_eq!(stated(&[(CACHE_CONTROL, "public, Max-Age=60")]), Freshness::Seconds(60));
        assert_eq!(stated(&[(CACHE_CONTROL, "max-age=60,s-maxage=\"5\"")]), Freshness::Seconds(5));
        assert_eq!(stated(&[(CACHE_CONTROL, "max-age=60"), (CACHE_CONTROL, "max-age=7")]), Freshness::Seconds(7));
        assert_eq!(stated(&[(CACHE_CONTROL, "max-age=99999999999999999999")]), Freshness::Seconds(u64::MAX));
    }

    #[test]
    fn what_forbids_or_cannot_be_read_leaves_nothing() {
        for value in ["no-store", "max-age=60, No-Cache", "private", "max-age=", "max-age=-1", "max-age=x", "max-age"] {
            assert_eq!(stated(&[(CACHE_CONTROL, value)]), Freshness::Seconds(0), "{value}");
        }
        let mut map = HeaderMap::new();
        map.append(CACHE_CONTROL, HeaderValue::from_bytes(b"max-age=60\xff").unwrap());
        assert_eq!(Freshness::stated(&map), Freshness::Seconds(0));
    }

    #[test]
    fn what_somebody_remembered_before_us_is_older() {
        assert_eq!(stated(&[(CACHE_CONTROL, "max-age=60"), (AGE, "50")]), Freshness::Seconds(10));
        assert_eq!(stated(&[(CACHE_CONTROL, "max-age=60"), (AGE, "61")]), Freshness::Seconds(0));
        assert_eq!(stated(&[(AGE, "61")]), Freshness::Unstated);
    }

    #[test]
    fn a_limit_is_never_exceeded() {
        assert_eq!(Freshness::Unstated.within(60), 60);
        assert_eq!(Freshness::Seconds(61).within(60), 60);
        assert_eq!(Freshness::Seconds(0).within(60), 0);
    }
}
