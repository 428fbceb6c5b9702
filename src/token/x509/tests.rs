//! Chains made for the occasion: one that holds, and each way in which one does not.

use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType, SerialNumber, SignatureAlgorithm, date_time_ymd,
};

type Authority = Issuer<'static, KeyPair>;

/// 2026-06-15, in the middle of every certificate's time.
const NOW: UnixTime = UnixTime::from_seconds(1_781_481_600);

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn authority_params(common_name: &str) -> CertificateParams {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn root(common_name: &str) -> (Authority, TrustAnchors) {
    let (params, key) = (authority_params(common_name), KeyPair::generate().unwrap());
    let anchors = TrustAnchors::from_pem(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
    (Issuer::new(params, key), anchors)
}

fn certify(params: &CertificateParams, issuer: &Authority) -> CertificateDer<'static> {
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
}

/// An authority below another one.
fn intermediate(params: CertificateParams, issuer: &Authority) -> (Authority, CertificateDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let der = params.signed_by(&key, issuer).unwrap().der().clone();
    (Issuer::new(params, key), der)
}

/// What a leaf with these parameters, directly below the root, is refused for.
fn refused(params: &CertificateParams, now: UnixTime) -> Option<X509Refusal> {
    let (root, anchors) = root("Root");
    verify(&certify(params, &root), &[], &anchors, now).err()
}

#[test]
fn a_leaf_of_each_kind_of_key_is_proved() {
    let kinds: [&'static SignatureAlgorithm; 3] = [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519];
    for (kind, expected) in kinds.into_iter().zip([crypto::KeyKind::P256, crypto::KeyKind::P384, crypto::KeyKind::Ed25519]) {
        let (params, key) = (authority_params("Root"), KeyPair::generate_for(kind).unwrap());
        let anchors = TrustAnchors::from_pem(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
        let root = Issuer::new(params, key);
        let leaf = self::params("leaf").signed_by(&KeyPair::generate_for(kind).unwrap(), &root).unwrap();
        let proved = verify(leaf.der(), &[], &anchors, NOW).unwrap();
        assert_eq!(crypto::PublicKey::from_spki_der(proved.spki_der()).unwrap().kind(), expected);
    }
}

#[test]
fn what_is_proved_is_told() {
    let (root, anchors) = root("Root, \"Inc\"");
    let mut params = params("partner, O=admin");
    params.distinguished_name.push(DnType::OrganizationName, "Orders + More");
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 65]), "p");
    params.serial_number = Some(SerialNumber::from_slice(&[0, 0xff, 0x01]));
    params.subject_alt_names = vec![
        SanType::DnsName("Partner.Example".try_into().unwrap()),
        SanType::Rfc822Name("a@partner.example".try_into().unwrap()),
        SanType::URI("urn:partner".try_into().unwrap()),
        SanType::IpAddress("192.0.2.1".parse().unwrap()),
        SanType::IpAddress("2001:db8::1".parse().unwrap()),
    ];
    let leaf = certify(&params, &root);
    let proved = verify(&leaf, &[], &anchors, NOW).unwrap();
    assert_eq!(proved.subject(), "2.5.4.65=#0c0170,O=Orders \\+ More,CN=partner\\, O=admin");
    assert_eq!(proved.issuer(), "CN=Root\\, \\\"Inc\\\"");
    assert_eq!(proved.serial(), "ff01");
    assert_eq!(proved.not_after().seconds(), 1_798_761_600);
    assert_eq!(*proved.thumbprint(), crypto::sha256(&leaf));
    let expected = [
        AlternativeName::Dns("partner.example".into()),
        AlternativeName::Email("a@partner.example".into()),
        AlternativeName::Uri("urn:partner".into()),
        AlternativeName::Address("192.0.2.1".parse().unwrap()),
        AlternativeName::Address("2001:db8::1".parse().unwrap()),
    ];
    assert_eq!(proved.names(), expected);
}

#[test]
fn time_is_that_of_the_whole_chain() {
    let at = |seconds| refused(&params("leaf"), UnixTime::from_seconds(seconds));
    assert_eq!((at(1_767_225_600), at(1_798_761_600)), (None, None));
    assert_eq!(at(1_767_225_599), Some(X509Refusal::NotYetValid));
    assert_eq!(at(1_798_761_601), Some(X509Refusal::Expired));
    let (root, anchors) = root("Root");
    let mut short = authority_params("Between");
    short.not_after = date_time_ymd(2026, 7, 1);
    let (between, der) = intermediate(short, &root);
    let leaf = certify(&params("leaf"), &between);
    let at = |seconds| {
        verify(&leaf, std::slice::from_ref(&der), &anchors, UnixTime::from_seconds(seconds)).map(|proved| proved.not_after().seconds())
    };
    assert_eq!(at(NOW.seconds()), Ok(1_782_864_000));
    assert_eq!(at(1_782_864_001), Err(X509Refusal::Expired));
}

