//! Text from outside as it may stand in a log line: bounded, escaped, and never a token.

use crate::clock::UnixTime;
use std::fmt::{self, Write as _};
use std::io;
use std::time::Duration;
use tracing::field::{DisplayValue, display};

/// The most octets of one text from a caller or a token that a line repeats.
const MAX_TEXT: usize = 1024;

/// The length of a token's fingerprint, in hexadecimal digits.
const FINGERPRINT: usize = 16;

/// The text, or nothing when it is empty, so that a line has no empty fields.
pub(super) fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A path without query or fragment, should the caller have left one on it.
pub(super) fn bare_path(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Octets from outside: at most [`MAX_TEXT`] of them, and those that are not UTF-8 as `\xNN`.
pub(super) struct Outside<'a>(&'a [u8]);

impl<'a> Outside<'a> {
    /// The octets, or nothing when there are none.
    pub(super) fn present(octets: &'a [u8]) -> Option<DisplayValue<Self>> {
        (!octets.is_empty()).then(|| display(Self(octets)))
    }
}

impl fmt::Display for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..MAX_TEXT).unwrap_or(self.0);
        for chunk in shown.utf8_chunks() {
            f.write_str(chunk.valid())?;
            chunk.invalid().iter().try_for_each(|octet| write!(f, "\\x{octet:02x}"))?;
        }
        if shown.len() < self.0.len() { f.write_char('…') } else { Ok(()) }
    }
}

/// A token's fingerprint; whatever is not one is left out, so that no token can take its place.
pub(super) struct Fingerprint<'a>(pub(super) &'a dyn fmt::Display);

impl Fingerprint<'_> {
    /// The fingerprint as the value of a field.
    pub(super) fn shown(self) -> DisplayValue<Self> {
        display(self)
    }
}

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = Digits::default();
        match write!(digits, "{}", self.0) {
            Ok(()) => digits.text().map_or(Ok(()), |text| f.write_str(text)),
            Err(fmt::Error) => f.write_str("withheld"),
        }
    }
}

/// Takes lower-case hexadecimal digits up to the length of a fingerprint and nothing else.
#[derive(Default)]
struct Digits {
    octets: [u8; FINGERPRINT],
    length: usize,
}

impl Digits {
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.octets.get(..self.length)?).ok()
    }
}

impl fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.saturating_add(text.len());
        let free = self.octets.get_mut(self.length..end).ok_or(fmt::Error)?;
        if !text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(fmt::Error);
        }
        free.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A moment since the epoch, in UTC as RFC 3339 has it, with as many fractional digits as asked for.
pub(super) struct Moment(pub(super) Duration);

impl From<UnixTime> for Moment {
    fn from(time: UnixTime) -> Self {
        Self(Duration::from_secs(time.seconds()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = jiff::SignedDuration::try_from(self.0).unwrap_or(jiff::SignedDuration::MAX);
        let moment = jiff::Timestamp::from_duration(since).unwrap_or(jiff::Timestamp::MAX);
        fmt::Display::fmt(&moment, f)
    }
}

/// Writes lines of JSON so that no terminal acts on them: JSON's own escapes leave DEL, the C1 controls
/// and the characters that reorder or hide text as they are; here they become `\uNNNN`, too.
#[derive(Clone, Debug)]
pub(super) struct Escaping<W>(pub(super) W);

impl<W: io::Write> io::Write for Escaping<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.iter().all(|octet| matches!(octet, b' '..=b'~' | b'\n')) {
            self.0.write_all(line)?;
        } else {
            self.0.write_all(escaped(&String::from_utf8_lossy(line)).as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len().saturating_mul(2));
    for character in line.chars() {
        if is_active(character) {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().for_each(|unit| push_unit(&mut text, *unit));
        } else {
            text.push(character);
        }
    }
    text
}

/// Escapes one unit of UTF-16 (RFC 8259 §7).
fn push_unit(text: &mut String, unit: u16) {
    text.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        text.extend(char::from_digit(u32::from(unit >> shift) & 0xf, 16));
    }
}

/// Whether a character does something other than being seen.
fn is_active(character: char) -> bool {
    match character {
        '\n' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn written(line: &str) -> String {
        let mut writer = Escaping(Vec::new());
        writer.write_all(line.as_bytes()).unwrap();
        String::from_utf8(writer.0).unwrap()
    }

    #[test]
    fn what_terminals_act_on_is_escaped() {
        assert_eq!(written("{\"a\":\"plain\"}\n"), "{\"a\":\"plain\"}\n");
        assert_eq!(written("Jürgen"), "Jürgen");
        assert_eq!(written("\u{9b}31m \u{7f} \u{202e}"), "\\u009b31m \\u007f \\u202e");
        assert_eq!(written("\u{1b}]0;x\r\u{7}"), "\\u001b]0;x\\u000d\\u0007");
        assert_eq!(written("\u{e0041}"), "\\udb40\\udc41");
    }

    #[test]
    fn escapes_keep_the_value() {
        let value = "\u{9b}\u{7f}\u{2028}\u{e0041}ü";
        let line = written(&serde_json::to_string(value).unwrap());
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), value);
    }

    #[test]
    fn octets_that_are_no_text_are_shown() {
        assert_eq!(Outside(b"a\xffb\xc3\xa4").to_string(), "a\\xffbä");
        let long = vec![b'a'; MAX_TEXT + 1];
        let shown = Outside(&long).to_string();
        assert_eq!(shown.strip_suffix('…').map(str::len), Some(MAX_TEXT));
        assert_eq!(Outside(&long[1..]).to_string().len(), MAX_TEXT);
    }

    #[test]
    fn only_a_fingerprint_passes_for_one() {
        assert_eq!(Fingerprint(&"0123456789abcdef").to_string(), "0123456789abcdef");
        assert_eq!(Fingerprint(&format_args!("{:02x}{:02x}", 1, 255)).to_string(), "01ff");
        for other in ["0123456789abcdef0", "ABCDEF", "Issuer=x&HMACSHA256=y", "a b"] {
            assert_eq!(Fingerprint(&other).to_string(), "withheld", "{other}");
        }
    }

    #[test]
    fn moments_are_rfc_3339() {
        assert_eq!(Moment::from(UnixTime::from_seconds(1_700_000_000)).to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(format!("{:.6}", Moment(Duration::from_micros(1_700_000_000_000_042))), "2023-11-14T22:13:20.000042Z");
        assert_eq!(format!("{:.3}", Moment(Duration::MAX)), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn a_path_has_no_query() {
        assert_eq!(bare_path("/a/b?wrap_access_token=x"), "/a/b");
        assert_eq!(bare_path("/a#b?c"), "/a");
        assert_eq!(bare_path("/a"), "/a");
    }
}
