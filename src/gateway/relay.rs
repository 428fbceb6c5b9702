//! The short way: a request whose content is at hand, or that has none, goes to a server of plain HTTP/1.1, and the
//! answer comes back.
//!
//! Pingora lets content flow both ways at the same time, and pays for it with queues and copies of the head that most
//! requests do not need. What is not plain goes Pingora's way, and so does every further attempt.

use super::answer::{self, Answer, Said};
use super::content::{self, Room, Source};
use super::denial::{ContentProblem, Denial, UpstreamProblem};
use super::exchange::Exchange;
use super::pool::PoolServer;
use super::sending::{self, BothWays, Sent};
use super::upstream::{self, Reuse};
use super::watch::{self, Lapsed};
use super::{record, wire};
use crate::clock;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use pingora::ErrorType::{ConnectError, ConnectRefused, ConnectTimedout, ConnectionClosed, InternalError, ReadTimedout, WriteTimedout};
use pingora::http::ResponseHeader;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v1::client::HttpSession as ServerSide;
use pingora::protocols::http::v1::server::HttpSession as ClientSide;
use pingora::protocols::l4::stream::Stream as RawStream;
use pingora::proxy::Session;
use pingora::{Error, Result};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What became of a request.
#[allow(clippy::large_enum_variant, reason = "it is looked at where it is returned, and kept nowhere")]
pub(super) enum Relayed {
    /// It was answered.
    Answered,
    /// It is Pingora's: it is not plain, or another attempt may follow. What was read of its content comes back.
    Left(Option<Source>),
}

/// How large a content may be that is read only for this: a larger one is better on its way while it comes.
const LITTLE: u64 = 64 << 10;

/// Relays an admitted request, if it is plain. A little content that would stream is read first.
pub(super) async fn relay(session: &mut Session, exchange: &mut Exchange, source: Option<Source>, room: &Arc<Room>) -> Result<Relayed> {
    if !can_be_at_hand(session, source.as_ref()) {
        return Ok(Relayed::Left(source));
    }
    let Some(head) = plain_head(session, exchange) else { return Ok(Relayed::Left(source)) };
    let Some(mut content) = at_hand(session, exchange, source, room).await? else { return Ok(Relayed::Left(None)) };
    match attempt(session, exchange, &head, &mut content).await {
        Ok(()) => Ok(Relayed::Answered),
        Err(error) if error.retry() => Ok(Relayed::Left(content.0)),
        Err(error) => Err(error),
    }
}

/// A content that waits in memory, or none.
struct Content(Option<Source>);

impl Content {
    fn pieces(&self) -> &[Bytes] {
        match &self.0 {
            Some(Source::Kept(spool)) => spool.in_memory().unwrap_or_default(),
            Some(Source::Proving(_)) | None => &[],
        }
    }
}

/// Whether there is no content, or it waits in memory, or so little of it comes that it can be read at once.
fn can_be_at_hand(session: &mut Session, source: Option<&Source>) -> bool {
    match source {
        None if content::is_empty(session) => true,
        None => content::stated_length(session).is_some_and(|length| length <= LITTLE),
        Some(Source::Kept(spool)) => spool.in_memory().is_some(),
        Some(Source::Proving(_)) => false,
    }
}

/// The content; nothing where there is no room for it.
async fn at_hand(session: &mut Session, exchange: &mut Exchange, source: Option<Source>, room: &Arc<Room>) -> Result<Option<Content>> {
    if source.is_some() || content::is_empty(session) {
        return Ok(Some(Content(source)));
    }
    match content::gather(session, room, &exchange.live.snapshot.limits).await {
        Ok(gathered) => Ok(gathered.map(|source| Content(Some(source)))),
        // It has a stated length, so that nothing but the client can have ended it.
        Err(ContentProblem::Broken) => Err(Error::new(ConnectionClosed).into_down()),
        Err(problem) => Err(exchange.fail(Denial::BadContent(problem))),
    }
}

