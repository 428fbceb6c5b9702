//! What a refusal asks for: a challenge per profile, and how requests are to be signed.

use super::config::{NonceRule, UsageRule};
use super::verify::Verifier;
use super::wire::Usage;
use super::wire::auth_info::Authenticate;
use super::wire::authorization::Authorization;
use super::wire::digest_field::Covered;
use crate::clock::UnixTime;
use crate::scheme::Challenge;
use http::HeaderValue;

/// The fields of a 401, made once; a nonce of ours is added to the last of them each time.
pub(super) struct Challenges {
    www_authenticate: Vec<HeaderValue>,
    authenticate: String,
}

impl Challenges {
    pub(super) fn build(verifier: &Verifier) -> Self {
        let realm = &*verifier.realm;
        let value = |profile: &'static str| {
            let challenge = Authorization { realm: realm.into(), profile: profile.into() };
            HeaderValue::try_from(challenge.to_string()).ok()
        };
        let names: Vec<&str> = verifier.message.coverage.names.iter().map(http::HeaderName::as_str).collect();
        let authenticate = Authenticate {
            usage: usage(verifier.message.usage),
            signatures: verifier.algorithms.to_vec(),
            digests: verifier.message.algorithms.to_vec(),
            nonce: "",
            covered: Covered::new(names).unwrap_or_default(),
        };
        Self { www_authenticate: verifier.profiles.words().filter_map(value).collect(), authenticate: authenticate.to_string() }
    }

    /// The challenges, with a fresh nonce where the gateway makes them.
    pub(super) fn issue(&self, verifier: &Verifier, now: UnixTime) -> Vec<Challenge> {
        let mut fields: Vec<_> = self.www_authenticate.iter().cloned().map(Challenge::www_authenticate).collect();
        let with_nonce = |nonce: Box<str>| [&self.authenticate, ", nonce=\"", &nonce, "\""].concat();
        let how = match verifier.freshness.nonce {
            NonceRule::Client => HeaderValue::from_str(&self.authenticate),
            NonceRule::Server => HeaderValue::try_from(verifier.next_nonce(now).map_or_else(|| self.authenticate.clone(), with_nonce)),
        };
        fields.extend(how.ok().map(|value| Challenge { field: "X-WSS-Authenticate", value }));
        fields
    }
}

/// What a caller should say it signs, in advance of the first request.
const fn usage(rule: UsageRule) -> Option<Usage> {
    match rule {
        UsageRule::Auth => Some(Usage::Auth),
        UsageRule::Message | UsageRule::MessageAlways => Some(Usage::Message),
    }
}
