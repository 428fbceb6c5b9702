//! The kinds of requests, and what each needs and is answered with.

use clap::ValueEnum;
use std::fmt;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Scenario {
    /// No token, to a public route: 200.
    Public,
    /// The same good token again and again: 200.
    WrapHot,
    /// A good token never seen before, minted as it is sent: 200.
    WrapCold,
    /// A token never seen before, changed after it was signed: 401.
    WrapBad,
    /// A context token, one of many in turn, with a signature by its secret: 200.
    WssecContext,
    /// A JSON Web Token never seen before that names its holder's P-256 key, with a signature by that key: 200.
    WssecFirst,
    /// Content, its digest, and a signature over that by the secret of a context token: 200.
    WssecBody,
    /// The same content to a public route, with neither token nor digest: 200.
    PlainBody,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The upstream, which judges nothing: always 200.
    Direct,
    /// The gateway.
    Gateway,
}

/// The key without which requests cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// None.
    Nothing,
    /// That of Simple Web Tokens.
    SwtKey,
    /// Those of contexts.
    ContextKeys,
    /// That of JSON Web Tokens.
    IssuerKey,
}

/// Which route is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A public one.
    Public,
    /// One for tokens of WRAP.
    Wrap,
    /// One for WSSEC.
    Wssec,
}

impl Scenario {
    /// The key that its requests need.
    pub(crate) const fn need(self) -> Need {
        match self {
            Self::Public | Self::PlainBody => Need::Nothing,
            Self::WrapHot | Self::WrapCold | Self::WrapBad => Need::SwtKey,
            Self::WssecContext | Self::WssecBody => Need::ContextKeys,
            Self::WssecFirst => Need::IssuerKey,
        }
    }

    /// The route that its requests ask for.
    pub(crate) const fn place(self) -> Place {
        match self {
            Self::Public | Self::PlainBody => Place::Public,
            Self::WrapHot | Self::WrapCold | Self::WrapBad => Place::Wrap,
            Self::WssecContext | Self::WssecFirst | Self::WssecBody => Place::Wssec,
        }
    }

    /// `POST` where there is content, else `GET`.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::WssecBody | Self::PlainBody => "POST",
            Self::Public | Self::WrapHot | Self::WrapCold | Self::WrapBad | Self::WssecContext | Self::WssecFirst => "GET",
        }
    }

    /// The status of a right answer.
    pub(crate) const fn expected(self, side: Side) -> u16 {
        match (self, side) {
            (Self::WrapBad, Side::Gateway) => 401,
            (_, Side::Direct | Side::Gateway) => 200,
        }
    }

    /// The name, as on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::WrapHot => "wrap-hot",
            Self::WrapCold => "wrap-cold",
            Self::WrapBad => "wrap-bad",
            Self::WssecContext => "wssec-context",
            Self::WssecFirst => "wssec-first",
            Self::WssecBody => "wssec-body",
            Self::PlainBody => "plain-body",
        }
    }
}

impl Side {
    /// The side's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gateway => "gateway",
        }
    }
}

impl Need {
    /// The option that names the key's file.
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::SwtKey => "--key-file",
            Self::ContextKeys => "--context-key-file",
            Self::IssuerKey => "--issuer-key-file",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateway_is_expected_to_refuse() {
        for scenario in Scenario::value_variants() {
            assert_eq!(scenario.expected(Side::Direct), 200, "{scenario}");
            assert_eq!(scenario.expected(Side::Gateway), if *scenario == Scenario::WrapBad { 401 } else { 200 }, "{scenario}");
        }
    }

    #[test]
    fn a_scenario_is_called_what_the_command_line_calls_it() {
        for scenario in Scenario::value_variants() {
            assert_eq!(scenario.to_possible_value().unwrap().get_name(), scenario.name());
        }
    }
}
