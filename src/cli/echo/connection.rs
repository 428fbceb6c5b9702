//! One connection: request after request, until either side has had enough.

use super::answer::{self, Received};
use super::content::{self, Content};
use super::request::{self, Bad, Framing, Persistence, Request};
use bytes::BytesMut;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The octets of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// How long a connection may stay without a request, or a request without its next octets.
const PATIENCE: Duration = Duration::from_secs(75);
/// What is read at once.
const PIECE: usize = 16 << 10;

/// A connection and what was read from it ahead of its use.
pub(super) struct Wire<S> {
    stream: S,
    pub(super) ahead: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, ahead: BytesMut::with_capacity(PIECE) }
    }

    /// Reads more.
    ///
    /// # Errors
    /// The other side is silent for too long or has ended.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        self.ahead.reserve(PIECE);
        match timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await {
            Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(outcome) => outcome.map(drop),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(octets)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Answers requests until the connection ends.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    loop {
        let received = match read(&mut wire).await? {
            Ok(received) => received,
            Err(bad) => return wire.write(&answer::refuse(bad)).await,
        };
        wire.write(&answer::answer(&received)).await?;
        if received.request.persistence == Persistence::Close {
            return Ok(());
        }
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> io::Result<Result<Received, Bad>> {
    let request = match read_head(wire).await? {
        Ok(request) => request,
        Err(bad) => return Ok(Err(bad)),
    };
    if request.awaits_continue && request.framing != Framing::Length(0) {
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut content = Content::default();
    let read = match request.framing {
        Framing::Length(length) => content::read_counted(wire, length, &mut content).await?,
        Framing::Chunked => content::read_chunked(wire, &mut content).await?,
    };
    Ok(read.map(|()| Received { request, content }))
}

async fn read_head<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> io::Result<Result<Request, Bad>> {
    loop {
        match request::parse(&wire.ahead) {
            Ok(Some((request, length))) => {
                drop(wire.ahead.split_to(length));
                return Ok(Ok(request));
            }
            Ok(None) if wire.ahead.len() >= MAX_HEAD => return Ok(Err(Bad::TooLarge)),
            Ok(None) => wire.fill().await?,
            Err(bad) => return Ok(Err(bad)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes back for these octets, when nothing follows them.
    async fn exchange(sent: &str) -> String {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(sent.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let _ = serve(server).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn what_was_received_comes_back_in_order() {
        let answer = exchange("POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Two: 2\r\nx-one: 1\r\nContent-Length: 5\r\n\r\nhello").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer
                .ends_with("\r\n\r\nPOST /a?b=c HTTP/1.1\nHost: x\nX-Two: 2\nx-one: 1\nContent-Length: 5\n\n5 octets of content:\nhello\n"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn a_connection_carries_one_request_after_another() {
        let one = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
        let chunked = "PUT /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
        let last = "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = exchange(&format!("{one}{chunked}{last}{one}")).await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
        assert!(answer.contains("5 octets of content:\nabcde\n") && answer.contains("GET /3"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_waits_is_told_to_continue() {
        let answer = exchange("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok").await;
        assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn what_is_too_large_or_broken_is_refused_and_the_connection_ends() {
        let fields = "X: y\r\n".repeat(300);
        let long = "x".repeat(MAX_HEAD + 1);
        for (sent, status) in [
            ("nonsense\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n".to_owned(), 413),
            (format!("GET / HTTP/1.1\r\n{fields}\r\n"), 431),
            (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431),
        ] {
            let answer = exchange(&format!("{sent}GET / HTTP/1.1\r\nHost: x\r\n\r\n")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        }
    }

    #[tokio::test]
    async fn large_content_is_counted_and_shown_in_part() {
        let content = "x".repeat(100_000);
        let answer = exchange(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{content}")).await;
        assert!(answer.contains("100000 octets of content, of which the first 65536:\nxxx"), "{}", &answer[..300]);
        assert!(answer.len() < 70_000);
    }
}
