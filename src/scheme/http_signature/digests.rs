//! What a signature says of the content: the digests that it covers.

use super::coverage::{CONTENT_DIGEST, REPR_DIGEST};
use super::wire::digest_field::{self, ClaimedDigest};
use super::wire::input::Stated;
use super::wire::{Component, Form};
use crate::scheme::{ContentDigest, ContentPledge, Malformation, Refusal, Rejection};
use http::HeaderMap;
use http::header::CONTENT_RANGE;

/// What is left to be held against the content: every digest of a covered field that can be compared. A field that
/// is not covered proves nothing and is not looked at.
pub(super) fn pledge(stated: &Stated<'_>, fields: &HeaderMap) -> Result<ContentPledge, Refusal> {
    let mut claimed: Vec<ClaimedDigest> = Vec::new();
    for name in [CONTENT_DIGEST, REPR_DIGEST] {
        // A part of a representation (RFC 9110 §14.5) is not what the digest of the whole is of.
        if name == REPR_DIGEST && fields.contains_key(CONTENT_RANGE) {
            continue;
        }
        for other in covered(name, stated, fields)? {
            match claimed.iter().find(|known| known.algorithm == other.algorithm) {
                Some(known) if known.octets != other.octets => return Err(Rejection::DigestMismatch.into()),
                Some(_) => {}
                None => claimed.push(other),
            }
        }
    }
    let mut claimed = claimed.into_iter();
    Ok(claimed.next().map_or(ContentPledge::Nothing, |first| {
        let begun = ContentDigest::begin(first.algorithm, &[], &first.octets);
        ContentPledge::Digest(Box::new(claimed.fold(begun, |digest, next| digest.and(next.algorithm, &next.octets))))
    }))
}

/// The digests of a field, none where it is not covered. One that is covered and says nothing that can be compared
/// is refused, and so is a signature over a member that cannot be.
fn covered(name: &'static str, stated: &Stated<'_>, fields: &HeaderMap) -> Result<Vec<ClaimedDigest>, Refusal> {
    let mut members = stated.components.iter().filter(|covered| covered.name == name).peekable();
    if members.peek().is_none() {
        return Ok(Vec::new());
    }
    let lines = fields.get_all(name).iter().map(http::HeaderValue::as_bytes);
    let claimed = digest_field::read(lines).map_err(|unreadable| Malformation::Signature(name, unreadable))?;
    let compared = members.all(|covered| {
        let Component::Field { form: Form::Member(key), .. } = covered.component else { return true };
        digest_field::find(key).is_some()
    });
    if claimed.is_empty() || !compared { Err(Rejection::AlgorithmRefused(Box::default()).into()) } else { Ok(claimed) }
}
