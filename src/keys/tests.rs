//! Issuers that change their keys, lose them, or are not there.

use super::*;
use crate::clock::{self, UnixTime};
use crate::crypto::SystemRandom;
use crate::fetch::stand_in::{Answer, FixedLookup, Host};
use crate::setting::{ByteSize, Files, Located, Period, Position, Problem};
use futures_util::future::join_all;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_seconds(1_000_000);

fn at<T>(value: T) -> Located<T> {
    Located::new(value, Position::new(3, 7))
}

/// A key of Ed25519 (RFC 8037 appendix A.2) under this name.
fn key(id: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIuaNAHURo"}}"#)
}

/// A set of keys with these names.
fn set(ids: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, ids.iter().map(|id| key(id)).collect::<Vec<_>>().join(","))
}

fn having(ids: &[&str]) -> Answer {
    Answer::fine(set(ids).as_bytes())
}

/// Settings of one source, in a folder that holds the authority of a host.
struct Given {
    folder: tempfile::TempDir,
    issuer: Option<Located<Box<str>>>,
    file: Option<Located<PathBuf>>,
    text: Option<Located<Box<str>>>,
    address: Option<Located<Box<str>>>,
    discovery: Located<Discovery>,
    hosts: Vec<Located<Box<str>>>,
    refresh: Located<KeyRefreshSettings>,
}

