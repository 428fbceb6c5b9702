//! A backend that writes down every octet it hears and answers as it is told.

use super::message::{self, Framing, Message};
use super::{eventually, ports};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What a backend does with a request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    octets: Vec<u8>,
    when: When,
    pause: Duration,
    gate: Option<Arc<Notify>>,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Head,
    Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Next,
    Close,
    Echo,
}

impl Reply {
    /// 200 with the content `ok`.
    pub(crate) fn ok() -> Self {
        Self::of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }

    /// These octets.
    pub(crate) fn of(octets: impl AsRef<[u8]>) -> Self {
        Self { octets: octets.as_ref().to_vec(), when: When::Content, pause: Duration::ZERO, gate: None, then: Then::Next }
    }

    /// Nothing at all, for ever.
    pub(crate) fn never() -> Self {
        Self::of("").after(Duration::from_secs(3600))
    }

    /// As soon as the head is there, without waiting for the content.
    pub(crate) fn early(mut self) -> Self {
        self.when = When::Head;
        self
    }

    /// After a pause.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// As soon as the test gives notice, once for each request.
    pub(crate) fn held_by(mut self, gate: &Arc<Notify>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }

    /// And closes the connection.
    pub(crate) fn cut(mut self) -> Self {
        self.then = Then::Close;
        self
    }

    /// A 101 for the protocol `websocket`, after which every octet is echoed.
    pub(crate) fn tunnel() -> Self {
        let mut reply = Self::of("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        reply.then = Then::Echo;
        reply
    }

    /// After which every octet is echoed, as in a tunnel.
    pub(crate) fn echoing(mut self) -> Self {
        self.then = Then::Echo;
        self
    }
}

type Script = dyn Fn(&Message) -> Reply + Send + Sync;

#[derive(Default)]
struct Record {
    connections: Vec<Vec<u8>>,
    requests: Vec<Message>,
    over: usize,
}

/// A running backend; it ends when it is dropped.
pub(crate) struct Upstream {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    serving: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Upstream {
    /// A backend that answers every request with [`Reply::ok`].
    pub(crate) async fn start() -> Self {
        Self::answering(|_| Reply::ok()).await
    }

    /// A backend that answers every request with the same octets.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::answering(move |_| reply.clone()).await
    }

    /// A backend that answers each request as the script says; the script sees the head only, and each once.
    pub(crate) async fn answering(script: impl Fn(&Message) -> Reply + Send + Sync + 'static) -> Self {
        // A port that was free a moment ago may be taken by another program on the machine.
        let listener = loop {
            match TcpListener::bind(ports::free()).await {
                Ok(listener) => break listener,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{error}"),
            }
        };
        Self::serving(listener, script)
    }

    /// Likewise, on a given address: for a backend that comes up later.
    pub(crate) async fn listening_on(address: SocketAddr, script: impl Fn(&Message) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(TcpListener::bind(address).await.unwrap(), script)
    }

    fn serving(listener: TcpListener, script: impl Fn(&Message) -> Reply + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Mutex::new(Record::default()));
        let (ours, script): (_, Arc<Script>) = (Arc::clone(&record), Arc::new(script));
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&ours), Arc::clone(&script)));
            }
        });
        Self { address, record, serving }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    /// The octets of every connection that sent any, in order of connection.
    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        self.record().connections.iter().filter(|octets| !octets.is_empty()).cloned().collect()
    }

    /// All octets as one text.
    pub(crate) fn heard_text(&self) -> String {
        message::text(&self.heard().concat())
    }

    /// Every request read so far.
    pub(crate) fn requests(&self) -> Vec<Message> {
        self.record().requests.clone()
    }

    /// The only request so far; fails if there was none or another.
    pub(crate) fn request(&self) -> Message {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests: {requests:?}");
        requests.remove(0)
    }

    /// How many connections of the gateway have ended.
    pub(crate) fn ended(&self) -> usize {
        self.record().over
    }

    /// Waits until so many requests have come.
    pub(crate) async fn requests_come(&self, count: usize) -> Vec<Message> {
        eventually("requests at the backend", || Some(self.requests()).filter(|requests| requests.len() >= count)).await
    }

    /// Fails if a single octet arrived.
    pub(crate) fn assert_untouched(&self) {
        let heard = self.heard();
        assert!(heard.is_empty(), "the backend heard {:?}", self.heard_text());
    }
}

async fn serve(stream: TcpStream, record: Arc<Mutex<Record>>, script: Arc<Script>) {
    let number = {
        let mut record = record.lock().unwrap();
        record.connections.push(Vec::new());
        record.connections.len() - 1
    };
    let _ = stream.set_nodelay(true);
    let mut wire = Wire { stream, unread: Vec::new(), record: Arc::clone(&record), number };
    // The end of a connection, however it comes about, ends the exchange.
    let _ = wire.exchange(&*script).await;
    record.lock().unwrap().over += 1;
}

struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
    record: Arc<Mutex<Record>>,
    number: usize,
}

impl Wire {
    async fn exchange(&mut self, script: &Script) -> Option<()> {
        loop {
            let mut request = self.head().await?;
            let reply = script(&request);
            if reply.when == When::Content {
                self.content(&mut request).await?;
            }
            self.record.lock().unwrap().requests.push(request.clone());
            tokio::time::sleep(reply.pause).await;
            if let Some(gate) = &reply.gate {
                gate.notified().await;
            }
            self.stream.write_all(&reply.octets).await.ok()?;
            match reply.then {
                Then::Close => return None,
                Then::Echo => return self.echo().await,
                Then::Next if reply.when == When::Head => self.content(&mut request).await?,
                Then::Next => {}
            }
        }
    }

    async fn head(&mut self) -> Option<Message> {
        loop {
            if let Some(end) = message::head_end(&self.unread) {
                return Some(message::head(&self.unread.drain(..end).collect::<Vec<u8>>()));
            }
            self.read_more().await?;
        }
    }

    async fn content(&mut self, request: &mut Message) -> Option<()> {
        match message::request_framing(request) {
            Framing::Length(length) => {
                while self.unread.len() < length {
                    self.read_more().await?;
                }
                request.content = self.unread.drain(..length).collect();
            }
            Framing::Chunked => loop {
                if let Some((end, content, trailers)) = message::chunked(&self.unread) {
                    (request.content, request.trailers) = (content, trailers);
                    self.unread.drain(..end);
                    break;
                }
                self.read_more().await?;
            },
            Framing::Close => {}
        }
        Some(())
    }

    async fn echo(&mut self) -> Option<()> {
        loop {
            let octets = std::mem::take(&mut self.unread);
            self.stream.write_all(&octets).await.ok()?;
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Option<()> {
        let mut room = vec![0; 16 * 1024];
        let read = self.stream.read(&mut room).await.ok().filter(|read| *read > 0)?;
        self.unread.extend_from_slice(&room[..read]);
        self.record.lock().unwrap().connections[self.number].extend_from_slice(&room[..read]);
        Some(())
    }
}
