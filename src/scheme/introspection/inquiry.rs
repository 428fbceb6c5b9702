//! Asks an issuer about a token, within bounds, and reads the answer (RFC 7662 §2).

use super::breaker::{Breaker, Health};
use super::client::Client;
use crate::clock::UnixTime;
use crate::fetch::{AllowedUrl, Document, FetchFault, Fetcher};
use crate::token::jwt::{Introspected, Jwt, JwtSyntax};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The media type of answers (RFC 7662 §2.2).
const JSON: &str = "application/json";

/// Whom to ask, and how.
#[derive(Debug)]
pub(super) struct Inquiry {
    pub(super) endpoint: AllowedUrl,
    pub(super) client: Client,
    pub(super) fetcher: Fetcher,
    pub(super) breaker: Breaker,
    /// When a failure was last told, so that a flood of them is told once a second.
    pub(super) told: AtomicU64,
}

/// What the issuer says of a token.
#[derive(Debug)]
pub(super) enum Answer {
    /// It holds, and states this.
    Active(Box<Jwt>),
    /// It does not hold.
    Inactive,
    /// It holds for whoever proves something that cannot be read.
    BoundOtherwise,
}

/// Why nothing is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InquiryFault {
    /// The issuer failed too often just now, and was not asked.
    Spared,
    /// We could not say who we are.
    Unsigned,
    /// There is no answer.
    Fetch(FetchFault),
    /// The answer is not JSON by its own words.
    MediaType,
    /// The answer cannot be read.
    Syntax(JwtSyntax),
}

impl Inquiry {
    /// What the issuer says of a token at `now`.
    ///
    /// # Errors
    /// It says nothing that we can read.
    pub(super) async fn ask(&self, token: &str, now: UnixTime) -> Result<Answer, InquiryFault> {
        if !self.breaker.pass(now) {
            return Err(InquiryFault::Spared);
        }
        let answer = self.answer(token, now).await;
        self.breaker.record(health(&answer), now);
        if let Err(fault) = &answer {
            self.tell(*fault, now);
        }
        answer
    }

    async fn answer(&self, token: &str, now: UnixTime) -> Result<Answer, InquiryFault> {
        let (fields, form) = self.client.question(token, now).map_err(|_| InquiryFault::Unsigned)?;
        let document = self.fetcher.post_form(&self.endpoint, fields, form).await.map_err(InquiryFault::Fetch)?;
        read(&document)
    }

    fn tell(&self, fault: InquiryFault, now: UnixTime) {
        if self.told.swap(now.seconds(), Ordering::Relaxed) != now.seconds() {
            tracing::warn!(
                endpoint = self.endpoint.as_str(),
                reason = fault.reason(),
                "an issuer could not be asked about a token: {fault}"
            );
        }
    }
}

fn read(document: &Document) -> Result<Answer, InquiryFault> {
    if &*document.media_type != JSON {
        return Err(InquiryFault::MediaType);
    }
    match Introspected::read(&document.octets) {
        Ok(Introspected::Active(jwt)) => Ok(Answer::Active(jwt)),
        Ok(Introspected::Inactive) => Ok(Answer::Inactive),
        Err(JwtSyntax::Confirmation(_)) => Ok(Answer::BoundOtherwise),
        Err(syntax @ (JwtSyntax::Json(_) | JwtSyntax::Claim(_))) => Err(InquiryFault::Syntax(syntax)),
    }
}

/// What an answer says of the issuer. What may be due to one token alone does not count against it: else whoever has
/// such a token could lock everybody out.
const fn health(answer: &Result<Answer, InquiryFault>) -> Health {
    match answer {
        Ok(_) | Err(InquiryFault::MediaType | InquiryFault::Syntax(_) | InquiryFault::Spared) => Health::Answered,
        Err(InquiryFault::Fetch(FetchFault::TooLarge | FetchFault::Encoded | FetchFault::Status(400 | 404..=428 | 430..=499))) => {
            Health::Answered
        }
        Err(InquiryFault::Fetch(
            FetchFault::Timeout
            | FetchFault::Unresolvable
            | FetchFault::AddressRefused
            | FetchFault::Unreachable
            | FetchFault::Untrusted
            | FetchFault::Status(_)
            | FetchFault::Interrupted,
        ))
        | Err(InquiryFault::Unsigned) => Health::Failed,
    }
}

impl InquiryFault {
    /// The precise reason, for the log.
    const fn reason(self) -> &'static str {
        match self {
            Self::Spared => "issuer_spared",
            Self::Unsigned => "client_unsigned",
            Self::Fetch(FetchFault::Status(401 | 403)) => "client_refused",
            Self::Fetch(fault) => fault.reason(),
            Self::MediaType => "answer_media_type",
            Self::Syntax(_) => "answer_syntax",
        }
    }
}

impl fmt::Display for InquiryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spared => f.write_str("it failed too often just now"),
            Self::Unsigned => f.write_str("the statement about this gateway could not be signed"),
            Self::Fetch(FetchFault::Status(status @ (401 | 403))) => {
                write!(f, "it refuses this gateway as a client with status {status}: look at `client`")
            }
            Self::Fetch(FetchFault::Status(status)) => write!(f, "the answer has status {status}"),
            Self::Fetch(fault) => fault.fmt(f),
            Self::MediaType => f.write_str("the answer is not application/json"),
            Self::Syntax(JwtSyntax::Json(syntax)) => write!(f, "the answer is {syntax}"),
            Self::Syntax(JwtSyntax::Claim(name)) => write!(f, "`{name}` in the answer is not of the type it should be"),
            Self::Syntax(JwtSyntax::Confirmation(syntax)) => syntax.fmt(f),
        }
    }
}
