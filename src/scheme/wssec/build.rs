//! Turns settings into a running scheme and tells every problem of them, never with a key's content.

use super::Wssec;
use super::challenge::Challenges;
use super::config::{
    ContextConfig, DigestConfig, JwtProfile, NonceRule, SignatureConfig, SwtProfile, TokenProfiles, WssecConfig, X509Profile,
};
use super::contexts::{Cleartext, Contexts};
use super::extract::Extractor;
use super::freshness::Freshness;
use super::message::{Coverage, FragmentCoverage, MessagePolicy};
use super::profile::{Certificates, JwtTokens, Profiles, SwtTokens};
use super::reference::ReferenceResolver;
use super::verify::Verifier;
use super::wire::digest_field::Covered;
use super::wire::{FIELD_FAMILY, SignatureName};
use crate::crypto::base64;
use crate::fetch::SystemLookup;
use crate::keys::{KeySource, KeyTerms};
use crate::scheme::wrap::build::{self as terms, Audiences, Terms};
use crate::scheme::wrap::{AudienceMatch, ForwardToken};
use crate::scheme::x509::authorities;
use crate::scheme::{Carriers, Onward, Resources};
use crate::setting::{ByteSize, Files, Located, Period, Problem};
use crate::store::{Namespace, VerdictCache};
use crate::token::context::{Binding, KeyRing};
use crate::token::jose::jwe::SharedKey;
use crate::token::jwt::{Optional, Requirements, TypeRule};
use crate::token::{AudienceRule, ClaimRules};
use http::Method;
use http::header::{AUTHORIZATION, HeaderName};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

type Problems = Vec<Problem>;

/// The largest token that is looked at: what 64 fragments of 4096 characters hold.
const MAX_TOKEN: ByteSize = ByteSize::from_kib(192);
/// The largest content that is searched for a token.
const MAX_CONTENT: ByteSize = ByteSize::from_mib(16);
/// The longest time that nonces are remembered for, in seconds.
const MAX_AGE: u64 = 86_400;

pub(super) fn build(config: &Located<WssecConfig>, resources: &Resources<'_>) -> Result<Wssec, Problems> {
    let mut problems = Problems::new();
    check_sizes(config, &mut problems);
    check_realm(&config.realm, &mut problems);
    let profiles = profiles(config, resources, &mut problems);
    let freshness = freshness(&config.signature, config.context.as_ref(), resources, &mut problems);
    let message = message(config, &mut problems);
    let algorithms: Box<[_]> = config.signature.algorithms.iter().map(|name| **name).collect();
    if algorithms.is_empty() {
        problems.push(Problem::new(config.signature.algorithms.at(), "an empty list", "at least one signature algorithm"));
    }
    let references = config.references.as_ref().and_then(|written| {
        let built = ReferenceResolver::build(written, resources.files, Arc::new(SystemLookup));
        built.map_err(|found| problems.extend(found)).ok()
    });
    if let Some(context) = &config.context
        && !algorithms.contains(&SignatureName::HmacSha256)
    {
        let expected = "`hmac-sha256` among the algorithms: requests in a context are signed with it";
        problems.push(Problem::new(context.key_file.at(), "`context` without it", expected));
    }
    let (Some(profiles), Some(message), true) = (profiles, message, problems.is_empty()) else { return Err(problems) };
    let verifier = Verifier {
        realm: (**config.realm).into(),
        algorithms,
        profiles,
        references,
        freshness,
        message,
        verdicts: VerdictCache::bounded(config.verdict_cache.octets()),
    };
    Ok(Wssec {
        carriers: Carriers { fields: vec![AUTHORIZATION], field_family: FIELD_FAMILY, ..Carriers::default() },
        onward: match config.forward_token {
            ForwardToken::Strip => Onward::Removed,
            ForwardToken::Keep => Onward::Kept,
        },
        extractor: Extractor {
            authorization: config.authorization,
            places: config.token_locations.as_slice().into(),
            max_token: config.max_token_size.length(),
            max_content: config.max_token_content.length(),
        },
        challenges: Challenges::build(&verifier),
        verifier,
    })
}

fn check_sizes(config: &WssecConfig, problems: &mut Problems) {
    for (size, most, expected) in [
        (&config.max_token_size, MAX_TOKEN, "a size between 1B and 192KiB"),
        (&config.max_token_content, MAX_CONTENT, "a size between 1B and 16MiB"),
    ] {
        if size.octets() == 0 || **size > most {
            problems.push(Problem::new(size.at(), format!("{:?}", **size), expected));
        }
    }
    let places = &config.token_locations;
    let repeated = places.iter().any(|place| places.iter().filter(|other| *other == place).count() > 1);
    if places.is_empty() || repeated {
        let found = if places.is_empty() { "an empty list" } else { "a place that stands twice" };
        problems.push(Problem::new(places.at(), found, "some of `header`, `body`, `body_form` and `body_xml`, each once"));
    }
}

