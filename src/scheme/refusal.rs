//! Why a credential did not hold, in three sides: malformed, rejected, or we could not tell.

use super::http_signature::wire::Unreadable as SignatureUnreadable;
use super::mismatch::Mismatch;
use super::wssec::wire::Unreadable;
use super::wssec::{ReferenceFault, ReferenceRefused};
use crate::token::ClaimMiss;
use crate::token::jose::{KeyName, Unproved};
use crate::token::x509::X509Refusal;
use std::sync::Arc;

/// The outcome of a failed verification. A fault is never reported as the caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The credential cannot be read: the caller's request is bad (400 or 401).
    Malformed(Malformation),
    /// The credential was read and does not hold (401).
    Rejected(Rejection),
    /// It holds, and does not suffice for what was asked (403, or 401 where signing in again would help).
    Insufficient(Insufficiency),
    /// We could not tell: something we depend on failed (503).
    Fault(Fault),
}

/// What a proved identity lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insufficiency {
    /// Scopes: these, with spaces between them (RFC 6750 §3.1), beside those that were granted.
    Scope(Arc<str>, Box<Mismatch>),
    /// This claim, or a value of it that is taken: the rule, beside the value.
    Claim(Arc<str>, Box<Mismatch>),
    /// The route's expression is not true of it.
    Expression,
    /// The route's expression is this, and neither true nor false.
    ExpressionNotBoolean(&'static str),
    /// Why the route's expression could not be computed, quoting nothing of the request.
    ExpressionNotComputed(Box<str>),
    /// A sign-in of another class, or a later one (RFC 9470 §3).
    Authentication(Arc<StepUp>),
}

/// How and when a subject must have signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// Classes of authentication with spaces between them, one of which is wanted; empty for any.
    pub acr_values: Box<str>,
    /// How long ago the sign-in may be, in seconds.
    pub max_age: Option<u64>,
}

/// Why something cannot be one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformation {
    /// A field that may stand once stands several times.
    FieldRepeated,
    /// More than one token was presented.
    SeveralTokens,
    /// The credentials do not follow their grammar.
    CredentialSyntax,
    /// The token does not follow its grammar.
    TokenSyntax,
    /// The token is larger than the configured limit.
    TokenTooLarge,
    /// The form in the content cannot be read.
    ContentSyntax,
    /// What stands in this field, or in the content, is not on the wire of WSSEC.
    Wire(&'static str, Unreadable),
    /// What stands in this field is no HTTP message signature, and no digest.
    Signature(&'static str, SignatureUnreadable),
}

/// Why a readable credential does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The signature or MAC is wrong for every key of the issuer.
    SignatureInvalid,
    /// The token's time is over.
    Expired,
    /// The issuer is not among the trusted ones.
    IssuerUntrusted(Box<Mismatch>),
    /// The token is for somebody else.
    AudienceMismatch(Box<Mismatch>),
    /// A claim that the configuration requires is absent.
    ClaimMissing(Arc<str>),
    /// A claim is there but its value does not satisfy the configured rule.
    ClaimMismatch(Arc<str>, Box<Mismatch>),
    /// The nonce, or whatever else may be used once, was used before.
    NonceSeen,
    /// The statement of time is too far from ours.
    TimestampOutside,
    /// The content is not what was signed.
    DigestMismatch,
    /// The credentials are for another realm.
    RealmMismatch,
    /// The kind of token is not taken, or it does not say which kind it is and several are.
    ProfileRefused,
    /// A token is not taken from where it stands.
    LocationRefused,
    /// A token without a signature by its holder.
    ProofMissing,
    /// The token does not say whose it is: nobody can prove to be its holder.
    HolderKeyMissing,
    /// The holder's key cannot be used, or does not open.
    HolderKeyUnusable,
    /// The algorithm is not taken, or not by a key of this kind.
    AlgorithmRefused(Box<Mismatch>),
    /// The same, of a proof and not of the token.
    ProofAlgorithmRefused(Box<Mismatch>),
    /// No key of the issuer has the name that the token gives.
    KeyUnknown(KeyName),
    /// The token is of another type.
    TokenTypeRefused(Box<Mismatch>),
    /// The token does not hold yet.
    NotYet,
    /// The holder's signature is wrong.
    HolderSignatureInvalid,
    /// The signature speaks of less than it must.
    UsageRefused,
    /// The message is to be signed, and its digest is not there.
    DigestMissing,
    /// Something that the digest or the signature must cover is not covered.
    CoverageMissing(Box<Mismatch>),
    /// The nonce is not one of ours, or no longer.
    NonceRefused,
    /// The context token does not open: another key, another realm, or changed.
    ContextRefused,
    /// The context was revoked.
    Revoked,
    /// The certificate does not hold.
    Certificate(X509Refusal),
    /// The token's address leads to no token that is taken.
    Reference(ReferenceRefused),
    /// The token holds for longer than tokens may.
    LifetimeTooLong,
    /// Whoever issued the token says that it holds no longer, or never did (RFC 7662 §2.2).
    Inactive,
    /// The token is bound to no key, and must be.
    TokenUnbound,
    /// The token is bound to a key, and was presented as if it were anybody's.
    TokenBound,
    /// The proof of possession cannot be read.
    ProofSyntax,
    /// The proof was made with another key than the one that the token is bound to.
    ProofKeyMismatch,
    /// The proof is for another method.
    ProofMethodMismatch,
    /// The proof is for another target.
    ProofTargetMismatch(Box<Mismatch>),
    /// The proof is for another token.
    ProofTokenMismatch,
    /// A nonce is wanted, and there is none.
    NonceMissing,
    /// The connection was made without a client certificate.
    CertificateMissing,
    /// The token is bound to another certificate than the connection was made with.
    CertificateMismatch,
    /// The certificate has none of the names that are taken.
    CertificateNameRefused,
    /// The signature speaks of a part of the message that the message does not have.
    ComponentAbsent,
}

