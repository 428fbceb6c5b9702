//! `portcullis schema`: what may stand in a configuration file, for editors.

use super::failure::Failure;
use super::terminal::print;
use crate::config::document::Document;
use clap::Args;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

/// Print the JSON Schema of the configuration file.
///
/// Draft 2020-12, for editors that complete and check YAML while you write: put the output into a file
/// and name it in the first line of the configuration,
/// `# yaml-language-server: $schema=portcullis.schema.json`.
/// It knows names and kinds of values; only `portcullis check` knows whether the whole holds together.
#[derive(Args)]
pub(super) struct Schema {}

impl Schema {
    #[allow(clippy::unused_self, reason = "every command runs in the same way")]
    pub(super) fn run(self) -> Result<(), Failure> {
        print(&text()?)
    }
}

const ABOUT: &str = "The configuration of Portcullis. Every text, number and truth value may also be `${NAME}`, which the \
environment fills in; `$${` stands for a plain `${`. Relative file names are relative to the configuration file.";

/// A text with a place for a value of the environment.
const FILLED: &str = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}";

fn text() -> Result<String, String> {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".to_owned(), "Portcullis configuration".into());
    schema.insert("description".to_owned(), ABOUT.into());
    AdmitFilled.transform(&mut schema);
    let text = serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// Lets `${NAME}` stand wherever a scalar is asked for that is not just any text.
#[derive(Clone)]
struct AdmitFilled;

impl Transform for AdmitFilled {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        transform_subschemas(self, schema);
        if let Some(written) = schema.get("pattern").and_then(Value::as_str) {
            let pattern = format!("{written}|{FILLED}");
            schema.insert("pattern".to_owned(), pattern.into());
        } else if let Some(kinds) = with_text(schema.get("type")) {
            schema.insert("type".to_owned(), kinds);
            schema.insert("pattern".to_owned(), FILLED.into());
        } else if let Some(Value::Array(choices)) = schema.get_mut("oneOf")
            && choices.iter().any(is_name)
        {
            choices.push(json!({ "type": "string", "pattern": FILLED }));
        }
    }
}

/// Whether a choice is a word, as those of an enum are.
fn is_name(choice: &Value) -> bool {
    choice.get("const").or_else(|| choice.get("enum")).is_some()
}

