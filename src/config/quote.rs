//! Words of the file inside a message: on one line, without control characters, not too long.

/// The most characters of a value that a message repeats.
const SHOWN: usize = 80;

/// The text between backquotes.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", one_line(text, SHOWN))
}

/// The text with its control characters escaped, cut after `most` characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(most) {
        if character.is_control() || is_invisible(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

/// Line separators and marks that turn the direction of writing would let a value forge a report.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_on_one_line() {
        assert_eq!(quoted("a\nb\t\u{1b}[31m\u{202e}é"), "`a\\nb\\t\\u{1b}[31m\\u{202e}é`");
        assert_eq!(quoted(""), "``");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(one_line(&"é".repeat(81), 80), format!("{}…", "é".repeat(80)));
        assert_eq!(one_line(&"é".repeat(80), 80), "é".repeat(80));
    }
}
