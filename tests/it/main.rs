//! The gateway in a box: the real program, a backend that writes down what it hears, and clients that send any octets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails here and now"
)]

mod attacks;
mod config_problems;
mod flow;
mod fuzz_corpus;
mod house_rules;
mod support;

/// The box itself.
mod box_itself {
    use crate::support::http2::Http2Client;
    use crate::support::{Config, RawClient, Token, Upstream, frames, raw};

    #[tokio::test]
    async fn a_good_token_reaches_the_backend_and_a_request_without_one_does_not() {
        let upstream = Upstream::start().await;
        let gateway = Config::bar("").upstream(&upstream).start().await;
        let denied = raw::fetch(gateway.address(), "/bartender/menu", "").await;
        assert_eq!(denied.status(), 401);
        upstream.assert_untouched();
        gateway.denial("credential_missing").await;

        let answer = raw::fetch(gateway.address(), "/bartender/menu", &Token::of("alice").authorization()).await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
        assert_eq!(upstream.request().field("x-auth-request-user"), Some("alice"));
        assert_eq!(gateway.access_line(|line| line["status"] == 200).await["subject"], "alice");
    }

    #[tokio::test]
    async fn both_clients_of_http2_speak_to_it() {
        let upstream = Upstream::start().await;
        let gateway = Config::bar("").upstream(&upstream).start().await;
        let mut client = Http2Client::connect(gateway.address()).await;
        let answer = client.fetch("http://localhost/public/x", &[]).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.content.as_slice()), (200, &b"ok"[..]));
        let mut frames = frames::FrameClient::connect(gateway.address()).await;
        let head = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/bartender/")];
        frames.request(1, &head, frames::END_STREAM).await;
        assert_eq!(frames.outcome(1).await, frames::Outcome::Answered(401));
        let (status, lines) = gateway.stop().await;
        assert!(status.success(), "{lines:?}");
    }

    #[tokio::test]
    async fn a_signal_reloads() {
        let upstream = Upstream::start().await;
        let gateway = Config::bar("").upstream(&upstream).start().await;
        gateway.audit_line(|line| line["event"] == "config_loaded").await;
        gateway.signal("HUP");
        gateway.metric_becomes("portcullis_config_reloads_total{outcome=\"succeeded\"}", 1.0).await;
    }

    #[tokio::test]
    async fn a_connection_carries_several_requests() {
        let upstream = Upstream::start().await;
        let gateway = Config::bar("").upstream(&upstream).start().await;
        let mut client = RawClient::connect(gateway.address()).await;
        for _ in 0..3 {
            client.send("GET /public/a HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
            assert_eq!(client.answer().await.status(), 200);
        }
        assert_eq!(upstream.requests().len(), 3);
        gateway.metric_becomes("portcullis_config_last_reload_successful", 1.0).await;
    }
}
