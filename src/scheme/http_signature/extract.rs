//! Finds the one signature of a request that counts.

use super::wire::input::{Made, Stated};
use super::wire::{INPUT, SIGNATURE, Unreadable};
use crate::scheme::{Malformation, RequestHead};
use http::HeaderName;
use std::fmt;

/// A signature, and what it says it is about. Not judged yet.
pub struct SignatureCredential<'r> {
    /// What it is about.
    pub(super) stated: Stated<'r>,
    /// Its octets.
    pub(super) signature: Vec<u8>,
}

impl fmt::Debug for SignatureCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureCredential(…)")
    }
}

/// Which signature counts, and how much is read to find it.
pub(super) struct Extractor {
    /// Its label; empty for any.
    pub(super) label: Box<str>,
    /// Its tag; empty for any.
    pub(super) tag: Box<str>,
    /// The most octets of either field.
    pub(super) max_size: usize,
}

impl Extractor {
    /// Among several signatures the configuration chooses, and where it does not, there must be one only. Who signed
    /// what else on the way is not asked.
    pub(super) fn extract<'r>(&self, head: &RequestHead<'r>) -> Result<Option<SignatureCredential<'r>>, Malformation> {
        if !head.fields.contains_key(INPUT) && !head.fields.contains_key(SIGNATURE) {
            return Ok(None);
        }
        self.check_size(head, &INPUT)?;
        self.check_size(head, &SIGNATURE)?;
        let mut stated = Stated::read(values(head, &INPUT)).map_err(|unreadable| malformed("Signature-Input", unreadable))?;
        let made = Made::read(values(head, &SIGNATURE)).map_err(|unreadable| malformed("Signature", unreadable))?;
        let paired = stated.iter().all(|stated| made.iter().any(|made| made.label == stated.label));
        if stated.is_empty() || stated.len() != made.len() || !paired {
            return Err(Malformation::CredentialSyntax);
        }
        stated.retain(|stated| self.counts(stated));
        match (stated.pop(), stated.is_empty()) {
            (None, _) => Ok(None),
            (Some(_), false) => Err(Malformation::SeveralTokens),
            (Some(stated), true) => {
                let signature = made.into_iter().find(|made| made.label == stated.label).map(|made| made.octets);
                Ok(Some(SignatureCredential { stated, signature: signature.ok_or(Malformation::CredentialSyntax)? }))
            }
        }
    }

    fn counts(&self, stated: &Stated<'_>) -> bool {
        let is_label = self.label.is_empty() || *stated.label == *self.label;
        is_label && (self.tag.is_empty() || *stated.parameters.tag == *self.tag)
    }

    fn check_size(&self, head: &RequestHead<'_>, name: &HeaderName) -> Result<(), Malformation> {
        let size = values(head, name).fold(0, |sum: usize, value| sum.saturating_add(value.len()));
        if size > self.max_size { Err(Malformation::TokenTooLarge) } else { Ok(()) }
    }
}

fn values<'r>(head: &RequestHead<'r>, name: &HeaderName) -> impl Iterator<Item = &'r [u8]> {
    head.fields.get_all(name).iter().map(http::HeaderValue::as_bytes)
}

/// Two signatures under one label are two credentials.
const fn malformed(field: &'static str, unreadable: Unreadable) -> Malformation {
    if matches!(unreadable, Unreadable::LabelRepeated) { Malformation::SeveralTokens } else { Malformation::Signature(field, unreadable) }
}
