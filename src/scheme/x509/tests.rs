//! The battery for this scheme, and every way in which a certificate does not do.

use super::*;
use crate::crypto::sha256;
use crate::scheme::battery::{self, Outcome, Request, Specimens, built};
use crate::scheme::{Fault, Memory, Rejection};
use http::header::AUTHORIZATION;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// 2026-06-15.
const NOW: UnixTime = UnixTime::from_seconds(1_781_481_600);
/// 2026-08-01.
const AUGUST: UnixTime = UnixTime::from_seconds(1_785_542_400);
const NAME: &str = "orders.clients.example";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
    pem: String,
}

impl Authority {
    fn root(name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        Self { der: certificate.der().to_vec(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    fn below(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self { der: certificate.der().to_vec(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    fn certify(&self, params: &CertificateParams) -> Vec<u8> {
        params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().to_vec()
    }

    /// A list that ends at the start of a month of 2026.
    fn list(&self, revoked: &[u64], until_month: u8) -> String {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2026, 2, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2026, until_month, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().unwrap())
}

fn email(name: &str) -> SanType {
    SanType::Rfc822Name(name.try_into().unwrap())
}

/// A client with these alternative names, and the serial number 7.
fn client(names: &[SanType]) -> CertificateParams {
    let mut params = named("Orders");
    params.subject_alt_names = names.to_vec();
    params.serial_number = Some(SerialNumber::from(7));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

struct World {
    folder: tempfile::TempDir,
    root: Authority,
    between: Authority,
    leaf: Vec<u8>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root("Root");
    let mut params = authority_params("Between");
    params.serial_number = Some(SerialNumber::from(5));
    let between = root.below(params);
    for (name, content) in [("ca.pem", &root.pem), ("between.pem", &between.pem)] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let leaf = root.certify(&client(&[dns(NAME)]));
    World { folder, root, between, leaf }
});

/// The usual settings with some others; what is `null` is left out.
fn scheme(changes: Value) -> X509 {
    let mut settings = json!({ "trust_anchors_file": "ca.pem", "san": { "dns": ["*.clients.example"] } });
    settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    settings.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    built(settings, WORLD.folder.path()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The problem of settings that do not load, as what was found.
fn problem(changes: Value) -> String {
    let mut settings = json!({ "trust_anchors_file": "ca.pem" });
    settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    built::<X509>(settings, WORLD.folder.path()).err().map(|problems| format!("{problems:?}")).expect("a problem")
}

fn write(name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(WORLD.folder.path().join(name), content).unwrap();
}

fn ask(scheme: &X509, presented: &[&[u8]]) -> Outcome {
    Request::default().certificates(presented).ask(scheme, NOW)
}

/// What a client directly below the root is refused for.
fn outcome(changes: Value, params: &CertificateParams) -> String {
    ask(&scheme(changes), &[&WORLD.root.certify(params)]).reason().to_owned()
}

struct X509Specimens;

impl Specimens for X509Specimens {
    type Scheme = X509;
    const NOW: UnixTime = NOW;
    const OVER: &'static str = "certificate_expired";

    fn scheme() -> X509 {
        scheme(json!({}))
    }

    fn token() -> Vec<u8> {
        WORLD.leaf.clone()
    }

    fn carried(token: &[u8]) -> Vec<Request> {
        vec![Request::default().certificates(&[token])]
    }

    fn refused() -> Vec<(&'static str, Request, &'static str)> {
        let with = |change: fn(&mut CertificateParams)| {
            let mut params = client(&[dns(NAME)]);
            change(&mut params);
            Request::default().certificates(&[&WORLD.root.certify(&params)])
        };
        let stranger = Authority::root("Root").certify(&client(&[dns(NAME)]));
        let below = WORLD.between.certify(&client(&[dns(NAME)]));
        let only = |der: &[u8]| Request::default().certificates(&[der]);
        vec![
            ("another authority of the same name", only(&stranger), "certificate_untrusted"),
            ("an authority between that nobody knows", only(&below), "certificate_untrusted"),
            ("over", with(|params| params.not_after = date_time_ymd(2026, 6, 14)), "certificate_expired"),
            ("not yet", with(|params| params.not_before = date_time_ymd(2026, 6, 16)), "certificate_not_yet_valid"),
            (
                "for servers",
                with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
                "certificate_extended_key_usage",
            ),
            ("no signatures", with(|params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]), "certificate_key_usage"),
            ("an authority", with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), "certificate_of_authority"),
            ("another name", with(|params| params.subject_alt_names = vec![dns("clients.example")]), "certificate_name_refused"),
            ("a common name only", with(|params| params.subject_alt_names = Vec::new()), "certificate_name_refused"),
            ("no certificate", only(b"0"), "certificate_syntax"),
        ]
    }

    fn secrets() -> Vec<String> {
        Vec::new()
    }

    fn is_same_token(_: &[u8], _: &[u8]) -> bool {
        false
    }

    fn can_be_sent(_: &[u8]) -> bool {
        true
    }
}

#[test]
fn battery() {
    battery::run::<X509Specimens>();
}

#[test]
fn a_connection_without_a_certificate_brings_no_credential() {
    assert!(matches!(Request::default().ask(&scheme(json!({})), NOW), Outcome::Nothing));
}

#[test]
fn a_verdict_is_remembered_until_the_certificate_ends() {
    let scheme = scheme(json!({}));
    let request = Request::default().certificates(&[&WORLD.leaf]);
    let memory = |now| request.prove(&scheme, now).unwrap().unwrap().memory;
    assert_eq!((memory(NOW), memory(NOW)), (Memory::Miss, Memory::Hit));
    let principal = request.ask(&scheme, NOW).principal().expires();
    assert_eq!(principal.seconds(), 1_798_761_601);
    assert_eq!(request.ask(&scheme, principal).reason(), "certificate_expired");
}

#[test]
fn what_the_certificate_says_is_told() {
    let names =
        [dns("x.other.example"), dns(NAME), uri("urn:a,b"), email("a@clients.example"), SanType::IpAddress("192.0.2.1".parse().unwrap())];
    let leaf = WORLD.root.certify(&client(&names));
    let hex: String = sha256(&leaf).iter().map(|octet| format!("{octet:02x}")).collect();
    for (source, subject) in [("san", NAME), ("dn", "CN=Orders"), ("cn", "Orders"), ("thumbprint", hex.as_str())] {
        let proved = ask(&scheme(json!({ "subject": source })), &[&leaf]);
        let principal = proved.principal();
        assert_eq!((principal.subject(), principal.issuer()), (Some(subject), "CN=Root"), "{source}");
        assert_eq!(principal.fingerprint().to_string(), hex[..16]);
        let claims: Vec<_> = principal.claims().iter().collect();
        // A name with a comma could pass for two.
        let expected = [
            ("serial", "07"),
            ("sha256", hex.as_str()),
            ("dn", "CN=Orders"),
            ("cn", "Orders"),
            ("dns", "x.other.example,orders.clients.example"),
            ("email", "a@clients.example"),
            ("ip", "192.0.2.1"),
        ];
        assert_eq!(claims, expected);
    }
}

#[test]
fn names_are_taken_by_their_kind() {
    let san = json!({ "san": { "dns": ["a.example"], "uri": ["spiffe://td.example/ns/*"], "email": ["*@partner.example"] } });
    let takes = |name: SanType| outcome(san.clone(), &client(&[name]));
    for name in [dns("A.example"), uri("spiffe://td.example/ns/orders"), email("x@partner.example")] {
        assert_eq!(takes(name), "proved");
    }
    for name in [uri("a.example"), email("a@a.example"), dns("partner.example"), uri("spiffe://td.example/other"), uri("x@partner.example")]
    {
        assert_eq!(takes(name.clone()), "certificate_name_refused", "{name:?}");
    }
}

#[test]
fn a_name_must_be_there_where_it_names_the_caller() {
    let any = |source: &str| json!({ "san": null, "subject": source });
    let nobody = client(&[]);
    assert_eq!(outcome(any("san"), &nobody), "certificate_name_refused");
    assert_eq!(outcome(any("cn"), &nobody), "proved");
    let mut unnamed = client(&[dns(NAME)]);
    unnamed.distinguished_name = DistinguishedName::new();
    assert_eq!(
        (outcome(any("cn"), &unnamed), outcome(any("dn"), &unnamed)),
        ("certificate_name_refused".into(), "certificate_name_refused".into())
    );
    assert_eq!((outcome(any("san"), &unnamed), outcome(any("thumbprint"), &unnamed)), ("proved".into(), "proved".into()));
    let mut odd = client(&[dns(NAME)]);
    odd.distinguished_name.push(DnType::CommonName, "admin\0.example");
    assert_eq!(outcome(any("cn"), &odd), "certificate_name_refused");
}

#[test]
fn t_77_odd_octets_in_a_name_refuse_the_certificate() {
    for name in [
        dns("orders.clients.example\0.evil.test"),
        dns("orders\0.clients.example"),
        dns("orders.clients.example "),
        dns("orders.clients.example\n"),
        dns(""),
        uri("urn:a\0b"),
        email("a\0@clients.example"),
    ] {
        let both = client(&[dns(NAME), name.clone()]);
        assert_eq!(outcome(json!({}), &both), "certificate_name_syntax", "{name:?}");
    }
    // A wildcard in a certificate is no label that a pattern takes.
    assert_eq!(outcome(json!({}), &client(&[dns("*.clients.example")])), "certificate_name_refused");
}

#[test]
fn t_77_constraints_on_names_are_kept() {
    let constrained = |permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
        let mut params = authority_params("Constrained");
        params.name_constraints = Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded });
        let between = WORLD.root.below(params);
        let leaf = between.certify(&client(&[dns(NAME)]));
        ask(&scheme(json!({})), &[&leaf, &between.der]).reason().to_owned()
    };
    let subtree = |name: &str| vec![GeneralSubtree::DnsName(name.into())];
    assert_eq!(constrained(subtree("clients.example"), Vec::new()), "proved");
    assert_eq!(constrained(subtree("other.example"), Vec::new()), "certificate_unsupported");
    assert_eq!(constrained(Vec::new(), subtree("clients.example")), "certificate_unsupported");
}

#[test]
fn the_way_to_an_anchor_is_presented_or_configured() {
    let leaf = WORLD.between.certify(&client(&[dns(NAME)]));
    let (plain, helped) = (scheme(json!({})), scheme(json!({ "intermediates_file": "between.pem" })));
    assert_eq!(ask(&plain, &[&leaf, &WORLD.between.der]).reason(), "proved");
    assert_eq!(ask(&plain, &[&leaf, &WORLD.between.der, &WORLD.root.der]).reason(), "proved");
    assert_eq!(ask(&helped, &[&leaf]).reason(), "proved");
    assert_eq!(ask(&scheme(json!({})), &[&leaf, &WORLD.leaf]).reason(), "certificate_untrusted");
}

#[test]
fn a_purpose_can_be_asked_for() {
    let mut silent = client(&[dns(NAME)]);
    silent.extended_key_usages = Vec::new();
    assert_eq!(outcome(json!({}), &silent), "proved");
    assert_eq!(outcome(json!({ "extended_key_usage": "required" }), &silent), "certificate_extended_key_usage");
    assert_eq!(outcome(json!({ "extended_key_usage": "required" }), &client(&[dns(NAME)])), "proved");
}

#[test]
fn claims_are_judged() {
    let claims = |serial: &str| json!({ "claims": { "serial": { "one_of": [serial] } } });
    assert_eq!(outcome(claims("07"), &client(&[dns(NAME)])), "proved");
    assert_eq!(outcome(claims("08"), &client(&[dns(NAME)])), "claim_mismatch");
}

#[test]
fn revoked_certificates_are_refused() {
    write("empty.crl", WORLD.root.list(&[], 8));
    write("both.crl", WORLD.root.list(&[7, 9], 8));
    write("between.crl", WORLD.between.list(&[9], 9));
    write("revokes_between.crl", WORLD.root.list(&[5], 8));
    let with = |files: &[&str], presented: &[&[u8]], now| {
        Request::default().certificates(presented).ask(&scheme(json!({ "crl_files": files })), now).reason().to_owned()
    };
    assert_eq!(with(&["empty.crl"], &[&WORLD.leaf], NOW), "proved");
    assert_eq!(with(&["both.crl"], &[&WORLD.leaf], NOW), "certificate_revoked");
    let below = WORLD.between.certify(&client(&[dns(NAME)]));
    let presented: [&[u8]; 2] = [&below, &WORLD.between.der];
    assert_eq!(with(&["empty.crl", "between.crl"], &presented, NOW), "proved");
    assert_eq!(with(&["revokes_between.crl", "between.crl"], &presented, NOW), "certificate_revoked");
    // Each issuer needs a list, and one that is not over.
    assert_eq!(with(&["empty.crl"], &presented, NOW), "certificate_revocation_unknown");
    assert_eq!(with(&["between.crl"], &[&WORLD.leaf], NOW), "certificate_revocation_unknown");
    assert_eq!(with(&["empty.crl"], &[&WORLD.leaf], AUGUST), "certificate_revocation_unknown");
}

#[test]
fn a_list_of_somebody_else_says_nothing() {
    let impostor = Authority::root("Root");
    write("impostor.crl", impostor.list(&[7], 8));
    let outcome = ask(&scheme(json!({ "crl_files": ["impostor.crl"] })), &[&WORLD.leaf]);
    assert_eq!(outcome.reason(), "certificate_revocation_unknown");
    assert!(matches!(outcome, Outcome::Refused(Refusal::Fault(Fault::RevocationUnknown))), "ours to mend, never the caller's");
}

#[test]
fn a_verdict_does_not_outlive_the_list_that_it_leans_on() {
    write("until_august.crl", WORLD.root.list(&[], 8));
    let scheme = scheme(json!({ "crl_files": ["until_august.crl"] }));
    let request = Request::default().certificates(&[&WORLD.leaf]);
    assert_eq!(request.ask(&scheme, NOW).reason(), "proved");
    assert_eq!(request.ask(&scheme, UnixTime::from_seconds(AUGUST.seconds() - 1)).reason(), "proved");
    assert_eq!(request.ask(&scheme, AUGUST).reason(), "certificate_revocation_unknown");
}

#[test]
fn lists_in_der_and_in_one_file_are_read() {
    let both = [WORLD.root.list(&[7], 8), WORLD.between.list(&[], 8)].concat();
    write("several.crl", both);
    write("root.der", CertificateRevocationListDer::from_pem_slice(WORLD.root.list(&[7], 8).as_bytes()).unwrap());
    for file in ["several.crl", "root.der"] {
        assert_eq!(ask(&scheme(json!({ "crl_files": [file] })), &[&WORLD.leaf]).reason(), "certificate_revoked", "{file}");
    }
}

#[test]
fn settings_that_do_not_hold_do_not_load() {
    write("none.crl", "nothing");
    write("broken.crl", b"0\x80\0\0");
    write("one.crl", WORLD.root.list(&[], 8));
    write("two.crl", WORLD.root.list(&[7], 8));
    write("junk.pem", "nothing");
    let leaf = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", crate::crypto::base64::encode(&WORLD.leaf));
    write("leaf.pem", leaf);
    for (changes, found) in [
        (json!({ "trust_anchors_file": "absent.pem" }), "does not exist"),
        (json!({ "trust_anchors_file": "junk.pem" }), "no certificate"),
        (json!({ "trust_anchors_file": "leaf.pem" }), "not an authority"),
        (json!({ "intermediates_file": "absent.pem" }), "does not exist"),
        (json!({ "crl_files": [] }), "an empty list"),
        (json!({ "san": {} }), "no names"),
        (json!({ "san": { "dns": [], "uri": [] } }), "no names"),
        (json!({ "crl_files": ["absent.crl"] }), "does not exist"),
        (json!({ "crl_files": ["none.crl"] }), "no revocation list"),
        (json!({ "crl_files": ["broken.crl"] }), "unreadable revocation list"),
        (json!({ "crl_files": ["one.crl", "two.crl"] }), "second revocation list"),
        (json!({ "san": { "dns": ["*"] } }), "`*`"),
        (json!({ "san": { "uri": ["spiffe://*"] } }), "spiffe://*"),
        (json!({ "san": { "email": ["@x"] } }), "`@x`"),
        (json!({ "claims": { "dns": {} } }), ""),
    ] {
        let problem = problem(changes);
        assert!(problem.contains(found), "{problem}");
    }
}

#[test]
fn what_the_request_carries_is_no_certificate() {
    let request = Request::default().field(AUTHORIZATION, "Bearer x").field("client-cert".parse().unwrap(), ":AAAA:");
    assert!(matches!(request.ask(&scheme(json!({})), NOW), Outcome::Nothing));
    assert_eq!(scheme(json!({})).onward(), Onward::Kept);
    let refused = ask(&scheme(json!({})), &[b"0"]);
    assert!(matches!(refused, Outcome::Refused(Refusal::Rejected(Rejection::Certificate(_)))));
}
