//! Texts on their way to a person: printed whole, countable, and unable to control the terminal.

use super::failure::Failure;
use crate::clock::UnixTime;
use jiff::Timestamp;
use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// The largest text that a command reads, in octets.
const MAX_TEXT: u64 = 1 << 20;

/// Writes to standard output. Somebody who has read enough and closed it (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}").into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a line to standard error, if anybody is there to read it.
pub(super) fn remark(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The content of a file, or of standard input for `-`: at most 1 MiB of UTF-8. It wipes itself.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let outcome = if path == Path::new("-") {
        bounded(io::stdin().lock(), &mut text)
    } else {
        std::fs::File::open(path).and_then(|file| bounded(file, &mut text))
    };
    match outcome {
        Ok(()) => Ok(text),
        Err(error) if path == Path::new("-") => Err(format!("standard input: {error}").into()),
        Err(error) => Err(format!("{}: {error}", shown(path)).into()),
    }
}

/// The name of a file, unless it is so long that it is rather what should stand in one: a token is not repeated.
fn shown(path: &Path) -> Cow<'_, str> {
    /// Longer than names of files may be on most systems.
    const LONGEST: usize = 255;
    let is_name = path.file_name().is_none_or(|name| name.len() <= LONGEST);
    if is_name { path.to_string_lossy() } else { Cow::Borrowed("an argument that is no name of a file (not shown)") }
}

fn bounded(source: impl Read, text: &mut String) -> io::Result<()> {
    let length = source.take(MAX_TEXT + 1).read_to_string(text)?;
    let too_long = u64::try_from(length).unwrap_or(u64::MAX) > MAX_TEXT;
    if too_long { Err(io::Error::other("more than 1 MiB")) } else { Ok(()) }
}

/// `1 route`, `2 routes`.
pub(super) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// The text with every control character written out, since a terminal would obey it.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_active(c) { c.escape_default().to_string() } else { c.to_string() }).collect())
}

/// Control characters, and those that turn the direction of the text around them.
fn is_active(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A moment as RFC 3339 writes it; as seconds where the calendar ends.
pub(super) fn date(time: UnixTime) -> String {
    let timestamp = i64::try_from(time.seconds()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| format!("{} s after 1970", time.seconds()), |timestamp| timestamp.to_string())
}

/// A length of time in its largest unit, for people: `3 days`.
pub(super) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] = [(31_556_952, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fitting = UNITS.iter().find(|(length, _)| seconds >= *length).unwrap_or(&(1, "second"));
    let (length, unit) = fitting;
    count(usize::try_from(seconds / length).unwrap_or(usize::MAX), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_of_a_file_is_not_repeated() {
        let told = |path: &str| match read(Path::new(path)) {
            Ok(_) => panic!("there is no such file"),
            Err(failure) => format!("{failure:?}"),
        };
        assert!(told("/nonexistent/file").contains("/nonexistent/file"));
        let token = format!("eyJ.{}.x", "secret".repeat(60));
        assert!(!told(&token).contains("secret"), "{}", told(&token));
    }

    #[test]
    fn terminals_are_not_controlled() {
        assert_eq!(printable("Jane Doe, 21"), "Jane Doe, 21");
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
        assert_eq!(printable("Zoë"), "Zoë");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([count(0, "route"), count(1, "route"), count(2, "route")], ["0 routes", "1 route", "2 routes"]);
    }

    #[test]
    fn moments_and_spans_read_well() {
        assert_eq!(date(UnixTime::from_seconds(1_269_265_004)), "2010-03-22T13:36:44Z");
        assert!(date(UnixTime::from_seconds(u64::MAX)).ends_with("after 1970"));
        assert_eq!(
            [span(0), span(59), span(60), span(7200), span(86_400 * 3)],
            ["0 seconds", "59 seconds", "1 minute", "2 hours", "3 days"]
        );
    }

    #[test]
    fn files_are_read_within_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "x".repeat(1 << 20)).unwrap();
        assert_eq!(read(&file).unwrap().len(), 1 << 20);
        std::fs::write(&file, "x".repeat((1 << 20) + 1)).unwrap();
        assert!(read(&file).is_err());
        assert!(read(&folder.path().join("absent")).is_err());
    }
}
