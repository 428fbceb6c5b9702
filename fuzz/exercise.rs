//! What is done with any octets, and what must hold then, by fuzzing and by the replay of its corpus.

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis::crypto::base64;
use portcullis::scheme::http_signature::wire::base::{self, Message};
use portcullis::scheme::http_signature::wire::digest_field;
use portcullis::scheme::http_signature::wire::input::{Made, Stated};
use portcullis::scheme::http_signature::wire::structured::StructuredFields;
use portcullis::scheme::wssec::wire::auth_info::{AuthInfo, Authenticate};
use portcullis::scheme::wssec::wire::authorization::Authorization;
use portcullis::scheme::wssec::wire::digest_field::DigestField;
use portcullis::scheme::wssec::wire::fragments::Fragments;
use portcullis::scheme::wssec::wire::location::{Layout, TokenLocation};
use portcullis::scheme::wssec::wire::params::LONGEST_FIELD;
use portcullis::scheme::wssec::wire::security::Security;
use portcullis::scheme::wssec::wire::xml_element::Query;
use std::borrow::Cow;
use std::fmt::Display;

const LIMIT: usize = 48 * 1024;

/// The exercise of this name.
pub(crate) fn by_name(name: &str) -> fn(&[u8]) {
    match name {
        "field_parsers" => field_parsers,
        "fragment_joiner" => fragment_joiner,
        "message_signatures" => message_signatures,
        "xml_element" => xml_element,
        _ => panic!("no exercise is called {name}"),
    }
}

/// The octets are a field: whatever reads it writes it so that it reads the same.
fn field_parsers(field: &[u8]) {
    if let Ok(read) = Security::read(field) {
        reads_the_same(&read, |text| Security::read(text) == Ok(read));
    }
    if let Ok(read) = DigestField::read(field) {
        reads_the_same(&read, |text| DigestField::read(text).as_ref() == Ok(&read));
    }
    if let Ok(read) = TokenLocation::read(field) {
        reads_the_same(&read, |text| TokenLocation::read(text).as_ref() == Ok(&read));
    }
    if let Ok(Some(read)) = Authorization::read(field) {
        reads_the_same(&read, |text| Authorization::read(text).as_ref() == Ok(&Some(read.clone())));
    }
    if let Ok(read) = Authenticate::read(field) {
        reads_the_same(&read, |text| Authenticate::read(text).as_ref() == Ok(&read));
    }
    if let Ok(read) = AuthInfo::read(field) {
        reads_the_same(&read, |text| AuthInfo::read(text) == Ok(read));
    }
}

/// What says nothing is written as nothing, and what was at the limit may be beyond it with its quotes.
fn reads_the_same(read: &impl Display, reads: impl Fn(&[u8]) -> bool) {
    let text = read.to_string();
    assert!(text.is_empty() || text.len() > LONGEST_FIELD || reads(text.as_bytes()), "{text}");
}

/// A line `Signature-Input`, then the target of a request, then the value of its field `x`: what a signature says it is
/// about has one spelling, and the octets that are signed end with it. The octets are also the other fields.
fn message_signatures(octets: &[u8]) {
    let _ = (Made::read([octets].into_iter()), digest_field::read([octets].into_iter()));
    let mut lines = octets.splitn(3, |octet| *octet == b'\n');
    let [input, target, value] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let mut fields = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(value) {
        fields.append(HeaderName::from_static("x"), value);
    }
    let message = Message { method: "GET", scheme: "https", authority: "rp.example", host: b"rp.example", target, fields: &fields };
    for stated in Stated::read([input].into_iter()).unwrap_or_default() {
        let mut signed = Vec::new();
        if stated.check().is_err() || base::write(&stated, &message, &StructuredFields::default(), &mut signed).is_err() {
            continue;
        }
        assert!(signed.ends_with(stated.text()));
        let anew = [stated.label.as_bytes(), b"=", stated.text()].concat();
        let again = Stated::read([anew.as_slice()].into_iter()).unwrap();
        assert_eq!((again[0].label, again[0].text(), again[0].check()), (stated.label, stated.text(), Ok(())));
        let components =
            |stated: &Stated<'_>| stated.components.iter().map(|covered| format!("{:?}", covered.component)).collect::<Vec<_>>();
        assert_eq!(components(&again[0]), components(&stated));
    }
}

/// A line `count size`, then fields, one on each line; a count of 0 stands for a sole token.
fn fragment_joiner(octets: &[u8]) {
    let mut lines = octets.split(|octet| *octet == b'\n');
    let Some(layout) = lines.next().and_then(layout) else { return };
    let mut fields = HeaderMap::new();
    let pairs = lines.take(128).filter_map(|line| line.iter().position(|octet| *octet == b':').map(|colon| line.split_at(colon)));
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(&value[1..])) {
            fields.append(name, value);
        }
    }
    let mut token = Vec::new();
    let Ok(found) = Fragments::find(&fields, layout, LIMIT) else { return };
    assert!(Fragments::refuse_any(&fields).is_err());
    if found.decode(LIMIT, &mut token).is_ok() {
        assert!(!token.is_empty() && token.len() <= LIMIT);
        assert_eq!(base64::encode(&token).as_bytes(), found.as_slice().concat());
    }
}

fn layout(line: &[u8]) -> Option<Layout> {
    let (count, size) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    match count.parse().ok()? {
        0 => Some(Layout::Sole),
        count => Some(Layout::Cut { count, size: size.parse().ok()? }),
    }
}

/// A line with a query, then a document.
fn xml_element(octets: &[u8]) {
    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else { return };
    let (query, document) = (&octets[..end], &octets[end + 1..]);
    let Some(query) = std::str::from_utf8(query).ok().and_then(|query| Query::read(query).ok()) else { return };
    let Ok(token) = query.find(document, LIMIT) else { return };
    assert!(token.len() <= LIMIT);
    if let Cow::Borrowed(element) = token {
        assert!(element.starts_with(b"<") && element.ends_with(b">"));
        // An element is a document, unless it leans on names that were declared around it.
        assert!(document.as_ptr_range().contains(&element.as_ptr()));
    } else {
        assert!(!token.is_empty());
    }
}
