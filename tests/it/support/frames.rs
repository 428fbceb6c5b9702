//! A client that writes HTTP/2 frames by hand, for requests that no library would send.

use super::message;
use super::raw::RawClient;
use std::net::SocketAddr;

/// Types of frames (RFC 9113 §6).
pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const CONTINUATION: u8 = 0x9;

/// Flags of frames.
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status.
    Answered(u16),
    /// The stream was reset with this error code.
    Reset(u32),
    /// The connection was given up with this error code.
    GoneAway(u32),
    /// The connection ended without a word.
    Closed,
}

impl Outcome {
    /// Whether the request was refused: with a 4xx, by a reset, or with the whole connection.
    pub(crate) const fn is_refusal(self) -> bool {
        match self {
            Self::Answered(status) => status >= 400 && status < 500,
            Self::Reset(_) | Self::GoneAway(_) | Self::Closed => true,
        }
    }
}

/// One connection in clear text, by prior knowledge.
pub(crate) struct FrameClient {
    raw: RawClient,
}

impl FrameClient {
    /// Connects and sends the preface and empty settings.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let mut client = Self { raw: RawClient::connect(to).await };
        client.raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(SETTINGS, 0, 0, &[]).await;
        client
    }

    /// Sends one frame.
    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.raw.send(frame(kind, flags, stream, payload)).await;
    }

    /// Sends one frame to a gateway that may have closed the connection already.
    pub(crate) async fn try_send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        self.raw.try_send(frame(kind, flags, stream, payload)).await
    }

    /// Sends a request head with exactly these fields, pseudo fields included; `END_STREAM` where there is no content.
    pub(crate) async fn request(&mut self, stream: u32, fields: &[(&str, &str)], flags: u8) {
        self.send(HEADERS, END_HEADERS | flags, stream, &block(fields)).await;
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let head = self.raw.octets(9).await;
        if head.len() < 9 {
            return None;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let payload = self.raw.octets(usize::try_from(length).unwrap()).await;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads until it is clear what became of a stream. Settings are acknowledged on the way.
    pub(crate) async fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.next().await {
            match frame.kind {
                HEADERS if frame.stream == stream => match status(&frame.payload) {
                    100..=199 => {}
                    status => return Outcome::Answered(status),
                },
                RST_STREAM if frame.stream == stream => return Outcome::Reset(number(&frame.payload)),
                GOAWAY => return Outcome::GoneAway(number(&frame.payload[4..])),
                SETTINGS if frame.flags & ACK == 0 => drop(self.try_send(SETTINGS, ACK, 0, &[]).await),
                _ => {}
            }
        }
        Outcome::Closed
    }

    /// Reads until the connection ends; whether it was given up with GOAWAY, and with which code.
    pub(crate) async fn end(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(number(&frame.payload[4..]));
            }
        }
        code
    }
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}

/// A frame as octets.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut octets = vec![length[1], length[2], length[3], kind, flags];
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

/// Fields as a header block: each literal, never indexed, without Huffman coding (RFC 7541 §6.2.3).
/// Each character of a value stands for one octet.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (name, value) in fields {
        octets.push(0x10);
        for text in [name, value] {
            let text: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
            integer(text.len(), &mut octets);
            octets.extend(text);
        }
    }
    octets
}

/// A number with a prefix of seven bits (RFC 7541 §5.1).
fn integer(number: usize, octets: &mut Vec<u8>) {
    if number < 127 {
        octets.push(u8::try_from(number).unwrap());
        return;
    }
    octets.push(127);
    let mut left = number - 127;
    while left >= 128 {
        octets.push(u8::try_from(left % 128 + 128).unwrap());
        left /= 128;
    }
    octets.push(u8::try_from(left).unwrap());
}

/// The status at the start of a header block, where every peer puts it.
fn status(block: &[u8]) -> u16 {
    let block = match block {
        // A change of the table's size comes first.
        [size, rest @ ..] if size & 0xe0 == 0x20 => rest,
        block => block,
    };
    match block {
        [indexed @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)],
        // A literal value under the name at the static table's places 8 to 14.
        [0x48..=0x4e | 0x08..=0x0e, length, text @ ..] if length & 0x80 == 0 => {
            message::text(&text[..usize::from(*length)]).parse().unwrap()
        }
        [0x48..=0x4e | 0x08..=0x0e, length, text @ ..] => digits(&text[..usize::from(length & 0x7f)]),
        other => panic!("no status at the start of {other:?}"),
    }
}

/// Three digits in Huffman coding (RFC 7541, appendix B): 0 to 2 take five bits, 3 to 9 take six.
fn digits(octets: &[u8]) -> u16 {
    let bits: Vec<u16> = octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| u16::from(octet >> bit & 1))).collect();
    let value = |bits: &[u16]| bits.iter().fold(0, |value, bit| value * 2 + bit);
    let (mut at, mut number) = (0, 0);
    for _ in 0..3 {
        let short = value(&bits[at..at + 5]);
        let (digit, length) = if short < 3 { (short, 5) } else { (value(&bits[at..at + 6]) - 0x19 + 3, 6) };
        number = number * 10 + digit;
        at += length;
    }
    number
}

mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_in_each_form() {
        assert_eq!(status(&[0x88]), 200);
        assert_eq!(status(&[0x20, 0x8d]), 404);
        assert_eq!(status(&[0x48, 3, b'4', b'2', b'1']), 421);
        // "401": 0x1a (6 bits), 0x0 (5 bits), 0x1 (5 bits).
        assert_eq!(status(&[0x48, 0x82, 0b0110_1000, 0b0000_0001]), 401);
    }

    #[test]
    fn long_lengths_take_several_octets() {
        let mut octets = Vec::new();
        integer(1337, &mut octets);
        assert_eq!(octets, [127, 0b1011_1010, 0b0000_1001]);
    }
}
