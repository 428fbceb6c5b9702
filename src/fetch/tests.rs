//! Hosts that are slow, endless, elsewhere or not who they should be.

use super::stand_in::{Answer, FixedLookup, HOST, Host};
use super::*;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

fn url(text: &str) -> AllowedUrl {
    let list = AllowList::new([AllowedPrefix::judge(text, Cleartext::Allowed).unwrap()].into());
    list.admit(text.as_bytes()).unwrap()
}

async fn fetched_with(host: &Host, settings: &FetcherSettings<'_>) -> Result<Document, FetchFault> {
    Fetcher::build(settings, Arc::new(FixedLookup::here())).unwrap().fetch(&url(&host.url("/tokens/1"))).await
}

async fn fetched(answer: Answer) -> Result<Document, FetchFault> {
    let host = Host::secure(answer).await;
    fetched_with(&host, &host.settings()).await
}

#[tokio::test]
async fn a_document_is_got_with_what_its_sender_states() {
    let host =
        Host::secure(Answer::new("200 OK", "Content-Type: Application/JWT; charset=x\r\nCache-Control: max-age=7\r\n", b"abc")).await;
    let document = fetched_with(&host, &host.settings()).await.unwrap();
    let expected = Document { octets: (*b"abc").into(), media_type: "application/jwt".into(), freshness: Freshness::Seconds(7) };
    assert_eq!(document, expected);
    let [head] = host.heard().try_into().unwrap();
    let lines: Vec<_> = head.lines().filter(|line| !line.is_empty()).collect();
    let named = format!("host: {HOST}:{}", host.address.port());
    assert_eq!(lines, ["GET /tokens/1 HTTP/1.1", "accept: */*", &named], "nothing else is told");
}

#[tokio::test]
async fn a_form_is_sent_once_with_the_fields_that_are_named() {
    let host = Host::secure(Answer::fine(b"{\"active\":true}")).await;
    let fetcher = Fetcher::build(&host.settings(), Arc::new(FixedLookup::here())).unwrap();
    let (target, accept) = (url(&host.url("/introspect")), http::header::HeaderValue::from_static("application/json"));
    let fields = http::HeaderMap::from_iter([(http::header::ACCEPT, accept)]);
    let answer = fetcher.post_form(&target, fields.clone(), b"token=a%26b&x=1".to_vec()).await.unwrap();
    assert_eq!(&*answer.octets, b"{\"active\":true}");
    let [heard] = host.heard().try_into().unwrap();
    let mut lines: Vec<_> = heard.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    let named = format!("host: {HOST}:{}", host.address.port());
    let form = "content-type: application/x-www-form-urlencoded";
    let expected = ["POST /introspect HTTP/1.1", "accept: application/json", "content-length: 15", form, &named, "token=a%26b&x=1"];
    assert_eq!(lines, expected);
    for (answer, fault) in [
        (Answer::new("302 Found", "Location: /other\r\n", b""), FetchFault::Status(302)),
        (Answer::new("401 Unauthorized", "", b""), FetchFault::Status(401)),
        (Answer::fine(&[b'a'; 1025]), FetchFault::TooLarge),
        (Answer::Octets(Vec::new()), FetchFault::Interrupted),
    ] {
        let before = host.heard().len();
        host.change(answer);
        assert_eq!(fetcher.post_form(&target, fields.clone(), b"token=a".to_vec()).await, Err(fault));
        assert_eq!(host.heard().len(), before + 1, "{fault}");
    }
    let impatient = FetcherSettings { timeout: Duration::from_millis(200), ..host.settings() };
    let fetcher = Fetcher::build(&impatient, Arc::new(FixedLookup::here())).unwrap();
    host.change(Answer::Stall(Vec::new()));
    assert_eq!(fetcher.post_form(&target, fields, b"token=a".to_vec()).await, Err(FetchFault::Timeout));
}

#[tokio::test]
async fn content_without_a_length_is_read_to_its_end() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    assert_eq!(&*fetched(Answer::Octets(chunked.to_vec())).await.unwrap().octets, b"abc");
}

