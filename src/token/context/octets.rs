//! Reading a piece of octets from its start, field by field.

/// What is left to read. Numbers are big endian, texts stand behind their length in two octets.
pub(super) struct Reader<'o>(&'o [u8]);

impl<'o> Reader<'o> {
    /// Starts at the first octet.
    pub(super) const fn new(octets: &'o [u8]) -> Self {
        Self(octets)
    }

    /// The next `N` octets.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// A number of one octet.
    pub(super) fn octet(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    /// A number of two octets.
    pub(super) fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A number of eight octets.
    pub(super) fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next `length` octets.
    pub(super) fn piece(&mut self, length: usize) -> Option<&'o [u8]> {
        let (piece, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(piece)
    }

    /// A text and its length.
    pub(super) fn text(&mut self) -> Option<&'o str> {
        let length = self.short()?;
        std::str::from_utf8(self.piece(usize::from(length))?).ok()
    }

    /// How many octets are left.
    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    /// All that is left.
    pub(super) const fn rest(self) -> &'o [u8] {
        self.0
    }
}

/// Appends a text behind its length.
pub(super) fn append_text(text: &str, octets: &mut Vec<u8>) -> Option<()> {
    octets.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
    octets.extend_from_slice(text.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order_and_never_beyond_the_end() {
        let mut reader = Reader::new(b"\x01\x00\x02\x00\x03abc\x00\x00\x00\x00\x00\x00\x01\x00zz!");
        assert_eq!((reader.octet(), reader.short(), reader.text(), reader.long()), (Some(1), Some(2), Some("abc"), Some(256)));
        assert_eq!(reader.long(), None);
        assert_eq!(reader.piece(4), None);
        assert_eq!(reader.piece(2), Some(b"zz".as_slice()));
        assert_eq!(reader.rest(), b"!");
        assert_eq!(Reader::new(b"\x00\x01\xff").text(), None);
        assert_eq!(Reader::new(b"\x00\x02a").text(), None);
    }

    #[test]
    fn texts_come_back_and_too_long_ones_are_refused() {
        let mut octets = Vec::new();
        append_text("", &mut octets).unwrap();
        append_text("é", &mut octets).unwrap();
        let mut reader = Reader::new(&octets);
        assert_eq!((reader.text(), reader.text(), reader.rest()), (Some(""), Some("é"), [].as_slice()));
        assert_eq!(append_text(&"a".repeat(65_536), &mut octets), None);
    }
}
