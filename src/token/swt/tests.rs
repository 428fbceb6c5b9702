//! The published vectors, and what a reader must refuse.

use super::*;
use crate::clock::UnixTime;
use crate::crypto::base64;
use proptest::prelude::*;

const SPEC_KEY: &str = "N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=";
const A3_KEY: &str = "3iK5ZYAoBQuOqSgF/YqlDw70HKRmbyXkrl5f4SJ4Toc=";
const B6_KEY: &str = "Zt9JlL1QvPYRSCK9PgSjrxRUBWe7lbEYsZCdM+sJCF4=";
const OHIO_KEY: &str = "LVMjImkJjIBDrJHbTzyrioeajIFpV27tW2uTuCCOYFY=";
const HUBS_KEY: &str = "GnxQQPqX2xwy72BE2Kmb/RvD58R1p7/NqVL9v8bmqC0=";

const V3_6: &str = "Birthdate=1979-05-25T00%3a00%3a00&Issuer=https%3a%2f%2fjasondemo.accesscontrol.windows.net%2f&Audience=http%3a%2f%2fmyserver.domain%2fBartender&ExpiresOn=1269307605&HMACSHA256=WJsvR4kUuKpiMwKrbv3ffmd4%2ft69UzTCQT3culDpp18%3d";
const V3_8: &str = "Issuer=owner&ExpiresOn=1269265004&HMACSHA256=cqSTl%2fQ9qgoQRziI5%2bkvQ2a6cKVz9dd6y3zUast3iKA%3d";
/// The text of WRAP B.8, whose printed MAC is an erratum.
const B8_SIGNED: &str = "com.example.auth.scope=status_update&com.example.auth.account=Jane&com.example.auth.client=music.example.com&ExpiresOn=1262438123&Audience=status.example.com&Issuer=auth.example.com";

fn key(text: &str) -> SwtKey {
    SwtKey::from_text(text.as_bytes()).unwrap()
}

fn confirmed(key_text: &str, token: &str) -> Result<Swt, Unproved> {
    Unconfirmed::parse(token).map_err(Unproved::Syntax)?.confirmed_by([&key(key_text)])
}

fn signed(text: &str) -> String {
    format!("{text}&HMACSHA256={}", base64::encode(key(SPEC_KEY).sign(text.as_bytes()).as_ref()).replace('+', "%2B"))
}

#[test]
fn published_tokens_verify() {
    let vectors: [(&str, &str, &str, &str); 7] = [
        (
            SPEC_KEY,
            "Issuer=issuer.example.com&ExpiresOn=1262304000&com.example.group=gold&over18=true&HMACSHA256=AT55%2B2jLQeuigpg0xm%2Fvn7tjpSGXBUfFe0UXb0%2F9opE%3D",
            "com.example.group",
            "gold",
        ),
        (
            A3_KEY,
            "net.example.auth.account=datadumper&ExpiresOn=1265202306&Audience=crm.example.com&Issuer=auth.example.net&HMACSHA256=N9%2F%2F0tSos78Me36%2BioBH0sFKfd7eCsURlEIheoUbCJk%3D",
            "Audience",
            "crm.example.com",
        ),
        (
            B6_KEY,
            "com.example.auth.scope=status_update&com.example.auth.account=Jane&com.example.auth.client=music.example.com&ExpiresOn=1262433845&Audience=status.example.com&Issuer=auth.example.com&HMACSHA256=3xZAYzJRtYCQgkAF3iqElp1DhyKkPhq947j04NcDocQ%3D",
            "com.example.auth.account",
            "Jane",
        ),
        (
            OHIO_KEY,
            "DOB=1979-05-25T00:00:00&Issuer=Ohio&Audience=https://jasondemo.accesscontrol.windows.net/WRAPv0.9&ExpiresOn=1269265004&HMACSHA256=pwJx02mzQnLXRsE5I0pF6YfAKfXavOYM7Mp3Ac8O7%2bg%3d",
            "DOB",
            "1979-05-25T00:00:00",
        ),
        (A3_KEY, V3_6, "Birthdate", "1979-05-25T00:00:00"),
        (OHIO_KEY, "Issuer=owner&HMACSHA256=dXfYI%2Fn3tRBdPasdVGTGacC5E2f2ooz5g94osFo5DbE%3D", "Issuer", "owner"),
        (OHIO_KEY, V3_8, "Issuer", "owner"),
    ];
    for (key_text, token, name, value) in vectors {
        assert_eq!(confirmed(key_text, token).unwrap().claims().value(name), Some(value), "{token}");
        assert_eq!(confirmed(HUBS_KEY, token).unwrap_err(), Unproved::Mac, "{token}");
    }
}

#[test]
fn a_token_request_carries_its_assertion_escaped_once() {
    let body = b"wrap_assertion_format=SWT&wrap_assertion=DOB%3d1979-05-25T00%3a00%3a00%26Issuer%3dOhio%26Audience%3dhttps%3a%2f%2fjasondemo.accesscontrol.windows.net%2fWRAPv0.9%26ExpiresOn%3d1269265004%26HMACSHA256%3dpwJx02mzQnLXRsE5I0pF6YfAKfXavOYM7Mp3Ac8O7%252bg%253d&wrap_scope=http%3a%2f%2fmyserver.domain%2fBartender";
    let pair = super::super::form::pairs(body).find(|pair| pair.name == b"wrap_assertion").unwrap();
    let assertion = super::super::form::decode(pair.value).unwrap();
    assert_eq!(confirmed(OHIO_KEY, &assertion).unwrap().issuer(), Some("Ohio"));
}

