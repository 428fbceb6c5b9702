//! The fields in which an upstream learns who it is, and the names that only the gateway may set.

use super::document::{IdentityFields, IdentityPreset};
use super::shared::Shared;
use crate::assertion::{Asserter, Audience, AudienceSettings, EMAIL, GROUPS, NAME, NotAsserted};
use crate::clock::UnixTime;
use crate::scheme::Principal;
use crate::setting::{Located, Position, Problem};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use std::borrow::Cow;

/// Who makes assertions.
pub type Asserting = Shared<Asserter>;

/// Fields and what fills them, for one route.
#[derive(Debug, Default)]
pub struct IdentityPlan {
    fields: Vec<IdentityField>,
    assertion: Option<AssertionField>,
}

#[derive(Debug)]
struct AssertionField {
    name: HeaderName,
    /// The name as it stands on the wire.
    written: Bytes,
    audience: Audience,
}

#[derive(Debug)]
struct IdentityField {
    name: HeaderName,
    /// The name as it stands on the wire.
    written: Bytes,
    value: IdentityValue,
}

/// What fills an identity field.
#[derive(Clone, Debug)]
enum IdentityValue {
    Subject,
    FirstClaim(&'static [&'static str]),
    Claim(Box<str>),
}

const AUTH_REQUEST: &[(&str, IdentityValue)] = &[
    ("X-Auth-Request-User", IdentityValue::Subject),
    ("X-Auth-Request-Email", IdentityValue::FirstClaim(EMAIL)),
    ("X-Auth-Request-Groups", IdentityValue::FirstClaim(GROUPS)),
    ("X-Auth-Request-Preferred-Username", IdentityValue::FirstClaim(NAME)),
];

const REMOTE_USER: &[(&str, IdentityValue)] = &[
    ("Remote-User", IdentityValue::Subject),
    ("Remote-Email", IdentityValue::FirstClaim(EMAIL)),
    ("Remote-Groups", IdentityValue::FirstClaim(GROUPS)),
    ("Remote-Name", IdentityValue::FirstClaim(NAME)),
];

/// Names that backends commonly believe; removed on every route whether or not any route sets them.
const ALWAYS_MANAGED: &[&str] = &[
    "remote-user",
    "remote-email",
    "remote-groups",
    "remote-name",
    "x-remote-user",
    "x-remote-group",
    "x-user",
    "x-user-id",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-webauth-user",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-rewrite-url",
    "x-real-ip",
    "client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-proxyuser-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "remote-addr",
    "x-host",
    "x-original-host",
    "proxy",
    "client-cert",
    "client-cert-chain",
    "x-client-cert",
    "ssl-client-cert",
    "x-identity-assertion",
];

/// Beginnings of such names.
const ALWAYS_MANAGED_PREFIXES: &[&str] =
    &["x-auth-request-", "x-auth-user", "x-forwarded-", "x-envoy-", "x-ssl-", "x-client-cert-", "ssl-client-", "x-http-method"];

/// Fields that only their exact name may stand for: a backend that folds names would read two framings or names, or a
/// signature and a digest that nobody looked at.
const NEVER_ALIASED: &[&str] = &["content-length", "transfer-encoding", "signature-input", "content-digest", "x-request-id"];

/// Names of fields that belong to routing, framing or credentials and can never carry an identity.
const UNUSABLE: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "authorization",
    "cookie",
    "expect",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
    "traceparent",
    "tracestate",
];

impl IdentityPlan {
    /// Turns the settings of a route into fields.
    ///
    /// # Errors
    /// Names that are no field names or that can never carry an identity, and assertions that cannot be made.
    pub fn build(settings: &IdentityFields, asserting: &Asserting) -> Result<Self, Vec<Problem>> {
        let preset = preset(settings.preset).iter().filter_map(|(name, value)| IdentityField::named(name, value.clone()));
        let mut fields: Vec<_> = preset.collect();
        let mut problems = Vec::new();
        for (name, claim) in &settings.fields {
            match IdentityField::named(name, IdentityValue::Claim(claim.0.as_str().into())) {
                Some(field) => fields.push(field),
                None => problems.push(unusable(name, claim.at())),
            }
        }
        let assertion = settings.assertion.as_ref().map(|written| assertion(written, &fields, asserting)).transpose();
        match assertion.map(Option::flatten) {
            Ok(assertion) if problems.is_empty() => Ok(Self { fields, assertion }),
            Ok(_) => Err(problems),
            Err(found) => {
                problems.extend(found);
                Err(problems)
            }
        }
    }

