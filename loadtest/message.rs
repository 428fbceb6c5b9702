//! Requests that are signed by HTTP message signatures (RFC 9421) as they are sent.

use http::HeaderMap;
use portcullis::clock;
use portcullis::crypto::{Random, SystemRandom, base64url};
use portcullis::scheme::http_signature::signer::{MessageSigner, SignerSettings};
use portcullis::scheme::http_signature::wire::base::Message;
use portcullis::token::jose::IssuingKey;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// What signatures cover: what the gateway asks for by default of a request without content, and the authority.
const COMPONENTS: [&str; 3] = ["\"@method\"", "\"@target-uri\"", "\"@authority\""];
/// The port that is left out of an authority in clear text (RFC 9110 §4.2.3).
const USUAL_PORT: &str = ":80";

/// One who signs requests without content, each with a nonce that was not used before.
pub(crate) struct Caller {
    signer: Rc<MessageSigner>,
    method: &'static str,
    path: Box<str>,
    host: Box<str>,
    authority: Box<str>,
    fields: HeaderMap,
    run: Box<str>,
    serial: Cell<u64>,
}

/// A signer by this key, which the gateway knows by its name.
///
/// # Errors
/// The key is for an algorithm that messages are not signed by.
pub(crate) fn signer(key: IssuingKey) -> Result<MessageSigner, String> {
    let settings = SignerSettings {
        label: "sig1".into(),
        keyid: key.id().unwrap_or_default().into(),
        tag: Box::default(),
        lifetime: 0,
        components: COMPONENTS.map(Box::from).into(),
    };
    MessageSigner::new(key, settings).map_err(|refusal| refusal.to_string())
}

impl Caller {
    /// Requests for this path of this host, as its Host field names it.
    ///
    /// # Errors
    /// There is no randomness for nonces.
    pub(crate) fn build(signer: &Rc<MessageSigner>, method: &'static str, path: &str, host: &str) -> Result<Self, String> {
        let mut run = [0; 12];
        SystemRandom::new().fill(&mut run).map_err(|error| error.to_string())?;
        Ok(Self {
            signer: Rc::clone(signer),
            method,
            path: path.into(),
            host: host.into(),
            authority: host.strip_suffix(USUAL_PORT).unwrap_or(host).to_ascii_lowercase().into(),
            fields: HeaderMap::new(),
            run: base64url::encode(&run).into(),
            serial: Cell::new(0),
        })
    }

    /// Appends the fields of the next request. Where the backend cannot sign, there are none, and its 401 is counted.
    pub(crate) fn write(&self, request: &mut Vec<u8>) {
        let nonce = format!("{}{:x}", self.run, self.serial.replace(self.serial.get().wrapping_add(1)));
        let Self { method, path, host, authority, fields, .. } = self;
        let message = Message { method, scheme: "http", authority, host: host.as_bytes(), target: path.as_bytes(), fields };
        if let Ok(signed) = self.signer.sign(&message, &nonce, clock::now()) {
            for (name, value) in [("Signature-Input: ", &signed.input), ("Signature: ", &signed.signature)] {
                request.extend_from_slice(name.as_bytes());
                request.extend_from_slice(value.as_bytes());
                request.extend_from_slice(b"\r\n");
            }
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{HOST, PATH, resources, verified};
    use crate::issuer::read_key;
    use crate::issuer::tests::private_pem;
    use portcullis::crypto::NewKey;
    use portcullis::token::jose::describe;

    /// A signer, and the key set by which the gateway knows it.
    fn known() -> (Rc<MessageSigner>, String) {
        let key = read_key(&private_pem(NewKey::Ed25519)).unwrap();
        let jwks = format!(r#"{{"keys":[{}]}}"#, describe(key.public().unwrap(), key.id().unwrap(), None));
        (Rc::new(signer(key).unwrap()), jwks)
    }

    fn written(caller: &Caller) -> Vec<u8> {
        let mut octets = Vec::new();
        caller.write(&mut octets);
        octets
    }

    #[test]
    fn the_gateway_takes_each_request_once_whoever_else_signs_by_the_key() {
        let (signer, jwks) = known();
        let scheme = resources(&jwks).http_signature();
        let callers = [(); 2].map(|()| Caller::build(&signer, "GET", PATH, HOST).unwrap());
        for caller in callers.iter().chain(&callers) {
            let request = written(caller);
            assert_eq!(verified(&scheme, &request).unwrap().profile, "ed25519");
            assert!(verified(&scheme, &request).is_err(), "used already");
        }
    }

    #[test]
    fn another_method_target_or_host_is_another_request() {
        let (signer, jwks) = known();
        let scheme = resources(&jwks).http_signature();
        for (method, path, host) in [("POST", PATH, HOST), ("GET", "/other/", HOST), ("GET", PATH, "127.0.0.1:8081")] {
            let caller = Caller::build(&signer, method, path, host).unwrap();
            assert!(verified(&scheme, &written(&caller)).is_err(), "{method} {host}{path}");
        }
    }

    #[test]
    fn an_authority_is_in_its_normal_form() {
        let (signer, _) = known();
        for (host, authority) in [("A.test:80", "a.test"), ("A.test:8080", "a.test:8080"), ("[::1]:80", "[::1]")] {
            assert_eq!(&*Caller::build(&signer, "GET", PATH, host).unwrap().authority, authority);
        }
    }
}
