//! The content of a request: counted whole, kept in part.

use super::connection::Wire;
use super::request::Bad;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// The octets of content that are read; more is refused.
const MAX_CONTENT: u64 = 64 << 20;
/// The octets of content that are shown.
const SHOWN: usize = 64 << 10;
/// The octets of a line between chunks, and of all trailer lines together.
const MAX_LINE: usize = 4 << 10;

/// What was received.
#[derive(Debug, Default)]
pub(super) struct Content {
    length: u64,
    start: Vec<u8>,
}

impl Content {
    /// How many octets there were.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The first of them.
    pub(super) fn start(&self) -> &[u8] {
        &self.start
    }

    fn take(&mut self, piece: &[u8]) {
        let room = SHOWN.saturating_sub(self.start.len()).min(piece.len());
        self.start.extend_from_slice(piece.get(..room).unwrap_or_default());
        self.length = self.length.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }
}

/// Reads `length` octets.
pub(super) async fn read_counted<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    length: u64,
    content: &mut Content,
) -> io::Result<Result<(), Bad>> {
    if content.length.saturating_add(length) > MAX_CONTENT {
        return Ok(Err(Bad::ContentTooLarge));
    }
    let mut left = length;
    while left > 0 {
        if wire.ahead.is_empty() {
            wire.fill().await?;
        }
        let piece = wire.ahead.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(wire.ahead.len()));
        content.take(&piece);
        left = left.saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }
    Ok(Ok(()))
}

/// Reads chunks and the trailer section, which is not shown (RFC 9112 §7.1).
pub(super) async fn read_chunked<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    content: &mut Content,
) -> io::Result<Result<(), Bad>> {
    loop {
        let Some(size) = read_line(wire).await?.as_deref().and_then(chunk_size) else { return Ok(Err(Bad::Syntax)) };
        if size == 0 {
            return read_trailers(wire).await;
        }
        if let Err(bad) = read_counted(wire, size, content).await? {
            return Ok(Err(bad));
        }
        if read_line(wire).await?.is_none_or(|rest| !rest.is_empty()) {
            return Ok(Err(Bad::Syntax));
        }
    }
}

async fn read_trailers<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> io::Result<Result<(), Bad>> {
    let mut octets = 0;
    loop {
        match read_line(wire).await? {
            Some(line) if line.is_empty() => return Ok(Ok(())),
            Some(line) if octets + line.len() <= MAX_LINE => octets += line.len() + 1,
            Some(_) | None => return Ok(Err(Bad::Syntax)),
        }
    }
}

/// A line without its end; nothing when it is too long or does not end in CRLF.
async fn read_line<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> io::Result<Option<Vec<u8>>> {
    loop {
        match memchr::memchr(b'\n', &wire.ahead) {
            Some(end) if end <= MAX_LINE => {
                let line = wire.ahead.split_to(end + 1);
                return Ok(line.strip_suffix(b"\r\n").map(<[u8]>::to_vec));
            }
            None if wire.ahead.len() <= MAX_LINE => wire.fill().await?,
            Some(_) | None => return Ok(None),
        }
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|octet| *octet == b';').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_hexadecimal_and_extensions_are_ignored() {
        assert_eq!([chunk_size(b"1f"), chunk_size(b"A ;x=1"), chunk_size(b"0")], [Some(31), Some(10), Some(0)]);
        assert!([&b""[..], b"+1", b"-1", b"g", b"1 2", b"fffffffffffffffff"].iter().all(|line| chunk_size(line).is_none()));
    }

    #[test]
    fn content_is_counted_beyond_what_is_kept() {
        let mut content = Content::default();
        content.take(&[b'a'; SHOWN - 1]);
        content.take(b"bcd");
        assert_eq!((content.length(), content.start().len()), (u64::try_from(SHOWN).unwrap() + 2, SHOWN));
        assert!(content.start().ends_with(b"ab"));
    }
}
