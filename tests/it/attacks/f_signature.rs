//! HTTP message signatures that say less than they seem to, and requests that say something else, T-92 to T-99.

use super::Scene;
use crate::support::http2::Http2Client;
use crate::support::signature::{Draft, config, digest_field, get, long_digest_field, post};
use crate::support::wssec::Signed;
use crate::support::{RawClient, raw};
use portcullis::clock;

const CONTENT: &[u8] = b"{\"order\":42,\"to\":\"alice\"}";
const HEAD: [&str; 2] = ["\"@method\"", "\"@target-uri\""];

async fn callers(scheme: &[&str]) -> Scene {
    Scene::with(config(scheme, &[], "", "")).await
}

fn order() -> Draft {
    post("/orders?x=1", CONTENT)
}

/// The caller gets the status, the audit log the exact reason, the backend nothing.
async fn refused(scene: &Scene, signed: &Signed, status: u16, reason: &str) {
    never_whole(scene, &signed.whole(), status, reason).await;
}

async fn never_whole(scene: &Scene, octets: &[u8], status: u16, reason: &str) {
    let shown: String = String::from_utf8_lossy(octets).chars().take(2000).collect();
    let heard = scene.upstream.requests().len();
    let mut client = RawClient::connect(scene.gateway.address()).await;
    // A gateway that has seen enough may close before all of it is sent.
    let _ = client.try_send(octets).await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), status, "{shown}");
    assert!(!answer.text().contains("sig1"), "{shown}");
    let id = answer.field("x-request-id").unwrap_or_else(|| panic!("refused by the parser: {shown}")).to_owned();
    if status == 413 {
        // What is found too large on its way was admitted before.
        scene.gateway.access_line(|line| line["request_id"] == id && line["status"] == status).await;
        scene.gateway.denial(reason).await;
    } else {
        let line = scene.gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
        assert_eq!(line["reason"], reason, "{shown}: {line}");
    }
    assert_eq!(scene.upstream.requests().len(), heard, "the backend heard of {shown}");
}

async fn admitted(scene: &Scene, signed: &Signed) {
    let answer = signed.ask(scene.gateway.address()).await;
    assert_eq!(answer.status(), 200, "{signed:?} {:#?}", scene.gateway.events().last());
}

fn swapped(signed: &Signed, name: &str, from: &str, to: &str) -> Signed {
    assert!(signed.value(name).contains(from), "{signed:?}");
    signed.clone().change(name, |value| value.replacen(from, to, 1))
}

#[tokio::test]
async fn t_92_a_signed_request_with_a_nonce_is_taken_once() {
    let scene = callers(&["nonce: required"]).await;
    refused(&scene, &get("/").sign(), 401, "nonce_missing").await;
    let signed = get("/").stating(";nonce=\"n-1\"").sign();
    admitted(&scene, &signed).await;
    refused(&scene, &signed, 401, "nonce_seen").await;
    refused(&scene, &get("/other").stating(";nonce=\"n-1\"").sign(), 401, "nonce_seen").await;
    refused(&scene, &get("/").stating(";nonce=\"n-2\"").by_a_stranger().sign(), 401, "signature_invalid").await;
    admitted(&scene, &get("/").stating(";nonce=\"n-2\"").sign()).await;
    // Content that was never there uses up nothing.
    let order = order().stating(";nonce=\"n-3\"").sign();
    refused(&scene, &order.clone().tampered(), 401, "digest_mismatch").await;
    admitted(&scene, &order).await;
    // Made before the gateway began to remember, by its own account.
    refused(&scene, &get("/").signed_in(-120).stating(";nonce=\"n-4\"").sign(), 401, "timestamp_outside").await;
}

