//! `portcullis token jwt mint`.

use super::super::holder::{SealedHolder, check_stdin};
use super::super::{claim, period};
use crate::cli::failure::Failure;
use crate::cli::key_file;
use crate::cli::terminal::print;
use crate::clock::{self, UnixTime};
use crate::setting::Period;
use crate::token::jose::{Algorithm, IssuingKey};
use crate::token::jwt::{StatedHolder, Statement, issue};
use clap::Args;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Mint a token and print it.
///
/// Signs with the private key whose public half the gateway trusts for the issuer, or with a secret that
/// both have. Keys come from files or from standard input, never from an argument.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli::token) struct Mint {
    /// The file with the issuer's key: a private key in PEM (PKCS#8) or a secret in base64; `-` for standard input.
    #[arg(long, visible_alias = "key", value_name = "FILE")]
    key_file: PathBuf,
    /// The algorithm, such as ES256 or PS256; by default the usual one of the key: RS256, ES256, ES384, EdDSA, HS256.
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    alg: Option<Algorithm>,
    /// The name of the key in the token; by default the thumbprint of its public half.
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
    /// Who makes the token.
    #[arg(long, value_name = "NAME")]
    issuer: String,
    /// For whom the token is; may be repeated.
    #[arg(long = "audience", value_name = "AUDIENCE", required = true)]
    audiences: Vec<String>,
    /// Whom the token speaks of.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// What else the token claims, as text; may be repeated with other names.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// How long the token holds: 90s, 5m, 1h, 7d.
    #[arg(long, visible_alias = "lifetime", value_name = "PERIOD", default_value = "1h", value_parser = period)]
    expires_in: Period,
    /// When the token was made, and began to hold: a moment such as 2026-01-31T12:00:00Z, or seconds since 1970; by
    /// default now. With one that is past for longer than the token holds, the token is over, as tests of refusals want it.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    issued_at: Option<UnixTime>,
    /// The type of the token.
    #[arg(long = "type", value_name = "TYPE", default_value = "at+jwt")]
    token_type: String,
    /// Bind the token to a key pair of its holder: the file with the public key in JSON or PEM, or with the
    /// private key in PEM, of which the public half is taken.
    #[arg(long, value_name = "FILE", conflicts_with = "cnf_jwe_key")]
    cnf_jwk: Option<PathBuf>,
    /// Bind the token to a key pair of its holder by its thumbprint, as DPoP wants it: the same kinds of files.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cnf_jwk", "cnf_jwe_key"])]
    cnf_jkt: Option<PathBuf>,
    /// Bind the token to a certificate of its holder by its thumbprint, as a scheme `mtls` wants it: the file with the
    /// certificate in PEM, the first where there are several.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cnf_jwk", "cnf_jkt", "cnf_jwe_key"])]
    cnf_x5t: Option<PathBuf>,
    #[command(flatten)]
    sealed: SealedHolder,
}

const EXAMPLE: &str = "Examples:
  portcullis token jwt mint --key-file issuer.pem --issuer https://sts.example --audience orders \\
    --subject jane --claim role=clerk --expires-in 15m --cnf-jwk client.pem
  portcullis token jwt mint --key-file issuer.pem --issuer https://sts.example --audience orders \\
    --cnf-jwe-key proof.key --proof-key client.key
  portcullis token jwt mint --key-file issuer.pem --issuer https://sts.example --audience orders \\
    --cnf-x5t client.crt
  portcullis token jwt mint --key-file issuer.pem --issuer https://sts.example --audience orders \\
    --issued-at 2026-01-31T12:00:00Z --expires-in 5m    # over since 12:05 of that day";

