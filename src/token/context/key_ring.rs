//! The keys that context tokens are sealed with: the first seals, all open.

use super::binding::Binding;
use crate::crypto::{AeadKey, DigestAlgorithm, MacKey, base64, same_octets};
use std::fmt;
use zeroize::Zeroizing;

/// The longest identifier of a key.
pub(super) const LONGEST_ID: usize = 16;
/// What a key that stands alone in its file is called, so that it can be listed beside a newer one later.
const SOLE_ID: &[u8] = b"0";
/// The most keys of a ring. Two are enough to change keys, and every token names its own.
const MOST_KEYS: usize = 16;
/// The length of a key in octets.
const KEY_LENGTH: usize = 32;

/// Keys by identifier, never empty. All nodes that have the same ring open each other's tokens. It never prints.
pub struct KeyRing {
    first: RingKey,
    others: Box<[RingKey]>,
}

/// One key: neither the sealing nor the signing half says anything about the other.
pub(super) struct RingKey {
    id: KeyId,
    pub(super) sealing: AeadKey,
    pub(super) signing: MacKey,
}

/// An identifier, filled up with zeros.
struct KeyId {
    octets: [u8; LONGEST_ID],
    length: u8,
}

/// What a key is used for. A seal for one purpose does not hold for another.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Context,
    Nonce,
}

/// The length of a scope in octets.
pub(super) const SCOPE_LENGTH: usize = 1 + LONGEST_ID + PURPOSE_LENGTH + Binding::LENGTH;
/// The length of the word for a purpose.
const PURPOSE_LENGTH: usize = 8;

impl Purpose {
    const fn word(self) -> &'static [u8; PURPOSE_LENGTH] {
        match self {
            Self::Context => b"context ",
            Self::Nonce => b"nonce   ",
        }
    }
}

impl KeyRing {
    /// Reads a key file: one key alone, 32 octets in base64; or lines of an identifier (1 to 16 letters, digits,
    /// `_` and `-`) and such a key. The first seals, all open. Blank lines and lines that start with `#` count
    /// for nothing. A key alone has the identifier `0`.
    ///
    /// # Errors
    /// The first line that is wrong, and what is expected there.
    pub fn from_text(text: &[u8]) -> Result<Self, RingSyntax> {
        let mut entries: Vec<Entry<'_>> = Vec::new();
        let mut last = 0;
        for (line, text) in (1..).zip(text.split(|octet| *octet == b'\n')) {
            last = line;
            let entry = read_line(text.trim_ascii()).map_err(|kind| RingSyntax { line, kind })?;
            let Some(entry) = entry else { continue };
            check_beside(&entry, &entries).map_err(|kind| RingSyntax { line, kind })?;
            entries.push(entry);
        }
        let keys: Option<Vec<_>> = entries.iter().map(RingKey::build).collect();
        let mut keys = keys.ok_or(RingSyntax { line: last, kind: RingSyntaxKind::Backend })?.into_iter();
        match keys.next() {
            Some(first) => Ok(Self { first, others: keys.collect() }),
            None => Err(RingSyntax { line: last, kind: RingSyntaxKind::NoKey }),
        }
    }

    /// The key that seals.
    pub(super) const fn first(&self) -> &RingKey {
        &self.first
    }

    /// The key with this identifier.
    pub(super) fn find(&self, id: &[u8]) -> Option<&RingKey> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.id() == id)
    }
}

/// A line of a key file. The identifier is empty where a key stands alone.
struct Entry<'t> {
    id: &'t [u8],
    key: Zeroizing<[u8; KEY_LENGTH]>,
}

fn read_line(line: &[u8]) -> Result<Option<Entry<'_>>, RingSyntaxKind> {
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let (id, key) = match line.iter().position(u8::is_ascii_whitespace).and_then(|end| line.split_at_checked(end)) {
        Some((id, key)) if is_id(id) => (id, key.trim_ascii_start()),
        Some(_) => return Err(RingSyntaxKind::Id),
        None => (b"".as_slice(), line),
    };
    let key = Zeroizing::new(base64::decode_exactly(key).map_err(|_| RingSyntaxKind::Key)?);
    Ok(Some(Entry { id, key }))
}

