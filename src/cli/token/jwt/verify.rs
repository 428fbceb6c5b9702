//! `portcullis token jwt verify`.

use super::super::{Presented, leeway};
use crate::cli::failure::Failure;
use crate::cli::key_file;
use crate::cli::terminal::{date, print, printable};
use crate::clock::{self, UnixTime};
use crate::crypto::base64url;
use crate::scheme::{Refusal, Rejection};
use crate::setting::Period;
use crate::token::AudienceRule;
use crate::token::jose::cnf::{Confirmation, ProofMaterial};
use crate::token::jose::jwe::SharedKey;
use crate::token::jose::{Unconfirmed, VerificationKey, thumbprint};
use crate::token::jwt::{AUDIENCE, EXPIRES, Holder, ISSUED, Jwt, JwtMiss, NOT_BEFORE, TypeRule};
use clap::Args;
use std::path::{Path, PathBuf};

/// Verify a token as a gateway would, and say what did not hold.
///
/// Prints `holds` with what was checked, or `refused` with the reason and ends with 1. The rules for
/// claims stand in the configuration and are not checked here. Nobody's proof of possession is checked
/// either: of a bound token, the key is shown that its holder must prove to have.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli::token) struct Verify {
    #[command(flatten)]
    presented: Presented,
    /// A file with keys of the issuer: a key set or a key in JSON, a key in PEM, a secret in base64; or `-`
    /// for standard input. May be repeated.
    #[arg(long, visible_alias = "key", value_name = "FILE", required = true)]
    key_file: Vec<PathBuf>,
    /// The file with the key, 32 octets in base64, that opens a sealed proof key.
    #[arg(long, value_name = "FILE")]
    cnf_jwe_key: Option<PathBuf>,
    #[command(flatten)]
    expected: Expected,
}

const EXAMPLE: &str = "Example:
  portcullis token jwt verify --key-file jwks.json --issuer https://sts.example --audience orders < token";

/// What the token must say, and when.
#[derive(Args)]
struct Expected {
    /// Who must have made the token; by default anybody with the key.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// For whom the token must be; by default that is not checked.
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// The type the token must have; by default it must be an access token: at+jwt, JWT or none.
    #[arg(long = "type", value_name = "TYPE")]
    token_type: Option<String>,
    /// How far clocks may disagree.
    #[arg(long, value_name = "PERIOD", default_value = "30s", value_parser = leeway)]
    leeway: Period,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let files = self.key_file.iter().chain(&self.cnf_jwe_key);
        let keys_from_stdin = files.filter(|file| *file == Path::new("-")).count();
        if keys_from_stdin + usize::from(self.presented.is_from_stdin()) > 1 {
            return Err("only one of the token and the keys can come from standard input".to_owned().into());
        }
        let mut keys = Vec::new();
        for file in &self.key_file {
            keys.extend(key_file::checking(file)?);
        }
        let shared = self.cnf_jwe_key.as_deref().map(key_file::shared).transpose()?;
        let token = self.presented.read()?;
        match verify(&token, &keys, shared.as_ref(), &self.expected, clock::now()) {
            Ok(held) => print(&held),
            Err(reason) => {
                print(&format!("refused: {reason}\n"))?;
                Err(Failure::Refused)
            }
        }
    }
}

/// What held, or the first thing that did not, in the order of the gateway.
fn verify(token: &str, keys: &[VerificationKey], shared: Option<&SharedKey>, expected: &Expected, now: UnixTime) -> Result<String, String> {
    let token = Unconfirmed::parse(token).map_err(|syntax| format!("it is not a JSON Web Token: {syntax} (token_syntax)"))?;
    let jws = token.confirmed_by(keys).map_err(|unproved| format!("{unproved} ({})", Refusal::from(unproved).reason()))?;
    let token = Jwt::read(&jws).map_err(|syntax| format!("its signature holds, but {syntax} (token_syntax)"))?;
    let end = judge(&token, expected, now).map_err(|miss| format!("{miss}{} ({})", stated(&token, &miss), label(&miss)))?;
    let holder = holder(&token, shared)?;
    Ok(held(&token, expected, end, &holder))
}

