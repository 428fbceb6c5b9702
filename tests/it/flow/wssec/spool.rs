//! Content that waits for its proof: in a file beyond a size, within totals, and never for ever.

use crate::support::http2::Http2Client;
use crate::support::witness::{Answer, Version, Witness};
use crate::support::wssec::{Partners, Place, Requester, Signed};
use crate::support::{Gateway, RawClient, eventually};
use portcullis::crypto::sha256;
use portcullis::scheme::wssec::wire::Usage;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn scene(partners: &Partners) -> (Gateway, Witness) {
    let witness = Witness::start(Version::Http1, Answer::Last).await;
    (partners.config().upstream_at(witness.address()).start().await, witness)
}

fn signed(size: usize) -> Signed {
    Requester::jwt_sealed().post("/orders", &vec![b's'; size]).sign()
}

/// Sends the head and so much of the content.
async fn begin(gateway: &Gateway, signed: &Signed, octets: usize) -> RawClient {
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(signed.head(&format!("Content-Length: {}\r\n", signed.content.len()))).await;
    client.send(&signed.content[..octets]).await;
    client
}

/// The files without a name that a process has open in a folder, and their sizes.
fn nameless_files(process: u32, folder: &str) -> Vec<u64> {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let ours = open.filter_map(Result::ok).filter(|link| {
        let to = std::fs::read_link(link.path()).unwrap_or_default();
        to.to_string_lossy().starts_with(folder) && to.to_string_lossy().ends_with("(deleted)")
    });
    ours.filter_map(|link| Some(std::fs::metadata(link.path()).ok()?.len())).collect()
}

#[tokio::test]
async fn content_beyond_a_size_waits_in_a_file_that_is_gone_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let (gateway, witness) =
        scene(&Partners::new().beside(&format!("limits: {{ spool_after: 64KiB, spool_directory: \"{place}\" }}"))).await;
    let (small, large) = (signed(65_536), signed(1_000_000));
    let mut one = begin(&gateway, &small, 60_000).await;
    let mut other = begin(&gateway, &large, 900_000).await;
    let size = eventually("a file", || nameless_files(gateway.process(), place).into_iter().find(|size| *size > 700_000)).await;
    assert!(size <= 900_000, "{size}");
    assert_eq!(nameless_files(gateway.process(), place).len(), 1, "the small one waits in memory");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no name");
    assert_eq!(witness.heard(), [], "nothing is proved");
    other.send(&large.content[900_000..]).await;
    assert_eq!(other.answer().await.status(), 200);
    assert_eq!(witness.last().await.digest, sha256(&large.content));
    one.send(&small.content[60_000..]).await;
    assert_eq!(one.answer().await.status(), 200);
    eventually("the file to be gone", || nameless_files(gateway.process(), place).is_empty().then_some(())).await;
}

#[tokio::test]
async fn where_all_room_is_taken_requests_are_refused_until_a_client_goes_away() {
    let limits = "limits: { spool_after: 1KiB, max_body_memory: 64KiB, max_spool_size: 200KiB }";
    let (gateway, witness) = scene(&Partners::new().beside(limits)).await;
    let large = signed(190_000);
    let waiting = begin(&gateway, &large, 180_000).await;
    eventually("a file", || nameless_files(gateway.process(), "/tmp").into_iter().find(|size| *size > 170_000)).await;
    let answer = signed(50_000).ask(gateway.address()).await;
    assert_eq!((answer.status(), answer.text().as_str()), (503, "Service Unavailable\n"));
    gateway.denial("content_no_room").await;
    assert_eq!(witness.heard(), []);
    assert_eq!(signed(1000).ask(gateway.address()).await.status(), 200, "a small one needs no file");
    drop(waiting);
    eventually("the file to be gone", || nameless_files(gateway.process(), "/tmp").is_empty().then_some(())).await;
    assert_eq!(signed(50_000).ask(gateway.address()).await.status(), 200);

    let mut http2 = Http2Client::connect(gateway.address()).await;
    let large = signed(190_000);
    let mut waiting = large.begin_over(&mut http2).await;
    waiting.send(&large.content[..180_000]);
    eventually("a file", || nameless_files(gateway.process(), "/tmp").into_iter().find(|size| *size > 170_000)).await;
    assert_eq!(signed(50_000).ask_over(&mut http2).await.unwrap().status, 503);
    waiting.reset();
    eventually("the file to be gone", || nameless_files(gateway.process(), "/tmp").is_empty().then_some(())).await;
    assert_eq!(signed(50_000).ask_over(&mut http2).await.unwrap().status, 200);
    // What went wrong gives its room back, too.
    for _ in 0..5 {
        assert_eq!(signed(150_000).tampered().ask(gateway.address()).await.status(), 401);
    }
    assert_eq!(signed(150_000).ask(gateway.address()).await.status(), 200);
}

