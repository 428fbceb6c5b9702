//! Keys in files, in every form in which people have them: PEM, JSON, base64.

use super::failure::Failure;
use super::terminal::read;
use crate::crypto::{DIGEST_LENGTH, PublicKey, base64, sha256};
use crate::token::jose::jwe::SharedKey;
use crate::token::jose::pem::{self, PemKey};
use crate::token::jose::{Algorithm, IssuingKey, KeySet, Material, VerificationKey, thumbprint};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fmt::Display;
use std::path::Path;
use zeroize::Zeroizing;

/// The most octets of a secret in a file.
const MAX_SECRET: usize = 256;

/// A key to sign with: a private key in PEM, or a secret in base64. A private key is named by its
/// thumbprint unless it gets another name, as `portcullis keys jwk` names its public half.
pub(super) fn issuing(path: &Path, algorithm: Option<Algorithm>, id: Option<&str>) -> Result<IssuingKey, Failure> {
    let text = read(path)?;
    if text.trim_start().starts_with('{') {
        let found = if text.contains("\"keys\"") { "a key set" } else { "a key in JSON" };
        return Err(told(path, &format!("{found}, which only checks; what signs is a private key in PEM or a secret in base64")));
    }
    if !pem::is_shaped(&text) {
        let key = IssuingKey::secret(&octets_of(path, &text)?, algorithm.unwrap_or(Algorithm::Hs256));
        let key = key.map_err(|unfit| told(path, &unfit))?;
        return Ok(match id {
            Some(id) => key.named(id),
            None => key,
        });
    }
    match pem::read(&text).map_err(|syntax| told(path, &syntax))? {
        PemKey::Private(key) => {
            let own = thumbprint(key.public());
            let key = IssuingKey::signing(*key, algorithm).map_err(|unfit| told(path, &unfit))?;
            Ok(key.named(id.unwrap_or(&own)))
        }
        PemKey::Public(_) => Err(told(path, &"a public key, which cannot sign")),
    }
}

/// The keys to check signatures with: a key set or a key in JSON, a key in PEM, or a secret in base64.
/// A key of a set that cannot be used is told and left out.
pub(super) fn checking(path: &Path) -> Result<Vec<VerificationKey>, Failure> {
    let text = read(path)?;
    if pem::is_shaped(&text) {
        return public_of(path, &text).map(|key| vec![key]);
    }
    if !text.trim_start().starts_with('{') {
        let secret = octets_of(path, &text)?;
        let key = VerificationKey::secret(&secret, None, None).map_err(|syntax| told(path, &syntax))?;
        return Ok(vec![key]);
    }
    if !text.contains("\"keys\"") {
        return VerificationKey::parse(text.as_bytes()).map(|key| vec![key]).map_err(|syntax| told(path, &syntax));
    }
    let set = KeySet::read(text.as_bytes()).map_err(|syntax| told(path, &syntax))?;
    for skipped in set.skipped() {
        super::terminal::remark(&format!("{}: key {} is left out: {}", path.display(), skipped.place.saturating_add(1), skipped.reason));
    }
    if set.keys().is_empty() { Err(told(path, &"a key set without a key that can be used")) } else { Ok(set.keys().to_vec()) }
}

/// A public key: in JSON, or in PEM alone or as half of a private key.
pub(super) fn public(path: &Path) -> Result<(PublicKey, VerificationKey), Failure> {
    let text = read(path)?;
    let key = if pem::is_shaped(&text) {
        public_of(path, &text)?
    } else {
        VerificationKey::parse(text.as_bytes()).map_err(|syntax| told(path, &syntax))?
    };
    match key.material() {
        Material::Public(public) => Ok((public.clone(), key)),
        Material::Secret(_) => Err(told(path, &"a secret, which has no public half")),
    }
}

/// The SHA-256 of a certificate in PEM, the first where there are several: the holder's stands before its authorities'.
pub(super) fn certificate_thumbprint(path: &Path) -> Result<[u8; DIGEST_LENGTH], Failure> {
    let text = read(path)?;
    match CertificateDer::pem_slice_iter(text.as_bytes()).next() {
        Some(Ok(certificate)) => Ok(sha256(&certificate)),
        Some(Err(_)) | None => Err(told(path, &"no certificate in PEM")),
    }
}

