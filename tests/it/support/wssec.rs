//! A requester of HTTP message authentication that signs whatever it is told to, and gateways that take its tokens.

use super::Config;
use super::http2::{Http2Answer, Http2Client};
use super::message::Message;
use super::{programs, tokens};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use portcullis::clock::{self, UnixTime};
use portcullis::crypto::{
    self, DigestAlgorithm, KeyKind, MacKey, NewKey, Random, SignatureAlgorithm, SigningKey, SystemRandom, base64, base64url,
};
use portcullis::scheme::wssec::wire::auth_info::AuthInfo;
use portcullis::scheme::wssec::wire::canonical::{Scope, SignatureInput, TokenHash, write_canon};
use portcullis::scheme::wssec::wire::digest_field::{Covered, DigestField};
use portcullis::scheme::wssec::wire::location::{Layout, Location, Reference, TokenLocation};
use portcullis::scheme::wssec::wire::security::{Security, Timestamp};
use portcullis::scheme::wssec::wire::{DigestName, SignatureName, Usage};
use portcullis::token::calendar;
use portcullis::token::jose::jwe::{Management, SharedKey};
use portcullis::token::jose::{IssuingKey, KeySet, cnf, describe, thumbprint};
use portcullis::token::jwt::{self, StatedHolder};
use portcullis::token::swt::{self, SwtKey};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// The realm of every scheme here.
pub(crate) const REALM: &str = "orders";
/// Who makes the JSON Web Tokens.
pub(crate) const ISSUER: &str = "https://sts.example";
/// For whom they are.
pub(crate) const AUDIENCE: &str = "orders";
/// The key in `{keys}/proof.b64`, under which proof keys travel.
pub(crate) const PROOF_KEY: [u8; 32] = [0x51; 32];
/// The key in `{keys}/context.key`, under which contexts are sealed.
pub(crate) const CONTEXT_KEY: [u8; 32] = [0x52; 32];
/// The proof key of the holders of sealed secrets.
pub(crate) const SECRET: [u8; 32] = [0x53; 32];
/// What gateways in clear text are called.
pub(crate) const HOST: &str = "localhost";

/// The private key of RFC 7515 §A.2: not every library makes RSA keys.
const RSA: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXOjS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7\
     io8ImtxLaYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNnjuygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sF\
     hSwsD174pcF1A5L5ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkftoaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62E\
     WQwuz3WTOTY8BwNNb2BvniHgVFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7/GQ5sLKMgvfTeX\
     Zx9SE+7YwVol2NXOoAJe46sui395IW/GO+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M/V51gfpRLI9JYanr\
     C4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR/RQyGWS\
     eWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0KpLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr0AHQfD8/\
     Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqElMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\
     kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAPrq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54\
     Xrrz2uNwkgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgw\
     o59dkpN75gJLVds29+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2\
     LF2mjMJDpTg7FmuyPcVw6EcGyoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZjOYiIDktVWZzmevJuv6WywUqd57LE3Zar\
     3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3ydy5cY7YIBi87w93IKLEdfnb\
     JtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A5603k2+ZQwVK0JKSHuLFkuQ3U=";

/// Whoever issues what gateways here trust. One for all tests: their keys cost time.
struct Issuers {
    /// Signs JSON Web Tokens.
    tokens: IssuingKey,
    /// Signs certificates.
    certificates: Issuer<'static, KeyPair>,
    /// The certificate of the latter.
    anchor: String,
}

fn issuers() -> &'static Issuers {
    static ISSUERS: OnceLock<Issuers> = OnceLock::new();
    ISSUERS.get_or_init(|| {
        let tokens = IssuingKey::signing(SigningKey::generate(NewKey::P256).unwrap(), None).unwrap().named("sts");
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = named("Partners");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let anchor = params.self_signed(&key).unwrap().pem();
        Issuers { tokens, certificates: Issuer::new(params, key), anchor }
    })
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// The configuration of a gateway with a scheme `partners` on its one route: every profile and location, contexts in
/// clear text, the rest by default. Its `{upstream}` has to be named.
#[derive(Clone)]
pub(crate) struct Partners {
    scheme: Vec<(String, String)>,
    route: String,
    servers: String,
    upstream: String,
    more: String,
    files: Vec<(String, String)>,
}

