//! What is known of a connection: who is at the other end, how it is protected, under which certificate.

use crate::clock::UnixTime;
use crate::config::certificate::Certificate;
use crate::config::client_certificates::NotServed;
use crate::config::snapshot::Snapshot;
use crate::route::UriScheme;
use crate::scheme::{ClientCertificate, Connection, TransportSecurity};
use async_trait::async_trait;
use pingora::listeners::TlsAccept;
use pingora::protocols::l4::socket::SocketAddr as PingoraAddress;
use pingora::protocols::tls::TlsRef;
use pingora::proxy::Session;
use std::any::Any;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What the TLS handshake left with the connection. Of a resumed one it is what the first one proved.
pub(super) struct Handshake {
    listener: usize,
    server_name: Arc<str>,
    certificate: Option<Arc<ClientCertificate>>,
}

/// Writes down each handshake of one listener.
pub(super) struct HandshakeRecorder {
    /// The listener's place in the configuration.
    pub(super) listener: usize,
}

#[async_trait]
impl TlsAccept for HandshakeRecorder {
    async fn handshake_complete_callback(&self, tls: &TlsRef) -> Option<Arc<dyn Any + Send + Sync>> {
        let server_name = tls.server_name().unwrap_or_default().to_ascii_lowercase().into();
        let presented = tls.peer_cert_chain_der().and_then(<[_]>::split_first);
        let certificate = presented.map(|(leaf, chain)| Arc::new(ClientCertificate::new(leaf.clone(), chain)));
        Some(Arc::new(Handshake { listener: self.listener, server_name, certificate }))
    }
}

/// A connection as evidence, and what the gateway itself needs of it.
pub(super) struct ConnectionFacts {
    /// What schemes may look at.
    pub(super) connection: Connection,
    listener: usize,
}

/// Collects what is known of a session's connection.
pub(super) fn facts(session: &Session) -> ConnectionFacts {
    let digest = session.digest().and_then(|digest| digest.ssl_digest.as_ref());
    let handshake = digest.and_then(|digest| digest.extension.get::<Handshake>());
    let security = match (digest, handshake) {
        (None, _) => TransportSecurity::Clear,
        (Some(_), Some(Handshake { server_name, certificate, .. })) => {
            TransportSecurity::Tls { server_name: Arc::clone(server_name), certificate: certificate.clone() }
        }
        (Some(_), None) => TransportSecurity::Tls { server_name: Arc::from(""), certificate: None },
    };
    let connection = Connection { peer: peer(session), security };
    ConnectionFacts { connection, listener: handshake.map_or(0, |handshake| handshake.listener) }
}

fn peer(session: &Session) -> SocketAddr {
    peer_address(session.client_addr())
}

/// A peer's address; one that no network contains stands for a peer that has none (a UNIX socket).
pub(super) fn peer_address(address: Option<&PingoraAddress>) -> SocketAddr {
    match address {
        Some(PingoraAddress::Inet(address)) => *address,
        Some(PingoraAddress::Unix(_)) | None => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
    }
}

impl ConnectionFacts {
    /// The URI scheme that the connection implies.
    pub(super) const fn uri_scheme(&self) -> UriScheme {
        match self.connection.security {
            TransportSecurity::Clear => UriScheme::Http,
            TransportSecurity::Tls { .. } => UriScheme::Https,
        }
    }

    /// Whether the certificate under which the connection was made is the one of the request's host (RFC 9110 §15.5.20).
    pub(super) fn certificate_holds_for(&self, host: &str, snapshot: &Snapshot) -> bool {
        let TransportSecurity::Tls { server_name, .. } = &self.connection.security else { return true };
        let certificates = snapshot.certificates.get(self.listener).map(Vec::as_slice).unwrap_or_default();
        certificates.len() < 2 || certificate_for(certificates, server_name) == certificate_for(certificates, host)
    }

    /// Whether the client's certificate, or that it has none, satisfies what the listener asks now. The handshake may
    /// have been under other rules, or be the continuation of one that was.
    pub(super) fn admit_client(&self, snapshot: &Snapshot, now: UnixTime) -> Result<(), NotServed> {
        match (&self.connection.security, snapshot.clients.get(self.listener)) {
            (TransportSecurity::Clear, _) | (TransportSecurity::Tls { .. }, None) => Ok(()),
            (TransportSecurity::Tls { certificate, .. }, Some(clients)) => clients.admit(certificate.as_deref(), now),
        }
    }
}

/// The certificate that serves a name: the first that covers it, else the first of all.
pub(super) fn certificate_for(certificates: &[Certificate], name: &str) -> usize {
    certificates.iter().position(|certificate| certificate.covers(name)).unwrap_or_default()
}