/// Why we could not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A credential of one scheme was handed to another: a defect of ours.
    ForeignCredential,
    /// The log of what was used once has no room: whether this is the first use cannot be told.
    ReplayLogFull,
    /// The token behind an address could not be had.
    Reference(ReferenceFault),
    /// The issuer's keys could not be had, or not for too long.
    KeysUnavailable,
    /// Whoever issued the token could not be asked about it.
    IntrospectionUnavailable,
    /// Whether the certificate was revoked cannot be told.
    RevocationUnknown,
}

impl Refusal {
    /// The side, as a metric label: `malformed`, `rejected` `insufficient` or `fault`.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Rejected(_) => "rejected",
            Self::Insufficient(_) => "insufficient",
            Self::Fault(_) => "fault",
        }
    }

    /// The precise reason, for log and metric.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(malformation) => malformation.reason(),
            Self::Rejected(rejection) => rejection.reason(),
            Self::Insufficient(insufficiency) => insufficiency.reason(),
            Self::Fault(fault) => fault.reason(),
        }
    }

    /// The configured claim that the refusal is about; empty when it is about none.
    pub fn claim(&self) -> &str {
        match self {
            Self::Rejected(Rejection::ClaimMissing(claim) | Rejection::ClaimMismatch(claim, _)) => claim,
            Self::Insufficient(Insufficiency::Claim(claim, _)) => claim,
            Self::Malformed(_) | Self::Rejected(_) | Self::Insufficient(_) | Self::Fault(_) => "",
        }
    }

    /// The field that cannot be read, or `content`; empty where the refusal is about something else.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Malformed(Malformation::Wire(field, _) | Malformation::Signature(field, _)) => field,
            Self::Malformed(_) | Self::Rejected(_) | Self::Insufficient(_) | Self::Fault(_) => "",
        }
    }

    /// The name of the key that nobody knows; empty where there is none, or the refusal is about something else.
    pub fn key(&self) -> &str {
        match self {
            Self::Rejected(Rejection::KeyUnknown(name)) => name.as_str(),
            Self::Malformed(_) | Self::Rejected(_) | Self::Insufficient(_) | Self::Fault(_) => "",
        }
    }

    /// The same, with the name of the key where it is about an unknown one.
    pub(in crate::scheme) fn about_key(self, name: Option<&str>) -> Self {
        match (self, name) {
            (Self::Rejected(Rejection::KeyUnknown(_)), Some(name)) => Self::Rejected(Rejection::KeyUnknown(KeyName::of(name))),
            (refusal, _) => refusal,
        }
    }
}

impl Malformation {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::FieldRepeated => "field_repeated",
            Self::SeveralTokens => "several_tokens",
            Self::CredentialSyntax => "credential_syntax",
            Self::TokenSyntax => "token_syntax",
            Self::TokenTooLarge => "token_too_large",
            Self::ContentSyntax => "content_syntax",
            Self::Wire(_, unreadable) => unreadable.reason(),
            Self::Signature(_, unreadable) => unreadable.reason(),
        }
    }
}

