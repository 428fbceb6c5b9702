//! A certificate authority for tests, and TLS towards gateways that carry its certificates.

use super::within;
use portcullis::crypto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Vouches for names.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    /// A new one, that nobody else trusts.
    pub(crate) fn new() -> Self {
        // Another test may have installed it before.
        let _ = crypto::install_rustls_provider();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// The authority's own certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes `NAME.pem` and `NAME.key` into a folder: a certificate for these names.
    pub(crate) fn write(&self, folder: &Path, name: &str, names: &[&str]) {
        let (certificate, key) = self.certify(names);
        std::fs::write(folder.join(format!("{name}.pem")), certificate).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key).unwrap();
    }

    /// A certificate and its key as PEM.
    pub(crate) fn certify(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// The settings of a client that trusts this authority only.
    pub(crate) fn client(&self, protocols: &[&[u8]]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        client
    }

    /// A TLS connection under `name`, offering these protocols by ALPN.
    pub(crate) async fn connect(&self, to: SocketAddr, name: &str, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        self.connect_as(to, name, self.client(protocols)).await
    }

    /// A TLS connection under `name` with settings of one's own.
    pub(crate) async fn connect_as(&self, to: SocketAddr, name: &str, client: ClientConfig) -> TlsStream<TcpStream> {
        let stream = within("a connection", TcpStream::connect(to)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        within("a TLS handshake", TlsConnector::from(Arc::new(client)).connect(name, stream)).await.unwrap()
    }
}
