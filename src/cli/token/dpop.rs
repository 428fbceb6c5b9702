//! `portcullis token dpop`.

use super::super::failure::Failure;
use super::super::key_file;
use super::super::terminal::{print, read};
use crate::client::{Target, Token};
use crate::clock::{self, UnixTime};
use crate::crypto::{Random, SystemRandom};
use crate::scheme::dpop::{ProofStatement, issue_proof};
use clap::Args;
use http::Method;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make the proof that the holder of a bound token sends with one request (DPoP, RFC 9449).
///
/// Prints the fields `Authorization` and `DPoP` of the request, one a line, as `curl -H @FILE` reads them. They are
/// for one sending, within the minute or so that the server allows, of exactly this method and URL.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli) struct Dpop {
    /// The file with the private key in PEM (PKCS#8) that the token is bound to.
    #[arg(long, visible_alias = "key", value_name = "FILE")]
    pub(in crate::cli) key_file: PathBuf,
    /// The file with the token; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) token: PathBuf,
    /// The method of the request.
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub(in crate::cli) method: Method,
    /// The URL of the request, in normal form; query and fragment are left out of the proof.
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(in crate::cli) url: String,
    /// The nonce that the server gave in `DPoP-Nonce`.
    #[arg(long, value_name = "NONCE", default_value = "", hide_default_value = true)]
    pub(in crate::cli) nonce: String,
}

const EXAMPLE: &str = "Example:
  portcullis token dpop --key-file client.pem --token token.jwt --url https://api.example/orders > fields
  curl -H @fields https://api.example/orders";

impl Dpop {
    pub(super) fn run(&self) -> Result<(), Failure> {
        print(&self.fields(clock::now(), &SystemRandom::new())?)
    }

    /// The fields of the request.
    pub(in crate::cli) fn fields(&self, now: UnixTime, random: &impl Random) -> Result<Zeroizing<String>, Failure> {
        let key = key_file::issuing(&self.key_file, None, None)?;
        let token = token_in(&self.token)?;
        let target = self.url.split(['?', '#']).next().unwrap_or_default();
        let statement = ProofStatement { method: self.method.as_str(), target, token: &token, nonce: &self.nonce };
        let proof = issue_proof(&statement, &key, now, random).map_err(|fault| fault.to_string())?;
        Ok(Zeroizing::new(["Authorization: DPoP ", &token, "\nDPoP: ", &proof, "\n"].concat()))
    }
}

/// The token in a file; what is none is not sent.
fn token_in(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let content = read(file)?;
    let token = Token::read("jwt", content.as_bytes()).map_err(|unavailable| format!("{}: {unavailable}", file.display()))?;
    Ok(Zeroizing::new(String::from_utf8_lossy(token.octets()).into_owned()))
}

/// A URL as servers see it; no server would take a proof for another.
fn url(text: &str) -> Result<String, String> {
    let sent = text.split('#').next().unwrap_or_default();
    Target::read(sent).map(|_| sent.to_owned()).map_err(|syntax| syntax.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{NewKey, SigningKey};
    use crate::token::jose::pem;

    #[test]
    fn only_a_url_is_taken() {
        assert_eq!(url("https://api.example/orders?x=1#top").as_deref(), Ok("https://api.example/orders?x=1"));
        assert_eq!(url("http://localhost:8080").as_deref(), Ok("http://localhost:8080"));
        for wrong in ["localhost:8080/d/", "/orders", "https://jane@api.example/", "https://API.example/"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_fields_are_those_of_one_request() {
        let folder = tempfile::tempdir().unwrap();
        let (key_file, token) = (folder.path().join("client.pem"), folder.path().join("token"));
        std::fs::write(&key_file, pem::write(&SigningKey::generate(NewKey::P256).unwrap()).as_bytes()).unwrap();
        std::fs::write(&token, "a.b.c\n").unwrap();
        let url = "https://api.example/orders?x=1".to_owned();
        let command = Dpop { key_file, token, method: Method::GET, url, nonce: "n".to_owned() };
        let fields = command.fields(UnixTime::from_seconds(1_700_000_000), &SystemRandom::new()).unwrap();
        let lines: Vec<_> = fields.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, "Authorization: DPoP a.b.c"));
        assert!(lines[1].strip_prefix("DPoP: ").is_some_and(|proof| proof.split('.').count() == 3));
        let absent = Dpop { token: folder.path().join("absent"), ..command };
        assert!(absent.fields(UnixTime::from_seconds(0), &SystemRandom::new()).is_err());
        for wrong in ["", " \n", "a.b.c\nX-Evil: 1", "a b", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            let token = folder.path().join("wrong");
            std::fs::write(&token, wrong).unwrap();
            let Err(Failure::Reason(told)) = token_in(&token) else { panic!("{wrong}") };
            assert!(!told.contains("AAAA") && !told.contains("Evil"), "{told}");
        }
    }
}
