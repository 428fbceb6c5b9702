//! What a listener asks of the certificates of clients, and which authorities vouch for them.

use super::document::{ClientCertificateRule, ListenerTls};
use crate::clock::UnixTime;
use crate::scheme::ClientCertificate;
use crate::setting::{Files, Located, Problem};
use crate::store::VerdictCache;
use crate::token::x509::{self, TrustAnchors, X509Refusal};
use std::path::PathBuf;

/// The memory for certificates that were vouched for, in octets: some thousands.
const REMEMBERED: u64 = 1 << 20;

/// What a listener asks of its clients.
#[derive(Default)]
pub enum ClientCertificates {
    /// Nothing.
    #[default]
    NotAsked,
    /// A certificate, of whatever issuer; or none.
    Any,
    /// A certificate that an authority vouches for, or none.
    Optional(Vouchers),
    /// A certificate that an authority vouches for.
    Required(Vouchers),
}

/// The authorities that vouch for clients, and the certificates that are known to hold.
pub struct Vouchers {
    anchors: TrustAnchors,
    held: VerdictCache<()>,
}

impl ClientCertificates {
    /// Reads the settings of a listener.
    ///
    /// # Errors
    /// A file that cannot be read or holds no authorities, or settings that contradict each other.
    pub(super) fn load(tls: &ListenerTls, files: &Files) -> Result<Self, Problem> {
        let rule = tls.client_certificate.as_ref();
        match (rule.map(|rule| **rule), &tls.client_ca) {
            (None, None) => Ok(Self::NotAsked),
            (None | Some(ClientCertificateRule::Required), Some(file)) => Vouchers::load(file, files).map(Self::Required),
            (Some(ClientCertificateRule::Optional), Some(file)) => Vouchers::load(file, files).map(Self::Optional),
            (Some(ClientCertificateRule::Any), None) => Ok(Self::Any),
            (Some(ClientCertificateRule::Any), Some(file)) => {
                Err(Problem::new(file.at(), "`client_ca` beside `client_certificate: any`", "one of them: with `any` nobody vouches"))
            }
            (Some(ClientCertificateRule::Optional | ClientCertificateRule::Required), None) => {
                let at = rule.map_or(crate::setting::Position::new(0, 0), Located::at);
                Err(Problem::new(at, "`client_certificate` without `client_ca`", "`client_ca` with the authorities that vouch for clients"))
            }
        }
    }

    /// Whether a connection with this certificate, or with none, can be served at `now`.
    ///
    /// # Errors
    /// Why not: there is none where one is required, or no authority vouches for it.
    pub fn admit(&self, certificate: Option<&ClientCertificate>, now: UnixTime) -> Result<(), NotServed> {
        match (self, certificate) {
            (Self::NotAsked | Self::Any, _) | (Self::Optional(_), None) => Ok(()),
            (Self::Required(_), None) => Err(NotServed::Missing),
            (Self::Optional(vouchers) | Self::Required(vouchers), Some(certificate)) => {
                vouchers.verify(certificate, now).map_err(NotServed::NotVouched)
            }
        }
    }
}

/// Why a connection cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotServed {
    /// It has no certificate.
    Missing,
    /// Its certificate does not hold.
    NotVouched(X509Refusal),
}

impl Vouchers {
    fn load(file: &Located<PathBuf>, files: &Files) -> Result<Self, Problem> {
        let pem = files.read(file)?;
        let anchors = TrustAnchors::from_pem(&pem)
            .map_err(|problem| Problem::new(file.at(), problem.to_string(), "certificates of authorities in PEM"))?;
        Ok(Self { anchors, held: VerdictCache::bounded(REMEMBERED) })
    }

    fn verify(&self, certificate: &ClientCertificate, now: UnixTime) -> Result<(), X509Refusal> {
        if self.held.find(certificate.thumbprint(), now).is_some() {
            return Ok(());
        }
        let proved = x509::verify(certificate.der(), certificate.chain(), &self.anchors, now)?;
        self.held.keep(certificate.thumbprint(), (), 0, proved.not_after().later(1));
        Ok(())
    }
}
