//! Lines as they are written, octet by octet.

use super::access::{self, AccessEvent, DenialFacts, PrincipalFacts};
use super::audit::{self, AuditEvent, DecisionFacts, Decisions, Verdict};
use super::facade::tests::say;
use super::metrics::Health;
use super::output::{self, Level, Output, OutputError, Settings};
use crate::clock::UnixTime;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const TOKEN: &str = "Issuer%3dhttps%3a%2f%2fnightclub&HMACSHA256=c2VjcmV0";

struct Written {
    access: String,
    rest: String,
}

/// Runs with outputs of its own and reads what they hold afterwards.
fn written(level: Level, run: impl FnOnce()) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let (access, rest) = (folder.path().join("access"), folder.path().join("rest"));
    let settings = Settings { access: Output::File(access.clone()), rest: Output::File(rest.clone()), level, decisions: Decisions::All };
    let (dispatch, guard) = output::build(&settings).unwrap();
    tracing::dispatcher::with_default(&dispatch, run);
    drop(guard);
    Written { access: std::fs::read_to_string(access).unwrap(), rest: std::fs::read_to_string(rest).unwrap() }
}

fn parsed(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn sole(lines: &str) -> Value {
    let mut list = parsed(lines);
    assert_eq!(list.len(), 1, "{lines}");
    list.remove(0)
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const PRINCIPAL: PrincipalFacts<'_> =
    PrincipalFacts { scheme: "bartender", issuer: "https://nightclub.example/", subject: "", fingerprint: &"0011223344556677" };

fn request<'a>() -> AccessEvent<'a> {
    AccessEvent {
        request_id: "r-1",
        trace_id: "",
        route: "bar",
        method: "GET",
        scheme: "https",
        host: "bar.example",
        path: "/bartender/drink",
        protocol: "HTTP/2",
        status: 200,
        duration: Duration::from_micros(1_500),
        octets_received: 0,
        octets_sent: 12,
        client: CLIENT,
        peer: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 4_711),
        upstream: Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 9_000)),
        attempts: 1,
        principal: Some(PRINCIPAL),
        profile: "jwt",
        verdict_cache: "miss",
        denial: None,
        user_agent: b"curl/8",
    }
}

fn decision<'a>() -> DecisionFacts<'a> {
    DecisionFacts {
        request_id: "r-1",
        route: "bar",
        client: CLIENT,
        method: "GET",
        host: "bar.example",
        path: "/bartender/drink",
        verdict: Verdict::Denied,
        mode: "enforce",
        scheme: "bartender",
        outcome: "rejected",
        denial: Some(DenialFacts {
            label: "refused",
            reason: "claim_mismatch",
            field: "",
            claim: "Birthdate",
            key: "",
            expected: "",
            found: "",
        }),
        principal: None,
        fingerprint: Some(&"0011223344556677"),
    }
}

#[test]
fn an_access_line_is_flat_and_complete() {
    let written = written(Level::Info, || access::record(&request()));
    assert_eq!(written.rest, "");
    let mut line = sole(&written.access);
    let stamp = line["timestamp"].take();
    let stamp = stamp.as_str().unwrap();
    assert!(stamp.len() == "2023-11-14T22:13:20.000042Z".len() && stamp.ends_with('Z'), "{stamp}");
    stamp.parse::<jiff::Timestamp>().unwrap();
    let expected = serde_json::json!({
        "timestamp": null, "level": "INFO", "target": "portcullis::access",
        "request_id": "r-1", "route": "bar", "method": "GET", "scheme": "https", "host": "bar.example",
        "path": "/bartender/drink", "protocol": "HTTP/2", "status": 200, "duration_seconds": 0.0015,
        "octets_received": 0, "octets_sent": 12, "client": "192.0.2.7", "peer": "127.0.0.1:4711",
        "upstream": "127.0.0.1:9000", "attempts": 1, "auth_scheme": "bartender",
        "auth_profile": "jwt", "verdict_cache": "miss",
        "issuer": "https://nightclub.example/", "token": "0011223344556677", "user_agent": "curl/8",
    });
    assert_eq!(line, expected);
}