fn check_beside(entry: &Entry<'_>, others: &[Entry<'_>]) -> Result<(), RingSyntaxKind> {
    if !others.is_empty() && (entry.id.is_empty() || others.iter().any(|other| other.id.is_empty())) {
        return Err(RingSyntaxKind::IdMissing);
    }
    if others.iter().any(|other| other.id == entry.id) {
        return Err(RingSyntaxKind::IdRepeated);
    }
    if others.iter().any(|other| same_octets(other.key.as_slice(), entry.key.as_slice())) {
        return Err(RingSyntaxKind::KeyRepeated);
    }
    if others.len() < MOST_KEYS { Ok(()) } else { Err(RingSyntaxKind::TooManyKeys) }
}

fn is_id(id: &[u8]) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.iter().all(|octet| octet.is_ascii_alphanumeric() || b"_-".contains(octet))
}

impl RingKey {
    /// The key of the file is used for nothing but to derive one key per use from it.
    fn build(entry: &Entry<'_>) -> Option<Self> {
        let root = MacKey::new(DigestAlgorithm::Sha256, entry.key.as_slice());
        let (sealing, signing) = (root.sign(b"portcullis sealing 1"), root.sign(b"portcullis signing 1"));
        let id = if entry.id.is_empty() { SOLE_ID } else { entry.id };
        let mut octets = [0; LONGEST_ID];
        octets.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
        Some(Self {
            id: KeyId { octets, length: u8::try_from(id.len()).ok()? },
            sealing: AeadKey::aes_256_gcm(sealing.as_ref().first_chunk()?).ok()?,
            signing: MacKey::new(DigestAlgorithm::Sha256, signing.as_ref()),
        })
    }

    /// The identifier.
    pub(super) fn id(&self) -> &[u8] {
        self.id.octets.get(..usize::from(self.id.length)).unwrap_or_default()
    }

    /// The length of the identifier in octets.
    pub(super) const fn id_length(&self) -> u8 {
        self.id.length
    }

    /// What everything that this key seals or signs is tied to: itself, the purpose, and scheme and realm.
    pub(super) fn scope(&self, purpose: Purpose, binding: &Binding) -> [u8; SCOPE_LENGTH] {
        let mut scope = [0; SCOPE_LENGTH];
        let parts = std::iter::once(&self.id.length).chain(&self.id.octets).chain(purpose.word()).chain(binding.octets());
        scope.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        scope
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(…)")
    }
}

/// Why a text is not a key ring. Says nothing about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSyntax {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: RingSyntaxKind,
}

/// What is wrong with a line of a key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingSyntaxKind {
    /// The file ends without a key.
    NoKey,
    /// What stands before the key is no identifier.
    Id,
    /// The key is not 32 octets in base64.
    Key,
    /// Several keys, of which one has no identifier.
    IdMissing,
    /// An identifier stands twice.
    IdRepeated,
    /// A key stands twice.
    KeyRepeated,
    /// More keys than a ring may have.
    TooManyKeys,
    /// The crypto backend does not take the keys.
    Backend,
}

impl fmt::Display for RingSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.kind {
            RingSyntaxKind::NoKey => "expected a key, 32 octets in base64, or lines of an identifier and a key",
            RingSyntaxKind::Id => "expected an identifier of 1 to 16 letters, digits, `_` and `-` before the key",
            RingSyntaxKind::Key => "expected a key, 32 octets in base64 with padding",
            RingSyntaxKind::IdMissing => "expected an identifier before each key where there are several",
            RingSyntaxKind::IdRepeated => "expected an identifier that no other key has",
            RingSyntaxKind::KeyRepeated => "expected a key that does not stand further up already",
            RingSyntaxKind::TooManyKeys => "expected at most 16 keys",
            RingSyntaxKind::Backend => "expected keys that the crypto backend takes",
        };
        write!(f, "line {}: {expected}", self.line)
    }
}

