//! One request from its arrival to its log line, and the stage it has reached.

use super::content::{Forwarded, Legacy, Source};
use super::denial::Denial;
use super::live::Live;
use super::plan::Plan;
use super::pool::Lease;
use super::request_id::RequestId;
use crate::config::snapshot::{Route, RouteId, SchemeId};
use crate::scheme::{ContentPledge, Proof};
use crate::telemetry::metrics::Held;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// One request and everything that outlives one hook.
pub(super) struct Exchange {
    /// When the head was complete.
    pub(super) started: Instant,
    /// What this request lives under.
    pub(super) live: Arc<Live>,
    /// Its name.
    pub(super) id: RequestId,
    /// The client's address, where trusted proxies may have stated it.
    pub(super) client: Option<IpAddr>,
    /// What of its content has gone upstream.
    pub(super) forwarded: Forwarded,
    /// How its content goes on.
    pub(super) passage: Passage,
    /// How far it came.
    pub(super) stage: Stage,
    _in_flight: Held,
}

/// How a content goes on.
pub(super) enum Passage {
    /// From the client, as it comes.
    Streaming,
    /// From where it was kept.
    Kept(Arc<Legacy>),
    /// From the client, while it is proved.
    Proving(Arc<Legacy>),
}

/// How far a request came.
pub(super) enum Stage {
    /// Nothing is decided.
    Arrived,
    /// The gateway answers it by itself, with what anybody may read.
    Answered,
    /// It may be forwarded.
    Admitted(Box<Permit>),
    /// It was denied.
    Denied(Denied),
    /// It was admitted, and then its upstream could not answer.
    Failed(Box<Permit>, Denial),
}

/// An admitted request and what was learnt on the way.
pub(super) struct Admitted {
    /// The right to forward.
    pub(super) permit: Permit,
    /// Where the content comes from, if not from the client as it streams.
    pub(super) source: Option<Source>,
    /// The client's address.
    pub(super) client: IpAddr,
}

/// A denial and what is known of its request.
pub(super) struct Denied {
    /// Why.
    pub(super) denial: Denial,
    /// The route, where one was found.
    pub(super) route: Option<RouteId>,
}

/// The right to forward one request. Made by admission only; upstream selection and rewriting take it.
pub(super) struct Permit {
    route: RouteId,
    grounds: Grounds,
    plan: Plan,
    /// How often a server was tried.
    pub(super) attempts: u32,
    /// When the server that has the request now was chosen.
    pub(super) chosen: Instant,
    /// The server that has the request now.
    pub(super) lease: Option<Lease>,
}

/// Why a request may be forwarded.
pub(super) enum Grounds {
    /// The route is public.
    Public,
    /// It was proved who it is from.
    Proved(Proved),
}

/// Who a request is from, and what else was proved.
pub(super) struct Proved {
    /// The proof of who it is.
    pub(super) proof: Proof,
    /// The scheme that proved it.
    pub(super) scheme: SchemeId,
    /// What further schemes of the route proved, where it asks for all of them.
    pub(super) beside: Vec<(Proof, SchemeId)>,
    /// The scheme whose credential speaks of the content; the one that proved it where none does.
    pub(super) vouching: SchemeId,
}

impl Proved {
    /// What one scheme proved.
    pub(super) const fn by(proof: Proof, scheme: SchemeId) -> Self {
        Self { proof, scheme, beside: Vec::new(), vouching: scheme }
    }

    /// What is left to be held against the content, by all proofs together.
    pub(super) fn take_pledge(&mut self) -> ContentPledge {
        let vouching = self.each().find(|(proof, _)| !matches!(proof.content, ContentPledge::Nothing)).map(|(_, scheme)| scheme);
        self.vouching = vouching.unwrap_or(self.scheme);
        let proofs = std::iter::once(&mut self.proof).chain(self.beside.iter_mut().map(|(proof, _)| proof));
        let pledges = proofs.map(|proof| std::mem::replace(&mut proof.content, ContentPledge::Nothing));
        pledges.fold(ContentPledge::Nothing, ContentPledge::and)
    }

    /// Every proof and its scheme.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Proof, SchemeId)> {
        let beside = self.beside.iter().map(|(proof, scheme)| (proof, *scheme));
        std::iter::once((&self.proof, self.scheme)).chain(beside)
    }
}