impl Partners {
    pub(crate) fn new() -> Self {
        let jwt = format!(
            "jwt: {{ issuer: \"{ISSUER}\", audiences: [{AUDIENCE}], jwks_file: \"{{keys}}/jwks.json\", proof_key_file: \"{{keys}}/proof.b64\" }}"
        );
        let swt = "swt: { issuers: [{ name: \"{issuer}\", key_file: \"{keys}/bouncer.b64\" }], audience: \"{audience}\", proof_key_file: \"{keys}/proof.b64\" }";
        let x509v3 = "x509v3: { trust_anchors_file: \"{keys}/anchors.pem\" }";
        let issuer = issuers().tokens.public().unwrap();
        let jwks = format!("{{\"keys\":[{}]}}", describe(issuer, "sts", None));
        assert!(KeySet::read(jwks.as_bytes()).is_ok());
        let partners = Self {
            scheme: Vec::new(),
            route: String::new(),
            servers: "\"{upstream}\"".to_owned(),
            upstream: String::new(),
            more: String::new(),
            files: Vec::new(),
        };
        let partners = partners.file("jwks.json", &jwks).file("anchors.pem", &issuers().anchor);
        let partners = partners.file("proof.b64", &base64::encode(&PROOF_KEY)).file("context.key", &base64::encode(&CONTEXT_KEY));
        partners
            .set("realm", REALM)
            .set("token_profiles", &format!("{{ {jwt}, {swt}, {x509v3} }}"))
            .set("token_locations", "[header, body, body_form, body_xml]")
            .set("max_token_size", "192KiB")
            .set("max_token_content", "2MiB")
            .set("context", "{ key_file: \"{keys}/context.key\", allow_cleartext: true }")
    }

    /// Sets a setting of the scheme, such as `signature` to `{ nonce: server }`.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.scheme.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a setting of the scheme out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.scheme.retain(|(known, _)| known != name);
        self
    }

    /// Adds a setting to the route, such as `body: while_streaming`.
    pub(crate) fn route(mut self, setting: &str) -> Self {
        self.route.push_str(&format!("    {setting}\n"));
        self
    }

    /// Adds a setting to the upstream, such as `protocol: http2`.
    pub(crate) fn upstream(mut self, setting: &str) -> Self {
        self.upstream.push_str(&format!(", {setting}"));
        self
    }

    /// Names the servers, in the place of the one `{upstream}`.
    pub(crate) fn servers(mut self, addresses: &[std::net::SocketAddr]) -> Self {
        let quoted: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
        self.servers = quoted.join(", ");
        self
    }

    /// Adds settings beside the scheme, such as `limits: { spool_after: 0B }`.
    pub(crate) fn beside(mut self, settings: &str) -> Self {
        self.more.push_str(&format!("{settings}\n"));
        self
    }

    /// Adds a file to `{keys}`, in place of another one of its name.
    pub(crate) fn file(mut self, name: &str, content: &str) -> Self {
        self.files.retain(|(known, _)| known != name);
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// The configuration.
    pub(crate) fn config(&self) -> Config {
        let Self { scheme, route, servers, upstream, more, files } = self;
        let scheme: String = scheme.iter().map(|(name, value)| format!("      {name}: {value}\n")).collect();
        let text = format!(
            "{more}schemes:\n  partners:\n    wssec:\n{scheme}upstreams:\n  bar: {{ servers: [{servers}]{upstream} }}\nroutes:\n  \
             - name: orders\n    match: {{ path: / }}\n    authenticate: partners\n    upstream: bar\n    \
             identity: {{ preset: auth-request }}\n{route}"
        );
        files.iter().fold(Config::new(&text), |config, (name, content)| config.file(name, content))
    }
}

