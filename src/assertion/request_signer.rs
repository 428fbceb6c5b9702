//! What of a route's requests is signed, and the signing of one (RFC 9421).

use super::request_keys::RequestKeys;
use super::settings::{RequestSignatureSettings, SignatureNonce};
use crate::clock::UnixTime;
use crate::crypto::{Random, SystemRandom, base64};
use crate::scheme::http_signature::signer::{MessageSigner, SignatureFields, SignerSettings};
use crate::scheme::http_signature::wire::base::Message;
use crate::scheme::http_signature::wire::input::{LABEL, MOST_COMPONENTS, Made, Stated, is_label};
use crate::scheme::http_signature::wire::{Component, Form, INPUT, SIGNATURE};
use crate::setting::{Located, Period, Problem};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// The longest time after which a signature ends.
const LONGEST: Period = Period::from_secs(3_600);
/// The random octets of a nonce.
const NONCE_OCTETS: usize = 16;

/// Fields that say how one connection carries a request, and are written anew after it was signed; and the fields of
/// signatures, which are complete only then.
const NEVER: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "signature",
    "signature-input",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Signs the requests of one route.
#[derive(Debug)]
pub struct RequestSigner {
    signer: MessageSigner,
    nonce: SignatureNonce,
    /// The names of all fields that are covered where they are there.
    fields: Box<[HeaderName]>,
}

/// A request could not be signed: the key could not sign, or there was no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSigned;

/// A client's signature has the gateway's label, or its fields cannot be read, and then neither could the gateway's
/// beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelTaken;

impl RequestSigner {
    /// A signer of requests with these fields of identity.
    ///
    /// # Errors
    /// Components that no request has or that do not last, a label or a tag that cannot be written, a lifetime out of
    /// bounds.
    pub fn build<'n>(
        settings: &Located<RequestSignatureSettings>,
        identity: impl Iterator<Item = &'n HeaderName>,
        keys: &RequestKeys,
    ) -> Result<Self, Vec<Problem>> {
        let covered = Self::check(settings, identity)?;
        let RequestSignatureSettings { components, label, tag, expires_in, nonce } = &**settings;
        let stated = SignerSettings {
            label: (**label).clone(),
            keyid: keys.signing().id().unwrap_or_default().into(),
            tag: (**tag).clone(),
            lifetime: expires_in.duration().as_secs(),
            components: covered.iter().map(|name| ["\"", name, "\""].concat().into()).collect(),
        };
        let signer = MessageSigner::new(Arc::clone(keys.signing()), stated);
        let signer = signer.map_err(|refusal| vec![Problem::new(components.at(), refusal.to_string(), "another key")])?;
        let fields = covered.iter().filter_map(|name| HeaderName::try_from(&**name).ok()).collect();
        Ok(Self { signer, nonce: *nonce, fields })
    }

    /// The names of all that is covered, without a look at the keys.
    ///
    /// # Errors
    /// As those of [`RequestSigner::build`].
    pub fn check<'n>(
        settings: &Located<RequestSignatureSettings>,
        identity: impl Iterator<Item = &'n HeaderName>,
    ) -> Result<Vec<Box<str>>, Vec<Problem>> {
        let RequestSignatureSettings { components, label, tag, expires_in, .. } = &**settings;
        let mut problems = Vec::new();
        if !is_label(label) {
            problems.push(Problem::new(label.at(), format!("{:?}", &***label), LABEL));
        }
        if !tag.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ') {
            problems.push(Problem::new(tag.at(), format!("{:?}", &***tag), "a text of visible ASCII characters and spaces"));
        }
        if **expires_in > LONGEST || expires_in.duration().subsec_nanos() != 0 {
            problems.push(Problem::new(expires_in.at(), format!("{:?}", **expires_in), "whole seconds, 1s to 1h, or 0s for no end"));
        }
        let mut covered = self::components(components, &mut problems);
        identity.for_each(|name| cover(name.as_str(), &mut covered));
        if covered.len() > MOST_COMPONENTS {
            problems.push(Problem::new(settings.at(), "more than 64 components, fields of identity included", "fewer"));
        }
        if problems.is_empty() { Ok(covered) } else { Err(problems) }
    }

    /// The label of signatures.
    pub fn label(&self) -> &str {
        &self.signer.settings().label
    }

    /// What signatures are for; empty for nothing in particular.
    pub fn tag(&self) -> &str {
        &self.signer.settings().tag
    }

    /// What is covered, as signed identifiers.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.signer.settings().components.iter().map(|component| &**component)
    }

    /// The fields that are covered where a request has them.
    pub fn fields(&self) -> &[HeaderName] {
        &self.fields
    }

    /// Whether the gateway's signature can stand beside what a client has signed. Nothing is taken out of a client's
    /// fields: what is left would have to be written anew, and might be signed as it was.
    ///
    /// # Errors
    /// The label is taken, or what the fields say cannot be read.
    pub fn admit(&self, fields: &HeaderMap) -> Result<(), LabelTaken> {
        let lines = |name| fields.get_all(name).iter().map(HeaderValue::as_bytes);
        let stated = Stated::read(lines(INPUT)).map_err(|_| LabelTaken)?;
        let made = Made::read(lines(SIGNATURE)).map_err(|_| LabelTaken)?;
        let mut labels = stated.iter().map(|stated| stated.label).chain(made.iter().map(|made| made.label));
        if labels.any(|label| label == self.label()) { Err(LabelTaken) } else { Ok(()) }
    }

    /// Signs a request as it is forwarded.
    ///
    /// # Errors
    /// See [`NotSigned`].
    pub fn sign(&self, message: &Message<'_>, now: UnixTime) -> Result<SignatureFields, NotSigned> {
        let nonce = match self.nonce {
            SignatureNonce::None => Box::default(),
            SignatureNonce::Random => draw()?,
        };
        self.signer.sign(message, &nonce, now).map_err(|_| NotSigned)
    }
}

