//! Turns settings into a running scheme and tells every problem of them.

use super::Mtls;
use super::config::MtlsConfig;
use crate::scheme::Resources;
use crate::scheme::bearer::{self, Challenges};
use crate::setting::{Located, Problem};

pub(super) fn build(config: &Located<MtlsConfig>, resources: &Resources<'_>) -> Result<Mtls, Vec<Problem>> {
    let mut problems = Vec::new();
    bearer::check_realm(&config.realm, &mut problems);
    let extractor = bearer::extractor(&config.accept, (&config.max_token_size, &config.max_form_size), &mut problems);
    let terms = config.terms(config.at());
    let tokens = bearer::tokens(&terms, resources, &mut problems);
    match tokens {
        Some(tokens) if problems.is_empty() => Ok(Mtls {
            carriers: extractor.carriers(),
            onward: bearer::onward(config.forward_token),
            extractor,
            challenges: Challenges::build("Bearer", &config.realm, &[]),
            cautions: bearer::cautions(&terms, &tokens),
            tokens,
        }),
        _ => Err(problems),
    }
}