/// The key by which somebody proves that a token is theirs.
#[derive(Clone)]
pub(crate) enum HolderKey {
    /// Signs.
    Private(Arc<SigningKey>),
    /// Makes MACs.
    Secret(Vec<u8>),
}

impl HolderKey {
    /// A new private key; the one RSA key there is.
    pub(crate) fn new(kind: KeyKind) -> Self {
        let key = match kind {
            KeyKind::Rsa => SigningKey::from_pkcs8_der(&decoded(RSA)).unwrap(),
            KeyKind::P256 => SigningKey::generate(NewKey::P256).unwrap(),
            KeyKind::P384 => SigningKey::generate(NewKey::P384).unwrap(),
            KeyKind::Ed25519 => SigningKey::generate(NewKey::Ed25519).unwrap(),
        };
        Self::Private(Arc::new(key))
    }

    /// The algorithm that it signs by unless it is told another one.
    pub(crate) fn usual(&self) -> SignatureName {
        match self {
            Self::Secret(_) => SignatureName::HmacSha256,
            Self::Private(key) => match key.kind() {
                KeyKind::Rsa => SignatureName::RsaSha256,
                KeyKind::P256 => SignatureName::EcdsaP256Sha256,
                KeyKind::P384 => SignatureName::EcdsaP384Sha384,
                KeyKind::Ed25519 => SignatureName::Ed25519,
            },
        }
    }

    /// Signs by the algorithm, if the key can; by its usual one otherwise, so that a name alone is wrong.
    pub(crate) fn sign(&self, name: SignatureName, message: &[u8]) -> Vec<u8> {
        let mac = |algorithm, secret: &[u8]| MacKey::new(algorithm, secret).sign(message).as_ref().to_vec();
        match (self, name) {
            (Self::Secret(secret), SignatureName::HmacSha512) => mac(DigestAlgorithm::Sha512, secret),
            (Self::Secret(secret), SignatureName::HmacSha1) => mac(DigestAlgorithm::Sha1, secret),
            (Self::Secret(secret), _) => mac(DigestAlgorithm::Sha256, secret),
            (Self::Private(key), SignatureName::RsaSha1) if key.kind() == KeyKind::Rsa => sign_by_openssl(key, message),
            (Self::Private(key), SignatureName::RsaPssSha256) if key.kind() == KeyKind::Rsa => {
                key.sign(SignatureAlgorithm::RsaPssSha256, message).unwrap()
            }
            (Self::Private(key), _) => {
                let algorithm = match key.kind() {
                    KeyKind::Rsa => SignatureAlgorithm::RsaPkcs1Sha256,
                    KeyKind::P256 => SignatureAlgorithm::EcdsaP256Sha256,
                    KeyKind::P384 => SignatureAlgorithm::EcdsaP384Sha384,
                    KeyKind::Ed25519 => SignatureAlgorithm::Ed25519,
                };
                key.sign(algorithm, message).unwrap()
            }
        }
    }
}

/// The library signs over SHA-1 no more.
fn sign_by_openssl(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [key_file, message_file] = ["key.der", "message"].map(|name| folder.path().join(name));
    std::fs::write(&key_file, key.to_pkcs8_der()).unwrap();
    std::fs::write(&message_file, message).unwrap();
    let mut openssl = programs::system("openssl");
    let output = openssl.args(["dgst", "-sha1", "-keyform", "DER", "-sign"]).arg(key_file).arg(message_file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Somebody with a token and the key to it.
#[derive(Clone)]
pub(crate) struct Requester {
    /// What `Authorization` says of the token.
    pub(crate) profile: &'static str,
    /// Its octets.
    pub(crate) token: Vec<u8>,
    /// The key.
    pub(crate) key: HolderKey,
}

/// What a token will say, beside its holder.
#[derive(Clone)]
pub(crate) struct Saying<'a> {
    /// Whom it speaks of.
    pub(crate) subject: &'a str,
    /// In how many seconds it ends; negative for one that has ended.
    pub(crate) expires_in: i64,
    /// Further claims.
    pub(crate) claims: Vec<(&'a str, &'a str)>,
}

impl Default for Saying<'_> {
    fn default() -> Self {
        Self { subject: "alice", expires_in: 3600, claims: Vec::new() }
    }
}

