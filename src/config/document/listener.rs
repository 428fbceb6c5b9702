//! Where requests come in, and where operators look.

use crate::setting::Located;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One address that takes requests, over HTTP/1.1 and HTTP/2.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// The address and port, such as `0.0.0.0:8443`.
    pub address: Located<SocketAddr>,
    /// The certificates; without them the listener is clear text.
    #[serde(default)]
    pub tls: Option<ListenerTls>,
}

/// TLS 1.2 and 1.3 on a listener; HTTP/2 by ALPN.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerTls {
    /// PEM: the certificate first, then its chain. Stands with `key`, for a listener with one certificate.
    #[serde(default)]
    pub certificate: Option<Located<PathBuf>>,
    /// PEM: the private key (PKCS #8, PKCS #1 or SEC1).
    #[serde(default)]
    pub key: Option<Located<PathBuf>>,
    /// Several certificates. Each serves the names it states; the first also serves clients that ask for none of them.
    #[serde(default)]
    pub certificates: Vec<CertificatePair>,
    /// PEM: the authorities that vouch for certificates of clients. The system's are never used.
    #[serde(default)]
    pub client_ca: Option<Located<PathBuf>>,
    /// Whether clients are asked for a certificate; without this, `required` where there is a `client_ca`.
    #[serde(default)]
    pub client_certificate: Option<Located<ClientCertificateRule>>,
}

/// Whether clients are asked for a certificate in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificateRule {
    /// They are asked, and served without one; one that `client_ca` does not vouch for ends the handshake.
    Optional,
    /// A handshake without one that `client_ca` vouches for fails.
    Required,
    /// They are asked, and served without one; one of any issuer is taken, self-signed ones too: only that the client
    /// has its key is proved. For tokens that are bound to certificates (RFC 8705 §2.2). Without `client_ca`.
    Any,
}

/// A certificate with its chain, and its key; both are read again when they change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificatePair {
    /// PEM: the certificate first, then its chain.
    pub certificate: Located<PathBuf>,
    /// PEM: the private key (PKCS #8, PKCS #1 or SEC1).
    pub key: Located<PathBuf>,
}

/// The listener for operators. Never one of the data listeners.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// The address and port, such as `127.0.0.1:9090`.
    pub address: Located<SocketAddr>,
}
