//! The other side: signs requests so that this scheme, or anybody else's, can verify them.

use super::wire::base::{self, Message};
use super::wire::input::Stated;
use super::wire::structured::StructuredFields;
use super::wire::{MessageAlgorithm, Unreadable, write_text};
use crate::clock::UnixTime;
use crate::crypto::base64;
use crate::token::jose::{IssuingKey, Unfit};
use http::HeaderValue;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

/// Room for most values of `Signature-Input`.
const USUAL_INPUT: usize = 256;

/// Signs by one key. It never prints.
pub struct MessageSigner {
    key: Arc<IssuingKey>,
    algorithm: MessageAlgorithm,
    settings: SignerSettings,
}

/// What stands in every signature of a signer.
#[derive(Clone, Debug)]
pub struct SignerSettings {
    /// The label.
    pub label: Box<str>,
    /// The name of the key, as the verifier knows it.
    pub keyid: Box<str>,
    /// What signatures are for; empty for nothing in particular.
    pub tag: Box<str>,
    /// After how many seconds signatures end; 0 where that is the verifier's to say.
    pub lifetime: u64,
    /// What is covered, as signed identifiers: `"@method"`, `"content-type"`, `"@query-param";name="id"`.
    /// Fields that a request does not have are left out; those with values beyond ASCII are covered as octets (`bs`).
    pub components: Box<[Box<str>]>,
}

/// The fields that a signature is in.
#[derive(Clone, Debug)]
pub struct SignatureFields {
    /// The value of `Signature-Input`.
    pub input: HeaderValue,
    /// The value of `Signature`.
    pub signature: HeaderValue,
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignRefusal {
    /// The key is for an algorithm that messages are not signed by.
    Algorithm,
    /// A component, or a text among the settings, cannot be written or is not in the message.
    Unwritable(Unreadable),
    /// The key could not sign.
    Signing(Unfit),
}

impl MessageSigner {
    /// A signer.
    ///
    /// # Errors
    /// The key is for an algorithm that messages are not signed by.
    pub fn new(key: impl Into<Arc<IssuingKey>>, settings: SignerSettings) -> Result<Self, SignRefusal> {
        let key = key.into();
        let algorithm = MessageAlgorithm::of_jose(key.algorithm()).ok_or(SignRefusal::Algorithm)?;
        Ok(Self { key, algorithm, settings })
    }

    /// What stands in every signature.
    pub const fn settings(&self) -> &SignerSettings {
        &self.settings
    }

    /// Signs a request. What is written is read back by the verifier's reader: it never signs what that would refuse.
    ///
    /// # Errors
    /// See [`SignRefusal`].
    pub fn sign(&self, message: &Message<'_>, nonce: &str, now: UnixTime) -> Result<SignatureFields, SignRefusal> {
        let input = self.input(message, nonce, now)?;
        let mut signed = Vec::new();
        let stated = Stated::read([input.as_slice()].into_iter()).map_err(SignRefusal::Unwritable)?;
        for stated in &stated {
            stated.check().map_err(SignRefusal::Unwritable)?;
            base::write(stated, message, &StructuredFields::default(), &mut signed).map_err(SignRefusal::Unwritable)?;
        }
        let signature = base64::encode(&self.key.sign(&signed).map_err(SignRefusal::Signing)?);
        let unwritable = SignRefusal::Unwritable(Unreadable::Syntax);
        let mut signature = HeaderValue::try_from([&self.settings.label, "=:", &signature, ":"].concat()).map_err(|_| unwritable)?;
        signature.set_sensitive(true);
        Ok(SignatureFields { input: HeaderValue::try_from(input).map_err(|_| unwritable)?, signature })
    }

    /// The algorithm is not stated: the verifier knows the key's.
    fn input(&self, message: &Message<'_>, nonce: &str, now: UnixTime) -> Result<Vec<u8>, SignRefusal> {
        let SignerSettings { label, keyid, tag, lifetime, components } = &self.settings;
        let mut input = Vec::with_capacity(USUAL_INPUT);
        input.extend_from_slice(label.as_bytes());
        input.extend_from_slice(b"=(");
        let is_there = |component: &&str| field_name(component).is_none_or(|name| message.fields.contains_key(name));
        for (place, component) in components.iter().map(|component| &**component).filter(is_there).enumerate() {
            if place > 0 {
                input.push(b' ');
            }
            input.extend_from_slice(component.as_bytes());
            if needs_octets(component, message) {
                input.extend_from_slice(b";bs");
            }
        }
        input.push(b')');
        let seconds = now.seconds();
        let mut written = write!(input, ";created={seconds}");
        if *lifetime > 0 {
            written = written.and(write!(input, ";expires={}", now.later(*lifetime).seconds()));
        }
        written.map_err(|_| SignRefusal::Unwritable(Unreadable::Parameter))?;
        for (name, value) in [(";keyid=", &**keyid), (";nonce=", nonce), (";tag=", tag)] {
            if !value.is_empty() {
                input.extend_from_slice(name.as_bytes());
                write_text(value, &mut input);
            }
        }
        Ok(input)
    }
}

/// Whether a whole field has values beyond ASCII, which no signature base has in it (RFC 9421 §2.5): they are signed as
/// octets (§2.1.3).
fn needs_octets(identifier: &str, message: &Message<'_>) -> bool {
    let whole = field_name(identifier).filter(|name| identifier.len() == name.len().saturating_add(2));
    whole.is_some_and(|name| message.fields.get_all(name).iter().any(|value| !value.as_bytes().is_ascii()))
}

/// The name of the field that an identifier is of; nothing for what is derived.
fn field_name(identifier: &str) -> Option<&str> {
    identifier.strip_prefix('"')?.split('"').next().filter(|name| !name.starts_with('@'))
}

impl fmt::Debug for MessageSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageSigner({}, …)", self.algorithm.word())
    }
}

impl fmt::Display for SignRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm => f.write_str("the key is for an algorithm that messages are not signed by"),
            Self::Unwritable(reason) => write!(f, "the request has no such component, or it cannot be written ({})", reason.reason()),
            Self::Signing(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for SignRefusal {}
