//! What is prepared before the first request is due: keys, tokens, contexts, content.

use crate::bearer::{self, Holder, InTurn, Tokens};
use crate::bound::BoundMint;
use crate::contexts::{Contexts, Terms};
use crate::issuer::{self, Issuer};
use crate::message::{self, Caller};
use crate::mint::{MintError, Statement, SwtMint};
use crate::scenario::{Need, Scenario};
use crate::signer::{Line, Signer};
use crate::workload::Credentials;
use clap::Args;
use portcullis::scheme::http_signature::signer::MessageSigner;
use portcullis::setting::ByteSize;
use portcullis::token::jose::IssuingKey;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use zeroize::Zeroizing;

/// The largest content: the generator holds one copy for each connection.
const LARGEST_CONTENT: ByteSize = ByteSize::from_mib(16);

/// What requests are made of.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    token: Token,
    #[command(flatten)]
    jwt: Jwt,
    #[command(flatten)]
    wssec: Wssec,
    /// A file with the private key that signs HTTP messages, PKCS#8 in PEM: Ed25519, or another kind. The gateway knows
    /// it by its thumbprint, as `portcullis keys jwks` names it.
    #[arg(long)]
    caller_key_file: Option<PathBuf>,
}

/// What JSON Web Tokens are made of.
#[derive(Args)]
struct Jwt {
    /// A file with a key of the JSON Web Tokens' issuer: private, PKCS#8 in PEM, or a secret in base64 for HS256; may be
    /// repeated, for each algorithm one.
    #[arg(long = "issuer-key-file", value_name = "FILE")]
    issuer_key_files: Vec<PathBuf>,
    /// Who issues JSON Web Tokens.
    #[arg(long, default_value = "https://sts.example")]
    jwt_issuer: Box<str>,
    /// For whom JSON Web Tokens are.
    #[arg(long, default_value = "orders")]
    jwt_audience: Box<str>,
    /// How many different tokens cold scenarios have; they take turns. The gateway remembers those that it has seen,
    /// so that only as many requests, in warm-up and all rounds together, are first ones.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    jwt_tokens: u32,
}

/// What tokens say.
#[derive(Args)]
struct Token {
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
struct Wssec {
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
    /// How much content scenarios with a body send, up to 16MiB.
    #[arg(long, default_value = "64KiB", value_parser = content_size)]
    body_size: ByteSize,
}

/// Keys, tokens and content, as far as the scenarios need them.
#[derive(Debug)]
pub(crate) struct Supplies<'o> {
    realm: &'o str,
    content: Rc<[u8]>,
    swt: Option<Rc<SwtMint>>,
    contexts: Option<Rc<Contexts>>,
    issuer: Rc<Issuer>,
    bound: Option<Rc<BoundMint>>,
    tokens: BTreeMap<Scenario, Tokens>,
    messages: Option<Rc<MessageSigner>>,
}

impl<'o> Supplies<'o> {
    /// Prepares what these scenarios need.
    ///
    /// # Errors
    /// The file of a key is not named, or does not hold it.
    pub(crate) fn prepare(scenarios: &[Scenario], options: &'o Options) -> Result<Self, String> {
        let Options { token, jwt, wssec, caller_key_file } = options;
        let needed = |need: Need, file: &Option<PathBuf>| match (scenarios.iter().find(|scenario| scenario.need() == need), file) {
            (None, _) => Ok(None),
            (Some(_), Some(file)) => Ok(Some(file.clone())),
            (Some(scenario), None) => Err(missing(*scenario)),
        };
        let swt = needed(Need::SwtKey, &token.key_file)?.map(|file| token.mint(&file).map(Rc::new));
        let contexts = needed(Need::ContextKeys, &wssec.context_key_file)?.map(|file| wssec.contexts(&file, jwt, token).map(Rc::new));
        let messages = needed(Need::CallerKey, caller_key_file)?.map(|file| message_signer(&file).map(Rc::new));
        let issuer = Rc::new(jwt.issuer(token)?);
        let is_signed = |scenario: &Scenario| match scenario.need() {
            Need::IssuerKey(signing) => issuer.signs_by(signing),
            Need::Nothing | Need::SwtKey | Need::ContextKeys | Need::CallerKey => true,
        };
        if let Some(unsigned) = scenarios.iter().find(|scenario| !is_signed(scenario)) {
            return Err(missing(*unsigned));
        }
        let bound = scenarios.contains(&Scenario::WssecFirst).then(|| BoundMint::build(&issuer).map(Rc::new));
        Ok(Self {
            realm: &wssec.realm,
            content: vec![b'.'; wssec.body_size.length()].into(),
            swt: swt.transpose()?,
            contexts: contexts.transpose()?,
            bound: bound.transpose()?,
            tokens: scenarios.iter().filter_map(|scenario| jwt.tokens(*scenario, &issuer).transpose()).collect::<Result<_, _>>()?,
            messages: messages.transpose()?,
            issuer,
        })
    }

