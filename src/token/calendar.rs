//! Dates in claims and settings, and how old somebody is on a given day.

use crate::clock::UnixTime;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// The oldest age that is believed, in years. A birth date before that is a default of some program
/// (such as 0001-01-01), not somebody's birthday.
const OLDEST: i16 = 150;

/// Reads an RFC 3339 date or date-time as a moment. A date is its midnight, and what has no offset is UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    match (date_part(text)?, text.get(DATE_LENGTH..)?) {
        (date, "") => in_utc(date.to_datetime(jiff::civil::Time::midnight())),
        (_, rest) if is_time(rest) => text.parse::<Timestamp>().ok().or_else(|| in_utc(text.parse::<DateTime>().ok()?)),
        _ => None,
    }
}

/// How old somebody is who was born on the date that `birth` begins with, in full years, on the day of
/// `now` in UTC. Who was born on 29 February has the birthday on 1 March in a common year, so that
/// nobody counts as older too early. Nothing for what is not a date or not a believable age.
pub(super) fn full_years(birth: &str, now: UnixTime) -> Option<i16> {
    moment(birth)?;
    let (birth, today) = (date_part(birth)?, today(now)?);
    let years = today.year().checked_sub(birth.year())?;
    let birthday_is_ahead = (today.month(), today.day()) < (birth.month(), birth.day());
    let age = years.checked_sub(i16::from(birthday_is_ahead))?;
    (0..=OLDEST).contains(&age).then_some(age)
}

/// Reads an RFC 3339 date-time in UTC, `T` and `Z` as capitals, as the second that it falls into. A
/// fraction has one to nine digits. Leap seconds and times before 1970 are none that we can name.
pub fn utc_moment(text: &str) -> Option<UnixTime> {
    let date = date_part(text)?;
    let (time, fraction) = text.get(DATE_LENGTH..)?.strip_prefix('T')?.strip_suffix('Z')?.split_at_checked(TIME_LENGTH)?;
    let seconds = in_utc(date.to_datetime(clock_part(time)?))?.as_second();
    if is_fraction(fraction) { u64::try_from(seconds).ok().map(UnixTime::from_seconds) } else { None }
}

/// Writes a moment as [`utc_moment`] reads it; nothing for times after the year 9999.
pub fn utc_text(time: UnixTime) -> Option<String> {
    let time = Timestamp::from_second(i64::try_from(time.seconds()).ok()?).ok()?;
    Some(time.to_string())
}

fn clock_part(text: &str) -> Option<Time> {
    let [h, i, b':', m, n, b':', s, t] = *text.as_bytes() else { return None };
    let number = |tens: u8, ones: u8| {
        let both = tens.is_ascii_digit() && ones.is_ascii_digit();
        if both { i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok() } else { None }
    };
    Time::new(number(h, i)?, number(m, n)?, number(s, t)?, 0).ok()
}

fn is_fraction(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('.') else { return text.is_empty() };
    (1..=9).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit())
}

const TIME_LENGTH: usize = "00:00:00".len();
const DATE_LENGTH: usize = "0000-00-00".len();

fn date_part(text: &str) -> Option<Date> {
    let date = text.get(..DATE_LENGTH)?;
    let shaped = date.bytes().enumerate().all(|(place, octet)| match place {
        4 | 7 => octet == b'-',
        _ => octet.is_ascii_digit(),
    });
    if shaped { date.parse().ok() } else { None }
}

/// RFC 3339 has `T` and a time with seconds; annotations of later standards are not taken.
fn is_time(rest: &str) -> bool {
    let [b'T' | b't', time @ ..] = rest.as_bytes() else { return false };
    let shaped = time.get(..8).is_some_and(|clock| {
        clock.iter().enumerate().all(|(place, octet)| match place {
            2 | 5 => *octet == b':',
            _ => octet.is_ascii_digit(),
        })
    });
    shaped && time.iter().all(|octet| octet.is_ascii_digit() || b":.+-Zz".contains(octet))
}

fn in_utc(time: DateTime) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(time).ok()
}

