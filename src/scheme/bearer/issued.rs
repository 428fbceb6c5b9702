//! Judges of JSON Web Tokens: they prove a token by its issuer's keys, and differ in whose it may be.

use super::{Accepted, Judge, Presentation, Tokens, cautions, token_settings, tokens};
use crate::keys::KeySource;
use crate::scheme::{Evidence, Proof, Recognition, Refusal, Resources};
use crate::setting::{ByteSize, Located, Problem};
use crate::store::CacheCounts;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

token_settings! {
    /// A protected resource that takes JSON Web Tokens (RFC 6750, RFC 9068): from whoever has one, or from the clients
    /// whose certificates they are bound to (RFC 8705 §3), for which a listener must ask.
    pub struct BearerConfig {
        /// Where a token may stand in the request.
        #[serde(default = "crate::scheme::bearer::defaults::accept")]
        pub accept: Located<Vec<Accepted>>,
        /// The largest form that is searched for a token, at most 16MiB; a larger one is answered with 413.
        #[serde(default = "crate::scheme::bearer::defaults::max_form_size")]
        pub max_form_size: Located<ByteSize>,
    }
}

/// Judges tokens of one issuer that are of use to whom `P` says.
pub struct Issued<P> {
    tokens: Tokens,
    possession: PhantomData<P>,
}

/// Whose a token may be: what must be shown beside it.
pub(in crate::scheme) trait Possession: Send + Sync + 'static {
    /// Settings that a newcomer can copy.
    const EXAMPLE: &'static str;

    /// What must be shown beside it, in words for people; empty for nothing.
    const POSSESSION: &'static str = "";

    /// Judges a token, and what the request shows beside it.
    fn verify(tokens: &Tokens, token: &str, evidence: &Evidence<'_>) -> impl Future<Output = Result<Proof, Refusal>> + Send;
}

impl<P: Possession> Judge for Issued<P> {
    type Config = BearerConfig;

    const EXAMPLE: &'static str = P::EXAMPLE;
    const POSSESSION: &'static str = P::POSSESSION;

    fn presentation(config: &Located<BearerConfig>) -> Presentation<'_> {
        let BearerConfig { accept, realm, forward_token, max_token_size, max_form_size, .. } = &**config;
        Presentation { accept, realm, forward_token: *forward_token, max_token_size, max_form_size }
    }

    fn build(config: &Located<BearerConfig>, resources: &Resources<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        tokens(&config.terms(config.at()), resources, problems).map(|tokens| Self { tokens, possession: PhantomData })
    }

    fn cautions(&self, config: &Located<BearerConfig>) -> Box<[&'static str]> {
        cautions(&config.terms(config.at()), &self.tokens)
    }

    fn recognise(&self, token: &str) -> Recognition {
        self.tokens.recognise(token)
    }

    fn verify(&self, token: &str, evidence: &Evidence<'_>) -> impl Future<Output = Result<Proof, Refusal>> + Send {
        P::verify(&self.tokens, token, evidence)
    }

    fn verdict_counts(&self) -> CacheCounts {
        self.tokens.verdict_counts()
    }

    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        vec![Arc::clone(self.tokens.keys())]
    }
}
