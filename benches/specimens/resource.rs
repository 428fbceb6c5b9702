//! Schemes for JSON Web Tokens, DPoP and HTTP message signatures with the usual rules, built of a key set's text.

use portcullis::clock::UnixTime;
use portcullis::crypto::SystemRandom;
use portcullis::keys::{Discovery, KeyRefreshSettings, KeySources};
use portcullis::scheme::bearer::{Accepted, BearerConfig};
use portcullis::scheme::dpop::{Dpop, DpopConfig, NonceUse};
use portcullis::scheme::http_signature::wire::MessageAlgorithm;
use portcullis::scheme::http_signature::{CreatedRule, HttpSignature, HttpSignatureConfig, NonceRule};
use portcullis::scheme::jwt::Jwt;
use portcullis::scheme::wrap::ForwardToken;
use portcullis::scheme::{Resources, Scheme};
use portcullis::setting::{ByteSize, Files, Located, Period};
use portcullis::store::{StoreSizes, Stores};
use portcullis::token::jose::Algorithm;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of each scheme.
pub(crate) const NAME: &str = "resource";
/// Who issues tokens.
pub(crate) const ISSUER: &str = "https://sts.example";
/// For whom they are.
pub(crate) const AUDIENCE: &str = "orders";
/// The file of the key set.
const KEYS: &str = "jwks.json";

/// What schemes are built of.
pub(crate) struct Protected {
    folder: tempfile::TempDir,
    verdict_cache: ByteSize,
    stores: Arc<Stores>,
    random: Arc<SystemRandom>,
}

impl Protected {
    /// Keys, this much memory for verdicts, and a memory of first uses that began at `began`.
    pub(crate) fn with(jwks: &str, verdict_cache: ByteSize, began: UnixTime) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(KEYS), jwks).unwrap();
        let random = Arc::new(SystemRandom::new());
        let stores =
            Arc::new(Stores::new(StoreSizes { replay_marks: 1_000_000, revocations: 1000, holder_keys: 1000 }, began, &*random).unwrap());
        Self { folder, verdict_cache, stores, random }
    }

    /// Takes tokens of every algorithm, HS256 among them.
    pub(crate) fn jwt(&self) -> Jwt {
        self.build(BearerConfig {
            issuer: located(ISSUER.into()),
            audiences: listed([AUDIENCE.into()]),
            jwks_file: Some(located(KEYS.into())),
            jwks: None,
            jwks_uri: None,
            discovery: located(Discovery::Off),
            jwks_hosts: Vec::new(),
            key_refresh: located(KeyRefreshSettings::default()),
            algorithms: listed(Algorithm::ALL),
            token_type: located("access_token".into()),
            leeway: located(Period::from_secs(30)),
            max_lifetime: None,
            optional_claims: Vec::new(),
            claims: BTreeMap::new(),
            subject_claim: "sub".into(),
            realm: located(Box::default()),
            forward_token: ForwardToken::Strip,
            max_token_size: located(ByteSize::from_kib(8)),
            verdict_cache: self.verdict_cache,
            accept: located(vec![Accepted::Header]),
            max_form_size: located(ByteSize::from_kib(64)),
        })
    }

    /// Takes tokens and proofs by ES256.
    pub(crate) fn dpop(&self) -> Dpop {
        self.build(DpopConfig {
            issuer: located(ISSUER.into()),
            audiences: listed([AUDIENCE.into()]),
            jwks_file: Some(located(KEYS.into())),
            jwks: None,
            jwks_uri: None,
            discovery: located(Discovery::Off),
            jwks_hosts: Vec::new(),
            key_refresh: located(KeyRefreshSettings::default()),
            algorithms: listed([Algorithm::Es256]),
            token_type: located("access_token".into()),
            leeway: located(Period::from_secs(30)),
            max_lifetime: None,
            optional_claims: Vec::new(),
            claims: BTreeMap::new(),
            subject_claim: "sub".into(),
            realm: located(Box::default()),
            forward_token: ForwardToken::Strip,
            max_token_size: located(ByteSize::from_kib(8)),
            verdict_cache: self.verdict_cache,
            proof_algorithms: listed([Algorithm::Es256]),
            max_age: located(Period::from_secs(60)),
            clock_skew: located(Period::from_secs(30)),
            nonce: NonceUse::None,
            nonce_key_file: None,
            nonce_lifetime: located(Period::from_secs(300)),
        })
    }

    /// Takes messages signed over method and target.
    pub(crate) fn http_signature(&self) -> HttpSignature {
        self.build(HttpSignatureConfig {
            keys_file: Some(located(KEYS.into())),
            keys_dir: None,
            subjects: BTreeMap::new(),
            realm: located(Box::default()),
            label: located(Box::default()),
            tag: located(Box::default()),
            algorithms: listed(MessageAlgorithm::ALL),
            required_components: listed(["@method", "@target-uri", "content-digest"].map(Box::from)),
            structured_fields: BTreeMap::new(),
            created: CreatedRule::Required,
            nonce: NonceRule::Optional,
            max_age: located(Period::from_secs(300)),
            clock_skew: located(Period::from_secs(30)),
            forward_token: ForwardToken::Strip,
            max_signature_size: located(ByteSize::from_kib(8)),
        })
    }

    fn build<S: Scheme<Config = Located<C>>, C>(&self, config: C) -> S {
        let (files, name, key_sources) = (Files::below(self.folder.path()), Arc::from(NAME), KeySources::default());
        let resources = Resources { name: &name, files: &files, stores: &self.stores, key_sources: &key_sources, random: &self.random };
        S::build(located(config), &resources).ok().unwrap()
    }
}

fn listed<T>(all: impl IntoIterator<Item = T>) -> Located<Vec<Located<T>>> {
    located(all.into_iter().map(located).collect())
}

const fn located<T>(value: T) -> Located<T> {
    Located::unwritten(value)
}
