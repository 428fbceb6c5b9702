//! One document, whole and in time, or a fault.

use super::address::Reach;
use super::allow::AllowedUrl;
use super::fault::{FetchFault, FetcherProblem};
use super::freshness::Freshness;
use super::lookup::{JudgedLookup, Lookup};
use super::url::Cleartext;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, redirect, retry};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most fields of an answer, and the most octets of them over HTTP/2.
const MOST_FIELDS: usize = 64;
const MOST_FIELD_OCTETS: u32 = 16 << 10;
/// Connections that wait for more to do, and for how long: shorter than most servers wait.
const MOST_IDLE: usize = 4;
const LONGEST_IDLE: Duration = Duration::from_secs(20);

/// The media type of a form.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// The bounds of a fetcher, and whom it believes.
#[derive(Clone, Copy, Debug)]
pub struct FetcherSettings<'a> {
    /// The longest that a document may take, from looking up the name to its last octet.
    pub timeout: Duration,
    /// The most octets of a document.
    pub max_size: usize,
    /// The most documents on their way at once; others wait, within their time.
    pub max_parallel: usize,
    /// Who vouches for hosts.
    pub trust: Trust<'a>,
    /// How far names may lead.
    pub reach: Reach,
    /// Whether `http` may be asked for.
    pub cleartext: Cleartext,
}

/// Who vouches for hosts.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// The authorities of the system.
    Platform,
    /// The authorities in this PEM text, and no others.
    Only(&'a [u8]),
}

/// Gets documents: no redirects, no proxies, no second attempts, nothing larger or later than its bounds.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    turns: Semaphore,
    timeout: Duration,
    max_size: usize,
}

/// What was got with status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The content.
    pub octets: Box<[u8]>,
    /// The media type in lower case without parameters; empty where none is stated.
    pub media_type: Box<str>,
    /// For how long the sender vouches for it.
    pub freshness: Freshness,
}

impl Fetcher {
    /// A fetcher that looks names up there. Call [`crate::crypto::install_rustls_provider`] before.
    ///
    /// # Errors
    /// There is no TLS provider, or nobody who could vouch for hosts.
    pub fn build(settings: &FetcherSettings<'_>, lookup: Arc<dyn Lookup>) -> Result<Self, FetcherProblem> {
        CryptoProvider::get_default().ok_or(FetcherProblem::NoTlsProvider)?;
        let bounded = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .https_only(matches!(settings.cleartext, Cleartext::Refused))
            .http1_max_headers(MOST_FIELDS)
            .http2_max_header_list_size(MOST_FIELD_OCTETS)
            .pool_max_idle_per_host(MOST_IDLE)
            .pool_idle_timeout(LONGEST_IDLE)
            .connect_timeout(settings.timeout)
            .dns_resolver(JudgedLookup::new(lookup, settings.reach));
        let client = match settings.trust {
            Trust::Platform => bounded.build().map_err(|_| FetcherProblem::NoSystemAnchors)?,
            Trust::Only(pem) => bounded.tls_certs_only(anchors(pem)?).build().map_err(|_| FetcherProblem::Anchors)?,
        };
        Ok(Self { client, turns: Semaphore::new(settings.max_parallel), timeout: settings.timeout, max_size: settings.max_size })
    }

    /// Gets the document at an allowed address.
    ///
    /// # Errors
    /// There is none with status 200 within the bounds.
    pub async fn fetch(&self, url: &AllowedUrl) -> Result<Document, FetchFault> {
        self.answered(self.client.get(url.url().clone()).header(ACCEPT, HeaderValue::from_static("*/*"))).await
    }

    /// Sends a form (`application/x-www-form-urlencoded`) with further fields, and gets the document that answers it.
    /// It is sent once: an answer that does not come says nothing about whether it arrived. Values that nobody may
    /// see are marked as sensitive by whoever makes them.
    ///
    /// # Errors
    /// There is no answer with status 200 within the bounds.
    pub async fn post_form(&self, url: &AllowedUrl, fields: HeaderMap, form: Vec<u8>) -> Result<Document, FetchFault> {
        let request = self.client.post(url.url().clone()).headers(fields);
        self.answered(request.header(CONTENT_TYPE, FORM).body(form)).await
    }

    async fn answered(&self, request: RequestBuilder) -> Result<Document, FetchFault> {
        tokio::time::timeout(self.timeout, self.answered_in_turn(request)).await.unwrap_or(Err(FetchFault::Timeout))
    }

    async fn answered_in_turn(&self, request: RequestBuilder) -> Result<Document, FetchFault> {
        // Nobody closes the semaphore.
        let _turn = self.turns.acquire().await.map_err(|_| FetchFault::Timeout)?;
        let answer = request.send().await.map_err(|error| FetchFault::behind(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchFault::Status(answer.status().as_u16()));
        }
        if answer.headers().get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(FetchFault::Encoded);
        }
        let (media_type, freshness) = (media_type(answer.headers()), Freshness::stated(answer.headers()));
        Ok(Document { octets: self.read(answer).await?, media_type, freshness })
    }

    /// Counts what arrives; what was announced may be a lie.
    async fn read(&self, mut answer: Response) -> Result<Box<[u8]>, FetchFault> {
        let limit = u64::try_from(self.max_size).unwrap_or(u64::MAX);
        if answer.content_length().is_some_and(|announced| announced > limit) {
            return Err(FetchFault::TooLarge);
        }
        let mut octets = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| FetchFault::behind(&error))? {
            if piece.len() > self.max_size.saturating_sub(octets.len()) {
                return Err(FetchFault::TooLarge);
            }
            octets.extend_from_slice(&piece);
        }
        Ok(octets.into_boxed_slice())
    }
}

fn anchors(pem: &[u8]) -> Result<Vec<Certificate>, FetcherProblem> {
    let mut anchors = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem) {
        let der = der.map_err(|_| FetcherProblem::Anchors)?;
        anchors.push(Certificate::from_der(&der).map_err(|_| FetcherProblem::Anchors)?);
    }
    if anchors.is_empty() { Err(FetcherProblem::Anchors) } else { Ok(anchors) }
}

fn media_type(fields: &HeaderMap) -> Box<str> {
    let stated = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().into_boxed_str()
}
