//! What the documents promise, held against the code.

use super::{Source, files, holds, program, text};
use crate::support::certificates::Authority;
use portcullis::assertion::{AssertionSettings, AudienceSettings};
use portcullis::config;
use portcullis::config::document::{Document, Limits};
use portcullis::crypto::{NewKey, SigningKey};
use portcullis::keys::KeyRefreshSettings;
use portcullis::scheme::{KINDS, SchemeConfig};
use portcullis::setting::{ByteSize, Environment, Period};
use portcullis::token::jose::pem;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The rows of every table that has a column of this name, cell by cell.
pub(super) fn table(document: &str, column: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        let Some(row) = line.strip_prefix('|') else {
            inside = false;
            continue;
        };
        let cells: Vec<String> =
            row.trim_end().trim_end_matches('|').replace("\\|", "¦").split('|').map(|cell| cell.trim().to_owned()).collect();
        if cells.iter().any(|cell| cell == column) {
            inside = true;
        } else if inside && !cells.iter().all(|cell| cell.chars().all(|character| matches!(character, '-' | ':'))) {
            rows.push(cells);
        }
    }
    rows
}

/// What stands in backticks.
pub(super) fn codes(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The documents for readers.
fn documents() -> Vec<(String, String)> {
    let markdown = |name: &str| name.ends_with(".md");
    let all = files("docs", &markdown).into_iter().chain(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned));
    all.map(|path| (path.clone(), text(&path))).collect()
}

/// The lines of fenced blocks, continued lines joined.
fn fenced(document: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let blocks = document.split("```").skip(1).step_by(2);
    for line in blocks.flat_map(|block| block.lines().skip(1)) {
        match lines.last_mut() {
            Some(last) if last.ends_with('\\') => *last = format!("{} {}", last.trim_end_matches('\\'), line.trim()),
            _ => lines.push(line.trim().to_owned()),
        }
    }
    lines
}

#[test]
fn the_readme_lists_the_schemes_of_the_registry() {
    let rows = table(&text("README.md"), "Scheme");
    let listed: BTreeMap<String, String> = rows.iter().map(|row| (codes(&row[0]).remove(0), row[1].clone())).collect();
    let registry: BTreeMap<String, String> = KINDS.iter().map(|(kind, what, _)| ((*kind).to_owned(), what.trim().to_owned())).collect();
    assert_eq!(listed, registry, "The table of schemes in README.md says what the registry in src/scheme/mod.rs says, in its words.");
}

