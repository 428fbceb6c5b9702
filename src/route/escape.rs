//! Percent-encoded octets of a path: what each stands for, and whether it may stand there.

use super::TargetProblem;
use super::target::PathParameters;

/// An escape that may stand in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// It stands for a character that the normal form writes without an escape.
    Needless,
    /// It stays. `octets` are those of the escape, and of those after it that belong to the same
    /// character, from its `%` on.
    Kept {
        /// How many octets of the path it takes.
        octets: usize,
    },
}

/// The octets of one escape.
pub(super) const ESCAPE: usize = 3;

/// Judges the escape whose `%` stands before `after`.
pub(super) fn judge(after: &[u8], parameters: PathParameters) -> Result<Escape, TargetProblem> {
    let octet = decoded(after).ok_or(TargetProblem::MalformedEscape)?;
    let kept = Ok(Escape::Kept { octets: ESCAPE });
    match octet {
        b'/' => Err(TargetProblem::EncodedSlash),
        b'\\' => Err(TargetProblem::EncodedBackslash),
        0..=0x1f | 0x7f => Err(TargetProblem::ControlCharacter),
        b'%' if hides_escape(after) => Err(TargetProblem::DoubleEncoding),
        b';' => parameters.admit().and(kept),
        0x80.. => judge_character(octet, after),
        _ if is_unreserved(octet) => Ok(Escape::Needless),
        _ => kept,
    }
}

/// The octet that the two digits at the start of `after` stand for.
pub(super) fn decoded(after: &[u8]) -> Option<u8> {
    let (&[high, low], _) = after.split_first_chunk()?;
    Some(digit(high)? << 4 | digit(low)?)
}

/// What the normal form has next: an octet and the rest; an escape that stays shows as its `%`,
/// but an encoded `;` as `;`, because origin servers disagree about it.
pub(super) fn upcoming(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (&octet, after) = rest.split_first()?;
    match (octet, decoded(after)) {
        (b'%', Some(meant)) if is_unreserved(meant) || meant == b';' => Some((meant, after.get(2..)?)),
        _ => Some((octet, after)),
    }
}

/// The characters that never need an escape (RFC 3986 §2.3).
pub(super) const fn is_unreserved(octet: u8) -> bool {
    matches!(octet, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~')
}

/// Whether the digits after this `%25` make another escape of it, themselves encoded or not.
fn hides_escape(after: &[u8]) -> bool {
    let first = after.get(2..).and_then(upcoming);
    let second = first.and_then(|(_, rest)| upcoming(rest));
    matches!((first, second), (Some((a, _)), Some((b, _))) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

/// Judges the character of several octets that starts with `lead` (RFC 3629 §3).
fn judge_character(lead: u8, after: &[u8]) -> Result<Escape, TargetProblem> {
    let length = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(TargetProblem::InvalidUtf8),
    };
    let mut octets = [lead, 0, 0, 0];
    let following = after.get(2..).unwrap_or_default().chunks(ESCAPE);
    for (slot, chunk) in octets.iter_mut().take(length).skip(1).zip(following) {
        *slot = chunk.strip_prefix(b"%").and_then(decoded).ok_or(TargetProblem::InvalidUtf8)?;
    }
    let text = octets.get(..length).and_then(|octets| std::str::from_utf8(octets).ok()).ok_or(TargetProblem::InvalidUtf8)?;
    if text.contains(char::is_control) {
        return Err(TargetProblem::ControlCharacter);
    }
    Ok(Escape::Kept { octets: length * ESCAPE })
}

const fn digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(after: &str) -> Result<Escape, TargetProblem> {
        judge(after.as_bytes(), PathParameters::Refuse)
    }

    #[test]
    fn every_octet_alone_has_one_verdict() {
        for octet in 0..=u8::MAX {
            let expected = match octet {
                b'/' => Err(TargetProblem::EncodedSlash),
                b'\\' => Err(TargetProblem::EncodedBackslash),
                b';' => Err(TargetProblem::PathParameter),
                0x80.. => Err(TargetProblem::InvalidUtf8),
                _ if octet.is_ascii_control() => Err(TargetProblem::ControlCharacter),
                _ if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => Ok(Escape::Needless),
                _ => Ok(Escape::Kept { octets: 3 }),
            };
            assert_eq!(judged(&format!("{octet:02x}")), expected, "{octet:02x}");
            assert_eq!(judged(&format!("{octet:02X}/rest")), expected, "{octet:02X}");
        }
    }

    #[test]
    fn characters_of_several_octets_are_taken_whole() {
        assert_eq!(judged("C3%A9x"), Ok(Escape::Kept { octets: 6 }));
        assert_eq!(judged("e2%82%ac"), Ok(Escape::Kept { octets: 9 }));
        assert_eq!(judged("F0%9F%98%80"), Ok(Escape::Kept { octets: 12 }));
    }

    #[test]
    fn octets_that_are_not_utf8_are_refused() {
        for wrong in [
            "80",
            "C3",
            "C3A9",
            "C3%",
            "C3%A",
            "C3%zz",
            "C3x%A9",
            "E2%82",
            "C0%AF",
            "E0%80%AF",
            "F0%80%80%AF",
            "ED%A0%80",
            "F4%90%80%80",
            "FF%FF",
        ] {
            assert_eq!(judged(wrong), Err(TargetProblem::InvalidUtf8), "{wrong}");
        }
        assert_eq!(judged("C2%85"), Err(TargetProblem::ControlCharacter), "a C1 control character");
    }

    #[test]
    fn escapes_without_digits_are_refused() {
        for wrong in ["", "2", "zz", "2g", "%2", "-1", "+1"] {
            assert_eq!(judged(wrong), Err(TargetProblem::MalformedEscape), "{wrong}");
        }
    }

    #[test]
    fn a_percent_sign_may_not_hide_an_escape() {
        for wrong in ["252f", "2500", "25%32%66", "25%32f", "252%46", "25aa"] {
            assert_eq!(judged(wrong), Err(TargetProblem::DoubleEncoding), "{wrong}");
        }
        for fine in ["25", "25/", "252", "25zz", "252/f", "25%20"] {
            assert_eq!(judged(fine), Ok(Escape::Kept { octets: 3 }), "{fine}");
        }
    }
}
