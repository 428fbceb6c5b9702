//! What a listener asks of the certificates of clients, and which authorities vouch for them.

use super::document::{ClientCertificateRule, ListenerTls};
use crate::clock::UnixTime;
use crate::scheme::ClientCertificate;
use crate::setting::{ByteSize, Files, Located, Problem};
use crate::store::VerdictCache;
use crate::token::x509::{self, TrustAnchors, X509Refusal};
use std::path::PathBuf;

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
    /// Reads the settings of a listener, which remembers certificates in so much memory.
    ///
    /// # Errors
    /// A file that cannot be read or holds no authorities, or settings that contradict each other.
    pub(super) fn load(tls: &ListenerTls, memory: ByteSize, files: &Files) -> Result<Self, Problem> {
        let rule = tls.client_certificate.as_ref();
        match (rule.map(|rule| **rule), &tls.client_ca) {
            (None, None) => Ok(Self::NotAsked),
            (None | Some(ClientCertificateRule::Required), Some(file)) => Vouchers::load(file, memory, files).map(Self::Required),
            (Some(ClientCertificateRule::Optional), Some(file)) => Vouchers::load(file, memory, files).map(Self::Optional),
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
    fn load(file: &Located<PathBuf>, memory: ByteSize, files: &Files) -> Result<Self, Problem> {
        let pem = files.read(file)?;
        let anchors = TrustAnchors::from_pem(&pem)
            .map_err(|problem| Problem::new(file.at(), problem.to_string(), "certificates of authorities in PEM"))?;
        Ok(Self { anchors, held: VerdictCache::bounded(memory.octets()) })
    }

    fn verify(&self, certificate: &ClientCertificate, now: UnixTime) -> Result<(), X509Refusal> {
        if self.held.find(certificate.thumbprint(), now).is_some() {
            return Ok(());
        }
        let proved = x509::verify(certificate.der(), certificate.chain(), &self.anchors, now)?;
        // The end of the whole chain, not of the certificate alone.
        self.held.keep(certificate.thumbprint(), (), 0, proved.not_after().later(1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Position;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
    use rustls::pki_types::CertificateDer;

    /// 2026-06-15.
    const NOW: UnixTime = UnixTime::from_seconds(1_781_481_600);
    /// The last second of 2026, and of the authority between.
    const END: UnixTime = UnixTime::from_seconds(1_798_761_600);

    fn params(last_year: i32) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(last_year + 1, 1, 1));
        params
    }

    fn authority(last_year: i32) -> (CertificateParams, KeyPair) {
        let mut params = params(last_year);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("until {last_year}"));
        (params, KeyPair::generate().unwrap())
    }

    /// Vouchers with so much memory, and a certificate until 2096 below an authority until 2026.
    fn vouched(memory: ByteSize) -> (Vouchers, ClientCertificate) {
        let _ = crate::crypto::install_rustls_provider();
        let ((root, root_key), (between, between_key)) = (authority(2096), authority(2026));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), root.self_signed(&root_key).unwrap().pem()).unwrap();
        let root = Issuer::new(root, root_key);
        let chain: Vec<CertificateDer<'static>> = vec![between.signed_by(&between_key, &root).unwrap().der().clone()];
        let leaf = params(2096).signed_by(&KeyPair::generate().unwrap(), &Issuer::new(between, between_key)).unwrap();
        let file = Located::new(PathBuf::from("ca.pem"), Position::new(1, 1));
        let vouchers = Vouchers::load(&file, memory, &Files::below(folder.path())).unwrap();
        (vouchers, ClientCertificate::new(leaf.der().clone(), &chain))
    }

    #[test]
    fn a_certificate_is_remembered_until_the_first_of_its_chain_ends() {
        let (vouchers, certificate) = vouched(ByteSize::from_mib(1));
        assert_eq!(vouchers.verify(&certificate, NOW), Ok(()));
        assert_eq!(vouchers.verify(&certificate, END), Ok(()));
        assert_eq!(vouchers.held.counts().hits, 1, "its last second");
        assert_eq!(vouchers.verify(&certificate, END.later(1)), Err(X509Refusal::Expired));
    }

    #[test]
    fn without_memory_each_one_is_judged_anew() {
        let (vouchers, certificate) = vouched(ByteSize::from_octets(0));
        for _ in 0..2 {
            assert_eq!(vouchers.verify(&certificate, NOW), Ok(()));
        }
        assert_eq!((vouchers.held.counts().hits, vouchers.held.counts().entries), (0, 0));
    }
}
