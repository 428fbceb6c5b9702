//! Signed requests that are made to say something else, T-92 to T-99, and the lines on tokens that concern them.

use super::Scene;
use crate::support::gateway::BAR;
use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::wssec::{Draft, HolderKey, Partners, Place, Requester, SECRET, Saying, Signed, nonce, timestamp};
use crate::support::{RawClient, Token, Upstream, raw};
use portcullis::crypto::{KeyKind, base64, sha256};
use portcullis::scheme::wssec::wire::{DigestName, SignatureName, Usage};

const CONTENT: &[u8] = b"{\"order\":42,\"to\":\"alice\"}";
const FRAGMENT: usize = 64;

/// A gateway that takes every profile and location, in front of a backend that writes down what it hears.
async fn partners() -> Scene {
    Scene::with(Partners::new().config()).await
}

/// An order, signed.
fn order() -> Draft {
    Requester::jwt_sealed().post("/orders?x=1", CONTENT).field("Content-Type", "application/json")
}

/// A request without content, of which only the head is signed.
fn look() -> Draft {
    Requester::jwt_sealed().get("/orders?x=1")
}

/// The fields of an answer that are the same for whatever reason a request was refused.
const COARSE: [&str; 9] = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "www-authenticate",
    "x-request-id",
    "x-wss-authenticate",
];

/// The caller must get the status with its standard phrase and the challenges that everybody gets; the audit log the
/// exact reason; the backend nothing at all.
async fn refused(scene: &Scene, octets: impl AsRef<[u8]>, status: u16, reason: &str) {
    let shown = String::from_utf8_lossy(octets.as_ref()).chars().take(2000).collect::<String>();
    let heard = scene.upstream.heard();
    let mut client = RawClient::connect(scene.gateway.address()).await;
    // A gateway that has seen enough may close before all of it is sent.
    let _ = client.try_send(octets).await;
    let answer = client.answer().await;
    is_coarse(&answer, status, &shown);
    let id = answer.field("x-request-id").unwrap_or_else(|| panic!("refused by the parser, not by the judge: {shown}")).to_owned();
    let line = scene.gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
    assert_eq!(line["reason"], reason, "{shown}: {line}");
    assert_eq!(scene.upstream.heard(), heard, "the backend heard of {shown}");
}

fn is_coarse(answer: &Message, status: u16, shown: &str) {
    let phrase = match status {
        400 => "Bad Request\n",
        401 => "Unauthorized\n",
        403 => "Forbidden\n",
        413 => "Payload Too Large\n",
        other => panic!("{other} is none of the coarse answers"),
    };
    assert_eq!((answer.status(), answer.text().as_str()), (status, phrase), "{shown}: {answer:?}");
    for (name, _) in &answer.fields {
        assert!(COARSE.contains(&name.to_ascii_lowercase().as_str()), "the answer says {name}: {shown}");
    }
    if status == 401 {
        assert_eq!(answer.values("www-authenticate").len(), 4, "a challenge for each profile: {answer:?}");
        let how =
            "sigusage=message, sigalg=\"hmac-sha256 hmac-sha512 rsa-sha256 rsa-pss-sha256 ecdsa-p256-sha256 ecdsa-p384-sha384 ed25519\"";
        assert!(answer.field("x-wss-authenticate").unwrap().starts_with(how), "{answer:?}");
    }
}

/// What was not spoiled is admitted, and the backend hears exactly its content.
async fn admitted(scene: &Scene, signed: &Signed) {
    let before = scene.upstream.requests().len();
    let answer = signed.ask(scene.gateway.address()).await;
    assert_eq!(answer.status(), 200, "{signed:?}: {:#?}", scene.gateway.events().last());
    let requests = scene.upstream.requests();
    assert_eq!(requests.len(), before + 1);
    assert_eq!(requests[before].content, signed.content);
}

/// The request with another text in one of its fields; it must have been there.
fn altered(signed: &Signed, name: &str, from: &str, to: &str) -> Signed {
    assert!(signed.value(name).contains(from), "{from} is not in {:?}", signed.value(name));
    signed.clone().change(name, |value| value.replacen(from, to, 1))
}

/// One field in the place of another of its name.
fn with_value(signed: &Signed, name: &str, value: &str) -> Signed {
    signed.clone().change(name, |_| value.to_owned())
}

#[tokio::test]
async fn t_14_control_octets_in_signed_claims() {
    let scene = partners().await;
    for subject in ["a\r\nX-Admin: 1", "a\rb", "a\nb", "a\0b", "a\u{7f}b", "a\u{1b}[31m", " alice", "alice\t"] {
        let saying = Saying { subject, ..Saying::default() };
        for requester in [Requester::jwt_of(HolderKey::Secret(SECRET.to_vec()), &saying), Requester::swt_of(SECRET.to_vec(), &saying)] {
            refused(&scene, requester.get("/orders").sign().whole(), 403, "unrepresentable_identity").await;
        }
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &look().sign()).await;
}

