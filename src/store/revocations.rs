//! What was revoked before it ended: contexts by their identifier, or all of one subject up to some time.

use super::key::{KEY_LENGTH, key_of};
use crate::clock::UnixTime;
use hashbrown::HashMap;
use std::future::Future;
use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

/// How long revocations that are over may lie around, in seconds, while there is room.
pub(super) const CLEAR_EVERY: u64 = 60;

/// What was revoked. A revocation holds on this node from the moment its call returns.
pub trait Revocations: Send + Sync {
    /// Revokes one context. `until` is when the context ends by itself, or later: the revocation is forgotten then.
    ///
    /// # Errors
    /// There is no room: the context is *not* revoked, and whoever asked must hear of it.
    fn revoke_id(&self, id: [u8; KEY_LENGTH], until: UnixTime, now: UnixTime) -> impl Future<Output = Result<(), RevocationsFull>> + Send;

    /// Revokes every context that was issued to a subject of an issuer up to and in the second `issued_up_to`.
    /// `until` is when the last of them ends by itself, or later.
    ///
    /// # Errors
    /// There is no room: the contexts are *not* revoked, and whoever asked must hear of it.
    fn revoke_subject(
        &self,
        subject: Subject<'_>,
        issued_up_to: UnixTime,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), RevocationsFull>> + Send;

    /// Whether a context was revoked. Answers from memory, at once.
    fn is_revoked(&self, context: &ContextFacts<'_>) -> bool;

    /// How many revocations are held, among them some that are over.
    fn entries(&self) -> usize;
}

/// Somebody, as one issuer names him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Who made the token that was proved first.
    pub issuer: &'a str,
    /// The identifier of the subject in it.
    pub name: &'a str,
}

/// What about a context can be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextFacts<'a> {
    /// Its identifier.
    pub id: &'a [u8; KEY_LENGTH],
    /// Who made the token that was proved first.
    pub issuer: &'a str,
    /// The subject, where that token named one.
    pub subject: Option<&'a str>,
    /// When the context was issued.
    pub issued: UnixTime,
}

/// There is no room for another revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationsFull;

/// Revocations in the memory of this process, known to it alone.
pub struct MemoryRevocations {
    // How many there are, outside the lock: as long as there are none, asking takes no lock.
    held: AtomicUsize,
    lists: RwLock<Lists>,
    room: usize,
}

struct Lists {
    ids: HashMap<[u8; KEY_LENGTH], UnixTime, RandomState>,
    subjects: HashMap<[u8; KEY_LENGTH], UpTo, RandomState>,
    clear_next: UnixTime,
}

#[derive(Clone, Copy)]
struct UpTo {
    issued: UnixTime,
    until: UnixTime,
}

impl MemoryRevocations {
    /// Room for `entries` revocations of either kind together.
    pub fn with_room(entries: usize) -> Self {
        let lists = Lists {
            ids: HashMap::with_hasher(RandomState::new()),
            subjects: HashMap::with_hasher(RandomState::new()),
            clear_next: UnixTime::from_seconds(0),
        };
        Self { held: AtomicUsize::new(0), lists: RwLock::new(lists), room: entries }
    }

    /// Revokes one context, as [`Revocations::revoke_id`] does, without waiting.
    ///
    /// # Errors
    /// There is no room.
    pub fn revoke_id_here(&self, id: [u8; KEY_LENGTH], until: UnixTime, now: UnixTime) -> Result<(), RevocationsFull> {
        self.change(now, |lists, room| {
            let full = lists.len() >= room;
            match lists.ids.get_mut(&id) {
                Some(known) => *known = until.max(*known),
                None if full => return Err(RevocationsFull),
                None => drop(lists.ids.insert(id, until)),
            }
            Ok(())
        })
    }

    /// Revokes contexts of a subject, as [`Revocations::revoke_subject`] does, without waiting.
    ///
    /// # Errors
    /// There is no room.
    pub fn revoke_subject_here(
        &self,
        subject: Subject<'_>,
        issued_up_to: UnixTime,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), RevocationsFull> {
        let key = subject.key();
        self.change(now, |lists, room| {
            let full = lists.len() >= room;
            match lists.subjects.get_mut(&key) {
                Some(known) => *known = UpTo { issued: issued_up_to.max(known.issued), until: until.max(known.until) },
                None if full => return Err(RevocationsFull),
                None => drop(lists.subjects.insert(key, UpTo { issued: issued_up_to, until })),
            }
            Ok(())
        })
    }

    fn change(&self, now: UnixTime, change: impl FnOnce(&mut Lists, usize) -> Result<(), RevocationsFull>) -> Result<(), RevocationsFull> {
        let mut lists: RwLockWriteGuard<'_, Lists> = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.clear(now, self.room);
        let changed = change(&mut lists, self.room);
        self.held.store(lists.len(), Ordering::Release);
        changed
    }
}

impl Lists {
    fn len(&self) -> usize {
        self.ids.len().saturating_add(self.subjects.len())
    }

    /// Forgets what is over: once in a while, and always before something would be refused.
    fn clear(&mut self, now: UnixTime, room: usize) {
        if now >= self.clear_next || self.len() >= room {
            self.ids.retain(|_, until| *until >= now);
            self.subjects.retain(|_, up_to| up_to.until >= now);
            self.clear_next = now.later(CLEAR_EVERY);
        }
    }

    fn name(&self, context: &ContextFacts<'_>) -> bool {
        self.ids.contains_key(context.id) || (!self.subjects.is_empty() && self.name_subject(context))
    }

    fn name_subject(&self, context: &ContextFacts<'_>) -> bool {
        let Some(name) = context.subject else { return false };
        let known = self.subjects.get(&Subject { issuer: context.issuer, name }.key());
        known.is_some_and(|up_to| context.issued <= up_to.issued)
    }
}

impl Subject<'_> {
    fn key(&self) -> [u8; KEY_LENGTH] {
        key_of([self.issuer.as_bytes(), self.name.as_bytes()])
    }
}

impl Revocations for MemoryRevocations {
    async fn revoke_id(&self, id: [u8; KEY_LENGTH], until: UnixTime, now: UnixTime) -> Result<(), RevocationsFull> {
        self.revoke_id_here(id, until, now)
    }

    async fn revoke_subject(
        &self,
        subject: Subject<'_>,
        issued_up_to: UnixTime,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), RevocationsFull> {
        self.revoke_subject_here(subject, issued_up_to, until, now)
    }

    fn is_revoked(&self, context: &ContextFacts<'_>) -> bool {
        self.held.load(Ordering::Acquire) != 0 && self.lists.read().unwrap_or_else(PoisonError::into_inner).name(context)
    }

    fn entries(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }
}
