//! `portcullis sign --scheme http_signature`.

use super::{Described, Holder, lines};
use crate::cli::failure::Failure;
use crate::cli::terminal::read;
use crate::client::{Target, sign_message};
use crate::clock::UnixTime;
use crate::crypto::{Random, base64};
use crate::scheme::http_signature::signer::{MessageSigner, SignRefusal, SignerSettings};
use crate::scheme::http_signature::wire::MessageAlgorithm;
use crate::token::jose::pem::{self, PemKey};
use crate::token::jose::{Algorithm, IssuingKey, Unfit};
use clap::Args;
use http::HeaderMap;
use zeroize::Zeroizing;

/// The most octets of a secret in a file.
const MOST_SECRET: usize = 256;
/// What is signed unless something else is asked for, as far as it is there.
const USUAL: [&str; 4] = ["@method", "@target-uri", "content-type", "content-digest"];

/// What an HTTP message signature says.
#[derive(Args)]
pub(super) struct MessageArgs {
    /// With http_signature: the name by which the server knows the key.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(super) keyid: String,
    /// With http_signature: what the signature is for.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) tag: String,
    /// With http_signature: the signature's label.
    #[arg(long, value_name = "LABEL", default_value = "sig1")]
    pub(super) label: String,
    /// With http_signature: what is signed, as @method, content-type or '"@query-param";name="id"'; may be repeated.
    /// By default, as far as the request has them, @method, @target-uri, content-type and content-digest.
    #[arg(long = "component", value_name = "NAME")]
    pub(super) components: Vec<String>,
}

impl MessageArgs {
    pub(super) fn sign(
        &self,
        holder: &Holder,
        described: &Described,
        url: &Target,
        now: UnixTime,
        random: &impl Random,
    ) -> Result<String, Failure> {
        let told = |refusal: SignRefusal| Failure::from(refusal.to_string());
        if self.keyid.is_empty() {
            return Err("--keyid is needed: the name by which the server knows the key".to_owned().into());
        }
        let settings = SignerSettings {
            label: self.label.as_str().into(),
            keyid: self.keyid.as_str().into(),
            tag: self.tag.as_str().into(),
            lifetime: 0,
            components: self.components(),
        };
        let signer = MessageSigner::new(key(holder)?, settings).map_err(told)?;
        let fields = sign_message(&described.request(url), &signer, now, random).map_err(|fault| fault.to_string())?;
        let left_out = self.left_out(&fields);
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            return Err(format!("--component: the request has no {names}; what is no field begins with @, as @method").into());
        }
        Ok(lines::whole(&fields))
    }

    /// What was asked for and is not signed, because the request does not have it.
    fn left_out(&self, fields: &HeaderMap) -> Vec<&str> {
        let input = fields.get("signature-input").and_then(|value| value.to_str().ok()).unwrap_or_default();
        // What follows the list are parameters, one of which may be called alike.
        let signed = input.split(')').next().unwrap_or_default();
        self.components.iter().map(String::as_str).filter(|name| !signed.contains(&*quoted(name))).collect()
    }

    fn components(&self) -> Box<[Box<str>]> {
        if self.components.is_empty() {
            return USUAL.map(quoted).into();
        }
        self.components.iter().map(|name| quoted(name)).collect()
    }
}

/// A component as a signature names it.
fn quoted(name: &str) -> Box<str> {
    if name.starts_with('"') { name.into() } else { ["\"", name, "\""].concat().into() }
}

