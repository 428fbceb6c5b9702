//! The issuer of JSON Web Tokens: its keys, one for each algorithm, and what all its tokens state.

use crate::mint::Statement;
use crate::scenario::Signing;
use portcullis::clock::{self, UnixTime};
use portcullis::crypto::base64;
use portcullis::token::jose::pem::{self, PemKey};
use portcullis::token::jose::{Algorithm, IssuingKey, thumbprint};
use portcullis::token::jwt::{self, IssueError, StatedHolder};
use std::cell::Cell;
use zeroize::Zeroizing;

/// How long tokens hold, in seconds: longer than a run of the longest rounds of one case.
const LIFETIME: u64 = 24 * 3600;
/// The longest secret, in octets.
const LONGEST_SECRET: usize = 128;

/// Issues access tokens (RFC 9068), no two alike.
#[derive(Debug)]
pub(crate) struct Issuer {
    keys: Box<[IssuingKey]>,
    statement: Statement,
    run: u64,
    serial: Cell<u64>,
}

impl Issuer {
    /// An issuer with these keys.
    ///
    /// # Errors
    /// A further claim cannot be stated.
    pub(crate) fn build(keys: Vec<IssuingKey>, statement: Statement) -> Result<Self, String> {
        let issuer = Self { keys: keys.into(), statement, run: clock::now().seconds(), serial: Cell::new(0) };
        match issuer.keys.first().map(|key| issuer.issue_by(key, StatedHolder::Anyone, clock::now())) {
            Some(Err(error)) => Err(format!("--claim: {error}")),
            Some(Ok(_)) | None => Ok(issuer),
        }
    }

    /// Whether there is a key for the algorithm.
    pub(crate) fn signs_by(&self, signing: Signing) -> bool {
        self.key(signing).is_some()
    }

    /// A token that was not made before.
    ///
    /// # Errors
    /// There is no key for the algorithm, or the backend could not sign: names of claims were judged before.
    pub(crate) fn issue(&self, signing: Signing, holder: StatedHolder<'_>, now: UnixTime) -> Result<Zeroizing<String>, String> {
        let key = self.key(signing).ok_or_else(|| format!("no key for {}", signing.algorithm()))?;
        self.issue_by(key, holder, now).map_err(|error| error.to_string())
    }

    fn key(&self, signing: Signing) -> Option<&IssuingKey> {
        self.keys.iter().find(|key| key.algorithm() == signing.algorithm())
    }

    fn issue_by(&self, key: &IssuingKey, holder: StatedHolder<'_>, now: UnixTime) -> Result<Zeroizing<String>, IssueError> {
        let identifier = format!("{}-{}", self.run, self.serial.replace(self.serial.get().wrapping_add(1)));
        let Statement { issuer, audience, claims } = &self.statement;
        let claims: Vec<_> = [("jti", &*identifier)].into_iter().chain(claims.iter().map(|(name, value)| (&**name, &**value))).collect();
        let statement = jwt::Statement {
            token_type: "at+jwt",
            issuer,
            subject: Some(&identifier),
            audiences: &[&**audience],
            issued: now,
            expires: now.later(LIFETIME),
            claims: &claims,
            holder,
        };
        jwt::issue(&statement, key)
    }
}

/// A private key in PEM, named by its thumbprint and for the usual algorithm of its kind; or a secret in base64, for HS256.
///
/// # Errors
/// It is neither.
pub(crate) fn read_key(text: &str) -> Result<IssuingKey, String> {
    if pem::is_shaped(text) {
        return match pem::read(text).map_err(|syntax| syntax.to_string())? {
            PemKey::Private(key) => {
                let name = thumbprint(key.public());
                IssuingKey::signing(*key, None).map(|key| key.named(&name)).map_err(|unfit| unfit.to_string())
            }
            PemKey::Public(_) => Err("a public key, which cannot sign".to_owned()),
        };
    }
    let mut octets = Zeroizing::new([0; LONGEST_SECRET]);
    let secret = base64::decode(text.trim().as_bytes(), octets.as_mut_slice());
    let secret = secret.map_err(|_| "not a key: expected a private key as PKCS#8 in PEM, or a secret in base64".to_owned())?;
    IssuingKey::secret(secret, Algorithm::Hs256).map_err(|unfit| unfit.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use portcullis::crypto::{NewKey, SigningKey, base64url};
    use portcullis::token::jose::{KeySet, Unconfirmed, describe};
    use portcullis::token::jwt::Jwt;
    use std::collections::BTreeSet;

    /// A secret of 32 octets, as its file has it.
    pub(crate) const SECRET: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n";

    pub(crate) fn private_pem(kind: NewKey) -> String {
        pem::write(&SigningKey::generate(kind).unwrap()).to_string()
    }

    pub(crate) fn issuer(keys: &[&str]) -> Issuer {
        let keys = keys.iter().map(|text| read_key(text).unwrap()).collect();
        Issuer::build(keys, Statement { issuer: "https://sts.example".into(), audience: "orders".into(), claims: Vec::new() }).unwrap()
    }

    impl Issuer {
        /// The keys as the gateway's file has them; secrets are those of `SECRET`.
        pub(crate) fn jwks(&self) -> String {
            let described = |key: &IssuingKey| match key.public() {
                Some(public) => describe(public, key.id().unwrap(), None),
                None => format!(r#"{{"kty":"oct","alg":"HS256","k":"{}"}}"#, base64url::encode(&[7; 32])),
            };
            format!(r#"{{"keys":[{}]}}"#, self.keys.iter().map(described).collect::<Vec<_>>().join(","))
        }
    }

    #[test]
    fn each_token_is_new_and_verifies_by_the_algorithm_that_was_asked_for() {
        let issuer = issuer(&[SECRET, &private_pem(NewKey::P256), &private_pem(NewKey::Ed25519)]);
        let (keys, mut seen) = (KeySet::read(issuer.jwks().as_bytes()).unwrap(), BTreeSet::new());
        for signing in [Signing::Hs256, Signing::Es256, Signing::EdDsa, Signing::Es256] {
            let token = issuer.issue(signing, StatedHolder::Anyone, clock::now()).unwrap();
            let unconfirmed = Unconfirmed::parse(&token).unwrap();
            assert_eq!(unconfirmed.header().algorithm(), signing.algorithm());
            let jwt = Jwt::read(&unconfirmed.confirmed_by(keys.keys()).unwrap()).unwrap();
            assert_eq!((jwt.issuer(), jwt.token_type()), (Some("https://sts.example"), Some("at+jwt")));
            seen.insert(jwt.claims().value("sub").unwrap().to_owned());
        }
        assert_eq!(seen.len(), 4);
        assert!(issuer.issue(Signing::Rs256, StatedHolder::Anyone, clock::now()).unwrap_err().contains("RS256"));
        assert!(issuer.signs_by(Signing::Hs256) && !issuer.signs_by(Signing::Rs256));
    }

    #[test]
    fn what_is_no_key_to_sign_with_is_refused_at_once() {
        let public = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n";
        for wrong in ["", "not a key", "c2hvcnQ=", public] {
            assert!(read_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn claims_that_tokens_have_anyway_are_refused_at_once() {
        for name in ["iss", "cnf", "jti"] {
            let statement = Statement { issuer: "i".into(), audience: "a".into(), claims: vec![(name.into(), "x".into())] };
            assert!(Issuer::build(vec![read_key(SECRET).unwrap()], statement).unwrap_err().starts_with("--claim"), "{name}");
        }
    }
}
