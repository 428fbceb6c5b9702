//! Judges what an issuer says of a token, and for how long the verdict stands.

use super::inquiry::{Answer, Inquiry};
use super::memory::{Entry, Verdict, Verdicts};
use crate::clock::UnixTime;
use crate::crypto::DIGEST_LENGTH;
use crate::scheme::bearer::Binding;
use crate::scheme::principal::Asserted;
use crate::scheme::{Fault, Fingerprint, Principal, Refusal, Rejection};
use crate::token::jwt::{Jwt, Requirements};
use std::sync::Arc;

/// What an introspector is made of.
pub(super) struct Parts {
    pub(super) scheme: Arc<str>,
    pub(super) inquiry: Inquiry,
    pub(super) requirements: Requirements,
    pub(super) named: Named,
    pub(super) subject_claim: Box<str>,
    pub(super) verdicts: Verdicts,
    /// How long verdicts stand, in seconds.
    pub(super) good_for: u64,
    pub(super) refused_for: u64,
}

/// Whether the settings name the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// They do, in the requirements.
    Issuer,
    /// They do not: whoever answers vouches for whatever it says.
    Nobody,
}

impl Parts {
    /// Asks about a token; yields the verdict, and how long it is remembered.
    pub(super) async fn reach(&self, token: &str, digest: &[u8; DIGEST_LENGTH], now: UnixTime) -> Entry {
        let judged = match self.inquiry.ask(token, now).await {
            Err(_) => return Entry::new(Err(Refusal::Fault(Fault::IntrospectionUnavailable)), now, 0),
            Ok(Answer::Inactive) => Err(Rejection::Inactive),
            Ok(Answer::BoundOtherwise) => Err(Rejection::TokenBound),
            Ok(Answer::Active(jwt)) => self.judge(*jwt, digest, now),
        };
        match judged {
            Ok(principal) => {
                let left = principal.expires().seconds().saturating_sub(now.seconds());
                Entry::new(Ok(principal), now, self.good_for.min(left))
            }
            Err(rejection) => Entry::new(Verdict::Err(rejection.into()), now, self.refused_for),
        }
    }

    fn judge(&self, jwt: Jwt, digest: &[u8; DIGEST_LENGTH], now: UnixTime) -> Result<Arc<Principal>, Rejection> {
        let expires = match self.named {
            Named::Issuer => self.requirements.judge(&jwt, now),
            Named::Nobody => self.requirements.judge_terms(&jwt, now),
        };
        let expires = expires.map_err(|miss| Rejection::of_token(miss, &self.requirements, &jwt))?;
        if Binding::of(jwt.holder()) != Binding::Anyone {
            return Err(Rejection::TokenBound);
        }
        // An empty name names nobody.
        let subject = jwt.claims().value(&self.subject_claim).filter(|subject| !subject.is_empty()).map(Box::from);
        Ok(Arc::new(Principal::assertion(Asserted {
            scheme: Arc::clone(&self.scheme),
            issuer: self.issuer(&jwt).into(),
            subject,
            expires,
            claims: jwt.into_claims(),
            fingerprint: Fingerprint::of_digest(digest),
        })))
    }

    /// The issuer's name; its address where nothing names it.
    fn issuer<'j>(&'j self, jwt: &'j Jwt) -> &'j str {
        match self.named {
            Named::Issuer => &self.requirements.issuer,
            Named::Nobody => jwt.issuer().unwrap_or(self.inquiry.endpoint.as_str()),
        }
    }
}