#[tokio::test]
async fn t_94_a_signature_covers_what_is_required() {
    let scene = callers(&["required_components: [\"@method\", \"@target-uri\", \"@authority\", x-account, content-digest]"]).await;
    let full = |draft: Draft| draft.field("X-Account", "alice").covering("\"@authority\"").covering("\"x-account\"");
    admitted(&scene, &full(order()).sign()).await;
    for left_out in ["\"@method\"", "\"@target-uri\"", "\"@authority\"", "\"x-account\"", "\"content-digest\""] {
        let mut draft = full(order());
        draft.components.retain(|component| component != left_out);
        refused(&scene, &draft.sign(), 401, "coverage_missing").await;
    }
    let mut none = full(order());
    none.components.clear();
    refused(&scene, &none.sign(), 401, "coverage_missing").await;
    // A part of a field is not the field.
    refused(
        &scene,
        &swapped(&full(order()).sign(), "Signature-Input", "\"x-account\"", "\"x-account\";key=\"a\""),
        401,
        "coverage_missing",
    )
    .await;
}

#[tokio::test]
async fn t_94_what_is_covered_is_there_and_stands_once() {
    let scene = callers(&[]).await;
    refused(&scene, &get("/").covering("\"x-absent\"").sign(), 401, "component_absent").await;
    let no_field = Draft { fields: Vec::new(), ..order() };
    refused(&scene, &no_field.sign(), 401, "component_absent").await;
    let no_field = Draft { fields: Vec::new(), content: Vec::new(), ..order() };
    refused(&scene, &no_field.sign(), 401, "component_absent").await;
    refused(&scene, &get("/").covering("\"@method\"").sign(), 400, "component_repeated").await;
    refused(&scene, &get("/").field("X-A", "1").covering("\"x-a\"").covering("\"x-a\"").sign(), 400, "component_repeated").await;
    for odd in [
        "\"@status\"",
        "\"@method\";req",
        "\"X-A\"",
        "\"x-a\";req",
        "\"x-a\";bs;sf",
        "\"x-a\";unknown",
        "\"@signature-params\"",
        "\"@query-param\"",
    ] {
        refused(&scene, &get("/").field("X-A", "1").covering(odd).sign(), 400, "component_refused").await;
    }
    refused(&scene, &get("/").field("X-A", "1").covering("\"x-a\";tr").sign(), 401, "component_absent").await;
    refused(&scene, &get("/?a=1&a=1").covering("\"@query-param\";name=\"a\"").sign(), 401, "component_absent").await;
}

#[tokio::test]
async fn t_94_what_was_signed_is_what_is_judged() {
    let scene = callers(&["required_components: [\"@method\", \"@path\", \"@query\", \"@authority\", x-account]"]).await;
    let signed = get("/orders?b=2&a=1")
        .over(&["\"@method\"", "\"@path\"", "\"@query\"", "\"@authority\"", "\"x-account\""])
        .field("X-Account", "alice")
        .sign();
    admitted(&scene, &signed).await;
    let other = |change: &dyn Fn(&mut Signed)| {
        let mut other = signed.clone();
        change(&mut other);
        other
    };
    for bad in [
        other(&|signed| signed.method = "DELETE".to_owned()),
        other(&|signed| signed.target = "/orders?a=1&b=2".to_owned()),
        other(&|signed| signed.target = "/orders?b=2&a=1&".to_owned()),
        other(&|signed| signed.target = "/orders?b=2&a=%31".to_owned()),
        other(&|signed| signed.target = "/order%73?b=2&a=1".to_owned()),
        other(&|signed| signed.host = "localhost:8080".to_owned()),
        signed.clone().change("X-Account", |_| "Alice".to_owned()),
        signed.clone().change("X-Account", |_| "alice,".to_owned()),
        signed.clone().with("X-Account", "mallory"),
        swapped(&signed, "Signature-Input", "\"@method\" \"@path\"", "\"@path\" \"@method\""),
        swapped(&signed, "Signature-Input", "\"x-account\"", "\"x-account\";bs"),
        swapped(&signed, "Signature-Input", ";keyid", ";tag=\"x\";keyid"),
    ] {
        refused(&scene, &bad, 401, "signature_invalid").await;
    }
    // Letter case of a host, its root's dot and white space around a value are nobody's statement.
    for same in ["LOCALHOST", "localhost.", "localhost:80"] {
        admitted(&scene, &other(&|signed| signed.host = same.to_owned())).await;
    }
    admitted(&scene, &signed.clone().change("X-Account", |value| format!("  {value} \t"))).await;
}

