//! References that lead somewhere, nowhere, or elsewhere than they seem to.

use super::*;
use crate::fetch::stand_in::{Answer, FixedLookup, HOST, Host};
use crate::setting::{ByteSize, Period, Position};
use futures_util::future::join_all;
use std::path::PathBuf;
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_seconds(1_000);

fn at<T>(value: T) -> Located<T> {
    Located::new(value, Position::new(3, 7))
}

/// Settings that allow `/tokens/` of a host and trust its authority.
struct Given {
    folder: tempfile::TempDir,
    settings: ReferenceSettings,
}

impl Given {
    fn allowing(prefix: &str, authority: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority).unwrap();
        let settings = ReferenceSettings {
            allow: at(vec![at(prefix.into())]),
            timeout: at(Period::from_secs(10)),
            max_size: at(ByteSize::from_kib(48)),
            cache: ByteSize::from_mib(1),
            cache_for: at(Period::from_secs(60)),
            cache_failures_for: at(Period::from_secs(5)),
            max_parallel: at(32),
            ca_file: Some(at(PathBuf::from("ca.pem"))),
            allow_private: true.into(),
            allow_cleartext: false.into(),
        };
        Self { folder, settings }
    }

    fn of(host: &Host) -> Self {
        Self::allowing(&host.url("/tokens/"), &host.authority)
    }

    fn build(self) -> Result<ReferenceResolver, Vec<Problem>> {
        ReferenceResolver::build(&at(self.settings), &Files::below(self.folder.path()), Arc::new(FixedLookup::here()))
    }
}

async fn resolved(resolver: &ReferenceResolver, url: &str, now: UnixTime) -> Result<Vec<u8>, Unresolved> {
    resolver.resolve(url.as_bytes(), now).await.map(|octets| octets.to_vec())
}

#[tokio::test]
async fn a_token_is_got_once_and_remembered_until_it_is_over() {
    let host = Host::secure(Answer::fine(b"first")).await;
    let (resolver, url) = (Given::of(&host).build().unwrap(), host.url("/tokens/1"));
    assert_eq!(resolved(&resolver, &url, NOW).await.unwrap(), b"first");
    host.change(Answer::fine(b"second"));
    assert_eq!(resolved(&resolver, &url, NOW.later(59)).await.unwrap(), b"first");
    assert_eq!(host.heard().len(), 1);
    assert_eq!(resolved(&resolver, &url, NOW.later(60)).await.unwrap(), b"second");
    assert_eq!(resolved(&resolver, &host.url("/tokens/2"), NOW).await.unwrap(), b"second");
    assert_eq!(host.heard().len(), 3);
}

#[tokio::test]
async fn a_hundred_at_once_ask_once() {
    let host = Host::secure(Answer::fine(b"token").late()).await;
    for cache in [1 << 20, 0] {
        let before = host.heard().len();
        let mut given = Given::of(&host);
        given.settings.cache = ByteSize::from_octets(cache);
        let resolver = given.build().unwrap();
        let url = host.url("/tokens/1");
        let all = join_all((0..100).map(|_| resolved(&resolver, &url, NOW))).await;
        assert!(all.iter().all(|outcome| outcome.as_deref() == Ok(b"token")));
        assert_eq!(host.heard().len() - before, 1, "with room for {cache}");
    }
}

#[tokio::test]
async fn a_hundred_at_once_fail_once() {
    let host = Host::secure(Answer::new("500 Oops", "", b"").late()).await;
    let (resolver, url) = (Given::of(&host).build().unwrap(), host.url("/tokens/1"));
    let all = join_all((0..100).map(|_| resolved(&resolver, &url, NOW))).await;
    let expected = Err(Unresolved::Fault(ReferenceFault::Fetch(FetchFault::Status(500))));
    assert!(all.iter().all(|outcome| *outcome == expected));
    assert_eq!(host.heard().len(), 1);
}

#[tokio::test]
async fn who_gives_up_leaves_the_question_to_the_next() {
    let host = Host::secure(Answer::fine(b"token").late()).await;
    let (resolver, url) = (Given::of(&host).build().unwrap(), host.url("/tokens/1"));
    let impatient = tokio::time::timeout(Duration::from_millis(100), resolved(&resolver, &url, NOW));
    let (gone, patient) = tokio::join!(impatient, resolved(&resolver, &url, NOW));
    assert!(gone.is_err());
    assert_eq!(patient.unwrap(), b"token");
}

