//! Sending a request whose content is at hand, to a server that may speak before it has heard everything.

use super::watch::{self, Lapsed};
use async_trait::async_trait;
use bytes::{Buf, Bytes};
use pingora::Error;
use pingora::ErrorType::{ConnectionClosed, WriteError, WriteTimedout};
use pingora::protocols::l4::stream::Stream as RawStream;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest, UniqueID, UniqueIDType,
};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// How sending ended.
pub(super) enum Sent {
    /// All of it is on its way.
    Whole,
    /// The server took no more for now, and has spoken: the rest goes on while its answer is read.
    Interrupted { said: Bytes, unsent: VecDeque<Bytes> },
    /// No more of it can be sent. The server may have heard enough, and have answered.
    Broken(Box<Error>),
}

/// Sends all of it, at once as far as the connection takes it.
pub(super) async fn send(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), pieces: &[&Bytes], patience: Duration) -> Sent {
    let mut left: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let (mut left, mut sent) = (&mut *left, 0_usize);
    while !left.is_empty() {
        let step = poll_fn(|context| step(stream, left, context));
        let problem = match watch::within(patience, step).await {
            Ok(Ok(Step::Sent(octets @ 1..))) => {
                sent = sent.saturating_add(octets);
                IoSlice::advance_slices(&mut left, octets);
                continue;
            }
            Ok(Ok(Step::Heard(said))) if !said.is_empty() => return Sent::Interrupted { said, unsent: behind(sent, pieces) },
            Ok(Ok(Step::Heard(_))) => Error::new(ConnectionClosed),
            Ok(Ok(Step::Sent(_))) => Error::new(WriteError),
            Ok(Err(error)) => Error::because(WriteError, "sending a request", error),
            Err(Lapsed) => Error::new(WriteTimedout),
        };
        return Sent::Broken(problem.into_up());
    }
    Sent::Whole
}

/// What is behind so many octets.
fn behind(mut octets: usize, pieces: &[&Bytes]) -> VecDeque<Bytes> {
    let rest = pieces.iter().map(|piece| {
        let before = octets.min(piece.len());
        octets = octets.saturating_sub(before);
        piece.slice(before..)
    });
    rest.filter(|piece| !piece.is_empty()).collect()
}

enum Step {
    /// So much more was sent.
    Sent(usize),
    /// The server said this before it took more; nothing where it has closed its side.
    Heard(Bytes),
}

fn step(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), left: &[IoSlice<'_>], context: &mut Context<'_>) -> Poll<io::Result<Step>> {
    if let Poll::Ready(sent) = Pin::new(&mut *stream).poll_write_vectored(context, left) {
        return Poll::Ready(sent.map(Step::Sent));
    }
    let mut octets = [MaybeUninit::uninit(); 1024];
    let mut said = ReadBuf::uninit(&mut octets);
    ready!(Pin::new(stream).poll_read(context, &mut said))?;
    Poll::Ready(Ok(Step::Heard(Bytes::copy_from_slice(said.filled()))))
}

/// A connection whose request goes on while its answer is read: whoever only reads would wait for a server that waits for
/// the rest.
pub(super) struct BothWays {
    stream: Box<RawStream>,
    unsent: VecDeque<Bytes>,
    /// How long the server may say nothing after it has taken something.
    patience: Duration,
    /// Why no more can be sent.
    broken: Option<io::Error>,
}

/// What is unsent may hold credentials.
impl fmt::Debug for BothWays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BothWays(…)")
    }
}

/// Whether nothing of the request on this connection is left to be sent.
pub(super) fn is_whole(stream: &Stream) -> bool {
    stream.as_any().downcast_ref::<BothWays>().is_none_or(|both| both.unsent.is_empty())
}

/// Sends what is left of a request after its answer, for so long at most, and closes the connection: how far its server
/// is behind, nobody can tell. The client does not wait for it. What counts the octets is given back at the end.
pub(super) fn complete(stream: Stream, counted: impl Send + 'static, most: Duration) {
    let Ok(both) = stream.into_any().downcast::<BothWays>() else { return };
    let BothWays { mut stream, unsent, .. } = *both;
    tokio::spawn(async move {
        let rest = async {
            for piece in unsent {
                stream.write_all(&piece).await?;
            }
            stream.flush().await
        };
        // Its answer was told already, whatever becomes of this.
        let _ = timeout(most, rest).await;
        drop(counted);
    });
}

