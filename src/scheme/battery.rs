//! The contract battery: what every scheme must accept and refuse, whatever its credentials look like.

use super::{
    Beside, Carries, Challenge, ClientCertificate, Connection, ConnectionCarrier, ContentNeed, ContentPledge, Evidence, Malformation,
    PeerTrust, Principal, Proof, Received, Refusal, Rejection, RequestHead, Resources, Scheme, TransportSecurity,
};
use crate::clock::UnixTime;
use crate::crypto::SystemRandom;
use crate::keys::KeySources;
use crate::setting::{Files, LOCATED_NAME, Problem};
use crate::store::{StoreSizes, Stores};
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rustls::pki_types::CertificateDer;
use serde::de::value::{Error, MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_json::Value;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// What a scheme shows of itself to the battery.
pub(in crate::scheme) trait Specimens {
    type Scheme: Scheme;

    /// When the requests arrive.
    const NOW: UnixTime;

    /// The scheme under test.
    fn scheme() -> Self::Scheme;

    /// A token that holds at `NOW`, as it is signed.
    fn token() -> Vec<u8>;

    /// Requests that carry a token, one for each place that the scheme reads.
    fn carried(token: &[u8]) -> Vec<Request>;

    /// A request with the same token that arrives at `now`, when the token is over.
    fn carried_late(_now: UnixTime) -> Request {
        Self::carried(&Self::token()).remove(0)
    }

    /// Requests that must not be proved, what they are, and the reason the log must give.
    fn refused() -> Vec<(&'static str, Request, &'static str)>;

    /// Texts that no debug output may contain.
    fn secrets() -> Vec<String>;

    /// Whether two different texts are spellings of one token, by the rules of its format.
    fn is_same_token(one: &[u8], other: &[u8]) -> bool;

    /// The reason for a token whose time is over.
    const OVER: &'static str = "expired";

    /// Whether octets can stand where tokens of the scheme stand.
    fn can_be_sent(octets: &[u8]) -> bool {
        HeaderValue::from_bytes(octets).is_ok()
    }
}

/// What came of a request.
#[derive(Debug)]
pub(in crate::scheme) enum Outcome {
    Nothing,
    Refused(Refusal),
    Proved(Arc<Principal>),
}

impl Outcome {
    /// Who was proved; anything else fails the test.
    pub(in crate::scheme) fn principal(&self) -> &Principal {
        let Self::Proved(principal) = self else { panic!("{} instead of a proof", self.reason()) };
        principal
    }

    pub(in crate::scheme) fn reason(&self) -> &str {
        match self {
            Self::Nothing => "nothing",
            Self::Refused(refusal) => refusal.reason(),
            Self::Proved(_) => "proved",
        }
    }

    /// What logs say was expected, and what came.
    pub(in crate::scheme) fn mismatch(&self) -> (&str, &str) {
        match self {
            Self::Refused(refusal) => (refusal.expected(), refusal.found()),
            Self::Nothing | Self::Proved(_) => ("", ""),
        }
    }
}

/// A request of our own making.
#[derive(Clone, Debug)]
pub(in crate::scheme) struct Request {
    method: Method,
    received_target: Vec<u8>,
    received_host: Vec<u8>,
    fields: HeaderMap,
    query: String,
    content: Vec<u8>,
    security: TransportSecurity,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: Method::POST,
            received_target: b"/orders".to_vec(),
            received_host: b"rp.example.com".to_vec(),
            fields: HeaderMap::new(),
            query: String::new(),
            content: Vec::new(),
            security: TransportSecurity::Clear,
        }
    }
}

impl Request {
    pub(in crate::scheme) fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The target and the host as somebody who signs them has seen them.
    pub(in crate::scheme) fn received(self, target: impl AsRef<[u8]>, host: impl AsRef<[u8]>) -> Self {
        Self { received_target: target.as_ref().to_vec(), received_host: host.as_ref().to_vec(), ..self }
    }

    pub(in crate::scheme) fn content(self, content: impl AsRef<[u8]>) -> Self {
        Self { content: content.as_ref().to_vec(), ..self }
    }

    /// On a connection whose client has proved to hold a certificate's key; what else it presented stands after it.
    pub(in crate::scheme) fn certificates(self, presented: &[&[u8]]) -> Self {
        let ders: Vec<CertificateDer<'static>> = presented.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        let certificate = ClientCertificate::new(ders[0].clone(), &ders[1..]);
        Self { security: TransportSecurity::Tls { server_name: Arc::from(""), certificate: Some(Arc::new(certificate)) }, ..self }
    }

    /// Without any field of the name.
    pub(in crate::scheme) fn without(mut self, name: &HeaderName) -> Self {
        self.fields.remove(name);
        self
    }

    pub(in crate::scheme) fn octets(&self) -> &[u8] {
        &self.content
    }

    pub(in crate::scheme) const fn fields(&self) -> &HeaderMap {
        &self.fields
    }

