//! One request signed: the token placed, the message digested, the signature made.

use super::placement::Room;
use super::{Content, HolderKey, Placement, Policy, Request, Token, TokenTooLarge, TokenUnavailable};
use crate::clock::UnixTime;
use crate::crypto::{DigestAlgorithm, Hasher, Random, RandomUnavailable, SigningFault, base64};
use crate::scheme::http_signature::signer::SignRefusal;
use crate::scheme::wssec::wire::authorization::Authorization;
use crate::scheme::wssec::wire::canonical::{Scope, SignatureInput, TokenHash, write_canon};
use crate::scheme::wssec::wire::digest_field::{Covered, DigestField};
use crate::scheme::wssec::wire::fragments::{FRAGMENT_NAME, field_name};
use crate::scheme::wssec::wire::location::{Layout, Location, Reference, TokenLocation};
use crate::scheme::wssec::wire::security::{Security, Timestamp};
use crate::scheme::wssec::wire::{DIGEST, DigestName, FIELD_FAMILY, SECURITY, SignatureName, TOKEN_LOCATION, Unreadable, Usage};
use crate::token::calendar;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::io;

/// The random octets in a nonce.
const NONCE_OCTETS: usize = 16;
/// What is always covered; fragments are, too.
const USUALLY_COVERED: [&str; 3] = ["authorization", "content-type", "x-wss-tokenloc"];

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Signed {
    /// All its fields.
    pub fields: HeaderMap,
    /// Its content: the request's own, or the token.
    pub content: Content,
    /// What it presents.
    pub credential: Credential,
    /// The realm that it was signed for; empty where none is known.
    pub realm: Box<str>,
}

/// What a request presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing, to be told how.
    Nothing,
    /// The token of the source.
    Token,
    /// A context token.
    Context,
}

/// Why a request cannot be signed.
#[derive(Debug)]
pub enum SignFault {
    /// The request has a field already that signing adds.
    FieldTaken(HeaderName),
    /// There is no token.
    Token(TokenUnavailable),
    /// The token fits nowhere.
    Placement(TokenTooLarge),
    /// The key signs by none of the accepted algorithms.
    SignatureAlgorithm,
    /// None of the accepted digest algorithms is one that is still used.
    DigestAlgorithm,
    /// A field cannot be covered, most likely since it stands several times.
    Covered(Unreadable),
    /// The realm or the profile holds characters that no field may have.
    Characters,
    /// The content cannot be read.
    Content(io::Error),
    /// The key could not sign.
    Signing(SigningFault),
    /// There is no randomness for a nonce.
    Random(RandomUnavailable),
    /// The time is not one that can be written down.
    Time,
    /// The request cannot be signed by an HTTP message signature.
    Message(SignRefusal),
}

/// What a signature is made with.
pub(super) struct Signer<'r> {
    pub(super) policy: &'r Policy,
    pub(super) placement: Placement,
    pub(super) token: &'r Token,
    pub(super) key: &'r HolderKey,
    pub(super) algorithm: SignatureName,
    pub(super) nonce: &'r str,
    pub(super) now: UnixTime,
}

impl Signed {
    /// The request as it is, to be told how to sign.
    pub(super) fn bare(request: &Request) -> Result<Self, SignFault> {
        refuse_ours(&request.fields)?;
        let (fields, content) = (request.fields.clone(), request.content.clone());
        Ok(Self { fields, content, credential: Credential::Nothing, realm: Box::default() })
    }

    /// The fields that signing added, in the order in which they were.
    pub fn added(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.fields.iter().filter(|(name, _)| is_ours(name))
    }
}

fn is_ours(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || name.as_str().starts_with(FIELD_FAMILY)
}

/// A second credential would be refused, so whoever set one hears of it here.
fn refuse_ours(fields: &HeaderMap) -> Result<(), SignFault> {
    fields.keys().find(|name| is_ours(name)).map_or(Ok(()), |name| Err(SignFault::FieldTaken(name.clone())))
}

/// A nonce of 128 random bits.
pub(super) fn draw_nonce(random: &impl Random) -> Result<Box<str>, SignFault> {
    let mut octets = [0; NONCE_OCTETS];
    random.fill(&mut octets).map_err(SignFault::Random)?;
    Ok(base64::encode(&octets).into())
}

