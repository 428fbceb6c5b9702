//! The published list names every attack test, and only tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

/// A row of the list: its number and the tests it names.
struct Row {
    number: String,
    tests: Vec<String>,
}

fn rows() -> Vec<Row> {
    let list = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/attacks.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let row = |line: &str| {
        let cells = cells(line);
        let [number, attack, answer, tests] = cells.as_slice() else { panic!("not four cells: {line}") };
        assert!(attack.ends_with('.') && answer.ends_with('.'), "no sentence: {line}");
        let tests = tests.split('`').filter(|part| part.starts_with("t_")).map(str::to_owned).collect();
        Row { number: number.clone(), tests }
    };
    list.lines().filter(|line| line.starts_with("| T-")).map(row).collect()
}

/// The names of all functions below a folder that are named like attack tests.
fn attack_tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            attack_tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter_map(|line| line.trim().trim_start_matches("async ").strip_prefix("fn t_"));
            let named = lines.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            found.extend(named.map(|rest| format!("t_{}", rest.split('(').next().unwrap())));
        }
    }
}

fn tests_below(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    attack_tests(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found
}

#[test]
fn every_listed_test_exists() {
    let (wire, units) = (tests_below("tests"), tests_below("src"));
    for row in rows() {
        assert!(!row.tests.is_empty(), "{} names no test", row.number);
        for test in &row.tests {
            assert!(wire.contains(test) || units.contains(test), "{}: there is no {test}", row.number);
            let number = row.number.trim_start_matches("T-");
            assert!(test.starts_with(&format!("t_{number}_")), "{test} stands at {}", row.number);
        }
    }
}

#[test]
fn every_test_on_the_wire_is_listed_once() {
    let listed: Vec<String> = rows().into_iter().flat_map(|row| row.tests).collect();
    let distinct: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), distinct.len(), "a test is listed twice");
    let wire = tests_below("tests");
    let missing: Vec<_> = wire.difference(&distinct).collect();
    assert!(missing.is_empty(), "not in docs/attacks.md: {missing:?}");
}

#[test]
fn every_number_with_a_test_has_a_row_in_order() {
    let numbers: Vec<u32> = rows().iter().map(|row| row.number.trim_start_matches("T-").parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    for test in tests_below("src") {
        let number: u32 = test.split('_').nth(1).unwrap().parse().unwrap();
        assert!(numbers.contains(&number), "{test} has no row");
    }
}
