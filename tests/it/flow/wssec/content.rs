//! Content of every size, over every framing, with the token in every place: it arrives as it was signed, or not at all.

use crate::support::http2::Http2Client;
use crate::support::witness::{Answer, Ending, Version, Witness};
use crate::support::wssec::{HolderKey, Partners, Place, Requester, SECRET, Saying, Signed};
use crate::support::{Gateway, RawClient, Upstream};
use portcullis::crypto::{KeyKind, base64, sha256};
use portcullis::scheme::wssec::wire::Usage;
use std::time::Duration;

const SMALL: [usize; 3] = [0, 1, 65_535];
const LARGE: [usize; 3] = [65_536, 65_537, 1 << 20];
const MOST: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    Http2,
}

const FRAMINGS: [Framing; 3] = [Framing::Length, Framing::Chunked, Framing::Http2];

struct Scene {
    gateway: Gateway,
    witness: Witness,
    http2: Http2Client,
}

impl Scene {
    async fn new(version: Version, mode: &str) -> Self {
        let witness = Witness::start(version, Answer::Last).await;
        let partners = Partners::new().upstream(version.setting()).route(&format!("body: {mode}"));
        let gateway = partners.config().upstream_at(witness.address()).start().await;
        let http2 = Http2Client::connect(gateway.address()).await;
        Self { gateway, witness, http2 }
    }

    /// The status of the answer.
    async fn send(&mut self, request: &Signed, framing: Framing) -> u16 {
        let octets = match framing {
            Framing::Length => request.whole(),
            Framing::Chunked => request.chunked(9_973),
            Framing::Http2 => return request.ask_over(&mut self.http2).await.unwrap().status.as_u16(),
        };
        let mut client = RawClient::connect(self.gateway.address()).await;
        client.send(octets).await;
        client.answer().await.status()
    }

    /// The request arrives, with the content that was signed.
    async fn admits(&mut self, request: &Signed, framing: Framing) {
        self.witness.forget();
        let about = format!("{framing:?} {} {:?}", request.content.len(), request.value("X-WSS-TokenLoc"));
        assert_eq!(self.send(request, framing).await, 200, "{about} {:#?}", self.gateway.events().last());
        let heard = self.witness.last().await;
        let wanted = (u64::try_from(request.content.len()).unwrap(), sha256(&request.content).to_vec(), Ending::Whole);
        assert_eq!((heard.octets, heard.digest.clone(), heard.ending), wanted, "{about}");
        for field in &heard.fields {
            let name = field.0.to_ascii_lowercase();
            assert!(name != "authorization" && !name.starts_with("x-wss"), "{about}: {field:?} reached the backend");
        }
    }

    /// The backend hears nothing at all.
    async fn keeps_out(&mut self, request: &Signed, framing: Framing, statuses: &[u16]) {
        self.witness.forget();
        let about = format!("{framing:?} {} {:?}", request.content.len(), request.value("X-WSS-TokenLoc"));
        let status = self.send(request, framing).await;
        assert!(statuses.contains(&status), "{about}: {status}");
        assert_eq!(self.witness.heard(), [], "{about}");
    }

    /// The backend hears no whole request, and the caller nothing of the backend.
    async fn breaks_off(&mut self, request: &Signed, framing: Framing) {
        self.witness.forget();
        assert_eq!(self.send(request, framing).await, 401, "{framing:?} {}", request.content.len());
        self.witness.assert_nothing_whole().await;
    }
}

/// Octets in which a swap or a loss would show.
fn octets(size: usize) -> Vec<u8> {
    (0..size).map(|place| u8::try_from((place * 7 + place / 251) % 256).unwrap()).collect()
}

/// One octet is changed, or added where there is none.
fn changed(request: Signed) -> Signed {
    if !request.content.is_empty() {
        return request.tampered();
    }
    Signed { content: b"x".to_vec(), ..request }
}

fn requester() -> Requester {
    Requester::jwt_sealed()
}

/// A request with the token in the head, by fields whose order on the wire is not their number's.
fn in_fragments(size: usize) -> Signed {
    let mut signed =
        requester().post("/orders?x=1", &octets(size)).field("Content-Type", "a/b").at(Place::Fragments(100)).sign().reversed();
    signed.fields.rotate_left(3);
    signed
}

fn in_header(size: usize) -> Signed {
    requester().post("/orders?x=1", &octets(size)).field("Content-Type", "a/b").sign()
}

