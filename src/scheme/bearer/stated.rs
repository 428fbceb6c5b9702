//! Whom a token names as its issuer before anything of it is proved: for choosing who judges it, and nothing else.

use crate::crypto::base64url;
use serde::Deserialize;
use std::borrow::Cow;

/// The longest payload, in octets of base64url, that is looked at without allocating.
const USUAL_PAYLOAD: usize = 2048;

/// What a text says of its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum StatedIssuer {
    /// It does not look like a signed JSON Web Token: it says nothing that we could read.
    Opaque,
    /// It is one, and names nobody.
    Unstated,
    /// It names the issuer that was asked for.
    Ours,
    /// It names somebody else.
    Foreign,
}

#[derive(Deserialize)]
struct Stated<'p> {
    #[serde(borrow, default)]
    iss: Cow<'p, str>,
}

/// Whether an unproved token names `issuer` as the one who made it. Anybody can write that: who trusts a token by it
/// alone trusts everybody. A payload in which it has two readings names nobody that we know.
pub(in crate::scheme) fn unverified_issuer(token: &str, issuer: &str) -> StatedIssuer {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return StatedIssuer::Opaque;
    };
    let mut buffer = [0; USUAL_PAYLOAD / 4 * 3];
    if payload.len() <= USUAL_PAYLOAD {
        return base64url::decode(payload.as_bytes(), &mut buffer).map_or(StatedIssuer::Opaque, |octets| judge(octets, issuer));
    }
    base64url::decode_to_vec(payload.as_bytes()).map_or(StatedIssuer::Opaque, |octets| judge(&octets, issuer))
}

fn judge(payload: &[u8], issuer: &str) -> StatedIssuer {
    // The reader of JSON would take an array for the members in their order.
    if !payload.trim_ascii_start().starts_with(b"{") {
        return StatedIssuer::Opaque;
    }
    match serde_json::from_slice(payload) {
        Err(_) => StatedIssuer::Opaque,
        Ok(Stated { iss }) if iss.is_empty() => StatedIssuer::Unstated,
        Ok(Stated { iss }) if iss == issuer => StatedIssuer::Ours,
        Ok(Stated { .. }) => StatedIssuer::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(payload: &str) -> StatedIssuer {
        unverified_issuer(&format!("e30.{}.x", base64url::encode(payload.as_bytes())), "https://i")
    }

    #[test]
    fn the_issuer_is_read_without_a_key() {
        assert_eq!(stated(r#"{"sub":"x","iss":"https://i","a":{"iss":"other"}}"#), StatedIssuer::Ours);
        assert_eq!(stated(r#"{"iss":"https:\/\/i"}"#), StatedIssuer::Ours);
        assert_eq!(stated(r#"{"iss":"https://i/"}"#), StatedIssuer::Foreign);
        assert_eq!(stated(r#"{"Iss":"https://i"}"#), StatedIssuer::Unstated);
        let long = "x".repeat(3000);
        assert_eq!(stated(&format!(r#"{{"pad":"{long}","iss":"https://i"}}"#)), StatedIssuer::Ours);
    }

    #[test]
    fn what_has_no_reading_names_nobody() {
        for payload in
            [r#"{"iss":"https://i","iss":"https://i"}"#, r#"{"iss":["https://i"]}"#, r#"{"iss":null}"#, "[]", r#"["https://i"]"#, "", "x"]
        {
            assert_eq!(stated(payload), StatedIssuer::Opaque, "{payload}");
        }
        for token in ["", "opaque", "a.b", "a.b.c.d", "e30.!.x", "e30.eyJpc3MiOiJodHRwczovL2kifQ==.x"] {
            assert_eq!(unverified_issuer(token, "https://i"), StatedIssuer::Opaque, "{token}");
        }
    }
}
