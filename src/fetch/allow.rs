//! What may be asked for: addresses below configured prefixes, and no others.

use super::url::{Cleartext, JudgedUrl, UrlProblem, judge};
use reqwest::Url;

/// An address of which everything below may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedPrefix {
    origin: Box<str>,
    path: Box<str>,
}

impl AllowedPrefix {
    /// Reads `https://host[:port]/path` in its normal form. A path that ends with `/` is itself the boundary;
    /// otherwise the path itself is allowed, and what goes on below it at a `/`. A host that is an address
    /// names that very address, whatever the reach.
    ///
    /// # Errors
    /// It is no address in its normal form, or has a query, or is without TLS where that is not allowed.
    pub fn judge(text: &str, cleartext: Cleartext) -> Result<Self, UrlProblem> {
        let url = judge(text.as_bytes())?;
        if !url.query.is_empty() {
            return Err(UrlProblem::Query);
        }
        match (url.cleartext, cleartext) {
            (Cleartext::Allowed, Cleartext::Refused) => Err(UrlProblem::Cleartext),
            (Cleartext::Refused, _) | (Cleartext::Allowed, Cleartext::Allowed) => {
                Ok(Self { origin: url.origin.into(), path: url.path.into() })
            }
        }
    }

    fn covers(&self, url: &JudgedUrl<'_>) -> bool {
        let at_boundary = |rest: &str| self.path.ends_with('/') || rest.is_empty() || rest.starts_with('/');
        *self.origin == *url.origin && url.path.strip_prefix(&*self.path).is_some_and(at_boundary)
    }
}

/// The prefixes of one setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Box<[AllowedPrefix]>);

/// Why an address is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// It is not in its normal form.
    Syntax(UrlProblem),
    /// It lies below none of the prefixes.
    NotAllowed,
}

/// An address that an [`AllowList`] let pass, or that the configuration itself names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUrl(Url);

impl AllowList {
    /// A list of these.
    pub const fn new(prefixes: Box<[AllowedPrefix]>) -> Self {
        Self(prefixes)
    }

    /// Lets an address pass that is in its normal form and lies below a prefix: scheme, host and port are the
    /// same, and the path goes on at a `/`.
    ///
    /// # Errors
    /// It does not.
    pub fn admit(&self, address: &[u8]) -> Result<AllowedUrl, NotAdmitted> {
        let judged = judge(address).map_err(NotAdmitted::Syntax)?;
        if !self.0.iter().any(|prefix| prefix.covers(&judged)) {
            return Err(NotAdmitted::NotAllowed);
        }
        AllowedUrl::of(&judged).map_err(NotAdmitted::Syntax)
    }
}

impl AllowedUrl {
    /// An address that the configuration itself names, with its query if it has one.
    ///
    /// # Errors
    /// It is no address in its normal form, or is without TLS where that is not allowed.
    pub fn configured(text: &str, cleartext: Cleartext) -> Result<Self, UrlProblem> {
        let judged = judge(text.as_bytes())?;
        match (judged.cleartext, cleartext) {
            (Cleartext::Allowed, Cleartext::Refused) => Err(UrlProblem::Cleartext),
            (Cleartext::Refused, _) | (Cleartext::Allowed, Cleartext::Allowed) => Self::of(&judged),
        }
    }

    fn of(judged: &JudgedUrl<'_>) -> Result<Self, UrlProblem> {
        // What the client would ask for must be, octet by octet, what was judged.
        let read = Url::parse(judged.whole).ok().filter(|read| read.as_str() == judged.whole);
        read.map(Self).ok_or(UrlProblem::Octet)
    }

    /// Everything at the same scheme, host and port.
    pub fn origin(&self) -> AllowedPrefix {
        let whole = self.as_str();
        let origin = whole.strip_suffix(whole.splitn(4, '/').nth(3).unwrap_or_default()).unwrap_or(whole);
        AllowedPrefix { origin: origin.strip_suffix('/').unwrap_or(origin).into(), path: "/".into() }
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    /// The address in its normal form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(prefixes: &[&str]) -> AllowList {
        AllowList::new(prefixes.iter().map(|text| AllowedPrefix::judge(text, Cleartext::Allowed).unwrap()).collect())
    }

    fn outcome(list: &AllowList, text: &str) -> Result<(), NotAdmitted> {
        list.admit(text.as_bytes()).map(|url| assert_eq!(url.as_str(), text))
    }

    #[test]
    fn what_lies_below_a_prefix_passes() {
        let list = list(&["https://sts.example/tokens/", "https://other.example:8443/a", "https://127.0.0.1:9443/"]);
        for fine in [
            "https://sts.example/tokens/",
            "https://sts.example/tokens/1",
            "https://sts.example/tokens/a/b?c=d",
            "https://other.example:8443/a",
            "https://other.example:8443/a?b",
            "https://other.example:8443/a/b",
            "https://127.0.0.1:9443/x",
        ] {
            assert_eq!(outcome(&list, fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn what_only_looks_like_it_does_not() {
        let list = list(&["https://sts.example/tokens/", "https://other.example:8443/a"]);
        for other in [
            "https://sts.example.evil/tokens/1",
            "https://xsts.example/tokens/1",
            "https://evil/https:/sts.example/tokens/1",
            "http://sts.example/tokens/1",
            "https://sts.example:444/tokens/1",
            "https://sts.example/tokens",
            "https://sts.example/tokens2/1",
            "https://sts.example/Tokens/1",
            "https://sts.example/",
            "https://other.example/a",
            "https://other.example:8443/ab",
            "https://other.example:8443/",
            "https://127.0.0.1/tokens/",
        ] {
            assert_eq!(outcome(&list, other), Err(NotAdmitted::NotAllowed), "{other}");
        }
        for trick in [
            "https://sts.example@evil/tokens/1",
            "https://sts.example/tokens/../admin",
            "https://sts.example/tokens/%2e%2e/admin",
            "https://sts.example/tokens/..%2Fadmin",
            "https://sts.example/tokens/..\\admin",
            "https://sts.example:443/tokens/1",
            "https://sts.example/tokens/1#a",
        ] {
            assert!(matches!(outcome(&list, trick), Err(NotAdmitted::Syntax(_))), "{trick}");
        }
    }

    #[test]
    fn an_empty_list_lets_nothing_pass() {
        assert_eq!(outcome(&AllowList::default(), "https://sts.example/"), Err(NotAdmitted::NotAllowed));
    }

    #[test]
    fn prefixes_are_judged_too() {
        let refused = |text| AllowedPrefix::judge(text, Cleartext::Refused).err();
        assert_eq!(refused("http://sts.example/"), Some(UrlProblem::Cleartext));
        assert_eq!(refused("https://sts.example/?a"), Some(UrlProblem::Query));
        assert_eq!(refused("https://sts.example"), Some(UrlProblem::Path));
        assert_eq!(refused("https://*.example/"), Some(UrlProblem::Host));
        assert_eq!(refused("https://[::ffff:1.2.3.4]/"), Some(UrlProblem::Address));
        assert_eq!(refused("https://sts.example/"), None);
    }
}
