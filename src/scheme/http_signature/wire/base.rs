//! The signature base: the octets that are signed (RFC 9421 §2.5).

use super::component::{Component, Form};
use super::input::Stated;
use super::structured::{StructuredFields, write_member};
use super::{Unreadable, query_param};
use crate::crypto::base64;
use http::HeaderMap;

/// A request, as far as signatures can be about it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// The method.
    pub method: &'m str,
    /// `http` or `https`.
    pub scheme: &'m str,
    /// Host and port, lower-case, without a default port (RFC 9110 §4.2.3).
    pub authority: &'m str,
    /// Host and port as they were sent.
    pub host: &'m [u8],
    /// Path and query as they were sent.
    pub target: &'m [u8],
    /// The fields.
    pub fields: &'m HeaderMap,
}

/// Appends the octets that are signed.
///
/// # Errors
/// The message does not have a component, or not in the form that is asked for.
pub fn write(stated: &Stated<'_>, message: &Message<'_>, structured: &StructuredFields, to: &mut Vec<u8>) -> Result<(), Unreadable> {
    for covered in &stated.components {
        to.extend_from_slice(stated.identifier(covered));
        to.extend_from_slice(b": ");
        message.write(&covered.component, structured, to)?;
        to.push(b'\n');
    }
    to.extend_from_slice(b"\"@signature-params\": ");
    to.extend_from_slice(stated.text());
    Ok(())
}

impl Message<'_> {
    fn write(&self, component: &Component<'_>, structured: &StructuredFields, to: &mut Vec<u8>) -> Result<(), Unreadable> {
        match component {
            Component::Method => to.extend_from_slice(self.method.as_bytes()),
            Component::TargetUri => {
                to.extend_from_slice(self.scheme.as_bytes());
                to.extend_from_slice(b"://");
                to.extend_from_slice(self.host);
                to.extend_from_slice(self.target);
            }
            Component::Authority => to.extend_from_slice(self.authority.as_bytes()),
            Component::Scheme => to.extend_from_slice(self.scheme.as_bytes()),
            Component::RequestTarget => to.extend_from_slice(self.target),
            Component::Path => to.extend_from_slice(self.path()),
            Component::Query => {
                to.push(b'?');
                to.extend_from_slice(self.query());
            }
            Component::QueryParam(name) => query_param::write(name, self.query(), to)?,
            Component::Field { name, form } => self.write_field(name, form, structured, to)?,
        }
        Ok(())
    }

    /// An empty path is `/` (RFC 9421 §2.2.6).
    fn path(&self) -> &[u8] {
        let path = memchr::memchr(b'?', self.target).and_then(|end| self.target.get(..end)).unwrap_or(self.target);
        if path.is_empty() { b"/" } else { path }
    }

    fn query(&self) -> &[u8] {
        memchr::memchr(b'?', self.target).and_then(|start| self.target.get(start.saturating_add(1)..)).unwrap_or_default()
    }

    fn write_field(&self, name: &str, form: &Form<'_>, structured: &StructuredFields, to: &mut Vec<u8>) -> Result<(), Unreadable> {
        match form {
            Form::Combined => self.write_values(name, to, |value, to| to.extend_from_slice(value)),
            Form::Octets => self.write_values(name, to, write_octets),
            Form::Strict => structured.write_strict(name, &self.combined(name)?, to),
            Form::Member(key) => write_member(key, &self.combined(name)?, to),
        }
    }

    /// Lines of one name in their order, trimmed, with a comma and a space between (RFC 9421 §2.1). A folded line
    /// never gets here: heads with one are refused.
    fn write_values(&self, name: &str, to: &mut Vec<u8>, write: impl Fn(&[u8], &mut Vec<u8>)) -> Result<(), Unreadable> {
        let mut values = self.fields.get_all(name).iter();
        write(values.next().ok_or(Unreadable::Absent)?.as_bytes().trim_ascii(), to);
        for value in values {
            to.extend_from_slice(b", ");
            write(value.as_bytes().trim_ascii(), to);
        }
        Ok(())
    }

    fn combined(&self, name: &str) -> Result<Vec<u8>, Unreadable> {
        let mut combined = Vec::new();
        self.write_values(name, &mut combined, |value, to| to.extend_from_slice(value))?;
        Ok(combined)
    }
}