    /// The content of a scenario's requests; empty for those that have none.
    pub(crate) fn content(&self, scenario: Scenario) -> Rc<[u8]> {
        if scenario.has_content() { Rc::clone(&self.content) } else { Rc::new([]) }
    }

    /// The credentials of a scenario's requests to this path of this host.
    ///
    /// # Errors
    /// There is no randomness for nonces, or nothing was prepared for the scenario.
    pub(crate) fn credentials(&self, scenario: Scenario, path: &str, host: &str) -> Result<Credentials, String> {
        let method = scenario.method();
        let line = Line { method, path, host, realm: self.realm };
        let signed = |signer| Credentials::Signed(Box::new(signer));
        let absent = || missing(scenario);
        let swt = || self.swt.as_ref().ok_or_else(absent);
        let contexts = || self.contexts.as_ref().ok_or_else(absent);
        Ok(match scenario {
            Scenario::Public | Scenario::PlainBody => Credentials::None,
            Scenario::WrapHot => Credentials::same(swt()?),
            Scenario::WrapCold => Credentials::Fresh(Rc::clone(swt()?)),
            Scenario::WrapBad => Credentials::Changed(Rc::clone(swt()?)),
            Scenario::WssecContext => signed(Signer::with_contexts(&line, contexts()?)?),
            Scenario::WssecBody => signed(Signer::with_content(&line, contexts()?, &self.content)?),
            Scenario::WssecFirst => signed(Signer::with_first_tokens(&line, self.bound.as_ref().ok_or_else(absent)?)?),
            Scenario::JwtHot(_) | Scenario::JwtCold(_) => Credentials::Bearer(InTurn::new(self.tokens.get(&scenario).ok_or_else(absent)?)),
            Scenario::DpopHot => {
                Credentials::Proved(Box::new(Holder::build(&self.issuer, method, ["http://", host, path].concat().into())?))
            }
            Scenario::HttpSignature => {
                Credentials::Message(Box::new(Caller::build(self.messages.as_ref().ok_or_else(absent)?, method, path, host)?))
            }
        })
    }
}

/// What is missing for a scenario.
fn missing(scenario: Scenario) -> String {
    format!("the scenario {scenario} needs {}", scenario.need().option())
}

impl Options {
    /// Makes contexts and writes them to a new file, readable by its owner only.
    ///
    /// # Errors
    /// The keys are not there, or the file is there already or cannot be written.
    pub(crate) fn write_contexts(&self, to: &Path) -> Result<(), String> {
        let keys = self.wssec.context_key_file.as_deref().ok_or("--write-contexts needs --context-key-file")?;
        let contexts = self.wssec.contexts(keys, &self.jwt, &self.token)?;
        let problem = |error: std::io::Error| format!("{}: {error}", to.display());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(problem)?;
        let mut file = BufWriter::new(file);
        contexts.write(&mut file).and_then(|()| file.flush()).map_err(problem)
    }

