//! The scopes that were granted (RFC 6749 §3.3).

use crate::token::Claims;

/// The claim that lists scopes, with spaces between them (RFC 9068 §2.2.3, RFC 7662 §2.2).
const SCOPE: &str = "scope";
/// The claim that others use: words with spaces between them, or an array, which [`Claims`] keep with commas.
const SCP: &str = "scp";

/// The granted scopes, in the order of the token.
pub(super) fn granted(claims: &Claims) -> impl Iterator<Item = &str> {
    let stated = text(claims, SCOPE).split(' ');
    let listed = text(claims, SCP).split([' ', ',']);
    stated.chain(listed).filter(|scope| !scope.is_empty())
}

/// What was nested in a claim is kept as JSON, and names no scope.
fn text<'c>(claims: &'c Claims, name: &str) -> &'c str {
    claims.value(name).filter(|value| !value.starts_with(['{', '['])).unwrap_or_default()
}

/// Whether a text can be a scope. A comma could not be told from the end of one.
pub(super) fn is_scope(text: &str) -> bool {
    let is_scope_octet = |octet: u8| matches!(octet, b'!' | b'#'..=b'[' | b']'..=b'~') && octet != b',';
    !text.is_empty() && text.bytes().all(is_scope_octet)
}
