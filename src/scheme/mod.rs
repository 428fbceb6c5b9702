//! How a caller proves who it is: one file or folder per scheme, one line here.

#[cfg(test)]
mod battery;
pub mod bearer;
mod challenge;
mod content;
mod evidence;
mod external;
mod mismatch;
mod principal;
mod refusal;
mod registry;

pub use challenge::Challenge;
pub use content::{ContentDigest, ContentPledge};
pub use evidence::{
    Beside, Carriers, Carries, ClientCertificate, Connection, ConnectionCarrier, ContentNeed, Evidence, Onward, Place, Received,
    Recognition, Repeated, RequestHead, TransportSecurity,
};
pub use external::{External, FORWARDED_HOST, FORWARDED_PROTO, PeerTrust};
pub use mismatch::Mismatch;
pub use principal::{Continuation, Fingerprint, FirstUse, Memory, Principal, Proof};
pub use refusal::{Fault, Insufficiency, Malformation, Refusal, Rejection, StepUp};

use crate::clock::UnixTime;
use crate::crypto::SystemRandom;
use crate::keys::{KeySource, KeySources};
use crate::setting::{Files, Problem};
use crate::store::{CacheCounts, Stores};
use http::header::AUTHORIZATION;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;

registry::schemes! {
    /// OAuth WRAP 0.9.7.2 access tokens in Simple Web Token form (SWT 0.9.5.1).
    wrap => Wrap,
    /// HTTP message authentication (US8078870): bound tokens, signed requests, digests, contexts.
    wssec => Wssec,
    /// JSON Web Tokens as bearer tokens of one issuer (RFC 6750, RFC 7519, RFC 8725, RFC 9068).
    jwt => Jwt,
    /// JSON Web Tokens with a proof of possession for each request: DPoP (RFC 9449).
    dpop => Dpop,
    /// JSON Web Tokens that are bound to the client certificate of the connection (RFC 8705).
    mtls => Mtls,
    /// HTTP message signatures (RFC 9421) over requests, and digests of their content (RFC 9530).
    http_signature => HttpSignature,
    /// The client certificate of the connection as the caller's identity (RFC 5280, RFC 8446).
    x509 => X509,
    /// Opaque bearer tokens that their issuer is asked about (RFC 6750, RFC 7662).
    introspection => Introspection,
}

/// What a scheme may lean on while it is built.
#[derive(Debug)]
pub struct Resources<'a> {
    /// The scheme's name in the configuration.
    pub name: &'a Arc<str>,
    /// The files that settings name.
    pub files: &'a Files,
    /// What outlives a configuration.
    pub stores: &'a Arc<Stores>,
    /// Where the keys of issuers come from.
    pub key_sources: &'a KeySources,
    /// Randomness.
    pub random: &'a Arc<SystemRandom>,
}

/// One way to prove who a request is from.
///
/// A scheme is built once per configuration and then asked, request after request: is there a
/// credential of yours (`extract`), and does it hold (`verify`)? It sees evidence and time, never
/// the session, the socket or the clock, and it returns values, never a written response.
pub trait Scheme: Sized + Send + Sync + 'static {
    /// The scheme's settings, below its key in the configuration.
    type Config: DeserializeOwned + JsonSchema;
    /// A credential as found in the request, not judged yet.
    type Credential<'r>: Send;

    /// Settings that a newcomer can copy; a test parses them.
    const EXAMPLE: &'static str;

    /// Turns settings into a running scheme: names become keys here, once.
    ///
    /// # Errors
    /// Every problem of the settings, each with its place.
    fn build(config: Self::Config, resources: &Resources<'_>) -> Result<Self, Vec<Problem>>;

    /// Where credentials of this scheme are read.
    fn carriers(&self) -> &Carriers;

    /// Whether rewriting removes credentials from there.
    fn onward(&self) -> Onward;

    /// What this scheme must see of the content before it can say anything.
    fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed;

    /// Finds the credential: nothing, one, or garbage. Does not judge it.
    ///
    /// # Errors
    /// What is there cannot be one credential of this scheme.
    fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<Self::Credential<'r>>, Malformation>;

    /// Where a credential stood. Of credentials in different places none is chosen.
    fn place(&self, _: &Self::Credential<'_>) -> Place {
        Place::Field(AUTHORIZATION)
    }

    /// How surely a credential is for this scheme, by what it says and nobody has proved: which of several schemes that
    /// read the same place takes it. That one judges it, and its verdict is final.
    fn recognise(&self, _: &Self::Credential<'_>) -> Recognition {
        Recognition::Possible
    }

    /// Judges the credential by the head, and by the content where that was asked for. What is left to be
    /// held against the content, and what may be used only once, stands in the proof: the gateway sees to
    /// the one and then to the other, last.
    fn verify(&self, credential: &Self::Credential<'_>, evidence: &Evidence<'_>) -> impl Future<Output = Result<Proof, Refusal>> + Send;

    /// What logs call a credential, also one that did not hold.
    fn fingerprint(credential: &Self::Credential<'_>) -> Fingerprint;

    /// What to ask the caller for, on a 401.
    fn challenges(&self, refusal: Option<&Refusal>, now: UnixTime) -> Vec<Challenge>;

    /// What the answer to an admitted request carries, in place of the upstream's own fields of these
    /// names: a cookie, the next nonce, a context token.
    fn issue(&self, _: &Proof, _: UnixTime) -> Vec<Challenge> {
        Vec::new()
    }

    /// Whether a field of an upstream's answer speaks in the name of this scheme, and is dropped.
    fn owns_answer_field(_: &str) -> bool {
        false
    }

    /// The sources of the keys that it verifies with, where they are not in its own hands: the gateway keeps
    /// them fresh.
    fn key_sources(&self) -> Vec<Arc<KeySource>> {
        Vec::new()
    }

    /// What its settings leave unchecked, each as a sentence for whoever checks a configuration.
    fn cautions(&self) -> &[&'static str] {
        &[]
    }

    /// What else its caller must show that the credential is his own, and where, in words for people; empty for nothing.
    fn possession(&self) -> &'static str {
        ""
    }

    /// How the memory of verdicts has served, where the scheme has one.
    fn verdict_counts(&self) -> Option<CacheCounts>;
}
