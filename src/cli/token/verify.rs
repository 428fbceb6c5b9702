//! `portcullis token swt verify`.

use super::{Presented, leeway, read_key, words};
use crate::cli::failure::Failure;
use crate::cli::terminal::{date, print, printable, span};
use crate::clock::{self, UnixTime};
use crate::setting::Period;
use crate::token::AudienceRule;
use crate::token::swt::{Expiry, Swt, SwtKey, Unconfirmed, Unproved};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Verify a token as a gateway would, and say what did not hold.
///
/// Prints `holds` with what was checked, or `refused` with the reason and ends with 1. The rules for
/// claims stand in the configuration and are not checked here.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Verify {
    #[command(flatten)]
    presented: Presented,
    /// A file with the issuer's key, or `-` for standard input; repeat it for the previous key.
    #[arg(long, value_name = "FILE", required = true)]
    key_file: Vec<PathBuf>,
    #[command(flatten)]
    expected: Expected,
}

const EXAMPLE: &str = "Example:
  portcullis token swt verify --key-file swt.key --issuer https://nightclub.example/ \\
    --audience http://localhost:8080/bartender < token";

/// What the token must say, and when.
#[derive(Args)]
struct Expected {
    /// Who must have made the token; by default anybody with the key.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// For whom the token must be; by default that is not checked.
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// How audiences are compared.
    #[arg(long, value_enum, default_value = "exact", requires = "audience")]
    audience_match: Comparison,
    /// How long after its end the token still holds, for clocks that disagree.
    #[arg(long, value_name = "PERIOD", default_value = "0s", value_parser = leeway)]
    leeway: Period,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Comparison {
    /// Octet by octet.
    Exact,
    /// As addresses: http is https, the host in any letter case, and what lies below the audience, too.
    Acs,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let keys_from_stdin = self.key_file.iter().filter(|file| *file == Path::new("-")).count();
        if keys_from_stdin + usize::from(self.presented.is_from_stdin()) > 1 {
            return Err("only one of the token and the keys can come from standard input".to_owned().into());
        }
        let rule = self.expected.audience_rule()?;
        let keys = self.key_file.iter().map(|file| read_key(file)).collect::<Result<Vec<_>, _>>()?;
        let token = self.presented.read()?;
        match verify(&token, &keys, &self.expected, rule.as_ref(), clock::now()) {
            Ok(held) => print(&held),
            Err(reason) => {
                print(&format!("refused: {reason}\n"))?;
                Err(Failure::Refused)
            }
        }
    }
}

impl Expected {
    fn audience_rule(&self) -> Result<Option<AudienceRule>, Failure> {
        let Some(audience) = &self.audience else { return Ok(None) };
        match self.audience_match {
            Comparison::Exact => Ok(Some(AudienceRule::exact(audience))),
            Comparison::Acs => AudienceRule::acs(audience).map(Some).map_err(|_| {
                "--audience-match acs compares http and https addresses without fragment, user and dot segments".to_owned().into()
            }),
        }
    }
}

/// What held, or the first thing that did not, in the order of the gateway.
fn verify(token: &str, keys: &[SwtKey], expected: &Expected, audience: Option<&AudienceRule>, now: UnixTime) -> Result<String, String> {
    let token = Unconfirmed::parse(token).map_err(|syntax| format!("it is not a Simple Web Token: {} (token_syntax)", words(syntax)))?;
    if expected.issuer.as_ref().is_some_and(|issuer| !token.names_issuer(issuer)) {
        return Err(format!("{} is not the issuer asked for (issuer_untrusted)", stated_issuer(&token)));
    }
    let token = token.confirmed_by(keys).map_err(|unproved| match unproved {
        Unproved::Mac => "its MAC was not made with this key, or the token was changed (signature_invalid)".to_owned(),
        Unproved::Syntax(syntax) => format!("its MAC holds but {} (token_syntax)", words(syntax)),
    })?;
    let end = match token.expiry(now, expected.leeway.duration().as_secs()) {
        Expiry::Until(end) => end,
        Expiry::Over => return Err(format!("it is over{} (expired)", since(&token, now))),
        Expiry::Unstated => return Err("it does not say when it ends (claim_missing: ExpiresOn)".to_owned()),
    };
    check_audience(&token, audience)?;
    Ok(held(&token, expected, end))
}

fn stated_issuer(token: &Unconfirmed<'_>) -> String {
    let issuer = token.unproved_pairs().filter_map(Result::ok).find(|(name, _)| name == crate::token::swt::ISSUER);
    issuer.map_or_else(|| "nobody".to_owned(), |(_, issuer)| printable(&issuer).into_owned())
}

fn since(token: &Swt, now: UnixTime) -> String {
    let end = token.claims().value(crate::token::swt::EXPIRES_ON).and_then(|seconds| seconds.parse().ok());
    end.map(|end| format!(" since {}, {} ago", date(UnixTime::from_seconds(end)), span(now.seconds().saturating_sub(end))))
        .unwrap_or_default()
}

