//! Every algorithm of every profile, what a signature must speak of, and what a digest must cover.

use crate::support::wssec::{Draft, HolderKey, Partners, Requester, Saying};
use crate::support::{Gateway, Upstream};
use portcullis::crypto::KeyKind;
use portcullis::scheme::wssec::wire::{DigestName, SignatureName, Usage};

async fn scene(partners: &Partners) -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    (partners.config().upstream(&upstream).start().await, upstream)
}

async fn status(gateway: &Gateway, draft: &Draft) -> u16 {
    draft.sign().ask(gateway.address()).await.status()
}

async fn refuses(gateway: &Gateway, draft: &Draft, reason: &str) {
    assert_eq!(status(gateway, draft).await, 401, "{reason}");
    gateway.denial(reason).await;
}

/// Every holder there is, and the algorithms of its key that are taken without being named.
fn holders() -> Vec<(Requester, Vec<SignatureName>)> {
    use SignatureName::{EcdsaP256Sha256, EcdsaP384Sha384, Ed25519, HmacSha256, HmacSha512, RsaPssSha256, RsaSha256};
    let of_kind = |kind| match kind {
        KeyKind::Rsa => vec![RsaSha256, RsaPssSha256],
        KeyKind::P256 => vec![EcdsaP256Sha256],
        KeyKind::P384 => vec![EcdsaP384Sha384],
        KeyKind::Ed25519 => vec![Ed25519],
    };
    let kinds = [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519];
    let mut holders = vec![(Requester::jwt_sealed(), vec![HmacSha256, HmacSha512]), (Requester::swt(), vec![HmacSha256, HmacSha512])];
    holders.extend(kinds.map(|kind| (Requester::jwt(kind), of_kind(kind))));
    holders.extend(kinds.map(|kind| (Requester::x509(kind), of_kind(kind))));
    holders
}

#[tokio::test]
async fn each_algorithm_is_taken_from_each_profile_that_has_a_key_for_it_and_no_other_is() {
    let (gateway, upstream) = scene(&Partners::new()).await;
    let mut admitted = 0;
    for (requester, algorithms) in holders() {
        for algorithm in SignatureName::ALL {
            let about = format!("{} {algorithm:?}", requester.profile);
            for draft in [requester.get("/orders"), requester.post("/orders", b"content")] {
                let signed = draft.algorithm(algorithm).sign();
                let answer = signed.ask(gateway.address()).await.status();
                if algorithms.contains(&algorithm) {
                    assert_eq!(answer, 200, "{about} {:#?}", gateway.events().last());
                    admitted += 1;
                } else {
                    assert_eq!(answer, 401, "{about}");
                }
            }
        }
        for algorithm in algorithms {
            let forged = Requester { key: stranger(&requester.key), ..requester.clone() };
            assert_eq!(status(&gateway, &forged.get("/orders").algorithm(algorithm)).await, 401, "{} {algorithm:?}", requester.profile);
        }
    }
    gateway.denial("algorithm_refused").await;
    gateway.denial("holder_signature_invalid").await;
    assert_eq!(upstream.requests().len(), admitted);
}

/// Another key of the same kind; the same where there is one only.
fn stranger(key: &HolderKey) -> HolderKey {
    match key {
        HolderKey::Secret(_) => HolderKey::Secret(vec![0x99; 32]),
        // There is one RSA key. Signed with a key of another kind, it is as wrong.
        HolderKey::Private(key) if key.kind() == KeyKind::Rsa => HolderKey::new(KeyKind::P256),
        HolderKey::Private(key) => HolderKey::new(key.kind()),
    }
}

