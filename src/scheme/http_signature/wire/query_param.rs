//! One parameter of the query, as signatures are over it (RFC 9421 §2.2.8).

use super::Unreadable;
use crate::token::form;

/// Appends the value of the parameter with this percent-encoded name.
///
/// # Errors
/// There is none, there are several, or an escape in it is bad.
pub(super) fn write(name: &str, query: &[u8], to: &mut Vec<u8>) -> Result<(), Unreadable> {
    let mut named = form::pairs(query).filter(|pair| encoded(pair.name).eq(name.bytes().map(Some)));
    match (named.next(), named.next()) {
        (Some(pair), None) => encoded(pair.value).try_for_each(|octet| {
            to.push(octet?);
            Some(())
        }),
        (None, _) | (_, Some(_)) => None,
    }
    .ok_or(Unreadable::Absent)
}

/// A name or a value, decoded and encoded again: everything but letters, digits and `*-._`; nothing at a bad escape.
fn encoded(raw: &[u8]) -> impl Iterator<Item = Option<u8>> + '_ {
    form::octets(raw).flat_map(|octet| match octet {
        Ok(octet) if octet.is_ascii_alphanumeric() || b"*-._".contains(&octet) => [Some(octet), None, None].into_iter().take(1),
        Ok(octet) => [Some(b'%'), Some(hex_digit(octet >> 4)), Some(hex_digit(octet & 0x0f))].into_iter().take(3),
        Err(_) => [None, None, None].into_iter().take(1),
    })
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.saturating_add(nibble),
        _ => b'A'.saturating_sub(10).saturating_add(nibble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, query: &str) -> Result<String, Unreadable> {
        let mut out = Vec::new();
        write(name, query.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn values_agree_with_rfc_9421_2_2_8() {
        let query = "param=value&foo=bar&baz=batman&qux=";
        assert_eq!((value("baz", query), value("qux", query)), (Ok("batman".to_owned()), Ok(String::new())));
        let query = "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
        assert_eq!(value("var", query), Ok("this%20is%20a%20big%0Amultiline%20value".to_owned()));
        assert_eq!(value("bar", query), Ok("with%20plus%20whitespace".to_owned()));
        assert_eq!(value("fa%C3%A7ade%22%3A%20", query), Ok("something".to_owned()));
    }

    #[test]
    fn a_name_stands_once_in_its_one_spelling() {
        assert_eq!(value("a", "b=1"), Err(Unreadable::Absent));
        assert_eq!(value("a", ""), Err(Unreadable::Absent));
        assert_eq!(value("a", "a=1&b=2&a=1"), Err(Unreadable::Absent));
        assert_eq!(value("a", "a=1&%61=1"), Err(Unreadable::Absent));
        assert_eq!(value("%61", "a=1"), Err(Unreadable::Absent));
        assert_eq!(value("A", "a=1"), Err(Unreadable::Absent));
        assert_eq!(value("a", "%61=%7e"), Ok("%7E".to_owned()));
        assert_eq!(value("a", "a"), Ok(String::new()));
        assert_eq!(value("a", "a=%zz"), Err(Unreadable::Absent));
        assert_eq!(value("a", "a=1%"), Err(Unreadable::Absent));
    }
}