/// The realm stands in a field, between quotes.
fn check_realm(realm: &Located<Box<str>>, problems: &mut Problems) {
    if realm.is_empty() || !realm.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ') {
        problems.push(Problem::new(realm.at(), format!("{:?}", &**realm), "a text of visible ASCII characters and spaces"));
    }
}

fn profiles(config: &Located<WssecConfig>, resources: &Resources<'_>, problems: &mut Problems) -> Option<Profiles> {
    let TokenProfiles { jwt, swt, x509v3 } = &*config.token_profiles;
    if jwt.is_none() && swt.is_none() && x509v3.is_none() {
        problems.push(Problem::new(config.token_profiles.at(), "no profile", "at least one of `jwt`, `swt` and `x509v3`"));
    }
    let files = resources.files;
    let before = problems.len();
    let profiles = Profiles {
        scheme: Arc::clone(resources.name),
        jwt: jwt.as_ref().and_then(|jwt| json_web_tokens(jwt, resources, problems)),
        swt: swt.as_ref().and_then(|swt| simple_web_tokens(swt, files, problems)),
        x509v3: x509v3.as_ref().and_then(|x509v3| certificates(x509v3, files, problems)),
        contexts: config.context.as_ref().and_then(|context| contexts(context, &config.realm, resources, problems)),
        claims: terms::claims(&config.claims, problems),
    };
    (problems.len() == before).then_some(profiles)
}

fn json_web_tokens(jwt: &Located<JwtProfile>, resources: &Resources<'_>, problems: &mut Problems) -> Option<JwtTokens> {
    if jwt.issuer.is_empty() {
        problems.push(Problem::new(jwt.issuer.at(), "an empty name", "the issuer's name as tokens state it"));
    }
    let stated = Audiences { sole: None, several: Some(&jwt.audiences), compared: AudienceMatch::Exact, at: jwt.at() };
    let audiences: Box<[AudienceRule]> = terms::audiences(&stated, problems);
    let leeway = terms::leeway(&jwt.leeway, problems);
    let keys = key_source(jwt, resources).map_err(|found| problems.extend(found)).ok();
    let proof_key = jwt.proof_key_file.as_ref().and_then(|file| keep(shared_key(file, resources.files), problems));
    let requirements = Requirements {
        token_type: TypeRule::AccessToken,
        issuer: (**jwt.issuer).into(),
        audiences,
        // What tokens must claim is asked of every kind alike.
        claims: ClaimRules::default(),
        leeway,
        optional: Optional::default(),
        max_lifetime: u64::MAX,
    };
    Some(JwtTokens { requirements, keys: keys?, proof_key })
}

fn simple_web_tokens(swt: &Located<SwtProfile>, files: &Files, problems: &mut Problems) -> Option<SwtTokens> {
    let SwtProfile { issuers, audience, audiences, audience_match, leeway, subject_claim, .. } = &**swt;
    let audiences = Audiences { sole: audience.as_ref(), several: audiences.as_ref(), compared: *audience_match, at: swt.at() };
    let claims = std::collections::BTreeMap::new();
    let terms = Terms { issuers, audiences, claims: &claims, leeway, subject_claim };
    let requirements = terms::requirements(&terms, files, problems);
    let proof_key = keep(shared_key(&swt.proof_key_file, files), problems);
    Some(SwtTokens { requirements, proof_key: proof_key? })
}

fn certificates(x509v3: &Located<X509Profile>, files: &Files, problems: &mut Problems) -> Option<Certificates> {
    let anchors = keep(authorities::anchors(&x509v3.trust_anchors_file, files), problems);
    let intermediates = keep(authorities::intermediates(x509v3.intermediates_file.as_ref(), files), problems);
    Some(Certificates { anchors: anchors?, intermediates: intermediates? })
}

fn contexts(context: &ContextConfig, realm: &Located<Box<str>>, resources: &Resources<'_>, problems: &mut Problems) -> Option<Contexts> {
    let seconds = whole_seconds(&context.lifetime, 1..=31_536_000, "1s to 365d", problems);
    let keys = resources.files.read(&context.key_file).and_then(|text| {
        let expected = "one key of 32 octets in base64, or lines of a name and a key, as `portcullis keys` makes them";
        KeyRing::from_text(&text).map_err(|syntax| Problem::new(context.key_file.at(), syntax.to_string(), expected))
    });
    Some(Contexts {
        keys: keep(keys, problems)?,
        binding: Binding::new(resources.name, realm),
        lifetime: seconds,
        cleartext: if context.allow_cleartext { Cleartext::Allowed } else { Cleartext::Refused },
        random: Arc::clone(resources.random),
    })
}

