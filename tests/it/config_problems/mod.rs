//! Configuration files with problems, each with the report that it must get beside it (`name.yaml`, `name.txt`).
//!
//! `PORTCULLIS_TEST_WRITE_REPORTS=1` writes the reports instead of comparing them, to be read before they are kept.

use crate::support::programs::{outcome, project};
use portcullis::setting::Environment;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What reads a configuration; the file's name follows.
const COMMAND: [&str; 2] = ["check", "--config"];

fn folder() -> PathBuf {
    project("tests/it/config_problems")
}

fn names() -> Vec<String> {
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let all = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = all.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")).map(|path| stem(&path)).collect();
    names.sort();
    names
}

/// The report on a file, as its reader sees it.
async fn report(name: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let command = command.args(COMMAND).arg(format!("{name}.yaml")).current_dir(folder());
    let command = command.env("SET_BUT_EMPTY", "").env("A_PORT", "eighty").env_remove("UNSET_FOR_SURE");
    let outcome = outcome(command).await;
    assert_eq!(outcome.status.code(), Some(1), "{name}: {outcome:#?}");
    assert_eq!(outcome.stdout, "", "{name}");
    outcome.stderr + "\n"
}

#[tokio::test]
async fn each_bad_file_gets_exactly_the_report_beside_it() {
    let write = Environment::Process.value("PORTCULLIS_TEST_WRITE_REPORTS").is_some();
    let mut wrong = Vec::new();
    for name in names() {
        let (beside, found) = (folder().join(format!("{name}.txt")), report(&name).await);
        if write {
            std::fs::write(&beside, &found).unwrap();
        }
        let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
        if found != wanted {
            wrong.push(format!("{name}: found\n{found}instead of\n{wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names().len() >= 20, "the files are there");
}

#[tokio::test]
async fn each_problem_has_a_place_and_says_what_was_found_and_what_was_expected() {
    for name in names() {
        let report = report(&name).await;
        let mut lines: Vec<_> = report.lines().collect();
        let count = lines.pop().unwrap();
        assert_eq!(count, if lines.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", lines.len()) }, "{name}");
        for line in lines {
            let place = line.strip_prefix(&format!("{name}.yaml:")).unwrap_or_else(|| panic!("{name}: {line}"));
            let mut parts = place.splitn(3, ':');
            let [row, column] = [parts.next(), parts.next()].map(|part| part.unwrap().parse::<u32>().unwrap());
            assert!(row >= 1 && column >= 1, "{name}: {line}");
            let text = parts.next().unwrap();
            assert!(text.starts_with(" found ") && text.contains(", expected "), "{name}: {line}");
        }
    }
}

#[tokio::test]
async fn no_report_repeats_a_secret() {
    for name in names() {
        let report = report(&name).await;
        assert!(!report.contains("c2VjcmV0"), "{name}: {report}");
    }
}

#[tokio::test]
async fn a_gateway_does_not_start_with_a_problem_and_says_the_same() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let refused = outcome(command.args(["run", "--config", "unknown_names.yaml"]).current_dir(folder())).await;
    assert_eq!((refused.status.code(), refused.stderr + "\n"), (Some(1), report("unknown_names").await));
}
