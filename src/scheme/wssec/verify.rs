//! Proves a request: token, holder, freshness, signature; what is left is the content and the first use of the nonce.

use super::config::NonceRule;
use super::contexts::{Cleartext, Contexts, check_standing};
use super::extract::{WssecCredential, field, in_field};
use super::freshness::Freshness;
use super::holder::{Holder, Standing};
use super::message::{MessagePolicy, pledge};
use super::profile::{Judged, Presented, Profiles};
use super::reference::{ReferenceResolver, Unresolved};
use super::wire::canonical::{Scope, SignatureInput, TokenHash};
use super::wire::location::Reference;
use super::wire::security::{LONGEST_SIGNATURE, Security};
use super::wire::{SignatureName, digest_field::DigestField};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::scheme::{Continuation, Evidence, Fault, Malformation, Memory, Proof, Recognition, Refusal, Rejection, TransportSecurity};
use crate::store::{CacheCounts, VerdictCache};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Room for a signature's input with a long target.
const USUAL_INPUT: usize = 512;

/// Judges credentials of one scheme.
pub(super) struct Verifier {
    pub(super) realm: Box<str>,
    pub(super) algorithms: Box<[SignatureName]>,
    pub(super) profiles: Profiles,
    pub(super) references: Option<ReferenceResolver>,
    pub(super) freshness: Freshness,
    pub(super) message: MessagePolicy,
    /// Tokens that were judged, by their SHA-256. What a rule for claims compares with the time of the request is
    /// an age, and that only grows: a verdict may stand until the token's end.
    pub(super) verdicts: VerdictCache<Holder>,
}

impl Verifier {
    pub(super) async fn verify(&self, credential: &WssecCredential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let sent = credential.token.as_deref().ok_or(Rejection::LocationRefused)?;
        if !credential.stated.realm.is_empty() && credential.stated.realm != *self.realm {
            return Err(Rejection::RealmMismatch.into());
        }
        let security = credential.security.as_ref().ok_or(Rejection::ProofMissing)?;
        // What is signed is what was sent: the address of a token, if that was sent.
        let sent_digest = sha256(sent);
        let referred = self.referred(credential.reference, sent, evidence.now).await?;
        let (octets, digest) = match &referred {
            None => (sent, sent_digest),
            Some(token) => (&**token, sha256(token)),
        };
        let token = Presented { octets, digest: &digest };
        let (holder, memory) = self.holder(&credential.stated.profile, token, evidence.now).await?;
        check_standing(&holder, &self.freshness.stores)?;
        let first_use = self.freshness.judge(security, &holder.namespace, self.profiles.contexts.as_ref(), evidence.now)?;
        let message = self.message.judge(security.usage, credential, evidence)?;
        self.check_signature(security, &holder, &TokenHash::of_digest(&sent_digest), message, evidence)?;
        Ok(Proof {
            content: pledge(message, evidence)?,
            first_use: Some(first_use),
            continuation: self.continuation(&holder, evidence),
            profile: holder.standing.word(),
            memory,
            principal: holder.principal,
        })
    }

    /// By the realm that the credentials name.
    pub(super) fn recognise(&self, credential: &WssecCredential<'_>) -> Recognition {
        match &credential.stated.realm {
            realm if realm.is_empty() => Recognition::Possible,
            realm if *realm == *self.realm => Recognition::Named,
            _ => Recognition::Foreign,
        }
    }

    pub(super) fn verdict_counts(&self) -> CacheCounts {
        self.verdicts.counts()
    }

    /// The token behind an address; nothing where the token itself was sent.
    async fn referred(&self, reference: Reference, sent: &[u8], now: UnixTime) -> Result<Option<Arc<[u8]>>, Refusal> {
        match (reference, &self.references) {
            (Reference::Direct, _) => Ok(None),
            (Reference::Uri, None) => Err(Rejection::LocationRefused.into()),
            (Reference::Uri, Some(references)) => match references.resolve(sent, now).await {
                Ok(token) => Ok(Some(token)),
                Err(Unresolved::Refused(refused)) => Err(Rejection::Reference(refused).into()),
                Err(Unresolved::Fault(fault)) => Err(Fault::Reference(fault).into()),
            },
        }
    }

    async fn holder(&self, stated: &str, token: Presented<'_>, now: UnixTime) -> Result<(Holder, Memory), Refusal> {
        let profile = self.profiles.find(stated, token.octets)?;
        let generation = profile.generation(now).await?;
        // Judged as another kind, or by keys that are gone, it says nothing about this one.
        let stands = |holder: &Holder| holder.standing.word() == profile.word() && holder.generation == generation;
        if let Some(holder) = self.verdicts.find(token.digest, now).filter(stands) {
            return Ok((holder, Memory::Hit));
        }
        let Judged { holder, until } = self.profiles.judge(profile, token, now).await?;
        let octets = size_of::<Holder>().saturating_add(holder.principal.octets()).saturating_add(holder.key.octets());
        self.verdicts.keep(token.digest, holder.clone(), octets, until);
        Ok((holder, Memory::Miss))
    }

    fn check_signature(
        &self,
        security: &Security<'_>,
        holder: &Holder,
        token_hash: &TokenHash,
        message: Option<&DigestField<'_>>,
        evidence: &Evidence<'_>,
    ) -> Result<(), Refusal> {
        if !self.algorithms.contains(&security.algorithm) {
            return Err(Rejection::AlgorithmRefused(Box::default()).into());
        }
        let text = |octets| std::str::from_utf8(octets).map_err(|_| Malformation::CredentialSyntax);
        let input = SignatureInput {
            method: evidence.head.method.as_str(),
            path_and_query: text(evidence.head.received.target)?,
            host: text(evidence.head.received.host)?,
            algorithm: security.algorithm,
            nonce: security.nonce,
            timestamp: security.timestamp.text,
            token_hash,
            scope: message.map_or(Scope::Auth, Scope::Message),
        };
        let mut octets = Vec::with_capacity(USUAL_INPUT);
        input.write(&mut octets);
        let mut buffer = [0; LONGEST_SIGNATURE];
        let signature = security.signature_octets(&mut buffer).map_err(in_field(field::SECURITY))?;
        let keys = &self.freshness.stores.holder_keys;
        holder.key.verify(security.algorithm, &octets, signature, keys).map_err(Refusal::from)
    }

    /// A context never comes from a context, and never goes where anybody could read its secret.
    fn continuation(&self, holder: &Holder, evidence: &Evidence<'_>) -> Continuation {
        let private =
            |contexts: &Contexts| contexts.cleartext == Cleartext::Allowed || evidence.connection.security != TransportSecurity::Clear;
        match (&self.profiles.contexts, holder.standing, self.freshness.nonce) {
            (Some(contexts), Standing::Token(_), _) if private(contexts) => Continuation::Context,
            (Some(_), _, NonceRule::Server) => Continuation::Nonce,
            _ => Continuation::None,
        }
    }

    /// What the answer to a proved request tells the requester.
    pub(super) fn offer(&self, proof: &Proof, now: UnixTime) -> Option<Zeroizing<String>> {
        match proof.continuation {
            Continuation::None => None,
            Continuation::Nonce | Continuation::Context => self.profiles.contexts.as_ref()?.offer(proof, self.next_nonce(now), now),
        }
    }

    /// The nonce for a request to come, where the gateway makes them.
    pub(super) fn next_nonce(&self, now: UnixTime) -> Option<Box<str>> {
        match (self.freshness.nonce, &self.profiles.contexts) {
            (NonceRule::Server, Some(contexts)) => contexts.issue_nonce(now),
            _ => None,
        }
    }
}
