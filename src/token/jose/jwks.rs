//! Key sets (RFC 7517 §5): what can be used is used, what cannot is skipped and told.

use super::super::json::{JsonSyntax, read_object};
use super::jwk::{JwkSyntax, Material, VerificationKey};
use std::fmt;

/// The largest key set, in octets: [`MAX_KEYS`] keys with certificate chains beside them.
pub const MAX_SET: usize = 256 * 1024;
/// The most keys of a set. Large providers publish ten.
pub const MAX_KEYS: usize = 64;

/// The keys of an issuer.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Box<[VerificationKey]>,
    skipped: Box<[Skipped]>,
}

/// A key that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the set, from zero.
    pub place: usize,
    /// Why it cannot be used.
    pub reason: JwkSyntax,
}

/// Why a text is not a key set at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwksSyntax {
    /// It is longer than [`MAX_SET`].
    TooLong,
    /// It is not a JSON object with one reading.
    Json(JsonSyntax),
    /// It has no array `keys`.
    KeysAbsent,
    /// It has more than [`MAX_KEYS`] keys.
    TooManyKeys,
}

impl KeySet {
    /// Reads a key set. A key that cannot be used does not spoil the others (RFC 7517 §5); where none
    /// can be, the set is empty and confirms nothing.
    ///
    /// # Errors
    /// The text is not a key set, or exceeds a bound.
    pub fn read(text: &[u8]) -> Result<Self, JwksSyntax> {
        Self::read_if(text, Ok)
    }

    /// Reads a key set that others can read, too: a secret in it (`kty: oct`) proves nothing and is left out.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_public(text: &[u8]) -> Result<Self, JwksSyntax> {
        Self::read_if(text, |key| match key.material() {
            Material::Public(_) => Ok(key),
            Material::Secret(_) => Err(JwkSyntax::Private),
        })
    }

    fn read_if(text: &[u8], admit: impl Fn(VerificationKey) -> Result<VerificationKey, JwkSyntax>) -> Result<Self, JwksSyntax> {
        if text.len() > MAX_SET {
            return Err(JwksSyntax::TooLong);
        }
        let set = read_object(text).map_err(JwksSyntax::Json)?;
        let listed = set.member("keys").and_then(|keys| keys.list()).ok_or(JwksSyntax::KeysAbsent)?;
        if listed.len() > MAX_KEYS {
            return Err(JwksSyntax::TooManyKeys);
        }
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (place, listed) in listed.iter().enumerate() {
            let object = listed.object().ok_or(JwkSyntax::Json(JsonSyntax::NotAnObject));
            match object.and_then(VerificationKey::read).and_then(&admit) {
                Ok(key) => keys.push(key.for_many()),
                Err(reason) => skipped.push(Skipped { place, reason }),
            }
        }
        Ok(Self { keys: keys.into(), skipped: skipped.into() })
    }

    /// The keys that can be used.
    pub const fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// The keys that were left out, with the reasons.
    pub const fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

impl From<Vec<VerificationKey>> for KeySet {
    fn from(keys: Vec<VerificationKey>) -> Self {
        Self { keys: keys.into(), skipped: Box::default() }
    }
}

impl fmt::Display for JwksSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {MAX_SET} octets"),
            Self::Json(syntax) => syntax.fmt(f),
            Self::KeysAbsent => f.write_str("a key set without an array `keys`"),
            Self::TooManyKeys => write!(f, "a key set of more than {MAX_KEYS} keys"),
        }
    }
}

impl std::error::Error for JwksSyntax {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.2.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn bad_keys_are_skipped_one_by_one() {
        let text = format!(r#"{{"keys":[{ED25519},{{"kty":"EC","crv":"P-521"}},7,{{"kty":"RSA","d":"AA"}},{ED25519}],"x":1}}"#);
        let set = KeySet::read(text.as_bytes()).unwrap();
        assert_eq!(set.keys().len(), 2);
        let reasons = [(1, JwkSyntax::Curve), (2, JwkSyntax::Json(JsonSyntax::NotAnObject)), (3, JwkSyntax::Private)];
        assert_eq!(set.skipped(), reasons.map(|(place, reason)| Skipped { place, reason }));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for (text, reason) in [
            ("[]", JwksSyntax::Json(JsonSyntax::NotAnObject)),
            ("{}", JwksSyntax::KeysAbsent),
            (r#"{"keys":{}}"#, JwksSyntax::KeysAbsent),
            (r#"{"keys":[],"keys":[]}"#, JwksSyntax::Json(JsonSyntax::NameRepeated)),
        ] {
            assert_eq!(KeySet::read(text.as_bytes()).unwrap_err(), reason, "{text}");
        }
        let of = |count: usize| format!("{{\"keys\":[{}]}}", vec!["0"; count].join(","));
        assert_eq!(KeySet::read(of(MAX_KEYS).as_bytes()).unwrap().skipped().len(), MAX_KEYS);
        assert_eq!(KeySet::read(of(MAX_KEYS + 1).as_bytes()).unwrap_err(), JwksSyntax::TooManyKeys);
        let long = format!("{{\"keys\":[]{}}}", " ".repeat(MAX_SET));
        assert_eq!(KeySet::read(long.as_bytes()).unwrap_err(), JwksSyntax::TooLong);
    }
}