impl Requester {
    /// The holder of a private key that a JSON Web Token names (`cnf.jwk`).
    pub(crate) fn jwt(kind: KeyKind) -> Self {
        Self::jwt_of(HolderKey::new(kind), &Saying::default())
    }

    /// The holder of a secret that is sealed in a JSON Web Token (`cnf.jwe`).
    pub(crate) fn jwt_sealed() -> Self {
        Self::jwt_of(HolderKey::Secret(SECRET.to_vec()), &Saying::default())
    }

    /// The holder of a key that a JSON Web Token names or holds, which says this.
    pub(crate) fn jwt_of(key: HolderKey, saying: &Saying<'_>) -> Self {
        let sealed = match &key {
            HolderKey::Private(_) => String::new(),
            HolderKey::Secret(secret) => seal(secret, Management::Wrapped),
        };
        let holder = match &key {
            HolderKey::Private(key) => StatedHolder::Key(key.public()),
            HolderKey::Secret(_) => StatedHolder::Sealed(&sealed),
        };
        Self { profile: "jwt", token: json_web_token(holder, saying), key }
    }

    /// The holder of a secret that is sealed in a Simple Web Token.
    pub(crate) fn swt() -> Self {
        Self::swt_of(SECRET.to_vec(), &Saying::default())
    }

    /// The holder of a secret in a Simple Web Token, which says this.
    pub(crate) fn swt_of(secret: Vec<u8>, saying: &Saying<'_>) -> Self {
        let sealed = seal(&secret, Management::Direct);
        let claims = [&[(tokens::SUBJECT, saying.subject), (cnf::SEALED_CLAIM, &*sealed)], &*saying.claims].concat();
        let statement = swt::Statement {
            claims: &claims,
            issuer: tokens::ISSUER,
            audience: Some(tokens::AUDIENCE),
            expires: Some(in_seconds(saying.expires_in)),
        };
        let token = swt::issue(&statement, &SwtKey::from_octets(&tokens::KEY).unwrap()).unwrap();
        Self { profile: "swt", token: token.as_bytes().to_vec(), key: HolderKey::Secret(secret) }
    }

    /// The holder of a certificate for a key of this kind.
    pub(crate) fn x509(kind: KeyKind) -> Self {
        let key = HolderKey::new(kind);
        let HolderKey::Private(private) = &key else { panic!("a new key is private") };
        let pair = KeyPair::try_from(private.to_pkcs8_der()).unwrap();
        let mut params = CertificateParams::new(vec!["alice.example".to_owned()]).unwrap();
        params.distinguished_name = named("alice");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let token = params.signed_by(&pair, &issuers().certificates).unwrap().der().to_vec();
        Self { profile: "x509v3", token, key }
    }

    /// The holder of the context that an `X-WSS-AuthInfo` grants.
    pub(crate) fn of_info(field: &str) -> Self {
        let info = AuthInfo::read(field.as_bytes()).unwrap();
        let grant = info.context.unwrap_or_else(|| panic!("no context in {field}"));
        let secret = grant.secret_octets().unwrap();
        Self { profile: "sct", token: decoded(grant.token), key: HolderKey::Secret(secret.to_vec()) }
    }

    /// A request without content, to be signed.
    pub(crate) fn get(&self, target: &str) -> Draft {
        self.request("GET", target, b"")
    }

    /// A request with content, to be signed.
    pub(crate) fn post(&self, target: &str, content: &[u8]) -> Draft {
        self.request("POST", target, content)
    }

