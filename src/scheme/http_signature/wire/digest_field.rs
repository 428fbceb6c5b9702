//! `Content-Digest` and `Repr-Digest`: digests of what a message carries (RFC 9530 §2, §3).

use super::Unreadable;
use super::structured::read_octets;
use crate::crypto::DigestAlgorithm;

/// The algorithm of this registered name (RFC 9530 §5), if it is one that is taken: all others are old, or no hash at all.
pub fn find(name: &str) -> Option<DigestAlgorithm> {
    match name {
        "sha-256" => Some(DigestAlgorithm::Sha256),
        "sha-512" => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

/// A digest as somebody claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDigest {
    /// How it was made.
    pub algorithm: DigestAlgorithm,
    /// Its octets, as many as the algorithm makes.
    pub octets: Vec<u8>,
}

/// Reads the lines of one of the fields. Members of algorithms that are not taken are left aside, as long as
/// each stands once.
///
/// # Errors
/// It is no dictionary of byte sequences, an algorithm stands twice, or a digest has a length that its algorithm
/// does not make.
pub fn read<'r>(lines: impl Iterator<Item = &'r [u8]>) -> Result<Vec<ClaimedDigest>, Unreadable> {
    let (mut claimed, mut names) = (Vec::new(), Vec::new());
    for line in lines {
        read_octets(line, |name, octets| {
            if names.contains(&name) {
                return Err(Unreadable::LabelRepeated);
            }
            names.push(name);
            match find(name) {
                Some(algorithm) if algorithm.length() == octets.len() => claimed.push(ClaimedDigest { algorithm, octets }),
                Some(_) => return Err(Unreadable::Syntax),
                None => {}
            }
            Ok(())
        })?;
    }
    Ok(claimed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest;

    const SHA256: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const SHA512: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    fn of(text: &str) -> Result<Vec<ClaimedDigest>, Unreadable> {
        read([text.as_bytes()].into_iter())
    }

    /// The examples of RFC 9530 and of RFC 9421, over their contents.
    #[test]
    fn digests_agree_with_rfc_9530() {
        for (field, content) in [
            (SHA256, "{\"hello\": \"world\"}"),
            (SHA512, "{\"hello\": \"world\"}"),
            ("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", "{\"hello\": \"world\"}\n"),
            (
                "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
                "{\"message\": \"good dog\"}",
            ),
        ] {
            let claimed = of(field).unwrap().remove(0);
            assert!(digest(claimed.algorithm, content.as_bytes()).matches(&claimed.octets), "{field}");
        }
    }

    #[test]
    fn what_is_known_is_read_and_the_rest_left_aside() {
        let both = of(&format!("md5=:sQ==:, {SHA256}, unixsum=:AA==:, {SHA512};x=1")).unwrap();
        assert_eq!(both.iter().map(|claimed| claimed.algorithm).collect::<Vec<_>>(), [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512]);
        assert_eq!(of("md5=:sQ==:, sha=:AA==:"), Ok(Vec::new()));
        assert_eq!(of(""), Ok(Vec::new()));
        assert_eq!(read([SHA256.as_bytes(), SHA512.as_bytes()].into_iter()).unwrap(), both);
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        assert_eq!(of(&format!("{SHA256}, {SHA256}")), Err(Unreadable::LabelRepeated));
        assert_eq!(of("md5=:AA==:, md5=:AA==:"), Err(Unreadable::LabelRepeated));
        assert_eq!(read([SHA256.as_bytes(), SHA256.as_bytes()].into_iter()), Err(Unreadable::LabelRepeated));
        for text in [
            "sha-256=::",
            "sha-256=:X48E:",
            &SHA256.replace("256", "512"),
            &SHA512.replace("512", "256"),
            "sha-256",
            "sha-256=\"X48E\"",
            "sha-256=X48E",
            "md5=1",
            "sha-256=(",
        ] {
            assert_eq!(of(text), Err(Unreadable::Syntax), "{text}");
        }
    }
}
