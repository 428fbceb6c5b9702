//! What is issued is read and judged; what is not a set of claims, or not for us, is refused.

use super::super::jose::cnf::{CnfSyntax, Confirmation};
use super::super::jose::jwe::{Management, SharedKey};
use super::super::jose::{self, Algorithm, IssuingKey, Jws, Unconfirmed, VerificationKey, cnf};
use super::super::json::JsonSyntax;
use super::super::{AudienceRule, ClaimMiss, ClaimRules};
use super::*;
use crate::clock::UnixTime;
use crate::crypto::{NewKey, SigningKey, SystemRandom};
use crate::setting::{Located, Position};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

fn key() -> IssuingKey {
    IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap()
}

fn confirmed(token: &str) -> Jws {
    Unconfirmed::parse(token).unwrap().confirmed_by(&[VerificationKey::secret(&[7; 32], None, None).unwrap()]).unwrap()
}

fn read_as(token_type: &str, payload: &str) -> Result<Jwt, JwtSyntax> {
    Jwt::read(&confirmed(&jose::issue(token_type, payload.as_bytes(), &key()).unwrap()))
}

fn read(payload: &str) -> Result<Jwt, JwtSyntax> {
    read_as("JWT", payload)
}

fn statement<'a>() -> Statement<'a> {
    Statement {
        token_type: "at+jwt",
        issuer: "https://sts.example",
        subject: Some("jane"),
        audiences: &["orders"],
        issued: NOW,
        expires: NOW.later(300),
        claims: &[],
        holder: StatedHolder::Anyone,
    }
}

fn requirements() -> Requirements {
    Requirements {
        token_type: TypeRule::AccessToken,
        issuer: "https://sts.example".into(),
        audiences: [AudienceRule::exact("orders")].into(),
        claims: ClaimRules::default(),
        leeway: 30,
        optional: Optional::default(),
        max_lifetime: u64::MAX,
    }
}

