//! The head of a request, with its field names and values as they came.

/// The most fields of a head.
const MAX_FIELDS: usize = 256;

/// A request's head.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Box<str>,
    pub(super) target: Box<str>,
    pub(super) version: &'static str,
    pub(super) fields: Vec<(Box<str>, Box<str>)>,
    pub(super) framing: Framing,
    pub(super) persistence: Persistence,
    pub(super) awaits_continue: bool,
}

/// Where the content ends (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// What becomes of the connection (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    KeepAlive,
    Close,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Syntax,
    TooLarge,
    ContentTooLarge,
}

/// Reads a head and tells how many octets it took; nothing while it is not complete.
///
/// # Errors
/// It is not a head, has too many fields, or its content could end in two places.
pub(super) fn parse(octets: &[u8]) -> Result<Option<(Request, usize)>, Bad> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(octets) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Bad::TooLarge),
        Err(_) => return Err(Bad::Syntax),
    };
    let (Some(method), Some(target), Some(minor)) = (head.method, head.path, head.version) else { return Err(Bad::Syntax) };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned().into_boxed_str();
    let fields: Vec<(Box<str>, Box<str>)> = head.headers.iter().map(|field| (field.name.into(), text(field.value))).collect();
    let awaits_continue = values(&fields, "expect").any(|value| value.eq_ignore_ascii_case("100-continue"));
    let request = Request {
        method: method.into(),
        target: target.into(),
        version: if minor == 0 { "HTTP/1.0" } else { "HTTP/1.1" },
        framing: framing(&fields)?,
        persistence: persistence(&fields, minor),
        awaits_continue,
        fields,
    };
    Ok(Some((request, length)))
}

impl Request {
    /// Whether a field has this token among its comma-separated values, parameters aside.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        lists(&self.fields, name, token)
    }
}

type Fields = [(Box<str>, Box<str>)];

fn values<'f>(fields: &'f Fields, name: &str) -> impl Iterator<Item = &'f str> {
    fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

fn lists(fields: &Fields, name: &str, token: &str) -> bool {
    let mut items = values(fields, name).flat_map(|value| value.split(',')).filter_map(|item| item.split(';').next());
    items.any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn framing(fields: &Fields) -> Result<Framing, Bad> {
    let (mut encodings, mut lengths) = (values(fields, "transfer-encoding"), values(fields, "content-length"));
    match (encodings.next(), lengths.next()) {
        _ if encodings.next().is_some() || lengths.next().is_some() => Err(Bad::Syntax),
        (None, None) => Ok(Framing::Length(0)),
        (Some(encoding), None) if encoding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        (None, Some(length)) if length.bytes().all(|octet| octet.is_ascii_digit()) => {
            length.parse().map(Framing::Length).map_err(|_| Bad::Syntax)
        }
        (Some(_), _) | (None, Some(_)) => Err(Bad::Syntax),
    }
}

fn persistence(fields: &Fields, minor: u8) -> Persistence {
    let asked = |token| lists(fields, "connection", token);
    if asked("close") || (minor == 0 && !asked("keep-alive")) { Persistence::Close } else { Persistence::KeepAlive }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &str) -> Request {
        let (request, length) = parse(head.as_bytes()).unwrap().unwrap();
        assert_eq!(length, head.len());
        request
    }

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        assert!(parse(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap().is_none());
        let request = parsed("GET / HTTP/1.1\r\nHost: x\r\nHOST: y\r\n\r\n");
        assert_eq!(request.fields, [("Host".into(), "x".into()), ("HOST".into(), "y".into())]);
    }

    #[test]
    fn connections_persist_as_the_version_has_it() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\n\r\n", Persistence::KeepAlive),
            ("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n", Persistence::Close),
            ("GET / HTTP/1.0\r\n\r\n", Persistence::Close),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Persistence::KeepAlive),
        ] {
            assert_eq!(parsed(head).persistence, expected, "{head}");
        }
    }

    #[test]
    fn parameters_of_listed_values_do_not_count() {
        assert!(parsed("GET / HTTP/1.1\r\nAccept: text/plain;q=0.5, application/json;q=0.9\r\n\r\n").lists("accept", "application/json"));
        assert!(!parsed("GET / HTTP/1.1\r\nAccept: application/jsonx\r\n\r\n").lists("accept", "application/json"));
    }
}