/// The kinds of a scalar that is no text, and text.
fn with_text(kinds: Option<&Value>) -> Option<Value> {
    let kinds: Vec<&str> = match kinds? {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let is_scalar = kinds.iter().all(|kind| matches!(*kind, "integer" | "number" | "boolean" | "null")) && kinds != ["null"];
    let kinds: Vec<&str> = kinds.into_iter().chain(["string"]).collect();
    is_scalar.then(|| json!(kinds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::config::document::{Limits, LogSink, Logging, Upstream};
    use crate::setting::{Environment, Period};
    use jsonschema::Validator;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    const ENVIRONMENT: Environment =
        Environment::Fixed(&[("PORTCULLIS_KEY_FILE", "swt.key"), ("LEGACY_KEY", "x"), ("WEIGHT", "2"), ("LEVEL", "warn")]);

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
    }

    fn read(name: &str) -> String {
        std::fs::read_to_string(folder().join(name)).unwrap()
    }

    fn shipped() -> Vec<(String, String)> {
        let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.filter(|name| name.ends_with(".yaml")).collect();
        names.sort();
        names.into_iter().map(|name| (name.clone(), read(&name))).collect()
    }

    fn schema() -> Value {
        serde_json::from_str(&text().unwrap()).unwrap()
    }

    fn validator() -> Validator {
        jsonschema::draft202012::new(&schema()).unwrap()
    }

    fn yaml(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn the_committed_schema_is_the_one_printed() {
        assert_eq!(read("portcullis.schema.json"), text().unwrap(), "write it anew: portcullis schema > config/portcullis.schema.json");
    }

    #[test]
    fn it_is_a_schema() {
        let schema = schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(jsonschema::meta::is_valid(&schema));
    }

    #[test]
    fn every_shipped_configuration_satisfies_it_and_decodes() {
        let validator = validator();
        let shipped = shipped();
        assert!(shipped.len() >= 2);
        for (name, text) in shipped {
            let problems: Vec<_> = validator.iter_errors(&yaml(&text)).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(problems.is_empty(), "{name}: {problems:#?}");
            config::decode::<Document>(&text, ENVIRONMENT).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        }
    }

    #[test]
    fn shipped_configurations_name_a_schema_that_is_there() {
        for (name, text) in shipped() {
            let named = text.lines().find_map(|line| line.strip_prefix("# yaml-language-server: $schema="));
            assert!(named.is_some_and(|file| folder().join(file).exists()), "{name}");
        }
    }

    /// Every key of every mapping, misspelt, is refused by the schema as it is by the decoder.
    #[test]
    fn a_misspelt_key_fails_it() {
        let validator = validator();
        let whole = yaml(&read("reference.yaml"));
        let mut tried = 0;
        for path in keys(&whole) {
            let mut misspelt = whole.clone();
            let (parent, key) = path.rsplit_once('/').unwrap();
            let parent = misspelt.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let value = parent.remove(key).unwrap();
            parent.insert(format!("{key}x"), value);
            let named_by_the_operator = ["/schemes", "/upstreams", "/claims", "/identity/fields", "/subjects", "/structured_fields"]
                .iter()
                .any(|names| path.rsplit_once('/').unwrap().0.ends_with(names));
            assert_eq!(validator.is_valid(&misspelt), named_by_the_operator, "{path}");
            tried += 1;
        }
        assert!(tried > 80, "{tried}");
    }

    /// JSON pointers to every key; names with a slash, which only claims have, are left out.
    fn keys(value: &Value) -> Vec<String> {
        let below = |key: &str, inner: &Value| {
            let inside = keys(inner).into_iter().map(|path| format!("/{key}{path}"));
            inside.collect::<Vec<_>>()
        };
        match value {
            Value::Object(entries) => {
                let named = entries.iter().filter(|(key, _)| !key.contains('/'));
                named.flat_map(|(key, inner)| std::iter::once(format!("/{key}")).chain(below(key, inner))).collect()
            }
            Value::Array(items) => items.iter().enumerate().flat_map(|(index, item)| below(&index.to_string(), item)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }

    #[test]
    fn the_reference_names_every_key() {
        let schema = schema();
        let mut properties = BTreeSet::new();
        collect_properties(&schema, &mut properties);
        let reference = yaml(&read("reference.yaml"));
        let written: BTreeSet<_> = keys(&reference).into_iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
        let missing: Vec<_> = properties.difference(&written).collect();
        assert!(properties.len() > 70 && missing.is_empty(), "{missing:?}");
    }

    fn collect_properties(schema: &Value, properties: &mut BTreeSet<String>) {
        if let Some(Value::Object(named)) = schema.get("properties") {
            properties.extend(named.keys().cloned());
        }
        match schema {
            Value::Object(entries) => entries.values().for_each(|inner| collect_properties(inner, properties)),
            Value::Array(items) => items.iter().for_each(|inner| collect_properties(inner, properties)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Where the reference says `default`, it is.
    #[test]
    fn the_reference_shows_the_defaults() {
        let reference: Document = config::decode(&read("reference.yaml"), ENVIRONMENT).unwrap_or_else(|problems| panic!("{problems:?}"));
        let bare = "listeners: []\nroutes: []\nupstreams: { plain: { servers: [], health_check: {} } }";
        let bare: Document = config::decode(bare, ENVIRONMENT).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(limits(&reference.limits), limits(&bare.limits));
        let Logging { access, events: _, level, decisions } = reference.logging;
        assert_eq!(Logging { access, events: LogSink::Stderr, level, decisions }, bare.logging);
        assert_eq!(reference.graceful_stop, bare.graceful_stop);
        assert_eq!(reference.path_parameters, bare.path_parameters);
        assert_eq!(upstream(&reference.upstreams["plain"]), upstream(&bare.upstreams["plain"]));
    }

    fn limits(limits: &Limits) -> String {
        without_places(&format!("{limits:?}"))
    }

    fn upstream(upstream: &Upstream) -> (String, [Period; 4], u32) {
        let Upstream { balance, protocol, host, health_check, connect_timeout, read_timeout, write_timeout, idle_timeout, retries, .. } =
            upstream;
        let health = health_check.as_ref().map(|check| (check.interval, check.healthy_after, check.unhealthy_after));
        (
            format!("{balance:?} {protocol:?} {host:?} {health:?}"),
            [(*connect_timeout).into(), (*read_timeout).into(), (*write_timeout).into(), *idle_timeout],
            **retries,
        )
    }

    fn without_places(debug: &str) -> String {
        debug.split("at: Position { line: ").map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest)).collect()
    }

    #[test]
    fn values_of_the_environment_may_stand_for_numbers_and_periods() {
        let validator = validator();
        let valid = |limits: &str| validator.is_valid(&yaml(&format!("listeners: []\nroutes: []\n{limits}")));
        assert!(valid("limits: { max_fields: '${MAX_FIELDS}', head_timeout: '${WAIT}s', max_head_size: '${SIZE}' }"));
        assert!(valid("workers: '${WORKERS}'\nlogging: { level: '${LEVEL}', access: '${SINK}' }"));
        assert!(valid("limits: { max_fields: 7, head_timeout: 7s, max_head_size: 7KiB }"));
        for wrong in [
            "limits: { max_fields: many }",
            "limits: { max_fields: '7' }",
            "limits: { head_timeout: 7 }",
            "limits: { head_timeout: '${}s' }",
            "workers: -1",
        ] {
            assert!(!valid(wrong), "{wrong}");
        }
    }
}