    pub(in crate::scheme) fn field(mut self, name: HeaderName, value: impl AsRef<[u8]>) -> Self {
        self.fields.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    pub(in crate::scheme) fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    pub(in crate::scheme) fn form(self, content: impl AsRef<[u8]>) -> Self {
        let mut request = self.field(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
        request.content = content.as_ref().to_vec();
        request
    }

    /// Both requests at once.
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (name, value) in &other.fields {
            if name != http::header::CONTENT_TYPE || !both.fields.contains_key(name) {
                both.fields.append(name, value.clone());
            }
        }
        let separator = if both.query.is_empty() || other.query.is_empty() { "" } else { "&" };
        both.query.push_str(separator);
        both.query.push_str(&other.query);
        let separator: &[u8] = if both.content.is_empty() || other.content.is_empty() { b"" } else { b"&" };
        both.content.extend_from_slice(separator);
        both.content.extend_from_slice(&other.content);
        both
    }

    pub(in crate::scheme) fn ask<S: Scheme>(&self, scheme: &S, now: UnixTime) -> Outcome {
        let used = |proof: Proof| proof.first_use.map_or(Ok(()), |right| finish(right.claim(now))).map(|()| proof.principal);
        match self.prove(scheme, now) {
            Ok(None) => Outcome::Nothing,
            Ok(Some(proof)) => used(proof).map_or_else(Outcome::Refused, Outcome::Proved),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    /// Everything but the mark of the first use, which the gateway sets last.
    pub(in crate::scheme) fn prove<S: Scheme>(&self, scheme: &S, now: UnixTime) -> Result<Option<Proof>, Refusal> {
        finish(self.prove_waiting(scheme, now))
    }

    /// The same, where the verifier may wait for others.
    pub(in crate::scheme) async fn prove_waiting<S: Scheme>(&self, scheme: &S, now: UnixTime) -> Result<Option<Proof>, Refusal> {
        let connection = Connection { peer: ([192, 0, 2, 7], 4711).into(), security: self.security.clone() };
        let head = RequestHead {
            method: &self.method,
            authority: "rp.example.com",
            path: "/orders",
            query: &self.query,
            received: Received { target: &self.received_target, host: &self.received_host },
            fields: &self.fields,
        };
        let content: &[u8] = match scheme.content_need(&head) {
            ContentNeed::Nothing => &[],
            ContentNeed::Whole { limit } => self.content.get(..limit.min(self.content.len())).unwrap(),
        };
        let carries = if self.content.is_empty() { Carries::Nothing } else { Carries::Content };
        let peer = PeerTrust::Untrusted;
        let evidence = Evidence { head, connection: &connection, peer, content, carries, beside: Beside::Refused, now };
        let Some(credential) = scheme.extract(&evidence)? else { return Ok(None) };
        let mut proof = scheme.verify(&credential, &evidence).await?;
        if let ContentPledge::Digest(mut digest) = std::mem::replace(&mut proof.content, ContentPledge::Nothing) {
            digest.update(&self.content);
            if !digest.holds() {
                return Err(Rejection::DigestMismatch.into());
            }
        }
        Ok(Some(proof))
    }
}

/// Runs a future that waits for nothing, unless a test has entered a runtime in which somebody does it.
pub(in crate::scheme) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.block_on(future),
            Err(_) => panic!("the verifier waits for something that nobody does"),
        },
    }
}

/// Builds a scheme named `test` from settings in JSON; every problem is at line 7, column 3.
pub(in crate::scheme) fn built<S: Scheme>(settings: Value, folder: &Path) -> Result<S, Vec<Problem>> {
    let files = Files::below(folder);
    let sizes = StoreSizes { replay_marks: 10_000, revocations: 100, holder_keys: 100 };
    let stores = Arc::new(Stores::new(sizes, UnixTime::from_seconds(0), &SystemRandom::new()).unwrap());
    let random = Arc::new(SystemRandom::new());
    let (name, key_sources) = (Arc::from("test"), KeySources::default());
    let resources = Resources { name: &name, files: &files, stores: &stores, key_sources: &key_sources, random: &random };
    S::build(settled(settings).unwrap(), &resources)
}

/// Reads settings as the configuration does: with places, unknown keys refused.
pub(in crate::scheme) fn settled<T: DeserializeOwned>(settings: Value) -> Result<T, Error> {
    T::deserialize(Node(settings))
}

/// Runs the whole battery.
pub(in crate::scheme) fn run<T: Specimens>() {
    let scheme = T::scheme();
    assert!(matches!(Request::default().ask(&scheme, T::NOW), Outcome::Nothing), "nothing is there to be found");
    good_specimens_are_proved_everywhere::<T>(&scheme);
    bad_specimens_are_refused::<T>(&scheme);
    a_flipped_bit_is_noticed::<T>(&scheme);
    two_credentials_are_none::<T>(&scheme);
    what_carries_a_credential_can_be_removed::<T>(&scheme);
    secrets_do_not_print::<T>(&scheme);
}