#[tokio::test]
async fn where_memory_is_taken_even_small_content_waits_in_a_file() {
    let limits = "limits: { spool_after: 64KiB, max_body_memory: 64KiB, max_spool_size: 1MiB }";
    let (gateway, witness) = scene(&Partners::new().beside(limits)).await;
    let (first, second) = (signed(60_000), signed(50_000));
    let mut one = begin(&gateway, &first, 59_999).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut other = begin(&gateway, &second, 49_999).await;
    eventually("a file", || nameless_files(gateway.process(), "/tmp").into_iter().find(|size| *size > 0)).await;
    for (client, signed) in [(&mut other, &second), (&mut one, &first)] {
        client.send(&signed.content[signed.content.len() - 1..]).await;
        assert_eq!(client.answer().await.status(), 200);
        assert_eq!(witness.last().await.digest, sha256(&signed.content));
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_gets_it_wherever_content_goes() {
    let requester = Requester::jwt_sealed();
    let content = vec![b'e'; 5000];
    let kept = Partners::new();
    let proving = Partners::new().route("body: while_streaming");
    let plain = Partners::new().set("signature", "{ usage: auth }");
    for (partners, draft, backend) in [
        (&kept, requester.post("/", &content), Answer::Last),
        (&kept, requester.post("/", b"").token_in_form(5000), Answer::Last),
        (&proving, requester.post("/", &content), Answer::Last),
        // What goes on as it comes is asked for by the backend.
        (&plain, requester.post("/", &content).usage(Usage::Auth), Answer::Interim),
    ] {
        let witness = Witness::start(Version::Http1, backend).await;
        let gateway = partners.config().upstream_at(witness.address()).start().await;
        let signed = draft.signed_in(0).sign();
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(signed.head(&format!("Content-Length: {}\r\nExpect: 100-continue\r\n", signed.content.len()))).await;
        assert_eq!(client.next_answer().await.map(|answer| answer.status()), Some(100), "{backend:?} {:?}", signed.fields);
        client.send(&signed.content).await;
        assert_eq!(client.answer().await.status(), 200);
        assert_eq!(witness.last().await.digest, sha256(&signed.content));
    }
    // Whoever is refused by the head alone is not asked for the content.
    let (gateway, _witness) = scene(&proving).await;
    let forged = requester.post("/", &content).sign().without("X-WSS-Digest");
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(forged.head("Content-Length: 5000\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.next_answer().await.map(|answer| answer.status()), Some(401));
}

#[tokio::test]
async fn slow_content_is_given_up() {
    for mode in ["before_forwarding", "while_streaming"] {
        for place in [Place::Header, Place::BodyForm("token".to_owned())] {
            let limits = "limits: { body_timeout: 400ms, body_deadline: 1s }";
            let (gateway, witness) = scene(&Partners::new().beside(limits).route(&format!("body: {mode}"))).await;
            let draft = Requester::jwt_sealed().post("/", &[b's'; 5000]);
            let signed = if place == Place::Header { draft.sign() } else { draft.token_in_form(5000).sign() };
            let mut silent = begin(&gateway, &signed, 2000).await;
            assert_eq!(silent.answer().await.status(), 408, "{mode} {place:?}: silence");
            gateway.audit_line(|line| line["reason"] == "content_slow").await;

            let fresh = Requester::jwt_sealed().post("/", &[b's'; 5000]);
            let fresh = if place == Place::Header { fresh.sign() } else { fresh.token_in_form(5000).sign() };
            let mut dripping = begin(&gateway, &fresh, 2000).await;
            for octet in &fresh.content[2000..2030] {
                if dripping.try_send([*octet]).await.is_err() || !dripping.is_silent_for(Duration::from_millis(100)).await {
                    break;
                }
            }
            assert_eq!(dripping.answer().await.status(), 408, "{mode} {place:?}: drops");
            witness.assert_nothing_whole().await;
        }
    }
}

/// More than the buffers of two sockets take.
const MUCH: usize = 16 << 20;

/// A gateway before a server of our own, for large contents that wait in memory.
async fn before_a_server() -> (Gateway, TcpListener, Signed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = "limits: { spool_after: 32MiB, max_body_size: 32MiB, max_body_memory: 64MiB }";
    let gateway = Partners::new().beside(limits).config().upstream_at(listener.local_addr().unwrap()).start().await;
    (gateway, listener, signed(MUCH))
}

/// The octets of a content that came together with its head.
async fn after_head(server: &mut TcpStream) -> usize {
    let mut heard = Vec::new();
    loop {
        server.read_buf(&mut heard).await.unwrap();
        if let Some(end) = heard.windows(4).position(|octets| octets == b"\r\n\r\n") {
            return heard.len() - end - 4;
        }
    }
}

#[tokio::test]
async fn a_server_that_has_heard_enough_is_passed_on_at_once() {
    let (gateway, listener, signed) = before_a_server().await;
    let server = async {
        let (mut server, _) = listener.accept().await.unwrap();
        after_head(&mut server).await;
        server.write_all(b"HTTP/1.1 413 Too Much\r\nContent-Length: 6\r\n\r\nenough").await.unwrap();
        server
    };
    // It neither reads on nor closes.
    let (answer, mut server) = tokio::join!(signed.ask(gateway.address()), server);
    assert_eq!((answer.status(), answer.text().as_str()), (413, "enough"));
    let mut rest = Vec::new();
    let _ = server.read_to_end(&mut rest).await;
    assert!(rest.len() < MUCH, "the connection with half a request is closed");
    gateway.access_line(|line| line["status"] == 413).await;
}

#[tokio::test]
async fn a_server_may_answer_while_it_still_reads() {
    let (gateway, listener, signed) = before_a_server().await;
    let echo = async {
        for _ in 0..2 {
            let (mut server, _) = listener.accept().await.unwrap();
            let mut left = MUCH - after_head(&mut server).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {MUCH}\r\n\r\n");
            server.write_all(head.as_bytes()).await.unwrap();
            server.write_all(&vec![b's'; MUCH - left]).await.unwrap();
            let mut octets = vec![0; 64 << 10];
            while left > 0 {
                let came = server.read(&mut octets).await.unwrap();
                assert!((1..=left).contains(&came), "the request goes on");
                server.write_all(&octets[..came]).await.unwrap();
                left -= came;
            }
        }
    };
    let client = async {
        for signed in [&signed, &Requester::jwt_sealed().post("/orders", &vec![b's'; MUCH]).sign()] {
            let answer = signed.ask(gateway.address()).await;
            assert_eq!((answer.status(), sha256(&answer.content)), (200, sha256(&signed.content)));
        }
    };
    tokio::time::timeout(Duration::from_secs(50), async { tokio::join!(echo, client) }).await.expect("no end");
}

#[tokio::test]
async fn a_server_that_has_answered_hears_the_rest() {
    let (gateway, listener, signed) = before_a_server().await;
    let server = async {
        let (mut server, _) = listener.accept().await.unwrap();
        let mut left = MUCH - after_head(&mut server).await;
        server.write_all(b"HTTP/1.1 202 Later\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        // It counts as waiting until it is on its way.
        gateway.metric_exceeds("portcullis_spool_memory_bytes", 16_000_000.0).await;
        let mut octets = vec![0; 64 << 10];
        while left > 0 {
            let came = server.read(&mut octets).await.unwrap();
            assert!((1..=left).contains(&came), "the request goes on");
            left -= came;
        }
        server
    };
    let (answer, _server) = tokio::join!(signed.ask(gateway.address()), server);
    assert_eq!((answer.status(), answer.text().as_str()), (202, "ok"));
    gateway.metric_becomes("portcullis_spool_memory_bytes", 0.0).await;
}

#[tokio::test]
async fn a_server_that_goes_away_half_way_is_told() {
    let (gateway, listener, signed) = before_a_server().await;
    let server = async {
        let (mut server, _) = listener.accept().await.unwrap();
        after_head(&mut server).await;
    };
    let (answer, ()) = tokio::join!(signed.ask(gateway.address()), server);
    assert_eq!(answer.status(), 502);
}
