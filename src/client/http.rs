//! Signed requests over the network: what the requester signs is sent, and its answers are learned from.

use super::{Answer, Credential, Lesson, Request, Requester, SignFault, Signed};
use crate::clock;
use crate::crypto::SystemRandom;
use http::header::{ACCEPT, CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{StatusCode, Version};
use reqwest::redirect::Policy;
use reqwest::{Body, ClientBuilder, Response};
use rustls::CertificateError;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often a request is sent with a credential, at most.
const MOST_TRIES: u8 = 2;

/// Sends requests that a [`Requester`] signs. The TLS provider must have been installed, by
/// [`crate::crypto::install_rustls_provider`] for instance.
///
/// Redirects are not followed: a signature is for one target, and a token for those that it was meant for. Digests of
/// content in files are made where [`Client::send`] is called, so that its thread is busy for a while with large ones.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    requester: Mutex<Requester>,
    random: SystemRandom,
}

/// Sees what is sent and received. Fields hold credentials; whoever shows them hides those.
pub trait Witness {
    /// A request is about to be sent.
    fn sent(&mut self, request: &Request, signed: &Signed);
    /// The head of an answer came.
    fn received(&mut self, version: Version, status: StatusCode, fields: &HeaderMap);
}

/// Nobody looks.
impl Witness for () {
    fn sent(&mut self, _: &Request, _: &Signed) {}
    fn received(&mut self, _: Version, _: StatusCode, _: &HeaderMap) {}
}

/// An answer, and how it was come by.
#[derive(Debug)]
pub struct Outcome {
    /// The answer; its content is not read yet.
    pub response: Response,
    /// What the request that it answers presented.
    pub credential: Credential,
    /// What followed from it: [`Lesson::Helpless`] says why a 401 was not met.
    pub lesson: Lesson,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum SendFault {
    /// The request cannot be signed.
    Sign(SignFault),
    /// The content is no longer there.
    Content(io::Error),
    /// The network failed.
    Network(reqwest::Error),
}

/// Why nobody who is trusted vouches for the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody who is trusted made it.
    Unknown,
    /// It is an authority's own, which no server may show as its own, whoever is trusted.
    Authority,
}

impl Client {
    /// A client that sends by what the builder makes.
    ///
    /// # Errors
    /// The builder's, or no TLS provider is installed.
    pub fn build(builder: ClientBuilder, requester: Requester) -> Result<Self, reqwest::Error> {
        // A request that is sent again must be signed again.
        let http = builder.redirect(Policy::none()).retry(reqwest::retry::never()).referer(false).build()?;
        Ok(Self { http, requester: Mutex::new(requester), random: SystemRandom::new() })
    }

    /// Sends a request: without credentials where the server was never asked, then by context or token, and once more
    /// if that is refused and another try may do better.
    ///
    /// # Errors
    /// It cannot be signed, or the network fails. An answer of any status is none.
    pub async fn send(&self, request: &Request) -> Result<Outcome, SendFault> {
        self.send_before(request, &mut ()).await
    }

    /// As [`Client::send`], before the eyes of a witness.
    ///
    /// # Errors
    /// As there.
    pub async fn send_before(&self, request: &Request, witness: &mut impl Witness) -> Result<Outcome, SendFault> {
        let mut request = request.clone();
        // The library adds it otherwise, where it could not be covered.
        request.fields.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let mut tries = 0;
        loop {
            let signed = self.requester().sign(&request, clock::now(), &self.random).map_err(SendFault::Sign)?;
            if signed.credential != Credential::Nothing {
                tries += 1;
            }
            witness.sent(&request, &signed);
            let response = self.http.execute(compose(&request, &signed).await?).await.map_err(SendFault::Network)?;
            witness.received(response.version(), response.status(), response.headers());
            let answer = Answer { status: response.status(), fields: response.headers() };
            let lesson = self.requester().learn(&request, &signed, &answer);
            if lesson != Lesson::SignAgain || tries >= MOST_TRIES {
                return Ok(Outcome { response, credential: signed.credential, lesson });
            }
        }
    }

    /// The requester. Do not keep it while waiting for anything.
    pub fn requester(&self) -> MutexGuard<'_, Requester> {
        // A panic in the middle leaves a space with too little knowledge, which the next challenge mends.
        self.requester.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn compose(request: &Request, signed: &Signed) -> Result<reqwest::Request, SendFault> {
    let mut outgoing = reqwest::Request::new(request.method.clone(), request.target.url().clone());
    *outgoing.headers_mut() = signed.fields.clone();
    match &signed.content {
        super::Content::Octets(octets) if octets.is_empty() => {}
        super::Content::Octets(octets) => *outgoing.body_mut() = Some(Body::from(octets.clone())),
        super::Content::File(path) => {
            let file = tokio::fs::File::open(path).await.map_err(SendFault::Content)?;
            let length = file.metadata().await.map_err(SendFault::Content)?.len();
            outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            *outgoing.body_mut() = Some(Body::from(file));
        }
    }
    Ok(outgoing)
}

impl fmt::Display for SendFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign(fault) => fault.fmt(f),
            Self::Content(error) => write!(f, "the content cannot be read: {error}"),
            Self::Network(error) => write_causes(error, f),
        }
    }
}

impl SendFault {
    /// What is wrong with whoever vouches for the server's certificate, if it is that.
    pub fn distrust(&self) -> Option<Distrust> {
        let Self::Network(error) = self else { return None };
        let mut cause = error.source();
        while let Some(found) = cause {
            let distrust = distrust_behind(found);
            if distrust.is_some() {
                return distrust;
            }
            cause = found.source();
        }
        None
    }
}

fn distrust_behind(cause: &(dyn Error + 'static)) -> Option<Distrust> {
    match cause.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(
            // The last two come of an authority of the same name with another key.
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        )) => Some(Distrust::Unknown),
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
            (other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)).then_some(Distrust::Authority)
        }
        // An error of I/O does not name what it wraps as its source, but the source of that.
        Some(_) | None => cause.downcast_ref::<io::Error>()?.get_ref().and_then(|wrapped| distrust_behind(wrapped)),
    }
}

/// The last of the causes is the one that says something.
fn write_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

impl Error for SendFault {}