/// Every setting and every word that settings take, by the JSON Schema.
fn schema_names() -> BTreeSet<String> {
    fn walk(schema: &Value, names: &mut BTreeSet<String>) {
        let texts =
            |key: &str| schema[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        names.extend(schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys().cloned()));
        names.extend(texts("enum"));
        names.extend(schema["const"].as_str().map(str::to_owned));
        match schema {
            Value::Object(parts) => parts.values().for_each(|part| walk(part, names)),
            Value::Array(parts) => parts.iter().for_each(|part| walk(part, names)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut names = BTreeSet::new();
    walk(schemars::schema_for!(Document).as_value(), &mut names);
    names
}

#[test]
fn every_setting_is_described() {
    let names = schema_names();
    assert!(
        names.len() > 60 && names.contains("age_at_least") && names.contains("least_connections"),
        "the schema was not read: {names:?}"
    );
    let described: BTreeSet<String> = codes(&text("docs/configuration.md")).into_iter().collect();
    let breaches: Vec<_> = names.difference(&described).cloned().collect();
    holds(&breaches, "docs/configuration.md describes every key and every word that a setting takes, as `name`.");
}

/// A document in which everything that may be left out is.
const SPARSE: &str = "\
listeners: [{ address: 127.0.0.1:1 }]
schemes: { s: { wrap: { issuers: [{ name: i, key_file: k }], audience: a } } }
upstreams: { u: { servers: [127.0.0.1:2], health_check: {} } }
routes: [{ match: { path: / }, authenticate: s, upstream: u }]
";

/// The same with a scheme `wssec`.
const SPARSE_WSSEC: &str = "\
listeners: [{ address: 127.0.0.1:1 }]
schemes: { s: { wssec: { realm: r, token_profiles: { x509v3: { trust_anchors_file: a } }, context: { key_file: k }, references: { allow: [u] } } } }
upstreams: { u: { servers: [127.0.0.1:2] } }
routes: [{ match: { path: / }, authenticate: s, upstream: u }]
";

/// What holds where a setting is left out, as a table would write it.
fn defaults() -> BTreeMap<&'static str, String> {
    let mut document: Document = config::decode(SPARSE, Environment::Fixed(&[])).unwrap_or_else(|problems| panic!("{problems:?}"));
    let upstream = document.upstreams["u"].clone().into_inner();
    let check = upstream.health_check.clone().unwrap();
    let SchemeConfig::Wrap(wrap) = document.schemes.remove("s").unwrap().into_inner() else { panic!("another scheme") };
    let limits = Limits::default();
    BTreeMap::from([
        ("max_connections", limits.max_connections.to_string()),
        ("max_requests_per_connection", limits.max_requests_per_connection.to_string()),
        ("max_concurrent_streams", limits.max_concurrent_streams.to_string()),
        ("max_head_size", size(limits.max_head_size)),
        ("max_fields", limits.max_fields.to_string()),
        ("max_target_size", size(limits.max_target_size)),
        ("max_body_size", size(limits.max_body_size)),
        ("spool_after", size(limits.spool_after)),
        ("max_body_memory", size(limits.max_body_memory)),
        ("max_spool_size", size(limits.max_spool_size)),
        ("spool_directory", limits.spool_directory.display().to_string()),
        ("replay_marks", document.stores.replay_marks.to_string()),
        ("revocations", document.stores.revocations.to_string()),
        ("holder_keys", document.stores.holder_keys.to_string()),
        ("head_timeout", period(limits.head_timeout)),
        ("body_timeout", period(limits.body_timeout)),
        ("body_deadline", period(limits.body_deadline)),
        ("send_timeout", period(limits.send_timeout)),
        ("max_tunnel_age", period(limits.max_tunnel_age)),
        ("max_drain_size", size(limits.max_drain_size)),
        ("drain_timeout", period(limits.drain_timeout)),
        ("client_certificate_cache", size(limits.client_certificate_cache)),
        ("graceful_stop", period(document.graceful_stop)),
        ("connect_timeout", period(upstream.connect_timeout)),
        ("read_timeout", period(upstream.read_timeout)),
        ("write_timeout", period(upstream.write_timeout)),
        ("idle_timeout", period(upstream.idle_timeout)),
        ("retries", upstream.retries.to_string()),
        ("interval", period(check.interval)),
        ("healthy_after", check.healthy_after.to_string()),
        ("unhealthy_after", check.unhealthy_after.to_string()),
        ("leeway", period(*wrap.leeway)),
        ("max_token_size", size(*wrap.max_token_size)),
        ("max_form_size", size(*wrap.max_form_size)),
        ("verdict_cache", size(wrap.verdict_cache)),
        ("subject_claim", wrap.subject_claim.to_string()),
    ])
}

/// The same for a scheme `wssec`, whose rows stand in a section of their own.
fn wssec_defaults() -> BTreeMap<&'static str, String> {
    let mut document: Document = config::decode(SPARSE_WSSEC, Environment::Fixed(&[])).unwrap_or_else(|problems| panic!("{problems:?}"));
    let SchemeConfig::Wssec(wssec) = document.schemes.remove("s").unwrap().into_inner() else { panic!("another scheme") };
    let references = wssec.references.as_ref().unwrap();
    BTreeMap::from([
        ("max_token_size", size(*wssec.max_token_size)),
        ("max_token_content", size(*wssec.max_token_content)),
        ("verdict_cache", size(wssec.verdict_cache)),
        ("max_age", period(*wssec.signature.max_age)),
        ("clock_skew", period(*wssec.signature.clock_skew)),
        ("lifetime", period(*wssec.context.as_ref().unwrap().lifetime)),
        ("allow_cleartext", wssec.context.as_ref().unwrap().allow_cleartext.to_string()),
        ("authorization", word(&wssec.authorization)),
        ("usage", word(&wssec.signature.usage)),
        ("nonce", word(&wssec.signature.nonce)),
        ("token_locations", format!("{:?}", wssec.token_locations.as_slice()).to_ascii_lowercase()),
        ("required_for", list(wssec.digest.required_for.iter().map(|method| &***method))),
        ("forward_token", word(&wssec.forward_token)),
        ("timeout", period(*references.timeout)),
        ("max_size", size(*references.max_size)),
        ("cache", size(references.cache)),
        ("cache_for", period(*references.cache_for)),
        ("cache_failures_for", period(*references.cache_failures_for)),
        ("max_parallel", references.max_parallel.to_string()),
    ])
}

/// The same with a scheme `http_signature`.
const SPARSE_HTTP_SIGNATURE: &str = "\
listeners: [{ address: 127.0.0.1:1 }]
schemes: { s: { http_signature: { keys_file: k } } }
upstreams: { u: { servers: [127.0.0.1:2] } }
routes: [{ match: { path: / }, authenticate: s, upstream: u }]
";

/// The same with a scheme `jwt`.
const SPARSE_JWT: &str = "\
listeners: [{ address: 127.0.0.1:1 }]
schemes: { s: { jwt: { issuer: i, audiences: [a], jwks_file: k } } }
upstreams: { u: { servers: [127.0.0.1:2] } }
routes: [{ match: { path: / }, authenticate: s, upstream: u }]
";

/// The same for a scheme `http_signature`.
fn http_signature_defaults() -> BTreeMap<&'static str, String> {
    let decoded = config::decode(SPARSE_HTTP_SIGNATURE, Environment::Fixed(&[]));
    let mut document: Document = decoded.unwrap_or_else(|problems| panic!("{problems:?}"));
    let SchemeConfig::HttpSignature(signed) = document.schemes.remove("s").unwrap().into_inner() else { panic!("another scheme") };
    BTreeMap::from([
        ("required_components", format!("{:?}", signed.required_components.iter().map(|name| &***name).collect::<Vec<_>>())),
        ("created", word(&signed.created)),
        ("nonce", word(&signed.nonce)),
        ("max_age", period(*signed.max_age)),
        ("clock_skew", period(*signed.clock_skew)),
        ("forward_token", word(&signed.forward_token)),
        ("max_signature_size", size(*signed.max_signature_size)),
    ])
}