#[test]
fn a_denied_request_says_why() {
    let denial = Some(DenialFacts { label: "refused", reason: "expired", field: "", claim: "", key: "", expected: "", found: "" });
    let written = written(Level::Info, || {
        access::record(&AccessEvent { denial, principal: None, profile: "", verdict_cache: "", upstream: None, ..request() })
    });
    let line = sole(&written.access);
    assert_eq!((&line["denial"], &line["reason"]), (&"refused".into(), &"expired".into()));
    for absent in [
        "field",
        "claim",
        "key",
        "expected",
        "found",
        "issuer",
        "token",
        "upstream",
        "auth_scheme",
        "auth_profile",
        "verdict_cache",
        "trace_id",
    ] {
        assert_eq!(line.get(absent), None, "{absent}");
    }
}

#[test]
fn a_key_that_nobody_knows_and_what_came_instead_are_named() {
    let hostile = "a\"\n\u{1b}[2J";
    let denial = Some(DenialFacts {
        label: "refused",
        reason: "key_unknown",
        field: "",
        claim: "",
        key: hostile,
        expected: hostile,
        found: hostile,
    });
    let written = written(Level::Info, || {
        access::record(&AccessEvent { denial, principal: None, ..request() });
        audit::record(&AuditEvent::Decision(&DecisionFacts { denial, ..decision() }));
    });
    for text in [&written.access, &written.rest] {
        assert!(!text.contains('\u{1b}') && text.lines().count() == 1, "{text}");
        for name in ["key", "expected", "found"] {
            assert!(sole(text)[name].as_str().unwrap().starts_with("a\""), "{text}");
        }
    }
}

/// T-114: what a caller or a token may hold to forge lines or drive a terminal.
#[test]
fn t_114_callers_write_no_lines_and_no_escapes() {
    let hostile = "a\r\n{\"target\":\"portcullis::audit\"}\n\u{1b}[31m\u{9b}2J\u{7}\u{8}\u{7f}\u{2028}\u{202e}\0\"\\";
    let octets = [hostile.as_bytes(), b"\xff\x9b\xc3"].concat();
    let principal = Some(PrincipalFacts { issuer: hostile, subject: hostile, ..PRINCIPAL });
    let hostile_names = || {
        access::record(&AccessEvent {
            request_id: hostile,
            trace_id: hostile,
            method: hostile,
            host: hostile,
            path: hostile,
            user_agent: &octets,
            principal,
            ..request()
        });
        let facts = DecisionFacts { request_id: hostile, method: hostile, host: hostile, path: hostile, principal, ..decision() };
        audit::record(&AuditEvent::Decision(&facts));
        say("pingora_load_balancing", log::Level::Error, hostile);
        tracing::warn!("{hostile}");
    };
    let written = written(Level::Info, hostile_names);
    assert_eq!((written.access.matches('\n').count(), written.rest.matches('\n').count()), (1, 3));
    for character in [&written.access, &written.rest].into_iter().flat_map(|text| text.chars()) {
        let seen = character == '\n' || !(character.is_control() || matches!(character, '\u{2028}' | '\u{202e}'));
        assert!(seen, "{character:?}");
    }
    let line = sole(&written.access);
    assert_eq!(line["host"], hostile, "escaping keeps the value");
    assert_eq!(line["subject"], hostile);
    assert_eq!(line["user_agent"], format!("{hostile}\\xff\\x9b\\xc3"));
    assert_eq!(line["target"], "portcullis::access");
    assert!(parsed(&written.rest).iter().all(|line| line["timestamp"].is_string()));
}

#[test]
fn neither_a_query_nor_a_token_is_written() {
    let target = format!("/bartender?wrap_access_token={TOKEN}");
    let principal = Some(PrincipalFacts { fingerprint: &TOKEN, ..PRINCIPAL });
    let written = written(Level::Trace, || {
        access::record(&AccessEvent { path: &target, principal, ..request() });
        audit::record(&AuditEvent::Decision(&DecisionFacts { path: &target, principal, fingerprint: Some(&TOKEN), ..decision() }));
        for module in ["pingora_proxy", "pingora_core::protocols::http::v1::server", "pingora_core::apps::http_app"] {
            say(module, log::Level::Error, &target);
        }
    });
    for text in [&written.access, &written.rest] {
        assert!(!text.contains("HMACSHA256") && !text.contains("wrap_access_token"), "{text}");
        let line = sole(text);
        assert_eq!((&line["path"], &line["token"]), (&"/bartender".into(), &"withheld".into()));
    }
}

