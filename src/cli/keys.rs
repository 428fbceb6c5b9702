//! `portcullis keys`: fresh keys, and the public halves of those there are.

use super::failure::Failure;
use super::key_file;
use super::terminal::print;
use crate::crypto::{GenerationFault, NewKey, SigningKey, SystemRandom};
use crate::token::jose::{describe, pem, thumbprint};
use crate::token::swt::draw_key;
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make keys, and write their public halves for others.
#[derive(Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// Make a key for Simple Web Tokens: 32 random octets in base64.
    ///
    /// The issuer signs with it and the gateway checks with it (`key_file` of an issuer), so both need the
    /// same file and nobody else may have it. It serves wherever two parties share 32 octets: HS256, sealed
    /// proof keys, secrets of holders.
    Swt(NewFile),
    /// Make a private key on P-256, for ES256: PKCS#8 in PEM.
    P256(NewFile),
    /// Make a private key on P-384, for ES384: PKCS#8 in PEM.
    P384(NewFile),
    /// Make a private Ed25519 key, for EdDSA: PKCS#8 in PEM.
    Ed25519(NewFile),
    /// Make a private RSA key, for RS256 to PS512: PKCS#8 in PEM.
    Rsa(RsaFile),
    /// Write the public half of a key as JSON (RFC 7517).
    #[command(after_help = "Example:\n  portcullis keys jwk client.pem > client.jwk")]
    Jwk(PublicKeyFile),
    /// Write the public halves of keys as a key set in JSON, which a gateway reads as `jwks_file`.
    #[command(after_help = "Example:\n  portcullis keys jwks current.pem previous.pem > jwks.json")]
    Jwks(PublicKeyFiles),
}

#[derive(Args)]
struct NewFile {
    /// The file to write, readable by its owner only. Without it the key goes to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if there is one. Tokens made with the old key no longer hold then.
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Args)]
struct RsaFile {
    #[command(flatten)]
    file: NewFile,
    /// How long the modulus is.
    #[arg(long, value_enum, default_value = "3072")]
    bits: Bits,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bits {
    #[value(name = "2048")]
    Bits2048,
    #[value(name = "3072")]
    Bits3072,
}

#[derive(Args)]
struct PublicKeyFile {
    /// The file with the key: private or public in PEM, or public in JSON; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name of the key; by default the one it has, or its thumbprint (RFC 7638).
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
}

#[derive(Args)]
struct PublicKeyFiles {
    /// The files with the keys: private or public in PEM, or public in JSON. Each is named as it is, or by
    /// its thumbprint (RFC 7638).
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug)]
enum Existing {
    Kept,
    Replaced,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.kind {
            Kind::Swt(file) => {
                let key = draw_key(&SystemRandom::new()).map_err(|error| error.to_string())?;
                file.keep(&Zeroizing::new([&*key, "\n"].concat()))
            }
            Kind::P256(file) => file.keep(&generate(NewKey::P256)?),
            Kind::P384(file) => file.keep(&generate(NewKey::P384)?),
            Kind::Ed25519(file) => file.keep(&generate(NewKey::Ed25519)?),
            Kind::Rsa(RsaFile { file, bits: Bits::Bits2048 }) => file.keep(&generate(NewKey::Rsa2048)?),
            Kind::Rsa(RsaFile { file, bits: Bits::Bits3072 }) => file.keep(&generate(NewKey::Rsa3072)?),
            Kind::Jwk(PublicKeyFile { file, kid }) => print(&format!("{}\n", public_half(&file, kid.as_deref())?)),
            Kind::Jwks(PublicKeyFiles { files }) => print(&key_set(&files)?),
        }
    }
}

impl NewFile {
    /// Writes the key where it was asked for.
    fn keep(&self, key: &str) -> Result<(), Failure> {
        let Some(path) = &self.out else { return print(key) };
        let existing = if self.force { Existing::Replaced } else { Existing::Kept };
        write(path, key.as_bytes(), existing).map_err(|error| told(path, &error))?;
        print(&format!("{}\n", path.display()))
    }
}

fn generate(kind: NewKey) -> Result<Zeroizing<String>, Failure> {
    let key = SigningKey::generate(kind).map_err(|fault| match fault {
        GenerationFault::Unsupported => format!("{fault}; `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072` makes one"),
        GenerationFault::Failed => fault.to_string(),
    })?;
    Ok(pem::write(&key))
}

