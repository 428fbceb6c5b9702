//! The listener's side of TLS: which certificate, from the current snapshot, at every handshake.

use super::connection::{HandshakeRecorder, certificate_for};
use super::live::Current;
use pingora::listeners::tls::TlsSettings;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;

/// TLS for a listener, with HTTP/2 by ALPN.
pub(super) fn settings(listener: usize, current: &Arc<Current>) -> pingora::Result<TlsSettings> {
    let mut settings = TlsSettings::with_callbacks(Box::new(HandshakeRecorder { listener }))?;
    settings.set_cert_resolver(Arc::new(Certificates { listener, current: Arc::clone(current) }));
    settings.enable_h2();
    Ok(settings)
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
