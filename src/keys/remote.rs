//! Keys that are fetched: the last good set, replaced whole, and at most one fetch under way.

use super::discovery::Issuer;
use super::fault::LoadFault;
use super::pace::{Throttle, UnknownNames};
use super::source::{Keys, KeysUnavailable};
use crate::clock::UnixTime;
use crate::crypto::{SystemRandom, sha256};
use crate::fetch::{AllowedUrl, Authorities, Cleartext, Document, FetchFault, Fetcher, Reach};
use crate::token::jose::KeySet;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Where keys are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this address.
    Address(AllowedUrl),
    /// Where the issuer says.
    Issuer(Issuer),
}

/// All that makes one source another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) origin: Origin,
    pub(super) pace: Pace,
    pub(super) max_size: u64,
}

/// Whose keys they are, and who vouches for that: while this stays, so may the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) place: Place,
    pub(super) authorities: Authorities,
    pub(super) reach: Reach,
    pub(super) cleartext: Cleartext,
}

/// How often, how long, how old; all but the waiting in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) interval: u64,
    pub(super) min_interval: u64,
    pub(super) max_stale: u64,
    pub(super) unknown_key_memory: u64,
    /// The longest that a fetch may take, and that a request waits.
    pub(super) timeout: Duration,
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// It did not yet.
    Pending,
    /// The keys are other than before.
    Changed,
    /// The keys are those of before.
    Unchanged,
    /// There are no new keys.
    Failed,
}

/// How fetches ended, and what they brought.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) changed: AtomicU64,
    pub(super) unchanged: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// Keys that are fetched.
pub(super) struct Remote {
    pub(super) spec: Spec,
    pub(super) random: Arc<SystemRandom>,
    pub(super) tally: Tally,
    /// Whether somebody keeps them fresh.
    pub(super) is_kept: AtomicBool,
    fetcher: Fetcher,
    keys: ArcSwapOption<Keys>,
    /// When the last fetch that succeeded began.
    loaded: AtomicU64,
    gate: Mutex<Gate>,
}

/// What decides whether a request may cause a fetch.
struct Gate {
    flight: watch::Receiver<Landing>,
    first_loads: Throttle,
    unknown: Throttle,
    names: UnknownNames,
    /// When the last one asked for whom a fetch waits for its time, because he asked too soon.
    postponed: Option<UnixTime>,
}

/// A fetch to wait for.
enum Flight {
    /// It began for whoever asks now.
    Ours(watch::Receiver<Landing>),
    /// It was under way: what it brings may be older than the question.
    Theirs(watch::Receiver<Landing>),
}

impl Place {
    /// What logs and metrics call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Address(address) => address.as_str(),
            Self::Issuer(issuer) => issuer.name(),
        }
    }
}

impl Remote {
    /// A source that asked nobody yet.
    pub(super) fn new(spec: Spec, fetcher: Fetcher, random: Arc<SystemRandom>) -> Self {
        let Pace { min_interval, unknown_key_memory, .. } = spec.pace;
        let gate = Gate {
            flight: watch::channel(Landing::Pending).1,
            first_loads: Throttle::every(min_interval),
            unknown: Throttle::two_every(min_interval),
            names: UnknownNames::remembered_for(unknown_key_memory),
            postponed: None,
        };
        Self {
            spec,
            random,
            tally: Tally::default(),
            is_kept: AtomicBool::new(false),
            fetcher,
            keys: ArcSwapOption::empty(),
            loaded: AtomicU64::new(0),
            gate: Mutex::new(gate),
        }
    }

    /// What logs and metrics call it.
    pub(super) fn name(&self) -> &str {
        self.spec.origin.place.name()
    }

    /// Takes over what another source of the same origin has: only its pace was another.
    pub(super) fn take_over(&self, other: &Self) {
        self.loaded.store(other.loaded.load(Ordering::Acquire), Ordering::Release);
        self.keys.store(other.keys.load_full());
    }

    /// The keys, where they are good at `now`.
    pub(super) fn current(&self, now: UnixTime) -> Option<Arc<Keys>> {
        let good_until = self.loaded().later(self.spec.pace.max_stale);
        if now < good_until { self.keys.load_full() } else { None }
    }