/// The same for a scheme `jwt`.
fn jwt_defaults() -> BTreeMap<&'static str, String> {
    let mut document: Document = config::decode(SPARSE_JWT, Environment::Fixed(&[])).unwrap_or_else(|problems| panic!("{problems:?}"));
    let SchemeConfig::Jwt(jwt) = document.schemes.remove("s").unwrap().into_inner() else { panic!("another scheme") };
    BTreeMap::from([
        ("token_type", jwt.token_type.to_string()),
        ("leeway", period(*jwt.leeway)),
        ("optional_claims", format!("{:?}", jwt.optional_claims)),
        ("subject_claim", jwt.subject_claim.to_string()),
        ("accept", format!("{:?}", jwt.accept.as_slice()).to_ascii_lowercase()),
        ("forward_token", word(&jwt.forward_token)),
        ("max_token_size", size(*jwt.max_token_size)),
        ("max_form_size", size(*jwt.max_form_size)),
        ("verdict_cache", size(jwt.verdict_cache)),
    ])
}

/// The same for a scheme `dpop`.
fn dpop_defaults() -> BTreeMap<&'static str, String> {
    let sparse = SPARSE_JWT.replace("jwt:", "dpop:");
    let mut document: Document = config::decode(&sparse, Environment::Fixed(&[])).unwrap_or_else(|problems| panic!("{problems:?}"));
    let SchemeConfig::Dpop(dpop) = document.schemes.remove("s").unwrap().into_inner() else { panic!("another scheme") };
    BTreeMap::from([
        ("max_age", period(*dpop.max_age)),
        ("clock_skew", period(*dpop.clock_skew)),
        ("nonce", word(&dpop.nonce)),
        ("nonce_lifetime", period(*dpop.nonce_lifetime)),
    ])
}