/// What the gateway removes or sets was signed as the caller sent it.
#[tokio::test]
async fn t_94_fields_that_are_rewritten_are_judged_as_received() {
    let scene = callers(&[]).await;
    let signed = get("/").field("X-Auth-Request-User", "mallory").field("X-Forwarded-For", "192.0.2.1");
    admitted(&scene, &signed.covering("\"x-auth-request-user\"").covering("\"x-forwarded-for\"").sign()).await;
    assert_eq!(scene.upstream.request().values("x-auth-request-user"), ["alice"]);
}

#[tokio::test]
async fn t_94_times_keys_and_algorithms_of_a_signature() {
    let scene = callers(&[]).await;
    let now = clock::now().seconds();
    refused(&scene, &get("/").signed_in(-400).sign(), 401, "expired").await;
    refused(&scene, &get("/").signed_in(90).sign(), 401, "timestamp_outside").await;
    refused(&scene, &get("/").stating(&format!(";expires={}", now - 60)).sign(), 401, "expired").await;
    for unknown in ["client-2", "CLIENT-1", "../client-1", ""] {
        refused(&scene, &Draft { keyid: unknown.to_owned(), ..get("/") }.sign(), 401, "key_unknown").await;
    }
    for alg in ["hmac-sha256", "rsa-pss-sha512", "none", "ED25519"] {
        refused(&scene, &get("/").stating(&format!(";alg=\"{alg}\"")).sign(), 401, "algorithm_refused").await;
    }
    admitted(&scene, &get("/").stating(";alg=\"ed25519\"").sign()).await;
    let signed = get("/").sign();
    for cut in ["sig1=::", "sig1=:AAAA:"] {
        refused(&scene, &signed.clone().change("Signature", |_| cut.to_owned()), 401, "signature_invalid").await;
    }
}

#[tokio::test]
async fn t_94_of_several_signatures_the_one_that_was_asked_for_counts() {
    let good = get("/").stating(";tag=\"app\"").sign();
    let forged = |signed: &Signed| signed.clone().with("Signature-Input", "x=(\"@method\");tag=\"edge\"").with("Signature", "x=:AAAA:");
    let scene = callers(&[]).await;
    refused(&scene, &forged(&good), 400, "several_tokens").await;
    refused(&scene, &good.clone().with("Signature-Input", "sig1=()"), 400, "several_tokens").await;
    refused(&scene, &good.clone().with("Signature", "sig1=:AAAA:"), 400, "several_tokens").await;
    refused(&scene, &good.clone().with("Signature", "x=:AAAA:"), 401, "credential_syntax").await;
    refused(&scene, &good.clone().without("Signature"), 401, "credential_syntax").await;
    refused(&scene, &good.clone().without("Signature-Input"), 401, "credential_syntax").await;
    let by_label = callers(&["label: sig1"]).await;
    admitted(&by_label, &forged(&good)).await;
    let by_tag = callers(&["tag: app"]).await;
    admitted(&by_tag, &forged(&good)).await;
    refused(&by_tag, &good.clone().with("Signature-Input", "x=();tag=\"app\"").with("Signature", "x=:AAAA:"), 400, "several_tokens").await;
    refused(&by_tag, &get("/").sign(), 401, "credential_missing").await;
    refused(&callers(&["label: x"]).await, &forged(&good), 401, "key_unknown").await;
}

#[tokio::test]
async fn t_95_signed_content_is_held_against_its_digest() {
    for mode in ["before_forwarding", "while_streaming"] {
        let scene = Scene::with(config(&[], &[&format!("body: {mode}")], "", "")).await;
        let signed = order().sign();
        admitted(&scene, &signed).await;
        refused(&scene, &signed.clone().tampered(), 401, "digest_mismatch").await;
        let emptied = Signed { content: Vec::new(), ..signed.clone() };
        refused(&scene, &emptied, 401, "digest_mismatch").await;
        let mut longer = signed.clone();
        longer.content.push(b' ');
        refused(&scene, &longer, 401, "digest_mismatch").await;
        never_whole(&scene, &longer.chunked(7), 401, "digest_mismatch").await;
        let added = Signed { content: b"x".to_vec(), ..get("/").sign() };
        refused(&scene, &added, 401, "digest_missing").await;
        never_whole(&scene, &added.chunked(1), 401, "digest_missing").await;
        // Content of a GET is content.
        let get = Draft { method: "GET".to_owned(), ..order() }.sign();
        admitted(&scene, &get).await;
        refused(&scene, &get.tampered(), 401, "digest_mismatch").await;
    }
}

