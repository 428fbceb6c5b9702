//! Requests with JSON Web Tokens: as bearer tokens (RFC 6750), or with a proof by their holder's key (RFC 9449).

use crate::issuer::Issuer;
use crate::scenario::Signing;
use portcullis::clock;
use portcullis::crypto::{NewKey, SigningKey, SystemRandom};
use portcullis::scheme::dpop::{ProofStatement, issue_proof};
use portcullis::token::jose::IssuingKey;
use portcullis::token::jwt::StatedHolder;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use zeroize::Zeroizing;

/// Tokens that were made before the load.
pub(crate) type Tokens = Rc<[Zeroizing<String>]>;

/// Makes tokens for anyone, no two alike.
///
/// # Errors
/// The issuer has no key for the algorithm, or the backend could not sign.
pub(crate) fn issue(count: u32, signing: Signing, issuer: &Issuer) -> Result<Tokens, String> {
    let now = clock::now();
    (0..count).map(|_| issuer.issue(signing, StatedHolder::Anyone, now)).collect()
}

/// Tokens, one after the other and then from the start again.
pub(crate) struct InTurn {
    tokens: Tokens,
    serial: Cell<usize>,
}

impl InTurn {
    /// The first is the first.
    pub(crate) fn new(tokens: &Tokens) -> Self {
        Self { tokens: Rc::clone(tokens), serial: Cell::new(0) }
    }

    /// Appends the field with the next token.
    pub(crate) fn write(&self, request: &mut Vec<u8>) {
        let serial = self.serial.replace(self.serial.get().wrapping_add(1));
        if let Some(token) = serial.checked_rem(self.tokens.len()).and_then(|place| self.tokens.get(place)) {
            append(request, &["Authorization: Bearer ", token, "\r\n"]);
        }
    }
}

/// One token that is bound to a P-256 key, and that key.
pub(crate) struct Holder {
    method: &'static str,
    target: Box<str>,
    token: Zeroizing<String>,
    key: IssuingKey,
    random: SystemRandom,
}

impl Holder {
    /// A holder with a new key and a token for it, who asks for this target: `http://host/path`.
    ///
    /// # Errors
    /// The issuer has no P-256 key, or the backend could not make one or sign.
    pub(crate) fn build(issuer: &Issuer, method: &'static str, target: Box<str>) -> Result<Self, String> {
        let key = SigningKey::generate(NewKey::P256).map_err(|fault| fault.to_string())?;
        let token = issuer.issue(Signing::Es256, StatedHolder::Thumbprint(key.public()), clock::now())?;
        let key = IssuingKey::signing(key, None).map_err(|unfit| unfit.to_string())?;
        Ok(Self { method, target, token, key, random: SystemRandom::new() })
    }

    /// Appends the token and a proof for this request alone. Where the backend cannot sign, the request goes without a
    /// proof, and its 401 is counted.
    pub(crate) fn write(&self, request: &mut Vec<u8>) {
        let statement = ProofStatement { method: self.method, target: &self.target, token: &self.token, nonce: "" };
        let proof = issue_proof(&statement, &self.key, clock::now(), &self.random).unwrap_or_default();
        append(request, &["Authorization: DPoP ", &self.token, "\r\nDPoP: ", &proof, "\r\n"]);
    }
}

impl fmt::Debug for InTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InTurn({})", self.tokens.len())
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder(…)")
    }
}

fn append(request: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| request.extend_from_slice(part.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{PATH, resources, verified};
    use crate::issuer::tests::{SECRET, issuer, private_pem};
    use std::collections::BTreeSet;

    fn written(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut octets = Vec::new();
        write(&mut octets);
        octets
    }

    #[test]
    fn tokens_take_turns_and_then_begin_again() {
        let issuer = issuer(&[SECRET]);
        let tokens = InTurn::new(&issue(3, Signing::Hs256, &issuer).unwrap());
        let requests: Vec<_> = (0..4).map(|_| written(|octets| tokens.write(octets))).collect();
        assert_eq!(requests.iter().collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(requests[0], requests[3]);
        assert!(issue(1, Signing::Rs256, &issuer).is_err());
    }

    #[test]
    fn the_gateway_takes_tokens_of_every_algorithm() {
        let issuer = issuer(&[SECRET, &private_pem(NewKey::P256), &private_pem(NewKey::Ed25519)]);
        let scheme = resources(&issuer.jwks()).jwt();
        let mut subjects = BTreeSet::new();
        for signing in [Signing::Hs256, Signing::Es256, Signing::EdDsa] {
            let tokens = InTurn::new(&issue(2, signing, &issuer).unwrap());
            for _ in 0..3 {
                let proof = verified(&scheme, &written(|octets| tokens.write(octets))).unwrap();
                subjects.insert(proof.principal.subject().unwrap().to_owned());
            }
        }
        assert_eq!(subjects.len(), 6);
    }

    #[test]
    fn the_gateway_takes_each_proof_once_and_for_its_target() {
        let issuer = issuer(&[&private_pem(NewKey::P256)]);
        let scheme = resources(&issuer.jwks()).dpop();
        let holder = Holder::build(&issuer, "GET", ["http://127.0.0.1:8080", PATH].concat().into()).unwrap();
        let requests = [(); 2].map(|()| written(|octets| holder.write(octets)));
        for request in &requests {
            assert!(verified(&scheme, request).is_ok());
        }
        assert!(verified(&scheme, &requests[0]).is_err(), "used already");
        for (method, target) in [("POST", ["http://127.0.0.1:8080", PATH].concat()), ("GET", ["http://127.0.0.1:8081", PATH].concat())] {
            let elsewhere = Holder::build(&issuer, method, target.into()).unwrap();
            assert!(verified(&scheme, &written(|octets| elsewhere.write(octets))).is_err(), "{method}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let issuer = issuer(&[SECRET]);
        assert_eq!(format!("{:?}", InTurn::new(&issue(2, Signing::Hs256, &issuer).unwrap())), "InTurn(2)");
    }
}