/// A payload for us with other members in place of these or after them.
fn payload(changes: &str) -> String {
    let mut members = vec![("iss", "\"https://sts.example\""), ("aud", "\"orders\""), ("exp", "1700000300")];
    for change in changes.split(';').filter(|change| !change.is_empty()) {
        let (name, value) = change.split_once('=').unwrap();
        members.retain(|(known, _)| *known != name);
        members.push((name, value));
    }
    let members: Vec<_> =
        members.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn verdict(changes: &str) -> Result<UnixTime, JwtMiss> {
    requirements().judge(&read(&payload(changes)).unwrap(), NOW)
}

#[test]
fn what_is_issued_is_read_and_holds() {
    let claims = [("Role", "a,b"), ("Näme\"", "Zoë\n")];
    let token = issue(&Statement { claims: &claims, ..statement() }, &key()).unwrap();
    let jwt = Jwt::read(&confirmed(&token)).unwrap();
    assert_eq!(requirements().judge(&jwt, NOW), Ok(NOW.later(300)));
    assert_eq!((jwt.issuer(), jwt.subject(), jwt.token_type()), (Some("https://sts.example"), Some("jane"), Some("at+jwt")));
    assert!(matches!(jwt.holder(), Holder::Anyone));
    let expected = [("iss", "https://sts.example"), ("sub", "jane"), ("aud", "orders"), ("iat", "1700000000"), ("exp", "1700000300")];
    assert_eq!(jwt.claims().iter().collect::<Vec<_>>(), expected.into_iter().chain(claims).collect::<Vec<_>>());
}

#[test]
fn several_audiences_are_an_array() {
    let token = issue(&Statement { audiences: &["one", "orders"], subject: None, ..statement() }, &key()).unwrap();
    let jwt = Jwt::read(&confirmed(&token)).unwrap();
    assert_eq!(*jwt.audiences(), ["one".into(), "orders".into()]);
    assert_eq!(jwt.claims().value("aud"), Some("one,orders"));
    assert!(requirements().judge(&jwt, NOW).is_ok() && jwt.subject().is_none());
    let nobody = issue(&Statement { audiences: &[], ..statement() }, &key()).unwrap();
    assert_eq!(requirements().judge(&Jwt::read(&confirmed(&nobody)).unwrap(), NOW), Err(JwtMiss::AudienceMissing));
}

#[test]
fn statements_that_no_reader_takes_are_not_issued() {
    let minted = |claims: &[(&str, &str)]| issue(&Statement { claims, ..statement() }, &key()).map(|_| ());
    for name in ["iss", "sub", "aud", "iat", "nbf", "exp", "cnf"] {
        assert_eq!(minted(&[("a", ""), (name, "x")]), Err(IssueError::NameReserved), "{name}");
    }
    assert_eq!(minted(&[("a", "1"), ("b", ""), ("a", "2")]), Err(IssueError::NameRepeated));
    let names: Vec<_> = (0..128).map(|name| name.to_string()).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(minted(&many[..122]), Err(IssueError::TooManyClaims));
    assert_eq!(minted(&many[..121]), Ok(()));
    let most = issue(&Statement { claims: &many[..121], ..statement() }, &key()).unwrap();
    assert!(Jwt::read(&confirmed(&most)).is_ok());
}

#[test]
fn claims_become_texts_that_rules_read_rightly() {
    let jwt = read(
        r#"{"n":12,"f":0.5,"t":true,"null":null,"groups":["a","b"],"mixed":[1,"x",false],"one":["x"],"none":[],
            "comma":["x,admin,y"],"deep":["a",["admin"]],"obj":{"a":["x,admin,y",5,6],"b":"c"},"s":"x,y"}"#,
    )
    .unwrap();
    let value = |name| jwt.claims().value(name);
    assert_eq!([value("n"), value("f"), value("t"), value("null")], [Some("12"), Some("0.5"), Some("true"), None]);
    assert_eq!([value("groups"), value("mixed"), value("one"), value("none")], [Some("a,b"), Some("1,x,false"), Some("x"), Some("[]")]);
    assert_eq!(value("comma"), Some(r#"["x\u002cadmin\u002cy"]"#));
    assert_eq!(value("deep"), Some(r#"["a", ["admin"]]"#));
    assert_eq!(value("obj"), Some(r#"{"a":["x\u002cadmin\u002cy", 5, 6], "b":"c"}"#));
    assert_eq!(value("s"), Some("x,y"));
    for name in ["comma", "deep", "obj"] {
        assert!(value(name).unwrap().split(',').all(|piece| !["admin", "5", "6"].contains(&piece)), "{name}");
    }
}

#[test]
fn registered_claims_have_their_types() {
    for (changes, name) in [
        ("iss=7", "iss"),
        ("iss=null", "iss"),
        ("iss=[\"https://sts.example\"]", "iss"),
        ("sub=7", "sub"),
        ("jti={}", "jti"),
        ("aud=7", "aud"),
        ("aud=null", "aud"),
        ("aud=[\"orders\",7]", "aud"),
        ("aud={\"orders\":1}", "aud"),
        ("exp=\"1700000300\"", "exp"),
        ("exp=null", "exp"),
        ("exp=-1", "exp"),
        ("nbf=true", "nbf"),
        ("iat=[1]", "iat"),
    ] {
        assert_eq!(read(&payload(changes)).err(), Some(JwtSyntax::Claim(name)), "{changes}");
    }
    assert_eq!(read("{\"exp\":1,\"exp\":2}").err(), Some(JwtSyntax::Json(JsonSyntax::NameRepeated)));
    assert_eq!(read("jane").err(), Some(JwtSyntax::Json(JsonSyntax::Grammar)));
    assert_eq!(read("{\"exp\":99999999999999999999}").err(), Some(JwtSyntax::Json(JsonSyntax::Number)));
}

#[test]
fn a_token_is_over_at_its_last_second() {
    assert_eq!(verdict(""), Ok(NOW.later(300)));
    assert_eq!(verdict("exp="), Err(JwtMiss::ExpiryMissing));
    assert_eq!(verdict("exp=1699999971"), Ok(UnixTime::from_seconds(1_699_999_971)));
    assert_eq!(verdict("exp=1699999970"), Err(JwtMiss::Expired));
    assert_eq!(verdict("exp=1699999970.9"), Err(JwtMiss::Expired));
    assert_eq!(verdict("exp=0"), Err(JwtMiss::Expired));
}

#[test]
fn a_token_has_begun_and_was_made() {
    assert!(verdict("nbf=1700000030").is_ok() && verdict("iat=1700000030").is_ok());
    assert_eq!(verdict("nbf=1700000031"), Err(JwtMiss::NotYet));
    assert_eq!(verdict("nbf=1700000030.5"), Err(JwtMiss::NotYet));
    assert_eq!(verdict("iat=1700000031"), Err(JwtMiss::IssuedLater));
}

#[test]
fn issuer_and_audience_are_ours() {
    assert_eq!(verdict("iss="), Err(JwtMiss::IssuerMissing));
    assert_eq!(verdict("iss=\"https://sts.example/\""), Err(JwtMiss::IssuerUntrusted));
    assert_eq!(verdict("aud="), Err(JwtMiss::AudienceMissing));
    assert_eq!(verdict("aud=[]"), Err(JwtMiss::AudienceMissing));
    assert_eq!(verdict("aud=[\"other\",\"Orders\"]"), Err(JwtMiss::AudienceMismatch));
    assert_eq!(verdict("aud=\"other,orders\""), Err(JwtMiss::AudienceMismatch));
    assert_eq!(verdict("aud=[\"other,orders\"]"), Err(JwtMiss::AudienceMismatch));
    assert!(verdict("aud=[\"other\",\"orders\"]").is_ok());
}

#[test]
fn a_token_of_another_kind_is_not_an_access_token() {
    assert_eq!(TypeRule::Any.judge(&read_as("secevent+jwt", &payload("")).unwrap()), Ok(()));
    let verdict = |stated: &str, rule: TypeRule| rule.judge(&read_as(stated, &payload("")).unwrap());
    for fine in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"] {
        assert_eq!(verdict(fine, TypeRule::AccessToken), Ok(()), "{fine}");
    }
    for wrong in ["dpop+jwt", "", "logout+jwt", "secevent+jwt", "at+jwt ", "application/", "x/at+jwt"] {
        assert_eq!(verdict(wrong, TypeRule::AccessToken), Err(JwtMiss::Type), "{wrong}");
    }
    assert_eq!(verdict("dpop+jwt", TypeRule::Exactly("dpop+jwt".into())), Ok(()));
    assert_eq!(verdict("JWT", TypeRule::Exactly("dpop+jwt".into())), Err(JwtMiss::Type));
}

#[test]
fn claims_are_judged_by_the_one_judge() {
    let rule = Located::new(serde_json::from_str(r#"{"one_of":["admin"]}"#).unwrap(), Position::default());
    let requirements = Requirements { claims: ClaimRules::build([("roles", &rule)]).unwrap(), ..requirements() };
    let verdict = |changes: &str| requirements.judge(&read(&payload(changes)).unwrap(), NOW).map(|_| ());
    assert_eq!(verdict("roles=[\"user\",\"admin\"]"), Ok(()));
    assert_eq!(verdict("roles=\"admin\""), Ok(()));
    assert_eq!(verdict(""), Err(JwtMiss::Claim(ClaimMiss::Missing("roles".into()))));
    for wrong in ["roles=null", "roles=[]"] {
        assert!(matches!(verdict(wrong), Err(JwtMiss::Claim(_))), "{wrong}");
    }
    for wrong in ["roles=[\"user\"]", "roles=[\"x,admin,y\"]", "roles={\"admin\":true}", "roles=[[\"admin\"]]"] {
        let Err(JwtMiss::Claim(ClaimMiss::Mismatch { claim, .. })) = verdict(wrong) else { panic!("{wrong}") };
        assert_eq!(&*claim, "roles", "{wrong}");
    }
}

#[test]
fn a_bound_token_says_so_and_its_key_is_found() {
    let holder = SigningKey::generate(NewKey::P256).unwrap();
    let token = issue(&Statement { holder: StatedHolder::Key(holder.public()), ..statement() }, &key()).unwrap();
    let jwt = Jwt::read(&confirmed(&token)).unwrap();
    let Holder::Bound(confirmation) = jwt.holder() else { panic!() };
    let proof = confirmation.clone().open([]).unwrap();
    assert!(matches!(proof.material(), cnf::ProofMaterial::Public(key) if key == holder.public()));
    assert_eq!(jwt.claims().value("cnf"), None);

    let shared = SharedKey::from_octets(&[9; 32]).unwrap();
    let sealed = cnf::seal(&[3; 32], &shared, Management::Wrapped, None, &SystemRandom::new()).unwrap();
    let token = issue(&Statement { holder: StatedHolder::Sealed(&sealed), ..statement() }, &key()).unwrap();
    let jwt = Jwt::read(&confirmed(&token)).unwrap();
    let Holder::Bound(confirmation @ Confirmation::Sealed(_)) = jwt.holder() else { panic!() };
    let proof = confirmation.clone().open([&shared]).unwrap();
    assert!(matches!(proof.material(), cnf::ProofMaterial::Secret(octets) if ***octets == [3; 32]));
}

#[test]
fn a_confirmation_that_cannot_be_taken_spoils_the_token() {
    for (value, reason) in [
        ("{}", CnfSyntax::Method),
        ("{\"kid\":\"x\"}", CnfSyntax::Method),
        ("null", CnfSyntax::NotAnObject),
        ("\"x\"", CnfSyntax::NotAnObject),
        ("[]", CnfSyntax::NotAnObject),
    ] {
        assert_eq!(read(&payload(&format!("cnf={value}"))).err(), Some(JwtSyntax::Confirmation(reason)), "{value}");
    }
}

#[test]
fn claims_do_not_print() {
    let shown = format!("{:?}", read(&payload("name=\"Jane Doe\"")).unwrap());
    assert!(!shown.contains("Jane"), "{shown}");
}

proptest! {
    #[test]
    fn no_payload_makes_the_reader_panic(payload in "(\\{|\\}|\\[|\\]|\"(iss|aud|exp|cnf|jwk)\":|\"x\"|,|[0-9.e-]){0,20}") {
        let _ = read(&payload);
    }

    #[test]
    fn every_statement_comes_back(issuer in ".{0,20}", subject in ".{0,20}", name in "x.{0,8}", value in ".{0,20}") {
        let stated = Statement { issuer: &issuer, subject: Some(&subject), claims: &[(&name, &value)], ..statement() };
        let jwt = Jwt::read(&confirmed(&issue(&stated, &key()).unwrap())).unwrap();
        prop_assert_eq!(jwt.issuer(), Some(issuer.as_str()));
        prop_assert_eq!(jwt.subject(), Some(subject.as_str()));
        prop_assert_eq!(jwt.claims().value(&name), Some(value.as_str()));
    }
}