/// The head for the server, where it and the way there are plain, and the connection is watched.
fn plain_head(session: &Session, exchange: &Exchange) -> Option<Bytes> {
    let plain = session.as_downstream().as_http1().is_some() && watch::is_on() && upstream::pool(exchange)?.is_plain();
    let (permit, route) = (exchange.permit().ok()?, exchange.route()?);
    // A signature is made of a head, and here there are only its octets.
    if plain && route.signer.is_none() {
        wire::plain_head(session.req_header(), permit.plan(), route, &exchange.live.snapshot).map(Bytes::from)
    } else {
        None
    }
}

/// One attempt; an error says whether another one may follow.
async fn attempt(session: &mut Session, exchange: &mut Exchange, head: &Bytes, content: &mut Content) -> Result<()> {
    let server = upstream::select(exchange).map_err(|problem| exchange.fail(Denial::Upstream(problem)))?;
    let (stream, reuse) = match server.kept().take() {
        Some(stream) => (stream, Reuse::Kept),
        None => match connect(&server, exchange).await {
            Ok(stream) => (stream, Reuse::New),
            Err(error) => return Err(upstream::connect_failed(session, exchange, error.into_up())),
        },
    };
    match converse(session, exchange, (&server, stream), (head, content)).await {
        Ok(()) => Ok(()),
        Err(error) => Err(upstream::attempt_failed(session, exchange, error, reuse)),
    }
}

async fn connect(server: &PoolServer, exchange: &Exchange) -> Result<Box<RawStream>> {
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
    (server, mut stream): (&PoolServer, Box<RawStream>),
    (head, content): (&Bytes, &mut Content),
) -> Result<()> {
    let options = &server.peer().options;
    let pieces: Vec<_> = std::iter::once(head).chain(content.pieces()).collect();
    let sent = unless_gone(sending::send(&mut stream, &pieces, options.write_timeout.unwrap_or(Duration::MAX)), client(session)?).await?;
    let (patience, began) = (options.read_timeout.unwrap_or(Duration::MAX), clock::instant());
    match sent {
        Sent::Whole => {}
        Sent::Interrupted { said, unsent } => {
            stream.rewind(&said);
            let both_ways = Box::new(BothWays::new(stream, unsent, patience));
            let origin = pass_on(session, exchange, (server, both_ways), (Ok(()), patience), content).await?;
            let is_error = origin.resp_header().is_some_and(|head| head.status.is_client_error() || head.status.is_server_error());
            // Who answers with an error before it has heard everything need not hear the rest (RFC 9112 §9.5).
            if !is_error {
                sending::complete(origin.into_inner(), content.0.take(), options.write_timeout.unwrap_or(Duration::MAX));
            }
            return Ok(());
        }
        // An answer to what could not be sent is there already.
        Sent::Broken(problem) => {
            let stream = Box::new(BothWays::broken(stream, &problem));
            return pass_on(session, exchange, (server, stream), (Err(problem), Duration::ZERO), content).await.map(drop);
        }
    }
    match heard(answer::first(&mut stream), client(session)?, patience).await? {
        Said::All(answer) => {
            content.0 = None;
            // Its server is done, however slowly the client takes it.
            server.kept().keep(stream);
            pass_whole(session, exchange, answer).await
        }
        Said::Something(octets) => {
            stream.rewind(&octets);
            let wait = patience.saturating_sub(began.elapsed());
            let mut origin = pass_on(session, exchange, (server, stream), (Ok(()), wait), content).await?;
            origin.respect_keepalive();
            if let Some(stream) = origin.reuse().await
                && let Ok(stream) = stream.into_any().downcast()
            {
                server.kept().keep(stream);
            }
            Ok(())
        }
    }
}

/// Passes an answer on that came in one piece.
async fn pass_whole(session: &mut Session, exchange: &Exchange, Answer { mut head, content }: Answer) -> Result<()> {
    upstream::answered(&mut head, exchange)?;
    tell(session, exchange, head).await?;
    let client = client(session)?;
    if !content.is_empty() {
        client.write_body(&content).await.map_err(Error::into_down)?;
    }
    client.finish_body().await.map(drop).map_err(Error::into_down)
}

