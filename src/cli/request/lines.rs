//! Fields as lines for a person: in the usual capitals, and without the secret of a context.

use crate::cli::terminal::printable;
use crate::scheme::wssec::wire::auth_info::{AuthInfo, ContextGrant};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The field that holds a secret.
const AUTH_INFO: &str = "x-wss-authinfo";
/// What stands where the secret was.
const MASK: &str = "***";

/// The lines of a head, each behind `mark`.
pub(super) fn shown(mark: &str, fields: &HeaderMap) -> String {
    fields.iter().map(|(name, value)| [mark, &line(name, &masked(name, value)), "\n"].concat()).collect()
}

/// The lines of a head as they are, for sending.
pub(super) fn whole(fields: &HeaderMap) -> String {
    fields.iter().map(|(name, value)| line(name, &String::from_utf8_lossy(value.as_bytes())) + "\n").collect()
}

fn line(name: &HeaderName, value: &str) -> String {
    [&capitals(name.as_str()), ": ", &printable(value)].concat()
}

fn masked(name: &HeaderName, value: &HeaderValue) -> String {
    if name.as_str() != AUTH_INFO {
        return String::from_utf8_lossy(value.as_bytes()).into_owned();
    }
    match AuthInfo::read(value.as_bytes()) {
        Ok(AuthInfo { nonce, context: Some(ContextGrant { token, .. }) }) => {
            AuthInfo { nonce, context: Some(ContextGrant { token, secret: MASK }) }.to_string()
        }
        Ok(info) => info.to_string(),
        // It may hold the secret anywhere.
        Err(_) => MASK.to_owned(),
    }
}

/// `x-wss-tokenloc` as `X-WSS-TokenLoc`.
fn capitals(name: &str) -> String {
    let words = name.split('-').map(|word| match word {
        "www" | "wss" => word.to_ascii_uppercase(),
        "tokenloc" => "TokenLoc".to_owned(),
        "authinfo" => "AuthInfo".to_owned(),
        word => word.get(..1).unwrap_or_default().to_ascii_uppercase() + word.get(1..).unwrap_or_default(),
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_usual_capitals() {
        for name in [
            "Content-Type",
            "X-WSS-TokenLoc",
            "X-WSS-Token12",
            "X-WSS-AuthInfo",
            "Authorization",
            "X-Request-Id",
            "WWW-Authenticate",
            "A--B",
        ] {
            assert_eq!(capitals(&name.to_ascii_lowercase()), name);
        }
    }

    #[test]
    fn the_secret_of_a_context_is_not_shown() {
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let shown = |value: &str| {
            let mut fields = HeaderMap::new();
            fields.insert(AUTH_INFO, value.parse().unwrap());
            shown("< ", &fields)
        };
        let whole = format!("nonce=\"bm9uY2UtMDAwMg==\", contexttoken=\"UENUMQ==\", contexttokensecret=\"{secret}\"");
        assert_eq!(shown(&whole), "< X-WSS-AuthInfo: nonce=\"bm9uY2UtMDAwMg==\", contexttoken=\"UENUMQ==\", contexttokensecret=\"***\"\n");
        assert_eq!(shown("nonce=\"bm9uY2UtMDAwMg==\""), "< X-WSS-AuthInfo: nonce=\"bm9uY2UtMDAwMg==\"\n");
        assert_eq!(shown(&format!("contexttokensecret=\"{secret}\"")), "< X-WSS-AuthInfo: ***\n");
    }

    #[test]
    fn terminals_are_not_controlled() {
        let value = HeaderValue::from_bytes(b"a\tb\xc2\x9bc").unwrap();
        assert_eq!(whole(&HeaderMap::from_iter([(HeaderName::from_static("x-a"), value)])), "X-A: a\\tb\\u{9b}c\n");
    }
}
