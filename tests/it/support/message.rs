//! HTTP/1.1 messages as read from a wire, leniently: what stands there is what a test looks at.

/// A message: its first line, its fields in order, its content without framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The request line or status line.
    pub(crate) start: String,
    /// Names as written, values without outer white space.
    pub(crate) fields: Fields,
    /// The content, chunk framing removed.
    pub(crate) content: Vec<u8>,
    /// The fields after a chunked content.
    pub(crate) trailers: Fields,
}

impl Message {
    /// The one value of a field; `None` without it. Fails where it is repeated.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let values = self.values(name);
        assert!(values.len() < 2, "{name} is repeated: {values:?}");
        values.first().copied()
    }

    /// All values of a field.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether there is such a field in the head or in the trailers.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.fields.iter().chain(&self.trailers).any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status in {:?}", self.start))
    }

    /// The method of a request.
    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap()
    }

    /// The target of a request.
    pub(crate) fn target(&self) -> &str {
        let after = self.start.split_once(' ').unwrap().1;
        after.rsplit_once(' ').unwrap().0
    }

    /// The content as text.
    pub(crate) fn text(&self) -> String {
        text(&self.content)
    }
}

/// How the content of a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many octets.
    Length(usize),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

/// Octets as text, one character per octet.
pub(crate) fn text(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

/// Where the head ends in `octets`, its blank line included.
pub(crate) fn head_end(octets: &[u8]) -> Option<usize> {
    octets.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Reads a head.
pub(crate) fn head(octets: &[u8]) -> Message {
    let whole = text(octets);
    let mut lines = whole.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    Message { start, fields: fields(lines), ..Message::default() }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Fields {
    let split = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    lines.filter_map(split).collect()
}

/// How the content of this request ends.
pub(crate) fn request_framing(head: &Message) -> Framing {
    stated_framing(head).unwrap_or(Framing::Length(0))
}

/// How the content of this response ends.
pub(crate) fn response_framing(head: &Message) -> Framing {
    match head.status() {
        100..=199 | 204 | 304 => Framing::Length(0),
        _ => stated_framing(head).unwrap_or(Framing::Close),
    }
}

fn stated_framing(head: &Message) -> Option<Framing> {
    if head.values("transfer-encoding").iter().any(|value| value.to_ascii_lowercase().contains("chunked")) {
        return Some(Framing::Chunked);
    }
    head.values("content-length").first().and_then(|value| value.parse().ok()).map(Framing::Length)
}

/// Fields in order, as name and value.
pub(crate) type Fields = Vec<(String, String)>;

/// A chunked content in `octets`: its end, the content and the trailers; `None` while it is incomplete.
pub(crate) fn chunked(octets: &[u8]) -> Option<(usize, Vec<u8>, Fields)> {
    let (mut at, mut content) = (0, Vec::new());
    loop {
        let line = line_end(octets, at)?;
        let size = text(&octets[at..line]);
        let size = usize::from_str_radix(size.split(';').next().unwrap().trim(), 16).unwrap_or_else(|_| panic!("chunk size {size:?}"));
        at = line + 2;
        if size == 0 {
            return trailers(octets, at).map(|(end, trailers)| (end, content, trailers));
        }
        content.extend_from_slice(octets.get(at..at + size)?);
        at = octets.get(..at + size + 2)?.len();
    }
}

fn trailers(octets: &[u8], start: usize) -> Option<(usize, Fields)> {
    let mut at = start;
    loop {
        let line = line_end(octets, at)?;
        if line == at {
            let whole = text(&octets[start..at]);
            return Some((line + 2, fields(whole.split("\r\n"))));
        }
        at = line + 2;
    }
}

fn line_end(octets: &[u8], from: usize) -> Option<usize> {
    octets.get(from..)?.windows(2).position(|window| window == b"\r\n").map(|at| from + at)
}

mod tests {
    use super::*;

    #[test]
    fn a_chunked_content_is_read_with_its_trailers() {
        let whole = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-A: b\r\n\r\nrest";
        let (end, content, trailers) = chunked(whole).unwrap();
        assert_eq!((&whole[end..], content.as_slice()), (&b"rest"[..], &b"abcde"[..]));
        assert_eq!(trailers, [("X-A".to_owned(), "b".to_owned())]);
        for cut in 0..end {
            assert_eq!(chunked(&whole[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn a_request_is_read_leniently() {
        let request = head(b"GET /a b HTTP/1.1\r\nHost:  x \r\nA: 1\r\na: 2\r\n\r\n");
        assert_eq!((request.method(), request.target()), ("GET", "/a b"));
        assert_eq!((request.field("host"), request.values("a")), (Some("x"), vec!["1", "2"]));
        assert_eq!(request_framing(&request), Framing::Length(0));
    }
}