fn public_of(path: &Path, text: &str) -> Result<VerificationKey, Failure> {
    let key = pem::read(text).map_err(|syntax| told(path, &syntax))?;
    VerificationKey::public(key.public().clone(), None, None).map_err(|syntax| told(path, &syntax))
}

/// A secret in base64.
pub(super) fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    octets_of(path, &read(path)?)
}

/// A key that two parties share, 32 octets in base64.
pub(super) fn shared(path: &Path) -> Result<SharedKey, Failure> {
    SharedKey::from_octets(&secret(path)?).map_err(|length| told(path, &length))
}

fn octets_of(path: &Path, text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut buffer = Zeroizing::new(vec![0; MAX_SECRET]);
    let decoded =
        base64::decode(text.trim().as_bytes(), &mut buffer).map_err(|_| told(path, &"neither PEM, JSON nor base64 with padding"))?;
    let length = decoded.len();
    buffer.truncate(length);
    Ok(buffer)
}

fn told(path: &Path, reason: &dyn Display) -> Failure {
    format!("{}: {reason}", path.display()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{NewKey, SigningKey};
    use crate::token::jose::describe;
    use std::path::PathBuf;

    fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
        let path = folder.path().join("key");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn reason<T>(outcome: Result<T, Failure>) -> String {
        match outcome {
            Err(Failure::Reason(reason)) => reason,
            Ok(_) | Err(_) => panic!("no reason"),
        }
    }

    #[test]
    fn a_private_key_signs_and_its_public_half_checks() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(NewKey::Ed25519).unwrap();
        let path = file(&folder, &pem::write(&key));
        let signing = issuing(&path, None, None).unwrap();
        assert_eq!((signing.algorithm(), signing.id()), (Algorithm::EdDsa, Some(&*thumbprint(key.public()))));
        assert_eq!(issuing(&path, None, Some("a")).unwrap().id(), Some("a"));
        assert!(reason(issuing(&path, Some(Algorithm::Es256), None)).contains("does not fit"));
        assert!(public(&path).unwrap().0 == *key.public());
        assert_eq!(checking(&path).unwrap().len(), 1);
    }

    #[test]
    fn keys_in_json_check_and_do_not_sign() {
        let folder = tempfile::tempdir().unwrap();
        let described = describe(SigningKey::generate(NewKey::P256).unwrap().public(), "a", None);
        let path = file(&folder, &described);
        assert_eq!(checking(&path).unwrap()[0].id(), Some("a"));
        assert_eq!(public(&path).unwrap().1.id(), Some("a"));
        assert!(reason(issuing(&path, None, None)).contains(": a key in JSON, which only checks"));
        let set = file(&folder, &format!("{{\"keys\":[{described},{{\"kty\":\"EC\"}}]}}"));
        assert_eq!(checking(&set).unwrap().len(), 1);
        assert!(reason(issuing(&set, None, None)).contains(": a key set, which only checks"));
        assert!(reason(checking(&file(&folder, "{\"keys\":[{}]}"))).contains("without a key"));
    }

    #[test]
    fn secrets_are_base64_and_do_not_print() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, &format!("{}\n", base64::encode(&[7; 32])));
        assert_eq!(issuing(&path, None, None).unwrap().algorithm(), Algorithm::Hs256);
        assert_eq!(secret(&path).unwrap().as_slice(), [7; 32]);
        assert!(shared(&path).is_ok() && public(&path).is_err());
        assert_eq!(checking(&path).unwrap().len(), 1);
        assert!(reason(issuing(&path, Some(Algorithm::Hs512), None)).contains("too short"));
        let wrong = reason(checking(&file(&folder, "hunter2")));
        assert!(wrong.contains("neither PEM") && !wrong.contains("hunter2"), "{wrong}");
        assert!(reason(shared(&file(&folder, &base64::encode(&[7; 31])))).contains("32 octets"));
    }
}
