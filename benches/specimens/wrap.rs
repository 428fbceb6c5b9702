//! A scheme `wrap` and a token that it takes.

use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use portcullis::clock::UnixTime;
use portcullis::crypto::SystemRandom;
use portcullis::keys::KeySources;
use portcullis::scheme::wrap::{Accept, AudienceMatch, ForwardToken, IssuerConfig, Wrap, WrapConfig};
use portcullis::scheme::{Resources, Scheme};
use portcullis::setting::{ByteSize, Files, Located, Period, Position};
use portcullis::store::{StoreSizes, Stores};
use portcullis::token::swt::{Statement, SwtKey, issue};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When the token is shown.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_269_265_004);
/// The issuer's key.
pub(crate) const KEY: [u8; 32] = [7; 32];
const KEY_TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const ISSUER: &str = "https://nightclub.example/";
const AUDIENCE: &str = "http://localhost:8080/bartender";

/// A scheme with this much memory for verdicts.
pub(crate) fn wrap(verdict_cache: ByteSize) -> Wrap {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), KEY_TEXT).unwrap();
    let issuer = IssuerConfig {
        name: located(ISSUER.into()),
        key: None,
        key_file: Some(located("key".into())),
        previous_key: None,
        previous_key_file: None,
    };
    let config = WrapConfig {
        issuers: located(vec![issuer]),
        audience: Some(located(AUDIENCE.into())),
        audiences: None,
        audience_match: AudienceMatch::Exact,
        accept: located(vec![Accept::Header, Accept::Query, Accept::Form]),
        claims: BTreeMap::from([("Birthdate".into(), located(serde_json::from_str(r#"{"age_at_least":21}"#).unwrap()))]),
        leeway: located(Period::from_secs(0)),
        subject_claim: "Name".into(),
        forward_token: ForwardToken::Strip,
        max_token_size: located(ByteSize::from_kib(8)),
        max_form_size: located(ByteSize::from_kib(64)),
        verdict_cache,
    };
    let files = Files::below(folder.path());
    let random = Arc::new(SystemRandom::new());
    let stores =
        Arc::new(Stores::new(StoreSizes { replay_marks: 1, revocations: 1, holder_keys: 0 }, UnixTime::from_seconds(0), &*random).unwrap());
    let (name, key_sources) = (Arc::from("bench"), KeySources::default());
    let resources = Resources { name: &name, files: &files, stores: &stores, key_sources: &key_sources, random: &random };
    Wrap::build(located(config), &resources).ok().unwrap()
}

/// A token that holds for an hour.
pub(crate) fn token() -> String {
    let claims = [("Birthdate", "1979-05-25T00:00:00"), ("Role", "patron"), ("Name", "Jane Doe")];
    let statement = Statement { claims: &claims, issuer: ISSUER, audience: Some(AUDIENCE), expires: Some(NOW.later(3600)) };
    issue(&statement, &SwtKey::from_octets(&KEY).unwrap()).unwrap().to_string()
}

/// A field with it.
pub(crate) fn token_field() -> HeaderMap {
    let value = HeaderValue::try_from(format!("WRAP access_token=\"{}\"", token())).unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

const fn located<T>(value: T) -> Located<T> {
    Located::new(value, Position::new(1, 1))
}
