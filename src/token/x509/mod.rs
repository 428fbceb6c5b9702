//! Certificates as tokens: a chain to configured anchors, and the key that the certificate is for (RFC 5280).

mod claims;
mod name;
mod pattern;
mod refusal;
mod revocation;
#[cfg(test)]
mod tests;

pub use pattern::{NamePattern, NamePatternSyntax};
pub use refusal::{AnchorProblem, X509Refusal};
pub use revocation::{ListProblem, MOST_LISTS, RevocationLists};

use crate::clock::UnixTime;
use crate::crypto::{self, PublicKey, UnusableKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptions, RevocationOptionsBuilder,
    UnknownStatusPolicy,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The most octets of a certificate.
pub const LONGEST_CERTIFICATE: usize = 16 * 1024;
/// The most certificates between a leaf and its anchor that are looked at.
pub const MOST_INTERMEDIATES: usize = 8;
/// The most anchors of one file.
pub const MOST_ANCHORS: usize = 256;

/// The authorities that vouch for certificates.
#[derive(Clone)]
pub struct TrustAnchors(Vec<TrustAnchor<'static>>);

impl TrustAnchors {
    /// Reads PEM certificates of authorities, at least one.
    ///
    /// # Errors
    /// There is none, there are too many, or one cannot be read or is not an authority's.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AnchorProblem> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            if anchors.len() == MOST_ANCHORS {
                return Err(AnchorProblem::TooMany);
            }
            anchors.push(read_anchor(&certificate.map_err(|_| AnchorProblem::Syntax)?)?);
        }
        if anchors.is_empty() { Err(AnchorProblem::None) } else { Ok(Self(anchors)) }
    }

    /// Whether a certificate names one of them as its issuer, before anything of it is proved.
    pub fn is_named_by(&self, der: &[u8]) -> bool {
        let Ok(certificate) = parse(der) else { return false };
        let issuer = certificate.issuer().as_raw();
        // Anchors keep what stands inside the sequence.
        self.0.iter().any(|anchor| issuer.ends_with(&anchor.subject) && issuer.len().saturating_sub(anchor.subject.len()) <= 4)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustAnchors({})", self.0.len())
    }
}

fn read_anchor(der: &CertificateDer<'_>) -> Result<TrustAnchor<'static>, AnchorProblem> {
    let read = parse(der).map_err(|_| AnchorProblem::Syntax)?;
    if !read.is_ca() {
        return Err(AnchorProblem::NotAnAuthority);
    }
    webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()).map_err(|_| AnchorProblem::Syntax)
}

/// A certificate that an anchor vouches for. Whoever presents it has proved nothing yet: that takes a
/// signature by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedCertificate {
    spki: Box<[u8]>,
    subject: Box<str>,
    issuer: Box<str>,
    serial: Box<str>,
    not_after: UnixTime,
    thumbprint: [u8; crypto::DIGEST_LENGTH],
    names: Box<[AlternativeName]>,
    common_name: Box<str>,
    purpose: StatedPurpose,
}

/// Whether a certificate itself says what its key is for (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatedPurpose {
    /// It says that it is for clients, among others perhaps.
    Clients,
    /// It says nothing.
    Nothing,
}

/// A name of the subject (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// A host, lower-case.
    Dns(Box<str>),
    /// A mailbox, as it stands.
    Email(Box<str>),
    /// A URI, as it stands.
    Uri(Box<str>),
    /// An address.
    Address(IpAddr),
}

impl AlternativeName {
    /// The name as text, without its kind.
    pub fn text(&self) -> Box<str> {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => text.clone(),
            Self::Address(address) => address.to_string().into(),
        }
    }
}

impl ProvedCertificate {
    /// The key that the certificate is for, as DER of a SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The subject, as RFC 4514 writes it; empty where the certificate has alternative names only.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer, as RFC 4514 writes it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The serial number in lower-case hexadecimal digits, two for each octet, without leading zero octets.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The last second at which the whole chain is valid; of the anchor's own dates nothing is known.
    pub const fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The SHA-256 of the certificate, by which RFC 8705 §3.1 names it.
    pub const fn thumbprint(&self) -> &[u8; crypto::DIGEST_LENGTH] {
        &self.thumbprint
    }

