//! A backend behind TLS, over HTTP/1.1 or HTTP/2 as ALPN yields, that answers with what it was asked.

use super::certificates::Authority;
use super::ports;
use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is known of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// `h2`, `http/1.1`, or empty where ALPN was not used.
    pub(crate) protocol: String,
    /// The name that the gateway asked for by SNI.
    pub(crate) server_name: String,
    /// The Host or `:authority`.
    pub(crate) host: String,
}

/// A running backend; it ends when it is dropped.
pub(crate) struct SecureUpstream {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    serving: JoinHandle<()>,
}

impl Drop for SecureUpstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl SecureUpstream {
    /// Starts one under a certificate for `name`, offering these protocols by ALPN.
    pub(crate) async fn start(authority: &Authority, name: &str, protocols: &[&[u8]]) -> Self {
        let (certificate, key) = authority.certify(&[name]);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut settings = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        settings.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let (acceptor, address) = (TlsAcceptor::from(Arc::new(settings)), ports::free());
        let (listener, heard) = (TcpListener::bind(address).await.unwrap(), Arc::default());
        let ours = Arc::clone(&heard);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(acceptor.clone(), stream, Arc::clone(&ours)));
            }
        });
        Self { address, heard, serving }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, heard: Arc<Mutex<Vec<Heard>>>) {
    // A gateway that does not trust us ends the handshake.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let (_, session) = stream.get_ref();
    let protocol = String::from_utf8(session.alpn_protocol().unwrap_or_default().to_vec()).unwrap();
    let server_name = session.server_name().unwrap_or_default().to_owned();
    let note = |host: &str| {
        heard.lock().unwrap().push(Heard { protocol: protocol.clone(), server_name: server_name.clone(), host: host.to_owned() });
    };
    if protocol == "h2" { http2(stream, note).await } else { http1(stream, note).await }
}

async fn http2(stream: TlsStream<TcpStream>, note: impl Fn(&str)) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        note(request.uri().authority().map_or("", |authority| authority.as_str()));
        // A gateway that is gone needs no answer.
        if let Ok(mut answer) = respond.send_response(http::Response::new(()), false) {
            let _ = answer.send_data(Bytes::from_static(b"secure"), true);
        }
    }
}

async fn http1(mut stream: TlsStream<TcpStream>, note: impl Fn(&str)) {
    let mut unread = Vec::new();
    let mut room = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut room).await {
        unread.extend_from_slice(&room[..read]);
        if let Some(end) = super::message::head_end(&unread) {
            let head = super::message::head(&unread.drain(..end).collect::<Vec<u8>>());
            note(head.field("host").unwrap_or_default());
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure").await.is_err() {
                return;
            }
        }
    }
}
