//! Where tokens come from: fixed octets, a file, or whatever a closure asks for one.

use crate::clock::UnixTime;
use crate::crypto::{base64, base64url};
use crate::token::json::{self, Json};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use zeroize::Zeroizing;

/// How long before its end a token is due for renewal, in seconds.
const AHEAD: u64 = 30;
/// The largest file that holds a token, in octets.
const LARGEST_FILE: u64 = 1 << 20;
/// A time that never comes.
const NEVER: UnixTime = UnixTime::from_seconds(u64::MAX);
/// The profile of tokens that say in JSON when they end.
const JWT: &str = "jwt";
/// The profile of tokens that are DER, and PEM in files.
const CERTIFICATE: &str = "x509v3";
/// The profile of contexts, which are octets of any kind.
const CONTEXT: &str = "sct";
/// What begins every private key in PEM, encrypted or not, of whatever kind.
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// A token as it is presented. It never prints, and wipes itself.
#[derive(Clone)]
pub struct Token {
    profile: Box<str>,
    octets: Zeroizing<Box<[u8]>>,
    due: UnixTime,
}

/// Gives the token to present, and is asked before every request that presents one.
pub trait TokenSource: Send {
    /// The profile word of all its tokens (`jwt`, `swt`, `x509v3`, …), by which a challenge is chosen.
    fn profile(&self) -> &str;

    /// The token to present at this time, renewed where the last one is due.
    ///
    /// # Errors
    /// There is none.
    fn token(&mut self, now: UnixTime) -> Result<&Token, TokenUnavailable>;

    /// Hears that the last token was refused, and says whether there may be another.
    fn refused(&mut self) -> Renewal;
}

/// Whether a source may have another token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The next one may be another.
    Possible,
    /// It is always the same.
    Vain,
}

/// Why there is no token, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUnavailable(Box<str>);

/// A token in a file, which is read again when it changes.
pub struct FileToken {
    path: PathBuf,
    profile: Box<str>,
    last: Option<(Version, Token)>,
}

/// By what a changed file is known: when it was written, where the system can tell, and its length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version(SystemTime, u64);

/// Tokens that a closure makes, each used until it is due or refused.
pub struct RenewedToken<F> {
    profile: Box<str>,
    make: F,
    last: Option<Token>,
}

/// White space around a text is not part of it; around octets it may be.
const fn as_written(content: &[u8]) -> &[u8] {
    if std::str::from_utf8(content).is_ok() { content.trim_ascii() } else { content }
}

impl Token {
    /// A token of these octets. A JWT is due shortly before the end that it states; others never.
    pub fn new(profile: &str, octets: &[u8]) -> Self {
        let due = if profile == JWT { expiry(octets).map_or(NEVER, |end| end.earlier(AHEAD)) } else { NEVER };
        Self { profile: profile.into(), octets: Zeroizing::new(octets.into()), due }
    }

    /// A token as it stands in a file: a certificate in PEM or DER, a context as `contexttoken` gave it, others as they
    /// are; texts with white space around them.
    ///
    /// # Errors
    /// There is nothing, a private key, no certificate in the PEM, or a text that no token is.
    pub fn read(profile: &str, content: &[u8]) -> Result<Self, TokenUnavailable> {
        let text = content.trim_ascii();
        if text.is_empty() {
            return Err(TokenUnavailable::new("there is nothing in it"));
        }
        if text.windows(PRIVATE_KEY.len()).any(|octets| octets == PRIVATE_KEY) {
            return Err(TokenUnavailable::new("there is a private key in it, which is never sent; a token is expected"));
        }
        match profile {
            CERTIFICATE => Self::read_certificate(content),
            // What a field of credentials can hold (RFC 9110 §11.2): tokens of other issuers need be no JSON Web Tokens.
            JWT if !text.iter().all(|octet| octet.is_ascii_alphanumeric() || b"-._~+/=".contains(octet)) => {
                Err(TokenUnavailable::new("it is no token, which has letters, digits and `-._~+/=` only"))
            }
            CONTEXT => {
                let mut room = Zeroizing::new(vec![0; text.len()]);
                Ok(Self::new(profile, base64::decode(text, &mut room).unwrap_or_else(|_| as_written(content))))
            }
            _ => Ok(Self::new(profile, as_written(content))),
        }
    }

