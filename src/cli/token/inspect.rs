//! `portcullis token swt inspect`.

use super::{Presented, expiry, words};
use crate::cli::failure::Failure;
use crate::cli::terminal::{print, printable};
use crate::clock::{self, UnixTime};
use crate::token::swt::{EXPIRES_ON, SwtSyntax, Unconfirmed};
use clap::Args;

/// Show what a token says, without verifying anything.
///
/// Anybody can write such a token: only `verify` tells whether its issuer did.
#[derive(Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    presented: Presented,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let token = self.presented.read()?;
        let text = describe(&token, clock::now()).map_err(|syntax| format!("not a Simple Web Token: {}", words(syntax)))?;
        print(&text)
    }
}

fn describe(token: &str, now: UnixTime) -> Result<String, SwtSyntax> {
    let token = Unconfirmed::parse(token)?;
    let pairs = token.unproved_pairs().collect::<Result<Vec<_>, _>>().map_err(SwtSyntax::Form)?;
    let width = pairs.iter().map(|(name, _)| printable(name).chars().count()).max().unwrap_or_default().clamp(10, 40);
    let mut text = "NOT VERIFIED: this is what the token says; whether its issuer said it was not checked.\n\n".to_owned();
    for (name, value) in &pairs {
        let [shown_name, shown_value] = [printable(name), printable(value)];
        let end = if name == EXPIRES_ON { value.parse().ok().map(UnixTime::from_seconds) } else { None };
        let note = end.map(|end| expiry(end, now)).unwrap_or_default();
        text.push_str(&format!("{shown_name:<width$}  {shown_value}{note}\n"));
    }
    if pairs.iter().all(|(name, _)| name != EXPIRES_ON) {
        text.push_str(&format!("\nIt has no {EXPIRES_ON}: no gateway takes it as an access token.\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ISSUER, NOW, key, minted};
    use super::*;
    use crate::token::swt::{Statement, issue};

    #[test]
    fn claims_are_decoded_and_nothing_is_promised() {
        let text = describe(&minted(&[("Full Name", "Jane Doe & sons")]), NOW).unwrap();
        assert!(text.starts_with("NOT VERIFIED"), "{text}");
        assert!(text.contains("\nFull Name   Jane Doe & sons\n"), "{text}");
        assert!(text.contains("\nExpiresOn   1700003600  = 2023-11-14T23:13:20Z, in 1 hour\n"), "{text}");
    }

    #[test]
    fn a_token_that_is_over_says_so_from_its_last_second_on() {
        let over = |now| describe(&minted(&[]), now).unwrap().contains("over since");
        assert!(!over(NOW.later(3599)));
        assert!(over(NOW.later(3600)) && over(NOW.later(9999)));
    }

    #[test]
    fn a_token_without_an_end_says_so() {
        let statement = Statement { claims: &[], issuer: ISSUER, audience: None, expires: None };
        let token = issue(&statement, &key(7)).unwrap();
        assert!(describe(&token, NOW).unwrap().contains("has no ExpiresOn"));
    }

    #[test]
    fn a_claim_cannot_control_the_terminal() {
        let text = describe(&minted(&[("Name", "\u{1b}[2J")]), NOW).unwrap();
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}[2J"), "{text}");
    }

    #[test]
    fn what_is_no_token_is_told() {
        assert_eq!(describe("hello", NOW), Err(SwtSyntax::MacNotLast));
        assert_eq!(describe("", NOW), Err(SwtSyntax::MacNotLast));
    }
}