    /// A request, to be signed: the token in one field, a digest where a gateway wants one by default.
    pub(crate) fn request(&self, method: &str, target: &str, content: &[u8]) -> Draft {
        let has_digest = !content.is_empty() || ["POST", "PUT", "PATCH"].contains(&method);
        Draft {
            method: method.to_owned(),
            target: target.to_owned(),
            host: HOST.to_owned(),
            authorization: Some(format!("WSSEC realm=\"{REALM}\", profile=\"{}\"", self.profile)),
            fields: Vec::new(),
            place: Place::Header,
            location: None,
            token: self.token.clone(),
            token_hash: None,
            content: content.to_vec(),
            usage: if has_digest { Usage::Message } else { Usage::Auth },
            algorithm: self.key.usual(),
            nonce: nonce(),
            timestamp: timestamp(0),
            digest_algorithm: DigestName::Sha256,
            covered: None,
            digest: None,
            key: self.key.clone(),
        }
    }
}

fn json_web_token(holder: StatedHolder<'_>, saying: &Saying<'_>) -> Vec<u8> {
    let statement = jwt::Statement {
        token_type: "at+jwt",
        issuer: ISSUER,
        subject: Some(saying.subject),
        audiences: &[AUDIENCE],
        issued: in_seconds(saying.expires_in.min(0) - 1),
        expires: in_seconds(saying.expires_in),
        claims: &saying.claims,
        holder,
    };
    jwt::issue(&statement, &issuers().tokens).unwrap().as_bytes().to_vec()
}

fn seal(secret: &[u8], management: Management) -> String {
    let shared = SharedKey::from_octets(&PROOF_KEY).unwrap();
    cnf::seal(secret, &shared, management, None, &SystemRandom::new()).unwrap().to_string()
}

/// A nonce that nobody used before.
pub(crate) fn nonce() -> String {
    let mut octets = [0; 16];
    SystemRandom::new().fill(&mut octets).unwrap();
    base64url::encode(&octets)
}

/// The time so many seconds from now, as signatures state it.
pub(crate) fn timestamp(seconds: i64) -> String {
    calendar::utc_text(in_seconds(seconds)).unwrap()
}

fn in_seconds(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(clock::now().seconds().saturating_add_signed(seconds))
}

fn decoded(text: &str) -> Vec<u8> {
    let mut buffer = vec![0; text.len()];
    base64::decode(text.as_bytes(), &mut buffer).unwrap().to_vec()
}

/// Where the token goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into one field.
    Header,
    /// Into fields of so many characters, in number order.
    Fragments(usize),
    /// It is the content.
    Body,
    /// It stands in the content already, in the form field of this name.
    BodyForm(String),
    /// It stands in the content already, where this query finds it.
    BodyXml(String),
    /// Nothing says where.
    Unstated,
}

/// A request before it is signed. Everything can be changed; the signature then says so, too.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    /// The value of `Authorization`; no such field where it is `None`.
    pub(crate) authorization: Option<String>,
    /// Further fields, such as `Content-Type`.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) place: Place,
    /// What `X-WSS-TokenLoc` says in the place of where the token is.
    pub(crate) location: Option<String>,
    pub(crate) token: Vec<u8>,
    /// What is hashed in the place of the token.
    pub(crate) token_hash: Option<Vec<u8>>,
    pub(crate) content: Vec<u8>,
    pub(crate) usage: Usage,
    pub(crate) algorithm: SignatureName,
    pub(crate) nonce: String,
    pub(crate) timestamp: String,
    pub(crate) digest_algorithm: DigestName,
    /// The covered fields; where it is `None`, those that gateways want by default and that are there.
    pub(crate) covered: Option<Vec<String>>,
    /// What the digest is said to be, in the place of what it is, in base64.
    pub(crate) digest: Option<String>,
    pub(crate) key: HolderKey,
}

impl Draft {
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub(crate) fn nonce(mut self, nonce: &str) -> Self {
        nonce.clone_into(&mut self.nonce);
        self
    }

    pub(crate) fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    pub(crate) fn algorithm(mut self, algorithm: SignatureName) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// So many seconds from now.
    pub(crate) fn signed_in(mut self, seconds: i64) -> Self {
        self.timestamp = timestamp(seconds);
        self
    }

