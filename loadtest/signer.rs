//! Requests of WSSEC: a token, and a signature made as the request is sent.

use crate::bound::BoundMint;
use crate::contexts::{Contexts, HeldContext};
use crate::workload::CONTENT_TYPE;
use http::header::{AUTHORIZATION, CONTENT_TYPE as CONTENT_TYPE_FIELD};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis::clock::{self, UnixTime};
use portcullis::crypto::{DigestAlgorithm, Hasher, MacKey, Random, SystemRandom, base64, base64url};
use portcullis::scheme::wssec::wire::authorization::Authorization;
use portcullis::scheme::wssec::wire::canonical::{Scope, SignatureInput, TokenHash, write_canon};
use portcullis::scheme::wssec::wire::digest_field::{Covered, DigestField};
use portcullis::scheme::wssec::wire::security::{Security, Timestamp};
use portcullis::scheme::wssec::wire::{DigestName, SignatureName};
use portcullis::token::calendar;
use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::rc::Rc;

/// The most contexts that send content: a digest covers the token, and each is made before the load.
const MOST_SENDERS: usize = 1000;
/// What a digest covers beside the content: all that the gateway asks for by default, sorted.
const COVERED: [&str; 4] = ["authorization", "content-type", "x-wss-token1", "x-wss-tokenloc"];

/// The field that says where the token is.
const TOKEN_LOCATION: &str = "location=header";

/// What of a request is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'l> {
    /// The method.
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) path: &'l str,
    /// The Host field.
    pub(crate) host: &'l str,
    /// The realm that the gateway's scheme has.
    pub(crate) realm: &'l str,
}

/// Writes the fields of WSSEC, each time with a nonce that was not used before.
pub(crate) struct Signer {
    method: &'static str,
    path: Box<str>,
    host: Box<str>,
    authorization: Box<str>,
    tokens: Tokens,
    run: Box<str>,
    serial: Cell<usize>,
}

enum Tokens {
    Contexts(Rc<Contexts>),
    /// Contexts, and for some, by their place, the digest of the content that they send.
    Digested(Rc<Contexts>, Box<[(usize, Box<str>)]>),
    First(Rc<BoundMint>),
}

impl Signer {
    /// Requests without content, by one context after the other.
    ///
    /// # Errors
    /// There is no randomness for nonces.
    pub(crate) fn with_contexts(line: &Line<'_>, contexts: &Rc<Contexts>) -> Result<Self, String> {
        Self::build(line, "sct", Tokens::Contexts(Rc::clone(contexts)))
    }

    /// Requests with this content, by one after the other of the first thousand contexts.
    ///
    /// # Errors
    /// There is no randomness for nonces.
    pub(crate) fn with_content(line: &Line<'_>, contexts: &Rc<Contexts>, content: &[u8]) -> Result<Self, String> {
        let authorization = authorization(line.realm, "sct");
        let senders = contexts.all().iter().enumerate().take(MOST_SENDERS);
        let digests = senders.map(|(place, sender)| Ok((place, digest(&authorization, sender, content)?)));
        Self::build(line, "sct", Tokens::Digested(Rc::clone(contexts), digests.collect::<Result<_, String>>()?))
    }

    /// Requests with a JSON Web Token of their own each.
    ///
    /// # Errors
    /// There is no randomness for nonces.
    pub(crate) fn with_first_tokens(line: &Line<'_>, mint: &Rc<BoundMint>) -> Result<Self, String> {
        Self::build(line, "jwt", Tokens::First(Rc::clone(mint)))
    }

    fn build(line: &Line<'_>, profile: &'static str, tokens: Tokens) -> Result<Self, String> {
        let mut run = [0; 12];
        SystemRandom::new().fill(&mut run).map_err(|error| error.to_string())?;
        Ok(Self {
            method: line.method,
            path: line.path.into(),
            host: line.host.into(),
            authorization: authorization(line.realm, profile),
            tokens,
            run: base64url::encode(&run).into(),
            serial: Cell::new(0),
        })
    }

    /// Appends the fields of the next request.
    pub(crate) fn write(&self, request: &mut Vec<u8>) {
        let serial = self.serial.replace(self.serial.get().wrapping_add(1));
        match &self.tokens {
            Tokens::Contexts(contexts) => {
                if let Some(context) = turn(contexts.all(), serial) {
                    self.write_token(&context.token, request);
                    self.write_security(&Signed::by_context(serial, context, Scope::Auth), |message| mac(context, message), request);
                }
            }
            Tokens::Digested(contexts, digests) => {
                if let Some((context, value)) = turn(digests, serial).and_then(|(place, value)| Some((contexts.all().get(*place)?, value)))
                {
                    let digest = DigestField { algorithm: DigestName::Sha256, value, covered: covered() };
                    self.write_token(&context.token, request);
                    append(request, format_args!("X-WSS-Digest: {digest}\r\n"));
                    let signed = Signed::by_context(serial, context, Scope::Message(&digest));
                    self.write_security(&signed, |message| mac(context, message), request);
                }
            }
            Tokens::First(mint) => self.write_first(mint, serial, request),
        }
    }

