//! `portcullis token swt mint`.

use super::read_key;
use crate::cli::failure::Failure;
use crate::cli::terminal::print;
use crate::clock::{self, UnixTime};
use crate::setting::Period;
use crate::token::swt::{Statement, SwtKey, issue};
use clap::Args;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Mint a token and print it.
///
/// Signs with the key that the gateway trusts for the issuer. The key comes from a file or from
/// standard input, never from an argument.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Mint {
    /// The file with the issuer's key, or `-` for standard input.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Who makes the token, exactly as the gateway's `issuers` name it.
    #[arg(long, value_name = "NAME")]
    issuer: String,
    /// For whom the token is: the gateway's `audience`.
    #[arg(long, value_name = "AUDIENCE")]
    audience: String,
    /// What the token claims; may be repeated with other names. Join several values of one claim with commas.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// How long the token holds: 90s, 5m, 1h, 7d.
    #[arg(long, value_name = "PERIOD", default_value = "1h", value_parser = period)]
    expires_in: Period,
}

const EXAMPLE: &str = "Example:
  portcullis token swt mint --key-file swt.key --issuer https://nightclub.example/ \\
    --audience http://localhost:8080/bartender --claim Birthdate=1979-05-25 --expires-in 15m";

impl Mint {
    pub(super) fn run(self) -> Result<(), Failure> {
        let key = read_key(&self.key_file)?;
        let token = self.mint(&key, clock::now())?;
        print(&Zeroizing::new([&*token, "\n"].concat()))
    }

    fn mint(&self, key: &SwtKey, now: UnixTime) -> Result<Zeroizing<String>, Failure> {
        let claims: Vec<_> = self.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expires = now.later(self.expires_in.duration().as_secs());
        let statement = Statement { claims: &claims, issuer: &self.issuer, audience: Some(&self.audience), expires: Some(expires) };
        issue(&statement, key).map_err(|error| format!("a token cannot have {error}").into())
    }
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn period(text: &str) -> Result<Period, String> {
    let period = Period::parse(text).ok_or("expected digits and a unit, such as 90s, 5m, 1h or 7d")?;
    if period.duration().as_secs() == 0 { Err("a token that holds for less than a second is no use".to_owned()) } else { Ok(period) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AUDIENCE, ISSUER, NOW, key, minted};
    use super::*;

    fn mint(claims: &[(&str, &str)]) -> Mint {
        let claims = claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Mint {
            key_file: PathBuf::new(),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            claims,
            expires_in: Period::from_secs(3600),
        }
    }

    #[test]
    fn the_token_states_what_was_asked_for() {
        let token = mint(&[("Birthdate", "1979-05-25"), ("Role", "a,b=c")]).mint(&key(7), NOW).unwrap();
        assert_eq!(*token, minted(&[("Birthdate", "1979-05-25"), ("Role", "a,b=c")]));
    }

    #[test]
    fn claims_that_no_reader_takes_are_refused() {
        for claims in [&[("Issuer", "x")][..], &[("a", "1"), ("a", "2")], &[("", "x")]] {
            assert!(matches!(mint(claims).mint(&key(7), NOW), Err(Failure::Reason(_))), "{claims:?}");
        }
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(claim("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert!(claim("a").is_err());
        assert_eq!(period("15m"), Ok(Period::from_secs(900)));
        assert!(["15", "0s", "10ms", "-1h"].iter().all(|text| period(text).is_err()));
    }
}
