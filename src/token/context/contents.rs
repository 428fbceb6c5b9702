//! What a context token holds, as a type and as octets.

use super::octets::{Reader, append_text};
use crate::clock::UnixTime;
use crate::crypto::{Random, RandomUnavailable};
use crate::token::{Claims, ClaimsBuilder};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The length of the identifier in octets.
pub const ID_LENGTH: usize = 16;
/// The length of the secret in octets: as long as the MACs that are made with it.
pub const SECRET_LENGTH: usize = 32;
/// The length of the fingerprint of the first token in octets.
pub const FIRST_FINGERPRINT_LENGTH: usize = 8;

/// The first octet says how the others are laid out; this is the only way so far.
const LAYOUT: u8 = 1;
/// What stands between the layout and the texts: identifier, secret, fingerprint, two times, profile.
const FIXED: usize = 1 + ID_LENGTH + SECRET_LENGTH + FIRST_FINGERPRINT_LENGTH + 8 + 8 + 1;
/// Before a subject.
const PRESENT: u8 = 1;
/// In place of a subject that is not there.
const ABSENT: u8 = 0;

/// Who was proved, by what, and the secret that proves possession from then on. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Context {
    /// What it is revoked by; drawn at random.
    pub id: [u8; ID_LENGTH],
    /// The key of the signatures of later requests; drawn at random.
    pub secret: Zeroizing<[u8; SECRET_LENGTH]>,
    /// Who made the token that was proved first.
    pub issuer: Arc<str>,
    /// The subject, where that token named one.
    pub subject: Option<Box<str>>,
    /// What kind of token that was.
    pub profile: FirstProfile,
    /// What its issuer stated.
    pub claims: Claims,
    /// The first octets of its SHA-256, by which logs name it.
    pub first_fingerprint: [u8; FIRST_FINGERPRINT_LENGTH],
    /// When the context was issued.
    pub issued: UnixTime,
    /// When it ends: from that second on it holds no more.
    pub expires: UnixTime,
}

/// What kind of token was proved before there was a context. A context never comes from a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstProfile {
    /// A JSON Web Token.
    Jwt,
    /// A Simple Web Token.
    Swt,
    /// An X.509 certificate.
    X509v3,
    /// A SAML 1.1 assertion.
    Saml11,
    /// A SAML 2.0 assertion.
    Saml2,
    /// A Kerberos service ticket.
    Krb5,
}

impl FirstProfile {
    const ALL: [Self; 6] = [Self::Jwt, Self::Swt, Self::X509v3, Self::Saml11, Self::Saml2, Self::Krb5];

    /// The word by which challenges and credentials name the profile.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Swt => "swt",
            Self::X509v3 => "x509v3",
            Self::Saml11 => "saml11",
            Self::Saml2 => "saml2",
            Self::Krb5 => "krb5",
        }
    }

    /// The profile of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word() == word)
    }

    const fn number(self) -> u8 {
        match self {
            Self::Jwt => 1,
            Self::Swt => 2,
            Self::X509v3 => 3,
            Self::Saml11 => 4,
            Self::Saml2 => 5,
            Self::Krb5 => 6,
        }
    }

    fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.number() == number)
    }
}

/// Draws the identifier and the secret of a new context.
///
/// # Errors
/// There is no randomness to make them of.
pub fn draw(random: &impl Random) -> Result<([u8; ID_LENGTH], Zeroizing<[u8; SECRET_LENGTH]>), RandomUnavailable> {
    let (mut id, mut secret) = ([0; ID_LENGTH], Zeroizing::new([0; SECRET_LENGTH]));
    random.fill(&mut id)?;
    random.fill(secret.as_mut_slice())?;
    Ok((id, secret))
}

impl Context {
    /// How many octets of memory the context holds, roughly; for bounds on caches.
    pub fn octets(&self) -> usize {
        let texts = self.issuer.len().saturating_add(self.subject.as_deref().map_or(0, str::len));
        size_of::<Self>().saturating_add(texts).saturating_add(self.claims.octets())
    }