impl BothWays {
    pub(super) const fn new(stream: Box<RawStream>, unsent: VecDeque<Bytes>, patience: Duration) -> Self {
        Self { stream, unsent, patience, broken: None }
    }

    /// A connection that takes no more. What was heard of a reset is told again where its answer ends.
    pub(super) fn broken(stream: Box<RawStream>, problem: &Error) -> Self {
        let cause = problem.cause.as_ref().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        let broken = cause.filter(|kind| *kind == ErrorKind::ConnectionReset).map(io::Error::from);
        Self { stream, unsent: VecDeque::new(), patience: Duration::ZERO, broken }
    }

    /// Sends as much as the connection takes.
    fn go_on(&mut self, context: &mut Context<'_>) {
        while self.broken.is_none()
            && let Some(piece) = self.unsent.front_mut()
        {
            match Pin::new(&mut self.stream).poll_write(context, piece) {
                Poll::Ready(Ok(0)) => self.broken = Some(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(octets)) => {
                    piece.advance(octets);
                    watch::expect_server(self.patience);
                }
                Poll::Ready(Err(error)) => self.broken = Some(error),
                Poll::Pending => return,
            }
            if piece.is_empty() {
                self.unsent.pop_front();
            }
        }
    }
}

impl AsyncRead for BothWays {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.go_on(context);
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        // The reset of a connection is told once, to whoever asks first. What ends with it is not complete.
        let broken = if into.filled().len() == before { self.broken.take() } else { None };
        Poll::Ready(broken.map_or(Ok(()), Err))
    }
}

impl AsyncWrite for BothWays {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[async_trait]
impl Shutdown for BothWays {
    async fn shutdown(&mut self) {
        Shutdown::shutdown(&mut *self.stream).await;
    }
}

impl UniqueID for BothWays {
    fn id(&self) -> UniqueIDType {
        self.stream.id()
    }
}

impl Ssl for BothWays {}

impl Peek for BothWays {}

impl GetTimingDigest for BothWays {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_timing_digest()
    }
}

impl GetProxyDigest for BothWays {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_proxy_digest()
    }
}

