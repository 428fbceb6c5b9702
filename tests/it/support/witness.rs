//! A backend that hashes what it hears as it comes, over HTTP/1.1 or HTTP/2, and answers early or late as it is told.

use super::message::{self, Fields, Framing, Message};
use super::{eventually, ports};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use portcullis::crypto::{DigestAlgorithm, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The version of HTTP that it speaks, in clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

impl Version {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    /// The upstream's setting.
    pub(crate) const fn setting(self) -> &'static str {
        match self {
            Self::Http1 => "protocol: http1",
            Self::Http2 => "protocol: http2",
        }
    }
}

/// When it answers. Its answers are 200 with the content `ok` and the field `X-Witness: here`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// When the request is whole.
    Last,
    /// As soon as the head is there; it reads on.
    First,
    /// With the head at once, and with the content when the request is whole.
    HeadFirst,
    /// With 100 at once, and finally when the request is whole.
    Interim,
    /// With a switch to WebSocket at once. Only over HTTP/1.1.
    Switch,
    /// Never: it gives the request up after so many octets of content.
    Never {
        /// How many.
        after: u64,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Not yet.
    Open,
    /// It is complete.
    Whole,
    /// The stream was reset with this code (RFC 9113 §7).
    Reset(u32),
    /// The connection ended before it was complete.
    Cut,
    /// We gave it up.
    GivenUp,
}

/// What was heard of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Fields,
    /// How much of its content came.
    pub(crate) octets: u64,
    /// The SHA-256 of the content, once it ended.
    pub(crate) digest: Vec<u8>,
    pub(crate) ending: Ending,
}

impl Heard {
    /// Whether there is such a field, by its lower-case name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

type Record = Arc<Mutex<Vec<Arc<Mutex<Heard>>>>>;

/// A running backend; it ends when it is dropped.
pub(crate) struct Witness {
    address: SocketAddr,
    version: Version,
    heard: Record,
    serving: JoinHandle<()>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Witness {
    pub(crate) async fn start(version: Version, answer: Answer) -> Self {
        let listener = TcpListener::bind(ports::free()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Record::default();
        let ours = Arc::clone(&heard);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let heard = Arc::clone(&ours);
                match version {
                    Version::Http1 => connections.spawn(async move {
                        let _over = http1(stream, heard, answer).await;
                    }),
                    Version::Http2 => connections.spawn(http2(stream, heard, answer)),
                };
            }
        });
        Self { address, version, heard, serving }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, the unfinished ones too.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().iter().map(|heard| heard.lock().unwrap().clone()).collect()
    }

    /// The last request, once it has ended.
    pub(crate) async fn last(&self) -> Heard {
        eventually("the end of a request at the backend", || self.heard().pop().filter(|heard| heard.ending != Ending::Open)).await
    }

    /// Waits until at least so much of the content of the last request has come.
    pub(crate) async fn has_heard(&self, octets: u64) {
        eventually("content at the backend", || self.heard().last().is_some_and(|heard| heard.octets >= octets).then_some(())).await;
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// Fails if a request was whole. What has come may end in any other way, and must end soon.
    pub(crate) async fn assert_nothing_whole(&self) {
        let ended = || Some(self.heard()).filter(|heard| heard.iter().all(|heard| heard.ending != Ending::Open));
        for heard in eventually("the end of every request at the backend", ended).await {
            let aborted = match self.version {
                Version::Http1 => heard.ending == Ending::Cut,
                Version::Http2 => matches!(heard.ending, Ending::Reset(_)),
            };
            assert!(aborted, "the backend heard {heard:?}");
        }
    }
}

/// One request on the record; what it says after it was forgotten is lost.
struct Entry {
    heard: Arc<Mutex<Heard>>,
    hasher: Hasher,
    octets: u64,
}

impl Entry {
    fn new(record: &Record, method: &str, target: &str, fields: Fields) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        let heard = Heard { method, target, fields, octets: 0, digest: Vec::new(), ending: Ending::Open };
        let heard = Arc::new(Mutex::new(heard));
        record.lock().unwrap().push(Arc::clone(&heard));
        Self { heard, hasher: Hasher::new(DigestAlgorithm::Sha256), octets: 0 }
    }

    fn update(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.octets += u64::try_from(piece.len()).unwrap();
        self.heard.lock().unwrap().octets = self.octets;
    }

    fn end(self, ending: Ending) {
        let mut heard = self.heard.lock().unwrap();
        (heard.ending, heard.digest) = (ending, self.hasher.finish().as_ref().to_vec());
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nX-Witness: here\r\nX-WSS-AuthInfo: nonce=\"0123456789abcdef\"\r\nContent-Length: 2\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nX-Witness: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

async fn http1(stream: TcpStream, heard: Record, answer: Answer) -> Option<()> {
    let mut wire = Wire { stream, unread: Vec::new() };
    loop {
        let head = wire.head().await?;
        let mut entry = Entry::new(&heard, head.method(), head.target(), head.fields.clone());
        let (early, late) = match answer {
            Answer::Last | Answer::Never { .. } => (String::new(), format!("{HEAD}ok")),
            Answer::First => (format!("{HEAD}ok"), String::new()),
            Answer::HeadFirst => (HEAD.to_owned(), "ok".to_owned()),
            Answer::Interim => ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), format!("{HEAD}ok")),
            Answer::Switch => (SWITCH.to_owned(), String::new()),
        };
        // A gateway that is gone needs no answer; what it sent is still to be read.
        let _ = wire.stream.write_all(early.as_bytes()).await;
        let most = if let Answer::Never { after } = answer { after } else { u64::MAX };
        let ending = wire.content(&head, &mut entry, most).await;
        entry.end(ending);
        if ending != Ending::Whole {
            return None;
        }
        wire.stream.write_all(late.as_bytes()).await.ok()?;
    }
}

struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    async fn head(&mut self) -> Option<Message> {
        loop {
            if let Some(end) = message::head_end(&self.unread) {
                return Some(message::head(&self.unread.drain(..end).collect::<Vec<u8>>()));
            }
            self.read_more().await?;
        }
    }

    async fn content(&mut self, head: &Message, entry: &mut Entry, most: u64) -> Ending {
        let framing = message::request_framing(head);
        let mut left = if let Framing::Length(length) = framing { length } else { 0 };
        loop {
            if framing == Framing::Chunked && left == 0 {
                match self.chunk_size().await {
                    None => return Ending::Cut,
                    Some(0) => return if self.line().await.is_some() { Ending::Whole } else { Ending::Cut },
                    Some(size) => left = size,
                }
            }
            if left == 0 {
                return Ending::Whole;
            }
            if self.unread.is_empty() && self.read_more().await.is_none() {
                return Ending::Cut;
            }
            let piece: Vec<u8> = self.unread.drain(..left.min(self.unread.len())).collect();
            left -= piece.len();
            entry.update(&piece);
            if entry.octets >= most {
                return Ending::GivenUp;
            }
            if framing == Framing::Chunked && left == 0 && self.line().await.is_none() {
                return Ending::Cut;
            }
        }
    }

    async fn chunk_size(&mut self) -> Option<usize> {
        let line = self.line().await?;
        Some(usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("chunk size {line:?}")))
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") {
                let line = self.unread.drain(..end + 2).take(end).collect::<Vec<u8>>();
                return Some(message::text(&line));
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Option<()> {
        let mut room = vec![0; 64 * 1024];
        let read = self.stream.read(&mut room).await.ok().filter(|read| *read > 0)?;
        self.unread.extend_from_slice(&room[..read]);
        Some(())
    }
}

async fn http2(stream: TcpStream, heard: Record, answer: Answer) {
    let mut builder = h2::server::Builder::new();
    builder.initial_window_size(1 << 20).initial_connection_window_size(1 << 22);
    let Ok(mut connection) = builder.handshake(stream).await else { return };
    let mut exchanges = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (head, content) = request.into_parts();
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| (name.to_string(), message::text(value.as_bytes()));
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let entry = Entry::new(&heard, head.method.as_str(), target, head.headers.iter().map(text).collect());
        exchanges.spawn(exchange(content, respond, entry, answer));
    }
}

/// A gateway that is gone needs no answer: failures to answer are passed over.
async fn exchange(mut content: RecvStream, mut respond: SendResponse<Bytes>, mut entry: Entry, answer: Answer) {
    let head = || {
        let head = http::Response::builder().header("x-witness", "here").header("x-wss-authinfo", "nonce=\"0123456789abcdef\"");
        head.body(()).unwrap()
    };
    let ok = Bytes::from_static(b"ok");
    let mut begun = None;
    match answer {
        Answer::First | Answer::HeadFirst => begun = respond.send_response(head(), false).ok(),
        Answer::Interim => drop(respond.send_informational(http::Response::builder().status(100).body(()).unwrap())),
        Answer::Last | Answer::Never { .. } | Answer::Switch => {}
    }
    if let (Answer::First, Some(begun)) = (answer, &mut begun) {
        let _ = begun.send_data(ok.clone(), true);
    }
    let most = if let Answer::Never { after } = answer { after } else { u64::MAX };
    let ending = hear(&mut content, &mut entry, most).await;
    entry.end(ending);
    match ending {
        Ending::Whole if answer == Answer::First => {}
        Ending::Whole => {
            let begun = begun.or_else(|| respond.send_response(head(), false).ok());
            let _ = begun.map(|mut begun| begun.send_data(ok, true));
        }
        Ending::GivenUp => respond.send_reset(Reason::INTERNAL_ERROR),
        Ending::Open | Ending::Reset(_) | Ending::Cut => {}
    }
}

async fn hear(content: &mut RecvStream, entry: &mut Entry, most: u64) -> Ending {
    while let Some(piece) = content.data().await {
        match piece {
            Ok(piece) => {
                let _ = content.flow_control().release_capacity(piece.len());
                entry.update(&piece);
                if entry.octets >= most {
                    return Ending::GivenUp;
                }
            }
            Err(error) => return error.reason().filter(|_| error.is_reset()).map_or(Ending::Cut, |reason| Ending::Reset(reason.into())),
        }
    }
    Ending::Whole
}
