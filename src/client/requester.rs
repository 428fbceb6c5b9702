//! What a requester knows of each protection space, how it signs by it, and what it learns from answers.

use super::challenge::Challenge;
use super::context::{CONTEXT_ALGORITHM, Context};
use super::signing::{Signer, draw_nonce};
use super::{Credential, Hindrance, HolderKey, Placement, Policy, Renewal, Request, SignFault, Signed, TokenSource};
use crate::clock::UnixTime;
use crate::crypto::Random;
use crate::scheme::wssec::wire::auth_info::AuthInfo;
use http::{HeaderMap, StatusCode};
use std::fmt;

/// The field that gives a context and nonces.
const AUTH_INFO: &str = "x-wss-authinfo";
/// The most protection spaces that are remembered.
const MOST_SPACES: usize = 64;

/// A token source with its key, and what answers have told so far, by origin and realm.
///
/// Before the first challenge of an origin, requests to it are left as they are: nobody gets a token who did not
/// ask for it. Requests that are in the air at the same time are fine.
pub struct Requester {
    source: Box<dyn TokenSource>,
    key: HolderKey,
    settings: Settings,
    /// Of one origin, the last is the one to sign for.
    spaces: Vec<Space>,
}

/// What a requester does where it has a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where tokens go.
    pub placement: Placement,
    /// The only realm to present tokens in; empty for any that asks.
    pub realm: Box<str>,
    /// Whether contexts are taken from answers that anybody could have written.
    pub cleartext: Cleartext,
}

/// What becomes of contexts that come in clear text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cleartext {
    /// They are left aside: whoever is on the way could have put in a context of his own.
    #[default]
    Distrusted,
    /// They are used.
    Trusted,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'r> {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub fields: &'r HeaderMap,
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// It is the answer.
    Settled,
    /// Signed again, the request may fare better.
    SignAgain,
    /// It asks for credentials that there are none of.
    Helpless(Hindrance),
}

/// What is known of a protection space.
struct Space {
    origin: Box<str>,
    policy: Policy,
    /// The nonce to sign with next; empty where the requester makes its own.
    nonce: Box<str>,
    /// When the token that was presented last is due, and with it the context that it may be answered with.
    due: UnixTime,
    context: Option<Context>,
}

impl Requester {
    /// A requester that knows nothing yet.
    pub fn new(source: impl TokenSource + 'static, key: HolderKey, settings: Settings) -> Self {
        Self { source: Box::new(source), key, settings, spaces: Vec::new() }
    }

    /// Knows how to sign for an origin before any challenge came from there.
    pub fn assume(&mut self, origin: &str, policy: Policy) {
        self.adopt(origin, Challenge { policy, nonce: Box::default() });
    }

    /// Whether requests to this origin go by a context now.
    pub fn has_context(&self, origin: &str, now: UnixTime) -> bool {
        let space = self.spaces.iter().rev().find(|space| &*space.origin == origin);
        space.and_then(|space| space.context.as_ref()).is_some_and(|context| now < context.token.due_at())
    }

    /// Signs a request, with a context if there is one, else with a token. Each call is for one sending.
    ///
    /// # Errors
    /// There is no token, it fits nowhere, the key or the digest does not fit what the server accepts, or the
    /// request cannot be signed as it is.
    pub fn sign(&mut self, request: &Request, now: UnixTime, random: &impl Random) -> Result<Signed, SignFault> {
        let Some(space) = self.spaces.iter_mut().rev().find(|space| &*space.origin == request.target.origin()) else {
            return Signed::bare(request);
        };
        let nonce = match std::mem::take(&mut space.nonce) {
            none if none.is_empty() => draw_nonce(random)?,
            nonce => nonce,
        };
        space.context = space.context.take().filter(|context| now < context.token.due_at());
        let (token, key, offered, credential) = match &space.context {
            Some(context) => (&context.token, &context.key, &[][..], Credential::Context),
            None => {
                let token = self.source.token(now).map_err(SignFault::Token)?;
                space.due = token.due_at();
                (token, &self.key, &*space.policy.signatures, Credential::Token)
            }
        };
        let algorithm = key.algorithm(offered).ok_or(SignFault::SignatureAlgorithm)?;
        let signer = Signer { policy: &space.policy, placement: self.settings.placement, token, key, algorithm, nonce: &nonce, now };
        signer.sign(request, credential)
    }

    /// Learns from the answer to a request that was signed here.
    pub fn learn(&mut self, request: &Request, signed: &Signed, answer: &Answer<'_>) -> Lesson {
        if answer.status == StatusCode::UNAUTHORIZED {
            return self.learn_refusal(request, signed, answer.fields);
        }
        if signed.credential != Credential::Nothing {
            self.learn_grant(request, signed, answer.fields);
        }
        Lesson::Settled
    }

    fn learn_refusal(&mut self, request: &Request, signed: &Signed, fields: &HeaderMap) -> Lesson {
        let origin = request.target.origin();
        if let (Credential::Context, Some(space)) = (signed.credential, self.find(origin, &signed.realm)) {
            space.context = None;
        }
        let challenge = match Challenge::find(fields, &self.settings.realm, self.source.profile()) {
            Ok(challenge) => challenge,
            Err(hindrance) => return Lesson::Helpless(hindrance),
        };
        let news = self.adopt(origin, challenge);
        match signed.credential {
            Credential::Nothing | Credential::Context => Lesson::SignAgain,
            Credential::Token => match (self.source.refused(), news) {
                (Renewal::Vain, News::Nothing) => Lesson::Settled,
                (Renewal::Possible, _) | (_, News::Something) => Lesson::SignAgain,
            },
        }
    }

    fn learn_grant(&mut self, request: &Request, signed: &Signed, fields: &HeaderMap) {
        let trusted = request.target.is_secure() || self.settings.cleartext == Cleartext::Trusted;
        let mut values = fields.get_all(AUTH_INFO).iter();
        let (Some(field), None, Some(space)) = (values.next(), values.next(), self.find(request.target.origin(), &signed.realm)) else {
            return;
        };
        let Ok(info) = AuthInfo::read(field.as_bytes()) else { return };
        let usable = trusted && space.policy.accepts(CONTEXT_ALGORITHM);
        if !info.nonce.is_empty() {
            space.nonce = info.nonce.into();
        }
        if let Some(context) = info.context.filter(|_| usable).and_then(|grant| Context::of_grant(&grant, space.due)) {
            space.context = Some(context);
        }
    }

    fn find(&mut self, origin: &str, realm: &str) -> Option<&mut Space> {
        self.spaces.iter_mut().find(|space| &*space.origin == origin && *space.policy.realm == *realm)
    }

    /// Puts a challenge's space last, with whatever context it has.
    fn adopt(&mut self, origin: &str, challenge: Challenge) -> News {
        let Challenge { policy, nonce } = challenge;
        let known = self.spaces.iter().position(|space| &*space.origin == origin && space.policy.realm == policy.realm);
        let before = known.map(|place| self.spaces.remove(place));
        let same = before.as_ref().is_some_and(|space| space.policy == policy);
        let news = if same && nonce.is_empty() { News::Nothing } else { News::Something };
        let (context, due) = before.map_or((None, UnixTime::from_seconds(0)), |space| (space.context, space.due));
        if self.spaces.len() >= MOST_SPACES {
            self.spaces.remove(0);
        }
        self.spaces.push(Space { origin: origin.into(), policy, nonce, due, context });
        news
    }
}

/// Whether a challenge tells what was not known.
enum News {
    Something,
    Nothing,
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester").field("settings", &self.settings).field("spaces", &self.spaces.len()).finish_non_exhaustive()
    }
}