fn check_audience(token: &Swt, rule: Option<&AudienceRule>) -> Result<(), String> {
    match (rule, token.audience()) {
        (None, _) => Ok(()),
        (Some(_), None) => Err("it does not say for whom it is (claim_missing: Audience)".to_owned()),
        (Some(rule), Some(audience)) if rule.admits(audience) => Ok(()),
        (Some(_), Some(audience)) => Err(format!("it is for {} (audience_mismatch)", printable(audience))),
    }
}

fn held(token: &Swt, expected: &Expected, end: UnixTime) -> String {
    let asked = |asked: &Option<String>| if asked.is_some() { "as asked for" } else { "any would do" };
    let [issuer, audience] = [token.issuer(), token.audience()].map(|stated| printable(stated.unwrap_or("none stated")));
    let Expected { issuer: wanted_issuer, audience: wanted_audience, .. } = expected;
    let [wanted_issuer, wanted_audience] = [asked(wanted_issuer), asked(wanted_audience)];
    format!("holds until {}\nissuer    {issuer} ({wanted_issuer})\naudience  {audience} ({wanted_audience})\n", date(end))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AUDIENCE, ISSUER, NOW, key, minted};
    use super::*;
    use crate::token::swt::{Statement, issue};

    fn expected(issuer: Option<&str>, audience: Option<&str>, audience_match: Comparison) -> Expected {
        Expected { issuer: issuer.map(str::to_owned), audience: audience.map(str::to_owned), audience_match, leeway: Period::from_secs(30) }
    }

    fn verdict(token: &str, keys: &[SwtKey], expected: &Expected, now: UnixTime) -> Result<String, String> {
        verify(token, keys, expected, expected.audience_rule().unwrap().as_ref(), now)
    }

    #[test]
    fn a_token_holds_by_the_current_and_by_the_previous_key() {
        let asked = expected(Some(ISSUER), Some(AUDIENCE), Comparison::Exact);
        let held = verdict(&minted(&[]), &[key(7)], &asked, NOW).unwrap();
        assert!(held.starts_with("holds until 2023-11-14T23:13:20Z\n") && held.contains("(as asked for)"), "{held}");
        assert!(verdict(&minted(&[]), &[key(1), key(7)], &asked, NOW).is_ok());
        let unasked = verdict(&minted(&[]), &[key(7)], &expected(None, None, Comparison::Exact), NOW).unwrap();
        assert!(unasked.contains("(any would do)"), "{unasked}");
    }

    #[test]
    fn each_miss_has_its_reason() {
        let fine = expected(None, None, Comparison::Exact);
        let reason = |token: &str, expected: &Expected, now| verdict(token, &[key(7)], expected, now).unwrap_err();
        let token = minted(&[("Role", "patron")]);
        assert!(reason("hello", &fine, NOW).contains("(token_syntax)"));
        assert!(reason(&token.replace("patron", "owner"), &fine, NOW).contains("(signature_invalid)"));
        assert!(verdict(&token, &[key(8)], &fine, NOW).unwrap_err().contains("(signature_invalid)"));
        assert!(reason(&token, &expected(Some("other"), None, Comparison::Exact), NOW).contains("(issuer_untrusted)"));
        assert!(reason(&token, &expected(None, Some("other"), Comparison::Exact), NOW).contains("(audience_mismatch)"));
        let over = reason(&token, &fine, NOW.later(3630));
        assert!(over.contains("over since 2023-11-14T23:13:20Z, 30 seconds ago (expired)"), "{over}");
        assert!(verdict(&token, &[key(7)], &fine, NOW.later(3629)).is_ok());
    }

    #[test]
    fn what_a_token_does_not_state_is_missed() {
        let bare = Statement { claims: &[], issuer: ISSUER, audience: None, expires: Some(NOW.later(60)) };
        let no_audience = issue(&bare, &key(7)).unwrap();
        let no_end = issue(&Statement { expires: None, ..bare }, &key(7)).unwrap();
        let asked = expected(None, Some(AUDIENCE), Comparison::Exact);
        assert!(verdict(&no_audience, &[key(7)], &asked, NOW).unwrap_err().contains("claim_missing: Audience"));
        assert!(verdict(&no_end, &[key(7)], &asked, NOW).unwrap_err().contains("claim_missing: ExpiresOn"));
    }

    #[test]
    fn audiences_are_compared_as_acs_did_when_asked_to() {
        let above = Some("https://LOCALHOST:8080/");
        assert!(verdict(&minted(&[]), &[key(7)], &expected(None, above, Comparison::Acs), NOW).is_ok());
        assert!(verdict(&minted(&[]), &[key(7)], &expected(None, above, Comparison::Exact), NOW).is_err());
        assert!(expected(None, Some("no address"), Comparison::Acs).audience_rule().is_err());
    }
}
