//! Files of authorities: their certificates, those between them and others, and their revocation lists.

use crate::setting::{Files, Located, Problem};
use crate::token::x509::{RevocationLists, TrustAnchors};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;

/// Reads the certificates of authorities.
///
/// # Errors
/// The file cannot be read, or is not one of authorities.
pub(in crate::scheme) fn anchors(file: &Located<PathBuf>, files: &Files) -> Result<TrustAnchors, Problem> {
    let pem = files.read(file)?;
    TrustAnchors::from_pem(&pem).map_err(|problem| Problem::new(file.at(), problem.to_string(), "certificates of authorities in PEM"))
}

/// Reads certificates between authorities and others, where there are any.
///
/// # Errors
/// The file cannot be read, or something in it is no certificate.
pub(in crate::scheme) fn intermediates(file: Option<&Located<PathBuf>>, files: &Files) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let pem = files.read(file)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    read.map_err(|_| Problem::new(file.at(), "something that is no certificate", "certificates in PEM"))
}

/// Reads revocation lists.
///
/// # Errors
/// A file cannot be read, or holds no list that can be judged.
pub(super) fn revocation_lists(named: &[Located<PathBuf>], files: &Files) -> Result<RevocationLists, Vec<Problem>> {
    let (mut lists, mut problems) = (RevocationLists::default(), Vec::new());
    for file in named {
        let added = files.read(file).and_then(|octets| {
            lists.add(&octets).map_err(|problem| Problem::new(file.at(), problem.to_string(), "revocation lists in PEM, or one in DER"))
        });
        problems.extend(added.err());
    }
    if problems.is_empty() { Ok(lists) } else { Err(problems) }
}
