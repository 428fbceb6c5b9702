//! The rules of this house, as tests that say why.

mod papers;
mod source;

use source::{Field, Function, Source, words};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files that may be longer than [`LONGEST_FILE`], with the reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// The most lines of a file before its tests.
const LONGEST_FILE: usize = 400;

/// Functions that may be longer than [`LONGEST_FUNCTION`], as `path name`, with the reason.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];
/// The most lines of a function, its first and last included.
const LONGEST_FUNCTION: usize = 60;
/// The most lines of half of the functions.
const MEDIAN_FUNCTION: usize = 8;

/// The most `String` fields in a hundred, outside [`WORDY_ROOMS`].
const MOST_STRINGS: f64 = 2.0;
/// The most `Option` fields in a hundred, outside [`WORDY_ROOMS`].
const MOST_OPTIONS: f64 = 12.0;
/// Rooms whose business is text that people write or read.
const WORDY_ROOMS: &[&str] = &["config", "setting", "cli"];

/// Words that say nothing about what a thing is or does.
const EMPTY_NAMES: &[&str] = &["helper", "helpers", "util", "utils", "common", "manager", "misc"];
/// Verbs that say nothing about what a function does.
const EMPTY_VERBS: &[&str] = &["get_", "handle_", "process_", "do_"];
/// Names that traits of others force on us.
const FORCED_NAMES: &[&str] = &[
    "process_new",
    "process_new_http",
    "get_read_timeout",
    "get_write_timeout",
    "get_total_drain_timeout",
    "get_retry_buffer",
    "get_timing_digest",
    "get_proxy_digest",
    "get_socket_digest",
];

/// The folder of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project, as text.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder whose names the filter likes, relative to the project.
fn files(folder: &str, likes: &dyn Fn(&str) -> bool) -> Vec<String> {
    const NOT_OURS: &[&str] = &["target", "node_modules", ".git"];
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                folders.push(path);
            } else if path.is_file() && likes(&name) {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file below some folders.
fn sources(folders: &[&str]) -> Vec<Source> {
    let rust = |name: &str| name.ends_with(".rs");
    folders.iter().flat_map(|folder| files(folder, &rust)).map(|path| Source::new(&path, &text(&path))).collect()
}

/// Every file of the program, without those that are there for tests only.
fn program() -> Vec<Source> {
    let all = sources(&["src"]);
    let tests: BTreeSet<String> = all.iter().flat_map(Source::test_files).collect();
    // What stands in the folder of a file for tests is for tests, too.
    let below =
        |path: &str| tests.iter().any(|test| path.strip_prefix(test.trim_end_matches(".rs")).is_some_and(|rest| rest.starts_with('/')));
    all.into_iter().filter(|source| !tests.contains(&source.path) && !below(&source.path)).collect()
}

/// Fails naming each breach, with the reason of the rule.
#[track_caller]
fn holds(breaches: &[String], reason: &str) {
    assert!(breaches.is_empty(), "{reason}\n  {}", breaches.join("\n  "));
}

/// The arrows between rooms, as the table in ARCHITECTURE.md draws them.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let document = text("ARCHITECTURE.md");
    let rows = papers::table(&document, "May use");
    rows.iter().map(|row| (papers::codes(&row[0]).remove(0), papers::codes(&row[2]).into_iter().collect())).collect()
}

#[test]
fn rooms_use_only_the_rooms_that_the_picture_allows() {
    let arrows = arrows();
    let mut drawn: BTreeSet<(String, String)> = BTreeSet::new();
    let mut breaches = Vec::new();
    for source in program() {
        let Some(room) = source.room() else { continue };
        let Some(allowed) = arrows.get(&room) else {
            breaches.push(format!("{}: the room `{room}` is not in the table", source.path));
            continue;
        };
        for (line, target) in source.imports() {
            if target != room && !allowed.contains(&target) {
                breaches.push(format!("{}:{line}: `{room}` uses `{target}`", source.path));
            }
            drawn.insert((room.clone(), target));
        }
        breaches
            .extend(source.escapes().into_iter().map(|line| format!("{}:{line}: leaves its room by `super`; say `crate::`", source.path)));
    }
    for (room, allowed) in &arrows {
        let unused = allowed.iter().filter(|target| !drawn.contains(&(room.clone(), (*target).clone())));
        breaches.extend(unused.map(|target| format!("ARCHITECTURE.md: `{room}` may use `{target}` and does not")));
    }
    holds(
        &breaches,
        "A verifier that can reach the session, or a token that can reach the network, cannot be reasoned about: arrows stand in ARCHITECTURE.md, and both change together.",
    );
}