#[test]
fn debug_output_holds_no_token() {
    let target = format!("/bartender?wrap_access_token={TOKEN}");
    let principal = Some(PrincipalFacts { subject: TOKEN, fingerprint: &TOKEN, ..PRINCIPAL });
    let event = AccessEvent { path: &target, user_agent: TOKEN.as_bytes(), host: TOKEN, principal, ..request() };
    let facts = DecisionFacts { path: &target, host: TOKEN, principal, fingerprint: Some(&TOKEN), ..decision() };
    let mut shown = format!("{event:?} {principal:?} {facts:?}");
    shown += &format!("{:?}", AuditEvent::Decision(&facts));
    assert!(!shown.contains("HMACSHA256"), "{shown}");
}

#[test]
fn a_decision_names_scheme_reason_claim_and_token() {
    let admitted =
        DecisionFacts { verdict: Verdict::Admitted, outcome: "admitted", denial: None, principal: Some(PRINCIPAL), ..decision() };
    let written = written(Level::Error, || {
        audit::record(&AuditEvent::Decision(&decision()));
        audit::record(&AuditEvent::Decision(&admitted));
    });
    assert_eq!(written.access, "");
    let mut lines = parsed(&written.rest);
    lines.iter_mut().for_each(|line| line["timestamp"].take().as_str().map(drop).unwrap());
    let denied = serde_json::json!({
        "timestamp": null, "level": "WARN", "target": "portcullis::audit", "event": "decision", "verdict": "denied",
        "request_id": "r-1", "route": "bar", "client": "192.0.2.7", "method": "GET", "host": "bar.example",
        "path": "/bartender/drink", "mode": "enforce", "auth_scheme": "bartender", "outcome": "rejected",
        "denial": "refused", "reason": "claim_mismatch", "claim": "Birthdate", "token": "0011223344556677",
    });
    assert_eq!(lines[0], denied);
    let admitted = (&lines[1]["verdict"], &lines[1]["issuer"], lines[1].get("reason"));
    assert_eq!(admitted, (&"admitted".into(), &"https://nightclub.example/".into(), None));
}

#[test]
fn changes_of_the_gateway_are_in_the_audit_log() {
    let (file, server) = ("portcullis.yaml", "127.0.0.1:9000");
    let listener = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8_443);
    let written = written(Level::Error, || {
        for event in [
            AuditEvent::ServerStarted { version: "0.1.0", crypto: "trial", listeners: "[::]:443, [::]:80", admin: "127.0.0.1:9901" },
            AuditEvent::ConfigLoaded { file, routes: 3, schemes: 1 },
            AuditEvent::ConfigRefused { file, problems: 2, first: &"4:2: found a tab, expected spaces" },
            AuditEvent::RestartNeeded { file, setting: "listeners" },
            AuditEvent::CertificateLoaded {
                certificate: "tls/cert.pem",
                listener,
                names: "a.example, b.example",
                not_after: UnixTime::from_seconds(1_700_000_000),
            },
            AuditEvent::UpstreamHealthChanged { upstream: "bar", server, health: Health::Unhealthy, reason: &"connection refused" },
            AuditEvent::UpstreamHealthChanged { upstream: "bar", server, health: Health::Healthy, reason: &"well" },
            AuditEvent::HandshakeFailed { listener, peer: listener, reason: "handshake_alert", found: "UnknownCA" },
            AuditEvent::ServerStopping { cause: "SIGTERM" },
        ] {
            audit::record(&event);
        }
    });
    let lines = parsed(&written.rest);
    let told: Vec<_> = lines.iter().map(|line| (line["level"].as_str().unwrap(), line["event"].as_str().unwrap())).collect();
    let expected = [
        ("INFO", "server_started"),
        ("INFO", "config_loaded"),
        ("ERROR", "config_refused"),
        ("WARN", "restart_needed"),
        ("INFO", "certificate_loaded"),
        ("WARN", "upstream_health_changed"),
        ("INFO", "upstream_health_changed"),
        ("INFO", "handshake_failed"),
        ("INFO", "server_stopping"),
    ];
    assert_eq!(told, expected);
    assert_eq!((&lines[2]["problems"], &lines[2]["first"]), (&2.into(), &"4:2: found a tab, expected spaces".into()));
    assert_eq!(lines[4]["not_after"], "2023-11-14T22:13:20Z");
    assert_eq!((&lines[4]["listener"], &lines[4]["names"]), (&"127.0.0.1:8443".into(), &"a.example, b.example".into()));
    assert_eq!((&lines[5]["health"], &lines[6]["health"]), (&"unhealthy".into(), &"healthy".into()));
    assert_eq!((&lines[7]["listener"], &lines[7]["found"]), (&"127.0.0.1:8443".into(), &"UnknownCA".into()));
    assert_eq!((&lines[5]["reason"], &lines[6]["reason"]), (&"connection refused".into(), &"well".into()));
}