    /// Appends the context to octets that have room for it; nothing, if a text is too long or there are too many.
    pub(super) fn append_to(&self, octets: &mut Vec<u8>) -> Option<()> {
        octets.push(LAYOUT);
        octets.extend_from_slice(&self.id);
        octets.extend_from_slice(self.secret.as_slice());
        octets.extend_from_slice(&self.first_fingerprint);
        octets.extend_from_slice(&self.issued.seconds().to_be_bytes());
        octets.extend_from_slice(&self.expires.seconds().to_be_bytes());
        octets.push(self.profile.number());
        append_text(&self.issuer, octets)?;
        match &self.subject {
            None => octets.push(ABSENT),
            Some(subject) => {
                octets.push(PRESENT);
                append_text(subject, octets)?;
            }
        }
        octets.extend_from_slice(&u16::try_from(self.claims.iter().count()).ok()?.to_be_bytes());
        self.claims.iter().try_for_each(|(name, value)| {
            append_text(name, octets)?;
            append_text(value, octets)
        })
    }

    /// How many octets [`append_to`](Self::append_to) appends.
    pub(super) fn length(&self) -> usize {
        let subject = self.subject.as_deref().map_or(0, |subject| subject.len().saturating_add(2));
        let claims = self.claims.iter().map(|(name, value)| name.len().saturating_add(value.len()).saturating_add(4));
        let texts = claims.fold(self.issuer.len().saturating_add(subject), usize::saturating_add);
        texts.saturating_add(FIXED + 2 + 1 + 2)
    }

    /// Reads a context, from the first octet to the last.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        if reader.octet()? != LAYOUT {
            return None;
        }
        let context = Self {
            id: reader.array()?,
            secret: Zeroizing::new(reader.array()?),
            first_fingerprint: reader.array()?,
            issued: UnixTime::from_seconds(reader.long()?),
            expires: UnixTime::from_seconds(reader.long()?),
            profile: FirstProfile::numbered(reader.octet()?)?,
            issuer: reader.text()?.into(),
            subject: read_subject(&mut reader)?,
            claims: read_claims(&mut reader)?,
        };
        reader.rest().is_empty().then_some(context)
    }
}

fn read_subject(reader: &mut Reader<'_>) -> Option<Option<Box<str>>> {
    match reader.octet()? {
        ABSENT => Some(None),
        PRESENT => reader.text().map(|subject| Some(subject.into())),
        _ => None,
    }
}

