//! Proves a caller by its certificate: chain, time, purpose, revocation, names; remembers what held.

use super::config::{ExtendedKeyUsage, SubjectSource};
use crate::clock::UnixTime;
use crate::scheme::principal::Asserted;
use crate::scheme::{ClientCertificate, Fingerprint, Memory, Principal, Recognition, Refusal, Rejection};
use crate::store::{CacheCounts, VerdictCache};
use crate::token::ClaimRules;
use crate::token::x509::{
    self, AlternativeName, NamePattern, ProvedCertificate, RevocationLists, StatedPurpose, TrustAnchors, X509Refusal,
};
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// What a certificate must be.
pub(super) struct Requirements {
    pub(super) anchors: TrustAnchors,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    pub(super) revocation: RevocationLists,
    /// Any of these; with none of them any name.
    pub(super) names: Box<[NamePattern]>,
    pub(super) subject: SubjectSource,
    pub(super) usage: ExtendedKeyUsage,
    pub(super) claims: ClaimRules,
}

/// Judges certificates by one set of requirements.
pub(super) struct Verifier {
    scheme: Arc<str>,
    requirements: Requirements,
    /// Positive verdicts by thumbprint, whatever came with the certificate: one path to an anchor is enough.
    verdicts: VerdictCache<Arc<Principal>>,
}

impl Verifier {
    pub(super) fn new(scheme: Arc<str>, requirements: Requirements, cache_octets: u64) -> Self {
        Self { scheme, requirements, verdicts: VerdictCache::bounded(cache_octets) }
    }

    pub(super) fn verify(&self, certificate: &ClientCertificate, now: UnixTime) -> Result<(Arc<Principal>, Memory), Refusal> {
        if let Some(principal) = self.verdicts.find(certificate.thumbprint(), now) {
            return Ok((principal, Memory::Hit));
        }
        let principal = Arc::new(self.requirements.judge(&self.scheme, certificate, now)?);
        let until = principal.expires().min(self.requirements.revocation.end());
        self.verdicts.keep(certificate.thumbprint(), Arc::clone(&principal), principal.octets(), until);
        Ok((principal, Memory::Miss))
    }

    /// Whether what the client presented leads to one of our authorities by its names; signatures are not looked at.
    pub(super) fn recognise(&self, certificate: &ClientCertificate) -> Recognition {
        let anchors = &self.requirements.anchors;
        let mut presented = std::iter::once(certificate.der()).chain(certificate.chain().iter().map(|der| &**der));
        if presented.any(|der| anchors.is_named_by(der)) { Recognition::Named } else { Recognition::Possible }
    }

    pub(super) fn verdict_counts(&self) -> CacheCounts {
        self.verdicts.counts()
    }
}

impl Requirements {
    fn judge(&self, scheme: &Arc<str>, certificate: &ClientCertificate, now: UnixTime) -> Result<Principal, Refusal> {
        let between: Vec<_> = certificate.chain().iter().chain(&self.intermediates).map(|der| CertificateDer::from(&**der)).collect();
        let proved = x509::verify_listed(certificate.der(), &between, (&self.anchors, &self.revocation), now)?;
        if self.usage == ExtendedKeyUsage::Required && proved.purpose() == StatedPurpose::Nothing {
            return Err(X509Refusal::ExtendedKeyUsage.into());
        }
        let subject = self.subject(&proved)?;
        let principal = certified(scheme, &proved, Some(subject));
        self.claims.judge(principal.claims(), now).map_err(Rejection::from)?;
        Ok(principal)
    }

    /// Who it is, of a certificate that has one of the names that are taken.
    fn subject(&self, proved: &ProvedCertificate) -> Result<Box<str>, Rejection> {
        let takes = |name: &&AlternativeName| self.names.is_empty() || self.names.iter().any(|pattern| pattern.takes(name));
        let taken = proved.names().iter().find(takes);
        if taken.is_none() && !self.names.is_empty() {
            return Err(Rejection::CertificateNameRefused);
        }
        let subject: Box<str> = match self.subject {
            SubjectSource::San => taken.map(AlternativeName::text).unwrap_or_default(),
            SubjectSource::Dn => proved.subject().into(),
            SubjectSource::Cn => proved.common_name().into(),
            SubjectSource::Thumbprint => proved.thumbprint_text(),
        };
        let sound = !subject.is_empty() && !subject.chars().any(char::is_control);
        if sound { Ok(subject) } else { Err(Rejection::CertificateNameRefused) }
    }
}

/// The principal of a certificate whose key the caller has proved to hold.
pub(in crate::scheme) fn certified(scheme: &Arc<str>, proved: &ProvedCertificate, subject: Option<Box<str>>) -> Principal {
    Principal::assertion(Asserted {
        scheme: Arc::clone(scheme),
        issuer: proved.issuer().into(),
        subject,
        // A certificate holds through the second that it names as its last.
        expires: proved.not_after().later(1),
        claims: proved.claims(),
        fingerprint: Fingerprint::of_digest(proved.thumbprint()),
    })
}
