//! `portcullis keys`: fresh keys.

use super::failure::Failure;
use super::terminal::print;
use crate::crypto::SystemRandom;
use crate::token::swt::draw_key;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make keys.
#[derive(Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    Swt(SwtKeyFile),
}

/// Make a key for Simple Web Tokens: 32 random octets in base64.
///
/// The issuer signs with it and the gateway checks with it (`key_file` of an issuer), so both need the
/// same file and nobody else may have it.
#[derive(Args)]
struct SwtKeyFile {
    /// The file to write, readable by its owner only. Without it the key goes to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if there is one. Tokens made with the old key no longer hold then.
    #[arg(long, requires = "out")]
    force: bool,
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug)]
enum Existing {
    Kept,
    Replaced,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Kind::Swt(SwtKeyFile { out, force }) = self.kind;
        let key = draw_key(&SystemRandom::new()).map_err(|error| error.to_string())?;
        let key = Zeroizing::new([&*key, "\n"].concat());
        let Some(path) = out else { return print(&key) };
        let existing = if force { Existing::Replaced } else { Existing::Kept };
        write(&path, key.as_bytes(), existing).map_err(|error| told(&path, &error))?;
        print(&format!("{}\n", path.display()))
    }
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
    use crate::token::swt::SwtKey;
    use std::os::unix::fs::PermissionsExt;

    fn make(path: &Path, existing: Existing) -> Result<(), Failure> {
        Keys { kind: Kind::Swt(SwtKeyFile { out: Some(path.to_owned()), force: matches!(existing, Existing::Replaced) }) }.run()
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
    fn a_folder_that_is_not_there_is_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(make(&folder.path().join("none/swt.key"), Existing::Replaced), Err(Failure::Reason(_))));
    }
}
