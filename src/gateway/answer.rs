//! What a server of plain HTTP/1.1 says first. Most answers are short, and come in one piece: those need nothing of
//! what longer ones need, and are read here. Any other goes to the framework's reader, octet for octet.

use bytes::{Bytes, BytesMut};
use http::Version;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use httparse::{EMPTY_HEADER, Header, Response, Status};
use pingora::ErrorType::ReadError;
use pingora::http::ResponseHeader;
use pingora::{Error, Result};
use tokio::io::{AsyncRead, AsyncReadExt};

/// As much as is read at once, which is what the framework reads of a head at first.
const AT_ONCE: usize = 4096;
/// Fields of a head that is read here.
const FIELDS: usize = 64;

/// What came first.
#[allow(clippy::large_enum_variant, reason = "it is looked at where it is returned, and kept nowhere")]
pub(super) enum Said {
    /// A whole answer, and nothing behind it.
    All(Answer),
    /// Anything else; nothing where the server has closed the connection.
    Something(Bytes),
}

/// A final answer that says how long it is.
pub(super) struct Answer {
    pub(super) head: Box<ResponseHeader>,
    pub(super) content: Bytes,
}

/// Waits for what the server says first.
///
/// # Errors
/// The connection is broken.
pub(super) async fn first(stream: &mut (impl AsyncRead + Unpin)) -> Result<Said> {
    let mut octets = BytesMut::with_capacity(AT_ONCE);
    stream.read_buf(&mut octets).await.map_err(|error| Error::because(ReadError, "reading an answer", error))?;
    let octets = octets.freeze();
    Ok(whole(&octets).map_or(Said::Something(octets), Said::All))
}

/// Reads a whole answer. One reading only is taken: whatever needs a second thought is not for here.
fn whole(octets: &Bytes) -> Option<Answer> {
    let mut fields = [EMPTY_HEADER; FIELDS];
    let mut parsed = Response::new(&mut fields);
    let Ok(Status::Complete(length)) = parsed.parse(octets) else { return None };
    let content = octets.slice(length..);
    // Neither another answer follows (RFC 9110 §15.2), nor is there none of the content that is stated (§8.6).
    let status = parsed.code.filter(|status| !matches!(status, 100..=199 | 204 | 205 | 304))?;
    if parsed.version != Some(1) || stated_length(parsed.headers) != Some(content.len()) {
        return None;
    }
    let mut head = Box::new(ResponseHeader::build(status, Some(parsed.headers.len())).ok()?);
    head.set_version(Version::HTTP_11);
    head.set_reason_phrase(parsed.reason).ok()?;
    for field in &*parsed.headers {
        let value = HeaderValue::from_maybe_shared(octets.slice_ref(field.value)).ok()?;
        head.append_header(octets.slice_ref(field.name.as_bytes()), value).ok()?;
    }
    Some(Answer { head, content })
}

/// The length of the content, where one field states it and nothing else has a say in it (RFC 9112 §6), or in what
/// becomes of the connection.
fn stated_length(fields: &[Header<'_>]) -> Option<usize> {
    let mut length = None;
    for field in fields {
        let is = |name: HeaderName| field.name.eq_ignore_ascii_case(name.as_str());
        if is(CONTENT_LENGTH) {
            let digits = Some(field.value).filter(|value| value.iter().all(u8::is_ascii_digit) && length.is_none())?;
            length = Some(std::str::from_utf8(digits).ok()?.parse().ok()?);
        }
        let keeps = !is(CONNECTION) || field.value.eq_ignore_ascii_case(b"keep-alive");
        if is(TRANSFER_ENCODING) || is(UPGRADE) || !keeps {
            return None;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &str) -> Option<(String, String)> {
        let Answer { head, content } = whole(&Bytes::copy_from_slice(octets.as_bytes()))?;
        let mut lines = format!("{} {}", head.status.as_u16(), head.get_reason_phrase().unwrap_or_default());
        for (name, value) in head.case_header_iter() {
            lines += &format!("|{}:{}", String::from_utf8_lossy(name.as_slice()), value.to_str().unwrap());
        }
        Some((lines, String::from_utf8(content.to_vec()).unwrap()))
    }

    #[test]
    fn what_came_whole_is_read_as_it_was_written() {
        let cases = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 OK|Content-Length:2", "hi"),
            ("HTTP/1.1 404 Nobody Here\r\ncontent-length: 0\r\n\r\n", "404 Nobody Here|content-length:0", ""),
            (
                "HTTP/1.1 302 \r\nLocation: /\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 0\r\n\r\n",
                "302 |Location:/|X-a:1|x-A:2|Content-Length:0",
                "",
            ),
            (
                "HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 03\r\n\r\n\r\n\r",
                "200 OK|Connection:Keep-Alive|Keep-Alive:timeout=5|Content-Length:03",
                "\r\n\r",
            ),
        ];
        for (octets, head, content) in cases {
            assert_eq!(read(octets), Some((head.to_owned(), content.to_owned())), "{octets:?}");
        }
    }

    #[test]
    fn what_needs_a_second_thought_is_left_to_the_frameworks_reader() {
        let with = |fields: &str, content: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n{content}");
        let many = "X: 1\r\n".repeat(FIELDS) + "Content-Length: 2\r\n";
        let framed = [
            with("Content-Length: 3\r\n", "hi"),
            with("Content-Length: 1\r\n", "hi"),
            with("Content-Length: 2\r\n", "hiHTTP/1.1 200 OK\r\n"),
            with("", ""),
            with("", "hi"),
            with("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"),
            with("Content-Length: 2\r\ncontent-LENGTH: 3\r\n", "hi"),
            with("Content-Length: 2, 2\r\n", "hi"),
            with("Content-Length: +2\r\n", "hi"),
            with("Content-Length: \r\n", ""),
            with("Content-Length: 18446744073709551618\r\n", "hi"),
            with("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "hi"),
            with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
            with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            with("Content-Length: 2\r\nConnection: close\r\n", "hi"),
            with("Content-Length: 2\r\nConnection: keep-alive, X-Secret\r\n", "hi"),
            with("Content-Length: 2\r\nUpgrade: websocket\r\n", "hi"),
            with("Content-Length : 2\r\n", "hi"),
            with("Content-Length: 2\r\nX: a\r\n b\r\n", "hi"),
            with("Content-Length: 2\r\nX: \0\r\n", "hi"),
            with(&many, "hi"),
        ];
        for octets in framed {
            assert_eq!(read(&octets), None, "{octets:?}");
        }
        for status in ["100", "101", "103", "199", "204", "205", "304"] {
            assert_eq!(read(&format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")), None, "{status}");
        }
        for begun in [
            "",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r",
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "hello",
            "HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(read(begun), None, "{begun:?}");
        }
    }

    #[tokio::test]
    async fn nothing_that_came_is_lost() {
        for octets in ["", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\n\r\nuntil the end"] {
            let Ok(Said::Something(came)) = first(&mut octets.as_bytes()).await else { panic!("{octets:?}") };
            assert_eq!(came, octets);
        }
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert!(matches!(first(&mut whole.as_bytes()).await, Ok(Said::All(answer)) if answer.content == "hi"));
    }
}