#[tokio::test]
async fn t_95_a_digest_that_nobody_signed_proves_nothing() {
    let scene = callers(&[]).await;
    refused(&scene, &order().over(&HEAD).sign(), 401, "coverage_missing").await;
    let signed = order().sign();
    refused(&scene, &swapped(&signed, "Signature-Input", " \"content-digest\"", ""), 401, "coverage_missing").await;
    let replaced = Signed { content: b"mallory".to_vec(), ..signed }.change("Content-Digest", |_| digest_field(b"mallory"));
    refused(&scene, &replaced, 401, "signature_invalid").await;
}

#[tokio::test]
async fn t_96_digest_fields() {
    let scene = callers(&[]).await;
    let with = |fields: &[(&str, &str)]| {
        let bare = Draft { fields: Vec::new(), ..order() };
        fields.iter().fold(bare, |draft, (name, value)| draft.field(name, value)).sign()
    };
    let (short, long, wrong) = (digest_field(CONTENT), long_digest_field(CONTENT), digest_field(b"x"));
    for good in [&long, &format!("{short}, {long}"), &format!("md5=:AAAA:, {short}")] {
        admitted(&scene, &with(&[("Content-Digest", good)])).await;
    }
    let short_value = short.trim_start_matches("sha-256=");
    for (value, status, reason) in [
        ("md5=:AAAA:", 401, "algorithm_refused"),
        ("sha=:AAAA:, unixsum=:AA==:", 401, "algorithm_refused"),
        (&wrong, 401, "digest_mismatch"),
        (&format!("{wrong}, {long}"), 401, "digest_mismatch"),
        (&format!("{short}, {}", long_digest_field(b"x")), 401, "digest_mismatch"),
        (&format!("{short}, {short}"), 400, "label_repeated"),
        (&format!("{wrong}, {short}"), 400, "label_repeated"),
        (&format!("sha-512={short_value}"), 400, "structured_syntax"),
        ("sha-256=:AAAA:", 400, "structured_syntax"),
        ("sha-256=\"x\"", 400, "structured_syntax"),
        (&short.to_uppercase(), 400, "structured_syntax"),
    ] {
        refused(&scene, &with(&[("Content-Digest", value)]), status, reason).await;
    }
    refused(&scene, &with(&[("Content-Digest", &short), ("Content-Digest", &short)]), 400, "label_repeated").await;
    // Another field is not this one, and a digest that comes behind the content comes too late.
    refused(&scene, &with(&[("Repr-Digest", &short)]), 401, "component_absent").await;
    let late = order().sign().without("Content-Digest");
    let mut octets = late.head(&format!("Transfer-Encoding: chunked\r\nTrailer: Content-Digest\r\n")).into_bytes();
    octets.extend_from_slice(format!("{:x}\r\n", CONTENT.len()).as_bytes());
    octets.extend_from_slice(CONTENT);
    octets.extend_from_slice(format!("\r\n0\r\nContent-Digest: {short}\r\n\r\n").as_bytes());
    never_whole(&scene, &octets, 401, "component_absent").await;
    // Covered, a second field is compared, too.
    let both = |repr: &str| {
        Draft { fields: Vec::new(), ..order() }
            .field("Content-Digest", &short)
            .field("Repr-Digest", repr)
            .covering("\"repr-digest\"")
            .sign()
    };
    admitted(&scene, &both(&long)).await;
    refused(&scene, &both(&wrong), 401, "digest_mismatch").await;
}