/// A private key in PEM, or a secret in base64.
fn key(holder: &Holder) -> Result<IssuingKey, Failure> {
    let told = |reason: &dyn std::fmt::Display| Failure::from(format!("{}: {reason}", holder.key.display()));
    let asked = match holder.alg.as_deref().map(MessageAlgorithm::of_word) {
        None => None,
        Some(Some(algorithm)) => Some(algorithm),
        Some(None) => {
            let names = MessageAlgorithm::ALL.map(MessageAlgorithm::word).join(", ");
            return Err(format!("--alg: expected one of {names}").into());
        }
    };
    let text = read(&holder.key)?;
    if !pem::is_shaped(&text) {
        let mut octets = Zeroizing::new([0; MOST_SECRET]);
        let secret =
            base64::decode(text.trim().as_bytes(), octets.as_mut_slice()).map_err(|_| told(&"neither PEM nor base64 with padding"))?;
        let algorithm = asked.map_or(Algorithm::Hs256, MessageAlgorithm::jose);
        return IssuingKey::secret(secret, algorithm).map_err(|unfit| told(&unfit));
    }
    match pem::read(&text).map_err(|syntax| told(&syntax))? {
        PemKey::Private(key) => {
            let algorithm = asked.or(MessageAlgorithm::of_kind(key.kind())).ok_or_else(|| told(&Unfit::Algorithm))?;
            IssuingKey::signing(*key, Some(algorithm.jose())).map_err(|unfit| told(&unfit))
        }
        PemKey::Public(_) => Err(told(&"a public key, which cannot sign")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::described;
    use super::*;
    use crate::crypto::{NewKey, SigningKey, SystemRandom};
    use std::path::PathBuf;

    const NOW: UnixTime = UnixTime::from_seconds(1_781_481_600);

    fn arguments(keyid: &str, components: &[&str]) -> MessageArgs {
        let components = components.iter().map(|name| (*name).to_owned()).collect();
        MessageArgs { keyid: keyid.to_owned(), tag: "app".to_owned(), label: "sig1".to_owned(), components }
    }

    fn holder(folder: &tempfile::TempDir, text: &str, alg: Option<&str>) -> Holder {
        let key = folder.path().join("key");
        std::fs::write(&key, text).unwrap();
        Holder { token: None, profile: "jwt".to_owned(), key, alg: alg.map(str::to_owned), realm: String::new() }
    }

    fn sign(arguments: &MessageArgs, holder: &Holder, body: Option<PathBuf>) -> Result<String, Failure> {
        let url = Target::read("https://rp.example/orders?id=1").unwrap();
        arguments.sign(holder, &described(body, &[]), &url, NOW, &SystemRandom::new())
    }

    #[test]
    fn the_lines_are_those_of_the_request() {
        let folder = tempfile::tempdir().unwrap();
        let body = folder.path().join("body");
        std::fs::write(&body, "{\"hello\": \"world\"}").unwrap();
        for new in [NewKey::Ed25519, NewKey::P256, NewKey::P384] {
            let holder = holder(&folder, &pem::write(&SigningKey::generate(new).unwrap()), None);
            let text = sign(&arguments("k", &[]), &holder, Some(body.clone())).unwrap();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(
                lines[..2],
                ["Content-Type: application/octet-stream", "Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"]
            );
            let input = "Signature-Input: sig1=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\");created=1781481600;keyid=\"k\";nonce=\"";
            assert!(lines[2].starts_with(input) && lines[2].ends_with("\";tag=\"app\""), "{text}");
            assert!(lines[3].starts_with("Signature: sig1=:") && lines.len() == 4, "{text}");
        }
        let secret = holder(&folder, "N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=\n", Some("hmac-sha256"));
        let text = sign(&arguments("k", &["@path", "\"@query-param\";name=\"id\""]), &secret, None).unwrap();
        assert!(text.starts_with("Signature-Input: sig1=(\"@path\" \"@query-param\";name=\"id\");created="), "{text}");
    }

    #[test]
    fn what_cannot_be_signed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let pem = pem::write(&SigningKey::generate(NewKey::P256).unwrap());
        for (keyid, components, text, alg, told) in [
            ("", &[][..], &**pem, None, "--keyid"),
            ("k", &["@status"], &pem, None, "component_refused"),
            ("k", &["@method", "method"], &pem, None, "the request has no method; what is no field begins with @"),
            ("method", &["method"], &pem, None, "the request has no method"),
            ("k", &["content-digest", "date"], &pem, None, "no content-digest, date"),
            ("k", &[], &pem, Some("none"), "--alg"),
            ("k", &[], &pem, Some("ed25519"), "does not fit"),
            ("k", &[], "hunter2!", None, "neither PEM nor base64"),
            ("k", &[], "AAAA", None, "too short"),
        ] {
            let Err(Failure::Reason(reason)) = sign(&arguments(keyid, components), &holder(&folder, text, alg), None) else {
                panic!("{told}")
            };
            assert!(reason.contains(told) && !reason.contains("hunter2"), "{reason}");
        }
    }
}