    /// Where the backend cannot sign, the request goes without credentials, and its 401 is counted.
    fn write_first(&self, mint: &BoundMint, serial: usize, request: &mut Vec<u8>) {
        let now = clock::now();
        let Ok(token) = mint.issue(now) else { return };
        let hash = TokenHash::of(token.text.as_bytes());
        let signed = Signed { now, serial, algorithm: SignatureName::EcdsaP256Sha256, hash: &hash, scope: Scope::Auth };
        self.write_token(&base64::encode(token.text.as_bytes()), request);
        self.write_security(&signed, |message| token.sign(message), request);
    }

    fn write_token(&self, token: &str, request: &mut Vec<u8>) {
        append(request, format_args!("Authorization: {}\r\n", self.authorization));
        append(request, format_args!("X-WSS-TokenLoc: {TOKEN_LOCATION}\r\nX-WSS-Token1: {token}\r\n"));
    }

    fn write_security(&self, signed: &Signed<'_>, sign: impl FnOnce(&[u8]) -> Vec<u8>, request: &mut Vec<u8>) {
        let Signed { now, serial, algorithm, hash: token_hash, scope } = *signed;
        let (nonce, text) = (format!("{}{serial:x}", self.run), calendar::utc_text(now).unwrap_or_default());
        let Self { method, path: path_and_query, host, .. } = self;
        let input = SignatureInput { method, path_and_query, host, algorithm, nonce: &nonce, timestamp: &text, token_hash, scope };
        let mut message = Vec::with_capacity(512);
        input.write(&mut message);
        let signature = base64::encode(&sign(&message));
        let timestamp = Timestamp { time: now, text: &text };
        let security = Security { usage: scope.usage(), algorithm, nonce: &nonce, timestamp, signature: &signature };
        append(request, format_args!("X-WSS-Security: {security}\r\n"));
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// What a signature speaks of beside the request line.
struct Signed<'s> {
    now: UnixTime,
    serial: usize,
    algorithm: SignatureName,
    hash: &'s TokenHash,
    scope: Scope<'s>,
}

impl<'s> Signed<'s> {
    fn by_context(serial: usize, context: &'s HeldContext, scope: Scope<'s>) -> Self {
        Self { now: clock::now(), serial, algorithm: SignatureName::HmacSha256, hash: &context.hash, scope }
    }
}

/// The one whose turn it is.
fn turn<T>(all: &[T], serial: usize) -> Option<&T> {
    all.get(serial.checked_rem(all.len())?)
}

fn mac(context: &HeldContext, message: &[u8]) -> Vec<u8> {
    MacKey::new(DigestAlgorithm::Sha256, context.secret.as_slice()).sign(message).as_ref().to_vec()
}

fn authorization(realm: &str, profile: &'static str) -> Box<str> {
    Authorization { realm: realm.into(), profile: profile.into() }.to_string().into()
}

fn covered() -> Covered<'static> {
    // The names are well-formed and differ.
    Covered::new(COVERED.to_vec()).unwrap_or_default()
}

/// The digest over the covered fields and the content, in base64.
fn digest(authorization: &str, sender: &HeldContext, content: &[u8]) -> Result<Box<str>, String> {
    let fields = [
        (AUTHORIZATION, authorization),
        (CONTENT_TYPE_FIELD, CONTENT_TYPE),
        (HeaderName::from_static("x-wss-token1"), &sender.token),
        (HeaderName::from_static("x-wss-tokenloc"), TOKEN_LOCATION),
    ];
    let fields = fields.into_iter().map(|(name, value)| Ok((name, HeaderValue::try_from(value)?)));
    let fields: HeaderMap = fields.collect::<Result<_, http::header::InvalidHeaderValue>>().map_err(|error| error.to_string())?;
    let mut canon = Vec::new();
    write_canon(&covered(), &fields, &mut canon).map_err(|unreadable| format!("{unreadable:?}"))?;
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(&canon);
    hasher.update(content);
    Ok(base64::encode(hasher.finish().as_ref()).into())
}

fn append(request: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = request.write_fmt(text);
}

#[cfg(test)]
#[path = "../benches/specimens/relying_party.rs"]
mod relying_party;

#[cfg(test)]
mod tests {
    use super::relying_party::{NAME, REALM, relying_party};
    use super::*;
    use crate::bound;
    use crate::contexts;
    use http::Method;
    use portcullis::scheme::wssec::Wssec;
    use portcullis::scheme::{
        Carries, Connection, ContentPledge, Evidence, Proof, Received, Refusal, RequestHead, Scheme, TransportSecurity,
    };
    use portcullis::setting::ByteSize;
    use portcullis::token::jose::describe;
    use std::collections::BTreeSet;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const LINE: Line<'static> = Line { method: "GET", path: "/orders/?x=1", host: "127.0.0.1:8080", realm: REALM };

