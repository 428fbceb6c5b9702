//! gRPC: calls pass after authentication with their trailers; a refused call learns it in gRPC's own way.

use crate::support::frames::{self, FrameClient};
use crate::support::http2::{Http2Client, Http2Upstream};
use crate::support::programs::{Program, output, python};
use crate::support::{Config, Token, ports};

const BAR: &str = r#"
schemes:
  bartender:
    wrap:
      issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }]
      audience: "{audience}"
upstreams:
  bar: { servers: ["{upstream}"], protocol: http2 }
routes:
  - match: { path: /Bar/ }
    authenticate: bartender
    upstream: bar
    identity: { preset: auth-request }
"#;

#[tokio::test]
async fn calls_pass_after_authentication_with_their_trailers_and_not_without() {
    let address = ports::free();
    let mut backend = Program::start(python("grpc_server.py").arg(address.port().to_string()));
    backend.line("ready").await;
    let gateway = Config::new(BAR).upstream_at(address).start().await;

    let refused = output(python("grpc_client.py").arg(gateway.address().to_string())).await;
    let each = ["order", "rounds", "chat", "fail"].map(|name| format!("{name} UNAUTHENTICATED Unauthorized"));
    assert_eq!(refused.lines().collect::<Vec<_>>(), each);
    assert_eq!(backend.lines(), ["ready"]);

    let served = output(python("grpc_client.py").arg(gateway.address().to_string()).arg(Token::of("alice").mint())).await;
    let wanted = [
        "order served a beer OK x-barrel=seven",
        "rounds round0 round1 round2",
        "chat re: hello re: goodbye",
        "fail FAILED_PRECONDITION the barrel is empty",
    ];
    assert_eq!(served.lines().collect::<Vec<_>>(), wanted);
    for method in ["Order", "Rounds", "Chat", "Fail"] {
        backend.line(&format!("call {method} user=alice authorization=None")).await;
    }
}

#[tokio::test]
async fn a_refused_call_is_answered_200_with_grpc_status_16() {
    let upstream = Http2Upstream::start().await;
    let gateway = Config::new(BAR).upstream_at(upstream.address()).start().await;
    let mut client = Http2Client::connect(gateway.address()).await;
    let fields = [("content-type", "application/grpc"), ("te", "trailers")];
    let answer = client.ask("POST", "http://localhost/Bar/Order", &fields, &[0, 0, 0, 0, 0], &[]).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.content.as_slice()), (200, &b""[..]));
    assert_eq!((answer.field("grpc-status"), answer.field("grpc-message")), (Some("16"), Some("Unauthorized")));
    assert_eq!((answer.field("content-type"), answer.field("www-authenticate")), (Some("application/grpc"), Some("WRAP")));
    assert!(upstream.requests().is_empty());
    let line = gateway.denial("credential_missing").await;
    assert_eq!(line["path"], "/Bar/Order");
}

#[tokio::test]
async fn a_call_to_an_unknown_service_is_unimplemented() {
    let gateway = Config::new(BAR).start().await;
    let mut client = Http2Client::connect(gateway.address()).await;
    let answer = client.ask("POST", "http://localhost/Kitchen/Order", &[("content-type", "application/grpc")], b"", &[]).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.field("grpc-status")), (200, Some("12")));
}

#[tokio::test]
async fn a_call_whose_backend_is_gone_is_unavailable() {
    let gateway = Config::new(BAR).upstream_at(ports::free()).start().await;
    let mut client = Http2Client::connect(gateway.address()).await;
    let credential = Token::of("alice").credential();
    let fields = [("content-type", "application/grpc"), ("authorization", credential.as_str())];
    let answer = client.ask("POST", "http://localhost/Bar/Order", &fields, b"", &[]).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.field("grpc-status")), (200, Some("14")));
}

#[tokio::test]
async fn the_head_of_a_refusal_ends_its_stream() {
    let gateway = Config::new(BAR).start().await;
    let mut client = FrameClient::connect(gateway.address()).await;
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/Bar/Order"),
        ("content-type", "application/grpc"),
    ];
    client.request(1, &head, frames::END_STREAM).await;
    let answer = loop {
        let frame = client.next().await.expect("an answer");
        if frame.stream == 1 {
            break frame;
        }
    };
    assert_eq!((answer.kind, answer.flags & frames::END_STREAM), (frames::HEADERS, frames::END_STREAM));
}