#[test]
fn the_misprinted_token_is_refused_and_its_right_mac_is_taken() {
    let printed = format!("{B8_SIGNED}&HMACSHA256=AT4TFChHgyylItEWAjK7MFRJuvUS3WLVzO%2F68gvIRQI%3D");
    assert_eq!(confirmed(B6_KEY, &printed).unwrap_err(), Unproved::Mac);
    let right = format!("{B8_SIGNED}&HMACSHA256=ihqfH7OLPQeF6Gvxutvtwr8dd61XnFr%2BZqz4b5Vv5cQ=");
    assert!(confirmed(B6_KEY, &right).is_ok());
}

#[test]
fn macs_of_the_notification_hubs_tests_come_out() {
    assert_eq!(base64::encode(key(HUBS_KEY).sign(b"Issuer=owner").as_ref()), "je1Q5mR/mLmbz+io5k/uuJ8l4CM5EIb9uN73iZfCHgk=");
    let token = issue(&Statement { claims: &[], issuer: "owner", audience: None, expires: None }, &key(HUBS_KEY)).unwrap();
    assert_eq!(*token, "Issuer=owner&HMACSHA256=je1Q5mR%2fmLmbz%2bio5k%2fuuJ8l4CM5EIb9uN73iZfCHgk%3d");
}

#[test]
fn minting_writes_the_octets_of_acs() {
    let statement = Statement {
        claims: &[("Birthdate", "1979-05-25T00:00:00")],
        issuer: "https://jasondemo.accesscontrol.windows.net/",
        audience: Some("http://myserver.domain/Bartender"),
        expires: Some(UnixTime::from_seconds(1_269_307_605)),
    };
    assert_eq!(*issue(&statement, &key(A3_KEY)).unwrap(), V3_6);
    let management = Statement { claims: &[], issuer: "owner", audience: None, expires: Some(UnixTime::from_seconds(1_269_265_004)) };
    assert_eq!(*issue(&management, &key(OHIO_KEY)).unwrap(), V3_8);
}

#[test]
fn statements_that_no_reader_takes_are_not_minted() {
    let mint =
        |claims: &[(&str, &str)]| issue(&Statement { claims, issuer: "i", audience: None, expires: None }, &key(SPEC_KEY)).map(|_| ());
    assert_eq!(mint(&[("", "x")]), Err(IssueError::NameEmpty));
    assert_eq!(mint(&[("a", "x"), ("b", ""), ("a", "y")]), Err(IssueError::NameRepeated));
    for name in [ISSUER, AUDIENCE, EXPIRES_ON, MAC] {
        assert_eq!(mint(&[(name, "x")]), Err(IssueError::NameReserved));
    }
    let names: Vec<_> = (0..MAX_PAIRS).map(|number| number.to_string()).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(mint(&many), Err(IssueError::TooManyPairs));
    assert_eq!(mint(&many[..MAX_PAIRS - 4]), Ok(()));
}