    /// The subject's alternative names of the kinds that we know.
    pub fn names(&self) -> &[AlternativeName] {
        &self.names
    }

    /// The subject's common name; empty where it has none, or several.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// Whether the certificate says that it is for clients.
    pub const fn purpose(&self) -> StatedPurpose {
        self.purpose
    }
}

/// Checks that an anchor vouches for a certificate at this time, and that its key may sign for a client: key
/// usage `digitalSignature` and extended key usage `clientAuth`, where the certificate states any.
///
/// # Errors
/// The certificate cannot be read, or does not hold.
pub fn verify(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    now: UnixTime,
) -> Result<ProvedCertificate, X509Refusal> {
    verify_unrevoked(leaf, intermediates, (anchors, &[]), now)
}

/// The same, and that no certificate between leaf and anchor is on a revocation list of its issuer. Where there are
/// any lists, there must be one of each issuer, and its next one must not be due.
///
/// # Errors
/// The certificate cannot be read, does not hold, is revoked, or it cannot be told whether it is.
pub fn verify_listed(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    (anchors, lists): (&TrustAnchors, &RevocationLists),
    now: UnixTime,
) -> Result<ProvedCertificate, X509Refusal> {
    verify_unrevoked(leaf, intermediates, (anchors, lists.lists()), now)
}

type Authorities<'a> = (&'a TrustAnchors, &'a [CertRevocationList<'static>]);

fn verify_unrevoked(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    authorities: Authorities<'_>,
    now: UnixTime,
) -> Result<ProvedCertificate, X509Refusal> {
    if leaf.len() > LONGEST_CERTIFICATE || intermediates.iter().any(|der| der.len() > LONGEST_CERTIFICATE) {
        return Err(X509Refusal::TooLarge);
    }
    if intermediates.len() > MOST_INTERMEDIATES {
        return Err(X509Refusal::ChainTooLong);
    }
    let read = parse(leaf)?;
    if !may_sign(&read)? {
        return Err(X509Refusal::KeyUsage);
    }
    let chain_end = verify_chain(leaf, intermediates, authorities, now)?;
    describe(leaf, &read, chain_end)
}

/// Checks that a certificate's key, where it is of a kind that is known here, is one that only its holder can sign with.
/// The library that verifies handshakes looks at lengths only.
///
/// # Errors
/// The certificate cannot be read, or its key is weak.
pub fn judge_key(leaf: &[u8]) -> Result<(), X509Refusal> {
    match PublicKey::from_spki_der(parse(leaf)?.public_key().raw) {
        Ok(_) | Err(UnusableKey::UnknownKind) => Ok(()),
        Err(_) => Err(X509Refusal::Unsupported),
    }
}

/// Until when the certificates between leaf and anchor hold.
fn verify_chain(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    (anchors, lists): Authorities<'_>,
    now: UnixTime,
) -> Result<UnixTime, X509Refusal> {
    let der = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&der)?;
    let time = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(now.seconds()));
    let (algorithms, usage) = (crypto::certificate_algorithms(), KeyUsage::client_auth());
    let lists: Vec<&CertRevocationList<'_>> = lists.iter().collect();
    let revocation = revocation(&lists);
    let path = leaf.verify_for_usage(algorithms, &anchors.0, intermediates, time, usage, revocation, Some(&issuers_may_certify))?;
    let mut end = UnixTime::from_seconds(u64::MAX);
    for issuer in path.intermediate_certificates() {
        end = end.min(not_after(&parse(&issuer.der())?));
    }
    Ok(end)
}