#[tokio::test]
async fn t_72_a_second_authorization() {
    let scene = partners().await;
    let signed = order().sign();
    let own = signed.value("Authorization").to_owned();
    for other in [&*own, "Basic YWxpY2U6eA==", "Bearer eyJhbGciOiJub25lIn0.e30.", "WSSEC", ""] {
        refused(&scene, signed.clone().with("Authorization", other).whole(), 400, "field_repeated").await;
        refused(&scene, signed.clone().reversed().with("authorization", other).whole(), 400, "field_repeated").await;
    }
    for (joined, reason) in [
        (format!("{own}, {own}"), "field_syntax"),
        (format!("{own}, WSSEC"), "field_syntax"),
        (format!("{own}, Basic YWxpY2U6eA=="), "field_syntax"),
        (format!("{own},"), "field_syntax"),
        (own.replace("profile", "realm"), "parameter_repeated"),
    ] {
        refused(&scene, with_value(&signed, "Authorization", &joined).whole(), 400, reason).await;
    }
    for (other, status, reason) in [
        ("Basic YWxpY2U6eA==", 401, "credential_missing"),
        ("Bearer x", 401, "credential_missing"),
        ("", 401, "credential_missing"),
        (&*format!("Basic x, {own}"), 401, "credential_missing"),
    ] {
        refused(&scene, with_value(&signed, "Authorization", other).whole(), status, reason).await;
    }
    scene.upstream.assert_untouched();
    let mut lower = order();
    lower.authorization = Some("wssec realm=\"orders\", profile=\"jwt\"".to_owned());
    admitted(&scene, &lower.sign()).await;
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_72_x_wss_fields_beside_another_scheme() {
    let scene = Scene::with(Partners::new().set("authorization", "optional").config()).await;
    let signed = order().sign();
    refused(&scene, with_value(&signed, "Authorization", "Basic YWxpY2U6eA==").whole(), 400, "several_tokens").await;
    scene.upstream.assert_untouched();
    let mut bare = order();
    bare.authorization = None;
    refused(&scene, bare.sign().whole(), 401, "profile_refused").await;
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_72_a_token_of_another_scheme_beside_it() {
    let partners = Partners::new().config();
    let text = BAR
        .replace("accept: [header, query]", "accept: [query]")
        .replace("authenticate: bartender", "authenticate: { any_of: [bartender, partners] }");
    let partner = "  partners:\n    wssec:\n      realm: orders\n      token_profiles: { jwt: { issuer: \"https://sts.example\", audiences: [orders], jwks_file: \"{keys}/jwks.json\", proof_key_file: \"{keys}/proof.b64\" } }\nupstreams:";
    let scene = Scene::with(partners.with_text(&text.replace("upstreams:", partner))).await;
    let requester = Requester::jwt_sealed();
    let token: String = Token::of("bob").mint().bytes().map(|octet| format!("%{octet:02X}")).collect();
    let target = format!("/bartender/x?wrap_access_token={token}");
    let both = requester.get(&target).sign();
    let answer = raw::ask(scene.gateway.address(), both.whole()).await;
    assert_eq!((answer.status(), answer.text().as_str()), (400, "Bad Request\n"));
    scene.gateway.denial("several_tokens").await;
    scene.upstream.assert_untouched();
    assert_eq!(scene.fetch(&target, "").await.status(), 200);
    admitted(&scene, &requester.get("/bartender/x").sign()).await;
}

#[tokio::test]
async fn t_72_every_field_stands_once() {
    let scene = partners().await;
    let signed = order().sign();
    for (name, reason) in [
        ("X-WSS-TokenLoc", "field_repeated"),
        ("X-WSS-Security", "field_repeated"),
        ("X-WSS-Digest", "field_repeated"),
        ("X-WSS-Token1", "fragment_repeated"),
        ("Content-Type", "covered_field_repeated"),
    ] {
        let value = signed.value(name).to_owned();
        refused(&scene, signed.clone().with(name, &value).whole(), 400, reason).await;
        refused(&scene, signed.clone().with(&name.to_ascii_lowercase(), "x").whole(), 400, reason).await;
    }
    // Of several signatures or digests, one that holds does not help the others.
    let other = order().sign();
    for name in ["X-WSS-Security", "X-WSS-Digest"] {
        refused(&scene, signed.clone().with(name, other.value(name)).whole(), 400, "field_repeated").await;
        refused(&scene, signed.clone().with(name, other.value(name)).reversed().whole(), 400, "field_repeated").await;
        let joined = format!("{}, {}", signed.value(name), other.value(name));
        refused(&scene, with_value(&signed, name, &joined).whole(), 400, "parameter_repeated").await;
    }
    // The token without a number is the first, and it stands once, too.
    let token = signed.value("X-WSS-Token1").to_owned();
    refused(&scene, signed.clone().with("X-WSS-Token", &token).whole(), 400, "fragment_repeated").await;
    refused(&scene, signed.clone().with("X-WSS-Token2", &token).whole(), 400, "fragment_extra").await;
    let in_content = order().token_as_content().sign();
    refused(&scene, in_content.with("X-WSS-Token1", &token).whole(), 400, "fragment_extra").await;
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_73_no_room_for_marks_lets_nobody_in() {
    let scene = Scene::with(Partners::new().beside("stores: { replay_marks: 1 }").config()).await;
    let mut full = 0;
    for _ in 0..200 {
        let signed = look().sign();
        let before = scene.upstream.requests().len();
        let answer = signed.ask(scene.gateway.address()).await;
        let heard = scene.upstream.requests().len() - before;
        match answer.status() {
            200 => assert_eq!(heard, 1),
            503 => {
                assert_eq!((heard, answer.text().as_str()), (0, "Service Unavailable\n"));
                full += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(full > 0, "the store was never full");
    scene.gateway.denial("replay_log_full").await;
    assert!(scene.gateway.metrics().await.contains("replay_log_full"));
}

#[tokio::test]
async fn t_73_what_cannot_be_read_lets_nobody_in() {
    let scene = partners().await;
    let signed = order().sign();
    for name in ["Authorization", "X-WSS-TokenLoc", "X-WSS-Security", "X-WSS-Digest"] {
        for (octets, reason) in [(&b"\xff\xfe"[..], "field_octets"), (b"\xc3\xa9", "field_octets"), (b"\x80", "field_octets")] {
            let line = format!("{name}: {}", signed.value(name));
            let whole = signed.whole();
            let at = whole.windows(line.len()).position(|window| window == line.as_bytes()).unwrap() + line.len();
            let spoiled = [&whole[..at], octets, &whole[at..]].concat();
            refused(&scene, spoiled, 400, reason).await;
        }
    }
    let whole = signed.whole();
    let line = b"X-WSS-Token1: ";
    let at = whole.windows(line.len()).position(|window| window == line).unwrap() + line.len();
    refused(&scene, [&whole[..at], b"\xff", &whole[at..]].concat(), 400, "token_encoding").await;
    // A target that is no text, and a token that is none.
    let mut draft = look();
    draft.token = b"\xff\xfe\x00".to_vec();
    refused(&scene, draft.sign().whole(), 401, "token_syntax").await;
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_82_a_reference_to_a_token_is_not_followed() {
    let scene = partners().await;
    let inside = Upstream::start().await;
    for uri in [
        format!("http://{}/token", inside.address()),
        format!("https://{}/token", inside.address()),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[::1]/token".to_owned(),
        "https://[::ffff:127.0.0.1]/token".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let mut draft = look();
        (draft.token, draft.location) = (uri.into_bytes(), Some("location=header, ref=uri".to_owned()));
        is_refused(&scene, &draft.sign()).await;
    }
    inside.assert_untouched();
}

#[tokio::test]
async fn t_92_a_request_is_taken_once() {
    let scene = partners().await;
    for signed in [order().sign(), look().sign()] {
        admitted(&scene, &signed).await;
        refused(&scene, signed.whole(), 401, "nonce_seen").await;
        refused(&scene, signed.clone().reversed().whole(), 401, "nonce_seen").await;
        if !signed.content.is_empty() {
            refused(&scene, signed.chunked(5), 401, "nonce_seen").await;
        }
        let mut client = Http2Client::connect(scene.gateway.address()).await;
        assert_eq!(signed.ask_over(&mut client).await.unwrap().status, 401);
    }
    // The same nonce in other requests of the same holder; not in those of another.
    let (requester, used) = (Requester::jwt_sealed(), nonce());
    admitted(&scene, &requester.get("/a").nonce(&used).sign()).await;
    for again in [
        requester.get("/b"),
        requester.post("/a", b"x"),
        requester.get("/a").signed_in(5),
        requester.get("/a").algorithm(SignatureName::HmacSha512),
    ] {
        refused(&scene, again.nonce(&used).sign().whole(), 401, "nonce_seen").await;
    }
    admitted(&scene, &Requester::jwt_sealed().get("/a").nonce(&used).sign()).await;
}

#[tokio::test]
async fn t_92_of_two_at_the_same_instant_one_is_taken() {
    let scene = partners().await;
    for round in 1..=10 {
        let whole = order().sign().whole();
        let (start, last) = whole.split_at(whole.len() - 1);
        let mut clients = Vec::new();
        for _ in 0..8 {
            let mut client = RawClient::connect(scene.gateway.address()).await;
            client.send(start).await;
            clients.push(client);
        }
        for client in &mut clients {
            client.send(last).await;
        }
        let mut statuses = Vec::new();
        for client in &mut clients {
            statuses.push(client.answer().await.status());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401], "round {round}");
        assert_eq!(scene.upstream.requests().len(), round);
    }
}

#[tokio::test]
async fn t_92_nobody_burns_the_nonce_of_somebody_else() {
    let scene = partners().await;
    let signed = order().sign();
    let spoiled = [
        (signed.clone().tampered(), "digest_mismatch"),
        (Signed { target: "/orders?x=2".to_owned(), ..signed.clone() }, "holder_signature_invalid"),
        (signed.clone().without("Content-Type"), "covered_absent"),
    ];
    for (request, reason) in &spoiled {
        let status = if *reason == "covered_absent" { 400 } else { 401 };
        refused(&scene, request.whole(), status, reason).await;
    }
    let mut stranger = Requester::jwt_sealed().post("/orders?x=1", CONTENT);
    stranger.nonce = signed.value("X-WSS-Security").split('"').nth(1).unwrap().to_owned();
    admitted(&scene, &stranger.sign()).await;
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_92_clocks_and_nonces() {
    let scene = partners().await;
    for (seconds, reason) in
        [(-345, "timestamp_outside"), (45, "timestamp_outside"), (-100_000, "timestamp_outside"), (1_000_000_000, "timestamp_outside")]
    {
        refused(&scene, look().signed_in(seconds).sign().whole(), 401, reason).await;
    }
    // Within the window, but before this process began: whether the nonce was used then is not known.
    refused(&scene, look().signed_in(-200).sign().whole(), 401, "timestamp_outside").await;
    for text in ["yesterday", "2026-06-15 00:00:00Z", "2026-06-15T00:00:00+00:00", "1781481600", "9999-99-99T99:99:99Z", ""] {
        let mut draft = look();
        draft.timestamp = text.to_owned();
        refused(&scene, draft.sign().whole(), 400, "timestamp_syntax").await;
    }
    for text in ["short", &"n".repeat(15), &"n".repeat(129), "white space white space"] {
        refused(&scene, look().nonce(text).sign().whole(), 400, "nonce_syntax").await;
    }
    scene.upstream.assert_untouched();
    for (seconds, length) in [(25, 16), (0, 128)] {
        admitted(&scene, &look().signed_in(seconds).nonce(&nonce().repeat(8)[..length]).sign()).await;
    }
}

#[tokio::test]
async fn t_94_less_is_signed_than_must_be() {
    let scene = partners().await;
    let all = ["authorization", "content-type", "x-wss-token1", "x-wss-tokenloc"];
    for missing in all {
        let covered: Vec<_> = all.into_iter().filter(|name| *name != missing).collect();
        refused(&scene, order().covering(&covered).sign().whole(), 401, "coverage_missing").await;
    }
    refused(&scene, order().covering(&[]).sign().whole(), 401, "coverage_missing").await;
    let fragments = order().at(Place::Fragments(FRAGMENT)).covering(&all);
    refused(&scene, fragments.sign().whole(), 401, "coverage_missing").await;
    // Named as covered, and not there when it arrives.
    let noted = order().field("X-Note", "paid").covering(&["authorization", "content-type", "x-note", "x-wss-token1", "x-wss-tokenloc"]);
    let signed = noted.sign();
    refused(&scene, signed.clone().without("X-Note").whole(), 400, "covered_absent").await;
    refused(&scene, signed.clone().with("X-Note", "due").whole(), 400, "covered_field_repeated").await;
    refused(&scene, with_value(&signed, "X-Note", "due").whole(), 401, "digest_mismatch").await;
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_94_the_list_of_covered_fields_is_signed() {
    let scene = partners().await;
    let covered = "authorization content-type x-note x-wss-token1 x-wss-tokenloc";
    let signed = order().field("X-Note", "paid").field("X-Other", "1").covering(&covered.split(' ').collect::<Vec<_>>()).sign();
    for (list, status, reason) in [
        ("authorization content-type x-wss-token1 x-wss-tokenloc", 401, "holder_signature_invalid"),
        ("authorization content-type x-note x-other x-wss-token1 x-wss-tokenloc", 401, "holder_signature_invalid"),
        ("authorization content-type x-absent x-note x-wss-token1 x-wss-tokenloc", 401, "holder_signature_invalid"),
        ("content-type x-note x-wss-token1 x-wss-tokenloc", 401, "coverage_missing"),
        ("content-type authorization x-note x-wss-token1 x-wss-tokenloc", 400, "covered_syntax"),
        ("authorization  content-type x-note x-wss-token1 x-wss-tokenloc", 400, "covered_syntax"),
        ("Authorization content-type x-note x-wss-token1 x-wss-tokenloc", 400, "covered_syntax"),
        ("authorization content-type;sf x-note x-wss-token1 x-wss-tokenloc", 400, "covered_syntax"),
        ("@method authorization content-type x-note x-wss-token1 x-wss-tokenloc", 400, "covered_syntax"),
        ("authorization authorization content-type x-note x-wss-token1 x-wss-tokenloc", 400, "covered_repeated"),
        ("authorization content-type x-note x-wss-digest x-wss-token1 x-wss-tokenloc", 400, "covered_forbidden"),
        ("authorization content-type x-note x-wss-security x-wss-token1 x-wss-tokenloc", 400, "covered_forbidden"),
        ("", 400, "covered_syntax"),
    ] {
        refused(&scene, altered(&signed, "X-WSS-Digest", covered, list).whole(), status, reason).await;
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_94_canonical_fields_in_the_content() {
    let scene = Scene::with(Partners::new().set("digest", "{ covered: [x-absent] }").config()).await;
    let signed = order().field("X-Note", "paid").covering(&["x-note"]).sign();
    let mut moved = altered(&signed, "X-WSS-Digest", ", covered=\"x-note\"", "").without("X-Note");
    moved.content = [b"x-note:paid\n\n", CONTENT].concat();
    assert!(moved.value("X-WSS-Digest").contains(&base64::encode(&sha256(&moved.content))), "the digest itself does not tell");
    refused_with(&scene, &moved, "holder_signature_invalid").await;
    // The other way round: content that begins like canonical fields.
    let mut whole = order();
    whole.content = [b"x-note:paid\n\n", CONTENT].concat();
    let whole = whole.covering(&[]).sign();
    let mut taken = whole.clone().with("X-Note", "paid").change("X-WSS-Digest", |value| format!("{value}, covered=\"x-note\""));
    taken.content = CONTENT.to_vec();
    refused_with(&scene, &taken, "holder_signature_invalid").await;
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
    admitted(&scene, &whole).await;
}

/// 401, where the challenge names other covered fields than the usual ones.
async fn refused_with(scene: &Scene, signed: &Signed, reason: &str) {
    refused(scene, signed.whole(), 401, reason).await;
}

#[tokio::test]
async fn t_94_usage_is_not_lowered() {
    let scene = partners().await;
    let signed = order().sign();
    for lowered in [
        altered(&signed, "X-WSS-Security", "sigusage=message", "sigusage=auth"),
        altered(&signed, "X-WSS-Security", "sigusage=message, ", ""),
    ] {
        refused(&scene, lowered.whole(), 401, "usage_refused").await;
        refused(&scene, lowered.clone().without("X-WSS-Digest").whole(), 401, "usage_refused").await;
        refused(&scene, lowered.without("X-WSS-Digest").chunked(7), 401, "usage_refused").await;
    }
    // By the holder's own hand, too.
    refused(&scene, order().usage(Usage::Auth).sign().whole(), 401, "usage_refused").await;
    for method in ["POST", "PUT", "PATCH"] {
        refused(&scene, Requester::jwt_sealed().request(method, "/orders", b"").usage(Usage::Auth).sign().whole(), 401, "usage_refused")
            .await;
    }
    for method in ["GET", "DELETE", "OPTIONS", "QUERY"] {
        refused(&scene, Requester::jwt_sealed().request(method, "/orders", b"x").usage(Usage::Auth).sign().whole(), 401, "usage_refused")
            .await;
    }
    let looking = Requester::jwt_sealed().get("/orders");
    let message = looking.clone().nonce(&nonce()).usage(Usage::Message).sign();
    let lowered = altered(&message, "X-WSS-Security", "sigusage=message", "sigusage=auth");
    refused(&scene, lowered.whole(), 401, "usage_refused").await;
    refused(&scene, lowered.without("X-WSS-Digest").whole(), 401, "holder_signature_invalid").await;
    for (word, status, reason) in [("none", 400, "parameter_value"), ("Message", 400, "parameter_value"), ("\"\"", 400, "parameter_value")]
    {
        refused(&scene, altered(&signed, "X-WSS-Security", "sigusage=message", &format!("sigusage={word}")).whole(), status, reason).await;
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &message).await;
    admitted(&scene, &looking.sign()).await;
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_94_the_key_decides_the_algorithm() {
    let scene = partners().await;
    let signed = order().sign();
    for (word, status, reason) in [
        ("none", 400, "signature_algorithm_unknown"),
        ("HMAC-SHA256", 400, "signature_algorithm_unknown"),
        ("hmac-md5", 400, "signature_algorithm_unknown"),
        ("hmac-sha512", 401, "holder_signature_invalid"),
        ("hmac-sha1", 401, "algorithm_refused"),
        ("ed25519", 401, "algorithm_refused"),
        ("rsa-sha256", 401, "algorithm_refused"),
    ] {
        refused(&scene, altered(&signed, "X-WSS-Security", "hmac-sha256", word).whole(), status, reason).await;
    }
    let mut private = Requester::jwt(KeyKind::P256);
    let right = private.get("/orders").sign();
    let HolderKey::Private(key) = private.key.clone() else { panic!("a private key") };
    for secret in [
        portcullis::token::jose::describe(key.public(), "k", None).into_bytes(),
        portcullis::token::jose::thumbprint(key.public()).into_bytes(),
        vec![],
    ] {
        private.key = HolderKey::Secret(secret);
        for algorithm in [SignatureName::HmacSha256, SignatureName::HmacSha512] {
            refused(&scene, private.get("/orders").algorithm(algorithm).sign().whole(), 401, "algorithm_refused").await;
        }
    }
    let mut certified = Requester::x509(KeyKind::P256);
    certified.key = HolderKey::Secret(certified.token.clone());
    refused(&scene, certified.get("/orders").sign().whole(), 401, "algorithm_refused").await;
    for value in ["", "AAAA", &base64::encode(&[0; 64]), &base64::encode(&[0xff; 64])] {
        let forged = right.clone().change("X-WSS-Security", |field| format!("{}sigval=\"{value}\"", field.split("sigval").next().unwrap()));
        let (status, reason) = if value.is_empty() { (400, "signature_syntax") } else { (401, "holder_signature_invalid") };
        refused(&scene, forged.whole(), status, reason).await;
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &right).await;
}

#[tokio::test]
async fn t_94_method_target_and_host_are_what_was_signed() {
    let scene = partners().await;
    let signed = Requester::jwt_sealed().get("/orders/a~b?x=1&y=2").sign();
    for target in [
        "/orders/a~b?y=2&x=1",
        "/orders/a%7Eb?x=1&y=2",
        "/orders/a~b?x=1&y=2&",
        "/orders/a~b?x=1&y=%32",
        "/orders/a~b",
        "/orders/a~b?",
        "/Orders/a~b?x=1&y=2",
    ] {
        refused(&scene, Signed { target: target.to_owned(), ..signed.clone() }.whole(), 401, "holder_signature_invalid").await;
    }
    for host in ["LOCALHOST", "localhost:80", "localhost:8080", "localhost.", "127.0.0.1", "other.example"] {
        refused(&scene, Signed { host: host.to_owned(), ..signed.clone() }.whole(), 401, "holder_signature_invalid").await;
    }
    for method in ["HEAD", "DELETE", "OPTIONS"] {
        let other = Signed { method: method.to_owned(), ..signed.clone() };
        if method == "HEAD" {
            // Its answer has no content; that it was refused and why is in the log.
            let mut client = RawClient::connect(scene.gateway.address()).await;
            client.send(other.whole()).await;
            assert_eq!(client.answer_head().await.unwrap().status(), 401);
        } else {
            refused(&scene, other.whole(), 401, "holder_signature_invalid").await;
        }
    }
    // What a field claims about the method, the host or the target is not listened to, and no signature makes it so.
    for (name, value) in [("X-HTTP-Method-Override", "DELETE"), ("X-Forwarded-Host", "other.example"), ("X-Original-URL", "/admin")] {
        let other = Signed { target: "/admin".to_owned(), ..signed.clone() }.with(name, value);
        refused(&scene, other.whole(), 401, "holder_signature_invalid").await;
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_94_every_field_cut_swapped_or_too_long() {
    let scene = Scene::with(Partners::new().beside("limits: { max_head_size: 1MiB }").config()).await;
    let (signed, other) = (order().sign(), order().sign());
    for name in ["Authorization", "X-WSS-TokenLoc", "X-WSS-Token1", "X-WSS-Security", "X-WSS-Digest"] {
        let value = signed.value(name).to_owned();
        for length in [1, value.len() / 3, value.len() / 2, value.len() - 1] {
            is_refused(&scene, &with_value(&signed, name, &value[..length])).await;
            is_refused(&scene, &with_value(&signed, name, &value[length..])).await;
        }
        is_refused(&scene, &with_value(&signed, name, "")).await;
        is_refused(&scene, &signed.clone().without(name)).await;
        is_refused(&scene, &with_value(&signed, name, &format!("{value}{}", ", x=y".repeat(4000)))).await;
        is_refused(&scene, &with_value(&signed, name, &"a".repeat(20_000))).await;
        if name != "Authorization" && name != "X-WSS-TokenLoc" {
            is_refused(&scene, &with_value(&signed, name, other.value(name))).await;
        }
    }
    for (one, two) in [("X-WSS-Security", "X-WSS-Digest"), ("X-WSS-TokenLoc", "X-WSS-Token1"), ("Authorization", "X-WSS-Security")] {
        let swapped = with_value(&with_value(&signed, one, signed.value(two)), two, signed.value(one));
        is_refused(&scene, &swapped).await;
    }
    for (name, long) in [("X-WSS-Security", "nonce"), ("X-WSS-Digest", "covered")] {
        let long = signed.clone().change(name, |value| value.replacen(long, &long.repeat(2000), 1));
        refused(&scene, long.whole(), 400, "field_too_long").await;
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
    admitted(&scene, &other).await;
}

/// 400 or 401, with a reason of its own in the log.
async fn is_refused(scene: &Scene, signed: &Signed) {
    let answer = signed.ask(scene.gateway.address()).await;
    let shown = format!("{signed:?}");
    assert!([400, 401].contains(&answer.status()), "{}: {shown}", answer.status());
    is_coarse(&answer, answer.status(), &shown);
    let id = answer.field("x-request-id").unwrap().to_owned();
    let line = scene.gateway.audit_line(|event| event["request_id"] == id && event["verdict"] == "denied").await;
    assert!(!line["reason"].as_str().unwrap().is_empty(), "{line}");
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_94_fragments_are_all_there_and_from_one_token() {
    let scene = partners().await;
    let requester = Requester::jwt_sealed();
    let cut = || requester.get("/orders").at(Place::Fragments(FRAGMENT));
    let signed = cut().sign();
    let count = signed.fields.iter().filter(|(name, _)| name.starts_with("X-WSS-Token") && name != "X-WSS-TokenLoc").count();
    assert!((3..=62).contains(&count), "{count}");
    let stated = format!("frags={count}");
    for (frags, reason) in [
        ("frags=0".to_owned(), "fragment_count"),
        ("frags=65".to_owned(), "fragment_count"),
        ("frags=1000000000".to_owned(), "fragment_count"),
        ("frags=99999999999999999999999".to_owned(), "fragment_count"),
        ("frags=-1".to_owned(), "fragment_count"),
        (format!("frags=0{count}"), "fragment_count"),
        (format!("frags={}", count + 1), "fragment_missing"),
        (format!("frags={}", count - 1), "fragment_extra"),
        ("frags=1".to_owned(), "fragment_extra"),
    ] {
        refused(&scene, altered(&signed, "X-WSS-TokenLoc", &stated, &frags).whole(), 400, reason).await;
    }
    for (size, reason) in [
        ("0", "fragment_size"),
        ("4097", "fragment_size"),
        ("1000000000", "fragment_size"),
        ("63", "fragment_length"),
        ("65", "fragment_length"),
    ] {
        let other = altered(&signed, "X-WSS-TokenLoc", &format!("fragsize={FRAGMENT}"), &format!("fragsize={size}"));
        refused(&scene, other.whole(), 400, reason).await;
    }
    refused(&scene, signed.clone().without("X-WSS-Token2").whole(), 400, "fragment_missing").await;
    refused(&scene, signed.clone().with("X-WSS-Token2", signed.value("X-WSS-Token2")).whole(), 400, "fragment_repeated").await;
    refused(&scene, signed.clone().with(&format!("X-WSS-Token{}", count + 1), "AAAA").whole(), 400, "fragment_extra").await;
    for name in ["X-WSS-Token0", "X-WSS-Token01", "X-WSS-Token1000000000", "X-WSS-Token2x"] {
        refused(&scene, signed.clone().with(name, "AAAA").whole(), 400, "fragment_number").await;
    }
    let (two, three) = (signed.value("X-WSS-Token2").to_owned(), signed.value("X-WSS-Token3").to_owned());
    let swapped = with_value(&with_value(&signed, "X-WSS-Token2", &three), "X-WSS-Token3", &two);
    assert_ne!(two, three);
    is_refused(&scene, &swapped).await;
    // A fragment of another token of the same holder, and of the same request an hour ago.
    let other = Requester::jwt_of(HolderKey::Secret(SECRET.to_vec()), &Saying { subject: "mallory", ..Saying::default() });
    let theirs = other.get("/orders").at(Place::Fragments(FRAGMENT)).sign();
    for number in 1..=3 {
        let name = format!("X-WSS-Token{number}");
        if theirs.value(&name) != signed.value(&name) {
            is_refused(&scene, &with_value(&signed, &name, theirs.value(&name))).await;
        }
    }
    scene.upstream.assert_untouched();
    admitted(&scene, &signed.reversed()).await;
}

#[tokio::test]
async fn t_94_another_token_of_the_same_holder() {
    let scene = partners().await;
    let key = HolderKey::Secret(SECRET.to_vec());
    let rich = Requester::jwt_of(key.clone(), &Saying { subject: "rich", ..Saying::default() });
    let poor = Requester::jwt_of(key, &Saying { subject: "poor", ..Saying::default() });
    for draft in [poor.get("/orders"), poor.post("/orders", CONTENT)] {
        let signed = draft.sign();
        let swapped = with_value(&signed, "X-WSS-Token1", &base64::encode(&rich.token));
        refused(&scene, swapped.whole(), 401, "holder_signature_invalid").await;
        admitted(&scene, &signed).await;
        assert_eq!(scene.upstream.requests().pop().unwrap().field("x-auth-request-user"), Some("poor"));
    }
    let mut swapped = poor.post("/orders", b"").token_as_content().sign();
    swapped.content = rich.token.clone();
    refused(&scene, swapped.whole(), 401, "holder_signature_invalid").await;
    admitted(&scene, &rich.get("/orders").sign()).await;
}

#[tokio::test]
async fn t_94_elements_that_are_wrapped_or_doubled() {
    let scene = partners().await;
    let requester = Requester::jwt_sealed();
    let token = base64::encode(&requester.token);
    let query = |query: &str| Place::BodyXml(query.to_owned());
    let document = |content: &str, at: &str| {
        let mut draft = requester.post("/orders", content.as_bytes()).field("Content-Type", "text/xml").at(query(at));
        draft.covered = None;
        draft.sign()
    };
    let bomb = format!(
        "<!DOCTYPE o [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><o><t>&c;</t></o>",
        "x".repeat(64)
    );
    let deep = format!("{}{}", "<o>".repeat(5000), "</o>".repeat(5000));
    for (content, at, reason) in [
        (format!("<o><t>{token}</t><t>{token}</t></o>"), "/o/t", "element_ambiguous"),
        (format!("<o><t>{token}</t><t>x</t></o>"), "/o/t", "element_ambiguous"),
        (format!("<o><t xmlns=\"urn:a\">{token}</t><t xmlns=\"urn:b\">{token}</t></o>"), "/o/t", "element_ambiguous"),
        (format!("<o><w><t>{token}</t></w></o>"), "/o/t", "element_missing"),
        (format!("<o><t>{token}</t></o>"), "/o/t[2]", "element_missing"),
        (format!("<o><t>{token}</t></o>"), "//t", "query_syntax"),
        (format!("<o><t>{token}</t></o>"), "/o/*", "query_syntax"),
        (format!("<o><t>{token}</t></o>"), "/o/t[last()]", "query_syntax"),
        (format!("<o><t>{token}</t></o>"), "/o/t | /o/x", "query_syntax"),
        (format!("<o><t><!-- x -->{token}</t></o>"), "/o/t", "element_text"),
        (format!("<o><t><![CDATA[{token}]]></t></o>"), "/o/t", "element_text"),
        (format!("<!DOCTYPE o><o><t>{token}</t></o>"), "/o/t", "xml_doctype"),
        (format!("<!DOCTYPE o SYSTEM \"file:///etc/passwd\"><o><t>{token}</t></o>"), "/o/t", "xml_doctype"),
        (bomb, "/o/t", "xml_doctype"),
        (format!("<o><t>&x;{token}</t></o>"), "/o/t", "xml_syntax"),
        (format!("<o><t>{token}</t>"), "/o/t", "xml_syntax"),
        (format!("<o><t>{token}</t></o><o/>"), "/o/t", "xml_syntax"),
        ("\u{0}".to_owned(), "/o/t", "xml_syntax"),
        (deep, "/o/t", "xml_too_large"),
    ] {
        let signed = document(&content, at);
        refused(&scene, signed.whole(), 400, reason).await;
    }
    scene.upstream.assert_untouched();
    // A position chooses; the element that was chosen and everything around it are digested.
    let chosen = document(&format!("<o><t>x</t><t>{token}</t></o>"), "/o/t[2]");
    let mut other = chosen.clone();
    other.content = format!("<o><t>{token}</t><t>{token}</t></o>").into_bytes();
    refused(&scene, other.whole(), 401, "digest_mismatch").await;
    refused(&scene, altered(&chosen, "X-WSS-TokenLoc", "[2]", "[1]").whole(), 400, "token_encoding").await;
    admitted(&scene, &chosen).await;
}

#[tokio::test]
async fn t_95_the_content_is_held_against_its_digest() {
    let scene = partners().await;
    let signed = order().sign();
    for content in
        [&b""[..], b"{\"order\":42,\"to\":\"mallo\"}", &CONTENT[..CONTENT.len() - 1], &[CONTENT, b" "].concat(), &CONTENT.repeat(2)]
    {
        let other = Signed { content: content.to_vec(), ..signed.clone() };
        refused(&scene, other.whole(), 401, "digest_mismatch").await;
        refused(&scene, other.chunked(3), 401, "digest_mismatch").await;
        let mut client = Http2Client::connect(scene.gateway.address()).await;
        let answer = other.ask_over(&mut client).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.content.as_slice()), (401, &b"Unauthorized\n"[..]));
    }
    for place in 0..CONTENT.len() {
        let mut other = signed.clone();
        other.content[place] ^= 1 << (place % 8);
        refused(&scene, other.whole(), 401, "digest_mismatch").await;
    }
    // The contents of two requests, swapped.
    let mut other = order();
    other.content = b"{\"order\":1}".to_vec();
    let other = other.sign();
    refused(&scene, Signed { content: other.content.clone(), ..signed.clone() }.whole(), 401, "digest_mismatch").await;
    scene.upstream.assert_untouched();
    admitted(&scene, &signed).await;
    admitted(&scene, &other).await;
}

#[tokio::test]
async fn t_95_content_without_a_digest() {
    let scene = partners().await;
    let signed = order().sign();
    refused(&scene, signed.clone().without("X-WSS-Digest").whole(), 401, "digest_missing").await;
    refused(&scene, signed.clone().without("X-WSS-Digest").chunked(4), 401, "digest_missing").await;
    let mut empty = signed.clone().without("X-WSS-Digest");
    empty.content.clear();
    refused(&scene, empty.whole(), 401, "digest_missing").await;
    // A content that is added to a request of which the head alone was signed.
    let looking = look().sign();
    for method in ["GET", "HEAD", "DELETE"] {
        let mut added = Requester::jwt_sealed().request(method, "/orders", b"").sign();
        added.content = CONTENT.to_vec();
        if method != "HEAD" {
            refused(&scene, added.whole(), 401, "usage_refused").await;
            refused(&scene, added.chunked(4), 401, "usage_refused").await;
        }
        let mut client = Http2Client::connect(scene.gateway.address()).await;
        assert_eq!(added.ask_over(&mut client).await.unwrap().status, 401);
    }
    // And to one whose empty content was signed.
    let mut added = look().usage(Usage::Message).sign();
    added.content = CONTENT.to_vec();
    refused(&scene, added.whole(), 401, "digest_mismatch").await;
    refused(&scene, added.chunked(4), 401, "digest_mismatch").await;
    scene.upstream.assert_untouched();
    admitted(&scene, &looking).await;
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_96_digests() {
    let scene = partners().await;
    let signed = order().sign();
    for (from, to, status, reason) in [
        ("alg=sha-256", "alg=md5", 400, "digest_algorithm_unknown"),
        ("alg=sha-256", "alg=SHA-256", 400, "digest_algorithm_unknown"),
        ("alg=sha-256", "alg=sha-256, alg=md5", 400, "parameter_repeated"),
        ("alg=sha-256", "alg=sha-512", 400, "digest_syntax"),
        ("alg=sha-256", "alg=sha-1", 400, "digest_syntax"),
        ("alg=sha-256, ", "", 400, "parameter_missing"),
        ("alg=sha-256", "alg=sha-256, canon=other", 400, "canonicalisation_unknown"),
        ("=\", covered", "\", covered", 400, "digest_syntax"),
        ("=\", covered", "==\", covered", 400, "digest_syntax"),
        ("value=\"", "value=\"AAAA", 400, "digest_syntax"),
        ("value=\"", "value=\" ", 400, "digest_syntax"),
    ] {
        refused(&scene, altered(&signed, "X-WSS-Digest", from, to).whole(), status, reason).await;
    }
    let mut weak = order();
    weak.digest_algorithm = DigestName::Sha1;
    refused(&scene, weak.sign().whole(), 401, "algorithm_refused").await;
    // A weak digest that is right beside a strong one that is wrong, and the other way round.
    let weak = weak.sign();
    refused(&scene, signed.clone().tampered().with("X-WSS-Digest", weak.value("X-WSS-Digest")).whole(), 400, "field_repeated").await;
    refused(&scene, weak.clone().tampered().with("X-WSS-Digest", signed.value("X-WSS-Digest")).whole(), 400, "field_repeated").await;
    // Digests of other standards are fields like any other: they neither prove nor spoil anything.
    let right = format!("sha-256=:{}:", base64::encode(&sha256(CONTENT)));
    for name in ["Content-Digest", "Repr-Digest", "Digest", "Content-MD5"] {
        refused(&scene, signed.clone().without("X-WSS-Digest").with(name, &right).whole(), 401, "digest_missing").await;
        admitted(&scene, &order().sign().with(name, "sha-256=:AAAA:")).await;
    }
    // A digest that comes too late.
    let digest = signed.value("X-WSS-Digest").to_owned();
    let late = signed.clone().without("X-WSS-Digest").with("Trailer", "X-WSS-Digest").chunked(6);
    let late = [&late[..late.len() - 2], format!("X-WSS-Digest: {digest}\r\n\r\n").as_bytes()].concat();
    refused(&scene, late, 401, "digest_missing").await;
    admitted(&scene, &signed).await;
}

#[tokio::test]
async fn t_96_codings_lengths_and_expectations() {
    let scene = partners().await;
    // The octets as they were received are what counts; no coding is undone.
    let packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\x00\x00\x00";
    let coded = |content: &[u8]| {
        let mut draft = order().field("Content-Encoding", "gzip");
        draft.content = content.to_vec();
        draft.sign()
    };
    admitted(&scene, &coded(packed)).await;
    let plain = Signed { content: packed.to_vec(), ..coded(b"abc") };
    refused(&scene, plain.whole(), 401, "digest_mismatch").await;
    let unpacked = Signed { content: b"abc".to_vec(), ..coded(packed) };
    refused(&scene, unpacked.whole(), 401, "digest_mismatch").await;
    // The framing is not signed and changes nothing.
    for size in [1, 7, CONTENT.len()] {
        let answer = raw::ask(scene.gateway.address(), order().sign().chunked(size)).await;
        assert_eq!((answer.status(), scene.upstream.requests().pop().unwrap().content.as_slice()), (200, CONTENT));
    }
    let mut client = Http2Client::connect(scene.gateway.address()).await;
    assert_eq!(order().sign().ask_over(&mut client).await.unwrap().status, 200);
    let empty = Requester::jwt_sealed().post("/orders", b"").sign();
    admitted(&scene, &empty).await;
    // Nobody without a key is asked for the content; whoever has one is.
    let expecting = "Expect: 100-continue\r\nContent-Length: 25\r\n";
    let signed = order().sign();
    for (bad, status) in [
        (altered(&signed, "X-WSS-Security", "message", "auth"), 401),
        (signed.clone().without("X-WSS-Digest"), 401),
        (signed.clone().without("X-WSS-TokenLoc"), 400),
    ] {
        let mut client = RawClient::connect(scene.gateway.address()).await;
        client.send(bad.head(expecting)).await;
        assert_eq!(client.next_answer().await.unwrap().status(), status);
    }
    let mut client = RawClient::connect(scene.gateway.address()).await;
    client.send(signed.head(expecting)).await;
    assert_eq!(client.answer_head().await.unwrap().status(), 100);
    client.send(CONTENT).await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn t_97_no_judgement_on_a_part() {
    let limits = "limits: { max_body_size: 64KiB, spool_after: 4KiB }";
    for mode in ["before_forwarding", "while_streaming"] {
        let scene =
            Scene::with(Partners::new().set("max_token_content", "8KiB").route(&format!("body: {mode}")).beside(limits).config()).await;
        let mut large = order();
        large.content = vec![b'x'; 64 * 1024];
        let fits = large.clone().nonce(&nonce()).sign();
        large.content.push(b'x');
        refused(&scene, large.sign().whole(), 413, "content_too_large").await;
        never_whole(&scene, &large.sign().chunked(1000), 413, "content_too_large").await;
        // The good part, and something behind it.
        for added in [&b"x"[..], &[b'y'; 5000], &[b'z'; 100_000]] {
            let mut padded = order().sign();
            padded.content.extend_from_slice(added);
            let (status, reason) = if added.len() > 65_536 { (413, "content_too_large") } else { (401, "digest_mismatch") };
            never_whole(&scene, &padded.whole(), status, reason).await;
            never_whole(&scene, &padded.chunked(4096), status, reason).await;
        }
        // A token deep in a content that is larger than what is searched.
        let form = Requester::jwt_sealed().post("/orders", b"").token_in_form(8 * 1024 + 1);
        never_whole(&scene, &form.sign().whole(), 413, "content_too_large").await;
        never_whole(&scene, &form.sign().chunked(1000), 413, "content_too_large").await;
        assert!(scene.upstream.requests().is_empty(), "{mode}: {:?}", scene.upstream.requests());
        admitted(&scene, &fits).await;
    }
}

/// The backend may have begun to hear of it, but it never was a whole request.
async fn never_whole(scene: &Scene, octets: &[u8], status: u16, reason: &str) {
    let before = scene.upstream.requests().len();
    let mut client = RawClient::connect(scene.gateway.address()).await;
    let _ = client.try_send(octets).await;
    let answer = client.answer().await;
    is_coarse(&answer, status, reason);
    let id = answer.field("x-request-id").unwrap().to_owned();
    scene.gateway.access_line(|line| line["request_id"] == id && line["status"] == status).await;
    assert!(scene.gateway.denial(reason).await["reason"] == reason);
    assert_eq!(scene.upstream.requests().len(), before, "{reason}");
}

#[tokio::test]
async fn t_99_freshness_is_always_signed() {
    let scene = partners().await;
    for signed in [order().sign(), look().sign()] {
        let security = signed.value("X-WSS-Security").to_owned();
        let quoted = |name: &str| {
            let after = security.split(&format!("{name}=\"")).nth(1).unwrap();
            format!("{name}=\"{}\"", after.split('"').next().unwrap())
        };
        let (made, used) = (quoted("timestamp"), quoted("nonce"));
        for (from, to, status, reason) in [
            (&made, format!("timestamp=\"{}\"", timestamp(1)), 401, "holder_signature_invalid"),
            (&made, made.replace("Z\"", ".5Z\""), 401, "holder_signature_invalid"),
            (&used, format!("nonce=\"{}\"", nonce()), 401, "holder_signature_invalid"),
            (&used, format!("{}x\"", used.trim_end_matches('"')), 401, "holder_signature_invalid"),
        ] {
            refused(&scene, altered(&signed, "X-WSS-Security", from, &to).whole(), status, reason).await;
        }
        for part in [&made, &used] {
            refused(&scene, altered(&signed, "X-WSS-Security", &format!("{part}, "), "").whole(), 400, "parameter_missing").await;
        }
        // The fields of others that tell a time are none of ours.
        let dated = altered(&signed, "X-WSS-Security", &format!("{made}, "), "").with("Date", "Mon, 15 Jun 2026 00:00:00 GMT");
        refused(&scene, dated.whole(), 400, "parameter_missing").await;
    }
    scene.upstream.assert_untouched();
}

#[tokio::test]
async fn t_99_no_log_holds_what_proves() {
    let scene = partners().await;
    let requester = Requester::jwt_sealed();
    let (good, bad) = (requester.post("/orders", CONTENT).sign(), requester.post("/orders", CONTENT).sign().tampered());
    let answer = good.ask(scene.gateway.address()).await;
    refused(&scene, bad.whole(), 401, "digest_mismatch").await;
    refused(&scene, good.whole(), 401, "nonce_seen").await;
    let info = answer.field("x-wss-authinfo").unwrap().to_owned();
    let context = Requester::of_info(&info);
    let HolderKey::Secret(secret) = &context.key else { panic!("a context has a secret") };
    admitted(&scene, &context.get("/orders").sign()).await;
    let security = good.value("X-WSS-Security").to_owned();
    let quoted: Vec<&str> = security.split('"').collect();
    let token = String::from_utf8(requester.token.clone()).unwrap();
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let (as_sent, context_token, context_secret) =
        (base64::encode(&requester.token), base64::encode(&context.token), base64::encode(secret));
    let secrets = [head, claims, signature, &as_sent, &context_token, &context_secret, quoted[1], quoted[5]];
    let lines = scene.gateway.log_lines();
    assert!(lines.len() > 5);
    for secret in secrets {
        assert!(secret.len() >= 16 && lines.iter().all(|line| !line.contains(secret)), "a log holds {secret}");
    }
}
