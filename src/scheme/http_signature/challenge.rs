//! What a refusal asks for: how requests are to be signed (RFC 9421 §5), and how contents are (RFC 9530 §4).

use super::config::CreatedRule;
use super::extract::Extractor;
use super::verify::Verifier;
use super::wire::write_text;
use crate::scheme::Challenge;
use http::HeaderValue;

/// The fields of a 401, the same each time. RFC 9421 knows no authentication scheme, but a 401 must have a challenge
/// (RFC 9110 §15.5.2): `Signature` is what others have called it since before there was a specification.
pub(super) fn build(realm: &str, extractor: &Extractor, verifier: &Verifier) -> Box<[Challenge]> {
    let mut authenticate = b"Signature realm=".to_vec();
    write_text(realm, &mut authenticate);
    let mut fields = vec![("WWW-Authenticate", authenticate), ("Accept-Signature", accept_signature(extractor, verifier))];
    if verifier.coverage.asks_for_digest() {
        fields.push(("Want-Content-Digest", b"sha-256=5, sha-512=10".to_vec()));
    }
    let valued = |(field, value): (&'static str, Vec<u8>)| HeaderValue::from_bytes(&value).ok().map(|value| Challenge { field, value });
    fields.into_iter().filter_map(valued).collect()
}

/// A nonce that is asked for is one that we make (RFC 9421 §5.1), and ours are the callers': nothing asks for those.
fn accept_signature(extractor: &Extractor, verifier: &Verifier) -> Vec<u8> {
    let label = if extractor.label.is_empty() { "sig1" } else { &extractor.label };
    let identifiers: Vec<&[u8]> = verifier.coverage.identifiers().collect();
    let mut value = [label.as_bytes(), b"=(", &identifiers.join(&b' '), b")"].concat();
    value.extend_from_slice(match verifier.freshness.created {
        CreatedRule::Required => b";created",
        CreatedRule::Optional => b";expires",
    });
    if let [only] = &*verifier.algorithms {
        value.extend_from_slice(b";alg=");
        write_text(only.word(), &mut value);
    }
    if !extractor.tag.is_empty() {
        value.extend_from_slice(b";tag=");
        write_text(&extractor.tag, &mut value);
    }
    value
}
