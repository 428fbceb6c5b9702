//! `portcullis token swt mint`.

use super::holder::{SealedHolder, check_stdin};
use super::{claim, period, read_key};
use crate::cli::failure::Failure;
use crate::cli::terminal::print;
use crate::clock::{self, UnixTime};
use crate::setting::Period;
use crate::token::jose::cnf::SEALED_CLAIM;
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
    #[command(flatten)]
    sealed: SealedHolder,
}

const EXAMPLE: &str = "Example:
  portcullis token swt mint --key-file swt.key --issuer https://nightclub.example/ \\
    --audience http://localhost:8080/bartender --claim Birthdate=1979-05-25 --expires-in 15m

A token that only the holder of a secret can use:
  portcullis token swt mint --key-file swt.key --issuer https://nightclub.example/ \\
    --audience http://localhost:8080/bartender --cnf-jwe-key proof.key --proof-key client.key";

impl Mint {
    pub(super) fn run(self) -> Result<(), Failure> {
        check_stdin(self.sealed.files().chain([self.key_file.as_path()]))?;
        let key = read_key(&self.key_file)?;
        let token = self.mint(&key, clock::now())?;
        print(&Zeroizing::new([&*token, "\n"].concat()))
    }

    fn mint(&self, key: &SwtKey, now: UnixTime) -> Result<Zeroizing<String>, Failure> {
        let mut claims: Vec<_> = self.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let sealed = self.sealed.seal()?;
        claims.extend(sealed.as_ref().map(|sealed| (SEALED_CLAIM, sealed.as_str())));
        let expires = now.later(self.expires_in.duration().as_secs());
        let statement = Statement { claims: &claims, issuer: &self.issuer, audience: Some(&self.audience), expires: Some(expires) };
        issue(&statement, key).map_err(|error| format!("a token cannot have {error}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::holder::tests::sealed_holder;
    use super::super::tests::{AUDIENCE, ISSUER, NOW, key, minted};
    use super::*;
    use crate::token::jose::cnf::{ProofMaterial, open_sealed};
    use crate::token::jose::jwe::SharedKey;
    use crate::token::swt::Unconfirmed;

    fn mint(claims: &[(&str, &str)]) -> Mint {
        let claims = claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Mint {
            key_file: PathBuf::new(),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            claims,
            expires_in: Period::from_secs(3600),
            sealed: SealedHolder::default(),
        }
    }

    #[test]
    fn the_token_states_what_was_asked_for() {
        let token = mint(&[("Birthdate", "1979-05-25"), ("Role", "a,b=c")]).mint(&key(7), NOW).unwrap();
        assert_eq!(*token, minted(&[("Birthdate", "1979-05-25"), ("Role", "a,b=c")]));
    }

    #[test]
    fn the_token_is_bound_to_a_sealed_secret() {
        let folder = tempfile::tempdir().unwrap();
        let bound = Mint { sealed: sealed_holder(folder.path()), ..mint(&[]) }.mint(&key(7), NOW).unwrap();
        let swt = Unconfirmed::parse(&bound).unwrap().confirmed_by([&key(7)]).unwrap();
        let shared = SharedKey::from_octets(&[9; 32]).unwrap();
        let proof = open_sealed(swt.claims().value("cnf.jwe").unwrap(), [&shared]).unwrap();
        assert!(matches!(proof.material(), ProofMaterial::Secret(octets) if ***octets == [3; 32]));
    }

    #[test]
    fn claims_that_no_reader_takes_are_refused() {
        for claims in [&[("Issuer", "x")][..], &[("a", "1"), ("a", "2")], &[("", "x")]] {
            assert!(matches!(mint(claims).mint(&key(7), NOW), Err(Failure::Reason(_))), "{claims:?}");
        }
    }
}