fn freshness(
    signature: &Located<SignatureConfig>,
    context: Option<&ContextConfig>,
    resources: &Resources<'_>,
    problems: &mut Problems,
) -> Freshness {
    if signature.nonce == NonceRule::Server && context.is_none() {
        problems.push(Problem::new(
            signature.at(),
            "`nonce: server` without `context`",
            "`context` with a `key_file`, under whose keys nonces are made",
        ));
    }
    Freshness {
        max_age: whole_seconds(&signature.max_age, 1..=MAX_AGE, "1s to 24h", problems),
        clock_skew: whole_seconds(&signature.clock_skew, 0..=300, "0s to 5m", problems),
        nonce: signature.nonce,
        stores: Arc::clone(resources.stores),
        ours: Namespace::new(resources.name, "", b"server nonce"),
    }
}

fn message(config: &WssecConfig, problems: &mut Problems) -> Option<MessagePolicy> {
    let DigestConfig { required_for, algorithms, covered } = &*config.digest;
    if algorithms.is_empty() {
        problems.push(Problem::new(algorithms.at(), "an empty list", "at least one digest algorithm"));
    }
    let method = |written: &Located<Box<str>>| {
        let expected = "a method such as `POST`";
        Method::from_bytes(written.as_bytes()).map_err(|_| Problem::new(written.at(), format!("`{}`", **written), expected))
    };
    let methods: Vec<_> = required_for.iter().filter_map(|written| keep(method(written), problems)).collect();
    let coverage = match covered {
        None => Some(Coverage {
            names: [AUTHORIZATION, http::header::CONTENT_TYPE, super::wire::TOKEN_LOCATION].into(),
            fragments: FragmentCoverage::Required,
        }),
        Some(names) => named_coverage(names, problems),
    };
    Some(MessagePolicy {
        usage: config.signature.usage,
        required_for: methods.into(),
        algorithms: algorithms.iter().map(|name| **name).collect(),
        coverage: coverage?,
    })
}

fn named_coverage(names: &Located<Vec<Located<Box<str>>>>, problems: &mut Problems) -> Option<Coverage> {
    let expected = "names of fields in lower case, each once, not `x-wss-digest` and not `x-wss-security`";
    if Covered::new(names.iter().map(|name| &***name).collect()).is_err() {
        problems.push(Problem::new(names.at(), "a list that no digest can cover", expected));
        return None;
    }
    let names = names.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect();
    Some(Coverage { names, fragments: FragmentCoverage::AsNamed })
}

fn key_source(jwt: &Located<JwtProfile>, resources: &Resources<'_>) -> Result<Arc<KeySource>, Problems> {
    let terms = KeyTerms {
        issuer: Some(&jwt.issuer),
        jwks_file: jwt.jwks_file.as_ref(),
        jwks: jwt.jwks.as_ref(),
        jwks_uri: jwt.jwks_uri.as_ref(),
        discovery: &jwt.discovery,
        jwks_hosts: &jwt.jwks_hosts,
        refresh: &jwt.key_refresh,
        at: jwt.at(),
    };
    resources.key_sources.build(&terms, resources.files, resources.random)
}

fn shared_key(file: &Located<PathBuf>, files: &Files) -> Result<SharedKey, Problem> {
    let text = files.read(file)?;
    let problem = || Problem::new(file.at(), "a file that holds something else", "32 octets in base64, as `portcullis keys` makes them");
    let octets = zeroize::Zeroizing::new(base64::decode_exactly::<32>(text.trim_ascii()).map_err(|_| problem())?);
    SharedKey::from_octets(octets.as_slice()).map_err(|_| problem())
}

/// A period of whole seconds, in which signatures and contexts state time.
fn whole_seconds(period: &Located<Period>, allowed: RangeInclusive<u64>, expected: &str, problems: &mut Problems) -> u64 {
    let (seconds, parts) = (period.duration().as_secs(), period.duration().subsec_nanos());
    if parts != 0 || !allowed.contains(&seconds) {
        problems.push(Problem::new(period.at(), format!("{:?}", **period), format!("whole seconds, {expected}")));
    }
    seconds
}

fn keep<T>(outcome: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    outcome.map_err(|problem| problems.push(problem)).ok()
}
