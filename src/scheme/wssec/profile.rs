//! The kinds of tokens that are taken: each judges its own, and says who the holder is.

use super::contexts::Contexts;
use super::holder::{Holder, HolderKey, Standing};
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, PublicKey};
use crate::keys::KeySource;
use crate::scheme::principal::Asserted;
use crate::scheme::wrap::verify::Requirements as SwtRequirements;
use crate::scheme::x509::certified;
use crate::scheme::{Fault, Fingerprint, Malformation, Principal, Refusal, Rejection};
use crate::store::Namespace;
use crate::token::ClaimRules;
use crate::token::context::{self, FirstProfile};
use crate::token::jose::Unconfirmed;
use crate::token::jose::cnf::{self, ProofKey};
use crate::token::jose::jwe::SharedKey;
use crate::token::jwt::{Holder as JwtHolder, Jwt, Requirements as JwtRequirements};
use crate::token::x509::{self, TrustAnchors};
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// All profiles of a scheme.
pub(super) struct Profiles {
    pub(super) scheme: Arc<str>,
    pub(super) jwt: Option<JwtTokens>,
    pub(super) swt: Option<SwtTokens>,
    pub(super) x509v3: Option<Certificates>,
    pub(super) contexts: Option<Contexts>,
    /// What every token must claim.
    pub(super) claims: ClaimRules,
}

/// JSON Web Tokens.
pub(super) struct JwtTokens {
    pub(super) requirements: JwtRequirements,
    pub(super) keys: Arc<KeySource>,
    pub(super) proof_key: Option<SharedKey>,
}

/// Simple Web Tokens.
pub(super) struct SwtTokens {
    pub(super) requirements: SwtRequirements,
    pub(super) proof_key: SharedKey,
}

/// X.509 certificates.
pub(super) struct Certificates {
    pub(super) anchors: TrustAnchors,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
}

/// One kind of tokens.
#[derive(Clone, Copy)]
pub(super) enum Profile<'p> {
    Jwt(&'p JwtTokens),
    Swt(&'p SwtTokens),
    X509v3(&'p Certificates),
    Context(&'p Contexts),
    /// A kind that nothing judges: a test puts its holders among the verdicts.
    #[cfg(test)]
    Prepared,
}

impl Profile<'_> {
    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Jwt(_) => "jwt",
            Self::Swt(_) => "swt",
            Self::X509v3(_) => "x509v3",
            Self::Context(_) => "sct",
            #[cfg(test)]
            Self::Prepared => FirstProfile::Saml2.word(),
        }
    }
}

impl Profile<'_> {
    /// The generation of the keys by which its tokens hold, for verdicts that were reached before.
    pub(super) async fn generation(self, now: UnixTime) -> Result<u64, Fault> {
        match self {
            Self::Jwt(tokens) => tokens.keys.keys(now).await.map(|keys| keys.generation()).map_err(|_| Fault::KeysUnavailable),
            Self::Swt(_) | Self::X509v3(_) | Self::Context(_) => Ok(0),
            #[cfg(test)]
            Self::Prepared => Ok(0),
        }
    }
}

/// A holder, and until when that may be remembered.
pub(super) struct Judged {
    pub(super) holder: Holder,
    pub(super) until: UnixTime,
}

/// A token and its SHA-256.
#[derive(Clone, Copy)]
pub(super) struct Presented<'t> {
    pub(super) octets: &'t [u8],
    pub(super) digest: &'t [u8; DIGEST_LENGTH],
}

impl Profiles {
    /// The profiles' words, in the order in which challenges name them.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> {
        let (jwt, swt) = (self.jwt.as_ref().map(Profile::Jwt), self.swt.as_ref().map(Profile::Swt));
        let (x509v3, contexts) = (self.x509v3.as_ref().map(Profile::X509v3), self.contexts.as_ref().map(Profile::Context));
        [jwt, swt, x509v3, contexts].into_iter().flatten().map(Profile::word)
    }

    /// The kind of a token: the one that is stated; without a statement a context where it looks like one, else
    /// the one other kind there is. Kinds are never tried one after another.
    pub(super) fn find(&self, stated: &str, token: &[u8]) -> Result<Profile<'_>, Rejection> {
        let found = match stated {
            "jwt" => self.jwt.as_ref().map(Profile::Jwt),
            "swt" => self.swt.as_ref().map(Profile::Swt),
            "x509v3" => self.x509v3.as_ref().map(Profile::X509v3),
            "sct" => self.contexts.as_ref().map(Profile::Context),
            "" if context::is_context(token) => self.contexts.as_ref().map(Profile::Context),
            "" => self.sole(),
            #[cfg(test)]
            "saml2" => Some(Profile::Prepared),
            _ => None,
        };
        found.ok_or(Rejection::ProfileRefused)
    }

    fn sole(&self) -> Option<Profile<'_>> {
        match (&self.jwt, &self.swt, &self.x509v3) {
            (Some(tokens), None, None) => Some(Profile::Jwt(tokens)),
            (None, Some(tokens), None) => Some(Profile::Swt(tokens)),
            (None, None, Some(certificates)) => Some(Profile::X509v3(certificates)),
            _ => None,
        }
    }

    /// Judges a token of this kind.
    pub(super) async fn judge(&self, profile: Profile<'_>, token: Presented<'_>, now: UnixTime) -> Result<Judged, Refusal> {
        let judged = match profile {
            Profile::Jwt(tokens) => tokens.judge(&self.scheme, token, now).await,
            Profile::Swt(tokens) => tokens.judge(&self.scheme, token, now),
            Profile::X509v3(certificates) => certificates.judge(&self.scheme, token, now),
            Profile::Context(contexts) => contexts.judge(&self.scheme, token, now),
            #[cfg(test)]
            Profile::Prepared => Err(Rejection::ProfileRefused.into()),
        }?;
        self.claims.judge(judged.holder.principal.claims(), now).map_err(Rejection::from)?;
        Ok(judged)
    }
}