#[test]
fn another_anchor_vouches_for_nothing() {
    let ((ours, _), (_, theirs)) = (root("Root"), root("Other"));
    let (_, of_the_same_name) = root("Root");
    let leaf = certify(&params("leaf"), &ours);
    assert_eq!(verify(&leaf, &[], &theirs, NOW), Err(X509Refusal::Untrusted));
    assert_eq!(verify(&leaf, &[], &of_the_same_name, NOW), Err(X509Refusal::Untrusted));
    let own_key = params("leaf").self_signed(&KeyPair::generate().unwrap()).unwrap();
    assert_eq!(verify(own_key.der(), &[], &theirs, NOW), Err(X509Refusal::Untrusted));
}

#[test]
fn intermediates_are_needed_and_are_authorities() {
    let (root, anchors) = root("Root");
    let (between, der) = intermediate(authority_params("Between"), &root);
    let leaf = certify(&params("leaf"), &between);
    assert_eq!(verify(&leaf, &[], &anchors, NOW), Err(X509Refusal::Untrusted));
    assert!(verify(&leaf, std::slice::from_ref(&der), &anchors, NOW).is_ok());
    let many = vec![der; MOST_INTERMEDIATES + 1];
    assert_eq!(verify(&leaf, &many, &anchors, NOW), Err(X509Refusal::ChainTooLong));

    let (impostor, der) = intermediate(params("Impostor"), &root);
    assert_eq!(verify(&certify(&params("leaf"), &impostor), &[der], &anchors, NOW), Err(X509Refusal::NotAnAuthority));

    let mut params_without_usage = authority_params("Signs only");
    params_without_usage.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let (signer, der) = intermediate(params_without_usage, &root);
    assert_eq!(verify(&certify(&params("leaf"), &signer), &[der], &anchors, NOW), Err(X509Refusal::NotAnAuthority));
}

#[test]
fn path_lengths_are_kept() {
    let (root, anchors) = root("Root");
    let mut first = authority_params("First");
    first.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let (first, first_der) = intermediate(first, &root);
    let (second, second_der) = intermediate(authority_params("Second"), &first);
    let leaf = certify(&params("leaf"), &second);
    assert_eq!(verify(&leaf, &[first_der, second_der], &anchors, NOW), Err(X509Refusal::ChainTooLong));
}

#[test]
fn an_authority_is_no_client() {
    assert_eq!(refused(&authority_params("leaf"), NOW), Some(X509Refusal::Authority));
}

#[test]
fn usages_count_where_they_are_stated() {
    let with = |usages: &[KeyUsagePurpose], extended: &[ExtendedKeyUsagePurpose]| {
        let mut params = params("leaf");
        (params.key_usages, params.extended_key_usages) = (usages.to_vec(), extended.to_vec());
        refused(&params, NOW)
    };
    let (signs, agrees) = (KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement);
    let (client, server) = (ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth);
    assert_eq!(with(&[signs, agrees], &[server.clone(), client]), None);
    assert_eq!(with(&[agrees], &[]), Some(X509Refusal::KeyUsage));
    assert_eq!(with(&[signs], &[server]), Some(X509Refusal::ExtendedKeyUsage));
    assert_eq!(with(&[], &[ExtendedKeyUsagePurpose::Any]), Some(X509Refusal::ExtendedKeyUsage));
}

#[test]
fn every_flipped_bit_is_refused() {
    let (root, anchors) = root("Root");
    let leaf = certify(&params("leaf"), &root);
    assert!(verify(&leaf, &[], &anchors, NOW).is_ok());
    for place in 0..leaf.len() {
        for bit in 0..8 {
            let mut flipped = leaf.to_vec();
            flipped[place] ^= 1 << bit;
            assert!(verify(&flipped, &[], &anchors, NOW).is_err(), "octet {place}, bit {bit}");
        }
    }
}

#[test]
fn more_or_fewer_octets_are_refused() {
    let (root, anchors) = root("Root");
    let leaf = certify(&params("leaf"), &root).to_vec();
    let with = |more: &[u8]| verify(&[&leaf, more].concat(), &[], &anchors, NOW).err();
    assert_eq!((with(b""), with(b"\0"), with(&leaf)), (None, Some(X509Refusal::Syntax), Some(X509Refusal::Syntax)));
    assert_eq!(with(&[0; LONGEST_CERTIFICATE]), Some(X509Refusal::TooLarge));
    for length in 0..leaf.len() {
        assert_eq!(verify(&leaf[..length], &[], &anchors, NOW), Err(X509Refusal::Syntax), "{length}");
    }
}

#[test]
fn anchors_are_authorities() {
    let problem = |pem: &str| TrustAnchors::from_pem(pem.as_bytes()).err();
    let key = KeyPair::generate().unwrap();
    let authority = authority_params("Root").self_signed(&key).unwrap().pem();
    assert_eq!(TrustAnchors::from_pem(authority.repeat(2).as_bytes()).unwrap().count(), 2);
    assert_eq!(
        (problem(""), problem("no PEM"), problem(&key.serialize_pem())),
        (Some(AnchorProblem::None), Some(AnchorProblem::None), Some(AnchorProblem::None))
    );
    assert_eq!(problem(&params("leaf").self_signed(&key).unwrap().pem()), Some(AnchorProblem::NotAnAuthority));
    assert_eq!(problem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), Some(AnchorProblem::Syntax));
    assert_eq!(problem(&authority.repeat(MOST_ANCHORS + 1)), Some(AnchorProblem::TooMany));
}
