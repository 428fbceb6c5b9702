//! A scheme `wssec` named `partners`, with the realm `orders`, built of key files' texts.

use portcullis::clock::UnixTime;
use portcullis::crypto::SystemRandom;
use portcullis::keys::{Discovery, KeyRefreshSettings, KeySources};
use portcullis::scheme::wrap::ForwardToken;
use portcullis::scheme::wssec::{
    AuthorizationField, ContextConfig, DigestConfig, JwtProfile, SignatureConfig, TokenPlace, TokenProfiles, Wssec, WssecConfig,
};
use portcullis::scheme::{Resources, Scheme};
use portcullis::setting::{ByteSize, Files, Located, Period, Position};
use portcullis::store::{Mark, Namespace, StoreSizes, Stores};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of the scheme.
pub(crate) const NAME: &str = "partners";
/// Its realm.
pub(crate) const REALM: &str = "orders";
/// Who issues JSON Web Tokens.
pub(crate) const ISSUER: &str = "https://sts.example";
/// For whom they are.
pub(crate) const AUDIENCE: &str = "orders";

/// A scheme with the usual rules that takes JSON Web Tokens and contexts, and began at `began`.
pub(crate) fn relying_party(keys: &str, jwks: &str, verdict_cache: ByteSize, began: UnixTime) -> Wssec {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys"), keys).unwrap();
    std::fs::write(folder.path().join("jwks"), jwks).unwrap();
    let jwt = JwtProfile {
        issuer: located(ISSUER.into()),
        audiences: located(vec![located(AUDIENCE.into())]),
        jwks_file: Some(located("jwks".into())),
        jwks: None,
        jwks_uri: None,
        discovery: located(Discovery::Off),
        jwks_hosts: Vec::new(),
        key_refresh: located(KeyRefreshSettings::default()),
        proof_key_file: None,
        leeway: located(Period::from_secs(0)),
    };
    let config = WssecConfig {
        realm: located(REALM.into()),
        token_profiles: located(TokenProfiles { jwt: Some(located(jwt)), swt: None, x509v3: None }),
        token_locations: located(vec![TokenPlace::Header]),
        authorization: AuthorizationField::Required,
        signature: located(SignatureConfig::default()),
        digest: located(DigestConfig::default()),
        context: Some(ContextConfig {
            lifetime: located(Period::from_secs(43_200)),
            key_file: located("keys".into()),
            allow_cleartext: false,
        }),
        references: None,
        claims: BTreeMap::new(),
        forward_token: ForwardToken::Strip,
        max_token_size: located(ByteSize::from_kib(48)),
        max_token_content: located(ByteSize::from_mib(1)),
        verdict_cache,
    };
    let (files, random) = (Files::below(folder.path()), Arc::new(SystemRandom::new()));
    let stores =
        Arc::new(Stores::new(StoreSizes { replay_marks: 1_000_000, revocations: 1000, holder_keys: 1000 }, began, &*random).unwrap());
    touch_every_part(&stores, began);
    let (name, key_sources) = (Arc::from(NAME), KeySources::default());
    let resources = Resources { name: &name, files: &files, stores: &stores, key_sources: &key_sources, random: &random };
    Wssec::build(located(config), &resources).ok().unwrap()
}

/// Each part of the log takes its memory with its first mark; what is measured is a log in use.
fn touch_every_part(stores: &Stores, began: UnixTime) {
    let names = Namespace::new(NAME, "", b"");
    for number in 0..10_000_u32 {
        stores.replay.mark_here(Mark { key: names.key(&number.to_le_bytes()), until: began }, began).unwrap();
    }
}

const fn located<T>(value: T) -> Located<T> {
    Located::new(value, Position::new(1, 1))
}
