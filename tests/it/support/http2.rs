//! A well-behaved HTTP/2 client, in clear text by prior knowledge and over TLS.

use super::certificates::Authority;
use super::raw::Wire;
use super::within;
use bytes::{Bytes, BytesMut};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest, handshake};
use http::{HeaderMap, Request, StatusCode};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// One connection.
pub(crate) struct Http2Client {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

/// An answer, complete.
#[derive(Debug)]
pub(crate) struct Http2Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) content: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

impl Http2Answer {
    /// The value of a field as text.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Drop for Http2Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Http2Client {
    /// Connects in clear text.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(to)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(Box::new(stream)).await
    }

    /// Connects over TLS with ALPN `h2`.
    pub(crate) async fn tls(to: SocketAddr, name: &str, authority: &Authority) -> Self {
        let stream = authority.connect(to, name, &[b"h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "the gateway did not choose HTTP/2");
        Self::over(Box::new(stream)).await
    }

    /// Takes over a connection that stands.
    pub(crate) async fn over(stream: Box<dyn Wire>) -> Self {
        let (requests, connection) = within("an HTTP/2 handshake", handshake(stream)).await.unwrap();
        // Errors of the connection are errors of its streams, too.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self { requests, driver }
    }

    /// A GET with further fields.
    pub(crate) async fn fetch(&mut self, uri: &str, fields: &[(&str, &str)]) -> Result<Http2Answer, h2::Error> {
        self.ask("GET", uri, fields, b"", &[]).await
    }

    /// Begins a request whose content is sent piece by piece.
    pub(crate) async fn begin(&mut self, method: &str, uri: &str, fields: &[(&str, &str)]) -> Http2Exchange {
        let mut request = Request::builder().method(method).uri(uri).version(http::Version::HTTP_2);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut requests = within("a stream", self.requests.clone().ready()).await.unwrap();
        let (answer, content) = requests.send_request(request.body(()).unwrap(), false).unwrap();
        Http2Exchange { answer, content }
    }

    /// A request with content and trailers, where there are any.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        uri: &str,
        fields: &[(&str, &str)],
        content: &[u8],
        trailers: &[(&str, &str)],
    ) -> Result<Http2Answer, h2::Error> {
        let mut request = Request::builder().method(method).uri(uri).version(http::Version::HTTP_2);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let ends = content.is_empty() && trailers.is_empty();
        let exchange = async {
            let mut requests = self.requests.clone().ready().await?;
            let (response, mut stream) = requests.send_request(request.body(()).unwrap(), ends)?;
            if !content.is_empty() {
                stream.send_data(Bytes::copy_from_slice(content), trailers.is_empty())?;
            }
            if !trailers.is_empty() {
                stream.send_trailers(field_map(trailers))?;
            }
            read(response.await?).await
        };
        within("an answer over HTTP/2", exchange).await
    }
}

/// A request that is not complete. Dropping it gives it up.
pub(crate) struct Http2Exchange {
    answer: ResponseFuture,
    content: SendStream<Bytes>,
}

impl Http2Exchange {
    /// Sends a piece.
    pub(crate) fn send(&mut self, piece: &[u8]) {
        self.content.send_data(Bytes::copy_from_slice(piece), false).unwrap();
    }

    /// Whether nothing is answered for so long.
    pub(crate) async fn is_silent_for(&mut self, pause: Duration) -> bool {
        tokio::time::timeout(pause, &mut self.answer).await.is_err()
    }

    /// Sends the last piece; the answer.
    pub(crate) async fn end(mut self, piece: &[u8]) -> Result<Http2Answer, h2::Error> {
        self.content.send_data(Bytes::copy_from_slice(piece), true)?;
        within("an answer over HTTP/2", async { read(self.answer.await?).await }).await
    }

    /// The answer, while the content is not whole.
    pub(crate) async fn answer(&mut self) -> Result<Http2Answer, h2::Error> {
        within("an answer over HTTP/2", async { read((&mut self.answer).await?).await }).await
    }

    /// Whether the gateway gives the request up within so long, instead of reading on.
    pub(crate) async fn is_reset_within(&mut self, pause: Duration) -> bool {
        let reset = std::future::poll_fn(|context| self.content.poll_reset(context));
        tokio::time::timeout(pause, reset).await.is_ok()
    }

    /// Gives the request up.
    pub(crate) fn reset(mut self) {
        self.content.send_reset(h2::Reason::CANCEL);
    }
}

fn field_map(fields: &[(&str, &str)]) -> HeaderMap {
    let typed = |(name, value): &(&str, &str)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    fields.iter().map(typed).collect()
}

async fn read(response: http::Response<h2::RecvStream>) -> Result<Http2Answer, h2::Error> {
    let (head, mut stream) = response.into_parts();
    let mut content = BytesMut::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        // The window is given back so that long answers go on.
        stream.flow_control().release_capacity(piece.len())?;
        content.extend_from_slice(&piece);
    }
    let trailers = stream.trailers().await?.unwrap_or_default();
    Ok(Http2Answer { status: head.status, fields: head.headers, content: content.to_vec(), trailers })
}

/// A request as an HTTP/2 backend got it.
#[derive(Clone, Debug)]
pub(crate) struct Http2Request {
    pub(crate) head: http::request::Parts,
    pub(crate) content: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

/// A backend that speaks HTTP/2 in clear text, writes down every request and answers 200 `ok`.
pub(crate) struct Http2Upstream {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Http2Request>>>,
    serving: JoinHandle<()>,
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Http2Upstream {
    /// Starts it.
    pub(crate) async fn start() -> Self {
        let address = super::ports::free();
        let listener = TcpListener::bind(address).await.unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let ours = Arc::clone(&requests);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&ours)));
            }
        });
        Self { address, requests, serving }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Http2Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, requests: Arc<Mutex<Vec<Http2Request>>>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let (head, mut stream) = request.into_parts();
            let mut content = Vec::new();
            while let Some(Ok(piece)) = stream.data().await {
                content.extend_from_slice(&piece);
            }
            let trailers = stream.trailers().await.ok().flatten().unwrap_or_default();
            requests.lock().unwrap().push(Http2Request { head, content, trailers });
            // A gateway that is gone needs no answer.
            if let Ok(mut answer) = respond.send_response(http::Response::new(()), false) {
                let _ = answer.send_data(Bytes::from_static(b"ok"), true);
            }
        });
    }
}