impl Rejection {
    /// The precise reason, for log and metric.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::SignatureInvalid => "signature_invalid",
            Self::Expired => "expired",
            Self::IssuerUntrusted(_) => "issuer_untrusted",
            Self::AudienceMismatch(_) => "audience_mismatch",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimMismatch(..) => "claim_mismatch",
            Self::NonceSeen => "nonce_seen",
            Self::TimestampOutside => "timestamp_outside",
            Self::DigestMismatch => "digest_mismatch",
            Self::RealmMismatch => "realm_mismatch",
            Self::ProfileRefused => "profile_refused",
            Self::LocationRefused => "location_refused",
            Self::ProofMissing => "proof_missing",
            Self::HolderKeyMissing => "holder_key_missing",
            Self::HolderKeyUnusable => "holder_key_unusable",
            Self::AlgorithmRefused(_) => "algorithm_refused",
            Self::ProofAlgorithmRefused(_) => "proof_algorithm_refused",
            Self::KeyUnknown(_) => "key_unknown",
            Self::TokenTypeRefused(_) => "token_type_refused",
            Self::NotYet => "not_yet",
            Self::HolderSignatureInvalid => "holder_signature_invalid",
            Self::UsageRefused => "usage_refused",
            Self::DigestMissing => "digest_missing",
            Self::CoverageMissing(_) => "coverage_missing",
            Self::NonceRefused => "nonce_refused",
            Self::ContextRefused => "context_refused",
            Self::Revoked => "revoked",
            Self::Certificate(refusal) => refusal.reason(),
            Self::Reference(refused) => refused.reason(),
            Self::LifetimeTooLong => "lifetime_too_long",
            Self::Inactive => "token_inactive",
            Self::TokenUnbound => "token_unbound",
            Self::TokenBound => "token_bound",
            Self::ProofSyntax => "proof_syntax",
            Self::ProofKeyMismatch => "proof_key_mismatch",
            Self::ProofMethodMismatch => "proof_method_mismatch",
            Self::ProofTargetMismatch(_) => "proof_target_mismatch",
            Self::ProofTokenMismatch => "proof_token_mismatch",
            Self::NonceMissing => "nonce_missing",
            Self::CertificateMissing => "certificate_missing",
            Self::CertificateMismatch => "certificate_mismatch",
            Self::CertificateNameRefused => "certificate_name_refused",
            Self::ComponentAbsent => "component_absent",
        }
    }
}

impl Insufficiency {
    /// The precise reason, for log and metric.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Scope(..) => "scope_insufficient",
            Self::Claim(..) => "claim_insufficient",
            Self::Expression => "expression_false",
            Self::ExpressionNotBoolean(_) => "expression_not_boolean",
            Self::ExpressionNotComputed(_) => "expression_not_computed",
            Self::Authentication(_) => "authentication_insufficient",
        }
    }
}

impl Fault {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ForeignCredential => "foreign_credential",
            Self::ReplayLogFull => "replay_log_full",
            Self::Reference(fault) => fault.reason(),
            Self::KeysUnavailable => "keys_unavailable",
            Self::IntrospectionUnavailable => "introspection_unavailable",
            Self::RevocationUnknown => X509Refusal::RevocationUnknown.reason(),
        }
    }
}

impl From<ClaimMiss> for Rejection {
    fn from(miss: ClaimMiss) -> Self {
        match miss {
            ClaimMiss::Missing(claim) => Self::ClaimMissing(claim),
            ClaimMiss::Mismatch { claim, expected, found } => Self::ClaimMismatch(claim, Mismatch::proved(&expected, &found).into()),
        }
    }
}

/// A list that is missing or over is ours to mend: we could not tell.
impl From<X509Refusal> for Refusal {
    fn from(refusal: X509Refusal) -> Self {
        match refusal {
            X509Refusal::RevocationUnknown => Self::Fault(Fault::RevocationUnknown),
            X509Refusal::TooLarge
            | X509Refusal::Syntax
            | X509Refusal::Untrusted
            | X509Refusal::Expired
            | X509Refusal::NotYetValid
            | X509Refusal::Authority
            | X509Refusal::NotAnAuthority
            | X509Refusal::KeyUsage
            | X509Refusal::ExtendedKeyUsage
            | X509Refusal::ChainTooLong
            | X509Refusal::NameSyntax
            | X509Refusal::Revoked
            | X509Refusal::Unsupported => Self::Rejected(Rejection::Certificate(refusal)),
        }
    }
}

impl From<Unproved> for Refusal {
    fn from(unproved: Unproved) -> Self {
        match unproved {
            Unproved::KeyUnknown | Unproved::KeyAmbiguous => Self::Rejected(Rejection::KeyUnknown(KeyName::default())),
            Unproved::AlgorithmUnfit => Self::Rejected(Rejection::AlgorithmRefused(Box::default())),
            Unproved::Signature => Self::Rejected(Rejection::SignatureInvalid),
            Unproved::Payload => Self::Malformed(Malformation::TokenSyntax),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Malformation> for Refusal {
    fn from(malformation: Malformation) -> Self {
        Self::Malformed(malformation)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
