//! Why the keys of an issuer could not be fetched: never the fault of whoever sent a request.

use crate::fetch::{FetchFault, NotAdmitted};
use crate::token::jose::JwksSyntax;
use crate::token::json::JsonSyntax;
use std::fmt;

/// Why there is no new set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoadFault {
    /// A document could not be got.
    Fetch(FetchFault),
    /// The issuer's metadata are no JSON object with one reading.
    Metadata(JsonSyntax),
    /// The metadata are those of another issuer.
    IssuerMismatch,
    /// The metadata do not say where the keys are.
    AddressAbsent,
    /// The keys lie where nobody is asked.
    AddressRefused(NotAdmitted),
    /// What lies there is no key set.
    Syntax(JwksSyntax),
    /// None of the keys can be used.
    NoUsableKey,
}

impl LoadFault {
    /// The precise reason, for the log.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Fetch(fault) => fault.reason(),
            Self::Metadata(_) => "metadata_syntax",
            Self::IssuerMismatch => "metadata_issuer_mismatch",
            Self::AddressAbsent => "metadata_without_keys",
            Self::AddressRefused(_) => "key_address_refused",
            Self::Syntax(_) => "key_set_syntax",
            Self::NoUsableKey => "key_set_empty",
        }
    }
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(fault) => fault.fmt(f),
            Self::Metadata(syntax) => write!(f, "the metadata are {syntax}"),
            Self::IssuerMismatch => f.write_str("the metadata are those of another issuer"),
            Self::AddressAbsent => f.write_str("the metadata have no text `jwks_uri`"),
            Self::AddressRefused(NotAdmitted::Syntax(problem)) => write!(f, "`jwks_uri` in the metadata is {problem}"),
            Self::AddressRefused(NotAdmitted::NotAllowed) => {
                f.write_str("`jwks_uri` in the metadata is at a host that is neither the issuer's nor one of `jwks_hosts`")
            }
            Self::Syntax(syntax) => syntax.fmt(f),
            Self::NoUsableKey => f.write_str("none of the keys can be used"),
        }
    }
}

impl From<FetchFault> for LoadFault {
    fn from(fault: FetchFault) -> Self {
        Self::Fetch(fault)
    }
}
