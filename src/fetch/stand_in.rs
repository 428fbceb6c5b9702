//! For tests: names that lead where we like, and a host behind TLS that answers as it is told.

use super::{Cleartext, FetcherSettings, Lookup, Reach, Trust};
use crate::crypto;
use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The name in the host's certificate.
pub(crate) const HOST: &str = "sts.example";

/// Every name has these addresses.
#[derive(Debug)]
pub(crate) struct FixedLookup(Mutex<Vec<IpAddr>>);

impl FixedLookup {
    pub(crate) fn to(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self(Mutex::new(addresses.into_iter().collect()))
    }

    /// This machine.
    pub(crate) fn here() -> Self {
        Self::to([IpAddr::from(Ipv4Addr::LOCALHOST)])
    }

    /// From now on every name has this address.
    pub(crate) fn change(&self, address: IpAddr) {
        *self.0.lock().unwrap() = vec![address];
    }
}

#[async_trait]
impl Lookup for FixedLookup {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// How the host answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These octets, then the connection ends.
    Octets(Vec<u8>),
    /// These octets, then nothing for ever.
    Stall(Vec<u8>),
    /// This head, then octets without end.
    Endless(Vec<u8>),
    /// These octets, after a while.
    Late(Vec<u8>, Duration),
    /// To each path its own answer; to any other 404.
    ByPath(Vec<(&'static str, Answer)>),
    /// To each request, its content included, what this says.
    ByRequest(fn(&str) -> Answer),
}

impl Answer {
    /// Status, further field lines (each ends with CRLF) and content.
    pub(crate) fn new(status: &str, fields: &str, content: &[u8]) -> Self {
        let mut octets =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n", content.len()).into_bytes();
        octets.extend_from_slice(content);
        Self::Octets(octets)
    }

    /// 200 with this content.
    pub(crate) fn fine(content: &[u8]) -> Self {
        Self::new("200 OK", "", content)
    }

    /// What is answered to a request with this head, its content after it.
    fn to(self, head: &str) -> Self {
        match self {
            Self::ByPath(answers) => {
                let path = head.split(' ').nth(1).unwrap();
                let answer = answers.into_iter().find(|(known, _)| *known == path);
                answer.map_or_else(|| Self::new("404 Not Found", "", b""), |(_, answer)| answer)
            }
            Self::ByRequest(answer) => answer(head),
            Self::Octets(_) | Self::Stall(_) | Self::Endless(_) | Self::Late(..) => self,
        }
    }

    /// The same, late enough for others to come meanwhile.
    pub(crate) fn late(self) -> Self {
        match self {
            Self::Octets(octets) => Self::Late(octets, Duration::from_millis(300)),
            Self::Stall(_) | Self::Endless(_) | Self::Late(..) | Self::ByPath(_) | Self::ByRequest(_) => self,
        }
    }
}

/// A host on this machine; it ends when it is dropped.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// The certificate of the authority that vouches for it.
    pub(crate) authority: String,
    answer: Arc<Mutex<Answer>>,
    heard: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Host {
    /// One behind TLS, whose certificate is for [`HOST`] and for 127.0.0.1.
    pub(crate) async fn secure(answer: Answer) -> Self {
        // Another test may have installed it before.
        let _ = crypto::install_rustls_provider();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let authority = params.self_signed(&key).unwrap().pem();
        let names = vec![HOST.to_owned(), "127.0.0.1".to_owned(), "localhost".to_owned()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&own, &Issuer::new(params, key)).unwrap();
        let own = PrivateKeyDer::from_pem_slice(own.serialize_pem().as_bytes()).unwrap();
        let settings = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![leaf.der().clone()], own).unwrap();
        Self::serve(answer, authority, Some(TlsAcceptor::from(Arc::new(settings)))).await
    }

    /// One without TLS.
    pub(crate) async fn plain(answer: Answer) -> Self {
        let _ = crypto::install_rustls_provider();
        Self::serve(answer, String::new(), None).await
    }

    async fn serve(answer: Answer, authority: String, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, heard, sent) = (Arc::new(Mutex::new(answer)), Arc::default(), Arc::default());
        let ours = (Arc::clone(&answer), Arc::clone(&heard), Arc::clone(&sent));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, tls.clone(), ours.clone()));
            }
        });
        Self { address, authority, answer, heard, sent, serving }
    }

    /// An address at this host, by its name.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.address.port())
    }

    /// The heads of the requests so far, each with its content.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// How many octets of contents without end were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(SeqCst)
    }

    /// Answers so from now on.
    pub(crate) fn change(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Settings of a fetcher that believes this host and may connect to this machine.
    pub(crate) fn settings(&self) -> FetcherSettings<'_> {
        FetcherSettings {
            timeout: Duration::from_secs(10),
            max_size: 1024,
            max_parallel: 8,
            trust: Trust::Only(self.authority.as_bytes()),
            reach: Reach::Private,
            cleartext: Cleartext::Refused,
        }
    }
}

type Shared = (Arc<Mutex<Answer>>, Arc<Mutex<Vec<String>>>, Arc<AtomicU64>);

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Shared) {
    match tls {
        None => respond(stream, shared).await,
        Some(acceptor) => {
            // Whoever does not believe us ends the handshake.
            if let Ok(stream) = acceptor.accept(stream).await {
                respond(stream, shared).await;
            }
        }
    }
}

async fn respond(mut stream: impl AsyncReadExt + AsyncWrite + Unpin, (answer, heard, sent): Shared) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => return,
        }
    }
    let mut head = String::from_utf8(head).unwrap();
    let announced = head.to_ascii_lowercase().split_once("content-length: ").map(|(_, rest)| rest.lines().next().unwrap().parse().unwrap());
    let mut content = vec![0; announced.unwrap_or(0)];
    if stream.read_exact(&mut content).await.is_err() {
        return;
    }
    head.push_str(&String::from_utf8(content).unwrap());
    let answer = answer.lock().unwrap().clone().to(&head);
    heard.lock().unwrap().push(head);
    // A client that has had enough closes the connection.
    match answer {
        Answer::Octets(octets) => drop(stream.write_all(&octets).await),
        Answer::Stall(octets) => {
            let _ = stream.write_all(&octets).await;
            let _ = stream.flush().await;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Answer::Endless(octets) => {
            let _ = stream.write_all(&octets).await;
            while stream.write_all(&[b'a'; 4096]).await.is_ok() {
                sent.fetch_add(4096, SeqCst);
            }
        }
        Answer::Late(octets, wait) => {
            tokio::time::sleep(wait).await;
            let _ = stream.write_all(&octets).await;
        }
        Answer::ByPath(_) | Answer::ByRequest(_) => panic!("an answer for a request is an answer"),
    }
    let _ = stream.shutdown().await;
}