    fn read_certificate(content: &[u8]) -> Result<Self, TokenUnavailable> {
        let profile = CERTIFICATE;
        match content.trim_ascii_start().strip_prefix(b"-----BEGIN CERTIFICATE-----") {
            Some(begun) => read_pem(begun).map(|der| Self::new(profile, &der)).ok_or(TokenUnavailable::new("its PEM is no certificate")),
            None => Ok(Self::new(profile, content)),
        }
    }

    /// The same token, due for renewal at another time. Contexts made from it are not used from then on either.
    pub fn due(self, due: UnixTime) -> Self {
        Self { due, ..self }
    }

    /// The profile word.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The token itself.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// From when on another one should be used.
    pub const fn due_at(&self) -> UnixTime {
        self.due
    }
}

/// The first certificate; what follows it belongs to those who sign it.
fn read_pem(begun: &[u8]) -> Option<Vec<u8>> {
    let (block, _) = std::str::from_utf8(begun).ok()?.split_once("-----END CERTIFICATE-----")?;
    let text: Vec<u8> = block.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let mut der = vec![0; text.len()];
    let length = base64::decode(&text, &mut der).ok()?.len();
    der.truncate(length);
    Some(der)
}

/// When a JWT says that it ends (RFC 7519 §4.1.4). Whether that is true is for others to judge.
fn expiry(token: &[u8]) -> Option<UnixTime> {
    let payload = token.split(|octet| *octet == b'.').nth(1)?;
    let mut octets = Zeroizing::new(vec![0; payload.len()]);
    let claims = base64url::decode(payload, &mut octets).ok()?;
    let claims = json::read_object(claims).ok()?;
    claims.member("exp").and_then(Json::seconds).map(|end| UnixTime::from_seconds(end.as_secs()))
}

impl TokenSource for Token {
    fn profile(&self) -> &str {
        &self.profile
    }

    fn token(&mut self, _: UnixTime) -> Result<&Token, TokenUnavailable> {
        Ok(self)
    }

    fn refused(&mut self) -> Renewal {
        Renewal::Vain
    }
}

impl FileToken {
    /// The token in a file. It is first read when it is needed.
    pub fn new(profile: &str, path: &Path) -> Self {
        Self { path: path.to_owned(), profile: profile.into(), last: None }
    }

    fn read(&self) -> Result<Token, TokenUnavailable> {
        let content = Zeroizing::new(std::fs::read(&self.path).map_err(|error| self.told(&error))?);
        Token::read(&self.profile, &content).map_err(|reason| self.told(&reason))
    }

    fn version(&self) -> Result<Version, TokenUnavailable> {
        let found = std::fs::metadata(&self.path).map_err(|error| self.told(&error))?;
        if found.len() > LARGEST_FILE {
            return Err(self.told(&"it is larger than 1 MiB"));
        }
        Ok(Version(found.modified().unwrap_or(SystemTime::UNIX_EPOCH), found.len()))
    }

    fn told(&self, reason: &dyn fmt::Display) -> TokenUnavailable {
        TokenUnavailable::new(&format!("{}: {reason}", self.path.display()))
    }
}

impl TokenSource for FileToken {
    fn profile(&self) -> &str {
        &self.profile
    }

    fn token(&mut self, _: UnixTime) -> Result<&Token, TokenUnavailable> {
        let version = self.version()?;
        let token = match self.last.take() {
            Some((last, token)) if last == version => token,
            _ => self.read()?,
        };
        Ok(&self.last.insert((version, token)).1)
    }

    fn refused(&mut self) -> Renewal {
        let read = self.last.as_ref().map(|(version, _)| *version);
        if self.version().ok() == read { Renewal::Vain } else { Renewal::Possible }
    }
}

impl<F: FnMut(UnixTime) -> Result<Token, TokenUnavailable> + Send> RenewedToken<F> {
    /// Tokens of one profile, made by a closure when one is needed.
    pub fn new(profile: &str, make: F) -> Self {
        Self { profile: profile.into(), make, last: None }
    }
}

impl<F: FnMut(UnixTime) -> Result<Token, TokenUnavailable> + Send> TokenSource for RenewedToken<F> {
    fn profile(&self) -> &str {
        &self.profile
    }

    fn token(&mut self, now: UnixTime) -> Result<&Token, TokenUnavailable> {
        let token = match self.last.take() {
            Some(token) if now < token.due => token,
            _ => (self.make)(now)?,
        };
        Ok(self.last.insert(token))
    }

    fn refused(&mut self) -> Renewal {
        self.last = None;
        Renewal::Possible
    }
}

