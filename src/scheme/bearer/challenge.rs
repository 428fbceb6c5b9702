//! What a refusal asks for: field values made once, which say what was wrong in the words of RFC 6750 §3.1.

use crate::scheme::{Challenge, Insufficiency, Malformation, Refusal};
use http::HeaderValue;

/// The challenges of one scheme.
pub(in crate::scheme) struct Challenges {
    plain: HeaderValue,
    invalid_token: HeaderValue,
    invalid_request: HeaderValue,
    word: &'static str,
    /// What stands before an error.
    usual: Box<[(Box<str>, Box<str>)]>,
}

impl Challenges {
    /// Challenges of an authentication scheme, with a realm unless it is empty, and further parameters: each a name and
    /// a value that needs no escapes.
    pub(in crate::scheme) fn build(word: &'static str, realm: &str, further: &[(&str, &str)]) -> Self {
        let realm = (!realm.is_empty()).then_some(("realm", realm));
        let usual = realm.iter().chain(further).map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut built = Self {
            plain: HeaderValue::from_static(word),
            invalid_token: HeaderValue::from_static(word),
            invalid_request: HeaderValue::from_static(word),
            word,
            usual,
        };
        built.plain = built.value(&[]);
        built.invalid_token = built.value(&[("error", "invalid_token")]);
        built.invalid_request = built.value(&[("error", "invalid_request")]);
        built
    }

    /// The challenge after a refusal; without one there was no credential, and no error is named (RFC 6750 §3.1).
    pub(in crate::scheme) fn after(&self, refusal: Option<&Refusal>) -> Challenge {
        Challenge::www_authenticate(match refusal {
            None | Some(Refusal::Fault(_)) => self.plain.clone(),
            Some(Refusal::Malformed(
                Malformation::FieldRepeated
                | Malformation::SeveralTokens
                | Malformation::ContentSyntax
                | Malformation::Wire(..)
                | Malformation::Signature(..),
            )) => self.invalid_request.clone(),
            Some(Refusal::Malformed(Malformation::CredentialSyntax | Malformation::TokenSyntax | Malformation::TokenTooLarge))
            | Some(Refusal::Rejected(_)) => self.invalid_token.clone(),
            Some(Refusal::Insufficient(insufficiency)) => self.asking(insufficiency),
        })
    }

    /// A challenge with this error.
    pub(in crate::scheme) fn with_error(&self, error: &str) -> HeaderValue {
        self.value(&[("error", error)])
    }

    /// What would suffice (RFC 6750 §3.1, RFC 9470 §3).
    fn asking(&self, insufficiency: &Insufficiency) -> HeaderValue {
        match insufficiency {
            Insufficiency::Scope(scope, _) => self.value(&[("error", "insufficient_scope"), ("scope", scope)]),
            Insufficiency::Claim(..)
            | Insufficiency::Expression
            | Insufficiency::ExpressionNotBoolean(_)
            | Insufficiency::ExpressionNotComputed(_) => self.value(&[("error", "insufficient_scope")]),
            Insufficiency::Authentication(wanted) => {
                let age = wanted.max_age.map(|age| age.to_string()).unwrap_or_default();
                let wanted = [("error", "insufficient_user_authentication"), ("acr_values", &*wanted.acr_values), ("max_age", &*age)];
                let stated: Vec<_> = wanted.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                self.value(&stated)
            }
        }
    }

    fn value(&self, error: &[(&str, &str)]) -> HeaderValue {
        let usual = self.usual.iter().map(|(name, value)| (&**name, &**value));
        let mut text = String::from(self.word);
        for (place, (name, value)) in usual.chain(error.iter().copied()).enumerate() {
            text.push_str(if place == 0 { " " } else { ", " });
            text.push_str(&[name, "=\"", value, "\""].concat());
        }
        // Realm, parameters and what routes ask for were checked when they were read.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(self.word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{Fault, Rejection, StepUp};

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
    fn rfc_6750_3_1_and_rfc_9470_3_say_what_would_suffice() {
        let challenges = Challenges::build("Bearer", "", &[]);
        let after = |insufficiency| challenges.after(Some(&Refusal::Insufficient(insufficiency))).value;
        assert_eq!(after(Insufficiency::Scope("a b".into(), Box::default())), "Bearer error=\"insufficient_scope\", scope=\"a b\"");
        assert_eq!(after(Insufficiency::Claim("role".into(), Box::default())), "Bearer error=\"insufficient_scope\"");
        let wanted = StepUp { acr_values: "gold".into(), max_age: Some(5) };
        let told = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\", max_age=\"5\"";
        assert_eq!(after(Insufficiency::Authentication(wanted.into())), told);
        let wanted = StepUp { acr_values: "".into(), max_age: None };
        assert_eq!(after(Insufficiency::Authentication(wanted.into())), "Bearer error=\"insufficient_user_authentication\"");
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
