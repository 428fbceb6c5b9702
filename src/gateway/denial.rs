//! Every way in which a request ends without its upstream's answer, and what each means to the caller.

use crate::config::client_certificates::NotServed;
use crate::route::{AuthorityProblem, TargetProblem};
use crate::scheme::{Challenge, Fingerprint, Insufficiency, Malformation, Proof, Refusal};
use http::{HeaderValue, StatusCode};
use std::sync::Arc;

/// Why a request is not answered by its upstream.
#[derive(Clone, Debug)]
pub(super) enum Denial {
    /// The head has no one reading.
    BadHead(HeadProblem),
    /// No route matches.
    NoRoute,
    /// The route's path exists, the method does not.
    MethodNotAllowed {
        /// The methods that do, for `Allow`.
        allow: HeaderValue,
    },
    /// The connection was made under another certificate than the one of the request's host.
    Misdirected,
    /// The connection was made without the client certificate that its listener asks for.
    ClientCertificate(NotServed),
    /// The content cannot be used.
    BadContent(ContentProblem),
    /// There is no credential.
    Unauthenticated {
        /// What to send.
        challenges: Vec<Challenge>,
    },
    /// Credentials of several schemes at once.
    Ambiguous,
    /// The credential was refused.
    Refused {
        /// The scheme's configured name.
        scheme: Arc<str>,
        /// Why.
        refusal: Refusal,
        /// Whose it was, as far as that is known.
        whose: Whose,
        /// What to send instead.
        challenges: Vec<Challenge>,
    },
    /// An identity that was proved cannot be written into a field.
    UnrepresentableIdentity(Box<Proof>),
    /// The upstream did not answer.
    Upstream(UpstreamProblem),
    /// A defect of ours.
    Fault,
}

/// Whose credential was refused, for logs.
#[derive(Clone, Debug)]
pub(super) enum Whose {
    /// No token was read.
    Unread,
    /// That of whoever has this token; nothing was proved.
    Token(Fingerprint),
    /// Theirs: who they are was proved, and does not suffice.
    Proved(Box<Proof>),
}

/// Why a head has no one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadProblem {
    /// The target has no normal form.
    Target(TargetProblem),
    /// The host has no normal form.
    Authority(AuthorityProblem),
    /// An absolute-form target names another host than Host does.
    ForeignAbsoluteForm,
    /// Host is repeated.
    HostRepeated,
    /// Content-Length and Transfer-Encoding stand together.
    LengthAndEncoding,
    /// Content-Length is repeated or a list.
    LengthRepeated,
    /// Transfer-Encoding is not `chunked` alone.
    TransferEncoding,
    /// A line ends without a carriage return.
    BareLineFeed,
    /// Connection names a field that must not be dropped on the way, or cannot be understood.
    ConnectionOption,
    /// The head is larger than `max_head_size`.
    TooLarge,
    /// There are more fields than `max_fields`.
    TooManyFields,
    /// The method is never forwarded.
    MethodRefused,
    /// A signature has the label of the gateway's own, or such fields cannot be read.
    SignatureLabel,
}

/// Why the content cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentProblem {
    /// Larger than a limit.
    TooLarge,
    /// It did not come in time.
    Slow,
    /// It ended too early or its framing is broken.
    Broken,
    /// It would have to be kept, and there is no room.
    NoRoom,
}

/// Why the upstream did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpstreamProblem {
    /// No server is well.
    NoServer,
    /// No connection could be made, for this cause.
    Connect(&'static str),
    /// This took too long.
    Timeout(&'static str),
    /// The answer broke off or could not be understood.
    Response,
}

impl Denial {
    /// The status of the answer.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::BadHead(problem) => problem.status(),
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            // Another connection may do.
            Self::Misdirected | Self::ClientCertificate(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::BadContent(problem) => problem.status(),
            Self::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::Refused { refusal, .. } => refusal_status(refusal),
            Self::UnrepresentableIdentity(_) => StatusCode::FORBIDDEN,
            Self::Upstream(problem) => problem.status(),
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What kind of denial it is, for logs.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::BadHead(_) => "bad_head",
            Self::NoRoute => "no_route",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Misdirected => "misdirected",
            Self::ClientCertificate(_) => "client_certificate",
            Self::BadContent(_) => "bad_content",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Ambiguous => "ambiguous_credentials",
            Self::Refused { .. } => "refused",
            Self::UnrepresentableIdentity(_) => "unrepresentable_identity",
            Self::Upstream(_) => "upstream",
            Self::Fault => "fault",
        }
    }

    /// The precise reason, for logs and metrics only.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::BadHead(problem) => problem.reason(),
            Self::BadContent(problem) => problem.reason(),
            Self::ClientCertificate(NotServed::Missing) => "client_certificate_missing",
            Self::ClientCertificate(NotServed::NotVouched(refusal)) => refusal.reason(),
            Self::Unauthenticated { .. } => "credential_missing",
            Self::Refused { refusal, .. } => refusal.reason(),
            Self::Upstream(problem) => problem.reason(),
            Self::NoRoute
            | Self::MethodNotAllowed { .. }
            | Self::Misdirected
            | Self::Ambiguous
            | Self::UnrepresentableIdentity(_)
            | Self::Fault => self.label(),
        }
    }

    /// The configured claim that the denial is about; empty for none.
    pub(super) fn claim(&self) -> &str {
        if let Self::Refused { refusal, .. } = self { refusal.claim() } else { "" }
    }

    /// Who was denied what they asked for, where that was proved.
    pub(super) fn caller(&self) -> Option<&Proof> {
        if let Self::Refused { whose: Whose::Proved(proof), .. } | Self::UnrepresentableIdentity(proof) = self { Some(proof) } else { None }
    }

    /// What logs call the token, as far as one was read.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        let unproved = if let Self::Refused { whose: Whose::Token(fingerprint), .. } = self { Some(*fingerprint) } else { None };
        unproved.or_else(|| Some(self.caller()?.principal.fingerprint()))
    }

    /// The name of a key that nobody knows; empty for none.
    pub(super) fn key(&self) -> &str {
        if let Self::Refused { refusal, .. } = self { refusal.key() } else { "" }
    }

    /// What was expected in the place of what came; empty where that is not known, or goes without saying.
    pub(super) fn expected(&self) -> &str {
        if let Self::Refused { refusal, .. } = self { refusal.expected() } else { "" }
    }

    /// The field that cannot be read, or `content`; empty where the denial is about something else.
    pub(super) const fn field(&self) -> &'static str {
        if let Self::Refused { refusal, .. } = self { refusal.field() } else { "" }
    }

    /// What came in the place of something else; empty where that is not known, or not to be told.
    pub(super) fn found(&self) -> &str {
        if let Self::Upstream(problem) = self {
            return problem.found();
        }
        if let Self::Refused { refusal, .. } = self { refusal.found() } else { "" }
    }

    /// The fields that ask for credentials.
    pub(super) fn challenges(&self) -> &[Challenge] {
        match self {
            Self::Unauthenticated { challenges } | Self::Refused { challenges, .. } => challenges,
            Self::BadHead(_)
            | Self::NoRoute
            | Self::MethodNotAllowed { .. }
            | Self::Misdirected
            | Self::ClientCertificate(_)
            | Self::BadContent(_)
            | Self::Ambiguous
            | Self::UnrepresentableIdentity(_)
            | Self::Upstream(_)
            | Self::Fault => &[],
        }
    }
}

