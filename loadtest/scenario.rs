//! The kinds of requests, and what each needs and is answered with.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use portcullis::token::jose::Algorithm;
use std::fmt;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scenario {
    /// Without a token, to a public route.
    Public,
    /// The same Simple Web Token each time.
    WrapHot,
    /// A new Simple Web Token each time.
    WrapCold,
    /// A new Simple Web Token each time, changed after it was signed.
    WrapBad,
    /// A context token and a signature by its secret.
    WssecContext,
    /// A new JSON Web Token and its holder's signature.
    WssecFirst,
    /// Content, its digest and a signature by a context's secret.
    WssecBody,
    /// Content to a public route.
    PlainBody,
    /// The same JSON Web Token each time.
    JwtHot(Signing),
    /// Many JSON Web Tokens in turn.
    JwtCold(Signing),
    /// The same bound JSON Web Token each time, and a new proof by its holder's key.
    DpopHot,
    /// An HTTP message signature.
    HttpSignature,
}

/// How the issuer signs JSON Web Tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signing {
    /// HMAC-SHA256, with a secret that the gateway has too.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
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
    /// That of the issuer of JSON Web Tokens, by its algorithm.
    IssuerKey(Signing),
    /// That of a caller who signs messages.
    CallerKey,
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
    /// One for JSON Web Tokens.
    Jwt,
    /// One for tokens with a proof.
    Dpop,
    /// One for HTTP message signatures.
    Signature,
}

impl Scenario {
    /// Every scenario there is.
    const ALL: [Self; 18] = [
        Self::Public,
        Self::WrapHot,
        Self::WrapCold,
        Self::WrapBad,
        Self::WssecContext,
        Self::WssecFirst,
        Self::WssecBody,
        Self::PlainBody,
        Self::JwtHot(Signing::Hs256),
        Self::JwtHot(Signing::Rs256),
        Self::JwtHot(Signing::Es256),
        Self::JwtHot(Signing::EdDsa),
        Self::JwtCold(Signing::Hs256),
        Self::JwtCold(Signing::Rs256),
        Self::JwtCold(Signing::Es256),
        Self::JwtCold(Signing::EdDsa),
        Self::DpopHot,
        Self::HttpSignature,
    ];

    /// The key that its requests need.
    pub(crate) const fn need(self) -> Need {
        match self {
            Self::Public | Self::PlainBody => Need::Nothing,
            Self::WrapHot | Self::WrapCold | Self::WrapBad => Need::SwtKey,
            Self::WssecContext | Self::WssecBody => Need::ContextKeys,
            Self::JwtHot(signing) | Self::JwtCold(signing) => Need::IssuerKey(signing),
            Self::WssecFirst | Self::DpopHot => Need::IssuerKey(Signing::Es256),
            Self::HttpSignature => Need::CallerKey,
        }
    }

    /// The route that its requests ask for.
    pub(crate) const fn place(self) -> Place {
        match self {
            Self::Public | Self::PlainBody => Place::Public,
            Self::WrapHot | Self::WrapCold | Self::WrapBad => Place::Wrap,
            Self::WssecContext | Self::WssecFirst | Self::WssecBody => Place::Wssec,
            Self::JwtHot(_) | Self::JwtCold(_) => Place::Jwt,
            Self::DpopHot => Place::Dpop,
            Self::HttpSignature => Place::Signature,
        }
    }

    /// `POST` where there is content, else `GET`.
    pub(crate) const fn method(self) -> &'static str {
        if self.has_content() { "POST" } else { "GET" }
    }

    /// Whether its requests have content.
    pub(crate) const fn has_content(self) -> bool {
        matches!(self, Self::WssecBody | Self::PlainBody)
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
            Self::JwtHot(Signing::Hs256) => "jwt-hot-hs256",
            Self::JwtHot(Signing::Rs256) => "jwt-hot-rs256",
            Self::JwtHot(Signing::Es256) => "jwt-hot-es256",
            Self::JwtHot(Signing::EdDsa) => "jwt-hot-eddsa",
            Self::JwtCold(Signing::Hs256) => "jwt-cold-hs256",
            Self::JwtCold(Signing::Rs256) => "jwt-cold-rs256",
            Self::JwtCold(Signing::Es256) => "jwt-cold-es256",
            Self::JwtCold(Signing::EdDsa) => "jwt-cold-eddsa",
            Self::DpopHot => "dpop-hot",
            Self::HttpSignature => "http-signature",
        }
    }

    /// What it sends and is answered with, for people at the command line.
    const fn about(self) -> &'static str {
        match self {
            Self::Public => "No token, to a public route: 200",
            Self::WrapHot => "The same good token again and again: 200",
            Self::WrapCold => "A good token never seen before, minted as it is sent: 200",
            Self::WrapBad => "A token never seen before, changed after it was signed: 401",
            Self::WssecContext => "A context token, one of many in turn, with a signature by its secret: 200",
            Self::WssecFirst => "A JSON Web Token never seen before that names its holder's P-256 key, with a signature by that key: 200",
            Self::WssecBody => "Content, its digest, and a signature over that by the secret of a context token: 200",
            Self::PlainBody => "The same content to a public route, with neither token nor digest: 200",
            Self::JwtHot(_) => "The same JSON Web Token of this algorithm again and again: 200",
            Self::JwtCold(_) => "One JSON Web Token of this algorithm after the other, made before the load: 200",
            Self::DpopHot => "The same token bound to a P-256 key, with a proof by that key, signed as it is sent: 200",
            Self::HttpSignature => "An HTTP message signature over method, target and authority, made as it is sent: 200",
        }
    }
}

impl ValueEnum for Scenario {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

impl Signing {
    /// The algorithm.
    pub(crate) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::Hs256,
            Self::Rs256 => Algorithm::Rs256,
            Self::Es256 => Algorithm::Es256,
            Self::EdDsa => Algorithm::EdDsa,
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
            Self::IssuerKey(Signing::Hs256) => "--issuer-key-file with a secret in base64",
            Self::IssuerKey(Signing::Rs256) => "--issuer-key-file with an RSA key",
            Self::IssuerKey(Signing::Es256) => "--issuer-key-file with a P-256 key",
            Self::IssuerKey(Signing::EdDsa) => "--issuer-key-file with an Ed25519 key",
            Self::CallerKey => "--caller-key-file",
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
    fn a_scenario_is_found_by_its_own_name_only() {
        for scenario in Scenario::value_variants() {
            assert_eq!(Scenario::from_str(scenario.name(), false).as_ref(), Ok(scenario));
        }
        assert!(Scenario::from_str("jwt-hot", false).is_err() && Scenario::from_str("jwt-hot-none", false).is_err());
    }

    #[test]
    fn each_algorithm_of_tokens_can_be_hot_and_cold() {
        for signing in [Signing::Hs256, Signing::Rs256, Signing::Es256, Signing::EdDsa] {
            for (scenario, kind) in [(Scenario::JwtHot(signing), "hot"), (Scenario::JwtCold(signing), "cold")] {
                assert!(Scenario::ALL.contains(&scenario));
                assert_eq!(scenario.name(), format!("jwt-{kind}-{}", signing.algorithm()).to_lowercase());
            }
        }
    }
}
