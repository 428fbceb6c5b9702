//! What is sent, and which answer is expected.

use crate::mint::SwtMint;
use clap::ValueEnum;
use portcullis::clock;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;

/// How long minted tokens hold, in seconds: longer than the longest round.
const TOKEN_LIFETIME: u64 = 2 * 3600;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Scenario {
    /// No token, to a public route: 200.
    Public,
    /// The same good token again and again: 200.
    WrapHot,
    /// A good token never seen before, minted as it is sent: 200.
    WrapCold,
    /// A token never seen before, changed after it was signed: 401.
    WrapBad,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The upstream, which judges nothing: always 200.
    Direct,
    /// The gateway.
    Gateway,
}

/// The requests of one case.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Where they go.
    pub(crate) address: SocketAddr,
    /// The status that each must be answered with.
    pub(crate) expected: u16,
    head: Box<[u8]>,
    tokens: Tokens,
}

#[derive(Debug)]
enum Tokens {
    None,
    Same(Box<[u8]>),
    Fresh(Rc<SwtMint>),
    Changed(Rc<SwtMint>),
}

impl Scenario {
    /// Whether requests carry a token.
    pub(crate) const fn needs_token(self) -> bool {
        match self {
            Self::Public => false,
            Self::WrapHot | Self::WrapCold | Self::WrapBad => true,
        }
    }

    const fn expected(self, side: Side) -> u16 {
        match (self, side) {
            (Self::WrapBad, Side::Gateway) => 401,
            (Self::Public | Self::WrapHot | Self::WrapCold, Side::Gateway) | (_, Side::Direct) => 200,
        }
    }
}

impl Side {
    /// The side's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Public => "public",
            Self::WrapHot => "wrap-hot",
            Self::WrapCold => "wrap-cold",
            Self::WrapBad => "wrap-bad",
        })
    }
}

impl Workload {
    /// The requests of a scenario; `head` is the request line and the Host field. Both sides are sent
    /// the same. Without a mint no request carries a token.
    pub(crate) fn build(scenario: Scenario, side: Side, address: SocketAddr, head: &str, mint: Option<&Rc<SwtMint>>) -> Self {
        let head = format!("{head}User-Agent: portcullis-loadtest\r\nAccept: */*\r\n").into_bytes().into();
        let tokens = match (scenario, mint) {
            (Scenario::Public, _) | (_, None) => Tokens::None,
            (Scenario::WrapHot, Some(mint)) => Tokens::Same(one_token(mint)),
            (Scenario::WrapCold, Some(mint)) => Tokens::Fresh(Rc::clone(mint)),
            (Scenario::WrapBad, Some(mint)) => Tokens::Changed(Rc::clone(mint)),
        };
        Self { address, expected: scenario.expected(side), head, tokens }
    }

    /// Writes the next request in place of the last.
    pub(crate) fn write(&self, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.head);
        if !matches!(self.tokens, Tokens::None) {
            request.extend_from_slice(b"Authorization: WRAP access_token=\"");
            self.write_token(request);
            request.extend_from_slice(b"\"\r\n");
        }
        request.extend_from_slice(b"\r\n");
    }

    fn write_token(&self, request: &mut Vec<u8>) {
        let expires = clock::now().later(TOKEN_LIFETIME);
        match &self.tokens {
            Tokens::None => {}
            Tokens::Same(token) => request.extend_from_slice(token),
            Tokens::Fresh(mint) => mint.mint(expires, request),
            Tokens::Changed(mint) => {
                let start = request.len();
                mint.mint(expires, request);
                change(request.get_mut(start..).unwrap_or_default());
            }
        }
    }
}

fn one_token(mint: &SwtMint) -> Box<[u8]> {
    let mut token = Vec::new();
    mint.mint(clock::now().later(TOKEN_LIFETIME), &mut token);
    token.into()
}

/// Changes a digit of the first claim, so that the token still reads well and only its MAC is wrong.
fn change(token: &mut [u8]) {
    if let Some(digit) = token.iter_mut().find(|octet| octet.is_ascii_digit()) {
        *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mint::Statement;

    fn workload(scenario: Scenario, side: Side) -> Workload {
        let statement = Statement { issuer: "issuer".into(), audience: "audience".into(), claims: Vec::new() };
        let mint = Rc::new(SwtMint::build(b"N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=", statement).unwrap());
        Workload::build(scenario, side, "127.0.0.1:1".parse().unwrap(), "GET / HTTP/1.1\r\nHost: a\r\n", Some(&mint))
    }

    fn two_requests(scenario: Scenario) -> (Vec<u8>, Vec<u8>) {
        let workload = workload(scenario, Side::Gateway);
        let (mut first, mut second) = (b"left over".to_vec(), Vec::new());
        workload.write(&mut first);
        workload.write(&mut second);
        assert!(first.starts_with(b"GET / HTTP/1.1\r\nHost: a\r\n") && first.ends_with(b"\r\n\r\n"));
        assert_eq!(memchr::memmem::find_iter(&first, b"Authorization").count(), usize::from(scenario.needs_token()));
        (first, second)
    }

    #[test]
    fn hot_repeats_and_cold_does_not() {
        for (scenario, same) in
            [(Scenario::Public, true), (Scenario::WrapHot, true), (Scenario::WrapCold, false), (Scenario::WrapBad, false)]
        {
            let (first, second) = two_requests(scenario);
            assert_eq!(first == second, same, "{scenario}");
        }
    }

    #[test]
    fn only_the_gateway_is_expected_to_refuse() {
        assert_eq!(workload(Scenario::WrapBad, Side::Gateway).expected, 401);
        assert_eq!(workload(Scenario::WrapBad, Side::Direct).expected, 200);
        assert_eq!(workload(Scenario::WrapCold, Side::Gateway).expected, 200);
    }

    #[test]
    fn one_octet_of_the_claims_changes() {
        let mut token = b"serial=19&HMACSHA256=abc1".to_vec();
        change(&mut token);
        assert_eq!(token, b"serial=29&HMACSHA256=abc1");
        change(&mut []);
    }
}