/// Lines of program code in which one of these words stands, outside the places where it may.
fn mentions(unwanted: &[&str], folders: &[&str], allowed: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources(folders).iter().filter(|source| !allowed(&source.path)) {
        for (index, line) in source.code.lines().enumerate() {
            let found = unwanted.iter().filter(|unwanted| source::mentions(line, unwanted));
            breaches.extend(found.map(|word| format!("{}:{}: {word}", source.path, index + 1)));
        }
    }
    breaches
}

#[test]
fn pingora_is_named_in_one_room() {
    let allowed = |path: &str| path.starts_with("src/gateway/") || path == "benches/bare.rs";
    holds(
        &mentions(&["pingora"], &["src", "benches", "loadtest", "tests"], &allowed),
        "Only src/gateway knows the framework (and the bare proxy that it is measured beside): everything else can be tested without a socket.",
    );
}

#[test]
fn the_crypto_library_is_named_in_one_file() {
    let allowed = |path: &str| path == "src/crypto/provider/mod.rs";
    holds(
        &mentions(&["aws_lc_rs", "ring", "aes_kw"], &["src", "benches", "loadtest"], &allowed),
        "Only src/crypto/provider/mod.rs names the crypto library (the files beside it say `backend`), so that it can be exchanged and audited in one place.",
    );
}

#[test]
fn time_is_read_in_one_file() {
    let allowed = |path: &str| path == "src/clock.rs";
    holds(
        &mentions(&["SystemTime::now", "Instant::now", "Utc::now", "Zoned::now", "Timestamp::now"], &["src"], &allowed),
        "Time is handed in: what reads the clock itself cannot be tested at another time. Call crate::clock.",
    );
}

#[test]
fn every_file_opens_with_one_sentence() {
    let rust = sources(&["src", "benches", "loadtest", "tests"]);
    let breaches: Vec<_> = rust.iter().filter(|source| !source.opens_with_a_sentence()).map(|source| source.path.clone()).collect();
    holds(&breaches, "A file opens with one `//!` sentence that says what it is; a file that cannot be told in one sentence is two files.");
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<usize> = Vec::new();
    let mut breaches = Vec::new();
    for source in program().into_iter().chain(sources(&["benches", "loadtest"])) {
        let length = source.code.lines().count();
        lengths.push(length);
        let excepted = LONG_FILES.iter().any(|(path, _)| *path == source.path);
        if (length > LONGEST_FILE) != excepted {
            breaches.push(format!(
                "{}: {length} lines before its tests{}",
                source.path,
                if excepted { ", needs no exception" } else { "" }
            ));
        }
    }
    println!("files: {}, median {} lines before tests, longest {}", lengths.len(), quantile(&mut lengths, 50), quantile(&mut lengths, 100));
    holds(&breaches, "A file of more than 400 lines before its tests is several files; or put it into LONG_FILES with the reason.");
}

#[test]
fn functions_are_short() {
    let program = program();
    let functions: Vec<(&Source, Function)> =
        program.iter().flat_map(|source| source.functions().into_iter().map(move |function| (source, function))).collect();
    let mut lengths: Vec<usize> = functions.iter().map(|(_, function)| function.lines).collect();
    let (median, p90, p99) = (quantile(&mut lengths, 50), quantile(&mut lengths, 90), quantile(&mut lengths, 99));
    println!("functions: {}, lines: median {median}, p90 {p90}, p99 {p99}, longest {}", lengths.len(), quantile(&mut lengths, 100));
    let mut breaches = Vec::new();
    for (Source { path, .. }, Function { name, line, lines }) in &functions {
        let excepted = LONG_FUNCTIONS.iter().any(|(known, _)| *known == format!("{path} {name}"));
        if *lines > LONGEST_FUNCTION && !excepted {
            breaches.push(format!("{path}:{line}: {name} has {lines} lines"));
        }
    }
    if median > MEDIAN_FUNCTION {
        breaches.push(format!("the median is {median} lines"));
    }
    holds(&breaches, "A function of more than 60 lines does several things; half of all functions take 8 lines or fewer.");
}