    /// When the fetch began that last brought keys; the epoch where none did.
    pub(super) fn loaded(&self) -> UnixTime {
        UnixTime::from_seconds(self.loaded.load(Ordering::Acquire))
    }

    /// How many keys there are, however old.
    pub(super) fn count(&self) -> usize {
        self.keys.load().as_ref().map_or(0, |keys| keys.keys().len())
    }

    /// The keys; where there are none yet, or none any more, those that a fetch brings within its time.
    pub(super) async fn keys(self: &Arc<Self>, now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        if let Some(keys) = self.current(now) {
            return Ok(keys);
        }
        if let Some(flight) = self.first_load(now) {
            // Late is as good as failed.
            let _ = tokio::time::timeout(self.spec.pace.timeout, flight.landed()).await;
        }
        self.current(now).ok_or(KeysUnavailable)
    }

    /// The keys, among which `name` may be once the issuer was asked again.
    pub(super) async fn after_unknown(
        self: &Arc<Self>,
        name: Option<&str>,
        seen: &Keys,
        now: UnixTime,
    ) -> Result<Arc<Keys>, KeysUnavailable> {
        let asked = tokio::time::timeout(self.spec.pace.timeout, self.ask(name, seen, now)).await;
        asked.unwrap_or_else(|_| self.current(now).ok_or(KeysUnavailable))
    }

    async fn ask(self: &Arc<Self>, name: Option<&str>, seen: &Keys, now: UnixTime) -> Result<Arc<Keys>, KeysUnavailable> {
        let is_new = |keys: &Keys| name.map_or(keys.generation() != seen.generation(), |name| keys.has(name));
        let mut keys = self.keys(now).await?;
        while !is_new(&keys) {
            let flight = self.fetch_for(name, now);
            let is_answer = flight.as_ref().is_none_or(Flight::is_ours);
            let landing = match flight {
                Some(flight) => flight.landed().await,
                // What somebody else asked for may have landed since the keys were looked at.
                None => Landing::Pending,
            };
            keys = self.current(now).ok_or(KeysUnavailable)?;
            if is_answer {
                let is_known_not_to_be = matches!(landing, Landing::Changed | Landing::Unchanged) && !is_new(&keys);
                if let (Some(name), true) = (name, is_known_not_to_be) {
                    self.gate().names.add(name, now);
                }
                break;
            }
        }
        Ok(keys)
    }

    /// The fetch under way, or a new one, unless there was one just now.
    fn first_load(self: &Arc<Self>, now: UnixTime) -> Option<Flight> {
        let mut gate = self.gate();
        gate.under_way().or_else(|| gate.first_loads.pass(now).then(|| Flight::Ours(self.launch(&mut gate, now))))
    }

    fn fetch_for(self: &Arc<Self>, name: Option<&str>, now: UnixTime) -> Option<Flight> {
        let mut gate = self.gate();
        if name.is_some_and(|name| gate.names.has(name, now)) {
            return None;
        }
        if let Some(flight) = gate.under_way() {
            return Some(flight);
        }
        if gate.unknown.pass(now) {
            return Some(Flight::Ours(self.launch(&mut gate, now)));
        }
        self.postpone(&mut gate, now);
        None
    }

