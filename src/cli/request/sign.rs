//! `portcullis sign`.

use super::message::MessageArgs;
use super::{Described, Holder, lines, target, usage};
use crate::cli::failure::Failure;
use crate::cli::terminal::print;
use crate::cli::token::Dpop;
use crate::client::{Placement, Policy, Requester, Settings, Target};
use crate::clock::{self, UnixTime};
use crate::crypto::{Random, SystemRandom};
use crate::scheme::wssec::wire::Usage;
use clap::{Args, ValueEnum};

/// Print the fields of a request, signed for WSSEC, by an HTTP message signature, or with a proof (DPoP).
///
/// Signs a request by the key of its token, or by a key alone, and prints all its fields, one a line, as `curl -H @FILE` reads
/// them. They are for one sending, within the minutes that the server allows, of exactly this request: method,
/// URL, content and the fields given here. Send content with `--data-binary @FILE`.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli) struct Sign {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    described: Described,
    /// The URL of the request, in normal form.
    #[arg(long, value_name = "URL", value_parser = target)]
    url: Target,
    /// What the signature speaks of at least: auth (the head) or message (content and fields, too).
    /// Requests with content or of an unsafe method are signed as a message anyway.
    #[arg(long, value_name = "USAGE", default_value = "auth", value_parser = usage)]
    usage: Usage,
    /// How to sign: wssec, with a token; http_signature (RFC 9421), with --keyid; or dpop (RFC 9449), with a token.
    #[arg(long, value_name = "SCHEME", value_enum, default_value = "wssec")]
    scheme: SignScheme,
    #[command(flatten)]
    message: MessageArgs,
    /// With dpop: the nonce that the server gave in `DPoP-Nonce`.
    #[arg(long, value_name = "NONCE", default_value = "", hide_default_value = true)]
    nonce: String,
}

/// How to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum SignScheme {
    Wssec,
    HttpSignature,
    Dpop,
}

const EXAMPLE: &str = "Examples:
  portcullis sign --url https://rp.example/orders --token token.jwt --key client.pem > fields
  curl -H @fields https://rp.example/orders
  portcullis sign --method POST --url https://rp.example/orders --token token.jwt --key client.pem \\
    --realm orders --header 'Content-Type: application/json' --body order.json > fields
  curl -H @fields --data-binary @order.json https://rp.example/orders
  portcullis sign --scheme http_signature --url https://rp.example/orders --key client.pem --keyid client-1 > fields
  portcullis sign --scheme dpop --url https://rp.example/orders --token token.jwt --key client.pem > fields";