fn read_claims(reader: &mut Reader<'_>) -> Option<Claims> {
    let pairs = reader.short()?;
    // Exactly as much room as is needed: what is opened may stay in a cache for hours.
    let lengths = usize::from(pairs).checked_mul(4)?;
    let mut claims = ClaimsBuilder::with_room(reader.left().checked_sub(lengths)?, usize::from(pairs));
    for _ in 0..pairs {
        claims.add(reader.text()?, reader.text()?).ok()?;
    }
    Some(claims.build())
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context(…)")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    pub(in crate::token::context) fn context() -> Context {
        let mut claims = ClaimsBuilder::default();
        claims.add("role", "buyer").unwrap();
        claims.add("city", "Zürich").unwrap();
        Context {
            id: [1; ID_LENGTH],
            secret: Zeroizing::new([2; SECRET_LENGTH]),
            issuer: "https://sts.example".into(),
            subject: Some("jane".into()),
            profile: FirstProfile::Jwt,
            claims: claims.build(),
            first_fingerprint: [3; FIRST_FINGERPRINT_LENGTH],
            issued: UnixTime::from_seconds(1_700_000_000),
            expires: UnixTime::from_seconds(1_700_043_200),
        }
    }

    fn written(context: &Context) -> Vec<u8> {
        let mut octets = Vec::new();
        context.append_to(&mut octets).unwrap();
        octets
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let mut expected = vec![1];
        expected.extend([1; 16]);
        expected.extend([2; 32]);
        expected.extend([3; 8]);
        expected.extend(1_700_000_000_u64.to_be_bytes());
        expected.extend(1_700_043_200_u64.to_be_bytes());
        expected
            .extend(b"\x01\x00\x13https://sts.example\x01\x00\x04jane\x00\x02\x00\x04role\x00\x05buyer\x00\x04city\x00\x07Z\xc3\xbcrich");
        assert_eq!(written(&context()), expected);
        assert_eq!(context().length(), expected.len());
    }

    #[test]
    fn an_empty_subject_is_not_an_absent_one() {
        for subject in [None, Some("".into())] {
            let context = Context { subject, ..context() };
            assert_eq!(Context::read(&written(&context)).as_ref(), Some(&context));
        }
    }

    #[test]
    fn what_is_cut_or_longer_is_refused() {
        let octets = written(&context());
        for end in 0..octets.len() {
            assert_eq!(Context::read(&octets[..end]), None, "cut at {end}");
        }
        assert_eq!(Context::read(&[&octets[..], &[0]].concat()), None);
    }

    #[test]
    fn every_field_is_read_strictly() {
        let octets = written(&context());
        let subject = octets.windows(4).position(|window| window == b"jane").unwrap() - 3;
        for (place, wrong) in [(0, 0), (0, 2), (73, 0), (73, 7), (73, 255), (subject, 2), (octets.len() - 6, 0xff)] {
            let mut octets = octets.clone();
            octets[place] = wrong;
            assert_eq!(Context::read(&octets), None, "{wrong} at {place}");
        }
        let city = octets.windows(4).position(|window| window == b"city").unwrap();
        let mut twice = octets;
        twice[city..city + 4].copy_from_slice(b"role");
        assert_eq!(Context::read(&twice), None, "a claim stands twice");
    }

    #[test]
    fn every_profile_has_its_number_and_its_word() {
        for profile in FirstProfile::ALL {
            assert_eq!(FirstProfile::numbered(profile.number()), Some(profile));
        }
        let words = FirstProfile::ALL.map(FirstProfile::word);
        assert_eq!(words, ["jwt", "swt", "x509v3", "saml11", "saml2", "krb5"]);
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let mut octets = Vec::new();
        assert_eq!(Context { issuer: "a".repeat(65_536).into(), ..context() }.append_to(&mut octets), None);
    }

    #[test]
    fn what_is_drawn_differs_from_draw_to_draw() {
        let random = crate::crypto::SystemRandom::new();
        let (one, other) = (draw(&random).unwrap(), draw(&random).unwrap());
        assert!(one.0 != other.0 && one.1 != other.1 && one.1[..16] != one.0);
    }

    #[test]
    fn it_does_not_print() {
        assert_eq!(format!("{:?}", context()), "Context(…)");
    }

    prop_compose! {
        fn any_context()(
            id: [u8; ID_LENGTH],
            secret: [u8; SECRET_LENGTH],
            first_fingerprint: [u8; FIRST_FINGERPRINT_LENGTH],
            times: (u64, u64),
            profile in 0..FirstProfile::ALL.len(),
            issuer in ".{0,40}",
            subject in proptest::option::of(".{0,40}"),
            pairs in btree_map(".{0,10}", ".{0,40}", 0..6),
        ) -> Context {
            let mut claims = ClaimsBuilder::default();
            pairs.iter().for_each(|(name, value)| claims.add(name, value).unwrap());
            Context {
                id,
                secret: Zeroizing::new(secret),
                issuer: issuer.into(),
                subject: subject.map(Into::into),
                profile: FirstProfile::ALL[profile],
                claims: claims.build(),
                first_fingerprint,
                issued: UnixTime::from_seconds(times.0),
                expires: UnixTime::from_seconds(times.1),
            }
        }
    }

    proptest! {
        #[test]
        fn every_context_comes_back(context in any_context()) {
            let octets = written(&context);
            prop_assert_eq!(octets.len(), context.length());
            prop_assert_eq!(Context::read(&octets), Some(context));
        }

        #[test]
        fn octets_that_are_read_are_the_only_ones_of_their_context(octets in vec(any::<u8>(), 0..200), at in 0..140_usize, flip: u8) {
            let mut changed = written(&context());
            let place = at % changed.len();
            changed[place] ^= flip;
            for octets in [octets, changed] {
                if let Some(context) = Context::read(&octets) {
                    prop_assert_eq!(written(&context), octets);
                }
            }
        }
    }
}