#[tokio::test]
async fn many_who_give_up_one_after_the_other_do_not_keep_others_waiting() {
    let host = Host::secure(Answer::Stall(Vec::new())).await;
    // Whether those who wait take over in the order in which they came, or in the reverse one.
    for (before, after) in [(vec![150, 300, 450, 600, 750, 900], vec![]), (vec![150], vec![900, 750, 600, 450, 300])] {
        let mut given = Given::of(&host);
        given.settings.timeout = at(Period::from_millis(200));
        let (resolver, url) = (given.build().unwrap(), host.url("/tokens/1"));
        let impatient = |millis: Vec<u64>| {
            let all = millis.into_iter().map(|millis| tokio::time::timeout(Duration::from_millis(millis), resolved(&resolver, &url, NOW)));
            join_all(all.collect::<Vec<_>>())
        };
        let began = crate::clock::instant();
        let patient = async { (resolved(&resolver, &url, NOW).await, began.elapsed()) };
        let (_, (outcome, waited), _) = tokio::join!(biased; impatient(before), patient, impatient(after));
        assert_eq!(outcome, Err(FetchFault::Timeout.into()));
        assert!(waited < Duration::from_millis(700), "{waited:?}");
    }
}

#[tokio::test]
async fn a_failure_is_remembered_for_a_short_time() {
    let host = Host::secure(Answer::new("500 Oops", "", b"")).await;
    let (resolver, url) = (Given::of(&host).build().unwrap(), host.url("/tokens/1"));
    assert!(resolved(&resolver, &url, NOW).await.is_err());
    host.change(Answer::fine(b"token"));
    assert!(resolved(&resolver, &url, NOW.later(4)).await.is_err());
    assert_eq!(resolved(&resolver, &url, NOW.later(5)).await.unwrap(), b"token");
    assert_eq!(host.heard().len(), 2);
}

#[tokio::test]
async fn the_sender_may_shorten_but_not_lengthen_the_memory() {
    for (field, over) in [("no-store", 0), ("max-age=10", 10), ("max-age=3600", 60)] {
        let host = Host::secure(Answer::new("200 OK", &format!("Cache-Control: {field}\r\n"), b"token")).await;
        let (resolver, url) = (Given::of(&host).build().unwrap(), host.url("/tokens/1"));
        resolved(&resolver, &url, NOW).await.unwrap();
        if over == 0 {
            assert_eq!(resolver.memory.octets(), 0, "nothing is kept");
        } else {
            resolved(&resolver, &url, NOW.later(over - 1)).await.unwrap();
            assert_eq!(host.heard().len(), 1, "{field}");
        }
        let before = host.heard().len();
        resolved(&resolver, &url, NOW.later(over)).await.unwrap();
        assert_eq!(host.heard().len(), before + 1, "{field}");
    }
}

#[tokio::test]
async fn the_memory_is_bounded_and_takes_the_largest_token() {
    let host = Host::secure(Answer::fine(&vec![b'a'; 48 << 10])).await;
    let resolver = Given::of(&host).build().unwrap();
    for number in 0..40 {
        resolved(&resolver, &host.url(&format!("/tokens/{number}")), NOW).await.unwrap();
        assert!(resolver.memory.octets() <= 1 << 20);
    }
    assert!(resolver.memory.octets() >= 15 * (48 << 10), "{}", resolver.memory.octets());
}