impl Sign {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        print(&self.sign(clock::now(), &SystemRandom::new())?)
    }

    fn sign(&self, now: UnixTime, random: &impl Random) -> Result<String, Failure> {
        match self.scheme {
            SignScheme::Wssec => self.sign_for_wssec(now, random),
            SignScheme::Dpop => self.sign_by_proof(now, random),
            SignScheme::HttpSignature => self.message.sign(&self.holder, &self.described, &self.url, now, random),
        }
    }

    fn sign_by_proof(&self, now: UnixTime, random: &impl Random) -> Result<String, Failure> {
        let request = self.described.request(&self.url);
        let proof = Dpop {
            key_file: self.holder.key.clone(),
            token: self.holder.token_file()?.clone(),
            method: request.method,
            url: [self.url.origin(), self.url.path_and_query()].concat(),
            nonce: self.nonce.clone(),
        };
        Ok(lines::whole(&request.fields) + &proof.fields(now, random)?)
    }

    fn sign_for_wssec(&self, now: UnixTime, random: &impl Random) -> Result<String, Failure> {
        // The content is for another program to send, so that the token cannot be it.
        let placement = Placement { all: usize::MAX, ..Placement::default() };
        let settings = Settings { placement, ..Settings::default() };
        let mut requester = Requester::new(self.holder.token()?, self.holder.key()?, settings);
        let policy = Policy { realm: self.holder.realm.as_str().into(), usage: self.usage, ..Policy::default() };
        requester.assume(self.url.origin(), policy);
        let signed = requester.sign(&self.described.request(&self.url), now, random).map_err(|fault| fault.to_string())?;
        Ok(lines::whole(&signed.fields))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::described;
    use super::*;
    use crate::crypto::{DigestAlgorithm, MacKey, NewKey, SigningKey, base64, base64url, sha256};
    use crate::token::jose::pem;
    use std::path::PathBuf;

    const NOW: UnixTime = UnixTime::from_seconds(1_242_302_400);

    fn sign(folder: &std::path::Path, body: Option<PathBuf>, usage: Usage) -> Sign {
        let (token, key) = (folder.join("token"), folder.join("key"));
        std::fs::write(&token, "PORTCULLIS-CONTEXT-EXAMPLE\n").unwrap();
        std::fs::write(&key, format!("{}\n", base64::encode(&(0..32).collect::<Vec<u8>>()))).unwrap();
        let holder = Holder { token: Some(token), profile: "sct".to_owned(), key, alg: None, realm: "orders".to_owned() };
        let url = Target::read("https://rp.example.com/orders?x=1").unwrap();
        let message = MessageArgs { keyid: String::new(), tag: String::new(), label: String::new(), components: Vec::new() };
        Sign { holder, described: described(body, &[]), url, usage, scheme: SignScheme::Wssec, message, nonce: String::new() }
    }

    #[test]
    fn the_lines_are_those_of_the_request() {
        let folder = tempfile::tempdir().unwrap();
        let text = sign(folder.path(), None, Usage::Auth).sign(NOW, &SystemRandom::new()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "Authorization: WSSEC realm=\"orders\", profile=\"sct\"",
                "X-WSS-TokenLoc: location=header",
                "X-WSS-Token1: UE9SVENVTExJUy1DT05URVhULUVYQU1QTEU="
            ]
        );
        let nonce = lines[3].strip_prefix("X-WSS-Security: sigusage=auth, sigalg=hmac-sha256, nonce=\"").unwrap();
        let (nonce, rest) = nonce.split_once('"').unwrap();
        let signature = rest.strip_prefix(", timestamp=\"2009-05-14T12:00:00Z\", sigval=\"").unwrap().strip_suffix('"').unwrap();
        let hash = base64::encode(&sha256(b"PORTCULLIS-CONTEXT-EXAMPLE"));
        let input = format!("WSSEC\nGET\n/orders?x=1\nrp.example.com\nhmac-sha256\nauth\n{nonce}\n2009-05-14T12:00:00Z\n{hash}");
        let key = MacKey::new(DigestAlgorithm::Sha256, &(0..32).collect::<Vec<u8>>());
        assert_eq!(key.verify(input.as_bytes(), &base64::decode_exactly::<32>(signature.as_bytes()).unwrap()), Ok(()));
        assert_eq!((lines.len(), nonce.len()), (4, 24));
    }

    #[test]
    fn a_proof_is_for_this_request_and_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sign(folder.path(), None, Usage::Auth);
        command.scheme = SignScheme::Dpop;
        let pair = SigningKey::generate(NewKey::P256).unwrap();
        std::fs::write(&command.holder.key, pem::write(&pair).as_bytes()).unwrap();
        std::fs::write(command.holder.token_file().unwrap(), "a.b.c\n").unwrap();
        command.described = described(None, &["Accept: text/plain"]);
        command.nonce = "n-1".to_owned();
        let text = command.sign(NOW, &SystemRandom::new()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["Accept: text/plain", "Authorization: DPoP a.b.c"]);
        let payload = lines[2].strip_prefix("DPoP: ").unwrap().split('.').nth(1).unwrap();
        let payload = String::from_utf8(base64url::decode_to_vec(payload.as_bytes()).unwrap()).unwrap();
        for claim in [r#""htm":"GET""#, r#""htu":"https://rp.example.com/orders""#, r#""nonce":"n-1""#] {
            assert!(payload.contains(claim), "{payload}");
        }
        command.holder.token = None;
        assert!(command.sign(NOW, &SystemRandom::new()).is_err());
    }

    #[test]
    fn content_is_digested_with_its_type() {
        let folder = tempfile::tempdir().unwrap();
        let body = folder.path().join("body");
        std::fs::write(&body, "{\"order\":42}").unwrap();
        let text = sign(folder.path(), Some(body), Usage::Auth).sign(NOW, &SystemRandom::new()).unwrap();
        assert!(text.starts_with("Content-Type: application/octet-stream\n"), "{text}");
        assert!(text.contains("covered=\"authorization content-type x-wss-token1 x-wss-tokenloc\""), "{text}");
        assert!(text.contains("sigusage=message"), "{text}");
        let asked = sign(folder.path(), None, Usage::Message).sign(NOW, &SystemRandom::new()).unwrap();
        assert!(asked.contains("sigusage=message"), "{asked}");
        assert!(sign(folder.path(), Some(folder.path().join("absent")), Usage::Auth).sign(NOW, &SystemRandom::new()).is_err());
    }
}
