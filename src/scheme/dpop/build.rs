//! Turns settings into a running scheme and tells every problem of them, never with a key's content.

use super::Dpop;
use super::config::{DpopConfig, NonceUse};
use super::freshness::{Freshness, NonceKeys, Nonces};
use super::proof::Holders;
use crate::scheme::bearer::{self, Challenges};
use crate::scheme::{Carriers, Resources};
use crate::setting::{Located, Problem};
use crate::token::context::{Binding, KeyRing};
use crate::token::jose::{Algorithm, Primitive};
use http::header::AUTHORIZATION;
use std::sync::Arc;

type Problems = Vec<Problem>;

pub(super) fn build(config: &Located<DpopConfig>, resources: &Resources<'_>) -> Result<Dpop, Problems> {
    let mut problems = Problems::new();
    bearer::check_realm(&config.realm, &mut problems);
    let algorithms = proof_algorithms(config, &mut problems);
    let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let freshness = Freshness {
        max_age: bearer::whole_seconds(&config.max_age, 1..=86_400, "1s to 24h", &mut problems),
        clock_skew: bearer::whole_seconds(&config.clock_skew, 0..=300, "0s to 5m", &mut problems),
        nonces: nonces(config, resources, &mut problems).unwrap_or(Nonces::None),
        stores: Arc::clone(resources.stores),
    };
    let terms = config.terms(config.at());
    match bearer::tokens(&terms, resources, &mut problems) {
        Some(tokens) if problems.is_empty() => Ok(Dpop {
            carriers: Carriers { fields: vec![AUTHORIZATION, super::DPOP], ..Carriers::default() },
            onward: bearer::onward(config.forward_token),
            max_token: config.max_token_size.length(),
            challenges: Challenges::build("DPoP", &config.realm, &[("algs", &names.join(" "))]),
            cautions: bearer::cautions(&terms, &tokens),
            holders: Holders::new(algorithms),
            tokens,
            freshness,
        }),
        _ => Err(problems),
    }
}

fn proof_algorithms(config: &DpopConfig, problems: &mut Problems) -> Box<[Algorithm]> {
    let listed = &config.proof_algorithms;
    if listed.is_empty() {
        problems.push(Problem::new(listed.at(), "an empty list", "at least one signature algorithm"));
    }
    for secret in listed.iter().filter(|algorithm| matches!(algorithm.primitive(), Primitive::Mac(_))) {
        let expected = "a signature algorithm: who proves with a shared secret proves nothing to others";
        problems.push(Problem::new(secret.at(), format!("`{}`", **secret), expected));
    }
    listed.iter().map(|algorithm| **algorithm).collect()
}

fn nonces(config: &DpopConfig, resources: &Resources<'_>, problems: &mut Problems) -> Option<Nonces> {
    let lifetime = bearer::whole_seconds(&config.nonce_lifetime, 1..=86_400, "1s to 24h", problems);
    if config.nonce == NonceUse::None {
        return None;
    }
    let Some(file) = &config.nonce_key_file else {
        let expected = "`nonce_key_file`, under whose keys nonces are made";
        problems.push(Problem::new(config.issuer.at(), "nonces without a key to make them", expected));
        return None;
    };
    let keys = resources.files.read(file).and_then(|text| {
        let expected = "one key of 32 octets in base64, or lines of a name and a key, as `portcullis keys` makes them";
        KeyRing::from_text(&text).map_err(|syntax| Problem::new(file.at(), syntax.to_string(), expected))
    });
    let keys = keys.map_err(|problem| problems.push(problem)).ok()?;
    let binding = Binding::new(resources.name, &config.realm);
    Some(Nonces::Some(Box::new(NonceKeys { rule: config.nonce, keys, binding, lifetime, random: Arc::clone(resources.random) })))
}
