//! What is prepared before the first request is due: keys, contexts, content.

use crate::bound::BoundMint;
use crate::contexts::{Contexts, Terms};
use crate::mint::{MintError, Statement, SwtMint};
use crate::scenario::{Need, Scenario};
use crate::signer::{Line, Signer};
use crate::workload::Credentials;
use clap::Args;
use portcullis::setting::ByteSize;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The largest content: the generator holds one copy for each connection.
const LARGEST_CONTENT: ByteSize = ByteSize::from_mib(16);

/// What tokens say.
#[derive(Args)]
pub(crate) struct Token {
    /// A file with the issuer's key in base64, as `portcullis keys swt` writes it.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// The Issuer of Simple Web Tokens.
    #[arg(long, default_value = "https://nightclub.example/")]
    issuer: Box<str>,
    /// The Audience of Simple Web Tokens.
    #[arg(long, default_value = "http://localhost:8080/bartender")]
    audience: Box<str>,
    /// A further claim of all tokens; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(Box<str>, Box<str>)>,
}

/// What requests of WSSEC carry.
#[derive(Args)]
pub(crate) struct Wssec {
    /// The gateway's context keys, from which contexts are made as the gateway makes them.
    #[arg(long)]
    context_key_file: Option<PathBuf>,
    /// How many contexts take turns, each with its own secret. The gateway remembers those that it has seen:
    /// for a run on remembered ones alone, --warm-up times --rate must be as many.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    contexts: u32,
    /// The scheme's name in the gateway's configuration.
    #[arg(long, default_value = "partners")]
    scheme_name: Box<str>,
    /// The scheme's realm.
    #[arg(long, default_value = "orders")]
    realm: Box<str>,
    /// A file with the private key of the JSON Web Tokens' issuer: P-256, PKCS#8 in PEM.
    #[arg(long)]
    issuer_key_file: Option<PathBuf>,
    /// Who issues JSON Web Tokens.
    #[arg(long, default_value = "https://sts.example")]
    jwt_issuer: Box<str>,
    /// For whom JSON Web Tokens are.
    #[arg(long, default_value = "orders")]
    jwt_audience: Box<str>,
    /// How much content scenarios with a body send, up to 16MiB.
    #[arg(long, default_value = "64KiB", value_parser = content_size)]
    body_size: ByteSize,
}

/// Keys and content, as far as the scenarios need them.
#[derive(Debug)]
pub(crate) struct Supplies<'o> {
    realm: &'o str,
    content: Rc<[u8]>,
    swt: Option<Rc<SwtMint>>,
    contexts: Option<Rc<Contexts>>,
    bound: Option<Rc<BoundMint>>,
}

impl<'o> Supplies<'o> {
    /// Prepares what these scenarios need.
    ///
    /// # Errors
    /// The file of a key is not named, or does not hold it.
    pub(crate) fn prepare(scenarios: &[Scenario], token: &Token, wssec: &'o Wssec) -> Result<Self, String> {
        let needed = |need: Need, file: &Option<PathBuf>| match (scenarios.iter().find(|scenario| scenario.need() == need), file) {
            (None, _) => Ok(None),
            (Some(_), Some(file)) => Ok(Some(file.clone())),
            (Some(scenario), None) => Err(format!("the scenario {scenario} needs {}", need.option())),
        };
        let swt = needed(Need::SwtKey, &token.key_file)?.map(|file| token.mint(&file).map(Rc::new));
        let contexts = needed(Need::ContextKeys, &wssec.context_key_file)?.map(|file| wssec.contexts(&file, token).map(Rc::new));
        let bound = needed(Need::IssuerKey, &wssec.issuer_key_file)?.map(|file| wssec.mint(&file, token).map(Rc::new));
        Ok(Self {
            realm: &wssec.realm,
            content: vec![b'.'; wssec.body_size.length()].into(),
            swt: swt.transpose()?,
            contexts: contexts.transpose()?,
            bound: bound.transpose()?,
        })
    }

    /// The content of a scenario's requests; empty for those that have none.
    pub(crate) fn content(&self, scenario: Scenario) -> Rc<[u8]> {
        match scenario {
            Scenario::WssecBody | Scenario::PlainBody => Rc::clone(&self.content),
            Scenario::Public
            | Scenario::WrapHot
            | Scenario::WrapCold
            | Scenario::WrapBad
            | Scenario::WssecContext
            | Scenario::WssecFirst => Rc::new([]),
        }
    }

    /// The credentials of a scenario's requests to this path of this host.
    ///
    /// # Errors
    /// There is no randomness for nonces, or nothing was prepared for the scenario.
    pub(crate) fn credentials(&self, scenario: Scenario, path: &str, host: &str) -> Result<Credentials, String> {
        let line = Line { method: scenario.method(), path, host, realm: self.realm };
        let signed = |signer| Credentials::Signed(Box::new(signer));
        let Self { swt, contexts, bound, .. } = self;
        Ok(match (scenario, swt, contexts, bound) {
            (Scenario::WrapHot, Some(mint), ..) => Credentials::same(mint),
            (Scenario::WrapCold, Some(mint), ..) => Credentials::Fresh(Rc::clone(mint)),
            (Scenario::WrapBad, Some(mint), ..) => Credentials::Changed(Rc::clone(mint)),
            (Scenario::WssecContext, _, Some(contexts), _) => signed(Signer::with_contexts(&line, contexts)?),
            (Scenario::WssecBody, _, Some(contexts), _) => signed(Signer::with_content(&line, contexts, &self.content)?),
            (Scenario::WssecFirst, .., Some(mint)) => signed(Signer::with_first_tokens(&line, mint)?),
            (Scenario::Public | Scenario::PlainBody, ..) => Credentials::None,
            _ => {
                return Err(format!("the scenario {scenario} needs {}", scenario.need().option()));
            }
        })
    }
}

