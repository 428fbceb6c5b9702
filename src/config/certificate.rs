//! A listener's certificate: read, checked against its key, and asked for its names and its end.

use super::document::CertificatePair;
use crate::clock::UnixTime;
use crate::setting::{Files, Located, Problem};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::Arc;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate with its chain and key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The file it came from, as written: its name in metrics.
    pub label: Arc<str>,
    /// The DNS names it is for, lower-case; `*.` stands for one label.
    pub names: Vec<Box<str>>,
    /// When it ends.
    pub not_after: UnixTime,
    /// What the TLS layer needs.
    pub key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads and checks a pair of files.
    ///
    /// # Errors
    /// Unreadable files, no PEM inside, or a key that is not the certificate's.
    pub fn load(pair: &CertificatePair, files: &Files) -> Result<Self, Problem> {
        let chain = chain(&pair.certificate, files)?;
        let key = files.read(&pair.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| Problem::new(pair.key.at(), format!("no private key in {}", pair.key.display()), "a PEM private key"))?;
        let (names, not_after) = facts(&pair.certificate, &chain)?;
        let mismatch = |error: rustls::Error| {
            Problem::new(pair.key.at(), format!("a key that does not fit the certificate ({error})"), "the certificate's private key")
        };
        let provider = CryptoProvider::get_default()
            .ok_or_else(|| Problem::new(pair.key.at(), "no TLS provider installed", "the program to install one first"))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(mismatch)?;
        certified.keys_match().map_err(mismatch)?;
        Ok(Self { label: pair.certificate.display().to_string().into(), names, not_after, key: Arc::new(certified) })
    }

    /// Whether the certificate is for a host (RFC 6125 §6.4.3: `*` stands for one whole label).
    pub fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
            None => **name == *host,
        })
    }
}

/// Reads PEM certificates, at least one.
///
/// # Errors
/// The file cannot be read or holds no certificate.
pub fn chain(file: &Located<PathBuf>, files: &Files) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let content = files.read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(Problem::new(file.at(), format!("no certificate in {}", file.display()), "PEM certificates")),
    }
}

fn facts(file: &Located<PathBuf>, chain: &[CertificateDer<'_>]) -> Result<(Vec<Box<str>>, UnixTime), Problem> {
    let unreadable = || Problem::new(file.at(), format!("an unreadable certificate in {}", file.display()), "an X.509 certificate");
    let leaf = chain.first().ok_or_else(unreadable)?;
    let (_, leaf) = X509Certificate::from_der(leaf).map_err(|_| unreadable())?;
    let names = leaf.subject_alternative_name().ok().flatten().map(|san| san.value.general_names.as_slice()).unwrap_or_default();
    let names = names.iter().filter_map(|name| if let GeneralName::DNSName(name) = name { Some(*name) } else { None });
    let not_after = u64::try_from(leaf.validity().not_after.timestamp()).unwrap_or_default();
    Ok((names.map(|name| name.to_ascii_lowercase().into()).collect(), UnixTime::from_seconds(not_after)))
}
