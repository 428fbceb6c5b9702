//! Revocation lists: which certificates their authorities took back, and until when a list says so (RFC 5280 §5).

use crate::clock::UnixTime;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// The most lists of one scheme.
pub const MOST_LISTS: usize = 256;

/// The lists of some authorities. What is on none of them is not revoked only if its issuer has a list here.
#[derive(Debug)]
pub struct RevocationLists {
    lists: Vec<CertRevocationList<'static>>,
    end: UnixTime,
}

impl Default for RevocationLists {
    fn default() -> Self {
        Self { lists: Vec::new(), end: UnixTime::from_seconds(u64::MAX) }
    }
}

impl RevocationLists {
    /// Adds the lists of a file: PEM with one or more, or the DER of one.
    ///
    /// # Errors
    /// There is none, one cannot be read, there are too many, or one is about the same certificates as another.
    pub fn add(&mut self, file: &[u8]) -> Result<(), ListProblem> {
        let mut found = false;
        for der in CertificateRevocationListDer::pem_slice_iter(file) {
            self.add_der(&der.map_err(|_| ListProblem::Syntax)?)?;
            found = true;
        }
        match (found, file.first()) {
            (true, _) => Ok(()),
            // A SEQUENCE.
            (false, Some(0x30)) => self.add_der(file),
            (false, _) => Err(ListProblem::None),
        }
    }

    fn add_der(&mut self, der: &[u8]) -> Result<(), ListProblem> {
        if self.lists.len() == MOST_LISTS {
            return Err(ListProblem::TooMany);
        }
        let list = CertRevocationList::Owned(OwnedCertRevocationList::from_der(der).map_err(|_| ListProblem::Syntax)?);
        let is_about_the_same = |known: &CertRevocationList<'_>| {
            known.issuer() == list.issuer() && known.issuing_distribution_point() == list.issuing_distribution_point()
        };
        // Only one of them would ever be looked at.
        if self.lists.iter().any(is_about_the_same) {
            return Err(ListProblem::Repeated);
        }
        let (_, read) = CertificateRevocationList::from_der(der).map_err(|_| ListProblem::Syntax)?;
        let end = read.next_update().and_then(|end| u64::try_from(end.timestamp()).ok()).ok_or(ListProblem::Syntax)?;
        self.end = self.end.min(UnixTime::from_seconds(end));
        self.lists.push(list);
        Ok(())
    }

    /// When the first of the lists is over; a verdict that leans on them is not remembered for longer.
    pub const fn end(&self) -> UnixTime {
        self.end
    }

    pub(super) fn lists(&self) -> &[CertRevocationList<'static>] {
        &self.lists
    }
}

/// Why a file of revocation lists cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListProblem {
    /// There is no list in it.
    None,
    /// There are too many lists.
    TooMany,
    /// Something in it is no list, or one of a kind that we cannot judge (delta, indirect, without an end).
    Syntax,
    /// It is by the same authority about the same certificates as another one.
    Repeated,
}

impl fmt::Display for ListProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no revocation list",
            Self::TooMany => "too many revocation lists",
            Self::Syntax => "an unreadable revocation list, or one of a kind that is not taken (delta, indirect, without a next update)",
            Self::Repeated => "a second revocation list of one authority",
        })
    }
}

impl std::error::Error for ListProblem {}