    /// A warning, where a scenario of new tokens has fewer of them than it sends requests.
    pub(crate) fn shortage(&self, scenarios: &[Scenario], requests: u64) -> Option<String> {
        let (tokens, is_cold) = (self.jwt.jwt_tokens, |scenario: &Scenario| matches!(scenario, Scenario::JwtCold(_)));
        let is_short = requests > u64::from(tokens) && scenarios.iter().any(is_cold);
        let text = || format!("{tokens} tokens for {requests} requests: the rest are not cold for a gateway that remembers them");
        is_short.then(text)
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

impl Jwt {
    fn issuer(&self, token: &Token) -> Result<Issuer, String> {
        let keys = self.issuer_key_files.iter().map(|file| read_key(file)).collect::<Result<_, _>>()?;
        let statement = Statement { issuer: self.jwt_issuer.clone(), audience: self.jwt_audience.clone(), claims: token.claims.clone() };
        Issuer::build(keys, statement)
    }

    /// The tokens of a scenario; nothing where it does not send tokens that are made before.
    fn tokens(&self, scenario: Scenario, issuer: &Issuer) -> Result<Option<(Scenario, Tokens)>, String> {
        let (count, signing) = match scenario {
            Scenario::JwtHot(signing) => (1, signing),
            Scenario::JwtCold(signing) => (self.jwt_tokens, signing),
            Scenario::Public
            | Scenario::WrapHot
            | Scenario::WrapCold
            | Scenario::WrapBad
            | Scenario::WssecContext
            | Scenario::WssecFirst
            | Scenario::WssecBody
            | Scenario::PlainBody
            | Scenario::DpopHot
            | Scenario::HttpSignature => return Ok(None),
        };
        Ok(Some((scenario, bearer::issue(count, signing, issuer)?)))
    }
}

impl Wssec {
    fn contexts(&self, keys: &Path, jwt: &Jwt, token: &Token) -> Result<Contexts, String> {
        let terms = Terms { scheme: &self.scheme_name, realm: &self.realm, issuer: &jwt.jwt_issuer, claims: &token.claims };
        Contexts::issue(self.contexts, &read(keys)?, &terms).map_err(|problem| format!("{}: {problem}", keys.display()))
    }
}

fn message_signer(file: &Path) -> Result<MessageSigner, String> {
    message::signer(read_key(file)?).map_err(|problem| format!("{}: {problem}", file.display()))
}

fn read_key(file: &Path) -> Result<IssuingKey, String> {
    let text = Zeroizing::new(String::from_utf8(read(file)?).unwrap_or_default());
    issuer::read_key(&text).map_err(|problem| format!("{}: {problem}", file.display()))
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
    use crate::issuer::tests::SECRET;
    use crate::scenario::Signing;
    use clap::Parser;
    use std::os::unix::fs::PermissionsExt;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(words: &[&str]) -> Options {
        Line::try_parse_from([&["loadtest"], words].concat()).unwrap_or_else(|error| panic!("{error}")).options
    }

    fn problem(scenario: Scenario, words: &[&str]) -> String {
        Supplies::prepare(&[scenario], &options(words)).unwrap_err()
    }

    /// The path of a new file with this text.
    fn kept(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    #[test]
    fn each_scenario_asks_for_its_own_key() {
        for (scenario, option) in [
            (Scenario::WrapCold, "wrap-cold needs --key-file"),
            (Scenario::WssecContext, "wssec-context needs --context-key-file"),
            (Scenario::WssecBody, "wssec-body needs --context-key-file"),
            (Scenario::WssecFirst, "wssec-first needs --issuer-key-file with a P-256 key"),
            (Scenario::JwtHot(Signing::Hs256), "jwt-hot-hs256 needs --issuer-key-file with a secret in base64"),
            (Scenario::JwtCold(Signing::Rs256), "jwt-cold-rs256 needs --issuer-key-file with an RSA key"),
            (Scenario::DpopHot, "dpop-hot needs --issuer-key-file with a P-256 key"),
            (Scenario::HttpSignature, "http-signature needs --caller-key-file"),
        ] {
            assert!(problem(scenario, &[]).contains(option), "{scenario}");
        }
        assert!(Supplies::prepare(&[Scenario::Public, Scenario::PlainBody], &options(&[])).is_ok());
    }

    #[test]
    fn a_key_for_another_algorithm_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let secret = kept(&folder, "secret", SECRET);
        let words = ["--issuer-key-file", &secret];
        assert!(problem(Scenario::JwtHot(Signing::EdDsa), &words).contains("an Ed25519 key"));
        assert!(problem(Scenario::WssecFirst, &words).contains("a P-256 key"));
        assert!(Supplies::prepare(&[Scenario::JwtHot(Signing::Hs256)], &options(&words)).is_ok());
        assert!(problem(Scenario::JwtHot(Signing::Hs256), &[&words[..], &["--claim", "iss=x"]].concat()).starts_with("--claim"));
    }

    #[test]
    fn both_sides_are_sent_the_same_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, cold) = (kept(&folder, "secret", SECRET), Scenario::JwtCold(Signing::Hs256));
        let options = options(&["--issuer-key-file", &secret, "--jwt-tokens", "2"]);
        let supplies = Supplies::prepare(&[cold], &options).unwrap();
        let sent = |host| {
            let Credentials::Bearer(tokens) = supplies.credentials(cold, "/", host).unwrap() else { panic!("no tokens") };
            let mut octets = Vec::new();
            (0..3).for_each(|_| tokens.write(&mut octets));
            octets
        };
        assert_eq!(sent("a"), sent("b"));
        assert!(options.shortage(&[cold], 3).unwrap().starts_with("2 tokens for 3 requests"));
        assert_eq!((options.shortage(&[cold], 2), options.shortage(&[Scenario::Public], 3)), (None, None));
    }

    #[test]
    fn a_file_that_holds_something_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = &*kept(&folder, "key", "something else");
        assert!(problem(Scenario::WssecFirst, &["--issuer-key-file", file]).starts_with(file));
        assert!(problem(Scenario::WssecContext, &["--context-key-file", file]).starts_with(file));
        assert!(problem(Scenario::HttpSignature, &["--caller-key-file", file]).starts_with(file));
    }

    #[test]
    fn content_has_the_size_that_was_asked_for() {
        let options = options(&["--body-size", "1MiB"]);
        let supplies = Supplies::prepare(&[Scenario::PlainBody], &options).unwrap();
        assert_eq!((supplies.content(Scenario::PlainBody).len(), supplies.content(Scenario::Public).len()), (1 << 20, 0));
        for wrong in ["0B", "17MiB", "lots"] {
            assert!(Line::try_parse_from(["loadtest", "--body-size", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn contexts_go_to_a_new_file_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, to) = (folder.path().join("keys"), folder.path().join("contexts"));
        std::fs::write(&keys, RING).unwrap();
        let made = options(&["--contexts", "7", "--context-key-file", keys.to_str().unwrap()]);
        made.write_contexts(&to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap().lines().count(), 7);
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(made.write_contexts(&to).unwrap_err().contains("contexts"), "nothing is overwritten");
        assert!(options(&[]).write_contexts(&folder.path().join("others")).unwrap_err().contains("--context-key-file"));
    }
}