#[tokio::test]
async fn only_200_is_a_document() {
    for (status, number) in [("500 Oops", 500), ("404 Not Found", 404), ("204 No Content", 204), ("206 Partial Content", 206)] {
        assert_eq!(fetched(Answer::new(status, "", b"")).await, Err(FetchFault::Status(number)));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let host = Host::secure(Answer::fine(b"")).await;
        host.change(Answer::new(status, &format!("Location: {}\r\n", host.url("/tokens/2")), b""));
        assert!(matches!(fetched_with(&host, &host.settings()).await, Err(FetchFault::Status(300..=399))), "{status}");
        assert_eq!(host.heard().len(), 1);
    }
}

#[tokio::test]
async fn the_bound_is_exact_and_holds_while_reading() {
    assert_eq!(fetched(Answer::fine(&[b'a'; 1024])).await.unwrap().octets.len(), 1024);
    assert_eq!(fetched(Answer::fine(&[b'a'; 1025])).await, Err(FetchFault::TooLarge));
    let chunked = |length| {
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n",
            "a".repeat(length)
        )
    };
    assert_eq!(fetched(Answer::Octets(chunked(1024).into_bytes())).await.unwrap().octets.len(), 1024);
    assert_eq!(fetched(Answer::Octets(chunked(1025).into_bytes())).await, Err(FetchFault::TooLarge));
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    let heads = ["Content-Length: 104857600\r\n", "Connection: close\r\n", "Transfer-Encoding: chunked\r\n"];
    for (fields, start) in heads.into_iter().zip(["", "", "6400000\r\n"]) {
        let host = Host::secure(Answer::Endless(format!("HTTP/1.1 200 OK\r\n{fields}\r\n{start}").into_bytes())).await;
        assert_eq!(fetched_with(&host, &host.settings()).await, Err(FetchFault::TooLarge), "{fields}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        // What lies in buffers between us was sent and never looked at.
        assert!(host.sent() < 16 << 20, "{} octets were sent", host.sent());
    }
}

#[tokio::test]
async fn time_is_bounded_from_the_start_to_the_last_octet() {
    for stalled in ["", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"] {
        let host = Host::secure(Answer::Stall(stalled.as_bytes().to_vec())).await;
        let settings = FetcherSettings { timeout: Duration::from_millis(500), ..host.settings() };
        let began = crate::clock::instant();
        assert_eq!(fetched_with(&host, &settings).await, Err(FetchFault::Timeout), "{stalled}");
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(host.heard().len(), 1, "the host was reached");
    }
}

#[tokio::test]
async fn others_wait_for_their_turn_within_their_time() {
    let host = Host::secure(Answer::Stall(Vec::new())).await;
    let settings = FetcherSettings { timeout: Duration::from_millis(400), max_parallel: 2, ..host.settings() };
    let fetcher = Fetcher::build(&settings, Arc::new(FixedLookup::here())).unwrap();
    let url = url(&host.url("/"));
    let all = futures_util::future::join_all((0..10).map(|_| fetcher.fetch(&url))).await;
    assert!(all.iter().all(|outcome| *outcome == Err(FetchFault::Timeout)));
    assert!(host.heard().len() <= 2, "{} at once", host.heard().len());
}

