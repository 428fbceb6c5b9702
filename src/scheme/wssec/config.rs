//! The settings of a `wssec` scheme, as written in the configuration.

use super::reference::ReferenceSettings;
use super::wire::{DigestName, SignatureName};
use crate::keys::{Discovery, KeyRefreshSettings};
use crate::scheme::wrap::config as wrap;
use crate::scheme::wrap::{AudienceMatch, ForwardToken, IssuerConfig};
use crate::setting::{ByteSize, Located, Period};
use crate::token::ClaimRuleSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A relying party of HTTP message authentication (US8078870).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WssecConfig {
    /// The protection space, as challenges name it.
    pub realm: Located<Box<str>>,
    /// The kinds of tokens that are taken, beside context tokens. At least one.
    pub token_profiles: Located<TokenProfiles>,
    /// Where a token may stand in the request.
    #[serde(default = "default_token_locations")]
    pub token_locations: Located<Vec<TokenPlace>>,
    /// Whether the field `Authorization` must be there.
    #[serde(default)]
    pub authorization: AuthorizationField,
    /// How requests are signed.
    #[serde(default = "default_signature")]
    pub signature: Located<SignatureConfig>,
    /// What a digest speaks of.
    #[serde(default = "default_digest")]
    pub digest: Located<DigestConfig>,
    /// Contexts, by which later requests need no token. Without it none are issued, and none are taken.
    #[serde(default)]
    pub context: Option<ContextConfig>,
    /// Tokens that requests name by their address. Without it none are.
    #[serde(default)]
    pub references: Option<Located<ReferenceSettings>>,
    /// What a token, or the token that a context came from, must claim, by the claim's name.
    #[serde(default)]
    pub claims: BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
    /// Whether the credentials go on to the upstream. Content goes on unchanged either way, token included.
    #[serde(default)]
    pub forward_token: ForwardToken,
    /// The largest token, decoded, at most 192KiB.
    #[serde(default = "default_max_token_size")]
    pub max_token_size: Located<ByteSize>,
    /// The largest content that is searched for a token, at most 16MiB; a larger one is answered with 413.
    #[serde(default = "default_max_token_content")]
    pub max_token_content: Located<ByteSize>,
    /// The memory for verdicts on tokens seen before, contexts among them; 0 remembers none.
    #[serde(default = "default_verdict_cache")]
    pub verdict_cache: ByteSize,
}

/// The kinds of tokens that are taken.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenProfiles {
    /// JSON Web Tokens that name their holder's key (`cnf`, RFC 7800).
    #[serde(default)]
    pub jwt: Option<Located<JwtProfile>>,
    /// Simple Web Tokens with a sealed proof key in the claim `cnf.jwe`.
    #[serde(default)]
    pub swt: Option<Located<SwtProfile>>,
    /// X.509 certificates; requests are signed with the certificate's key.
    #[serde(default)]
    pub x509v3: Option<Located<X509Profile>>,
}

/// JSON Web Tokens of one issuer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtProfile {
    /// Who makes the tokens, exactly as they state it.
    pub issuer: Located<Box<str>>,
    /// For whom a token may be.
    pub audiences: Located<Vec<Located<Box<str>>>>,
    /// A file with the issuer's keys, as a JSON Web Key Set. Exactly one of `jwks_file`, `jwks`, `jwks_uri` and
    /// `discovery` says where they are.
    #[serde(default)]
    pub jwks_file: Option<Located<PathBuf>>,
    /// The issuer's keys themselves, as the text of a JSON Web Key Set.
    #[serde(default)]
    pub jwks: Option<Located<Box<str>>>,
    /// The address of the issuer's keys, which are fetched and kept fresh.
    #[serde(default)]
    pub jwks_uri: Option<Located<Box<str>>>,
    /// Whether the issuer is asked for that address (OpenID Connect Discovery 1.0, RFC 8414).
    #[serde(default = "Discovery::unwritten")]
    pub discovery: Located<Discovery>,
    /// Hosts, beside the issuer's own, at which keys may lie that discovery leads to.
    #[serde(default)]
    pub jwks_hosts: Vec<Located<Box<str>>>,
    /// How keys that are fetched are kept fresh.
    #[serde(default = "KeyRefreshSettings::unwritten")]
    pub key_refresh: Located<KeyRefreshSettings>,
    /// A file with the key that opens sealed proof keys (`cnf: { jwe }`): 32 octets in base64. Without it only
    /// public keys (`cnf: { jwk }`) prove possession.
    #[serde(default)]
    pub proof_key_file: Option<Located<PathBuf>>,
    /// How far clocks may disagree about a token's times: at most 5m.
    #[serde(default = "wrap::default_leeway")]
    pub leeway: Located<Period>,
}

/// Simple Web Tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwtProfile {
    /// Who may make tokens, and with which keys. At least one.
    pub issuers: Located<Vec<IssuerConfig>>,
    /// For whom a token must be. Either this or `audiences`.
    #[serde(default)]
    pub audience: Option<Located<Box<str>>>,
    /// For whom a token may be, where there are several. Either this or `audience`.
    #[serde(default)]
    pub audiences: Option<Located<Vec<Located<Box<str>>>>>,
    /// How a token's audience is compared with ours.
    #[serde(default)]
    pub audience_match: AudienceMatch,
    /// A file with the key that opens sealed proof keys: 32 octets in base64.
    pub proof_key_file: Located<PathBuf>,
    /// How long after its end a token still holds, for clocks that disagree: at most 5m.
    #[serde(default = "wrap::default_leeway")]
    pub leeway: Located<Period>,
    /// The claim that names the subject. Where a token does not have it, the subject is unknown.
    #[serde(default = "wrap::default_subject_claim")]
    pub subject_claim: Box<str>,
}

