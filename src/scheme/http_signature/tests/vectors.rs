//! The examples of RFC 9421: appendix B and section 3.2.

use super::*;
use crate::crypto::PublicKey;
use crate::token::jose::VerificationKey;
use crate::token::jose::pem::{self, PemKey};

const CREATED: UnixTime = UnixTime::from_seconds(1_618_884_473);
const DIGEST: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
const HELLO: &[u8] = b"{\"hello\": \"world\"}";

/// B.1.2, B.1.3, B.1.4 and B.1.5.
const RSA_PSS: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----";
const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----";
const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----";
const ED25519_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----";
const SHARED: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

/// An example: what of it is in the head, and what comes of it.
struct Example {
    label: &'static str,
    authority: &'static str,
    method: Method,
    target: &'static str,
    fields: Vec<(&'static str, &'static str)>,
    input: &'static str,
    signature: &'static str,
}

fn public(text: &str) -> PublicKey {
    let PemKey::Public(key) = pem::read(text).unwrap() else { panic!("a private key") };
    key
}

fn shared() -> Vec<u8> {
    let mut octets = [0; 64];
    base64::decode(SHARED.as_bytes(), &mut octets).unwrap().to_vec()
}

/// The scheme with the keys of the examples, demanding what an example covers.
fn scheme(required: Value) -> HttpSignature {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("keys").join(name), text).unwrap();
    write("test-key-rsa-pss.pem", RSA_PSS);
    write("test-key-ecc-p256.pem", P256);
    write("test-key-ed25519.pem", ED25519);
    write("test-shared-secret.jwk", &format!(r#"{{"kty":"oct","alg":"HS256","k":"{}"}}"#, base64url::encode(&shared())));
    write("README", "left aside");
    built(json!({ "keys_dir": "keys", "required_components": required }), folder.path()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

impl Example {
    fn usual(label: &'static str, input: &'static str, signature: &'static str) -> Self {
        let fields = vec![
            ("host", "example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            ("content-digest", DIGEST),
            ("content-length", "18"),
        ];
        Self { label, authority: "example.com", method: Method::POST, target: "/foo?param=Value&Pet=dog", fields, input, signature }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.fields {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers.append(INPUT, format!("{}={}", self.label, self.input).parse().unwrap());
        headers.append(SIGNATURE, format!("{}=:{}:", self.label, self.signature).parse().unwrap());
        headers
    }

    fn base(&self) -> String {
        let (headers, input) = (self.headers(), format!("{}={}", self.label, self.input));
        let (host, target) = (self.authority.as_bytes(), self.target.as_bytes());
        let message = Message { method: self.method.as_str(), scheme: "https", authority: self.authority, host, target, fields: &headers };
        let stated = Stated::read([input.as_bytes()].into_iter()).unwrap();
        let mut out = Vec::new();
        base::write(&stated[0], &message, &StructuredFields::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What the scheme says of it, its content included.
    fn judge(&self, scheme: &HttpSignature) -> Result<Proof, Refusal> {
        let headers = self.headers();
        let connection = Connection {
            peer: ([192, 0, 2, 7], 4711).into(),
            security: TransportSecurity::Tls { server_name: Arc::from(""), certificate: None },
        };
        let head = RequestHead {
            method: &self.method,
            authority: self.authority,
            path: "/foo",
            query: "",
            received: Received { target: self.target.as_bytes(), host: self.authority.as_bytes() },
            fields: &headers,
        };
        let carries = if self.method == Method::POST { crate::scheme::Carries::Content } else { crate::scheme::Carries::Nothing };
        let evidence = Evidence {
            head,
            connection: &connection,
            peer: crate::scheme::PeerTrust::Untrusted,
            content: &[],
            carries,
            beside: Beside::Refused,
            now: CREATED.later(60),
        };
        let credential = scheme.extract(&evidence)?.expect("there is a signature");
        battery::finish(scheme.verify(&credential, &evidence))
    }
}

fn minimal() -> Example {
    Example::usual(
        "sig-b21",
        "();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"",
        "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeN\
         qsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8j\
         YzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
    )
}

fn selective() -> Example {
    Example::usual(
        "sig-b22",
        "(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\");created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
        "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXx\
         i0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/\
         lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
    )
}

fn full() -> Example {
    Example::usual(
        "sig-b23",
        "(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
        "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzY\
         x8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9\
         BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
    )
}

fn by_secret() -> Example {
    Example::usual(
        "sig-b25",
        "(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
        "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
    )
}

fn by_ed25519() -> Example {
    Example::usual(
        "sig-b26",
        "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
    )
}

/// Section 3.2, over the base of section 2.5.
fn worked() -> Example {
    Example::usual(
        "sig1",
        "(\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-length\" \"content-type\");created=1618884473;keyid=\"test-key-rsa-pss\"",
        "HIbjHC5rS0BYaa9v4QfD4193TORw7u9edguPh0AW3dMq9WImrlFrCGUDih47vAxi4L2YRZ3XMJc1uOKk/J0ZmZ+wcta4nKIgBkKq0rM9hs3CQyxXGxHLMCy8uqK4\
         88o+9jrptQ+xFPHK7a9sRL1IXNaagCNN3ZxJsYapFj+JXbmaI5rtAdSfSvzPuBCh+ARHBmWuNo1UzVVdHXrl8ePL4cccqlazIJdC4QEjrF+Sn4IxBQzTZsL9y9TP\
         5FsZYzHvDqbInkTNigBcE9cKOYNFCn4D/WM7F6TNuZO9EgtzepLWcjTymlHzK7aXq6Am6sfOrpIC49yXjj3ae6HRalVc/g==",
    )
}

fn behind_a_proxy() -> Example {
    let certificate = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0\
         ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/Inc\
         WalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0Z\
         aSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHd\
         a/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";
    let mut example = Example::usual(
        "ttrp",
        "(\"@path\" \"@query\" \"@method\" \"@authority\" \"client-cert\");created=1618884473;keyid=\"test-key-ecc-p256\"",
        "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==",
    );
    example.authority = "service.internal.example";
    example.fields.push(("client-cert", certificate));
    example
}

fn transformed(fields: &[(&'static str, &'static str)]) -> Example {
    Example {
        label: "transform",
        authority: "example.org",
        method: Method::GET,
        target: "/demo?name1=Value1&Name2=value2",
        fields: fields.to_vec(),
        input: "(\"@method\" \"@path\" \"@authority\" \"accept\");created=1618884473;keyid=\"test-key-ed25519\"",
        signature: "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==",
    }
}

#[test]
fn requests_of_appendix_b_2_are_proved() {
    for (example, required, digested) in [
        (selective(), json!(["@authority", "content-digest", "\"@query-param\";name=\"Pet\""]), true),
        (full(), json!(["@method", "@path", "@query", "@authority", "date", "content-type", "content-digest", "content-length"]), true),
        (by_secret(), json!(["@authority", "date", "content-type"]), false),
        (by_ed25519(), json!(["@method", "@path", "@authority", "date"]), false),
        (worked(), json!(["@method", "@path", "@authority", "content-digest"]), true),
        (behind_a_proxy(), json!(["@path", "@query", "@method", "@authority", "client-cert"]), false),
    ] {
        let proof = example.judge(&scheme(required)).unwrap_or_else(|refusal| panic!("{}: {}", example.label, refusal.reason()));
        match proof.content {
            crate::scheme::ContentPledge::Digest(mut digest) => {
                assert!(digested);
                digest.update(HELLO);
                assert!(digest.holds());
            }
            crate::scheme::ContentPledge::Nothing => assert!(!digested, "{}", example.label),
        }
    }
}

/// B.2.1 covers nothing, which no configuration can be content with.
#[test]
fn what_covers_nothing_holds_and_proves_nothing() {
    let example = minimal();
    let base = "\"@signature-params\": ();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"";
    assert_eq!(example.base(), base);
    let key = VerificationKey::public(public(RSA_PSS), None, None).unwrap();
    let mut signature = [0; 256];
    base64::decode(example.signature.as_bytes(), &mut signature).unwrap();
    assert_eq!(MessageAlgorithm::of_key(&key), Some(MessageAlgorithm::RsaPssSha512));
    assert!(key.verify(MessageAlgorithm::RsaPssSha512.jose(), base.as_bytes(), &signature));
    assert!(!key.verify(MessageAlgorithm::RsaV15Sha256.jose(), base.as_bytes(), &signature));
    assert_eq!(example.judge(&scheme(json!(["@method"]))).unwrap_err().reason(), "coverage_missing");
}

/// B.2.4 is an answer: its base is checked, and no request has it.
#[test]
fn an_answer_holds_and_is_no_request() {
    let input = "(\"@status\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"";
    let digest = "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
    let base = format!(
        "\"@status\": 200\n\"content-type\": application/json\n\"content-digest\": {digest}\n\"content-length\": 23\n\"@signature-params\": {input}"
    );
    let signature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
    let key = VerificationKey::public(public(P256), None, None).unwrap();
    let octets = base64::decode_exactly::<64>(signature.as_bytes()).unwrap();
    assert!(key.verify(MessageAlgorithm::EcdsaP256Sha256.jose(), base.as_bytes(), &octets));
    let example = Example { input, signature, ..minimal() };
    assert_eq!(example.judge(&scheme(json!(["content-type"]))).unwrap_err().reason(), "component_refused");
}

#[test]
fn the_worked_base_is_that_of_section_2_5() {
    let lines = [
        "\"@method\": POST",
        "\"@authority\": example.com",
        "\"@path\": /foo",
        &format!("\"content-digest\": {DIGEST}"),
        "\"content-length\": 18",
        "\"content-type\": application/json",
        "\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-length\" \"content-type\");created=1618884473;keyid=\"test-key-rsa-pss\"",
    ];
    assert_eq!(worked().base(), lines.join("\n"));
}

#[test]
fn transformations_of_appendix_b_4_hold_as_far_as_they_may() {
    let scheme = scheme(json!(["@method", "@path", "@authority", "accept"]));
    let original = || transformed(&[("date", "Fri, 15 Jul 2022 14:24:55 GMT"), ("accept", "application/json"), ("accept", "*/*")]);
    let more = transformed(&[("accept", "application/json"), ("accept", "*/*"), ("accept-language", "en-US,en;q=0.5")]);
    let joined = transformed(&[("referer", "https://developer.example.org/demo"), ("accept", "application/json, */*")]);
    let longer = Example { target: "/demo?name1=Value1&Name2=value2&param=added", ..original() };
    for good in [original(), more, joined, longer] {
        assert!(good.judge(&scheme).is_ok());
    }
    let moved = Example { method: Method::POST, authority: "example.com", ..original() };
    let reordered = transformed(&[("accept", "*/*"), ("accept", "application/json")]);
    for bad in [moved, reordered] {
        assert_eq!(bad.judge(&scheme).unwrap_err().reason(), "signature_invalid");
    }
}

/// HMAC and Ed25519 give the same octets each time: the signer must come to those that are printed.
#[test]
fn the_signer_agrees_with_appendix_b_2() {
    let PemKey::Private(private) = pem::read(ED25519_PRIVATE).unwrap() else { panic!("a public key") };
    let ed25519 = IssuingKey::signing(*private, None).unwrap();
    for (example, key) in [(by_secret(), IssuingKey::secret(&shared(), Algorithm::Hs256).unwrap()), (by_ed25519(), ed25519)] {
        let (components, rest) = example.input[1..].split_once(')').unwrap();
        let keyid = rest.split('"').nth(1).unwrap();
        let settings = SignerSettings {
            label: example.label.into(),
            keyid: keyid.into(),
            tag: Box::default(),
            lifetime: 0,
            components: components.split(' ').map(Box::from).collect(),
        };
        let headers = example.headers();
        let (host, target) = (example.authority.as_bytes(), example.target.as_bytes());
        let message =
            Message { method: example.method.as_str(), scheme: "https", authority: example.authority, host, target, fields: &headers };
        let fields = MessageSigner::new(key, settings).unwrap().sign(&message, "", CREATED).unwrap();
        assert_eq!(fields.input.as_bytes(), headers[INPUT].as_bytes());
        assert_eq!(fields.signature.as_bytes(), headers[SIGNATURE].as_bytes());
    }
}
