//! What is sent, and which answer is expected.

use crate::bearer::{Holder, InTurn};
use crate::message::Caller;
use crate::mint::SwtMint;
use crate::scenario::{Scenario, Side};
use crate::signer::Signer;
use portcullis::clock;
use std::net::SocketAddr;
use std::rc::Rc;

/// How long minted tokens hold, in seconds: longer than the longest round.
const TOKEN_LIFETIME: u64 = 2 * 3600;
/// The media type of content.
pub(crate) const CONTENT_TYPE: &str = "application/octet-stream";

/// Where the requests of a case go.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// The Host field.
    pub(crate) host: Box<str>,
    /// Path and query.
    pub(crate) path: Box<str>,
}

/// The requests of one case.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Where they go.
    pub(crate) address: SocketAddr,
    /// The status that each must be answered with.
    pub(crate) expected: u16,
    head: Box<[u8]>,
    credentials: Credentials,
    content: Rc<[u8]>,
}

/// What requests carry to prove who sends them.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Nothing.
    None,
    /// The same token of WRAP each time.
    Same(Box<[u8]>),
    /// A new token of WRAP each time.
    Fresh(Rc<SwtMint>),
    /// A new token of WRAP each time, changed after it was made.
    Changed(Rc<SwtMint>),
    /// A token and a signature of WSSEC.
    Signed(Box<Signer>),
    /// A JSON Web Token of those that were made.
    Bearer(InTurn),
    /// A JSON Web Token and a proof.
    Proved(Box<Holder>),
    /// An HTTP message signature.
    Message(Box<Caller>),
}

impl Credentials {
    /// One token for all requests.
    pub(crate) fn same(mint: &SwtMint) -> Self {
        let mut token = Vec::new();
        mint.mint(clock::now().later(TOKEN_LIFETIME), &mut token);
        Self::Same(token.into())
    }
}

impl Workload {
    /// The requests of a scenario. Both sides are sent the same.
    pub(crate) fn build(scenario: Scenario, side: Side, target: &Target, credentials: Credentials, content: Rc<[u8]>) -> Self {
        let Target { address, host, path } = target;
        let method = scenario.method();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: portcullis-loadtest\r\nAccept: */*\r\n");
        if !content.is_empty() {
            head.push_str(&format!("Content-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\n", content.len()));
        }
        Self { address: *address, expected: scenario.expected(side), head: head.into_bytes().into(), credentials, content }
    }

    /// Writes the next request in place of the last.
    pub(crate) fn write(&self, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.head);
        match &self.credentials {
            Credentials::None => {}
            Credentials::Signed(signer) => signer.write(request),
            Credentials::Bearer(tokens) => tokens.write(request),
            Credentials::Proved(holder) => holder.write(request),
            Credentials::Message(caller) => caller.write(request),
            Credentials::Same(_) | Credentials::Fresh(_) | Credentials::Changed(_) => {
                request.extend_from_slice(b"Authorization: WRAP access_token=\"");
                self.write_token(request);
                request.extend_from_slice(b"\"\r\n");
            }
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(&self.content);
    }

    fn write_token(&self, request: &mut Vec<u8>) {
        let expires = clock::now().later(TOKEN_LIFETIME);
        match &self.credentials {
            Credentials::None | Credentials::Signed(_) | Credentials::Bearer(_) | Credentials::Proved(_) | Credentials::Message(_) => {}
            Credentials::Same(token) => request.extend_from_slice(token),
            Credentials::Fresh(mint) => mint.mint(expires, request),
            Credentials::Changed(mint) => {
                let start = request.len();
                mint.mint(expires, request);
                change(request.get_mut(start..).unwrap_or_default());
            }
        }
    }
}

/// Changes a digit of the first claim, so that the token still reads well and only its MAC is wrong.
fn change(token: &mut [u8]) {
    if let Some(digit) = token.iter_mut().find(|octet| octet.is_ascii_digit()) {
        *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::mint::Statement;

    /// Requests without credentials or content.
    pub(crate) fn public(address: SocketAddr, side: Side) -> Workload {
        let target = Target { address, host: "a".into(), path: "/".into() };
        Workload::build(Scenario::Public, side, &target, Credentials::None, Rc::new([]))
    }

    fn mint() -> Rc<SwtMint> {
        let statement = Statement { issuer: "issuer".into(), audience: "audience".into(), claims: Vec::new() };
        Rc::new(SwtMint::build(b"N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=", statement).unwrap())
    }

    fn two_requests(scenario: Scenario, credentials: Credentials) -> (Vec<u8>, Vec<u8>) {
        let target = Target { address: "127.0.0.1:1".parse().unwrap(), host: "a".into(), path: "/".into() };
        let workload = Workload::build(scenario, Side::Gateway, &target, credentials, Rc::new([]));
        let (mut first, mut second) = (b"left over".to_vec(), Vec::new());
        workload.write(&mut first);
        workload.write(&mut second);
        assert!(first.starts_with(b"GET / HTTP/1.1\r\nHost: a\r\n") && first.ends_with(b"\r\n\r\n"));
        assert_eq!(memchr::memmem::find_iter(&first, b"Authorization").count(), usize::from(scenario != Scenario::Public));
        (first, second)
    }

    #[test]
    fn hot_repeats_and_cold_does_not() {
        for (scenario, credentials, same) in [
            (Scenario::Public, Credentials::None, true),
            (Scenario::WrapHot, Credentials::same(&mint()), true),
            (Scenario::WrapCold, Credentials::Fresh(mint()), false),
            (Scenario::WrapBad, Credentials::Changed(mint()), false),
        ] {
            let (first, second) = two_requests(scenario, credentials);
            assert_eq!(first == second, same, "{scenario}");
        }
    }

    #[test]
    fn content_stands_behind_its_length() {
        let target = Target { address: "127.0.0.1:1".parse().unwrap(), host: "a".into(), path: "/status".into() };
        let workload = Workload::build(Scenario::PlainBody, Side::Gateway, &target, Credentials::None, Rc::new(*b"octets"));
        let mut request = Vec::new();
        workload.write(&mut request);
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("POST /status HTTP/1.1\r\nHost: a\r\n"), "{request}");
        assert!(request.ends_with("Content-Type: application/octet-stream\r\nContent-Length: 6\r\n\r\noctets"), "{request}");
    }

    #[test]
    fn one_octet_of_the_claims_changes() {
        let mut token = b"serial=19&HMACSHA256=abc1".to_vec();
        change(&mut token);
        assert_eq!(token, b"serial=29&HMACSHA256=abc1");
        change(&mut []);
    }
}