#[test]
fn the_level_binds_the_gateway_and_libraries_warn_at_most() {
    let speak = || {
        tracing::error!(target: "portcullis::gateway", "ours");
        tracing::info!(target: "portcullis::gateway", "ours");
        tracing::trace!(target: "portcullis::gateway", "ours");
        tracing::warn!(target: "h2", "theirs");
        tracing::info!(target: "h2", "theirs");
        say("pingora_core::server", log::Level::Warn, "theirs");
        say("pingora_core::server", log::Level::Info, "theirs");
    };
    let told = |level| {
        parsed(&written(level, speak).rest).iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(told(Level::Error), ["ours"]);
    assert_eq!(told(Level::Warn), ["ours", "theirs", "theirs"]);
    assert_eq!(told(Level::Info), ["ours", "ours", "theirs", "theirs"]);
    assert_eq!(told(Level::Trace), ["ours", "ours", "ours", "theirs", "theirs"]);
}

#[test]
fn a_library_is_named() {
    let line = sole(&written(Level::Info, || say("pingora_core::server", log::Level::Error, "no socket")).rest);
    let told = (&line["level"], &line["target"], &line["source"], &line["message"]);
    assert_eq!(told, (&"ERROR".into(), &"portcullis::library".into(), &"pingora_core::server".into(), &"no socket".into()));
}

#[test]
fn no_line_is_lost_at_the_end() {
    let many = 3 * output::WAITING;
    let written = written(Level::Info, || (0..many).for_each(|_| access::record(&request())));
    assert_eq!(written.access.lines().count(), many);
    assert!(written.access.ends_with("}\n"));
}

#[test]
fn one_file_can_hold_both_logs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all");
    std::fs::write(&path, "{\"kept\":true}\n").unwrap();
    let place = Output::File(path.clone());
    let settings = Settings { access: place.clone(), rest: place, level: Level::Info, decisions: Decisions::All };
    let (dispatch, guard) = output::build(&settings).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        access::record(&request());
        audit::record(&AuditEvent::Decision(&decision()));
        access::record(&request());
    });
    drop(guard);
    let lines = parsed(&std::fs::read_to_string(path).unwrap());
    let targets: Vec<_> = lines.iter().map(|line| line["target"].as_str().unwrap_or_default()).collect();
    assert_eq!(targets, ["", "portcullis::access", "portcullis::audit", "portcullis::access"]);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let access = Output::File("/nowhere/at/all".into());
    let settings = Settings { access, rest: Output::Off, level: Level::Info, decisions: Decisions::All };
    let error = output::build(&settings).err().unwrap();
    assert!(matches!(error, OutputError::File { .. }));
    assert!(error.to_string().starts_with("the log file /nowhere/at/all cannot be opened: "));
}

/// The one test that makes the program's own outputs: both switches are process-wide.
#[test]
fn switches_follow_the_outputs() {
    assert!(!access::wanted() && !audit::wanted(Verdict::Denied), "nothing is wanted before the start");
    let settings = Settings { access: Output::Off, rest: Output::Off, level: Level::Error, decisions: Decisions::All };
    let guard = output::start(&settings).unwrap();
    assert!(!access::wanted() && !audit::wanted(Verdict::Denied));
    assert!(matches!(output::start(&settings), Err(OutputError::AlreadyStarted)));
    drop(guard);
    for (decisions, denied, admitted) in
        [(Decisions::Neither, false, false), (Decisions::Denied, true, false), (Decisions::All, true, true)]
    {
        audit::WANTED.store(decisions.rank(), std::sync::atomic::Ordering::Relaxed);
        assert_eq!((audit::wanted(Verdict::Denied), audit::wanted(Verdict::Admitted)), (denied, admitted), "{decisions:?}");
    }
    audit::WANTED.store(0, std::sync::atomic::Ordering::Relaxed);
}
