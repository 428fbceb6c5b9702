//! The published attacks (`docs/attacks.md`), each by its number, against the running gateway on the wire.

mod a_identity;
mod b_routing;
mod c_framing;
mod d_certificates;
mod d_introspection;
mod d_keys;
mod d_mailboxes;
mod d_numbers;
mod d_timing;
mod d_tokens;
mod f_dpop;
mod f_proof;
mod f_signature;
mod g_operations;
mod published;

use crate::support::message::Message;
use crate::support::{Config, Gateway, RawClient, Upstream, eventually, raw};

/// A gateway and the backend behind it.
struct Scene {
    gateway: Gateway,
    upstream: Upstream,
}

impl Scene {
    /// The usual bar, with further top-level keys of the configuration.
    async fn bar(more: &str) -> Self {
        Self::with(Config::bar(more)).await
    }

    /// Any configuration, in front of a backend that answers everything with 200.
    async fn with(config: Config) -> Self {
        let upstream = Upstream::start().await;
        let gateway = config.upstream(&upstream).start().await;
        Self { gateway, upstream }
    }

    /// Sends octets on a connection of their own; the first final answer.
    async fn ask(&self, octets: impl AsRef<[u8]>) -> Message {
        raw::ask(self.gateway.address(), octets).await
    }

    /// A GET with further lines, each with its CR LF.
    async fn fetch(&self, target: &str, lines: &str) -> Message {
        raw::fetch(self.gateway.address(), target, lines).await
    }

    /// Sends octets on a connection of their own. The gateway must answer once, with this status, and for this
    /// reason (`""` where the parser refuses before the gateway is asked); the backend must not hear an octet.
    async fn refuses(&self, octets: impl AsRef<[u8]>, status: u16, reason: &str) {
        let shown = String::from_utf8_lossy(octets.as_ref()).into_owned();
        let before = self.denials(reason);
        let mut client = RawClient::connect(self.gateway.address()).await;
        client.send(octets).await;
        let answer = client.answer_head().await.unwrap_or_else(|| panic!("closed without an answer: {shown:?}"));
        assert_eq!(answer.status(), status, "{shown:?}");
        if !reason.is_empty() {
            self.denied_again(reason, before, &shown).await;
        }
        self.upstream.assert_untouched();
    }

    /// Likewise, and nothing that follows on the connection is answered: it is closed after the one answer.
    async fn refuses_once(&self, octets: impl AsRef<[u8]>, status: u16, reason: &str) {
        let shown = String::from_utf8_lossy(octets.as_ref()).into_owned();
        let before = self.denials(reason);
        let mut client = RawClient::connect(self.gateway.address()).await;
        client.send(octets).await;
        let answers = client.all_answers().await;
        assert_eq!(answers.iter().map(Message::status).collect::<Vec<_>>(), [status], "{shown:?}");
        if !reason.is_empty() {
            self.denied_again(reason, before, &shown).await;
        }
        self.upstream.assert_untouched();
    }

    /// Likewise, where the parser may refuse before the gateway is asked: then no reason is logged. `reason` is the one
    /// that counts where one is.
    async fn refuses_any_reason(&self, octets: impl AsRef<[u8]>, status: u16, reason: &str) {
        let shown = String::from_utf8_lossy(octets.as_ref()).into_owned();
        let answer = self.ask(octets).await;
        assert_eq!(answer.status(), status, "{shown:?}");
        self.upstream.assert_untouched();
        // An answer with a request's name comes from the gateway's own judge.
        if let Some(id) = answer.field("x-request-id") {
            let line = self.gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
            assert!(reason.is_empty() || line["reason"] == reason, "{shown:?}: {line}");
        }
    }

    fn denials(&self, reason: &str) -> usize {
        self.gateway.events().iter().filter(|event| event["verdict"] == "denied" && event["reason"] == reason).count()
    }

    async fn denied_again(&self, reason: &str, before: usize, what: &str) {
        eventually(&format!("a denial for {reason} of {what:?}"), || (self.denials(reason) > before).then_some(())).await;
    }

    /// Sends the same lines to a public route (with a token, too, that nobody asked for) and to a protected one; what
    /// the backend got of each.
    async fn both(&self, lines: &str, token: &str) -> [Message; 2] {
        let public = self.fetch("/public/x", lines).await;
        let protected = self.fetch("/bartender/x", &format!("{lines}{token}")).await;
        assert_eq!([public.status(), protected.status()], [200, 200], "{lines:?}");
        let requests = self.upstream.requests();
        let [.., public, protected] = requests.as_slice() else { panic!("requests: {requests:?}") };
        [public.clone(), protected.clone()]
    }
}

/// The values of all fields and trailers whose name, folded as backends fold names, is `name`.
fn folded<'m>(message: &'m Message, name: &str) -> Vec<&'m str> {
    let fold =
        |name: &str| -> String { name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect() };
    let all = message.fields.iter().chain(&message.trailers);
    all.filter(|(known, _)| fold(known) == name).map(|(_, value)| value.as_str()).collect()
}
