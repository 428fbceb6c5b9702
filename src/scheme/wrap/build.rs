//! Turns settings into a running scheme and tells every problem of them, never with a key's content.

use super::Wrap;
use super::config::{Accept, AudienceMatch, ForwardToken, IssuerConfig, WrapConfig};
use super::extract::{Extractor, SHARED_NAME, WRAP_NAME};
use super::verify::{Issuer, Requirements, Verifier};
use crate::scheme::{Carriers, Onward, Resources};
use crate::setting::{ByteSize, Files, Located, Period, Position, Problem, SecretText};
use crate::token::swt::SwtKey;
use crate::token::{AudienceRule, ClaimRuleSettings, ClaimRules};
use http::header::AUTHORIZATION;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The longest leeway: more would make an expiry meaningless.
const MAX_LEEWAY: Period = Period::from_secs(300);
/// The largest token.
const MAX_TOKEN: ByteSize = ByteSize::from_kib(64);
/// The largest form that is searched: it is held in memory before anybody is known to be allowed in.
const MAX_FORM: ByteSize = ByteSize::from_mib(16);

type Problems = Vec<Problem>;

pub(super) fn build(config: &Located<WrapConfig>, resources: &Resources<'_>) -> Result<Wrap, Problems> {
    let mut problems = Problems::new();
    let WrapConfig { issuers, audience, audiences, audience_match, claims, leeway, subject_claim, .. } = &**config;
    let audiences = Audiences { sole: audience.as_ref(), several: audiences.as_ref(), compared: *audience_match, at: config.at() };
    let terms = Terms { issuers, audiences, claims, leeway, subject_claim };
    let requirements = requirements(&terms, resources.files, &mut problems);
    check_limits(config, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Wrap {
        carriers: carriers(config),
        onward: onward(config.forward_token),
        extractor: Extractor {
            accept: config.accept.as_slice().into(),
            max_token: config.max_token_size.length(),
            max_form: config.max_form_size.length(),
        },
        verifier: Verifier::new(Arc::clone(resources.name), requirements, config.verdict_cache.octets()),
    })
}

/// The settings that say which Simple Web Tokens are taken, wherever they stand.
pub(in crate::scheme) struct Terms<'a> {
    pub(in crate::scheme) issuers: &'a Located<Vec<IssuerConfig>>,
    pub(in crate::scheme) audiences: Audiences<'a>,
    pub(in crate::scheme) claims: &'a BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
    pub(in crate::scheme) leeway: &'a Located<Period>,
    pub(in crate::scheme) subject_claim: &'a str,
}

/// For whom tokens may be: stated in one of two ways.
pub(in crate::scheme) struct Audiences<'a> {
    pub(in crate::scheme) sole: Option<&'a Located<Box<str>>>,
    pub(in crate::scheme) several: Option<&'a Located<Vec<Located<Box<str>>>>>,
    pub(in crate::scheme) compared: AudienceMatch,
    pub(in crate::scheme) at: Position,
}

/// Compiles the terms, as far as they are any good.
pub(in crate::scheme) fn requirements(terms: &Terms<'_>, files: &Files, problems: &mut Problems) -> Requirements {
    Requirements {
        issuers: issuers(terms.issuers, files, problems),
        audiences: audiences(&terms.audiences, problems),
        claims: claims(terms.claims, problems),
        subject_claim: terms.subject_claim.into(),
        leeway: leeway(terms.leeway, problems),
    }
}

/// Compiles rules for claims, as far as they are any good.
pub(in crate::scheme) fn claims(rules: &BTreeMap<Box<str>, Located<ClaimRuleSettings>>, problems: &mut Problems) -> ClaimRules {
    ClaimRules::build(rules.iter().map(|(name, rule)| (&**name, rule))).unwrap_or_else(|found| {
        problems.extend(found);
        ClaimRules::default()
    })
}

/// Checks how long after its end a token may hold; in seconds.
pub(in crate::scheme) fn leeway(leeway: &Located<Period>, problems: &mut Problems) -> u64 {
    if **leeway > MAX_LEEWAY {
        problems.push(Problem::new(leeway.at(), format!("{:?}", **leeway), "a leeway of at most 5m"));
    }
    if leeway.duration().subsec_nanos() != 0 {
        problems.push(Problem::new(leeway.at(), format!("{:?}", **leeway), "whole seconds, in which tokens state their end"));
    }
    leeway.duration().as_secs()
}

const fn onward(forward_token: ForwardToken) -> Onward {
    match forward_token {
        ForwardToken::Strip => Onward::Removed,
        ForwardToken::Keep => Onward::Kept,
    }
}

fn carriers(config: &WrapConfig) -> Carriers {
    let mut carriers = Carriers::default();
    for place in config.accept.iter() {
        match place {
            Accept::Header | Accept::Bearer => carriers.fields = vec![AUTHORIZATION],
            Accept::Query => carriers.query_names = vec![WRAP_NAME, SHARED_NAME],
            Accept::Form => carriers.form_names = vec![WRAP_NAME, SHARED_NAME],
        }
    }
    carriers
}

