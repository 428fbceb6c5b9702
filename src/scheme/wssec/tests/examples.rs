//! The worked examples at the verifier, to the octet, and every bit of them flipped in turn.

use super::*;

/// 2009-05-14T12:00:00Z.
const THEN: UnixTime = UnixTime::from_seconds(1_242_302_400);
const MESSAGE_TOKEN: &[u8] = b"<saml:Assertion ID=\"_1\"/>";
const CONTEXT_TOKEN: &[u8] = b"PORTCULLIS-CONTEXT-EXAMPLE";
/// Where the examples stand, for everybody to read.
const PAGE: &str = include_str!("../../../../docs/wssec.md");

/// A message whose octets are not text yet, since a flipped bit may make something else of them.
#[derive(Clone)]
struct Octets {
    method: Vec<u8>,
    target: Vec<u8>,
    host: Vec<u8>,
    fields: Vec<(&'static str, Vec<u8>)>,
    content: Vec<u8>,
}

impl Octets {
    /// The example with this method.
    fn of(method: &str) -> Self {
        let examples = PAGE.split("```http\n").skip(1).map(|rest| rest.split_once("\n```").unwrap().0);
        let example = examples.filter(|example| example.starts_with(method)).collect::<Vec<_>>();
        let [example] = *example else { panic!("{} examples with {method}", example.len()) };
        let (head, content) = example.split_once("\n\n").unwrap_or((example.trim_end(), ""));
        let mut lines = head.lines();
        let (_, target) = lines.next().and_then(|line| line.strip_suffix(" HTTP/1.1")?.split_once(' ')).unwrap();
        let mut fields = lines.map(|line| line.split_once(": ").unwrap());
        let ("Host", host) = fields.next().unwrap() else { panic!("the host comes first") };
        let fields = fields.map(|(name, value)| (name, value.into())).collect();
        Self { method: method.into(), target: target.into(), host: host.into(), fields, content: content.into() }
    }

    /// The request; none where no HTTP message holds these octets.
    fn request(&self) -> Option<Request> {
        let request = Request::default().method(Method::from_bytes(&self.method).ok()?).received(&self.target, &self.host);
        let fields = self.fields.iter().try_fold(request, |request, (field, value)| {
            http::HeaderValue::from_bytes(value).ok()?;
            Some(request.field(name(field), value))
        });
        Some(fields?.content(&self.content))
    }

