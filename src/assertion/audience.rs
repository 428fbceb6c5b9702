//! What one route's upstream is told: for whom it is, in which words, in which field.

use super::asserter::{Asserter, End, NotAsserted, Times};
use super::settings::AudienceSettings;
use super::synonyms::synonyms;
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, DigestAlgorithm, Hasher};
use crate::scheme::Principal;
use crate::setting::{Located, Problem};
use crate::token::jose::{IssuingKey, Unfit};
use crate::token::jwt::{Assertion, Origin, Stated, is_reserved, issue_assertion};
use http::HeaderValue;
use std::sync::Arc;
use zeroize::Zeroizing;

/// For whom a route's assertions are, and what they say.
#[derive(Debug)]
pub struct Audience {
    pub(super) asserter: Arc<Asserter>,
    name: Box<str>,
    claims: Box<[Claim]>,
}

#[derive(Debug)]
struct Claim {
    name: Box<str>,
    form: Form,
}

/// How a claim is told.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    List,
}

impl Audience {
    /// Builds what a route tells.
    ///
    /// # Errors
    /// No audience, or claims that are reserved or stand twice.
    pub fn build(settings: &AudienceSettings, asserter: &Arc<Asserter>) -> Result<Self, Vec<Problem>> {
        let AudienceSettings { audience, claims: texts, lists, .. } = settings;
        let mut problems = Vec::new();
        if audience.is_empty() {
            problems.push(Problem::new(audience.at(), "an empty name", "the upstream's name, such as `https://orders.internal`"));
        }
        let mut claims: Vec<Claim> = Vec::with_capacity(texts.len().saturating_add(lists.len()));
        let forms = texts.iter().map(|name| (name, Form::Text)).chain(lists.iter().map(|name| (name, Form::List)));
        for (name, form) in forms {
            match check(name, &claims) {
                Ok(()) => claims.push(Claim { name: (**name).clone(), form }),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { asserter: Arc::clone(asserter), name: (**audience).clone(), claims: claims.into() })
    }

    /// The assertion about a principal: the one made before, unless that is about to end.
    ///
    /// # Errors
    /// The key could not sign.
    pub fn assert(&self, principal: &Principal, now: UnixTime) -> Result<HeaderValue, NotAsserted> {
        let end = self.asserter.end(principal.expires(), now);
        let digest = self.digest(principal, end);
        self.asserter.assert(&digest, (end, now), |times, key| self.issue(principal, times, key))
    }

    fn issue(&self, principal: &Principal, times: Times, key: &IssuingKey) -> Result<Zeroizing<String>, Unfit> {
        let claims = self.claims.iter().filter_map(|claim| Some((&*claim.name, claim.stated(principal)?)));
        let assertion = Assertion {
            issuer: self.asserter.issuer(),
            audience: &self.name,
            subject: principal.subject(),
            issued: times.issued,
            expires: times.expires,
            origin: Origin { issuer: principal.issuer(), scheme: principal.scheme() },
            claims,
        };
        issue_assertion(assertion, key)
    }

    /// Names an assertion by everything that it says, so that what is remembered is never said of another, and
    /// two tokens of which the same is said share one.
    fn digest(&self, principal: &Principal, end: End) -> [u8; DIGEST_LENGTH] {
        let mut said = Said(Hasher::new(DigestAlgorithm::Sha256));
        said.text(Some(&self.name));
        said.text(Some(principal.scheme()));
        said.text(Some(principal.issuer()));
        said.text(principal.subject());
        said.number(match end {
            End::Own => u64::MAX,
            End::Told(time) => time.seconds(),
        });
        for claim in &self.claims {
            said.text(Some(&claim.name));
            said.number(match claim.form {
                Form::Text => 0,
                Form::List => 1,
            });
            said.text(claim.value(principal));
        }
        said.digest()
    }
}

impl Claim {
    fn value<'p>(&self, principal: &'p Principal) -> Option<&'p str> {
        let claims = principal.claims();
        claims.value(&self.name).or_else(|| synonyms(&self.name).iter().find_map(|name| claims.value(name)))
    }

    fn stated<'p>(&self, principal: &'p Principal) -> Option<Stated<'p>> {
        let value = self.value(principal)?;
        Some(match self.form {
            Form::Text => Stated::Text(value),
            Form::List => Stated::List(value),
        })
    }
}

/// What is said, each piece with its length before it, so that no two sayings have the same octets.
struct Said(Hasher);

impl Said {
    fn text(&mut self, text: Option<&str>) {
        self.number(text.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX)));
        self.0.update(text.unwrap_or_default().as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_be_bytes());
    }

    fn digest(self) -> [u8; DIGEST_LENGTH] {
        let mut octets = [0; DIGEST_LENGTH];
        octets.iter_mut().zip(self.0.finish().as_ref()).for_each(|(to, from)| *to = *from);
        octets
    }
}

fn check(name: &Located<Box<str>>, known: &[Claim]) -> Result<(), Problem> {
    if is_reserved(name) {
        return Err(Problem::new(name.at(), format!("the claim `{}`, which an assertion states by itself", **name), "another claim"));
    }
    if name.is_empty() || known.iter().any(|claim| claim.name == **name) {
        return Err(Problem::new(name.at(), format!("the claim `{}`, empty or again", **name), "the name of each claim once"));
    }
    Ok(())
}