    fn gateway(mint: &BoundMint) -> Wssec {
        let jwks = format!(r#"{{"keys":[{}]}}"#, describe(mint.public(), "a", None));
        relying_party(std::str::from_utf8(contexts::tests::RING).unwrap(), &jwks, ByteSize::from_mib(1), clock::now().earlier(1))
    }

    fn fields(signer: &Signer, further: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut octets = Vec::new();
        signer.write(&mut octets);
        let lines = std::str::from_utf8(&octets).unwrap().strip_suffix("\r\n").unwrap().split("\r\n");
        let own = lines.map(|line| line.split_once(": ").unwrap());
        own.chain(further.iter().copied()).map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    fn verified(scheme: &Wssec, method: &Method, carries: Carries, fields: &HeaderMap) -> Result<Proof, Refusal> {
        let received = Received { target: LINE.path.as_bytes(), host: LINE.host.as_bytes() };
        let head = RequestHead { method, authority: LINE.host, path: "/orders/", query: "x=1", received, fields };
        let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security: TransportSecurity::Clear };
        let evidence = Evidence {
            head,
            connection: &connection,
            peer: portcullis::scheme::PeerTrust::Untrusted,
            content: b"",
            carries,
            beside: portcullis::scheme::Beside::Refused,
            now: clock::now(),
        };
        let credential = scheme.extract(&evidence).unwrap().unwrap();
        finish(scheme.verify(&credential, &evidence))
    }

    /// Runs a future that waits for nothing.
    fn finish<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("nothing is waited for"),
        }
    }

    #[test]
    fn the_gateway_takes_each_context_in_turn_and_each_request_once() {
        let (scheme, contexts) = (gateway(&bound::tests::mint()), Rc::new(contexts::tests::contexts(3)));
        let signer = Signer::with_contexts(&LINE, &contexts).unwrap();
        let mut subjects = Vec::new();
        for _ in 0..4 {
            let proof = verified(&scheme, &Method::GET, Carries::Nothing, &fields(&signer, &[])).unwrap();
            finish(proof.first_use.unwrap().claim(clock::now())).unwrap();
            assert_eq!((&**proof.principal.scheme(), proof.profile), (NAME, "sct"));
            subjects.push(proof.principal.subject().unwrap().to_owned());
        }
        assert_eq!(subjects, ["load-0", "load-1", "load-2", "load-0"]);
    }

    #[test]
    fn no_nonce_is_used_twice_not_even_by_two_signers() {
        let contexts = Rc::new(contexts::tests::contexts(1));
        let signers = [(); 2].map(|()| Signer::with_contexts(&LINE, &contexts).unwrap());
        let nonce = |signer: &Signer| {
            let field = fields(signer, &[]).remove("x-wss-security").unwrap();
            Security::read(field.as_bytes()).unwrap().nonce.to_owned()
        };
        let nonces: BTreeSet<_> = signers.iter().flat_map(|signer| (0..500).map(|_| nonce(signer))).collect();
        assert_eq!(nonces.len(), 1000);
    }

    #[test]
    fn the_gateway_takes_a_first_token_and_its_holders_signature() {
        let mint = Rc::new(bound::tests::mint());
        let (scheme, signer) = (gateway(&mint), Signer::with_first_tokens(&LINE, &mint).unwrap());
        let proofs = [(); 2].map(|()| verified(&scheme, &Method::GET, Carries::Nothing, &fields(&signer, &[])).unwrap());
        assert_eq!(proofs.each_ref().map(|proof| proof.profile), ["jwt"; 2]);
        assert_ne!(proofs[0].principal.subject(), proofs[1].principal.subject());
    }

    #[test]
    fn the_digest_is_the_one_of_this_content_under_the_usual_rules() {
        let (scheme, contexts) = (gateway(&bound::tests::mint()), Rc::new(contexts::tests::contexts(2)));
        let signer = Signer::with_content(&Line { method: "POST", ..LINE }, &contexts, b"content").unwrap();
        for (content, holds) in [(b"content", true), (b"content", true), (b"changed", false)] {
            let fields = fields(&signer, &[("content-type", CONTENT_TYPE)]);
            match verified(&scheme, &Method::POST, Carries::Content, &fields).unwrap().content {
                ContentPledge::Digest(mut digest) => {
                    digest.update(content);
                    assert_eq!(digest.holds(), holds);
                }
                ContentPledge::Nothing => panic!("the signature speaks of no content"),
            }
        }
    }

    #[test]
    fn another_target_or_host_is_another_request() {
        let (scheme, contexts) = (gateway(&bound::tests::mint()), Rc::new(contexts::tests::contexts(1)));
        for line in [Line { path: "/orders/", ..LINE }, Line { host: "127.0.0.1:8081", ..LINE }, Line { method: "POST", ..LINE }] {
            let signer = Signer::with_contexts(&line, &contexts).unwrap();
            assert!(verified(&scheme, &Method::GET, Carries::Nothing, &fields(&signer, &[])).is_err(), "{line:?}");
        }
    }
}
