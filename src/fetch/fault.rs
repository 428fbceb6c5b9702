//! Why there is no document: never the fault of whoever asked us.

use std::error::Error;
use std::fmt;

/// Why a document could not be got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFault {
    /// It took longer than allowed, a turn among the others included.
    Timeout,
    /// The name has no address.
    Unresolvable,
    /// The name has no address that may be connected to.
    AddressRefused,
    /// Nobody answers there, or not as agreed.
    Unreachable,
    /// Whoever answers there does not prove to be the named host.
    Untrusted,
    /// The answer's status is this and not 200; a redirect is not followed.
    Status(u16),
    /// The content is larger than allowed.
    TooLarge,
    /// The content is compressed, which nobody asked for.
    Encoded,
    /// The connection broke before the end of the answer.
    Interrupted,
}

impl FetchFault {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Timeout => "fetch_timeout",
            Self::Unresolvable => "fetch_unresolvable",
            Self::AddressRefused => "fetch_address_refused",
            Self::Unreachable => "fetch_unreachable",
            Self::Untrusted => "fetch_untrusted",
            Self::Status(_) => "fetch_status",
            Self::TooLarge => "fetch_too_large",
            Self::Encoded => "fetch_encoded",
            Self::Interrupted => "fetch_interrupted",
        }
    }

    /// What is behind an error of the client: it wraps what our resolver and TLS said.
    pub(super) fn behind(error: &reqwest::Error) -> Self {
        let mut cause = error.source();
        while let Some(found) = cause {
            if let Some(fault) = told(found) {
                return fault;
            }
            cause = found.source();
        }
        if error.is_connect() { Self::Unreachable } else { Self::Interrupted }
    }
}

fn told(cause: &(dyn Error + 'static)) -> Option<FetchFault> {
    if let Some(fault) = cause.downcast_ref::<FetchFault>() {
        return Some(*fault);
    }
    if let Some(rustls::Error::InvalidCertificate(_)) = cause.downcast_ref() {
        return Some(FetchFault::Untrusted);
    }
    // An error of I/O does not name what it wraps as its source, but the source of that.
    cause.downcast_ref::<std::io::Error>()?.get_ref().and_then(|wrapped| told(wrapped))
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no answer in time",
            Self::Unresolvable => "the name has no address",
            Self::AddressRefused => {
                "the name has addresses of this machine or of private networks only, which `allow_private: true` allows"
            }
            Self::Unreachable => "nobody answers there, or not by TLS where that is expected",
            Self::Untrusted => "its certificate is vouched for by nobody trusted, or for another name",
            Self::Status(status) => return write!(f, "the answer has status {status}"),
            Self::TooLarge => "the answer is too large",
            Self::Encoded => "the answer is compressed",
            Self::Interrupted => "the connection broke before the end of the answer",
        })
    }
}

impl Error for FetchFault {}

/// Why there can be no fetcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetcherProblem {
    /// The process has no TLS provider yet.
    NoTlsProvider,
    /// The text has no certificate of an authority, or one that cannot be read.
    Anchors,
    /// The system has no authorities.
    NoSystemAnchors,
}