#[test]
fn shapes_that_are_no_token_are_refused() {
    use SwtSyntax::*;
    let mac = "HMACSHA256=AT55%2B2jLQeuigpg0xm%2Fvn7tjpSGXBUfFe0UXb0%2F9opE%3D";
    for (text, reason) in [
        (String::new(), MacNotLast),
        (mac.to_owned(), MacNotLast),
        (format!("&{mac}"), Pair),
        (format!("Issuer=a&{mac}&b=c"), MacNotLast),
        (format!("Issuer=a&hmacsha256={}", &mac[11..]), MacNotLast),
        (format!("Issuer=a&{mac}&{mac}"), NameRepeated),
        (format!("Issuer=a&%48MACSHA256=x&{mac}"), NameRepeated),
        (format!("Issuer=a&Issuer=a&{mac}"), NameRepeated),
        (format!("Issuer=a&%49ssuer=a&{mac}"), NameRepeated),
        (format!("Audience=a&Audienc%65=b&{mac}"), NameRepeated),
        (format!("ExpiresOn=1&ExpiresOn=1&{mac}"), NameRepeated),
        (format!("Issuer=a&&{mac}"), Pair),
        (format!("Issuer=a&b&{mac}"), Pair),
        (format!("Issuer=a&=b&{mac}"), Pair),
        (format!("Issuer=a b&{mac}"), Octet),
        (format!("Issuer=a\r\n&{mac}"), Octet),
        (format!("Issuer=é&{mac}"), Octet),
        ("Issuer=a&HMACSHA256=".to_owned(), Mac),
        ("Issuer=a&HMACSHA256=AT55".to_owned(), Mac),
        (format!("Issuer=a&{mac}%3D"), Mac),
        (format!("Issuer=a&{}", mac.replace("%2B", "+")), Mac),
        (format!("Issuer=a&{}", mac.replace("E%3D", "F%3D")), Mac),
        (format!("Issuer=a&{}", mac.replace("%3D", "%3")), Mac),
        (format!("{}{mac}", "a=b&".repeat(MAX_PAIRS + 1)), TooManyPairs),
    ] {
        assert_eq!(Unconfirmed::parse(&text).err(), Some(reason), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_even_when_signed() {
    use super::super::form::FormSyntax::{Escape, Utf8};
    use SwtSyntax::{Form, NameRepeated};
    for (text, reason) in [
        ("Issuer=a&Role=x&Role=x", NameRepeated),
        ("Issuer=a&Role=x&%52ole=y", NameRepeated),
        ("Issuer=a&b+c=1&b%20c=2", NameRepeated),
        ("Issuer=%zz", Form(Escape)),
        ("Issuer=a&b%=1", Form(Escape)),
        ("Issuer=%ff", Form(Utf8)),
    ] {
        assert_eq!(confirmed(SPEC_KEY, &signed(text)).unwrap_err(), Unproved::Syntax(reason), "{text}");
    }
}

#[test]
fn expiry_is_a_plain_number() {
    for text in ["", "-1", "%2B1", "1.5", "1e9", "0x1", "1%20", "+1", "18446744073709551616", "1a", "%31%"] {
        assert_eq!(Unconfirmed::parse(&signed(&format!("ExpiresOn={text}"))).err(), Some(SwtSyntax::Expiry), "{text}");
    }
    for (text, seconds) in [("18446744073709551615", u64::MAX), ("%31%32", 12), ("007", 7), ("0", 0)] {
        let token = confirmed(SPEC_KEY, &signed(&format!("ExpiresOn={text}"))).unwrap();
        let expected = if seconds == 0 { Expiry::Over } else { Expiry::Until(UnixTime::from_seconds(seconds)) };
        assert_eq!(token.expiry(UnixTime::from_seconds(0), 0), expected, "{text}");
    }
}

#[test]
fn a_token_is_over_at_its_last_second() {
    let token = confirmed(SPEC_KEY, &signed("ExpiresOn=1000")).unwrap();
    let at = UnixTime::from_seconds;
    assert_eq!(token.expiry(at(999), 0), Expiry::Until(at(1000)));
    assert_eq!(token.expiry(at(1000), 0), Expiry::Over);
    assert_eq!(token.expiry(at(1059), 60), Expiry::Until(at(1000)));
    assert_eq!(token.expiry(at(1060), 60), Expiry::Over);
    assert_eq!(confirmed(SPEC_KEY, &signed("Issuer=a")).unwrap().expiry(at(u64::MAX), 0), Expiry::Unstated);
}

#[test]
fn either_of_two_keys_confirms() {
    let token = Unconfirmed::parse(V3_6).unwrap();
    assert!(token.confirmed_by([&key(SPEC_KEY), &key(A3_KEY)]).is_ok());
    assert_eq!(token.confirmed_by([]).unwrap_err(), Unproved::Mac);
    assert!(token.names_issuer("https://jasondemo.accesscontrol.windows.net/"));
    assert!(!token.names_issuer("https://jasondemo.accesscontrol.windows.net"));
}

#[test]
fn looking_at_a_token_needs_no_key() {
    let pairs: Vec<_> = Unconfirmed::parse(V3_6).unwrap().unproved_pairs().map(Result::unwrap).collect();
    assert_eq!(pairs.len(), 4);
    assert_eq!(pairs[2], ("Audience".into(), "http://myserver.domain/Bartender".into()));
}

proptest! {
    #[test]
    fn what_is_minted_is_read(
        claims in proptest::collection::btree_map("[^ -~]{0,3}[a-z &=%+]{1,5}", ".{0,20}", 0..8),
        issuer in ".{0,20}", audience in ".{0,20}", expires in 1_u64..,
    ) {
        let pairs: Vec<_> = claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expires = UnixTime::from_seconds(expires);
        let statement = Statement { claims: &pairs, issuer: &issuer, audience: Some(&audience), expires: Some(expires) };
        let token = issue(&statement, &key(SPEC_KEY)).unwrap();
        let unconfirmed = Unconfirmed::parse(&token).unwrap();
        prop_assert!(unconfirmed.names_issuer(&issuer));
        let read = unconfirmed.confirmed_by([&key(SPEC_KEY)]).unwrap();
        prop_assert_eq!(read.issuer(), Some(issuer.as_str()));
        prop_assert_eq!(read.audience(), Some(audience.as_str()));
        prop_assert_eq!(read.expiry(UnixTime::from_seconds(0), 0), Expiry::Until(expires));
        prop_assert_eq!(read.claims().iter().take(pairs.len()).collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([A-Za-z%&=+0-9]|Issuer=|ExpiresOn=|HMACSHA256=|%[0-9a-f]{2}|.){0,24}") {
        if let Ok(token) = Unconfirmed::parse(&text) {
            let _ = token.confirmed_by([&key(SPEC_KEY)]);
            let _ = token.unproved_pairs().count();
        }
    }
}
