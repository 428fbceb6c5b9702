//! Turns settings into a running scheme and tells every problem of them, never with a secret.

use super::breaker::Breaker;
use super::client::{Client, Signer};
use super::config::{ClientMethod, ClientSettings, IntrospectionConfig, LackedClaim};
use super::inquiry::Inquiry;
use super::memory::Verdicts;
use super::verify::{Named, Parts};
use crate::fetch::{AllowedUrl, Cleartext, SystemLookup};
use crate::scheme::Resources;
use crate::scheme::bearer;
use crate::scheme::wrap::AudienceMatch;
use crate::scheme::wrap::build::{self as terms, Audiences};
use crate::setting::{ByteSize, Files, Located, Problem, SecretText};
use crate::token::jose::pem::{self, PemKey};
use crate::token::jose::{IssuingKey, thumbprint};
use crate::token::jwt::{Optional, Presence, Requirements, TypeRule};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use zeroize::Zeroizing;

/// The largest answer.
const MAX_ANSWER: ByteSize = ByteSize::from_kib(256);
/// The longest secret, in octets: it stands in a field.
const MAX_SECRET: usize = 4096;
const MOST_FAILURES: u16 = 1000;

type Problems = Vec<Problem>;

/// Compiles the settings; nothing where they have problems.
pub(super) fn parts(config: &Located<IntrospectionConfig>, resources: &Resources<'_>, problems: &mut Problems) -> Option<Parts> {
    bearer::check_size(&config.max_token_size, bearer::MAX_TOKEN, "a size between 1B and 64KiB", problems);
    let inquiry = inquiry(config, resources, problems);
    let requirements = requirements(config, problems);
    let good_for = bearer::whole_seconds(&config.cache_ttl, 0..=3600, "at most 1h", problems);
    let refused_for = bearer::whole_seconds(&config.negative_cache_ttl, 0..=60, "at most 1m", problems);
    Some(Parts {
        scheme: Arc::clone(resources.name),
        inquiry: inquiry?,
        requirements,
        named: if config.issuer.is_some() { Named::Issuer } else { Named::Nobody },
        subject_claim: config.subject_claim.clone(),
        verdicts: Verdicts::bounded(config.cache.octets()),
        good_for,
        refused_for,
    })
}

fn requirements(config: &IntrospectionConfig, problems: &mut Problems) -> Requirements {
    if let Some(issuer) = config.issuer.as_ref().filter(|issuer| issuer.is_empty()) {
        problems.push(Problem::new(issuer.at(), "an empty name", "the issuer's name as answers state it"));
    }
    let (audiences, at) = (&config.audiences, config.audiences.at());
    let audiences = Audiences { sole: None, several: Some(audiences), compared: AudienceMatch::Exact, at };
    let presence = |claim| if config.optional_claims.contains(&claim) { Presence::Optional } else { Presence::Required };
    Requirements {
        token_type: TypeRule::Any,
        issuer: config.issuer.as_deref().cloned().unwrap_or_default().into(),
        audiences: terms::audiences(&audiences, problems),
        claims: terms::claims(&config.claims, problems),
        leeway: terms::leeway(&config.leeway, problems),
        // An answer without an end is believed for as long as any other.
        optional: Optional { issuer: presence(LackedClaim::Iss), audience: presence(LackedClaim::Aud), expiry: Presence::Optional },
        max_lifetime: u64::MAX,
    }
}

fn inquiry(config: &Located<IntrospectionConfig>, resources: &Resources<'_>, problems: &mut Problems) -> Option<Inquiry> {
    let before = problems.len();
    let endpoint = bearer::keep(endpoint(config), problems);
    let client = bearer::keep(client(config, resources), problems);
    let breaker = breaker(config, problems);
    let fetching = config.fetching(&config.max_answer_size, config.at());
    let authorities = fetching.check(MAX_ANSWER, "a size between 1B and 256KiB", resources.files);
    let authorities = authorities.map_err(|found| problems.extend(found)).ok()?;
    if problems.len() > before {
        return None;
    }
    let fetcher = bearer::keep(fetching.build(&authorities, Arc::new(SystemLookup)), problems)?;
    Some(Inquiry { endpoint: endpoint?, client: client?, fetcher, breaker, told: AtomicU64::new(0) })
}

fn breaker(config: &IntrospectionConfig, problems: &mut Problems) -> Breaker {
    let failures = &config.failures_before_open;
    if **failures == 0 || **failures > MOST_FAILURES {
        problems.push(Problem::new(failures.at(), failures.to_string(), "a number between 1 and 1000"));
    }
    Breaker::new(**failures, bearer::whole_seconds(&config.open_for, 1..=300, "1s to 5m", problems))
}

fn endpoint(config: &IntrospectionConfig) -> Result<AllowedUrl, Problem> {
    let endpoint = &config.endpoint;
    AllowedUrl::configured(endpoint, config.allow_cleartext).map_err(|problem| {
        let expected = "an address such as `https://issuer.example/introspect`";
        Problem::new(endpoint.at(), format!("`{}`, {problem}", **endpoint), expected)
    })
}

