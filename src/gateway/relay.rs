//! The short way: a request whose content is at hand, or that has none, goes to a server of plain HTTP/1.1, and the
//! answer comes back.
//!
//! Pingora lets content flow both ways at the same time, and pays for it with queues and copies of the head that most
//! requests do not need. What is not plain goes Pingora's way, and so does every further attempt.

use super::content::{self, Room, Source};
use super::denial::{ContentProblem, Denial, UpstreamProblem};
use super::exchange::Exchange;
use super::pool::PoolServer;
use super::upstream::{self, Reuse};
use super::watch::{self, Lapsed};
use super::{record, wire};
use crate::clock;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use pingora::ErrorType::{
    ConnectError, ConnectRefused, ConnectTimedout, ConnectionClosed, InternalError, ReadTimedout, WriteError, WriteTimedout,
};
use pingora::http::ResponseHeader;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v1::client::HttpSession as ServerSide;
use pingora::protocols::http::v1::server::HttpSession as ClientSide;
use pingora::protocols::l4::stream::Stream as RawStream;
use pingora::proxy::Session;
use pingora::{Error, Result};
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relayed {
    /// It was answered.
    Answered,
    /// It is Pingora's: it is not plain, or another attempt may follow.
    Left,
}

/// How large a content may be. Beyond what the buffers of two sockets take for sure, a server that answers before it has
/// read everything, and reads no more, has to be heard while it is being sent to.
const LITTLE: usize = 64 << 10;

/// Reads a content that would stream, where it is little and its way is plain but for that.
///
/// # Errors
/// It is slower than the limits allow, or broken off.
pub(super) async fn gather(
    session: &mut Session,
    exchange: &Exchange,
    source: Option<Source>,
    room: &Arc<Room>,
) -> Result<Option<Source>, ContentProblem> {
    if source.is_some() || !is_plain(session, exchange) {
        return Ok(source);
    }
    let most = u64::try_from(LITTLE).unwrap_or(u64::MAX);
    content::gather(session, most, room, &exchange.live.snapshot.limits).await
}

/// Relays an admitted request, if it is plain.
pub(super) async fn relay(session: &mut Session, exchange: &mut Exchange, source: Option<&Source>) -> Result<Relayed> {
    let Some(content) = at_hand(session, source) else { return Ok(Relayed::Left) };
    let Some(head) = plain_head(session, exchange) else { return Ok(Relayed::Left) };
    match attempt(session, exchange, Request { head: &head, content }).await {
        Ok(()) => Ok(Relayed::Answered),
        Err(error) if error.retry() => Ok(Relayed::Left),
        Err(error) => Err(error),
    }
}

/// All that goes to the server.
#[derive(Clone, Copy)]
struct Request<'a> {
    head: &'a [u8],
    content: &'a [Bytes],
}

/// The content, where there is none or where a little of it waits in memory.
fn at_hand<'s>(session: &mut Session, source: Option<&'s Source>) -> Option<&'s [Bytes]> {
    match source {
        None => session.as_downstream_mut().is_body_empty().then_some(&[]),
        Some(Source::Kept(spool)) => spool.in_memory().filter(|pieces| pieces.iter().map(Bytes::len).sum::<usize>() <= LITTLE),
        Some(Source::Proving(_)) => None,
    }
}

/// Whether client and server speak plain HTTP/1.1 with us, and the connection is watched.
fn is_plain(session: &Session, exchange: &Exchange) -> bool {
    let sides = session.as_downstream().as_http1().is_some() && upstream::pool(exchange).is_some_and(|pool| pool.is_plain());
    // A signature is made of a head, and on the short way there are only its octets.
    sides && watch::is_on() && exchange.route().is_some_and(|route| route.signer.is_none())
}

/// The head for the server, where it and the way there are plain.
fn plain_head(session: &Session, exchange: &Exchange) -> Option<BytesMut> {
    let (permit, route) = (exchange.permit().ok()?, exchange.route()?);
    let head = || wire::plain_head(session.req_header(), permit.plan(), route, &exchange.live.snapshot);
    is_plain(session, exchange).then(head).flatten()
}

/// One attempt; an error says whether another one may follow.
async fn attempt(session: &mut Session, exchange: &mut Exchange, request: Request<'_>) -> Result<()> {
    let server = upstream::select(exchange).map_err(|problem| exchange.fail(Denial::Upstream(problem)))?;
    let (stream, reuse) = match server.kept().take() {
        Some(stream) => (stream, Reuse::Kept),
        None => match connect(&server, exchange).await {
            Ok(stream) => (stream, Reuse::New),
            Err(error) => return Err(upstream::connect_failed(session, exchange, error.into_up())),
        },
    };
    match converse(session, exchange, (&server, stream), request).await {
        Ok(()) => Ok(()),
        Err(error) => Err(upstream::attempt_failed(session, exchange, error, reuse)),
    }
}

