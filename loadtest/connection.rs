//! One keep-alive connection of HTTP/1.1 (RFC 9112): sends octets, reads one answer, keeps nothing of it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The longest line of an answer that is read, in octets.
const LONGEST_LINE: u64 = 16 << 10;
/// The most lines of an answer's head that are read.
const MOST_LINES: usize = 256;

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// No connection could be made.
    Unreachable,
    /// The connection ended before the answer did.
    Closed,
    /// The answer cannot be read.
    Malformed,
    /// The answer took longer than allowed.
    TimedOut,
    /// The request was due, but no connection was free before the round was given up.
    Unsent,
}

/// A connection that opens when needed and stays open while the server lets it.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer, read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    reuse: Reuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reuse {
    Possible,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

struct Head {
    status: u16,
    framing: Framing,
    reuse: Reuse,
}

impl Connection {
    /// A connection to an address, not open yet.
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Opens the connection, if it is not open.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) async fn open(&mut self) -> Result<(), Failure> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.map_err(|_| Failure::Unreachable)?;
            stream.set_nodelay(true).map_err(|_| Failure::Unreachable)?;
            self.stream = Some(BufReader::with_capacity(16 << 10, stream));
        }
        Ok(())
    }

    /// Sends a request, reads its answer to the end, and yields the status. When this fails, or is
    /// dropped half-way, the connection is not used again.
    ///
    /// # Errors
    /// There was no answer, or no readable one.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16, Failure> {
        self.open().await?;
        let Some(mut stream) = self.stream.take() else { return Err(Failure::Unreachable) };
        stream.write_all(request).await?;
        let answer = read_answer(&mut stream).await?;
        if answer.reuse == Reuse::Possible {
            self.stream = Some(stream);
        }
        Ok(answer.status)
    }
}

async fn read_answer(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Answer, Failure> {
    loop {
        let head = read_head(stream).await?;
        match (head.status, head.framing) {
            (101, _) => return Ok(Answer { status: 101, reuse: Reuse::Over }),
            (100..=199, _) => continue,
            (204 | 304, _) => {}
            (_, Framing::Length(length)) => skip(stream, length).await?,
            (_, Framing::Chunked) => skip_chunks(stream).await?,
            (_, Framing::UntilClose) => {
                skip_all(stream).await?;
                return Ok(Answer { status: head.status, reuse: Reuse::Over });
            }
        }
        return Ok(Answer { status: head.status, reuse: head.reuse });
    }
}

async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Head, Failure> {
    let mut line = Vec::with_capacity(256);
    let status = status(read_line(stream, &mut line).await?)?;
    let mut head = Head { status, framing: Framing::UntilClose, reuse: Reuse::Possible };
    for _ in 0..MOST_LINES {
        let field = read_line(stream, &mut line).await?;
        if field.is_empty() {
            return Ok(head);
        }
        note(&mut head, field)?;
    }
    Err(Failure::Malformed)
}

/// Keeps what a field says about where the answer ends.
fn note(head: &mut Head, field: &[u8]) -> Result<(), Failure> {
    let colon = memchr::memchr(b':', field).ok_or(Failure::Malformed)?;
    let (name, value) = field.split_at(colon);
    let value = value.trim_ascii_start().strip_prefix(b":").unwrap_or_default().trim_ascii();
    if name.eq_ignore_ascii_case(b"content-length") && head.framing != Framing::Chunked {
        head.framing = Framing::Length(decimal(value)?);
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        head.framing = Framing::Chunked;
    } else if name.eq_ignore_ascii_case(b"connection") && value.eq_ignore_ascii_case(b"close") {
        head.reuse = Reuse::Over;
    }
    Ok(())
}

fn status(line: &[u8]) -> Result<u16, Failure> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or(Failure::Malformed)?;
    let digits = rest.split(|octet| *octet == b' ').next().filter(|digits| digits.len() == 3).ok_or(Failure::Malformed)?;
    u16::try_from(decimal(digits)?).map_err(|_| Failure::Malformed)
}