fn draw() -> Result<Box<str>, NotSigned> {
    let mut octets = [0; NONCE_OCTETS];
    SystemRandom::new().fill(&mut octets).map_err(|_| NotSigned)?;
    Ok(base64::encode(&octets).into())
}

/// What is covered by its names. None of them can fail for one request and hold for another: a field that is not
/// there is left out, and no component looks into a value.
fn components(written: &Located<Vec<Located<Box<str>>>>, problems: &mut Vec<Problem>) -> Vec<Box<str>> {
    if written.is_empty() {
        problems.push(Problem::new(written.at(), "an empty list", "at least one component: a signature over nothing proves nothing"));
    }
    let mut covered: Vec<Box<str>> = Vec::with_capacity(written.len());
    for name in written.iter() {
        if covered.contains(name) {
            problems.push(Problem::new(name.at(), format!("`{}` again", **name), "each component once"));
        } else if is_component(name) {
            cover(name, &mut covered);
        } else {
            let expected = "a component that lasts on the way, such as `@method`, `@target-uri`, `@path` or `content-type`";
            problems.push(Problem::new(name.at(), format!("`{}`", **name), expected));
        }
    }
    covered
}

fn cover(name: &str, covered: &mut Vec<Box<str>>) {
    if !covered.iter().any(|known| **known == *name) {
        covered.push(name.into());
    }
}

