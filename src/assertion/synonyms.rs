//! The names under which issuers state the same thing, so that a backend reads one.

/// The address of electronic mail.
pub const EMAIL: &[&str] = &["email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"];
/// Groups or roles.
pub const GROUPS: &[&str] = &["groups", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"];
/// What the subject is called.
pub const NAME: &[&str] = &["preferred_username", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"];

/// The further names of a claim, tried in order where it is absent.
pub(super) fn synonyms(name: &str) -> &'static [&'static str] {
    let known = [EMAIL, GROUPS, NAME].into_iter().find(|known| known.first() == Some(&name));
    known.and_then(|known| known.get(1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_has_the_others_as_synonyms() {
        assert_eq!(synonyms("email"), &EMAIL[1..]);
        assert!(synonyms(EMAIL[1]).is_empty() && synonyms("scope").is_empty());
    }
}