fn quantile(numbers: &mut [usize], percent: usize) -> usize {
    numbers.sort_unstable();
    let rank = (numbers.len() * percent).div_ceil(100).max(1);
    numbers.get(rank - 1).copied().unwrap_or_default()
}

#[test]
fn few_fields_own_text_or_may_be_absent() {
    let wordy = |source: &Source| source.room().is_some_and(|room| WORDY_ROOMS.contains(&room.as_str()));
    let program = program();
    let fields: Vec<(&Source, Field)> = program
        .iter()
        .filter(|source| !wordy(source))
        .flat_map(|source| source.fields().into_iter().map(move |field| (source, field)))
        .collect();
    let mut breaches = Vec::new();
    for (name, most, counts) in [
        ("String", MOST_STRINGS, &(|kind: &str| source::mentions(kind, "String")) as &dyn Fn(&str) -> bool),
        ("Option", MOST_OPTIONS, &|kind: &str| kind.starts_with("Option<")),
    ] {
        let found: Vec<_> = fields.iter().filter(|(_, field)| counts(&field.kind)).collect();
        let share = 100.0 * found.len() as f64 / fields.len() as f64;
        println!("fields: {}, of them {name}: {} ({share:.1} %)", fields.len(), found.len());
        if share > most {
            let places = found.iter().map(|(source, field)| format!("{}:{}: {}", source.path, field.line, field.kind));
            breaches.push(format!("{name}: {share:.1} % of the fields, at most {most} %"));
            breaches.extend(places);
        }
    }
    holds(
        &breaches,
        "Text is borrowed or boxed, and a state is an enum: a struct of options makes every reader guess which phase has run.",
    );
}

#[test]
fn names_say_what_a_thing_is_or_does() {
    let mut breaches = Vec::new();
    for source in sources(&["src", "benches", "loadtest", "tests"]) {
        let parts = source.path.split(['/', '.']);
        breaches.extend(parts.filter(|part| EMPTY_NAMES.contains(part)).map(|part| format!("{}: `{part}`", source.path)));
        for Function { name, line, .. } in source.functions() {
            if EMPTY_VERBS.iter().any(|verb| name.starts_with(verb)) && !FORCED_NAMES.contains(&name.as_str()) {
                breaches.push(format!("{}:{line}: fn {name}", source.path));
            }
        }
    }
    holds(
        &breaches,
        "Files are nouns and functions are verbs from the table in ARCHITECTURE.md; get, handle, process and helper say nothing.",
    );
}

#[test]
fn every_verb_of_the_table_is_used() {
    let document = text("ARCHITECTURE.md");
    let program = program();
    let names: BTreeSet<String> = program.iter().flat_map(Source::functions).map(|function| function.name).collect();
    let verbs = papers::table(&document, "Never").iter().flat_map(|row| papers::codes(&row[0])).collect::<Vec<_>>();
    assert!(verbs.len() > 8, "the table of verbs is gone from ARCHITECTURE.md");
    let used = |verb: &String| names.iter().any(|name| name == verb || name.starts_with(&format!("{verb}_")));
    let breaches: Vec<_> = verbs.iter().filter(|verb| !used(verb)).cloned().collect();
    holds(&breaches, "One verb, one meaning: the table in ARCHITECTURE.md lists the verbs that functions of this code have.");
}

#[test]
fn the_compiler_guards_what_it_can() {
    let manifest = text("Cargo.toml");
    let lints = [
        "unsafe_code = \"forbid\"",
        "missing_docs = \"deny\"",
        "unwrap_used = \"deny\"",
        "expect_used = \"deny\"",
        "panic = \"deny\"",
        "indexing_slicing = \"deny\"",
        "as_conversions = \"deny\"",
        "wildcard_enum_match_arm = \"deny\"",
        "await_holding_lock = \"deny\"",
        "allow_attributes_without_reason = \"deny\"",
        "disallowed_methods = \"deny\"",
        "fn_params_excessive_bools = \"deny\"",
    ];
    let breaches: Vec<_> = lints.iter().filter(|lint| !manifest.lines().any(|line| line == **lint)).map(ToString::to_string).collect();
    holds(&breaches, "Rules that the compiler can check stand in Cargo.toml [lints], and do not quietly leave it.");
}