/// All certificates but the anchor, fail closed; nothing where there are no lists.
fn revocation<'l>(lists: &'l [&'l CertRevocationList<'l>]) -> Option<RevocationOptions<'l>> {
    let options = RevocationOptionsBuilder::new(lists).ok()?.with_depth(RevocationCheckDepth::Chain);
    Some(options.with_status_policy(UnknownStatusPolicy::Deny).with_expiration_policy(ExpirationPolicy::Enforce).build())
}

/// The library does not look at key usage; an authority whose key may not certify has certified nothing.
fn issuers_may_certify(path: &webpki::VerifiedPath<'_>) -> Result<(), webpki::Error> {
    let may_certify = |der: &[u8]| {
        let usage =
            parse(der).ok().and_then(|read| read.key_usage().ok().map(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign())));
        usage.unwrap_or_default()
    };
    let fine = path.intermediate_certificates().all(|issuer| may_certify(&issuer.der()));
    if fine { Ok(()) } else { Err(webpki::Error::EndEntityUsedAsCa) }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, X509Refusal> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(X509Refusal::Syntax),
    }
}

fn may_sign(certificate: &X509Certificate<'_>) -> Result<bool, X509Refusal> {
    let usage = certificate.key_usage().map_err(|_| X509Refusal::Syntax)?;
    Ok(usage.is_none_or(|usage| usage.value.digital_signature()))
}

fn not_after(certificate: &X509Certificate<'_>) -> UnixTime {
    UnixTime::from_seconds(u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default())
}

fn describe(der: &[u8], certificate: &X509Certificate<'_>, chain_end: UnixTime) -> Result<ProvedCertificate, X509Refusal> {
    let serial = certificate.raw_serial();
    let first = serial.iter().position(|octet| *octet != 0).unwrap_or(serial.len());
    Ok(ProvedCertificate {
        spki: certificate.public_key().raw.into(),
        subject: name::text(certificate.subject())?,
        issuer: name::text(certificate.issuer())?,
        serial: name::hex(serial.get(first..).unwrap_or_default()).into(),
        not_after: not_after(certificate).min(chain_end),
        thumbprint: crypto::sha256(der),
        names: alternative_names(certificate)?,
        common_name: name::sole_common_name(certificate.subject()),
        purpose: purpose(certificate)?,
    })
}

fn purpose(certificate: &X509Certificate<'_>) -> Result<StatedPurpose, X509Refusal> {
    let stated = certificate.extended_key_usage().map_err(|_| X509Refusal::Syntax)?;
    Ok(stated.filter(|usage| usage.value.client_auth).map_or(StatedPurpose::Nothing, |_| StatedPurpose::Clients))
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Result<Box<[AlternativeName]>, X509Refusal> {
    let extension = certificate.subject_alternative_name().map_err(|_| X509Refusal::Syntax)?;
    let names = extension.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    names.iter().filter_map(|name| alternative_name(name).transpose()).collect()
}

/// A name in which some octet is none that it may have refuses the certificate: others might read a shorter name.
fn alternative_name(name: &GeneralName<'_>) -> Result<Option<AlternativeName>, X509Refusal> {
    match name {
        GeneralName::DNSName(host) => sound(host).map(|host| Some(AlternativeName::Dns(host.to_ascii_lowercase().into()))),
        GeneralName::RFC822Name(mailbox) => sound(mailbox).map(|mailbox| Some(AlternativeName::Email(mailbox.into()))),
        GeneralName::URI(uri) => sound(uri).map(|uri| Some(AlternativeName::Uri(uri.into()))),
        GeneralName::IPAddress(octets) => address(octets).map(AlternativeName::Address).map(Some).ok_or(X509Refusal::NameSyntax),
        GeneralName::Invalid(..) => Err(X509Refusal::NameSyntax),
        GeneralName::OtherName(..)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::RegisteredID(_) => Ok(None),
    }
}

/// Visible ASCII, at least one octet of it.
fn sound(name: &str) -> Result<&str, X509Refusal> {
    let fine = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic());
    if fine { Ok(name) } else { Err(X509Refusal::NameSyntax) }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}