impl Mint {
    pub(super) fn run(self) -> Result<(), Failure> {
        let holders = [&self.cnf_jwk, &self.cnf_jkt, &self.cnf_x5t].into_iter().flatten();
        let own = holders.chain([&self.key_file]).map(PathBuf::as_path);
        check_stdin(own.chain(self.sealed.files()))?;
        let key = key_file::issuing(&self.key_file, self.alg, self.kid.as_deref())?;
        let token = self.mint(&key, self.issued_at.unwrap_or_else(clock::now))?;
        print(&Zeroizing::new([&*token, "\n"].concat()))
    }

    fn mint(&self, key: &IssuingKey, now: UnixTime) -> Result<Zeroizing<String>, Failure> {
        let claims: Vec<_> = self.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let audiences: Vec<_> = self.audiences.iter().map(String::as_str).collect();
        let public = self.cnf_jwk.as_deref().map(public_key).transpose()?;
        let named = self.cnf_jkt.as_deref().map(public_key).transpose()?;
        let certified = self.cnf_x5t.as_deref().map(key_file::certificate_thumbprint).transpose()?;
        let sealed = self.sealed.seal()?;
        let holder = match (&public, &named, &certified, &sealed) {
            (Some(key), _, _, _) => StatedHolder::Key(key),
            (None, Some(key), _, _) => StatedHolder::Thumbprint(key),
            (None, None, Some(sha256), _) => StatedHolder::Certificate(sha256),
            (None, None, None, Some(sealed)) => StatedHolder::Sealed(sealed),
            (None, None, None, None) => StatedHolder::Anyone,
        };
        let statement = Statement {
            token_type: &self.token_type,
            issuer: &self.issuer,
            subject: self.subject.as_deref(),
            audiences: &audiences,
            issued: now,
            expires: now.later(self.expires_in.duration().as_secs()),
            claims: &claims,
            holder,
        };
        issue(&statement, key).map_err(|error| format!("a token cannot have {error}").into())
    }
}

fn public_key(path: &Path) -> Result<crate::crypto::PublicKey, Failure> {
    key_file::public(path).map(|(public, _)| public)
}

