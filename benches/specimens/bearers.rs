//! Requests for the schemes in `resource.rs`, at a thousand a second from [`BEGAN`] on.

use super::resource::{AUDIENCE, ISSUER, Protected};
use crate::specimens::admission::{HOST, admit, connection, evidence};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis::clock::UnixTime;
use portcullis::crypto::{NewKey, SigningKey, SystemRandom, base64url};
use portcullis::scheme::dpop::{Dpop, ProofStatement, issue_proof};
use portcullis::scheme::http_signature::HttpSignature;
use portcullis::scheme::http_signature::signer::{MessageSigner, SignerSettings};
use portcullis::scheme::http_signature::wire::base::Message;
use portcullis::scheme::jwt::Jwt;
use portcullis::scheme::{Proof, Scheme};
use portcullis::setting::ByteSize;
use portcullis::token::jose::{Algorithm, IssuingKey, describe};
use portcullis::token::jwt::{self, StatedHolder};

/// When the process began that the requests go to.
const BEGAN: UnixTime = UnixTime::from_seconds(1_700_000_000);
const PATH: &str = "/orders/";
const SECRET: [u8; 32] = [7; 32];
const KEY_NAME: &str = "a";
const YEARS: u64 = 100 * 365 * 86_400;

/// Schemes, and those who send requests to them.
pub(crate) struct Bearers {
    jwt: Jwt,
    dpop: Dpop,
    http_signature: HttpSignature,
    secret: IssuingKey,
    issuer: IssuingKey,
    holder: IssuingKey,
    bound: String,
    signer: MessageSigner,
}

/// One request.
pub(crate) struct Signed {
    fields: HeaderMap,
    now: UnixTime,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// HMAC-SHA256.
    Hs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Bearers {
    /// The parties, with this much memory for verdicts.
    pub(crate) fn meet(verdict_cache: ByteSize) -> Self {
        let key = |kind| IssuingKey::signing(SigningKey::generate(kind).unwrap(), None).unwrap().named(KEY_NAME);
        let (issuer, holder, caller) = (key(NewKey::P256), key(NewKey::P256), key(NewKey::Ed25519));
        let public = |key: &IssuingKey| describe(key.public().unwrap(), KEY_NAME, None);
        let secret = format!(r#"{{"kty":"oct","alg":"HS256","kid":"s","k":"{}"}}"#, base64url::encode(&SECRET));
        let issuers = Protected::with(&format!(r#"{{"keys":[{},{secret}]}}"#, public(&issuer)), verdict_cache, BEGAN);
        let callers = Protected::with(&format!(r#"{{"keys":[{}]}}"#, public(&caller)), verdict_cache, BEGAN);
        let bound = token(0, &issuer, StatedHolder::Thumbprint(holder.public().unwrap()));
        Self {
            jwt: issuers.jwt(),
            dpop: issuers.dpop(),
            http_signature: callers.http_signature(),
            secret: IssuingKey::secret(&SECRET, Algorithm::Hs256).unwrap().named("s"),
            bound,
            issuer,
            holder,
            signer: signer(caller),
        }
    }

    /// A request with the token of this number.
    pub(crate) fn by_token(&self, by: By, number: u64) -> Signed {
        let key = match by {
            By::Hs256 => &self.secret,
            By::Es256 => &self.issuer,
        };
        let value = ["Bearer ", &token(number, key, StatedHolder::Anyone)].concat();
        Signed { fields: fields([(AUTHORIZATION, value)]), now: BEGAN.later(1) }
    }

    /// A request with the bound token and a proof of its own.
    pub(crate) fn by_proof(&self, number: u64) -> Signed {
        let (now, target) = (time(number), ["http://", HOST, PATH].concat());
        let statement = ProofStatement { method: "GET", target: &target, token: &self.bound, nonce: "" };
        let proof = issue_proof(&statement, &self.holder, now, &SystemRandom::new()).unwrap();
        let token = ["DPoP ", &self.bound].concat();
        Signed { fields: fields([(AUTHORIZATION, token), (HeaderName::from_static("dpop"), proof)]), now }
    }

    /// A request with a signature over method, target and authority.
    pub(crate) fn by_signature(&self, number: u64) -> Signed {
        let (now, none) = (time(number), HeaderMap::new());
        let message =
            Message { method: "GET", scheme: "http", authority: HOST, host: HOST.as_bytes(), target: PATH.as_bytes(), fields: &none };
        let signed = self.signer.sign(&message, &format!("nonce-{number:020}"), now).unwrap();
        let named = [("signature-input", signed.input), ("signature", signed.signature)];
        Signed { fields: named.into_iter().map(|(name, value)| (HeaderName::from_static(name), value)).collect(), now }
    }

    /// Admits a request with a token.
    pub(crate) fn admit_token(&self, request: &Signed) -> Proof {
        request.admitted(&self.jwt)
    }

    /// Admits a request with a bound token and its proof.
    pub(crate) fn admit_proof(&self, request: &Signed) -> Proof {
        request.admitted(&self.dpop)
    }

    /// Admits a request that is signed.
    pub(crate) fn admit_signature(&self, request: &Signed) -> Proof {
        request.admitted(&self.http_signature)
    }
}

impl Signed {
    /// Extracts, verifies, and claims the first use of what may be used once.
    fn admitted<S: Scheme>(&self, scheme: &S) -> Proof {
        admit(scheme, &evidence(PATH, &self.fields, &connection(), self.now))
    }
}

fn token(number: u64, key: &IssuingKey, holder: StatedHolder<'_>) -> String {
    let statement = jwt::Statement {
        token_type: "at+jwt",
        issuer: ISSUER,
        subject: Some("jane"),
        audiences: &[AUDIENCE],
        issued: BEGAN,
        expires: BEGAN.later(YEARS),
        claims: &[("jti", &number.to_string()), ("role", "buyer")],
        holder,
    };
    jwt::issue(&statement, key).unwrap().to_string()
}

fn signer(key: IssuingKey) -> MessageSigner {
    let components = ["\"@method\"", "\"@target-uri\"", "\"@authority\""].map(Box::from).into();
    let settings = SignerSettings { label: "sig1".into(), keyid: KEY_NAME.into(), tag: Box::default(), lifetime: 0, components };
    MessageSigner::new(key, settings).unwrap()
}

/// Marks are over after five and a half minutes: at a thousand a second the memory of first uses stays a third full.
const fn time(number: u64) -> UnixTime {
    BEGAN.later(number / 1000)
}

fn fields<const N: usize>(all: [(HeaderName, String); N]) -> HeaderMap {
    all.into_iter().map(|(name, value)| (name, HeaderValue::try_from(value).unwrap())).collect()
}
