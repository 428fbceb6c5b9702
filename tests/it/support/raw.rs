//! A client that sends exactly the octets it is given, over TCP or TLS, and reads what comes back.

use super::certificates::Authority;
use super::message::{self, Framing, Message};
use super::within;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Either end of a connection.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// One connection to a gateway.
pub(crate) struct RawClient {
    stream: Box<dyn Wire>,
    unread: Vec<u8>,
}

/// One request on a connection of its own, and its first final answer. The gateway may answer before it has
/// taken everything, and close: what counts is the answer.
pub(crate) async fn ask(to: SocketAddr, octets: impl AsRef<[u8]>) -> Message {
    let mut client = RawClient::connect(to).await;
    let _refused_early = client.try_send(octets).await;
    client.answer().await
}

/// A GET with further lines (each with its CR LF), and its answer.
pub(crate) async fn fetch(to: SocketAddr, target: &str, lines: &str) -> Message {
    ask(to, format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")).await
}

impl RawClient {
    /// Connects in clear text.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(to)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: Box::new(stream), unread: Vec::new() }
    }

    /// Connects over TLS to a name that the test authority vouches for, without ALPN.
    pub(crate) async fn tls(to: SocketAddr, name: &str, authority: &Authority) -> Self {
        Self { stream: Box::new(authority.connect(to, name, &[]).await), unread: Vec::new() }
    }

    /// Takes over a connection that stands.
    pub(crate) fn over(stream: impl Wire + 'static) -> Self {
        Self { stream: Box::new(stream), unread: Vec::new() }
    }

    /// Sends octets as they are.
    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        within("octets to leave", self.stream.write_all(octets.as_ref())).await.unwrap();
        within("octets to leave", self.stream.flush()).await.unwrap();
    }

    /// Sends octets as they are to a gateway that may have closed the connection already.
    pub(crate) async fn try_send(&mut self, octets: impl AsRef<[u8]>) -> std::io::Result<()> {
        within("octets to leave", self.stream.write_all(octets.as_ref())).await?;
        within("octets to leave", self.stream.flush()).await
    }

    /// The next final answer (interim ones other than 101 are skipped). Fails if there is none.
    pub(crate) async fn answer(&mut self) -> Message {
        loop {
            let answer = self.next_answer().await.unwrap_or_else(|| panic!("no answer; octets: {:?}", message::text(&self.unread)));
            if !(100..=199).contains(&answer.status()) || answer.status() == 101 {
                return answer;
            }
        }
    }

    /// The next answer, interim ones included; `None` where the connection ended before one began.
    pub(crate) async fn next_answer(&mut self) -> Option<Message> {
        let mut answer = self.answer_head().await?;
        match message::response_framing(&answer) {
            Framing::Length(length) => {
                while self.unread.len() < length && self.read_more().await {}
                answer.content = self.unread.drain(..length.min(self.unread.len())).collect();
            }
            Framing::Chunked => loop {
                if let Some((end, content, trailers)) = message::chunked(&self.unread) {
                    (answer.content, answer.trailers) = (content, trailers);
                    self.unread.drain(..end);
                    break;
                }
                if !self.read_more().await {
                    answer.content = std::mem::take(&mut self.unread);
                    break;
                }
            },
            Framing::Close => answer.content = self.rest().await,
        }
        Some(answer)
    }

    /// The head of the next answer, its content unread.
    pub(crate) async fn answer_head(&mut self) -> Option<Message> {
        loop {
            if let Some(end) = message::head_end(&self.unread) {
                return Some(message::head(&self.unread.drain(..end).collect::<Vec<u8>>()));
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    /// All answers until the gateway closes the connection.
    pub(crate) async fn all_answers(&mut self) -> Vec<Message> {
        let mut answers = Vec::new();
        while let Some(answer) = self.next_answer().await {
            answers.push(answer);
        }
        assert!(self.unread.is_empty(), "octets that are no answer: {:?}", message::text(&self.unread));
        answers
    }

    /// Everything until the gateway closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.read_more().await {}
        std::mem::take(&mut self.unread)
    }

    /// Exactly so many octets.
    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count && self.read_more().await {}
        let count = count.min(self.unread.len());
        self.unread.drain(..count).collect()
    }

    /// Whether the gateway has closed the connection already; what it sent is kept.
    pub(crate) async fn is_over(&mut self) -> bool {
        let mut room = vec![0; 16 * 1024];
        match tokio::time::timeout(Duration::ZERO, self.stream.read(&mut room)).await {
            Err(_) => false,
            Ok(read) => {
                let read = read.unwrap_or(0);
                self.unread.extend_from_slice(&room[..read]);
                read == 0
            }
        }
    }

    /// Whether nothing comes for so long, not even the end of the connection; what comes is kept.
    pub(crate) async fn is_silent_for(&mut self, pause: Duration) -> bool {
        let mut room = vec![0; 16 * 1024];
        match tokio::time::timeout(pause, self.stream.read(&mut room)).await {
            Err(_) => self.unread.is_empty(),
            Ok(read) => {
                self.unread.extend_from_slice(&room[..read.unwrap_or(0)]);
                false
            }
        }
    }

    /// Reads once; whether anything came. A reset counts as the end.
    async fn read_more(&mut self) -> bool {
        let mut room = vec![0; 16 * 1024];
        let read = within("octets from the gateway", self.stream.read(&mut room)).await.unwrap_or(0);
        self.unread.extend_from_slice(&room[..read]);
        read > 0
    }
}