fn good_specimens_are_proved_everywhere<T: Specimens>(scheme: &T::Scheme) {
    // Twice, since the second answer may come from a cache.
    for _ in 0..2 {
        let requests = T::carried(&T::token());
        assert!(!requests.is_empty());
        for request in &requests {
            assert!(request.ask(scheme, T::NOW).principal().expires() > T::NOW);
        }
    }
    let end = T::carried(&T::token())[0].ask(scheme, T::NOW).principal().expires();
    assert_eq!(T::carried_late(end.later(600)).ask(scheme, end.later(600)).reason(), T::OVER, "a cached verdict outlived its token");
}

fn bad_specimens_are_refused<T: Specimens>(scheme: &T::Scheme) {
    for (what, request, reason) in T::refused() {
        assert_eq!(request.ask(scheme, T::NOW).reason(), reason, "{what}");
    }
    assert!(!scheme.challenges(None, T::NOW).is_empty(), "a 401 must say what to send");
}

fn a_flipped_bit_is_noticed<T: Specimens>(scheme: &T::Scheme) {
    let token = T::token();
    for place in 0..token.len() {
        for bit in 0..8 {
            let mut altered = token.clone();
            altered[place] ^= 1 << bit;
            if T::is_same_token(&token, &altered) || !T::can_be_sent(&altered) {
                continue;
            }
            for request in T::carried(&altered) {
                let outcome = request.ask(scheme, T::NOW);
                assert!(!matches!(outcome, Outcome::Proved(_)), "bit {bit} of octet {place} does not count");
            }
        }
    }
}

/// A connection has one certificate at most.
fn two_credentials_are_none<T: Specimens>(scheme: &T::Scheme) {
    if scheme.carriers().connection == ConnectionCarrier::Certificate {
        return;
    }
    let requests = T::carried(&T::token());
    for one in &requests {
        for other in &requests {
            let outcome = one.and(other).ask(scheme, T::NOW);
            let ambiguous =
                matches!(outcome, Outcome::Refused(Refusal::Malformed(Malformation::FieldRepeated | Malformation::SeveralTokens)));
            assert!(ambiguous, "{}", outcome.reason());
        }
    }
}

/// What the connection carries does not go on by itself.
fn what_carries_a_credential_can_be_removed<T: Specimens>(scheme: &T::Scheme) {
    let carriers = scheme.carriers();
    if carriers.connection == ConnectionCarrier::Certificate {
        return;
    }
    for mut request in T::carried(&T::token()) {
        let carrying: Vec<HeaderName> = request.fields.keys().filter(|name| carriers.holds_field(name)).cloned().collect();
        for name in &carrying {
            request.fields.remove(name);
        }
        let cookies = request.fields.get(COOKIE).and_then(|field| carriers.without_cookies(field.as_bytes()));
        if let Some(kept) = cookies {
            request.fields.insert(COOKIE, HeaderValue::from_bytes(&kept).unwrap());
        }
        let kept: Vec<_> = request.query.split('&').filter(|pair| !is_named(pair, &carriers.query_names)).collect();
        request.query = kept.join("&");
        let form = String::from_utf8(request.content).unwrap();
        let kept: Vec<_> = form.split('&').filter(|pair| !is_named(pair, &carriers.form_names)).collect();
        request.content = kept.join("&").into_bytes();
        assert!(matches!(request.ask(scheme, T::NOW), Outcome::Nothing), "a credential is left after removal");
    }
}

fn is_named(pair: &str, names: &[&str]) -> bool {
    names.contains(&pair.split('=').next().unwrap())
}

fn secrets_do_not_print<T: Specimens>(scheme: &T::Scheme) {
    let challenges: Vec<Challenge> = scheme.challenges(None, T::NOW);
    let outcomes = T::carried(&T::token()).into_iter().chain(T::refused().into_iter().map(|(_, request, _)| request));
    let mut printed = format!("{challenges:?}");
    for request in outcomes {
        printed.push_str(&format!("{:?}", request.ask(scheme, T::NOW)));
    }
    for secret in T::secrets() {
        assert!(!printed.contains(&secret), "`{secret}` prints");
    }
}

/// JSON with a place for whoever asks for one.
struct Node(Value);

impl<'de> IntoDeserializer<'de, Error> for Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Node))),
            Value::Object(entries) => visitor.visit_map(MapDeserializer::new(entries.into_iter().map(|(name, value)| (name, Node(value))))),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap()),
            },
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(self, name: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        if name != LOCATED_NAME {
            return self.deserialize_any(visitor);
        }
        let parts = [("line", Node(7.into())), ("column", Node(3.into())), ("value", self)];
        visitor.visit_map(MapDeserializer::new(parts.into_iter()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            Value::Object(entries) => {
                let entries = entries.into_iter().map(|(name, value)| (name, Node(value)));
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(entries)))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                Err(serde::de::Error::custom("neither a word nor a mapping"))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}
