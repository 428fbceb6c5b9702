//! Signed requests for the scheme in `relying_party.rs`, at a thousand a second from [`BEGAN`] on.

use super::admission::{HOST, admit, connection, evidence};
use super::relying_party::{AUDIENCE, ISSUER, NAME, REALM, relying_party};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis::clock::UnixTime;
use portcullis::crypto::{DigestAlgorithm, MacKey, NewKey, SignatureAlgorithm, SigningKey, SystemRandom, base64};
use portcullis::scheme::Proof;
use portcullis::scheme::wssec::Wssec;
use portcullis::scheme::wssec::wire::SignatureName;
use portcullis::scheme::wssec::wire::authorization::Authorization;
use portcullis::scheme::wssec::wire::canonical::{Scope, SignatureInput, TokenHash};
use portcullis::scheme::wssec::wire::security::{Security, Timestamp};
use portcullis::setting::ByteSize;
use portcullis::token::context::{Binding, Context, FirstProfile, KeyRing, draw, issue};
use portcullis::token::jose::{IssuingKey, describe};
use portcullis::token::jwt::{self, StatedHolder};
use portcullis::token::{ClaimsBuilder, calendar};

/// When the process began that the requests go to.
pub(crate) const BEGAN: UnixTime = UnixTime::from_seconds(1_700_000_000);
const PATH: &str = "/orders/";
const RING: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const YEARS: u64 = 100 * 365 * 86_400;

/// A relying party, and those who send requests to it.
pub(crate) struct Partners {
    scheme: Wssec,
    issuer: IssuingKey,
    holder: SigningKey,
    context: Vec<u8>,
    secret: MacKey,
}

/// One request.
pub(crate) struct Request {
    fields: HeaderMap,
    now: UnixTime,
}

impl Partners {
    /// The parties, with this much memory for verdicts.
    pub(crate) fn meet(verdict_cache: ByteSize) -> Self {
        let key = || SigningKey::generate(NewKey::P256).unwrap();
        let issuer = IssuingKey::signing(key(), None).unwrap();
        let jwks = format!(r#"{{"keys":[{}]}}"#, describe(issuer.public().unwrap(), "a", None));
        let (context, secret) = context();
        Self { scheme: relying_party(RING, &jwks, verdict_cache, BEGAN), issuer, holder: key(), context, secret }
    }

    /// A request with the context token and a nonce that no other number has.
    pub(crate) fn by_context(&self, number: u64) -> Request {
        let sign = |message: &[u8]| self.secret.sign(message).as_ref().to_vec();
        request(number, "sct", &self.context, SignatureName::HmacSha256, &sign)
    }

    /// A request with a token of its own.
    pub(crate) fn first(&self, number: u64) -> Request {
        let now = time(number);
        let statement = jwt::Statement {
            token_type: "at+jwt",
            issuer: ISSUER,
            subject: Some("jane"),
            audiences: &[AUDIENCE],
            issued: now,
            expires: now.later(600),
            claims: &[("jti", &number.to_string()), ("role", "buyer")],
            holder: StatedHolder::Key(self.holder.public()),
        };
        let token = jwt::issue(&statement, &self.issuer).unwrap();
        let sign = |message: &[u8]| self.holder.sign(SignatureAlgorithm::EcdsaP256Sha256, message).unwrap();
        request(number, "jwt", token.as_bytes(), SignatureName::EcdsaP256Sha256, &sign)
    }

    /// Extracts, verifies, and claims the first use of the nonce.
    pub(crate) fn admit(&self, request: &Request) -> Proof {
        admit(&self.scheme, &evidence(PATH, &request.fields, &connection(), request.now))
    }
}

fn context() -> (Vec<u8>, MacKey) {
    let random = SystemRandom::new();
    let (id, secret) = draw(&random).unwrap();
    let key = MacKey::new(DigestAlgorithm::Sha256, secret.as_slice());
    let mut claims = ClaimsBuilder::default();
    claims.add("role", "buyer").unwrap();
    let context = Context {
        id,
        secret,
        issuer: ISSUER.into(),
        subject: Some("jane".into()),
        profile: FirstProfile::Jwt,
        claims: claims.build(),
        first_fingerprint: [7; 8],
        issued: BEGAN,
        expires: BEGAN.later(YEARS),
    };
    (issue(&context, &KeyRing::from_text(RING.as_bytes()).unwrap(), &Binding::new(NAME, REALM), &random).unwrap(), key)
}

/// Marks are over after five and a half minutes: at a thousand a second the log stays a third full.
const fn time(number: u64) -> UnixTime {
    BEGAN.later(number / 1000)
}

fn request(number: u64, profile: &'static str, token: &[u8], algorithm: SignatureName, sign: &dyn Fn(&[u8]) -> Vec<u8>) -> Request {
    let (now, nonce) = (time(number), format!("nonce-{number:020}"));
    let (text, hash) = (calendar::utc_text(now).unwrap(), TokenHash::of(token));
    let input = SignatureInput {
        method: "GET",
        path_and_query: PATH,
        host: HOST,
        algorithm,
        nonce: &nonce,
        timestamp: &text,
        token_hash: &hash,
        scope: Scope::Auth,
    };
    let mut message = Vec::new();
    input.write(&mut message);
    let (signature, timestamp) = (base64::encode(&sign(&message)), Timestamp { time: now, text: &text });
    let security = Security { usage: Scope::Auth.usage(), algorithm, nonce: &nonce, timestamp, signature: &signature };
    let fields = [
        (AUTHORIZATION, Authorization { realm: REALM.into(), profile: profile.into() }.to_string()),
        (HeaderName::from_static("x-wss-tokenloc"), "location=header".to_owned()),
        (HeaderName::from_static("x-wss-token1"), base64::encode(token)),
        (HeaderName::from_static("x-wss-security"), security.to_string()),
    ];
    Request { fields: fields.into_iter().map(|(name, value)| (name, HeaderValue::try_from(value).unwrap())).collect(), now }
}
