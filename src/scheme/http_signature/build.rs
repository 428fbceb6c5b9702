//! Turns settings into a running scheme and tells every problem of them, never with a key's content.

use super::config::HttpSignatureConfig;
use super::coverage::CoveragePolicy;
use super::extract::Extractor;
use super::freshness::Freshness;
use super::verify::Verifier;
use super::wire::input::{LABEL, is_label};
use super::wire::structured::StructuredFields;
use super::wire::{INPUT, SIGNATURE};
use super::{HttpSignature, challenge, keys};
use crate::scheme::wrap::ForwardToken;
use crate::scheme::{Carriers, Onward, Resources};
use crate::setting::{ByteSize, Located, Period, Problem};
use std::sync::Arc;

type Problems = Vec<Problem>;

/// The most octets of either field.
const MAX_SIZE: ByteSize = ByteSize::from_kib(64);
/// The longest time that nonces are remembered for.
const MAX_AGE: Period = Period::from_secs(86_400);
/// The most that clocks may disagree.
const MAX_SKEW: Period = Period::from_secs(300);

pub(super) fn build(config: &Located<HttpSignatureConfig>, resources: &Resources<'_>) -> Result<HttpSignature, Problems> {
    let mut problems = Problems::new();
    check_texts(config, &mut problems);
    let keys = keys::build(config, resources, &mut problems);
    let coverage = coverage(&config.required_components, &mut problems);
    let freshness = Freshness {
        max_age: whole_seconds(&config.max_age, Period::from_secs(1)..=MAX_AGE, "whole seconds, 1s to 24h", &mut problems),
        clock_skew: whole_seconds(&config.clock_skew, Period::from_secs(0)..=MAX_SKEW, "whole seconds, 0s to 5m", &mut problems),
        created: config.created,
        nonce: config.nonce,
        stores: Arc::clone(resources.stores),
    };
    if config.algorithms.is_empty() {
        problems.push(Problem::new(config.algorithms.at(), "an empty list", "at least one signature algorithm"));
    }
    let (Some(coverage), true) = (coverage, problems.is_empty()) else { return Err(problems) };
    let verifier = Verifier {
        scheme: Arc::clone(resources.name),
        keys,
        algorithms: config.algorithms.iter().map(|name| **name).collect(),
        coverage,
        freshness,
        structured: StructuredFields::with(config.structured_fields.clone()),
    };
    let (label, tag) = ((**config.label).into(), (**config.tag).into());
    let extractor = Extractor { label, tag, max_size: config.max_signature_size.length() };
    let realm = if config.realm.is_empty() { resources.name } else { &**config.realm };
    Ok(HttpSignature {
        carriers: Carriers { fields: vec![SIGNATURE, INPUT], ..Carriers::default() },
        onward: match config.forward_token {
            ForwardToken::Strip => Onward::Removed,
            ForwardToken::Keep => Onward::Kept,
        },
        challenges: challenge::build(realm, &extractor, &verifier),
        extractor,
        verifier,
    })
}

/// What stands in fields between quotes, and how large those may be.
fn check_texts(config: &HttpSignatureConfig, problems: &mut Problems) {
    for text in [&config.realm, &config.tag] {
        if !text.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ') {
            problems.push(Problem::new(text.at(), format!("{:?}", &***text), "a text of visible ASCII characters and spaces"));
        }
    }
    let label = &config.label;
    if !label.is_empty() && !is_label(label) {
        problems.push(Problem::new(label.at(), format!("{:?}", &***label), LABEL));
    }
    let size = &config.max_signature_size;
    if size.octets() == 0 || **size > MAX_SIZE {
        problems.push(Problem::new(size.at(), format!("{:?}", **size), "a size between 1B and 64KiB"));
    }
}

fn coverage(components: &Located<Vec<Located<Box<str>>>>, problems: &mut Problems) -> Option<CoveragePolicy> {
    if components.is_empty() {
        problems.push(Problem::new(components.at(), "an empty list", "at least one component: a signature over nothing proves nothing"));
    }
    let built = CoveragePolicy::build(components.iter().map(|written| &***written));
    let problem = |place: usize| {
        let at = components.get(place).map_or(components.at(), Located::at);
        let expected = "a component of requests such as `@method`, `@target-uri`, `content-type` or `\"@query-param\";name=\"id\"`";
        Problem::new(at, components.get(place).map_or_else(String::new, |written| format!("`{}`", **written)), expected)
    };
    built.map_err(|place| problems.push(problem(place))).ok()
}

/// A period of whole seconds, in which signatures state time.
fn whole_seconds(period: &Located<Period>, within: std::ops::RangeInclusive<Period>, expected: &str, problems: &mut Problems) -> u64 {
    if period.duration().subsec_nanos() != 0 || !within.contains(period) {
        problems.push(Problem::new(period.at(), format!("{:?}", **period), expected));
    }
    period.duration().as_secs()
}
