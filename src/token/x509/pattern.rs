//! Patterns for a certificate's alternative names, in which a star stands for whole labels or segments only.

use super::AlternativeName;
use std::fmt;

/// A name, or the names below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePattern {
    /// This host.
    Host(Box<str>),
    /// `*.` and this parent: every host that is one label longer.
    HostBelow(Box<str>),
    /// This mailbox: the local part as it stands, the host in any letter case.
    Mailbox(Box<str>, Box<str>),
    /// `*@` and this host: every mailbox there.
    MailboxAt(Box<str>),
    /// This URI, octet by octet.
    Uri(Box<str>),
    /// A URI that ends in `/`, for `…/*`: whatever has one or more whole segments more.
    UriBelow(Box<str>),
}

/// Why something is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePatternSyntax {
    /// Not a host, nor `*.` and a host.
    Host,
    /// Not a mailbox, nor `*@` and a host.
    Mailbox,
    /// Not a URI, nor one that ends in `/*`.
    Uri,
}

impl NamePattern {
    /// A pattern for hosts.
    ///
    /// # Errors
    /// It is none.
    pub fn host(text: &str) -> Result<Self, NamePatternSyntax> {
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix("*.") {
            Some(parent) if is_host(parent) => Ok(Self::HostBelow(parent.into())),
            None if is_host(&lower) => Ok(Self::Host(lower.into())),
            Some(_) | None => Err(NamePatternSyntax::Host),
        }
    }

    /// A pattern for mailboxes.
    ///
    /// # Errors
    /// It is none.
    pub fn mailbox(text: &str) -> Result<Self, NamePatternSyntax> {
        match text.rsplit_once('@') {
            Some(("*", host)) if is_host(host) => Ok(Self::MailboxAt(host.to_ascii_lowercase().into())),
            Some((local, host)) if is_local_part(local) && !local.contains('*') && is_host(host) => {
                Ok(Self::Mailbox(local.into(), host.to_ascii_lowercase().into()))
            }
            Some(_) | None => Err(NamePatternSyntax::Mailbox),
        }
    }

    /// A pattern for URIs.
    ///
    /// # Errors
    /// It is none.
    pub fn uri(text: &str) -> Result<Self, NamePatternSyntax> {
        let parent = text.strip_suffix('*').filter(|parent| parent.ends_with('/') && has_authority(parent));
        match parent {
            Some(parent) if is_uri(parent) && !parent.contains(['?', '#']) => Ok(Self::UriBelow(parent.into())),
            None if is_uri(text) => Ok(Self::Uri(text.into())),
            Some(_) | None => Err(NamePatternSyntax::Uri),
        }
    }

    /// Whether a name is, or lies below, the one of the pattern. Names of other kinds do not.
    pub fn takes(&self, name: &AlternativeName) -> bool {
        match (self, name) {
            (Self::Host(wanted), AlternativeName::Dns(host)) => wanted == host,
            (Self::HostBelow(parent), AlternativeName::Dns(host)) => {
                host.split_once('.').is_some_and(|(label, rest)| is_label(label) && *rest == **parent)
            }
            (Self::Mailbox(local, host), AlternativeName::Email(mailbox)) => {
                mailbox.rsplit_once('@').is_some_and(|(left, right)| *left == **local && right.eq_ignore_ascii_case(host))
            }
            (Self::MailboxAt(host), AlternativeName::Email(mailbox)) => {
                mailbox.rsplit_once('@').is_some_and(|(left, right)| is_local_part(left) && right.eq_ignore_ascii_case(host))
            }
            (Self::Uri(wanted), AlternativeName::Uri(uri)) => wanted == uri,
            (Self::UriBelow(parent), AlternativeName::Uri(uri)) => uri.strip_prefix(&**parent).is_some_and(is_below),
            (
                Self::Host(_) | Self::HostBelow(_) | Self::Mailbox(..) | Self::MailboxAt(_) | Self::Uri(_) | Self::UriBelow(_),
                AlternativeName::Dns(_) | AlternativeName::Email(_) | AlternativeName::Uri(_) | AlternativeName::Address(_),
            ) => false,
        }
    }
}

fn is_host(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let fine = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(fine)
}

/// Without quotes, and thus without octets that need them (RFC 5321 §4.1.2).
fn is_local_part(text: &str) -> bool {
    let fine = |octet: u8| octet.is_ascii_graphic() && !b"\"(),:;<>@[\\]".contains(&octet);
    !text.is_empty() && text.bytes().all(fine)
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let fine = |octet: u8| octet.is_ascii_graphic() && !b"*\"<>\\^`{|}".contains(&octet);
    begins && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet)) && text.bytes().all(fine)
}

/// Whether the star comes after a host: what lies below `https://` is everybody.
fn has_authority(parent: &str) -> bool {
    let rest = parent.split_once("://").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once('/')).is_some_and(|(authority, _)| !authority.is_empty())
}

