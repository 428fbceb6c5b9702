//! An issuer of opaque tokens that is asked about them, and says what it is told to say.

use super::{Config, Reply, Upstream};
use std::sync::{Arc, Mutex};

/// A token that says nothing by itself.
pub(crate) const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";
/// The secret of the gateway, which is the client `gw`.
pub(crate) const SECRET: &str = "hunter-two";

/// What is said of a good token.
pub(crate) const ACTIVE: &str = r#"{"active":true,"sub":"alice","aud":"orders","scope":"read write","exp":4102444800}"#;

/// An issuer, and what it answers at the moment.
pub(crate) struct OpaqueIssuer {
    server: Upstream,
    answer: Arc<Mutex<Reply>>,
}

impl OpaqueIssuer {
    /// One that answers so.
    pub(crate) async fn answering(reply: Reply) -> Self {
        let answer = Arc::new(Mutex::new(reply));
        let ours = Arc::clone(&answer);
        Self { server: Upstream::answering(move |_| ours.lock().unwrap().clone()).await, answer }
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, reply: Reply) {
        *self.answer.lock().unwrap() = reply;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.server.requests().len()
    }

    /// The head and the content of its only question.
    pub(crate) fn question(&self) -> super::message::Message {
        self.server.request()
    }

    /// The settings of a scheme that asks it, with further ones.
    pub(crate) fn scheme(&self, more: &str) -> String {
        format!(
            "{{ introspection: {{ endpoint: \"http://{}/introspect\", client: {{ id: gw, secret_file: \"{{keys}}/gw.secret\" }}, \
             audiences: [orders], allow_cleartext: true{more} }} }}",
            self.server.address()
        )
    }

    /// A gateway that asks it about every request.
    pub(crate) fn config(&self, more: &str) -> Config {
        config(
            &format!("  api: {}\n", self.scheme(more)),
            "  - { name: api, match: { path: / }, authenticate: api, upstream: bar, identity: { preset: auth-request } }\n",
        )
    }
}

/// A gateway with these schemes and routes, and the secret beside it.
pub(crate) fn config(schemes: &str, routes: &str) -> Config {
    let text = format!("schemes:\n{schemes}upstreams:\n  bar: {{ servers: [\"{{upstream}}\"] }}\nroutes:\n{routes}");
    Config::new(&text).file("gw.secret", SECRET)
}

/// An answer with this status and this content.
pub(crate) fn reply(status: &str, content: &str) -> Reply {
    Reply::of(format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{content}", content.len()))
}

/// An answer with this content.
pub(crate) fn fine(content: &str) -> Reply {
    reply("200 OK", content)
}
