//! What a signature must speak of: the head alone, or the message too, by its digest.

use super::config::UsageRule;
use super::extract::{WssecCredential, field, in_field};
use super::wire::digest_field::{DigestField, LONGEST_DIGEST};
use super::wire::{DigestName, Usage, canonical};
use crate::crypto::DigestAlgorithm;
use crate::scheme::{Carries, ContentDigest, ContentPledge, Evidence, Refusal, Rejection};
use http::{HeaderName, Method};

/// Which requests need a digest, and what it must cover.
pub(super) struct MessagePolicy {
    pub(super) usage: UsageRule,
    pub(super) required_for: Box<[Method]>,
    pub(super) algorithms: Box<[DigestName]>,
    pub(super) coverage: Coverage,
}

/// Fields that a digest must cover where they are there.
pub(super) struct Coverage {
    pub(super) names: Box<[HeaderName]>,
    pub(super) fragments: FragmentCoverage,
}

/// Whether every field that carries a part of the token must be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FragmentCoverage {
    Required,
    AsNamed,
}

impl MessagePolicy {
    /// Judges what a signature says it speaks of; yields the digest where that is the message.
    ///
    /// A digest beside a signature that does not speak of it is refused: nobody would check it.
    pub(super) fn judge<'c, 'r>(
        &self,
        usage: Usage,
        credential: &'c WssecCredential<'r>,
        evidence: &Evidence<'_>,
    ) -> Result<Option<&'c DigestField<'r>>, Rejection> {
        match (usage, &credential.digest) {
            (Usage::Message, Some(digest)) => self.judge_digest(digest, evidence).map(|()| Some(digest)),
            (Usage::Message, None) => Err(Rejection::DigestMissing),
            (Usage::Auth, None) if !self.needs_message(evidence) => Ok(None),
            (Usage::Auth, _) => Err(Rejection::UsageRefused),
        }
    }

    fn needs_message(&self, evidence: &Evidence<'_>) -> bool {
        match self.usage {
            UsageRule::Auth => false,
            UsageRule::Message => evidence.carries == Carries::Content || self.required_for.contains(evidence.head.method),
            UsageRule::MessageAlways => true,
        }
    }

    fn judge_digest(&self, digest: &DigestField<'_>, evidence: &Evidence<'_>) -> Result<(), Rejection> {
        if !self.algorithms.contains(&digest.algorithm) {
            return Err(Rejection::of_algorithm(self.algorithms.iter().map(|name| name.word()), digest.algorithm.word()));
        }
        let fields = evidence.head.fields;
        let uncovered = |name: &HeaderName| fields.contains_key(name) && !digest.covered.covers(name.as_str());
        let fragment = |name: &&HeaderName| self.coverage.fragments == FragmentCoverage::Required && carries_token(name);
        let named = self.coverage.names.iter().filter(|name| uncovered(name));
        let mut missing = named.chain(fields.keys().filter(fragment).filter(|name| uncovered(name))).peekable();
        if missing.peek().is_none() { Ok(()) } else { Err(Rejection::of_coverage(missing)) }
    }
}

fn carries_token(name: &HeaderName) -> bool {
    name.as_str().strip_prefix("x-wss-token").is_some_and(|number| number.bytes().all(|octet| octet.is_ascii_digit()))
}

/// What is left to be held against the content: the digest that was signed, over the covered fields as they are.
pub(super) fn pledge(digest: Option<&DigestField<'_>>, evidence: &Evidence<'_>) -> Result<ContentPledge, Refusal> {
    let Some(digest) = digest else { return Ok(ContentPledge::Nothing) };
    let mut canon = Vec::new();
    canonical::write_canon(&digest.covered, evidence.head.fields, &mut canon).map_err(in_field(field::DIGEST))?;
    let mut claimed = [0; LONGEST_DIGEST];
    let claimed = digest.octets(&mut claimed).map_err(in_field(field::DIGEST))?;
    Ok(ContentPledge::Digest(Box::new(ContentDigest::begin(algorithm(digest.algorithm), &canon, claimed))))
}

const fn algorithm(name: DigestName) -> DigestAlgorithm {
    match name {
        DigestName::Sha256 => DigestAlgorithm::Sha256,
        DigestName::Sha512 => DigestAlgorithm::Sha512,
        DigestName::Sha1 => DigestAlgorithm::Sha1,
    }
}
