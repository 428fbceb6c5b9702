//! The published tokens, by the sections in which they stand.

use super::jws::sign;
use super::*;
use crate::crypto::{KeyKind, NewKey, SigningKey, base64url};

/// RFC 7515 appendix A: the payload of A.1 to A.3.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A1_KEY: &str = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const A1_MAC: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A2_KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3_KEY: &str =
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const A3_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// RFC 7520 §4: the payload of its signatures, and the keys of §3.3 and §3.5.
const FRODO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";
const BILBO: &str = r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}"#;
const SECRET: &str = r#"{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;
const RS256_4_1: &str = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg";
const PS384_4_2: &str = "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw";
const HS256_4_4: &str = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";

/// RFC 8037 appendix A: an Ed25519 key (A.1) and what it signed (A.4).
const ED25519_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const ED25519_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ED25519_SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn token(header: &str, payload: &str, signature: &str) -> String {
    format!("{}.{payload}.{signature}", base64url::encode(header.as_bytes()))
}

fn verdict(token: &str, key: &str) -> Result<Jws, Unproved> {
    Unconfirmed::parse(token).unwrap().confirmed_by(&[VerificationKey::parse(key.as_bytes()).unwrap()])
}

fn holds(token: &str, key: &str) {
    assert!(verdict(token, key).is_ok(), "{token}");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut octets = base64url::decode_to_vec(signature.as_bytes()).unwrap();
    for place in 0..octets.len() {
        octets[place] ^= 1;
        let other = format!("{signed}.{}", base64url::encode(&octets));
        assert_eq!(verdict(&other, key).err(), Some(Unproved::Signature), "{place}");
        octets[place] ^= 1;
    }
    for length in [0, 1, octets.len() - 1] {
        let other = format!("{signed}.{}", base64url::encode(&octets[..length]));
        assert_eq!(verdict(&other, key).err(), Some(Unproved::Signature), "{length}");
    }
}

#[test]
fn rfc_7515_a_1_hs256() {
    let published = token("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", JOE, A1_MAC);
    holds(&published, A1_KEY);
    let key = base64url::decode_to_vec(&A1_KEY.as_bytes()[18..A1_KEY.len() - 2]).unwrap();
    let key = IssuingKey::secret(&key, Algorithm::Hs256).unwrap();
    let payload = base64url::decode_to_vec(JOE.as_bytes()).unwrap();
    assert_eq!(*sign(b"{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", &payload, &key).unwrap(), published);
}

#[test]
fn rfc_7515_a_2_rs256() {
    holds(&token(r#"{"alg":"RS256"}"#, JOE, A2_SIGNATURE), A2_KEY);
    assert_eq!(verdict(&token(r#"{"alg":"RS256"}"#, JOE, A2_SIGNATURE), BILBO).err(), Some(Unproved::Signature));
    assert_eq!(verdict(&token(r#"{"alg":"PS256"}"#, JOE, A2_SIGNATURE), A2_KEY).err(), Some(Unproved::Signature));
    assert_eq!(verdict(&token(r#"{"alg":"ES256"}"#, JOE, A2_SIGNATURE), A2_KEY).err(), Some(Unproved::AlgorithmUnfit));
}

#[test]
fn rfc_7515_a_3_es256() {
    holds(&token(r#"{"alg":"ES256"}"#, JOE, A3_SIGNATURE), A3_KEY);
}

/// A.4 is ES512, which does not exist here.
#[test]
fn rfc_7515_a_4_and_a_5_name_no_algorithm_of_ours() {
    for header in [r#"{"alg":"ES512"}"#, r#"{"alg":"none"}"#] {
        assert!(matches!(Unconfirmed::parse(&token(header, JOE, "")), Err(JwsSyntax::Header(HeaderSyntax::Algorithm))));
    }
}

#[test]
fn rfc_7520_4_1_rs256() {
    holds(&token(r#"{"alg":"RS256","kid":"bilbo.baggins@hobbiton.example"}"#, FRODO, RS256_4_1), BILBO);
}

#[test]
fn rfc_7520_4_2_ps384() {
    holds(&token(r#"{"alg":"PS384","kid":"bilbo.baggins@hobbiton.example"}"#, FRODO, PS384_4_2), BILBO);
}

#[test]
fn rfc_7520_4_4_hs256() {
    let header = r#"{"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"}"#;
    holds(&token(header, FRODO, HS256_4_4), SECRET);
    assert_eq!(verdict(&token(header, FRODO, HS256_4_4), BILBO).err(), Some(Unproved::KeyUnknown));
}

#[test]
fn rfc_8037_a_4_ed25519() {
    holds(ED25519_SIGNED, ED25519_KEY);
    let mut pkcs8 = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    pkcs8.extend(base64url::decode_to_vec(ED25519_SEED.as_bytes()).unwrap());
    let key = IssuingKey::signing(SigningKey::from_pkcs8_der(&pkcs8).unwrap(), None).unwrap();
    assert_eq!(*sign(br#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing", &key).unwrap(), ED25519_SIGNED);
}

/// RFC 9864 §2.2 names the same algorithm `Ed25519`.
#[test]
fn fully_specified_names_are_taken() {
    let mut pkcs8 = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    pkcs8.extend([7; 32]);
    let key = IssuingKey::signing(SigningKey::from_pkcs8_der(&pkcs8).unwrap(), None).unwrap();
    let public = describe(key.public().unwrap(), "a", None);
    holds(&sign(br#"{"alg":"Ed25519"}"#, b"{}", &key).unwrap(), &public);
}

#[test]
fn fresh_keys_of_every_kind_sign_what_their_public_halves_confirm() {
    for (kind, algorithm) in [(NewKey::P256, Algorithm::Es256), (NewKey::P384, Algorithm::Es384), (NewKey::Ed25519, Algorithm::EdDsa)] {
        let key = IssuingKey::signing(SigningKey::generate(kind).unwrap(), None).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let public = describe(key.public().unwrap(), "a", Some(algorithm));
        holds(&issue("JWT", b"{}", &key.named("a")).unwrap(), &public);
    }
    let key = SigningKey::generate(NewKey::P256).unwrap();
    assert_eq!(key.kind(), KeyKind::P256);
    assert_eq!(IssuingKey::signing(key, Some(Algorithm::Es384)).err(), Some(Unfit::Algorithm));
}