/// A repeated or unreadable carrier is a bad request; a token that does not hold asks for a better one.
const fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Malformed(
            Malformation::FieldRepeated
            | Malformation::SeveralTokens
            | Malformation::ContentSyntax
            | Malformation::Wire(..)
            | Malformation::Signature(..),
        ) => StatusCode::BAD_REQUEST,
        Refusal::Malformed(Malformation::CredentialSyntax | Malformation::TokenSyntax | Malformation::TokenTooLarge)
        | Refusal::Rejected(_) => StatusCode::UNAUTHORIZED,
        // Signing in again would help.
        Refusal::Insufficient(Insufficiency::Authentication(_)) => StatusCode::UNAUTHORIZED,
        Refusal::Insufficient(_) => StatusCode::FORBIDDEN,
        Refusal::Fault(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl HeadProblem {
    const fn status(self) -> StatusCode {
        match self {
            Self::Target(TargetProblem::TooLong) => StatusCode::URI_TOO_LONG,
            Self::TooLarge | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MethodRefused => StatusCode::METHOD_NOT_ALLOWED,
            Self::Target(_)
            | Self::Authority(_)
            | Self::ForeignAbsoluteForm
            | Self::HostRepeated
            | Self::LengthAndEncoding
            | Self::LengthRepeated
            | Self::TransferEncoding
            | Self::BareLineFeed
            | Self::ConnectionOption
            | Self::SignatureLabel => StatusCode::BAD_REQUEST,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Target(problem) => problem.reason(),
            Self::Authority(problem) => problem.reason(),
            Self::ForeignAbsoluteForm => "foreign_absolute_form",
            Self::HostRepeated => "host_repeated",
            Self::LengthAndEncoding => "length_and_encoding",
            Self::LengthRepeated => "length_repeated",
            Self::TransferEncoding => "transfer_encoding",
            Self::BareLineFeed => "bare_line_feed",
            Self::ConnectionOption => "connection_option",
            Self::TooLarge => "head_too_large",
            Self::TooManyFields => "too_many_fields",
            Self::MethodRefused => "method_refused",
            Self::SignatureLabel => "signature_label",
        }
    }
}

impl ContentProblem {
    const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The precise reason, for logs and metrics.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "content_too_large",
            Self::Slow => "content_slow",
            Self::Broken => "content_broken",
            Self::NoRoom => "content_no_room",
        }
    }
}

impl UpstreamProblem {
    const fn status(self) -> StatusCode {
        match self {
            Self::NoServer => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connect(_) | Self::Response => StatusCode::BAD_GATEWAY,
            Self::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The precise reason, for logs and metrics.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NoServer => "no_healthy_server",
            Self::Connect(_) => "upstream_connect",
            Self::Timeout(_) => "upstream_timeout",
            Self::Response => "upstream_response",
        }
    }

    /// What happened to the connection, or what took too long; empty where the reason says it all.
    const fn found(self) -> &'static str {
        match self {
            Self::Connect(what) | Self::Timeout(what) => what,
            Self::NoServer | Self::Response => "",
        }
    }
}

impl From<HeadProblem> for Denial {
    fn from(problem: HeadProblem) -> Self {
        Self::BadHead(problem)
    }
}

impl From<ContentProblem> for Denial {
    fn from(problem: ContentProblem) -> Self {
        Self::BadContent(problem)
    }
}

/// A denial as the error that ends a request in Pingora; the hook that answers finds the denial itself.
pub(super) fn abort(denial: Denial) -> Box<pingora::Error> {
    pingora::Error::new(pingora::ErrorType::HTTPStatus(denial.status().as_u16()))
}
