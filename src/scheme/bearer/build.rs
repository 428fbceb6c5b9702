//! Turns shared settings into what runs, and tells every problem of them, never with a key's content.

use super::extract::{Extractor, Source};
use super::settings::{Accepted, OptionalClaim};
use super::verify::Tokens;
use crate::keys::KeyTerms;
use crate::scheme::wrap::build::{self as terms, Audiences};
use crate::scheme::wrap::{AudienceMatch, ForwardToken};
use crate::scheme::{Onward, Resources};
use crate::setting::{ByteSize, Located, Period, Problem};
use crate::store::VerdictCache;
use crate::token::ClaimRuleSettings;
use crate::token::jose::{Algorithm, KnownHeader};
use crate::token::jwt::{Optional, Presence, Requirements, TypeRule};
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, FORWARDED, HOST, HeaderName,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The largest token.
pub(in crate::scheme) const MAX_TOKEN: ByteSize = ByteSize::from_kib(64);
/// The largest form that is searched: it is held in memory before anybody is known to be allowed in.
const MAX_FORM: ByteSize = ByteSize::from_mib(16);
/// The longest lifetime that can be asked for, in seconds.
const MAX_LIFETIME: u64 = 365 * 86_400;
/// The most memory for tokens whose signature did not hold, in octets.
const REFUSED_MEMORY: u64 = 1 << 20;

type Problems = Vec<Problem>;

/// The settings that say which tokens are taken.
pub(in crate::scheme) struct Terms<'a> {
    pub(in crate::scheme) issuer: &'a Located<Box<str>>,
    pub(in crate::scheme) audiences: &'a Located<Vec<Located<Box<str>>>>,
    pub(in crate::scheme) keys: KeyTerms<'a>,
    pub(in crate::scheme) algorithms: &'a Located<Vec<Located<Algorithm>>>,
    pub(in crate::scheme) token_type: &'a Located<Box<str>>,
    pub(in crate::scheme) leeway: &'a Located<Period>,
    pub(in crate::scheme) max_lifetime: Option<&'a Located<Period>>,
    pub(in crate::scheme) optional_claims: &'a [OptionalClaim],
    pub(in crate::scheme) claims: &'a BTreeMap<Box<str>, Located<ClaimRuleSettings>>,
    pub(in crate::scheme) subject_claim: &'a str,
    pub(in crate::scheme) max_token_size: &'a Located<ByteSize>,
    pub(in crate::scheme) verdict_cache: ByteSize,
}

/// Compiles the terms; nothing where they have problems.
pub(in crate::scheme) fn tokens(terms: &Terms<'_>, resources: &Resources<'_>, problems: &mut Problems) -> Option<Tokens> {
    let before = problems.len();
    let Terms { algorithms, max_token_size, verdict_cache, .. } = terms;
    if algorithms.is_empty() {
        problems.push(Problem::new(algorithms.at(), "an empty list", "at least one signature algorithm"));
    }
    check_size(max_token_size, MAX_TOKEN, "a size between 1B and 64KiB", problems);
    let requirements = requirements(terms, problems);
    let keys = resources.key_sources.build(&terms.keys, resources.files, resources.random);
    let keys = keys.map_err(|found| problems.extend(found)).ok()?;
    (problems.len() == before).then(|| Tokens {
        scheme: Arc::clone(resources.name),
        keys,
        header: KnownHeader::default(),
        algorithms: algorithms.iter().map(|algorithm| **algorithm).collect(),
        requirements,
        subject_claim: terms.subject_claim.into(),
        verdicts: VerdictCache::bounded(verdict_cache.octets()),
        refused: VerdictCache::bounded(REFUSED_MEMORY.min(verdict_cache.octets() / 8)),
    })
}

fn requirements(stated: &Terms<'_>, problems: &mut Problems) -> Requirements {
    if stated.issuer.is_empty() {
        problems.push(Problem::new(stated.issuer.at(), "an empty name", "the issuer's name as tokens state it"));
    }
    let audiences = Audiences { sole: None, several: Some(stated.audiences), compared: AudienceMatch::Exact, at: stated.audiences.at() };
    let presence = |claim| if stated.optional_claims.contains(&claim) { Presence::Optional } else { Presence::Required };
    Requirements {
        token_type: type_rule(stated.token_type, problems),
        issuer: (**stated.issuer).as_ref().into(),
        audiences: terms::audiences(&audiences, problems),
        claims: terms::claims(stated.claims, problems),
        leeway: terms::leeway(stated.leeway, problems),
        optional: Optional {
            issuer: presence(OptionalClaim::Iss),
            audience: presence(OptionalClaim::Aud),
            expiry: presence(OptionalClaim::Exp),
        },
        max_lifetime: stated.max_lifetime.map_or(u64::MAX, |period| whole_seconds(period, 1..=MAX_LIFETIME, "1s to 365d", problems)),
    }
}

fn type_rule(written: &Located<Box<str>>, problems: &mut Problems) -> TypeRule {
    match &***written {
        "access_token" => TypeRule::AccessToken,
        "any" => TypeRule::Any,
        stated => {
            let is_sound = |octet: u8| octet.is_ascii_graphic() && !b"\"\\(),:;<=>?@[]{}".contains(&octet);
            if stated.is_empty() || !stated.bytes().all(is_sound) {
                let expected = "`access_token`, `any`, or a media type such as `at+jwt`";
                problems.push(Problem::new(written.at(), format!("{stated:?}"), expected));
            }
            TypeRule::Exactly(stated.strip_prefix("application/").unwrap_or(stated).into())
        }
    }
}