    /// The field with the assertion about a principal; nothing where the route has none.
    ///
    /// # Errors
    /// It could not be made.
    pub fn assert(&self, principal: &Principal, now: UnixTime) -> Result<Option<(&Bytes, HeaderValue)>, NotAsserted> {
        let Some(AssertionField { written, audience, .. }) = &self.assertion else { return Ok(None) };
        Ok(Some((written, audience.assert(principal, now)?)))
    }

    /// The fields with their values for a principal; fields without a value are absent.
    pub fn values<'p>(&'p self, principal: &'p Principal) -> impl Iterator<Item = (&'p Bytes, &'p str)> {
        self.fields.iter().filter_map(|field| Some((&field.written, field.value.of(principal)?)))
    }

    /// The names of all fields, filled or not.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.fields.iter().map(|field| &field.name).chain(self.assertion.iter().map(|field| &field.name))
    }
}

impl IdentityField {
    fn named(written: &str, value: IdentityValue) -> Option<Self> {
        Some(Self { name: usable(written)?, written: Bytes::copy_from_slice(written.as_bytes()), value })
    }
}

fn usable(written: &str) -> Option<HeaderName> {
    HeaderName::try_from(written).ok().filter(|name| !UNUSABLE.contains(&name.as_str()))
}

fn unusable(name: &str, at: Position) -> Problem {
    Problem::new(at, format!("the field name `{name}`"), "a field that can carry an identity")
}

fn assertion(
    written: &Located<AudienceSettings>,
    others: &[IdentityField],
    asserting: &Asserting,
) -> Result<Option<AssertionField>, Vec<Problem>> {
    let field = &written.field;
    let name = usable(field).ok_or_else(|| vec![unusable(field, field.at())])?;
    if others.iter().any(|other| other.name == name) {
        return Err(vec![Problem::new(field.at(), format!("the field `{}`, which carries a claim", **field), "a field of its own")]);
    }
    let asserter = match asserting {
        Asserting::Built(asserter) => asserter,
        Asserting::Failed => return Ok(None),
        Asserting::Absent => {
            let found = "an assertion, and nothing that says who makes it";
            return Err(vec![Problem::new(written.at(), found, "`assertion` at the top level, too")]);
        }
    };
    let audience = Audience::build(written, asserter)?;
    Ok(Some(AssertionField { name, written: Bytes::copy_from_slice(field.as_bytes()), audience }))
}

const fn preset(preset: IdentityPreset) -> &'static [(&'static str, IdentityValue)] {
    match preset {
        IdentityPreset::None => &[],
        IdentityPreset::AuthRequest => AUTH_REQUEST,
        IdentityPreset::RemoteUser => REMOTE_USER,
    }
}

impl IdentityValue {
    fn of<'p>(&self, principal: &'p Principal) -> Option<&'p str> {
        match self {
            Self::Subject => principal.subject(),
            Self::FirstClaim(names) => names.iter().find_map(|name| principal.claims().value(name)),
            Self::Claim(name) => principal.claims().value(name),
        }
    }
}

/// The names that only the gateway may set, under every spelling a backend might fold together:
/// letter case aside, and with each character that is neither letter nor digit read as `-`.
#[derive(Debug)]
pub struct ManagedNames {
    /// Folded names by length, so that most fields are cleared by one comparison.
    by_length: Vec<Vec<Box<str>>>,
    /// Further fields that only their exact name may stand for.
    never_aliased: Vec<Spelled>,
}

/// A name, and what backends that fold names make of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spelled {
    folded: Box<str>,
    name: Box<str>,
}