/// Whole segments that mean nothing else: no dots, no escapes, no query.
fn is_below(rest: &str) -> bool {
    let plain = rest.bytes().all(|octet| octet.is_ascii_graphic() && !b"%?#\\".contains(&octet));
    plain && rest.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..")
}

impl fmt::Display for NamePatternSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "a host such as `a.example`, or `*.example` for every host one label longer",
            Self::Mailbox => "a mailbox such as `a@example`, or `*@example` for every mailbox of the host",
            Self::Uri => "a URI, or one that ends in `/*` for what lies below a path, such as `spiffe://example/ns/*`",
        })
    }
}

impl std::error::Error for NamePatternSyntax {}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(name: &str) -> AlternativeName {
        AlternativeName::Dns(name.into())
    }

    #[test]
    fn a_star_is_one_whole_label_at_the_left() {
        let below = NamePattern::host("*.Clients.example").unwrap();
        for (name, taken) in [
            ("a.clients.example", true),
            ("a-b_1.clients.example", true),
            ("clients.example", false),
            ("a.b.clients.example", false),
            (".clients.example", false),
            ("*.clients.example", false),
            ("a.clients.example.", false),
            ("a.clients.example.evil.test", false),
            ("a.evilclients.example", false),
            ("a\0.clients.example", false),
            ("a/.clients.example", false),
        ] {
            assert_eq!(below.takes(&dns(name)), taken, "{name:?}");
        }
        let exact = NamePattern::host("a.example").unwrap();
        assert!(exact.takes(&dns("a.example")) && !exact.takes(&dns("b.a.example")) && !exact.takes(&dns("a.example\0.evil.test")));
        for wrong in ["", "*", "*.", "a.*.example", "f*.example", "*.*.example", "a..example", "a.example.", "a b", "é.example", "*.a/b"] {
            assert_eq!(NamePattern::host(wrong), Err(NamePatternSyntax::Host), "{wrong}");
        }
    }

    #[test]
    fn a_star_is_a_whole_local_part() {
        let (any, one) = (NamePattern::mailbox("*@Example.test").unwrap(), NamePattern::mailbox("Jo.e@example.test").unwrap());
        let email = |name: &str| AlternativeName::Email(name.into());
        for (name, by_any, by_one) in [
            ("Jo.e@EXAMPLE.test", true, true),
            ("jo.e@example.test", true, false),
            ("@example.test", false, false),
            ("a@b@example.test", false, false),
            ("\"a@evil.test\"@example.test", false, false),
            ("a@sub.example.test", false, false),
            ("a\0@example.test", false, false),
            ("example.test", false, false),
        ] {
            assert_eq!((any.takes(&email(name)), one.takes(&email(name))), (by_any, by_one), "{name:?}");
        }
        for wrong in ["", "a", "*", "a@*.example", "a*@example", "@example", "a@", "a@b@c", "a b@example"] {
            assert_eq!(NamePattern::mailbox(wrong), Err(NamePatternSyntax::Mailbox), "{wrong}");
        }
    }

    #[test]
    fn a_star_is_whole_segments_at_the_end() {
        let below = NamePattern::uri("spiffe://td.example/ns/*").unwrap();
        let uri = |name: &str| AlternativeName::Uri(name.into());
        for (name, taken) in [
            ("spiffe://td.example/ns/orders", true),
            ("spiffe://td.example/ns/orders/sa/x", true),
            ("spiffe://td.example/ns/", false),
            ("spiffe://td.example/ns", false),
            ("spiffe://td.example/nsx/orders", false),
            ("spiffe://td.example/ns/../admin", false),
            ("spiffe://td.example/ns/./x", false),
            ("spiffe://td.example/ns//x", false),
            ("spiffe://td.example/ns/x/", false),
            ("spiffe://td.example/ns/%2e%2e/x", false),
            ("spiffe://td.example/ns/x?y", false),
            ("spiffe://td.example/ns/x#y", false),
            ("spiffe://TD.example/ns/x", false),
            ("spiffe://td.example/ns/x\0", false),
        ] {
            assert_eq!(below.takes(&uri(name)), taken, "{name:?}");
        }
        let exact = NamePattern::uri("urn:partner:7").unwrap();
        assert!(exact.takes(&uri("urn:partner:7")) && !exact.takes(&uri("urn:partner:70")) && !exact.takes(&dns("urn:partner:7")));
        for wrong in
            ["", "*", "spiffe://*", "spiffe:///*", "spiffe://td/*/x", "spiffe://td/x*", "urn:*", "https://a/b?c/*", "7:x", "a b:c", "x"]
        {
            assert_eq!(NamePattern::uri(wrong), Err(NamePatternSyntax::Uri), "{wrong}");
        }
    }
}
