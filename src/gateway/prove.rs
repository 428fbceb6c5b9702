//! Which credentials speak for the caller, and what they prove.

use super::denial::{Denial, Whose};
use super::exchange::Proved;
use super::live::Live;
use crate::clock::{self, UnixTime};
use crate::config::snapshot::{Admission, NamedScheme, Route, SchemeId};
use crate::scheme::{AnyCredential, Beside, Challenge, Evidence, Insufficiency, Malformation, Place, Proof, Recognition, Refusal};
use http::HeaderValue;
use std::sync::Arc;

const WWW_AUTHENTICATE: &str = "WWW-Authenticate";

/// What one route asks for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    live: &'a Live,
    route: &'a Route,
}

/// A credential, and the scheme that found it.
struct Candidate<'a, 'r> {
    id: SchemeId,
    named: &'a NamedScheme,
    credential: AnyCredential<'r>,
}

impl<'a> Asked<'a> {
    /// What a route asks for.
    pub(super) const fn by(route: &'a Route, live: &'a Live) -> Self {
        Self { live, route }
    }

    /// Whether it asks for several credentials.
    pub(super) const fn beside(self) -> Beside {
        match &self.route.admission {
            Admission::Public | Admission::AnyOf(_) => Beside::Refused,
            Admission::AllOf(_) => Beside::Wanted,
        }
    }

    /// Proves who the request is from; nothing on a public route.
    pub(super) async fn prove(self, evidence: &Evidence<'_>) -> Result<Option<Proved>, Denial> {
        match &self.route.admission {
            Admission::Public => Ok(None),
            Admission::AnyOf(schemes) => {
                let sole = self.sole(schemes, evidence)?.ok_or_else(|| self.missing(evidence.now))?;
                self.verify(sole, evidence).await.map(|(proof, id)| Some(Proved::by(proof, id)))
            }
            Admission::AllOf(schemes) => self.prove_each(schemes, evidence).await.map(Some),
        }
    }

    /// One scheme after the other, in the order written; the first one's principal is who the request is from.
    async fn prove_each(self, schemes: &[SchemeId], evidence: &Evidence<'_>) -> Result<Proved, Denial> {
        let mut proved: Option<Proved> = None;
        for id in schemes {
            let one = std::slice::from_ref(id);
            let candidate = self.sole(one, evidence)?.ok_or_else(|| self.missing(evidence.now))?;
            let (proof, id) = self.verify(candidate, evidence).await?;
            match &mut proved {
                None => proved = Some(Proved::by(proof, id)),
                Some(proved) => proved.beside.push((proof, id)),
            }
        }
        proved.ok_or(Denial::Fault)
    }

    /// The one credential of the request, as the scheme that it belongs to found it.
    fn sole<'r>(self, schemes: &'a [SchemeId], evidence: &Evidence<'r>) -> Result<Option<Candidate<'a, 'r>>, Denial> {
        let mut found: Option<Candidate<'a, 'r>> = None;
        for id in schemes {
            let named = self.live.snapshot.schemes.get(id.index()).ok_or(Denial::Fault)?;
            let credential = named.scheme.extract(evidence).map_err(|malformation| self.malformed(*id, malformation))?;
            if let Some(credential) = credential {
                let candidate = Candidate { id: *id, named, credential };
                found = Some(match found {
                    None => candidate,
                    Some(before) => before.or(candidate)?,
                });
            }
        }
        Ok(found)
    }

    async fn verify(self, candidate: Candidate<'_, '_>, evidence: &Evidence<'_>) -> Result<(Proof, SchemeId), Denial> {
        let Candidate { id, named, credential } = candidate;
        let started = clock::instant();
        let verdict = named.scheme.verify(&credential, evidence).await;
        if let Some(metrics) = self.live.scheme_metrics(id) {
            metrics.record_verification(started.elapsed());
        }
        verdict.map(|proof| (proof, id)).map_err(|refusal| self.refused(id, refusal, Whose::Token(credential.fingerprint())))
    }

    /// A proved identity that does not suffice.
    pub(super) fn insufficient(self, proved: &Proved, miss: Insufficiency) -> Denial {
        self.refused(proved.scheme, Refusal::Insufficient(miss), Whose::Proved(Box::new(proved.proof.clone())))
    }

    fn missing(self, now: UnixTime) -> Denial {
        let named = self.route.admission.schemes().iter().filter_map(|id| self.live.snapshot.schemes.get(id.index()));
        let challenges = named.flat_map(|named| named.scheme.challenges(None, now));
        Denial::Unauthenticated { challenges: challenges.map(|challenge| self.explained(challenge)).collect() }
    }

    fn malformed(self, id: SchemeId, malformation: Malformation) -> Denial {
        self.refused(id, Refusal::Malformed(malformation), Whose::Unread)
    }

    /// A refusal by one scheme. The caller is told what that one says to it, and what the others of the route would take.
    pub(super) fn refused(self, id: SchemeId, refusal: Refusal, whose: Whose) -> Denial {
        let Some(named) = self.live.snapshot.schemes.get(id.index()) else { return Denial::Fault };
        let now = clock::now();
        let mut challenges = named.scheme.challenges(Some(&refusal), now);
        if let Refusal::Malformed(_) | Refusal::Rejected(_) = &refusal {
            challenges.extend(self.others(id, now));
        }
        let challenges = challenges.into_iter().map(|challenge| self.explained(challenge)).collect();
        Denial::Refused { scheme: Arc::clone(&named.name), refusal, whose, challenges }
    }

    /// A challenge for tokens of an authorization server says where it is told which one (RFC 9728 §5.1).
    fn explained(self, challenge: Challenge) -> Challenge {
        let Some(resource) = &self.route.resource else { return challenge };
        let value = challenge.value.as_bytes();
        if challenge.field != WWW_AUTHENTICATE || !(value.starts_with(b"Bearer") || value.starts_with(b"DPoP")) {
            return challenge;
        }
        let between: &[u8] = if value.contains(&b'=') { b", " } else { b" " };
        let told = [value, between, b"resource_metadata=\"", resource.metadata_url.as_bytes(), b"\""].concat();
        HeaderValue::from_bytes(&told).map_or(challenge, |value| Challenge { field: WWW_AUTHENTICATE, value })
    }

    fn others(self, but: SchemeId, now: UnixTime) -> impl Iterator<Item = Challenge> + use<'a> {
        let others = self
            .route
            .admission
            .schemes()
            .iter()
            .filter(move |id| **id != but)
            .filter_map(move |id| self.live.snapshot.schemes.get(id.index()));
        others.flat_map(move |named| named.scheme.challenges(None, now))
    }
}

impl Candidate<'_, '_> {
    /// Which of two is the request's credential. Two in one place are one, found by two schemes: it is for whoever it
    /// names, and where it names neither, for the scheme that was written first. A certificate belongs to the
    /// connection and gives way to what the request itself carries. Of any others none is chosen.
    fn or(self, other: Self) -> Result<Self, Denial> {
        match (self.place(), other.place()) {
            (one, another) if one == another => Ok(if other.recognition() > self.recognition() { other } else { self }),
            (Place::Connection, _) => Ok(other),
            (_, Place::Connection) => Ok(self),
            _ => Err(Denial::Ambiguous),
        }
    }

    fn place(&self) -> Place {
        self.named.scheme.place(&self.credential)
    }

    fn recognition(&self) -> Recognition {
        self.named.scheme.recognise(&self.credential)
    }
}