fn judge(token: &Jwt, expected: &Expected, now: UnixTime) -> Result<UnixTime, JwtMiss> {
    let rule = expected.token_type.as_deref().map_or(TypeRule::AccessToken, |wanted| TypeRule::Exactly(wanted.into()));
    rule.judge(token)?;
    match (&expected.issuer, token.issuer()) {
        (Some(_), None) => return Err(JwtMiss::IssuerMissing),
        (Some(wanted), Some(stated)) if wanted != stated => return Err(JwtMiss::IssuerUntrusted),
        (Some(_), Some(_)) | (None, _) => {}
    }
    let end = token.judge_times(now, expected.leeway.duration().as_secs())?;
    if let Some(wanted) = &expected.audience {
        token.judge_audience(&[AudienceRule::exact(wanted)])?;
    }
    Ok(end)
}

/// What the token says where it does not say what was asked for.
fn stated(token: &Jwt, miss: &JwtMiss) -> String {
    let said = match miss {
        JwtMiss::Type => token.token_type(),
        JwtMiss::IssuerUntrusted => token.issuer(),
        JwtMiss::AudienceMismatch => token.claims().value(AUDIENCE),
        JwtMiss::Expired => return moment(token, EXPIRES),
        JwtMiss::NotYet => return moment(token, NOT_BEFORE),
        JwtMiss::IssuedLater | JwtMiss::LifetimeTooLong => return moment(token, ISSUED),
        JwtMiss::IssuedMissing | JwtMiss::IssuerMissing | JwtMiss::ExpiryMissing | JwtMiss::AudienceMissing | JwtMiss::Claim(_) => None,
    };
    said.map(|said| format!(", {}", printable(said))).unwrap_or_default()
}

fn moment(token: &Jwt, claim: &str) -> String {
    let seconds = token.claims().value(claim).and_then(|seconds| seconds.parse().ok());
    seconds.map(|seconds| format!(", {}", date(UnixTime::from_seconds(seconds)))).unwrap_or_default()
}

/// The reason as a gateway logs it, with the claim that it is about.
fn label(miss: &JwtMiss) -> String {
    let refusal = Refusal::from(Rejection::from(miss.clone()));
    match refusal.claim() {
        "" => refusal.reason().to_owned(),
        claim => format!("{}: {claim}", refusal.reason()),
    }
}

/// Whose token it is; a sealed key is opened if there is a key to open it with.
fn holder(token: &Jwt, shared: Option<&SharedKey>) -> Result<String, String> {
    let Holder::Bound(confirmation) = token.holder() else { return Ok("anyone who has the token".to_owned()) };
    match confirmation {
        Confirmation::Thumbprint(octets) => return Ok(format!("who proves to have the key {} (DPoP)", base64url::encode(octets))),
        Confirmation::Certificate(octets) => {
            return Ok(format!("who connects with the certificate of SHA-256 {}", base64url::encode(octets)));
        }
        Confirmation::Key(_) | Confirmation::Sealed(_) => {}
    }
    match confirmation.clone().open(shared) {
        Ok(key) => Ok(match key.material() {
            ProofMaterial::Public(public) => format!("who proves to have the {:?} key {}", public.kind(), thumbprint(public)),
            ProofMaterial::Secret(octets) => format!("who proves to have a secret of {} octets", octets.len()),
        }),
        Err(_) if shared.is_none() => Ok("who proves to have a sealed secret (--cnf-jwe-key opens it)".to_owned()),
        Err(syntax) => Err(format!("{syntax} ({})", Rejection::HolderKeyUnusable.reason())),
    }
}

