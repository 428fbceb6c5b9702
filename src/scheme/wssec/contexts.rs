//! Contexts: what was proved once, sealed into a token of our own for the requests after it.

use super::holder::{Holder, HolderKey, Standing};
use super::profile::{Judged, Presented};
use super::wire::auth_info::{AuthInfo, ContextGrant};
use crate::clock::UnixTime;
use crate::crypto::{SystemRandom, base64};
use crate::scheme::principal::Asserted;
use crate::scheme::{Continuation, Fingerprint, Principal, Proof, Refusal, Rejection};
use crate::store::{ContextFacts, KEY_LENGTH, Namespace, Revocations, Stores};
use crate::token::context::{self, Binding, Context, FIRST_FINGERPRINT_LENGTH, FirstProfile, KeyRing, NotOpened};
use crate::token::jose::cnf::SEALED_CLAIM;
use crate::token::{Claims, ClaimsBuilder};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The keys of contexts, and how long a context holds.
pub(super) struct Contexts {
    pub(super) keys: KeyRing,
    pub(super) binding: Binding,
    /// In seconds.
    pub(super) lifetime: u64,
    pub(super) cleartext: Cleartext,
    pub(super) random: Arc<SystemRandom>,
}

/// Whether a context may be issued where anybody can read its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cleartext {
    Refused,
    Allowed,
}

impl Contexts {
    /// Opens a context token. Whether it was revoked is asked for each request.
    pub(super) fn judge(&self, scheme: &Arc<str>, token: Presented<'_>, now: UnixTime) -> Result<Judged, Refusal> {
        let opened = context::open(token.octets, &self.keys, &self.binding, now).map_err(not_opened)?;
        let Context { id, secret, issuer, subject, claims, issued, expires, .. } = opened;
        let namespace = Namespace::new(scheme, &issuer, &id);
        let principal = Arc::new(Principal::assertion(Asserted {
            scheme: Arc::clone(scheme),
            issuer,
            subject,
            expires,
            claims,
            fingerprint: Fingerprint::of_digest(token.digest),
        }));
        let holder =
            Holder { principal, key: HolderKey::Context(secret), standing: Standing::Context { issued }, namespace, generation: 0 };
        Ok(Judged { holder, until: expires })
    }

    /// A nonce for a request to come; nothing where there is no randomness to make it of.
    pub(super) fn issue_nonce(&self, now: UnixTime) -> Option<Box<str>> {
        context::issue_nonce(&self.keys, &self.binding, now, &*self.random).ok()
    }

    /// When a nonce of ours was issued.
    pub(super) fn open_nonce(&self, nonce: &str) -> Result<UnixTime, Rejection> {
        context::open_nonce(nonce.as_bytes(), &self.keys, &self.binding).map_err(|_| Rejection::NonceRefused)
    }

    /// What an answer tells the requester; nothing where it cannot be made, and the requester goes on with what he has.
    pub(super) fn offer(&self, proof: &Proof, nonce: Option<Box<str>>, now: UnixTime) -> Option<Zeroizing<String>> {
        let nonce = nonce.unwrap_or_default();
        let granted = match proof.continuation {
            Continuation::Context => self.grant(proof, now),
            Continuation::Nonce | Continuation::None => None,
        };
        let context = granted.as_ref().map(|granted| ContextGrant { token: &granted.token, secret: &granted.secret });
        let info = AuthInfo { nonce: &nonce, context };
        (!info.nonce.is_empty() || info.context.is_some()).then(|| Zeroizing::new(info.to_string()))
    }

    fn grant(&self, proof: &Proof, now: UnixTime) -> Option<Granted> {
        let principal = &proof.principal;
        let expires = principal.expires().min(now.later(self.lifetime));
        let profile = FirstProfile::of_word(proof.profile).filter(|_| now < expires)?;
        let (id, secret) = context::draw(&*self.random).ok()?;
        let granted_secret = Zeroizing::new(base64::encode(secret.as_slice()));
        let context = Context {
            id,
            secret,
            issuer: principal.issuer().into(),
            subject: principal.subject().map(Box::from),
            profile,
            claims: without_proof_key(principal.claims()),
            first_fingerprint: first_fingerprint(principal),
            issued: now,
            expires,
        };
        let token = context::issue(&context, &self.keys, &self.binding, &*self.random).ok()?;
        Some(Granted { token: base64::encode(&token), secret: granted_secret })
    }
}

/// The holder of a context has another key.
fn without_proof_key(claims: &Claims) -> Claims {
    if claims.value(SEALED_CLAIM).is_none() {
        return claims.clone();
    }
    let mut kept = ClaimsBuilder::default();
    for (name, value) in claims.iter().filter(|(name, _)| *name != SEALED_CLAIM) {
        // The names were told apart when the claims were read.
        let _ = kept.add(name, value);
    }
    kept.build()
}

/// A context token and its secret, in base64.
struct Granted {
    token: String,
    secret: Zeroizing<String>,
}

fn first_fingerprint(principal: &Principal) -> [u8; FIRST_FINGERPRINT_LENGTH] {
    principal.fingerprint().octets()
}

/// Refuses a context that was revoked. It is revoked by the name that logs give it, which is what operators have.
pub(super) fn check_standing(holder: &Holder, stores: &Stores) -> Result<(), Rejection> {
    let Standing::Context { issued } = &holder.standing else { return Ok(()) };
    let principal = &holder.principal;
    let id = revocation_id(principal);
    let facts = ContextFacts { id: &id, issuer: principal.issuer(), subject: principal.subject(), issued: *issued };
    if stores.revocations.is_revoked(&facts) { Err(Rejection::Revoked) } else { Ok(()) }
}

/// What a context is revoked by: the fingerprint of its token.
pub(super) fn revocation_id(principal: &Principal) -> [u8; KEY_LENGTH] {
    let mut id = [0; KEY_LENGTH];
    id.iter_mut().zip(principal.fingerprint().octets()).for_each(|(to, from)| *to = from);
    id
}

const fn not_opened(reason: NotOpened) -> Refusal {
    Refusal::Rejected(match reason {
        NotOpened::Expired => Rejection::Expired,
        NotOpened::NotOurs | NotOpened::UnknownKey | NotOpened::Damaged => Rejection::ContextRefused,
    })
}
