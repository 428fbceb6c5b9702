//! `portcullis token`: tokens made, looked at and verified on the desk, without a gateway.

mod dpop;
mod holder;
mod inspect;
mod jwt;
mod mint;
mod verify;

pub(in crate::cli) use dpop::Dpop;

use super::failure::Failure;
use super::terminal::{date, read, remark, span};
use crate::clock::UnixTime;
use crate::setting::Period;
use crate::token::form::FormSyntax;
use crate::token::swt::{MAX_PAIRS, SwtKey, SwtSyntax};
use clap::{Args, Subcommand};
use std::io::{IsTerminal, stdin};
use std::path::Path;
use zeroize::Zeroizing;

/// Mint, inspect and verify tokens, without a gateway.
#[derive(Args)]
pub(super) struct Token {
    #[command(subcommand)]
    format: Format,
}

#[derive(Subcommand)]
enum Format {
    /// Simple Web Tokens, as OAuth WRAP carries them.
    #[command(subcommand)]
    Swt(Act),
    /// JSON Web Tokens, for anyone or bound to a key of their holder.
    #[command(subcommand)]
    Jwt(jwt::Act),
    Dpop(dpop::Dpop),
}

#[derive(Subcommand)]
enum Act {
    Mint(mint::Mint),
    Inspect(inspect::Inspect),
    Verify(verify::Verify),
}

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.format {
            Format::Swt(Act::Mint(mint)) => mint.run(),
            Format::Swt(Act::Inspect(inspect)) => inspect.run(),
            Format::Swt(Act::Verify(verify)) => verify.run(),
            Format::Jwt(act) => act.run(),
            Format::Dpop(dpop) => dpop.run(),
        }
    }
}

/// The token to look at.
#[derive(Args)]
struct Presented {
    /// The token, or `-` to read it from standard input. Other users of this machine can see arguments
    /// in the list of processes: hand over a token that still holds by standard input.
    #[arg(default_value = "-", value_name = "TOKEN", allow_hyphen_values = true)]
    token: String,
}

impl Presented {
    /// The token without the line break that texts end with.
    fn read(self) -> Result<Zeroizing<String>, Failure> {
        if self.token != "-" {
            return Ok(Zeroizing::new(self.token));
        }
        if stdin().is_terminal() {
            remark("Reading the token from standard input; end it with Ctrl-D.");
        }
        Ok(Zeroizing::new(read(Path::new("-"))?.trim().to_owned()))
    }

    fn is_from_stdin(&self) -> bool {
        self.token == "-"
    }
}

/// The key in a file, or on standard input for `-`.
fn read_key(path: &Path) -> Result<SwtKey, Failure> {
    let text = read(path)?;
    SwtKey::from_text(text.as_bytes())
        .map_err(|syntax| format!("{}: {syntax}; a key is 32 octets in base64, as `portcullis keys swt` makes them", path.display()).into())
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn period(text: &str) -> Result<Period, String> {
    let period = Period::parse(text).ok_or("expected digits and a unit, such as 90s, 5m, 1h or 7d")?;
    if period.duration().as_secs() == 0 { Err("a token that holds for less than a second is no use".to_owned()) } else { Ok(period) }
}

fn leeway(text: &str) -> Result<Period, String> {
    Period::parse(text).ok_or_else(|| "expected digits and a unit, such as 30s".to_owned())
}

/// When a token ends or ended, as a note beside the number.
fn expiry(end: UnixTime, now: UnixTime) -> String {
    match end.seconds().checked_sub(now.seconds()) {
        Some(left) if left > 0 => format!("  = {}, in {}", date(end), span(left)),
        Some(_) | None => format!("  = {}, over since {}", date(end), span(now.seconds().saturating_sub(end.seconds()))),
    }
}

/// What is wrong with a text that is not a token.
fn words(syntax: SwtSyntax) -> String {
    match syntax {
        SwtSyntax::Octet => "it has a character that a token cannot have, such as a space or a line break".to_owned(),
        SwtSyntax::MacNotLast => "it does not end with `&HMACSHA256=` and a MAC".to_owned(),
        SwtSyntax::Mac => "its MAC is not base64 of 32 octets".to_owned(),
        SwtSyntax::Pair => "a piece of it is not a name, `=` and a value".to_owned(),
        SwtSyntax::TooManyPairs => format!("it has more than {MAX_PAIRS} pairs"),
        SwtSyntax::NameRepeated => "a name stands in it twice".to_owned(),
        SwtSyntax::Expiry => "its ExpiresOn is not a number of seconds".to_owned(),
        SwtSyntax::Form(FormSyntax::Escape) => "`%` stands in it without two hexadecimal digits".to_owned(),
        SwtSyntax::Form(FormSyntax::Utf8) => "a name or a value in it is not UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::swt::{Statement, issue};

    pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
    pub(super) const ISSUER: &str = "https://nightclub.example/";
    pub(super) const AUDIENCE: &str = "http://localhost:8080/bartender";

    pub(super) fn key(seed: u8) -> SwtKey {
        SwtKey::from_octets(&[seed; 32]).unwrap()
    }

    pub(super) fn minted(claims: &[(&str, &str)]) -> String {
        let statement = Statement { claims, issuer: ISSUER, audience: Some(AUDIENCE), expires: Some(NOW.later(3600)) };
        issue(&statement, &key(7)).unwrap().to_string()
    }

    #[test]
    fn a_token_given_as_an_argument_is_taken_as_it_is() {
        assert_eq!(*Presented { token: "a=b".to_owned() }.read().unwrap(), "a=b");
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(claim("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert!(claim("a").is_err());
        assert_eq!(period("15m"), Ok(Period::from_secs(900)));
        assert!(["15", "0s", "10ms", "-1h"].iter().all(|text| period(text).is_err()));
        assert!(leeway("0s").is_ok() && leeway("30").is_err());
    }

    #[test]
    fn a_file_that_is_no_key_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "hunter2").unwrap();
        let Err(Failure::Reason(reason)) = read_key(&file) else { panic!() };
        assert!(reason.contains("32 octets in base64") && !reason.contains("hunter2"), "{reason}");
    }
}