/// The same with a scheme `introspection`.
const SPARSE_INTROSPECTION: &str = "\
listeners: [{ address: 127.0.0.1:1 }]
schemes: { s: { introspection: { endpoint: e, client: { id: c }, audiences: [a] } } }
upstreams: { u: { servers: [127.0.0.1:2] } }
routes: [{ match: { path: / }, authenticate: s, upstream: u }]
";

/// The same for a scheme `introspection`.
fn introspection_defaults() -> BTreeMap<&'static str, String> {
    let decoded = config::decode(SPARSE_INTROSPECTION, Environment::Fixed(&[]));
    let mut document: Document = decoded.unwrap_or_else(|problems| panic!("{problems:?}"));
    let SchemeConfig::Introspection(asked) = document.schemes.remove("s").unwrap().into_inner() else { panic!("another scheme") };
    BTreeMap::from([
        ("optional_claims", format!("{:?}", asked.optional_claims)),
        ("subject_claim", asked.subject_claim.to_string()),
        ("leeway", period(*asked.leeway)),
        ("accept", format!("{:?}", asked.accept.as_slice()).to_ascii_lowercase()),
        ("forward_token", word(&asked.forward_token)),
        ("max_token_size", size(*asked.max_token_size)),
        ("max_form_size", size(*asked.max_form_size)),
        ("cache_ttl", period(*asked.cache_ttl)),
        ("negative_cache_ttl", period(*asked.negative_cache_ttl)),
        ("cache", size(asked.cache)),
        ("timeout", period(*asked.timeout)),
        ("max_parallel", asked.max_parallel.to_string()),
        ("max_answer_size", size(*asked.max_answer_size)),
        ("failures_before_open", asked.failures_before_open.to_string()),
        ("open_for", period(*asked.open_for)),
    ])
}

/// The same for keys that are fetched.
fn assertion_defaults() -> BTreeMap<&'static str, String> {
    let settings: AssertionSettings = config::decode("{ issuer: i, keys: [] }", Environment::Fixed(&[])).unwrap();
    let told: AudienceSettings = config::decode("audience: a", Environment::Fixed(&[])).unwrap();
    BTreeMap::from([("lifetime", period(*settings.lifetime)), ("cache", size(settings.cache)), ("field", told.field.to_string())])
}

fn key_defaults() -> BTreeMap<&'static str, String> {
    let refresh = KeyRefreshSettings::default();
    BTreeMap::from([
        ("interval", period(*refresh.interval)),
        ("min_interval", period(*refresh.min_interval)),
        ("max_stale", period(*refresh.max_stale)),
        ("unknown_key_memory", period(*refresh.unknown_key_memory)),
        ("timeout", period(*refresh.timeout)),
        ("max_size", size(*refresh.max_size)),
    ])
}

/// A variant as the configuration writes it.
fn word(variant: &impl std::fmt::Debug) -> String {
    format!("{variant:?}").to_ascii_lowercase()
}

fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// One way to write every size, so that `64KiB` and `65536` compare equal.
fn size(size: ByteSize) -> String {
    format!("{} octets", size.octets())
}

fn period(period: impl Into<Period>) -> String {
    format!("{} ms", period.into().duration().as_millis())
}

/// A default as written in a table, made comparable.
fn written(text: &str) -> String {
    let plain = text.parse::<u64>().is_ok();
    let as_period = Period::parse(text).map(period);
    let as_size = ByteSize::parse(text).filter(|_| !plain).map(size);
    as_period.or(as_size).unwrap_or_else(|| text.to_owned())
}

/// Rows whose default is not the one that the code has.
fn wrong_defaults(path: &str, document: &str, mut open: BTreeMap<&str, String>) -> Vec<String> {
    let mut breaches = Vec::new();
    for row in table(document, "Default") {
        let names = codes(&row[0]);
        let Some((name, value)) = names.first().and_then(|name| open.remove_entry(name.as_str())) else { continue };
        let cell = codes(&row[1]).into_iter().next().unwrap_or_else(|| row[1].clone());
        if written(&cell) != value {
            breaches.push(format!("{path}: `{name}` is {value}, not {cell}"));
        }
    }
    breaches.extend(open.keys().map(|name| format!("{path}: no row for `{name}`")));
    breaches
}

