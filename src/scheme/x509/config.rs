//! The settings of an `x509` scheme, as written in the configuration.

use crate::setting::{ByteSize, Located};
use crate::token::ClaimRuleSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Callers that are known by the certificate of their connection. A listener must ask for certificates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct X509Config {
    /// PEM: the certificates of the authorities that vouch for callers. The system's are never used.
    pub trust_anchors_file: Located<PathBuf>,
    /// PEM: certificates between those and the callers', for callers that do not present them.
    #[serde(default)]
    pub intermediates_file: Option<Located<PathBuf>>,
    /// Revocation lists, PEM or DER. With any there must be one of each issuer between caller and anchor.
    #[serde(default)]
    pub crl_files: Option<Located<Vec<Located<PathBuf>>>>,
    /// The alternative names of callers; by default any.
    #[serde(default)]
    pub san: Option<Located<NamesConfig>>,
    /// What of the certificate names the caller. A certificate without it is refused.
    #[serde(default)]
    pub subject: SubjectSource,
    /// Whether a certificate must say itself that it is for clients.
    #[serde(default)]
    pub extended_key_usage: ExtendedKeyUsage,
    /// What the certificate must claim: `dn`, `cn`, `dns`, `email`, `uri`, `ip`, `serial`, `sha256`.
    #[serde(default)]
    pub claims: BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
    /// The memory for verdicts on certificates seen before; 0 remembers none.
    #[serde(default = "default_verdict_cache")]
    pub verdict_cache: ByteSize,
}

/// Alternative names, one of which a certificate must have (RFC 5280 §4.2.1.6). The common name is none of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamesConfig {
    /// Hosts; `*.` at the left stands for one whole label.
    #[serde(default)]
    pub dns: Vec<Located<Box<str>>>,
    /// URIs; `/*` at the end stands for one or more whole segments.
    #[serde(default)]
    pub uri: Vec<Located<Box<str>>>,
    /// Mailboxes; `*@` stands for every mailbox of the host.
    #[serde(default)]
    pub email: Vec<Located<Box<str>>>,
}

/// What of a certificate names the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectSource {
    /// The first alternative name that `san` takes, in the certificate's order.
    #[default]
    San,
    /// The whole distinguished name, as RFC 4514 writes it.
    Dn,
    /// The common name, where there is exactly one.
    Cn,
    /// The SHA-256 of the certificate, in hexadecimal digits.
    Thumbprint,
}

/// Whether a certificate must say itself that it is for clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtendedKeyUsage {
    /// It may say nothing of purposes; where it names any, `clientAuth` must be among them.
    #[default]
    WhereStated,
    /// It must name `clientAuth`.
    Required,
}

const fn default_verdict_cache() -> ByteSize {
    ByteSize::from_mib(8)
}