impl JwtTokens {
    async fn judge(&self, scheme: &Arc<str>, token: Presented<'_>, now: UnixTime) -> Result<Judged, Refusal> {
        let text = std::str::from_utf8(token.octets).map_err(|_| Malformation::TokenSyntax)?;
        let unconfirmed = Unconfirmed::parse(text).map_err(|_| Malformation::TokenSyntax)?;
        let keys = self.keys.keys_for(unconfirmed.header().key_id(), now).await.map_err(|_| Fault::KeysUnavailable)?;
        let confirmed = unconfirmed.confirmed_by(keys.keys()).map_err(|unproved| {
            let named = Unconfirmed::parse(text).ok();
            Refusal::from(unproved).about_key(named.as_ref().and_then(|token| token.header().key_id()))
        })?;
        let jwt = Jwt::read(&confirmed).map_err(|_| Malformation::TokenSyntax)?;
        let expires = self.requirements.judge(&jwt, now).map_err(|miss| Rejection::of_token(miss, &self.requirements, &jwt))?;
        let key = match jwt.holder().clone() {
            JwtHolder::Anyone => return Err(Rejection::HolderKeyMissing.into()),
            JwtHolder::Bound(confirmation) => confirmation.open(&self.proof_key).map_err(|_| Rejection::HolderKeyUnusable)?,
        };
        let subject = jwt.subject().filter(|subject| !subject.is_empty()).map(Box::from);
        let asserted = Asserted {
            scheme: Arc::clone(scheme),
            issuer: Arc::clone(&self.requirements.issuer),
            subject,
            expires,
            claims: jwt.into_claims(),
            fingerprint: Fingerprint::of_digest(token.digest),
        };
        let mut judged = judged_token(Principal::assertion(asserted), key, FirstProfile::Jwt, token.digest, self.requirements.leeway);
        judged.holder.generation = keys.generation();
        Ok(judged)
    }
}

impl SwtTokens {
    fn judge(&self, scheme: &Arc<str>, token: Presented<'_>, now: UnixTime) -> Result<Judged, Refusal> {
        let text = std::str::from_utf8(token.octets).map_err(|_| Malformation::TokenSyntax)?;
        let principal = self.requirements.judge(scheme, text, token.digest, now)?;
        let sealed = principal.claims().value(cnf::SEALED_CLAIM).ok_or(Rejection::HolderKeyMissing)?;
        let key = cnf::open_sealed(sealed, [&self.proof_key]).map_err(|_| Rejection::HolderKeyUnusable)?;
        Ok(judged_token(principal, key, FirstProfile::Swt, token.digest, self.requirements.leeway))
    }
}

impl Certificates {
    fn judge(&self, scheme: &Arc<str>, token: Presented<'_>, now: UnixTime) -> Result<Judged, Refusal> {
        let proved = x509::verify(token.octets, &self.intermediates, &self.anchors, now)?;
        let key = PublicKey::from_spki_der(proved.spki_der()).map_err(|_| Rejection::HolderKeyUnusable)?;
        let subject = Some(proved.subject()).filter(|subject| !subject.is_empty()).map(Box::from);
        let principal = Arc::new(certified(scheme, &proved, subject));
        let expires = principal.expires();
        let namespace = Namespace::new(scheme, principal.issuer(), proved.thumbprint());
        let holder = Holder {
            principal,
            key: HolderKey::Certificate(Arc::new(key)),
            standing: Standing::Token(FirstProfile::X509v3),
            namespace,
            generation: 0,
        };
        Ok(Judged { holder, until: expires })
    }
}

/// Nonces belong to one token: its digest stands for the holder's key, which it names.
fn judged_token(principal: Principal, key: ProofKey, profile: FirstProfile, digest: &[u8; DIGEST_LENGTH], leeway: u64) -> Judged {
    let namespace = Namespace::new(principal.scheme(), principal.issuer(), digest);
    let until = principal.expires().later(leeway);
    let holder = Holder {
        principal: Arc::new(principal),
        key: HolderKey::Token(Arc::new(key)),
        standing: Standing::Token(profile),
        namespace,
        generation: 0,
    };
    Judged { holder, until }
}