#[tokio::test]
async fn sha_1_is_taken_only_where_it_is_named() {
    let named =
        Partners::new().set("signature", "{ algorithms: [hmac-sha1, rsa-sha1, hmac-sha256] }").set("digest", "{ algorithms: [sha-1] }");
    let (named, _named_upstream) = scene(&named).await;
    let (usual, upstream) = scene(&Partners::new()).await;
    let sha1 = |mut draft: Draft| {
        draft.digest_algorithm = DigestName::Sha1;
        draft
    };
    for (requester, algorithm) in [
        (Requester::swt(), SignatureName::HmacSha1),
        (Requester::jwt_sealed(), SignatureName::HmacSha1),
        (Requester::jwt(KeyKind::Rsa), SignatureName::RsaSha1),
        (Requester::x509(KeyKind::Rsa), SignatureName::RsaSha1),
    ] {
        for draft in [requester.get("/"), sha1(requester.post("/", b"content"))] {
            let draft = draft.algorithm(algorithm);
            assert_eq!(status(&named, &draft).await, 200, "{} {:#?}", requester.profile, named.events().last());
            assert_eq!(status(&usual, &draft).await, 401, "{}", requester.profile);
        }
    }
    refuses(&usual, &sha1(Requester::swt().post("/", b"content")), "algorithm_refused").await;
    refuses(&named, &Requester::swt().post("/", b"content"), "algorithm_refused").await;
    upstream.assert_untouched();
}

#[tokio::test]
async fn each_digest_is_taken() {
    let (gateway, _upstream) = scene(&Partners::new()).await;
    for algorithm in [DigestName::Sha256, DigestName::Sha512] {
        let mut draft = Requester::swt().post("/", b"content");
        draft.digest_algorithm = algorithm;
        assert_eq!(status(&gateway, &draft).await, 200, "{algorithm:?}");
        draft.nonce = crate::support::wssec::nonce();
        assert_eq!(draft.sign().tampered().ask(gateway.address()).await.status(), 401, "{algorithm:?}");
    }
}

#[tokio::test]
async fn what_a_signature_must_speak_of_is_a_matter_of_usage_method_and_content() {
    use Usage::{Auth, Message};
    let requester = Requester::jwt_sealed();
    let rules = [
        // usage, required_for, method, content, signed usage, taken
        ("auth", "[POST]", "GET", "", Auth, true),
        ("auth", "[POST]", "POST", "content", Auth, true),
        ("auth", "[POST]", "POST", "content", Message, true),
        ("message", "[POST]", "GET", "", Auth, true),
        ("message", "[POST]", "GET", "", Message, true),
        ("message", "[POST]", "GET", "content", Auth, false),
        ("message", "[POST]", "GET", "content", Message, true),
        ("message", "[POST]", "POST", "", Auth, false),
        ("message", "[POST]", "POST", "", Message, true),
        ("message", "[DELETE]", "DELETE", "", Auth, false),
        ("message", "[DELETE]", "POST", "", Auth, true),
        ("message", "[DELETE]", "POST", "content", Auth, false),
        ("message", "[]", "POST", "content", Auth, false),
        ("message-always", "[]", "GET", "", Auth, false),
        ("message-always", "[]", "GET", "", Message, true),
    ];
    let mut running: Option<(String, Gateway, Upstream)> = None;
    for (usage, methods, method, content, signed, taken) in rules {
        let settings = format!("{usage} {methods}");
        if running.as_ref().is_none_or(|(known, ..)| *known != settings) {
            let partners = Partners::new().set("signature", &format!("{{ usage: {usage} }}"));
            let (gateway, upstream) = scene(&partners.set("digest", &format!("{{ required_for: {methods} }}"))).await;
            running = Some((settings.clone(), gateway, upstream));
        }
        let (_, gateway, _) = running.as_ref().unwrap();
        let draft = requester.request(method, "/orders", content.as_bytes()).usage(signed);
        let about = format!("{settings} {method} {content:?} {signed:?}");
        if taken {
            assert_eq!(status(gateway, &draft).await, 200, "{about} {:#?}", gateway.events().last());
        } else {
            refuses(gateway, &draft, "usage_refused").await;
        }
    }
}

#[tokio::test]
async fn a_digest_and_a_signature_that_do_not_speak_of_each_other_are_refused() {
    for partners in [Partners::new(), Partners::new().set("signature", "{ usage: auth }")] {
        let (gateway, upstream) = scene(&partners).await;
        let requester = Requester::jwt_sealed();
        // Signed as `auth`, with a digest beside it that nobody signed.
        let signed = requester.post("/", b"content").sign();
        let auth = requester.post("/", b"content").usage(Usage::Auth).sign().with("X-WSS-Digest", signed.value("X-WSS-Digest"));
        assert_eq!(auth.ask(gateway.address()).await.status(), 401);
        gateway.denial("usage_refused").await;
        assert_eq!(signed.without("X-WSS-Digest").ask(gateway.address()).await.status(), 401);
        gateway.denial("digest_missing").await;
        upstream.assert_untouched();
    }
}