impl Token {
    fn mint(&self, file: &Path) -> Result<SwtMint, String> {
        let key = read(file)?;
        let Self { issuer, audience, claims, .. } = self;
        let statement = Statement { issuer: issuer.clone(), audience: audience.clone(), claims: claims.clone() };
        SwtMint::build(&key, statement).map_err(|error| match error {
            MintError::NotAKey => format!("{}: {error}", file.display()),
            MintError::Claims(_) => error.to_string(),
        })
    }
}

impl Wssec {
    /// Makes the contexts and writes them to a new file, readable by its owner only.
    ///
    /// # Errors
    /// The keys are not there, or the file is there already or cannot be written.
    pub(crate) fn write_contexts(&self, token: &Token, to: &Path) -> Result<(), String> {
        let keys = self.context_key_file.as_deref().ok_or("--write-contexts needs --context-key-file")?;
        let contexts = self.contexts(keys, token)?;
        let problem = |error: std::io::Error| format!("{}: {error}", to.display());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(problem)?;
        let mut file = BufWriter::new(file);
        contexts.write(&mut file).and_then(|()| file.flush()).map_err(problem)
    }

    fn contexts(&self, keys: &Path, token: &Token) -> Result<Contexts, String> {
        let terms = Terms { scheme: &self.scheme_name, realm: &self.realm, issuer: &self.jwt_issuer, claims: &token.claims };
        Contexts::issue(self.contexts, &read(keys)?, &terms).map_err(|problem| format!("{}: {problem}", keys.display()))
    }

    fn mint(&self, file: &Path, token: &Token) -> Result<BoundMint, String> {
        let key = String::from_utf8(read(file)?).unwrap_or_default();
        BoundMint::build(&key, &self.jwt_issuer, &self.jwt_audience, &token.claims)
            .map_err(|problem| format!("{}: {problem}", file.display()))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn claim(text: &str) -> Result<(Box<str>, Box<str>), String> {
    text.split_once('=').map(|(name, value)| (name.into(), value.into())).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

fn content_size(text: &str) -> Result<ByteSize, String> {
    let size = ByteSize::parse(text).filter(|size| (1..=LARGEST_CONTENT.octets()).contains(&size.octets()));
    size.ok_or_else(|| "expected digits and a unit, from 1B to 16MiB: 64KiB, 1MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contexts::tests::RING;
    use clap::Parser;
    use std::os::unix::fs::PermissionsExt;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        token: Token,
        #[command(flatten)]
        wssec: Wssec,
    }

    fn options(words: &[&str]) -> Options {
        Options::try_parse_from([&["loadtest"], words].concat()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn problem(scenario: Scenario, words: &[&str]) -> String {
        let Options { token, wssec } = options(words);
        Supplies::prepare(&[scenario], &token, &wssec).unwrap_err()
    }

    #[test]
    fn each_scenario_asks_for_its_own_key() {
        for (scenario, option) in [
            (Scenario::WrapCold, "wrap-cold needs --key-file"),
            (Scenario::WssecContext, "wssec-context needs --context-key-file"),
            (Scenario::WssecBody, "wssec-body needs --context-key-file"),
            (Scenario::WssecFirst, "wssec-first needs --issuer-key-file"),
        ] {
            assert!(problem(scenario, &[]).contains(option), "{scenario}");
        }
        let Options { token, wssec } = options(&[]);
        assert!(Supplies::prepare(&[Scenario::Public, Scenario::PlainBody], &token, &wssec).is_ok());
    }

    #[test]
    fn a_file_that_holds_something_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "something else").unwrap();
        let file = file.to_str().unwrap();
        assert!(problem(Scenario::WssecFirst, &["--issuer-key-file", file]).starts_with(file));
        assert!(problem(Scenario::WssecContext, &["--context-key-file", file]).starts_with(file));
    }

    #[test]
    fn content_has_the_size_that_was_asked_for() {
        let Options { token, wssec } = options(&["--body-size", "1MiB"]);
        let supplies = Supplies::prepare(&[Scenario::PlainBody], &token, &wssec).unwrap();
        assert_eq!((supplies.content(Scenario::PlainBody).len(), supplies.content(Scenario::Public).len()), (1 << 20, 0));
        for wrong in ["0B", "17MiB", "lots"] {
            assert!(Options::try_parse_from(["loadtest", "--body-size", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn contexts_go_to_a_new_file_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, to) = (folder.path().join("keys"), folder.path().join("contexts"));
        std::fs::write(&keys, RING).unwrap();
        let Options { token, wssec } = options(&["--contexts", "7", "--context-key-file", keys.to_str().unwrap()]);
        wssec.write_contexts(&token, &to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap().lines().count(), 7);
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(wssec.write_contexts(&token, &to).unwrap_err().contains("contexts"), "nothing is overwritten");
        assert!(options(&[]).wssec.write_contexts(&token, &folder.path().join("others")).unwrap_err().contains("--context-key-file"));
    }
}