/// A token of exactly this size is the content; 0 stands for the shortest one.
fn as_content(size: usize) -> Signed {
    let of = |text: &str| Requester::swt_of(SECRET.to_vec(), &Saying { claims: vec![("padding", text)], ..Saying::default() });
    let mut requester = of("");
    // What is sealed in a token looks different each time, and some of its characters are escaped.
    while size > 0 && requester.token.len() != size {
        requester = of(&"c".repeat(size - of("").token.len()));
    }
    requester.post("/orders", b"").token_as_content().sign()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_beside_a_token_in_the_head_arrives_as_signed_or_the_backend_hears_nothing() {
    for version in Version::ALL {
        let mut scene = Scene::new(version, "before_forwarding").await;
        for framing in FRAMINGS {
            for size in SMALL.into_iter().chain(LARGE) {
                for signed in [in_header(size), in_fragments(size)] {
                    scene.admits(&signed, framing).await;
                }
                for signed in [in_header(size), in_fragments(size)] {
                    scene.keeps_out(&changed(signed), framing, &[401]).await;
                }
            }
        }
        scene.gateway.denial("digest_mismatch").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_beside_a_token_in_the_head_arrives_as_signed_or_breaks_off_while_streaming() {
    for version in Version::ALL {
        let mut scene = Scene::new(version, "while_streaming").await;
        for framing in FRAMINGS {
            for size in SMALL.into_iter().chain(LARGE) {
                for signed in [in_header(size), in_fragments(size)] {
                    scene.admits(&signed, framing).await;
                }
                for signed in [in_header(size), in_fragments(size)] {
                    scene.breaks_off(&changed(signed), framing).await;
                }
            }
        }
        scene.gateway.denial("digest_mismatch").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_holds_the_token_arrives_octet_for_octet_or_the_backend_hears_nothing() {
    for (version, mode) in [(Version::Http1, "before_forwarding"), (Version::Http2, "while_streaming")] {
        let mut scene = Scene::new(version, mode).await;
        for framing in FRAMINGS {
            for size in SMALL.into_iter().chain(LARGE) {
                for signed in [
                    requester().post("/orders", b"").token_in_form(size).sign(),
                    requester().post("/orders", b"").token_in_xml(size).sign(),
                ] {
                    scene.admits(&signed, framing).await;
                }
                for signed in [
                    requester().post("/orders", b"").token_in_form(size).sign(),
                    requester().post("/orders", b"").token_in_xml(size).sign(),
                ] {
                    // What is changed may be the padding, the token or what stands around it.
                    scene.keeps_out(&changed(signed), framing, &[400, 401]).await;
                }
            }
            for size in [0, 65_535, 65_536, 65_537] {
                scene.admits(&as_content(size), framing).await;
                scene.keeps_out(&changed(as_content(size)), framing, &[400, 401]).await;
            }
            scene.keeps_out(&as_content(1 << 20), framing, &[401]).await;
        }
        scene.gateway.denial("token_too_large").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_content_arrives_as_signed() {
    let signed = in_header(MOST);
    for (version, mode) in [(Version::Http1, "before_forwarding"), (Version::Http2, "while_streaming")] {
        let mut scene = Scene::new(version, mode).await;
        for framing in FRAMINGS {
            let fresh = requester().post("/orders", &signed.content).sign();
            scene.admits(&fresh, framing).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_content_with_one_octet_changed_does_not_arrive() {
    let content = octets(MOST);
    let mut kept = Scene::new(Version::Http1, "before_forwarding").await;
    kept.keeps_out(&requester().post("/", &content).sign().tampered(), Framing::Length, &[401]).await;
    for version in Version::ALL {
        let mut streamed = Scene::new(version, "while_streaming").await;
        let signed = requester().post("/", &content).sign();
        streamed.breaks_off(&signed.tampered(), Framing::Chunked).await;
        assert!(streamed.witness.last().await.octets > 1 << 20, "the backend heard of it before it was whole");
    }
    // One octet more than there may be.
    let mut client = RawClient::connect(kept.gateway.address()).await;
    client.send(requester().post("/", b"").sign().head(&format!("Content-Length: {}\r\n", MOST + 1))).await;
    assert_eq!(client.answer().await.status(), 413);
}

#[tokio::test]
async fn content_that_a_signature_does_not_speak_of_is_refused_before_it_is_read() {
    let mut scene = Scene::new(Version::Http1, "before_forwarding").await;
    // Nobody sends the content, and the answer comes nevertheless.
    for (request, reason) in [
        (requester().post("/", b"abc").usage(Usage::Auth), "usage_refused"),
        (Requester { key: HolderKey::new(KeyKind::P256), ..Requester::jwt(KeyKind::P256) }.post("/", b"abc"), "holder_signature_invalid"),
    ] {
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(request.sign().head("Content-Length: 3\r\n")).await;
        assert_eq!(client.answer().await.status(), 401, "{reason}");
        scene.gateway.denial(reason).await;
    }
    let covered = requester().post("/", b"abc").sign();
    let cut = covered.clone().change("X-WSS-Digest", |value| value.replace(base64::encode(&sha256(b"abc")).as_str(), ""));
    scene.keeps_out(&cut.without("X-WSS-Digest"), Framing::Length, &[401]).await;
    scene.gateway.denial("digest_missing").await;
}

#[tokio::test]
async fn the_last_chunk_is_sent_once_however_it_came() {
    for mode in ["before_forwarding", "while_streaming"] {
        for (first, last) in [("0\r\n\r\n", ""), ("0", "\r\n\r\n"), ("0\r\n", "\r\n"), ("0\r\n\r", "\n"), ("0\r\nX-End: 1\r\n\r\n", "")] {
            let upstream = Upstream::start().await;
            let gateway = Partners::new().route(&format!("body: {mode}")).config().upstream(&upstream).start().await;
            let signed = requester().post("/orders", b"hello world").sign();
            let mut client = RawClient::connect(gateway.address()).await;
            client.send(signed.head("Transfer-Encoding: chunked\r\n")).await;
            for piece in ["5\r\n", "hello\r\n6\r\n world", "\r\n", first, last] {
                client.send(piece).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(client.answer().await.status(), 200, "{mode} {first:?}");
            let heard = upstream.heard_text();
            let (_, content) = heard.split_once("\r\n\r\n").unwrap();
            assert!(content.ends_with("world\r\n0\r\n\r\n") && content.matches("0\r\n").count() == 1, "{mode} {first:?} {heard}");
        }
    }
}