fn moment(text: &str) -> Result<UnixTime, String> {
    let seconds = text.parse().ok().or_else(|| u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok());
    seconds.map(UnixTime::from_seconds).ok_or_else(|| "expected a moment such as 2026-01-31T12:00:00Z, or seconds since 1970".to_owned())
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::find(name).ok_or_else(|| format!("expected one of {}", Algorithm::ALL.map(Algorithm::name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::super::holder::tests::sealed_holder;
    use super::super::tests::{ISSUER, NOW, minted, statement};
    use super::*;
    use crate::crypto::{NewKey, SigningKey};
    use crate::token::jose::{Unconfirmed, VerificationKey, pem, thumbprint};
    use crate::token::jwt::{Holder, Jwt, JwtMiss};

    fn mint(claims: &[(&str, &str)]) -> Mint {
        Mint {
            key_file: PathBuf::new(),
            alg: None,
            kid: None,
            issuer: ISSUER.to_owned(),
            audiences: vec!["orders".to_owned()],
            subject: Some("jane".to_owned()),
            claims: claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            expires_in: Period::from_secs(3600),
            issued_at: None,
            token_type: "at+jwt".to_owned(),
            cnf_jwk: None,
            cnf_jkt: None,
            cnf_x5t: None,
            sealed: SealedHolder::default(),
        }
    }

    fn key() -> IssuingKey {
        IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap()
    }

    fn read(token: &str) -> Jwt {
        let jws = Unconfirmed::parse(token).unwrap().confirmed_by(&[VerificationKey::secret(&[7; 32], None, None).unwrap()]);
        Jwt::read(&jws.unwrap()).unwrap()
    }

    #[test]
    fn a_token_can_be_one_that_is_over() {
        for written in ["1699990000", "2023-11-14T19:26:40Z", "2023-11-14T20:26:40+01:00"] {
            assert_eq!(moment(written), Ok(UnixTime::from_seconds(1_699_990_000)), "{written}");
        }
        for wrong in ["", "yesterday", "-5", "1.5", "1969-12-31T23:59:59Z", "2023-11-14"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        let issued = moment("1699990000").unwrap();
        let jwt = read(&mint(&[]).mint(&key(), issued).unwrap());
        assert_eq!(jwt.judge_times(issued.later(3599), 0), Ok(issued.later(3600)));
        assert_eq!(jwt.judge_times(issued.later(3600), 0), Err(JwtMiss::Expired));
    }

    #[test]
    fn the_token_states_what_was_asked_for() {
        let token = mint(&[("role", "clerk")]).mint(&key(), NOW).unwrap();
        assert_eq!(*token, minted(&statement(&[("role", "clerk")])));
    }

    #[test]
    fn the_token_is_bound_to_the_public_half_only() {
        let folder = tempfile::tempdir().unwrap();
        let (holder, path) = (SigningKey::generate(NewKey::P256).unwrap(), folder.path().join("client.pem"));
        std::fs::write(&path, &*pem::write(&holder)).unwrap();
        let named = Mint { cnf_jkt: Some(path.clone()), ..mint(&[]) }.mint(&key(), NOW).unwrap();
        let payload = crate::token::jose::Unconfirmed::parse(&named).unwrap().unproved_payload().unwrap();
        assert!(String::from_utf8(payload).unwrap().contains("\"cnf\":{\"jkt\":\""));
        let token = Mint { cnf_jwk: Some(path), ..mint(&[]) }.mint(&key(), NOW).unwrap();
        let payload = Unconfirmed::parse(&token).unwrap().unproved_payload().unwrap();
        let payload = String::from_utf8(payload).unwrap();
        assert!(payload.contains(&thumbprint(holder.public())) && !payload.contains("\"d\""), "{payload}");
        assert!(matches!(read(&token).holder(), Holder::Bound(_)));
    }

    #[test]
    fn the_token_is_bound_to_the_first_certificate_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.crt");
        let [one, other] = ["alice", "eve"].map(|name| {
            let own = rcgen::KeyPair::generate().unwrap();
            rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&own).unwrap()
        });
        let bound = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Mint { cnf_x5t: Some(path.clone()), ..mint(&[]) }.mint(&key(), NOW)
        };
        let token = bound(&[one.pem(), other.pem()].concat()).unwrap();
        let payload = String::from_utf8(Unconfirmed::parse(&token).unwrap().unproved_payload().unwrap()).unwrap();
        let thumbprint = crate::crypto::base64url::encode(&crate::crypto::sha256(one.der()));
        assert!(payload.contains(&format!("\"cnf\":{{\"x5t#S256\":\"{thumbprint}\"}}")), "{payload}");
        let broken = one.pem().replacen("MII", "!!!", 1);
        for text in ["", "no PEM", &broken, &pem::write(&SigningKey::generate(NewKey::P256).unwrap())] {
            assert!(matches!(bound(text), Err(Failure::Reason(reason)) if reason.contains("client.crt")), "{text}");
        }
    }

    #[test]
    fn the_token_is_bound_to_a_sealed_secret() {
        let folder = tempfile::tempdir().unwrap();
        let token = Mint { sealed: sealed_holder(folder.path()), ..mint(&[]) }.mint(&key(), NOW).unwrap();
        assert!(matches!(read(&token).holder(), Holder::Bound(_)));
    }

    #[test]
    fn claims_that_no_reader_takes_are_refused() {
        for claims in [&[("iss", "x")][..], &[("cnf", "x")], &[("a", "1"), ("a", "2")]] {
            assert!(matches!(mint(claims).mint(&key(), NOW), Err(Failure::Reason(_))), "{claims:?}");
        }
    }

    #[test]
    fn algorithms_are_named_exactly() {
        assert_eq!(algorithm("PS256"), Ok(Algorithm::Ps256));
        assert!(algorithm("none").unwrap_err().contains("RS256, "));
    }
}