impl TokenUnavailable {
    /// The reason in words, without the token.
    pub fn new(reason: &str) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for TokenUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TokenUnavailable {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("profile", &self.profile).field("due", &self.due).finish_non_exhaustive()
    }
}

impl fmt::Debug for FileToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileToken").field("path", &self.path).field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RenewedToken<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenewedToken").field("profile", &self.profile).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

    fn jwt(claims: &str) -> Vec<u8> {
        format!("{}.{}.c2ln", base64url::encode(b"{}"), base64url::encode(claims.as_bytes())).into_bytes()
    }

    #[test]
    fn a_jwt_is_due_shortly_before_its_end_and_others_never() {
        let due = |profile: &str, octets: &[u8]| Token::new(profile, octets).due_at();
        assert_eq!(due("jwt", &jwt("{\"exp\":1000}")), UnixTime::from_seconds(970));
        for odd in [&jwt("{}")[..], &jwt("{\"exp\":\"x\"}"), &jwt("[]"), b"x", b"", b"..", b"a.!.b"] {
            assert_eq!(due("jwt", odd), NEVER);
        }
        assert_eq!(due("swt", &jwt("{\"exp\":1000}")), NEVER);
        assert_eq!(Token::new("swt", b"x").due(NOW).due_at(), NOW);
    }

    #[test]
    fn files_hold_tokens_as_people_write_them() {
        assert_eq!(Token::read("swt", b" a=b\r\n").unwrap().octets(), b"a=b");
        let pem = b"-----BEGIN CERTIFICATE-----\r\nMIIB\r\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n";
        assert_eq!(Token::read("x509v3", pem).unwrap().octets(), b"\x30\x82\x01\0\0\0");
        assert_eq!(Token::read("sct", b"\xff\x01\n").unwrap().octets(), b"\xff\x01\n", "octets end as they end");
        assert_eq!(Token::read("sct", b"/wEK\n").unwrap().octets(), b"\xff\x01\n");
        assert_eq!(Token::read("x509v3", b"\x30\x82 ").unwrap().octets(), b"\x30\x82 ");
        for (profile, wrong) in [
            ("swt", &b" \n"[..]),
            ("x509v3", b""),
            ("x509v3", b"-----BEGIN CERTIFICATE-----\nMIIB"),
            ("swt", PRIVATE_KEY),
            ("sct", PRIVATE_KEY),
            ("jwt", b"a.b\nc"),
        ] {
            assert!(Token::read(profile, wrong).is_err());
        }
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let mut source = FileToken::new("swt", &path);
        let told = source.token(NOW).unwrap_err().to_string();
        assert!(told.contains("token: "), "{told}");
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(source.token(NOW).unwrap().octets(), b"first");
        assert_eq!(source.refused(), Renewal::Vain);
        std::fs::write(&path, "the second\n").unwrap();
        assert_eq!(source.refused(), Renewal::Possible);
        assert_eq!(source.token(NOW).unwrap().octets(), b"the second");
        std::fs::write(&path, "x".repeat((1 << 20) + 1)).unwrap();
        assert!(source.token(NOW).is_err());
    }

    #[test]
    fn a_closure_is_asked_when_its_token_is_due_or_refused() {
        let mut made = 0;
        let mut source = RenewedToken::new("swt", |now: UnixTime| {
            made += 1;
            Ok(Token::new("swt", &[made]).due(now.later(60)))
        });
        let mut at = |seconds| source.token(NOW.later(seconds)).unwrap().octets()[0];
        assert_eq!((at(0), at(59), at(60), at(61)), (1, 1, 2, 2));
        assert_eq!(source.refused(), Renewal::Possible);
        assert_eq!(source.token(NOW.later(62)).unwrap().octets(), [3]);
        let mut none = RenewedToken::new("swt", |_| Err(TokenUnavailable::new("the issuer is closed")));
        assert_eq!(none.token(NOW).unwrap_err().to_string(), "the issuer is closed");
    }

    #[test]
    fn tokens_do_not_print() {
        let token = Token::new("swt", b"hunter2");
        let source = RenewedToken { profile: "swt".into(), make: (), last: Some(token.clone()) };
        let file = FileToken { path: "x".into(), profile: "swt".into(), last: Some((Version(SystemTime::UNIX_EPOCH, 1), token.clone())) };
        let told = format!("{token:?}{source:?}{file:?}");
        assert!(!told.contains("hunter2") && !told.contains("104"), "{told}");
    }
}
