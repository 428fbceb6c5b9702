//! `portcullis token jwt inspect`.

use super::super::{Presented, expiry};
use crate::cli::failure::Failure;
use crate::cli::terminal::{date, print, printable};
use crate::clock::{self, UnixTime};
use crate::token::jose::Unconfirmed;
use crate::token::json::{Json, Object, read_object};
use crate::token::jwt::{EXPIRES, ISSUED, NOT_BEFORE};
use clap::Args;

/// Show what a token says, without verifying anything.
///
/// Anybody can write such a token: only `verify` tells whether its issuer did.
#[derive(Args)]
pub(in crate::cli::token) struct Inspect {
    #[command(flatten)]
    presented: Presented,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let token = self.presented.read()?;
        let text = describe(&token, clock::now()).map_err(|reason| format!("not a JSON Web Token: {reason}"))?;
        print(&text)
    }
}

fn describe(token: &str, now: UnixTime) -> Result<String, String> {
    let token = Unconfirmed::parse(token).map_err(|syntax| syntax.to_string())?;
    let payload = token.unproved_payload().map_err(|syntax| syntax.to_string())?;
    let header = read_object(token.header().octets()).map_err(|syntax| format!("its header is {syntax}"))?;
    let claims = read_object(&payload).map_err(|syntax| format!("its payload is {syntax}"))?;
    let mut text = "NOT VERIFIED: this is what the token says; whether its issuer said it was not checked.\n".to_owned();
    for (title, object) in [("Header", &header), ("Claims", &claims)] {
        text.push_str(&format!("\n{title}\n"));
        append(object, now, &mut text);
    }
    if claims.member(EXPIRES).is_none() {
        text.push_str(&format!("\nIt has no {EXPIRES}: no gateway takes it as an access token.\n"));
    }
    Ok(text)
}

fn append(object: &Object<'_>, now: UnixTime, text: &mut String) {
    let width = object.iter().map(|(name, _)| printable(name).chars().count()).max().unwrap_or_default().clamp(10, 40);
    for (name, value) in object.iter() {
        let mut written = String::new();
        match value.text() {
            Some(plain) => written.push_str(plain),
            None => value.write(&mut written),
        }
        let [shown_name, shown_value] = [printable(name), printable(&written)];
        text.push_str(&format!("  {shown_name:<width$}  {shown_value}{}\n", note(name, value, now)));
    }
}

fn note(name: &str, value: &Json<'_>, now: UnixTime) -> String {
    match (name, value.seconds()) {
        (EXPIRES, Some(end)) => expiry(UnixTime::from_seconds(end.as_secs()), now),
        (NOT_BEFORE | ISSUED, Some(time)) => format!("  = {}", date(UnixTime::from_seconds(time.as_secs()))),
        (_, Some(_) | None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, minted, statement};
    use super::*;

    #[test]
    fn header_and_claims_are_shown_and_nothing_is_promised() {
        let text = describe(&minted(&statement(&[("full name", "Jane Doe")])), NOW).unwrap();
        assert!(text.starts_with("NOT VERIFIED"), "{text}");
        assert!(text.contains("\n  alg         HS256\n") && text.contains("\n  full name   Jane Doe\n"), "{text}");
        assert!(text.contains("\n  exp         1700003600  = 2023-11-14T23:13:20Z, in 1 hour\n"), "{text}");
        assert!(text.contains("\n  iat         1700000000  = 2023-11-14T22:13:20Z\n"), "{text}");
    }

    #[test]
    fn a_token_that_is_over_says_so() {
        assert!(describe(&minted(&statement(&[])), NOW.later(3600)).unwrap().contains("over since"));
    }

    #[test]
    fn a_claim_cannot_control_the_terminal() {
        let text = describe(&minted(&statement(&[("name", "\u{1b}[2J")])), NOW).unwrap();
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}[2J"), "{text}");
    }

    #[test]
    fn what_is_no_token_is_told() {
        assert!(describe("hello", NOW).unwrap_err().contains("three parts"));
        assert!(describe("e30.e30.", NOW).unwrap_err().contains("no algorithm"));
    }
}
