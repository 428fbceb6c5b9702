//! Content that goes on while it is hashed: its last piece waits until the digest is proved.

use super::spool::{NotKept, Room, Spool};
use crate::clock;
use crate::config::document::Limits;
use crate::gateway::denial::ContentProblem;
use crate::gateway::watch;
use crate::scheme::ContentDigest;
use bytes::Bytes;
use pingora::protocols::http::ServerSession;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Why content that went on is not to be completed.
#[derive(Debug)]
pub(in crate::gateway) enum NotProved {
    /// It is not what was signed.
    Mismatch,
    /// It cannot be used.
    Content(ContentProblem),
    /// What came before the proof could not be kept.
    NotKept(NotKept),
    /// The client's connection broke.
    Broken(Box<pingora::Error>),
}

/// A content on its way, and how much of it is proved.
pub(in crate::gateway) struct Proving {
    /// What the content must be; nothing once it was compared.
    digest: Option<Box<ContentDigest>>,
    /// The piece that came last.
    held: Option<Bytes>,
    /// What was read before anybody asked for it, behind the held piece.
    ahead: Spool,
    came: u64,
    most: u64,
    step: Duration,
    /// When the content must be whole; its client is told so, if no answer has begun.
    until: Option<Instant>,
    /// Whether a piece was handed out; then the content cannot be sent again.
    begun: bool,
}

impl Proving {
    /// A content that must have this digest.
    pub(in crate::gateway) fn of(digest: Box<ContentDigest>, room: &Arc<Room>, limits: &Limits) -> Self {
        Self {
            digest: Some(digest),
            held: None,
            ahead: Spool::new(room, limits),
            came: 0,
            most: limits.max_body_size.octets(),
            step: limits.body_timeout.duration(),
            until: clock::instant().checked_add(limits.body_deadline.duration()),
            begun: false,
        }
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) const fn is_proved(&self) -> bool {
        self.digest.is_none()
    }

    /// Whether everything was handed out.
    pub(super) const fn is_at_end(&self) -> bool {
        self.is_proved() && self.held.is_none() && self.ahead.is_at_end()
    }

    /// The next piece that may go on. A call that is given up half-way loses nothing.
    pub(super) async fn next(&mut self, client: &mut ServerSession) -> Result<Option<Bytes>, NotProved> {
        while !self.is_proved() {
            let Some(piece) = self.receive(client).await? else { continue };
            if let Some(before) = self.held.replace(piece) {
                self.begun = true;
                return Ok(Some(before));
            }
        }
        match self.held.take() {
            Some(piece) => Ok(Some(piece)),
            None => self.ahead.next().await.map_err(NotProved::NotKept),
        }
    }

    /// Reads the rest and compares it, without handing anything out.
    pub(super) async fn conclude(&mut self, client: &mut ServerSession) -> Result<(), NotProved> {
        while !self.is_proved() {
            let Some(piece) = self.receive(client).await? else { continue };
            match self.held {
                None => self.held = Some(piece),
                Some(_) => self.ahead.push(piece).await.map_err(NotProved::NotKept)?,
            }
        }
        Ok(())
    }

    /// Takes what comes next into the digest, if it is anything; after the last piece the digest is compared.
    async fn receive(&mut self, client: &mut ServerSession) -> Result<Option<Bytes>, NotProved> {
        let piece = self.read(client).await?;
        if let Some(piece) = &piece {
            watch::content_came(self.step);
            self.came = self.came.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if self.came > self.most {
                return Err(NotProved::Content(ContentProblem::TooLarge));
            }
            if let Some(digest) = &mut self.digest {
                digest.update(piece);
            }
        }
        if piece.is_none() || client.is_body_done() {
            watch::rest();
            self.compare()?;
        }
        // An empty one, the frame of a chunk, would be sent as the last chunk (RFC 9112 §7.1).
        Ok(piece.filter(|piece| !piece.is_empty()))
    }

    async fn read(&self, client: &mut ServerSession) -> Result<Option<Bytes>, NotProved> {
        let read = client.read_request_body();
        let piece = match self.until {
            Some(until) => timeout_at(until.into(), read).await.map_err(|_| NotProved::Content(ContentProblem::Slow))?,
            None => read.await,
        };
        piece.map_err(NotProved::Broken)
    }

    fn compare(&mut self) -> Result<(), NotProved> {
        match self.digest.take().map(|digest| digest.holds()) {
            Some(true) | None => Ok(()),
            Some(false) => Err(NotProved::Mismatch),
        }
    }
}