#[tokio::test]
async fn a_digest_covers_what_the_configuration_wants() {
    let requester = Requester::jwt_sealed();
    let draft = || requester.post("/", b"content").field("Content-Type", "text/plain").field("X-Order", "  two \t apples ");
    let (gateway, _upstream) = scene(&Partners::new()).await;
    let all = ["authorization", "content-type", "x-wss-token1", "x-wss-tokenloc"];
    assert_eq!(status(&gateway, &draft().covering(&all)).await, 200);
    for missing in all {
        let names: Vec<_> = all.into_iter().filter(|name| *name != missing).collect();
        refuses(&gateway, &draft().covering(&names), "coverage_missing").await;
    }
    assert_eq!(status(&gateway, &draft().covering(&[&all[..], &["x-order"]].concat())).await, 200, "more may be covered");
    let changed = draft().covering(&[&all[..], &["x-order"]].concat()).sign().change("X-Order", |_| "two apples".to_owned());
    assert_eq!(changed.ask(gateway.address()).await.status(), 200, "white space is the same");
    let changed = draft().covering(&[&all[..], &["x-order"]].concat()).sign().change("X-Order", |_| "ten apples".to_owned());
    assert_eq!(changed.ask(gateway.address()).await.status(), 401);
    gateway.denial("digest_mismatch").await;
    // A field that is not there need not be covered.
    assert_eq!(status(&gateway, &requester.post("/", b"content")).await, 200);

    let (gateway, _upstream) = scene(&Partners::new().set("digest", "{ covered: [x-order] }")).await;
    refuses(&gateway, &draft().covering(&all), "coverage_missing").await;
    assert_eq!(status(&gateway, &draft().covering(&["x-order"])).await, 200);
    let (gateway, _upstream) = scene(&Partners::new().set("digest", "{ covered: [] }")).await;
    assert_eq!(status(&gateway, &draft().covering(&[])).await, 200);
}

#[tokio::test]
async fn what_the_token_claims_decides_and_where_it_ends() {
    let partners = Partners::new().set("claims", "{ department: { one_of: [sales] } }");
    let (gateway, upstream) = scene(&partners).await;
    let of = |claims: Vec<(&'static str, &'static str)>| {
        Requester::jwt_of(HolderKey::new(KeyKind::P256), &Saying { claims, ..Saying::default() })
    };
    refuses(&gateway, &of(Vec::new()).get("/"), "claim_missing").await;
    refuses(&gateway, &of(vec![("department", "stock")]).get("/"), "claim_mismatch").await;
    assert_eq!(status(&gateway, &of(vec![("department", "sales")]).get("/")).await, 200);
    let over = Requester::jwt_of(
        HolderKey::new(KeyKind::P256),
        &Saying { expires_in: -1, claims: vec![("department", "sales")], subject: "alice" },
    );
    refuses(&gateway, &over.get("/"), "expired").await;
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_its_field() {
    let (gateway, upstream) = scene(&Partners::new()).await;
    let signed = Requester::jwt_sealed().post("/orders", b"x").sign();
    for (field, value, reason, told) in [
        ("Authorization", "WSSEC realm", "field_syntax", "Authorization"),
        ("X-WSS-TokenLoc", "x", "field_syntax", "X-WSS-TokenLoc"),
        ("X-WSS-Token1", "!", "token_encoding", "X-WSS-TokenN"),
        ("X-WSS-Security", "x", "field_syntax", "X-WSS-Security"),
        ("X-WSS-Digest", "x=y", "parameter_unknown", "X-WSS-Digest"),
    ] {
        let request = signed.clone().without(field).with(field, value);
        assert_eq!(request.ask(gateway.address()).await.status(), 400, "{field}");
        let line = gateway.audit_line(|line| line["event"] == "decision" && line["field"] == told).await;
        assert_eq!(line["reason"], reason, "{line}");
        gateway.access_line(|line| line["field"] == told).await;
    }
    upstream.assert_untouched();
}