/// What stands before a section, in it, and from the next heading of its rank or above on.
fn around_section<'d>(document: &'d str, heading: &str) -> (&'d str, &'d str, &'d str) {
    let (before, rest) = document.split_once(heading).unwrap_or_else(|| panic!("no section {heading}"));
    let end = ["\n## ", "\n### "].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
    (before, &rest[..end], &rest[end..])
}

#[test]
fn the_defaults_in_the_documents_are_those_of_the_code() {
    let schema = schemars::schema_for!(Limits);
    let limits: BTreeSet<&str> = schema.as_value()["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let covered = defaults();
    let uncovered: Vec<_> = limits.iter().filter(|name| !covered.contains_key(**name)).map(ToString::to_string).collect();
    holds(&uncovered, "Every limit has its default in the list above, and so in the documents.");
    let of_limits = defaults().into_iter().filter(|(name, _)| limits.contains(name)).collect();
    let mut breaches = wrong_defaults("README.md", &text("README.md"), of_limits);
    let configuration = text("docs/configuration.md");
    let mut rest = configuration;
    for (heading, defaults) in [
        ("### `wssec`", wssec_defaults()),
        ("### `jwt`", jwt_defaults()),
        ("### `dpop`", dpop_defaults()),
        ("### `http_signature`", http_signature_defaults()),
        ("### `introspection`", introspection_defaults()),
        ("### Keys of issuers", key_defaults()),
        ("### Assertions", assertion_defaults()),
    ] {
        let (before, section, after) = around_section(&rest, &format!("{heading}\n"));
        breaches.extend(wrong_defaults(&format!("docs/configuration.md, {heading}"), section, defaults));
        rest = [before, after].concat();
    }
    breaches.extend(wrong_defaults("docs/configuration.md", &rest, covered));
    holds(&breaches, "A table that promises another default than the code has is worse than none.");
}

#[test]
fn the_shipped_configurations_compile() {
    let shipped = files("config", &|name: &str| name.ends_with(".yaml"));
    assert!(shipped.iter().any(|path| path == "config/portcullis.yaml"), "{shipped:?}");
    for path in shipped {
        let folder = tempfile::tempdir().unwrap();
        let file = furnish(folder.path(), &text(&path));
        let environment = [("PORTCULLIS_KEY_FILE", "keys/swt.key"), ("LEGACY_KEY", KEY)];
        let checked = portcullis(&["check", "--config", &file], &environment);
        assert!(checked.status.success(), "{path} does not compile:\n{}", String::from_utf8_lossy(&checked.stderr));
    }
}

/// 32 octets.
const KEY: &str = "N4QeKa3c062VBjnVK6fb+rnwURkcwGXh7EoNK34n0uM=";

/// The public key of RFC 7515 Appendix A.3.
const KEY_SET: &str = r#"{"keys":[{"kid":"client-1","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// Writes a configuration into a folder, and beside it the files that it names.
fn furnish(folder: &Path, config: &str) -> String {
    let authority = Authority::new();
    std::fs::create_dir_all(folder.join("keys")).unwrap();
    std::fs::write(folder.join("keys/swt.key"), KEY).unwrap();
    std::fs::create_dir_all(folder.join("devices")).unwrap();
    std::fs::write(folder.join("devices/client-1.jwk"), KEY_SET.trim_start_matches(r#"{"keys":["#).trim_end_matches("]}")).unwrap();
    let mut unpaired = None;
    let names = config.split(|character: char| character.is_whitespace() || matches!(character, '{' | '}' | '[' | ']' | ',' | '"'));
    for name in names.filter(|name| !name.starts_with(['$', '/', '#'])) {
        let path = folder.join(name);
        if name.starts_with("tls/") {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        let content = match name.rsplit_once('.') {
            Some((start, "key" | "pem")) if name.starts_with("tls/") && (start.ends_with("key") || name.ends_with(".key")) => {
                unpaired.take().unwrap_or_else(|| panic!("{name} stands before its certificate"))
            }
            Some((_, "pem")) if name.starts_with("tls/") => {
                let (certificate, key) = authority.certify(&["api.example", "shop.example"]);
                unpaired = Some(key);
                certificate
            }
            Some((_, "key" | "b64" | "secret")) if name.starts_with("keys/") => KEY.to_owned(),
            Some((_, "p8")) if name.starts_with("keys/") => pem::write(&SigningKey::generate(NewKey::P256).unwrap()).to_string(),
            Some((_, "pem")) if name.starts_with("keys/") => authority.pem().to_owned(),
            Some((_, "crl")) if name.starts_with("keys/") => authority.revoke(&[]),
            Some((_, "json")) if name.starts_with("keys/") => KEY_SET.to_owned(),
            _ => continue,
        };
        std::fs::write(path, content).unwrap();
    }
    let file = folder.join("portcullis.yaml");
    std::fs::write(&file, config).unwrap();
    file.to_str().unwrap().to_owned()
}

fn portcullis(arguments: &[&str], environment: &[(&str, &str)]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis")).args(arguments).envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn the_configurations_in_the_documents_compile() {
    let mut breaches = Vec::new();
    let mut found = 0;
    for (path, document) in documents() {
        for block in document.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("yaml\n")) {
            if !block.starts_with("listeners:") {
                continue;
            }
            found += 1;
            let folder = tempfile::tempdir().unwrap();
            let checked = portcullis(&["check", "--config", &furnish(folder.path(), block)], &[("PORTCULLIS_KEY_FILE", "keys/swt.key")]);
            if !checked.status.success() {
                breaches.push(format!("{path}: {}", String::from_utf8_lossy(&checked.stderr)));
            }
        }
    }
    assert!(found > 0, "README.md shows no whole configuration");
    holds(&breaches, "Somebody will copy it.");
}

/// The texts of `--help`, by command.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, String>);

impl Helps {
    fn text(&mut self, command: &[String]) -> &str {
        self.0.entry(command.to_vec()).or_insert_with(|| {
            let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
            String::from_utf8(portcullis(&arguments, &[]).stdout).unwrap()
        })
    }

    fn knows_command(&mut self, command: &[String], next: &str) -> bool {
        let commands = self.text(command).split("Commands:\n").nth(1).unwrap_or_default();
        commands.lines().take_while(|line| line.starts_with("  ")).any(|line| line.split_whitespace().next() == Some(next))
    }

    /// What is wrong with a call of the program.
    fn judge(&mut self, arguments: &[&str]) -> Option<String> {
        let mut command = Vec::new();
        let mut rest = arguments.iter().copied().peekable();
        while let Some(next) = rest.next_if(|next| self.knows_command(&command, next)) {
            command.push(next.to_owned());
        }
        if let Some(next) = rest.peek().filter(|next| !next.starts_with('-') && self.text(&command).contains("Commands:\n")) {
            return Some(format!("there is no command `{next}`"));
        }
        let is_option = |argument: &&str| argument.len() > 1 && argument.starts_with('-');
        let unknown = |option: &&str| !super::source::mentions(&self.text(&command).replace('-', "_"), &option.replace('-', "_"));
        rest.map(|argument| argument.split('=').next().unwrap_or_default())
            .filter(is_option)
            .find(unknown)
            .map(|option| format!("there is no option {option}"))
    }
}

/// The calls of the program in a line for the shell.
fn calls(line: &str) -> Vec<Vec<String>> {
    let line = line.replace("$(", " | ").replace(')', " ) ");
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut starts = true;
    let mut inside = false;
    for word in line.split_whitespace() {
        let ends = matches!(word, "|" | "&&" | ";" | ")" | "&" | "<" | ">" | "#");
        let assigns = starts && word.contains('=') && !word.starts_with('-');
        if ends {
            inside = false;
        } else if starts && (word == "portcullis" || word.ends_with("/portcullis")) {
            inside = true;
            calls.push(Vec::new());
        } else if inside && let Some(call) = calls.last_mut() {
            call.push(word.to_owned());
        }
        starts = assigns || matches!(word, "|" | "&&" | ";" | "&" | "$" | "sudo");
    }
    calls
}

#[test]
fn the_commands_in_the_documents_exist() {
    let mut helps = Helps::default();
    let mut breaches = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, document) in documents() {
        for line in fenced(&document) {
            for call in calls(&line) {
                let words: Vec<&str> = call.iter().map(String::as_str).collect();
                seen.extend(words.first().map(ToString::to_string));
                breaches.extend(helps.judge(&words).map(|problem| format!("{path}: `{line}`: {problem}")));
            }
        }
    }
    let shown: Vec<_> = ["run", "check", "token"]
        .iter()
        .filter(|command| !seen.contains(**command))
        .map(|command| format!("nothing shows `portcullis {command}`"))
        .collect();
    breaches.extend(shown);
    holds(&breaches, "Every command in a document can be pasted.");
}

#[test]
fn the_targets_of_make_in_the_documents_exist() {
    let makefile = text("Makefile");
    let mut breaches = Vec::new();
    for (path, document) in documents() {
        let lines = fenced(&document).into_iter().chain(codes(&document));
        let named = |target: &String| target.starts_with(|first: char| first.is_ascii_lowercase());
        for target in lines.filter_map(|line| Some(line.strip_prefix("make ")?.split_whitespace().next()?.to_owned())).filter(named) {
            if !makefile.lines().any(|line| line.starts_with(&format!("{target}:"))) {
                breaches.push(format!("{path}: make {target}"));
            }
        }
    }
    holds(&breaches, "Every `make` in a document can be pasted.");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut breaches = Vec::new();
    for (path, document) in documents() {
        let folder = Path::new(&path).parent().unwrap();
        for target in document.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !super::root().join(folder).join(file).exists() {
                breaches.push(format!("{path}: {target}"));
            }
        }
    }
    holds(&breaches, "A link leads somewhere.");
}

/// The texts in quotes of some functions of a file, as written.
fn literals(source: &Source, whole: &str, functions: &[&str]) -> BTreeSet<String> {
    let wanted = source.functions().into_iter().filter(|function| functions.contains(&function.name.as_str()));
    let lines: Vec<&str> = whole.lines().collect();
    let bodies = wanted.flat_map(|function| lines[function.line - 1..function.line - 1 + function.lines].to_vec());
    bodies
        .flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Reasons that schemes pass on as they are, and those that only the log has.
const PASSED_ON: &[&str] = &["src/token/x509/refusal.rs", "src/fetch/fault.rs", "src/keys/fault.rs"];

#[test]
fn every_reason_is_explained() {
    let explained: BTreeSet<String> = table(&text("docs/operations.md"), "Reason").iter().flat_map(|row| codes(&row[0])).collect();
    let mut reasons = BTreeSet::new();
    for source in program().iter().filter(|source| ["gateway", "route", "scheme"].iter().any(|room| source.room().as_deref() == Some(room)))
    {
        reasons.extend(literals(source, &text(&source.path), &["reason", "label", "wording"]));
    }
    reasons
        .retain(|reason| reason.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'));
    reasons.remove("none");
    for path in PASSED_ON {
        reasons.extend(literals(&Source::new(path, &text(path)), &text(path), &["reason"]));
    }
    assert!(reasons.len() > 30 && reasons.contains("signature_invalid") && reasons.contains("bare_line_feed"), "{reasons:?}");
    let breaches: Vec<_> = reasons.symmetric_difference(&explained).cloned().collect();
    holds(&breaches, "Every reason that logs and metrics give stands in a table of docs/operations.md, and no other does.");
}

#[test]
fn every_metric_is_listed() {
    let listed: BTreeSet<String> = table(&text("docs/operations.md"), "Metric").iter().flat_map(|row| codes(&row[0])).collect();
    let mut named = BTreeSet::new();
    for source in program().iter().filter(|source| source.path.starts_with("src/telemetry/metrics/")) {
        let lines = source.code.lines().count();
        let code: Vec<String> = text(&source.path).lines().take(lines).map(str::to_owned).collect();
        let literals = code.iter().flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_name = |text: &&str| text.starts_with("portcullis_") || text.starts_with("process_");
        named.extend(literals.filter(is_name).map(str::to_owned));
    }
    assert!(named.contains("portcullis_requests_total"), "{named:?}");
    let breaches: Vec<_> = named.symmetric_difference(&listed).cloned().collect();
    holds(&breaches, "Every metric stands in the table of docs/operations.md, and no other does.");
}

#[test]
fn the_changelog_knows_the_version() {
    let version = format!("[{}]", env!("CARGO_PKG_VERSION"));
    assert!(text("CHANGELOG.md").contains(&version), "CHANGELOG.md has a heading for {version}, the version in Cargo.toml.");
}

/// `fuzz` is a workspace of its own, which no other test builds.
#[test]
fn fuzzing_has_the_dependencies_of_the_gateway() {
    let (settings, locked) = (text("Cargo.toml"), text("fuzz/Cargo.lock"));
    let (_, after) = settings.split_once("\n[dependencies]\n").unwrap();
    let of_feature = settings.lines().find(|line| line.starts_with("ring = [")).unwrap();
    let wanted: BTreeSet<&str> = after
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| {
            let (name, rest) = line.split_once(" = ")?;
            (of_feature.contains(&format!("\"dep:{name}\"")) || !rest.contains("optional = true")).then_some(name)
        })
        .collect();
    let (_, after) = locked.split_once("\nname = \"portcullis\"\n").unwrap();
    let names = after.lines().skip_while(|line| *line != "dependencies = [").skip(1).take_while(|line| *line != "]");
    let found: BTreeSet<&str> = names.filter_map(|line| line.trim_matches([' ', '"', ',']).split(' ').next()).collect();
    assert!(wanted.contains("pingora") && wanted.len() > 20, "{wanted:?}");
    let breaches: Vec<_> = wanted.symmetric_difference(&found).map(|name| (*name).to_owned()).collect();
    holds(&breaches, "fuzz/Cargo.lock locks what Cargo.toml asks for: `cd fuzz && cargo update --offline -p portcullis`.");
}

/// The rules can fail.
mod themselves {
    use super::*;

    #[test]
    fn tables_are_read_cell_by_cell() {
        let document = "| Scheme | What |\n|---|:--|\n| `a` | one \\| two |\n\n| Other |\n|---|\n| `b` |\n";
        assert_eq!(table(document, "Scheme"), [["`a`", "one ¦ two"]]);
        assert_eq!(codes("`a`, then `b c`"), ["a", "b c"]);
    }

    #[test]
    fn a_wrong_default_is_found() {
        let row = |name: &str, value: &str| format!("| Setting | Default |\n|---|---|\n| `{name}` | `{value}` |\n");
        let only = |name: &str| defaults().into_iter().filter(|(known, _)| *known == name).collect::<BTreeMap<_, _>>();
        let wrong = |name: &'static str, value: &str| wrong_defaults("x.md", &row(name, value), only(name)).len();
        assert_eq!((wrong("max_head_size", "32KiB"), wrong("max_head_size", "32768B"), wrong("max_head_size", "32")), (0, 0, 1));
        assert_eq!(
            (wrong("head_timeout", "1m"), wrong("head_timeout", "60"), wrong("max_fields", "100"), wrong("max_fields", "101")),
            (0, 1, 0, 1)
        );
        assert_eq!(wrong_defaults("x.md", &row("retries", "1"), only("interval")).len(), 1);
        assert_eq!(around_section("a\n### b\nc\n\n## d\n", "### b\n"), ("a\n", "c\n", "\n## d\n"));
    }

    #[test]
    fn calls_are_found_where_a_command_may_stand() {
        assert_eq!(calls("KEY=x target/release/portcullis run -c a.yaml & # then"), [["run", "-c", "a.yaml"]]);
        assert_eq!(
            calls("TOKEN=$(portcullis token swt mint --issuer x) | portcullis check"),
            [vec!["token", "swt", "mint", "--issuer", "x"], vec!["check"]]
        );
        assert_eq!(calls("systemctl reload portcullis; docker run portcullis check"), [] as [Vec<&str>; 0]);
    }

    #[test]
    fn a_command_that_does_not_exist_is_found() {
        let mut helps = Helps::default();
        assert_eq!(helps.judge(&["run", "--config", "x"]), None);
        assert_eq!(helps.judge(&["--version"]), None);
        assert!(helps.judge(&["walk"]).is_some() && helps.judge(&["run", "--fast"]).is_some() && helps.judge(&["run", "--conf"]).is_some());
    }
}
