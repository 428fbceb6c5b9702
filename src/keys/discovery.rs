//! From an issuer's name to the address of its keys (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).

use super::fault::LoadFault;
use crate::fetch::{AllowList, AllowedPrefix, AllowedUrl, Cleartext, UrlProblem};
use crate::token::json::read_object;

/// What both specifications put before the name of their document.
const WELL_KNOWN: &str = "/.well-known/";
/// The name of the document of OpenID Connect, behind the issuer's path.
const OPENID: &str = "openid-configuration";
/// The name of the document of RFC 8414, before the issuer's path.
const OAUTH: &str = "oauth-authorization-server";

/// An issuer that is asked where its keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issuer {
    name: Box<str>,
    /// Where its metadata may lie: the second place where there is nothing at the first.
    pub(super) metadata: [AllowedUrl; 2],
    key_sets: AllowList,
}

impl Issuer {
    /// The issuer of this name. Its keys may lie at its own host and below `others`.
    ///
    /// # Errors
    /// The name is no address from which others can be made.
    pub(super) fn new(name: &str, others: Vec<AllowedPrefix>, cleartext: Cleartext) -> Result<Self, UrlProblem> {
        let base = name.strip_suffix('/').unwrap_or(name);
        let metadata = [format!("{base}{WELL_KNOWN}{OPENID}"), inserted(base).ok_or(UrlProblem::Scheme)?];
        if name.contains('?') {
            return Err(UrlProblem::Query);
        }
        let [openid, oauth] = metadata.map(|address| AllowedUrl::configured(&address, cleartext));
        let metadata = [openid?, oauth?];
        let own = metadata.iter().take(1).map(AllowedUrl::origin);
        Ok(Self { name: name.into(), key_sets: AllowList::new(own.chain(others).collect()), metadata })
    }

    /// The issuer's name.
    pub(super) const fn name(&self) -> &str {
        &self.name
    }

    /// Where its keys are, according to its metadata, which must be its own (RFC 8414 §3.3).
    pub(super) fn key_set(&self, metadata: &[u8]) -> Result<AllowedUrl, LoadFault> {
        let metadata = read_object(metadata).map_err(LoadFault::Metadata)?;
        let stated = |name| metadata.text(name).ok().flatten();
        if stated("issuer") != Some(&*self.name) {
            return Err(LoadFault::IssuerMismatch);
        }
        let address = stated("jwks_uri").ok_or(LoadFault::AddressAbsent)?;
        self.key_sets.admit(address.as_bytes()).map_err(LoadFault::AddressRefused)
    }
}

/// The issuer's address with the document's name before its path (RFC 8414 §3.1).
fn inserted(base: &str) -> Option<String> {
    let (scheme, rest) = base.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some(format!("{scheme}://{authority}{WELL_KNOWN}{OAUTH}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::NotAdmitted;

    fn issuer(name: &str) -> Issuer {
        let other = AllowedPrefix::judge("https://keys.example:8443/", Cleartext::Refused).unwrap();
        Issuer::new(name, vec![other], Cleartext::Refused).unwrap()
    }

    fn places(name: &str) -> [String; 2] {
        issuer(name).metadata.map(|url| url.as_str().to_owned())
    }

    #[test]
    fn each_specification_has_its_own_place() {
        let both = |base: &str| {
            [format!("{base}/.well-known/openid-configuration"), "https://a.example/.well-known/oauth-authorization-server".to_owned()]
        };
        assert_eq!(places("https://a.example"), both("https://a.example"));
        assert_eq!(places("https://a.example/"), both("https://a.example"));
        let [openid, oauth] = places("https://a.example:444/tenant/1/");
        assert_eq!(openid, "https://a.example:444/tenant/1/.well-known/openid-configuration");
        assert_eq!(oauth, "https://a.example:444/.well-known/oauth-authorization-server/tenant/1");
    }

    #[test]
    fn names_that_are_no_addresses_lead_nowhere() {
        let refused = |name: &str| Issuer::new(name, Vec::new(), Cleartext::Refused).err();
        assert_eq!(refused("accounts.example"), Some(UrlProblem::Scheme));
        assert_eq!(refused("http://a.example"), Some(UrlProblem::Cleartext));
        assert_eq!(refused("https://a.example/?tenant=1"), Some(UrlProblem::Query));
        assert_eq!(refused("https://a.example#x"), Some(UrlProblem::Octet));
        assert_eq!(refused("https://a.example//"), Some(UrlProblem::Path));
        assert_eq!(refused("https://A.example"), Some(UrlProblem::Host));
        assert_eq!(refused(""), Some(UrlProblem::Scheme));
        assert!(Issuer::new("http://a.example", Vec::new(), Cleartext::Allowed).is_ok());
    }

    fn told(metadata: &str) -> Result<String, LoadFault> {
        issuer("https://a.example/t").key_set(metadata.as_bytes()).map(|url| url.as_str().to_owned())
    }

    #[test]
    fn metadata_must_be_the_issuers_own() {
        let own = r#"{"issuer":"https://a.example/t","jwks_uri":"https://a.example/jwks?p=1","x":[1]}"#;
        assert_eq!(told(own).unwrap(), "https://a.example/jwks?p=1");
        for other in ["https://a.example/t/", "https://a.example", "https://A.example/t", ""] {
            let text = format!(r#"{{"issuer":"{other}","jwks_uri":"https://a.example/jwks"}}"#);
            assert_eq!(told(&text), Err(LoadFault::IssuerMismatch), "{other}");
        }
        assert_eq!(told(r#"{"jwks_uri":"https://a.example/jwks"}"#), Err(LoadFault::IssuerMismatch));
        assert_eq!(told(r#"{"issuer":["https://a.example/t"]}"#), Err(LoadFault::IssuerMismatch));
        assert!(matches!(told("<html>"), Err(LoadFault::Metadata(_))));
    }

    #[test]
    fn keys_lie_at_the_issuers_host_or_at_one_that_is_listed() {
        let at = |address: &str| told(&format!(r#"{{"issuer":"https://a.example/t","jwks_uri":{address}}}"#));
        assert!(at(r#""https://keys.example:8443/x/jwks""#).is_ok());
        for elsewhere in ["https://keys.example/", "https://b.example/jwks", "https://169.254.169.254/", "https://a.example:444/jwks"] {
            assert_eq!(at(&format!("\"{elsewhere}\"")), Err(LoadFault::AddressRefused(NotAdmitted::NotAllowed)), "{elsewhere}");
        }
        assert!(matches!(at(r#""http://a.example/jwks""#), Err(LoadFault::AddressRefused(_))), "not without TLS");
        assert!(matches!(at(r#""https://a.example@b.example/""#), Err(LoadFault::AddressRefused(NotAdmitted::Syntax(_)))));
        assert!(matches!(at(r#""https://a.example.b.example/""#), Err(LoadFault::AddressRefused(NotAdmitted::NotAllowed))));
        assert_eq!(at("null"), Err(LoadFault::AddressAbsent));
        assert_eq!(at("7"), Err(LoadFault::AddressAbsent));
    }
}
