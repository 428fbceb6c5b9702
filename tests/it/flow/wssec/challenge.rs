//! What a 401 asks for, and what credentials may leave out.

use crate::support::http2::Http2Client;
use crate::support::message::Message;
use crate::support::wssec::{Partners, Place, Requester};
use crate::support::{Gateway, Upstream, raw};
use portcullis::crypto::KeyKind;

async fn scene(partners: &Partners) -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    (partners.config().upstream(&upstream).start().await, upstream)
}

/// What everybody is told, whatever was wrong.
fn assert_challenged(answer: &Message) {
    assert_eq!((answer.status(), answer.text().as_str()), (401, "Unauthorized\n"));
    let profiles = ["jwt", "swt", "x509v3", "sct"].map(|profile| format!("WSSEC realm=\"orders\", profile=\"{profile}\""));
    assert_eq!(answer.values("www-authenticate"), profiles);
    let how = "sigusage=message, sigalg=\"hmac-sha256 hmac-sha512 rsa-sha256 rsa-pss-sha256 ecdsa-p256-sha256 ecdsa-p384-sha384 ed25519\", \
               digestalg=\"sha-256 sha-512\", canon=lower-collapse-sort, covered=\"authorization content-type x-wss-tokenloc\"";
    assert_eq!(answer.field("x-wss-authenticate"), Some(how));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert!(!answer.mentions("x-wss-authinfo"));
}

#[tokio::test]
async fn a_request_without_credentials_is_told_what_is_taken() {
    let (gateway, upstream) = scene(&Partners::new()).await;
    assert_challenged(&raw::fetch(gateway.address(), "/orders", "").await);
    gateway.denial("credential_missing").await;
    let mut http2 = Http2Client::connect(gateway.address()).await;
    let answer = http2.fetch("http://localhost/orders", &[]).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.fields.get_all("www-authenticate").iter().count()), (401, 4));
    upstream.assert_untouched();
}

#[tokio::test]
async fn a_challenge_names_what_is_configured_and_nothing_else() {
    let profiles = "{ x509v3: { trust_anchors_file: \"{keys}/anchors.pem\" } }";
    let partners = Partners::new().without("context").set("token_profiles", profiles);
    let partners =
        partners.set("signature", "{ algorithms: [ed25519], usage: auth }").set("digest", "{ algorithms: [sha-512], covered: [] }");
    let (gateway, _upstream) = scene(&partners).await;
    let answer = raw::fetch(gateway.address(), "/orders", "").await;
    assert_eq!(answer.field("www-authenticate"), Some("WSSEC realm=\"orders\", profile=\"x509v3\""));
    assert_eq!(answer.field("x-wss-authenticate"), Some("sigusage=auth, sigalg=ed25519, digestalg=sha-512"));
}

#[tokio::test]
async fn another_realm_or_profile_is_refused() {
    let (gateway, upstream) = scene(&Partners::new()).await;
    let requester = Requester::jwt(KeyKind::P256);
    for (authorization, reason) in [
        ("WSSEC realm=\"stock\", profile=\"jwt\"", "realm_mismatch"),
        ("WSSEC realm=\"Orders\"", "realm_mismatch"),
        ("WSSEC realm=\"orders\", profile=\"saml2\"", "profile_refused"),
        ("WSSEC realm=\"orders\", profile=\"sct\"", "context_refused"),
        // Several are taken, and none is tried.
        ("WSSEC realm=\"orders\"", "profile_refused"),
        ("WSSEC", "profile_refused"),
    ] {
        let mut draft = requester.get("/orders");
        draft.authorization = Some(authorization.to_owned());
        assert_challenged(&draft.sign().ask(gateway.address()).await);
        gateway.denial(reason).await;
    }
    for profile in ["swt", "x509v3"] {
        let mut draft = requester.get("/orders");
        draft.authorization = Some(format!("WSSEC profile=\"{profile}\""));
        let status = draft.sign().ask(gateway.address()).await.status();
        assert!([400, 401].contains(&status), "{profile}: {status}");
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn realm_and_profile_may_be_left_out_where_one_profile_is_taken() {
    let profiles = "{ jwt: { issuer: \"https://sts.example\", audiences: [orders], jwks_file: \"{keys}/jwks.json\" } }";
    let (gateway, _upstream) = scene(&Partners::new().set("token_profiles", profiles)).await;
    let requester = Requester::jwt(KeyKind::P256);
    let mut context = None;
    for authorization in ["WSSEC", "wssec", "WSSEC realm=\"orders\"", "WSSEC profile=\"jwt\"", "WSSEC , profile=\"jwt\""] {
        let mut draft = requester.get("/orders");
        draft.authorization = Some(authorization.to_owned());
        let answer = draft.sign().ask(gateway.address()).await;
        assert_eq!(answer.status(), 200, "{authorization}");
        context = answer.field("x-wss-authinfo").map(Requester::of_info);
    }
    let mut draft = context.unwrap().get("/orders");
    draft.authorization = Some("WSSEC".to_owned());
    assert_eq!(draft.sign().ask(gateway.address()).await.status(), 200, "a context is known by its looks");
}

#[tokio::test]
async fn fields_alone_are_credentials_only_where_the_configuration_says_so() {
    let profiles = "{ jwt: { issuer: \"https://sts.example\", audiences: [orders], jwks_file: \"{keys}/jwks.json\" } }";
    let one = Partners::new().set("token_profiles", profiles);
    let requester = Requester::jwt(KeyKind::P256);
    let draft = || {
        let mut draft = requester.get("/orders");
        draft.authorization = None;
        draft
    };
    let (gateway, upstream) = scene(&one).await;
    assert_eq!(draft().sign().ask(gateway.address()).await.status(), 401);
    gateway.denial("credential_missing").await;
    upstream.assert_untouched();

    let (gateway, upstream) = scene(&one.set("authorization", "optional")).await;
    assert_eq!(draft().sign().ask(gateway.address()).await.status(), 200);
    let request = upstream.request();
    assert!(!request.mentions("x-wss-token1") && !request.mentions("x-wss-security"), "{request:?}");
    assert_eq!(raw::fetch(gateway.address(), "/orders", "").await.status(), 401);
    let foreign = draft().sign().with("Authorization", "Bearer abc");
    assert_eq!(foreign.ask(gateway.address()).await.status(), 400, "which of the two speaks for the caller?");
}

#[tokio::test]
async fn a_token_where_none_is_looked_for_is_refused() {
    let (gateway, upstream) = scene(&Partners::new().set("token_locations", "[header]")).await;
    let draft = Requester::jwt_sealed().post("/orders", b"");
    for draft in [draft.clone().token_as_content(), draft.clone().token_in_form(0), draft.clone().token_in_xml(0)] {
        assert_challenged(&draft.sign().ask(gateway.address()).await);
    }
    gateway.denial("location_refused").await;
    let mut uri = draft;
    (uri.location, uri.token) = (Some("location=header, ref=uri".to_owned()), b"https://sts.example/token".to_vec());
    assert_challenged(&uri.at(Place::Header).sign().ask(gateway.address()).await);
    upstream.assert_untouched();
}