    pub(crate) fn covering(mut self, names: &[&str]) -> Self {
        self.covered = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// The token as the content, whose digest is signed.
    pub(crate) fn token_as_content(mut self) -> Self {
        self.content.clone_from(&self.token);
        self.usage(Usage::Message).at(Place::Body)
    }

    /// A form of at least `size` octets with the token in its field `token`, whose digest is signed.
    pub(crate) fn token_in_form(mut self, size: usize) -> Self {
        let token: String = base64::encode(&self.token).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let text = format!("token={token}&drink=");
        self.content = padded(&text, "", size);
        self.field("Content-Type", "application/x-www-form-urlencoded").usage(Usage::Message).at(Place::BodyForm("token".to_owned()))
    }

    /// A document of at least `size` octets with the token in an element, whose digest is signed.
    pub(crate) fn token_in_xml(mut self, size: usize) -> Self {
        let token = base64::encode(&self.token);
        let start = format!("<e:Envelope xmlns:e='urn:e'><e:Header><Token>{token}</Token></e:Header><e:Body>");
        self.content = padded(&start, "</e:Body></e:Envelope>", size);
        self.field("Content-Type", "application/xml").usage(Usage::Message).at(Place::BodyXml("/Envelope/Header/Token".to_owned()))
    }

    /// Signs it.
    pub(crate) fn sign(&self) -> Signed {
        let mut fields = Vec::new();
        if let Some(authorization) = &self.authorization {
            fields.push(("Authorization".to_owned(), authorization.clone()));
        }
        fields.extend(self.fields.iter().cloned());
        self.add_token(&mut fields);
        let covered = self.covered.clone().unwrap_or_else(|| usually_covered(&fields));
        let covered = Covered::new(covered.iter().map(String::as_str).collect()).unwrap();
        let value = self.digest.clone().unwrap_or_else(|| self.digest_of(&covered, &fields));
        let digest = DigestField { algorithm: self.digest_algorithm, value: &value, covered };
        let scope = match self.usage {
            Usage::Auth => Scope::Auth,
            Usage::Message => Scope::Message(&digest),
        };
        if self.usage == Usage::Message {
            fields.push(("X-WSS-Digest".to_owned(), digest.to_string()));
        }
        fields.push(("X-WSS-Security".to_owned(), self.security(scope)));
        let Self { method, target, host, content, .. } = self;
        Signed { method: method.clone(), target: target.clone(), host: host.clone(), fields, content: content.clone() }
    }

    fn security(&self, scope: Scope<'_>) -> String {
        let token_hash = TokenHash::of(self.token_hash.as_ref().unwrap_or(&self.token));
        let input = SignatureInput {
            method: &self.method,
            path_and_query: &self.target,
            host: &self.host,
            algorithm: self.algorithm,
            nonce: &self.nonce,
            timestamp: &self.timestamp,
            token_hash: &token_hash,
            scope,
        };
        let mut octets = Vec::new();
        input.write(&mut octets);
        let signature = base64::encode(&self.key.sign(self.algorithm, &octets));
        let timestamp = Timestamp { time: UnixTime::from_seconds(0), text: &self.timestamp };
        Security { usage: self.usage, algorithm: self.algorithm, nonce: &self.nonce, timestamp, signature: &signature }.to_string()
    }

    fn add_token(&self, fields: &mut Vec<(String, String)>) {
        let text = base64::encode(&self.token);
        let (location, cuts): (_, Vec<&str>) = match &self.place {
            Place::Header => (Location::Header(Layout::Sole), vec![&*text]),
            Place::Fragments(size) => {
                let cuts: Vec<_> = text.as_bytes().chunks(*size).map(|cut| std::str::from_utf8(cut).unwrap()).collect();
                let layout = Layout::Cut { count: u8::try_from(cuts.len()).unwrap(), size: u16::try_from(*size).unwrap() };
                (Location::Header(layout), cuts)
            }
            Place::Body => (Location::Body, Vec::new()),
            Place::BodyForm(field) => (Location::BodyForm { field: Cow::Borrowed(field) }, Vec::new()),
            Place::BodyXml(query) => (Location::BodyXml { query: Cow::Borrowed(query) }, Vec::new()),
            Place::Unstated => return,
        };
        let stated = self.location.clone().unwrap_or_else(|| TokenLocation { location, reference: Reference::Direct }.to_string());
        fields.push(("X-WSS-TokenLoc".to_owned(), stated));
        fields.extend(cuts.iter().zip(1..).map(|(cut, number)| (format!("X-WSS-Token{number}"), (*cut).to_owned())));
    }

    fn digest_of(&self, covered: &Covered<'_>, fields: &[(String, String)]) -> String {
        let typed = |(name, value): &(String, String)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in fields.iter().map(typed) {
            map.append(name, value);
        }
        let mut octets = Vec::new();
        write_canon(covered, &map, &mut octets).unwrap();
        octets.extend_from_slice(&self.content);
        let algorithm = match self.digest_algorithm {
            DigestName::Sha256 => DigestAlgorithm::Sha256,
            DigestName::Sha512 => DigestAlgorithm::Sha512,
            DigestName::Sha1 => DigestAlgorithm::Sha1,
        };
        base64::encode(crypto::digest(algorithm, &octets).as_ref())
    }
}

fn padded(start: &str, end: &str, size: usize) -> Vec<u8> {
    let padding = "x".repeat(size.saturating_sub(start.len() + end.len()));
    [start, &padding, end].concat().into_bytes()
}

fn usually_covered(fields: &[(String, String)]) -> Vec<String> {
    let names = fields.iter().map(|(name, _)| name.to_ascii_lowercase());
    names.filter(|name| name == "authorization" || name == "content-type" || name.starts_with("x-wss-token")).collect()
}

/// A signed request, in plain fields: what is changed from here on is not signed.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) content: Vec<u8>,
}