impl Given {
    fn nothing() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: None,
            file: None,
            text: None,
            address: None,
            discovery: at(Discovery::Off),
            hosts: Vec::new(),
            refresh: at(KeyRefreshSettings::default()),
        }
    }

    fn refreshed(self, change: impl FnOnce(&mut KeyRefreshSettings)) -> Self {
        let mut refresh = self.refresh.into_inner();
        change(&mut refresh);
        Self { refresh: at(refresh), ..self }
    }

    fn trusting(host: &Host) -> Self {
        let given = Self::nothing();
        std::fs::write(given.folder.path().join("ca.pem"), &host.authority).unwrap();
        given.refreshed(|refresh| {
            refresh.ca_file = Some(at(PathBuf::from("ca.pem")));
            refresh.allow_private = true.into();
        })
    }

    /// The keys lie at this host.
    fn of(host: &Host) -> Self {
        Self { address: Some(at(host.url("/jwks").into())), ..Self::trusting(host) }
    }

    /// This host is the issuer.
    fn discovering(host: &Host) -> Self {
        let discovery = at(Discovery::On);
        Self { issuer: Some(at(host.url("").into())), discovery, ..Self::trusting(host) }
    }

    fn build_among(&self, sources: &KeySources) -> Result<Arc<KeySource>, Vec<Problem>> {
        let terms = KeyTerms {
            issuer: self.issuer.as_ref(),
            jwks_file: self.file.as_ref(),
            jwks: self.text.as_ref(),
            jwks_uri: self.address.as_ref(),
            discovery: &self.discovery,
            jwks_hosts: &self.hosts,
            refresh: &self.refresh,
            at: Position::new(9, 9),
        };
        sources.build(&terms, &Files::below(self.folder.path()), &Arc::new(SystemRandom::new()))
    }

    fn build(&self) -> Result<Arc<KeySource>, Vec<Problem>> {
        self.build_among(&sources())
    }

    fn problem(&self) -> String {
        let problems = self.build().unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

fn sources() -> KeySources {
    let _ = crate::crypto::install_rustls_provider();
    KeySources::new(Arc::new(FixedLookup::here()))
}

fn names(keys: &Keys) -> Vec<&str> {
    keys.keys().iter().filter_map(|key| key.id()).collect()
}

/// A fetch as the interval makes it; whether it brought a set.
async fn refresh(source: &KeySource, now: UnixTime) -> bool {
    source.as_remote().unwrap().refresh(now).await != remote::Landing::Failed
}

mod settings {
    use super::*;

    #[test]
    fn keys_come_from_one_place() {
        assert!(Given::nothing().problem().starts_with("9:9: found nothing that says where the keys are, expected exactly one of"));
        let two = Given { text: Some(at(set(&["a"]).into())), address: Some(at("https://a.example/".into())), ..Given::nothing() };
        assert!(two.problem().starts_with("9:9: found several places for the keys, expected exactly one of"));
        let two = Given { text: Some(at(set(&["a"]).into())), discovery: at(Discovery::On), ..Given::nothing() };
        assert!(two.problem().starts_with("9:9: found several places"));
        assert_eq!((Discovery::from(true), Discovery::from(false)), (Discovery::On, Discovery::Off));
    }

    const SECRET: &str =
        r#"{"kty":"oct","kid":"s","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;

    #[tokio::test]
    async fn a_file_may_hold_secrets_and_a_text_may_not() {
        let mixed = format!(r#"{{"keys":[{SECRET},{}]}}"#, key("p"));
        let given = Given { file: Some(at("jwks.json".into())), ..Given::nothing() };
        std::fs::write(given.folder.path().join("jwks.json"), &mixed).unwrap();
        let keys = given.build().unwrap().keys(NOW).await.unwrap();
        assert_eq!((names(&keys), keys.generation()), (vec!["s", "p"], 0));
        let text = Given { text: Some(at(mixed.into())), ..Given::nothing() };
        assert_eq!(names(&text.build().unwrap().current(NOW).unwrap()), ["p"]);
        let open = Given { text: Some(at(format!(r#"{{"keys":[{SECRET}]}}"#).into())), ..Given::nothing() };
        assert!(open.problem().contains("a key set whose keys cannot be used; the first is a private key"), "{}", open.problem());
        for (text, found) in [("", "not JSON"), ("{}", "without an array `keys`"), (r#"{"keys":[]}"#, "an empty key set")] {
            let given = Given { text: Some(at(text.into())), ..Given::nothing() };
            assert!(given.problem().contains(found), "{}", given.problem());
        }
    }

    #[tokio::test]
    async fn fixed_keys_stay_as_they_are() {
        let source = Given { text: Some(at(set(&["a"]).into())), ..Given::nothing() }.build().unwrap();
        let keys = source.keys(NOW).await.unwrap();
        let after = source.after_unknown(Some("b"), &keys, NOW.later(1 << 40)).await.unwrap();
        assert!(Arc::ptr_eq(&keys, &after) && source.counts().is_none());
        source.keep_fresh();
    }

    #[test]
    fn every_problem_is_told() {
        let given = Given { address: Some(at("http://a.example/jwks".into())), ..Given::nothing() }.refreshed(|refresh| {
            refresh.interval = at(Period::from_secs(90_000));
            refresh.min_interval = at(Period::from_millis(500));
            refresh.max_stale = at(Period::from_secs(60));
            refresh.unknown_key_memory = at(Period::from_secs(4_000));
            refresh.timeout = at(Period::from_secs(31));
            refresh.max_size = at(ByteSize::from_kib(257));
            refresh.ca_file = Some(at("absent.pem".into()));
        });
        let told = given.problem();
        for part in [
            "`http://a.example/jwks`, an address without TLS",
            "found 90000s, expected whole seconds, 1s to 24h",
            "found 500ms, expected whole seconds, 1s to 1h",
            "found 60s, expected no less than `interval`",
            "found 4000s, expected whole seconds, at most 1h",
            "found 31s, expected a time between 1ms and 30s",
            "found 263168B, expected a size between 1B and 256KiB",
            "absent.pem, which does not exist",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert_eq!(given.build().unwrap_err().len(), 8);
    }

    #[test]
    fn pem_is_told_how_it_becomes_a_key_set() {
        let given = Given { file: Some(at("issuer.pem".into())), ..Given::nothing() };
        for (pem, found, command) in [
            (
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                "found PEM in issuer.pem",
                "`portcullis keys jwks issuer.pem`",
            ),
            ("# mine\n-----BEGIN PRIVATE KEY-----\nAAAA\n", "found PEM in issuer.pem", "`portcullis keys jwks issuer.pem`"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n",
                "found a certificate in PEM in issuer.pem",
                "`openssl x509 -in issuer.pem -noout -pubkey | portcullis keys jwks -`",
            ),
        ] {
            std::fs::write(given.folder.path().join("issuer.pem"), pem).unwrap();
            let told = given.problem();
            assert!(told.contains(found) && told.contains(command) && !told.contains("AAAA"), "{told}");
        }
    }

    #[test]
    fn an_issuer_that_is_asked_must_be_an_address() {
        let given = Given { discovery: at(Discovery::On), ..Given::nothing() };
        assert!(given.problem().contains("`discovery` without an issuer"));
        let given = Given { issuer: Some(at("accounts".into())), hosts: vec![at("a/b".into()), at("B.example".into())], ..given };
        let told = given.problem();
        assert!(told.contains("`accounts`, an address that does not begin") && told.contains("`a/b`, ") && told.contains("`B.example`, "));
    }
}

mod fetching {
    use super::*;

    #[tokio::test]
    async fn the_first_load_is_one_fetch_however_many_wait() {
        let host = Host::secure(having(&["a"]).late()).await;
        let source = Given::of(&host).build().unwrap();
        assert!(source.current(NOW).is_none());
        assert_eq!(host.heard().len(), 0, "nobody is asked before somebody needs it");
        let all = join_all((0..200).map(|_| source.keys(NOW))).await;
        assert!(all.iter().all(|keys| names(keys.as_ref().unwrap()) == ["a"]));
        assert_eq!(host.heard().len(), 1);
        assert_eq!(names(&source.current(NOW).unwrap()), ["a"]);
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_does_not_take_the_others_along() {
        let host = Host::secure(having(&["a"]).late()).await;
        let source = Given::of(&host).build().unwrap();
        let first = tokio::time::timeout(Duration::from_millis(50), source.keys(NOW)).await;
        assert!(first.is_err());
        assert_eq!(names(&source.keys(NOW).await.unwrap()), ["a"]);
        assert_eq!(host.heard().len(), 1);
    }

    #[tokio::test]
    async fn a_set_is_replaced_and_its_generation_grows_only_then() {
        let host = Host::secure(having(&["a", "b"])).await;
        let source = Given::of(&host).build().unwrap();
        let first = source.keys(NOW).await.unwrap();
        assert!(refresh(&source, NOW.later(300)).await);
        assert!(Arc::ptr_eq(&first, &source.current(NOW.later(300)).unwrap()), "the same document is the same set");
        host.change(having(&["b", "c"]));
        assert!(refresh(&source, NOW.later(600)).await);
        let second = source.current(NOW.later(600)).unwrap();
        assert_eq!((names(&second), second.generation()), (vec!["b", "c"], first.generation() + 1));
        assert!(!second.has("a"), "a key that was removed is gone");
        let counts = source.counts().unwrap();
        assert_eq!((counts.changed, counts.unchanged, counts.failed, counts.keys), (2, 1, 0, 2));
        assert_eq!((counts.source, counts.loaded), (&*host.url("/jwks"), NOW.later(600)));
    }

    #[tokio::test]
    async fn what_was_good_stays_until_it_is_too_old() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).refreshed(|refresh| refresh.max_stale = at(Period::from_secs(3_600))).build().unwrap();
        source.keys(NOW).await.unwrap();
        host.change(Answer::new("500 Oops", "", b""));
        for minute in 1..60 {
            let now = NOW.later(minute * 60);
            assert!(!refresh(&source, now).await);
            assert_eq!(names(&source.keys(now).await.unwrap()), ["a"]);
        }
        assert!(source.current(NOW.later(3_599)).is_some());
        assert!(source.current(NOW.later(3_600)).is_none());
        assert_eq!(source.keys(NOW.later(3_600)).await.err(), Some(KeysUnavailable));
        let fetches = host.heard().len();
        assert_eq!(source.keys(NOW.later(3_605)).await.err(), Some(KeysUnavailable));
        assert_eq!(host.heard().len(), fetches, "an issuer that is away is not asked by every request");
        host.change(having(&["a"]));
        assert_eq!(names(&source.keys(NOW.later(3_610)).await.unwrap()), ["a"]);
    }

    #[tokio::test]
    async fn an_unchanged_set_is_as_fresh_as_a_changed_one() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).refreshed(|refresh| refresh.max_stale = at(Period::from_secs(300))).build().unwrap();
        source.keys(NOW).await.unwrap();
        assert!(refresh(&source, NOW.later(299)).await);
        assert!(source.current(NOW.later(598)).is_some() && source.current(NOW.later(599)).is_none());
    }

    #[tokio::test]
    async fn a_clock_that_was_put_back_does_not_make_keys_last() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        source.keys(NOW.later(1_000_000)).await.unwrap();
        host.change(Answer::new("500 Oops", "", b""));
        assert!(!refresh(&source, NOW).await);
        assert!(source.current(NOW.later(86_399)).is_some() && source.current(NOW.later(86_400)).is_none());
    }

    #[tokio::test]
    async fn garbage_changes_nothing() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).refreshed(|refresh| refresh.max_size = at(ByteSize::from_kib(64))).build().unwrap();
        let good = source.keys(NOW).await.unwrap();
        let many = set(&vec!["k"; 65].iter().map(|id| &**id).collect::<Vec<_>>());
        let secret =
            r#"{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#;
        let private = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIuaNAHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}"#;
        let redirect = Answer::new("302 Found", &format!("Location: {}\r\n", host.url("/other")), b"");
        let wrong = [
            Answer::fine(b""),
            Answer::fine(b"<html><body>sign in</body></html>"),
            Answer::fine(b"{}"),
            Answer::fine(b"null"),
            Answer::fine(br#"{"keys":{}}"#),
            Answer::fine(br#"{"keys":[]}"#),
            Answer::fine(br#"{"keys":[{"kty":"RSA"},7,null]}"#),
            Answer::fine(br#"{"keys":[],"keys":[]}"#),
            Answer::fine(many.as_bytes()),
            Answer::fine(secret.as_bytes()),
            Answer::fine(private.as_bytes()),
            Answer::fine(&set(&["b"]).as_bytes()[..40]),
            Answer::fine(&[b' '; 64 * 1024 + 1]),
            Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Answer::new("204 No Content", "", b""),
            Answer::new("404 Not Found", "", set(&["b"]).as_bytes()),
            Answer::new("503 Away", "", set(&["b"]).as_bytes()),
            Answer::new("200 OK", "Content-Encoding: gzip\r\n", set(&["b"]).as_bytes()),
            Answer::Octets(b"SSH-2.0-x\r\n".to_vec()),
            Answer::Octets(Vec::new()),
            redirect,
        ];
        for (number, answer) in wrong.into_iter().enumerate() {
            host.change(answer);
            assert!(!refresh(&source, NOW.later(300)).await, "answer {number}");
            assert!(Arc::ptr_eq(&good, &source.current(NOW.later(300)).unwrap()), "answer {number}");
        }
        assert!(host.heard().iter().all(|head| head.starts_with("GET /jwks ")), "a redirect is not followed");
        assert_eq!(source.counts().unwrap().failed, 21);
    }

    #[tokio::test]
    async fn one_bad_key_does_not_spoil_the_others() {
        let mixed = format!(r#"{{"keys":[{{"kty":"RSA"}},{},{{"kty":"new"}},{}]}}"#, key("a"), key("b"));
        let host = Host::secure(Answer::fine(mixed.as_bytes())).await;
        assert_eq!(names(&Given::of(&host).build().unwrap().keys(NOW).await.unwrap()), ["a", "b"]);
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_a_fetch_may_take() {
        let host = Host::secure(Answer::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec())).await;
        let source = Given::of(&host).refreshed(|refresh| refresh.timeout = at(Period::from_millis(300))).build().unwrap();
        let began = clock::instant();
        let all = join_all((0..50).map(|_| source.keys(NOW))).await;
        assert!(all.iter().all(Result::is_err));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(host.heard().len(), 1);
    }

    #[tokio::test]
    async fn who_does_not_prove_to_be_the_host_gives_no_keys() {
        let (host, other) = (Host::secure(having(&["a"])).await, Host::secure(having(&["a"])).await);
        let source = Given { address: Some(at(host.url("/jwks").into())), ..Given::trusting(&other) }.build().unwrap();
        assert_eq!(source.keys(NOW).await.err(), Some(KeysUnavailable));
        assert_eq!(host.heard().len(), 0);
    }
}

mod unknown_keys {
    use super::*;

    #[tokio::test]
    async fn a_new_key_is_found_by_the_first_token_that_names_it() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        assert!(refresh(&source, NOW.later(1)).await);
        host.change(having(&["a", "b"]));
        // The load and the refresh just before do not count: requests caused neither.
        let found = source.after_unknown(Some("b"), &seen, NOW.later(2)).await.unwrap();
        assert_eq!(names(&found), ["a", "b"]);
        let fetches = host.heard().len();
        let again = source.after_unknown(Some("b"), &seen, NOW.later(2)).await.unwrap();
        assert!(Arc::ptr_eq(&found, &again), "what is new to one request is not new to us");
        assert_eq!(host.heard().len(), fetches);
    }

    #[tokio::test]
    async fn under_load_every_token_of_a_new_key_holds() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        host.change(having(&["b"]).late());
        let all = join_all((0..500).map(|_| source.after_unknown(Some("b"), &seen, NOW))).await;
        assert!(all.iter().all(|keys| keys.as_ref().unwrap().has("b")));
        assert_eq!(host.heard().len(), 2);
    }

    #[tokio::test]
    async fn a_flood_of_unknown_names_is_one_fetch_per_interval_and_one_more() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        let names: Vec<_> = (0..10_000_u32).map(|number| format!("k{number}")).collect();
        let began = clock::instant();
        for (number, name) in names.iter().enumerate() {
            // A thousand per second: ten seconds.
            let now = NOW.later(u64::try_from(number / 1_000).unwrap());
            assert!(Arc::ptr_eq(&seen, &source.after_unknown(Some(name), &seen, now).await.unwrap()));
        }
        assert_eq!(host.heard().len(), 3, "the first load and two more");
        join_all(names.iter().map(|name| source.after_unknown(Some(name), &seen, NOW.later(10)))).await;
        assert_eq!(host.heard().len(), 4);
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_flood_does_not_wait_while_it_is_held_back() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        for name in ["x", "y"] {
            source.after_unknown(Some(name), &seen, NOW).await.unwrap();
        }
        host.change(Answer::Stall(Vec::new()));
        let began = clock::instant();
        for number in 0..1_000_u32 {
            source.after_unknown(Some(&number.to_string()), &seen, NOW.later(9)).await.unwrap();
        }
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_name_that_the_issuer_did_not_have_is_not_asked_for_again_for_a_while() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        for second in 0..60 {
            source.after_unknown(Some("old"), &seen, NOW.later(second)).await.unwrap();
        }
        assert_eq!(host.heard().len(), 2);
        host.change(having(&["a", "new"]));
        assert!(source.after_unknown(Some("new"), &seen, NOW.later(30)).await.unwrap().has("new"), "another name may still ask");
        source.after_unknown(Some("old"), &seen, NOW.later(60)).await.unwrap();
        assert_eq!(host.heard().len(), 4);
    }

    #[tokio::test]
    async fn an_issuer_that_is_away_has_not_said_that_there_is_no_such_key() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        host.change(Answer::new("500 Oops", "", b""));
        for _ in 0..2 {
            assert!(Arc::ptr_eq(&seen, &source.after_unknown(Some("b"), &seen, NOW).await.unwrap()));
        }
        host.change(having(&["b"]));
        assert!(!source.after_unknown(Some("b"), &seen, NOW.later(9)).await.unwrap().has("b"), "not before the interval is over");
        assert!(source.after_unknown(Some("b"), &seen, NOW.later(10)).await.unwrap().has("b"));
    }

    #[tokio::test]
    async fn a_fetch_that_began_before_is_not_the_answer() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        host.change(having(&["a"]).late());
        let (under_way, found) = tokio::join!(refresh(&source, NOW), async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            // The host answers the fetch under way with what it had when it was asked.
            host.change(having(&["a", "b"]));
            source.after_unknown(Some("b"), &seen, NOW).await.unwrap()
        });
        assert!(under_way && found.has("b"));
        assert_eq!(host.heard().len(), 3);
    }

    #[tokio::test]
    async fn a_token_without_a_name_may_ask_as_rarely_as_any() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        host.change(having(&["b"]));
        let found = source.after_unknown(None, &seen, NOW).await.unwrap();
        assert_eq!(names(&found), ["b"]);
        for second in 0..10 {
            source.after_unknown(None, &found, NOW.later(second)).await.unwrap();
        }
        assert_eq!(host.heard().len(), 3);
        source.after_unknown(None, &found, NOW.later(10)).await.unwrap();
        assert_eq!(host.heard().len(), 4);
    }

    #[tokio::test]
    async fn one_invented_name_does_not_keep_a_new_key_away() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        source.after_unknown(Some("invented"), &seen, NOW).await.unwrap();
        host.change(having(&["a", "b"]));
        assert!(source.after_unknown(Some("b"), &seen, NOW).await.unwrap().has("b"));
    }

    /// A source that may be asked every second, and whose two fetches are used up.
    async fn used_up(host: &Host) -> (Arc<KeySource>, Arc<Keys>) {
        let source = Given::of(host).refreshed(|refresh| refresh.min_interval = at(Period::from_secs(1))).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        for name in ["invented", "too"] {
            source.after_unknown(Some(name), &seen, NOW).await.unwrap();
        }
        assert_eq!(host.heard().len(), 3);
        host.change(having(&["a", "b"]));
        (source, seen)
    }

    #[tokio::test]
    async fn who_asked_too_soon_is_answered_when_it_is_time() {
        let host = Host::secure(having(&["a"])).await;
        let (source, seen) = used_up(&host).await;
        for _ in 0..100 {
            assert!(!source.after_unknown(Some("b"), &seen, NOW).await.unwrap().has("b"));
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        // Nobody asked again.
        assert!(source.current(NOW.later(1)).unwrap().has("b"));
        assert_eq!(host.heard().len(), 4, "one fetch for all of them");
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(host.heard().len(), 4, "and no more");
    }

    #[tokio::test]
    async fn what_was_postponed_is_not_done_twice() {
        let host = Host::secure(having(&["a"])).await;
        let (source, seen) = used_up(&host).await;
        source.after_unknown(Some("b"), &seen, NOW).await.unwrap();
        assert!(refresh(&source, NOW.later(1)).await);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(host.heard().len(), 4, "the set is younger than the question");
        // A source that nobody uses any more asks nobody.
        source.after_unknown(Some("c"), &seen, NOW.later(1)).await.unwrap();
        source.after_unknown(Some("d"), &seen, NOW.later(1)).await.unwrap();
        let fetches = host.heard().len();
        source.after_unknown(Some("e"), &seen, NOW.later(1)).await.unwrap();
        drop(source);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(host.heard().len(), fetches);
    }

    #[tokio::test]
    async fn a_slow_issuer_holds_nobody_longer_than_a_fetch() {
        let host = Host::secure(having(&["a"])).await;
        let source = Given::of(&host).refreshed(|refresh| refresh.timeout = at(Period::from_millis(300))).build().unwrap();
        let seen = source.keys(NOW).await.unwrap();
        host.change(Answer::Stall(Vec::new()));
        let names: Vec<_> = (0..100_u32).map(|number| number.to_string()).collect();
        let began = clock::instant();
        let all = join_all(names.iter().map(|name| source.after_unknown(Some(name), &seen, NOW))).await;
        assert!(all.iter().all(|keys| Arc::ptr_eq(&seen, keys.as_ref().unwrap())));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}

mod issuers {
    use super::*;

    const OPENID: &str = "/.well-known/openid-configuration";
    const OAUTH: &str = "/.well-known/oauth-authorization-server";

    fn metadata(issuer: &str, address: &str) -> Answer {
        Answer::fine(format!(r#"{{"issuer":"{issuer}","jwks_uri":"{address}","scopes_supported":["openid"]}}"#).as_bytes())
    }

    fn paths(host: &Host) -> Vec<String> {
        host.heard().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect()
    }

    async fn host_with(answers: impl FnOnce(&Host) -> Vec<(&'static str, Answer)>) -> Host {
        let host = Host::secure(Answer::fine(b"")).await;
        let answers = answers(&host);
        host.change(Answer::ByPath(answers));
        host
    }

    #[tokio::test]
    async fn an_issuer_says_where_its_keys_are() {
        let host = host_with(|host| vec![(OPENID, metadata(&host.url(""), &host.url("/k"))), ("/k", having(&["a"]))]).await;
        let source = Given::discovering(&host).build().unwrap();
        assert_eq!(names(&source.keys(NOW).await.unwrap()), ["a"]);
        assert_eq!(paths(&host), [OPENID, "/k"]);
        assert_eq!(source.counts().unwrap().source, host.url(""));
    }

    #[tokio::test]
    async fn the_other_place_is_asked_where_there_is_nothing_at_the_first() {
        let host = host_with(|host| vec![(OAUTH, metadata(&host.url(""), &host.url("/k"))), ("/k", having(&["a"]))]).await;
        assert!(Given::discovering(&host).build().unwrap().keys(NOW).await.is_ok());
        assert_eq!(paths(&host), [OPENID, OAUTH, "/k"]);
        let away = Answer::new("500 Oops", "", b"");
        let host = host_with(|host| vec![(OPENID, away), (OAUTH, metadata(&host.url(""), &host.url("/k"))), ("/k", having(&["a"]))]).await;
        assert!(Given::discovering(&host).build().unwrap().keys(NOW).await.is_err());
        assert_eq!(paths(&host), [OPENID]);
    }

    #[tokio::test]
    async fn metadata_of_somebody_else_lead_nowhere() {
        let host = host_with(|host| vec![(OPENID, metadata("https://other.example", &host.url("/k"))), ("/k", having(&["a"]))]).await;
        assert!(Given::discovering(&host).build().unwrap().keys(NOW).await.is_err());
        assert_eq!(paths(&host), [OPENID]);
    }

    #[tokio::test]
    async fn keys_elsewhere_are_asked_for_only_where_that_is_allowed() {
        let other = Host::secure(having(&["a"])).await;
        let elsewhere = format!("https://127.0.0.1:{}/jwks", other.address.port());
        let host = host_with(|host| vec![(OPENID, metadata(&host.url(""), &elsewhere))]).await;
        let given = Given::discovering(&host);
        let both = format!("{}{}", host.authority, other.authority);
        std::fs::write(given.folder.path().join("ca.pem"), both).unwrap();
        assert!(given.build().unwrap().keys(NOW).await.is_err());
        assert_eq!(other.heard().len(), 0);
        let given = Given { hosts: vec![at(other.address.to_string().into())], ..given };
        assert_eq!(names(&given.build().unwrap().keys(NOW).await.unwrap()), ["a"]);
    }

    #[tokio::test]
    async fn an_issuer_may_move_its_keys() {
        let host = host_with(|host| vec![(OPENID, metadata(&host.url(""), &host.url("/k"))), ("/k", having(&["a"]))]).await;
        let source = Given::discovering(&host).build().unwrap();
        source.keys(NOW).await.unwrap();
        host.change(Answer::ByPath(vec![(OPENID, metadata(&host.url(""), &host.url("/l"))), ("/l", having(&["b"]))]));
        assert!(refresh(&source, NOW.later(300)).await);
        assert_eq!(names(&source.current(NOW.later(300)).unwrap()), ["b"]);
    }
}

mod processes {
    use super::*;

    #[tokio::test]
    async fn the_same_settings_are_the_same_source() {
        let host = Host::secure(having(&["a"])).await;
        let (sources, given) = (sources(), Given::of(&host));
        let source = given.build_among(&sources).unwrap();
        let keys = source.keys(NOW).await.unwrap();
        let again = given.build_among(&sources).unwrap();
        assert!(Arc::ptr_eq(&source, &again));
        assert!(Arc::ptr_eq(&keys, &again.current(NOW).unwrap()));
        drop((source, again));
        assert!(given.build_among(&sources).unwrap().current(NOW).is_none(), "what nobody uses is forgotten");
    }

    #[tokio::test]
    async fn another_pace_keeps_the_keys_and_another_trust_does_not() {
        let host = Host::secure(having(&["a"])).await;
        let (sources, given) = (sources(), Given::of(&host));
        let source = given.build_among(&sources).unwrap();
        let keys = source.keys(NOW).await.unwrap();
        let given = given.refreshed(|refresh| refresh.interval = at(Period::from_secs(60)));
        let paced = given.build_among(&sources).unwrap();
        assert!(!Arc::ptr_eq(&source, &paced));
        assert!(Arc::ptr_eq(&keys, &paced.current(NOW).unwrap()));
        assert_eq!(host.heard().len(), 1);
        let file = given.folder.path().join("ca.pem");
        std::fs::write(&file, format!("{}\n", std::fs::read_to_string(&file).unwrap())).unwrap();
        assert!(given.build_among(&sources).unwrap().current(NOW).is_none());
    }

    #[tokio::test]
    async fn keys_are_kept_fresh_until_nobody_uses_them() {
        let host = Host::secure(having(&["a"])).await;
        let given = Given::of(&host).refreshed(|refresh| refresh.interval = at(Period::from_secs(1)));
        let source = given.build().unwrap();
        source.keep_fresh();
        source.keep_fresh();
        let fetches = async |number| {
            while host.heard().len() < number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), fetches(1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(host.heard().len(), 1, "one task, not two");
        host.change(having(&["b"]));
        tokio::time::timeout(Duration::from_secs(5), fetches(2)).await.unwrap();
        drop(source);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(host.heard().len(), 2);
    }
}