/// A byte sequence (RFC 9651 §4.1.8).
fn write_octets(value: &[u8], to: &mut Vec<u8>) {
    to.push(b':');
    to.extend_from_slice(base64::encode(value).as_bytes());
    to.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<Vec<_>>()
            .into_iter()
            .fold(HeaderMap::new(), |mut fields, (name, value)| {
                fields.append(name, value);
                fields
            })
    }

    fn lines(input: &str, message: &Message<'_>) -> Result<Vec<String>, Unreadable> {
        let stated = Stated::read([input.as_bytes()].into_iter())?.remove(0);
        stated.check()?;
        let mut out = Vec::new();
        write(&stated, message, &StructuredFields::default(), &mut out)?;
        Ok(String::from_utf8(out).unwrap().lines().map(str::to_owned).collect())
    }

    fn message<'m>(target: &'m str, fields: &'m HeaderMap) -> Message<'m> {
        Message {
            method: "POST",
            scheme: "https",
            authority: "www.example.com",
            host: b"www.example.com",
            target: target.as_bytes(),
            fields,
        }
    }

    fn value(identifier: &str, message: &Message<'_>) -> Result<String, Unreadable> {
        let lines = lines(&format!("sig=({identifier})"), message)?;
        Ok(lines[0].strip_prefix(identifier).unwrap().strip_prefix(": ").unwrap().to_owned())
    }

    #[test]
    fn derived_components_agree_with_rfc_9421_2_2() {
        let none = HeaderMap::new();
        let at = |target| message(target, &none);
        let value = |identifier: &str, target| value(identifier, &at(target)).unwrap();
        assert_eq!(value("\"@method\"", "/path?param=value"), "POST");
        assert_eq!(value("\"@target-uri\"", "/path?param=value"), "https://www.example.com/path?param=value");
        assert_eq!(value("\"@authority\"", "/path?param=value"), "www.example.com");
        assert_eq!(value("\"@scheme\"", "/path?param=value"), "https");
        assert_eq!(value("\"@request-target\"", "/path?param=value"), "/path?param=value");
        assert_eq!(value("\"@path\"", "/path?param=value"), "/path");
        assert_eq!(value("\"@path\"", "?param=value"), "/");
        assert_eq!(value("\"@query\"", "/path?param=value&foo=bar&baz=bat%2Dman"), "?param=value&foo=bar&baz=bat%2Dman");
        assert_eq!(value("\"@query\"", "/path?queryString"), "?queryString");
        assert_eq!((value("\"@query\"", "/path"), value("\"@query\"", "/path?")), ("?".to_owned(), "?".to_owned()));
        assert_eq!(value("\"@query-param\";name=\"baz\"", "/path?param=value&foo=bar&baz=batman"), "batman");
    }

    #[test]
    fn fields_agree_with_rfc_9421_2_1() {
        let fields = fields(&[
            ("host", "www.example.com"),
            ("x-ows-header", "  Leading and trailing whitespace.\t"),
            ("cache-control", "max-age=60"),
            ("cache-control", "    must-revalidate"),
            ("x-empty-header", ""),
            ("example-dict", "  a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
            ("example-header", "value, with, lots"),
            ("example-header", "of, commas"),
            ("priority", "u=1 ,  i"),
        ]);
        let message = message("/", &fields);
        for (identifier, written) in [
            ("\"host\"", "www.example.com"),
            ("\"x-ows-header\"", "Leading and trailing whitespace."),
            ("\"cache-control\"", "max-age=60, must-revalidate"),
            ("\"x-empty-header\"", ""),
            ("\"example-dict\"", "a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
            ("\"example-dict\";key=\"a\"", "1"),
            ("\"example-dict\";key=\"b\"", "2;x=1;y=2"),
            ("\"example-dict\";key=\"c\"", "(a b c)"),
            ("\"example-dict\";key=\"d\"", "?1"),
            ("\"example-header\"", "value, with, lots, of, commas"),
            ("\"example-header\";bs", ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"),
            ("\"priority\";sf", "u=1, i"),
        ] {
            assert_eq!(value(identifier, &message), Ok(written.to_owned()), "{identifier}");
        }
        assert_eq!(value("\"absent\"", &message), Err(Unreadable::Absent));
        assert_eq!(value("\"example-dict\";key=\"e\"", &message), Err(Unreadable::Absent));
        assert_eq!(value("\"example-dict\";sf", &message), Err(Unreadable::Component));
        assert_eq!(value("\"cache-control\";tr", &message), Err(Unreadable::Absent));
    }

    #[test]
    fn the_list_is_signed_as_it_is_written_anew() {
        let none = HeaderMap::new();
        let input = "sig=( \"@method\"   \"@path\" ); created=7;tag=\"a\\\"b\";x;y=?0;z=tok";
        let lines = lines(input, &message("/p", &none)).unwrap();
        let list = "\"@signature-params\": (\"@method\" \"@path\");created=7;tag=\"a\\\"b\";x;y=?0;z=tok";
        assert_eq!(lines, ["\"@method\": POST", "\"@path\": /p", list]);
    }
}
