//! A certificate authority for tests, TLS towards gateways that carry its certificates, and clients with some of their own.

use super::within;
use portcullis::crypto;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

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

/// A client's certificate and its key.
#[derive(Clone)]
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    /// A certificate that nobody else vouches for.
    pub(crate) fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = Self::params(&[name]).self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    /// What the certificate of a client with these DNS names is made of.
    pub(crate) fn params(names: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names.iter().map(|name| SanType::DnsName((*name).try_into().unwrap())).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params
    }

    /// The certificate.
    pub(crate) fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// The certificate in PEM.
    pub(crate) fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", crypto::base64::encode(&self.certificate))
    }

    /// The beginning of the thumbprint, as logs have it.
    pub(crate) fn fingerprint(&self) -> String {
        crypto::sha256(&self.certificate)[..8].iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// This certificate with the key of another one.
    pub(crate) fn with_key_of(&self, other: &Self) -> Self {
        Self { certificate: self.certificate.clone(), key: other.key.clone() }
    }

    fn serial(&self) -> SerialNumber {
        SerialNumber::from_slice(X509Certificate::from_der(&self.certificate).unwrap().1.raw_serial())
    }
}

impl Authority {
    /// A client's certificate for these DNS names.
    pub(crate) fn identify(&self, names: &[&str]) -> Identity {
        self.identify_by(&Identity::params(names))
    }

    /// A client's certificate of one's own making.
    pub(crate) fn identify_by(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    /// A revocation list in PEM, in force for years.
    pub(crate) fn revoke(&self, revoked: &[&Identity]) -> String {
        let entry = |identity: &&Identity| RevokedCertParams {
            serial_number: identity.serial(),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2096, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// The settings of a client that trusts this authority only and shows a certificate where it is asked for one.
    pub(crate) fn client_with(&self, protocols: &[&[u8]], identity: &Identity) -> ClientConfig {
        self.client_speaking(&[&rustls::version::TLS13, &rustls::version::TLS12], protocols, identity)
    }

    /// The same in some versions of TLS.
    pub(crate) fn client_speaking(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        protocols: &[&[u8]],
        identity: &Identity,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let builder = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
        let key = PrivatePkcs8KeyDer::from(identity.key.clone()).into();
        let mut client = builder.with_client_auth_cert(vec![identity.certificate.clone()], key).unwrap();
        client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        client
    }

    /// The settings of a client that shows a certificate even if its key is another one.
    pub(crate) fn client_forcing(&self, identity: &Identity) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = rustls::crypto::CryptoProvider::get_default().unwrap();
        let key = provider.key_provider.load_private_key(PrivatePkcs8KeyDer::from(identity.key.clone()).into()).unwrap();
        let shown = Arc::new(CertifiedKey::new(vec![identity.certificate.clone()], key));
        ClientConfig::builder().with_root_certificates(roots).with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
    }

    /// A connection with a client's certificate.
    pub(crate) async fn connect_with(&self, to: SocketAddr, name: &str, identity: &Identity) -> TlsStream<TcpStream> {
        self.connect_as(to, name, self.client_with(&[], identity)).await
    }

    /// Whether the gateway ends a handshake: in TLS 1.3 the client learns of it after its own end of it.
    pub(crate) async fn is_refused(to: SocketAddr, name: &str, client: ClientConfig) -> bool {
        let stream = within("a connection", TcpStream::connect(to)).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let handshake = within("the end of a handshake", TlsConnector::from(Arc::new(client)).connect(name, stream)).await;
        let Ok(mut stream) = handshake else { return true };
        // The gateway may have closed already.
        let _ = stream.write_all(b"GET /public/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        let mut answer = Vec::new();
        let read = within("the end of the connection", stream.read_to_end(&mut answer)).await;
        assert!(read.is_err() || !answer.is_empty(), "closed without an alert");
        read.is_err() && answer.is_empty()
    }
}
