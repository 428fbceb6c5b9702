//! The door of the room: a file, or a text, becomes settings of any type.

use super::decode::Decoded;
use super::report::Report;
use super::{decode as decoding, tree};
use crate::setting::{Environment, Position, Problem};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// The largest configuration file, in octets. 10,000 routes take about 2 MiB.
pub const MAX_CONFIG_FILE: u64 = 64 << 20;

/// Loads the settings in the file at `path`, as far as they can be read.
///
/// # Errors
/// The file cannot be read, or is no YAML.
pub(super) fn load<T: DeserializeOwned>(path: &Path, environment: Environment) -> Result<Decoded<T>, Report> {
    let text = read(path).map_err(|problem| Report::new(path, vec![problem]))?;
    decode_partly(&text, environment).map_err(|problems| Report::new(path, problems))
}

/// Reads a configuration file: UTF-8, at most [`MAX_CONFIG_FILE`] octets. The text wipes itself,
/// since secrets may stand in it.
///
/// # Errors
/// The file cannot be read, or is not such a text.
pub fn read(path: &Path) -> Result<Zeroizing<String>, Problem> {
    let refused = |found: String| Problem::new(Position::new(1, 1), found, "a readable file of UTF-8 text, at most 64 MiB");
    let file = File::open(path).map_err(|error| refused(format!("a file that cannot be opened ({error})")))?;
    let mut content = Zeroizing::new(Vec::new());
    let length = file.take(MAX_CONFIG_FILE + 1).read_to_end(&mut content);
    let length = length.map_err(|error| refused(format!("a file that cannot be read ({error})")))?;
    if u64::try_from(length).unwrap_or(u64::MAX) > MAX_CONFIG_FILE {
        return Err(refused("a larger file".to_owned()));
    }
    String::from_utf8(std::mem::take(&mut *content)).map(Zeroizing::new).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let content = Zeroizing::new(error.into_bytes());
        let before = String::from_utf8_lossy(content.get(..valid).unwrap_or_default());
        Problem::new(end_of(&before), "octets that are not UTF-8", "UTF-8 text")
    })
}

/// Decodes settings from YAML.
///
/// # Errors
/// Every problem of the text, sorted by place: at least one.
pub fn decode<T: DeserializeOwned>(text: &str, environment: Environment) -> Result<T, Vec<Problem>> {
    decode_partly(text, environment)?.whole()
}

fn decode_partly<T: DeserializeOwned>(text: &str, environment: Environment) -> Result<Decoded<T>, Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(place) = text.bytes().position(is_forbidden) {
        let at = end_of(text.get(..place).unwrap_or_default());
        return Err(vec![Problem::new(at, "a control character", "printable text")]);
    }
    let (root, problems) = tree::compose(text, environment)?;
    Ok(decoding::decode(&root, problems))
}

/// YAML allows of the control characters the tab and the line breaks (YAML 1.2.2 §5.1).
const fn is_forbidden(octet: u8) -> bool {
    octet < b' ' && !matches!(octet, b'\t' | b'\n' | b'\r')
}

/// The place right after `text`.
fn end_of(text: &str) -> Position {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    let breaks = text.bytes().filter(|octet| *octet == b'\n').count();
    Position::new(count(breaks).saturating_add(1), count(last.chars().count()).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn told(content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("portcullis.yaml");
        std::fs::write(&path, content).unwrap();
        let loaded = load::<BTreeMap<String, u16>>(&path, Environment::Fixed(&[]));
        match loaded.and_then(|decoded| decoded.whole().map_err(|problems| Report::new(&path, problems))) {
            Ok(settings) => format!("{settings:?}"),
            Err(report) => report.to_string().replace(&format!("{}", path.display()), "F"),
        }
    }

    #[test]
    fn a_byte_order_mark_is_tolerated() {
        assert_eq!(told(b"\xef\xbb\xbfa: 1\n"), r#"{"a": 1}"#);
        assert!(told(b"\xef\xbb\xbfa: x\n").starts_with("F:1:4: found the text `x`"));
    }

    #[test]
    fn files_that_are_no_text_are_refused_with_their_place() {
        assert!(told(b"a: 1\n\xc3\xa9: \xff\n").starts_with("F:2:4: found octets that are not UTF-8, expected UTF-8 text\n"));
        assert!(told(b"a: 1\nb: \0\n").starts_with("F:2:4: found a control character"));
        for nothing in [&b""[..], b"\xef\xbb\xbf", b"\n\n", b"# only a comment\n", b"---\n", b"null"] {
            assert!(told(nothing).starts_with("F:1:1: found a file without settings"), "{}", told(nothing));
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_refused() {
        let report = load::<u16>(Path::new("/nonexistent/p.yaml"), Environment::Fixed(&[])).unwrap_err().to_string();
        assert!(report.starts_with("/nonexistent/p.yaml:1:1: found a file that cannot be opened (No such file"), "{report}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.yaml");
        File::create(&path).unwrap().set_len(MAX_CONFIG_FILE + 1).unwrap();
        let problem = read(&path).unwrap_err().to_string();
        assert!(problem.contains("found a larger file, expected a readable file of UTF-8 text, at most 64 MiB"), "{problem}");
    }
}