fn is_component(name: &str) -> bool {
    let list = ["c=(\"", name, "\")"].concat();
    let Ok(stated) = Stated::read([list.as_bytes()].into_iter()) else { return false };
    let [Stated { components, .. }] = stated.as_slice() else { return false };
    let [covered] = components.as_slice() else { return false };
    covered.name == name
        && match covered.component {
            Component::Method
            | Component::TargetUri
            | Component::Authority
            | Component::Scheme
            | Component::RequestTarget
            | Component::Path
            | Component::Query => true,
            Component::Field { form: Form::Combined, .. } => !NEVER.contains(&name),
            Component::Field { form: Form::Strict | Form::Member(_) | Form::Octets, .. } | Component::QueryParam(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assertion::{RequestKeySettings, RingKey};
    use crate::crypto::{NewKey, SigningKey};
    use crate::scheme::http_signature::wire::base;
    use crate::scheme::http_signature::wire::structured::StructuredFields;
    use crate::setting::{Environment, Files, Position};
    use crate::token::jose::{Algorithm, KeySet, pem};

    const NOW: UnixTime = UnixTime::from_seconds(1_000_000_000);

    fn settings(yaml: &str) -> Located<RequestSignatureSettings> {
        Located::new(crate::config::decode(yaml, Environment::Fixed(&[])).unwrap(), Position::new(1, 1))
    }

    fn keys(kind: NewKey) -> Arc<RequestKeys> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), pem::write(&SigningKey::generate(kind).unwrap())).unwrap();
        let file = Located::new("a".into(), Position::new(2, 2));
        let settings = RequestKeySettings { keys: Located::new(vec![RingKey { file }], Position::new(2, 2)), jwks_path: None };
        RequestKeys::build(&settings, &Files::below(folder.path()), None).unwrap()
    }

    fn build(yaml: &str, identity: &[&'static str]) -> Result<RequestSigner, Vec<Problem>> {
        let names: Vec<_> = identity.iter().map(|name| HeaderName::from_static(name)).collect();
        RequestSigner::build(&settings(yaml), names.iter(), &keys(NewKey::Ed25519))
    }

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn message(fields: &HeaderMap) -> Message<'_> {
        Message { method: "POST", scheme: "http", authority: "bar", host: b"bar", target: b"/a?b", fields }
    }

    fn input(signer: &RequestSigner, of: &[(&'static str, &'static str)]) -> String {
        signer.sign(&message(&fields(of)), NOW).unwrap().input.to_str().unwrap().to_owned()
    }

    #[test]
    fn every_identity_field_that_is_there_is_covered() {
        let signer = build("{}", &["x-user", "x-groups", "content-digest"]).unwrap();
        let keyid = signer.signer.settings().keyid.clone();
        let rest = format!(";created=1000000000;keyid=\"{keyid}\";tag=\"portcullis\"");
        assert_eq!(input(&signer, &[]), format!("portcullis=(\"@method\" \"@target-uri\"){rest}"));
        let all = [("x-user", "alice"), ("content-digest", "sha-256=:AA==:"), ("x-other", "1")];
        assert_eq!(input(&signer, &all), format!("portcullis=(\"@method\" \"@target-uri\" \"content-digest\" \"x-user\"){rest}"));
    }

    #[test]
    fn the_published_key_verifies_what_either_kind_of_key_signs() {
        for (kind, algorithm) in [(NewKey::P256, Algorithm::Es256), (NewKey::Ed25519, Algorithm::EdDsa)] {
            let keys = keys(kind);
            let signer = RequestSigner::build(&settings("expires_in: 60s"), std::iter::empty(), &keys).unwrap();
            let fields = fields(&[]);
            let SignatureFields { input, signature } = signer.sign(&message(&fields), NOW).unwrap();
            assert!(signature.is_sensitive());
            let stated = Stated::read([input.as_bytes()].into_iter()).unwrap().remove(0);
            assert_eq!(stated.parameters.expires, Some(NOW.seconds() + 60));
            let made = Made::read([signature.as_bytes()].into_iter()).unwrap().remove(0);
            let set = KeySet::read_public(keys.key_set().as_bytes()).unwrap();
            let key = set.keys().iter().find(|key| key.id() == Some(&*stated.parameters.keyid)).unwrap();
            let mut signed = Vec::new();
            base::write(&stated, &message(&fields), &StructuredFields::default(), &mut signed).unwrap();
            assert!(key.verify(algorithm, &signed, &made.octets));
            signed[1] ^= 1;
            assert!(!key.verify(algorithm, &signed, &made.octets));
        }
    }

    #[test]
    fn what_is_not_ascii_is_signed_as_octets() {
        let signer = build("{ components: ['@path', x-note] }", &["x-user"]).unwrap();
        let mut fields = fields(&[("x-note", "plain")]);
        fields.insert("x-user", HeaderValue::from_bytes("Zoë".as_bytes()).unwrap());
        let signed = signer.sign(&message(&fields), NOW).unwrap();
        let input = signed.input.to_str().unwrap().to_owned();
        assert!(input.starts_with("portcullis=(\"@path\" \"x-note\" \"x-user\";bs);"), "{input}");
    }

    #[test]
    fn nonces_are_drawn_for_each_signature() {
        let signer = build("{ nonce: random, tag: '', label: edge }", &[]).unwrap();
        let (one, other) = (input(&signer, &[]), input(&signer, &[]));
        assert!(one.starts_with("edge=(") && one.contains(";nonce=\"") && !one.contains(";tag="), "{one}");
        assert_ne!(one, other);
    }

    #[test]
    fn a_clients_signature_stands_beside_unless_it_has_the_label() {
        let signer = build("{ label: edge }", &[]).unwrap();
        let admitted = |input, signature| signer.admit(&fields(&[("signature-input", input), ("signature", signature)])).is_ok();
        assert!(signer.admit(&fields(&[])).is_ok());
        assert!(admitted("sig1=(\"@method\");created=1, b=()", "sig1=:AA==:, b=:AA==:"));
        assert!(admitted("edges=()", "edges=:AA==:"));
        assert!(!admitted("edge=()", "sig1=:AA==:"));
        assert!(!admitted("sig1=()", "edge=:AA==:"));
        assert!(!admitted("sig1=(), edge=(\"@method\")", "sig1=:AA==:"));
        for unreadable in ["edge", "sig1=(\"", "sig1=(), sig1=()", "Edge=()"] {
            assert!(!admitted(unreadable, "sig1=:AA==:"), "{unreadable}");
        }
        assert!(signer.admit(&fields(&[("signature", "sig1=:AA==:"), ("signature", "edge=:AA==:")])).is_err());
    }

    #[test]
    fn what_does_not_last_or_is_no_component_is_refused() {
        let refused = |yaml: &str| build(yaml, &[]).unwrap_err().len();
        for component in NEVER.into_iter().chain(["@status", "@query-param", "Content-Type", "a b", "", "a\\\";sf", "a\\\" \\\"b", "@"]) {
            assert_eq!(refused(&format!("{{ components: [\"@method\", \"{component}\"] }}")), 1, "{component}");
        }
        for yaml in [
            "{ components: [] }",
            "{ components: ['@path', '@path'] }",
            "{ label: '' }",
            "{ label: 'A' }",
            "{ label: 'a=(), b' }",
            "{ tag: \"\\u00e9\" }",
            "{ expires_in: 2h }",
            "{ expires_in: 1500ms }",
        ] {
            assert_eq!(refused(yaml), 1, "{yaml}");
        }
        assert_eq!(refused("{ components: [te], label: '', tag: \"\\n\", expires_in: 2h }"), 4);
        let many: Vec<_> = (0..=MOST_COMPONENTS).map(|number| format!("x-{number}")).collect();
        assert_eq!(refused(&format!("{{ components: [{}] }}", many.join(", "))), 1);
    }
}