#[tokio::test]
async fn what_is_cut_short_is_no_document() {
    let cut = Answer::Octets(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc".to_vec());
    assert_eq!(fetched(cut).await, Err(FetchFault::Interrupted));
    assert_eq!(fetched(Answer::Octets(b"SSH-2.0-x\r\n\r\n".to_vec())).await, Err(FetchFault::Interrupted));
}

#[tokio::test]
async fn compressed_content_is_refused() {
    assert_eq!(fetched(Answer::new("200 OK", "Content-Encoding: gzip\r\n", b"abc")).await, Err(FetchFault::Encoded));
    assert!(fetched(Answer::new("200 OK", "Content-Encoding: identity\r\n", b"abc")).await.is_ok());
}

#[tokio::test]
async fn hosts_prove_who_they_are() {
    let (host, other) = (Host::secure(Answer::fine(b"abc")).await, Host::secure(Answer::fine(b"abc")).await);
    let distrusting = FetcherSettings { trust: Trust::Only(other.authority.as_bytes()), ..host.settings() };
    assert_eq!(fetched_with(&host, &distrusting).await, Err(FetchFault::Untrusted));
    let fetcher = Fetcher::build(&host.settings(), Arc::new(FixedLookup::here())).unwrap();
    let misnamed = url(&format!("https://other.example:{}/", host.address.port()));
    assert_eq!(fetcher.fetch(&misnamed).await, Err(FetchFault::Untrusted));
    assert_eq!(host.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn names_that_lead_to_ourselves_are_refused() {
    let host = Host::secure(Answer::fine(b"abc")).await;
    let settings = FetcherSettings { reach: Reach::Public, ..host.settings() };
    for address in ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "10.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"] {
        let fetcher = Fetcher::build(&settings, Arc::new(FixedLookup::to([address.parse().unwrap()]))).unwrap();
        assert_eq!(fetcher.fetch(&url(&host.url("/"))).await, Err(FetchFault::AddressRefused), "{address}");
    }
    let fetcher = Fetcher::build(&settings, Arc::new(SystemLookup)).unwrap();
    let local = url(&format!("https://localhost:{}/", host.address.port()));
    assert_eq!(fetcher.fetch(&local).await, Err(FetchFault::AddressRefused));
    assert_eq!(host.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_again() {
    let host = Host::secure(Answer::fine(b"abc")).await;
    let settings = FetcherSettings { reach: Reach::Public, ..host.settings() };
    let lookup = Arc::new(FixedLookup::to(["::ffff:1.1.1.1".parse::<IpAddr>().unwrap()]));
    let fetcher = Fetcher::build(&settings, Arc::<FixedLookup>::clone(&lookup)).unwrap();
    let target = url(&host.url("/"));
    assert_eq!(fetcher.fetch(&target).await, Err(FetchFault::AddressRefused));
    lookup.change("127.0.0.1".parse().unwrap());
    assert_eq!(fetcher.fetch(&target).await, Err(FetchFault::AddressRefused));
    let reaching =
        Fetcher::build(&FetcherSettings { reach: Reach::Private, ..host.settings() }, Arc::<FixedLookup>::clone(&lookup)).unwrap();
    assert!(reaching.fetch(&target).await.is_ok(), "addresses are looked up for each connection");
    lookup.change("0.0.0.0".parse().unwrap());
    assert_eq!(reaching.fetch(&target).await, Err(FetchFault::AddressRefused));
}

#[tokio::test]
async fn an_address_that_is_named_may_be_connected_to() {
    let host = Host::secure(Answer::fine(b"abc")).await;
    let settings = FetcherSettings { reach: Reach::Public, ..host.settings() };
    let fetcher = Fetcher::build(&settings, Arc::new(FixedLookup::to([]))).unwrap();
    assert!(fetcher.fetch(&url(&format!("https://{}/", host.address))).await.is_ok());
    assert_eq!(fetcher.fetch(&url(&host.url("/"))).await, Err(FetchFault::Unresolvable));
}

#[tokio::test]
async fn clear_text_needs_a_setting() {
    let host = Host::plain(Answer::fine(b"abc")).await;
    let other = Host::secure(Answer::fine(b"")).await;
    let target = url(&format!("http://{HOST}:{}/", host.address.port()));
    let secure = Fetcher::build(&other.settings(), Arc::new(FixedLookup::here())).unwrap();
    assert!(secure.fetch(&target).await.is_err());
    assert_eq!(host.heard(), Vec::<String>::new());
    let open = FetcherSettings { cleartext: Cleartext::Allowed, ..other.settings() };
    assert!(Fetcher::build(&open, Arc::new(FixedLookup::here())).unwrap().fetch(&target).await.is_ok());
}

#[tokio::test]
async fn nobody_at_home_is_a_fault() {
    let host = Host::secure(Answer::fine(b"abc")).await;
    let fetcher = Fetcher::build(&host.settings(), Arc::new(FixedLookup::here())).unwrap();
    // The port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(fetcher.fetch(&url(&format!("https://{HOST}:{gone}/"))).await, Err(FetchFault::Unreachable));
}

#[test]
fn authorities_must_be_there() {
    let _ = crate::crypto::install_rustls_provider();
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n"] {
        let settings = FetcherSettings {
            timeout: Duration::from_secs(1),
            max_size: 1,
            max_parallel: 1,
            trust: Trust::Only(pem.as_bytes()),
            reach: Reach::Public,
            cleartext: Cleartext::Refused,
        };
        assert_eq!(Fetcher::build(&settings, Arc::new(SystemLookup)).err(), Some(FetcherProblem::Anchors), "{pem}");
    }
}