#[tokio::test]
async fn each_answer_has_its_reason() {
    let refused = |refused| Unresolved::Refused(refused);
    let fault = |fault| Unresolved::Fault(ReferenceFault::Fetch(fault));
    let too_large = vec![b'a'; (48 << 10) + 1];
    for (answer, expected) in [
        (Answer::new("404 Not Found", "", b""), refused(ReferenceRefused::Absent)),
        (Answer::new("410 Gone", "", b""), refused(ReferenceRefused::Absent)),
        (Answer::fine(&too_large), refused(ReferenceRefused::TooLarge)),
        (Answer::new("401 No", "", b""), fault(FetchFault::Status(401))),
        (Answer::new("503 Busy", "", b""), fault(FetchFault::Status(503))),
        (Answer::new("302 Found", "Location: https://evil.example/\r\n", b""), fault(FetchFault::Status(302))),
        (Answer::fine(b""), Unresolved::Fault(ReferenceFault::NotAToken)),
        (Answer::new("200 OK", "Content-Type: Text/HTML; charset=utf-8\r\n", b"<html>"), Unresolved::Fault(ReferenceFault::NotAToken)),
    ] {
        let host = Host::secure(answer).await;
        let resolver = Given::of(&host).build().unwrap();
        assert_eq!(resolved(&resolver, &host.url("/tokens/1"), NOW).await, Err(expected), "{expected:?}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_not_asked_for() {
    let host = Host::secure(Answer::fine(b"token")).await;
    let resolver = Given::of(&host).build().unwrap();
    let port = host.address.port();
    for (tail, expected) in [
        (format!("https://{HOST}.evil:{port}/tokens/1"), ReferenceRefused::NotAllowed),
        (format!("https://evil:{port}/{HOST}/tokens/1"), ReferenceRefused::NotAllowed),
        (format!("https://{HOST}:{port}/admin"), ReferenceRefused::NotAllowed),
        (format!("https://{HOST}:{port}/tokens"), ReferenceRefused::NotAllowed),
        (format!("https://{HOST}/tokens/1"), ReferenceRefused::NotAllowed),
        (format!("http://{HOST}:{port}/tokens/1"), ReferenceRefused::NotAllowed),
        (format!("https://127.0.0.1:{port}/tokens/1"), ReferenceRefused::NotAllowed),
        (format!("https://{HOST}:{port}@evil/tokens/1"), ReferenceRefused::Syntax),
        (format!("https://{HOST}@evil:{port}/tokens/1"), ReferenceRefused::Syntax),
        (format!("https://{HOST}:{port}/tokens/../admin"), ReferenceRefused::Syntax),
        (format!("https://{HOST}:{port}/tokens/%2e%2e/admin"), ReferenceRefused::Syntax),
        (format!("https://{HOST}:{port}/tokens/%2E%2E/admin"), ReferenceRefused::Syntax),
        (format!("https://{HOST}:{port}/tokens/..%2Fadmin"), ReferenceRefused::Syntax),
        (format!("https://{HOST}:{port}/tokens/..\\admin"), ReferenceRefused::Syntax),
        (format!("https://{HOST}:{port}/tokens/1#a"), ReferenceRefused::Syntax),
        (format!(" https://{HOST}:{port}/tokens/1"), ReferenceRefused::Syntax),
        (String::new(), ReferenceRefused::Syntax),
    ] {
        assert_eq!(resolved(&resolver, &tail, NOW).await, Err(Unresolved::Refused(expected)), "{tail}");
    }
    assert_eq!(host.heard(), Vec::<String>::new());
    assert_eq!(resolver.memory.octets(), 0, "what is refused takes no room");
}

#[tokio::test]
async fn names_must_not_lead_to_ourselves_unless_a_setting_says_so() {
    let host = Host::secure(Answer::fine(b"token")).await;
    let mut given = Given::of(&host);
    given.settings.allow_private = false.into();
    let resolver = given.build().unwrap();
    let expected = Err(Unresolved::Fault(ReferenceFault::Fetch(FetchFault::AddressRefused)));
    assert_eq!(resolved(&resolver, &host.url("/tokens/1"), NOW).await, expected);
    let mut named = Given::allowing(&format!("https://{}/", host.address), &host.authority);
    named.settings.allow_private = false.into();
    let resolver = named.build().unwrap();
    assert_eq!(resolved(&resolver, &format!("https://{}/1", host.address), NOW).await.unwrap(), b"token");
}

#[tokio::test]
async fn a_host_that_takes_its_time_is_not_waited_for() {
    let host = Host::secure(Answer::Stall(Vec::new())).await;
    let mut given = Given::of(&host);
    given.settings.timeout = at(Period::from_millis(300));
    let resolver = given.build().unwrap();
    let expected = Err(Unresolved::Fault(ReferenceFault::Fetch(FetchFault::Timeout)));
    assert_eq!(resolved(&resolver, &host.url("/tokens/1"), NOW).await, expected);
}

#[test]
fn every_problem_of_the_settings_is_told_with_its_place() {
    let _ = crypto::install_rustls_provider();
    let mut given = Given::allowing("http://sts.example/", "nonsense");
    let settings = &mut given.settings;
    settings.timeout = at(Period::from_secs(31));
    settings.max_size = at(ByteSize::from_octets((48 << 10) + 1));
    settings.cache_for = at(Period::from_millis(1_500));
    settings.cache_failures_for = at(Period::from_secs(61));
    settings.max_parallel = at(0);
    settings.ca_file = Some(at(PathBuf::from("absent.pem")));
    let problems: Vec<_> = given.build().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 7, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.starts_with("3:7: ")), "{problems:#?}");
    assert!(problems[0].contains("`http://sts.example/`, an address without TLS"), "{problems:#?}");
    let nonsense = Given::allowing("https://sts.example/", "nonsense").build().unwrap_err();
    assert!(nonsense[0].to_string().contains("without readable certificates"), "{nonsense:?}");
    let mut empty = Given::allowing("https://sts.example/", "");
    empty.settings.allow = at(Vec::new());
    assert!(empty.build().unwrap_err()[0].to_string().contains("an empty list"));
}

#[test]
fn settings_have_defaults_and_refuse_what_they_do_not_know() {
    let schema = serde_json::to_value(schemars::schema_for!(ReferenceSettings)).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["allow"]));
    assert_eq!(schema["additionalProperties"], serde_json::json!(false));
    let kind = |name: &str| schema.pointer(&format!("/$defs/{name}/type")).cloned();
    assert_eq!((kind("Reach"), kind("Cleartext")), (Some("boolean".into()), Some("boolean".into())), "{schema:#}");
}
