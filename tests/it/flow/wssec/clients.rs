//! A requester that shares no line with this project agrees with the gateway on every octet that is signed.

use crate::support::Upstream;
use crate::support::programs::{output, script, system};
use crate::support::wssec::{HolderKey, Partners, Requester};
use portcullis::crypto::base64;
use serde_json::Value;

#[tokio::test]
async fn a_signer_in_another_language_is_proved_by_token_and_by_context() {
    for requester in [Requester::jwt_sealed(), Requester::swt()] {
        let upstream = Upstream::start().await;
        let gateway = Partners::new().config().upstream(&upstream).start().await;
        let HolderKey::Secret(secret) = &requester.key else { panic!("a secret was asked for") };
        let address = gateway.address();
        let mut python = system("python3");
        let python = python.arg("-u").arg(script("wssec_client.py")).args([address.ip().to_string(), address.port().to_string()]);
        let shown = output(python.args([requester.profile, &base64::encode(&requester.token), &base64::encode(secret)])).await;
        let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line = |line: &Value| (line["how"].as_str().unwrap().to_owned(), line["status"].as_u64().unwrap(), line["granted"] == true);
        let wanted = [
            ("none", 401, false),
            ("token get", 200, true),
            ("token post", 200, true),
            ("context get", 200, false),
            ("context post", 200, false),
            ("forged", 401, false),
        ];
        let wanted = wanted.map(|(how, status, granted)| (how.to_owned(), status, granted));
        assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), wanted, "{:#?}", gateway.events());
        let requests = upstream.requests();
        assert_eq!(requests.len(), 4);
        for (request, content) in
            requests.iter().zip(["", "{\"order\": 42, \"by\": \"token\"}", "", "{\"order\": 42, \"by\": \"context\"}"])
        {
            assert_eq!((request.field("x-auth-request-user"), request.text().as_str()), (Some("alice"), content));
        }
        gateway.denial("holder_signature_invalid").await;
    }
}
