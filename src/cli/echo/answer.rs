//! What the backend says: the request it received, as text or as JSON.

use super::content::Content;
use super::request::{Bad, Persistence, Request};
use serde_json::json;
use std::fmt::Write;

/// A request, whole.
pub(super) struct Received {
    pub(super) request: Request,
    pub(super) content: Content,
}

/// The answer to a request.
pub(super) fn answer(received: &Received) -> Vec<u8> {
    let Received { request, content } = received;
    let is_check = &*request.target == "/healthz" && matches!(&*request.method, "GET" | "HEAD");
    let (media_type, text) = match is_check {
        true => ("text/plain", "ok\n".to_owned()),
        false if request.lists("accept", "application/json") => ("application/json", as_json(request, content)),
        false => ("text/plain; charset=utf-8", as_text(request, content)),
    };
    let mut answer = head("200 OK", media_type, text.len(), request.persistence);
    if &*request.method != "HEAD" {
        answer.push_str(&text);
    }
    answer.into_bytes()
}

/// The answer to what is not a request.
pub(super) fn refuse(bad: Bad) -> Vec<u8> {
    let (status, text) = match bad {
        Bad::Syntax => ("400 Bad Request", "not a request that this backend can read\n"),
        Bad::TooLarge => ("431 Request Header Fields Too Large", "the head is too large\n"),
        Bad::ContentTooLarge => ("413 Content Too Large", "the content is too large\n"),
    };
    (head(status, "text/plain", text.len(), Persistence::Close) + text).into_bytes()
}

fn head(status: &str, media_type: &str, length: usize, persistence: Persistence) -> String {
    let connection = match persistence {
        Persistence::KeepAlive => "keep-alive",
        Persistence::Close => "close",
    };
    format!(
        "HTTP/1.1 {status}\r\nServer: portcullis-echo\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n"
    )
}

fn as_text(request: &Request, content: &Content) -> String {
    let Request { method, target, version, fields, .. } = request;
    let mut text = format!("{method} {target} {version}\n");
    for (name, value) in fields {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{name}: {value}");
    }
    let shown = content.start();
    let _ = match content.length() {
        0 => writeln!(text, "\nno content"),
        length if length > u64::try_from(shown.len()).unwrap_or(u64::MAX) => {
            writeln!(text, "\n{length} octets of content, of which the first {}:\n{}", shown.len(), String::from_utf8_lossy(shown))
        }
        length => writeln!(text, "\n{length} octets of content:\n{}", String::from_utf8_lossy(shown)),
    };
    text
}

fn as_json(request: &Request, content: &Content) -> String {
    let Request { method, target, version, fields, .. } = request;
    let content = json!({ "length": content.length(), "text": String::from_utf8_lossy(content.start()) });
    let answer = json!({ "method": method, "target": target, "version": version, "fields": fields, "content": content });
    format!("{answer}\n")
}

#[cfg(test)]
mod tests {
    use super::super::request::parse;
    use super::*;

    fn answered(head: &str) -> String {
        let (request, _) = parse(head.as_bytes()).unwrap().unwrap();
        String::from_utf8(answer(&Received { request, content: Content::default() })).unwrap()
    }

    #[test]
    fn json_is_for_those_who_ask() {
        let answer = answered("GET /a HTTP/1.1\r\nAccept: application/json\r\nX-A: 1\r\nX-A: 2\r\n\r\n");
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Content-Type: application/json") && head.contains(&format!("Content-Length: {}", text.len())), "{head}");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["target"], "/a");
        assert_eq!(value["fields"], json!([["Accept", "application/json"], ["X-A", "1"], ["X-A", "2"]]));
        assert_eq!(value["content"]["length"], 0);
    }

    #[test]
    fn head_has_the_length_and_no_content() {
        let answer = answered("HEAD / HTTP/1.1\r\n\r\n");
        assert!(answer.ends_with("\r\n\r\n") && !answer.contains("Content-Length: 0"), "{answer}");
    }

    #[test]
    fn health_is_ok() {
        assert!(answered("GET /healthz HTTP/1.1\r\n\r\n").ends_with("\r\n\r\nok\n"));
        assert!(answered("POST /healthz HTTP/1.1\r\n\r\n").contains("POST /healthz"));
    }

    #[test]
    fn a_connection_that_ends_says_so() {
        assert!(answered("GET / HTTP/1.0\r\n\r\n").contains("\r\nConnection: close\r\n"));
        assert!(String::from_utf8(refuse(Bad::Syntax)).unwrap().contains("\r\nConnection: close\r\n"));
    }
}