fn public_half(path: &Path, kid: Option<&str>) -> Result<String, Failure> {
    let (public, key) = key_file::public(path)?;
    let own = thumbprint(&public);
    let id = kid.or(key.id()).unwrap_or(&own);
    Ok(describe(&public, id, key.bound()))
}

fn key_set(files: &[PathBuf]) -> Result<String, Failure> {
    let keys = files.iter().map(|file| public_half(file, None)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{{\"keys\":[\n{}\n]}}\n", keys.join(",\n")))
}

fn told(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    if error.kind() == ErrorKind::AlreadyExists {
        return format!("{path} is there already and stays as it is; --force replaces it");
    }
    format!("{path}: {error}")
}

fn write(path: &Path, key: &[u8], existing: Existing) -> io::Result<()> {
    match existing {
        Existing::Kept => create(path, key),
        Existing::Replaced => {
            // A gateway that watches the file sees the old key or the new one, never half of one.
            let beside = beside(path);
            create(&beside, key).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| drop(fs::remove_file(&beside)))
        }
    }
}

fn create(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::jose::KeySet;
    use crate::token::swt::SwtKey;
    use std::os::unix::fs::PermissionsExt;

    fn file(path: &Path, existing: Existing) -> NewFile {
        NewFile { out: Some(path.to_owned()), force: matches!(existing, Existing::Replaced) }
    }

    fn make(path: &Path, existing: Existing) -> Result<(), Failure> {
        Keys { kind: Kind::Swt(file(path, existing)) }.run()
    }

    #[test]
    fn a_key_is_written_for_its_owner_only_and_is_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("swt.key");
        make(&path, Existing::Kept).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(SwtKey::from_text(&fs::read(&path).unwrap()).is_ok());
    }

    #[test]
    fn a_key_is_replaced_only_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("swt.key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let Err(Failure::Reason(reason)) = make(&path, Existing::Kept) else { panic!() };
        assert!(reason.contains("is there already"), "{reason}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        make(&path, Existing::Replaced).unwrap();
        assert!(SwtKey::from_text(&fs::read(&path).unwrap()).is_ok());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn two_keys_differ() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        make(&one, Existing::Kept).unwrap();
        make(&other, Existing::Kept).unwrap();
        assert_ne!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
    }

    #[test]
    fn private_keys_of_every_kind_are_keys() {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in [("p256", NewKey::P256), ("p384", NewKey::P384), ("ed25519", NewKey::Ed25519)] {
            let path = folder.path().join(name);
            file(&path, Existing::Kept).keep(&generate(kind).unwrap()).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert!(key_file::issuing(&path, None, None).is_ok(), "{name}");
        }
    }

    #[test]
    fn rsa_is_made_where_the_library_can() {
        match SigningKey::generate(NewKey::Rsa2048) {
            Ok(key) => assert!(pem::read(&pem::write(&key)).is_ok()),
            Err(fault) => {
                assert_eq!(fault, GenerationFault::Unsupported);
                assert!(matches!(generate(NewKey::Rsa2048), Err(Failure::Reason(reason)) if reason.contains("openssl")));
            }
        }
    }

    #[test]
    fn public_halves_are_named_and_tell_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let [private, jwk] = ["key.pem", "key.jwk"].map(|name| folder.path().join(name));
        let key = SigningKey::generate(NewKey::P256).unwrap();
        fs::write(&private, &*pem::write(&key)).unwrap();
        let named = public_half(&private, Some("a")).unwrap();
        assert!(named.contains(r#""kid":"a""#) && !named.contains("\"d\""), "{named}");
        assert!(public_half(&private, None).unwrap().contains(&thumbprint(key.public())));
        fs::write(&jwk, &named).unwrap();
        assert_eq!(public_half(&jwk, None).unwrap(), named);
        let set = KeySet::read(key_set(&[private, jwk]).unwrap().as_bytes()).unwrap();
        assert_eq!((set.keys().len(), set.skipped().len()), (2, 0));
        assert_eq!(set.keys()[1].id(), Some("a"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(make(&folder.path().join("none/swt.key"), Existing::Replaced), Err(Failure::Reason(_))));
    }
}