    /// Sees to it that the issuer is asked as soon as it may be: whoever used up what may be asked before does not keep
    /// a new key away until somebody asks again.
    fn postpone(self: &Arc<Self>, gate: &mut Gate, now: UnixTime) {
        let last = gate.postponed;
        gate.postponed = last.max(Some(now));
        if last.is_none() {
            let (due, remote) = (gate.unknown.next(), Arc::downgrade(self));
            let pause = Duration::from_secs(due.seconds().saturating_sub(now.seconds()));
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                if let Some(remote) = remote.upgrade() {
                    remote.catch_up(due);
                }
            });
        }
    }

    /// The fetch that was postponed, unless another one began since.
    fn catch_up(self: &Arc<Self>, due: UnixTime) {
        let mut gate = self.gate();
        let Some(asked) = gate.postponed.take() else { return };
        if self.loaded() <= asked && gate.under_way().is_none() && gate.unknown.pass(due) {
            self.launch(&mut gate, due);
        }
    }

    /// Fetches whatever requests do, or waits for the fetch under way.
    pub(super) async fn refresh(self: &Arc<Self>, now: UnixTime) -> Landing {
        let flight = {
            let mut gate = self.gate();
            gate.first_loads.settle(now);
            gate.unknown.settle(now);
            // Keys from the future of a clock that was put back would stay good for too long.
            self.loaded.fetch_min(now.seconds(), Ordering::AcqRel);
            gate.under_way().unwrap_or_else(|| Flight::Ours(self.launch(&mut gate, now)))
        };
        flight.landed().await
    }

    /// Starts a fetch that ends by itself, whoever waits for it.
    fn launch(self: &Arc<Self>, gate: &mut Gate, now: UnixTime) -> watch::Receiver<Landing> {
        let (landing, flight) = watch::channel(Landing::Pending);
        gate.flight = flight.clone();
        let remote = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = remote.load(now).await;
            // Perhaps nobody waits any more.
            let _ = landing.send(outcome);
        });
        flight
    }

    async fn load(&self, now: UnixTime) -> Landing {
        let fetched = tokio::time::timeout(self.spec.pace.timeout, self.fetch()).await;
        let loaded = fetched.unwrap_or(Err(FetchFault::Timeout.into())).and_then(|document| self.install(&document.octets, now));
        let (count, source) = (&self.tally, self.name());
        match loaded {
            Ok(Landing::Changed) => count.changed.fetch_add(1, Ordering::Relaxed),
            Ok(Landing::Unchanged | Landing::Pending | Landing::Failed) => count.unchanged.fetch_add(1, Ordering::Relaxed),
            Err(fault) => {
                tracing::warn!(source, reason = fault.reason(), "the keys of an issuer could not be fetched: {fault}");
                count.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
        loaded.unwrap_or(Landing::Failed)
    }

    async fn fetch(&self) -> Result<Document, LoadFault> {
        let issuer = match &self.spec.origin.place {
            Place::Address(address) => return Ok(self.fetcher.fetch(address).await?),
            Place::Issuer(issuer) => issuer,
        };
        let [openid, oauth] = &issuer.metadata;
        let metadata = match self.fetcher.fetch(openid).await {
            Err(FetchFault::Status(404)) => self.fetcher.fetch(oauth).await,
            found => found,
        }?;
        Ok(self.fetcher.fetch(&issuer.key_set(&metadata.octets)?).await?)
    }

    /// Puts the set in place of the one before: what it does not have any more is gone.
    fn install(&self, document: &[u8], now: UnixTime) -> Result<Landing, LoadFault> {
        let set = KeySet::read_public(document).map_err(LoadFault::Syntax)?;
        if set.keys().is_empty() {
            return Err(LoadFault::NoUsableKey);
        }
        let (digest, before) = (sha256(document), self.keys.load_full());
        let landing = match &before {
            Some(before) if before.is_of(&digest) => Landing::Unchanged,
            before => {
                self.tell(&set);
                let generation = before.as_ref().map_or(0, |before| before.generation().saturating_add(1));
                self.keys.store(Some(Arc::new(Keys::new(set, generation, digest))));
                Landing::Changed
            }
        };
        self.loaded.fetch_max(now.seconds(), Ordering::AcqRel);
        Ok(landing)
    }

    fn tell(&self, set: &KeySet) {
        let source = self.name();
        tracing::info!(source, keys = set.keys().len(), "an issuer has other keys than before");
        for skipped in set.skipped() {
            tracing::warn!(source, place = skipped.place, "a key of an issuer cannot be used: {}", skipped.reason);
        }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn under_way(&self) -> Option<Flight> {
        // The sender is gone once the fetch is over, however it ended.
        let is_pending = self.flight.has_changed().is_ok() && *self.flight.borrow() == Landing::Pending;
        is_pending.then(|| Flight::Theirs(self.flight.clone()))
    }
}

impl Flight {
    const fn is_ours(&self) -> bool {
        match self {
            Self::Ours(_) => true,
            Self::Theirs(_) => false,
        }
    }

    /// How it ended.
    async fn landed(self) -> Landing {
        let (Self::Ours(mut flight) | Self::Theirs(mut flight)) = self;
        flight.wait_for(|landing| *landing != Landing::Pending).await.map_or(Landing::Failed, |landing| *landing)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({}, …)", self.name())
    }
}