#[test]
fn the_folder_of_schemes_is_the_registry() {
    const OTHERS: &[&str] = &[
        "battery.rs",
        "bearer",
        "challenge.rs",
        "content.rs",
        "evidence.rs",
        "external.rs",
        "mismatch.rs",
        "mod.rs",
        "principal.rs",
        "refusal.rs",
        "registry.rs",
    ];
    let entries = std::fs::read_dir(root().join("src/scheme")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folder: BTreeSet<String> =
        names.filter(|name| !OTHERS.contains(&name.as_str())).map(|name| name.trim_end_matches(".rs").to_owned()).collect();
    let registry: BTreeSet<String> = portcullis::scheme::KINDS.iter().map(|(kind, _, _)| (*kind).to_owned()).collect();
    assert_eq!(folder, registry, "A scheme is one file or folder in src/scheme and one line in its registry.");
}

#[test]
fn the_project_speaks_of_itself() {
    const KINDS: &[&str] = &["rs", "md", "yaml", "yml", "toml", "sh", "js", "ts", "py", "service", "Dockerfile", "Makefile"];
    let ours = |name: &str| KINDS.contains(&name.rsplit('.').next().unwrap_or_default());
    let mut breaches = Vec::new();
    // The words stand in this file, so this file is not searched.
    for path in files("", &ours).iter().filter(|path| !path.starts_with("tests/it/house_rules")) {
        for (index, line) in text(path).lines().enumerate() {
            breaches.extend(foreign(line, path).map(|word| format!("{path}:{}: {word}", index + 1)));
        }
    }
    holds(&breaches, "The project speaks of itself, not of the place where it was made or of those who made it.");
}

/// What on a line is not about the project.
fn foreign<'w>(line: &str, path: &str) -> impl Iterator<Item = &'w str> {
    const PLACES: &[&str] = &[concat!("/", "work/"), "/root/", "/home/", "/tmp/"];
    const WORDS: &[&str] = &["prompt", "prompts", "agent", "agents", "worktree", "chatbot"];
    // In code these are the framework's type and TLS; in prose they would be something else.
    const WORDS_OF_PROSE: &[&str] = &["session", "sessions"];
    let line =
        line.to_ascii_lowercase().replace("user-agent", "").replace("user_agent", "").replace("user agent", "").replace("tls session", "");
    let prose = if path.ends_with(".md") || path.ends_with(".yaml") { WORDS_OF_PROSE } else { &[] };
    // A folder inside an image or a test is no place on somebody's machine.
    let places = if path.ends_with(".md") {
        PLACES
    } else if path.starts_with("tests/") {
        &PLACES[..1]
    } else {
        &PLACES[..3]
    };
    let is_there: Vec<&'w str> = places.iter().filter(|place| line.contains(**place)).copied().collect();
    // Code names things of HTTP and of the framework; what people tell each other stands in comments.
    let told = if path.ends_with(".rs") { line.split_once("//").map_or("", |(_, comment)| comment) } else { &line };
    let words: BTreeSet<String> = words(told).map(str::to_owned).collect();
    is_there.into_iter().chain(WORDS.iter().chain(prose).filter(move |word| words.contains(**word)).copied())
}

/// The rules can fail.
mod themselves {
    use super::*;

    const BAD: &str = r##"// No sentence here.
use crate::{clock, gateway::serve, route};
use super::super::super::thing;

/// Says "pingora" in a comment, which is fine.
struct Bag<'a> {
    /// Owned.
    name: String,
    pub(crate) perhaps: Option<Vec<String>>,
    borrowed: &'a str,
    map: std::collections::HashMap<u8, (u8, u8)>,
}

enum Kind {
    One,
    Two(Option<u8>, u8),
    Three { text: String },
}

struct Pair(String, pub u8);

fn short() -> [u8; 2] { [1, 2] }

fn get_long<T>(quote: char) -> &'static str
where
    T: Fn(u8) -> u8,
{
    if quote == '{' || quote == '\'' {
        return "fn not_a_function() { // pingora";
    }
    /* { fn neither() { /* nested */ } */
    r#"pingora "quoted" {"#
}