fn held(token: &Jwt, expected: &Expected, end: UnixTime, holder: &str) -> String {
    let asked = |asked: &Option<String>| if asked.is_some() { "as asked for" } else { "any would do" };
    let [issuer, audience] = [token.issuer(), token.claims().value(AUDIENCE)].map(|stated| printable(stated.unwrap_or("none stated")));
    let [wanted_issuer, wanted_audience] = [asked(&expected.issuer), asked(&expected.audience)];
    format!(
        "holds until {}\nissuer    {issuer} ({wanted_issuer})\naudience  {audience} ({wanted_audience})\nholder    {holder}\n",
        date(end)
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ISSUER, NOW, minted, statement};
    use super::*;
    use crate::crypto::{NewKey, SigningKey, SystemRandom};
    use crate::token::jose::cnf;
    use crate::token::jose::jwe::Management;
    use crate::token::jwt::{StatedHolder, Statement};

    fn expected(issuer: Option<&str>, audience: Option<&str>) -> Expected {
        let [issuer, audience] = [issuer, audience].map(|text| text.map(str::to_owned));
        Expected { issuer, audience, token_type: None, leeway: Period::from_secs(30) }
    }

    fn key(seed: u8) -> VerificationKey {
        VerificationKey::secret(&[seed; 32], None, None).unwrap()
    }

    fn verdict(token: &str, expected: &Expected, now: UnixTime) -> Result<String, String> {
        verify(token, &[key(7)], None, expected, now)
    }

    #[test]
    fn a_token_holds_as_asked_for() {
        let held = verdict(&minted(&statement(&[])), &expected(Some(ISSUER), Some("orders")), NOW).unwrap();
        assert!(held.starts_with("holds until 2023-11-14T23:13:20Z\n") && held.contains("(as asked for)"), "{held}");
        assert!(held.contains("\nholder    anyone who has the token\n"), "{held}");
        assert!(verdict(&minted(&statement(&[])), &expected(None, None), NOW).unwrap().contains("(any would do)"));
    }

    #[test]
    fn each_miss_has_its_reason() {
        let fine = expected(None, None);
        let token = minted(&statement(&[("role", "clerk")]));
        let reason = |token: &str, expected: &Expected, now| verdict(token, expected, now).unwrap_err();
        assert!(reason("hello", &fine, NOW).contains("(token_syntax)"));
        let es256 = VerificationKey::public(SigningKey::generate(NewKey::P256).unwrap().public().clone(), None, None).unwrap();
        assert!(verify(&token, &[key(8)], None, &fine, NOW).unwrap_err().contains("(signature_invalid)"));
        assert!(verify(&token, &[], None, &fine, NOW).unwrap_err().contains("no key has the name that the token gives (key_unknown)"));
        assert!(verify(&token, &[es256], None, &fine, NOW).unwrap_err().contains("(algorithm_refused)"));
        assert!(reason(&token, &expected(Some("other"), None), NOW).contains("https://sts.example (issuer_untrusted)"));
        assert!(reason(&token, &expected(None, Some("other")), NOW).contains(", orders (audience_mismatch)"));
        assert!(reason(&token, &fine, NOW.later(3630)).contains("it is over, 2023-11-14T23:13:20Z (expired)"));
        assert!(reason(&token, &fine, NOW.earlier(31)).contains("(not_yet)"));
        assert!(verdict(&token, &fine, NOW.later(3629)).is_ok());
        let dpop = minted(&Statement { token_type: "dpop+jwt", ..statement(&[]) });
        assert!(reason(&dpop, &fine, NOW).contains(", dpop+jwt (token_type_refused)"));
        assert!(verdict(&dpop, &Expected { token_type: Some("dpop+jwt".to_owned()), ..expected(None, None) }, NOW).is_ok());
    }

    #[test]
    fn the_key_of_the_holder_is_shown() {
        let fine = expected(None, None);
        let holder = SigningKey::generate(NewKey::Ed25519).unwrap();
        let bound = minted(&Statement { holder: StatedHolder::Key(holder.public()), ..statement(&[]) });
        assert!(verdict(&bound, &fine, NOW).unwrap().contains(&thumbprint(holder.public())));
        let shared = |seed| SharedKey::from_octets(&[seed; 32]).unwrap();
        let sealed = cnf::seal(&[3; 32], &shared(9), Management::Direct, None, &SystemRandom::new()).unwrap();
        let bound = minted(&Statement { holder: StatedHolder::Sealed(&sealed), ..statement(&[]) });
        let opened = |shared: Option<&SharedKey>| verify(&bound, &[key(7)], shared, &fine, NOW);
        assert!(opened(Some(&shared(9))).unwrap().contains("a secret of 32 octets"));
        assert!(opened(None).unwrap().contains("--cnf-jwe-key"));
        assert!(opened(Some(&shared(1))).unwrap_err().contains("does not open (holder_key_unusable)"));
    }
}
