//! `X-WSS-Digest`: the digest of the content and of covered fields, as the sender claims it.

use super::params::{self, Writer};
use super::security::required;
use super::{CANONICALISATION, DigestName, Unreadable};
use crate::crypto::base64;
use std::fmt;

/// The most octets of a digest.
pub const LONGEST_DIGEST: usize = 64;
/// The most fields that a digest may cover: every fragment, and as many again.
pub const MOST_COVERED: usize = 128;
/// Fields that are made after the digest.
const MADE_LATER: [&str; 2] = ["x-wss-digest", "x-wss-security"];

/// A field `X-WSS-Digest`, read and not judged. Its `Display` is the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestField<'r> {
    /// The algorithm.
    pub algorithm: DigestName,
    /// The digest, in base64 that was found canonical and of the algorithm's length.
    pub value: &'r str,
    /// The fields that the digest is of, beside the content.
    pub covered: Covered<'r>,
}

/// Names of fields, lower-case, sorted by octets, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered<'r>(Vec<&'r str>);

impl<'r> DigestField<'r> {
    /// Reads the field.
    ///
    /// # Errors
    /// Its parameters cannot be read, or one of them is missing or none that it can be.
    pub fn read(field: &'r [u8]) -> Result<Self, Unreadable> {
        let [algorithm, value, covered, canon] = params::read(field, ["alg", "value", "covered", "canon"])?;
        let algorithm = DigestName::of_word(required(algorithm)?).ok_or(Unreadable::DigestAlgorithmUnknown)?;
        if let Some(canon) = canon {
            read_canonicalisation(canon.plain()?)?;
        }
        let covered = covered.map_or(Ok(Covered::default()), |names| Covered::read(names.plain()?))?;
        let digest = Self { algorithm, value: required(value)?, covered };
        digest.octets(&mut [0; LONGEST_DIGEST])?;
        Ok(digest)
    }

    /// The digest's octets.
    ///
    /// # Errors
    /// Never for a field that was read.
    pub fn octets<'b>(&self, buffer: &'b mut [u8; LONGEST_DIGEST]) -> Result<&'b [u8], Unreadable> {
        match base64::decode(self.value.as_bytes(), buffer) {
            Ok(octets) if octets.len() == self.algorithm.length() => Ok(octets),
            Ok(_) | Err(base64::Base64Syntax) => Err(Unreadable::DigestSyntax),
        }
    }
}

/// There is one canonicalisation; naming it is optional.
///
/// # Errors
/// Another one is named.
pub(super) fn read_canonicalisation(name: &str) -> Result<(), Unreadable> {
    if name == CANONICALISATION { Ok(()) } else { Err(Unreadable::CanonicalisationUnknown) }
}

impl<'r> Covered<'r> {
    /// Reads lower-case names, sorted by octets, one space between. Since they are signed in this order,
    /// a list in another one is not the list that was signed.
    ///
    /// # Errors
    /// It is another list, one name stands twice, there are too many, or one cannot be covered.
    pub fn read(names: &'r str) -> Result<Self, Unreadable> {
        let listed = || names.split(' ').take(MOST_COVERED.saturating_add(1));
        let covered = Self::new(listed().collect())?;
        if listed().eq(covered.0.iter().copied()) { Ok(covered) } else { Err(Unreadable::CoveredSyntax) }
    }

    /// These names, in whatever order they are handed over.
    ///
    /// # Errors
    /// As [`Covered::read`].
    pub fn new(mut names: Vec<&'r str>) -> Result<Self, Unreadable> {
        if names.len() > MOST_COVERED {
            return Err(Unreadable::CoveredRepeated);
        }
        if !names.iter().all(|name| is_lower_case_name(name)) {
            return Err(Unreadable::CoveredSyntax);
        }
        if names.iter().any(|name| MADE_LATER.contains(name)) {
            return Err(Unreadable::CoveredForbidden);
        }
        names.sort_unstable();
        if names.array_windows().any(|[one, next]| one == next) {
            return Err(Unreadable::CoveredRepeated);
        }
        Ok(Self(names))
    }

    /// The names, sorted.
    pub fn names(&self) -> &[&'r str] {
        &self.0
    }

    /// Whether the digest is of the content alone.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the field of this lower-case name is covered.
    pub fn covers(&self, name: &str) -> bool {
        self.0.binary_search(&name).is_ok()
    }
}

fn is_lower_case_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| params::is_token_octet(octet) && !octet.is_ascii_uppercase())
}