/// What the client proves itself with.
enum Means {
    Secret(Zeroizing<String>),
    Key(Box<IssuingKey>),
}

fn client(config: &IntrospectionConfig, resources: &Resources<'_>) -> Result<Client, Problem> {
    let settings = &config.client;
    if settings.id.is_empty() {
        return Err(Problem::new(settings.id.at(), "an empty name", "the identifier that the issuer gave this gateway"));
    }
    let audience = settings.audience.as_ref();
    match (means(settings, resources.files)?, settings.method.as_deref()) {
        (Means::Secret(_), _) if audience.is_some() => {
            Err(Problem::new(settings.at(), "`audience` without a key", "`key_file`, whose statements are for it"))
        }
        (Means::Secret(secret), None | Some(ClientMethod::Basic)) => {
            let told = || Problem::new(settings.at(), "identifier and secret that are too long", "as many as fit into a field");
            Client::basic(&settings.id, &secret).ok_or_else(told)
        }
        (Means::Secret(secret), Some(ClientMethod::Post)) => Ok(Client::post(&settings.id, &secret)),
        (Means::Key(key), None | Some(ClientMethod::PrivateKeyJwt)) => Ok(Client::Assertion(Box::new(Signer {
            id: (**settings.id).into(),
            audience: audience.map_or(&**config.endpoint, |audience| &***audience).into(),
            key: *key,
            random: Arc::clone(resources.random),
        }))),
        (Means::Secret(_), Some(ClientMethod::PrivateKeyJwt)) => {
            Err(Problem::new(settings.at(), "`private_key_jwt` with a secret", "`key_file` for it"))
        }
        (Means::Key(_), Some(ClientMethod::Basic | ClientMethod::Post)) => {
            Err(Problem::new(settings.at(), "a key that the method does not use", "`method: private_key_jwt`, or a secret"))
        }
    }
}

fn means(settings: &Located<ClientSettings>, files: &Files) -> Result<Means, Problem> {
    match (&settings.secret, &settings.secret_file, &settings.key_file) {
        (Some(secret), None, None) => secret_of(secret),
        (None, Some(file), None) => secret_in(file, files),
        (None, None, Some(file)) => key_in(file, files),
        (secret, secret_file, key_file) => {
            let is_nothing = secret.is_none() && secret_file.is_none() && key_file.is_none();
            let found = if is_nothing { "a client that can prove nothing" } else { "several proofs of one client" };
            Err(Problem::new(settings.at(), found, "exactly one of `secret`, `secret_file` and `key_file`"))
        }
    }
}

fn secret_of(secret: &Located<SecretText>) -> Result<Means, Problem> {
    check_secret(Zeroizing::new(secret.expose().to_owned())).map(Means::Secret).map_err(|Unsound| told(secret))
}

fn secret_in(file: &Located<PathBuf>, files: &Files) -> Result<Means, Problem> {
    let octets = files.read_secret(file)?;
    let text = std::str::from_utf8(&octets).map_err(|_| told(file))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    check_secret(Zeroizing::new(text.to_owned())).map(Means::Secret).map_err(|Unsound| told(file))
}

struct Unsound;

fn check_secret(secret: Zeroizing<String>) -> Result<Zeroizing<String>, Unsound> {
    let is_sound = !secret.is_empty() && secret.len() <= MAX_SECRET && !secret.chars().any(char::is_control);
    if is_sound { Ok(secret) } else { Err(Unsound) }
}

fn told<T>(setting: &Located<T>) -> Problem {
    Problem::new(setting.at(), "a secret that cannot be sent", "text of 1 to 4096 octets, without control characters")
}

/// The key, named by its thumbprint as `portcullis keys jwk` names its public half.
fn key_in(file: &Located<PathBuf>, files: &Files) -> Result<Means, Problem> {
    let expected = "a private key in PEM (PKCS#8)";
    let octets = files.read(file)?;
    let text = std::str::from_utf8(&octets).map_err(|_| Problem::new(file.at(), "a file that is no text", expected))?;
    match pem::read(text) {
        Err(syntax) => Err(Problem::new(file.at(), format!("a key file, and {syntax}"), expected)),
        Ok(PemKey::Public(_)) => Err(Problem::new(file.at(), "a public key, which cannot sign", expected)),
        Ok(PemKey::Private(key)) => {
            let name = thumbprint(key.public());
            let key = IssuingKey::signing(*key, None);
            key.map(|key| Means::Key(Box::new(key.named(&name)))).map_err(|unfit| Problem::new(file.at(), unfit.to_string(), expected))
        }
    }
}

/// What the settings leave unchecked.
pub(super) fn cautions(config: &IntrospectionConfig) -> Box<[&'static str]> {
    let any_audience = config.optional_claims.contains(&LackedClaim::Aud).then_some(
        "takes tokens of which the issuer does not say for whom they are: whoever gets one may use it here (`optional_claims: aud`)",
    );
    let in_clear = match config.allow_cleartext {
        Cleartext::Refused => None,
        Cleartext::Allowed => Some("may ask without TLS: whoever is on the way reads tokens and lets anybody in (`allow_cleartext`)"),
    };
    any_audience.into_iter().chain(in_clear).collect()
}
