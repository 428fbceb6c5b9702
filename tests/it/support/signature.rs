//! A caller that signs its requests (RFC 9421) over whatever it is told to, by a base of its own making.

use super::Config;
use super::wssec::Signed;
use portcullis::clock;
use portcullis::crypto::{self, DigestAlgorithm, KeyKind, NewKey, SignatureAlgorithm, SigningKey, base64, sha256};
use portcullis::token::jose::describe;
use std::sync::{Arc, OnceLock};

/// The one caller that gateways here know, and one that they do not.
struct Keys {
    known: Arc<SigningKey>,
    stranger: Arc<SigningKey>,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let [known, stranger] = [NewKey::Ed25519; 2].map(|new| Arc::new(SigningKey::generate(new).unwrap()));
        Keys { known, stranger }
    })
}

/// A gateway's configuration with a scheme `signed` on its one route. The settings of scheme and route are lines of
/// their own, such as `nonce: required`; `beside` stands beside all of them.
pub(crate) fn config(scheme: &[&str], route: &[&str], upstream: &str, beside: &str) -> Config {
    let lines = |settings: &[&str], depth: usize| -> String {
        settings.iter().map(|setting| format!("{}{setting}\n", " ".repeat(depth))).collect()
    };
    let text = format!(
        "{beside}\nschemes:\n  signed:\n    http_signature:\n      keys_file: \"{{keys}}/clients.json\"\n      subjects: {{ client-1: alice }}\n{}\
         upstreams:\n  bar: {{ servers: [\"{{upstream}}\"]{upstream} }}\nroutes:\n  - name: orders\n    match: {{ path: / }}\n    \
         authenticate: signed\n    upstream: bar\n    identity: {{ preset: auth-request }}\n{}",
        lines(scheme, 6),
        lines(route, 4)
    );
    let keys = format!("{{\"keys\":[{}]}}", describe(keys().known.public(), "client-1", None));
    Config::new(&text).file("clients.json", &keys)
}

/// A request before it is signed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) scheme: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) content: Vec<u8>,
    /// The identifiers of what is signed, as `"@method"`.
    pub(crate) components: Vec<String>,
    /// When it is signed, in seconds from now.
    pub(crate) signed_in: i64,
    /// What else is stated, as `;nonce="x"`.
    pub(crate) parameters: String,
    pub(crate) keyid: String,
    pub(crate) key: Arc<SigningKey>,
}

/// A GET over what is required.
pub(crate) fn get(target: &str) -> Draft {
    Draft {
        method: "GET".to_owned(),
        target: target.to_owned(),
        host: "localhost".to_owned(),
        scheme: "http".to_owned(),
        fields: Vec::new(),
        content: Vec::new(),
        components: ["\"@method\"", "\"@target-uri\""].map(str::to_owned).to_vec(),
        signed_in: 0,
        parameters: String::new(),
        keyid: "client-1".to_owned(),
        key: Arc::clone(&keys().known),
    }
}

/// A POST with a signed digest.
pub(crate) fn post(target: &str, content: &[u8]) -> Draft {
    let draft = Draft { method: "POST".to_owned(), content: content.to_vec(), ..get(target) };
    draft.field("Content-Digest", &digest_field(content)).covering("\"content-digest\"")
}

/// `Content-Digest` of a content.
pub(crate) fn digest_field(content: &[u8]) -> String {
    format!("sha-256=:{}:", base64::encode(&sha256(content)))
}

/// Likewise by SHA-512.
pub(crate) fn long_digest_field(content: &[u8]) -> String {
    format!("sha-512=:{}:", base64::encode(crypto::digest(DigestAlgorithm::Sha512, content).as_ref()))
}

impl Draft {
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn covering(mut self, identifier: &str) -> Self {
        self.components.push(identifier.to_owned());
        self
    }

    pub(crate) fn over(mut self, identifiers: &[&str]) -> Self {
        self.components = identifiers.iter().map(|identifier| (*identifier).to_owned()).collect();
        self
    }

    pub(crate) fn stating(mut self, parameters: &str) -> Self {
        self.parameters.push_str(parameters);
        self
    }

    pub(crate) fn signed_in(mut self, seconds: i64) -> Self {
        self.signed_in = seconds;
        self
    }

    /// By a key that no gateway knows.
    pub(crate) fn by_a_stranger(mut self) -> Self {
        self.key = Arc::clone(&keys().stranger);
        self
    }

    /// Signs it under the label `sig1`.
    pub(crate) fn sign(&self) -> Signed {
        let created = clock::now().seconds().saturating_add_signed(self.signed_in);
        let keyid = if self.keyid.is_empty() { String::new() } else { format!(";keyid=\"{}\"", self.keyid) };
        self.sign_stating(&format!(";created={created}{keyid}{}", self.parameters))
    }

    /// Signs it with these parameters and no others.
    pub(crate) fn sign_stating(&self, parameters: &str) -> Signed {
        let input = format!("({}){parameters}", self.components.join(" "));
        let mut base: String = self.components.iter().map(|identifier| format!("{identifier}: {}\n", self.value(identifier))).collect();
        base.push_str(&format!("\"@signature-params\": {input}"));
        let algorithm = if self.key.kind() == KeyKind::P256 { SignatureAlgorithm::EcdsaP256Sha256 } else { SignatureAlgorithm::Ed25519 };
        let signature = self.key.sign(algorithm, base.as_bytes()).unwrap();
        let Self { method, target, host, fields, content, .. } = self;
        let signed =
            Signed { method: method.clone(), target: target.clone(), host: host.clone(), fields: fields.clone(), content: content.clone() };
        signed.with("Signature-Input", &format!("sig1={input}")).with("Signature", &format!("sig1=:{}:", base64::encode(&signature)))
    }

    /// What a component says; nothing of one that is not there.
    fn value(&self, identifier: &str) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        match identifier.trim_matches('"') {
            "@method" => self.method.clone(),
            "@target-uri" => format!("{}://{}{}", self.scheme, self.host, self.target),
            "@authority" => self.host.clone(),
            "@scheme" => self.scheme.clone(),
            "@request-target" => self.target.clone(),
            "@path" => path.to_owned(),
            "@query" => format!("?{query}"),
            name => {
                let values = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
                values.collect::<Vec<_>>().join(", ")
            }
        }
    }
}