/// Compiles where tokens stand, as far as the places are any good.
pub(in crate::scheme) fn extractor(
    accept: &Located<Vec<Accepted>>,
    (max_token, max_form): (&Located<ByteSize>, &Located<ByteSize>),
    problems: &mut Problems,
) -> Extractor {
    check_places(accept, problems);
    check_size(max_form, MAX_FORM, "a size between 1B and 16MiB", problems);
    let sources = accept.iter().filter_map(|place| keep(source(place), problems)).collect();
    Extractor { sources, max_token: max_token.length(), max_form: max_form.length() }
}

/// Checks that there are places, each once.
fn check_places(accept: &Located<Vec<Accepted>>, problems: &mut Problems) {
    let same = |one: &Accepted, other: &Accepted| match (one, other) {
        (Accepted::Field(one), Accepted::Field(other)) => one.eq_ignore_ascii_case(other),
        (Accepted::Cookie(one), Accepted::Cookie(other)) => **one == **other,
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    };
    let is_repeated = |place: &Accepted| accept.iter().filter(|other| same(place, other)).count() > 1;
    if accept.is_empty() || accept.iter().any(is_repeated) {
        let found = if accept.is_empty() { "an empty list" } else { "a place that stands twice" };
        problems.push(Problem::new(accept.at(), found, "some of `header`, `field`, `cookie`, `query` and `form`, each once"));
    }
}

/// Fields that say something else, or that a proxy may drop or rewrite on the way.
const SPOKEN_FOR: [HeaderName; 14] = [
    AUTHORIZATION,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    EXPECT,
    FORWARDED,
    HOST,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

fn source(place: &Accepted) -> Result<Source, Problem> {
    match place {
        Accepted::Header => Ok(Source::Header),
        Accepted::Query => Ok(Source::Query),
        Accepted::Form => Ok(Source::Form),
        Accepted::Field(name) => {
            let expected = "the name of a field that says nothing of its own, such as `X-Access-Token`";
            let problem = || Problem::new(name.at(), format!("{:?}", &***name), expected);
            let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| problem())?;
            if SPOKEN_FOR.contains(&field) || field.as_str().starts_with("x-forwarded-") {
                Err(problem())
            } else {
                Ok(Source::Field(field))
            }
        }
        Accepted::Cookie(name) => {
            let is_sound = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
            if name.is_empty() || !name.bytes().all(is_sound) {
                return Err(Problem::new(name.at(), format!("{:?}", &***name), "the name of a cookie (RFC 6265 §4.1.1)"));
            }
            Ok(Source::Cookie((**name).clone()))
        }
    }
}

/// A realm stands in a field, between quotes.
pub(in crate::scheme) fn check_realm(realm: &Located<Box<str>>, problems: &mut Problems) {
    if !realm.bytes().all(|octet| matches!(octet, b' '..=b'~') && octet != b'"' && octet != b'\\') {
        let expected = "a text of visible ASCII characters and spaces, without `\"` and `\\`";
        problems.push(Problem::new(realm.at(), format!("{:?}", &***realm), expected));
    }
}

/// A size that is neither nothing nor beyond its bound.
pub(in crate::scheme) fn check_size(size: &Located<ByteSize>, most: ByteSize, expected: &str, problems: &mut Problems) {
    if size.octets() == 0 || **size > most {
        problems.push(Problem::new(size.at(), format!("{:?}", **size), expected));
    }
}

/// A period of whole seconds, in which tokens state time.
pub(in crate::scheme) fn whole_seconds(
    period: &Located<Period>,
    allowed: RangeInclusive<u64>,
    expected: &str,
    problems: &mut Problems,
) -> u64 {
    let (seconds, parts) = (period.duration().as_secs(), period.duration().subsec_nanos());
    if parts != 0 || !allowed.contains(&seconds) {
        problems.push(Problem::new(period.at(), format!("{:?}", **period), format!("whole seconds, {expected}")));
    }
    seconds
}

pub(in crate::scheme) fn keep<T>(outcome: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    outcome.map_err(|problem| problems.push(problem)).ok()
}

/// What the terms leave unchecked, or ask for in vain.
pub(in crate::scheme) fn cautions(terms: &Terms<'_>, tokens: &Tokens) -> Box<[&'static str]> {
    let lacking = terms.optional_claims.iter().map(|claim| match claim {
        OptionalClaim::Iss => "takes tokens that do not say who made them (`optional_claims: iss`)",
        OptionalClaim::Aud => "takes tokens that do not say for whom they are: whoever gets one may use it here (`optional_claims: aud`)",
        OptionalClaim::Exp if terms.max_lifetime.is_some() => "takes tokens without an end for `max_lifetime` (`optional_claims: exp`)",
        OptionalClaim::Exp => "takes tokens that never end (`optional_claims: exp` without `max_lifetime`)",
    });
    let any_type = (&***terms.token_type == "any")
        .then_some("takes tokens of any type, those for other purposes by the same issuer among them (`token_type: any`)");
    let is_idle = |algorithm: &Algorithm| algorithm.least_secret().is_some() && tokens.keys.never_uses(*algorithm);
    let idle = tokens.algorithms.iter().any(is_idle).then_some(
        "names an algorithm with a shared secret (`HS256`, `HS384`, `HS512`), and has no key for it: that takes a key of type `oct` \
         that is long enough, in a `jwks_file`",
    );
    let unfit = tokens.algorithms.iter().all(|algorithm| tokens.keys.never_uses(*algorithm));
    let nobody = unfit.then_some("admits nobody: none of its keys is for one of its `algorithms`");
    lacking.chain(any_type).chain(idle).chain(nobody).collect()
}

/// What becomes of tokens.
pub(in crate::scheme) const fn onward(forward_token: ForwardToken) -> Onward {
    match forward_token {
        ForwardToken::Strip => Onward::Removed,
        ForwardToken::Keep => Onward::Kept,
    }
}
