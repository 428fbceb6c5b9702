//! Whose token it shall be: arguments by which a token is bound to a key of its holder.

use crate::cli::failure::Failure;
use crate::cli::key_file;
use crate::crypto::SystemRandom;
use crate::token::jose::cnf::{self, SealFault};
use crate::token::jose::jwe::Management;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A secret proof key, which stands in the token sealed for the gateway.
#[derive(Args, Default)]
pub(super) struct SealedHolder {
    /// Bind the token to a secret that its holder has: the file with the key, 32 octets in base64, under
    /// which it is sealed for the gateway (`proof_key_file`). Needs --proof-key.
    #[arg(long, value_name = "FILE", requires = "proof_key")]
    cnf_jwe_key: Option<PathBuf>,
    /// The file with the holder's secret, 32 octets or more in base64.
    #[arg(long, value_name = "FILE", requires = "cnf_jwe_key")]
    proof_key: Option<PathBuf>,
    /// How the secret is sealed.
    #[arg(long, value_enum, default_value = "A256KW", requires = "cnf_jwe_key")]
    cnf_alg: Sealing,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Sealing {
    /// Directly under the key.
    #[value(name = "dir")]
    Direct,
    /// Under a fresh key, which the key wraps.
    #[default]
    #[value(name = "A256KW")]
    Wrapped,
}

impl SealedHolder {
    /// The sealed proof key, where one is asked for.
    pub(super) fn seal(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let (Some(key), Some(secret)) = (&self.cnf_jwe_key, &self.proof_key) else { return Ok(None) };
        let management = match self.cnf_alg {
            Sealing::Direct => Management::Direct,
            Sealing::Wrapped => Management::Wrapped,
        };
        let (shared, octets) = (key_file::shared(key)?, key_file::secret(secret)?);
        cnf::seal(&octets, &shared, management, None, &SystemRandom::new()).map(Some).map_err(|fault| match fault {
            SealFault::Secret(syntax) => format!("{}: {syntax}", secret.display()).into(),
            SealFault::Sealing(fault) => fault.to_string().into(),
        })
    }

    /// The files that it reads.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.cnf_jwe_key, &self.proof_key].into_iter().flatten().map(PathBuf::as_path)
    }
}

/// Refuses to read standard input for two things.
pub(super) fn check_stdin<'f>(files: impl Iterator<Item = &'f Path>) -> Result<(), Failure> {
    let from_stdin = files.filter(|file| *file == Path::new("-")).count();
    if from_stdin > 1 { Err("only one key can come from standard input".to_owned().into()) } else { Ok(()) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::crypto::base64;
    use crate::token::jose::cnf::{ProofMaterial, open_sealed};
    use crate::token::jose::jwe::SharedKey;

    pub(in crate::cli::token) fn sealed_holder(folder: &Path) -> SealedHolder {
        let [key, secret] = ["sealing", "secret"].map(|name| folder.join(name));
        std::fs::write(&key, base64::encode(&[9; 32])).unwrap();
        std::fs::write(&secret, base64::encode(&[3; 32])).unwrap();
        SealedHolder { cnf_jwe_key: Some(key), proof_key: Some(secret), cnf_alg: Sealing::Wrapped }
    }

    #[test]
    fn the_secret_is_sealed_for_the_gateway() {
        let folder = tempfile::tempdir().unwrap();
        for cnf_alg in [Sealing::Direct, Sealing::Wrapped] {
            let sealed = SealedHolder { cnf_alg, ..sealed_holder(folder.path()) }.seal().unwrap().unwrap();
            let proof = open_sealed(&sealed, [&SharedKey::from_octets(&[9; 32]).unwrap()]).unwrap();
            assert!(matches!(proof.material(), ProofMaterial::Secret(octets) if ***octets == [3; 32]));
        }
        assert!(SealedHolder::default().seal().unwrap().is_none());
    }

    #[test]
    fn a_weak_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let holder = sealed_holder(folder.path());
        std::fs::write(folder.path().join("secret"), base64::encode(&[3; 31])).unwrap();
        assert!(matches!(holder.seal(), Err(Failure::Reason(reason)) if reason.contains("too short")));
    }

    #[test]
    fn standard_input_is_read_once() {
        assert!(check_stdin([Path::new("-"), Path::new("a")].into_iter()).is_ok());
        assert!(check_stdin([Path::new("-"), Path::new("-")].into_iter()).is_err());
    }
}