impl fmt::Display for Covered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for name in &self.0 {
            f.write_str(std::mem::replace(&mut between, " "))?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Display for DigestField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut to = Writer::new(f);
        to.bare("alg", self.algorithm.word())?;
        to.quoted("value", self.value)?;
        if self.covered.is_empty() { Ok(()) } else { to.quoted("covered", &self.covered.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: &str = "alg=sha-256, value=\"K0ErNGeemofZVMs0dN0yDEwvg2qNSq5zn/GLy6/qmVQ=\", covered=\"authorization content-type\"";

    fn refused(field: &str) -> Option<Unreadable> {
        DigestField::read(field.as_bytes()).err()
    }

    #[test]
    fn the_field_is_read_and_written() {
        let digest = DigestField::read(FIELD.as_bytes()).unwrap();
        assert_eq!((digest.algorithm, digest.covered.names()), (DigestName::Sha256, &["authorization", "content-type"][..]));
        assert_eq!(digest.octets(&mut [0; LONGEST_DIGEST]).map(|octets| octets[0]), Ok(0x2b));
        assert_eq!(digest.to_string(), FIELD);
        let alone = "alg=sha-1, value=\"wQI2wNinrtdU3ypiL8JDQHK0Dn0=\"";
        assert_eq!(DigestField::read(alone.as_bytes()).unwrap().to_string(), alone);
    }

    #[test]
    fn covered_names_stand_in_the_order_in_which_they_are_signed() {
        let with = |names: &str| FIELD.replace("authorization content-type", names);
        for names in ["x-wss-token1 accept", "accept x-wss-token2 x-wss-token10", "b a c"] {
            assert_eq!(refused(&with(names)), Some(Unreadable::CoveredSyntax), "{names}");
        }
        let digest = with("accept x-wss-token1 x-wss-token10 x-wss-token2");
        let digest = DigestField::read(digest.as_bytes()).unwrap();
        let names = ["accept", "x-wss-token1", "x-wss-token10", "x-wss-token2"];
        assert_eq!(digest.covered.names(), names);
        assert_eq!(Covered::new(names.into_iter().rev().collect()).unwrap(), digest.covered);
        assert!(digest.covered.covers("accept") && !digest.covered.covers("x-wss-token3"));
    }

    #[test]
    fn each_parameter_is_judged_by_its_own_rule() {
        let swap = |from: &str, to: &str| {
            assert!(FIELD.contains(from));
            refused(&FIELD.replace(from, to))
        };
        assert_eq!(swap("sha-256", "md5"), Some(Unreadable::DigestAlgorithmUnknown));
        assert_eq!(swap("sha-256", "SHA-256"), Some(Unreadable::DigestAlgorithmUnknown));
        assert_eq!(swap("sha-256", "sha-512"), Some(Unreadable::DigestSyntax));
        assert_eq!(swap("sha-256", "sha-1"), Some(Unreadable::DigestSyntax));
        assert_eq!(swap("VQ=", "VR="), Some(Unreadable::DigestSyntax));
        assert_eq!(swap("alg=sha-256, ", ""), Some(Unreadable::ParameterMissing));
        assert_eq!(swap("covered", "canon"), Some(Unreadable::CanonicalisationUnknown));
        assert_eq!(refused(&format!("{FIELD}, canon={CANONICALISATION}")), None);
    }

    #[test]
    fn covered_names_have_one_spelling_and_stand_once() {
        let covered = |names: &str| refused(&FIELD.replace("authorization content-type", names));
        for names in ["", " accept", "accept ", "accept  host", "Accept", "accept,host", "accept\thost", "a:b", "a(b"] {
            assert_eq!(covered(names), Some(Unreadable::CoveredSyntax), "{names:?}");
        }
        assert_eq!(covered("accept host accept"), Some(Unreadable::CoveredRepeated));
        assert_eq!(covered("accept accept host"), Some(Unreadable::CoveredRepeated));
        for names in ["x-wss-digest", "accept x-wss-security"] {
            assert_eq!(covered(names), Some(Unreadable::CoveredForbidden), "{names}");
        }
        let many = |count: usize| (0..count).map(|number| format!("x{number:03}")).collect::<Vec<_>>().join(" ");
        assert_eq!((covered(&many(MOST_COVERED)), covered(&many(MOST_COVERED + 1))), (None, Some(Unreadable::CoveredRepeated)));
    }
}
