//! Distinguished names as text, in which no value can pass for another name (RFC 4514).

use super::X509Refusal;
use std::fmt::Write;
use x509_parser::asn1_rs::ToDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The attribute types that have a short name (RFC 4514 §3); all others are told by number and in hexadecimal digits.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// The name's text: the last part first, `,` between parts and `+` within one (RFC 4514 §2).
///
/// # Errors
/// An attribute's value cannot be written.
pub(super) fn text(name: &X509Name<'_>) -> Result<Box<str>, X509Refusal> {
    let mut text = String::new();
    let mut parts: Vec<_> = name.iter_rdn().collect();
    parts.reverse();
    for part in parts {
        let mut between = if text.is_empty() { "" } else { "," };
        for attribute in part.iter() {
            text.push_str(std::mem::replace(&mut between, "+"));
            write_attribute(attribute, &mut text)?;
        }
    }
    Ok(text.into())
}

/// The one common name there is; nothing where there is none, several, or one that cannot be read.
pub(super) fn sole_common_name(name: &X509Name<'_>) -> Box<str> {
    let mut names = name.iter_common_name();
    match (names.next(), names.next()) {
        (Some(sole), None) => sole.as_str().unwrap_or_default().into(),
        (Some(_), Some(_)) | (None, _) => Box::default(),
    }
}

fn write_attribute(attribute: &AttributeTypeAndValue<'_>, to: &mut String) -> Result<(), X509Refusal> {
    let number = attribute.attr_type().to_id_string();
    let known = SHORT_NAMES.iter().find(|(known, _)| *known == number);
    to.push_str(known.map_or(&*number, |(_, short)| *short));
    to.push('=');
    match (known, attribute.as_str()) {
        (Some(_), Ok(value)) => write_escaped(value, to),
        (_, _) => {
            let der = attribute.attr_value().to_der_vec().map_err(|_| X509Refusal::Syntax)?;
            to.push('#');
            to.push_str(&hex(&der));
        }
    }
    Ok(())
}

/// Escapes what has a meaning in a name (RFC 4514 §2.4), and what a log or a field could not hold.
fn write_escaped(value: &str, to: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (place, mark) in value.chars().enumerate() {
        let at_the_edge = (place == 0 && matches!(mark, ' ' | '#')) || (place == last && mark == ' ');
        if mark.is_control() {
            let mut octets = [0; 4];
            for octet in mark.encode_utf8(&mut octets).bytes() {
                to.push('\\');
                to.push_str(&hex(&[octet]));
            }
            continue;
        }
        if at_the_edge || matches!(mark, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            to.push('\\');
        }
        to.push(mark);
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len().saturating_mul(2)), |mut text, octet| {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut text = String::new();
        write_escaped(value, &mut text);
        text
    }

    #[test]
    fn values_cannot_pass_for_names() {
        assert_eq!(escaped("James \"Jim\" Smith, III"), "James \\\"Jim\\\" Smith\\, III");
        assert_eq!(escaped("x,O=admin+CN=y;<z>\\"), "x\\,O=admin\\+CN=y\\;\\<z\\>\\\\");
        assert_eq!(escaped(" #a b# "), "\\ #a b#\\ ");
        assert_eq!(escaped("#"), "\\#");
        assert_eq!(escaped(" "), "\\ ");
        assert_eq!(escaped("Before\rAfter\0"), "Before\\0dAfter\\00");
        assert_eq!(escaped("Lučić\u{85}"), "Lučić\\c2\\85");
        assert_eq!(escaped(""), "");
    }
}