fn today(now: UnixTime) -> Option<Date> {
    let now = Timestamp::from_second(i64::try_from(now.seconds()).ok()?).ok()?;
    Some(Offset::UTC.to_datetime(now).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixTime {
        UnixTime::from_seconds(moment(text).unwrap().as_second().try_into().unwrap())
    }

    #[test]
    fn dates_and_times_are_moments() {
        assert_eq!(moment("1970-01-02").unwrap().as_second(), 86_400);
        assert_eq!(moment("1979-05-25T00:00:00").unwrap().as_second(), 296_438_400);
        assert_eq!(moment("1979-05-25T02:00:00+02:00"), moment("1979-05-25T00:00:00Z"));
        assert_eq!(moment("1979-05-25T00:00:00.000Z"), moment("1979-05-25"));
    }

    #[test]
    fn other_texts_are_no_moments() {
        let wrong = [
            "",
            "1979",
            "19790525",
            "1979-5-25",
            "1979-13-01",
            "1979-02-29",
            "1979-05-25T",
            "1979-05-25 00:00:00",
            "+001979-05-25",
            "1979-05-25T25:00:00",
            "1979-05-25T00:00:00[Europe/Berlin]",
            "1979-05-25x",
            "25.05.1979",
            "１979-05-25",
            "1979-05-25T00",
        ];
        for text in wrong {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn moments_in_utc_have_one_form() {
        let read = |text| utc_moment(text).map(UnixTime::seconds);
        assert_eq!(read("2009-05-14T12:00:00Z"), Some(1_242_302_400));
        assert_eq!(read("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(read("2009-05-14T12:00:00.9Z"), Some(1_242_302_400));
        assert_eq!(read("2009-05-14T12:00:00.999999999Z"), Some(1_242_302_400));
        assert_eq!(read("9999-12-30T12:00:00Z"), Some(253_402_171_200));
        for wrong in [
            "",
            "Z",
            "2009-05-14",
            "2009-05-14T12:00:00",
            "2009-05-14T12:00:00z",
            "2009-05-14t12:00:00Z",
            "2009-05-14 12:00:00Z",
            "2009-05-14T12:00:00+00:00",
            "2009-05-14T12:00Z",
            "2009-05-14T12:00:00.Z",
            "2009-05-14T12:00:00,5Z",
            "2009-05-14T12:00:00.1234567890Z",
            "2009-05-14T12:00:60Z",
            "2009-05-14T24:00:00Z",
            "2009-02-29T12:00:00Z",
            "2009-05-14T+2:00:00Z",
            "2009-05-14T12:00:00ZZ",
            "1969-12-31T23:59:59Z",
            "-2009-05-14T12:00:00Z",
            "2009-05-14T12:00:0０Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn moments_are_written_as_they_are_read() {
        for text in ["2009-05-14T12:00:00Z", "1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z"] {
            assert_eq!(utc_moment(text).and_then(utc_text).as_deref(), Some(text));
        }
        assert_eq!(utc_text(UnixTime::from_seconds(u64::MAX)), None);
    }

    #[test]
    fn birthdays_begin_at_midnight_utc() {
        let birth = "1979-05-25T00:00:00";
        assert_eq!(full_years(birth, at("2000-05-24T23:59:59")), Some(20));
        assert_eq!(full_years(birth, at("2000-05-25")), Some(21));
        assert_eq!(full_years(birth, at("2000-05-26")), Some(21));
        assert_eq!(full_years(birth, at("2001-05-24")), Some(21));
    }

    #[test]
    fn leap_day_children_wait_until_march() {
        assert_eq!(full_years("1988-02-29", at("2009-02-28")), Some(20));
        assert_eq!(full_years("1988-02-29", at("2009-03-01")), Some(21));
        assert_eq!(full_years("1988-02-29", at("2008-02-29")), Some(20));
        assert_eq!(full_years("1988-03-01", at("2008-02-29")), Some(19));
    }

    #[test]
    fn unbelievable_births_have_no_age() {
        assert_eq!(full_years("0001-01-01T00:00:00", at("2026-01-01")), None);
        assert_eq!(full_years("2030-01-01", at("2026-01-01")), None);
        assert_eq!(full_years("2026-01-01", at("2026-01-01")), Some(0));
        assert_eq!(full_years("1979-02-30", at("2026-01-01")), None);
        assert_eq!(full_years("1979-05-25T99:00:00", at("2026-01-01")), None);
    }
}
