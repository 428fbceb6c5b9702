//! The scheme that all bearer tokens have in common, around whoever judges them.

use super::{Accepted, BearerToken, Challenges, Extractor, check_realm, extractor, onward};
use crate::clock::UnixTime;
use crate::crypto::sha256;
use crate::keys::KeySource;
use crate::scheme::wrap::ForwardToken;
use crate::scheme::{
    Carriers, Challenge, ContentNeed, Evidence, Fingerprint, Malformation, Onward, Place, Proof, Recognition, Refusal, RequestHead,
    Resources, Scheme,
};
use crate::setting::{ByteSize, Located, Problem};
use crate::store::CacheCounts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;

/// A protected resource that takes bearer tokens: where they stand, what becomes of them and what a refusal asks for is
/// the same for all; whether one holds is for its judge.
pub struct Bearer<J> {
    carriers: Carriers,
    onward: Onward,
    extractor: Extractor,
    challenges: Challenges,
    cautions: Box<[&'static str]>,
    pub(in crate::scheme) judge: J,
}

/// Who judges bearer tokens. Methods that a scheme has under the same name say more about them.
pub trait Judge: Sized + Send + Sync + 'static {
    /// The settings of the scheme around it.
    type Config: DeserializeOwned + JsonSchema;

    /// Settings that a newcomer can copy.
    const EXAMPLE: &'static str;

    /// What else a caller must show, in words for people; empty for nothing.
    const POSSESSION: &'static str = "";

    /// What of the settings the scheme around it looks at.
    fn presentation(config: &Located<Self::Config>) -> Presentation<'_>;

    /// Turns its settings into a judge; nothing where they have problems.
    fn build(config: &Located<Self::Config>, resources: &Resources<'_>, problems: &mut Vec<Problem>) -> Option<Self>;

    /// What the settings leave unchecked, or ask for in vain.
    fn cautions(&self, config: &Located<Self::Config>) -> Box<[&'static str]>;

    /// How surely a token is for this judge.
    fn recognise(&self, token: &str) -> Recognition;

    /// Judges a token, for the request that brings it.
    fn verify(&self, token: &str, evidence: &Evidence<'_>) -> impl Future<Output = Result<Proof, Refusal>> + Send;

    /// How its memory of verdicts has served.
    fn verdict_counts(&self) -> CacheCounts;

    /// Where its keys come from, if it has any.
    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        Vec::new()
    }
}

/// Where tokens stand, what becomes of them, and the protection space.
#[derive(Debug)]
pub struct Presentation<'a> {
    pub(in crate::scheme) accept: &'a Located<Vec<Accepted>>,
    pub(in crate::scheme) realm: &'a Located<Box<str>>,
    pub(in crate::scheme) forward_token: ForwardToken,
    pub(in crate::scheme) max_token_size: &'a Located<ByteSize>,
    pub(in crate::scheme) max_form_size: &'a Located<ByteSize>,
}

impl<J: Judge> Scheme for Bearer<J> {
    type Config = Located<J::Config>;
    type Credential<'r> = BearerToken<'r>;

    const EXAMPLE: &'static str = J::EXAMPLE;

    fn build(config: Self::Config, resources: &Resources<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let Presentation { accept, realm, forward_token, max_token_size, max_form_size } = J::presentation(&config);
        check_realm(realm, &mut problems);
        let extractor = extractor(accept, (max_token_size, max_form_size), &mut problems);
        match J::build(&config, resources, &mut problems) {
            Some(judge) if problems.is_empty() => Ok(Self {
                carriers: extractor.carriers(),
                onward: onward(forward_token),
                extractor,
                challenges: Challenges::build("Bearer", realm, &[]),
                cautions: judge.cautions(&config),
                judge,
            }),
            _ => Err(problems),
        }
    }

    fn carriers(&self) -> &Carriers {
        &self.carriers
    }

    fn onward(&self) -> Onward {
        self.onward
    }

    fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed {
        self.extractor.content_need(head)
    }

    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<BearerToken<'r>>, Malformation> {
        self.extractor.extract(evidence)
    }

    fn place(&self, credential: &Self::Credential<'_>) -> Place {
        credential.place().clone()
    }

    fn recognise(&self, credential: &Self::Credential<'_>) -> Recognition {
        self.judge.recognise(credential.text())
    }

    async fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
        self.judge.verify(credential.text(), evidence).await
    }

    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint {
        Fingerprint::of_digest(&sha256(credential.text().as_bytes()))
    }

    fn challenges(&self, refusal: Option<&Refusal>, _: UnixTime) -> Vec<Challenge> {
        vec![self.challenges.after(refusal)]
    }

    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        self.judge.key_sources()
    }

    fn cautions(&self) -> &[&'static str] {
        &self.cautions
    }

    fn possession(&self) -> &'static str {
        J::POSSESSION
    }

    fn verdict_counts(&self) -> Option<CacheCounts> {
        Some(self.judge.verdict_counts())
    }
}
