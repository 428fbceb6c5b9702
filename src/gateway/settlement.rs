//! What is left once the head was judged: holding the content against what was said of it.

use super::content::{self, NotProved, Proving, Room, Source, Spool};
use super::denial::ContentProblem;
use crate::config::document::{BodyMode, Limits};
use crate::scheme::{ContentDigest, ContentPledge};
use bytes::{Bytes, BytesMut};
use pingora::proxy::Session;
use std::sync::Arc;

/// The whole content of a request whose credentials may stand in it.
pub(super) struct Whole {
    /// In one piece, for schemes to look at.
    pub(super) octets: Bytes,
    kept: Spool,
}

impl Whole {
    /// Reads it, at most `limit` octets.
    pub(super) async fn read(session: &mut Session, limit: usize, room: &Arc<Room>, limits: &Limits) -> Result<Self, ContentProblem> {
        let mut octets = BytesMut::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX);
        let kept = content::read(session, Spool::new(room, limits), most, limits, |piece| octets.extend_from_slice(piece)).await?;
        Ok(Self { octets: octets.freeze(), kept })
    }

    fn source(self) -> Option<Source> {
        (!self.octets.is_empty()).then_some(Source::Kept(self.kept))
    }
}

/// Where a content is held against what was said of it.
pub(super) struct Desk<'a> {
    /// Whose content it is.
    pub(super) session: &'a mut Session,
    /// Where it may wait.
    pub(super) room: &'a Arc<Room>,
    /// How large and how slow it may be.
    pub(super) limits: &'a Limits,
    /// When the upstream may hear of it.
    pub(super) mode: BodyMode,
}

impl Desk<'_> {
    /// Where the content goes on from: compared already, or such that it is compared on its way.
    pub(super) async fn hold_against(self, pledge: ContentPledge, whole: Option<Whole>) -> Result<Option<Source>, NotProved> {
        match (pledge, whole) {
            (ContentPledge::Nothing, whole) => Ok(whole.and_then(Whole::source)),
            (ContentPledge::Digest(mut digest), Some(whole)) => {
                digest.update(&whole.octets);
                compared(*digest, whole.source())
            }
            (ContentPledge::Digest(digest), None) if content::is_empty(self.session) => compared(*digest, None),
            (ContentPledge::Digest(digest), None) => match self.mode {
                BodyMode::BeforeForwarding => self.read(digest).await,
                BodyMode::WhileStreaming => Ok(Some(Source::Proving(Proving::of(digest, self.room, self.limits)))),
            },
        }
    }

    async fn read(self, mut digest: Box<ContentDigest>) -> Result<Option<Source>, NotProved> {
        let keep = Spool::new(self.room, self.limits);
        let kept = content::read(self.session, keep, u64::MAX, self.limits, |piece| digest.update(piece)).await;
        compared(*digest, Some(Source::Kept(kept.map_err(NotProved::Content)?)))
    }
}

fn compared(digest: ContentDigest, source: Option<Source>) -> Result<Option<Source>, NotProved> {
    if digest.holds() { Ok(source) } else { Err(NotProved::Mismatch) }
}