fn check_limits(config: &WrapConfig, problems: &mut Problems) {
    let WrapConfig { accept, max_token_size, max_form_size, .. } = config;
    let is_repeated = |place: &Accept| accept.iter().filter(|other| *other == place).count() > 1;
    if accept.is_empty() || accept.iter().any(is_repeated) {
        let found = if accept.is_empty() { "an empty list" } else { "a place that stands twice" };
        problems.push(Problem::new(accept.at(), found, "some of `header`, `bearer`, `query` and `form`, each once"));
    }
    for (size, most, expected) in
        [(max_token_size, MAX_TOKEN, "a size between 1B and 64KiB"), (max_form_size, MAX_FORM, "a size between 1B and 16MiB")]
    {
        if size.octets() == 0 || **size > most {
            problems.push(Problem::new(size.at(), format!("{:?}", **size), expected));
        }
    }
}

/// Compiles the audiences, as far as they are any good.
pub(in crate::scheme) fn audiences(stated: &Audiences<'_>, problems: &mut Problems) -> Box<[AudienceRule]> {
    let expected = "either `audience` with a text or `audiences` with at least one";
    let listed: Vec<&Located<Box<str>>> = match (stated.sole, stated.several) {
        (Some(sole), None) => vec![sole],
        (None, Some(several)) if !several.is_empty() => several.iter().collect(),
        (None, Some(empty)) => return refuse(problems, Problem::new(empty.at(), "an empty list", "at least one audience")),
        (Some(_), Some(several)) => return refuse(problems, Problem::new(several.at(), "both", expected)),
        (None, None) => {
            let lacking = Problem::new(stated.at, "no audience", expected).lacks(stated.at, &["audience", "audiences"]);
            return refuse(problems, lacking);
        }
    };
    let mut rules = Vec::with_capacity(listed.len());
    for audience in listed {
        match audience_rule(audience, stated.compared) {
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.push(problem),
        }
    }
    rules.into_boxed_slice()
}

fn refuse<T>(problems: &mut Problems, problem: Problem) -> Box<[T]> {
    problems.push(problem);
    Box::default()
}

fn audience_rule(audience: &Located<Box<str>>, comparison: AudienceMatch) -> Result<AudienceRule, Problem> {
    match comparison {
        _ if audience.is_empty() => Err(Problem::new(audience.at(), "an empty audience", "the text that tokens for us state")),
        AudienceMatch::Exact => Ok(AudienceRule::exact(audience)),
        AudienceMatch::Acs => AudienceRule::acs(audience).map_err(|_| {
            let found = format!("`{}`, which `audience_match: acs` cannot compare", **audience);
            Problem::new(audience.at(), found, "an http or https address without fragment, user and dot segments")
        }),
    }
}

fn issuers(listed: &Located<Vec<IssuerConfig>>, files: &Files, problems: &mut Problems) -> Box<[Issuer]> {
    if listed.is_empty() {
        return refuse(problems, Problem::new(listed.at(), "an empty list", "at least one issuer"));
    }
    let mut issuers: Vec<Issuer> = Vec::with_capacity(listed.len());
    for config in listed.iter() {
        let name = &config.name;
        if name.is_empty() {
            problems.push(Problem::new(name.at(), "an empty name", "the issuer's name as tokens state it"));
        }
        if issuers.iter().any(|before| *before.name == ***name) {
            problems.push(Problem::new(
                name.at(),
                format!("the issuer `{}` again", **name),
                "each issuer once, with its current and previous key",
            ));
        }
        issuers.push(Issuer { name: (**name).as_ref().into(), keys: keys(config, files, problems) });
    }
    issuers.into_boxed_slice()
}

/// The keys of an issuer, as far as they are any good.
fn keys(config: &IssuerConfig, files: &Files, problems: &mut Problems) -> Box<[SwtKey]> {
    let current = key(config.key.as_ref(), config.key_file.as_ref(), files, CURRENT)
        .and_then(|key| key.ok_or_else(|| Problem::new(config.name.at(), "an issuer without a key", "`key` or `key_file`")));
    let previous = key(config.previous_key.as_ref(), config.previous_key_file.as_ref(), files, PREVIOUS);
    let mut keys = Vec::with_capacity(2);
    for outcome in [current.map(Some), previous] {
        match outcome {
            Ok(key) => keys.extend(key),
            Err(problem) => problems.push(problem),
        }
    }
    keys.into_boxed_slice()
}

const CURRENT: &str = "either `key` or `key_file`";
const PREVIOUS: &str = "either `previous_key` or `previous_key_file`";

fn key(
    inline: Option<&Located<SecretText>>,
    file: Option<&Located<PathBuf>>,
    files: &Files,
    either: &str,
) -> Result<Option<SwtKey>, Problem> {
    match (inline, file) {
        (None, None) => Ok(None),
        (Some(_), Some(file)) => Err(Problem::new(file.at(), "both", either)),
        (Some(text), None) => read_key(text.expose().as_bytes(), text.at()),
        (None, Some(file)) => read_key(&files.read(file)?, file.at()),
    }
}

fn read_key(text: &[u8], at: Position) -> Result<Option<SwtKey>, Problem> {
    let problem = |syntax| Problem::new(at, format!("a key that is {syntax}"), "32 octets in base64, as `portcullis keys` makes them");
    SwtKey::from_text(text).map(Some).map_err(problem)
}
