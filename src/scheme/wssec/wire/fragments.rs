//! `X-WSS-Token1` and so on: a token in base64, cut over fields, and joined again.

use super::Unreadable;
use super::location::{LONGEST_FRAGMENT, Layout, MOST_FRAGMENTS, number};
use crate::crypto::base64;
use http::HeaderMap;
use http::header::HeaderName;
use std::fmt;

/// What the names of all fragments begin with, lower-case. Without a number it is fragment 1 of 1.
pub const FRAGMENT_NAME: &str = "x-wss-token";

/// The fragments of one token, in order, as they stand in the fields.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragments<'r>(Parts<'r>);

/// The usual token is in one field, and needs no list.
#[derive(Clone, PartialEq, Eq)]
enum Parts<'r> {
    One(&'r [u8]),
    Several(Box<[&'r [u8]]>),
}

impl<'r> Fragments<'r> {
    /// Finds the fragments of a token of at most `limit` octets. Other fields than fragments are passed over.
    ///
    /// # Errors
    /// One is missing, extra, repeated, misnamed or of another length than stated, or together they are too long.
    pub fn find(fields: &'r HeaderMap, layout: Layout, limit: usize) -> Result<Self, Unreadable> {
        let (count, size) = match layout {
            Layout::Sole => (1, LONGEST_FRAGMENT),
            Layout::Cut { count, size } => (count, size),
        };
        let parts = match count {
            1 => Parts::One(sole_fragment(fields)?),
            2..=MOST_FRAGMENTS => Parts::Several(all_fragments(fields, count)?),
            _ => return Err(Unreadable::FragmentCount),
        };
        let fragments = Self(parts);
        check_lengths(fragments.as_slice(), usize::from(size.min(LONGEST_FRAGMENT)))?;
        if fragments.text_length() > limit.div_ceil(3).saturating_mul(4) { Err(Unreadable::TokenTooLarge) } else { Ok(fragments) }
    }

    /// Checks that there is no fragment at all, where the token stands elsewhere.
    ///
    /// # Errors
    /// There is one.
    pub fn refuse_any(fields: &HeaderMap) -> Result<(), Unreadable> {
        if fields.keys().any(is_fragment) { Err(Unreadable::FragmentExtra) } else { Ok(()) }
    }

    /// The fragments in order.
    pub fn as_slice(&self) -> &[&'r [u8]] {
        match &self.0 {
            Parts::One(part) => std::slice::from_ref(part),
            Parts::Several(parts) => parts,
        }
    }

    /// The length of the base64 text, in characters.
    pub fn text_length(&self) -> usize {
        self.as_slice().iter().map(|part| part.len()).sum()
    }

    /// Puts the token's octets into `token`, replacing what is there; at most `limit`.
    ///
    /// # Errors
    /// The joined text is not canonical base64, is empty, or holds more octets.
    pub fn decode(&self, limit: usize, token: &mut Vec<u8>) -> Result<(), Unreadable> {
        match &self.0 {
            Parts::One(text) => decode_text(text, limit, token),
            Parts::Several(parts) => decode_text(&parts.concat(), limit, token),
        }
    }
}

/// Decodes a token's base64, as it stands in fields, forms and XML.
///
/// # Errors
/// It is not canonical base64, is empty, or holds more than `limit` octets.
pub fn decode_text(text: &[u8], limit: usize, token: &mut Vec<u8>) -> Result<(), Unreadable> {
    token.clear();
    if text.len() > limit.div_ceil(3).saturating_mul(4) {
        return Err(Unreadable::TokenTooLarge);
    }
    token.resize(text.len().div_ceil(4).saturating_mul(3), 0);
    let length = base64::decode(text, token).map_err(|_| Unreadable::TokenEncoding)?.len();
    token.truncate(length);
    match length {
        0 => Err(Unreadable::TokenEncoding),
        length if length > limit => Err(Unreadable::TokenTooLarge),
        _ => Ok(()),
    }
}

/// The name of a fragment's field; nothing for a number that no fragment has.
pub fn field_name(number: u8) -> Option<HeaderName> {
    if (1..=MOST_FRAGMENTS).contains(&number) { HeaderName::from_bytes(format!("{FRAGMENT_NAME}{number}").as_bytes()).ok() } else { None }
}

/// The number that follows the common part of the names; empty for the one without a number.
fn suffix(name: &HeaderName) -> Option<&str> {
    name.as_str().strip_prefix(FRAGMENT_NAME)
}

/// Whatever begins with a digit wants to be a fragment. Other names (`X-WSS-TokenLoc`) are other fields.
fn is_fragment(name: &HeaderName) -> bool {
    suffix(name).is_some_and(|rest| rest.bytes().next().is_none_or(|octet| octet.is_ascii_digit()))
}

fn fragments(fields: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    let fragment = |(name, value)| is_fragment(name).then(|| (suffix(name).unwrap_or_default(), http::HeaderValue::as_bytes(value)));
    fields.iter().filter_map(fragment)
}

fn sole_fragment(fields: &HeaderMap) -> Result<&[u8], Unreadable> {
    let mut found = None;
    for (rest, value) in fragments(fields) {
        if !rest.is_empty() && place_of(rest)? > 1 {
            return Err(Unreadable::FragmentExtra);
        }
        if found.replace(value).is_some() {
            return Err(Unreadable::FragmentRepeated);
        }
    }
    found.ok_or(Unreadable::FragmentMissing)
}

fn all_fragments(fields: &HeaderMap, count: u8) -> Result<Box<[&[u8]]>, Unreadable> {
    // An empty fragment is none: whatever is still empty at the end was missing or had no content.
    let mut parts: Box<[&[u8]]> = std::iter::repeat_n::<&[u8]>(&[], usize::from(count)).collect();
    for (rest, value) in fragments(fields) {
        let place = parts.get_mut(usize::from(place_of(rest)?).saturating_sub(1)).ok_or(Unreadable::FragmentExtra)?;
        if value.is_empty() {
            return Err(Unreadable::FragmentLength);
        }
        if !std::mem::replace(place, value).is_empty() {
            return Err(Unreadable::FragmentRepeated);
        }
    }
    if parts.iter().any(|part| part.is_empty()) { Err(Unreadable::FragmentMissing) } else { Ok(parts) }
}

fn place_of(rest: &str) -> Result<u16, Unreadable> {
    number(rest).ok_or(Unreadable::FragmentNumber)
}

fn check_lengths(parts: &[&[u8]], size: usize) -> Result<(), Unreadable> {
    let Some((last, others)) = parts.split_last() else { return Err(Unreadable::FragmentMissing) };
    let fine = others.iter().all(|part| part.len() == size) && (1..=size).contains(&last.len());
    if fine { Ok(()) } else { Err(Unreadable::FragmentLength) }
}

impl fmt::Debug for Fragments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fragments({})", self.as_slice().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const CUT: Layout = Layout::Cut { count: 3, size: 4 };

    fn fields(list: &[(&str, &str)]) -> HeaderMap {
        let field =
            |(name, value): &(&str, &str)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in list.iter().map(field) {
            map.append(name, value);
        }
        map
    }

    fn joined(list: &[(&str, &str)], layout: Layout) -> Result<Vec<u8>, Unreadable> {
        let map = fields(list);
        let mut token = b"what was there before".to_vec();
        Fragments::find(&map, layout, 1024)?.decode(1024, &mut token)?;
        Ok(token)
    }

    #[test]
    fn fragments_stand_in_any_order_among_other_fields() {
        let list = [
            ("X-WSS-Token3", "Pg=="),
            ("Host", "x"),
            ("X-WSS-TokenLoc", "location=header"),
            ("X-WSS-Token1", "PHNh"),
            ("x-wss-token2", "bWw6"),
            ("X-WSS-Digest", "x"),
        ];
        assert_eq!(joined(&list, CUT).as_deref(), Ok(&b"<saml:>"[..]));
    }

    #[test]
    fn a_sole_token_may_be_numbered_or_not_and_is_not_copied() {
        for layout in [Layout::Sole, Layout::Cut { count: 1, size: 4096 }] {
            for name in ["X-WSS-Token1", "X-WSS-Token"] {
                assert_eq!(joined(&[(name, "PHNh")], layout).as_deref(), Ok(&b"<sa"[..]));
            }
            assert_eq!(joined(&[("X-WSS-Token1", "PHNh"), ("X-WSS-Token", "PHNh")], layout), Err(Unreadable::FragmentRepeated));
            assert_eq!(joined(&[("X-WSS-Token1", "PHNh"), ("X-WSS-Token2", "PHNh")], layout), Err(Unreadable::FragmentExtra));
            assert_eq!(joined(&[("X-WSS-Token2", "PHNh")], layout), Err(Unreadable::FragmentExtra));
            assert_eq!(joined(&[], layout), Err(Unreadable::FragmentMissing));
        }
        let map = fields(&[("X-WSS-Token", "PHNh")]);
        let found = Fragments::find(&map, Layout::Sole, 1024).unwrap();
        assert_eq!(found.as_slice()[0].as_ptr(), map["x-wss-token"].as_bytes().as_ptr());
        assert!(!format!("{found:?}").contains("PHNh"));
    }

    #[test]
    fn gaps_extras_and_repetitions_are_refused() {
        let (one, two, three) = (("X-WSS-Token1", "PHNh"), ("X-WSS-Token2", "bWw6"), ("X-WSS-Token3", "Pg=="));
        assert_eq!(joined(&[one, three], CUT), Err(Unreadable::FragmentMissing));
        assert_eq!(joined(&[one, two], CUT), Err(Unreadable::FragmentMissing));
        assert_eq!(joined(&[one, two, three, ("X-WSS-Token4", "PHNh")], CUT), Err(Unreadable::FragmentExtra));
        assert_eq!(joined(&[one, two, three, ("X-WSS-Token65", "PHNh")], CUT), Err(Unreadable::FragmentExtra));
        assert_eq!(joined(&[one, two, three, two], CUT), Err(Unreadable::FragmentRepeated));
        assert_eq!(joined(&[one, two, three, ("X-WSS-Token2", "AAAA")], CUT), Err(Unreadable::FragmentRepeated));
        for name in ["X-WSS-Token0", "X-WSS-Token02", "X-WSS-Token2a", "X-WSS-Token1000000000", "X-WSS-Token", "X-WSS-Token1.0"] {
            assert_eq!(joined(&[one, two, three, (name, "PHNh")], CUT), Err(Unreadable::FragmentNumber), "{name}");
        }
        assert_eq!(joined(&[("X-WSS-Token01", "PHNh")], Layout::Sole), Err(Unreadable::FragmentNumber));
    }

    #[test]
    fn lengths_are_as_stated() {
        let cut = |one, two, three| joined(&[("X-WSS-Token1", one), ("X-WSS-Token2", two), ("X-WSS-Token3", three)], CUT).err();
        assert_eq!(cut("PHNh", "bWw6", "Pg=="), None);
        assert_eq!(cut("PHN", "hbWw6", "Pg=="), Some(Unreadable::FragmentLength));
        assert_eq!(cut("PHNh", "bWw", "Pg=="), Some(Unreadable::FragmentLength));
        assert_eq!(cut("PHNh", "bWw6", "Pg==A"), Some(Unreadable::FragmentLength));
        assert_eq!(cut("PHNh", "bWw6", ""), Some(Unreadable::FragmentLength));
        assert_eq!(cut("PHNh", "", "Pg=="), Some(Unreadable::FragmentLength));
        assert_eq!(cut("PHNh", "bWw6", "P"), Some(Unreadable::TokenEncoding));
        assert_eq!(cut("PHNh", "bW==", "Pg=="), Some(Unreadable::TokenEncoding));
        let sole = |length: usize| joined(&[("X-WSS-Token1", &"A".repeat(length))], Layout::Sole).err();
        assert_eq!((sole(1024), sole(4096), sole(4100)), (None, Some(Unreadable::TokenTooLarge), Some(Unreadable::FragmentLength)));
        assert_eq!(joined(&[("X-WSS-Token1", "")], Layout::Sole), Err(Unreadable::FragmentLength));
    }

    #[test]
    fn base64_is_canonical_and_the_token_bounded() {
        for text in ["Zh==", "Zg", "Zm9v Zg==", "Zm9-", "Zg==Zg==", "====", "\u{e9}\u{e9}"] {
            assert_eq!(joined(&[("X-WSS-Token1", text)], Layout::Sole), Err(Unreadable::TokenEncoding), "{text}");
        }
        let text = base64::encode(&[7; 20]);
        let mut token = Vec::new();
        assert_eq!(decode_text(text.as_bytes(), 20, &mut token), Ok(()));
        assert_eq!(token, [7; 20]);
        assert_eq!(decode_text(text.as_bytes(), 19, &mut token), Err(Unreadable::TokenTooLarge));
        assert_eq!(decode_text(text.as_bytes(), 2, &mut token), Err(Unreadable::TokenTooLarge));
        assert_eq!(decode_text(b"", 20, &mut token), Err(Unreadable::TokenEncoding));
    }

    #[test]
    fn sixty_four_fragments_are_joined_and_no_more() {
        let text = base64::encode(&(0..=255).cycle().take(3 * 64).collect::<Vec<u8>>());
        let mut map = HeaderMap::new();
        for (number, part) in (1..).zip(text.as_bytes().chunks(4)).collect::<Vec<_>>().into_iter().rev() {
            map.insert(field_name(number).unwrap(), HeaderValue::from_bytes(part).unwrap());
        }
        let mut token = Vec::new();
        Fragments::find(&map, Layout::Cut { count: 64, size: 4 }, 1024).unwrap().decode(1024, &mut token).unwrap();
        assert_eq!(base64::encode(&token), text);
        for count in [0, 65, 255] {
            assert_eq!(Fragments::find(&map, Layout::Cut { count, size: 4 }, 1024), Err(Unreadable::FragmentCount));
        }
        assert_eq!((field_name(0), field_name(65)), (None, None));
    }

    #[test]
    fn a_token_elsewhere_leaves_no_room_for_fragments() {
        assert_eq!(Fragments::refuse_any(&fields(&[("X-WSS-TokenLoc", "location=body"), ("X-WSS-Security", "x")])), Ok(()));
        for name in ["X-WSS-Token", "X-WSS-Token1", "X-WSS-Token01", "X-WSS-Token99"] {
            assert_eq!(Fragments::refuse_any(&fields(&[(name, "x")])), Err(Unreadable::FragmentExtra), "{name}");
        }
    }
}
