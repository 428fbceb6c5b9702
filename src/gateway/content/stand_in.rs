//! Stands in for the client's session where its content does not simply stream: what was kept is replayed
//! for each attempt, what is being proved is held back, and no answer passes before the proof.
//!
//! Everything else goes to the client's own session, which comes back when the stand-in is gone.

use super::proving::{NotProved, Proving};
use super::spool::Spool;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Digest;
use pingora::protocols::http::custom::CustomMessageWrite;
use pingora::protocols::http::custom::server::Session as CustomSession;
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where the content comes from.
pub(in crate::gateway) enum Source {
    /// It was read and is all right.
    Kept(Spool),
    /// It is being proved on its way.
    Proving(Proving),
}

/// What a stand-in leaves: the client's session, and why the content was given up, if it was.
#[derive(Default)]
pub(in crate::gateway) struct Legacy {
    session: Mutex<Option<Box<ServerSession>>>,
    problem: Mutex<Option<NotProved>>,
}

impl Legacy {
    fn problem(&self) -> std::sync::MutexGuard<'_, Option<NotProved>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the content was given up; nothing where it was not, or where somebody asked before.
    pub(in crate::gateway) fn take_problem(&self) -> Option<NotProved> {
        self.problem().take()
    }
}

/// Puts a stand-in in the place of a session's client.
pub(in crate::gateway) fn install(session: &mut Session, source: Source) -> Arc<Legacy> {
    let legacy = Arc::new(Legacy::default());
    let client = std::mem::replace(&mut session.downstream_session, nobody());
    let stand_in = StandIn { client, source, legacy: Arc::clone(&legacy) };
    *session.downstream_session = ServerSession::new_custom(Box::new(stand_in));
    legacy
}

/// Puts the client back. Without a stand-in, or a second time, nothing happens.
pub(in crate::gateway) fn dismiss(session: &mut Session, legacy: &Legacy) {
    if session.downstream_session.is_custom() {
        drop(std::mem::replace(&mut session.downstream_session, nobody()));
        if let Some(client) = legacy.session.lock().unwrap_or_else(PoisonError::into_inner).take() {
            session.downstream_session = client;
        }
    }
}

/// Holds the place of a session for a moment; nobody ever asks it anything.
fn nobody() -> Box<ServerSession> {
    Box::new(ServerSession::new_custom(Box::new(())))
}

struct StandIn {
    client: Box<ServerSession>,
    source: Source,
    legacy: Arc<Legacy>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let client = std::mem::replace(&mut self.client, nobody());
        *self.legacy.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }
}

impl StandIn {
    /// Notes why the content is given up. The error has to name the client as its source: any other one is
    /// swallowed on the way to an HTTP/2 upstream, and the request would be completed.
    fn give_up(&self, problem: NotProved) -> Box<Error> {
        let error = match problem {
            NotProved::Broken(error) => return error.into_down(),
            NotProved::Mismatch | NotProved::Content(_) | NotProved::NotKept(_) => Error::new(ErrorType::Custom("content")),
        };
        *self.legacy.problem() = Some(problem);
        error.into_down()
    }

    /// Waits until nothing speaks against passing an answer on.
    async fn prove(&mut self) -> pingora::Result<()> {
        let Source::Proving(proving) = &mut self.source else { return Ok(()) };
        match proving.conclude(&mut self.client).await {
            Ok(()) => Ok(()),
            Err(problem) => Err(self.give_up(problem)),
        }
    }
}

#[async_trait]
impl CustomSession for StandIn {
    fn req_header(&self) -> &RequestHeader {
        self.client.req_header()
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        self.client.req_header_mut()
    }

    async fn read_body_bytes(&mut self) -> pingora::Result<Option<Bytes>> {
        let next = match &mut self.source {
            Source::Kept(spool) => spool.next().await.map_err(NotProved::NotKept),
            Source::Proving(proving) => proving.next(&mut self.client).await,
        };
        next.map_err(|problem| self.give_up(problem))
    }

    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> pingora::Result<Option<Bytes>> {
        if no_body_expected || self.is_body_done() { self.client.read_body_or_idle(true).await } else { self.read_body_bytes().await }
    }

    async fn drain_request_body(&mut self) -> pingora::Result<()> {
        self.client.drain_request_body().await
    }

    async fn write_response_header(&mut self, head: Box<ResponseHeader>, _: bool) -> pingora::Result<()> {
        self.client.write_response_header(head).await
    }

    async fn write_response_header_ref(&mut self, head: &ResponseHeader, _: bool) -> pingora::Result<()> {
        self.client.write_response_header_ref(head).await
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> pingora::Result<()> {
        self.client.write_response_body(data, end).await
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> pingora::Result<()> {
        self.client.write_response_trailers(trailers).await
    }

    /// What an upstream answers passes here and nowhere else.
    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> pingora::Result<bool> {
        self.prove().await?;
        self.client.response_duplex_vec(tasks).await
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.client.set_read_timeout(timeout);
    }

    fn get_read_timeout(&self) -> Option<Duration> {
        self.client.get_read_timeout()
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.client.set_write_timeout(timeout);
    }

    fn get_write_timeout(&self) -> Option<Duration> {
        self.client.get_write_timeout()
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.client.set_total_drain_timeout(timeout);
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.client.get_total_drain_timeout()
    }

    fn request_summary(&self) -> String {
        self.client.request_summary()
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.client.response_written()
    }

    async fn shutdown(&mut self, _: u32, _: &str) {
        self.client.shutdown().await;
    }

    fn is_body_done(&mut self) -> bool {
        match &self.source {
            Source::Kept(spool) => spool.is_at_end(),
            Source::Proving(proving) => proving.is_at_end(),
        }
    }

    async fn finish(&mut self) -> pingora::Result<()> {
        self.client.finish_body().await
    }

    fn is_body_empty(&mut self) -> bool {
        self.client.is_body_empty()
    }

    fn body_bytes_sent(&self) -> usize {
        self.client.body_bytes_sent()
    }

    fn body_bytes_read(&self) -> usize {
        self.client.body_bytes_read()
    }

    fn digest(&self) -> Option<&Digest> {
        self.client.digest()
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        self.client.digest_mut()
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.client.client_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.client.server_addr()
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.client.to_h1_raw()
    }

    /// Asked for at the start of each attempt: what is kept is read from its beginning.
    fn enable_retry_buffering(&mut self) {
        if let Source::Kept(spool) = &mut self.source {
            spool.rewind();
        }
    }

    /// Whether the content cannot be sent to another server.
    fn retry_buffer_truncated(&self) -> bool {
        match &self.source {
            Source::Kept(_) => false,
            Source::Proving(proving) => proving.has_begun(),
        }
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        None
    }

    async fn finish_custom(&mut self) -> pingora::Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(&mut self) -> Option<Box<dyn Stream<Item = pingora::Result<Bytes>> + Unpin + Send + Sync + 'static>> {
        None
    }

    fn restore_custom_message_reader(
        &mut self,
        _: Box<dyn Stream<Item = pingora::Result<Bytes>> + Unpin + Send + Sync + 'static>,
    ) -> pingora::Result<()> {
        Err(Error::new(ErrorType::InternalError))
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(&mut self, _: Box<dyn CustomMessageWrite>) -> pingora::Result<()> {
        Err(Error::new(ErrorType::InternalError))
    }
}
