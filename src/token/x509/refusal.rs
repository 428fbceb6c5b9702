//! Why a certificate does not hold, and why a file of anchors cannot be used.

use std::fmt;

/// Why a certificate is not a proved one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum X509Refusal {
    /// It is longer than it may be.
    TooLarge,
    /// It is no DER of a certificate, or octets follow it.
    Syntax,
    /// No anchor vouches for it, or a signature in its chain is wrong.
    Untrusted,
    /// Its time, or that of a certificate above it, is over.
    Expired,
    /// Its time, or that of a certificate above it, has not begun.
    NotYetValid,
    /// It is an authority's, and an authority is no client.
    Authority,
    /// A certificate above it is not an authority's, or may not certify.
    NotAnAuthority,
    /// Its key may not sign.
    KeyUsage,
    /// Its key is not for clients.
    ExtendedKeyUsage,
    /// There are too many certificates above it.
    ChainTooLong,
    /// An alternative name has octets that such a name cannot have.
    NameSyntax,
    /// Its issuer, or the issuer of a certificate above it, took it back.
    Revoked,
    /// Whether it was taken back cannot be told: an issuer has no list, or one that is over or not its own.
    RevocationUnknown,
    /// Something about it cannot be judged, such as an algorithm, a critical extension, a constraint on names; or its key is
    /// weak.
    Unsupported,
}

impl X509Refusal {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "certificate_too_large",
            Self::Syntax => "certificate_syntax",
            Self::Untrusted => "certificate_untrusted",
            Self::Expired => "certificate_expired",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::Authority => "certificate_of_authority",
            Self::NotAnAuthority => "certificate_issuer_no_authority",
            Self::KeyUsage => "certificate_key_usage",
            Self::ExtendedKeyUsage => "certificate_extended_key_usage",
            Self::ChainTooLong => "certificate_chain_too_long",
            Self::NameSyntax => "certificate_name_syntax",
            Self::Revoked => "certificate_revoked",
            Self::RevocationUnknown => "certificate_revocation_unknown",
            Self::Unsupported => "certificate_unsupported",
        }
    }
}

impl fmt::Display for X509Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for X509Refusal {}

impl From<webpki::Error> for X509Refusal {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        // The library may add variants at any time, so this is no exhaustive match: what is not known here cannot be judged.
        let told = [
            (matches!(error, E::UnknownIssuer | E::InvalidSignatureForPublicKey | E::SignatureAlgorithmMismatch), Self::Untrusted),
            (matches!(error, E::CertExpired { .. }), Self::Expired),
            (matches!(error, E::CertNotValidYet { .. }), Self::NotYetValid),
            (matches!(error, E::CaUsedAsEndEntity), Self::Authority),
            (matches!(error, E::EndEntityUsedAsCa), Self::NotAnAuthority),
            (matches!(error, E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension), Self::ExtendedKeyUsage),
            (matches!(error, E::PathLenConstraintViolated | E::MaximumPathDepthExceeded), Self::ChainTooLong),
            (matches!(error, E::CertRevoked), Self::Revoked),
            (matches!(error, E::UnknownRevocationStatus | E::CrlExpired { .. } | E::IssuerNotCrlSigner), Self::RevocationUnknown),
            (
                matches!(
                    error,
                    E::InvalidCrlSignatureForPublicKey
                        | E::UnsupportedCrlSignatureAlgorithmContext(_)
                        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_)
                ),
                Self::RevocationUnknown,
            ),
            (matches!(error, E::BadDer | E::BadDerTime | E::TrailingData(_) | E::InvalidCertValidity), Self::Syntax),
            (matches!(error, E::InvalidSerialNumber | E::MalformedExtensions | E::ExtensionValueInvalid), Self::Syntax),
        ];
        told.into_iter().find(|(is_this, _)| *is_this).map_or(Self::Unsupported, |(_, refusal)| refusal)
    }
}

/// Why a file of anchors cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorProblem {
    /// There is no certificate in it.
    None,
    /// There are too many certificates in it.
    TooMany,
    /// Something in it is no certificate.
    Syntax,
    /// A certificate in it is not an authority's.
    NotAnAuthority,
}

impl fmt::Display for AnchorProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no certificate",
            Self::TooMany => "too many certificates",
            Self::Syntax => "an unreadable certificate",
            Self::NotAnAuthority => "a certificate that is not an authority's",
        })
    }
}

impl std::error::Error for AnchorProblem {}