/// Passes any answer on, as it comes; its first head, after so long a wait at most. The connection comes back.
async fn pass_on(
    session: &mut Session,
    exchange: &mut Exchange,
    (server, stream): (&PoolServer, Stream),
    (sent, mut wait): (Result<()>, Duration),
    content: &mut Content,
) -> Result<ServerSide> {
    let mut origin = ServerSide::new_with_options(stream, server.peer());
    let patience = server.peer().options.read_timeout.unwrap_or(Duration::MAX);
    loop {
        if let Err(silence) = heard(origin.read_response(), client(session)?, wait).await {
            return Err(sent.err().unwrap_or(silence));
        }
        let answer = head_for_client(&mut origin, session, exchange)?;
        let interim = upstream::is_interim(answer.status);
        tell(session, exchange, answer).await?;
        if !interim {
            break;
        }
        if sent.is_ok() {
            wait = patience;
        }
    }
    // No other attempt can follow, and the answer may take its time.
    if sending::is_whole(origin.stream()) {
        content.0 = None;
    }
    let client = client(session)?;
    while let Some(piece) = heard(origin.read_body_ref(), client, patience).await? {
        // Of a chunk only its frame may have come. An empty piece would be written as the last chunk (RFC 9112 §7.1).
        if !piece.is_empty() {
            client.write_body(piece).await.map_err(Error::into_down)?;
        }
    }
    client.finish_body().await.map_err(Error::into_down)?;
    Ok(origin)
}

/// Writes the head of an answer, within the time that a client has to take it.
async fn tell(session: &mut Session, exchange: &Exchange, head: Box<ResponseHeader>) -> Result<()> {
    let slowest = exchange.live.snapshot.limits.send_timeout.duration();
    let told = watch::within(slowest, client(session)?.write_response_header(head)).await;
    told.map_err(|Lapsed| Error::new(WriteTimedout)).flatten().map_err(Error::into_down)
}

fn client(session: &mut Session) -> Result<&mut ClientSide> {
    match session.as_downstream_mut() {
        ServerSession::H1(client) => Ok(client),
        ServerSession::H2(_) | ServerSession::Subrequest(_) | ServerSession::Custom(_) => Err(Error::new(InternalError)),
    }
}

/// Waits for what the server sends, so long and while the client stays.
async fn heard<T>(sent: impl Future<Output = Result<T>>, client: &mut ClientSide, patience: Duration) -> Result<T> {
    let sent = unless_gone(watch::within(patience, sent), client).await?;
    sent.map_err(|Lapsed| Error::new(ReadTimedout)).flatten().map_err(Error::into_up)
}

/// Waits while the client stays.
async fn unless_gone<T>(done: impl Future<Output = T>, client: &mut ClientSide) -> Result<T> {
    tokio::select! {
        biased;
        done = done => Ok(done),
        gone = client.read_body_or_idle(true) => Err(gone.err().unwrap_or_else(|| Error::new(ConnectionClosed)).into_down()),
    }
}

/// The head of the answer as the client gets it.
fn head_for_client(origin: &mut ServerSide, session: &Session, exchange: &mut Exchange) -> Result<Box<ResponseHeader>> {
    let mut head = origin.resp_header().cloned().map(Box::new).ok_or_else(|| Error::new(InternalError))?;
    upstream::admit_switch(session, &head).map_err(|problem: UpstreamProblem| exchange.fail(Denial::Upstream(problem)))?;
    let bare = head.status.is_informational() || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framed = head.headers.contains_key(TRANSFER_ENCODING) || head.headers.contains_key(CONTENT_LENGTH);
    if !bare && !framed && !origin.is_body_done() {
        // What ends with its connection is sent on in chunks, so that the client's need not end.
        head.insert_header(TRANSFER_ENCODING, "chunked")?;
    }
    upstream::answered(&mut head, exchange)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pingora::ErrorSource;
    use std::future::{pending, ready};
    use tokio::io::duplex;

    #[tokio::test]
    async fn nothing_is_waited_for_when_the_client_leaves() {
        let (near, far) = duplex(10);
        let mut client = ClientSide::new(Box::new(near));
        assert_eq!(unless_gone(ready(1), &mut client).await.unwrap(), 1);
        drop(far);
        assert_eq!(unless_gone(pending::<()>(), &mut client).await.unwrap_err().esource(), &ErrorSource::Downstream);
    }
}