/// X.509 certificates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct X509Profile {
    /// A file with the certificates of the authorities that vouch for others, in PEM.
    pub trust_anchors_file: Located<PathBuf>,
    /// A file with certificates between those and the callers', in PEM: a token is one certificate and brings none along.
    #[serde(default)]
    pub intermediates_file: Option<Located<PathBuf>>,
}

/// A place for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlace {
    /// Fields `X-WSS-Token1`, `X-WSS-Token2` and so on.
    Header,
    /// The whole content.
    Body,
    /// A field of a form.
    BodyForm,
    /// An element of an XML document.
    BodyXml,
}

/// Whether the field `Authorization` must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationField {
    /// Credentials without `Authorization: WSSEC` are none.
    #[default]
    Required,
    /// The X-WSS fields alone are credentials, for clients behind a server that drops schemes it does not know.
    Optional,
}

/// How requests are signed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignatureConfig {
    /// The algorithms that are taken; the key decides which of them can be. Those with SHA-1 only if they are named here.
    pub algorithms: Located<Vec<Located<SignatureName>>>,
    /// What signatures must speak of.
    pub usage: UsageRule,
    /// How old a signature may be.
    pub max_age: Located<Period>,
    /// How far clocks may disagree.
    pub clock_skew: Located<Period>,
    /// Who makes nonces.
    pub nonce: NonceRule,
}

/// What signatures must speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UsageRule {
    /// The request line, the token, nonce and time; of the message too, where the caller says so.
    Auth,
    /// Where there is content, or the method is one of `required_for`, also the digest of the message.
    #[default]
    Message,
    /// Always also the digest of the message.
    MessageAlways,
}

/// Who makes nonces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NonceRule {
    /// The caller; each is taken once.
    #[default]
    Client,
    /// The gateway, in its challenges and answers; each is taken once, within `max_age`. Needs `context`, under whose keys they are made.
    Server,
}

/// What a digest speaks of.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DigestConfig {
    /// Methods whose requests need a digest even without content.
    pub required_for: Located<Vec<Located<Box<str>>>>,
    /// The algorithms that are taken. SHA-1 only if it is named here.
    pub algorithms: Located<Vec<Located<DigestName>>>,
    /// Fields that the digest must cover where they are in the request. By default those that say where the
    /// token is and what the content is: `authorization`, `content-type`, `x-wss-tokenloc` and every fragment of the token.
    pub covered: Option<Located<Vec<Located<Box<str>>>>>,
}

/// Contexts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextConfig {
    /// How long a context holds; never longer than the token that it came from.
    #[serde(default = "default_lifetime")]
    pub lifetime: Located<Period>,
    /// A file with the keys that seal contexts: one of 32 octets in base64, or lines of a name and a key, of
    /// which the first seals and all open. Gateways that share it take each other's contexts.
    pub key_file: Located<PathBuf>,
    /// `true`: contexts are issued over connections without TLS, too, where anybody can read their secret.
    #[serde(default)]
    pub allow_cleartext: bool,
}

impl Default for SignatureConfig {
    fn default() -> Self {
        use SignatureName::{EcdsaP256Sha256, EcdsaP384Sha384, Ed25519, HmacSha256, HmacSha512, RsaPssSha256, RsaSha256};
        let algorithms = [HmacSha256, HmacSha512, RsaSha256, RsaPssSha256, EcdsaP256Sha256, EcdsaP384Sha384, Ed25519];
        Self {
            algorithms: Located::unwritten(algorithms.map(Located::unwritten).into()),
            usage: UsageRule::default(),
            max_age: Located::unwritten(Period::from_secs(300)),
            clock_skew: Located::unwritten(Period::from_secs(30)),
            nonce: NonceRule::default(),
        }
    }
}

impl Default for DigestConfig {
    fn default() -> Self {
        let methods = ["POST", "PUT", "PATCH"].map(|method| Located::unwritten(method.into()));
        let algorithms = [DigestName::Sha256, DigestName::Sha512].map(Located::unwritten);
        Self { required_for: Located::unwritten(methods.into()), algorithms: Located::unwritten(algorithms.into()), covered: None }
    }
}

fn default_signature() -> Located<SignatureConfig> {
    Located::unwritten(SignatureConfig::default())
}

fn default_digest() -> Located<DigestConfig> {
    Located::unwritten(DigestConfig::default())
}

fn default_token_locations() -> Located<Vec<TokenPlace>> {
    Located::unwritten(vec![TokenPlace::Header])
}

const fn default_lifetime() -> Located<Period> {
    Located::unwritten(Period::from_secs(43_200))
}

const fn default_max_token_size() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_kib(48))
}

const fn default_max_token_content() -> Located<ByteSize> {
    Located::unwritten(ByteSize::from_mib(1))
}

const fn default_verdict_cache() -> ByteSize {
    ByteSize::from_mib(64)
}
