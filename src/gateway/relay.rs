//! The short way: a request without content goes to a server of plain HTTP/1.1, and the answer comes back.
//!
//! Pingora lets content flow both ways at the same time, and pays for it with tasks, queues and copies of the head
//! that most requests do not need. What is not plain goes Pingora's way, and so does every further attempt.

use super::denial::{Denial, UpstreamProblem};
use super::exchange::{Exchange, Passage};
use super::pool::PoolServer;
use super::upstream::{self, Reuse};
use super::watch::{self, Lapsed};
use super::{record, wire};
use crate::clock;
use bytes::BytesMut;
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
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Relays an admitted request, if it is plain. Whether it was answered; if not, Pingora takes it from here.
pub(super) async fn relay(session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
    let Some(head) = plain_head(session, exchange) else { return Ok(false) };
    let Err(error) = attempt(session, exchange, &head).await else { return Ok(true) };
    if error.retry() { Ok(false) } else { Err(error) }
}

/// The head for the server, where nothing but a head goes there, and over a connection that is watched.
fn plain_head(session: &mut Session, exchange: &Exchange) -> Option<BytesMut> {
    let alone = matches!(exchange.passage, Passage::Streaming) && session.as_downstream_mut().is_body_empty();
    let plain = alone && session.as_downstream().as_http1().is_some() && watch::is_on() && upstream::pool(exchange)?.is_plain();
    let (permit, route) = (exchange.permit().ok()?, exchange.route()?);
    // A signature is made of a head, and here there are only its octets.
    if plain && route.signer.is_none() {
        wire::plain_head(session.req_header(), permit.plan(), route, &exchange.live.snapshot)
    } else {
        None
    }
}

/// One attempt; an error says whether another one may follow.
async fn attempt(session: &mut Session, exchange: &mut Exchange, head: &[u8]) -> Result<()> {
    let server = upstream::select(exchange).map_err(|problem| exchange.fail(Denial::Upstream(problem)))?;
    let (stream, reuse) = match server.kept().take() {
        Some(stream) => (stream, Reuse::Kept),
        None => match connect(&server, exchange).await {
            Ok(stream) => (stream, Reuse::New),
            Err(error) => return Err(upstream::connect_failed(session, exchange, error.into_up())),
        },
    };
    match converse(session, exchange, &server, stream, head).await {
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

/// Sends the head, and passes the answer on as it comes.
async fn converse(session: &mut Session, exchange: &mut Exchange, server: &PoolServer, mut stream: Stream, head: &[u8]) -> Result<()> {
    let options = &server.peer().options;
    send(&mut stream, head, options.write_timeout.unwrap_or(Duration::MAX)).await.map_err(Error::into_up)?;
    let mut origin = ServerSide::new_with_options(stream, server.peer());
    let patience = options.read_timeout.unwrap_or(Duration::MAX);
    loop {
        heard(origin.read_response(), client(session)?, patience).await?;
        let answer = answer(&mut origin, session, exchange)?;
        let interim = answer.status.is_informational();
        client(session)?.write_response_header(answer).await.map_err(Error::into_down)?;
        if !interim {
            break;
        }
    }
    let client = client(session)?;
    while let Some(piece) = heard(origin.read_body_ref(), client, patience).await? {
        client.write_body(piece).await.map_err(Error::into_down)?;
    }
    client.finish_body().await.map_err(Error::into_down)?;
    origin.respect_keepalive();
    if let Some(stream) = origin.reuse().await {
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

async fn send(stream: &mut Stream, head: &[u8], patience: Duration) -> Result<()> {
    let sent = async {
        stream.write_all(head).await?;
        stream.flush().await
    };
    let sent = watch::within(patience, sent).await.map_err(|Lapsed| Error::new(WriteTimedout))?;
    sent.map_err(|error| Error::because(WriteError, "sending the head", error))
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