impl std::error::Error for RingSyntax {}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    fn ids(ring: &KeyRing) -> Vec<&[u8]> {
        std::iter::once(&ring.first).chain(&ring.others).map(RingKey::id).collect()
    }

    #[test]
    fn a_key_alone_is_a_ring() {
        for text in [ONE.to_owned(), format!("{ONE}\n"), format!("# context tokens\r\n\r\n  {ONE}\r\n")] {
            assert_eq!(ids(&KeyRing::from_text(text.as_bytes()).unwrap()), [b"0"]);
        }
    }

    #[test]
    fn the_first_of_several_keys_seals_and_each_is_found() {
        let ring = KeyRing::from_text(format!("# newest first\n2026-11_b\t {TWO}\n\n0 {ONE}\n").as_bytes()).unwrap();
        assert_eq!(ids(&ring), [b"2026-11_b".as_slice(), b"0"]);
        assert_eq!(ring.first().id(), b"2026-11_b");
        assert_eq!(ring.find(b"0").map(RingKey::id), Some(b"0".as_slice()));
        for id in [b"".as_slice(), b"1", b"0\0", b"2026-11_", b"2026-11_bb"] {
            assert!(ring.find(id).is_none(), "{id:?}");
        }
    }

    #[test]
    fn one_line_that_is_wrong_is_told_with_its_number() {
        use RingSyntaxKind::{Id, IdMissing, IdRepeated, Key, KeyRepeated, NoKey, TooManyKeys};
        let many: String = (0..17).map(|number| format!("k{number} {}\n", base64::encode(&[number; 32]))).collect();
        for (text, line, kind) in [
            (String::new(), 1, NoKey),
            ("\n# nothing\n".to_owned(), 3, NoKey),
            (format!("\na!b {ONE}"), 2, Id),
            (format!("12345678901234567 {ONE}"), 1, Id),
            (format!("é {ONE}"), 1, Id),
            ("AQEBAQEB".to_owned(), 1, Key),
            (ONE.trim_end_matches('=').to_owned(), 1, Key),
            (format!("a {ONE} {TWO}"), 1, Key),
            ("a\nb".to_owned(), 1, Key),
            (format!("{ONE}\n{TWO}"), 2, IdMissing),
            (format!("a {ONE}\n{TWO}"), 2, IdMissing),
            (format!("{ONE}\nb {TWO}"), 2, IdMissing),
            (format!("a {ONE}\n#\na {TWO}"), 3, IdRepeated),
            (format!("a {ONE}\nb {ONE}"), 2, KeyRepeated),
            (many, 17, TooManyKeys),
        ] {
            assert_eq!(KeyRing::from_text(text.as_bytes()).unwrap_err(), RingSyntax { line, kind }, "{text:?}");
        }
        assert_eq!(KeyRing::from_text(b"\xff\xfe").unwrap_err().to_string(), "line 1: expected a key, 32 octets in base64 with padding");
    }

    #[test]
    fn scopes_differ_in_every_part() {
        let ring = KeyRing::from_text(format!("a {ONE}\nab {TWO}").as_bytes()).unwrap();
        let (one, other) = (Binding::new("scheme", "realm"), Binding::new("scheme", "other"));
        let key = ring.first();
        let scopes = [
            key.scope(Purpose::Context, &one),
            key.scope(Purpose::Nonce, &one),
            key.scope(Purpose::Context, &other),
            ring.find(b"ab").unwrap().scope(Purpose::Context, &one),
        ];
        assert_eq!(std::collections::BTreeSet::from(scopes).len(), scopes.len());
    }

    #[test]
    fn a_ring_does_not_print() {
        assert_eq!(format!("{:?}", KeyRing::from_text(ONE.as_bytes()).unwrap()), "KeyRing(…)");
    }
}