    /// Every part that a bit can be flipped in, with what it is called.
    fn parts(&mut self) -> Vec<(&'static str, &mut Vec<u8>)> {
        let mut parts = vec![("method", &mut self.method), ("target", &mut self.target), ("host", &mut self.host)];
        parts.extend(self.fields.iter_mut().map(|(name, value)| (*name, value)));
        parts.push(("content", &mut self.content));
        parts
    }
}

/// A relying party to whom a token of the examples says what the examples say of it.
fn relying_party(token: &[u8], standing: Standing, key: HolderKey) -> Wssec {
    let scheme = build(with(&[("/claims", json!({}))]));
    let digest = sha256(token);
    let principal = Arc::new(Principal::assertion(Asserted {
        scheme: Arc::from("test"),
        issuer: ISSUER.into(),
        subject: Some("alice".into()),
        expires: THEN.later(600),
        claims: ClaimsBuilder::default().build(),
        fingerprint: Fingerprint::of_digest(&digest),
    }));
    let namespace = Namespace::new(&Arc::from("test"), ISSUER, &digest);
    scheme.verifier.verdicts.keep(&digest, Holder { principal, key, standing, namespace, generation: 0 }, 1000, THEN.later(600));
    scheme
}

fn secret() -> [u8; 32] {
    std::array::from_fn(|place| u8::try_from(place).unwrap())
}

fn message_party() -> Wssec {
    let key = HolderKey::Token(Arc::new(ProofKey::from_secret(&secret(), None).unwrap()));
    relying_party(MESSAGE_TOKEN, Standing::Token(FirstProfile::Saml2), key)
}

fn context_party() -> Wssec {
    let standing = Standing::Context { issued: THEN.earlier(60) };
    relying_party(CONTEXT_TOKEN, standing, HolderKey::Context(Zeroizing::new(secret())))
}

/// Flips every bit in turn. What is proved nevertheless is returned, as `part: value`.
fn survivors(original: &Octets, scheme: &Wssec) -> Vec<String> {
    let lengths: Vec<_> = original.clone().parts().iter().map(|(_, octets)| octets.len()).collect();
    let (mut survivors, mut tried) = (Vec::new(), 0);
    for (part, length) in lengths.iter().enumerate() {
        for bit in 0..length * 8 {
            let mut flipped = original.clone();
            let mut parts = flipped.parts();
            parts[part].1[bit / 8] ^= 1 << (bit % 8);
            let shown = format!("{}: {}", parts[part].0, String::from_utf8_lossy(parts[part].1));
            tried += 1;
            let Some(request) = flipped.request() else { continue };
            if let Ok(Some(_)) = request.prove(scheme, THEN) {
                survivors.push(shown);
            }
        }
    }
    assert_eq!(tried, lengths.iter().sum::<usize>() * 8);
    survivors
}

#[test]
fn the_message_example_is_proved_and_every_flipped_bit_is_noticed() {
    let example = Octets::of("POST");
    let scheme = message_party();
    assert_eq!(survivors(&example, &scheme), [""; 0]);
    // The same relying party, so none of the above used up the nonce.
    let request = example.request().unwrap();
    let outcome = request.ask(&scheme, THEN);
    assert_eq!(outcome.principal().subject(), Some("alice"));
    assert_eq!(request.ask(&scheme, THEN).reason(), "nonce_seen");
}

/// The letter case of HTTP's own words does not count (RFC 9110 §11.1, §11.2), and usage `auth` leaves the field unsigned:
/// these are other spellings of the same field, not other fields. Where the message is signed they are refused too.
#[test]
fn the_context_example_is_proved_and_every_flipped_bit_is_noticed() {
    let example = Octets::of("GET");
    let scheme = context_party();
    let mut spellings: Vec<_> = survivors(&example, &scheme);
    spellings.retain(|survivor| !survivor.to_ascii_lowercase().eq("authorization: wssec realm=\"orders\", profile=\"sct\""));
    assert_eq!(spellings, [""; 0]);
    let request = example.request().unwrap();
    assert_eq!(request.ask(&scheme, THEN).principal().subject(), Some("alice"));
    assert_eq!(request.ask(&scheme, THEN).reason(), "nonce_seen");
}

#[test]
fn the_examples_hold_at_their_time_and_place_only() {
    let [message, context] = [Octets::of("POST"), Octets::of("GET")];
    let parties: [(_, fn() -> Wssec); 2] = [(&message, message_party), (&context, context_party)];
    for (example, party) in parties {
        let request = example.request().unwrap();
        for (now, reason) in [
            (THEN.later(330), "proved"),
            (THEN.later(331), "timestamp_outside"),
            (THEN.earlier(30), "proved"),
            (THEN.earlier(31), "timestamp_outside"),
        ] {
            assert_eq!(request.ask(&party(), now).reason(), reason);
        }
        assert_eq!(request.clone().received("/orders?x=2", "rp.example.com").ask(&party(), THEN).reason(), "holder_signature_invalid");
        assert_eq!(request.clone().received("/orders?x=1", "rp.example.com:80").ask(&party(), THEN).reason(), "holder_signature_invalid");
    }
    // The secret of the one example does not make the token of the other.
    assert_eq!(context.request().unwrap().ask(&message_party(), THEN).reason(), "context_refused");
    assert_eq!(message.request().unwrap().ask(&context_party(), THEN).reason(), "profile_refused");
}