impl Signer<'_> {
    /// Signs a request.
    pub(super) fn sign(&self, request: &Request, credential: Credential) -> Result<Signed, SignFault> {
        let bare = Signed { credential, realm: self.policy.realm.clone(), ..Signed::bare(request)? };
        let (mut signed, length) = self.place(bare, request)?;
        match self.usage(request, length) {
            Usage::Auth => self.add_signature(request, &mut signed.fields, Scope::Auth)?,
            Usage::Message => self.add_digest(request, &mut signed)?,
        }
        Ok(signed)
    }

    /// Puts the token where it fits. Tells the length of the content as it is then.
    fn place(&self, mut signed: Signed, request: &Request) -> Result<(Signed, u64), SignFault> {
        let length = request.content.length().map_err(SignFault::Content)?;
        let text = base64::encode(self.token.octets());
        let room = if length == 0 { Room::Free } else { Room::Taken };
        let location = self.placement.place(text.len(), &request.method, room).map_err(SignFault::Placement)?;
        let stated = Authorization { realm: (&*self.policy.realm).into(), profile: self.token.profile().into() };
        add(&mut signed.fields, AUTHORIZATION, &stated)?;
        add(&mut signed.fields, TOKEN_LOCATION, &TokenLocation { location: location.clone(), reference: Reference::Direct })?;
        let size = match location {
            Location::Header(Layout::Sole) => text.len(),
            Location::Header(Layout::Cut { size, .. }) => usize::from(size),
            Location::Body | Location::BodyForm { .. } | Location::BodyXml { .. } => {
                signed.content = Content::Octets(Bytes::copy_from_slice(self.token.octets()));
                return Ok((signed, u64::try_from(self.token.octets().len()).unwrap_or(u64::MAX)));
            }
        };
        for (number, part) in (1..).zip(text.as_bytes().chunks(size.max(1))) {
            let name = field_name(number).ok_or(SignFault::Placement(TokenTooLarge))?;
            let mut value = HeaderValue::from_bytes(part).map_err(|_| SignFault::Characters)?;
            value.set_sensitive(true);
            signed.fields.insert(name, value);
        }
        Ok((signed, length))
    }

    /// Servers may want the whole message signed where it changes something, even by what has no content.
    fn usage(&self, request: &Request, length: u64) -> Usage {
        if length > 0 || !request.method.is_safe() { Usage::Message } else { self.policy.usage }
    }

    fn add_digest(&self, request: &Request, signed: &mut Signed) -> Result<(), SignFault> {
        let algorithm = self.digest_algorithm().ok_or(SignFault::DigestAlgorithm)?;
        let before = signed.fields.clone();
        let covered = self.covered(&before)?;
        let mut canon = Vec::new();
        write_canon(&covered, &before, &mut canon).map_err(SignFault::Covered)?;
        let mut hasher = Hasher::new(algorithm.1);
        hasher.update(&canon);
        signed.content.digest_into(&mut hasher).map_err(SignFault::Content)?;
        let value = base64::encode(hasher.finish().as_ref());
        let digest = DigestField { algorithm: algorithm.0, value: &value, covered };
        add(&mut signed.fields, DIGEST, &digest)?;
        self.add_signature(request, &mut signed.fields, Scope::Message(&digest))
    }

    fn digest_algorithm(&self) -> Option<(DigestName, DigestAlgorithm)> {
        let accepted = |name| self.policy.digests.is_empty() || self.policy.digests.contains(&name);
        [(DigestName::Sha256, DigestAlgorithm::Sha256), (DigestName::Sha512, DigestAlgorithm::Sha512)]
            .into_iter()
            .find(|(name, _)| accepted(*name))
    }

    /// The names that are covered, of those whose fields are there: more than what is asked for does no harm.
    fn covered<'f>(&self, fields: &'f HeaderMap) -> Result<Covered<'f>, SignFault> {
        let usual = |name: &str| USUALLY_COVERED.contains(&name) || name.starts_with(FRAGMENT_NAME);
        let asked = |name: &str| self.policy.covered.iter().any(|asked| &**asked == name);
        let names = fields.keys().map(HeaderName::as_str).filter(|name| usual(name) || asked(name));
        Covered::new(names.collect()).map_err(SignFault::Covered)
    }

    fn add_signature(&self, request: &Request, fields: &mut HeaderMap, scope: Scope<'_>) -> Result<(), SignFault> {
        let timestamp = calendar::utc_text(self.now).ok_or(SignFault::Time)?;
        let mut input = Vec::new();
        SignatureInput {
            method: request.method.as_str(),
            path_and_query: request.target.path_and_query(),
            host: request.target.host(),
            algorithm: self.algorithm,
            nonce: self.nonce,
            timestamp: &timestamp,
            token_hash: &TokenHash::of(self.token.octets()),
            scope,
        }
        .write(&mut input);
        let signature = base64::encode(&self.key.sign(self.algorithm, &input).map_err(SignFault::Signing)?);
        let security = Security {
            usage: scope.usage(),
            algorithm: self.algorithm,
            nonce: self.nonce,
            timestamp: Timestamp { time: self.now, text: &timestamp },
            signature: &signature,
        };
        add(fields, SECURITY, &security)
    }
}

fn add(fields: &mut HeaderMap, name: HeaderName, value: &dyn fmt::Display) -> Result<(), SignFault> {
    let mut text = String::new();
    fmt::write(&mut text, format_args!("{value}")).map_err(|_| SignFault::Characters)?;
    fields.insert(name, HeaderValue::try_from(text).map_err(|_| SignFault::Characters)?);
    Ok(())
}

impl fmt::Display for SignFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldTaken(name) => write!(f, "the request has a field {name} already, which signing adds"),
            Self::Token(reason) => reason.fmt(f),
            Self::Placement(reason) => reason.fmt(f),
            Self::SignatureAlgorithm => f.write_str("the key signs by none of the algorithms that the server accepts"),
            Self::DigestAlgorithm => f.write_str("the server accepts digests by old algorithms only"),
            Self::Covered(reason) => write!(f, "a field that is to be covered cannot be ({reason})"),
            Self::Characters => f.write_str("realm or profile have characters that no field may have"),
            Self::Content(error) => write!(f, "the content cannot be read: {error}"),
            Self::Signing(reason) => reason.fmt(f),
            Self::Random(reason) => reason.fmt(f),
            Self::Time => f.write_str("the clock is far beyond any calendar"),
            Self::Message(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for SignFault {}