async fn connect(server: &PoolServer, exchange: &Exchange) -> Result<Stream> {
    let began = clock::instant();
    let patience = server.peer().options.connection_timeout.unwrap_or(Duration::MAX);
    let connected = timeout(patience, TcpStream::connect(server.address())).await.map_err(|_| Error::new(ConnectTimedout))?;
    let stream = connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)).map_err(|error| {
        let kind = if error.kind() == ErrorKind::ConnectionRefused { ConnectRefused } else { ConnectError };
        Error::because(kind, "connecting", error)
    })?;
    record::connected(began.elapsed(), exchange);
    Ok(Box::new(RawStream::from(stream)))
}

/// Sends the request, and passes the answer on as it comes.
async fn converse(
    session: &mut Session,
    exchange: &mut Exchange,
    (server, mut stream): (&PoolServer, Stream),
    request: Request<'_>,
) -> Result<()> {
    let options = &server.peer().options;
    let sent = send(&mut stream, request, options.write_timeout.unwrap_or(Duration::MAX)).await?;
    let mut origin = ServerSide::new_with_options(stream, server.peer());
    let patience = options.read_timeout.unwrap_or(Duration::MAX);
    loop {
        if let Err(silence) = heard(origin.read_response(), client(session)?, patience).await {
            return Err(sent.err().unwrap_or(silence));
        }
        let answer = answer(&mut origin, session, exchange)?;
        let interim = upstream::is_interim(answer.status);
        let slowest = exchange.live.snapshot.limits.send_timeout.duration();
        let told = watch::within(slowest, client(session)?.write_response_header(answer)).await;
        told.map_err(|Lapsed| Error::new(WriteTimedout)).flatten().map_err(Error::into_down)?;
        if !interim {
            break;
        }
    }
    let client = client(session)?;
    while let Some(piece) = heard(origin.read_body_ref(), client, patience).await? {
        // Of a chunk only its frame may have come. An empty piece would be written as the last chunk (RFC 9112 §7.1).
        if !piece.is_empty() {
            client.write_body(piece).await.map_err(Error::into_down)?;
        }
    }
    client.finish_body().await.map_err(Error::into_down)?;
    origin.respect_keepalive();
    if let (Some(stream), Ok(())) = (origin.reuse().await, sent) {
        server.kept().keep(stream);
    }
    Ok(())
}

fn client(session: &mut Session) -> Result<&mut ClientSide> {
    match session.as_downstream_mut() {
        ServerSession::H1(client) => Ok(client),
        ServerSession::H2(_) | ServerSession::Subrequest(_) | ServerSession::Custom(_) => Err(Error::new(InternalError)),
    }
}

/// Sends all of it, at once as far as the connection takes it. A server that has heard enough may have closed its side
/// and answered: what it could not be sent is then a problem only if there is no answer.
async fn send(stream: &mut Stream, request: Request<'_>, patience: Duration) -> Result<Result<()>> {
    let pieces = std::iter::once(request.head).chain(request.content.iter().map(|piece| &**piece));
    let mut left: Vec<_> = pieces.map(IoSlice::new).collect();
    let mut left = &mut *left;
    while !left.is_empty() {
        let sent = watch::within(patience, stream.write_vectored(left)).await.map_err(|Lapsed| Error::new_up(WriteTimedout))?;
        match sent {
            Ok(0) => return Ok(Error::e_explain(WriteError, "sending a request").map_err(Error::into_up)),
            Ok(octets) => IoSlice::advance_slices(&mut left, octets),
            Err(error) => return Ok(Err(Error::because(WriteError, "sending a request", error).into_up())),
        }
    }
    Ok(Ok(()))
}

/// Waits for the server, and for the client to go away.
async fn heard<T>(sent: impl Future<Output = Result<T>>, client: &mut ClientSide, patience: Duration) -> Result<T> {
    tokio::select! {
        biased;
        sent = watch::within(patience, sent) => sent.map_err(|Lapsed| Error::new(ReadTimedout)).flatten().map_err(Error::into_up),
        gone = client.read_body_or_idle(true) => Err(gone.err().unwrap_or_else(|| Error::new(ConnectionClosed)).into_down()),
    }
}

/// The head of the answer as the client gets it.
fn answer(origin: &mut ServerSide, session: &Session, exchange: &mut Exchange) -> Result<Box<ResponseHeader>> {
    let mut head = origin.resp_header().cloned().map(Box::new).ok_or_else(|| Error::new(InternalError))?;
    upstream::admit_switch(session, &head).map_err(|problem: UpstreamProblem| exchange.fail(Denial::Upstream(problem)))?;
    let bare = head.status.is_informational() || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framed = head.headers.contains_key(TRANSFER_ENCODING) || head.headers.contains_key(CONTENT_LENGTH);
    if !bare && !framed && !origin.is_body_done() {
        // What ends with its connection is sent on in chunks, so that the client's need not end.
        head.set_version(Version::HTTP_11);
        head.insert_header(TRANSFER_ENCODING, "chunked")?;
    }
    upstream::answered(&mut head, exchange)?;
    Ok(head)
}