#[tokio::test]
async fn t_96_digests_are_of_the_octets_as_received() {
    let scene = callers(&[]).await;
    let packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\x00\x00\x00";
    let coded = |content: &[u8]| post("/", content).field("Content-Encoding", "gzip").covering("\"content-encoding\"").sign();
    admitted(&scene, &coded(packed)).await;
    refused(&scene, &Signed { content: packed.to_vec(), ..coded(b"abc") }, 401, "digest_mismatch").await;
    for size in [1, 7, CONTENT.len()] {
        let answer = raw::ask(scene.gateway.address(), order().sign().chunked(size)).await;
        assert_eq!((answer.status(), scene.upstream.requests().pop().unwrap().content.as_slice()), (200, CONTENT));
    }
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    assert_eq!(order().sign().ask_over(&mut client).await.unwrap().status, 200);
    admitted(&scene, &post("/", b"").sign()).await;
    // Nobody without a key is asked for the content; whoever has one is.
    let expecting = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", CONTENT.len());
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(order().by_a_stranger().sign().head(&expecting)).await;
    assert_eq!(client.next_answer().await.unwrap().status(), 401);
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(order().sign().head(&expecting)).await;
    assert_eq!(client.answer_head().await.unwrap().status(), 100);
    client.send(CONTENT).await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn t_97_a_signed_content_is_judged_whole() {
    let limits = "limits: { max_body_size: 64KiB, spool_after: 4KiB }";
    for mode in ["before_forwarding", "while_streaming"] {
        let scene = Scene::with(config(&[], &[&format!("body: {mode}")], "", limits)).await;
        admitted(&scene, &post("/", &[b'x'; 65_536]).sign()).await;
        let large = post("/", &[b'x'; 65_537]).sign();
        refused(&scene, &large, 413, "content_too_large").await;
        never_whole(&scene, &large.chunked(1000), 413, "content_too_large").await;
        for added in [&b"x"[..], &[b'y'; 5000], &[b'z'; 100_000]] {
            let mut padded = order().sign();
            padded.content.extend_from_slice(added);
            let (status, reason) = if added.len() > 65_536 { (413, "content_too_large") } else { (401, "digest_mismatch") };
            refused(&scene, &padded, status, reason).await;
            never_whole(&scene, &padded.chunked(4096), status, reason).await;
        }
    }
}

#[tokio::test]
async fn t_99_a_signature_says_when_it_was_made() {
    let scene = callers(&["nonce: required"]).await;
    let now = clock::now().seconds();
    let stated = |parameters: &str| get("/").sign_stating(parameters);
    refused(&scene, &stated(";keyid=\"client-1\";nonce=\"n\""), 401, "coverage_missing").await;
    refused(&scene, &stated(&format!(";expires={};keyid=\"client-1\";nonce=\"n\"", now + 60)), 401, "coverage_missing").await;
    refused(&scene, &stated(&format!(";created={now};keyid=\"client-1\"")), 401, "nonce_missing").await;
    refused(&scene, &stated(&format!(";created={now};created={now};keyid=\"client-1\";nonce=\"n\"")), 400, "signature_parameter").await;
    refused(&scene, &stated(&format!(";created=\"{now}\";keyid=\"client-1\";nonce=\"n\"")), 400, "signature_parameter").await;
    // None of it is changed afterwards.
    let signed = get("/").stating(";nonce=\"n\"").sign();
    for (from, to) in [("nonce=\"n\"", "nonce=\"m\""), (";nonce", ";expires=9999999999;nonce"), ("created=", "created=1")] {
        let altered = swapped(&signed, "Signature-Input", from, to);
        let reason = if to == "created=1" { "timestamp_outside" } else { "signature_invalid" };
        refused(&scene, &altered, 401, reason).await;
    }
    let later =
        swapped(&signed, "Signature-Input", &format!("created={}", &now.to_string()[..6]), &format!("created={}", &now.to_string()[..6]));
    admitted(&scene, &later).await;
    // A date field that nobody reads makes nothing fresh.
    let optional = callers(&["created: optional"]).await;
    let dated = get("/").field("Date", "Tue, 20 Apr 2027 02:07:55 GMT").covering("\"date\"").sign_stating(";keyid=\"client-1\"");
    refused(&optional, &dated, 401, "coverage_missing").await;
    refused(&optional, &stated(&format!(";expires={};keyid=\"client-1\"", now + 100_000)), 401, "lifetime_too_long").await;
    admitted(&optional, &stated(&format!(";expires={};keyid=\"client-1\"", now + 60))).await;
}