impl ManagedNames {
    /// The well-known names, and those that routes set; of what routes sign, every other spelling.
    pub fn build<'a>(set_by_routes: impl Iterator<Item = &'a HeaderName>, signed: impl Iterator<Item = &'a HeaderName>) -> Self {
        let mut by_length: Vec<Vec<Box<str>>> = Vec::new();
        let known = ALWAYS_MANAGED.iter().map(|name| (*name).to_owned());
        let all = known.chain(set_by_routes.map(|name| folded(name.as_str()).into_owned()));
        for name in all {
            if by_length.len() <= name.len() {
                by_length.resize_with(name.len() + 1, Vec::new);
            }
            if let Some(same_length) = by_length.get_mut(name.len())
                && !same_length.iter().any(|known| **known == *name)
            {
                same_length.push(name.into_boxed_str());
            }
        }
        let mut never_aliased: Vec<Spelled> =
            signed.map(|name| Spelled { folded: folded(name.as_str()).into(), name: name.as_str().into() }).collect();
        never_aliased.sort_unstable();
        never_aliased.dedup();
        Self { by_length, never_aliased }
    }

    /// Whether a field of this name from a client must not reach an upstream.
    pub fn covers(&self, name: &str) -> bool {
        let folded = folded(name);
        self.by_length.get(folded.len()).is_some_and(|names| names.iter().any(|known| **known == *folded))
            || (*folded != *name && NEVER_ALIASED.contains(&&*folded))
            || self.is_alias(name, &folded)
            || has_managed_prefix(&folded)
    }

    /// Whether this is another spelling of a field that some route signs.
    fn is_alias(&self, name: &str, folded: &str) -> bool {
        self.never_aliased.iter().any(|known| *known.folded == *folded) && !self.never_aliased.iter().any(|known| *known.name == *name)
    }
}

/// Most prefixes begin alike, and differ in their third octet.
fn has_managed_prefix(folded: &str) -> bool {
    let third = folded.as_bytes().get(2);
    ALWAYS_MANAGED_PREFIXES.iter().any(|prefix| prefix.as_bytes().get(2) == third && folded.starts_with(prefix))
}

fn folded(name: &str) -> Cow<'_, str> {
    let is_folded = |octet: u8| octet.is_ascii_lowercase() | octet.is_ascii_digit() | (octet == b'-');
    if name.bytes().fold(true, |folded, octet| folded & is_folded(octet)) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.chars().map(|character| u8::try_from(character).map_or('-', |octet| char::from(fold_octet(octet)))).collect())
    }
}

const fn fold_octet(octet: u8) -> u8 {
    if octet.is_ascii_alphanumeric() { octet.to_ascii_lowercase() } else { b'-' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managed() -> ManagedNames {
        let signed = [HeaderName::from_static("x-order"), HeaderName::from_static("x_raw.id")];
        ManagedNames::build([HeaderName::from_static("x-birthdate")].iter(), signed.iter())
    }

    #[test]
    fn what_is_signed_has_one_spelling() {
        for alias in ["x_order", "x.order", "x-raw-id", "x_raw_id", "signature_input", "content_digest", "content.digest"] {
            assert!(managed().covers(alias), "{alias}");
        }
        for own in ["x-order", "x_raw.id", "signature-input", "signature", "content-digest"] {
            assert!(!managed().covers(own), "{own}");
        }
    }

    #[test]
    fn t_01_underscore_alias() {
        for alias in ["X_Forwarded_User", "x_auth_request_user", "REMOTE_USER", "x-auth_user", "x_birthdate"] {
            assert!(managed().covers(alias), "{alias}");
        }
    }

    #[test]
    fn t_02_dot_and_other_aliases() {
        for alias in ["x.auth.request.user", "x!birthdate", "x~forwarded~for", "remote.user"] {
            assert!(managed().covers(alias), "{alias}");
        }
    }

    #[test]
    fn framing_has_no_alias() {
        for alias in ["content_length", "transfer_encoding", "transfer.encoding"] {
            assert!(managed().covers(alias), "{alias}");
        }
        assert!(!managed().covers("content-length") && !managed().covers("transfer-encoding"));
    }

    #[test]
    fn other_names_pass() {
        for name in ["host", "user-agent", "accept", "x-birthdates", "xbirthdate", "authorization", "cookie", "x-request-id", "é"] {
            assert!(!managed().covers(name), "{name}");
        }
    }
}