fn decimal(text: &[u8]) -> Result<u64, Failure> {
    number(text, 10)
}

fn number(text: &[u8], radix: u32) -> Result<u64, Failure> {
    let text = std::str::from_utf8(text).map_err(|_| Failure::Malformed)?;
    if text.starts_with('+') {
        return Err(Failure::Malformed);
    }
    u64::from_str_radix(text, radix).map_err(|_| Failure::Malformed)
}

async fn read_line<'l>(stream: &mut (impl AsyncBufRead + Unpin), line: &'l mut Vec<u8>) -> Result<&'l [u8], Failure> {
    line.clear();
    let read = stream.take(LONGEST_LINE).read_until(b'\n', line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(content) => Ok(content),
        None if u64::try_from(read).is_ok_and(|read| read == LONGEST_LINE) => Err(Failure::Malformed),
        None if line.ends_with(b"\n") => Err(Failure::Malformed),
        None => Err(Failure::Closed),
    }
}

async fn skip_chunks(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<(), Failure> {
    let mut line = Vec::with_capacity(32);
    loop {
        let size = read_line(stream, &mut line).await?.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii();
        match number(size, 16)? {
            0 => break,
            size => skip(stream, size).await?,
        }
        if !read_line(stream, &mut line).await?.is_empty() {
            return Err(Failure::Malformed);
        }
    }
    for _ in 0..MOST_LINES {
        if read_line(stream, &mut line).await?.is_empty() {
            return Ok(());
        }
    }
    Err(Failure::Malformed)
}

async fn skip(stream: &mut (impl AsyncBufRead + Unpin), length: u64) -> Result<(), Failure> {
    let skipped = tokio::io::copy_buf(&mut stream.take(length), &mut tokio::io::sink()).await?;
    if skipped == length { Ok(()) } else { Err(Failure::Closed) }
}

async fn skip_all(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<(), Failure> {
    tokio::io::copy_buf(stream, &mut tokio::io::sink()).await?;
    Ok(())
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::Malformed => "malformed",
            Self::TimedOut => "timed out",
            Self::Unsent => "unsent",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut octets: &[u8]) -> (Result<Answer, Failure>, usize) {
        let answer = read_answer(&mut octets).await;
        (answer, octets.len())
    }

    const KEPT: Reuse = Reuse::Possible;

    #[tokio::test]
    async fn an_answer_ends_where_its_framing_says() {
        for (octets, status, reuse, left) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP"[..], 200, KEPT, 4),
            (b"HTTP/1.1 401 \r\ncontent-length:0\r\nConnection: close\r\n\r\n", 401, Reuse::Over, 0),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\nleft", 200, KEPT, 4),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nleft", 200, KEPT, 4),
            (b"HTTP/1.1 204 No Content\r\n\r\nleft", 204, KEPT, 4),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nleft", 304, KEPT, 4),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, KEPT, 0),
            (b"HTTP/1.1 200 OK\r\n\r\nall of it", 200, Reuse::Over, 0),
        ] {
            let text = String::from_utf8_lossy(octets);
            assert_eq!(read(octets).await, (Ok(Answer { status, reuse }), left), "{text}");
        }
    }

    #[tokio::test]
    async fn a_cut_answer_is_no_answer() {
        for octets in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ] {
            assert_eq!(read(octets).await.0, Err(Failure::Closed), "{}", String::from_utf8_lossy(octets));
        }
    }

    #[tokio::test]
    async fn garbage_is_malformed() {
        let long = [&b"HTTP/1.1 200 OK\r\nA: "[..], &b"a".repeat(20_000)].concat();
        let many = [&b"HTTP/1.1 200 OK\r\n"[..], &b"A: b\r\n".repeat(300)].concat();
        for octets in [
            &b"HTTP/1.0 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\n\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            &long,
            &many,
        ] {
            assert_eq!(read(octets).await.0, Err(Failure::Malformed), "{}", String::from_utf8_lossy(octets));
        }
    }
}
