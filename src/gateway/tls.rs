//! The listener's side of TLS: which certificate, and what of clients, from the current snapshot, at every handshake.

use super::connection::{HandshakeRecorder, certificate_for};
use super::handshake;
use super::live::{Current, Live};
use crate::clock::UnixTime;
use crate::config::client_certificates::{ClientCertificates, NotServed};
use crate::scheme::ClientCertificate;
use crate::token::x509::{self, X509Refusal};
use arc_swap::Guard;
use pingora::listeners::tls::{Acceptor, TlsSettings};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{self, CertificateDer};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// TLS for a listener, with HTTP/2 by ALPN.
pub(super) fn acceptor(listener: usize, current: &Arc<Current>) -> pingora::Result<Acceptor> {
    let mut settings = TlsSettings::with_callbacks(Box::new(HandshakeRecorder { listener }))?;
    settings.set_cert_resolver(Arc::new(Certificates { listener, current: Arc::clone(current) }));
    let provider = CryptoProvider::get_default().ok_or_else(|| pingora::Error::new(pingora::ErrorType::InternalError))?;
    let algorithms = provider.signature_verification_algorithms;
    settings.set_client_cert_verifier(Arc::new(Clients { listener, current: Arc::clone(current), algorithms }));
    settings.enable_h2();
    Ok(settings.build())
}

/// The certificates of one listener, as they are now: a reload needs no restart.
struct Certificates {
    listener: usize,
    current: Arc<Current>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let live = self.current.load();
        let certificates = live.snapshot.certificates.get(self.listener)?;
        let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        Some(Arc::clone(&certificates.get(certificate_for(certificates, &name))?.key))
    }
}

/// What one listener asks of its clients, as it is now.
struct Clients {
    listener: usize,
    current: Arc<Current>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Clients {
    fn live(&self) -> Guard<Arc<Live>> {
        self.current.load()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// The rule of a listener; the listeners of a running gateway stand in every snapshot.
fn rule(live: &Live, listener: usize) -> &ClientCertificates {
    live.snapshot.clients.get(listener).unwrap_or(&ClientCertificates::NotAsked)
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        !matches!(rule(&self.live(), self.listener), ClientCertificates::NotAsked)
    }

    fn client_auth_mandatory(&self) -> bool {
        matches!(rule(&self.live(), self.listener), ClientCertificates::Required(_))
    }

    /// None are named: clients then choose by themselves, and new authorities need no restart.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: pki_types::UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let chain: Vec<_> = chain.iter().map(|der| der.clone().into_owned()).collect();
        let certificate = ClientCertificate::new(leaf.clone().into_owned(), &chain);
        let now = UnixTime::from_seconds(now.as_secs());
        let admitted = x509::judge_key(leaf).map_err(NotServed::NotVouched);
        let admitted = admitted.and_then(|()| rule(&self.live(), self.listener).admit(Some(&certificate), now));
        admitted.map(|()| ClientCertVerified::assertion()).map_err(|refused| {
            handshake::remember_refusal(refused);
            rustls::Error::InvalidCertificate(told(refused))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What the client's alert says.
const fn told(refused: NotServed) -> CertificateError {
    match refused {
        NotServed::NotVouched(X509Refusal::Expired) => CertificateError::Expired,
        NotServed::NotVouched(X509Refusal::NotYetValid) => CertificateError::NotValidYet,
        NotServed::NotVouched(X509Refusal::Untrusted) => CertificateError::UnknownIssuer,
        NotServed::NotVouched(X509Refusal::Revoked) => CertificateError::Revoked,
        NotServed::NotVouched(X509Refusal::RevocationUnknown) => CertificateError::UnknownRevocationStatus,
        NotServed::NotVouched(X509Refusal::Syntax | X509Refusal::TooLarge | X509Refusal::NameSyntax) => CertificateError::BadEncoding,
        NotServed::NotVouched(X509Refusal::KeyUsage | X509Refusal::ExtendedKeyUsage | X509Refusal::Authority) => {
            CertificateError::InvalidPurpose
        }
        NotServed::NotVouched(X509Refusal::NotAnAuthority | X509Refusal::ChainTooLong | X509Refusal::Unsupported) | NotServed::Missing => {
            CertificateError::ApplicationVerificationFailure
        }
    }
}