#[cfg(test)]
mod tests {
    fn in_tests() { crate::gateway::run(); Instant::now(); }
}
"##;

    fn bad() -> Source {
        Source::new("src/scheme/wrap/bad.rs", BAD)
    }

    #[test]
    fn imports_are_found_in_groups_and_in_paths_but_not_in_tests() {
        assert_eq!(bad().imports(), [(2, "clock".to_owned()), (2, "gateway".to_owned()), (2, "route".to_owned())]);
        let path = Source::new("src/store/x.rs", "//! X.\nfn f() -> crate::token::Claims { $crate::token::x() }\n");
        assert_eq!(path.imports(), [(2, "token".to_owned()), (2, "token".to_owned())]);
        assert_eq!(path.room().as_deref(), Some("store"));
    }

    #[test]
    fn leaving_a_room_by_super_is_found() {
        assert_eq!(bad().escapes(), [3]);
        let inside = Source::new("src/scheme/wrap/bad.rs", "use super::super::Refusal;\n");
        assert_eq!(inside.escapes(), [] as [usize; 0]);
        assert_eq!(Source::new("src/scheme/mod.rs", "use super::clock;\n").escapes(), [1]);
        assert_eq!(Source::new("src/scheme/evidence.rs", "use super::Challenge;\n").escapes(), [] as [usize; 0]);
    }

    #[test]
    fn functions_are_measured() {
        let told: Vec<_> = bad().functions().into_iter().map(|function| (function.name, function.line, function.lines)).collect();
        assert_eq!(told, [("short".to_owned(), 22, 1), ("get_long".to_owned(), 24, 10)]);
    }

    #[test]
    fn fields_are_found_with_their_types() {
        let kinds: Vec<_> = bad().fields().into_iter().map(|field| field.kind).collect();
        let expected = [
            "String",
            "Option<Vec<String>>",
            "&'a str",
            "std::collections::HashMap<u8, (u8, u8)>",
            "String",
            "u8",
            "Option<u8>",
            "u8",
            "String",
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn comments_texts_and_tests_are_not_code() {
        let code = bad().code;
        assert!(!code.contains("pingora") && !code.contains("Instant") && !code.contains("No sentence"), "{code}");
        assert!(source::mentions("use pingora::Session;", "pingora") && !source::mentions("pingora_like", "pingora"));
        assert!(source::mentions("std::time::Instant::now()", "Instant::now") && !source::mentions("string", "ring"));
    }

    #[test]
    fn a_missing_sentence_is_found() {
        assert!(!bad().opens_with_a_sentence());
        for (opening, fine) in [
            ("//! One.\n", true),
            ("//! One\n//! sentence.\n\nuse x;\n", true),
            ("//! None\nuse x;\n", false),
            ("\n//! Late.\n", false),
            ("//! .\n", false),
        ] {
            assert_eq!(Source::new("src/x.rs", opening).opens_with_a_sentence(), fine, "{opening:?}");
        }
    }

    #[test]
    fn files_for_tests_are_known() {
        let source = Source::new("src/route/mod.rs", "#[cfg(test)]\nmod attacks;\nmod form;\n#[cfg(test)]\n#[path = \"x\"]\nmod other;\n");
        assert_eq!(
            source.test_files(),
            ["src/route/attacks.rs", "src/route/attacks/mod.rs", "src/route/other.rs", "src/route/other/mod.rs"]
        );
        let source = Source::new("src/route/table.rs", "#[cfg(test)]\nmod tests;\n");
        assert_eq!(source.test_files(), ["src/route/table/tests.rs", "src/route/table/tests/mod.rs"]);
    }

    #[test]
    fn foreign_words_are_found() {
        let told = |line: &str, path: &str| foreign(line, path).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(told("let x = 1; // as the prompt in /home/x says", "src/a.rs"), ["/home/", "prompt"]);
        assert_eq!(told("let agent = 1; // the User-Agent field, user_agent, promptly, a session", "src/a.rs"), [] as [&str; 0]);
        assert_eq!(told("this session", "README.md"), ["session"]);
    }

    #[test]
    fn quantiles_are_ranks() {
        assert_eq!((quantile(&mut [3, 1, 2], 50), quantile(&mut [1; 100], 99), quantile(&mut [5], 100)), (2, 1, 5));
    }
}
