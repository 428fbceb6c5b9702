//! Requests signed by HTTP message signatures (RFC 9421), their content by its digest (RFC 9530).

use super::signing::draw_nonce;
use super::{Request, SignFault};
use crate::clock::UnixTime;
use crate::crypto::{DigestAlgorithm, Hasher, Random, base64};
use crate::scheme::http_signature::signer::MessageSigner;
use crate::scheme::http_signature::wire::base::Message;
use crate::scheme::http_signature::wire::{INPUT, SIGNATURE};
use http::header::{HeaderMap, HeaderName, HeaderValue};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// All fields of a request, signed, with a fresh nonce. Content gets a `Content-Digest` unless the request brings one.
///
/// # Errors
/// The request is signed already, its content cannot be read, there is no randomness, or the signer cannot sign it.
pub fn sign_message(request: &Request, signer: &MessageSigner, now: UnixTime, random: &impl Random) -> Result<HeaderMap, SignFault> {
    let mut fields = request.fields.clone();
    if let Some(taken) = [INPUT, SIGNATURE].into_iter().find(|name| fields.contains_key(name)) {
        return Err(SignFault::FieldTaken(taken));
    }
    if request.content.length().map_err(SignFault::Content)? > 0 && !fields.contains_key(CONTENT_DIGEST) {
        fields.insert(CONTENT_DIGEST, digest(request)?);
    }
    let target = &request.target;
    let message = Message {
        method: request.method.as_str(),
        scheme: target.url().scheme(),
        authority: target.host(),
        host: target.host().as_bytes(),
        target: target.path_and_query().as_bytes(),
        fields: &fields,
    };
    let signed = signer.sign(&message, &draw_nonce(random)?, now).map_err(SignFault::Message)?;
    fields.insert(INPUT, signed.input);
    fields.insert(SIGNATURE, signed.signature);
    Ok(fields)
}

fn digest(request: &Request) -> Result<HeaderValue, SignFault> {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    request.content.digest_into(&mut hasher).map_err(SignFault::Content)?;
    let text = ["sha-256=:", &base64::encode(hasher.finish().as_ref()), ":"].concat();
    HeaderValue::try_from(text).map_err(|_| SignFault::Characters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Content, Target};
    use crate::crypto::SystemRandom;
    use crate::scheme::http_signature::signer::SignerSettings;
    use crate::token::jose::{Algorithm, IssuingKey};
    use bytes::Bytes;
    use http::Method;

    fn signer() -> MessageSigner {
        let settings = SignerSettings {
            label: "sig1".into(),
            keyid: "k".into(),
            tag: Box::default(),
            lifetime: 0,
            components: ["\"@method\"", "\"@target-uri\"", "\"content-digest\""].map(Box::from).into(),
        };
        MessageSigner::new(IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap(), settings).unwrap()
    }

    fn request(content: &'static [u8]) -> Request {
        let target = Target::read("https://rp.example/orders?x=1").unwrap();
        Request { method: Method::POST, target, fields: HeaderMap::new(), content: Content::Octets(Bytes::from_static(content)) }
    }

    fn signed(request: &Request) -> Result<HeaderMap, SignFault> {
        sign_message(request, &signer(), UnixTime::from_seconds(1_781_481_600), &SystemRandom::new())
    }

    #[test]
    fn content_is_signed_by_its_digest() {
        let fields = signed(&request(b"{\"hello\": \"world\"}")).unwrap();
        assert_eq!(fields[CONTENT_DIGEST], "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
        let input = fields[INPUT].to_str().unwrap();
        let start = "sig1=(\"@method\" \"@target-uri\" \"content-digest\");created=1781481600;keyid=\"k\";nonce=\"";
        assert!(input.starts_with(start), "{input}");
        assert_ne!(input, signed(&request(b"x")).unwrap()[INPUT], "every request has its own nonce");
        let without = signed(&request(b"")).unwrap();
        assert!(!without.contains_key(CONTENT_DIGEST));
        assert!(without[INPUT].to_str().unwrap().starts_with("sig1=(\"@method\" \"@target-uri\");"));
    }

    #[test]
    fn a_digest_of_ones_own_is_kept_and_a_second_signature_refused() {
        let mut own = request(b"x");
        own.fields.insert(CONTENT_DIGEST, HeaderValue::from_static("sha-512=:AAAA:"));
        assert_eq!(signed(&own).unwrap()[CONTENT_DIGEST], "sha-512=:AAAA:");
        own.fields.insert(SIGNATURE, HeaderValue::from_static("a=:AA==:"));
        assert!(matches!(signed(&own), Err(SignFault::FieldTaken(name)) if name == SIGNATURE));
    }
}