impl Signed {
    /// The value of a field that stands once.
    pub(crate) fn value(&self, name: &str) -> &str {
        let mut values = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.fields));
        assert!(values.next().is_none(), "{name} is repeated");
        &value.1
    }

    /// Changes the value of a field, where it stands.
    pub(crate) fn change(mut self, name: &str, change: impl Fn(&str) -> String) -> Self {
        let changed = change(self.value(name));
        for (_, value) in self.fields.iter_mut().filter(|(known, _)| known.eq_ignore_ascii_case(name)) {
            value.clone_from(&changed);
        }
        self
    }

    /// Adds a field behind the others.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes fields away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Turns the order of the fields around.
    pub(crate) fn reversed(mut self) -> Self {
        self.fields.reverse();
        self
    }

    /// Changes the octet in the middle of the content.
    pub(crate) fn tampered(mut self) -> Self {
        let middle = self.content.len() / 2;
        self.content[middle] ^= 1;
        self
    }

    /// The head over HTTP/1.1 with further lines, each with its CR LF.
    pub(crate) fn head(&self, lines: &str) -> String {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{} {} HTTP/1.1\r\nHost: {}\r\n{fields}{lines}\r\n", self.method, self.target, self.host)
    }

    /// All of it over HTTP/1.1, with its length where there is content.
    pub(crate) fn whole(&self) -> Vec<u8> {
        let length = if self.content.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", self.content.len()) };
        [self.head(&length).as_bytes(), &self.content].concat()
    }

    /// All of it over HTTP/1.1, in chunks of this size.
    pub(crate) fn chunked(&self, size: usize) -> Vec<u8> {
        let mut octets = self.head("Transfer-Encoding: chunked\r\n").into_bytes();
        for chunk in self.content.chunks(size) {
            octets.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            octets.extend_from_slice(chunk);
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(b"0\r\n\r\n");
        octets
    }

    /// Its answer over HTTP/1.1, on a connection of its own.
    pub(crate) async fn ask(&self, to: std::net::SocketAddr) -> Message {
        super::raw::ask(to, self.whole()).await
    }

    /// Its answer over HTTP/2.
    pub(crate) async fn ask_over(&self, client: &mut Http2Client) -> Result<Http2Answer, h2::Error> {
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        client.ask(&self.method, &format!("http://{}{}", self.host, self.target), &fields, &self.content, &[]).await
    }
}
