//! Proves a request: key, freshness, coverage, signature; what is left is the content and the first use of the nonce.

use super::coverage::CoveragePolicy;
use super::digests::pledge;
use super::extract::SignatureCredential;
use super::freshness::Freshness;
use super::keys::{CallerKey, CallerKeys};
use super::wire::base::{self, Message};
use super::wire::input::Parameters;
use super::wire::structured::StructuredFields;
use super::wire::{MessageAlgorithm, Unreadable};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::scheme::principal::Asserted;
use crate::scheme::{Continuation, Evidence, Fingerprint, Malformation, Memory, Principal, Proof, Refusal, Rejection};
use crate::token::ClaimsBuilder;
use crate::token::jose::KeyName;
use std::sync::Arc;

/// Room for a signature base with a long target.
const USUAL_BASE: usize = 1024;

/// Judges signatures of one scheme.
pub(super) struct Verifier {
    pub(super) scheme: Arc<str>,
    pub(super) keys: CallerKeys,
    pub(super) algorithms: Box<[MessageAlgorithm]>,
    pub(super) coverage: CoveragePolicy,
    pub(super) freshness: Freshness,
    pub(super) structured: StructuredFields,
}

impl Verifier {
    pub(super) fn verify(&self, credential: &SignatureCredential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        let SignatureCredential { stated, signature } = credential;
        stated.check().map_err(refused)?;
        let key_id = &*stated.parameters.keyid;
        let key = self.keys.get(key_id).ok_or_else(|| Rejection::KeyUnknown(KeyName::of(key_id)))?;
        self.check_algorithm(key, &stated.parameters.alg)?;
        let fresh = self.freshness.judge(&stated.parameters, &key.namespace, evidence.now)?;
        self.coverage.judge(stated, evidence)?;
        let mut signed = Vec::with_capacity(USUAL_BASE);
        base::write(stated, &message(evidence), &self.structured, &mut signed).map_err(|_| Rejection::ComponentAbsent)?;
        if !key.key.verify(key.algorithm.jose(), &signed, signature) {
            return Err(Rejection::SignatureInvalid.into());
        }
        Ok(Proof {
            content: pledge(stated, evidence.head.fields)?,
            first_use: fresh.first_use,
            continuation: Continuation::None,
            profile: key.algorithm.word(),
            memory: Memory::Miss,
            principal: Arc::new(self.principal(key, &stated.parameters, fresh.ends, signature)),
        })
    }

    /// Whether the signature names a key of this scheme.
    pub(super) fn knows(&self, credential: &SignatureCredential<'_>) -> bool {
        self.keys.contains_key(&*credential.stated.parameters.keyid)
    }

    /// The key decides the algorithm; what the message says may only agree.
    fn check_algorithm(&self, key: &CallerKey, stated: &str) -> Result<(), Rejection> {
        let of_key = key.algorithm.word();
        if !stated.is_empty() && stated != of_key {
            let found = MessageAlgorithm::of_word(stated).map(MessageAlgorithm::word).unwrap_or_default();
            return Err(Rejection::of_algorithm([of_key].into_iter(), found));
        }
        let taken = self.algorithms.iter().map(|algorithm| algorithm.word());
        if self.algorithms.contains(&key.algorithm) { Ok(()) } else { Err(Rejection::of_algorithm(taken, of_key)) }
    }

    fn principal(&self, key: &CallerKey, parameters: &Parameters<'_>, ends: UnixTime, signature: &[u8]) -> Principal {
        let mut claims = ClaimsBuilder::with_room(parameters.keyid.len().saturating_add(parameters.tag.len()).saturating_add(8), 2);
        let named = [("keyid", &parameters.keyid), ("tag", &parameters.tag)];
        for (name, value) in named.into_iter().filter(|(_, value)| !value.is_empty()) {
            // Longer than the largest field is nothing that was read.
            let _ = claims.add(name, value);
        }
        Principal::assertion(Asserted {
            scheme: Arc::clone(&self.scheme),
            issuer: (*self.scheme).into(),
            subject: Some(key.subject.clone()),
            expires: ends,
            claims: claims.build(),
            fingerprint: Fingerprint::of_digest(&sha256(signature)),
        })
    }
}

/// The request as its sender has signed it: as it was received, or as a proxy that is believed has received it.
fn message<'e>(evidence: &Evidence<'e>) -> Message<'e> {
    let (head, external) = (&evidence.head, evidence.external());
    let host = if external.authority == head.authority { head.received.host } else { external.authority.as_bytes() };
    let (scheme, authority) = (external.scheme, external.authority);
    Message { method: head.method.as_str(), scheme, authority, host, target: head.received.target, fields: head.fields }
}

/// A part that the message does not have is not the sender's way to write.
fn refused(unreadable: Unreadable) -> Refusal {
    match unreadable {
        Unreadable::Absent => Rejection::ComponentAbsent.into(),
        Unreadable::Syntax
        | Unreadable::LabelRepeated
        | Unreadable::TooMany
        | Unreadable::Component
        | Unreadable::ComponentRepeated
        | Unreadable::Parameter => Malformation::Signature("Signature-Input", unreadable).into(),
    }
}