impl Permit {
    /// Grants the right; admission is the only caller.
    pub(super) const fn grant(route: RouteId, grounds: Grounds, plan: Plan, chosen: Instant) -> Self {
        Self { route, grounds, plan, attempts: 0, chosen, lease: None }
    }

    /// The route it belongs to.
    pub(super) const fn route(&self) -> RouteId {
        self.route
    }

    /// Why it was admitted.
    pub(super) const fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    /// What happens to it on the way.
    pub(super) const fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Exchange {
    /// A request whose head has arrived.
    pub(super) fn arrive(started: Instant, live: Arc<Live>, id: RequestId, in_flight: Held) -> Self {
        Self {
            started,
            live,
            id,
            client: None,
            forwarded: Forwarded::default(),
            passage: Passage::Streaming,
            stage: Stage::Arrived,
            _in_flight: in_flight,
        }
    }

    /// Takes up what admission found.
    pub(super) fn admit(&mut self, permit: Permit, client: IpAddr) {
        self.client = Some(client);
        self.stage = Stage::Admitted(Box::new(permit));
    }

    /// Notes why an admitted request cannot be answered by its upstream, for the hook that answers.
    pub(super) fn fail(&mut self, denial: Denial) -> Box<pingora::Error> {
        let status = denial.status().as_u16();
        self.stage = match std::mem::replace(&mut self.stage, Stage::Arrived) {
            // Refused on the way: it was never proved.
            Stage::Admitted(permit) | Stage::Failed(permit, _) if matches!(denial, Denial::Refused { .. }) => {
                Stage::Denied(Denied { denial, route: Some(permit.route) })
            }
            Stage::Admitted(permit) | Stage::Failed(permit, _) => Stage::Failed(permit, denial),
            Stage::Arrived | Stage::Answered | Stage::Denied(_) => Stage::Denied(Denied { denial, route: None }),
        };
        pingora::Error::new(pingora::ErrorType::HTTPStatus(status))
    }

    /// Why the request is not answered by its upstream, as far as it is decided.
    pub(super) const fn denial(&self) -> Option<&Denial> {
        match &self.stage {
            Stage::Denied(Denied { denial, .. }) | Stage::Failed(_, denial) => Some(denial),
            Stage::Arrived | Stage::Answered | Stage::Admitted(_) => None,
        }
    }

    /// Who the request is from, where that was proved: also where it did not suffice.
    pub(super) fn caller(&self) -> Option<&Proof> {
        match self.admitted().map(Permit::grounds) {
            Some(Grounds::Proved(proved)) => Some(&proved.proof),
            Some(Grounds::Public) => None,
            None => self.denial()?.caller(),
        }
    }

    /// The permit, whether or not its upstream failed later.
    pub(super) fn admitted(&self) -> Option<&Permit> {
        match &self.stage {
            Stage::Admitted(permit) | Stage::Failed(permit, _) => Some(permit),
            Stage::Arrived | Stage::Answered | Stage::Denied(_) => None,
        }
    }

    /// The permit. A request that is not admitted has none, so a missed phase fails closed.
    pub(super) fn permit(&self) -> Result<&Permit, Denial> {
        match &self.stage {
            Stage::Admitted(permit) => Ok(permit),
            Stage::Arrived | Stage::Answered | Stage::Denied(_) | Stage::Failed(..) => Err(Denial::Fault),
        }
    }

    /// The permit, to note an attempt.
    pub(super) fn permit_mut(&mut self) -> Result<&mut Permit, Denial> {
        match &mut self.stage {
            Stage::Admitted(permit) => Ok(permit),
            Stage::Arrived | Stage::Answered | Stage::Denied(_) | Stage::Failed(..) => Err(Denial::Fault),
        }
    }

    /// The route, as far as one was found.
    pub(super) fn route(&self) -> Option<&Route> {
        self.live.snapshot.routes.get(self.route_id()?.index())
    }

    /// The route's place, as far as one was found.
    pub(super) fn route_id(&self) -> Option<RouteId> {
        match &self.stage {
            Stage::Arrived | Stage::Answered => None,
            Stage::Admitted(permit) | Stage::Failed(permit, _) => Some(permit.route),
            Stage::Denied(denied) => denied.route,
        }
    }
}
