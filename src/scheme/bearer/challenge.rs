//! What a refusal asks for: field values made once, which say what was wrong in the words of RFC 6750 §3.1.

use crate::scheme::{Challenge, Malformation, Refusal};
use http::HeaderValue;

/// The challenges of one scheme.
pub(in crate::scheme) struct Challenges {
    plain: HeaderValue,
    invalid_token: HeaderValue,
    invalid_request: HeaderValue,
}

impl Challenges {
    /// Challenges of an authentication scheme, with a realm unless it is empty, and further parameters: each a name and
    /// a value that needs no escapes.
    pub(in crate::scheme) fn build(word: &str, realm: &str, further: &[(&str, &str)]) -> Self {
        let value = |error: &[(&str, &str)]| {
            let realm = (!realm.is_empty()).then_some(("realm", realm));
            let mut text = String::from(word);
            for (place, (name, value)) in realm.iter().chain(further).chain(error).enumerate() {
                text.push_str(if place == 0 { " " } else { ", " });
                text.push_str(&[name, "=\"", value, "\""].concat());
            }
            // Realm and parameters were checked when the scheme was built.
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
        };
        Self {
            plain: value(&[]),
            invalid_token: value(&[("error", "invalid_token")]),
            invalid_request: value(&[("error", "invalid_request")]),
        }
    }

    /// The challenge after a refusal; without one there was no credential, and no error is named (RFC 6750 §3.1).
    pub(in crate::scheme) fn after(&self, refusal: Option<&Refusal>) -> Challenge {
        Challenge::www_authenticate(match refusal {
            None | Some(Refusal::Fault(_)) => self.plain.clone(),
            Some(Refusal::Malformed(
                Malformation::FieldRepeated | Malformation::SeveralTokens | Malformation::ContentSyntax | Malformation::Wire(_),
            )) => self.invalid_request.clone(),
            Some(Refusal::Malformed(Malformation::CredentialSyntax | Malformation::TokenSyntax | Malformation::TokenTooLarge))
            | Some(Refusal::Rejected(_)) => self.invalid_token.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{Fault, Rejection};

    #[test]
    fn rfc_6750_3_names_the_error_after_a_refusal_only() {
        let challenges = Challenges::build("Bearer", "orders", &[]);
        let after = |refusal: Option<Refusal>| challenges.after(refusal.as_ref()).value;
        assert_eq!(after(None), "Bearer realm=\"orders\"");
        assert_eq!(after(Some(Rejection::Expired.into())), "Bearer realm=\"orders\", error=\"invalid_token\"");
        assert_eq!(after(Some(Malformation::SeveralTokens.into())), "Bearer realm=\"orders\", error=\"invalid_request\"");
        assert_eq!(after(Some(Fault::KeysUnavailable.into())), "Bearer realm=\"orders\"");
    }

    #[test]
    fn a_realm_may_be_absent_and_further_parameters_there() {
        let bare = Challenges::build("Bearer", "", &[]);
        assert_eq!(bare.after(None).value, "Bearer");
        assert_eq!(bare.after(Some(&Rejection::Expired.into())).value, "Bearer error=\"invalid_token\"");
        let further = Challenges::build("DPoP", "", &[("algs", "ES256 EdDSA")]);
        assert_eq!(further.after(Some(&Rejection::Expired.into())).value, "DPoP algs=\"ES256 EdDSA\", error=\"invalid_token\"");
    }
}