impl GetSocketDigest for BothWays {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_socket_digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::watch::Patrol;
    use pingora::ErrorSource;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};
    use tokio::net::{TcpListener, TcpStream};

    const LONG: Duration = Duration::from_secs(60);

    /// Sends 60,000 octets to a server that takes a thousand at a time.
    async fn sending(patience: Duration, server: impl AsyncFnOnce(DuplexStream)) -> Sent {
        let (mut near, far) = duplex(1000);
        let patrol = Arc::new(Patrol::default());
        let rounds = tokio::spawn(Arc::clone(&patrol).run());
        let pieces = [Bytes::from_static(&[b'h'; 10]), Bytes::from_static(b"c"), Bytes::new(), Bytes::from_static(&[b'c'; 59_989])];
        let pieces: Vec<_> = pieces.iter().collect();
        let (sent, ()) = tokio::join!(patrol.begin().over(send(&mut near, &pieces, patience)), server(far));
        rounds.abort();
        sent.unwrap()
    }

    #[tokio::test]
    async fn all_of_it_is_sent_in_its_order() {
        let hear = async |mut server: DuplexStream| {
            let mut heard = vec![0; 60_000];
            server.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, [&[b'h'; 10][..], &[b'c'; 59_990]].concat());
        };
        assert!(matches!(sending(LONG, hear).await, Sent::Whole));
    }

    #[tokio::test]
    async fn a_server_that_hears_no_more_may_have_answered() {
        let deaf = async |server: DuplexStream| {
            tokio::time::sleep(Duration::from_millis(800)).await;
            drop(server);
        };
        let Sent::Broken(problem) = sending(Duration::from_millis(100), deaf).await else { panic!() };
        assert_eq!((problem.etype(), problem.esource()), (&WriteTimedout, &ErrorSource::Upstream));
        let closed = async |server: DuplexStream| drop(server);
        let Sent::Broken(problem) = sending(LONG, closed).await else { panic!() };
        assert_eq!((problem.etype(), problem.esource()), (&WriteError, &ErrorSource::Upstream));
        let silent = async |mut server: DuplexStream| {
            AsyncWriteExt::shutdown(&mut server).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let Sent::Broken(problem) = sending(LONG, silent).await else { panic!() };
        assert_eq!((problem.etype(), problem.esource()), (&ConnectionClosed, &ErrorSource::Upstream));
    }

    #[tokio::test]
    async fn a_server_that_speaks_first_is_heard() {
        let speak = async |mut server: DuplexStream| {
            let mut heard = [0; 5];
            server.read_exact(&mut heard).await.unwrap();
            server.write_all(b"enough").await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let Sent::Interrupted { said, unsent } = sending(LONG, speak).await else { panic!() };
        assert_eq!(said, "enough");
        let left: usize = unsent.iter().map(Bytes::len).sum();
        assert!((58_000..60_000).contains(&left) && unsent.iter().all(|piece| !piece.is_empty()), "{left}");
    }

    #[test]
    fn what_is_left_begins_where_sending_stopped() {
        let pieces = [Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"cd")];
        let pieces: Vec<_> = pieces.iter().collect();
        for (octets, left) in [(0, &["ab", "cd"][..]), (1, &["b", "cd"]), (2, &["cd"]), (3, &["d"]), (4, &[])] {
            assert_eq!(behind(octets, &pieces), left, "{octets}");
        }
    }

    /// Two ends of a connection.
    async fn pair() -> (Box<RawStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Box::new(RawStream::from(near)), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn the_rest_goes_on_while_somebody_reads() {
        let (stream, mut far) = pair().await;
        // More than the buffers of any two sockets take.
        let unsent = VecDeque::from([Bytes::from(vec![b'a'; 20 << 20]), Bytes::from_static(b"end")]);
        let length = (20 << 20) + 3;
        let mut both = BothWays::new(stream, unsent, LONG);
        let server = async {
            let mut heard = vec![0; length];
            far.read_exact(&mut heard).await.unwrap();
            assert!(heard.ends_with(b"aend"));
            far.write_all(b"done").await.unwrap();
        };
        let mut said = [0; 4];
        let (read, ()) = tokio::join!(both.read_exact(&mut said), server);
        assert_eq!((read.unwrap(), &said), (4, b"done"));
        let both: Stream = Box::new(both);
        assert!(is_whole(&both));
    }

    #[tokio::test]
    async fn what_ends_with_a_reset_is_not_complete() {
        let (stream, far) = pair().await;
        let mut both = BothWays::new(stream, VecDeque::from([Bytes::from(vec![b'a'; 20 << 20])]), LONG);
        drop(far);
        assert!(both.read(&mut [0; 4]).await.is_err());
        for (kind, is_told) in [(ErrorKind::ConnectionReset, true), (ErrorKind::BrokenPipe, false)] {
            let (stream, far) = pair().await;
            drop(far);
            let problem = Error::because(WriteError, "sending a request", io::Error::from(kind));
            assert_eq!(BothWays::broken(stream, &problem).read(&mut [0; 4]).await.is_err(), is_told, "{kind}");
        }
    }

    #[tokio::test]
    async fn the_rest_is_sent_after_the_answer_and_then_the_connection_ends() {
        let (stream, mut far) = pair().await;
        let both: Stream = Box::new(BothWays::new(stream, VecDeque::from([Bytes::from(vec![b'a'; 20 << 20])]), LONG));
        assert!(!is_whole(&both));
        let (counted, mut given_back) = tokio::sync::oneshot::channel::<()>();
        complete(both, counted, LONG);
        assert!(given_back.try_recv().is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Empty));
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard.len(), 20 << 20);
        assert!(given_back.await.is_err());
        // A server that reads no more is waited for no longer than that.
        let (stream, _far) = pair().await;
        let (counted, given_back) = tokio::sync::oneshot::channel::<()>();
        let both = BothWays::new(stream, VecDeque::from([Bytes::from(vec![b'a'; 20 << 20])]), LONG);
        complete(Box::new(both), counted, Duration::from_millis(50));
        assert!(given_back.await.is_err());
    }
}
